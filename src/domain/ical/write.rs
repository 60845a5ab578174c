//! Freezes → iCalendar.

use chrono::{Datelike as _, NaiveDateTime, NaiveTime, Offset as _, TimeDelta, TimeZone as _};

use super::super::freeze::{Freeze, Running, Stops};
use super::super::recurrence::{Ends, Recurrence, Rule, Until};
use super::super::time::{Fold, Timestamp, Tz, resolve_edge};
use super::uid;

/// The longest line in bytes, without its end.
const WIDTH: usize = 75;
/// How many years of changes of the clock are written down for a zone.
const YEARS: i32 = 10;

/// A calendar of these freezes, as of `now`.
pub fn write(freezes: &[Freeze], now: Timestamp) -> String {
    let mut out = String::new();
    line(&mut out, "BEGIN:VCALENDAR");
    line(&mut out, "VERSION:2.0");
    line(&mut out, "PRODID:-//relman//freezes//EN");
    line(&mut out, "CALSCALE:GREGORIAN");
    let repeating = |freeze: &&Freeze| freeze.repeats.is_some() && freeze.zone != Tz::UTC;
    let mut zones: Vec<(Tz, i32)> = Vec::new();
    for freeze in freezes.iter().filter(repeating) {
        let year = freeze.window.start.in_zone(freeze.zone).year();
        match zones.iter_mut().find(|(zone, _)| *zone == freeze.zone) {
            Some((_, first)) => *first = year.min(*first),
            None => zones.push((freeze.zone, year)),
        }
    }
    for (zone, first) in zones {
        time_zone(&mut out, zone, first, now.in_zone(zone).year().max(first) + YEARS);
    }
    for freeze in freezes {
        event(&mut out, freeze, now);
    }
    line(&mut out, "END:VCALENDAR");
    out
}

fn event(out: &mut String, freeze: &Freeze, now: Timestamp) {
    line(out, "BEGIN:VEVENT");
    line(out, &format!("UID:{}", text(&uid(freeze))));
    line(out, &format!("DTSTAMP:{}", utc(now)));
    line(out, &format!("SEQUENCE:{}", freeze.revision));
    match &freeze.repeats {
        None => {
            line(out, &format!("DTSTART:{}", utc(freeze.window.start)));
            // A calendar knows seconds: the last one that is begun belongs to it.
            let end = Timestamp::from_millis(freeze.window.end.millis() + 999);
            line(out, &format!("DTEND:{}", utc(end)));
        }
        Some(repeats) => repeated(out, repeats, freeze.zone),
    }
    line(out, &format!("SUMMARY:{}", text(&freeze.name)));
    line(out, &format!("DESCRIPTION:{}", text(&freeze.reason)));
    line(out, if freeze.suspended { "TRANSP:TRANSPARENT" } else { "TRANSP:OPAQUE" });
    let list = |names: &[String]| names.iter().map(|name| text(name)).collect::<Vec<_>>().join(",");
    line(out, &format!("X-RELMAN-SERVICES:{}", list(&freeze.scope.services)));
    line(out, &format!("X-RELMAN-ENVIRONMENTS:{}", list(&freeze.scope.environments)));
    line(out, &format!("X-RELMAN-ZONE:{}", freeze.zone.name()));
    if freeze.running != Running::Finish {
        line(out, &format!("X-RELMAN-RUNNING:{}", freeze.running.as_str()));
    }
    if freeze.stops != Stops::All {
        line(out, &format!("X-RELMAN-STOPS:{}", freeze.stops.as_str()));
    }
    if freeze.suspended {
        line(out, "X-RELMAN-SUSPENDED:TRUE");
    }
    line(out, "END:VEVENT");
}

