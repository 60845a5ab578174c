//! `relman freeze …` and `relman calendar`

use super::{BOB, at, ready, team};

const ADD: &[&str] =
    &["freeze", "add", "Year end", "--start", "2026-12-21 00:00", "--end", "2027-01-04 08:00"];

#[test]
fn a_freeze_is_added_listed_and_removed() {
    let env = team();
    env.run(&[ADD, &["--reason", "books", "--environment", "prod*"]].concat()).is(
        0,
        "F1 \"Year end\" closes prod* from Mon 2026-12-21 00:00 CET until Mon 2027-01-04 08:00 CET\n",
        "",
    );
    let listed = env.run(&["freeze", "list"]).ok();
    for words in ["F1", "in 15w", "Mon 2026-12-21 00:00 CET", "Year end: books"] {
        assert!(listed.out.contains(words), "{words}: {listed:#?}");
    }

    let removed = env.run_as(BOB, &["freeze", "remove", "F1", "--reason", "not this year"]).ok();
    assert!(removed.out.starts_with("\"Year end\" no longer closes "), "{removed:#?}");
    env.run(&["freeze", "list"]).is(0, "", "no freeze is in force or to come\n");
    env.run(&["freeze", "remove", "Year end"]).is(
        3,
        "",
        "relman: there is no freeze 'Year end'\n  → see them with: relman freeze list\n",
    );
}

#[test]
fn a_freeze_blocks_what_it_covers_while_it_lasts() {
    let mut env = ready();
    let said = env.run_as(BOB, &["freeze", "now", "--reason", "incident", "--for", "2h", "--service", "a*"]);
    said.is(
        0,
        "F1 \"Stop the line\" closes a* everywhere from Tue 2026-09-01 12:00 CEST until Tue 2026-09-01 14:00 CEST\n",
        "",
    );

    let refused = env.run(&["deploy", "api@1.0.0", "staging"]).exits(5);
    assert!(
        refused.err.contains("frozen by \"Stop the line\" until Tue 2026-09-01 14:00 CEST (incident)"),
        "{refused:#?}"
    );
    drop(env.run(&["release", "new", "web", "1.0.0"]).ok());
    drop(env.run(&["release", "advance", "web@1.0.0"]).ok());
    drop(env.run(&["release", "advance", "web@1.0.0"]).ok());
    drop(env.run(&["deploy", "web@1.0.0", "staging"]).ok());

    drop(at(&mut env, "2026-09-01T11:59:59Z").run(&["deploy", "api@1.0.0", "staging"]).exits(5));
    drop(at(&mut env, "2026-09-01T12:00:00Z").run(&["deploy", "api@1.0.0", "staging"]).ok());
}

#[test]
fn a_freeze_without_sense_is_not_added() {
    let env = team();
    let add = |start: &str, end: &str, more: &[&str]| {
        env.run(&[&["freeze", "add", "x", "--reason", "r", "--start", start, "--end", end], more].concat())
    };
    drop(add("2026-12-02", "2026-12-01", &[]).exits(2));
    drop(add("2026-12-01 25:00", "2026-12-02", &[]).exits(2));
    drop(add("tomorrow 09:00", "+2h", &["--time-zone", "Mars/Phobos"]).exits(2));
    drop(add("tomorrow 09:00", "+2h", &["--service", "[a"]).exits(2));
    drop(env.run(&["freeze", "now", "--reason", "r", "--for", "a while"]).exits(2));
    drop(env.run(&["freeze", "now"]).exits(2));
    assert_eq!(env.run(&["--json", "freeze", "list"]).ok().json()["freezes"], serde_json::json!([]));
}

#[test]
fn a_freeze_of_the_configuration_is_changed_there() {
    let env = team();
    let config = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    env.config(&format!(
        "{config}[[freezes]]\nname = \"Inventory\"\nstart = \"2026-09-01 08:00\"\nend = \"2026-09-02 08:00\"\n"
    ));
    assert!(env.run(&["freeze", "list"]).ok().out.contains("closed now"));
    let said = env.run(&["freeze", "remove", "Inventory"]).exits(4);
    assert!(said.err.contains("\"Inventory\" is written in relman.toml"), "{said:#?}");
}

