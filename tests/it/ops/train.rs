//! Release trains: who comes along, who stays behind and why, and when the train itself stands still.

use std::time::Duration;

use relman::domain::deployment::DeploymentState as S;
use relman::domain::ids::{DeploymentId, TrainName};
use relman::domain::train::{Departure, DepartureState as D};
use relman::ops::ErrorKind;
use relman::ops::deployment::cancel::cancel;
use relman::ops::deployment::tick::tick;
use relman::ops::deployment::turn::Turn;
use relman::ops::train::{self, prognosis, resume, skip};

use crate::support::world::World;

/// Departs at 14:00 from staging; it is 10:00.
const POLICY: &str = r#"
[groups]
managers = ["bob", "carol"]
sre = ["erin", "dave"]
[environments.staging]
kind = "staging"
[environments.production]
kind = "production"
approvals = [{ from = "managers", count = 1 }]
deployers = ["sre"]
[services.api]
pipeline = ["staging", "production"]
scripts = { deploy = ["./deploy.sh"] }
[services.web]
pipeline = ["staging", "production"]
scripts = { deploy = ["./deploy.sh"] }
depends-on = ["api"]
[services.tool]
pipeline = ["staging"]
scripts = { deploy = ["./deploy.sh"] }
[trains.daily]
departs = "Mon-Sun 14:00"
from = "staging"
to = "production"
conductor = "erin"
cut-off = "1h"
"#;

const HOUR: Duration = Duration::from_hours(1);

fn daily() -> TrainName {
    "daily".parse().unwrap()
}

fn send_off(world: &World, who: &str) -> Vec<Departure> {
    world.as_(who, train::send_off).into_iter().map(|(_, departed)| departed.unwrap()).collect()
}

/// api and web are in staging; the train has been known since yesterday.
fn world() -> World {
    with(POLICY)
}

fn with(policy: &str) -> World {
    let world = World::with(policy);
    let first = send_off(&world, "erin");
    assert_eq!(first[0].state, D::Skipped, "what it could not know of it has not missed: {first:?}");
    for id in ["api@1.0.0", "web@1.0.0"] {
        world.release(id);
        world.advance(id, 5);
        world.deploy(id, "staging");
    }
    world
}

/// Both are approved.
fn approved() -> World {
    let world = world();
    for id in ["api@1.0.0", "web@1.0.0"] {
        world.approve("bob", id, "production");
    }
    world
}

/// Lets it become 14:00.
fn departure(world: &mut World) -> Departure {
    world.now = "2026-09-01T14:00:00Z".parse().unwrap();
    let mut off = send_off(world, "erin");
    assert_eq!(off.len(), 1, "{off:?}");
    off.remove(0)
}

fn told(departure: &[relman::domain::train::Item]) -> Vec<String> {
    let tell = |item: &relman::domain::train::Item| {
        let what = item.release.as_ref().map_or_else(|| item.service.to_string(), ToString::to_string);
        match (&item.left, item.deployment) {
            (Some(why), _) => format!("{what} stays: {why}"),
            (None, Some(id)) => format!("{what} goes as {id}"),
            (None, None) => format!("{what} would go"),
        }
    };
    departure.iter().map(tell).collect()
}

#[test]
fn the_prognosis_says_who_would_come_along_and_changes_nothing() {
    let world = world();
    world.approve("bob", "api@1.0.0", "production");
    let before = world.entries();
    let seen = world.as_("alice", |cx| prognosis(cx, &daily())).unwrap();
    assert_eq!(seen.departs_at, "2026-09-01T14:00:00Z".parse().unwrap());
    assert_eq!(told(&seen.items), ["api@1.0.0 would go", "web@1.0.0 stays: approvals: 0 of 1 from managers"]);
    assert_eq!(world.entries(), before);
}

#[test]
fn it_departs_at_its_time_once_with_what_is_ready() {
    let mut world = approved();
    assert!(send_off(&world, "erin").is_empty(), "not yet");
    let off = departure(&mut world);
    assert_eq!(off.state, D::Departed);
    assert_eq!(told(&off.items), ["api@1.0.0 goes as #3", "web@1.0.0 goes as #4"]);
    assert!(send_off(&world, "erin").is_empty(), "once");
    let api = world.deployment(DeploymentId(3));
    assert_eq!((api.state, api.started_by.name.as_str()), (S::Waiting, "erin"));
    assert_eq!(api.wait.as_ref().unwrap().train, Some(daily()));
    assert!(matches!(world.turn(DeploymentId(4)), Turn::Wait { .. }), "web comes after api");
    assert!(matches!(world.turn(DeploymentId(3)), Turn::Go(_)));
    world.end(&world.deployment(DeploymentId(3)), S::Succeeded);
    assert!(matches!(world.turn(DeploymentId(4)), Turn::Go(_)));
}

