//! Facts about the store itself.

use super::{StoreError, Tx};

/// Reads a fact.
pub fn find(tx: &Tx<'_>, key: &str) -> Result<Option<String>, StoreError> {
    tx.query_opt("SELECT value FROM meta WHERE key = ?1", &[key.into()], |row| row.text("value"))
}

/// Writes a fact that may change.
pub fn put(tx: &Tx<'_>, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, &[key.into(), value.into()]).map(drop)
}

/// Writes a fact once; a second value for the same key is refused by the schema.
pub fn insert(tx: &Tx<'_>, key: &str, value: &str) -> Result<(), StoreError> {
    tx.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", &[key.into(), value.into()]).map(drop)
}
