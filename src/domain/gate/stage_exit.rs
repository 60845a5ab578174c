//! What a stage wants before a release leaves it: what is there, what is a gap, what blocks.

use serde::{Deserialize, Serialize};

use crate::domain::actor::Roster;
use crate::domain::approval::{Approval, ApprovalSubject, Question, met_at, tally};
use crate::domain::deployment::DeploymentState;
use crate::domain::drift::Observed;
use crate::domain::ids::EnvName;
use crate::domain::policy::{Policy, Rule, StageGate};
use crate::domain::release::Release;
use crate::domain::signature::Signatures;
use crate::domain::subject;
use crate::domain::time::Timestamp;

use super::Newest;
use super::readiness;
use super::remedy::enlarge;

/// What is recorded about one exit gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum ExitAnswer {
    Met {
        evidence: String,
    },
    /// Not there, but not required either: shown, does not block.
    Gap {
        lacks: String,
        remedy: String,
    },
    Blocked {
        lacks: String,
        remedy: String,
    },
    Skipped {
        why: String,
    },
}

impl ExitAnswer {
    pub fn opens(&self) -> bool {
        !matches!(self, Self::Blocked { .. })
    }
}

/// One exit gate of the stage a release is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitCheck {
    pub gate: StageGate,
    pub answer: ExitAnswer,
}

/// What was deployed in the phase that is the pipeline's goal.
#[derive(Debug, Clone, Default)]
pub struct Goal {
    /// In how many of its environments the release must be live.
    pub needed: usize,
    pub spots: Vec<Spot>,
    /// The last look at each environment of the pipeline.
    pub observed: Vec<Observed>,
}

/// What was deployed to one of its environments.
#[derive(Debug, Clone)]
pub struct Spot {
    pub environment: EnvName,
    /// The newest deployment of whichever release.
    pub newest: Option<Newest>,
    /// The newest one of this release that succeeded.
    pub good: Option<Newest>,
}

/// What the exit gates of a stage may depend on.
#[derive(Debug, Clone, Copy)]
pub struct ExitFacts<'a> {
    pub policy: &'a Policy,
    pub roster: &'a Roster,
    pub approvals: &'a [Approval],
    /// What the signatures under them are worth.
    pub signatures: &'a Signatures,
    pub goal: &'a Goal,
    pub now: Timestamp,
}

/// Asks the exit gates of the stage the release is in.
pub fn evaluate(release: &Release, facts: &ExitFacts<'_>) -> Vec<ExitCheck> {
    StageGate::ALL
        .into_iter()
        .filter(|gate| gate.stage() == release.stage)
        .filter(|gate| is_asked(*gate, facts) && readiness::is_asked(*gate, release, facts))
        .map(|gate| ExitCheck { gate, answer: answer(gate, release, facts) })
        .collect()
}

/// A gate without anything to ask (no policy, no list) is left out rather than passed.
fn is_asked(gate: StageGate, facts: &ExitFacts<'_>) -> bool {
    let rules = facts.policy.stage(gate.stage());
    match gate {
        StageGate::Approved | StageGate::SignOff | StageGate::ReviewSignOff => !rules.approvals.is_empty(),
        StageGate::Checks => !rules.checks.is_empty(),
        StageGate::Checklist => !rules.checklist.is_empty(),
        _ => true,
    }
}

/// Whether a missing answer blocks. Being live is what the deploy stage is for, and an approval policy that is
/// written down is meant; everything else blocks only where `[stages.*] require` says so.
fn is_required(gate: StageGate, policy: &Policy) -> bool {
    // A bake time, voters and statements that are named are meant, too, and a severe issue is never only a gap.
    let always = matches!(
        gate,
        StageGate::Live | StageGate::GoNoGo | StageGate::Issues | StageGate::Statements | StageGate::Baked
    );
    always || gate.decision().is_some() || policy.stage(gate.stage()).require.contains(&gate)
}

fn answer(gate: StageGate, release: &Release, facts: &ExitFacts<'_>) -> ExitAnswer {
    let process = facts.policy.process(release.kind);
    if process.skip.contains(gate.as_str()) {
        return ExitAnswer::Skipped { why: format!("a {} release skips it", release.kind) };
    }
    match recorded(gate, release, facts) {
        Ok(evidence) => ExitAnswer::Met { evidence },
        Err((lacks, remedy)) if is_required(gate, facts.policy) => ExitAnswer::Blocked { lacks, remedy },
        Err((lacks, remedy)) => ExitAnswer::Gap { lacks, remedy },
    }
}

