//! What differs between two documents, field by field and in words: records before and after an act, rules before and after a
//! change.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

/// One field that is another one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The way to it: `environments production approvals`.
    pub field: String,
    pub before: String,
    pub after: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} \u{2192} {}", self.field, self.before, self.after)
    }
}

/// Every field that differs, in the order of their names.
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
                field: at.strip_suffix("-seconds").unwrap_or(at).to_owned(),
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
    use serde_json::json;

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
        assert_eq!((said[0].field.as_str(), said[0].before.as_str()), ("services web", "nothing"));
        assert!(said[0].after.contains("owner web"), "{said:?}");
    }
}
