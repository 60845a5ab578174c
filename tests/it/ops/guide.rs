//! Does exactly one decision count for a hold, by whom may it be made, and what follows from it?

use std::time::Duration;

use relman::domain::deployment::{Cause, DeploymentKind, DeploymentState, Step};
use relman::domain::hold::{Choice, HoldReason};
use relman::domain::journal::Verb;
use relman::ops::deployment::abandon::abandon;
use relman::ops::deployment::cancel::{cancel, cancel_and_roll_back};
use relman::ops::deployment::guide::{Decision, guide};
use relman::ops::deployment::take::take;
use relman::ops::deployment::{claim, finish, follow_up};
use relman::ops::view::board::{Mood, board, standing};
use relman::ops::{ErrorKind, OpError};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{World, outcome, release_id};

const API: &str = "api@1.0.0";
const NEXT: &str = "api@1.1.0";

fn failed() -> HoldReason {
    HoldReason::Failed { cause: Cause::Exit { code: 1 } }
}

/// Production has 1.0.0; 1.1.0 is on its way there.
fn on_its_way() -> World {
    let mut world = World::new();
    world.ready(API);
    world.deploy(API, "production");
    world.ready(NEXT);
    world
}

fn decision(world: &World, choice: Choice, reason: Option<&str>) -> Decision {
    let d = world.as_("erin", board).unwrap().active.remove(0);
    Decision { deployment: d.id, choice, reason: reason.map(str::to_owned), seen: None }
}

#[track_caller]
fn decide(world: &World, who: &str, choice: Choice, reason: Option<&str>) -> Result<(), OpError> {
    let wanted = decision(world, choice, reason);
    world.as_(who, |cx| guide(cx, &wanted)).map(drop)
}

#[test]
fn a_decision_is_put_where_the_supervisor_looks_and_in_the_journal() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, HoldReason::Promotion);
    let wanted = decision(&world, Choice::Promote, None);
    let after = done(&world, "dave", Verb::DeploymentGuided, &d.id.to_string(), |cx| guide(cx, &wanted));
    let guidance = after.guidance.unwrap();
    assert_eq!((guidance.hold, guidance.choice, guidance.by.name.as_str()), (1, Choice::Promote, "dave"));
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("promote"));
}

#[test]
fn who_comes_second_is_told_who_was_faster() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    decide(&world, "dave", Choice::Retry, None).unwrap();
    let wanted = decision(&world, Choice::Fail, Some("no use"));
    let error =
        refused(&world, "erin", ErrorKind::Conflict, (Verb::DeploymentGuided, &d.id.to_string()), |cx| {
            guide(cx, &wanted)
        });
    assert_eq!(error.sentence, "dave was faster and chose retry");
}

#[test]
fn a_decision_about_an_earlier_hold_does_not_count_for_a_later_one() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    let wanted = Decision { seen: Some(7), ..decision(&world, Choice::Retry, None) };
    let error = world.as_("erin", |cx| guide(cx, &wanted)).unwrap_err();
    assert!(error.sentence.contains("waits for something else now"), "{error}");
}

#[test]
fn what_leaves_the_course_needs_a_reason() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    for choice in [Choice::Skip, Choice::Fail, Choice::RollBack] {
        let wanted = decision(&world, choice, None);
        let error = mistaken(&world, "erin", ErrorKind::Usage, |cx| guide(cx, &wanted));
        assert_eq!(error.sentence, format!("{choice} needs a reason"));
    }
    decide(&world, "erin", Choice::Retry, None).unwrap();
}

#[test]
fn only_those_who_deploy_there_decide_and_going_on_fully_is_a_right_of_its_own() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, HoldReason::Promotion);
    let error = decide(&world, "alice", Choice::Promote, None).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotPermitted);
    assert!(
        error.sentence.contains("alice may not run deployments of api in production: only sre may"),
        "{error}"
    );
    let error = decide(&world, "dave", Choice::PromoteFull, Some("hurry")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotPermitted);
    assert!(error.sentence.contains("only managers may"), "{error}");
    assert_eq!(error.hints, ["ask bob or carol", "promote goes to the next step"]);
}

