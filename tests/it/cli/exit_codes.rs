//! The table of exit codes, one row at a time: in text and in JSON the same.

use super::{BOB, MALLORY, ready};
use crate::support::env::{TestEnv, gate};

/// Runs a command as alice in text and in JSON: the same code, a sentence, and in JSON the kind.
#[track_caller]
fn refused(env: &TestEnv, args: &[&str], code: i32, kind: &str) {
    let text = env.run(args).exits(code);
    assert_eq!(text.out, "", "an error is no answer: {text:#?}");
    assert!(text.err.starts_with("relman: "), "{text:#?}");
    let json = env.run(&[&["--json"], args].concat()).exits(code);
    assert_eq!(json.out, "", "{json:#?}");
    let error = json.error();
    assert_eq!(error["kind"], kind, "{json:#?}");
    let first = text.err.lines().next().unwrap().trim_start_matches("relman: ").to_owned();
    assert!(error["sentence"].as_str().unwrap().starts_with(&first), "{first:?} is not {error:#}");
    for hint in error["hints"].as_array().unwrap() {
        assert!(text.err.contains(hint.as_str().unwrap()), "{hint} is not in {text:#?}");
    }
}

#[test]
fn one_is_a_failure() {
    refused(&ready(), &["release", "new", "--from-json", "missing.json"], 1, "failure");
}

#[test]
fn two_is_a_mistake_in_the_words() {
    let env = ready();
    refused(&env, &["release", "edit", "api@1.0.0"], 2, "usage");
    for args in
        [&["frobnicate"][..], &["deploy"], &["deploy", "api@1.0.0"], &["log", "1", "--no-such"], &["--json"]]
    {
        let said = env.run(args).exits(2);
        assert_eq!(said.out, "", "{said:#?}");
        assert!(!said.err.is_empty());
    }
}

#[test]
fn a_mistake_in_the_words_is_json_too_when_json_was_asked_for() {
    let env = ready();
    for args in [
        &["--json", "frobnicate"][..],
        &["deploy", "--json"],
        &["--json", "show", "x"],
        &["--json", "log", "1", "-z"],
    ] {
        let error = env.run(args).exits(2).error();
        assert_eq!(error["kind"], "usage");
        assert!(!error["sentence"].as_str().unwrap().is_empty());
    }
}

#[test]
fn three_is_not_found() {
    let env = ready();
    for args in [
        &["release", "show", "api@9.9.9"][..],
        &["deploy", "api@9.9.9", "staging"],
        &["deploy", "api@1.0.0", "moon"],
        &["show", "77"],
        &["log", "77"],
        &["attach", "77"],
        &["cancel", "77"],
        &["freeze", "remove", "F77"],
    ] {
        refused(&env, args, 3, "not-found");
    }
}

#[test]
fn four_is_a_conflict() {
    let env = ready();
    refused(&env, &["release", "new", "api", "1.0.0"], 4, "conflict");
    env.script("deploy.sh", &gate("go"));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    refused(&env, &["deploy", "api@1.0.0", "staging"], 4, "conflict");
    env.touch("go");
    env.until_state(1, "succeeded");
    refused(&env, &["cancel", "1"], 4, "conflict");
}

#[test]
fn five_is_a_freeze_or_a_window() {
    let env = ready();
    drop(env.run_as(BOB, &["freeze", "now", "--reason", "incident"]).ok());
    refused(&env, &["deploy", "api@1.0.0", "staging"], 5, "frozen");
    let env = ready();
    env.config(
        &super::TEAM
            .replace("[environments.staging]", "[environments.staging]\nhours = [\"Mon 09:00-17:00\"]"),
    );
    refused(&env, &["deploy", "api@1.0.0", "staging"], 5, "frozen");
}

#[test]
fn six_is_a_missing_approval() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    refused(&env, &["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"], 6, "unapproved");
}

#[test]
fn seven_is_a_missing_confirmation() {
    let args = ["deploy", "api@1.0.0", "production", "--confirm", "1.0"];
    refused(&ready(), &args, 7, "unconfirmed");
}

#[test]
fn nine_and_ten_are_deployments_that_failed_and_were_cancelled() {
    let env = ready();
    env.script("deploy.sh", "exit 3");
    for args in [
        &["deploy", "api@1.0.0", "staging"][..],
        &["--json", "deploy", "api@1.0.0", "staging"],
        &["attach", "1"],
    ] {
        drop(env.run(args).exits(9));
    }
    env.script("deploy.sh", &format!("touch started; {}", gate("never")));
    let deploying = env.front_end(&["--json", "deploy", "api@1.0.0", "staging"]);
    env.until_file("started");
    drop(env.run(&["cancel", "3"]).ok());
    let said = deploying.end().exits(10);
    assert_eq!(said.json()["deployment"]["state"], "cancelled");
}

#[test]
fn eleven_is_another_gate() {
    let env = ready();
    refused(&env, &["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"], 11, "blocked");
    refused(&env, &["release", "advance", "api@1.0.0"], 11, "blocked");
}

#[test]
fn twelve_is_not_permitted() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    refused(&env, &["approve", "api@1.0.0", "production"], 12, "not-permitted");
    let said = env.run_as(MALLORY, &["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).exits(12);
    assert!(said.err.contains("mallory may not deploy here; only sre may"), "{said:#?}");
}

#[test]
fn thirteen_is_a_lost_deployment() {
    let mut env = ready();
    env.vars.push(("RELMAN_CRASH_AT".to_owned(), "before-spawn".to_owned()));
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).exits(13));
    drop(env.run(&["--json", "attach", "1"]).exits(13));
}

#[test]
fn fourteen_is_an_invalid_configuration() {
    let env = ready();
    env.config("[services.api]\n");
    for args in [&["board"][..], &["config", "show"], &["deploy", "api@1.0.0", "staging"]] {
        drop(env.run(args).exits(14));
        assert_eq!(env.run(&[&["--json"], args].concat()).exits(14).error()["kind"], "bad-config");
    }
}

#[test]
fn refusals_are_on_record_like_acts() {
    let env = ready();
    drop(env.run_as(MALLORY, &["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).exits(12));
    let newest = env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0].clone();
    assert_eq!(newest["body"]["result"], "refused");
    assert!(newest["actor"].to_string().contains("1666"), "{newest:#}");
    drop(env.run(&["audit", "verify"]).ok());
}
