//! Rules against a second opinion: days counted one by one, and clocks watched minute by minute.

use chrono::{Offset as _, TimeZone as _, Weekday};
use proptest::prelude::*;

use super::*;

const ZONES: [Tz; 5] =
    [Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::UTC, Tz::Asia__Kolkata];

fn local(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn every(rule: &str, start: &str, end: &str, zone: Tz) -> Recurrence {
    Recurrence::new(local(start), local(end), rule.parse().unwrap(), BTreeSet::new(), zone).unwrap()
}

fn refused(rule: &str) -> String {
    match rule.parse::<Rule>() {
        Err(why) => why.to_string(),
        Ok(rule) => {
            let (start, end) = (local("2026-01-01 10:00"), local("2026-01-01 12:00"));
            Recurrence::new(start, end, rule, BTreeSet::new(), Tz::UTC).unwrap_err().to_string()
        }
    }
}

// ---- the second opinion on days ----

/// Days of the rule from `start` up to `last`, found by looking at every single day.
fn days_one_by_one(rule: &Rule, start: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
    let week = |day: NaiveDate| {
        let back = (7 + day.weekday().num_days_from_monday() - rule.week_start.num_days_from_monday()) % 7;
        (day - TimeDelta::days(i64::from(back)) - NaiveDate::from_ymd_opt(1900, 1, 1).unwrap())
            .num_days()
            .div_euclid(7)
    };
    let period = |day: NaiveDate| match rule.freq {
        Freq::Daily => (day - start).num_days(),
        Freq::Weekly => week(day) - week(start),
        Freq::Monthly => {
            i64::from((day.year() - start.year()) * 12) + i64::from(day.month()) - i64::from(start.month())
        }
        Freq::Yearly => i64::from(day.year() - start.year()),
    };
    let mut kept: Vec<(i64, NaiveDate)> = Vec::new();
    let mut day = NaiveDate::from_ymd_opt(start.year(), 1, 1).unwrap() - TimeDelta::days(7);
    // A whole period more: positions count within whole periods.
    while day <= last + TimeDelta::days(370) {
        let of = period(day);
        if of >= 0 && of % i64::from(rule.interval) == 0 && is_meant(rule, day) {
            kept.push((of, day));
        }
        day = day.succ_opt().unwrap();
    }
    if !rule.by_set_pos.is_empty() {
        let all = kept.clone();
        kept.retain(|(of, day)| {
            let set: Vec<NaiveDate> =
                all.iter().filter(|(other, _)| other == of).map(|(_, day)| *day).collect();
            let index = set.iter().position(|other| other == day).unwrap();
            let (front, back) = (index + 1, set.len() - index);
            rule.by_set_pos.iter().any(|pos| {
                let number = usize::from(pos.unsigned_abs());
                if *pos > 0 { number == front } else { number == back }
            })
        });
    }
    kept.into_iter().map(|(_, day)| day).filter(|day| *day >= start && *day <= last).collect()
}

fn is_meant(rule: &Rule, day: NaiveDate) -> bool {
    let days_of = |year: i32, month: u32| {
        (28..=31).rev().find(|number| NaiveDate::from_ymd_opt(year, month, *number).is_some()).unwrap()
    };
    let in_month = days_of(day.year(), day.month());
    let is_month =
        rule.by_month.is_empty() || rule.by_month.iter().any(|month| u32::from(*month) == day.month());
    let is_day = rule.by_month_day.is_empty()
        || rule.by_month_day.iter().any(|number| {
            let number = i64::from(*number);
            i64::from(day.day()) == if number > 0 { number } else { i64::from(in_month) + 1 + number }
        });
    let in_year = if NaiveDate::from_ymd_opt(day.year(), 2, 29).is_some() { 366 } else { 365 };
    let of_year = rule.freq == Freq::Yearly && rule.by_month.is_empty();
    let (front, back) = if of_year {
        (day.ordinal0() / 7 + 1, (in_year - day.ordinal()) / 7 + 1)
    } else {
        (day.day0() / 7 + 1, (in_month - day.day()) / 7 + 1)
    };
    let is_weekday = rule.by_day.is_empty()
        || rule.by_day.iter().any(|wanted| {
            wanted.weekday == day.weekday()
                && wanted.nth.is_none_or(|nth| {
                    let number = u32::from(nth.unsigned_abs());
                    if nth > 0 { number == front } else { number == back }
                })
        });
    is_month && is_day && is_weekday
}

// ---- the second opinion on clocks ----

const MINUTE: i64 = 60_000;

/// What a clock in the zone shows, from its offset alone.
fn shows(at: i64, zone: Tz) -> NaiveDateTime {
    let utc = chrono::DateTime::from_timestamp_millis(at).unwrap().naive_utc();
    utc + TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
}

/// The first minute at which the clock shows `start` or later, and the last at which it shows `end`; where it never does,
/// the one after the last at which it shows less. Watched for 40 hours around.
fn watched(start: NaiveDateTime, end: NaiveDateTime, zone: Tz) -> (i64, i64) {
    let around = |local: NaiveDateTime| {
        let middle = local.and_utc().timestamp_millis();
        (-20 * 60..20 * 60).map(move |minute: i64| middle + minute * MINUTE)
    };
    let first = around(start).find(|at| shows(*at, zone) >= start).unwrap();
    let last = around(end).rev().find(|at| shows(*at, zone) <= end).unwrap();
    (first, if shows(last, zone) == end { last } else { last + MINUTE })
}

fn watched_windows(of: &Recurrence, zone: Tz, last: NaiveDate) -> Vec<(i64, i64)> {
    let days = days_one_by_one(&of.rule, of.start.date(), last);
    let length = of.end - of.start;
    days.into_iter()
        .map(|day| {
            let start = day.and_time(of.start.time());
            watched(start, start + length, zone)
        })
        .filter(|(start, end)| start < end)
        .collect()
}

fn as_millis(windows: &[Window]) -> Vec<(i64, i64)> {
    windows.iter().map(|window| (window.start.millis(), window.end.millis())).collect()
}

#[test]
fn a_weekly_freeze_of_the_night_of_a_change_is_as_long_as_the_clocks_make_it() {
    let weekly = every("FREQ=WEEKLY;BYDAY=SU", "2027-03-07 02:30", "2027-03-07 03:30", Tz::Europe__Berlin);
    let on = |day: &str| {
        let window = weekly.covering(at(day), Tz::Europe__Berlin).unwrap();
        (window.start, window.end)
    };
    // 02:30 is skipped: it begins when the clock is put forward to 03:00.
    assert_eq!(on("2027-03-28T01:10:00Z"), (at("2027-03-28T01:00:00Z"), at("2027-03-28T01:30:00Z")));
    // 02:30 comes twice: from the first to 03:30, two hours.
    assert_eq!(on("2027-10-31T01:10:00Z"), (at("2027-10-31T00:30:00Z"), at("2027-10-31T02:30:00Z")));
    assert_eq!(on("2027-06-06T01:00:00Z"), (at("2027-06-06T00:30:00Z"), at("2027-06-06T01:30:00Z")));
}

#[test]
fn what_the_clock_skips_as_a_whole_does_not_take_place() {
    let zone = Tz::Europe__Berlin;
    let nightly = every("FREQ=DAILY", "2027-03-27 02:10", "2027-03-27 02:50", zone);
    let span = Window::new(at("2027-03-27T00:00:00Z"), at("2027-03-30T00:00:00Z")).unwrap();
    let days: Vec<String> =
        nightly.occurrences(span, zone, 10).iter().map(|w| w.start.to_string()[..10].to_owned()).collect();
    assert_eq!(days, ["2027-03-27", "2027-03-29"]);
}

#[test]
fn every_minute_around_both_changes_is_closed_or_open_as_the_clock_says() {
    let nights =
        [("01:30", "02:15"), ("02:15", "02:45"), ("02:30", "03:30"), ("01:00", "04:00"), ("23:00", "02:30")];
    let changes = [
        (Tz::Europe__Berlin, ["2027-03-28", "2027-10-31"]),
        (Tz::America__New_York, ["2027-03-14", "2027-11-07"]),
        (Tz::Australia__Lord_Howe, ["2027-04-04", "2027-10-03"]),
        (Tz::UTC, ["2027-03-28", "2027-10-31"]),
        (Tz::Asia__Kolkata, ["2027-03-28", "2027-10-31"]),
    ];
    for (zone, days) in changes {
        for (from, until) in nights {
            let start = local(&format!("2027-01-01 {from}"));
            let end = local(&format!("2027-01-0{} {until}", if until < from { 2 } else { 1 }));
            let daily =
                Recurrence::new(start, end, "FREQ=DAILY".parse().unwrap(), BTreeSet::new(), zone).unwrap();
            let windows = watched_windows(&daily, zone, local("2027-12-01 00:00").date());
            for day in days {
                let middle = at(&format!("{day}T00:00:00Z")).millis();
                for minute in -1000..1000 {
                    let now = middle + minute * MINUTE;
                    let closed = windows.iter().any(|(start, end)| (*start..*end).contains(&now));
                    let said = daily.covering(Timestamp::from_millis(now), zone).is_some();
                    assert_eq!(said, closed, "{from}-{until} {zone} {}", Timestamp::from_millis(now));
                }
            }
        }
    }
}

#[test]
fn years_of_occurrences_are_where_the_watched_clock_has_them() {
    for zone in ZONES {
        for (rule, from, until) in [
            ("FREQ=DAILY", "2026-01-01 02:20", "2026-01-01 02:40"),
            ("FREQ=WEEKLY;BYDAY=SA,SU", "2026-01-01 22:00", "2026-01-02 02:30"),
            ("FREQ=MONTHLY;BYDAY=-1SU", "2026-01-01 01:45", "2026-01-01 03:15"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-01 18:00", "2026-01-03 08:00"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2026-01-01 00:00", "2026-01-02 00:00"),
            ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31", "2026-12-31 00:00", "2027-01-03 00:00"),
        ] {
            let one = every(rule, from, until, zone);
            let span = Window::new(one.first(zone).unwrap().start, at("2031-01-01T00:00:00Z")).unwrap();
            let said: Vec<(i64, i64)> = as_millis(&one.occurrences(span, zone, 5000));
            let last = local("2031-01-02 00:00").date();
            let seen: Vec<(i64, i64)> = watched_windows(&one, zone, last)
                .into_iter()
                .filter(|(start, _)| *start < span.end.millis())
                .collect();
            assert!(!seen.is_empty());
            assert_eq!(said, seen, "{rule} {zone}");
        }
    }
}

#[test]
fn the_examples_of_the_standard_come_out_as_printed_there() {
    // RFC 5545, 3.8.5.3: the rule, its start, and the first days of it.
    let examples: [(&str, &str, &[&str]); 13] = [
        ("FREQ=DAILY;COUNT=10", "1997-09-02", &["0902", "0903", "0904", "0905"]),
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", &["0902", "0912", "0922", "1002", "1012"]),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997-09-02", &["0902", "0916", "0930", "1014", "1028", "1111"]),
        (
            "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
            "1997-09-02",
            &["0902", "0904", "0909", "0911"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05",
            &["0805", "0810", "0819", "0824"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05",
            &["0805", "0817", "0819", "0831"],
        ),
        ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05", &["0905", "1003", "1107", "1205"]),
        ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22", &["0922", "1020", "1117", "1222"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28", &["0928", "1029", "1128", "1229"]),
        ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997-09-30", &["0930", "1001", "1031", "1101", "1130"]),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", &["0904", "1007", "1106"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29", &["0929", "1030", "1127", "1230"]),
        ("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "1997-06-10", &["0610", "0710", "0610", "0710"]),
    ];
    for (rule, start, days) in examples {
        let zone = Tz::America__New_York;
        let one = every(rule, &format!("{start} 09:00"), &format!("{start} 10:00"), zone);
        let span = Window::new(at("1997-01-01T00:00:00Z"), at("2005-01-01T00:00:00Z")).unwrap();
        let said: Vec<String> = one
            .occurrences(span, zone, days.len())
            .iter()
            .map(|window| window.start.in_zone(zone).format("%m%d").to_string())
            .collect();
        assert_eq!(said, days, "{rule}");
    }
    let friday_13 =
        every("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1997-09-02 09:00", "1997-09-02 10:00", Tz::UTC);
    let span = Window::new(at("1997-01-01T00:00:00Z"), at("2001-01-01T00:00:00Z")).unwrap();
    let days: Vec<String> = friday_13
        .occurrences(span, Tz::UTC, 9)
        .iter()
        .map(|w| w.start.to_string()[..10].to_owned())
        .collect();
    assert_eq!(days, ["1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13", "2000-10-13"]);
}

#[test]
fn counted_ones_and_those_with_an_end_are_over_after_the_last() {
    let zone = Tz::Europe__Berlin;
    let three = every("FREQ=DAILY;COUNT=3", "2026-09-01 10:00", "2026-09-01 12:00", zone);
    assert_eq!(three.over_at(zone), Some(at("2026-09-03T10:00:00Z")));
    assert!(
        !three.is_over(at("2026-09-03T09:59:59Z"), zone) && three.is_over(at("2026-09-03T10:00:00Z"), zone)
    );
    assert_eq!(three.next(at("2026-09-03T08:00:00Z"), zone), None);
    let until = every("FREQ=DAILY;UNTIL=20260903", "2026-09-01 10:00", "2026-09-01 12:00", zone);
    assert!(until.is_over(at("2026-09-03T10:00:00Z"), zone));
    assert!(until.over_at(zone).unwrap() >= at("2026-09-03T10:00:00Z"));
    assert_eq!(every("FREQ=DAILY", "2026-09-01 10:00", "2026-09-01 12:00", zone).over_at(zone), None);
    let until = every("FREQ=DAILY;UNTIL=20260902T080000Z", "2026-09-01 10:00", "2026-09-01 12:00", zone);
    assert_eq!(until.next(at("2026-09-01T12:00:00Z"), zone).unwrap().start, at("2026-09-02T08:00:00Z"));
    assert_eq!(until.next(at("2026-09-02T12:00:00Z"), zone), None);
}

#[test]
fn the_first_is_the_first_day_of_the_rule() {
    let friday = every("FREQ=WEEKLY;BYDAY=FR", "2026-09-01 16:00", "2026-09-01 20:00", Tz::UTC);
    assert_eq!((friday.start, friday.end), (local("2026-09-04 16:00"), local("2026-09-04 20:00")));
    let mut without = friday.clone();
    without.except.insert(local("2026-09-04 00:00").date());
    assert_eq!(without.first(Tz::UTC).unwrap().start, at("2026-09-11T16:00:00Z"));
}

#[test]
fn bad_rules_are_refused_with_what_is_allowed() {
    for (rule, why) in [
        ("", "FREQ is missing"),
        ("now and then", "is no part of a rule"),
        ("FREQ=HOURLY", "finer than a day"),
        ("FREQ=FORTNIGHTLY", "is not known"),
        ("FREQ=DAILY;FREQ=DAILY", "said twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL='0'"),
        ("FREQ=DAILY;INTERVAL=99999999999", "INTERVAL"),
        ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;COUNT=4000000000", "UNTIL reaches further"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=soon", "is not a time"),
        ("FREQ=DAILY;BYHOUR=3", "cannot be said of a freeze"),
        ("FREQ=WEEKLY;BYDAY=1MO", "goes with FREQ=MONTHLY or YEARLY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "no weekday number 6"),
        ("FREQ=WEEKLY;BYDAY=XX", "is not a weekday"),
        ("FREQ=WEEKLY;BYDAY=é", "is not a weekday"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "1 to 31"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "does not go with FREQ=WEEKLY"),
        ("FREQ=YEARLY;BYMONTH=13", "1 to 12"),
        ("FREQ=DAILY;BYSETPOS=1", "there is none"),
    ] {
        let said = refused(rule);
        assert!(said.contains(why) && said.contains(ALLOWED), "{rule}: {said}");
    }
    assert!(refused("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30").contains("names no day that ever comes"));
    assert!(refused("FREQ=DAILY;UNTIL=20250101").contains("ends before it begins"));
    let long = Recurrence::new(
        local("2026-01-01 00:00"),
        local("2026-03-01 00:00"),
        "FREQ=YEARLY".parse().unwrap(),
        BTreeSet::new(),
        Tz::UTC,
    );
    assert!(long.unwrap_err().to_string().contains("at most 31 days"));
}

#[test]
fn rules_are_said_in_words() {
    for (rule, words) in [
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY;BYDAY=FR,SA", "every week on Fri and Sat"),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR", "every 2 months on the last Fri"),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24;COUNT=10", "every year in Dec on day 24, 10 times"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20271231", "every month on the last day, until 2027-12-31"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "every month on Mon and Tue (the last of these)"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on Fri, if it is day 13"),
    ] {
        assert_eq!(rule.parse::<Rule>().unwrap().in_words(), words);
    }
}

fn rules() -> impl Strategy<Value = String> {
    let list = |all: &'static [&'static str]| prop::sample::subsequence(all, 0..=all.len().min(3));
    let days = list(&["MO", "TU", "WE", "TH", "FR", "SA", "SU"]);
    let nth_days = list(&["1MO", "-1FR", "2SU", "-2TU", "5WE", "TH"]);
    let numbers = list(&["1", "13", "29", "30", "31", "-1", "-3", "-31"]);
    let months = list(&["1", "2", "3", "6", "10", "12"]);
    let positions = list(&["1", "2", "-1", "-2"]);
    let ends =
        prop::sample::select(vec!["", ";COUNT=7", ";UNTIL=20290301T120000Z", ";UNTIL=20290301", ";WKST=SU"]);
    (0..4usize, 1..5u16, days, nth_days, numbers, months, positions, ends).prop_map(
        |(freq, interval, days, nth, numbers, months, positions, ends)| {
            let freq = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][freq];
            let part = |name: &str, list: &[&str]| {
                if list.is_empty() { String::new() } else { format!(";{name}={}", list.join(",")) }
            };
            let coarse = freq == "MONTHLY" || freq == "YEARLY";
            let day = if coarse && !nth.is_empty() { part("BYDAY", &nth) } else { part("BYDAY", &days) };
            let number = if freq == "WEEKLY" { String::new() } else { part("BYMONTHDAY", &numbers) };
            let month = part("BYMONTH", &months);
            let has_set = !(day.is_empty() && number.is_empty() && month.is_empty());
            let position = if has_set { part("BYSETPOS", &positions) } else { String::new() };
            format!("FREQ={freq};INTERVAL={interval}{day}{number}{month}{position}{ends}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_rule_comes_on_the_days_that_counting_finds(
        text in rules(), day in 0i64..800, minutes in 0i64..1440, length in 1i64..3000, ahead in 0i64..1500
    ) {
        let zone = Tz::Europe__Berlin;
        let start = local("2026-01-01 00:00") + TimeDelta::days(day) + TimeDelta::minutes(minutes);
        let rule: Rule = text.parse().unwrap();
        prop_assert_eq!(&rule.to_string().parse::<Rule>().unwrap(), &rule);
        let last = start.date() + TimeDelta::days(3000);
        let anchored = rule.clone().anchored(start);
        let mut days = days_one_by_one(&anchored, start.date(), last);
        let count = match rule.ends { Ends::Count(count) => count as usize, _ => usize::MAX };
        days.truncate(count);
        days.retain(|day| match rule.ends {
            Ends::Until(Until::Day(until)) => *day <= until,
            Ends::Until(Until::Utc(until)) => {
                watched(day.and_time(start.time()), start + TimeDelta::days(1), zone).0 <= until.millis()
            }
            _ => true,
        });
        let made = Recurrence::new(start, start + TimeDelta::minutes(length), rule, BTreeSet::new(), zone);
        let Ok(made) = made else {
            prop_assert!(days.is_empty(), "{text}: {made:?}, but {days:?}");
            return Ok(());
        };
        // Looked at from any moment, not only from its start.
        let from = watched(start + TimeDelta::days(ahead), start + TimeDelta::days(ahead), zone).0;
        let span = Window { start: Timestamp::from_millis(from), end: Timestamp::from_millis(from + 1000 * 86_400_000) };
        let said = as_millis(&made.occurrences(span, zone, 5000));
        let seen: Vec<(i64, i64)> = days
            .iter()
            .map(|day| day.and_time(start.time()))
            .map(|start| watched(start, start + TimeDelta::minutes(length), zone))
            .filter(|(start, end)| start < end && *end > span.start.millis() && *start < span.end.millis())
            .collect();
        prop_assert_eq!(&said, &seen, "{} from {}", text, start);
        let next = made.next(span.start, zone).map(|window| window.start.millis());
        let found = seen.iter().map(|(start, _)| *start).find(|start| *start > from);
        if found.is_some() {
            prop_assert_eq!(next, found);
        }
    }

    #[test]
    fn what_has_no_gap_leaves_no_moment_open(
        text in rules(), days in 1i64..10, minutes in -1i64..2, zone in prop::sample::select(ZONES.to_vec())
    ) {
        let start = local("2026-03-28 02:30");
        let end = start + TimeDelta::days(days) + TimeDelta::minutes(minutes);
        let made = Recurrence::new(start, end, text.parse().unwrap(), BTreeSet::new(), zone);
        if let Some(made) = made.ok().filter(Recurrence::has_no_gap) {
            let from = made.first(zone).unwrap().start;
            let span = Window { start: from, end: Timestamp::from_millis(from.millis() + 120 * 86_400_000) };
            for pair in made.occurrences(span, zone, 130).windows(2) {
                prop_assert!(pair[1].start <= pair[0].end, "{}: {:?}", text, pair);
            }
        }
    }

    #[test]
    fn any_text_is_a_rule_or_a_sentence(text in "(FREQ=|BY|[A-Z]{2}=|[-0-9,;=A-Z é\u{202e}]){0,12}") {
        if let Err(why) = text.parse::<Rule>() {
            let is_clean = !why.to_string().chars().any(crate::domain::text::is_deceptive);
            prop_assert!(is_clean);
        }
    }

    #[test]
    fn what_any_rule_is_asked_about_any_time_it_answers(
        text in rules(), millis in -62_000_000_000_000i64..250_000_000_000_000, zone in prop::sample::select(ZONES.to_vec())
    ) {
        let start = local("2026-03-29 02:30");
        if let Ok(made) = Recurrence::new(start, start + TimeDelta::hours(5), text.parse().unwrap(), BTreeSet::new(), zone) {
            let at = Timestamp::from_millis(millis);
            let covering = made.covering(at, zone);
            prop_assert!(covering.is_none_or(|window| window.covers(at)));
            prop_assert!(made.next(at, zone).is_none_or(|window| window.start > at));
            let kept: Recurrence = serde_json::from_str(&serde_json::to_string(&made).unwrap()).unwrap();
            prop_assert_eq!(kept, made);
        }
    }
}

#[test]
fn a_position_counts_within_the_whole_week_also_in_the_first() {
    // Wednesday 24 June: its week holds Tuesday 23 and Sunday 28, and the second of these is the Sunday.
    let rule = "FREQ=WEEKLY;BYDAY=TU,SU;BYMONTH=6;BYSETPOS=2";
    let made = every(rule, "2026-06-24 00:00", "2026-06-24 01:00", Tz::UTC);
    assert_eq!(made.start, local("2026-06-28 00:00"));
    assert_eq!(made.first(Tz::UTC).unwrap().start.to_string(), "2026-06-28T00:00:00.000Z");
    // The first of them was before it all began.
    let made = every(
        "FREQ=WEEKLY;BYDAY=TU,SU;BYMONTH=6;BYSETPOS=1",
        "2026-06-24 00:00",
        "2026-06-24 01:00",
        Tz::UTC,
    );
    assert_eq!(made.start, local("2026-06-30 00:00"));
}

#[test]
fn what_closes_for_ever_is_known_from_its_rule() {
    let of = |rule: &str, end: &str| every(rule, "2026-08-31 00:00", end, Tz::Europe__Berlin).has_no_gap();
    assert!(of("FREQ=DAILY", "2026-09-01 00:00"));
    assert!(!of("FREQ=DAILY", "2026-08-31 23:59"));
    assert!(
        of("FREQ=DAILY;INTERVAL=3", "2026-09-03 00:00") && !of("FREQ=DAILY;INTERVAL=3", "2026-09-02 23:59")
    );
    assert!(of("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "2026-09-01 00:00"));
    assert!(!of("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2026-09-01 00:00"));
    assert!(
        of("FREQ=WEEKLY;BYDAY=MO,FR", "2026-09-04 00:00")
            && !of("FREQ=WEEKLY;BYDAY=MO,FR", "2026-09-03 00:00")
    );
    assert!(
        of("FREQ=WEEKLY;INTERVAL=2", "2026-09-14 00:00") && !of("FREQ=WEEKLY;INTERVAL=2", "2026-09-13 00:00")
    );
    // What ends, or leaves days out, is followed window by window.
    assert!(!of("FREQ=DAILY;UNTIL=20301231", "2026-09-01 00:00"));
    assert!(!of("FREQ=DAILY;COUNT=1000", "2026-09-01 00:00"));
    assert!(!of("FREQ=DAILY;BYMONTH=8,9", "2026-09-01 00:00"));
    let always = every("FREQ=DAILY", "2026-08-31 00:00", "2026-09-01 00:00", Tz::UTC);
    let except = BTreeSet::from([local("2026-12-24 00:00").date()]);
    assert!(!Recurrence { except, ..always }.has_no_gap());
}

#[test]
fn a_rule_of_long_ago_costs_no_more_than_one_of_today() {
    // 29 February every year since 1970, asked about in 2200: not 230 years one by one.
    let old = every("FREQ=DAILY", "1970-01-01 00:00", "1970-01-01 01:00", Tz::UTC);
    let base = old.near(local("2200-01-01 00:00"));
    assert!(local("2200-01-01 00:00") - base < TimeDelta::days(4), "{base}");
    // Whole weeks from the first day of one.
    let weekly = every("FREQ=WEEKLY", "1970-01-01 00:00", "1970-01-01 01:00", Tz::UTC).near(base);
    assert_eq!(weekly.weekday(), Weekday::Mon);
    assert!(base - weekly < TimeDelta::days(21), "{weekly}");
}
