//! Whose turn it is: asked again and again by the supervisor of a deployment that has not begun.
//!
//! The rule is one for all that wait, whether for a time or in a queue: from its time until it expires it begins as soon
//! as every gate is open for who asked for it, for the content they asked for, and nobody goes before it. Nothing it waits
//! for is held meanwhile: the environment is taken last (APR-13). What turned it into another thing ends it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::actor::Actor;
use crate::domain::deployment::{
    Cause, Deployment, DeploymentKind, DeploymentState, Outcome, ProcessRef, StepState,
};
use crate::domain::gate::{self, GateReport, approvals};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::policy::Service;
use crate::domain::prompt::{self, Answers, AskedOf, BadAnswer};
use crate::domain::release::ReleaseState;
use crate::domain::strategy::StepPlan;
use crate::domain::time::Timestamp;
use crate::domain::wait::{Outlook, Wait, closed};
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, Liveness, OpError, change};
use crate::store::{Tx, deployments, journal, pending, releases, steps};

use super::asked::{Asked, Errand, Place, ask, draft};
use super::later::closed_ahead;
use super::{Ticket, chain, ticket};

/// What a deployment that waits is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Not yet: what it waits for, when something is known to change, and until when it waits at all.
    Wait { until: Timestamp, expires: Timestamp, says: Vec<String> },
    /// It has begun: run.
    Go(Box<Ticket>),
    /// It is over without having begun.
    Ended { why: String },
    /// Somebody else has it, or it is over.
    NotOurs { why: String },
}

/// The states in which nothing has run.
pub const PENDING: [DeploymentState; 2] = [DeploymentState::Scheduled, DeploymentState::Waiting];

/// Asks for the deployment's turn and records what comes of it. May be asked again by the same process when the answer
/// got lost.
pub fn turn(cx: &Ctx<'_>, id: DeploymentId, by: ProcessRef) -> Result<Turn, OpError> {
    let d = cx.store.read(|tx| super::known(tx, id))?;
    if let Some(wait) = d.wait.as_ref().filter(|wait| d.state.is_pending() && is_idle(wait, cx.now)) {
        return Ok(asleep(&d, wait));
    }
    let (service, environment) = (&d.release.service, &d.environment);
    let Some(service) = cx.policy.services.get(service) else {
        return unconfigured(cx, &d, service.as_str());
    };
    if !cx.policy.environments.contains_key(environment) {
        return unconfigured(cx, &d, &format!("environment {environment}"));
    }
    let around = Surroundings::of(cx, service)?;
    let is_alive = cx.machine.liveness(id) == Liveness::Alive;
    // Every change of the store lets everybody who waits ask again: to learn that nothing came of it must not keep others
    // from writing.
    let seen = cx.store.read(|tx| look(tx, cx, id, is_alive, &around))?;
    if see_about_change(cx, &seen)? {
        return Ok(ask_anew(cx, &seen));
    }
    if let Some(turn) = seen.unchanged() {
        return Ok(turn);
    }
    let log = cx.machine.log_facts(id);
    cx.store.write_quietly(|tx| {
        let Seen { d, found } = look(tx, cx, id, is_alive, &around)?;
        let Some(wait) = d.wait.clone() else { return Ok(not_ours(format!("{id} waits for nothing"))) };
        match found {
            Found::NotOurs(why) => Ok(not_ours(why)),
            Found::Begun => begun_already(tx, cx, &d, &wait, by, &around),
            Found::Over(state, cause, report) => end(tx, cx, &d, state, cause, &log, report.as_deref()),
            Found::TimeToLook(asked) => look_ahead(tx, cx, &d, &wait, &asked),
            Found::Ready(asked) => begin(tx, cx, &d, wait, &asked, by, &around),
            Found::Hindered { says, until } => go_on_waiting(tx, cx, &d, wait, says, until),
        }
    })
}

/// How often the change ticket of what waits is asked about.
const ASK_ABOUT_CHANGE: Duration = Duration::from_secs(60);

