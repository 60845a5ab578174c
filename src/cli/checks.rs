//! `relman check …`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::args::{Check, CheckResult};
use super::release::answer;
use super::stages::{moment, put, show};
use super::{Session, build, exit};
use crate::domain::digest::Digest;
use crate::domain::ids::ReleaseRef;
use crate::domain::junit;
use crate::domain::release::Stage;
use crate::ops::release::evidence::{Evidence, record_evidence};
use crate::ops::release::find;
use crate::ops::release::record::Record;
use crate::ops::{ErrorKind, OpError};

pub(super) fn run(session: &mut Session, verb: Check) -> Result<u8, OpError> {
    match verb {
        Check::Run { release, name, detach } => build::check(session, &release, &name, detach),
        Check::Record { release, name, result, note, environment, until } => {
            let passed = result == CheckResult::Passed;
            let evidence = Evidence { passed, note, environment, ..Evidence::default() };
            recorded(session, &release, &name, evidence, until.as_deref())
        }
        Check::Import { release, name, files, exit_code, note, environment, until } => {
            files.iter().try_for_each(|file| session.touches(file))?;
            let evidence = imported(&files, exit_code)?;
            let evidence = Evidence { note: note.or(evidence.note.clone()), environment, ..evidence };
            recorded(session, &release, &name, evidence, until.as_deref())
        }
        Check::Waive { release, name, until, reason } => {
            let check = name.clone();
            put(
                session,
                &release,
                |cx| Ok(Record::Waived { check, reason, expires: moment(cx, &until)? }),
                |_, _| format!("goes on without {name} until then; that shows wherever it is looked at"),
            )
        }
        Check::List { release } => show(session, &release, &[Stage::Test]),
    }
}

fn recorded(
    session: &mut Session,
    release: &ReleaseRef,
    name: &str,
    evidence: Evidence,
    until: Option<&str>,
) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = find::find(&cx, release)?;
    let expires = until.map(|until| moment(&cx, until)).transpose()?;
    let evidence = Evidence { expires, ..evidence };
    let release = record_evidence(&cx, &id, name, &evidence)?;
    let word = if evidence.passed { "passed" } else { "failed" };
    let counts = evidence.counts.map(|counts| format!(": {counts}")).unwrap_or_default();
    answer(&mut session.out, &release, &format!("{name} {word}{counts}"));
    Ok(exit::OK)
}

/// No report of a test runner is larger.
const MOST: u64 = 64 * 1024 * 1024;

/// What the runner's files and its exit code say together: what either calls a failure is one.
fn imported(files: &[PathBuf], exit_code: Option<i32>) -> Result<Evidence, OpError> {
    let texts = files.iter().map(|file| read(file)).collect::<Result<Vec<String>, OpError>>()?;
    let report = match texts.is_empty() {
        true => None,
        false => Some(junit::read(texts.iter().map(String::as_str)).map_err(|why| {
            let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            OpError::new(ErrorKind::Usage, format!("{}: {why}; nothing was recorded", names.join(", ")))
        })?),
    };
    let ended_well = exit_code.is_none_or(|code| code == 0);
    let failed = report.as_ref().map_or(0, |report| report.counts.failed);
    let mut notes: Vec<String> = report.as_ref().and_then(junit::Report::told).into_iter().collect();
    if let Some(code) = exit_code.filter(|code| *code != 0) {
        notes.push(format!("the runner ended with {code}"));
    }
    let names: Vec<String> = files
        .iter()
        .filter(|file| file.as_os_str() != "-")
        .filter_map(|file| file.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    Ok(Evidence {
        passed: ended_well && failed == 0,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        counts: report.map(|report| report.counts),
        source: Some(if names.is_empty() { "a test runner".to_owned() } else { names.join(", ") }),
        report: (!texts.is_empty()).then(|| Digest::of(texts.concat().as_bytes())),
        ..Evidence::default()
    })
}

fn read(path: &Path) -> Result<String, OpError> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(MOST).read_to_end(&mut bytes),
        false => std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes)),
    };
    let shown = path.display();
    read.map_err(|why| OpError::new(ErrorKind::Usage, format!("{shown} cannot be read: {why}")))?;
    // What tests print may be any bytes; names and results are what is looked at.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
