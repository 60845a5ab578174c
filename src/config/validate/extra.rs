//! Reads what a service runs beside its scripts: `[[services.*.steps]]` and `[services.*.toggles.*]`.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::raw::{RawStep, RawToggle};
use crate::domain::extra_step::{Condition, ExtraStep, Place};
use crate::domain::freeze::Scope;
use crate::domain::text::quoted;
use crate::domain::toggle::Toggle;

/// The longest name of a step or toggle.
const NAME: usize = 40;

impl Checker {
    /// A command line: a program and its arguments, never through a shell.
    pub(super) fn argv(&mut self, keys: &[String], argv: &[String]) {
        if argv.first().is_none_or(String::is_empty) {
            self.error(keys, "a script is a list of a program and its arguments, such as [\"./deploy.sh\"]");
        } else if argv.iter().any(|word| word.contains('\0')) {
            self.error(keys, "an argument cannot hold a NUL character");
        }
    }

    pub(super) fn extra_steps(&mut self, service: &str, raw: Vec<RawStep>) -> Vec<ExtraStep> {
        let mut steps: Vec<ExtraStep> = Vec::new();
        for (index, raw) in raw.into_iter().enumerate() {
            let own = keys!["services", service, "steps", index].to_vec();
            let at = |key: &str| [&own[..], keys![key]].concat();
            // A strategy names its steps after what they do; one that is called the same could not be told from it.
            let is_plain = raw.name.chars().all(|c| c.is_alphanumeric() || " ._-".contains(c));
            let is_taken =
                ["deploy", "rollback", "verify", "analyse", "switch", "plan", "available", "pre-deploy"]
                    .contains(&raw.name.split(' ').next().unwrap_or_default());
            if raw.name.trim() != raw.name || raw.name.is_empty() || raw.name.len() > NAME || !is_plain {
                let why = format!("a step has a name of letters, digits, spaces and ._- (at most {NAME})");
                self.error(&at("name"), why);
            } else if is_taken {
                let why =
                    format!("{} reads like a step of a strategy; call it otherwise", quoted(&raw.name, NAME));
                self.error(&at("name"), why);
            } else if steps.iter().any(|step| step.name == raw.name) {
                self.error(&at("name"), format!("{service} has a step {} already", quoted(&raw.name, NAME)));
            }
            self.argv(&at("command"), &raw.command);
            let place = raw.place.as_deref().unwrap_or(Place::default().as_str());
            self.one_of(&at("place"), place, &Place::ALL.map(Place::as_str));
            let run = raw.run.as_deref().unwrap_or(Condition::default().as_str());
            self.one_of(&at("run"), run, &Condition::ALL.map(Condition::as_str));
            let scope = Scope::new(Vec::new(), raw.environments);
            let scope = scope.map_err(|why| self.error(&at("environments"), why));
            if run == Condition::OnFailure.as_str() && raw.required {
                self.error(
                    &at("required"),
                    "what runs after a failure is never waited for: take required out",
                );
            }
            steps.push(ExtraStep {
                name: raw.name,
                command: raw.command,
                place: place.parse().unwrap_or_default(),
                condition: run.parse().unwrap_or_default(),
                environments: scope.map(|scope| scope.environments).unwrap_or_default(),
                required: raw.required,
                goes_on: raw.continue_on_error,
                in_rollbacks: raw.in_rollbacks,
            });
        }
        steps
    }

    pub(super) fn toggles(
        &mut self,
        service: &str,
        raw: BTreeMap<String, RawToggle>,
    ) -> BTreeMap<String, Toggle> {
        let mut toggles = BTreeMap::new();
        for (name, raw) in raw {
            let own = keys!["services", service, "toggles", name].to_vec();
            let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            if name.is_empty() || name.len() > NAME || !is_plain {
                let why = format!("a toggle has a name of letters, digits and ._- (at most {NAME})");
                self.error(&own, why);
            }
            for (key, argv) in [("on", &raw.on), ("off", &raw.off)] {
                self.argv(&[&own[..], keys![key]].concat(), argv);
            }
            let toggle =
                Toggle { name: name.clone(), description: raw.description, on: raw.on, off: raw.off };
            toggles.insert(name, toggle);
        }
        toggles
    }
}
