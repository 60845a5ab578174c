//! Brings a store to this program's schema, refuses a newer one, notices one that was tampered with.
//!
//! The steps are the files under `assets/migrations`, applied by refinery, which keeps its own table of what was
//! applied with checksums. Two processes that open a new store at once are kept apart by an exclusive
//! transaction around the whole.

use sha2::{Digest as _, Sha256};

use super::error::{Kind, StoreError};
use super::sqlite::Sqlite;
use crate::domain::digest::hex;

mod embedded {
    refinery::embed_migrations!("assets/migrations");
}

/// The schema this program was written for.
pub const SCHEMA_VERSION: i64 = 14;

/// SHA-256 over the schema as SQLite keeps it, one per version. A trigger or a view that somebody planted could
/// turn a "no" into a "yes" while it is stored, so a store whose schema is not exactly ours is not opened.
const FINGERPRINT: &str = "a46e82cf90688502168988aedeb32c64c24a6796c9ace3bc47307571c40ab00e";

/// The version of the schema in the store; 0 when there is none yet.
fn version(driver: &Sqlite) -> Result<i64, StoreError> {
    driver.pragma_int("user_version")
}

/// Whether opening this store would change the schema of what it holds: then a backup is due first.
pub(super) fn is_due(driver: &Sqlite) -> Result<bool, StoreError> {
    let version = version(driver)?;
    Ok(version > 0 && version < SCHEMA_VERSION)
}

/// Whether no relman has ever made its tables here.
pub(super) fn is_empty(driver: &Sqlite) -> Result<bool, StoreError> {
    Ok(version(driver)? == 0)
}

/// Applies what is missing.
pub(super) fn run(driver: &Sqlite) -> Result<(), StoreError> {
    let found = version(driver)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::new(
            Kind::TooNew,
            format!(
                "the store has schema {found}, this relman knows up to {SCHEMA_VERSION}; \
                 use the newer relman that wrote it ({} wrote nothing)",
                env!("CARGO_PKG_VERSION")
            ),
        ));
    }
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name("schema_history");
    let outcome = runner.set_grouped(true).run(&mut *driver.connection.borrow_mut());
    match outcome {
        Ok(_) => driver.with(|connection| connection.pragma_update(None, "user_version", SCHEMA_VERSION)),
        Err(_) if another_process_did_it(driver)? => Ok(()),
        Err(why) => Err(StoreError::new(
            Kind::Broken,
            format!(
                "cannot bring the store from schema {found} to {SCHEMA_VERSION}: {why}; nothing was changed"
            ),
        )),
    }
}

/// Whether the schema is there after all: two processes may open a new store in the same moment, and the slower
/// one finds it locked or made.
fn another_process_did_it(driver: &Sqlite) -> Result<bool, StoreError> {
    for _ in 0..20 {
        if version(driver)? == SCHEMA_VERSION {
            return Ok(true);
        }
        super::sqlite::pause(std::time::Duration::from_millis(100));
    }
    Ok(false)
}

fn fingerprint(driver: &Sqlite) -> Result<String, StoreError> {
    let mut sha = Sha256::new();
    driver.query(
        "SELECT type || '|' || name || '|' || coalesce(sql, '') AS line FROM sqlite_schema ORDER BY type, name",
        &[],
        &mut |row| {
            sha.update(row.text("line")?.as_bytes());
            sha.update([0]);
            Ok(())
        },
    )?;
    Ok(hex(&sha.finalize()))
}

/// Compares the schema with the one this program made.
pub(super) fn check_fingerprint(driver: &Sqlite) -> Result<(), StoreError> {
    if fingerprint(driver)? == FINGERPRINT {
        driver.schema_seen.set(driver.pragma_int("schema_version")?);
        return Ok(());
    }
    Err(StoreError::new(
        Kind::Foreign,
        "the store's schema was changed by something other than relman (a trigger, a view, a table?); \
         look at it with: sqlite3 FILE .schema, or restore a backup",
    ))
}

/// Cheap form for every write: only when SQLite's own schema counter moved is the schema read again.
pub(super) fn check_unchanged(driver: &Sqlite) -> Result<(), StoreError> {
    let seen = driver.schema_seen.get();
    if seen < 0 || driver.pragma_int("schema_version")? == seen {
        return Ok(());
    }
    check_fingerprint(driver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_one_this_version_promises() {
        let driver = Sqlite::in_memory().unwrap();
        run(&driver).unwrap();
        assert_eq!(
            fingerprint(&driver).unwrap(),
            FINGERPRINT,
            "a released schema never changes; add a migration"
        );
    }

    #[test]
    fn a_planted_trigger_is_noticed() {
        let driver = Sqlite::in_memory().unwrap();
        run(&driver).unwrap();
        check_fingerprint(&driver).unwrap();
        driver
            .with(|connection| {
                connection.execute_batch(
                    "CREATE TRIGGER evil AFTER INSERT ON approvals BEGIN
                     UPDATE approvals SET verdict = 'approved' WHERE id = NEW.id; END",
                )
            })
            .unwrap();
        assert_eq!(check_unchanged(&driver).unwrap_err().kind, Kind::Foreign);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let driver = Sqlite::in_memory().unwrap();
        run(&driver).unwrap();
        driver.with(|connection| connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1)).unwrap();
        let error = run(&driver).unwrap_err();
        assert_eq!(error.kind, Kind::TooNew);
        assert!(error.sentence.contains("newer relman"), "{error}");
    }
}
