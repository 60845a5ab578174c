//! Reads `pipeline = […]` of a service by hand: a phase is a name, a list of names, or a table.

use super::Checker;
use crate::domain::pipeline::{Phase, Pipeline};
use crate::domain::text::quoted;

const EXAMPLE: &str =
    "write \"staging\", [\"eu\", \"us\"], or { environments = [\"eu\", \"us\"], required = 1 }";

impl Checker {
    /// The phases of its pipeline: an environment, several side by side, or those with how many of them are required.
    pub(super) fn pipeline(&mut self, service: &str, raw: &[toml::Value]) -> Option<Pipeline> {
        let own = keys!["services", service, "pipeline"].to_vec();
        if raw.is_empty() {
            let hint = Some("pipeline = [\"staging\", \"production\"]".to_owned());
            self.hinted(keys!["services", service], format!("{service} has no pipeline"), hint);
            return None;
        }
        self.phases(&own, raw)
    }

    /// The same of a part of the way.
    pub(super) fn phases(&mut self, own: &[String], raw: &[toml::Value]) -> Option<Pipeline> {
        let mut phases = Vec::new();
        for (index, value) in raw.iter().enumerate() {
            phases.push(self.phase(&[own, keys![index]].concat(), value));
        }
        let phases = phases.into_iter().collect::<Option<Vec<Phase>>>()?;
        Pipeline::new(phases).map_err(|why| self.error(own, why)).ok()
    }

    fn phase(&mut self, keys: &[String], value: &toml::Value) -> Option<Phase> {
        let (names, required) = match value {
            toml::Value::String(_) => (std::slice::from_ref(value), None),
            toml::Value::Array(names) => (names.as_slice(), None),
            toml::Value::Table(table) => {
                if let Some(key) =
                    table.keys().find(|key| !["environments", "required"].contains(&key.as_str()))
                {
                    let shown = quoted(key, 40);
                    self.hinted(keys, format!("a phase has no key {shown}"), Some(EXAMPLE.to_owned()));
                    return None;
                }
                match table.get("environments") {
                    Some(toml::Value::Array(names)) => (names.as_slice(), table.get("required")),
                    _ => {
                        self.hinted(keys, "a phase names its environments", Some(EXAMPLE.to_owned()));
                        return None;
                    }
                }
            }
            _ => {
                self.hinted(keys, "this is no phase of a pipeline", Some(EXAMPLE.to_owned()));
                return None;
            }
        };
        let mut environments = Vec::new();
        for name in names {
            let Some(name) = name.as_str() else {
                self.hinted(keys, "an environment is named by a text", Some(EXAMPLE.to_owned()));
                return None;
            };
            environments.push(self.environment_name(keys, name)?);
        }
        let needed = match required {
            None => Some(environments.len()),
            Some(toml::Value::String(word)) if word == "all" => Some(environments.len()),
            Some(toml::Value::String(word)) if word == "none" => Some(0),
            Some(toml::Value::Integer(count)) => usize::try_from(*count).ok().filter(|count| *count > 0),
            Some(_) => None,
        };
        let Some(needed) = needed else {
            let why = "required is \"all\", \"none\" (the phase is optional) or a number from 1 on";
            self.error(&[keys, keys!["required"]].concat(), why);
            return None;
        };
        Some(Phase { environments, needed })
    }
}
