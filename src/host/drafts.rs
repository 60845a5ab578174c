//! What a person typed in the panes and did not send, in their own state directory until they come back.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::heads;

/// More than that is no file of ours.
const LARGEST: u64 = 1024 * 1024;

/// The file: one store's at a time, as one person sits in front of one.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    store: std::path::PathBuf,
    drafts: Vec<T>,
}

/// Puts them down for the next time. Where there is no home nothing is kept.
pub fn keep<T: Serialize>(store: &Path, drafts: Vec<T>) -> io::Result<()> {
    let Some(file) = heads::beside("drafts") else { return Ok(()) };
    let kept = Kept { store: heads::place(store), drafts };
    heads::put_in_place(&file, &serde_json::to_string(&kept)?)
}

/// Takes them back; they are there once. What cannot be read is none.
pub fn take<T: DeserializeOwned>(store: &Path) -> Vec<T> {
    let Some(file) = heads::beside("drafts") else { return Vec::new() };
    let mut text = String::new();
    let opened = OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW).open(&file);
    if opened.and_then(|file| file.take(LARGEST).read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    let Ok(kept) = serde_json::from_str::<Kept<T>>(&text) else { return Vec::new() };
    if kept.store != heads::place(store) {
        return Vec::new();
    }
    let _gone = std::fs::remove_file(&file);
    kept.drafts
}
