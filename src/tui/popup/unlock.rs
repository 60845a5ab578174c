//! Frees a locked keyboard: the person types who they are.
//!
//! There is no password to ask for, and none is pretended: what is typed stands on the screen. It proves that a person
//! read it and meant it, not which person.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::confirm::prompt;
use super::{Arming, Outcome, dialog_box};
use crate::tui::model::Model;
use crate::tui::widget::input::Input;

#[derive(Debug)]
pub struct Dialog {
    wanted: String,
    input: Input,
    arming: Arming,
}

impl Dialog {
    pub fn new(model: &Model) -> Self {
        Self {
            wanted: format!("unlock {}", model.actor),
            input: Input::default(),
            arming: Arming::now(model),
        }
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        match key {
            "<esc>" | "<c-g>" | "<c-c>" => Outcome::Close,
            "<enter>" if self.input.text() == self.wanted && self.arming.has_passed(model) => Outcome::Unlock,
            "<enter>" => {
                Outcome::Say(format!("type {} exactly, then Enter; Esc leaves it locked", self.wanted))
            }
            key => {
                let _typed = self.input.key(key);
                Outcome::Stay
            }
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let lines = vec![
            Line::raw(format!("The keyboard of {} is locked against accidents.", model.actor)),
            Line::raw("Nothing here is secret: it asks whether you mean it, not for a password."),
            Line::default(),
            prompt(model, &self.wanted, &self.input),
        ];
        dialog_box(
            model,
            frame,
            screen,
            "Unlock",
            lines,
            "Enter frees it once the text is exactly that   Esc leaves",
        );
    }
}
