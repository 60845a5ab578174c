//! Hours of the week: when an environment is open, and the words for weekdays and times of day.

use std::collections::BTreeSet;

use chrono::{Datelike as _, TimeDelta, Weekday};

use super::time::{Fold, Timestamp, Tz, Window, resolve_local};

/// Open hours in the policy's zone: outside of all of them deployments may not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenHours {
    /// As written, for screens.
    pub text: String,
    pub days: BTreeSet<u8>,
    /// Minutes after local midnight, start included, end excluded; the end may be 24:00.
    pub from: u16,
    pub until: u16,
}

impl OpenHours {
    /// The window of this rule on the local day of `at`, if that weekday is one of its days.
    fn on(&self, day: chrono::NaiveDate, zone: Tz) -> Option<Window> {
        let weekday = u8::try_from(day.weekday().num_days_from_monday()).expect("0 to 6");
        if !self.days.contains(&weekday) {
            return None;
        }
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let at =
            |minutes: u16, fold| resolve_local(midnight + TimeDelta::minutes(i64::from(minutes)), zone, fold);
        Window::new(at(self.from, Fold::First), at(self.until, Fold::Last)).ok()
    }
}

impl std::str::FromStr for OpenHours {
    type Err = String;

    /// `Mon-Thu 09:00-17:00`, `Mon,Wed 08:00-12:00`, `Sat 00:00-24:00`.
    fn from_str(text: &str) -> Result<Self, String> {
        let shown = super::text::quoted(text, 40);
        let wrong =
            || format!("{shown} is not open hours; write days and times, such as \"Mon-Thu 09:00-17:00\"");
        let (named, times) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let set = days(named).ok_or_else(wrong)?;
        let (from, until) = times.split_once('-').ok_or_else(wrong)?;
        let (from, until) = (minutes(from).ok_or_else(wrong)?, minutes(until).ok_or_else(wrong)?);
        if until <= from {
            return Err(format!(
                "{shown}: the end is not after the start; over midnight, write two rules (… 22:00-24:00 and … 00:00-06:00)"
            ));
        }
        Ok(Self { text: text.trim().to_owned(), days: set, from, until })
    }
}

/// Weekdays as people list them: `Mon-Thu`, `Mon,Wed`, `Fri-Mon`; 0 is Monday.
pub fn days(text: &str) -> Option<BTreeSet<u8>> {
    let mut set = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (weekday(first)?, weekday(last)?);
        set.insert(day);
        while day != last {
            day = (day + 1) % 7;
            set.insert(day);
        }
    }
    Some(set)
}

/// `09:30` as minutes after midnight; 24:00 is the end of the day.
pub fn minutes(time: &str) -> Option<u16> {
    let time = time.trim();
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && total <= 24 * 60 && time.len() == 5).then_some(total)
}

/// Whether `now` lies in one of the `hours`, and if not, when the next one opens.
pub fn open_state(hours: &[OpenHours], zone: Tz, now: Timestamp) -> Result<(), Option<Timestamp>> {
    if hours.is_empty() {
        return Ok(());
    }
    let today = now.in_zone(zone).date_naive();
    let windows = (-1..=8)
        .filter_map(|days| today.checked_add_signed(TimeDelta::days(days)))
        .flat_map(|day| hours.iter().filter_map(move |rule| rule.on(day, zone)));
    let mut next: Option<Timestamp> = None;
    for window in windows {
        if window.covers(now) {
            return Ok(());
        }
        if window.start > now && next.is_none_or(|known| window.start < known) {
            next = Some(window.start);
        }
    }
    Err(next)
}

/// The windows of the rules that have a part in a span, in order.
pub fn windows(hours: &[OpenHours], zone: Tz, span: Window) -> Vec<Window> {
    let (first, last) = (span.start.in_zone(zone).date_naive(), span.end.in_zone(zone).date_naive());
    let days = std::iter::successors(first.pred_opt(), chrono::NaiveDate::succ_opt);
    let days = days.take_while(|day| *day <= last);
    let mut windows: Vec<Window> =
        days.flat_map(|day| hours.iter().filter_map(move |rule| rule.on(day, zone))).collect();
    windows.retain(|window| window.overlaps(&span));
    windows.sort_by_key(|window| window.start);
    windows
}

/// When the hours that are open now end, those that follow without a gap included; nothing where they are not open, or
/// do not end within a week.
pub fn open_until(hours: &[OpenHours], zone: Tz, now: Timestamp) -> Option<Timestamp> {
    let week = Window { start: now, end: now.plus(std::time::Duration::from_secs(8 * 86_400)) };
    let mut until = now;
    for window in windows(hours, zone, week) {
        if window.start > until {
            break;
        }
        until = until.max(window.end);
    }
    (until > now && until < week.end).then_some(until)
}

/// The weekday's number in [`OpenHours::days`], from its English abbreviation.
fn weekday(name: &str) -> Option<u8> {
    let day: Weekday = name.parse().ok()?;
    u8::try_from(day.num_days_from_monday()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[u8], from: u16, until: u16) -> OpenHours {
        OpenHours { text: String::new(), days: days.iter().copied().collect(), from, until }
    }

    #[test]
    fn hours_are_open_from_their_start_to_just_before_their_end() {
        let office = [hours(&[0, 1, 2, 3], 9 * 60, 17 * 60)];
        let zone = Tz::Europe__Berlin;
        let state = |text: &str| open_state(&office, zone, text.parse().unwrap());
        assert_eq!(state("2026-09-01T09:00:00+02:00"), Ok(()));
        assert_eq!(state("2026-09-01T16:59:59+02:00"), Ok(()));
        let wednesday = "2026-09-02T09:00:00+02:00".parse().unwrap();
        assert_eq!(state("2026-09-01T17:00:00+02:00"), Err(Some(wednesday)));
        let monday = "2026-09-07T09:00:00+02:00".parse().unwrap();
        assert_eq!(state("2026-09-03T17:00:00+02:00"), Err(Some(monday)));
    }

    #[test]
    fn hours_follow_the_wall_clock_over_a_time_change() {
        let sunday = [hours(&[6], 60, 4 * 60)];
        let zone = Tz::Europe__Berlin;
        // 31 Oct 2027: 03:00 CEST becomes 02:00 CET; 01:00 to 04:00 lasts four hours that night.
        assert_eq!(open_state(&sunday, zone, "2027-10-30T23:00:00Z".parse().unwrap()), Ok(()));
        assert_eq!(open_state(&sunday, zone, "2027-10-31T02:59:59Z".parse().unwrap()), Ok(()));
        assert!(open_state(&sunday, zone, "2027-10-31T03:00:00Z".parse().unwrap()).is_err());
    }

    #[test]
    fn no_hours_means_always_open() {
        assert_eq!(open_state(&[], Tz::UTC, Timestamp::from_millis(0)), Ok(()));
    }
}
