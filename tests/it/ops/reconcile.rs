//! Is a deployment whose supervisor is gone settled as far as it can be, and the rest left to a person?

use std::time::Duration;

use relman::domain::deployment::{Beat, Cause, Deployment, DeploymentState, Outcome, StepState};
use relman::domain::ids::DeploymentId;
use relman::domain::journal::Verb;
use relman::ops::deployment::cancel::cancel;
use relman::ops::deployment::claim;
use relman::ops::deployment::reconcile::{Orphans, reconcile};
use relman::ops::deployment::resolve::resolve;
use relman::ops::{ErrorKind, LAUNCH_DEADLINE, Liveness, lock};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{SCRIPT, World, outcome};

const API: &str = "api@1.0.0";
const RESOLVED: (Verb, &str) = (Verb::DeploymentResolved, "#1");

/// The ordinary policy with a release that may go to dev.
fn deployable() -> World {
    let world = World::new();
    world.release(API);
    world.advance(API, 2);
    world
}

/// A deployment that runs, its script known, and its supervisor gone.
fn orphaned() -> (World, Deployment) {
    let world = deployable();
    let running = world.running(API, "dev");
    let beat = Beat { script: Some(SCRIPT), log_dropped: 5, ..Beat::default() };
    world.as_("erin", |cx| claim::beat(cx, running.id, running.epoch, &beat)).unwrap();
    world.machine.alive.borrow_mut().insert(running.id, Liveness::Gone);
    (world, running)
}

/// What bob's relman does when it starts: the changed deployments and the new entries.
fn looked(world: &World, orphans: Orphans) -> (Vec<Deployment>, Vec<String>) {
    world.journaled(|| world.as_("bob", |cx| reconcile(cx, orphans)).unwrap())
}

#[track_caller]
fn left_alone(world: &World) {
    let (changed, entries) = looked(world, Orphans::Adopt);
    assert!(changed.is_empty() && entries.is_empty(), "{changed:?} {entries:?}");
}

