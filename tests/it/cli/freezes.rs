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
    team().run(&["calendar"]).is(0, "", "nothing in the next 42 days\n");
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
