//! The board: the selection stays with the release, filters narrow, keys explain themselves.

use std::time::Duration;

use relman::domain::ids::DeploymentId;
use relman::domain::release::{Level, Stage};
use relman::ops::release::{advance, cancel};
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Origin};
use relman::tui::pane::{board, log};

use crate::support::keys::Ui;
use crate::support::screen::{registered, team};
use crate::support::world::{World, release_id};

/// The releases of the team's store in the order of the board.
fn order(ui: &Ui) -> Vec<String> {
    board::cards(&ui.model).iter().map(|card| card.release.id.to_string()).collect()
}

fn cancelled(world: &World, id: &str) {
    world.as_("alice", |cx| cancel::cancel(cx, &release_id(id), "no longer wanted")).unwrap();
}

#[test]
fn the_first_release_is_selected_once_the_store_is_read() {
    let world = team();
    let mut ui = Ui::unloaded(&world, "erin");
    assert!(ui.screen().contains("reading the store"), "{}", ui.screen());
    ui.load(&world);
    assert_eq!(ui.selected(), order(&ui)[0]);
}

#[test]
fn j_and_k_go_through_the_releases_and_stop_at_both_ends() {
    let mut ui = Ui::new(&team(), "erin");
    let all = order(&ui);
    ui.keys("j");
    assert_eq!(ui.selected(), all[1]);
    ui.keys("<down><up>k");
    assert_eq!(ui.selected(), all[0]);
    ui.keys("k");
    assert_eq!(ui.selected(), all[0]);
    ui.hold("j", 3000);
    assert_eq!(ui.selected(), *all.last().unwrap());
}

#[test]
fn g_g_and_capital_g_go_to_both_ends_and_half_a_page_is_less() {
    let mut ui = Ui::new(&team(), "erin");
    let all = order(&ui);
    ui.keys("G");
    assert_eq!(ui.selected(), *all.last().unwrap());
    ui.keys("gg");
    assert_eq!(ui.selected(), all[0]);
    ui.keys("<c-d>");
    assert_eq!(ui.selected(), all[5]);
    ui.keys("<c-u>");
    assert_eq!(ui.selected(), all[0]);
    ui.keys("<end><home>");
    assert_eq!(ui.selected(), all[0]);
}

#[test]
fn moving_the_selection_orders_nothing() {
    let mut ui = Ui::new(&team(), "erin");
    assert_eq!(ui.keys("jkhlGgg<c-d><c-u><pgdn><pgup><space>"), []);
}

#[test]
fn the_selection_stays_with_its_release_when_others_move() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("search@0.8.1");
    registered(&world, "search@0.1.0", "Older line", Level::Low, 0);
    world.as_("frank", |cx| advance::advance(cx, &release_id("storefront@1.5.0"))).unwrap();
    ui.load(&world);
    assert_eq!(ui.selected(), "search@0.8.1");
}

#[test]
fn the_selection_stays_with_its_release_when_it_moves_itself() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    world.as_("frank", |cx| advance::advance(cx, &release_id("storefront@1.5.0"))).unwrap();
    ui.load(&world);
    assert_eq!(ui.selected(), "storefront@1.5.0");
    assert_eq!(board::selected(&ui.model).unwrap().release.stage, Stage::Plan);
}

#[test]
fn when_the_selected_release_is_gone_the_next_one_is_selected_and_it_is_said() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    let all = order(&ui);
    let at = all.iter().position(|id| id == "search@0.9.0").unwrap();
    ui.select("search@0.9.0");
    cancelled(&world, "search@0.9.0");
    ui.load(&world);
    assert_eq!(ui.selected(), all[at + 1]);
    assert_eq!(ui.said(), "search@0.9.0 is no longer on the board");
}

#[test]
fn when_the_last_release_is_gone_the_one_before_is_selected() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    let all = order(&ui);
    let last = all.last().unwrap();
    ui.select(last);
    cancelled(&world, last);
    ui.load(&world);
    assert_eq!(ui.selected(), all[all.len() - 2]);
}

