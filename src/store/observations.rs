//! Rows ↔ [`Observed`]: the last look at each place.

use super::value::{json, text};
use super::{Row, StoreError, Tx};
use crate::domain::drift::Observed;
use crate::domain::ids::{EnvName, ServiceName};

fn observed(row: &Row) -> Result<Observed, StoreError> {
    row.json("record")
}

/// Puts a look in the place of the one before.
pub fn put(tx: &Tx<'_>, found: &Observed) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO observations (service, environment, record) VALUES (?1, ?2, ?3)
         ON CONFLICT (service, environment) DO UPDATE SET record = excluded.record",
        &[text(&found.service), text(&found.environment), json(found)],
    )?;
    Ok(())
}

pub fn find(tx: &Tx<'_>, service: &ServiceName, env: &EnvName) -> Result<Option<Observed>, StoreError> {
    tx.query_opt(
        "SELECT record FROM observations WHERE service = ?1 AND environment = ?2",
        &[text(service), text(env)],
        observed,
    )
}

pub fn list(tx: &Tx<'_>) -> Result<Vec<Observed>, StoreError> {
    tx.query("SELECT record FROM observations ORDER BY service, environment", &[], observed)
}
