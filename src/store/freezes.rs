//! Rows ↔ [`Freeze`].

use super::value::{Value, json, opt_json, text};
use super::{Row, StoreError, Tx};
use crate::domain::freeze::{Freeze, FreezeOrigin, Scope};
use crate::domain::ids::FreezeId;
use crate::domain::recurrence::Recurrence;
use crate::domain::time::{Timestamp, Window};

pub(super) fn freeze(row: &Row) -> Result<Freeze, StoreError> {
    let name = row.text("zone")?;
    let zone = name.parse().map_err(|_| StoreError::unreadable("freezes.zone", &name))?;
    let repeats: Option<Recurrence> = row.opt_json("repeats")?;
    // Of one that repeats the row keeps the span of all: its end may be unknown.
    let first = repeats.as_ref().and_then(|repeats| repeats.first(zone));
    let window = match first {
        Some(first) => first,
        None => Window { start: row.parse("starts_at")?, end: row.parse("ends_at")? },
    };
    Ok(Freeze {
        origin: FreezeOrigin::Store(FreezeId(row.int("id")?)),
        name: row.text("name")?,
        reason: row.text("reason")?,
        scope: Scope { services: row.json("services")?, environments: row.json("environments")? },
        window,
        zone,
        repeats,
        running: row.parse("running")?,
        stops: row.parse("stops")?,
        suspended: row.int("suspended")? != 0,
        uid: row.opt_text("uid")?,
        revision: row.int("revision")?,
        created_by: Some(row.text("created_by")?),
    })
}

/// The columns that hold what can be changed, in the order in which both statements name them.
pub(super) fn written(freeze: &Freeze) -> [Value; 13] {
    [
        freeze.name.as_str().into(),
        freeze.reason.as_str().into(),
        json(&freeze.scope.services),
        json(&freeze.scope.environments),
        text(freeze.window.start),
        text(freeze.over_at().unwrap_or_else(|| Timestamp::from_millis(i64::MAX))),
        freeze.zone.name().into(),
        opt_json(freeze.repeats.as_ref()),
        freeze.running.as_str().into(),
        freeze.stops.as_str().into(),
        i64::from(freeze.suspended).into(),
        freeze.uid.as_deref().into(),
        freeze.revision.into(),
    ]
}

/// Records a freeze; its origin is ignored and the new id returned.
pub fn insert(tx: &Tx<'_>, freeze: &Freeze, by: &str, at: Timestamp) -> Result<FreezeId, StoreError> {
    let mut values: Vec<Value> = written(freeze).into();
    values.extend([by.into(), text(at)]);
    let id = tx.query_opt(
        "INSERT INTO freezes (name, reason, services, environments, starts_at, ends_at, zone, repeats, running, stops,
             suspended, uid, revision, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) RETURNING id",
        &values,
        |row| row.int("id"),
    )?;
    id.map(FreezeId).ok_or_else(|| StoreError::missing("id of the new freeze"))
}

/// Writes a freeze anew; says whether it still stood as it was `before`.
pub fn update(tx: &Tx<'_>, id: FreezeId, freeze: &Freeze, before: i64) -> Result<bool, StoreError> {
    let mut values: Vec<Value> = written(freeze).into();
    values.extend([id.0.into(), before.into()]);
    let rows = tx.execute(
        "UPDATE freezes SET name = ?1, reason = ?2, services = ?3, environments = ?4, starts_at = ?5, ends_at = ?6,
             zone = ?7, repeats = ?8, running = ?9, stops = ?10, suspended = ?11, uid = ?12, revision = ?13
         WHERE id = ?14 AND revision = ?15 AND removed_at IS NULL",
        &values,
    )?;
    Ok(rows == 1)
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
