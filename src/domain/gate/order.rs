//! Is exactly this release live and verified one environment earlier?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::deployment::DeploymentState;
use crate::domain::time::Timestamp;

/// What counts is the newest deployment there: an older success proves nothing once something newer failed or
/// took its place (PIP-3).
pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    // An urgent fix comes first: whatever goes to production before it would be replaced by it, or replace it (PIP-5).
    if let Some(hotfix) = facts.hotfix.as_ref().filter(|hotfix| **hotfix != facts.release.id)
        && facts.environment.is_production()
    {
        return Answer::blocked(BlockReason::HotfixFirst { release: hotfix.clone() });
    }
    let Some((upstream, newest)) = &facts.upstream else {
        return Answer::pass("first in the pipeline");
    };
    let blocked = |found: Option<String>| {
        Answer::blocked(BlockReason::NotLiveUpstream { upstream: upstream.clone(), found })
    };
    match newest {
        None => blocked(None),
        Some(newest) if newest.release != facts.release.id => {
            blocked(Some(format!("{} {} ({})", newest.release, newest.state, newest.id)))
        }
        Some(newest) if newest.state != DeploymentState::Succeeded => {
            blocked(Some(format!("{} {}", newest.id, newest.state)))
        }
        Some(newest) if !newest.proves(&facts.release) => {
            blocked(Some(format!("{} with another commit or artifact", newest.id)))
        }
        Some(newest) => Answer::pass(format!("live in {upstream} ({})", newest.id)),
    }
}
