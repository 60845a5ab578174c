//! What a supervisor is told to do. Comes from the configuration and the launcher, never from the store: the
//! store can be written by others, and a command line read from it would be their code under our name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::deployment::Deployment;
use crate::domain::hold::{OnFailure, Retries};
use crate::domain::ids::DeploymentId;
use crate::domain::policy::{Argv, ScriptRole, Service};
use crate::domain::prompt::Answers;
use crate::domain::release::Release;
use crate::domain::strategy::StepPlan;
use crate::domain::subject::ScriptFile;
use crate::domain::time::Timestamp;
use crate::domain::version_template::VersionChange;

/// Handed to the supervisor through a pipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub id: DeploymentId,
    pub epoch: i64,
    pub steps: Vec<StepPlan>,
    pub argv: BTreeMap<ScriptRole, Argv>,
    /// The commands of steps that have one of their own.
    #[serde(default)]
    pub commands: BTreeMap<String, Argv>,
    /// The files as they were when the gates agreed; checked again right before each step.
    pub files: Vec<ScriptFile>,
    pub working_dir: PathBuf,
    /// The `RELMAN_*` variables that are the same for every step.
    pub vars: BTreeMap<String, String>,
    /// Names of the launcher's variables that are handed through.
    pub pass_env: Vec<String>,
    /// Names of variables whose values are masked in the log.
    pub secrets: Vec<String>,
    /// Answers to the service's questions, handed on as variables. Secret ones are known here only right after they were
    /// given: they are kept nowhere.
    #[serde(default)]
    pub answers: Answers,
    /// Names of the answers whose values are masked.
    #[serde(default)]
    pub secret_answers: Vec<String>,
    pub timeout: Option<Duration>,
    pub quiet_timeout: Option<Duration>,
    #[serde(default)]
    pub step_timeout: Option<Duration>,
    pub grace: Duration,
    pub on_failure: OnFailure,
    /// How often a failed step is run again before that.
    #[serde(default)]
    pub retries: Retries,
    /// It is to wait for its turn, at the longest until then, and gets its real ticket when that has come.
    #[serde(default)]
    pub waits: Option<Timestamp>,
}

/// Writes the ticket of a recorded deployment.
pub fn write(
    deployment: &Deployment,
    release: &Release,
    service: &Service,
    steps: Vec<StepPlan>,
    files: Vec<ScriptFile>,
) -> Ticket {
    Ticket {
        id: deployment.id,
        epoch: deployment.epoch,
        steps,
        argv: service.scripts.clone(),
        commands: service.commands(),
        files,
        working_dir: service.working_dir.clone(),
        vars: vars(deployment, release).into_iter().chain(service.field_variables(release)).collect(),
        pass_env: service.pass_env.clone(),
        secrets: service.secrets.clone(),
        answers: Answers(
            deployment
                .answers
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                .collect(),
        ),
        secret_answers: deployment
            .answers
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.clone())
            .collect(),
        timeout: service.timeout,
        quiet_timeout: service.quiet_timeout,
        step_timeout: service.step_timeout,
        grace: service.grace,
        // A rollback that fails is not rolled back by itself: two releases in a row are a matter for people.
        on_failure: match deployment.on_failure.unwrap_or(service.on_failure(&deployment.environment)) {
            _ if deployment.noop => OnFailure::Fail,
            OnFailure::Rollback if deployment.rescue => OnFailure::Ask,
            policy => policy,
        },
        retries: service.retries(&deployment.environment),
        waits: deployment.wait.as_ref().filter(|_| deployment.state.is_pending()).map(|wait| wait.expires),
    }
}

/// The variables of the script contract (SPEC 6). All are always set; what is unknown is empty.
fn vars(deployment: &Deployment, release: &Release) -> BTreeMap<String, String> {
    let d = deployment;
    let opt = |value: Option<String>| value.unwrap_or_default();
    [
        ("RELMAN_SERVICE", d.release.service.to_string()),
        ("RELMAN_VERSION", d.release.version.to_string()),
        ("RELMAN_PREVIOUS_VERSION", opt(d.previous.as_ref().map(ToString::to_string))),
        (
            "RELMAN_VERSION_CHANGE",
            opt(d
                .previous
                .as_ref()
                .map(|before| VersionChange::between(before, &d.release.version).to_string())),
        ),
        ("RELMAN_ENVIRONMENT", d.environment.to_string()),
        ("RELMAN_DEPLOYMENT", d.id.0.to_string()),
        ("RELMAN_KIND", if d.toggle.is_some() { "toggle".to_owned() } else { d.kind.to_string() }),
        ("RELMAN_ARTIFACT", opt(release.build.artifact.clone())),
        ("RELMAN_ARTIFACT_DIGEST", opt(release.build.digest.as_ref().map(ToString::to_string))),
        ("RELMAN_COMMIT", opt(release.build.commit.clone())),
        ("RELMAN_ACTOR", d.started_by.name.clone()),
        ("RELMAN_REASON", opt(d.reason.clone())),
        ("RELMAN_EPOCH", d.epoch.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The variables that differ from step to step.
pub fn step_vars(steps: &[StepPlan], index: usize, attempt: u32) -> BTreeMap<String, String> {
    let step = &steps[index];
    [
        ("RELMAN_STEP", step.name.clone()),
        ("RELMAN_STEP_INDEX", (index + 1).to_string()),
        ("RELMAN_STEP_COUNT", steps.len().to_string()),
        ("RELMAN_TARGETS", step.targets.join(" ")),
        ("RELMAN_PERCENT", step.percent.map(|percent| percent.to_string()).unwrap_or_default()),
        ("RELMAN_COLOR", step.color.map(|color| color.as_str().to_owned()).unwrap_or_default()),
        ("RELMAN_ATTEMPT", attempt.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
