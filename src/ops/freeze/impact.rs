//! What a freeze hits, asked before it is recorded and told after (N18).

use serde::Serialize;

use crate::domain::deployment::Deployment;
use crate::domain::freeze::{Freeze, Running};
use crate::domain::ids::{EnvName, ReleaseId, TrainName};
use crate::domain::time::{Timestamp, Tz, Window, span, wall};
use crate::domain::train::Train;
use crate::ops::{Ctx, OpError, delivery};
use crate::store::{Tx, deployments, pending, trains};

use super::NewFreeze;

/// How far ahead it is looked, and how many of its windows are shown.
const AHEAD: std::time::Duration = std::time::Duration::from_secs(31 * 86_400);
const SHOWN: usize = 5;
/// The most windows that are held against what is planned.
const MOST: usize = 400;

/// A departure that would take nothing of its scope along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    pub train: TrainName,
    pub to: EnvName,
    pub at: Timestamp,
    /// In whose name it departs.
    pub conductor: String,
}

/// What would go there by itself and has not been asked for yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    pub release: ReleaseId,
    pub to: EnvName,
    /// In whose name it goes.
    pub conductor: String,
    /// Whether it is closed now; else it goes unless something else keeps it until then.
    pub now: bool,
}

/// What a freeze hits in the next month.
#[derive(Debug, Clone, Serialize)]
pub struct Impact {
    /// Its next windows, the one it is in first.
    pub windows: Vec<Window>,
    /// Where clocks that are put forward or back make a window another one than its clock times say.
    pub clock_changes: Vec<String>,
    /// Deployments scheduled for a time within it.
    pub scheduled: Vec<Deployment>,
    /// Deployments that wait for their gates and would wait for it as well.
    pub waiting: Vec<Deployment>,
    pub departures: Vec<Stop>,
    pub deliveries: Vec<Held>,
    /// What runs in its scope while it closes.
    pub running: Vec<Deployment>,
}

/// What it would hit if it were recorded.
pub fn preview(cx: &Ctx<'_>, new: &NewFreeze) -> Result<(Freeze, Impact), OpError> {
    let freeze = super::drafted(cx, new)?;
    let impact = cx.store.read(|tx| impact(tx, cx, &freeze))?;
    Ok((freeze, impact))
}

/// What a freeze that is known hits.
pub fn of(cx: &Ctx<'_>, freeze: &Freeze) -> Result<Impact, OpError> {
    cx.store.read(|tx| impact(tx, cx, freeze))
}

pub(super) fn impact(tx: &Tx<'_>, cx: &Ctx<'_>, freeze: &Freeze) -> Result<Impact, OpError> {
    let now = cx.now;
    let span = Window { start: now, end: now.plus(AHEAD) };
    // Only some of what is planned may be stopped by it, or nothing at all.
    let (stops_waiting, stops_anything) = (freeze.applies(true), !freeze.suspended);
    let ahead = if stops_anything { freeze.windows(span, MOST) } else { Vec::new() };
    let closed = |at: Timestamp| ahead.iter().any(|window| window.covers(at));
    let of_scope = |d: &Deployment| freeze.scope.covers(&d.release.service, &d.environment);
    let (mut scheduled, mut waiting) = (Vec::new(), Vec::new());
    for d in pending::list(tx)?.into_iter().filter(|d| stops_waiting && of_scope(d)) {
        let Some(wait) = d.wait.as_ref() else { continue };
        match wait.at.filter(|at| *at > now) {
            Some(at) if closed(at) => scheduled.push(d),
            None if closed(now) => waiting.push(d),
            _ => {}
        }
    }
    let mut departures = Vec::new();
    for train in cx.policy.trains.values().filter(|train| stops_waiting && carries(cx, train, freeze)) {
        for at in train.departs.between(now, span.end).into_iter().filter(|at| closed(*at)) {
            if trains::find(tx, &train.name, at)?.is_none() {
                let (train, to) = (train.name.clone(), train.to.clone());
                let conductor = cx.policy.trains[&train].conductor.clone();
                departures.push(Stop { train, to, at, conductor });
            }
        }
    }
    departures.sort_by_key(|stop| stop.at);
    let runs = |d: &Deployment| d.state.is_live() && of_scope(d) && freeze.applies(d.wait.is_some());
    let running = match closed(now) {
        true => deployments::list_active(tx)?.into_iter().filter(runs).collect(),
        false => Vec::new(),
    };
    let windows = if stops_anything { upcoming(freeze, now) } else { Vec::new() };
    let clock_changes = windows.iter().filter_map(|window| clock_change(freeze, *window)).collect();
    let deliveries = match ahead.is_empty() || !stops_waiting {
        true => Vec::new(),
        false => deliveries(tx, cx, freeze, closed(now))?,
    };
    Ok(Impact { windows, clock_changes, scheduled, waiting, departures, deliveries, running })
}

