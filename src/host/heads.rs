//! What this person last saw of each journal: kept in their own state directory, where nobody else writes.
//!
//! `$XDG_STATE_HOME/relman/heads`, otherwise `~/.local/state/relman/heads`; mode 0600; one JSON object a line. Where there
//! is no home (a service, a container) nothing is remembered.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::environment;
use crate::ops::audit::history::Remembered;

/// How many stores are remembered; the one that was looked at longest ago is forgotten first.
const KEPT: usize = 500;
/// More than that is no file of ours.
const LARGEST: u64 = 1024 * 1024;

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    /// Where the store lies: another store in the same place is news too.
    store: PathBuf,
    #[serde(flatten)]
    seen: Remembered,
}

/// The file of this person.
pub fn file() -> Option<PathBuf> {
    beside("heads")
}

/// A file of this person in the same place.
pub(super) fn beside(name: &str) -> Option<PathBuf> {
    let state = match environment::raw("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute()) {
        Some(dir) => dir,
        None => PathBuf::from(environment::raw("HOME")?).join(".local/state"),
    };
    state.is_absolute().then(|| state.join("relman").join(name))
}

pub(super) fn place(store: &Path) -> PathBuf {
    store.canonicalize().unwrap_or_else(|_| store.to_path_buf())
}

fn read(file: &Path) -> Vec<Line> {
    let opened = OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW).open(file);
    let mut text = String::new();
    match opened.and_then(|file| file.take(LARGEST).read_to_string(&mut text)) {
        // A line that was half written is one store forgotten, not a reason to stop.
        Ok(_) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        Err(_) => Vec::new(),
    }
}

/// What was last seen of the store that lies here, or of the one that is called so where it was moved here.
pub fn recall(store: &Path, instance: &str) -> Option<Remembered> {
    let store = place(store);
    let lines = read(&file()?);
    let here = lines.iter().rfind(|line| line.store == store);
    let moved =
        || lines.iter().filter(|line| line.seen.instance == instance).max_by_key(|line| line.seen.seq);
    here.or_else(moved).map(|line| line.seen.clone())
}

/// Remembers a head. Whoever has seen more of the same journal meanwhile, in another window, is not overruled unless
/// `anew`: then this is what counts from now on.
pub fn remember(store: &Path, seen: &Remembered, anew: bool) -> io::Result<()> {
    let Some(file) = file() else { return Ok(()) };
    let store = place(store);
    let mut lines = read(&file);
    if let Some(at) = lines.iter().position(|line| line.store == store) {
        let known = lines.remove(at).seen;
        let is_further = known.instance == seen.instance && known.seq >= seen.seq;
        // Another store than before is only taken over where a person has said so.
        if !anew && (is_further || known.instance != seen.instance) {
            return Ok(());
        }
    }
    lines.push(Line { store, seen: seen.clone() });
    let forgotten = lines.len().saturating_sub(KEPT);
    write(&file, &lines[forgotten..])
}

fn write(file: &Path, lines: &[Line]) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    put_in_place(file, &text)
}

/// The whole file anew, and then in place of the old one: nobody ever reads half of it.
pub(super) fn put_in_place(file: &Path, text: &str) -> io::Result<()> {
    let dir = file.parent().unwrap_or(file);
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let fresh = dir.join(format!("{name}.{}", std::process::id()));
    // Left behind by a process of the same number that died here.
    let _gone = std::fs::remove_file(&fresh);
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    out.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, file)
}
