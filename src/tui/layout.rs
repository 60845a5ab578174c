//! Where everything is: a pure function of size and state, used by drawing and by scrolling alike.

use ratatui::layout::Rect;

use super::model::{Model, Pane};

/// The parts of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Areas {
    pub tabs: Rect,
    /// Each visible pane with its outer area.
    pub panes: Vec<(Pane, Rect)>,
    pub flash: Rect,
    pub footer: Rect,
    pub borders: Borders,
}

/// How panes are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borders {
    None,
    /// A title line above the only pane.
    Title,
    Full,
}

/// Smaller than this nothing can be read.
pub const SMALLEST: (u16, u16) = (40, 8);

pub fn is_too_small(model: &Model) -> bool {
    model.size.0 < SMALLEST.0 || model.size.1 < SMALLEST.1
}

/// ≥160 columns: four panes; 100 to 159: the board and a second one; below: one pane.
pub fn areas(model: &Model) -> Areas {
    let (width, height) = model.size;
    // Plain arithmetic: this is asked several times a frame, and a constraint solver would take most of that time.
    let middle = Rect::new(0, 1.min(height), width, height.saturating_sub(3));
    let line = |y: u16| Rect::new(0, y.min(height), width, 1.min(height.saturating_sub(y)));
    let (tabs, flash, footer) =
        (line(0), line(height.saturating_sub(2).max(1)), line(height.saturating_sub(1).max(2)));
    let one = |borders| Areas { tabs, panes: vec![(model.focus, middle)], flash, footer, borders };
    if width < 60 || height < 20 {
        return one(Borders::None);
    }
    if model.zoomed || model.spares_the_line() || width < 100 || height < 30 {
        return one(Borders::Title);
    }
    let upper = rounded(middle.height, 3, 5);
    let above = Rect { height: upper, ..middle };
    let below = Rect { y: middle.y + upper, height: middle.height - upper, ..middle };
    let panes = if width < 160 {
        let second = if model.focus == Pane::Board { Pane::Log } else { model.focus };
        vec![(Pane::Board, above), (second, below)]
    } else {
        let wide = rounded(width, 2, 3);
        let [board, approvals] = beside(above, wide);
        let [log, calendar] = beside(below, wide);
        vec![(Pane::Board, board), (Pane::Approvals, approvals), (Pane::Log, log), (Pane::Calendar, calendar)]
    };
    Areas { tabs, panes, flash, footer, borders: Borders::Full }
}

/// `length * part / whole`, to the nearest cell.
fn rounded(length: u16, part: u16, whole: u16) -> u16 {
    (length.saturating_mul(part) + whole / 2) / whole
}

/// The area in two, the left one of this width.
fn beside(area: Rect, width: u16) -> [Rect; 2] {
    let right = Rect { x: area.x + width, width: area.width - width, ..area };
    [Rect { width, ..area }, right]
}

/// The area inside a pane's frame.
pub fn inner(borders: Borders, outer: Rect) -> Rect {
    match borders {
        Borders::None => outer,
        Borders::Title => Rect { y: outer.y + 1, height: outer.height.saturating_sub(1), ..outer },
        Borders::Full => Rect {
            x: outer.x + 1,
            y: outer.y + 1,
            width: outer.width.saturating_sub(2),
            height: outer.height.saturating_sub(2),
        },
    }
}

/// The area a pane draws into, if it is visible.
pub fn pane(model: &Model, wanted: Pane) -> Option<Rect> {
    let areas = areas(model);
    let (_, outer) = areas.panes.iter().find(|(pane, _)| *pane == wanted)?;
    Some(inner(areas.borders, *outer))
}

/// A box in the middle, as wide and high as its content wants and the screen allows.
pub fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(screen.width);
    let height = height.min(screen.height);
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}
