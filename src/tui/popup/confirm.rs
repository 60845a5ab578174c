//! "Are you sure": `y` or a typed word accepts, Enter never does by itself.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::scroll::Scroll;
use super::{Arming, Outcome, dialog_box};
use crate::domain::approval::Approval;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::news;
use crate::tui::widget::input::{Input, Typed};

/// One question.
#[derive(Debug)]
pub struct Dialog {
    pub title: String,
    /// Facts with their looks, as they were when the dialog opened: it stays about one thing.
    pub facts: Vec<Line<'static>>,
    pub lines: Vec<String>,
    /// Name of the protected environment this touches.
    pub production: Option<String>,
    /// The word to type, with what was typed so far.
    pub typed: Option<(String, Input)>,
    /// What others have decided about it.
    pub decisions: Vec<Approval>,
    pub effect: Effect,
    pub arming: Arming,
    pub scroll: Scroll,
}

impl Dialog {
    /// Whether it says the same as another one about the same.
    pub fn says_what(&self, other: &Self) -> bool {
        self.facts == other.facts && self.lines == other.lines && self.effect == other.effect
    }

    /// What it says that an earlier one about the same did not.
    pub fn news(&self, before: &Self) -> Vec<String> {
        let said = |dialog: &Self| -> Vec<String> {
            dialog.facts.iter().map(ToString::to_string).chain(dialog.lines.iter().cloned()).collect()
        };
        let decided = news::decisions(&before.decisions, &self.decisions);
        let other = news::lines(&said(before), &said(self));
        if decided.is_empty() { other } else { decided }
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        if matches!(key, "<esc>" | "<c-g>" | "<c-c>") {
            return Outcome::Close;
        }
        if let ("<tab>", Effect::Cancel { id, .. }) = (key, &self.effect) {
            let instead = super::instead_of_cancelling(model, *id);
            return instead.map_or(Outcome::Stay, |popup| Outcome::Instead(Box::new(popup)));
        }
        if self.scroll.key(model, key, &self.body(model), self.pinned()) {
            return Outcome::Stay;
        }
        match &mut self.typed {
            Some((wanted, input)) => {
                if key == "<enter>" {
                    return if input.text() == wanted && self.arming.has_passed(model) {
                        Outcome::Do(vec![self.effect.clone()])
                    } else {
                        Outcome::Say(format!("type {wanted} exactly, then Enter; Esc leaves"))
                    };
                }
                match input.key(key) {
                    Typed::Changed | Typed::Moved | Typed::Ignored => Outcome::Stay,
                }
            }
            None => match key {
                "y" | "Y" if self.arming.is_armed(model) => Outcome::Do(vec![self.effect.clone()]),
                "y" | "Y" => Outcome::Say("that was too quick to be meant; press y again".to_owned()),
                "n" | "N" | "<enter>" | "q" => Outcome::Close,
                _ => Outcome::Stay,
            },
        }
    }

    /// What is read: everything but the line one types on.
    fn body(&self, model: &Model) -> Vec<Line<'static>> {
        let banner = self.production.as_ref().map(|env| banner(model, env));
        let lines = self.lines.iter().map(|text| Line::raw(text.clone()));
        banner.into_iter().chain(self.facts.iter().cloned()).chain(lines).collect()
    }

    /// Rows of the line one types on, with the empty one above it.
    fn pinned(&self) -> usize {
        if self.typed.is_some() { 2 } else { 0 }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let (mut lines, more) = self.scroll.shown(model, screen, &self.body(model), self.pinned());
        let foot = match &self.typed {
            None => "y yes   n, Enter, Esc no",
            Some((wanted, input)) => {
                lines.push(prompt(model, wanted, input));
                "Enter does it once the text is exactly that   Esc leaves"
            }
        };
        dialog_box(model, frame, screen, &format!("{}{more}", self.title), lines, foot);
    }
}

/// The line one types the version on.
pub fn prompt(model: &Model, wanted: &str, input: &Input) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("type {wanted}: "), model.theme.strong),
        Span::raw(input.text().to_owned()),
        Span::styled(" ", model.theme.selected),
    ])
}

/// Words and reverse video, never colour alone.
pub fn banner(model: &Model, env: &str) -> Line<'static> {
    Line::styled(format!("  PRODUCTION  {env}  "), model.theme.alarm)
}
