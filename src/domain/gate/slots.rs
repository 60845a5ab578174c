//! When gates that open and close by themselves are open: for how long still, and for long enough when (N6).

use serde::{Deserialize, Serialize};

use super::{Answer, BlockReason, DeployFacts, GATES, GateId, ask};
use crate::domain::freeze::{Freeze, closing, next_closing};
use crate::domain::hours::{self, open_state};
use crate::domain::ids::ServiceName;
use crate::domain::lock::LockKind;
use crate::domain::policy::Environment;
use crate::domain::time::{Timestamp, Tz, Window, near, span, wall};

/// How long before it closes people are told.
const NOTICE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// An environment that is open now and will be closed soon (FRZ-11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closes {
    pub at: Timestamp,
    /// The freeze that begins; nothing: the open hours end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<String>,
    /// When it opens again; nothing: that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Timestamp>,
    pub zone: Tz,
}

impl Closes {
    fn cause(&self) -> String {
        self.freeze.as_ref().map_or_else(|| "open hours".to_owned(), |name| format!("freeze: {name}"))
    }

    /// For a card: `closes 18:00 (freeze: Year end)`.
    pub fn brief(&self, now: Timestamp) -> String {
        format!("closes {} ({})", near(self.at, now, self.zone), self.cause())
    }

    /// `closes in 1h40m, Fri 2026-09-04 18:00 CEST (freeze: Year end); opens again …`.
    pub fn sentence(&self, now: Timestamp) -> String {
        let opens = match self.opens {
            Some(opens) => format!("opens again {}", wall(opens, self.zone)),
            None => "no known end".to_owned(),
        };
        format!(
            "closes in {}, {} ({}); {opens}",
            span(self.at.since(now)),
            wall(self.at, self.zone),
            self.cause()
        )
    }
}

/// What closes a service in an environment within a day, where freezes and hours leave it open now.
pub fn closes(
    freezes: &[Freeze],
    service: &ServiceName,
    environment: &Environment,
    zone: Tz,
    now: Timestamp,
) -> Option<Closes> {
    let (env, open) = (&environment.name, &environment.hours);
    if closing(freezes, service, env, now).is_some() || open_state(open, zone, now).is_err() {
        return None;
    }
    let freeze = next_closing(freezes, service, env, now);
    let end = hours::open_until(open, zone, now);
    let (at, name) = match (freeze, end) {
        (Some((freeze, window)), Some(end)) if window.start <= end => {
            (window.start, Some(freeze.name.clone()))
        }
        (Some((freeze, window)), None) => (window.start, Some(freeze.name.clone())),
        (_, Some(end)) => (end, None),
        (None, None) => return None,
    };
    if at > now.plus(NOTICE) {
        return None;
    }
    let zone = freeze.filter(|_| name.is_some()).map_or(zone, |(freeze, _)| freeze.zone);
    Some(Closes { at, freeze: name, opens: opens_after(freezes, service, environment, zone, at), zone })
}

/// When freezes and hours are both open again.
fn opens_after(
    freezes: &[Freeze],
    service: &ServiceName,
    environment: &Environment,
    zone: Tz,
    at: Timestamp,
) -> Option<Timestamp> {
    const OPENINGS: usize = 100;
    let mut at = at;
    for _ in 0..OPENINGS {
        if let Some((_, opens)) = closing(freezes, service, &environment.name, at) {
            at = opens?;
        } else if let Err(next) = open_state(&environment.hours, zone, at) {
            at = next?;
        } else {
            return Some(at);
        }
    }
    None
}

/// Time that is taken by something else: a deployment that is scheduled there.
pub type Taken = Window;

