//! On what terms decisions about a subject count: for how long, whose, signed or not. The same for an environment and for
//! the exit of a stage.

use std::time::Duration;

use super::approval::ApprovalSubject;
use super::policy::{Policy, Reminders};
use super::signature::SignPolicy;

/// What `[environments.E]` or `[stages.S]` says about decisions beside the rules themselves.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How long an approval counts; nothing: until what it is about changes.
    pub ttl: Option<Duration>,
    /// Whether who requested, created or scheduled it may approve it.
    pub self_approval: bool,
    pub signing: SignPolicy,
    pub reminders: &'a Reminders,
}

impl Policy {
    /// Nothing: there is no such environment here.
    pub fn terms(&self, subject: &ApprovalSubject) -> Option<Terms<'_>> {
        if let Some(stage) = subject.stage() {
            let rules = self.stage(stage);
            return Some(Terms {
                ttl: rules.approval_ttl,
                self_approval: rules.self_approval,
                signing: rules.signing,
                reminders: &rules.reminders,
            });
        }
        let env = self.environments.get(subject.environment()?)?;
        Some(Terms {
            ttl: Some(env.approval_ttl),
            self_approval: env.self_approval,
            signing: env.signing,
            reminders: &env.reminders,
        })
    }

    /// All the reminders there are, of whatever they remind.
    pub fn all_reminders(&self) -> impl Iterator<Item = &Reminders> {
        let of_environments = self.environments.values().map(|env| &env.reminders);
        of_environments.chain(self.stages.values().map(|rules| &rules.reminders))
    }
}
