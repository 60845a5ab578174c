//! Verbs on the list of requests: add, change, decline, take into a release; and what follows when the scope of a release
//! changes.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::ids::{ReleaseId, RequestId, ServiceName};
use crate::domain::journal::Verb;
use crate::domain::release::plan::{ScopeItem, ScopeState};
use crate::domain::release::{Level, Origin, Release, Stage};
use crate::domain::right::{Place, Right};
use crate::domain::text::free;
use crate::domain::time::{Tz, wall};
use crate::domain::wanted::{Declined, State, Wanted};
use crate::ops::release::{known_release, open_release, replanned, save};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, journal, releases, requests};

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewRequest {
    pub title: String,
    pub service: Option<ServiceName>,
    pub origin: Option<Origin>,
    pub need: Option<String>,
    pub objective: Option<String>,
    pub priority: Option<Level>,
    /// What was said that led to it.
    pub feedback: Option<(ReleaseId, usize)>,
}

/// What is to be changed about one; what is not said stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EditRequest {
    pub title: Option<String>,
    pub service: Option<ServiceName>,
    pub origin: Option<Origin>,
    pub need: Option<String>,
    pub objective: Option<String>,
    pub priority: Option<Level>,
}

/// A request with what has become of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    #[serde(flatten)]
    pub request: Wanted,
    pub state: State,
}

const TITLE: usize = 200;
const TEXT: usize = 2000;

/// Puts a request on the list.
pub fn add(cx: &Ctx<'_>, new: &NewRequest) -> Result<Wanted, OpError> {
    let title = free("title", &new.title, TITLE)?;
    let told = |name, text: &Option<String>| text.as_deref().map(|text| free(name, text, TEXT)).transpose();
    let (need, objective) = (told("need", &new.need)?, told("objective", &new.objective)?);
    if let Some(service) = &new.service {
        cx.service(service)?;
    }
    cx.act(Verb::RequestAdded, "the list of requests", |tx| {
        permitted(cx, new.service.as_ref())?;
        let id = requests::next_id(tx)?;
        let heard = new.feedback.as_ref().map(|(release, item)| heard(tx, release, *item)).transpose()?;
        let said = |text: &Release, item: usize| text.feedback[item - 1].text.clone();
        let request = Wanted {
            id,
            title: title.clone(),
            service: new.service.clone().or_else(|| heard.as_ref().map(|release| release.id.service.clone())),
            origin: new.origin.unwrap_or(if heard.is_some() { Origin::Feedback } else { Origin::default() }),
            need: need
                .clone()
                .or_else(|| heard.as_ref().zip(new.feedback.as_ref()).map(|(r, (_, item))| said(r, *item))),
            objective: objective.clone(),
            priority: new.priority,
            by: cx.actor.person.clone(),
            at: cx.now,
            feedback: new.feedback.clone(),
            release: None,
            declined: None,
        };
        requests::insert(tx, &request)?;
        journal::append(tx, cx.entry(Verb::RequestAdded, id).after(&request))?;
        if let (Some(before), Some((_, item))) = (heard, &new.feedback) {
            let mut release = before.clone();
            release.feedback[item - 1].request = Some(id);
            let release = save(tx, cx, release)?;
            let entry = cx.entry(Verb::FeedbackRecorded, &release.id).before(&before).after(&release);
            journal::append(tx, entry)?;
        }
        Ok(request)
    })
}

/// The release about which something was said that no request has been made of.
fn heard(tx: &Tx<'_>, id: &ReleaseId, item: usize) -> Result<Release, OpError> {
    let release = known_release(tx, id)?;
    let found = item.checked_sub(1).and_then(|at| release.feedback.get(at));
    let Some(feedback) = found else {
        return Err(OpError::not_found(format!("feedback {item} about {id}"))
            .hint(format!("what was said: relman feedback list {id}")));
    };
    if let Some(known) = feedback.request {
        return Err(OpError::conflict(format!("{known} was made of it already"))
            .hint(format!("look at it: relman request show {known}")));
    }
    Ok(release)
}

fn permitted(cx: &Ctx<'_>, service: Option<&ServiceName>) -> Result<(), OpError> {
    match service {
        Some(service) => cx.may(Right::Request, Place::service(service)),
        None => cx.may(Right::Request, Place::default()),
    }
}

