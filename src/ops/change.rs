//! Verbs on change tickets: ask how one stands, name one, tell it what happened.
//!
//! The gate reads what is kept here; only these verbs ask. A question may take its time, so none is asked within a
//! transaction, and what was answered is kept with its age for everybody.

use std::time::Duration;

use serde::Serialize;

use crate::domain::change::{Answered, Asking, Change, ChangeTicket, number};
use crate::domain::deployment::Deployment;
use crate::domain::event::Event;
use crate::domain::gate::{ChangeKnown, GateId, GateReport};
use crate::domain::hook::{Hook, Way};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::policy::{Environment, Service};
use crate::domain::right::{Place, Right};
use crate::domain::text::fit;
use crate::ops::outside::Told;
use crate::ops::{Ctx, OpError};
use crate::store::{StoreError, Tx, changes, journal, releases};

/// By this name the change system is kept among the hooks: it is told when deployments begin and end.
pub const HOOK: &str = "change";

/// The change system, where this service in this environment is subject to it (NTF-4).
pub fn applies<'a>(cx: &Ctx<'a>, service: &Service, environment: &Environment) -> Option<&'a Change> {
    let both = service.change_controlled && environment.change_controlled;
    cx.policy.change.as_ref().filter(|_| both)
}

fn applies_to<'a>(cx: &Ctx<'a>, release: &ReleaseId, env: &EnvName) -> Option<&'a Change> {
    let service = cx.policy.services.get(&release.service)?;
    applies(cx, service, cx.policy.environments.get(env)?)
}

/// What the gate is to know.
pub fn known(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    service: &Service,
    environment: &Environment,
    release: &ReleaseId,
    unkept: Option<&ChangeTicket>,
) -> Result<Option<ChangeKnown>, StoreError> {
    let Some(change) = applies(cx, service, environment) else { return Ok(None) };
    let is_it = |ticket: &&ChangeTicket| ticket.release == *release && ticket.environment == environment.name;
    let ticket = match unkept.filter(is_it) {
        Some(ticket) => Some(ticket.clone()),
        None => changes::find(tx, release, &environment.name)?,
    };
    let age = ticket.as_ref().and_then(|ticket| ticket.age(cx.now));
    let past = !cx.machine.outside().is_there();
    Ok(Some(ChangeKnown { ticket, age, max_age: change.max_age, past }))
}

/// What is known of a ticket, and whether the gate is asked at all.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    pub ticket: ChangeTicket,
    /// How long ago it was asked about, in seconds.
    pub age_seconds: Option<u64>,
    /// The title by which it is found.
    pub title: String,
}

/// What is known without asking.
pub fn show(cx: &Ctx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Standing, OpError> {
    subject(cx, release, env)?;
    let known = cx.store.read(|tx| changes::find(tx, release, env))?;
    Ok(standing(cx, known.unwrap_or_else(|| ChangeTicket::new(release.clone(), env.clone()))))
}

/// Asks now.
pub fn check(cx: &Ctx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Standing, OpError> {
    let change = subject(cx, release, env)?;
    let heard = ask(cx, change, release, env, &Purpose::Look)?;
    heard.kept?;
    Ok(standing(cx, heard.ticket))
}

fn standing(cx: &Ctx<'_>, ticket: ChangeTicket) -> Standing {
    Standing {
        age_seconds: ticket.age(cx.now).map(|age| age.as_secs()),
        title: crate::domain::change::title(&ticket.release, &ticket.environment),
        ticket,
    }
}

/// The change system, if a deployment of this release there is subject to it at all.
fn subject<'a>(cx: &Ctx<'a>, release: &ReleaseId, env: &EnvName) -> Result<&'a Change, OpError> {
    let service = cx.service(&release.service)?;
    let environment = crate::ops::facts::environment(cx, env)?;
    cx.store.read(|tx| {
        releases::find(tx, release)?.ok_or_else(|| OpError::not_found(format!("release {release}")))
    })?;
    applies(cx, service, environment).ok_or_else(|| {
        let sentence = format!("{} in {env} is not subject to change tickets", release.service);
        OpError::conflict(sentence)
            .hint("it takes change-controlled = true in its [services.…] and in its [environments.…]")
    })
}

/// What came of asking again.
#[derive(Debug, Default)]
pub struct Refreshed {
    pub asked: bool,
    /// What was answered, where it could not be kept: a full disk keeps nobody from looking.
    pub unkept: Option<ChangeTicket>,
}

