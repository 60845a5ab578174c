//! What was written → what it means. Collects every finding instead of stopping at the first.

/// The path of keys to a finding.
macro_rules! keys {
    ($($key:expr),* $(,)?) => { &[$($key.to_string()),*] };
}

mod approvals;
mod change;
mod channel;
mod delivery;
mod extra;
mod four_eyes;
mod freeze;
mod hook;
mod lint;
mod monitor;
mod pipeline;
mod rights;
mod service;
mod signing;
mod strategy;
mod train;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::Config;
use super::panes::{self, Panes, Sections};
use super::problem::{Finding, Severity};
use super::raw::{Raw, RawEnvironment, RawProcess, RawRule, RawStage};
use crate::domain::approval::{REQUEST, REVIEW_SIGN_OFF, SIGN_OFF};
use crate::domain::digest::Digest;
use crate::domain::gate::GateId;
use crate::domain::hours::OpenHours;
use crate::domain::ids::{BadName, EnvName};
use crate::domain::override_review;
use crate::domain::policy::{
    EnvKind, Environment, Member, Policy, Process, Reminders, Rule, StageGate, StageRules,
};
use crate::domain::release::Level;
use crate::domain::release::{ReleaseKind, Stage};
use crate::domain::right::Right;
use crate::domain::text::did_you_mean;
use crate::domain::time::{Tz, parse_duration, parse_zone};
use crate::domain::version_template::Template;
use crate::domain::wait::QueueOrder;

/// Default time an approval counts for in a production environment (SPEC 5).
const APPROVAL_TTL: Duration = Duration::from_secs(8 * 3600);
const DAY: Duration = Duration::from_secs(86_400);
const GRACE: Duration = Duration::from_secs(10);

pub(super) struct Checker {
    base: PathBuf,
    path: PathBuf,
    pub findings: Vec<Finding>,
    groups: BTreeSet<String>,
    environments: BTreeSet<String>,
    services: BTreeSet<String>,
    zone: Tz,
    approval_ttl: Duration,
}

impl Checker {
    pub(super) fn new(path: &Path) -> Self {
        let base = path.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        Self {
            base,
            path: path.to_path_buf(),
            findings: Vec::new(),
            groups: BTreeSet::new(),
            environments: BTreeSet::new(),
            services: BTreeSet::new(),
            zone: Tz::UTC,
            approval_ttl: APPROVAL_TTL,
        }
    }

    fn error(&mut self, keys: &[String], message: impl ToString) {
        self.hinted(keys, message, None);
    }

    fn hinted(&mut self, keys: &[String], message: impl ToString, hint: Option<String>) {
        let finding =
            Finding { severity: Severity::Error, keys: keys.to_vec(), message: message.to_string(), hint };
        self.findings.push(finding);
    }

    fn warning(&mut self, keys: &[String], message: impl ToString) {
        self.found(Severity::Warning, keys, message);
    }

    /// Said by `relman config check` only: it is no mistake, but nothing comes of it yet.
    fn note(&mut self, keys: &[String], message: impl ToString) {
        self.found(Severity::Note, keys, message);
    }

    fn found(&mut self, severity: Severity, keys: &[String], message: impl ToString) {
        let finding = Finding { severity, keys: keys.to_vec(), message: message.to_string(), hint: None };
        self.findings.push(finding);
    }

    fn parsed<T: FromStr<Err: ToString>>(&mut self, keys: &[String], text: &str) -> Option<T> {
        text.parse().map_err(|why: T::Err| self.error(keys, why)).ok()
    }

    fn duration(&mut self, keys: &[String], text: Option<&String>) -> Option<Duration> {
        parse_duration(text?).map_err(|why| self.error(keys, why)).ok()
    }

    fn version_template(&mut self, keys: &[String], text: Option<&str>) -> Option<Template> {
        text?.parse().map_err(|why: BadName| self.error(keys, why)).ok()
    }

