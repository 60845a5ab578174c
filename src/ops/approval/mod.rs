//! Verbs on approvals: decide, withdraw; and what a decision is bound to.

pub mod decide;
pub mod sign;
pub mod signatures;
pub mod withdraw;

use super::{Ctx, OpError, facts};
use crate::domain::approval::ApprovalSubject;
use crate::domain::digest::Digest;
use crate::domain::policy::Rule;
use crate::domain::release::{Release, Stage};
use crate::domain::signature::SignPolicy;
use crate::domain::subject::{canonical_json, request_digest, sign_off_content, sign_off_digest};

/// What a decision about a subject would be bound to, and the rules it serves.
pub(super) struct Matter {
    pub rules: Vec<Rule>,
    pub digest: Digest,
    pub content: String,
    pub self_approval: bool,
    pub ttl: Option<std::time::Duration>,
    pub signing: SignPolicy,
}

pub(super) fn matter(
    cx: &Ctx<'_>,
    release: &Release,
    subject: &ApprovalSubject,
    around: &facts::Surroundings,
) -> Result<Matter, OpError> {
    let of_stage = |stage: Stage, digest: Digest, content: String| Matter {
        rules: cx.policy.stage(stage).approvals.clone(),
        digest,
        content,
        self_approval: false,
        ttl: None,
        signing: SignPolicy::Off,
    };
    match subject {
        ApprovalSubject::Request => {
            Ok(of_stage(Stage::Request, request_digest(release), canonical_json(&release.request)))
        }
        ApprovalSubject::SignOff => {
            Ok(of_stage(Stage::Test, sign_off_digest(release), sign_off_content(release)))
        }
        ApprovalSubject::Environment(name) => {
            let env = facts::environment(cx, name)?;
            let service = cx.service(&release.id.service)?;
            if !service.pipeline.contains(name) {
                return Err(OpError::not_in_pipeline(service, name));
            }
            let content = facts::subject(release, service, name, &around.scripts);
            Ok(Matter {
                // One decision serves a deployment and a rollback; each counts its own rules.
                rules: env.approvals.iter().chain(&env.rollback_approvals).cloned().collect(),
                digest: content.digest(),
                content: content.canonical(),
                self_approval: env.self_approval,
                ttl: Some(env.approval_ttl),
                signing: env.signing,
            })
        }
    }
}
