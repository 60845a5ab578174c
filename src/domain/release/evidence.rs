//! What was tested, on what, with which result; and what was let pass without it (TST-1..5).

use serde::{Deserialize, Serialize};

use super::super::time::Timestamp;
use crate::domain::actor::Person;
use crate::domain::digest::Digest;

/// Evidence of one test kind for one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub passed: bool,
    /// Digest of the artifact the check was made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Digest of the whole content; evidence for another never counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
    /// The commit it was made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub by: Person,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Where the result comes from: a file name, a command, a person's word (nothing).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 of the report it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Digest>,
    /// The environment it was made in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Until when it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Check {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

/// What a test runner counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub tests: u32,
    pub failed: u32,
    #[serde(default)]
    pub skipped: u32,
    /// Passed only when they were run again.
    #[serde(default)]
    pub flaky: u32,
}

impl std::fmt::Display for Counts {
    /// `212 tests, 2 failed, 3 skipped`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tests = if self.tests == 1 { "test" } else { "tests" };
        write!(f, "{} {tests}", self.tests)?;
        for (count, word) in [(self.failed, "failed"), (self.skipped, "skipped"), (self.flaky, "flaky")] {
            if count > 0 {
                write!(f, ", {count} {word}")?;
            }
        }
        Ok(())
    }
}

/// A check that is let go without, on record (TST-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    pub by: Person,
    pub at: Timestamp,
    pub reason: String,
    pub expires: Timestamp,
    /// The content it was given for.
    pub content: Digest,
}

/// What a check is worth now, for what the release is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worth {
    Passed,
    /// Let go without, until then.
    Waived {
        by: String,
        until: Timestamp,
    },
    Failed,
    /// Made too long ago.
    Expired(Timestamp),
    /// Made on something else than there is now.
    Other,
    Missing,
}

impl Worth {
    pub fn opens(&self) -> bool {
        matches!(self, Self::Passed | Self::Waived { .. })
    }
}

impl super::Release {
    /// What the check of that name is worth now. A waiver is for the content it was given for, like the check itself.
    pub fn worth(&self, name: &str, now: Timestamp) -> Worth {
        let waiver = self.waivers.get(name);
        let waiver = waiver.filter(|waiver| waiver.expires > now && waiver.content == self.build.content());
        match (self.checks.get(name), self.valid_check(name)) {
            (_, Some(check)) if check.passed && !check.is_expired(now) => Worth::Passed,
            _ if waiver.is_some() => {
                waiver.map_or(Worth::Missing, |w| Worth::Waived { by: w.by.name.clone(), until: w.expires })
            }
            (None, _) => Worth::Missing,
            (Some(_), None) => Worth::Other,
            (Some(_), Some(check)) if !check.passed => Worth::Failed,
            (Some(_), Some(check)) => Worth::Expired(check.expires.unwrap_or(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_said_in_words() {
        let counts = Counts { tests: 212, failed: 2, skipped: 0, flaky: 1 };
        assert_eq!(counts.to_string(), "212 tests, 2 failed, 1 flaky");
        assert_eq!(Counts { tests: 1, ..Counts::default() }.to_string(), "1 test");
    }
}
