//! Five hints for who opens the panes for the first time. Each stands in the last line but one while nothing else does, and goes when
//! its key was pressed or some other ones were. What was told once is never told again.

use super::action::Action;
use super::model::Model;

/// So many keys after it came a hint goes by itself.
const PATIENCE: usize = 10;

/// How many there are.
pub const HINTS: usize = 5;

/// Where somebody is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tour {
    /// The hint that is told now, from 0 on.
    pub at: usize,
    keys: usize,
}

impl Tour {
    /// Goes on after so many; nothing where all were told.
    pub fn after(told: usize) -> Option<Self> {
        (told < HINTS).then_some(Self { at: told, keys: 0 })
    }
}

/// The action each is about.
fn about(at: usize) -> [Action; 2] {
    match at {
        0 => [Action::Help, Action::Help],
        1 => [Action::Open, Action::Why],
        2 => [Action::FocusApprovals, Action::NextPane],
        3 => [Action::Palette, Action::Filter],
        _ => [Action::Undo, Action::Quit],
    }
}

/// What is told now.
pub(super) fn hint(model: &Model) -> Option<String> {
    let tour = model.tour.filter(|_| model.hints && model.loaded)?;
    let [first, second] = about(tour.at).map(|action| model.key(action));
    // Short enough for 80 columns: nothing of a pane is covered.
    let text = match tour.at {
        0 => format!("{first} shows every key of this pane"),
        1 => format!("{first} looks closer, {second} says why it may or may not go on"),
        2 => format!("{first} shows what waits for a decision, {second} the next pane"),
        3 => format!("{first} finds any action and takes commands, {second} filters"),
        _ => format!("{first} takes back what you recorded, {second} leaves; deployments go on"),
    };
    Some(format!("new here ({} of {HINTS}): {text}", tour.at + 1))
}

/// A key was pressed.
pub(super) fn on_key(model: &mut Model) {
    if let Some(tour) = model.tour.as_mut().filter(|_| model.loaded) {
        tour.keys += 1;
        if tour.keys >= PATIENCE {
            model.tour = Tour::after(tour.at + 1);
        }
    }
}

/// An action was carried out: the hint about it has done its work.
pub(super) fn on_act(model: &mut Model, action: Action) {
    if let Some(tour) = model.tour.filter(|tour| about(tour.at).contains(&action)) {
        model.tour = Tour::after(tour.at + 1);
    }
}
