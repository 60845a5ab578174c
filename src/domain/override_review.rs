//! What becomes of an override afterwards: somebody else looks at it and says whether it was right.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::deployment::Deployment;
use super::time::Timestamp;
use super::words::words;

/// For how long an override that was given may wait for its deployment to begin, where nothing else is said.
pub const TTL: Duration = Duration::from_secs(8 * 3600);
/// Within what time it is to be looked at, where nothing else is said.
pub const REVIEW: Duration = Duration::from_secs(24 * 3600);

/// Whether it was right to go past the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    Justified,
    Unjustified,
}

impl Finding {
    pub const ALL: [Self; 2] = [Self::Justified, Self::Unjustified];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
        }
    }
}
words!(Finding, "finding", Self::ALL);

/// What somebody else found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub finding: Finding,
    pub by: Person,
    pub at: Timestamp,
    pub note: String,
}

/// A deployment that went past gates, and what was found about that.
#[derive(Debug, Clone, Serialize)]
pub struct Bypass {
    pub deployment: Deployment,
    pub due: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

impl Bypass {
    pub fn new(deployment: Deployment, within: Duration, review: Option<Review>) -> Self {
        let used = deployment.claimed_at.unwrap_or(deployment.requested_at);
        Self { due: used.plus(within), deployment, review }
    }

    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.review.is_none() && self.due <= now
    }
}
