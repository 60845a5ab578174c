//! Any size, any terminal: nothing breaks, and what matters is in sight at 80x24.

use ratatui::style::{Color, Modifier};
use relman::domain::ids::DeploymentId;
use relman::domain::release::Level;
use relman::tui::layout::is_too_small;
use relman::tui::model::Pane;
use relman::tui::msg::Msg;
use relman::tui::theme::{Glyphs, Theme};

use crate::support::keys::{Ui, names, page};
use crate::support::screen::{approved, buffer, delivered, frozen, registered, team};
use crate::support::world::World;

/// Places one can be in, with the keys that lead there from the board.
const PLACES: [&str; 25] = [
    "", "2", "3", "3w", "3ww", "4", "/se", "?", ":", "!", "n", "e", "b", "<enter>", "D", "GkD", "GB",
    "GkkkkX", "2a", "2x", "2<enter>", "3n", "3N", "3<enter>", "4<enter>",
];

fn busy() -> World {
    let world = team();
    approved(&world, "dave", "storefront@1.4.1");
    frozen(&world);
    world
}

fn at(world: &World, base: &Ui, keys: &str) -> Ui {
    let mut ui = base.anew();
    let long = format!("{}\n\u{1b}[31m日本語 wide\u{1b}[0m\n", "a long line of output ".repeat(40));
    ui.send(Msg::LogRead(page(DeploymentId(10), 0, &long, true)));
    for name in names(keys) {
        drop(ui.ask(world, &name));
    }
    ui
}

#[test]
fn every_place_is_drawn_at_every_size_in_every_look() {
    let world = busy();
    let base = Ui::new(&world, "erin");
    for keys in PLACES {
        let mut ui = at(&world, &base, keys);
        for (theme, glyphs) in [
            (Theme::colour(), Glyphs::UNICODE),
            (Theme::mono(), Glyphs::ASCII),
            (Theme::colour(), Glyphs::ASCII),
            (Theme::mono(), Glyphs::UNICODE),
        ] {
            ui.model.theme = theme;
            ui.model.glyphs = glyphs;
            let few = if theme == Theme::mono() && glyphs == Glyphs::ASCII { 1 } else { 3 };
            for width in (1..=200).step_by(13 * few) {
                for height in (1..=60).step_by(5 * few) {
                    ui.send(Msg::Resized(width, height));
                    let drawn = buffer(&ui.model);
                    assert_eq!((drawn.area.width, drawn.area.height), (width, height));
                }
            }
        }
    }
}

#[test]
fn the_sizes_at_which_the_layout_changes_are_drawn_too() {
    let world = busy();
    let base = Ui::new(&world, "erin");
    for keys in PLACES {
        let mut ui = at(&world, &base, keys);
        for width in [1, 2, 3, 4, 39, 40, 59, 60, 77, 78, 99, 100, 125, 126, 159, 160] {
            for height in [1, 2, 3, 7, 8, 9, 13, 14, 19, 20, 21, 22, 29, 30] {
                ui.send(Msg::Resized(width, height));
                let text = ui.screen();
                assert_eq!(
                    text.contains("terminal too smal"),
                    is_too_small(&ui.model) && width >= 17,
                    "{width}x{height}\n{text}"
                );
            }
        }
    }
}

#[test]
fn a_screen_that_changed_its_size_before_the_panes_heard_of_it_is_drawn() {
    let world = busy();
    let base = Ui::new(&world, "erin");
    for keys in PLACES {
        let mut ui = at(&world, &base, keys);
        ui.model.size = (200, 50);
        let mut small = ratatui::Terminal::new(ratatui::backend::TestBackend::new(30, 6)).unwrap();
        small.draw(|frame| relman::tui::view::view(&ui.model, frame)).unwrap();
        let first = small.backend().buffer().content[0].symbol().to_owned();
        assert!(!first.is_empty(), "{keys}");
    }
}

/// The row that is marked as selected: the one with reversed cells below the tabs.
fn selected_row(ui: &Ui) -> String {
    let drawn = buffer(&ui.model);
    let width = usize::from(drawn.area.width);
    let rows: Vec<_> = drawn.content.chunks(width).collect();
    let is_reversed = |row: &&[ratatui::buffer::Cell]| {
        row.iter().take(30).filter(|cell| cell.modifier.contains(Modifier::REVERSED)).count() >= 2
    };
    let found: Vec<String> = rows[3..]
        .iter()
        .filter(|row| is_reversed(row))
        .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
        .collect();
    assert_eq!(found.len(), 1, "one selected row:\n{}", ui.screen());
    found[0].clone()
}

#[test]
fn at_80x24_each_selected_release_is_in_sight_with_its_state_and_four_hints() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    for (id, word) in [
        ("search@0.9.0", "BLOCKED"),
        ("search@0.8.2", "running"),
        ("payments@3.2.0", "FAILED"),
        ("storefront@1.4.0", "live in production"),
    ] {
        ui.select(id);
        assert!(selected_row(&ui).contains(id), "{}", ui.screen());
        let screen = ui.screen();
        let lines: Vec<&str> = screen.lines().collect();
        let at = lines.iter().position(|line| line.contains(id)).unwrap();
        let both = format!("{}\n{}", lines[at], lines.get(at + 1).unwrap_or(&""));
        assert!(both.contains(word), "{id}: {word}\n{both}");
        assert!(ui.hints().len() >= 5, "four hints and help: {:?}", ui.hints());
    }
}

/// What is said about a release under its name.
fn note(ui: &Ui, id: &str) -> String {
    let screen = ui.screen();
    let mut lines = screen.lines().skip_while(|line| !line.contains(id)).skip(1);
    lines.next().unwrap_or_else(|| panic!("{id} is not in sight:\n{screen}")).to_owned()
}

