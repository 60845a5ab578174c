//! The journal: everything done and refused, each entry chained to the one before by its hash.
//!
//! # Canonical encoding
//!
//! An entry's hash is SHA-256 over the concatenation of these fields, each preceded by its length as a 32-bit
//! big-endian number:
//!
//! | field | bytes |
//! |---|---|
//! | tag | `relman-journal-v1` |
//! | previous hash | 32 bytes; zeros for the first entry |
//! | sequence | 64-bit big-endian, from 1 without gaps |
//! | time | 64-bit big-endian signed, milliseconds since 1970 UTC |
//! | actor | `uid:` and the real user id in decimal |
//! | verb | for example `deployment.started` |
//! | body | the stored text as it is: JSON with sorted keys, no spaces, integers only |
//!
//! The body holds everything else an entry says; it is hashed as stored and never re-serialised.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::actor::Actor;
use super::gate::GateReport;
use super::subject::canonical_json;
use super::time::Timestamp;
use super::words::words;

/// A SHA-256 of the chain from its 64 hexadecimal digits.
pub fn unhex(text: &str) -> Option<Hash> {
    let mut hash = GENESIS;
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(hash)
}

/// Declares the verbs once: each with its word.
macro_rules! verbs {
    ($($verb:ident => $word:literal,)+) => {
        /// Everything that can happen, in the past tense.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum Verb {
            $($verb,)+
        }

        impl Verb {
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$verb,)+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$verb => $word,)+
                }
            }
        }
    };
}

verbs! {
    StoreCreated => "store.created",
    StoreMigrated => "store.migrated",
    ConfigChanged => "config.changed",
    ConfigConfirmed => "config.confirmed",
    StoreRestored => "store.restored",
    HistoryAccepted => "history.accepted",
    RecordExported => "record.exported",
    ArchiveRemoved => "archive.removed",
    LogsRemoved => "logs.removed",
    ReleaseCreated => "release.created",
    ReleaseEdited => "release.edited",
    ReleaseAdvanced => "release.advanced",
    ReleaseMovedBack => "release.moved-back",
    ReleaseBlocked => "release.blocked",
    ReleaseUnblocked => "release.unblocked",
    ReleaseCancelled => "release.cancelled",
    ReleaseRejected => "release.rejected",
    RunStarted => "run.started",
    RunCancelRequested => "run.cancel-requested",
    RunEnded => "run.ended",
    CheckRecorded => "check.recorded",
    ChecklistTicked => "checklist.ticked",
    PlanChanged => "plan.changed",
    RiskAssessed => "risk.assessed",
    CheckWaived => "check.waived",
    PreparationRecorded => "preparation.recorded",
    AnnouncementMade => "announcement.made",
    VoteCast => "vote.cast",
    IssueRecorded => "issue.recorded",
    FeedbackRecorded => "feedback.recorded",
    RequestAdded => "request.added",
    RequestChanged => "request.changed",
    ReviewRecorded => "review.recorded",
    MilestoneLate => "milestone.late",
    DeploymentJudged => "deployment.judged",
    MonitorJudged => "monitor.judged",
    ReleaseUndone => "release.undone",
    RequestUndone => "request.undone",
    DriftObserved => "drift.observed",
    ApprovalGranted => "approval.granted",
    ApprovalRejected => "approval.rejected",
    ApprovalWithdrawn => "approval.withdrawn",
    ApprovalRequested => "approval.requested",
    ApprovalReminded => "approval.reminded",
    ApprovalEscalated => "approval.escalated",
    ApprovalTimedOut => "approval.timed-out",
    ApprovalAskedAnew => "approval.asked-anew",
    ApprovalExpired => "approval.expired",
    FreezeAdded => "freeze.added",
    FreezeChanged => "freeze.changed",
    FreezeRemoved => "freeze.removed",
    FreezeBegan => "freeze.began",
    FreezeEnded => "freeze.ended",
    LockSet => "lock.set",
    LockEdited => "lock.edited",
    LockLifted => "lock.lifted",
    TrainDeparted => "train.departed",
    TrainSkipped => "train.skipped",
    TrainHalted => "train.halted",
    TrainMissed => "train.missed",
    TrainResumed => "train.resumed",
    DeploymentStarted => "deployment.started",
    DeploymentScheduled => "deployment.scheduled",
    DeploymentRescheduled => "deployment.rescheduled",
    DeploymentWaits => "deployment.waits",
    DeploymentLookedAhead => "deployment.looked-ahead",
    DeploymentClaimed => "deployment.claimed",
    DeploymentPaused => "deployment.paused",
    DeploymentResumed => "deployment.resumed",
    DeploymentGuided => "deployment.guided",
    DeploymentTaken => "deployment.taken",
    WitnessAsked => "witness.asked",
    WitnessGave => "witness.gave",
    DeploymentFinished => "deployment.finished",
    DeploymentLost => "deployment.lost",
    CancelRequested => "deployment.cancel-requested",
    DeploymentAbandoned => "deployment.abandoned",
    DeploymentResolved => "deployment.resolved",
    NoteAdded => "note.added",
    OverrideReviewed => "override.reviewed",
    QueueBlocked => "queue.blocked",
    ChangeOpened => "change.opened",
    ChangeAssigned => "change.assigned",
    DeliveryRetried => "delivery.retried",
}
words!(Verb, "journal verb", Self::ALL);