    /// A time after which something is stopped.
    fn limit(&mut self, keys: &[String], text: Option<&String>) -> Option<Duration> {
        let limit = self.duration(keys, text)?;
        if limit.is_zero() {
            let hint = Some("take the line out: then there is no limit".to_owned());
            self.hinted(keys, "after no time at all every script would be stopped", hint);
        }
        Some(limit)
    }

    /// A word out of a closed list, with a suggestion.
    fn one_of(&mut self, keys: &[String], word: &str, known: &[&str]) -> bool {
        if known.contains(&word) {
            return true;
        }
        let hint = match did_you_mean(word, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("use one of {}", known.join(", ")),
        };
        let shown = crate::domain::text::quoted(word, 40);
        self.hinted(keys, format!("{shown} is not known here"), Some(hint));
        false
    }

    fn group(&mut self, keys: &[String], name: &str) {
        let known: Vec<String> = self.groups.iter().cloned().collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        if !known.contains(&name) {
            let hint = match did_you_mean(name, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("add it to [groups]; there are: {}", known.join(", ")),
            };
            let shown = crate::domain::text::quoted(name, 40);
            self.hinted(keys, format!("there is no group {shown}"), Some(hint));
        }
    }

    fn environment_name(&mut self, keys: &[String], name: &str) -> Option<EnvName> {
        let known: Vec<String> = self.environments.iter().cloned().collect();
        if !known.iter().any(|known| known == name) {
            let hint = match did_you_mean(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("add [environments.NAME]; there are: {}", known.join(", ")),
            };
            let shown = crate::domain::text::quoted(name, 40);
            self.hinted(keys, format!("there is no environment {shown}"), Some(hint));
            return None;
        }
        name.parse().ok()
    }

    /// The whole file. `None` only together with at least one error.
    pub(super) fn config(&mut self, raw: Raw) -> Option<Config> {
        self.clock(raw.relman.time_zone.as_ref());
        if let Some(ttl) = self.duration(keys!["relman", "approval-ttl"], raw.relman.approval_ttl.as_ref()) {
            self.approval_ttl = ttl;
        }
        let log_retention = self.log_retention(raw.relman.log_retention.as_ref());
        let database = raw.relman.database.as_deref().unwrap_or(".relman/relman.db");
        self.refuse_servers(database);
        if raw.environments.is_empty() {
            self.error(&[], "there is no environment; add at least one [environments.NAME]");
        }
        if raw.services.is_empty() {
            self.error(&[], "there is no service; add at least one [services.NAME]");
        }
        self.groups = raw.groups.keys().cloned().collect();
        self.environments = raw.environments.keys().cloned().collect();
        self.services = raw.services.keys().cloned().collect();
        let groups = raw.groups.into_iter().map(|(name, members)| self.members(name, members)).collect();
        let environments =
            raw.environments.into_iter().filter_map(|(name, env)| self.environment(&name, env));
        let environments: BTreeMap<EnvName, Environment> =
            environments.collect::<Vec<_>>().into_iter().map(|env| (env.name.clone(), env)).collect();
        let mut services = BTreeMap::new();
        for (name, service) in raw.services {
            services.extend(self.service(&name, service).map(|service| (service.name.clone(), service)));
        }
        let stages: BTreeMap<Stage, StageRules> =
            raw.stages.into_iter().filter_map(|(name, stage)| self.stage(&name, stage)).collect();
        let mut processes = BTreeMap::new();
        for (name, process) in raw.process {
            processes.extend(self.process(&name, process));
        }
        let freezes =
            raw.freezes.into_iter().enumerate().filter_map(|(at, freeze)| self.freeze(at, freeze)).collect();
        let mut trains = BTreeMap::new();
        for (name, train) in raw.trains {
            trains.extend(self.train(&name, train).map(|train| (train.name.clone(), train)));
        }
        let signing = self.key_files(&raw.relman, environments.values(), &stages);
        let rights = self.rights(rights::Section::General, raw.rights);
        self.confirmers(&raw.relman.confirm_rules);
        let (hooks, guards) = self.hooks(raw.hooks.unwrap_or_default());
        for service in services.values_mut() {
            let own = guards.iter().filter(|guard| guard.asks_about(&service.name));
            service.guards = own.cloned().collect();
        }
        let change = raw.change.and_then(|change| self.change(change));
        let policy = Policy {
            zone: self.zone,
            readonly: raw.relman.readonly,
            groups,
            environments,
            services,
            stages,
            announcements: self.announcements(raw.announcements),
            processes,
            freezes,
            trains,
            signing,
            rights,
            confirm_rules: raw.relman.confirm_rules,
            hooks,
            change,
            bell: raw.relman.bell.unwrap_or(true),
        };
        self.lint(&policy);
        let database = self.base.join(database);
        Some(Config {
            path: self.path.clone(),
            database,
            stamp: crate::config::Stamp::default(),
            log_retention,
            service_user: self.service_user(raw.relman.service_user),
            digest: Digest::of(b""),
            owner: 0,
            policy,
            panes: self.look(Sections { keys: raw.keys, theme: raw.theme, panes: raw.panes }),
            warnings: Vec::new(),
            notes: Vec::new(),
        })
    }

