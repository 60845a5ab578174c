//! The scripts as they were: kept by what is in them, so that an approver can be shown what has changed since.
//!
//! Kept is what a deployment runs, at the moment it begins, with exactly the content its gates were asked about; thrown
//! away is what neither is live anywhere nor stands under an open decision. Only scripts: text that is executable or
//! begins with `#!`. A key or a file of variables that a command line names is none, and is never copied. Where several
//! people read the state directory, or relman runs as a service user, only what everybody on the machine may read
//! anyway is copied; one in which a secret of the deployment is written out never is. That a kept file is what its name says is checked each time it is read.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::enforced;
use super::state::State;
use crate::domain::digest::Digest;
use crate::domain::subject::ScriptFile;
use crate::domain::time::Timestamp;

/// The longest script that is kept or compared.
const MOST: u64 = 256 * 1024;
/// What was kept this short a time ago may belong to a deployment that another process is about to record.
const FRESH: Duration = Duration::from_secs(3600);

/// Where scripts are kept.
#[derive(Debug, Clone)]
pub struct Kept {
    dir: PathBuf,
    shared: bool,
    /// Whether only what everybody may read is copied.
    only_public: bool,
}

impl Kept {
    pub fn of(state: &State) -> Self {
        let shared = state.is_shared();
        let only_public = shared || enforced::service().is_some();
        Self { dir: state.dir().join("scripts"), shared, only_public }
    }

