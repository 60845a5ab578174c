//! Goes back to a release that was good here.
//!
//! Bypasses what guards going on (order, soak, checks, freezes, windows, approvals beyond `rollback-approvals`),
//! needs a reason, and blocks the release it leaves, so that nothing puts it back by mistake.

use std::time::Duration;

use serde::Serialize;

use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::gate::Required;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName, Version};
use crate::domain::journal::Verb;
use crate::domain::prompt::Answers;
use crate::domain::release::{Block, Release, ReleaseState};
use crate::domain::text::free;
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, ErrorKind, OpError, facts, lock};
use crate::store::{Tx, deployments, journal, releases};

use super::asked::Errand;
use super::start::{StartDeploy, Started, start_as};
use super::toggle::{self, Known};

/// A release that was good in the environment.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// Its last success there.
    pub deployment: Deployment,
    pub title: String,
    /// What came after it and would be taken back, newest first.
    pub takes_back: Vec<TakenBack>,
    /// The last time going back to it was tried elsewhere (N19).
    pub rehearsed: Option<Rehearsal>,
    /// What is live there and requires a newer version: going back would leave it without.
    pub needed_by: Vec<Required>,
}

/// A release that a rollback takes back, with what it brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenBack {
    pub release: ReleaseId,
    pub title: String,
    pub changes: Vec<String>,
}

/// A rollback to a release that succeeded in another environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    pub deployment: DeploymentId,
    pub environment: EnvName,
    pub at: Timestamp,
}

/// What was tried longer ago says little about today.
const REHEARSED: Duration = Duration::from_secs(30 * 86_400);

/// The last time a rollback to this release was tried elsewhere, if that is not too long ago.
pub(super) fn rehearsal(
    tx: &Tx<'_>,
    release: &ReleaseId,
    env: &EnvName,
    now: Timestamp,
) -> Result<Option<Rehearsal>, OpError> {
    let found = deployments::find_rehearsal(tx, release, env)?;
    let recent = found
        .and_then(|d| Some(Rehearsal { deployment: d.id, environment: d.environment, at: d.finished_at? }));
    Ok(recent.filter(|rehearsal| now.since(rehearsal.at) <= REHEARSED))
}

/// What a rollback leaves and where it may go, newest success first.
#[derive(Debug, Clone, Serialize)]
pub struct Choices {
    /// The newest deployment that may have touched the environment, whatever became of it.
    pub occupant: Option<Deployment>,
    pub candidates: Vec<Candidate>,
    /// Releases that were good here and are not gone back to, with the reason.
    pub barred: Vec<(Version, String)>,
    /// The toggles of the service, first those by which what is live says it can be taken back (RBK-10).
    pub toggles: Vec<Known>,
}

pub fn choices(cx: &Ctx<'_>, service: &ServiceName, env: &EnvName) -> Result<Choices, OpError> {
    let known = cx.service(service)?;
    facts::environment(cx, env)?;
    if !known.pipeline.contains(env) {
        return Err(OpError::not_in_pipeline(known, env));
    }
    cx.store.read(|tx| {
        let toggles = toggle::list_in(tx, known, env)?.toggles;
        Ok(Choices { toggles, ..choices_in(tx, cx, service, env)? })
    })
}

/// Releases whose last success here is known. What is there now is left out, unless its newest attempt failed: then going
/// back to the same release again is exactly what may help.
fn choices_in(tx: &Tx<'_>, cx: &Ctx<'_>, service: &ServiceName, env: &EnvName) -> Result<Choices, OpError> {
    let requirements = facts::requirements(tx, cx, service, env)?;
    let occupant = deployments::find_newest(tx, service, env)?;
    let is_in_place = |release: &ReleaseId| {
        occupant.as_ref().is_some_and(|occupant| {
            occupant.release == *release && occupant.state == DeploymentState::Succeeded
        })
    };
    let (mut candidates, mut barred) = (Vec::new(), Vec::new());
    let mut later: Vec<TakenBack> = Vec::new();
    if let Some(occupant) = &occupant {
        later.push(taken_back(&releases::get(tx, &occupant.release)?));
    }
    for deployment in deployments::list_known_good(tx, service, env, 50)? {
        let release = releases::get(tx, &deployment.release)?;
        let takes_back: Vec<TakenBack> =
            later.iter().filter(|taken| taken.release != release.id).cloned().collect();
        if later.iter().all(|taken| taken.release != release.id) {
            later.push(taken_back(&release));
        }
        let version = release.id.version.clone();
        match (&release.blocked, release.state) {
            _ if is_in_place(&deployment.release) => {}
            (Some(block), _) => {
                barred.push((version, format!("blocked by {}: {}", block.by.name, block.reason)));
            }
            (None, ReleaseState::Cancelled | ReleaseState::Rejected) => {
                barred.push((version, format!("the release is {}", release.state)));
            }
            _ => {
                let rehearsed = rehearsal(tx, &release.id, env, cx.now)?;
                let lacks = |required: &&Required| required.lacks(&release.id.version);
                candidates.push(Candidate {
                    deployment,
                    takes_back,
                    rehearsed,
                    needed_by: requirements.iter().filter(lacks).cloned().collect(),
                    title: release.title,
                });
            }
        }
    }
    Ok(Choices { occupant, candidates, barred, toggles: Vec::new() })
}

