//! The approval queue: every decision that is open, who must make it, whether you may.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::approval::{Approval, ApprovalSubject, Question, Tally, interested, schedulers, tally};
use crate::domain::deployment::Deployment;
use crate::domain::digest::Digest;
use crate::domain::gate::GateReport;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::policy::{Environment, Rule};
use crate::domain::release::{Release, Stage};
use crate::domain::subject::request_digest;
use crate::domain::time::Timestamp;
use crate::domain::toggle::Flip;
use crate::ops::hook::moments;
use crate::ops::{Ctx, OpError};
use crate::store::{approvals, deployments};

use super::board::{Board, Reached};
use super::going_back;

/// One open decision.
#[derive(Debug, Clone, Serialize)]
pub struct Pending {
    pub release: Release,
    pub subject: ApprovalSubject,
    /// What a decision now would be bound to.
    pub digest: Digest,
    pub tally: Tally,
    /// Why you may not decide; `None`: you may.
    pub not_yours: Option<String>,
    pub since: Timestamp,
    /// Who asked for it as a rollback; nothing: it is about going on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
    /// When it was told to others because it took too long, and to which groups (APR-24).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalated: Option<(Timestamp, Vec<String>)>,
    /// The toggle of it that is to be switched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toggle: Option<Flip>,
    /// What is live there now: from → to.
    pub live: Option<Deployment>,
    /// The newest plan of it, for who decides.
    pub plan: Option<Deployment>,
    pub report: Option<GateReport>,
    pub decisions: Vec<Approval>,
}

impl Pending {
    pub(super) fn about(
        release: Release,
        subject: ApprovalSubject,
        digest: Digest,
        since: Timestamp,
    ) -> Self {
        Self {
            release,
            subject,
            digest,
            since,
            tally: Tally::default(),
            not_yours: None,
            back: None,
            escalated: None,
            toggle: None,
            live: None,
            plan: None,
            report: None,
            decisions: Vec::new(),
        }
    }

    /// What it is about, in a word or two: `request`, `production`, `production (back)`, `production (new-search off)`.
    pub fn matter(&self) -> String {
        let what = match (&self.toggle, &self.back) {
            (Some(flip), _) => format!(" ({flip})"),
            (None, Some(_)) => " (back)".to_owned(),
            (None, None) => String::new(),
        };
        format!("{}{what}", self.subject.as_text())
    }
}

/// Derived from the board, so that both always say the same.
pub fn queue(cx: &Ctx<'_>, board: &Board) -> Result<Vec<Pending>, OpError> {
    let roster = cx.roster();
    let back = going_back::waiting(cx, board)?;
    cx.store.read(|tx| {
        let count_back = |(env, item): (&Environment, Pending)| {
            let is_on = item.toggle.as_ref().is_some_and(|flip| flip.on);
            let rules = if is_on { &env.approvals } else { &env.rollback_approvals };
            counted(cx, item, rules, &roster, env.self_approval, &board.pending)
        };
        let mut pending: Vec<Pending> = back.into_iter().map(count_back).collect();
        let mut decided: HashMap<ReleaseId, Vec<Approval>> = HashMap::new();
        for approval in approvals::list_open(tx)? {
            decided.entry(approval.release.clone()).or_default().push(approval);
        }
        for card in &board.cards {
            let release = &card.release;
            let decisions = decided.remove(&release.id).unwrap_or_default();
            let request_rules = &cx.policy.stage(Stage::Request).approvals;
            if release.stage == Stage::Request && !request_rules.is_empty() {
                let digest = request_digest(release);
                let subject = ApprovalSubject::Request;
                let item = Pending {
                    decisions: decisions.clone(),
                    ..Pending::about(release.clone(), subject, digest, release.stage_since)
                };
                pending.push(counted(cx, item, request_rules, &roster, false, &[]));
            }
            let Some(next) = &card.next else { continue };
            let Some(env) = cx.policy.environments.get(&next.environment) else { continue };
            let decided = decisions.iter().any(|approval| is_about(approval, &env.name));
            let is_due = decided || reached_before(cx, card, &env.name);
            if env.approvals.is_empty() || !is_due {
                continue;
            }
            let subject = ApprovalSubject::Environment(env.name.clone());
            let digest = next.report.subject.clone();
            let item = Pending {
                live: deployments::find_live(tx, &release.id.service, &env.name)?,
                plan: board
                    .plans
                    .iter()
                    .find(|d| d.release == release.id && d.environment == env.name)
                    .cloned(),
                report: Some(next.report.clone()),
                decisions,
                ..Pending::about(release.clone(), subject, digest, release.stage_since)
            };
            pending.push(counted(cx, item, &env.approvals, &roster, env.self_approval, &board.pending));
        }
        for item in &mut pending {
            item.escalated = moments::escalated(tx, cx, item)?;
        }
        pending.sort_by_key(|item| (item.tally.is_met(), item.not_yours.is_some(), item.since));
        Ok(pending)
    })
}

/// An environment's approval is due once the release is live in as many environments of the phase before as that asks
/// for: earlier, there is nothing to look at yet.
fn reached_before(cx: &Ctx<'_>, card: &super::board::Card, env: &EnvName) -> bool {
    let service = cx.policy.services.get(&card.release.id.service);
    let is_live = |cell: &&super::board::Cell| cell.reached == Reached::Live;
    let enough = service.and_then(|service| service.pipeline.upstream(env)).is_none_or(|phase| {
        let there = card.cells.iter().filter(|cell| phase.environments.contains(&cell.environment));
        there.filter(is_live).count() >= phase.needed
    });
    card.release.stage >= Stage::Build && enough
}

fn is_about(approval: &Approval, env: &EnvName) -> bool {
    matches!(&approval.subject, ApprovalSubject::Environment(about) if about == env)
}

fn counted(
    cx: &Ctx<'_>,
    mut item: Pending,
    rules: &[Rule],
    roster: &crate::domain::actor::Roster,
    self_approval: bool,
    waiting: &[Deployment],
) -> Pending {
    let about: Vec<Approval> = item.decisions.iter().filter(|a| a.subject == item.subject).cloned().collect();
    let schedulers = match &item.subject {
        ApprovalSubject::Request => Vec::new(),
        ApprovalSubject::Environment(env) => schedulers(waiting, &item.release.id, env),
    };
    let interested = interested(&item.release, schedulers.iter().copied());
    let question =
        Question { rules, roster, digest: &item.digest, interested: &interested, self_approval, now: cx.now };
    let tally = tally(&question, &about);
    let me = &cx.actor.person;
    let in_group = rules.iter().any(|rule| roster.has(&rule.from, me));
    let standing = about.iter().any(|a| {
        a.ended_at.is_none()
            && a.by.is_same_as(me)
            && a.digest == item.digest
            && a.expires_at.is_none_or(|at| at > cx.now)
    });
    item.not_yours = if !in_group {
        let groups: Vec<&str> = rules.iter().map(|rule| rule.from.as_str()).collect();
        Some(format!("you are not in {}", groups.join(" or ")))
    } else if standing {
        Some("you have decided".to_owned())
    } else if !self_approval && schedulers.iter().any(|person| person.is_same_as(me)) {
        Some("you scheduled it".to_owned())
    } else if !self_approval && interested.iter().any(|person| person.is_same_as(me)) {
        Some("you requested or created it".to_owned())
    } else {
        None
    };
    item.tally = tally;
    item
}
