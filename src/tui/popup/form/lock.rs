//! Forms about locks.

use super::{Form, Kind, Ordered, choice, form, preset, text};
use crate::domain::ids::LockId;
use crate::domain::lock::{Lock, LockKind};
use crate::domain::time::{Fold, Timestamp, parse_when};
use crate::ops::lock::{EditLock, NewLock};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::Popup;

/// A new lock; on the service and the next environment of the selected release, where one is.
pub fn new(model: &Model) -> Popup {
    let card = crate::tui::pane::board::selected(model);
    let service = card.map_or_else(|| "*".to_owned(), |card| card.release.id.service.to_string());
    let next = card.and_then(|card| card.next.as_ref());
    let env = next.map_or_else(|| "*".to_owned(), |next| next.environment.to_string());
    let notes = vec![
        "exclusive: nobody but you deploys; warning: only read; automation: nothing".to_owned(),
        "begins by itself. What runs, runs on; whoever may deploy there may lift it.".to_owned(),
    ];
    let kinds = LockKind::ALL.map(|kind| kind.to_string()).to_vec();
    form(
        Kind::Lock,
        "New lock",
        notes,
        vec![
            text("reason", "why; whoever is refused reads it"),
            preset("environments", &env, "patterns with commas; * for all"),
            preset("services", &service, "patterns with commas; * for all"),
            text("until", "18:00, tomorrow 09:00, +2h; empty: until somebody lifts it"),
            choice("kind", kinds, 0),
        ],
    )
}

pub fn edit(lock: &Lock, model: &Model) -> Popup {
    let end = lock.expires.map(|end| end.in_zone(model.zone).format("%Y-%m-%d %H:%M").to_string());
    form(
        Kind::EditLock(lock.id),
        format!("Lock {} on {}", lock.id, lock.scope.describe()),
        Vec::new(),
        vec![
            preset("reason", &lock.reason, "why; whoever is refused reads it"),
            preset("until", &end.unwrap_or_default(), "empty: until somebody lifts it"),
        ],
    )
}

pub fn lift(lock: &Lock) -> Popup {
    let notes = vec![format!("{} by {}: {}", lock.kind, lock.by.name, lock.reason)];
    let title = format!("Lift lock {} on {}", lock.id, lock.scope.describe());
    form(Kind::Unlock(lock.id), title, notes, vec![text("reason", "why it may go, if that is worth keeping")])
}

fn until(form: &Form, model: &Model) -> Result<Option<Timestamp>, (&'static str, String)> {
    let end = form.some("until").map(|text| parse_when(&text, model.now, model.zone, Fold::Last));
    end.transpose().map_err(|why| ("until", why.to_string()))
}

pub(super) fn set(form: &Form, model: &Model) -> Ordered {
    Ok(Effect::Lock(Box::new(NewLock {
        kind: form.value("kind").parse().map_err(|why| ("kind", format!("{why}")))?,
        scope: form.scope()?,
        reason: form.reason()?,
        expires: until(form, model)?,
    })))
}

pub(super) fn edited(form: &Form, model: &Model, id: LockId) -> Ordered {
    let edit = EditLock { reason: Some(form.reason()?), expires: Some(until(form, model)?) };
    Ok(Effect::EditLock { id, edit })
}
