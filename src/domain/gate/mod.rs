//! Gates: the questions that must all be answered with yes before a deployment may start.
//!
//! A gate is a pure function of recorded facts and the time. All gates are always asked, so that the answer to
//! "why can't I deploy?" is complete; `Unknown` never opens. To add one: a [`GateId`], a file with `check`, one
//! line in [`GATES`], its [`BlockReason`]s.

pub mod approvals;
mod change;
mod checks;
mod deployer;
mod exclusive;
pub mod four_eyes;
mod freeze;
mod lock;
mod needs;
mod order;
mod readiness;
pub mod reason;
pub mod remedy;
mod rules;
pub mod slots;
mod soak;
mod stage;
pub mod stage_exit;
mod window;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::reason::BlockReason;
use self::slots::Closes;
use super::actor::{Actor, Person, Roster};
use super::approval::Approval;
use super::change::ChangeTicket;
use super::checklist::Item;
use super::deployment::{DeploymentKind, DeploymentState};
use super::digest::Digest;
use super::freeze::Freeze;
use super::ids::{DeploymentId, EnvName, ReleaseId, Version};
use super::lock::Lock;
use super::policy::{Environment, ScriptRole};
use super::prompt::Prompt;
use super::release::Release;
use super::right::Ruling;
use super::rules::Standing;
use super::signature::Signatures;
use super::time::{Timestamp, Tz};
use super::toggle::Flip;
use super::witness::Request;
use super::words::words;

/// The gates in the order they are shown: what is fixed first, what other people can clear later, the exclusive
/// lock last, so that nobody who waits for a person holds it (APR-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateId {
    Deployer,
    Stage,
    Order,
    Needs,
    Soak,
    Checks,
    Checklist,
    Freeze,
    Window,
    Rules,
    Change,
    Approvals,
    #[serde(rename = "four-eyes")]
    FourEyes,
    Lock,
    Exclusive,
}

impl GateId {
    pub const ALL: [Self; 15] = [
        Self::Deployer,
        Self::Stage,
        Self::Order,
        Self::Needs,
        Self::Soak,
        Self::Checks,
        Self::Checklist,
        Self::Freeze,
        Self::Window,
        Self::Rules,
        Self::Change,
        Self::Approvals,
        Self::FourEyes,
        Self::Lock,
        Self::Exclusive,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployer => "deployer",
            Self::Stage => "stage",
            Self::Order => "order",
            Self::Needs => "needs",
            Self::Soak => "soak",
            Self::Checks => "checks",
            Self::Checklist => "checklist",
            Self::Freeze => "freeze",
            Self::Window => "window",
            Self::Rules => "rules",
            Self::Change => "change",
            Self::Approvals => "approvals",
            Self::FourEyes => "four-eyes",
            Self::Lock => "lock",
            Self::Exclusive => "exclusive",
        }
    }

    /// Whether an override or a hotfix process may open it. Who may deploy, what a release is and that only one
    /// deployment is active are not matters of urgency; and who may override is itself one of the rules.
    pub fn may_be_opened(self) -> bool {
        !matches!(self, Self::Deployer | Self::Stage | Self::Rules | Self::Exclusive)
    }

    /// Whether it is asked also where nothing is to be changed: who may, what it is, and that nobody else is at work.
    fn guards_plans(self) -> bool {
        matches!(self, Self::Deployer | Self::Stage | Self::Lock | Self::Exclusive)
    }

    /// Whether it is asked where a toggle of what is live is switched on: what guards the way of a release to this
    /// environment has been asked when that was deployed.
    fn guards_toggles(self) -> bool {
        matches!(
            self,
            Self::Deployer
                | Self::Stage
                | Self::Freeze
                | Self::Window
                | Self::Rules
                | Self::Approvals
                | Self::Lock
                | Self::Exclusive
        )
    }

    /// Whether a deployment may wait for it: what opens by itself, or by another person's word, without the release
    /// being another one then.
    pub fn may_be_waited_for(self) -> bool {
        matches!(
            self,
            Self::Needs
                | Self::Soak
                | Self::Freeze
                | Self::Window
                | Self::Rules
                | Self::Change
                | Self::Approvals
                | Self::Lock
                | Self::Exclusive
        )
    }

    /// Whether a rollback passes it unasked (SPEC 6, RBK-3): going back must not wait for what guards going on.
    fn yields_to_rollback(self) -> bool {
        matches!(
            self,
            Self::Stage
                | Self::Order
                | Self::Needs
                | Self::Soak
                | Self::Checks
                | Self::Checklist
                | Self::Freeze
                | Self::Window
                | Self::Rules
                | Self::Change
                | Self::FourEyes
        )
    }
}
words!(GateId, "gate", Self::ALL);

