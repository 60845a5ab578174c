//! Does going back lead to what was good, past what guards going on, and does it keep the bad release away?

use std::time::Duration;

use relman::domain::deployment::{DeploymentKind, DeploymentState};
use relman::domain::gate::{Answer, GateId};
use relman::domain::journal::Verb;
use relman::domain::policy::ScriptRole;
use relman::domain::release::ReleaseState;
use relman::ops::ErrorKind;
use relman::ops::deployment::claim::Claim;
use relman::ops::deployment::rollback::{Choices, StartRollback, choices, rollback};
use relman::ops::deployment::start::Started;
use relman::ops::release::block::block;
use relman::ops::release::cancel::cancel;

use super::on_record::{mistaken, refused};
use crate::support::world::{POLICY, World, answer, closed, env_name, release_id, way_back};

const PRODUCTION: &str = "production";

/// Three releases, one after the other live in production.
fn world() -> World {
    with(POLICY)
}

pub(super) fn with(policy: &str) -> World {
    let mut world = World::with(policy);
    for id in ["api@1.0.0", "api@1.1.0", "api@1.2.0"] {
        world.ready(id);
        world.deploy(id, PRODUCTION);
    }
    world
}

pub(super) fn back(to: Option<&str>) -> StartRollback {
    StartRollback {
        reason: "checkout is down".to_owned(),
        confirm: Some(to.unwrap_or("1.1.0").to_owned()),
        ..way_back("api", PRODUCTION, to)
    }
}

fn offered(world: &World) -> Choices {
    world.as_("erin", |cx| choices(cx, &"api".parse().unwrap(), &env_name(PRODUCTION))).unwrap()
}

fn candidates(world: &World) -> Vec<String> {
    offered(world).candidates.iter().map(|known| known.deployment.release.to_string()).collect()
}

#[track_caller]
fn rolled_back(world: &World, to: Option<&str>) -> Started {
    world.as_("erin", |cx| rollback(cx, &back(to))).unwrap_or_else(|error| panic!("{error:#?}"))
}

#[test]
fn what_was_good_is_offered_newest_first_and_without_what_is_there() {
    let world = world();
    assert_eq!(candidates(&world), ["api@1.1.0", "api@1.0.0"]);
    assert_eq!(offered(&world).occupant.unwrap().release, release_id("api@1.2.0"));
}

#[test]
fn a_blocked_release_is_not_offered() {
    let world = world();
    world.as_("bob", |cx| block(cx, &release_id("api@1.1.0"), "leaks")).unwrap();
    assert_eq!(candidates(&world), ["api@1.0.0"]);
}

#[test]
fn a_failed_attempt_is_what_one_goes_back_from() {
    let mut world = world();
    world.ready("api@1.3.0");
    world.end(&world.running("api@1.3.0", PRODUCTION), DeploymentState::Failed);
    assert_eq!(offered(&world).occupant.unwrap().release, release_id("api@1.3.0"));
    assert_eq!(candidates(&world), ["api@1.2.0", "api@1.1.0", "api@1.0.0"]);
}

#[test]
fn an_attempt_that_ran_nothing_changed_nothing() {
    let mut world = world();
    world.ready("api@1.3.0");
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    world.start("erin", "api@1.3.0", PRODUCTION).unwrap_err();
    assert_eq!(offered(&world).occupant.unwrap().release, release_id("api@1.2.0"));
}

#[test]
fn what_was_good_twice_is_offered_once() {
    let world = world();
    let gone_back = rolled_back(&world, None).deployment;
    world.claim(&gone_back);
    world.end(&gone_back, DeploymentState::Succeeded);
    assert_eq!(candidates(&world), ["api@1.0.0"]);
}

#[test]
fn an_environment_outside_the_pipeline_has_nothing_to_offer() {
    let world = world();
    let wanted = ("web".parse().unwrap(), env_name("dev"));
    mistaken(&world, "erin", ErrorKind::NotFound, |cx| choices(cx, &wanted.0, &wanted.1));
}

