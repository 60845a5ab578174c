//! Asks a deployment to stop. Only its supervisor signals; this leaves the request where it looks.

use crate::domain::deployment::{CancelKind, CancelRequest, Cause, Deployment, DeploymentState, Outcome};
use crate::domain::hold::FollowUp;
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::domain::text::free;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, deployments, journal};

use super::turn::PENDING;
use super::{chain, follow_up};

/// The first request is gentle (TERM, grace, KILL), a second one kills at once.
pub fn cancel(cx: &Ctx<'_>, id: DeploymentId, reason: Option<&str>) -> Result<Deployment, OpError> {
    ask(cx, id, reason, false)
}

/// The same, and back to the last good release when it has stopped.
pub fn cancel_and_roll_back(cx: &Ctx<'_>, id: DeploymentId, reason: &str) -> Result<Deployment, OpError> {
    ask(cx, id, Some(reason), true)
}

fn ask(cx: &Ctx<'_>, id: DeploymentId, reason: Option<&str>, and_back: bool) -> Result<Deployment, OpError> {
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    cx.act(Verb::CancelRequested, id, |tx| {
        let before = super::known(tx, id)?;
        if before.state == DeploymentState::Lost {
            return Err(OpError::conflict(format!(
                "{id} was lost: there is no supervisor left that could stop it"
            ))
            .hint(format!(
                "stop what may still run by hand, then: relman resolve {} failed --reason \"…\"",
                id.0
            )));
        }
        if before.state.is_over() {
            return Err(OpError::conflict(format!("{id} is over already: {}", before.state)));
        }
        super::permitted(cx, &before, Right::Cancel)?;
        if before.state.is_pending() {
            return call_off(tx, cx, &before, reason.as_deref(), and_back);
        }
        if and_back {
            follow_up::possible(tx, cx, &before)?;
        }
        let kind = if before.cancel.is_some() { CancelKind::Kill } else { CancelKind::Gentle };
        // Patience is counted from the first wish, whoever repeats it.
        let at = before.cancel.as_ref().map_or(cx.now, |first| first.at);
        let request = CancelRequest { by: cx.actor.name().to_owned(), at, kind, reason: reason.clone() };
        deployments::request_cancel(tx, id, &request)?;
        if and_back {
            let reason = reason.clone().unwrap_or_default();
            deployments::set_follow_up(tx, id, &FollowUp::wanted(&cx.actor.person, cx.now, reason))?;
        }
        let after = deployments::get(tx, id)?;
        let entry =
            cx.entry(Verb::CancelRequested, id).because(reason.as_deref()).before(&before).after(&after);
        journal::append(tx, entry)?;
        Ok(after)
    })
}

/// What has not begun is over at once; the process that waits for it sees that and goes.
fn call_off(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    before: &Deployment,
    reason: Option<&str>,
    and_back: bool,
) -> Result<Deployment, OpError> {
    let id = before.id;
    if and_back {
        return Err(OpError::conflict(format!("{id} has not begun: there is nothing to go back from"))
            .hint(format!("only cancel it: relman cancel {}", id.0)));
    }
    let cause = Cause::Cancelled { by: cx.actor.name().to_owned() };
    let log = cx.machine.log_facts(id);
    let outcome = Outcome::without_steps(DeploymentState::Cancelled, cause, cx.now, log);
    deployments::finish(tx, id, before.epoch, &PENDING, &outcome, None)?;
    let after = deployments::get(tx, id)?;
    let entry = cx.entry(Verb::CancelRequested, id).because(reason).before(before).after(&after);
    journal::append(tx, entry)?;
    chain::take_back(tx, cx, &after)?;
    Ok(after)
}
