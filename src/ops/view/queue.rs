//! The approval queue: every decision that is open, who must make it, whether you may.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::domain::actor::Roster;
use crate::domain::approval::{Approval, ApprovalSubject, Question, Tally, interested, schedulers, tally};
use crate::domain::deployment::Deployment;
use crate::domain::digest::Digest;
use crate::domain::gate::GateReport;
use crate::domain::ids::{EnvName, ReleaseId, ServiceName, Version};
use crate::domain::policy::{Environment, Rule, StageGate};
use crate::domain::prompt::{AskedOf, Prompt};
use crate::domain::release::{Release, Stage};
use crate::domain::signature::{SignPolicy, Signatures};
use crate::domain::subject::of_stage as of_stage_content;
use crate::domain::subject_changes::run_otherwise;
use crate::domain::time::Timestamp;
use crate::domain::toggle::Flip;
use crate::ops::approval::{older, signatures};
use crate::ops::deployment::start;
use crate::ops::hook::moments;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, deployments, releases};

use super::board::{Board, Reached};
use super::going_back;

/// Why it is not for who looks: they have said what they think of it.
pub const DECIDED: &str = "you have decided";

/// One open decision.
#[derive(Debug, Clone, Serialize)]
pub struct Pending {
    pub release: Release,
    pub subject: ApprovalSubject,
    /// What a decision now would be bound to ...
    pub digest: Digest,
    /// ... and in full.
    #[serde(skip)]
    pub content: String,
    pub tally: Tally,
    /// What is asked of who says yes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Prompt>,
    /// Why you may not decide; `None`: you may.
    pub not_yours: Option<String>,
    pub since: Timestamp,
    /// Who asked for it as a rollback; nothing: it is about going on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
    /// When it was told to others because it took too long, and to which groups (APR-24).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalated: Option<(Timestamp, Vec<String>)>,
    /// When it came to be waited for no longer: it must be asked for anew (APR-6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timed_out: Option<Timestamp>,
    /// Older releases that a yes rejects, because the environment wants only the newest (APR-20).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<ReleaseId>,
    /// The toggle of it that is to be switched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toggle: Option<Flip>,
    /// What is live there now: from → to.
    pub live: Option<Deployment>,
    /// What would run otherwise than it did for what is live; nothing: that was not recorded, or nothing is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Vec<String>>,
    /// Releases between what is live and this that were never live there, with what they bring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<(Version, Vec<String>)>,
    /// The newest plan of it, for who decides.
    pub plan: Option<Deployment>,
    /// What was asked for there already and begins once it may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scheduled: Vec<Deployment>,
    pub report: Option<GateReport>,
    pub decisions: Vec<Approval>,
}

impl Pending {
    /// Whether it waits for who looks: they may decide, and what they say makes a difference.
    pub fn is_open_to_you(&self) -> bool {
        let is_open = self.tally.rejected.is_none() && !self.tally.is_met();
        self.not_yours.is_none() && self.timed_out.is_none() && is_open
    }

