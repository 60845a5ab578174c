//! Are freezes added and removed on record, and do they close exactly what and when they say?

use std::time::Duration;

use relman::domain::deployment::DeploymentState;
use relman::domain::freeze::{Freeze, FreezeOrigin, Scope, Stops};
use relman::domain::gate::{Answer, BlockReason, GateId};
use relman::domain::ids::FreezeId;
use relman::domain::journal::Verb;
use relman::domain::time::Timestamp;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::freeze::edit::suspend;
use relman::ops::freeze::{NewFreeze, add, remove};
use relman::ops::{Ctx, ErrorKind};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{POLICY, World, answer, closed, new_freeze, wish};

const API: &str = "api@1.0.0";

const CONFIGURED: &str = r#"
[[freezes]]
name = "Year end"
reason = "books are closed"
environments = ["production"]
start = "2026-08-31 00:00"
end = "2026-09-03 08:00"
time-zone = "UTC"
"#;

fn configured() -> World {
    World::with(&format!("{POLICY}{CONFIGURED}"))
}

fn hours(world: &World, hours: u64) -> Timestamp {
    world.now.plus(Duration::from_hours(hours))
}

/// A freeze of production for the next four hours.
fn now_closed(world: &World, name: &str) -> NewFreeze {
    new_freeze(name, "production", world.now, hours(world, 4))
}

/// The ordinary policy with a release that may go to dev.
fn deployable() -> World {
    let world = World::new();
    world.release(API);
    world.advance(API, 2);
    world
}

fn says(world: &World, env: &str) -> Answer {
    answer(&world.gates("erin", API, env), GateId::Freeze)
}

#[test]
fn a_new_freeze_gets_a_number_and_an_author() {
    let world = World::new();
    let new = now_closed(&world, "Incident");
    let freeze = done(&world, "bob", Verb::FreezeAdded, "F1", |cx| add(cx, &new)).freeze;
    assert_eq!(
        (freeze.origin, freeze.created_by.as_deref()),
        (FreezeOrigin::Store(FreezeId(1)), Some("bob"))
    );
    assert_eq!((freeze.window, freeze.scope.clone()), (new.window, new.scope));
    let body = world.last_entry().1;
    assert_eq!(body.reason.as_deref(), Some("the books are closed"));
    assert_eq!(serde_json::from_value::<Freeze>(body.after.unwrap()).unwrap(), freeze);
}

#[test]
fn a_new_freeze_names_the_deployments_that_go_on() {
    let world = deployable();
    let running = world.running(API, "dev");
    let added =
        world.as_("bob", |cx| add(cx, &new_freeze("Stop", "*", world.now, hours(&world, 1)))).unwrap();
    assert_eq!(added.impact.running, [running]);
}

#[test]
fn a_new_freeze_does_not_name_deployments_elsewhere() {
    let world = deployable();
    world.running(API, "dev");
    let added = world.as_("bob", |cx| add(cx, &now_closed(&world, "Incident"))).unwrap();
    assert!(added.impact.running.is_empty());
}

#[test]
fn two_freezes_of_one_name_could_not_be_told_apart() {
    let world = World::new();
    world.as_("bob", |cx| add(cx, &now_closed(&world, "Incident"))).unwrap();
    let error = refused(&world, "carol", ErrorKind::Conflict, (Verb::FreezeAdded, "Incident"), |cx| {
        add(cx, &now_closed(&world, "Incident"))
    });
    assert!(error.sentence.contains("\"Incident\" already (F1)"), "{error}");
}

#[test]
fn the_name_of_a_configured_freeze_is_taken_too() {
    let world = configured();
    refused(&world, "carol", ErrorKind::Conflict, (Verb::FreezeAdded, "Year end"), |cx| {
        add(cx, &now_closed(&world, "Year end"))
    });
}

#[test]
fn what_stops_automation_stops_what_begins_by_itself_and_no_person() {
    let world = deployable();
    let new =
        NewFreeze { stops: Stops::Automation, ..new_freeze("Robots", "dev", world.now, hours(&world, 4)) };
    done(&world, "bob", Verb::FreezeAdded, "F1", |cx| add(cx, &new));
    assert!(says(&world, "dev").opens(), "a person starts");
    let later = Some(world.later(Some(hours(&world, 1))));
    let wanted = StartDeploy { later, ..wish(API, "dev") };
    let error = world.as_("erin", |cx| start::start(cx, &wanted)).unwrap_err();
    assert!(error.sentence.contains("never begin: frozen by \"Robots\""), "{error}");
}

