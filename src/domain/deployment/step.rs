//! One step of a deployment as it went; each attempt at it is one of these.

use serde::{Deserialize, Serialize};

use super::{Cause, Deployment, DeploymentState};
use crate::domain::strategy::StepPlan;
use crate::domain::time::Timestamp;
use crate::domain::words::words;

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
