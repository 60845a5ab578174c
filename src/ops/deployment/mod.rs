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

use std::collections::BTreeSet;

pub(in crate::ops) use self::asked::{Errand, Place, ask};
pub use self::ticket::Ticket;
use super::{Ctx, OpError};
use crate::domain::actor::Roster;
use crate::domain::deployment::Deployment;
use crate::domain::gate::Overrides;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId};
use crate::domain::policy::Environment;
use crate::domain::right::{Place as Where, Right};
use crate::domain::subject_changes::differences;
use crate::domain::time::span;
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

/// The gates that were opened on record for a deployment, by who started it, and why they are not open any more. One that
/// waited too long to begin is past what was meant, and who may not override there any more opens nothing: then all
/// gates are asked again.
fn overrides_of(
    cx: &Ctx<'_>,
    d: &Deployment,
    environment: &Environment,
    roster: &Roster,
) -> (Overrides, Option<String>) {
    let overrides = Overrides {
        gates: d.overrides.iter().filter_map(|gate| gate.parse().ok()).collect(),
        by: d.started_by.name.clone(),
        reason: d.reason.clone().unwrap_or_default(),
    };
    if overrides.gates.is_empty() || d.claimed_at.is_some() {
        return (overrides, None);
    }
    let place = Where::both(&d.release.service, &d.environment);
    let why = if d.requested_at.plus(environment.override_ttl) <= cx.now {
        format!("an override counts for {} in {}", span(environment.override_ttl), environment.name)
    } else if let Err(no) = cx.policy.may(Right::Override, place, roster, &d.started_by) {
        no.sentence
    } else {
        return (overrides, None);
    };
    let gates: Vec<&str> = d.overrides.iter().map(String::as_str).collect();
    let says = format!("the override of {} counts no more: {why}", gates.join(" and "));
    (Overrides { gates: BTreeSet::new(), ..overrides }, Some(says))
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
