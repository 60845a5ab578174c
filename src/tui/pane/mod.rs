//! The four panes: each its state, what actions do to it, and how it is drawn.

pub mod board;
pub mod calendar;
pub mod log;
pub mod marks;
pub mod order;
pub mod queue;
mod week;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use super::model::{Model, Pane};
use super::theme::Glyphs;

/// After every change: the selected rows are in sight, moved as little as possible.
pub(super) fn settle(model: &mut Model) {
    board::settle(model);
    queue::settle(model);
    calendar::settle(model);
}

/// Where one is in a pane's list, for the right end of its title: `3 of 9 ▾`.
pub(super) fn position(model: &Model, pane: Pane) -> String {
    match pane {
        Pane::Board => board::position(model),
        Pane::Approvals => queue::position(model),
        Pane::Calendar => calendar::position(model),
        Pane::Log => log::position(model),
    }
}

/// `3 of 9`, with marks for what is hidden above and below.
fn of(glyphs: &Glyphs, at: usize, count: usize, above: bool, below: bool) -> String {
    let above = if above { format!(" {}", glyphs.above) } else { String::new() };
    let below = if below { format!(" {}", glyphs.below) } else { String::new() };
    format!("{} of {count}{above}{below}", at + 1)
}

/// Keeps `selected` within the window of `height` rows by moving `top` as little as possible.
pub(super) fn scrolled(top: usize, selected: usize, height: usize) -> usize {
    if height == 0 || selected < top {
        selected
    } else if selected >= top + height {
        selected + 1 - height
    } else {
        top
    }
}

/// The length to which words must be cut so that all of them together fit `room`; those that are shorter stay whole.
fn longest_that_fits(mut lengths: Vec<usize>, room: usize) -> usize {
    lengths.sort_unstable();
    let mut left = room;
    for (at, length) in lengths.iter().enumerate() {
        let share = left / (lengths.len() - at);
        if *length > share {
            return share;
        }
        left -= length;
    }
    room
}

/// Covers the last row of a text that goes on below the screen with how much that is, and which key shows it.
fn more_below(model: &Model, frame: &mut Frame<'_>, area: Rect, hidden: usize, key: &str) {
    if hidden == 0 || area.height == 0 {
        return;
    }
    let last = Rect { y: area.y + area.height - 1, height: 1, ..area };
    frame.render_widget(Clear, last);
    let more = format!("{} {} more: {key}", model.glyphs.below, hidden + 1);
    frame.render_widget(Paragraph::new(Line::styled(more, model.theme.dim)), last);
}

#[cfg(test)]
mod tests {
    #[test]
    fn short_words_stay_whole_and_long_ones_share_the_rest() {
        assert_eq!(super::longest_that_fits(vec![3, 7, 10, 13], 100), 100);
        assert_eq!(super::longest_that_fits(vec![3, 7, 10, 13], 30), 10);
        assert_eq!(super::longest_that_fits(vec![10, 10], 9), 4);
        assert_eq!(super::longest_that_fits(vec![], 9), 9);
    }
}
