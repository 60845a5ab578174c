//! `kill -9` on everything that takes part: a deployment never loses its script, a line of its log or its outcome.

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, gate, is_alive, signal, until_gone, until_stopped};
use crate::support::wait;

/// Prints a line, waits to be let go, prints many more, and leaves a sign that it came to its end.
fn chatty() -> String {
    format!(
        "echo before\ntouch started\n{}\nfor i in $(seq 1 3000); do echo \"after $i\"; done\ntouch ended\nexit 5",
        gate("go")
    )
}

/// Insists that the log holds everything a chatty script prints, once and in order.
#[track_caller]
fn assert_complete(log: &str) {
    let printed: Vec<&str> = log.lines().filter(|line| !line.starts_with("[relman] ")).collect();
    let expected: Vec<String> =
        std::iter::once("before".to_owned()).chain((1..=3000).map(|i| format!("after {i}"))).collect();
    assert_eq!(printed, expected);
}

/// Settles the lost deployment 1 and insists that its environment is free again.
#[track_caller]
fn settle(env: &TestEnv) {
    let said = env.run(&["resolve", "1", "succeeded", "--reason", "looked at the hosts"]).ok();
    assert!(said.out.contains("#1 is settled as succeeded; staging is free again"), "{said:#?}");
    let d = env.deployment(1);
    assert_eq!(d["state"], "succeeded");
    assert_eq!(d["cause"]["cause"], "resolved");
    env.assert_free();
    env.assert_sound();
}

#[test]
fn the_front_end_may_be_killed() {
    let env = TestEnv::deploying(&chatty());
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");

    signal(deploying.pid(), Signal::SIGKILL);
    drop(deploying.end().exits(128 + 9));
    assert_eq!(env.deployment(1)["state"], "running");
    env.touch("go");

    let d = env.until_state(1, "failed");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "exit", "code": 5 }));
    assert_eq!(d["recovered_by"], serde_json::Value::Null);
    assert_complete(&env.log(1));
    env.assert_sound();
}

#[test]
fn the_front_end_may_be_interrupted_and_says_so_with_its_exit_code() {
    let env = TestEnv::deploying(&chatty());
    for (args, name, number) in [
        (&["deploy", "api@1.0.0", "staging"][..], Signal::SIGINT, 2),
        (&["attach", "1"], Signal::SIGTERM, 15),
        (&["--json", "attach", "1"], Signal::SIGHUP, 1),
    ] {
        // Whoever runs the tests may ignore the signals, as nohup does, and a front end would go on ignoring them.
        let watching = env.front_end_through(&["env", "--default-signal"], args);
        env.until_script(1);
        signal(watching.pid(), name);
        drop(watching.end().exits(128 + number));
    }
    assert_eq!(env.deployment(1)["state"], "running");
    env.touch("go");
    env.until_state(1, "failed");
    assert_complete(&env.log(1));
}

#[test]
fn the_front_end_may_be_killed_while_the_supervisor_starts() {
    let mut env = TestEnv::deploying("touch ran");
    env.vars.push(("RELMAN_PAUSE_AT".to_owned(), "after-claim".to_owned()));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    let supervisor = env.process("__supervise");
    until_stopped(supervisor);

    signal(deploying.pid(), Signal::SIGKILL);
    drop(deploying.end().exits(128 + 9));
    signal(supervisor, Signal::SIGCONT);

    env.until_state(1, "succeeded");
    assert!(env.path("ran").exists());
}

#[test]
fn a_script_without_its_supervisor_runs_to_its_end_and_its_output_is_saved() {
    let env = TestEnv::deploying(&chatty());
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    let id = 1;
    env.until_file("started");
    let script = env.until_script(id);

    let supervisor = env.process("__supervise");
    signal(supervisor, Signal::SIGKILL);

    let said = deploying.end().exits(13);
    assert!(said.out.contains("lost: its supervisor is gone without an outcome"), "{said:#?}");
    let d = env.deployment(id);
    assert_eq!(d["state"], "lost");
    assert_eq!(d["cause"]["why"], format!("its script still runs as pid {script}"));
    assert!(is_alive(script));

    let refused = env.run_as("bob:1002", &["deploy", "api@1.0.0", "staging"]).exits(4);
    for words in ["#1", "was lost", "relman resolve 1 succeeded|failed"] {
        assert!(refused.err.contains(words), "{refused:#?}");
    }
    let early = env.run(&["resolve", "1", "succeeded", "--reason", "I am sure"]).exits(4);
    assert!(early.err.contains(&format!("the script of #1 still runs (pid {script})")), "{early:#?}");
    let late = env.run(&["cancel", "1"]).exits(4);
    assert!(late.err.contains("#1 was lost"), "{late:#?}");

    env.touch("go");
    env.until_file("ended");
    let log = env.until_log(id, "the script's output has ended; how it ended is not known\n");
    assert_complete(&log);
    assert_eq!(env.deployment(id)["state"], "lost");
    wait::until("every process to end", || env.processes(), Vec::is_empty);
    settle(&env);
}

#[test]
fn secrets_stay_masked_when_the_scribe_saves_the_output() {
    let mut env = TestEnv::with_service("secrets = [\"TOKEN\"]\nscripts = { deploy = [\"./deploy.sh\"] }");
    env.vars.push(("TOKEN".to_owned(), "correct horse battery".to_owned()));
    env.script("deploy.sh", &format!("{}; echo \"token: $TOKEN\"", gate("go")));
    env.registered("api@1.0.0");
    let id = env.start();
    env.until_script(id);
    signal(env.process("__supervise"), Signal::SIGKILL);
    env.until_state(id, "lost");

    env.touch("go");

    let log = env.until_log(id, "output has ended");
    assert!(log.contains("token: [masked]\n") && !log.contains("horse"), "{log}");
}

