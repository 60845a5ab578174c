//! Files of others, of nobody, and our own.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::freeze::tests::freeze as make_freeze;
use crate::domain::freeze::{Running, Scope, Stops};
use crate::domain::ids::FreezeId;
use crate::domain::recurrence::Recurrence;
use crate::domain::time::{Timestamp, Tz};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn calendar(event: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@x\r\nSUMMARY:Day\r\n{event}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn only(event: &str) -> Event {
    let read = read(calendar(event).as_bytes(), Tz::Europe__Berlin).unwrap();
    assert_eq!(read.skipped, []);
    read.events.into_iter().next().unwrap()
}

fn skipped(event: &str) -> (usize, String) {
    let read = read(calendar(event).as_bytes(), Tz::Europe__Berlin).unwrap();
    assert_eq!(read.events, []);
    (read.skipped[0].line, read.skipped[0].why.clone())
}

fn weekly() -> Freeze {
    let local = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    let zone = Tz::Europe__Berlin;
    let except = BTreeSet::from(["2026-12-25".parse().unwrap()]);
    let rule = "FREQ=WEEKLY;BYDAY=FR;UNTIL=20271231".parse().unwrap();
    let repeats =
        Recurrence::new(local("2026-09-04 16:00"), local("2026-09-07 08:00"), rule, except, zone).unwrap();
    Freeze {
        origin: FreezeOrigin::Store(FreezeId(7)),
        name: "Weekends; all, of \\ them".into(),
        reason: "nobody is here\nreally: nobody, über lange Zeilen hinweg, die gefaltet werden müssen, weil sie länger sind".into(),
        scope: Scope::new(vec!["store*".into()], vec!["production".into(), "staging".into()]).unwrap(),
        window: repeats.first(zone).unwrap(),
        zone,
        repeats: Some(repeats),
        running: Running::StopAtStep,
        stops: Stops::Automation,
        suspended: true,
        ..make_freeze("x", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    }
}

#[test]
fn what_is_written_is_read_back_as_the_same() {
    let once = Freeze {
        zone: Tz::America__New_York,
        ..make_freeze("Q3", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")
    };
    let freezes = [weekly(), once];
    let text = write(&freezes, at("2026-09-01T10:00:00Z"));
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    let read = read(text.as_bytes(), Tz::UTC).unwrap();
    assert_eq!(read.skipped, []);
    for (event, freeze) in read.events.iter().zip(&freezes) {
        assert_eq!(event.uid, uid(freeze));
        assert_eq!((&event.name, event.reason.as_ref()), (&freeze.name, Some(&freeze.reason)));
        assert_eq!((event.window, event.zone, event.running), (freeze.window, freeze.zone, freeze.running));
        assert_eq!(event.stops.unwrap_or_default(), freeze.stops);
        assert_eq!(event.suspended.unwrap_or_default(), freeze.suspended);
        assert_eq!(event.scope.as_ref(), Some(&freeze.scope));
        let span = crate::domain::time::Window {
            start: at("2026-01-01T00:00:00Z"),
            end: at("2029-01-01T00:00:00Z"),
        };
        let windows = event.repeats.as_ref().map(|repeats| repeats.occurrences(span, event.zone, 500));
        assert_eq!(windows, freeze.repeats.as_ref().map(|_| freeze.windows(span, 500)));
    }
}

#[test]
fn another_parser_understands_what_is_written() {
    use calcard::icalendar::{ICalendar, ICalendarProperty};
    let text = write(&[weekly()], at("2026-09-01T10:00:00Z"));
    let parsed = ICalendar::parse(&text).unwrap();
    let mut zones = 0;
    let mut events = 0;
    for component in &parsed.components {
        match component.component_type.as_str() {
            "VTIMEZONE" => zones += 1,
            "VEVENT" => {
                events += 1;
                let value = |property: ICalendarProperty| {
                    let entry = component.entries.iter().find(|entry| entry.name == property).unwrap();
                    entry.values.iter().filter_map(|value| value.as_text()).collect::<String>()
                };
                assert_eq!(value(ICalendarProperty::Uid), "F7@relman");
                assert_eq!(value(ICalendarProperty::Summary), "Weekends; all, of \\ them");
                assert_eq!(value(ICalendarProperty::Description), weekly().reason);
                for property in
                    [ICalendarProperty::Rrule, ICalendarProperty::Exdate, ICalendarProperty::Dtstart]
                {
                    assert!(component.entries.iter().any(|entry| entry.name == property), "{property:?}");
                }
            }
            _ => {}
        }
    }
    assert_eq!((zones, events), (1, 1));
}

#[test]
fn days_durations_and_foreign_zones_are_read() {
    let christmas = only("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\n");
    assert_eq!(christmas.window.start, at("2026-12-25T00:00:00+01:00"));
    assert_eq!(christmas.window.end, at("2026-12-27T00:00:00+01:00"));
    assert_eq!(only("DTSTART;VALUE=DATE:20261225\r\n").window.end, at("2026-12-26T00:00:00+01:00"));
    let windows = only("DTSTART;TZID=\"W. Europe Standard Time\":20260904T160000\r\nDURATION:P2DT3H\r\n");
    assert_eq!((windows.zone, windows.window.end), (Tz::Europe__Berlin, at("2026-09-06T19:00:00+02:00")));
    let path = only(
        "DTSTART;TZID=/citadel.org/20210210_1/America/New_York:20260904T160000\r\nDTEND;TZID=America/New_York:20260904T170000\r\n",
    );
    assert_eq!(path.window.start, at("2026-09-04T16:00:00-04:00"));
    let yearly = only(
        "DTSTART;VALUE=DATE:20251224\r\nDTEND;VALUE=DATE:20251227\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20261224\r\n",
    );
    let next = yearly.repeats.unwrap().next(at("2026-01-01T00:00:00Z"), Tz::Europe__Berlin).unwrap();
    assert_eq!(next.start, at("2027-12-24T00:00:00+01:00"));
    let folded = only(
        "DESCRIPTION:one\r\n  two\\, three\\nfour\r\nDTSTART:20260904T160000Z\r\nDTEND:20260904T170000Z\r\n",
    );
    assert_eq!(folded.reason.as_deref(), Some("one two, three\nfour"));
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    for (event, line, why) in [
        ("DTEND:20260904T170000Z\r\n", 3, "no DTSTART"),
        ("DTSTART:tomorrow\r\nDTEND:20260904T170000Z\r\n", 6, "'tomorrow' is not a time"),
        ("DTSTART:20260904T160000Z\r\nDTEND:20260904T150000Z\r\n", 6, "not after the start"),
        ("DTSTART:20260904T160000Z\r\n", 6, "neither an end nor a duration"),
        ("DTSTART;TZID=Mars/Phobos:20260904T160000\r\nDURATION:PT1H\r\n", 6, "'Mars/Phobos' is not known"),
        ("DTSTART:20260904T160000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=HOURLY\r\n", 8, "finer than a day"),
        ("DTSTART:20260904T160000Z\r\nDURATION:1h\r\n", 7, "is no duration"),
        ("DTSTART:20260904T160000Z\r\nDURATION:PT1H\r\nRDATE:20260905T160000Z\r\n", 8, "RDATE"),
        ("DTSTART:99990904T160000Z\r\nDURATION:PT1H\r\n", 6, "is not a time"),
    ] {
        let said = skipped(event);
        assert!(said.0 == line && said.1.contains(why), "{event}: {said:?}");
    }
    let cancelled = calendar("STATUS:CANCELLED\r\nDTSTART:20260904T160000Z\r\nDURATION:PT1H\r\n");
    assert_eq!(read(cancelled.as_bytes(), Tz::UTC).unwrap(), Read::default());
}

#[test]
fn hostile_files_are_refused_and_hostile_words_made_harmless() {
    let refused = |bytes: &[u8]| read(bytes, Tz::UTC).unwrap_err();
    assert!(refused(&vec![b'x'; LIMIT + 1]).contains("larger than 4 MiB"));
    assert!(refused(b"").contains("no iCalendar file"));
    assert!(refused(b"hello").contains("line 1"));
    assert!(refused(b"BEGIN:VCALENDAR\n\xff\xfe\n").contains("line 2: the file is not UTF-8"));
    assert!(refused("BEGIN:X\n".repeat(100).replacen('X', "VCALENDAR", 1).as_bytes()).contains("deep"));
    assert!(refused(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n").contains("cut short"));
    assert!(refused(b"BEGIN:VCALENDAR\nEND:VEVENT\n").contains("line 2"));
    let long = format!("BEGIN:VCALENDAR\nX:{}\n", "y".repeat(70_000));
    assert!(refused(long.as_bytes()).contains("longer than 64 KiB"));
    let folded =
        format!("BEGIN:VCALENDAR\nX:\n{}", " yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n".repeat(3000));
    assert!(refused(folded.as_bytes()).contains("longer than 64 KiB"));
    let many = "BEGIN:VEVENT\nEND:VEVENT\n".repeat(2001);
    assert!(
        refused(format!("BEGIN:VCALENDAR\n{many}END:VCALENDAR\n").as_bytes())
            .contains("more than 2000 events")
    );
    let bidi = only("DESCRIPTION:\u{1b}[31mred\u{202e}\r\nDTSTART:20260904T160000Z\r\nDURATION:PT1H\r\n");
    let reason = bidi.reason.unwrap();
    assert!(!reason.chars().any(crate::domain::text::is_deceptive), "{reason:?}");
}

#[test]
fn a_duration_beyond_all_bounds_is_none() {
    let weeks = "999999999W".repeat(16);
    for duration in [format!("P{weeks}"), "P3660D".to_owned(), "P3659DT23H60M".to_owned()] {
        let (_, why) = skipped(&format!("DTSTART:20260904T160000Z\r\nDURATION:{duration}\r\n"));
        assert!(why.contains("is no duration"), "{why}");
    }
    only("DTSTART:20260904T160000Z\r\nDURATION:P3659DT23H59M\r\n");
}

proptest! {
    #[test]
    fn any_durations_are_read_or_refused(parts in prop::collection::vec("(T?[0-9]{1,10}[WDHMS])", 0..40)) {
        let read = read(
            calendar(&format!("DTSTART:20260904T160000Z\r\nDURATION:P{}\r\n", parts.concat())).as_bytes(),
            Tz::Europe__Berlin,
        );
        let read = read.unwrap();
        prop_assert_eq!(read.events.len() + read.skipped.len(), 1);
    }

    #[test]
    fn any_lines_are_events_or_sentences(
        lines in prop::collection::vec("(BEGIN|END|UID|DTSTART|DTEND|RRULE|EXDATE|DURATION|SUMMARY)(;[A-Z=\"]{0,9})?:[A-Z0-9=;,:TZé\u{202e}]{0,20}", 0..30)
    ) {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{}\nEND:VEVENT\nEND:VCALENDAR\n", lines.join("\n"));
        if let Err(why) = read(text.as_bytes(), Tz::Europe__Berlin) {
            let is_clean = !why.chars().any(crate::domain::text::is_deceptive);
            prop_assert!(is_clean);
        }
    }
}
