//! Scripts that change between the gates' yes and their turn.

use crate::support::env::{TestEnv, gate};

/// A rolling deployment to two targets whose first step does `first`.
fn rolling(first: &str) -> TestEnv {
    let env = TestEnv::with_service(
        "grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"], verify = [\"./verify.sh\"] }\n\
         strategy.staging = { kind = \"rolling\", targets = [\"one\", \"two\"], batch = 1 }",
    );
    env.script(
        "deploy.sh",
        &format!("echo $RELMAN_TARGETS >> told\nif [ $RELMAN_TARGETS = one ]; then {first}; fi"),
    );
    env.script("verify.sh", "echo verified >> told");
    env.registered("api@1.0.0");
    env
}

#[track_caller]
fn assert_stopped_by(env: &TestEnv, file: &str) {
    let said = env.deploy().exits(9);
    assert!(said.out.contains(&format!("{file} changed after the gates agreed")), "{said:#?}");
    let d = env.deployment(1);
    assert_eq!((d["state"].as_str(), d["cause"]["cause"].as_str()), (Some("failed"), Some("cannot-run")));
    assert_eq!(d["failed_step"], "deploy two");
    assert!(d["cause"]["why"].as_str().unwrap().contains(file), "{d:#}");
    assert_eq!(std::fs::read_to_string(env.path("told")).unwrap(), "one\n", "only the first step ran");
    env.assert_sound();
}

#[test]
fn a_changed_verify_script_stops_the_next_step() {
    let env = rolling("echo 'echo other' >> verify.sh");
    assert_stopped_by(&env, "verify.sh");
}

#[test]
fn a_replaced_deploy_script_stops_the_next_step() {
    let env = rolling("{ cat deploy.sh; echo true; } > other; chmod +x other; mv other deploy.sh");
    assert_stopped_by(&env, "deploy.sh");
}

#[test]
fn a_removed_script_stops_the_next_step() {
    let env = rolling("rm verify.sh");
    assert_stopped_by(&env, "verify.sh");
}

#[test]
fn a_script_that_changed_between_the_start_and_the_claim_is_not_run() {
    let mut env = TestEnv::deploying("touch ran");
    env.vars.push(("RELMAN_PAUSE_AT".to_owned(), "before-claim".to_owned()));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    let supervisor = env.process("__supervise");
    crate::support::env::until_stopped(supervisor);
    env.script("deploy.sh", "touch ran; echo other");
    crate::support::env::signal(supervisor, nix::sys::signal::Signal::SIGCONT);

    let said = deploying.end().exits(11);

    assert!(said.out.contains("the release or its scripts changed between the start and now"), "{said:#?}");
    assert_eq!(env.deployment(1)["cause"]["cause"], "refused");
    assert!(!env.path("ran").exists());
}

#[test]
fn a_freeze_between_the_start_and_the_claim_keeps_the_script_from_running() {
    let mut env = TestEnv::deploying("touch ran");
    env.vars.push(("RELMAN_PAUSE_AT".to_owned(), "before-claim".to_owned()));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    let supervisor = env.process("__supervise");
    crate::support::env::until_stopped(supervisor);
    drop(env.run_as("bob:1002", &["freeze", "now", "--reason", "incident"]).ok());
    crate::support::env::signal(supervisor, nix::sys::signal::Signal::SIGCONT);

    let said = deploying.end().exits(5);

    assert!(said.out.contains("Stop the line"), "{said:#?}");
    assert!(!env.path("ran").exists());
    let shown = env.run(&["show", "1"]).ok().out;
    let gates = shown.split("gates when it was turned down").nth(1).unwrap();
    assert!(gates.contains("Stop the line"), "{shown}");
}

#[test]
fn a_freeze_does_not_stop_what_runs_already() {
    let env = TestEnv::deploying(&format!("touch started; {}", gate("go")));
    let id = env.start();
    env.until_file("started");

    let said = env.run_as("bob:1002", &["freeze", "now", "--reason", "incident"]).ok();

    assert!(said.out.contains("still running: #1"), "{said:#?}");
    drop(env.deploy().exits(5));
    env.touch("go");
    env.until_state(id, "succeeded");
}
