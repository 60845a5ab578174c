//! Finds deployments whose supervisor is gone and settles what can be settled. Marks only, never starts.
//!
//! Every relman does this when it starts and every half minute. Whether a supervisor lives is judged by the lock
//! it holds, which works across users, reused pids, reboots and `hidepid`; rows of another machine are left alone.

use crate::domain::deployment::{Cause, Deployment, DeploymentState, Outcome};
use crate::domain::journal::Verb;
use crate::ops::{Ctx, LAUNCH_DEADLINE, Liveness, OpError, build};
use crate::store::{deployments, journal, pending};

use super::finish::{LIVE, settle};

/// What happens to the output of scripts that lost their supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphans {
    /// Save it in the background, where this user may.
    Adopt,
    /// The caller sees to it.
    Leave,
}

/// Looks at every active deployment; returns those whose record changed.
pub fn reconcile(cx: &Ctx<'_>, orphans: Orphans) -> Result<Vec<Deployment>, OpError> {
    // Who only looks settles nothing.
    if cx.policy.readonly {
        return Ok(Vec::new());
    }
    build::reconcile(cx)?;
    let active = cx.store.read(deployments::list_active)?;
    let mut changed = Vec::new();
    for deployment in active.into_iter().filter(|d| d.host == cx.machine.host()) {
        // Alive or out of reach: nothing to conclude.
        if cx.machine.liveness(deployment.id) != Liveness::Gone {
            continue;
        }
        changed.extend(settle_orphan(cx, &deployment)?);
        if orphans == Orphans::Adopt {
            adopt(cx, &deployment);
        }
    }
    for waiting in cx.store.read(pending::list)? {
        let is_over = waiting.wait.as_ref().is_some_and(|wait| wait.is_expired(cx.now));
        let is_here = waiting.host == cx.machine.host();
        if is_over && is_here && cx.machine.liveness(waiting.id) == Liveness::Gone {
            changed.extend(super::turn::miss(cx, waiting.id)?);
        }
    }
    Ok(changed)
}

/// Saves what waits in the pipe of a script that lost its supervisor. Only the user who started it may; so everybody
/// tries, also when somebody else has marked it lost already.
fn adopt(cx: &Ctx<'_>, deployment: &Deployment) {
    let is_here = deployment.boot == cx.machine.boot();
    if let Some(script) = deployment.script.filter(|script| is_here && cx.machine.script_runs(*script)) {
        // That it cannot be saved changes nothing about the record.
        let _saved = cx.machine.adopt(deployment.id, script);
    }
}

fn settle_orphan(cx: &Ctx<'_>, deployment: &Deployment) -> Result<Option<Deployment>, OpError> {
    let (id, epoch) = (deployment.id, deployment.epoch);
    let by = cx.actor.name();
    let foreign = cx.machine.foreign_files(id, deployment.uid);
    let written = if foreign.is_none() { cx.machine.exit_record(id, epoch) } else { None };
    if let Some(outcome) = written {
        // Also what was taken for lost: its supervisor came back, wrote down how it ended, and died.
        let from = [DeploymentState::Launching, LIVE[0], LIVE[1], DeploymentState::Lost];
        let (after, won) = settle(cx, id, epoch, &from, &outcome, Some(by))?;
        return Ok(won.then_some(after));
    }
    if deployment.state == DeploymentState::Lost {
        return Ok(None);
    }
    if deployment.state == DeploymentState::Launching && foreign.is_none() {
        if cx.now < deployment.requested_at.plus(LAUNCH_DEADLINE) {
            return Ok(None);
        }
        return never_started(cx, deployment);
    }
    let runs = deployment.script.is_some_and(|script| cx.machine.script_runs(script));
    let why = match deployment.script {
        _ if let Some(owner) = &foreign => format!("its files were replaced: they belong to {owner}"),
        _ if deployment.boot != cx.machine.boot() => "the machine was restarted meanwhile".to_owned(),
        Some(script) if runs => format!("its script still runs as pid {}", script.pid),
        Some(_) => "its script has ended too; how is unknown".to_owned(),
        None => "whether its script began is unknown".to_owned(),
    };
    let cause = Cause::SupervisorGone { why };
    cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        if !deployments::mark_lost(tx, id, epoch, &cause)? {
            return Ok::<_, OpError>(None);
        }
        let after = deployments::get(tx, id)?;
        let entry = cx.entry(Verb::DeploymentLost, id).because(Some(&cause.to_string()));
        journal::append(tx, entry.before(&before).after(&after))?;
        Ok(Some(after))
    })
}

/// The claim is committed before the script is spawned, so an unclaimed deployment has run nothing.
fn never_started(cx: &Ctx<'_>, deployment: &Deployment) -> Result<Option<Deployment>, OpError> {
    let (state, cause) = match &deployment.cancel {
        Some(cancel) => (DeploymentState::Cancelled, Cause::Cancelled { by: cancel.by.clone() }),
        None => {
            let why = "its supervisor disappeared before it claimed it".to_owned();
            (DeploymentState::Failed, Cause::NeverStarted { why })
        }
    };
    let outcome = Outcome::without_steps(state, cause, cx.now, cx.machine.log_facts(deployment.id));
    let from = [DeploymentState::Launching];
    let (after, won) = settle(cx, deployment.id, deployment.epoch, &from, &outcome, Some(cx.actor.name()))?;
    Ok(won.then_some(after))
}
