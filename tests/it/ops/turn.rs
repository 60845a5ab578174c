//! Deployments that begin later: does each begin when it may, after those before it, once, and never after its time?

use std::time::Duration;

use relman::domain::deployment::{Cause, Deployment, DeploymentKind, DeploymentState as S, ProcessRef};
use relman::domain::gate::GateId;
use relman::domain::ids::DeploymentId;
use relman::domain::journal::Verb;
use relman::domain::time::wall;
use relman::ops::deployment::cancel::{cancel, cancel_and_roll_back};
use relman::ops::deployment::later::{Later, reschedule};
use relman::ops::deployment::reconcile::{Orphans, reconcile};
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::deployment::tick::tick;
use relman::ops::deployment::turn::{self, Turn};
use relman::ops::view::deployment as view;
use relman::ops::{ErrorKind, Liveness, OpError};
use relman::store::Store;

use super::on_record::refused;
use crate::support::world::{POLICY, World, env_name, wish};

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Three releases of `api` that may go to dev.
fn world() -> World {
    with(POLICY)
}

fn with(policy: &str) -> World {
    let world = World::with(policy);
    for id in ["api@1.0.0", "api@1.1.0", "api@1.2.0"] {
        world.release(id);
        world.advance(id, 5);
    }
    world
}

fn says(turn: Turn) -> Vec<String> {
    match turn {
        Turn::Wait { says, .. } => says,
        other => panic!("it does not wait: {other:?}"),
    }
}

#[track_caller]
fn goes(world: &World, id: DeploymentId) -> Deployment {
    assert!(matches!(world.turn(id), Turn::Go(_)), "{:?}", world.turn(id));
    world.deployment(id)
}

fn later(world: &World, who: &str, id: &str, env: &str, later: Later) -> Result<Deployment, OpError> {
    let wanted = StartDeploy { later: Some(later), ..wish(id, env) };
    world.as_(who, |cx| start::start(cx, &wanted)).map(|started| started.deployment)
}

#[test]
fn what_has_nothing_to_wait_for_starts_at_once() {
    let world = world();
    let d = world.queue("api@1.0.0", "dev");
    assert_eq!((d.state, d.wait), (S::Launching, None));
    assert_eq!(world.machine.launched.borrow()[0].waits, None);
}

#[test]
fn a_queued_deployment_begins_when_the_environment_is_free_with_a_higher_epoch() {
    let world = world();
    let first = world.running("api@1.0.0", "dev");
    let second = world.queue("api@1.1.0", "dev");
    assert_eq!(second.state, S::Waiting);
    assert_eq!(world.machine.launched.borrow()[1].waits, Some(world.now.plus(HOUR)));
    let waits = says(world.turn(second.id));
    assert_eq!(waits, ["exclusive: #1 is running here: api@1.0.0 by erin"]);
    assert_eq!(world.deployment(second.id).wait.unwrap().waits_for, waits);
    world.end(&first, S::Succeeded);
    let begun = goes(&world, second.id);
    assert_eq!(begun.state, S::Running);
    assert_eq!(begun.previous.unwrap().to_string(), "1.0.0");
    assert!(begun.epoch > first.epoch && begun.epoch > second.epoch);
    assert_eq!(begun.claimed_at, Some(world.now));
}

#[test]
fn a_turn_is_given_once_and_told_again_only_to_the_same_process() {
    let world = world();
    let first = world.running("api@1.0.0", "dev");
    let second = world.queue("api@1.1.0", "dev");
    world.end(&first, S::Succeeded);
    let (mut tickets, mut begun) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (turn, entries) = world.journaled(|| world.turn(second.id));
        tickets.push(turn);
        begun.push(entries);
    }
    assert_eq!(tickets[0], tickets[1], "the answer got lost: the same process is told the same");
    assert_eq!(begun, [vec!["deployment.claimed done #2".to_owned()], Vec::new()]);
    let other = ProcessRef { pid: 99, start: 1 };
    let told = world.as_("erin", |cx| turn::turn(cx, second.id, other)).unwrap();
    assert!(matches!(told, Turn::NotOurs { .. }), "{told:?}");
    world.machine.alive.borrow_mut().insert(second.id, Liveness::Gone);
}

