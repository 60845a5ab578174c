//! Everything about one release as one archive that can be verified without relman's store, configuration or network.
//!
//! The archive is a plain `tar` of regular files in one fixed order, with one fixed time and owner: the same journal
//! makes the same bytes. `manifest.json` comes first and names every member with its size and SHA-256. The journal goes
//! in from the release's first entry to the newest one, in full: only so is it proven that the entries of the release
//! are the ones the head commits to. [`Wanted::brief`] leaves the content of the others out, and with it that proof.

mod members;
mod read;
mod signed;
mod told;

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

pub use self::members::journal_of;
pub use self::read::{Checked, verify};
pub use self::signed::{Check, Keys, Signatures};
use super::audit::export;
use super::audit::instance;
use super::{Ctx, ErrorKind, OpError};
use crate::domain::digest::{Digest, hex};
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::domain::journal::{Entry, Verb};
use crate::store::journal;

/// Version of the archive.
const FORMAT: &str = "relman-bundle-1";
const MANIFEST: &str = "manifest.json";
const JOURNAL: &str = "journal.jsonl";
const SIGNERS: &str = "allowed_signers";

/// What goes in.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub release: ReleaseId,
    /// The logs themselves; their hashes are there anyway.
    pub logs: bool,
    /// Entries that are not about the release only as their hashes.
    pub brief: bool,
    /// The policy in force, as `relman config show --json` tells it.
    pub policy: serde_json::Value,
    /// The file that says whose key is whose, as it is now: with it the signatures under decisions can be checked.
    pub allowed_signers: Option<String>,
}

/// The largest log that goes in, and all of them together.
pub const LARGEST_LOG: u64 = 256 * 1024 * 1024;
pub const LARGEST_LOGS: u64 = 1024 * 1024 * 1024;

/// One member as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub name: String,
    pub size: u64,
    pub sha256: String,
}

/// The first member: what the archive is and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: String,
    pub relman: String,
    pub release: ReleaseId,
    /// The store it comes from.
    pub instance: String,
    /// The entry the archive ends with, and its hash.
    pub seq: i64,
    pub hash: String,
    /// Whether entries about other things are in it as hashes only.
    pub brief: bool,
    /// Logs that were left out, and why.
    pub left_out: Vec<String>,
    pub members: Vec<Member>,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Bundled {
    pub manifest: Manifest,
    /// SHA-256 of the whole archive.
    pub sha256: String,
    pub size: u64,
}

/// Whose log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOf {
    Deployment(DeploymentId),
    /// A run of the build script of the release, by its number.
    Build(usize),
}

impl LogOf {
    /// What it is called in the archive.
    fn member(self) -> String {
        match self {
            Self::Deployment(id) => format!("logs/{}.log", id.0),
            Self::Build(number) => format!("logs/build-{number}.log"),
        }
    }
}

impl std::fmt::Display for LogOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deployment(id) => write!(f, "log of {id}"),
            Self::Build(number) => write!(f, "log of build {number}"),
        }
    }
}

/// What the archive must show at least: how a log is read.
pub trait Logs {
    /// Opens a log of this release.
    fn open(&self, release: &ReleaseId, of: LogOf) -> Option<Box<dyn io::Read>>;
}

/// Where a member's bytes come from.
enum Source {
    Bytes(Vec<u8>),
    Log(LogOf, u64),
    Journal,
}

/// Writes the archive and puts that on record: what is handed out is a fact.
pub fn write(
    cx: &Ctx<'_>,
    wanted: &Wanted,
    logs: &dyn Logs,
    out: &mut dyn Write,
) -> Result<Bundled, OpError> {
    let (instance, (seq, hash)) =
        cx.store.read(|tx| Ok::<_, OpError>((instance(tx)?, journal::head(tx)?)))?;
    let bundled = compose(cx, wanted, logs, (instance, seq, hex(&hash)), out)?;
    cx.store.write(|tx| {
        let entry = cx.entry(Verb::RecordExported, &wanted.release);
        journal::append(tx, entry.detail(&Handed { bundle: &bundled.sha256, until: seq })).map(drop)
    })?;
    Ok(bundled)
}

/// What the entry of a bundle says.
#[derive(Serialize)]
struct Handed<'a> {
    bundle: &'a str,
    until: i64,
}