/// The newest deployment of an environment, as far as the order of environments is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    pub id: DeploymentId,
    pub release: ReleaseId,
    pub artifact: Option<Digest>,
    pub content: Option<Digest>,
    pub state: DeploymentState,
    pub finished_at: Option<Timestamp>,
}

impl Newest {
    /// Whether it put exactly this release there, with the content it has now, and succeeded.
    pub fn proves(&self, release: &Release) -> bool {
        self.release == release.id
            && self.state == DeploymentState::Succeeded
            && release.build.is(self.content.as_ref(), self.artifact.as_ref())
    }
}

/// What was deployed in the phase before, and in how many of its environments the release must be good (PIP-1).
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    pub needed: usize,
    pub newest: Vec<(EnvName, Option<Newest>)>,
}

impl Upstream {
    /// The deployments that prove the release, the one that did so first at the front.
    fn proofs(&self, release: &Release) -> Vec<(&EnvName, &Newest)> {
        let known = self.newest.iter().filter_map(|(env, newest)| Some((env, newest.as_ref()?)));
        let mut proofs: Vec<(&EnvName, &Newest)> =
            known.filter(|(_, newest)| newest.proves(release)).collect();
        proofs.sort_by_key(|(_, newest)| newest.finished_at);
        proofs
    }

    /// The environments in which nothing proves it.
    fn lacking(&self, release: &Release) -> impl Iterator<Item = &(EnvName, Option<Newest>)> {
        self.newest.iter().filter(|(_, newest)| !newest.as_ref().is_some_and(|newest| newest.proves(release)))
    }
}

/// The deployment that holds the environment now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub id: DeploymentId,
    pub release: ReleaseId,
    pub by: String,
    pub state: DeploymentState,
    pub since: Timestamp,
}

/// A release that must be live in the environment, or a newer one of its service, and what is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    pub requires: ReleaseId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Version>,
}

impl Need {
    pub fn is_met(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !self.requires.version.outranks(live))
    }
}

/// What is live in an environment requires this version of a service there, or a newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required {
    pub by: ReleaseId,
    pub version: Version,
}

impl Required {
    /// Whether it would lack something with this version there.
    pub fn lacks(&self, version: &Version) -> bool {
        self.version.outranks(version)
    }
}

/// Gates opened on record for one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overrides {
    pub gates: BTreeSet<GateId>,
    pub by: String,
    pub reason: String,
}

/// The last answer about a change ticket, and how old it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeKnown {
    pub ticket: Option<ChangeTicket>,
    pub age: Option<Duration>,
    /// How long an answer counts.
    pub max_age: Duration,
    /// Whether the question is about the past, of which no answers are kept.
    pub past: bool,
}

/// Everything a decision may depend on, read in one transaction.
#[derive(Debug, Clone)]
pub struct DeployFacts {
    pub release: Release,
    pub environment: Environment,
    pub zone: Tz,
    pub kind: DeploymentKind,
    /// Whether it is asked for as a rollback.
    pub rescue: bool,
    pub actor: Actor,
    /// Whether the actor is about to start it; otherwise they look, and somebody else may start it.
    pub starts: bool,
    /// Who may deploy it there.
    pub deployers: Ruling,
    pub roster: Roster,
    /// Whether the service's pipeline contains the environment at all.
    pub in_pipeline: bool,
    /// Whether the release's channel leads there.
    pub in_channel: bool,
    /// The script this would run, if the service has one.
    pub script: Option<ScriptRole>,
    pub subject: Digest,
    /// The same in full.
    pub content: String,
    /// What is known about the signatures of approvals.
    pub signatures: Signatures,
    /// The phase it comes from; nothing where it is the first.
    pub upstream: Option<Upstream>,
    /// What the release requires here.
    pub needs: Vec<Need>,
    /// A hotfix of the same service that is on its way.
    pub hotfix: Option<ReleaseId>,
    /// What is live here and newer than this, and how many changes going back to this would take away.
    pub outdated: Option<(Version, usize)>,
    /// Whether exactly this, with the content it has now, is live here.
    pub again: bool,
    /// What is live here and requires a newer version than this.
    pub needed_by: Vec<Required>,
    pub freezes: Vec<Freeze>,
    pub approvals: Vec<Approval>,
    /// What is asked of who approves it.
    pub asks: Vec<Prompt>,
    /// Who has asked for deployments of it to this environment that have not begun.
    pub schedulers: Vec<Person>,
    /// The asking for a second person that this start may count on.
    pub witness: Option<Request>,
    /// Names of checks that must have passed for this artifact.
    pub required_checks: Vec<String>,
    pub required_items: Vec<Item>,
    pub holder: Option<Holder>,
    /// Locks on this service in this environment.
    pub locks: Vec<Lock>,
    /// Who stands by the rules; nothing: they need no second person here.
    pub rules: Option<Standing>,
    /// What is known of its change ticket; nothing: service and environment are not both change-controlled.
    pub change: Option<ChangeKnown>,
    /// Whether it begins by itself and not by the hand of a person.
    pub automatic: bool,
    /// Whether it only tells what a deployment would do.
    pub noop: bool,
    /// The toggle of what is live here that it switches.
    pub toggle: Option<Flip>,
    pub overrides: Overrides,
    /// Gates the release's process skips (hotfix).
    pub skipped: BTreeSet<String>,
}

