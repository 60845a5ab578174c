//! Why a deployment or a step ended as it did, as data and as a sentence.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::ids::DeploymentId;
use crate::domain::text::fit;
use crate::domain::time::span;

/// Which clock ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    Total,
    Quiet,
    /// One step took too long; the others have nothing to do with it.
    Step,
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
    /// It had not begun when it expired.
    Missed {
        why: String,
    },
    /// A newer one began before it.
    Superseded {
        by: DeploymentId,
    },
    /// Who asked for it asked for that one in its place.
    Replaced {
        by: DeploymentId,
    },
    /// One it was to come after did not succeed.
    Unmet {
        first: DeploymentId,
        ended: String,
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
        let cut = |text: String| fit(&text, cells);
        match self {
            Self::CannotRun { why } => Self::CannotRun { why: cut(why) },
            Self::NeverStarted { why } => Self::NeverStarted { why: cut(why) },
            Self::Refused { why } => Self::Refused { why: cut(why) },
            Self::Missed { why } => Self::Missed { why: cut(why) },
            Self::SupervisorGone { why } => Self::SupervisorGone { why: cut(why) },
            Self::Resolved { by, reason } => Self::Resolved { by, reason: cut(reason) },
            Self::Stopped { by, reason } => Self::Stopped { by, reason: reason.map(cut) },
            other => other,
        }
    }
}

impl Cause {
    /// Whether a step ended so of itself: another attempt may end otherwise, and a person may know what to do.
    pub fn is_of_step(&self) -> bool {
        matches!(self, Self::Exit { .. } | Self::Signal { .. } | Self::TimedOut { limit: Limit::Step, .. })
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
            Self::TimedOut { limit: Limit::Step, after_ms } => {
                write!(
                    f,
                    "the step took longer than its {} (step-timeout)",
                    span(Duration::from_millis(*after_ms))
                )
            }
            Self::Cancelled { by } => write!(f, "cancelled by {by}"),
            Self::NeverStarted { why } => write!(f, "it never started: {why}"),
            Self::Refused { why } => write!(f, "turned down at the start: {why}"),
            Self::CannotRun { why } => write!(f, "{why}"),
            Self::Missed { why } => write!(f, "it expired before it could begin: {why}"),
            Self::Unmet { first, ended } => {
                write!(f, "{first}, which it comes after, did not succeed ({ended})")
            }
            Self::Superseded { by } => write!(f, "{by} began before it and took its place"),
            Self::Replaced { by } => write!(f, "who asked for it asked for {by} in its place"),
            Self::Stopped { by, reason: Some(reason) } => write!(f, "stopped at a hold by {by}: {reason}"),
            Self::Stopped { by, reason: None } => write!(f, "stopped at a hold by {by}"),
            Self::SupervisorGone { why } => write!(f, "its supervisor is gone without an outcome: {why}"),
            Self::Resolved { by, reason } => write!(f, "settled by {by}: {reason}"),
        }
    }
}
