//! Switches a feature toggle of what is live: the way back that needs no deployment (RBK-10).
//!
//! It is recorded and supervised like a deployment of the release that is live, and it is none: it takes the environment
//! while it runs, proves nothing, and leaves the release where it is. Off is a way back and passes what a rollback
//! passes; on asks what guards a change of what runs.

use serde::Serialize;

use crate::domain::deployment::Deployment;
use crate::domain::ids::{EnvName, ReleaseId, ServiceName};
use crate::domain::journal::Verb;
use crate::domain::policy::Service;
use crate::domain::text::{did_you_mean, free, quoted};
use crate::domain::toggle::{Flip, Toggle};
use crate::ops::{Ctx, ErrorKind, OpError, facts};
use crate::store::{Tx, deployments, releases};

use super::asked::Errand;
use super::start::{StartDeploy, Started, start_as};

/// A toggle of a service, as far as it is known here.
#[derive(Debug, Clone, Serialize)]
pub struct Known {
    pub toggle: Toggle,
    /// The last time somebody switched it here and that succeeded.
    pub last: Option<Deployment>,
    /// Whether what is live here says that the toggle guards what it brings.
    pub listed: bool,
}

impl Known {
    /// The way it can be switched: off, unless it was switched off last.
    pub fn flip(&self) -> Flip {
        Flip { name: self.toggle.name.clone(), on: self.is_on() == Some(false) }
    }

    /// Which way it was switched last.
    pub fn is_on(&self) -> Option<bool> {
        self.last.as_ref()?.toggle.as_ref().map(|flip| flip.on)
    }
}

/// What is live in an environment, with the toggles of its service; those of the release first.
#[derive(Debug, Clone, Serialize)]
pub struct Toggles {
    pub live: Option<ReleaseId>,
    pub toggles: Vec<Known>,
}

pub fn list(cx: &Ctx<'_>, service: &ServiceName, env: &EnvName) -> Result<Toggles, OpError> {
    let known = at(cx, service, env)?;
    cx.store.read(|tx| list_in(tx, known, env))
}

fn at<'a>(cx: &'a Ctx<'_>, service: &ServiceName, env: &EnvName) -> Result<&'a Service, OpError> {
    let known = cx.service(service)?;
    facts::environment(cx, env)?;
    if known.pipeline.contains(env) { Ok(known) } else { Err(OpError::not_in_pipeline(known, env)) }
}

pub(super) fn list_in(tx: &Tx<'_>, service: &Service, env: &EnvName) -> Result<Toggles, OpError> {
    let live = deployments::find_live(tx, &service.name, env)?.map(|live| live.release);
    let listed = match &live {
        Some(live) => releases::get(tx, live)?.plan.toggles,
        None => Vec::new(),
    };
    let mut toggles = Vec::new();
    for toggle in service.toggles.values() {
        let last = deployments::find_flip(tx, &service.name, env, &toggle.name)?;
        toggles.push(Known { listed: listed.contains(&toggle.name), toggle: toggle.clone(), last });
    }
    toggles.sort_by_key(|known| !known.listed);
    Ok(Toggles { live, toggles })
}

/// A toggle somebody wants to switch.
#[derive(Debug, Clone, PartialEq)]
pub struct StartToggle {
    pub service: ServiceName,
    pub environment: EnvName,
    pub flip: Flip,
    pub reason: String,
    /// The name of the toggle, typed by the person, where the environment asks for it.
    pub confirm: Option<String>,
}

pub fn toggle(cx: &Ctx<'_>, wanted: &StartToggle) -> Result<Started, OpError> {
    let reason = free("reason", &wanted.reason, 2000)?;
    let service = at(cx, &wanted.service, &wanted.environment)?;
    let name = &wanted.flip.name;
    if !service.toggles.contains_key(name) {
        let names = service.toggles.keys().map(String::as_str);
        let error = OpError::not_found(format!("toggle {} of {}", quoted(name, 40), service.name));
        return Err(match did_you_mean(name, names.clone()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None if service.toggles.is_empty() => {
                error.hint(format!("toggles stand in [services.{}.toggles.NAME]", service.name))
            }
            None => error.hint(format!("there are: {}", names.collect::<Vec<_>>().join(", "))),
        });
    }
    if facts::environment(cx, &wanted.environment)?.confirm && wanted.confirm.as_ref() != Some(name) {
        let sentence = match &wanted.confirm {
            None => format!("{} asks for the toggle to be typed before it is switched", wanted.environment),
            Some(_) => format!("what was typed is not the toggle {name}"),
        };
        return Err(OpError::new(ErrorKind::Unconfirmed, sentence).hint(format!("add --confirm {name}")));
    }
    let live = cx.store.read(|tx| deployments::find_live(tx, &wanted.service, &wanted.environment))?;
    let Some(live) = live.map(|live| live.release) else {
        let subject = format!("{} in {}", wanted.service, wanted.environment);
        let why = format!(
            "nothing of {} is live in {}: there is nothing to switch",
            wanted.service, wanted.environment
        );
        return cx
            .act(Verb::DeploymentStarted, &subject, |_| Err(OpError::new(ErrorKind::NotFound, why.clone())));
    };
    let start = StartDeploy {
        reason: Some(reason),
        confirm: Some(live.version.to_string()),
        ..StartDeploy::new(live, wanted.environment.clone())
    };
    start_as(cx, &start, Errand::Toggle(&wanted.flip), |tx, deployment| {
        // Something else may have gone live since.
        let now = deployments::find_live(tx, &wanted.service, &wanted.environment)?;
        if now.is_some_and(|now| now.release == deployment.release) {
            return Ok(());
        }
        let sentence = format!("{} is not live in {} any more", deployment.release, wanted.environment);
        Err(OpError::conflict(sentence).hint("look again, then decide"))
    })
}
