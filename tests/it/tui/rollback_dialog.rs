//! The rollback dialog: a known-good release, a reason, and no way through by accident.

use relman::domain::toggle::Flip;
use relman::ops::deployment::rollback::StartRollback;
use relman::ops::deployment::toggle::StartToggle;
use relman::ops::release::edit::Edit;
use relman::ops::{ErrorKind, OpError};
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::{Ui, is_severe};
use crate::support::screen::{approved, delivered, environment, team, with_storefront};
use crate::support::world::World;

/// Production of the storefront went from 1.4.0 to 1.4.1.
fn two_in_production() -> World {
    let mut world = team();
    approved(&world, "dave", "storefront@1.4.1");
    delivered(&mut world, "erin", "storefront@1.4.1", "production", None);
    world
}

/// The dialog for production: a reason and the version are asked.
fn production(world: &World) -> Ui {
    let mut ui = Ui::new(world, "erin");
    ui.select("storefront@1.4.1");
    assert_eq!(ui.ask(world, "B"), []);
    assert_eq!(ui.popup(), "rollback");
    ui
}

/// The dialog for staging: a reason is asked.
fn staging() -> (World, Ui) {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    assert_eq!(ui.ask(&world, "B"), []);
    assert_eq!(ui.popup(), "rollback");
    (world, ui)
}

fn order(env: &str, to: &str, reason: &str, confirm: Option<&str>) -> Effect {
    Effect::RollBack(Box::new(StartRollback {
        service: "storefront".parse().unwrap(),
        environment: environment(env),
        to: Some(to.parse().unwrap()),
        reason: reason.to_owned(),
        confirm: confirm.map(ToOwned::to_owned),
    }))
}

#[test]
fn it_offers_what_was_good_there_and_names_what_it_leaves() {
    let ui = production(&two_in_production());
    let screen = ui.screen();
    assert!(screen.contains("there now: 1.4.1"), "{screen}");
    assert!(screen.contains("1.4.0") && screen.contains("Gift cards"), "{screen}");
    assert!(screen.contains("PRODUCTION"), "{screen}");
}

#[test]
fn production_wants_a_reason_and_the_version_typed() {
    let mut ui = production(&two_in_production());
    ui.wait(1000);
    assert_eq!(
        ui.keys("<enter>carts vanish<enter>1.4.0<enter>"),
        [order("production", "1.4.0", "carts vanish", Some("1.4.0"))]
    );
    assert_eq!(ui.keys("<enter><enter>"), [], "a second Enter sends nothing more");
    assert_eq!(ui.hold("<enter>", 2000), []);
}

#[test]
fn production_takes_no_other_version() {
    let world = two_in_production();
    for wrong in ["1.4.1", "1.4", "", "y"] {
        let mut ui = production(&world);
        ui.wait(1000);
        assert_eq!(ui.keys(&format!("<enter>why<enter>{wrong}<enter>")), [], "{wrong:?}");
        assert!(ui.said().contains("type 1.4.0 exactly"), "{:?}", ui.said());
    }
}

#[test]
fn a_rollback_without_a_reason_goes_back_to_the_reason() {
    let mut ui = production(&two_in_production());
    ui.wait(1000);
    assert_eq!(ui.keys("<enter><enter>1.4.0<enter>"), []);
    assert_eq!(ui.said(), "a rollback needs a reason");
    assert_eq!(ui.keys("carts vanish<enter><enter>").len(), 1, "what was typed is still there");
}

#[test]
fn paste_is_ignored() {
    let mut ui = production(&two_in_production());
    ui.wait(1000);
    ui.keys("<enter>why<enter>");
    assert_eq!(ui.paste("1.4.0"), []);
    assert!(ui.said().contains("pasted text was ignored"), "{:?}", ui.said());
    assert_eq!(ui.keys("<enter>"), []);
}

#[test]
fn a_failure_keeps_what_was_typed() {
    let mut ui = production(&two_in_production());
    ui.wait(1000);
    ui.keys("<enter>carts vanish<enter>1.4.0<enter>");
    ui.send(Msg::Failed(OpError::new(ErrorKind::Conflict, "bob was faster")));
    assert_eq!(ui.said(), "bob was faster");
    assert!(ui.screen().contains("carts vanish"), "{}", ui.screen());
    assert_eq!(ui.keys("<enter>").len(), 1);
}

