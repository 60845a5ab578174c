//! The line to the terminal: slow, stalled, to be spared; and what is sent along it besides the picture.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, gate, is_alive};
use crate::support::pty::Terminal;
use crate::support::wait;

/// A deployment that prints without end until told.
const FLOOD: &str = "n=0; while [ ! -e stop ]; do n=$((n+1)); printf '\\033[3%dmline %d of a deployment that says a lot\\033[0m\\n' $((n % 7 + 1)) $n; done";

/// One's own settings, where the panes look for them.
fn own(env: &TestEnv, text: &str) {
    std::fs::create_dir_all(env.path("settings/relman")).unwrap();
    env.write("settings/relman/panes.toml", text, 0o644);
}

fn opened(env: &TestEnv, more: &[(&str, &str)]) -> Terminal {
    let home = env.path("settings");
    let mut vars = vec![("XDG_CONFIG_HOME", home.to_str().unwrap())];
    vars.extend(more);
    Terminal::with(env, (80, 24), &vars)
}

/// Bytes in each of so many seconds.
fn per_second(panes: &Terminal, seconds: u64) -> u64 {
    let before = panes.count();
    wait::pause(Duration::from_secs(seconds));
    u64::try_from(panes.count() - before).unwrap() / seconds
}

#[test]
fn a_line_to_be_spared_gets_few_frames_without_colours_however_much_is_printed() {
    let env = TestEnv::deploying(FLOOD);
    own(&env, "[panes]\nlow-bandwidth = \"on\"\n");
    env.start();
    let mut panes = opened(&env, &[]);
    panes.send("4");
    panes.wait_for("of a deployment that says a lot");
    let spared = per_second(&panes, 4);
    assert!((1..=8_000).contains(&spared), "{spared} bytes a second");
    assert!(!panes.since(0).contains("\u{1b}[?2026h"), "frames are not wrapped");
    own(&env, "[panes]\nlow-bandwidth = \"off\"\n");
    let mut usual = opened(&env, &[]);
    usual.send("4");
    usual.wait_for("of a deployment that says a lot");
    let unspared = per_second(&usual, 4);
    assert!(unspared > 2 * spared, "{unspared} bytes a second without, {spared} with");
    env.touch("stop");
}

#[test]
fn a_line_that_has_stalled_holds_up_neither_the_deployment_nor_the_end() {
    let env = TestEnv::deploying(FLOOD);
    env.start();
    let mut panes = opened(&env, &[]);
    panes.send("4");
    panes.wait_for("of a deployment that says a lot");
    panes.stall(true);
    // What the terminal and the kernel between hold is soon full.
    wait::pause(Duration::from_secs(2));
    panes.signal(Signal::SIGTERM);
    let pid = panes.pid();
    let begun = std::time::Instant::now();
    wait::until("the panes to end", || is_alive(pid), |alive| !alive);
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert_eq!(panes.code(), 143);
    let (now, before) = panes.settings();
    assert_eq!(now, before, "keys are echoed again");
    env.touch("stop");
    env.until_state(1, "succeeded");
}

