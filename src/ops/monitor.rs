//! Asks monitors at their intervals how a deployment does, and judges what they said (PST-2, PST-3).
//!
//! The heart is `relman tick`; open panes look after what the same user deployed. Each asking is leased, so that two that
//! look at once ask once. What a monitor comes to is written into its release, as one entry; one that fails opens an issue,
//! and what severe issues keep back is kept back.

use crate::domain::actor::Via;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::monitor::{Measurement, Monitor, Reading, Verdict, Watch};
use crate::domain::release::Release;
use crate::domain::right::{Place, Right};
use crate::domain::text::{free, one_line};
use crate::domain::time::Timestamp;

use super::outside::Measuring;
use super::release::record::{Record, record};
use super::release::{known_release, save};
use super::{Ctx, OpError};
use crate::store::{deployments, journal, releases, watches};

/// Whose deployments are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that this user runs: a script must not run under the name of whoever happened to look.
    Own,
    /// All on this machine: who sets up a tick means it.
    Everybodys,
}

impl Whose {
    /// Panes are open for other reasons.
    pub fn of(via: Via) -> Self {
        if via == Via::Tui { Self::Own } else { Self::Everybodys }
    }
}

/// One monitor of one deployment.
struct Pair<'a> {
    deployment: Deployment,
    monitor: &'a Monitor,
    watch: Watch,
}

/// Whether anything is to be asked or judged now.
pub fn is_due(cx: &Ctx<'_>, whose: Whose) -> Result<bool, OpError> {
    if cx.policy.readonly {
        return Ok(false);
    }
    if cx.policy.services.values().all(|service| service.monitors.is_empty()) {
        // What is left of monitors that were taken out.
        return Ok(!cx.store.read(watches::list)?.is_empty());
    }
    Ok(pairs(cx, whose)?.iter().any(|pair| is_ripe(pair, cx.now)))
}

/// Asks everything that is due, one after the other; returns what was judged.
pub fn measure_due(cx: &Ctx<'_>, whose: Whose, clock: impl Fn() -> Timestamp) -> Result<Vec<Watch>, OpError> {
    forget(cx)?;
    let mut judged = Vec::new();
    for pair in pairs(cx, whose)? {
        let now = clock();
        let cx = Ctx { now, ..*cx };
        if is_ripe(&pair, now) {
            judged.extend(measure(&cx, &pair, &clock)?);
        }
    }
    Ok(judged)
}

/// Takes out what nobody asks any more because its monitor is not in the configuration.
fn forget(cx: &Ctx<'_>) -> Result<(), OpError> {
    let is_known = |watch: &Watch| {
        let service = cx.policy.services.get(&watch.release.service);
        service.is_some_and(|service| service.monitors.iter().any(|one| one.name == watch.monitor))
    };
    let known = cx.store.read(watches::list)?;
    for watch in known.iter().filter(|watch| !is_known(watch)) {
        cx.store.write_quietly(|tx| watches::remove(tx, watch.deployment, &watch.monitor))?;
    }
    Ok(())
}

/// Also what was judged by somebody who was broken off before that was written down.
fn is_ripe(pair: &Pair<'_>, now: Timestamp) -> bool {
    pair.watch.verdict != Verdict::Open || pair.watch.is_due(pair.monitor, now) || pair.watch.until <= now
}

