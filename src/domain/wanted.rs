//! What people ask for before anybody knows which version brings it: the list that becomes releases (REL-9, PST-6).
//!
//! A request is in a release where an item of its scope names it; the request remembers which. What becomes of that release
//! becomes of the request: given up, it is open again; live, it is done.

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::ids::{ReleaseId, RequestId, ServiceName};
use super::release::{Level, Origin, Release, ReleaseState, Stage};
use super::time::Timestamp;
use super::words::words;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub id: RequestId,
    pub title: String,
    /// Whose it is, where that is known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    #[serde(default)]
    pub origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Level>,
    pub by: Person,
    pub at: Timestamp,
    /// What somebody said that led to it: the release it was said about, and its number there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<(ReleaseId, usize)>,
    /// The release it was taken into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<Declined>,
}

/// Why nothing comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    pub by: Person,
    pub at: Timestamp,
    pub reason: String,
    /// The one that asks for the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<RequestId>,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has taken it up.
    Open,
    /// In the scope of a release that is on its way.
    Planned,
    /// Live in the last environment.
    Done,
    Declined,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Open, Self::Planned, Self::Done, Self::Declined];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Declined => "declined",
        }
    }
}
words!(State, "state of a request", Self::ALL);

impl Wanted {
    /// `release`: the one it was taken into, as it is now.
    pub fn state(&self, release: Option<&Release>) -> State {
        if self.declined.is_some() {
            return State::Declined;
        }
        match release {
            None => State::Open,
            Some(release) if matches!(release.state, ReleaseState::Cancelled | ReleaseState::Rejected) => {
                State::Open
            }
            Some(release) if release.state == ReleaseState::Closed || release.stage == Stage::Review => {
                State::Done
            }
            Some(_) => State::Planned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_words() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>(), Ok(state));
        }
    }
}
