//! The calendar's month and week as text: what the pane shows, for who reads it elsewhere.
//!
//! Entry points: [`Sheet::of`] reads which one is wanted, [`Sheet::lines`] writes it.

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeDelta, Weekday};

use super::args::Calendar as Wanted;
use crate::domain::freeze::Freeze;
use crate::domain::text::quoted;
use crate::domain::time::{Fold, Timestamp, Tz, Window, resolve_local};
use crate::ops::view::calendar::Calendar;
use crate::ops::{ErrorKind, OpError};

/// Columns of a day of the month: as wide as a day with a freeze, deployments, schedules and a train.
const CELL: usize = 10;
/// Columns before the bar of a day, and cells of the bar: three for each hour of a day of 24.
const LABEL: usize = 8;
const CELLS: usize = 72;
const FROZEN: &str = "▒";
/// The word for the month or week of today.
const NOW: &str = "now";

/// Which days are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sheet {
    /// By its first day.
    Month(NaiveDate),
    /// By its Monday.
    Week(NaiveDate),
}

impl Sheet {
    /// What was asked for; nothing: the agenda.
    pub(super) fn of(wanted: &Wanted, today: NaiveDate) -> Result<Option<Self>, OpError> {
        let sheet = match (&wanted.month, &wanted.week) {
            (Some(text), _) => Self::Month(first_of(text, today)?),
            (None, Some(text)) => Self::Week(monday_of(text, today)?),
            (None, None) => return Ok(None),
        };
        Ok(Some(sheet))
    }

    /// The first day that is shown, and the first that is not.
    fn days(self) -> (NaiveDate, NaiveDate) {
        match self {
            Self::Week(first) => (first, first + TimeDelta::days(7)),
            Self::Month(first) => {
                let last = first
                    .checked_add_months(chrono::Months::new(1))
                    .and_then(|next| next.pred_opt())
                    .unwrap_or(first);
                (monday(first), monday(last) + TimeDelta::days(7))
            }
        }
    }

    pub(super) fn span(self, zone: Tz) -> Window {
        let (first, end) = self.days();
        Window { start: midnight(first, zone), end: midnight(end, zone) }
    }

    pub(super) fn lines(self, calendar: &Calendar, zone: Tz, today: NaiveDate) -> Vec<String> {
        match self {
            Self::Month(_) => self.month(calendar, zone, today),
            Self::Week(_) => self.week(calendar, zone, today),
        }
    }

    fn month(self, calendar: &Calendar, zone: Tz, today: NaiveDate) -> Vec<String> {
        let (first, end) = self.days();
        let Self::Month(month) = self else { return Vec::new() };
        let names =
            ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(|day| format!("{day:<CELL$}")).concat();
        let mut lines = vec![format!("{}{}", month.format("%B %Y"), legend(zone)), trimmed(&names)];
        let mut week = first;
        while week < end {
            let cells = (0..7).map(|at| {
                let day = week + TimeDelta::days(at);
                format!("{:<CELL$}", cell(calendar, day, zone, today))
            });
            lines.push(trimmed(&cells.collect::<String>()));
            week += TimeDelta::days(7);
        }
        lines
    }

    fn week(self, calendar: &Calendar, zone: Tz, today: NaiveDate) -> Vec<String> {
        let (first, _) = self.days();
        let week = first.iso_week();
        let hours: String = (0..24).step_by(3).map(|hour| format!("{hour:02}       ")).collect();
        let mut lines = vec![
            format!("Week {} of {}{}", week.week(), week.year(), legend(zone)),
            trimmed(&format!("{}{hours}", " ".repeat(LABEL))),
        ];
        for day in first.iter_days().take(7) {
            let window = window_of(day, zone);
            let here = if day == today { "*" } else { " " };
            lines.push(format!("{}{here} {}", day.format("%a %d"), bar(calendar, window)));
            let words = words(calendar, window, zone);
            lines.extend(words.into_iter().map(|text| format!("{}{text}", " ".repeat(LABEL))));
        }
        lines
    }
}

