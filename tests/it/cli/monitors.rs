//! Monitors with real commands: asked by the tick, in a process of their own.

use super::at;
use crate::support::env::TestEnv;
use crate::support::wait;

fn env() -> TestEnv {
    let env = TestEnv::with_service(
        r#"scripts = { deploy = ["./deploy.sh"] }
[services.api.monitors.errors]
command = ["./errors.sh", "5"]
environments = ["staging"]
every = "1m"
for = "2m"
timeout = "2s"
severity = "sev1"
"#,
    );
    env.script("deploy.sh", "true");
    env.registered("api@1.0.0");
    env
}

fn watches(env: &TestEnv) -> Vec<serde_json::Value> {
    let said = env.run(&["--json", "monitor", "list", "api@1.0.0"]).ok().json();
    said["watches"].as_array().unwrap().clone()
}

/// Lets the tick ask, and waits until so many measurements are on record.
fn ticked(env: &mut TestEnv, time: &str, measurements: usize) -> serde_json::Value {
    at(env, time);
    drop(env.run(&["tick"]).ok());
    let count = |watches: &Vec<serde_json::Value>| {
        watches.first().and_then(|watch| watch["newest"].as_array()).map_or(0, Vec::len)
    };
    wait::until("it was asked", || watches(env), |found| count(found) == measurements)[0].clone()
}

#[test]
fn the_tick_asks_and_what_comes_of_it_is_in_the_release() {
    let mut env = env();
    env.script(
        "errors.sh",
        "echo \"$RELMAN_MONITOR $RELMAN_MEASUREMENT of $RELMAN_VERSION in $RELMAN_ENVIRONMENT, at most $1\"",
    );
    let none = env.run(&["monitor", "list", "api@1.0.0"]).ok();
    assert!(none.err.contains("no monitor has been asked about api@1.0.0 yet"), "{}", none.err);
    at(&mut env, "2026-09-01T10:00:00Z");
    drop(env.deploy().ok());
    let first = ticked(&mut env, "2026-09-01T10:00:10Z", 1);
    assert_eq!(first["newest"][0]["said"], "errors 1 of 1.0.0 in staging, at most 5");
    assert_eq!(first["verdict"], "open");
    let shown = env.run(&["review", "show", "api@1.0.0"]).ok();
    assert!(shown.out.contains("errors in staging (#1), until "), "{}", shown.out);
    ticked(&mut env, "2026-09-01T10:01:10Z", 2);
    ticked(&mut env, "2026-09-01T10:02:10Z", 2);
    wait::until("its time is over", || watches(&env), |found| found[0]["verdict"] == "passed");
    let report = env.run(&["report", "api@1.0.0"]).ok();
    assert!(report.out.contains("passed: 2 measurements; errors 2 of 1.0.0"), "{}", report.out);
    drop(env.run(&["audit", "verify"]).ok());
    let list = env.run(&["monitor", "list"]).ok();
    assert!(list.out.contains("api") && list.out.contains("./errors.sh 5"), "{}", list.out);
}

#[test]
fn one_that_fails_keeps_the_release_from_production() {
    let mut env = env();
    env.script("errors.sh", "echo '12 errors' >&2; exit 1");
    at(&mut env, "2026-09-01T10:00:00Z");
    drop(env.deploy().ok());
    let tried = env.run(&["monitor", "try", "1"]).exits(1);
    assert_eq!(tried.out, "errors: failure, 12 errors\n");
    assert!(watches(&env).is_empty(), "nothing is recorded of a try");
    drop(env.run(&["--readonly", "monitor", "try", "1"]).exits(12));
    let watch = ticked(&mut env, "2026-09-01T10:00:10Z", 1);
    assert_eq!(watch["verdict"], "failed");
    let issues = || env.run(&["issue", "list", "api@1.0.0"]).ok().out;
    let issues = wait::until("there is an issue", issues, |text| text.contains("sev1"));
    assert!(issues.contains("errors failed in staging: 12 errors"), "{issues}");
    // The timer recorded it in this user's name; it is no act of theirs that they could take back in passing.
    drop(env.run(&["undo"]));
    let issues = env.run(&["issue", "list", "api@1.0.0"]).ok().out;
    assert!(issues.contains("errors failed in staging"), "{issues}");
    let why = env.run(&["why", "api@1.0.0", "production"]);
    assert!(why.code != 0 && why.out.contains("errors failed in staging"), "{why:#?}");
}

#[test]
fn a_command_that_hangs_is_ended_and_counts_as_an_error() {
    let mut env = env();
    env.script("errors.sh", "sleep 60");
    at(&mut env, "2026-09-01T10:00:00Z");
    drop(env.deploy().ok());
    let watch = ticked(&mut env, "2026-09-01T10:00:10Z", 1);
    assert_eq!(watch["newest"][0]["reading"], "error");
    assert_eq!(watch["newest"][0]["said"], "stopped after 2s");
}

#[test]
fn what_is_written_wrong_is_told_with_its_line() {
    let env = env();
    let text = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    let wrong = text
        .replace("every = \"1m\"", "every = \"10s\"")
        .replace("\"staging\"]\nevery", "\"stagging\"]\nevery")
        .replace("severity = \"sev1\"", "severity = \"bad\"\nlimit = 3");
    env.write("relman.toml", &wrong, 0o644);
    let said = env.run(&["config", "check"]).exits(14);
    for words in [
        "at least a minute: nobody looks more often",
        "there is no environment 'stagging'",
        "did you mean staging?",
        "'bad' is not known here",
        "limit",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}
