//! The last line: what can I do here, now?

use ratatui::text::{Line, Span};

use crate::tui::action::{Action, ENTRIES, Place, belongs, shown};
use crate::tui::allow::allow;
use crate::tui::model::Model;

/// At most six hints of actions that are possible now; help is always the last.
pub fn line(model: &Model, width: usize) -> Line<'static> {
    if !model.hints {
        return Line::default();
    }
    let mut hints: Vec<(String, &'static str)> = Vec::new();
    for entry in ENTRIES {
        let Some(hint) = entry.hint else { continue };
        let is_own = entry.places.contains(&Place::In(model.focus));
        let general = entry.name == "open" || entry.name == "filter";
        if belongs(entry, model.focus) && (is_own || general) && allow(model, entry.action).is_ok() {
            hints.extend(model.keymap.keys(model.focus, entry.action).first().map(|key| (shown(key), hint)));
        }
    }
    hints.truncate(6);
    let mut spans = Vec::new();
    let help = model.keymap.first(model.focus, Action::Help);
    let mut used = help.chars().count() + " help".len();
    for (key, hint) in hints {
        let length = key.chars().count() + hint.len() + 3;
        if used + length > width {
            break;
        }
        used += length;
        spans.push(Span::styled(key, model.theme.key));
        spans.push(Span::raw(format!(" {hint}  ")));
    }
    spans.push(Span::styled(help, model.theme.key));
    spans.push(Span::raw(" help"));
    Line::from(spans)
}
