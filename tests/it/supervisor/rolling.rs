//! A rolling deployment with a window: the next target starts when one ends, and what is printed stays apart.

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, is_alive, signal, until_gone};
use crate::support::wait::until;

/// Four targets, two at once; each waits for a file of its name and fails where there is one that says so.
fn env(more: &str) -> TestEnv {
    let env = TestEnv::with_service(&format!(
        "grace = \"1s\"\nscripts = {{ deploy = [\"./deploy.sh\"] }}\n\
         strategy.staging = {{ kind = \"rolling\", targets = [\"a\", \"b\", \"c\", \"d\"], batch = 2{more} }}"
    ));
    env.script(
        "deploy.sh",
        "t=$RELMAN_TARGETS\necho $$ > pid-$t\necho begin $t\nprintf 'half '\n\
         while [ ! -e go-$t ]; do sleep 0.02; done\n\
         echo end $t\n[ ! -e bad-$t ]",
    );
    env.registered("api@1.0.0");
    env
}

/// Waits until exactly these steps run.
#[track_caller]
fn until_run(env: &TestEnv, targets: &[&str]) {
    until(
        &format!("{targets:?} to run"),
        || {
            let steps = env.steps(1);
            let running = steps.iter().filter(|step| step["state"] == "running");
            running.map(|step| step["plan"]["targets"][0].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        },
        |running| running == targets,
    );
}

#[test]
fn the_next_target_starts_when_one_ends() {
    let env = env("");
    env.start();
    until_run(&env, &["a", "b"]);
    env.touch("go-b");
    until_run(&env, &["a", "c"]);
    env.touch("go-c");
    until_run(&env, &["a", "d"]);
    env.touch("go-a");
    env.touch("go-d");
    env.until_state(1, "succeeded");
    let log = env.log(1);
    for line in ["a | begin a", "b | half end b", "d | half end d"] {
        assert!(log.lines().any(|known| known == line), "{line}:\n{log}");
    }
    assert!(env.steps(1).iter().all(|step| step["state"] == "succeeded"));
    env.assert_sound();
}

#[test]
fn after_a_failure_nothing_new_starts_and_the_others_come_to_their_end() {
    let env = env(", on-failure = \"ask\"");
    env.start();
    env.touch("bad-b");
    env.touch("go-b");
    until_run(&env, &["a"]);
    assert_eq!(env.deployment(1)["state"], "running", "nobody is asked while a runs");
    env.touch("go-a");
    until("a question", || env.deployment(1), |d| d["hold"]["step"] == "deploy b");
    std::fs::remove_file(env.path("bad-b")).unwrap();
    drop(env.run(&["decide", "1", "retry", "--detach"]).ok());
    until_run(&env, &["c", "d"]);
    env.touch("go-c");
    env.touch("go-d");
    env.until_state(1, "succeeded");
    let attempts: Vec<(String, i64)> = env
        .steps(1)
        .iter()
        .map(|step| {
            (step["plan"]["targets"][0].as_str().unwrap().to_owned(), step["attempt"].as_i64().unwrap())
        })
        .collect();
    let attempts: Vec<(&str, i64)> = attempts.iter().map(|(name, number)| (name.as_str(), *number)).collect();
    assert_eq!(attempts, [("a", 1), ("b", 1), ("b", 2), ("c", 1), ("d", 1)]);
}

#[test]
fn a_failure_without_a_question_ends_it_when_the_others_have_ended() {
    let env = env("");
    env.start();
    env.touch("bad-a");
    env.touch("go-a");
    until_run(&env, &["b"]);
    env.touch("go-b");
    let d = env.until_state(1, "failed");
    assert_eq!(d["failed_step"], "deploy a");
    let states: Vec<String> =
        env.steps(1).iter().map(|step| step["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["failed", "succeeded", "skipped", "skipped"]);
}

#[test]
fn a_cancel_ends_all_that_run() {
    let env = env("");
    env.start();
    until_run(&env, &["a", "b"]);
    let pids: Vec<i32> =
        ["a", "b"].map(|t| env.until_text(&format!("pid-{t}")).trim().parse().unwrap()).to_vec();
    drop(env.run(&["cancel", "1"]).ok());
    env.until_state(1, "cancelled");
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    assert_eq!(env.log(1).matches("TERM sent to process group").count(), 2, "{}", env.log(1));
    env.assert_sound();
}

#[test]
fn the_output_of_all_that_run_outlives_a_killed_supervisor() {
    let env = env("");
    env.start();
    until_run(&env, &["a", "b"]);
    let supervisor = env.process("__supervise");
    signal(supervisor, Signal::SIGKILL);
    until_gone(supervisor);
    env.until_state(1, "lost");
    env.touch("go-a");
    env.touch("go-b");
    env.until_log(1, "end a");
    env.until_log(1, "end b");
}

#[test]
fn as_many_targets_may_fail_as_the_threshold_leaves() {
    let env = env(", success-threshold = 50, on-failure = \"ask\"");
    for target in ["a", "b", "c", "d"] {
        env.touch(&format!("go-{target}"));
    }
    env.touch("bad-a");
    env.touch("bad-c");
    env.start();
    env.until_state(1, "succeeded");
    let log = env.log(1);
    assert!(
        log.contains("deploy a failed (the script ended with exit status 1); 1 of at most 2 failures"),
        "{log}"
    );
    let failed = env.steps(1).iter().filter(|step| step["state"] == "failed").count();
    assert_eq!(failed, 2, "what failed reads as failed");
    env.assert_sound();
}

#[test]
fn one_failure_more_than_the_threshold_leaves_is_asked_about() {
    let env = env(", success-threshold = 75, on-failure = \"ask\"");
    for target in ["a", "b", "c", "d"] {
        env.touch(&format!("go-{target}"));
    }
    env.touch("bad-a");
    env.touch("bad-b");
    env.start();
    until("a question", || env.deployment(1), |d| d["state"] == "paused");
    assert!(env.log(1).contains("1 of at most 1 failures"), "{}", env.log(1));
    drop(env.run(&["decide", "1", "fail", "--reason", "too many", "--detach"]).ok());
    env.until_state(1, "failed");
}

#[test]
fn a_stuck_target_is_stopped_by_itself_and_counts_as_one_that_failed() {
    let env = env(", success-threshold = 75");
    let config = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.config(&config.replace("grace = \"1s\"", "grace = \"1s\"\nstep-timeout = \"2s\""));
    for target in ["b", "c", "d"] {
        env.touch(&format!("go-{target}"));
    }
    env.start();
    env.until_state(1, "succeeded");
    let log = env.log(1);
    assert!(log.contains("the step took longer than its 2s (step-timeout)"), "{log}");
    let states: Vec<(String, String)> = env
        .steps(1)
        .iter()
        .map(|step| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&step["plan"]["targets"][0]), text(&step["state"]))
        })
        .collect();
    let expected = [("a", "failed"), ("b", "succeeded"), ("c", "succeeded"), ("d", "succeeded")];
    assert_eq!(states, expected.map(|(target, state)| (target.to_owned(), state.to_owned())));
    let pid: i32 = env.until_text("pid-a").trim().parse().unwrap();
    assert!(!is_alive(pid));
    env.assert_sound();
}

#[test]
fn a_freeze_that_stops_what_runs_lets_end_what_runs_and_starts_no_further_target() {
    let env = env("");
    env.start();
    until_run(&env, &["a", "b"]);
    drop(env.run(&["freeze", "now", "--reason", "alarm", "--running", "stop-at-step"]).ok());
    env.touch("go-b");
    until_run(&env, &["a"]);
    assert_eq!(env.deployment(1)["state"], "running", "nobody is asked while a runs");
    env.touch("go-a");
    until("the freeze to hold it", || env.deployment(1), |d| d["hold"]["reason"]["because"] == "frozen");
    assert_eq!(env.deployment(1)["hold"]["step"], "deploy c");
    drop(env.run(&["freeze", "remove", "F1"]).ok());
    drop(env.run(&["decide", "1", "promote", "--reason", "false alarm", "--detach"]).ok());
    until_run(&env, &["c", "d"]);
    env.touch("go-c");
    env.touch("go-d");
    env.until_state(1, "succeeded");
    env.assert_sound();
}
