//! Freezes: closed windows in which nothing may start.

use globset::Glob;
use serde::{Deserialize, Serialize};

use super::ids::{EnvName, FreezeId, ServiceName};
use super::recurrence::Recurrence;
use super::time::{Timestamp, Tz, Window};
use super::words::words;

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

/// What becomes of a deployment that runs when a freeze begins to cover it (FRZ-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Running {
    /// It runs to its end: only starts are blocked.
    #[default]
    Finish,
    /// It is held before its next step.
    StopAtStep,
}

impl Running {
    pub const ALL: [Self; 2] = [Self::Finish, Self::StopAtStep];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finish => "finish",
            Self::StopAtStep => "stop-at-step",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::Finish
    }
}
words!(Running, "choice", Running::ALL);

/// Whom a freeze stops (FRZ-20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stops {
    #[default]
    All,
    /// What begins by itself: deliveries, trains, what was scheduled.
    Automation,
    /// What a person starts there and then.
    People,
}

impl Stops {
    pub const ALL: [Self; 3] = [Self::All, Self::Automation, Self::People];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Automation => "automation",
            Self::People => "people",
        }
    }

    /// Whether it stops what begins by itself, or what does not.
    pub fn covers(self, automatic: bool) -> bool {
        match self {
            Self::All => true,
            Self::Automation => automatic,
            Self::People => !automatic,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::All
    }
}
words!(Stops, "choice", Stops::ALL);

/// A closed window: `[start, end)` in which no deployment of its scope may start, once or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub origin: FreezeOrigin,
    pub name: String,
    pub reason: String,
    pub scope: Scope,
    /// The window; of a freeze that repeats the first one.
    pub window: Window,
    /// The zone its times were written in, and are shown in.
    pub zone: Tz,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Recurrence>,
    #[serde(default, skip_serializing_if = "Running::is_default")]
    pub running: Running,
    #[serde(default, skip_serializing_if = "Stops::is_default")]
    pub stops: Stops,
    /// Set aside: it closes nothing until it is resumed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// What a calendar it came from calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// How often it was changed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub revision: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(revision: &i64) -> bool {
    *revision == 0
}

impl Freeze {
    pub fn is_over(&self, now: Timestamp) -> bool {
        match &self.repeats {
            None => self.window.end <= now,
            Some(repeats) => repeats.is_over(now, self.zone),
        }
    }

    /// Whether it stops what begins by itself, or what a person starts.
    pub fn applies(&self, automatic: bool) -> bool {
        !self.suspended && self.stops.covers(automatic)
    }

