//! `relman audit list | verify`

use super::args::Audit;
use super::{Session, exit};
use crate::domain::digest::hex;
use crate::domain::journal::Entry;
use crate::ops::view::release as view;
use crate::ops::{OpError, audit};

pub(super) fn run(session: &mut Session, verb: Audit) -> Result<u8, OpError> {
    match verb {
        Audit::List { subject, before, limit } => list(session, before, subject.as_deref(), limit),
        Audit::Verify => verify(session),
    }
}

fn list(
    session: &mut Session,
    before: Option<i64>,
    subject: Option<&str>,
    limit: u32,
) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let entries = view::history(&desk.cx(), before, subject, limit)?;
    if session.out.is_json() {
        let rows: Vec<_> = entries.iter().map(as_json).collect();
        session.out.json("entries", &rows);
        return Ok(exit::OK);
    }
    let rows = entries
        .iter()
        .map(|entry| {
            let body = entry.parsed();
            let field = |pick: fn(&crate::domain::journal::Body) -> String| {
                body.as_ref().map(pick).unwrap_or_default()
            };
            vec![
                entry.seq.to_string(),
                entry.at.to_string(),
                field(|body| body.actor.person.name.clone()),
                entry.verb.clone(),
                field(|body| match body.environment() {
                    Some(env) if !body.subject.contains(env) => format!("{} → {env}", body.subject),
                    _ => body.subject.clone(),
                }),
                field(|body| body.result.to_string()),
                field(|body| crate::domain::text::fit(&body.reason.clone().unwrap_or_default(), 80)),
            ]
        })
        .collect();
    session.out.table(&["SEQ", "TIME", "WHO", "VERB", "SUBJECT", "RESULT", "WHY"], rows);
    Ok(exit::OK)
}

fn as_json(entry: &Entry) -> serde_json::Value {
    serde_json::json!({
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "verb": entry.verb,
        "body": serde_json::from_str::<serde_json::Value>(&entry.body).unwrap_or_default(),
        "previous": hex(&entry.previous),
        "hash": hex(&entry.hash),
    })
}

fn verify(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let verified = audit::verify(&desk.cx())?;
    if session.out.is_json() {
        session.out.json("verified", &verified);
    } else if let Some((seq, why)) = &verified.bad {
        session.out.line(format!("the journal was tampered with: {why}"));
        session.out.line(format!(
            "entries 1 to {} are good; nothing from {seq} on can be trusted",
            verified.entries
        ));
    } else {
        session.out.line(format!("{} entries, unbroken; head {}", verified.entries, verified.head));
    }
    Ok(u8::from(verified.bad.is_some()))
}
