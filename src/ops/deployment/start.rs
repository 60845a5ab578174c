//! Starts a deployment: asks every gate and records it in one transaction, then launches its supervisor.
//!
//! Entry points: [`preview`] reads only, [`start`] writes. The script runs in the supervisor, not here.
//! Three nets under "two people press deploy": the gates are asked again inside the write, the answer is compared
//! with what the person saw, and the database allows one active deployment per service and environment.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use crate::domain::approval::Approval;
use crate::domain::change::{Change, ChangeTicket};
use crate::domain::deployment::{Cause, Deployment, DeploymentState, Outcome};
use crate::domain::gate::{GateId, GateReport, Overrides, approvals};
use crate::domain::hold::OnFailure;
use crate::domain::ids::{EnvName, ReleaseId, Version};
use crate::domain::journal::Verb;
use crate::domain::policy::{Environment, Rule, ScriptRole, Service};
use crate::domain::prompt::{self, Answers, BadAnswer, Prompt};
use crate::domain::release::{Level, Release};
use crate::domain::right::{Place as Where, Right};
use crate::domain::strategy::StepPlan;
use crate::domain::text::free;
use crate::domain::time::relative;
use crate::domain::witness::Eyes;
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, ErrorKind, Liveness, OpError, change, override_review};
use crate::store::{Tx, deployments, journal, releases, witnesses};

use super::asked::{Asked, Errand, Place, ask, draft};
use super::later::{self, Later};
use super::rollback::{self, Rehearsal};
use super::ticket::{self, Ticket};

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
    /// Not at once.
    pub later: Option<Later>,
    /// Answers to what the service asks of who deploys it.
    pub answers: Answers,
    /// Names of steps to leave out.
    pub left_out: Vec<String>,
    /// What a failed step leads to; nothing: what the configuration says.
    pub on_failure: Option<OnFailure>,
    /// Number of the change ticket it is done under.
    pub change: Option<String>,
    /// Whether the hooks that are asked before it begins are left out; needs a reason.
    pub skips_hooks: bool,
}

impl StartDeploy {
    pub fn new(release: ReleaseId, environment: EnvName) -> Self {
        Self {
            release,
            environment,
            reason: None,
            overrides: BTreeSet::new(),
            confirm: None,
            seen: None,
            later: None,
            answers: Answers::default(),
            left_out: Vec::new(),
            on_failure: None,
            change: None,
            skips_hooks: false,
        }
    }

