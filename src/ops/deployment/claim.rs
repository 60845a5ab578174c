//! What a supervisor writes while it works: the claim, signs of life, steps.

use serde::{Deserialize, Serialize};

use crate::domain::actor::Actor;
use crate::domain::deployment::{
    Beat, CancelRequest, Cause, Deployment, DeploymentState, Outcome, Step, StepState,
};
use crate::domain::freeze::{self, Freeze};
use crate::domain::gate::{self, Answer, GateId, GateReport};
use crate::domain::hold::{Guidance, Hold, HoldReason};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::lock::Lock;
use crate::ops::facts::{self, Surroundings, Wish};
use crate::ops::{Ctx, Liveness, OpError};
use crate::store::{Tx, deployments, journal, locks, releases, steps};

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// It is ours: run.
    Go,
    /// Not to be run, and settled already: cancelled before it began, or a gate closed meanwhile.
    Ended { why: String },
    /// Somebody else has it, or it is over.
    NotOurs { why: String },
}

/// launching → running, exactly once. Asks the gates again: a freeze or a withdrawn approval between the start
/// and the claim still counts.
///
/// May be asked again by the same supervisor when the answer got lost: a deployment that is claimed and has not begun is
/// still its own, for there is only one supervisor (it holds the lock of the deployment's directory, which only one could
/// make). Where none lives, nothing is claimed.
pub fn claim(cx: &Ctx<'_>, id: DeploymentId, epoch: i64) -> Result<Claim, OpError> {
    let log = cx.machine.log_facts(id);
    let around = cx.store.read(|tx| super::known(tx, id))?.release.service;
    let around = Surroundings::of(cx, cx.service(&around)?)?;
    let lives = cx.machine.liveness(id) == Liveness::Alive;
    cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        if !lives {
            return Ok(Claim::NotOurs { why: format!("the supervisor of {id} is gone") });
        }
        if before.epoch == epoch && before.state == DeploymentState::Running && has_not_begun(tx, &before)? {
            return Ok(Claim::Go);
        }
        if before.epoch != epoch || before.state != DeploymentState::Launching {
            let why = format!("{id} is {} in epoch {}", before.state, before.epoch);
            return Ok(Claim::NotOurs { why });
        }
        if let Some(cancel) = &before.cancel {
            let cause = Cause::Cancelled { by: cancel.by.clone() };
            let outcome = Outcome::without_steps(DeploymentState::Cancelled, cause, cx.now, log.clone());
            settle_unclaimed(tx, cx, &before, &outcome, None)?;
            return Ok(Claim::Ended { why: format!("cancelled by {} before it began", cancel.by) });
        }
        if let Some((why, report)) = closed_meanwhile(tx, cx, &before, &around)? {
            let cause = Cause::Refused { why: why.clone() };
            let outcome = Outcome::without_steps(DeploymentState::Failed, cause, cx.now, log.clone());
            settle_unclaimed(tx, cx, &before, &outcome, Some(&report))?;
            return Ok(Claim::Ended { why });
        }
        deployments::claim(tx, id, epoch, cx.now)?;
        let after = deployments::get(tx, id)?;
        journal::append(tx, cx.entry(Verb::DeploymentClaimed, id).before(&before).after(&after))?;
        if !after.noop {
            super::turn::supersede_older(tx, cx, &after)?;
        }
        Ok(Claim::Go)
    })
}

fn has_not_begun(tx: &Tx<'_>, d: &Deployment) -> Result<bool, OpError> {
    let steps = steps::list_of(tx, d.id)?;
    Ok(d.script.is_none() && steps.iter().all(|step| step.started_at.is_none()))
}