fn recorded(gate: StageGate, release: &Release, facts: &ExitFacts<'_>) -> Result<String, (String, String)> {
    let id = &release.id;
    let edit = |what: &str, flag: &str| {
        (format!("{what} is not recorded"), format!("relman release edit {id} {flag}"))
    };
    let text = |value: &Option<String>, what: &str, flag: &str| value.clone().ok_or_else(|| edit(what, flag));
    if let Some(subject) = gate.decision() {
        return approved(release, facts, &subject);
    }
    if let Some(found) = readiness::recorded(gate, release, facts) {
        return found;
    }
    match gate {
        StageGate::Described => text(&release.request.need, "what it is needed for", "--need \"…\""),
        StageGate::Owner => text(&release.plan.owner, "the owner", "--owner NAME"),
        StageGate::TargetDate => release
            .plan
            .target
            .map(|at| at.to_string())
            .ok_or_else(|| edit("the target date", "--target \"2026-12-01 10:00\"")),
        StageGate::Risk => release
            .plan
            .risk
            .map(|risk| risk.to_string())
            .ok_or_else(|| edit("the risk", "--risk low|medium|high")),
        StageGate::RollbackPlan => text(&release.plan.rollback, "the rollback plan", "--rollback-plan \"…\""),
        StageGate::Artifact => match (&release.build.artifact, &release.build.digest) {
            (Some(name), Some(digest)) => Ok(format!("{name} {}", digest.short())),
            _ => Err(edit("the artifact with its digest", "--artifact NAME --digest sha256:…")),
        },
        StageGate::Live => live(release, facts),
        StageGate::Outcome => text(&release.review.outcome, "the outcome", "--outcome \"…\""),
        StageGate::Retrospective => {
            text(&release.review.retrospective, "the retrospective", "--retrospective \"…\"")
        }
        _ => Err(("nobody is asked".to_owned(), "look into relman.toml".to_owned())),
    }
}

fn live(release: &Release, facts: &ExitFacts<'_>) -> Result<String, (String, String)> {
    let (mut there, mut lacks) = (Vec::new(), Vec::new());
    for spot in &facts.goal.spots {
        match live_at(release, spot) {
            Ok(evidence) => there.push(evidence),
            Err(lack) => lacks.push((lack, format!("relman deploy {} {}", release.id, spot.environment))),
        }
    }
    if facts.goal.spots.is_empty() {
        let why =
            format!("{} is not in relman.toml: nobody knows where it should be live", release.id.service);
        return Err((why, format!("add [services.{}] to relman.toml", release.id.service)));
    }
    match lacks.into_iter().next().filter(|_| there.len() < facts.goal.needed) {
        Some(lack) => Err(lack),
        None => Ok(there.join("; ")),
    }
}

fn live_at(release: &Release, spot: &Spot) -> Result<String, String> {
    let env = &spot.environment;
    if let Some(newest) = spot.newest.as_ref().filter(|newest| newest.proves(release)) {
        return Ok(format!("live in {env} ({})", newest.id));
    }
    // That another release has taken its place does not undo that it was delivered.
    let took_its_place = spot.newest.as_ref().filter(|newest| newest.release != release.id);
    if let (Some(good), Some(other)) = (&spot.good, took_its_place)
        && good.proves(release)
    {
        return Ok(format!("was live in {env} ({}) until {} of {}", good.id, other.id, other.release));
    }
    match &spot.newest {
        Some(newest) if newest.release == release.id && newest.state == DeploymentState::Succeeded => {
            Err(format!("what is live in {env} ({}) is another commit or artifact of it", newest.id))
        }
        _ => Err(format!("it is not live in {env}")),
    }
}

/// Whether enough people have decided about `subject` as it is now.
fn approved(
    release: &Release,
    facts: &ExitFacts<'_>,
    subject: &ApprovalSubject,
) -> Result<String, (String, String)> {
    let (id, argument) = (&release.id, subject.as_argument());
    let asked = (facts.policy.terms(subject), subject::of_stage(release, subject), subject.stage());
    let (Some(terms), Some((digest, content)), Some(stage)) = asked else {
        return Err((format!("nobody decides about {} here", subject.as_text()), String::new()));
    };
    let rules = Rule::asked(&facts.policy.stage(stage).approvals, release.weighed_risk());
    let about: Vec<Approval> = facts.approvals.iter().filter(|a| a.subject == *subject).cloned().collect();
    let question = Question {
        rules: &rules,
        roster: facts.roster,
        digest: &digest,
        content: &content,
        signing: terms.signing,
        signatures: facts.signatures,
        interested: &release.authors(),
        self_approval: terms.self_approval,
        asks: &[],
        now: facts.now,
    };
    let tally = tally(&question, &about);
    if tally.is_met() {
        return Ok(format!("approved by {}", tally.proven()));
    }
    if let Some((by, reason)) = &tally.rejected {
        let remedy = format!("talk to {by}, who may: relman withdraw {id}{argument}");
        return Err((format!("{by} rejected it: {reason}"), remedy));
    }
    let remedy = match &tally.shortage {
        Some(shortage) => enlarge(shortage),
        None => format!("{} may: relman approve {id}{argument}", tally.askable().join(", ")),
    };
    let opens = met_at(&question, &about);
    let reason = super::BlockReason::ApprovalsMissing { tally, opens, zone: facts.policy.zone };
    Err((reason.to_string(), remedy))
}
