//! Help, palette and footer: everything that can be done can be found, and what is offered works.

use relman::config::Panes;
use relman::tui::action::{Action, ENTRIES, Entry, Place, belongs, shown};
use relman::tui::allow::allow;
use relman::tui::dress::Dress;
use relman::tui::keymap::Resolved;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg};
use relman::tui::pane::calendar;
use relman::tui::theme::Theme;
use relman::tui::update::act;

use crate::support::keys::Ui;
use crate::support::screen::{begun, frozen, team};
use crate::support::world::World;

/// Somebody who looks at the team's store.
fn erin() -> Ui {
    Ui::new(&team(), "erin")
}

fn on(base: &Ui, pane: Pane) -> Ui {
    let mut ui = base.anew();
    ui.go(pane);
    ui.model.flash = None;
    ui
}

fn of(pane: Pane) -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(move |entry| belongs(entry, pane))
}

#[test]
fn help_shows_every_key_of_the_pane_with_what_it_does() {
    let base = erin();
    for pane in Pane::ALL {
        let mut ui = on(&base, pane);
        ui.model.size = (200, 90);
        ui.keys("?");
        let screen = ui.screen();
        for entry in of(pane).filter(|entry| !entry.keys.is_empty()) {
            let keys: Vec<String> = entry.keys.iter().map(|key| shown(key)).collect();
            let row = format!("│{:<14} ", keys.join(" "));
            let found = screen.lines().any(|line| line.contains(&row) && line.contains(entry.doc));
            assert!(found, "{pane:?}: {row}{} is missing:\n{screen}", entry.doc);
        }
    }
}

#[test]
fn help_shows_the_pane_s_own_keys_before_the_others() {
    let base = erin();
    for pane in Pane::ALL {
        let mut ui = on(&base, pane);
        ui.model.size = (200, 90);
        ui.keys("?");
        let screen = ui.screen();
        let own = of(pane).find(|entry| entry.places.contains(&Place::In(pane))).unwrap();
        assert!(screen.find(own.doc).unwrap() < screen.find("next pane").unwrap(), "{screen}");
    }
}

#[test]
fn help_is_read_to_its_end_on_a_small_screen() {
    let base = erin();
    for pane in Pane::ALL {
        let mut ui = on(&base, pane);
        ui.keys("?");
        assert_eq!(ui.hold("<down>", 4000), []);
        assert!(ui.screen().contains("every key of this pane"), "the last entry:\n{}", ui.screen());
    }
}

#[test]
fn help_says_why_something_is_not_possible_now() {
    let base = erin();
    let mut ui = on(&base, Pane::Board);
    ui.model.size = (160, 60);
    ui.keys("?move it back");
    assert!(ui.screen().contains("✗ not now: storefront@1.5.0 is in its first stage"), "{}", ui.screen());
}

#[test]
fn typing_narrows_help_and_enter_runs_what_is_marked() {
    let base = erin();
    let mut ui = on(&base, Pane::Board);
    ui.keys("?register");
    assert!(!ui.screen().contains("previous pane"), "{}", ui.screen());
    assert_eq!(ui.keys("<enter>"), []);
    assert_eq!(ui.popup(), "form");
}

#[test]
fn help_closes_by_the_key_that_opened_it() {
    let base = erin();
    for key in ["?", "<f1>", "<esc>", "<c-c>"] {
        let mut ui = on(&base, Pane::Board);
        ui.keys("?");
        ui.keys(key);
        assert_eq!(ui.popup(), "", "{key}");
    }
}

/// What differs between running an action and doing so in another way.
fn difference(entry: &Entry, pane: Pane, mut ui: Ui, keys: &str, base: &Ui) -> Option<String> {
    let effects = ui.keys(keys);
    let mut direct = on(base, pane);
    direct.model.ms = ui.model.ms;
    let mut wanted = act(&mut direct.model, entry.action);
    wanted.extend(calendar::due(&mut direct.model).map(Effect::ShowMonth));
    let seen = |ui: &Ui, effects| format!("{effects:?} {} {:?} {}", ui.popup(), ui.model.focus, ui.said());
    let (got, wanted) = (seen(&ui, effects), seen(&direct, wanted));
    (got != wanted).then(|| format!("{} in {pane:?}\n  got    {got}\n  wanted {wanted}", entry.name))
}

