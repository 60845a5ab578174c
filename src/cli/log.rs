//! `relman log`, `relman attach`, and following a deployment to its end.

use std::time::Duration;

use super::args::{Id, Log};
use super::{Session, deployment, exit};
use crate::desk::Desk;
use crate::domain::ansi::{Line, LineParser};
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::ids::DeploymentId;
use crate::domain::time::{Fold, parse_duration, parse_when};
use crate::host::logfile::{LogReader, Wake};
use crate::ops::deployment::reconcile::{Orphans, reconcile};
use crate::ops::view::deployment as view;
use crate::ops::{ErrorKind, OpError};

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// What is printed of a log.
struct Printer {
    parser: LineParser,
    grep: Option<String>,
    raw: bool,
    offset: u64,
}

impl Printer {
    fn from(offset: u64) -> Self {
        Self { parser: LineParser::default(), grep: None, raw: false, offset }
    }

    /// Prints what is new; returns whether there was anything.
    fn print(&mut self, session: &mut Session, reader: &LogReader) -> Result<bool, OpError> {
        let mut any = false;
        loop {
            let bytes = reader.read_at(self.offset, PIECE).map_err(|why| broken(&why))?;
            if bytes.is_empty() || session.out.is_broken() {
                return Ok(any);
            }
            any = true;
            self.offset += bytes.len() as u64;
            if self.raw {
                session.out.bytes(&bytes);
                continue;
            }
            for line in self.parser.feed(&bytes) {
                self.show(session, &line);
            }
        }
    }

    fn show(&self, session: &mut Session, line: &Line) {
        if self.grep.as_ref().is_some_and(|wanted| !line.text().contains(wanted.as_str())) {
            return;
        }
        if session.out.is_json() {
            session.out.json("line", &line.text());
        } else {
            session.out.log_line(line);
        }
    }

    /// A last line without an end.
    fn finish(&mut self, session: &mut Session) {
        if let Some(line) = self.parser.unfinished().filter(|_| !self.raw).cloned() {
            self.show(session, &line);
        }
    }
}

fn broken(why: &std::io::Error) -> OpError {
    OpError::new(ErrorKind::Failure, format!("the log cannot be read: {why}"))
}

pub(super) fn log(session: &mut Session, args: &Log) -> Result<u8, OpError> {
    if args.raw && session.out.is_json() {
        return Err(OpError::new(
            ErrorKind::Usage,
            "--raw is the output as it is, --json is one object a line",
        )
        .hint("use one of them"));
    }
    if args.raw && session.out.is_terminal() && !args.yes {
        return Err(OpError::new(ErrorKind::Usage, "raw output of a script could take over this terminal")
            .hint("send it to a file or a pipe, or add --yes"));
    }
    let desk = session.desk()?;
    let cx = desk.cx();
    let view = view::deployment(&cx, args.id)?;
    let files = desk.state().files_of(args.id);
    let Ok(reader) = LogReader::open(&files.log(), &files.index()) else {
        if (view.deployment.state.is_live() || view.deployment.state.is_pending()) && args.follow {
            return follow_to_end(session, &desk, args.id, true);
        }
        return Err(OpError::not_found(match view.deployment.claimed_at {
            None => format!("log of {}: it never ran", args.id),
            Some(_) => format!("log of {} any more: {} was taken away", args.id, files.log().display()),
        }));
    };
    let mut offset = 0;
    if let Some(since) = &args.since {
        let ago = parse_duration(since).map(|span| cx.now.minus(span));
        let from = ago.or_else(|_| parse_when(since, cx.now, cx.policy.zone, Fold::First))?;
        offset = reader.offset_at(from);
    }
    if let Some(lines) = args.tail {
        let from = reader.start_of_last(reader.size(), lines, 64 << 20).map_err(|why| broken(&why))?;
        offset = offset.max(from);
    }
    let mut printer = Printer { grep: args.grep.clone(), raw: args.raw, ..Printer::from(offset) };
    printer.print(session, &reader)?;
    if args.follow {
        follow(session, &desk, args.id, printer)?;
    } else {
        printer.finish(session);
    }
    Ok(exit::OK)
}

