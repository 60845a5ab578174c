//! What the gates say about a wish and what would run: the same for who looks, who starts and what begins by itself.

use std::collections::BTreeMap;

use crate::domain::deployment::{Deployment, DeploymentKind, DeploymentState, Step};
use crate::domain::extra_step;
use crate::domain::gate::{self, Answer, DeployFacts, GateId, GateReport, Overrides, four_eyes};
use crate::domain::hook::Guard;
use crate::domain::ids::{DeploymentId, Version};
use crate::domain::policy::{Environment, ScriptRole, Service};
use crate::domain::release::Release;
use crate::domain::strategy::{self, StepPlan};
use crate::domain::text::quoted;
use crate::domain::toggle::Flip;
use crate::ops::facts::{self, Surroundings, Wish};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, deployments};

use super::sides;
use super::start::StartDeploy;

/// What a person asked for: it decides what must be passed, where the kind only says what it amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) enum Errand<'a> {
    Deploy,
    Rollback,
    /// Only tell what a deployment would do.
    Plan,
    /// Switch a toggle of what is live.
    Toggle(&'a Flip),
}

/// Where a release would go, and whether the actor would start it.
pub(in crate::ops) struct Place<'a> {
    pub service: &'a Service,
    pub environment: &'a Environment,
    pub around: &'a Surroundings,
    pub starts: bool,
    /// Whether it begins by itself.
    pub automatic: bool,
}

/// What the gates say about it, and what would run.
pub(in crate::ops) struct Asked {
    pub live: Option<Deployment>,
    /// What is there now, whatever became of it.
    pub previous: Option<Version>,
    pub rescue: bool,
    /// What the gates were asked about: they can be asked about another time.
    pub facts: DeployFacts,
    pub report: GateReport,
    pub steps: Vec<StepPlan>,
}

/// Asks every gate, and cuts the steps.
pub(in crate::ops) fn ask(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    place: &Place<'_>,
    release: &Release,
    errand: Errand<'_>,
    overrides: &Overrides,
) -> Result<Asked, OpError> {
    let Place { service, environment, around, starts, automatic } = *place;
    let live = deployments::find_live(tx, &service.name, &environment.name)?;
    let newest = deployments::find_newest(tx, &service.name, &environment.name)?;
    let live_version = live.as_ref().map(|live| &live.release.version);
    let rescue = errand.is_rescue();
    let kind = match errand {
        Errand::Rollback => DeploymentKind::Rollback,
        Errand::Deploy | Errand::Plan | Errand::Toggle(_) => {
            DeploymentKind::of(&release.id.version, live_version)
        }
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
        automatic,
        noop: errand == Errand::Plan,
        toggle: if let Errand::Toggle(flip) = errand { Some(flip) } else { None },
        except: None,
    };
    let facts = facts::for_deploy(tx, cx, &wish, around)?;
    let report = gate::evaluate(&facts, cx.now);
    let role = facts::script_for(service, kind).unwrap_or(ScriptRole::Deploy);
    let verify = service.scripts.contains_key(&ScriptRole::Verify);
    let serving = sides::serving(tx, service, environment)?;
    let kept = match &serving {
        Some(serving) if errand == Errand::Rollback => {
            sides::kept(tx, service, environment, release, serving, cx.now)?
        }
        _ => None,
    };
    let strategy = service.strategy(&environment.name);
    let color = serving.map(|serving| serving.color);
    let woven = |steps| extra_step::weave(steps, &service.steps, &environment.name, rescue);
    let steps = match (errand, kept) {
        (Errand::Plan, _) => vec![StepPlan::new("plan", ScriptRole::Plan)],
        (Errand::Toggle(flip), _) => {
            let command = Some(flip.key());
            vec![StepPlan { command, ..StepPlan::new(format!("switch {flip}"), ScriptRole::Step) }]
        }
        (Errand::Rollback, Some(side)) => woven(strategy::switch_back(role, verify, side)),
        (Errand::Rollback, None) => woven(strategy::plan_back(strategy, role, verify, color)),
        (Errand::Deploy, _) => {
            let is_asked = |guard: &&Guard| guard.scope.covers(&service.name, &environment.name);
            let guards = service.guards.iter().filter(is_asked).map(Guard::step);
            guards.chain(woven(strategy::plan(strategy, role, verify, color))).collect()
        }
    };
    let is_asked_for = errand == Errand::Rollback && service.scripts.contains_key(&ScriptRole::Available);
    let steps = match is_asked_for {
        true => std::iter::once(StepPlan::new("available", ScriptRole::Available)).chain(steps).collect(),
        false => steps,
    };
    // Of a second attempt what it replaces is what was there before the first.
    let before = newest.map(|newest| newest.release.version).filter(|version| *version != release.id.version);
    let previous = before.or_else(|| live_version.cloned());
    Ok(Asked { live, previous, rescue, facts, report, steps })
}

