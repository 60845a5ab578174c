//! `relman audit show SEQ`

use serde_json::Value;

use crate::cli::{Session, exit};
use crate::domain::difference::{Difference, differences};
use crate::domain::digest::hex;
use crate::domain::journal::Body;
use crate::domain::time::wall;
use crate::ops::{ErrorKind, OpError, audit, configured};

pub(super) fn show(session: &mut Session, seq: i64) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let entry = audit::entry(&cx, seq)?;
    let unreadable = || OpError::new(ErrorKind::Failure, format!("entry {seq} cannot be read"));
    let body = entry.parsed().ok_or_else(|| unreadable().hint("look at the whole: relman audit verify"))?;
    let rules = configured::changed_by(&cx, seq)?;
    let changes = changes(&body);
    if session.out.is_json() {
        let mut told = super::as_json(&entry);
        told["changes"] = serde_json::json!(changes);
        told["rules"] = serde_json::json!(rules);
        session.out.json("entry", &told);
        return Ok(exit::OK);
    }
    let out = &mut session.out;
    out.line(format!("entry {seq}: {} {} {}", entry.verb, body.subject, body.result));
    out.line(format!("  when    {} ({} UTC)", wall(entry.at, cx.policy.zone), entry.at));
    let actor = &body.actor;
    let from: Vec<String> = [
        Some(format!("uid {}", actor.person.uid)),
        Some(format!("through {}", actor.via.as_str())),
        actor.tty.as_ref().map(|tty| format!("on {tty}")),
        actor.client.as_ref().map(|client| format!("from {client}")),
        actor.key.as_ref().map(|key| format!("with key {key}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    out.line(format!("  who     {} ({})", actor.person.described(), from.join(", ")));
    if let Some(reason) = &body.reason {
        out.line(format!("  why     {reason}"));
    }
    out.line(format!("  hash    {}", hex(&entry.hash)));
    out.line(format!("  before  {}", hex(&entry.previous)));
    for (title, list) in [("what changed", &changes), ("what changed in the rules", &rules)] {
        if !list.is_empty() {
            out.line(format!("{title}:"));
            for change in list {
                out.line(format!("  {change}"));
            }
        }
    }
    Ok(exit::OK)
}

/// The record before and after, and what else belongs to the act.
fn changes(body: &Body) -> Vec<Difference> {
    let nothing = Value::Object(serde_json::Map::new());
    let (before, after) = (body.before.as_ref().unwrap_or(&nothing), body.after.as_ref().unwrap_or(&nothing));
    let mut changes = differences(before, after);
    // The rules have a place of their own.
    let detail = body.detail.as_ref().filter(|detail| detail.get("rules").is_none());
    changes.extend(differences(&nothing, detail.unwrap_or(&nothing)));
    changes
}
