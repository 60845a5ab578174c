//! When a release could go somewhere: slots that are open long enough, and what people owe for them.

use std::time::Duration;

use relman::domain::gate::GateId;
use relman::domain::time::Timestamp;
use relman::ops::deployment::later::Later;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::view::when::{When, when};
use relman::ops::{ErrorKind, OpError};

use crate::support::world::{POLICY, World, env_name, release_id};

const API: &str = "api@1.0.0";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn deployable() -> World {
    let world = World::new();
    world.release(API);
    world.advance(API, 2);
    world
}

fn asked(world: &World, env: &str, minutes: Option<u64>) -> Result<When, OpError> {
    let length = minutes.map(Duration::from_mins);
    world.as_("erin", |cx| when(cx, &release_id(API), &env_name(env), length, 3))
}

fn starts(found: &When) -> Vec<String> {
    found.slots.iter().map(|slot| slot.start.to_string()).collect()
}

#[test]
fn what_is_open_is_open_now_and_without_an_end_in_sight() {
    let world = deployable();
    let found = asked(&world, "dev", None).unwrap();
    assert_eq!(found.slots.len(), 1);
    assert_eq!((found.slots[0].start, found.slots[0].end), (world.now, None));
    assert!(found.also_needed.is_empty() && found.slots[0].closed.is_empty());
    assert_eq!((found.length_ms, found.usual), (30 * 60_000, false));
}

#[test]
fn freezes_cut_slots_and_what_is_too_short_is_none() {
    let world = deployable();
    let hour = |hours: u64| world.now.plus(Duration::from_hours(hours));
    world.freeze("a", "dev", hour(1), hour(2));
    world.freeze("b", "dev", hour(3), hour(9));
    let found = asked(&world, "dev", Some(60)).unwrap();
    assert_eq!(starts(&found), [world.now.to_string(), hour(2).to_string(), hour(9).to_string()]);
    assert_eq!(found.slots[1].end, Some(hour(3)), "the end does not belong to it");
    let found = asked(&world, "dev", Some(61)).unwrap();
    assert_eq!(starts(&found), [hour(9).to_string()]);
}

#[test]
fn what_is_scheduled_there_is_kept_clear_of() {
    let world = deployable();
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 2);
    let hour = |hours: u64| world.now.plus(Duration::from_hours(hours));
    let later = Later { at: Some(hour(2)), ..Later::when_open(world.policy.zone) };
    let wanted =
        StartDeploy { later: Some(later), ..StartDeploy::new(release_id("api@1.1.0"), env_name("dev")) };
    world.as_("alice", |cx| start::start(cx, &wanted)).unwrap();
    let found = asked(&world, "dev", Some(120)).unwrap();
    assert_eq!(found.slots[0].end, Some(hour(2)));
    assert_eq!(found.slots[1].start, hour(2).plus(Duration::from_mins(30)));
    assert_eq!(found.around.len(), 1);
    // Its own schedule is no obstacle.
    let own = world
        .as_("erin", |cx| {
            when(cx, &release_id("api@1.1.0"), &env_name("dev"), Some(Duration::from_mins(120)), 3)
        })
        .unwrap();
    assert_eq!(own.slots.len(), 1);
}

#[test]
fn what_people_owe_is_listed_beside_the_slots() {
    let world = deployable();
    let found = asked(&world, "production", Some(30)).unwrap();
    assert!(!found.slots.is_empty());
    let gates: Vec<GateId> = found.also_needed.iter().map(|owed| owed.gate).collect();
    assert!(gates.contains(&GateId::Order) && gates.contains(&GateId::Approvals), "{gates:?}");
    assert!(found.also_needed.iter().all(|owed| !owed.why.is_empty() && !owed.next.is_empty()), "{found:#?}");
    assert_eq!(found.slots[0].closed, gates);
}

#[test]
fn hours_and_repeated_freezes_are_met_by_no_slot() {
    let policy = format!(
        "{}\n[[freezes]]\nname = \"Noon\"\nenvironments = [\"dev\"]\nstart = \"2026-08-03 12:00\"\nend = \"2026-08-03 13:00\"\n\
         time-zone = \"UTC\"\nrrule = \"FREQ=DAILY\"\n",
        POLICY.replace("[environments.dev]", "[environments.dev]\nhours = [\"Mon-Fri 10:00-15:00\"]")
    );
    let mut world = World::with(&policy);
    world.now = at("2026-09-04T00:00:00Z");
    world.release(API);
    world.advance(API, 2);
    let zone = world.policy.zone;
    let found = asked(&world, "dev", Some(60)).unwrap();
    let shown: Vec<String> = found
        .slots
        .iter()
        .map(|slot| {
            let clock = |at: Timestamp| at.in_zone(zone).format("%a %H:%M").to_string();
            format!("{}-{}", clock(slot.start), clock(slot.end.unwrap()))
        })
        .collect();
    let noon = at("2026-09-04T12:00:00Z").in_zone(zone).format("%H:%M").to_string();
    let one = at("2026-09-04T13:00:00Z").in_zone(zone).format("%H:%M").to_string();
    assert_eq!(
        shown,
        [format!("Fri 10:00-Fri {noon}"), format!("Fri {one}-Fri 15:00"), format!("Mon 10:00-Mon {noon}")]
    );
    let none = asked(&world, "dev", Some(301)).unwrap();
    assert!(none.slots.is_empty());
}

#[test]
fn a_length_without_sense_and_an_unknown_place_are_refused() {
    let world = deployable();
    assert_eq!(asked(&world, "dev", Some(0)).unwrap_err().kind, ErrorKind::Usage);
    assert_eq!(asked(&world, "dev", Some(60 * 24 * 32)).unwrap_err().kind, ErrorKind::Usage);
    assert_eq!(asked(&world, "mars", Some(60)).unwrap_err().kind, ErrorKind::NotFound);
}
