//! `relman release new SERVICE --from-git`: tags and messages since the last release become a version and a list of changes.

use std::path::{Path, PathBuf};

use super::Session;
use crate::domain::commits::{self, Bump, Commit};
use crate::domain::ids::{ReleaseId, ServiceName, Version};
use crate::host::git;
use crate::ops::release::create::NewRelease;
use crate::ops::{Ctx, ErrorKind, OpError};

/// What is taken from the repository.
#[derive(Debug)]
pub(super) struct Proposal {
    pub id: ReleaseId,
    pub new: NewRelease,
    /// How the version came about, for the person.
    pub why: String,
}

/// No list of changes is longer: the rest is in the repository.
const MOST: usize = 200;

fn failed(why: String) -> OpError {
    OpError::new(ErrorKind::Failure, why)
        .hint("name another repository with --repo DIR, or register it without --from-git")
}

/// Where the repository of a service is: as somebody says, as the configuration says, or where its scripts run.
fn place(
    session: &Session,
    cx: &Ctx<'_>,
    service: &ServiceName,
    said: Option<&Path>,
) -> Result<PathBuf, OpError> {
    if let Some(said) = said {
        session.touches(said)?;
        return Ok(said.to_path_buf());
    }
    let known = cx.service(service)?;
    Ok(known.repo.as_ref().map_or_else(|| known.working_dir.clone(), |repo| known.working_dir.join(repo)))
}

/// Reads the repository. `version`: what somebody wants it to be called; otherwise what the changes ask for.
pub(super) fn propose(
    session: &Session,
    cx: &Ctx<'_>,
    service: &ServiceName,
    version: Option<Version>,
    repo: Option<&Path>,
    upto: &str,
) -> Result<Proposal, OpError> {
    let repo = place(session, cx, service, repo)?;
    let commit = git::commit(&repo, upto).map_err(failed)?;
    let tags = git::tags(&repo, &commit).map_err(failed)?;
    let last = commits::last(tags.iter().map(|tag| tag.name.as_str()), service.as_str());
    let since = last.as_ref().and_then(|(_, name)| tags.iter().find(|tag| tag.name == *name));
    let messages = git::messages(&repo, since.map(|tag| tag.commit.as_str()), &commit).map_err(failed)?;
    let found: Vec<Commit> =
        messages.iter().rev().map(|(hash, message)| commits::read(hash, message)).collect();
    if found.is_empty() {
        let since = last.map_or_else(|| "in it".to_owned(), |(_, tag)| format!("since {tag}"));
        return Err(OpError::conflict(format!("nothing was committed {since}: there is nothing to release"))
            .hint("name the commit to release with --to REF"));
    }
    let (proposed, why) = proposed(last.as_ref(), &found);
    let wanted = version.unwrap_or(proposed);
    let before = last.as_ref().map(|(version, _)| version);
    let new = NewRelease {
        title: Some(title(&found)),
        commit: Some(commit),
        changes: changes(&found),
        misfit: before.and_then(|before| commits::misfit(before, wanted.as_semver(), &found)),
        ..NewRelease::default()
    };
    Ok(Proposal { id: ReleaseId::new(service.clone(), wanted), new, why })
}

/// The version the changes ask for, and why.
fn proposed(last: Option<&(semver::Version, &str)>, found: &[Commit]) -> (Version, String) {
    let count = match found.len() {
        1 => "1 commit".to_owned(),
        count => format!("{count} commits"),
    };
    let Some((before, tag)) = last else {
        let first = Version::from(semver::Version::new(0, 1, 0));
        return (first, format!("{count}; no tag is a version yet, so it begins with 0.1.0"));
    };
    let Some((bump, commit)) = commits::wanted(found) else {
        let next = Version::from(commits::next(before, Bump::Patch));
        return (next, format!("{count} since {tag}, none that changes what is delivered: a patch"));
    };
    let next = Version::from(commits::next(before, bump));
    (next, format!("{count} since {tag}; \"{}\" makes it a {bump} one", commit.line()))
}

/// The first thing that is new, or the first of all.
fn title(found: &[Commit]) -> String {
    let of = |kind: &str| found.iter().find(|commit| commit.kind.as_deref() == Some(kind));
    let best =
        found.iter().find(|commit| commit.breaks.is_some()).or_else(|| of("feat")).or_else(|| of("fix"));
    let text = best.or(found.first()).map(|commit| commit.subject.clone()).unwrap_or_default();
    let mut text: String = text.chars().take(120).collect();
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    text
}

/// One line for each commit, what breaks first, then what is new, then the rest in its order.
fn changes(found: &[Commit]) -> Vec<String> {
    let rank = |commit: &&Commit| match (commit.breaks.is_some(), commit.kind.as_deref()) {
        (true, _) => 0,
        (false, Some("feat")) => 1,
        (false, Some("fix" | "perf")) => 2,
        (false, _) => 3,
    };
    let mut ordered: Vec<&Commit> = found.iter().filter(|commit| !commit.subject.is_empty()).collect();
    ordered.sort_by_key(rank);
    let left = ordered.len().saturating_sub(MOST);
    let mut lines: Vec<String> =
        ordered.iter().take(MOST).map(|commit| commit.line().chars().take(400).collect()).collect();
    if left > 0 {
        lines.push(format!("and {left} more commits"));
    }
    lines
}
