//! The life of a supervisor, in the order in which facts become durable.
//!
//! 1. directory, lock, exit record, log;
//! 2. the claim, committed before anything runs: an unclaimed deployment has run nothing;
//! 3. the report to the launcher, whose streams are left;
//! 4. the steps;
//! 5. the exit record, synced;
//! 6. the store;
//! 7. what is left of the output.

use std::cell::RefCell;
use std::fs::File;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::domain::deployment::{
    Beat, CancelKind, CancelRequest, Cause, DeploymentState, Limit, Outcome, ProcessRef,
};
use crate::domain::hold::Guidance;
use crate::domain::time::span;
use crate::host::launch::{Order, READY};
use crate::host::process;
use crate::host::state::{RunFiles, State};
use crate::host::{clock, exit_record, fault, lock};
use crate::ops::deployment::claim::{Claim, Pulse};

use super::link::Link;
use super::output::Log;
use super::scribe::{Task, Word};
use super::stop::Stop;
use super::waiting::Beginning;

/// Signs of life, and how often clocks and requests are looked at.
const BEAT_EVERY: Duration = Duration::from_secs(5);
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the store may take to hear that a deployment begins, and how it ended.
pub(super) const CLAIM_PATIENCE: Duration = Duration::from_secs(25);
const STORE_PATIENCE: Duration = Duration::from_secs(600);
/// How long output of processes that were left running is still saved.
const LINGER: Duration = Duration::from_secs(60);

pub(super) type SharedLog = Rc<RefCell<Log>>;

pub(super) struct Supervisor {
    pub(super) order: Order,
    pub(super) link: Link,
    pub(super) log: SharedLog,
    pub(super) stop: Stop,
    started: Instant,
    last_beat: Option<Instant>,
    told: Beat,
    /// The scripts that run, the one that runs longest first.
    pub(super) scripts: Vec<ProcessRef>,
    /// Where their output is read: the scribe holds the same.
    pub(super) held_open: Vec<i32>,
    pub(super) left_running: Vec<String>,
    /// Processes that steps which succeeded left running on purpose, such as a service they started.
    pub(super) spared: Vec<i32>,
    /// Somebody else has settled the deployment.
    pub(super) settled: bool,
    /// The last decision of a person that was heard of.
    pub(super) guidance: Option<Guidance>,
    /// Time that was spent waiting for people, and since when one is waited for: no clock runs meanwhile.
    pub(super) held: Duration,
    pub(super) holding: Option<Instant>,
    /// Output that somebody may still write.
    pub(super) lingering: Vec<JoinHandle<()>>,
    terminate: Signal,
    /// Signals that must not end a supervisor and must not be inherited as ignored by its scripts.
    _shrugged_off: Vec<Signal>,
}

