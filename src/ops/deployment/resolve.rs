//! A person says how a lost deployment ended.

use crate::domain::deployment::{Cause, Deployment, DeploymentState, Outcome};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::text::free;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{deployments, journal};

/// Frees the environment. Nothing is ever run again by itself: that the person looked is the point.
pub fn resolve(cx: &Ctx<'_>, id: DeploymentId, succeeded: bool, reason: &str) -> Result<Deployment, OpError> {
    let reason = free("reason", reason, 2000)?;
    let roster = cx.roster();
    let (log_size, log_digest) = cx.machine.log_facts(id);
    cx.act(Verb::DeploymentResolved, id, |tx| {
        let before = super::known(tx, id)?;
        if before.state != DeploymentState::Lost {
            let error = OpError::conflict(format!("{id} is not lost, it is {}", before.state));
            return Err(match before.state.is_live() {
                true => error.hint(format!("to stop it: relman cancel {}", id.0)),
                false => error,
            });
        }
        let env = cx.policy.environments.get(&before.environment);
        if env.is_some_and(|env| !env.may_deploy(&roster, cx.actor)) {
            let groups = env.map(|env| env.deployers.join(", ")).unwrap_or_default();
            return Err(OpError::new(
                ErrorKind::NotPermitted,
                format!(
                    "{} may not settle deployments to {}; only {groups} may",
                    cx.actor.name(),
                    before.environment
                ),
            ));
        }
        if let Some(script) = before.script.filter(|script| cx.machine.script_runs(*script)) {
            return Err(OpError::conflict(format!("the script of {id} still runs (pid {})", script.pid))
                .hint(format!("wait for its end, or stop it by hand: kill -- -{}", script.pid)));
        }
        let outcome = Outcome {
            state: if succeeded { DeploymentState::Succeeded } else { DeploymentState::Failed },
            cause: Cause::Resolved { by: cx.actor.name().to_owned(), reason: reason.clone() },
            failed_step: None,
            at: cx.now,
            log_size,
            log_digest: log_digest.clone(),
            log_dropped: before.log_dropped,
            left_running: Vec::new(),
        };
        deployments::finish(tx, id, before.epoch, &[DeploymentState::Lost], &outcome, Some(cx.actor.name()))?;
        let after = deployments::get(tx, id)?;
        let entry =
            cx.entry(Verb::DeploymentResolved, id).because(Some(&reason)).before(&before).after(&after);
        journal::append(tx, entry)?;
        Ok(after)
    })
}
