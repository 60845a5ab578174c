//! One release with everything recorded about it; and the past, page by page.

use serde::Serialize;

use crate::domain::approval::{Approval, Ignored, Question, interested, schedulers, standing};
use crate::domain::deployment::{Deployment, DeploymentKind};
use crate::domain::gate::stage_exit::ExitCheck;
use crate::domain::gate::{self, GateReport, Overrides};
use crate::domain::ids::ReleaseId;
use crate::domain::release::Release;
use crate::domain::signature::{Assurance, Signatures};
use crate::ops::approval::matter;
use crate::ops::delivery::{self, Standing};
use crate::ops::facts::{self, Surroundings, Wish};
use crate::ops::{Ctx, OpError};
use crate::store::{approvals, deployments, pending, releases};

/// A decision and whether it counts now.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    #[serde(flatten)]
    pub approval: Approval,
    /// Why it does not; nothing: it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Ignored>,
    /// What its signature proves, where signatures are looked at and it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
}

impl Decision {
    /// `approved`, and behind it how far that is proven where somebody looks.
    pub fn verdict(&self) -> String {
        match self.assurance {
            Some(assurance) => format!("{} ({assurance})", self.approval.verdict),
            None => self.approval.verdict.to_string(),
        }
    }
}

/// One release, whole.
#[derive(Debug, Clone, Serialize)]
pub struct ReleaseView {
    pub release: Release,
    pub exit: Vec<ExitCheck>,
    /// The gates of each environment of its pipeline, in order; empty once it is over.
    pub reports: Vec<GateReport>,
    pub approvals: Vec<Decision>,
    /// Newest first.
    pub deployments: Vec<Deployment>,
    /// Where its service goes by itself, and how that stands.
    pub deliveries: Vec<Standing>,
}

pub fn release(cx: &Ctx<'_>, id: &ReleaseId) -> Result<ReleaseView, OpError> {
    let service = cx.policy.services.get(&id.service);
    let around = service.map(|service| Surroundings::of(cx, service)).transpose()?;
    let roster = cx.roster();
    let deliveries = match service {
        Some(service) => delivery::of_service(cx, service)?,
        None => Vec::new(),
    };
    cx.store.read(|tx| {
        let release = releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))?;
        let approvals = approvals::list_of(tx, id)?;
        let mut reports = Vec::new();
        if let (Some(service), Some(around), true) = (service, &around, release.is_open()) {
            for env in service.pipeline_of(&release) {
                let overrides = Overrides::default();
                let wish = Wish {
                    release: &release,
                    service,
                    environment: facts::environment(cx, env)?,
                    kind: DeploymentKind::Deploy,
                    actor: cx.actor,
                    starts: false,
                    automatic: false,
                    noop: false,
                    toggle: None,
                    overrides: &overrides,
                    rescue: false,
                    except: None,
                };
                reports.push(gate::evaluate(&facts::for_deploy(tx, cx, &wish, around)?, cx.now));
            }
        }
        let filter = deployments::Filter { release: Some(id.clone()), ..deployments::Filter::default() };
        Ok(ReleaseView {
            deliveries: deliveries.clone(),
            exit: if release.is_open() {
                let none = Signatures::default();
                let signatures = around.as_ref().map_or(&none, |around| &around.signatures);
                facts::stage_exit(tx, cx, &release, &roster, (&approvals, signatures))?
            } else {
                Vec::new()
            },
            reports,
            approvals: judged(cx, &release, around.as_ref(), approvals, &pending::list(tx)?),
            deployments: deployments::list(tx, &filter, 200)?
                .into_iter()
                .map(|d| facts::as_it_stands(cx, d))
                .collect(),
            release,
        })
    })
}

fn judged(
    cx: &Ctx<'_>,
    release: &Release,
    around: Option<&Surroundings>,
    approvals: Vec<Approval>,
    pending: &[Deployment],
) -> Vec<Decision> {
    let roster = cx.roster();
    let judge = |approval: &Approval| {
        // A service or environment that left the configuration: there is nothing to judge by.
        let matter = matter(cx, release, &approval.subject, around?).ok()?;
        let environment = approval.subject.environment();
        let schedulers = environment.map(|env| schedulers(pending, &release.id, env)).unwrap_or_default();
        let question = Question {
            rules: &matter.rules,
            roster: &roster,
            digest: &matter.digest,
            content: &matter.content,
            signing: matter.signing,
            signatures: &around?.signatures,
            interested: &interested(release, schedulers),
            self_approval: matter.self_approval,
            asks: &matter.asks,
            now: cx.now,
        };
        standing(&question, approval)
    };
    let proven = |approval: &Approval| {
        let terms = cx.policy.terms(&approval.subject)?;
        let looks = terms.signing.looks().then_some(around?)?;
        looks.signatures.judge(approval).ok()
    };
    let decision =
        |approval: Approval| Decision { ignored: judge(&approval), assurance: proven(&approval), approval };
    approvals.into_iter().map(decision).collect()
}

/// Ended releases, newest first; `before` continues after the last row of the page before.
pub fn past(cx: &Ctx<'_>, before: Option<&ReleaseId>, limit: u32) -> Result<Vec<Release>, OpError> {
    Ok(cx.store.read(|tx| releases::list_past(tx, before, limit))?)
}

pub fn open(cx: &Ctx<'_>) -> Result<Vec<Release>, OpError> {
    Ok(cx.store.read(releases::list_open)?)
}