#[test]
fn a_rollback_goes_to_the_newest_good_release_and_blocks_the_one_it_leaves() {
    let world = world();
    let (started, entries) = world.journaled(|| rolled_back(&world, None));
    let deployment = started.deployment;
    let id = deployment.id;
    assert_eq!(
        (deployment.kind, deployment.release.clone()),
        (DeploymentKind::Rollback, release_id("api@1.1.0"))
    );
    assert_eq!(deployment.previous, Some("1.2.0".parse().unwrap()));
    assert_eq!(deployment.reason.as_deref(), Some("checkout is down"));
    assert_eq!(
        entries,
        [
            "lock.set done L1".to_owned(),
            "release.blocked done api@1.2.0".to_owned(),
            format!("deployment.started done {id}")
        ]
    );
    let known = world.stored("api@1.2.0").blocked.unwrap();
    assert_eq!(
        (known.by.name.as_str(), known.reason),
        ("erin", format!("rolled back from production by {id}: checkout is down"))
    );
    assert_eq!(world.machine.launched.borrow().last().unwrap().vars["RELMAN_KIND"], "rollback");
}

#[test]
fn a_rollback_goes_to_the_version_that_is_named() {
    let world = world();
    assert_eq!(rolled_back(&world, Some("1.0.0")).deployment.release, release_id("api@1.0.0"));
}

#[test]
fn a_version_that_was_never_good_there_is_a_mistake_with_the_list() {
    let world = world();
    let error = mistaken(&world, "erin", ErrorKind::NotFound, |cx| rollback(cx, &back(Some("0.9.0"))));
    assert_eq!(error.hints, ["known good: 1.1.0, 1.0.0"]);
}

#[test]
fn what_is_there_now_is_nothing_to_go_back_to() {
    let world = world();
    mistaken(&world, "erin", ErrorKind::NotFound, |cx| rollback(cx, &back(Some("1.2.0"))));
}

#[test]
fn a_blocked_version_is_nothing_to_go_back_to() {
    let world = world();
    world.as_("bob", |cx| block(cx, &release_id("api@1.1.0"), "leaks")).unwrap();
    let (result, entries) = world.journaled(|| world.as_("erin", |cx| rollback(cx, &back(Some("1.1.0")))));
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Blocked);
    assert!(error.sentence.ends_with("blocked by bob: leaks"), "{error}");
    assert_eq!(entries, ["deployment.started refused api in production"]);
}

#[test]
fn a_rollback_that_failed_may_be_tried_again_and_blocks_nothing() {
    let world = world();
    let failed = rolled_back(&world, None).deployment;
    assert_eq!(failed.release, release_id("api@1.1.0"));
    assert_eq!(world.claim(&failed), Claim::Go);
    world.end(&failed, DeploymentState::Failed);
    let again = rolled_back(&world, None).deployment;
    assert_eq!(again.release, release_id("api@1.1.0"));
    assert_eq!(world.claim(&again), Claim::Go);
    world.end(&again, DeploymentState::Failed);
    let further = rolled_back(&world, Some("1.0.0")).deployment;
    assert_eq!(further.release, release_id("api@1.0.0"));
    assert_eq!(world.stored("api@1.1.0").blocked, None, "it is good, it just did not arrive");
}

#[test]
fn a_release_that_was_given_up_is_nothing_to_go_back_to() {
    let world = world();
    world.as_("alice", |cx| cancel(cx, &release_id("api@1.1.0"), "superseded")).unwrap();
    assert_eq!(candidates(&world), ["api@1.0.0"]);
}

#[test]
fn where_nothing_else_was_good_there_is_no_way_back() {
    let mut world = World::new();
    world.ready("api@1.0.0");
    world.deploy("api@1.0.0", PRODUCTION);
    let error = mistaken(&world, "erin", ErrorKind::NotFound, |cx| rollback(cx, &back(None)));
    assert_eq!(error.hints, ["fix forward: register and deploy a new release"]);
}

#[test]
fn a_rollback_needs_a_reason() {
    let world = world();
    let wanted = StartRollback { reason: " ".to_owned(), ..back(None) };
    mistaken(&world, "erin", ErrorKind::Usage, |cx| rollback(cx, &wanted));
    assert_eq!(world.stored("api@1.2.0").blocked, None);
}

