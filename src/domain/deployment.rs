//! One attempt to put a release into an environment: its states, its legal moves, its end.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::digest::Digest;
use super::hold::{FollowUp, Guidance, Hold};
use super::ids::{DeploymentId, EnvName, ReleaseId, Version};
use super::strategy::{Color, StepPlan};
use super::time::{Timestamp, span};
use super::words::words;

/// Where a deployment stands. The database checks the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentState {
    /// Waits for its time.
    Scheduled,
    /// Queued behind another deployment.
    Waiting,
    /// Recorded; its supervisor has not claimed it yet.
    Launching,
    Running,
    /// Between steps: a canary wait, or a person decides.
    Paused,
    Succeeded,
    Failed,
    Cancelled,
    /// A scheduled deployment whose expiry passed before it could start.
    Missed,
    /// A newer one took its place in the queue.
    Superseded,
    /// The supervisor is gone and left no outcome: nobody knows, so a person must say.
    Lost,
}

impl DeploymentState {
    pub const ALL: [Self; 11] = [
        Self::Scheduled,
        Self::Waiting,
        Self::Launching,
        Self::Running,
        Self::Paused,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Missed,
        Self::Superseded,
        Self::Lost,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Launching => "launching",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Missed => "missed",
            Self::Superseded => "superseded",
            Self::Lost => "lost",
        }
    }

    /// The one table of legal moves. What is not here cannot happen.
    ///
    /// ```text
    /// scheduled ─┬─> waiting ─┬─> launching ──> running <──> paused
    ///            │            │        │           │          │
    ///            │            │        │           ├──────────┴──> succeeded, failed, cancelled
    ///            │            │        │           │
    ///            │            │        └───────────┴─> lost ──(a person)──> succeeded, failed, cancelled
    ///            │            └─> superseded
    ///            └─> missed          failed and cancelled can be reached from everything that is not over
    /// ```
    pub fn may_become(self, next: Self) -> bool {
        use DeploymentState as S;
        let targets: &[S] = match self {
            S::Scheduled => &[S::Waiting, S::Launching, S::Cancelled, S::Missed, S::Failed],
            S::Waiting => &[S::Launching, S::Cancelled, S::Superseded, S::Missed, S::Failed],
            S::Launching => &[S::Running, S::Failed, S::Cancelled, S::Lost],
            S::Running => &[S::Paused, S::Succeeded, S::Failed, S::Cancelled, S::Lost],
            // The store may have last heard of a wait when the outcome arrives from the exit record.
            S::Paused => &[S::Running, S::Succeeded, S::Failed, S::Cancelled, S::Lost],
            S::Lost => &[S::Succeeded, S::Failed, S::Cancelled],
            S::Succeeded | S::Failed | S::Cancelled | S::Missed | S::Superseded => &[],
        };
        targets.contains(&next)
    }

    /// Whether it holds its environment: nothing else may start there.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Launching | Self::Running | Self::Paused | Self::Lost)
    }

    /// Whether its supervisor should be alive.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Launching | Self::Running | Self::Paused)
    }

    /// Whether nothing about it can change any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Missed | Self::Superseded)
    }

    /// Whether its script may have touched the environment (as opposed to never having started).
    pub fn has_touched(self) -> bool {
        matches!(
            self,
            Self::Running | Self::Paused | Self::Succeeded | Self::Failed | Self::Cancelled | Self::Lost
        )
    }
}
words!(DeploymentState, "deployment state", Self::ALL);

/// What a deployment means relative to what was live; computed, never typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentKind {
    Deploy,
    Redeploy,
    Rollback,
}

impl DeploymentKind {
    pub const ALL: [Self; 3] = [Self::Deploy, Self::Redeploy, Self::Rollback];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Redeploy => "redeploy",
            Self::Rollback => "rollback",
        }
    }

    /// The kind a deployment of `version` has when `live` is what runs now (RBK-2).
    pub fn of(version: &Version, live: Option<&Version>) -> Self {
        match live {
            Some(live) if live == version => Self::Redeploy,
            Some(live) if live.outranks(version) => Self::Rollback,
            _ => Self::Deploy,
        }
    }
}
words!(DeploymentKind, "deployment kind", Self::ALL);

