//! Rows ↔ [`Wanted`].

use super::value::json;
use super::{Row, StoreError, Tx};
use crate::domain::ids::RequestId;
use crate::domain::wanted::Wanted;

/// A request whose number is that of its row.
pub(super) fn request(row: &Row) -> Result<Wanted, StoreError> {
    let request: Wanted = row.json("record")?;
    let id = row.int("id")?;
    match request.id.0 == id {
        true => Ok(request),
        false => Err(StoreError::unreadable("requests.record", format!("row {id} holds {}", request.id))),
    }
}

/// The number the next one gets. Within one transaction nobody else takes it.
pub fn next_id(tx: &Tx<'_>) -> Result<RequestId, StoreError> {
    let id = tx.query_opt("SELECT coalesce(max(id), 0) + 1 AS id FROM requests", &[], |row| row.int("id"))?;
    id.map(RequestId).ok_or_else(|| StoreError::missing("number of the next request"))
}

/// Records a new one under its number.
pub fn insert(tx: &Tx<'_>, request: &Wanted) -> Result<(), StoreError> {
    let params = [request.id.0.into(), json(request)];
    tx.execute("INSERT INTO requests (id, record) VALUES (?1, ?2)", &params).map(drop)
}

/// Writes over what was known about it.
pub fn update(tx: &Tx<'_>, request: &Wanted) -> Result<(), StoreError> {
    let params = [request.id.0.into(), json(request)];
    tx.execute("UPDATE requests SET record = ?2 WHERE id = ?1", &params).map(drop)
}

pub fn find(tx: &Tx<'_>, id: RequestId) -> Result<Option<Wanted>, StoreError> {
    tx.query_opt("SELECT * FROM requests WHERE id = ?1", &[id.0.into()], request)
}

/// All of them, oldest first.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Wanted>, StoreError> {
    tx.query("SELECT * FROM requests ORDER BY id", &[], request)
}
