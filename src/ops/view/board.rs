//! The release pipeline: every open release with its environments, blockers and next step.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::domain::approval::{self, Approval};
use crate::domain::deployment::{Deployment, DeploymentKind, DeploymentState};
use crate::domain::drift::Observed;
use crate::domain::freeze::Freeze;
use crate::domain::gate::slots::{Closes, closes};
use crate::domain::gate::stage_exit::{self, ExitAnswer, ExitCheck, Goal};
use crate::domain::gate::{self, Answer, GateId, GateReport, Newest, Overrides};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::lock::Lock;
use crate::domain::monitor::Watch;
use crate::domain::policy::{Service, StageGate};
use crate::domain::release::{Release, ReleaseKind};
use crate::domain::rules::Standing;
use crate::domain::signature::Signatures;
use crate::domain::time::{Timestamp, span};
use crate::domain::witness::Request;
use crate::ops::facts::{self, Given, Surroundings, Wish};
use crate::ops::{Ctx, OpError, change, configured};
use crate::store::{Tx, approvals, deployments, locks, observations, releases, watches, witnesses};

/// What the board shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Board {
    pub cards: Vec<Card>,
    /// What runs where, by service and environment in pipeline order.
    pub places: Vec<Place>,
    pub active: Vec<Deployment>,
    /// What has not begun: scheduled or queued, in the order in which it was asked for.
    pub pending: Vec<Deployment>,
    /// Plans of open releases, newest first.
    pub plans: Vec<Deployment>,
    pub locks: Vec<Lock>,
    /// Monitors that are still being asked.
    pub watches: Vec<Watch>,
    /// Freezes that close something now, and the ones to come within two days.
    pub freezes: Vec<Freeze>,
    /// No release was ever registered: greet.
    pub is_new: bool,
}

/// How far a release has come in one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    Not,
    /// Live there now.
    Live,
    /// Was live, something newer took its place.
    Replaced,
    Active,
    Failed,
    Cancelled,
    Lost,
}

/// One environment on a card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    pub environment: EnvName,
    pub reached: Reached,
    pub deployment: Option<DeploymentId>,
}

/// The next environment of a release and what its gates say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Next {
    pub environment: EnvName,
    pub report: GateReport,
    /// What a deployment there would do, in full.
    #[serde(skip)]
    pub content: String,
}

/// One open release.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    pub release: Release,
    pub cells: Vec<Cell>,
    /// Exit gates of its stage.
    pub exit: Vec<ExitCheck>,
    /// `None`: it has come all the way, or the service left the configuration.
    pub next: Option<Next>,
}

impl Card {
    /// Gaps and closed gates, as short words: what keeps it from moving on.
    pub fn blockers(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.release.blocked.is_some() {
            words.push("blocked".to_owned());
        }
        if let Some((_, issue)) = self.release.blocking_issues().next() {
            words.push(format!("open {}", issue.severity));
        }
        // That it is not live yet is what the next environment's gates are about.
        let closed = |check: &&ExitCheck| {
            let on_its_way = check.gate == StageGate::Live && self.next.is_some();
            matches!(check.answer, ExitAnswer::Blocked { .. }) && !on_its_way
        };
        words.extend(self.exit.iter().filter(closed).map(|check| check.gate.to_string()));
        words
    }

    /// What is missing but does not block.
    pub fn gaps(&self) -> Vec<&'static str> {
        let missing = self.exit.iter().filter(|check| matches!(check.answer, ExitAnswer::Gap { .. }));
        missing.map(|check| check.gate.as_str()).collect()
    }
}

/// What runs in one environment of a service.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    pub service: ServiceName,
    pub environment: EnvName,
    pub live: Option<Deployment>,
    /// The newest attempt, when it is not what is live.
    pub newest: Option<Deployment>,
    /// The freeze that closes it now and when it opens again, if that is known.
    pub freeze: Option<(String, Option<Timestamp>)>,
    /// What closes it within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<Closes>,
}

