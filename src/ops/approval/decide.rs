//! Records a yes or a no, bound to the content as it is now.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::actor::{Person, Roster};
use crate::domain::approval::{Approval, ApprovalSubject, Verdict, interested, schedulers};
use crate::domain::digest::Digest;
use crate::domain::ids::{ApprovalId, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::prompt::{self, Answers, BadAnswer};
use crate::domain::release::review::{IssueState, Severity};
use crate::domain::release::{Block, Issue, Release, ReleaseState, Stage};
use crate::domain::signature::Statement;
use crate::domain::text::{fit, free, one_line};
use crate::domain::time::{Timestamp, wall};
use crate::ops::facts::Surroundings;
use crate::ops::release::{open_release, save};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, approvals, journal, pending};

use super::ask;
use super::sign::{self, Prepared, Signing};
use super::{Matter, matter, older};

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub release: ReleaseId,
    pub subject: ApprovalSubject,
    pub verdict: Verdict,
    /// Mandatory with a no.
    pub reason: Option<String>,
    /// From when on a yes counts; nothing: at once.
    pub effective: Option<Timestamp>,
    pub signing: Signing,
    /// Digest of the content the person was shown: when it differs, they are asked to look again.
    pub seen: Option<Digest>,
    /// What is said to what approvers are asked; what is left out stays as the approver before said it.
    pub answers: Answers,
}

impl Decision {
    /// A plain one, as it is given without a word.
    pub fn new(release: ReleaseId, subject: ApprovalSubject, verdict: Verdict) -> Self {
        let signing = Signing::AtHand;
        let answers = Answers::default();
        Self { release, subject, verdict, reason: None, effective: None, signing, seen: None, answers }
    }

    /// The reason as it is kept.
    pub(super) fn reason(&self) -> Result<Option<String>, OpError> {
        Ok(self.reason.as_deref().map(|text| free("reason", text, 2000)).transpose()?)
    }

    /// Until when it counts where its environment lets approvals expire: a no stands until it is withdrawn.
    pub(super) fn expires(
        &self,
        issued: Timestamp,
        effective: Option<Timestamp>,
        matter: &Matter,
    ) -> Option<Timestamp> {
        let from = effective.unwrap_or(issued);
        matter.ttl.filter(|_| self.verdict == Verdict::Approved).map(|ttl| from.plus(ttl))
    }

    /// What cannot be meant, whoever says it.
    fn sound(&self, now: Timestamp) -> Result<(), OpError> {
        let given = matches!(self.signing, Signing::Given(_));
        if self.verdict == Verdict::Rejected && self.reason()?.is_none() && !given {
            return Err(OpError::new(ErrorKind::Usage, "a rejection needs a reason")
                .hint("say it with --reason \"…\""));
        }
        let Some(effective) = self.effective else { return Ok(()) };
        if self.verdict == Verdict::Rejected {
            return Err(OpError::new(
                ErrorKind::Usage,
                "a rejection counts at once; leave the later time out",
            ));
        }
        if effective <= now && !given {
            return Err(OpError::new(ErrorKind::Usage, "the time from which it is to count is past")
                .hint("leave it out: then it counts at once"));
        }
        Ok(())
    }
}

/// Records a decision. It is signed before the transaction, as that may wait for a person; all the rest is looked at
/// within.
pub fn decide(cx: &Ctx<'_>, decision: &Decision) -> Result<Approval, OpError> {
    decision.sound(cx.now)?;
    let verb = match decision.verdict {
        Verdict::Approved => Verb::ApprovalGranted,
        Verdict::Rejected => Verb::ApprovalRejected,
    };
    let service = cx.service(&decision.release.service)?;
    let around = Surroundings::of(cx, service)?;
    let prepared = match is_worth_signing(cx, decision, &around) {
        true => sign::prepare(cx, decision)?,
        false => Ok(None),
    };
    cx.act(verb, &decision.release, |tx| {
        let release = decidable(tx, decision)?;
        let matter = matter(cx, &release, &decision.subject, &around)?;
        permitted(tx, cx, decision, &release, &matter, &around)?;
        let approval = formed(tx, cx, decision, &release, &matter, &around, &prepared)?;
        sign::accept(tx, cx, &approval, &matter, &prepared)?;
        let replaced = replace_previous(tx, cx, &approval, &matter)?;
        let id = approvals::insert(tx, &approval)?;
        let approval = Approval { id, ..approval };
        let mut entry = cx.entry(verb, &release.id).because(approval.reason.as_deref()).after(&approval);
        if let Some(replaced) = &replaced {
            entry = entry.before(replaced);
        }
        journal::append(tx, entry)?;
        refuse_request(tx, cx, &release, &approval)?;
        note_defect(tx, cx, &release, &approval)?;
        older::reject(tx, cx, &approval, &around)?;
        Ok(approval)
    })
}

