//! The log: it follows until one looks back, and from then on it stays where it was put.

use relman::domain::deployment::{DeploymentState, Outcome};
use relman::domain::ids::DeploymentId;
use relman::ops::deployment::finish;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, LogPage, Msg, Origin};
use relman::tui::pane::log::{self, ERRORS};

use crate::support::keys::{Ui, page};
use crate::support::screen::{begun, built, delivered, ended, team};
use crate::support::world::outcome;

const ID: DeploymentId = DeploymentId(10);

const TEXT: &str = "fetching the index\ncopying 1 of 3\ncopying 2 of 3\nerror: slow disk\ncopying 3 of 3\n";

/// The log of the running deployment, followed, with some lines.
fn following() -> Ui {
    let mut ui = Ui::new(&team(), "erin");
    ui.go(Pane::Log);
    assert_eq!(ui.model.log.shown, Some(ID));
    ui.send(Msg::LogRead(page(ID, 0, TEXT, true)));
    ui
}

/// The same, held where it was.
fn held() -> Ui {
    let mut ui = following();
    ui.keys("k");
    ui
}

fn read(ui: &Ui, origin: Origin) -> [Effect; 1] {
    [Effect::ReadLog { id: ID, origin, rows: log::rows(&ui.model) }]
}

fn shown(ui: &Ui) -> Vec<u64> {
    ui.model.log.lines.iter().map(|(offset, _)| *offset).collect()
}

#[test]
fn the_newest_deployment_is_followed_from_the_start() {
    let world = team();
    let mut ui = Ui::unloaded(&world, "erin");
    let effects = ui.load(&world);
    let rows = log::rows(&ui.model);
    assert_eq!(effects, [Effect::Watch(ID), Effect::ReadLog { id: ID, origin: Origin::End, rows }]);
    assert!(ui.model.log.follow);
}

#[test]
fn what_runs_stands_ready_even_when_something_newer_has_ended() {
    let mut world = built();
    delivered(&mut world, "erin", "storefront@1.5.0", "dev", None);
    let mut ui = Ui::unloaded(&world, "erin");
    ui.load(&world);
    assert!(ui.model.views.deployments[0].id > ID);
    assert_eq!(ui.model.log.shown, Some(ID), "the one that runs");
    let newest = begun(&world, "erin", "storefront@1.5.0", "staging");
    ui.load(&world);
    assert_eq!(ui.model.log.shown, Some(newest), "nobody picked the other one");
    ended(&world, newest, Some("boom"));
    ui.load(&world);
    assert_eq!(ui.model.log.shown, Some(newest), "how it ended is to be read");
    // What a person looks at, or picked, stays.
    ui.go(Pane::Log);
    ui.keys("[");
    ui.load(&world);
    let picked = ui.model.log.shown;
    assert_ne!(picked, Some(newest));
    ui.go(Pane::Board);
    ui.load(&world);
    assert_eq!(ui.model.log.shown, picked);
}

