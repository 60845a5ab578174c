//! `relman freeze …`

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::args::freeze::{AddFreeze, EditFreeze, Freeze, FreezeNow, SetAside};
use super::{Session, exit, ical};
use crate::domain::freeze::{self as domain, Running, Scope};
use crate::domain::recurrence::Recurrence;
use crate::domain::time::{
    Fold, Timestamp, Tz, Window, parse_duration, parse_end, parse_when, parse_zone, relative, resolve_local,
    wall,
};
use crate::ops::freeze::impact::{self, Impact};
use crate::ops::freeze::{NewFreeze, edit as change};
use crate::ops::view::calendar;
use crate::ops::{Ctx, ErrorKind, OpError, freeze};

pub(super) fn run(session: &mut Session, verb: Freeze) -> Result<u8, OpError> {
    match verb {
        Freeze::Add(args) => add(session, args),
        Freeze::Edit(args) => edit(session, args),
        Freeze::List => list(session),
        Freeze::Show { freeze } => show(session, &freeze),
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
        Freeze::Suspend(args) => set_aside(session, &args, true),
        Freeze::Resume(args) => set_aside(session, &args, false),
        Freeze::Now(args) => now(session, args),
        Freeze::Export(args) => ical::export(session, &args),
        Freeze::Import(args) => ical::import(session, args),
    }
}

pub(super) fn scope(services: Vec<String>, environments: Vec<String>) -> Result<Scope, OpError> {
    Scope::new(services, environments).map_err(|why| OpError::new(ErrorKind::Usage, why.to_string()))
}

/// The rule somebody gave, laid on the first window.
fn rule(
    text: Option<&str>,
    window: Window,
    except: &[NaiveDate],
    zone: Tz,
) -> Result<Option<Recurrence>, OpError> {
    let Some(text) = text else { return Ok(None) };
    let except: BTreeSet<NaiveDate> = except.iter().copied().collect();
    Ok(Some(Recurrence::of(window, text.parse()?, except, zone)?))
}

fn add(session: &mut Session, args: AddFreeze) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let zone = args.time_zone.as_deref().map(parse_zone).transpose()?.unwrap_or(cx.policy.zone);
    let start = parse_when(&args.start, cx.now, zone, Fold::First)?;
    // "+2h" and "18:00" for the end are meant from the start on.
    let end = parse_end(&args.end, start, cx.now, zone)?;
    let window = Window::new(start, end)?;
    let new = NewFreeze {
        repeats: rule(args.rrule.as_deref(), window, &args.except, zone)?,
        running: args.running,
        stops: args.stops,
        ..NewFreeze::once(&args.name, &args.reason, scope(args.services, args.environments)?, window, zone)
    };
    if args.dry_run {
        let (freeze, impact) = impact::preview(&cx, &new)?;
        return told(session, &freeze, &impact, "would close", cx.now);
    }
    added(session, &freeze::add(&cx, &new)?, cx.now)
}

fn now(session: &mut Session, args: FreezeNow) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let length = parse_duration(&args.length)?;
    let scope = scope(args.services, args.environments)?;
    let window = Window::new(cx.now, cx.now.plus(length))?;
    let new = NewFreeze {
        numbered: args.name.is_none(),
        running: args.running,
        stops: args.stops,
        ..NewFreeze::once(
            args.name.as_deref().unwrap_or(freeze::STOP_THE_LINE),
            &args.reason,
            scope,
            window,
            cx.policy.zone,
        )
    };
    added(session, &freeze::add(&cx, &new)?, cx.now)
}

/// What a freeze is to be: what it is, with what was given in its place.
fn edit(session: &mut Session, args: EditFreeze) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let known = freeze::known(&cx, &args.freeze)?;
    let wanted = change::EditFreeze {
        freeze: args.freeze.clone(),
        seen: known.revision,
        new: changed(&cx, &known, &args)?,
        reason: args.reason,
    };
    let edited = if args.dry_run { change::preview(&cx, &wanted) } else { change::edit(&cx, &wanted) }?;
    if session.out.is_json() {
        session.out.json("edited", &edited);
        return Ok(exit::OK);
    }
    let verb = if args.dry_run { "would close" } else { "closes" };
    session.out.line(format!("before: {}", sentence(&edited.before, "closed", cx.now)));
    told(session, &edited.freeze, &edited.impact, verb, cx.now)
}

fn set_aside(session: &mut Session, args: &SetAside, suspended: bool) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let edited = change::suspend(&cx, &args.freeze, suspended, &args.reason)?;
    if session.out.is_json() {
        session.out.json("edited", &edited);
        return Ok(exit::OK);
    }
    let freeze = &edited.freeze;
    if suspended {
        let (name, scope, handle) = (&freeze.name, freeze.scope.describe(), freeze.handle());
        session.out.line(format!(
            "\"{name}\" closes nothing of {scope} until it is resumed: relman freeze resume {handle} --reason \"…\""
        ));
        return Ok(exit::OK);
    }
    told(session, freeze, &edited.impact, "closes", cx.now)
}

