//! Gives up on a deployment that was asked to stop and does not: its environment is free again, whatever still runs.

use std::time::Duration;

use crate::domain::deployment::{Cause, Deployment, DeploymentState, Outcome};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::domain::text::free;
use crate::domain::time::span;
use crate::ops::{Ctx, OpError};
use crate::store::{deployments, journal};

use super::finish::LIVE;
use super::{chain, follow_up};

/// So long after the first wish that it stop a deployment may be given up (EXE-8): long after its grace and any script's
/// last act.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Records it as cancelled, although its work may go on: nobody waits for that any more. Its supervisor, should it wake up,
/// finds it settled and runs nothing more.
pub fn abandon(cx: &Ctx<'_>, id: DeploymentId, reason: &str) -> Result<Deployment, OpError> {
    let reason = free("reason", reason, 2000)?;
    let log = cx.machine.log_facts(id);
    cx.act(Verb::DeploymentAbandoned, id, |tx| {
        let before = super::known(tx, id)?;
        if !before.state.is_live() {
            return Err(OpError::conflict(format!("{id} is not running: it is {}", before.state)));
        }
        let Some(cancel) = &before.cancel else {
            return Err(OpError::conflict(format!("{id} was not asked to stop"))
                .hint(format!("ask it first: relman cancel {}", id.0)));
        };
        super::permitted(cx, &before, Right::Cancel)?;
        let waited = cx.now.since(cancel.at);
        if waited < PATIENCE {
            return Err(OpError::conflict(format!(
                "{id} was asked to stop {} ago; it may be given up after {}",
                span(waited),
                span(PATIENCE)
            ))
            .hint(format!("to kill it at once: relman cancel {}", id.0)));
        }
        let cause = Cause::Cancelled { by: cancel.by.clone() };
        let outcome = Outcome {
            log_dropped: before.log_dropped,
            ..Outcome::without_steps(DeploymentState::Cancelled, cause, cx.now, log.clone())
        };
        let from = [DeploymentState::Launching, LIVE[0], LIVE[1]];
        deployments::finish(tx, id, before.epoch, &from, &outcome, Some(cx.actor.name()))?;
        follow_up::give_up(tx, cx, &before)?;
        let after = deployments::get(tx, id)?;
        let entry = cx.entry(Verb::DeploymentAbandoned, id).because(Some(&reason));
        journal::append(tx, entry.before(&before).after(&after))?;
        chain::take_back(tx, cx, &after)?;
        Ok(after)
    })
}
