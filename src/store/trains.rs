//! Rows ↔ [`Departure`], and who let a halted train go on.

use super::value::{json, text};
use super::{Row, StoreError, Tx};
use crate::domain::ids::TrainName;
use crate::domain::time::Timestamp;
use crate::domain::train::{Departure, DepartureState};

pub(super) fn departure(row: &Row) -> Result<Departure, StoreError> {
    Ok(Departure {
        train: row.parse("train")?,
        departs_at: row.parse("departs_at")?,
        state: row.parse("state")?,
        by: row.text("by_name")?,
        at: row.parse("at")?,
        reason: row.opt_text("reason")?,
        items: row.json("items")?,
    })
}

/// Records a departure; two relmans that send off the same one violate its primary key.
pub fn insert(tx: &Tx<'_>, d: &Departure) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO train_departures (train, departs_at, state, by_name, at, reason, items)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            text(&d.train),
            text(d.departs_at),
            text(d.state),
            d.by.as_str().into(),
            text(d.at),
            d.reason.clone().into(),
            json(&d.items),
        ],
    )
    .map(drop)
}

/// The departure of a train at that time, if anything is known of it.
pub fn find(tx: &Tx<'_>, train: &TrainName, at: Timestamp) -> Result<Option<Departure>, StoreError> {
    tx.query_opt(
        "SELECT * FROM train_departures WHERE train = ?1 AND departs_at = ?2",
        &[text(train), text(at)],
        departure,
    )
}

/// What is known of a train, the newest departure first.
pub fn list(tx: &Tx<'_>, train: &TrainName, limit: u32) -> Result<Vec<Departure>, StoreError> {
    tx.query(
        "SELECT * FROM train_departures WHERE train = ?1 ORDER BY departs_at DESC LIMIT ?2",
        &[text(train), i64::from(limit).into()],
        departure,
    )
}

/// The last time it really departed.
pub fn last_departed(tx: &Tx<'_>, train: &TrainName) -> Result<Option<Departure>, StoreError> {
    tx.query_opt(
        "SELECT * FROM train_departures WHERE train = ?1 AND state = ?2 ORDER BY departs_at DESC LIMIT 1",
        &[text(train), text(DepartureState::Departed)],
        departure,
    )
}

/// Lets a halted train go on.
pub fn resume(
    tx: &Tx<'_>,
    train: &TrainName,
    by: &str,
    at: Timestamp,
    reason: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO train_resumptions (train, at, by_name, reason) VALUES (?1, ?2, ?3, ?4)",
        &[text(train), text(at), by.into(), reason.into()],
    )
    .map(drop)
}

/// When somebody last let it go on.
pub fn last_resumed(tx: &Tx<'_>, train: &TrainName) -> Result<Option<Timestamp>, StoreError> {
    let found = tx.query_opt(
        "SELECT at FROM train_resumptions WHERE train = ?1 ORDER BY at DESC LIMIT 1",
        &[text(train)],
        |row| row.parse("at"),
    )?;
    Ok(found)
}
