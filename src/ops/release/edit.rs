//! Changes what is recorded about a release.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::digest::Digest;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::release::plan::{Reversal, Said};
use crate::domain::release::{Field, Level, Origin, Release};
use crate::domain::right::{Place, Right};
use crate::domain::text::{free, one_line};
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, OpError};
use crate::store::journal;

use super::apply;

/// The fields to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    pub title: Option<String>,
    pub origin: Option<Origin>,
    pub need: Option<String>,
    pub objective: Option<String>,
    pub priority: Option<Level>,
    pub owner: Option<String>,
    pub target: Option<Timestamp>,
    pub risk: Option<Level>,
    pub rollback_plan: Option<String>,
    pub requires: Option<Vec<ReleaseId>>,
    pub toggles: Option<Vec<String>>,
    /// Values of fields by their names; an empty one is taken away.
    pub fields: BTreeMap<String, String>,
    pub people: Option<Vec<String>>,
    pub communication: Option<String>,
    pub reversal: Option<Reversal>,
    pub commit: Option<String>,
    pub artifact: Option<String>,
    pub digest: Option<Digest>,
    pub changes: Option<Vec<String>>,
    pub outcome: Option<String>,
    pub retrospective: Option<String>,
    /// Fields to be emptied.
    pub clear: BTreeSet<Field>,
    /// Why; a risk is not lowered without.
    pub reason: Option<String>,
    /// The revision the change was made on: when it is no longer the current one, nothing is changed.
    pub seen: Option<i64>,
}

/// A branch or a tag moves: what is put on record is the commit it stands for now, where the service says which repository is
/// its own (REL-11). A hash nobody knows here stays as it was typed: it may be of another clone.
pub(super) fn pinned(cx: &Ctx<'_>, id: &ReleaseId, said: Option<&String>) -> Result<Option<String>, OpError> {
    let Some(name) = said else { return Ok(None) };
    let Some(service) = cx.policy.services.get(&id.service) else { return Ok(Some(name.clone())) };
    let is_hash = name.len() >= 7 && name.chars().all(|letter| letter.is_ascii_hexdigit());
    let Some(repo) = service.repo.as_ref().filter(|_| !(is_hash && name.len() >= 40)) else {
        return Ok(Some(name.clone()));
    };
    match cx.machine.outside().commit(&service.working_dir.join(repo), name) {
        Ok(commit) => Ok(Some(commit)),
        Err(_) if is_hash => Ok(Some(name.clone())),
        Err(why) => Err(OpError::not_found(format!("commit {}: {why}", one_line(name)))
            .hint("fetch it there, or write the hash of the commit")),
    }
}

