//! Who may open a gate on record, which one, for what, and does it show?

use std::time::Duration;

use relman::domain::deployment::DeploymentState;
use relman::domain::gate::{Answer, BlockReason, GateId, GateReport};
use relman::domain::ids::DeploymentId;
use relman::domain::journal::Verb;
use relman::domain::override_review::{Bypass, Finding};
use relman::ops::deployment::claim::Claim;
use relman::ops::deployment::later::Later;
use relman::ops::deployment::start::{StartDeploy, start};
use relman::ops::deployment::turn::Turn;
use relman::ops::{ErrorKind, OpError, override_review};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{World, answer, closed, wish};

const API: &str = "api@1.0.0";
const VERB: (Verb, &str) = (Verb::DeploymentStarted, "api@1.0.0 → production");

const GUARDED: &str = r#"
[groups]
managers = ["bob", "carol"]
sre = ["dave"]
[environments.staging]
[environments.production]
kind = "production"
soak = "1h"
approvals = [{ from = "sre" }]
override = ["managers"]
[services.api]
pipeline = ["staging", "production"]
scripts = { deploy = ["./deploy.sh"] }
[process.standard]
enter = "deploy"
"#;

/// Live in staging, but neither for an hour nor approved.
fn world() -> World {
    let world = World::with(GUARDED);
    world.release(API);
    world.deploy(API, "staging");
    world
}

/// Within a day, as soon as the other gates are open.
fn waiting(gates: &[GateId], world: &World) -> StartDeploy {
    let later = Later { expire: Some(Duration::from_hours(24)), ..world.later(None) };
    StartDeploy { later: Some(later), ..opening(gates) }
}

fn opening(gates: &[GateId]) -> StartDeploy {
    StartDeploy {
        overrides: gates.iter().copied().collect(),
        reason: Some("checkout is down".to_owned()),
        ..wish(API, "production")
    }
}

const CLOSED: [GateId; 2] = [GateId::Soak, GateId::Approvals];

#[test]
fn an_override_opens_its_gates_and_is_on_record() {
    let world = world();
    let started = done(&world, "bob", Verb::DeploymentStarted, "#2", |cx| start(cx, &opening(&CLOSED)));
    assert_eq!(started.deployment.overrides, ["soak", "approvals"]);
    assert_eq!(world.deployment(started.deployment.id).overrides, ["soak", "approvals"]);
    let Answer::Overridden { reason, by, because } = answer(&started.report, GateId::Soak) else {
        panic!("{:?}", started.report)
    };
    assert!(matches!(reason, BlockReason::Soaking { .. }));
    assert_eq!((by.as_str(), because.as_str()), ("bob", "checkout is down"));
    let body = world.last_entry().1;
    assert_eq!(body.reason.as_deref(), Some("checkout is down"));
    assert_eq!(serde_json::from_value::<GateReport>(body.detail.unwrap()).unwrap(), started.report);
}

#[test]
fn what_waits_keeps_the_override_for_a_gate_that_closes_meanwhile() {
    let mut world = world();
    let wanted = waiting(&[GateId::Freeze, GateId::Approvals], &world);
    let d = world.as_("bob", |cx| start(cx, &wanted)).unwrap().deployment;
    assert_eq!(world.deployment(d.id).overrides, ["freeze", "approvals"], "what it may go past");
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(6)));
    world.pass(Duration::from_hours(1));
    assert!(matches!(world.turn(d.id), Turn::Go(_)), "{:?}", world.turn(d.id));
    assert_eq!(world.deployment(d.id).overrides, ["freeze", "approvals"], "what it went past");
}

/// The same after nobody may override there any more.
fn without_the_right(mut world: World) -> World {
    let lines = GUARDED.replace("override = [\"managers\"]\n", "");
    world.policy = relman::config::parse(std::path::Path::new("/srv/relman.toml"), &lines).unwrap().policy;
    world
}

