//! What really runs somewhere, as a script tells it, beside what is recorded; and staging beside production (ENV-2..4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::freeze::fits;
use super::ids::{EnvName, ServiceName, Version};
use super::text::quoted;
use super::time::Timestamp;
use super::words::words;

/// How what runs stands to what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    InSync,
    OutOfSync,
    /// Something is being deployed: what runs is between two things.
    Deploying,
    /// The script could not say.
    Unknown,
}

impl State {
    const ALL: [Self; 4] = [Self::InSync, Self::OutOfSync, Self::Deploying, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::OutOfSync => "OUT OF SYNC",
            Self::Deploying => "deploying",
            Self::Unknown => "unknown",
        }
    }
}
words!(State, "drift state", Self::ALL);

impl State {
    /// Whether it says how what runs stands to what is recorded.
    pub fn tells(self) -> bool {
        matches!(self, Self::InSync | Self::OutOfSync)
    }
}

/// What was found when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    pub service: ServiceName,
    pub environment: EnvName,
    pub at: Timestamp,
    pub by: String,
    pub state: State,
    /// What the last look that could tell said: this one, or an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<State>,
    /// What runs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
    /// What should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Version>,
    /// Further facts about the place: settings, sizes, versions of what it stands on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Why nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// The answer of a script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Empty or missing: nothing runs there.
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

/// No fact is longer, and no place has more.
const LONGEST: usize = 500;
const MOST: usize = 200;

/// Reads what a script printed: one line with a version, or an object `{"version": "1.4.2", "facts": {"workers": "4"}}`.
pub fn read(text: &str) -> Result<Told, String> {
    let text = text.trim();
    let told = if text.starts_with('{') {
        serde_json::from_str::<Told>(text).map_err(|why| format!("its answer cannot be read: {why}"))?
    } else {
        let mut lines = text.lines();
        let version = lines.next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
        if lines.next().is_some() {
            return Err(
                "its answer has several lines: a version is one, everything else is a JSON object".to_owned()
            );
        }
        Told { version, facts: BTreeMap::new() }
    };
    let version = told.version.filter(|version| !version.is_empty());
    if let Some(long) = version.iter().chain(told.facts.values()).find(|text| text.chars().count() > LONGEST)
    {
        return Err(format!("{} is too long for a fact", quoted(long, 40)));
    }
    if told.facts.len() > MOST {
        return Err(format!("it tells {} facts; {MOST} are looked at", told.facts.len()));
    }
    Ok(Told { version, ..told })
}

/// Whether what runs is what is recorded: a leading `v` is how some people write versions.
pub fn compare(runs: Option<&str>, recorded: Option<&Version>) -> State {
    let plain = |text: &str| text.strip_prefix('v').unwrap_or(text).to_owned();
    match runs.map(plain) == recorded.map(ToString::to_string) {
        true => State::InSync,
        false => State::OutOfSync,
    }
}

/// Where a place differs from the one it is kept like; facts that fit `ignored` are left out. Versions are not compared: what is
/// being tested is newer on purpose.
pub fn differences(of: &Observed, like: &Observed, ignored: &[String]) -> Vec<String> {
    let is_ignored = |name: &str| ignored.iter().any(|pattern| fits(pattern, name));
    let mut found = Vec::new();
    for (name, theirs) in like.facts.iter().filter(|(name, _)| !is_ignored(name)) {
        match of.facts.get(name) {
            None => {
                found
                    .push(format!("{name}: {theirs} in {}, missing in {}", like.environment, of.environment));
            }
            Some(ours) if ours != theirs => {
                found.push(format!("{name}: {theirs} in {}, {ours} in {}", like.environment, of.environment));
            }
            Some(_) => {}
        }
    }
    let alone = of.facts.keys().filter(|name| !like.facts.contains_key(*name) && !is_ignored(name));
    found.extend(alone.map(|name| format!("{name}: only in {}", of.environment)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_or_an_object_is_an_answer_and_nothing_else() {
        let version = |text: &str| read(text).map(|told| told.version);
        assert_eq!(version("1.4.2\n"), Ok(Some("1.4.2".to_owned())));
        assert_eq!(version(""), Ok(None));
        assert_eq!(version("{}"), Ok(None));
        assert_eq!(version(r#"{"version": "1.4.2", "facts": {"a": "b"}}"#), Ok(Some("1.4.2".to_owned())));
        assert!(version("1.4.2\nand more").unwrap_err().contains("several lines"));
        assert!(version(r#"{"version": 1}"#).unwrap_err().contains("cannot be read"));
        assert!(version(r#"{"verson": "1.4.2"}"#).unwrap_err().contains("cannot be read"));
        assert!(version(&"x".repeat(501)).unwrap_err().contains("too long"));
    }

    #[test]
    fn versions_are_compared_as_people_write_them() {
        let recorded: Version = "1.4.2".parse().unwrap();
        assert_eq!(compare(Some("v1.4.2"), Some(&recorded)), State::InSync);
        assert_eq!(compare(Some("1.4.3"), Some(&recorded)), State::OutOfSync);
        assert_eq!(compare(None, Some(&recorded)), State::OutOfSync);
        assert_eq!(compare(Some("1.4.2"), None), State::OutOfSync);
        assert_eq!(compare(None, None), State::InSync);
    }

    #[test]
    fn what_one_place_has_and_the_other_lacks_is_named() {
        let place = |name: &str, facts: &[(&str, &str)]| Observed {
            service: "api".parse().unwrap(),
            environment: name.parse().unwrap(),
            at: "2026-09-01T10:00:00Z".parse().unwrap(),
            by: "alice".to_owned(),
            state: State::InSync,
            told: None,
            runs: None,
            recorded: None,
            facts: facts.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            trouble: None,
        };
        let staging = place("staging", &[("workers", "2"), ("tls", "on"), ("debug", "on")]);
        let production = place("production", &[("workers", "8"), ("tls", "on"), ("cdn", "on")]);
        assert_eq!(
            differences(&staging, &production, &["work*".to_owned()]),
            ["cdn: on in production, missing in staging", "debug: only in staging"]
        );
        assert_eq!(differences(&staging, &production, &[])[1], "workers: 8 in production, 2 in staging");
    }
}
