//! Verbs on deployments: start, roll back, cancel, settle; and the ones their supervisor uses.

pub mod abandon;
mod asked;
pub mod cancel;
pub mod chain;
pub mod claim;
pub mod finish;
pub mod follow_up;
pub mod guide;
pub mod later;
pub mod note;
pub mod reconcile;
pub mod resolve;
pub mod rollback;
mod sides;
pub mod start;
pub mod take;
pub mod tick;
pub mod ticket;
pub mod toggle;
pub mod turn;

pub(in crate::ops) use self::asked::{Errand, Place, ask};
pub use self::ticket::Ticket;
use super::{Ctx, OpError};
use crate::domain::deployment::Deployment;
use crate::domain::gate::Overrides;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId};
use crate::domain::policy::Environment;
use crate::domain::right::{Place as Where, Right};
use crate::domain::subject_changes::differences;
use crate::domain::time::Timestamp;
use crate::store::{Tx, deployments};

/// Whether the actor has this right over a deployment: who started it always has.
pub(super) fn permitted(cx: &Ctx<'_>, d: &Deployment, right: Right) -> Result<(), OpError> {
    let own = d.started_by.human() == cx.actor.person.human();
    if own { Ok(()) } else { whoever_started(cx, d, right) }
}

/// The same, whoever started it: what goes on there is for those who may do so now.
pub(super) fn whoever_started(cx: &Ctx<'_>, d: &Deployment, right: Right) -> Result<(), OpError> {
    cx.may(right, Where::both(&d.release.service, &d.environment))
}

/// What the journal calls a deployment that was refused: it has no number.
pub(super) fn refused_as(release: &ReleaseId, env: &EnvName) -> String {
    format!("{release} → {env}")
}

/// The gates that were opened on record for a deployment, by who started it. One that waited too long to begin is past
/// what was meant: it asks all gates again.
fn overrides_of(d: &Deployment, environment: &Environment, now: Timestamp) -> Overrides {
    let has_lapsed = d.claimed_at.is_none() && d.requested_at.plus(environment.override_ttl) <= now;
    let gates = d.overrides.iter().filter(|_| !has_lapsed);
    Overrides {
        gates: gates.filter_map(|gate| gate.parse().ok()).collect(),
        by: d.started_by.name.clone(),
        reason: d.reason.clone().unwrap_or_default(),
    }
}

/// Says that what a deployment would do is not what it was recorded to do, and what is another.
fn changed(tx: &Tx<'_>, d: &Deployment, content: &str, when: &str) -> Result<String, OpError> {
    let about = deployments::find_about(tx, d.id)?.unwrap_or_default();
    let differences = differences(&about, content);
    let what = if differences.is_empty() { String::new() } else { format!(": {}", differences.join("; ")) };
    Ok(format!("the release or its scripts changed {when}{what}"))
}

/// The deployment of that number.
pub(super) fn known(tx: &Tx<'_>, id: DeploymentId) -> Result<Deployment, OpError> {
    deployments::find(tx, id)?.ok_or_else(|| {
        OpError::not_found(format!("deployment {id}")).hint("list them with: relman deployments")
    })
}