#[test]
fn that_the_selected_release_is_gone_is_said_behind_a_filter_too() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("search@0.9.0");
    ui.keys("/search<enter>");
    cancelled(&world, "search@0.9.0");
    ui.load(&world);
    assert_ne!(ui.selected(), "search@0.9.0");
    assert!(ui.said().contains("search@0.9.0"), "{:?}", ui.said());
}

#[test]
fn h_and_l_jump_to_the_next_stage_that_holds_a_release() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    let stage = |ui: &Ui| board::selected(&ui.model).unwrap().release.stage;
    ui.select("payments@3.2.0");
    assert_eq!(stage(&ui), Stage::Test);
    ui.keys("l");
    assert_eq!(stage(&ui), Stage::Deploy, "prepare is empty");
    ui.keys("h");
    assert_eq!(stage(&ui), Stage::Test);
    ui.keys("<left><left><left><left><left>");
    assert_eq!(stage(&ui), Stage::Request);
    ui.keys("<right><right><right><right><right><right>");
    assert_eq!(stage(&ui), Stage::Review);
}

#[test]
fn a_filter_narrows_while_it_is_typed_and_escape_takes_it_away() {
    let mut ui = Ui::new(&team(), "erin");
    let all = order(&ui);
    ui.keys("/sear");
    assert_eq!(ui.model.typing_filter.as_deref(), Some("sear"));
    assert!(order(&ui).iter().all(|id| id.starts_with("search")), "{:?}", order(&ui));
    ui.keys("<bs><bs><bs><bs>");
    assert_eq!(order(&ui), all);
    ui.keys("search<enter>");
    assert_eq!(ui.model.typing_filter, None);
    assert!(ui.screen().contains("/search"), "the filter stays in sight:\n{}", ui.screen());
    ui.keys("<esc>");
    assert_eq!(order(&ui), all);
    assert_eq!(ui.model.board.filter, "");
}

#[test]
fn a_filter_left_with_escape_while_typing_is_gone() {
    let mut ui = Ui::new(&team(), "erin");
    let all = order(&ui);
    ui.keys("/sear<esc>");
    assert_eq!((order(&ui), ui.model.typing_filter), (all, None));
}

#[test]
fn lower_case_text_fits_any_case_and_capitals_only_themselves() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("/faster<enter>");
    assert_eq!(order(&ui), ["storefront@1.4.1"]);
    ui.keys("/FASTER<enter>");
    assert_eq!(order(&ui), [""; 0]);
    assert!(ui.screen().contains("No release fits /FASTER"), "{}", ui.screen());
    ui.keys("/Faster<enter>");
    assert_eq!(order(&ui), ["storefront@1.4.1"]);
}

#[test]
fn an_exclamation_mark_turns_the_filter_round() {
    let mut ui = Ui::new(&team(), "erin");
    let without: Vec<String> = order(&ui).into_iter().filter(|id| !id.starts_with("search")).collect();
    ui.keys("/!search<enter>");
    assert_eq!(order(&ui), without);
}

#[test]
fn a_filter_also_looks_at_the_stage_and_the_owner() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("/review<enter>");
    assert_eq!(order(&ui), ["storefront@1.4.0"]);
}

#[test]
fn a_filter_that_keeps_the_selected_release_keeps_the_selection() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("search@0.8.1");
    ui.keys("/search<enter>");
    assert_eq!(ui.selected(), "search@0.8.1");
    ui.keys("<esc>");
    assert_eq!(ui.selected(), "search@0.8.1");
}

#[test]
fn keys_typed_into_a_filter_are_text() {
    let mut ui = Ui::new(&team(), "erin");
    assert_eq!(ui.keys("/DXBqQ>yn?:1234"), []);
    assert_eq!(ui.model.board.filter, "DXBqQ>yn?:1234");
    assert_eq!((ui.model.focus, ui.popup()), (Pane::Board, ""));
}