#[test]
fn what_stops_people_stops_whoever_starts_there_and_then() {
    let world = deployable();
    let new =
        NewFreeze { stops: Stops::People, ..new_freeze("Hands off", "dev", world.now, hours(&world, 4)) };
    done(&world, "bob", Verb::FreezeAdded, "F1", |cx| add(cx, &new));
    assert!(!says(&world, "dev").opens());
    let error = world.start("erin", API, "dev").unwrap_err();
    assert!(error.sentence.contains("frozen by \"Hands off\""), "{error}");
}

#[test]
fn a_suspended_freeze_closes_nothing_until_it_is_resumed_and_both_are_on_record() {
    let world = deployable();
    let new = new_freeze("Audit", "dev", world.now, hours(&world, 4));
    done(&world, "bob", Verb::FreezeAdded, "F1", |cx| add(cx, &new));
    assert!(!says(&world, "dev").opens());
    let set = |suspended: bool, why: &'static str| move |cx: &Ctx<'_>| suspend(cx, "F1", suspended, why);
    let edited = done(&world, "bob", Verb::FreezeChanged, "F1", set(true, "the shop moves"));
    assert_eq!((edited.before.suspended, edited.freeze.suspended), (false, true));
    assert_eq!((edited.impact.windows.len(), edited.freeze.title()), (0, "Audit (suspended)".to_owned()));
    assert!(says(&world, "dev").opens());
    mistaken(&world, "bob", ErrorKind::Conflict, set(true, "again"));
    let edited = done(&world, "bob", Verb::FreezeChanged, "F1", set(false, "it has moved"));
    assert_eq!((edited.freeze.suspended, edited.freeze.window), (false, edited.before.window));
    assert!(!says(&world, "dev").opens());
    mistaken(&world, "bob", ErrorKind::Conflict, set(false, "again"));
}

#[test]
fn a_name_is_free_again_when_its_freeze_is_over() {
    let mut world = World::new();
    world.as_("bob", |cx| add(cx, &now_closed(&world, "Incident"))).unwrap();
    world.pass(Duration::from_hours(4));
    let new = now_closed(&world, "Incident");
    done(&world, "bob", Verb::FreezeAdded, "F2", |cx| add(cx, &new));
}

#[test]
fn a_freeze_that_is_over_already_is_a_mistake() {
    let world = World::new();
    let new = new_freeze("Incident", "production", world.now.minus(Duration::from_hours(2)), world.now);
    let error = mistaken(&world, "bob", ErrorKind::Usage, |cx| add(cx, &new));
    assert_eq!(error.sentence, "the freeze would be over before it began");
}

#[test]
fn a_freeze_that_began_already_may_be_added() {
    let world = World::new();
    let earlier = world.now.minus(Duration::from_hours(2));
    let new = new_freeze("Incident", "production", earlier, hours(&world, 1));
    done(&world, "bob", Verb::FreezeAdded, "F1", |cx| add(cx, &new));
}

#[test]
fn a_freeze_needs_a_reason() {
    let world = World::new();
    let new = NewFreeze { reason: " ".to_owned(), ..now_closed(&world, "Incident") };
    mistaken(&world, "bob", ErrorKind::Usage, |cx| add(cx, &new));
}

#[test]
fn a_freeze_is_removed_by_its_number() {
    let world = deployable();
    let freeze = world.freeze("Incident", "dev", world.now, hours(&world, 4));
    let removed =
        done(&world, "carol", Verb::FreezeRemoved, "F1", |cx| remove(cx, "F1", Some("it is fixed")));
    assert_eq!(removed, freeze);
    let body = world.last_entry().1;
    assert_eq!(body.reason.as_deref(), Some("it is fixed"));
    assert_eq!(body.before, Some(serde_json::to_value(&freeze).unwrap()));
    assert!(says(&world, "dev").opens());
}

#[test]
fn a_freeze_is_removed_by_its_name() {
    let world = World::new();
    world.freeze("Incident", "dev", world.now, hours(&world, 4));
    done(&world, "carol", Verb::FreezeRemoved, "F1", |cx| remove(cx, "Incident", None));
}

#[test]
fn a_number_means_the_freeze_of_that_number_whatever_others_are_called() {
    let world = World::new();
    world.freeze("F2", "dev", world.now, hours(&world, 4));
    world.freeze("Incident", "production", hours(&world, 1), hours(&world, 4));
    let removed = world.as_("carol", |cx| remove(cx, "F2", None)).unwrap();
    assert_eq!(removed.name, "Incident");
}

