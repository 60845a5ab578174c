//! What was deployed to an environment: live, newest, known good, and what else is asked about the past of a place.

use super::{deployment, select};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::time::Timestamp;
use crate::domain::toggle::Flip;
use crate::store::value::text;
use crate::store::{StoreError, Tx};
/// The deployment that holds this environment now.
pub fn find_active(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2
         AND state IN ('launching', 'running', 'paused', 'lost')"
        ),
        &[text(service), text(env)],
        deployment,
    )
}

/// The last success: what is live there.
pub fn find_live(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0
         ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(service), text(env)],
        deployment,
    )
}

/// Blue-green deployments of a service in an environment that began, newest first.
pub fn list_sided(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    limit: u32,
) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND color IS NOT NULL AND claimed_at IS NOT NULL AND noop = 0
         ORDER BY epoch DESC LIMIT ?3"
        ),
        &[text(service), text(env), i64::from(limit).into()],
        deployment,
    )
}

/// The newest deployment that may have touched the environment: its script was claimed to run, and it did not end at a
/// hook that is asked before anything begins (no other step is called that).
pub fn find_newest(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND claimed_at IS NOT NULL AND noop = 0
             AND coalesce(failed_step, '') NOT LIKE 'pre-deploy%'
         ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(service), text(env)],
        deployment,
    )
}

/// The last success of this release in this environment.
pub fn find_good(tx: &Tx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND version = ?2 AND environment = ?3 AND state = 'succeeded' AND noop = 0
         ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(&release.service), text(&release.version), text(env)],
        deployment,
    )
}

/// What was ever tried to put this release there, newest first; no plans and toggles.
pub fn list_attempts(
    tx: &Tx<'_>,
    release: &ReleaseId,
    env: &EnvName,
    limit: u32,
) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE service = ?1 AND version = ?2 AND environment = ?3 AND noop = 0
             ORDER BY id DESC LIMIT ?4"
        ),
        &[text(&release.service), text(&release.version), text(env), i64::from(limit).into()],
        deployment,
    )
}

/// The last success of each release in this environment, newest first: what a rollback may go back to.
pub fn list_known_good(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    limit: u32,
) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0
             AND epoch IN (SELECT max(epoch) FROM deployments
                 WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0 GROUP BY version)
             ORDER BY epoch DESC LIMIT ?3"
        ),
        &[text(service), text(env), i64::from(limit).into()],
        deployment,
    )
}

/// Whether this release was ever deployed to one of `environments` with its script possibly having run.
pub fn has_touched(tx: &Tx<'_>, release: &ReleaseId, environments: &[EnvName]) -> Result<bool, StoreError> {
    let touched: Vec<EnvName> = tx.query(
        "SELECT DISTINCT environment FROM deployments WHERE service = ?1 AND version = ?2 AND claimed_at IS NOT NULL AND noop = 0",
        &[text(&release.service), text(&release.version)],
        |row| row.parse("environment"),
    )?;
    Ok(touched.iter().any(|env| environments.contains(env)))
}

/// The last time a rollback put this release back, in another environment than this one.
pub fn find_rehearsal(
    tx: &Tx<'_>,
    release: &ReleaseId,
    elsewhere: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND version = ?2 AND environment <> ?3 AND rescue = 1 AND noop = 0
             AND state = 'succeeded' ORDER BY finished_at DESC LIMIT 1"
        ),
        &[text(&release.service), text(&release.version), text(elsewhere)],
        deployment,
    )
}

/// The last success in the same environment before this deployment: what its output is compared with.
pub fn find_good_before(tx: &Tx<'_>, d: &Deployment) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0
             AND epoch < ?3 ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(&d.release.service), text(&d.environment), d.epoch.into()],
        deployment,
    )
}

/// The last time this toggle was switched here and that succeeded.
pub fn find_flip(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    toggle: &str,
) -> Result<Option<Deployment>, StoreError> {
    let way = |on| text(Flip { name: toggle.to_owned(), on });
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND toggle IS NOT NULL AND toggle IN (?3, ?4)
             AND state = 'succeeded' ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(service), text(env), way(true), way(false)],
        deployment,
    )
}

/// The newest plan of this release for this environment.
pub fn find_plan(tx: &Tx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND version = ?2 AND environment = ?3 AND noop = 1 AND toggle IS NULL
             ORDER BY id DESC LIMIT 1"
        ),
        &[text(&release.service), text(&release.version), text(env)],
        deployment,
    )
}

/// A success: its number, its epoch, and how long it took in milliseconds.
pub type Success = (DeploymentId, i64, Option<u64>);

/// The last successes of a service in an environment, newest first: for the ETA, and to compare with.
pub fn recent_successes(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    limit: u32,
) -> Result<Vec<Success>, StoreError> {
    tx.query(
        "SELECT id, epoch, claimed_at, finished_at FROM deployments
         WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0 ORDER BY epoch DESC LIMIT ?3",
        &[text(service), text(env), i64::from(limit).into()],
        |row| {
            let start: Option<Timestamp> = row.opt_parse("claimed_at")?;
            let end: Option<Timestamp> = row.opt_parse("finished_at")?;
            let took = start.zip(end).and_then(|(start, end)| u64::try_from(end.since(start).as_millis()).ok());
            Ok((DeploymentId(row.int("id")?), row.int("epoch")?, took))
        },
    )
}

/// One more than the highest epoch this environment has seen for the service: a fencing token that only rises.
pub fn next_epoch(tx: &Tx<'_>, service: &ServiceName, env: &EnvName) -> Result<i64, StoreError> {
    let last = tx.query_opt(
        "SELECT epoch FROM deployments WHERE service = ?1 AND environment = ?2 ORDER BY epoch DESC LIMIT 1",
        &[text(service), text(env)],
        |row| row.int("epoch"),
    )?;
    Ok(last.unwrap_or(0) + 1)
}