/// Which clock ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    Total,
    Quiet,
}

/// Why a deployment or a step ended as it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    Completed,
    Exit {
        code: i32,
    },
    Signal {
        number: i32,
    },
    /// The script could not be run at all: missing, not executable, no such interpreter.
    CannotRun {
        why: String,
    },
    TimedOut {
        limit: Limit,
        after_ms: u64,
    },
    Cancelled {
        by: String,
    },
    /// No supervisor claimed it in time; the script cannot have run.
    NeverStarted {
        why: String,
    },
    /// A gate closed between the start and the claim.
    Refused {
        why: String,
    },
    /// The supervisor disappeared without an exit record.
    SupervisorGone {
        why: String,
    },
    /// A person ended it at a hold.
    Stopped {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A person said how a lost deployment ended.
    Resolved {
        by: String,
        reason: String,
    },
}

impl Cause {
    /// The same with its texts cut to so many cells.
    #[must_use]
    pub fn brief(self, cells: usize) -> Self {
        let cut = |text: String| super::text::fit(&text, cells);
        match self {
            Self::CannotRun { why } => Self::CannotRun { why: cut(why) },
            Self::NeverStarted { why } => Self::NeverStarted { why: cut(why) },
            Self::Refused { why } => Self::Refused { why: cut(why) },
            Self::SupervisorGone { why } => Self::SupervisorGone { why: cut(why) },
            Self::Resolved { by, reason } => Self::Resolved { by, reason: cut(reason) },
            Self::Stopped { by, reason } => Self::Stopped { by, reason: reason.map(cut) },
            other => other,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => write!(f, "every step succeeded"),
            Self::Exit { code } => write!(f, "the script ended with exit status {code}"),
            Self::Signal { number: 9 } => {
                write!(f, "the script was killed by signal 9 (KILL; possibly out of memory)")
            }
            Self::Signal { number } => write!(f, "the script was ended by signal {number}"),
            Self::TimedOut { limit: Limit::Total, after_ms } => {
                write!(f, "it ran longer than its timeout of {}", span(Duration::from_millis(*after_ms)))
            }
            Self::TimedOut { limit: Limit::Quiet, after_ms } => {
                write!(f, "it printed nothing for {} (quiet-timeout)", span(Duration::from_millis(*after_ms)))
            }
            Self::Cancelled { by } => write!(f, "cancelled by {by}"),
            Self::NeverStarted { why } => write!(f, "it never started: {why}"),
            Self::Refused { why } => write!(f, "turned down at the start: {why}"),
            Self::CannotRun { why } => write!(f, "{why}"),
            Self::Stopped { by, reason: Some(reason) } => write!(f, "stopped at a hold by {by}: {reason}"),
            Self::Stopped { by, reason: None } => write!(f, "stopped at a hold by {by}"),
            Self::SupervisorGone { why } => write!(f, "its supervisor is gone without an outcome: {why}"),
            Self::Resolved { by, reason } => write!(f, "settled by {by}: {reason}"),
        }
    }
}

/// What kind of end somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CancelKind {
    /// TERM, grace, KILL.
    Gentle,
    /// KILL at once: what a second cancel means.
    Kill,
}

/// A request to stop. Front ends write it; only the supervisor signals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    pub by: String,
    pub at: Timestamp,
    pub kind: CancelKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The script's main process: pid and kernel start time together name it even after the pid is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRef {
    pub pid: i32,
    /// Clock ticks after boot, from `/proc/PID/stat`.
    pub start: u64,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    Pending,
    /// Waits for its pause to pass.
    Waiting,
    Running,
    Succeeded,
    Failed,
    /// Not run because the deployment ended before.
    Skipped,
}

impl StepState {
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Waiting, Self::Running, Self::Succeeded, Self::Failed, Self::Skipped];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}
words!(StepState, "step state", Self::ALL);

impl StepState {
    /// Whether nothing more is done in it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }
}

/// One step of a deployment as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub index: usize,
    pub plan: StepPlan,
    pub state: StepState,
    pub attempt: u32,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Byte offsets of its output in the log.
    pub log_from: Option<u64>,
    pub log_to: Option<u64>,
    pub cause: Option<Cause>,
}

