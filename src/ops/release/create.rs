//! Registers a release.

use std::collections::BTreeMap;

use crate::domain::channel::Misfit;
use crate::domain::digest::Digest;
use crate::domain::ids::{ReleaseId, RequestId, ServiceName, Version};
use crate::domain::journal::Verb;
use crate::domain::policy::Service;
use crate::domain::release::plan::Metric;
use crate::domain::release::preparation::{Task, Training};
use crate::domain::release::{
    Build, Level, Origin, Plan, Preparation, Release, ReleaseKind, ReleaseState, Request, Review,
};
use crate::domain::right::{Place, Right};
use crate::domain::text::{free, quoted};
use crate::domain::version_template::{VersionChange, VersionSaid};
use crate::domain::wanted::Wanted;
use crate::ops::{Ctx, ErrorKind, OpError, wanted};
use crate::store::{deployments, journal, releases};

use super::edit::{self, Edit};

/// What the caller says about the new release; everything but the id may be added later.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewRelease {
    pub title: Option<String>,
    pub kind: ReleaseKind,
    pub origin: Origin,
    pub need: Option<String>,
    pub objective: Option<String>,
    pub priority: Option<Level>,
    pub commit: Option<String>,
    pub artifact: Option<String>,
    pub digest: Option<Digest>,
    pub changes: Vec<String>,
    /// What must be live where it goes.
    pub requires: Vec<ReleaseId>,
    /// Toggles that guard what it brings.
    pub toggles: Vec<String>,
    /// Why its version does not fit what changed.
    pub misfit: Option<String>,
    /// An earlier release whose plan it takes over: people, measures, tasks, who is trained and told.
    pub like: Option<ReleaseId>,
    /// What its service asks for besides, by name.
    pub fields: BTreeMap<String, String>,
    /// The channel it is to be in; nothing: the one that takes its version.
    pub channel: Option<String>,
    /// Requests it answers; what is not said about it is taken from the first of them.
    pub requests: Vec<RequestId>,
}

/// The version somebody wants, or the one the template of the service says comes next. Two who ask at once get the same one;
/// the second then hears that it exists.
pub fn version_for(
    cx: &Ctx<'_>,
    service: &ServiceName,
    said: Option<&VersionSaid>,
) -> Result<Version, OpError> {
    let known = cx.service(service)?;
    let of_service = known.version.clone().map(VersionSaid::Next);
    let Some(said) = said.or(of_service.as_ref()) else {
        return Err(OpError::new(ErrorKind::Usage, "a release needs a service and one version").hint(format!(
            "relman release new {service} 1.4.2, or minor; [services.{service}] version = \"c.i.0\" says what comes next"
        )));
    };
    let all = cx.store.read(|tx| releases::list_all(tx, Some(service)))?;
    let today = cx.now.in_zone(cx.policy.zone).date_naive();
    Ok(said.resolve(all.iter().map(|release| &release.id.version), today))
}

/// `; minor after 1.4.2, which is live in production`, where something is live at the end of its way.
pub fn change_of(cx: &Ctx<'_>, id: &ReleaseId) -> Result<String, OpError> {
    let Some(goal) = cx.service(&id.service)?.pipeline.goal().environments.first() else {
        return Ok(String::new());
    };
    let good = cx.store.read(|tx| deployments::list_known_good(tx, &id.service, goal, 1))?;
    Ok(good.first().map_or_else(String::new, |live| {
        let live = &live.release.version;
        let change = VersionChange::between(live, &id.version);
        let side = if live.outranks(&id.version) { "before" } else { "after" };
        format!("; {change} {side} {live}, which is live in {goal}")
    }))
}

pub fn create(cx: &Ctx<'_>, id: &ReleaseId, new: &NewRelease) -> Result<Release, OpError> {
    let service = cx.service(&id.service)?;
    let mut said = edit::checked(&Edit {
        title: new.title.clone(),
        origin: Some(new.origin),
        need: new.need.clone(),
        objective: new.objective.clone(),
        priority: new.priority,
        commit: new.commit.clone(),
        artifact: new.artifact.clone(),
        digest: new.digest.clone(),
        changes: Some(new.changes.clone()),
        requires: Some(new.requires.clone()),
        toggles: Some(new.toggles.clone()),
        fields: new.fields.clone(),
        ..Edit::default()
    })?;
    said.commit = edit::pinned(cx, id, said.commit.as_ref())?;
    let mut release = edit::applied(blank(cx, id, new.kind), &said);
    let channel = service.channel_for(&id.version, new.channel.as_deref());
    let channel = channel.map_err(|why| misfit(service, id, &why))?;
    release.channel = channel.map(|channel| channel.name.clone());
    release.build.misfit =
        new.misfit.as_deref().map(|why| free("why its version does not fit", why, 1000)).transpose()?;
    if let Some(like) = &new.like {
        let earlier = cx.store.read(|tx| super::known_release(tx, like))?;
        take_over(&mut release, &earlier);
    }
    cx.act(Verb::ReleaseCreated, id, |tx| {
        cx.may(Right::Request, Place::service(&id.service))?;
        if let Some(known) = releases::find(tx, id)? {
            return Err(OpError::conflict(format!(
                "{id} exists already: \"{}\", {} in the {} stage, by {}",
                known.title, known.state, known.stage, known.created_by.name
            ))
            .hint(format!("look at it with: relman release show {id}")));
        }
        super::requires::check(tx, cx, id, &release.plan.requires)?;
        super::known_toggles(cx, id, &release.plan.toggles)?;
        super::known_fields(cx, id, &release.fields)?;
        let lacking = service.lacking_fields(&release);
        if !lacking.is_empty() {
            let channel = release.channel.as_deref().unwrap_or_default();
            return Err(OpError::conflict(format!(
                "releases of the channel {channel} say their {}",
                lacking.join(", ")
            ))
            .hint(format!("add it: --field {}=…", lacking[0])));
        }
        let mut release = release.clone();
        for request in &new.requests {
            wanted::take_in(tx, &mut release, *request)?;
        }
        if let Some(first) = new.requests.first() {
            asked_for(&mut release, new, &wanted::known(tx, *first)?);
        }
        releases::insert(tx, &release)?;
        journal::append(tx, cx.entry(Verb::ReleaseCreated, id).after(&release))?;
        wanted::follow(tx, cx, None, &release)?;
        Ok(release)
    })
}

