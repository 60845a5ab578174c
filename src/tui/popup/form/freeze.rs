//! Forms about freezes.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime};

use super::{Form, Kind, Ordered, choice, form, preset, text};
use crate::domain::freeze::{Freeze, Running, Stops};
use crate::domain::recurrence::Recurrence;
use crate::domain::text::quoted;
use crate::domain::time::{
    Fold, Timestamp, Tz, Window, parse_duration, parse_end, parse_when, resolve_local,
};
use crate::ops::freeze::edit::EditFreeze;
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
            text("repeats", "every friday, or an RRULE; empty: once"),
            text("except", "2026-12-25, with commas: days it stays open"),
            choice("running", Running::ALL.map(|what| what.to_string()).to_vec(), 0),
            choice("stops", Stops::ALL.map(|whom| whom.to_string()).to_vec(), 0),
        ],
    )
}

/// Start and end by the clock of its zone.
fn clocks(freeze: &Freeze) -> (NaiveDateTime, NaiveDateTime) {
    let local = |at: Timestamp| at.in_zone(freeze.zone).naive_local();
    match &freeze.repeats {
        Some(repeats) => (repeats.start, repeats.end),
        None => (local(freeze.window.start), local(freeze.window.end)),
    }
}

fn shown(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// The form of a freeze that is to change; its times are in its own zone.
pub fn edit(freeze: &Freeze) -> Popup {
    let (start, end) = clocks(freeze);
    let rule = freeze.repeats.as_ref().map(|repeats| repeats.rule.to_string()).unwrap_or_default();
    let days = freeze.repeats.iter().flat_map(|repeats| &repeats.except).map(ToString::to_string);
    let running = Running::ALL.iter().position(|what| *what == freeze.running).unwrap_or(0);
    let stops = Stops::ALL.iter().position(|whom| *whom == freeze.stops).unwrap_or(0);
    form(
        Kind::EditFreeze(Box::new(freeze.clone())),
        format!("Freeze {}", freeze.handle()),
        vec![format!(
            "Times in {}. Why it changes must be said while it closes something.",
            freeze.zone.name()
        )],
        vec![
            preset("name", &freeze.name, "Quarter end"),
            preset("reason", &freeze.reason, "why nothing may start"),
            preset("start", &shown(start), "2026-12-24 18:00"),
            preset("end", &shown(end), "2026-12-27 08:00, or +2h from the start"),
            preset("environments", &freeze.scope.environments.join(", "), "patterns with commas; * for all"),
            preset("services", &freeze.scope.services.join(", "), "patterns with commas; * for all"),
            preset("repeats", &rule, "every friday, or an RRULE; empty: once"),
            preset(
                "except",
                &days.collect::<Vec<_>>().join(", "),
                "2026-12-25, with commas: days it stays open",
            ),
            choice("running", Running::ALL.map(|what| what.to_string()).to_vec(), running),
            choice("stops", Stops::ALL.map(|whom| whom.to_string()).to_vec(), stops),
            choice("suspended", ["no", "yes"].map(str::to_owned).to_vec(), usize::from(freeze.suspended)),
            text("why", "why it changes"),
        ],
    )
}

/// What runs now, for whoever stops the line: a freeze does not end it.
fn running_now(model: &Model) -> Vec<String> {
    const SHOWN: usize = 4;
    let running: Vec<_> = model.views.board.active.iter().filter(|d| d.state.is_live()).collect();
    let mut lines: Vec<String> = running
        .iter()
        .take(SHOWN)
        .map(|d| format!("runs now: {} {} by {}", d.id, d.errand(), d.started_by.name))
        .collect();
    match running.len() {
        0 => lines.push("nothing runs now".to_owned()),
        all if all > SHOWN => lines.push(format!("and {} more; X in the log stops one", all - SHOWN)),
        _ => {}
    }
    lines
}

pub fn stop_the_line(model: &Model) -> Popup {
    let mut notes = vec![
        "Nothing of this scope starts from now on, until the time is over or somebody lifts it (x in the calendar). \
         What runs, runs on, or is held before its next step."
            .to_owned(),
    ];
    notes.extend(running_now(model));
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
            choice("stops", Stops::ALL.map(|whom| whom.to_string()).to_vec(), 0),
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

fn stops(form: &Form) -> Result<Stops, (&'static str, String)> {
    form.value("stops").parse().map_err(|why| ("stops", format!("{why}")))
}

pub(super) fn added(form: &Form, model: &Model) -> Ordered {
    Ok(Effect::AddFreeze(Box::new(freeze(form, model, model.zone, None)?)))
}

pub(super) fn edited(form: &Form, model: &Model, known: &Freeze) -> Ordered {
    let new = freeze(form, model, known.zone, Some(known))?;
    let reason = form.some("why");
    if reason.is_none() && !known.suspended && known.covers(model.now) {
        return Err(("why", "it closes something now: say why it changes".to_owned()).into());
    }
    Ok(Effect::EditFreeze(Box::new(EditFreeze { freeze: known.handle(), seen: known.revision, new, reason })))
}

fn freeze(
    form: &Form,
    model: &Model,
    zone: Tz,
    known: Option<&Freeze>,
) -> Result<NewFreeze, (&'static str, String)> {
    let name = form.some("name").ok_or(("name", "a freeze needs a name".to_owned()))?;
    let reason = form.reason()?;
    // What was left as it is stays exactly that: a form shows minutes.
    let kept = |field: &str, at: NaiveDateTime, fold| {
        (form.value(field) == shown(at)).then(|| resolve_local(at, zone, fold))
    };
    let clocks = known.map(clocks);
    let start = match clocks.and_then(|(start, _)| kept("start", start, Fold::First)) {
        Some(start) => start,
        None => parse_when(form.value("start"), model.now, zone, Fold::First)
            .map_err(|why| ("start", why.to_string()))?,
    };
    let end = match clocks.and_then(|(_, end)| kept("end", end, Fold::Last)) {
        Some(end) => end,
        None => {
            parse_end(form.value("end"), start, model.now, zone).map_err(|why| ("end", why.to_string()))?
        }
    };
    let window = Window::new(start, end).map_err(|why| ("end", why.to_string()))?;
    let (repeats, running) = (repeats(form, window, zone)?, running(form)?);
    let (stops, suspended) = (stops(form)?, known.is_some() && form.value("suspended") == "yes");
    Ok(NewFreeze {
        repeats,
        running,
        stops,
        suspended,
        ..NewFreeze::once(&name, &reason, form.scope()?, window, zone)
    })
}

pub(super) fn stopped(form: &Form, model: &Model) -> Ordered {
    let reason = form.reason()?;
    let length = parse_duration(form.value("for")).map_err(|why| ("for", why.to_string()))?;
    let window = Window::new(model.now, model.now.plus(length)).map_err(|why| ("for", why.to_string()))?;
    let new = NewFreeze::once(STOP_THE_LINE, &reason, form.scope()?, window, model.zone);
    let new = NewFreeze { numbered: true, running: running(form)?, stops: stops(form)?, ..new };
    Ok(Effect::AddFreeze(Box::new(new)))
}
