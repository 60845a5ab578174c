//! What came with the time and was noticed once, by its name.

use super::value::text;
use super::{StoreError, Tx};
use crate::domain::time::Timestamp;

/// Notes a moment; says whether it was news.
pub fn insert(tx: &Tx<'_>, what: &str, at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "INSERT INTO moments (what, at) VALUES (?1, ?2) ON CONFLICT (what) DO NOTHING",
        &[what.into(), text(at)],
    )?;
    Ok(rows == 1)
}

/// When it was noticed, if it was.
pub fn find(tx: &Tx<'_>, what: &str) -> Result<Option<Timestamp>, StoreError> {
    tx.query_opt("SELECT at FROM moments WHERE what = ?1", &[what.into()], |row| row.parse("at"))
}