pub(super) fn attach(session: &mut Session, args: &Id) -> Result<u8, OpError> {
    let desk = session.desk()?;
    deployment::settle_orphans(&desk);
    follow_to_end(session, &desk, args.id, true)
}

/// Prints the log from its beginning until the deployment is over; the exit code is the deployment's.
pub(super) fn follow_to_end(
    session: &mut Session,
    desk: &Desk,
    id: DeploymentId,
    attached: bool,
) -> Result<u8, OpError> {
    let d = view::deployment(&desk.cx(), id)?.deployment;
    if session.out.is_json() {
        let ended = wait_for_end(session, desk, id)?;
        session.out.json("deployment", &ended);
        return Ok(exit::of_deployment(ended.state, ended.cause.as_ref()).unwrap_or(exit::OK));
    }
    if d.state.is_pending() {
        session.out.note(&format!(
            "{id} waits: {} of {} to {}; leaving (Ctrl-C) does not call it off, relman cancel {} does",
            d.what(),
            d.release,
            d.environment,
            id.0
        ));
    }
    if d.state.is_live() {
        let (kind, release, env) = (d.what(), &d.release, &d.environment);
        let verb = if attached { "attached to" } else { "started" };
        session.out.note(&format!(
            "{verb} {id}: {kind} of {release} to {env}; leaving (Ctrl-C) does not stop it, relman cancel {} does",
            id.0
        ));
    }
    let ended = follow(session, desk, id, Printer::from(0))?;
    deployment::print_state(&mut session.out, &ended);
    Ok(exit::of_deployment(ended.state, ended.cause.as_ref()).unwrap_or(exit::OK))
}

/// Prints until the outcome is committed and everything that belongs to it is printed.
fn follow(
    session: &mut Session,
    desk: &Desk,
    id: DeploymentId,
    mut printer: Printer,
) -> Result<Deployment, OpError> {
    let files = desk.state().files_of(id);
    let mut wake = Wake::on(&files.log());
    let mut reader = None;
    let mut rounds = 0_u32;
    loop {
        if reader.is_none() {
            reader = LogReader::open(&files.log(), &files.index()).ok();
            if reader.is_some() {
                wake = Wake::on(&files.log());
            }
        }
        // The state is read before the bytes: what the outcome counts is then surely there.
        let state = view::deployment(&desk.cx(), id)?.deployment;
        let any = match &reader {
            Some(reader) => printer.print(session, reader)?,
            None => false,
        };
        if session.out.is_broken() {
            return Ok(state);
        }
        if !state.state.is_live() && !state.state.is_pending() && !any {
            printer.finish(session);
            return Ok(state);
        }
        wake.wait(Duration::from_millis(500));
        rounds += 1;
        if rounds.is_multiple_of(20) {
            reconcile(&desk.cx(), Orphans::Adopt)?;
        }
    }
}

/// Waits until nothing about the deployment changes any more without a person.
pub(super) fn wait_for_end(session: &Session, desk: &Desk, id: DeploymentId) -> Result<Deployment, OpError> {
    let mut wake = Wake::on(&desk.state().files_of(id).log());
    let mut rounds = 0_u32;
    loop {
        let state = view::deployment(&desk.cx(), id)?.deployment;
        let goes_on = state.state.is_live() || state.state.is_pending();
        if !goes_on || session.out.is_broken() {
            return Ok(state);
        }
        wake.wait(Duration::from_millis(200));
        rounds += 1;
        if rounds.is_multiple_of(50) {
            reconcile(&desk.cx(), Orphans::Adopt)?;
        }
        debug_assert_ne!(state.state, DeploymentState::Lost);
    }
}
