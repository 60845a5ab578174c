//! Opens only what is a file: neither a link nor a named pipe that somebody put in a place where a group may write.
//!
//! A link would show what its reader may read and the one who made it may not; a pipe would keep the reader waiting.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Opens for reading. `InvalidInput` says that it is something else.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let folder = path.parent().map(Path::symlink_metadata).transpose()?;
    if folder.is_some_and(|folder| folder.file_type().is_symlink()) {
        return Err(other("its directory is a symbolic link"));
    }
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(why) if why.raw_os_error() == Some(nix::libc::ELOOP) => {
            return Err(other("it is a symbolic link"));
        }
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Err(other("it is no ordinary file"));
    }
    Ok(file)
}

fn other(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{what}: somebody put it there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_pipes_and_directories_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        File::create(at("file")).unwrap();
        assert!(open(&at("file")).is_ok());
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::fs::create_dir(at("dir")).unwrap();
        std::os::unix::fs::symlink(at("dir"), at("linked")).unwrap();
        File::create(at("dir").join("file")).unwrap();
        for name in ["link", "pipe", "dir", "linked/file"] {
            assert_eq!(open(&at(name)).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        assert_eq!(open(&at("nothing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
