//! What the record says about how a service fares in production: for weighing risks, and for how late an issue was found.

use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::ids::{EnvName, ReleaseId, ServiceName};
use crate::domain::policy::Environment;
use crate::domain::risk::{LOOKED_AT, Record};
use crate::ops::{Ctx, OpError};
use crate::store::deployments::{self, Filter};

/// How many deployments are read to find those to production among them.
const READ: u32 = 500;

/// How its newest deployments to production went.
pub fn of(cx: &Ctx<'_>, service: &ServiceName) -> Result<Record, OpError> {
    let is_production =
        |d: &Deployment| cx.policy.environments.get(&d.environment).is_some_and(Environment::is_production);
    let filter = Filter { service: Some(service.clone()), ..Filter::default() };
    let all = cx.store.read(|tx| deployments::list(tx, &filter, READ))?;
    let over = all.into_iter().filter(|d| is_production(d) && !d.noop && has_outcome(d));
    let newest: Vec<Deployment> = over.take(usize::try_from(LOOKED_AT).unwrap_or(usize::MAX)).collect();
    let last = newest.iter().find(|d| d.state == DeploymentState::Succeeded).and_then(|d| d.finished_at);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Record {
        days_since_last: last.map(|at| cx.now.since(at).as_secs() / (24 * 3600)),
        deployments: count(newest.len()),
        failed: count(newest.iter().filter(|d| counts_as_failed(d)).count()),
    })
}

/// Whether it did something that can be counted; what was called off before it began did not.
pub fn has_outcome(d: &Deployment) -> bool {
    let ended =
        matches!(d.state, DeploymentState::Succeeded | DeploymentState::Failed | DeploymentState::Cancelled);
    ended && d.claimed_at.is_some()
}

/// A success that a person had to help along counts as a failure (MET-3).
pub fn counts_as_failed(d: &Deployment) -> bool {
    d.state != DeploymentState::Succeeded || d.guided
}

/// Whole minutes since the newest deployment of a release there ended; nothing: there was none.
pub fn minutes_since(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Option<u64> {
    let filter = Filter { release: Some(id.clone()), environment: Some(env.clone()), ..Filter::default() };
    let newest = cx.store.read(|tx| deployments::list(tx, &filter, 1)).ok()?.into_iter().next()?;
    newest.finished_at.filter(|at| *at <= cx.now).map(|at| cx.now.since(at).as_secs() / 60)
}
