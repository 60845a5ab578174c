//! Asks a deployment to stop. Only its supervisor signals; this leaves the request where it looks.

use crate::domain::deployment::{CancelKind, CancelRequest, Deployment, DeploymentState};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::text::free;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{deployments, journal};

/// The first request is gentle (TERM, grace, KILL), a second one kills at once.
pub fn cancel(cx: &Ctx<'_>, id: DeploymentId, reason: Option<&str>) -> Result<Deployment, OpError> {
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    let roster = cx.roster();
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
        if !before.state.is_live() {
            return Err(OpError::conflict(format!("{id} is over already: {}", before.state)));
        }
        let env = cx.policy.environments.get(&before.environment);
        let own = before.started_by.human() == cx.actor.person.human();
        if !own && env.is_some_and(|env| !env.may_deploy(&roster, cx.actor)) {
            let groups = env.map(|env| env.deployers.join(", ")).unwrap_or_default();
            return Err(OpError::new(
                ErrorKind::NotPermitted,
                format!("{} may not cancel in {}; only {groups} may", cx.actor.name(), before.environment),
            ));
        }
        let kind = if before.cancel.is_some() { CancelKind::Kill } else { CancelKind::Gentle };
        let request =
            CancelRequest { by: cx.actor.name().to_owned(), at: cx.now, kind, reason: reason.clone() };
        deployments::request_cancel(tx, id, &request)?;
        let after = Deployment { cancel: Some(request), ..before.clone() };
        let entry =
            cx.entry(Verb::CancelRequested, id).because(reason.as_deref()).before(&before).after(&after);
        journal::append(tx, entry)?;
        Ok(after)
    })
}
