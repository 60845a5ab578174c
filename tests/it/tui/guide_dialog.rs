//! A deployment waits for a person: few keys, nothing by accident, and each says what happens.

use relman::domain::deployment::Cause;
use relman::domain::hold::{Choice, HoldReason};
use relman::ops::OpError;
use relman::ops::deployment::guide::Decision;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::{approved, begun, built, team};
use crate::support::world::World;

/// 1.4.1 is on its way to production, where 1.4.0 was, and has just failed.
fn failed() -> World {
    let world = team();
    approved(&world, "dave", "storefront@1.4.1");
    let id = begun(&world, "erin", "storefront@1.4.1", "production");
    world.held(&world.deployment(id), HoldReason::Failed { cause: Cause::Exit { code: 1 } });
    world
}

fn order(world: &World, choice: Choice, reason: Option<&str>) -> Effect {
    let waiting = world.as_("erin", relman::ops::view::board::board).unwrap().active;
    let d = waiting.iter().find(|d| d.hold.is_some()).unwrap();
    Effect::Guide(Box::new(Decision {
        deployment: d.id,
        choice,
        reason: reason.map(str::to_owned),
        seen: Some(1),
    }))
}

#[test]
fn from_opening_the_panes_it_takes_three_keys_and_a_reason_to_go_back() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    assert!(ui.screen().contains("R decide"), "the way is at the foot of the screen:\n{}", ui.screen());
    assert_eq!(ui.keys("R"), []);
    let screen = ui.screen();
    for words in
        ["PRODUCTION", "failed (the script ended with exit status 1)", "b  roll-back", "go back to 1.4.0"]
    {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
    assert_eq!(ui.keys("b"), []);
    assert!(ui.screen().contains("Enter does it: roll-back"), "{}", ui.screen());
    ui.wait(1000);
    assert_eq!(
        ui.keys("errors at checkout<enter>"),
        [order(&world, Choice::RollBack, Some("errors at checkout"))]
    );
}

#[test]
fn the_same_key_works_in_the_log_and_capital_b_leads_there_too() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    assert_eq!(ui.keys("B"), []);
    assert_eq!(ui.popup(), "guide");
    ui.keys("<esc>gl");
    drop(ui.load(&world));
    assert!(ui.screen().contains("(R decides)"), "{}", ui.screen());
    ui.keys("R");
    assert_eq!(ui.popup(), "guide");
}

#[test]
fn choosing_does_nothing_yet_and_a_quick_yes_is_not_taken() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.keys("R");
    assert_eq!(ui.hastily("ry"), []);
    assert_eq!(ui.said(), "that was too quick to be meant; press y again");
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "guide", "back to the choices");
    ui.keys("r");
    ui.wait(1000);
    assert_eq!(ui.keys("y"), [order(&world, Choice::Retry, None)]);
    assert_eq!(ui.keys("y"), [], "once");
}

#[test]
fn what_needs_a_reason_is_not_done_without() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.keys("Rs");
    ui.wait(1000);
    assert_eq!(ui.keys("<enter>"), []);
    assert_eq!(ui.said(), "skip needs a reason");
    assert_eq!(
        ui.keys("the metric is wrong<enter>"),
        [order(&world, Choice::Skip, Some("the metric is wrong"))]
    );
}

#[test]
fn a_dialog_whose_question_was_answered_by_somebody_else_goes_away() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.keys("R");
    let wanted = match order(&world, Choice::Retry, None) {
        Effect::Guide(wanted) => *wanted,
        other => panic!("{other:?}"),
    };
    world.as_("dave", |cx| relman::ops::deployment::guide::guide(cx, &wanted)).unwrap();
    drop(ui.load(&world));
    assert_eq!(ui.popup(), "over");
    assert!(ui.said().starts_with("dave was faster and chose retry for #"), "{}", ui.said());
    assert_eq!(ui.keys("<esc>R"), []);
    assert_eq!(ui.said(), "no deployment waits for a person");
}