#[test]
fn pasted_text_goes_into_the_filter_as_one_line() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("/");
    assert_eq!(ui.paste("search\n\u{1b}[31m"), []);
    assert_eq!(ui.model.typing_filter.as_deref(), Some("search[31m"));
}

#[test]
fn with_nothing_selected_the_verbs_say_so() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("/nothing fits this<enter>");
    for key in ["D", "w", ">", "e", "b", "B", "<enter>"] {
        assert_eq!(ui.keys(key), [], "{key}");
        assert_eq!(ui.said(), "no release is selected; n registers one", "{key}");
    }
}

#[test]
fn the_verbs_of_the_board_order_what_they_say() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("storefront@1.5.0");
    assert_eq!(ui.keys(">"), [Effect::Advance(release_id("storefront@1.5.0"))]);
    assert_eq!(ui.keys("<enter>"), [Effect::Detail(release_id("storefront@1.5.0"))]);
    let preview =
        [Effect::Preview { release: release_id("storefront@1.5.0"), environment: "dev".parse().unwrap() }];
    assert_eq!(ui.keys("D"), preview);
    // Asking why never opens what could start something.
    let asked =
        [Effect::Explain { release: release_id("storefront@1.5.0"), environment: "dev".parse().unwrap() }];
    assert_eq!(ui.keys("w"), asked);
    ui.select("storefront@1.4.0");
    let choices = [Effect::AskChoices {
        service: "storefront".parse().unwrap(),
        environment: "production".parse().unwrap(),
    }];
    assert_eq!(ui.keys("B"), choices);
    for (key, title) in
        [("e", "Edit storefront@1.4.0"), ("<lt>", "Move storefront@1.4.0"), ("b", "Block storefront@1.4.0")]
    {
        assert_eq!(ui.keys(key), []);
        assert_eq!(ui.popup(), "form");
        assert!(ui.screen().contains(title), "{}", ui.screen());
        ui.keys("<esc>");
    }
}

#[test]
fn a_verb_that_makes_no_sense_says_why() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("storefront@1.5.0");
    for (key, said) in [
        ("B", "storefront@1.5.0 has not been deployed anywhere: there is nothing to roll back"),
        ("X", "no deployment of storefront@1.5.0 is running or waiting"),
        ("<lt>", "storefront@1.5.0 is in its first stage"),
        ("gl", "storefront@1.5.0 was never deployed: it has no log yet"),
        ("M", "the demo fills an empty store only; this one has releases"),
    ] {
        assert_eq!(ui.keys(key), [], "{key}");
        assert_eq!(ui.said(), said);
        assert!(ui.model.flash.as_ref().unwrap().is_error);
    }
}

#[test]
fn a_key_without_a_meaning_says_where_the_keys_are() {
    let mut ui = Ui::new(&team(), "erin");
    for key in ["Z", "<c-x>", "<del>", "5"] {
        assert_eq!(ui.keys(key), []);
        assert!(ui.said().contains("does nothing here; ? shows every key"), "{key}: {:?}", ui.said());
    }
}

#[test]
fn a_chord_shows_that_it_waits_and_a_wrong_second_key_says_so() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("g");
    assert!(ui.screen().contains("g … (second key of a chord"), "{}", ui.screen());
    assert_eq!(ui.keys("Z"), []);
    assert_eq!(ui.model.pending, None);
    assert!(ui.said().contains("gZ") || ui.said().contains("does nothing"), "{:?}", ui.said());
}

#[test]
fn escape_leaves_a_chord() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("Gg<esc>");
    assert_eq!(ui.model.pending, None);
    let last = ui.selected();
    ui.keys("g<esc>j");
    assert_eq!(ui.selected(), last, "the chord did not go to the top");
}