/// What became of several decisions that were made in one act.
#[derive(Debug, Default)]
pub struct Several {
    pub recorded: Vec<Approval>,
    pub refused: Vec<(Decision, OpError)>,
}

impl Several {
    /// What was recorded, or the first of what was not with its reason, and how many there are of each.
    pub fn told(self) -> Result<String, OpError> {
        let name = |id: &ReleaseId, subject: &ApprovalSubject| format!("{id} for {}", subject.as_text());
        let done: Vec<String> = self.recorded.iter().map(|one| name(&one.release, &one.subject)).collect();
        let count = done.len() + self.refused.len();
        let Some((decision, error)) = self.refused.into_iter().next() else {
            return Ok(format!("{count} decisions recorded: {}", done.join(", ")));
        };
        let rest = if done.is_empty() { "none".to_owned() } else { done.join(", ") };
        let what = name(&decision.release, &decision.subject);
        let sentence =
            format!("{} of {count} recorded ({rest}); {what} was not: {}", done.len(), error.sentence);
        Err(OpError { sentence, ..error })
    }
}

/// Records several decisions, each for itself and in the order given (APR-21): one that is refused keeps none of the
/// others from being recorded.
pub fn several(cx: &Ctx<'_>, decisions: Vec<Decision>) -> Several {
    let mut several = Several::default();
    for decision in decisions {
        match decide(cx, &decision) {
            Ok(approval) => several.recorded.push(approval),
            Err(error) => several.refused.push((decision, error)),
        }
    }
    several
}

/// Whether it would be recorded if it was signed: nobody is asked to touch a key for nothing.
fn is_worth_signing(cx: &Ctx<'_>, decision: &Decision, around: &Surroundings) -> bool {
    let found = cx.store.read(|tx| {
        let release = decidable(tx, decision)?;
        let matter = matter(cx, &release, &decision.subject, around)?;
        permitted(tx, cx, decision, &release, &matter, around)
    });
    found.is_ok()
}

/// Who may decide, and whether they saw what they decide about.
fn permitted(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    decision: &Decision,
    release: &Release,
    matter: &Matter,
    around: &Surroundings,
) -> Result<(), OpError> {
    let pending = pending::list(tx)?;
    let environment = decision.subject.environment();
    let schedulers = environment.map(|env| schedulers(&pending, &release.id, env)).unwrap_or_default();
    check(cx, decision, release, matter, &around.roster, &schedulers)?;
    let (id, what) = (&release.id, decision.subject.as_text());
    let Some(at) = ask::late(tx, cx, release, &decision.subject, matter, around)? else { return Ok(()) };
    Err(OpError::conflict(format!(
        "the request to decide about {what} timed out {}",
        wall(at, cx.policy.zone)
    ))
    .hint(format!("who still wants it asks anew: relman approvals {id} {what} --ask")))
}