impl Step {
    pub fn planned(index: usize, plan: StepPlan) -> Self {
        Self {
            index,
            plan,
            state: StepState::Pending,
            attempt: 0,
            started_at: None,
            finished_at: None,
            log_from: None,
            log_to: None,
            cause: None,
        }
    }
}

impl Step {
    /// Which attempt it is, where it is not the first.
    pub fn again(&self) -> String {
        if self.attempt > 1 { format!(" attempt {}", self.attempt) } else { String::new() }
    }

    /// The same after its deployment has ended so, where nobody could record more of it.
    #[must_use]
    pub fn after(self, ended: &Deployment) -> Self {
        let state = match self.state {
            state if state.is_over() => state,
            _ if ended.state == DeploymentState::Succeeded => StepState::Succeeded,
            _ if ended.failed_step.as_ref() == Some(&self.plan.name) => StepState::Failed,
            _ => StepState::Skipped,
        };
        let finished_at = self.finished_at.or(self.started_at.and(ended.finished_at));
        Self { state, finished_at, ..self }
    }
}

/// After so long without a sign of life something is wrong.
const SILENT: Duration = Duration::from_secs(30);

/// One deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    pub id: DeploymentId,
    pub release: ReleaseId,
    pub environment: EnvName,
    pub kind: DeploymentKind,
    /// Asked for as a rollback: it passes what guards going on. (An older release that is deployed in the ordinary way is
    /// of kind rollback too, but passes nothing.)
    pub rescue: bool,
    pub state: DeploymentState,
    /// Rises with each attempt; every write of a supervisor names it, so that one that lost its claim and wakes
    /// up later changes nothing.
    pub epoch: i64,
    pub strategy: String,
    /// What was there when it started: what the newest attempt put there, whatever became of it.
    pub previous: Option<Version>,
    pub artifact_digest: Option<Digest>,
    /// Digest of commit, artifact name and artifact digest; see [`super::release::Build::content`].
    pub content: Option<Digest>,
    /// Digest of everything its approvals were about.
    pub subject: Digest,
    pub color: Option<Color>,
    pub reason: Option<String>,
    /// Gates opened on record for this deployment.
    pub overrides: Vec<String>,
    pub started_by: Person,
    pub requested_at: Timestamp,
    pub claimed_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub heartbeat_at: Option<Timestamp>,
    pub host: String,
    /// Boot of the machine it was started on: another one means the supervisor cannot be alive.
    pub boot: String,
    pub uid: u32,
    pub script: Option<ProcessRef>,
    pub progress: Option<u8>,
    pub progress_note: Option<String>,
    pub log_size: u64,
    pub log_digest: Option<Digest>,
    /// Bytes the disk had no room for.
    pub log_dropped: u64,
    pub cancel: Option<CancelRequest>,
    /// Why it waits between its steps, while it does.
    pub hold: Option<Hold>,
    /// What a person decided about that hold and its supervisor has not begun to do.
    pub guidance: Option<Guidance>,
    /// Whether a person had to help it on; its success counts as a failure in the figures (EXE-12).
    pub guided: bool,
    /// The rollback that follows its end.
    pub follow_up: Option<FollowUp>,
    pub cause: Option<Cause>,
    /// Name of the step in which it ended.
    pub failed_step: Option<String>,
    /// Processes the script left running.
    pub left_running: Vec<String>,
    /// Who recorded the outcome, when it was not the supervisor itself.
    pub recovered_by: Option<String>,
}

impl Deployment {
    /// How long it took, or has taken by `now`.
    pub fn duration(&self, now: Timestamp) -> Duration {
        let start = self.claimed_at.unwrap_or(self.requested_at);
        self.finished_at.unwrap_or(now).since(start)
    }

    /// The newer version it took the place of without being a rollback.
    pub fn takes_back(&self) -> Option<&Version> {
        let before = self.previous.as_ref().filter(|before| before.outranks(&self.release.version));
        before.filter(|_| !self.rescue)
    }

    /// For how long its supervisor has given no sign of life, once that is too long: signs come every five seconds.
    pub fn silence(&self, now: Timestamp) -> Option<Duration> {
        let last = self.heartbeat_at.or(self.claimed_at).filter(|_| self.state.is_live())?;
        Some(now.since(last)).filter(|quiet| *quiet >= SILENT)
    }

