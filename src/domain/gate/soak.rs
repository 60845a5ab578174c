//! Has it been live in the phase before for long enough?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::{Timestamp, span};

/// Of several environments side by side the time counts from when it was good in as many as are asked for.
pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let needed = facts.environment.soak;
    if needed.is_zero() {
        return Answer::pass("no soak time asked");
    }
    if facts.again {
        return Answer::pass("it is what is live here");
    }
    let Some(upstream) = &facts.upstream else {
        return Answer::pass("first in the pipeline");
    };
    let proofs = upstream.proofs(&facts.release);
    let last = upstream.needed.checked_sub(1).and_then(|last| proofs.get(last));
    let since = last.and_then(|(env, newest)| Some((*env, newest.finished_at?)));
    match since {
        Some((env, since)) if now >= since.plus(needed) => {
            Answer::pass(format!("{} in {env}, {} needed", span(now.since(since)), span(needed)))
        }
        Some((env, since)) => Answer::blocked(BlockReason::Soaking {
            upstream: env.clone(),
            needed,
            until: Some(since.plus(needed)),
            zone: facts.zone,
        }),
        None => match upstream.lacking(&facts.release).next() {
            Some((env, _)) => Answer::blocked(BlockReason::Soaking {
                upstream: env.clone(),
                needed,
                until: None,
                zone: facts.zone,
            }),
            None => Answer::Unknown { why: "it is not on record since when it is live there".to_owned() },
        },
    }
}
