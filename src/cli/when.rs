//! `relman when`

use std::time::Duration;

use super::args::WhenSlots;
use super::{Session, deployment, exit};
use crate::domain::time::{Timestamp, Tz, parse_duration, span, wall};
use crate::ops::OpError;
use crate::ops::release::find;
use crate::ops::view::when::{self as view, When};

/// Exit status 0 where there is a slot, whatever people still owe; otherwise that of the gate that leaves none.
pub(super) fn when(session: &mut Session, args: &WhenSlots) -> Result<u8, OpError> {
    let desk = session.desk()?;
    deployment::settle_orphans(&desk);
    let cx = desk.cx();
    let id = find::find(&cx, &args.release)?;
    let length = args.length.as_deref().map(parse_duration).transpose()?;
    let found = view::when(&cx, &id, &args.environment, length, usize::from(args.count))?;
    let code = match found.slots.is_empty() {
        false => exit::OK,
        true if found.now.allows() => exit::BLOCKED,
        true => exit::code(OpError::gates(found.now.clone()).kind),
    };
    if session.out.is_json() {
        session.out.json("when", &found);
        return Ok(code);
    }
    tell(session, &found, cx.policy.zone, cx.now);
    Ok(code)
}

fn tell(session: &mut Session, found: &When, zone: Tz, now: Timestamp) {
    let out = &mut session.out;
    let long = span(Duration::from_millis(found.length_ms));
    let as_usual = if found.usual { ", as long as it usually takes" } else { "" };
    let (release, env) = (&found.release, &found.environment);
    if found.slots.is_empty() {
        let until = wall(found.looked_until, zone);
        out.line(format!("{env} is not open for {release} for {long}{as_usual} at any time until {until}"));
        for check in found.now.closed() {
            if let crate::domain::gate::Answer::Blocked { reason } = &check.answer {
                out.line(format!("  {}: {reason}", check.gate));
                out.line(format!("    → {}", reason.next_step(release, env)));
            }
        }
        return;
    }
    out.line(format!("{env} is open for {release} for {long}{as_usual}:"));
    for slot in &found.slots {
        out.line(format!("  {}", slot.sentence(zone, now)));
    }
    for d in &found.around {
        let at = d.wait.as_ref().and_then(|wait| wait.at).map(|at| wall(at, zone)).unwrap_or_default();
        out.line(format!(
            "kept clear of {} ({} by {}), which begins {at}",
            d.id, d.release, d.started_by.name
        ));
    }
    for owed in &found.also_needed {
        let from = owed.from.map(|at| format!(" (for what begins {} or later)", wall(at, zone)));
        out.line(format!("also needed{}: {}: {}", from.unwrap_or_default(), owed.gate, owed.why));
        if !owed.next.is_empty() {
            out.line(format!("  → {}", owed.next));
        }
    }
}
