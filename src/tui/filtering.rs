//! What is typed behind `/`: lists narrow as one types, the log is searched on Enter.

use super::model::{Model, Pane};
use super::msg::Effect;
use super::pane::{board, log, queue};

pub(super) fn on_key(model: &mut Model, key: &str) -> Vec<Effect> {
    let Some(filter) = &mut model.typing_filter else { return Vec::new() };
    match key {
        "<esc>" | "<c-g>" | "<c-c>" => {
            model.typing_filter = None;
            return set(model, String::new());
        }
        "<enter>" => {
            let text = model.typing_filter.take().unwrap_or_default();
            let effects = set(model, text);
            if model.focus == Pane::Log {
                return log::search(model, false);
            }
            return effects;
        }
        "<bs>" => {
            filter.pop();
        }
        "<c-u>" | "<c-w>" => filter.clear(),
        "<space>" => filter.push(' '),
        key if key.chars().count() == 1 => filter.push_str(key),
        _ => return Vec::new(),
    }
    apply(model)
}

/// Lists narrow as one types; the log is searched on Enter.
pub(super) fn apply(model: &mut Model) -> Vec<Effect> {
    let text = model.typing_filter.clone().unwrap_or_default();
    if model.focus == Pane::Log { Vec::new() } else { set(model, text) }
}

pub(super) fn set(model: &mut Model, text: String) -> Vec<Effect> {
    match model.focus {
        Pane::Board => {
            let before: Vec<_> = board::cards(model).iter().map(|card| card.release.id.clone()).collect();
            model.board.filter = text;
            board::reselect(model, &before, board::Change::Filter);
        }
        Pane::Approvals => {
            model.queue.filter = text;
            queue::reselect(model);
        }
        Pane::Log => {
            model.log.search = text;
            model.log.hit = None;
        }
        Pane::Calendar => {}
    }
    Vec::new()
}
