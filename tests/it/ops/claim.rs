//! Is a deployment claimed once, only while it is still allowed, stopped when asked, and ended once?

use std::time::Duration;

use relman::domain::deployment::{Beat, CancelKind, Cause, Deployment, DeploymentState, Step, StepState};
use relman::domain::digest::Digest;
use relman::domain::hold::{Choice, HoldReason};
use relman::domain::ids::DeploymentId;
use relman::domain::journal::Verb;
use relman::ops::deployment::cancel::cancel;
use relman::ops::deployment::claim::{self, Claim};
use relman::ops::deployment::finish::{LIVE, settle};
use relman::ops::deployment::guide::{Decision, guide};
use relman::ops::deployment::reconcile::{Orphans, reconcile};
use relman::ops::release::block::block;
use relman::ops::{ErrorKind, Liveness};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{World, outcome, release_id};

const API: &str = "api@1.0.0";

/// A deployment to production that nobody has claimed yet.
fn launching() -> (World, Deployment) {
    let mut world = World::new();
    world.ready(API);
    let started = world.start("erin", API, "production").unwrap().deployment;
    (world, started)
}

/// A deployment to production that runs.
fn running() -> (World, Deployment) {
    let (world, started) = launching();
    assert_eq!(world.claim(&started), Claim::Go);
    let running = world.deployment(started.id);
    (world, running)
}

/// Insists that a claim settles the deployment as refused, on record, and returns why.
#[track_caller]
fn turned_down(world: &World, started: &Deployment) -> String {
    let (claimed, entries) = world.journaled(|| world.claim(started));
    let Claim::Ended { why } = claimed else { panic!("{claimed:?}") };
    assert_eq!(entries, ["deployment.finished refused #3"]);
    assert!(world.last_entry().1.detail.is_some(), "what the gates said");
    let after = world.deployment(started.id);
    assert_eq!((after.state, after.claimed_at), (DeploymentState::Failed, None));
    assert_eq!(after.cause, Some(Cause::Refused { why: why.clone() }));
    why
}

#[test]
fn a_claim_makes_a_deployment_run() {
    let (world, started) = launching();
    let (claimed, entries) = world.journaled(|| world.claim(&started));
    assert_eq!((claimed, entries), (Claim::Go, vec!["deployment.claimed done #3".to_owned()]));
    let after = world.deployment(started.id);
    assert_eq!(
        (after.state, after.claimed_at, after.heartbeat_at),
        (DeploymentState::Running, Some(world.now), Some(world.now))
    );
}

#[test]
fn a_claim_whose_answer_got_lost_may_be_asked_again_until_something_began() {
    let (world, running) = running();
    let (claimed, entries) = world.journaled(|| world.claim(&running));
    assert_eq!((claimed, entries), (Claim::Go, Vec::new()));
    let step = world.store.read(|tx| relman::store::steps::list_of(tx, running.id)).unwrap().remove(0);
    let step = Step { state: StepState::Running, started_at: Some(world.now), ..step };
    world.as_("erin", |cx| claim::step(cx, running.id, running.epoch, &step)).unwrap();
    assert_eq!(world.claim(&running), Claim::NotOurs { why: "#3 is running in epoch 1".to_owned() });
}

#[test]
fn nothing_is_claimed_for_a_supervisor_that_is_gone() {
    let (world, started) = launching();
    world.machine.alive.borrow_mut().insert(started.id, Liveness::Gone);
    assert!(matches!(world.claim(&started), Claim::NotOurs { .. }));
    assert_eq!(world.deployment(started.id).state, DeploymentState::Launching);
}

#[test]
fn a_claim_of_another_epoch_gets_nothing() {
    let (world, started) = launching();
    let claimed = world.claim(&Deployment { epoch: started.epoch + 1, ..started.clone() });
    assert!(matches!(claimed, Claim::NotOurs { .. }));
    assert_eq!(world.deployment(started.id).state, DeploymentState::Launching);
}

#[test]
fn a_freeze_added_before_the_claim_counts() {
    let (world, started) = launching();
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(1)));
    let why = turned_down(&world, &started);
    assert!(why.contains("frozen by \"Incident\""), "{why}");
}

#[test]
fn an_approval_withdrawn_before_the_claim_counts() {
    let (world, started) = launching();
    world.withdraw("bob", API, "production");
    let why = turned_down(&world, &started);
    assert!(why.contains("0 of 1 from managers"), "{why}");
}