#[test]
fn the_palette_runs_every_action_by_its_name() {
    let base = erin();
    let mut wrong = Vec::new();
    for pane in Pane::ALL {
        for entry in of(pane) {
            let mut ui = on(&base, pane);
            ui.keys(":");
            wrong.extend(difference(entry, pane, ui, &format!("{}<enter>", entry.name), &base));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn help_runs_every_action_by_its_name_and_what_it_does() {
    let base = erin();
    let mut wrong = Vec::new();
    for pane in Pane::ALL {
        for entry in of(pane).filter(|entry| !entry.keys.is_empty()) {
            let mut ui = on(&base, pane);
            ui.keys("?");
            wrong.extend(difference(entry, pane, ui, &format!("{} {}<enter>", entry.name, entry.doc), &base));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_palette_lists_every_action_of_the_pane() {
    let base = erin();
    for pane in Pane::ALL {
        for entry in of(pane) {
            let mut ui = on(&base, pane);
            ui.model.size = (120, 40);
            ui.keys(&format!(":{}", entry.name));
            assert!(ui.screen().contains(entry.name), "{} in {pane:?}:\n{}", entry.name, ui.screen());
        }
    }
}

#[test]
fn the_palette_says_why_not_and_so_does_running_it() {
    let base = erin();
    let mut ui = on(&base, Pane::Board);
    ui.model.size = (120, 40);
    ui.keys(":move-back");
    let why = allow(&ui.model, Action::MoveBack).unwrap_err();
    assert!(ui.screen().contains(&format!("not now: {why}")), "{}", ui.screen());
    assert_eq!(ui.keys("<enter>"), []);
    assert_eq!(ui.said(), why);
}

#[test]
fn the_palette_finds_by_parts_of_words() {
    let base = erin();
    let mut ui = on(&base, Pane::Board);
    ui.keys(":newrel<enter>");
    assert_eq!(ui.popup(), "form");
    let mut ui = on(&base, Pane::Board);
    ui.keys(":qqqq");
    assert!(ui.screen().contains("no action fits"), "{}", ui.screen());
    assert_eq!(ui.keys("<enter>"), []);
    ui.keys("<bs><bs><bs><bs><bs>");
    assert_eq!(ui.popup(), "", "an empty palette closes");
}

/// States in which the footer is looked at.
fn situations() -> Vec<Ui> {
    let world = team();
    let closed = team();
    frozen(&closed);
    let rolling = team();
    crate::support::screen::approved(&rolling, "dave", "storefront@1.4.1");
    begun(&rolling, "erin", "storefront@1.4.1", "production");
    let empty = World::new();
    let mut all = Vec::new();
    for world in [&world, &closed, &rolling, &empty] {
        for who in ["erin", "frank", "bob"] {
            let base = Ui::new(world, who);
            for pane in Pane::ALL {
                let mut ui = base.anew();
                ui.go(pane);
                for _ in 0..4 {
                    ui.model.flash = None;
                    let mut copy = base.anew();
                    copy.go(pane);
                    copy.model.board.selected.clone_from(&ui.model.board.selected);
                    copy.model.queue.selected.clone_from(&ui.model.queue.selected);
                    copy.model.calendar.day = ui.model.calendar.day;
                    copy.model.flash = None;
                    all.push(copy);
                    ui.keys(if pane == Pane::Calendar { "l" } else { "j" });
                }
            }
        }
    }
    all
}

#[test]
fn the_footer_offers_only_what_is_possible_and_help_last() {
    for mut ui in situations() {
        for width in [80, 120, 200] {
            ui.model.size.0 = width;
            let hints = ui.hints();
            assert!(hints.len() <= 7, "{hints:?}");
            assert_eq!(hints.last(), Some(&("?".to_owned(), "help".to_owned())));
            for (key, word) in &hints {
                let name =
                    if key.chars().count() == 1 { key.clone() } else { format!("<{}>", key.to_lowercase()) };
                let Resolved::Act(action) = ui.model.keymap.resolve(ui.model.focus, None, &name) else {
                    panic!("{key} {word} means nothing in {:?}", ui.model.focus)
                };
                assert_eq!(allow(&ui.model, action), Ok(()), "{key} {word} in {:?}", ui.model.focus);
            }
        }
    }
}

#[test]
fn no_key_of_the_footer_is_refused_when_it_is_pressed() {
    for mut ui in situations() {
        ui.model.size.0 = 200;
        let shown = ui.model.log.shown;
        let mut refused = Vec::new();
        for (key, word) in ui.hints() {
            let name =
                if key.chars().count() == 1 { key.clone() } else { format!("<{}>", key.to_lowercase()) };
            ui.keys(&name);
            let complains = ui.model.flash.as_ref().is_some_and(|flash| flash.is_error);
            refused.extend(complains.then(|| format!("{key} {word}: {}", ui.said())));
            ui.model.popups.clear();
            ui.model.typing_filter = None;
            ui.model.flash = None;
            // One key must not change what the next one is about.
            ui.model.log.outline = None;
            // Another deployment's view would be on its way now.
            ui.model.log.shown = shown;
        }
        assert!(refused.is_empty(), "in {:?}: {refused:?}", ui.model.focus);
    }
}

#[test]
fn every_action_with_a_hint_can_be_explained_before_the_store_is_read() {
    let world = team();
    for pane in Pane::ALL {
        for entry in of(pane) {
            let mut ui = Ui::unloaded(&world, "erin");
            ui.go(pane);
            ui.model.flash = None;
            let effects = act(&mut ui.model, entry.action);
            let severe = effects.iter().any(crate::support::keys::is_severe);
            assert!(!severe, "{} before anything is known", entry.name);
        }
    }
}

#[test]
fn keys_of_a_file_are_what_acts_and_what_every_screen_tells() {
    let mut ui = on(&erin(), Pane::Board);
    let mut team = Panes::default();
    let keys = [("sheet", "P"), ("new-release", "F7"), ("help", "F1"), ("quit", "F10")];
    let board = keys.map(|(action, key)| (action.to_owned(), vec![key.to_owned()]));
    team.keys.insert("board".to_owned(), board.into_iter().collect());
    team.hints = Some(true);
    assert_eq!(Dress::default().put_on(&mut ui.model, &team), []);
    ui.model.size = (200, 90);
    drop(ui.keys("p"));
    assert_eq!(ui.said(), "p does nothing here; F1 shows every key");
    assert!(ui.hints().contains(&("P".to_owned(), "record".to_owned())), "{:?}", ui.hints());
    assert_eq!(ui.hints().last().unwrap().0, "F1");
    drop(ui.keys("<f1>"));
    assert!(ui.screen().contains("│P              "), "{}", ui.screen());
    drop(ui.keys("<esc>:new-release"));
    assert!(ui.screen().contains("new-release          F7"), "{}", ui.screen());
    drop(ui.keys("<esc>P"));
    assert_eq!(ui.popup(), "sheet");
    let silent = Panes { hints: Some(false), ..Panes::default() };
    assert_eq!(Dress::default().put_on(&mut ui.model, &silent), []);
    assert!(ui.hints().is_empty(), "{:?}", ui.hints());
}

#[test]
fn a_changed_file_changes_keys_and_colours_of_open_panes_and_says_what_cannot_be() {
    let mut ui = on(&erin(), Pane::Board);
    let mut panes = Panes { file: "/srv/relman.toml".into(), ascii: Some(true), ..Panes::default() };
    panes.theme.insert("name".to_owned(), "mono".to_owned());
    let sheet = [("sheet".to_owned(), vec!["D".to_owned()])];
    panes.keys.insert("board".to_owned(), sheet.into_iter().collect());
    let policy = ui.model.policy.clone();
    drop(ui.send(Msg::RulesChanged(Box::new(policy), Box::new(panes))));
    assert_eq!(ui.model.theme, Theme::mono());
    assert!(ui.model.glyphs.ascii);
    assert_eq!(ui.model.keymap.keys(Pane::Board, Action::Sheet), ["p"]);
    assert_eq!(
        ui.said(),
        "/srv/relman.toml: error: D means deploy in the board pane; what held before still does"
    );
}
