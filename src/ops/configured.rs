//! Under which configuration a store is used: remembered in the store, so that another one does not go unnoticed.
//!
//! Whoever may write the store may also change this memory; what they cannot do is use the store through relman under
//! rules of their own without an entry in the journal. That is all that can be had without a boundary (RELIABILITY 2).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ErrorKind, OpError};
use crate::domain::actor::Actor;
use crate::domain::digest::Digest;
use crate::domain::journal::{NewEntry, Verb};
use crate::domain::time::Timestamp;
use crate::store::{Store, Tx, journal, meta};

/// A configuration file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesFile {
    /// Absolute and without symbolic links.
    pub path: PathBuf,
    pub digest: Digest,
    /// User id of its owner.
    pub owner: u32,
}

/// What the person may do about another file than the one that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// The store is theirs alone: any file of theirs will do.
    Own,
    /// Others share it: only the same file.
    Shared,
    /// They look after the shared store and said that this is the file from now on.
    Adopts,
}

const KEY: &str = "configuration";
/// What the journal calls it.
const SUBJECT: &str = "relman.toml";

fn remembered(tx: &Tx<'_>) -> Result<Option<RulesFile>, OpError> {
    Ok(meta::find(tx, KEY)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The configuration under which the store was used last.
pub fn last(store: &Store) -> Result<Option<RulesFile>, OpError> {
    store.read(remembered)
}

/// Notices another configuration than the last time. Says whether it was another one.
pub fn notice(
    store: &Store,
    actor: &Actor,
    now: Timestamp,
    file: &RulesFile,
    say: Say,
) -> Result<bool, OpError> {
    // Nearly always nothing has changed: that must keep nobody from writing.
    let known = store.read(remembered)?;
    if known.as_ref() == Some(file) {
        return Ok(false);
    }
    match put_on_record(store, actor, now, file, say) {
        // Somebody holds the store or its disk is full: looking goes on, and whoever comes next notices. A no stays one.
        Err(error) if error.kind != ErrorKind::NotPermitted && say != Say::Adopts => {
            let other = known.filter(|known| known.path != file.path && say == Say::Shared);
            other.map_or(Ok(true), |known| Err(stranger(&known.path, &file.path)))
        }
        recorded => recorded,
    }
}

fn put_on_record(
    store: &Store,
    actor: &Actor,
    now: Timestamp,
    file: &RulesFile,
    say: Say,
) -> Result<bool, OpError> {
    let refused = store.write_quietly(|tx| {
        let before = remembered(tx)?;
        if before.as_ref() == Some(file) {
            return Ok::<_, OpError>(None);
        }
        let entry = NewEntry::new(now, actor, Verb::ConfigChanged, SUBJECT);
        if let Some(known) = before.as_ref().filter(|known| known.path != file.path && say == Say::Shared) {
            let error = stranger(&known.path, &file.path);
            journal::append(tx, entry.refused(&error.sentence).before(known).after(file))?;
            return Ok(Some(error));
        }
        let is_new_store = before.is_none() && journal::head(tx)?.0 <= 1;
        meta::put(tx, KEY, &serde_json::to_string(file).unwrap_or_default())?;
        if !is_new_store {
            let entry = match &before {
                Some(known) => entry.because(Some(&difference(known, file))).before(known),
                None => entry.because(Some("the first one that is remembered")),
            };
            journal::append(tx, entry.after(file))?;
        }
        Ok(None)
    })?;
    refused.map_or(Ok(true), Err)
}

fn difference(known: &RulesFile, file: &RulesFile) -> String {
    let mut said = Vec::new();
    if known.path != file.path {
        said.push(format!("{} instead of {}", file.path.display(), known.path.display()));
    }
    if known.digest != file.digest {
        said.push("its content is another one".to_owned());
    }
    if known.owner != file.owner {
        said.push(format!("it belongs to user id {}, no longer to {}", file.owner, known.owner));
    }
    said.join("; ")
}

fn stranger(known: &Path, file: &Path) -> OpError {
    let (known, file) = (known.display(), file.display());
    OpError::new(
        ErrorKind::NotPermitted,
        format!(
            "this store is shared and used under {known}; {file} would be other rules for the same releases"
        ),
    )
    .hint(format!("use the same: relman --config {known}"))
    .hint(format!(
        "if it has moved, whoever owns the state directory says so: relman --config {file} config adopt"
    ))
}