#[test]
fn an_approval_that_expired_before_the_claim_counts() {
    let (mut world, started) = launching();
    world.pass(Duration::from_hours(8));
    let why = turned_down(&world, &started);
    assert!(why.contains("valid only until"), "{why}");
}

#[test]
fn a_script_that_changed_before_the_claim_is_not_run() {
    let (world, started) = launching();
    *world.machine.script.borrow_mut() = "two".to_owned();
    let why = turned_down(&world, &started);
    let [one, two] = ["one", "two"].map(|text| Digest::of(text.as_bytes()));
    let what = format!("deploy.sh changed ({} → {})", one.short(), two.short());
    assert_eq!(why, format!("the release or its scripts changed between the start and now: {what}"));
}

#[test]
fn a_release_blocked_before_the_claim_is_not_run() {
    let (world, started) = launching();
    world.as_("bob", |cx| block(cx, &release_id(API), "licence unclear")).unwrap();
    let why = turned_down(&world, &started);
    assert!(why.contains("bob blocked the release"), "{why}");
}

#[test]
fn who_left_the_group_before_the_claim_does_not_deploy() {
    let (mut world, started) = launching();
    world.policy.groups.insert("sre".to_owned(), vec!["dave"].into_iter().map(member).collect());
    let why = turned_down(&world, &started);
    assert!(why.contains("erin may not deploy here"), "{why}");
}

fn member(name: &str) -> relman::domain::policy::Member {
    relman::domain::policy::Member::User(name.to_owned())
}

#[test]
fn a_deployment_turned_down_leaves_its_environment_free() {
    let (world, started) = launching();
    *world.machine.script.borrow_mut() = "two".to_owned();
    turned_down(&world, &started);
    *world.machine.script.borrow_mut() = "one".to_owned();
    assert!(world.start("erin", API, "production").is_ok());
}

#[test]
fn a_cancel_leaves_a_request_for_the_supervisor() {
    let (world, running) = running();
    let after = done(&world, "dave", Verb::CancelRequested, "#3", |cx| cancel(cx, running.id, Some("5xx")));
    let request = after.cancel.clone().unwrap();
    assert_eq!((request.by.as_str(), request.kind, request.at), ("dave", CancelKind::Gentle, world.now));
    assert_eq!(request.reason.as_deref(), Some("5xx"));
    assert_eq!(world.deployment(running.id), after);
    assert_eq!(after.state, DeploymentState::Running);
    let pulse = world.as_("erin", |cx| claim::pulse(cx, running.id, running.epoch)).unwrap();
    assert_eq!((pulse.ours, pulse.cancel), (true, Some(request)));
}

#[test]
fn a_second_cancel_kills() {
    let (world, running) = running();
    world.as_("erin", |cx| cancel(cx, running.id, None)).unwrap();
    let after = done(&world, "dave", Verb::CancelRequested, "#3", |cx| cancel(cx, running.id, None));
    assert_eq!(after.cancel.unwrap().kind, CancelKind::Kill);
}

#[test]
fn a_cancel_before_the_claim_keeps_it_from_running() {
    let (world, started) = launching();
    world.as_("dave", |cx| cancel(cx, started.id, None)).unwrap();
    let (claimed, entries) = world.journaled(|| world.claim(&started));
    assert_eq!(claimed, Claim::Ended { why: "cancelled by dave before it began".to_owned() });
    assert_eq!(entries, ["deployment.finished done #3"]);
    let after = world.deployment(started.id);
    assert_eq!((after.state, after.claimed_at), (DeploymentState::Cancelled, None));
    assert_eq!(after.cause, Some(Cause::Cancelled { by: "dave".to_owned() }));
}

#[test]
fn who_may_not_deploy_there_may_not_cancel_there() {
    let (world, running) = running();
    let verb = (Verb::CancelRequested, "#3");
    let error = refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| cancel(cx, running.id, None));
    assert_eq!(
        error.sentence,
        "alice may not stop deployments of api in production: only sre may ([environments.production] deployers)"
    );
    assert_eq!(world.deployment(running.id).cancel, None);
}

#[test]
fn who_started_it_may_cancel_it_whatever_became_of_the_group() {
    let (mut world, running) = running();
    world.policy.groups.insert("sre".to_owned(), vec![member("dave")]);
    done(&world, "erin", Verb::CancelRequested, "#3", |cx| cancel(cx, running.id, None));
}

