//! Gives a release up.

use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::release::{Block, Release, ReleaseState};
use crate::domain::right::{Place, Right};
use crate::domain::text::free;
use crate::ops::{Ctx, OpError};
use crate::store::{deployments, journal};

/// Refused while one of its deployments is active: nothing may run for a release that no longer exists.
pub fn cancel(cx: &Ctx<'_>, id: &ReleaseId, reason: &str) -> Result<Release, OpError> {
    let reason = free("reason", reason, 2000)?;
    cx.act(Verb::ReleaseCancelled, id, |tx| {
        cx.may(Right::Plan, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        if let Some(active) = deployments::list_active(tx)?.into_iter().find(|active| active.release == *id) {
            return Err(OpError::conflict(format!(
                "{} of {id} to {} is {}",
                active.id, active.environment, active.state
            ))
            .hint(format!("let it end, or first: relman cancel {}", active.id.0)));
        }
        let ended = Block { by: cx.actor.person.clone(), at: cx.now, reason: reason.clone() };
        let release = Release {
            state: ReleaseState::Cancelled,
            ended: Some(ended),
            stage_since: cx.now,
            ..before.clone()
        };
        let release = super::save(tx, cx, release)?;
        let entry =
            cx.entry(Verb::ReleaseCancelled, id).because(Some(&reason)).before(&before).after(&release);
        journal::append(tx, entry)?;
        Ok(release)
    })
}
