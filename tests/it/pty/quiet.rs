//! Idle is silent: over a slow line every byte counts.

use std::time::Duration;

use crate::support::env::{TestEnv, gate};
use crate::support::pty::Terminal;
use crate::support::wait;

/// What is written in so many seconds without any event.
fn written_in(panes: &Terminal, seconds: u64) -> String {
    let count = panes.count();
    wait::pause(Duration::from_secs(seconds));
    panes.since(count)
}

#[test]
fn idle_panes_write_nothing() {
    let env = TestEnv::deploying("echo done");
    drop(env.deploy().ok());
    drop(env.run(&["freeze", "now", "--reason", "carts vanish", "--for", "9h"]).ok());
    let mut panes = Terminal::with(&env, (120, 40), &[]);
    panes.wait_for("api@1.0.0");
    panes.until_quiet();
    for key in ["", "4"] {
        panes.send(key);
        panes.until_quiet();
        assert_eq!(written_in(&panes, 5), "", "in pane {key}");
    }
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn a_notice_fades_by_itself_and_then_it_is_quiet() {
    let env = TestEnv::deploying("echo done");
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@1.0.0");
    panes.send("T");
    panes.wait_for("times are in");
    panes.wait_without("times are in");
    panes.until_quiet();
    assert_eq!(written_in(&panes, 5), "");
}

#[test]
fn an_empty_store_is_quiet_too() {
    let env = TestEnv::new();
    let panes = Terminal::open(&env);
    panes.wait_for("Nothing here yet.");
    panes.until_quiet();
    assert_eq!(written_in(&panes, 5), "");
}

#[test]
fn a_deployment_that_prints_nothing_costs_little() {
    let env = TestEnv::deploying(&format!("echo begun\n{}", gate("open")));
    env.start();
    let mut panes = Terminal::open(&env);
    panes.send("4");
    panes.wait_for("begun");
    // The clock ticks once a second.
    panes.wait_for("0:0");
    let written = written_in(&panes, 5);
    assert!(!written.is_empty(), "the running time is counted");
    assert!(written.len() <= 6 * 80, "{} bytes in five seconds: {written:?}", written.len());
}

#[test]
fn nothing_is_ever_asked_of_the_terminal() {
    let env = TestEnv::deploying("echo done");
    let mut panes = Terminal::with(&env, (160, 50), &[("COLORTERM", "truecolor")]);
    panes.wait_for("api@1.0.0");
    for keys in ["?", "\u{1b}", ":", "\u{1b}", "n", "\u{1b}", "2", "3", "w", "4", "\u{c}", "\u{12}", "f", "f"]
    {
        panes.send(keys);
    }
    panes.resize((80, 24));
    panes.wait_for("[4] Log");
    panes.until_quiet();
    panes.assert_never_asked();
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn more_keys_than_the_terminal_is_read_at_once_are_all_heard() {
    let env = TestEnv::deploying("echo done");
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@1.0.0");
    panes.until_quiet();
    // A slow line delivers what was typed for seconds in one piece.
    panes.send(&format!("{}4", "j".repeat(3000)));
    panes.wait_for("[4] Log");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}
