//! May this person deploy here?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    let groups = &facts.environment.deployers;
    if groups.is_empty() {
        return Answer::pass("everyone may deploy here");
    }
    if facts.environment.may_deploy(&facts.roster, &facts.actor) {
        return Answer::pass(format!("{} may deploy here", facts.actor.name()));
    }
    let people = groups.iter().flat_map(|group| facts.roster.people(group)).map(str::to_owned).collect();
    Answer::blocked(BlockReason::NotDeployer {
        actor: facts.actor.name().to_owned(),
        groups: groups.clone(),
        people,
    })
}
