//! May this person deploy here?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    let ruling = &facts.deployers;
    if ruling.grants.is_empty() {
        return Answer::pass("everyone may deploy here");
    }
    match ruling.obstacle(&facts.roster, &facts.actor.person) {
        None => Answer::pass(format!("{} may deploy here", facts.actor.name())),
        Some(list) => Answer::blocked(BlockReason::NotDeployer {
            actor: facts.actor.name().to_owned(),
            groups: list.groups.clone(),
            excluded: list.excluded(&facts.roster, &facts.actor.person),
            people: ruling.people(&facts.roster),
        }),
    }
}
