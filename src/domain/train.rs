//! Release trains: they depart at their times with whatever is ready, and wait for nobody (SCH-5..8).

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{Datelike as _, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::freeze::fits;
use super::hours;
use super::ids::{DeploymentId, EnvName, ReleaseId, ServiceName, TrainName};
use super::time::{Fold, Timestamp, Tz, resolve_local};
use super::words::words;

/// When a train departs: weekdays and a time of day in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timetable {
    /// As written, for screens.
    pub text: String,
    #[serde(skip)]
    days: BTreeSet<u8>,
    #[serde(skip)]
    minutes: u16,
    pub zone: Tz,
}

impl Timetable {
    /// `Tue,Thu 10:00`.
    pub fn new(text: &str, zone: Tz) -> Result<Self, String> {
        let shown = super::text::quoted(text, 40);
        let wrong = || format!("{shown} is no timetable; write days and a time, such as \"Tue,Thu 10:00\"");
        let (named, time) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let days = hours::days(named).ok_or_else(wrong)?;
        let minutes = hours::minutes(time).filter(|minutes| *minutes < 24 * 60).ok_or_else(wrong)?;
        Ok(Self { text: text.trim().to_owned(), days, minutes, zone })
    }

    /// The departures whose time is in `[from, to)`, in order. A time that the clock skips is meant with the offset from
    /// before; of one that it repeats the first is meant.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let first = from.in_zone(self.zone).date_naive() - TimeDelta::days(1);
        let last = to.in_zone(self.zone).date_naive() + TimeDelta::days(1);
        let days =
            std::iter::successors(Some(first), chrono::NaiveDate::succ_opt).take_while(|day| *day <= last);
        let time = NaiveTime::MIN + TimeDelta::minutes(i64::from(self.minutes));
        days.filter(|day| {
            self.days.contains(&u8::try_from(day.weekday().num_days_from_monday()).unwrap_or(7))
        })
        .map(|day| resolve_local(day.and_time(time), self.zone, Fold::First))
        .filter(|at| *at >= from && *at < to)
        .collect()
    }

    /// The first departure after `now`.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let just_after = now.plus(Duration::from_millis(1));
        let within = self.between(just_after, now.plus(Duration::from_secs(9 * 86_400)));
        within.first().copied().unwrap_or(now)
    }

    /// The last departure that is due at `now`.
    pub fn last(&self, now: Timestamp) -> Option<Timestamp> {
        let just_after = now.plus(Duration::from_millis(1));
        self.between(now.minus(Duration::from_secs(9 * 86_400)), just_after).last().copied()
    }
}

/// A train as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Train {
    pub name: TrainName,
    pub departs: Timetable,
    /// What is live and good here goes …
    pub from: EnvName,
    /// … there.
    pub to: EnvName,
    /// Patterns of the services it takes along.
    pub services: Vec<String>,
    /// So long before its departure an approval must have been given to count.
    pub cut_off: Duration,
    /// The person in whose name it departs, by whose relman it is sent off, and as whom its scripts run.
    pub conductor: String,
    /// Whether it departs although something of its last departure failed.
    pub goes_on: bool,
    /// How long after its time it may still depart, and what it took along may still begin.
    pub expire: Duration,
}

impl Train {
    pub fn takes(&self, service: &ServiceName) -> bool {
        self.services.iter().any(|pattern| fits(pattern, service.as_str()))
    }
}

/// What became of a departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DepartureState {
    Departed,
    /// A person had it left out.
    Skipped,
    /// Something of the departure before failed and nobody has looked at it.
    Halted,
    /// Nobody was there to send it off in time.
    Missed,
}

impl DepartureState {
    pub const ALL: [Self; 4] = [Self::Departed, Self::Skipped, Self::Halted, Self::Missed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Departed => "departed",
            Self::Skipped => "skipped",
            Self::Halted => "halted",
            Self::Missed => "missed",
        }
    }
}
words!(DepartureState, "state of a departure", Self::ALL);

/// One service at a departure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub service: ServiceName,
    /// What is at the station.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    /// Why it stays behind; nothing: it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// The deployment it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
}

/// One departure of a train.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    pub train: TrainName,
    pub departs_at: Timestamp,
    pub state: DepartureState,
    /// Who sent it off, or had it left out.
    pub by: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub items: Vec<Item>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn it_departs_on_its_days_at_its_wall_clock_time() {
        let table = Timetable::new("Tue,Thu 10:00", Tz::Europe__Berlin).unwrap();
        let monday = at("2026-08-31T12:00:00Z");
        assert_eq!(table.next(monday), at("2026-09-01T08:00:00Z"));
        assert_eq!(table.next(at("2026-09-01T08:00:00Z")), at("2026-09-03T08:00:00Z"));
        assert_eq!(table.last(at("2026-09-01T08:00:00Z")), Some(at("2026-09-01T08:00:00Z")));
        assert_eq!(table.last(monday), Some(at("2026-08-27T08:00:00Z")));
        // Winter time begins on 25 October.
        assert_eq!(table.next(at("2026-10-25T12:00:00Z")), at("2026-10-27T09:00:00Z"));
    }

    #[test]
    fn a_time_the_clock_skips_or_repeats_is_one_departure() {
        let table = Timetable::new("Sun 02:30", Tz::Europe__Berlin).unwrap();
        let spring = table.between(at("2027-03-27T12:00:00Z"), at("2027-03-29T00:00:00Z"));
        assert_eq!(spring, [at("2027-03-28T01:30:00Z")]);
        let autumn = table.between(at("2027-10-30T12:00:00Z"), at("2027-11-01T00:00:00Z"));
        assert_eq!(autumn, [at("2027-10-31T00:30:00Z")]);
    }

    #[test]
    fn what_is_no_timetable_says_how_to_write_one() {
        for text in ["", "Tue", "10:00", "Tuesday 10", "Tue 24:00", "Tue 25:00", "Foo 10:00"] {
            assert!(Timetable::new(text, Tz::UTC).unwrap_err().contains("Tue,Thu 10:00"), "{text}");
        }
    }
}
