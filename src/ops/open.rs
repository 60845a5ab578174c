//! Opens the store for work: brings it to this program's schema after a backup and starts its journal.

use std::path::{Path, PathBuf};

use super::OpError;
use crate::domain::actor::Actor;
use crate::domain::journal::{NewEntry, Verb};
use crate::domain::time::Timestamp;
use crate::store::{Store, journal, meta};

/// Opens the store at `path`; a new one gets its identity and its first journal entry. A store of an older schema
/// is copied to the file `backup` makes before anything changes.
pub fn open(
    path: &Path,
    actor: &Actor,
    now: Timestamp,
    instance: &str,
    backup: impl FnOnce() -> Result<PathBuf, OpError>,
) -> Result<Store, OpError> {
    let store = Store::open_after(path, |store| Ok::<(), OpError>(store.copy_to(&backup()?)?))?;
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
