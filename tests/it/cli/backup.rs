//! `relman backup` and `relman restore`: nothing is lost by either, and nobody is fooled.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rusqlite::Connection;

use super::ready;
use crate::support::env::{Said, TestEnv};

fn backed_up() -> TestEnv {
    let env = ready();
    let said = env.run(&["backup", "monday.db"]).ok();
    assert!(said.out.contains(" entries; read back and found whole\nhead "), "{said:#?}");
    env
}

#[test]
fn a_backup_is_for_its_owner_alone_and_replaces_nothing() {
    let env = backed_up();
    assert_eq!(env.path("monday.db").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!env.path("monday.db-wal").exists(), "it is one file");
    let said = env.run(&["backup", "monday.db"]).exits(4);
    assert!(said.err.contains("exists already; nothing was written"), "{said:#?}");
}

#[test]
fn a_restore_brings_back_what_was_keeps_what_is_and_says_so() {
    let env = backed_up();
    drop(env.run(&["release", "new", "api", "1.1.0"]).ok());
    let said = env.run(&["restore", "monday.db", "--reason", "1.1.0 was a mistake"]).ok();
    assert!(said.out.contains("restored monday.db: it ended with entry "), "{said:#?}");
    let kept = said.out.lines().last().unwrap().split("kept in ").nth(1).unwrap();
    let old = Connection::open(kept).unwrap();
    let releases: i64 = old.query_row("SELECT count(*) FROM releases", [], |row| row.get(0)).unwrap();
    assert_eq!(releases, 2, "the store that was in place is kept whole");
    assert_eq!(env.path("state/relman.db").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Whoever has seen more is told, until they accept it.
    let listed = env.run(&["release", "list"]).ok();
    assert!(!listed.out.contains("api@1.1.0"), "{listed:#?}");
    assert!(listed.err.contains("since you last looked"), "{listed:#?}");
    assert!(listed.err.contains("; a backup was restored by alice (entry "), "{listed:#?}");
    let entry = env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0].clone();
    assert_eq!(
        (&entry["verb"], &entry["body"]["reason"]),
        (&"store.restored".into(), &"1.1.0 was a mistake".into())
    );
    drop(env.run(&["audit", "accept", "--reason", "restored"]).ok());
    assert_eq!(env.run(&["release", "list"]).ok().err, "");
    env.assert_sound();
}

#[test]
fn nothing_is_restored_while_a_deployment_runs_or_somebody_has_the_store_open() {
    let env = TestEnv::deploying(&crate::support::env::gate("go-on"));
    drop(env.run(&["backup", "monday.db"]).ok());
    let id = env.start();
    let said = env.run(&["restore", "monday.db", "--reason", "x"]).exits(8);
    assert!(said.err.contains("still has its supervisor"), "{said:#?}");
    env.touch("go-on");
    drop(env.until_state(id, "succeeded"));
    crate::support::wait::until("the supervisor to go", || env.processes().len(), |count| *count == 0);
    let reader = Connection::open(env.path("state/relman.db")).unwrap();
    let _count: i64 = reader.query_row("SELECT count(*) FROM releases", [], |row| row.get(0)).unwrap();
    let said = env.run(&["restore", "monday.db", "--reason", "x"]).exits(8);
    assert!(said.err.contains("another process has the store open"), "{said:#?}");
    drop(reader);
    assert_eq!(env.recorded(id), "succeeded", "nothing was changed");
    drop(env.run(&["restore", "monday.db", "--reason", "x"]).ok());
    let left: Vec<_> =
        std::fs::read_dir(env.path("state")).unwrap().flatten().map(|file| file.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("restore-")), "{left:?}");
}

#[test]
fn who_may_not_administer_the_store_restores_nothing_and_that_is_on_record() {
    let env = backed_up();
    let rules = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.write("relman.toml", &format!("{rules}\n[rights]\nadminister = [\"managers\"]\n"), 0o644);
    // Whoever comes next notices the new rules.
    drop(env.run(&["release", "list"]).ok());
    let said = env.run(&["restore", "monday.db", "--reason", "x"]).exits(12);
    assert!(
        said.err.contains("alice may not administer the store: only managers may ([rights] administer)"),
        "{said:#?}"
    );
    let entry = env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0].clone();
    assert_eq!((&entry["verb"], &entry["body"]["result"]), (&"store.restored".into(), &"refused".into()));
    env.assert_sound();
}

#[test]
fn what_came_after_the_backup_leaves_its_files_under_another_name() {
    let env = TestEnv::deploying("echo one");
    drop(env.deploy().ok());
    drop(env.run(&["backup", "monday.db"]).ok());
    env.script("deploy.sh", "echo two");
    drop(env.deploy().ok());
    crate::support::wait::until("the supervisor to go", || env.processes().len(), |count| *count == 0);
    drop(env.run(&["restore", "monday.db", "--reason", "x"]).ok());
    assert!(env.log(1).contains("one"));
    assert!(!env.file_of(2, "output.log").exists(), "the next number 2 finds nothing of the former one");
    assert!(env.path("state/deployments/2.old-1/output.log").exists());
    env.script("deploy.sh", "echo three");
    drop(env.deploy().ok());
    assert!(env.log(2).contains("three"));
    drop(env.run(&["audit", "accept", "--reason", "restored"]).ok());
    env.assert_sound();
}

