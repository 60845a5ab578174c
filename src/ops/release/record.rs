//! Puts on record what belongs to a release beside its plain fields: scope, milestones, measures, risk, preparation,
//! votes, issues, feedback, what was learned.

use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::release::plan::{ScopeState, Verdict};
use crate::domain::release::preparation::{Impact, Occasion, Word};
use crate::domain::release::review::{IssueState, Sentiment, Severity, Source};
use crate::domain::release::{Level, Release, ReleaseState, Stage};
use crate::domain::right::{Asks, Place, asked_by};
use crate::domain::risk::{self, Inputs};
use crate::domain::text::free;
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, OpError, wanted};
use crate::store::{Tx, deployments, journal};

use super::history;

/// One thing to put on record. Items of a list are named by their number, from 1, as every view shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    Scope(String),
    /// What the configuration wants stated.
    Stated {
        name: String,
        text: String,
    },
    ScopeIs {
        item: usize,
        state: ScopeState,
        why: Option<String>,
    },
    Milestone {
        name: String,
        due: Timestamp,
    },
    MilestoneDue {
        item: usize,
        due: Timestamp,
    },
    MilestoneReached(usize),
    MilestoneGone(usize),
    Metric {
        name: String,
        target: String,
    },
    MetricTarget {
        item: usize,
        target: String,
    },
    MetricGone(usize),
    /// What came of a measure; the verdict where its numbers do not say it.
    Measured {
        item: usize,
        value: String,
        verdict: Option<Verdict>,
    },
    /// Risk from what changes.
    Assessed(Inputs),
    /// Risk as a person says it.
    RiskIs {
        level: Level,
        why: Option<String>,
    },
    Waived {
        check: String,
        reason: String,
        expires: Timestamp,
    },
    Task {
        text: String,
        owner: Option<String>,
    },
    TaskDone(usize),
    Backup {
        taken: Timestamp,
        place: String,
        restored: Option<Timestamp>,
    },
    Training {
        audience: String,
        material: Option<String>,
    },
    TrainingDone(usize),
    Impact(Impact),
    Announced {
        occasion: Occasion,
        audience: String,
        channel: String,
        text: String,
    },
    Voted {
        word: Word,
        reason: Option<String>,
    },
    Issue {
        title: String,
        severity: Severity,
        owner: Option<String>,
        environment: Option<EnvName>,
    },
    IssueIs {
        item: usize,
        state: IssueState,
    },
    Feedback {
        source: Source,
        phase: Stage,
        sentiment: Sentiment,
        text: String,
    },
    Answered {
        item: usize,
        reply: Option<String>,
        next: Option<ReleaseId>,
    },
    WentWell(String),
    CouldBeBetter(String),
    Lesson(String),
    Action {
        text: String,
        owner: Option<String>,
        due: Option<Timestamp>,
    },
    ActionDone(usize),
    /// What is said later of how a deployment went.
    Judged {
        deployment: DeploymentId,
        succeeded: bool,
        reason: String,
    },
}

impl Record {
    /// Under which verb it stands in the journal.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Scope(_)
            | Self::Stated { .. }
            | Self::ScopeIs { .. }
            | Self::Milestone { .. }
            | Self::MilestoneDue { .. }
            | Self::MilestoneReached(_)
            | Self::MilestoneGone(_)
            | Self::Metric { .. }
            | Self::MetricTarget { .. }
            | Self::MetricGone(_) => Verb::PlanChanged,
            Self::Assessed(_) | Self::RiskIs { .. } => Verb::RiskAssessed,
            Self::Waived { .. } => Verb::CheckWaived,
            Self::Task { .. }
            | Self::TaskDone(_)
            | Self::Backup { .. }
            | Self::Training { .. }
            | Self::TrainingDone(_)
            | Self::Impact(_) => Verb::PreparationRecorded,
            Self::Announced { .. } => Verb::AnnouncementMade,
            Self::Voted { .. } => Verb::VoteCast,
            Self::Issue { .. } | Self::IssueIs { .. } => Verb::IssueRecorded,
            Self::Judged { .. } => Verb::DeploymentJudged,
            Self::Feedback { .. } | Self::Answered { .. } => Verb::FeedbackRecorded,
            Self::Measured { .. }
            | Self::WentWell(_)
            | Self::CouldBeBetter(_)
            | Self::Lesson(_)
            | Self::Action { .. }
            | Self::ActionDone(_) => Verb::ReviewRecorded,
        }
    }

    /// Why it was done, where that is said.
    fn reason(&self) -> Option<&str> {
        match self {
            Self::ScopeIs { why, .. } | Self::RiskIs { why, .. } => why.as_deref(),
            Self::Waived { reason, .. } | Self::Judged { reason, .. } => Some(reason),
            Self::Voted { reason, .. } => reason.as_deref(),
            _ => None,
        }
    }

    /// Whether it may be said of a release that is done: what comes of it shows later.
    fn outlives(&self) -> bool {
        matches!(
            self.verb(),
            Verb::IssueRecorded | Verb::FeedbackRecorded | Verb::ReviewRecorded | Verb::DeploymentJudged
        )
    }
}

/// What the record of deployments says about it.
#[derive(Default)]
pub(super) struct Known {
    pub fares: risk::Record,
    pub found_after: Option<u64>,
    pub deployment: Option<Deployment>,
}

/// Puts it on record.
pub fn record(cx: &Ctx<'_>, id: &ReleaseId, what: &Record) -> Result<Release, OpError> {
    let verb = what.verb();
    // Read before the transaction: the newest deployments are many rows, and one more or less changes no decision.
    let known = Known {
        fares: match what {
            Record::Assessed(_) => history::of(cx, &id.service)?,
            _ => risk::Record::default(),
        },
        found_after: match what {
            Record::Issue { environment: Some(env), .. } => history::minutes_since(cx, id, env),
            _ => None,
        },
        deployment: match what {
            Record::Judged { deployment, .. } => cx.store.read(|tx| deployments::find(tx, *deployment))?,
            _ => None,
        },
    };
    cx.act(verb, id, |tx| {
        if let Asks::Right(right) = asked_by(verb) {
            cx.may(right, Place::service(&id.service))?;
        }
        let before = changeable(tx, id, what)?;
        let mut release = before.clone();
        super::apply::apply(cx, &mut release, what, &known)?;
        let release = super::save(tx, cx, super::replanned(&before, release))?;
        let reason = what.reason().map(|text| free("reason", text, 2000)).transpose()?;
        journal::append(tx, cx.entry(verb, id).because(reason.as_deref()).before(&before).after(&release))?;
        if verb == Verb::PlanChanged {
            wanted::follow(tx, cx, Some(&before), &release)?;
        }
        Ok(release)
    })
}

fn changeable(tx: &Tx<'_>, id: &ReleaseId, what: &Record) -> Result<Release, OpError> {
    let release = super::known_release(tx, id)?;
    match release.state == ReleaseState::Closed && what.outlives() {
        true => Ok(release),
        false => super::open_release(tx, id),
    }
}
