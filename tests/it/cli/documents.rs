//! `relman notes`, `relman handover`, `relman report --since`

use super::{BOB, at, ready};
use crate::support::env::TestEnv;

fn said(env: &TestEnv, args: &[&str]) -> String {
    env.run(args).ok().out
}

/// 1.0.0 is live in production; 1.1.0 was skipped, 1.2.0-rc.1 only tried, 1.2.0 is to come.
fn skipped() -> TestEnv {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    drop(env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).ok());
    for (version, changes) in [
        ("1.1.0", &["feat(cart): guests may pay", "chore: newer libraries"][..]),
        ("1.2.0-rc.1", &["feat: never came out alone"]),
        ("1.2.0", &["fix: totals are right", "feat!: the old address is gone", "People wrote this"]),
    ] {
        let mut args = vec!["release", "new", "api", version, "--title", "Carts"];
        args.extend(changes.iter().flat_map(|change| ["--change", *change]));
        drop(env.run(&args).ok());
    }
    env
}

#[test]
fn notes_roll_up_what_was_skipped_and_leave_out_what_never_came_out() {
    let env = skipped();
    let text = said(&env, &["notes", "api@1.2.0"]);
    let expected = "# api 1.2.0\n\nCarts\n\n## Breaking changes\n\n- the old address is gone\n\n## New\n\n- guests may pay\n\n\
                    ## Fixed\n\n- totals are right\n\n## Other changes\n\n- People wrote this\n\n\
                    Everything since 1.0.0: 1.2.0, 1.1.0.\n";
    assert_eq!(text, expected);
    let team = said(&env, &["notes", "api@1.2.0", "--for", "team"]);
    assert!(team.contains("- cart: guests may pay") && team.contains("- chore: newer libraries"), "{team}");
    let since = said(&env, &["notes", "api@1.2.0", "--since", "1.1.0"]);
    assert!(!since.contains("guests may pay"), "{since}");
    drop(env.run(&["release", "edit", "api@1.2.0", "--rollback-plan", "switch back"]).ok());
    let operators = said(&env, &["notes", "api@1.2.0", "--for", "operators"]);
    assert!(operators.contains("- Way back: switch back"), "{operators}");
}

#[test]
fn a_document_goes_into_a_new_file_and_never_over_another() {
    let env = skipped();
    drop(env.run(&["notes", "api@1.2.0", "--output", "notes.html"]).ok());
    let page = std::fs::read_to_string(env.path("notes.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("<li>totals are right</li>"), "{page}");
    let again = env.run(&["notes", "api@1.2.0", "--output", "notes.html"]).exits(4);
    assert!(again.err.contains("nothing was written"), "{again:#?}");
    let json = env.run(&["--json", "notes", "api@1.2.0"]).json();
    assert!(json["document"]["text"].as_str().unwrap().starts_with("# api 1.2.0"), "{json:#}");
}

#[test]
fn the_next_shift_reads_what_it_must_know() {
    let env = ready();
    let quiet = said(&env, &["handover"]);
    assert!(quiet.contains("All quiet"), "{quiet}");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run(&["freeze", "now", "--reason", "carts vanish", "--for", "2h"]).ok());
    drop(env.run(&["issue", "new", "api@1.0.0", "slow start", "--severity", "sev3", "--owner", "dora"]).ok());
    drop(env.run(&["plan", "milestone", "api@1.0.0", "built", "--due", "+1h"]).ok());
    drop(env.run(&["lock", "web", "--reason", "disk is replaced"]));
    let told = said(&env, &["handover"]);
    for part in [
        "## Decisions that are open\n\n- api@1.0.0 for production: waits for managers",
        "## Freezes of the next 24 hours\n\n- closed NOW everything",
        "## Issues that are open\n\n- api@1.0.0 1 sev3: slow start, dora",
        "- api@1.0.0: built is at risk",
        "api@1.0.0 to staging | succeeded | alice",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn the_hours_after_an_incident_are_told_in_order() {
    let mut env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).exits(11));
    at(&mut env, "2026-09-01T12:00:00Z");
    drop(env.run(&["issue", "new", "api@1.0.0", "carts vanish", "--severity", "sev1"]).ok());
    drop(env.run(&["freeze", "now", "--reason", "carts vanish", "--for", "2h"]).ok());
    let told = said(&env, &["report", "--since", "2026-09-01 13:30"]);
    let place = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text}\n{told}"));
    assert!(place("recorded an issue of api@1.0.0") < place("carts vanish"), "{told}");
    assert!(!told.contains("refused"), "an hour earlier: {told}");
    let all = said(&env, &["report", "--since", "2026-09-01 00:00"]);
    assert!(all.contains("api@1.0.0") && all.contains("production"), "{all}");
    drop(env.run(&["report"]).exits(2));
    drop(env.run(&["report", "api@1.0.0", "--since", "today"]).exits(2));
}