/// What is due is asked about once a minute, and once more right before it begins; where there is no ticket one is made
/// (SCH-2). Says whether it was asked about.
fn see_about_change(cx: &Ctx<'_>, seen: &Seen) -> Result<bool, OpError> {
    let d = &seen.d;
    match seen.found {
        Found::Ready(_) => change::refresh_to_begin(cx, d),
        Found::Hindered { .. } => change::refresh_or_make(cx, &d.release, &d.environment, ASK_ABOUT_CHANGE),
        _ => Ok(false),
    }
}

/// An answer may have taken minutes: a freeze may have begun, an approval may have ended. Nothing begins by a clock that was
/// read before, so the turn is asked for once more, at the time it has become.
fn ask_anew(cx: &Ctx<'_>, seen: &Seen) -> Turn {
    let expires = seen.d.wait.as_ref().map_or(cx.now, |wait| wait.expires);
    let says = match &seen.found {
        Found::Hindered { says, .. } => says.clone(),
        _ => vec!["its change ticket has been asked about; every gate is asked once more".to_owned()],
    };
    Turn::Wait { until: cx.now, expires, says }
}

fn not_ours(why: String) -> Turn {
    Turn::NotOurs { why }
}

/// How it stands with a deployment that waits.
struct Seen {
    d: Deployment,
    found: Found,
}

enum Found {
    NotOurs(String),
    /// It began, and who began it may not have heard that.
    Begun,
    /// It does not begin any more.
    Over(DeploymentState, Cause, Option<Box<GateReport>>),
    /// Its time has not come, but is near.
    TimeToLook(Box<Asked>),
    Ready(Box<Asked>),
    Hindered {
        says: Vec<String>,
        until: Timestamp,
    },
}

impl Seen {
    /// What is to be said where nothing is to be done.
    fn unchanged(&self) -> Option<Turn> {
        match &self.found {
            Found::NotOurs(why) => Some(not_ours(why.clone())),
            Found::Hindered { says, until } => {
                let wait = self.d.wait.as_ref().filter(|wait| wait.waits_for == *says)?;
                let is_known = self.d.state == DeploymentState::Waiting;
                is_known.then(|| Turn::Wait { until: *until, expires: wait.expires, says: says.clone() })
            }
            _ => None,
        }
    }
}

/// Looks how it stands, and changes nothing.
fn look(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    id: DeploymentId,
    is_alive: bool,
    around: &Surroundings,
) -> Result<Seen, OpError> {
    let d = super::known(tx, id)?;
    let seen = |found| Seen { d: d.clone(), found };
    let Some(wait) = &d.wait else { return Ok(seen(Found::NotOurs(format!("{id} waits for nothing")))) };
    if !is_alive {
        return Ok(seen(Found::NotOurs(format!("the supervisor of {id} is gone"))));
    }
    if !d.state.is_pending() {
        return Ok(seen(Found::Begun));
    }
    if wait.is_expired(cx.now) {
        let why = if wait.waits_for.is_empty() { no_look() } else { wait.waits_for.join("; ") };
        return Ok(seen(Found::Over(DeploymentState::Missed, Cause::Missed { why }, None)));
    }
    let Candidate { over, asked, dropped } = candidate(tx, cx, &d, around)?;
    let report = || Some(Box::new(asked.report.clone()));
    if let Some(why) = over {
        return Ok(seen(Found::Over(DeploymentState::Failed, Cause::Refused { why }, report())));
    }
    if !wait.is_due(cx.now) {
        return Ok(seen(Found::TimeToLook(Box::new(asked))));
    }
    if let Some(by) = overtaken(&d, &asked) {
        return Ok(seen(Found::Over(DeploymentState::Superseded, Cause::Superseded { by }, report())));
    }
    let mut says = match predecessors(tx, wait)? {
        Before::Done => closed_to(&asked.report, dropped),
        Before::Open(says) => says,
        Before::Failed(cause) => return Ok(seen(Found::Over(DeploymentState::Cancelled, cause, None))),
    };
    if says.is_empty() {
        says.extend(first_in_line(tx, cx, &d, around)?);
    }
    if says.is_empty() {
        return Ok(seen(Found::Ready(Box::new(asked))));
    }
    let until = asked.report.earliest.unwrap_or(wait.expires).min(wait.expires);
    Ok(seen(Found::Hindered { says, until }))
}

