//! Help, version and completions.

use crate::support::env::TestEnv;

#[test]
fn help_names_every_command_and_every_exit_code() {
    let env = TestEnv::new();
    std::fs::remove_file(env.path("relman.toml")).unwrap();
    let said = env.run(&["--help"]).ok();
    for verb in [
        "init",
        "demo",
        "release",
        "build",
        "check",
        "checklist",
        "approve",
        "reject",
        "withdraw",
        "approvals",
        "freeze",
        "deploy",
        "rollback",
        "deployments",
        "show",
        "log",
        "monitor",
        "attach",
        "cancel",
        "resolve",
        "undo",
        "board",
        "status",
        "who",
        "take",
        "witness",
        "why",
        "calendar",
        "audit",
        "config",
        "paths",
        "doctor",
        "keys",
        "man",
        "completions",
    ] {
        assert!(
            said.out.lines().any(|line| line.trim_start().starts_with(&format!("{verb} "))),
            "{verb}: {said:#?}"
        );
        drop(env.run(&[verb, "--help"]).ok());
    }
    let flat = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in
        ["0 ok", "2 usage", "8 store busy or unavailable", "13 deployment lost or missed", "128+n signal"]
    {
        assert!(flat.contains(row), "{row}: {said:#?}");
    }
    assert_eq!(said.err, "");
}

#[test]
fn hidden_commands_are_not_shown_and_not_usable_by_accident() {
    let env = TestEnv::new();
    assert!(!env.run(&["--help"]).ok().out.contains("__"));
    for words in
        [&["__supervise"][..], &["__scribe"], &["__adopting"], &["__adopting", "relman.toml", "1", "1", "1"]]
    {
        let said = env.run(words);
        assert_eq!(said.code, 1, "{words:?}: {said:#?}");
        assert!(!said.err.contains("panicked"), "{words:?}: {said:#?}");
    }
}

#[test]
fn a_build_for_tests_says_so() {
    let said = TestEnv::new().run(&["--version"]).ok();
    assert!(said.out.starts_with(&format!("relman {} ", env!("CARGO_PKG_VERSION"))), "{said:#?}");
    assert!(said.out.contains("+test-hooks (NOT FOR USE"), "{said:#?}");
}

/// Checks a script's syntax with its shell, where that is installed.
#[expect(clippy::disallowed_methods, reason = "a test asks the shell itself")]
fn shell_accepts(shell: &str, script: &std::path::Path) -> Option<bool> {
    let checked = std::process::Command::new(shell).arg("-n").arg(script).output();
    match checked {
        Ok(output) => Some(output.status.success()),
        Err(_) => {
            crate::support::skipped(&format!("no {shell} here"));
            None
        }
    }
}

#[test]
fn completions_are_scripts_of_their_shell() {
    let env = TestEnv::new();
    for (shell, mark) in [("bash", "complete -F"), ("zsh", "#compdef relman"), ("fish", "complete -c relman")]
    {
        let said = env.run(&["completions", shell]).ok();
        assert!(said.out.contains(mark) && said.out.contains("rollback"), "{shell}");
        assert!(!said.out.contains("__supervise"), "{shell}");
        env.write(&format!("relman.{shell}"), &said.out, 0o644);
        assert_ne!(shell_accepts(shell, &env.path(&format!("relman.{shell}"))), Some(false), "{shell}");
    }
    drop(env.run(&["completions", "tcsh"]).exits(2));
}
