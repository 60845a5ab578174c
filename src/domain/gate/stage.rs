//! Is the release where it has to be for this environment, and in a state to go anywhere?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::deployment::DeploymentKind;
use crate::domain::policy::ScriptRole;
use crate::domain::release::{ReleaseState, Stage};
use crate::domain::time::Timestamp;

/// Protected environments want the deploy stage; all others are open from the build stage on, so that staging
/// can be tested (SPEC 3).
pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    let release = &facts.release;
    if !facts.in_pipeline {
        return Answer::blocked(BlockReason::NotInPipeline {
            service: release.id.service.clone(),
            environment: facts.environment.name.clone(),
        });
    }
    if !facts.in_channel {
        return Answer::blocked(BlockReason::NotInChannel {
            channel: release.channel.clone().unwrap_or_default(),
            environment: facts.environment.name.clone(),
        });
    }
    if facts.script.is_none() {
        return Answer::blocked(BlockReason::NoScript {
            service: release.id.service.clone(),
            role: if facts.noop { ScriptRole::Plan } else { ScriptRole::Deploy },
        });
    }
    // What is live here already may be put here again (REL-7): a rebuilt machine needs it, whatever became of the
    // release since.
    if facts.kind == DeploymentKind::Redeploy && release.state != ReleaseState::Cancelled {
        return Answer::pass("it is what is live here");
    }
    if !release.is_open() {
        return Answer::blocked(BlockReason::ReleaseOver { state: release.state });
    }
    if let Some(block) = &release.blocked {
        return Answer::blocked(BlockReason::ReleaseBlocked {
            by: block.by.name.clone(),
            reason: block.reason.clone(),
        });
    }
    // Where it was live already it may be put again; it goes no further (PST-4).
    if let Some((number, issue)) = release.blocking_issues().next() {
        return Answer::blocked(BlockReason::IssueOpen {
            number,
            severity: issue.severity,
            title: issue.title.clone(),
        });
    }
    let is_protected = facts.environment.is_production() && !facts.noop;
    let needed = if is_protected { Stage::Deploy } else { Stage::Build };
    if release.stage < needed {
        return Answer::blocked(BlockReason::WrongStage { stage: release.stage, needed });
    }
    Answer::pass(format!("in the {} stage", release.stage))
}