/// Changes what is known about one.
pub fn edit(cx: &Ctx<'_>, id: RequestId, edit: &EditRequest) -> Result<Wanted, OpError> {
    let told =
        |name, text: &Option<String>, most| text.as_deref().map(|text| free(name, text, most)).transpose();
    let title = told("title", &edit.title, TITLE)?;
    let (need, objective) = (told("need", &edit.need, TEXT)?, told("objective", &edit.objective, TEXT)?);
    if let Some(service) = &edit.service {
        cx.service(service)?;
    }
    change(cx, id, None, |_, before| {
        let mut after = before.clone();
        after.title = title.clone().unwrap_or(after.title);
        after.service = edit.service.clone().or(after.service);
        after.origin = edit.origin.unwrap_or(after.origin);
        after.need = need.clone().or(after.need);
        after.objective = objective.clone().or(after.objective);
        after.priority = edit.priority.or(after.priority);
        if after == *before {
            return Err(OpError::conflict(format!("{id} says that already")));
        }
        Ok(after)
    })
}

/// Says that nothing comes of it, and why; or that another one asks for the same.
pub fn decline(
    cx: &Ctx<'_>,
    id: RequestId,
    reason: &str,
    duplicate_of: Option<RequestId>,
) -> Result<Wanted, OpError> {
    let reason = free("reason", reason, TEXT)?;
    change(cx, id, Some(&reason), |tx, before| {
        if let State::Planned | State::Done = listed(tx, before.clone())?.state {
            let release = before.release.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(OpError::conflict(format!("{id} is in {release}")).hint(format!(
                "take it out there first: relman plan scope {release} --drop N --reason \"…\""
            )));
        }
        if before.declined.is_some() {
            return Err(OpError::conflict(format!("{id} was declined already")));
        }
        if let Some(other) = duplicate_of {
            known(tx, other)?;
            if other == id {
                return Err(OpError::new(ErrorKind::Usage, "it asks for the same as itself"));
            }
        }
        let (by, at) = (cx.actor.person.clone(), cx.now);
        let declined = Declined { by, at, reason: reason.clone(), duplicate_of };
        Ok(Wanted { declined: Some(declined), ..before.clone() })
    })
}

/// Opens one again that was declined.
pub fn reopen(cx: &Ctx<'_>, id: RequestId) -> Result<Wanted, OpError> {
    change(cx, id, None, |_, before| match before.declined {
        Some(_) => Ok(Wanted { declined: None, ..before.clone() }),
        None => Err(OpError::conflict(format!("{id} was not declined"))),
    })
}

pub(in crate::ops) fn known(tx: &Tx<'_>, id: RequestId) -> Result<Wanted, OpError> {
    requests::find(tx, id)?
        .ok_or_else(|| OpError::not_found(format!("request {id}")).hint("what there is: relman request list"))
}

