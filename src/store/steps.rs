//! Rows ↔ [`Step`]: one row for each attempt at each step of a deployment.

use super::value::{json, opt_json, opt_text, size, small, text};
use super::{Row, StoreError, Tx, Value};
use crate::domain::deployment::{DeploymentState, Step, StepState};
use crate::domain::ids::DeploymentId;
use crate::domain::time::Timestamp;

fn step(row: &Row) -> Result<Step, StoreError> {
    let position = |column: &str| -> Result<Option<u64>, StoreError> {
        row.opt_int(column)?.map(|number| small(column, number)).transpose()
    };
    Ok(Step {
        index: small("position", row.int("position")?)?,
        plan: row.json("plan")?,
        state: row.parse("state")?,
        attempt: small("attempt", row.int("attempt")?)?,
        started_at: row.opt_parse("started_at")?,
        finished_at: row.opt_parse("finished_at")?,
        log_from: position("log_from")?,
        log_to: position("log_to")?,
        cause: row.opt_json("cause")?,
    })
}

/// The planned steps of a new deployment.
pub(super) fn insert(tx: &Tx<'_>, id: DeploymentId, steps: &[Step]) -> Result<(), StoreError> {
    for step in steps {
        tx.execute(
            "INSERT INTO deployment_steps (deployment_id, position, plan, state, attempt) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                id.0.into(),
                size(step.index as u64),
                json(&step.plan),
                text(step.state),
                i64::from(step.attempt).into(),
            ],
        )?;
    }
    Ok(())
}

pub fn list_of(tx: &Tx<'_>, id: DeploymentId) -> Result<Vec<Step>, StoreError> {
    tx.query(
        "SELECT * FROM deployment_steps WHERE deployment_id = ?1 ORDER BY position, attempt",
        &[id.0.into()],
        step,
    )
}

/// Writes how far a step has come.
pub fn update(tx: &Tx<'_>, id: DeploymentId, epoch: i64, step: &Step) -> Result<bool, StoreError> {
    let live = "EXISTS (SELECT 1 FROM deployments d WHERE d.id = ?1 AND d.epoch = ?10 AND d.state IN ('running', 'paused'))";
    let update = format!(
        "UPDATE deployment_steps SET state = ?3, attempt = ?4, started_at = ?5, finished_at = ?6, log_from = ?7,
             log_to = ?8, cause = ?9
         WHERE deployment_id = ?1 AND position = ?2 AND (attempt = ?4 OR state = 'pending') AND {live}"
    );
    let values = [
        id.0.into(),
        size(step.index as u64),
        text(step.state),
        i64::from(step.attempt).into(),
        opt_text(step.started_at),
        opt_text(step.finished_at),
        step.log_from.map_or(Value::Null, size),
        step.log_to.map_or(Value::Null, size),
        opt_json(step.cause.as_ref()),
        epoch.into(),
    ];
    if tx.execute(&update, &values)? == 1 {
        return Ok(true);
    }
    // Another attempt at the step is a row of its own: what the first one did stays on record.
    let insert = format!(
        "INSERT INTO deployment_steps (deployment_id, position, state, attempt, started_at, finished_at, log_from, log_to,
             cause, plan)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, plan FROM deployment_steps
         WHERE deployment_id = ?1 AND position = ?2 AND attempt = ?4 - 1 AND {live}"
    );
    Ok(tx.execute(&insert, &values)? == 1)
}

/// Ends the steps that were open. A success means that all of them were done, whatever was heard of it; otherwise one that
/// ran ended as the deployment did, and the others were not begun.
pub(super) fn end_open(
    tx: &Tx<'_>,
    id: DeploymentId,
    outcome: DeploymentState,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (ran, others) = match outcome {
        DeploymentState::Succeeded => (StepState::Succeeded, StepState::Succeeded),
        _ => (StepState::Failed, StepState::Skipped),
    };
    tx.execute(
        "UPDATE deployment_steps SET finished_at = CASE WHEN state = 'running' OR ?3 = 'succeeded'
             THEN coalesce(finished_at, ?4) ELSE finished_at END,
             state = CASE state WHEN 'running' THEN ?2 ELSE ?3 END
         WHERE deployment_id = ?1 AND state IN ('pending', 'waiting', 'running')",
        &[id.0.into(), text(ran), text(others), text(at)],
    )
    .map(drop)
}
