//! Standard output that cannot be written: a full disk is an error, a reader that left is none of ours.

use std::fs::File;
use std::process::Stdio;

use super::ready;
use crate::support::env::{Said, TestEnv};

/// Runs a command with its standard output on a device that is always full.
fn to_full(env: &TestEnv, args: &[&str]) -> Said {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = env.command(args).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output();
    Said::of(&output.unwrap())
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure_with_a_sentence() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    for args in [
        &["status"][..],
        &["--json", "board"],
        &["log", "1"],
        &["log", "1", "--raw"],
        &["completions", "bash"],
        &["show", "1"],
    ] {
        let said = to_full(&env, args).exits(1);
        assert!(
            said.err.contains("relman: the output could not be written: No space left on device"),
            "{args:?}: {said:#?}"
        );
    }
}

#[test]
fn help_that_cannot_be_written_is_a_failure_too() {
    let env = ready();
    for args in [&["--help"][..], &["--version"], &["deploy", "--help"]] {
        let said = to_full(&env, args).exits(1);
        assert!(said.err.contains("could not be written"), "{args:?}: {said:#?}");
        assert_eq!(to_nobody(&env, args).exits(141).err, "", "{args:?}");
    }
}

#[test]
fn a_deployment_goes_on_when_its_output_cannot_be_written() {
    let env = ready();
    env.script("deploy.sh", "echo words; while [ ! -e go ]; do sleep 0.05; done; touch ended");
    drop(to_full(&env, &["deploy", "api@1.0.0", "staging"]).exits(1));
    env.touch("go");
    env.until_file("ended");
    env.until_state(1, "succeeded");
}

/// Runs a command whose reader has left before the first byte.
fn to_nobody(env: &TestEnv, args: &[&str]) -> Said {
    let (reader, writer) = std::io::pipe().unwrap();
    let child = {
        let mut command = env.command(args);
        command.stdout(writer).stderr(Stdio::piped());
        drop(reader);
        command.spawn().unwrap()
    };
    Said::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_reader_that_has_left_ends_a_command_as_sigpipe_would() {
    let env = ready();
    env.script("deploy.sh", "seq 1 100000");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    for args in [
        &["status"][..],
        &["--json", "board"],
        &["log", "1"],
        &["log", "1", "-f"],
        &["completions", "zsh"],
        &["attach", "1"],
    ] {
        let said = to_nobody(&env, args).exits(141);
        assert_eq!(said.err, "", "{args:?}");
    }
}

#[test]
fn an_error_that_cannot_be_said_keeps_its_exit_code() {
    let env = ready();
    let (reader, nobody) = std::io::pipe().unwrap();
    drop(reader);
    let full = File::options().write(true).open("/dev/full").unwrap();
    for (args, code) in [
        (&["release", "show", "api@9"][..], 3),
        (&["--json", "release", "show", "api@9"], 3),
        (&["frobnicate"], 2),
        (&["freeze", "list"], 0),
        (&["deploy", "api@1.0.0", "staging"], 0),
    ] {
        for stderr in [Stdio::from(nobody.try_clone().unwrap()), Stdio::from(full.try_clone().unwrap())] {
            let mut command = env.command(args);
            let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
            drop(Said::of(&child.wait_with_output().unwrap()).exits(code));
        }
    }
}

#[test]
fn a_closed_standard_error_is_no_reason_to_panic() {
    let env = ready();
    for args in [&["release", "show", "api@9"][..], &["frobnicate"], &["deploy", "api@1.0.0", "staging"]] {
        let mut command = env.command_through(&["sh", "-c", "exec \"$@\" 2>&-", "sh"], args);
        let said = TestEnv::finish(&mut command);
        assert!([0, 2, 3].contains(&said.code), "{args:?}: {said:#?}");
    }
    let mut command = env.command_through(&["sh", "-c", "exec \"$@\" >&- 2>&- <&-", "sh"], &["status"]);
    assert_ne!(TestEnv::finish(&mut command).code, 101, "a panic");
}