    /// Its state as people read it: one that a gate turned down before anything ran did not fail.
    pub fn state_word(&self) -> &'static str {
        match (self.state, &self.cause) {
            (DeploymentState::Failed, Some(Cause::Refused { .. })) => "refused",
            (state, _) => state.as_str(),
        }
    }

    /// What is missing of its output, if anything is.
    pub fn lost_output(&self) -> Option<String> {
        let bytes = self.log_dropped;
        (bytes > 0).then(|| format!("{bytes} bytes of output were lost: the disk was full"))
    }

    /// The same, ended so.
    #[must_use]
    pub fn ended(self, outcome: Outcome) -> Self {
        Self {
            state: outcome.state,
            cause: Some(outcome.cause),
            failed_step: outcome.failed_step,
            finished_at: Some(outcome.at),
            log_size: outcome.log_size,
            log_digest: Some(outcome.log_digest),
            log_dropped: outcome.log_dropped,
            left_running: outcome.left_running,
            hold: None,
            guidance: None,
            ..self
        }
    }

    /// Whether a person has asked for its end and it has not ended yet.
    pub fn is_cancelling(&self) -> bool {
        self.cancel.is_some() && self.state.is_live()
    }
}

/// A supervisor's sign of life, with what it knows by then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub log_size: u64,
    pub log_dropped: u64,
    pub progress: Option<u8>,
    pub progress_note: Option<String>,
    pub script: Option<ProcessRef>,
}

/// How a supervisor ended a deployment: kept in the exit record and in the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub state: DeploymentState,
    pub cause: Cause,
    pub failed_step: Option<String>,
    pub at: Timestamp,
    pub log_size: u64,
    pub log_digest: Digest,
    pub log_dropped: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_running: Vec<String>,
}

impl Outcome {
    /// The end of a deployment by something else than its steps, with its log as it is.
    pub fn without_steps(state: DeploymentState, cause: Cause, at: Timestamp, log: (u64, Digest)) -> Self {
        let (log_size, log_digest) = log;
        Self {
            state,
            cause,
            failed_step: None,
            at,
            log_size,
            log_digest,
            log_dropped: 0,
            left_running: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_over_stays_over_and_what_is_not_can_end() {
        for from in DeploymentState::ALL {
            let ways = DeploymentState::ALL.iter().filter(|to| from.may_become(**to)).count();
            assert_eq!(ways == 0, from.is_over(), "{from}");
            assert!(!from.may_become(from), "{from} may become itself");
        }
    }

    #[test]
    fn cancel_is_possible_from_every_state_that_is_not_over() {
        for from in DeploymentState::ALL.into_iter().filter(|state| !state.is_over()) {
            assert!(from.may_become(DeploymentState::Cancelled), "{from}");
        }
    }

    #[test]
    fn a_lost_deployment_holds_its_environment() {
        assert!(DeploymentState::Lost.is_active());
        assert!(!DeploymentState::Lost.is_live());
    }

    #[test]
    fn the_kind_is_computed_from_what_is_live() {
        let v = |text: &str| text.parse::<Version>().unwrap();
        assert_eq!(DeploymentKind::of(&v("1.0.0"), Some(&v("1.0.0"))), DeploymentKind::Redeploy);
        assert_eq!(DeploymentKind::of(&v("1.1.0"), Some(&v("1.0.0"))), DeploymentKind::Deploy);
        assert_eq!(DeploymentKind::of(&v("1.1.0"), None), DeploymentKind::Deploy);
        assert_eq!(DeploymentKind::of(&v("1.0.0"), Some(&v("1.1.0"))), DeploymentKind::Rollback);
    }

    proptest! {
        #[test]
        fn every_walk_ends_and_never_leaves_an_end(steps in prop::collection::vec(0usize..11, 0..30)) {
            let mut state = DeploymentState::Launching;
            for step in steps {
                let next = DeploymentState::ALL[step];
                if state.may_become(next) {
                    prop_assert!(!state.is_over());
                    state = next;
                }
            }
        }
    }
}
