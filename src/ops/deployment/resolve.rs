//! A person says how a lost deployment ended.

use std::time::Duration;

use crate::domain::deployment::{Cause, Deployment, DeploymentState, Outcome};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::domain::text::free;
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, Liveness, OpError};
use crate::store::{deployments, journal};

use super::finish::after_the_end;
use super::follow_up;

/// A supervisor that this machine cannot judge (it ran on another one, or its files are out of reach) counts as gone when
/// it has given no sign of life for this long: it gives one every five seconds.
const SILENCE: Duration = Duration::from_secs(600);

/// Frees the environment. Nothing is ever run again by itself: that the person looked is the point.
pub fn resolve(cx: &Ctx<'_>, id: DeploymentId, succeeded: bool, reason: &str) -> Result<Deployment, OpError> {
    let reason = free("reason", reason, 2000)?;
    let log = cx.machine.log_facts(id);
    // Asked before the write: nobody waits for the store meanwhile.
    let known = cx.store.read(|tx| super::known(tx, id))?;
    let is_silent = is_silent(cx, &known);
    let runs =
        known.script.filter(|script| known.host == cx.machine.host() && cx.machine.script_runs(*script));
    cx.act(Verb::DeploymentResolved, id, |tx| {
        let mut before = super::known(tx, id)?;
        if before.state.is_live() && is_silent {
            let why = format!("no sign of life from {} since {}", before.host, last_sign(&before));
            deployments::mark_lost(tx, id, before.epoch, &Cause::SupervisorGone { why })?;
            before = super::known(tx, id)?;
        }
        if before.state != DeploymentState::Lost {
            let error = OpError::conflict(format!("{id} is not lost, it is {}", before.state));
            return Err(match before.state.is_live() {
                true => error.hint(format!("to stop it: relman cancel {}", id.0)),
                false => error,
            });
        }
        super::whoever_started(cx, &before, Right::Resolve)?;
        if let Some(script) = runs {
            return Err(OpError::conflict(format!("the script of {id} still runs (pid {})", script.pid))
                .hint(format!("wait for its end, or stop it by hand: kill -- -{}", script.pid)));
        }
        let state = if succeeded { DeploymentState::Succeeded } else { DeploymentState::Failed };
        let cause = Cause::Resolved { by: cx.actor.name().to_owned(), reason: reason.clone() };
        let outcome = Outcome {
            log_dropped: before.log_dropped,
            ..Outcome::without_steps(state, cause, cx.now, log.clone())
        };
        deployments::finish(tx, id, before.epoch, &[DeploymentState::Lost], &outcome, Some(cx.actor.name()))?;
        follow_up::give_up(tx, cx, &before)?;
        let after = deployments::get(tx, id)?;
        let entry =
            cx.entry(Verb::DeploymentResolved, id).because(Some(&reason)).before(&known).after(&after);
        journal::append(tx, entry)?;
        after_the_end(tx, cx, &after)?;
        Ok(after)
    })
}

fn last_sign(d: &Deployment) -> Timestamp {
    d.heartbeat_at.or(d.claimed_at).unwrap_or(d.requested_at)
}

/// Whether nobody here can tell if its supervisor lives, and it has been silent for long.
fn is_silent(cx: &Ctx<'_>, d: &Deployment) -> bool {
    let unknown = d.host != cx.machine.host() || cx.machine.liveness(d.id) == Liveness::OutOfReach;
    unknown && last_sign(d).plus(SILENCE) < cx.now
}
