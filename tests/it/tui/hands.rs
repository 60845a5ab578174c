//! A relman that only looks, and a keyboard that is locked: nothing is ordered, the screen says so and goes on.

use relman::tui::action::ENTRIES;
use relman::tui::allow::allow;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::{Ui, is_severe};
use crate::support::screen::{approved, team};
use crate::support::world::World;

fn store() -> World {
    let world = team();
    approved(&world, "dave", "storefront@1.4.1");
    world
}

fn readonly() -> (World, Ui) {
    let mut world = store();
    world.policy.readonly = true;
    let ui = Ui::new(&world, "erin");
    (world, ui)
}

/// Acts by name, as the palette does.
fn act(ui: &mut Ui, name: &str) -> Vec<Effect> {
    ui.keys(&format!(":{name}<enter>"))
}

fn locked() -> (World, Ui) {
    let world = store();
    let mut ui = Ui::new(&world, "erin");
    act(&mut ui, "lock");
    assert!(ui.model.locked);
    (world, ui)
}

#[test]
fn read_only_stands_in_words_on_every_pane_and_the_footer_offers_no_act() {
    let (_world, mut ui) = readonly();
    for pane in Pane::ALL {
        ui.go(pane);
        assert!(ui.screen().lines().next().unwrap().contains("READ-ONLY"), "{}", ui.screen());
        let words = ["deploy", "new", "edit", "advance", "approve", "reject", "new freeze", "stop the line"];
        let offered = ui.hints();
        assert!(!offered.iter().any(|(_, hint)| words.contains(&hint.as_str())), "{offered:?}");
    }
}

#[test]
fn every_key_that_acts_is_refused_with_the_reason_while_nothing_may_be_changed() {
    let (world, mut ui) = readonly();
    for keys in ["D", "n", "e", ">", "<lt>", "b", "B", "C", "S", "2a", "2x", "3n", "3N", "4a", "Ln"] {
        ui.go(Pane::Board);
        let effects = ui.ask(&world, keys);
        assert!(!effects.iter().any(is_severe), "{keys}: {effects:?}");
        assert_eq!(ui.popup(), if keys == "Ln" { "locks" } else { "" }, "{keys}");
        assert_eq!(ui.said(), "relman is read-only here: nothing was changed", "{keys}");
        ui.model.popups.clear();
    }
    ui.go(Pane::Board);
    drop(ui.ask(&world, "w"));
    assert_eq!(ui.popup(), "page", "looking is what it is for");
}

#[test]
fn a_locked_keyboard_looks_and_does_not_act_or_leave() {
    let (world, mut ui) = locked();
    assert!(ui.screen().lines().next().unwrap().contains("LOCKED"), "{}", ui.screen());
    for pane in Pane::ALL {
        ui.go(pane);
        for entry in ENTRIES {
            if allow(&ui.model, entry.action).is_err() {
                continue;
            }
            let effects = relman::tui::update::act(&mut ui.model, entry.action);
            assert!(
                !effects.iter().any(|e| is_severe(e) || matches!(e, Effect::Quit | Effect::Suspend)),
                "{}",
                entry.name
            );
            ui.model.popups.clear();
            ui.model.typing_filter = None;
            ui.model.focus = pane;
        }
    }
    ui.go(Pane::Board);
    for key in ["D", "q", "Q", "<c-z>"] {
        assert_eq!(ui.keys(key), [], "{key}");
        assert_eq!(ui.said(), "the keyboard is locked; :unlock frees it", "{key}");
    }
    // It is no prison: who insists leaves.
    assert_eq!(ui.keys("<c-c><c-c>"), [Effect::Quit]);
    drop(ui.load(&world));
    assert!(ui.model.locked, "the screen goes on and the lock stays");
}

#[test]
fn it_is_freed_by_typing_who_one_is_and_by_nothing_less() {
    let (_world, mut ui) = locked();
    act(&mut ui, "unlock");
    assert_eq!(ui.popup(), "unlock");
    assert!(ui.screen().contains("type unlock erin"), "{}", ui.screen());
    ui.keys("unlock bob<enter>");
    assert!(ui.model.locked && ui.said().contains("type unlock erin exactly"), "{}", ui.said());
    ui.keys("<c-u>");
    assert_eq!(ui.paste("unlock erin"), []);
    ui.wait(1000);
    ui.keys("<enter>");
    assert!(ui.model.locked, "pasted is not typed");
    ui.keys("unlock erin<enter>");
    assert!(!ui.model.locked);
    assert_eq!((ui.popup(), ui.said()), ("", "the keyboard is free again"));
    ui.keys("n");
    assert_eq!(ui.popup(), "form");
}

#[test]
fn an_answer_that_comes_after_the_lock_opens_no_dialog() {
    let world = store();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    let asked = ui.keys("D");
    assert!(matches!(asked.as_slice(), [Effect::Preview { .. }]), "{asked:?}");
    act(&mut ui, "lock");
    let left = ui.answer(&world, asked);
    assert_eq!((left.len(), ui.popup()), (0, ""));
}

#[test]
fn only_what_can_be_locked_is_locked_and_only_what_is_locked_is_freed() {
    let world = store();
    let mut ui = Ui::new(&world, "erin");
    act(&mut ui, "unlock");
    assert_eq!(ui.said(), "the keyboard is not locked");
    act(&mut ui, "lock");
    act(&mut ui, "lock");
    assert_eq!(ui.said(), "the keyboard is locked already");
    assert!(matches!(ui.send(Msg::FocusChanged(true)).as_slice(), []));
}
