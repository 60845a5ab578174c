//! Hooks that are asked before a deployment begins: their no ends it before anything has run.

use crate::support::env::{TestEnv, is_alive, signal};

/// A deployment that asks `may-i.sh` first.
fn guarded(body: &str, lines: &str) -> TestEnv {
    let env = TestEnv::with_service(&format!(
        "scripts = {{ deploy = [\"./deploy.sh\"] }}\n{lines}\n[hooks]\npre-deploy = [[\"./may-i.sh\", \"please\"]]"
    ));
    env.script("may-i.sh", body);
    env.script("deploy.sh", "touch deployed");
    env.registered("api@1.0.0");
    env
}

#[test]
fn a_no_ends_the_deployment_before_anything_has_run() {
    let env = guarded(
        "echo \"$1: $RELMAN_SERVICE is on fire\"\nexit 3",
        "strategy.staging = { kind = \"all-at-once\", on-failure = \"ask\" }",
    );
    drop(env.deploy().exits(9));
    assert!(!env.path("deployed").exists());
    let log = env.log(1);
    assert!(log.contains("please: api is on fire"), "{log}");
    let d = env.deployment(1);
    assert_eq!((d["state"].as_str(), d["failed_step"].as_str()), (Some("failed"), Some("pre-deploy")));
    assert_eq!(env.steps(1)[0]["state"], "failed");
    assert!(env.steps(1)[1]["started_at"].is_null(), "nothing else began");
}

#[test]
fn what_a_hook_kept_from_beginning_has_touched_nothing() {
    let env = guarded("[ ! -e on-fire ]", "");
    drop(env.deploy().ok());
    env.registered("api@1.1.0");
    env.touch("on-fire");
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).exits(9));
    let status = env.run(&["--json", "status"]).ok().json();
    let place = &status["places"][0];
    assert_eq!(place["live"]["release"], "api@1.0.0", "{place}");
    let why = env.run(&["why", "api@1.0.0", "production"]).out;
    assert!(!why.contains("not live in staging"), "{why}");
}

#[test]
fn a_yes_lets_it_begin() {
    let env = guarded("exit 0", "");
    drop(env.deploy().ok());
    env.until_file("deployed");
}

#[test]
fn it_is_left_out_with_a_reason_and_on_record() {
    let env = guarded("exit 3", "");
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--skip-hooks"]).exits(2));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--leave-out", "pre-deploy"]).exits(2));
    drop(
        env.run(&["deploy", "api@1.0.0", "staging", "--skip-hooks", "--reason", "the check is broken"]).ok(),
    );
    env.until_file("deployed");
    let d = env.deployment(1);
    assert_eq!(d["left_out"], serde_json::json!(["pre-deploy"]));
    assert_eq!(d["reason"], "the check is broken");
    let log = env.log(1);
    assert!(log.contains("pre-deploy was left out by who started this"), "{log}");
}

#[test]
fn what_tells_a_hook_is_not_taken_for_what_the_script_left_running() {
    use nix::sys::signal::Signal;
    let env = TestEnv::with_service(
        "grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }\n[hooks]\n\"deployment.started\" = [[\"./hang.sh\"]]",
    );
    env.script("hang.sh", "echo $$ > hangs.new; mv hangs.new hangs; exec sleep 300");
    env.script("deploy.sh", "while [ ! -e hangs ]; do sleep 0.05; done; exec sleep 300");
    env.registered("api@1.0.0");
    // Of one that waits the scribe puts the start on record, and sends somebody to the hooks.
    let said = env.run(&["--json", "deploy", "api@1.0.0", "staging", "--at", "+1s"]).ok();
    let id = said.json()["deployment"]["id"].as_i64().unwrap();
    let hook: i32 = env.until_text("hangs").parse().unwrap();
    drop(env.run(&["cancel", &id.to_string()]).ok());
    let d = env.until_state(id, "cancelled");
    assert!(is_alive(hook), "the hook is none of the script's");
    assert_eq!(d["left_running"], serde_json::json!([]), "{}", env.log(id));
    assert!(!env.log(id).contains("courier"), "{}", env.log(id));
    signal(hook, Signal::SIGKILL);
}

#[test]
fn one_that_is_changed_between_the_gates_and_its_turn_does_not_run() {
    let env = guarded("exit 0", "");
    env.script("other.sh", "exit 0");
    env.config(
        &std::fs::read_to_string(env.path("relman.toml"))
            .unwrap()
            .replace("[[\"./may-i.sh\", \"please\"]]", "[[\"./other.sh\"], [\"./may-i.sh\", \"please\"]]"),
    );
    env.script("other.sh", "printf '#!/bin/sh\\nexit 1\\n' > may-i.sh");
    drop(env.deploy().exits(9));
    assert!(env.log(1).contains("may-i.sh changed after the gates agreed"), "{}", env.log(1));
}