/// Kills supervisor and scribe such that the scribe cannot do anything about it.
fn kill_both(env: &TestEnv) {
    let (supervisor, scribe) = (env.process("__supervise"), env.process("__scribe"));
    signal(scribe, Signal::SIGSTOP);
    until_stopped(scribe);
    signal(supervisor, Signal::SIGKILL);
    until_gone(supervisor);
    signal(scribe, Signal::SIGKILL);
    until_gone(scribe);
}

#[test]
fn the_next_command_finds_a_deployment_that_lost_everything_and_saves_its_output() {
    let env = TestEnv::deploying(&chatty());
    let id = env.start();
    let script = env.until_script(id);
    kill_both(&env);
    assert!(is_alive(script));

    let said = env.run_as("bob:1002", &["deployments"]).ok();

    assert!(said.out.contains("lost"), "{said:#?}");
    env.until_log(id, &format!("the supervisor is gone; the output of pid {script} is saved from here on"));
    assert!(is_alive(script));
    env.touch("go");
    env.until_file("ended");
    let log = env.until_log(id, "output has ended");
    assert_complete(&log);
    wait::until("every process to end", || env.processes(), Vec::is_empty);
    settle(&env);
}

#[test]
fn a_front_end_that_watches_notices_by_itself_that_everything_else_died() {
    let env = TestEnv::deploying(&chatty());
    for args in [&["deploy", "api@1.0.0", "staging"][..], &["--json", "deploy", "api@1.0.0", "staging"]] {
        let deploying = env.front_end(args);
        env.until_file("started");
        let id =
            env.run(&["--json", "deployments", "--limit", "1"]).ok().json()["deployments"][0]["id"].clone();
        let id = id.as_i64().unwrap();
        env.until_script(id);
        kill_both(&env);

        drop(deploying.end().exits(13));

        env.touch("go");
        env.until_log(id, "output has ended");
        assert_complete(&env.log(id));
        wait::until("every process to end", || env.processes(), Vec::is_empty);
        drop(env.run(&["resolve", &id.to_string(), "failed", "--reason", "looked"]).ok());
        std::fs::remove_file(env.path("go")).unwrap();
        std::fs::remove_file(env.path("started")).unwrap();
    }
}

#[test]
fn a_cancel_that_nobody_is_left_to_carry_out_does_not_wait_for_ever() {
    let env = TestEnv::deploying(&chatty());
    let id = env.start();
    env.until_script(id);
    kill_both(&env);
    let said = env.run(&["cancel", "1"]);
    assert!([4, 13].contains(&said.code), "{said:#?}");
    assert_eq!(env.deployment(id)["state"], "lost");
    env.touch("go");
    env.until_log(id, "output has ended");
    settle(&env);
}

#[test]
fn secrets_stay_masked_when_another_process_saves_the_output() {
    let mut env = TestEnv::with_service("secrets = [\"TOKEN\"]\nscripts = { deploy = [\"./deploy.sh\"] }");
    env.script("deploy.sh", &format!("{}; echo \"token: $TOKEN\"", gate("go")));
    env.registered("api@1.0.0");
    env.vars.push(("TOKEN".to_owned(), "correct horse battery".to_owned()));
    let id = env.start();
    env.until_script(id);
    kill_both(&env);
    // Whoever finds it does not know the secret.
    env.vars.pop();
    drop(env.run(&["deployments"]).ok());

    env.touch("go");

    let log = env.until_log(id, "output has ended");
    assert!(log.contains("token: [masked]\n") && !log.contains("horse"), "{log}");
}

#[test]
fn a_script_with_more_output_than_the_pipe_holds_waits_for_somebody_to_save_it() {
    let env = TestEnv::deploying(&format!("touch started; {}; seq 1 400000; touch ended", gate("go")));
    let id = env.start();
    let script = env.until_script(id);
    kill_both(&env);
    env.touch("go");

    // More than a pipe takes: the script is still there however long nobody reads, and ends once somebody does.
    drop(env.run(&["deployments"]).ok());
    env.until_file("ended");
    until_gone(script);
    let log = env.until_log(id, "output has ended");
    let numbers: Vec<&str> = log.lines().filter(|line| !line.starts_with("[relman] ")).collect();
    assert_eq!(numbers.len(), 400_000);
    assert!(numbers.iter().zip(1..).all(|(line, number)| *line == number.to_string()));
}

#[test]
fn a_script_killed_from_outside_failed_by_that_signal() {
    let env = TestEnv::deploying(&chatty());
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");

    signal(env.until_script(1), Signal::SIGKILL);

    let said = deploying.end().exits(9);
    assert!(said.out.contains("the script was killed by signal 9"), "{said:#?}");
    assert_eq!(env.deployment(1)["cause"], serde_json::json!({ "cause": "signal", "number": 9 }));
    env.assert_free();
}

#[test]
fn everything_of_a_person_killed_at_once_leaves_a_lost_deployment_that_others_see() {
    let env = TestEnv::deploying(&chatty());
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_script(1);
    let all = env.processes();
    for name in [Signal::SIGSTOP, Signal::SIGKILL] {
        for (pid, _) in &all {
            // The script's own short-lived children may be gone by now.
            let _gone = nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), name);
        }
    }
    drop(deploying.end().exits(128 + 9));
    for (pid, _) in all {
        until_gone(pid);
    }

    let said = env.run_as("bob:1002", &["show", "1"]).ok();

    assert!(said.out.contains("its script has ended too; how is unknown"), "{said:#?}");
    assert!(env.log(1).contains("before\n"));
    settle(&env);
}
