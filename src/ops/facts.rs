//! Gathers what a decision depends on, from one transaction. The only place where facts are put together.

use std::time::Duration;

use crate::domain::actor::{Actor, Person, Roster};
use crate::domain::approval::{self, Approval};
use crate::domain::change::ChangeTicket;
use crate::domain::deployment::{Deployment, DeploymentKind};
use crate::domain::freeze::Freeze;
use crate::domain::gate::stage_exit::{self, ExitCheck, ExitFacts, Goal, Spot};
use crate::domain::gate::{ChangeKnown, DeployFacts, Holder, Need, Newest, Overrides, Required, Upstream};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName, Version};
use crate::domain::lock::Lock;
use crate::domain::policy::{Environment, Rule, ScriptRole, Service, StageGate};
use crate::domain::prompt::AskedOf;
use crate::domain::release::{Release, ReleaseKind, Stage};
use crate::domain::right::{Place, Right};
use crate::domain::rules::Standing;
use crate::domain::signature::Signatures;
use crate::domain::subject::{DeploySubject, ScriptSet};
use crate::domain::toggle::Flip;
use crate::domain::witness::Request;
use crate::store::{
    StoreError, Tx, approvals, deployments, freezes, locks, observations, pending, releases, witnesses,
};

use super::approval::signatures;
use super::{Ctx, OpError, change};

/// What is the same for all questions of one operation: asked of the machine once, before the transaction.
pub struct Surroundings {
    pub roster: Roster,
    pub scripts: ScriptSet,
    /// What the signatures under the approvals of the service are worth.
    pub signatures: Signatures,
    /// What was just said of a change ticket and could not be kept.
    pub unkept: Option<ChangeTicket>,
}

impl Surroundings {
    pub fn of(cx: &Ctx<'_>, service: &Service) -> Result<Self, OpError> {
        Self::with(cx, service, cx.roster())
    }

    /// The same for one of many services.
    pub fn with(cx: &Ctx<'_>, service: &Service, roster: Roster) -> Result<Self, OpError> {
        let scripts = cx.machine.scripts(service);
        Ok(Self { roster, scripts, signatures: signatures::of_service(cx, service)?, unkept: None })
    }
}

/// What is asked: this release, to that environment, as this kind, by that person.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    pub release: &'a Release,
    pub service: &'a Service,
    pub environment: &'a Environment,
    pub kind: DeploymentKind,
    /// Whether it is asked for as a rollback.
    pub rescue: bool,
    pub actor: &'a Actor,
    /// Whether the actor is about to start it, or only looks.
    pub starts: bool,
    pub overrides: &'a Overrides,
    /// Whether it begins by itself.
    pub automatic: bool,
    /// Whether it only tells what a deployment would do.
    pub noop: bool,
    /// The toggle of what is live that it switches.
    pub toggle: Option<&'a Flip>,
    /// The deployment asking for itself does not stand in its own way.
    pub except: Option<DeploymentId>,
}

/// The environment of that name, if the policy has it.
pub fn environment<'a>(cx: &Ctx<'a>, name: &EnvName) -> Result<&'a Environment, OpError> {
    cx.policy.environments.get(name).ok_or_else(|| OpError::unknown_environment(name, cx.policy))
}

/// The content a deployment of `release` to `environment` would have.
pub fn subject(
    release: &Release,
    service: &Service,
    environment: &EnvName,
    scripts: &ScriptSet,
) -> DeploySubject {
    DeploySubject::new(release, service, environment, scripts.clone())
}

pub fn newest(deployment: Deployment) -> Newest {
    Newest {
        id: deployment.id,
        release: deployment.release,
        artifact: deployment.artifact_digest,
        content: deployment.content,
        state: deployment.state,
        finished_at: deployment.finished_at,
    }
}

/// How long a supervisor may take to tell the store how a deployment ended before its exit record is heard instead.
const TOLD_BY: Duration = Duration::from_secs(3);

/// A deployment as it stands. A supervisor writes down how it ended before the store hears of it; while the store cannot
/// be written (a full disk) that is the only word there is. What follows a deployment waits for the store, though: the
/// next step must find there what the last one did.
pub fn as_it_stands(cx: &Ctx<'_>, deployment: Deployment) -> Deployment {
    if !deployment.state.is_live() || deployment.host != cx.machine.host() {
        return deployment;
    }
    let is_its_own = cx.machine.foreign_files(deployment.id, deployment.uid).is_none();
    match is_its_own.then(|| cx.machine.exit_record(deployment.id, deployment.epoch)).flatten() {
        Some(outcome) if cx.now >= outcome.at.plus(TOLD_BY) => deployment.ended(outcome),
        _ => deployment,
    }
}