/// What one gate answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Answer {
    Pass {
        evidence: String,
    },
    /// Not asked, and why: rollbacks and hotfixes.
    Skipped {
        why: String,
    },
    Blocked {
        reason: BlockReason,
    },
    Overridden {
        reason: BlockReason,
        by: String,
        because: String,
    },
    Unknown {
        why: String,
    },
}

impl Answer {
    fn pass(evidence: impl Into<String>) -> Self {
        Self::Pass { evidence: evidence.into() }
    }

    fn blocked(reason: BlockReason) -> Self {
        Self::Blocked { reason }
    }

    /// Whether a deployment may go past this gate.
    pub fn opens(&self) -> bool {
        matches!(self, Self::Pass { .. } | Self::Skipped { .. } | Self::Overridden { .. })
    }
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub gate: GateId,
    pub answer: Answer,
}

impl Checked {
    /// What to do where it is closed, and who can.
    pub fn next_step(&self, release: &ReleaseId, env: &EnvName) -> Option<String> {
        match &self.answer {
            Answer::Blocked { reason } => Some(reason.next_step(release, env)),
            // Who cannot tell may be asked again.
            Answer::Unknown { why } if self.gate == GateId::Change => {
                Some(BlockReason::Unanswered { why: why.clone() }.next_step(release, env))
            }
            _ => None,
        }
    }
}

/// What all gates said at one moment. Stored with each deployment and each refusal, so that "why was it allowed
/// on Tuesday?" is answered from the record and not by asking again with today's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    pub at: Timestamp,
    pub release: ReleaseId,
    pub environment: EnvName,
    pub kind: DeploymentKind,
    /// Whether it was asked for as a rollback.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rescue: bool,
    /// The toggle that was to be switched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toggle: Option<Flip>,
    pub subject: Digest,
    pub checks: Vec<Checked>,
    /// The first moment at which all gates would be open if nobody did anything: found when only gates are closed that
    /// open by themselves, and they are all open at once within their next openings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Timestamp>,
    /// What closes it within a day, where freezes and hours leave it open now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Closes>,
}

impl GateReport {
    pub fn allows(&self) -> bool {
        self.checks.iter().all(|check| check.answer.opens())
    }

    /// Gates that do not open, in order.
    pub fn closed(&self) -> impl Iterator<Item = &Checked> {
        self.checks.iter().filter(|check| !check.answer.opens())
    }

    /// Gates that are closed and were opened on record.
    pub fn overridden(&self) -> impl Iterator<Item = &Checked> {
        self.checks.iter().filter(|check| matches!(check.answer, Answer::Overridden { .. }))
    }

    /// Whether both reports say the same about the same content; the time of asking does not matter.
    pub fn same_checks(&self, other: &Self) -> bool {
        let shape = |report: &Self| -> Vec<(GateId, bool)> {
            report.checks.iter().map(|check| (check.gate, check.answer.opens())).collect()
        };
        self.subject == other.subject && self.kind == other.kind && shape(self) == shape(other)
    }

    /// `2 of 10 gates are closed: freeze, approvals`, or that all are open.
    pub fn headline(&self) -> String {
        let closed: Vec<&str> = self.closed().map(|check| check.gate.as_str()).collect();
        let (release, env) = (&self.release, &self.environment);
        if closed.is_empty() {
            return format!("{env} is open for {release}: all {} gates pass", self.checks.len());
        }
        let count = self.checks.len();
        format!("{env} is closed for {release}: {} of {count} gates ({})", closed.len(), closed.join(", "))
    }
}

type Gate = fn(&DeployFacts, Timestamp) -> Answer;

