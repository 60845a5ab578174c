//! Starts a deployment: asks every gate and records it in one transaction, then launches its supervisor.
//!
//! Entry points: [`preview`] reads only, [`start`] writes. The script runs in the supervisor, not here.
//! Three nets under "two people press deploy": the gates are asked again inside the write, the answer is compared
//! with what the person saw, and the database allows one active deployment per service and environment.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::deployment::{Cause, Deployment, DeploymentKind, DeploymentState, Outcome, Step};
use crate::domain::gate::{self, GateId, GateReport, Overrides};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, Version};
use crate::domain::journal::Verb;
use crate::domain::policy::{Environment, ScriptRole, Service};
use crate::domain::release::Release;
use crate::domain::strategy::{self, StepPlan};
use crate::domain::text::free;
use crate::ops::facts::{self, Surroundings, Wish};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, deployments, journal, releases};

use super::{sides, ticket};

/// What a person wants to start.
#[derive(Debug, Clone, PartialEq)]
pub struct StartDeploy {
    pub release: ReleaseId,
    pub environment: EnvName,
    pub reason: Option<String>,
    /// Gates to open on record.
    pub overrides: BTreeSet<GateId>,
    /// The version, typed by the person, where the environment asks for it.
    pub confirm: Option<String>,
    /// The report the person agreed to: when the gates say something else now, nothing starts.
    pub seen: Option<GateReport>,
}

impl StartDeploy {
    pub fn new(release: ReleaseId, environment: EnvName) -> Self {
        Self { release, environment, reason: None, overrides: BTreeSet::new(), confirm: None, seen: None }
    }
}

/// What would happen, for the dialog and for `relman why`.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    pub release: Release,
    pub report: GateReport,
    pub steps: Vec<StepPlan>,
    /// What is live there now.
    pub live: Option<Deployment>,
    /// Command line of the script that would run.
    pub script: Vec<String>,
    pub needs_confirmation: bool,
    /// Durations of the last successes in milliseconds, newest first.
    pub durations: Vec<u64>,
}

impl Preview {
    /// The newer version that is live there and would be taken back.
    pub fn takes_back(&self) -> Option<&Version> {
        let live = &self.live.as_ref()?.release.version;
        live.outranks(&self.release.id.version).then_some(live)
    }
}

/// A recorded and launched deployment.
#[derive(Debug, Clone, Serialize)]
pub struct Started {
    pub deployment: Deployment,
    pub report: GateReport,
}

/// Asks every gate as somebody who is about to start it, without changing anything.
pub fn preview(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<Preview, OpError> {
    look(cx, id, env, true)
}

/// Why it may or may not go there: asked by somebody who only wants to know, so that whoever may start it counts.
pub fn explain(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<GateReport, OpError> {
    Ok(look(cx, id, env, false)?.report)
}

fn look(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName, starts: bool) -> Result<Preview, OpError> {
    let service = cx.service(&id.service)?;
    let environment = facts::environment(cx, env)?;
    let around = Surroundings::of(cx, service);
    cx.store.read(|tx| {
        let release = releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))?;
        let place = Place { service, environment, around: &around, starts };
        let Asked { live, report, steps, .. } =
            ask(tx, cx, &place, &release, Errand::Deploy, &Overrides::default())?;
        let role = facts::script_for(service, report.kind).unwrap_or(ScriptRole::Deploy);
        Ok(Preview {
            steps,
            script: service.scripts.get(&role).cloned().unwrap_or_default(),
            needs_confirmation: environment.confirm,
            durations: deployments::recent_durations(tx, &id.service, env, 10)?,
            release,
            report,
            live,
        })
    })
}

/// Where a release would go, and whether the actor would start it.
struct Place<'a> {
    service: &'a Service,
    environment: &'a Environment,
    around: &'a Surroundings,
    starts: bool,
}

/// What the gates say about it, and what would run.
struct Asked {
    live: Option<Deployment>,
    /// What is there now, whatever became of it.
    previous: Option<Version>,
    rescue: bool,
    report: GateReport,
    steps: Vec<StepPlan>,
}

