//! Reads `[services.*]`.

use std::collections::BTreeMap;

use super::rights::Section;
use super::{Checker, GRACE, bad_variable};
use crate::config::raw::{RawPrompt, RawService};
use crate::domain::ids::{EnvName, ServiceName};
use crate::domain::policy::{ScriptRole, Service};
use crate::domain::prompt::{AskedOf, Prompt, PromptKind};
use crate::domain::text::did_you_mean;

/// What every script gets.
const FIXED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TZ"];

impl Checker {
    pub(super) fn service(&mut self, name: &str, raw: RawService) -> Option<Service> {
        let at = |key: &str| -> Vec<String> { vec!["services".to_owned(), name.to_owned(), key.to_owned()] };
        let service: Option<ServiceName> = self.parsed(keys!["services", name], name);
        let pipeline = self.pipeline(name, &raw.pipeline);
        let mut scripts = BTreeMap::new();
        for (role, argv) in raw.scripts {
            let own = [&at("scripts")[..], keys![role]].concat();
            if !self.one_of(&own, &role, &ScriptRole::written().map(ScriptRole::as_str).collect::<Vec<_>>()) {
                continue;
            }
            self.argv(&own, &argv);
            scripts.extend(role.parse::<ScriptRole>().ok().map(|role| (role, argv)));
        }
        for (key, names) in [("pass-env", &raw.pass_env), ("secrets", &raw.secrets)] {
            for (index, variable) in names.iter().enumerate() {
                if let Some(why) = bad_variable(variable) {
                    self.error(&[&at(key)[..], keys![index]].concat(), why);
                }
            }
        }
        let (mut strategies, mut on_failure) = (BTreeMap::new(), BTreeMap::new());
        let mut retries = BTreeMap::new();
        for (env, strategy) in raw.strategy {
            let own = [&at("strategy")[..], keys![env]].concat();
            let env = self.environment_name(&own, &env);
            let is_missing = |env: &&EnvName| pipeline.as_ref().is_some_and(|known| !known.contains(env));
            if let Some(env) = env.as_ref().filter(is_missing) {
                self.error(
                    &own,
                    format!("{env} is not in the pipeline of {name}: this strategy is never used"),
                );
            }
            let reaction = self.on_failure(&own, strategy.on_failure.as_deref());
            retries.extend(env.clone().zip(self.retries(&own, &strategy)));
            let has_analysis = scripts.contains_key(&ScriptRole::Analyse);
            let strategy = self.strategy(&own, &strategy, has_analysis);
            on_failure.extend(env.clone().zip(reaction));
            strategies.extend(env.zip(strategy));
        }
        let depends_on = self.depends_on(name, &raw.depends_on);
        let handed: Vec<String> = raw.pass_env.iter().chain(&raw.secrets).cloned().collect();
        let prompts = self.prompts(name, raw.prompts, &handed);
        let steps = self.extra_steps(name, raw.steps);
        let toggles = self.toggles(name, raw.toggles);
        self.fields(name, &raw.fields);
        for (check, argv) in &raw.checks {
            self.argv(keys!["services", name, "checks", check], argv);
        }
        let channels = self.channels(name, pipeline.as_ref(), (&raw.fields, raw.channels));
        let monitors = self.monitors(name, pipeline.as_ref(), raw.monitors);
        let deliveries = self.deliveries(name, pipeline.as_ref(), raw.deliver);
        Some(Service {
            name: service?,
            pipeline: pipeline?,
            owner: raw.owner,
            repo: raw.repo,
            version: self.version_template(&at("version"), raw.version.as_deref()),
            working_dir: self.base.join(raw.working_dir.unwrap_or_default()),
            timeout: self.limit(&at("timeout"), raw.timeout.as_ref()),
            quiet_timeout: self.limit(&at("quiet-timeout"), raw.quiet_timeout.as_ref()),
            step_timeout: self.limit(&at("step-timeout"), raw.step_timeout.as_ref()),
            grace: self.duration(&at("grace"), raw.grace.as_ref()).unwrap_or(GRACE),
            pass_env: raw.pass_env,
            secrets: raw.secrets,
            scripts,
            strategies,
            on_failure,
            retries,
            depends_on,
            prompts,
            steps,
            toggles,
            deliveries,
            monitors,
            channels,
            fields: raw.fields,
            checks: raw.checks,
            rights: self.rights(Section::Service(name), raw.rights),
            guards: Vec::new(),
            change_controlled: raw.change_controlled,
        })
    }

