//! `relman log`, `relman attach`, and following a deployment to its end.

use std::time::Duration;

use super::args::{self, Id, Log};
use super::out::Tone;
use super::{Session, cast, deployment, exit};
use crate::desk::Desk;
use crate::domain::ansi::{Line, LineParser};
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::ids::DeploymentId;
use crate::domain::note::Note;
use crate::domain::novelty::{Compared, Known};
use crate::domain::text::script_message;
use crate::domain::time::{Fold, parse_duration, parse_when};
use crate::host::logfile::{LogReader, Wake};
use crate::ops::deployment::note as noting;
use crate::ops::deployment::reconcile::{Orphans, reconcile};
use crate::ops::view::deployment as view;
use crate::ops::{ErrorKind, OpError};

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// What is printed of a log.
pub(super) struct Printer {
    parser: LineParser,
    grep: Option<String>,
    raw: bool,
    offset: u64,
    /// Notes that have not been printed.
    notes: Vec<Note>,
    /// Every note that was heard of, printed or not.
    heard: Vec<Note>,
    /// Only lines that are new against another log.
    compared: Option<Compared>,
}

impl Printer {
    pub(super) fn from(offset: u64) -> Self {
        Self {
            parser: LineParser::default(),
            grep: None,
            raw: false,
            offset,
            notes: Vec::new(),
            heard: Vec::new(),
            compared: None,
        }
    }

    /// Takes in the notes there are by now: each is printed once. Notes have no number and two may be alike, so those
    /// heard of before are struck off one by one.
    fn hear(&mut self, written: Vec<Note>) {
        let mut before = std::mem::replace(&mut self.heard, written.clone());
        for note in written {
            match before.iter().position(|known| *known == note) {
                Some(at) => drop(before.swap_remove(at)),
                None => self.notes.push(note),
            }
        }
        self.notes.sort_by_key(|note| note.offset);
    }

    /// Prints what is new; returns whether there was anything.
    pub(super) fn print(&mut self, session: &mut Session, reader: &LogReader) -> Result<bool, OpError> {
        let mut any = false;
        loop {
            let bytes = reader.read_at(self.offset, PIECE).map_err(|why| broken(&why))?;
            if bytes.is_empty() || session.out.is_broken() {
                // What was written beside output that is printed already.
                self.notes_so_far(session);
                return Ok(any);
            }
            any = true;
            if self.raw {
                self.offset += bytes.len() as u64;
                session.out.bytes(&bytes);
                continue;
            }
            // A note stands where it was written: a piece never goes past one.
            let until = self.notes.first().map_or(bytes.len(), |note| {
                usize::try_from(note.offset.saturating_sub(self.offset))
                    .unwrap_or(bytes.len())
                    .min(bytes.len())
            });
            for line in self.parser.feed(&bytes[..until]) {
                self.show(session, &line);
            }
            self.offset += until as u64;
            self.notes_so_far(session);
        }
    }

    /// Prints the notes that belong to what was printed.
    fn notes_so_far(&mut self, session: &mut Session) {
        while self.notes.first().is_some_and(|note| note.offset <= self.offset) && !self.raw {
            let note = self.notes.remove(0);
            if session.out.is_json() {
                session.out.json("note", &note);
            } else {
                let at = note.at.utc().format("%H:%M:%S");
                let text = format!("[note {at} UTC, {}] {}", note.by.name, note.text);
                session.out.line(session.out.paint(Tone::Strong, &text));
            }
        }
    }

    fn show(&mut self, session: &mut Session, line: &Line) {
        if self.compared.as_mut().is_some_and(|compared| !compared.is_new(&line.text())) {
            return;
        }
        if self.grep.as_ref().is_some_and(|wanted| !line.text().contains(wanted.as_str())) {
            return;
        }
        if session.out.is_json() {
            session.out.json("line", &line.text());
        } else {
            match script_message(&line.text()) {
                Some(message) => session.out.line(format!("» {message}")),
                None => session.out.log_line(line),
            }
        }
    }

