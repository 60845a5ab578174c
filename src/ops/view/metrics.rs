//! Gathers what the figures are computed from: deployments, releases, decisions; see [`crate::domain::metrics`] for what each means.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;

use crate::domain::approval::{Approval, ApprovalSubject, Verdict};
use crate::domain::deployment::{Deployment, DeploymentKind, DeploymentState};
use crate::domain::gate::GateId;
use crate::domain::ids::{EnvName, ReleaseId, ServiceName};
use crate::domain::journal::{Done, Verb};
use crate::domain::metrics::{Deployed, Figures, Released, Share, Times, figures, spark, times};
use crate::domain::release::plan::ScopeState;
use crate::domain::release::review::Sentiment;
use crate::domain::release::{Origin, Release, ReleaseState};
use crate::domain::time::{Timestamp, span as in_words};
use crate::ops::audit::export::{Range, each};
use crate::ops::audit::report;
use crate::ops::release::history::{counts_as_failed, has_outcome};
use crate::ops::{Ctx, OpError};
use crate::store::deployments::{self, Filter};
use crate::store::{journal, releases};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub service: Option<ServiceName>,
    /// Nothing: every environment of production.
    pub environment: Option<EnvName>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// How long decisions were waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waited {
    /// What was decided about: an environment, the request, a sign-off.
    pub about: String,
    /// The group whose word it was.
    pub group: String,
    #[serde(flatten)]
    pub times: Times,
}

/// Releases of one origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FromOrigin {
    pub origin: Origin,
    pub registered: usize,
}

/// Everything, with the spans before it for a trend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    pub environments: Vec<EnvName>,
    #[serde(flatten)]
    pub figures: Figures,
    pub approval_waits: Vec<Waited>,
    /// How many releases were registered, by where the wish came from.
    pub origins: Vec<FromOrigin>,
    /// Releases that were closed with everything that was asked of them, of all that were closed.
    pub audit_ready: Share,
    /// Approvals that stopped counting because what they were about became another thing, of all that were given (MET-7).
    pub stale_approvals: Share,
    /// The span in eight parts, oldest first.
    pub trend: Vec<Figures>,
}

/// In so many parts the span is shown.
pub const PARTS: u32 = 8;

/// No store holds more.
const ALL: u32 = u32::MAX >> 1;

pub fn metrics(cx: &Ctx<'_>, asked: &Asked) -> Result<Metrics, OpError> {
    let environments = environments(cx, asked);
    let (deployments, releases) = cx.store.read(|tx| {
        let filter = Filter { service: asked.service.clone(), ..Filter::default() };
        let deployments = deployments::list(tx, &filter, ALL)?;
        Ok::<_, OpError>((deployments, releases::list_all(tx, asked.service.as_ref())?))
    })?;
    let wanted = |d: &&Deployment| environments.contains(&d.environment) && !d.noop && has_outcome(d);
    let deployments: Vec<&Deployment> = deployments.iter().filter(wanted).collect();
    let deployed = deployed(&deployments, &releases);
    let released: Vec<Released> = releases.iter().map(|release| told(cx, release)).collect();
    let zone = cx.policy.zone;
    let of = |from, to| figures(&deployed, &released, (from, to), zone);
    let part = asked.to.since(asked.from) / PARTS;
    let trend =
        (0..PARTS).map(|at| of(asked.from.plus(part * at), asked.from.plus(part * (at + 1)))).collect();
    let span = span(cx, asked)?;
    let (approval_waits, stale_approvals) = waits(cx, asked, span)?;
    Ok(Metrics {
        service: asked.service.clone(),
        figures: of(asked.from, asked.to),
        approval_waits,
        origins: origins(asked, &releases),
        stale_approvals,
        audit_ready: audit_ready(cx, asked, &releases, span)?,
        environments,
        trend,
    })
}

/// Every origin, also those nothing came from.
fn origins(asked: &Asked, releases: &[Release]) -> Vec<FromOrigin> {
    let within = |release: &&Release| release.created_at >= asked.from && release.created_at < asked.to;
    let count = |origin| releases.iter().filter(within).filter(|one| one.request.origin == origin).count();
    Origin::ALL.map(|origin| FromOrigin { origin, registered: count(origin) }).to_vec()
}

fn environments(cx: &Ctx<'_>, asked: &Asked) -> Vec<EnvName> {
    match &asked.environment {
        Some(env) => vec![env.clone()],
        None => cx
            .policy
            .environments
            .values()
            .filter(|env| env.is_production())
            .map(|env| env.name.clone())
            .collect(),
    }
}

/// The entries of the journal in that span.
fn span(cx: &Ctx<'_>, asked: &Asked) -> Result<Range, OpError> {
    cx.store.read(|tx| {
        let since = journal::seq_at(tx, Timestamp::from_millis(asked.from.millis() - 1))? + 1;
        let until = journal::seq_at(tx, Timestamp::from_millis(asked.to.millis() - 1))?;
        Ok(Range { since, until })
    })
}

