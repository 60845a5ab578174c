//! The two sides of a blue-green pair: which one serves, and what the other one still has.

use crate::domain::deployment::{Deployment, DeploymentState, Step, StepState};
use crate::domain::policy::{Environment, Service};
use crate::domain::release::Release;
use crate::domain::strategy::{Color, Strategy};
use crate::domain::time::Timestamp;
use crate::store::{StoreError, Tx, deployments, steps};

/// So far back it is looked for the last switch.
const LOOKED_AT: u32 = 50;

/// What serves now, and since when.
pub(super) struct Serving {
    pub(super) color: Color,
    pub(super) since: Option<Timestamp>,
}

/// The side the newest switch that succeeded went to: also of a deployment that failed after it.
pub(super) fn serving(
    tx: &Tx<'_>,
    service: &Service,
    env: &Environment,
) -> Result<Option<Serving>, StoreError> {
    for d in deployments::list_sided(tx, &service.name, &env.name, LOOKED_AT)? {
        let done = |step: &Step| step.plan.is_switch() && step.state == StepState::Succeeded;
        if let Some(switch) = steps::list_of(tx, d.id)?.into_iter().rev().find(done) {
            return Ok(switch.plan.color.map(|color| Serving { color, since: switch.finished_at }));
        }
    }
    Ok(None)
}

/// The side that still has `release` as it was good there, if it is kept and nothing has touched it since: going back is a
/// switch then.
pub(super) fn kept(
    tx: &Tx<'_>,
    service: &Service,
    env: &Environment,
    release: &Release,
    serving: &Serving,
    now: Timestamp,
) -> Result<Option<Color>, StoreError> {
    let Strategy::BlueGreen { keep: Some(keep), .. } = service.strategy(&env.name) else { return Ok(None) };
    if serving.since.is_none_or(|since| since.plus(*keep) <= now) {
        return Ok(None);
    }
    let idle = serving.color.other();
    let touched = |d: &Deployment| d.color == Some(idle);
    let last = deployments::list_sided(tx, &service.name, &env.name, LOOKED_AT)?.into_iter().find(touched);
    let Some(last) = last else { return Ok(None) };
    let has_it = last.release == release.id
        && release.build.is(last.content.as_ref(), last.artifact_digest.as_ref())
        && last.state == DeploymentState::Succeeded;
    Ok(has_it.then_some(idle))
}
