//! Registers a release.

use std::collections::BTreeMap;

use crate::domain::digest::Digest;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::release::{
    Build, Level, Origin, Plan, Release, ReleaseKind, ReleaseState, Request, Review,
};
use crate::domain::right::{Place, Right};
use crate::ops::{Ctx, OpError};
use crate::store::{journal, releases};

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
}

pub fn create(cx: &Ctx<'_>, id: &ReleaseId, new: &NewRelease) -> Result<Release, OpError> {
    cx.service(&id.service)?;
    let said = edit::checked(&Edit {
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
        ..Edit::default()
    })?;
    let release = edit::applied(blank(cx, id, new.kind), &said);
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
        releases::insert(tx, &release)?;
        journal::append(tx, cx.entry(Verb::ReleaseCreated, id).after(&release))?;
        Ok(release.clone())
    })
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
        ticks: BTreeMap::new(),
        review: Review::default(),
        created_by: cx.actor.person.clone(),
        created_at: cx.now,
        updated_at: cx.now,
        revision: 1,
    }
}
