//! A store that is locked, tampered with, foreign or badly placed; `relman audit` and `relman doctor`.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::ready;
use crate::support::env::TestEnv;
use crate::support::wait;

fn open(env: &TestEnv) -> Connection {
    Connection::open(env.path("state/relman.db")).unwrap()
}

#[test]
fn a_store_that_stays_locked_is_given_up_with_the_name_of_the_holder() {
    let env = ready();
    let holder = open(&env);
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();

    let reading = env.run(&["release", "list"]).ok();
    assert!(reading.out.contains("api@1.0.0"), "reading goes on: {reading:#?}");
    let said = env.run(&["release", "new", "api", "1.1.0"]).exits(8);

    let pid = std::process::id();
    assert_eq!(said.out, "");
    let last = said.err.lines().rev().find(|line| line.starts_with("relman: ")).unwrap();
    assert!(last.contains("locked by another process") && last.contains(&format!("pid {pid}")), "{said:#?}");
    holder.execute_batch("ROLLBACK").unwrap();
    drop(env.run(&["release", "new", "api", "1.1.0"]).ok());
}

#[test]
fn a_program_is_told_of_a_locked_store_in_json_and_of_nothing_else() {
    let env = ready();
    let holder = open(&env);
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = env.run(&["--json", "release", "new", "api", "1.1.0"]).exits(8).error();
    assert_eq!(error["kind"], "busy");
}

#[test]
fn whoever_waits_for_the_store_is_told_so_once_a_second() {
    let env = ready();
    let holder = open(&env);
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let said = env.run(&["release", "new", "api", "1.1.0"]).exits(8);
    let notices = said.err.matches("relman: waiting for the store, ").count();
    // It gives up after ten seconds; a slow machine may miss a few of them.
    assert!((7..=11).contains(&notices), "{notices} notices: {said:#?}");
}

#[test]
fn a_write_waits_for_a_lock_that_is_let_go() {
    let env = ready();
    let holder = open(&env);
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = env.front_end(&["release", "new", "api", "1.1.0"]);
    let store = env.path("state/relman.db").canonicalize().unwrap();
    let fds = format!("/proc/{}/fd", waiting.pid());
    let opened = || {
        let links = std::fs::read_dir(&fds).into_iter().flatten().flatten();
        links.filter_map(|link| link.path().read_link().ok()).any(|target| target == store)
    };
    wait::until("the store to be open", opened, |open| *open);
    assert!(waiting.runs());

    holder.execute_batch("ROLLBACK").unwrap();

    drop(waiting.end().ok());
    drop(env.run(&["release", "show", "api@1.1.0"]).ok());
}

#[test]
fn a_journal_that_was_changed_names_its_first_bad_entry() {
    let env = ready();
    let good = env.run(&["audit", "verify"]).ok();
    assert!(good.out.contains(" entries, unbroken; head "), "{good:#?}");
    {
        let store = open(&env);
        let triggers: Vec<(String, String)> = store
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            store.execute("UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 3", []).is_err(),
            "the store resists"
        );
        for (name, _) in &triggers {
            store.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
        }
        store.execute("UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 3", []).unwrap();
        for (_, sql) in triggers {
            store.execute_batch(&sql).unwrap();
        }
    }

    let bad = env.run(&["audit", "verify"]).exits(1);
    assert!(bad.out.contains("entries 1 to 2 are good; nothing from 3 on can be trusted"), "{bad:#?}");
    let json = env.run(&["--json", "audit", "verify"]).exits(1).json();
    assert_eq!(json["verified"]["bad"][0], 3);
    let findings = env.run(&["--json", "doctor"]).exits(1).json()["findings"].clone();
    let journal = findings.as_array().unwrap().iter().find(|f| f["what"] == "journal").unwrap().clone();
    assert_eq!(journal["ok"], false);
}

#[test]
fn a_planted_trigger_keeps_the_store_shut() {
    let env = ready();
    open(&env)
        .execute_batch(
            "CREATE TRIGGER evil AFTER INSERT ON approvals BEGIN \
             UPDATE approvals SET verdict = 'approved' WHERE id = NEW.id; END",
        )
        .unwrap();
    let said = env.run(&["board"]).exits(8);
    assert!(said.err.contains("schema was changed by something other than relman"), "{said:#?}");
}