/// Asks again where the last answer is older than that. That it cannot be reached is what is known then: the gate says
/// so. Where nothing may be written nothing is asked, and of the past nobody is.
pub fn refresh(
    cx: &Ctx<'_>,
    release: &ReleaseId,
    env: &EnvName,
    older_than: Duration,
) -> Result<Refreshed, OpError> {
    let is_open = !cx.policy.readonly && cx.machine.outside().is_there();
    let Some(change) = applies_to(cx, release, env).filter(|_| is_open) else {
        return Ok(Refreshed::default());
    };
    let known = cx.store.read(|tx| changes::find(tx, release, env))?;
    let is_fresh = known.and_then(|known| known.age(cx.now)).is_some_and(|age| age < older_than);
    if is_fresh {
        return Ok(Refreshed::default());
    }
    let Heard { ticket, kept } = ask(cx, change, release, env, &Purpose::Look)?;
    Ok(Refreshed { asked: true, unkept: kept.is_err().then_some(ticket) })
}

/// The same for what is due: where no ticket is found, one is made. Says whether it asked.
pub fn refresh_or_make(
    cx: &Ctx<'_>,
    release: &ReleaseId,
    env: &EnvName,
    older_than: Duration,
) -> Result<bool, OpError> {
    let refreshed = refresh(cx, release, env, older_than)?;
    let Some(change) = applies_to(cx, release, env) else { return Ok(false) };
    Ok(make(cx, change, release, env)? || refreshed.asked)
}

/// How long after an answer somebody else's look at the clock may come.
const SETTLE: Duration = Duration::from_secs(15);

/// Asks for a deployment that is ready to begin, as often as it takes until the last answer was given for it, a moment
/// ago. Says whether it asked: then time has passed, and everything is to be judged anew.
pub fn refresh_to_begin(cx: &Ctx<'_>, d: &Deployment) -> Result<bool, OpError> {
    let (release, env) = (&d.release, &d.environment);
    let Some(change) = applies_to(cx, release, env) else { return Ok(false) };
    let known = cx.store.read(|tx| changes::find(tx, release, env))?;
    // As long as it may take to look and to make one: what was asked longer ago was asked for another moment.
    let most = change.timeout * 2 + SETTLE;
    let is_fresh = known.is_some_and(|known| {
        known.asked_for == Some(d.id) && known.age(cx.now).is_some_and(|age| age < most)
    });
    if is_fresh {
        return Ok(false);
    }
    ask(cx, change, release, env, &Purpose::Begin(d.id))?.kept?;
    make(cx, change, release, env)?;
    Ok(true)
}

/// Whether the system said that there is no ticket.
fn has_none(known: &ChangeTicket) -> bool {
    let is_none = |answered: &Answered| answered.phase.is_none();
    known.trouble.is_none() && known.named.is_none() && known.answered.as_ref().is_some_and(is_none)
}

/// Makes the ticket that a report misses, where everything else that is closed opens with time or by other people's
/// word: what cannot go there anyway needs none. Says whether it asked for one.
pub fn make_if_missing(cx: &Ctx<'_>, report: &GateReport) -> Result<bool, OpError> {
    let Some(change) = applies_to(cx, &report.release, &report.environment) else { return Ok(false) };
    let is_missing = report.closed().any(|check| check.gate == GateId::Change);
    // A second person is called only when nothing else is missing, so the ticket comes first.
    let is_near = |gate: GateId| gate.may_be_waited_for() || gate == GateId::FourEyes;
    let is_near = report.closed().all(|check| is_near(check.gate));
    if !is_missing || !is_near || report.rescue || report.toggle.is_some() {
        return Ok(false);
    }
    make(cx, change, &report.release, &report.environment)
}

/// How long beyond its timeout whoever makes a ticket is thought to be at it.
const MAKING: Duration = Duration::from_secs(30);

/// Makes a ticket where the system said that there is none; of several that want one, one makes it. Says whether it asked.
fn make(cx: &Ctx<'_>, change: &Change, release: &ReleaseId, env: &EnvName) -> Result<bool, OpError> {
    if !change.create || cx.policy.readonly {
        return Ok(false);
    }
    let is_wanted = |known: &ChangeTicket| has_none(known) && !known.is_being_made(cx.now);
    // Nearly always there is one: that must keep nobody from writing.
    if !cx.store.read(|tx| changes::find(tx, release, env))?.as_ref().is_some_and(is_wanted) {
        return Ok(false);
    }
    // The question before it may have taken as long as this one will.
    let making = Some(cx.now.plus(change.timeout * 2 + MAKING));
    let is_ours = cx.store.write_quietly(|tx| {
        let Some(known) = changes::find(tx, release, env)?.filter(is_wanted) else {
            return Ok::<_, OpError>(false);
        };
        changes::put(tx, &ChangeTicket { making, ..known })?;
        Ok(true)
    })?;
    if !is_ours {
        return Ok(false);
    }
    let Heard { ticket, kept } = ask(cx, change, release, env, &Purpose::Make)?;
    kept.map_err(|error| {
        let number = ticket.number().unwrap_or("a change ticket without number");
        OpError {
            sentence: format!("{number} was made and could not be recorded: {}", error.sentence),
            ..error
        }
    })?;
    Ok(true)
}

