//! `[relman] log-retention`: logs go when they were kept long enough, and only those nobody would look for.

use super::at;
use crate::support::env::TestEnv;

const RULES: &str = r#"
[relman]
database = "state/relman.db"
log-retention = "90d"
[environments.staging]
[process.standard]
enter = "deploy"
[services.api]
pipeline = ["staging"]
scripts = { deploy = ["./deploy.sh"] }
"#;

fn four_deployments() -> TestEnv {
    let mut env = TestEnv::new();
    env.config(RULES);
    env.script("deploy.sh", "echo \"this is $RELMAN_VERSION\"");
    at(&mut env, "2026-09-01T10:00:00Z");
    for minor in 0..4 {
        let id = format!("api@1.{minor}.0");
        env.registered(&id);
        drop(env.run(&["deploy", &id, "staging"]).ok());
    }
    env
}

fn has_log(env: &TestEnv, id: i64) -> bool {
    env.file_of(id, "output.log").exists()
}

#[test]
fn what_is_old_goes_but_never_what_is_live_was_live_before_or_is_still_open() {
    let mut env = four_deployments();
    drop(env.run(&["release", "cancel", "api@1.0.0", "--reason", "superseded"]).ok());
    at(&mut env, "2026-11-01T10:00:00Z");
    assert!(!env.run(&["tick"]).ok().out.contains("removed"));
    at(&mut env, "2026-12-15T10:00:00Z");
    let ticked = env.run(&["tick"]).ok().out;
    assert!(ticked.contains("logs that were kept long enough are removed: #1\n"), "{ticked}");
    let there: Vec<bool> = (1..=4).map(|id| has_log(&env, id)).collect();
    assert_eq!(there, [false, true, true, true], "2 is of an open release, 3 and 4 are the last successes");
    let again = env.run(&["tick"]).ok().out;
    assert!(!again.contains("removed"), "{again}");
    // What it was stays on record, and that it is gone is no forgery.
    let verified = env.run(&["audit", "verify"]).ok();
    assert!(verified.err.contains("1 log is gone"), "{verified:?}");
    assert_eq!(env.deployment(1)["state"], "succeeded");
    let listed = env.run(&["audit", "list"]).ok().out;
    assert!(listed.contains("logs.removed"), "{listed}");
    let log = env.run(&["log", "1"]);
    assert!(!log.err.is_empty() && log.err.contains("log"), "{log:?}");
}

#[test]
fn without_a_rule_and_where_one_only_looks_nothing_goes() {
    let mut env = four_deployments();
    drop(env.run(&["release", "cancel", "api@1.0.0", "--reason", "superseded"]).ok());
    at(&mut env, "2027-12-15T10:00:00Z");
    env.config(&RULES.replace("log-retention = \"90d\"\n", ""));
    drop(env.run(&["tick"]).ok());
    env.config(RULES);
    drop(env.run(&["--readonly", "tick"]));
    assert!(has_log(&env, 1));
    env.config(&RULES.replace("90d", "2h"));
    let checked = env.run(&["config", "check"]).exits(14);
    assert!(checked.out.contains("logs are evidence"), "{}", checked.out);
}