/// What is live and watched, with what is known of each; and what was watched until another release took its place.
fn pairs<'a>(cx: &Ctx<'a>, whose: Whose) -> Result<Vec<Pair<'a>>, OpError> {
    let policy = cx.policy;
    let mut pairs = Vec::new();
    let known = cx.store.read(watches::list)?;
    let is_mine = |d: &Deployment| {
        d.host == cx.machine.host()
            && (whose == Whose::Everybodys || d.uid == cx.machine.runs_as(&cx.actor.person))
    };
    for service in policy.services.values().filter(|service| !service.monitors.is_empty()) {
        for env in &service.pipeline {
            let live = cx.store.read(|tx| deployments::find_live(tx, &service.name, env))?;
            let Some(d) = live.filter(is_mine) else { continue };
            let Some(good) = d.finished_at else { continue };
            let release = cx.store.read(|tx| releases::get(tx, &d.release))?;
            for monitor in service.monitors.iter().filter(|monitor| monitor.watches(&d)) {
                let is_judged = release.monitored.iter().any(|one| one.is_of(d.id, &monitor.name));
                let watch = known.iter().find(|watch| watch.is_of(d.id, &monitor.name)).cloned();
                let fresh = Watch::new((&d.release, &d.environment, d.id), monitor, good);
                // What ended before it was watched is not judged after the fact.
                let is_late = watch.is_none() && fresh.until <= cx.now;
                if !is_judged && !is_late {
                    let watch = watch.unwrap_or(fresh);
                    pairs.push(Pair { deployment: d.clone(), monitor, watch });
                }
            }
        }
    }
    for watch in known {
        let is_there = pairs.iter().any(|pair| pair.watch.is_of(watch.deployment, &watch.monitor));
        let service = policy.services.get(&watch.release.service);
        let monitor =
            service.and_then(|service| service.monitors.iter().find(|one| one.name == watch.monitor));
        let (false, Some(monitor)) = (is_there, monitor) else { continue };
        let d = cx.store.read(|tx| deployments::get(tx, watch.deployment))?;
        let live = cx.store.read(|tx| deployments::find_live(tx, &d.release.service, &d.environment))?;
        let Some(since) = live.filter(|live| live.id != d.id).and_then(|live| live.finished_at) else {
            continue;
        };
        if is_mine(&d) {
            let watch = Watch { until: watch.until.min(since), asking: None, ..watch };
            pairs.push(Pair { deployment: d, monitor, watch });
        }
    }
    Ok(pairs)
}

/// Asks one monitor, and puts down what it said. What somebody else asks meanwhile is left to them.
fn measure(cx: &Ctx<'_>, pair: &Pair<'_>, clock: &impl Fn() -> Timestamp) -> Result<Option<Watch>, OpError> {
    let (d, monitor) = (&pair.deployment, pair.monitor);
    if pair.watch.verdict != Verdict::Open {
        judge(cx, monitor, &pair.watch)?;
        return Ok(Some(pair.watch.clone()));
    }
    let is_over = pair.watch.until <= cx.now;
    let leased = cx.store.write_quietly(|tx| {
        let known = watches::find(tx, d.id, &monitor.name)?;
        let mut watch =
            known.map_or_else(|| pair.watch.clone(), |known| Watch { until: pair.watch.until, ..known });
        if !is_over && !watch.is_due(monitor, cx.now) {
            return Ok::<_, OpError>(None);
        }
        watch.asking = (!is_over).then_some(cx.now);
        watches::put(tx, &watch)?;
        Ok(Some(watch))
    })?;
    let Some(leased) = leased else { return Ok(None) };
    let found = if is_over { None } else { Some(ask(cx, pair, &leased, clock)?) };
    let at = found.as_ref().map_or(cx.now, |found| found.at);
    let cx = Ctx { now: at, ..*cx };
    let watch = cx.store.write_quietly(|tx| {
        let Some(mut watch) = watches::find(tx, d.id, &monitor.name)? else { return Ok::<_, OpError>(None) };
        watch.until = leased.until;
        match &found {
            Some(found) => watch.measured(monitor, found.clone()),
            None => watch.judge(monitor, at),
        }
        watches::put(tx, &watch)?;
        Ok(Some(watch))
    })?;
    match watch {
        Some(watch) if watch.verdict != Verdict::Open => {
            judge(&cx, monitor, &watch)?;
            Ok(Some(watch))
        }
        _ => Ok(None),
    }
}

