//! The rules in force as one document, and who has confirmed them (ACL-5, APR-28).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actor::{Members, Person};
use super::channel::Channel;
use super::digest::Digest;
use super::policy::{Environment, Policy, Service};
use super::release::{ReleaseKind, Stage};
use super::right::{Grant, Right, Rights};
use super::text::any_of;
use super::time::Timestamp;

/// The rules in force, for programs and for the journal: what gates, people and programs are asked. Nothing of it is
/// secret: of webhooks the host, of variables their names.
pub fn told(policy: &Policy) -> Value {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let env = |env: &Environment| {
        let hours: Vec<&str> = env.hours.iter().map(|rule| rule.text.as_str()).collect();
        json!({
            "name": env.name, "kind": env.kind, "mirrors": env.mirrors, "drift-ignore": env.drift_ignore, "approvals": env.approvals,
            "rollback-approvals": env.rollback_approvals, "approval-ttl-seconds": env.approval_ttl.as_secs(),
            "deployers": groups_of(&env.rights, Right::Deploy), "override": groups_of(&env.rights, Right::Override),
            "rights": lists(&env.rights), "confirm": env.confirm,
            "change-controlled": env.change_controlled, "remind-every-seconds": seconds(env.reminders.every),
            "escalate-after-seconds": seconds(env.reminders.escalate_after), "escalate-to": env.reminders.escalate_to,
            "approval-timeout-seconds": seconds(env.reminders.timeout),
            "four-eyes": env.four_eyes.as_ref().map(|rule| json!({
                "from": rule.from, "exempt": rule.exempt, "ttl-seconds": rule.ttl.as_secs(),
            })),
            "signed-approvals": env.signing, "override-ttl-seconds": env.override_ttl.as_secs(),
            "override-review-seconds": env.override_review.as_secs(), "queue": env.queue,
            "after-failure": if env.holds_after_failure { "wait" } else { "go-on" },
            "one-in-queue": env.one_in_queue, "blocks-outdated": env.blocks_outdated,
            "self-approval": env.self_approval, "newest-only": env.newest_only, "soak-seconds": env.soak.as_secs(), "hours": hours,
        })
    };
    let service = |service: &Service| {
        json!({
            "name": service.name, "pipeline": service.pipeline, "phases": service.pipeline.phases(), "owner": service.owner,
            "working-dir": service.working_dir, "scripts": service.scripts, "strategies": service.strategies,
            "on-failure": service.on_failure, "depends-on": service.depends_on, "deliver": service.deliveries, "monitors": service.monitors, "fields": service.fields, "checks": service.checks, "channels": channels(service),
            "timeout-seconds": seconds(service.timeout), "quiet-timeout-seconds": seconds(service.quiet_timeout),
            "step-timeout-seconds": seconds(service.step_timeout),
            "grace-seconds": service.grace.as_secs(), "pass-env": service.pass_env, "secrets": service.secrets,
            "rights": lists(&service.rights),
            "change-controlled": service.change_controlled, "pre-deploy": service.guards,
        })
    };
    let stage = |stage: &Stage| {
        let rules = policy.stage(*stage);
        json!({
            "stage": stage, "require": rules.require, "approvals": rules.approvals, "checks": rules.checks,
            "checklist": rules.checklist, "statements": rules.statements, "allowed-failures": rules.allowed_failures,
            "mirror-max-age-seconds": seconds(rules.mirror_max_age), "check-ttl-seconds": seconds(rules.check_ttl), "voters": rules.voters,
            "backup-max-age-seconds": seconds(rules.backup_max_age), "bake-seconds": seconds(rules.bake),
            "announce-before-seconds": seconds(rules.announce_before), "approval-ttl-seconds": seconds(rules.approval_ttl),
            "self-approval": rules.self_approval, "signed-approvals": rules.signing,
            "remind-every-seconds": seconds(rules.reminders.every),
            "escalate-after-seconds": seconds(rules.reminders.escalate_after),
            "escalate-to": rules.reminders.escalate_to,
            "approval-timeout-seconds": seconds(rules.reminders.timeout),
        })
    };
    let process = |kind: &ReleaseKind| {
        let process = policy.process(*kind);
        json!({ "kind": kind, "enter": process.enter, "skip": process.skip })
    };
    let groups: serde_json::Map<String, Value> = policy
        .groups
        .iter()
        .map(|(name, members)| (name.clone(), members.iter().map(ToString::to_string).collect()))
        .collect();
    json!({
        "time-zone": policy.zone.name(),
        "readonly": policy.readonly,
        "groups": groups,
        "environments": policy.environments.values().map(env).collect::<Vec<_>>(),
        "services": policy.services.values().map(service).collect::<Vec<_>>(),
        "stages": Stage::ALL.iter().map(stage).collect::<Vec<_>>(),
        "announcements": policy.announcements,
        "process": ReleaseKind::ALL.iter().map(process).collect::<Vec<_>>(),
        "freezes": policy.freezes,
        "rights": lists(&policy.rights),
        "confirm-rules": policy.confirm_rules,
        "trains": policy.trains.values().collect::<Vec<_>>(),
        "allowed-signers": policy.signing.as_ref().map(|files| &files.allowed),
        "revoked-keys": policy.signing.as_ref().and_then(|files| files.revoked.as_ref()),
        "hooks": hooks_as_json(policy),
        "change": policy.change.as_ref().map(|change| {
            json!({
                "system": change.system(), "proceed": change.proceed, "wait": change.wait,
                "create": change.create, "record": change.record, "max-age-seconds": change.max_age.as_secs(),
            })
        }),
    })
}

