//! Has a second person confirmed exactly this, just now?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::Timestamp;
use crate::domain::witness::{Eyes, Request};

pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let Some(rule) = &facts.environment.four_eyes else {
        return Answer::pass("one person may start it here");
    };
    if let Some(eyes) = eyes(facts, now) {
        return Answer::pass(eyes.sentence());
    }
    let standing = facts.witness.as_ref().filter(|request| request.stands(now));
    Answer::blocked(BlockReason::Unwitnessed {
        from: rule.from.clone(),
        by_itself: facts.automatic,
        asked: standing.filter(|request| request.witnessed.is_none()).map(|request| {
            let until = request.expires_at;
            (request.starter.person.human().to_owned(), until)
        }),
        why_not: standing.and_then(|request| why_not(facts, request)),
    })
}

/// Who the second person was, or why none is needed.
pub fn eyes(facts: &DeployFacts, now: Timestamp) -> Option<Eyes> {
    let rule = facts.environment.four_eyes.as_ref()?;
    let person = &facts.actor.person;
    if let Some(group) = rule.exempt.iter().find(|group| facts.roster.has(group, person)) {
        return Some(Eyes::Exempt { group: group.clone() });
    }
    let request = facts.witness.as_ref()?;
    // What has begun with it has it, however long its supervisor takes.
    let counts = request.used_by.is_some() || request.stands(now);
    let confirmed = request.witnessed.as_ref().filter(|_| counts && why_not(facts, request).is_none())?;
    (!facts.automatic).then(|| Eyes::Witnessed { by: confirmed.by.person.clone(), at: confirmed.at })
}

/// Why a confirmation is none for this.
fn why_not(facts: &DeployFacts, request: &Request) -> Option<String> {
    let confirmed = request.witnessed.as_ref()?;
    let rule = facts.environment.four_eyes.as_ref()?;
    let witness = confirmed.by.person.human();
    if request.release != facts.release.id {
        return Some(format!("{witness} confirmed {}", request.release));
    }
    if request.subject != facts.subject {
        return Some(format!("what {witness} confirmed has changed since"));
    }
    if facts.starts && request.starter.person.human() != facts.actor.person.human() {
        let starter = request.starter.person.human();
        return Some(format!("{witness} confirmed it for {starter}, who must start it"));
    }
    let is_in = |group: &String| facts.roster.has(group, &confirmed.by.person);
    if !rule.from.is_empty() && !rule.from.iter().any(is_in) {
        return Some(format!("{witness} is not in {}", rule.from.join(" or ")));
    }
    request.bars(&confirmed.by)
}
