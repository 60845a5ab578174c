//! Removes logs that have been kept long enough. What they were stays on record: size, digest, outcome.
//!
//! Never removed: the log of what is live or was live before it anywhere (its last two successes), of a release that is still
//! open, of what somebody else deployed (that is theirs), of what has no outcome.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::time::span;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, deployments, journal, releases};

/// So many at once: a tick does not take long.
const MOST: usize = 500;
/// The last successes of a service in an environment that keep their logs (REL-12).
const GOOD: u32 = 2;

/// Whose log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    Deployment(DeploymentId),
    Build(ReleaseId, usize),
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deployment(id) => write!(f, "{id}"),
            Self::Build(release, number) => write!(f, "build {number} of {release}"),
        }
    }
}

/// Removes those that are older and that nobody needs, and puts it on record; returns which.
pub fn prune(cx: &Ctx<'_>, keep: Duration) -> Result<Vec<Log>, OpError> {
    if cx.policy.readonly {
        return Ok(Vec::new());
    }
    let there = cx.machine.own_logs();
    let before = cx.now.minus(keep);
    let old = cx.store.read(|tx| {
        let mut old = Vec::new();
        for log in there {
            let is_old = match &log {
                Log::Deployment(id) => match deployments::find(tx, *id)? {
                    Some(d) => d.finished_at.is_some_and(|end| end < before) && is_free(tx, cx, &d)?,
                    None => false,
                },
                Log::Build(release, number) => releases::find(tx, release)?.is_some_and(|release| {
                    let run = release.build.runs.get(number - 1);
                    let end = run.and_then(|run| run.ended.as_ref()).map(|end| end.at);
                    !release.is_open() && end.is_some_and(|end| end < before)
                }),
            };
            if is_old && old.len() < MOST {
                old.push(log);
            }
        }
        Ok::<_, OpError>(old)
    })?;
    if old.is_empty() {
        return Ok(old);
    }
    // On record first: what is gone without a word would be hidden, what is there still is removed the next time.
    cx.act(Verb::LogsRemoved, "logs", |tx| {
        let names: Vec<String> = old.iter().map(ToString::to_string).collect();
        let why = format!("kept for {}: {}", span(keep), names.join(", "));
        let entry = cx.entry(Verb::LogsRemoved, "logs").because(Some(&why));
        journal::append(tx, entry)?;
        Ok(())
    })?;
    for log in &old {
        cx.machine.remove_log(log).map_err(|why| {
            OpError::new(crate::ops::ErrorKind::Failure, format!("the log of {log} cannot be removed: {why}"))
        })?;
    }
    Ok(old)
}

/// Whether nobody would look for the log of this one any more.
fn is_free(tx: &Tx<'_>, cx: &Ctx<'_>, d: &Deployment) -> Result<bool, OpError> {
    if !d.state.is_over() || d.host != cx.machine.host() {
        return Ok(false);
    }
    if releases::find(tx, &d.release)?.is_some_and(|release| release.is_open()) {
        return Ok(false);
    }
    let good = deployments::list_known_good(tx, &d.release.service, &d.environment, GOOD)?;
    let good: BTreeSet<DeploymentId> = good.iter().map(|good| good.id).collect();
    Ok(!good.contains(&d.id))
}