pub fn board(cx: &Ctx<'_>) -> Result<Board, OpError> {
    let roster = cx.roster();
    let unsigned = Signatures::default();
    let around: HashMap<&ServiceName, Surroundings> = cx
        .policy
        .services
        .iter()
        .map(|(name, service)| Ok((name, Surroundings::with(cx, service, roster.clone())?)))
        .collect::<Result<_, OpError>>()?;
    cx.store.read(|tx| {
        let open = releases::list_open(tx)?;
        let freezes = facts::freezes(tx, cx)?;
        let rules = configured::standing(tx, cx)?;
        let locks = locks::list_standing(tx, cx.now)?;
        let mut decided = decided(tx)?;
        let mut plans: Vec<Deployment> = Vec::new();
        let mut attempts: HashMap<ReleaseId, Vec<Deployment>> = HashMap::new();
        for deployment in deployments::list_of_open_releases(tx)? {
            let deployment = facts::as_it_stands(cx, deployment);
            if deployment.noop {
                plans.push(deployment);
                continue;
            }
            attempts.entry(deployment.release.clone()).or_default().push(deployment);
        }
        let (spots, observed) = (spots(tx, cx)?, observations::list(tx)?);
        let (active, pending) = deployments::list_unfinished(tx)?;
        let witnesses = witnesses::list_open(tx)?;
        let hotfixes: Vec<Release> =
            open.iter().filter(|release| release.kind == ReleaseKind::Hotfix).cloned().collect();
        let arrived = arrived(&hotfixes, &attempts);
        let mut cards = Vec::with_capacity(open.len());
        for release in open {
            let approvals = decided.remove(&release.id).unwrap_or_default();
            let mine = attempts.remove(&release.id).unwrap_or_default();
            let service = cx.policy.services.get(&release.id.service);
            let goal = service
                .map(|service| goal((service, &release), &mine, &spots, &observed))
                .unwrap_or_default();
            let signatures = around.get(&release.id.service).map_or(&unsigned, |around| &around.signatures);
            let exit = facts::stage_exit_with(cx, &release, &roster, (&approvals, signatures), &goal);
            let (cells, next) = match (service, around.get(&release.id.service)) {
                (Some(service), Some(around)) => {
                    let cells = cells((service, &release), &mine, &spots);
                    let asked = Asked {
                        service,
                        release: &release,
                        around,
                        freezes: &freezes,
                        rules: rules.as_ref(),
                        locks: &locks,
                        hotfixes: &hotfixes,
                        arrived: &arrived,
                        pending: &pending,
                        witnesses: &witnesses,
                        approvals,
                    };
                    let next = next(tx, cx, asked, &cells, &spots)?;
                    (cells, next)
                }
                _ => (Vec::new(), None),
            };
            cards.push(Card { release, cells, exit, next });
        }
        let is_new = cards.is_empty() && releases::is_empty(tx)?;
        Ok(Board {
            cards,
            places: places(cx, &spots, &freezes),
            active: active
                .into_iter()
                .map(|d| facts::as_it_stands(cx, d))
                .filter(|d| d.state.is_active())
                .collect(),
            pending,
            plans,
            locks,
            watches: watches::list(tx)?,
            freezes: soon(freezes, cx.now),
            is_new,
        })
    })
}

/// What was decided about open releases.
fn decided(tx: &Tx<'_>) -> Result<HashMap<ReleaseId, Vec<Approval>>, OpError> {
    let mut decided: HashMap<ReleaseId, Vec<Approval>> = HashMap::new();
    for approval in approvals::list_open(tx)? {
        decided.entry(approval.release.clone()).or_default().push(approval);
    }
    Ok(decided)
}

/// Freezes that close something within two days.
fn soon(mut freezes: Vec<Freeze>, now: Timestamp) -> Vec<Freeze> {
    let soon = now.plus(Duration::from_hours(48));
    freezes.retain(|freeze| !freeze.suspended && freeze.current(now).start <= soon);
    freezes
}

/// Where hotfixes were good already: what has arrived is not on its way any more.
fn arrived(
    hotfixes: &[Release],
    attempts: &HashMap<ReleaseId, Vec<Deployment>>,
) -> Vec<(ReleaseId, EnvName)> {
    let of_hotfixes = hotfixes.iter().filter_map(|hotfix| attempts.get(&hotfix.id)).flatten();
    let good = of_hotfixes.filter(|d| d.state == DeploymentState::Succeeded);
    good.map(|d| (d.release.clone(), d.environment.clone())).collect()
}

