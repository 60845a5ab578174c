//! Between its steps a deployment waits for time, people and analyses, and does what was decided.

use nix::sys::signal::Signal;

use crate::support::env::{Said, TestEnv, signal};

/// A canary of api in staging; `judge` and more of the strategy, the body of deploy.sh, and of the other scripts.
fn canary(strategy: &str, deploy: &str) -> TestEnv {
    let env = TestEnv::with_service(&format!(
        "scripts = {{ deploy = [\"./deploy.sh\"], verify = [\"./verify.sh\"], analyse = [\"./analyse.sh\"] }}\n\
         strategy.staging = {{ kind = \"canary\", percents = [10, 50, 100], {strategy} }}"
    ));
    env.script("deploy.sh", &format!("echo $RELMAN_PERCENT/$RELMAN_ATTEMPT >> ran\n{deploy}"));
    env.script("verify.sh", "echo verify >> ran; [ ! -e unsound ] || [ $RELMAN_KIND = rollback ]");
    env.script(
        "analyse.sh",
        "echo analyse $RELMAN_PERCENT >> ran; exit $(cat verdict 2>/dev/null || echo 0)",
    );
    env.registered("api@1.0.0");
    env
}

/// Waits until it waits for a person.
#[track_caller]
fn until_held(env: &TestEnv, id: i64, number: u64) {
    crate::support::wait::until(
        &format!("hold {number} of {id}"),
        || env.deployment(id),
        |d| d["hold"]["number"] == number,
    );
}

fn decide(env: &TestEnv, args: &[&str]) -> Said {
    env.run_as("alice:1001", &[&["decide", "1"], args, &["--detach"]].concat())
}

fn ran(env: &TestEnv) -> Vec<String> {
    std::fs::read_to_string(env.path("ran")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn a_share_waits_for_a_person_and_goes_on_when_promoted() {
    let env = canary("judge = \"person\"", "");
    let id = env.start();
    until_held(&env, id, 1);
    assert_eq!(env.deployment(id)["state"], "paused");
    assert_eq!(ran(&env), ["10/1"]);
    drop(decide(&env, &["promote"]).ok());
    until_held(&env, id, 2);
    assert_eq!(ran(&env), ["10/1", "50/1"]);
    drop(decide(&env, &["promote"]).ok());
    let d = env.until_state(id, "succeeded");
    assert_eq!(ran(&env), ["10/1", "50/1", "100/1", "verify"]);
    assert_eq!(d["guided"], false, "promoting is no help");
    assert!(env.log(id).contains("alice chose promote"), "{}", env.log(id));
    env.assert_sound();
}

#[test]
fn a_pause_for_a_time_may_be_cut_short() {
    let env = canary("pause = \"1h\"", "");
    let id = env.start();
    until_held(&env, id, 1);
    drop(decide(&env, &["promote"]).ok());
    until_held(&env, id, 2);
    drop(env.run(&["cancel", "1"]).ok());
    env.until_state(id, "cancelled");
    assert_eq!(ran(&env), ["10/1", "50/1"]);
}

/// A pause of a second before the second share, of which the supervisor hears nothing more: its scribe stands still.
fn unheard() -> (TestEnv, i64, i32) {
    let env = canary("pause = \"1s\"", "");
    let id = env.start();
    until_held(&env, id, 1);
    crate::support::wait::until("the pause", || env.steps(id), |steps| steps[1]["state"] == "waiting");
    let scribe = env.process("__scribe");
    signal(scribe, Signal::SIGSTOP);
    (env, id, scribe)
}

#[test]
fn what_is_decided_at_the_last_moment_of_a_pause_counts() {
    let (env, id, scribe) = unheard();
    drop(decide(&env, &["fail", "--reason", "errors at 10 %"]).ok());
    let until = std::time::Instant::now() + std::time::Duration::from_secs(2);
    crate::support::wait::until("two seconds", std::time::Instant::now, |now| *now > until);
    signal(scribe, Signal::SIGCONT);
    let d = env.until_state(id, "failed");
    assert_eq!(d["cause"]["by"], "alice", "{d:#}");
    assert_eq!(ran(&env), ["10/1"], "nothing more was run");
    env.assert_sound();
}

#[test]
fn a_pause_ends_also_where_the_store_stays_out_of_reach() {
    let (env, id, scribe) = unheard();
    crate::support::wait::until("the second share", || ran(&env), |ran| ran.len() > 1);
    signal(scribe, Signal::SIGCONT);
    env.until_state(id, "succeeded");
    let resumed = env.journal(&format!("#{id}"));
    let resumed = resumed.iter().filter(|entry| entry["verb"] == "deployment.resumed");
    assert_eq!(resumed.count(), 2, "once for each pause");
}

#[test]
fn a_failed_step_waits_and_is_run_again_with_its_number() {
    let env = canary("on-failure = \"ask\"", "[ $RELMAN_PERCENT != 50 ] || [ -e mended ]");
    let id = env.start();
    until_held(&env, id, 1);
    let shown = env.run(&["show", "1"]).ok().out;
    assert!(
        shown.contains("deploy 50% failed (the script ended with exit status 1); waiting for a decision"),
        "{shown}"
    );
    env.touch("mended");
    drop(decide(&env, &["retry"]).ok());
    let d = env.until_state(id, "succeeded");
    assert_eq!(ran(&env), ["10/1", "50/1", "50/2", "100/1", "verify"]);
    assert_eq!(d["guided"], true);
    let attempts: Vec<(String, i64, String)> = env
        .steps(id)
        .iter()
        .map(|step| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&step["plan"]["name"]), step["attempt"].as_i64().unwrap(), text(&step["state"]))
        })
        .collect();
    assert_eq!(attempts[1], ("deploy 50%".to_owned(), 1, "failed".to_owned()));
    assert_eq!(attempts[2], ("deploy 50%".to_owned(), 2, "succeeded".to_owned()));
    env.assert_sound();
}

