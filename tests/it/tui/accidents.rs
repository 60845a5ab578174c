//! Accidents are inert: text typed into the wrong window, a held key and pasted pages change nothing that matters.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use relman::domain::witness::FourEyes;
use relman::tui::action::ENTRIES;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::{Ui, is_severe, names};
use crate::support::screen::{approved, begun, ended, environment, team, with_storefront};
use crate::support::world::{World, release_id};

/// A store in which as much as possible is allowed: open gates, something to stop, something to go back to.
fn open_store() -> World {
    let mut world = team();
    with_storefront(&mut world, "[[services.storefront.steps]]\nname = \"warm\"\ncommand = [\"./warm.sh\"]");
    approved(&world, "bob", "storefront@1.4.1");
    approved(&world, "dave", "storefront@1.4.1");
    let id = begun(&world, "alice", "payments@3.2.0", "dev");
    ended(&world, id, None);
    let dev = world.policy.environments.get_mut(&environment("dev")).unwrap();
    dev.four_eyes = Some(FourEyes { from: Vec::new(), exempt: Vec::new(), ttl: FourEyes::TTL });
    let wanted = (release_id("payments@3.2.0"), environment("dev"));
    world.as_("alice", |cx| relman::ops::witness::ask(cx, &wanted.0, &wanted.1)).unwrap();
    world
}

/// How one gets to each dialog, from the board.
const DIALOGS: [(&str, &str); 28] = [
    ("the plain board", ""),
    ("the approval queue", "2"),
    ("the calendar", "3"),
    ("the log", "4"),
    ("a filter", "/"),
    ("help", "?"),
    ("the palette", ":"),
    ("a new release", "n"),
    ("what was said", "!"),
    ("the deploy dialog", "GkkkD"),
    ("the rollback dialog", "GkkkB"),
    ("the plan dialog", "GkkkDP"),
    ("the form of options", "GkkkDO"),
    ("the form for later", "GkkkS"),
    ("the chain form", "GkkkC"),
    ("a new freeze", "3n"),
    ("the stop of the line", "N"),
    ("the locks", "L"),
    ("a new lock", "Ln"),
    ("several logs", "4|"),
    ("the cancel dialog", "4X"),
    ("the approve dialog", "2a"),
    ("the reject form", "2x"),
    ("the form of an approval for later", "2A"),
    ("a locked keyboard", ":lock<enter>"),
    ("the question that frees it", ":lock<enter>:unlock<enter>"),
    ("the form for a moment", "@"),
    ("the dialog of a witness", "E"),
];

fn erin(world: &World) -> Ui {
    Ui::new(world, "erin")
}

/// The panes with a dialog open, opened by somebody who looks.
fn at(world: &World, base: &Ui, keys: &str) -> Ui {
    let mut ui = base.anew();
    for name in names(keys) {
        drop(ui.ask(world, &name));
    }
    ui
}

/// Types without a pause while the machine answers what is asked.
fn hastily(ui: &mut Ui, world: &World, text: &str) -> Vec<Effect> {
    let pace = std::mem::replace(&mut ui.pace, 20);
    let mut left = Vec::new();
    for c in text.chars() {
        let name = match c {
            '\n' => "<enter>".to_owned(),
            '<' => "<lt>".to_owned(),
            c => c.to_string(),
        };
        let effects = ui.key(&name);
        left.extend(ui.answer(world, effects));
    }
    ui.pace = pace;
    left
}

/// Types a text in every place; returns what it caused there.
fn caused_by(world: &World, text: &str) -> Vec<String> {
    let base = erin(world);
    let mut caused = Vec::new();
    for (place, keys) in DIALOGS {
        let mut ui = at(world, &base, keys);
        let effects = hastily(&mut ui, world, text);
        caused.extend(severe(effects).first().map(|effect| format!("in {place}: {effect:?}")));
    }
    caused
}