#[track_caller]
fn why_lost(world: &World) -> String {
    let (changed, entries) = looked(world, Orphans::Leave);
    assert_eq!(entries, ["deployment.lost done #1"]);
    match changed[0].cause.clone() {
        Some(Cause::SupervisorGone { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_exit_record_is_what_counts() {
    let (world, running) = orphaned();
    let left = outcome(DeploymentState::Failed, world.now);
    world.machine.exit.borrow_mut().insert(running.id, left.clone());
    let (changed, entries) = looked(&world, Orphans::Leave);
    assert_eq!(entries, ["deployment.finished done #1"]);
    assert_eq!((changed[0].state, changed[0].cause.clone()), (DeploymentState::Failed, Some(left.cause)));
    assert_eq!((changed[0].recovered_by.as_deref(), changed[0].log_size), (Some("bob"), 42));
    assert_eq!(world.deployment(running.id), changed[0]);
}

#[test]
fn an_exit_record_of_a_success_makes_the_release_live() {
    let (world, running) = orphaned();
    world.machine.exit.borrow_mut().insert(running.id, outcome(DeploymentState::Succeeded, world.now));
    looked(&world, Orphans::Leave);
    assert!(world.gates("erin", API, "staging").allows());
}

#[test]
fn an_exit_record_settles_what_the_store_last_saw_waiting_between_steps() {
    for state in [DeploymentState::Succeeded, DeploymentState::Failed, DeploymentState::Cancelled] {
        let (world, running) = orphaned();
        let mut step =
            world.store.read(|tx| relman::store::steps::list_of(tx, running.id)).unwrap().remove(1);
        step.state = StepState::Waiting;
        world.as_("erin", |cx| claim::step(cx, running.id, running.epoch, &step)).unwrap();
        world.machine.exit.borrow_mut().insert(running.id, outcome(state, world.now));
        looked(&world, Orphans::Leave);
        assert_eq!(world.deployment(running.id).state, state);
    }
}

#[test]
fn without_an_exit_record_nobody_knows_how_it_ended() {
    let (world, running) = orphaned();
    let why = why_lost(&world);
    assert_eq!(why, "its script has ended too; how is unknown");
    let after = world.deployment(running.id);
    assert_eq!((after.state, after.finished_at), (DeploymentState::Lost, None));
    let body = world.last_entry().1;
    assert_eq!(body.actor.name(), "bob");
    assert_eq!(body.after, Some(serde_json::to_value(&after).unwrap()));
}

#[test]
fn a_lost_deployment_locks_its_environment() {
    let (world, _) = orphaned();
    looked(&world, Orphans::Leave);
    assert_eq!(world.start("erin", API, "dev").unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn a_script_that_never_showed_may_or_may_not_have_run() {
    let world = deployable();
    let running = world.running(API, "dev");
    world.machine.alive.borrow_mut().insert(running.id, Liveness::Gone);
    assert_eq!(why_lost(&world), "whether its script began is unknown");
}

#[test]
fn a_restart_of_the_machine_is_named_as_the_reason() {
    let (mut world, _) = orphaned();
    world.machine.boot = "boot-2".to_owned();
    assert_eq!(why_lost(&world), "the machine was restarted meanwhile");
}

#[test]
fn the_output_of_a_script_that_still_runs_is_saved() {
    let (world, running) = orphaned();
    world.machine.running.borrow_mut().insert(SCRIPT.pid);
    let (changed, _) = looked(&world, Orphans::Adopt);
    assert_eq!(
        changed[0].cause.as_ref().unwrap().to_string(),
        "its supervisor is gone without an outcome: its script still runs as pid 4711"
    );
    assert_eq!(*world.machine.adopted.borrow(), [running.id]);
}

#[test]
fn there_is_nothing_to_save_of_a_script_that_has_ended() {
    let (world, _) = orphaned();
    looked(&world, Orphans::Adopt);
    assert!(world.machine.adopted.borrow().is_empty());
}

#[test]
fn who_sees_to_the_output_otherwise_is_not_helped() {
    let (world, _) = orphaned();
    world.machine.running.borrow_mut().insert(SCRIPT.pid);
    looked(&world, Orphans::Leave);
    assert!(world.machine.adopted.borrow().is_empty());
}

#[test]
fn a_live_supervisor_is_left_alone() {
    let world = deployable();
    world.running(API, "dev");
    left_alone(&world);
}

#[test]
fn a_supervisor_out_of_reach_is_left_alone() {
    let (world, running) = orphaned();
    world.machine.alive.borrow_mut().insert(running.id, Liveness::OutOfReach);
    left_alone(&world);
}

#[test]
fn a_deployment_of_another_machine_is_left_alone() {
    let (mut world, _) = orphaned();
    world.machine.host = "another".to_owned();
    left_alone(&world);
}

#[test]
fn what_was_lost_stays_lost_until_a_person_says_otherwise() {
    let (world, _) = orphaned();
    looked(&world, Orphans::Leave);
    left_alone(&world);
}

/// A deployment nobody claimed whose supervisor is gone.
fn unclaimed() -> (World, DeploymentId) {
    let world = deployable();
    let id = world.start("erin", API, "dev").unwrap().deployment.id;
    world.machine.alive.borrow_mut().insert(id, Liveness::Gone);
    (world, id)
}

#[test]
fn a_supervisor_gets_its_time_to_come_up() {
    let (mut world, id) = unclaimed();
    let deadline = world.deployment(id).requested_at.plus(LAUNCH_DEADLINE);
    world.now = deadline.minus(Duration::from_millis(1));
    left_alone(&world);
}

#[test]
fn what_nobody_claimed_in_time_has_run_nothing() {
    let (mut world, id) = unclaimed();
    world.pass(LAUNCH_DEADLINE);
    let (changed, entries) = looked(&world, Orphans::Leave);
    assert_eq!(entries, ["deployment.finished done #1"]);
    assert_eq!((changed[0].id, changed[0].state), (id, DeploymentState::Failed));
    assert!(matches!(changed[0].cause, Some(Cause::NeverStarted { .. })));
    assert_eq!(changed[0].recovered_by.as_deref(), Some("bob"));
    assert!(world.start("erin", API, "dev").is_ok());
}

#[test]
fn what_nobody_claimed_and_somebody_cancelled_is_cancelled() {
    let (mut world, id) = unclaimed();
    world.as_("dave", |cx| cancel(cx, id, None)).unwrap();
    world.pass(LAUNCH_DEADLINE);
    let (changed, _) = looked(&world, Orphans::Leave);
    assert_eq!(
        (changed[0].state, changed[0].cause.clone()),
        (DeploymentState::Cancelled, Some(Cause::Cancelled { by: "dave".to_owned() }))
    );
}

#[test]
fn a_supervisor_that_gave_up_before_its_claim_leaves_word() {
    let (world, id) = unclaimed();
    let left: Outcome = outcome(DeploymentState::Failed, world.now);
    world.machine.exit.borrow_mut().insert(id, left);
    let (changed, _) = looked(&world, Orphans::Leave);
    assert_eq!(changed[0].state, DeploymentState::Failed);
}

#[test]
fn two_who_look_settle_it_once() {
    let (world, _) = orphaned();
    assert_eq!(looked(&world, Orphans::Leave).0.len(), 1);
    left_alone(&world);
}

/// A lost deployment to dev.
fn lost() -> (World, DeploymentId) {
    let world = deployable();
    let id = world.lost(API, "dev").id;
    (world, id)
}

#[test]
fn a_person_says_that_a_lost_deployment_succeeded() {
    let (mut world, id) = lost();
    world.pass(Duration::from_mins(20));
    let after =
        done(&world, "carol", Verb::DeploymentResolved, "#1", |cx| resolve(cx, id, true, "pods are up"));
    assert_eq!((after.state, after.finished_at), (DeploymentState::Succeeded, Some(world.now)));
    assert_eq!(
        after.cause,
        Some(Cause::Resolved { by: "carol".to_owned(), reason: "pods are up".to_owned() })
    );
    assert_eq!(after.recovered_by.as_deref(), Some("carol"));
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("pods are up"));
    assert!(world.gates("erin", API, "staging").allows());
}

#[test]
fn a_person_says_that_a_lost_deployment_failed() {
    let (world, id) = lost();
    let after = done(&world, "carol", Verb::DeploymentResolved, "#1", |cx| resolve(cx, id, false, "no pods"));
    assert_eq!(after.state, DeploymentState::Failed);
    assert!(world.start("erin", API, "dev").is_ok());
    assert!(!world.gates("erin", API, "staging").allows());
}

#[test]
fn a_lost_deployment_is_not_settled_while_its_script_runs() {
    let (world, id) = lost();
    world.machine.running.borrow_mut().insert(SCRIPT.pid);
    let error =
        refused(&world, "carol", ErrorKind::Conflict, RESOLVED, |cx| resolve(cx, id, true, "pods are up"));
    assert_eq!(error.sentence, "the script of #1 still runs (pid 4711)");
    assert_eq!(world.deployment(id).state, DeploymentState::Lost);
}

#[test]
fn what_runs_is_not_settled_by_a_person() {
    let world = deployable();
    let id = world.running(API, "dev").id;
    let error = refused(&world, "carol", ErrorKind::Conflict, RESOLVED, |cx| resolve(cx, id, true, "fine"));
    assert_eq!(error.sentence, "#1 is not lost, it is running");
    assert_eq!(error.hints, ["to stop it: relman cancel 1"]);
}

#[test]
fn a_lost_deployment_is_settled_once() {
    let (world, id) = lost();
    world.as_("carol", |cx| resolve(cx, id, true, "pods are up")).unwrap();
    refused(&world, "dave", ErrorKind::Conflict, RESOLVED, |cx| resolve(cx, id, false, "no pods"));
    assert_eq!(world.deployment(id).state, DeploymentState::Succeeded);
}

#[test]
fn settling_needs_a_reason() {
    let (world, id) = lost();
    mistaken(&world, "carol", ErrorKind::Usage, |cx| resolve(cx, id, true, " "));
}

#[test]
fn who_may_not_deploy_there_does_not_settle_there() {
    let mut world = World::new();
    world.ready(API);
    let id = world.lost(API, "production").id;
    let verb = (Verb::DeploymentResolved, "#3");
    let error = refused(&world, "bob", ErrorKind::NotPermitted, verb, |cx| resolve(cx, id, true, "fine"));
    assert_eq!(
        error.sentence,
        "bob may not settle deployments of api in production: only sre may ([environments.production] deployers)"
    );
}

#[test]
fn settling_keeps_what_is_known_about_the_log() {
    let (world, running) = orphaned();
    looked(&world, Orphans::Leave);
    let after = world.as_("carol", |cx| resolve(cx, running.id, true, "pods are up")).unwrap();
    assert_eq!((after.log_dropped, after.log_digest), (5, Some(relman::domain::digest::Digest::of(b""))));
}

#[test]
fn how_it_ended_is_taken_from_its_record_also_after_it_was_taken_for_lost() {
    let (world, running) = orphaned();
    looked(&world, Orphans::Leave);
    assert_eq!(world.deployment(running.id).state, DeploymentState::Lost);
    world.machine.exit.borrow_mut().insert(running.id, outcome(DeploymentState::Succeeded, world.now));
    looked(&world, Orphans::Leave);
    assert_eq!(world.deployment(running.id).state, DeploymentState::Succeeded);
}

#[test]
fn a_failure_that_a_person_settles_holds_what_would_begin_by_itself_as_every_failure_does() {
    let mut world = World::new();
    world.ready(API);
    let id = world.lost(API, "production").id;
    world.as_("erin", |cx| resolve(cx, id, false, "no pods")).unwrap();
    let locks = world.as_("erin", lock::list).unwrap();
    assert_eq!(locks.len(), 1);
    assert_eq!(locks[0].reason, format!("{id} of {API} failed here; look at it first"));
    // A success by hand that a person settles lets automation go on, as every success by hand does.
    let again = world.lost(API, "production").id;
    world.as_("erin", |cx| resolve(cx, again, true, "pods are up")).unwrap();
    assert!(world.as_("erin", lock::list).unwrap().is_empty());
}
