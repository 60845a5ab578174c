//! Steps beside those of the strategy: in their place, when they should, and without a say in what is not theirs.

use crate::support::env::TestEnv;

/// A service with these further steps; each script writes its step into `ran` and fails where a file says so.
fn env(steps: &str, more: &str) -> TestEnv {
    let env = TestEnv::with_service(&format!(
        "grace = \"1s\"\nscripts = {{ deploy = [\"./one.sh\"], verify = [\"./one.sh\"], rollback = [\"./one.sh\"] }}\n{more}\n{steps}"
    ));
    env.script(
        "one.sh",
        "echo $RELMAN_STEP >> ran\necho $RELMAN_STEP of $RELMAN_KIND\n[ ! -e \"bad-$RELMAN_STEP\" ]",
    );
    env.registered("api@1.0.0");
    env
}

fn step(name: &str, more: &str) -> String {
    format!("[[services.api.steps]]\nname = \"{name}\"\ncommand = [\"./one.sh\"]\n{more}\n")
}

fn ran(env: &TestEnv) -> Vec<String> {
    std::fs::read_to_string(env.path("ran")).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn states(env: &TestEnv, id: i64) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    env.steps(id).iter().map(|step| (text(&step["plan"]["name"]), text(&step["state"]))).collect()
}

fn all() -> String {
    [
        step("backup", "place = \"first\"\nrequired = true"),
        step("warm", "place = \"before-verify\"\ncontinue-on-error = true"),
        step("page", "run = \"on-failure\""),
        step("notify", "run = \"always\""),
    ]
    .concat()
}

#[test]
fn after_a_success_everything_ran_in_its_place_but_what_waits_for_a_failure() {
    let env = env(&all(), "");
    env.start();
    env.until_state(1, "succeeded");
    assert_eq!(ran(&env), ["backup", "deploy", "warm", "verify", "notify"]);
    let page = ("page".to_owned(), "skipped".to_owned());
    assert!(states(&env, 1).contains(&page), "{:?}", states(&env, 1));
    env.assert_sound();
}

#[test]
fn after_a_failure_only_what_is_meant_for_it_runs() {
    let env = env(&all(), "");
    env.touch("bad-deploy");
    env.touch("bad-page");
    env.start();
    let d = env.until_state(1, "failed");
    assert_eq!(ran(&env), ["backup", "deploy", "page", "notify"]);
    assert_eq!(d["failed_step"], "deploy", "what fails afterwards is not what it failed of");
    let log = env.log(1);
    assert!(log.contains("page failed as well (the script ended with exit status 1)"), "{log}");
    let states = states(&env, 1);
    for known in [("warm", "skipped"), ("page", "failed"), ("notify", "succeeded")] {
        assert!(states.iter().any(|(name, state)| (name.as_str(), state.as_str()) == known), "{states:?}");
    }
    env.assert_sound();
}

#[test]
fn a_failure_that_does_not_count_is_passed_over() {
    let env = env(&all(), "");
    env.touch("bad-warm");
    env.start();
    env.until_state(1, "succeeded");
    assert_eq!(ran(&env), ["backup", "deploy", "warm", "verify", "notify"]);
    assert!(env.log(1).contains("warm failed (the script ended with exit status 1); that does not count"));
    assert!(states(&env, 1).contains(&("warm".to_owned(), "failed".to_owned())));
}

#[test]
fn who_cancels_wants_nothing_more_to_be_started() {
    let env = env(&all(), "");
    env.script("one.sh", "echo $RELMAN_STEP >> ran; [ $RELMAN_STEP != deploy ] || sleep 60");
    env.start();
    env.until_script(1);
    crate::support::wait::until("the deploy step", || ran(&env), |ran| ran.len() == 2);
    drop(env.run(&["cancel", "1"]).ok());
    env.until_state(1, "cancelled");
    assert_eq!(ran(&env), ["backup", "deploy"]);
    assert!(env.log(1).contains("notify is not started any more"), "{}", env.log(1));
}

#[test]
fn what_is_not_required_may_be_left_out_and_that_is_on_record() {
    let env = env(&all(), "");
    let refused = env.run(&["deploy", "api@1.0.0", "staging", "--leave-out", "backup"]);
    assert!(refused.err.contains("'backup' is required and cannot be left out"), "{}", refused.err);
    drop(refused.exits(12));
    let unknown = env.run(&["deploy", "api@1.0.0", "staging", "--leave-out", "wram"]).exits(2);
    assert!(unknown.err.contains("what may be left out: warm, page, notify"), "{}", unknown.err);
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--leave-out", "warm", "--leave-out", "notify"]).ok());
    assert_eq!(ran(&env), ["backup", "deploy", "verify"]);
    let d = env.deployment(1);
    assert_eq!(d["left_out"], serde_json::json!(["warm", "notify"]));
    assert!(env.log(1).contains("warm was left out by who started this"), "{}", env.log(1));
    let shown = env.run(&["show", "1"]).ok().out;
    assert!(shown.contains("left out"), "{shown}");
    env.assert_sound();
}

#[test]
fn what_was_left_out_of_a_deployment_that_waits_stays_left_out() {
    let env = env(&all(), "");
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--leave-out", "warm", "--at", "+1s", "--wait"]).ok());
    assert_eq!(ran(&env), ["backup", "deploy", "verify", "notify"]);
}

#[test]
fn going_back_runs_only_the_steps_that_say_so() {
    let env = env(&[step("seed", "place = \"first\""), step("notify", "in-rollbacks = true")].concat(), "");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    env.registered("api@1.1.0");
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).ok());
    std::fs::remove_file(env.path("ran")).unwrap();
    drop(env.run(&["rollback", "api", "staging", "--reason", "leaks"]).ok());
    assert_eq!(ran(&env), ["rollback", "verify", "notify"]);
}
