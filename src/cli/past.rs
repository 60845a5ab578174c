//! `--as-of` and `relman audit diff`: the views of the present at a moment of the past, and what differs between two.

use super::audit::moment;
use super::out::Out;
use super::{Session, exit};
use crate::desk::Desk;
use crate::domain::time::wall;
use crate::ops::past::{self, Matter, Past};
use crate::ops::{OpError, audit};

/// The moment that was asked for, if one was; says what it is that is shown.
pub(super) fn open(session: &Session, desk: &Desk, as_of: Option<&str>) -> Result<Option<Past>, OpError> {
    let Some(text) = as_of else { return Ok(None) };
    let cx = desk.cx();
    let past = Past::open(&cx, moment(desk, text)?)?;
    let place = past.place();
    session.out.note(&format!(
        "PAST: {}, behind entry {}; gates and approvals are judged by today's configuration",
        wall(place.at, cx.policy.zone),
        place.seq
    ));
    if place.unreadable > 0 {
        session.out.note(&format!(
            "{} entries of another relman cannot be read: what they changed is missing here",
            place.unreadable
        ));
    }
    Ok(Some(past))
}

/// The answer as JSON, with the moment it is about.
pub(super) fn answer(out: &mut Out, past: Option<&Past>, kind: &str, value: &impl serde::Serialize) {
    match past {
        None => out.json(kind, value),
        Some(past) => out.json("past", &serde_json::json!({ "moment": past.place(), kind: value })),
    }
}

pub(super) fn diff(session: &mut Session, from: &str, to: Option<&str>) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let from = moment(&desk, from)?;
    let to = moment(&desk, to.unwrap_or("now"))?;
    let cx = desk.cx();
    let (from, to) = (audit::seq_of(&cx, from)?, audit::seq_of(&cx, to)?);
    let all = past::diff(&cx, from, to)?;
    let out = &mut session.out;
    if out.is_json() {
        out.json("difference", &serde_json::json!({ "from": from, "to": to, "differences": all }));
        return Ok(exit::OK);
    }
    out.line(format!("from entry {from} to entry {to}"));
    for matter in Matter::ALL {
        let mut rows = all.iter().filter(|one| one.matter == matter).peekable();
        if rows.peek().is_some() {
            out.line(format!("{}:", matter.title()));
        }
        for one in rows {
            out.line(format!("  {}", one.sentence));
        }
    }
    if all.is_empty() {
        out.line("nothing differs");
    }
    Ok(exit::OK)
}
