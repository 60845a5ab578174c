//! The state directory: where the store and the deployments' files live, and which modes they must have.
//!
//! Two shapes are allowed: one person's (0700/0600) and a shared one (2770/0660). SQLite itself creates files with
//! modes that lock the second person out whatever the umask, so the store's file is made here, before SQLite sees
//! it; the files it adds later inherit mode and group (tried). A sticky directory does not work with
//! `fs.protected_regular=2`, as Debian ships it, and a network file system breaks the write-ahead log.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statfs::statfs;
use nix::unistd::{AccessFlags, Gid, access, getgroups, getuid};

use crate::domain::deployment::ProcessRef;
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::ops::{ErrorKind, OpError};

/// File systems on which locks or shared memory do not work between machines.
const NETWORK: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x0BD0_0BD0, "Lustre"),
    (0x7375_7245, "Coda"),
];

/// The directory of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    dir: PathBuf,
    store: PathBuf,
    shared: bool,
}

impl State {
    /// Makes the directory and the store's file where they are missing and checks them where they are not.
    pub fn prepare(store: &Path) -> Result<Self, OpError> {
        let dir = store.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        if !dir.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
            made.map_err(|why| trouble(format!("cannot make the state directory {}: {why}", dir.display())))?;
        }
        let state = Self::check(store, dir)?;
        state.make_store_file()?;
        Ok(state)
    }

    /// Of a store that is there already: nothing is made.
    pub fn existing(store: &Path) -> Result<Self, OpError> {
        let dir = store.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        if !store.exists() {
            return Err(OpError::not_found(format!("store {} yet", store.display()))
                .hint("it is made by the first relman that may change something"));
        }
        let state = Self::check(store, dir)?;
        state.check_store_file()?;
        Ok(state)
    }

    /// Looks at an existing directory without making anything.
    pub fn check(store: &Path, dir: PathBuf) -> Result<Self, OpError> {
        let shown = dir.display();
        let meta = dir
            .symlink_metadata()
            .map_err(|why| trouble(format!("cannot look at the state directory {shown}: {why}")))?;
        if meta.file_type().is_symlink() {
            return Err(trouble(format!("the state directory {shown} is a symbolic link"))
                .hint("name the real directory in [relman] database"));
        }
        if !meta.is_dir() {
            return Err(trouble(format!("{shown} is not a directory")));
        }
        let mode = meta.mode() & 0o7777;
        let shared = mode & 0o020 != 0;
        if mode & 0o007 != 0 {
            let what = if mode & 0o002 != 0 { "write to" } else { "look into" };
            return Err(trouble(format!(
                "everyone may {what} the state directory {shown} (mode {mode:04o})"
            ))
            .hint(format!("chmod 00700 {shown}, or for a group: chmod 2770 {shown}"))
            .hint("or give the store a directory of its own: [relman] database = \".relman/relman.db\""));
        }
        if shared && mode & 0o2000 == 0 {
            return Err(trouble(format!(
                "the state directory {shown} is shared (mode {mode:04o}) but not setgid: files would get the wrong group"
            ))
            .hint(format!("chmod 2770 {shown}")));
        }
        if shared && mode & 0o1000 != 0 {
            return Err(trouble(format!(
                "the state directory {shown} is sticky (mode {mode:04o}): the kernel would refuse others the store"
            ))
            .hint(format!("chmod 2770 {shown}")));
        }
        let mine = meta.uid() == getuid().as_raw() || getuid().is_root();
        let ours = shared && is_member(meta.gid());
        if !mine && !ours {
            let owner = super::identity::name_of(meta.uid());
            let why = if shared { "and you are not in its group" } else { "who shares it with nobody" };
            return Err(trouble(format!("the state directory {shown} belongs to {owner}, {why}"))
                .hint(format!("ask {owner} to share it: chgrp GROUP {shown} && chmod 2770 {shown}")));
        }
        if access(&dir, AccessFlags::W_OK) == Err(Errno::EROFS) {
            return Err(trouble(format!(
                "the file system of the state directory {shown} is read-only: nothing could be recorded"
            ))
            .hint("if it was writable before, its disk may be failing: ask who looks after this machine")
            .hint(format!("logs can be read without relman, in {shown}/deployments")));
        }
        if let Some(kind) = network_file_system(&dir) {
            return Err(trouble(format!("the state directory {shown} is on a network file system ({kind})"))
                .hint("put [relman] database on a local disk of the machine everybody logs in to"));
        }
        Ok(Self { dir, store: store.to_path_buf(), shared })
    }

    fn make_store_file(&self) -> Result<(), OpError> {
        let mode = if self.shared { 0o660 } else { 0o600 };
        let shown = self.store.display();
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(&self.store);
        match made {
            Ok(file) => {
                let exact = file.set_permissions(std::fs::Permissions::from_mode(mode));
                exact.map_err(|why| trouble(format!("cannot set the mode of {shown}: {why}")))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.check_store_file(),
            Err(why) => Err(trouble(format!("cannot make the store {shown}: {why}"))),
        }
    }

    fn check_store_file(&self) -> Result<(), OpError> {
        let shown = self.store.display();
        let meta = self
            .store
            .symlink_metadata()
            .map_err(|why| trouble(format!("cannot look at the store {shown}: {why}")))?;
        if meta.file_type().is_symlink() {
            return Err(trouble(format!("the store {shown} is a symbolic link"))
                .hint("name the real file in [relman] database"));
        }
        if meta.is_dir() {
            return Err(trouble(format!("the store {shown} is a directory"))
                .hint("[relman] database names a file, such as .relman/relman.db"));
        }
        let mode = meta.mode() & 0o777;
        if mode & 0o007 != 0 {
            return Err(trouble(format!(
                "everyone on this machine may read or write the store {shown} (mode {mode:04o})"
            ))
            .hint(format!("chmod {:04o} {shown}", if self.shared { 0o660 } else { 0o600 })));
        }
        let mine = meta.uid() == getuid().as_raw() || getuid().is_root();
        if !mine && mode & 0o060 != 0o060 {
            let owner = super::identity::name_of(meta.uid());
            return Err(trouble(format!("the store {shown} belongs to {owner} alone (mode {mode:04o})"))
                .hint(format!("ask {owner} to run: chmod 0660 {shown}")));
        }
        Ok(())
    }

    /// Whether this process looks after it: its owner, or root.
    pub fn is_owned_by_me(&self) -> bool {
        let owner = self.dir.symlink_metadata().map(|meta| meta.uid());
        getuid().is_root() || owner.is_ok_and(|uid| uid == getuid().as_raw())
    }

    /// Name of its owner.
    pub fn owner(&self) -> String {
        self.dir
            .symlink_metadata()
            .map_or_else(|_| "its owner".to_owned(), |meta| super::identity::name_of(meta.uid()))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Whether a group shares it.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    pub fn backups(&self) -> PathBuf {
        self.dir.join("backups")
    }

    pub fn files_of(&self, id: DeploymentId) -> RunFiles {
        RunFiles { dir: self.dir.join("deployments").join(id.0.to_string()) }
    }

    /// The files of one run of the build script.
    pub fn files_of_build(&self, id: &ReleaseId, number: usize) -> RunFiles {
        RunFiles { dir: self.dir.join("builds").join(id.to_string()).join(number.to_string()) }
    }

    /// Makes the directory of a deployment. It must be new: two supervisors never share one.
    pub fn make_files_of(&self, id: DeploymentId) -> io::Result<RunFiles> {
        self.make_run_files(self.files_of(id), &["deployments".to_owned()])
    }

    /// The same for one run of the build script.
    pub fn make_files_of_build(&self, id: &ReleaseId, number: usize) -> io::Result<RunFiles> {
        self.make_run_files(self.files_of_build(id, number), &["builds".to_owned(), id.to_string()])
    }

    /// Makes `parents` below each other where they are missing, shared as the state is, and the run's own directory.
    fn make_run_files(&self, files: RunFiles, parents: &[String]) -> io::Result<RunFiles> {
        let (parent_mode, own_mode) = if self.shared { (0o2770, 0o2750) } else { (0o700, 0o700) };
        let mut parent = self.dir.clone();
        for name in parents {
            parent.push(name);
            match DirBuilder::new().mode(parent_mode).create(&parent) {
                Ok(()) => std::fs::set_permissions(&parent, std::fs::Permissions::from_mode(parent_mode))?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            if parent.symlink_metadata()?.file_type().is_symlink() {
                return Err(io::Error::other(format!("{} is a symbolic link", parent.display())));
            }
        }
        match DirBuilder::new().mode(own_mode).create(&files.dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.set_aside(&files)?;
                DirBuilder::new().mode(own_mode).create(&files.dir)?;
            }
            made => made?,
        }
        std::fs::set_permissions(&files.dir, std::fs::Permissions::from_mode(own_mode))?;
        Ok(files)
    }

    /// Files of an earlier run of that number, from a store that was removed or restored since: kept under another
    /// name. Those of a living supervisor are left alone.
    fn set_aside(&self, files: &RunFiles) -> io::Result<()> {
        if super::lock::is_held(&files.supervisor_lock()).unwrap_or(true) {
            return Err(io::Error::other("a supervisor is at work there"));
        }
        let name = files.dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let parent = files.dir.parent().unwrap_or(&self.dir);
        let free =
            (1..10_000).map(|number| parent.join(format!("{name}.old-{number}"))).find(|path| !path.exists());
        std::fs::rename(&files.dir, free.unwrap_or_else(|| parent.join(format!("{name}.old"))))
    }

    /// Keeps the files of deployments after this one under other names: they belong to a store that was replaced, and
    /// the next deployment of such a number must not find how that one ended.
    pub fn set_aside_after(&self, last: DeploymentId) -> io::Result<()> {
        let all = match std::fs::read_dir(self.dir.join("deployments")) {
            Ok(all) => all,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for dir in all {
            let number = dir?.file_name().to_str().and_then(|name| name.parse::<i64>().ok());
            if let Some(number) = number.filter(|number| *number > last.0) {
                self.set_aside(&self.files_of(DeploymentId(number)))?;
            }
        }
        Ok(())
    }

    /// An empty file for a backup, readable by its owner alone, named by `stamp`.
    pub fn make_backup_file(&self, stamp: &str) -> io::Result<PathBuf> {
        let dir = self.backups();
        let mode = if self.shared { 0o2770 } else { 0o700 };
        match DirBuilder::new().mode(mode).create(&dir) {
            // The mode is set whatever the umask says.
            Ok(()) => std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(mode))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let path = dir.join(format!("relman-{stamp}.db"));
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(path)
    }
}

/// The files of one deployment, or of one run of the build script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFiles {
    dir: PathBuf,
}

impl RunFiles {
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the scripts printed, after masking.
    pub fn log(&self) -> PathBuf {
        self.dir.join("output.log")
    }

    /// Offset ↔ time.
    pub fn index(&self) -> PathBuf {
        self.dir.join("output.idx")
    }

    /// The preallocated exit record.
    pub fn exit(&self) -> PathBuf {
        self.dir.join("exit")
    }

    /// Held by the supervisor for its life.
    pub fn supervisor_lock(&self) -> PathBuf {
        self.dir.join("supervisor.lock")
    }

    /// Held by whoever saves the output of this script, which lost its supervisor.
    pub fn adopter_lock(&self, script: ProcessRef) -> PathBuf {
        self.dir.join(format!("adopter-{}.lock", script.pid))
    }

    /// What the supervisor itself has to say.
    pub fn supervisor_log(&self) -> PathBuf {
        self.dir.join("supervisor.log")
    }

    /// Opens one of the files for appending, readable by the group where the directory is. The mode is set
    /// whatever the umask says: that one belongs to the scripts, which inherit it.
    pub fn append(path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).mode(0o640).custom_flags(nix::libc::O_NOFOLLOW);
        match options.clone().create_new(true).open(path) {
            Ok(file) => {
                file.set_permissions(std::fs::Permissions::from_mode(0o640))?;
                Ok(file)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
            Err(error) => Err(error),
        }
    }
}

fn is_member(gid: u32) -> bool {
    getuid().is_root() || getgroups().is_ok_and(|groups| groups.contains(&Gid::from_raw(gid)))
}

/// The name of the network file system `dir` is on, if it is on one.
pub fn network_file_system(dir: &Path) -> Option<&'static str> {
    let kind = statfs(dir).ok()?.filesystem_type();
    let kind = kind.0 & 0xFFFF_FFFF;
    NETWORK.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
}

