//! Stopping a script: TERM and CONT to its group, grace, KILL, and a sweep over what escaped.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::domain::deployment::{CancelKind, CancelRequest, Cause, Limit};
use crate::host::process;

use super::output::Log;

/// Why and how far a script is being stopped.
#[derive(Debug, Default)]
pub(super) struct Stop {
    asked: Option<(Cause, CancelKind)>,
    term_at: Option<Instant>,
    killed: bool,
}

impl Stop {
    /// The reason, once there is one.
    pub(super) fn cause(&self) -> Option<&Cause> {
        self.asked.as_ref().map(|(cause, _)| cause)
    }

    /// Whether a script was told to end: from then on whatever it says of itself, that is how it ended.
    pub(super) fn has_acted(&self) -> bool {
        self.term_at.is_some() || self.killed
    }

    /// Somebody wants the end. A person's wish outranks a timeout that came first; a second wish means KILL.
    pub(super) fn cancel(&mut self, request: &CancelRequest, log: &mut Log) {
        let by = request.by.clone();
        let is_news = !matches!(&self.asked, Some((Cause::Cancelled { .. }, kind)) if *kind == request.kind);
        if is_news {
            let how = if request.kind == CancelKind::Kill { " at once" } else { "" };
            let why = request.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            log.say(&format!("cancel requested{how} by {by}{why}"));
            self.asked = Some((Cause::Cancelled { by }, request.kind));
        }
    }

    /// A clock ran out.
    pub(super) fn time_out(&mut self, limit: Limit, after: Duration, log: &mut Log) {
        if self.asked.is_none() {
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            let cause = Cause::TimedOut { limit, after_ms };
            log.say(&format!("stopping the script: {cause}"));
            self.asked = Some((cause, CancelKind::Gentle));
        }
    }

    /// Sends what is due to the groups of the scripts. Called whenever something changed and a few times a second.
    pub(super) fn act(&mut self, groups: &[i32], grace: Duration, log: &mut Log) {
        let Some((_, kind)) = &self.asked else { return };
        let now = Instant::now();
        if self.term_at.is_none() && *kind == CancelKind::Gentle {
            self.term_at = Some(now);
            let grace = crate::domain::time::span(grace);
            for group in groups {
                // CONT wakes a stopped script, so that it can act on TERM (as systemd does).
                let reached = process::signal_group(*group, Signal::SIGTERM);
                process::signal_group(*group, Signal::SIGCONT);
                let what = if reached { "TERM sent" } else { "TERM could not be sent" };
                log.say(&format!("{what} to process group {group}; KILL follows in {grace}"));
            }
        }
        let is_due =
            *kind == CancelKind::Kill || self.term_at.is_some_and(|at| now.duration_since(at) >= grace);
        if is_due && !self.killed {
            self.killed = true;
            for group in groups {
                process::signal_group(*group, Signal::SIGKILL);
                log.say(&format!("KILL sent to process group {group}"));
            }
        }
    }
}

/// What a sweep did.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// Processes outside the script's group that were ended.
    pub escaped: Vec<String>,
    /// Processes that could not be ended (uninterruptible sleep).
    pub stuck: Vec<String>,
}

/// Ends every process that is left of the script: a grandchild that left its group (`setsid`, double fork) does
/// not survive a cancel.
pub(super) async fn sweep(spare: &[i32]) -> Swept {
    let name = |(process, name): (crate::domain::deployment::ProcessRef, String)| {
        format!("{} {}", process.pid, crate::domain::text::one_line(&name))
    };
    let escaped = process::descendants(spare).into_iter().map(name).collect();
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = process::kill_descendants(spare);
        if left.is_empty() || Instant::now() >= deadline {
            return Swept { escaped, stuck: left.into_iter().map(name).collect() };
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