#[test]
fn what_is_over_is_not_cancelled() {
    let (world, running) = running();
    world.end(&running, DeploymentState::Succeeded);
    let verb = (Verb::CancelRequested, "#3");
    let error = refused(&world, "erin", ErrorKind::Conflict, verb, |cx| cancel(cx, running.id, None));
    assert_eq!(error.sentence, "#3 is over already: succeeded");
}

#[test]
fn what_was_lost_is_not_cancelled() {
    let mut world = World::new();
    world.ready(API);
    let lost = world.lost(API, "production");
    let verb = (Verb::CancelRequested, "#3");
    let error = refused(&world, "erin", ErrorKind::Conflict, verb, |cx| cancel(cx, lost.id, None));
    assert!(error.hints[0].contains("relman resolve 3 failed"), "{error:?}");
}

#[test]
fn an_unknown_deployment_is_not_cancelled() {
    let world = World::new();
    mistaken(&world, "erin", ErrorKind::NotFound, |cx| cancel(cx, DeploymentId(9), None));
}

#[test]
fn a_sign_of_life_is_recorded_without_an_entry() {
    let (mut world, running) = running();
    world.pass(Duration::from_secs(5));
    let beat = Beat {
        log_size: 99,
        log_dropped: 7,
        progress: Some(40),
        progress_note: Some("copying".to_owned()),
        script: None,
    };
    let (pulse, entries) = world
        .journaled(|| world.as_("erin", |cx| claim::beat(cx, running.id, running.epoch, &beat)).unwrap());
    assert!(pulse.ours && entries.is_empty());
    let after = world.deployment(running.id);
    assert_eq!((after.heartbeat_at, after.log_size, after.log_dropped), (Some(world.now), 99, 7));
    assert_eq!((after.progress, after.progress_note.as_deref()), (Some(40), Some("copying")));
}

#[test]
fn a_sign_of_life_of_another_epoch_changes_nothing() {
    let (world, running) = running();
    let beat = Beat { log_size: 99, ..Beat::default() };
    let pulse = world.as_("erin", |cx| claim::beat(cx, running.id, running.epoch + 1, &beat)).unwrap();
    assert!(!pulse.ours);
    assert_eq!(world.deployment(running.id), running);
}

#[test]
fn a_hold_pauses_the_deployment_until_a_step_runs() {
    let (world, running) = running();
    let hold = world.held(&running, HoldReason::Promotion);
    let mut step = world.store.read(|tx| relman::store::steps::list_of(tx, running.id)).unwrap().remove(0);
    let mut told = |state: StepState| {
        (step.state, step.attempt) = (state, 1);
        assert!(world.as_("erin", |cx| claim::step(cx, running.id, running.epoch, &step)).unwrap());
        let d = world.deployment(running.id);
        (d.state, d.hold)
    };
    assert_eq!(told(StepState::Waiting), (DeploymentState::Paused, Some(hold)));
    assert_eq!(told(StepState::Running), (DeploymentState::Running, None));
}

#[test]
fn a_pause_ends_once_and_not_over_what_a_person_decided_about_it() {
    let (world, running) = running();
    let hold = world.held(&running, HoldReason::Pause { until: world.now });
    let end =
        || world.as_("erin", |cx| claim::end_pause(cx, running.id, running.epoch, hold.number)).unwrap();
    let choice = Choice::Fail;
    let reason = Some("errors".to_owned());
    let decision = Decision { deployment: running.id, choice, reason, seen: None };
    world.as_("erin", |cx| guide(cx, &decision)).unwrap();
    for _ in 0..2 {
        assert_eq!(end().guidance.map(|guidance| guidance.choice), Some(choice));
        assert_eq!(world.deployment(running.id).hold.as_ref(), Some(&hold), "it waits for its supervisor");
    }
    let (world, running) = self::running();
    let hold = world.held(&running, HoldReason::Pause { until: world.now });
    let end =
        || world.as_("erin", |cx| claim::end_pause(cx, running.id, running.epoch, hold.number)).unwrap();
    let (pulses, entries) = world.journaled(|| [end(), end()]);
    assert_eq!(pulses.map(|pulse| pulse.guidance), [None, None]);
    assert_eq!(entries, [format!("deployment.resumed done {}", running.id)]);
    assert_eq!(world.deployment(running.id).state, DeploymentState::Running);
    let decision = Decision { deployment: running.id, ..decision };
    let late = world.as_("erin", |cx| guide(cx, &decision)).unwrap_err();
    assert!(late.sentence.ends_with("waits for nobody: it is running"), "{late}");
}

