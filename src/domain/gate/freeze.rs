//! Is the environment frozen now?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::freeze::{FreezeOrigin, closing, next_closing};
use crate::domain::time::{Timestamp, wall};

pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let (service, env) = (&facts.release.id.service, &facts.environment.name);
    if let Some((freeze, opens)) = closing(&facts.freezes, service, env, now) {
        return Answer::blocked(BlockReason::Frozen {
            name: freeze.name.clone(),
            id: match freeze.origin {
                FreezeOrigin::Store(id) => Some(id),
                FreezeOrigin::Config => None,
            },
            reason: freeze.reason.clone(),
            opens,
            zone: freeze.zone,
        });
    }
    match next_closing(&facts.freezes, service, env, now) {
        Some((freeze, window)) => {
            Answer::pass(format!("open; \"{}\" closes it {}", freeze.name, wall(window.start, freeze.zone)))
        }
        None => Answer::pass("no freeze"),
    }
}
