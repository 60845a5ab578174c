//! Rows ↔ [`Freeze`].

use super::value::{json, text};
use super::{Row, StoreError, Tx};
use crate::domain::freeze::{Freeze, FreezeOrigin, Scope};
use crate::domain::ids::FreezeId;
use crate::domain::time::{Timestamp, Window};

pub(super) fn freeze(row: &Row) -> Result<Freeze, StoreError> {
    let zone = row.text("zone")?;
    Ok(Freeze {
        origin: FreezeOrigin::Store(FreezeId(row.int("id")?)),
        name: row.text("name")?,
        reason: row.text("reason")?,
        scope: Scope { services: row.json("services")?, environments: row.json("environments")? },
        window: Window { start: row.parse("starts_at")?, end: row.parse("ends_at")? },
        zone: zone.parse().map_err(|_| StoreError::unreadable("freezes.zone", &zone))?,
        created_by: Some(row.text("created_by")?),
    })
}

/// Records a freeze; its origin is ignored and the new id returned.
pub fn insert(tx: &Tx<'_>, freeze: &Freeze, by: &str, at: Timestamp) -> Result<FreezeId, StoreError> {
    let id = tx.query_opt(
        "INSERT INTO freezes (name, reason, services, environments, starts_at, ends_at, zone, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
        &[
            freeze.name.as_str().into(),
            freeze.reason.as_str().into(),
            json(&freeze.scope.services),
            json(&freeze.scope.environments),
            text(freeze.window.start),
            text(freeze.window.end),
            freeze.zone.name().into(),
            by.into(),
            text(at),
        ],
        |row| row.int("id"),
    )?;
    id.map(FreezeId).ok_or_else(|| StoreError::missing("id of the new freeze"))
}

/// Freezes that were not removed and end after `since`, by start.
pub fn list_standing(tx: &Tx<'_>, since: Timestamp) -> Result<Vec<Freeze>, StoreError> {
    tx.query(
        "SELECT * FROM freezes WHERE removed_at IS NULL AND ends_at > ?1 ORDER BY starts_at, id",
        &[text(since)],
        freeze,
    )
}

pub fn find(tx: &Tx<'_>, id: FreezeId) -> Result<Option<Freeze>, StoreError> {
    tx.query_opt("SELECT * FROM freezes WHERE id = ?1 AND removed_at IS NULL", &[id.0.into()], freeze)
}

/// Takes a freeze away; says whether it still stood.
pub fn remove(tx: &Tx<'_>, id: FreezeId, by: &str, at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE freezes SET removed_at = ?2, removed_by = ?3 WHERE id = ?1 AND removed_at IS NULL",
        &[id.0.into(), text(at), by.into()],
    )?;
    Ok(rows == 1)
}
