//! A release and its way through the seven stages.

pub mod build;
pub mod evidence;
pub mod plan;
pub mod preparation;
pub mod review;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::checklist::Verified;
use super::ids::ReleaseId;
use super::monitor::Watch;
use super::time::Timestamp;
use super::words::words;
pub use build::{Build, BuildRun, BuildState};
pub use evidence::{Check, Counts, Waiver};
pub use plan::Plan;
pub use preparation::{Preparation, Tick};
pub use review::{Feedback, Issue, Judged, Review};

/// The seven steps of release management, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Request,
    Plan,
    Build,
    Test,
    Prepare,
    Deploy,
    Review,
}

impl Stage {
    pub const ALL: [Self; 7] =
        [Self::Request, Self::Plan, Self::Build, Self::Test, Self::Prepare, Self::Deploy, Self::Review];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Plan => "plan",
            Self::Build => "build",
            Self::Test => "test",
            Self::Prepare => "prepare",
            Self::Deploy => "deploy",
            Self::Review => "review",
        }
    }

    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }

    pub fn previous(self) -> Option<Self> {
        (self as usize).checked_sub(1).map(|at| Self::ALL[at])
    }
}

words!(Stage, "stage", Self::ALL);

/// Where a release stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseState {
    Open,
    /// Left the review stage: done.
    Closed,
    /// The request was refused.
    Rejected,
    Cancelled,
}

impl ReleaseState {
    const ALL: [Self; 4] = [Self::Open, Self::Closed, Self::Rejected, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }
}
words!(ReleaseState, "release state", Self::ALL);

/// Which process a release follows; `hotfix` may skip the gates `[process.hotfix]` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseKind {
    #[default]
    Standard,
    Hotfix,
}

impl ReleaseKind {
    pub const ALL: [Self; 2] = [Self::Standard, Self::Hotfix];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Hotfix => "hotfix",
        }
    }
}
words!(ReleaseKind, "release kind", Self::ALL);

/// Where the wish for a release came from; an enum so that origins can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Feedback,
    Market,
    #[default]
    Internal,
    Incident,
    Other,
}

impl Origin {
    pub const ALL: [Self; 5] = [Self::Feedback, Self::Market, Self::Internal, Self::Incident, Self::Other];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Market => "market",
            Self::Internal => "internal",
            Self::Incident => "incident",
            Self::Other => "other",
        }
    }
}
words!(Origin, "origin", Self::ALL);

/// Three steps are what people can tell apart at 3 a.m.; used for risk and for priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Low,
    Medium,
    High,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
words!(Level, "level", Self::ALL);

/// What was asked for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub requester: Person,
    #[serde(default)]
    pub origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Level>,
}

/// Why a release may not progress (REL-7): set by a person or by a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub by: Person,
    pub at: Timestamp,
    pub reason: String,
}

/// A field that may be emptied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    Need,
    Objective,
    Priority,
    Owner,
    Target,
    Risk,
    RollbackPlan,
    Requires,
    Toggles,
    People,
    Communication,
    Reversal,
    Commit,
    Artifact,
    Digest,
    Changes,
    Impact,
    Outcome,
    Retrospective,
}

impl Field {
    pub const ALL: [Self; 19] = [
        Self::Need,
        Self::Objective,
        Self::Priority,
        Self::Owner,
        Self::Target,
        Self::Risk,
        Self::RollbackPlan,
        Self::Requires,
        Self::Toggles,
        Self::People,
        Self::Communication,
        Self::Reversal,
        Self::Commit,
        Self::Artifact,
        Self::Digest,
        Self::Changes,
        Self::Impact,
        Self::Outcome,
        Self::Retrospective,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Need => "need",
            Self::Objective => "objective",
            Self::Priority => "priority",
            Self::Owner => "owner",
            Self::Target => "target",
            Self::Risk => "risk",
            Self::RollbackPlan => "rollback-plan",
            Self::Requires => "requires",
            Self::Toggles => "toggles",
            Self::People => "people",
            Self::Communication => "communication",
            Self::Reversal => "reversal",
            Self::Commit => "commit",
            Self::Artifact => "artifact",
            Self::Digest => "digest",
            Self::Changes => "changes",
            Self::Impact => "impact",
            Self::Outcome => "outcome",
            Self::Retrospective => "retrospective",
        }
    }
}
words!(Field, "field", Self::ALL);

