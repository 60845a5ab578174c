//! `relman bundle RELEASE` and `relman bundle verify FILE`

use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};

use super::args::Bundle;
use super::{Session, audit, exit};
use crate::desk::Desk;
use crate::domain::ids::{ReleaseId, ReleaseRef};
use crate::domain::text::counted;
use crate::host::{regular, signing};
use crate::ops::bundle::{self as ops, Keys, LogOf, Logs};
use crate::ops::release::find;
use crate::ops::{ErrorKind, OpError};

pub(super) fn bundle(session: &mut Session, args: &Bundle) -> Result<u8, OpError> {
    // A release has an @ or begins one; the word alone means the verb, and a service of that name is written verify@….
    match (args.what.as_str(), &args.file) {
        ("verify", Some(file)) => verify(session, file, args.allowed_signers.as_deref()),
        ("verify", None) => Err(OpError::new(ErrorKind::Usage, "which archive is to be verified?")
            .hint("relman bundle verify FILE")),
        (_, Some(file)) => Err(OpError::new(
            ErrorKind::Usage,
            format!("what is {} to be? the archive is named with --output", file.display()),
        )
        .hint("relman bundle RELEASE --output FILE, or: relman bundle verify FILE")),
        (_, None) => make(session, args),
    }
}

/// The logs on this machine.
struct OnDisk<'a>(&'a Desk);

impl Logs for OnDisk<'_> {
    fn open(&self, release: &ReleaseId, of: LogOf) -> Option<Box<dyn Read>> {
        let files = match of {
            LogOf::Deployment(id) => self.0.state().files_of(id),
            LogOf::Build(number) => self.0.state().files_of_build(release, number),
        };
        let file = regular::open(&files.log()).ok()?;
        Some(Box::new(file))
    }
}

fn make(session: &mut Session, args: &Bundle) -> Result<u8, OpError> {
    let wanted: ReleaseRef = args.what.parse().map_err(|why: crate::domain::ids::BadName| {
        OpError::new(ErrorKind::Usage, why.to_string())
            .hint("relman bundle RELEASE, or: relman bundle verify FILE")
    })?;
    let desk = session.desk()?;
    let cx = desk.cx();
    let release = find::find(&cx, &wanted)?;
    let name = format!("{}-{}.relman.tar", release.service, release.version);
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(name));
    session.touches(&path)?;
    let policy = super::configuration::as_json(&desk.config);
    let keys = desk.config.policy.signing.as_ref();
    let allowed_signers = keys.and_then(|keys| std::fs::read_to_string(&keys.allowed).ok());
    let wanted = ops::Wanted { release, logs: !args.no_logs, brief: args.brief, policy, allowed_signers };
    if path == Path::new("-") {
        let made = ops::write(&cx, &wanted, &OnDisk(&desk), &mut audit::Stdout(session));
        if session.out.is_broken() {
            return Ok(exit::OK);
        }
        let made = made?;
        // Stdout is the archive.
        session.out.note(&format!("sha256 {}", made.sha256));
        session.out.note(&format!("head {}", made.manifest.hash));
        return Ok(exit::OK);
    }
    let file = audit::create(&path)?;
    let made = ops::write(&cx, &wanted, &OnDisk(&desk), &mut BufWriter::new(file));
    if made.is_err() {
        // Half an archive is none.
        let _gone = std::fs::remove_file(&path);
    }
    let made = made?;
    if session.out.is_json() {
        session.out.json("bundle", &serde_json::json!({ "file": path, "bundle": made }));
        return Ok(exit::OK);
    }
    let (members, manifest) = (made.manifest.members.len(), &made.manifest);
    session.out.line(format!(
        "{}: {} with {members} members, up to entry {} of the journal",
        path.display(),
        manifest.release,
        manifest.seq
    ));
    session.out.line(format!("sha256 {}", made.sha256));
    session.out.line(format!("head {}", manifest.hash));
    for left in &manifest.left_out {
        session.out.note(&format!("left out: {left}"));
    }
    Ok(exit::OK)
}

/// No list of keys is longer.
const LONGEST_LIST: u64 = 1024 * 1024;

fn verify(session: &mut Session, path: &Path, allowed_signers: Option<&Path>) -> Result<u8, OpError> {
    let mut list = None;
    if let Some(file) = allowed_signers {
        session.touches(file)?;
        let mut text = String::new();
        audit::opened(file)?.take(LONGEST_LIST).read_to_string(&mut text).map_err(|why| {
            OpError::new(ErrorKind::Failure, format!("cannot read {}: {why}", file.display()))
        })?;
        list = Some(text);
    }
    let keys = Keys { own: list.as_deref(), check: &signing::check_with };
    session.touches(path)?;
    let checked = ops::verify(&mut *audit::opened(path)?, &keys)?;
    let code = u8::from(!checked.is_good());
    let out = &mut session.out;
    if out.is_json() {
        out.json("verified", &checked);
        return Ok(code);
    }
    if let Some((name, why)) = &checked.bad {
        out.line(format!("the archive is not as it was made: {name}: {why}"));
        let others = checked.findings.list.iter().filter(|found| !why.contains(&found.sentence));
        for found in others {
            out.line(&found.sentence);
        }
        return Ok(code);
    }
    let manifest = &checked.manifest;
    out.line(format!(
        "{}: every member is whole; {}, {} in full; {} and {} are as the journal says",
        manifest.release,
        counted(checked.entries, "entry", "entries"),
        checked.in_full,
        counted(checked.records, "record", "records"),
        counted(checked.logs, "log", "logs")
    ));
    out.line(format!("made at entry {} of {}; head {}", manifest.seq, manifest.instance, manifest.hash));
    if let Some(sentence) = checked.signatures.sentence() {
        out.line(sentence);
    }
    out.note("compare the head with one you know from elsewhere: whoever made the archive could have made all of it");
    if manifest.brief {
        out.note(
            "entries about other things are there as hashes only: they are not proven to be what they were",
        );
    }
    for left in &manifest.left_out {
        out.note(&format!("left out: {left}"));
    }
    Ok(code)
}
