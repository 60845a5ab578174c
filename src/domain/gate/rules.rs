//! Has a second person confirmed the rules that are asked here?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::{Timestamp, wall};

pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    let Some(rules) = &facts.rules else { return Answer::pass("rules need no second person") };
    if let Some((by, at)) = &rules.confirmed {
        return Answer::pass(format!("{by} confirmed the rules {}", wall(*at, facts.zone)));
    }
    Answer::blocked(BlockReason::RulesUnconfirmed {
        brought: rules.brought.as_ref().map(|(by, at)| (by.human().to_owned(), *at)),
        by: rules.by.clone(),
        people: rules.candidates(),
        zone: facts.zone,
    })
}