fn ask(
    cx: &Ctx<'_>,
    pair: &Pair<'_>,
    watch: &Watch,
    clock: &impl Fn() -> Timestamp,
) -> Result<Measurement, OpError> {
    let d = &pair.deployment;
    let service = cx.service(&d.release.service)?;
    let release = cx.store.read(|tx| releases::get(tx, &d.release))?;
    let asked =
        Measuring { monitor: pair.monitor, deployment: d, release: &release, count: watch.count() + 1 };
    let found = cx.machine.outside().measure(service, &asked);
    let said =
        free("what it said", &one_line(&found.said), 300).unwrap_or_else(|_| "it said nothing".to_owned());
    Ok(Measurement { at: clock().max(cx.now), reading: Reading::of(found.code), said })
}

/// Writes what it came to into the release, once; a failure opens an issue.
fn judge(cx: &Ctx<'_>, monitor: &Monitor, watch: &Watch) -> Result<(), OpError> {
    let id = &watch.release;
    let is_news = cx.store.write(|tx| {
        watches::remove(tx, watch.deployment, &watch.monitor)?;
        let before = known_release(tx, id)?;
        if before.monitored.iter().any(|one| one.is_of(watch.deployment, &watch.monitor)) {
            return Ok::<_, OpError>(false);
        }
        let mut release = before.clone();
        release.monitored.push(watch.clone());
        let release = save(tx, cx, release)?;
        let told = format!("{} in {}: {}", watch.monitor, watch.environment, watch.told());
        let entry = cx.entry(Verb::MonitorJudged, id).because(Some(&told));
        journal::append(tx, entry.before(&before).after(&release).detail(watch))?;
        Ok(true)
    })?;
    if is_news && watch.verdict == Verdict::Failed {
        let said = watch.newest.last().map(|last| format!(": {}", last.said)).unwrap_or_default();
        let title = free("title", &format!("{} failed in {}{said}", watch.monitor, watch.environment), 200);
        let issue = Record::Issue {
            title: title.unwrap_or_else(|_| format!("{} failed in {}", watch.monitor, watch.environment)),
            severity: monitor.severity,
            owner: None,
            environment: Some(watch.environment.clone()),
        };
        // A release that has ended meanwhile takes none; what the monitor came to is on record all the same.
        let _ended = record(cx, id, &issue);
    }
    Ok(())
}

/// How the monitors of a release stand: what they came to, then those that are still being asked.
pub fn of_release(cx: &Ctx<'_>, id: &ReleaseId) -> Result<(Release, Vec<Watch>), OpError> {
    cx.store.read(|tx| {
        let release = known_release(tx, id)?;
        let open = watches::list(tx)?.into_iter().filter(|watch| watch.release == *id).collect();
        Ok((release, open))
    })
}

/// Asks all monitors of what is live somewhere now, whether they are due or not.
pub fn measure_now(
    cx: &Ctx<'_>,
    id: DeploymentId,
    clock: impl Fn() -> Timestamp,
) -> Result<Vec<(String, Measurement)>, OpError> {
    let d = cx.store.read(|tx| deployments::get(tx, id))?;
    let service = cx.service(&d.release.service)?;
    // Nobody's command is started by who may not put down what it finds.
    cx.may(Right::Evidence, Place::service(&service.name))?;
    let good = d.finished_at.filter(|_| d.state == DeploymentState::Succeeded);
    let good =
        good.ok_or_else(|| OpError::conflict(format!("{id} is {}: there is nothing to measure", d.state)))?;
    let mut said = Vec::new();
    for monitor in service.monitors.iter().filter(|monitor| monitor.watches(&d)) {
        let watch = Watch::new((&d.release, &d.environment, d.id), monitor, good);
        let pair = Pair { deployment: d.clone(), monitor, watch };
        said.push((monitor.name.clone(), ask(cx, &pair, &pair.watch, &clock)?));
    }
    Ok(said)
}
