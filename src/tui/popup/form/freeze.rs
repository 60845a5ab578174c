//! Forms about freezes.

use super::{Form, Kind, Ordered, form, preset, text};
use crate::domain::time::{Fold, Window, parse_duration, parse_end, parse_when};
use crate::ops::freeze::{NewFreeze, STOP_THE_LINE};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::Popup;

pub fn new_freeze(model: &Model) -> Popup {
    let day = model.calendar.day.format("%Y-%m-%d").to_string();
    let notes =
        vec![format!("Closed from the start up to, not including, the end. Times in {}.", model.zone.name())];
    form(
        Kind::NewFreeze,
        "New freeze",
        notes,
        vec![
            text("name", "Quarter end"),
            text("reason", "why nothing may start"),
            preset("start", &format!("{day} 00:00"), "2026-12-24 18:00"),
            preset("end", "", "2026-12-27 08:00, or +2h from the start"),
            preset("environments", "production", "patterns with commas; * for all"),
            preset("services", "*", "patterns with commas; * for all"),
        ],
    )
}

pub fn stop_the_line() -> Popup {
    let notes = vec!["Nothing of this scope starts from now on. What runs, runs on.".to_owned()];
    form(
        Kind::StopTheLine,
        "STOP THE LINE",
        notes,
        vec![
            text("reason", "what happened"),
            preset("for", "4h", "how long"),
            preset("environments", "*", "patterns with commas; * for all"),
            preset("services", "*", "patterns with commas; * for all"),
        ],
    )
}

pub(super) fn added(form: &Form, model: &Model) -> Ordered {
    let name = form.some("name").ok_or(("name", "a freeze needs a name".to_owned()))?;
    let reason = form.reason()?;
    let zone = model.zone;
    let start = parse_when(form.value("start"), model.now, zone, Fold::First)
        .map_err(|why| ("start", why.to_string()))?;
    let end = parse_end(form.value("end"), start, model.now, zone).map_err(|why| ("end", why.to_string()))?;
    let window = Window::new(start, end).map_err(|why| ("end", why.to_string()))?;
    let new = NewFreeze { name, numbered: false, reason, scope: form.scope()?, window, zone };
    Ok(Effect::AddFreeze(Box::new(new)))
}

pub(super) fn stopped(form: &Form, model: &Model) -> Ordered {
    let reason = form.reason()?;
    let length = parse_duration(form.value("for")).map_err(|why| ("for", why.to_string()))?;
    let window = Window::new(model.now, model.now.plus(length)).map_err(|why| ("for", why.to_string()))?;
    let name = STOP_THE_LINE.to_owned();
    let new = NewFreeze { name, numbered: true, reason, scope: form.scope()?, window, zone: model.zone };
    Ok(Effect::AddFreeze(Box::new(new)))
}
