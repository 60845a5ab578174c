//! Locks: do they stop whom they should, and nobody else?

use std::time::Duration;

use relman::domain::deployment::DeploymentState as S;
use relman::domain::freeze::Scope;
use relman::domain::gate::{Answer, GateId};
use relman::domain::ids::LockId;
use relman::domain::lock::{Lock, LockKind};
use relman::ops::deployment::turn::Turn;
use relman::ops::lock::{self, EditLock, NewLock};
use relman::ops::{ErrorKind, OpError};

use crate::support::world::{POLICY, World, answer, closed};

const API: &str = "api@1.0.0";

fn world() -> World {
    let world = World::with(POLICY);
    for id in [API, "api@1.1.0"] {
        world.release(id);
        world.advance(id, 5);
    }
    world
}

fn lock(world: &World, who: &str, kind: LockKind, env: &str) -> Result<Lock, OpError> {
    let scope = Scope::new(Vec::new(), vec![env.to_owned()]).unwrap();
    let new = NewLock { kind, scope, reason: "disk is replaced".to_owned(), expires: None };
    world.as_(who, |cx| lock::set(cx, &new)).map(|set| set.lock)
}

#[test]
fn a_lock_stops_everybody_but_its_owner() {
    let world = world();
    lock(&world, "erin", LockKind::Exclusive, "dev").unwrap();
    let refused = world.start("dave", API, "dev").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Blocked);
    assert!(refused.sentence.contains("erin locked it (L1): disk is replaced"), "{refused}");
    assert!(refused.hints[0].contains("relman unlock L1"), "{refused:?}");
    assert!(world.start("erin", API, "dev").is_ok(), "whoever set it may");
}

#[test]
fn a_warning_is_read_and_stops_nobody() {
    let world = world();
    lock(&world, "erin", LockKind::Warning, "dev").unwrap();
    let report = world.gates("dave", API, "dev");
    let Answer::Pass { evidence } = answer(&report, GateId::Lock) else { panic!("it passes") };
    assert_eq!(evidence, "WARNING by erin: disk is replaced");
    assert!(world.start("dave", API, "dev").is_ok());
}

#[test]
fn a_lock_ends_at_its_time_and_is_lifted_by_whoever_may_deploy_there() {
    let mut world = world();
    let scope = Scope::new(vec!["api".to_owned()], vec!["production".to_owned()]).unwrap();
    let end = world.now.plus(Duration::from_hours(1));
    let new = NewLock { kind: LockKind::Exclusive, scope, reason: "audit".to_owned(), expires: Some(end) };
    world.as_("erin", |cx| lock::set(cx, &new)).unwrap();
    assert!(closed(&world.gates("dave", API, "production")).contains(&"lock"));
    assert!(!closed(&world.gates("dave", API, "dev")).contains(&"lock"), "another environment");
    world.pass(Duration::from_hours(1));
    assert!(!closed(&world.gates("dave", API, "production")).contains(&"lock"), "over at its end");
    let gone = world.as_("erin", |cx| lock::lift(cx, LockId(1), None)).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
    lock(&world, "erin", LockKind::Exclusive, "production").unwrap();
    let stranger = world.as_("alice", |cx| lock::lift(cx, LockId(2), None)).unwrap_err();
    assert_eq!(stranger.kind, ErrorKind::NotPermitted);
    world.as_("dave", |cx| lock::lift(cx, LockId(2), Some("erin sleeps"))).unwrap();
    assert!(world.as_("dave", lock::list).unwrap().is_empty());
}

#[test]
fn its_reason_and_end_change_without_unlocking() {
    let world = world();
    lock(&world, "erin", LockKind::Exclusive, "dev").unwrap();
    let twice = lock(&world, "erin", LockKind::Exclusive, "dev").unwrap_err();
    assert!(twice.kind == ErrorKind::Conflict && twice.hints[0].contains("lock edit L1"), "{twice:?}");
    let end = world.now.plus(Duration::from_mins(5));
    let wanted = EditLock { reason: Some("second disk too".to_owned()), expires: Some(Some(end)) };
    let changed = world.as_("dave", |cx| lock::edit(cx, LockId(1), &wanted)).unwrap();
    assert_eq!((changed.reason.as_str(), changed.expires), ("second disk too", Some(end)));
    assert_eq!(changed.by.name, "erin", "it stays hers");
    let past = EditLock { reason: None, expires: Some(Some(world.now)) };
    assert_eq!(world.as_("erin", |cx| lock::edit(cx, LockId(1), &past)).unwrap_err().kind, ErrorKind::Usage);
}

#[test]
fn reasons_are_kept_to_their_length() {
    let world = world();
    let scope = Scope::everything();
    let new = |length: usize| NewLock {
        kind: LockKind::Warning,
        scope: scope.clone(),
        reason: "x".repeat(length),
        expires: None,
    };
    assert!(world.as_("erin", |cx| lock::set(cx, &new(4097))).is_err());
    assert!(world.as_("erin", |cx| lock::set(cx, &new(4096))).is_ok());
}

