//! Records how a deployment ended.

use crate::domain::deployment::{Deployment, DeploymentState, Outcome, Step};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::ops::{Ctx, OpError, delivery, lock};
use crate::store::{Tx, deployments, journal, steps};

use super::{chain, follow_up};

/// The states a supervisor may end a deployment from.
pub const LIVE: [DeploymentState; 2] = [DeploymentState::Running, DeploymentState::Paused];

/// The states in which the supervisor itself may still say how it ended: also after somebody took it for lost (its
/// files were deleted under it, for example) and as long as no person has settled it.
pub const OWN: [DeploymentState; 3] =
    [DeploymentState::Running, DeploymentState::Paused, DeploymentState::Lost];

/// What the entry of an end says besides the deployment.
#[derive(serde::Serialize)]
struct Ending {
    steps: Vec<Step>,
}

/// Records the outcome once: a second time, or after somebody settled it otherwise, changes nothing. Returns the
/// deployment as it is now and whether this call recorded it.
pub fn settle(
    cx: &Ctx<'_>,
    id: DeploymentId,
    epoch: i64,
    from: &[DeploymentState],
    outcome: &Outcome,
    recovered_by: Option<&str>,
) -> Result<(Deployment, bool), OpError> {
    cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        if !deployments::finish(tx, id, epoch, from, outcome, recovered_by)? {
            return Ok((before, false));
        }
        let after = deployments::get(tx, id)?;
        let entry = cx.entry(Verb::DeploymentFinished, id).because(Some(&outcome.cause.to_string()));
        // How its steps went is no act of its own; with the end it is on record.
        let steps = steps::list_of(tx, id)?;
        journal::append(tx, entry.before(&before).after(&after).detail(&Ending { steps }))?;
        after_the_end(tx, cx, &after)?;
        Ok((after, true))
    })
}

/// What an end brings with it, whoever records it: automation goes on after a success by hand with what would have gone by
/// itself, and stands still after a success with something else, after a failure and before a rollback that is to follow; others of a chain are taken back.
pub(super) fn after_the_end(tx: &Tx<'_>, cx: &Ctx<'_>, after: &Deployment) -> Result<(), OpError> {
    if after.noop {
        return Ok(());
    }
    if after.state == DeploymentState::Succeeded {
        match delivery::passed_over(tx, cx, after)? {
            Some(best) => lock::hold_for_choice(tx, cx, after, &best)?,
            None => lock::release_automation(tx, cx, after)?,
        }
    }
    // In the same transaction: whatever waits there would begin between this end and the rollback.
    if let Some(wanted) = follow_up::due(after) {
        lock::hold_for_follow_up(tx, cx, after, &wanted)?;
    }
    if after.state == DeploymentState::Failed {
        lock::hold_after_failure(tx, cx, after)?;
    }
    chain::take_back(tx, cx, after)
}
