//! What a freeze hits is said before it is recorded and after, with whose it is.

use std::collections::BTreeSet;
use std::time::Duration;

use relman::domain::freeze::Running;
use relman::domain::recurrence::Recurrence;
use relman::domain::time::{Timestamp, Tz, Window};
use relman::ops::ErrorKind;
use relman::ops::deployment::later::Later;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::freeze::edit::{EditFreeze, edit};
use relman::ops::freeze::{NewFreeze, add, impact, known};

use crate::support::world::{POLICY, World, env_name, new_freeze, release_id};

const API: &str = "api@1.0.0";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A train, and a release in dev that is to go there once more in three hours.
fn planned() -> World {
    let world = World::with(&format!(
        "{POLICY}\n[trains.weekly]\ndeparts = \"Thu 14:00\"\nfrom = \"staging\"\nto = \"production\"\nconductor = \"erin\"\n"
    ));
    world.release(API);
    world.advance(API, 2);
    let later =
        Later { at: Some(world.now.plus(Duration::from_hours(3))), ..Later::when_open(world.policy.zone) };
    let wanted = StartDeploy { later: Some(later), ..StartDeploy::new(release_id(API), env_name("dev")) };
    world.as_("alice", |cx| start::start(cx, &wanted)).unwrap();
    world
}

fn hours(world: &World, from: u64, to: u64) -> Window {
    Window::new(world.now.plus(Duration::from_hours(from)), world.now.plus(Duration::from_hours(to))).unwrap()
}

#[test]
fn scheduled_deployments_within_it_are_named_with_who_asked_for_them() {
    let world = planned();
    let hit = |env: &str, from: u64, to: u64| {
        let window = hours(&world, from, to);
        let new = new_freeze("Sale", env, window.start, window.end);
        world.as_("bob", |cx| impact::preview(cx, &new)).unwrap().1
    };
    let seen = hit("dev", 2, 4);
    assert_eq!(seen.scheduled.len(), 1);
    assert!(
        seen.what(Running::Finish, Tz::UTC)[0]
            .starts_with("hits #1 api@1.0.0 to dev by alice, which begins Tue")
    );
    assert!(hit("dev", 3, 4).scheduled.len() == 1, "the start belongs to it");
    assert!(hit("dev", 2, 3).hits_nothing(), "the end does not");
    assert!(hit("staging", 2, 4).hits_nothing());
    assert_eq!(world.as_("bob", relman::ops::view::calendar::freezes).unwrap(), [], "nothing was recorded");
}

#[test]
fn departures_of_trains_within_any_of_its_windows_are_named_with_their_conductor() {
    let world = planned();
    let zone = Tz::Europe__Berlin;
    let window = Window::new(at("2026-09-03T08:00:00Z"), at("2026-09-03T20:00:00Z")).unwrap();
    let rule = "FREQ=WEEKLY;INTERVAL=2".parse().unwrap();
    let new = NewFreeze {
        repeats: Some(Recurrence::of(window, rule, BTreeSet::new(), zone).unwrap()),
        ..NewFreeze { zone, window, ..new_freeze("Thursdays", "production", window.start, window.end) }
    };
    let (_, seen) = world.as_("bob", |cx| impact::preview(cx, &new)).unwrap();
    let departures: Vec<String> = seen.departures.iter().map(|stop| stop.at.to_string()).collect();
    assert_eq!(departures.len(), 3, "every other one in a month: {departures:?}");
    assert!(departures[0].starts_with("2026-09-03T") && departures[1].starts_with("2026-09-17T"));
    assert!(
        seen.what(Running::Finish, Tz::UTC)[0].contains("train weekly to production"),
        "{:?}",
        seen.what(Running::Finish, Tz::UTC)
    );
    assert!(seen.what(Running::Finish, Tz::UTC)[0].contains("conductor erin"));
    assert_eq!(seen.windows.len(), 5);
}