    /// A last line without an end.
    pub(super) fn finish(&mut self, session: &mut Session) {
        if let Some(line) = self.parser.unfinished().filter(|_| !self.raw).cloned() {
            self.show(session, &line);
        }
        self.notes_so_far(session);
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
    let opened = LogReader::open(&files.log(), &files.index());
    if let Err(why) = &opened
        && why.kind() == std::io::ErrorKind::InvalidInput
    {
        let sentence = format!("the log of {} is not read: {why}", args.id);
        return Err(OpError::new(ErrorKind::Unusable, sentence)
            .hint(format!("look at {} and at who can write there", files.dir().display())));
    }
    let Ok(reader) = opened else {
        if (view.deployment.state.is_live() || view.deployment.state.is_pending()) && args.follow {
            return follow_to_end(session, &desk, args.id, true);
        }
        return Err(OpError::not_found(match view.deployment.claimed_at {
            None => format!("log of {}: it never ran", args.id),
            Some(_) => format!("log of {} any more: {} was taken away", args.id, files.log().display()),
        }));
    };
    if let Some(file) = &args.cast {
        session.touches(file)?;
        if file.as_os_str() == "-" {
            cast::stream(&view.deployment, &reader, session)?;
            return Ok(exit::OK);
        }
        let events = cast::write(&view.deployment, &reader, file)?;
        session
            .out
            .note(&format!("{} holds {events} events; play it with any asciicast player", file.display()));
        return Ok(exit::OK);
    }
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
    let mut compared = if args.new { Some(against_last_good(session, &desk, &view)?) } else { None };
    if let Some(compared) = &mut compared {
        // What comes before says in which step the first line is.
        each_line(&reader, offset, |line| {
            compared.is_new(&line.text());
        })?;
    }
    let mut printer = Printer { grep: args.grep.clone(), raw: args.raw, compared, ..Printer::from(offset) };
    printer.hear(view.notes);
    printer.notes.retain(|note| note.offset >= offset);
    printer.print(session, &reader)?;
    if args.follow {
        follow(session, &desk, args.id, printer)?;
    } else {
        printer.finish(session);
    }
    Ok(exit::OK)
}

/// What the last good deployment there printed.
fn against_last_good(
    session: &Session,
    desk: &Desk,
    view: &view::DeploymentView,
) -> Result<Compared, OpError> {
    let Some(good) = view.baseline else {
        let env = &view.deployment.environment;
        return Err(OpError::not_found(format!("success in {env} before {}", view.deployment.id))
            .hint("without --new the whole log is printed"));
    };
    let files = desk.state().files_of(good);
    let reader = LogReader::open(&files.log(), &files.index()).map_err(|why| {
        OpError::new(ErrorKind::Failure, format!("the log of {good} cannot be read any more: {why}"))
    })?;
    session.out.note(&format!("only what {good}, the last success there, did not print in the same step"));
    let mut known = Known::default();
    each_line(&reader, u64::MAX, |line| known.learn(&line.text()))?;
    Ok(Compared::with(known))
}

/// Calls with each line that ends before `until`.
fn each_line(reader: &LogReader, until: u64, mut call: impl FnMut(&Line)) -> Result<(), OpError> {
    let (mut parser, mut offset) = (LineParser::default(), 0);
    while offset < until {
        let room = usize::try_from(until - offset).unwrap_or(PIECE).min(PIECE);
        let bytes = reader.read_at(offset, room).map_err(|why| broken(&why))?;
        if bytes.is_empty() {
            break;
        }
        offset += bytes.len() as u64;
        parser.feed(&bytes).iter().for_each(&mut call);
    }
    Ok(())
}

pub(super) fn note(session: &mut Session, args: &args::Note) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let note = noting::add(&desk.cx(), args.id, &args.text)?;
    if session.out.is_json() {
        session.out.json("note", &note);
    } else {
        session.out.line(format!("noted beside the log of {} at byte {}", args.id, note.offset));
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
        return code_of(desk, &ended);
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
    code_of(desk, &ended)
}

/// The exit code for how a deployment ended.
pub(super) fn code_of(desk: &Desk, ended: &Deployment) -> Result<u8, OpError> {
    let report = view::deployment(&desk.cx(), ended.id)?.report;
    Ok(exit::of_deployment(ended, &report).unwrap_or(exit::OK))
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
        let view = view::deployment(&desk.cx(), id)?;
        let state = view.deployment;
        printer.hear(view.notes);
        let any = match &reader {
            Some(reader) => printer.print(session, reader)?,
            None => {
                printer.notes_so_far(session);
                false
            }
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