#[test]
fn outside_production_a_reason_is_enough_for_somebody_who_takes_the_time() {
    let (_world, mut ui) = staging();
    ui.wait(1000);
    let mut effects = ui.keys("<enter>broken images<enter>");
    ui.wait(1000);
    effects.extend(ui.keys("y"));
    assert_eq!(effects, [order("staging", "1.4.0", "broken images", None)]);
}

/// Enter is the key that repeats and that ends every typed line: alone it accepts nothing.
#[test]
fn a_held_enter_rolls_nothing_back() {
    let (_world, mut ui) = staging();
    ui.wait(1000);
    ui.keys("<enter>x");
    assert_eq!(ui.hold("<enter>", 2000), []);
}

#[test]
fn two_lines_typed_without_looking_roll_nothing_back() {
    let (_world, mut ui) = staging();
    let effects =
        ui.hastily("the build was broken, sorry<enter>we will look into it tomorrow morning<enter>");
    assert!(!effects.iter().any(is_severe), "{effects:?}");
}

#[test]
fn without_a_known_good_release_it_says_how_to_go_on() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.0");
    ui.ask(&world, "B");
    assert!(ui.screen().contains("there is nothing to go back to"), "{}", ui.screen());
    ui.wait(1000);
    assert_eq!(ui.keys("jjx<tab>y<enter>"), []);
    assert_eq!(ui.popup(), "");
}

#[test]
fn escape_leaves_it() {
    let (_world, mut ui) = staging();
    assert_eq!(ui.keys("<esc>"), []);
    assert_eq!(ui.popup(), "");
}

#[test]
fn another_environment_is_one_key_away() {
    let world = two_in_production();
    let mut ui = production(&world);
    assert!(ui.screen().contains("Roll back storefront in production"), "{}", ui.screen());
    assert_eq!(ui.ask(&world, "<left>"), []);
    assert!(ui.screen().contains("Roll back storefront in staging"), "{}", ui.screen());
    assert_eq!(ui.ask(&world, "<right>"), []);
    assert!(ui.screen().contains("Roll back storefront in production"), "{}", ui.screen());
}

#[test]
fn a_rollback_from_what_is_no_longer_there_is_chosen_anew() {
    let mut world = two_in_production();
    let mut ui = production(&world);
    ui.wait(1000);
    ui.keys("<enter>it hurts<enter>1.4.0");
    delivered(&mut world, "erin", "storefront@1.4.1", "production", None);
    let effects = ui.load(&world);
    assert_eq!(ui.answer(&world, effects), []);
    assert!(ui.said().contains("(storefront@1.4.1, by erin) is succeeded there now"), "{}", ui.said());
    assert_eq!(ui.keys("<enter>"), []);
}

#[test]
fn what_a_toggle_guards_is_switched_off_without_a_deployment() {
    let mut world = two_in_production();
    let toggle = "[services.storefront.toggles.new-checkout]\ndescription = \"the new checkout\"\n\
                  on = [\"./flag.sh\", \"on\"]\noff = [\"./flag.sh\", \"off\"]";
    with_storefront(&mut world, toggle);
    let toggles = Some(vec!["new-checkout".to_owned()]);
    world.edit("storefront@1.4.1", &Edit { toggles, ..Edit::default() });
    let mut ui = production(&world);
    ui.wait(1000);
    let screen = ui.screen();
    assert!(
        screen.contains("switch it off, deploy nothing") && screen.contains("the new checkout"),
        "{screen}"
    );
    ui.keys("j");
    assert!(ui.screen().contains("The release stays live"), "{}", ui.screen());
    assert!(!ui.screen().contains("blocks the release it leaves"), "{}", ui.screen());
    assert_eq!(ui.keys("<enter>carts vanish<enter>1.4.1<enter>"), [], "not the version is typed");
    assert!(ui.said().contains("type new-checkout exactly"), "{:?}", ui.said());
    ui.keys(&"<bs>".repeat(5));
    let wanted = StartToggle {
        service: "storefront".parse().unwrap(),
        environment: environment("production"),
        flip: Flip { name: "new-checkout".to_owned(), on: false },
        reason: "carts vanish".to_owned(),
        confirm: Some("new-checkout".to_owned()),
    };
    assert_eq!(ui.keys("new-checkout<enter>"), [Effect::Toggle(Box::new(wanted))]);
    assert_eq!(ui.keys("<enter><enter>"), [], "a second Enter sends nothing more");
}
