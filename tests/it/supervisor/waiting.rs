//! Deployments that wait, as processes: they outlive who asked for them, begin once, and are revived after a kill.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, holder, is_alive, signal, until_gone};
use crate::support::wait::{pause, until};

/// api in staging, with a script that waits for a file named after its version.
fn env() -> TestEnv {
    let env = TestEnv::with_service("grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }");
    env.script(
        "deploy.sh",
        "echo $RELMAN_VERSION/$RELMAN_EPOCH >> ran\nwhile [ ! -e go-$RELMAN_VERSION ]; do sleep 0.05; done",
    );
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        env.registered(&format!("api@{version}"));
    }
    env
}

fn ran(env: &TestEnv) -> Vec<String> {
    std::fs::read_to_string(env.path("ran")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Asks for a deployment that begins later and returns its number.
#[track_caller]
fn later(env: &TestEnv, release: &str, args: &[&str]) -> i64 {
    let said = env.run(&[&["--json", "deploy", release, "staging", "--detach"], args].concat()).ok();
    said.json()["deployment"]["id"].as_i64().unwrap()
}

/// The process that waits for a deployment.
fn waiter(env: &TestEnv, id: i64) -> i32 {
    let lock = env.file_of(id, "supervisor.lock");
    until("the waiting process", || holder(&lock), Option::is_some).unwrap()
}

#[test]
fn a_queue_is_worked_off_one_after_the_other() {
    let env = env();
    let first = env.start();
    env.until_script(first);
    let (second, third) = (later(&env, "api@1.1.0", &["--queue"]), later(&env, "api@1.2.0", &["--queue"]));
    let d = env.until_state(third, "waiting");
    assert_eq!(d["wait"]["waits_for"][0], "exclusive: #1 is running here: api@1.0.0 by alice");
    let listed = env.run(&["deployments"]).ok();
    assert!(listed.out.contains("waiting  deploy  api@1.2.0"), "{listed:#?}");
    env.touch("go-1.0.0");
    env.until_script(second);
    env.until_log(third, "exclusive: #2 is running here");
    env.touch("go-1.1.0");
    env.touch("go-1.2.0");
    for id in [first, second, third] {
        env.until_state(id, "succeeded");
    }
    let epochs: Vec<i64> =
        ran(&env).iter().map(|line| line.split_once('/').unwrap().1.parse().unwrap()).collect();
    assert_eq!(ran(&env).len(), 3);
    assert!(epochs.is_sorted(), "{epochs:?}");
    env.assert_sound();
}

#[test]
fn a_scheduled_deployment_begins_without_who_asked_for_it() {
    let env = env();
    env.touch("go-1.0.0");
    let said = env.run(&["deploy", "api@1.0.0", "staging", "--at", "+2s"]).ok();
    assert!(said.out.contains("#1 deploy of api@1.0.0 to staging is scheduled: it begins "), "{said:#?}");
    assert!(ran(&env).is_empty());
    env.until_state(1, "succeeded");
    let journal: Vec<String> =
        env.journal("#1").iter().map(|entry| entry["verb"].as_str().unwrap().to_owned()).collect();
    assert_eq!(journal, ["deployment.scheduled", "deployment.claimed", "deployment.finished"]);
    assert_eq!(env.steps(1)[0]["state"], "succeeded");
    env.assert_sound();
}

#[test]
fn attaching_waits_with_it_and_ends_with_its_outcome() {
    let env = env();
    env.touch("go-1.0.0");
    let said = env.run(&["deploy", "api@1.0.0", "staging", "--at", "+2s", "--wait"]).ok();
    assert!(said.err.contains("#1 waits: deploy of api@1.0.0 to staging"), "{said:#?}");
    assert!(said.out.contains("succeeded"), "{said:#?}");
}

#[test]
fn called_off_it_is_over_at_once_and_its_process_goes() {
    let env = env();
    let id = later(&env, "api@1.0.0", &["--at", "+1h"]);
    let pid = waiter(&env, id);
    let said = env.run(&["cancel", "1"]).ok();
    assert!(said.out.contains("#1 is called off; nothing had begun"), "{said:#?}");
    until_gone(pid);
    assert_eq!(env.deployment(id)["state"], "cancelled");
    assert!(ran(&env).is_empty());
    env.assert_sound();
}

#[test]
fn killed_it_is_revived_by_a_tick_and_two_ticks_start_it_once() {
    let env = env();
    env.touch("go-1.0.0");
    let id = later(&env, "api@1.0.0", &["--at", "+8s"]);
    let pid = waiter(&env, id);
    signal(pid, Signal::SIGKILL);
    until_gone(pid);
    let ticks: Vec<_> = (0..4).map(|_| env.front_end(&["tick"])).collect();
    let said: Vec<_> = ticks.into_iter().map(crate::support::env::FrontEnd::end).collect();
    assert!(said.iter().all(|said| said.code == 0), "{said:#?}");
    assert!(said.iter().any(|said| said.out == "#1 waits again\n"), "{said:#?}");
    assert!(is_alive(waiter(&env, id)));
    env.until_state(id, "succeeded");
    assert_eq!(ran(&env).len(), 1, "once");
    let claims = env.journal("#1").iter().filter(|entry| entry["verb"] == "deployment.claimed").count();
    assert_eq!(claims, 1);
    env.assert_sound();
}

#[test]
fn told_to_end_by_a_shutdown_it_leaves_the_deployment_waiting() {
    let env = env();
    let id = later(&env, "api@1.0.0", &["--at", "+1h"]);
    let pid = waiter(&env, id);
    signal(pid, Signal::SIGTERM);
    until_gone(pid);
    assert_eq!(env.deployment(id)["state"], "scheduled");
    let log = env.log(id);
    assert!(log.contains("this process was told to end; the deployment waits on"), "{log}");
    drop(env.run(&["tick"]).ok());
    assert_ne!(waiter(&env, id), pid);
    drop(env.run(&["cancel", "1"]).ok());
}

#[test]
fn a_scribe_that_dies_while_it_waits_is_replaced() {
    let env = env();
    env.touch("go-1.0.0");
    let id = later(&env, "api@1.0.0", &["--at", "+4s"]);
    let scribe = env.process("__scribe");
    signal(scribe, Signal::SIGKILL);
    env.until_state(id, "succeeded");
    assert_eq!(ran(&env).len(), 1);
}

#[test]
fn the_rules_of_its_beginning_are_those_in_force_then() {
    let env = env();
    let first = env.start();
    env.until_script(first);
    let second = later(&env, "api@1.1.0", &["--queue"]);
    let rules = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.config("this is no configuration");
    env.touch("go-1.0.0");
    until("the end of the first", || env.exit_record(first), Option::is_some);
    env.config(&format!("{rules}\n[[freezes]]\nname = \"Stop\"\nenvironments = [\"staging\"]\nstart = \"2020-01-01\"\nend = \"2099-01-01\"\n"));
    let d = until(
        "the freeze",
        || env.deployment(second),
        |d| d["wait"]["waits_for"][0].as_str().is_some_and(|text| text.starts_with("freeze: ")),
    );
    assert_eq!(d["state"], "waiting");
    env.touch("go-1.1.0");
    env.config(&rules);
    env.until_state(second, "succeeded");
}

#[test]
fn while_nothing_changes_it_says_and_writes_nothing() {
    let env = env();
    let id = later(&env, "api@1.0.0", &["--at", "+1h"]);
    let pid = waiter(&env, id);
    env.until_log(id, "begins");
    let size = env.log_bytes(id).len();
    let before = env.journal("#1").len();
    // It asks every second.
    pause(Duration::from_secs(3));
    assert_eq!(env.log_bytes(id).len(), size, "said once");
    assert_eq!(env.journal("#1").len(), before);
    drop(env.run(&["cancel", "1"]).ok());
    until_gone(pid);
}

#[test]
fn locks_stop_it_until_they_are_lifted() {
    let env = env();
    drop(env.run_as("bob:1002", &["lock", "--env", "staging", "--reason", "disk"]).ok());
    let refused = env.run(&["deploy", "api@1.0.0", "staging"]).exits(11);
    assert!(refused.err.contains("bob locked it (L1): disk"), "{refused:#?}");
    env.touch("go-1.0.0");
    let id = later(&env, "api@1.0.0", &["--queue"]);
    env.until_log(id, "lock: bob locked it");
    let listed = env.run(&["lock", "list"]).ok();
    assert!(listed.out.contains("L1    exclusive  staging  bob"), "{listed:#?}");
    drop(env.run(&["unlock", "L1", "--reason", "replaced"]).ok());
    env.until_state(id, "succeeded");
}

/// An environment whose processes die at `point`.
fn dying_at(point: &str) -> TestEnv {
    let mut env = env();
    env.touch("go-1.0.0");
    env.vars.push(("RELMAN_CRASH_AT".to_owned(), point.to_owned()));
    env
}

/// The same for the first of them that comes there.
fn dying_once_at(point: &str) -> TestEnv {
    let mut env = env();
    env.touch("go-1.0.0");
    env.vars.push(("RELMAN_CRASH_ONCE".to_owned(), format!("{point}:{}", env.path("crashed").display())));
    env
}

#[test]
fn what_does_not_even_begin_to_wait_is_settled_by_who_asked_for_it() {
    for point in ["before-directory", "before-waiting", "before-ready"] {
        let env = dying_at(point);
        let said = env.run(&["deploy", "api@1.0.0", "staging", "--at", "+1h"]).exits(1);
        assert!(said.err.contains("#1 could not be started"), "{point}: {said:#?}");
        assert_eq!(env.deployment(1)["state"], "failed", "{point}");
        assert!(ran(&env).is_empty(), "{point}");
        env.assert_sound();
    }
}

#[test]
fn a_process_that_dies_at_the_moment_of_its_turn_loses_nothing_and_doubles_nothing() {
    // The scribe's death is mended by the supervisor; the supervisor's leaves a deployment that has begun and is lost,
    // or has not begun and waits for a tick.
    for (point, states) in [
        ("after-claim", &["lost"][..]),
        ("before-spawn", &["lost"]),
        ("before-exit-record", &["lost"]),
        ("after-exit-record", &["succeeded"]),
        ("after-finish", &["succeeded"]),
    ] {
        let mut env = dying_once_at(point);
        drop(env.run(&["deploy", "api@1.0.0", "staging", "--at", "+1s"]).ok());
        env.vars.clear();
        let d = until(
            "its end",
            || env.deployment(1),
            |d| {
                let state = d["state"].as_str().unwrap_or_default();
                states.contains(&state)
            },
        );
        assert!(env.path("crashed").exists(), "{point} was reached");
        assert!(ran(&env).len() <= 1, "{point}");
        if d["state"] == "lost" {
            drop(env.run(&["resolve", "1", "failed", "--reason", "looked"]).ok());
        }
        env.assert_sound();
        env.assert_free();
    }
}

#[test]
fn a_scribe_that_dies_before_or_after_it_gave_the_turn_is_asked_again() {
    for point in ["before-turn", "after-turn"] {
        let mut env = dying_once_at(point);
        drop(env.run(&["deploy", "api@1.0.0", "staging", "--at", "+1s"]).ok());
        env.vars.clear();
        env.until_state(1, "succeeded");
        assert!(env.path("crashed").exists(), "{point} was reached");
        assert_eq!(ran(&env).len(), 1, "{point}");
        let claims = env.journal("#1").iter().filter(|entry| entry["verb"] == "deployment.claimed").count();
        assert_eq!(claims, 1, "{point}");
        env.assert_sound();
    }
}