/// What the store knows of one service in one environment.
struct Spot {
    live: Option<Deployment>,
    /// The newest one that may have touched it.
    newest: Option<Deployment>,
    active: Option<Deployment>,
}

type Spots<'a> = HashMap<(&'a ServiceName, &'a EnvName), Spot>;

fn spots<'a>(tx: &Tx<'_>, cx: &Ctx<'a>) -> Result<Spots<'a>, OpError> {
    let mut spots = HashMap::new();
    for service in cx.policy.services.values() {
        for env in &service.pipeline {
            let stands = |d: Deployment| facts::as_it_stands(cx, d);
            let newest = deployments::find_newest(tx, &service.name, env)?.map(stands);
            // What has just succeeded is live, even where the store could not be told yet.
            let live = newest.clone().filter(|d| d.state == DeploymentState::Succeeded);
            let spot = Spot {
                live: live.map_or_else(|| deployments::find_live(tx, &service.name, env), |d| Ok(Some(d)))?,
                newest,
                active: deployments::find_active(tx, &service.name, env)?.map(stands),
            };
            spots.insert((&service.name, env), spot);
        }
    }
    Ok(spots)
}

/// What was deployed in the phase that is the goal, by the release's own deployments and by anybody's.
fn goal(
    (service, release): (&Service, &Release),
    mine: &[Deployment],
    spots: &Spots<'_>,
    observed: &[Observed],
) -> Goal {
    let phase = service.pipeline_of(release).goal();
    let spot = |env: &EnvName| {
        let good = mine.iter().find(|d| d.environment == *env && d.state == DeploymentState::Succeeded);
        stage_exit::Spot {
            environment: env.clone(),
            newest: newest_at(spots, service, env),
            good: good.cloned().map(facts::newest),
        }
    };
    let observed = observed.iter().filter(|one| one.service == service.name).cloned().collect();
    Goal { needed: phase.needed, spots: phase.environments.iter().map(spot).collect(), observed }
}

fn newest_at(spots: &Spots<'_>, service: &Service, env: &EnvName) -> Option<Newest> {
    spots.get(&(&service.name, env)).and_then(|spot| spot.newest.clone()).map(facts::newest)
}

fn places(cx: &Ctx<'_>, spots: &Spots<'_>, freezes: &[Freeze]) -> Vec<Place> {
    // What a person would meet who starts something now.
    let freezes: Vec<Freeze> = freezes.iter().filter(|freeze| freeze.applies(false)).cloned().collect();
    let freezes = freezes.as_slice();
    let mut places = Vec::new();
    for service in cx.policy.services.values() {
        for env in &service.pipeline {
            let Some(spot) = spots.get(&(&service.name, env)) else { continue };
            let newest = spot.active.clone().or_else(|| spot.newest.clone());
            let newest = newest.filter(|newest| Some(newest.id) != spot.live.as_ref().map(|live| live.id));
            let freeze = crate::domain::freeze::closing(freezes, &service.name, env, cx.now);
            places.push(Place {
                service: service.name.clone(),
                environment: env.clone(),
                live: spot.live.clone(),
                newest,
                freeze: freeze.map(|(freeze, opens)| (freeze.name.clone(), opens)),
                closes: cx.policy.environments.get(env).and_then(|environment| {
                    closes(freezes, &service.name, environment, cx.policy.zone, cx.now)
                }),
            });
        }
    }
    places
}

