//! A deployment is started otherwise than usual from its dialog: by choice, and with the confirmation of every other.

use relman::domain::hold::OnFailure;
use relman::ops::deployment::start::StartDeploy;
use relman::tui::msg::Effect;

use crate::support::keys::Ui;
use crate::support::screen::{approved, team, with_storefront};
use crate::support::world::World;

const STEPS: &str = r#"
[[services.storefront.steps]]
name = "backup"
command = ["./backup.sh"]
place = "first"
required = true
[[services.storefront.steps]]
name = "warm the cache"
command = ["./warm.sh"]
place = "before-verify"
"#;

/// The deploy dialog of a release that production is open to.
fn dialog(steps: &str) -> (World, Ui) {
    let mut world = team();
    if !steps.is_empty() {
        with_storefront(&mut world, steps);
        // What was approved before runs other steps.
        approved(&world, "bob", "storefront@1.4.1");
    }
    approved(&world, "dave", "storefront@1.4.1");
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    drop(ui.ask(&world, "D"));
    assert_eq!(ui.popup(), "deploy");
    ui.wait(1000);
    (world, ui)
}

#[test]
fn what_may_be_left_out_is_chosen_and_the_version_typed() {
    let (_world, mut ui) = dialog(STEPS);
    assert!(ui.screen().contains("backup, deploy 10%"), "{}", ui.screen());
    ui.keys("O");
    let screen = ui.screen();
    assert!(screen.contains("PRODUCTION: deploy storefront@1.4.1 to production otherwise"), "{screen}");
    assert!(screen.contains("warm the cache") && !screen.contains("backup  "), "{screen}");
    assert_eq!(ui.keys("<c-s>"), []);
    assert!(ui.screen().contains("nothing is otherwise"), "{}", ui.screen());
    assert_eq!(ui.keys("<right><enter><enter>1.4<c-s>"), []);
    assert!(ui.screen().contains("type the version 1.4.1 exactly"), "{}", ui.screen());
    let effects = ui.keys(".1<c-s>");
    let [Effect::Deploy(start)] = effects.as_slice() else { panic!("{effects:?}") };
    let StartDeploy { left_out, confirm, seen, .. } = start.as_ref();
    assert_eq!(
        (left_out.as_slice(), confirm.as_deref()),
        (&["warm the cache".to_owned()][..], Some("1.4.1"))
    );
    assert!(seen.is_some(), "what was agreed to goes with it");
    assert_eq!(ui.keys("<c-s>"), [], "a second one sends nothing more");
}

#[test]
fn what_a_failure_leads_to_may_be_said_for_once() {
    let (_world, mut ui) = dialog("");
    ui.keys("O");
    assert!(ui.screen().contains("A failed step leads to: fail."), "{}", ui.screen());
    let effects = ui.keys("<right><right><enter>1.4.1<c-s>");
    let [Effect::Deploy(start)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((start.on_failure, start.left_out.len()), (Some(OnFailure::Ask), 0));
}

#[test]
fn where_the_gates_are_closed_there_are_no_options() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    drop(ui.ask(&world, "D"));
    assert!(!ui.screen().contains("O options"), "{}", ui.screen());
    assert_eq!(ui.keys("O"), []);
    assert_eq!(ui.popup(), "deploy");
}