    /// What is said of it behind its name: whom it stops where that is not everybody, and that it is set aside.
    pub fn terms(&self) -> Option<&'static str> {
        match (self.suspended, self.stops) {
            (true, _) => Some("suspended"),
            (false, Stops::Automation) => Some("automation only"),
            (false, Stops::People) => Some("people only"),
            (false, Stops::All) => None,
        }
    }

    /// Its name, with its terms where there are any: `Quarter end (automation only)`.
    pub fn title(&self) -> String {
        self.terms().map_or_else(|| self.name.clone(), |terms| format!("{} ({terms})", self.name))
    }

    /// What a person types to name it: its id in the store, its name in the config.
    pub fn handle(&self) -> String {
        match self.origin {
            FreezeOrigin::Config => self.name.clone(),
            FreezeOrigin::Store(id) => id.to_string(),
        }
    }

    /// The window in which `at` lies.
    pub fn covering(&self, at: Timestamp) -> Option<Window> {
        match &self.repeats {
            None => Some(self.window).filter(|window| window.covers(at)),
            Some(repeats) => repeats.covering(at, self.zone),
        }
    }

    /// Whether it is known to leave no moment open from its first window on, for ever.
    fn has_no_gap(&self) -> bool {
        self.repeats.as_ref().is_some_and(Recurrence::has_no_gap)
    }

    pub fn covers(&self, at: Timestamp) -> bool {
        self.covering(at).is_some()
    }

    /// The first window that begins after `at`.
    pub fn next(&self, at: Timestamp) -> Option<Window> {
        match &self.repeats {
            None => Some(self.window).filter(|window| window.start > at),
            Some(repeats) => repeats.next(at, self.zone),
        }
    }

    /// Which of its windows `at` lies in.
    pub fn occurrence(&self, at: Timestamp) -> Option<Occurrence> {
        let start = self.covering(at)?.start;
        Some(Occurrence { origin: self.origin, revision: self.revision, start })
    }

    /// The window it is in, else the next one, else the last thing known of it.
    pub fn current(&self, now: Timestamp) -> Window {
        self.covering(now).or_else(|| self.next(now)).unwrap_or(self.window)
    }

    /// Its windows that have a part in the span, at most `most`.
    pub fn windows(&self, span: Window, most: usize) -> Vec<Window> {
        match &self.repeats {
            None => {
                Some(self.window).into_iter().filter(|window| window.overlaps(&span)).take(most).collect()
            }
            Some(repeats) => repeats.occurrences(span, self.zone, most),
        }
    }

    pub fn touches(&self, span: Window) -> bool {
        !self.windows(span, 1).is_empty()
    }

    /// A moment by which nothing of it is left; nothing: it has no end.
    pub fn over_at(&self) -> Option<Timestamp> {
        match &self.repeats {
            None => Some(self.window.end),
            Some(repeats) => repeats.over_at(self.zone),
        }
    }
}

/// One closed window of a freeze as it was written then: another night of it, or another freeze of its name, is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    pub origin: FreezeOrigin,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub revision: i64,
    pub start: Timestamp,
}

/// How many openings "opens again" is followed through before it counts as unknown.
const OPENINGS: usize = 500;

/// The freezes that close `service` in `environment` now: the one whose window ends last, and when they open again.
///
/// Freezes that follow each other without a gap are followed to the end: "opens again at" must be true. Where that has
/// no end that can be told (a freeze of every day, all day) there is none.
pub fn closing<'a>(
    freezes: &'a [Freeze],
    service: &ServiceName,
    environment: &EnvName,
    now: Timestamp,
) -> Option<(&'a Freeze, Option<Timestamp>)> {
    let relevant: Vec<&Freeze> =
        freezes.iter().filter(|freeze| freeze.scope.covers(service, environment)).collect();
    let ends =
        |at: Timestamp| relevant.iter().filter_map(move |freeze| Some((*freeze, freeze.covering(at)?.end)));
    let (first, mut opens) = ends(now).max_by_key(|(_, end)| *end)?;
    // Nearly all that never open do so by one rule alone: its windows need not be followed one by one.
    if relevant.iter().any(|freeze| freeze.has_no_gap() && freeze.covers(now)) {
        return Some((first, None));
    }
    for _ in 0..OPENINGS {
        match ends(opens).map(|(_, end)| end).max() {
            Some(next) => opens = next,
            None => return Some((first, Some(opens))),
        }
    }
    Some((first, None))
}

/// The freezes that hold what runs of `service` in `environment` before its next step now, and when it opens again.
pub fn stopping<'a>(
    freezes: &'a [Freeze],
    service: &ServiceName,
    environment: &EnvName,
    now: Timestamp,
) -> (Vec<&'a Freeze>, Option<Timestamp>) {
    let stops = |freeze: &&Freeze| {
        freeze.running == Running::StopAtStep
            && freeze.scope.covers(service, environment)
            && freeze.covers(now)
    };
    let opens = closing(freezes, service, environment, now).and_then(|(_, opens)| opens);
    (freezes.iter().filter(stops).collect(), opens)
}