/// Ends it before anything ran; `report`: what the gates said, when they refused it.
fn settle_unclaimed(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    before: &Deployment,
    outcome: &Outcome,
    report: Option<&GateReport>,
) -> Result<(), OpError> {
    deployments::finish(tx, before.id, before.epoch, &[DeploymentState::Launching], outcome, None)?;
    let after = deployments::get(tx, before.id)?;
    let why = outcome.cause.to_string();
    let entry = cx.entry(Verb::DeploymentFinished, before.id).before(before).after(&after);
    let entry = match report {
        Some(report) => {
            deployments::set_report(tx, before.id, report)?;
            entry.refused(&why).detail(report)
        }
        None => entry.because(Some(&why)),
    };
    journal::append(tx, entry)?;
    Ok(())
}

/// The gates once more, as the person who started it. `None`: still open, for the same content.
fn closed_meanwhile(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    before: &Deployment,
    around: &Surroundings,
) -> Result<Option<(String, GateReport)>, OpError> {
    let service = cx.service(&before.release.service)?;
    let environment = facts::environment(cx, &before.environment)?;
    let release = releases::get(tx, &before.release)?;
    let starter = Actor { person: before.started_by.clone(), ..cx.actor.clone() };
    let (overrides, dropped) = super::overrides_of(cx, before, environment, &around.roster);
    let wish = Wish {
        release: &release,
        service,
        environment,
        kind: before.kind,
        rescue: before.rescue,
        actor: &starter,
        starts: true,
        overrides: &overrides,
        automatic: false,
        noop: before.noop && before.toggle.is_none(),
        toggle: before.toggle.as_ref(),
        except: Some(before.id),
    };
    let facts = facts::for_deploy(tx, cx, &wish, around)?;
    let report = gate::evaluate(&facts, cx.now);
    if report.subject != before.subject {
        let why = super::changed(tx, before, &facts.content, "between the start and now")?;
        return Ok(Some((why, report)));
    }
    if report.allows() {
        return Ok(None);
    }
    let why = OpError::gates(report.clone()).sentence;
    let why = dropped.map_or_else(|| why.clone(), |dropped| format!("{why}; {dropped}"));
    Ok(Some((why, report)))
}

/// What a sign of life brings back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Whether the deployment is still ours; `false` after somebody settled it.
    pub ours: bool,
    /// Whether it is over by somebody else's word: then nothing more may be run for it.
    pub settled: bool,
    pub cancel: Option<CancelRequest>,
    /// What a person decided about the hold.
    pub guidance: Option<Guidance>,
}

/// A sign of life; brings back a request to stop.
pub fn beat(cx: &Ctx<'_>, id: DeploymentId, epoch: i64, beat: &Beat) -> Result<Pulse, OpError> {
    cx.store.write_quietly(|tx| {
        let ours = deployments::beat(tx, id, epoch, beat, cx.now)?;
        let now = super::known(tx, id)?;
        Ok(Pulse { ours, settled: is_settled(&now, epoch), cancel: now.cancel, guidance: now.guidance })
    })
}

/// The time of a pause has passed: it ends, unless a person has decided about it or asked for the end by then. What was
/// accepted counts, also where the supervisor has not heard of it yet, so it hears that first.
pub fn end_pause(cx: &Ctx<'_>, id: DeploymentId, epoch: i64, hold: u32) -> Result<Pulse, OpError> {
    cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        let held = before.hold.as_ref().filter(|held| held.number == hold);
        let is_open = before.guidance.is_none() && before.cancel.is_none();
        if let Some(held) = held.filter(|_| is_open)
            && deployments::release_hold(tx, id, epoch)?
        {
            let after = deployments::get(tx, id)?;
            let entry = cx.entry(Verb::DeploymentResumed, id).because(Some(&held.step));
            journal::append(tx, entry.before(&before).after(&after))?;
        }
        let ours = before.epoch == epoch && before.state.is_live();
        let settled = is_settled(&before, epoch);
        Ok(Pulse { ours, settled, cancel: before.cancel, guidance: before.guidance })
    })
}