/// What is closed, with what was to open it and does no more.
fn closed_to(report: &GateReport, dropped: Option<String>) -> Vec<String> {
    let mut says = closed(report);
    if !says.is_empty() {
        says.extend(dropped);
    }
    says
}

fn no_look() -> String {
    "nothing was there to begin it in time (its waiting process was gone)".to_owned()
}

/// Whether nothing can have come of it yet.
fn is_idle(wait: &Wait, now: Timestamp) -> bool {
    !wait.is_due(now) && !wait.is_expired(now) && !wait.wants_outlook(now)
}

fn asleep(d: &Deployment, wait: &Wait) -> Turn {
    let at = wait.at.unwrap_or(wait.expires);
    let ahead = at.minus(Wait::LOOK_AHEAD);
    let is_looked = wait.outlook.as_ref().is_some_and(|outlook| outlook.seen >= ahead);
    let says = vec![format!("{} to {} {wait}", d.release, d.environment)];
    let until = if is_looked { at } else { ahead.max(d.requested_at) };
    Turn::Wait { until, expires: wait.expires, says }
}

/// It waits on: a mistake in the configuration may be mended in time.
fn unconfigured(cx: &Ctx<'_>, d: &Deployment, what: &str) -> Result<Turn, OpError> {
    let id = d.id;
    let says = vec![format!("{what} is not in relman.toml")];
    let log = cx.machine.log_facts(id);
    cx.store.write_quietly(|tx| {
        let d = super::known(tx, id)?;
        let Some(wait) = d.wait.clone().filter(|_| d.state.is_pending()) else {
            return Ok(Turn::NotOurs { why: format!("{id} is {}", d.state) });
        };
        if wait.is_expired(cx.now) {
            let cause = Cause::Missed { why: says.join("; ") };
            return end(tx, cx, &d, DeploymentState::Missed, cause, &log, None);
        }
        Ok(Turn::Wait { until: wait.expires, expires: wait.expires, says: says.clone() })
    })
}

/// What would begin now, asked as the person who asked for it.
pub(super) struct Candidate {
    /// Why it can never begin: the release is given up, or it is not what was asked for any more.
    over: Option<String>,
    pub asked: Asked,
    /// Why gates that were opened for it on record are asked again.
    dropped: Option<String>,
}

pub(super) fn candidate(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    d: &Deployment,
    around: &Surroundings,
) -> Result<Candidate, OpError> {
    let service = cx.service(&d.release.service)?;
    let environment = facts::environment(cx, &d.environment)?;
    let starter = Actor { person: d.started_by.clone(), ..cx.actor.clone() };
    let cx = Ctx { actor: &starter, ..*cx };
    let release = releases::get(tx, &d.release)?;
    let (overrides, dropped) = super::overrides_of(&cx, d, environment, &around.roster);
    let place = Place { service, environment, around, starts: true, automatic: true };
    let asked = ask(tx, &cx, &place, &release, Errand::Deploy, &overrides)?;
    let changed = asked.report.subject != d.subject;
    // Where the steps are others now it does not begin anyway.
    let asked = if changed { asked } else { asked.without(&d.left_out)? };
    let is_gone = matches!(release.state, ReleaseState::Cancelled | ReleaseState::Rejected);
    let over = match (is_gone, changed) {
        (true, _) => Some(format!("the release is {}", release.state)),
        (false, true) => Some(super::changed(tx, d, &asked.facts.content, "since it was asked for")?),
        (false, false) => None,
    };
    Ok(Candidate { over, asked, dropped })
}

