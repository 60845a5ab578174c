//! The calendar: days, weeks and months, also where months are short and days are not 24 hours long.

use std::time::Duration;

use relman::domain::time::Tz;
use relman::tui::model::Pane;
use relman::tui::msg::Effect;
use relman::tui::pane::calendar::{self, Shape, day_window};

use crate::support::keys::Ui;
use crate::support::screen::{frozen, team};

fn on(day: &str) -> Ui {
    let mut ui = Ui::new(&team(), "erin");
    ui.go(Pane::Calendar);
    ui.model.calendar.day = day.parse().unwrap();
    ui
}

fn day(ui: &Ui) -> String {
    ui.model.calendar.day.to_string()
}

#[test]
fn it_begins_today_in_the_zone_of_the_configuration() {
    let world = team();
    assert_eq!(day(&Ui::new(&world, "erin")), "2026-09-01");
    let mut late = team();
    late.now = "2026-09-01T22:30:00Z".parse().unwrap();
    assert_eq!(day(&Ui::new(&late, "erin")), "2026-09-02", "half past midnight in Berlin");
}

#[test]
fn h_and_l_go_by_days_and_j_and_k_by_weeks() {
    for (from, key, to) in [
        ("2026-09-15", "l", "2026-09-16"),
        ("2026-09-15", "h", "2026-09-14"),
        ("2026-09-15", "j", "2026-09-22"),
        ("2026-09-15", "k", "2026-09-08"),
        ("2026-09-30", "<right>", "2026-10-01"),
        ("2026-10-01", "<left>", "2026-09-30"),
        ("2026-12-31", "l", "2027-01-01"),
        ("2026-12-28", "<down>", "2027-01-04"),
        ("2024-02-28", "l", "2024-02-29"),
        ("2026-02-28", "l", "2026-03-01"),
    ] {
        let mut ui = on(from);
        ui.keys(key);
        assert_eq!(day(&ui), to, "{from} {key}");
    }
}

#[test]
fn brackets_go_by_months_and_stay_within_short_ones() {
    for (from, key, to) in [
        ("2026-09-15", "]", "2026-10-15"),
        ("2026-09-15", "[", "2026-08-15"),
        ("2026-01-31", "]", "2026-02-28"),
        ("2024-01-31", "]", "2024-02-29"),
        ("2026-03-31", "[", "2026-02-28"),
        ("2026-10-31", "]", "2026-11-30"),
        ("2026-12-31", "]", "2027-01-31"),
        ("2026-01-15", "[", "2025-12-15"),
        ("2026-09-15", "<pgdn>", "2026-10-15"),
        ("2026-09-15", "<pgup>", "2026-08-15"),
    ] {
        let mut ui = on(from);
        ui.keys(key);
        assert_eq!(day(&ui), to, "{from} {key}");
    }
}

#[test]
fn every_day_is_reached_when_the_clocks_change() {
    let mut ui = on("2026-03-27");
    for expected in ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"] {
        ui.keys("l");
        assert_eq!(day(&ui), expected);
    }
    let mut ui = on("2026-10-26");
    for expected in ["2026-10-25", "2026-10-24"] {
        ui.keys("h");
        assert_eq!(day(&ui), expected);
    }
}

#[test]
fn a_day_is_as_long_as_its_clock_makes_it() {
    for (day, hours) in [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)] {
        let window = day_window(day.parse().unwrap(), Tz::Europe__Berlin);
        assert_eq!(window.end.since(window.start), Duration::from_secs(hours * 3600), "{day}");
    }
}

#[test]
fn the_six_weeks_shown_begin_on_a_monday_and_hold_the_month() {
    for (month, first) in [
        ("2026-09-15", "2026-08-30T22:00"),
        ("2026-06-10", "2026-05-31T22:00"),
        ("2027-02-01", "2027-01-31T23:00"),
    ] {
        let ui = on(month);
        let span = calendar::span(&ui.model);
        assert!(span.start.to_string().starts_with(first), "{month}: {}", span.start);
    }
}

#[test]
fn another_month_is_read_and_the_same_month_is_not() {
    let mut ui = on("2026-09-29");
    assert_eq!(ui.keys("l"), [], "the thirtieth");
    let effects = ui.keys("l");
    assert_eq!(effects, [Effect::ShowMonth(calendar::span(&ui.model))]);
    assert_eq!(ui.keys("t"), [Effect::ShowMonth(calendar::span(&ui.model))]);
    assert_eq!(day(&ui), "2026-09-01");
    assert_eq!(ui.keys("t"), []);
}

#[test]
fn years_have_an_end_in_both_directions() {
    let mut ui = on("9998-12-31");
    ui.keys("ljl]]");
    assert_eq!(day(&ui), "9998-12-31");
    let mut ui = on("1970-01-01");
    ui.keys("hk[[");
    assert_eq!(day(&ui), "1970-01-01");
}

#[test]
fn a_frozen_day_is_marked_and_described() {
    let mut ui = on("2026-09-05");
    let screen = ui.screen();
    assert!(screen.contains("5 ▒") && screen.contains("29 ▒") && screen.contains("30 ▒"), "{screen}");
    assert!(screen.contains("Inventory: storefront in production (prices must not move)"), "{screen}");
    ui.keys("hh");
    let screen = ui.screen();
    assert!(screen.contains("nothing is closed") && screen.contains("next: \"Inventory\""), "{screen}");
}