#[test]
fn a_step_may_be_skipped_but_not_the_verification() {
    let env = canary("on-failure = \"ask\"", "[ $RELMAN_PERCENT != 50 ]");
    env.touch("unsound");
    let id = env.start();
    until_held(&env, id, 1);
    drop(decide(&env, &["skip", "--reason", "the metric is known to be wrong"]).ok());
    until_held(&env, id, 2);
    let said = decide(&env, &["skip", "--reason", "never mind"]).exits(4);
    assert!(said.err.contains("verify is required: it cannot be skipped"), "{said:#?}");
    drop(decide(&env, &["fail", "--reason", "no use"]).ok());
    let d = env.until_state(id, "failed");
    assert_eq!(d["failed_step"], "verify");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "exit", "code": 1 }));
}

#[test]
fn stopping_at_a_hold_says_who_and_why() {
    let env = canary("judge = \"person\"", "");
    let id = env.start();
    until_held(&env, id, 1);
    drop(decide(&env, &["fail", "--reason", "the graphs look odd"]).ok());
    let d = env.until_state(id, "failed");
    assert_eq!(
        d["cause"],
        serde_json::json!({ "cause": "stopped", "by": "alice", "reason": "the graphs look odd" })
    );
    assert_eq!(ran(&env), ["10/1"]);
}

#[test]
fn a_good_analysis_goes_on_by_itself() {
    let env = canary("judge = \"analysis\"", "");
    drop(env.deploy().ok());
    assert_eq!(ran(&env), ["10/1", "analyse 10", "50/1", "analyse 50", "100/1", "verify"]);
}

#[test]
fn an_analysis_that_cannot_tell_leaves_it_to_a_person() {
    let env = canary("judge = \"analysis\"", "");
    env.write("verdict", "75", 0o600);
    let id = env.start();
    until_held(&env, id, 1);
    let d = env.deployment(id);
    assert_eq!(d["hold"]["reason"]["because"], "inconclusive");
    env.write("verdict", "0", 0o600);
    drop(decide(&env, &["promote"]).ok());
    let d = env.until_state(id, "succeeded");
    assert_eq!(d["guided"], true, "a person had to say that it was good");
}

#[test]
fn a_bad_analysis_ends_it() {
    let env = canary("judge = \"analysis\"", "");
    env.write("verdict", "1", 0o600);
    drop(env.deploy().exits(9));
    assert_eq!(ran(&env), ["10/1", "analyse 10"]);
}

#[test]
fn a_failed_verification_goes_back_by_itself_where_that_is_wanted() {
    let env = canary("on-failure = \"rollback\"", "");
    drop(env.deploy().ok());
    env.registered("api@1.1.0");
    env.touch("unsound");
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).exits(9));
    let d = env.deployment(2);
    let back = d["follow_up"]["started"].as_i64().unwrap();
    let back = env.until_state(back, "succeeded");
    assert_eq!((back["kind"].as_str(), back["release"].as_str()), (Some("rollback"), Some("api@1.0.0")));
    let shown = env.run(&["show", "2"]).ok().out;
    assert!(shown.contains("rollback      #3, asked for by"), "{shown}");
}

