//! Does the rollback that was asked for follow the end of its deployment, and nothing else instead of it?

use std::cell::Cell;
use std::sync::mpsc;
use std::time::Duration;

use relman::domain::deployment::{Deployment, DeploymentState};
use relman::domain::hold::FollowUp;
use relman::ops::deployment::abandon::abandon;
use relman::ops::deployment::cancel::cancel_and_roll_back;
use relman::ops::deployment::reconcile::{Orphans, reconcile};
use relman::ops::deployment::resolve::resolve;
use relman::ops::deployment::turn::Turn;
use relman::ops::deployment::{finish, follow_up};
use relman::ops::release::block::block;
use relman::ops::{ErrorKind, Liveness, OpError, Store, Tx, lock};

use crate::support::world::{World, outcome, release_id};

const API: &str = "api@1.0.0";
const NEXT: &str = "api@1.1.0";
const LATER: &str = "api@1.2.0";

/// dev has 1.0.0; 1.1.0 is on its way there and dave wants it stopped and taken back; 1.2.0 would be next.
fn taken_back() -> (World, Deployment) {
    let world = World::new();
    let d = on_its_way(&world);
    world.as_("dave", |cx| cancel_and_roll_back(cx, d.id, "errors at checkout")).unwrap();
    (world, d)
}

fn on_its_way(world: &World) -> Deployment {
    for id in [API, NEXT, LATER] {
        world.release(id);
        world.advance(id, 5);
    }
    world.deploy(API, "dev");
    world.running(NEXT, "dev")
}

/// Its supervisor has recorded the end and begins what follows.
fn begin(world: &World, d: &Deployment) -> Result<FollowUp, OpError> {
    world.as_("erin", |cx| follow_up::begin(cx, d.id))?;
    Ok(world.deployment(d.id).follow_up.unwrap())
}

#[test]
fn nothing_that_waits_begins_between_an_end_and_the_rollback_that_follows_it() {
    for ended in [DeploymentState::Cancelled, DeploymentState::Failed, DeploymentState::Succeeded] {
        let (world, d) = taken_back();
        let queued = world.queue(LATER, "dev");
        world.end(&d, ended);
        let Turn::Wait { says, .. } = world.turn(queued.id) else { panic!("{ended}: it slipped in between") };
        assert!(says[0].starts_with("lock: dave stopped automation here (L1)"), "{ended}: {says:?}");
        assert!(says[0].contains("of api@1.1.0 is taken back: errors at checkout"), "{ended}: {says:?}");
        let back = begin(&world, &d).unwrap().started.unwrap();
        assert_eq!(world.deployment(back).release, release_id(API), "{ended}");
        assert_eq!(world.as_("erin", lock::list).unwrap().len(), 1, "{ended}: one lock for one thing");
    }
}

/// Its supervisor wakes up and says how it ended: too late. What follows is asked for all the same.
fn wakes_up(world: &World, d: &Deployment) -> FollowUp {
    let outcome = outcome(DeploymentState::Cancelled, world.now);
    let (_, won) =
        world.as_("erin", |cx| finish::settle(cx, d.id, d.epoch, &finish::OWN, &outcome, None)).unwrap();
    assert!(!won, "a person has settled it");
    begin(world, d).unwrap()
}

#[test]
fn who_gives_a_deployment_up_gives_up_the_rollback_that_was_to_follow_it() {
    let (mut world, d) = taken_back();
    world.pass(Duration::from_mins(10));
    let given_up = world.as_("erin", |cx| abandon(cx, d.id, "its host hangs")).unwrap();
    let told = "asked for by dave and NOT done: given up by erin";
    assert_eq!(given_up.follow_up.unwrap().sentence(true), told);
    assert_eq!(wakes_up(&world, &d).sentence(true), told);
    assert!(world.stored(NEXT).blocked.is_none(), "nobody went back from it");
}

