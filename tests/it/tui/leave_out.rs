//! Steps are left out of a deployment from its dialog: by choice, on purpose, and with the confirmation of every other.

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
    ui.keys("L");
    let screen = ui.screen();
    assert!(screen.contains("PRODUCTION: deploy storefront@1.4.1 to production without"), "{screen}");
    assert!(screen.contains("warm the cache") && !screen.contains("backup  "), "{screen}");
    assert_eq!(ui.keys("<c-s>"), []);
    assert!(ui.screen().contains("nothing is left out"), "{}", ui.screen());
    assert_eq!(ui.keys("<right><enter>1.4<c-s>"), []);
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
fn where_everything_is_needed_it_says_so() {
    let (_world, mut ui) = dialog("");
    assert!(!ui.screen().contains("L leave out"), "{}", ui.screen());
    assert_eq!(ui.keys("L"), []);
    assert!(ui.said().contains("nothing can be left out"), "{:?}", ui.said());
    assert_eq!(ui.popup(), "deploy");
}
