//! Puts a backup in the place of the store: the files of it. What may be restored, and what is recorded of it, is decided
//! in `ops`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::lock;
use super::state::State;
use crate::domain::ids::DeploymentId;
use crate::ops::{ErrorKind, OpError};

/// What SQLite keeps beside a database.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

fn trouble(what: &str, path: &Path, why: &io::Error) -> OpError {
    OpError::new(ErrorKind::Failure, format!("cannot {what} {}: {why}", path.display()))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A new, empty file for a copy of the store, for its owner alone.
pub fn new_file(path: &Path) -> Result<(), OpError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let made = made.and_then(|file| file.set_permissions(std::fs::Permissions::from_mode(0o600)));
    made.map_err(|why| match why.kind() {
        io::ErrorKind::AlreadyExists => {
            OpError::conflict(format!("{} exists already; nothing was written", path.display()))
                .hint("name a file that does not exist yet")
        }
        _ => trouble("make", path, &why),
    })
}

/// What comes through a pipe, as a file beside the store that nobody else can read and that is gone with its handle.
pub fn spooled(state: &State, source: &mut dyn Read) -> Result<NamedTempFile, OpError> {
    let trouble = |why: io::Error| trouble("write to", state.dir(), &why);
    let mut file = NamedTempFile::with_prefix_in("incoming-", state.dir()).map_err(trouble)?;
    io::copy(source, &mut file).and_then(|_| file.flush()).map_err(trouble)?;
    Ok(file)
}

/// A directory beside the store that nobody else can look into, gone with its handle.
pub fn aside(state: &State) -> Result<TempDir, OpError> {
    TempDir::with_prefix_in("outgoing-", state.dir()).map_err(|why| trouble("write to", state.dir(), &why))
}

/// Refuses while a supervisor lives: it would write its outcome into another store than it was started from.
pub fn nobody_at_work(state: &State) -> Result<(), OpError> {
    let Ok(all) = std::fs::read_dir(state.dir().join("deployments")) else { return Ok(()) };
    for dir in all.flatten() {
        if lock::is_held(&dir.path().join("supervisor.lock")).unwrap_or(true) {
            let name = dir.file_name().to_string_lossy().into_owned();
            return Err(OpError::new(
                ErrorKind::Busy,
                format!("deployment #{name} still has its supervisor: nothing is restored under it"),
            )
            .hint(format!("wait for its end: relman attach {name}"))
            .hint(format!("or stop it: relman cancel {name} --reason \"…\"")));
        }
    }
    Ok(())
}

/// A copy of the backup beside the store, with the store's modes. Whatever happens to it then leaves both untouched.
pub struct Candidate {
    path: PathBuf,
    taken: bool,
}

impl Candidate {
    pub fn copy(state: &State, backup: &Path) -> Result<Self, OpError> {
        let path = state.dir().join(format!("restore-{}.db", std::process::id()));
        let mut source = File::open(backup).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => OpError::not_found(format!("file {}", backup.display())),
            _ => trouble("read", backup, &why),
        })?;
        let mut magic = [0; 16];
        let is_database = source.read_exact(&mut magic).is_ok() && &magic == b"SQLite format 3\0";
        if !is_database || !source.metadata().is_ok_and(|meta| meta.is_file()) {
            return Err(OpError::new(ErrorKind::Failure, format!("{} is no backup", backup.display()))
                .hint("it takes what was written with: relman backup FILE"));
        }
        let mode = if state.is_shared() { 0o660 } else { 0o600 };
        let candidate = Self { path, taken: false };
        let copied = (|| {
            let mut target =
                OpenOptions::new().write(true).create_new(true).mode(mode).open(&candidate.path)?;
            target.set_permissions(std::fs::Permissions::from_mode(mode))?;
            io::Write::write_all(&mut target, &magic)?;
            io::copy(&mut source, &mut target)?;
            target.sync_all()
        })();
        copied.map_err(|why| trouble("copy the backup to", &candidate.path, &why))?;
        Ok(candidate)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the place of the store, which is kept among the backups; returns where.
    pub fn take_over(mut self, state: &State, stamp: &str, newest: DeploymentId) -> Result<PathBuf, OpError> {
        let store = state.store();
        let kept = state
            .make_backup_file(&format!("{stamp}-before-restore"))
            .map_err(|why| trouble("make room in", &state.backups(), &why))?;
        std::fs::rename(store, &kept).map_err(|why| trouble("put aside", store, &why))?;
        for ending in BESIDE {
            // Gone already where the store was closed in order; a damaged one keeps what belongs to it.
            let _moved = std::fs::rename(beside(store, ending), beside(&kept, ending));
            let _gone = std::fs::remove_file(beside(&self.path, ending));
        }
        state.set_aside_after(newest).map_err(|why| trouble("put files aside in", state.dir(), &why))?;
        std::fs::rename(&self.path, store)
            .map_err(|why| trouble("put the backup in place as", store, &why))?;
        self.taken = true;
        let synced = File::open(state.dir()).and_then(|dir| dir.sync_all());
        synced.map_err(|why| trouble("make sure of", state.dir(), &why))?;
        Ok(kept)
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        if !self.taken {
            let _gone = std::fs::remove_file(&self.path);
            for ending in BESIDE {
                let _gone = std::fs::remove_file(beside(&self.path, ending));
            }
        }
    }
}
