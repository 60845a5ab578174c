//! To the same release in another pane: `gb`, `ga`, `gc`. (`gl` is an act of its pane: it also reads the log.)

use super::action::Action;
use super::model::{Model, Pane};
use super::msg::Effect;
use super::pane::{board, calendar, log, queue};
use super::update::focus;
use crate::domain::ids::ReleaseId;
use crate::domain::time::Timestamp;

/// The release one stands on.
fn in_hand(model: &Model) -> Option<ReleaseId> {
    match model.focus {
        Pane::Board => board::selected(model).map(|card| card.release.id.clone()),
        Pane::Approvals => queue::selected(model).map(|item| item.release.id.clone()),
        Pane::Log => log::shown(model).map(|view| view.deployment.release.clone()),
        Pane::Calendar => None,
    }
}

/// Goes there; where the release has no place there it is said, and one stays.
pub(super) fn go(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(release) = in_hand(model) else {
        return focus(model, target(action));
    };
    let found = match action {
        Action::GoBoard => on_board(model, &release),
        Action::GoApprovals => in_queue(model, &release),
        _ => {
            let at = coming(model, &release);
            calendar::stand_on(model, at.unwrap_or(model.now));
            if at.is_none() {
                model.say(format!("nothing about {release} has a time: this is today"));
            }
            true
        }
    };
    if !found {
        return Vec::new();
    }
    // Where one was led to by name, nothing else that was read about counts.
    model.read_about = None;
    let effects = focus(model, target(action));
    match action {
        Action::GoBoard => board::stand_on(model, &release),
        Action::GoApprovals => queue::stand_on(model, &release),
        _ => {}
    }
    effects
}

fn target(action: Action) -> Pane {
    match action {
        Action::GoApprovals => Pane::Approvals,
        Action::GoCalendar => Pane::Calendar,
        _ => Pane::Board,
    }
}

fn on_board(model: &mut Model, release: &ReleaseId) -> bool {
    if !model.views.board.cards.iter().any(|card| card.release.id == *release) {
        model.complain(format!("{release} is on the board no more: relman release show {release}"));
        return false;
    }
    if !board::cards(model).iter().any(|card| card.release.id == *release) {
        model.board.filter.clear();
        model.say("the filter hid it and is gone");
    }
    true
}

fn in_queue(model: &mut Model, release: &ReleaseId) -> bool {
    if !model.views.queue.iter().any(|item| item.release.id == *release) {
        model.complain(format!("nothing about {release} waits for an approval"));
        return false;
    }
    if !queue::items(model).iter().any(|item| item.release.id == *release) {
        model.queue.filter.clear();
        model.say("the filter hid it and is gone");
    }
    true
}

/// The moment of what is next about it: when it is scheduled, or when what is closed could open.
fn coming(model: &Model, release: &ReleaseId) -> Option<Timestamp> {
    let scheduled = board::waiting(model, release).and_then(|d| d.wait.as_ref()?.at);
    let card = model.views.board.cards.iter().find(|card| card.release.id == *release);
    scheduled.or_else(|| card?.next.as_ref()?.report.earliest)
}