/// Runs the order to its end.
pub(super) async fn supervise(order: Order) -> Result<(), String> {
    let id = order.ticket.id;
    let dir = order.store.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let state = State::check(&order.store, dir).map_err(|error| error.sentence)?;
    fault::point("before-directory");
    let files = state.make_files_of(id).map_err(|why| format!("cannot make the directory of {id}: {why}"))?;
    let held = lock::hold(&files.supervisor_lock())
        .map_err(|why| format!("cannot lock {id}: {why}"))?
        .ok_or_else(|| format!("{id} has a supervisor already"))?;
    let exit =
        exit_record::prepare(&files.exit()).map_err(|why| format!("no room for the exit record: {why}"))?;
    let log = Log::open(&files).map_err(|why| format!("cannot write the log of {id}: {why}"))?;
    let _reaper = nix::sys::prctl::set_child_subreaper(true);
    let catch = |kind| signal(kind).map_err(|why| format!("cannot catch signals: {why}"));
    let shrugged_off = [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::pipe(),
        SignalKind::alarm(),
    ];
    let mut shrugged_off: Vec<Signal> = shrugged_off.into_iter().map(catch).collect::<Result<_, _>>()?;
    // Whatever the launcher ignored (job control under `nohup` and the like) is caught, so that the script starts
    // with the default. Some signals cannot be caught; those cannot be ignored either.
    let ignored = process::ignored_signals().into_iter();
    shrugged_off.extend(ignored.filter_map(|number| signal(SignalKind::from_raw(number)).ok()));
    let mut supervisor = Supervisor {
        link: Link::start(&order),
        log: Rc::new(RefCell::new(log)),
        stop: Stop::default(),
        started: Instant::now(),
        last_beat: None,
        told: Beat::default(),
        scripts: Vec::new(),
        held_open: Vec::new(),
        left_running: Vec::new(),
        spared: Vec::new(),
        settled: false,
        guidance: None,
        held: Duration::ZERO,
        holding: None,
        lingering: Vec::new(),
        terminate: catch(SignalKind::terminate())?,
        _shrugged_off: shrugged_off,
        order,
    };
    if let Some(expires) = supervisor.order.ticket.waits {
        return match supervisor.wait_to_begin(expires).await {
            Ok(Beginning::Now) => supervisor.carry_through(&files, &exit, held).await,
            Ok(Beginning::Never) => {
                supervisor.say_goodbye().await;
                Ok(())
            }
            Err(why) => {
                supervisor.say_goodbye().await;
                Err(why)
            }
        };
    }
    fault::point("before-claim");
    let claimed = tokio::time::timeout(CLAIM_PATIENCE, supervisor.link.ask(Task::Claim)).await;
    match claimed.unwrap_or_else(|_| Word::Never("the store could not be reached in time".to_owned())) {
        Word::Claimed(Claim::Go) => {}
        // Settled by the claim itself; there is nothing left to do, and the launcher finds it in the store.
        Word::Claimed(Claim::Ended { why }) => {
            supervisor.say(&why);
            super::report(READY);
            supervisor.say_goodbye().await;
            return Ok(());
        }
        Word::Claimed(Claim::NotOurs { why }) | Word::Never(why) | Word::Later(why) => {
            supervisor.say_goodbye().await;
            return Err(why);
        }
        other => return Err(format!("the scribe answered {other:?} to the claim")),
    }
    fault::point("after-claim");
    super::report(READY);
    leave_streams();
    supervisor.carry_through(&files, &exit, held).await
}

/// The launcher's pipes are not ours to keep open.
pub(super) fn leave_streams() {
    let Ok(null) = File::options().read(true).write(true).open("/dev/null") else { return };
    let _stdin = nix::unistd::dup2_stdin(&null);
    let _stdout = nix::unistd::dup2_stdout(&null);
    let _stderr = nix::unistd::dup2_stderr(&null);
}

impl Supervisor {
    /// From the first step to the outcome, under the lock.
    async fn carry_through(&mut self, files: &RunFiles, exit: &File, held: lock::Held) -> Result<(), String> {
        let (cause, failed_step) = self.steps().await;
        self.finish(files, exit, cause, failed_step).await;
        drop(held);
        Ok(())
    }

    /// What is timed is timed from here.
    pub(super) fn begin_clocks(&mut self) {
        self.started = Instant::now();
        self.log.borrow_mut().last_output = Instant::now();
    }