#[test]
fn an_unknown_freeze_is_a_mistake() {
    let world = World::new();
    let error = mistaken(&world, "carol", ErrorKind::NotFound, |cx| remove(cx, "F9", None));
    assert_eq!(error.sentence, "there is no freeze 'F9'");
}

#[test]
fn a_freeze_is_removed_once() {
    let world = World::new();
    world.freeze("Incident", "dev", world.now, hours(&world, 4));
    world.as_("carol", |cx| remove(cx, "F1", None)).unwrap();
    mistaken(&world, "carol", ErrorKind::NotFound, |cx| remove(cx, "F1", None));
}

#[test]
fn a_configured_freeze_is_removed_in_the_configuration() {
    let world = configured();
    let error = refused(&world, "carol", ErrorKind::Conflict, (Verb::FreezeRemoved, "Year end"), |cx| {
        remove(cx, "Year end", None)
    });
    assert_eq!(error.sentence, "\"Year end\" is written in relman.toml");
}

#[test]
fn a_frozen_start_is_refused_with_the_moment_it_opens() {
    let world = deployable();
    let freeze = world.freeze("Incident", "dev", world.now, hours(&world, 4));
    let (result, entries) = world.journaled(|| world.start("erin", API, "dev"));
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Frozen);
    let report = error.report.unwrap();
    assert_eq!((closed(&report), report.earliest), (vec!["freeze"], Some(freeze.window.end)));
    assert!(
        error.sentence.contains("frozen by \"Incident\" until Tue 2026-09-01 14:00 UTC"),
        "{}",
        error.sentence
    );
    assert_eq!(entries, ["deployment.started refused api@1.0.0 → dev"]);
    assert!(world.machine.launched.borrow().is_empty());
}

#[test]
fn a_freeze_ends_just_before_its_end() {
    let mut world = deployable();
    world.freeze("Incident", "dev", world.now, hours(&world, 4));
    world.pass(Duration::from_hours(4) - Duration::from_millis(1));
    assert!(!says(&world, "dev").opens());
    world.pass(Duration::from_millis(1));
    assert!(says(&world, "dev").opens());
}

#[test]
fn a_freeze_begins_with_its_start() {
    let mut world = deployable();
    world.freeze("Incident", "dev", hours(&world, 1), hours(&world, 4));
    world.pass(Duration::from_hours(1) - Duration::from_millis(1));
    assert!(says(&world, "dev").opens());
    world.pass(Duration::from_millis(1));
    assert!(!says(&world, "dev").opens());
}

#[test]
fn freezes_without_a_gap_open_when_the_last_one_ends() {
    let world = deployable();
    world.freeze("One", "dev", world.now, hours(&world, 2));
    world.freeze("Two", "dev", hours(&world, 2), hours(&world, 5));
    assert_eq!(world.gates("erin", API, "dev").earliest, Some(hours(&world, 5)));
}

#[test]
fn a_freeze_leaves_other_environments_alone() {
    let world = deployable();
    world.freeze("Incident", "prod*", world.now, hours(&world, 4));
    assert!(says(&world, "dev").opens());
    assert!(!says(&world, "production").opens());
}

#[test]
fn a_freeze_leaves_other_services_alone() {
    let world = deployable();
    let scope = Scope::new(vec!["web".to_owned()], Vec::new()).unwrap();
    let new = NewFreeze { scope, ..now_closed(&world, "Incident") };
    world.as_("bob", |cx| add(cx, &new)).unwrap();
    assert!(says(&world, "production").opens());
}

#[test]
fn a_configured_freeze_closes_as_well() {
    let world = configured();
    world.release(API);
    let Answer::Blocked { reason: BlockReason::Frozen { name, opens, .. } } = says(&world, "production")
    else {
        panic!("open");
    };
    let expected: Timestamp = "2026-09-03T08:00:00Z".parse().unwrap();
    assert_eq!((name.as_str(), opens), ("Year end", Some(expected)));
}

#[test]
fn what_runs_when_a_freeze_begins_runs_to_its_end() {
    let world = deployable();
    let running = world.running(API, "dev");
    world.freeze("Incident", "dev", world.now, hours(&world, 4));
    assert_eq!(world.end(&running, DeploymentState::Succeeded).state, DeploymentState::Succeeded);
}

#[test]
fn outside_its_hours_an_environment_says_when_it_opens() {
    // The world begins on a Tuesday at 10:00 UTC.
    let policy =
        POLICY.replace("[environments.dev]", "[environments.dev]\nhours = [\"Mon-Fri 12:00-14:00\"]");
    let world = World::with(&format!("[relman]\ntime-zone = \"UTC\"\n{policy}"));
    world.release(API);
    world.advance(API, 2);
    let error = world.start("erin", API, "dev").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Frozen);
    assert_eq!(error.report.unwrap().earliest, Some(hours(&world, 2)));
}

