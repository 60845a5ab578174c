//! Sizes, colours and letters of real terminals.

use crate::support::env::{TestEnv, gate};
use crate::support::pty::Terminal;

fn deploying() -> (TestEnv, Terminal) {
    let env = TestEnv::deploying(&format!("echo begun\n{}\necho ended", gate("open")));
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@1.0.0");
    panes.send("D");
    panes.wait_for("y deploy");
    panes.insist("y", "begun");
    (env, panes)
}

#[test]
fn resizing_in_the_middle_of_a_deployment_keeps_everything_working() {
    let (env, mut panes) = deploying();
    panes.resize((40, 10));
    panes.wait_for("[1]Board");
    panes.wait_for("begun");
    panes.resize((20, 5));
    panes.wait_for("terminal too small");
    panes.resize((120, 40));
    panes.wait_for("[1] Board");
    panes.wait_for("begun");
    env.touch("open");
    panes.wait_for("ended");
    panes.wait_for("succeeded");
    panes.resize((200, 60));
    panes.wait_for("[3] Calendar");
    panes.resize((1, 1));
    panes.resize((80, 24));
    panes.wait_for("ended");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn what_is_drawn_after_a_resize_is_what_a_fresh_terminal_shows() {
    let mut env = TestEnv::new();
    env.vars.push(("RELMAN_TEST_NOW".to_owned(), "2026-09-01T10:00:00Z".to_owned()));
    env.registered("api@1.0.0");
    let mut resized = Terminal::with(&env, (200, 60), &[]);
    resized.wait_for("[3] Calendar");
    resized.resize((100, 30));
    resized.wait_without("[3] Calendar");
    resized.until_quiet();
    let fresh = Terminal::with(&env, (100, 30), &[]);
    fresh.wait_for("api@1.0.0");
    fresh.until_quiet();
    assert_eq!(resized.picture().0, fresh.picture().0);
}

/// The numbers of every `ESC[…m` in what was written.
fn attributes(written: &str) -> Vec<String> {
    written
        .split("\u{1b}[")
        .skip(1)
        .filter_map(|part| {
            let end = part.find(|c: char| c.is_ascii_alphabetic())?;
            part[end..].starts_with('m').then(|| part[..end].to_owned())
        })
        .collect()
}

fn is_colour(attribute: &str) -> bool {
    attribute.split(';').any(|number| matches!(number.parse(), Ok(30..=38 | 40..=48 | 90..=97 | 100..=107)))
}

#[test]
fn with_colours_there_are_colours() {
    let (_env, panes) = deploying();
    let all = attributes(&panes.since(0));
    assert!(all.iter().any(|attribute| is_colour(attribute)), "{all:?}");
}

#[test]
fn no_color_and_a_plain_locale_get_no_colours_and_plain_letters() {
    let env = TestEnv::deploying("printf '\\033[31mred alert\\033[0m\\n'");
    let plain = [("NO_COLOR", "1"), ("LANG", "C")];
    let mut panes = Terminal::with(&env, (120, 40), &plain);
    panes.wait_for("api@1.0.0");
    panes.wait_for("+-");
    panes.send("D");
    panes.wait_for("y deploy");
    panes.insist("y", "red alert");
    panes.send("?");
    panes.wait_for("Keys of the Log pane");
    panes.send("\u{1b}");
    panes.wait_without("Keys of the Log pane");
    panes.send("3");
    panes.wait_for("[3] Calendar");
    panes.send("1");
    let all = panes.since(0);
    let coloured: Vec<String> = attributes(&all).into_iter().filter(|a| is_colour(a)).collect();
    assert_eq!(coloured, [""; 0]);
    let foreign: String = all.chars().filter(|c| !c.is_ascii()).collect();
    assert_eq!(foreign, "", "letters that this terminal cannot show");
    assert!(attributes(&all).iter().any(|a| a.split(';').any(|n| n == "7")), "the selection is reversed");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn an_old_console_gets_plain_letters() {
    for term in ["linux", "vt100"] {
        let env = TestEnv::new();
        env.registered("api@1.0.0");
        let mut panes = Terminal::with(&env, (120, 40), &[("TERM", term)]);
        panes.wait_for("api@1.0.0");
        let foreign: String = panes.since(0).chars().filter(|c| !c.is_ascii()).collect();
        assert_eq!(foreign, "", "{term}");
        panes.send("q");
        assert_eq!(panes.ends(), 0);
    }
}

#[test]
fn an_unset_locale_keeps_lines_and_marks() {
    let env = TestEnv::new();
    env.registered("api@1.0.0");
    let mut panes = Terminal::with(&env, (120, 40), &[("LANG", "")]);
    panes.wait_for("api@1.0.0");
    assert!(panes.picture().0.contains('┏'), "{:?}", panes.picture());
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn what_a_script_prints_cannot_reach_the_terminal_as_commands() {
    let env = TestEnv::deploying(
        "printf '\\033[2J\\033[H\\033]0;owned\\007\\033]52;c;b3duZWQ=\\007\\033[6n\\033[?1049l\\033[31mred\\033[0m end\\n'",
    );
    drop(env.deploy().ok());
    let mut panes = Terminal::open(&env);
    panes.wait_for("api@1.0.0");
    panes.send("4");
    panes.wait_for("red end");
    let all = panes.since(0);
    assert!(!all.contains("owned") && !all.contains("]52;"), "{all:?}");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}
