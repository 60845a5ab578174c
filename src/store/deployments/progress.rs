//! How a deployment goes on: guarded updates that say whether they won.

use super::get;
use crate::domain::deployment::{Beat, CancelKind, CancelRequest, Cause, DeploymentState, Outcome};
use crate::domain::gate::GateReport;
use crate::domain::hold::{FollowUp, Guidance, Hold, Taken};
use crate::domain::ids::DeploymentId;
use crate::domain::time::Timestamp;
use crate::store::value::{json, size, text};
use crate::store::{StoreError, Tx, steps};
/// Writes down what it does, in full.
pub fn set_about(tx: &Tx<'_>, id: DeploymentId, about: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE deployments SET about = ?2 WHERE id = ?1", &[id.0.into(), about.into()]).map(drop)
}

/// launching → running, exactly once; says whether this caller won.
pub fn claim(tx: &Tx<'_>, id: DeploymentId, epoch: i64, at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'running', claimed_at = ?3, heartbeat_at = ?3
         WHERE id = ?1 AND epoch = ?2 AND state = 'launching'",
        &[id.0.into(), epoch.into(), text(at)],
    )?;
    Ok(rows == 1)
}

/// A sign of life; changes nothing once the deployment is settled or taken over.
pub fn beat(
    tx: &Tx<'_>,
    id: DeploymentId,
    epoch: i64,
    beat: &Beat,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let start = beat.script.map(|script| i64::try_from(script.start).unwrap_or(i64::MAX));
    let rows = tx.execute(
        "UPDATE deployments SET heartbeat_at = ?3, log_size = ?4, log_dropped = ?5, progress = ?6, progress_note = ?7,
             script_pid = coalesce(?8, script_pid), script_start = coalesce(?9, script_start)
         WHERE id = ?1 AND epoch = ?2 AND state IN ('running', 'paused')",
        &[
            id.0.into(),
            epoch.into(),
            text(at),
            size(beat.log_size),
            size(beat.log_dropped),
            beat.progress.map(i64::from).into(),
            beat.progress_note.clone().into(),
            beat.script.map(|script| i64::from(script.pid)).into(),
            start.into(),
        ],
    )?;
    Ok(rows == 1)
}

/// Lets it wait: for a time or for a person. What was decided about an earlier hold is done with.
pub fn hold(tx: &Tx<'_>, id: DeploymentId, epoch: i64, hold: &Hold) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'paused', hold = ?3, guidance = NULL, guided = CASE WHEN ?4 = 1 THEN 1 ELSE guided END
         WHERE id = ?1 AND epoch = ?2 AND state IN ('running', 'paused')",
        &[id.0.into(), epoch.into(), json(hold), i64::from(hold.is_trouble()).into()],
    )?;
    Ok(rows == 1)
}

/// It goes on.
pub fn release_hold(tx: &Tx<'_>, id: DeploymentId, epoch: i64) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'running', hold = NULL, guidance = NULL
         WHERE id = ?1 AND epoch = ?2 AND state = 'paused'",
        &[id.0.into(), epoch.into()],
    )?;
    Ok(rows == 1)
}

/// Puts a decision where the supervisor looks, unless there is one already; says whether it was the first.
pub fn guide(tx: &Tx<'_>, id: DeploymentId, guidance: &Guidance) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET guidance = ?2 WHERE id = ?1 AND state = 'paused' AND hold IS NOT NULL AND guidance IS NULL",
        &[id.0.into(), json(guidance)],
    )?;
    Ok(rows == 1)
}

/// Notes who looks after it: whoever says so last.
pub fn take(tx: &Tx<'_>, id: DeploymentId, taken: &Taken) -> Result<(), StoreError> {
    tx.execute("UPDATE deployments SET taken = ?2 WHERE id = ?1", &[id.0.into(), json(taken)]).map(drop)
}

/// Records which rollback is to follow, or what became of it.
pub fn set_follow_up(tx: &Tx<'_>, id: DeploymentId, follow_up: &FollowUp) -> Result<bool, StoreError> {
    let rows =
        tx.execute("UPDATE deployments SET follow_up = ?2 WHERE id = ?1", &[id.0.into(), json(follow_up)])?;
    Ok(rows == 1)
}

/// Records the outcome if the deployment is in one of `from` and still in this epoch; says whether it won.
pub fn finish(
    tx: &Tx<'_>,
    id: DeploymentId,
    epoch: i64,
    from: &[DeploymentState],
    outcome: &Outcome,
    recovered_by: Option<&str>,
) -> Result<bool, StoreError> {
    let current = get(tx, id)?;
    if current.epoch != epoch || !from.contains(&current.state) || !current.state.may_become(outcome.state) {
        return Ok(false);
    }
    let rows = tx.execute(
        "UPDATE deployments SET state = ?3, finished_at = ?4, cause = ?5, failed_step = ?6, log_size = ?7,
             log_digest = ?8, log_dropped = ?9, left_running = ?10, recovered_by = ?11, hold = NULL, guidance = NULL
         WHERE id = ?1 AND epoch = ?2 AND state = ?12",
        &[
            id.0.into(),
            epoch.into(),
            text(outcome.state),
            text(outcome.at),
            json(&outcome.cause),
            outcome.failed_step.clone().into(),
            size(outcome.log_size),
            text(&outcome.log_digest),
            size(outcome.log_dropped),
            json(&outcome.left_running),
            recovered_by.into(),
            text(current.state),
        ],
    )?;
    if rows == 1 {
        steps::end_open(tx, id, outcome.state, outcome.at)?;
    }
    Ok(rows == 1)
}

/// Keeps what the gates said when they turned it down, where what they said before was something else.
pub fn set_report(tx: &Tx<'_>, id: DeploymentId, report: &GateReport) -> Result<bool, StoreError> {
    let rows =
        tx.execute("UPDATE deployments SET report = ?2 WHERE id = ?1", &[id.0.into(), json(report)])?;
    Ok(rows == 1)
}

/// Marks a deployment whose supervisor is gone; it keeps its environment until a person settles it.
pub fn mark_lost(tx: &Tx<'_>, id: DeploymentId, epoch: i64, cause: &Cause) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'lost', cause = ?3
         WHERE id = ?1 AND epoch = ?2 AND state IN ('launching', 'running', 'paused')",
        &[id.0.into(), epoch.into(), json(cause)],
    )?;
    Ok(rows == 1)
}

/// Asks a live deployment to stop; a second request turns a gentle one into a kill. Says whether it is live.
pub fn request_cancel(tx: &Tx<'_>, id: DeploymentId, request: &CancelRequest) -> Result<bool, StoreError> {
    let kind = match request.kind {
        CancelKind::Gentle => "gentle",
        CancelKind::Kill => "kill",
    };
    let rows = tx.execute(
        "UPDATE deployments SET cancel_by = ?2, cancel_at = ?3, cancel_kind = ?4, cancel_reason = ?5
         WHERE id = ?1 AND state IN ('launching', 'running', 'paused')",
        &[
            id.0.into(),
            request.by.as_str().into(),
            text(request.at),
            kind.into(),
            request.reason.clone().into(),
        ],
    )?;
    Ok(rows == 1)
}
