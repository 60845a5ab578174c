//! Verbs on approvals: ask anew, decide, withdraw; and what a decision is bound to.

pub mod ask;
pub mod decide;
pub mod older;
pub mod sign;
pub mod signatures;
pub mod withdraw;

use super::{Ctx, OpError, facts};
use crate::domain::approval::ApprovalSubject;
use crate::domain::digest::Digest;
use crate::domain::policy::Rule;
use crate::domain::prompt::{AskedOf, Prompt};
use crate::domain::release::Release;
use crate::domain::signature::SignPolicy;
use crate::domain::subject::of_stage;
use crate::domain::terms::Terms;

/// What a decision about a subject would be bound to, and the rules it serves.
pub(super) struct Matter {
    pub rules: Vec<Rule>,
    pub digest: Digest,
    pub content: String,
    pub self_approval: bool,
    pub ttl: Option<std::time::Duration>,
    pub signing: SignPolicy,
    /// What is asked of who says yes.
    pub asks: Vec<Prompt>,
    /// Whether all of that must be answered: a decision that also serves a rollback may leave it open.
    pub must_answer: bool,
}

pub(super) fn matter(
    cx: &Ctx<'_>,
    release: &Release,
    subject: &ApprovalSubject,
    around: &facts::Surroundings,
) -> Result<Matter, OpError> {
    let Some(name) = subject.environment() else {
        let asked = (of_stage(release, subject), subject.stage(), cx.policy.terms(subject));
        let (Some((digest, content)), Some(stage), Some(terms)) = asked else {
            return Err(OpError::not_found(format!("decision about {}", subject.as_text())));
        };
        let rules = Rule::asked(&cx.policy.stage(stage).approvals, release.weighed_risk());
        let Terms { self_approval, ttl, signing, .. } = terms;
        return Ok(Matter {
            rules,
            digest,
            content,
            self_approval,
            ttl,
            signing,
            asks: Vec::new(),
            must_answer: true,
        });
    };
    let env = facts::environment(cx, name)?;
    let service = cx.service(&release.id.service)?;
    if !service.pipeline.contains(name) {
        return Err(OpError::not_in_pipeline(service, name));
    }
    if !service.leads_there(release, name) {
        return Err(OpError::not_in_channel(service, release, name));
    }
    let content = facts::subject(release, service, name, &around.scripts);
    Ok(Matter {
        // One decision serves a deployment and a rollback; each counts its own rules.
        rules: [&env.approvals, &env.rollback_approvals]
            .into_iter()
            .flat_map(|rules| Rule::asked(rules, release.weighed_risk()))
            .collect(),
        digest: content.digest(),
        content: content.canonical(),
        self_approval: env.self_approval,
        ttl: Some(env.approval_ttl),
        signing: env.signing,
        asks: AskedOf::Approver.of(&service.prompts),
        must_answer: env.rollback_approvals.is_empty(),
    })
}
