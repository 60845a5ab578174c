//! A lock file held for as long as the value lives: the sign of life of a supervisor.
//!
//! `flock` works across users, after a reboot, with reused pids and under `hidepid=2`, where looking for a process
//! does not (tried). Files are opened close-on-exec, so scripts do not inherit the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Holds the lock; dropping it, or dying, lets go.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Takes the lock, or says that somebody has it (`Ok(None)`).
pub fn try_hold(path: &Path) -> io::Result<Option<Held>> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o640)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)?;
    // Readable by the group whatever the umask says: others look whether the lock is held.
    file.set_permissions(std::fs::Permissions::from_mode(0o640))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the lock, trying for up to a second: somebody who only looks whether it is held has it for a moment.
pub fn hold(path: &Path) -> io::Result<Option<Held>> {
    for _ in 0..20 {
        if let Some(held) = try_hold(path)? {
            return Ok(Some(held));
        }
        super::clock::wait(std::time::Duration::from_millis(50));
    }
    Ok(None)
}

/// Whether somebody holds the lock. A missing file is held by nobody.
pub fn is_held(path: &Path) -> io::Result<bool> {
    let file = match super::regular::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!is_held(&path).unwrap());
        let held = try_hold(&path).unwrap().unwrap();
        assert!(is_held(&path).unwrap());
        assert!(try_hold(&path).unwrap().is_none());
        drop(held);
        assert!(!is_held(&path).unwrap());
    }
}