/// What was put there meanwhile, so that this would take it back, or only repeat it (PIP-8).
fn overtaken(d: &Deployment, asked: &Asked) -> Option<DeploymentId> {
    let is_other = asked.report.kind != d.kind && asked.report.kind != DeploymentKind::Deploy;
    asked.live.as_ref().filter(|_| is_other).map(|live| live.id)
}

/// How far the deployments are that it comes after.
enum Before {
    Done,
    Open(Vec<String>),
    Failed(Cause),
}

/// A failed one stops what depends on it (EXE-25); of a lost one a person says how it ended.
fn predecessors(tx: &Tx<'_>, wait: &Wait) -> Result<Before, OpError> {
    let mut open = Vec::new();
    for id in &wait.after {
        let first = super::known(tx, *id)?;
        if first.state.is_over() && first.state != DeploymentState::Succeeded {
            let ended = first.state_word().to_owned();
            return Ok(Before::Failed(Cause::Unmet { first: *id, ended }));
        }
        if first.state != DeploymentState::Succeeded {
            let settle = if first.state == DeploymentState::Lost { ": settle it" } else { "" };
            open.push(format!("chain: {id} ({}) comes first and is {}{settle}", first.release, first.state));
        }
    }
    Ok(if open.is_empty() { Before::Done } else { Before::Open(open) })
}

/// Who goes first, if somebody does: one that is ready as well and whose supervisor lives.
fn first_in_line(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    d: &Deployment,
    around: &Surroundings,
) -> Result<Option<String>, OpError> {
    let order = facts::environment(cx, &d.environment)?.queue;
    for other in pending::list_of(tx, &d.release.service, &d.environment)? {
        let is_before = other.id != d.id && order.prefers(other.rank(), d.rank());
        if is_before && cx.machine.liveness(other.id) != Liveness::Gone && is_ready(tx, cx, &other, around)? {
            let why = if other.rank().jumps { "it was put first".to_owned() } else { order.to_string() };
            return Ok(Some(format!("queue: {} goes first ({why})", other.id)));
        }
    }
    Ok(None)
}

/// Whether it would begin now if nobody went before it: one that cannot holds nobody up.
fn is_ready(tx: &Tx<'_>, cx: &Ctx<'_>, d: &Deployment, around: &Surroundings) -> Result<bool, OpError> {
    let Some(wait) = d.wait.as_ref().filter(|wait| wait.is_due(cx.now) && !wait.is_expired(cx.now)) else {
        return Ok(false);
    };
    if !matches!(predecessors(tx, wait)?, Before::Done) {
        return Ok(false);
    }
    let Candidate { over, asked, .. } = candidate(tx, cx, d, around)?;
    Ok(over.is_none() && asked.report.allows() && overtaken(d, &asked).is_none())
}

fn look_ahead(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    d: &Deployment,
    wait: &Wait,
    asked: &Asked,
) -> Result<Turn, OpError> {
    let at = wait.at.unwrap_or(wait.expires);
    let closed = closed_ahead(&gate::evaluate(&asked.facts, at));
    let is_news = !closed.is_empty();
    let wait = Wait { outlook: Some(Outlook { seen: cx.now, closed: closed.clone() }), ..wait.clone() };
    pending::set_wait(tx, d.id, d.state, &wait)?;
    if is_news {
        let after = deployments::get(tx, d.id)?;
        let entry = cx.entry(Verb::DeploymentLookedAhead, d.id).because(Some(&closed.join("; ")));
        journal::append(tx, entry.before(d).after(&after))?;
    }
    let first = format!("{} to {} {wait}", d.release, d.environment);
    let says = std::iter::once(first)
        .chain(closed.into_iter().map(|gate| format!("closed as things stand: {gate}")));
    Ok(Turn::Wait { until: at, expires: wait.expires, says: says.collect() })
}