/// What goes by itself within its scope.
fn deliveries(tx: &Tx<'_>, cx: &Ctx<'_>, freeze: &Freeze, now: bool) -> Result<Vec<Held>, OpError> {
    let mut all = Vec::new();
    for service in cx.policy.services.values() {
        for one in service.deliveries.values() {
            let to = one.environment.clone();
            if !freeze.scope.covers(&service.name, &to) {
                continue;
            }
            if let Some(release) = delivery::next_of(tx, service, &to)? {
                all.push(Held { release, to, conductor: one.conductor.clone(), now });
            }
        }
    }
    Ok(all)
}

/// Whether a train takes along a service that the freeze stops where it goes.
fn carries(cx: &Ctx<'_>, train: &Train, freeze: &Freeze) -> bool {
    let passengers = cx.policy.services.values().filter(|service| train.takes(&service.name));
    passengers
        .filter(|service| service.pipeline.leads(&train.from, &train.to))
        .any(|service| freeze.scope.covers(&service.name, &train.to))
}

/// Its next windows, the one it is in first.
pub fn upcoming(freeze: &Freeze, now: Timestamp) -> Vec<Window> {
    let first = freeze.covering(now).or_else(|| freeze.next(now));
    std::iter::successors(first, |window| freeze.next(window.start)).take(SHOWN).collect()
}

/// How a window differs from what its clock times say.
fn clock_change(freeze: &Freeze, window: Window) -> Option<String> {
    let zone = freeze.zone;
    let (start, end) = (window.start.in_zone(zone).naive_local(), window.end.in_zone(zone).naive_local());
    let (said, real) = match &freeze.repeats {
        Some(repeats) => (repeats.end - repeats.start, window.end.since(window.start)),
        None => (end - start, window.end.since(window.start)),
    };
    let said = said.to_std().ok()?;
    if said == real {
        return None;
    }
    let way = if real < said { "forward" } else { "back" };
    let skipped =
        freeze.repeats.as_ref().map(|repeats| repeats.start.time()).filter(|time| *time != start.time());
    let skipped = skipped
        .map(|time| format!(" ({} does not exist that day)", time.format("%H:%M")))
        .unwrap_or_default();
    Some(format!(
        "{}: lasts {} instead of {}, the clock is put {way}{skipped}",
        wall(window.start, zone),
        span(real),
        span(said)
    ))
}

/// A window in the zone it was written in, and in UTC.
pub fn both_clocks(window: Window, zone: Tz) -> String {
    let local = format!("{} until {}", wall(window.start, zone), wall(window.end, zone));
    if zone == Tz::UTC {
        return local;
    }
    let utc = |at: Timestamp| at.utc().format("%Y-%m-%d %H:%M");
    format!("{local} ({} to {} UTC)", utc(window.start), utc(window.end))
}

impl Impact {
    /// Whether anything that is planned or runs is in its way.
    pub fn hits_nothing(&self) -> bool {
        self.scheduled.is_empty()
            && self.waiting.is_empty()
            && self.departures.is_empty()
            && self.deliveries.is_empty()
            && self.running.is_empty()
    }

    /// The windows to come, in local time and UTC, with what clocks do to them.
    pub fn when(&self, zone: Tz) -> Vec<String> {
        let windows = self.windows.iter().map(|window| format!("closes {}", both_clocks(*window, zone)));
        windows.chain(self.clock_changes.iter().map(|change| format!("clock change {change}"))).collect()
    }

    /// What is in the way of a freeze that treats what runs so, a line for each, with whose it is; times in its zone.
    pub fn what(&self, running: Running, zone: Tz) -> Vec<String> {
        let mut lines = Vec::new();
        for d in &self.scheduled {
            let at = d.wait.as_ref().and_then(|wait| Some(wall(wait.at?, wait.zone))).unwrap_or_default();
            lines.push(format!(
                "hits {} {} to {} by {}, which begins {at}",
                d.id, d.release, d.environment, d.started_by.name
            ));
        }
        for d in &self.waiting {
            let what = if d.wait.as_ref().is_some_and(|wait| wait.delivered) { "delivery " } else { "" };
            lines.push(format!(
                "keeps waiting: {what}{} {} to {} by {}",
                d.id, d.release, d.environment, d.started_by.name
            ));
        }
        for stop in &self.departures {
            lines.push(format!(
                "hits train {} to {}, which departs {} (conductor {})",
                stop.train,
                stop.to,
                wall(stop.at, zone),
                stop.conductor
            ));
        }
        for one in &self.deliveries {
            let until = if one.now { "" } else { ", unless it has gone by then" };
            lines.push(format!(
                "holds up delivery {} to {} (conductor {}){until}",
                one.release, one.to, one.conductor
            ));
        }
        for d in &self.running {
            let end = match running {
                Running::Finish => format!("a freeze does not stop it; relman cancel {} would", d.id.0),
                Running::StopAtStep => "held before its next step".to_owned(),
            };
            lines.push(format!("still running: {} {} to {} ({end})", d.id, d.release, d.environment));
        }
        lines
    }
}