#[test]
fn what_is_read_is_shown_with_what_runs_and_how_far_it_is() {
    let ui = following();
    let screen = ui.screen();
    for text in [
        "#10 search@0.8.2 → staging running",
        "40% copying",
        "deploy search-1",
        "deploy search-2",
        "error: slow disk",
        "following",
    ] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn any_upward_motion_holds_the_page() {
    for key in ["k", "<up>", "<c-u>", "<pgup>", "<c-b>", "gg", "<home>"] {
        let mut ui = following();
        let effects = ui.keys(key);
        assert!(!ui.model.log.follow, "{key}");
        assert_eq!(effects.len(), 1, "{key}");
        assert!(ui.screen().contains("paused - G follows"), "{key}:\n{}", ui.screen());
    }
}

#[test]
fn motions_are_from_the_line_that_is_on_top() {
    let mut ui = held();
    let page_rows = i64::try_from(log::rows(&ui.model)).unwrap();
    ui.send(Msg::LogRead(page(ID, 400, TEXT, true)));
    for (key, by) in [
        ("k", -1),
        ("j", 1),
        ("<c-u>", -page_rows / 2),
        ("<c-d>", page_rows / 2),
        ("<pgup>", 1 - page_rows),
        ("<space>", page_rows - 1),
    ] {
        let effects = ui.keys(key);
        assert_eq!(effects, read(&ui, Origin::Top(400, by)), "{key}");
        ui.send(Msg::LogRead(page(ID, 400, TEXT, true)));
    }
    let effects = ui.keys("gg");
    assert_eq!(effects, read(&ui, Origin::Top(0, 0)));
}

/// Over a slow line several keys arrive in one piece, before the first of them is answered.
#[test]
fn motions_that_come_faster_than_the_log_is_read_add_up() {
    let mut ui = held();
    ui.send(Msg::LogRead(page(ID, 400, TEXT, true)));
    ui.keys("kk");
    let effects = ui.keys("k");
    assert_eq!(effects, read(&ui, Origin::Top(400, -3)));
}

#[test]
fn downward_motion_at_the_followed_end_does_nothing() {
    let mut ui = following();
    assert_eq!(ui.keys("jj<c-d><pgdn>"), []);
    assert!(ui.model.log.follow);
}

#[test]
fn growth_is_counted_and_never_moves_a_held_page() {
    let mut ui = held();
    let before = shown(&ui);
    for _ in 0..1000 {
        assert_eq!(ui.send(Msg::LogGrew { id: ID, size: 90_000, lines: 100 }), []);
    }
    // A page that was on its way when the person looked back.
    ui.send(Msg::LogRead(page(ID, 90_000, "something else\n", false)));
    assert_eq!(shown(&ui), before);
    assert_eq!(ui.model.log.new_lines, 100_000);
    assert!(ui.screen().contains("PAUSED +100000 new - G follows"), "{}", ui.screen());
}

#[test]
fn a_page_that_was_asked_for_while_following_does_not_move_a_page_that_is_held_now() {
    let mut ui = following();
    ui.keys("k");
    ui.send(Msg::LogRead(page(ID, 0, TEXT, true)));
    ui.send(Msg::LogGrew { id: ID, size: 5000, lines: 7 });
    assert_eq!(shown(&ui)[0], 0);
    assert_eq!(ui.model.log.new_lines, 7);
}

#[test]
fn capital_g_follows_again() {
    for key in ["G", "<end>"] {
        let mut ui = held();
        ui.send(Msg::LogGrew { id: ID, size: 5000, lines: 7 });
        let effects = ui.keys(key);
        assert_eq!(effects, read(&ui, Origin::End));
        assert_eq!((ui.model.log.follow, ui.model.log.new_lines), (true, 0));
    }
}

#[test]
fn s_and_capital_f_hold_and_follow() {
    for key in ["s", "F"] {
        let mut ui = following();
        let effects = ui.keys(key);
        assert_eq!(effects, read(&ui, Origin::Top(0, 0)));
        assert!(!ui.model.log.follow);
        let effects = ui.keys(key);
        assert_eq!(effects, read(&ui, Origin::End));
        assert!(ui.model.log.follow);
    }
}

#[test]
fn following_shows_each_new_page() {
    let mut ui = following();
    ui.send(Msg::LogRead(page(ID, 100, "one more\n", false)));
    assert!(ui.screen().contains("one more"), "{}", ui.screen());
    assert_eq!(ui.model.log.size, 109);
}

#[test]
fn pages_of_another_deployment_are_not_taken() {
    let mut ui = following();
    ui.send(Msg::LogRead(page(DeploymentId(3), 0, "somebody else's\n", true)));
    ui.send(Msg::LogGrew { id: DeploymentId(3), size: 7, lines: 7 });
    assert!(!ui.screen().contains("somebody else's"), "{}", ui.screen());
    assert_eq!(ui.model.log.new_lines, 0);
}

#[test]
fn a_search_begins_at_the_start_of_the_log_and_holds_it() {
    let mut ui = following();
    assert_eq!(ui.keys("/slow"), [], "the log is searched on Enter");
    let effects = ui.keys("<enter>");
    let words = vec!["slow".to_owned()];
    assert_eq!(effects, read(&ui, Origin::Search { from: 0, words, backward: false }));
    assert!(!ui.model.log.follow);
    assert!(ui.screen().contains("/slow"), "{}", ui.screen());
}

/// The answer to a search.
fn hit(at: u64, text: &str) -> LogPage {
    LogPage { searched: true, ..page(ID, at, text, true) }
}

#[test]
fn a_page_that_was_on_its_way_is_not_taken_for_the_hit() {
    let mut ui = following();
    ui.keys("/slow<enter>");
    ui.send(Msg::LogRead(page(ID, 900, "the end\n", true)));
    ui.send(Msg::LogRead(hit(300, "error: slow disk\nmore\n")));
    let next = Origin::Search { from: 300, words: vec!["slow".to_owned()], backward: false };
    let effects = ui.keys("n");
    assert_eq!(effects, read(&ui, next));
}

#[test]
fn n_and_capital_n_go_on_from_the_hit() {
    let mut ui = following();
    ui.keys("/slow<enter>");
    ui.send(Msg::LogRead(hit(300, "error: slow disk\nmore\n")));
    let search = |backward| Origin::Search { from: 300, words: vec!["slow".to_owned()], backward };
    let effects = ui.keys("n");
    assert_eq!(effects, read(&ui, search(false)));
    let effects = ui.keys("N");
    assert_eq!(effects, read(&ui, search(true)));
}

#[test]
fn a_hit_on_the_first_line_does_not_catch_the_search() {
    let mut ui = following();
    ui.keys("/fetching<enter>");
    ui.send(Msg::LogRead(hit(0, TEXT)));
    let effects = ui.keys("n");
    let first = Origin::Search { from: 0, words: vec!["fetching".to_owned()], backward: false };
    assert_ne!(effects, read(&ui, first), "the same order as the first search finds the same line for ever");
}

#[test]
fn a_search_without_a_hit_says_so() {
    let mut ui = following();
    ui.keys("/zzz<enter>");
    ui.send(Msg::NotFound("zzz".to_owned()));
    assert_eq!(ui.said(), "no line holds zzz");
}

#[test]
fn escape_ends_the_search_and_n_means_what_it_did() {
    let mut ui = following();
    ui.keys("/slow<enter><esc>");
    assert_eq!(ui.model.log.search, "");
    assert_eq!(ui.keys("n"), []);
    assert!(ui.said().contains("does nothing here"), "{:?}", ui.said());
}

#[test]
fn e_goes_to_the_next_line_that_looks_like_an_error() {
    let mut ui = following();
    let words: Vec<String> = ERRORS.iter().map(ToString::to_string).collect();
    let effects = ui.keys("e");
    assert_eq!(effects, read(&ui, Origin::Search { from: 0, words: words.clone(), backward: false }));
    ui.send(Msg::LogRead(hit(49, "error: slow disk\n")));
    let effects = ui.keys("E");
    assert_eq!(effects, read(&ui, Origin::Search { from: 49, words, backward: true }));
}

#[test]
fn brackets_go_to_older_and_newer_deployments() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Log);
    let older = DeploymentId(9);
    let effects = ui.keys("[");
    let rows = log::rows(&ui.model);
    assert_eq!(effects, [Effect::Watch(older), Effect::ReadLog { id: older, origin: Origin::End, rows }]);
    ui.load(&world);
    assert!(ui.screen().contains("#9 payments@3.2.0 → dev failed"), "{}", ui.screen());
    let effects = ui.keys("]");
    assert_eq!(effects, [Effect::Watch(ID), Effect::ReadLog { id: ID, origin: Origin::End, rows }]);
}