/// Freezes of the configuration and of the store that are not over.
pub fn freezes(tx: &Tx<'_>, cx: &Ctx<'_>) -> Result<Vec<Freeze>, StoreError> {
    let mut all: Vec<Freeze> =
        cx.policy.freezes.iter().filter(|freeze| !freeze.is_over(cx.now)).cloned().collect();
    all.extend(freezes::list_standing(tx, cx.now)?.into_iter().filter(|freeze| !freeze.is_over(cx.now)));
    Ok(all)
}

/// Everything the gates ask about one wish.
pub fn for_deploy(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    wish: &Wish<'_>,
    around: &Surroundings,
) -> Result<DeployFacts, OpError> {
    let (service, name) = (wish.service, &wish.environment.name);
    let upstream = upstream(service, wish.release, name, |env| {
        Ok(deployments::find_newest(tx, &service.name, env)?.map(|d| newest(as_it_stands(cx, d))))
    })?;
    let given = Given {
        freezes: freezes(tx, cx)?,
        approvals: approvals::list_of(tx, &wish.release.id)?,
        schedulers: {
            let pending = pending::list_of(tx, &service.name, name)?;
            approval::schedulers(&pending, &wish.release.id, name).into_iter().cloned().collect()
        },
        witness: witness(tx, wish)?,
        upstream,
        holder: deployments::find_active(tx, &service.name, name)?.map(|d| holder(as_it_stands(cx, d))),
        locks: locks::list_standing(tx, cx.now)?,
        needs: needs(wish.release, |service| {
            Ok(deployments::find_live(tx, service, name)?.map(|live| live.release.version))
        })?,
        hotfix: match wish.environment.is_production() {
            true => {
                let mut on_their_way = Vec::new();
                for release in releases::list_hotfixes(tx)? {
                    if deployments::find_good(tx, &release.id, name)?.is_none() {
                        on_their_way.push(release);
                    }
                }
                hotfix(&on_their_way, &service.name).map(|release| release.id.clone())
            }
            false => None,
        },
        outdated: match wish.kind {
            DeploymentKind::Rollback if !wish.rescue => {
                match deployments::find_live(tx, &service.name, name)? {
                    Some(live) => {
                        let live = releases::get(tx, &live.release)?;
                        let count = changes(tx, Some(&wish.release.id.version), &live)?;
                        Some((live.id.version, count))
                    }
                    None => None,
                }
            }
            _ => None,
        },
        again: match wish.kind {
            DeploymentKind::Redeploy => deployments::find_live(tx, &service.name, name)?
                .is_some_and(|live| newest(live).proves(wish.release)),
            DeploymentKind::Deploy | DeploymentKind::Rollback => false,
        },
        // Only going back to an older version takes something away that others count on.
        needed_by: match wish.kind {
            DeploymentKind::Rollback => {
                let all = requirements(tx, cx, &service.name, name)?;
                all.into_iter().filter(|required| required.lacks(&wish.release.id.version)).collect()
            }
            DeploymentKind::Deploy | DeploymentKind::Redeploy => Vec::new(),
        },
        rules: super::configured::standing(tx, cx)?,
        change: change::known(tx, cx, service, wish.environment, &wish.release.id, around.unkept.as_ref())?,
    };
    Ok(together(cx, wish, around, given))
}

/// What was asked of a second person for this start: a deployment that has begun keeps what it used.
fn witness(tx: &Tx<'_>, wish: &Wish<'_>) -> Result<Option<Request>, StoreError> {
    if wish.environment.four_eyes.is_none() {
        return Ok(None);
    }
    let used = wish.except.map(|id| witnesses::find_used(tx, id)).transpose()?.flatten();
    match used {
        Some(used) => Ok(Some(used)),
        None => witnesses::find_open(tx, &wish.service.name, &wish.environment.name),
    }
}

