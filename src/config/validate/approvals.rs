//! What is said about decisions beside the rules themselves, for the exit of a stage as for an environment; and policies
//! that nobody could meet, as far as the file alone tells (APR-4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Checker;
use crate::config::raw::RawStage;
use crate::domain::approval::ApprovalSubject;
use crate::domain::checklist::Item;
use crate::domain::delivery::Delivery;
use crate::domain::policy::{Environment, Member, Policy, Rule, Service, StageGate, StageRules};
use crate::domain::release::Stage;
use crate::domain::release::preparation::{Occasion, PLACEHOLDERS};
use crate::domain::seats::shortage;

/// The keys about decisions that a stage shares with the environments.
const TERMS: [&str; 7] = [
    "approval-ttl",
    "self-approval",
    "signed-approvals",
    "remind-every",
    "escalate-after",
    "escalate-to",
    "approval-timeout",
];

/// A policy with the place it is written in.
struct Written<'a> {
    keys: Vec<String>,
    rules: &'a [Rule],
    self_approval: bool,
}

impl Checker {
    /// Stages whose exit people decide about, as they are written.
    pub(super) const DECIDED: [Stage; 3] = [Stage::Request, Stage::Test, Stage::Review];

    /// What a stage asks, where its gates have been read.
    pub(super) fn stage_rules(
        &mut self,
        stage: Stage,
        require: BTreeSet<StageGate>,
        raw: RawStage,
    ) -> StageRules {
        let at = |key: &str| keys!["stages", stage, key].to_vec();
        self.terms_without_decisions(stage, &raw);
        let reminders = self.reminders(
            &at,
            [raw.remind_every.as_ref(), raw.escalate_after.as_ref(), raw.approval_timeout.as_ref()],
            &raw.escalate_to,
            !raw.approvals.is_empty(),
        );
        StageRules {
            require,
            approvals: self.rules(&at("approvals"), &raw.approvals),
            approval_ttl: self.limit_of_approvals(&at("approval-ttl"), raw.approval_ttl.as_ref()),
            self_approval: raw.self_approval.unwrap_or(false),
            signing: self.sign_policy(&at("signed-approvals"), raw.signed_approvals.as_deref()),
            reminders,
            check_ttl: self.limit(&at("check-ttl"), raw.check_ttl.as_ref()),
            backup_max_age: self.limit(&at("backup-max-age"), raw.backup_max_age.as_ref()),
            bake: self.limit(&at("bake"), raw.bake.as_ref()),
            announce_before: self.duration(&at("announce-before"), raw.announce_before.as_ref()),
            mirror_max_age: self.limit(&at("mirror-max-age"), raw.mirror_max_age.as_ref()),
            voters: self.voters(&at("voters"), raw.voters),
            checks: raw.checks,
            allowed_failures: raw.allowed_failures,
            statements: raw.statements,
            checklist: self.checklist(&at("checklist"), raw.checklist),
        }
    }

