//! One process per run of the build script: starts it, saves what it prints, and records what it made.
//!
//! Simpler than a deployment's supervisor: a build may be repeated, so there is no exit record and no scribe, and a store
//! that is out of reach is waited for only when the script has ended. Whoever kills this process loses the run, not more.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

use crate::config;
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::domain::deployment::{CancelKind, CancelRequest, Cause, Limit};
use crate::domain::digest::Digest;
use crate::domain::junit::{self, Report};
use crate::domain::text::free;
use crate::domain::time::span;
use crate::host::launch::{BuildOrder, READY};
use crate::host::process::{self, Spawn};
use crate::host::state::State;
use crate::host::{clock, fault, lock, regular};
use crate::ops::build::{Ended, finish, wish};
use crate::ops::{ErrorKind, OpError};

use super::output::{Log, Stream};
use super::run::{LOOK_EVERY, leave_streams};
use super::script::{cause_of, drain};
use super::stop::{Stop, sweep};

/// How often the store is asked whether somebody wants the end.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long a store out of reach is waited for at the end.
const STORE_PATIENCE: Duration = Duration::from_secs(600);
/// How long output is waited for after the script's main process ended.
const DRAIN: Duration = Duration::from_secs(2);

/// Carries out one run.
pub(super) async fn build(order: BuildOrder) -> Result<(), String> {
    let (id, number) = (&order.ticket.release, order.ticket.number);
    let config = config::load(&order.config).map_err(|problems| problems.to_string())?;
    let desk = Desk::open(config, Via::Supervisor).map_err(|error| error.sentence)?;
    let dir = order.store.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let state = State::check(&order.store, dir).map_err(|error| error.sentence)?;
    let files = state
        .make_files_of_build(id, number)
        .map_err(|why| format!("cannot make the directory of build {number} of {id}: {why}"))?;
    let held = lock::hold(&files.supervisor_lock())
        .map_err(|why| format!("cannot lock build {number} of {id}: {why}"))?
        .ok_or_else(|| format!("build {number} of {id} has a supervisor already"))?;
    let log = Log::open(&files).map_err(|why| format!("cannot write the log: {why}"))?;
    let _reaper = nix::sys::prctl::set_child_subreaper(true);
    let mut terminate = signal(SignalKind::terminate()).map_err(|why| why.to_string())?;
    let _deaf = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()].map(signal);
    super::report(READY);
    leave_streams();
    let mut run = Run { order: &order, desk: &desk, log: std::rc::Rc::new(std::cell::RefCell::new(log)) };
    let cause = run.script(&mut terminate).await;
    run.end(&cause);
    drop(held);
    Ok(())
}

struct Run<'a> {
    order: &'a BuildOrder,
    desk: &'a Desk,
    log: super::run::SharedLog,
}