#[test]
fn oldest_first_goes_in_the_order_of_asking() {
    let world = world();
    let running = world.running("api@1.0.0", "dev");
    let (second, third) = (world.queue("api@1.1.0", "dev"), world.queue("api@1.2.0", "dev"));
    world.end(&running, S::Succeeded);
    assert_eq!(says(world.turn(third.id)), ["queue: #2 goes first (oldest-first)"]);
    let second = goes(&world, second.id);
    assert_eq!(world.deployment(third.id).state, S::Waiting);
    world.end(&second, S::Succeeded);
    goes(&world, third.id);
}

#[test]
fn what_was_put_first_goes_before_the_others_and_leaves_newer_releases_their_turn() {
    let world = world();
    let running = world.running("api@1.0.0", "dev");
    let second = world.queue("api@1.2.0", "dev");
    let first = Later { jumps: Some(true), ..world.later(None) };
    let third = later(&world, "erin", "api@1.1.0", "dev", first).unwrap();
    let line = |id| {
        says(world.turn(id));
        world.as_("erin", |cx| view::deployment(cx, id)).unwrap().place()
    };
    assert_eq!(line(second.id).as_deref(), Some("2 of 2 that wait"));
    assert_eq!(line(third.id).as_deref(), Some("1 of 2 that wait"));
    world.end(&running, S::Succeeded);
    assert_eq!(says(world.turn(second.id)), ["queue: #3 goes first (it was put first)"]);
    let third = goes(&world, third.id);
    assert_eq!(world.deployment(second.id).state, S::Waiting, "it is newer and goes next");
    world.end(&third, S::Succeeded);
    goes(&world, second.id);
}

#[test]
fn what_waits_may_be_put_first_and_back_again() {
    let world = world();
    let running = world.running("api@1.0.0", "dev");
    let (second, third) = (world.queue("api@1.1.0", "dev"), world.queue("api@1.2.0", "dev"));
    let place = |jumps| {
        let wanted = Later { jumps: Some(jumps), ..world.later(None) };
        world.as_("erin", |cx| reschedule(cx, third.id, &wanted)).unwrap();
    };
    place(true);
    world.end(&running, S::Succeeded);
    assert_eq!(says(world.turn(second.id)), ["queue: #3 goes first (it was put first)"]);
    place(false);
    goes(&world, second.id);
}

#[test]
fn one_that_comes_after_something_unfinished_holds_nobody_up() {
    let world = world();
    world.release("web@1.0.0");
    world.advance("web@1.0.0", 5);
    let running = world.running("api@1.0.0", "dev");
    let other = world.running("web@1.0.0", "staging");
    let chained = Later { after: vec![other.id], ..world.later(None) };
    let second = later(&world, "erin", "api@1.1.0", "dev", chained).unwrap();
    let third = world.queue("api@1.2.0", "dev");
    world.end(&running, S::Succeeded);
    says(world.turn(second.id));
    goes(&world, third.id);
}

#[test]
fn of_two_whose_time_has_come_the_order_says_who_goes_first() {
    let mut world = world();
    let first = world.schedule("api@1.0.0", "dev", HOUR);
    let second = world.schedule("api@1.1.0", "dev", HOUR);
    world.pass(HOUR);
    assert_eq!(says(world.turn(second.id)), ["queue: #1 goes first (oldest-first)"]);
    goes(&world, first.id);
}

#[test]
fn nothing_is_written_while_nothing_comes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let world = World::on_file(&path);
    for id in ["api@1.0.0", "api@1.1.0"] {
        world.release(id);
        world.advance(id, 5);
    }
    let running = world.running("api@1.0.0", "dev");
    let second = world.queue("api@1.1.0", "dev");
    let other = Store::open(&path).unwrap();
    let before = other.change_counter().unwrap();
    says(world.turn(second.id));
    assert_eq!(other.change_counter().unwrap(), before);
    world.end(&running, S::Succeeded);
    let ended = other.change_counter().unwrap();
    assert_ne!(ended, before);
    goes(&world, second.id);
    assert_ne!(other.change_counter().unwrap(), ended);
}

