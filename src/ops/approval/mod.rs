//! Verbs on approvals: decide, withdraw.

pub mod decide;
pub mod withdraw;

use super::{Ctx, OpError, facts};
use crate::domain::approval::ApprovalSubject;
use crate::domain::digest::Digest;
use crate::domain::ids::EnvName;
use crate::domain::policy::Rule;
use crate::domain::release::{Release, Stage};
use crate::domain::subject::{canonical_json, request_digest};

/// What a decision about `subject` would be bound to, and the rules it serves.
pub(super) struct Matter {
    pub rules: Vec<Rule>,
    pub digest: Digest,
    pub content: String,
    pub self_approval: bool,
    pub ttl: Option<std::time::Duration>,
}

/// `None` is the request itself, otherwise the environment of that name.
pub fn subject_of(env: Option<&EnvName>) -> ApprovalSubject {
    env.map_or(ApprovalSubject::Request, |env| ApprovalSubject::Environment(env.clone()))
}

pub(super) fn matter(
    cx: &Ctx<'_>,
    release: &Release,
    subject: &ApprovalSubject,
    around: &facts::Surroundings,
) -> Result<Matter, OpError> {
    match subject {
        ApprovalSubject::Request => Ok(Matter {
            rules: cx.policy.stage(Stage::Request).approvals.clone(),
            digest: request_digest(release),
            content: canonical_json(&release.request),
            self_approval: false,
            ttl: None,
        }),
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
            })
        }
    }
}
