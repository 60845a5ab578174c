//! Deployments do not care about the panes: whatever becomes of the terminal, they finish with their whole log.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, gate, is_alive, until_gone, until_stopped};
use crate::support::pty::Terminal;
use crate::support::wait::pause;

/// A hundred lines before the gate and a hundred behind it.
fn store() -> TestEnv {
    let count = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo";
    TestEnv::deploying(&format!("{count} before $i; done\n{}\n{count} behind $i; done", gate("open")))
}

/// Opens the panes and starts the deployment in them.
fn deploying(env: &TestEnv) -> Terminal {
    let mut panes = Terminal::open(env);
    panes.wait_for("api@1.0.0");
    panes.send("D");
    panes.wait_for("y deploy");
    panes.insist("y", "before 100");
    panes
}

/// The deployment finishes, with every line once.
#[track_caller]
fn assert_finishes(env: &TestEnv) {
    assert_eq!(env.deployment(1)["state"], "running");
    env.touch("open");
    env.until_state(1, "succeeded");
    let log = env.log(1);
    let own: Vec<&str> =
        log.lines().filter(|line| line.starts_with("before") || line.starts_with("behind")).collect();
    let wanted: Vec<String> = ["before", "behind"]
        .iter()
        .flat_map(|word| (1..=100).map(move |number| format!("{word} {number}")))
        .collect();
    assert_eq!(own, wanted);
}

#[test]
fn a_line_that_is_cut_ends_the_panes_soon_and_not_the_deployment() {
    let env = store();
    let mut panes = deploying(&env);
    let pid = panes.pid();
    panes.hang_up();
    let start = Instant::now();
    until_gone(pid);
    assert!(start.elapsed() < Duration::from_secs(10), "gone after {:?}", start.elapsed());
    assert_finishes(&env);
}

#[test]
fn panes_whose_line_is_cut_do_not_spin_until_they_are_gone() {
    let env = store();
    let mut panes = deploying(&env);
    let pid = panes.pid();
    let before = ticks(pid);
    panes.hang_up();
    let start = Instant::now();
    let mut last = before;
    while is_alive(pid) && start.elapsed() < Duration::from_secs(10) {
        last = last.max(ticks(pid));
        pause(Duration::from_millis(20));
    }
    assert!(!is_alive(pid), "still there after {:?}", start.elapsed());
    // Spinning would take a hundred ticks a second.
    let spent = last - before;
    let lived = u64::try_from(start.elapsed().as_millis()).unwrap() / 10;
    assert!(spent <= lived / 2 + 20, "{spent} ticks of processor time in {lived}");
    assert_finishes(&env);
}

/// Processor time of a process so far, in hundredths of a second.
fn ticks(pid: i32) -> u64 {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0 };
    let Some((_, rest)) = text.rsplit_once(") ") else { return 0 };
    let fields: Vec<&str> = rest.split(' ').collect();
    fields[11..13].iter().filter_map(|field| field.parse::<u64>().ok()).sum()
}

#[test]
fn panes_that_are_killed_take_nothing_with_them() {
    let env = store();
    let panes = deploying(&env);
    panes.signal(Signal::SIGKILL);
    until_gone(panes.pid());
    assert_finishes(&env);
    let mut again = Terminal::open(&env);
    again.wait_for("●staging");
    again.send("4");
    again.wait_for("#1 api@1.0.0 → staging succeeded");
    again.wait_for("behind 100");
    again.send("q");
    assert_eq!(again.ends(), 0);
}

#[test]
fn panes_that_are_stopped_do_not_stop_the_deployment() {
    let env = store();
    let mut panes = deploying(&env);
    panes.send("\u{1a}");
    until_stopped(panes.pid());
    assert_finishes(&env);
    panes.signal(Signal::SIGCONT);
    panes.wait_for("behind 100");
    panes.wait_for("succeeded");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn panes_opened_in_the_middle_show_what_runs() {
    let env = store();
    let first = deploying(&env);
    let mut second = Terminal::open(&env);
    second.wait_for("[4]Log 1▶");
    second.send("4");
    second.wait_for("before 100");
    env.touch("open");
    for panes in [&first, &second] {
        panes.wait_for("behind 100");
        panes.wait_for("succeeded");
    }
    env.until_state(1, "succeeded");
}

#[test]
fn looking_back_stays_where_it_is_while_lines_arrive() {
    let env = store();
    let mut panes = deploying(&env);
    panes.send("gg");
    let held = panes.wait_for("before 1\n");
    assert!(held.contains("paused - G follows"), "{held}");
    env.touch("open");
    env.until_state(1, "succeeded");
    let after = panes.wait_for("new - G follows");
    let lines = |screen: &str| -> Vec<String> {
        screen.lines().filter(|line| line.starts_with("before")).map(ToOwned::to_owned).collect()
    };
    assert_eq!(lines(&after), lines(&held));
    panes.send("G");
    panes.wait_for("behind 100");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn searching_goes_from_hit_to_hit() {
    let env = TestEnv::deploying(
        "echo needle one; seq 1 100; echo needle two; seq 1 100; echo needle three; seq 1 100",
    );
    drop(env.deploy().ok());
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@1.0.0");
    panes.send("4");
    panes.wait_for("succeeded");
    panes.send("/needle\r");
    panes.wait_for("needle one");
    panes.send("n");
    panes.wait_for("needle two");
    panes.send("n");
    panes.wait_for("needle three");
    panes.send("N");
    panes.wait_for("needle two");
    panes.send("n");
    panes.wait_for("needle three");
    panes.send("n");
    panes.wait_for("the search went on from the beginning");
    panes.wait_for("/needle 1 of 3");
    panes.send("N");
    panes.wait_for("the search went on from the end");
    panes.wait_for("/needle 3 of 3");
    panes.send("/nothing like it\r");
    panes.wait_for("no line holds nothing like it");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn a_search_that_hits_the_first_line_goes_on_too() {
    let env = TestEnv::deploying("seq 1 100; echo a step of the script; seq 1 100");
    drop(env.deploy().ok());
    assert!(env.log(1).lines().next().unwrap().contains("step"), "relman's own first line");
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@1.0.0");
    panes.send("4");
    panes.wait_for("succeeded");
    panes.send("/step\r");
    panes.wait_for("step 1 of 1");
    panes.send("n");
    panes.wait_for("a step of the script");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn what_was_typed_when_the_line_dropped_is_there_at_the_next_start() {
    let env = TestEnv::deploying("echo done");
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@1.0.0");
    panes.send("n");
    panes.wait_for("New release");
    panes.send("\t7.0.0\tHalf a title");
    panes.wait_for("Half a title");
    panes.signal(Signal::SIGHUP);
    panes.ends();
    let mut again = Terminal::open(&env);
    again.wait_for("api@1.0.0");
    again.send("n");
    again.wait_for("What you typed before is here again");
    again.wait_for("Half a title");
    again.send("\u{1b}");
    again.wait_without("New release");
    again.send("q");
    assert_eq!(again.ends(), 0);
    assert!(!env.path(".local/state/relman/drafts").exists(), "they are there once");
}
