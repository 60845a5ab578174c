//! Deployments that begin later: what a person may ask for. Whether they may begin is asked in [`super::turn`].

use std::time::Duration;

use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::gate::{self, Answer, BlockReason, GateId, GateReport};
use crate::domain::ids::{DeploymentId, TrainName};
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::domain::time::{Timestamp, Tz, span, wall};
use crate::domain::wait::{Outlook, Wait, closed};
use crate::ops::facts::Surroundings;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{StoreError, Tx, journal, pending};

use super::asked::Asked;
use super::turn::candidate;

/// When something is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    /// Nothing: as soon as its gates are open.
    pub at: Option<Timestamp>,
    /// How long it may take from then on until it has begun.
    pub expire: Option<Duration>,
    /// The zone in which the person thinks.
    pub zone: Tz,
    /// Deployments it comes after: each must have succeeded.
    pub after: Vec<DeploymentId>,
    /// The train that takes it along.
    pub train: Option<TrainName>,
    /// Whether it goes there by itself.
    pub delivered: bool,
    /// Whether it goes before others that wait; nothing said: as it is, which is not.
    pub jumps: Option<bool>,
    /// The chain it belongs to, where one that fails takes the unfinished others back.
    pub chain: Option<String>,
}

impl Later {
    /// As soon as everything is open.
    pub fn when_open(zone: Tz) -> Self {
        Self {
            at: None,
            expire: None,
            zone,
            after: Vec::new(),
            train: None,
            delivered: false,
            jumps: None,
            chain: None,
        }
    }

    /// The moment from which on it does not begin any more.
    fn expires(&self, now: Timestamp) -> Result<Timestamp, OpError> {
        let at = self.at.unwrap_or(now);
        if at < now || (self.at.is_some() && at == now) {
            return Err(usage(format!("{} is past", wall(at, self.zone)))
                .hint("name a time to come, or leave it out to deploy now"));
        }
        if at.since(now) > Wait::LONGEST {
            return Err(usage(format!(
                "{} lies more than {} ahead: nobody knows what will be true by then",
                wall(at, self.zone),
                span(Wait::LONGEST)
            )));
        }
        let expire = self.expire.unwrap_or(Wait::DEFAULT_EXPIRY);
        if expire < Duration::from_secs(60) || expire > Wait::LONGEST {
            return Err(usage(format!("an expiry is between 1m and {}", span(Wait::LONGEST))));
        }
        Ok(at.plus(expire))
    }
}

fn usage(sentence: String) -> OpError {
    OpError::new(ErrorKind::Usage, sentence)
}

/// Whether there is nothing to wait for: no time, no closed gate, nobody before it in the queue.
pub(super) fn may_go_now(tx: &Tx<'_>, later: &Later, report: &GateReport) -> Result<bool, StoreError> {
    let is_plain = later.at.is_none()
        && later.after.is_empty()
        && later.train.is_none()
        && later.chain.is_none()
        && !later.delivered;
    let is_free = is_plain && report.allows();
    Ok(is_free && pending::list_of(tx, &report.release.service, &report.environment)?.is_empty())
}

/// The wait a person may have. What can never begin is refused at once; what is only closed now is looked ahead to.
pub(super) fn agree(
    tx: &Tx<'_>,
    later: &Later,
    asked: &Asked,
    variables: Vec<String>,
    now: Timestamp,
) -> Result<Wait, OpError> {
    let expires = later.expires(now)?;
    for first in &later.after {
        let first = super::known(tx, *first)?;
        if first.state.is_over() && first.state != DeploymentState::Succeeded {
            return Err(OpError::conflict(format!(
                "{} did not succeed ({}): nothing comes after it",
                first.id,
                first.state_word()
            )));
        }
    }
    let hopeless = |report: &GateReport| {
        report.closed().any(|check| match &check.answer {
            Answer::Blocked { reason } => is_hopeless(reason),
            _ => false,
        })
    };
    let unfit = |report: &GateReport| report.closed().any(|check| !check.gate.may_be_waited_for());
    if hopeless(&asked.report) || (later.at.is_none() && unfit(&asked.report)) {
        return Err(OpError::gates(asked.report.clone()));
    }
    let outlook = look_ahead(later.at, asked, expires, now)?;
    let waits_for = if later.at.is_none() { closed(&asked.report) } else { Vec::new() };
    Ok(Wait {
        at: later.at,
        expires,
        zone: later.zone,
        after: later.after.clone(),
        train: later.train.clone(),
        delivered: later.delivered,
        jumps: later.jumps.unwrap_or(false),
        chain: later.chain.clone(),
        outlook,
        waits_for,
        variables,
        begun_by: None,
    })
}

