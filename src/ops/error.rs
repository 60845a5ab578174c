//! Why a verb did not do what was asked: a kind for programs, a sentence and hints for people.

use std::fmt;

use serde::Serialize;

use crate::domain::gate::{Answer, BlockReason, GateId, GateReport};
use crate::domain::ids::{BadName, EnvName, ServiceName};
use crate::domain::policy::{Policy, Service};
use crate::domain::release::Release;
use crate::domain::right::Denied;
use crate::domain::text::{BadText, did_you_mean};
use crate::domain::time::BadTime;
use crate::store::{Kind, StoreError};

/// What kind of no it is. `cli/exit.rs` gives each its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    Failure,
    Usage,
    NotFound,
    /// Changed under you, exists already, or another deployment is active.
    Conflict,
    Frozen,
    Unapproved,
    Unconfirmed,
    /// Another process holds the store.
    Busy,
    /// The store is not in a state to be used: its disk, its modes, its content.
    Unusable,
    /// The store belongs to a newer relman.
    Outdated,
    Blocked,
    NotPermitted,
    BadConfig,
}

/// The error of every verb.
#[derive(Debug, Clone, Serialize)]
pub struct OpError {
    pub kind: ErrorKind,
    pub sentence: String,
    /// What to do next: acts or commands that can be pasted.
    pub hints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<GateReport>>,
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
impl std::error::Error for OpError {}

impl OpError {
    pub fn new(kind: ErrorKind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), hints: Vec::new(), report: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, format!("there is no {what}"))
    }

    pub fn conflict(sentence: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, sentence)
    }

    /// Whether this is a decision of relman (on record in the journal) and not a mistake or a breakdown.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Conflict
                | ErrorKind::Frozen
                | ErrorKind::Unapproved
                | ErrorKind::Unconfirmed
                | ErrorKind::Blocked
                | ErrorKind::NotPermitted
        )
    }

    /// The refusal of a deployment by its gates. The first closed gate decides the kind.
    pub fn gates(report: GateReport) -> Self {
        let kind = report.closed().next().map_or(ErrorKind::Blocked, |check| match check.gate {
            GateId::Deployer => ErrorKind::NotPermitted,
            GateId::Freeze | GateId::Window => ErrorKind::Frozen,
            GateId::Approvals | GateId::FourEyes | GateId::Rules => ErrorKind::Unapproved,
            GateId::Exclusive => ErrorKind::Conflict,
            GateId::Stage
            | GateId::Order
            | GateId::Needs
            | GateId::Soak
            | GateId::Checks
            | GateId::Checklist
            | GateId::Change
            | GateId::Lock => ErrorKind::Blocked,
        });
        let mut sentence = report.headline();
        let mut hints = Vec::new();
        for check in report.closed() {
            match &check.answer {
                Answer::Blocked { reason } => {
                    sentence = format!("{sentence}; {}: {reason}", check.gate);
                    hints.push(reason.remedy(&report.release, &report.environment));
                }
                Answer::Unknown { why } => {
                    sentence = format!("{sentence}; {}: {why}", check.gate);
                    if check.gate == GateId::Change {
                        let reason = BlockReason::Unanswered { why: why.clone() };
                        hints.push(reason.remedy(&report.release, &report.environment));
                    }
                }
                _ => {}
            }
        }
        Self { kind, sentence, hints, report: Some(Box::new(report)) }
    }

    pub fn unknown_service(name: &ServiceName, policy: &Policy) -> Self {
        let error = Self::not_found(format!("service {name} in relman.toml"));
        let known: Vec<&str> = policy.services.keys().map(ServiceName::as_str).collect();
        match did_you_mean(name.as_str(), known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(format!("services: {}", known.join(", "))),
        }
    }

    pub fn unknown_environment(name: &EnvName, policy: &Policy) -> Self {
        let error = Self::not_found(format!("environment {name} in relman.toml"));
        let known: Vec<&str> = policy.environments.keys().map(EnvName::as_str).collect();
        match did_you_mean(name.as_str(), known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(format!("environments: {}", known.join(", "))),
        }
    }

    pub fn not_in_pipeline(service: &Service, env: &EnvName) -> Self {
        Self::not_found(format!("{env} in the pipeline of {}", service.name))
            .hint(format!("its pipeline: {}", service.pipeline.describe()))
    }
}

impl OpError {
    pub fn not_in_channel(service: &Service, release: &Release, env: &EnvName) -> Self {
        let channel = release.channel.as_deref().unwrap_or("no channel");
        Self::conflict(format!("{} is in the channel {channel}, which does not lead to {env}", release.id))
            .hint(format!("its way: {}", service.pipeline_of(release).describe()))
            .hint("a version of another channel may go there: relman release new")
    }
}

impl From<StoreError> for OpError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind {
            Kind::Busy => ErrorKind::Busy,
            Kind::TooNew => ErrorKind::Outdated,
            Kind::Sealed => ErrorKind::NotPermitted,
            Kind::Full | Kind::ReadOnly | Kind::Foreign | Kind::Corrupt | Kind::Disk => ErrorKind::Unusable,
            Kind::Conflict => ErrorKind::Conflict,
            Kind::Missing => ErrorKind::NotFound,
            Kind::Broken => ErrorKind::Failure,
        };
        let busy = error.kind == Kind::Busy;
        let result = Self::new(kind, error.sentence);
        if busy { result.hint("see who holds it with: relman doctor; then try again") } else { result }
    }
}
impl From<Denied> for OpError {
    fn from(denied: Denied) -> Self {
        Self::new(ErrorKind::NotPermitted, denied.sentence).hint(denied.remedy)
    }
}
impl From<BadName> for OpError {
    fn from(error: BadName) -> Self {
        Self::new(ErrorKind::Usage, error.0)
    }
}
impl From<BadText> for OpError {
    fn from(error: BadText) -> Self {
        Self::new(ErrorKind::Usage, error.to_string())
    }
}
impl From<crate::domain::recurrence::BadRule> for OpError {
    fn from(error: crate::domain::recurrence::BadRule) -> Self {
        Self::new(ErrorKind::Usage, error.to_string())
    }
}
impl From<BadTime> for OpError {
    fn from(error: BadTime) -> Self {
        Self::new(ErrorKind::Usage, error.to_string())
    }
}
