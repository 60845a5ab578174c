//! Several releases to one environment, each after those it depends on (EXE-25).

use crate::domain::chain;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::prompt;
use crate::domain::release::Release;
use crate::ops::facts::Surroundings;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, releases};

use super::asked::Errand;
use super::later::Later;
use super::start::{self, StartDeploy, Started};

/// The releases that go together.
#[derive(Debug, Clone, PartialEq)]
pub struct StartChain {
    pub releases: Vec<ReleaseId>,
    pub environment: EnvName,
    pub reason: Option<String>,
    /// Their versions in the order of `releases`, typed by the person, where the environment asks for it.
    pub confirm: Vec<String>,
    pub later: Later,
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
        around.push(Surroundings::of(cx, cx.service(&id.service)?));
    }
    let subject = format!("{} → {}", names.join(", "), wanted.environment);
    let recorded = cx.act(Verb::DeploymentScheduled, &subject, |tx| {
        let mut begun: Vec<(ReleaseId, DeploymentId)> = Vec::new();
        let mut recorded = Vec::new();
        for (release, before) in in_order(tx, cx, &wanted.releases)? {
            let at = wanted.releases.iter().position(|id| *id == release).unwrap_or_default();
            let is_before = |(id, _): &&(ReleaseId, DeploymentId)| before.contains(id);
            let after = begun.iter().filter(is_before).map(|(_, id)| *id).collect();
            let one = StartDeploy {
                reason: wanted.reason.clone(),
                confirm: wanted.confirm.get(at).cloned(),
                later: Some(Later { after, ..wanted.later.clone() }),
                ..StartDeploy::new(release.clone(), wanted.environment.clone())
            };
            let one = start::checked(cx, &one)?;
            let prompts = &cx.service(&release.service)?.prompts;
            if let Err(bad) = prompt::settle(prompts, &one.answers) {
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
    let mut all = Vec::new();
    for (started, ticket) in recorded {
        start::launch(cx, &started.deployment, &ticket)?;
        all.push(started);
    }
    Ok(all)
}

/// The releases in the order in which they go, each with those of them it comes after: what its service depends on, and
/// what the release itself requires.
pub(in crate::ops) fn in_order(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    wanted: &[ReleaseId],
) -> Result<Vec<(ReleaseId, Vec<ReleaseId>)>, OpError> {
    let mut known: Vec<Release> = Vec::new();
    for id in wanted {
        known.push(releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))?);
    }
    let before = |id: &ReleaseId| -> Vec<ReleaseId> {
        let service = cx.policy.services.get(&id.service);
        let release = known.iter().find(|release| release.id == *id);
        let comes_after = |other: &&ReleaseId| {
            service.is_some_and(|service| service.depends_on.contains(&other.service))
                || release.is_some_and(|release| {
                    release.plan.requires.iter().any(|requires| requires.service == other.service)
                })
        };
        wanted.iter().filter(comes_after).cloned().collect()
    };
    let order = chain::order(wanted, before).map_err(|circle| {
        let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
        OpError::conflict(format!("they wait for each other: {}", names.join(" → ")))
            .hint("take one of these out of the chain, or the requirement out of the release")
    })?;
    Ok(order.into_iter().map(|id| (id.clone(), before(&id))).collect())
}
