//! The scripts of a service as they are on disk: which files its command lines name, and their digests.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use sha2::{Digest as _, Sha256};

use crate::domain::digest::{Digest, hex};
use crate::domain::policy::{Argv, ScriptRole, Service};
use crate::domain::subject::{Command, ScriptFile, ScriptSet};

/// Command lines and file digests of a service.
///
/// A program with a slash in its name is a file, relative to the working directory; so is every further argument
/// that names one there (`["bash", "deploy.sh"]`). Programs found through `PATH` belong to the system.
pub fn of(service: &Service) -> ScriptSet {
    let mut files = BTreeSet::new();
    let deploying = || service.scripts.iter().filter(|(role, _)| **role != ScriptRole::Build);
    for (_, argv) in deploying() {
        files.extend(named_files(argv, &service.working_dir));
    }
    let command = |argv: Argv| Command {
        files: named_files(&argv, &service.working_dir).into_iter().map(|path| fingerprint(&path)).collect(),
        argv,
    };
    ScriptSet {
        commands: service.commands().into_iter().map(|(key, argv)| (key, command(argv))).collect(),
        argv: deploying().map(|(role, argv)| (*role, argv.clone())).collect(),
        files: files.into_iter().map(|path| fingerprint(&path)).collect(),
    }
}

/// Why a command line could not be run, as far as one can tell without running it.
pub fn cannot_run(argv: &Argv, working_dir: &Path) -> Option<String> {
    let program = argv.first()?;
    let path = match program.contains('/') {
        true => working_dir.join(program),
        false => match in_path(program) {
            Some(path) => path,
            None => return Some(format!("there is no program {program} in PATH")),
        },
    };
    let shown = path.display();
    if let Err(why) = access(&path, AccessFlags::X_OK) {
        let hint = if why == Errno::EACCES { format!(": chmod +x {shown}") } else { String::new() };
        return Some(format!("{shown} cannot be run ({}){hint}", why.desc()));
    }
    let interpreter = interpreter_of(&path)?;
    let found = access(interpreter.as_path(), AccessFlags::X_OK).is_ok();
    (!found).then(|| format!("{shown} asks for {}, which cannot be run", interpreter.display()))
}

/// Why everybody could run what they want in the name of who deploys: the file, or a directory on the way to it, may be
/// written by all.
pub fn is_open_to_all(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let is_open = |part: &Path, depth: usize| {
        let Ok(meta) = part.metadata() else { return false };
        // In a sticky directory nobody replaces what is another's.
        meta.mode() & 0o002 != 0 && (depth == 0 || meta.mode() & 0o1000 == 0)
    };
    let (_, open) = absolute.ancestors().enumerate().find(|(depth, part)| is_open(part, *depth))?;
    let shown = open.display();
    Some(format!("every user of this machine may write {shown}, and it runs in your name: chmod o-w {shown}"))
}

fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&super::launch::path()).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// What the first line of a script names: `#!/bin/sh`.
fn interpreter_of(path: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    std::fs::File::open(path).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let text = std::str::from_utf8(line).ok()?;
    text.split_whitespace().next().map(PathBuf::from)
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
