//! What is open across releases: issues, feedback, actions that were promised.

use serde::Serialize;

use crate::domain::ids::{ReleaseId, ServiceName};
use crate::domain::release::Release;
use crate::domain::release::review::{Feedback, FollowUp, Issue, IssueState};
use crate::ops::{Ctx, OpError};
use crate::store::releases;

/// One of them, with the release and the number by which it is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbered<T> {
    pub release: ReleaseId,
    pub number: usize,
    #[serde(flatten)]
    pub item: T,
}

fn numbered<T: Clone>(release: &Release, items: &[T]) -> Vec<Numbered<T>> {
    let one = |(at, item): (usize, &T)| Numbered {
        release: release.id.clone(),
        number: at + 1,
        item: item.clone(),
    };
    items.iter().enumerate().map(one).collect()
}

fn all(cx: &Ctx<'_>, service: Option<&ServiceName>) -> Result<Vec<Release>, OpError> {
    Ok(cx.store.read(|tx| releases::list_all(tx, service))?)
}

/// All of a release; or those that are open, of all releases. The worst first.
pub fn issues(cx: &Ctx<'_>, id: Option<&ReleaseId>) -> Result<Vec<Numbered<Issue>>, OpError> {
    let releases = all(cx, id.map(|id| &id.service))?;
    let mut found: Vec<Numbered<Issue>> = match id {
        Some(id) => {
            releases.iter().filter(|release| release.id == *id).flat_map(|r| numbered(r, &r.issues)).collect()
        }
        None => releases
            .iter()
            .flat_map(|release| numbered(release, &release.issues))
            .filter(|one| one.item.state == IssueState::Open)
            .collect(),
    };
    found.sort_by_key(|one| (one.item.state != IssueState::Open, one.item.severity, one.item.at));
    Ok(found)
}

/// What was said, newest first.
pub fn feedback(cx: &Ctx<'_>, id: Option<&ReleaseId>) -> Result<Vec<Numbered<Feedback>>, OpError> {
    let releases = all(cx, id.map(|id| &id.service))?;
    let wanted = releases.iter().filter(|release| id.is_none_or(|id| release.id == *id));
    let mut found: Vec<Numbered<Feedback>> =
        wanted.flat_map(|release| numbered(release, &release.feedback)).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.item.at));
    Ok(found)
}

/// What was promised in reviews and is not done, the most urgent first (PST-7).
pub fn actions(cx: &Ctx<'_>, service: Option<&ServiceName>) -> Result<Vec<Numbered<FollowUp>>, OpError> {
    let mut found: Vec<Numbered<FollowUp>> = all(cx, service)?
        .iter()
        .flat_map(|release| numbered(release, &release.review.actions))
        .filter(|one| one.item.done.is_none())
        .collect();
    found.sort_by_key(|one| (one.item.due.is_none(), one.item.due));
    Ok(found)
}
