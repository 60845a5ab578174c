//! A supervisor that dies exactly between two facts: what is on record afterwards is what really happened.

use nix::sys::signal::Signal;

use crate::support::env::{Said, TestEnv, gate, signal, until_gone, until_stopped};
use crate::support::wait;

/// An environment whose supervisors die at `point`.
fn dying_at(point: &str, body: &str) -> TestEnv {
    let mut env = TestEnv::deploying(body);
    env.vars.push(("RELMAN_CRASH_AT".to_owned(), point.to_owned()));
    env
}

/// What happens from now on is undisturbed again.
fn heal(env: &mut TestEnv) {
    env.vars.retain(|(name, _)| !name.starts_with("RELMAN_"));
}

/// Insists that deployment 1 is lost, that it holds its environment, and that settling it frees that.
#[track_caller]
fn assert_lost_until_settled(env: &mut TestEnv) {
    heal(env);
    env.until_state(1, "lost");
    env.assert_sound();
    let refused = env.deploy().exits(4);
    assert!(refused.err.contains("relman resolve 1 succeeded|failed"), "{refused:#?}");
    drop(env.run(&["resolve", "1", "failed", "--reason", "looked at the hosts"]).ok());
    assert_eq!(env.deployment(1)["state"], "failed");
    env.assert_free();
    env.assert_sound();
}

/// Lets a gated script go once the store knows it, and waits for the front end.
fn go_and_end(env: &TestEnv, deploying: crate::support::env::FrontEnd) -> Said {
    env.until_script(1);
    env.touch("go");
    deploying.end()
}

#[test]
fn before_the_claim_nothing_runs_and_the_launcher_frees_the_environment() {
    for point in ["before-directory", "before-claim"] {
        let mut env = dying_at(point, "touch ran");

        let said = env.deploy().exits(1);

        assert!(
            said.err.contains("#1 could not be started: the supervisor ended before it began"),
            "{said:#?}"
        );
        let d = env.deployment(1);
        assert_eq!(
            (d["state"].as_str(), d["cause"]["cause"].as_str()),
            (Some("failed"), Some("never-started"))
        );
        assert!(!env.path("ran").exists(), "{point}");
        env.assert_sound();
        heal(&mut env);
        env.assert_free();
    }
}

#[test]
fn before_the_claim_and_without_a_launcher_it_never_started_once_the_deadline_has_passed() {
    let mut env = TestEnv::deploying("touch ran");
    env.vars.push(("RELMAN_PAUSE_AT".to_owned(), "before-claim".to_owned()));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    let supervisor = env.process("__supervise");
    until_stopped(supervisor);
    signal(deploying.pid(), Signal::SIGKILL);
    drop(deploying.end().exits(128 + 9));
    signal(supervisor, Signal::SIGKILL);
    until_gone(supervisor);
    heal(&mut env);

    // The deadline has not passed for a clock that stands at the moment of the request.
    let requested =
        env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0]["at"].clone();
    let requested = requested.as_str().unwrap().to_owned();
    env.vars.push(("RELMAN_TEST_NOW".to_owned(), requested.clone()));
    assert_eq!(env.deployment(1)["state"], "launching");
    drop(env.deploy().exits(4));

    let later = requested.parse::<relman::domain::time::Timestamp>().unwrap();
    let later = later.plus(std::time::Duration::from_secs(31)).to_string();
    env.vars.pop();
    env.vars.push(("RELMAN_TEST_NOW".to_owned(), later));
    let said = env.run_as("bob:1002", &["--json", "deployments"]).ok();
    let d = &said.json()["deployments"][0];
    assert_eq!((d["state"].as_str(), d["cause"]["cause"].as_str()), (Some("failed"), Some("never-started")));
    assert_eq!(d["recovered_by"], "bob");
    assert!(!env.path("ran").exists());
    env.assert_sound();
    env.assert_free();
}

#[test]
fn a_launcher_that_died_in_the_middle_of_a_cancel_leaves_a_cancelled_deployment() {
    let mut env = TestEnv::deploying("touch ran");
    env.vars.push(("RELMAN_PAUSE_AT".to_owned(), "before-claim".to_owned()));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    let supervisor = env.process("__supervise");
    until_stopped(supervisor);
    drop(env.run(&["cancel", "1", "--detach"]).ok());
    signal(deploying.pid(), Signal::SIGKILL);
    drop(deploying.end().exits(128 + 9));
    signal(supervisor, Signal::SIGKILL);
    until_gone(supervisor);
    heal(&mut env);

    env.vars.push(("RELMAN_TEST_NOW".to_owned(), "2099-01-01T00:00:00Z".to_owned()));
    assert_eq!(env.deployment(1)["state"], "cancelled");
    assert!(!env.path("ran").exists());
    env.assert_sound();
}

#[test]
fn after_the_claim_nobody_knows_so_it_is_lost() {
    for point in ["after-claim", "before-spawn"] {
        let mut env = dying_at(point, "touch ran");
        let said = env.deploy();
        assert!([1, 13].contains(&said.code), "{said:#?}");
        assert!(!env.path("ran").exists(), "{point}");
        assert_lost_until_settled(&mut env);
    }
}