fn severe(effects: Vec<Effect>) -> Vec<Effect> {
    effects.into_iter().filter(is_severe).collect()
}

const LETTER: &str = "Dear Bob,\n\nDeploy went fine yesterday, yes. Xaver and Yvonne say that Beta 3 is okay \
as well; nobody complained.\nAll approvals are in? Yes/no: y\nBest,\nNina\n\n> why did it take so long?\n\
Bad disks. We'd better ask again: Do you agree? y\ny\n";

#[test]
fn a_letter_typed_into_the_wrong_window_starts_and_decides_nothing() {
    let world = open_store();
    assert_eq!(caused_by(&world, LETTER), [""; 0]);
}

#[test]
fn four_kilobytes_that_arrive_as_keys_start_and_decide_nothing() {
    let world = open_store();
    let text =
        "kubectl get pods | grep Running && echo yes > /tmp/DB; Xargs -n1 <in >out # By Yann\n".repeat(48);
    assert!(text.len() > 4000);
    assert_eq!(caused_by(&world, &text), [""; 0]);
}

#[test]
fn a_sentence_typed_into_the_queue_rejects_nothing() {
    let world = open_store();
    let mut ui = at(&world, &erin(&world), "2");
    let effects = hastily(&mut ui, &world, "exactly what I meant, thank you\n");
    assert_eq!(severe(effects), []);
}

#[test]
fn a_sentence_and_blank_lines_typed_into_the_calendar_close_nothing() {
    let world = open_store();
    let mut ui = at(&world, &erin(&world), "3");
    let effects = hastily(&mut ui, &world, "No, not today.\n\n\n\n\n");
    assert_eq!(severe(effects), []);
}

#[test]
fn four_kilobytes_that_are_pasted_order_nothing_at_all() {
    let world = open_store();
    let base = erin(&world);
    let text = "yes\ny\nDeploy 1.4.1\n".repeat(240);
    for (place, keys) in DIALOGS {
        let mut ui = at(&world, &base, keys);
        ui.wait(5000);
        assert_eq!(ui.paste(&text), [], "in {place}");
    }
}

#[test]
fn a_paste_outside_a_field_is_dropped_and_it_is_said() {
    let world = open_store();
    let base = erin(&world);
    for keys in ["", "2", "3", "4", "!"] {
        let mut ui = at(&world, &base, keys);
        let before = ui.selected();
        ui.paste("jjjD");
        assert_eq!(ui.said(), "pasted text was ignored: no field is open", "{keys}");
        assert_eq!(ui.selected(), before);
    }
}

#[test]
fn a_held_enter_starts_and_decides_nothing() {
    let world = open_store();
    let base = erin(&world);
    for (place, keys) in DIALOGS {
        let mut ui = at(&world, &base, keys);
        ui.pace = 30;
        let mut effects = Vec::new();
        for _ in 0..67 {
            let orders = ui.key("<enter>");
            effects.extend(ui.answer(&world, orders));
        }
        assert_eq!(severe(effects), [], "in {place}");
    }
}

#[test]
fn every_key_held_for_two_seconds_starts_and_decides_nothing() {
    let world = open_store();
    let base = erin(&world);
    for (place, keys) in DIALOGS {
        for key in keyboard() {
            let mut ui = at(&world, &base, keys);
            ui.pace = 30;
            let mut effects = Vec::new();
            for _ in 0..67 {
                let orders = ui.key(&key);
                effects.extend(ui.answer(&world, orders));
            }
            assert_eq!(severe(effects), [], "{key} in {place}");
        }
    }
}

/// All single keys that mean something somewhere, and those of a text.
fn keyboard() -> Vec<String> {
    let mut keys: Vec<String> = ENTRIES
        .iter()
        .flat_map(|entry| entry.keys)
        .map(|key| if *key == "<" { "<lt>" } else { key })
        .filter(|key| key.starts_with('<') || key.chars().count() == 1)
        .map(ToString::to_string)
        .collect();
    keys.extend(["y", "Y", "1", "4", ".", "<bs>", "<c-s>", "<s-tab>", "<c-u>"].map(String::from));
    keys.sort();
    keys.dedup();
    keys
}