#[test]
fn where_one_may_wait_for_each_person_a_new_wish_takes_the_place_of_the_old_one() {
    let world = with(&POLICY.replace("[environments.dev]", "[environments.dev]\none-in-queue = true"));
    world.running("api@1.0.0", "dev");
    let mine = world.queue("api@1.1.0", "dev");
    let theirs = later(&world, "dave", "api@1.1.0", "dev", world.later(None)).unwrap();
    let scheduled = world.schedule("api@1.1.0", "dev", HOUR);
    let (new, entries) = world.journaled(|| world.queue("api@1.2.0", "dev"));
    assert_eq!(entries, ["deployment.finished done #2", "deployment.scheduled done #5"]);
    let replaced = world.deployment(mine.id);
    assert_eq!((replaced.state, replaced.cause), (S::Superseded, Some(Cause::Replaced { by: new.id })));
    assert_eq!(world.deployment(theirs.id).state, S::Waiting);
    assert_eq!(world.deployment(scheduled.id).state, S::Scheduled, "a time of its own is no queue");
}

#[test]
fn what_belongs_together_is_not_replaced_by_a_wish_for_one_of_it() {
    let world = with(&POLICY.replace("[environments.dev]", "[environments.dev]\none-in-queue = true"));
    world.running("api@1.0.0", "dev");
    let first = world.queue("api@1.1.0", "dev");
    world.release("web@1.0.0");
    world.advance("web@1.0.0", 5);
    let after = Later { after: vec![first.id], ..world.later(None) };
    later(&world, "erin", "web@1.0.0", "staging", after).unwrap();
    world.queue("api@1.2.0", "dev");
    assert_eq!(world.deployment(first.id).state, S::Waiting, "web comes after it");
    // What begins by itself in somebody's name is not their wish.
    let delivered = Later { delivered: true, ..world.later(None) };
    let mine = world.queue("api@1.2.0", "dev");
    later(&world, "erin", "api@1.1.0", "dev", delivered).unwrap();
    assert_eq!(world.deployment(mine.id).state, S::Waiting);
}

#[test]
fn newest_first_takes_the_place_of_those_before_it() {
    let world = with(&POLICY.replace("[environments.dev]", "[environments.dev]\nqueue = \"newest-first\""));
    let running = world.running("api@1.0.0", "dev");
    let (second, third) = (world.queue("api@1.1.0", "dev"), world.queue("api@1.2.0", "dev"));
    world.end(&running, S::Succeeded);
    assert_eq!(says(world.turn(second.id)), ["queue: #3 goes first (newest-first)"]);
    let (begun, entries) = world.journaled(|| goes(&world, third.id));
    assert_eq!(entries, ["deployment.claimed done #3", "deployment.finished done #2"]);
    let second = world.deployment(second.id);
    assert_eq!((second.state, second.cause), (S::Superseded, Some(Cause::Superseded { by: begun.id })));
    assert!(matches!(world.turn(second.id), Turn::NotOurs { .. }));
}

#[test]
fn whoever_waits_with_nobody_behind_it_does_not_hold_up_the_queue() {
    let world = world();
    let running = world.running("api@1.0.0", "dev");
    let (second, third) = (world.queue("api@1.1.0", "dev"), world.queue("api@1.2.0", "dev"));
    world.end(&running, S::Succeeded);
    world.machine.alive.borrow_mut().insert(second.id, Liveness::Gone);
    goes(&world, third.id);
    assert_eq!(world.deployment(second.id).state, S::Superseded);
}

#[test]
fn who_waits_for_a_person_does_not_hold_the_environment() {
    let mut world = World::new();
    world.ready("api@1.0.0");
    world.withdraw("bob", "api@1.0.0", "production");
    let waiting = world.queue("api@1.0.0", "production");
    let told = says(world.turn(waiting.id));
    assert!(told[0].starts_with("approvals: 0 of 1 from managers"), "{told:?}");
    let free = world.gates("erin", "api@1.0.0", "production");
    assert!(free.closed().all(|check| check.gate != GateId::Exclusive), "nothing is held meanwhile");
    world.approve("carol", "api@1.0.0", "production");
    goes(&world, waiting.id);
}

