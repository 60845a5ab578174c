//! Reads `[services.*.deliver.ENV]`: where a service goes by itself.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::raw::RawDelivery;
use crate::domain::delivery::Delivery;
use crate::domain::ids::EnvName;
use crate::domain::pipeline::Pipeline;

impl Checker {
    pub(super) fn deliveries(
        &mut self,
        service: &str,
        pipeline: Option<&Pipeline>,
        raw: BTreeMap<String, RawDelivery>,
    ) -> BTreeMap<EnvName, Delivery> {
        let mut deliveries = BTreeMap::new();
        for (name, raw) in raw {
            let own = keys!["services", service, "deliver", name].to_vec();
            let at = |key: &str| [&own[..], keys![key]].concat();
            let environment = self.environment_name(&own, &name);
            if let (Some(pipeline), Some(env)) = (pipeline, &environment) {
                match pipeline.phase_of(env).map(|phase| &pipeline.phases()[phase]) {
                    None => {
                        let why = format!(
                            "{env} is not in the pipeline of {service}: nothing is ever delivered there"
                        );
                        self.error(&own, why);
                    }
                    // What nobody has to pass through is entered because somebody wants to (PIP-1).
                    Some(phase) if phase.is_optional() => {
                        self.error(&own, format!("{env} is an optional phase: only people deploy there"));
                    }
                    Some(_) => {}
                }
            }
            if raw.conductor.is_none() {
                let hint = Some("conductor = \"carol\"".to_owned());
                self.hinted(&own, "a delivery has no conductor: nobody would send it", hint);
            }
            let max = raw.max_changes.map(|max| usize::try_from(max).ok().filter(|max| *max > 0));
            if max == Some(None) {
                self.error(&at("max-changes"), "at least 1 change goes at once");
            }
            let delivery = Delivery {
                environment: match environment {
                    Some(env) => env,
                    None => continue,
                },
                conductor: raw.conductor.unwrap_or_default(),
                hours: self.hours(&at("hours"), &raw.hours),
                interval: self.duration(&at("interval"), raw.interval.as_ref()).unwrap_or_default(),
                max_changes: max.flatten().unwrap_or(Delivery::MAX_CHANGES),
            };
            deliveries.insert(delivery.environment.clone(), delivery);
        }
        deliveries
    }
}
