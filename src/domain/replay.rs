//! What an entry changed: the records it wrote, as they were after it. The past is rebuilt from these, and the store is
//! compared with them.
//!
//! The journal says everything that is decided and how everything ended. It does not say what is no act: signs of life,
//! progress, how far a step has come, what exactly a queued deployment waits for. [`Deployment::as_recorded`] takes
//! these away, so that a record of the journal and a row of the store can be compared.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::approval::Approval;
use super::deployment::Deployment;
use super::freeze::{Freeze, FreezeOrigin};
use super::gate::GateReport;
use super::ids::{ApprovalId, DeploymentId, FreezeId, LockId, ReleaseId, RequestId, TrainName};
use super::journal::{Body, Verb};
use super::lock::Lock;
use super::note::Note;
use super::override_review::Review;
use super::release::Release;
use super::time::Timestamp;
use super::train::Departure;
use super::wanted::Wanted;

/// When something ended and by whom.
pub type Ended = Option<(Timestamp, String)>;

/// One record as it is after an act.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Release(Box<Release>),
    Approval(Box<Approval>),
    /// With what took it away, if something did.
    Freeze(Box<Freeze>, Ended),
    Lock(Lock, Ended),
    /// With what the gates said, where they were asked.
    Deployment(Box<Deployment>, Option<Box<GateReport>>),
    Departure(Departure),
    Resumption {
        train: TrainName,
        at: Timestamp,
        by: String,
        reason: String,
    },
    Note(Note),
    /// What somebody found about an override.
    Review(DeploymentId, Review),
    Request(Box<Wanted>),
}

/// Which record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Release(ReleaseId),
    Approval(ApprovalId),
    Freeze(FreezeId),
    Lock(LockId),
    Deployment(DeploymentId),
    Departure(TrainName, Timestamp),
    Resumption(TrainName, Timestamp),
    Note(DeploymentId, Timestamp, String),
    Review(DeploymentId),
    Request(RequestId),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Release(id) => write!(f, "release {id}"),
            Self::Approval(id) => write!(f, "approval {}", id.0),
            Self::Freeze(id) => write!(f, "freeze {id}"),
            Self::Lock(id) => write!(f, "lock {id}"),
            Self::Deployment(id) => write!(f, "deployment {id}"),
            Self::Departure(train, at) => write!(f, "departure of train {train} at {at}"),
            Self::Resumption(train, at) => write!(f, "resumption of train {train} at {at}"),
            Self::Note(id, at, _) => write!(f, "note on {id} at {at}"),
            Self::Review(id) => write!(f, "review of the override of {id}"),
            Self::Request(id) => write!(f, "request {id}"),
        }
    }
}

impl Change {
    pub fn key(&self) -> Key {
        match self {
            Self::Release(release) => Key::Release(release.id.clone()),
            Self::Approval(approval) => Key::Approval(approval.id),
            Self::Freeze(freeze, _) => Key::Freeze(match freeze.origin {
                FreezeOrigin::Store(id) => id,
                FreezeOrigin::Config => FreezeId(0),
            }),
            Self::Lock(lock, _) => Key::Lock(lock.id),
            Self::Deployment(d, _) => Key::Deployment(d.id),
            Self::Departure(departure) => Key::Departure(departure.train.clone(), departure.departs_at),
            Self::Resumption { train, at, .. } => Key::Resumption(train.clone(), *at),
            Self::Note(note) => Key::Note(note.deployment, note.at, note.text.clone()),
            Self::Review(id, _) => Key::Review(*id),
            Self::Request(request) => Key::Request(request.id),
        }
    }

    /// The record as a JSON object, for comparing: without what the journal does not say. `complete` is false where one
    /// of the two was read from an older relman's words.
    pub fn comparable(&self) -> Value {
        match self {
            Self::Release(release) => value(release),
            Self::Approval(approval) => value(approval),
            Self::Freeze(freeze, ended) => with(value(freeze), "removed", ended.is_some()),
            Self::Lock(lock, ended) => with(value(lock), "lifted", ended.is_some()),
            Self::Deployment(d, _) => value(&d.as_recorded()),
            Self::Departure(departure) => value(departure),
            Self::Resumption { train, at, by, reason } => {
                serde_json::json!({ "train": train, "at": at, "by": by, "reason": reason })
            }
            Self::Note(note) => value(note),
            Self::Review(_, review) => value(review),
            Self::Request(request) => value(request),
        }
    }
}

fn value(record: &impl Serialize) -> Value {
    serde_json::to_value(record).unwrap_or_default()
}

fn with(mut record: Value, key: &str, is: bool) -> Value {
    if let Some(fields) = record.as_object_mut() {
        fields.insert(key.to_owned(), is.into());
    }
    record
}