    /// Waits that long, or until somebody tells this process to end. What comes from the store meanwhile is asked for
    /// again anyway.
    pub(super) async fn is_told_to_end(&mut self, at_most: Duration) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => true,
            _pulse = self.link.pulses.recv() => false,
            () = tokio::time::sleep(at_most) => false,
        }
    }

    pub(super) fn say(&self, text: &str) {
        self.log.borrow_mut().say(text);
    }

    pub(super) fn log_size(&self) -> u64 {
        self.log.borrow().size()
    }

    /// One round of everything that is not the script: requests, signals, clocks, signs of life.
    pub(super) async fn attend(&mut self, at_most: Duration) {
        tokio::select! {
            pulse = self.link.pulses.recv() => self.heed(pulse),
            _ = self.terminate.recv() => {
                let by = "system (TERM)".to_owned();
                let request = CancelRequest { by, at: clock::now(), kind: CancelKind::Gentle, reason: None };
                self.stop.cancel(&request, &mut self.log.borrow_mut());
            }
            () = tokio::time::sleep(at_most) => {}
        }
        self.clocks();
        self.beat(false);
    }

    pub(super) fn heed(&mut self, pulse: Option<Pulse>) {
        self.settled |= pulse.as_ref().is_some_and(|pulse| pulse.settled);
        if let Some(guidance) = pulse.as_ref().and_then(|pulse| pulse.guidance.clone()) {
            self.guidance = Some(guidance);
        }
        if let Some(cancel) = pulse.and_then(|pulse| pulse.cancel) {
            self.stop.cancel(&cancel, &mut self.log.borrow_mut());
        }
    }

    fn clocks(&mut self) {
        if self.holding.is_some() {
            return;
        }
        let mut log = self.log.borrow_mut();
        if let Some(timeout) = self
            .order
            .ticket
            .timeout
            .filter(|timeout| self.started.elapsed().saturating_sub(self.held) >= *timeout)
        {
            self.stop.time_out(Limit::Total, timeout, &mut log);
        }
        let quiet = log.last_output.elapsed();
        if let Some(timeout) = self.order.ticket.quiet_timeout.filter(|timeout| quiet >= *timeout)
            && !self.scripts.is_empty()
        {
            self.stop.time_out(Limit::Quiet, timeout, &mut log);
        }
    }

    pub(super) fn stop_if_asked(&mut self, groups: &[i32]) {
        self.stop.act(groups, self.order.ticket.grace, &mut self.log.borrow_mut());
    }

    /// A sign of life when it is due, or at once when there is something to tell.
    pub(super) fn beat(&mut self, now: bool) {
        let beat = {
            let log = self.log.borrow();
            Beat {
                log_size: log.size(),
                log_dropped: log.dropped(),
                progress: log.progress,
                progress_note: log.note.clone(),
                script: self.scripts.first().copied(),
            }
        };
        let since = self.last_beat.map_or(BEAT_EVERY, |last| last.elapsed());
        let is_news = beat.progress != self.told.progress || beat.progress_note != self.told.progress_note;
        let is_due = since >= BEAT_EVERY || (is_news && since >= Duration::from_millis(500));
        if now || (is_due && self.link.pending() == 0) {
            self.last_beat = Some(Instant::now());
            // Orphans of the script are handed to this process; uncollected they would fill the process table.
            let mut waited_for: Vec<i32> = self.scripts.iter().map(|script| script.pid).collect();
            waited_for.push(self.link.pid());
            process::reap(&waited_for);
            self.told = beat.clone();
            self.link.post(Task::Beat(beat));
        }
    }

    async fn finish(&mut self, files: &RunFiles, exit: &File, cause: Cause, failed_step: Option<String>) {
        let state = match &cause {
            Cause::Completed => DeploymentState::Succeeded,
            Cause::Cancelled { .. } => DeploymentState::Cancelled,
            _ => DeploymentState::Failed,
        };
        if state == DeploymentState::Succeeded && self.stop.cause().is_some() {
            self.say("the script had succeeded before it could be stopped");
        }
        let took = span(self.started.elapsed());
        self.say(&format!("{state} after {took}: {cause}"));
        let outcome = {
            let log = self.log.borrow();
            let _on_disk = log.sync();
            Outcome {
                state,
                cause,
                failed_step,
                at: clock::now(),
                log_size: log.size(),
                log_digest: log.digest(),
                log_dropped: log.dropped(),
                left_running: self.left_running.clone(),
            }
        };
        fault::point("before-exit-record");
        let (id, epoch) = (self.order.ticket.id, self.order.ticket.epoch);
        if let Err(why) = exit_record::write(exit, id, epoch, &outcome) {
            note(files, &format!("the exit record could not be written: {why}"));
        }
        fault::point("after-exit-record");
        // A store that stays out of reach is not waited for for ever: the exit record is there, and the next relman
        // takes the outcome from it.
        match tokio::time::timeout(STORE_PATIENCE, self.link.ask(Task::Finish(Box::new(outcome)))).await {
            Ok(Word::Never(why)) => note(files, &format!("the outcome could not be stored: {why}")),
            Err(_) => note(files, "the outcome could not be stored: the store stayed out of reach"),
            Ok(_) => {}
        }
        fault::point("after-finish");
        self.say_goodbye().await;
        let deadline = Instant::now() + LINGER;
        while self.lingering.iter().any(|reading| !reading.is_finished()) && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if self.lingering.iter().any(|reading| !reading.is_finished()) {
            self.say(
                "what was left running still has this log open; nobody reads on, and after 1 MiB more it will wait for \
                 ever: redirect the output of what a script leaves running",
            );
        }
    }

    /// Lets the scribe go: from here on there is nothing to save.
    async fn say_goodbye(&self) {
        let _late = tokio::time::timeout(Duration::from_secs(2), self.link.ask(Task::Bye)).await;
    }
}

/// A line in the supervisor's own log, for what has no other place.
fn note(files: &RunFiles, text: &str) {
    use std::io::Write as _;
    let line = format!("{} {text}\n", clock::now());
    let _last_resort =
        RunFiles::append(&files.supervisor_log()).and_then(|mut file| file.write_all(line.as_bytes()));
}
