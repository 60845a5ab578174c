//! `relman why`, overrides, and what else a deployment asks for.

use super::{BOB, MALLORY, ready, team};

#[test]
fn why_shows_every_gate_with_its_remedy_and_who_can_clear_it() {
    let env = ready();
    let digest = "api@1.0.0 production";
    env.run(&["why", "api@1.0.0", "production"]).is(
        11,
        &format!(
            "production is closed for api@1.0.0: 2 of 13 gates (order, approvals)\n  \
             ✓ deployer   alice may deploy here\n  \
             ✓ stage      in the deploy stage\n  \
             ✗ order      nothing has been deployed to staging yet\n    \
             → relman deploy api@1.0.0 staging\n  \
             ✓ needs      requires no other release\n  \
             ✓ soak       no soak time asked\n  \
             ✓ checks     none required here\n  \
             ✓ checklist  none required here\n  \
             ✓ freeze     no freeze\n  \
             ✓ window     open at all hours\n  \
             ✗ approvals  0 of 1 from managers\n    \
             → ask bob or carol (for managers) to: relman approve {digest}\n  \
             ✓ four-eyes  one person may start it here\n  \
             ✓ lock       not locked\n  \
             ✓ exclusive  nothing else is running here\n"
        ),
        "",
    );
    let said = env.run(&["why", "api@1.0.0", "staging"]).ok();
    assert!(said.out.starts_with("staging is open for api@1.0.0: all 13 gates pass\n"), "{said:#?}");
}

#[test]
fn why_tells_the_earliest_moment() {
    let env = ready();
    drop(env.run_as(BOB, &["freeze", "now", "--reason", "incident", "--for", "90m"]).ok());
    let said = env.run(&["why", "api@1.0.0", "staging"]).exits(5);
    assert!(said.out.ends_with("earliest: Tue 2026-09-01 13:30 CEST (in 1h30m)\n"), "{said:#?}");
}

#[test]
fn why_without_an_environment_is_about_the_stage() {
    let env = team();
    drop(env.run(&["release", "new", "api", "1.0.0"]).ok());
    let said = env.run(&["why", "api@1.0.0"]).ok();
    assert!(said.out.starts_with("api@1.0.0 may leave the request stage\n"), "{said:#?}");
    env.config(&format!("{}[stages.request]\nrequire = [\"described\"]\n", super::TEAM));
    let said = env.run(&["why", "api@1.0.0"]).exits(11);
    assert!(said.out.starts_with("api@1.0.0 cannot leave the request stage\n"), "{said:#?}");
    assert!(said.out.contains("→ relman release edit api@1.0.0"), "{said:#?}");
}

#[test]
fn an_override_is_for_those_who_may_needs_a_reason_and_stays_visible() {
    let env = ready();
    drop(env.run_as(BOB, &["freeze", "now", "--reason", "incident", "--environment", "production"]).ok());
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    let deploy = ["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"];
    let with = |more: &[&str]| env.run(&[&deploy[..], more].concat());

    drop(with(&[]).exits(5));
    let unexplained = with(&["--override", "freeze"]).exits(2);
    assert!(unexplained.err.contains("an override needs a reason"), "{unexplained:#?}");
    let never = with(&["--override", "exclusive", "--reason", "hurry"]).exits(12);
    assert!(never.err.contains("the exclusive gate cannot be overridden"), "{never:#?}");
    drop(with(&["--override", "frieze", "--reason", "hurry"]).exits(2));
    let other = env.run_as(MALLORY, &[&deploy[..], &["--override", "freeze", "--reason", "hurry"]].concat());
    assert!(other.exits(12).err.contains("mallory may not override gates of api in production"));

    drop(with(&["--override", "freeze", "--reason", "the fix for the incident"]).ok());
    let shown = env.run(&["show", "2"]).ok();
    assert!(shown.out.contains("overridden    freeze"), "{shown:#?}");
    assert!(
        shown.out.contains("! freeze     overridden by alice (the fix for the incident): "),
        "{shown:#?}"
    );
    assert!(env.run(&["deployments"]).ok().out.contains("[override: freeze]"));
}

#[test]
fn production_asks_for_the_version_and_nothing_else_will_do() {
    let env = ready();
    let closed = env.run(&["deploy", "api@1.0.0", "production"]).exits(11);
    assert!(
        closed.err.contains("nothing has been deployed to staging yet"),
        "what is closed comes first: {closed:#?}"
    );
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    let refused = env.run(&["deploy", "api@1.0.0", "production"]).exits(7);
    assert_eq!(
        refused.err,
        "relman: production asks for the version to be typed before anything starts\n  → add --confirm 1.0.0\n"
    );
    drop(env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0"]).exits(7));
    drop(env.run(&["deploy", "api@1.0.0", "production", "--confirm", "yes"]).exits(7));
    drop(env.run(&["deploy", "api@1.0.0", "production", "--yes"]).exits(2));
}

#[test]
fn where_the_locale_is_not_utf8_marks_are_plain_letters() {
    let mut env = ready();
    env.vars.push(("LC_ALL".to_owned(), "C".to_owned()));
    let said = env.run(&["why", "api@1.0.0", "production"]);
    let all = format!("{}{}", said.out, said.err);
    assert!(all.is_ascii(), "{all}");
    assert!(
        said.out.contains("\n  + ") && said.out.contains("\n  x ") && said.out.contains("\n    > "),
        "{said:#?}"
    );
}
