//! What begins later: `relman deploy --at | --queue`, `relman reschedule`, `relman tick`.

use super::args::{Chain, Deploy, Reschedule, When};
use super::{Session, exit};
use crate::domain::deployment::Deployment;
use crate::domain::time::{Fold, parse_duration, parse_when, parse_zone};
use crate::ops::delivery::{self, Standing};
use crate::ops::deployment::chain as chaining;
use crate::ops::deployment::later::{self, Later};
use crate::ops::deployment::tick as ticking;
use crate::ops::release::find;
use crate::ops::retention;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::supervisor::courier::{self, Waits};

/// The wait a command line asks for, if it does.
pub(super) fn later(cx: &Ctx<'_>, args: &Deploy) -> Result<Option<Later>, OpError> {
    if args.when.at.is_none() && !args.queue && args.after.is_empty() {
        let idle = match (&args.when.expire, args.when.first) {
            (None, false) => return Ok(None),
            (Some(_), _) => "--expire says how long something may wait to begin",
            (None, true) => "--first says what goes first of what waits",
        };
        return Err(OpError::new(ErrorKind::Usage, idle).hint("add --at TIME or --queue"));
    }
    let later = when(cx, &args.when)?;
    Ok(Some(Later { after: args.after.clone(), ..later }))
}

fn when(cx: &Ctx<'_>, when: &When) -> Result<Later, OpError> {
    let zone = when.time_zone.as_deref().map(parse_zone).transpose()?.unwrap_or(cx.policy.zone);
    Ok(Later {
        at: when.at.as_ref().map(|at| parse_when(at, cx.now, zone, Fold::First)).transpose()?,
        expire: when.expire.as_deref().map(parse_duration).transpose()?,
        jumps: when.first.then_some(true),
        ..Later::when_open(zone)
    })
}

/// What was agreed, and what is in its way as things stand.
pub(super) fn tell(session: &mut Session, d: &Deployment) {
    if session.out.is_json() {
        session.out.json("deployment", d);
        return;
    }
    let Some(wait) = &d.wait else { return };
    let (id, release, env) = (d.id, &d.release, &d.environment);
    session.out.line(format!("{id} {} of {release} to {env} is {}: it {wait}", d.kind, d.state));
    let ahead = wait.outlook.iter().flat_map(|outlook| &outlook.closed);
    for closed in ahead {
        session.out.line(format!("  closed at its time, as things stand: {closed}"));
    }
    for closed in &wait.waits_for {
        session.out.line(format!("  waits for {closed}"));
    }
    session.out.note(&format!(
        "watch it: relman attach {0}; move it: relman reschedule {0} --at TIME; call it off: relman cancel {0}",
        id.0
    ));
}

/// Several releases to one environment.
pub(super) fn chain(session: &mut Session, args: Chain) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let mut releases = Vec::new();
    for wanted in &args.releases {
        releases.push(find::find(&cx, wanted)?);
    }
    let wanted = chaining::StartChain {
        releases,
        environment: args.environment,
        reason: args.reason,
        confirm: args.confirm,
        later: when(&cx, &args.when)?,
        together: args.together,
    };
    let started = chaining::start(&cx, &wanted)?;
    if session.out.is_json() {
        session.out.json("deployments", &started.iter().map(|one| &one.deployment).collect::<Vec<_>>());
        return Ok(exit::OK);
    }
    for one in &started {
        let d = &one.deployment;
        let wait = d.wait.as_ref().map_or_else(|| d.state.to_string(), ToString::to_string);
        session.out.line(format!("{} {} to {}: {wait}", d.id, d.release, d.environment));
    }
    let fate = match args.together {
        true => "one that fails stops those that have not finished and takes them back",
        false => "one that fails stops what comes after it",
    };
    session.out.note(&format!("{fate}; watch them with: relman deployments"));
    Ok(exit::OK)
}

