//! The release pipeline: every open release with its environments, blockers and next step.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::domain::deployment::{Deployment, DeploymentKind, DeploymentState};
use crate::domain::freeze::Freeze;
use crate::domain::gate::stage_exit::{ExitAnswer, ExitCheck};
use crate::domain::gate::{self, Answer, GateReport, Overrides};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::policy::Service;
use crate::domain::release::Release;
use crate::domain::time::Timestamp;
use crate::ops::facts::{self, Given, Surroundings, Wish};
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, deployments, releases};

/// What the board shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Board {
    pub cards: Vec<Card>,
    /// What runs where, by service and environment in pipeline order.
    pub places: Vec<Place>,
    pub active: Vec<Deployment>,
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
        let closed = |check: &&ExitCheck| matches!(check.answer, ExitAnswer::Blocked { .. });
        words.extend(self.exit.iter().filter(closed).map(|check| check.gate.to_string()));
        words
    }

    /// What is missing but does not block.
    pub fn gaps(&self) -> usize {
        self.exit.iter().filter(|check| matches!(check.answer, ExitAnswer::Gap { .. })).count()
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
    pub freeze: Option<(String, Timestamp)>,
}

pub fn board(cx: &Ctx<'_>) -> Result<Board, OpError> {
    let roster = cx.roster();
    let around: HashMap<&ServiceName, Surroundings> = cx
        .policy
        .services
        .iter()
        .map(|(name, service)| {
            (name, Surroundings { roster: roster.clone(), scripts: cx.machine.scripts(service) })
        })
        .collect();
    cx.store.read(|tx| {
        let open = releases::list_open(tx)?;
        let freezes = facts::freezes(tx, cx)?;
        let mut decided: HashMap<ReleaseId, Vec<_>> = HashMap::new();
        for approval in approvals::list_open(tx)? {
            decided.entry(approval.release.clone()).or_default().push(approval);
        }
        let places = places(tx, cx, &freezes)?;
        let mut cards = Vec::with_capacity(open.len());
        for release in open {
            let approvals = decided.remove(&release.id).unwrap_or_default();
            let given = Given { freezes: freezes.clone(), approvals };
            let exit = facts::stage_exit(tx, cx, &release, &roster, &given.approvals)?;
            let (cells, next) =
                match (cx.policy.services.get(&release.id.service), around.get(&release.id.service)) {
                    (Some(service), Some(around)) => {
                        let cells = cells(tx, service, &release, &places)?;
                        let next = next(tx, cx, service, &release, &cells, around, given)?;
                        (cells, next)
                    }
                    _ => (Vec::new(), None),
                };
            cards.push(Card { release, cells, exit, next });
        }
        let soon = cx.now.plus(Duration::from_secs(48 * 3600));
        let is_new = cards.is_empty() && releases::is_empty(tx)?;
        Ok(Board {
            cards,
            places,
            active: deployments::list_active(tx)?,
            freezes: freezes.into_iter().filter(|freeze| freeze.window.start <= soon).collect(),
            is_new,
        })
    })
}

fn places(tx: &Tx<'_>, cx: &Ctx<'_>, freezes: &[Freeze]) -> Result<Vec<Place>, OpError> {
    let mut places = Vec::new();
    for service in cx.policy.services.values() {
        for env in &service.pipeline {
            let live = deployments::find_live(tx, &service.name, env)?;
            let newest = match deployments::find_active(tx, &service.name, env)? {
                Some(active) => Some(active),
                None => deployments::find_newest(tx, &service.name, env)?,
            };
            let newest = newest.filter(|newest| Some(newest.id) != live.as_ref().map(|live| live.id));
            let freeze = crate::domain::freeze::closing(freezes, &service.name, env, cx.now);
            places.push(Place {
                service: service.name.clone(),
                environment: env.clone(),
                live,
                newest,
                freeze: freeze.map(|(freeze, opens)| (freeze.name.clone(), opens)),
            });
        }
    }
    Ok(places)
}

fn cells(tx: &Tx<'_>, service: &Service, release: &Release, places: &[Place]) -> Result<Vec<Cell>, OpError> {
    let filter = deployments::Filter { release: Some(release.id.clone()), ..deployments::Filter::default() };
    let mine = deployments::list(tx, &filter, 100)?;
    let cell = |env: &EnvName| {
        let newest =
            mine.iter().find(|d| d.environment == *env && (d.claimed_at.is_some() || d.state.is_active()));
        let place = places.iter().find(|place| place.service == service.name && place.environment == *env);
        let is_live =
            |d: &Deployment| place.and_then(|p| p.live.as_ref()).is_some_and(|live| live.id == d.id);
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
    Ok(service.pipeline.iter().map(cell).collect())
}

/// Where the release goes next, with its gates: the environment after the furthest one it was good in. That
/// something newer has taken its place further up does not send it back there.
fn next(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    service: &Service,
    release: &Release,
    cells: &[Cell],
    around: &Surroundings,
    given: Given,
) -> Result<Option<Next>, OpError> {
    let was_good = |cell: &Cell| matches!(cell.reached, Reached::Live | Reached::Replaced);
    let from = cells.iter().rposition(was_good).map_or(0, |furthest| furthest + 1);
    let Some(cell) = cells.get(from) else { return Ok(None) };
    let environment = facts::environment(cx, &cell.environment)?;
    let overrides = Overrides::default();
    let kind = DeploymentKind::Deploy;
    let wish =
        Wish { release, service, environment, kind, actor: cx.actor, overrides: &overrides, except: None };
    let facts = facts::for_deploy_with(tx, cx, &wish, around, given)?;
    Ok(Some(Next { environment: cell.environment.clone(), report: gate::evaluate(&facts, cx.now) }))
}

/// The first reason of a report that blocks, as a sentence.
pub fn first_reason(report: &GateReport) -> Option<String> {
    report.closed().next().map(|check| match &check.answer {
        Answer::Blocked { reason } => format!("{}: {reason}", check.gate),
        Answer::Unknown { why } => format!("{}: {why}", check.gate),
        _ => String::new(),
    })
}
