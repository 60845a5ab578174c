//! `relman log`: parts of it, what fits, what is new.

use super::{BOB, at, ready};
use crate::support::env::{TestEnv, gate};
use crate::support::wait::until;

fn printed(body: &str) -> TestEnv {
    let env = ready();
    env.script("deploy.sh", body);
    drop(env.run(&["deploy", "api@1.0.0", "staging"]));
    env
}

#[test]
fn the_whole_log_or_its_last_lines() {
    let env = printed("seq 1 500");
    let all = env.run(&["log", "1"]).ok();
    assert_eq!(all.err, "");
    assert_eq!(all.out, env.log(1));
    let tail = env.run(&["log", "1", "-n", "3"]).ok();
    let lines: Vec<&str> = tail.out.lines().collect();
    assert_eq!(lines[..2], ["499", "500"]);
    assert!(lines[2].starts_with("[relman] succeeded"), "{tail:#?}");
    assert_eq!(env.run(&["log", "1", "-n", "0"]).ok().out, "", "no line was asked for");
    assert_eq!(env.run(&["log", "#1", "--tail", "9999"]).ok().out, all.out);
}

#[test]
fn only_lines_that_hold_a_text() {
    let env = printed("seq 1 30; echo 'a.c'; echo abc; printf 'last a.c'");
    assert_eq!(env.run(&["log", "1", "--grep", "a.c"]).ok().out, "a.c\nlast a.c\n", "a text, not a pattern");
    assert_eq!(env.run(&["log", "1", "--grep", "nothing of this"]).ok().out, "");
}

#[test]
fn only_what_was_printed_since() {
    let mut env = ready();
    env.vars.retain(|(name, _)| name != "RELMAN_TEST_NOW");
    env.script("deploy.sh", &format!("echo early; {}; echo late", gate("go")));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    env.until_log(1, "early\n");
    // Two marks in the index are at least a tenth of a second apart; the beat proves that time passed.
    let between = env.deployment(1)["claimed_at"].as_str().unwrap().to_owned();
    let between: relman::domain::time::Timestamp = between.parse().unwrap();
    let between = between.plus(std::time::Duration::from_millis(500)).to_string();
    until(
        "half a second to pass",
        || {
            env.run(&["--json", "why", "api@1.0.0", "staging"]).json()["report"]["at"]
                .as_str()
                .unwrap()
                .to_owned()
        },
        |now| *now > between,
    );
    env.touch("go");
    env.until_state(1, "succeeded");

    let since = env.run(&["log", "1", "--since", &between]).ok();

    assert!(since.out.contains("late\n") && !since.out.contains("early\n"), "{since:#?}");
    let all = env.run(&["log", "1", "--since", "1h"]).ok();
    assert!(all.out.contains("early\n"), "{all:#?}");
    let future = at(&mut env, "2099-01-01T00:00:00Z").run(&["log", "1", "--since", "1h"]).ok();
    assert_eq!(future.out, "");
    drop(env.run(&["log", "1", "--since", "whenever"]).exits(2));
}

#[test]
fn following_goes_on_to_the_end_of_the_deployment() {
    let env = ready();
    env.script("deploy.sh", &format!("echo early; {}; echo late; exit 3", gate("go")));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    env.until_log(1, "early\n");

    let mut following = env.front_end(&["log", "1", "-f"]);
    assert!(following.runs());
    env.touch("go");
    let said = following.end().ok();

    assert!(said.out.contains("early\nlate\n"), "{said:#?}");
    assert!(said.out.ends_with("the script ended with exit status 3\n"), "{said:#?}");
    assert_eq!(env.run(&["log", "1", "-f"]).ok().out, said.out, "of what is over, following shows all");
}

#[test]
fn raw_bytes_go_to_files_and_pipes() {
    let env = printed(r"printf 'a\033[31mb\377\n'");
    let output = env.command(&["log", "1", "--raw"]).output().unwrap();
    assert_eq!(output.stdout, env.log_bytes(1));
    drop(env.run(&["log", "1", "--yes"]).exits(2));
}

#[test]
fn what_never_ran_has_no_log() {
    let env = ready();
    drop(env.run(&["log", "1"]).exits(3));
    drop(env.run(&["log", "0"]).exits(2));
    drop(env.run(&["log", "99999999999999999999"]).exits(2));
}

#[test]
fn a_log_is_told_in_json_line_by_line() {
    let env = printed("echo one; printf 'last \\033[31mred'");
    let said = env.run(&["--json", "log", "1", "--grep", "last"]).ok();
    let lines: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [serde_json::json!({ "schema": 1, "line": "last red" })]);
    drop(env.run(&["--json", "log", "1", "--raw"]).exits(2));
}

#[test]
fn an_unfinished_last_line_is_searched_too() {
    let env = printed("echo one; printf 'last'");
    assert_eq!(env.run(&["log", "1", "--grep", "one"]).ok().out, "one\n");
}