/// Spans within `span` in which some gate that opens by itself is closed, whatever people do; merged, in order.
pub fn shut(facts: &DeployFacts, taken: &[Taken], span: Window) -> Vec<Window> {
    /// A freeze of every day has fewer windows in the longest span that is asked about.
    const MOST: usize = 5000;
    let asked = |gate: GateId| {
        let check = GATES.iter().find(|(id, _)| *id == gate).map(|(_, check)| *check);
        check.map(|check| ask(gate, check, facts, span.start))
    };
    let is_asked = |gate| !matches!(asked(gate), Some(Answer::Skipped { .. } | Answer::Overridden { .. }));
    let mut shut: Vec<Window> = Vec::new();
    if is_asked(GateId::Freeze) {
        let (service, env) = (&facts.release.id.service, &facts.environment.name);
        for freeze in facts.freezes.iter().filter(|freeze| freeze.scope.covers(service, env)) {
            shut.extend(freeze.windows(span, MOST));
        }
    }
    if is_asked(GateId::Window) && !facts.environment.hours.is_empty() {
        shut.extend(between(&hours::windows(&facts.environment.hours, facts.zone, span), span));
    }
    let until = |end: Timestamp| Window { start: span.start, end };
    if let Some(Answer::Blocked { reason: BlockReason::Soaking { until: Some(end), .. } }) =
        asked(GateId::Soak)
    {
        shut.push(until(end));
    }
    if is_asked(GateId::Lock) {
        let automatic = facts.automatic && !facts.rescue;
        let stops = facts.locks.iter().filter(|lock| lock.kind != LockKind::Warning);
        let stops = stops.filter(|lock| lock.stops(&facts.actor.person, automatic));
        shut.extend(stops.filter_map(|lock| lock.expires).map(until));
    }
    shut.extend(taken);
    merged(shut, span)
}

/// Cut to the span, sorted, those that touch made one.
fn merged(mut windows: Vec<Window>, span: Window) -> Vec<Window> {
    windows.sort_by_key(|window| window.start);
    let mut merged: Vec<Window> = Vec::new();
    for window in windows {
        let window = Window { start: window.start.max(span.start), end: window.end.min(span.end) };
        if window.start >= window.end {
            continue;
        }
        match merged.last_mut() {
            Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
            _ => merged.push(window),
        }
    }
    merged
}

/// What lies between windows within a span.
fn between(windows: &[Window], span: Window) -> Vec<Window> {
    let windows = merged(windows.to_vec(), span);
    let starts = std::iter::once(span.start).chain(windows.iter().map(|window| window.end));
    let ends = windows.iter().map(|window| window.start).chain(std::iter::once(span.end));
    starts.zip(ends).filter(|(start, end)| start < end).map(|(start, end)| Window { start, end }).collect()
}

/// The spans that are open for at least so long, in order. The last one may reach the end of the span, and further.
pub fn open(shut: &[Window], span: Window, length: std::time::Duration) -> Vec<Window> {
    let gaps = between(shut, span).into_iter();
    gaps.filter(|gap| gap.end.since(gap.start) >= length || gap.end == span.end).collect()
}

