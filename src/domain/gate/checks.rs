//! Is there test evidence for exactly this artifact, and is the checklist done?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    if !facts.environment.is_production() || facts.required_checks.is_empty() {
        return Answer::pass("none required here");
    }
    let (mut missing, mut failed) = (Vec::new(), Vec::new());
    for name in &facts.required_checks {
        match facts.release.valid_check(name) {
            None => missing.push(name.clone()),
            Some(check) if !check.passed => failed.push(name.clone()),
            Some(_) => {}
        }
    }
    if missing.is_empty() && failed.is_empty() {
        return Answer::pass(format!("passed: {}", facts.required_checks.join(", ")));
    }
    Answer::blocked(BlockReason::ChecksOpen { missing, failed })
}

pub(super) fn checklist(facts: &DeployFacts, _now: Timestamp) -> Answer {
    if !facts.environment.is_production() || facts.required_items.is_empty() {
        return Answer::pass("none required here");
    }
    let open: Vec<String> = facts
        .required_items
        .iter()
        .filter(|item| !facts.release.ticks.contains_key(*item))
        .cloned()
        .collect();
    if open.is_empty() {
        return Answer::pass(format!("all {} items done", facts.required_items.len()));
    }
    Answer::blocked(BlockReason::ChecklistOpen { open })
}
