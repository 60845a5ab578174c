//! Is everything the release requires live in this environment, and does nothing live there require more than it is?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    let unmet = facts.needs.iter().filter(|need| !need.is_met());
    let unmet: Vec<_> = unmet.cloned().collect();
    if !unmet.is_empty() {
        return Answer::blocked(BlockReason::NeedsOthers { unmet });
    }
    if !facts.needed_by.is_empty() {
        return Answer::blocked(BlockReason::NeededByOthers { needed_by: facts.needed_by.clone() });
    }
    match facts.needs.as_slice() {
        [] => Answer::pass("requires no other release"),
        needs => {
            let names: Vec<String> = needs.iter().map(|need| need.requires.to_string()).collect();
            Answer::pass(format!("live here: {} or newer", names.join(", ")))
        }
    }
}
