//! A person decides how a held deployment goes on. Only its supervisor acts; this leaves the decision where it looks.

use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::hold::{Choice, FollowUp, Guidance, Hold, HoldReason};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::domain::text::free;
use crate::domain::time::wall;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, deployments, journal};

use super::claim::stopping;
use super::{follow_up, whoever_started};

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub deployment: DeploymentId,
    pub choice: Choice,
    /// Mandatory for what leaves the planned course.
    pub reason: Option<String>,
    /// Number of the hold the person was shown; another one is another question.
    pub seen: Option<u32>,
}

/// Exactly one decision counts for a hold: who comes second is told whose it is.
pub fn guide(cx: &Ctx<'_>, wanted: &Decision) -> Result<Deployment, OpError> {
    let (id, choice) = (wanted.deployment, wanted.choice);
    let reason = wanted.reason.as_deref().map(|text| free("reason", text, 2000)).transpose()?;
    let unexplained = || {
        OpError::new(ErrorKind::Usage, format!("{choice} needs a reason")).hint("say it with --reason \"…\"")
    };
    if choice.needs_reason() && reason.is_none() {
        return Err(unexplained());
    }
    cx.act(Verb::DeploymentGuided, id, |tx| {
        let before = super::known(tx, id)?;
        let hold = held(&before, wanted)?;
        may_choose(cx, &before, &hold, choice)?;
        if hold.needs_reason(choice) && reason.is_none() {
            return Err(unexplained());
        }
        if choice == Choice::Promote && matches!(hold.reason, HoldReason::Frozen { .. }) {
            past_freeze(tx, cx, &before)?;
        }
        if choice == Choice::RollBack {
            follow_up::possible(tx, cx, &before)?;
        }
        let by = cx.actor.person.clone();
        let guidance = Guidance { hold: hold.number, choice, by, at: cx.now, reason: reason.clone() };
        if !deployments::guide(tx, id, &guidance)? {
            return Err(OpError::conflict(format!("{id} goes on already")));
        }
        if choice == Choice::RollBack {
            let reason = reason.clone().unwrap_or_default();
            deployments::set_follow_up(tx, id, &FollowUp::wanted(&cx.actor.person, cx.now, reason))?;
        }
        let after = deployments::get(tx, id)?;
        let why = match &reason {
            Some(reason) => format!("{choice}: {reason}"),
            None => choice.to_string(),
        };
        let entry = cx.entry(Verb::DeploymentGuided, id).because(Some(&why));
        journal::append(tx, entry.before(&before).after(&after).detail(&guidance))?;
        Ok(after)
    })
}

/// The hold the decision is about, if it is one that may be decided so.
fn held(d: &Deployment, wanted: &Decision) -> Result<Hold, OpError> {
    let (id, choice) = (d.id, wanted.choice);
    let Some(hold) = d.hold.clone().filter(|_| d.state == DeploymentState::Paused) else {
        let error = OpError::conflict(format!("{id} waits for nobody: it is {}", d.state));
        return Err(match d.state {
            DeploymentState::Lost => {
                error.hint(format!("say how it ended: relman resolve {} succeeded|failed", id.0))
            }
            state if state.is_live() => error.hint(format!("to stop it: relman cancel {}", id.0)),
            _ => error,
        });
    };
    if let Some(cancel) = &d.cancel {
        return Err(OpError::conflict(format!("{id} is being cancelled; {} asked for that", cancel.by)));
    }
    if let Some(known) = &d.guidance {
        return Err(OpError::conflict(format!("{} was faster and chose {}", known.by.name, known.choice)));
    }
    if wanted.seen.is_some_and(|seen| seen != hold.number) {
        return Err(OpError::conflict(format!("{id} waits for something else now: {hold}"))
            .hint("look at it again, then decide"));
    }
    if !hold.choices.contains(&choice) {
        let choices: Vec<&str> = hold.choices.iter().map(|choice| choice.as_str()).collect();
        let why = match choice {
            Choice::Skip if hold.is_trouble() => format!("{} is required: it cannot be skipped", hold.step),
            _ => format!("{choice} is no answer to: {hold}"),
        };
        return Err(OpError::conflict(why).hint(format!("choose one of {}", choices.join(", "))));
    }
    Ok(hold)
}

/// While the freeze lasts that holds it, only those go on who may go past freezes there.
fn past_freeze(tx: &Tx<'_>, cx: &Ctx<'_>, d: &Deployment) -> Result<(), OpError> {
    let stopping = stopping(tx, cx, d)?;
    let Some(HoldReason::Frozen { name, until, zone, .. }) = stopping.first() else { return Ok(()) };
    let Err(no) = whoever_started(cx, d, Right::Override) else { return Ok(()) };
    let end = until
        .map_or_else(|| "no end of it is known".to_owned(), |until| format!("until {}", wall(until, *zone)));
    let sentence = format!("freeze \"{name}\" holds {}, {end}; {}", d.id, no.sentence);
    Err(OpError::new(ErrorKind::Frozen, sentence)
        .hint("wait for its end; fail ends the deployment as it is, roll-back goes back"))
}

/// To go on is to deploy; what failed is also for those who settle failures. Past every pause takes a right of its own.
fn may_choose(cx: &Ctx<'_>, d: &Deployment, hold: &Hold, choice: Choice) -> Result<(), OpError> {
    let right = if hold.is_trouble() { Right::Resolve } else { Right::Deploy };
    whoever_started(cx, d, right)?;
    if choice != Choice::PromoteFull {
        return Ok(());
    }
    whoever_started(cx, d, Right::PromoteFull).map_err(|no| no.hint("promote goes to the next step"))
}
