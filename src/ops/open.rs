//! Opens the store for work: brings it to this program's schema after a backup and starts its journal.

use std::path::Path;

use super::OpError;
use crate::domain::actor::Actor;
use crate::domain::journal::{NewEntry, Verb};
use crate::domain::time::Timestamp;
use crate::store::{self, Store, journal, meta};

/// Whether opening would change the schema of a store with content: then `host` makes room for a backup first.
pub fn needs_backup(path: &Path) -> Result<bool, OpError> {
    Ok(store::needs_migration(path)?)
}

/// Opens the store at `path`; a new one gets its identity and its first journal entry.
pub fn open(path: &Path, actor: &Actor, now: Timestamp, instance: &str) -> Result<Store, OpError> {
    let store = Store::open(path)?;
    begin(&store, actor, now, instance)?;
    Ok(store)
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

/// Copies the store at `path` as it is, without changing its schema, into the empty file `target`.
pub fn backup(path: &Path, target: &Path) -> Result<(), OpError> {
    Ok(store::copy_file(path, target)?)
}