fn deployed(all: &[&Deployment], releases: &[Release]) -> Vec<Deployed> {
    let mut ordered: Vec<&Deployment> = all.to_vec();
    ordered.sort_by_key(|d| (d.finished_at, d.id));
    let is_rollback = |d: &Deployment| d.rescue && d.kind == DeploymentKind::Rollback;
    // Going back says of what was left that it was no good.
    let mut went_back = std::collections::BTreeSet::new();
    let mut live: HashMap<(&ServiceName, &EnvName), &Deployment> = HashMap::new();
    for d in &ordered {
        if d.state != DeploymentState::Succeeded {
            continue;
        }
        let left = live.insert((&d.release.service, &d.environment), d);
        if is_rollback(d) {
            went_back.extend(left.filter(|left| left.release != d.release).map(|left| left.id));
        }
    }
    let judged: HashMap<_, bool> = releases
        .iter()
        .flat_map(|release| &release.judged)
        .map(|judged| (judged.deployment, judged.succeeded))
        .collect();
    let freeze = GateId::Freeze.to_string();
    ordered
        .into_iter()
        .filter_map(|d| {
            let (began, ended) = (d.claimed_at?, d.finished_at?);
            let scheduled = d.wait.as_ref().and_then(|wait| wait.at);
            let said = judged.get(&d.id).copied();
            Some(Deployed {
                id: d.id,
                release: d.release.clone(),
                environment: d.environment.clone(),
                wanted: scheduled.unwrap_or(d.requested_at).min(began),
                began,
                ended,
                succeeded: said.unwrap_or(d.state == DeploymentState::Succeeded),
                // What a person says later counts; that it was taken back stays so.
                failed: said.map_or_else(|| counts_as_failed(d), |succeeded| !succeeded)
                    || went_back.contains(&d.id),
                is_rollback: is_rollback(d),
                overrides: d.overrides.len(),
                freeze_overridden: d.overrides.contains(&freeze),
            })
        })
        .collect()
}

fn told(cx: &Ctx<'_>, release: &Release) -> Released {
    let plan = &release.plan;
    let due = plan.milestones.iter().filter(|one| one.due <= cx.now || one.reached.is_some());
    let hit = |one: &&crate::domain::release::plan::Milestone| {
        one.reached.as_ref().is_some_and(|reached| reached.at <= one.due)
    };
    let is_in_production = |env: &String| {
        cx.policy.environments.values().any(|known| known.is_production() && known.name.as_str() == env)
    };
    let escaped =
        release.issues.iter().filter(|issue| issue.environment.as_ref().is_some_and(is_in_production));
    let said = |wanted: Sentiment| release.feedback.iter().filter(|one| one.sentiment == wanted).count();
    Released {
        id: release.id.clone(),
        registered: release.created_at,
        target: plan.target,
        milestones: (due.clone().filter(hit).count(), due.count()),
        scope: (
            plan.scope.iter().filter(|item| item.state == ScopeState::Done).count(),
            plan.scope.iter().filter(|item| !item.late).count(),
        ),
        issues: (escaped.count(), release.issues.len()),
        feedback: (said(Sentiment::Good), said(Sentiment::Bad)),
    }
}