    fn look(&mut self, sections: Sections) -> Panes {
        panes::read(&self.path, sections, &mut self.findings)
    }

    fn confirmers(&mut self, groups: &[String]) {
        for (index, group) in groups.iter().enumerate() {
            self.group(keys!["relman", "confirm-rules", index], group);
        }
    }

    fn log_retention(&mut self, text: Option<&String>) -> Option<Duration> {
        let keys = keys!["relman", "log-retention"];
        let retention = self.duration(keys, text)?;
        if retention < DAY {
            let hint = "write a day or more, such as log-retention = \"90d\"".to_owned();
            self.hinted(
                keys,
                "logs are evidence: less than a day would take away what is still looked at",
                Some(hint),
            );
        }
        Some(retention)
    }

    fn clock(&mut self, zone: Option<&String>) {
        match zone.map(|zone| parse_zone(zone)) {
            Some(Ok(zone)) => self.zone = zone,
            Some(Err(why)) => self.error(keys!["relman", "time-zone"], why),
            None => {}
        }
    }

    fn refuse_servers(&mut self, database: &str) {
        if database.starts_with("postgres:") || database.starts_with("postgresql:") {
            let why = "this version keeps its store in an SQLite file; name a path";
            self.error(keys!["relman", "database"], why);
        }
    }

