//! Blocks a release with a reason, and lifts the block again. Also one that has ended: a rollback could go back to it.

use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::release::{Block, Release};
use crate::domain::right::{Place, Right};
use crate::domain::text::free;
use crate::ops::{Ctx, OpError};
use crate::store::journal;

pub fn block(cx: &Ctx<'_>, id: &ReleaseId, reason: &str) -> Result<Release, OpError> {
    let reason = free("reason", reason, 2000)?;
    cx.act(Verb::ReleaseBlocked, id, |tx| {
        cx.may(Right::Block, Place::service(&id.service))?;
        let before = super::known_release(tx, id)?;
        if let Some(known) = &before.blocked {
            return Err(OpError::conflict(format!(
                "{id} is blocked already, by {}: {}",
                known.by.name, known.reason
            )));
        }
        let block = Block { by: cx.actor.person.clone(), at: cx.now, reason: reason.clone() };
        let release = super::save(tx, cx, Release { blocked: Some(block), ..before.clone() })?;
        let entry = cx.entry(Verb::ReleaseBlocked, id).because(Some(&reason)).before(&before).after(&release);
        journal::append(tx, entry)?;
        Ok(release)
    })
}

pub fn unblock(cx: &Ctx<'_>, id: &ReleaseId, reason: &str) -> Result<Release, OpError> {
    let reason = free("reason", reason, 2000)?;
    cx.act(Verb::ReleaseUnblocked, id, |tx| {
        cx.may(Right::Unblock, Place::service(&id.service))?;
        let before = super::known_release(tx, id)?;
        if before.blocked.is_none() {
            return Err(OpError::conflict(format!("{id} is not blocked")));
        }
        let release = super::save(tx, cx, Release { blocked: None, ..before.clone() })?;
        let entry =
            cx.entry(Verb::ReleaseUnblocked, id).because(Some(&reason)).before(&before).after(&release);
        journal::append(tx, entry)?;
        Ok(release)
    })
}
