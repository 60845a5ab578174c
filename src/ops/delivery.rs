//! Deliveries: what would go to an environment by itself, what keeps it, and sending it there.
//!
//! There is no scheduler: whoever ticks as the conductor delivers. What is delivered waits its turn like everything that
//! begins later, so all gates are asked again when it begins.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::domain::actor::{Actor, Person};
use crate::domain::change::Change;
use crate::domain::delivery::Delivery;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::gate::{GateId, Overrides, approvals};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::policy::Service;
use crate::domain::prompt;
use crate::domain::release::{Build, Release, Stage};
use crate::domain::wait::closed;
use crate::ops::deployment::later::Later;
use crate::ops::deployment::start::{self, StartDeploy};
use crate::ops::deployment::{Errand, Place, ask};
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, OpError, change};
use crate::store::{Tx, deployments, pending, releases};

/// How it stands with a delivery.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    pub service: ServiceName,
    pub delivery: Delivery,
    /// What goes next; nothing: why there is nothing to deliver stands in `waits_for`.
    pub next: Option<ReleaseId>,
    /// How many changes it brings.
    pub changes: usize,
    /// What keeps it; nothing: it goes with the next tick of its conductor.
    pub waits_for: Vec<String>,
}

/// `goes to staging by itself (carol): api@1.2.0, waits for hours: …`.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "goes to {} by itself ({}): ", self.delivery.environment, self.delivery.conductor)?;
        let waits_for = self.waits_for.join("; ");
        match (&self.next, waits_for.is_empty()) {
            (None, _) => write!(f, "nothing now, {waits_for}"),
            (Some(next), true) => write!(f, "{next} next"),
            (Some(next), false) => write!(f, "{next}, waits for {waits_for}"),
        }
    }
}

/// How long what was delivered may take to begin: after that the next tick looks anew.
const EXPIRES: Duration = Duration::from_secs(600);

/// Every delivery there is and how it stands.
pub fn list(cx: &Ctx<'_>) -> Result<Vec<Standing>, OpError> {
    let mut all = Vec::new();
    for service in cx.policy.services.values() {
        all.extend(of_service(cx, service)?);
    }
    Ok(all)
}

/// Those of one service.
pub fn of_service(cx: &Ctx<'_>, service: &Service) -> Result<Vec<Standing>, OpError> {
    if service.deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let around = Surroundings::of(cx, service)?;
    cx.store
        .read(|tx| service.deliveries.values().map(|one| standing(tx, cx, service, one, &around)).collect())
}

fn standing(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    service: &Service,
    delivery: &Delivery,
    around: &Surroundings,
) -> Result<Standing, OpError> {
    let env = &delivery.environment;
    let stands = |next: Option<&Release>, changes, waits_for| Standing {
        service: service.name.clone(),
        delivery: delivery.clone(),
        next: next.map(|release| release.id.clone()),
        changes,
        waits_for,
    };
    let release = match next(tx, service, env)? {
        Ok(release) => release,
        Err(why) => return Ok(stands(None, 0, vec![why])),
    };
    let live = deployments::find_live(tx, &service.name, env)?.map(|live| live.release.version);
    let changes = facts::changes(tx, live.as_ref(), &release)?;
    let last = deployments::find_newest(tx, &service.name, env)?.and_then(|newest| newest.claimed_at);
    let mut waits_for = delivery.delays(changes, last, cx.policy.zone, cx.now);
    if let Some(other) = pending::list_of(tx, &service.name, env)?.first() {
        waits_for.push(format!("queue: {} of {} waits there", other.id, other.release));
    }
    // Whoever looks: it begins in its conductor's name.
    let conductor = Person { name: delivery.conductor.clone(), uid: u32::MAX, login: None };
    let conductor = Actor { person: conductor, ..cx.actor.clone() };
    let cx = &Ctx { actor: &conductor, ..*cx };
    let environment = facts::environment(cx, env)?;
    let place = Place { service, environment, around, starts: true, automatic: true };
    let asked = ask(tx, cx, &place, &release, Errand::Deploy, &Overrides::default())?;
    waits_for.extend(closed(&asked.report));
    if let Some(open) = prompt::at_start(&service.prompts, approvals::answers(&asked.facts, cx.now).is_some())
        .iter()
        .find(|prompt| prompt.is_open())
    {
        waits_for.push(format!("prompts: {} is asked, and nobody is there to answer", open.name));
    }
    Ok(stands(Some(&release), changes, waits_for))
}

