//! Asks anew for a decision that nobody made in time.

use super::{Matter, matter};
use crate::domain::approval::{ApprovalSubject, Question, Tally, interested, schedulers, tally};
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::policy::Rule;
use crate::domain::prompt::Prompt;
use crate::domain::release::Release;
use crate::domain::right::{Place, Right};
use crate::domain::time::{Timestamp, wall};
use crate::ops::facts::Surroundings;
use crate::ops::hook::moments::{self, Request};
use crate::ops::release::{known_release, open_release};
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, deployments, journal, pending};

/// From now on it is open again, with the whole time it may take.
pub fn ask(cx: &Ctx<'_>, id: &ReleaseId, subject: &ApprovalSubject) -> Result<(), OpError> {
    let around = Surroundings::of(cx, cx.service(&id.service)?)?;
    cx.act(Verb::ApprovalAskedAnew, id, |tx| {
        cx.may(Right::Request, Place::service(&id.service))?;
        let release = open_release(tx, id)?;
        let matter = matter(cx, &release, subject, &around)?;
        let Some(at) = late(tx, cx, &release, subject, &matter, &around)? else {
            let what = subject.as_text();
            return Err(OpError::conflict(format!("the decision about {what} of {id} has not timed out"))
                .hint(format!("what there is about it: relman approvals {id}")));
        };
        let decisions = approvals::list_of(tx, id)?;
        moments::ask_anew(tx, &request(id, subject, &matter, &decisions), cx.now)?;
        let why = format!("that about {} timed out {}", subject.as_text(), wall(at, cx.policy.zone));
        let entry = cx.entry(Verb::ApprovalAskedAnew, id).because(Some(&why));
        let about = serde_json::json!({ "release": id, "subject": subject, "digest": matter.digest });
        journal::append(tx, entry.after(&about))?;
        Ok(())
    })
}

fn request<'a>(
    release: &'a ReleaseId,
    subject: &'a ApprovalSubject,
    matter: &'a Matter,
    decisions: &'a [crate::domain::approval::Approval],
) -> Request<'a> {
    Request { release, subject, digest: &matter.digest, decisions, back: false }
}

/// When it timed out; nothing: it is open, decided, or waited for without end.
pub(super) fn late(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    release: &Release,
    subject: &ApprovalSubject,
    matter: &Matter,
    around: &Surroundings,
) -> Result<Option<Timestamp>, OpError> {
    // What was good there is gone back to, or a toggle of it switched: that is asked by trying it, and has no end.
    if let Some(env) = subject.environment()
        && deployments::find_good(tx, &release.id, env)?.is_some()
    {
        return Ok(None);
    }
    let decisions = approvals::list_of(tx, &release.id)?;
    let Some(at) = moments::timed_out(tx, cx, &request(&release.id, subject, matter, &decisions))? else {
        return Ok(None);
    };
    // What has been decided is not open: one more approval is not too late.
    let tally = counted(tx, cx, release, subject, matter, around)?;
    Ok((!tally.is_met() && tally.rejected.is_none()).then_some(at))
}

/// How the decisions about it add up now.
pub(super) fn counted(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    release: &Release,
    subject: &ApprovalSubject,
    matter: &Matter,
    around: &Surroundings,
) -> Result<Tally, OpError> {
    let waiting = pending::list(tx)?;
    let environment = subject.environment();
    let schedulers = environment.map(|env| schedulers(&waiting, &release.id, env)).unwrap_or_default();
    let forward = environment
        .and_then(|env| cx.policy.environments.get(env))
        .map(|env| Rule::asked(&env.approvals, release.weighed_risk()));
    let about: Vec<_> =
        approvals::list_of(tx, &release.id)?.into_iter().filter(|one| one.subject == *subject).collect();
    let question = Question {
        rules: forward.as_deref().unwrap_or(&matter.rules),
        roster: &around.roster,
        digest: &matter.digest,
        content: &matter.content,
        signing: matter.signing,
        signatures: &around.signatures,
        interested: &interested(release, schedulers),
        self_approval: matter.self_approval,
        asks: &matter.asks,
        now: cx.now,
    };
    Ok(tally(&question, &about))
}

/// What is asked of who says yes to it and has no answer yet, each with what stands for it until somebody says otherwise.
pub fn questions(cx: &Ctx<'_>, id: &ReleaseId, subject: &ApprovalSubject) -> Result<Vec<Prompt>, OpError> {
    let around = Surroundings::of(cx, cx.service(&id.service)?)?;
    cx.store.read(|tx| {
        let release = known_release(tx, id)?;
        let matter = matter(cx, &release, subject, &around)?;
        let said = counted(tx, cx, &release, subject, &matter, &around)?.answers;
        let known = |prompt: Prompt| {
            let default = said.get(&prompt.name).cloned().or(prompt.default.clone());
            Prompt { default, ..prompt }
        };
        Ok(matter.asks.into_iter().map(known).collect())
    })
}