#[test]
fn after_a_stall_the_newest_is_shown_and_not_what_was_missed() {
    let env = TestEnv::deploying(&format!("{}\necho and then this", gate("open")));
    env.start();
    let mut panes = opened(&env, &[]);
    panes.send("4");
    panes.wait_for("0:0");
    panes.stall(true);
    panes.send("?");
    for _ in 0..50 {
        panes.send("\u{1b}[B");
        wait::pause(Duration::from_millis(20));
    }
    panes.send("\u{7}");
    env.touch("open");
    env.until_state(1, "succeeded");
    panes.stall(false);
    panes.wait_for("and then this");
    panes.wait_without("Keys of the Log pane");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn where_nothing_is_to_move_a_running_time_stands_still() {
    let env = TestEnv::deploying(&format!("echo begun\n{}", gate("open")));
    env.start();
    let mut panes = opened(&env, &[("NO_MOTION", "1")]);
    panes.send("4");
    panes.wait_for("begun");
    panes.until_quiet();
    let before = panes.count();
    wait::pause(Duration::from_secs(6));
    let written = panes.since(before);
    // It is told once at most, when the store said something.
    assert!(written.len() < 100, "{written:?}");
    env.touch("open");
    panes.wait_for("succeeded");
}

#[test]
fn who_looks_elsewhere_is_told_the_way_they_asked_for() {
    for (way, wanted) in
        [("osc9", "\u{1b}]9;relman: "), ("osc777", "\u{1b}]777;notify;relman;"), ("bell", "\u{7}")]
    {
        let env = TestEnv::deploying(&gate("open"));
        own(&env, &format!("[panes]\nnotify = \"{way}\"\n"));
        env.start();
        let mut panes = opened(&env, &[]);
        panes.wait_for("api@1.0.0");
        panes.send("\u{1b}[O");
        // It is heard before anything that happens later.
        wait::pause(Duration::from_millis(700));
        let before = panes.count();
        env.touch("open");
        panes.wait_for("succeeded");
        let told = panes.since(before);
        assert!(told.contains(wanted), "{way}: {told:?}");
        panes.send("q");
        assert_eq!(panes.ends(), 0);
    }
}

#[test]
fn the_title_says_what_runs_and_is_put_back() {
    let env = TestEnv::deploying(&gate("open"));
    env.start();
    let mut panes = opened(&env, &[]);
    panes.wait_for("api@1.0.0");
    wait::until("the title", || panes.since(0), |all| all.contains("\u{1b}]2;relman · 1 running\u{1b}\\"));
    env.touch("open");
    wait::until("the title to follow", || panes.since(0), |all| all.contains("\u{1b}]2;relman\u{1b}\\"));
    panes.send("q");
    assert_eq!(panes.ends(), 0);
    let all = panes.since(0);
    assert_eq!((all.matches("\u{1b}[22;2t").count(), all.matches("\u{1b}[23;2t").count()), (1, 1));
}

/// Copies the name of the release under the cursor, in these surroundings.
fn copies(vars: &[(&str, &str)], wanted: &str) {
    let env = TestEnv::deploying("echo done");
    let mut panes = opened(&env, vars);
    panes.wait_for("api@1.0.0");
    panes.send("y");
    panes.wait_for("Copy");
    panes.send("1");
    panes.wait_for("sent to the clipboard");
    let all = panes.since(0);
    assert!(all.contains(wanted), "{all:?}");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn what_is_copied_reaches_a_bare_terminal_and_one_behind_screen() {
    // base64 of api@1.0.0
    copies(&[], "\u{1b}]52;c;YXBpQDEuMC4w\u{1b}\\");
    copies(&[("STY", "1.pts-0")], "\u{1b}P\u{1b}]52;c;YXBpQDEuMC4w\u{7}\u{1b}\\");
}

#[test]
fn inside_tmux_it_is_handed_to_tmux_and_where_that_fails_to_the_terminal() {
    let env = TestEnv::deploying("echo done");
    std::fs::create_dir_all(env.path("bin")).unwrap();
    env.write(
        "bin/tmux",
        "#!/bin/sh\n[ \"$*\" = 'load-buffer -w -' ] && cat > \"${0%/*}/../taken\"\n",
        0o755,
    );
    let path = format!("{}:/usr/bin:/bin", env.path("bin").display());
    let mut panes = opened(&env, &[("TMUX", "/tmp/tmux-0/default,1,0"), ("PATH", &path)]);
    panes.wait_for("api@1.0.0");
    panes.send("y1");
    panes.wait_for("is in tmux's buffer");
    wait::until(
        "tmux to have it",
        || std::fs::read_to_string(env.path("taken")).unwrap_or_default(),
        |text| text == "api@1.0.0",
    );
    assert!(!panes.since(0).contains("]52;"), "it is not sent twice");
    env.write("bin/tmux", "#!/bin/sh\nexit 1\n", 0o755);
    panes.send("y1");
    panes.wait_for("sent to the clipboard (OSC 52)");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn what_is_too_long_for_a_terminal_lies_in_a_file_that_is_named() {
    let env = TestEnv::deploying("echo done");
    let long = "w".repeat(380);
    let changes: Vec<String> = (0..180).map(|number| format!("--change={number} {long}")).collect();
    let edit: Vec<&str> =
        ["release", "edit", "api@1.0.0"].into_iter().chain(changes.iter().map(String::as_str)).collect();
    drop(env.run(&edit).ok());
    let state = env.path("mine");
    std::fs::create_dir_all(&state).unwrap();
    let mut panes = opened(&env, &[("XDG_STATE_HOME", state.to_str().unwrap())]);
    panes.wait_for("api@1.0.0");
    panes.send("y");
    panes.wait_for(" JSON ");
    // The last row.
    panes.send("jjjjjjjjjy");
    panes.wait_for("too long for a terminal; it is in");
    let file = state.join("relman/copied");
    assert!(std::fs::read_to_string(&file).unwrap().contains(&long), "{}", file.display());
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn the_mouse_is_taken_when_asked_and_turns_to_panes_and_scrolls() {
    let env = TestEnv::deploying("for n in $(seq 200); do echo line $n; done");
    drop(env.deploy().ok());
    let mut panes = opened(&env, &[]);
    panes.wait_for("api@1.0.0");
    // F2
    panes.send("\u{1b}OQ");
    panes.wait_for("MOUSE");
    assert!(panes.since(0).contains("\u{1b}[?1000h\u{1b}[?1006h"));
    // A click on the name of the log.
    panes.send("\u{1b}[<0;36;1M\u{1b}[<0;36;1m");
    panes.wait_for("[4] Log");
    panes.wait_for("line 200");
    for _ in 0..5 {
        panes.send("\u{1b}[<64;20;10M");
    }
    panes.wait_without("line 200");
    panes.send("\u{1b}OQ");
    panes.wait_without("MOUSE");
    panes.send("q");
    wait::until("the end", || is_alive(panes.pid()), |alive| !alive);
    let all = panes.since(0);
    assert!(all.rfind("\u{1b}[?1000l") > all.rfind("\u{1b}[?1000h"), "the mouse is given back");
}
