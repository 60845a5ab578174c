//! The rules in force as one document, what differs between two of them, and who has confirmed them (ACL-5, APR-28).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::actor::{Members, Person};
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
            "name": env.name, "kind": env.kind, "mirrors": env.mirrors, "approvals": env.approvals,
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
            "on-failure": service.on_failure, "depends-on": service.depends_on, "deliver": service.deliveries,
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
            "checklist": rules.checklist, "approval-ttl-seconds": seconds(rules.approval_ttl),
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

/// One rule that is another one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `environments production approvals`.
    pub rule: String,
    pub before: String,
    pub after: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} \u{2192} {}", self.rule, self.before, self.after)
    }
}

/// Every rule that differs, in the order of their names.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(at: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    match (keyed(before), keyed(after)) {
        (Some(before), Some(after)) => {
            let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let one = |all: &Map<String, Value>| all.get(key).cloned().unwrap_or(Value::Null);
                let name = if at.is_empty() { key.clone() } else { format!("{at} {key}") };
                compare(&name, &one(&before), &one(&after), found);
            }
        }
        _ => {
            let is_time = at.ends_with("-seconds");
            found.push(Difference {
                rule: at.strip_suffix("-seconds").unwrap_or(at).to_owned(),
                before: shown(before, is_time),
                after: shown(after, is_time),
            });
        }
    }
}

/// What has parts with names: an object, or a list of objects that each say what they are called.
fn keyed(value: &Value) -> Option<Map<String, Value>> {
    const NAMES: [&str; 4] = ["name", "stage", "kind", "hook"];
    match value {
        Value::Object(parts) => Some(parts.clone()),
        Value::Array(list) if !list.is_empty() => {
            let name = NAMES.into_iter().find(|name| list.iter().all(|one| one.get(name).is_some()))?;
            let named = list.iter().map(|one| Some((one[name].as_str()?.to_owned(), one.clone())));
            let named: Map<String, Value> = named.collect::<Option<_>>()?;
            // Two of one name cannot be told apart by it.
            (named.len() == list.len()).then_some(named)
        }
        _ => None,
    }
}

fn shown(value: &Value, is_time: bool) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) if is_time => number.as_u64().map_or_else(
            || number.to_string(),
            |secs| humantime::format_duration(Duration::from_secs(secs)).to_string(),
        ),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "nobody and nothing".to_owned(),
        Value::Array(list) => list.iter().map(|one| shown(one, is_time)).collect::<Vec<_>>().join(", "),
        // A rule of approvals, as people say it.
        Value::Object(parts)
            if parts.len() == 2 && parts.contains_key("from") && parts.contains_key("count") =>
        {
            format!("{} of {}", shown(&parts["count"], false), shown(&parts["from"], false))
        }
        Value::Object(parts) => {
            let said = parts.iter().filter(|(_, value)| !is_empty(value));
            let said: Vec<String> =
                said.map(|(key, value)| format!("{key} {}", shown(value, false))).collect();
            if said.is_empty() { "nothing".to_owned() } else { format!("({})", said.join(", ")) }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said_with_its_place_and_in_words() {
        let before = json!({
            "environments": [
                { "name": "dev", "soak-seconds": 0 },
                { "name": "production", "soak-seconds": 3600, "approvals": [{ "from": "rm", "count": 2 }], "confirm": true },
            ],
            "groups": { "rm": ["bob"] },
            "change": null,
        });
        let after = json!({
            "environments": [
                { "name": "production", "soak-seconds": 90, "approvals": [], "confirm": false },
                { "name": "dev", "soak-seconds": 0 },
            ],
            "groups": { "rm": ["bob", "mallory"] },
            "change": { "system": "./itsm.sh", "record": false },
        });
        let lines: Vec<String> = differences(&before, &after).iter().map(ToString::to_string).collect();
        let expected = [
            "change: nothing \u{2192} (system ./itsm.sh)",
            "environments production approvals: 2 of rm \u{2192} nobody and nothing",
            "environments production confirm: yes \u{2192} no",
            "environments production soak: 1h \u{2192} 1m 30s",
            "groups rm: bob \u{2192} bob, mallory",
        ];
        assert_eq!(lines, expected);
        assert_eq!(differences(&after, &after), []);
    }

    #[test]
    fn what_is_new_or_gone_as_a_whole_is_said_by_its_parts() {
        let one = json!({ "services": [{ "name": "api", "owner": "web" }] });
        let two =
            json!({ "services": [{ "name": "api", "owner": "web" }, { "name": "web", "owner": "web" }] });
        let said = differences(&one, &two);
        assert_eq!(said.len(), 1);
        assert_eq!((said[0].rule.as_str(), said[0].before.as_str()), ("services web", "nothing"));
        assert!(said[0].after.contains("owner web"), "{said:?}");
    }
}
