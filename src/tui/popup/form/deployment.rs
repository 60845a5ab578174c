//! Forms about deployments.

use super::{Form, Kind, Ordered, choice, form, preset, text, typed};
use crate::domain::change;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::gate::GateReport;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId};
use crate::domain::time::{Fold, parse_duration, parse_when, span};
use crate::domain::wait::{Wait, closed};
use crate::ops::deployment::later::Later;
use crate::ops::deployment::start::StartDeploy;
use crate::ops::view::when::Slot;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::{Popup, is_production, is_protected};

pub fn cancel_and_roll_back(id: DeploymentId) -> Popup {
    let notes = vec!["It is stopped; when it has ended, the last good release is put back.".to_owned()];
    let fields = vec![text("reason", "why, for the record and for the block of this release")];
    form(Kind::CancelAndRollBack(id), format!("Stop {id} and roll back"), notes, fields)
}

pub fn abandon(id: DeploymentId) -> Popup {
    let notes = vec![
        "It does not stop. Given up, it counts as cancelled and its environment is free.".to_owned(),
        "Its work may still be going on, and nothing is cleaned up.".to_owned(),
    ];
    form(Kind::Abandon(id), format!("Give up {id}"), notes, vec![text("reason", "what you know about it")])
}

pub fn resolve(d: &Deployment) -> Popup {
    let notes = vec![
        format!("{} of {} to {}: nobody knows how it ended.", d.id, d.release, d.environment),
        "Look at what really runs there, then say how it ended. The environment is free after that."
            .to_owned(),
    ];
    let outcomes = vec!["failed".to_owned(), "succeeded".to_owned()];
    let fields = vec![choice("outcome", outcomes, 0), text("reason", "how you know")];
    form(Kind::Resolve(d.id), format!("Settle lost deployment {}", d.id), notes, fields)
}

/// A note into the log.
pub fn note(id: DeploymentId) -> Popup {
    let notes =
        vec!["It stands in the log where it is now, for everybody, and is not taken back.".to_owned()];
    form(Kind::Note(id), format!("Note beside the log of {id}"), notes, vec![text("note", "what you saw")])
}

/// What is asked about a later deployment: another time for the one that waits already, else the time of a new one.
pub fn schedule(
    model: &Model,
    waits: Option<&Deployment>,
    release: &ReleaseId,
    environment: &EnvName,
    report: Option<&GateReport>,
) -> Popup {
    match waits.and_then(|d| Some((d, d.wait.as_ref()?))) {
        Some((d, wait)) => reschedule(d, wait, model),
        None => ask_later(model, release, environment, report),
    }
}

/// Stands where the slots will.
pub(super) const LOOKING: &str = "looking for when it can begin…";

/// When it can begin.
pub(super) fn slots(model: &Model, slots: &[Slot]) -> Vec<String> {
    match slots {
        [] => vec!["open at no time: a freeze, a window or a lock keeps it closed (w says more)".to_owned()],
        slots => slots.iter().map(|slot| format!("open {}", slot.sentence(model.zone, model.now))).collect(),
    }
}

/// What is asked where something is to begin later, with what the gates say now.
pub fn ask_later(
    model: &Model,
    release: &ReleaseId,
    environment: &EnvName,
    report: Option<&GateReport>,
) -> Popup {
    let mut notes = vec![
        "From that time on it begins by itself as soon as every gate is open; what".to_owned(),
        "has not begun in time is missed. X calls it off, S again moves it.".to_owned(),
    ];
    let closed = report.map(closed).unwrap_or_default();
    notes.extend(closed.iter().map(|gate| format!("closed now: {gate}")));
    notes.push(LOOKING.to_owned());
    let title = match is_production(model, environment) {
        true => format!("PRODUCTION: deploy {release} to {environment} later"),
        false => format!("Deploy {release} to {environment} later"),
    };
    let mut fields = vec![
        text("begin", "22:00, tomorrow 06:30, +2h; empty: as soon as it is open"),
        preset("within", &span(Wait::DEFAULT_EXPIRY), "how long it may take to begin"),
        text("after", "#12, #13: only when these have succeeded"),
        choice("goes first", no_or_yes(), 0),
        text("reason", "why, if that is worth keeping"),
    ];
    if is_protected(model, environment) {
        fields.push(typed("version", "type it, as for every deployment there"));
    }
    form(Kind::Later { release: release.clone(), environment: environment.clone() }, title, notes, fields)
}

