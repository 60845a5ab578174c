//! `relman freeze …`

use super::args::{AddFreeze, Freeze, FreezeNow};
use super::{Session, exit};
use crate::domain::freeze::Scope;
use crate::domain::time::{Fold, Window, parse_duration, parse_end, parse_when, parse_zone, relative, wall};
use crate::ops::view::calendar;
use crate::ops::{ErrorKind, OpError, freeze};

pub(super) fn run(session: &mut Session, verb: Freeze) -> Result<u8, OpError> {
    match verb {
        Freeze::Add(args) => add(session, args),
        Freeze::List => list(session),
        Freeze::Remove { freeze, reason } => {
            let desk = session.desk()?;
            let removed = freeze::remove(&desk.cx(), &freeze, reason.as_deref())?;
            if session.out.is_json() {
                session.out.json("freeze", &removed);
            } else {
                session.out.line(format!(
                    "\"{}\" no longer closes {}",
                    removed.name,
                    removed.scope.describe()
                ));
            }
            Ok(exit::OK)
        }
        Freeze::Now(args) => now(session, args),
    }
}

fn scope(services: Vec<String>, environments: Vec<String>) -> Result<Scope, OpError> {
    Scope::new(services, environments).map_err(|why| OpError::new(ErrorKind::Usage, why.to_string()))
}

fn add(session: &mut Session, args: AddFreeze) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let zone = args.time_zone.as_deref().map(parse_zone).transpose()?.unwrap_or(cx.policy.zone);
    let start = parse_when(&args.start, cx.now, zone, Fold::First)?;
    // "+2h" and "18:00" for the end are meant from the start on.
    let end = parse_end(&args.end, start, cx.now, zone)?;
    let new = freeze::NewFreeze {
        name: args.name,
        numbered: false,
        reason: args.reason,
        scope: scope(args.services, args.environments)?,
        window: Window::new(start, end)?,
        zone,
    };
    added(session, freeze::add(&cx, &new)?)
}

fn now(session: &mut Session, args: FreezeNow) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let length = parse_duration(&args.length)?;
    let scope = scope(args.services, args.environments)?;
    let new = freeze::NewFreeze {
        numbered: args.name.is_none(),
        name: args.name.unwrap_or_else(|| freeze::STOP_THE_LINE.to_owned()),
        reason: args.reason,
        scope,
        window: Window::new(cx.now, cx.now.plus(length))?,
        zone: cx.policy.zone,
    };
    added(session, freeze::add(&cx, &new)?)
}

fn added(session: &mut Session, added: freeze::Added) -> Result<u8, OpError> {
    if session.out.is_json() {
        session.out.json("added", &added);
        return Ok(exit::OK);
    }
    let freeze = &added.freeze;
    session.out.line(format!(
        "{} \"{}\" closes {} from {} until {}",
        freeze.handle(),
        freeze.name,
        freeze.scope.describe(),
        wall(freeze.window.start, freeze.zone),
        wall(freeze.window.end, freeze.zone)
    ));
    for running in &added.still_running {
        session.out.line(format!(
            "still running: {} {} to {} (a freeze does not stop it; relman cancel {} would)",
            running.id, running.release, running.environment, running.id.0
        ));
    }
    Ok(exit::OK)
}

fn list(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let freezes = calendar::freezes(&cx)?;
    if session.out.is_json() {
        session.out.json("freezes", &freezes);
        return Ok(exit::OK);
    }
    if freezes.is_empty() {
        session.out.note("no freeze is in force or to come");
        return Ok(exit::OK);
    }
    let rows = freezes
        .iter()
        .map(|freeze| {
            let state = if freeze.window.covers(cx.now) {
                "closed now".to_owned()
            } else {
                relative(freeze.window.start, cx.now)
            };
            vec![
                freeze.handle(),
                state,
                wall(freeze.window.start, freeze.zone),
                wall(freeze.window.end, freeze.zone),
                freeze.scope.describe(),
                format!("{}: {}", freeze.name, freeze.reason),
            ]
        })
        .collect();
    session.out.table(&["FREEZE", "STATE", "FROM", "UNTIL", "CLOSES", "WHY"], rows);
    Ok(exit::OK)
}