/// The decision as it is to be recorded. What was signed elsewhere says itself when it was made and until when it counts.
fn formed(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    decision: &Decision,
    release: &Release,
    matter: &Matter,
    around: &Surroundings,
    prepared: &Prepared,
) -> Result<Approval, OpError> {
    let signed = prepared.as_ref().ok().and_then(Option::as_ref).map(|(signed, _)| signed);
    let statement = signed.and_then(|signed| Statement::parse(&signed.statement).ok());
    let (issued, effective, reason, answers) = match &statement {
        Some(said) => (said.issued, said.effective, said.reason.clone(), said.answers.clone()),
        None => {
            (cx.now, decision.effective, decision.reason()?, said(tx, cx, decision, release, matter, around)?)
        }
    };
    if statement.is_some() && decision.verdict == Verdict::Approved {
        // What was signed says all of it, in answers that are good today.
        prompt::said_by_approver(
            &matter.asks,
            &BTreeMap::new(),
            &Answers(answers.clone()),
            matter.must_answer,
        )
        .map_err(|bad| unsaid(&bad))?;
    }
    if decision.verdict == Verdict::Rejected && reason.is_none() {
        return Err(OpError::new(ErrorKind::Usage, "a rejection needs a reason; none was signed"));
    }
    Ok(Approval {
        id: ApprovalId(0),
        release: release.id.clone(),
        subject: decision.subject.clone(),
        verdict: decision.verdict,
        by: cx.actor.person.clone(),
        at: cx.now,
        reason,
        digest: matter.digest.clone(),
        content: matter.content.clone(),
        effective_at: effective,
        expires_at: decision.expires(issued, effective, matter),
        ended_at: None,
        ended_why: None,
        signed: signed.cloned(),
        answers,
    })
}

/// What is said with a yes: what the person says, and what the one before them said where they do not.
pub(super) fn said(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    decision: &Decision,
    release: &Release,
    matter: &Matter,
    around: &Surroundings,
) -> Result<BTreeMap<String, String>, OpError> {
    if decision.verdict == Verdict::Rejected {
        return Ok(BTreeMap::new());
    }
    let before = ask::counted(tx, cx, release, &decision.subject, matter, around)?.answers;
    prompt::said_by_approver(&matter.asks, &before, &decision.answers, matter.must_answer)
        .map_err(|bad| unsaid(&bad))
}

fn unsaid(bad: &BadAnswer) -> OpError {
    OpError::new(ErrorKind::Usage, bad.to_string()).hint(format!("say it with --set {}=…", bad.name))
}

/// The release, if there is anything to decide about it. A closed one may still be what a rollback goes back to.
fn decidable(tx: &Tx<'_>, decision: &Decision) -> Result<Release, OpError> {
    let known = crate::store::releases::find(tx, &decision.release)?;
    match known {
        Some(release)
            if release.state == ReleaseState::Closed && decision.subject.environment().is_some() =>
        {
            Ok(release)
        }
        _ => {
            let release = open_release(tx, &decision.release)?;
            // A no to the request ends the release for ever: not by a forgotten word, long after it was let through.
            let is_request = decision.subject == ApprovalSubject::Request;
            let is_late = is_request && release.stage != Stage::Request;
            if is_late && decision.verdict == Verdict::Rejected {
                let id = &release.id;
                return Err(OpError::conflict(format!(
                    "the request of {id} was let through: it is in the {} stage",
                    release.stage
                ))
                .hint(format!("to close an environment to it: relman reject {id} ENV --reason \"…\""))
                .hint(format!("to stop it: relman release block {id} --reason \"…\"")));
            }
            // What is signed off there is what has become of it: before, nobody can know.
            let is_review = decision.subject == ApprovalSubject::ReviewSignOff;
            if is_review && release.stage != Stage::Review {
                let id = &release.id;
                return Err(OpError::conflict(format!(
                    "{id} is in the {} stage; its {} is given in the review stage",
                    release.stage,
                    decision.subject.as_text()
                ))
                .hint(format!("what it still needs: relman release show {id}")));
            }
            Ok(release)
        }
    }
}

fn check(
    cx: &Ctx<'_>,
    decision: &Decision,
    release: &Release,
    matter: &Matter,
    roster: &Roster,
    schedulers: &[&Person],
) -> Result<(), OpError> {
    let what = decision.subject.as_text();
    if matter.rules.is_empty() {
        let id = &release.id;
        return Err(OpError::conflict(format!("{what} has no approval policy: there is nothing to decide"))
            .hint(format!(
                "name the environment: relman approve {id} ENV; what is open: relman approvals {id}"
            )));
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
                cx.actor.person.described(),
                groups.join(" and ")
            ),
        )
        .hint(format!("ask {}", people.join(", "))));
    }
    let is_own =
        interested(release, schedulers.iter().copied()).iter().any(|person| person.is_same_as(actor));
    if is_own && !matter.self_approval && decision.verdict == Verdict::Approved {
        let others: Vec<&str> = everyone.into_iter().filter(|name| !actor.is_called(name)).collect();
        let did = match schedulers.iter().any(|person| person.is_same_as(actor)) {
            true => format!("scheduled {} to {what}", release.id),
            false => format!("requested or created {}", release.id),
        };
        return Err(OpError::new(
            ErrorKind::NotPermitted,
            format!("{} {did}; an own approval does not count", cx.actor.person.described()),
        )
        .hint(if others.is_empty() {
            format!("nobody else is in {}: add people in relman.toml", groups.join(", "))
        } else {
            format!("ask {}", others.join(", "))
        }));
    }
    Ok(())
}

