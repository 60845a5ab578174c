//! Verbs on releases: register, edit, move through the stages, block, cancel, record evidence.

pub mod advance;
pub mod announce;
mod apply;
pub mod back;
pub mod block;
pub mod cancel;
pub mod create;
pub mod edit;
pub mod evidence;
pub mod find;
pub mod history;
pub mod record;
mod requires;

use std::collections::BTreeMap;

use super::{Ctx, OpError};
use crate::domain::ids::ReleaseId;
use crate::domain::release::Release;
use crate::domain::text::{did_you_mean, quoted};
use crate::store::{Tx, releases};

/// The release, if it can still be changed.
pub(super) fn open_release(tx: &Tx<'_>, id: &ReleaseId) -> Result<Release, OpError> {
    let release = known_release(tx, id)?;
    if release.is_open() {
        return Ok(release);
    }
    Err(OpError::conflict(format!("{id} is {}; what has ended is not changed", release.state)))
}

pub(super) fn known_release(tx: &Tx<'_>, id: &ReleaseId) -> Result<Release, OpError> {
    releases::find(tx, id)?.ok_or_else(|| {
        OpError::not_found(format!("release {id}")).hint("list them with: relman release list")
    })
}

/// Refuses toggles its service does not have: nobody could switch them.
fn known_toggles(cx: &Ctx<'_>, id: &ReleaseId, names: &[String]) -> Result<(), OpError> {
    let known = &cx.service(&id.service)?.toggles;
    let Some(name) = names.iter().find(|name| !known.contains_key(*name)) else { return Ok(()) };
    let error = OpError::not_found(format!("toggle {} of {}", quoted(name, 40), id.service));
    Err(match did_you_mean(name, known.keys().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("toggles stand in [services.{}.toggles.NAME] of relman.toml", id.service)),
    })
}

/// Refuses fields its service does not have: no script would be told.
fn known_fields(cx: &Ctx<'_>, id: &ReleaseId, fields: &BTreeMap<String, String>) -> Result<(), OpError> {
    let known = &cx.service(&id.service)?.fields;
    let Some(name) = fields.keys().find(|name| !known.contains(name)) else { return Ok(()) };
    let error = OpError::not_found(format!("field {} of {}", quoted(name, 40), id.service));
    Err(match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("name it in relman.toml: [services.{}] fields = [\"…\"]", id.service)),
    })
}

/// Gives the plan its next number where it says something else than before.
pub(super) fn replanned(before: &Release, mut after: Release) -> Release {
    if !after.plan.says(&before.plan) {
        after.plan.version = before.plan.version + 1;
    }
    after
}

/// Writes the changed release under its next revision.
pub(super) fn save(tx: &Tx<'_>, cx: &Ctx<'_>, mut release: Release) -> Result<Release, OpError> {
    release.revision += 1;
    release.updated_at = cx.now;
    if releases::update(tx, &release)? {
        return Ok(release);
    }
    Err(OpError::conflict(format!("{} was changed by someone else just now", release.id))
        .hint("look at it again, then repeat"))
}