pub(super) fn reschedule(session: &mut Session, args: &Reschedule) -> Result<u8, OpError> {
    if args.when.at.is_none() && args.when.expire.is_none() && !args.when.first && !args.not_first {
        let sentence = "a new time, expiry or place was not named";
        let hint = "add --at TIME, --expire DURATION, --first or --not-first";
        return Err(OpError::new(ErrorKind::Usage, sentence).hint(hint));
    }
    let desk = session.desk()?;
    let cx = desk.cx();
    let wanted = when(&cx, &args.when)?;
    let wanted = if args.not_first { Later { jumps: Some(false), ..wanted } } else { wanted };
    let moved = later::reschedule(&cx, args.id, &wanted)?;
    tell(session, &moved);
    Ok(exit::OK)
}

pub(super) fn tick(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let ticked = ticking::tick(&desk.cx())?;
    let pruned = match desk.config.log_retention {
        Some(keep) => retention::prune(&desk.cx(), keep)?,
        None => Vec::new(),
    };
    // Here and now: what a timer leaves running may be ended with it.
    let carried = courier::carry(&desk, Waits::No)?;
    if session.out.is_json() {
        let mut answer = serde_json::to_value(&ticked).unwrap_or_default();
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("logs_removed".to_owned(), serde_json::to_value(&pruned).unwrap_or_default());
            answer.insert("hooks".to_owned(), serde_json::to_value(carried).unwrap_or_default());
        }
        session.out.json("ticked", &answer);
    } else {
        for d in &ticked.settled {
            let cause = d.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
            session.out.line(format!("{} {} is {}{cause}", d.id, d.errand(), d.state));
        }
        for departure in &ticked.departures {
            let zone = crate::ops::train::zone(&desk.cx(), &departure.train);
            session.out.line(format!(
                "train {}: {}",
                departure.train,
                super::train::telling(departure, zone)
            ));
        }
        for id in &ticked.delivered {
            session.out.line(format!("{id} is delivered by itself"));
        }
        for id in &ticked.revived {
            session.out.line(format!("{id} waits again"));
        }
        if !pruned.is_empty() {
            let names: Vec<String> = pruned.iter().map(ToString::to_string).collect();
            session.out.line(format!("logs that were kept long enough are removed: {}", names.join(", ")));
        }
        match carried.delivered {
            0 => {}
            1 => session.out.line("1 event was told to a hook"),
            count => session.out.line(format!("{count} events were told to hooks")),
        }
        if carried.failed > 0 {
            session.out.note(&format!(
                "{} could not be told and will be tried again: relman hooks deliveries --open",
                carried.failed
            ));
        }
        for (_, why) in &ticked.failed {
            session.out.note(why);
        }
        for why in &ticked.standing {
            session.out.note(why);
        }
    }
    Ok(if ticked.failed.is_empty() && ticked.standing.is_empty() {
        exit::OK
    } else {
        exit::code(ErrorKind::Failure)
    })
}

/// What goes where by itself.
pub(super) fn deliveries(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let all = delivery::list(&desk.cx())?;
    if session.out.is_json() {
        session.out.json("deliveries", &all);
        return Ok(exit::OK);
    }
    if all.is_empty() {
        session.out.note("nothing goes anywhere by itself; see [services.NAME.deliver.ENV] in the README");
        return Ok(exit::OK);
    }
    let row = |one: &Standing| {
        let next = one.next.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string);
        let state = if one.waits_for.is_empty() {
            "goes with the next tick".to_owned()
        } else {
            one.waits_for.join("; ")
        };
        let (env, who) = (&one.delivery.environment, &one.delivery.conductor);
        vec![one.service.to_string(), env.to_string(), who.clone(), next, one.changes.to_string(), state]
    };
    session
        .out
        .table(&["SERVICE", "TO", "CONDUCTOR", "NEXT", "CHANGES", "STATE"], all.iter().map(row).collect());
    Ok(exit::OK)
}
