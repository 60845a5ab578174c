//! Moves a release to the next stage, if the exit gates of its stage agree.

use serde::Serialize;

use crate::domain::gate::stage_exit::{ExitAnswer, ExitCheck};
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::release::{Release, ReleaseState};
use crate::domain::right::{Place, Right};
use crate::ops::approval::signatures;
use crate::ops::{Ctx, ErrorKind, OpError, facts};
use crate::store::{approvals, journal};

/// The moved release and what its old stage said: gaps are shown, not hidden.
#[derive(Debug, Clone, Serialize)]
pub struct Advanced {
    pub release: Release,
    pub checks: Vec<ExitCheck>,
}

pub fn advance(cx: &Ctx<'_>, id: &ReleaseId) -> Result<Advanced, OpError> {
    let roster = cx.roster();
    let service = cx.policy.services.get(&id.service);
    let signatures = service.map(|service| signatures::of_service(cx, service)).transpose()?;
    let signatures = signatures.unwrap_or_default();
    cx.act(Verb::ReleaseAdvanced, id, |tx| {
        cx.may(Right::Plan, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        if let Some(block) = &before.blocked {
            return Err(OpError::new(
                ErrorKind::Blocked,
                format!("{id} is blocked by {}: {}", block.by.name, block.reason),
            )
            .hint(format!("when the cause is gone: relman release unblock {id} --reason \"…\"")));
        }
        let checks =
            facts::stage_exit(tx, cx, &before, &roster, (&approvals::list_of(tx, id)?, &signatures))?;
        if checks.iter().any(|check| !check.answer.opens()) {
            return Err(refusal(&before, &checks));
        }
        let mut release = before.clone();
        match before.stage.next() {
            Some(next) => release.stage = next,
            None => release.state = ReleaseState::Closed,
        }
        release.stage_since = cx.now;
        let release = super::save(tx, cx, release)?;
        let entry = cx.entry(Verb::ReleaseAdvanced, id).before(&before).after(&release).detail(&checks);
        journal::append(tx, entry)?;
        Ok(Advanced { release, checks: checks.clone() })
    })
}

fn refusal(release: &Release, checks: &[ExitCheck]) -> OpError {
    let mut error =
        OpError::new(ErrorKind::Blocked, format!("{} cannot leave the {} stage", release.id, release.stage));
    for check in checks {
        if let ExitAnswer::Blocked { lacks, remedy } = &check.answer {
            error.sentence = format!("{}; {}: {lacks}", error.sentence, check.gate);
            error.hints.push(remedy.clone());
        }
    }
    error
}