fn repeated(out: &mut String, repeats: &Recurrence, zone: Tz) {
    let named = |name: &str| match zone {
        Tz::UTC => (name.to_owned(), "Z"),
        zone => (format!("{name};TZID={}", zone.name()), ""),
    };
    let local = |name: &str, at: NaiveDateTime| {
        let (name, end) = named(name);
        format!("{name}:{}{end}", at.format("%Y%m%dT%H%M%S"))
    };
    line(out, &local("DTSTART", repeats.start));
    line(out, &local("DTEND", repeats.end));
    line(out, &format!("RRULE:{}", in_utc(&repeats.rule, zone)));
    for day in &repeats.except {
        line(out, &local("EXDATE", day.and_time(repeats.start.time())));
    }
}

/// The end of a rule whose times have a zone is said in UTC.
fn in_utc(rule: &Rule, zone: Tz) -> Rule {
    let last = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default();
    let until = match rule.ends {
        Ends::Until(Until::Local(at)) => at,
        Ends::Until(Until::Day(day)) => day.and_time(last),
        _ => return rule.clone(),
    };
    Rule { ends: Ends::Until(Until::Utc(resolve_edge(until, zone, Fold::First))), ..rule.clone() }
}

/// The changes of a zone's clock in these years, one by one.
fn time_zone(out: &mut String, zone: Tz, first: i32, last: i32) {
    let offset = |at: NaiveDateTime| zone.offset_from_utc_datetime(&at).fix().local_minus_utc();
    let year =
        |year: i32| chrono::NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN);
    line(out, "BEGIN:VTIMEZONE");
    line(out, &format!("TZID:{}", zone.name()));
    let (mut at, end) = (year(first) - TimeDelta::days(1), year(last));
    observance(out, zone, at, offset(at), offset(at), false);
    while at < end {
        let next = at + TimeDelta::days(1);
        let (before, after) = (offset(at), offset(next));
        if before != after {
            let (mut low, mut high) = (at, next);
            while high - low > TimeDelta::seconds(1) {
                let middle = low + (high - low) / 2;
                if offset(middle) == before { low = middle } else { high = middle }
            }
            let whole = high.with_nanosecond_zero();
            observance(out, zone, whole, before, after, after > before);
        }
        at = next;
    }
    line(out, "END:VTIMEZONE");
}

trait WholeSeconds {
    fn with_nanosecond_zero(self) -> Self;
}
impl WholeSeconds for NaiveDateTime {
    fn with_nanosecond_zero(self) -> Self {
        chrono::Timelike::with_nanosecond(&self, 0).unwrap_or(self)
    }
}

/// From an instant (in UTC) on the clock shows another offset.
fn observance(out: &mut String, zone: Tz, at: NaiveDateTime, before: i32, after: i32, is_summer: bool) {
    let kind = if is_summer { "DAYLIGHT" } else { "STANDARD" };
    let sign = |offset: i32| {
        let minutes = offset.abs() / 60;
        format!("{}{:02}{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    };
    line(out, &format!("BEGIN:{kind}"));
    // By the clock as it was before.
    let local = at + TimeDelta::seconds(i64::from(before));
    line(out, &format!("DTSTART:{}", local.format("%Y%m%dT%H%M%S")));
    line(out, &format!("TZOFFSETFROM:{}", sign(before)));
    line(out, &format!("TZOFFSETTO:{}", sign(after)));
    line(out, &format!("TZNAME:{}", zone.from_utc_datetime(&at).format("%Z")));
    line(out, &format!("END:{kind}"));
}

fn utc(at: Timestamp) -> String {
    at.utc().format("%Y%m%dT%H%M%SZ").to_string()
}

/// Text with what means something else escaped.
fn text(input: &str) -> String {
    let mut out = String::with_capacity(input.len());
    for c in input.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// One line, folded between characters.
fn line(out: &mut String, text: &str) {
    let mut used = 0;
    for c in text.chars() {
        if used + c.len_utf8() > WIDTH {
            out.push_str("\r\n ");
            used = 1;
        }
        out.push(c);
        used += c.len_utf8();
    }
    out.push_str("\r\n");
}
