//! Every way out gives the terminal back exactly as it was.

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, until_stopped};
use crate::support::pty::Terminal;

fn store() -> TestEnv {
    let env = TestEnv::new();
    env.registered("api@1.0.0");
    env
}

fn panes(env: &TestEnv) -> Terminal {
    let panes = Terminal::open(env);
    panes.wait_for("api@1.0.0");
    panes
}

#[test]
fn while_they_are_open_the_panes_have_the_terminal() {
    let env = store();
    let mut panes = panes(&env);
    assert_eq!(panes.modes(), (true, true, true));
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn q_leaves_no_trace() {
    for keys in ["q", "Q", "\u{3}\u{3}", ":quit-now\r"] {
        let env = store();
        let mut panes = panes(&env);
        panes.send(keys);
        assert_eq!(panes.ends(), 0, "{keys:?}");
    }
}

#[test]
fn a_signal_to_end_leaves_no_trace_and_is_told_by_the_exit_code() {
    for (signal, code) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
        (Signal::SIGINT, 130),
        (Signal::SIGQUIT, 131),
        (Signal::SIGALRM, 142),
        (Signal::SIGUSR1, 138),
        (Signal::SIGUSR2, 140),
    ] {
        let env = store();
        let mut panes = panes(&env);
        panes.signal(signal);
        assert_eq!(panes.ends(), code, "{signal}");
    }
}

#[test]
fn a_signal_to_end_is_heard_in_a_dialog_too() {
    let env = store();
    let mut panes = panes(&env);
    panes.send("n");
    panes.wait_for("New release");
    panes.signal(Signal::SIGTERM);
    assert_eq!(panes.ends(), 143);
}

#[test]
fn control_z_stops_with_the_terminal_given_back_and_comes_back_whole() {
    let env = store();
    let mut panes = panes(&env);
    let before = panes.picture().0;
    panes.send("\u{1a}");
    until_stopped(panes.pid());
    panes.assert_no_trace();
    let count = panes.count();
    panes.signal(Signal::SIGCONT);
    let back = panes.wait_for("api@1.0.0");
    assert_eq!(back, before);
    assert_eq!(panes.modes(), (true, true, true));
    let drawn = panes.since(count);
    for mode in ["1049h", "2004h", "1004h", "25l"] {
        assert!(drawn.contains(&format!("\u{1b}[?{mode}")), "{mode} is on again: {drawn:?}");
    }
    panes.send("2");
    panes.wait_for("Nothing waits for an approval.");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn a_stop_from_outside_and_a_continue_draw_the_screen_again() {
    let env = store();
    let mut panes = panes(&env);
    panes.signal(Signal::SIGSTOP);
    until_stopped(panes.pid());
    let count = panes.until_quiet();
    panes.signal(Signal::SIGCONT);
    crate::support::wait::until(
        "the screen to be drawn",
        || panes.since(count),
        |drawn| drawn.contains("api@1.0.0"),
    );
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn without_a_terminal_the_panes_say_what_to_use_instead() {
    let env = store();
    let said = env.run(&[]);
    assert_eq!(said.code, 2, "{said:#?}");
    assert!(said.err.contains("the panes need a terminal") && said.err.contains("relman board"), "{said:#?}");
}

#[test]
fn a_broken_configuration_is_told_before_the_terminal_is_taken() {
    let env = store();
    env.config("[relman\n");
    let mut panes = Terminal::open(&env);
    panes.wait_for("relman.toml");
    crate::support::env::until_gone(panes.pid());
    assert!(!panes.since(0).contains("\u{1b}[?1049h"), "{:?}", panes.picture());
    panes.assert_never_asked();
    panes.resize((100, 30));
}
