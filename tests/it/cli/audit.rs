//! `relman audit`: exports that others verify, remembered heads, moments of the past, reports.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use super::{at, ready};
use crate::support::env::{Said, TestEnv};

/// The verifier that `docs/audit.md` prints, as it is printed there.
fn published_verifier() -> String {
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/audit.md")).unwrap();
    docs.split("```python\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a test runs what the documents print")]
fn python(env: &TestEnv, export: &str) -> Option<Said> {
    env.write("verify.py", &published_verifier(), 0o644);
    let output = Command::new("python3").arg(env.path("verify.py")).arg(env.path(export)).output().ok()?;
    Some(Said::of(&output))
}

/// Does in the store what somebody could who writes its file, and leaves the schema as it was.
fn tampered(env: &TestEnv, sql: &str) {
    let raw = Connection::open(env.path("state/relman.db")).unwrap();
    let triggers: Vec<(String, String)> = raw
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (name, _) in &triggers {
        raw.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    assert!(raw.execute(sql, []).unwrap() > 0, "{sql} changed nothing");
    for (_, sql) in &triggers {
        raw.execute_batch(sql).unwrap();
    }
}

#[test]
fn an_export_is_verified_without_the_store_and_by_the_published_program() {
    let env = ready();
    let said = env.run(&["audit", "export", "--output", "journal.jsonl"]).ok();
    let text = std::fs::read_to_string(env.path("journal.jsonl")).unwrap();
    let count = text.lines().count();
    assert!(said.out.starts_with(&format!("{count} entries, 1 to {count}; head ")), "{said:#?}");
    assert_eq!(env.path("journal.jsonl").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Who took it away is the last thing it says.
    assert!(text.lines().last().unwrap().contains("\"verb\":\"record.exported\""));
    let elsewhere = TestEnv::new();
    elsewhere.write("journal.jsonl", &text, 0o600);
    std::fs::remove_file(elsewhere.path("relman.toml")).unwrap();
    let good = elsewhere.run(&["audit", "verify", "--file", "journal.jsonl"]).ok();
    let head = good.out.split("head ").nth(1).unwrap().trim().to_owned();
    assert_eq!(good.out, format!("{count} entries, unbroken; head {head}\n"));
    let Some(python_says) = python(&elsewhere, "journal.jsonl") else {
        println!("python3 is missing: the published verifier was not tried");
        return;
    };
    assert_eq!((python_says.code, python_says.out), (0, format!("{count} entries, unbroken; head {head}\n")));
    for (from, to) in
        [("alice", "mallory"), ("release.created", "release.edited"), ("\"seq\":3", "\"seq\":4")]
    {
        let bad = text.replacen(from, to, 1);
        assert_ne!(bad, text, "{from}");
        elsewhere.write("bad.jsonl", &bad, 0o600);
        let ours = elsewhere.run(&["audit", "verify", "--file", "bad.jsonl"]).exits(1);
        assert!(ours.out.starts_with("the journal was tampered with: entry "), "{ours:#?}");
        let theirs = python(&elsewhere, "bad.jsonl").unwrap();
        assert_eq!(theirs.code, 1, "{from}: {theirs:#?}");
    }
}

#[test]
fn an_export_of_a_part_says_what_it_takes_on_its_word() {
    let env = ready();
    drop(env.run(&["audit", "export", "--since", "2", "--until", "#3", "--output", "part.jsonl"]).ok());
    assert_eq!(std::fs::read_to_string(env.path("part.jsonl")).unwrap().lines().count(), 2);
    let said = env.run(&["audit", "verify", "--file", "part.jsonl"]).ok();
    assert!(said.err.contains("it begins with entry 2: what came before is taken on its word"), "{said:#?}");
    let again = env.run(&["audit", "export", "--output", "part.jsonl"]).exits(4);
    assert!(again.err.contains("exists already; nothing was written"), "{again:#?}");
    drop(env.run(&["audit", "export", "--since", "999"]).exits(3));
    drop(env.run(&["audit", "export", "--since", "last week"]).exits(2));
    for bad in ["", "no json\n", "{\"seq\":1}\n"] {
        env.write("bad.jsonl", bad, 0o600);
        drop(env.run(&["audit", "verify", "--file", "bad.jsonl"]).exits(1));
    }
}

#[test]
fn an_export_to_stdout_is_nothing_but_the_export() {
    let env = ready();
    let said = env.run(&["audit", "export"]).ok();
    assert_eq!(said.err, "");
    assert!(said.out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let csv = env.run(&["audit", "export", "--format", "csv"]).ok();
    assert!(
        csv.out
            .starts_with("seq,time,who,uid,login,via,verb,subject,environment,result,reason,previous,hash\n")
    );
    assert_eq!(csv.out.lines().count(), said.out.lines().count() + 2);
}

#[test]
fn a_cell_of_a_table_is_never_a_formula() {
    let env = ready();
    let evil = "=HYPERLINK(\"http://evil\")";
    drop(env.run_as("bob:1002", &["release", "block", "api@1.0.0", "--reason", evil]).ok());
    let csv = env.run(&["audit", "export", "--format", "csv"]).ok();
    assert!(csv.out.contains(",\"'=HYPERLINK(\"\"http://evil\"\")\","), "{}", csv.out);
}

#[test]
fn a_history_whose_end_was_cut_off_is_noticed_at_the_next_start_and_accepted_with_a_reason() {
    let env = ready();
    drop(env.run(&["release", "new", "api", "1.1.0"]).ok());
    let heads = env.path(".local/state/relman/heads");
    assert_eq!(heads.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(env.run(&["board"]).ok().err, "");
    let newest = env.run(&["--json", "audit", "head"]).ok().json()["head"]["seq"].as_i64().unwrap();
    tampered(&env, &format!("DELETE FROM journal WHERE seq = {newest}"));
    let said = env.run(&["board"]).ok();
    let sentence = format!(
        "history shrank since you last looked: you have seen entry {newest}, and the newest one now is {}",
        newest - 1
    );
    assert!(said.err.starts_with(&format!("relman: {sentence}\n")), "{said:#?}");
    let json = env.run(&["--json", "board"]).ok();
    assert!(json.err.contains("{\"schema\":1,\"warning\":\"history shrank"), "{json:#?}");
    // The chain that is left is whole: only what was remembered tells.
    let verified = env.run(&["audit", "verify"]).exits(1);
    assert!(verified.out.contains(&sentence), "{verified:#?}");
    assert!(verified.out.contains("is in the store, but no journal entry made it"), "{verified:#?}");
    // Somebody who never looked notices nothing of it.
    let mut other = env.command(&["board"]);
    assert_eq!(TestEnv::finish(other.env("HOME", env.path("elsewhere"))).ok().err, "");
    drop(env.run(&["audit", "accept", "--reason", "the disk was replaced"]).ok());
    assert_eq!(env.run(&["board"]).ok().err, "");
    drop(env.run(&["audit", "accept", "--reason", "again"]).exits(4));
    let entry = env.journal("journal").into_iter().find(|entry| entry["verb"] == "history.accepted").unwrap();
    assert_eq!(entry["body"]["detail"]["remembered"]["seq"], newest);
    assert_eq!(entry["body"]["reason"], "the disk was replaced");
}

#[test]
fn another_store_in_the_place_of_the_known_one_is_noticed() {
    let env = ready();
    std::fs::remove_dir_all(env.path("state")).unwrap();
    let said = env.run(&["board"]).ok();
    assert!(said.err.contains("another store lies in this place"), "{said:#?}");
    drop(env.run(&["audit", "accept", "--reason", "begun anew"]).ok());
    assert!(!env.run(&["board"]).ok().err.contains("history"));
}

#[test]
fn the_head_is_a_checkpoint_of_three_lines() {
    let env = ready();
    let said = env.run(&["audit", "head"]).ok();
    let head = env.run(&["--json", "audit", "head"]).ok().json()["head"].clone();
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 3, "{said:#?}");
    assert_eq!(lines[0], format!("relman/{}", head["instance"].as_str().unwrap()));
    assert_eq!(lines[1], head["seq"].to_string());
    assert_eq!(said.out, head["checkpoint"].as_str().unwrap());
}

#[test]
fn a_moment_of_the_past_is_shown_and_said_to_be_past() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    let then = env.run(&["board", "--as-of", "#2"]).ok();
    assert!(then.out.contains("REQUEST (1)"), "{then:#?}");
    assert!(then.err.starts_with("PAST: ") && then.err.contains("behind entry 2; "), "{then:#?}");
    assert!(env.run(&["board"]).ok().out.contains("DEPLOY (1)"));
    let status = env.run(&["--json", "status", "--as-of", "2"]).ok().json();
    assert_eq!(status["past"]["moment"]["seq"], 2);
    assert!(status["past"]["places"].as_array().unwrap().iter().all(|place| place["live"].is_null()));
    for command in [&["approvals"][..], &["calendar"]] {
        let said = env.run(&[command, &["--as-of", "#2"]].concat()).ok();
        assert!(said.err.contains("PAST: "), "{said:#?}");
    }
    let differs = env.run(&["board", "--as-of", "#2", "--until", "now"]).ok();
    assert!(differs.out.contains("  api@1.0.0: request → deploy\n"), "{differs:#?}");
    assert!(differs.out.contains("to staging by alice: succeeded"), "{differs:#?}");
    assert_eq!(env.run(&["audit", "diff", "#2"]).ok().out, differs.out);
    drop(env.run(&["board", "--as-of", "#999"]).exits(3));
    drop(env.run(&["board", "--as-of", "whenever"]).exits(2));
}

#[test]
fn a_report_is_read_by_people_and_by_programs() {
    let env = ready();
    drop(env.run_as("frank:1009", &["approve", "api@1.0.0", "production"]).exits(12));
    let said = env.run(&["audit", "report"]).ok();
    assert!(said.out.contains("refused attempts: 1\n"), "{said:#?}");
    let csv = env.run(&["audit", "report", "--csv"]).ok();
    assert!(csv.out.starts_with("chapter,finding\n"), "{csv:#?}");
    assert!(
        csv.out.lines().any(|line| line.starts_with("refused attempts,") && line.contains("frank")),
        "{csv:#?}"
    );
    drop(env.run(&["audit", "report", "--csv", "--markdown"]).exits(2));
    let markdown = env.run(&["audit", "report", "--markdown"]).ok();
    assert!(markdown.out.starts_with("# Compliance report: entries 1 to "), "{markdown:#?}");
    assert!(markdown.out.contains("\n## refused attempts (1)\n\n- "), "{markdown:#?}");
    let json = env.run(&["--json", "audit", "report", "--service", "api"]).ok().json();
    assert_eq!(json["report"]["refused"][0]["who"], "frank");
}

#[test]
fn entries_are_found_by_what_they_are_about_who_made_them_and_how_they_ended() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as("bob:1002", &["approve", "api@1.0.0", "production"]).ok());
    drop(env.run(&["approve", "api@1.0.0", "production"]).exits(12));
    drop(env.run(&["release", "new", "web", "2.0.0"]).ok());
    let found = |args: &[&str]| {
        let said = env.run(&[&["--json", "audit", "list"], args].concat()).ok().json();
        let line = |entry: &serde_json::Value| {
            let (verb, body) = (entry["verb"].as_str().unwrap(), &entry["body"]);
            format!("{verb} {} {}", body["result"].as_str().unwrap(), body["subject"].as_str().unwrap())
        };
        said["entries"].as_array().unwrap().iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(found(&["--refused"]), ["approval.granted refused api@1.0.0"]);
    assert_eq!(found(&["--by", "bob"]), ["approval.granted done api@1.0.0"]);
    assert_eq!(
        found(&["--release", "api@1.0.0", "--verb", "deployment.*", "--env", "staging"]),
        ["deployment.finished done #1", "deployment.claimed done #1", "deployment.started done #1"]
    );
    assert_eq!(found(&["--verb", "release.created", "--limit", "1"]), ["release.created done web@2.0.0"]);
    let all = found(&[]);
    assert_eq!(found(&["--since", "#1", "--until", "2"]), all[all.len() - 2..]);
    assert!(found(&["--release", "api@1.0.0"]).len() < all.len());
    let said = env.run(&["audit", "list", "--verb", "aproval.granted"]).exits(2);
    assert!(said.err.contains("did you mean approval.granted?"), "{said:#?}");
}

#[test]
fn one_entry_is_shown_with_what_it_changed() {
    let env = ready();
    drop(env.run(&["release", "edit", "api@1.0.0", "--title", "Faster"]).ok());
    let seq = env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0]["seq"].clone();
    let said = env.run(&["audit", "show", &format!("#{seq}")]).ok();
    assert!(said.out.starts_with(&format!("entry {seq}: release.edited api@1.0.0 done\n")), "{said:#?}");
    assert!(said.out.contains("who     alice (uid 1001, through cli"), "{said:#?}");
    assert!(said.out.contains("what changed:\n") && said.out.contains(" \u{2192} Faster\n"), "{said:#?}");
    // Rules that changed are told rule by rule.
    let rules = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.write(
        "relman.toml",
        &rules.replace("[environments.production]", "[environments.production]\nsoak = \"1m\""),
        0o644,
    );
    drop(env.run(&["board"]).ok());
    env.write(
        "relman.toml",
        &rules.replace("[environments.production]", "[environments.production]\nsoak = \"2m\""),
        0o644,
    );
    drop(env.run(&["board"]).ok());
    let seq = env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0]["seq"].clone();
    let said = env.run(&["audit", "show", &seq.to_string()]).ok();
    assert!(
        said.out.contains("what changed in the rules:\n  environments production soak: 1m \u{2192} 2m\n"),
        "{said:#?}"
    );
    let said = env.run(&["audit", "show", "9999"]).exits(3);
    assert!(said.err.contains("the newest one is "), "{said:#?}");
}

