//! Reads `[services.*.monitors.*]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Checker;
use crate::config::raw::RawMonitor;
use crate::domain::monitor::{Limits, Monitor};
use crate::domain::pipeline::Pipeline;
use crate::domain::release::review::Severity;

/// Nobody looks more often whether one is due.
const SHORTEST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(300);
const LASTS: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longer than this one command must not keep the others waiting.
const LONGEST: Duration = Duration::from_secs(300);

impl Checker {
    pub(super) fn monitors(
        &mut self,
        service: &str,
        pipeline: Option<&Pipeline>,
        raw: BTreeMap<String, RawMonitor>,
    ) -> Vec<Monitor> {
        let mut monitors = Vec::new();
        for (name, raw) in raw {
            let own = keys!["services", service, "monitors", name].to_vec();
            let at = |key: &str| [&own[..], keys![key]].concat();
            if name.is_empty() || name.len() > 40 || !name.chars().all(|c| c.is_ascii_graphic()) {
                self.error(&own, "a monitor's name is one word of at most 40 letters, such as error-rate");
            }
            self.argv(&at("command"), &raw.command);
            let mut environments = Vec::new();
            for (index, env) in raw.environments.iter().enumerate() {
                let key = [&at("environments")[..], keys![index]].concat();
                let Some(env) = self.environment_name(&key, env) else { continue };
                if pipeline.is_some_and(|known| !known.contains(&env)) {
                    self.error(
                        &key,
                        format!("{env} is not in the pipeline of {service}: nothing is measured there"),
                    );
                }
                environments.push(env);
            }
            let mut often = |key: &str, text: &Option<String>, otherwise| {
                let time = self.limit(&at(key), text.as_ref()).unwrap_or(otherwise);
                if time < SHORTEST {
                    self.error(&at(key), "at least a minute: nobody looks more often");
                }
                time
            };
            let every = often("every", &raw.every, EVERY);
            let lasts = often("for", &raw.r#for, LASTS);
            let timeout = self.limit(&at("timeout"), raw.timeout.as_ref()).unwrap_or(TIMEOUT);
            if timeout > LONGEST || timeout >= every {
                self.error(&at("timeout"), "a command that measures takes at most 5m, and less than every");
            }
            let severity = raw.severity.as_deref().unwrap_or("sev2");
            self.one_of(&at("severity"), severity, &Severity::ALL.map(Severity::as_str));
            let plain = Limits::default();
            monitors.push(Monitor {
                name,
                command: raw.command,
                environments,
                every,
                after: self.duration(&at("after"), raw.after.as_ref()).unwrap_or_default(),
                lasts,
                timeout,
                limits: Limits {
                    failures: raw.failure_limit.unwrap_or(plain.failures),
                    inconclusive: raw.inconclusive_limit.unwrap_or(plain.inconclusive),
                    errors_in_a_row: raw.consecutive_error_limit.unwrap_or(plain.errors_in_a_row),
                    successes_in_a_row: raw.consecutive_success_limit.filter(|enough| *enough > 0),
                },
                severity: severity.parse().unwrap_or(Severity::Sev2),
            });
        }
        monitors
    }
}
