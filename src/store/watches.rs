//! Rows ↔ [`Watch`]: the monitors that are still being asked.

use super::value::{json, text};
use super::{Row, StoreError, Tx};
use crate::domain::ids::DeploymentId;
use crate::domain::monitor::Watch;

fn watch(row: &Row) -> Result<Watch, StoreError> {
    row.json("record")
}

/// Puts it in the place of what was known of it.
pub fn put(tx: &Tx<'_>, watch: &Watch) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO watches (deployment, monitor, record) VALUES (?1, ?2, ?3)
         ON CONFLICT (deployment, monitor) DO UPDATE SET record = excluded.record",
        &[watch.deployment.0.into(), text(&watch.monitor), json(watch)],
    )
    .map(drop)
}

pub fn find(tx: &Tx<'_>, deployment: DeploymentId, monitor: &str) -> Result<Option<Watch>, StoreError> {
    tx.query_opt(
        "SELECT record FROM watches WHERE deployment = ?1 AND monitor = ?2",
        &[deployment.0.into(), monitor.into()],
        watch,
    )
}

/// Takes it out: what it came to stands in its release.
pub fn remove(tx: &Tx<'_>, deployment: DeploymentId, monitor: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM watches WHERE deployment = ?1 AND monitor = ?2",
        &[deployment.0.into(), monitor.into()],
    )
    .map(drop)
}

/// All of them, the oldest deployment first.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Watch>, StoreError> {
    tx.query("SELECT record FROM watches ORDER BY deployment, monitor", &[], watch)
}
