//! Is the environment frozen now?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::freeze::{FreezeOrigin, closing};
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
    let next = facts
        .freezes
        .iter()
        .filter(|freeze| freeze.window.start > now && freeze.scope.covers(service, env))
        .min_by_key(|freeze| freeze.window.start);
    match next {
        Some(freeze) => Answer::pass(format!(
            "open; \"{}\" closes it {}",
            freeze.name,
            wall(freeze.window.start, freeze.zone)
        )),
        None => Answer::pass("no freeze"),
    }
}
