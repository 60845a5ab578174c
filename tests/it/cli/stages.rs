//! `relman plan | risk | check | prepare | issue | feedback | review`

use super::{BOB, TEAM, at, ready};
use crate::support::env::TestEnv;

/// Reports as the runners wrote them; see the file names.
const NEXTEST: &str = include_str!("../data/junit/nextest.xml");
const PYTEST: &str = include_str!("../data/junit/pytest.xml");
const SUREFIRE: &str = include_str!("../data/junit/surefire.xml");
const JEST: &str = include_str!("../data/junit/jest.xml");

fn said(env: &TestEnv, args: &[&str]) -> String {
    env.run(args).ok().out
}

#[test]
fn a_plan_is_put_together_line_by_line_and_shown_whole() {
    let env = ready();
    assert_eq!(
        said(&env, &["plan", "scope", "api@1.0.0", "guest checkout"]),
        "api@1.0.0 has 1 items in its scope, 0 done\n"
    );
    said(&env, &["plan", "scope", "api@1.0.0", "--done", "1"]);
    said(&env, &["plan", "milestone", "api@1.0.0", "code complete", "--due", "2026-09-20 18:00"]);
    said(&env, &["plan", "metric", "api@1.0.0", "conversion", "--target", ">= 3 %"]);
    said(
        &env,
        &[
            "release",
            "edit",
            "api@1.0.0",
            "--person",
            "Dora: database",
            "--communication",
            "mail to support",
            "--reversal",
            "partial",
            "--reversal-takes",
            "10m",
            "--no-return",
            "the migration of carts",
        ],
    );
    let shown = said(&env, &["plan", "show", "api@1.0.0"]);
    for line in [
        "scope            ✓ 1 guest checkout  (added later)",
        "milestones       · 1 2026-09-20 code complete, on track",
        "success          · 1 conversion >= 3 %",
        "people             Dora: database",
        "communication      mail to support",
        "reversal           can be taken back in part, in 10m; no way back after: the migration of carts",
        "not recorded: owner, target",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let history = said(&env, &["plan", "history", "api@1.0.0"]);
    assert!(history.contains("version 5 by"), "{history}");
    drop(env.run(&["plan", "scope", "api@1.0.0", "--drop", "1"]).exits(2));
}

#[test]
fn a_risk_says_what_it_comes_from() {
    let env = ready();
    let told = said(&env, &["risk", "api@1.0.0", "--size", "large", "--schema", "--area", "high"]);
    assert_eq!(
        told,
        "api@1.0.0 risk high; 7 points: the change is large (+2), the schema of the data changes (+2), the area is of high \
         criticality (+2), its service was never in production (+1)\n"
    );
    let own = env.run(&["risk", "api@1.0.0", "--lower", "low", "--reason", "it is small"]).exits(12);
    assert!(own.err.contains("you said high yourself"), "{own:#?}");
    let lowered = env.run_as(BOB, &["risk", "api@1.0.0", "--lower", "medium", "--reason", "only texts"]).ok();
    assert!(lowered.out.starts_with("api@1.0.0 risk medium"), "{lowered:#?}");
    drop(env.run_as(BOB, &["risk", "api@1.0.0", "--lower", "low"]).exits(2));
}

#[test]
fn reports_of_real_runners_are_read() {
    let env = ready();
    for (name, text) in
        [("nextest.xml", NEXTEST), ("pytest.xml", PYTEST), ("jest.xml", JEST), ("surefire.xml", SUREFIRE)]
    {
        env.write(name, text, 0o644);
    }
    let import = |file: &str| said(&env, &["check", "import", "api@1.0.0", "unit", file]);
    assert_eq!(import("nextest.xml"), "api@1.0.0 unit failed: 3 tests, 1 failed, 1 flaky\n");
    assert_eq!(import("pytest.xml"), "api@1.0.0 unit failed: 6 tests, 2 failed, 1 skipped\n");
    assert_eq!(import("surefire.xml"), "api@1.0.0 unit failed: 4 tests, 1 failed, 1 skipped, 1 flaky\n");
    assert_eq!(import("jest.xml"), "api@1.0.0 unit failed: 4 tests, 1 failed, 1 skipped\n");
    let shown = said(&env, &["check", "list", "api@1.0.0"]);
    assert!(
        shown.contains("FAILED 4 tests, 1 failed, 1 skipped by") && shown.contains("jest.xml"),
        "{shown}"
    );
    assert!(shown.contains("failed: cart is wrong cart is wrong"), "{shown}");

    env.write("one.xml", "<testsuite><testcase name=\"a\"/></testsuite>", 0o644);
    let input = std::fs::File::open(env.path("one.xml")).unwrap();
    let mut piped = env.command(&["check", "import", "api@1.0.0", "unit", "-"]);
    let through = TestEnv::finish(piped.stdin(std::process::Stdio::from(input)));
    assert_eq!(through.ok().out, "api@1.0.0 unit passed: 1 test\n");
    let died = said(&env, &["check", "import", "api@1.0.0", "unit", "--exit-code", "101"]);
    assert_eq!(died, "api@1.0.0 unit failed\n");
}

#[test]
fn what_is_no_report_is_refused_and_changes_nothing() {
    let env = ready();
    for (text, why) in [
        ("<testsuites/>", "a runner that ran nothing proves nothing"),
        ("<testsuite><testcase name=\"a\"/>", "it ends in the middle"),
        ("<project/>", "it begins with <project>"),
        ("1..4\nok 1", "it is no XML"),
        ("", "it is no XML"),
    ] {
        env.write("report.xml", text, 0o644);
        let said = env.run(&["check", "import", "api@1.0.0", "unit", "report.xml"]).exits(2);
        assert!(said.err.contains(why) && said.err.contains("nothing was recorded"), "{text}: {said:#?}");
    }
    let shown = said(&env, &["check", "list", "api@1.0.0"]);
    assert!(shown.contains("not recorded: unit, uat"), "{shown}");
}

#[test]
fn go_or_no_go_is_one_screen() {
    let mut env = ready();
    env.config(&format!(
        "{}\n[rights]\nwaive = [\"managers\"]\n",
        TEAM.replace(
            "[stages.prepare]",
            "[stages.prepare]\nvoters = [\"managers\"]\nrequire = [\"backup\", \"impact\"]"
        )
        .replace("[stages.test]", "[stages.test]\nrequire = [\"checks\"]")
    ));
    let not_yet = said(&env, &["prepare", "show", "api@1.0.0"]);
    assert!(not_yet.starts_with("api@1.0.0  api@1.0.0: NOT YET\n"), "{not_yet}");
    for gate in ["✗ checks", "✗ backup", "✗ impact", "✗ go-no-go"] {
        assert!(not_yet.contains(gate), "{gate}\n{not_yet}");
    }
    let waived = env.run(&["check", "waive", "api@1.0.0", "uat", "--until", "+1d", "--reason", "away"]);
    drop(waived.exits(12));
    for args in [
        &["check", "record", "api@1.0.0", "unit", "passed"][..],
        &["check", "waive", "api@1.0.0", "uat", "--until", "+1d", "--reason", "testers are away"],
        &["prepare", "backup", "api@1.0.0", "--place", "s3://backups/7", "--restored", "2026-09-01 11:00"],
        &["prepare", "impact", "api@1.0.0", "--downtime", "none"],
        &["prepare", "training", "api@1.0.0", "support", "--material", "wiki/checkout"],
        &["prepare", "training", "api@1.0.0", "--done", "1"],
        &["prepare", "vote", "api@1.0.0", "go"],
    ] {
        drop(env.run_as(BOB, args).ok());
    }
    let go = said(&env, &["prepare", "show", "api@1.0.0"]);
    assert!(go.starts_with("api@1.0.0  api@1.0.0: GO\n"), "{go}");
    assert!(go.contains("uat waived by bob"), "{go}");
    let later = at(&mut env, "2026-09-03T10:00:00Z").run(&["prepare", "show", "api@1.0.0"]).ok();
    assert!(later.out.contains("NOT YET") && later.out.contains("✗ checks"), "{later:#?}");
}

#[test]
fn an_announcement_is_written_printed_and_put_on_record() {
    let env = ready();
    let args = ["prepare", "announce", "api@1.0.0", "done", "--to", "support", "--by", "e-mail"];
    let draft = said(&env, &[&args[..], &["--draft"]].concat());
    assert_eq!(draft, "api 1.0.0 is live: api@1.0.0\n");
    let shown = said(&env, &["prepare", "show", "api@1.0.0"]);
    assert!(!shown.contains("done to support"), "{shown}");
    assert_eq!(said(&env, &args), "api 1.0.0 is live: api@1.0.0\napi@1.0.0 has the announcement on record\n");
    let shown = said(&env, &["prepare", "show", "api@1.0.0"]);
    assert!(shown.contains("done to support by e-mail"), "{shown}");
}

#[test]
fn issues_feedback_and_what_was_learned_are_listed_across_releases() {
    let env = ready();
    env.run(&["issue", "list"]).is(0, "", "no issue is on record\n");
    let new =
        said(&env, &["issue", "new", "api@1.0.0", "carts vanish", "--severity", "sev1", "--owner", "dora"]);
    assert_eq!(new, "api@1.0.0 issue 1 is on record; it goes no further while that is open\n");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).exits(11));
    let listed = said(&env, &["issue", "list"]);
    assert!(
        listed.contains("sev1") && listed.contains("dora") && listed.contains("carts vanish"),
        "{listed}"
    );
    said(&env, &["issue", "set", "api@1.0.0", "1", "verified"]);
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());

    said(&env, &["feedback", "new", "api@1.0.0", "too slow", "--sentiment", "bad", "--phase", "test"]);
    said(
        &env,
        &["feedback", "answer", "api@1.0.0", "1", "--reply", "we look into it", "--next", "api@1.1.0"],
    );
    let heard = said(&env, &["feedback", "list"]);
    assert!(heard.contains("user, test, bad") && heard.contains("taken up by api@1.1.0"), "{heard}");

    said(&env, &["plan", "metric", "api@1.0.0", "errors", "--target", "< 1 %"]);
    assert_eq!(
        said(&env, &["review", "metric", "api@1.0.0", "1", "0.4 %"]),
        "api@1.0.0 measured; as a whole it is achieved\n"
    );
    said(&env, &["review", "lesson", "api@1.0.0", "test with real carts"]);
    said(&env, &["review", "action", "api@1.0.0", "write a runbook", "--owner", "dora", "--due", "+3d"]);
    let open = said(&env, &["review", "actions", "api"]);
    assert!(open.contains("in 3d") && open.contains("write a runbook"), "{open}");
    said(&env, &["review", "action", "api@1.0.0", "--done", "1"]);
    env.run(&["review", "actions"]).is(0, "", "no action is open\n");
    let shown = said(&env, &["review", "show", "api@1.0.0"]);
    assert!(shown.contains("lessons            1 test with real carts"), "{shown}");
}
