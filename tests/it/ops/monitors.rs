//! Monitors: asked at their interval by one at a time, judged once, and what a failure keeps back.

use std::time::Duration;

use relman::domain::actor::Via;
use relman::domain::gate::stage_exit::{ExitAnswer, ExitCheck};
use relman::domain::journal::Verb;
use relman::domain::monitor::{Verdict, Watch};
use relman::domain::policy::StageGate;
use relman::domain::release::Release;
use relman::domain::release::review::Severity;
use relman::ops::monitor::{self, Whose};
use relman::ops::outside::Found;
use relman::ops::view::board;

use super::verbs::API;
use crate::support::world::{POLICY, World, release_id};

const MONITORED: &str = r#"
[services.api.monitors.errors]
command = ["./errors.sh"]
environments = ["production"]
every = "5m"
after = "1m"
for = "30m"
[stages.review]
bake = "2h"
"#;

/// Live in production since now.
fn live() -> World {
    let mut world = World::with(&format!("{POLICY}{MONITORED}"));
    world.policy.environments.values_mut().for_each(|env| {
        (env.soak, env.approvals) = (Duration::ZERO, Vec::new());
    });
    world.release(API);
    world.advance(API, 5);
    for env in ["dev", "staging", "production"] {
        world.deploy(API, env);
    }
    world
}

fn found(code: i32, said: &str) -> Found {
    Found { code: Some(code), said: said.to_owned() }
}

fn tick(world: &World) -> Vec<Watch> {
    let now = world.now;
    world.as_("erin", |cx| monitor::measure_due(cx, Whose::Everybodys, || now)).unwrap()
}

fn is_due(world: &World, whose: Whose) -> bool {
    world.as_("erin", |cx| monitor::is_due(cx, whose)).unwrap()
}

fn release(world: &World) -> (Release, Vec<Watch>) {
    world.as_("erin", |cx| monitor::of_release(cx, &release_id(API))).unwrap()
}

fn exit(world: &World, gate: StageGate) -> ExitAnswer {
    let board = world.as_("erin", board::board).unwrap();
    let card = board.cards.into_iter().find(|card| card.release.id == release_id(API)).unwrap();
    let check: Option<ExitCheck> = card.exit.into_iter().find(|check| check.gate == gate);
    check.unwrap_or_else(|| panic!("{gate} is not asked")).answer
}

#[test]
fn it_is_asked_at_its_interval_until_its_time_is_over_and_judged_once() {
    let mut world = live();
    *world.machine.outside.says.borrow_mut() = found(0, "0 errors");
    assert!(!is_due(&world, Whose::Everybodys), "it begins a minute later");
    assert_eq!(tick(&world), []);
    world.pass(Duration::from_mins(1));
    assert!(is_due(&world, Whose::Everybodys));
    let (_, entries) = world.journaled(|| tick(&world));
    assert_eq!(entries, [] as [String; 0], "a measurement is no entry");
    assert_eq!(tick(&world), [], "nothing is due twice");
    let (release_now, open) = release(&world);
    assert_eq!((open.len(), open[0].successes), (1, 1));
    assert_eq!(release_now.monitored, []);
    assert!(
        matches!(exit_in_review(&world, StageGate::Monitored), ExitAnswer::Gap { ref lacks, .. } if lacks.contains("errors in production is asked until")),
    );
    for _ in 0..5 {
        world.pass(Duration::from_mins(5));
        assert_eq!(tick(&world), []);
    }
    world.pass(Duration::from_mins(5));
    let (judged, entries) = world.journaled(|| tick(&world));
    assert_eq!((judged[0].verdict, judged[0].successes), (Verdict::Passed, 6));
    assert_eq!(entries, ["monitor.judged done api@1.0.0"]);
    let reason = world.last_entry().1.reason.unwrap();
    assert_eq!(reason, "errors in production: passed: 6 measurements; 0 errors");
    let (release_now, open) = release(&world);
    assert_eq!(open, []);
    assert_eq!(release_now.monitored, judged);
    assert_eq!(release_now.issues, []);
    world.pass(Duration::from_hours(3));
    assert_eq!(tick(&world), [], "it is over");
    assert!(
        matches!(exit_in_review(&world, StageGate::Monitored), ExitAnswer::Met { evidence } if evidence == "passed: errors in production")
    );
}

/// What the review stage asks; the release goes there first.
fn exit_in_review(world: &World, gate: StageGate) -> ExitAnswer {
    let stage = release(world).0.stage;
    world.advance(API, 6 - stage as usize);
    exit(world, gate)
}

#[test]
fn one_that_fails_opens_an_issue_that_keeps_the_release_from_closing() {
    let mut world = live();
    *world.machine.outside.says.borrow_mut() = found(1, "12 errors in 5 minutes");
    world.pass(Duration::from_mins(1));
    let (judged, entries) = world.journaled(|| tick(&world));
    assert_eq!(judged[0].verdict, Verdict::Failed);
    assert_eq!(entries, ["monitor.judged done api@1.0.0", "issue.recorded done api@1.0.0"]);
    let (release_now, _) = release(&world);
    let issue = &release_now.issues[0];
    assert_eq!(issue.title, "errors failed in production: 12 errors in 5 minutes");
    assert_eq!((issue.severity, issue.environment.as_deref()), (Severity::Sev2, Some("production")));
    assert_eq!(issue.found_after, Some(1));
    assert!(matches!(exit_in_review(&world, StageGate::Issues), ExitAnswer::Blocked { .. }));
    let told = exit(&world, StageGate::Monitored);
    assert!(
        matches!(&told, ExitAnswer::Gap { lacks, .. } if lacks == "errors in production failed: 1 measurement, 1 failure; 12 errors in 5 minutes"),
        "{told:?}"
    );
    world.pass(Duration::from_mins(5));
    assert_eq!(tick(&world), [], "it is asked no more");
}

