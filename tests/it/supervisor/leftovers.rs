//! Processes that outlive their script: reported, not waited for, and their last words are kept.

use crate::support::env::{TestEnv, gate, is_alive, until_gone};
use crate::support::wait;

#[test]
fn a_daemon_left_running_is_reported_and_left_alone() {
    let env = TestEnv::deploying(&format!(
        "setsid sh -c 'echo $$ > daemon; {}' </dev/null >/dev/null 2>&1 &\n{}\necho done",
        gate("stop"),
        gate("daemon")
    ));

    let said = env.deploy().ok();

    let daemon: i32 = env.until_text("daemon").parse().unwrap();
    assert!(is_alive(daemon));
    assert!(said.out.contains("[relman] left running by the script: "), "{said:#?}");
    let left = env.deployment(1)["left_running"].to_string();
    assert!(left.contains(&format!("\"{daemon} ")), "{left}");
    assert_eq!(env.exit_record(1).unwrap()["left_running"].to_string(), left);
    assert!(env.run(&["show", "1"]).ok().out.contains("left running"));
    drop(env.deploy().ok());
    env.touch("stop");
    until_gone(daemon);
}

#[test]
fn a_grandchild_that_holds_the_output_open_does_not_hold_up_the_outcome() {
    let env = TestEnv::deploying(&format!("( {}; echo last words ) &\necho done", gate("stop")));

    let id = env.start();
    let d = env.until_state(id, "succeeded");
    assert!(!env.path("stop").exists());
    let counted = d["log_size"].as_u64().unwrap();

    env.touch("stop");
    let log = env.until_log(id, "last words\n");
    let at = log.find("last words").unwrap();
    assert!(at as u64 >= counted, "what came later is not part of what the digest covers: {log}");
    assert!(log.contains("done\n"));
    wait::until("every process to end", || env.processes(), Vec::is_empty);
    env.assert_sound();
}

#[test]
fn a_script_that_closes_its_output_is_still_waited_for() {
    let env =
        TestEnv::deploying(&format!("echo before; exec >&- 2>&-; touch closed; {}; exit 3", gate("go")));
    let id = env.start();
    env.until_file("closed");
    assert_eq!(env.deployment(id)["state"], "running");

    env.touch("go");

    let d = env.until_state(id, "failed");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "exit", "code": 3 }));
    assert!(env.log(id).contains("before\n"));
}
