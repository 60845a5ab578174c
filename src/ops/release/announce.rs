//! Writes announcements from what is on record (PRE-4): templates of the configuration, or plain ones.

use crate::domain::ids::ReleaseId;
use crate::domain::release::Release;
use crate::domain::release::preparation::{Occasion, PLACEHOLDERS};
use crate::domain::time::wall;
use crate::ops::{Ctx, OpError};
use crate::store::releases;

/// The plain template of an occasion.
pub fn plain(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Planned => {
            "{service} {version} is planned for {when}: {title}\nDowntime: {downtime}. Affected: {affected}. Workaround: {workaround}.\n{changes}"
        }
        Occasion::Starting => {
            "{service} {version} is being deployed now: {title}\nDowntime: {downtime}. Workaround: {workaround}."
        }
        Occasion::Done => "{service} {version} is live: {title}\n{changes}",
        Occasion::RolledBack => {
            "{service} {version} was taken back: {title}\nWhat was there before is live again. Affected: {affected}."
        }
    }
}

/// The text for an occasion, filled in. What is not recorded reads as such: nobody is told something made up.
pub fn draft(cx: &Ctx<'_>, id: &ReleaseId, occasion: Occasion) -> Result<String, OpError> {
    let found = cx.store.read(|tx| releases::find(tx, id))?;
    let release = found.ok_or_else(|| OpError::not_found(format!("release {id}")))?;
    Ok(written(cx, &release, occasion))
}

/// The same about a release at hand.
pub(super) fn written(cx: &Ctx<'_>, release: &Release, occasion: Occasion) -> String {
    let template = cx.policy.announcements.get(&occasion).map_or_else(|| plain(occasion), String::as_str);
    let when =
        release.plan.target.map_or_else(|| "a time not yet set".to_owned(), |at| wall(at, cx.policy.zone));
    filled(template, release, &when)
}

fn filled(template: &str, release: &Release, when: &str) -> String {
    let unsaid = || "not said".to_owned();
    let impact = release.preparation.impact.as_ref();
    let changes: Vec<String> = release.build.changes.iter().map(|change| format!("- {change}")).collect();
    let values = [
        release.id.service.to_string(),
        release.id.version.to_string(),
        release.title.clone(),
        release.request.need.clone().unwrap_or_else(unsaid),
        when.to_owned(),
        impact.map_or_else(unsaid, |impact| impact.downtime.clone()),
        impact.and_then(|impact| impact.affected.clone()).unwrap_or_else(unsaid),
        impact.and_then(|impact| impact.workaround.clone()).unwrap_or_else(|| "none".to_owned()),
        changes.join("\n"),
    ];
    // Once from left to right: what stands in a value is text and no placeholder.
    let mut text = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        let found = PLACEHOLDERS.iter().position(|name| rest[start..].starts_with(name));
        match found {
            Some(at) => {
                text.push_str(&values[at]);
                rest = &rest[start + PLACEHOLDERS[at].len()..];
            }
            None => {
                text.push('{');
                rest = &rest[start + 1..];
            }
        }
    }
    text.push_str(rest);
    text.trim_end().to_owned()
}
