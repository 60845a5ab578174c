//! Records a yes or a no, bound to the content as it is now.

use std::collections::BTreeSet;

use crate::domain::actor::Roster;
use crate::domain::approval::{Approval, ApprovalSubject, Verdict};
use crate::domain::digest::Digest;
use crate::domain::ids::{ApprovalId, EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::release::{Block, Release, ReleaseState};
use crate::domain::text::free;
use crate::ops::facts::Surroundings;
use crate::ops::release::{open_release, save};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, approvals, journal};

use super::{Matter, matter, subject_of};

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub release: ReleaseId,
    /// `None`: about the request itself.
    pub environment: Option<EnvName>,
    pub verdict: Verdict,
    /// Mandatory with a no.
    pub reason: Option<String>,
    /// Digest of the content the person was shown: when it differs, they are asked to look again.
    pub seen: Option<Digest>,
}

pub fn decide(cx: &Ctx<'_>, decision: &Decision) -> Result<Approval, OpError> {
    let reason = decision.reason.as_deref().map(|text| free("reason", text, 2000)).transpose()?;
    if decision.verdict == Verdict::Rejected && reason.is_none() {
        return Err(
            OpError::new(ErrorKind::Usage, "a rejection needs a reason").hint("say it with --reason \"…\"")
        );
    }
    let verb = match decision.verdict {
        Verdict::Approved => Verb::ApprovalGranted,
        Verdict::Rejected => Verb::ApprovalRejected,
    };
    let service = cx.service(&decision.release.service)?;
    let around = Surroundings::of(cx, service);
    let subject = subject_of(decision.environment.as_ref());
    cx.act(verb, &decision.release, |tx| {
        let release = decidable(tx, decision)?;
        let matter = matter(cx, &release, &subject, &around)?;
        check(cx, decision, &release, &matter, &around.roster)?;
        replace_previous(tx, cx, &release, &subject, &matter)?;
        let approval = Approval {
            id: ApprovalId(0),
            release: release.id.clone(),
            subject: subject.clone(),
            verdict: decision.verdict,
            by: cx.actor.person.clone(),
            at: cx.now,
            reason: reason.clone(),
            digest: matter.digest.clone(),
            content: matter.content.clone(),
            expires_at: matter
                .ttl
                .filter(|_| decision.verdict == Verdict::Approved)
                .map(|ttl| cx.now.plus(ttl)),
            ended_at: None,
            ended_why: None,
        };
        let id = approvals::insert(tx, &approval)?;
        let approval = Approval { id, ..approval };
        let mut entry = cx.entry(verb, &release.id).because(reason.as_deref()).detail(&approval);
        if let Some((before, after)) = refuse_request(tx, cx, &release, &approval)? {
            entry = entry.before(&before).after(&after);
        }
        journal::append(tx, entry)?;
        Ok(approval)
    })
}

/// The release, if there is anything to decide about it. A closed one may still be what a rollback goes back to.
fn decidable(tx: &Tx<'_>, decision: &Decision) -> Result<Release, OpError> {
    let known = crate::store::releases::find(tx, &decision.release)?;
    match known {
        Some(release) if release.state == ReleaseState::Closed && decision.environment.is_some() => {
            Ok(release)
        }
        _ => open_release(tx, &decision.release),
    }
}

/// Who may decide, and whether they saw what they decide about.
fn check(
    cx: &Ctx<'_>,
    decision: &Decision,
    release: &Release,
    matter: &Matter,
    roster: &Roster,
) -> Result<(), OpError> {
    let what = decision.environment.as_ref().map_or("request", EnvName::as_str);
    if matter.rules.is_empty() {
        return Err(OpError::conflict(format!("{what} has no approval policy: there is nothing to decide")));
    }
    if decision.seen.as_ref().is_some_and(|seen| *seen != matter.digest) {
        return Err(OpError::conflict(format!("{} changed while you were looking at it", release.id))
            .hint("look at it again, then decide"));
    }
    let actor = &cx.actor.person;
    let mut groups: Vec<&str> = Vec::new();
    for rule in &matter.rules {
        if !groups.contains(&rule.from.as_str()) {
            groups.push(&rule.from);
        }
    }
    let everyone: BTreeSet<&str> = groups.iter().flat_map(|group| roster.people(group)).collect();
    if !groups.iter().any(|group| roster.has(group, actor)) {
        let people: Vec<&str> = everyone.into_iter().collect();
        return Err(OpError::new(
            ErrorKind::NotPermitted,
            format!(
                "{} may not decide about {what}; it takes someone of {}",
                cx.actor.name(),
                groups.join(" and ")
            ),
        )
        .hint(format!("ask {}", people.join(", "))));
    }
    let own = release.request.requester.is_same_as(actor) || release.created_by.is_same_as(actor);
    if own && !matter.self_approval && decision.verdict == Verdict::Approved {
        let others: Vec<&str> = everyone.into_iter().filter(|name| !actor.is_called(name)).collect();
        return Err(OpError::new(
            ErrorKind::NotPermitted,
            format!(
                "{} requested or created {}; an own approval does not count",
                cx.actor.name(),
                release.id
            ),
        )
        .hint(if others.is_empty() {
            format!("nobody else is in {}: add people in relman.toml", groups.join(", "))
        } else {
            format!("ask {}", others.join(", "))
        }));
    }
    Ok(())
}

/// A person has one standing decision per subject: the same again is refused, one about other content or one that
/// expired makes room for the new one and stays in the history.
fn replace_previous(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    release: &Release,
    subject: &ApprovalSubject,
    matter: &Matter,
) -> Result<(), OpError> {
    let previous = approvals::list_of(tx, &release.id)?.into_iter().find(|approval| {
        approval.ended_at.is_none() && approval.subject == *subject && approval.by.uid == cx.actor.person.uid
    });
    let Some(previous) = previous else { return Ok(()) };
    let expired = previous.expires_at.is_some_and(|at| at <= cx.now);
    if previous.digest == matter.digest && !expired {
        let id = &release.id;
        let env = match subject {
            ApprovalSubject::Request => String::new(),
            ApprovalSubject::Environment(env) => format!(" {env}"),
        };
        return Err(OpError::conflict(format!("you {} this already, at {}", previous.verdict, previous.at))
            .hint(format!("to change your mind: relman withdraw {id}{env}")));
    }
    let why = if expired { "it expired" } else { "void: superseded, the content changed" };
    approvals::end(tx, previous.id, cx.now, why)?;
    Ok(())
}

/// A no to the request itself ends the release.
fn refuse_request(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    release: &Release,
    approval: &Approval,
) -> Result<Option<(Release, Release)>, OpError> {
    if approval.subject != ApprovalSubject::Request || approval.verdict != Verdict::Rejected {
        return Ok(None);
    }
    let ended =
        Block { by: approval.by.clone(), at: cx.now, reason: approval.reason.clone().unwrap_or_default() };
    let after =
        Release { state: ReleaseState::Rejected, ended: Some(ended), stage_since: cx.now, ..release.clone() };
    let after = save(tx, cx, after)?;
    Ok(Some((release.clone(), after)))
}
