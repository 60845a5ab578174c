//! Do the panes show the past, say so, change nothing there and come back?

use std::time::Duration;

use relman::domain::moment::Moment;
use relman::ops::past::{Past, Still, Stride, Travel, arrive};
use relman::tui::action::{ENTRIES, belongs};
use relman::tui::allow::allow;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg, Views};

use crate::support::keys::{Ui, is_severe};
use crate::support::world::World;

/// A release that was in the build stage an hour ago and is live in dev now.
fn moved() -> World {
    let mut world = World::new();
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 2);
    world.pass(Duration::from_hours(1));
    world.deploy("api@1.0.0", "dev");
    world.advance("api@1.0.0", 1);
    world
}

/// What the worker does with an order to travel.
fn travel(ui: &mut Ui, world: &World, effects: &[Effect]) {
    let [Effect::Travel(travel)] = effects else { panic!("{effects:?}") };
    let answer = world.as_("erin", |cx| {
        let Some(moment) = arrive(cx, ui.model.past, *travel)? else { return Ok(None) };
        let past = Past::open(cx, moment)?;
        let still = Still(&world.machine);
        let views = Views::read(&past.cx(cx, &still), None, None)?;
        Ok(Some(Msg::Travelled(Box::new(views), past.place())))
    });
    match answer {
        Ok(Some(msg)) => drop(ui.send(msg)),
        Ok(None) => drop(ui.load(world)),
        Err(error) => drop(ui.send(Msg::Failed(error))),
    }
}

#[track_caller]
fn go(ui: &mut Ui, world: &World, keys: &str) {
    let effects = ui.keys(keys);
    travel(ui, world, &effects);
}

#[test]
fn the_slider_shows_the_board_of_then_and_esc_comes_back() {
    let world = moved();
    let mut ui = Ui::new(&world, "erin");
    assert!(!ui.screen().contains("PAST"));
    go(&mut ui, &world, "{");
    let place = ui.model.past.unwrap();
    assert_eq!(place.seq, world.entries() - 1);
    let screen = ui.screen();
    assert!(screen.contains("BUILD\n") && !screen.contains("TEST\n"), "{screen}");
    assert!(screen.contains(&format!("PAST 2026-09-01 11:00  #{}", place.seq)), "{screen}");
    assert!(screen.contains("[1] Board  PAST"), "{screen}");
    assert!(screen.lines().last().unwrap().starts_with("PAST, read-only  { } entry"), "{screen}");
    go(&mut ui, &world, "{");
    assert_eq!(ui.model.past.unwrap().seq, place.seq - 1);
    go(&mut ui, &world, "}");
    assert_eq!(ui.model.past.unwrap().seq, place.seq);
    go(&mut ui, &world, "<esc>");
    assert_eq!(ui.model.past, None);
    assert_eq!(ui.said(), "now again");
    assert!(ui.screen().contains("TEST\n"));
}

#[test]
fn an_hour_and_a_day_are_steps_of_the_clock() {
    let world = moved();
    let mut ui = Ui::new(&world, "erin");
    assert_eq!(ui.keys("("), [Effect::Travel(Travel::Back(Stride::Hour))]);
    go(&mut ui, &world, "(");
    assert_eq!(ui.model.past.unwrap().at, world.now.minus(Duration::from_hours(1)));
    assert!(ui.screen().contains("BUILD\n"));
    assert_eq!(ui.keys("="), [Effect::Travel(Travel::On(Stride::Day))]);
    go(&mut ui, &world, ")");
    assert_eq!(ui.model.past, None, "an hour on is now");
    // Before the store was made there is nothing to be seen: said, and nothing else happens.
    go(&mut ui, &world, "-");
    assert_eq!(ui.model.past, None);
    assert_eq!(ui.said(), "there is no entry from then: the journal begins later");
}

#[test]
fn a_moment_is_asked_for_in_a_form() {
    let world = moved();
    let mut ui = Ui::new(&world, "erin");
    assert_eq!(ui.keys("@"), []);
    assert_eq!(ui.popup(), "form");
    assert_eq!(ui.keys("last<space>week<enter>"), []);
    assert_eq!(ui.popup(), "form", "what is no moment is said in the form");
    assert_eq!(ui.keys("<c-u>2<enter>"), [Effect::Travel(Travel::To(Moment::Entry(2)))]);
    travel(&mut ui, &world, &[Effect::Travel(Travel::To(Moment::Entry(2)))]);
    assert_eq!((ui.popup(), ui.model.past.unwrap().seq), ("", 2));
}

#[test]
fn nothing_that_changes_something_is_possible_in_the_past() {
    let world = moved();
    let mut ui = Ui::new(&world, "erin");
    go(&mut ui, &world, "{");
    for pane in Pane::ALL {
        ui.go(pane);
        for entry in ENTRIES.iter().filter(|entry| belongs(entry, pane)) {
            if allow(&ui.model, entry.action).is_err() {
                continue;
            }
            for key in entry.keys {
                let mut other = Ui::new(&world, "erin");
                other.model.past = ui.model.past;
                other.go(pane);
                let effects = other.keys(&key.replace('<', if key.len() == 1 { "<lt>" } else { "<" }));
                assert!(!effects.iter().any(is_severe), "{} orders {effects:?}", entry.name);
                assert!(
                    !matches!(other.popup(), "deploy" | "rollback" | "guide" | "confirm" | "locks" | "train"),
                    "{} opens {}",
                    entry.name,
                    other.popup()
                );
            }
        }
    }
    ui.go(Pane::Board);
    for key in ["D", "B", "X", ">", "e", "n", "b", "L", "S", "C"] {
        assert_eq!(ui.keys(key), [], "{key}");
        assert!(ui.said().starts_with("this is the past, behind entry "), "{key}: {}", ui.said());
        assert_eq!(ui.popup(), "");
    }
}

#[test]
fn coming_back_rings_no_bell_about_what_had_ended_long_before() {
    let world = moved();
    let started = world.start("erin", "api@1.0.0", "staging").unwrap().deployment;
    world.claim(&started);
    let then = world.entries();
    let mut ui = Ui::new(&world, "erin");
    world.end(&started, relman::domain::deployment::DeploymentState::Succeeded);
    drop(ui.load(&world));
    travel(&mut ui, &world, &[Effect::Travel(Travel::To(Moment::Entry(then)))]);
    assert_eq!(ui.model.running(), 1, "it ran then");
    let effects = ui.load(&world);
    assert!(!effects.contains(&Effect::Bell), "{effects:?}");
    assert_eq!(ui.said(), "now again");
}

#[test]
fn without_a_past_there_is_nothing_to_go_on_to() {
    let world = moved();
    let mut ui = Ui::new(&world, "erin");
    assert_eq!(ui.keys("}"), []);
    assert_eq!(ui.said(), "this is now; { ( and - go back");
}
