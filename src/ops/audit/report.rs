//! What an auditor asks about a span of the journal: what went past a rule, who let it, and what was missing.
//!
//! Everything comes from what was recorded at the time: the gate report of a deployment, the exit gates of a move, the
//! people of an approval. Today's policy is not asked.

use std::collections::BTreeMap;

use serde::Serialize;

use super::export::{Range, each};
use crate::domain::actor::Person;
use crate::domain::approval::{ApprovalSubject, Verdict};
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::gate::stage_exit::{ExitAnswer, ExitCheck};
use crate::domain::gate::{Answer, GateReport};
use crate::domain::hold::Choice;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::journal::{Body, Done, Entry, Verb};
use crate::domain::override_review::Review;
use crate::domain::release::{Release, ReleaseKind, Stage};
use crate::domain::replay::{Change, changes};
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, OpError};
use crate::store::{approvals, override_reviews, releases};

/// Evidence a release did not have when it left a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub seq: i64,
    pub release: ReleaseId,
    pub stage: Stage,
    pub gate: String,
    pub lacks: String,
}

/// A gate that was closed and passed on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    pub seq: i64,
    pub at: Timestamp,
    pub deployment: DeploymentId,
    pub release: ReleaseId,
    pub environment: EnvName,
    pub gate: String,
    pub by: String,
    pub reason: String,
    /// What the gate said.
    pub against: String,
    /// What somebody else found about it since; nothing: nobody has looked.
    pub review: Option<Review>,
}

/// A gate that was not asked because of the kind of the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    pub seq: i64,
    pub release: ReleaseId,
    /// The deployment, or nothing for a move to another stage.
    pub deployment: Option<DeploymentId>,
    pub gate: String,
    pub why: String,
}

/// One person where there should be two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelfService {
    pub seq: i64,
    pub release: ReleaseId,
    pub environment: Option<EnvName>,
    pub person: String,
    pub sentence: String,
}

/// An approval where signatures are looked at, without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsigned {
    pub seq: i64,
    pub release: ReleaseId,
    /// Nothing: it is about leaving a stage.
    pub environment: Option<EnvName>,
    /// What was approved, in a word: `production`, `sign-off`.
    pub about: String,
    pub person: String,
}

/// A step that was left out, or a pause that was passed over, while a deployment ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waived {
    pub seq: i64,
    pub deployment: String,
    pub by: String,
    pub what: String,
}

/// What was asked for and not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub seq: i64,
    pub at: Timestamp,
    pub who: String,
    pub verb: String,
    pub subject: String,
    pub why: String,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub since: i64,
    pub until: i64,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub entries: u64,
    pub gaps: Vec<Gap>,
    pub overrides: Vec<Override>,
    pub skips: Vec<Skip>,
    pub self_service: Vec<SelfService>,
    pub unsigned: Vec<Unsigned>,
    pub waived: Vec<Waived>,
    pub refused: Vec<Refused>,
    /// By service: how many deployments ended well, and how many otherwise.
    pub deployments: BTreeMap<ServiceName, (u64, u64)>,
}

