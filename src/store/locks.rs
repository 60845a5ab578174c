//! Rows ↔ [`Lock`].

use super::value::{json, opt_text, text};
use super::{Row, StoreError, Tx};
use crate::domain::freeze::Scope;
use crate::domain::ids::LockId;
use crate::domain::lock::Lock;
use crate::domain::time::Timestamp;

pub(super) fn lock(row: &Row) -> Result<Lock, StoreError> {
    Ok(Lock {
        id: LockId(row.int("id")?),
        kind: row.parse("kind")?,
        scope: Scope { services: row.json("services")?, environments: row.json("environments")? },
        reason: row.text("reason")?,
        by: row.person()?,
        since: row.parse("since")?,
        expires: row.opt_parse("expires_at")?,
    })
}

/// Records a lock; its id is ignored and the new one returned.
pub fn insert(tx: &Tx<'_>, lock: &Lock) -> Result<LockId, StoreError> {
    let id = tx.query_opt(
        "INSERT INTO locks (kind, services, environments, reason, by_name, by_uid, by_login, since, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
        &[
            text(lock.kind),
            json(&lock.scope.services),
            json(&lock.scope.environments),
            lock.reason.as_str().into(),
            lock.by.name.as_str().into(),
            i64::from(lock.by.uid).into(),
            lock.by.login.clone().into(),
            text(lock.since),
            opt_text(lock.expires),
        ],
        |row| row.int("id"),
    )?;
    id.map(LockId).ok_or_else(|| StoreError::missing("id of the new lock"))
}

/// Locks that were not lifted and have not expired at `now`, oldest first.
pub fn list_standing(tx: &Tx<'_>, now: Timestamp) -> Result<Vec<Lock>, StoreError> {
    tx.query(
        "SELECT * FROM locks WHERE ended_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) ORDER BY id",
        &[text(now)],
        lock,
    )
}

/// Changes reason and end of a lock that stands; says whether it did.
pub fn update(tx: &Tx<'_>, lock: &Lock) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE locks SET reason = ?2, expires_at = ?3 WHERE id = ?1 AND ended_at IS NULL",
        &[lock.id.0.into(), lock.reason.as_str().into(), opt_text(lock.expires)],
    )?;
    Ok(rows == 1)
}

/// Lifts a lock; says whether it still stood.
pub fn end(tx: &Tx<'_>, id: LockId, by: &str, at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE locks SET ended_at = ?2, ended_by = ?3 WHERE id = ?1 AND ended_at IS NULL",
        &[id.0.into(), text(at), by.into()],
    )?;
    Ok(rows == 1)
}