    /// Keeps those of these files that are scripts, still are what was agreed to and hold none of `secrets`. What cannot
    /// be kept is only missed later, and said then.
    pub fn keep(&self, files: &[ScriptFile], secrets: &[String]) {
        let is_secret = |text: &str| secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret));
        for file in files {
            let Some(digest) = &file.digest else { continue };
            if let Ok(text) = self.script(Path::new(&file.path))
                && Digest::of(text.as_bytes()) == *digest
                && !is_secret(&text)
            {
                let _missed_later = self.put(digest, text.as_bytes());
            }
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(name(digest))
    }

    fn put(&self, digest: &Digest, text: &[u8]) -> io::Result<()> {
        let (dir_mode, mode) = if self.shared { (0o2770, 0o640) } else { (0o700, 0o600) };
        match DirBuilder::new().mode(dir_mode).create(&self.dir) {
            Ok(()) => std::fs::set_permissions(&self.dir, Permissions::from_mode(dir_mode))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        if self.dir.symlink_metadata()?.file_type().is_symlink() {
            return Err(io::Error::other("a symbolic link"));
        }
        // Under a name of its own until it is whole: nobody reads half a script.
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.dir)?;
        file.write_all(text)?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.persist(self.path(digest)).map_err(|why| why.error).map(drop)
    }

    /// What a script with this digest says.
    pub fn read(&self, digest: &Digest) -> Result<String, String> {
        let gone = || "its earlier content was not kept".to_owned();
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK)
            .open(self.path(digest))
            .map_err(|_| gone())?;
        let text = text(file).map_err(|_| gone())?;
        match Digest::of(text.as_bytes()) == *digest {
            true => Ok(text),
            false => Err("what was kept of it is not what it was".to_owned()),
        }
    }

    /// A script as it is on disk now, if it is one that may be shown.
    pub fn script(&self, path: &Path) -> Result<String, String> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(path)
            .map_err(|why| format!("it cannot be read: {why}"))?;
        let mode = file.metadata().map_err(|why| why.to_string())?.mode();
        if self.only_public && mode & 0o004 == 0 {
            return Err("not everybody may read it".to_owned());
        }
        let text = text(file)?;
        match mode & 0o111 != 0 || text.starts_with("#!") {
            true => Ok(text),
            false => Err("it is no script: neither executable nor with #! in its first line".to_owned()),
        }
    }

    /// Throws away what is in nobody's use.
    pub fn prune(&self, in_use: &BTreeSet<Digest>, now: Timestamp) {
        let names: BTreeSet<&str> = in_use.iter().map(name).collect();
        let Ok(all) = std::fs::read_dir(&self.dir) else { return };
        let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.millis()).unwrap_or_default());
        for entry in all.flatten() {
            let is_old = |entry: &std::fs::DirEntry| {
                let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
                modified.and_then(|at| now.duration_since(at).ok()).is_some_and(|age| age >= FRESH)
            };
            if !names.contains(entry.file_name().to_string_lossy().as_ref()) && is_old(&entry) {
                let _next_time = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// The name a content is kept under.
fn name(digest: &Digest) -> &str {
    digest.as_str().trim_start_matches("sha256:")
}

/// A regular file of text that is not too long.
fn text(file: File) -> Result<String, String> {
    let meta = file.metadata().map_err(|why| why.to_string())?;
    if !meta.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    if bytes.len() as u64 > MOST {
        return Err(format!("it is longer than {} KiB", MOST / 1024));
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err("it is not text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Room {
        dir: tempfile::TempDir,
        state: State,
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    fn write(path: &Path, content: &[u8]) {
        std::fs::write(path, content).unwrap();
    }

    fn room(mode: u32) -> Room {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("state");
        std::fs::create_dir(&own).unwrap();
        std::fs::set_permissions(&own, Permissions::from_mode(mode)).unwrap();
        let state = State::prepare(&own.join("relman.db")).unwrap();
        Room { dir, state }
    }

    impl Room {
        fn file(&self, name: &str, content: &[u8], mode: u32) -> ScriptFile {
            let path = self.dir.path().join(name);
            write(&path, content);
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            super::super::scripts::fingerprint(&path)
        }
    }

    #[test]
    fn scripts_are_kept_and_nothing_else_is() {
        let room = room(0o700);
        let kept = Kept::of(&room.state);
        let long = vec![b'x'; usize::try_from(MOST).unwrap() + 1];
        for (name, content, mode, is_kept) in [
            ("run.sh", &b"#!/bin/sh\nexit 0\n"[..], 0o700, true),
            ("called-by-sh", b"#!/bin/sh\nexit 1\n", 0o600, true),
            ("no-first-line", b"exit 2\n", 0o755, true),
            ("token", b"hunter2\n", 0o600, false),
            ("vars.env", b"TOKEN=hunter2\n", 0o644, false),
            ("binary", b"\x7fELF\0\0", 0o755, false),
            ("long", &long, 0o755, false),
        ] {
            let file = room.file(name, content, mode);
            kept.keep(std::slice::from_ref(&file), &[]);
            let found = kept.read(file.digest.as_ref().unwrap());
            assert_eq!(found.is_ok(), is_kept, "{name}: {found:?}");
            if is_kept {
                assert_eq!(found.unwrap().as_bytes(), content);
            }
        }
        let dir = room.state.dir().join("scripts");
        assert_eq!(dir.metadata().unwrap().mode() & 0o7777, 0o700);
        assert!(
            std::fs::read_dir(dir).unwrap().all(|one| one
                .unwrap()
                .metadata()
                .unwrap()
                .mode()
                .trailing_zeros()
                >= 6)
        );
    }

    #[test]
    fn what_others_may_not_read_is_not_shown_to_them() {
        let room = room(0o2770);
        let kept = Kept::of(&room.state);
        let private = room.file("private.sh", b"#!/bin/sh\nexit 0\n", 0o750);
        let public = room.file("public.sh", b"#!/bin/sh\nexit 1\n", 0o755);
        kept.keep(&[private.clone(), public.clone()], &[]);
        assert!(kept.read(private.digest.as_ref().unwrap()).is_err());
        assert!(kept.read(public.digest.as_ref().unwrap()).is_ok());
        assert_eq!(kept.script(Path::new(&private.path)).unwrap_err(), "not everybody may read it");
    }

    #[test]
    fn only_what_was_agreed_to_is_kept_and_what_was_tampered_with_is_not_believed() {
        let room = room(0o700);
        let kept = Kept::of(&room.state);
        let file = room.file("run.sh", b"#!/bin/sh\nexit 0\n", 0o700);
        let digest = file.digest.clone().unwrap();
        write(Path::new(&file.path), b"#!/bin/sh\nexit 9\n");
        kept.keep(std::slice::from_ref(&file), &[]);
        assert!(kept.read(&digest).unwrap_err().contains("not kept"));
        write(Path::new(&file.path), b"#!/bin/sh\nexit 0\n");
        kept.keep(std::slice::from_ref(&file), &[]);
        write(&kept.path(&digest), b"#!/bin/sh\nexit 7\n");
        assert!(kept.read(&digest).unwrap_err().contains("is not what it was"));
    }

    #[test]
    fn a_script_with_a_secret_in_it_is_not_copied() {
        let room = room(0o700);
        let kept = Kept::of(&room.state);
        let file = room.file("run.sh", b"#!/bin/sh\ncurl -H 'token: hunter2'\n", 0o700);
        let digest = file.digest.clone().unwrap();
        kept.keep(std::slice::from_ref(&file), &[String::new(), "hunter2".to_owned()]);
        assert!(kept.read(&digest).unwrap_err().contains("not kept"));
        kept.keep(std::slice::from_ref(&file), &[String::new(), "hunter3".to_owned()]);
        assert!(kept.read(&digest).is_ok());
    }

    #[test]
    fn what_nobody_uses_is_thrown_away_after_a_while() {
        let room = room(0o700);
        let kept = Kept::of(&room.state);
        let used = room.file("a.sh", b"#!/bin/sh\nexit 0\n", 0o700);
        let idle = room.file("b.sh", b"#!/bin/sh\nexit 1\n", 0o700);
        kept.keep(&[used.clone(), idle.clone()], &[]);
        let (used, idle) = (used.digest.unwrap(), idle.digest.unwrap());
        let in_use = BTreeSet::from([used.clone()]);
        kept.prune(&in_use, super::super::clock::now());
        assert!(kept.read(&idle).is_ok(), "another process may be about to record what runs it");
        kept.prune(&in_use, super::super::clock::now().plus(FRESH * 2));
        assert_eq!((kept.read(&used).is_ok(), kept.read(&idle).is_ok()), (true, false));
    }
}