#[test]
fn nobody_decides_about_what_runs_was_cancelled_or_is_over() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    let error = decide(&world, "erin", Choice::Promote, None).unwrap_err();
    assert!(error.sentence.ends_with("waits for nobody: it is running"), "{error}");
    world.held(&d, failed());
    world.as_("dave", |cx| cancel(cx, d.id, None)).unwrap();
    let error = decide(&world, "erin", Choice::Retry, None).unwrap_err();
    assert!(error.sentence.contains("is being cancelled; dave asked for that"), "{error}");
    let wanted = decision(&world, Choice::Retry, None);
    world.end(&world.deployment(d.id), DeploymentState::Cancelled);
    let error = world.as_("erin", |cx| guide(cx, &wanted)).unwrap_err();
    assert!(error.sentence.ends_with("waits for nobody: it is cancelled"), "{error}");
}

#[test]
fn the_board_says_what_a_deployment_waits_for() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    let board = world.as_("erin", board).unwrap();
    let card = board.cards.iter().find(|card| card.release.id == release_id(NEXT)).unwrap();
    let told = standing(card, &board, world.now);
    assert_eq!(told, (Mood::Bad, format!("DECIDE: deploy FAILED, {} to production", d.id)));
}

#[test]
fn rolling_back_ends_it_and_puts_the_last_good_release_back_in_the_name_of_who_asked() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    decide(&world, "dave", Choice::RollBack, Some("errors at checkout")).unwrap();
    world.as_("erin", |cx| follow_up::begin(cx, d.id)).unwrap();
    assert!(world.deployment(d.id).follow_up.unwrap().is_due(), "not before it has ended");
    world.end(&world.deployment(d.id), DeploymentState::Failed);
    let launched = world.machine.launched.borrow().len();
    for _ in 0..2 {
        world.as_("erin", |cx| follow_up::begin(cx, d.id)).unwrap();
    }
    let after = world.deployment(d.id);
    let back = world.deployment(after.follow_up.unwrap().started.unwrap());
    assert_eq!(
        (back.kind, back.release, back.started_by.name.as_str()),
        (DeploymentKind::Rollback, release_id(API), "dave")
    );
    assert_eq!(back.reason.as_deref(), Some("errors at checkout"));
    assert!(world.stored(NEXT).blocked.is_some(), "what it leaves is blocked");
    assert_eq!(
        world.machine.launched.borrow().len(),
        launched + 1,
        "one rollback, however often it is begun"
    );
}

#[test]
fn where_there_is_nothing_to_go_back_to_nobody_relies_on_it() {
    let mut world = World::new();
    world.ready(API);
    let d = world.running(API, "production");
    world.held(&d, failed());
    let error = decide(&world, "dave", Choice::RollBack, Some("errors")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(world.deployment(d.id).guidance.is_none());
    world.as_("dave", |cx| cancel_and_roll_back(cx, d.id, "errors")).unwrap_err();
    assert!(world.deployment(d.id).cancel.is_none());
}

#[test]
fn a_cancel_with_rollback_goes_back_also_when_the_script_was_faster() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.as_("dave", |cx| cancel_and_roll_back(cx, d.id, "errors at checkout")).unwrap();
    world.end(&world.deployment(d.id), DeploymentState::Succeeded);
    world.as_("erin", |cx| follow_up::begin(cx, d.id)).unwrap();
    let back = world.deployment(d.id).follow_up.unwrap().started.unwrap();
    assert_eq!(world.deployment(back).release, release_id(API));
}

#[test]
fn a_rollback_that_cannot_begin_says_so_on_what_it_was_to_follow() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    decide(&world, "dave", Choice::RollBack, Some("errors")).unwrap();
    world.end(&world.deployment(d.id), DeploymentState::Failed);
    world.as_("bob", |cx| relman::ops::release::block::block(cx, &release_id(API), "was bad, too")).unwrap();
    world.as_("erin", |cx| follow_up::begin(cx, d.id)).unwrap();
    let wanted = world.deployment(d.id).follow_up.unwrap();
    assert!(wanted.started.is_none() && !wanted.is_due());
    assert!(wanted.sentence(true).contains("asked for by dave and NOT done"), "{}", wanted.sentence(true));
}

