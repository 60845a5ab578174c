//! `relman override list | review`

use super::args::Override;
use super::out::Tone;
use super::{Session, exit};
use crate::domain::ids::DeploymentId;
use crate::domain::override_review::{Bypass, Finding};
use crate::domain::text::fit;
use crate::domain::time::wall;
use crate::ops::{OpError, override_review};

pub(super) fn run(session: &mut Session, verb: Override) -> Result<u8, OpError> {
    match verb {
        Override::List { all } => list(session, all),
        Override::Review { id, finding, note } => review(session, id, finding, &note),
    }
}

fn list(session: &mut Session, all: bool) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let found = override_review::list(&cx, all)?;
    if session.out.is_json() {
        session.out.json("overrides", &found);
        return Ok(exit::OK);
    }
    if found.is_empty() {
        session.out.note(if all { "no gate was ever gone past" } else { "no override waits for a review" });
        return Ok(exit::OK);
    }
    let row = |bypass: &Bypass| {
        let d = &bypass.deployment;
        let standing = match &bypass.review {
            Some(review) => format!("{} by {}: {}", review.finding, review.by.name, fit(&review.note, 40)),
            None if bypass.is_overdue(cx.now) => {
                session.out.paint(Tone::Bad, &format!("OVERDUE since {}", wall(bypass.due, cx.policy.zone)))
            }
            None => format!("until {}", wall(bypass.due, cx.policy.zone)),
        };
        vec![
            d.id.to_string(),
            d.release.to_string(),
            d.environment.to_string(),
            d.overrides.join(", "),
            d.started_by.name.clone(),
            fit(d.reason.as_deref().unwrap_or_default(), 40),
            standing,
        ]
    };
    let rows = found.iter().map(row).collect();
    session.out.table(&["DEPLOYMENT", "RELEASE", "WHERE", "PAST", "BY", "WHY", "REVIEW"], rows);
    Ok(exit::OK)
}

fn review(session: &mut Session, id: DeploymentId, finding: Finding, note: &str) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let bypass = override_review::review(&desk.cx(), id, finding, note)?;
    if session.out.is_json() {
        session.out.json("override", &bypass);
    } else {
        let d = &bypass.deployment;
        let (gates, by) = (d.overrides.join(", "), &d.started_by.name);
        session.out.line(format!("{id}: that {by} went past {gates} in {} was {finding}", d.environment));
    }
    Ok(exit::OK)
}
