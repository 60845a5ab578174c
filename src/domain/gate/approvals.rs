//! Enough approvals, from the right people, for exactly this content?

use std::collections::BTreeMap;

use super::{Answer, BlockReason, DeployFacts, GateId};
use crate::domain::actor::Person;
use crate::domain::approval::{Approval, Question, Tally, interested, met_at, tally};
use crate::domain::policy::Rule;
use crate::domain::time::Timestamp;

/// What the evidence of an open gate begins with.
const APPROVED_BY: &str = "approved by ";

pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let rules = rules(facts);
    if rules.is_empty() {
        return Answer::pass("no approval policy here");
    }
    let me = &facts.actor.person;
    // Who starts it counts for this start alone; who only looks is told about the start that somebody has asked for.
    let (tally, opens) = match facts.starts {
        true => count(facts, [me], now),
        false => count(facts, &facts.schedulers, now),
    };
    if let Some((by, reason)) = tally.rejected {
        return Answer::blocked(BlockReason::Rejected { by, reason });
    }
    if tally.is_met() {
        let evidence = format!("{APPROVED_BY}{}", tally.proven());
        if !facts.starts && !count(facts, [me], now).0.is_met() {
            return Answer::pass(format!("{evidence}; somebody else than {} must start it", me.human()));
        }
        return Answer::pass(evidence);
    }
    Answer::blocked(BlockReason::ApprovalsMissing { tally, opens, zone: facts.zone })
}

/// What approvers answered; nothing where nobody is asked, because no rule is in force here or its gate was opened otherwise.
pub fn answers(facts: &DeployFacts, now: Timestamp) -> Option<BTreeMap<String, String>> {
    let is_opened = facts.overrides.gates.contains(&GateId::Approvals)
        || facts.skipped.contains(GateId::Approvals.as_str());
    if rules(facts).is_empty() || is_opened {
        return None;
    }
    let me = &facts.actor.person;
    Some(count(facts, [me], now).0.answers)
}

/// Who approved, as the evidence of an open gate names them.
pub fn named_in(evidence: &str) -> Vec<&str> {
    let Some(named) = evidence.strip_prefix(APPROVED_BY) else { return Vec::new() };
    let named = named.split(';').next().unwrap_or_default();
    // `dave (agent)`: how far it is proven stands behind the name.
    named.split(", ").filter_map(|one| one.split(" (").next()).filter(|name| !name.is_empty()).collect()
}

fn rules(facts: &DeployFacts) -> &[Rule] {
    if facts.rescue { &facts.environment.rollback_approvals } else { &facts.environment.approvals }
}

/// How the approvals of this environment add up now, and when they will by themselves. `starters`: who presses the key,
/// or has scheduled it, may not also be one of the approvers.
fn count<'a>(
    facts: &'a DeployFacts,
    starters: impl IntoIterator<Item = &'a Person>,
    now: Timestamp,
) -> (Tally, Option<Timestamp>) {
    let interested = interested(&facts.release, starters);
    let about_this: Vec<Approval> = facts
        .approvals
        .iter()
        .filter(|approval| approval.subject.environment() == Some(&facts.environment.name))
        .cloned()
        .collect();
    let question = Question {
        rules: rules(facts),
        roster: &facts.roster,
        digest: &facts.subject,
        content: &facts.content,
        signing: facts.environment.signing,
        signatures: &facts.signatures,
        interested: &interested,
        self_approval: facts.environment.self_approval,
        asks: &facts.asks,
        now,
    };
    (tally(&question, &about_this), met_at(&question, &about_this))
}