    fn members(&mut self, name: String, members: Vec<String>) -> (String, Vec<Member>) {
        let mut known = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let keys = keys!["groups", name, at];
            let bare = member.strip_prefix('%').unwrap_or(member);
            let sound = !bare.is_empty()
                && bare.len() <= 64
                && bare
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '+'));
            match (member.as_str(), sound) {
                ("*", _) => known.push(Member::Everyone),
                (_, false) => {
                    let shown = crate::domain::text::quoted(member, 40);
                    let hint = "write a Unix user, %group for a Unix group, or * for everyone".to_owned();
                    self.hinted(keys, format!("{shown} is neither a user nor a group"), Some(hint));
                }
                (_, true) if member.starts_with('%') => known.push(Member::UnixGroup(bare.to_owned())),
                (_, true) => known.push(Member::User(bare.to_owned())),
            }
        }
        if members.is_empty() {
            self.warning(keys!["groups", name], format!("group {name} is empty: nobody can act for it"));
        }
        (name, known)
    }

    fn rules(&mut self, keys: &[String], rules: &[RawRule]) -> Vec<Rule> {
        let mut known = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let own: Vec<String> = keys.iter().cloned().chain([at.to_string()]).collect();
            self.group(&[&own[..], keys!["from"]].concat(), &rule.from);
            match u8::try_from(rule.count) {
                Ok(count) if count > 0 => {
                    let risk = rule.risk.as_deref().filter(|risk| {
                        self.one_of(&[&own[..], keys!["risk"]].concat(), risk, &Level::ALL.map(Level::as_str))
                    });
                    let risk = risk.and_then(|risk| risk.parse().ok());
                    known.push(Rule { from: rule.from.clone(), count, risk });
                }
                _ => self.error(&[&own[..], keys!["count"]].concat(), "a count is a number from 1 to 255"),
            }
        }
        known
    }

    /// What an environment is, by its own word or, for the plainest names, by its name.
    fn kind(&mut self, name: &str, wanted: Option<&str>) -> Option<EnvKind> {
        match wanted {
            Some(kind) => {
                self.one_of(keys!["environments", name, "kind"], kind, &EnvKind::ALL.map(EnvKind::as_str));
                kind.parse().ok()
            }
            None if matches!(name, "production" | "prod" | "live") => Some(EnvKind::Production),
            None => {
                if name.contains("prod") || name.contains("live") {
                    let why = "has no kind, so it is not protected like production; write kind = \"production\", or \
                               kind = \"development\" if that is meant";
                    self.warning(keys!["environments", name], format!("{name} {why}"));
                }
                Some(EnvKind::Development)
            }
        }
    }

    fn environment(&mut self, name: &str, raw: RawEnvironment) -> Option<Environment> {
        let at =
            |key: &str| -> Vec<String> { vec!["environments".to_owned(), name.to_owned(), key.to_owned()] };
        let env: Option<EnvName> = self.parsed(keys!["environments", name], name);
        if [REQUEST, SIGN_OFF, REVIEW_SIGN_OFF].contains(&name) {
            self.error(
                keys!["environments", name],
                format!(
                    "an environment cannot be called {name}: other approvals of a release go by that name"
                ),
            );
        }
        let kind = self.kind(name, raw.kind.as_deref());
        let times = [raw.remind_every.as_ref(), raw.escalate_after.as_ref(), raw.approval_timeout.as_ref()];
        let reminders = self.reminders(&at, times, &raw.escalate_to, !raw.approvals.is_empty());
        let short = [
            (Right::Deploy, raw.deployers),
            (Right::Override, raw.r#override),
            (Right::PromoteFull, raw.promote_full),
        ];
        let rights = self.rights_of_environment(name, raw.rights, short);
        let mirrors = raw.mirrors.as_ref().and_then(|other| self.environment_name(&at("mirrors"), other));
        if let Some(other) = &raw.mirrored_by {
            self.environment_name(&at("mirrored-by"), other);
        }
        if raw.mirrored_by.is_some() {
            self.note(&at("mirrored-by"), "the other environment says it: mirrors there is what counts");
        }
        let confirm = match raw.confirm.as_deref() {
            None => kind == Some(EnvKind::Production),
            Some("version") => true,
            Some("none") => false,
            Some(other) => {
                self.one_of(&at("confirm"), other, &["version", "none"]);
                false
            }
        };
        let signing = self.sign_policy(&at("signed-approvals"), raw.signed_approvals.as_deref());
        let hours = self.hours(&at("hours"), &raw.hours);
        let queue = raw.queue.as_deref().unwrap_or(QueueOrder::default().as_str());
        self.one_of(&at("queue"), queue, &QueueOrder::ALL.map(QueueOrder::as_str));
        let queue = queue.parse().unwrap_or_default();
        let is_production = kind == Some(EnvKind::Production);
        let after = raw.after_failure.as_deref().unwrap_or(if is_production { "hold" } else { "go-on" });
        self.one_of(&at("after-failure"), after, &["hold", "go-on"]);
        let holds_after_failure = after == "hold";
        let outdated = raw.outdated.as_deref().unwrap_or("warn");
        self.one_of(&at("outdated"), outdated, &["warn", "block"]);
        Some(Environment {
            name: env?,
            kind: kind?,
            mirrors,
            drift_ignore: raw.drift_ignore,
            soak: self.duration(&at("soak"), raw.soak.as_ref()).unwrap_or_default(),
            hours,
            confirm,
            approvals: self.rules(&at("approvals"), &raw.approvals),
            approval_ttl: self
                .duration(&at("approval-ttl"), raw.approval_ttl.as_ref())
                .unwrap_or(self.approval_ttl),
            signing,
            rollback_approvals: self.rules(&at("rollback-approvals"), &raw.rollback_approvals),
            override_ttl: self
                .limit(&at("override-ttl"), raw.override_ttl.as_ref())
                .unwrap_or(override_review::TTL),
            override_review: self
                .limit(&at("override-review"), raw.override_review.as_ref())
                .unwrap_or(override_review::REVIEW),
            rights,
            self_approval: raw.self_approval.unwrap_or(false),
            newest_only: raw.newest_only,
            queue,
            holds_after_failure,
            blocks_outdated: outdated == "block",
            four_eyes: raw.four_eyes.as_ref().and_then(|rule| self.four_eyes(&at("four-eyes"), rule)),
            one_in_queue: raw.one_in_queue.unwrap_or(false),
            change_controlled: raw.change_controlled,
            reminders,
        })
    }

    /// Reminders cannot come more often than somebody looks whether one is due.
    fn reminders(
        &mut self,
        at: &impl Fn(&str) -> Vec<String>,
        [remind_every, after, timeout]: [Option<&String>; 3],
        escalate_to: &[String],
        is_asked: bool,
    ) -> Reminders {
        const SHORTEST: Duration = Duration::from_secs(60);
        let known = self.findings.len();
        let mut often = |key: &str, text: Option<&String>| {
            let time = self.duration(&at(key), text)?;
            if time < SHORTEST {
                self.error(&at(key), "at least a minute: nobody looks more often");
            }
            Some(time)
        };
        let every = often("remind-every", remind_every);
        let escalate_after = often("escalate-after", after);
        let timeout = often("approval-timeout", timeout);
        for (index, group) in escalate_to.iter().enumerate() {
            self.group(&[&at("escalate-to")[..], keys![index]].concat(), group);
        }
        if escalate_after.is_some() == escalate_to.is_empty() {
            let key = if escalate_after.is_some() { "escalate-after" } else { "escalate-to" };
            self.error(&at(key), "escalate-after and escalate-to belong together: when, and to whom");
        }
        let is_sound = self.findings.len() == known;
        let set =
            [("remind-every", every), ("escalate-after", escalate_after), ("approval-timeout", timeout)];
        if let Some((key, _)) = set.iter().find(|(_, time)| is_sound && !is_asked && time.is_some()) {
            self.warning(&at(key), "nothing is approved here: there is nothing to remind of");
        }
        for (key, time) in &set[..2] {
            if is_sound && timeout.is_some() && *time >= timeout {
                let why = "it never comes: the decision has timed out by then (approval-timeout)";
                self.warning(&at(key), why);
            }
        }
        Reminders { every, escalate_after, escalate_to: escalate_to.to_vec(), timeout }
    }

    fn hours(&mut self, keys: &[String], raw: &[String]) -> Vec<OpenHours> {
        let mut hours = Vec::new();
        for (index, text) in raw.iter().enumerate() {
            match text.parse::<OpenHours>() {
                Ok(rule) => hours.push(rule),
                Err(why) => self.error(&[keys, keys![index]].concat(), why),
            }
        }
        hours
    }

    fn stage(&mut self, name: &str, raw: RawStage) -> Option<(Stage, StageRules)> {
        let keys: &[String] = keys!["stages", name];
        if !self.one_of(keys, name, &Stage::ALL.map(Stage::as_str)) {
            return None;
        }
        let stage: Stage = name.parse().ok()?;
        let own: Vec<&str> =
            StageGate::ALL.into_iter().filter(|gate| gate.stage() == stage).map(StageGate::as_str).collect();
        let mut require = BTreeSet::new();
        for (index, gate) in raw.require.iter().enumerate() {
            if self.one_of(&[keys, keys!["require", index]].concat(), gate, &own) {
                require.extend(gate.parse::<StageGate>().ok());
            }
        }
        for (key, set, where_it_belongs) in [
            ("approvals", !raw.approvals.is_empty(), &Self::DECIDED[..]),
            ("checks", !raw.checks.is_empty(), &[Stage::Test][..]),
            ("allowed-failures", !raw.allowed_failures.is_empty(), &[Stage::Test][..]),
            ("check-ttl", raw.check_ttl.is_some(), &[Stage::Test][..]),
            ("mirror-max-age", raw.mirror_max_age.is_some(), &[Stage::Test][..]),
            ("statements", !raw.statements.is_empty(), &[Stage::Plan][..]),
            ("checklist", !raw.checklist.is_empty(), &[Stage::Prepare][..]),
            ("voters", !raw.voters.is_empty(), &[Stage::Prepare][..]),
            ("backup-max-age", raw.backup_max_age.is_some(), &[Stage::Prepare][..]),
            ("announce-before", raw.announce_before.is_some(), &[Stage::Prepare][..]),
            ("bake", raw.bake.is_some(), &[Stage::Review][..]),
        ] {
            if set && !where_it_belongs.contains(&stage) {
                let places: Vec<String> =
                    where_it_belongs.iter().map(|stage| format!("[stages.{stage}]")).collect();
                self.error(
                    &[keys, keys![key]].concat(),
                    format!("{key} belongs into {}", places.join(" or ")),
                );
            }
        }
        for (gate, key, is_empty) in [
            (StageGate::Approved, "approvals", raw.approvals.is_empty()),
            (StageGate::SignOff, "approvals", raw.approvals.is_empty()),
            (StageGate::ReviewSignOff, "approvals", raw.approvals.is_empty()),
            (StageGate::Checks, "checks", raw.checks.is_empty()),
            (StageGate::Checklist, "checklist", raw.checklist.is_empty()),
            (StageGate::GoNoGo, "voters", raw.voters.is_empty()),
            (StageGate::Statements, "statements", raw.statements.is_empty()),
        ] {
            if require.contains(&gate) && is_empty {
                let hint = Some(format!("say what is required in {key} = […], or take \"{gate}\" out"));
                let message = format!("\"{gate}\" is required, but {key} is empty: nothing would be asked");
                self.hinted(&[keys, keys!["require"]].concat(), message, hint);
            }
        }
        Some((stage, self.stage_rules(stage, require, raw)))
    }

    fn process(&mut self, name: &str, raw: RawProcess) -> Option<(ReleaseKind, Process)> {
        let keys: &[String] = keys!["process", name];
        if !self.one_of(keys, name, &ReleaseKind::ALL.map(ReleaseKind::as_str)) {
            return None;
        }
        let enter = match &raw.enter {
            None => Stage::Request,
            Some(stage) => {
                let own = [keys, keys!["enter"]].concat();
                self.one_of(&own, stage, &Stage::ALL.map(Stage::as_str));
                stage.parse().unwrap_or(Stage::Request)
            }
        };
        let gates = GateId::ALL.into_iter().filter(|gate| gate.may_be_opened()).map(GateId::as_str);
        let known: Vec<&str> = gates.chain(StageGate::ALL.map(StageGate::as_str)).collect();
        for (index, gate) in raw.skip.iter().enumerate() {
            self.one_of(&[keys, keys!["skip", index]].concat(), gate, &known);
        }
        Some((name.parse().ok()?, Process { enter, skip: raw.skip.into_iter().collect() }))
    }
}

fn bad_variable(name: &str) -> Option<String> {
    let sound = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let shown = crate::domain::text::quoted(name, 40);
    if !sound {
        return Some(format!("{shown} is not the name of a variable"));
    }
    // Variables that make the loader, a shell or an interpreter run something else.
    let loader = name.starts_with("LD_") || name.starts_with("BASH_FUNC_") || name.starts_with("RELMAN_");
    let known = ["BASH_ENV", "ENV", "IFS", "PS4", "SHELLOPTS", "PYTHONSTARTUP", "PERL5OPT", "RUBYOPT"];
    (loader || known.contains(&name))
        .then(|| format!("{shown} would change what the script does; it is never passed"))
}
