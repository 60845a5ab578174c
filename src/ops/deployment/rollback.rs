//! Goes back to a release that was good here.
//!
//! Bypasses what guards going on (order, soak, checks, freezes, windows, approvals beyond `rollback-approvals`),
//! needs a reason, and blocks the release it leaves, so that nothing puts it back by mistake.

use serde::Serialize;

use crate::domain::deployment::{Deployment, DeploymentKind};
use crate::domain::ids::{EnvName, ServiceName, Version};
use crate::domain::journal::Verb;
use crate::domain::release::{Block, Release};
use crate::domain::text::free;
use crate::ops::{Ctx, ErrorKind, OpError, facts};
use crate::store::{Tx, deployments, journal, releases};

use super::start::{StartDeploy, Started, start_as};

/// A release that was good in the environment.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// Its last success there.
    pub deployment: Deployment,
    pub title: String,
}

/// What a rollback leaves and where it may go, newest success first.
#[derive(Debug, Clone, Serialize)]
pub struct Choices {
    /// The release the newest deployment tried to put there, whatever became of it.
    pub occupant: Option<Deployment>,
    pub candidates: Vec<Candidate>,
}

pub fn choices(cx: &Ctx<'_>, service: &ServiceName, env: &EnvName) -> Result<Choices, OpError> {
    let known = cx.service(service)?;
    facts::environment(cx, env)?;
    if !known.pipeline.contains(env) {
        return Err(OpError::not_in_pipeline(known, env));
    }
    cx.store.read(|tx| choices_in(tx, service, env))
}

fn choices_in(tx: &Tx<'_>, service: &ServiceName, env: &EnvName) -> Result<Choices, OpError> {
    let occupant = deployments::find_newest(tx, service, env)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for deployment in deployments::list_succeeded(tx, service, env, 50)? {
        let is_occupant = occupant.as_ref().is_some_and(|occupant| occupant.release == deployment.release);
        let is_listed = candidates.iter().any(|known| known.deployment.release == deployment.release);
        if is_occupant || is_listed {
            continue;
        }
        let release = releases::get(tx, &deployment.release)?;
        if release.blocked.is_none() {
            candidates.push(Candidate { deployment, title: release.title });
        }
    }
    Ok(Choices { occupant, candidates })
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
    let reason = free("reason", &wanted.reason, 2000)?;
    let choices = choices(cx, &wanted.service, &wanted.environment)?;
    let target = choose(wanted, &choices)?.deployment.release.clone();
    let start = StartDeploy {
        reason: Some(reason.clone()),
        confirm: wanted.confirm.clone(),
        ..StartDeploy::new(target, wanted.environment.clone())
    };
    let left = choices.occupant.map(|occupant| occupant.release);
    start_as(cx, &start, DeploymentKind::Rollback, |tx, deployment| {
        let Some(left) = left.as_ref().filter(|left| **left != deployment.release) else { return Ok(()) };
        let release = releases::get(tx, left)?;
        if !release.is_open() || release.blocked.is_some() {
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
            cx.entry(Verb::ReleaseBlocked, left).because(Some(&reason)).before(&release).after(&after);
        journal::append(tx, entry)?;
        Ok(())
    })
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
        let known: Vec<String> =
            choices.candidates.iter().map(|c| c.deployment.release.version.to_string()).collect();
        let error = OpError::new(
            ErrorKind::NotFound,
            format!("{service} {version} is no release to go back to in {env}: it was never good there, is there now, or is blocked"),
        );
        if known.is_empty() { error } else { error.hint(format!("known good: {}", known.join(", "))) }
    })
}
