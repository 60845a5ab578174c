//! Moves a release back to an earlier stage and voids what depended on it.

use crate::domain::approval::ApprovalSubject;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::release::{Release, Stage};
use crate::domain::right::{Place, Right};
use crate::domain::text::free;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{approvals, deployments, journal};

/// Moves back to `to`, or one stage when none is named. Allowed until the release has reached a production
/// environment: from then on the past has happened, and what helps is a rollback or a new release.
pub fn back(cx: &Ctx<'_>, id: &ReleaseId, to: Option<Stage>, reason: &str) -> Result<Release, OpError> {
    let reason = free("reason", reason, 2000)?;
    let protected: Vec<EnvName> = cx
        .policy
        .environments
        .values()
        .filter(|env| env.is_production())
        .map(|env| env.name.clone())
        .collect();
    cx.act(Verb::ReleaseMovedBack, id, |tx| {
        cx.may(Right::Plan, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        let Some(to) = to.or_else(|| before.stage.previous()) else {
            return Err(OpError::conflict(format!("{id} is in its first stage already"))
                .hint(format!("to give it up: relman release cancel {id} --reason \"…\"")));
        };
        if to >= before.stage {
            return Err(OpError::conflict(format!(
                "{id} is in the {} stage; {to} is not before it",
                before.stage
            ))
            .hint(format!("to move on: relman release advance {id}")));
        }
        if deployments::has_touched(tx, id, &protected)? {
            return Err(OpError::new(
                ErrorKind::Blocked,
                format!("{id} has been deployed to production; it cannot be moved back any more"),
            )
            .hint(format!("to take it out: relman rollback {} ENV --reason \"…\"", id.service)));
        }
        let mut release = before.clone();
        release.move_back(to, cx.now);
        let release = super::save(tx, cx, release)?;
        let mut voided = Vec::new();
        for approval in approvals::list_of(tx, id)? {
            let depended = approval.subject != ApprovalSubject::Request || to == Stage::Request;
            let why = format!("the release was moved back to {to}");
            if depended && approvals::end(tx, approval.id, cx.now, &why)? {
                voided.push(approval);
            }
        }
        let entry =
            cx.entry(Verb::ReleaseMovedBack, id).because(Some(&reason)).before(&before).after(&release);
        journal::append(tx, entry.detail(&voided))?;
        Ok(release)
    })
}