#[test]
fn what_cannot_be_asked_or_cannot_tell_is_no_failure() {
    for (says, verdict, rounds) in [
        (found(75, "no traffic"), Verdict::Inconclusive, 1),
        (Found { code: None, said: "there is no script".to_owned() }, Verdict::Error, 5),
    ] {
        let mut world = live();
        *world.machine.outside.says.borrow_mut() = says;
        world.pass(Duration::from_mins(1));
        for _ in 1..rounds {
            assert_eq!(tick(&world), []);
            world.pass(Duration::from_mins(5));
        }
        assert_eq!(tick(&world)[0].verdict, verdict);
        assert_eq!(release(&world).0.issues, []);
    }
}

#[test]
fn it_is_live_for_its_bake_time_before_it_is_done_with() {
    let mut world = live();
    let lacks = exit_in_review(&world, StageGate::Baked);
    assert!(
        matches!(&lacks, ExitAnswer::Blocked { lacks, .. } if lacks.starts_with("it bakes until Tue 2026-09-01 12:00")),
        "{lacks:?}"
    );
    world.pass(Duration::from_hours(2));
    assert!(matches!(exit(&world, StageGate::Baked), ExitAnswer::Met { .. }));
}

#[test]
fn panes_ask_only_about_what_the_same_user_deployed() {
    let mut world = live();
    world.pass(Duration::from_mins(1));
    assert_eq!(Whose::of(Via::Tui), Whose::Own);
    assert_eq!(Whose::of(Via::Cli), Whose::Everybodys);
    let mine = |world: &World, who: &str| world.as_(who, |cx| monitor::is_due(cx, Whose::Own)).unwrap();
    assert!(mine(&world, "dave") || mine(&world, "erin"), "whoever deployed it");
    assert!(!mine(&world, "frank"));
    world.policy.readonly = true;
    assert!(!is_due(&world, Whose::Everybodys), "who only looks asks nothing");
}

#[test]
fn an_asking_that_was_broken_off_counts_nothing() {
    let mut world = live();
    world.pass(Duration::from_mins(1));
    *world.machine.outside.says.borrow_mut() = found(0, "fine");
    // Somebody else has the lease: what is on record says that they ask.
    world.machine.outside.breaks_off.replace(true);
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tick(&world)));
    assert!(broken.is_err());
    world.machine.outside.breaks_off.replace(false);
    assert_eq!(release(&world).1[0].count(), 0);
    assert!(!is_due(&world, Whose::Everybodys), "they may still be at it");
    world.pass(Duration::from_mins(2));
    assert_eq!(tick(&world), []);
    assert_eq!(release(&world).1[0].successes, 1);
}

#[test]
fn a_release_that_takes_its_place_ends_the_asking() {
    let mut world = live();
    *world.machine.outside.says.borrow_mut() = found(0, "fine");
    world.pass(Duration::from_mins(1));
    tick(&world);
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    for env in ["dev", "staging", "production"] {
        world.deploy("api@1.1.0", env);
    }
    let judged = tick(&world);
    assert_eq!(judged.len(), 1, "{judged:?}");
    assert_eq!((judged[0].release.to_string().as_str(), judged[0].verdict), (API, Verdict::Passed));
    world.pass(Duration::from_mins(1));
    tick(&world);
    let watched = world.as_("erin", |cx| monitor::of_release(cx, &release_id("api@1.1.0"))).unwrap().1;
    assert_eq!(watched[0].successes, 1, "the new one is asked about from then on");
    assert_eq!(world.last_entry().0, Verb::MonitorJudged.to_string());
}

#[test]
fn a_monitor_that_was_taken_out_is_asked_no_more() {
    let mut world = live();
    world.pass(Duration::from_mins(1));
    tick(&world);
    assert_eq!(release(&world).1.len(), 1);
    for service in world.policy.services.values_mut() {
        service.monitors.clear();
    }
    tick(&world);
    assert_eq!(release(&world).1, []);
}

#[test]
fn trying_a_monitor_out_takes_the_right_to_record_what_it_finds() {
    use relman::domain::right::{Grant, Right};
    let mut world = live();
    let deployment = world.as_("erin", board::board).unwrap().places;
    let place = deployment.iter().find(|place| place.environment.as_str() == "production").unwrap();
    let id = place.live.as_ref().unwrap().id;
    let now = world.now;
    let said = world.as_("erin", |cx| monitor::measure_now(cx, id, || now)).unwrap();
    assert_eq!(said.len(), 1);
    let grant = Grant::new(vec!["managers".to_owned()], "[rights] evidence".to_owned());
    world.policy.rights.insert(Right::Evidence, grant);
    let error = world.as_("erin", |cx| monitor::measure_now(cx, id, || now)).unwrap_err();
    assert_eq!(error.kind, relman::ops::ErrorKind::NotPermitted);
}