#[test]
fn what_is_no_store_of_this_version_is_left_as_it_is() {
    let env = ready();
    open(&env).pragma_update(None, "user_version", 99).unwrap();
    let newer = env.run(&["board"]).exits(8);
    assert!(newer.err.contains("use the newer relman that wrote it"), "{newer:#?}");

    let env = ready();
    std::fs::remove_dir_all(env.path("state")).unwrap();
    std::fs::create_dir(env.path("state")).unwrap();
    std::fs::set_permissions(env.path("state"), std::fs::Permissions::from_mode(0o700)).unwrap();
    env.write("state/relman.db", "this is no database, but it is long enough to look like one. ", 0o600);
    let garbage = env.run(&["board"]).exits(8);
    assert!(garbage.err.contains("it was left as it is"), "{garbage:#?}");
    let text = std::fs::read_to_string(env.path("state/relman.db")).unwrap();
    assert!(text.starts_with("this is no database"));

    std::fs::remove_file(env.path("state/relman.db")).unwrap();
    env.write("state/relman.db", "", 0o600);
    open(&env).execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let foreign = env.run(&["board"]).exits(8);
    assert!(foreign.err.contains("is a database but not a relman store"), "{foreign:#?}");
}

#[test]
fn a_store_that_is_open_to_everyone_is_refused_with_the_command_that_mends_it() {
    let env = ready();
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(env.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("state", 0o777);
    let said = env.run(&["board"]).exits(8);
    assert!(
        said.err.contains("everyone may write to the state directory") && said.err.contains("→ chmod "),
        "{said:#?}"
    );
    mode("state", 0o700);
    mode("state/relman.db", 0o644);
    let said = env.run(&["board"]).exits(8);
    assert!(said.err.contains("may read or write the store") && said.err.contains("→ chmod "), "{said:#?}");
    mode("state/relman.db", 0o600);
    drop(env.run(&["board"]).ok());
}

#[test]
fn the_journal_is_listed_page_by_page_and_by_subject() {
    let env = ready();
    let all = env.run(&["--json", "audit", "list"]).ok().json();
    let entries = all["entries"].as_array().unwrap();
    let seqs: Vec<i64> = entries.iter().map(|entry| entry["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs[0]).rev().collect::<Vec<_>>(), "newest first, none left out");
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["previous"], pair[1]["hash"], "each names the one before");
    }
    let page = env.run(&["--json", "audit", "list", "--limit", "2", "--before", "4"]).ok().json();
    let seqs: Vec<i64> =
        page["entries"].as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [3, 2]);
    assert_eq!(env.journal("api@1.0.0").len(), 6);
    let text = env.run(&["audit", "list", "--subject", "api@1.0.0", "--limit", "1"]).ok();
    assert!(text.out.lines().nth(1).unwrap().contains("release.advanced"), "{text:#?}");
}

#[test]
fn the_doctor_finds_a_healthy_store_healthy_and_a_missing_script_missing() {
    let mut env = ready();
    env.vars.push(("TERM".to_owned(), "xterm".to_owned()));
    let finding = |env: &TestEnv, what: &str| {
        let findings = env.run(&["--json", "doctor"]).json()["findings"].clone();
        findings.as_array().unwrap().iter().find(|f| f["what"] == what).unwrap()["ok"].as_bool().unwrap()
    };
    for what in ["configuration", "scripts", "store", "identity", "integrity", "journal", "terminal"] {
        assert!(finding(&env, what), "{what}");
    }
    let text = env.run(&["doctor"]);
    assert!(text.out.contains("alice (user id "), "{text:#?}");
    assert!(text.out.contains("cooperative: "), "{text:#?}");

    std::fs::remove_file(env.path("deploy.sh")).unwrap();
    assert!(!finding(&env, "scripts"));
    let text = env.run(&["doctor"]).exits(1);
    assert!(text.out.contains("missing or unreadable: "), "{text:#?}");
}
