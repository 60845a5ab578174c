//! Registers a release.

use std::collections::BTreeMap;

use crate::domain::digest::Digest;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::release::{
    Build, Level, Origin, Plan, Release, ReleaseKind, ReleaseState, Request, Review, Stage,
};
use crate::domain::text::free;
use crate::ops::{Ctx, OpError};
use crate::store::{journal, releases};

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
}

pub fn create(cx: &Ctx<'_>, id: &ReleaseId, new: &NewRelease) -> Result<Release, OpError> {
    cx.service(&id.service)?;
    let text =
        |field, value: &Option<String>| value.as_deref().map(|text| free(field, text, 4000)).transpose();
    let changes = new.changes.iter().map(|line| free("change", line, 500)).collect::<Result<_, _>>()?;
    let enter = cx.policy.process(new.kind).enter;
    let release = Release {
        id: id.clone(),
        title: match &new.title {
            Some(title) => free("title", title, 200)?,
            None => format!("{id}"),
        },
        kind: new.kind,
        state: ReleaseState::Open,
        stage: enter,
        stage_since: cx.now,
        entered: enter,
        blocked: None,
        ended: None,
        request: Request {
            requester: cx.actor.person.clone(),
            origin: new.origin,
            need: text("need", &new.need)?,
            objective: text("objective", &new.objective)?,
            priority: new.priority,
        },
        plan: Plan::default(),
        build: Build {
            commit: text("commit", &new.commit)?,
            artifact: text("artifact", &new.artifact)?,
            digest: new.digest.clone(),
            changes,
        },
        checks: BTreeMap::new(),
        ticks: BTreeMap::new(),
        review: Review::default(),
        created_by: cx.actor.person.clone(),
        created_at: cx.now,
        updated_at: cx.now,
        revision: 1,
    };
    debug_assert!(Stage::ALL.contains(&release.stage));
    cx.act(Verb::ReleaseCreated, id, |tx| {
        if let Some(known) = releases::find(tx, id)? {
            return Err(OpError::conflict(format!(
                "{id} exists already: \"{}\", {} in the {} stage, by {}",
                known.title, known.state, known.stage, known.created_by.name
            ))
            .hint(format!("look at it with: relman release show {id}")));
        }
        releases::insert(tx, &release)?;
        journal::append(tx, cx.entry(Verb::ReleaseCreated, id).after(&release))?;
        Ok(release.clone())
    })
}