    fn service_name(&mut self, keys: &[String], name: &str) -> Option<ServiceName> {
        if !self.services.contains(name) {
            let hint = match did_you_mean(name, self.services.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => "add [services.NAME], or take it out".to_owned(),
            };
            let shown = crate::domain::text::quoted(name, 40);
            self.hinted(keys, format!("there is no service {shown}"), Some(hint));
            return None;
        }
        name.parse().ok()
    }

    /// The services that come before it where several are deployed together.
    fn depends_on(&mut self, name: &str, raw: &[String]) -> Vec<ServiceName> {
        let mut known = Vec::new();
        for (index, other) in raw.iter().enumerate() {
            let own = keys!["services", name, "depends-on", index];
            if other == name {
                self.error(own, format!("{name} cannot come after itself"));
            } else if let Some(service) = self.service_name(own, other) {
                known.push(service);
            }
        }
        known
    }

    /// Whom a question is for. What an approver answers is a part of what they sign, and stands in the journal.
    fn asked_of(&mut self, keys: &[String], raw: &RawPrompt) -> AskedOf {
        let Some(word) = &raw.asked_of else { return AskedOf::Deployer };
        self.one_of(keys, word, &AskedOf::ALL.map(AskedOf::as_str));
        let asked_of = word.parse().unwrap_or_default();
        if asked_of == AskedOf::Approver && raw.secret {
            let hint = Some("ask it of who deploys: leave asked-of out".to_owned());
            self.hinted(keys, "what approvers answer is kept with their decision: it cannot be secret", hint);
        }
        asked_of
    }

    /// What is asked of who deploys it, and of who approves that.
    fn prompts(&mut self, service: &str, raw: BTreeMap<String, RawPrompt>, handed: &[String]) -> Vec<Prompt> {
        let mut prompts = Vec::new();
        for (name, raw) in raw {
            let own: Vec<String> = keys!["services", service, "prompts", name].to_vec();
            if let Some(why) = bad_variable(&name) {
                self.error(&own, why);
            } else if handed.contains(&name) || FIXED.contains(&name.as_str()) {
                self.error(
                    &own,
                    format!("{name} is handed to the scripts already; ask for it under another name"),
                );
            }
            let at = |key: &str| [&own[..], keys![key]].concat();
            let word = raw.r#type.as_deref().unwrap_or("line");
            self.one_of(&at("type"), word, &["line", "multiline", "choice", "checkbox"]);
            let kind = match word {
                "multiline" => PromptKind::Multiline,
                "choice" => PromptKind::Choice(raw.choices.clone()),
                "checkbox" => PromptKind::Checkbox,
                _ => PromptKind::Line,
            };
            let is_choice = matches!(kind, PromptKind::Choice(_));
            if is_choice == raw.choices.is_empty() {
                let why =
                    if is_choice { "a choice needs choices" } else { "choices belong to type = \"choice\"" };
                self.error(&at("choices"), why);
            }
            if raw.secret && raw.default.is_some() {
                self.error(&at("default"), "a secret with a default that stands in a file is none");
            }
            let asked_of = self.asked_of(&at("asked-of"), &raw);
            let prompt = Prompt {
                label: raw.label.unwrap_or_else(|| name.clone()),
                name,
                description: raw.description,
                kind,
                required: raw.required,
                default: raw.default,
                secret: raw.secret,
                asked_of,
            };
            if let Some(Err(why)) = prompt.default.as_deref().map(|default| prompt.check(default)) {
                self.error(&at("default"), why);
            }
            prompts.push(prompt);
        }
        prompts
    }
}
