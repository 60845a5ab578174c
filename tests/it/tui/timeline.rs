//! `gt`: what went to an environment.

use relman::tui::msg::Effect;

use crate::support::keys::Ui;
use crate::support::screen::team;
use crate::support::world::World;

fn opened() -> (World, Ui) {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    let effects = ui.keys("gt");
    assert!(matches!(&effects[..], [Effect::AskTimeline(_)]), "{effects:?}");
    drop(ui.answer(&world, effects));
    assert_eq!(ui.popup(), "timeline", "{}", ui.screen());
    (world, ui)
}

#[test]
fn everything_that_went_there_stands_by_its_age_with_its_outcome() {
    let (world, mut ui) = opened();
    let mut seen = String::new();
    for _ in 0..world.policy.environments.len() {
        let screen = ui.screen();
        assert!(screen.contains("Timeline of "), "{screen}");
        seen.push_str(&screen);
        let effects = ui.keys("<tab>");
        drop(ui.answer(&world, effects));
    }
    for text in
        ["Timeline of dev", "Timeline of production", "Timeline of staging", "today", "succeeded", "failed"]
    {
        assert!(seen.contains(text), "{text} in {seen}");
    }
}

#[test]
fn enter_reads_its_log_and_d_asks_for_the_same_again_there() {
    let (world, mut ui) = opened();
    while !ui.screen().contains("Timeline of staging") {
        let effects = ui.keys("<tab>");
        drop(ui.answer(&world, effects));
    }
    let effects = ui.keys("D");
    let [Effect::Preview { environment, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(environment.as_str(), "staging");
    let (world, mut ui) = opened();
    while !ui.screen().contains("Timeline of staging") {
        let effects = ui.keys("<tab>");
        drop(ui.answer(&world, effects));
    }
    let effects = ui.keys("<enter>");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Watch(_))), "{effects:?}");
    assert_eq!(ui.popup(), "");
}

#[test]
fn the_next_shift_is_told_in_the_panes_too() {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    let effects = ui.keys("gh");
    assert_eq!(effects, [Effect::AskHandover]);
    drop(ui.answer(&world, effects));
    assert_eq!(ui.popup(), "page", "{}", ui.screen());
    let screen = ui.screen();
    assert!(screen.contains("Hand-over") && screen.contains("search@0.8.2"), "{screen}");
}
