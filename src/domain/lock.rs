//! Locks: ad hoc holds by a person, with a reason and, usually, an end.

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::freeze::Scope;
use super::ids::LockId;
use super::time::{Timestamp, Tz, wall};
use super::words::words;

/// What a lock stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// Everybody's deployments but those of whoever set it.
    Exclusive,
    /// Nothing; it is shown to whoever deploys.
    Warning,
    /// What begins by itself: schedules, queues, trains. A rollback leaves one behind (RBK-4).
    Automation,
}

impl LockKind {
    pub const ALL: [Self; 3] = [Self::Exclusive, Self::Warning, Self::Automation];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Warning => "warning",
            Self::Automation => "automation",
        }
    }
}
words!(LockKind, "lock kind", Self::ALL);

/// One lock that stands, or stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub id: LockId,
    pub kind: LockKind,
    pub scope: Scope,
    pub reason: String,
    pub by: Person,
    pub since: Timestamp,
    /// Nothing: until somebody lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Lock {
    /// The longest reason, in characters (FRZ-15).
    pub const REASON: usize = 4096;

    /// Whether what this person asked for has to wait for it; `automatic`: it would begin by itself.
    pub fn stops(&self, person: &Person, automatic: bool) -> bool {
        match self.kind {
            LockKind::Exclusive => self.by.human() != person.human(),
            LockKind::Automation => automatic,
            LockKind::Warning => false,
        }
    }

    /// Who did what, why and until when: what a refusal says.
    pub fn sentence(&self, zone: Tz) -> String {
        let what = if self.kind == LockKind::Automation { "stopped automation here" } else { "locked it" };
        let end = self.expires.map(|end| format!("; until {}", wall(end, zone))).unwrap_or_default();
        format!("{} {what} ({}): {}{end}", self.by.name, self.id, self.reason)
    }

    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| now >= end)
    }
}
