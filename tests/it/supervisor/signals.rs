//! Signals to the supervisor itself.

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, gate, is_alive, signal, until_stopped};

#[test]
fn term_to_a_supervisor_cancels_in_the_name_of_the_system() {
    let env =
        TestEnv::deploying("trap 'echo cleaning; exit 3' TERM; touch started; while :; do sleep 0.05; done");
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");

    signal(env.process("__supervise"), Signal::SIGTERM);

    drop(deploying.end().exits(10));
    let d = env.deployment(1);
    assert_eq!(d["state"], "cancelled");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "cancelled", "by": "system (TERM)" }));
    let log = env.log(1);
    assert!(log.contains("cancel requested by system (TERM)") && log.contains("cleaning\n"), "{log}");
    env.assert_sound();
}

#[test]
fn other_signals_that_end_programs_do_not_end_a_supervisor() {
    let env = TestEnv::deploying(&format!("touch started; {}; echo finished", gate("go")));
    let id = env.start();
    env.until_script(id);
    let supervisor = env.process("__supervise");

    for name in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGPIPE,
        Signal::SIGALRM,
    ] {
        signal(supervisor, name);
    }
    env.touch("go");

    let d = env.until_state(id, "succeeded");
    assert_eq!(d["recovered_by"], serde_json::Value::Null);
    assert!(env.log(id).contains("finished\n"));
}

#[test]
fn a_stopped_supervisor_is_not_taken_for_dead_and_goes_on_when_it_is_woken() {
    let env =
        TestEnv::deploying(&format!("touch started; {}; echo finished; touch ended; exit 7", gate("go")));
    let id = env.start();
    let script = env.until_script(id);
    let supervisor = env.process("__supervise");
    signal(supervisor, Signal::SIGSTOP);
    until_stopped(supervisor);

    env.touch("go");
    env.until_file("ended");
    assert_eq!(env.deployment(id)["state"], "running");
    let refused = env.deploy().exits(4);
    assert!(refused.err.contains("#1 is running here"), "{refused:#?}");
    assert!(is_alive(supervisor));

    signal(supervisor, Signal::SIGCONT);
    let d = env.until_state(id, "failed");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "exit", "code": 7 }));
    assert_eq!(d["script"]["pid"], script);
    assert!(env.log(id).contains("finished\n"));
    env.assert_sound();
}
