//! The narrow waist: three primitives over one SQL text that SQLite and PostgreSQL share.
//!
//! Repositories are free functions over [`Tx`]. They use `?1` parameters, `RETURNING`, `ON CONFLICT`, CTEs and
//! partial indexes; no `strftime`, no JSON operators, no `INSERT OR`. A second database becomes a second driver
//! behind these three functions and a second folder of migrations; nothing above changes. A trait with one
//! method per query was weighed and left out: it would be written and edited three times, for some seventy
//! queries. Filters are parameters (`?3 IS NULL OR env = ?3`), never assembled text.

use std::cell::Cell;

use super::sqlite::Sqlite;
use super::{Row, StoreError, Value};

/// A transaction in progress.
pub struct Tx<'a> {
    driver: &'a Sqlite,
    appended: &'a Cell<u32>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(driver: &'a Sqlite, appended: &'a Cell<u32>) -> Self {
        Self { driver, appended }
    }

    /// Runs a statement and says how many rows it touched.
    pub(super) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.driver.execute(sql, params)
    }

    /// Runs a query and maps each row.
    pub(super) fn query<T>(
        &self,
        sql: &str,
        params: &[Value],
        mut map: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.driver.query(sql, params, &mut |row| {
            rows.push(map(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs a query of which at most one row is wanted.
    pub(super) fn query_opt<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, params, map)?.into_iter().next())
    }

    /// Runs `f` so that an error of its own undoes what it did, and nothing else of the transaction.
    pub fn nested<T, E: From<StoreError>>(&self, f: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        self.execute("SAVEPOINT verb", &[])?;
        let before = self.appended.get();
        let result = f(self);
        if result.is_err() {
            self.appended.set(before);
            // After some errors (a full disk) nothing is left to go back to; the error itself is what matters then.
            let _undone = self.execute("ROLLBACK TO SAVEPOINT verb", &[]);
            let _left = self.execute("RELEASE SAVEPOINT verb", &[]);
            return result;
        }
        self.execute("RELEASE SAVEPOINT verb", &[])?;
        result
    }

    /// Notes that a journal entry was appended; see [`super::Store::write`].
    pub(super) fn note_entry(&self) {
        self.appended.set(self.appended.get() + 1);
    }
}