#[test]
fn only_its_conductor_sends_it_off() {
    let mut world = approved();
    world.now = "2026-09-01T14:00:00Z".parse().unwrap();
    assert!(send_off(&world, "dave").is_empty());
    assert_eq!(world.as_("erin", tick).unwrap().departures.len(), 1);
}

#[test]
fn who_is_late_stays_behind_with_the_cause_and_holds_nobody_up() {
    let mut world = world();
    world.approve("bob", "web@1.0.0", "production");
    world.pass(HOUR * 3 + Duration::from_mins(1));
    // 13:01: the cut-off was at 13:00.
    world.approve("bob", "api@1.0.0", "production");
    let off = departure(&mut world);
    assert_eq!(
        told(&off.items),
        [
            "api@1.0.0 stays: approved after the cut-off (Tue 2026-09-01 13:00 UTC): it takes the next one",
            "web@1.0.0 stays: api@1.0.0, which it comes after, stays behind"
        ]
    );
    assert!(world.machine.launched.borrow().iter().all(|ticket| ticket.waits.is_none()));
}

#[test]
fn what_is_there_already_or_nowhere_stays_behind() {
    let mut world = approved();
    let d = world.start("erin", "api@1.0.0", "production").unwrap().deployment;
    world.claim(&d);
    world.end(&world.deployment(d.id), S::Succeeded);
    world.release("web@1.1.0");
    world.advance("web@1.1.0", 5);
    let failed = world.running("web@1.1.0", "staging");
    world.end(&failed, S::Failed);
    let off = departure(&mut world);
    assert_eq!(
        told(&off.items),
        ["api stays: api@1.0.0 is live in production already", "web stays: #4 in staging is failed"]
    );
}

#[test]
fn a_failure_halts_the_next_departure_until_somebody_has_looked() {
    let mut world = approved();
    departure(&mut world);
    world.turn(DeploymentId(3));
    world.end(&world.deployment(DeploymentId(3)), S::Failed);
    world.turn(DeploymentId(4));
    let seen = world.as_("alice", |cx| prognosis(cx, &daily())).unwrap();
    assert_eq!(seen.halted.as_deref(), Some("of the departure before #3 (api@1.0.0) failed"));
    world.pass(HOUR * 24);
    let off = send_off(&world, "erin").remove(0);
    assert_eq!((off.state, off.items.len()), (D::Halted, 0));
    assert_eq!(world.as_("alice", |cx| resume(cx, &daily(), "x")).unwrap_err().kind, ErrorKind::NotPermitted);
    world.as_("dave", |cx| resume(cx, &daily(), "the disk was full")).unwrap();
    world.pass(HOUR * 24);
    assert_eq!(send_off(&world, "erin")[0].state, D::Departed);
}

#[test]
fn who_let_it_go_on_has_not_seen_what_failed_after_that() {
    let mut world = approved();
    departure(&mut world);
    world.turn(DeploymentId(3));
    world.end(&world.deployment(DeploymentId(3)), S::Succeeded);
    world.turn(DeploymentId(4));
    // A first look, for another failure of the same departure.
    let lost = world.deployment(DeploymentId(4));
    world
        .store
        .write_quietly(|tx| relman::store::trains::resume(tx, &daily(), "dave", world.now, "seen"))
        .unwrap();
    world.pass(HOUR);
    world.end(&lost, S::Failed);
    world.pass(HOUR * 23);
    assert_eq!(send_off(&world, "erin")[0].state, D::Halted);
}

#[test]
fn it_takes_nothing_newer_back() {
    let mut world = approved();
    for id in ["api@1.0.0", "web@1.0.0"] {
        world.deploy(id, "production");
    }
    for id in ["api@0.9.0", "web@1.1.0"] {
        world.release(id);
        world.advance(id, 5);
        world.deploy(id, "staging");
        world.approve("bob", id, "production");
    }
    assert_eq!(
        told(&departure(&mut world).items),
        ["web@1.1.0 goes as #7", "api stays: api@1.0.0, which is newer than 0.9.0, is live in production"]
    );
}