#[test]
fn at_the_newest_and_the_oldest_deployment_the_brackets_say_so() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Log);
    assert_eq!(ui.keys("]"), []);
    assert_ne!(ui.said(), "", "nothing newer: say it");
    for _ in 0..9 {
        ui.keys("[");
        ui.load(&world);
    }
    assert_eq!(ui.model.log.shown, Some(DeploymentId(1)));
    ui.model.flash = None;
    assert_eq!(ui.keys("["), []);
    assert_ne!(ui.said(), "", "nothing older: say it");
}

#[test]
fn braces_go_from_step_to_step_or_say_that_there_is_none() {
    let mut ui = following();
    let effects = ui.keys("}");
    assert_eq!(effects, read(&ui, Origin::Top(64, 0)), "the second step begins there");
    ui.send(Msg::LogRead(page(ID, 64, "copying\n", true)));
    let effects = ui.keys("{");
    assert_eq!(effects, read(&ui, Origin::Top(0, 0)));
    ui.send(Msg::LogRead(page(ID, 64, "copying\n", true)));
    assert_eq!(ui.keys("}"), []);
    assert_ne!(ui.said(), "", "no further step: say it");
}

#[test]
fn output_that_arrives_out_of_sight_is_marked_until_one_looks() {
    let mut ui = following();
    ui.go(Pane::Board);
    ui.send(Msg::LogRead(page(ID, 100, "one more\n", false)));
    assert!(ui.screen().contains("[4]Log*"), "{}", ui.screen());
    ui.go(Pane::Log);
    assert!(!ui.screen().contains("[4]Log*"), "{}", ui.screen());
    ui.keys("k");
    ui.go(Pane::Board);
    ui.send(Msg::LogGrew { id: ID, size: 500, lines: 1 });
    assert!(ui.model.unseen_log);
}