fn taken_back(release: &Release) -> TakenBack {
    TakenBack {
        release: release.id.clone(),
        title: release.title.clone(),
        changes: release.build.changes.clone(),
    }
}

/// A rollback somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct StartRollback {
    pub service: ServiceName,
    pub environment: EnvName,
    /// `None`: the newest good one.
    pub to: Option<Version>,
    pub reason: String,
    pub confirm: Option<String>,
}

pub fn rollback(cx: &Ctx<'_>, wanted: &StartRollback) -> Result<Started, OpError> {
    rollback_and(cx, wanted, |_, _| Ok(()))
}

/// The same; `also` is recorded with it or not at all.
pub(super) fn rollback_and(
    cx: &Ctx<'_>,
    wanted: &StartRollback,
    also: impl Fn(&Tx<'_>, &Deployment) -> Result<(), OpError>,
) -> Result<Started, OpError> {
    let reason = free("reason", &wanted.reason, 2000)?;
    let subject = format!("{} in {}", wanted.service, wanted.environment);
    let known = choices(cx, &wanted.service, &wanted.environment)?;
    let target = match choose(wanted, &known) {
        Ok(target) => target.deployment.release.clone(),
        // That there was nothing to go back to is on record like every other no.
        Err(error) => return cx.act(Verb::DeploymentStarted, &subject, |_| Err(error.clone())),
    };
    // What was answered when the release was good here is what it gets again.
    let answered = known.candidates.iter().find(|known| known.deployment.release == target);
    let answers = answered.map(|known| known.deployment.answers.clone()).unwrap_or_default();
    let answers = answers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let start = StartDeploy {
        reason: Some(reason.clone()),
        confirm: wanted.confirm.clone(),
        answers: Answers(answers),
        ..StartDeploy::new(target, wanted.environment.clone())
    };
    start_as(cx, &start, Errand::Rollback, |tx, deployment| {
        // The record may have changed since the choice was made.
        let now = choices_in(tx, cx, &wanted.service, &wanted.environment)?;
        choose(&StartRollback { to: Some(deployment.release.version.clone()), ..wanted.clone() }, &now)?;
        also(tx, deployment)?;
        lock::hold_automation(tx, cx, deployment, &reason)?;
        match now.occupant {
            Some(left) if left.release != deployment.release => {
                block_left(tx, cx, &left, deployment, &reason)
            }
            _ => Ok(()),
        }
    })
}

/// What a rollback leaves is blocked, so that neither a person nor the next rollback puts it back by mistake. Not the
/// release of a rollback that failed: that one is good, it just did not arrive.
fn block_left(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    left: &Deployment,
    deployment: &Deployment,
    reason: &str,
) -> Result<(), OpError> {
    let release = releases::get(tx, &left.release)?;
    let did_not_arrive = left.rescue && left.state != DeploymentState::Succeeded;
    if release.blocked.is_some() || did_not_arrive {
        return Ok(());
    }
    let block = Block {
        by: cx.actor.person.clone(),
        at: cx.now,
        reason: format!("rolled back from {} by {}: {reason}", deployment.environment, deployment.id),
    };
    let reason = block.reason.clone();
    let after = crate::ops::release::save(tx, cx, Release { blocked: Some(block), ..release.clone() })?;
    let entry =
        cx.entry(Verb::ReleaseBlocked, &left.release).because(Some(&reason)).before(&release).after(&after);
    journal::append(tx, entry)?;
    Ok(())
}

/// The deployment a rollback goes back to where nobody names one.
pub(super) fn target(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Deployment, OpError> {
    let choices = choices_in(tx, cx, service, env)?;
    let wanted = StartRollback {
        service: service.clone(),
        environment: env.clone(),
        to: None,
        reason: String::new(),
        confirm: None,
    };
    choose(&wanted, &choices).map(|candidate| candidate.deployment.clone())
}

fn choose<'a>(wanted: &StartRollback, choices: &'a Choices) -> Result<&'a Candidate, OpError> {
    let (service, env) = (&wanted.service, &wanted.environment);
    let Some(version) = &wanted.to else {
        return choices.candidates.first().ok_or_else(|| {
            OpError::new(
                ErrorKind::NotFound,
                format!(
                    "no other release of {service} was ever good in {env}: there is nothing to go back to"
                ),
            )
            .hint("fix forward: register and deploy a new release")
        });
    };
    choices.candidates.iter().find(|candidate| candidate.deployment.release.version == *version).ok_or_else(|| {
        if let Some((_, why)) = choices.barred.iter().find(|(barred, _)| barred == version) {
            let sentence = format!("{service} {version} was good in {env} but is not gone back to: {why}");
            return OpError::new(ErrorKind::Blocked, sentence)
                .hint(format!("to allow it again: relman release unblock {service}@{version} --reason \"…\""));
        }
        let known: Vec<String> =
            choices.candidates.iter().map(|c| c.deployment.release.version.to_string()).collect();
        let error = OpError::new(
            ErrorKind::NotFound,
            format!("{service} {version} is no release to go back to in {env}: it was never good there, or is there now"),
        );
        if known.is_empty() { error } else { error.hint(format!("known good: {}", known.join(", "))) }
    })
}