/// What no time and no other person opens.
fn is_hopeless(reason: &BlockReason) -> bool {
    matches!(
        reason,
        BlockReason::NotDeployer { .. }
            | BlockReason::NotInPipeline { .. }
            | BlockReason::NoScript { .. }
            | BlockReason::ReleaseOver { .. }
            | BlockReason::Unwitnessed { by_itself: true, .. }
    )
}

/// What will be closed at that time as far as is known now. Refused when the calendar keeps it closed until it expires.
fn look_ahead(
    at: Option<Timestamp>,
    asked: &Asked,
    expires: Timestamp,
    now: Timestamp,
) -> Result<Option<Outlook>, OpError> {
    let Some(at) = at else { return Ok(None) };
    let then = gate::evaluate(&asked.facts, at);
    for check in then.closed().filter(|check| matches!(check.gate, GateId::Freeze | GateId::Window)) {
        let Answer::Blocked { reason } = &check.answer else { continue };
        if let Some(opens) = reason.earliest().filter(|opens| *opens >= expires) {
            let zone = asked.facts.zone;
            return Err(OpError::new(
                ErrorKind::Frozen,
                format!("it would expire at {} and never begin: {reason}", wall(expires, zone)),
            )
            .hint(format!("choose a time from {} on, or a longer --expire", wall(opens, zone))));
        }
    }
    Ok(Some(Outlook { seen: now, closed: closed_ahead(&then) }))
}

/// What is closed in a report about a time to come: who is at work now says nothing about then.
pub(super) fn closed_ahead(report: &GateReport) -> Vec<String> {
    let checks = report.checks.iter().filter(|check| check.gate != GateId::Exclusive).cloned().collect();
    closed(&GateReport { checks, ..report.clone() })
}

/// Gives a deployment that has not begun another time, expiry or place. What was asked for anew is looked at as if it was
/// asked for the first time; what was not named stays as it is.
pub fn reschedule(cx: &Ctx<'_>, id: DeploymentId, later: &Later) -> Result<Deployment, OpError> {
    let known = cx.store.read(|tx| super::known(tx, id))?;
    let service = cx.policy.services.get(&known.release.service);
    // What left the configuration waits for that anyway: nobody can look ahead for it.
    let service = service.filter(|_| cx.policy.environments.contains_key(&known.environment));
    let around = service.map(|service| Surroundings::of(cx, service)).transpose()?;
    cx.act(Verb::DeploymentRescheduled, id, |tx| {
        let before = super::known(tx, id)?;
        let Some(wait) = before.wait.clone().filter(|_| before.state.is_pending()) else {
            return Err(OpError::conflict(format!("{id} is {}: its time is past changing", before.state)));
        };
        super::permitted(cx, &before, Right::Deploy)?;
        let at = later.at.or(wait.at.filter(|_| before.state == DeploymentState::Scheduled));
        let is_timed_anew = later.at.is_some() || later.expire.is_some();
        let expires = match is_timed_anew {
            true => {
                let had = wait.expires.since(wait.at.unwrap_or(before.requested_at)).min(Wait::LONGEST);
                Later { at, expire: later.expire.or(Some(had)), ..later.clone() }.expires(cx.now)?
            }
            false => wait.expires,
        };
        let outlook = match &around {
            Some(around) if is_timed_anew => {
                look_ahead(at, &candidate(tx, cx, &before, around)?.asked, expires, cx.now)?
            }
            // Looked ahead to when its new time comes near.
            _ => wait.outlook.filter(|_| later.at.is_none()),
        };
        let wait = Wait {
            at,
            expires,
            zone: later.zone,
            jumps: later.jumps.unwrap_or(wait.jumps),
            outlook,
            // What it waited for belonged to its old time.
            waits_for: if later.at.is_some() { Vec::new() } else { wait.waits_for },
            ..wait
        };
        let moved = before.clone().waiting(Some(wait.clone()));
        pending::set_wait(tx, id, moved.state, &wait)?;
        let entry = cx.entry(Verb::DeploymentRescheduled, id).because(Some(&wait.to_string()));
        journal::append(tx, entry.before(&before).after(&moved))?;
        Ok(moved)
    })
}
