//! The scripts of a service as they are on disk: which files its command lines name, and their digests.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::domain::digest::{Digest, hex};
use crate::domain::policy::{Argv, Service};
use crate::domain::subject::{ScriptFile, ScriptSet};

/// Command lines and file digests of a service.
///
/// A program with a slash in its name is a file, relative to the working directory; so is every further argument
/// that names one there (`["bash", "deploy.sh"]`). Programs found through `PATH` belong to the system.
pub fn of(service: &Service) -> ScriptSet {
    let mut files = BTreeSet::new();
    for argv in service.scripts.values() {
        files.extend(named_files(argv, &service.working_dir));
    }
    ScriptSet {
        argv: service.scripts.iter().map(|(role, argv)| (*role, argv.clone())).collect(),
        files: files.into_iter().map(|path| fingerprint(&path)).collect(),
    }
}

fn named_files(argv: &Argv, working_dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (at, word) in argv.iter().enumerate() {
        let path = working_dir.join(word);
        if (at == 0 && word.contains('/')) || (at > 0 && path.is_file()) {
            files.push(path);
        }
    }
    files
}

/// One file as it is now.
pub fn fingerprint(path: &Path) -> ScriptFile {
    ScriptFile { path: path.to_string_lossy().into_owned(), digest: digest(path).ok() }
}

fn digest(path: &Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(path)?;
    // A named pipe or a device would never end.
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        sha.update(&buffer[..read]);
    }
    format!("sha256:{}", hex(&sha.finalize())).parse().map_err(std::io::Error::other)
}

/// The first file that is no longer what it was.
pub fn first_changed(files: &[ScriptFile]) -> Option<&ScriptFile> {
    files.iter().find(|file| fingerprint(Path::new(&file.path)).digest != file.digest)
}
