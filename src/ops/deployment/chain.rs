//! Several releases to one environment, each after those it depends on (EXE-25).

use crate::domain::chain;
use crate::domain::deployment::{CancelKind, CancelRequest, Cause, Deployment, DeploymentState};
use crate::domain::hold::FollowUp;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::journal::Verb;
use crate::domain::prompt;
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, deployments, journal, releases};

use std::collections::BTreeSet;

use super::asked::Errand;
use super::later::Later;
use super::start::{self, StartDeploy, Started};
use super::{follow_up, turn};

/// The releases that go together.
#[derive(Debug, Clone, PartialEq)]
pub struct StartChain {
    pub releases: Vec<ReleaseId>,
    pub environment: EnvName,
    pub reason: Option<String>,
    /// Their versions in the order of `releases`, typed by the person, where the environment asks for it.
    pub confirm: Vec<String>,
    pub later: Later,
    /// Whether one that fails stops the others that have not finished, and takes them back.
    pub together: bool,
}

/// Records all of them or none. Each begins when those it depends on have succeeded and its own gates are open; one that
/// fails stops what comes after it.
pub fn start(cx: &Ctx<'_>, wanted: &StartChain) -> Result<Vec<Started>, OpError> {
    let names: Vec<String> = wanted.releases.iter().map(ToString::to_string).collect();
    for (at, release) in wanted.releases.iter().enumerate() {
        if wanted.releases[..at].iter().any(|other| other.service == release.service) {
            let sentence = format!("{} is in the chain twice", release.service);
            return Err(OpError::new(ErrorKind::Usage, sentence).hint("one release of each service"));
        }
    }
    let mut around = Vec::new();
    for id in &wanted.releases {
        around.push(Surroundings::of(cx, cx.service(&id.service)?)?);
    }
    let subject = format!("{} → {}", names.join(", "), wanted.environment);
    // Nobody asks for two chains in one millisecond.
    let chain = wanted.together.then(|| format!("{} {}", cx.now, cx.actor.name()));
    let recorded = cx.act(Verb::DeploymentScheduled, &subject, |tx| {
        let mut begun: Vec<(ReleaseId, DeploymentId)> = Vec::new();
        let mut recorded = Vec::new();
        let order = in_order(tx, cx, &wanted.releases, &wanted.environment)?.map_err(|of| {
            OpError::conflict(circle(&of))
                .hint("take one of these out of the chain, or the requirement out of the release")
        })?;
        for (release, before) in order {
            let at = wanted.releases.iter().position(|id| *id == release).unwrap_or_default();
            let is_before = |(id, _): &&(ReleaseId, DeploymentId)| before.contains(id);
            let after = begun.iter().filter(is_before).map(|(_, id)| *id).collect();
            let one = StartDeploy {
                reason: wanted.reason.clone(),
                confirm: wanted.confirm.get(at).cloned(),
                later: Some(Later { after, chain: chain.clone(), ..wanted.later.clone() }),
                ..StartDeploy::new(release.clone(), wanted.environment.clone())
            };
            let one = start::checked(cx, &one)?;
            let none = BTreeSet::new();
            let prompts = start::questions_in(tx, cx, &release, &wanted.environment, &none)?;
            if let Err(bad) = prompt::settle(&prompts, &one.answers) {
                let ways =
                    format!("deploy it by itself: relman deploy {release} {} --after ID", one.environment);
                return Err(OpError::new(ErrorKind::Usage, format!("{release}: {bad}; a chain asks nobody"))
                    .hint(ways));
            }
            let (started, ticket) = start::record(tx, cx, &one, Errand::Deploy, &around[at], |_, _| Ok(()))?;
            begun.push((release, started.deployment.id));
            recorded.push((started, ticket));
        }
        Ok(recorded)
    })?;
    let (mut all, mut failed) = (Vec::new(), None);
    for (started, ticket) in recorded {
        // One that did not come up must not leave the others without a process that waits for them.
        if let Err(error) = start::launch(cx, &started.deployment, &ticket) {
            failed.get_or_insert(error);
        }
        all.push(started);
    }
    failed.map_or(Ok(all), Err)
}