#[test]
fn a_freeze_that_ends_at_midnight_does_not_close_the_next_day() {
    let ui = on("2026-10-02");
    assert!(ui.screen().contains("Quarter end"), "until 08:00:\n{}", ui.screen());
    let mut ui = on("2026-10-02");
    ui.keys("l");
    assert!(!ui.screen().contains("Quarter end"), "{}", ui.screen());
}

#[test]
fn the_agenda_lists_freezes_and_goes_through_them() {
    let world = team();
    frozen(&world);
    let mut ui = Ui::new(&world, "erin");
    ui.model.size = (100, 24);
    ui.go(Pane::Calendar);
    ui.keys("ww");
    assert_eq!(ui.model.calendar.shape, Shape::Agenda);
    let screen = ui.screen();
    for text in ["Checkout incident", "Inventory", "Quarter end", "CLOSED NOW", "relman.toml", "bob"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    ui.keys("jjjjjj");
    assert_eq!(ui.model.calendar.line, 2, "the last of three");
    ui.keys("kkkkk");
    assert_eq!(ui.model.calendar.line, 0);
    ui.keys("w");
    assert_eq!(ui.model.calendar.shape, Shape::Month);
}

#[test]
fn what_the_agenda_removes_is_what_it_marks() {
    let world = team();
    frozen(&world);
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Calendar);
    ui.keys("wwj");
    assert_eq!(ui.keys("x"), []);
    assert_eq!(ui.popup(), "", "the second one stands in relman.toml");
    assert!(ui.said().contains("Inventory"), "{:?}", ui.said());
}

#[test]
fn the_details_of_a_day_open_as_a_page() {
    let mut ui = on("2026-09-01");
    ui.keys("<enter>");
    assert_eq!(ui.popup(), "page");
    assert!(ui.screen().contains("Tuesday 1 September 2026"), "{}", ui.screen());
    assert!(ui.screen().contains("#10 running search@0.8.2 to staging by alice"), "{}", ui.screen());
}

/// A freeze of every night, from 22:00 to 06:00 in New York.
fn nightly(world: &crate::support::world::World) {
    use relman::domain::recurrence::Recurrence;
    use relman::domain::time::{Timestamp, Window};
    use relman::ops::freeze::{NewFreeze, add};
    let zone = Tz::America__New_York;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let window = Window::new(at("2026-09-01T22:00:00-04:00"), at("2026-09-02T06:00:00-04:00")).unwrap();
    let repeats =
        Recurrence::of(window, "FREQ=DAILY".parse().unwrap(), std::collections::BTreeSet::new(), zone);
    let once = crate::support::world::new_freeze("Nights", "production", window.start, window.end);
    let new = NewFreeze { repeats: Some(repeats.unwrap()), zone, ..once };
    world.as_("bob", |cx| add(cx, &new)).unwrap();
}

#[test]
fn a_week_shows_each_day_as_a_bar_with_words_below() {
    let world = team();
    nightly(&world);
    for size in [(80, 24), (120, 40), (200, 50)] {
        let mut ui = Ui::new(&world, "erin");
        ui.model.size = size;
        ui.go(Pane::Calendar);
        ui.load(&world);
        ui.keys("w");
        assert_eq!(ui.model.calendar.shape, Shape::Week);
        let screen = ui.screen();
        for words in
            ["Week 36 of 2026", "Tue 01", "d deployed", "04:00-12:00 frozen: production, Nights (repeats)"]
        {
            assert!(screen.contains(words), "{size:?} {words}:\n{screen}");
        }
        assert!(screen.contains("▒▒▒▒▒▒▒▒"), "{screen}");
        ui.keys("j");
        assert_eq!(day(&ui), "2026-09-02", "a day on");
        ui.keys("l");
        assert_eq!(day(&ui), "2026-09-09", "a week on");
    }
}

#[test]
fn the_agenda_has_every_window_of_what_repeats_and_the_page_the_next_ones() {
    let world = team();
    nightly(&world);
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Calendar);
    ui.load(&world);
    ui.keys("ww");
    assert!(ui.screen().matches("repeats Nights").count() > 2, "{}", ui.screen());
    ui.keys("wj<enter>");
    let screen = ui.screen();
    assert!(screen.contains("every day (FREQ=DAILY)"), "{screen}");
    assert!(screen.contains("UTC)"), "{screen}");
}

#[test]
fn the_calendar_is_read_by_three_clocks() {
    let world = team();
    nightly(&world);
    let mut ui = Ui::new(&world, "erin");
    ui.model.size = (120, 40);
    ui.go(Pane::Calendar);
    ui.load(&world);
    ui.keys("l");
    assert!(
        ui.screen().contains("Wed 2026-09-02 04:00 CEST until Wed 2026-09-02 12:00 CEST"),
        "{}",
        ui.screen()
    );
    ui.keys("z");
    assert_eq!(ui.said(), "the calendar is in UTC");
    assert!(
        ui.screen().contains("Wed 2026-09-02 02:00 UTC until Wed 2026-09-02 10:00 UTC"),
        "{}",
        ui.screen()
    );
    ui.keys("z");
    assert!(
        ui.screen().contains("Tue 2026-09-01 22:00 EDT until Wed 2026-09-02 06:00 EDT"),
        "{}",
        ui.screen()
    );
    ui.keys("z");
    assert_eq!(ui.said(), "the calendar is in Europe/Berlin");
}
