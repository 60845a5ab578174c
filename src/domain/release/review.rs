//! What came of it: outcome, issues, feedback, what was learned (PST-4..7).

use serde::{Deserialize, Serialize};

use super::super::time::Timestamp;
use super::super::words::words;
use super::{Tick, plan::Verdict};
use crate::domain::actor::Person;
use crate::domain::ids::{DeploymentId, ReleaseId, RequestId};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Review {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrospective: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub went_well: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub could_be_better: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lessons: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<FollowUp>,
}

/// Something to be done because of what was learned; shown with later plans of its service until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Tick>,
}

/// What a person says later of how a deployment of it went (PST-8): it counts in the figures; the record of the deployment stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub deployment: DeploymentId,
    pub succeeded: bool,
    pub reason: String,
    pub by: Person,
    pub at: Timestamp,
}

/// How bad an issue is: 1 is an outage, 4 a blemish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Sev1,
    Sev2,
    Sev3,
    Sev4,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sev1 => "sev1",
            Self::Sev2 => "sev2",
            Self::Sev3 => "sev3",
            Self::Sev4 => "sev4",
        }
    }

    /// Whether one that is open keeps its release from going on.
    pub fn blocks(self) -> bool {
        self <= Self::Sev2
    }
}
words!(Severity, "severity", Self::ALL);

/// How far an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueState {
    Open,
    Fixed,
    /// Somebody has seen that it is gone.
    Verified,
}

impl IssueState {
    pub const ALL: [Self; 3] = [Self::Open, Self::Fixed, Self::Verified];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fixed => "fixed",
            Self::Verified => "verified",
        }
    }
}
words!(IssueState, "issue state", Self::ALL);

/// Something that is wrong with a release (PST-4). Its number is its place in the list, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    pub title: String,
    pub severity: Severity,
    pub state: IssueState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Minutes between the deployment there and when it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_after: Option<u64>,
    pub by: Person,
    pub at: Timestamp,
}

impl Issue {
    pub fn blocks(&self) -> bool {
        self.state == IssueState::Open && self.severity.blocks()
    }
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    User,
    Stakeholder,
    Internal,
}

impl Source {
    pub const ALL: [Self; 3] = [Self::User, Self::Stakeholder, Self::Internal];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Stakeholder => "stakeholder",
            Self::Internal => "internal",
        }
    }
}
words!(Source, "source", Self::ALL);

/// How it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sentiment {
    Good,
    Neutral,
    Bad,
}

impl Sentiment {
    pub const ALL: [Self; 3] = [Self::Good, Self::Neutral, Self::Bad];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Neutral => "neutral",
            Self::Bad => "bad",
        }
    }
}
words!(Sentiment, "sentiment", Self::ALL);

/// What somebody said about a release (PST-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub source: Source,
    /// The stage it is about.
    pub phase: super::Stage,
    pub sentiment: Sentiment,
    pub text: String,
    /// What was answered, or done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The release that takes it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ReleaseId>,
    /// The request that was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    pub by: Person,
    pub at: Timestamp,
}