#[test]
fn g_l_shows_the_log_of_the_newest_deployment_of_the_release() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("payments@3.2.0");
    let id = DeploymentId(9);
    let effects = ui.keys("gl");
    let rows = log::rows(&ui.model);
    assert_eq!(effects, [Effect::Watch(id), Effect::ReadLog { id, origin: Origin::End, rows }]);
    assert_eq!((ui.model.focus, ui.model.log.shown), (Pane::Log, Some(id)));
}

#[test]
fn escape_never_quits() {
    let world = team();
    for pane in Pane::ALL {
        let mut ui = Ui::new(&world, "erin");
        ui.go(pane);
        assert_eq!(ui.hold("<esc>", 2000), [], "{pane:?}");
        assert_eq!(ui.keys("<esc><esc><c-g><c-g>"), []);
    }
}

#[test]
fn escape_takes_away_one_thing_at_a_time() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("f/search<enter>?");
    ui.keys("<esc>");
    assert_eq!((ui.popup(), ui.model.board.filter.as_str(), ui.model.zoomed), ("", "search", true));
    ui.keys("<esc>");
    assert_eq!((ui.model.board.filter.as_str(), ui.model.zoomed), ("", true));
    ui.keys("<esc>");
    assert!(!ui.model.zoomed);
}

#[test]
fn one_interrupt_says_how_to_leave_and_a_second_within_a_second_leaves() {
    let mut ui = Ui::new(&team(), "erin");
    assert_eq!(ui.keys("<c-c>"), []);
    assert!(ui.said().contains("q leaves"), "{:?}", ui.said());
    ui.wait(1500);
    assert_eq!(ui.keys("<c-c>"), [], "too late to be the second one");
    assert_eq!(ui.keys("<c-c>"), [Effect::Quit]);
}

#[test]
fn an_interrupt_in_a_dialog_only_closes_it() {
    let world = team();
    for open in ["?", ":", "n", "/"] {
        let mut ui = Ui::new(&world, "erin");
        ui.keys(open);
        assert_eq!(ui.keys("<c-c>"), [], "{open}");
        assert_eq!((ui.popup(), ui.model.typing_filter), ("", None), "{open}");
    }
}

#[test]
fn q_leaves_at_once_because_deployments_go_on() {
    for key in ["q", "Q"] {
        assert_eq!(Ui::new(&team(), "erin").keys(key), [Effect::Quit]);
    }
}

#[test]
fn the_demo_is_offered_to_an_empty_store_of_the_demo_only() {
    let world = World::new();
    let mut ui = Ui::new(&world, "erin");
    assert!(ui.screen().contains("Nothing here yet."), "{}", ui.screen());
    assert_eq!(ui.keys("M"), [], "these are somebody's real scripts");
    assert!(ui.said().contains("relman demo"), "{}", ui.said());
    ui.model.is_demo = true;
    assert_eq!(ui.keys("M"), [Effect::Demo]);
}

#[test]
fn going_round_the_panes_ends_where_it_began() {
    let mut ui = Ui::new(&team(), "erin");
    let mut seen = Vec::new();
    for _ in 0..4 {
        ui.keys("<tab>");
        seen.push(ui.model.focus);
    }
    assert_eq!(seen, [Pane::Approvals, Pane::Calendar, Pane::Log, Pane::Board]);
    ui.keys("<s-tab>");
    assert_eq!(ui.model.focus, Pane::Log);
}

#[test]
fn chords_go_to_panes_too() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("payments@3.1.0");
    for (keys, pane) in [("ga", Pane::Approvals), ("gc", Pane::Calendar), ("gb", Pane::Board)] {
        ui.keys(keys);
        assert_eq!(ui.model.focus, pane);
    }
}

#[test]
fn an_age_is_counted_from_the_clock_of_the_panes() {
    let mut world = team();
    let mut ui = Ui::new(&world, "erin");
    world.pass(Duration::from_secs(3600));
    ui.load(&world);
    let row = ui.screen().lines().find(|line| line.contains("storefront@1.5.0")).unwrap().to_owned();
    assert!(row.contains("1h"), "{row}");
}