#[test]
fn a_lock_acts_on_what_was_queued_before_it() {
    let mut world = world();
    let d = world.schedule(API, "dev", Duration::from_mins(10));
    let scope = Scope::new(Vec::new(), vec!["dev".to_owned()]).unwrap();
    let new = NewLock { kind: LockKind::Exclusive, scope, reason: "stop".to_owned(), expires: None };
    let set = world.as_("dave", |cx| lock::set(cx, &new)).unwrap();
    assert_eq!(set.kept_waiting.len(), 1);
    world.pass(Duration::from_mins(10));
    let Turn::Wait { says, .. } = world.turn(d.id) else { panic!("it waits") };
    assert!(says[0].starts_with("lock: dave locked it"), "{says:?}");
    // Between the start and the claim as well.
    world.as_("dave", |cx| lock::lift(cx, LockId(1), None)).unwrap();
    let started = world.start("erin", "api@1.1.0", "dev").unwrap().deployment;
    lock(&world, "dave", LockKind::Exclusive, "dev").unwrap();
    world.claim(&started);
    assert_eq!(world.deployment(started.id).state_word(), "refused");
}

#[test]
fn a_rollback_holds_automation_until_somebody_deploys_by_hand() {
    let mut world = world();
    world.deploy(API, "dev");
    world.deploy("api@1.1.0", "dev");
    world.release("api@1.2.0");
    world.advance("api@1.2.0", 5);
    let d = world.schedule("api@1.2.0", "dev", Duration::from_mins(10));
    let back = world.roll_back("api", "dev").unwrap().deployment;
    world.claim(&back);
    world.end(&back, S::Succeeded);
    let locks = world.as_("erin", lock::list).unwrap();
    assert_eq!((locks.len(), locks[0].kind), (1, LockKind::Automation));
    assert_eq!(locks[0].reason, "#4 went back to 1.0.0: leaks");
    world.pass(Duration::from_mins(10));
    let Turn::Wait { says, .. } = world.turn(d.id) else { panic!("it waits") };
    assert_eq!(says, ["lock: erin stopped automation here (L1): #4 went back to 1.0.0: leaks"]);
    let hand = world.start("dave", "api@1.2.0", "dev").unwrap().deployment;
    world.claim(&hand);
    world.end(&hand, S::Succeeded);
    assert!(world.as_("erin", lock::list).unwrap().is_empty(), "automation may go on");
}

#[test]
fn a_rollback_itself_is_no_automation() {
    let world = world();
    world.deploy(API, "dev");
    world.deploy("api@1.1.0", "dev");
    lock(&world, "dave", LockKind::Automation, "dev").unwrap();
    assert!(world.roll_back("api", "dev").is_ok());
}

#[test]
fn a_failure_in_production_holds_what_would_begin_by_itself() {
    let mut world = World::new();
    world.ready(API);
    let d = world.start("erin", API, "production").unwrap().deployment;
    world.claim(&d);
    world.end(&world.deployment(d.id), S::Failed);
    let locks = world.as_("erin", lock::list).unwrap();
    assert_eq!(locks[0].reason, format!("{} of {API} failed here; look at it first", d.id));
    assert_eq!((locks[0].kind, locks[0].by.name.as_str()), (LockKind::Automation, "erin"));
    // By hand it goes on, and a success lifts it.
    let again = world.start("erin", API, "production").unwrap().deployment;
    world.claim(&again);
    world.end(&world.deployment(again.id), S::Succeeded);
    assert!(world.as_("erin", lock::list).unwrap().is_empty());
    // Elsewhere nothing is held.
    let dev = world.running(API, "dev");
    world.end(&dev, S::Failed);
    assert!(world.as_("erin", lock::list).unwrap().is_empty());
}

/// dave stops automation where api goes to dev.
fn stop_automation(world: &World, expires: Option<relman::domain::time::Timestamp>) -> Lock {
    let scope = Scope::new(vec!["api".to_owned()], vec!["dev".to_owned()]).unwrap();
    let new = NewLock { kind: LockKind::Automation, scope, reason: "night shift".to_owned(), expires };
    world.as_("dave", |cx| lock::set(cx, &new)).unwrap().lock
}

#[test]
fn what_a_person_locked_is_not_unlocked_because_somebody_else_deploys() {
    let world = world();
    let night = stop_automation(&world, None);
    world.deploy(API, "dev");
    world.deploy("api@1.1.0", "dev");
    assert_eq!(world.as_("erin", lock::list).unwrap(), std::slice::from_ref(&night));
    // Nor does it stand for the one that a rollback leaves: whoever lifts the one does not know of the other.
    world.roll_back("api", "dev").unwrap();
    world.as_("dave", |cx| lock::lift(cx, night.id, None)).unwrap();
    let left = world.as_("erin", lock::list).unwrap();
    assert_eq!((left.len(), left[0].reason.as_str()), (1, "#3 went back to 1.0.0: leaks"));
}

#[test]
fn a_lock_that_ends_by_itself_does_not_stand_for_the_one_a_rollback_leaves() {
    let mut world = world();
    world.deploy(API, "dev");
    world.deploy("api@1.1.0", "dev");
    stop_automation(&world, Some(world.now.plus(Duration::from_hours(1))));
    world.roll_back("api", "dev").unwrap();
    world.pass(Duration::from_hours(1));
    let left = world.as_("erin", lock::list).unwrap();
    assert_eq!((left.len(), left[0].reason.as_str()), (1, "#3 went back to 1.0.0: leaks"));
    // The same where a person gave relman's own one an end.
    let end = EditLock { reason: None, expires: Some(Some(world.now.plus(Duration::from_mins(5)))) };
    world.as_("dave", |cx| lock::edit(cx, left[0].id, &end)).unwrap();
    let back = world.deployment("3".parse().unwrap());
    world.claim(&back);
    world.end(&back, S::Succeeded);
    world.deploy(API, "dev");
    assert!(world.as_("erin", lock::list).unwrap().is_empty(), "it is still relman's to lift");
}
