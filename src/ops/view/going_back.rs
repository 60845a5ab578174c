//! Rollbacks and toggles that wait for approvals: asked for, refused for that alone or among others, and not begun since.
//!
//! A refused one leaves no deployment that could wait, only its entry in the journal. What it goes back to may be
//! closed long ago and on no card, so it is looked for where rollbacks lead: at what was good there lately.

use crate::domain::approval::ApprovalSubject;
use crate::domain::deployment::DeploymentState;
use crate::domain::gate::{GateId, Overrides};
use crate::domain::ids::ReleaseId;
use crate::domain::journal::{Done, Verb};
use crate::domain::policy::Environment;
use crate::domain::time::Timestamp;
use crate::domain::toggle::Flip;
use crate::ops::deployment::{Errand, Place, ask, refused_as};
use crate::ops::facts::Surroundings;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, deployments, journal, releases};

use super::board::{self, Board};
use super::queue::{self, Pending};

/// How many successes are looked at, and how many refusals of each: enough for what a person would go back to.
const LATELY: usize = 10;
const REFUSALS: u32 = 5;

/// A rollback somebody wants.
struct Wanted<'b, 'a> {
    place: &'b board::Place,
    environment: &'a Environment,
    release: ReleaseId,
    /// The toggle that is to be switched; nothing: it is to be deployed.
    toggle: Option<Flip>,
    by: String,
    at: Timestamp,
}

/// Every such wish as an open decision, not counted yet, with the environment whose rules it needs.
pub(super) fn waiting<'a>(cx: &Ctx<'a>, board: &Board) -> Result<Vec<(&'a Environment, Pending)>, OpError> {
    let wanted = cx.store.read(|tx| wanted(tx, cx, board))?;
    let mut found = Vec::new();
    for Wanted { place, environment, release, toggle, by, at } in wanted {
        let service = cx.service(&place.service)?;
        let around = Surroundings::of(cx, service)?;
        let asked_of = Place { service, environment, around: &around, starts: false, automatic: false };
        let errand = toggle.as_ref().map_or(Errand::Rollback, Errand::Toggle);
        let item = cx.store.read(|tx| {
            let release = releases::get(tx, &release)?;
            let asked = ask(tx, cx, &asked_of, &release, errand, &Overrides::default())?;
            let subject = ApprovalSubject::Environment(environment.name.clone());
            let about = (asked.report.subject.clone(), asked.facts.content.clone());
            Ok::<_, OpError>(Pending {
                decisions: approvals::list_of(tx, &release.id)?,
                back: Some(by),
                toggle: toggle.clone(),
                otherwise: queue::otherwise(tx, asked.live.as_ref(), &asked.facts.content)?,
                live: asked.live,
                report: Some(asked.report),
                ..Pending::about(release, subject, about, at)
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
        let Some(environment) = environment else { continue };
        let has_toggles =
            cx.policy.services.get(&place.service).is_some_and(|known| !known.toggles.is_empty());
        let asks_back = !environment.rollback_approvals.is_empty();
        let asks_toggles = has_toggles && (asks_back || !environment.approvals.is_empty());
        // Where nothing is asked on the way back, only what is live may have a toggle that waits.
        let releases = match (asks_back, asks_toggles) {
            (true, _) => good_lately(tx, place)?,
            (false, true) => place.live.iter().map(|live| live.release.clone()).collect(),
            (false, false) => Vec::new(),
        };
        for release in releases {
            all.extend(asked_for(tx, cx, place, environment, &release)?);
        }
    }
    Ok(all)
}

/// Releases that were good there, newest first.
fn good_lately(tx: &Tx<'_>, place: &board::Place) -> Result<Vec<ReleaseId>, OpError> {
    let mut found: Vec<ReleaseId> = Vec::new();
    let mut next = place.live.clone();
    for _ in 0..LATELY {
        let Some(good) = next else { break };
        if !found.contains(&good.release) {
            found.push(good.release.clone());
        }
        next = deployments::find_good_before(tx, &good)?;
    }
    Ok(found)
}

/// Who asked last to go back to it, or to switch a toggle of it, and was refused for lack of approvals, as long as that
/// says something: nothing was put there since, nor the toggle switched, and an approval given for it would still count.
fn asked_for<'b, 'a>(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    place: &'b board::Place,
    environment: &'a Environment,
    release: &ReleaseId,
) -> Result<Option<Wanted<'b, 'a>>, OpError> {
    let newest = place.newest.as_ref().or(place.live.as_ref());
    let in_place = newest.filter(|d| d.state == DeploymentState::Succeeded).map(|d| &d.release);
    let is_live = place.live.as_ref().is_some_and(|live| live.release == *release);
    let since = newest.map_or(cx.now, |d| d.began_at().unwrap_or(d.requested_at));
    let since = since.max(cx.now.minus(environment.approval_ttl));
    for entry in journal::list_about(tx, &refused_as(release, &environment.name), REFUSALS)? {
        let is_such = entry.at > since && entry.verb == Verb::DeploymentStarted.as_str();
        let Some(body) = entry.parsed().filter(|body| is_such && body.result == Done::Refused) else {
            continue;
        };
        let Some(report) = body.report() else { continue };
        let is_unapproved = report.closed().any(|check| check.gate == GateId::Approvals);
        // Of what is live a toggle is switched; to what is there nobody goes back.
        let fits = match &report.toggle {
            Some(flip) => {
                let last = deployments::find_flip(tx, &place.service, &environment.name, &flip.name)?;
                is_live && last.is_none_or(|last| last.requested_at < entry.at)
            }
            None => report.rescue && in_place != Some(release),
        };
        if is_unapproved && fits {
            let (by, at) = (body.actor.person.name, entry.at);
            return Ok(Some(Wanted {
                place,
                environment,
                release: release.clone(),
                toggle: report.toggle,
                by,
                at,
            }));
        }
    }
    Ok(None)
}