fn legend(zone: Tz) -> String {
    format!("  {}  {FROZEN} frozen  d deployed  s scheduled  t train  * today", zone.name())
}

fn trimmed(line: &str) -> String {
    line.trim_end().to_owned()
}

fn unreadable(text: &str, what: &str, example: &str) -> OpError {
    OpError::new(ErrorKind::Usage, format!("{} is no {what}", quoted(text, 20)))
        .hint(format!("write it as {example}, or nothing for the one of today"))
}

/// Years of four digits: others fit neither a column nor the calendar's arithmetic.
fn fits(day: NaiveDate) -> bool {
    (1970..=9998).contains(&day.year())
}

/// `2026-12`.
fn first_of(text: &str, today: NaiveDate) -> Result<NaiveDate, OpError> {
    let text = text.trim();
    let day = match text {
        NOW => today.with_day(1),
        text => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok(),
    };
    day.filter(|day| fits(*day)).ok_or_else(|| unreadable(text, "month", "--month 2026-12"))
}

/// `2026-W49`, as ISO 8601 counts weeks.
fn monday_of(text: &str, today: NaiveDate) -> Result<NaiveDate, OpError> {
    let text = text.trim();
    let day = match text {
        NOW => Some(monday(today)),
        text => text.split_once("-W").or_else(|| text.split_once("-w")).and_then(|(year, week)| {
            NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon)
        }),
    };
    day.filter(|day| fits(*day)).ok_or_else(|| unreadable(text, "week", "--week 2026-W49"))
}

fn monday(day: NaiveDate) -> NaiveDate {
    day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))
}

fn midnight(day: NaiveDate, zone: Tz) -> Timestamp {
    resolve_local(day.and_time(NaiveTime::MIN), zone, Fold::First)
}

fn window_of(day: NaiveDate, zone: Tz) -> Window {
    Window { start: midnight(day, zone), end: midnight(day + TimeDelta::days(1), zone) }
}

/// Freezes that close a part of the span, each with the window that does.
fn closed_in(calendar: &Calendar, span: Window) -> impl Iterator<Item = (&Freeze, Window)> {
    let all = calendar.freezes.iter().zip(&calendar.windows).filter(|(freeze, _)| !freeze.suspended);
    all.flat_map(move |(freeze, windows)| {
        windows.iter().filter(move |window| window.overlaps(&span)).map(move |window| (freeze, *window))
    })
}

/// What happens in the span: when, by its letter, and in words.
fn happenings(calendar: &Calendar, span: Window, zone: Tz) -> Vec<(Timestamp, char, String)> {
    let clock = |at: Timestamp| at.in_zone(zone).format("%H:%M").to_string();
    let deployed = calendar.deployments.iter().filter_map(|d| Some((d, d.began_at()?)));
    let deployed =
        deployed.map(|(d, at)| (at, 'd', format!("{} {} {} {}", clock(at), d.id, d.state, d.errand())));
    let begins = calendar.scheduled.iter().filter_map(|d| Some((d, d.wait.as_ref()?.at?)));
    let begins = begins.map(|(d, at)| {
        (at, 's', format!("{} {} begins: {} by {}", clock(at), d.id, d.errand(), d.started_by.name))
    });
    let trains = calendar.departures.iter().map(|stop| {
        let state = stop.departure.as_ref().map(|departure| format!(" {}", departure.state));
        (stop.at, 't', format!("{} train {}{}", clock(stop.at), stop.train, state.unwrap_or_default()))
    });
    let mut all: Vec<_> = deployed.chain(begins).chain(trains).filter(|(at, ..)| span.covers(*at)).collect();
    all.sort_by_key(|(at, ..)| *at);
    all
}

