//! The command line as a program: standard output, standard error and exit status together, in an environment that
//! holds nothing but what the test put there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod answers;
mod approvals;
mod audit;
mod backup;
mod builds;
mod bundle;
mod changes;
mod channels;
mod checklist;
mod configuration;
mod demo;
mod deployments;
mod documents;
mod drift;
mod exit_codes;
mod freezes;
mod from_git;
mod gates;
mod help;
mod hooks;
mod hostile_words;
mod identity;
mod keys;
mod log;
mod metrics;
mod monitors;
mod plain;
mod readonly;
mod releases;
mod requests;
mod retention;
mod rights;
mod script_diff;
mod signing;
mod stages;
mod store;
mod streams;
mod trains;
mod undo;
mod when;
mod witness;

use crate::support::env::TestEnv;

/// A Tuesday at noon in Berlin: the moment these tests happen in.
const NOW: &str = "2026-09-01T10:00:00Z";

/// A team: alice and dave deploy, bob and carol manage, everyone else watches. The clock stands still.
const TEAM: &str = r#"
[relman]
database = "state/relman.db"
time-zone = "Europe/Berlin"
[groups]
managers = ["bob", "carol"]
sre = ["alice", "dave"]
[environments.staging]
[environments.production]
approvals = [{ from = "managers", count = 1 }]
deployers = ["sre"]
override = ["managers", "sre"]
[services.api]
pipeline = ["staging", "production"]
grace = "1s"
scripts = { deploy = ["./deploy.sh"] }
[services.web]
pipeline = ["staging"]
scripts = { deploy = ["./deploy.sh"] }
[stages.test]
checks = ["unit", "uat"]
[stages.prepare]
checklist = ["Backup taken"]
"#;

fn team() -> TestEnv {
    let mut env = TestEnv::new();
    env.config(TEAM);
    env.vars.push(("RELMAN_TEST_NOW".to_owned(), NOW.to_owned()));
    env
}

/// A team whose api@1.0.0 is in the deploy stage.
fn ready() -> TestEnv {
    let env = team();
    env.release("api@1.0.0");
    env
}

/// The same command at another time.
fn at<'a>(env: &'a mut TestEnv, now: &str) -> &'a TestEnv {
    env.vars.retain(|(name, _)| name != "RELMAN_TEST_NOW");
    env.vars.push(("RELMAN_TEST_NOW".to_owned(), now.to_owned()));
    env
}

const BOB: &str = "bob:1002";
const MALLORY: &str = "mallory:1666";
