//! The part of a dialog that is read, above the line one types on: what does not fit is scrolled, the line stays in sight.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::widest;
use crate::tui::model::Model;
use crate::tui::widget::wrap::wrap;

/// How far it is scrolled.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Scroll {
    top: usize,
}

impl Scroll {
    /// Rows that are left for reading; `pinned` ones are kept for what stays in sight.
    fn room(screen: Rect, pinned: usize) -> usize {
        usize::from(screen.height.saturating_sub(4)).saturating_sub(pinned).max(1)
    }

    /// Takes a key that scrolls; says whether it was one.
    pub fn key(&mut self, model: &Model, key: &str, body: &[Line<'static>], pinned: usize) -> bool {
        let (width, height) = model.size;
        let screen = Rect::new(0, 0, width, height);
        let room = Self::room(screen, pinned);
        let last = wrap(body, widest(screen)).len().saturating_sub(room);
        let top = self.top.min(last);
        let page = room.saturating_sub(1).max(1);
        self.top = match key {
            "<down>" => top + 1,
            "<pgdn>" => top + page,
            "<up>" => top.saturating_sub(1),
            "<pgup>" => top.saturating_sub(page),
            _ => return false,
        }
        .min(last);
        true
    }

    /// The lines in sight, and what the title says of those that are not: `  3 more ▾`. Where a line is pinned, the empty
    /// one above it is the last of them and says it instead: a title is cut first.
    pub fn shown(
        self,
        model: &Model,
        screen: Rect,
        body: &[Line<'static>],
        pinned: usize,
    ) -> (Vec<Line<'static>>, String) {
        let room = Self::room(screen, pinned);
        let lines = wrap(body, widest(screen));
        let top = self.top.min(lines.len().saturating_sub(room));
        let hidden = lines.len().saturating_sub(top + room);
        let more = match hidden {
            0 if top > 0 => format!("{top} above {}", model.glyphs.above),
            0 => String::new(),
            hidden => format!("{hidden} more {}", model.glyphs.below),
        };
        let mut lines: Vec<Line<'static>> = lines.into_iter().skip(top).take(room).collect();
        if pinned > 0 {
            let keys = if more.is_empty() { "" } else { "  (PgUp PgDn)" };
            lines.push(Line::styled(format!("{more}{keys}"), model.theme.dim));
            return (lines, String::new());
        }
        let gap = if more.is_empty() { "" } else { "  " };
        (lines, format!("{gap}{more}"))
    }
}
