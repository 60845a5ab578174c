//! A release from its registration to the end of its deployment, as people go through it.

use crate::support::env::{TestEnv, gate};
use crate::support::pty::Terminal;

/// Staging wants bob's approval; the script waits twice for the test.
fn team() -> TestEnv {
    let env = TestEnv::new();
    env.config(
        r#"
[relman]
database = "state/relman.db"
[groups]
managers = ["bob"]
[environments.staging]
approvals = [{ from = "managers", count = 1 }]
[environments.production]
[services.api]
pipeline = ["staging", "production"]
grace = "1s"
scripts = { deploy = ["./deploy.sh"] }
"#,
    );
    env.script(
        "deploy.sh",
        &format!("echo fetching\n{}\necho copying\n{}\necho all is well", gate("first"), gate("second")),
    );
    env
}

#[test]
fn from_an_empty_store_to_a_finished_deployment() {
    let env = team();
    let mut panes = Terminal::open(&env);
    panes.wait_for("Nothing here yet.");
    // Register.
    panes.send("n");
    panes.wait_for("New release");
    panes.send("\t1.0.0\tFirst of its kind\u{13}");
    panes.wait_for("api@1.0.0 registered in the request stage");
    panes.wait_for("First of its kind");
    // Move on.
    panes.send(">");
    panes.wait_for("api@1.0.0 is now in the plan stage");
    panes.send(">");
    panes.wait_for("api@1.0.0 is now in the build stage");
    // It waits for bob, and the dialog says so.
    panes.send("D");
    panes.wait_for("Deploy api@1.0.0 to staging");
    panes.wait_for("managers");
    panes.send("\u{1b}");
    panes.wait_without("Deploy api@1.0.0 to staging");
    panes.send("2");
    panes.wait_for("managers 0/1");
    // Somebody else approves from another terminal; nobody touches this one.
    drop(env.run_as("bob:1002", &["approve", "api@1.0.0", "staging"]).ok());
    panes.wait_for("managers 1/1");
    panes.wait_for("complete");
    // Deploy, and watch the lines come.
    panes.send("1D");
    panes.wait_for("y deploy");
    panes.insist("y", "fetching");
    panes.wait_for("#1 api@1.0.0 → staging running");
    assert!(!panes.picture().0.contains("copying"), "{:?}", panes.picture());
    env.touch("first");
    panes.wait_for("copying");
    // Leave in the middle.
    panes.send("q");
    assert_eq!(panes.ends(), 0);
    panes.wait_for("1 deployment still runs: relman attach 1");
    assert_eq!(env.deployment(1)["state"], "running");
    // Come back after the end.
    env.touch("second");
    env.until_state(1, "succeeded");
    let mut again = Terminal::open(&env);
    again.wait_for("●staging");
    again.send("4");
    again.wait_for("#1 api@1.0.0 → staging succeeded");
    again.wait_for("all is well");
    again.send("q");
    assert_eq!(again.ends(), 0);
    assert!(!again.picture().0.contains("still runs"), "{:?}", again.picture());
}

#[test]
fn what_another_process_does_appears_without_a_key() {
    let env = team();
    let mut panes = Terminal::open(&env);
    panes.wait_for("Nothing here yet.");
    env.registered("api@2.0.0");
    panes.wait_for("api@2.0.0");
    drop(env.run(&["release", "block", "api@2.0.0", "--reason", "waits for the disks"]).ok());
    panes.wait_for("BLOCKED: waits for the disks");
    drop(env.run(&["freeze", "now", "--reason", "carts vanish", "--for", "2h"]).ok());
    panes.wait_for("FROZEN");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn production_is_typed_and_a_paste_does_not_type_it() {
    let env = TestEnv::deploying("echo done");
    for _stage in ["test", "prepare", "deploy"] {
        drop(env.run(&["release", "advance", "api@1.0.0"]).ok());
    }
    drop(env.deploy().ok());
    let mut panes = Terminal::open(&env);
    panes.wait_for("●staging");
    panes.send("D");
    panes.wait_for("PRODUCTION");
    panes.send("\u{1b}[200~1.0.0\u{1b}[201~");
    panes.wait_for("pasted text was ignored");
    panes.insist("\r", "type the version 1.0.0 exactly");
    panes.send("1.0.0");
    panes.wait_for("type 1.0.0: 1.0.0");
    assert_eq!(env.deployment(2), serde_json::Value::Null, "nothing has started");
    panes.insist("\r", "#2 api@1.0.0");
    env.until_state(2, "succeeded");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn a_release_is_found_and_blocked_by_keys() {
    let env = TestEnv::deploying("echo done");
    env.registered("api@2.0.0");
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@2.0.0");
    panes.send("/2.0\r");
    panes.wait_without("api@1.0.0");
    panes.send("b");
    panes.wait_for("Block api@2.0.0");
    panes.send("disk is full\u{13}");
    panes.wait_for("BLOCKED: disk is full");
    panes.send("\u{1b}");
    panes.wait_for("api@1.0.0");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn a_running_deployment_is_stopped_from_the_panes() {
    let env = TestEnv::deploying(&format!("echo begun\n{}", gate("never")));
    let id = env.start();
    let mut panes = Terminal::open(&env);
    panes.send("4");
    panes.wait_for("begun");
    panes.send("X");
    panes.wait_for("Cancel #1");
    panes.insist("y", "cancel requested by alice");
    env.until_state(id, "cancelled");
    panes.wait_for("cancelled");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn hints_for_the_first_time_are_told_once_in_a_life() {
    let env = TestEnv::deploying("echo done");
    let home = env.path("life");
    std::fs::create_dir_all(&home).unwrap();
    let vars = [("XDG_STATE_HOME", home.to_str().unwrap())];
    let mut panes = Terminal::with(&env, (80, 24), &vars);
    panes.wait_for("new here (1 of 5)");
    panes.send("?");
    panes.send("\u{7}");
    panes.wait_for("new here (2 of 5)");
    panes.signal(nix::sys::signal::Signal::SIGKILL);
    assert_eq!(panes.code(), 1, "killed");
    let mut again = Terminal::with(&env, (80, 24), &vars);
    again.wait_for("new here (2 of 5)");
    for _ in 0..60 {
        again.send("j");
    }
    again.wait_without("new here");
    again.send("q");
    assert_eq!(again.ends(), 0);
    let last = Terminal::with(&env, (80, 24), &vars);
    last.wait_for("api@1.0.0");
    last.until_quiet();
    assert!(!last.picture().0.contains("new here"), "{:?}", last.picture());
}
