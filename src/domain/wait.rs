//! A deployment that does not begin at once: at a time, behind another one, or as soon as its gates open.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deployment::{DeploymentState, ProcessRef};
use super::gate::{Answer, GateReport};
use super::ids::{DeploymentId, TrainName};
use super::time::{Timestamp, Tz, near, wall};
use super::words::words;

/// Which of several deployments that wait for one environment goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueOrder {
    /// In the order in which they were asked for.
    #[default]
    OldestFirst,
    /// The newest that is ready; it takes the place of those before it.
    NewestFirst,
}

impl QueueOrder {
    pub const ALL: [Self; 2] = [Self::OldestFirst, Self::NewestFirst];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::OldestFirst => "oldest-first",
            Self::NewestFirst => "newest-first",
        }
    }

    /// Whether of two that are ready `this` goes before `that`.
    pub fn prefers(self, this: Rank, that: Rank) -> bool {
        match self {
            _ if this.jumps != that.jumps => this.jumps,
            Self::OldestFirst => this.id < that.id,
            Self::NewestFirst => this.id > that.id,
        }
    }
}
words!(QueueOrder, "queue order", Self::ALL);

/// What decides which of two that wait goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    pub id: DeploymentId,
    /// Whether it was put before those that do not (SCH-10).
    pub jumps: bool,
}

/// When a deployment may begin. Kept after it has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The time it was scheduled for; nothing: as soon as its gates are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// From then on it does not begin any more.
    pub expires: Timestamp,
    /// The zone in which the person thought.
    pub zone: Tz,
    /// Deployments it comes after: each must have succeeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<DeploymentId>,
    /// The release train that takes it along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TrainName>,
    /// Whether it goes there by itself (PIP-6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delivered: bool,
    /// Whether it goes before others that wait for the same environment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub jumps: bool,
    /// The chain it belongs to, where one that fails takes the unfinished others back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// What the gates will say at its time, as far as that was known when it was looked ahead last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<Outlook>,
    /// What it waits for besides the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// Names of the variables its scripts are to get that were set where it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// The process that began it: asked again because the answer got lost, it is told the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_by: Option<ProcessRef>,
}

/// A look ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    pub seen: Timestamp,
    /// The gates that would be closed, each as `gate: why`.
    pub closed: Vec<String>,
}

impl Wait {
    /// How long before its time a scheduled deployment's gates are looked at, so that people can still do something.
    pub const LOOK_AHEAD: Duration = Duration::from_secs(30 * 60);
    /// How long a deployment is given to begin where nobody says.
    pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(3600);
    /// The longest it may be given, and the furthest it may lie ahead.
    pub const LONGEST: Duration = Duration::from_secs(31 * 86_400);

    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// Whether its time has come.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.at.is_none_or(|at| now >= at)
    }

    /// Whether it should be looked ahead now.
    pub fn wants_outlook(&self, now: Timestamp) -> bool {
        let Some(from) = self.at.map(|at| at.minus(Self::LOOK_AHEAD)) else { return false };
        now >= from && self.outlook.as_ref().is_none_or(|outlook| outlook.seen < from)
    }

    /// What will be closed at its time, as far as was seen.
    pub fn ahead(&self) -> Option<String> {
        let outlook = self.outlook.as_ref()?;
        let seen = wall(outlook.seen, self.zone);
        Some(match outlook.closed.as_slice() {
            [] => format!("every gate will be open, as things stood {seen}"),
            closed => format!("CLOSED as things stood {seen}: {}", closed.join("; ")),
        })
    }

    /// In a few words, for a card: `begins 22:00`, `waits: exclusive`.
    pub fn brief(&self, state: DeploymentState, now: Timestamp) -> String {
        match (state, self.at) {
            (DeploymentState::Scheduled, Some(at)) => format!("begins {}", near(at, now, self.zone)),
            _ => match self.waits_for.first() {
                Some(first) => format!("waits for {first}"),
                None => "waits for its turn".to_owned(),
            },
        }
    }
}

/// `begins Fri 2026-09-04 22:00 CEST, at the latest 23:00`, or `begins when its gates are open, at the latest …`.
impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = wall(self.expires, self.zone);
        match self.at {
            Some(at) => {
                write!(
                    f,
                    "begins {}, at the latest {}",
                    wall(at, self.zone),
                    near(self.expires, at, self.zone)
                )
            }
            None => write!(f, "begins when its gates are open, at the latest {end}"),
        }?;
        if self.jumps {
            write!(f, ", before others that wait")?;
        }
        let after: Vec<String> = self.after.iter().map(ToString::to_string).collect();
        if after.is_empty() { Ok(()) } else { write!(f, ", after {}", after.join(" and ")) }
    }
}

/// The closed gates of a report, each as `gate: why`.
pub fn closed(report: &GateReport) -> Vec<String> {
    report
        .closed()
        .map(|check| match &check.answer {
            Answer::Blocked { reason } => format!("{}: {}", check.gate, reason.lasting()),
            Answer::Unknown { why } => format!("{}: {why}", check.gate),
            _ => check.gate.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_says_who_goes_first() {
        let rank = |id, jumps| Rank { id: DeploymentId(id), jumps };
        let (old, new) = (rank(3, false), rank(7, false));
        assert!(QueueOrder::OldestFirst.prefers(old, new));
        assert!(!QueueOrder::OldestFirst.prefers(new, old));
        assert!(QueueOrder::NewestFirst.prefers(new, old));
        assert!(!QueueOrder::NewestFirst.prefers(old, new));
        for order in QueueOrder::ALL {
            assert!(order.prefers(rank(5, true), old) && order.prefers(rank(5, true), new));
            assert!(!order.prefers(old, rank(5, true)));
        }
        assert!(QueueOrder::OldestFirst.prefers(rank(5, true), rank(6, true)));
    }

    #[test]
    fn the_end_does_not_belong_to_it() {
        let at = Timestamp::from_millis(1_000_000_000);
        let wait = Wait {
            at: Some(at),
            expires: at.plus(Duration::from_secs(60)),
            zone: Tz::UTC,
            after: Vec::new(),
            train: None,
            delivered: false,
            jumps: false,
            chain: None,
            outlook: None,
            waits_for: Vec::new(),
            variables: Vec::new(),
            begun_by: None,
        };
        assert!(!wait.is_due(at.minus(Duration::from_millis(1))) && wait.is_due(at));
        let end = at.plus(Duration::from_secs(60));
        assert!(!wait.is_expired(end.minus(Duration::from_millis(1))) && wait.is_expired(end));
        assert!(!wait.wants_outlook(at.minus(Wait::LOOK_AHEAD).minus(Duration::from_millis(1))));
        assert!(wait.wants_outlook(at.minus(Wait::LOOK_AHEAD)));
    }
}