/// What a question is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Look,
    /// This deployment is to begin.
    Begin(DeploymentId),
    /// A ticket is to be made where there is none.
    Make,
}

/// An answer, as far as it could be kept.
struct Heard {
    ticket: ChangeTicket,
    kept: Result<(), OpError>,
}

fn ask(
    cx: &Ctx<'_>,
    change: &Change,
    release: &ReleaseId,
    env: &EnvName,
    purpose: &Purpose,
) -> Result<Heard, OpError> {
    let known = cx.store.read(|tx| changes::find(tx, release, env))?;
    let before = known.unwrap_or_else(|| ChangeTicket::new(release.clone(), env.clone()));
    let makes = *purpose == Purpose::Make;
    let asking = Asking::check(&before, cx.actor.name(), makes, change.record);
    let answer = cx.machine.outside().change(change, &asking);
    let subject = format!("{release} → {env}");
    let keep = |tx: &Tx<'_>| -> Result<ChangeTicket, OpError> {
        let now = changes::find(tx, release, env)?.unwrap_or_else(|| before.clone());
        let ticket = heard(cx, &before, now.clone(), &answer, *purpose);
        if ticket != now {
            changes::put(tx, &ticket)?;
        }
        if let Some(made) = answer.as_ref().ok().filter(|answered| answered.made) {
            let number = made.number.as_deref().unwrap_or("a ticket without number");
            // It exists over there, whatever counts here.
            let why = match &ticket.named {
                Some(named) => format!("{number}; {named} was named meanwhile and counts"),
                None => number.to_owned(),
            };
            let entry = cx.entry(Verb::ChangeOpened, &subject).because(Some(&why)).after(&ticket);
            journal::append(tx, entry)?;
        }
        Ok(ticket)
    };
    // What was answered is no act; that a ticket was made is one.
    Ok(match cx.store.write_quietly(keep) {
        Ok(ticket) => Heard { ticket, kept: Ok(()) },
        Err(error) => {
            Heard { ticket: heard(cx, &before, before.clone(), &answer, *purpose), kept: Err(error) }
        }
    })
}

/// What is known after an answer, where `before` was known when it was asked for and `now` is.
fn heard(
    cx: &Ctx<'_>,
    before: &ChangeTicket,
    now: ChangeTicket,
    answer: &Result<Answered, String>,
    purpose: Purpose,
) -> ChangeTicket {
    // Somebody may have named another one meanwhile: what was said is not about that.
    if now.named != before.named {
        return now;
    }
    let making = if purpose == Purpose::Make { None } else { now.making };
    let asked_for = match purpose {
        Purpose::Begin(id) => Some(id),
        Purpose::Look => None,
        Purpose::Make => now.asked_for,
    };
    let asked_at = Some(cx.now);
    match answer {
        // It was made while this was on its way.
        Ok(answered) if answered.phase.is_none() && now.answered != before.answered => now,
        Ok(answered) => {
            let answered = Some(answered.clone());
            ChangeTicket { answered, asked_at, trouble: None, asked_for, making, ..now }
        }
        Err(why) => ChangeTicket { asked_at, trouble: Some(fit(why, 400)), asked_for, making, ..now },
    }
}

/// Names the ticket of a release for an environment.
pub fn assign(
    cx: &Ctx<'_>,
    release: &ReleaseId,
    env: &EnvName,
    wanted: &str,
) -> Result<ChangeTicket, OpError> {
    subject(cx, release, env)?;
    let wanted = number(wanted)?;
    cx.act(Verb::ChangeAssigned, format!("{release} → {env}"), |tx| {
        crate::ops::release::open_release(tx, release)?;
        cx.may(Right::Deploy, Place::both(&release.service, env))?;
        let before = changes::find(tx, release, env)?
            .unwrap_or_else(|| ChangeTicket::new(release.clone(), env.clone()));
        if before.named.as_ref() == Some(&wanted) {
            return Err(OpError::conflict(format!("{wanted} is named for {release} in {env} already")));
        }
        let named = Some(wanted.clone());
        let after = ChangeTicket { named, ..ChangeTicket::new(release.clone(), env.clone()) };
        changes::put(tx, &after)?;
        let entry = cx.entry(Verb::ChangeAssigned, format!("{release} → {env}"));
        journal::append(tx, entry.because(Some(&wanted)).before(&before).after(&after))?;
        Ok(after)
    })
}