/// The names of the fields in which two records differ.
pub fn differences(a: &Value, b: &Value) -> Vec<String> {
    let (Some(left), Some(right)) = (a.as_object(), b.as_object()) else {
        return if a == b { Vec::new() } else { vec!["everything".to_owned()] };
    };
    let mut names: Vec<String> = left
        .keys()
        .chain(right.keys())
        .filter(|key| left.get(*key).unwrap_or(&Value::Null) != right.get(*key).unwrap_or(&Value::Null))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

impl Deployment {
    /// What the journal knows of it: without signs of life and progress, and without what it waits for in particular.
    #[must_use]
    pub fn as_recorded(&self) -> Self {
        let mut d = self.clone();
        if let Some(wait) = &mut d.wait {
            wait.waits_for = Vec::new();
            wait.outlook = None;
        }
        d.heartbeat_at = None;
        d.progress = None;
        d.progress_note = None;
        d.script = None;
        if !d.state.is_over() {
            (d.log_size, d.log_dropped) = (0, 0);
        }
        d
    }
}

fn record<T: DeserializeOwned>(value: Option<&Value>) -> Option<T> {
    serde_json::from_value(value?.clone()).ok()
}

/// The records an act wrote, in order. A refusal changes nothing, except where it ended something. `None`: the entry says
/// it changed something and this relman cannot read what; then an older or a newer one wrote it.
#[expect(clippy::too_many_lines, reason = "a line for each verb, so that a new one is not forgotten")]
pub fn changes(verb: Verb, at: Timestamp, body: &Body) -> Option<Vec<Change>> {
    let (before, after) = (body.before.as_ref(), body.after.as_ref());
    // Who removes or lifts something leaves what it was before.
    let wrote = match verb {
        Verb::FreezeRemoved | Verb::LockLifted => before,
        _ => after,
    };
    if wrote.is_none() && verb != Verb::TrainResumed {
        return Some(Vec::new());
    }
    let by = || Some((at, body.actor.name().to_owned()));
    let one = |change: Option<Change>| change.map(|change| vec![change]);
    match verb {
        Verb::StoreCreated
        | Verb::StoreMigrated
        | Verb::ConfigChanged
        | Verb::ConfigConfirmed
        | Verb::StoreRestored
        | Verb::HistoryAccepted
        | Verb::RecordExported
        | Verb::ArchiveRemoved
        | Verb::LogsRemoved
        // What the clock brought, and what another system said: no record of the past is made of it.
        | Verb::ApprovalRequested
        | Verb::ApprovalReminded
        | Verb::ApprovalEscalated
        | Verb::ApprovalTimedOut
        | Verb::ApprovalAskedAnew
        | Verb::ApprovalExpired
        | Verb::FreezeBegan
        | Verb::FreezeEnded
        | Verb::QueueBlocked
        | Verb::ChangeOpened
        | Verb::ChangeAssigned
        | Verb::DriftObserved
        | Verb::MilestoneLate
        | Verb::DeliveryRetried
        | Verb::WitnessAsked
        | Verb::WitnessGave => Some(Vec::new()),
        Verb::ReleaseCreated
        | Verb::ReleaseEdited
        | Verb::ReleaseAdvanced
        | Verb::ReleaseBlocked
        | Verb::ReleaseUnblocked
        | Verb::ReleaseCancelled
        | Verb::ReleaseRejected
        | Verb::MonitorJudged
        | Verb::ReleaseUndone
        | Verb::RunStarted
        | Verb::RunCancelRequested
        | Verb::RunEnded
        | Verb::CheckRecorded
        | Verb::ChecklistTicked
        | Verb::PlanChanged
        | Verb::RiskAssessed
        | Verb::CheckWaived
        | Verb::PreparationRecorded
        | Verb::AnnouncementMade
        | Verb::VoteCast
        | Verb::IssueRecorded
        | Verb::FeedbackRecorded
        | Verb::ReviewRecorded
        | Verb::DeploymentJudged => one(record(after).map(Change::Release)),
        Verb::RequestAdded | Verb::RequestChanged | Verb::RequestUndone => one(record(after).map(Change::Request)),
        Verb::ReleaseMovedBack => moved_back(at, body),
        Verb::ApprovalGranted | Verb::ApprovalRejected => {
            let replaced = record::<Box<Approval>>(before).map(Change::Approval);
            Some(replaced.into_iter().chain([Change::Approval(record(after)?)]).collect())
        }
        Verb::ApprovalWithdrawn => one(record(after).map(Change::Approval)),
        Verb::FreezeAdded | Verb::FreezeChanged => one(record(after).map(|freeze| Change::Freeze(freeze, None))),
        Verb::FreezeRemoved => one(record(before).map(|freeze| Change::Freeze(freeze, by()))),
        Verb::LockSet | Verb::LockEdited => one(record(after).map(|lock| Change::Lock(lock, None))),
        Verb::LockLifted => one(record(before).map(|lock| Change::Lock(lock, by()))),
        Verb::TrainDeparted | Verb::TrainSkipped | Verb::TrainHalted | Verb::TrainMissed => {
            one(record(after).map(Change::Departure))
        }
        Verb::TrainResumed => resumed(at, body),
        Verb::DeploymentStarted
        | Verb::DeploymentScheduled
        | Verb::DeploymentRescheduled
        | Verb::DeploymentWaits
        | Verb::DeploymentLookedAhead
        | Verb::DeploymentClaimed
        | Verb::DeploymentPaused
        | Verb::DeploymentResumed
        | Verb::DeploymentGuided
        | Verb::DeploymentTaken
        | Verb::DeploymentFinished
        | Verb::DeploymentLost
        | Verb::CancelRequested
        | Verb::DeploymentAbandoned
        | Verb::DeploymentResolved => {
            one(record(after).map(|d| Change::Deployment(d, body.report().map(Box::new))))
        }
        Verb::NoteAdded => one(record(after).map(Change::Note)),
        Verb::OverrideReviewed => {
            let id = body.subject.parse().ok()?;
            one(record(after).map(|review| Change::Review(id, review)))
        }
    }
}

/// The release, and its approvals that ended with the move.
fn moved_back(at: Timestamp, body: &Body) -> Option<Vec<Change>> {
    let release: Box<Release> = record(body.after.as_ref())?;
    let voided: Vec<Approval> = record(body.detail.as_ref()).unwrap_or_default();
    // Older relmans recorded them as they were before.
    let why = format!("the release was moved back to {}", release.stage);
    let ended = |approval: Approval| Approval {
        ended_at: approval.ended_at.or(Some(at)),
        ended_why: approval.ended_why.clone().or_else(|| Some(why.clone())),
        ..approval
    };
    let voided: Vec<Change> =
        voided.into_iter().map(|approval| Change::Approval(Box::new(ended(approval)))).collect();
    Some(std::iter::once(Change::Release(release)).chain(voided).collect())
}

fn resumed(at: Timestamp, body: &Body) -> Option<Vec<Change>> {
    if body.result != super::journal::Done::Done {
        return Some(Vec::new());
    }
    let train = body.subject.parse().ok()?;
    let (by, reason) = (body.actor.name().to_owned(), body.reason.clone().unwrap_or_default());
    Some(vec![Change::Resumption { train, at, by, reason }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::actor::{Actor, Person, Via};
    use crate::domain::journal::NewEntry;

    fn actor() -> Actor {
        let person = Person { name: "erin".to_owned(), uid: 7, login: None };
        Actor { person, via: Via::Cli, tty: None, client: None, key: None }
    }

    fn body(verb: Verb, subject: &str) -> Body {
        NewEntry::new(Timestamp::from_millis(0), &actor(), verb, subject).body
    }

    #[test]
    fn an_act_without_records_and_a_refusal_change_nothing() {
        for verb in Verb::ALL.into_iter().filter(|verb| *verb != Verb::TrainResumed) {
            assert_eq!(
                changes(verb, Timestamp::from_millis(0), &body(verb, "x")),
                Some(Vec::new()),
                "{verb}"
            );
        }
        let mut refused = body(Verb::TrainResumed, "weekly");
        refused.result = crate::domain::journal::Done::Refused;
        assert_eq!(changes(Verb::TrainResumed, Timestamp::from_millis(0), &refused), Some(Vec::new()));
    }

    #[test]
    fn a_record_nobody_can_read_is_said_to_be_unreadable() {
        let quiet = [
            Verb::StoreCreated,
            Verb::StoreMigrated,
            Verb::ConfigChanged,
            Verb::ConfigConfirmed,
            Verb::StoreRestored,
            Verb::HistoryAccepted,
            Verb::RecordExported,
            Verb::ArchiveRemoved,
            Verb::LogsRemoved,
            Verb::ApprovalRequested,
            Verb::ApprovalReminded,
            Verb::ApprovalEscalated,
            Verb::ApprovalTimedOut,
            Verb::ApprovalAskedAnew,
            Verb::ApprovalExpired,
            Verb::FreezeBegan,
            Verb::FreezeEnded,
            Verb::QueueBlocked,
            Verb::ChangeOpened,
            Verb::ChangeAssigned,
            Verb::DriftObserved,
            Verb::MilestoneLate,
            Verb::DeliveryRetried,
            Verb::WitnessAsked,
            Verb::WitnessGave,
        ];
        for verb in Verb::ALL.into_iter().filter(|verb| !quiet.contains(verb)) {
            let mut body = body(verb, "not a name!");
            body.before = Some(serde_json::json!({ "from": "the future" }));
            body.after.clone_from(&body.before);
            assert_eq!(changes(verb, Timestamp::from_millis(0), &body), None, "{verb}");
        }
    }

    #[test]
    fn differences_are_named_by_their_fields() {
        let (a, b) = (serde_json::json!({"a": 1, "b": 2}), serde_json::json!({"a": 1, "b": 3, "c": 4}));
        assert_eq!(differences(&a, &b), ["b", "c"]);
        assert!(differences(&a, &serde_json::json!({"a": 1, "b": 2, "z": null})).is_empty());
    }
}
