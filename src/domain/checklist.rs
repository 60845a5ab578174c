//! The checklist of the prepare stage: what a person ticks, what a command finds out, and how long either counts (PRE-1, ENV-7).

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::actor::Person;
use super::policy::Argv;
use super::release::Release;
use super::time::Timestamp;
use super::words::words;

/// One item as the configuration wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    /// What finds out whether it is so; without one a person says it.
    pub command: Option<Argv>,
    /// How long what was said counts.
    pub max_age: Option<Duration>,
}

impl Item {
    /// One that a person ticks, for good.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { name: name.into(), command: None, max_age: None }
    }

    /// What to type so that it is done.
    pub fn remedy(&self, release: &super::ids::ReleaseId) -> String {
        match self.command {
            Some(_) => format!("relman checklist verify {release} \"{}\"", self.name),
            None => format!("relman checklist tick {release} \"{}\"", self.name),
        }
    }
}

/// As a text where it is nothing else: so rules from before read the same.
impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (&self.command, self.max_age) {
            (None, None) => serializer.serialize_str(&self.name),
            (command, age) => {
                let age = age.map(|age| age.as_secs());
                serde_json::json!({ "item": self.name, "command": command, "max-age": age })
                    .serialize(serializer)
            }
        }
    }
}

/// What a command said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Yes,
    No,
    /// It ended with 75, could not be run, or took too long.
    Unsure,
}

impl Answer {
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::Unsure];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unsure => "unsure",
        }
    }

    /// By the exit status of the command.
    pub fn of(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::Yes,
            Some(1) => Self::No,
            _ => Self::Unsure,
        }
    }
}
words!(Answer, "answer of a command", Self::ALL);

/// The last time a command was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub answer: Answer,
    /// The last line of what it printed, or how it ended.
    pub said: String,
    pub by: Person,
    pub at: Timestamp,
}

/// How an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'a> {
    Open,
    /// Who, when, and until when it counts.
    Done {
        by: &'a Person,
        at: Timestamp,
        until: Option<Timestamp>,
    },
    /// It was done, too long ago.
    Stale {
        at: Timestamp,
    },
    /// The command says no, or cannot tell.
    Not {
        said: &'a str,
        at: Timestamp,
        unsure: bool,
    },
}

impl Standing<'_> {
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// The name with what is wrong with it.
    pub fn told(&self, name: &str) -> String {
        match self {
            Self::Open | Self::Done { .. } => name.to_owned(),
            Self::Stale { .. } => format!("{name} (too long ago)"),
            Self::Not { unsure: false, said, .. } => format!("{name} (no: {said})"),
            Self::Not { unsure: true, said, .. } => format!("{name} (cannot tell: {said})"),
        }
    }
}

/// How an item of the checklist stands for a release.
pub fn standing<'a>(item: &Item, release: &'a Release, now: Timestamp) -> Standing<'a> {
    let (by, at) = match item.command {
        None => match release.ticks.get(&item.name) {
            Some(tick) => (&tick.by, tick.at),
            None => return Standing::Open,
        },
        Some(_) => match release.verified.get(&item.name) {
            None => return Standing::Open,
            Some(one) if one.answer == Answer::Yes => (&one.by, one.at),
            Some(one) => {
                return Standing::Not { said: &one.said, at: one.at, unsure: one.answer == Answer::Unsure };
            }
        },
    };
    let until = item.max_age.map(|age| at.plus(age));
    match until {
        Some(until) if until <= now => Standing::Stale { at },
        until => Standing::Done { by, at, until },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_yes_no_and_everything_else_is_unsure() {
        let all = [Some(0), Some(1), Some(75), Some(2), None].map(Answer::of);
        assert_eq!(all, [Answer::Yes, Answer::No, Answer::Unsure, Answer::Unsure, Answer::Unsure]);
    }

    #[test]
    fn an_item_that_is_only_a_name_reads_as_before() {
        assert_eq!(serde_json::to_string(&Item::plain("Backup taken")).unwrap(), "\"Backup taken\"");
        let fresh = Item { max_age: Some(Duration::from_secs(60)), ..Item::plain("Backup taken") };
        assert!(serde_json::to_string(&fresh).unwrap().contains("\"max-age\":60"));
    }
}