#[test]
fn a_rollback_is_not_held_up_by_order_soak_freeze_and_approvals() {
    let mut world = world();
    world.pass(Duration::from_hours(100));
    world.freeze("Incident", "*", world.now, world.now.plus(Duration::from_hours(1)));
    assert_eq!(
        closed(&world.gates("erin", "api@1.1.0", PRODUCTION)),
        ["order", "soak", "freeze", "approvals"]
    );
    let started = rolled_back(&world, None);
    for gate in [GateId::Stage, GateId::Order, GateId::Soak, GateId::Checks, GateId::Freeze, GateId::Window] {
        assert!(matches!(answer(&started.report, gate), Answer::Skipped { .. }), "{gate}");
    }
    assert_eq!(world.claim(&started.deployment), Claim::Go);
}

#[test]
fn a_rollback_leads_to_a_release_that_is_closed_already() {
    let mut world = World::new();
    world.ready("api@1.0.0");
    world.deploy("api@1.0.0", PRODUCTION);
    world.advance("api@1.0.0", 2);
    assert_eq!(world.stored("api@1.0.0").state, ReleaseState::Closed);
    world.ready("api@1.1.0");
    world.deploy("api@1.1.0", PRODUCTION);
    assert_eq!(rolled_back(&world, Some("1.0.0")).deployment.release, release_id("api@1.0.0"));
}

#[test]
fn a_release_that_is_closed_is_blocked_too_so_that_the_next_rollback_does_not_lead_back() {
    let world = world();
    world.advance("api@1.2.0", 2);
    let first = rolled_back(&world, None).deployment;
    assert_eq!(first.release, release_id("api@1.1.0"));
    assert!(world.stored("api@1.2.0").blocked.is_some());
    assert_eq!(world.claim(&first), Claim::Go);
    world.end(&first, DeploymentState::Succeeded);
    assert_eq!(candidates(&world), ["api@1.0.0"]);
}

#[test]
fn a_release_that_is_blocked_already_keeps_its_own_reason() {
    let world = world();
    world.as_("bob", |cx| block(cx, &release_id("api@1.2.0"), "leaks")).unwrap();
    let (started, entries) = world.journaled(|| rolled_back(&world, None));
    assert_eq!(
        entries,
        ["lock.set done L1".to_owned(), format!("deployment.started done {}", started.deployment.id)]
    );
    assert_eq!(world.stored("api@1.2.0").blocked.unwrap().reason, "leaks");
}

#[test]
fn who_may_not_deploy_there_may_not_roll_back_there() {
    let world = world();
    let verb = (Verb::DeploymentStarted, "api@1.1.0 → production");
    refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| rollback(cx, &back(None)));
    assert_eq!(world.stored("api@1.2.0").blocked, None);
}

#[test]
fn a_rollback_of_production_asks_for_the_version_too() {
    let world = world();
    let wanted = StartRollback { confirm: None, ..back(None) };
    let verb = (Verb::DeploymentStarted, "api@1.1.0 → production");
    refused(&world, "erin", ErrorKind::Unconfirmed, verb, |cx| rollback(cx, &wanted));
}

#[test]
fn a_rollback_waits_for_what_is_running_there() {
    let mut world = world();
    world.ready("api@1.3.0");
    world.running("api@1.3.0", PRODUCTION);
    let verb = (Verb::DeploymentStarted, "api@1.2.0 → production");
    let wanted = back(Some("1.2.0"));
    let error = refused(&world, "erin", ErrorKind::Conflict, verb, |cx| rollback(cx, &wanted));
    assert_eq!(closed(&error.report.unwrap()), ["exclusive"]);
    assert_eq!(world.stored("api@1.3.0").blocked, None);
}

#[test]
fn the_rollback_script_runs_where_there_is_one() {
    let policy = POLICY.replacen(
        "verify = [\"./verify.sh\"] }",
        "verify = [\"./verify.sh\"], rollback = [\"./rollback.sh\"] }",
        1,
    );
    let world = with(&policy);
    rolled_back(&world, None);
    let launched = world.machine.launched.borrow();
    let roles: Vec<ScriptRole> = launched.last().unwrap().steps.iter().map(|step| step.role).collect();
    assert_eq!(roles, [ScriptRole::Rollback, ScriptRole::Verify]);
}

fn ruled(rules: &str) -> World {
    with(&POLICY.replace("rollback-approvals = []", &format!("rollback-approvals = [{rules}]")))
}