impl Run<'_> {
    /// `build 2`, `check unit (run 3)`
    fn name(&self) -> String {
        let number = self.order.ticket.number;
        match &self.order.ticket.check {
            None => format!("build {number}"),
            Some(check) => format!("check {check} (run {number})"),
        }
    }

    fn say(&self, text: &str) {
        self.log.borrow_mut().say(text);
    }

    /// Runs the script to its end.
    async fn script(&mut self, terminate: &mut tokio::signal::unix::Signal) -> Cause {
        let ticket = &self.order.ticket;
        self.say(&format!("{} of {}", self.name(), ticket.release));
        let (mut child, reader) = match self.spawn() {
            Ok(spawned) => spawned,
            Err(why) => {
                self.say(&why);
                return Cause::CannotRun { why };
            }
        };
        fault::point("build-begun");
        let group = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        let reading = tokio::task::spawn_local(drain(
            reader,
            std::rc::Rc::clone(&self.log),
            Stream::new(&self.order.masks),
        ));
        let mut stop = Stop::default();
        let (started, mut asked) = (Instant::now(), Instant::now());
        let status = loop {
            tokio::select! {
                status = child.wait() => break status,
                _ = terminate.recv() => {
                    let by = "system (TERM)".to_owned();
                    let wish = CancelRequest { by, at: clock::now(), kind: CancelKind::Gentle, reason: None };
                    stop.cancel(&wish, &mut self.log.borrow_mut());
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if asked.elapsed() >= ASK_EVERY {
                asked = Instant::now();
                if let Some(wish) = self.wish() {
                    stop.cancel(&wish, &mut self.log.borrow_mut());
                }
            }
            self.clocks(&mut stop, started);
            stop.act(&[group], ticket.grace, &mut self.log.borrow_mut());
        };
        // What it left in its group belongs to a build that has ended: nothing goes on behind it.
        process::signal_group(group, nix::sys::signal::Signal::SIGKILL);
        let swept = sweep(&[]).await;
        if !swept.escaped.is_empty() {
            self.say(&format!("KILL sent to what the script left running: {}", swept.escaped.join(", ")));
        }
        let _late = tokio::time::timeout(DRAIN, reading).await;
        match status {
            Ok(status) => cause_of(status, &stop),
            Err(why) => Cause::SupervisorGone { why: format!("the script cannot be waited for: {why}") },
        }
    }

    fn spawn(&self) -> Result<(Child, File), String> {
        let ticket = &self.order.ticket;
        let pipe = process::output_pipe().map_err(|why| format!("no pipe for the output: {why}"))?;
        let reader = File::from(pipe.reader);
        process::never_block(&reader).map_err(|why| format!("the output cannot be read: {why}"))?;
        let (argv, working_dir) = (&ticket.argv, &ticket.working_dir);
        let spawn = Spawn { argv, working_dir, env: &self.order.env, output: pipe.script };
        let child = process::spawn(spawn);
        child.map(|child| (child, reader)).map_err(|error| process::explain_spawn(argv, working_dir, &error))
    }

    fn clocks(&self, stop: &mut Stop, started: Instant) {
        let mut log = self.log.borrow_mut();
        let (ticket, quiet) = (&self.order.ticket, log.last_output.elapsed());
        if let Some(limit) = ticket.timeout.filter(|limit| started.elapsed() >= *limit) {
            stop.time_out(Limit::Total, limit, &mut log);
        }
        if let Some(limit) = ticket.quiet_timeout.filter(|limit| quiet >= *limit) {
            stop.time_out(Limit::Quiet, limit, &mut log);
        }
    }

    /// Whether somebody wants the end. A store that cannot be read now is asked again.
    fn wish(&self) -> Option<CancelRequest> {
        let ticket = &self.order.ticket;
        wish(&self.desk.cx(), &ticket.release, ticket.number).ok().flatten()
    }

    /// What was made, with what of it could not be taken said in the log.
    fn ended(&self, cause: &Cause) -> Ended {
        let mut log = self.log.borrow_mut();
        let mut made = log.made.clone();
        let mut misread = log.misread.take();
        for (what, value, most) in [("artifact", &mut made.artifact, 500), ("commit", &mut made.commit, 100)]
        {
            match value.take().map(|text| free(what, &text, most)) {
                Some(Ok(text)) => *value = Some(text),
                Some(Err(why)) => misread = Some(why.to_string()),
                None => {}
            }
        }
        if let Some(why) = misread {
            log.say(&format!("what was made is not recorded: {why}"));
        }
        let what = if self.order.ticket.check.is_some() { "check" } else { "build" };
        log.say(&match cause {
            Cause::Completed => format!("the {what} passed"),
            cause => format!("the {what} did not pass: {cause}"),
        });
        let _on_disk = log.sync();
        let report = made.report.as_ref().filter(|_| self.order.ticket.check.is_some());
        let report = report.map(|file| read_report(&self.order.ticket.working_dir.join(file)));
        Ended { cause: cause.clone(), log_size: log.size(), log_digest: log.digest(), made, report }
    }

    /// Records the end, as long as it takes the store to be there.
    fn end(&self, cause: &Cause) {
        let ended = self.ended(cause);
        let ticket = &self.order.ticket;
        let since = Instant::now();
        loop {
            let written = finish(&self.desk.cx(), &ticket.release, ticket.number, &ended);
            let is_busy = |error: &OpError| {
                matches!(error.kind, ErrorKind::Busy | ErrorKind::Unusable | ErrorKind::Failure)
            };
            match written {
                Err(error) if is_busy(&error) && since.elapsed() < STORE_PATIENCE => {
                    clock::wait(Duration::from_secs(1));
                }
                Err(error) => {
                    let after = span(since.elapsed());
                    self.say(&format!(
                        "how it ended could not be recorded within {after}: {}",
                        error.sentence
                    ));
                    return;
                }
                Ok(_) => return,
            }
        }
    }
}

/// No report of a test runner is larger.
const MOST: u64 = 64 * 1024 * 1024;

/// What a test runner wrote, with its digest.
fn read_report(path: &Path) -> Result<(Report, Digest), String> {
    let mut bytes = Vec::new();
    let file = regular::open(path).map_err(|why| format!("{}: {why}", path.display()))?;
    file.take(MOST).read_to_end(&mut bytes).map_err(|why| format!("{}: {why}", path.display()))?;
    // What tests print may be any bytes; names and results are what is looked at.
    let text = String::from_utf8_lossy(&bytes);
    let report = junit::read([text.as_ref()]).map_err(|why| format!("{}: {why}", path.display()))?;
    Ok((report, Digest::of(&bytes)))
}