/// The freeze that closes `service` in `environment` next, and its window.
pub fn next_closing<'a>(
    freezes: &'a [Freeze],
    service: &ServiceName,
    environment: &EnvName,
    now: Timestamp,
) -> Option<(&'a Freeze, Window)> {
    let relevant = freezes.iter().filter(|freeze| freeze.scope.covers(service, environment));
    relevant.filter_map(|freeze| Some((freeze, freeze.next(now)?))).min_by_key(|(_, window)| window.start)
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
            repeats: None,
            running: Running::Finish,
            stops: Stops::All,
            suspended: false,
            uid: None,
            revision: 0,
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
        assert_eq!((first.name.as_str(), opens), ("a", Some("2026-09-01T15:00:00Z".parse().unwrap())));
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

    fn repeating(name: &str, rule: &str, start: &str, end: &str) -> Freeze {
        let local = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        let zone = Tz::Europe__Berlin;
        let repeats = Recurrence::new(
            local(start),
            local(end),
            rule.parse().unwrap(),
            std::collections::BTreeSet::new(),
            zone,
        );
        let repeats = repeats.unwrap();
        let window = repeats.first(zone).unwrap();
        Freeze {
            window,
            zone,
            repeats: Some(repeats),
            ..freeze(name, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
        }
    }

    #[test]
    fn nights_that_touch_the_weekend_open_on_monday_morning() {
        let (service, env) = names();
        let freezes = [
            repeating("nights", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2026-08-31 18:00", "2026-09-01 08:00"),
            repeating("weekends", "FREQ=WEEKLY;BYDAY=SA", "2026-09-05 08:00", "2026-09-07 09:30"),
        ];
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let friday = at("2026-09-04T19:00:00+02:00");
        let (first, opens) = closing(&freezes, &service, &env, friday).unwrap();
        assert_eq!((first.name.as_str(), opens), ("nights", Some(at("2026-09-07T09:30:00+02:00"))));
        assert!(closing(&freezes, &service, &env, at("2026-09-07T09:30:00+02:00")).is_none());
        let (next, window) = next_closing(&freezes, &service, &env, at("2026-09-07T10:00:00+02:00")).unwrap();
        assert_eq!((next.name.as_str(), window.start), ("nights", at("2026-09-07T18:00:00+02:00")));
    }

    #[test]
    fn every_night_of_a_freeze_is_another_one_and_so_is_every_freeze_of_its_name() {
        let nights = repeating("nights", "FREQ=DAILY", "2026-08-31 18:00", "2026-09-01 08:00");
        let at = |text: &str| nights.occurrence(text.parse().unwrap());
        let first = at("2026-09-01T22:00:00+02:00").unwrap();
        assert_eq!(at("2026-09-02T07:59:00+02:00").as_ref(), Some(&first), "one night");
        assert!(at("2026-09-02T12:00:00+02:00").is_none());
        assert_ne!(at("2026-09-02T22:00:00+02:00").unwrap(), first);
        let moment = "2026-09-01T22:00:00+02:00".parse().unwrap();
        let again = Freeze { origin: FreezeOrigin::Store(FreezeId(2)), ..nights.clone() };
        assert_ne!(again.occurrence(moment).unwrap(), first);
        assert_ne!(Freeze { revision: 1, ..nights.clone() }.occurrence(moment).unwrap(), first);
    }

    #[test]
    fn what_is_closed_all_day_every_day_has_no_known_end() {
        let (service, env) = names();
        let always = [repeating("always", "FREQ=DAILY", "2026-09-01 00:00", "2026-09-02 00:00")];
        let (first, opens) =
            closing(&always, &service, &env, "2026-10-25T00:30:00Z".parse().unwrap()).unwrap();
        assert_eq!((first.name.as_str(), opens), ("always", None));
        let until = [repeating("q3", "FREQ=DAILY;UNTIL=20261231", "2026-09-01 00:00", "2026-09-02 00:00")];
        let (_, opens) = closing(&until, &service, &env, "2026-10-25T00:30:00Z".parse().unwrap()).unwrap();
        assert_eq!(opens, Some("2027-01-01T00:00:00+01:00".parse().unwrap()));
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
                    let opens = opens.unwrap();
                    prop_assert!(!closed(opens.millis()));
                    prop_assert!((now..opens.millis()).all(closed));
                }
            }
        }
    }
}
