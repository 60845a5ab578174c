//! Has it been live one environment earlier for long enough?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::{Timestamp, span};

pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let needed = facts.environment.soak;
    if needed.is_zero() {
        return Answer::pass("no soak time asked");
    }
    let Some((upstream, newest)) = &facts.upstream else {
        return Answer::pass("first in the pipeline");
    };
    let since =
        newest.as_ref().filter(|newest| newest.proves(&facts.release)).and_then(|newest| newest.finished_at);
    match since {
        Some(since) if now >= since.plus(needed) => {
            Answer::pass(format!("{} in {upstream}, {} needed", span(now.since(since)), span(needed)))
        }
        since => Answer::blocked(BlockReason::Soaking {
            upstream: upstream.clone(),
            needed,
            until: since.map(|since| since.plus(needed)),
            zone: facts.zone,
        }),
    }
}
