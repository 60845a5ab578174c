//! Enough approvals, from the right people, for exactly this content?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::actor::Person;
use crate::domain::approval::{Approval, ApprovalSubject, Question, Tally, tally};
use crate::domain::policy::Rule;
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let rules = rules(facts);
    if rules.is_empty() {
        return Answer::pass("no approval policy here");
    }
    let me = &facts.actor.person;
    let tally = count(facts, facts.starts.then_some(me), now);
    if let Some((by, reason)) = tally.rejected {
        return Answer::blocked(BlockReason::Rejected { by, reason });
    }
    if tally.is_met() {
        let by: Vec<&str> = tally.rules.iter().flat_map(|rule| rule.by.iter().map(String::as_str)).collect();
        let evidence = format!("approved by {}", by.join(", "));
        if !facts.starts && !count(facts, Some(me), now).is_met() {
            return Answer::pass(format!("{evidence}; somebody else than {} must start it", me.human()));
        }
        return Answer::pass(evidence);
    }
    Answer::blocked(BlockReason::ApprovalsMissing { tally, zone: facts.zone })
}

fn rules(facts: &DeployFacts) -> &[Rule] {
    if facts.rescue { &facts.environment.rollback_approvals } else { &facts.environment.approvals }
}

/// How the approvals of this environment add up now. `starter`: who presses the key may not also be one of the
/// approvers.
fn count(facts: &DeployFacts, starter: Option<&Person>, now: Timestamp) -> Tally {
    let interested: Vec<&Person> = facts.release.authors().into_iter().chain(starter).collect();
    let about_this: Vec<Approval> = facts
        .approvals
        .iter()
        .filter(|approval| match &approval.subject {
            ApprovalSubject::Environment(env) => *env == facts.environment.name,
            ApprovalSubject::Request => false,
        })
        .cloned()
        .collect();
    let question = Question {
        rules: rules(facts),
        roster: &facts.roster,
        digest: &facts.subject,
        interested: &interested,
        self_approval: facts.environment.self_approval,
        now,
    };
    tally(&question, &about_this)
}