fn changed(cx: &Ctx<'_>, known: &domain::Freeze, args: &EditFreeze) -> Result<NewFreeze, OpError> {
    let zone = args.time_zone.as_deref().map(parse_zone).transpose()?.unwrap_or(known.zone);
    let local = |at: Timestamp| at.in_zone(known.zone).naive_local();
    let (first, last) = match &known.repeats {
        Some(repeats) => (repeats.start, repeats.end),
        None => (local(known.window.start), local(known.window.end)),
    };
    let start = match args.start.as_deref() {
        Some(text) => parse_when(text, cx.now, zone, Fold::First)?,
        None => resolve_local(first, zone, Fold::First),
    };
    let end = match args.end.as_deref() {
        Some(text) => parse_end(text, start, cx.now, zone)?,
        None if args.start.is_some() && known.repeats.is_some() => {
            start.plus((last - first).to_std().unwrap_or_default())
        }
        None => resolve_local(last, zone, Fold::Last),
    };
    let window = Window::new(start, end)?;
    let before = known.repeats.as_ref();
    let mut except: Vec<NaiveDate> = before.into_iter().flat_map(|repeats| repeats.except.clone()).collect();
    except.extend(&args.except);
    let text = match args.rrule.as_deref() {
        Some("none") => None,
        Some(text) => Some(text.to_owned()),
        None => before.map(|repeats| repeats.rule.to_string()),
    };
    if text.is_none() && !args.except.is_empty() {
        return Err(OpError::new(ErrorKind::Usage, "only a freeze with a rule has days to leave out"));
    }
    let or_all = |given: &[String], known: &[String]| if given.is_empty() { known } else { given }.to_vec();
    let scope = scope(
        or_all(&args.services, &known.scope.services),
        or_all(&args.environments, &known.scope.environments),
    )?;
    let name = args.name.as_deref().unwrap_or(&known.name);
    let reason = args.because.as_deref().unwrap_or(&known.reason);
    Ok(NewFreeze {
        repeats: rule(text.as_deref(), window, &except, zone)?,
        running: args.running.unwrap_or(known.running),
        stops: args.stops.unwrap_or(known.stops),
        suspended: known.suspended,
        ..NewFreeze::once(name, reason, scope, window, zone)
    })
}

/// Which one, what it closes and when, in one line.
fn sentence(freeze: &domain::Freeze, verb: &str, now: Timestamp) -> String {
    let handle = match freeze.origin {
        domain::FreezeOrigin::Store(id) => format!("{id} "),
        domain::FreezeOrigin::Config => String::new(),
    };
    let window = freeze.current(now);
    let again =
        freeze.repeats.as_ref().map(|repeats| format!(", {}", repeats.in_words())).unwrap_or_default();
    let terms = freeze.terms().map(|terms| format!(" ({terms})")).unwrap_or_default();
    format!(
        "{handle}\"{}\" {verb} {} from {} until {}{again}{terms}",
        freeze.name,
        freeze.scope.describe(),
        wall(window.start, freeze.zone),
        wall(window.end, freeze.zone)
    )
}

fn added(session: &mut Session, added: &freeze::Added, now: Timestamp) -> Result<u8, OpError> {
    if session.out.is_json() {
        session.out.json("added", added);
        return Ok(exit::OK);
    }
    let freeze = &added.freeze;
    session.out.line(sentence(freeze, "closes", now));
    for line in added.impact.clock_changes.iter().map(|change| format!("clock change {change}")) {
        session.out.line(line);
    }
    for line in added.impact.what(freeze.running, freeze.zone) {
        session.out.line(line);
    }
    Ok(exit::OK)
}

/// A freeze with its next windows and everything it hits.
fn told(
    session: &mut Session,
    freeze: &domain::Freeze,
    impact: &Impact,
    verb: &str,
    now: Timestamp,
) -> Result<u8, OpError> {
    if session.out.is_json() {
        session.out.json("freeze", &serde_json::json!({ "freeze": freeze, "impact": impact }));
        return Ok(exit::OK);
    }
    session.out.line(sentence(freeze, verb, now));
    session.out.line(format!("  why: {}", freeze.reason));
    if freeze.running == Running::StopAtStep {
        session.out.line("  what runs when it begins is held before its next step");
    }
    for line in impact.when(freeze.zone) {
        session.out.line(format!("  {line}"));
    }
    for line in impact.what(freeze.running, freeze.zone) {
        session.out.line(format!("  {line}"));
    }
    if impact.hits_nothing() {
        session.out.line("  nothing that is planned or runs is in its way");
    }
    Ok(exit::OK)
}

fn show(session: &mut Session, wanted: &str) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let freeze = freeze::known(&cx, wanted)?;
    let impact = impact::of(&cx, &freeze)?;
    told(session, &freeze, &impact, "closes", cx.now)
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
            let window = freeze.current(cx.now);
            let state = match (freeze.terms(), window.covers(cx.now)) {
                _ if freeze.suspended => "suspended".to_owned(),
                (None, true) => "closed now".to_owned(),
                (Some(terms), true) => format!("closed now, {terms}"),
                (Some(terms), false) => format!("{}, {terms}", relative(window.start, cx.now)),
                (None, false) => relative(window.start, cx.now),
            };
            let again = freeze.repeats.as_ref().map(|repeats| format!(" ({})", repeats.in_words()));
            vec![
                freeze.handle(),
                state,
                wall(window.start, freeze.zone),
                wall(window.end, freeze.zone),
                freeze.scope.describe(),
                format!("{}: {}{}", freeze.name, freeze.reason, again.unwrap_or_default()),
            ]
        })
        .collect();
    session.out.table(&["FREEZE", "STATE", "FROM", "UNTIL", "CLOSES", "WHY"], rows);
    Ok(exit::OK)
}