/// The release that goes next, or why there is none.
fn next(tx: &Tx<'_>, service: &Service, env: &EnvName) -> Result<Result<Release, String>, OpError> {
    let Some(release) = best(tx, service, env)? else {
        let why = match service.pipeline.upstream(env) {
            Some(phase) => format!("nothing is good in {}", phase.describe()),
            None => "nothing is built that could go there".to_owned(),
        };
        return Ok(Err(why));
    };
    let live = deployments::find_live(tx, &service.name, env)?;
    if let Some(live) = &live {
        let is_same = live.release == release.id
            && release.build.is(live.content.as_ref(), live.artifact_digest.as_ref());
        if is_same {
            return Ok(Err(format!("{} is live", release.id)));
        }
        if live.release.version.outranks(&release.id.version) {
            return Ok(Err(format!("{}, which is newer than {}, is live", live.release, release.id.version)));
        }
    }
    Ok(match attempt(tx, &release, env)? {
        Some(d) if d.state.is_pending() => Err(format!("{} of {} waits there", d.id, release.id)),
        Some(d) if d.state.is_active() => Err(format!("{} of {} is {}", d.id, release.id, d.state)),
        // What failed once is not tried again and again: a person looks first.
        Some(d) => Err(format!("{} of {} is {}: a person may deploy it", d.id, release.id, d.state_word())),
        None => Ok(release),
    })
}

/// What goes to an environment by itself next, if something does; nothing of it is asked for yet.
pub(in crate::ops) fn next_of(
    tx: &Tx<'_>,
    service: &Service,
    env: &EnvName,
) -> Result<Option<ReleaseId>, OpError> {
    Ok(next(tx, service, env)?.ok().map(|release| release.id))
}

/// The newest attempt to put the release there with the content it has now, if it began, may still begin, could not be
/// started, or was called off by a person: what nobody has looked at since is not sent again and again. What only ran out
/// of time, or was overtaken, may go with the next tick.
fn attempt(tx: &Tx<'_>, release: &Release, env: &EnvName) -> Result<Option<Deployment>, OpError> {
    let all = deployments::list_attempts(tx, &release.id, env, 50)?;
    let is_of_now = |d: &Deployment| release.build.is(d.content.as_ref(), d.artifact_digest.as_ref());
    let says_no = |d: &Deployment| !matches!(d.state, DeploymentState::Missed | DeploymentState::Superseded);
    Ok(all.into_iter().find(|d| is_of_now(d) && says_no(d)))
}

/// What would go there if nothing had: the newest release that is good in the phase before, or is built where there is
/// none before.
pub(in crate::ops) fn best(
    tx: &Tx<'_>,
    service: &Service,
    env: &EnvName,
) -> Result<Option<Release>, OpError> {
    let mut good = Vec::new();
    match service.pipeline.upstream(env) {
        None => {
            for release in releases::list_open(tx)? {
                let is_built = release.stage >= Stage::Build && release.build != Build::default();
                if release.id.service == service.name && is_built && release.blocked.is_none() {
                    good.push(release);
                }
            }
        }
        Some(phase) => {
            let mut newest = Vec::new();
            for env in &phase.environments {
                newest.extend(deployments::find_newest(tx, &service.name, env)?.map(facts::newest));
            }
            for one in newest.iter().filter(|one| one.state == DeploymentState::Succeeded) {
                let release = releases::get(tx, &one.release)?;
                let proofs = newest.iter().filter(|other| other.proves(&release)).count();
                if proofs >= phase.needed && release.is_open() && release.blocked.is_none() {
                    good.push(release);
                }
            }
        }
    }
    good.retain(|release| service.leads_there(release, env));
    let newer = |a: Release, b: Release| if b.id.version.outranks(&a.id.version) { b } else { a };
    Ok(good.into_iter().reduce(newer))
}