#[test]
fn the_calendar_is_an_agenda_of_freezes_and_deployments() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run(&[ADD, &["--reason", "books"]].concat()).ok());

    env.run(&["calendar", "--days", "200"]).is(
        0,
        "Tue 2026-09-01 12:00 CEST  succeeded  #1 api@1.0.0 to staging by alice\n\
         Mon 2026-12-21 00:00 CET  frozen     everything until Mon 2027-01-04 08:00 CET: Year end (books)\n",
        "",
    );
    assert!(!env.run(&["calendar"]).ok().out.contains("Year end"), "six weeks do not reach that far");
    let there = env.run(&["calendar", "--days", "200", "--time-zone", "America/New_York"]).ok().out;
    assert!(
        there.contains("Sun 2026-12-20 18:00 EST  frozen     everything until Mon 2027-01-04 02:00 EST"),
        "{there}"
    );
    drop(env.run(&["calendar", "--time-zone", "Mars/Phobos"]).exits(2));
    team().run(&["calendar"]).is(0, "", "nothing in the next 42 days\n");
}

#[test]
fn the_calendar_is_a_month_or_a_week_as_well() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run(&[ADD, &["--reason", "books"]].concat()).ok());
    env.run(&["calendar", "--month", "2026-12"]).is(
        0,
        "December 2026  Europe/Berlin  ▒ frozen  d deployed  s scheduled  t train  * today\n\
         Mon       Tue       Wed       Thu       Fri       Sat       Sun\n\
         30         1         2         3         4         5         6\n\
         \x207         8         9        10        11        12        13\n\
         14        15        16        17        18        19        20\n\
         21 ▒      22 ▒      23 ▒      24 ▒      25 ▒      26 ▒      27 ▒\n\
         28 ▒      29 ▒      30 ▒      31 ▒       1 ▒       2 ▒       3 ▒\n\
         \n\
         Mon 2026-12-21 00:00 CET  frozen     everything until Mon 2027-01-04 08:00 CET: Year end (books)\n",
        "",
    );
    env.run(&["calendar", "--week", "2026-W52", "--zone", "UTC"]).is(
        0,
        "Week 52 of 2026  UTC  ▒ frozen  d deployed  s scheduled  t train  * today\n\
         \x20       00       03       06       09       12       15       18       21\n\
         Mon 21  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n\
         \x20       00:00-24:00 frozen: everything, Year end\n\
         Tue 22  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n\
         \x20       00:00-24:00 frozen: everything, Year end\n\
         Wed 23  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n\
         \x20       00:00-24:00 frozen: everything, Year end\n\
         Thu 24  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n\
         \x20       00:00-24:00 frozen: everything, Year end\n\
         Fri 25  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n\
         \x20       00:00-24:00 frozen: everything, Year end\n\
         Sat 26  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n\
         \x20       00:00-24:00 frozen: everything, Year end\n\
         Sun 27  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n\
         \x20       00:00-24:00 frozen: everything, Year end\n",
        "",
    );
    // The one of today, where nothing is said.
    let today = env.run(&["calendar", "--month"]).ok().out;
    assert!(today.starts_with("September 2026  Europe/Berlin") && today.contains(" 1* 1d"), "{today}");
    let today = env.run(&["calendar", "--week"]).ok().out;
    assert!(today.starts_with("Week 36 of 2026") && today.contains("\nTue 01* ····"), "{today}");
    assert!(today.contains("12:00 #1 succeeded api@1.0.0 to staging"), "{today}");
    let json = env.run(&["--json", "calendar", "--week", "2026-W52"]).ok().json();
    assert_eq!(json["calendar"]["span"]["start"], "2026-12-20T23:00:00.000Z");
    assert_eq!(json["calendar"]["span"]["end"], "2026-12-27T23:00:00.000Z");
    for wrong in [
        &["--month", "2026-13"][..],
        &["--week", "2026-49"],
        &["--month", "2026-12", "--week", "2026-W49"],
        &["--week", "2026-W49", "--days", "3"],
    ] {
        drop(env.run(&[&["calendar"], wrong].concat()).exits(2));
    }
    let said = env.run(&["calendar", "--week", "49"]).exits(2);
    assert!(said.err.contains("'49' is no week") && said.err.contains("--week 2026-W49"), "{said:#?}");
}

