//! What was built, and the runs of the build script that made it.

use serde::{Deserialize, Serialize};

use crate::domain::actor::Person;
use crate::domain::deployment::{CancelRequest, Cause};
use crate::domain::digest::Digest;
use crate::domain::subject::canonical_json;
use crate::domain::time::Timestamp;
use crate::domain::words::words;

use super::{Check, Release, Stage};

/// The check by which a build is known: recorded by the build script's end, or by whoever builds elsewhere.
pub const CHECK: &str = "build";

/// The check by which a review of what is in it is known (S37): of the commit, whatever was made of it since.
pub const REVIEW: &str = "review";

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Build {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Why its version does not fit what changed, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfit: Option<String>,
    /// Every run of the build script and of the scripts of checks; the number of each is its place, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<BuildRun>,
}

impl Build {
    /// Names what is deployed: evidence and earlier deployments prove something only for the same content.
    pub fn content(&self) -> Digest {
        let parts = canonical_json(&(&self.commit, &self.artifact, &self.digest));
        Digest::of(format!("relman-content-v1\n{parts}").as_bytes())
    }

    /// Whether something recorded for this content (or, before contents were recorded, for this artifact) was about
    /// what is here now.
    pub fn is(&self, content: Option<&Digest>, artifact: Option<&Digest>) -> bool {
        match content {
            Some(content) => *content == self.content(),
            None => artifact == self.digest.as_ref(),
        }
    }

    /// The run that goes on, with its number. There is one at most.
    pub fn running(&self) -> Option<(usize, &BuildRun)> {
        self.numbered().find(|(_, run)| run.state == BuildState::Running)
    }

    /// The newest run of the build script, with its number.
    pub fn last(&self) -> Option<(usize, &BuildRun)> {
        self.numbered().filter(|(_, run)| run.check.is_none()).last()
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &BuildRun)> {
        self.runs.iter().enumerate().map(|(at, run)| (at + 1, run))
    }
}

/// How a run of the build script stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildState {
    Running,
    Passed,
    Failed,
    Cancelled,
    /// Its supervisor is gone without having said how it ended.
    Lost,
}

impl BuildState {
    pub const ALL: [Self; 5] = [Self::Running, Self::Passed, Self::Failed, Self::Cancelled, Self::Lost];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}
words!(BuildState, "build state", BuildState::ALL);

/// One run of the build script, or of the script of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRun {
    pub state: BuildState,
    /// The check it is of; nothing: it builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    pub by: Person,
    /// The machine it runs on, and which boot of it.
    pub host: String,
    pub boot: String,
    pub started: Timestamp,
    /// What was to be built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the release was when it began: a check is about that, whatever it becomes meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
    /// SHA-256 over the command line and the files it names, as they were.
    pub script: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<BuildEnd>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildEnd {
    pub at: Timestamp,
    pub cause: Cause,
    /// Bytes of its log, and their SHA-256: of what was there when it ended.
    pub log_size: u64,
    pub log_digest: Digest,
    #[serde(default)]
    pub made: Made,
}

/// What the script said it made: lines `::relman artifact NAME`, `::relman digest sha256:…`, `::relman commit …`, and of a
/// check `::relman report FILE`, what its test runner wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Made {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

impl BuildRun {
    /// `build 2`, `unit (run 3)`
    pub fn name(&self, number: usize) -> String {
        match &self.check {
            None => format!("build {number}"),
            Some(check) => format!("{check} (run {number})"),
        }
    }

    /// `build 2 failed after 12 s: the script ended with exit status 3`
    pub fn told(&self, number: usize) -> String {
        let name = self.name(number);
        match &self.ended {
            None => format!("{name} is running"),
            Some(end) => {
                let took = crate::domain::time::span(end.at.since(self.started));
                match self.state {
                    BuildState::Passed => format!("{name} passed after {took}"),
                    BuildState::Lost => format!("{name} is lost: {}", end.cause),
                    state => format!("{name} {state} after {took}: {}", end.cause),
                }
            }
        }
    }
}

impl Release {
    /// The review of what is in it, if it was of the commit it is built from now.
    pub fn valid_review(&self) -> Option<&Check> {
        let is_of_now = |check: &&Check| check.commit.is_some() && check.commit == self.build.commit;
        let known = self.checks.get(REVIEW);
        known.filter(is_of_now).or_else(|| self.valid_check(REVIEW))
    }

    /// Why nothing is built in the stage it is in; `None`: it may be.
    pub fn cannot_be_built(&self) -> Option<(String, String)> {
        let id = &self.id;
        match self.stage {
            Stage::Request | Stage::Plan => Some((
                format!(
                    "{id} is in the {} stage: it is built and tested from the build stage on",
                    self.stage
                ),
                format!("relman release advance {id}"),
            )),
            Stage::Build | Stage::Test | Stage::Prepare => None,
            Stage::Deploy | Stage::Review => Some((
                format!(
                    "{id} is in the {} stage: what is being deployed is neither built nor tested anew",
                    self.stage
                ),
                format!(
                    "to change it, move it back first: relman release back {id} --to build --reason \"…\""
                ),
            )),
        }
    }
}