#[test]
fn a_release_on_its_way_says_what_keeps_it_from_the_next_environment() {
    let world = team();
    let ui = Ui::new(&world, "erin");
    assert!(note(&ui, "storefront@1.4.1").contains("waits for sre"), "{}", note(&ui, "storefront@1.4.1"));
    approved(&world, "dave", "storefront@1.4.1");
    let ui = Ui::new(&world, "erin");
    assert!(
        note(&ui, "storefront@1.4.1").contains("production is open"),
        "{}",
        note(&ui, "storefront@1.4.1")
    );
    frozen(&world);
    let ui = Ui::new(&world, "erin");
    assert!(note(&ui, "storefront@1.4.1").contains("frozen until"), "{}", note(&ui, "storefront@1.4.1"));
}

#[test]
fn at_80x24_each_selected_approval_is_in_sight_with_its_state_and_four_hints() {
    let world = team();
    for (who, word) in [("erin", "YOUR TURN"), ("bob", "you have")] {
        let mut ui = Ui::new(&world, who);
        ui.pick("storefront@1.4.1");
        let row = selected_row(&ui);
        assert!(row.contains("storefront@1.4.1") && row.contains(word), "{row}");
        assert!(ui.hints().len() >= 5, "{:?}", ui.hints());
    }
}

#[test]
fn at_80x24_the_selected_day_and_the_log_are_in_sight_with_four_hints() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Calendar);
    ui.keys("llll");
    assert!(ui.screen().contains("Sat 2026-09-05") && ui.screen().contains("Inventory"), "{}", ui.screen());
    assert!(ui.hints().len() >= 5, "{:?}", ui.hints());
    ui.go(Pane::Log);
    assert!(ui.screen().contains("running"), "{}", ui.screen());
    assert!(ui.hints().len() >= 5, "{:?}", ui.hints());
}

#[test]
fn what_an_item_of_the_queue_waits_for_is_not_cut_at_80x24() {
    let world = team();
    for (who, why) in [("frank", "you are not in managers or sre"), ("bob", "you have decided")] {
        let mut ui = Ui::new(&world, who);
        ui.pick("storefront@1.4.1");
        assert!(ui.screen().contains(why), "{why}:\n{}", ui.screen());
    }
}

#[test]
fn the_release_a_list_is_scrolled_to_is_whole_at_every_height() {
    let world = team();
    let base = Ui::new(&world, "erin");
    for height in 10..40 {
        let mut ui = base.anew();
        ui.send(Msg::Resized(80, height));
        for _ in 0..8 {
            let id = ui.selected();
            let screen = ui.screen();
            let at = screen.lines().position(|line| line.contains(&format!("▸ {id}")));
            let at = at.unwrap_or_else(|| panic!("{id} is not in sight at 80x{height}:\n{screen}"));
            let below = screen.lines().nth(at + 1).unwrap();
            assert!(below.starts_with("    "), "its second line is cut off at 80x{height}:\n{screen}");
            ui.keys("j");
        }
    }
}

#[test]
fn states_are_readable_without_colours() {
    let mut world = busy();
    delivered(&mut world, "alice", "payments@3.2.0", "dev", Some("verify"));
    let mut ui = Ui::new(&world, "erin");
    ui.model.theme = Theme::mono();
    ui.model.glyphs = Glyphs::ASCII;
    for pane in Pane::ALL {
        ui.go(pane);
        ui.model.size = (120, 60);
        let drawn = buffer(&ui.model);
        let coloured = drawn.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert!(!coloured, "{pane:?}");
        let text = ui.screen();
        assert!(!text.contains(['●', '▶', '✗', '▸', '▒', '┏']), "{pane:?}:\n{text}");
    }
    ui.go(Pane::Board);
    for word in ["BLOCKED", "FAILED", "running", "FROZEN"] {
        assert!(ui.screen().contains(word), "{word}:\n{}", ui.screen());
    }
}

#[test]
fn plain_letters_are_kept_in_every_dialog() {
    let world = busy();
    let base = Ui::new(&world, "erin");
    let mut foreign = Vec::new();
    for keys in PLACES {
        let mut ui = base.anew();
        ui.model.glyphs = Glyphs::ASCII;
        ui.model.theme = Theme::mono();
        for name in names(keys) {
            drop(ui.ask(&world, &name));
        }
        for size in [(80, 24), (200, 60)] {
            ui.send(Msg::Resized(size.0, size.1));
            let bad: String = ui.screen().chars().filter(|c| !c.is_ascii()).collect();
            foreign.extend((!bad.is_empty()).then(|| format!("{keys:?} at {size:?}: {bad}")));
        }
    }
    assert!(foreign.is_empty(), "{}", foreign.join("\n"));
}

#[test]
fn wide_and_combining_letters_do_not_shift_a_row() {
    let world = team();
    for (id, title) in [
        ("search@1.0.1", "日本語の検索を改善"),
        ("search@1.0.2", "e\u{301}te\u{301}"),
        ("search@1.0.3", "שלום עולם"),
    ] {
        registered(&world, id, title, Level::Low, 0);
    }
    let mut ui = Ui::new(&world, "erin");
    for size in [(100, 40), (120, 40), (200, 50)] {
        ui.send(Msg::Resized(size.0, size.1));
        let drawn = buffer(&ui.model);
        let board = relman::tui::layout::areas(&ui.model).panes[0].1;
        for row in board.top() + 1..board.bottom() - 1 {
            let edge = &drawn[(board.right() - 1, row)];
            assert_eq!(edge.symbol(), "┃", "row {row} at {size:?}:\n{}", ui.screen());
        }
    }
}
