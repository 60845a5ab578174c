//! Events of a calendar as freezes: the same file read twice changes nothing the second time.

use serde::Serialize;

use super::edit::{self, EditFreeze};
use super::{NewFreeze, add};
use crate::domain::freeze::{Freeze, FreezeOrigin, Scope};
use crate::domain::ical::{Event, uid};
use crate::domain::text::fit;
use crate::ops::view::calendar;
use crate::ops::{Ctx, ErrorKind, OpError};

/// What became of an event, or would.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "became", rename_all = "lowercase")]
pub enum Became {
    Added {
        freeze: Freeze,
    },
    Changed {
        freeze: Freeze,
    },
    Unchanged {
        freeze: Freeze,
    },
    /// It is in the past.
    Over {
        name: String,
        line: usize,
    },
    Refused {
        name: String,
        line: usize,
        why: String,
    },
}

/// How events become freezes.
#[derive(Debug, Clone)]
pub struct Import {
    /// What they close, where they do not say so themselves.
    pub scope: Option<Scope>,
    /// Where they come from, for those that say no reason.
    pub source: String,
    /// Only say what would become of them.
    pub dry_run: bool,
}

/// Records each event by itself: one that is refused or makes no sense here keeps no other away.
pub fn import(cx: &Ctx<'_>, events: &[Event], how: &Import) -> Result<Vec<Became>, OpError> {
    if how.scope.is_none() && events.iter().any(|event| event.scope.is_none()) {
        return Err(OpError::new(ErrorKind::Usage, "the events do not say what they close")
            .hint("say it: --environment production, and --service NAME where not all are meant"));
    }
    let mut known = calendar::freezes(cx)?;
    let mut outcomes = Vec::new();
    for event in events {
        if event.is_over(cx.now) {
            outcomes.push(Became::Over { name: event.name.clone(), line: event.line });
            continue;
        }
        let became = match one(cx, &known, event, how) {
            Ok(became) => became,
            Err(error) if is_about_the_event(&error) => {
                Became::Refused { name: event.name.clone(), line: event.line, why: error.sentence }
            }
            Err(error) => return Err(halfway(error, &outcomes, how)),
        };
        remember(&mut known, &became);
        outcomes.push(became);
    }
    Ok(outcomes)
}

/// Whether the next event may well fare better.
fn is_about_the_event(error: &OpError) -> bool {
    error.is_refusal() || matches!(error.kind, ErrorKind::Usage | ErrorKind::NotFound)
}

/// The store could not be written any more.
fn halfway(error: OpError, outcomes: &[Became], how: &Import) -> OpError {
    let is_written = |became: &&Became| matches!(became, Became::Added { .. } | Became::Changed { .. });
    match outcomes.iter().filter(is_written).count() {
        0 => error,
        _ if how.dry_run => error,
        written => error.hint(format!(
            "{written} events before it are recorded; import the file again: it changes nothing about those"
        )),
    }
}

/// An event that comes a second time in the same file is about what the first one became.
fn remember(known: &mut Vec<Freeze>, became: &Became) {
    match became {
        Became::Added { freeze } => known.push(freeze.clone()),
        Became::Changed { freeze } => {
            for one in known.iter_mut().filter(|one| one.origin == freeze.origin) {
                one.clone_from(freeze);
            }
        }
        _ => {}
    }
}

fn one(cx: &Ctx<'_>, known: &[Freeze], event: &Event, how: &Import) -> Result<Became, OpError> {
    let everything = Scope::everything;
    let scope = how.scope.clone().or_else(|| event.scope.clone()).unwrap_or_else(everything);
    let reason = event.reason.clone().unwrap_or_else(|| format!("imported from {}", how.source));
    let name = fit(&event.name, 90);
    let new = NewFreeze {
        numbered: true,
        repeats: event.repeats.clone(),
        running: event.running,
        stops: event.stops.unwrap_or_default(),
        suspended: event.suspended.unwrap_or_default(),
        uid: Some(event.uid.clone()),
        ..NewFreeze::once(&name, &fit(&reason, 1900), scope, event.window, event.zone)
    };
    let Some(known) = known.iter().find(|freeze| uid(freeze) == event.uid).cloned() else {
        return Ok(Became::Added {
            freeze: match how.dry_run {
                true => super::impact::preview(cx, &new)?.0,
                false => add(cx, &new)?.freeze,
            },
        });
    };
    // What relman.toml says is changed there; and its own name needs no other one.
    let own = uid(&Freeze { uid: None, ..known.clone() }) == event.uid;
    // A calendar that is not relman's says nothing about whom it stops: that stays as it is.
    let new = NewFreeze {
        uid: known.uid.clone().or_else(|| new.uid.filter(|_| !own)),
        stops: event.stops.unwrap_or(known.stops),
        suspended: event.suspended.unwrap_or(known.suspended),
        ..new
    };
    // A number behind a name that was taken stays there.
    let is_numbered =
        known.name.strip_prefix(&format!("{name} ")).is_some_and(|rest| rest.parse::<u32>().is_ok());
    let new = if is_numbered { NewFreeze { name: known.name.clone(), ..new } } else { new };
    if known.origin == FreezeOrigin::Config || same(&known, &new) {
        return Ok(Became::Unchanged { freeze: known });
    }
    let change = EditFreeze {
        freeze: known.handle(),
        seen: known.revision,
        new,
        reason: Some(format!("imported from {}", how.source)),
    };
    let edited = if how.dry_run { edit::preview(cx, &change) } else { edit::edit(cx, &change) };
    Ok(Became::Changed { freeze: edited?.freeze })
}

fn same(known: &Freeze, new: &NewFreeze) -> bool {
    known.name == new.name
        && known.reason == new.reason
        && known.scope == new.scope
        && known.zone == new.zone
        && known.running == new.running
        && known.stops == new.stops
        && known.suspended == new.suspended
        && known.repeats == new.repeats
        // A calendar knows seconds.
        && known.window.start.millis().abs_diff(new.window.start.millis()) < 1000
        && known.window.end.millis().abs_diff(new.window.end.millis()) < 1000
}
