//! One attempt to put a release into an environment: its states, its legal moves, its end.

mod cause;
mod step;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::cause::{Cause, Limit};
pub use self::step::{Step, StepState};
use crate::domain::actor::Person;
use crate::domain::digest::Digest;
use crate::domain::hold::{FollowUp, Guidance, Hold, OnFailure, Taken};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, Version};
use crate::domain::strategy::Color;
use crate::domain::text::one_line;
use crate::domain::time::{Timestamp, wall};
use crate::domain::toggle::Flip;
use crate::domain::wait::{Rank, Wait};
use crate::domain::witness::Eyes;
use crate::domain::words::words;

/// Where a deployment stands. The database checks the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentState {
    /// Waits for its time.
    Scheduled,
    /// Begins as soon as its gates are open: queued behind another one, or its time has come and something is closed.
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
    /// A newer one took its place before it began.
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
    /// scheduled <─> waiting      launching
    ///     │            │             │
    ///     ├────────────┴──(claimed)──┴──> running <──> paused
    ///     │                          │       │           │
    ///     │                          │       ├───────────┴──> succeeded, failed, cancelled
    ///     │                          └───────┴─> lost ──(a person)──> succeeded, failed, cancelled
    ///     └─> superseded, missed
    ///         failed and cancelled can be reached from everything that is not over
    /// ```
    pub fn may_become(self, next: Self) -> bool {
        use DeploymentState as S;
        let targets: &[S] = match self {
            S::Scheduled => &[S::Waiting, S::Running, S::Cancelled, S::Superseded, S::Missed, S::Failed],
            S::Waiting => &[S::Scheduled, S::Running, S::Cancelled, S::Superseded, S::Missed, S::Failed],
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

    /// Whether it has not begun: its time, its gates or its turn have not come.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Scheduled | Self::Waiting)
    }

    /// Whether its supervisor should be alive.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Launching | Self::Running | Self::Paused)
    }

    /// Whether nothing about it can change any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Missed | Self::Superseded)
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
    /// Who has said that they look after it while it waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// The second person who confirmed it live, or why none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Eyes>,
    /// Whether a person had to help it on; its success counts as a failure in the figures (EXE-12).
    pub guided: bool,
    /// The rollback that follows its end.
    pub follow_up: Option<FollowUp>,
    /// Whether it deploys nothing: it only tells what a deployment would do, or switches a toggle.
    pub noop: bool,
    /// The toggle it switches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toggle: Option<Flip>,
    /// What a failed step leads to, where who started it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Names of steps that were left out by who started it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What was answered to the service's questions; secret answers without their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Option<String>>,
    /// When it may begin, or might have, where it was not started directly.
    pub wait: Option<Wait>,
    pub cause: Option<Cause>,
    /// Name of the step in which it ended.
    pub failed_step: Option<String>,
    /// Processes the script left running.
    pub left_running: Vec<String>,
    /// Who recorded the outcome, when it was not the supervisor itself.
    pub recovered_by: Option<String>,
}

impl Deployment {
    /// What it is in a word or two: its kind, that it only plans, or that it switches a toggle.
    pub fn what(&self) -> String {
        match (&self.toggle, self.noop) {
            (Some(flip), _) => format!("toggle {flip}"),
            (None, true) => "plan".to_owned(),
            (None, false) => self.kind.to_string(),
        }
    }

    /// Whether a person asked for it, at once or later, and no train or delivery.
    pub fn is_by_hand(&self) -> bool {
        self.wait.as_ref().is_none_or(|wait| wait.train.is_none() && !wait.delivered)
    }

    /// What it does where, in a few words: `api@1.2.0 to staging`, `plan of api@1.2.0 for staging`, `new-search off in
    /// staging`.
    pub fn errand(&self) -> String {
        let (release, env) = (&self.release, &self.environment);
        match (&self.toggle, self.noop) {
            (Some(flip), _) => format!("{flip} in {env}"),
            (None, true) => format!("plan of {release} for {env}"),
            (None, false) => format!("{release} to {env}"),
        }
    }

    /// What decides whether it goes before another one that waits.
    pub fn rank(&self) -> Rank {
        Rank { id: self.id, jumps: self.wait.as_ref().is_some_and(|wait| wait.jumps) }
    }

    /// When it happened: what waited happened when it began, if it ever did.
    pub fn began_at(&self) -> Option<Timestamp> {
        if self.wait.is_some() { self.claimed_at } else { Some(self.requested_at) }
    }

    /// When it begins, or what it waits for.
    pub fn begins(&self) -> Option<String> {
        let wait = self.wait.as_ref().filter(|_| self.state.is_pending())?;
        Some(match (wait.at, wait.waits_for.is_empty()) {
            (Some(at), true) => format!("begins {}", wall(at, wait.zone)),
            (_, false) => format!("waits for {}", wait.waits_for.join("; ")),
            (None, true) => "waits for its turn".to_owned(),
        })
    }

    /// What was answered to the service's questions; secret answers are kept nowhere.
    pub fn answered(&self) -> Option<String> {
        let one = |(name, value): (&String, &Option<String>)| match value {
            Some(value) => format!("{name}={}", one_line(value)),
            None => format!("{name} (secret)"),
        };
        let all: Vec<String> = self.answers.iter().map(one).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

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

    /// The same, to begin later where `wait` says when.
    #[must_use]
    pub fn waiting(self, wait: Option<Wait>) -> Self {
        let state = match &wait {
            None => self.state,
            Some(wait) if wait.at.is_some() => DeploymentState::Scheduled,
            Some(_) => DeploymentState::Waiting,
        };
        Self { state, wait, ..self }
    }

    /// Who looks after it, where it still waits for what they took on.
    pub fn on_it(&self) -> Option<&Taken> {
        let waits = self.state == DeploymentState::Lost || self.hold.as_ref().is_some_and(Hold::needs_person);
        let hold = self.hold.as_ref().map(|hold| hold.number);
        self.taken.as_ref().filter(|taken| waits && taken.hold == hold)
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
