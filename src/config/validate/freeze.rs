//! What `[[freezes]]` says.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::Checker;
use crate::config::raw::RawFreeze;
use crate::domain::freeze::{Freeze, FreezeOrigin, Running, Scope, Stops};
use crate::domain::recurrence::Recurrence;
use crate::domain::time::{Fold, Timestamp, Tz, Window, parse_when, parse_zone};

impl Checker {
    pub(super) fn freeze(&mut self, index: usize, raw: RawFreeze) -> Option<Freeze> {
        let at = |key: &str| -> Vec<String> { vec!["freezes".to_owned(), index.to_string(), key.to_owned()] };
        if raw.name.trim().is_empty() {
            self.error(keys!["freezes", index], "a freeze needs a name");
        }
        let running = match raw.running.as_deref() {
            None => Some(Running::default()),
            Some(text) => {
                self.one_of(&at("running"), text, &Running::ALL.map(Running::as_str));
                text.parse::<Running>().ok()
            }
        };
        let stops = match raw.stops.as_deref() {
            None => Some(Stops::default()),
            Some(text) => {
                self.one_of(&at("stops"), text, &Stops::ALL.map(Stops::as_str));
                text.parse::<Stops>().ok()
            }
        };
        let zone = match raw.time_zone.as_deref().map(parse_zone) {
            None => self.zone,
            Some(Ok(zone)) => zone,
            Some(Err(why)) => {
                self.error(&at("time-zone"), why);
                return None;
            }
        };
        let start = self.instant(&at("start"), raw.start.as_deref(), zone, Fold::First);
        let end = self.instant(&at("end"), raw.end.as_deref(), zone, Fold::Last);
        let scope = Scope::new(raw.services, raw.environments);
        let scope = scope.map_err(|why| self.error(keys!["freezes", index], why)).ok();
        let window = Window::new(start?, end?).map_err(|why| self.error(&at("end"), why)).ok();
        let except = self.days(&at("except"), &raw.except);
        let repeats = match raw.rrule.as_deref() {
            None if !raw.except.is_empty() => {
                self.error(&at("except"), "only a freeze with an rrule has days to leave out");
                None
            }
            None => None,
            Some(rule) => {
                let (window, except) = (window?, except?);
                let made = rule.parse().and_then(|rule| Recurrence::of(window, rule, except, zone));
                Some(made.map_err(|why| self.error(&at("rrule"), why)).ok()?)
            }
        };
        let first = repeats.as_ref().and_then(|repeats| repeats.first(zone));
        Some(Freeze {
            origin: FreezeOrigin::Config,
            name: raw.name,
            reason: raw.reason.unwrap_or_else(|| "no reason given".to_owned()),
            scope: scope?,
            window: first.or(window)?,
            zone,
            repeats,
            running: running?,
            stops: stops?,
            suspended: raw.suspended,
            uid: None,
            revision: 0,
            created_by: None,
        })
    }

    /// Days as `2026-12-24`.
    fn days(&mut self, keys: &[String], list: &[String]) -> Option<BTreeSet<NaiveDate>> {
        let mut days = BTreeSet::new();
        for text in list {
            let Ok(day) = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d") else {
                let shown = crate::domain::text::quoted(text, 40);
                self.error(keys, format!("{shown} is not a day; write 2026-12-24"));
                return None;
            };
            days.insert(day);
        }
        Some(days)
    }

    /// An absolute local time: words such as "tomorrow" mean something else every day and have no place in a file.
    fn instant(&mut self, keys: &[String], text: Option<&str>, zone: Tz, fold: Fold) -> Option<Timestamp> {
        let Some(text) = text else {
            self.error(keys, "a freeze needs a start and an end, such as \"2026-12-24 18:00\"");
            return None;
        };
        if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains('-') {
            self.error(keys, "write the date and the time, such as \"2026-12-24 18:00\"");
            return None;
        }
        parse_when(text, Timestamp::from_millis(0), zone, fold).map_err(|why| self.error(keys, why)).ok()
    }
}
