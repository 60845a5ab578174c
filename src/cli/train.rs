//! `relman train …`

use super::args::Train as Verb;
use super::out::Tone;
use super::{Session, exit};
use crate::domain::time::{relative, wall};
use crate::domain::train::{Departure, Item};
use crate::ops::OpError;
use crate::ops::train::{self, Prognosis};

pub(super) fn run(session: &mut Session, verb: &Verb) -> Result<u8, OpError> {
    match verb {
        Verb::List => list(session),
        Verb::Show { train } => {
            let desk = session.desk()?;
            let prognosis = train::prognosis(&desk.cx(), train)?;
            show(session, &prognosis);
            Ok(exit::OK)
        }
        Verb::Skip { train, reason } => {
            let desk = session.desk()?;
            let skipped = train::skip(&desk.cx(), train, reason.as_deref())?;
            if session.out.is_json() {
                session.out.json("departure", &skipped);
            } else {
                let at = wall(skipped.departs_at, train::zone(&desk.cx(), train));
                session.out.line(format!("train {train} does not depart {at}; it does so again after that"));
            }
            Ok(exit::OK)
        }
        Verb::Resume { train, reason } => {
            let desk = session.desk()?;
            train::resume(&desk.cx(), train, reason)?;
            let prognosis = train::prognosis(&desk.cx(), train)?;
            show(session, &prognosis);
            Ok(exit::OK)
        }
    }
}

fn list(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let all = train::list(&cx)?;
    if session.out.is_json() {
        session.out.json("trains", &all);
        return Ok(exit::OK);
    }
    if all.is_empty() {
        session.out.note("there is no train; add [trains.NAME] to relman.toml");
        return Ok(exit::OK);
    }
    let row = |one: &Prognosis| {
        let count = one.items.iter().filter(|item| item.left.is_none()).count();
        let state = one.stands().cloned().unwrap_or_else(|| format!("{count} would come along"));
        vec![
            one.train.name.to_string(),
            format!("{} → {}", one.train.from, one.train.to),
            one.train.departs.text.clone(),
            wall(one.departs_at, one.train.departs.zone),
            one.train.conductor.clone(),
            state,
        ]
    };
    session.out.table(
        &["TRAIN", "FROM → TO", "DEPARTS", "NEXT", "CONDUCTOR", "STATE"],
        all.iter().map(row).collect(),
    );
    Ok(exit::OK)
}

fn show(session: &mut Session, one: &Prognosis) {
    let out = &mut session.out;
    if out.is_json() {
        out.json("train", one);
        return;
    }
    let train = &one.train;
    let at = wall(one.departs_at, train.departs.zone);
    out.line(out.paint(Tone::Strong, &format!("train {}: {} → {}", train.name, train.from, train.to)));
    out.line(format!(
        "  departs {} ({}), next {at}, in the name of {}",
        train.departs.text,
        train.departs.zone.name(),
        train.conductor
    ));
    if let Some(why) = one.stands() {
        out.line(out.paint(Tone::Bad, &format!("  does not depart then: {why}")));
    }
    for item in &one.items {
        print_item(out, item);
    }
    for departure in &one.earlier {
        out.line(telling(departure, train.departs.zone));
        for item in &departure.items {
            print_item(out, item);
        }
    }
}

fn print_item(out: &mut super::out::Out, item: &Item) {
    let what = item.release.as_ref().map_or_else(|| item.service.to_string(), ToString::to_string);
    let id = item.deployment.map(|id| format!(" as {id}")).unwrap_or_default();
    match &item.left {
        None => out.line(format!("  {} {what}{id}", out.paint(Tone::Good, "✓"))),
        Some(why) => out.line(format!("  {} {what} stays behind: {why}", out.paint(Tone::Dim, "–"))),
    }
}

/// What became of a departure, in one line.
pub(super) fn telling(d: &Departure, zone: crate::domain::time::Tz) -> String {
    let reason = d.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let late = if d.at > d.departs_at.plus(std::time::Duration::from_secs(120)) {
        format!(", {} late", relative(d.at, d.departs_at).trim_start_matches("in "))
    } else {
        String::new()
    };
    format!("{} {} by {}{late}{reason}", wall(d.departs_at, zone), d.state, d.by)
}
