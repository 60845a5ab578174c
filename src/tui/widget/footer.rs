//! The last line: what can I do here, now?

use ratatui::text::{Line, Span};

use crate::tui::action::{ENTRIES, Place, belongs, shown};
use crate::tui::allow::allow;
use crate::tui::model::Model;

/// At most six hints of actions that are possible now; help is always the last.
pub fn line(model: &Model, width: usize) -> Line<'static> {
    let mut hints: Vec<(String, &'static str)> = Vec::new();
    for entry in ENTRIES {
        let Some(hint) = entry.hint else { continue };
        let is_own = entry.places.contains(&Place::In(model.focus));
        let general = entry.name == "open" || entry.name == "filter";
        if belongs(entry, model.focus) && (is_own || general) && allow(model, entry.action).is_ok() {
            hints.push((shown(entry.keys[0]), hint));
        }
    }
    hints.truncate(6);
    let mut spans = Vec::new();
    let mut used = "? help".len();
    for (key, hint) in hints {
        let length = key.chars().count() + hint.len() + 3;
        if used + length > width {
            break;
        }
        used += length;
        spans.push(Span::styled(key, model.theme.key));
        spans.push(Span::raw(format!(" {hint}  ")));
    }
    spans.push(Span::styled("?", model.theme.key));
    spans.push(Span::raw(" help"));
    Line::from(spans)
}