/// Two deployments that print mostly the same.
fn two() -> TestEnv {
    let env = TestEnv::with_service("scripts = { deploy = [\"./deploy.sh\"] }");
    env.script("deploy.sh", "echo copying $$ files; [ ! -e odd ] || printf '\\033[31merror: no route\\033[0m\\033]0;x\\007\\n'; echo done");
    env.registered("api@1.0.0");
    drop(env.deploy().ok());
    env.touch("odd");
    drop(env.deploy().ok());
    env
}

#[test]
fn only_new_lines_leave_out_what_the_last_success_printed() {
    let env = two();
    let said = env.run(&["log", "2", "--new"]).ok();
    let lines: Vec<&str> = said.out.lines().filter(|line| !line.starts_with("[relman] ")).collect();
    assert_eq!(lines, ["error: no route"]);
    assert!(said.err.contains("only what #1"), "{said:#?}");
    let first = env.run(&["log", "1", "--new"]).exits(3);
    assert!(first.err.contains("there is no success in staging before #1"), "{first:#?}");
}

#[test]
fn a_note_is_printed_at_its_place() {
    let env = two();
    drop(env.run_as(BOB, &["note", "1", "the router was slow"]).ok());
    let said = env.run(&["log", "1"]).ok();
    let last = said.out.lines().last().unwrap();
    assert!(last.starts_with("[note ") && last.ends_with("UTC, bob] the router was slow"), "{said:#?}");
}

/// Follows with these arguments from before the first note to the end: one note is there before, one is written while
/// the script waits. Returns all that was printed.
fn followed(args: &[&str]) -> String {
    let env = ready();
    env.script("deploy.sh", &format!("echo early; {}; echo late", gate("go")));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    env.until_log(1, "early\n");
    drop(env.run_as(BOB, &["note", "1", "before"]).ok());
    let mut following = env.front_end_through(&["/bin/sh", "-c", "exec \"$0\" \"$@\" > said"], args);
    let said = || std::fs::read_to_string(env.path("said")).unwrap_or_default();
    until("the first note to be printed", said, |said| said.contains("bob] before\n"));
    drop(env.run_as(BOB, &["note", "1", "meanwhile"]).ok());
    until("the second note to be printed", said, |said| said.contains("bob] meanwhile\n"));
    assert!(following.runs(), "it is printed when it comes, not at the end");
    env.touch("go");
    drop(following.end().ok());
    said()
}

/// What was printed from the first line of the script on, without the times of notes.
fn in_order(said: &str) -> Vec<&str> {
    let from = said.lines().skip_while(|line| *line != "early");
    from.take(4).map(|line| line.rsplit("UTC, ").next().unwrap()).collect()
}

#[test]
fn a_note_written_while_one_follows_is_printed_once_and_at_its_place() {
    for args in [&["log", "1", "-f"][..], &["attach", "1"]] {
        let said = followed(args);
        assert_eq!(in_order(&said), ["early", "bob] before", "bob] meanwhile", "late"], "{args:?}: {said}");
        assert_eq!(said.matches("bob] ").count(), 2, "{args:?}: {said}");
    }
}

#[test]
fn a_deployment_in_the_foreground_prints_notes_as_they_are_written() {
    let env = ready();
    env.script("deploy.sh", &format!("echo early; {}; echo late", gate("go")));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_log(1, "early\n");
    drop(env.run_as(BOB, &["note", "1", "meanwhile"]).ok());
    env.touch("go");
    let said = deploying.end().ok();
    assert_eq!(in_order(&said.out)[..3], ["early", "bob] meanwhile", "late"], "{said:#?}");
}

#[test]
fn a_note_before_the_part_that_is_followed_stays_out_of_it() {
    let env = ready();
    env.script("deploy.sh", &format!("echo one; {}; echo two; echo three; {}", gate("half"), gate("go")));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    env.until_log(1, "one\n");
    drop(env.run_as(BOB, &["note", "1", "too early"]).ok());
    env.touch("half");
    env.until_log(1, "three\n");
    let following = env.front_end(&["log", "1", "-f", "-n", "1"]);
    env.touch("go");
    let said = following.end().ok();
    assert!(!said.out.contains("too early"), "{said:#?}");
}

#[test]
fn a_recording_holds_times_text_and_colours_and_nothing_else() {
    let env = two();
    drop(env.run(&["log", "2", "--cast", "two.cast"]).ok());
    let text = std::fs::read_to_string(env.path("two.cast")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["version"], 2);
    assert_eq!(lines[0]["title"], "#2 redeploy of api@1.0.0 to staging");
    let mut before = 0.0;
    let mut all = String::new();
    for event in &lines[1..] {
        let at = event[0].as_f64().unwrap();
        assert!(at >= before && event[1] == "o", "{event}");
        before = at;
        all.push_str(event[2].as_str().unwrap());
    }
    assert!(all.contains("\u{1b}[38;5;1merror: no route\u{1b}[0m\r\n"), "{all:?}");
    assert!(!all.contains("\u{1b}]"), "no title is set: {all:?}");
    let twice = env.run(&["log", "2", "--cast", "two.cast"]).exits(4);
    assert!(twice.err.contains("exists already"), "{twice:#?}");
}
