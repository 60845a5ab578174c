//! `:` takes what the command line takes, and opens the dialog that asks.

use relman::tui::model::Pane;
use relman::tui::msg::Effect;

use crate::support::keys::Ui;
use crate::support::screen::team;
use crate::support::world::{World, release_id};

fn said(text: &str) -> (Ui, Vec<Effect>) {
    let world: World = team();
    let mut ui = Ui::new(&world, "alice");
    assert_eq!(ui.keys(":"), []);
    for letter in text.chars() {
        drop(ui.keys(&letter.to_string()));
    }
    let effects = ui.keys("<enter>");
    (ui, effects)
}

fn previews(text: &str, release: &str, environment: &str) {
    let (ui, effects) = said(text);
    let wanted = Effect::Preview { release: release_id(release), environment: environment.parse().unwrap() };
    assert!(effects.contains(&wanted), "{text}: {effects:?}\n{}", ui.screen());
}

#[test]
fn a_deployment_is_asked_for_in_every_way_the_command_line_knows() {
    previews("deploy storefront@1.5.0 production", "storefront@1.5.0", "production");
    previews("deploy storefront 1.5.0 production", "storefront@1.5.0", "production");
    previews("relman deploy storefront@1.5.0 --env production", "storefront@1.5.0", "production");
    previews("deploy payments@3.2 staging", "payments@3.2.0", "staging");
}

#[test]
fn what_enter_would_do_is_said_before_it() {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    drop(ui.keys(":"));
    for letter in "release block payments@3.2".chars() {
        drop(ui.keys(&letter.to_string()));
    }
    assert!(ui.screen().contains("Enter: block payments@3.2.0"), "{}", ui.screen());
    drop(ui.keys("<enter>"));
    assert_eq!(ui.popup(), "form");
    assert!(ui.screen().contains("Block payments@3.2.0"), "{}", ui.screen());
}

#[test]
fn a_decision_is_made_in_the_queue_about_what_was_named() {
    let (ui, _) = said("why storefront@1.5.0 production");
    assert_eq!(ui.model.focus, Pane::Board);
    let (ui, effects) = said("approve search@0.8.1 staging");
    assert_eq!(ui.model.focus, Pane::Approvals);
    assert_eq!(effects, []);
    assert!(
        ui.screen().contains("nothing about search@0.8.1 in staging waits for a decision"),
        "{}",
        ui.screen()
    );
}

#[test]
fn what_cannot_be_meant_is_said_and_the_line_stays() {
    for (text, why) in [
        ("deploy nothing@9.9.9 production", "is no environment, service or release on the board"),
        ("deploy s production", "may be"),
        ("deploy payments production", "'payments@' may be payments@3"),
        ("deploy storefront@1.5.0 --confirm", "is asked in the dialog"),
    ] {
        let (ui, effects) = said(text);
        assert_eq!(effects, [], "{text}");
        assert_eq!(ui.popup(), "palette", "{text}");
        assert!(ui.screen().contains(why), "{text}: {}", ui.screen());
    }
}

#[test]
fn one_word_still_finds_actions_by_name() {
    let (ui, _) = said("locks");
    assert_eq!(ui.popup(), "locks");
}