#[test]
fn the_archive_has_a_file_for_each_day_that_is_over_and_lets_go_of_old_ones_on_record() {
    let mut env = ready();
    let none = env.run(&["audit", "archive"]).ok();
    assert!(none.out.contains("every day that is over is in the archive"), "{none:#?}");
    drop(at(&mut env, "2026-09-02T09:00:00Z").run(&["release", "new", "api", "1.1.0"]).ok());
    drop(at(&mut env, "2026-09-04T09:00:00Z").run(&["release", "new", "api", "1.2.0"]).ok());
    let made = env.run(&["audit", "archive"]).ok();
    let lines: Vec<&str> = made.out.lines().collect();
    assert_eq!(lines.len(), 2, "{made:#?}");
    assert!(
        lines[0].contains("state/archive/journal-2026-09-01.jsonl: ")
            && lines[1].contains("-02.jsonl: 1 entries"),
        "{made:#?}"
    );
    let file = env.path("state/archive/journal-2026-09-02.jsonl");
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()) & 0o777,
        0o600
    );
    drop(env.run(&["audit", "verify", "--file", "state/archive/journal-2026-09-02.jsonl"]).ok());
    assert_eq!(env.journal("journal").len(), 1, "one export is on record");
    let again = env.run(&["audit", "archive"]).ok();
    assert!(again.out.contains("every day that is over"), "{again:#?}");

    let young = env.run(&["audit", "archive", "--remove", "2026-09-02", "--reason", "no room"]).exits(4);
    assert!(young.err.contains("is 2 days old; files of the archive are kept for 30 days"), "{young:#?}");
    assert!(young.err.contains("wait until 2026-10-02") && file.exists(), "{young:#?}");
    drop(
        at(&mut env, "2026-10-02T00:00:00Z")
            .run(&["audit", "archive", "--remove", "2026-09-02", "--reason", "no room"])
            .ok(),
    );
    assert!(!file.exists());
    let results: Vec<_> =
        env.journal("journal-2026-09-02.jsonl").iter().map(|entry| entry["body"]["result"].clone()).collect();
    assert_eq!(results, ["refused", "done"]);
    drop(env.run(&["audit", "archive", "--remove", "2026-09-02", "--reason", "no room"]).exits(1));
    env.assert_sound();
}
