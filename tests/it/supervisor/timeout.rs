//! The two clocks: how long a deployment may take, and how long it may be silent.

use crate::support::env::{TestEnv, gate};

fn env(limit: &str, body: &str) -> TestEnv {
    let env = TestEnv::with_service(&format!(
        "grace = \"1s\"\n{limit}\nscripts = {{ deploy = [\"./deploy.sh\"] }}"
    ));
    env.script("deploy.sh", body);
    env.registered("api@1.0.0");
    env
}

#[test]
fn a_deployment_that_takes_too_long_is_stopped_and_says_so() {
    let env =
        env("timeout = \"1s\"", "trap 'echo cleaning; exit 3' TERM; while :; do echo on; sleep 0.05; done");

    let said = env.deploy().exits(124);

    assert!(said.out.contains("failed: it ran longer than its timeout of 1s"), "{said:#?}");
    let d = env.deployment(1);
    assert_eq!(d["state"], "failed");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "timed-out", "limit": "total", "after_ms": 1000 }));
    let log = env.log(1);
    assert!(log.contains("[relman] stopping the script: it ran longer than its timeout of 1s\n"), "{log}");
    assert!(log.contains("TERM sent") && log.contains("cleaning\n"), "{log}");
    env.assert_sound();
    env.assert_free();
}

#[test]
fn a_script_that_says_it_succeeded_when_its_time_was_over_has_timed_out() {
    let env = env("timeout = \"1s\"", &format!("trap 'exit 0' TERM; {}", gate("never")));

    drop(env.deploy().exits(124));

    assert_eq!(env.deployment(1)["state"], "failed");
}

#[test]
fn a_deployment_that_falls_silent_is_stopped_and_says_so() {
    let env = env("quiet-timeout = \"1s\"", &format!("trap '' TERM; echo last words; {}", gate("never")));

    drop(env.deploy().exits(124));

    let d = env.deployment(1);
    assert_eq!(d["state"], "failed");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "timed-out", "limit": "quiet", "after_ms": 1000 }));
    let log = env.log(1);
    assert!(log.contains("it printed nothing for 1s (quiet-timeout)") && log.contains("KILL sent"), "{log}");
}

#[test]
fn a_deployment_that_keeps_talking_is_not_silent() {
    // Longer in total than the silence allowed at once.
    let env = env("quiet-timeout = \"8s\"", "for i in $(seq 1 50); do echo $i; sleep 0.2; done");
    drop(env.deploy().ok());
}

#[test]
fn a_cancel_by_a_person_outranks_a_timeout_that_came_first() {
    let env =
        TestEnv::with_service("grace = \"1h\"\ntimeout = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }");
    env.script("deploy.sh", &format!("trap 'touch asked' TERM; {}; exit 1", gate("go")));
    env.registered("api@1.0.0");
    let id = env.start();
    env.until_file("asked");

    drop(env.run_as("bob:1002", &["cancel", "1", "--detach"]).ok());
    env.until_log(id, "cancel requested by bob");
    env.touch("go");

    let d = env.until_state(id, "cancelled");
    assert_eq!(d["cause"]["by"], "bob");
}

#[test]
fn a_step_that_takes_too_long_is_asked_about_like_one_that_failed() {
    let env = env(
        "step-timeout = \"1s\"\nstrategy.staging = { kind = \"all-at-once\", on-failure = \"ask\" }",
        &format!("[ -e mended ] || {}", gate("never")),
    );
    env.start();
    crate::support::wait::until("a question", || env.deployment(1), |d| d["state"] == "paused");
    env.touch("mended");
    drop(env.run(&["decide", "1", "retry", "--detach"]).ok());
    env.until_state(1, "succeeded");
    env.assert_sound();
}
