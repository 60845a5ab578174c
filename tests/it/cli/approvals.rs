//! `relman approve | reject | withdraw | approvals`

use super::{BOB, MALLORY, at, ready};
use crate::support::env::TestEnv;

#[test]
fn an_approval_opens_the_gate_and_is_listed() {
    let env = ready();
    env.run_as(BOB, &["approvals"]).is(0, "", "nothing waits for an approval\n");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    let pending = env.run_as(BOB, &["approvals"]).ok();
    assert!(pending.out.contains("api@1.0.0") && pending.out.contains("your turn"), "{pending:#?}");
    assert!(pending.out.contains("managers 0/1"), "{pending:#?}");

    env.run_as(BOB, &["approve", "api@1.0.0", "production", "--reason", "tested"]).is(
        0,
        "api@1.0.0 approved for production by bob, counts until Tue 2026-09-01 20:00 CEST\n",
        "",
    );

    let met = env.run(&["approvals"]).ok();
    assert!(met.out.contains("managers 1/1"), "{met:#?}");
    let listed = env.run(&["approvals", "api@1.0.0"]).ok();
    assert!(listed.out.lines().nth(1).unwrap().contains("production  approved  bob"), "{listed:#?}");
    let twice = env.run_as(BOB, &["approve", "api@1.0.0", "production"]).exits(4);
    assert!(twice.err.contains("relman withdraw api@1.0.0 production"), "{twice:#?}");
}

#[test]
fn an_approval_is_taken_back_by_its_giver() {
    let env = ready();
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    env.run_as(BOB, &["withdraw", "api@1.0.0", "production"]).is(
        0,
        "api@1.0.0: your decision about production is withdrawn\n",
        "",
    );
    drop(env.run(&["why", "api@1.0.0", "production"]).exits(11));
    let none = env.run_as("carol:1003", &["withdraw", "api@1.0.0", "production"]);
    assert!([3, 4].contains(&none.code), "{none:#?}");
}

#[test]
fn a_rejection_needs_a_reason_and_closes_the_gate() {
    let env = ready();
    env.run_as(BOB, &["reject", "api@1.0.0", "production"]).is(
        2,
        "",
        "relman: a rejection needs a reason\n  → say it with --reason \"…\"\n",
    );
    drop(env.run_as(BOB, &["reject", "api@1.0.0", "production", "--reason", "untested"]).ok());
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    let said = env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).exits(6);
    assert!(said.err.contains("bob rejected it: untested"), "{said:#?}");
}

#[test]
fn who_is_in_no_group_of_the_policy_may_not_decide() {
    let env = ready();
    env.run_as(MALLORY, &["approve", "api@1.0.0", "production"]).is(
        12,
        "",
        "relman: mallory may not decide about production; it takes someone of managers\n  → ask bob, carol\n",
    );
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "staging"]).exits(4));
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "prod"]).exits(3));
}

#[test]
fn an_own_release_is_not_approved() {
    let env = ready();
    drop(env.run_as(BOB, &["release", "new", "api", "1.1.0"]).ok());
    let said = env.run_as(BOB, &["approve", "api@1.1.0", "production"]).exits(12);
    assert!(said.err.contains("an own approval does not count"), "{said:#?}");
    assert!(said.err.contains("ask carol"), "{said:#?}");
}

#[test]
fn what_changed_since_it_was_seen_is_not_approved() {
    let env = ready();
    let report = env.run(&["--json", "why", "api@1.0.0", "production"]).json()["report"].clone();
    let seen = report["subject"].as_str().unwrap();
    env.script("deploy.sh", "echo something else");
    let said = env.run_as(BOB, &["approve", "api@1.0.0", "production", "--seen", seen]).exits(4);
    assert!(said.err.contains("api@1.0.0 changed while you were looking at it"), "{said:#?}");
}

#[test]
fn an_approval_goes_stale_with_the_script_and_expires_with_time() {
    let mut env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    drop(env.run(&["why", "api@1.0.0", "production"]).ok());

    env.script("deploy.sh", "echo something else");
    let stale = env.run(&["why", "api@1.0.0", "production"]).exits(6);
    assert!(stale.out.contains("bob's does not count"), "{stale:#?}");
    env.script("deploy.sh", "echo deploying $RELMAN_SERVICE $RELMAN_VERSION to $RELMAN_ENVIRONMENT");
    drop(env.run(&["why", "api@1.0.0", "production"]).ok());

    let expired = at(&mut env, "2026-09-01T18:00:00Z").run(&["why", "api@1.0.0", "production"]).exits(6);
    assert!(expired.out.contains("bob's does not count"), "{expired:#?}");
}

