//! `u` and `U` in the panes, and the sentence that offers them.

use relman::ops::undo::Way;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::team;

#[test]
fn u_takes_back_and_the_capital_does_again_from_every_pane() {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    for pane in ["1", "2", "3", "4"] {
        drop(ui.keys(pane));
        assert!(ui.keys("u").contains(&Effect::Undo(Way::Undo)), "{pane}");
        assert!(ui.keys("U").contains(&Effect::Undo(Way::Redo)), "{pane}");
    }
}

#[test]
fn what_can_be_taken_back_says_by_which_key() {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    drop(ui.send(Msg::DoneForNow("search@0.9.0 is now in the build stage".to_owned())));
    assert_eq!(ui.said(), "search@0.9.0 is now in the build stage; u undoes");
    drop(ui.send(Msg::Done("#7 was asked to stop".to_owned())));
    assert_eq!(ui.said(), "#7 was asked to stop");
}

#[test]
fn nothing_is_taken_back_while_hands_are_off() {
    let mut world = team();
    world.policy.readonly = true;
    let mut ui = Ui::new(&world, "alice");
    assert_eq!(ui.keys("u"), []);
    assert!(ui.said().contains("read-only"), "{}", ui.said());
}