#[test]
fn the_line_is_stopped_as_often_as_it_takes() {
    let env = team();
    let stop = |service: &str| {
        env.run_as(BOB, &["--json", "freeze", "now", "--reason", "incident", "--service", service])
            .ok()
            .json()
    };
    assert_eq!(stop("api")["added"]["freeze"]["name"], "Stop the line");
    assert_eq!(stop("web")["added"]["freeze"]["name"], "Stop the line 2");
    drop(env.run_as(BOB, &["freeze", "now", "--reason", "r", "--name", "Stop the line"]).exits(4));
}

#[test]
fn a_freeze_is_listed_however_far_away_it_is() {
    let env = team();
    drop(
        env.run(&[
            "freeze",
            "add",
            "Move",
            "--start",
            "2031-01-01 00:00",
            "--end",
            "2031-02-01 00:00",
            "--reason",
            "new building",
        ])
        .ok(),
    );
    let listed = env.run(&["freeze", "list"]).ok();
    assert!(listed.out.contains("Wed 2031-01-01 00:00 CET"), "{listed:#?}");
}

#[test]
fn a_mistyped_environment_freezes_nothing_and_says_what_was_meant() {
    let env = team();
    let said = env.run(&[ADD, &["--reason", "books", "--environment", "prodution"]].concat()).exits(2);
    assert!(said.err.contains("no environment fits 'prodution'; did you mean production?"), "{said:#?}");
    env.run(&["freeze", "list"]).is(0, "", "no freeze is in force or to come\n");
}

const WEEKENDS: &[&str] = &[
    "freeze",
    "add",
    "Weekends",
    "--start",
    "2026-09-01 16:00",
    "--end",
    "+64h",
    "--rrule",
    "FREQ=WEEKLY;BYDAY=FR",
    "--environment",
    "production",
    "--reason",
    "nobody is here",
];

