//! Is there test evidence for exactly this artifact, and is the checklist done?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::checklist::standing;
use crate::domain::release::evidence::Worth;
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    if !facts.environment.is_production() || facts.required_checks.is_empty() {
        return Answer::pass("none required here");
    }
    let (mut missing, mut failed, mut waived) = (Vec::new(), Vec::new(), Vec::new());
    for name in &facts.required_checks {
        match facts.release.worth(name, now) {
            Worth::Passed => {}
            Worth::Waived { by, .. } => waived.push(format!("{name} waived by {by}")),
            Worth::Failed => failed.push(name.clone()),
            Worth::Missing | Worth::Other | Worth::Expired(_) => missing.push(name.clone()),
        }
    }
    if missing.is_empty() && failed.is_empty() {
        let names = &facts.required_checks;
        let passed = names.iter().filter(|name| facts.release.worth(name, now) == Worth::Passed).cloned();
        let all: Vec<String> = passed.chain(waived).collect();
        return Answer::pass(format!("passed: {}", all.join(", ")));
    }
    Answer::blocked(BlockReason::ChecksOpen { missing, failed })
}

pub(super) fn checklist(facts: &DeployFacts, now: Timestamp) -> Answer {
    if !facts.environment.is_production() || facts.required_items.is_empty() {
        return Answer::pass("none required here");
    }
    let stands = facts.required_items.iter().map(|item| (item, standing(item, &facts.release, now)));
    let open: Vec<String> = stands
        .filter(|(_, stands)| !stands.is_done())
        .map(|(item, stands)| stands.told(&item.name))
        .collect();
    if open.is_empty() {
        return Answer::pass(format!("all {} items done", facts.required_items.len()));
    }
    Answer::blocked(BlockReason::ChecklistOpen { open })
}
