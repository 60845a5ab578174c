//! Records test evidence and ticks checklist items.

use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::release::{Check, Release, Stage, Tick};
use crate::domain::right::{Place, Right};
use crate::domain::text::{did_you_mean, free};
use crate::domain::time::wall;
use crate::ops::{Ctx, OpError};
use crate::store::journal;

/// Records the result of a check for the artifact the release has now.
pub fn record_check(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    name: &str,
    passed: bool,
    note: Option<&str>,
) -> Result<Release, OpError> {
    let note = note.map(|text| free("note", text, 2000)).transpose()?;
    known(&cx.policy.stage(Stage::Test).checks, name, "check", "[stages.test] checks")?;
    cx.act(Verb::CheckRecorded, id, |tx| {
        cx.may(Right::Evidence, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        let mut release = before.clone();
        let check = Check {
            passed,
            digest: before.build.digest.clone(),
            content: Some(before.build.content()),
            by: cx.actor.person.clone(),
            at: cx.now,
            note: note.clone(),
        };
        release.checks.insert(name.to_owned(), check);
        let release = super::save(tx, cx, release)?;
        let entry =
            cx.entry(Verb::CheckRecorded, id).because(note.as_deref()).before(&before).after(&release);
        journal::append(tx, entry)?;
        Ok(release)
    })
}

/// Ticks an item of the checklist.
pub fn tick(cx: &Ctx<'_>, id: &ReleaseId, item: &str) -> Result<Release, OpError> {
    known(&cx.policy.stage(Stage::Prepare).checklist, item, "checklist item", "[stages.prepare] checklist")?;
    cx.act(Verb::ChecklistTicked, id, |tx| {
        cx.may(Right::Evidence, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        if let Some(tick) = before.ticks.get(item) {
            return Err(OpError::conflict(format!(
                "{} ticked \"{item}\" already, {}",
                tick.by.name,
                wall(tick.at, cx.policy.zone)
            )));
        }
        let mut release = before.clone();
        release.ticks.insert(item.to_owned(), Tick { by: cx.actor.person.clone(), at: cx.now });
        let release = super::save(tx, cx, release)?;
        journal::append(tx, cx.entry(Verb::ChecklistTicked, id).before(&before).after(&release))?;
        Ok(release)
    })
}

fn known(list: &[String], name: &str, what: &str, place: &str) -> Result<(), OpError> {
    if list.iter().any(|known| known == name) {
        return Ok(());
    }
    let shown = crate::domain::text::quoted(name, 60);
    let error = OpError::not_found(format!("{what} {shown} in {place}"));
    Err(match did_you_mean(name, list.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None if list.is_empty() => error.hint(format!("the list {place} is empty; add what you need there")),
        None => error.hint(format!("there are: {}", list.join(", "))),
    })
}