/// The recorded part of the facts. Views read it once for a whole board.
#[derive(Clone)]
pub struct Given {
    pub freezes: Vec<Freeze>,
    pub approvals: Vec<Approval>,
    /// Who has asked for deployments of it to this environment that have not begun.
    pub schedulers: Vec<Person>,
    /// The asking for a second person that counts there.
    pub witness: Option<Request>,
    /// The newest deployments in the phase before.
    pub upstream: Option<Upstream>,
    /// Who holds the environment.
    pub holder: Option<Holder>,
    /// Locks, whatever they are on.
    pub locks: Vec<Lock>,
    /// What the release requires in the environment.
    pub needs: Vec<Need>,
    /// A hotfix of the service that is on its way.
    pub hotfix: Option<ReleaseId>,
    /// What is live there and newer, and how many changes lie between.
    pub outdated: Option<(Version, usize)>,
    /// Whether exactly this is live there.
    pub again: bool,
    /// What is live there and requires a newer version of the service.
    pub needed_by: Vec<Required>,
    /// Who stands by the rules, where that takes a second person.
    pub rules: Option<Standing>,
    /// What is known of its change ticket, where one is asked for.
    pub change: Option<ChangeKnown>,
}

/// The phase before an environment, with what was deployed there last.
pub fn upstream(
    service: &Service,
    release: &Release,
    env: &EnvName,
    newest: impl Fn(&EnvName) -> Result<Option<Newest>, StoreError>,
) -> Result<Option<Upstream>, StoreError> {
    let Some(phase) = service.pipeline_of(release).upstream(env) else { return Ok(None) };
    let found = phase.environments.iter().map(|env| Ok((env.clone(), newest(env)?)));
    let newest = found.collect::<Result<_, StoreError>>()?;
    Ok(Some(Upstream { needed: phase.needed, newest }))
}

/// How many changes the releases of a service brought after the version `from` (nothing: before it there was none) up to
/// and with `to`.
pub fn changes(tx: &Tx<'_>, from: Option<&Version>, to: &Release) -> Result<usize, StoreError> {
    let Some(from) = from else { return Ok(to.build.changes.len()) };
    let all = releases::list_of(tx, &to.id.service, 500)?;
    let between = all.iter().filter(|release| {
        let version = &release.id.version;
        version.outranks(from) && !version.outranks(&to.id.version)
    });
    Ok(between.map(|release| release.build.changes.len()).sum())
}

/// What is live in an environment and says which version of this service it requires there.
pub fn requirements(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Vec<Required>, StoreError> {
    let mut found = Vec::new();
    let others = cx.policy.services.values().filter(|other| other.name != *service);
    for other in others.filter(|other| other.pipeline.contains(env)) {
        let Some(live) = deployments::find_live(tx, &other.name, env)? else { continue };
        let requires = releases::get(tx, &live.release)?.plan.requires;
        let here = requires.into_iter().filter(|required| required.service == *service);
        found.extend(here.map(|required| Required { by: live.release.clone(), version: required.version }));
    }
    Ok(found)
}

/// The hotfix of a service that is on its way to production: being built, tested, prepared or deployed. `undelivered`:
/// hotfixes that were never good there; one that was has arrived, whatever took its place since.
pub fn hotfix<'a>(
    undelivered: impl IntoIterator<Item = &'a Release>,
    service: &ServiceName,
) -> Option<&'a Release> {
    undelivered.into_iter().find(|release| {
        let is_on_its_way = (Stage::Build..=Stage::Deploy).contains(&release.stage) && release.is_open();
        release.id.service == *service
            && release.kind == ReleaseKind::Hotfix
            && is_on_its_way
            && release.blocked.is_none()
    })
}

/// What a release requires, with what is live of it.
pub fn needs(
    release: &Release,
    live: impl Fn(&ServiceName) -> Result<Option<Version>, StoreError>,
) -> Result<Vec<Need>, StoreError> {
    let requires = release.plan.requires.iter();
    requires.map(|requires| Ok(Need { requires: requires.clone(), live: live(&requires.service)? })).collect()
}

