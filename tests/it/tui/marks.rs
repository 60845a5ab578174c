//! Several decided about in one act: asked once, ordered together, never what wants its version typed.

use relman::domain::approval::{ApprovalSubject, Verdict};
use relman::ops::approval::decide::several;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::{TEAM, team};
use crate::support::world::{World, release_id};

/// Three requests that wait for bob, and one of his own.
fn requests() -> World {
    let policy = TEAM.replace("[stages.request]", "[stages.request]\napprovals = [{ from = \"managers\" }]")
        + "[process.standard]\nenter = \"request\"\n";
    let world = World::with(&policy);
    for id in ["storefront@2.0.0", "payments@4.0.0", "search@0.9.0"] {
        world.release(id);
    }
    world
}

fn at_the_queue(world: &World) -> Ui {
    let mut ui = Ui::new(world, "bob");
    ui.keys("2");
    assert_eq!(ui.model.focus, Pane::Approvals);
    ui
}

/// What was ordered, by release and verdict.
fn ordered(effects: &[Effect]) -> Vec<(String, Verdict, Option<String>)> {
    effects
        .iter()
        .flat_map(|effect| match effect {
            Effect::DecideAll(decisions) => decisions.clone(),
            other => panic!("{other:?}"),
        })
        .map(|decision| (decision.release.to_string(), decision.verdict, decision.reason))
        .collect()
}

#[test]
fn what_is_marked_is_approved_in_one_act_after_one_question() {
    let world = requests();
    let mut ui = at_the_queue(&world);
    assert_eq!(ui.keys("mm"), []);
    assert!(ui.screen().contains("2 marked"), "{}", ui.screen());
    assert_eq!(ui.keys("a"), []);
    assert_eq!(ui.popup(), "confirm");
    let screen = ui.screen();
    assert!(screen.contains("Approve 2 at once") && !screen.contains("search@0.9.0 for"), "{screen}");
    assert_eq!(ui.keys("<enter>"), [], "Enter never approves");
    ui.keys("a");
    ui.wait(1000);
    let effects = ui.keys("y");
    let done = ordered(&effects);
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|(_, verdict, _)| *verdict == Verdict::Approved), "{done:?}");

    let Effect::DecideAll(decisions) = effects[0].clone() else { panic!("{effects:?}") };
    let told = world.as_("bob", |cx| several(cx, decisions).told().unwrap());
    assert!(told.starts_with("2 decisions recorded: "), "{told}");
    ui.send(Msg::Done(told));
    ui.load(&world);
    assert_eq!(ui.model.queue.marked.len(), 0, "what does not wait any more has no mark");
}

#[test]
fn several_are_rejected_with_one_reason() {
    let world = requests();
    let mut ui = at_the_queue(&world);
    ui.keys("*x");
    assert_eq!(ui.popup(), "form");
    assert_eq!(ui.keys("<c-s>"), [], "a rejection needs a reason");
    let effects = ui.keys("no budget<c-s>");
    let done = ordered(&effects);
    assert_eq!(done.len(), 3);
    let all = |(_, verdict, reason): &(String, Verdict, Option<String>)| {
        *verdict == Verdict::Rejected && reason.as_deref() == Some("no budget")
    };
    assert!(done.iter().all(all), "{done:?}");
}

#[test]
fn what_wants_its_version_typed_is_approved_by_itself() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("m");
    ui.keys("a");
    assert_eq!(ui.popup(), "");
    assert!(ui.said().contains("wants its version typed: approve it by itself"), "{}", ui.said());
    ui.keys("<esc>a");
    assert_eq!(ui.popup(), "confirm", "without marks it is about the one at the cursor");
}

#[test]
fn what_is_not_yours_takes_no_mark() {
    let world = requests();
    let mut ui = Ui::new(&world, "frank");
    ui.keys("2m");
    assert!(ui.model.queue.marked.is_empty());
    assert!(ui.said().contains("not yours"), "{}", ui.said());
    ui.keys("*");
    assert_eq!(ui.said(), "nothing here waits for you");
}

#[test]
fn one_that_somebody_else_decided_meanwhile_is_left_out_of_the_question() {
    let world = requests();
    let mut ui = at_the_queue(&world);
    ui.keys("*a");
    ui.wait(1000);
    world.decide("carol", "payments@4.0.0", None, Verdict::Approved).unwrap();
    ui.load(&world);
    assert!(ui.said().starts_with("no longer payments@4.0.0 for request"), "{}", ui.said());
    ui.wait(1000);
    let done = ordered(&ui.keys("y"));
    assert!(done.iter().all(|(id, ..)| id != "payments@4.0.0"), "{done:?}");
    assert_eq!(done.len(), 2);
}

#[test]
fn one_that_is_refused_keeps_none_of_the_others_from_being_recorded() {
    let world = requests();
    let decision = |id: &str| {
        relman::ops::approval::decide::Decision::new(
            release_id(id),
            ApprovalSubject::Request,
            Verdict::Approved,
        )
    };
    world.decide("bob", "payments@4.0.0", None, Verdict::Approved).unwrap();
    let wanted = ["storefront@2.0.0", "payments@4.0.0", "search@0.9.0"].map(decision).to_vec();
    let error = world.as_("bob", |cx| several(cx, wanted).told()).unwrap_err();
    assert!(
        error.sentence.starts_with(
            "2 of 3 recorded (storefront@2.0.0 for request, search@0.9.0 for request); payments@4.0.0"
        ),
        "{error}"
    );
}