#[test]
fn a_step_of_another_epoch_changes_nothing() {
    let (world, running) = running();
    let steps = || world.store.read(|tx| relman::store::steps::list_of(tx, running.id)).unwrap();
    let before = steps();
    let step = Step { state: StepState::Failed, ..before[0].clone() };
    assert!(!world.as_("erin", |cx| claim::step(cx, running.id, running.epoch + 1, &step)).unwrap());
    assert_eq!(steps(), before);
}

#[test]
fn an_outcome_is_recorded_with_its_cause_and_its_log() {
    let (world, running) = running();
    let end = outcome(DeploymentState::Failed, world.now);
    let ((after, won), entries) = world.journaled(|| {
        world.as_("erin", |cx| settle(cx, running.id, running.epoch, &LIVE, &end, None)).unwrap()
    });
    assert!(won);
    // In production nothing begins by itself until somebody has looked.
    assert_eq!(entries, ["deployment.finished done #3", "lock.set done L1"]);
    assert_eq!((after.state, after.cause.clone()), (DeploymentState::Failed, Some(Cause::Exit { code: 3 })));
    assert_eq!(
        (after.finished_at, after.log_size, after.log_digest.clone()),
        (Some(world.now), 42, Some(end.log_digest))
    );
    assert_eq!((after.failed_step.as_deref(), after.recovered_by.as_deref()), (Some("deploy"), None));
    let latest = world.store.read(|tx| relman::store::journal::list(tx, None, None, 2)).unwrap();
    let body = latest[1].parsed().unwrap();
    assert_eq!(body.reason.as_deref(), Some("the script ended with exit status 3"));
    assert_eq!(body.after, Some(serde_json::to_value(&after).unwrap()));
}

#[test]
fn an_outcome_is_recorded_once() {
    let (world, running) = running();
    let first = world.end(&running, DeploymentState::Succeeded);
    let late = outcome(DeploymentState::Failed, world.now);
    let ((after, won), entries) = world.journaled(|| {
        world.as_("erin", |cx| settle(cx, running.id, running.epoch, &LIVE, &late, None)).unwrap()
    });
    assert!(!won && entries.is_empty());
    assert_eq!(after, first);
}

#[test]
fn an_outcome_of_another_epoch_is_not_recorded() {
    let (world, running) = running();
    let end = outcome(DeploymentState::Succeeded, world.now);
    let (after, won) =
        world.as_("erin", |cx| settle(cx, running.id, running.epoch + 1, &LIVE, &end, None)).unwrap();
    assert!(!won);
    assert_eq!(after, running);
}

#[test]
fn a_supervisor_that_wakes_up_late_does_not_undo_what_a_person_said() {
    let mut world = World::new();
    world.ready(API);
    let lost = world.lost(API, "production");
    let resolve = relman::ops::deployment::resolve::resolve;
    let said = world.as_("dave", |cx| resolve(cx, lost.id, false, "looked at it")).unwrap();
    let late = outcome(DeploymentState::Succeeded, world.now);
    let (after, won) = world.as_("erin", |cx| settle(cx, lost.id, lost.epoch, &LIVE, &late, None)).unwrap();
    assert!(!won);
    assert_eq!(after, said);
}

#[test]
fn a_supervisor_learns_that_its_deployment_was_settled_otherwise() {
    let (world, running) = running();
    world.machine.alive.borrow_mut().insert(running.id, Liveness::Gone);
    world.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap();
    let pulse = world.as_("erin", |cx| claim::pulse(cx, running.id, running.epoch)).unwrap();
    assert!(!pulse.ours);
}

#[test]
fn steps_that_did_not_get_to_run_are_skipped_at_the_end() {
    let (world, running) = running();
    let mut steps = world.store.read(|tx| relman::store::steps::list_of(tx, running.id)).unwrap();
    steps[0].state = StepState::Running;
    world.as_("erin", |cx| claim::step(cx, running.id, running.epoch, &steps[0])).unwrap();
    world.end(&running, DeploymentState::Failed);
    let steps = world.store.read(|tx| relman::store::steps::list_of(tx, running.id)).unwrap();
    assert_eq!([steps[0].state, steps[1].state], [StepState::Failed, StepState::Skipped]);
}