/// From when a decision was asked for to when each of those who were asked gave theirs.
fn waits(cx: &Ctx<'_>, asked: &Asked, span: Range) -> Result<(Vec<Waited>, Share), OpError> {
    let roster = cx.roster();
    let mut open: HashMap<(String, String), Timestamp> = HashMap::new();
    // Where nobody wants to be told, it is not on record when a decision was asked for: then the stage says it.
    let mut moved: HashMap<String, Timestamp> = HashMap::new();
    let mut found: BTreeMap<(String, String), Vec<Duration>> = BTreeMap::new();
    let mut stale = Share::default();
    each(cx, span, |entry| {
        let (Ok(verb), Some(body)) = (entry.verb.parse::<Verb>(), entry.parsed()) else { return Ok(()) };
        let release: Option<ReleaseId> = body.subject.parse().ok();
        let fits =
            |release: &ReleaseId| asked.service.as_ref().is_none_or(|service| release.service == *service);
        if body.result != Done::Done || !release.as_ref().is_some_and(fits) {
            return Ok(());
        }
        match verb {
            Verb::ApprovalRequested | Verb::ApprovalAskedAnew => {
                if let Some(about) = body.after.as_ref().and_then(|after| about(after.get("subject")?)) {
                    open.insert((body.subject.clone(), about), entry.at);
                }
            }
            Verb::ReleaseCreated | Verb::ReleaseAdvanced | Verb::ReleaseMovedBack => {
                let voided: Vec<Approval> =
                    body.detail.and_then(|detail| serde_json::from_value(detail).ok()).unwrap_or_default();
                stale.count += voided.iter().filter(|one| one.verdict == Verdict::Approved).count();
                moved.insert(body.subject, entry.at);
            }
            Verb::ApprovalGranted => {
                stale.of += 1;
                let before = body.before.and_then(|before| serde_json::from_value::<Approval>(before).ok());
                let is_other = |one: &Approval| one.ended_why.as_deref().is_some_and(is_stale);
                stale.count += usize::from(before.as_ref().is_some_and(is_other));
                let approval = body.after.and_then(|after| serde_json::from_value::<Approval>(after).ok());
                let Some(approval) = approval.filter(|a| a.verdict == Verdict::Approved) else {
                    return Ok(());
                };
                let about = approval.subject.as_text().to_owned();
                let stage = moved.get(&body.subject).copied();
                let Some(since) = open.get(&(body.subject, about.clone())).copied().or(stage) else {
                    return Ok(());
                };
                let rules = match approval.subject.environment() {
                    Some(env) => cx.policy.environments.get(env).map(|env| env.approvals.clone()),
                    None => approval.subject.stage().map(|stage| cx.policy.stage(stage).approvals.clone()),
                };
                for rule in rules.unwrap_or_default() {
                    if roster.has(&rule.from, &approval.by) {
                        found.entry((about.clone(), rule.from)).or_default().push(approval.at.since(since));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    let waited = found.into_iter().map(|((about, group), all)| Waited { about, group, times: times(all) });
    Ok((waited.collect(), stale))
}

/// Whether an approval was replaced because its content had changed; one that only says more was not stale.
fn is_stale(why: &str) -> bool {
    why == crate::ops::approval::decide::OTHER_CONTENT
}

/// What a decision is about, as people say it.
fn about(subject: &serde_json::Value) -> Option<String> {
    serde_json::from_value::<ApprovalSubject>(subject.clone())
        .ok()
        .map(|subject| subject.as_text().to_owned())
}

fn audit_ready(cx: &Ctx<'_>, asked: &Asked, releases: &[Release], span: Range) -> Result<Share, OpError> {
    let gaps = report::report(cx, span, asked.service.as_ref())?.gaps;
    let is_within = |at: Timestamp| at >= asked.from && at < asked.to;
    let closed: Vec<&Release> = releases
        .iter()
        .filter(|release| release.state == ReleaseState::Closed && is_within(release.stage_since))
        .collect();
    let ready = closed.iter().filter(|release| gaps.iter().all(|gap| gap.release != release.id));
    Ok(Share { count: ready.count(), of: closed.len() })
}

impl Metrics {
    /// `feedback 4, internal 2`
    fn wished_for(&self) -> String {
        let some = self.origins.iter().filter(|one| one.registered > 0);
        let words: Vec<String> = some.map(|one| format!("{} {}", one.origin, one.registered)).collect();
        if words.is_empty() { "–".to_owned() } else { words.join(", ") }
    }

    /// Label and text of every figure, as people read them.
    pub fn lines(&self, is_ascii: bool) -> Vec<(String, String)> {
        let found = self;
        let f = &found.figures;
        let times = |times: Times| match times.median_seconds {
            Some(median) => {
                let p90 = times.p90_seconds.map(Duration::from_secs).map(in_words).unwrap_or_default();
                format!(
                    "{} (9 of 10 within {p90}; {} counted)",
                    in_words(Duration::from_secs(median)),
                    times.count
                )
            }
            None => "–".to_owned(),
        };
        let trend =
            |value: fn(&Figures) -> f64| spark(&found.trend.iter().map(value).collect::<Vec<_>>(), is_ascii);
        let frequency = f.frequency.map_or_else(|| "–".to_owned(), |bucket| bucket.to_string());
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let counts = trend(|figures| figures.deployments as f64);
        let mut lines = vec![
            ("deployments", format!("{} ({frequency}, {:.1} a week)  {counts}", f.deployments, f.per_week)),
            ("lead time", times(f.lead_time)),
            ("request to production", times(f.request_to_production)),
            (
                "change failures",
                format!("{}  {}", f.change_failures, trend(|f| f.change_failures.percent().unwrap_or(0.0))),
            ),
            ("time to recovery", times(f.time_to_recovery)),
            ("rollbacks", f.rollbacks.to_string()),
            ("duration", times(f.duration)),
            ("queue", times(f.queue)),
            ("on time", f.on_time.to_string()),
            ("slip", times(f.slip)),
            ("milestones in time", f.milestones.to_string()),
            ("scope done", f.scope.to_string()),
            ("defect escape", f.defect_escape.to_string()),
            ("good feedback", f.good_feedback.to_string()),
            ("overrides", f.overrides.to_string()),
            ("freeze overrides", f.freeze_overrides.to_string()),
            ("stale approvals", found.stale_approvals.to_string()),
            ("audit ready", found.audit_ready.to_string()),
            ("wished for by", found.wished_for()),
        ];
        let mut all: Vec<(String, String)> =
            lines.drain(..).map(|(label, text)| (label.to_owned(), text)).collect();
        for waited in &found.approval_waits {
            all.push((
                format!("wait for {}", waited.group),
                format!("{} for {}", times(waited.times), waited.about),
            ));
        }
        all
    }
}
