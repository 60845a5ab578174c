//! Deployments that have not begun: rows whose time, gates or turn have not come.

use super::deployments::{deployment, select};
use super::value::{json, opt_json, opt_text, text};
use super::{StoreError, Tx, steps};
use crate::domain::deployment::{Deployment, DeploymentState, Step};
use crate::domain::gate::GateReport;
use crate::domain::ids::{DeploymentId, EnvName, ServiceName};
use crate::domain::strategy::Color;
use crate::domain::wait::Wait;

/// All of them, in the order in which they were asked for.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE state IN ('scheduled', 'waiting', 'launching', 'running', 'paused', 'lost')
             AND state IN ('scheduled', 'waiting') ORDER BY id"
        ),
        &[],
        deployment,
    )
}

/// Those of one service for one environment.
pub fn list_of(tx: &Tx<'_>, service: &ServiceName, env: &EnvName) -> Result<Vec<Deployment>, StoreError> {
    let all = list(tx)?;
    Ok(all.into_iter().filter(|d| d.release.service == *service && d.environment == *env).collect())
}

/// Records what it waits for, or another time; says whether it had not begun.
pub fn set_wait(
    tx: &Tx<'_>,
    id: DeploymentId,
    state: DeploymentState,
    wait: &Wait,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = ?2, wait = ?3 WHERE id = ?1 AND state IN ('scheduled', 'waiting')",
        &[id.0.into(), text(state), json(wait)],
    )?;
    Ok(rows == 1)
}

/// Launched and claimed in one: it runs from now on, as `d` says, if nobody was faster. Its row gets the facts of its
/// beginning, which may be others than those of the day it was asked for.
pub fn begin(tx: &Tx<'_>, d: &Deployment, planned: &[Step], report: &GateReport) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'running', epoch = ?2, kind = ?3, strategy = ?4, previous = ?5,
             artifact_digest = ?6, content = ?7, color = ?8, overrides = ?9, claimed_at = ?10, heartbeat_at = ?10,
             host = ?11, boot = ?12, wait = ?13, report = ?14, answers = ?15
         WHERE id = ?1 AND state IN ('scheduled', 'waiting')",
        &[
            d.id.0.into(),
            d.epoch.into(),
            text(d.kind),
            d.strategy.as_str().into(),
            opt_text(d.previous.as_ref()),
            opt_text(d.artifact_digest.as_ref()),
            opt_text(d.content.as_ref()),
            d.color.map(Color::as_str).into(),
            json(&d.overrides),
            opt_text(d.claimed_at),
            d.host.as_str().into(),
            d.boot.as_str().into(),
            opt_json(d.wait.as_ref()),
            json(report),
            opt_json(Some(&d.answers).filter(|answers| !answers.is_empty())),
        ],
    )?;
    if rows == 1 {
        steps::insert(tx, d.id, planned)?;
    }
    Ok(rows == 1)
}
