//! Revives deployments that wait and lost the process that waits for them: to a reboot, to a kill, to an upgrade.
//!
//! Done by `relman tick` (a timer or cron) and by every open relman. Only what the same user asked for: a script must not
//! run under the name of whoever happened to look. Two that tick at once start two processes, of which one finds the
//! deployment's lock held and ends.

use serde::Serialize;

use crate::domain::deployment::Deployment;
use crate::domain::ids::DeploymentId;
use crate::domain::train::Departure;
use crate::ops::monitor::{self, Whose};
use crate::ops::{Ctx, ErrorKind, Liveness, OpError, delivery, hook, train};
use crate::store::{pending, releases};

use super::reconcile::{Orphans, reconcile};
use super::ticket;

/// What a tick did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ticked {
    /// Settled because nobody was there: lost, missed, taken from an exit record.
    pub settled: Vec<Deployment>,
    /// Waits again.
    pub revived: Vec<DeploymentId>,
    /// Trains that were due.
    pub departures: Vec<Departure>,
    /// Sent where they go by themselves.
    pub delivered: Vec<DeploymentId>,
    /// Could not be revived, and why.
    pub failed: Vec<(DeploymentId, String)>,
    /// Trains and deliveries that could not be sent off, and why.
    pub standing: Vec<String>,
    /// Whether hooks are to be told something now.
    #[serde(skip)]
    pub hooks_due: bool,
}

/// Settles what can be settled and revives what waits.
pub fn tick(cx: &Ctx<'_>) -> Result<Ticked, OpError> {
    if cx.policy.readonly {
        return Ok(Ticked::default());
    }
    let settled = reconcile(cx, Orphans::Adopt)?;
    let mut ticked = Ticked { settled, ..Ticked::default() };
    for (train, departed) in train::send_off(cx) {
        match departed {
            Ok(departure) => ticked.departures.push(departure),
            Err(error) => ticked.standing.push(format!("train {train} could not depart: {}", error.sentence)),
        }
    }
    for (service, env, sent) in delivery::deliver(cx) {
        match sent {
            Ok(id) => ticked.delivered.push(id),
            Err(error) => {
                ticked
                    .standing
                    .push(format!("{service} could not be delivered to {env}: {}", error.sentence));
            }
        }
    }
    for d in abandoned(cx)?.into_iter().filter(|d| d.uid == cx.machine.runs_as(&cx.actor.person)) {
        match revive(cx, &d) {
            Ok(()) => ticked.revived.push(d.id),
            // Another tick was faster: then it waits, which is all that is wanted.
            Err(_) if cx.machine.liveness(d.id) == Liveness::Alive => ticked.revived.push(d.id),
            Err(error) => ticked.failed.push((d.id, error.sentence)),
        }
    }
    match monitor::is_due(cx, Whose::of(cx.actor.via)) {
        Ok(true) => cx.machine.outside().send_measurer(Whose::of(cx.actor.via)),
        Ok(false) => {}
        Err(error) => ticked.standing.push(format!("monitors could not be looked after: {}", error.sentence)),
    }
    match hook::sort(cx) {
        Ok(due) => ticked.hooks_due = due,
        Err(error) => ticked.standing.push(format!("hooks could not be looked after: {}", error.sentence)),
    }
    Ok(ticked)
}

/// Deployments on this machine that wait and have no process that waits for them, whoever asked for them.
pub fn abandoned(cx: &Ctx<'_>) -> Result<Vec<Deployment>, OpError> {
    let waiting = cx.store.read(pending::list)?;
    let is_alone = |d: &Deployment| cx.machine.liveness(d.id) == Liveness::Gone;
    Ok(waiting.into_iter().filter(|d| d.host == cx.machine.host() && is_alone(d)).collect())
}

fn revive(cx: &Ctx<'_>, d: &Deployment) -> Result<(), OpError> {
    let service = cx.service(&d.release.service)?;
    let wait = d.wait.clone().ok_or_else(|| OpError::not_found(format!("what {} waits for", d.id)))?;
    let set = cx.machine.set_variables(&wait.variables);
    let unset: Vec<&str> =
        wait.variables.iter().filter(|name| !set.contains(name)).map(String::as_str).collect();
    if !unset.is_empty() {
        return Err(OpError::new(
            ErrorKind::Failure,
            format!(
                "{} needs {}, which was set where it was asked for and is not set here",
                d.id,
                unset.join(", ")
            ),
        )
        .hint("run relman tick where it is set, or cancel it and ask for it again"));
    }
    let lost: Vec<&str> =
        d.answers.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect();
    if !lost.is_empty() {
        return Err(OpError::new(
            ErrorKind::Failure,
            format!(
                "{} needs its secret answer {}, which was kept nowhere and went with the process that waited",
                d.id,
                lost.join(", ")
            ),
        )
        .hint(format!("call it off and ask for it again: relman cancel {}", d.id.0)));
    }
    let release = cx.store.read(|tx| releases::get(tx, &d.release))?;
    let ticket = ticket::write(d, &release, service, Vec::new(), Vec::new());
    cx.machine.launch(&ticket).map_err(|why| {
        OpError::new(ErrorKind::Failure, format!("the process that waits for {} did not start: {why}", d.id))
    })
}