impl Errand<'_> {
    /// Whether it goes back: such a thing passes what guards going on.
    fn is_rescue(self) -> bool {
        matches!(self, Self::Rollback) || matches!(self, Self::Toggle(flip) if !flip.on)
    }
}

impl Asked {
    /// The same without these steps. What nobody may leave out is refused, and so is what is not there: a name that was
    /// mistyped must not run after all.
    pub(super) fn without(mut self, names: &[String]) -> Result<Self, OpError> {
        for name in names {
            let known: Vec<&str> = self
                .steps
                .iter()
                .filter(|step| step.may_be_left_out())
                .map(|step| step.name.as_str())
                .collect();
            let hint = match known.as_slice() {
                [] => "nothing of this deployment may be left out".to_owned(),
                known => format!("what may be left out: {}", known.join(", ")),
            };
            match self.steps.iter_mut().find(|step| step.name == *name) {
                Some(step) if step.may_be_left_out() => step.left_out = true,
                Some(_) => {
                    let sentence = format!("{} is required and cannot be left out", quoted(name, 60));
                    return Err(OpError::new(ErrorKind::NotPermitted, sentence).hint(hint));
                }
                None => {
                    let sentence = format!("there is no step {}", quoted(name, 60));
                    return Err(OpError::new(ErrorKind::Usage, sentence).hint(hint));
                }
            }
        }
        Ok(self)
    }

    /// The same without the hooks that are asked before it begins, where that is wanted. That they were not asked is on
    /// record with the deployment, and so is why.
    pub(super) fn without_hooks(mut self, wanted: &StartDeploy) -> Result<Self, OpError> {
        let mut hooks = self.steps.iter_mut().filter(|step| step.role == ScriptRole::Hook);
        if wanted.skips_hooks {
            hooks.by_ref().for_each(|step| step.left_out = true);
        }
        let is_skipped = self.steps.iter().any(|step| step.role == ScriptRole::Hook && step.left_out);
        if is_skipped && wanted.reason.is_none() {
            let sentence = "leaving out a hook needs a reason";
            return Err(OpError::new(ErrorKind::Usage, sentence).hint("say it with --reason \"…\""));
        }
        Ok(self)
    }

    /// Names of the steps that are left out.
    fn left_out(&self) -> Vec<String> {
        self.steps.iter().filter(|step| step.left_out).map(|step| step.name.clone()).collect()
    }

    /// The steps as they are recorded before the first one begins.
    pub(super) fn planned(&self) -> Vec<Step> {
        self.steps.iter().enumerate().map(|(index, plan)| Step::planned(index, plan.clone())).collect()
    }
}

/// Whether the four-eyes gate was asked, and passed: an overridden one has no witness.
pub(super) fn is_watched(asked: &Asked) -> bool {
    let mut own = asked.report.checks.iter().filter(|check| check.gate == GateId::FourEyes);
    own.any(|check| matches!(check.answer, Answer::Pass { .. }))
}

/// The deployment as it would be recorded now, without its number.
pub(super) fn draft(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    place: &Place<'_>,
    release: &Release,
    asked: &Asked,
) -> Result<Deployment, OpError> {
    let Place { service, environment, .. } = *place;
    let Asked { previous, rescue, report, steps, .. } = asked;
    Ok(Deployment {
        id: DeploymentId(0),
        release: release.id.clone(),
        environment: environment.name.clone(),
        kind: report.kind,
        rescue: *rescue,
        noop: asked.facts.noop || asked.facts.toggle.is_some(),
        toggle: None,
        on_failure: None,
        left_out: asked.left_out(),
        answers: BTreeMap::new(),
        state: DeploymentState::Launching,
        epoch: deployments::next_epoch(tx, &service.name, &environment.name)?,
        strategy: service.strategy(&environment.name).as_str().to_owned(),
        previous: previous.clone(),
        artifact_digest: release.build.digest.clone(),
        content: Some(release.build.content()),
        subject: report.subject.clone(),
        color: steps.iter().find_map(|step| step.color),
        reason: None,
        // Only what it really went past is on record for ever; a gate that closes later is closed.
        overrides: report.overridden().map(|check| check.gate.to_string()).collect(),
        started_by: cx.actor.person.clone(),
        requested_at: cx.now,
        claimed_at: None,
        finished_at: None,
        heartbeat_at: None,
        host: cx.machine.host().to_owned(),
        boot: cx.machine.boot().to_owned(),
        uid: cx.machine.runs_as(&cx.actor.person),
        script: None,
        progress: None,
        progress_note: None,
        log_size: 0,
        log_digest: None,
        log_dropped: 0,
        cancel: None,
        hold: None,
        guidance: None,
        taken: None,
        witness: four_eyes::eyes(&asked.facts, cx.now).filter(|_| is_watched(asked)),
        guided: false,
        follow_up: None,
        wait: None,
        cause: None,
        failed_step: None,
        left_running: Vec::new(),
        recovered_by: None,
    })
}
