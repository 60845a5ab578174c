//! Five hints, each once.

use relman::tui::tour::{HINTS, Tour};

use crate::support::keys::Ui;
use crate::support::screen::team;

fn newcomer() -> Ui {
    let mut ui = Ui::new(&team(), "alice");
    ui.model.tour = Tour::after(0);
    ui
}

#[test]
fn a_hint_goes_when_its_key_was_pressed_and_the_next_one_comes() {
    let mut ui = newcomer();
    assert!(ui.screen().contains("new here (1 of 5): ? shows every key of this pane"), "{}", ui.screen());
    drop(ui.keys("?<esc>"));
    assert!(ui.screen().contains("new here (2 of 5): Enter looks closer"), "{}", ui.screen());
    drop(ui.keys("2"));
    assert!(ui.screen().contains("(2 of 5)"), "what is not about it leaves it: {}", ui.screen());
}

#[test]
fn whoever_does_other_things_has_seen_all_of_them_soon_and_sees_none_again() {
    let mut ui = newcomer();
    let mut seen = Vec::new();
    for _ in 0..HINTS * 10 {
        let screen = ui.screen();
        for hint in 1..=HINTS {
            if screen.contains(&format!("({hint} of 5)")) && !seen.contains(&hint) {
                seen.push(hint);
            }
        }
        drop(ui.keys("j"));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert_eq!(ui.model.tour, None);
    assert_eq!(Tour::after(HINTS), None);
}

#[test]
fn what_is_said_goes_before_a_hint_and_no_hint_wraps() {
    let mut ui = newcomer();
    drop(ui.keys("T"));
    assert!(ui.screen().contains("times are in") && !ui.screen().contains("new here"), "{}", ui.screen());
    for told in 0..HINTS {
        let mut ui = newcomer();
        ui.model.tour = Tour::after(told);
        let screen = ui.screen();
        let line = screen.lines().find(|line| line.contains("new here")).unwrap();
        assert!(line.chars().count() <= 80, "{line}");
        ui.model.hints = false;
        assert!(!ui.screen().contains("new here"));
    }
}