fn ask(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    place: &Place<'_>,
    release: &Release,
    errand: Errand,
    overrides: &Overrides,
) -> Result<Asked, OpError> {
    let Place { service, environment, around, starts } = *place;
    let live = deployments::find_live(tx, &service.name, &environment.name)?;
    let newest = deployments::find_newest(tx, &service.name, &environment.name)?;
    let live_version = live.as_ref().map(|live| &live.release.version);
    let rescue = errand == Errand::Rollback;
    let kind = match errand {
        Errand::Rollback => DeploymentKind::Rollback,
        Errand::Deploy => DeploymentKind::of(&release.id.version, live_version),
    };
    let wish = Wish {
        release,
        service,
        environment,
        kind,
        rescue,
        actor: cx.actor,
        starts,
        overrides,
        except: None,
    };
    let report = gate::evaluate(&facts::for_deploy(tx, cx, &wish, around)?, cx.now);
    let role = facts::script_for(service, kind).unwrap_or(ScriptRole::Deploy);
    let verify = service.scripts.contains_key(&ScriptRole::Verify);
    let serving = sides::serving(tx, service, environment)?;
    let kept = match &serving {
        Some(serving) if rescue => sides::kept(tx, service, environment, release, serving, cx.now)?,
        _ => None,
    };
    let cut = if rescue { strategy::plan_back } else { strategy::plan };
    let steps = match kept {
        Some(side) => strategy::switch_back(role, verify, side),
        None => cut(service.strategy(&environment.name), role, verify, serving.map(|serving| serving.color)),
    };
    // Of a second attempt what it replaces is what was there before the first.
    let before = newest.map(|newest| newest.release.version).filter(|version| *version != release.id.version);
    let previous = before.or_else(|| live_version.cloned());
    Ok(Asked { live, previous, rescue, report, steps })
}

/// Records the deployment and launches its supervisor.
pub fn start(cx: &Ctx<'_>, wanted: &StartDeploy) -> Result<Started, OpError> {
    start_as(cx, wanted, Errand::Deploy, |_, _| Ok(()))
}

/// What a person asked for: it decides what must be passed, where the kind only says what it amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    Deploy,
    Rollback,
}