/// Which change ticket it is deployed under.
pub fn ticket(release: &ReleaseId, environment: &EnvName) -> Popup {
    let notes = vec![
        "It takes the place of the ticket that is found by its title, and is asked about at once.".to_owned(),
    ];
    let kind = Kind::Ticket { release: release.clone(), environment: environment.clone() };
    let fields = vec![text("number", "as its system writes it: CHG0030001, OPS-142")];
    form(kind, format!("Change ticket of {release} in {environment}"), notes, fields)
}

pub(super) fn ticketed(form: &Form, release: &ReleaseId, environment: &EnvName) -> Ordered {
    let number = change::number(form.value("number")).map_err(|why| ("number", why.to_string()))?;
    Ok(Effect::NameChange { release: release.clone(), environment: environment.clone(), number })
}

pub fn reschedule(d: &Deployment, wait: &Wait, model: &Model) -> Popup {
    let at = wait.at.filter(|_| d.state == DeploymentState::Scheduled);
    let within = span(wait.expires.since(at.unwrap_or(d.requested_at)));
    let fields = vec![
        text("begin", "22:00, tomorrow 06:30, +2h; empty: as it is"),
        preset("within", &within, "how long it may take to begin"),
        choice("goes first", no_or_yes(), usize::from(wait.jumps)),
    ];
    let now = match at {
        Some(at) => format!("It begins {}.", model.moment(at)),
        None => "It begins as soon as every gate is open.".to_owned(),
    };
    let notes = vec![format!("{} to {}; times in {}.", d.release, d.environment, model.zone.name()), now];
    form(Kind::Reschedule { id: d.id, within }, format!("Move {}", d.id), notes, fields)
}

/// Whether it goes before others that wait for the same environment.
pub(super) fn no_or_yes() -> Vec<String> {
    vec!["no".to_owned(), "yes".to_owned()]
}

pub(super) fn when(form: &Form, model: &Model) -> Result<Later, (&'static str, String)> {
    let at = form.some("begin").map(|text| parse_when(&text, model.now, model.zone, Fold::First)).transpose();
    let expire = form.some("within").map(|text| parse_duration(&text)).transpose();
    Ok(Later {
        at: at.map_err(|why| ("begin", why.to_string()))?,
        expire: expire.map_err(|why| ("within", why.to_string()))?,
        after: after(form)?,
        jumps: match form.value("goes first") {
            "yes" => Some(true),
            "no" | "" => Some(false),
            _ => return Err(("goes first", "write yes or no".to_owned())),
        },
        ..Later::when_open(model.zone)
    })
}

/// The deployments it comes after.
fn after(form: &Form) -> Result<Vec<DeploymentId>, (&'static str, String)> {
    let text = form.some("after").unwrap_or_default();
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().map_err(|why| ("after", format!("{why}")))).collect()
}

pub(super) fn later(form: &Form, model: &Model, release: &ReleaseId, environment: &EnvName) -> Ordered {
    let later = when(form, model)?;
    let later = Later { jumps: later.jumps.filter(|jumps| *jumps), ..later };
    let confirm = form.some("version");
    if is_protected(model, environment) && confirm.as_deref() != Some(release.version.to_string().as_str()) {
        return Err(("version", format!("type the version {} exactly", release.version)).into());
    }
    Ok(Effect::Deploy(Box::new(StartDeploy {
        reason: form.some("reason"),
        confirm,
        later: Some(later),
        ..StartDeploy::new(release.clone(), environment.clone())
    })))
}

/// What was not changed in the form stays as it is.
pub(super) fn moved(form: &Form, model: &Model, id: DeploymentId, within: &str) -> Ordered {
    let later = when(form, model)?;
    let expire = later.expire.filter(|_| form.value("within") != within);
    Ok(Effect::Reschedule { id, later: Later { expire, ..later } })
}
