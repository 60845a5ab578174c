//! Instants, half-open windows and how both are said to people. Never reads a clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{
    DateTime, Datelike as _, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta,
    TimeZone as _, Utc,
};
pub use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// An instant in UTC with millisecond precision.
///
/// As text it has one fixed width (`2026-09-01T10:00:00.000Z`), so that it sorts as text in the store and in
/// exports, in SQLite and PostgreSQL alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Cuts to milliseconds, so that an instant equals itself after a trip through the store.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self::from_millis(at.timestamp_millis())
    }

    /// Clamped to the years 0000 to 9999, where the text form has its fixed width.
    pub fn from_millis(millis: i64) -> Self {
        const FIRST: i64 = -62_167_219_200_000;
        const LAST: i64 = 253_402_300_799_999;
        let at = DateTime::from_timestamp_millis(millis.clamp(FIRST, LAST));
        Self(at.expect("years 0000 to 9999 are representable"))
    }

    pub fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// This instant as a wall clock in `zone` shows it.
    pub fn in_zone(self, zone: Tz) -> DateTime<Tz> {
        self.0.with_timezone(&zone)
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.millis().saturating_add(millis))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.millis().saturating_sub(millis))
    }

    /// The time from `earlier` to this instant; zero when the clock went backwards in between.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis() - earlier.millis()).unwrap_or(0))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}
impl From<Timestamp> for String {
    fn from(at: Timestamp) -> String {
        at.to_string()
    }
}
impl TryFrom<String> for Timestamp {
    type Error = BadTime;
    fn try_from(text: String) -> Result<Self, BadTime> {
        text.parse()
    }
}
impl FromStr for Timestamp {
    type Err = BadTime;
    /// Reads RFC 3339 with an offset; what people type goes through [`parse_when`].
    fn from_str(text: &str) -> Result<Self, BadTime> {
        DateTime::parse_from_rfc3339(text)
            .map(|at| Self::new(at.to_utc()))
            .map_err(|_| BadTime::unreadable(text))
    }
}

/// Why a time was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    #[error(
        "{0} is not a time; write 2026-12-24 18:00, 18:00, tomorrow 09:00, +2h30m, or RFC 3339 with an offset"
    )]
    Unreadable(String),
    #[error(
        "{0} is no moment of the past; write #41 for a journal entry, -2h, yesterday 18:00, 2026-12-24 18:00"
    )]
    NoMoment(String),
    #[error("{0} is still to come: what is looked back at lies before now")]
    ToCome(String),
    #[error("{0} does not exist in {1}: the clock is put forward over it; the next valid time is {2}")]
    Skipped(String, Tz, String),
    #[error("{0} is not a time zone; write an IANA name such as Europe/Berlin{1}")]
    UnknownZone(String, String),
    #[error("{0} is not a duration; write 90s, 15m, 8h, 2d or 1h30m")]
    BadDuration(String),
    #[error(
        "the end ({end}) is not after the start ({start}); a window includes its start and excludes its end"
    )]
    EmptyWindow { start: String, end: String },
}

impl BadTime {
    fn unreadable(text: &str) -> Self {
        Self::Unreadable(super::text::quoted(text, 40))
    }
}

/// Reads an IANA zone name, with a suggestion for typing mistakes.
pub fn parse_zone(name: &str) -> Result<Tz, BadTime> {
    name.parse::<Tz>().map_err(|_| {
        let near = super::text::did_you_mean(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        let hint = near.map(|zone| format!("; did you mean {zone}?")).unwrap_or_default();
        BadTime::UnknownZone(super::text::quoted(name, 40), hint)
    })
}

/// Reads `90s`, `15m`, `8h`, `2d`, `1h30m`.
pub fn parse_duration(text: &str) -> Result<Duration, BadTime> {
    humantime::parse_duration(text.trim()).map_err(|_| BadTime::BadDuration(super::text::quoted(text, 40)))
}

/// Which of the two passes of a repeated hour is meant (clocks put back).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    First,
    Last,
}

