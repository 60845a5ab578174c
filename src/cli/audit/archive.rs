//! `relman audit archive`

use std::fs::{DirBuilder, Permissions};
use std::io::{self, BufReader, BufWriter};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::{export, opened};
use crate::cli::args::Archive;
use crate::cli::{Session, exit};
use crate::desk::Desk;
use crate::ops::audit::archive::{due, name_of, remove};
use crate::ops::audit::export::{Format, Range};
use crate::ops::{ErrorKind, OpError};

pub(super) fn archive(session: &mut Session, args: &Archive) -> Result<u8, OpError> {
    if let Some(dir) = &args.dir {
        session.touches(dir)?;
    }
    let desk = session.desk()?;
    let own = desk.state().dir().join("archive");
    let dir = args.dir.clone().unwrap_or_else(|| own.clone());
    match args.remove {
        Some(day) => take_away(session, &desk, &dir, day, args.reason.as_deref().unwrap_or_default()),
        None => write(session, &desk, &dir, dir == own),
    }
}

fn trouble(what: &str, path: &Path, why: &io::Error) -> OpError {
    OpError::new(ErrorKind::Failure, format!("cannot {what} {}: {why}", path.display()))
}

/// Writes the days that are missing.
fn write(session: &mut Session, desk: &Desk, dir: &Path, is_own: bool) -> Result<u8, OpError> {
    let is_shared = is_own && desk.state().is_shared();
    let (dir_mode, mode) = if is_shared { (0o2770, 0o640) } else { (0o700, 0o600) };
    match DirBuilder::new().mode(dir_mode).create(dir) {
        Ok(()) => std::fs::set_permissions(dir, Permissions::from_mode(dir_mode))
            .map_err(|why| trouble("set the mode of", dir, &why))?,
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
        Err(why) => return Err(trouble("make", dir, &why)),
    }
    let cx = desk.cx();
    let days = due(&cx, |day| dir.join(name_of(day)).exists())?;
    let (Some((_, first)), Some((_, last))) = (days.first(), days.last()) else {
        if session.out.is_json() {
            session.out.json("archived", &Vec::<PathBuf>::new());
        } else {
            session.out.line("every day that is over is in the archive");
        }
        return Ok(exit::OK);
    };
    export::begin(&cx, Format::Jsonl, first.since, Some(last.until))?;
    let mut written = Vec::new();
    for (day, range) in days {
        let path = dir.join(name_of(day));
        let entries = day_into(desk, &path, range, mode)?;
        if !session.out.is_json() {
            session.out.line(format!(
                "{}: {entries} entries, {} to {}",
                path.display(),
                range.since,
                range.until
            ));
        }
        written.push(path);
    }
    if session.out.is_json() {
        session.out.json("archived", &written);
    }
    Ok(exit::OK)
}

/// One day, under its name only once it is whole and was read back.
fn day_into(desk: &Desk, path: &Path, range: Range, mode: u32) -> Result<u64, OpError> {
    let dir = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(dir)
        .map_err(|why| trouble("write into", dir, &why))?;
    let written = export::write(&desk.cx(), range, Format::Jsonl, &mut BufWriter::new(&mut file))?;
    let read =
        export::verify(&mut BufReader::new(file.reopen().map_err(|why| trouble("read", path, &why))?))?;
    if !read.is_good() || read.entries != range.until {
        return Err(OpError::new(
            ErrorKind::Failure,
            format!("what was written to {} does not verify; nothing was kept of it", path.display()),
        )
        .hint("look at the journal: relman audit verify"));
    }
    file.as_file()
        .set_permissions(Permissions::from_mode(mode))
        .and_then(|()| file.as_file().sync_all())
        .map_err(|why| trouble("write", path, &why))?;
    file.persist_noclobber(path).map_err(|why| trouble("write", path, &why.error))?;
    Ok(written.entries)
}

fn take_away(
    session: &mut Session,
    desk: &Desk,
    dir: &Path,
    day: NaiveDate,
    reason: &str,
) -> Result<u8, OpError> {
    let path = dir.join(name_of(day));
    drop(opened(&path)?);
    remove(&desk.cx(), day, reason)?;
    std::fs::remove_file(&path).map_err(|why| {
        trouble("take away", &path, &why).hint("that it was to go is on record all the same")
    })?;
    if session.out.is_json() {
        session.out.json("removed", &path);
    } else {
        session.out.line(format!("{} is gone; the journal itself still has its entries", path.display()));
    }
    Ok(exit::OK)
}