#[test]
fn what_no_waiting_opens_is_refused_at_once() {
    let world = world();
    world.release("api@2.0.0");
    let early = later(&world, "erin", "api@2.0.0", "dev", world.later(None)).unwrap_err();
    assert_eq!(early.kind, ErrorKind::Blocked, "still a request: {early}");
    let at = at_in(&world, HOUR);
    let wrong = later(&world, "alice", "api@1.0.0", "production", at.clone()).unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::NotPermitted, "{wrong}");
    // What may be done in time is only said.
    let scheduled = later(&world, "erin", "api@2.0.0", "dev", at).unwrap();
    let ahead = scheduled.wait.unwrap().outlook.unwrap().closed;
    assert_eq!(ahead, ["stage: the release is in the request stage; this needs the build stage"]);
    assert!(world.machine.launched.borrow().iter().all(|ticket| ticket.waits.is_some()));
}

#[test]
fn a_scheduled_deployment_begins_at_its_time_and_not_before() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", HOUR);
    assert_eq!(d.state, S::Scheduled);
    world.pass(Duration::from_millis(60 * 60 * 1000 - 1));
    says(world.turn(d.id));
    assert_eq!(world.deployment(d.id).state, S::Scheduled);
    world.pass(Duration::from_millis(1));
    let begun = goes(&world, d.id);
    assert_eq!((begun.state, begun.kind), (S::Running, DeploymentKind::Deploy));
    assert_eq!(
        world.as_("erin", |cx| reschedule(cx, d.id, &at_in(&world, HOUR))).unwrap_err().kind,
        ErrorKind::Conflict
    );
}

fn at_in(world: &World, span: Duration) -> Later {
    world.later(Some(world.now.plus(span)))
}

#[test]
fn half_an_hour_before_its_time_it_is_looked_ahead() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", HOUR * 2);
    assert!(d.wait.as_ref().unwrap().outlook.as_ref().unwrap().closed.is_empty());
    let end = world.now.plus(HOUR * 2 + MINUTE * 10);
    world.pass(HOUR);
    world.freeze("Incident", "dev", world.now, end);
    let Turn::Wait { until, .. } = world.turn(d.id) else { panic!("it waits") };
    assert_eq!(until, d.wait.as_ref().unwrap().at.unwrap().minus(MINUTE * 30));
    world.pass(MINUTE * 30);
    let (turn, entries) = world.journaled(|| world.turn(d.id));
    assert_eq!(entries, ["deployment.looked-ahead done #1"]);
    let told = says(turn);
    assert!(told[1].starts_with("closed as things stand: freeze: frozen by \"Incident\""), "{told:?}");
    let ((), again) = world.journaled(|| drop(world.turn(d.id)));
    assert!(again.is_empty(), "said once");
    // At its time the freeze still stands; ten minutes later it begins, late and within its hour.
    world.pass(MINUTE * 30);
    let (turn, entries) = world.journaled(|| world.turn(d.id));
    assert_eq!(entries, ["deployment.waits done #1"]);
    let Turn::Wait { until, .. } = turn else { panic!("it waits") };
    assert_eq!(until, end, "it knows when the freeze ends");
    world.pass(MINUTE * 10);
    goes(&world, d.id);
}

#[test]
fn what_could_not_begin_in_time_is_missed_and_says_what_it_waited_for() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", MINUTE * 5);
    world.pass(MINUTE);
    world.freeze("Incident", "dev", world.now, world.now.plus(HOUR * 9));
    world.pass(HOUR);
    says(world.turn(d.id));
    world.pass(Duration::from_millis(4 * 60 * 1000 - 1));
    says(world.turn(d.id));
    world.pass(Duration::from_millis(1));
    assert!(matches!(world.turn(d.id), Turn::Ended { .. }));
    let missed = world.deployment(d.id);
    assert_eq!(missed.state, S::Missed);
    assert!(missed.cause.unwrap().to_string().contains("freeze: frozen by \"Incident\""));
}

#[test]
fn nobody_there_at_its_time_makes_it_missed_by_whoever_looks() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", MINUTE * 5);
    world.machine.alive.borrow_mut().insert(d.id, Liveness::Gone);
    world.pass(HOUR * 2);
    let changed = world.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap();
    assert_eq!((changed.len(), changed[0].state), (1, S::Missed));
    assert!(changed[0].cause.as_ref().unwrap().to_string().contains("nothing was there to begin it"));
    assert!(world.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap().is_empty(), "said once");
}