#[test]
fn a_freeze_repeats_in_the_wall_clock_of_its_zone() {
    let mut env = team();
    env.run(WEEKENDS).is(
        0,
        "F1 \"Weekends\" closes production from Fri 2026-09-04 16:00 CEST until Mon 2026-09-07 08:00 CEST, \
         every week on Fri\n",
        "",
    );
    let env = at(&mut env, "2026-10-24T12:00:00Z");
    let listed = env.run(&["freeze", "list"]).ok().out;
    assert!(listed.contains("closed now") && listed.contains("Mon 2026-10-26 08:00 CET"), "{listed}");
    let shown = env.run(&["freeze", "show", "F1"]).ok().out;
    for words in [
        "closes Fri 2026-10-23 16:00 CEST until Mon 2026-10-26 08:00 CET (2026-10-23 14:00 to 2026-10-26 07:00 UTC)",
        "clock change Fri 2026-10-23 16:00 CEST: lasts 2d17h instead of 2d16h, the clock is put back",
        "closes Fri 2026-11-20 16:00 CET",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    let calendar = env.run(&["calendar", "--days", "14"]).ok().out;
    assert_eq!(calendar.matches("frozen     production until").count(), 3, "{calendar}");
}

#[test]
fn a_rule_without_sense_is_refused_with_what_can_be_said() {
    let env = team();
    let said = env.run(&[ADD, &["--reason", "r", "--rrule", "FREQ=HOURLY"]].concat()).exits(2);
    assert!(said.err.contains("finer than a day") && said.err.contains("FREQ=WEEKLY;BYDAY=FR"), "{said:#?}");
    let said = env
        .run(&[ADD, &["--reason", "r", "--rrule", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]].concat())
        .exits(2);
    assert!(said.err.contains("names no day that ever comes"), "{said:#?}");
    env.run(&["freeze", "list"]).is(0, "", "no freeze is in force or to come\n");
}

#[test]
fn what_is_closed_every_day_all_day_has_no_known_end() {
    let env = ready();
    drop(
        env.run(&[
            "freeze",
            "add",
            "For ever",
            "--start",
            "2026-09-01",
            "--end",
            "2026-09-02",
            "--rrule",
            "FREQ=DAILY",
            "--reason",
            "the service is retired",
            "--service",
            "api",
        ])
        .ok(),
    );
    let said = env.run(&["deploy", "api@1.0.0", "staging"]).exits(5);
    assert!(said.err.contains("frozen by \"For ever\", no known end (the service is retired)"), "{said:#?}");
    assert!(env.run(&["status"]).ok().out.contains("frozen by \"For ever\", no known end"));
    let report = env.run(&["--json", "why", "api@1.0.0", "staging"]).exits(5).json();
    assert_eq!(report["report"]["earliest"], serde_json::Value::Null);
}

#[test]
fn a_freeze_is_changed_with_a_reason_and_on_record() {
    let env = team();
    drop(env.run(&["freeze", "now", "--reason", "incident", "--for", "2h"]).ok());
    let said = env.run(&["freeze", "edit", "F1", "--end", "+6h"]).exits(2);
    assert!(said.err.contains("say why it is changed"), "{said:#?}");
    let said =
        env.run(&["freeze", "edit", "F1", "--end", "+6h", "--dry-run", "--reason", "it takes longer"]).ok();
    assert!(said.out.contains("F1 \"Stop the line\" would close everything"), "{said:#?}");
    assert!(env.run(&["freeze", "list"]).ok().out.contains("14:00 CEST"), "nothing was changed");
    let said = env.run_as(
        BOB,
        &[
            "freeze",
            "edit",
            "F1",
            "--end",
            "+6h",
            "--service",
            "api",
            "--name",
            "Outage",
            "--reason",
            "it takes longer",
        ],
    );
    for words in [
        "before: F1 \"Stop the line\" closed everything from Tue 2026-09-01 12:00 CEST until Tue 2026-09-01 14:00 CEST",
        "F1 \"Outage\" closes api everywhere from Tue 2026-09-01 12:00 CEST until Tue 2026-09-01 18:00 CEST",
    ] {
        assert!(said.out.contains(words), "{words} {said:#?}");
    }
    let journal = env.run(&["--json", "audit", "list"]).ok().out;
    assert!(journal.contains("freeze.changed") && journal.contains("it takes longer"), "{journal}");
    let said = env.run(&["freeze", "edit", "F1", "--end", "+6h", "--reason", "again"]).exits(4);
    assert!(said.err.contains("nothing about \"Outage\" would change"), "{said:#?}");
}

#[test]
fn a_rule_is_kept_taken_and_given_by_an_edit() {
    let env = team();
    drop(env.run(WEEKENDS).ok());
    drop(
        env.run(&["freeze", "edit", "Weekends", "--except", "2026-12-25", "--running", "stop-at-step"]).ok(),
    );
    let freeze = env.run(&["--json", "freeze", "show", "F1"]).ok().json()["freeze"]["freeze"].clone();
    assert_eq!(freeze["repeats"]["rule"], "FREQ=WEEKLY;BYDAY=FR");
    assert_eq!(freeze["repeats"]["except"], serde_json::json!(["2026-12-25"]));
    assert_eq!((freeze["running"].as_str(), freeze["revision"].as_i64()), (Some("stop-at-step"), Some(1)));
    drop(env.run(&["freeze", "edit", "F1", "--rrule", "none"]).ok());
    let freeze = env.run(&["--json", "freeze", "show", "F1"]).ok().json()["freeze"]["freeze"].clone();
    assert_eq!(freeze["repeats"], serde_json::Value::Null);
    assert_eq!(freeze["window"]["start"], "2026-09-04T14:00:00.000Z");
}

const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
    BEGIN:VEVENT\r\nUID:xmas@example.org\r\nSUMMARY:Christmas\r\nDTSTART;VALUE=DATE:20251224\r\n\
    DTEND;VALUE=DATE:20251227\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:old@example.org\r\nSUMMARY:Last year\r\nDTSTART;VALUE=DATE:20250101\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:bad@example.org\r\nSUMMARY:Every hour\r\nDTSTART:20260904T100000Z\r\nDURATION:PT1H\r\n\
    RRULE:FREQ=HOURLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn a_calendar_of_holidays_is_read_twice_and_recorded_once() {
    let env = team();
    env.write("holidays.ics", HOLIDAYS, 0o644);
    let said = env.run(&["freeze", "import", "holidays.ics"]).exits(2);
    assert!(said.err.contains("do not say what they close"), "{said:#?}");
    let import = |file: &str, more: &[&str]| {
        env.run(&[&["freeze", "import", file, "--environment", "production"], more].concat())
    };
    let said = import("holidays.ics", &["--dry-run"]).exits(1);
    assert!(
        said.out.contains("would be added: \"Christmas\" closes production from Thu 2026-12-24 00:00 CET"),
        "{said:#?}"
    );
    env.run(&["freeze", "list"]).is(0, "", "no freeze is in force or to come\n");
    let said = import("holidays.ics", &[]).exits(1);
    for words in [
        "added: \"Christmas\" closes production from Thu 2026-12-24 00:00 CET, every year in Dec on day 24",
        "left out: line 10: \"Last year\" is over",
        "not read: line 20: Every hour: FREQ=HOURLY is finer than a day",
    ] {
        assert!(said.out.contains(words), "{words}\n{said:#?}");
    }
    assert!(import("holidays.ics", &[]).exits(1).out.contains("as it was: \"Christmas\""));
    env.write("holidays.ics", &HOLIDAYS.replace("20251227", "20251228"), 0o644);
    assert!(import("holidays.ics", &[]).exits(1).out.contains("changed: \"Christmas\""));
    let listed = env.run(&["--json", "freeze", "list"]).ok().json();
    assert_eq!(listed["freezes"].as_array().unwrap().len(), 1);
    assert_eq!(listed["freezes"][0]["window"]["end"], "2025-12-27T23:00:00.000Z");
    env.write("holidays.ics", "nothing", 0o644);
    assert!(import("holidays.ics", &[]).exits(2).err.contains("no iCalendar file"));
    drop(import("missing.ics", &[]).exits(1));
}

#[test]
fn what_is_exported_is_known_again() {
    let env = team();
    drop(env.run(WEEKENDS).ok());
    drop(env.run(&[ADD, &["--reason", "books"]].concat()).ok());
    let said = env.run(&["freeze", "export"]).ok().out;
    assert!(said.starts_with("BEGIN:VCALENDAR\r\n") && said.ends_with("END:VCALENDAR\r\n"), "{said}");
    assert!(said.contains("DTSTART;TZID=Europe/Berlin:20260904T160000\r\n"), "{said}");
    drop(env.run(&["freeze", "export", "all.ics"]).ok());
    drop(env.run(&["freeze", "export", "all.ics"]).exits(4));
    let again = env.run(&["freeze", "import", "all.ics"]).ok().out;
    assert_eq!(again.matches("as it was: ").count(), 2, "{again}");

    let other = team();
    other.write("all.ics", &said, 0o644);
    let there = other.run(&["freeze", "import", "all.ics"]).ok().out;
    assert_eq!(there.matches("added: ").count(), 2, "{there}");
    assert_eq!(other.run(&["freeze", "import", "all.ics"]).ok().out.matches("as it was: ").count(), 2);
    assert!(!env.run(&["freeze", "export", "--to", "2026-10-01"]).ok().out.contains("Year end"));
}