/// One of a chain that goes together did not come to its good end: those that have not finished are stopped, and what they
/// changed is taken back. What had finished stays (EXE-25).
pub(super) fn take_back(tx: &Tx<'_>, cx: &Ctx<'_>, failed: &Deployment) -> Result<(), OpError> {
    let of = |d: &Deployment| d.wait.as_ref().and_then(|wait| wait.chain.clone());
    // What a newer one took the place of did not fail.
    let is_good = matches!(failed.state, DeploymentState::Succeeded | DeploymentState::Superseded);
    let Some(chain) = of(failed).filter(|_| !is_good) else { return Ok(()) };
    let why = format!("{} of the same chain is {}", failed.id, failed.state_word());
    let (active, pending) = deployments::list_unfinished(tx)?;
    let same = |d: &Deployment| of(d).as_ref() == Some(&chain) && d.id != failed.id;
    for other in active.into_iter().filter(same) {
        let other = deployments::get(tx, other.id)?;
        if !other.state.is_live() || other.cancel.is_some() {
            continue;
        }
        let request = CancelRequest {
            by: format!("the chain of {}", failed.id),
            at: cx.now,
            kind: CancelKind::Gentle,
            reason: Some(why.clone()),
        };
        deployments::request_cancel(tx, other.id, &request)?;
        // What a person has decided already stays as they said it.
        if other.follow_up.is_none() && follow_up::possible(tx, cx, &other).is_ok() {
            let back = FollowUp::wanted(&other.started_by, cx.now, why.clone());
            deployments::set_follow_up(tx, other.id, &back)?;
        }
        let after = deployments::get(tx, other.id)?;
        let entry = cx.entry(Verb::CancelRequested, other.id).because(Some(&why));
        journal::append(tx, entry.before(&other).after(&after))?;
    }
    for other in pending.into_iter().filter(same) {
        // The end of one takes the others back in its turn.
        if !deployments::get(tx, other.id)?.state.is_pending() {
            continue;
        }
        let cause = Cause::Unmet { first: failed.id, ended: failed.state_word().to_owned() };
        let log = cx.machine.log_facts(other.id);
        turn::end(tx, cx, &other, DeploymentState::Cancelled, cause, &log, None)?;
    }
    Ok(())
}

/// Releases, each with those of them it comes after.
pub(in crate::ops) type Order = Vec<(ReleaseId, Vec<ReleaseId>)>;

/// The releases in the order in which they go to an environment: after what their service depends on, and what they
/// require and is not live there in that version yet. `Err`: some of them wait for each other.
pub(in crate::ops) fn in_order(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    wanted: &[ReleaseId],
    env: &EnvName,
) -> Result<Result<Order, Vec<ReleaseId>>, OpError> {
    let mut after: Vec<(ReleaseId, Vec<ServiceName>)> = Vec::new();
    for id in wanted {
        let release = releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))?;
        let needs = facts::needs(&release, |service| {
            Ok(deployments::find_live(tx, service, env)?.map(|live| live.release.version))
        })?;
        let unmet = needs.into_iter().filter(|need| !need.is_met()).map(|need| need.requires.service);
        let known = cx.policy.services.get(&id.service).into_iter();
        let services = known.flat_map(|service| service.depends_on.clone()).chain(unmet);
        after.push((id.clone(), services.collect()));
    }
    let before = |id: &ReleaseId| -> Vec<ReleaseId> {
        let services = after.iter().find(|(known, _)| known == id).map(|(_, services)| services);
        let comes_after = |other: &&ReleaseId| services.is_some_and(|all| all.contains(&other.service));
        wanted.iter().filter(comes_after).cloned().collect()
    };
    Ok(chain::order(wanted, before)
        .map(|order| order.into_iter().map(|id| (id.clone(), before(&id))).collect()))
}

/// How a circle reads.
pub(in crate::ops) fn circle(of: &[ReleaseId]) -> String {
    let names: Vec<String> = of.iter().map(ToString::to_string).collect();
    format!("they wait for each other: {}", names.join(" → "))
}
