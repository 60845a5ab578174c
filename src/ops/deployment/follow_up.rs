//! The rollback that follows a deployment: asked for at a hold or with a cancel, or by `on-failure`, begun when the
//! deployment has ended. Whoever records the end begins it; where that did not happen, people see that it is due.

use crate::domain::actor::{Actor, Via};
use crate::domain::deployment::Deployment;
use crate::domain::hold::{Choice, FollowUp};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, deployments, journal};

use super::rollback::{self, StartRollback};

/// Whether there would be anything to go back to: asked before somebody relies on it.
pub fn possible(tx: &Tx<'_>, cx: &Ctx<'_>, d: &Deployment) -> Result<(), OpError> {
    if d.noop {
        return Err(OpError::conflict(format!("{} deploys nothing: there is nothing to go back from", d.id)));
    }
    rollback::target(tx, cx, &d.release.service, &d.environment).map(drop)
}

/// Asks for the rollback by itself, in the name of who started it. Nothing where one is asked for already.
pub fn ask(cx: &Ctx<'_>, id: DeploymentId, epoch: i64, reason: &str) -> Result<(), OpError> {
    cx.store.write_quietly(|tx| {
        let d = super::known(tx, id)?;
        if d.follow_up.is_some() || d.epoch != epoch || d.state.is_over() {
            return Ok(());
        }
        deployments::set_follow_up(tx, id, &FollowUp::wanted(&d.started_by, cx.now, reason.to_owned()))?;
        let after = deployments::get(tx, id)?;
        // The same verb as where a person decides so at a hold: here the configuration has, through the supervisor.
        let why = format!("{}: {reason}", Choice::RollBack);
        journal::append(
            tx,
            cx.entry(Verb::DeploymentGuided, id).because(Some(&why)).before(&d).after(&after),
        )?;
        Ok(())
    })
}

/// Gives it up where it has not begun: a person has said how its deployment ended, and what they do about that is theirs
/// to decide. A supervisor that wakes up later must not act on an older wish.
pub(super) fn give_up(tx: &Tx<'_>, cx: &Ctx<'_>, d: &Deployment) -> Result<(), OpError> {
    if let Some(wanted) = d.follow_up.clone().filter(FollowUp::is_due) {
        deployments::set_follow_up(tx, d.id, &wanted.given_up(cx.actor.name()))?;
    }
    Ok(())
}

/// Begins what is due, or records why it could not begin. That it has begun is recorded with the rollback itself: asked
/// again after a crash, nothing begins twice. An error means that it may be asked again.
pub fn begin(cx: &Ctx<'_>, id: DeploymentId) -> Result<(), OpError> {
    let d = cx.store.read(|tx| super::known(tx, id))?;
    let Some(wanted) = due(&d) else { return Ok(()) };
    let actor = Actor { person: wanted.by.clone(), via: Via::Supervisor, tty: None, client: None, key: None };
    let cx = Ctx { actor: &actor, ..*cx };
    let Err(error) = go_back(&cx, &d, &wanted) else { return Ok(()) };
    // What passes by itself is no answer: it is asked again.
    if matches!(error.kind, ErrorKind::Busy | ErrorKind::Unusable | ErrorKind::Outdated) {
        return Err(error);
    }
    cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        // Recorded and only not launched: then the rollback's own record says so.
        if due(&before).is_none() {
            return Ok(());
        }
        let refused = Some(error.sentence.clone());
        deployments::set_follow_up(tx, id, &FollowUp { refused, ..wanted.clone() })?;
        let after = deployments::get(tx, id)?;
        let entry = cx.entry(Verb::DeploymentGuided, id).before(&before).after(&after);
        journal::append(tx, entry.refused(&error.sentence).detail(&error.report))?;
        Ok(())
    })
}

fn go_back(cx: &Ctx<'_>, d: &Deployment, wanted: &FollowUp) -> Result<(), OpError> {
    let target = cx.store.read(|tx| {
        still_called_for(tx, d)?;
        rollback::target(tx, cx, &d.release.service, &d.environment)
    })?;
    let version = target.release.version;
    let start = StartRollback {
        service: d.release.service.clone(),
        environment: d.environment.clone(),
        confirm: Some(version.to_string()),
        to: Some(version),
        reason: wanted.reason.clone(),
    };
    let recorded = |tx: &Tx<'_>, back: &Deployment| {
        still_called_for(tx, d)?;
        let before = super::known(tx, d.id)?;
        let begun = FollowUp { started: Some(back.id), ..wanted.clone() };
        deployments::set_follow_up(tx, d.id, &begun)?;
        // Every change of a record has an entry: the past is rebuilt from them.
        let why = format!("{}: it begins as {}", Choice::RollBack, back.id);
        let entry = cx.entry(Verb::DeploymentGuided, d.id).because(Some(&why)).before(&before);
        journal::append(tx, entry.after(&deployments::get(tx, d.id)?))?;
        Ok(())
    };
    rollback::rollback_and(cx, &start, recorded).map(drop)
}

/// Time may have passed since the end: somebody may have begun it, given it up, or put something else there.
fn still_called_for(tx: &Tx<'_>, d: &Deployment) -> Result<(), OpError> {
    if due(&super::known(tx, d.id)?).is_none() {
        return Err(OpError::conflict(format!("the rollback after {} has begun or was given up", d.id)));
    }
    match deployments::find_newest(tx, &d.release.service, &d.environment)? {
        Some(newest) if newest.id != d.id => Err(OpError::conflict(format!(
            "{} of {} was put there since: going back from {} would take that away",
            newest.id, newest.release, d.id
        ))),
        _ => Ok(()),
    }
}

/// What is still to be done. Where nothing ran there is nothing to go back from; whoever cancelled in order to go back
/// wants that also when the script was done before it could be stopped.
pub(super) fn due(d: &Deployment) -> Option<FollowUp> {
    let has_ended = d.state.is_over() && d.claimed_at.is_some();
    d.follow_up.clone().filter(|wanted| has_ended && wanted.is_due())
}
