//! The four panes: each its state, what actions do to it, and how it is drawn.

pub mod board;
pub mod calendar;
pub mod log;
pub mod queue;

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
