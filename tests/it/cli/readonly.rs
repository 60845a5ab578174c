//! `--readonly`: nothing is changed, nothing is made, and everything can still be looked at.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;

use crate::support::env::{MINIMAL, TestEnv};

/// One command of each kind that changes something.
const CHANGING: &[&[&str]] = &[
    &["init"],
    &["demo"],
    &["release", "new", "api", "2.0.0"],
    &["release", "edit", "api@1.0.0", "--title", "x"],
    &["release", "advance", "api@1.0.0"],
    &["release", "back", "api@1.0.0", "--reason", "x"],
    &["release", "block", "api@1.0.0", "--reason", "x"],
    &["release", "unblock", "api@1.0.0", "--reason", "x"],
    &["release", "cancel", "api@1.0.0", "--reason", "x"],
    &["check", "record", "api@1.0.0", "unit", "passed"],
    &["checklist", "tick", "api@1.0.0", "x"],
    &["approve", "api@1.0.0"],
    &["reject", "api@1.0.0", "--reason", "x"],
    &["withdraw", "api@1.0.0"],
    &["freeze", "add", "x", "--start", "+1h", "--end", "+1h", "--reason", "x"],
    &["freeze", "now", "--reason", "x"],
    &["freeze", "remove", "x"],
    &["deploy", "api@1.0.0", "staging"],
    &["chain", "staging", "api@1.0.0"],
    &["rollback", "api", "staging", "--reason", "x"],
    &["toggle", "api", "staging", "x", "on", "--reason", "x"],
    &["note", "1", "x"],
    &["cancel", "1"],
    &["decide", "1", "retry"],
    &["reschedule", "1", "--at", "+1h"],
    &["resolve", "1", "failed", "--reason", "x"],
    &["tick"],
    &["train", "skip", "x"],
    &["train", "resume", "x", "--reason", "x"],
    &["lock", "--reason", "x"],
    &["lock", "edit", "L1", "--reason", "x"],
    &["unlock", "L1"],
];

const LOOKING: &[&[&str]] = &[
    &["board"],
    &["status"],
    &["why", "api@1.0.0", "staging"],
    &["release", "list"],
    &["release", "show", "api@1.0.0"],
    &["checklist", "list", "api@1.0.0"],
    &["approvals"],
    &["freeze", "list"],
    &["deployments"],
    &["show", "1"],
    &["log", "1"],
    &["attach", "1"],
    &["deliveries"],
    &["train", "list"],
    &["lock", "list"],
    &["toggle", "api", "staging"],
    &["calendar"],
    &["rights"],
    &["audit", "list"],
    &["audit", "verify"],
    &["config", "check"],
    &["config", "show"],
    &["paths"],
    &["doctor"],
    &["completions", "bash"],
];

fn with(first: &str, args: &[&'static str]) -> Vec<String> {
    std::iter::once(first).chain(args.iter().copied()).map(str::to_owned).collect()
}

fn run(env: &TestEnv, args: &[String]) -> crate::support::env::Said {
    env.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Every file of the state directory with its size and time of change; what SQLite keeps beside the store is no content.
fn files(env: &TestEnv) -> BTreeMap<String, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![env.path("state")];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let (path, meta) = (entry.path(), entry.metadata().unwrap());
            let name = path.display().to_string();
            if meta.is_dir() {
                open.push(path);
            } else if !name.ends_with("-shm") && !name.ends_with("-wal") {
                found.insert(name, (meta.len(), meta.mtime(), meta.mtime_nsec()));
            }
        }
    }
    found
}

#[test]
fn every_command_that_changes_something_is_refused_before_anything_is_touched() {
    let env = TestEnv::deploying("echo done");
    drop(env.deploy().ok());
    let before = (files(&env), env.run(&["--json", "audit", "list"]).ok().out);
    for args in CHANGING {
        let said = run(&env, &with("--readonly", args)).exits(12);
        assert!(said.err.contains("--readonly: nothing was changed"), "{args:?}: {said:#?}");
        assert_eq!(said.out, "", "{args:?}");
    }
    for args in LOOKING {
        let (plain, looked) = (env.run(args), run(&env, &with("--readonly", args)));
        assert_eq!(looked.code, plain.code, "{args:?}: {looked:#?}");
    }
    assert_eq!((files(&env), env.run(&["--json", "audit", "list"]).ok().out), before);
}

#[test]
fn a_change_controlled_service_can_be_looked_at_and_its_system_is_not_asked() {
    let env = TestEnv::deploying("echo done");
    drop(env.deploy().ok());
    let text = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    let text = text
        .replace("[environments.staging]", "[environments.staging]\nchange-controlled = true")
        .replace("[services.api]", "[services.api]\nchange-controlled = true");
    env.config(&format!("{text}\n[change]\ncommand = [\"./itsm.sh\"]\n"));
    env.script("itsm.sh", "echo asked >> asked; exit 75");
    let before = files(&env);
    let more: &[&[&str]] = &[&["when", "api@1.0.0", "staging"], &["change", "show", "api@1.0.0", "staging"]];
    for args in LOOKING.iter().chain(more) {
        let looked = run(&env, &with("--readonly", args));
        assert_ne!(looked.code, 12, "{args:?}: {looked:#?}");
    }
    assert_eq!(files(&env), before);
    assert!(!env.path("asked").exists(), "what is answered could not be kept");
    let why = env.run(&["--readonly", "why", "api@1.0.0", "staging"]);
    assert!(why.out.contains("nobody has asked about its change ticket yet"), "{why:#?}");
}

#[test]
fn the_configuration_can_say_it_for_everyone() {
    let env = TestEnv::deploying("echo done");
    let text = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.config(&text.replace("[relman]\n", "[relman]\nreadonly = true\n"));
    let said = env.deploy().exits(12);
    assert!(said.err.contains("[relman] readonly is set: nothing was changed"), "{said:#?}");
    assert!(env.run(&["board"]).ok().out.contains("api@1.0.0"));
    assert!(env.run(&["config", "show"]).ok().out.contains("read-only"));
}

#[test]
fn where_there_is_no_store_none_is_made() {
    let env = TestEnv::new();
    env.config(MINIMAL);
    let said = env.run(&["--readonly", "board"]).exits(3);
    assert!(said.err.contains("there is no store") && said.err.contains("yet"), "{said:#?}");
    assert!(!env.path("state").exists());
}

#[test]
fn what_runs_is_recorded_although_the_configuration_turned_read_only_meanwhile() {
    let env = TestEnv::deploying(&crate::support::env::gate("go"));
    let id = env.start();
    env.until_script(id);
    let text = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.config(&text.replace("[relman]\n", "[relman]\nreadonly = true\n"));
    env.write("go", "", 0o644);
    env.until_state(id, "succeeded");
}