#[test]
fn a_calendar_that_stays_closed_until_it_expires_is_refused_with_the_next_opening() {
    let world = world();
    let end = world.now.plus(HOUR * 5);
    world.freeze("Incident", "dev", world.now.plus(HOUR), end);
    let at = at_in(&world, HOUR * 2);
    let error = later(&world, "erin", "api@1.0.0", "dev", at.clone()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Frozen);
    assert!(error.hints[0].contains(&wall(end, world.policy.zone)), "{error:?}");
    let long = Later { expire: Some(HOUR * 4), ..at };
    assert_eq!(later(&world, "erin", "api@1.0.0", "dev", long).unwrap().state, S::Scheduled);
}

#[test]
fn times_and_expiries_out_of_reason_are_refused() {
    let world = world();
    let day = HOUR * 24;
    for (wanted, words) in [
        (world.later(Some(world.now)), "is past"),
        (world.later(Some(world.now.minus(MINUTE))), "is past"),
        (at_in(&world, day * 32), "ahead"),
        (Later { expire: Some(Duration::from_secs(59)), ..at_in(&world, HOUR) }, "expiry"),
        (Later { expire: Some(day * 32), ..at_in(&world, HOUR) }, "expiry"),
    ] {
        let error = later(&world, "erin", "api@1.0.0", "dev", wanted).unwrap_err();
        assert!(error.kind == ErrorKind::Usage && error.sentence.contains(words), "{error}");
    }
}

#[test]
fn another_content_than_was_asked_for_does_not_begin() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", HOUR);
    "two".clone_into(&mut world.machine.script.borrow_mut());
    world.pass(HOUR);
    assert!(matches!(world.turn(d.id), Turn::Ended { .. }));
    let ended = world.deployment(d.id);
    assert_eq!((ended.state, ended.state_word()), (S::Failed, "refused"));
    assert!(ended.cause.unwrap().to_string().contains("scripts changed"));
}

#[test]
fn what_would_take_back_a_newer_release_is_superseded_by_it() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", HOUR);
    let newer = world.deploy("api@1.1.0", "dev");
    assert_eq!(world.deployment(d.id).state, S::Scheduled, "its time has not come");
    world.pass(HOUR);
    world.turn(d.id);
    let ended = world.deployment(d.id);
    assert_eq!((ended.state, ended.cause), (S::Superseded, Some(Cause::Superseded { by: newer.id })));
    assert_eq!(
        world.as_("erin", relman::ops::view::board::board).unwrap().places[0].live.as_ref().unwrap().id,
        newer.id
    );
}

#[test]
fn what_is_newest_is_what_began_last_whatever_its_number() {
    let mut world = world();
    let scheduled = world.schedule("api@1.2.0", "dev", HOUR);
    let between = world.deploy("api@1.0.0", "dev");
    assert!(between.id > scheduled.id);
    world.pass(HOUR);
    let begun = goes(&world, scheduled.id);
    assert_eq!(begun.previous.as_ref().unwrap().to_string(), "1.0.0");
    world.end(&begun, S::Succeeded);
    let live = world
        .store
        .read(|tx| relman::store::deployments::find_live(tx, &"api".parse().unwrap(), &env_name("dev")))
        .unwrap()
        .unwrap();
    assert_eq!(live.id, scheduled.id);
    let next = world.start("erin", "api@1.2.0", "dev").unwrap().deployment;
    assert_eq!(next.kind, DeploymentKind::Redeploy);
    assert!(next.epoch > begun.epoch);
}

#[test]
fn cancel_calls_off_what_has_not_begun() {
    let world = world();
    let d = world.schedule("api@1.0.0", "dev", HOUR);
    let and_back = world.as_("erin", |cx| cancel_and_roll_back(cx, d.id, "bad")).unwrap_err();
    assert!(and_back.sentence.contains("has not begun"), "{and_back}");
    let stranger = world.as_("alice", |cx| cancel(cx, d.id, None)).map(|d| d.state);
    assert_eq!(stranger.unwrap(), S::Cancelled, "everybody may deploy to dev");
    assert!(matches!(world.turn(d.id), Turn::NotOurs { .. }));
    let again = world.as_("erin", |cx| cancel(cx, d.id, None)).unwrap_err();
    assert!(again.sentence.contains("over already"), "{again}");
}