/// What a tick did about one delivery.
pub type Delivered = (ServiceName, EnvName, Result<DeploymentId, OpError>);

/// Sends what may go, as far as this person conducts it. One that cannot be sent keeps no other from going.
pub fn deliver(cx: &Ctx<'_>) -> Vec<Delivered> {
    let mut all = Vec::new();
    for service in cx.policy.services.values() {
        let own = service.deliveries.values().filter(|one| one.conductor == cx.actor.person.name);
        for delivery in own {
            let sent = send(cx, service, delivery).transpose();
            all.extend(sent.map(|sent| (service.name.clone(), delivery.environment.clone(), sent)));
        }
    }
    all
}

fn send(cx: &Ctx<'_>, service: &Service, delivery: &Delivery) -> Result<Option<DeploymentId>, OpError> {
    let around = Surroundings::of(cx, service)?;
    let may_go = |tx: &Tx<'_>| {
        let now = standing(tx, cx, service, delivery, &around)?;
        Ok::<_, OpError>(now.next.filter(|_| now.waits_for.is_empty()))
    };
    see_about_change(cx, service, delivery, &around)?;
    // Nearly always there is nothing to do: that must keep nobody from writing.
    if cx.store.read(may_go)?.is_none() {
        return Ok(None);
    }
    let recorded = cx.store.write_quietly(|tx| {
        let Some(release) = may_go(tx)? else { return Ok::<_, OpError>(None) };
        let later = Later { expire: Some(EXPIRES), delivered: true, ..Later::when_open(cx.policy.zone) };
        let wanted = StartDeploy {
            reason: Some(format!("delivered to {} by itself", delivery.environment)),
            // Who switched it on has agreed to what it sends.
            confirm: Some(release.version.to_string()),
            later: Some(later),
            ..StartDeploy::new(release, delivery.environment.clone())
        };
        start::record(tx, cx, &wanted, Errand::Deploy, &around, |_, _| Ok(())).map(Some)
    })?;
    let Some((started, ticket)) = recorded else { return Ok(None) };
    start::launch(cx, &started.deployment, &ticket)?;
    Ok(Some(started.deployment.id))
}

/// What waits for its change ticket and for nothing else has it asked about, and made where there is none.
fn see_about_change(
    cx: &Ctx<'_>,
    service: &Service,
    delivery: &Delivery,
    around: &Surroundings,
) -> Result<(), OpError> {
    let env = &delivery.environment;
    if !cx.policy.environments.get(env).is_some_and(|environment| environment.change_controlled) {
        return Ok(());
    }
    let now = cx.store.read(|tx| standing(tx, cx, service, delivery, around))?;
    let prefix = format!("{}: ", GateId::Change);
    let waits = !now.waits_for.is_empty() && now.waits_for.iter().all(|why| why.starts_with(&prefix));
    if let Some(next) = now.next.filter(|_| waits) {
        change::refresh_or_make(cx, &next, env, Change::LOOK_AGAIN)?;
    }
    Ok(())
}

/// What would have gone there by itself where a person put something else (PIP-7). Only a deployment by hand says so: a
/// rollback holds automation anyway, and what began by itself is nobody's choice.
pub(in crate::ops) fn passed_over(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    good: &Deployment,
) -> Result<Option<ReleaseId>, OpError> {
    let service = cx.policy.services.get(&good.release.service);
    let is_by_hand = good.is_by_hand() && !good.rescue;
    let Some(service) =
        service.filter(|known| is_by_hand && known.deliveries.contains_key(&good.environment))
    else {
        return Ok(None);
    };
    let best = best(tx, service, &good.environment)?.map(|release| release.id);
    Ok(best.filter(|best| *best != good.release))
}