/// How far a release has come, from its own deployments (newest first) and what is live.
fn cells((service, release): (&Service, &Release), mine: &[Deployment], spots: &Spots<'_>) -> Vec<Cell> {
    let cell = |env: &EnvName| {
        let newest =
            mine.iter().find(|d| d.environment == *env && (d.claimed_at.is_some() || d.state.is_active()));
        let live = spots.get(&(&service.name, env)).and_then(|spot| spot.live.as_ref());
        let is_live = |d: &Deployment| live.is_some_and(|live| live.id == d.id);
        let reached = match newest {
            None => Reached::Not,
            Some(d) => match d.state {
                DeploymentState::Succeeded if is_live(d) => Reached::Live,
                DeploymentState::Succeeded => Reached::Replaced,
                DeploymentState::Lost => Reached::Lost,
                DeploymentState::Cancelled => Reached::Cancelled,
                state if state.is_live() => Reached::Active,
                _ => Reached::Failed,
            },
        };
        Cell { environment: env.clone(), reached, deployment: newest.map(|d| d.id) }
    };
    service.pipeline_of(release).iter().map(cell).collect()
}

/// Whose next step is asked about.
struct Asked<'a> {
    service: &'a Service,
    release: &'a Release,
    around: &'a Surroundings,
    freezes: &'a [Freeze],
    rules: Option<&'a Standing>,
    locks: &'a [Lock],
    hotfixes: &'a [Release],
    /// Where hotfixes were good already.
    arrived: &'a [(ReleaseId, EnvName)],
    /// What has not begun.
    pending: &'a [Deployment],
    witnesses: &'a [Request],
    approvals: Vec<Approval>,
}

/// Where the release goes next, with its gates.
fn next(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    asked: Asked<'_>,
    cells: &[Cell],
    spots: &Spots<'_>,
) -> Result<Option<Next>, OpError> {
    let Asked {
        service,
        release,
        around,
        freezes,
        locks,
        rules,
        hotfixes,
        arrived,
        pending,
        witnesses,
        approvals,
    } = asked;
    let was_good = |env: &EnvName| {
        let cell = cells.iter().find(|cell| cell.environment == *env);
        cell.is_some_and(|cell| matches!(cell.reached, Reached::Live | Reached::Replaced))
    };
    let Some(env) = service.pipeline_of(release).next(was_good) else { return Ok(None) };
    let environment = facts::environment(cx, env)?;
    let overrides = Overrides::default();
    let kind = DeploymentKind::Deploy;
    let wish = Wish {
        release,
        service,
        environment,
        kind,
        rescue: false,
        actor: cx.actor,
        starts: false,
        overrides: &overrides,
        automatic: false,
        noop: false,
        toggle: None,
        except: None,
    };
    let own = spots.get(&(&service.name, env));
    let given = Given {
        freezes: freezes.to_vec(),
        rules: rules.cloned(),
        approvals,
        schedulers: approval::schedulers(pending, &release.id, env).into_iter().cloned().collect(),
        witness: {
            let is_here = |r: &&Request| r.release.service == service.name && r.environment == *env;
            witnesses.iter().find(is_here).filter(|_| environment.four_eyes.is_some()).cloned()
        },
        upstream: facts::upstream(service, release, env, |env| Ok(newest_at(spots, service, env)))?,
        holder: own.and_then(|spot| spot.active.clone()).map(facts::holder),
        locks: locks.to_vec(),
        needs: facts::needs(release, |service| {
            let spot = spots.get(&(service, env));
            Ok(spot.and_then(|spot| spot.live.as_ref()).map(|live| live.release.version.clone()))
        })?,
        hotfix: {
            let has_arrived =
                |hotfix: &&Release| arrived.iter().any(|(id, at)| *id == hotfix.id && at == env);
            let open = hotfixes.iter().filter(|hotfix| !has_arrived(hotfix));
            let of_here = environment.is_production().then(|| facts::hotfix(open, &service.name));
            of_here.flatten().map(|hotfix| hotfix.id.clone())
        },
        outdated: None,
        again: false,
        // The next step of a release is no way back.
        needed_by: Vec::new(),
        change: change::known(tx, cx, service, environment, &release.id, None)?,
    };
    let facts = facts::together(cx, &wish, around, given);
    let report = gate::evaluate(&facts, cx.now);
    Ok(Some(Next { environment: env.clone(), report, content: facts.content }))
}

/// How a card stands, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Good,
    Busy,
    Bad,
    Quiet,
}

