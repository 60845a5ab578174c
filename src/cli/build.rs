//! `relman build`

use std::time::Duration;

use super::args::Build;
use super::log::Printer;
use super::release::answer;
use super::{Session, exit};
use crate::desk::Desk;
use crate::domain::deployment::Cause;
use crate::domain::ids::{ReleaseId, ReleaseRef};
use crate::domain::release::{BuildState, Release};
use crate::host::logfile::{LogReader, Wake};
use crate::ops::OpError;
use crate::ops::build;
use crate::ops::release::find;

/// How often a lost process is looked for while following, in rounds of half a second.
const SETTLE_EVERY: u32 = 20;

pub(super) fn build(session: &mut Session, args: &Build) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = find::find(&cx, &args.release)?;
    build::reconcile(&cx)?;
    if args.cancel {
        let release = build::cancel(&cx, &id, args.reason.as_deref())?;
        answer(&mut session.out, &release, "the build was asked to stop; a second time kills it at once");
        return Ok(exit::OK);
    }
    if let Some(wanted) = args.log {
        let release = build::find(&cx, &id)?;
        let runs = release.build.runs.len();
        let number = if wanted == 0 { runs } else { wanted };
        if number == 0 || number > runs {
            let error = OpError::not_found(match wanted {
                0 => format!("build of {id}: its build script has not been run"),
                _ => format!("build {wanted} of {id}; there are {runs}"),
            });
            return Err(error.hint(format!("run it: relman build {id}")));
        }
        return follow(session, &desk, &id, number);
    }
    let started = build::start(&cx, &id)?;
    begun(session, &desk, started, args.detach)
}

/// Runs the script of a check.
pub(super) fn check(
    session: &mut Session,
    release: &ReleaseRef,
    name: &str,
    detach: bool,
) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = find::find(&cx, release)?;
    build::reconcile(&cx)?;
    let started = build::check(&cx, &id, name)?;
    begun(session, &desk, started, detach)
}

/// What was started is followed to its end, or left alone.
fn begun(
    session: &mut Session,
    desk: &Desk,
    (release, number): (Release, usize),
    detach: bool,
) -> Result<u8, OpError> {
    let id = release.id.clone();
    let name = release.build.runs[number - 1].name(number);
    if detach {
        let text = format!("{name} started; its log: relman build {id} --log {number}");
        answer(&mut session.out, &release, &text);
        return Ok(exit::OK);
    }
    session.out.note(&format!(
        "started {name} of {id}; leaving (Ctrl-C) does not stop it, relman build {id} --cancel does"
    ));
    follow(session, desk, &id, number)
}

/// Prints the log until the run is over, then how it ended; the exit code is the run's.
fn follow(session: &mut Session, desk: &Desk, id: &ReleaseId, number: usize) -> Result<u8, OpError> {
    let files = desk.state().files_of_build(id, number);
    let mut wake = Wake::on(&files.log());
    let (mut printer, mut reader, mut rounds) = (Printer::from(0), None, 0_u32);
    let quiet = session.out.is_json();
    loop {
        if reader.is_none() {
            reader = LogReader::open(&files.log(), &files.index()).ok();
            wake = Wake::on(&files.log());
        }
        // The state is read before the bytes: what the end counts is then surely there.
        let release = build::find(&desk.cx(), id)?;
        let run = &release.build.runs[number - 1];
        let is_over = run.state != BuildState::Running;
        let any = match reader.as_ref().filter(|_| !quiet) {
            Some(reader) => printer.print(session, reader)?,
            None => false,
        };
        if session.out.is_broken() {
            return Ok(exit::OK);
        }
        if is_over && !any {
            if reader.is_none() && !quiet {
                session.out.note(&format!("there is no log of build {number} here"));
            }
            printer.finish(session);
            answer(&mut session.out, &release, &run.told(number));
            return Ok(code_of(&release, number));
        }
        wake.wait(Duration::from_millis(500));
        rounds += 1;
        if rounds.is_multiple_of(SETTLE_EVERY) {
            build::reconcile(&desk.cx())?;
        }
    }
}

fn code_of(release: &Release, number: usize) -> u8 {
    let run = &release.build.runs[number - 1];
    match (run.state, run.ended.as_ref().map(|end| &end.cause)) {
        (_, Some(Cause::TimedOut { .. })) => 124,
        (BuildState::Passed | BuildState::Running, _) => exit::OK,
        (BuildState::Failed, _) => 9,
        (BuildState::Cancelled, _) => 10,
        (BuildState::Lost, _) => 13,
    }
}