    pub(super) fn about(
        release: Release,
        subject: ApprovalSubject,
        (digest, content): (Digest, String),
        since: Timestamp,
    ) -> Self {
        Self {
            release,
            subject,
            digest,
            content,
            otherwise: None,
            skipped: Vec::new(),
            since,
            tally: Tally::default(),
            asks: Vec::new(),
            not_yours: None,
            back: None,
            escalated: None,
            timed_out: None,
            rejects: Vec::new(),
            toggle: None,
            live: None,
            plan: None,
            scheduled: Vec::new(),
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
    let back = going_back::waiting(cx, board)?;
    let services: BTreeSet<&ServiceName> = board.cards.iter().map(|card| &card.release.id.service).collect();
    let services = services.into_iter().chain(back.iter().map(|(_, item)| &item.release.id.service));
    let known = services.filter_map(|name| cx.policy.services.get(name));
    let signatures = known
        .map(|service| Ok((service.name.clone(), signatures::of_service(cx, service)?)))
        .collect::<Result<_, OpError>>()?;
    let counter = Counter { cx, roster: cx.roster(), waiting: &board.pending, signatures };
    cx.store.read(|tx| {
        let count_back = |(env, item): (&Environment, Pending)| {
            let is_on = item.toggle.as_ref().is_some_and(|flip| flip.on);
            let rules = if is_on { &env.approvals } else { &env.rollback_approvals };
            let rules = Rule::asked(rules, item.release.weighed_risk());
            counter.count(item, &rules, Some(env))
        };
        let mut pending: Vec<Pending> = back.clone().into_iter().map(count_back).collect();
        let mut decided: HashMap<ReleaseId, Vec<Approval>> = HashMap::new();
        for approval in approvals::list_open(tx)? {
            decided.entry(approval.release.clone()).or_default().push(approval);
        }
        for card in &board.cards {
            let release = &card.release;
            let decisions = decided.remove(&release.id).unwrap_or_default();
            pending.extend(of_stage(&counter, release, &decisions));
            let Some(next) = &card.next else { continue };
            let Some(env) = cx.policy.environments.get(&next.environment) else { continue };
            let decided = decisions.iter().any(|approval| is_about(approval, &env.name));
            let is_due = decided || reached_before(cx, card, &env.name);
            let rules = Rule::asked(&env.approvals, release.weighed_risk());
            if rules.is_empty() || !is_due {
                continue;
            }
            let subject = ApprovalSubject::Environment(env.name.clone());
            let about = (next.report.subject.clone(), next.content.clone());
            let live = deployments::find_live(tx, &release.id.service, &env.name)?;
            let item = Pending {
                otherwise: otherwise(tx, live.as_ref(), &next.content)?,
                skipped: skipped(tx, live.as_ref(), release)?,
                live,
                plan: board
                    .plans
                    .iter()
                    .find(|d| d.release == release.id && d.environment == env.name)
                    .cloned(),
                report: Some(next.report.clone()),
                decisions,
                ..Pending::about(release.clone(), subject, about, release.stage_since)
            };
            pending.push(counter.count(item, &rules, Some(env)));
        }
        for item in &mut pending {
            item.escalated = moments::escalated(tx, cx, item)?;
            if item.tally.rejected.is_none() && !item.tally.is_met() {
                item.timed_out = moments::timed_out(tx, cx, &moments::Request::of(item))?;
                item.rejects = older::rejected_by(tx, cx, &item.release.id, &item.subject)?;
            }
            if item.timed_out.is_some() {
                item.not_yours = Some("it timed out".to_owned());
            }
        }
        pending.sort_by_key(|item| (item.tally.is_met(), item.not_yours.is_some(), item.since));
        Ok(pending)
    })
}

/// One of them.
pub fn find(
    cx: &Ctx<'_>,
    board: &Board,
    id: &ReleaseId,
    subject: &ApprovalSubject,
) -> Result<Pending, OpError> {
    let found = queue(cx, board)?.into_iter().find(|item| item.release.id == *id && item.subject == *subject);
    found.ok_or_else(|| {
        OpError::not_found(format!("open decision about {} of {id}", subject.as_text()))
            .hint("see what waits for a decision with: relman approvals")
    })
}

/// What a second person should know who confirms a deployment: the same as who approves it.
pub fn of_deployment(cx: &Ctx<'_>, id: &ReleaseId, env: &EnvName) -> Result<Pending, OpError> {
    let seen = start::overview(cx, id, env)?;
    cx.store.read(|tx| {
        let subject = ApprovalSubject::Environment(env.clone());
        let about = (seen.report.subject.clone(), seen.content.clone());
        let live = seen.live.as_ref();
        Ok(Pending {
            otherwise: otherwise(tx, live, &seen.content)?,
            skipped: skipped(tx, live, &seen.release)?,
            live: seen.live.clone(),
            plan: seen.plan.clone(),
            report: Some(seen.report.clone()),
            ..Pending::about(seen.release.clone(), subject, about, cx.now)
        })
    })
}

/// What the stage a release is in asks people for: its request, its sign-off.
fn of_stage(counter: &Counter<'_>, release: &Release, decisions: &[Approval]) -> Option<Pending> {
    let subject = ApprovalSubject::of_stage(release.stage)?;
    let about = of_stage_content(release, &subject)?;
    let rules = Rule::asked(&counter.cx.policy.stage(release.stage).approvals, release.weighed_risk());
    let skip = &counter.cx.policy.process(release.kind).skip;
    let is_asked = |gate: &StageGate| gate.decision().as_ref() == Some(&subject);
    let is_skipped =
        StageGate::ALL.iter().find(|gate| is_asked(gate)).is_some_and(|gate| skip.contains(gate.as_str()));
    if rules.is_empty() || is_skipped {
        return None;
    }
    let item = Pending {
        decisions: decisions.to_vec(),
        ..Pending::about(release.clone(), subject, about, release.stage_since)
    };
    Some(counter.count(item, &rules, None))
}

/// An environment's approval is due once the release is live in as many environments of the phase before as that asks
/// for: earlier, there is nothing to look at yet.
fn reached_before(cx: &Ctx<'_>, card: &super::board::Card, env: &EnvName) -> bool {
    let service = cx.policy.services.get(&card.release.id.service);
    let is_live = |cell: &&super::board::Cell| cell.reached == Reached::Live;
    let enough =
        service.and_then(|service| service.pipeline_of(&card.release).upstream(env)).is_none_or(|phase| {
            let there = card.cells.iter().filter(|cell| phase.environments.contains(&cell.environment));
            there.filter(is_live).count() >= phase.needed
        });
    card.release.stage >= Stage::Build && enough
}

fn is_about(approval: &Approval, env: &EnvName) -> bool {
    matches!(&approval.subject, ApprovalSubject::Environment(about) if about == env)
}

/// What would run otherwise than it did for what is live there.
pub(super) fn otherwise(
    tx: &Tx<'_>,
    live: Option<&Deployment>,
    content: &str,
) -> Result<Option<Vec<String>>, OpError> {
    let Some(live) = live else { return Ok(None) };
    let about = deployments::find_about(tx, live.id)?;
    Ok(about.and_then(|about| run_otherwise(&about, content)))
}

/// How many releases of a service are looked at for what comes along unseen.
const BETWEEN: u32 = 100;

fn skipped(
    tx: &Tx<'_>,
    live: Option<&Deployment>,
    release: &Release,
) -> Result<Vec<(Version, Vec<String>)>, OpError> {
    let Some(live) = live else { return Ok(Vec::new()) };
    let (from, to) = (&live.release.version, &release.id.version);
    if !to.outranks(from) {
        return Ok(Vec::new());
    }
    let known = releases::list_of(tx, &release.id.service, BETWEEN)?;
    let between = known.into_iter().filter(|other| {
        let version = &other.id.version;
        version.outranks(from) && to.outranks(version) && !other.build.changes.is_empty()
    });
    let mut between: Vec<_> = between.map(|other| (other.id.version, other.build.changes)).collect();
    between
        .sort_by(|(one, _), (other, _)| if other.outranks(one) { Ordering::Greater } else { Ordering::Less });
    Ok(between)
}

/// Adds decisions up, for each of many items.
struct Counter<'a> {
    cx: &'a Ctx<'a>,
    roster: Roster,
    /// Deployments that have not begun.
    waiting: &'a [Deployment],
    signatures: HashMap<ServiceName, Signatures>,
}

impl Counter<'_> {
    fn count(&self, mut item: Pending, rules: &[Rule], env: Option<&Environment>) -> Pending {
        let cx = self.cx;
        let of_it = |a: &&Approval| a.subject == item.subject;
        let about: Vec<Approval> = item.decisions.iter().filter(of_it).cloned().collect();
        let asked = env.map(|env| schedulers(self.waiting, &item.release.id, &env.name)).unwrap_or_default();
        let is_such = |d: &&Deployment| {
            item.subject.environment() == Some(&d.environment) && d.release == item.release.id && !d.noop
        };
        item.scheduled = self.waiting.iter().filter(is_such).cloned().collect();
        let interested = interested(&item.release, asked.iter().copied());
        let none = Signatures::default();
        let terms = cx.policy.terms(&item.subject);
        let self_approval = terms.is_some_and(|terms| terms.self_approval);
        let service =
            cx.policy.services.get(&item.release.id.service).filter(|_| env.is_some() && item.back.is_none());
        item.asks = service.map(|service| AskedOf::Approver.of(&service.prompts)).unwrap_or_default();
        let question = Question {
            rules,
            roster: &self.roster,
            digest: &item.digest,
            content: &item.content,
            signing: terms.map_or(SignPolicy::Off, |terms| terms.signing),
            signatures: self.signatures.get(&item.release.id.service).unwrap_or(&none),
            interested: &interested,
            self_approval,
            asks: &item.asks,
            now: cx.now,
        };
        let tally = tally(&question, &about);
        let me = &cx.actor.person;
        let in_group = rules.iter().any(|rule| self.roster.has(&rule.from, me));
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
            Some(DECIDED.to_owned())
        } else if !self_approval && asked.iter().any(|person| person.is_same_as(me)) {
            Some("you scheduled it".to_owned())
        } else if !self_approval && interested.iter().any(|person| person.is_same_as(me)) {
            Some("you requested or created it".to_owned())
        } else {
            None
        };
        item.tally = tally;
        item
    }
}