#[test]
fn an_override_does_not_outlive_the_right_to_it_while_it_waits() {
    let mut world = world();
    let wanted = waiting(&[GateId::Freeze, GateId::Approvals], &world);
    let d = world.as_("bob", |cx| start(cx, &wanted)).unwrap().deployment;
    world = without_the_right(world);
    world.pass(Duration::from_hours(1));
    let Turn::Wait { says, .. } = world.turn(d.id) else { panic!("it began without a right to it") };
    assert!(says[0].starts_with("approvals: "), "{says:?}");
    assert_eq!(
        says[1],
        "the override of freeze and approvals counts no more: bob may not override gates of api in production: \
         nobody has the right override there"
    );
}

#[test]
fn an_override_does_not_outlive_the_right_to_it_until_the_claim() {
    let world = world();
    let started = world.as_("bob", |cx| start(cx, &opening(&CLOSED))).unwrap().deployment;
    let world = without_the_right(world);
    let Claim::Ended { why } = world.claim(&started) else { panic!("it began without a right to it") };
    assert!(why.contains("the override of soak and approvals counts no more: bob may not"), "{why}");
}

#[test]
fn of_an_override_that_was_not_needed_in_the_end_nothing_is_on_record() {
    let mut world = world();
    let wanted = waiting(&[GateId::Freeze, GateId::Approvals], &world);
    let d = world.as_("bob", |cx| start(cx, &wanted)).unwrap().deployment;
    world.pass(Duration::from_hours(1));
    assert!(matches!(world.turn(d.id), Turn::Go(_)));
    assert_eq!(world.deployment(d.id).overrides, ["approvals"]);
}

#[test]
fn only_what_it_really_went_past_is_on_record_and_open_at_the_claim() {
    let world = world();
    let wanted = opening(&[GateId::Soak, GateId::Approvals, GateId::Freeze]);
    let started = world.as_("bob", |cx| start(cx, &wanted)).unwrap().deployment;
    assert_eq!(started.overrides, ["soak", "approvals"]);
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(1)));
    assert!(matches!(world.claim(&started), Claim::Ended { .. }), "nobody agreed to go past that freeze");
}

#[test]
fn an_override_opens_no_other_gate() {
    let world = world();
    let error =
        refused(&world, "bob", ErrorKind::Unapproved, VERB, |cx| start(cx, &opening(&[GateId::Soak])));
    assert_eq!(closed(&error.report.unwrap()), ["approvals"]);
}

#[test]
fn an_override_is_for_one_deployment() {
    let world = world();
    let first = world.as_("bob", |cx| start(cx, &opening(&CLOSED))).unwrap().deployment;
    world.claim(&first);
    world.end(&first, DeploymentState::Failed);
    let error = refused(&world, "bob", ErrorKind::Blocked, VERB, |cx| start(cx, &wish(API, "production")));
    assert_eq!(closed(&error.report.unwrap()), ["soak", "approvals"]);
}

#[test]
fn an_overridden_gate_stays_open_until_the_claim() {
    use relman::ops::deployment::claim::Claim;
    let world = world();
    let started = world.as_("bob", |cx| start(cx, &opening(&CLOSED))).unwrap().deployment;
    assert_eq!(world.claim(&started), Claim::Go);
}

#[test]
fn only_the_group_that_is_named_may_override() {
    let world = world();
    let error = refused(&world, "alice", ErrorKind::NotPermitted, VERB, |cx| start(cx, &opening(&CLOSED)));
    assert_eq!(
        error.sentence,
        "alice may not override gates of api in production: only managers may ([environments.production] override)"
    );
}

#[test]
fn where_no_group_is_named_nobody_may_override() {
    let world = World::with(&GUARDED.replace("override = [\"managers\"]\n", ""));
    world.release(API);
    world.deploy(API, "staging");
    let error = refused(&world, "bob", ErrorKind::NotPermitted, VERB, |cx| start(cx, &opening(&CLOSED)));
    assert!(error.sentence.ends_with("nobody has the right override there"), "{error}");
}