/// Why it is in no channel, with those there are.
fn misfit(service: &Service, id: &ReleaseId, why: &Misfit) -> OpError {
    let all: Vec<String> = service.channels.iter().map(ToString::to_string).collect();
    let known = match all.is_empty() {
        true => format!("{} has no channels: [services.{}.channels.NAME]", id.service, id.service),
        false => format!("channels of {}: {}", id.service, all.join(", ")),
    };
    match why {
        Misfit::Unknown(name) => OpError::not_found(format!("channel {}", quoted(name, 40))),
        Misfit::Refused(channel) => OpError::conflict(format!("{id} does not fit the channel {channel}")),
        Misfit::Nowhere => OpError::conflict(format!("{id} fits no channel")),
        Misfit::Several(names) => {
            let error =
                OpError::new(ErrorKind::Usage, format!("{id} fits several channels: {}", names.join(", ")));
            return error.hint(format!("name one: --channel {}", names[0]));
        }
    }
    .hint(known)
}

/// What the request says where nothing else was said.
fn asked_for(release: &mut Release, new: &NewRelease, request: &Wanted) {
    if new.title.is_none() {
        release.title.clone_from(&request.title);
    }
    if new.origin == Origin::default() {
        release.request.origin = request.origin;
    }
    let asked = &mut release.request;
    asked.need = asked.need.take().or_else(|| request.need.clone());
    asked.objective = asked.objective.take().or_else(|| request.objective.clone());
    asked.priority = asked.priority.or(request.priority);
    release.plan.version = u32::from(!release.plan.says(&Plan::default()));
}

/// What was planned once and serves again; what was done or said about it stays with the earlier one (REL-2).
fn take_over(release: &mut Release, earlier: &Release) {
    let (plan, before) = (&mut release.plan, &earlier.plan);
    plan.owner = plan.owner.take().or_else(|| before.owner.clone());
    plan.people.clone_from(&before.people);
    plan.communication.clone_from(&before.communication);
    plan.rollback.clone_from(&before.rollback);
    plan.reversal.clone_from(&before.reversal);
    if plan.requires.is_empty() {
        plan.requires.clone_from(&before.requires);
    }
    if plan.toggles.is_empty() {
        plan.toggles.clone_from(&before.toggles);
    }
    plan.metrics = before.metrics.iter().map(|metric| Metric { measured: None, ..metric.clone() }).collect();
    plan.version = u32::from(!plan.says(&Plan::default()));
    let (preparation, before) = (&mut release.preparation, &earlier.preparation);
    preparation.tasks = before.tasks.iter().map(|task| Task { done: None, ..task.clone() }).collect();
    preparation.trainings =
        before.trainings.iter().map(|training| Training { done: None, ..training.clone() }).collect();
    preparation.impact.clone_from(&before.impact);
}

/// A release of which nothing is known but that it is wanted.
fn blank(cx: &Ctx<'_>, id: &ReleaseId, kind: ReleaseKind) -> Release {
    let enter = cx.policy.process(kind).enter;
    Release {
        id: id.clone(),
        title: id.to_string(),
        kind,
        state: ReleaseState::Open,
        stage: enter,
        stage_since: cx.now,
        entered: enter,
        blocked: None,
        ended: None,
        request: Request {
            requester: cx.actor.person.clone(),
            origin: Origin::default(),
            need: None,
            objective: None,
            priority: None,
        },
        plan: Plan::default(),
        build: Build::default(),
        checks: BTreeMap::new(),
        statements: BTreeMap::new(),
        waivers: BTreeMap::new(),
        ticks: BTreeMap::new(),
        verified: BTreeMap::new(),
        preparation: Preparation::default(),
        issues: Vec::new(),
        feedback: Vec::new(),
        judged: Vec::new(),
        channel: None,
        fields: BTreeMap::new(),
        monitored: Vec::new(),
        review: Review::default(),
        created_by: cx.actor.person.clone(),
        created_at: cx.now,
        updated_at: cx.now,
        revision: 1,
    }
}
