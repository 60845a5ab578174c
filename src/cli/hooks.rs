//! `relman hooks …`: who is told of what, what was told, and what could not be.

use super::args::Hooks as Verb;
use super::out::Tone;
use super::{Session, exit};
use crate::domain::event;
use crate::domain::hook::{Delivery, DeliveryState};
use crate::domain::time::{relative, wall};
use crate::ops::OpError;
use crate::ops::hook::show::{self, Standing};

pub(super) fn run(session: &mut Session, verb: &Verb) -> Result<u8, OpError> {
    match verb {
        Verb::List => list(session),
        Verb::Deliveries { limit, open } => deliveries(session, *limit, *open),
        Verb::Show { delivery } => one(session, *delivery),
        Verb::Retry { delivery } => retry(session, *delivery),
        Verb::Events => {
            events(session);
            Ok(exit::OK)
        }
    }
}

fn list(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let all = show::hooks(&desk.cx())?;
    if session.out.is_json() {
        session.out.json("hooks", &all);
        return Ok(exit::OK);
    }
    if all.is_empty() {
        session.out.note("nobody is told of anything; see [hooks] in docs/hooks.md");
        return Ok(exit::OK);
    }
    let row = |one: &Standing| {
        let last = one.last.as_ref().map_or_else(|| "–".to_owned(), |last| state(last, desk.cx().now));
        let trouble = [
            (one.pending > 0).then(|| format!("{} pending", one.pending)),
            (one.given_up > 0).then(|| format!("{} GIVEN UP", one.given_up)),
            (one.passed_over > 0).then(|| format!("{} passed over (too old)", one.passed_over)),
            one.lacks.clone(),
        ];
        let trouble: Vec<String> = trouble.into_iter().flatten().collect();
        vec![one.hook.clone(), one.events.join(", "), one.target.clone(), last, trouble.join("; ")]
    };
    let rows = all.iter().map(row).collect();
    session.out.table(&["HOOK", "EVENTS", "TELLS", "LAST", ""], rows);
    Ok(exit::OK)
}

/// `delivered 3m ago: 200 (by alice on bastion)`.
fn state(one: &Delivery, now: crate::domain::time::Timestamp) -> String {
    let outcome = one.outcome.as_ref().map(|outcome| format!(": {outcome}")).unwrap_or_default();
    match (one.state, one.ended_at) {
        (DeliveryState::Pending, _) if one.attempts == 0 => "waits to be told".to_owned(),
        (DeliveryState::Pending, _) => {
            let next = relative(one.due_at, now);
            format!("attempt {} failed{outcome}; next {next}", one.attempts)
        }
        (state, Some(at)) => format!("{state} {}{outcome}", relative(at, now)),
        (state, None) => format!("{state}{outcome}"),
    }
}

fn deliveries(session: &mut Session, limit: u32, open: bool) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let mut all = show::deliveries(&cx, limit)?;
    if open {
        all.retain(|one| one.state != DeliveryState::Delivered);
    }
    if session.out.is_json() {
        session.out.json("deliveries", &all);
        return Ok(exit::OK);
    }
    if all.is_empty() {
        let what =
            if open { "nothing waits to be told" } else { "nothing was told, and nothing is to be told" };
        session.out.note(what);
        return Ok(exit::OK);
    }
    let row =
        |one: &Delivery| vec![one.id.to_string(), one.name.clone(), one.hook.clone(), state(one, cx.now)];
    let rows = all.iter().map(row).collect();
    session.out.table(&["ID", "EVENT", "HOOK", "STATE"], rows);
    Ok(exit::OK)
}

fn one(session: &mut Session, id: i64) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let (delivery, event) = show::delivery(&cx, id)?;
    if session.out.is_json() {
        session.out.json("delivery", &serde_json::json!({ "delivery": delivery, "event": event }));
        return Ok(exit::OK);
    }
    let out = &mut session.out;
    out.line(out.paint(Tone::Strong, &format!("{} to {}", delivery.name, delivery.hook)));
    out.line(format!("  {}", state(&delivery, cx.now)));
    out.line(format!("  event    {}", delivery.event));
    out.line(format!("  queued   {}", wall(delivery.queued_at, cx.policy.zone)));
    out.line(format!("  attempts {}", delivery.attempts));
    if let Some(by) = &delivery.leased_by {
        out.line(format!("  being told by {by}"));
    }
    if let Some(said) = &delivery.said {
        out.line("  it said:");
        for line in said.lines() {
            out.line(format!("    {line}"));
        }
    }
    if let Some(event) = event {
        out.line("  the event as it is sent:");
        out.lines(&serde_json::to_string_pretty(&event).unwrap_or_default());
    }
    Ok(exit::OK)
}

fn retry(session: &mut Session, id: Option<i64>) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let count = show::retry(&cx, id)?;
    cx.machine.outside().send_courier();
    if session.out.is_json() {
        session.out.json("retried", &count);
    } else {
        session.out.line(format!("{count} told again; see what comes of it: relman hooks deliveries"));
    }
    Ok(exit::OK)
}

fn events(session: &mut Session) {
    if session.out.is_json() {
        let all: Vec<_> = event::NAMES
            .iter()
            .map(|(name, when)| serde_json::json!({ "name": name, "when": when }))
            .collect();
        session.out.json("events", &all);
        return;
    }
    let rows = event::NAMES.iter().map(|(name, when)| vec![(*name).to_owned(), (*when).to_owned()]).collect();
    session.out.table(&["EVENT", "WHEN"], rows);
}
