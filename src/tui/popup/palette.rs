//! `:` every action by name, fuzzy, with its key and, where it is not possible now, the reason.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, about, action_line, dialog_box, spoken};
use crate::tui::action::{ENTRIES, Entry, belongs, entry, shown};
use crate::tui::model::Model;
use crate::tui::pane;
use crate::tui::widget::input::{Input, Typed};

#[derive(Debug, Default)]
pub struct Palette {
    pub input: Input,
    at: usize,
}

impl Palette {
    /// Best match first; without text, in the registry's order.
    fn entries(&self, model: &Model) -> Vec<&'static Entry> {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.input.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, &'static Entry)> = ENTRIES
            .iter()
            .filter(|entry| belongs(entry, model.focus))
            .filter_map(|entry| {
                let hay = format!("{} {}", entry.name, entry.doc);
                pattern.score(Utf32Str::new(&hay, &mut buffer), &mut matcher).map(|score| (score, entry))
            })
            .collect();
        // Who types a name means it; after that the best match, then the registry's order.
        let wanted = self.input.text().trim();
        found.sort_by_key(|(score, entry)| (entry.name != wanted, std::cmp::Reverse(*score)));
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        match key {
            "<esc>" | "<c-g>" | "<c-c>" => return Outcome::Close,
            "<down>" | "<tab>" => self.at += 1,
            "<up>" | "<s-tab>" => self.at = self.at.saturating_sub(1),
            "<enter>" if spoken::read(model, self.input.text()).is_some() => {
                return match spoken::read(model, self.input.text()) {
                    Some(Ok(said)) => Outcome::Speak(said),
                    Some(Err(why)) => Outcome::Say(why),
                    None => Outcome::Stay,
                };
            }
            "<enter>" => {
                return match self.entries(model).get(self.at) {
                    Some(entry) => Outcome::Run(entry.action),
                    None => Outcome::Say("no action fits".to_owned()),
                };
            }
            "<bs>" if self.input.text().is_empty() => return Outcome::Close,
            key => {
                if self.input.key(key) == Typed::Changed {
                    self.at = 0;
                }
            }
        }
        self.at = self.at.min(self.entries(model).len().saturating_sub(1));
        Outcome::Stay
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let rows = usize::from(screen.height.saturating_sub(9)).clamp(1, 14);
        let entries = self.entries(model);
        let top = pane::scrolled(0, self.at, rows);
        let mut lines = vec![Line::from(vec![
            Span::styled(":", theme.key),
            Span::raw(self.input.text().to_owned()),
            Span::styled(" ", theme.selected),
        ])];
        if let Some(said) = spoken::read(model, self.input.text()) {
            let line = match said {
                Ok(said) => format!("Enter: {} {}", entry(said.action).name, said.about()),
                Err(why) => why,
            };
            lines.push(Line::styled(line, theme.strong));
            let hints = "type to find, or a command   Enter opens it   Esc closes";
            dialog_box(model, frame, screen, "Actions", lines, hints);
            return;
        }
        for (at, entry) in entries.iter().enumerate().skip(top).take(rows) {
            let key = model
                .keymap
                .keys(model.focus, entry.action)
                .first()
                .map(|key| shown(key))
                .unwrap_or_default();
            let head = format!("{:<20} {key:<6} ", entry.name);
            lines.push(action_line(model, screen, &head, entry, at == self.at));
        }
        lines.extend(about(model, entries.get(self.at).copied()));
        if entries.is_empty() {
            lines.push(Line::raw("no action fits"));
        }
        dialog_box(model, frame, screen, "Actions", lines, "type to find   Enter runs   Esc closes");
    }
}
