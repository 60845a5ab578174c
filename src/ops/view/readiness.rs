//! Go or no-go on one screen: everything the way to production asks for, whichever stage the release is in (PRE-1, PLN-6).

use serde::Serialize;

use crate::domain::gate::stage_exit::ExitCheck;
use crate::domain::ids::ReleaseId;
use crate::domain::release::review::FollowUp;
use crate::domain::release::{Release, Stage};
use crate::domain::signature::Signatures;
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, OpError};
use crate::store::{approvals, releases};

use super::open_items::{self, Numbered};
use super::sheet::{Row, sheet};

#[derive(Debug, Clone, Serialize)]
pub struct Readiness {
    pub release: ReleaseId,
    pub title: String,
    /// The exit gates of every stage up to and with prepare.
    pub checks: Vec<ExitCheck>,
    /// Where what there is differs from what was planned.
    pub differences: Vec<String>,
    /// What earlier reviews of its service promised and nobody has done.
    pub actions: Vec<Numbered<FollowUp>>,
    /// What is prepared, row by row.
    pub rows: Vec<Row>,
}

impl Readiness {
    pub fn is_go(&self) -> bool {
        self.checks.iter().all(|check| check.answer.opens())
    }
}

pub fn of(cx: &Ctx<'_>, id: &ReleaseId) -> Result<Readiness, OpError> {
    let service = cx.policy.services.get(&id.service);
    let around = service.map(|service| Surroundings::of(cx, service)).transpose()?;
    let none = Signatures::default();
    let signatures = around.as_ref().map_or(&none, |around| &around.signatures);
    let roster = cx.roster();
    let (release, checks) = cx.store.read(|tx| {
        let release = releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))?;
        let decided = approvals::list_of(tx, id)?;
        let mut checks = Vec::new();
        for stage in [Stage::Plan, Stage::Build, Stage::Test, Stage::Prepare] {
            // What was skipped on purpose when it was registered later is not asked for again.
            if stage < release.entered {
                continue;
            }
            let there = Release { stage, ..release.clone() };
            checks.extend(facts::stage_exit(tx, cx, &there, &roster, (&decided, signatures))?);
        }
        Ok::<_, OpError>((release, checks))
    })?;
    let rows = sheet(cx.policy, &release, &[], (cx.policy.zone, cx.now))
        .into_iter()
        .find(|section| section.stage == Stage::Prepare)
        .map(|section| section.rows)
        .unwrap_or_default();
    Ok(Readiness {
        checks,
        differences: release.plan.differences(cx.now),
        actions: open_items::actions(cx, Some(&id.service))?,
        rows,
        title: release.title,
        release: release.id,
    })
}