/// The gates that will not be open then without somebody doing something.
pub fn owed(facts: &DeployFacts, at: Timestamp) -> Vec<super::Checked> {
    let later = super::ask_all(facts, at).into_iter().filter(|check| !check.answer.opens());
    later.filter(|check| !matches!(check.gate, GateId::Freeze | GateId::Window)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::freeze::Scope;
    use crate::domain::freeze::tests::freeze as make_freeze;
    use crate::domain::gate::tests::{lock_by_others, open as facts};
    use crate::domain::recurrence::Recurrence;

    const MINUTE: i64 = 60_000;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly(rule: &str, start: &str, hours: i64, zone: Tz) -> Freeze {
        let start = chrono::NaiveDateTime::parse_from_str(start, "%Y-%m-%d %H:%M").unwrap();
        let end = start + chrono::TimeDelta::hours(hours);
        let repeats = Recurrence::new(start, end, rule.parse().unwrap(), BTreeSet::new(), zone).unwrap();
        let window = repeats.first(zone).unwrap();
        let plain = make_freeze("x", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        Freeze { window, zone, repeats: Some(repeats), ..plain }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        #[test]
        fn slots_are_exactly_the_minutes_at_which_the_gates_are_open(
            first in 0i64..600, length in 1i64..2000, offset in 0i64..10_000, minutes in 1u64..400,
            rule in prop::sample::select(vec!["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=DAILY;INTERVAL=3"]),
            hours in prop::sample::select(vec![vec![], vec!["Mon-Fri 09:00-17:00"], vec!["Sat,Sun 01:00-04:00", "Tue 00:00-24:00"]]),
            soak in 0i64..3000, lock in prop::option::of(0i64..4000),
            // Around both changes of the clock in Berlin.
            day in prop::sample::select(vec!["2026-10-23T00:00:00Z", "2027-03-26T00:00:00Z", "2026-09-01T00:00:00Z"]),
        ) {
            let now = at(day);
            let minute = |minutes: i64| Timestamp::from_millis(now.millis() + minutes * MINUTE);
            let mut facts = facts();
            facts.zone = Tz::Europe__Berlin;
            facts.environment.hours = hours.iter().map(|text| text.parse().unwrap()).collect();
            let once = Window { start: minute(offset), end: minute(offset + length) };
            facts.freezes = vec![
                weekly(rule, "2026-06-01 22:00", 1 + first % 9, Tz::Europe__Berlin),
                Freeze { window: once, ..make_freeze("once", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z") },
                // Somewhere else.
                Freeze {
                    scope: Scope::new(vec![], vec!["elsewhere".into()]).unwrap(),
                    ..make_freeze("other", "2020-01-01T00:00:00Z", "2030-01-02T00:00:00Z")
                },
            ];
            facts.environment.soak = Duration::from_secs(3600);
            let soaked = minute(soak).minus(Duration::from_secs(3600));
            for newest in facts.upstream.iter_mut().flat_map(|upstream| &mut upstream.newest) {
                if let Some(newest) = &mut newest.1 {
                    newest.finished_at = Some(soaked);
                }
            }
            facts.locks = lock.map(|minutes| lock_by_others(minute(minutes))).into_iter().collect();
            let span = Window { start: now, end: minute(4 * 1440) };
            let is_open = |at: Timestamp| {
                let own = [GateId::Freeze, GateId::Window, GateId::Soak, GateId::Lock];
                let own = GATES.iter().filter(|(gate, _)| own.contains(gate));
                own.into_iter().all(|&(gate, check)| ask(gate, check, &facts, at).opens())
            };
            let mut runs: Vec<Window> = Vec::new();
            for number in 0..4 * 1440 {
                let (this, next) = (minute(number), minute(number + 1));
                if !is_open(this) {
                    continue;
                }
                match runs.last_mut() {
                    Some(last) if last.end == this => last.end = next,
                    _ => runs.push(Window { start: this, end: next }),
                }
            }
            let long = Duration::from_secs(minutes * 60);
            runs.retain(|run| run.end.since(run.start) >= long || run.end == span.end);
            prop_assert_eq!(super::open(&shut(&facts, &[], span), span, long), runs);
        }
    }

    #[test]
    fn what_closes_soon_is_said_with_its_end() {
        let mut facts = facts();
        facts.environment.hours = vec!["Mon-Fri 09:00-17:00".parse().unwrap()];
        let ask = |facts: &DeployFacts, now: &str| {
            closes(&facts.freezes, &facts.release.id.service, &facts.environment, Tz::Europe__Berlin, at(now))
        };
        let soon = ask(&facts, "2026-09-04T13:20:00Z").unwrap();
        assert_eq!((soon.at, soon.freeze.clone()), (at("2026-09-04T15:00:00Z"), None));
        assert_eq!(
            soon.sentence(at("2026-09-04T13:20:00Z")),
            "closes in 1h40m, Fri 2026-09-04 17:00 CEST (open hours); opens again Mon 2026-09-07 09:00 CEST"
        );
        facts.freezes = vec![make_freeze("Sale", "2026-09-04T14:00:00Z", "2026-09-08T09:30:00Z")];
        let soon = ask(&facts, "2026-09-04T13:20:00Z").unwrap();
        assert_eq!((soon.freeze.as_deref(), soon.opens), (Some("Sale"), Some(at("2026-09-08T09:30:00Z"))));
        assert_eq!(soon.brief(at("2026-09-04T13:20:00Z")), "closes 14:00 (freeze: Sale)");
        assert_eq!(ask(&facts, "2026-09-04T14:00:00Z"), None, "it is closed");
        assert_eq!(ask(&facts, "2026-09-03T13:20:00Z").unwrap().freeze, None, "the hours end first");
        facts.environment.hours = Vec::new();
        assert_eq!(ask(&facts, "2026-09-03T13:20:00Z"), None, "that is more than a day away");
    }
}
