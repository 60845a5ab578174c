//! Answers and plans in real processes: scripts get them, the process list and the files do not.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::env::{Said, TestEnv, gate};

fn env() -> TestEnv {
    let env = TestEnv::with_service(
        "scripts = { deploy = [\"./deploy.sh\"], plan = [\"./plan.sh\"] }\n\
         prompts.REGION = { label = \"Which region\", type = \"choice\", choices = [\"eu\", \"us\"], required = true }\n\
         prompts.CODE = { label = \"One-time code\", secret = true, required = true }",
    );
    env.script("deploy.sh", &format!("{}\necho region $REGION code $CODE", gate("go")));
    env.script("plan.sh", "echo would change nothing in $RELMAN_ENVIRONMENT");
    env.registered("api@1.0.0");
    env
}

/// Deploys with the secret answer on standard input.
fn deploy(env: &TestEnv, args: &[&str], code: &str) -> Said {
    let all =
        [&["deploy", "api@1.0.0", "staging", "--set", "REGION=eu", "--set-file", "CODE=-"], args].concat();
    let mut child = env
        .command(&all)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{code}\n").as_bytes()).unwrap();
    Said::of(&child.wait_with_output().unwrap())
}

#[test]
fn secret_answers_reach_the_script_and_are_masked_and_in_no_file() {
    let env = env();
    drop(deploy(&env, &["--detach"], "s3cr3t-4711").ok());
    env.until_script(1);
    for (pid, command) in env.processes() {
        assert!(!command.contains("s3cr3t"), "{pid} {command}");
    }
    env.touch("go");
    env.until_state(1, "succeeded");
    let log = env.log(1);
    assert!(log.contains("region eu code ") && !log.contains("s3cr3t"), "{log}");
    assert_eq!(holding(&env.path(""), b"s3cr3t-4711"), Vec::<std::path::PathBuf>::new());
    let shown = env.run(&["show", "1"]).ok();
    assert!(shown.out.contains("CODE (secret), REGION=eu"), "{shown:#?}");
}

#[test]
fn a_secret_in_the_arguments_is_refused_before_anything_starts() {
    let env = env();
    let said = env
        .run(&["deploy", "api@1.0.0", "staging", "--set", "REGION=eu", "--set", "CODE=s3cr3t-4711"])
        .exits(2);
    assert!(said.err.contains("process list") && said.err.contains("--set-file CODE=FILE"), "{said:#?}");
    assert!(!said.err.contains("s3cr3t"), "{said:#?}");
    let missing = env.run(&["deploy", "api@1.0.0", "staging", "--set", "REGION=eu"]).exits(2);
    assert!(missing.err.contains("CODE: One-time code is asked at deploy time"), "{missing:#?}");
}

#[test]
fn a_plan_runs_its_script_and_keeps_its_output() {
    let env = env();
    let said = env.run(&["deploy", "api@1.0.0", "staging", "--noop"]).ok();
    assert!(said.out.contains("would change nothing in staging"), "{said:#?}");
    assert!(said.err.contains("started #1: plan of api@1.0.0 to staging"), "{said:#?}");
    let listed = env.run(&["deployments"]).ok();
    assert!(listed.out.contains("succeeded  plan  api@1.0.0"), "{listed:#?}");
    let status = env.run(&["status"]).ok();
    assert!(!status.out.contains("1.0.0"), "{status:#?}");
    env.assert_sound();
}

/// Files below a directory that hold these bytes.
fn holding(dir: &std::path::Path, wanted: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, wanted));
        } else if std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(wanted.len()).any(|part| part == wanted))
        {
            found.push(path);
        }
    }
    found
}
