//! What an approval is about: everything that decides what a deployment will do, as one digest.
//!
//! When any part changes, an approval of the old digest is stale and the gate is pending again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::approval::ApprovalSubject;
use super::digest::Digest;
use super::extra_step::ExtraStep;
use super::hold::Retries;
use super::ids::{EnvName, ReleaseId};
use super::policy::{Argv, ScriptRole, Service};
use super::release::Release;
use super::strategy::{StepPlan, Strategy};
use super::toggle::Flip;

/// One script as it is on disk now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScriptFile {
    pub path: String,
    /// `None`: the file is missing or cannot be read. That is a fact too, and it changes the digest.
    pub digest: Option<Digest>,
}

/// The command lines of a service and the files they name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScriptSet {
    pub argv: Vec<(ScriptRole, Argv)>,
    /// The commands of its further steps and its toggles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commands: BTreeMap<String, Command>,
    /// The files the scripts name.
    pub files: Vec<ScriptFile>,
}

/// A command of its own and the files it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub argv: Argv,
    pub files: Vec<ScriptFile>,
}

impl ScriptSet {
    /// Every file that is named anywhere.
    pub fn all_files(&self) -> Vec<ScriptFile> {
        self.with_files_of(self.commands.values())
    }

    /// The files that must not change under a deployment with these steps.
    pub fn files_for(&self, steps: &[StepPlan]) -> Vec<ScriptFile> {
        let keys = steps.iter().filter_map(|step| step.command.as_ref());
        self.with_files_of(keys.filter_map(|key| self.commands.get(key)))
    }

    fn with_files_of<'a>(&'a self, commands: impl Iterator<Item = &'a Command>) -> Vec<ScriptFile> {
        let of_commands = commands.flat_map(|command| &command.files);
        let all: BTreeSet<ScriptFile> = self.files.iter().chain(of_commands).cloned().collect();
        all.into_iter().collect()
    }
}

/// The parts of the digest, kept with each approval so that "what changed since" can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploySubject {
    pub release: ReleaseId,
    pub environment: EnvName,
    pub commit: Option<String>,
    pub artifact: Option<String>,
    pub artifact_digest: Option<Digest>,
    pub strategy: Strategy,
    pub scripts: ScriptSet,
    pub working_dir: PathBuf,
    /// Names of the variables the scripts get from whoever starts it.
    pub variables: Vec<String>,
    /// The steps there beside those of the strategy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ExtraStep>,
    #[serde(default, skip_serializing_if = "Retries::is_none")]
    pub retries: Retries,
    /// What the scripts are told besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

impl DeploySubject {
    pub fn new(release: &Release, service: &Service, environment: &EnvName, mut scripts: ScriptSet) -> Self {
        let steps: Vec<ExtraStep> =
            service.steps.iter().filter(|step| step.belongs_to(environment)).cloned().collect();
        // Of the others nothing runs: what changes about them leaves what was approved as it is.
        let toggles = service.toggles.keys().filter(|name| release.plan.toggles.contains(name));
        let ways = toggles.flat_map(|name| [true, false].map(|on| Flip { name: name.clone(), on }.key()));
        let keys: BTreeSet<String> = ways.chain(steps.iter().map(ExtraStep::key)).collect();
        scripts.commands.retain(|key, _| keys.contains(key));
        Self {
            release: release.id.clone(),
            environment: environment.clone(),
            commit: release.build.commit.clone(),
            artifact: release.build.artifact.clone(),
            artifact_digest: release.build.digest.clone(),
            strategy: service.strategy(environment).clone(),
            scripts,
            working_dir: service.working_dir.clone(),
            variables: service
                .variables()
                .into_iter()
                .chain(service.prompts.iter().map(|prompt| prompt.name.clone()))
                .collect(),
            steps,
            retries: service.retries(environment),
            // Of a field that the service has no more nothing is told.
            fields: release
                .fields
                .iter()
                .filter(|(name, _)| service.fields.contains(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }

    /// Canonical text: JSON with sorted keys and no spaces.
    pub fn canonical(&self) -> String {
        canonical_json(self)
    }

    pub fn digest(&self) -> Digest {
        digest_of("relman-subject-v2", &self.canonical())
    }
}

fn digest_of(tag: &str, content: &str) -> Digest {
    Digest::of(format!("{tag}\n{content}").as_bytes())
}

/// Whether a digest is the one of this content, as this relman or an earlier one computed it.
pub fn is_digest_of(digest: &Digest, content: &str) -> bool {
    ["relman-subject-v2", "relman-subject-v1"].iter().any(|tag| digest_of(tag, content) == *digest)
}

/// What a request-stage approval is about: the request as it reads now.
fn request_digest(release: &Release) -> Digest {
    let content = canonical_json(&(&release.id, &release.title, &release.request));
    Digest::of(format!("relman-request-v1\n{content}").as_bytes())
}

/// What a sign-off is about: what was tested, by its commit, artifact and changes.
fn sign_off_content(release: &Release) -> String {
    let build = &release.build;
    canonical_json(&serde_json::json!({
        "commit": build.commit,
        "artifact": build.artifact,
        "artifact_digest": build.digest,
        "changes": build.changes,
    }))
}

fn sign_off_digest(release: &Release) -> Digest {
    let content = sign_off_content(release);
    Digest::of(format!("relman-sign-off-v1\n{}\n{content}", release.id).as_bytes())
}

/// What the sign-off after the deployment is about: what was delivered, and what is said to have come of it.
fn review_sign_off_content(release: &Release) -> String {
    let build = &release.build;
    canonical_json(&serde_json::json!({
        "commit": build.commit,
        "artifact": build.artifact,
        "artifact_digest": build.digest,
        "outcome": release.review.outcome,
    }))
}

/// What a decision about leaving a stage is bound to, and the same in full; nothing: it is about an environment.
pub fn of_stage(release: &Release, subject: &ApprovalSubject) -> Option<(Digest, String)> {
    match subject {
        ApprovalSubject::Request => Some((request_digest(release), canonical_json(&release.request))),
        ApprovalSubject::SignOff => Some((sign_off_digest(release), sign_off_content(release))),
        ApprovalSubject::ReviewSignOff => {
            let content = review_sign_off_content(release);
            let text = format!("relman-review-sign-off-v1\n{}\n{content}", release.id);
            Some((Digest::of(text.as_bytes()), content))
        }
        ApprovalSubject::Environment(_) => None,
    }
}

/// JSON with keys sorted bytewise and no spaces: the same value always gives the same bytes.
pub fn canonical_json(value: &impl Serialize) -> String {
    // `serde_json::Value` keeps its keys in a BTreeMap (the crate's `preserve_order` feature stays off; the test
    // below fails if it is ever switched on).
    serde_json::to_value(value).map(|value| value.to_string()).expect("domain values are plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_sorts_its_keys() {
        let value: serde_json::Value =
            serde_json::from_str(r#"{"b": 1, "a": {"d": [], "c": null}}"#).unwrap();
        assert_eq!(canonical_json(&value), r#"{"a":{"c":null,"d":[]},"b":1}"#);
    }
}