#[test]
fn another_time_is_possible_until_it_begins() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", HOUR);
    world.as_("erin", |cx| reschedule(cx, d.id, &at_in(&world, HOUR * 3))).unwrap();
    world.pass(HOUR * 2);
    says(world.turn(d.id));
    assert_eq!(world.deployment(d.id).state, S::Scheduled);
    world.pass(HOUR);
    let running = world.running("api@1.1.0", "dev");
    says(world.turn(d.id));
    assert_eq!(world.deployment(d.id).state, S::Waiting);
    // From the queue back to a time.
    let moved = world.as_("erin", |cx| reschedule(cx, d.id, &at_in(&world, HOUR))).unwrap();
    assert_eq!((moved.state, world.deployment(d.id).state), (S::Scheduled, S::Scheduled));
    // Only a longer patience.
    let patience = Later { expire: Some(HOUR * 5), ..world.later(None) };
    let patient = world.as_("erin", |cx| reschedule(cx, d.id, &patience)).unwrap();
    assert_eq!(patient.wait.unwrap().expires, world.now.plus(HOUR * 6));
    world.end(&running, S::Failed);
    world.pass(HOUR);
    goes(&world, d.id);
}

#[test]
fn the_process_that_waits_is_told_of_another_expiry() {
    let mut world = world();
    let told = |world: &World, d: &Deployment| match world.turn(d.id) {
        Turn::Wait { expires, .. } => expires,
        other => panic!("{other:?}"),
    };
    let d = world.schedule("api@1.0.0", "dev", HOUR * 2);
    assert_eq!(told(&world, &d), world.now.plus(HOUR * 3));
    let expires = world.now.plus(HOUR * 10);
    let patient = Later { expire: Some(HOUR * 6), ..at_in(&world, HOUR * 4) };
    world.as_("erin", |cx| reschedule(cx, d.id, &patient)).unwrap();
    assert_eq!(told(&world, &d), expires, "long before its time");
    world.pass(MINUTE * 239);
    assert_eq!(told(&world, &d), expires, "looked ahead to");
    world.pass(MINUTE);
    world.running("api@1.1.0", "dev");
    assert_eq!([told(&world, &d), told(&world, &d)], [expires; 2], "in the queue");
}

#[test]
fn another_time_into_a_closed_calendar_is_refused_as_the_first_one_was() {
    let world = world();
    let d = world.schedule("api@1.0.0", "dev", HOUR);
    world.freeze("Night", "dev", world.now.plus(HOUR * 2), world.now.plus(HOUR * 9));
    let verb = (Verb::DeploymentRescheduled, "#1");
    let error =
        refused(&world, "erin", ErrorKind::Frozen, verb, |cx| reschedule(cx, d.id, &at_in(&world, HOUR * 3)));
    assert!(error.sentence.contains("it would expire at"), "{error}");
    assert!(error.hints[0].starts_with("choose a time from"), "{error:?}");
    assert_eq!(world.deployment(d.id).wait, d.wait, "it begins when it was to begin");
    // A patience that outlasts it is enough, and what is closed at its time is said.
    let patient = Later { expire: Some(HOUR * 7), ..at_in(&world, HOUR * 3) };
    let moved = world.as_("erin", |cx| reschedule(cx, d.id, &patient)).unwrap();
    assert!(moved.wait.unwrap().outlook.unwrap().closed[0].starts_with("freeze: "));
}

#[test]
fn another_time_leaves_the_patience_as_it_was_and_forgets_what_was_waited_for() {
    let mut world = world();
    let patient = Later { expire: Some(HOUR * 3), ..at_in(&world, HOUR) };
    let d = later(&world, "erin", "api@1.0.0", "dev", patient).unwrap();
    let moved = world.as_("erin", |cx| reschedule(cx, d.id, &at_in(&world, HOUR * 2))).unwrap();
    assert_eq!(moved.wait.unwrap().expires, world.now.plus(HOUR * 5));
    // Its place alone changes neither.
    let first = Later { jumps: Some(true), ..world.later(None) };
    let jumps = world.as_("erin", |cx| reschedule(cx, d.id, &first)).unwrap().wait.unwrap();
    assert_eq!((jumps.at, jumps.expires), (Some(world.now.plus(HOUR * 2)), world.now.plus(HOUR * 5)));
    // In the queue it has waited for something; at its new time that says nothing any more.
    world.pass(HOUR * 2);
    world.running("api@1.1.0", "dev");
    assert!(says(world.turn(d.id))[0].starts_with("exclusive: "));
    let moved = world.as_("erin", |cx| reschedule(cx, d.id, &at_in(&world, HOUR * 4))).unwrap().wait.unwrap();
    assert_eq!((moved.waits_for, moved.expires), (Vec::new(), world.now.plus(HOUR * 7)));
    world.pass(HOUR * 7);
    world.turn(d.id);
    let cause = world.deployment(d.id).cause.unwrap().to_string();
    assert!(!cause.contains("exclusive"), "{cause}");
}

