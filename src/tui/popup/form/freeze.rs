//! Forms about freezes.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{Form, Kind, Ordered, choice, form, preset, text};
use crate::domain::freeze::Running;
use crate::domain::recurrence::Recurrence;
use crate::domain::text::quoted;
use crate::domain::time::{Fold, Tz, Window, parse_duration, parse_end, parse_when};
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
            text("repeats", "FREQ=WEEKLY;BYDAY=FR; empty: once"),
            text("except", "2026-12-25, with commas: days it stays open"),
            choice("running", Running::ALL.map(|what| what.to_string()).to_vec(), 0),
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
            choice("running", Running::ALL.map(|what| what.to_string()).to_vec(), 0),
        ],
    )
}

/// The rule of the form, laid on the first window.
fn repeats(form: &Form, window: Window, zone: Tz) -> Result<Option<Recurrence>, (&'static str, String)> {
    let mut except = BTreeSet::new();
    for day in form.value("except").split(',').map(str::trim).filter(|day| !day.is_empty()) {
        let wrong = |_| ("except", format!("{} is not a day; write 2026-12-25", quoted(day, 20)));
        except.insert(NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(wrong)?);
    }
    let Some(rule) = form.some("repeats") else {
        return match except.is_empty() {
            true => Ok(None),
            false => Err(("except", "only what repeats has days to leave out".to_owned())),
        };
    };
    let made = rule.parse().and_then(|rule| Recurrence::of(window, rule, except, zone));
    made.map(Some).map_err(|why| ("repeats", why.to_string()))
}

fn running(form: &Form) -> Result<Running, (&'static str, String)> {
    form.value("running").parse().map_err(|why| ("running", format!("{why}")))
}

pub(super) fn added(form: &Form, model: &Model) -> Ordered {
    let name = form.some("name").ok_or(("name", "a freeze needs a name".to_owned()))?;
    let reason = form.reason()?;
    let zone = model.zone;
    let start = parse_when(form.value("start"), model.now, zone, Fold::First)
        .map_err(|why| ("start", why.to_string()))?;
    let end = parse_end(form.value("end"), start, model.now, zone).map_err(|why| ("end", why.to_string()))?;
    let window = Window::new(start, end).map_err(|why| ("end", why.to_string()))?;
    let (repeats, running) = (repeats(form, window, zone)?, running(form)?);
    let new = NewFreeze { repeats, running, ..NewFreeze::once(&name, &reason, form.scope()?, window, zone) };
    Ok(Effect::AddFreeze(Box::new(new)))
}

pub(super) fn stopped(form: &Form, model: &Model) -> Ordered {
    let reason = form.reason()?;
    let length = parse_duration(form.value("for")).map_err(|why| ("for", why.to_string()))?;
    let window = Window::new(model.now, model.now.plus(length)).map_err(|why| ("for", why.to_string()))?;
    let new = NewFreeze::once(STOP_THE_LINE, &reason, form.scope()?, window, model.zone);
    let new = NewFreeze { numbered: true, running: running(form)?, ..new };
    Ok(Effect::AddFreeze(Box::new(new)))
}
