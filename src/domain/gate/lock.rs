//! Has somebody locked the environment?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::lock::{Lock, LockKind};
use crate::domain::time::Timestamp;

/// Whoever set a lock may still deploy. A lock on automation stops what begins by itself, but no rollback.
pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let standing = || facts.locks.iter().filter(|lock| !lock.is_over(now));
    let stops = |lock: &&Lock| lock.stops(&facts.actor.person, facts.automatic && !facts.rescue);
    if let Some(lock) = standing().filter(stops).max_by_key(|lock| lock.scope.precision()) {
        return Answer::blocked(BlockReason::Locked { lock: lock.clone(), zone: facts.zone });
    }
    let warnings: Vec<String> = standing()
        .filter(|lock| lock.kind == LockKind::Warning)
        .map(|lock| format!("WARNING by {}: {}", lock.by.name, lock.reason))
        .collect();
    if !warnings.is_empty() {
        return Answer::pass(warnings.join("; "));
    }
    match standing().find(|lock| lock.kind == LockKind::Exclusive) {
        Some(lock) => Answer::pass(format!("locked by {} for everybody else ({})", lock.by.name, lock.id)),
        None => Answer::pass("not locked"),
    }
}
