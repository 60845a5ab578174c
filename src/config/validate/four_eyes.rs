//! `four-eyes`: a switch, or a table that says who.

use super::Checker;
use crate::config::raw::known_keys;
use crate::domain::text::did_you_mean;
use crate::domain::witness::FourEyes;

impl Checker {
    pub(super) fn four_eyes(&mut self, keys: &[String], rule: &toml::Value) -> Option<FourEyes> {
        let table = match rule {
            toml::Value::Boolean(false) => return None,
            toml::Value::Boolean(true) => &toml::Table::new(),
            toml::Value::Table(table) => table,
            _ => {
                self.error(
                    keys,
                    "write true, or a table such as { from = [\"sre\"], exempt = [\"oncall\"] }",
                );
                return None;
            }
        };
        for key in table.keys().filter(|key| !known_keys(keys).contains(&key.as_str())) {
            let hint = did_you_mean(key, known_keys(keys).iter().copied());
            let hint = hint.map(|near| format!("did you mean {near}?"));
            let shown = crate::domain::text::quoted(key, 40);
            self.hinted(keys, format!("four-eyes has no key {shown}"), hint);
        }
        let ttl = match table.get("ttl") {
            None => None,
            Some(toml::Value::String(text)) => self.limit(&[keys, keys!["ttl"]].concat(), Some(text)),
            Some(_) => {
                self.error(&[keys, keys!["ttl"]].concat(), "write a length such as \"5m\"");
                None
            }
        };
        let from = self.group_list(&[keys, keys!["from"]].concat(), table.get("from"));
        let exempt = self.group_list(&[keys, keys!["exempt"]].concat(), table.get("exempt"));
        Some(FourEyes { from, exempt, ttl: ttl.unwrap_or(FourEyes::TTL) })
    }

    fn group_list(&mut self, keys: &[String], list: Option<&toml::Value>) -> Vec<String> {
        let names = match list {
            None => return Vec::new(),
            Some(toml::Value::Array(names)) => names,
            Some(_) => {
                self.error(keys, "write a list of groups, such as [\"sre\"]");
                return Vec::new();
            }
        };
        let mut groups = Vec::new();
        for name in names {
            match name.as_str() {
                Some(name) => {
                    self.group(keys, name);
                    groups.push(name.to_owned());
                }
                None => self.error(keys, "a group is named by a text"),
            }
        }
        groups
    }
}
