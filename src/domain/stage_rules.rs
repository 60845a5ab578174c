//! What the stages ask: the exit gates there are, and the rules of one stage.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::approval::ApprovalSubject;
use super::checklist::Item;
use super::policy::{Reminders, Rule};
use super::release::Stage;
use super::signature::SignPolicy;
use super::words::words;

/// What a stage asks before a release may leave it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageRules {
    /// Gates that block; the others are shown as gaps.
    pub require: BTreeSet<StageGate>,
    /// Approval policy of the stage: of the request, the sign-off in test, and that in review.
    pub approvals: Vec<Rule>,
    /// How long such an approval counts; nothing: until what it is about changes.
    pub approval_ttl: Option<Duration>,
    pub self_approval: bool,
    pub signing: SignPolicy,
    /// How a decision that stays open is brought to mind.
    pub reminders: Reminders,
    /// Names of the checks the test stage wants.
    pub checks: Vec<String>,
    /// Checks that are shown and may fail.
    pub allowed_failures: Vec<String>,
    /// How old a look at what an environment runs, and at what it mirrors, may be.
    pub mirror_max_age: Option<Duration>,
    /// How long the result of a check counts; nothing: as long as what it was made on.
    pub check_ttl: Option<Duration>,
    /// What must be stated before the plan stage is left: legal, data protection (AUD-6).
    pub statements: Vec<String>,
    /// Items of the prepare stage's checklist.
    pub checklist: Vec<Item>,
    /// Groups that are asked whether it shall go: each says go once, and nobody no-go.
    pub voters: Vec<String>,
    pub backup_max_age: Option<Duration>,
    /// How long before it goes to production it is announced.
    pub announce_before: Option<Duration>,
    /// How long it is live before it is done with.
    pub bake: Option<Duration>,
}

impl StageRules {
    pub(super) const NONE: Self = Self {
        require: BTreeSet::new(),
        approvals: Vec::new(),
        approval_ttl: None,
        self_approval: false,
        signing: SignPolicy::Off,
        reminders: Reminders { every: None, escalate_after: None, escalate_to: Vec::new(), timeout: None },
        checks: Vec::new(),
        allowed_failures: Vec::new(),
        mirror_max_age: None,
        check_ttl: None,
        statements: Vec::new(),
        checklist: Vec::new(),
        voters: Vec::new(),
        backup_max_age: None,
        announce_before: None,
        bake: None,
    };
}

/// One thing that should be recorded before a stage is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageGate {
    Described,
    Approved,
    Owner,
    TargetDate,
    Scope,
    Milestones,
    Metrics,
    Communication,
    /// What rules from outside want stated.
    Statements,
    Risk,
    RollbackPlan,
    /// The version fits what changed (SemVer).
    Version,
    Artifact,
    /// Somebody else has read what is in it.
    Reviewed,
    /// The build script, or whoever builds, said that it passed.
    Built,
    Checks,
    /// What is tested on is like what it mirrors.
    Mirror,
    /// Accepted by those who use it.
    SignOff,
    Checklist,
    Backup,
    Training,
    Impact,
    Announced,
    /// What was planned is what there is.
    Conformance,
    GoNoGo,
    Live,
    /// It has been live for long enough.
    Baked,
    /// What monitors said of it.
    Monitored,
    /// No severe issue is open.
    Issues,
    /// Every measure of success has a value.
    Measured,
    Outcome,
    Retrospective,
    Lessons,
    /// Accepted once it is live.
    ReviewSignOff,
}

impl StageGate {
    pub const ALL: [Self; 34] = [
        Self::Described,
        Self::Approved,
        Self::Owner,
        Self::TargetDate,
        Self::Scope,
        Self::Milestones,
        Self::Metrics,
        Self::Communication,
        Self::Statements,
        Self::Risk,
        Self::RollbackPlan,
        Self::Version,
        Self::Reviewed,
        Self::Artifact,
        Self::Built,
        Self::Checks,
        Self::Mirror,
        Self::SignOff,
        Self::Checklist,
        Self::Backup,
        Self::Training,
        Self::Impact,
        Self::Announced,
        Self::Conformance,
        Self::GoNoGo,
        Self::Live,
        Self::Baked,
        Self::Monitored,
        Self::Issues,
        Self::Measured,
        Self::Outcome,
        Self::Retrospective,
        Self::Lessons,
        Self::ReviewSignOff,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Described => "described",
            Self::Approved => "approved",
            Self::Owner => "owner",
            Self::TargetDate => "target-date",
            Self::Scope => "scope",
            Self::Milestones => "milestones",
            Self::Metrics => "metrics",
            Self::Communication => "communication",
            Self::Statements => "statements",
            Self::Risk => "risk",
            Self::RollbackPlan => "rollback-plan",
            Self::Version => "version",
            Self::Artifact => "artifact",
            Self::Reviewed => "reviewed",
            Self::Built => "built",
            Self::Checks => "checks",
            Self::Mirror => "mirror",
            Self::SignOff => "sign-off",
            Self::Checklist => "checklist",
            Self::Backup => "backup",
            Self::Training => "training",
            Self::Impact => "impact",
            Self::Announced => "announced",
            Self::Conformance => "conformance",
            Self::GoNoGo => "go-no-go",
            Self::Live => "live",
            Self::Baked => "baked",
            Self::Monitored => "monitored",
            Self::Issues => "issues",
            Self::Measured => "measured",
            Self::Outcome => "outcome",
            Self::Retrospective => "retrospective",
            Self::Lessons => "lessons",
            Self::ReviewSignOff => "review-sign-off",
        }
    }

    /// What people decide about where it is asked; nothing: it asks for a record.
    pub fn decision(self) -> Option<ApprovalSubject> {
        match self {
            Self::Approved => Some(ApprovalSubject::Request),
            Self::SignOff => Some(ApprovalSubject::SignOff),
            Self::ReviewSignOff => Some(ApprovalSubject::ReviewSignOff),
            _ => None,
        }
    }

    /// The stage whose exit this gate guards.
    pub fn stage(self) -> Stage {
        match self {
            Self::Described | Self::Approved => Stage::Request,
            Self::Owner
            | Self::TargetDate
            | Self::Scope
            | Self::Milestones
            | Self::Metrics
            | Self::Communication
            | Self::Statements
            | Self::Risk
            | Self::RollbackPlan => Stage::Plan,
            Self::Version | Self::Reviewed | Self::Artifact | Self::Built => Stage::Build,
            Self::Checks | Self::Mirror | Self::SignOff => Stage::Test,
            Self::Checklist
            | Self::Backup
            | Self::Training
            | Self::Impact
            | Self::Announced
            | Self::Conformance
            | Self::GoNoGo => Stage::Prepare,
            Self::Live => Stage::Deploy,
            Self::Baked
            | Self::Monitored
            | Self::Issues
            | Self::Measured
            | Self::Outcome
            | Self::Retrospective
            | Self::Lessons
            | Self::ReviewSignOff => Stage::Review,
        }
    }
}
words!(StageGate, "stage gate", Self::ALL);
