//! Is it within the environment's open hours?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::hours::open_state;
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let hours = &facts.environment.hours;
    match open_state(hours, facts.zone, now) {
        Ok(()) if hours.is_empty() => Answer::pass("open at all hours"),
        Ok(()) => Answer::pass("within the open hours"),
        Err(next) => Answer::blocked(BlockReason::OutsideHours {
            hours: hours.iter().map(|rule| rule.text.clone()).collect(),
            next,
            zone: facts.zone,
        }),
    }
}