#[test]
fn an_override_needs_a_reason() {
    let world = world();
    let wanted = StartDeploy { reason: None, ..opening(&CLOSED) };
    let error = mistaken(&world, "bob", ErrorKind::Usage, |cx| start(cx, &wanted));
    assert_eq!(error.sentence, "an override needs a reason");
}

#[test]
fn who_deploys_what_it_is_and_who_is_there_are_not_matters_of_urgency() {
    let world = world();
    for gate in [GateId::Deployer, GateId::Stage, GateId::Exclusive] {
        let error = refused(&world, "bob", ErrorKind::NotPermitted, VERB, |cx| start(cx, &opening(&[gate])));
        assert_eq!(error.sentence, format!("the {gate} gate cannot be overridden"));
    }
}

#[test]
fn a_freeze_may_be_overridden() {
    let mut world = world();
    world.pass(Duration::from_hours(1));
    world.approve("dave", API, "production");
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(1)));
    let started =
        done(&world, "bob", Verb::DeploymentStarted, "#2", |cx| start(cx, &opening(&[GateId::Freeze])));
    assert!(matches!(answer(&started.report, GateId::Freeze), Answer::Overridden { .. }));
}

#[test]
fn an_override_does_not_replace_the_typed_version() {
    let world = world();
    let wanted = StartDeploy { confirm: None, ..opening(&CLOSED) };
    refused(&world, "bob", ErrorKind::Unconfirmed, VERB, |cx| start(cx, &wanted));
}

#[test]
fn a_hotfix_skips_what_its_process_names_and_says_so() {
    use relman::domain::release::ReleaseKind;
    use relman::ops::release::create::{NewRelease, create};
    let world = World::with(&format!("{GUARDED}[process.hotfix]\nenter = \"deploy\"\nskip = [\"soak\"]\n"));
    let new = NewRelease { kind: ReleaseKind::Hotfix, ..NewRelease::default() };
    world.as_("alice", |cx| create(cx, &API.parse().unwrap(), &new)).unwrap();
    world.deploy(API, "staging");
    let report = world.gates("bob", API, "production");
    let skipped = Answer::Skipped { why: "a hotfix release skips it".to_owned() };
    assert_eq!((answer(&report, GateId::Soak), closed(&report)), (skipped, vec!["approvals"]));
}

#[test]
fn a_hotfix_on_its_way_goes_to_production_before_anything_else() {
    let mut world =
        World::with(&format!("{}[process.hotfix]\nenter = \"deploy\"\n", crate::support::world::POLICY));
    world.ready("api@1.1.0");
    let hotfix = relman::ops::release::create::NewRelease {
        kind: relman::domain::release::ReleaseKind::Hotfix,
        ..relman::ops::release::create::NewRelease::default()
    };
    world
        .as_("alice", |cx| {
            relman::ops::release::create::create(cx, &crate::support::world::release_id("api@1.0.1"), &hotfix)
        })
        .unwrap();
    let report = world.gates("erin", "api@1.1.0", "production");
    assert_eq!(closed(&report), ["order"]);
    let error = world.start("erin", "api@1.1.0", "production").unwrap_err();
    assert!(error.sentence.contains("the hotfix api@1.0.1 is on its way and goes first"), "{error}");
    // Elsewhere it holds nobody up.
    assert!(world.gates("erin", "api@1.1.0", "staging").allows());
    for env in ["dev", "staging"] {
        world.deploy("api@1.0.1", env);
    }
    world.pass(std::time::Duration::from_hours(1));
    for who in ["bob", "dave"] {
        world.approve(who, "api@1.0.1", "production");
    }
    world.deploy("api@1.0.1", "production");
    let open = |world: &World| {
        let report = world.gates("erin", "api@1.1.0", "production");
        assert!(!format!("{report:?}").contains("HotfixFirst"), "{report:?}");
        let board = world.as_("erin", relman::ops::view::board::board).unwrap();
        assert!(!format!("{board:?}").contains("HotfixFirst"));
    };
    open(&world);
    // That something takes its place does not send it on its way again.
    for env in ["dev", "staging"] {
        world.deploy("api@1.1.0", env);
    }
    world.pass(std::time::Duration::from_hours(1));
    world.deploy("api@1.1.0", "production");
    open(&world);
}