pub fn edit(cx: &Ctx<'_>, id: &ReleaseId, edit: &Edit) -> Result<Release, OpError> {
    if (Edit { seen: None, reason: None, ..edit.clone() }) == Edit::default() {
        return Err(OpError::new(crate::ops::ErrorKind::Usage, "nothing to change was named")
            .hint("name at least one field, such as --title or --owner"));
    }
    let mut edit = checked(edit)?;
    edit.commit = pinned(cx, id, edit.commit.as_ref())?;
    cx.act(Verb::ReleaseEdited, id, |tx| {
        cx.may(Right::Plan, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        if edit.seen.is_some_and(|seen| seen != before.revision) {
            return Err(OpError::conflict(format!(
                "{id} was changed by someone else while you were editing"
            ))
            .hint("look at it again, then repeat"));
        }
        super::requires::check(tx, cx, id, edit.requires.as_deref().unwrap_or_default())?;
        super::known_toggles(cx, id, edit.toggles.as_deref().unwrap_or_default())?;
        super::known_fields(cx, id, &edit.fields)?;
        let mut after = applied(before.clone(), &edit);
        if let Some(level) = edit.risk.filter(|level| before.plan.risk != Some(*level)) {
            apply::may_lower(cx, &before.plan, level, edit.reason.as_deref())?;
            let (by, why) = (cx.actor.person.clone(), edit.reason.clone());
            after.plan.risk_said = Some(Said { by, at: cx.now, why });
            after.plan.risk_before = None;
        }
        let release = super::save(tx, cx, super::replanned(&before, after))?;
        let entry = cx.entry(Verb::ReleaseEdited, id).because(edit.reason.as_deref());
        journal::append(tx, entry.before(&before).after(&release))?;
        Ok(release)
    })
}

/// The same with every text made safe and within its bounds: also what a new release says.
pub(super) fn checked(edit: &Edit) -> Result<Edit, OpError> {
    let text = |field, value: &Option<String>, max| {
        value.as_deref().map(|text| free(field, text, max)).transpose().map_err(OpError::from)
    };
    let people = edit
        .people
        .as_ref()
        .map(|lines| lines.iter().map(|line| free("person", line, 200)).collect::<Result<Vec<_>, _>>());
    let reversal = edit.reversal.clone().map(|reversal| {
        let no_return = reversal.no_return.as_deref().map(|text| free("no way back after", text, 500));
        no_return.transpose().map(|no_return| Reversal { no_return, ..reversal })
    });
    let fields = edit.fields.iter().map(|(name, value)| match value.trim().is_empty() {
        true => Ok((name.clone(), String::new())),
        false => free("field", value, 150).map(|value| (name.clone(), one_line(&value))),
    });
    let fields = fields.collect::<Result<BTreeMap<_, _>, _>>()?;
    let changes = edit
        .changes
        .as_ref()
        .map(|lines| lines.iter().map(|line| free("change", line, 500)).collect::<Result<Vec<_>, _>>());
    Ok(Edit {
        title: text("title", &edit.title, 200)?,
        need: text("need", &edit.need, 4000)?,
        objective: text("objective", &edit.objective, 4000)?,
        owner: text("owner", &edit.owner, 100)?,
        rollback_plan: text("rollback plan", &edit.rollback_plan, 4000)?,
        commit: text("commit", &edit.commit, 100)?,
        artifact: text("artifact", &edit.artifact, 500)?,
        outcome: text("outcome", &edit.outcome, 4000)?,
        retrospective: text("retrospective", &edit.retrospective, 16_000)?,
        changes: changes.transpose()?,
        fields,
        people: people.transpose()?,
        communication: text("communication", &edit.communication, 4000)?,
        reversal: reversal.transpose()?,
        reason: text("reason", &edit.reason, 2000)?,
        ..edit.clone()
    })
}

pub(super) fn applied(mut release: Release, edit: &Edit) -> Release {
    fn put<T: Clone>(slot: &mut T, value: Option<&T>) {
        if let Some(value) = value {
            slot.clone_from(value);
        }
    }
    fn put_some<T: Clone>(slot: &mut Option<T>, value: Option<&T>) {
        if let Some(value) = value {
            *slot = Some(value.clone());
        }
    }
    for (name, value) in &edit.fields {
        match value.is_empty() {
            true => release.fields.remove(name),
            false => release.fields.insert(name.clone(), value.clone()),
        };
    }
    for field in &edit.clear {
        release.clear(*field);
    }
    put(&mut release.title, edit.title.as_ref());
    put(&mut release.request.origin, edit.origin.as_ref());
    put_some(&mut release.request.need, edit.need.as_ref());
    put_some(&mut release.request.objective, edit.objective.as_ref());
    put_some(&mut release.request.priority, edit.priority.as_ref());
    put_some(&mut release.plan.owner, edit.owner.as_ref());
    put_some(&mut release.plan.target, edit.target.as_ref());
    put_some(&mut release.plan.risk, edit.risk.as_ref());
    put_some(&mut release.plan.rollback, edit.rollback_plan.as_ref());
    put(&mut release.plan.requires, edit.requires.as_ref());
    put(&mut release.plan.toggles, edit.toggles.as_ref());
    put(&mut release.plan.people, edit.people.as_ref());
    put_some(&mut release.plan.communication, edit.communication.as_ref());
    put_some(&mut release.plan.reversal, edit.reversal.as_ref());
    put_some(&mut release.build.commit, edit.commit.as_ref());
    put_some(&mut release.build.artifact, edit.artifact.as_ref());
    put_some(&mut release.build.digest, edit.digest.as_ref());
    put(&mut release.build.changes, edit.changes.as_ref());
    put_some(&mut release.review.outcome, edit.outcome.as_ref());
    put_some(&mut release.review.retrospective, edit.retrospective.as_ref());
    release
}