#[test]
fn a_backup_taken_while_others_write_is_one_moment_of_the_journal() {
    let env = ready();
    let said = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for take in 0..12 {
                drop(env.run(&["release", "edit", "api@1.0.0", "--title", &format!("take {take}")]).ok());
            }
        });
        let said = env.run(&["--json", "backup", "busy.db"]).ok().json();
        writer.join().unwrap();
        said
    });
    let head = &said["backup"]["head"];
    let seq = head["seq"].as_i64().unwrap();
    let before = (seq + 1).to_string();
    let entries = env.run(&["--json", "audit", "list", "--before", &before, "--limit", "1"]).ok().json();
    assert_eq!(
        entries["entries"][0]["hash"], head["hash"],
        "it ends with an entry of the journal that went on"
    );
    drop(env.run(&["restore", "busy.db", "--reason", "x"]).ok());
    let restored = env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json();
    assert_eq!(restored["entries"][0]["previous"], head["hash"]);
    drop(env.run(&["audit", "accept", "--reason", "x"]));
    env.assert_sound();
}

#[test]
fn what_is_no_backup_or_was_tampered_with_is_not_restored() {
    let env = backed_up();
    env.write("text.db", "not a database at all", 0o600);
    drop(env.run(&["restore", "text.db", "--reason", "x"]).exits(1));
    drop(env.run(&["restore", "missing.db", "--reason", "x"]).exits(3));
    Connection::open(env.path("other.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert_ne!(env.run(&["restore", "other.db", "--reason", "x"]).code, 0);
    let raw = Connection::open(env.path("monday.db")).unwrap();
    let sql: String = raw
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE name = 'journal_is_append_only_on_update'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    raw.execute_batch("DROP TRIGGER journal_is_append_only_on_update").unwrap();
    raw.execute_batch("UPDATE journal SET body = replace(body, 'alice', 'mallory') WHERE seq = 2").unwrap();
    raw.execute_batch(&sql).unwrap();
    drop(raw);
    let said = env.run(&["restore", "monday.db", "--reason", "x"]).exits(1);
    assert!(said.err.contains("the journal of the backup is broken at entry 2"), "{said:#?}");
    assert_eq!(env.run(&["board"]).ok().err, "", "the store is the one it was");
    env.assert_sound();
}

#[test]
fn a_store_that_is_damaged_is_what_a_restore_is_for() {
    let env = backed_up();
    env.write("state/relman.db", &"x".repeat(8192), 0o600);
    let _gone = std::fs::remove_file(env.path("state/relman.db-wal"));
    assert_ne!(env.run(&["board"]).code, 0);
    let said = env.run(&["restore", "monday.db", "--reason", "the disk failed"]).ok();
    assert!(said.err.contains("the store in place could not be opened"), "{said:#?}");
    assert!(env.run(&["board"]).ok().out.contains("api@1.0.0"));
}

/// What a command wrote to stdout, byte for byte, in a file.
fn piped_into(env: &TestEnv, args: &[&str], file: &str) -> Said {
    let out = std::fs::File::create(env.path(file)).unwrap();
    let child = env.command(args).stdout(Stdio::from(out)).stderr(Stdio::piped()).spawn().unwrap();
    Said::of(&child.wait_with_output().unwrap()).ok()
}

fn piped_from(env: &TestEnv, args: &[&str], file: &str) -> Said {
    let input = std::fs::File::open(env.path(file)).unwrap();
    TestEnv::finish(env.command(args).stdin(Stdio::from(input)))
}

#[test]
fn everything_that_reads_or_writes_a_file_does_it_through_pipes_as_well() {
    let env = ready();
    drop(env.deploy().ok());
    let said = piped_into(&env, &["backup", "-"], "piped.db");
    assert!(said.err.contains(" entries; read back and found whole; head "), "{said:#?}");
    drop(env.run(&["release", "new", "api", "1.1.0"]).ok());
    let said = piped_into(&env, &["bundle", "api@1.0.0", "--output", "-"], "b.tar");
    assert!(said.err.contains("sha256 "), "{said:#?}");
    let said = piped_from(&env, &["bundle", "verify", "-"], "b.tar").ok();
    assert!(said.out.starts_with("api@1.0.0: every member is whole"), "{said:#?}");
    drop(piped_into(&env, &["audit", "export", "--output", "-"], "j.jsonl"));
    let said = piped_from(&env, &["audit", "verify", "--file", "-"], "j.jsonl").ok();
    assert!(said.out.contains(", unbroken; head "), "{said:#?}");
    drop(piped_into(&env, &["log", "1", "--cast", "-"], "1.cast"));
    let cast = std::fs::read_to_string(env.path("1.cast")).unwrap();
    assert!(cast.starts_with('{') && cast.contains("\"version\":2"), "{cast}");

    let said = piped_from(&env, &["restore", "-", "--reason", "1.1.0 was a mistake"], "piped.db").ok();
    assert!(said.out.contains("it ended with entry "), "{said:#?}");
    assert!(!env.run(&["release", "list"]).ok().out.contains("api@1.1.0"));
    let said = piped_from(&env, &["restore", "-", "--reason", "x"], "1.cast").exits(1);
    assert!(said.err.contains("is no backup"), "{said:#?}");
    let left: Vec<_> =
        std::fs::read_dir(env.path("state")).unwrap().flatten().map(|one| one.file_name()).collect();
    let is_left = |name: &std::ffi::OsString| {
        ["incoming-", "outgoing-", "restore-"].iter().any(|begin| name.to_string_lossy().starts_with(begin))
    };
    assert!(!left.iter().any(is_left), "{left:?}");
    drop(env.run(&["audit", "accept", "--reason", "restored"]).ok());
    env.assert_sound();
}