const GATES: [(GateId, Gate); 15] = [
    (GateId::Deployer, deployer::check),
    (GateId::Stage, stage::check),
    (GateId::Order, order::check),
    (GateId::Needs, needs::check),
    (GateId::Soak, soak::check),
    (GateId::Checks, checks::check),
    (GateId::Checklist, checks::checklist),
    (GateId::Freeze, freeze::check),
    (GateId::Window, window::check),
    (GateId::Rules, rules::check),
    (GateId::Change, change::check),
    (GateId::Approvals, approvals::check),
    (GateId::FourEyes, four_eyes::check),
    (GateId::Lock, lock::check),
    (GateId::Exclusive, exclusive::check),
];

/// Asks every gate; never stops at the first no.
pub fn evaluate(facts: &DeployFacts, now: Timestamp) -> GateReport {
    let checks = ask_all(facts, now);
    GateReport {
        earliest: earliest(facts, &checks, now),
        closes: closes(facts, &checks, now),
        at: now,
        release: facts.release.id.clone(),
        environment: facts.environment.name.clone(),
        kind: facts.kind,
        rescue: facts.rescue,
        toggle: facts.toggle.clone(),
        subject: facts.subject.clone(),
        checks,
    }
}

fn ask_all(facts: &DeployFacts, now: Timestamp) -> Vec<Checked> {
    // A gate of another system is there for those who have one.
    let applies = |gate: GateId| match gate {
        GateId::Change => facts.change.is_some(),
        GateId::Rules => facts.rules.is_some(),
        _ => true,
    };
    let asked = GATES.iter().filter(|(gate, _)| applies(*gate));
    asked.map(|&(gate, check)| Checked { gate, answer: ask(gate, check, facts, now) }).collect()
}

/// Goes from one opening to the next until every gate is open: that a freeze ends at night is no use where the window
/// opens in the morning.
fn earliest(facts: &DeployFacts, checks: &[Checked], now: Timestamp) -> Option<Timestamp> {
    const OPENINGS: usize = 100;
    let opens = |checks: &[Checked], at: Timestamp| -> Option<Timestamp> {
        let mut latest = at;
        for check in checks.iter().filter(|check| !check.answer.opens()) {
            match &check.answer {
                Answer::Blocked { reason } => latest = latest.max(reason.earliest()?),
                _ => return None,
            }
        }
        Some(latest)
    };
    let mut at = opens(checks, now)?;
    if at == now {
        return Some(now);
    }
    for _ in 0..OPENINGS {
        let next = opens(&ask_all(facts, at), at)?;
        if next == at {
            return Some(at);
        }
        at = next;
    }
    None
}

/// What closes it soon, where that matters: a rollback does not care.
fn closes(facts: &DeployFacts, checks: &[Checked], now: Timestamp) -> Option<Closes> {
    let cares = |gate: GateId| {
        let check = checks.iter().find(|check| check.gate == gate);
        check.is_some_and(|check| matches!(check.answer, Answer::Pass { .. }))
    };
    let (service, cares) = (&facts.release.id.service, cares(GateId::Freeze) && cares(GateId::Window));
    cares.then(|| slots::closes(&facts.freezes, service, &facts.environment, facts.zone, now)).flatten()
}

fn ask(gate: GateId, check: Gate, facts: &DeployFacts, now: Timestamp) -> Answer {
    if facts.rescue && gate.yields_to_rollback() {
        return Answer::Skipped { why: "a rollback is not held up by it".to_owned() };
    }
    if facts.noop && !gate.guards_plans() {
        return Answer::Skipped { why: "a plan changes nothing".to_owned() };
    }
    if facts.toggle.is_some() && !gate.guards_toggles() {
        return Answer::Skipped { why: "what is live stays as it is".to_owned() };
    }
    if gate.may_be_opened() && facts.skipped.contains(gate.as_str()) {
        return Answer::Skipped { why: format!("a {} release skips it", facts.release.kind) };
    }
    match check(facts, now) {
        Answer::Blocked { reason } if gate.may_be_opened() && facts.overrides.gates.contains(&gate) => {
            let Overrides { by, reason: because, .. } = facts.overrides.clone();
            Answer::Overridden { reason, by, because }
        }
        Answer::Unknown { why } if gate.may_be_opened() && facts.overrides.gates.contains(&gate) => {
            let Overrides { by, reason: because, .. } = facts.overrides.clone();
            Answer::Overridden { reason: BlockReason::Unanswered { why }, by, because }
        }
        answer => answer,
    }
}

#[cfg(test)]
mod tests;