fn change(
    cx: &Ctx<'_>,
    id: RequestId,
    reason: Option<&str>,
    f: impl Fn(&Tx<'_>, &Wanted) -> Result<Wanted, OpError>,
) -> Result<Wanted, OpError> {
    cx.act(Verb::RequestChanged, id, |tx| {
        let before = known(tx, id)?;
        permitted(cx, before.service.as_ref())?;
        let after = f(tx, &before)?;
        requests::update(tx, &after)?;
        let entry = cx.entry(Verb::RequestChanged, id).because(reason).before(&before).after(&after);
        journal::append(tx, entry)?;
        Ok(after)
    })
}

/// Takes requests into the scope of a release.
pub fn take(cx: &Ctx<'_>, ids: &[RequestId], release: &ReleaseId) -> Result<Release, OpError> {
    cx.act(Verb::PlanChanged, release, |tx| {
        cx.may(Right::Plan, Place::service(&release.service))?;
        let before = open_release(tx, release)?;
        let mut after = before.clone();
        for id in ids {
            take_in(tx, &mut after, *id)?;
        }
        let after = save(tx, cx, replanned(&before, after))?;
        journal::append(tx, cx.entry(Verb::PlanChanged, release).before(&before).after(&after))?;
        follow(tx, cx, Some(&before), &after)?;
        Ok(after)
    })
}

/// Adds it to the scope, if it is free to go there. What the request learns of it is written by [`follow`].
pub(in crate::ops) fn take_in(tx: &Tx<'_>, release: &mut Release, id: RequestId) -> Result<(), OpError> {
    let listed = listed(tx, known(tx, id)?)?;
    let request = &listed.request;
    if request.service.as_ref().is_some_and(|service| *service != release.id.service) {
        let service = request.service.as_ref().map(ToString::to_string).unwrap_or_default();
        return Err(OpError::conflict(format!("{id} is about {service}, not about {}", release.id.service)));
    }
    match listed.state {
        State::Open => {}
        State::Declined => {
            return Err(OpError::conflict(format!("{id} was declined"))
                .hint(format!("open it again first: relman request reopen {id}")));
        }
        State::Planned | State::Done => {
            let taken = request.release.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(OpError::conflict(format!("{id} is in {taken} already")));
        }
    }
    // One that was dropped there comes back in its place.
    if let Some(item) = release.plan.scope.iter_mut().find(|item| item.request == Some(id)) {
        (item.state, item.why) = (ScopeState::Planned, None);
        return Ok(());
    }
    let late = release.stage > Stage::Plan;
    let (text, state) = (request.title.clone(), ScopeState::Planned);
    release.plan.scope.push(ScopeItem { text, state, late, why: None, request: Some(id) });
    Ok(())
}

/// What a change of a release's scope means for the requests in it: which came in, which are open again.
pub(in crate::ops) fn follow(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    before: Option<&Release>,
    after: &Release,
) -> Result<(), OpError> {
    let held = |release: &Release| -> BTreeSet<RequestId> {
        let items = release.plan.scope.iter().filter(|item| item.state != ScopeState::Dropped);
        items.filter_map(|item| item.request).collect()
    };
    let (was, is) = (before.map(held).unwrap_or_default(), held(after));
    for id in is.difference(&was) {
        let request = known(tx, *id)?;
        let elsewhere = request.release.as_ref().filter(|other| **other != after.id);
        let taken = elsewhere.is_some() && listed(tx, request.clone())?.state != State::Open;
        if taken || request.declined.is_some() {
            let where_to = elsewhere.map_or_else(|| "declined".to_owned(), |other| format!("in {other}"));
            return Err(OpError::conflict(format!("{id} is {where_to} by now")));
        }
        write(tx, cx, &request, Some(after.id.clone()))?;
    }
    for id in was.difference(&is) {
        let request = known(tx, *id)?;
        if request.release.as_ref() == Some(&after.id) {
            write(tx, cx, &request, None)?;
        }
    }
    Ok(())
}

fn write(tx: &Tx<'_>, cx: &Ctx<'_>, before: &Wanted, release: Option<ReleaseId>) -> Result<(), OpError> {
    let after = Wanted { release, ..before.clone() };
    requests::update(tx, &after)?;
    let entry = cx.entry(Verb::RequestChanged, before.id).before(before).after(&after);
    journal::append(tx, entry)?;
    Ok(())
}

fn listed(tx: &Tx<'_>, request: Wanted) -> Result<Listed, OpError> {
    let release = match &request.release {
        Some(id) => releases::find(tx, id)?,
        None => None,
    };
    Ok(Listed { state: request.state(release.as_ref()), request })
}

/// Everything on the list: what waits first, the most urgent and then the oldest first.
pub fn list(cx: &Ctx<'_>) -> Result<Vec<Listed>, OpError> {
    let found = cx.store.read(|tx| {
        let all = requests::list(tx)?;
        all.into_iter().map(|request| listed(tx, request)).collect::<Result<Vec<_>, OpError>>()
    });
    let mut found = found?;
    found.sort_by_key(|one| (one.state, std::cmp::Reverse(one.request.priority), one.request.id));
    Ok(found)
}

/// One of them.
pub fn show(cx: &Ctx<'_>, id: RequestId) -> Result<Listed, OpError> {
    cx.store.read(|tx| listed(tx, known(tx, id)?))
}

impl Listed {
    /// What is known about it, by label.
    pub fn facts(&self, zone: Tz) -> Vec<(&'static str, String)> {
        let asked = &self.request;
        let state = match (&asked.declined, &asked.release, self.state) {
            (Some(no), ..) => {
                let other = no
                    .duplicate_of
                    .map(|other| format!(", as {other} asks for the same"))
                    .unwrap_or_default();
                format!("declined by {} {}{other}: {}", no.by.name, wall(no.at, zone), no.reason)
            }
            (None, Some(release), State::Open) => format!("open again: {release} was given up"),
            (None, Some(release), state) => format!("{state} in {release}"),
            (None, None, state) => state.to_string(),
        };
        let said = asked.feedback.as_ref();
        [
            ("state", Some(state)),
            ("service", asked.service.as_ref().map(ToString::to_string)),
            ("origin", Some(asked.origin.to_string())),
            ("came from", said.map(|(release, item)| format!("feedback {item} about {release}"))),
            ("priority", asked.priority.map(|priority| priority.to_string())),
            ("need", asked.need.clone()),
            ("objective", asked.objective.clone()),
        ]
        .into_iter()
        .filter_map(|(label, text)| Some((label, text?)))
        .collect()
    }
}