impl From<Verb> for &'static str {
    fn from(verb: Verb) -> Self {
        verb.as_str()
    }
}
impl TryFrom<String> for Verb {
    type Error = super::ids::BadName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Whether the act happened or was refused; refusals are on record too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    Done,
    Refused,
}

impl Done {
    const ALL: [Self; 2] = [Self::Done, Self::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}
words!(Done, "result", Self::ALL);

/// What an entry says besides who, when and which verb.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// What it is about: `storefront@1.4.2`, `#142`, `F3`.
    pub subject: String,
    pub result: Done,
    pub actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The changed record before and after; the past is rebuilt from these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// What else belongs to the act: the gate report of a deployment, the digest an approval is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Body {
    /// What the gates said, where the act was about a deployment.
    pub fn report(&self) -> Option<GateReport> {
        serde_json::from_value(self.detail.clone()?).ok()
    }

    /// The environment the act was about, where the record it changed names one.
    pub fn environment(&self) -> Option<&str> {
        let records = [&self.after, &self.before, &self.detail];
        records.into_iter().flatten().find_map(|record| {
            let about = record.get("subject").and_then(|subject| subject.get("environment"));
            about.or_else(|| record.get("environment"))?.as_str()
        })
    }
}

/// An entry before it has its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    pub at: Timestamp,
    pub verb: Verb,
    pub body: Body,
}

impl NewEntry {
    pub fn new(at: Timestamp, actor: &Actor, verb: Verb, subject: impl ToString) -> Self {
        let body = Body {
            subject: subject.to_string(),
            result: Done::Done,
            actor: actor.clone(),
            reason: None,
            before: None,
            after: None,
            detail: None,
        };
        Self { at, verb, body }
    }

    #[must_use]
    pub fn refused(mut self, reason: impl Into<String>) -> Self {
        self.body.result = Done::Refused;
        self.body.reason = Some(reason.into());
        self
    }

    #[must_use]
    pub fn because(mut self, reason: Option<&str>) -> Self {
        self.body.reason = reason.map(str::to_owned);
        self
    }

    #[must_use]
    pub fn before(mut self, record: &impl Serialize) -> Self {
        self.body.before = serde_json::to_value(record).ok();
        self
    }

    #[must_use]
    pub fn after(mut self, record: &impl Serialize) -> Self {
        self.body.after = serde_json::to_value(record).ok();
        self
    }

    #[must_use]
    pub fn detail(mut self, detail: &impl Serialize) -> Self {
        self.body.detail = serde_json::to_value(detail).ok();
        self
    }

    /// Puts the entry at the end of the chain.
    pub fn seal(self, seq: i64, previous: Hash) -> Entry {
        let text = canonical_json(&self.body);
        let actor = format!("uid:{}", self.body.actor.person.uid);
        let hash = hash(previous, seq, self.at, &actor, self.verb.as_str(), &text);
        Entry { seq, at: self.at, actor, verb: self.verb.as_str().to_owned(), body: text, previous, hash }
    }
}