/// Writes the archive as of the given head; the same again makes the same bytes.
pub fn compose(
    cx: &Ctx<'_>,
    wanted: &Wanted,
    logs: &dyn Logs,
    (instance, seq, hash): (String, i64, String),
    out: &mut dyn Write,
) -> Result<Bundled, OpError> {
    let gathered = members::gather(cx, wanted, seq)?;
    let span = export::Range { since: gathered.first, until: seq };
    let mut members: Vec<(String, Source)> =
        gathered.records.into_iter().map(|(name, bytes)| (name, Source::Bytes(bytes))).collect();
    let mut left_out = Vec::new();
    let mut total = 0;
    for (of, size) in &gathered.logs {
        let why = match logs.open(&wanted.release, *of) {
            _ if !wanted.logs => "not asked for",
            None => "it is gone",
            Some(_) if *size > LARGEST_LOG || total + size > LARGEST_LOGS => "it is too large",
            Some(_) => {
                total += size;
                members.push((of.member(), Source::Log(*of, *size)));
                continue;
            }
        };
        left_out.push(format!("{of}: {why}"));
    }
    members.push((JOURNAL.to_owned(), Source::Journal));
    members.sort_by(|a, b| a.0.cmp(&b.0));
    let maker =
        Maker { cx, logs, release: &wanted.release, span, about: &gathered.subjects, brief: wanted.brief };
    let mut listed = Vec::new();
    for (name, source) in &members {
        let mut sum = Sum::default();
        maker.write(source, &mut sum)?;
        let (size, sha256) = sum.end();
        listed.push(Member { name: name.clone(), size, sha256 });
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        relman: env!("CARGO_PKG_VERSION").to_owned(),
        release: wanted.release.clone(),
        instance,
        seq,
        hash,
        brief: wanted.brief,
        left_out,
        members: listed,
    };
    let mut sum = Sum { also: Some(out), ..Sum::default() };
    maker.archive(&manifest, &members, &mut sum)?;
    sum.flush().map_err(|why| failed(&why))?;
    let (size, sha256) = sum.end();
    Ok(Bundled { manifest, sha256, size })
}

fn failed(why: &io::Error) -> OpError {
    OpError::new(ErrorKind::Failure, format!("cannot write the archive: {why}"))
}

/// Writes members: first to sum them up, then into the archive.
struct Maker<'a> {
    cx: &'a Ctx<'a>,
    logs: &'a dyn Logs,
    release: &'a ReleaseId,
    span: export::Range,
    /// What the entries of the release are about.
    about: &'a BTreeSet<String>,
    brief: bool,
}

impl Maker<'_> {
    fn write(&self, source: &Source, out: &mut dyn Write) -> Result<(), OpError> {
        match source {
            Source::Bytes(bytes) => out.write_all(bytes).map_err(|why| failed(&why)),
            Source::Log(of, size) => {
                // As far as its outcome knows it: what came later is not vouched for.
                let log = self.logs.open(self.release, *of);
                let log = log.ok_or_else(|| OpError::not_found(of.to_string()))?;
                io::copy(&mut io::Read::take(log, *size), out).map(drop).map_err(|why| failed(&why))
            }
            Source::Journal => export::each(self.cx, self.span, |entry| {
                writeln!(out, "{}", self.line(entry)).map_err(|why| failed(&why))
            }),
        }
    }

    fn line(&self, entry: &Entry) -> String {
        let is_about = entry.parsed().is_some_and(|body| self.about.contains(&body.subject));
        if is_about || !self.brief {
            return export::line(entry);
        }
        let header = Header { seq: entry.seq, previous: hex(&entry.previous), hash: hex(&entry.hash) };
        serde_json::to_string(&header).unwrap_or_default()
    }

    fn archive(
        &self,
        manifest: &Manifest,
        members: &[(String, Source)],
        out: &mut dyn Write,
    ) -> Result<(), OpError> {
        let text = serde_json::to_vec_pretty(manifest).unwrap_or_default();
        part(MANIFEST, text.len() as u64, out, |body| body.write_all(&text).map_err(|why| failed(&why)))?;
        for ((_, source), member) in members.iter().zip(&manifest.members) {
            part(&member.name, member.size, out, |body| self.write(source, body))?;
        }
        out.write_all(&[0; 1024]).map_err(|why| failed(&why))
    }
}

/// One member: its header, its bytes, and what fills the last block.
fn part(
    name: &str,
    size: u64,
    out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), OpError>,
) -> Result<(), OpError> {
    out.write_all(header(name, size)?.as_bytes()).map_err(|why| failed(&why))?;
    let mut body = Sum { also: Some(&mut *out), ..Sum::default() };
    write(&mut body)?;
    if body.end().0 != size {
        return Err(OpError::conflict(format!("{name} changed while it was put into the archive"))
            .hint("try it again"));
    }
    let rest = usize::try_from((512 - size % 512) % 512).unwrap_or(0);
    out.write_all(&[0; 512][..rest]).map_err(|why| failed(&why))
}

/// A header without anything of this moment, this machine or this person.
fn header(name: &str, size: u64) -> Result<tar::Header, OpError> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).map_err(|why| failed(&why))?;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

/// An entry that is about something else, where only its place is shown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    seq: i64,
    previous: String,
    hash: String,
}

/// Counts and hashes what goes through it.
#[derive(Default)]
struct Sum<'a> {
    sha: sha2::Sha256,
    size: u64,
    also: Option<&'a mut dyn Write>,
}

impl Sum<'_> {
    fn end(self) -> (u64, String) {
        use sha2::Digest as _;
        (self.size, hex(&self.sha.finalize()))
    }
}

impl Write for Sum<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use sha2::Digest as _;
        if let Some(also) = &mut self.also {
            also.write_all(bytes)?;
        }
        self.sha.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.also.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// The digest of a log as deployments carry it.
fn as_digest(sha256: &str) -> Option<Digest> {
    format!("sha256:{sha256}").parse().ok()
}
