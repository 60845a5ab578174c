//! What is made ready before production: tasks, backup, training, announcements, votes (PRE-1..5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::time::Timestamp;
use super::super::words::words;
use crate::domain::actor::Person;

/// One ticked item of the preparation checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    pub by: Person,
    pub at: Timestamp,
}

/// What is recorded in the prepare stage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preparation {
    /// What this release needs beside the checklist of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trainings: Vec<Training>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub announcements: Vec<Announcement>,
    /// By the name of who voted: the last word of each counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub votes: BTreeMap<String, Vote>,
}

impl Preparation {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Something to do before this release goes to production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Tick>,
}

/// A copy to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    pub taken: Timestamp,
    /// Where it lies.
    pub place: String,
    /// When it was put back somewhere to see whether it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Timestamp>,
    pub by: Person,
}

/// Who must know how before it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    pub audience: String,
    /// Where what they learn from is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Tick>,
}

/// What users will notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// `none`, `2 minutes`.
    pub downtime: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affected: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workaround: Option<String>,
}

/// What is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    Planned,
    Starting,
    Done,
    RolledBack,
}

impl Occasion {
    pub const ALL: [Self; 4] = [Self::Planned, Self::Starting, Self::Done, Self::RolledBack];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Starting => "starting",
            Self::Done => "done",
            Self::RolledBack => "rolled-back",
        }
    }
}
words!(Occasion, "occasion", Self::ALL);

/// What stands in a template for something on record.
pub const PLACEHOLDERS: [&str; 9] = [
    "{service}",
    "{version}",
    "{title}",
    "{need}",
    "{when}",
    "{downtime}",
    "{affected}",
    "{workaround}",
    "{changes}",
];

/// Something people were told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    pub occasion: Occasion,
    /// Whom: `customers`, `support`.
    pub audience: String,
    /// How: `e-mail`, `#releases`.
    pub channel: String,
    pub text: String,
    pub by: Person,
    pub at: Timestamp,
}

/// What somebody says when asked whether it shall go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    Go,
    NoGo,
    Abstain,
}

impl Word {
    pub const ALL: [Self; 3] = [Self::Go, Self::NoGo, Self::Abstain];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::NoGo => "no-go",
            Self::Abstain => "abstain",
        }
    }
}
words!(Word, "vote", Self::ALL);

/// One vote in the go/no-go (PRE-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub word: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub by: Person,
    pub at: Timestamp,
    /// The content it was given for: another one is voted on anew.
    pub content: crate::domain::digest::Digest,
}
