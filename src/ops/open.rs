//! Opens the store for work: brings it to this program's schema after a backup and starts its journal.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ErrorKind, OpError};
use crate::domain::actor::Actor;
use crate::domain::journal::{NewEntry, Verb};
use crate::domain::time::Timestamp;
use crate::store::{SCHEMA_VERSION, Store, deployments, journal, meta};

/// Opens the store at `path`; a new one gets its identity and its first journal entry. A store of an older schema
/// is copied to the file `backup` makes before anything changes.
pub fn open(
    path: &Path,
    actor: &Actor,
    now: Timestamp,
    instance: &str,
    backup: impl FnOnce() -> Result<PathBuf, OpError>,
) -> Result<Store, OpError> {
    let mut copy = None;
    let store = Store::open_after(path, |store| {
        nothing_runs(store, now)?;
        let made = backup()?;
        store.copy_to(&made)?;
        copy = Some(made);
        Ok::<(), OpError>(())
    })?;
    begin(&store, actor, now, instance)?;
    if let Some(copy) = copy {
        let reason = format!("to schema {SCHEMA_VERSION}; the store as it was is kept in {}", copy.display());
        let entry = NewEntry::new(now, actor, Verb::StoreMigrated, SCHEMA_VERSION).because(Some(&reason));
        store.write(|tx| journal::append(tx, entry.clone()).map(drop))?;
    }
    Ok(store)
}

/// The supervisor of a running deployment is the relman that started it and knows its schema only.
fn nothing_runs(store: &Store, now: Timestamp) -> Result<(), OpError> {
    let since = now.minus(Duration::from_secs(600));
    let running = store.read(|tx| deployments::list_lively(tx, since))?;
    let Some(id) = running.first() else { return Ok(()) };
    Err(OpError::new(
        ErrorKind::Busy,
        format!("{id} is still run by an older relman; the store is brought to this one's schema when it has ended"),
    )
    .hint(format!("wait for its end, or watch it with the relman that started it: relman attach {}", id.0)))
}

/// Gives a new store its identity. Two processes may come here at once: the second finds it done.
pub fn begin(store: &Store, actor: &Actor, now: Timestamp, instance: &str) -> Result<(), OpError> {
    let known = store.read(|tx| meta::find(tx, "instance"))?;
    if known.is_some() {
        return Ok(());
    }
    store.write_quietly(|tx| {
        if meta::find(tx, "instance")?.is_some() {
            return Ok(());
        }
        meta::insert(tx, "instance", instance)?;
        journal::append(tx, NewEntry::new(now, actor, Verb::StoreCreated, instance))?;
        Ok(())
    })
}