fn go_on_waiting(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    d: &Deployment,
    wait: Wait,
    says: Vec<String>,
    until: Timestamp,
) -> Result<Turn, OpError> {
    let expires = wait.expires;
    if d.state != DeploymentState::Waiting || wait.waits_for != says {
        let wait = Wait { waits_for: says.clone(), ..wait };
        pending::set_wait(tx, d.id, DeploymentState::Waiting, &wait)?;
        // What it waits for in particular is no act; that it waits is one.
        if d.state != DeploymentState::Waiting {
            let after = deployments::get(tx, d.id)?;
            let entry = cx.entry(Verb::DeploymentWaits, d.id).because(Some(&says.join("; ")));
            journal::append(tx, entry.before(d).after(&after))?;
        }
    }
    Ok(Turn::Wait { until, expires, says })
}

/// Takes the environment and begins, in one transaction with the last look at the gates.
fn begin(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    before: &Deployment,
    wait: Wait,
    asked: &Asked,
    by: ProcessRef,
    around: &Surroundings,
) -> Result<Turn, OpError> {
    let service = cx.service(&before.release.service)?;
    let environment = facts::environment(cx, &before.environment)?;
    let release = releases::get(tx, &before.release)?;
    let answers = match answered(cx, asked, service, before) {
        Ok(answers) => answers,
        Err(bad) => {
            let says = vec![format!(
                "{bad}; nobody who approves is asked: ask for it anew, with --set {}=…",
                bad.name
            )];
            let until = wait.expires;
            return go_on_waiting(tx, cx, before, wait, says, until);
        }
    };
    let place = Place { service, environment, around, starts: true, automatic: true };
    let now = draft(tx, cx, &place, &release, asked)?;
    let begun = Deployment {
        id: before.id,
        state: DeploymentState::Running,
        reason: before.reason.clone(),
        answers,
        on_failure: before.on_failure,
        started_by: before.started_by.clone(),
        requested_at: before.requested_at,
        uid: before.uid,
        claimed_at: Some(cx.now),
        wait: Some(Wait { begun_by: Some(by), waits_for: Vec::new(), ..wait }),
        ..now
    };
    pending::begin(tx, &begun, &asked.planned(), &asked.report)?;
    let after = deployments::get(tx, before.id)?;
    let entry = cx.entry(Verb::DeploymentClaimed, before.id).before(before).after(&after);
    journal::append(tx, entry.detail(&asked.report))?;
    supersede_older(tx, cx, &after)?;
    let ticket =
        ticket::write(&after, &release, service, asked.steps.clone(), around.scripts.files_for(&asked.steps));
    Ok(Turn::Go(Box::new(ticket)))
}

/// What was answered when it was asked for, and what those said since who approved it. Where no approver is asked any more
/// what was theirs to say is missing.
fn answered(
    cx: &Ctx<'_>,
    asked: &Asked,
    service: &Service,
    before: &Deployment,
) -> Result<BTreeMap<String, Option<String>>, BadAnswer> {
    let theirs = AskedOf::Approver.of(&service.prompts);
    let known = before.answers.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    let said = match approvals::answers(&asked.facts, cx.now) {
        Some(said) => said,
        None => known.filter(|(name, _)| theirs.iter().any(|prompt| prompt.name == *name)).collect(),
    };
    let settled = prompt::settle(&theirs, &Answers(said))?;
    let mut all = before.answers.clone();
    all.extend(settled.0.into_iter().map(|(name, value)| (name, Some(value))));
    Ok(all)
}

/// Asked again because the answer got lost: the process that began it is told the same until something has run.
fn begun_already(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    d: &Deployment,
    wait: &Wait,
    by: ProcessRef,
    around: &Surroundings,
) -> Result<Turn, OpError> {
    let planned = steps::list_of(tx, d.id)?;
    let has_begun = d.script.is_some() || planned.iter().any(|step| step.state != StepState::Pending);
    if d.state != DeploymentState::Running || wait.begun_by != Some(by) || has_begun {
        return Ok(Turn::NotOurs { why: format!("{} is {}", d.id, d.state) });
    }
    let service = cx.service(&d.release.service)?;
    let release = releases::get(tx, &d.release)?;
    let plans: Vec<StepPlan> = planned.into_iter().map(|step| step.plan).collect();
    let files = around.scripts.files_for(&plans);
    let ticket = ticket::write(d, &release, service, plans, files);
    Ok(Turn::Go(Box::new(ticket)))
}