/// Puts wish, surroundings and record together.
pub fn together(cx: &Ctx<'_>, wish: &Wish<'_>, around: &Surroundings, given: Given) -> DeployFacts {
    let Wish { release, service, environment, kind, rescue, .. } = *wish;
    let name = &environment.name;
    let holder = given.holder.filter(|holder| Some(holder.id) != wish.except);
    let required = |gate: StageGate| cx.policy.stage(gate.stage()).require.contains(&gate);
    let content = subject(release, service, name, &around.scripts);
    DeployFacts {
        release: release.clone(),
        environment: Environment {
            approvals: Rule::asked(&environment.approvals, release.weighed_risk()),
            rollback_approvals: Rule::asked(&environment.rollback_approvals, release.weighed_risk()),
            ..environment.clone()
        },
        zone: cx.policy.zone,
        kind,
        rescue,
        actor: wish.actor.clone(),
        starts: wish.starts,
        deployers: cx.policy.ruling(Right::Deploy, Place::both(&service.name, name)),
        roster: around.roster.clone(),
        in_pipeline: service.pipeline.contains(name),
        in_channel: service.leads_there(release, name),
        asks: match rescue || wish.noop || wish.toggle.is_some() {
            true => Vec::new(),
            false => AskedOf::Approver.of(&service.prompts),
        },
        script: match wish {
            Wish { toggle: Some(_), .. } => Some(ScriptRole::Step),
            Wish { noop: true, .. } => plan_script(service),
            _ => script_for(service, kind),
        },
        subject: content.digest(),
        content: content.canonical(),
        signatures: around.signatures.clone(),
        upstream: given.upstream,
        needs: given.needs,
        hotfix: given.hotfix,
        outdated: given.outdated,
        again: given.again,
        needed_by: given.needed_by,
        freezes: given.freezes.into_iter().filter(|freeze| freeze.applies(wish.automatic)).collect(),
        approvals: given.approvals,
        schedulers: given.schedulers,
        witness: given.witness,
        required_checks: if required(StageGate::Checks) {
            cx.policy.stage(Stage::Test).checks.clone()
        } else {
            Vec::new()
        },
        required_items: if required(StageGate::Checklist) {
            cx.policy.stage(Stage::Prepare).checklist.clone()
        } else {
            Vec::new()
        },
        holder,
        locks: given.locks.into_iter().filter(|lock| lock.scope.covers(&service.name, name)).collect(),
        rules: given.rules.filter(|_| wish.environment.is_production()),
        change: given.change,
        automatic: wish.automatic,
        noop: wish.noop,
        toggle: wish.toggle.cloned(),
        overrides: wish.overrides.clone(),
        skipped: cx.policy.process(release.kind).skip.clone(),
    }
}

/// Which script a deployment of this kind runs: the rollback script where there is one, else deploy.
pub fn script_for(service: &Service, kind: DeploymentKind) -> Option<ScriptRole> {
    let has = |role: ScriptRole| service.scripts.contains_key(&role).then_some(role);
    match kind {
        DeploymentKind::Rollback => has(ScriptRole::Rollback).or_else(|| has(ScriptRole::Deploy)),
        _ => has(ScriptRole::Deploy),
    }
}

/// The script that tells what a deployment would do.
pub fn plan_script(service: &Service) -> Option<ScriptRole> {
    service.scripts.contains_key(&ScriptRole::Plan).then_some(ScriptRole::Plan)
}

pub fn holder(active: Deployment) -> Holder {
    Holder {
        id: active.id,
        release: active.release,
        by: active.started_by.name,
        state: active.state,
        since: active.requested_at,
    }
}

/// The exit gates of the stage the release is in; `decided`: the decisions about it, and what the signatures under them are
/// worth.
pub fn stage_exit(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    release: &Release,
    roster: &Roster,
    decided: (&[Approval], &Signatures),
) -> Result<Vec<ExitCheck>, StoreError> {
    let goal = match cx.policy.services.get(&release.id.service) {
        Some(service) => {
            let phase = service.pipeline_of(release).goal();
            let mut spots = Vec::new();
            for env in &phase.environments {
                spots.push(Spot {
                    environment: env.clone(),
                    newest: deployments::find_newest(tx, &service.name, env)?.map(newest),
                    good: deployments::find_good(tx, &release.id, env)?.map(newest),
                });
            }
            let observed = observations::list(tx)?;
            let observed = observed.into_iter().filter(|one| one.service == service.name).collect();
            Goal { needed: phase.needed, spots, observed }
        }
        None => Goal::default(),
    };
    Ok(stage_exit_with(cx, release, roster, decided, &goal))
}

/// The same with what was deployed in the last phase of the pipeline at hand.
pub fn stage_exit_with(
    cx: &Ctx<'_>,
    release: &Release,
    roster: &Roster,
    (approvals, signatures): (&[Approval], &Signatures),
    goal: &Goal,
) -> Vec<ExitCheck> {
    let facts = ExitFacts { policy: cx.policy, roster, approvals, signatures, goal, now: cx.now };
    stage_exit::evaluate(release, &facts)
}
