//! `relman log ID --cast FILE`: the log as an asciicast (version 2), to be played with any player of that format.
//!
//! What a player prints goes to a terminal: only text and colours get into the file, as everywhere else.

use std::io::Write as _;
use std::path::Path;

use super::Session;
use super::audit::Stdout;
use crate::domain::ansi::LineParser;
use crate::domain::deployment::Deployment;
use crate::domain::time::Timestamp;
use crate::host::logfile::LogReader;
use crate::ops::{ErrorKind, OpError};

/// The screen the recording says it was made on.
const WIDTH: u32 = 120;
const HEIGHT: u32 = 40;
/// Players shorten pauses to so many seconds.
const IDLE_LIMIT: u32 = 3;
const PIECE: usize = 64 * 1024;

/// Writes the recording into a new file; returns how many events it holds.
pub(super) fn write(d: &Deployment, reader: &LogReader, file: &Path) -> Result<usize, OpError> {
    let shown = file.display();
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
    let made = made.map_err(|why| match why.kind() {
        std::io::ErrorKind::AlreadyExists => {
            OpError::conflict(format!("{shown} exists already; nothing was written"))
        }
        _ => OpError::new(ErrorKind::Failure, format!("cannot write {shown}: {why}")),
    })?;
    let mut out = std::io::BufWriter::new(made);
    let wrote = record(d, reader, &mut out).and_then(|count| out.flush().map(|()| count));
    wrote.map_err(|why| OpError::new(ErrorKind::Failure, format!("cannot write {shown}: {why}")))
}

/// The same to stdout, which a reader may close.
pub(super) fn stream(d: &Deployment, reader: &LogReader, session: &mut Session) -> Result<(), OpError> {
    let wrote = record(d, reader, &mut Stdout(session));
    match session.out.is_broken() {
        true => Ok(()),
        false => wrote.map(drop).map_err(|why| OpError::new(ErrorKind::Failure, why.to_string())),
    }
}

fn record(d: &Deployment, reader: &LogReader, out: &mut impl std::io::Write) -> std::io::Result<usize> {
    let start = reader.time_at(0).or(d.claimed_at).unwrap_or(d.requested_at);
    let header = serde_json::json!({
        "version": 2,
        "width": WIDTH,
        "height": HEIGHT,
        "timestamp": start.millis() / 1000,
        "idle_time_limit": IDLE_LIMIT,
        "title": format!("{} {} of {} to {}", d.id, d.what(), d.release, d.environment),
    });
    writeln!(out, "{header}")?;
    let (mut parser, mut offset, mut count) = (LineParser::default(), 0, 0);
    loop {
        let bytes = reader.read_at(offset, PIECE)?;
        if bytes.is_empty() {
            break;
        }
        // Output that was read at one time is one event; a piece never goes past the next mark.
        let until = reader.next_mark(offset).map_or(bytes.len(), |next| {
            usize::try_from(next - offset).unwrap_or(bytes.len()).clamp(1, bytes.len())
        });
        let lines = parser.feed(&bytes[..until]);
        count += event(out, start, reader.time_at(offset).unwrap_or(start), &lines)?;
        offset += until as u64;
    }
    if let Some(last) = parser.unfinished().cloned() {
        count += event(out, start, reader.time_at(offset).unwrap_or(start), &[last])?;
    }
    Ok(count)
}

fn event(
    out: &mut impl std::io::Write,
    start: Timestamp,
    at: Timestamp,
    lines: &[crate::domain::ansi::Line],
) -> std::io::Result<usize> {
    if lines.is_empty() {
        return Ok(0);
    }
    let text: String = lines.iter().map(|line| format!("{}\r\n", super::out::coloured(line))).collect();
    let seconds = at.since(start).as_secs_f64();
    writeln!(out, "{}", serde_json::json!([seconds, "o", text]))?;
    Ok(1)
}