/// What began later takes the place of everything that was asked for before it and still waits for the same environment:
/// the newer one must not be taken back by the older one's turn (EXE-1, PIP-8).
pub(super) fn supersede_older(tx: &Tx<'_>, cx: &Ctx<'_>, begun: &Deployment) -> Result<(), OpError> {
    for older in pending::list_of(tx, &begun.release.service, &begun.environment)? {
        // What only went first leaves newer releases their turn.
        let is_next = begun.rank().jumps && older.release.version.outranks(&begun.release.version);
        if older.id < begun.id && older.state == DeploymentState::Waiting && !is_next {
            let log = cx.machine.log_facts(older.id);
            let cause = Cause::Superseded { by: begun.id };
            end(tx, cx, &older, DeploymentState::Superseded, cause, &log, None)?;
        }
    }
    Ok(())
}

/// What the same person asked for before and still waits there makes room, where the environment says so (EXE-28).
pub(super) fn replace_own(tx: &Tx<'_>, cx: &Ctx<'_>, new: &Deployment) -> Result<(), OpError> {
    let all = pending::list(tx)?;
    for older in pending::list_of(tx, &new.release.service, &new.environment)? {
        let is_own = older.started_by.human() == new.started_by.human() && older.id != new.id;
        // One of several that belong together is not a person's to replace by itself.
        let is_awaited =
            all.iter().any(|d| d.wait.as_ref().is_some_and(|wait| wait.after.contains(&older.id)));
        let belongs_elsewhere = is_awaited
            || older.wait.as_ref().is_some_and(|wait| {
                wait.train.is_some() || wait.delivered || wait.chain.is_some() || !wait.after.is_empty()
            });
        if is_own && older.state == DeploymentState::Waiting && !belongs_elsewhere {
            let log = cx.machine.log_facts(older.id);
            let cause = Cause::Replaced { by: new.id };
            end(tx, cx, &older, DeploymentState::Superseded, cause, &log, None)?;
        }
    }
    Ok(())
}

/// Ends it before anything ran; `report`: what the gates said, where they were asked.
pub(super) fn end(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    before: &Deployment,
    state: DeploymentState,
    cause: Cause,
    log: &(u64, crate::domain::digest::Digest),
    report: Option<&GateReport>,
) -> Result<Turn, OpError> {
    let why = cause.to_string();
    let outcome = Outcome::without_steps(state, cause, cx.now, log.clone());
    deployments::finish(tx, before.id, before.epoch, &PENDING, &outcome, None)?;
    let after = deployments::get(tx, before.id)?;
    let entry =
        cx.entry(Verb::DeploymentFinished, before.id).before(before).after(&after).because(Some(&why));
    let entry = match report {
        Some(report) => {
            deployments::set_report(tx, before.id, report)?;
            entry.detail(report)
        }
        None => entry,
    };
    journal::append(tx, entry)?;
    chain::take_back(tx, cx, &after)?;
    Ok(Turn::Ended { why })
}

/// Ends what expired while nothing was there to begin it. Anybody may: it is a fact.
pub(super) fn miss(cx: &Ctx<'_>, id: DeploymentId) -> Result<Option<Deployment>, OpError> {
    let log = cx.machine.log_facts(id);
    cx.store.write_quietly(|tx| {
        let d = super::known(tx, id)?;
        let Some(wait) = d.wait.clone().filter(|wait| d.state.is_pending() && wait.is_expired(cx.now)) else {
            return Ok(None);
        };
        let why = if wait.waits_for.is_empty() { no_look() } else { wait.waits_for.join("; ") };
        end(tx, cx, &d, DeploymentState::Missed, Cause::Missed { why }, &log, None)?;
        deployments::find(tx, id).map_err(OpError::from)
    })
}
