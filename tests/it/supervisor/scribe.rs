//! The scribe may die at any moment: another one takes its place and nothing is recorded twice or never.

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, gate, signal, until_gone, until_stopped};
use crate::support::wait;

/// Waits for a scribe that is not `old`.
fn another_than(env: &TestEnv, old: i32) -> i32 {
    let found = |all: &[(i32, String)]| {
        all.iter().find(|(pid, line)| line.contains("__scribe") && *pid != old).map(|(pid, _)| *pid)
    };
    let all = wait::until("another scribe", || env.processes(), |all| found(all).is_some());
    found(&all).unwrap()
}

/// How often the end of deployment 1 stands in the journal.
fn ends(env: &TestEnv) -> usize {
    let entries = env.journal("#1");
    entries.iter().filter(|entry| entry["verb"].as_str().unwrap().contains("finished")).count()
}

#[test]
fn a_killed_scribe_is_replaced_and_the_outcome_is_recorded_once() {
    let env = TestEnv::deploying(&format!("{}; echo finished; exit 3", gate("go")));
    let id = env.start();
    env.until_script(id);

    let mut scribe = env.process("__scribe");
    for _ in 0..4 {
        signal(scribe, Signal::SIGKILL);
        until_gone(scribe);
        scribe = another_than(&env, scribe);
    }
    env.touch("go");

    let d = env.until_state(id, "failed");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "exit", "code": 3 }));
    assert_eq!(d["recovered_by"], serde_json::Value::Null);
    assert_eq!(ends(&env), 1);
    env.assert_sound();
}

#[test]
fn a_scribe_that_dies_before_it_has_recorded_the_outcome_is_replaced() {
    let env = TestEnv::deploying(&format!("{}; echo finished", gate("go")));
    let id = env.start();
    env.until_script(id);
    let scribe = env.process("__scribe");
    signal(scribe, Signal::SIGSTOP);
    until_stopped(scribe);

    env.touch("go");
    wait::until("the exit record", || env.exit_record(id), Option::is_some);
    assert_eq!(env.recorded(id), "running");
    signal(scribe, Signal::SIGKILL);

    env.until_state(id, "succeeded");
    assert_eq!(ends(&env), 1);
    env.assert_sound();
}

#[test]
fn a_cancel_reaches_the_script_through_a_new_scribe() {
    let env = TestEnv::deploying("trap 'exit 3' TERM; touch started; while :; do sleep 0.05; done");
    let id = env.start();
    env.until_script(id);
    let scribe = env.process("__scribe");
    signal(scribe, Signal::SIGSTOP);
    until_stopped(scribe);
    drop(env.run(&["cancel", "1", "--detach"]).ok());
    signal(scribe, Signal::SIGKILL);

    let d = env.until_state(id, "cancelled");
    assert_eq!(d["cause"]["by"], "alice");
}

#[test]
fn a_scribe_killed_while_nobody_needs_it_still_saves_the_output_of_an_orphan() {
    let env = TestEnv::deploying(&format!("echo before; {}; echo after", gate("go")));
    let id = env.start();
    env.until_script(id);
    let first = env.process("__scribe");
    signal(first, Signal::SIGKILL);
    until_gone(first);
    let second = another_than(&env, first);
    // It has been told about the output once it has written a sign of life.
    let beat = env.deployment(id)["heartbeat_at"].clone();
    wait::until("a sign of life", || env.deployment(id), |d| d["heartbeat_at"] != beat);

    signal(env.process("__supervise"), Signal::SIGKILL);
    env.until_state(id, "lost");
    env.touch("go");

    let log = env.until_log(id, "output has ended");
    assert!(log.contains("before\n") && log.contains("after\n"), "{log}");
    until_gone(second);
}