/// The instant at which clocks in `zone` show `local`.
///
/// A time that is skipped (clocks put forward) is read with the offset that was in force before the gap, as
/// RFC 5545 and most calendars do: 02:30 becomes 03:30. Of a repeated time `fold` picks the pass: a freeze starts
/// at the first and ends at the last, so that it covers both.
pub fn resolve_local(local: NaiveDateTime, zone: Tz, fold: Fold) -> Timestamp {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Timestamp::new(at.to_utc()),
        LocalResult::Ambiguous(first, last) => {
            Timestamp::new(if fold == Fold::First { first.to_utc() } else { last.to_utc() })
        }
        LocalResult::None => {
            let before = local - TimeDelta::hours(24);
            let offset = match zone.offset_from_local_datetime(&before) {
                LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => {
                    chrono::Offset::fix(&offset)
                }
                LocalResult::None => chrono::Offset::fix(&Utc),
            };
            let seconds = i64::from(offset.local_minus_utc());
            Timestamp::new((local - TimeDelta::seconds(seconds)).and_utc())
        }
    }
}

/// Like [`resolve_local`], but a time that is skipped is the moment at which the clock is put forward: the next instant
/// that there is. So nothing that repeats is shorter or longer than the clocks of its zone make it.
pub fn resolve_edge(local: NaiveDateTime, zone: Tz, fold: Fold) -> Timestamp {
    let at = resolve_local(local, zone, fold);
    let shows = |at: Timestamp| at.in_zone(zone).naive_local();
    let skipped = shows(at) - local;
    if skipped < TimeDelta::milliseconds(1) {
        return at;
    }
    let (mut before, mut after) = (at.millis() - skipped.num_milliseconds(), at.millis());
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if shows(Timestamp::from_millis(middle)) < local { before = middle } else { after = middle }
    }
    Timestamp::from_millis(after)
}

/// Reads what a person types for an instant, relative to `now`, in the wall clock of `zone`.
///
/// `now`, `+2h30m`, `18:00` (the next one), `tomorrow 09:00`, `2026-12-24`, `2026-12-24 18:00`, RFC 3339.
/// A wall time that does not exist (clocks put forward) is refused with the next valid one: a person who typed it
/// has probably not thought of the change.
pub fn parse_when(text: &str, now: Timestamp, zone: Tz, fold: Fold) -> Result<Timestamp, BadTime> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    if let Some(span) = text.strip_prefix('+') {
        return parse_duration(span).map(|span| now.plus(span));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let today = now.in_zone(zone).date_naive();
    let time_of = |text: &str| {
        ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(text.trim(), format).ok())
    };
    let date_of = |text: &str| match text.to_ascii_lowercase().as_str() {
        "today" => Some(today),
        "tomorrow" => today.succ_opt(),
        // Years of four digits: others fit neither the store nor the calendar's arithmetic.
        _ => {
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| (1..=9998).contains(&date.year()))
        }
    };
    let local = if let Some(time) = time_of(text) {
        let at = today.and_time(time);
        if resolve_local(at, zone, fold) <= now { at + TimeDelta::days(1) } else { at }
    } else if let Some(date) = date_of(text) {
        date.and_time(NaiveTime::MIN)
    } else {
        let parts = text.split_once(' ').or_else(|| text.split_once('T'));
        let (date, time) = parts.ok_or_else(|| BadTime::unreadable(text))?;
        let date = date_of(date).ok_or_else(|| BadTime::unreadable(text))?;
        date.and_time(time_of(time).ok_or_else(|| BadTime::unreadable(text))?)
    };
    let at = resolve_local(local, zone, fold);
    let shown = at.in_zone(zone).naive_local();
    if shown != local {
        return Err(BadTime::Skipped(
            local.format("%Y-%m-%d %H:%M").to_string(),
            zone,
            shown.format("%H:%M").to_string(),
        ));
    }
    Ok(at)
}

/// Reads what a person types for the end of something that starts at `start`: a span or a bare time of day counts from
/// there, `today` and `tomorrow` are the person's own, wherever the start lies.
pub fn parse_end(text: &str, start: Timestamp, now: Timestamp, zone: Tz) -> Result<Timestamp, BadTime> {
    let day = text.split_whitespace().next().unwrap_or_default();
    let is_own = ["now", "today", "tomorrow"].iter().any(|own| day.eq_ignore_ascii_case(own));
    parse_when(text, if is_own { now } else { start }, zone, Fold::Last)
}

/// `[start, end)`: the start belongs to it, the end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Window {
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, BadTime> {
        if end <= start {
            return Err(BadTime::EmptyWindow { start: start.to_string(), end: end.to_string() });
        }
        Ok(Self { start, end })
    }

    pub fn covers(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// A span in at most two units: `45s`, `12m`, `3h20m`, `2d4h`, `5w`. Fits columns: never more than six characters.
pub fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if seconds < 60 => format!("{seconds}s"),
        () if minutes < 60 => format!("{minutes}m"),
        () if hours < 24 => two(hours, 'h', minutes % 60, 'm'),
        () if days < 14 => two(days, 'd', hours % 24, 'h'),
        () if days < 730 => format!("{}w", days / 7),
        () => format!("{}y", days / 365),
    }
}

