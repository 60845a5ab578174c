//! Finding one's way: what `/` understands, in which order things stand, and the same release in another pane.

use relman::tui::model::Pane;
use relman::tui::pane::{board, queue};

use crate::support::keys::Ui;
use crate::support::screen::team;

fn erin() -> Ui {
    Ui::new(&team(), "erin")
}

fn shown(ui: &Ui) -> Vec<String> {
    board::cards(&ui.model).iter().map(|card| card.release.id.to_string()).collect()
}

/// What stays on the board with a filter typed in full.
fn filtered(filter: &str) -> Vec<String> {
    let mut ui = erin();
    drop(ui.keys("/"));
    for c in filter.chars() {
        drop(ui.key(&if c == ' ' { "<space>".to_owned() } else { c.to_string() }));
    }
    drop(ui.keys("<enter>"));
    shown(&ui)
}

#[test]
fn the_board_is_narrowed_by_words_facts_and_their_contrary() {
    assert_eq!(filtered("stage:deploy service:pay"), ["payments@3.1.0"]);
    assert_eq!(filtered("env:staging !payments !search"), ["storefront@1.4.1"]);
    assert_eq!(filtered("risk:high"), ["payments@3.2.0"]);
    assert_eq!(filtered("risk:weighed"), ["storefront@1.5.0"]);
    assert_eq!(filtered("lacks:blocked"), ["search@0.9.0"]);
    assert_eq!(filtered("~typtol"), ["search@0.8.2"]);
    assert_eq!(filtered("customers returning"), ["storefront@1.4.1"], "in any order");
    assert_eq!(filtered("stage:nowhere"), [""; 0]);
}

#[test]
fn while_typing_a_filter_it_is_said_what_can_be_asked() {
    let mut ui = erin();
    drop(ui.keys("/"));
    assert!(ui.screen().contains("all words must fit; !not ~fuzzy service: stage:"), "{}", ui.screen());
    drop(ui.keys("stagee:"));
    assert!(ui.screen().contains("stagee: is taken as text; did you mean stage:?"), "{}", ui.screen());
}

#[test]
fn the_queue_knows_whose_turn_it_is() {
    for (who, mine) in [("erin", 3), ("frank", 0)] {
        let mut ui = Ui::new(&team(), who);
        ui.go(Pane::Approvals);
        drop(ui.keys("/turn:mine<enter>"));
        assert_eq!(queue::items(&ui.model).len(), mine, "{who}");
        drop(ui.keys("<esc>/!turn:mine<enter>"));
        assert_eq!(queue::items(&ui.model).len(), 3 - mine, "{who}");
    }
}

#[test]
fn sorting_stays_within_the_stages_and_the_selection_on_its_release() {
    let mut ui = erin();
    ui.select("search@0.8.1");
    let usual = shown(&ui);
    drop(ui.keys("s"));
    assert_eq!(ui.said(), "sorted within each stage: by name and version");
    assert!(ui.screen().contains("[1] Board by name"), "{}", ui.screen());
    let deploy = |ui: &Ui| shown(ui).into_iter().skip(4).take(3).collect::<Vec<_>>();
    assert_eq!(deploy(&ui), ["payments@3.1.0", "search@0.8.1", "storefront@1.4.1"]);
    assert_eq!(ui.selected(), "search@0.8.1");
    drop(ui.keys("sss"));
    assert_eq!(shown(&ui), usual);
    assert!(!ui.screen().contains("by name"));
}

#[test]
fn the_same_release_is_two_keys_away_in_every_pane() {
    let mut ui = erin();
    ui.select("storefront@1.4.1");
    drop(ui.keys("ga"));
    assert_eq!(ui.model.focus, Pane::Approvals);
    assert_eq!(queue::selected(&ui.model).unwrap().release.id.to_string(), "storefront@1.4.1");
    // Whoever goes on from there means what they stand on then.
    drop(ui.keys("gg"));
    let first = queue::selected(&ui.model).unwrap().release.id.to_string();
    assert_ne!(first, "storefront@1.4.1");
    drop(ui.keys("gb"));
    assert_eq!((ui.model.focus, ui.selected()), (Pane::Board, first));
    drop(ui.keys("gc"));
    assert_eq!(ui.model.focus, Pane::Calendar);
}

#[test]
fn where_a_release_has_no_place_it_is_said_and_nothing_moves() {
    let mut ui = erin();
    ui.select("storefront@1.5.0");
    drop(ui.keys("ga"));
    assert_eq!(
        (ui.model.focus, ui.said()),
        (Pane::Board, "nothing about storefront@1.5.0 waits for an approval")
    );
}

#[test]
fn a_filter_that_hides_it_gives_way() {
    let mut ui = erin();
    drop(ui.keys("/request<enter>"));
    ui.pick("payments@3.1.0");
    drop(ui.keys("gb"));
    assert_eq!((ui.model.focus, ui.selected()), (Pane::Board, "payments@3.1.0".to_owned()));
    assert_eq!(ui.said(), "the filter hid it and is gone");
}
