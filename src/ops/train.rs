//! Release trains: what the next departure would take along, sending it off, leaving one out.
//!
//! There is no scheduler: whoever ticks as the conductor sends the train off. That it departed is a row of its own, so two
//! that tick at once send it off once.

use serde::Serialize;

use crate::domain::actor::{Actor, Person};
use crate::domain::change::Change;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::gate::{self, DeployFacts, GateId, Overrides, approvals};
use crate::domain::ids::{DeploymentId, ReleaseId, ServiceName, TrainName};
use crate::domain::journal::Verb;
use crate::domain::policy::Service;
use crate::domain::prompt;
use crate::domain::right::{Place as Where, Right};
use crate::domain::text::{did_you_mean, free};
use crate::domain::time::{Timestamp, Tz, wall};
use crate::domain::train::{Departure, DepartureState, Item, Train};
use crate::domain::wait::closed;
use crate::ops::deployment::later::Later;
use crate::ops::deployment::start::{self, StartDeploy};
use crate::ops::deployment::{Errand, Place, Ticket, ask, chain};
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, OpError, change};
use crate::store::{Tx, deployments, journal, releases, trains};

/// What the next departure would do, without doing anything (SCH-6).
#[derive(Debug, Clone, Serialize)]
pub struct Prognosis {
    pub train: Train,
    pub departs_at: Timestamp,
    /// Who left this departure out and why.
    pub left_out: Option<String>,
    /// What failed of the last departure, until somebody lets the train go on.
    pub halted: Option<String>,
    pub items: Vec<Item>,
    /// What is known of earlier departures, newest first.
    pub earlier: Vec<Departure>,
}

impl Prognosis {
    /// Why it will not depart, where that is known.
    pub fn stands(&self) -> Option<&String> {
        self.left_out.as_ref().or(self.halted.as_ref())
    }
}

fn known<'a>(cx: &Ctx<'a>, name: &TrainName) -> Result<&'a Train, OpError> {
    cx.policy.trains.get(name).ok_or_else(|| {
        let names = cx.policy.trains.keys().map(TrainName::as_str);
        let error = OpError::not_found(format!("train {name}"));
        match did_you_mean(name.as_str(), names) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint("see them with: relman train list"),
        }
    })
}

/// The zone a train's times are told in: its own, as far as it is still known.
pub fn zone(cx: &Ctx<'_>, name: &TrainName) -> Tz {
    cx.policy.trains.get(name).map_or(cx.policy.zone, |train| train.departs.zone)
}

/// Every train with what its next departure would do.
pub fn list(cx: &Ctx<'_>) -> Result<Vec<Prognosis>, OpError> {
    cx.policy.trains.keys().map(|name| prognosis(cx, name)).collect()
}

