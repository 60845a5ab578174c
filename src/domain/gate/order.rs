//! Is exactly this release live and verified in the phase before?

use super::{Answer, BlockReason, DeployFacts, Newest};
use crate::domain::deployment::DeploymentState;
use crate::domain::release::Release;
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
    if let Some((live, changes)) = facts.outdated.as_ref().filter(|_| facts.environment.blocks_outdated) {
        return Answer::blocked(BlockReason::Outdated { live: live.clone(), changes: *changes });
    }
    if facts.again {
        return Answer::pass("it is what is live here");
    }
    let Some(upstream) = &facts.upstream else {
        return Answer::pass("first in the pipeline");
    };
    let proofs = upstream.proofs(&facts.release);
    let Some((lacking, newest)) =
        upstream.lacking(&facts.release).next().filter(|_| proofs.len() < upstream.needed)
    else {
        let proofs: Vec<String> =
            proofs.iter().map(|(env, newest)| format!("{env} ({})", newest.id)).collect();
        return Answer::pass(format!("live in {}", proofs.join(", ")));
    };
    let of =
        (upstream.newest.len() > 1).then(|| format!("{} of {} asked for", proofs.len(), upstream.needed));
    let found = newest.as_ref().map(|newest| found(newest, &facts.release));
    Answer::blocked(BlockReason::NotLiveUpstream { upstream: lacking.clone(), found, of })
}

/// What is there instead.
fn found(newest: &Newest, release: &Release) -> String {
    if newest.release != release.id {
        format!("{} {} ({})", newest.release, newest.state, newest.id)
    } else if newest.state == DeploymentState::Succeeded {
        format!("{} with another commit or artifact", newest.id)
    } else {
        format!("{} {}", newest.id, newest.state)
    }
}