#[test]
fn one_key_says_that_one_is_on_it_and_takes_it_over() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.keys("R");
    let id = match ui.keys("i").remove(0) {
        Effect::Take(id) => id,
        other => panic!("{other:?}"),
    };
    world.as_("carol", |cx| relman::ops::deployment::take::take(cx, id)).unwrap_err();
    world.as_("dave", |cx| relman::ops::deployment::take::take(cx, id)).unwrap();
    drop(ui.load(&world));
    assert!(ui.screen().contains("dave is on it, for 0s; i takes it over"), "{}", ui.screen());
    ui.keys("<esc>");
    assert!(ui.screen().contains("dave is on it"), "{}", ui.screen());
    assert_eq!(ui.keys("Ri"), [Effect::Take(id)]);
}

#[test]
fn what_was_refused_may_be_chosen_otherwise() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.keys("Rr");
    ui.wait(1000);
    ui.keys("y");
    ui.send(Msg::Failed(OpError::conflict("dave was faster and chose skip")));
    assert_eq!(ui.popup(), "guide");
    assert!(ui.said().contains("dave was faster"), "{:?}", ui.said());
    ui.keys("<esc><esc>");
    assert_eq!(ui.popup(), "");
}

#[test]
fn a_cancel_may_go_back_in_one() {
    let world = built();
    let id = begun(&world, "erin", "storefront@1.5.0", "dev");
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    ui.keys("X<tab>");
    assert_eq!(ui.popup(), "form");
    assert_eq!(ui.keys("it hurts<c-s>"), [Effect::CancelAndRollBack { id, reason: "it hurts".to_owned() }]);
}

#[test]
fn a_pause_for_a_time_may_be_cut_short_by_the_same_key() {
    let world = team();
    approved(&world, "dave", "storefront@1.4.1");
    let id = begun(&world, "erin", "storefront@1.4.1", "production");
    let until = world.now.plus(std::time::Duration::from_mins(10));
    world.held(&world.deployment(id), HoldReason::Pause { until });
    let mut ui = Ui::new(&world, "erin");
    ui.keys("R");
    assert!(ui.screen().contains("waiting 10m before deploy"), "{}", ui.screen());
    ui.keys("p");
    ui.wait(1000);
    assert_eq!(ui.keys("y"), [order(&world, Choice::Promote, None)]);
}

#[test]
fn after_going_back_the_log_shows_the_rollback() {
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    ui.keys("gl");
    drop(ui.load(&world));
    let id = ui.model.log.shown.unwrap();
    let wanted = match order(&world, Choice::RollBack, Some("errors")) {
        Effect::Guide(wanted) => *wanted,
        other => panic!("{other:?}"),
    };
    world.as_("erin", |cx| relman::ops::deployment::guide::guide(cx, &wanted)).unwrap();
    world.end(&world.deployment(id), relman::domain::deployment::DeploymentState::Failed);
    drop(ui.load(&world));
    assert_eq!(ui.model.log.shown, Some(id));
    world.as_("erin", |cx| relman::ops::deployment::follow_up::begin(cx, id)).unwrap();
    drop(ui.load(&world));
    let back = world.deployment(id).follow_up.unwrap().started;
    assert_eq!(ui.model.log.shown, back);
    drop(ui.load(&world));
    ui.keys("[");
    drop(ui.load(&world));
    assert_eq!(ui.model.log.shown, Some(id), "who looks back is left there");
    drop(ui.load(&world));
    assert_eq!(ui.model.log.shown, Some(id));
}

#[test]
fn of_many_steps_the_current_one_is_in_sight() {
    use relman::domain::deployment::{Step, StepState};
    let world = failed();
    let mut ui = Ui::new(&world, "erin");
    ui.model.size = (80, 24);
    ui.select("storefront@1.4.1");
    ui.keys("gl");
    drop(ui.load(&world));
    let view = ui.model.views.shown.as_mut().unwrap();
    let plan = view.steps[0].plan.clone();
    let step = |index: usize| {
        let plan = relman::domain::strategy::StepPlan { name: format!("deploy web-{index}"), ..plan.clone() };
        let state = if index < 20 { StepState::Succeeded } else { StepState::Pending };
        Step { state, ..Step::planned(index, plan) }
    };
    view.steps = (0..30).map(step).collect();
    let screen = ui.screen();
    let line =
        screen.lines().find(|line| line.contains("deploy web-20")).unwrap_or_else(|| panic!("{screen}"));
    assert!(line.starts_with("… ") && line.trim_end().ends_with('…'), "{line:?}");
}