    /// Items that people tick, as texts, and those with a command or an age, as tables.
    fn checklist(&mut self, keys: &[String], raw: Vec<toml::Value>) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for (at, value) in raw.into_iter().enumerate() {
            let own = [keys, keys![at]].concat();
            let known = "write \"Runbook written\", or { item = \"…\", command = [\"./check.sh\"], max-age = \"6h\" }";
            let item = match value {
                toml::Value::String(name) => Item::plain(name),
                toml::Value::Table(table) => match self.item(&own, &table) {
                    Some(item) => item,
                    None => continue,
                },
                _ => {
                    self.hinted(&own, "an item is a text or a table", Some(known.to_owned()));
                    continue;
                }
            };
            match items.iter().any(|other| other.name == item.name) {
                true => self.error(&own, format!("{} stands there twice", item.name)),
                false => items.push(item),
            }
        }
        items
    }

    fn item(&mut self, own: &[String], table: &toml::Table) -> Option<Item> {
        let at = |key: &str| [own, keys![key]].concat();
        for key in table.keys().filter(|key| !matches!(key.as_str(), "item" | "command" | "max-age")) {
            self.hinted(
                &at(key),
                format!("{key} is not known here"),
                Some("known: item, command, max-age".to_owned()),
            );
        }
        let Some(name) = table.get("item").and_then(toml::Value::as_str) else {
            self.error(own, "an item needs its name: item = \"…\"");
            return None;
        };
        let texts = |value: &toml::Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let command = match table.get("command") {
            None => None,
            Some(value) => match texts(value).filter(|words| !words.is_empty()) {
                Some(words) => {
                    self.argv(&at("command"), &words);
                    Some(words)
                }
                None => {
                    self.error(
                        &at("command"),
                        "a command is a list of texts: [\"./check.sh\", \"argument\"]",
                    );
                    None
                }
            },
        };
        let age = table.get("max-age").and_then(toml::Value::as_str).map(str::to_owned);
        if table.contains_key("max-age") && age.is_none() {
            self.error(&at("max-age"), "write an age as a text: \"6h\"");
        }
        Some(Item { name: name.to_owned(), command, max_age: self.limit(&at("max-age"), age.as_ref()) })
    }

    /// Templates, with placeholders that are known only.
    pub(super) fn announcements(&mut self, raw: BTreeMap<String, String>) -> BTreeMap<Occasion, String> {
        let mut known = BTreeMap::new();
        for (name, text) in raw {
            let keys = keys!["announcements", name];
            let is_one = self.one_of(keys, &name, &Occasion::ALL.map(Occasion::as_str));
            let strange = text.split('{').skip(1).find_map(|rest| {
                let name = format!("{{{}}}", rest.split('}').next().filter(|_| rest.contains('}'))?);
                (!PLACEHOLDERS.contains(&name.as_str())).then_some(name)
            });
            if let Some(strange) = strange {
                let hint = Some(format!("there are: {}", PLACEHOLDERS.join(" ")));
                self.hinted(keys, format!("{strange} stands for nothing"), hint);
            }
            if let Ok(occasion) = name.parse()
                && is_one
            {
                known.insert(occasion, text);
            }
        }
        known
    }

    /// Groups that are asked whether a release shall go.
    fn voters(&mut self, keys: &[String], groups: Vec<String>) -> Vec<String> {
        for (index, group) in groups.iter().enumerate() {
            self.group(&[keys, keys![index]].concat(), group);
        }
        groups
    }

    fn limit_of_approvals(&mut self, keys: &[String], text: Option<&String>) -> Option<Duration> {
        let ttl = self.duration(keys, text)?;
        if ttl.is_zero() {
            let hint = "take the line out: then they count until what they are about changes".to_owned();
            self.hinted(keys, "after no time at all no approval would ever count", Some(hint));
        }
        Some(ttl)
    }

    /// Words about decisions where nobody decides would only look like a protection.
    fn terms_without_decisions(&mut self, stage: Stage, raw: &RawStage) {
        let set = [
            raw.approval_ttl.is_some(),
            raw.self_approval.is_some(),
            raw.signed_approvals.is_some(),
            raw.remind_every.is_some(),
            raw.escalate_after.is_some(),
            !raw.escalate_to.is_empty(),
            raw.approval_timeout.is_some(),
        ];
        let is_decided = ApprovalSubject::of_stage(stage).is_some();
        for (key, _) in TERMS.into_iter().zip(set).filter(|(_, set)| *set) {
            let keys = keys!["stages", stage, key];
            if !is_decided {
                let places = Self::DECIDED.map(|stage| format!("[stages.{stage}]")).join(" or ");
                self.error(keys, format!("{key} belongs into {places}: nobody approves anything here"));
            } else if raw.approvals.is_empty() && TERMS[..3].contains(&key) {
                // The same about reminders is said with them.
                self.warning(keys, "nothing is approved here: it has no effect");
            }
        }
    }

    /// Policies nobody could ever meet: each rule by itself, then all of them together.
    pub(super) fn rules_nobody_meets(&mut self, policy: &Policy) {
        let of_environments = policy.environments.values().flat_map(|env| {
            [("approvals", &env.approvals), ("rollback-approvals", &env.rollback_approvals)].map(
                |(key, rules)| Written {
                    keys: keys!["environments", env.name, key].to_vec(),
                    rules,
                    self_approval: env.self_approval,
                },
            )
        });
        let of_stages = policy.stages.iter().map(|(stage, rules)| Written {
            keys: keys!["stages", stage, "approvals"].to_vec(),
            rules: &rules.approvals,
            self_approval: rules.self_approval,
        });
        let found: Vec<(Vec<String>, String)> = of_environments
            .chain(of_stages)
            .flat_map(|written| {
                let alone =
                    written.rules.iter().filter_map(|rule| unmet(policy, rule, written.self_approval));
                let alone: Vec<String> = alone.collect();
                let all = match alone.is_empty() {
                    true => together(policy, &written).into_iter().collect(),
                    false => alone,
                };
                all.into_iter().map(move |why| (written.keys.clone(), why))
            })
            .collect();
        for (keys, why) in found {
            self.warning(&keys, why);
        }
    }
}

