//! Finds deployments whose supervisor is gone and settles what can be settled. Marks only, never starts.
//!
//! Every relman does this when it starts and every half minute. Whether a supervisor lives is judged by the lock
//! it holds, which works across users, reused pids, reboots and `hidepid`; rows of another machine are left alone.

use crate::domain::deployment::{Cause, Deployment, DeploymentState, Outcome};
use crate::domain::journal::Verb;
use crate::ops::{Ctx, LAUNCH_DEADLINE, Liveness, OpError};
use crate::store::{deployments, journal};

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
    let active = cx.store.read(deployments::list_active)?;
    let mut changed = Vec::new();
    for deployment in active.into_iter().filter(|d| d.state.is_live() && d.host == cx.machine.host()) {
        // Alive or out of reach: nothing to conclude.
        if cx.machine.liveness(deployment.id) == Liveness::Gone {
            changed.extend(settle_orphan(cx, &deployment, orphans)?);
        }
    }
    Ok(changed)
}

fn settle_orphan(
    cx: &Ctx<'_>,
    deployment: &Deployment,
    orphans: Orphans,
) -> Result<Option<Deployment>, OpError> {
    let (id, epoch) = (deployment.id, deployment.epoch);
    let by = cx.actor.name();
    if let Some(outcome) = cx.machine.exit_record(id, epoch) {
        let from = [DeploymentState::Launching, LIVE[0], LIVE[1]];
        let (after, won) = settle(cx, id, epoch, &from, &outcome, Some(by))?;
        return Ok(won.then_some(after));
    }
    if deployment.state == DeploymentState::Launching {
        if cx.now < deployment.requested_at.plus(LAUNCH_DEADLINE) {
            return Ok(None);
        }
        return never_started(cx, deployment);
    }
    let runs = deployment.script.is_some_and(|script| cx.machine.script_runs(script));
    let why = match deployment.script {
        _ if deployment.boot != cx.machine.boot() => "the machine was restarted meanwhile".to_owned(),
        Some(script) if runs => format!("its script still runs as pid {}", script.pid),
        Some(_) => "its script has ended too; how is unknown".to_owned(),
        None => "whether its script began is unknown".to_owned(),
    };
    let cause = Cause::SupervisorGone { why };
    let lost = cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        if !deployments::mark_lost(tx, id, epoch, &cause)? {
            return Ok::<_, OpError>(None);
        }
        let after = deployments::get(tx, id)?;
        let entry = cx.entry(Verb::DeploymentLost, id).because(Some(&cause.to_string()));
        journal::append(tx, entry.before(&before).after(&after))?;
        Ok(Some(after))
    })?;
    if let (Some(_), Some(script), true) = (&lost, deployment.script, runs && orphans == Orphans::Adopt) {
        // The output that waits in the script's pipe can be saved; that it cannot (another user's script, for
        // example) changes nothing about the record.
        let _saved = cx.machine.adopt(id, script);
    }
    Ok(lost)
}

/// The claim is committed before the script is spawned, so an unclaimed deployment has run nothing.
fn never_started(cx: &Ctx<'_>, deployment: &Deployment) -> Result<Option<Deployment>, OpError> {
    let (log_size, log_digest) = cx.machine.log_facts(deployment.id);
    let cancelled = deployment.cancel.as_ref();
    let outcome = Outcome {
        state: if cancelled.is_some() { DeploymentState::Cancelled } else { DeploymentState::Failed },
        cause: match cancelled {
            Some(cancel) => Cause::Cancelled { by: cancel.by.clone() },
            None => Cause::NeverStarted { why: "its supervisor disappeared before it claimed it".to_owned() },
        },
        failed_step: None,
        at: cx.now,
        log_size,
        log_digest,
        log_dropped: 0,
        left_running: Vec::new(),
    };
    let from = [DeploymentState::Launching];
    let (after, won) = settle(cx, deployment.id, deployment.epoch, &from, &outcome, Some(cx.actor.name()))?;
    Ok(won.then_some(after))
}