/// Why a decision ended that was about other content than the one that took its place.
pub const OTHER_CONTENT: &str = "void: superseded, the content changed";

/// A person has one standing decision per subject: the same again is refused, one about other content or one that
/// expired makes room for the new one and stays in the history.
fn replace_previous(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    approval: &Approval,
    matter: &Matter,
) -> Result<Option<Approval>, OpError> {
    let previous = approvals::list_of(tx, &approval.release)?.into_iter().find(|known| {
        known.ended_at.is_none()
            && known.subject == approval.subject
            && (known.by.uid == cx.actor.person.uid || known.by.human() == cx.actor.person.human())
    });
    let Some(previous) = previous else { return Ok(None) };
    let expired = previous.expires_at.is_some_and(|at| at <= cx.now);
    let is_same = previous.digest == matter.digest;
    let says_more = previous.verdict == approval.verdict && previous.answers != approval.answers;
    if is_same && !expired && !says_more {
        let (id, at) = (&approval.release, wall(previous.at, cx.policy.zone));
        let env = approval.subject.as_argument();
        return Err(OpError::conflict(format!("you {} this already, {at}", previous.verdict))
            .hint(format!("to change your mind: relman withdraw {id}{env}")));
    }
    let why = match (expired, is_same) {
        (true, _) => "it expired",
        (false, true) => "void: said anew, with other answers",
        (false, false) => OTHER_CONTENT,
    };
    approvals::end(tx, previous.id, cx.now, why)?;
    Ok(Some(Approval { ended_at: Some(cx.now), ended_why: Some(why.to_owned()), ..previous }))
}

/// Who does not accept what was tested has found something: it stands among the issues until it is seen to be gone, also
/// when another artifact makes the no itself void (TST-4).
fn note_defect(tx: &Tx<'_>, cx: &Ctx<'_>, release: &Release, approval: &Approval) -> Result<(), OpError> {
    if approval.subject != ApprovalSubject::SignOff || approval.verdict != Verdict::Rejected {
        return Ok(());
    }
    let why = approval.reason.as_deref().map(one_line).unwrap_or_default();
    let mut after = release.clone();
    after.issues.push(Issue {
        title: fit(&format!("not accepted by {}: {why}", approval.by.name), 200),
        severity: Severity::Sev3,
        state: IssueState::Open,
        owner: None,
        environment: None,
        found_after: None,
        by: approval.by.clone(),
        at: cx.now,
    });
    let after = save(tx, cx, after)?;
    let entry = cx.entry(Verb::IssueRecorded, &release.id);
    journal::append(tx, entry.before(release).after(&after))?;
    Ok(())
}

/// A no to the request itself ends the release; that has its own entry, as every change of a release has.
fn refuse_request(tx: &Tx<'_>, cx: &Ctx<'_>, release: &Release, approval: &Approval) -> Result<(), OpError> {
    if approval.subject != ApprovalSubject::Request || approval.verdict != Verdict::Rejected {
        return Ok(());
    }
    let reason = approval.reason.clone().unwrap_or_default();
    let ended = Block { by: approval.by.clone(), at: cx.now, reason: reason.clone() };
    let after =
        Release { state: ReleaseState::Rejected, ended: Some(ended), stage_since: cx.now, ..release.clone() };
    let after = save(tx, cx, after)?;
    let entry = cx.entry(Verb::ReleaseRejected, &release.id).because(Some(&reason));
    journal::append(tx, entry.before(release).after(&after))?;
    Ok(())
}