    fn verb(&self) -> Verb {
        if self.later.is_some() { Verb::DeploymentScheduled } else { Verb::DeploymentStarted }
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
    /// The last time going back to what is live now was tried elsewhere.
    pub rehearsed: Option<Rehearsal>,
    /// What is asked of who deploys it.
    pub prompts: Vec<Prompt>,
    /// Whether there is a script that tells what it would do.
    pub has_plan: bool,
    /// The newest plan of this release for this environment.
    pub plan: Option<Deployment>,
    /// Every decision about it for there, those that ended as well.
    #[serde(skip)]
    pub decisions: Vec<Approval>,
    /// What it would do, in full.
    #[serde(skip)]
    pub content: String,
    /// How many changes it would take back, where something newer is live (PIP-9).
    pub takes_away: usize,
    /// How many changes it brings, where that is more than may go there by themselves, and how many may (PIP-10).
    pub too_many: Option<(usize, usize)>,
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
    /// How many changes it takes back, where something newer is live.
    pub takes_away: usize,
}

/// Asks every gate as somebody who is about to start it, without changing anything.
pub fn preview(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<Preview, OpError> {
    let unkept = change::refresh(cx, id, env, Change::LOOK_AGAIN)?.unkept;
    look(cx, id, env, true, unkept)
}

/// Why it may or may not go there: asked by somebody who only wants to know, so that whoever may start it counts.
pub fn explain(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<GateReport, OpError> {
    let unkept = change::refresh(cx, id, env, Change::LOOK_AGAIN)?.unkept;
    Ok(look(cx, id, env, false, unkept)?.report)
}

/// The same with everything a person should know who only looks.
pub fn overview(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<Preview, OpError> {
    look(cx, id, env, false, None)
}

/// What the gates say to somebody who is about to start it, within a transaction of theirs.
pub(in crate::ops) fn report_in(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    id: &ReleaseId,
    env: &EnvName,
    around: &Surroundings,
) -> Result<GateReport, OpError> {
    let (service, environment) = (cx.service(&id.service)?, facts::environment(cx, env)?);
    let release = known(tx, id)?;
    let place = Place { service, environment, around, starts: true, automatic: false };
    Ok(ask(tx, cx, &place, &release, Errand::Deploy, &Overrides::default())?.report)
}

fn known(tx: &Tx<'_>, id: &ReleaseId) -> Result<Release, OpError> {
    releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))
}

fn look(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    env: &EnvName,
    starts: bool,
    unkept: Option<ChangeTicket>,
) -> Result<Preview, OpError> {
    let service = cx.service(&id.service)?;
    let environment = facts::environment(cx, env)?;
    let around = Surroundings { unkept, ..Surroundings::of(cx, service)? };
    cx.store.read(|tx| {
        let release = known(tx, id)?;
        let place = Place { service, environment, around: &around, starts, automatic: false };
        let Asked { live, report, steps, facts: asked_facts, .. } =
            ask(tx, cx, &place, &release, Errand::Deploy, &Overrides::default())?;
        let role = facts::script_for(service, report.kind).unwrap_or(ScriptRole::Deploy);
        Ok(Preview {
            steps,
            script: service.scripts.get(&role).cloned().unwrap_or_default(),
            needs_confirmation: environment.confirm,
            durations: deployments::recent_successes(tx, &id.service, env, 10)?
                .into_iter()
                .filter_map(|(_, _, took)| took)
                .collect(),
            rehearsed: match &live {
                Some(live) => rollback::rehearsal(tx, &live.release, env, cx.now)?,
                None => None,
            },
            prompts: prompt::at_start(&service.prompts, approvals::answers(&asked_facts, cx.now).is_some()),
            has_plan: facts::plan_script(service).is_some(),
            plan: deployments::find_plan(tx, id, env)?,
            too_many: match service.deliveries.get(env) {
                Some(delivery) => {
                    let version = live.as_ref().map(|live| &live.release.version);
                    let changes = facts::changes(tx, version, &release)?;
                    Some((changes, delivery.max_changes)).filter(|(changes, max)| changes > max)
                }
                None => None,
            },
            decisions: asked_facts
                .approvals
                .into_iter()
                .filter(|approval| approval.subject.environment() == Some(env))
                .collect(),
            content: asked_facts.content,
            takes_away: asked_facts.outdated.map_or(0, |(_, changes)| changes),
            release,
            report,
            live,
        })
    })
}

/// Records the deployment and launches its supervisor.
pub fn start(cx: &Ctx<'_>, wanted: &StartDeploy) -> Result<Started, OpError> {
    start_as(cx, wanted, Errand::Deploy, |_, _| Ok(()))
}

/// Shared with rollback: `also` runs in the same transaction once the deployment has its number.
pub(super) fn start_as(
    cx: &Ctx<'_>,
    wanted: &StartDeploy,
    errand: Errand<'_>,
    also: impl Fn(&Tx<'_>, &Deployment) -> Result<(), OpError>,
) -> Result<Started, OpError> {
    let service = cx.service(&wanted.release.service)?;
    let wanted = checked(cx, wanted)?;
    if errand == Errand::Deploy {
        see_about_change(cx, &wanted)?;
    }
    // After the question about its ticket, which may take minutes: scripts and people as they are now.
    let around = Surroundings::of(cx, service)?;
    let subject = super::refused_as(&wanted.release, &wanted.environment);
    let recorded = cx.act(wanted.verb(), &subject, |tx| {
        let (started, ticket) = record(tx, cx, &wanted, errand, &around, &also)?;
        Ok((started, ticket))
    });
    let (started, ticket) = match recorded {
        Err(error)
            if error.kind == ErrorKind::Conflict && error.report.is_none() && wanted.later.is_none() =>
        {
            return Err(who_was_faster(cx, &wanted).unwrap_or(error));
        }
        other => other?,
    };
    launch(cx, &started.deployment, &ticket)?;
    Ok(started)
}

/// Asks about the change ticket before anything else, and makes one where that is all that is missing. For what begins
/// at a later time that is done then.
fn see_about_change(cx: &Ctx<'_>, wanted: &StartDeploy) -> Result<(), OpError> {
    let (id, env) = (&wanted.release, &wanted.environment);
    if let Some(number) = &wanted.change {
        change::assign_along(cx, id, env, number)?;
    }
    let begins_later = wanted.later.as_ref().is_some_and(|later| later.at.is_some());
    if begins_later || !change::refresh(cx, id, env, Duration::ZERO)?.asked {
        return Ok(());
    }
    let around = Surroundings::of(cx, cx.service(&id.service)?)?;
    // What will be refused anyway needs no ticket; it is refused on record, and with its reason, below.
    match cx.store.read(|tx| sound(tx, cx, wanted, &around)) {
        Ok(report) => change::make_if_missing(cx, &report).map(drop),
        Err(_) => Ok(()),
    }
}

/// Whether everything that a person says about a start is as it must be; what the gates say about it.
fn sound(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    wanted: &StartDeploy,
    around: &Surroundings,
) -> Result<GateReport, OpError> {
    let service = cx.service(&wanted.release.service)?;
    let environment = facts::environment(cx, &wanted.environment)?;
    let release = known(tx, &wanted.release)?;
    typed(wanted, environment)?;
    confirmed(wanted, environment)?;
    let overrides = permitted_overrides(tx, cx, wanted)?;
    let place = Place { service, environment, around, starts: true, automatic: wanted.later.is_some() };
    let asked = ask(tx, cx, &place, &release, Errand::Deploy, &overrides)?;
    let asked = asked.without(&wanted.left_out)?.without_hooks(wanted)?;
    answered(cx, &asked, service, wanted)?;
    match &wanted.seen {
        Some(seen) if !seen.same_checks(&asked.report) => Err(others_now(asked.report)),
        _ => Ok(asked.report),
    }
}

/// The gates say something else than what the person agreed to.
fn others_now(report: GateReport) -> OpError {
    let error = OpError::conflict("the gates say something else than a moment ago; nothing was started")
        .hint("look at the gates again, then decide");
    OpError { report: Some(Box::new(report)), ..error }
}

/// Runs the plan script: what a deployment would do, for those who approve it. Takes the environment meanwhile, asks for
/// no approval and changes nothing (EXE-22).
pub fn plan(cx: &Ctx<'_>, wanted: &StartDeploy) -> Result<Started, OpError> {
    start_as(cx, &StartDeploy { later: None, ..wanted.clone() }, Errand::Plan, |_, _| Ok(()))
}

/// The answers of who starts it, and of who approved it where somebody is asked to.
fn answered(
    cx: &Ctx<'_>,
    asked: &Asked,
    service: &Service,
    wanted: &StartDeploy,
) -> Result<Answers, OpError> {
    let approvers = approvals::answers(&asked.facts, cx.now);
    prompt::settle_both(&service.prompts, &wanted.answers, approvers.as_ref()).map_err(unanswered)
}

/// What is asked of who starts it there, for who asks before anything is written.
pub fn questions(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    env: &EnvName,
    overrides: &BTreeSet<GateId>,
) -> Result<Vec<Prompt>, OpError> {
    cx.store.read(|tx| questions_in(tx, cx, id, env, overrides))
}

/// The same within a transaction.
pub(super) fn questions_in(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    id: &ReleaseId,
    env: &EnvName,
    overrides: &BTreeSet<GateId>,
) -> Result<Vec<Prompt>, OpError> {
    let Some(service) = cx.policy.services.get(&id.service) else { return Ok(Vec::new()) };
    let Some(environment) = cx.policy.environments.get(env) else { return Ok(Vec::new()) };
    let release = releases::find(tx, id)?;
    let risk = release.as_ref().map_or(Level::High, Release::weighed_risk);
    let is_skipped =
        release.is_some_and(|known| cx.policy.process(known.kind).skip.contains(GateId::Approvals.as_str()));
    let is_asked = !Rule::asked(&environment.approvals, risk).is_empty() && !is_skipped;
    Ok(prompt::at_start(&service.prompts, is_asked && !overrides.contains(&GateId::Approvals)))
}

fn unanswered(bad: BadAnswer) -> OpError {
    let hint =
        format!("answer it with --set {0}=…, a secret one with --set-file {0}=FILE (- for stdin)", bad.name);
    OpError::new(ErrorKind::Usage, bad.to_string()).hint(hint)
}

/// The same with its texts made safe.
pub(super) fn checked(cx: &Ctx<'_>, wanted: &StartDeploy) -> Result<StartDeploy, OpError> {
    facts::environment(cx, &wanted.environment)?;
    let reason = wanted.reason.as_deref().map(|text| free("reason", text, 2000)).transpose()?;
    Ok(StartDeploy { reason, ..wanted.clone() })
}

/// Asks the gates and records the deployment with its journal entry. It is launched once that is committed.
pub(in crate::ops) fn record(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    wanted: &StartDeploy,
    errand: Errand<'_>,
    around: &Surroundings,
    also: impl Fn(&Tx<'_>, &Deployment) -> Result<(), OpError>,
) -> Result<(Started, Ticket), OpError> {
    let service = cx.service(&wanted.release.service)?;
    let environment = facts::environment(cx, &wanted.environment)?;
    let release = known(tx, &wanted.release)?;
    typed(wanted, environment)?;
    let overrides = permitted_overrides(tx, cx, wanted)?;
    let automatic = wanted.later.is_some();
    let place = Place { service, environment, around, starts: true, automatic };
    let asked = ask(tx, cx, &place, &release, errand, &overrides)?;
    let asked = asked.without(&wanted.left_out)?.without_hooks(wanted)?;
    let report = asked.report.clone();
    if wanted.seen.as_ref().is_some_and(|seen| !seen.same_checks(&report)) {
        return Err(others_now(report));
    }
    let waits = match &wanted.later {
        Some(later) if !later::may_go_now(tx, later, &report)? => {
            let variables = cx.machine.set_variables(&service.variables());
            Some(later::agree(tx, later, &asked, variables, cx.now)?)
        }
        _ if report.allows() => None,
        _ => return Err(OpError::gates(report)),
    };
    let answers = match errand {
        Errand::Deploy => answered(cx, &asked, service, wanted)?,
        Errand::Rollback | Errand::Plan => prompt::settle_kindly(&service.prompts, &wanted.answers),
        Errand::Toggle(_) => Answers::default(),
    };
    // Last: nobody types a version to learn then that it is closed.
    if errand != Errand::Plan {
        confirmed(wanted, environment)?;
    }
    let kept = prompt::to_keep(&service.prompts, &answers);
    let deployment = draft(tx, cx, &place, &release, &asked)?;
    let toggle = if let Errand::Toggle(flip) = errand { Some(flip.clone()) } else { None };
    // What waits may go past what is closed then; what it really went past is recorded when it begins.
    let overrides = match &waits {
        Some(_) => asked.facts.overrides.gates.iter().map(ToString::to_string).collect(),
        None => deployment.overrides.clone(),
    };
    let reason = wanted.reason.clone();
    let on_failure = wanted.on_failure;
    let deployment = Deployment { reason, overrides, answers: kept, toggle, on_failure, ..deployment };
    let deployment = deployment.waiting(waits);
    let planned = if deployment.state.is_pending() { Vec::new() } else { asked.planned() };
    let id = deployments::insert(tx, &deployment, &planned, &report)?;
    deployments::set_about(tx, id, &asked.facts.content)?;
    let deployment = Deployment { id, ..deployment };
    let witness =
        if matches!(deployment.witness, Some(Eyes::Witnessed { .. })) { &asked.facts.witness } else { &None };
    if let Some(request) = witness
        && !witnesses::consume(tx, request.id, id)?
    {
        return Err(OpError::conflict("the confirmation of the second person was used already"));
    }
    also(tx, &deployment)?;
    let is_own_wish = wanted.later.as_ref().is_none_or(|later| later.train.is_none() && !later.delivered);
    let is_queued = deployment.state != DeploymentState::Scheduled && !deployment.noop;
    if environment.one_in_queue && is_queued && is_own_wish {
        super::turn::replace_own(tx, cx, &deployment)?;
    }
    let verb = if deployment.state.is_pending() { wanted.verb() } else { Verb::DeploymentStarted };
    let entry = cx.entry(verb, deployment.id).because(wanted.reason.as_deref());
    journal::append(tx, entry.after(&deployment).detail(&report))?;
    let files = around.scripts.files_for(&asked.steps);
    let ticket = ticket::write(&deployment, &release, service, asked.steps, files);
    // With the secret ones: through the launcher's pipe they go, and nowhere else.
    let ticket = Ticket { answers, ..ticket };
    let takes_away = asked.facts.outdated.map_or(0, |(_, changes)| changes);
    Ok((Started { deployment, report, takes_away }, ticket))
}

/// After the commit: a machine that dies here leaves a row that reconcile settles or a tick revives.
pub(in crate::ops) fn launch(cx: &Ctx<'_>, d: &Deployment, ticket: &Ticket) -> Result<(), OpError> {
    match cx.machine.launch(ticket) {
        Ok(()) => Ok(()),
        // A tick in the same moment was faster: then it waits, which is all that is wanted.
        Err(_) if is_waited_for(cx, d) => Ok(()),
        Err(why) => Err(could_not_launch(cx, d, why)),
    }
}

/// The database let the other one in: say who.
fn who_was_faster(cx: &Ctx<'_>, wanted: &StartDeploy) -> Option<OpError> {
    let holder = cx
        .store
        .read(|tx| deployments::find_active(tx, &wanted.release.service, &wanted.environment))
        .ok()??;
    let error = OpError::conflict(format!(
        "{} was faster: {} of {} to {} was started {} and is {}",
        holder.started_by.name,
        holder.id,
        holder.release,
        holder.environment,
        relative(holder.requested_at, cx.now),
        holder.state
    ));
    Some(error.hint(format!("watch it: relman attach {}", holder.id.0)))
}

fn is_waited_for(cx: &Ctx<'_>, d: &Deployment) -> bool {
    d.state.is_pending() && cx.machine.liveness(d.id) == Liveness::Alive
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
        &[DeploymentState::Scheduled, DeploymentState::Waiting, DeploymentState::Launching],
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

fn permitted_overrides(tx: &Tx<'_>, cx: &Ctx<'_>, wanted: &StartDeploy) -> Result<Overrides, OpError> {
    if wanted.overrides.is_empty() {
        return Ok(Overrides::default());
    }
    if let Some(gate) = wanted.overrides.iter().find(|gate| !gate.may_be_opened()) {
        return Err(OpError::new(ErrorKind::NotPermitted, format!("the {gate} gate cannot be overridden")));
    }
    cx.may(Right::Override, Where::both(&wanted.release.service, &wanted.environment))?;
    if let Some(owed) = override_review::owed(tx, cx, &wanted.environment)? {
        let (id, env) = (owed.deployment.id, &wanted.environment);
        return Err(OpError::new(
            ErrorKind::NotPermitted,
            format!("{}'s override of {id} in {env} has not been reviewed in time; until it is, there is no further one", cx.actor.name()),
        )
        .hint(format!("ask somebody else to: relman override review {} justified|unjustified --note \"…\"", id.0)));
    }
    let Some(reason) = &wanted.reason else {
        return Err(
            OpError::new(ErrorKind::Usage, "an override needs a reason").hint("say it with --reason \"…\"")
        );
    };
    Ok(Overrides { gates: wanted.overrides.clone(), by: cx.actor.name().to_owned(), reason: reason.clone() })
}
