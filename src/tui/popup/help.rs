//! Every key of this pane: made from the registry, so it cannot be wrong. Typing narrows it, Enter runs.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, about, action_line, dialog_box};
use crate::tui::action::{ENTRIES, Entry, Place, belongs, shown};
use crate::tui::model::{Model, Pane};
use crate::tui::pane;
use crate::tui::widget::input::{Input, Typed};
use crate::tui::widget::matches;

/// What the marks mean.
fn legend(model: &Model) -> Vec<Line<'static>> {
    let g = &model.glyphs;
    let line = |marks: &[(&'static str, &'static str)]| {
        let marks: Vec<String> = marks.iter().map(|(mark, meaning)| format!("{mark} {meaning}")).collect();
        Line::styled(marks.join("  "), model.theme.dim)
    };
    let gates = [
        (g.pass, "open"),
        (g.closed, "closed"),
        (g.unknown, "unknown"),
        (g.skipped, "not asked"),
        (g.warn, "gap, overridden"),
    ];
    match model.focus {
        Pane::Board => vec![
            line(&[
                (g.live, "live"),
                (g.replaced, "was live"),
                (g.not, "not yet"),
                (g.active, "running"),
                (g.failed, "failed"),
                (g.cancelled, "cancelled"),
                (g.lost, "lost"),
            ]),
            line(&gates),
        ],
        Pane::Approvals => vec![line(&gates)],
        Pane::Calendar => vec![line(&[(g.frozen, "frozen that day")])],
        Pane::Log => vec![line(&[
            (g.pass, "step done"),
            (g.active, "running"),
            (g.failed, "failed"),
            ("…", "waits"),
            (g.not, "not yet, or skipped"),
        ])],
    }
}

#[derive(Debug, Default)]
pub struct Help {
    pub filter: Input,
    at: usize,
}

impl Help {
    /// The pane's own keys first, then those that work everywhere.
    fn entries(&self, model: &Model) -> Vec<&'static Entry> {
        let mut entries: Vec<&'static Entry> = ENTRIES
            .iter()
            .filter(|entry| {
                belongs(entry, model.focus) && !model.keymap.keys(model.focus, entry.action).is_empty()
            })
            .filter(|entry| {
                let keys = model.keymap.keys(model.focus, entry.action).join(" ");
                matches(&format!("{keys} {} {}", entry.name, entry.doc), self.filter.text())
            })
            .collect();
        entries.sort_by_key(|entry| !entry.places.contains(&Place::In(model.focus)));
        entries
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        let count = self.entries(model).len();
        match key {
            "<esc>" | "<c-g>" | "<c-c>" => return Outcome::Close,
            "?" | "<f1>" if self.filter.text().is_empty() => return Outcome::Close,
            "<down>" | "<tab>" => self.at += 1,
            "<up>" | "<s-tab>" => self.at = self.at.saturating_sub(1),
            "<pgdn>" | "<c-d>" => self.at += 10,
            "<pgup>" | "<c-u>" => self.at = self.at.saturating_sub(10),
            "<enter>" => {
                return match self.entries(model).get(self.at) {
                    Some(entry) => Outcome::Run(entry.action),
                    None => Outcome::Close,
                };
            }
            key => {
                if self.filter.key(key) == Typed::Changed {
                    self.at = 0;
                }
                return Outcome::Stay;
            }
        }
        self.at = self.at.min(count.saturating_sub(1));
        Outcome::Stay
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let entries = self.entries(model);
        let legend = legend(model);
        let around = 9 + u16::try_from(legend.len()).unwrap_or(0);
        let rows = usize::from(screen.height.saturating_sub(around)).max(1);
        let top = pane::scrolled(0, self.at, rows);
        let mut lines = vec![Line::from(vec![
            Span::styled("filter: ", theme.key),
            Span::raw(self.filter.text().to_owned()),
            Span::styled(" ", theme.selected),
        ])];
        for (at, entry) in entries.iter().enumerate().skip(top).take(rows) {
            let keys: Vec<String> =
                model.keymap.keys(model.focus, entry.action).into_iter().map(shown).collect();
            lines.push(action_line(model, screen, &format!("{:<14} ", keys.join(" ")), entry, at == self.at));
        }
        lines.extend(about(model, entries.get(self.at).copied()));
        if entries.is_empty() {
            lines.push(Line::raw("no key fits"));
        }
        lines.extend(legend);
        let at = if entries.is_empty() {
            String::new()
        } else {
            format!("  {} of {}", self.at + 1, entries.len())
        };
        let title = format!("Keys of the {} pane{at}", model.focus.title());
        dialog_box(model, frame, screen, &title, lines, "type to narrow   Enter runs   Esc closes");
    }
}