/// One release. The store keeps what queries need in columns and this record whole beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub id: ReleaseId,
    pub title: String,
    #[serde(default)]
    pub kind: ReleaseKind,
    /// The channel it was put in when it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What its service asks for beside everything else, by name: `ticket`, `region`. Scripts get it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    pub state: ReleaseState,
    pub stage: Stage,
    pub stage_since: Timestamp,
    /// The stage it was registered in: what lies before was skipped, and is shown so for ever.
    pub entered: Stage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Block>,
    /// Why it ended, when rejected or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Block>,
    pub request: Request,
    #[serde(default)]
    pub plan: Plan,
    #[serde(default)]
    pub build: Build,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, Check>,
    /// What the configuration wants stated, by its name: legal, data protection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statements: BTreeMap<String, String>,
    /// Checks that are let go without, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waivers: BTreeMap<String, Waiver>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ticks: BTreeMap<String, Tick>,
    /// What commands of the checklist said last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verified: BTreeMap<String, Verified>,
    #[serde(default, skip_serializing_if = "Preparation::is_empty")]
    pub preparation: Preparation,
    /// What is wrong with it; the number of each is its place, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Issue>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<Feedback>,
    /// What was said later of how its deployments went: the last word about each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judged: Vec<Judged>,
    /// What monitors came to, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitored: Vec<Watch>,
    #[serde(default)]
    pub review: Review,
    pub created_by: Person,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Rises by one with each change; an edit names the revision it was made on.
    pub revision: i64,
}

impl Release {
    /// Empties a field.
    pub fn clear(&mut self, field: Field) {
        match field {
            Field::Need => self.request.need = None,
            Field::Objective => self.request.objective = None,
            Field::Priority => self.request.priority = None,
            Field::Owner => self.plan.owner = None,
            Field::Target => self.plan.target = None,
            // Who said it is kept: emptied and said again it must not be lowered in one hand.
            Field::Risk => {
                self.plan.risk_before = self.plan.risk.or(self.plan.risk_before);
                (self.plan.risk, self.plan.assessment) = (None, None);
            }
            Field::RollbackPlan => self.plan.rollback = None,
            Field::Requires => self.plan.requires.clear(),
            Field::Toggles => self.plan.toggles.clear(),
            Field::People => self.plan.people.clear(),
            Field::Communication => self.plan.communication = None,
            Field::Reversal => self.plan.reversal = None,
            Field::Commit => self.build.commit = None,
            Field::Artifact => self.build.artifact = None,
            Field::Digest => self.build.digest = None,
            Field::Changes => self.build.changes.clear(),
            Field::Impact => self.preparation.impact = None,
            Field::Outcome => self.review.outcome = None,
            Field::Retrospective => self.review.retrospective = None,
        }
    }

    /// The risk it is treated with: what nobody has weighed is not taken for harmless.
    pub fn weighed_risk(&self) -> Level {
        self.plan.risk.unwrap_or(Level::High)
    }

    /// Issues that keep it from going on, with their numbers.
    pub fn blocking_issues(&self) -> impl Iterator<Item = (usize, &Issue)> {
        self.issues.iter().enumerate().filter(|(_, issue)| issue.blocks()).map(|(at, issue)| (at + 1, issue))
    }

    /// Who wished for it and who registered it: they do not approve it.
    pub fn authors(&self) -> [&Person; 2] {
        [&self.request.requester, &self.created_by]
    }

    pub fn is_open(&self) -> bool {
        self.state == ReleaseState::Open
    }

    /// The check of that name, if it was made on what this release now is.
    pub fn valid_check(&self, name: &str) -> Option<&Check> {
        self.checks.get(name).filter(|check| self.build.is(check.content.as_ref(), check.digest.as_ref()))
    }

    /// Moves back to `to` and voids the evidence of later stages: gathered for something that is being changed again it
    /// proves nothing. What was planned and built stays as it is recorded until it is changed.
    pub fn move_back(&mut self, to: Stage, now: Timestamp) {
        self.stage = to;
        self.stage_since = now;
        if to < Stage::Test {
            self.checks.clear();
            self.waivers.clear();
        }
        if to < Stage::Prepare {
            self.ticks.clear();
            self.preparation.votes.clear();
            self.preparation.backup = None;
            self.preparation.tasks.iter_mut().for_each(|task| task.done = None);
        }
        self.review = Review::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seven_stages_follow_each_other() {
        let mut stage = Stage::Request;
        let mut walked = vec![stage];
        while let Some(next) = stage.next() {
            assert_eq!(next.previous(), Some(stage));
            stage = next;
            walked.push(stage);
        }
        assert_eq!(walked, Stage::ALL);
        assert_eq!(Stage::Request.previous(), None);
    }

    #[test]
    fn words_read_back_and_strangers_are_told_the_choices() {
        for stage in Stage::ALL {
            assert_eq!(stage.to_string().parse(), Ok(stage));
        }
        let error = "deploi".parse::<Stage>().unwrap_err().to_string();
        assert!(error.contains("request, plan, build"), "{error}");
    }
}