#[test]
fn a_launcher_whose_supervisor_died_after_the_claim_does_not_advise_to_deploy_again() {
    let env = dying_at("after-claim", "touch ran");
    let said = env.deploy();
    assert!(said.code != 0 && !said.err.contains("deploy again"), "{said:#?}");
}

#[test]
fn after_the_spawn_the_script_goes_on_to_its_end() {
    let mut env = dying_at("after-spawn", &format!("touch started; {}; echo words; touch ended", gate("go")));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");
    drop(deploying.end().exits(13));
    env.until_state(1, "lost");

    env.touch("go");

    env.until_file("ended");
    assert_lost_until_settled(&mut env);
}

#[test]
fn after_the_spawn_the_output_of_the_script_is_not_lost() {
    let env = dying_at("after-spawn", &format!("touch started; {}; echo words; touch ended", gate("go")));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");
    drop(deploying.end().exits(13));
    env.until_state(1, "lost");
    env.touch("go");
    env.until_file("ended");
    env.until_log(1, "words\n");
}

#[test]
fn after_the_spawn_a_deployment_is_not_settled_while_its_script_runs() {
    let env = dying_at("after-spawn", &format!("touch started; {}; touch ended", gate("go")));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");
    drop(deploying.end().exits(13));
    env.until_state(1, "lost");

    drop(env.run(&["resolve", "1", "failed", "--reason", "impatient"]).exits(4));
}

#[test]
fn between_the_end_of_the_script_and_the_exit_record_it_is_lost_with_its_whole_output() {
    for point in ["after-exit", "before-exit-record"] {
        let mut env = dying_at(point, &format!("{}; seq 1 20000", gate("go")));
        let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);

        drop(go_and_end(&env, deploying).exits(13));

        env.until_state(1, "lost");
        let log = wait::until("the whole output", || env.log(1), |log| log.contains("\n20000\n"));
        // Whoever takes over says so on a line of its own, which may divide one of the script's.
        let printed: String = log.lines().filter(|line| !line.starts_with("[relman] ")).collect();
        let expected: String = (1..=20_000).map(|number| number.to_string()).collect();
        assert!(printed == expected, "{point}: {} bytes, not {}", printed.len(), expected.len());
        assert_lost_until_settled(&mut env);
    }
}

#[test]
fn after_the_exit_record_the_right_outcome_is_recovered() {
    for (code, state, exits) in [(0, "succeeded", 0), (3, "failed", 9)] {
        let mut env = dying_at("after-exit-record", &format!("{}; echo words; exit {code}", gate("go")));
        let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);

        drop(go_and_end(&env, deploying).exits(exits));

        heal(&mut env);
        let d = env.deployment(1);
        assert_eq!(d["state"], state);
        assert!(d["recovered_by"].is_string(), "{d:#}");
        assert_eq!(d["log_digest"], env.exit_record(1).unwrap()["log_digest"]);
        env.assert_sound();
        env.assert_free();
    }
}

#[test]
fn any_next_command_recovers_the_outcome_when_even_the_scribe_is_gone() {
    for command in ["deployments", "status", "board", "show 1", "attach 1"] {
        let mut env = dying_at("after-exit-record", &format!("{}; exit 3", gate("go")));
        let id = env.start();
        env.until_script(id);
        let (supervisor, scribe) = (env.process("__supervise"), env.process("__scribe"));
        signal(scribe, Signal::SIGSTOP);
        until_stopped(scribe);
        env.touch("go");
        until_gone(supervisor);
        signal(scribe, Signal::SIGKILL);
        until_gone(scribe);
        heal(&mut env);

        let words: Vec<&str> = command.split(' ').collect();
        let said = env.run_as("bob:1002", &words);

        assert_eq!(said.code, if command == "attach 1" { 9 } else { 0 }, "{command}: {said:#?}");
        let d = env.deployment(id);
        assert_eq!(
            (d["state"].as_str(), d["recovered_by"].as_str()),
            (Some("failed"), Some("bob")),
            "{command}"
        );
        assert_eq!(d["cause"], serde_json::json!({ "cause": "exit", "code": 3 }));
        env.assert_sound();
    }
}

#[test]
fn after_the_outcome_is_recorded_a_crash_changes_nothing() {
    let mut env = dying_at("after-finish", &format!("{}; echo words", gate("go")));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);

    drop(go_and_end(&env, deploying).ok());

    heal(&mut env);
    wait::until("every process to end", || env.processes(), Vec::is_empty);
    let d = env.deployment(1);
    assert_eq!((d["state"].as_str(), d["recovered_by"].as_str()), (Some("succeeded"), None));
    let ends = env.journal("#1").iter().filter(|e| e["verb"].as_str().unwrap().contains("finished")).count();
    assert_eq!(ends, 1);
    assert_eq!(
        relman::domain::digest::Digest::of(&env.log_bytes(1)).as_str(),
        d["log_digest"].as_str().unwrap()
    );
    env.assert_sound();
    env.assert_free();
}