#[test]
fn a_rollback_needs_the_approvals_that_are_asked_for_rollbacks() {
    let mut world = ruled("{ from = \"managers\" }");
    world.pass(Duration::from_hours(9));
    let verb = (Verb::DeploymentStarted, "api@1.1.0 → production");
    let error = refused(&world, "erin", ErrorKind::Unapproved, verb, |cx| rollback(cx, &back(None)));
    assert_eq!(closed(&error.report.unwrap()), ["approvals"]);
    world.approve("carol", "api@1.1.0", PRODUCTION);
    rolled_back(&world, None);
}

#[test]
fn a_group_that_is_asked_for_rollbacks_alone_may_approve_them() {
    let policy = POLICY
        .replace("[groups]", "[groups]\nincident = [\"frank\"]")
        .replace("rollback-approvals = []", "rollback-approvals = [{ from = \"incident\" }]");
    let world = with(&policy);
    let verdict = relman::domain::approval::Verdict::Approved;
    world.decide("frank", "api@1.1.0", Some(PRODUCTION), verdict).unwrap();
    rolled_back(&world, None);
}

#[test]
fn a_rollback_to_a_closed_release_can_be_approved() {
    let policy = POLICY.replace("rollback-approvals = []", "rollback-approvals = [{ from = \"managers\" }]");
    let mut world = World::with(&policy);
    world.ready("api@1.0.0");
    world.deploy("api@1.0.0", PRODUCTION);
    world.advance("api@1.0.0", 2);
    world.pass(Duration::from_hours(9));
    world.ready("api@1.1.0");
    world.deploy("api@1.1.0", PRODUCTION);
    let wanted = back(Some("1.0.0"));
    let error = world.as_("erin", |cx| rollback(cx, &wanted)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unapproved);
    let verdict = relman::domain::approval::Verdict::Approved;
    world.decide("carol", "api@1.0.0", Some(PRODUCTION), verdict).unwrap();
    rolled_back(&world, Some("1.0.0"));
}

#[test]
fn what_was_left_is_not_put_back_by_mistake() {
    let world = world();
    let gone_back = rolled_back(&world, None).deployment;
    world.claim(&gone_back);
    world.end(&gone_back, DeploymentState::Succeeded);
    let error = world.start("erin", "api@1.2.0", PRODUCTION).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Blocked);
    assert!(error.sentence.contains("erin blocked the release: rolled back from production"), "{error}");
}

#[test]
fn it_says_what_is_taken_back_with_its_changes() {
    let world = world();
    for (id, change) in [("api@1.1.0", "fix: totals"), ("api@1.2.0", "feat: guest checkout")] {
        let change = relman::ops::release::edit::Edit {
            changes: Some(vec![change.to_owned()]),
            ..relman::ops::release::edit::Edit::default()
        };
        world.edit(id, &change);
    }
    let known =
        world.as_("erin", |cx| choices(cx, &"api".parse().unwrap(), &env_name("production"))).unwrap();
    let told: Vec<(String, Vec<String>)> = known
        .candidates
        .iter()
        .map(|candidate| {
            let taken = candidate.takes_back.iter();
            let of = candidate.deployment.release.version.to_string();
            (of, taken.flat_map(|taken| taken.changes.clone()).collect())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("1.1.0".to_owned(), vec!["feat: guest checkout".to_owned()]),
            ("1.0.0".to_owned(), vec!["feat: guest checkout".to_owned(), "fix: totals".to_owned()])
        ]
    );
}

#[test]
fn a_rollback_that_was_tried_elsewhere_is_rehearsed_for_thirty_days() {
    let mut world = world();
    let rehearsed = |world: &World| {
        let known =
            world.as_("erin", |cx| choices(cx, &"api".parse().unwrap(), &env_name("production"))).unwrap();
        let first = known.candidates[0].clone();
        assert_eq!(first.deployment.release, release_id("api@1.1.0"));
        first.rehearsed.map(|tried| tried.environment.to_string())
    };
    assert_eq!(rehearsed(&world), None);
    let back = world.roll_back_to("api", "staging", "1.1.0");
    world.claim(&back);
    world.end(&back, DeploymentState::Succeeded);
    assert_eq!(rehearsed(&world).as_deref(), Some("staging"));
    world.pass(Duration::from_hours(24 * 31));
    assert_eq!(rehearsed(&world), None, "that says little about today");
}
