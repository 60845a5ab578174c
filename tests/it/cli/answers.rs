//! Every command answers in JSON with the schema's number, says nothing beside it, and never asks.

use std::collections::BTreeSet;
use std::process::Stdio;

use super::{BOB, ready};
use crate::support::env::{Said, TestEnv};

/// A command's words and the key of its answer, in an order in which each succeeds.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["release", "new", "web", "1.0.0"], "release"),
    (&["release", "show", "web@1.0.0"], "release"),
    (&["release", "list"], "releases"),
    (&["release", "list", "--past"], "releases"),
    (&["release", "edit", "web@1.0.0", "--title", "T"], "release"),
    (&["release", "advance", "web@1.0.0"], "advanced"),
    (&["release", "back", "web@1.0.0", "--reason", "r"], "release"),
    (&["release", "block", "web@1.0.0", "--reason", "r"], "release"),
    (&["release", "unblock", "web@1.0.0", "--reason", "r"], "release"),
    (&["release", "cancel", "web@1.0.0", "--reason", "r"], "release"),
    (&["check", "record", "api@1.0.0", "unit", "passed"], "release"),
    (&["checklist", "tick", "api@1.0.0", "Backup taken"], "release"),
    (&["checklist", "list", "api@1.0.0"], "checklist"),
    (&["approvals"], "pending"),
    (&["approvals", "api@1.0.0"], "approvals"),
    (&["deploy", "api@1.0.0", "staging"], "deployment"),
    (&["deploy", "api@1.0.0", "staging", "--detach"], "deployment"),
    (&["attach", "2"], "deployment"),
    (&["rollback", "api", "staging", "--list"], "choices"),
    (&["deployments"], "deployments"),
    (&["show", "1"], "deployment"),
    (&["board"], "board"),
    (&["status"], "places"),
    (&["why", "api@1.0.0", "staging"], "report"),
    (&["why", "api@1.0.0"], "exit"),
    (&["calendar"], "calendar"),
    (&["freeze", "add", "x", "--start", "+1h", "--end", "+2h", "--reason", "r"], "added"),
    (&["freeze", "now", "--reason", "r", "--service", "web"], "added"),
    (&["freeze", "list"], "freezes"),
    (&["freeze", "remove", "F1"], "freeze"),
    (&["audit", "list"], "entries"),
    (&["audit", "verify"], "verified"),
    (&["config", "check"], "problems"),
    (&["config", "show"], "config"),
    (&["paths"], "paths"),
    (&["doctor"], "findings"),
];

/// Runs a command whose standard input would answer yes to everything and must not be read.
fn with_yes(env: &TestEnv, args: &[&str]) -> (Said, String) {
    let path = env.path("yes");
    env.write("yes", &"y\n".repeat(100), 0o644);
    let input = std::fs::File::open(&path).unwrap();
    let mut kept = input.try_clone().unwrap();
    let said = TestEnv::finish(env.command(args).stdin(Stdio::from(input)));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut kept, &mut rest).unwrap();
    (said, rest)
}

#[test]
fn every_command_answers_in_json_and_in_text_and_reads_no_answer() {
    for json in [true, false] {
        let mut env = ready();
        env.vars.push(("TERM".to_owned(), "xterm".to_owned()));
        for (words, kind) in COMMANDS {
            let args = if json { [&["--json"], *words].concat() } else { words.to_vec() };
            let (said, rest) = with_yes(&env, &args);
            assert_eq!(rest.len(), 200, "{words:?} read its standard input");
            let code = match *words {
                // It is in no production yet, so it may not leave the deploy stage.
                ["why", "api@1.0.0"] => 11,
                // What the doctor finds on this machine is not the matter here.
                ["doctor"] => said.code.min(1),
                _ => 0,
            };
            assert_eq!(said.code, code, "{words:?}: {said:#?}");
            if json {
                let answer = said.json();
                assert_eq!(answer["schema"], 1, "{words:?}");
                let keys: BTreeSet<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(keys, BTreeSet::from(["schema", *kind]), "{words:?}");
                assert_eq!(said.err, "", "{words:?}");
                assert_eq!(said.out.lines().count(), 1, "{words:?}: one line");
            } else {
                assert!(!said.out.is_empty() || !said.err.is_empty(), "{words:?} says nothing");
                assert!(!said.out.contains('\x1b') && !said.err.contains('\x1b'), "{words:?}: {said:#?}");
            }
        }
        drop(env.run_as(BOB, &["audit", "verify"]).ok());
    }
}

#[test]
fn decisions_answer_in_json() {
    let env = ready();
    let run = |args: &[&str]| env.run_as(BOB, &[&["--json"], args].concat()).ok().json();
    let approval = run(&["approve", "api@1.0.0", "production"]);
    assert_eq!(
        (approval["schema"].as_i64(), approval["approval"]["verdict"].as_str()),
        (Some(1), Some("approved"))
    );
    assert_eq!(run(&["withdraw", "api@1.0.0", "production"])["schema"], 1);
    assert_eq!(
        run(&["reject", "api@1.0.0", "production", "--reason", "r"])["approval"]["verdict"],
        "rejected"
    );
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let env = ready();
    assert!(!env.run(&["why", "api@1.0.0", "staging"]).ok().out.contains('\x1b'));
    assert!(env.run(&["--color", "always", "why", "api@1.0.0", "staging"]).ok().out.contains("\x1b[32m"));
    assert!(!env.run(&["--color", "never", "why", "api@1.0.0", "staging"]).ok().out.contains('\x1b'));
    drop(env.run(&["--color", "sometimes", "board"]).exits(2));
}

#[test]
fn the_panes_need_a_terminal_and_say_what_does_not() {
    let said = ready().run(&[]);
    said.is(
        2,
        "",
        "relman: the panes need a terminal\n  \
         → see the same without one: relman board, relman status; every command: relman --help\n",
    );
}
