//! Release notes: what a release brings, rolled up over the releases that were skipped, for whoever reads it (REL-5).

use serde::Serialize;

use crate::domain::commits;
use crate::domain::document::Document;
use crate::domain::ids::{EnvName, ReleaseId, Version};
use crate::domain::policy::Environment;
use crate::domain::release::Release;
use crate::ops::{Ctx, OpError};
use crate::store::{deployments, releases};

/// Who reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Audience {
    /// What they will notice.
    Users,
    /// Everything that changed.
    Team,
    /// That, and what one must know to run it.
    Operators,
}

/// From what on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// What is live in that environment; nothing: in the first of production.
    Live(Option<EnvName>),
    Version(Version),
}

/// The releases a release brings with it, newest first, itself among them, and from which version on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brings {
    pub since: Option<Version>,
    pub releases: Vec<Release>,
}

pub fn brings(cx: &Ctx<'_>, id: &ReleaseId, since: &Since) -> Result<Brings, OpError> {
    let service = cx.service(&id.service)?;
    let environment = match since {
        Since::Live(Some(env)) => Some(env.clone()),
        Since::Live(None) => service
            .pipeline
            .iter()
            .find(|env| cx.policy.environments.get(*env).is_some_and(Environment::is_production))
            .cloned(),
        Since::Version(_) => None,
    };
    cx.store.read(|tx| {
        let release = releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))?;
        let since = match (since, environment) {
            (Since::Version(version), _) => Some(version.clone()),
            (Since::Live(_), Some(env)) => match deployments::find_live(tx, &id.service, &env)? {
                // What is live already brings what it brought when it came.
                Some(live) if live.release == *id => live.previous,
                Some(live) => Some(live.release.version),
                None => None,
            },
            (Since::Live(_), None) => None,
        };
        let all = releases::list_all(tx, Some(&id.service))?;
        let is_between = |other: &Release| {
            let version = &other.id.version;
            let is_after = since.as_ref().is_none_or(|since| version.outranks(since));
            // What was only tried never came out: its changes are those of the release it led to.
            is_after && id.version.outranks(version) && !version.is_prerelease()
        };
        // Without anything before it a release brings itself: nobody wants the notes of all times.
        let mut found: Vec<Release> =
            all.into_iter().filter(|other| since.is_some() && is_between(other)).chain([release]).collect();
        found.sort_by(|a, b| b.id.version.cmp(&a.id.version));
        Ok(Brings { since, releases: found })
    })
}

/// The notes as a document.
pub fn notes(cx: &Ctx<'_>, id: &ReleaseId, since: &Since, audience: Audience) -> Result<Document, OpError> {
    let found = brings(cx, id, since)?;
    let Some(release) = found.releases.iter().find(|release| release.id == *id) else {
        return Err(OpError::not_found(format!("release {id}")));
    };
    let mut document = Document::new(format!("{} {}", id.service, id.version));
    if release.title != id.to_string() {
        document.text(release.title.clone());
    }
    if audience == Audience::Operators {
        operators(&mut document, release);
    }
    let changes: Vec<&String> = found.releases.iter().flat_map(|release| &release.build.changes).collect();
    let groups = grouped(&changes, audience);
    if groups.iter().all(|(_, lines)| lines.is_empty()) {
        document.text("No change is recorded that this is for.");
    }
    for (heading, lines) in groups {
        document.section(2, heading, lines);
    }
    if let (Some(since), true) = (&found.since, found.releases.len() > 1) {
        let names: Vec<String> =
            found.releases.iter().map(|release| release.id.version.to_string()).collect();
        document.text(format!("Everything since {since}: {}.", names.join(", ")));
    }
    if let Some(impact) = &release.preparation.impact {
        let more = [("Affected", &impact.affected), ("Workaround", &impact.workaround)];
        let mut lines = vec![format!("Downtime: {}", impact.downtime)];
        lines.extend(more.iter().filter_map(|(word, text)| Some(format!("{word}: {}", text.as_ref()?))));
        document.section(2, "What you will notice", lines);
    }
    Ok(document)
}

fn operators(document: &mut Document, release: &Release) {
    let plan = &release.plan;
    let requires: Vec<String> = plan.requires.iter().map(ToString::to_string).collect();
    let lines = [
        ("Artifact", release.build.artifact.clone()),
        ("Digest", release.build.digest.as_ref().map(ToString::to_string)),
        ("Commit", release.build.commit.clone()),
        ("Risk", plan.risk.map(|risk| risk.to_string())),
        ("Needs", (!requires.is_empty()).then(|| requires.join(", "))),
        ("Toggles", (!plan.toggles.is_empty()).then(|| plan.toggles.join(", "))),
        ("Way back", plan.rollback.clone()),
        ("Reversal", plan.reversal.as_ref().map(ToString::to_string)),
    ];
    let lines = lines.into_iter().filter_map(|(word, text)| Some(format!("{word}: {}", text?)));
    document.section(2, "To run it", lines.collect());
}

/// Headings with the lines under them. Users are told what they notice, without the words of the convention.
fn grouped(changes: &[&String], audience: Audience) -> Vec<(&'static str, Vec<String>)> {
    let mut groups: Vec<(&'static str, Vec<String>)> = [
        ("Breaking changes", Vec::new()),
        ("New", Vec::new()),
        ("Fixed", Vec::new()),
        ("Other changes", Vec::new()),
    ]
    .into();
    for line in changes {
        let commit = commits::read("", line);
        let at = match (commit.breaks.is_some(), commit.kind.as_deref()) {
            (true, _) => 0,
            (false, Some("feat")) => 1,
            (false, Some("fix" | "perf")) => 2,
            // Who writes no convention means people.
            (false, None) => 3,
            (false, Some(_)) if audience == Audience::Users => continue,
            (false, Some(_)) => 3,
        };
        let text = match (audience, &commit.scope) {
            (Audience::Users, _) if commit.kind.is_some() => commit.subject,
            (_, Some(scope)) if at < 3 => format!("{scope}: {}", commit.subject),
            _ if at < 3 => commit.subject,
            _ => (*line).clone(),
        };
        if !groups[at].1.contains(&text) {
            groups[at].1.push(text);
        }
    }
    groups
}