#[test]
fn the_journal_says_which_environment_was_decided_about() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    let listed = env.run(&["audit", "list", "--subject", "api@1.0.0"]).ok();
    assert!(listed.out.contains("api@1.0.0 → production"), "{listed:#?}");
}

#[test]
fn several_environments_are_decided_about_in_one_act_and_recorded_each_for_itself() {
    let env = ready();
    env.config(
        &super::TEAM.replace(
            "[environments.staging]",
            "[environments.staging]\napprovals = [{ from = \"managers\" }]",
        ),
    );
    let said = env.run_as(BOB, &["approve", "api@1.0.0", "staging", "production"]).ok();
    assert_eq!(said.out.lines().count(), 2, "{said:#?}");
    let listed = env.run(&["audit", "list", "--verb", "approval.granted"]).ok();
    assert!(listed.out.contains("→ staging") && listed.out.contains("→ production"), "{listed:#?}");

    let again = env.run_as("carol:1003", &["approve", "api@1.0.0", "nowhere", "production"]).exits(3);
    assert!(again.out.contains("approved for production by carol"), "{again:#?}");
    assert!(again.err.contains("1 of 2 recorded (api@1.0.0 for production)"), "{again:#?}");
    let signed =
        env.run_as(BOB, &["approve", "api@1.0.0", "staging", "production", "--print-payload"]).exits(2);
    assert!(signed.err.contains("name one environment at a time"), "{signed:#?}");
}

/// A team whose approvers say in which region it begins.
fn asking() -> TestEnv {
    let env = TestEnv::new();
    env.config(
        r#"
[relman]
database = "state/relman.db"
[groups]
managers = ["bob", "carol"]
[environments.production]
kind = "production"
approvals = [{ from = "managers", count = 1 }]
[services.api]
pipeline = ["production"]
grace = "1s"
scripts = { deploy = ["./deploy.sh"] }
[services.api.prompts.REGION]
label = "Region to begin with"
type = "choice"
choices = ["eu", "us"]
required = true
asked-of = "approver"
[process.standard]
enter = "deploy"
"#,
    );
    env.write("deploy.sh", "#!/bin/sh\necho \"begins in $REGION\"\n", 0o755);
    env.registered("api@1.0.0");
    env
}

#[test]
fn what_an_approver_says_is_asked_shown_and_handed_to_the_scripts() {
    let env = asking();
    let brief = env.run_as(BOB, &["approvals", "api@1.0.0", "production"]).ok();
    assert!(brief.out.contains("Region to begin with (REGION): who approves says it"), "{}", brief.out);
    let open = env.run_as(BOB, &["approve", "api@1.0.0", "production"]).exits(2);
    assert!(open.err.contains("REGION: it is asked of who approves and has no answer yet"), "{}", open.err);
    assert!(open.err.contains("--set REGION=…"), "{}", open.err);
    let payload = env
        .run_as(BOB, &["approve", "api@1.0.0", "production", "--set", "REGION=eu", "--print-payload"])
        .ok();
    assert!(payload.out.ends_with("answers: {\"REGION\":\"eu\"}\n"), "{}", payload.out);
    let said = env.run_as(BOB, &["approve", "api@1.0.0", "production", "--set", "REGION=eu"]).ok();
    assert!(said.out.ends_with(", with REGION=eu\n"), "{}", said.out);
    let list = env.run(&["approvals", "api@1.0.0"]).ok();
    assert!(list.out.contains("REGION=eu"), "{}", list.out);
    let own =
        env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0", "--set", "REGION=us"]).exits(2);
    assert!(own.err.contains("REGION: is asked of who approves"), "{}", own.err);
    let deployed = env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).ok();
    assert!(deployed.out.contains("begins in eu"), "{}", deployed.out);
    let two =
        env.run_as(BOB, &["approve", "api@1.0.0", "production", "production", "--set", "REGION=eu"]).exits(2);
    assert!(two.err.contains("answers belong to one approval"), "{}", two.err);
    drop(env.run(&["audit", "verify"]).ok());
    drop(env.run(&["bundle", "api@1.0.0", "--output", "api.tar"]).ok());
    drop(env.run(&["bundle", "verify", "api.tar"]).ok());
}

#[test]
fn a_secret_cannot_be_asked_of_approvers() {
    let env = asking();
    let text = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    let secret = text.replace("asked-of = \"approver\"", "asked-of = \"approver\"\nsecret = true");
    env.write("relman.toml", &secret, 0o644);
    let said = env.run(&["config", "check"]).exits(14);
    assert!(
        said.out.contains("what approvers answer is kept with their decision: it cannot be secret"),
        "{}",
        said.out
    );
}