/// How long ago in one coarse unit: `<1h`, `5h`, `3d`, `6w`, `2y`. For lists that stand on a silent screen: it changes
/// so seldom that it can be kept true without drawing all the time; see [`age_turns`].
pub fn age(length: Duration) -> String {
    let (hours, days) = (length.as_secs() / 3600, length.as_secs() / 86_400);
    match () {
        () if hours < 1 => "<1h".to_owned(),
        () if hours < 48 => format!("{hours}h"),
        () if days < 14 => format!("{days}d"),
        () if days < 730 => format!("{}w", days / 7),
        () => format!("{}y", days / 365),
    }
}

/// How long it takes until [`age`] reads differently; never later than it does.
pub fn age_turns(length: Duration) -> Duration {
    const HOUR: u64 = 3_600_000;
    let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let step = if millis < 48 * HOUR { HOUR } else { 24 * HOUR };
    Duration::from_millis(step - millis % step)
}

fn two(big: u64, big_unit: char, small: u64, small_unit: char) -> String {
    if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small:02}{small_unit}") }
}

/// A running time with seconds, for deployments: `0:07`, `3:20`, `1:03:20`.
pub fn stopwatch(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `in 3h20m`, `12m ago`, `now`.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    if at.millis().abs_diff(now.millis()) < 1000 {
        "now".to_owned()
    } else if at > now {
        format!("in {}", span(at.since(now)))
    } else {
        format!("{} ago", span(now.since(at)))
    }
}

/// The moment as briefly as it is still clear beside `now`: `18:00`, `Mon 09:00`, `24 Dec`, `2027-01-04`.
pub fn near(at: Timestamp, now: Timestamp, zone: Tz) -> String {
    let (moment, today) = (at.in_zone(zone), now.in_zone(zone));
    let days = (moment.date_naive() - today.date_naive()).num_days();
    let format = match days {
        0 => "%H:%M",
        -6..=6 => "%a %H:%M",
        _ if moment.year() == today.year() => "%-d %b",
        _ => "%Y-%m-%d",
    };
    moment.format(format).to_string()
}

/// `Fri 2026-09-04 18:00 CEST`: what a person plans with. The zone's abbreviation is always shown.
pub fn wall(at: Timestamp, zone: Tz) -> String {
    at.in_zone(zone).format("%a %Y-%m-%d %H:%M %Z").to_string()
}