/// Goes through a range of entries once.
pub fn report(cx: &Ctx<'_>, range: Range, service: Option<&ServiceName>) -> Result<Report, OpError> {
    let mut report = Report { since: range.since, until: range.until, ..Report::default() };
    let mut starts: Vec<(i64, Deployment)> = Vec::new();
    each(cx, range, |entry| {
        report.from.get_or_insert(entry.at);
        report.to = Some(entry.at);
        report.entries += 1;
        let (Ok(verb), Some(body)) = (entry.verb.parse::<Verb>(), entry.parsed()) else { return Ok(()) };
        let changes = changes(verb, entry.at, &body).unwrap_or_default();
        if service.is_some_and(|service| !is_about(&body, &changes, service)) {
            return Ok(());
        }
        if body.result == Done::Refused {
            report.refused.push(refused(entry, &body));
        }
        for change in &changes {
            match change {
                Change::Release(release) if verb == Verb::ReleaseAdvanced => {
                    report.moved(entry, &body, release);
                }
                Change::Approval(approval)
                    if verb == Verb::ApprovalGranted && approval.verdict == Verdict::Approved =>
                {
                    report.signed(cx, entry, approval);
                    let own = cx.store.read(|tx| releases::find(tx, &approval.release))?;
                    report.approved(entry, approval, own.as_ref());
                }
                Change::Deployment(d, gates) => {
                    if begins(verb, d)
                        && let Some(gates) = gates
                    {
                        report.began(entry, d, gates);
                        starts.push((entry.seq, (**d).clone()));
                    }
                    report.went(verb, &body, entry, d);
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    for (seq, d) in starts {
        report.alone(cx, seq, &d)?;
    }
    report.self_service.sort_by_key(|case| case.seq);
    for over in &mut report.overrides {
        over.review = cx.store.read(|tx| override_reviews::find(tx, over.deployment))?;
    }
    Ok(report)
}

/// Whether something runs from here on that nobody can stop any more by asking the gates.
fn begins(verb: Verb, d: &Deployment) -> bool {
    match verb {
        Verb::DeploymentStarted => !d.noop,
        Verb::DeploymentClaimed => !d.noop && d.wait.is_some(),
        _ => false,
    }
}

fn is_about(body: &Body, changes: &[Change], service: &ServiceName) -> bool {
    let of = |change: &Change| match change {
        Change::Release(release) => Some(release.id.service.clone()),
        Change::Approval(approval) => Some(approval.release.service.clone()),
        Change::Deployment(d, _) => Some(d.release.service.clone()),
        _ => None,
    };
    // What was refused changed nothing: then its subject is all there is.
    let named = || {
        let begins = body.subject.strip_prefix(service.as_str());
        begins.is_some_and(|rest| rest.is_empty() || rest.starts_with(['@', ' ']))
            || body.report().is_some_and(|report| report.release.service == *service)
    };
    changes.iter().filter_map(of).any(|name| name == *service) || (changes.is_empty() && named())
}

fn refused(entry: &Entry, body: &Body) -> Refused {
    Refused {
        seq: entry.seq,
        at: entry.at,
        who: body.actor.name().to_owned(),
        verb: entry.verb.clone(),
        subject: body.subject.clone(),
        why: body.reason.clone().unwrap_or_default(),
    }
}

impl Report {
    fn moved(&mut self, entry: &Entry, body: &Body, release: &Release) {
        let left = body.before.as_ref().and_then(|before| before.get("stage"));
        let stage = left.and_then(|stage| serde_json::from_value(stage.clone()).ok());
        let stage: Stage = stage.unwrap_or(release.stage);
        let checks = body.detail.clone().and_then(|detail| serde_json::from_value(detail).ok());
        let checks: Vec<ExitCheck> = checks.unwrap_or_default();
        for check in checks {
            let gate = check.gate.to_string();
            match check.answer {
                ExitAnswer::Gap { lacks, .. } => {
                    self.gaps.push(Gap { seq: entry.seq, release: release.id.clone(), stage, gate, lacks });
                }
                ExitAnswer::Skipped { why } if release.kind == ReleaseKind::Hotfix => self.skips.push(Skip {
                    seq: entry.seq,
                    release: release.id.clone(),
                    deployment: None,
                    gate,
                    why,
                }),
                _ => {}
            }
        }
    }

    fn approved(
        &mut self,
        entry: &Entry,
        approval: &crate::domain::approval::Approval,
        own: Option<&Release>,
    ) {
        let Some(release) = own else { return };
        let same = |person: &Person| person.is_same_as(&approval.by);
        let did = if same(&release.created_by) {
            "registered"
        } else if same(&release.request.requester) {
            "requested"
        } else {
            return;
        };
        let environment = approval.subject.environment().cloned();
        let what = approval.subject.as_text();
        let name = &approval.by.name;
        self.self_service.push(SelfService {
            seq: entry.seq,
            release: approval.release.clone(),
            environment,
            person: name.clone(),
            sentence: format!("{name} {did} {} and approved it for {what}", approval.release),
        });
    }

    /// Whether it is signed is a fact of the record; where that matters the configuration says.
    fn signed(&mut self, cx: &Ctx<'_>, entry: &Entry, approval: &crate::domain::approval::Approval) {
        let looks = cx.policy.terms(&approval.subject).is_some_and(|terms| terms.signing.looks());
        if looks && approval.signed.is_none() {
            self.unsigned.push(Unsigned {
                seq: entry.seq,
                release: approval.release.clone(),
                environment: approval.subject.environment().cloned(),
                about: approval.subject.as_text().to_owned(),
                person: approval.by.name.clone(),
            });
        }
    }

    fn began(&mut self, entry: &Entry, d: &Deployment, gates: &GateReport) {
        let hotfix = |why: &str| !d.rescue && why.contains("hotfix");
        for check in &gates.checks {
            let gate = check.gate.to_string();
            match &check.answer {
                Answer::Overridden { reason, by, because } => self.overrides.push(Override {
                    seq: entry.seq,
                    at: entry.at,
                    deployment: d.id,
                    release: d.release.clone(),
                    environment: d.environment.clone(),
                    gate,
                    by: by.clone(),
                    reason: because.clone(),
                    against: reason.to_string(),
                    review: None,
                }),
                Answer::Skipped { why } if hotfix(why) => self.skips.push(Skip {
                    seq: entry.seq,
                    release: d.release.clone(),
                    deployment: Some(d.id),
                    gate,
                    why: why.clone(),
                }),
                _ => {}
            }
        }
        if d.artifact_digest.is_none() && !d.rescue {
            self.gaps.push(Gap {
                seq: entry.seq,
                release: d.release.clone(),
                stage: Stage::Deploy,
                gate: "artifact".to_owned(),
                lacks: format!("{} put it into {} without the digest of an artifact", d.id, d.environment),
            });
        }
    }

    fn went(&mut self, verb: Verb, body: &Body, entry: &Entry, d: &Deployment) {
        let by = || body.actor.name().to_owned();
        if verb == Verb::DeploymentGuided
            && let Some(guidance) = d.guidance.as_ref()
            && matches!(guidance.choice, Choice::Skip | Choice::PromoteFull)
        {
            let what = body.reason.clone().unwrap_or_default();
            self.waived.push(Waived { seq: entry.seq, deployment: d.id.to_string(), by: by(), what });
        }
        if verb == Verb::DeploymentStarted && !d.left_out.is_empty() {
            let what = format!("left out: {}", d.left_out.join(", "));
            self.waived.push(Waived { seq: entry.seq, deployment: d.id.to_string(), by: by(), what });
        }
        let ends =
            matches!(verb, Verb::DeploymentFinished | Verb::DeploymentResolved | Verb::DeploymentAbandoned);
        if ends && d.claimed_at.is_some() && !d.noop {
            let counts = self.deployments.entry(d.release.service.clone()).or_default();
            if d.state == DeploymentState::Succeeded { counts.0 += 1 } else { counts.1 += 1 }
        }
    }

    /// Whether one person registered, approved and deployed it.
    fn alone(&mut self, cx: &Ctx<'_>, seq: i64, d: &Deployment) -> Result<(), OpError> {
        let (release, decided) = cx.store.read(|tx| {
            Ok::<_, OpError>((releases::find(tx, &d.release)?, approvals::list_of(tx, &d.release)?))
        })?;
        let Some(release) = release else { return Ok(()) };
        let began = d.claimed_at.unwrap_or(d.requested_at);
        let standing: Vec<_> = decided
            .iter()
            .filter(|approval| {
                approval.verdict == Verdict::Approved
                    && approval.subject == ApprovalSubject::Environment(d.environment.clone())
                    && approval.at <= began
                    && approval.ended_at.is_none_or(|end| end > began)
            })
            .collect();
        let one = &d.started_by;
        let made = release.created_by.is_same_as(one) && release.request.requester.is_same_as(one);
        if made && !standing.is_empty() && standing.iter().all(|approval| approval.by.is_same_as(one)) {
            self.self_service.push(SelfService {
                seq,
                release: d.release.clone(),
                environment: Some(d.environment.clone()),
                person: one.name.clone(),
                sentence: format!(
                    "{} alone requested, approved and deployed {} to {} ({})",
                    one.name, d.release, d.environment, d.id
                ),
            });
        }
        Ok(())
    }

    /// Whether there is nothing to explain.
    pub fn is_clean(&self) -> bool {
        self.gaps.is_empty()
            && self.overrides.is_empty()
            && self.skips.is_empty()
            && self.self_service.is_empty()
            && self.unsigned.is_empty()
            && self.waived.is_empty()
            && self.refused.is_empty()
    }
}