/// Shared with rollback: `also` runs in the same transaction once the deployment has its number.
pub(super) fn start_as(
    cx: &Ctx<'_>,
    wanted: &StartDeploy,
    errand: Errand,
    also: impl Fn(&Tx<'_>, &Deployment) -> Result<(), OpError>,
) -> Result<Started, OpError> {
    let service = cx.service(&wanted.release.service)?;
    let environment = facts::environment(cx, &wanted.environment)?;
    let reason = wanted.reason.as_deref().map(|text| free("reason", text, 2000)).transpose()?;
    let around = Surroundings::of(cx, service);
    let subject = format!("{} → {}", wanted.release, wanted.environment);
    let recorded = cx.act(Verb::DeploymentStarted, &subject, |tx| {
        let release = releases::find(tx, &wanted.release)?
            .ok_or_else(|| OpError::not_found(format!("release {}", wanted.release)))?;
        typed(wanted, environment)?;
        let overrides = permitted_overrides(cx, wanted, environment, &around, reason.as_deref())?;
        let place = Place { service, environment, around: &around, starts: true };
        let asked = ask(tx, cx, &place, &release, errand, &overrides)?;
        let report = asked.report.clone();
        if wanted.seen.as_ref().is_some_and(|seen| !seen.same_checks(&report)) {
            let mut error =
                OpError::conflict("the gates say something else than a moment ago; nothing was started")
                    .hint("look at the gates again, then decide");
            error.report = Some(Box::new(report));
            return Err(error);
        }
        if !report.allows() {
            return Err(OpError::gates(report));
        }
        // Last: nobody types a version to learn then that it is closed.
        confirmed(wanted, environment)?;
        let deployment = insert(tx, cx, &place, &release, &asked, reason.clone())?;
        also(tx, &deployment)?;
        let entry = cx.entry(Verb::DeploymentStarted, deployment.id).because(reason.as_deref());
        journal::append(tx, entry.after(&deployment).detail(&report))?;
        let ticket = ticket::write(&deployment, &release, service, asked.steps, around.scripts.files.clone());
        Ok((Started { deployment, report }, ticket))
    });
    let (started, ticket) = match recorded {
        Err(error) if error.kind == ErrorKind::Conflict && error.report.is_none() => {
            return Err(who_was_faster(cx, wanted).unwrap_or(error));
        }
        other => other?,
    };
    // After the commit: a machine that dies here leaves a launching row, which reconcile settles.
    match cx.machine.launch(&ticket) {
        Ok(()) => Ok(started),
        Err(why) => Err(could_not_launch(cx, &started.deployment, why)),
    }
}

/// The database let the other one in: say who.
fn who_was_faster(cx: &Ctx<'_>, wanted: &StartDeploy) -> Option<OpError> {
    let holder = cx
        .store
        .read(|tx| deployments::find_active(tx, &wanted.release.service, &wanted.environment))
        .ok()??;
    let error = OpError::conflict(format!(
        "{} was faster: {} of {} to {} is {}",
        holder.started_by.name, holder.id, holder.release, holder.environment, holder.state
    ));
    Some(error.hint(format!("watch it: relman attach {}", holder.id.0)))
}

/// The supervisor did not come up: settle the row, so that the environment is free again.
fn could_not_launch(cx: &Ctx<'_>, deployment: &Deployment, why: String) -> OpError {
    let cause = Cause::NeverStarted { why: why.clone() };
    let log = cx.machine.log_facts(deployment.id);
    let outcome = Outcome::without_steps(DeploymentState::Failed, cause, cx.now, log);
    let settled = super::finish::settle(
        cx,
        deployment.id,
        deployment.epoch,
        &[DeploymentState::Launching],
        &outcome,
        Some("launcher"),
    );
    let error = OpError::new(ErrorKind::Failure, format!("{} could not be started: {why}", deployment.id));
    match settled {
        Ok((_, true)) => error.hint("nothing ran; mend the cause and deploy again"),
        Ok((now, false)) => {
            let id = deployment.id;
            error.hint(format!(
                "it had been claimed and is {}: look at it with: relman show {}",
                now.state, id.0
            ))
        }
        Err(_) => {
            error.hint("its record could not be settled either; it will be within a minute, by any relman")
        }
    }
}

/// Whether what was typed is the version. Where nothing was typed that may be asked for later (see [`confirmed`]).
fn typed(wanted: &StartDeploy, environment: &Environment) -> Result<(), OpError> {
    let version = wanted.release.version.to_string();
    match &wanted.confirm {
        Some(typed) if environment.confirm && *typed != version => {
            Err(unconfirmed(&version, format!("what was typed is not the version {version}")))
        }
        _ => Ok(()),
    }
}

fn confirmed(wanted: &StartDeploy, environment: &Environment) -> Result<(), OpError> {
    if !environment.confirm || wanted.confirm.is_some() {
        return Ok(());
    }
    let why = format!("{} asks for the version to be typed before anything starts", environment.name);
    Err(unconfirmed(&wanted.release.version.to_string(), why))
}

fn unconfirmed(version: &str, sentence: String) -> OpError {
    OpError::new(ErrorKind::Unconfirmed, sentence).hint(format!("add --confirm {version}"))
}

fn permitted_overrides(
    cx: &Ctx<'_>,
    wanted: &StartDeploy,
    environment: &Environment,
    around: &Surroundings,
    reason: Option<&str>,
) -> Result<Overrides, OpError> {
    if wanted.overrides.is_empty() {
        return Ok(Overrides::default());
    }
    if let Some(gate) = wanted.overrides.iter().find(|gate| !gate.may_be_opened()) {
        return Err(OpError::new(ErrorKind::NotPermitted, format!("the {gate} gate cannot be overridden")));
    }
    if !environment.may_override(&around.roster, cx.actor) {
        let groups = &environment.overriders;
        let who = if groups.is_empty() {
            "nobody may".to_owned()
        } else {
            format!("only {} may", groups.join(", "))
        };
        return Err(OpError::new(
            ErrorKind::NotPermitted,
            format!("{} may not override gates of {}; {who}", cx.actor.name(), environment.name),
        ));
    }
    let Some(reason) = reason else {
        return Err(
            OpError::new(ErrorKind::Usage, "an override needs a reason").hint("say it with --reason \"…\"")
        );
    };
    Ok(Overrides {
        gates: wanted.overrides.clone(),
        by: cx.actor.name().to_owned(),
        reason: reason.to_owned(),
    })
}

fn insert(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    place: &Place<'_>,
    release: &Release,
    asked: &Asked,
    reason: Option<String>,
) -> Result<Deployment, OpError> {
    let Place { service, environment, .. } = *place;
    let Asked { previous, rescue, report, steps, .. } = asked;
    let deployment = Deployment {
        id: DeploymentId(0),
        release: release.id.clone(),
        environment: environment.name.clone(),
        kind: report.kind,
        rescue: *rescue,
        state: DeploymentState::Launching,
        epoch: deployments::next_epoch(tx, &service.name, &environment.name)?,
        strategy: service.strategy(&environment.name).as_str().to_owned(),
        previous: previous.clone(),
        artifact_digest: release.build.digest.clone(),
        content: Some(release.build.content()),
        subject: report.subject.clone(),
        color: steps.iter().find_map(|step| step.color),
        reason,
        // Only what it really went past is on record for ever; a gate that closes later is closed.
        overrides: report.overridden().map(|check| check.gate.to_string()).collect(),
        started_by: cx.actor.person.clone(),
        requested_at: cx.now,
        claimed_at: None,
        finished_at: None,
        heartbeat_at: None,
        host: cx.machine.host().to_owned(),
        boot: cx.machine.boot().to_owned(),
        uid: cx.actor.person.uid,
        script: None,
        progress: None,
        progress_note: None,
        log_size: 0,
        log_digest: None,
        log_dropped: 0,
        cancel: None,
        hold: None,
        guidance: None,
        guided: false,
        follow_up: None,
        cause: None,
        failed_step: None,
        left_running: Vec::new(),
        recovered_by: None,
    };
    let planned: Vec<Step> =
        steps.iter().enumerate().map(|(index, plan)| Step::planned(index, plan.clone())).collect();
    let id = deployments::insert(tx, &deployment, &planned, report)?;
    Ok(Deployment { id, ..deployment })
}