pub fn prognosis(cx: &Ctx<'_>, name: &TrainName) -> Result<Prognosis, OpError> {
    let train = known(cx, name)?;
    // Whoever looks: it departs in its conductor's name.
    let conductor = Person { name: train.conductor.clone(), uid: u32::MAX, login: None };
    let conductor = Actor { person: conductor, ..cx.actor.clone() };
    let cx = &Ctx { actor: &conductor, ..*cx };
    let around = surroundings(cx, train)?;
    cx.store.read(|tx| {
        let departs_at = train.departs.next(cx.now);
        // One that is left out is known before it would depart.
        let mut earlier = trains::list(tx, name, 11)?;
        earlier.retain(|departure| departure.departs_at <= cx.now);
        earlier.truncate(10);
        let left_out = trains::find(tx, name, departs_at)?;
        let left_out = left_out.map(|d| format!("left out by {}{}", d.by, because(d.reason.as_deref())));
        let halted = halted(tx, train)?;
        let items = board(tx, cx, train, departs_at, &around)?.into_iter().map(|(item, _)| item).collect();
        Ok(Prognosis { train: train.clone(), departs_at, left_out, halted, items, earlier })
    })
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// The scripts of everything it might take along, asked of the machine before the transaction.
fn surroundings(cx: &Ctx<'_>, train: &Train) -> Result<Vec<(ServiceName, Surroundings)>, OpError> {
    let roster = cx.roster();
    let passengers = passengers(cx, train);
    passengers
        .map(|service| Ok((service.name.clone(), Surroundings::with(cx, service, roster.clone())?)))
        .collect()
}

/// The services whose pipeline leads from its station to its destination.
fn passengers<'a>(cx: &Ctx<'a>, train: &'a Train) -> impl Iterator<Item = &'a Service> {
    let leads = |service: &Service| service.pipeline.leads(&train.from, &train.to);
    cx.policy.services.values().filter(move |service| train.takes(&service.name) && leads(service))
}

/// Why it does not depart: something of its last departure failed, was not stopped by a person, and nobody has said since
/// that it may go on (SCH-7).
fn halted(tx: &Tx<'_>, train: &Train) -> Result<Option<String>, OpError> {
    let Some(last) = trains::last_departed(tx, &train.name)?.filter(|_| !train.goes_on) else {
        return Ok(None);
    };
    // Whoever let it go on has seen what had failed by then, and nothing that failed since.
    let resumed = trains::last_resumed(tx, &train.name)?.filter(|at| *at >= last.at);
    let is_news = |d: &Deployment| resumed.is_none_or(|seen| d.finished_at.is_none_or(|at| at > seen));
    let mut failed = Vec::new();
    for id in last.items.iter().filter_map(|item| item.deployment) {
        let d = deployments::get(tx, id)?;
        if matches!(d.state, DeploymentState::Failed | DeploymentState::Lost) && is_news(&d) {
            failed.push(format!("{id} ({}) {}", d.release, d.state_word()));
        }
    }
    let why = || format!("of the departure before {}", failed.join(", "));
    Ok((!failed.is_empty()).then(why))
}

/// Who is at the station at that time, and whether they may come along. Everyone is looked at by themselves: one that
/// stays behind holds nobody up (PIP-14).
fn board(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    train: &Train,
    departs_at: Timestamp,
    around: &[(ServiceName, Surroundings)],
) -> Result<Vec<(Item, Vec<ReleaseId>)>, OpError> {
    let mut found: Vec<(ServiceName, Result<ReleaseId, String>)> = Vec::new();
    for (service, _) in around {
        found.push((service.clone(), at_station(tx, train, service)?));
    }
    let mut ready: Vec<ReleaseId> = found.iter().filter_map(|(_, at)| at.clone().ok()).collect();
    let order = loop {
        match chain::in_order(tx, cx, &ready, &train.to)? {
            Ok(order) => break order,
            // Who waits for each other stays behind and holds nobody else up.
            Err(of) => {
                ready.retain(|id| !of.contains(id));
                for (_, at) in &mut found {
                    if at.as_ref().is_ok_and(|id| of.contains(id)) {
                        *at = Err(chain::circle(&of));
                    }
                }
            }
        }
    };
    let mut boarded = Vec::new();
    for (release, before) in &order {
        let surroundings = around.iter().find(|(name, _)| *name == release.service).map(|(_, around)| around);
        let Some(surroundings) = surroundings else { continue };
        let left = left_behind(tx, cx, train, release, departs_at, surroundings, &ready)?;
        let item =
            Item { service: release.service.clone(), release: Some(release.clone()), left, deployment: None };
        boarded.push((item, before.clone()));
    }
    for (service, at) in found {
        if let Err(why) = at {
            boarded.push((Item { service, release: None, left: Some(why), deployment: None }, Vec::new()));
        }
    }
    Ok(boarded)
}

/// The release that is live and good at the station, and not yet at the destination.
fn at_station(
    tx: &Tx<'_>,
    train: &Train,
    service: &ServiceName,
) -> Result<Result<ReleaseId, String>, OpError> {
    let Some(newest) = deployments::find_newest(tx, service, &train.from)? else {
        return Ok(Err(format!("nothing is live in {}", train.from)));
    };
    if newest.state != DeploymentState::Succeeded {
        return Ok(Err(format!("{} in {} is {}", newest.id, train.from, newest.state_word())));
    }
    let there = deployments::find_live(tx, service, &train.to)?.map(|there| there.release);
    match there {
        Some(there) if there == newest.release => {
            return Ok(Err(format!("{there} is live in {} already", train.to)));
        }
        // Nothing goes back by itself.
        Some(there) if there.version.outranks(&newest.release.version) => {
            return Ok(Err(format!(
                "{there}, which is newer than {}, is live in {}",
                newest.release.version, train.to
            )));
        }
        _ => {}
    }
    Ok(Ok(newest.release))
}

/// Why a release stays behind: a gate that is closed at that time, or approved only after the cut-off. That something else
/// is at work there, or that it needs another passenger first, it may wait for.
fn left_behind(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    train: &Train,
    release: &ReleaseId,
    departs_at: Timestamp,
    around: &Surroundings,
    others: &[ReleaseId],
) -> Result<Option<String>, OpError> {
    let service = cx.service(&release.service)?;
    let environment = facts::environment(cx, &train.to)?;
    let release = releases::get(tx, release)?;
    let place = Place { service, environment, around, starts: true, automatic: true };
    let asked = ask(tx, cx, &place, &release, Errand::Deploy, &Overrides::default())?;
    let fellow = |name: &ServiceName| others.iter().any(|other| other.service == *name);
    let needs = asked.facts.needs.iter().filter(|need| !fellow(&need.requires.service)).cloned().collect();
    let there = DeployFacts { needs, holder: None, ..asked.facts };
    let report = gate::evaluate(&there, departs_at);
    if let Some(why) = closed(&report).into_iter().next() {
        return Ok(Some(why));
    }
    if let Some(open) = prompt::at_start(&service.prompts, approvals::answers(&there, cx.now).is_some())
        .iter()
        .find(|prompt| prompt.is_open())
    {
        return Ok(Some(format!("asks for {} ({}), and nobody is there to answer", open.name, open.label)));
    }
    let cut_off = departs_at.minus(train.cut_off);
    if cx.now < cut_off {
        return Ok(None);
    }
    let in_time = there.approvals.iter().filter(|approval| approval.at <= cut_off).cloned().collect();
    let by_then = gate::evaluate(&DeployFacts { approvals: in_time, ..there }, departs_at);
    let is_late = by_then.closed().any(|check| check.gate == GateId::Approvals);
    Ok(is_late.then(|| {
        format!("approved after the cut-off ({}): it takes the next one", wall(cut_off, train.departs.zone))
    }))
}

/// Sends off every train of this person that is due; returns what became of each. One that cannot be sent off is no
/// reason to leave the others standing.
pub fn send_off(cx: &Ctx<'_>) -> Vec<(TrainName, Result<Departure, OpError>)> {
    let own = cx.policy.trains.values().filter(|train| cx.actor.person.name == train.conductor);
    own.filter_map(|train| {
        let due = train.departs.last(cx.now)?;
        let departed = match cx.store.read(|tx| trains::find(tx, &train.name, due)) {
            Ok(Some(_)) => return None,
            Ok(None) => depart(cx, train, due).transpose()?,
            Err(error) => Err(error.into()),
        };
        Some((train.name.clone(), departed))
    })
    .collect()
}

fn depart(cx: &Ctx<'_>, train: &Train, due: Timestamp) -> Result<Option<Departure>, OpError> {
    see_about_changes(cx, train)?;
    let around = surroundings(cx, train)?;
    let recorded = cx.store.write_quietly(|tx| {
        // Somebody else was faster.
        if trains::find(tx, &train.name, due)?.is_some() {
            return Ok::<_, OpError>(None);
        }
        let departure = Departure {
            train: train.name.clone(),
            departs_at: due,
            state: DepartureState::Departed,
            by: cx.actor.name().to_owned(),
            at: cx.now,
            reason: None,
            items: Vec::new(),
        };
        // A train that was not known when this time came has not missed it.
        if trains::list(tx, &train.name, 1)?.is_empty() {
            let reason = Some("its timetable was not known here before".to_owned());
            let skipped = Departure { state: DepartureState::Skipped, reason, ..departure };
            return keep(tx, cx, Verb::TrainSkipped, skipped, Vec::new()).map(Some);
        }
        if cx.now >= due.plus(train.expire) {
            let reason = Some("nobody was there to send it off in time".to_owned());
            let missed = Departure { state: DepartureState::Missed, reason, ..departure };
            return keep(tx, cx, Verb::TrainMissed, missed, Vec::new()).map(Some);
        }
        if let Some(why) = halted(tx, train)? {
            let halted = Departure { state: DepartureState::Halted, reason: Some(why), ..departure };
            return keep(tx, cx, Verb::TrainHalted, halted, Vec::new()).map(Some);
        }
        let (items, tickets) = take_along(tx, cx, train, due, &around)?;
        keep(tx, cx, Verb::TrainDeparted, Departure { items, ..departure }, tickets).map(Some)
    })?;
    let Some((departure, started)) = recorded else { return Ok(None) };
    for (d, ticket) in started {
        // What did not come up says so in its own record; the others go on.
        let _settled = start::launch(cx, &d, &ticket);
    }
    Ok(Some(departure))
}

/// The change tickets of who may come along, asked about at the time of the departure.
fn see_about_changes(cx: &Ctx<'_>, train: &Train) -> Result<(), OpError> {
    for Service { name, .. } in passengers(cx, train) {
        if let Ok(release) = cx.store.read(|tx| at_station(tx, train, name))? {
            change::refresh_or_make(cx, &release, &train.to, Change::LOOK_AGAIN)?;
        }
    }
    Ok(())
}

type Started = Vec<(Deployment, Ticket)>;

fn keep(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    verb: Verb,
    departure: Departure,
    started: Started,
) -> Result<(Departure, Started), OpError> {
    trains::insert(tx, &departure)?;
    let entry = cx.entry(verb, &departure.train).because(departure.reason.as_deref());
    journal::append(tx, entry.after(&departure))?;
    Ok((departure, started))
}

/// Records a deployment for each release that comes along; those that depend on each other go one after the other.
fn take_along(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    train: &Train,
    due: Timestamp,
    around: &[(ServiceName, Surroundings)],
) -> Result<(Vec<Item>, Started), OpError> {
    let (mut items, mut started): (Vec<Item>, Started) = (Vec::new(), Vec::new());
    for (item, before) in board(tx, cx, train, due, around)? {
        let (Some(release), None) = (&item.release, &item.left) else {
            items.push(item);
            continue;
        };
        let first = |id: &ReleaseId| items.iter().find(|known: &&Item| known.release.as_ref() == Some(id));
        // What it depends on and was left behind leaves it behind as well.
        let missing = before.iter().find(|id| first(id).is_some_and(|item| item.deployment.is_none()));
        if let Some(missing) = missing {
            let left = Some(format!("{missing}, which it comes after, stays behind"));
            items.push(Item { left, ..item });
            continue;
        }
        let after: Vec<DeploymentId> = before.iter().filter_map(|id| first(id)?.deployment).collect();
        let surroundings = around.iter().find(|(name, _)| *name == release.service).map(|(_, around)| around);
        let Some(surroundings) = surroundings else { continue };
        let expire = due.plus(train.expire).since(cx.now).max(std::time::Duration::from_secs(60));
        let later = Later {
            expire: Some(expire),
            after,
            train: Some(train.name.clone()),
            ..Later::when_open(train.departs.zone)
        };
        let wanted = StartDeploy {
            reason: Some(format!("train {}", train.name)),
            // Who set the train up has agreed to what it takes along.
            confirm: Some(release.version.to_string()),
            later: Some(later),
            ..StartDeploy::new(release.clone(), train.to.clone())
        };
        let (one, ticket) = start::record(tx, cx, &wanted, Errand::Deploy, surroundings, |_, _| Ok(()))?;
        items.push(Item { deployment: Some(one.deployment.id), ..item });
        started.push((one.deployment, ticket));
    }
    Ok((items, started))
}

/// Leaves the next departure out; later ones are not affected.
pub fn skip(cx: &Ctx<'_>, name: &TrainName, reason: Option<&str>) -> Result<Departure, OpError> {
    let train = known(cx, name)?;
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    cx.act(Verb::TrainSkipped, name, |tx| {
        cx.may(Right::Trains, Where::environment(&train.to))?;
        let departs_at = train.departs.next(cx.now);
        if let Some(known) = trains::find(tx, name, departs_at)? {
            return Err(OpError::conflict(format!(
                "{} left out the departure of {} already",
                known.by,
                wall(departs_at, train.departs.zone)
            )));
        }
        let skipped = Departure {
            train: name.clone(),
            departs_at,
            state: DepartureState::Skipped,
            by: cx.actor.name().to_owned(),
            at: cx.now,
            reason: reason.clone(),
            items: Vec::new(),
        };
        keep(tx, cx, Verb::TrainSkipped, skipped, Vec::new()).map(|(departure, _)| departure)
    })
}

/// Lets a halted train depart again: somebody has looked at what failed.
pub fn resume(cx: &Ctx<'_>, name: &TrainName, reason: &str) -> Result<(), OpError> {
    let train = known(cx, name)?;
    let reason = free("reason", reason, 2000)?;
    cx.act(Verb::TrainResumed, name, |tx| {
        cx.may(Right::Trains, Where::environment(&train.to))?;
        if halted(tx, train)?.is_none() {
            return Err(OpError::conflict(format!("train {name} is not halted")));
        }
        trains::resume(tx, name, cx.actor.name(), cx.now, &reason)?;
        journal::append(tx, cx.entry(Verb::TrainResumed, name).because(Some(&reason)))?;
        Ok(())
    })
}