#[test]
fn rolling_back_at_a_hold_stops_it_and_puts_the_good_one_back() {
    let env = canary("on-failure = \"ask\"", "[ $RELMAN_VERSION = 1.0.0 ] || [ $RELMAN_PERCENT != 50 ]");
    drop(env.deploy().ok());
    env.registered("api@1.1.0");
    drop(env.run(&["deploy", "api@1.1.0", "staging", "--detach"]).ok());
    until_held(&env, 2, 1);
    let said = env.run_as("bob:1002", &["decide", "2", "roll-back", "--reason", "errors", "--detach"]).ok();
    assert!(said.err.contains("#2: roll-back"), "{said:#?}");
    env.until_state(2, "failed");
    let back = env.until_state(3, "succeeded");
    assert_eq!(
        (back["release"].as_str(), back["started_by"]["name"].as_str()),
        (Some("api@1.0.0"), Some("bob"))
    );
    let release = env.run(&["--json", "release", "show", "api@1.1.0"]).ok().json();
    assert!(release["release"]["release"]["blocked"]["reason"].as_str().unwrap().contains("errors"));
    env.assert_sound();
}

#[test]
fn a_hold_outlives_the_scribe_and_time_with_people_is_not_counted() {
    let env = canary("judge = \"person\"", "");
    env.config(
        &std::fs::read_to_string(env.path("relman.toml"))
            .unwrap()
            .replace("pipeline =", "timeout = \"4s\"\npipeline ="),
    );
    let id = env.start();
    until_held(&env, id, 1);
    signal(env.process("__scribe"), Signal::SIGKILL);
    // Longer than its timeout: what a person takes to decide is not the script's time.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    crate::support::wait::until("five seconds", std::time::Instant::now, |now| *now > until);
    drop(decide(&env, &["promote"]).ok());
    until_held(&env, id, 2);
    drop(decide(&env, &["promote"]).ok());
    env.until_state(id, "succeeded");
}

#[test]
fn a_supervisor_that_dies_at_a_hold_leaves_it_lost() {
    let env = canary("judge = \"person\"", "");
    let id = env.start();
    until_held(&env, id, 1);
    signal(env.process("__supervise"), Signal::SIGKILL);
    env.until_state(id, "lost");
    let said = decide(&env, &["promote"]).exits(4);
    assert!(said.err.contains("relman resolve 1 succeeded|failed"), "{said:#?}");
}

#[test]
fn ending_what_an_analysis_could_not_tell_is_the_word_of_a_person() {
    let env = canary("judge = \"analysis\"", "");
    env.write("verdict", "75", 0o600);
    let id = env.start();
    until_held(&env, id, 1);
    drop(decide(&env, &["fail", "--reason", "too little traffic"]).ok());
    let d = env.until_state(id, "failed");
    assert_eq!(d["cause"]["cause"], "stopped", "the script did not fail: {d:#}");
}

/// A blue-green pair whose switch waits for a person; what the scripts did stands in `ran`.
fn blue_green() -> TestEnv {
    let env = TestEnv::with_service(
        "scripts = { deploy = [\"./deploy.sh\"], verify = [\"./verify.sh\"] }\n\
         strategy.staging = { kind = \"blue-green\", judge = \"person\", on-failure = \"ask\" }",
    );
    env.script("deploy.sh", "echo $RELMAN_STEP >> ran; [ ! -e bad ]");
    env.script("verify.sh", "echo $RELMAN_STEP >> ran");
    env.registered("api@1.0.0");
    env
}

#[test]
fn a_person_lets_a_blue_green_pair_switch() {
    let env = blue_green();
    let id = env.start();
    until_held(&env, id, 1);
    assert_eq!(ran(&env), ["deploy blue", "verify blue"]);
    let shown = env.run(&["show", "1"]).ok().out;
    assert!(shown.contains("what was there still serves: switch to blue had not begun"), "{shown}");
    drop(decide(&env, &["promote"]).ok());
    env.until_state(id, "succeeded");
    assert_eq!(ran(&env), ["deploy blue", "verify blue", "switch to blue", "verify"]);
    assert!(!env.run(&["show", "1"]).ok().out.contains("still serves"));
}

#[test]
fn what_failed_before_the_switch_left_what_was_there() {
    let env = blue_green();
    env.touch("bad");
    let id = env.start();
    until_held(&env, id, 1);
    drop(decide(&env, &["fail", "--reason", "no"]).ok());
    env.until_state(id, "failed");
    let shown = env.run(&["show", "1"]).ok().out;
    assert!(shown.contains("still serves: switch to blue had not begun"), "{shown}");
}