/// A SHA-256 in the chain.
pub type Hash = [u8; 32];

/// The hash before the first entry.
pub const GENESIS: Hash = [0; 32];

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    pub at: Timestamp,
    /// `uid:1001`
    pub actor: String,
    pub verb: String,
    pub body: String,
    pub previous: Hash,
    pub hash: Hash,
}

impl Entry {
    pub fn parsed(&self) -> Option<Body> {
        serde_json::from_str(&self.body).ok()
    }
}

/// SHA-256 over the canonical encoding; see the module's table.
pub fn hash(previous: Hash, seq: i64, at: Timestamp, actor: &str, verb: &str, body: &str) -> Hash {
    let mut sha = Sha256::new();
    let (seq, at) = (seq.to_be_bytes(), at.millis().to_be_bytes());
    for field in
        [&b"relman-journal-v1"[..], &previous, &seq, &at, actor.as_bytes(), verb.as_bytes(), body.as_bytes()]
    {
        sha.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        sha.update(field);
    }
    sha.finalize().into()
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("entry {seq} follows entry {after}: entries between them are missing")]
    Gap { seq: i64, after: i64 },
    #[error("entry {seq} does not continue the entry before it: one of the two was replaced")]
    Unlinked { seq: i64 },
    #[error("entry {seq} was changed after it was written: its hash does not match its content")]
    Changed { seq: i64 },
}

/// Checks that `entry` is the right continuation of (`seq`, `hash`).
pub fn check_link(after: (i64, Hash), entry: &Entry) -> Result<(), ChainError> {
    if entry.seq != after.0 + 1 {
        return Err(ChainError::Gap { seq: entry.seq, after: after.0 });
    }
    if entry.previous != after.1 {
        return Err(ChainError::Unlinked { seq: entry.seq });
    }
    let own = hash(entry.previous, entry.seq, entry.at, &entry.actor, &entry.verb, &entry.body);
    if own != entry.hash {
        return Err(ChainError::Changed { seq: entry.seq });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::digest::hex;
    use super::*;

    /// Computed independently (a Python script over the table above); both entries of a two-entry chain.
    #[test]
    fn the_encoding_matches_the_published_vector() {
        let at = Timestamp::from_millis;
        let body = r#"{"release":"api","version":"1.4.2"}"#;
        let first = hash(GENESIS, 1, at(1_764_000_000_000), "uid:1001", "release.create", body);
        assert_eq!(hex(&first), "e40334d25f067a60fc29c5c474396bbcb76e47834d7c76c488f4edef659be7ca");
        let body = r#"{"digest":"00","env":"prod"}"#;
        let second = hash(first, 2, at(1_764_000_060_000), "uid:1002", "approval.grant", body);
        assert_eq!(hex(&second), "20acd7094128cd6046623b9c4dfce774e666b9a8ab95d0b16a883dc4550bbf93");
    }

    #[test]
    fn each_verb_has_its_own_word() {
        let words: std::collections::BTreeSet<&str> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
        assert_eq!(words.len(), Verb::ALL.len());
    }

    #[test]
    fn every_kind_of_tampering_is_named() {
        let actor: Actor = serde_json::from_str(r#"{"name":"ana","uid":1001,"via":"cli"}"#).unwrap();
        let new =
            |n: i64| NewEntry::new(Timestamp::from_millis(n), &actor, Verb::ReleaseCreated, "api@1.0.0");
        let first = new(1).seal(1, GENESIS);
        let second = new(2).seal(2, first.hash);
        assert_eq!(check_link((0, GENESIS), &first), Ok(()));
        assert_eq!(check_link((1, first.hash), &second), Ok(()));
        assert_eq!(check_link((0, GENESIS), &second), Err(ChainError::Gap { seq: 2, after: 0 }));
        let replaced = new(3).seal(1, GENESIS);
        assert_eq!(check_link((1, replaced.hash), &second), Err(ChainError::Unlinked { seq: 2 }));
        let edited = Entry { body: second.body.replace("ana", "bob"), ..second.clone() };
        assert_eq!(check_link((1, first.hash), &edited), Err(ChainError::Changed { seq: 2 }));
    }
}
