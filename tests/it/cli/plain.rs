//! `relman --plain`: the same acts line by line.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::env::{Said, TestEnv};

/// What is said to these lines.
fn typed(env: &TestEnv, lines: &[&str]) -> Said {
    let mut command = env.command(&["--plain"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in lines {
        writeln!(stdin, "{line}").unwrap();
    }
    drop(stdin);
    Said::of(&child.wait_with_output().unwrap())
}

#[test]
fn commands_and_keys_do_the_same_and_nothing_moves_the_cursor() {
    let env = TestEnv::deploying("echo it is done");
    let said = typed(&env, &["board", "1", "D api@1.0.0 staging", "relman status", "q"]).ok();
    assert!(said.out.matches("api@1.0.0").count() >= 3, "{}", said.out);
    assert!(said.out.contains("(board)") && said.out.contains("(deploy api@1.0.0 staging)"), "{}", said.out);
    assert!(said.out.contains("it is done"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}') && !said.out.contains('\r'), "{:?}", said.out);
    assert_eq!(env.deployment(1)["state"], "succeeded");
}

#[test]
fn what_is_needed_is_asked_for_one_at_a_time() {
    let env = TestEnv::deploying("echo it is done");
    let said = typed(&env, &["deploy", "api@1.0.0", "staging", "q"]).ok();
    assert!(said.out.contains("release"), "{}", said.out);
    assert_eq!(env.deployment(1)["state"], "succeeded");
    let said = typed(&env, &["release block api@1.0.0", "carts vanish", "release show api@1.0.0"]).ok();
    assert!(said.out.contains("carts vanish"), "{}", said.out);
    let left = typed(&env, &["release unblock api@1.0.0", "", "q"]).ok();
    assert!(left.out.contains("nothing was done"), "{}", left.out);
}

#[test]
fn what_must_be_confirmed_is_typed_and_anything_else_does_nothing() {
    let env = TestEnv::new();
    env.config(PRODUCTION);
    env.script("deploy.sh", "echo it is live");
    env.registered("api@1.0.0");
    let left = typed(&env, &["deploy api@1.0.0 production", "", "q"]).ok();
    assert!(left.out.contains("type it to go on") && left.out.contains("nothing was done"), "{}", left.out);
    let wrong = typed(&env, &["deploy api@1.0.0 production", "yes", "q"]).ok();
    assert!(!wrong.out.contains("it is live"), "{}", wrong.out);
    assert!(env.run(&["deployments", "--json"]).ok().json()["deployments"].as_array().unwrap().is_empty());
    let right = typed(&env, &["deploy api@1.0.0 production", "1.0.0", "q"]).ok();
    assert!(right.out.contains("it is live"), "{}{}", right.out, right.err);
}

const PRODUCTION: &str = r#"
[relman]
database = "state/relman.db"
[environments.production]
kind = "production"
approvals = []
[process.standard]
enter = "deploy"
[services.api]
pipeline = ["production"]
scripts = { deploy = ["./deploy.sh"] }
"#;

#[test]
fn what_others_do_meanwhile_is_told_before_the_next_question() {
    let env = TestEnv::deploying("true");
    let mut command = env.command(&["--plain"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "release show api@1.0.0").unwrap();
    crate::support::wait::pause(std::time::Duration::from_millis(1500));
    drop(env.run_as("bob", &["freeze", "now", "--reason", "carts vanish", "--for", "1h"]));
    writeln!(stdin, "\nq").unwrap();
    drop(stdin);
    let said = Said::of(&child.wait_with_output().unwrap());
    assert!(said.out.contains("new: bob: "), "{}", said.out);
}

#[test]
fn a_quote_that_is_open_and_a_word_that_is_none_are_said() {
    let env = TestEnv::deploying("true");
    let said = typed(&env, &["note 1 'it is", "fly", "q"]).ok();
    assert!(said.out.contains("a quote is not closed"), "{}", said.out);
    assert!(said.err.contains("fly"), "{}", said.err);
}