/// Names none any more: from now on it is found by its title again.
pub fn clear(cx: &Ctx<'_>, release: &ReleaseId, env: &EnvName) -> Result<(), OpError> {
    subject(cx, release, env)?;
    cx.act(Verb::ChangeAssigned, format!("{release} → {env}"), |tx| {
        cx.may(Right::Deploy, Place::both(&release.service, env))?;
        let before = changes::find(tx, release, env)?.filter(|ticket| ticket.named.is_some());
        let before = before.ok_or_else(|| {
            OpError::conflict(format!("no change ticket is named for {release} in {env}"))
                .hint(format!("see what is found by its title: relman change show {release} {env}"))
        })?;
        let after = ChangeTicket::new(release.clone(), env.clone());
        changes::put(tx, &after)?;
        let entry = cx.entry(Verb::ChangeAssigned, format!("{release} → {env}"));
        journal::append(tx, entry.because(Some("none")).before(&before).after(&after)).map(drop)?;
        Ok(())
    })
}

/// The same where it is not named already: who deploys with a number names it along the way.
pub fn assign_along(cx: &Ctx<'_>, release: &ReleaseId, env: &EnvName, wanted: &str) -> Result<(), OpError> {
    let wanted = number(wanted)?;
    let known = cx.store.read(|tx| changes::find(tx, release, env))?;
    if known.and_then(|known| known.named).as_ref() == Some(&wanted) {
        return Ok(());
    }
    assign(cx, release, env, &wanted).map(drop)
}

/// The change system as one that is told when deployments begin and end (NTF-6).
pub fn as_hook(cx: &Ctx<'_>) -> Option<Hook> {
    let change = cx.policy.change.as_ref()?;
    Some(Hook {
        key: HOOK.to_owned(),
        events: vec!["deployment.started".to_owned(), "deployment.finished".to_owned()],
        services: vec!["*".to_owned()],
        environments: vec!["*".to_owned()],
        timeout: change.timeout,
        way: Way::Change { secrets: change.secrets() },
    })
}

/// Whether there is a ticket that an event is to be told to.
pub(super) fn has_ticket(tx: &Tx<'_>, cx: &Ctx<'_>, event: &Event) -> Result<bool, StoreError> {
    Ok(ticket_of(tx, cx, event)?.is_some_and(|ticket| ticket.number().is_some()))
}

fn ticket_of(tx: &Tx<'_>, cx: &Ctx<'_>, event: &Event) -> Result<Option<ChangeTicket>, StoreError> {
    let (Some(release), Some(env)) = (event.release(), &event.environment) else { return Ok(None) };
    let Ok(env) = env.parse::<EnvName>() else { return Ok(None) };
    if applies_to(cx, &release, &env).is_none() {
        return Ok(None);
    }
    changes::find(tx, &release, &env)
}

/// Tells the ticket of a deployment that it began or ended.
pub(super) fn tell(cx: &Ctx<'_>, event: &Event) -> Told {
    let failed = |outcome: String| Told { delivered: false, outcome, said: None };
    let ticket = match cx.store.read(|tx| ticket_of(tx, cx, event)) {
        Ok(Some(ticket)) => ticket,
        Ok(None) => return failed("there is no ticket any more".to_owned()),
        Err(error) => return failed(error.sentence),
    };
    let Some(change) = &cx.policy.change else { return failed("[change] is gone".to_owned()) };
    let ends = event.also.iter().any(|name| name == "deployment.finished");
    let asking = Asking::note(&ticket, event.actor.name(), note(event), ends, change.record);
    match cx.machine.outside().change(change, &asking) {
        Ok(_) => {
            let number = ticket.number().unwrap_or_default().to_owned();
            Told { delivered: true, outcome: format!("noted in {number}"), said: None }
        }
        Err(why) => failed(why),
    }
}

/// What is written into the ticket: what happened, the digest of the log, and the head of the journal.
fn note(event: &Event) -> String {
    let after = event.data.get("after");
    let of = |key: &str| after.and_then(|after| after.get(key)?.as_str());
    let log = of("log_digest").map(|digest| format!("\nlog: {digest}")).unwrap_or_default();
    let Event { text, id, checkpoint, at, .. } = event;
    format!("relman: {text}\nat {at}{log}\njournal entry {}: {}\nevent {id}", checkpoint.seq, checkpoint.hash)
}
