//! Freezes: closed windows in which nothing may start.

use globset::Glob;
use serde::{Deserialize, Serialize};

use super::ids::{EnvName, FreezeId, ServiceName};
use super::time::{Timestamp, Tz, Window};

/// Which services and environments something is about: glob patterns, `*` for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub services: Vec<String>,
    pub environments: Vec<String>,
}

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a pattern; write a name, or use * and ? as in 'store*'")]
pub struct BadPattern(String);

impl Scope {
    pub fn everything() -> Self {
        Self { services: vec!["*".into()], environments: vec!["*".into()] }
    }

    /// Checks each pattern; an empty list means all.
    pub fn new(services: Vec<String>, environments: Vec<String>) -> Result<Self, BadPattern> {
        let or_all = |list: Vec<String>| if list.is_empty() { vec!["*".to_owned()] } else { list };
        let scope = Self { services: or_all(services), environments: or_all(environments) };
        for pattern in scope.services.iter().chain(&scope.environments) {
            if pattern.is_empty() || pattern.len() > 60 || Glob::new(pattern).is_err() {
                return Err(BadPattern(super::text::quoted(pattern, 40)));
            }
        }
        Ok(scope)
    }

    pub fn covers(&self, service: &ServiceName, environment: &EnvName) -> bool {
        let hits = |patterns: &[String], name: &str| patterns.iter().any(|pattern| fits(pattern, name));
        hits(&self.services, service.as_str()) && hits(&self.environments, environment.as_str())
    }

    /// How precisely it is meant: two for one service in one environment, none for everything.
    pub fn precision(&self) -> usize {
        [&self.services, &self.environments].iter().filter(|list| list.iter().all(|name| name != "*")).count()
    }

    /// `production`, `storefront in production`, `everything`.
    pub fn describe(&self) -> String {
        let all = |list: &[String]| list.iter().any(|pattern| pattern == "*");
        match (all(&self.services), all(&self.environments)) {
            (true, true) => "everything".to_owned(),
            (true, false) => self.environments.join(", "),
            (false, true) => format!("{} everywhere", self.services.join(", ")),
            (false, false) => format!("{} in {}", self.services.join(", "), self.environments.join(", ")),
        }
    }
}

/// Whether a name is one a pattern means.
pub fn fits(pattern: &str, name: &str) -> bool {
    pattern == "*"
        || pattern == name
        || Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
}

/// Where a freeze is written down, and so how it can be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", content = "id", rename_all = "lowercase")]
pub enum FreezeOrigin {
    Config,
    Store(FreezeId),
}

/// A closed window: `[start, end)` in which no deployment of its scope may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub origin: FreezeOrigin,
    pub name: String,
    pub reason: String,
    pub scope: Scope,
    pub window: Window,
    /// The zone its times were written in, and are shown in.
    pub zone: Tz,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

impl Freeze {
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.window.end <= now
    }

    /// What a person types to name it: its id in the store, its name in the config.
    pub fn handle(&self) -> String {
        match self.origin {
            FreezeOrigin::Config => self.name.clone(),
            FreezeOrigin::Store(id) => id.to_string(),
        }
    }
}

/// The freezes that close `service` in `environment` now, and when the last of them ends.
///
/// Freezes that follow each other without a gap are followed to the end: "opens again at" must be true.
pub fn closing<'a>(
    freezes: &'a [Freeze],
    service: &ServiceName,
    environment: &EnvName,
    now: Timestamp,
) -> Option<(&'a Freeze, Timestamp)> {
    let relevant: Vec<&Freeze> =
        freezes.iter().filter(|freeze| freeze.scope.covers(service, environment)).collect();
    let first =
        relevant.iter().filter(|freeze| freeze.window.covers(now)).max_by_key(|freeze| freeze.window.end)?;
    let mut opens = first.window.end;
    while let Some(next) =
        relevant.iter().filter(|freeze| freeze.window.covers(opens)).map(|freeze| freeze.window.end).max()
    {
        opens = next;
    }
    Some((first, opens))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn freeze(name: &str, start: &str, end: &str) -> Freeze {
        Freeze {
            origin: FreezeOrigin::Config,
            name: name.into(),
            reason: "quarter end".into(),
            scope: Scope::everything(),
            window: Window::new(start.parse().unwrap(), end.parse().unwrap()).unwrap(),
            zone: Tz::UTC,
            created_by: None,
        }
    }

    fn names() -> (ServiceName, EnvName) {
        ("storefront".parse().unwrap(), "production".parse().unwrap())
    }

    #[test]
    fn the_end_is_open_to_the_millisecond() {
        let (service, env) = names();
        let q3 = freeze("q3", "2026-09-01T10:00:00Z", "2026-09-01T12:00:00Z");
        let closed =
            |at: &str| closing(std::slice::from_ref(&q3), &service, &env, at.parse().unwrap()).is_some();
        assert!(closed("2026-09-01T10:00:00Z"));
        assert!(closed("2026-09-01T11:59:59.999Z"));
        assert!(!closed("2026-09-01T12:00:00Z"));
    }

    #[test]
    fn freezes_back_to_back_open_at_the_end_of_the_last() {
        let (service, env) = names();
        let freezes = [
            freeze("a", "2026-09-01T10:00:00Z", "2026-09-01T12:00:00Z"),
            freeze("b", "2026-09-01T12:00:00Z", "2026-09-01T15:00:00Z"),
            freeze("c", "2026-09-01T15:00:01Z", "2026-09-01T16:00:00Z"),
        ];
        let (first, opens) =
            closing(&freezes, &service, &env, "2026-09-01T11:00:00Z".parse().unwrap()).unwrap();
        assert_eq!((first.name.as_str(), opens), ("a", "2026-09-01T15:00:00Z".parse().unwrap()));
    }

    #[test]
    fn scopes_are_globs_over_both_names() {
        let (service, env) = names();
        let scope = |s: &str, e: &str| Scope::new(vec![s.into()], vec![e.into()]).unwrap();
        assert!(scope("store*", "prod*").covers(&service, &env));
        assert!(!scope("store", "production").covers(&service, &env));
        assert!(!scope("storefront", "staging").covers(&service, &env));
        assert!(Scope::new(vec!["[".into()], vec![]).is_err());
        assert_eq!(Scope::new(vec![], vec!["production".into()]).unwrap().describe(), "production");
    }

    proptest! {
        #[test]
        fn it_is_open_at_the_promised_moment_and_closed_just_before(
            spans in prop::collection::vec((0i64..500, 1i64..200), 1..8), now in 0i64..600
        ) {
            let (service, env) = names();
            let freezes: Vec<Freeze> = spans.iter().map(|(start, length)| Freeze {
                window: Window::new(Timestamp::from_millis(*start), Timestamp::from_millis(start + length)).unwrap(),
                ..freeze("x", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
            }).collect();
            let closed = |at: i64| freezes.iter().any(|f| f.window.covers(Timestamp::from_millis(at)));
            match closing(&freezes, &service, &env, Timestamp::from_millis(now)) {
                None => prop_assert!(!closed(now)),
                Some((_, opens)) => {
                    prop_assert!(!closed(opens.millis()));
                    prop_assert!((now..opens.millis()).all(closed));
                }
            }
        }
    }
}
