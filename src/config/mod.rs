//! relman.toml: found, read, checked, and turned into the domain's policy.
//!
//! `raw.rs` is what may be written, `validate.rs` what it means, `problem.rs` how a mistake is shown with its
//! line, column, caret and suggestion. Nothing outside this folder knows that the file is TOML.

mod find;
mod init;
mod panes;
mod problem;
mod raw;
mod validate;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::find::{candidates, find};
pub use self::init::starter;
pub use self::panes::{Complaint, Notify, Panes, own, own_file, placed};
pub use self::problem::{Problem, Problems, Severity};
use crate::domain::digest::Digest;
use crate::domain::policy::Policy;

/// What a configuration file says.
#[derive(Debug, Clone)]
pub struct Config {
    /// Absolute path of the file.
    pub path: PathBuf,
    pub database: PathBuf,
    /// Which file was read.
    pub stamp: Stamp,
    /// How long logs are to be kept; accepted and shown, nothing is deleted by this version.
    pub log_retention: Option<Duration>,
    /// The account that alone can write the store (enforced mode).
    pub service_user: Option<String>,
    /// What the file says, as a digest, and whose it is.
    pub digest: Digest,
    pub owner: u32,
    pub policy: Policy,
    /// How the panes look and which keys they take.
    pub panes: Panes,
    /// What is odd but does not prevent work: unknown keys, rules nobody can meet.
    pub warnings: Vec<Problem>,
    /// What is kept for later versions and does nothing yet: for `relman config check`.
    pub notes: Vec<Problem>,
}

/// Tells one state of a file from another: any write or replacement changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp(Option<(u64, u64, i64, i64)>);

impl Stamp {
    pub fn of(path: &Path) -> Self {
        Self(std::fs::metadata(path).ok().map(|meta| Self::parts(&meta)))
    }

    fn parts(meta: &std::fs::Metadata) -> (u64, u64, i64, i64) {
        use std::os::unix::fs::MetadataExt as _;
        (meta.ino(), meta.size(), meta.ctime(), meta.ctime_nsec())
    }
}

/// Reads and checks the file at `path`. Relative paths in it are relative to the file.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let unreadable = |why: std::io::Error| Problems::unreadable(&path, &why);
    let file = std::fs::File::open(&path).map_err(unreadable)?;
    find::guarded(&path, &file)?;
    let meta = file.metadata().map_err(unreadable)?;
    let (stamp, owner) = (Stamp(Some(Stamp::parts(&meta))), std::os::unix::fs::MetadataExt::uid(&meta));
    // A file of this size is a mistake, and parsing it would only delay saying so.
    let mut bytes = Vec::new();
    file.take((1 << 20) + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > 1 << 20 {
        return Err(Problems::plain(&path, "the file is larger than 1 MiB; is it a relman.toml?"));
    }
    let digest = Digest::of(&bytes);
    let text = String::from_utf8(bytes).map_err(|why| {
        let at = why.utf8_error().valid_up_to();
        Problems::plain(&path, &format!("the file is not UTF-8 (byte {}); save it as UTF-8", at + 1))
    })?;
    parse(&path, &text).map(|config| Config { stamp, digest, owner, ..config })
}

/// Checks `text` as if it were the file at `path`.
pub fn parse(path: &Path, text: &str) -> Result<Config, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = problem::Source::new(path, text);
    let (raw, unknown) = raw::read(text).map_err(|error| source.syntax(&error))?;
    let mut checker = validate::Checker::new(path);
    let config = checker.config(raw);
    let mut warnings: Vec<Problem> = unknown.into_iter().map(|key| source.unknown_key(&key)).collect();
    let (mut errors, mut notes) = (Vec::new(), Vec::new());
    for finding in checker.findings {
        let problem = source.locate(&finding);
        match problem.severity {
            Severity::Error => errors.push(problem),
            Severity::Warning => warnings.push(problem),
            Severity::Note => notes.push(problem),
        }
    }
    match config {
        Some(mut config) if errors.is_empty() => {
            config.warnings = warnings;
            config.notes = notes;
            Ok(config)
        }
        _ => {
            errors.extend(warnings);
            Err(Problems(errors))
        }
    }
}

#[cfg(test)]
mod tests;