fn trouble(sentence: String) -> OpError {
    OpError::new(ErrorKind::Unusable, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir_with(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("state");
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(mode)).unwrap();
        (outer, dir)
    }

    #[test]
    fn a_new_store_belongs_to_one_person_alone() {
        let outer = tempfile::tempdir().unwrap();
        let store = outer.path().join("deep/er/relman.db");
        let state = State::prepare(&store).unwrap();
        assert!(!state.is_shared());
        assert_eq!(store.metadata().unwrap().mode() & 0o7777, 0o600);
        assert_eq!(state.dir().metadata().unwrap().mode() & 0o7777, 0o700);
    }

    #[test]
    fn a_shared_directory_gets_a_shared_store() {
        let (_outer, dir) = dir_with(0o2770);
        let state = State::prepare(&dir.join("relman.db")).unwrap();
        assert!(state.is_shared());
        assert_eq!(state.store().metadata().unwrap().mode() & 0o7777, 0o660);
    }

    #[test]
    fn loose_modes_are_refused_with_the_command_that_mends_them() {
        for (mode, words) in [
            (0o777, "everyone may write"),
            (0o755, "everyone may look into"),
            (0o2775, "everyone may look into"),
            (0o770, "not setgid"),
            (0o3770, "sticky"),
        ] {
            let (_outer, dir) = dir_with(mode);
            let error = State::prepare(&dir.join("relman.db")).unwrap_err();
            assert!(error.sentence.contains(words), "{error}");
            assert!(error.hints[0].contains("chmod"), "{error:?}");
            assert!(!dir.join("relman.db").exists());
        }
    }

    #[test]
    fn files_of_an_earlier_store_are_kept_under_another_name() {
        let outer = tempfile::tempdir().unwrap();
        let state = State::prepare(&outer.path().join("state/relman.db")).unwrap();
        let id = DeploymentId(1);
        let first = state.make_files_of(id).unwrap();
        RunFiles::append(&first.log()).unwrap();
        let lock = super::super::lock::hold(&first.supervisor_lock()).unwrap().unwrap();
        assert!(state.make_files_of(id).is_err(), "somebody is at work there");
        drop(lock);
        let second = state.make_files_of(id).unwrap();
        assert!(!second.log().exists());
        assert!(state.dir().join("deployments/1.old-1/output.log").exists());
    }

    #[test]
    fn links_directories_and_open_files_are_no_stores() {
        let (outer, dir) = dir_with(0o700);
        let link = outer.path().join("link");
        std::os::unix::fs::symlink(&dir, &link).unwrap();
        assert!(State::prepare(&link.join("relman.db")).unwrap_err().sentence.contains("symbolic link"));
        std::fs::create_dir(dir.join("relman.db")).unwrap();
        assert!(State::prepare(&dir.join("relman.db")).unwrap_err().sentence.contains("is a directory"));
        let open = dir.join("open.db");
        File::create(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(State::prepare(&open).unwrap_err().sentence.contains("everyone on this machine"));
    }
}