/// bob has gone past the gates of production with #2, and it runs.
fn used() -> World {
    let world = world();
    let started = world.as_("bob", |cx| start(cx, &opening(&CLOSED))).unwrap().deployment;
    assert_eq!(world.claim(&started), Claim::Go);
    world
}

fn review(world: &World, who: &str, finding: Finding) -> Result<Bypass, OpError> {
    world.as_(who, |cx| override_review::review(cx, DeploymentId(2), finding, "the shop was down"))
}

fn open_reviews(world: &World) -> Vec<Bypass> {
    world.as_("dave", |cx| override_review::list(cx, false)).unwrap()
}

#[test]
fn an_override_that_was_used_is_looked_at_by_somebody_else() {
    let world = used();
    let [waiting] = open_reviews(&world).try_into().unwrap();
    assert_eq!(
        (waiting.deployment.id, waiting.due),
        (DeploymentId(2), world.now.plus(Duration::from_hours(24)))
    );
    let own = refused(&world, "bob", ErrorKind::NotPermitted, (Verb::OverrideReviewed, "#2"), |cx| {
        override_review::review(cx, DeploymentId(2), Finding::Justified, "I was right")
    });
    assert!(own.sentence.contains("somebody else looks at it") && own.hints[0].contains("carol"), "{own:?}");
    let stranger = review(&world, "frank", Finding::Justified).unwrap_err();
    assert!(
        stranger.sentence.contains("frank may not review overrides of api in production"),
        "{stranger:?}"
    );
    let found = done(&world, "carol", Verb::OverrideReviewed, "#2", |cx| {
        override_review::review(cx, DeploymentId(2), Finding::Unjustified, "it could have waited")
    });
    assert_eq!(found.review.unwrap().finding, Finding::Unjustified);
    assert!(open_reviews(&world).is_empty());
    let all = world.as_("dave", |cx| override_review::list(cx, true)).unwrap();
    assert_eq!(all[0].review.as_ref().unwrap().note, "it could have waited");
    let again = review(&world, "carol", Finding::Justified).unwrap_err();
    assert!(again.sentence.contains("carol found #2 unjustified already"), "{again:?}");
}

#[test]
fn who_owes_a_review_gets_no_further_override_there() {
    let mut world = used();
    let running = world.deployment(DeploymentId(2));
    world.end(&running, DeploymentState::Failed);
    world.pass(Duration::from_hours(23));
    let wanted = |world: &World| world.as_("bob", |cx| start(cx, &opening(&CLOSED)));
    let second = wanted(&world).unwrap().deployment;
    assert_eq!(world.claim(&second), Claim::Go);
    world.end(&world.deployment(second.id), DeploymentState::Failed);
    world.pass(Duration::from_hours(2));
    let error = wanted(&world).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotPermitted);
    assert!(
        error.sentence.contains("override of #2 in production has not been reviewed in time"),
        "{error:?}"
    );
    review(&world, "carol", Finding::Justified).unwrap();
    wanted(&world).unwrap();
}

#[test]
fn an_override_lapses_where_its_deployment_waits_too_long() {
    let mut world = world();
    let wanted = waiting(&[GateId::Freeze, GateId::Approvals], &world);
    let d = world.as_("bob", |cx| start(cx, &wanted)).unwrap().deployment;
    world.freeze("Quarter end", "production", world.now, world.now.plus(Duration::from_hours(20)));
    world.pass(Duration::from_hours(9));
    // Soak is over by now; what was opened on record was meant for the evening, not for the next morning.
    let Turn::Wait { says, .. } = world.turn(d.id) else { panic!("{:?}", world.turn(d.id)) };
    assert!(says.iter().any(|line| line.contains("Quarter end")), "{says:?}");
}