/// A day of the month: its number, whether it is today or closed, and how much happens.
fn cell(calendar: &Calendar, day: NaiveDate, zone: Tz, today: NaiveDate) -> String {
    let window = window_of(day, zone);
    let all = happenings(calendar, window, zone);
    let count = |letter: char| all.iter().filter(|(_, of, _)| *of == letter).count();
    let counted = |letter: char| match count(letter) {
        0 => String::new(),
        count => format!("{count}{letter}"),
    };
    let here = if day == today { "*" } else { " " };
    let frozen = if closed_in(calendar, window).next().is_some() { FROZEN } else { " " };
    let train = if count('t') > 0 { "t" } else { "" };
    format!("{:>2}{here}{frozen}{}{}{train}", day.day(), counted('d'), counted('s'))
}

/// A day as cells: closed, something that happens, or nothing.
fn bar(calendar: &Calendar, day: Window) -> String {
    let length = day.end.since(day.start);
    let step = length / u32::try_from(CELLS).unwrap_or(1);
    let moment = |cell: usize| day.start.plus(step * u32::try_from(cell).unwrap_or(0));
    let all = happenings(calendar, day, Tz::UTC);
    (0..CELLS)
        .map(|cell| {
            let span = Window { start: moment(cell), end: moment(cell + 1) };
            let mark = all.iter().find(|(at, ..)| span.covers(*at)).map(|(_, letter, _)| letter.to_string());
            let is_closed = closed_in(calendar, span).next().is_some();
            mark.unwrap_or_else(|| if is_closed { FROZEN } else { "·" }.to_owned())
        })
        .collect()
}

/// What closes a day and what happens in it, in the order of its clock.
fn words(calendar: &Calendar, day: Window, zone: Tz) -> Vec<String> {
    let clock = |at: Timestamp| match () {
        () if at <= day.start => "00:00".to_owned(),
        () if at >= day.end => "24:00".to_owned(),
        () => at.in_zone(zone).format("%H:%M").to_string(),
    };
    let closed = closed_in(calendar, day).map(|(freeze, window)| {
        let again = if freeze.repeats.is_some() { " (repeats)" } else { "" };
        let (start, end) = (clock(window.start), clock(window.end));
        let what = freeze.scope.describe();
        (window.start, format!("{start}-{end} frozen: {what}, {}{again}", freeze.title()))
    });
    let all = happenings(calendar, day, zone).into_iter().map(|(at, _, text)| (at, text));
    let mut lines: Vec<(Timestamp, String)> = closed.chain(all).collect();
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_weeks_are_read_as_they_are_written_and_nothing_else_is() {
        let today = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(first_of("2026-12", today).unwrap(), day("2026-12-01"));
        assert_eq!(first_of("now", today).unwrap(), day("2026-12-01"));
        for (text, monday) in [
            ("2026-W49", "2026-11-30"),
            ("2026-w1", "2025-12-29"),
            ("2026-W53", "2026-12-28"),
            ("now", "2026-12-28"),
        ] {
            assert_eq!(monday_of(text, today).unwrap(), day(monday), "{text}");
        }
        for text in ["", "12", "2026-13", "2026-W49", "0000-01", "99999-01", "2026-12-01", "-1-01", "é"] {
            assert!(first_of(text, today).is_err(), "{text}");
        }
        for text in ["", "49", "2026-49", "2025-W53", "2026-W0", "2026-W", "-W1", "9999-W1", "+2026-W-1"] {
            assert!(monday_of(text, today).is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_is_shown_in_whole_weeks() {
        let span = |text: &str| {
            let first = first_of(text, NaiveDate::MIN).unwrap();
            Sheet::Month(first).days()
        };
        for (month, first, end) in [
            ("2026-12", "2026-11-30", "2027-01-04"),
            ("2027-02", "2027-02-01", "2027-03-01"),
            ("2026-08", "2026-07-27", "2026-09-07"),
        ] {
            assert_eq!(span(month), (first.parse().unwrap(), end.parse().unwrap()), "{month}");
        }
    }
}