fn channels(service: &Service) -> Vec<Value> {
    let one = |channel: &Channel| {
        let phases = channel.pipeline.as_ref().map(|own| own.phases().to_vec());
        json!({ "channel": channel.to_string(), "phases": phases, "default": channel.default, "fields": channel.fields })
    };
    service.channels.iter().map(one).collect()
}

fn hooks_as_json(policy: &Policy) -> Vec<Value> {
    policy
        .hooks
        .list
        .iter()
        .map(|hook| {
            json!({
                "hook": hook.key, "events": hook.events, "services": hook.services,
                "environments": hook.environments, "tells": hook.target(),
                "timeout-seconds": hook.timeout.as_secs(),
            })
        })
        .collect()
}

fn groups_of(rights: &Rights, right: Right) -> Vec<String> {
    rights.get(&right).map(Grant::written).unwrap_or_default()
}

/// Right → groups.
fn lists(rights: &Rights) -> Value {
    rights.iter().map(|(right, grant)| (right.to_string(), json!(grant.written()))).collect()
}

/// What somebody stands by: these rules, until they are other ones. Who may confirm the next ones is settled here, so that
/// a change cannot appoint whoever confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    pub file: std::path::PathBuf,
    pub digest: Digest,
    /// `bob`, `%sre`, `*`; empty: from then on nobody confirms anything.
    pub by: Vec<String>,
}

/// Rules that a second person has to confirm, or has confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Who may confirm, as it is written, and who that is here by name.
    pub by: Vec<String>,
    #[serde(skip)]
    pub people: Members,
    /// Who confirmed what is in force, and when.
    pub confirmed: Option<(String, Timestamp)>,
    /// Who was the first to use what is in force, and when; nothing: it is as it was when relman began to look.
    pub brought: Option<(Person, Timestamp)>,
    /// Whose the file is.
    pub owner: u32,
}

impl Standing {
    pub fn is_confirmed(&self) -> bool {
        self.confirmed.is_some()
    }

    /// Those known by name who may confirm.
    pub fn candidates(&self) -> Vec<String> {
        let brought = self.brought.as_ref().map(|(by, _)| by.human());
        self.people.names.iter().filter(|name| Some(name.as_str()) != brought).cloned().collect()
    }

    /// Why this person may not confirm; nothing: they may.
    pub fn bars(&self, person: &Person) -> Option<String> {
        let is_known = !person.is_nameless() && self.people.names.contains(person.human());
        if !is_known && (!self.people.everyone || person.is_nameless()) {
            return Some(format!("{} is none of {}", person.described(), any_of(&self.by)));
        }
        if self.brought.as_ref().is_some_and(|(by, _)| by.is_same_as(person)) {
            return Some(format!(
                "{} was the first to use them: it takes a second person",
                person.described()
            ));
        }
        // Root's file is everybody's and nobody's.
        (self.owner != 0 && self.owner == person.uid)
            .then(|| format!("the file belongs to {}: it takes a second person", person.described()))
    }
}
