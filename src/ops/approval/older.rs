//! A yes to the newest is a no to what is older and waits at the same gate, where an environment wants it so (APR-20).

use std::collections::BTreeMap;

use super::{Matter, matter};
use crate::domain::approval::{Approval, ApprovalSubject, Verdict};
use crate::domain::ids::{ApprovalId, EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::release::{Release, Stage};
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, deployments, journal, releases};

/// What becomes of an earlier yes to one of them.
const VOID: &str = "void: a newer release was approved";

/// Those that a yes to this release would reject, oldest first. Not what was good there: going back to it stays possible.
/// Not what the person has rejected already.
pub fn of(cx: &Ctx<'_>, id: &ReleaseId, subject: &ApprovalSubject) -> Result<Vec<ReleaseId>, OpError> {
    cx.store.read(|tx| rejected_by(tx, cx, id, subject))
}

pub(in crate::ops) fn rejected_by(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    id: &ReleaseId,
    subject: &ApprovalSubject,
) -> Result<Vec<ReleaseId>, OpError> {
    let Some(env) = wanted(cx, subject)? else { return Ok(Vec::new()) };
    Ok(waiting(tx, cx, id, env)?.into_iter().map(|release| release.id).collect())
}

fn wanted<'s>(cx: &Ctx<'_>, subject: &'s ApprovalSubject) -> Result<Option<&'s EnvName>, OpError> {
    let Some(name) = subject.environment() else { return Ok(None) };
    Ok(facts::environment(cx, name)?.newest_only.then_some(name))
}

fn waiting(tx: &Tx<'_>, cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<Vec<Release>, OpError> {
    let mut older = Vec::new();
    for release in releases::list_open(tx)? {
        let is_older = release.id.service == id.service && id.version.outranks(&release.id.version);
        let is_on_its_way = (Stage::Build..=Stage::Deploy).contains(&release.stage);
        if !is_older || !is_on_its_way || deployments::find_good(tx, &release.id, env)?.is_some() {
            continue;
        }
        if own(tx, cx, &release.id, env)?.is_none_or(|known| known.verdict == Verdict::Approved) {
            older.push(release);
        }
    }
    older.sort_by(|a, b| a.id.version.cmp(&b.id.version));
    Ok(older)
}

/// What the person has said of it and not taken back.
fn own(tx: &Tx<'_>, cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<Option<Approval>, OpError> {
    let is_own = |known: &Approval| {
        let stands = known.ended_at.is_none() && known.subject.environment() == Some(env);
        stands && known.by.is_same_as(&cx.actor.person)
    };
    Ok(approvals::list_of(tx, id)?.into_iter().find(is_own))
}

/// Rejects them in the name of who said yes, each with an entry of its own; each may be taken back like any decision.
pub(super) fn reject(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    approval: &Approval,
    around: &Surroundings,
) -> Result<(), OpError> {
    // One that counts later has not let the newer one through yet.
    let counts = approval.verdict == Verdict::Approved && approval.effective_at.is_none();
    let Some(env) = wanted(cx, &approval.subject)?.filter(|_| counts) else {
        return Ok(());
    };
    let reason = format!("older than {}, which {} approved", approval.release, cx.actor.name());
    for release in waiting(tx, cx, &approval.release, env)? {
        let Matter { digest, content, .. } = matter(cx, &release, &approval.subject, around)?;
        let no = Approval {
            id: ApprovalId(0),
            release: release.id.clone(),
            verdict: Verdict::Rejected,
            reason: Some(reason.clone()),
            digest,
            content,
            effective_at: None,
            expires_at: None,
            signed: None,
            answers: BTreeMap::new(),
            ..approval.clone()
        };
        let before = own(tx, cx, &release.id, env)?;
        if let Some(yes) = &before {
            approvals::end(tx, yes.id, cx.now, VOID)?;
        }
        let before =
            before.map(|yes| Approval { ended_at: Some(cx.now), ended_why: Some(VOID.to_owned()), ..yes });
        let no = Approval { id: approvals::insert(tx, &no)?, ..no };
        let mut entry = cx.entry(Verb::ApprovalRejected, &release.id).because(Some(&reason)).after(&no);
        if let Some(yes) = &before {
            entry = entry.before(yes);
        }
        journal::append(tx, entry)?;
    }
    Ok(())
}