#[test]
fn output_that_can_be_seen_beside_the_board_is_not_called_unseen() {
    let mut ui = following();
    ui.model.size = (120, 40);
    ui.go(Pane::Board);
    ui.send(Msg::LogRead(page(ID, 100, "one more\n", false)));
    assert!(ui.screen().contains("one more"), "the log is in sight:\n{}", ui.screen());
    assert!(!ui.screen().contains("[4]Log*"), "{}", ui.screen());
}

#[test]
fn a_resize_reads_as_many_lines_as_there_is_room_for_from_where_one_was() {
    let mut ui = following();
    let effects = ui.send(Msg::Resized(120, 50));
    assert_eq!(effects, read(&ui, Origin::End));
    ui.keys("k");
    ui.send(Msg::LogRead(page(ID, 19, "copying 1 of 3\n", true)));
    let effects = ui.send(Msg::Resized(80, 24));
    assert_eq!(effects, read(&ui, Origin::Top(19, 0)));
    assert!(!ui.model.log.follow);
}

#[test]
fn going_sideways_keeps_following() {
    let mut ui = following();
    assert_eq!(ui.keys("ll"), []);
    assert!(ui.model.log.follow && ui.model.log.shift == 16);
    ui.send(Msg::LogRead(page(ID, 100, "0123456789abcdefghij\n", false)));
    assert!(ui.screen().contains("\nghij"), "{}", ui.screen());
    ui.keys("hhhhh");
    assert_eq!(ui.model.log.shift, 0);
}

#[test]
fn wrapping_shows_the_end_of_the_last_line_when_following() {
    let mut ui = following();
    ui.keys("w");
    let long = format!("{}END\n", "word ".repeat(600));
    ui.send(Msg::LogRead(page(ID, 0, &format!("{TEXT}{long}"), true)));
    assert!(ui.screen().contains("END"), "{}", ui.screen());
}

#[test]
fn escapes_of_a_script_reach_the_screen_as_text_only() {
    let mut ui = following();
    let nasty = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[31mred\u{1b}[0m \u{202e}evil\u{1b}Pdcs\u{1b}\\ done\n";
    ui.send(Msg::LogRead(page(ID, 0, nasty, true)));
    let screen = ui.screen();
    assert!(screen.contains("red") && screen.contains("done"), "{screen}");
    assert!(
        !screen.contains('\u{1b}') && !screen.contains('\u{202e}') && !screen.contains("owned"),
        "{screen}"
    );
}

#[test]
fn the_details_of_a_deployment_open_as_a_page() {
    let mut ui = following();
    ui.model.size = (100, 40);
    ui.keys("<enter>");
    let screen = ui.screen();
    for text in ["#10 deploy of search@0.8.2", "started by", "alice", "step 2", "gates when it started"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn without_a_deployment_the_verbs_of_the_log_say_so() {
    let world = crate::support::world::World::new();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Log);
    assert!(ui.screen().contains("No deployment yet."), "{}", ui.screen());
    for key in ["X", "B", "s", "e", "[", "]", "}", "<enter>"] {
        assert_eq!(ui.keys(key), [], "{key}");
        assert_eq!(ui.said(), "no deployment is shown", "{key}");
    }
}

#[test]
fn a_deployment_that_is_over_cannot_be_stopped() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Log);
    ui.keys("[");
    ui.load(&world);
    assert_eq!(ui.keys("X"), []);
    assert_eq!((ui.popup(), ui.said()), ("", "#9 is over: failed; running: #10 (search@0.8.2 to staging)"));
}

#[test]
fn a_log_whose_file_was_taken_away_does_not_read_as_silence() {
    let world = built();
    let id = begun(&world, "erin", "storefront@1.5.0", "dev");
    let running = world.deployment(id);
    let with_output = Outcome { log_size: 512, ..outcome(DeploymentState::Succeeded, world.now) };
    world.as_("erin", |cx| finish::settle(cx, id, running.epoch, &finish::LIVE, &with_output, None)).unwrap();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    ui.keys("gl");
    drop(ui.load(&world));
    assert!(ui.screen().contains("its log file is gone: 512 bytes were in it"), "{}", ui.screen());
}

#[test]
fn lines_that_begin_out_of_sight_are_said_to() {
    let mut ui = following();
    assert!(!ui.screen().contains("from column"), "{}", ui.screen());
    ui.keys("l");
    assert!(ui.screen().contains("from column 9"), "{}", ui.screen());
}
