//! Rows ↔ [`Note`].

use super::value::{size, text};
use super::{Row, StoreError, Tx};
use crate::domain::ids::DeploymentId;
use crate::domain::note::Note;

pub(super) fn note(row: &Row) -> Result<Note, StoreError> {
    Ok(Note {
        deployment: DeploymentId(row.int("deployment_id")?),
        at: row.parse("at")?,
        by: row.person()?,
        offset: row.size("log_offset")?,
        text: row.text("text")?,
    })
}

pub fn insert(tx: &Tx<'_>, note: &Note) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO deployment_notes (deployment_id, at, by_name, by_uid, by_login, log_offset, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            note.deployment.0.into(),
            text(note.at),
            note.by.name.as_str().into(),
            i64::from(note.by.uid).into(),
            note.by.login.clone().into(),
            size(note.offset),
            note.text.as_str().into(),
        ],
    )
    .map(drop)
}

/// The notes of a deployment in the order of their places.
pub fn list_of(tx: &Tx<'_>, id: DeploymentId) -> Result<Vec<Note>, StoreError> {
    tx.query(
        "SELECT * FROM deployment_notes WHERE deployment_id = ?1 ORDER BY log_offset, id",
        &[id.0.into()],
        note,
    )
}