/// A canary that is held by a freeze before its second share.
fn frozen(more: &str) -> (TestEnv, i64) {
    let env = canary("judge = \"person\"", "");
    let config = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.config(&config.replace("[environments.staging]", &format!("[environments.staging]\n{more}")));
    let id = env.start();
    until_held(&env, id, 1);
    drop(env.run(&["freeze", "now", "--reason", "errors everywhere", "--running", "stop-at-step"]).ok());
    drop(decide(&env, &["promote"]).ok());
    until_held(&env, id, 2);
    (env, id)
}

#[test]
fn a_freeze_that_stops_what_runs_holds_it_before_its_next_step() {
    let (env, id) = frozen("");
    let d = env.deployment(id);
    assert_eq!(d["state"], "paused");
    assert_eq!(d["hold"]["reason"]["because"], "frozen");
    assert_eq!(d["hold"]["reason"]["name"], "Stop the line");
    assert_eq!(ran(&env), ["10/1"], "the analysis of a person is none, and nothing else was begun");
    let log = env.log(id);
    assert!(
        log.contains("stopped before deploy 50% by freeze \"Stop the line\" (errors everywhere), until"),
        "{log}"
    );
    assert!(env.run(&["board"]).ok().out.contains("held before"), "{}", env.run(&["board"]).out);

    // Nobody may go past it here; who waits until it is gone may.
    drop(decide(&env, &["promote"]).exits(2));
    let said = decide(&env, &["promote", "--reason", "it is not us"]).exits(5);
    assert!(said.err.contains("freeze \"Stop the line\" holds #1"), "{said:#?}");
    drop(env.run(&["freeze", "remove", "F1", "--reason", "over"]).ok());
    drop(decide(&env, &["promote", "--reason", "it is over"]).ok());
    until_held(&env, id, 3);
    assert_eq!(ran(&env), ["10/1", "50/1"]);
    drop(decide(&env, &["promote"]).ok());
    env.until_state(id, "succeeded");
    env.assert_sound();
}

#[test]
fn what_a_freeze_holds_may_be_ended_cancelled_and_gone_past_on_record() {
    let (env, id) = frozen("");
    drop(decide(&env, &["fail", "--reason", "not today"]).ok());
    assert_eq!(env.until_state(id, "failed")["cause"]["by"], "alice");

    let (env, id) = frozen("");
    drop(env.run(&["cancel", "1"]).ok());
    env.until_state(id, "cancelled");

    let (env, id) = frozen("override = [\"ops\"]\n[groups]\nops = [\"alice\"]");
    drop(decide(&env, &["promote", "--reason", "it repairs the errors"]).ok());
    until_held(&env, id, 3);
    drop(decide(&env, &["promote"]).ok());
    // It was gone past: the steps after that are not held again.
    env.until_state(id, "succeeded");
    assert_eq!(ran(&env), ["10/1", "50/1", "100/1", "verify"]);
}

#[test]
fn a_second_freeze_of_the_same_name_holds_it_again() {
    let (env, id) = frozen("");
    drop(env.run(&["freeze", "remove", "F1", "--reason", "over"]).ok());
    drop(decide(&env, &["promote", "--reason", "it is over"]).ok());
    until_held(&env, id, 3);
    drop(env.run(&["freeze", "now", "--reason", "errors again", "--running", "stop-at-step"]).ok());
    drop(decide(&env, &["promote"]).ok());
    until_held(&env, id, 4);
    let d = env.deployment(id);
    let reason = &d["hold"]["reason"];
    assert_eq!(
        (reason["because"].as_str(), reason["name"].as_str()),
        (Some("frozen"), Some("Stop the line"))
    );
    assert_eq!(ran(&env), ["10/1", "50/1"], "the last share has not begun");
    drop(env.run(&["cancel", "1"]).ok());
    env.until_state(id, "cancelled");
}

#[test]
fn a_freeze_that_lets_run_what_runs_holds_nothing() {
    let env = canary("judge = \"person\"", "");
    let id = env.start();
    until_held(&env, id, 1);
    drop(env.run(&["freeze", "now", "--reason", "errors everywhere"]).ok());
    drop(decide(&env, &["promote-full", "--reason", "on"]));
    drop(decide(&env, &["promote"]));
    until_held(&env, id, 2);
    assert_eq!(env.deployment(id)["hold"]["reason"]["because"], "promotion");
    assert_eq!(ran(&env), ["10/1", "50/1"]);
    drop(env.run(&["cancel", "1"]).ok());
    env.until_state(id, "cancelled");
}
