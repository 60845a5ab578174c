//! The locks that stand, to look at, set, edit and lift.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, dialog_box, form, widest};
use crate::domain::ids::LockId;
use crate::domain::lock::Lock;
use crate::domain::text::fit;
use crate::tui::model::Model;
use crate::tui::rights;

/// The list with its cursor.
#[derive(Debug)]
pub struct Locks {
    /// The lock with the cursor: the list may change while somebody reads it.
    on: Option<LockId>,
    /// Its place, for when it is lifted meanwhile.
    at: usize,
}

impl Locks {
    pub fn new(locks: &[Lock]) -> Self {
        Self { on: locks.first().map(|lock| lock.id), at: 0 }
    }

    fn place(&self, locks: &[Lock]) -> usize {
        let found = self.on.and_then(|on| locks.iter().position(|lock| lock.id == on));
        found.unwrap_or_else(|| self.at.min(locks.len().saturating_sub(1)))
    }

    fn go(&mut self, locks: &[Lock], to: usize) {
        self.at = to.min(locks.len().saturating_sub(1));
        self.on = locks.get(self.at).map(|lock| lock.id);
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        let locks = &model.views.board.locks;
        self.at = self.place(locks);
        if let Some(gone) = self.on.filter(|on| locks.get(self.at).is_none_or(|lock| lock.id != *on)) {
            self.on = locks.get(self.at).map(|lock| lock.id);
            if matches!(key, "e" | "x" | "<enter>") {
                return Outcome::Say(format!("{gone} was lifted or is over; look again"));
            }
        }
        let selected = locks.get(self.at);
        let wanted = if key == "n" { None } else { selected };
        if matches!(key, "n" | "e" | "x" | "<enter>")
            && (key == "n" || wanted.is_some())
            && let Err(why) = rights::lock(model, wanted, key == "x")
        {
            return Outcome::Say(why);
        }
        match (key, selected) {
            ("<esc>" | "q" | "<c-g>" | "<c-c>", _) => Outcome::Close,
            ("j" | "<down>", _) => {
                self.go(locks, self.at + 1);
                Outcome::Stay
            }
            ("k" | "<up>", _) => {
                self.go(locks, self.at.saturating_sub(1));
                Outcome::Stay
            }
            ("n", _) => Outcome::Instead(Box::new(form::lock::new(model))),
            ("e" | "<enter>", Some(lock)) => Outcome::Instead(Box::new(form::lock::edit(lock, model))),
            ("x", Some(lock)) => Outcome::Instead(Box::new(form::lock::lift(lock))),
            ("e" | "x" | "<enter>", None) => Outcome::Say("nothing is locked; n sets a lock".to_owned()),
            _ => Outcome::Stay,
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let locks = &model.views.board.locks;
        let at = self.place(locks);
        let room = usize::from(screen.height.saturating_sub(4)).max(2) / 2;
        let top = at.saturating_sub(room.saturating_sub(1));
        let mut lines: Vec<Line<'static>> = Vec::new();
        for (index, lock) in locks.iter().enumerate().skip(top).take(room) {
            lines.extend(rows(model, lock, index == at, widest(screen)));
        }
        if locks.is_empty() {
            lines.push(Line::raw("Nothing is locked. n keeps everybody else from deploying somewhere."));
        }
        let foot = "n new   e edit   x lift   Esc closes";
        let title = match locks.len() {
            0 => "Locks".to_owned(),
            count => format!("Locks, {} of {count}", at + 1),
        };
        dialog_box(model, frame, screen, &title, lines, foot);
    }
}

fn rows(model: &Model, lock: &Lock, is_marked: bool, width: usize) -> [Line<'static>; 2] {
    let theme = &model.theme;
    let cursor = if is_marked { model.glyphs.cursor } else { " " };
    let end =
        lock.expires.map_or_else(|| "until lifted".to_owned(), |end| format!("until {}", model.moment(end)));
    let head = format!("{cursor} {} {}  {}", lock.id, lock.kind, lock.scope.describe());
    let facts = format!("  by {}, {}, {end}", lock.by.name, model.moment(lock.since));
    [
        Line::from(vec![
            Span::styled(head, if is_marked { theme.selected } else { theme.strong }),
            Span::styled(facts, theme.dim),
        ]),
        Line::raw(fit(&format!("    {}", lock.reason), width)),
    ]
}