#[test]
fn approvals_count_for_who_scheduled_it() {
    let mut world = World::new();
    world.ready("api@1.0.0");
    world.withdraw("dave", "api@1.0.0", "production");
    world.approve("erin", "api@1.0.0", "production");
    let d = world.schedule("api@1.0.0", "production", MINUTE);
    world.pass(MINUTE);
    let asked_by = |world: &World, who: &str| {
        world.as_(who, |cx| turn::turn(cx, d.id, ProcessRef { pid: 1, start: 1 })).unwrap()
    };
    // Erin scheduled it: her own agreement does not count, whoever asks whether it may begin.
    for who in ["erin", "dave", "bob"] {
        let told = says(asked_by(&world, who));
        assert!(told[0].contains("1 of 1 from managers, 0 of 1 from sre; "), "{who}: {told:?}");
    }
    world.approve("dave", "api@1.0.0", "production");
    // Taken back in time, one counts no more at its time.
    world.withdraw("bob", "api@1.0.0", "production");
    let told = says(asked_by(&world, "erin"));
    assert!(told[0].contains("0 of 1 from managers, 1 of 1 from sre; "), "{told:?}");
    world.approve("bob", "api@1.0.0", "production");
    // Bob did not schedule it: his counts even where he asks.
    assert!(matches!(asked_by(&world, "bob"), Turn::Go(_)));
}

#[test]
fn a_tick_revives_only_ones_own_and_only_with_what_it_was_given() {
    let mut world = with(
        &POLICY.replace("[services.api]", "[services.api]\npass-env = [\"REGION\"]\nsecrets = [\"TOKEN\"]"),
    );
    world.machine.variables.replace(vec!["TOKEN".to_owned(), "HOME".to_owned()]);
    let d = world.schedule("api@1.0.0", "dev", HOUR);
    assert_eq!(d.wait.as_ref().unwrap().variables, ["TOKEN"]);
    world.machine.launched.borrow_mut().clear();
    let nothing = world.as_("erin", tick).unwrap();
    assert!(nothing.revived.is_empty(), "it is alive");
    world.machine.alive.borrow_mut().insert(d.id, Liveness::Gone);
    world.pass(MINUTE);
    assert!(world.as_("bob", tick).unwrap().revived.is_empty(), "not his");
    world.machine.variables.replace(Vec::new());
    let poor = world.as_("erin", tick).unwrap();
    assert!(poor.failed[0].1.contains("needs TOKEN"), "{poor:?}");
    world.machine.variables.replace(vec!["TOKEN".to_owned()]);
    assert_eq!(world.as_("erin", tick).unwrap().revived, [d.id]);
    let ticket = world.machine.launched.borrow()[0].clone();
    assert_eq!((ticket.id, ticket.waits), (d.id, Some(d.wait.unwrap().expires)));
}

#[test]
fn what_left_the_configuration_is_waited_for() {
    let mut world = world();
    let d = world.schedule("api@1.0.0", "dev", MINUTE);
    let service = world.policy.services.remove(&"api".parse().unwrap()).unwrap();
    world.pass(MINUTE * 2);
    assert_eq!(says(world.turn(d.id)), ["api is not in relman.toml"]);
    world.policy.services.insert(service.name.clone(), service);
    // So does an environment.
    let environment = world.policy.environments.remove(&env_name("dev")).unwrap();
    assert_eq!(says(world.turn(d.id)), ["environment dev is not in relman.toml"]);
    world.policy.environments.insert(environment.name.clone(), environment);
    goes(&world, d.id);
}