impl Checker {
    /// What goes somewhere by itself and still waits for people there (APR-23): said, so that nobody is surprised.
    pub(super) fn deliveries_that_wait(&mut self, policy: &Policy) {
        for service in policy.services.values() {
            for delivery in service.deliveries.values() {
                if let Some(env) = policy.environments.get(&delivery.environment) {
                    self.delivery_waits(policy, service, delivery, env);
                }
            }
        }
    }

    fn delivery_waits(&mut self, policy: &Policy, service: &Service, delivery: &Delivery, env: &Environment) {
        let (keys, name) = (keys!["services", service.name, "deliver", env.name], &env.name);
        let is_in = |group: &String| {
            named(policy, group).is_none_or(|all| all.contains(&delivery.conductor.as_str()))
        };
        if env.four_eyes.as_ref().is_some_and(|rule| !rule.exempt.iter().any(is_in)) {
            let why = "a second person confirms each start live, which a start by itself never has";
            self.warning(keys, format!("nothing is ever delivered to {name}: {why} (four-eyes)"));
        }
        if env.approvals.is_empty() {
            return;
        }
        let conductor = delivery.conductor.as_str();
        let others = |group: &str| {
            let counts = |one: &&str| env.self_approval || *one != conductor;
            named(policy, group).map(|all| all.into_iter().filter(counts).collect())
        };
        match shortage(&env.approvals, others) {
            Some(short) => {
                let why = "who starts it may not approve it";
                self.warning(
                    keys,
                    format!("nothing is ever delivered to {name} by {conductor}: {short}; {why}"),
                );
            }
            None => {
                let own = match env.self_approval {
                    true => String::new(),
                    false => format!("; an approval of {conductor} does not count, as {conductor} starts it"),
                };
                let waits = "what is delivered waits until it is approved there, and then begins by itself";
                self.note(keys, format!("{name} asks for approvals: {waits}{own}"));
            }
        }
    }
}

/// Who is in a group by name; nothing: the file alone does not tell.
fn named<'a>(policy: &'a Policy, group: &str) -> Option<Vec<&'a str>> {
    let members = policy.groups.get(group)?.iter();
    let name = |member: &'a Member| match member {
        Member::User(name) => Some(name.as_str()),
        Member::Everyone | Member::UnixGroup(_) => None,
    };
    members.map(name).collect()
}

/// Why rules that each could be met cannot be met together, one person for one rule.
fn together(policy: &Policy, written: &Written<'_>) -> Option<String> {
    if let Some(short) = shortage(written.rules, |group| named(policy, group)) {
        return Some(format!("nobody could ever approve this: {short}, and one person counts for one rule"));
    }
    if written.self_approval {
        return None;
    }
    let mut people: Vec<&str> =
        written.rules.iter().filter_map(|rule| named(policy, &rule.from)).flatten().collect();
    people.sort_unstable();
    people.dedup();
    let is_needed = |name: &&str| {
        let others =
            |group: &str| named(policy, group).map(|all| all.into_iter().filter(|one| one != name).collect());
        shortage(written.rules, others).is_some()
    };
    let needed: Vec<&str> = people.into_iter().filter(is_needed).collect();
    (!needed.is_empty()).then(|| {
        let who = needed.join(" or ");
        format!("when {who} made the release, not enough are left: an own approval does not count")
    })
}

fn counted(people: usize) -> String {
    match people {
        0 => "nobody in it".to_owned(),
        1 => "1 person".to_owned(),
        more => format!("{more} people"),
    }
}

fn unmet(policy: &Policy, rule: &Rule, self_approval: bool) -> Option<String> {
    let people = named(policy, &rule.from)?.len();
    let wanted = usize::from(rule.count);
    if people > wanted || (people == wanted && self_approval) {
        return None;
    }
    Some(match people < wanted {
        true => format!("{} has {}, the rule wants {wanted}", rule.from, counted(people)),
        false => {
            let people = counted(people);
            format!("{} has {people}; when one of them made the release, not enough are left", rule.from)
        }
    })
}