#[test]
fn what_does_not_stop_is_given_up_after_ten_minutes_and_not_before() {
    let mut world = on_its_way();
    let d = world.running(NEXT, "production");
    let error = world.as_("dave", |cx| abandon(cx, d.id, "hangs")).unwrap_err();
    assert!(error.sentence.contains("was not asked to stop"), "{error}");
    world.as_("dave", |cx| cancel(cx, d.id, None)).unwrap();
    world.pass(Duration::from_mins(9));
    world.as_("erin", |cx| cancel(cx, d.id, None)).unwrap();
    let error = world.as_("dave", |cx| abandon(cx, d.id, "hangs")).unwrap_err();
    assert!(error.sentence.contains("was asked to stop 9m ago; it may be given up after 10m"), "{error}");
    world.pass(Duration::from_mins(1));
    assert_eq!(
        world.as_("alice", |cx| abandon(cx, d.id, "hangs")).unwrap_err().kind,
        ErrorKind::NotPermitted
    );
    let after = world.as_("dave", |cx| abandon(cx, d.id, "its host hangs")).unwrap();
    assert_eq!((after.state, after.recovered_by.as_deref()), (DeploymentState::Cancelled, Some("dave")));
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("its host hangs"));
    // The supervisor wakes up and says that everything went well: too late.
    let outcome = outcome(DeploymentState::Succeeded, world.now);
    let (now, won) =
        world.as_("erin", |cx| finish::settle(cx, d.id, d.epoch, &finish::OWN, &outcome, None)).unwrap();
    assert_eq!((now.state, won), (DeploymentState::Cancelled, false));
    world.as_("erin", |cx| claim::step(cx, d.id, d.epoch, &Step::planned(0, world.plan(&d)))).unwrap();
    assert_eq!(world.deployment(d.id).state, DeploymentState::Cancelled);
}

#[test]
fn a_rollback_that_could_not_be_launched_is_the_one_that_was_asked_for() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    decide(&world, "dave", Choice::RollBack, Some("errors")).unwrap();
    world.end(&world.deployment(d.id), DeploymentState::Failed);
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    for _ in 0..2 {
        world.as_("erin", |cx| follow_up::begin(cx, d.id)).unwrap();
    }
    let back = world.deployment(d.id).follow_up.unwrap().started.unwrap();
    let back = world.deployment(back);
    assert!(matches!(back.cause, Some(Cause::NeverStarted { .. })), "{back:?}");
    assert_eq!(world.as_("erin", board).unwrap().active, []);
}

#[test]
fn who_started_it_decides_only_as_long_as_they_may_deploy_there() {
    let mut world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    world
        .policy
        .groups
        .insert("sre".to_owned(), vec![relman::domain::policy::Member::User("dave".to_owned())]);
    let error = decide(&world, "erin", Choice::Retry, None).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotPermitted, "{error}");
    decide(&world, "dave", Choice::Retry, None).unwrap();
}

#[test]
fn somebody_is_on_it_until_it_goes_on_and_another_takes_it_over() {
    let world = on_its_way();
    let d = world.running(NEXT, "production");
    world.held(&d, failed());
    let (taken, before) = world.as_("dave", |cx| take(cx, d.id)).unwrap();
    assert_eq!((taken.on_it().unwrap().by.name.as_str(), before), ("dave", None));
    let (same, entries) = world.journaled(|| world.as_("dave", |cx| take(cx, d.id)).unwrap());
    assert_eq!((same.0.taken, entries), (taken.taken, Vec::new()), "once is enough");
    let (_, over) = world.as_("erin", |cx| take(cx, d.id)).unwrap();
    assert_eq!(over.unwrap().by.name, "dave");
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("takes it over from dave"));
    // Nobody else is kept from deciding by it, and what comes next is nobody's yet.
    decide(&world, "dave", Choice::Retry, None).unwrap();
    let hold = relman::domain::hold::Hold::after(2, &world.plan(&d), failed(), world.now);
    world.as_("erin", |cx| relman::ops::deployment::claim::hold(cx, d.id, d.epoch, &hold)).unwrap();
    assert_eq!(world.deployment(d.id).on_it(), None);
    let error = world.as_("alice", |cx| take(cx, d.id)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotPermitted);
}