/// What can come in from outside.
#[derive(Debug, Clone)]
enum Noise {
    Key(String),
    Paste(String),
    Resize(u16, u16),
    Focus(bool),
    Load,
}

fn noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        40 => prop::sample::select(keyboard()).prop_map(Noise::Key),
        10 => "[a-zA-Z0-9.!?<>]".prop_map(|text| Noise::Key(if text == "<" { "<lt>".to_owned() } else { text })),
        2 => "\\PC{0,40}".prop_map(Noise::Paste),
        2 => (1u16..250, 1u16..80).prop_map(|(width, height)| Noise::Resize(width, height)),
        1 => any::<bool>().prop_map(Noise::Focus),
        1 => Just(Noise::Load),
    ]
}

/// Keys come every 20 ms: no dialog ever sees a moment without a key, so none may be accepted. A form is filled in
/// on purpose and saved by Ctrl-S; nothing else saves one of these.
#[test]
fn whatever_comes_in_nothing_panics_and_nothing_starts() {
    let world = open_store();
    let base = erin(&world);
    let config = Config { cases: 80, failure_persistence: None, ..Config::default() };
    let input = (prop::sample::select(DIALOGS.to_vec()), prop::collection::vec(noise(), 1..250));
    let result = TestRunner::new(config).run(&input, |(start, all)| {
        let mut ui = at(&world, &base, start.1);
        ui.pace = 20;
        for one in all {
            let saves = ui.popup() == "form" && matches!(&one, Noise::Key(name) if name == "<c-s>");
            let effects = match &one {
                Noise::Key(name) => ui.key(name),
                Noise::Paste(text) => ui.paste(text),
                Noise::Resize(width, height) => ui.send(Msg::Resized(*width, *height)),
                Noise::Focus(has) => ui.send(Msg::FocusChanged(*has)),
                Noise::Load => ui.load(&world),
            };
            let left = ui.answer(&world, effects);
            let bad = left.iter().find(|effect| is_severe(effect) && !saves);
            prop_assert!(bad.is_none(), "{:?} ordered {:?}", one, bad);
        }
        drop(ui.screen());
        Ok(())
    });
    result.unwrap_or_else(|why| panic!("{why}"));
}

/// Whoever fell on a locked keyboard: not even a form is filled in and saved.
#[test]
fn on_a_locked_keyboard_no_key_at_all_changes_anything() {
    let world = open_store();
    let base = erin(&world);
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let input = prop::collection::vec(noise(), 1..250);
    let result = TestRunner::new(config).run(&input, |all| {
        let mut ui = at(&world, &base, ":lock<enter>");
        for one in all {
            let effects = match &one {
                Noise::Key(name) => ui.key(name),
                Noise::Paste(text) => ui.paste(text),
                Noise::Resize(width, height) => ui.send(Msg::Resized(*width, *height)),
                Noise::Focus(has) => ui.send(Msg::FocusChanged(*has)),
                Noise::Load => ui.load(&world),
            };
            let left = ui.answer(&world, effects);
            let bad = left.iter().find(|effect| is_severe(effect) || matches!(effect, Effect::Create { .. }));
            prop_assert!(bad.is_none() && ui.model.locked, "{:?} ordered {:?}", one, bad);
        }
        Ok(())
    });
    result.unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn quitting_is_not_a_way_to_lose_anything() {
    let world = open_store();
    let mut ui = at(&world, &erin(&world), "n");
    ui.keys("<tab>1.0.0");
    assert_eq!(ui.keys("q"), [], "q is a letter in a field");
    assert_eq!((ui.popup(), ui.model.focus), ("form", Pane::Board));
}