/// Only looks whether somebody asked for the end: far cheaper than a write, done many times a second.
pub fn pulse(cx: &Ctx<'_>, id: DeploymentId, epoch: i64) -> Result<Pulse, OpError> {
    let now = cx.store.read(|tx| super::known(tx, id))?;
    let ours = now.epoch == epoch && now.state.is_live();
    Ok(Pulse { ours, settled: is_settled(&now, epoch), cancel: now.cancel, guidance: now.guidance })
}

fn is_settled(d: &Deployment, epoch: i64) -> bool {
    d.epoch != epoch || d.state.is_over()
}

/// Records how far a step has come; one that runs ends the hold before it.
pub fn step(cx: &Ctx<'_>, id: DeploymentId, epoch: i64, step: &Step) -> Result<bool, OpError> {
    cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        if step.state == StepState::Running && deployments::release_hold(tx, id, epoch)? {
            let after = deployments::get(tx, id)?;
            let entry = cx.entry(Verb::DeploymentResumed, id).because(Some(&step.plan.name));
            journal::append(tx, entry.before(&before).after(&after))?;
        }
        Ok(steps::update(tx, id, epoch, step)?)
    })
}

/// Records that it waits, why, and what may be decided about that.
pub fn hold(cx: &Ctx<'_>, id: DeploymentId, epoch: i64, hold: &Hold) -> Result<bool, OpError> {
    cx.store.write_quietly(|tx| {
        let before = super::known(tx, id)?;
        // Asked again because the answer got lost.
        let is_known = before.hold.as_ref().is_some_and(|known| known.number == hold.number);
        if is_known || !deployments::hold(tx, id, epoch, hold)? {
            return Ok(is_known);
        }
        let after = deployments::get(tx, id)?;
        let entry = cx.entry(Verb::DeploymentPaused, id).because(Some(&hold.to_string()));
        journal::append(tx, entry.before(&before).after(&after))?;
        Ok(true)
    })
}

/// The freezes that hold it before its next step, each with what a hold says about it (FRZ-3). What was let past the
/// freeze gate when it began is let past here: rollbacks, hotfixes that skip it, overrides.
pub fn frozen(cx: &Ctx<'_>, id: DeploymentId) -> Result<Vec<HoldReason>, OpError> {
    cx.store.read(|tx| {
        let d = super::known(tx, id)?;
        stopping(tx, cx, &d)
    })
}

pub(super) fn stopping(tx: &Tx<'_>, cx: &Ctx<'_>, d: &Deployment) -> Result<Vec<HoldReason>, OpError> {
    let report = deployments::report_of(tx, d.id)?;
    let at_start = report.checks.iter().find(|check| check.gate == GateId::Freeze).map(|check| &check.answer);
    if matches!(at_start, Some(Answer::Skipped { .. } | Answer::Overridden { .. })) {
        return Ok(Vec::new());
    }
    // What waited began by itself.
    let mut freezes = facts::freezes(tx, cx)?;
    freezes.retain(|freeze| freeze.applies(d.wait.is_some()));
    let (stopping, until) = freeze::stopping(&freezes, &d.release.service, &d.environment, cx.now);
    let hold = |freeze: &Freeze| HoldReason::Frozen {
        name: freeze.name.clone(),
        why: freeze.reason.clone(),
        until,
        zone: freeze.zone,
        occurrence: freeze.occurrence(cx.now),
    };
    Ok(stopping.into_iter().map(hold).collect())
}

/// Who has locked the environment meanwhile against whoever started the deployment: then nothing of it is tried again by
/// itself.
pub fn locked(cx: &Ctx<'_>, id: DeploymentId) -> Result<Option<String>, OpError> {
    cx.store.read(|tx| {
        let d = super::known(tx, id)?;
        let covers = |lock: &Lock| lock.scope.covers(&d.release.service, &d.environment);
        let standing = locks::list_standing(tx, cx.now)?;
        let stopping = standing.into_iter().find(|lock| covers(lock) && lock.stops(&d.started_by, false));
        Ok(stopping.map(|lock| lock.sentence(cx.policy.zone)))
    })
}