/// The one thing worth knowing about a card now, in a few words: what runs, else what is wrong, else what it waits
/// for, else what is missing.
pub fn standing(card: &Card, board: &Board, now: Timestamp) -> (Mood, String) {
    let mine = |d: &&Deployment| d.release == card.release.id;
    if let Some(d) = board.active.iter().find(mine) {
        return in_progress(d, now);
    }
    if let Some((d, wait)) = board.pending.iter().find(mine).and_then(|d| Some((d, d.wait.as_ref()?))) {
        let will_be_closed = wait.outlook.as_ref().is_some_and(|outlook| !outlook.closed.is_empty());
        let warning = if will_be_closed && !wait.is_due(now) { ", CLOSED then as things stand" } else { "" };
        return (Mood::Busy, format!("{} to {} {}{warning}", d.id, d.environment, wait.brief(d.state, now)));
    }
    if let Some(block) = &card.release.blocked {
        return (Mood::Bad, format!("BLOCKED: {}", block.reason));
    }
    if let Some((_, issue)) = card.release.blocking_issues().next() {
        return (Mood::Bad, format!("open {}: {}", issue.severity, issue.title));
    }
    if let Some(cell) = card.cells.iter().find(|cell| cell.reached == Reached::Failed) {
        return (Mood::Bad, format!("FAILED in {}", cell.environment));
    }
    let blockers = card.blockers();
    if !blockers.is_empty() {
        return (Mood::Busy, format!("needs {}", blockers.join(", ")));
    }
    let gaps = match card.gaps().as_slice() {
        [] => String::new(),
        gaps => format!("gaps: {}", gaps.join(", ")),
    };
    match &card.next {
        None => match card.cells.last() {
            None => (Mood::Bad, "no longer configured".to_owned()),
            Some(goal) if goal.reached == Reached::Live => {
                (Mood::Good, format!("live in {}", goal.environment))
            }
            Some(goal) => (Mood::Quiet, format!("was live in {}; something else is now", goal.environment)),
        },
        Some(next) if next.report.allows() => {
            let closes = next.report.closes.as_ref().map(|closes| format!(", {}", closes.brief(now)));
            (Mood::Good, format!("{} is open{}", next.environment, closes.unwrap_or_default()))
        }
        Some(next) => match first_closed(&next.report) {
            // Its own stage comes first: that it is not in the deploy stage yet says nothing new.
            (GateId::Stage, _) => (Mood::Quiet, gaps),
            (_, reason) => (Mood::Quiet, format!("{}: {reason}", next.environment)),
        },
    }
}

fn in_progress(d: &Deployment, now: Timestamp) -> (Mood, String) {
    let (id, env) = (d.id, &d.environment);
    if d.state == DeploymentState::Lost {
        return (Mood::Bad, format!("{id} to {env} was LOST: settle it"));
    }
    if let Some(quiet) = d.silence(now) {
        return (Mood::Bad, format!("{id} to {env}: NO SIGN OF LIFE for {}", span(quiet)));
    }
    if d.is_cancelling() {
        return (Mood::Busy, format!("{id} to {env} cancelling"));
    }
    if let Some(hold) = d.hold.as_ref().filter(|hold| hold.needs_person()) {
        let who = d.on_it().map(|taken| format!(" ({} is on it)", taken.by.human())).unwrap_or_default();
        return (Mood::Bad, format!("DECIDE{who}: {}, {id} to {env}", hold.brief()));
    }
    let percent = d.progress.map(|percent| format!(" {percent}%")).unwrap_or_default();
    (Mood::Busy, format!("{id} {} to {env}{percent}, {}", d.state, span(d.duration(now))))
}

/// The first gate that does not open, and why in a few words. That the reader may not deploy there comes last: it says
/// nothing about the release.
fn first_closed(report: &GateReport) -> (GateId, String) {
    let of_the_release = report.closed().find(|check| check.gate != GateId::Deployer);
    let Some(check) = of_the_release.or_else(|| report.closed().next()) else {
        return (GateId::Exclusive, String::new());
    };
    let why = match &check.answer {
        Answer::Blocked { reason } => reason.brief(report.at),
        Answer::Unknown { why } => format!("{} unknown: {why}", check.gate),
        _ => String::new(),
    };
    (check.gate, why)
}
