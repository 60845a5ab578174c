//! Rollbacks that wait for approvals: asked for, refused for that alone or among others, and not begun since.
//!
//! A refused rollback leaves no deployment that could wait, only its entry in the journal. What it goes back to may be
//! closed long ago and on no card, so it is looked for where rollbacks lead: at what was good there lately.

use crate::domain::approval::ApprovalSubject;
use crate::domain::deployment::DeploymentState;
use crate::domain::gate::{GateId, Overrides};
use crate::domain::ids::ReleaseId;
use crate::domain::journal::{Done, Verb};
use crate::domain::policy::Environment;
use crate::domain::time::Timestamp;
use crate::ops::deployment::{Errand, Place, ask, refused_as};
use crate::ops::facts::Surroundings;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, deployments, journal, releases};

use super::board::{self, Board};
use super::queue::Pending;

/// How many successes are looked at, and how many refusals of each: enough for what a person would go back to.
const LATELY: usize = 10;
const REFUSALS: u32 = 5;

/// A rollback somebody wants.
struct Wanted<'b, 'a> {
    place: &'b board::Place,
    environment: &'a Environment,
    release: ReleaseId,
    by: String,
    at: Timestamp,
}

/// Every such rollback as an open decision, not counted yet, with the environment whose rules it needs.
pub(super) fn waiting<'a>(cx: &Ctx<'a>, board: &Board) -> Result<Vec<(&'a Environment, Pending)>, OpError> {
    let wanted = cx.store.read(|tx| wanted(tx, cx, board))?;
    let mut found = Vec::new();
    for Wanted { place, environment, release, by, at } in wanted {
        let service = cx.service(&place.service)?;
        let around = Surroundings::of(cx, service);
        let asked_of = Place { service, environment, around: &around, starts: false, automatic: false };
        let item = cx.store.read(|tx| {
            let release = releases::get(tx, &release)?;
            let asked = ask(tx, cx, &asked_of, &release, Errand::Rollback, &Overrides::default())?;
            let subject = ApprovalSubject::Environment(environment.name.clone());
            let digest = asked.report.subject.clone();
            Ok::<_, OpError>(Pending {
                decisions: approvals::list_of(tx, &release.id)?,
                back: Some(by),
                live: asked.live,
                report: Some(asked.report),
                ..Pending::about(release, subject, digest, at)
            })
        })?;
        found.push((environment, item));
    }
    Ok(found)
}

fn wanted<'b, 'a>(tx: &Tx<'_>, cx: &Ctx<'a>, board: &'b Board) -> Result<Vec<Wanted<'b, 'a>>, OpError> {
    let mut all = Vec::new();
    for place in &board.places {
        let environment = cx.policy.environments.get(&place.environment);
        let Some(environment) = environment.filter(|env| !env.rollback_approvals.is_empty()) else {
            continue;
        };
        for release in good_lately(tx, place)? {
            if let Some((by, at)) = asked_for(tx, cx, place, environment, &release)? {
                all.push(Wanted { place, environment, release, by, at });
            }
        }
    }
    Ok(all)
}

/// Releases that were good there, newest first, without what is there now and good.
fn good_lately(tx: &Tx<'_>, place: &board::Place) -> Result<Vec<ReleaseId>, OpError> {
    let newest = place.newest.as_ref().or(place.live.as_ref());
    let in_place = newest.filter(|d| d.state == DeploymentState::Succeeded).map(|d| d.release.clone());
    let mut found: Vec<ReleaseId> = Vec::new();
    let mut next = place.live.clone();
    for _ in 0..LATELY {
        let Some(good) = next else { break };
        if Some(&good.release) != in_place.as_ref() && !found.contains(&good.release) {
            found.push(good.release.clone());
        }
        next = deployments::find_good_before(tx, &good)?;
    }
    Ok(found)
}

/// Who asked to go back to it last and was refused for lack of approvals, as long as that says something: nothing was put
/// there since, and an approval given for it would still count.
fn asked_for(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    place: &board::Place,
    environment: &Environment,
    release: &ReleaseId,
) -> Result<Option<(String, Timestamp)>, OpError> {
    let newest = place.newest.as_ref().or(place.live.as_ref());
    let since = newest.map_or(cx.now, |d| d.began_at().unwrap_or(d.requested_at));
    let since = since.max(cx.now.minus(environment.approval_ttl));
    for entry in journal::list(tx, None, Some(&refused_as(release, &environment.name)), REFUSALS)? {
        let is_such = entry.at > since && entry.verb == Verb::DeploymentStarted.as_str();
        let Some(body) = entry.parsed().filter(|body| is_such && body.result == Done::Refused) else {
            continue;
        };
        let is_unapproved = body.report().is_some_and(|report| {
            report.rescue && report.closed().any(|check| check.gate == GateId::Approvals)
        });
        if is_unapproved {
            return Ok(Some((body.actor.person.name, entry.at)));
        }
    }
    Ok(None)
}