#[test]
fn departures_are_told_in_the_zone_of_the_freeze() {
    let world = planned();
    let window = Window::new(at("2026-09-03T08:00:00Z"), at("2026-09-03T20:00:00Z")).unwrap();
    let new =
        NewFreeze { zone: Tz::Asia__Tokyo, ..new_freeze("Sale", "production", window.start, window.end) };
    let (freeze, seen) = world.as_("bob", |cx| impact::preview(cx, &new)).unwrap();
    let said = seen.what(freeze.running, freeze.zone);
    // 14:00 in the zone of the configuration, which is UTC here.
    assert!(said[0].contains("departs Thu 2026-09-03 23:00 JST"), "{said:?}");
}

#[test]
fn what_would_go_there_by_itself_is_named_before_anybody_asks_for_it() {
    let world = World::with(&format!("{POLICY}\n[services.api.deliver.staging]\nconductor = \"erin\"\n"));
    world.release(API);
    world.advance(API, 3);
    world.deploy(API, "dev");
    let hit = |env: &str, from: u64, to: u64| {
        let window = hours(&world, from, to);
        let new = new_freeze("Sale", env, window.start, window.end);
        world.as_("bob", |cx| impact::preview(cx, &new)).unwrap().1
    };
    let now = hit("staging", 0, 4);
    assert_eq!(
        now.what(Running::Finish, Tz::UTC),
        ["holds up delivery api@1.0.0 to staging (conductor erin)"]
    );
    assert!(!now.hits_nothing());
    let later = hit("staging", 2, 4).what(Running::Finish, Tz::UTC);
    assert!(later[0].ends_with(", unless it has gone by then"), "{later:?}");
    assert!(hit("production", 0, 4).hits_nothing());
    let window = hours(&world, 2000, 2004);
    let far = new_freeze("Far", "staging", window.start, window.end);
    assert!(world.as_("bob", |cx| impact::preview(cx, &far)).unwrap().1.hits_nothing(), "beyond a month");
    // What is live there already goes nowhere.
    world.deploy(API, "staging");
    assert!(hit("staging", 0, 4).hits_nothing());
}

#[test]
fn an_edit_of_what_somebody_else_has_changed_meanwhile_changes_nothing() {
    let world = planned();
    let window = hours(&world, 2, 4);
    let new = new_freeze("Sale", "dev", window.start, window.end);
    world.as_("bob", |cx| add(cx, &new)).unwrap();
    let longer = |hours_: u64| EditFreeze {
        freeze: "Sale".to_owned(),
        seen: 0,
        new: new_freeze("Sale", "dev", window.start, world.now.plus(Duration::from_hours(hours_))),
        reason: None,
    };
    let edited = world.as_("carol", |cx| edit(cx, &longer(5))).unwrap();
    assert_eq!((edited.freeze.revision, edited.freeze.created_by.as_deref()), (1, Some("bob")));
    assert_eq!(edited.impact.scheduled.len(), 1);
    let error = world.as_("dave", |cx| edit(cx, &longer(6))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.sentence.contains("somebody has changed \"Sale\" meanwhile"), "{error}");
    let now = world.as_("dave", |cx| known(cx, "Sale")).unwrap();
    assert_eq!(now.window.end, world.now.plus(Duration::from_hours(5)));
}

#[test]
fn a_freeze_cannot_be_given_the_name_of_another_one() {
    let world = planned();
    let window = hours(&world, 2, 4);
    for name in ["Sale", "Audit"] {
        world.as_("bob", |cx| add(cx, &new_freeze(name, "dev", window.start, window.end))).unwrap();
    }
    let renamed = EditFreeze {
        freeze: "F2".to_owned(),
        seen: 0,
        new: new_freeze("Sale", "dev", window.start, window.end),
        reason: None,
    };
    let error = world.as_("bob", |cx| edit(cx, &renamed)).unwrap_err();
    assert!(error.sentence.contains("there is a freeze \"Sale\" already (F1)"), "{error}");
}
