//! Somebody says that they look after a deployment that waits for a person, so that two do not do the same by hand.
//!
//! Nothing is held by it: anybody who may decide still may, and takes it over with the same word.

use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::hold::{Hold, Taken};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::ops::{Ctx, OpError};
use crate::store::{deployments, journal};

use super::whoever_started;

/// The deployment as it is then, and who was on it before.
pub fn take(cx: &Ctx<'_>, id: DeploymentId) -> Result<(Deployment, Option<Taken>), OpError> {
    let known = cx.store.read(|tx| super::known(tx, id))?;
    if known.on_it().is_some_and(|taken| taken.by.human() == cx.actor.person.human()) {
        return Ok((known, None));
    }
    cx.act(Verb::DeploymentTaken, id, |tx| {
        let before = super::known(tx, id)?;
        let waits = before.hold.as_ref().is_some_and(Hold::needs_person) && before.guidance.is_none();
        if before.state != DeploymentState::Lost && !waits {
            return Err(OpError::conflict(format!("{id} waits for nobody: it is {}", before.state_word()))
                .hint(format!("look at it with: relman show {}", id.0)));
        }
        let is_pause = before.hold.as_ref().is_some_and(|hold| !hold.is_trouble());
        whoever_started(cx, &before, if is_pause { Right::Deploy } else { Right::Resolve })?;
        let hold = before.hold.as_ref().map(|hold| hold.number);
        let taken = Taken { hold, by: cx.actor.person.clone(), at: cx.now };
        deployments::take(tx, id, &taken)?;
        let after = deployments::get(tx, id)?;
        let over = before.on_it().cloned();
        let why = over.as_ref().map(|over| format!("takes it over from {}", over.by.human()));
        let entry = cx.entry(Verb::DeploymentTaken, id).because(why.as_deref());
        journal::append(tx, entry.before(&before).after(&after))?;
        Ok((after, over))
    })
}
