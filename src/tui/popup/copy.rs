//! What of the thing one stands on goes to the clipboard: exactly what stands in the list.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, dialog_box, widest};
use crate::domain::release::Release;
use crate::domain::text::{fit, pad};
use crate::tui::model::{Model, Pane};
use crate::tui::msg::Effect;
use crate::tui::pane::{board, calendar, log, queue};

/// Kinds of text with the text.
#[derive(Debug)]
pub struct Menu {
    found: Vec<(&'static str, String)>,
    at: usize,
}

/// What there is to copy where one stands; nothing where one stands on nothing.
pub fn menu(model: &Model) -> Option<Menu> {
    let found = match model.focus {
        Pane::Board => of_release(&board::selected(model)?.release),
        Pane::Approvals => {
            let item = queue::selected(model)?;
            let mut found = of_release(&item.release);
            let place = item.subject.environment().map(|env| format!(" {env}")).unwrap_or_default();
            found.insert(1, ("approve", format!("relman approve {}{place}", item.release.id)));
            found
        }
        Pane::Log => {
            let d = &log::shown(model)?.deployment;
            let texts: Vec<String> = model.log.lines.iter().map(|(_, line)| line.text()).collect();
            vec![
                ("deployment", d.id.to_string()),
                ("release", d.release.to_string()),
                ("version", d.release.version.to_string()),
                ("command", format!("relman log {}", d.id.0)),
                ("lines shown", texts.join("\n")),
            ]
        }
        Pane::Calendar => {
            let freezes =
                calendar::of_selected_day(model).into_iter().map(|freeze| ("freeze", freeze.title().clone()));
            std::iter::once(("day", model.calendar.day.to_string())).chain(freezes).collect()
        }
    };
    let found: Vec<_> = found.into_iter().filter(|(_, text)| !text.is_empty()).collect();
    (!found.is_empty()).then_some(Menu { found, at: 0 })
}

fn of_release(release: &Release) -> Vec<(&'static str, String)> {
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("release", release.id.to_string()),
        ("version", release.id.version.to_string()),
        ("title", release.title.clone()),
        ("commit", known(&release.build.commit)),
        ("artifact", known(&release.build.artifact)),
        ("digest", release.build.digest.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("command", format!("relman release show {}", release.id)),
        ("JSON", serde_json::to_string_pretty(release).unwrap_or_default()),
    ]
}

impl Menu {
    pub fn key(&mut self, key: &str) -> Outcome {
        let last = self.found.len() - 1;
        match key {
            "<esc>" | "q" | "<c-g>" | "<c-c>" => return Outcome::Close,
            "j" | "<down>" | "<tab>" => self.at = (self.at + 1).min(last),
            "k" | "<up>" | "<s-tab>" => self.at = self.at.saturating_sub(1),
            "y" | "<enter>" => return self.copy(self.at),
            digit => {
                let number = digit.parse::<usize>().ok().filter(|number| (1..=last + 1).contains(number));
                return number.map_or(Outcome::Stay, |number| self.copy(number - 1));
            }
        }
        Outcome::Stay
    }

    fn copy(&self, at: usize) -> Outcome {
        let (label, text) = &self.found[at];
        Outcome::Do(vec![Effect::Copy { what: (*label).to_owned(), text: text.clone() }])
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let width = widest(screen);
        let row = |(at, (label, text)): (usize, &(&'static str, String))| {
            let cursor = if at == self.at { model.glyphs.cursor } else { " " };
            let head = format!("{cursor} {} {}", at + 1, pad(label, 12));
            let lines = text.lines().count();
            let shown = match lines {
                0 | 1 => text.clone(),
                _ => format!("{lines} lines, {} bytes", text.len()),
            };
            let style = if at == self.at { model.theme.selected } else { model.theme.key };
            let room = width.saturating_sub(head.chars().count() + 1);
            Line::from(vec![Span::styled(head, style), Span::raw(format!(" {}", fit(&shown, room)))])
        };
        let lines: Vec<Line<'static>> = self.found.iter().enumerate().map(row).collect();
        dialog_box(model, frame, screen, "Copy", lines, "a number, or y, copies   Esc closes");
    }
}