#[test]
fn who_settles_a_lost_deployment_gives_up_the_rollback_that_was_to_follow_it() {
    let (world, d) = taken_back();
    world.machine.alive.borrow_mut().insert(d.id, Liveness::Gone);
    world.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap();
    let settled = world.as_("erin", |cx| resolve(cx, d.id, true, "pods are up")).unwrap();
    let told = "asked for by dave and NOT done: given up by erin";
    assert_eq!(settled.follow_up.unwrap().sentence(true), told);
    assert_eq!(wakes_up(&world, &d).sentence(true), told);
    assert!(world.as_("erin", lock::list).unwrap().is_empty(), "nothing follows that a lock would be for");
}

#[test]
fn a_rollback_does_not_go_over_what_somebody_put_there_meanwhile() {
    let (world, d) = taken_back();
    world.end(&d, DeploymentState::Cancelled);
    let hand = world.deploy(LATER, "dev");
    let wanted = begin(&world, &d).unwrap();
    assert_eq!(
        wanted.refused,
        Some(format!(
            "{} of {LATER} was put there since: going back from {} would take that away",
            hand.id, d.id
        ))
    );
    assert_eq!(wanted.started, None);
    assert!(world.stored(LATER).blocked.is_none(), "what was put there by hand stays");
}

#[test]
fn a_rollback_that_follows_by_itself_is_on_record_when_it_is_wanted_and_when_it_cannot_begin() {
    let world = World::new();
    let d = on_its_way(&world);
    let ((), entries) = world.journaled(|| {
        for _ in 0..2 {
            world.as_("erin", |cx| follow_up::ask(cx, d.id, d.epoch, "verify of #2 failed")).unwrap();
        }
    });
    assert_eq!(entries, ["deployment.guided done #2"], "once, however often it is asked for");
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("roll-back: verify of #2 failed"));
    world.end(&d, DeploymentState::Failed);
    world.as_("bob", |cx| block(cx, &release_id(API), "was bad, too")).unwrap();
    let (wanted, entries) = world.journaled(|| begin(&world, &d).unwrap());
    assert_eq!(entries, ["deployment.guided refused #2"]);
    let body = world.last_entry().1;
    assert!(wanted.refused.is_some() && body.reason == wanted.refused, "{body:?}");
    assert_eq!(body.after.unwrap()["follow_up"]["refused"], wanted.refused.unwrap());
}

#[test]
fn a_store_that_is_busy_for_a_moment_does_not_refuse_a_rollback_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let mut world = World::on_file(&path);
    let d = on_its_way(&world);
    world.as_("dave", |cx| cancel_and_roll_back(cx, d.id, "errors at checkout")).unwrap();
    world.end(&d, DeploymentState::Cancelled);
    let ((begun, has_begun), (let_go, told)) = (mpsc::channel(), mpsc::channel());
    let store = std::mem::replace(&mut world.store, Store::in_memory().unwrap());
    // The other one lets go when a second write begins to wait: what the first one met has passed.
    let (last, release) = (Cell::new(Duration::ZERO), let_go.clone());
    let notice = move |waited: Duration| {
        if waited < last.replace(waited) {
            release.send(()).unwrap();
        }
    };
    world.store = store.patience(Duration::from_secs(1)).on_wait(Box::new(notice));
    let path = &path;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let hold = |_: &Tx<'_>| {
                begun.send(()).unwrap();
                told.recv_timeout(Duration::from_secs(30)).map_err(|why| OpError::conflict(why.to_string()))
            };
            Store::open(path).unwrap().write_quietly(hold).unwrap();
        });
        has_begun.recv().unwrap();
        let begun = begin(&world, &d);
        let _gone_already = let_go.send(());
        assert_eq!(begun.unwrap_err().kind, ErrorKind::Busy);
    });
    let wanted = begin(&world, &d).unwrap();
    assert_eq!(world.deployment(wanted.started.unwrap()).release, release_id(API));
}
