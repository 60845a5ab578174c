//! `relman lock | unlock`

use super::args::{Unlock, lock as args};
use super::{Session, exit};
use crate::domain::freeze::Scope;
use crate::domain::lock::{Lock, LockKind};
use crate::domain::time::{Fold, Timestamp, Tz, parse_duration, parse_when, relative, wall};
use crate::ops::{Ctx, ErrorKind, OpError, lock};

pub(super) fn run(session: &mut Session, lock: args::Lock) -> Result<u8, OpError> {
    match lock.verb {
        None => set(session, lock.set),
        Some(args::LockVerb::Edit(args)) => edit(session, args),
        Some(args::LockVerb::List) => list(session),
    }
}

/// The end somebody typed, as a length or a time.
fn end(cx: &Ctx<'_>, length: Option<&String>, until: Option<&String>) -> Result<Option<Timestamp>, OpError> {
    Ok(match (length, until) {
        (Some(length), _) => Some(cx.now.plus(parse_duration(length)?)),
        (_, Some(until)) => Some(parse_when(until, cx.now, cx.policy.zone, Fold::Last)?),
        _ => None,
    })
}

fn set(session: &mut Session, args: args::SetLock) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let scope = Scope::new(args.services, args.environments)
        .map_err(|why| OpError::new(ErrorKind::Usage, why.to_string()))?;
    let expires = end(&cx, args.length.as_ref(), args.until.as_ref())?;
    let set = lock::set(
        &cx,
        &lock::NewLock { kind: args.kind, scope, reason: args.reason.unwrap_or_default(), expires },
    )?;
    if session.out.is_json() {
        session.out.json("set", &set);
        return Ok(exit::OK);
    }
    session.out.line(sentence(&set.lock, cx.policy.zone));
    for d in &set.still_running {
        session.out.line(format!(
            "still running: {} {} to {} (a lock does not stop it; relman cancel {} would)",
            d.id, d.release, d.environment, d.id.0
        ));
    }
    for d in &set.kept_waiting {
        session.out.line(format!("has to wait: {} {} to {}", d.id, d.release, d.environment));
    }
    Ok(exit::OK)
}

/// What a lock does, in one line.
fn sentence(lock: &Lock, zone: Tz) -> String {
    let what = match lock.kind {
        LockKind::Exclusive => "is locked for everybody but",
        LockKind::Warning => "carries a warning by",
        LockKind::Automation => "starts nothing by itself: automation was stopped by",
    };
    let end = lock.expires.map(|end| format!(" until {}", wall(end, zone))).unwrap_or_default();
    format!("{} {} {what} {}{end}: {}", lock.id, lock.scope.describe(), lock.by.name, lock.reason)
}

fn edit(session: &mut Session, args: args::EditLock) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let expires = end(&cx, args.length.as_ref(), args.until.as_ref())?;
    let wanted = lock::EditLock {
        reason: args.reason,
        expires: (args.no_end || expires.is_some()).then_some(expires),
    };
    let changed = lock::edit(&cx, args.id, &wanted)?;
    if session.out.is_json() {
        session.out.json("lock", &changed);
    } else {
        session.out.line(sentence(&changed, cx.policy.zone));
    }
    Ok(exit::OK)
}

pub(super) fn unlock(session: &mut Session, args: &Unlock) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let lifted = lock::lift(&desk.cx(), args.id, args.reason.as_deref())?;
    if session.out.is_json() {
        session.out.json("lock", &lifted);
    } else {
        session.out.line(format!(
            "{} on {} by {} is lifted",
            lifted.id,
            lifted.scope.describe(),
            lifted.by.name
        ));
    }
    Ok(exit::OK)
}

fn list(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let locks = lock::list(&cx)?;
    if session.out.is_json() {
        session.out.json("locks", &locks);
        return Ok(exit::OK);
    }
    if locks.is_empty() {
        session.out.note("nothing is locked");
        return Ok(exit::OK);
    }
    let row = |lock: &Lock| {
        vec![
            lock.id.to_string(),
            lock.kind.to_string(),
            lock.scope.describe(),
            lock.by.name.clone(),
            relative(lock.since, cx.now),
            lock.expires.map_or_else(|| "–".to_owned(), |end| wall(end, cx.policy.zone)),
            crate::domain::text::fit(&lock.reason, 60),
        ]
    };
    session
        .out
        .table(&["LOCK", "KIND", "ON", "BY", "SINCE", "UNTIL", "WHY"], locks.iter().map(row).collect());
    Ok(exit::OK)
}
