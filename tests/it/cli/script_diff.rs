//! `relman approvals RELEASE ENVIRONMENT --diff`: what is in the scripts that changed since what is live.

use super::{BOB, ready, team};
use crate::support::env::TestEnv;

/// 1.0.0 is live in production; 1.1.0 has been to staging with another script.
fn changed(body: &str) -> TestEnv {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    drop(env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).ok());
    env.script("deploy.sh", body);
    env.release("api@1.1.0");
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).ok());
    env
}

#[test]
fn what_changed_in_a_script_is_shown_line_by_line() {
    let env = changed("echo deploying faster");
    let path = env.path("./deploy.sh").display().to_string();
    let said = env.run_as(BOB, &["approvals", "api@1.1.0", "production", "--diff"]).ok();
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "what changed since #2 of api@1.0.0 began in production");
    assert!(lines[1].starts_with(&format!("--- {path} ")) && lines[2].starts_with(&format!("+++ {path} ")));
    assert_eq!(
        lines[3..],
        [
            "@@ -1,2 +1,2 @@",
            " #!/bin/sh",
            "-echo deploying $RELMAN_SERVICE $RELMAN_VERSION to $RELMAN_ENVIRONMENT",
            "+echo deploying faster"
        ]
    );
    let told = env.run_as(BOB, &["approvals", "api@1.1.0", "production"]).ok();
    assert!(told.err.contains("relman approvals api@1.1.0 production --diff"), "{told:#?}");
    let json = env.run_as(BOB, &["--json", "approvals", "api@1.1.0", "production", "--diff"]).json();
    let script = &json["differences"]["scripts"][0];
    assert_eq!(
        (script["path"].as_str(), script["lines"].as_array().unwrap().len()),
        (Some(path.as_str()), 4)
    );
}

#[test]
fn what_cannot_be_shown_is_said_and_why() {
    let env = changed("echo deploying faster");
    let kept = std::fs::read_dir(env.path("state/scripts")).unwrap();
    for file in kept {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let said = env.run_as(BOB, &["approvals", "api@1.1.0", "production", "--diff"]).ok();
    assert!(said.out.ends_with("not shown: its earlier content was not kept\n"), "{said:#?}");
    env.script("deploy.sh", "echo deploying $RELMAN_SERVICE $RELMAN_VERSION to $RELMAN_ENVIRONMENT");
    let same = env.run_as(BOB, &["approvals", "api@1.1.0", "production", "--diff"]).ok();
    assert_eq!(same.out, "no script changed since #2 of api@1.0.0 began in production\n");
}

#[test]
fn a_key_that_a_command_line_names_is_never_copied() {
    let env = team();
    let text = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.config(&text.replace("[\"./deploy.sh\"]", "[\"./deploy.sh\", \"token\"]"));
    env.write("token", "hunter2\n", 0o600);
    env.release("api@1.0.0");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    let mut texts = Vec::new();
    for file in std::fs::read_dir(env.path("state/scripts")).unwrap() {
        texts.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert_eq!(texts.len(), 1, "the script itself is kept");
    assert!(texts[0].starts_with("#!/bin/sh\n"), "{texts:?}");
}

#[test]
fn where_nothing_is_live_the_whole_script_is_new_and_a_request_has_none() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    let said = env.run_as(BOB, &["approvals", "api@1.0.0", "production", "--diff"]).ok();
    assert!(
        said.out.starts_with("nothing is live in production: every script is new\n--- none\n+++ "),
        "{said:#?}"
    );
    assert!(said.out.contains("\n+#!/bin/sh\n"), "{said:#?}");
    drop(env.run_as(BOB, &["approvals", "--diff"]).exits(2));
}