#[test]
fn a_freeze_that_would_close_less_than_it_says_is_a_mistake() {
    let world = World::new();
    let scoped = |services: &[&str], environments: &[&str]| {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let scope = Scope::new(names(services), names(environments)).unwrap();
        NewFreeze { scope, ..now_closed(&world, "Incident") }
    };
    for (new, sentence) in [
        (
            scoped(&[], &["staging", "prodcution"]),
            "no environment fits 'prodcution'; did you mean production?",
        ),
        (scoped(&["xyz*"], &[]), "no service fits 'xyz*'; there are: api, web"),
        (scoped(&["web"], &["dev"]), "no service goes where it says (web in dev): it would close nothing"),
    ] {
        let error = mistaken(&world, "bob", ErrorKind::Usage, |cx| add(cx, &new));
        assert_eq!(error.sentence, sentence);
    }
    world.as_("bob", |cx| add(cx, &scoped(&["*"], &["prod*", "dev"]))).unwrap();
}

#[test]
fn who_is_frozen_out_is_told_how_it_is_lifted() {
    let world = deployable();
    world.as_("bob", |cx| add(cx, &new_freeze("Incident", "dev", world.now, hours(&world, 4)))).unwrap();
    let error = world.start("erin", API, "dev").unwrap_err();
    assert_eq!(
        error.hints,
        [
            "wait; or, when its reason is gone: relman freeze remove F1; or, where allowed: relman deploy api@1.0.0 dev \
          --override freeze --reason \"…\""
        ]
    );
}

/// Three days that close an environment each.
fn three_days(environments: [&str; 3]) -> Vec<relman::domain::ical::Event> {
    let event = |(day, environment): (usize, &&str)| {
        let number = day + 1;
        format!(
            "BEGIN:VEVENT\r\nUID:{number}@x\r\nSUMMARY:Day {number}\r\nX-RELMAN-ENVIRONMENTS:{environment}\r\n\
             DTSTART:202612{number:02}T090000Z\r\nDURATION:PT8H\r\nEND:VEVENT\r\n"
        )
    };
    let events: String = environments.iter().enumerate().map(event).collect();
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n");
    let read = relman::domain::ical::read(text.as_bytes(), relman::domain::time::Tz::UTC).unwrap();
    assert_eq!(read.skipped, []);
    read.events
}

#[test]
fn an_event_that_makes_no_sense_here_keeps_no_other_from_being_imported() {
    use relman::ops::freeze::import::{Became, Import, import};
    let world = World::new();
    let how = Import { scope: None, source: "days.ics".to_owned(), dry_run: false };
    let brought = |environments| world.as_("bob", |cx| import(cx, &three_days(environments), &how)).unwrap();
    let became = brought(["dev", "nowhere", "staging"]);
    assert!(matches!(&became[0], Became::Added { .. }), "{became:?}");
    let Became::Refused { name, why, .. } = &became[1] else { panic!("{became:?}") };
    assert_eq!(name, "Day 2");
    assert!(why.contains("nowhere"), "{why}");
    assert!(matches!(&became[2], Became::Added { .. }), "{became:?}");
    let again = brought(["dev", "nowhere", "production"]);
    assert!(matches!(&again[0], Became::Unchanged { .. }), "{again:?}");
    assert!(matches!(&again[2], Became::Changed { .. }), "{again:?}");
}

#[test]
fn an_event_that_comes_twice_in_a_file_is_one_freeze() {
    use relman::ops::freeze::import::{Became, Import, import};
    let world = World::new();
    let how = Import { scope: None, source: "days.ics".to_owned(), dry_run: false };
    let days = three_days(["dev", "staging", "production"]);
    let twice = [days[0].clone(), days[0].clone()];
    let became = world.as_("bob", |cx| import(cx, &twice, &how)).unwrap();
    assert!(matches!(became.as_slice(), [Became::Added { .. }, Became::Unchanged { .. }]), "{became:?}");
    // Who read the freezes before somebody else imported the same file adds none of them a second time.
    let new = NewFreeze { numbered: true, uid: Some("1@x".to_owned()), ..now_closed(&world, "Day 1") };
    let error = world.as_("carol", |cx| add(cx, &new)).unwrap_err();
    assert!(error.sentence.contains("somebody has imported it meanwhile: \"Day 1\" (F1)"), "{error}");
}