#[test]
fn who_waits_for_each_other_stays_behind_and_holds_nobody_else_up() {
    let policy = POLICY.replace(
        "[services.tool]\npipeline = [\"staging\"]",
        "[services.tool]\npipeline = [\"staging\", \"production\"]",
    );
    let mut world = with(&policy);
    world.release("tool@1.0.0");
    world.advance("tool@1.0.0", 5);
    world.deploy("tool@1.0.0", "staging");
    // web comes after api by the configuration, and api says that it needs a web that is not there yet.
    let requires = Some(vec![crate::support::world::release_id("web@1.0.0")]);
    world.edit("api@1.0.0", &relman::ops::release::edit::Edit { requires, ..Default::default() });
    for id in ["api@1.0.0", "web@1.0.0", "tool@1.0.0"] {
        world.approve("bob", id, "production");
    }
    let seen = world.as_("alice", |cx| prognosis(cx, &daily())).unwrap();
    assert!(told(&seen.items)[1].contains("they wait for each other: "), "{:?}", told(&seen.items));
    let told = told(&departure(&mut world).items);
    assert_eq!(told[0], "tool@1.0.0 goes as #4");
    assert!(told[1..].iter().all(|line| line.contains("stays: they wait for each other")), "{told:?}");
}

#[test]
fn what_a_person_stopped_halts_nothing() {
    let mut world = approved();
    departure(&mut world);
    for id in [3, 4] {
        world.as_("dave", |cx| cancel(cx, DeploymentId(id), None)).unwrap();
    }
    world.pass(HOUR * 24);
    assert_eq!(send_off(&world, "erin")[0].state, D::Departed);
}

#[test]
fn a_train_may_be_told_to_go_on_after_a_failure() {
    let mut world = with(&format!("{POLICY}on-failure = \"continue\"\n"));
    for id in ["api@1.0.0", "web@1.0.0"] {
        world.approve("bob", id, "production");
    }
    departure(&mut world);
    world.turn(DeploymentId(3));
    world.end(&world.deployment(DeploymentId(3)), S::Failed);
    world.pass(HOUR * 24);
    assert_eq!(send_off(&world, "erin")[0].state, D::Departed);
}

#[test]
fn one_departure_may_be_left_out_and_later_ones_are_not_affected() {
    let mut world = approved();
    let left_out = world.as_("dave", |cx| skip(cx, &daily(), Some("guests in the house"))).unwrap();
    assert_eq!(left_out.departs_at, "2026-09-01T14:00:00Z".parse().unwrap());
    let twice = world.as_("erin", |cx| skip(cx, &daily(), None)).unwrap_err();
    assert!(twice.sentence.contains("dave left out"), "{twice}");
    let seen = world.as_("erin", |cx| prognosis(cx, &daily())).unwrap();
    assert_eq!(seen.left_out.as_deref(), Some("left out by dave: guests in the house"));
    world.now = "2026-09-01T14:00:00Z".parse().unwrap();
    assert!(send_off(&world, "erin").is_empty());
    world.pass(HOUR * 20);
    for id in ["api@1.0.0", "web@1.0.0"] {
        world.decide("carol", id, Some("production"), relman::domain::approval::Verdict::Approved).unwrap();
    }
    world.pass(HOUR * 4);
    assert_eq!(send_off(&world, "erin")[0].state, D::Departed);
}

#[test]
fn late_within_its_expiry_it_departs_and_after_that_it_is_missed() {
    let mut world = approved();
    world.now = "2026-09-01T14:59:59Z".parse().unwrap();
    let off = send_off(&world, "erin").remove(0);
    assert_eq!((off.state, off.at > off.departs_at), (D::Departed, true));
    let mut world = approved();
    world.now = "2026-09-01T15:00:00Z".parse().unwrap();
    let missed = send_off(&world, "erin").remove(0);
    assert_eq!((missed.state, missed.items.len()), (D::Missed, 0));
}

#[test]
fn a_lock_or_a_freeze_leaves_one_behind_by_name() {
    let mut world = approved();
    let time = "2026-09-01T14:00:00Z".parse().unwrap();
    world.freeze("Incident", "production", time, time.plus(HOUR));
    let off = departure(&mut world);
    assert!(told(&off.items)[0].starts_with("api@1.0.0 stays: freeze: frozen by \"Incident\""), "{off:?}");
}