/// The day alone, where the hour says nothing: `2026-09-01`.
pub fn day(at: Timestamp, zone: Tz) -> String {
    at.in_zone(zone).format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BERLIN: Tz = Tz::Europe__Berlin;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn instants_have_one_width_and_survive_a_round_trip() {
        assert_eq!(at("2026-09-01T12:00:00+02:00").to_string(), "2026-09-01T10:00:00.000Z");
        assert_eq!(at("2026-09-01T10:00:00.1239Z").to_string().len(), 24);
    }

    #[test]
    fn a_window_excludes_its_end_to_the_millisecond() {
        let window = Window::new(at("2026-09-01T10:00:00Z"), at("2026-09-01T11:00:00Z")).unwrap();
        assert!(window.covers(at("2026-09-01T10:00:00Z")));
        assert!(window.covers(at("2026-09-01T10:59:59.999Z")));
        assert!(!window.covers(at("2026-09-01T11:00:00Z")));
        assert!(Window::new(window.end, window.end).is_err());
    }

    #[test]
    fn people_type_times_in_their_own_zone() {
        let now = at("2026-09-01T10:00:00Z"); // 12:00 in Berlin
        let read = |text| parse_when(text, now, BERLIN, Fold::First).unwrap().to_string();
        assert_eq!(read("now"), "2026-09-01T10:00:00.000Z");
        assert_eq!(read("+2h30m"), "2026-09-01T12:30:00.000Z");
        assert_eq!(read("18:00"), "2026-09-01T16:00:00.000Z");
        assert_eq!(read("11:00"), "2026-09-02T09:00:00.000Z");
        assert_eq!(read("tomorrow 09:00"), "2026-09-02T07:00:00.000Z");
        assert_eq!(read("2026-12-24"), "2026-12-23T23:00:00.000Z");
        assert_eq!(read("2026-12-24 18:00"), "2026-12-24T17:00:00.000Z");
        for bad in [
            "-262143-01-01",
            "+262142-01-01 10:00",
            "9999-12-31",
            "0000-01-01",
            "",
            "soon",
            "25:00",
            "2026-13-01",
            "2026-12-24 6pm",
            "+",
            "+5 parsecs",
        ] {
            assert!(parse_when(bad, now, BERLIN, Fold::First).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_end_counts_from_the_start_but_tomorrow_is_the_persons_own() {
        let now = at("2026-09-01T10:00:00Z"); // 12:00 in Berlin
        let start = at("2026-09-02T07:00:00Z"); // tomorrow 09:00
        let read = |text| parse_end(text, start, now, BERLIN).unwrap().to_string();
        assert_eq!(read("+2h"), "2026-09-02T09:00:00.000Z");
        assert_eq!(read("18:00"), "2026-09-02T16:00:00.000Z");
        assert_eq!(read("tomorrow 10:00"), "2026-09-02T08:00:00.000Z");
        assert_eq!(read("Tomorrow 10:00"), "2026-09-02T08:00:00.000Z");
        assert_eq!(read("2026-09-03"), "2026-09-02T22:00:00.000Z");
    }

    #[test]
    fn a_skipped_wall_time_is_refused_with_the_next_valid_one() {
        let now = at("2027-03-01T10:00:00Z");
        let error = parse_when("2027-03-28 02:30", now, BERLIN, Fold::First).unwrap_err();
        assert!(error.to_string().contains("the next valid time is 03:30"), "{error}");
    }

    #[test]
    fn a_repeated_wall_time_is_the_pass_asked_for() {
        let local = NaiveDate::from_ymd_opt(2027, 10, 31).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(resolve_local(local, BERLIN, Fold::First), at("2027-10-31T00:30:00Z"));
        assert_eq!(resolve_local(local, BERLIN, Fold::Last), at("2027-10-31T01:30:00Z"));
    }

    #[test]
    fn spans_are_short_and_have_at_most_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3600, "1h"),
            (12_000, "3h20m"),
            (86_400, "1d"),
            (187_200, "2d04h"),
            (1_300_000, "2w"),
            (100_000_000, "3y"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn ages_are_coarse_and_turn_when_they_are_said_to() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        for (length, text) in [
            (Duration::from_secs(3599), "<1h"),
            (hours(1), "1h"),
            (hours(47), "47h"),
            (hours(48), "2d"),
            (hours(24 * 14), "2w"),
            (hours(24 * 800), "2y"),
        ] {
            assert_eq!(age(length), text);
        }
    }

    #[test]
    fn a_moment_is_told_as_briefly_as_it_is_clear() {
        let now = at("2026-11-24T22:00:00Z"); // Tue 23:00 in Berlin
        let told = |text| near(at(text), now, BERLIN);
        assert_eq!(told("2026-11-24T22:30:00Z"), "23:30");
        assert_eq!(told("2026-11-24T23:30:00Z"), "Wed 00:30");
        assert_eq!(told("2026-11-18T08:00:00Z"), "Wed 09:00");
        assert_eq!(told("2026-12-24T08:00:00Z"), "24 Dec");
        assert_eq!(told("2027-01-04T08:00:00Z"), "2027-01-04");
    }

    #[test]
    fn an_unknown_zone_gets_a_suggestion() {
        let error = parse_zone("Europe/Berln").unwrap_err().to_string();
        assert!(error.ends_with("did you mean Europe/Berlin?"), "{error}");
    }

    proptest! {
        #[test]
        fn every_instant_sorts_as_its_text(a in any::<i64>(), b in any::<i64>()) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
            prop_assert_eq!(a.to_string().parse::<Timestamp>().unwrap(), a);
        }
        #[test]
        fn an_age_reads_the_same_until_it_turns(millis in 0u64..100_000_000_000) {
            let length = Duration::from_millis(millis);
            let last = length.saturating_add(age_turns(length)).saturating_sub(Duration::from_millis(1));
            prop_assert_eq!(age(length), age(last));
            prop_assert!(age(length).len() <= 4);
        }
        #[test]
        fn spans_fit_their_column(seconds in 0u64..3_000_000_000) {
            prop_assert!(span(Duration::from_secs(seconds)).len() <= 6);
        }
        #[test]
        fn any_text_is_a_time_or_a_sentence(text in any::<String>()) {
            if let Err(error) = parse_when(&text, Timestamp::from_millis(0), BERLIN, Fold::First) {
                prop_assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
            }
        }
    }
}
