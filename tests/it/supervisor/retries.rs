//! A step that failed is run again by itself where the configuration says so: so often, after its delay, and not into a lock.

use crate::support::env::TestEnv;

/// A deploy script that fails as long as it has run fewer than `good` times.
fn env(strategy: &str, good: usize) -> TestEnv {
    let env = TestEnv::with_service(&format!(
        "grace = \"1s\"\nscripts = {{ deploy = [\"./deploy.sh\"] }}\nstrategy.staging = {{ {strategy} }}"
    ));
    env.script(
        "deploy.sh",
        &format!(
            "echo $RELMAN_ATTEMPT$RELMAN_TARGETS >> ran\n[ $(grep -c \"$RELMAN_TARGETS\" ran) -ge {good} ]"
        ),
    );
    env.registered("api@1.0.0");
    env
}

fn ran(env: &TestEnv) -> Vec<String> {
    std::fs::read_to_string(env.path("ran")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn it_is_run_again_until_it_succeeds_and_that_is_no_help_by_a_person() {
    let env = env("kind = \"all-at-once\", retries = 2", 3);
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    assert_eq!(ran(&env), ["1", "2", "3"]);
    let d = env.deployment(1);
    assert_eq!((&d["state"], &d["guided"]), (&"succeeded".into(), &false.into()));
    let attempts: Vec<(i64, String)> = env
        .steps(1)
        .iter()
        .map(|step| (step["attempt"].as_i64().unwrap(), step["state"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [(1, "failed"), (2, "failed"), (3, "succeeded")];
    assert_eq!(attempts, expected.map(|(attempt, state)| (attempt, state.to_owned())), "each is on record");
    assert!(env.log(1).contains("run again in 0s, 1 of 2"), "{}", env.log(1));
    env.assert_sound();
}

#[test]
fn after_the_last_time_it_is_asked_about_as_ever() {
    let env = env("kind = \"all-at-once\", retries = 1, on-failure = \"ask\"", 9);
    env.start();
    crate::support::wait::until("a question", || env.deployment(1), |d| d["state"] == "paused");
    assert_eq!(ran(&env), ["1", "2"]);
    drop(env.run(&["decide", "1", "fail", "--reason", "x", "--detach"]).ok());
    env.until_state(1, "failed");
}

#[test]
fn a_lock_that_somebody_set_meanwhile_ends_it() {
    let env = env("kind = \"all-at-once\", retries = 3, retry-delay = \"2s\"", 9);
    env.start();
    env.until_log(1, "run again in 2s");
    drop(env.run_as("bob:1002", &["lock", "--env", "staging", "--reason", "hands off"]).ok());
    env.until_state(1, "failed");
    assert_eq!(ran(&env), ["1"]);
    assert!(env.log(1).contains("is not run again: bob locked it"), "{}", env.log(1));
}

#[test]
fn a_cancel_does_not_wait_for_the_delay() {
    let env = env("kind = \"all-at-once\", retries = 3, retry-delay = \"1h\"", 9);
    env.start();
    env.until_log(1, "run again in 1h");
    drop(env.run(&["cancel", "1"]).ok());
    env.until_state(1, "cancelled");
    assert_eq!(ran(&env), ["1"]);
}

#[test]
fn of_several_targets_only_those_that_failed_are_run_again() {
    let env = env("kind = \"rolling\", targets = [\"x\", \"y\"], batch = 2, retries = 1", 2);
    env.write("ran", "0y\n", 0o600);
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    let mut ran = ran(&env);
    ran.sort();
    assert_eq!(ran, ["0y", "1x", "1y", "2x"]);
    env.assert_sound();
}

#[test]
fn what_a_failure_leads_to_may_be_said_for_one_deployment_also_for_one_that_waits() {
    let env = env("kind = \"all-at-once\", on-failure = \"fail\"", 9);
    for (id, more) in [(1, &["--detach"][..]), (2, &["--at", "+1s", "--detach"])] {
        drop(env.run(&[&["deploy", "api@1.0.0", "staging", "--on-failure", "ask"][..], more].concat()).ok());
        crate::support::wait::until("a question", || env.deployment(id), |d| d["state"] == "paused");
        drop(env.run(&["decide", &id.to_string(), "fail", "--reason", "x", "--detach"]).ok());
        env.until_state(id, "failed");
    }
    assert_eq!(env.deployment(2)["on_failure"], "ask");
}
