//! Ways to look at a log: folded to its steps, with notes, only what is new, several at once.

use ratatui::buffer::Cell;
use ratatui::style::Color;
use relman::domain::ansi;
use relman::domain::ids::DeploymentId;
use relman::ops::deployment::note;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg, Origin};
use relman::tui::pane::log;
use relman::tui::theme::Theme;

use crate::support::keys::{Ui, page};
use crate::support::screen::{buffer, team};
use crate::support::world::World;

const ID: DeploymentId = DeploymentId(10);

const TEXT: &str = "fetching\ncopying 1 of 3\ncopying 2 of 3\n";

fn following(world: &World) -> Ui {
    let mut ui = Ui::new(world, "erin");
    ui.go(Pane::Log);
    ui.send(Msg::LogRead(page(ID, 0, TEXT, true)));
    ui
}

#[test]
fn it_folds_to_its_steps_and_goes_to_one() {
    let world = team();
    let mut ui = following(&world);
    assert_eq!(ui.keys("z"), []);
    let screen = ui.screen();
    assert!(screen.contains("deploy search-1") && screen.contains("steps - Enter goes there"), "{screen}");
    assert!(!screen.contains("copying 1 of 3"), "{screen}");
    // The cursor stands on the step that runs.
    assert_eq!(ui.model.log.outline, Some(1));
    drop(ui.keys("k"));
    let start = ui.model.views.shown.as_ref().unwrap().steps[0].log_from.unwrap();
    let rows = log::rows(&ui.model);
    assert_eq!(ui.keys("<enter>"), [Effect::ReadLog { id: ID, origin: Origin::Top(start, 0), rows }]);
    assert_eq!(ui.model.log.outline, None);
    drop(ui.keys("z"));
    drop(ui.keys("jj<enter>"));
    assert!(ui.said().contains("printed nothing"), "{}", ui.said());
    drop(ui.keys("<esc>"));
    assert_eq!(ui.model.log.outline, None, "Esc unfolds");
}

#[test]
fn a_note_stands_where_it_was_written() {
    let world = team();
    let mut ui = following(&world);
    assert_eq!(ui.keys("a"), []);
    assert_eq!(
        ui.keys("disk of search-1 is slow<enter>"),
        [Effect::Note { id: ID, text: "disk of search-1 is slow".to_owned() }]
    );
    // The machine of the tests says that 42 bytes were there.
    world.as_("erin", |cx| note::add(cx, ID, "disk of search-1 is slow")).unwrap();
    drop(ui.send(Msg::Done(String::new())));
    drop(ui.load(&world));
    let screen = ui.screen();
    let at = |text: &str| {
        screen.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}:\n{screen}"))
    };
    assert!(at("disk of search-1 is slow") > at("copying 2 of 3"), "{screen}");
    ui.send(Msg::LogRead(page(ID, 0, &format!("{TEXT}copying 3 of 3\ndone\n"), true)));
    let screen = ui.screen();
    let at = |text: &str| screen.lines().position(|line| line.contains(text)).unwrap();
    assert!(at("disk of search-1 is slow") < at("done"), "{screen}");
    drop(ui.keys("<enter>"));
    assert!(ui.screen().contains("note"), "{}", ui.screen());
}

/// An asked-for page that is not the last one.
fn log_page(text: &str) -> relman::tui::msg::LogPage {
    relman::tui::msg::LogPage { at_end: false, ..page(ID, 8, text, true) }
}

#[test]
fn notes_hide_no_line_for_good() {
    let world = team();
    let mut ui = following(&world);
    for text in ["first", "second", "third"] {
        world.as_("erin", |cx| note::add(cx, ID, text)).unwrap();
    }
    drop(ui.load(&world));
    let rows = log::rows(&ui.model);
    let all: String = (0..rows).map(|number| format!("line {number:02}\n")).collect();
    // The last page, held, somewhere in a longer log; its notes stand where 42 bytes were there.
    drop(ui.keys("k"));
    ui.send(Msg::LogRead(page(ID, 8, &all, true)));
    let last = format!("line {:02}", rows - 1);
    assert!(ui.screen().contains("third") && ui.screen().contains(&last), "{}", ui.screen());
    // Further up the first lines are what matters, and the next page begins with what there was no room for.
    ui.send(Msg::LogRead(log_page(&all)));
    assert!(ui.screen().contains("line 00") && !ui.screen().contains(&last), "{}", ui.screen());
    let by = i64::try_from(rows).unwrap() - 1 - 3;
    let origin = Origin::Top(8, by);
    assert_eq!(ui.keys("<pgdn>"), [Effect::ReadLog { id: ID, origin, rows }]);
}

#[test]
fn only_what_is_new_is_asked_of_the_log_and_everything_again() {
    let world = team();
    let mut ui = following(&world);
    let against = ui.model.views.shown.as_ref().unwrap().baseline;
    assert!(against.is_some());
    let rows = log::rows(&ui.model);
    let end = Effect::ReadLog { id: ID, origin: Origin::End, rows };
    assert_eq!(ui.keys("v"), [Effect::Compare { id: ID, against }, end.clone()]);
    assert!(ui.screen().contains("only new"), "{}", ui.screen());
    assert_eq!(ui.keys("v"), [Effect::Compare { id: ID, against: None }, end]);
    drop(ui.keys("v"));
    drop(ui.send(Msg::NotCompared("the log of #8 cannot be read any more".to_owned())));
    assert!(!ui.model.log.only_new && ui.said().contains("#8"), "{}", ui.said());
}

#[test]
fn several_deployments_stand_beside_each_other() {
    let world = team();
    let mut ui = following(&world);
    let effects = ui.keys("|");
    let [Effect::WatchAll { ids, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((ids[0], ids.len()), (ID, 4), "what runs comes first");
    let lines = |text: &str| ansi::lines(text.as_bytes());
    let shown: Vec<_> = ids.iter().map(|id| (*id, lines(&format!("line of {id}\n")))).collect();
    drop(ui.send(Msg::WallRead(shown)));
    let screen = ui.screen();
    for id in ids {
        assert!(screen.contains(&format!("line of {id}")), "{screen}");
    }
    drop(ui.keys("j"));
    // Nothing is done to the one that was shown before.
    for key in ["X", "a", "B", "R", "S", "z", "v", "e", "G", "<c-d>", "w", "/"] {
        assert_eq!(ui.keys(key), [], "{key}");
        assert!(
            ui.model.popups.is_empty() && ui.said().contains("Enter opens the one"),
            "{key}: {}",
            ui.said()
        );
    }
    let effects = ui.keys("<enter>");
    assert_eq!(effects[0], Effect::WatchAll { ids: Vec::new(), rows: 0 });
    assert_eq!(ui.model.log.shown, Some(ids[1]));
    drop(ui.keys("|"));
    drop(ui.keys("<esc>"));
    assert!(ui.model.log.wall.is_none());
}

#[test]
fn what_begins_takes_the_place_of_several_and_these_are_read_no_more() {
    let world = team();
    let mut ui = following(&world);
    drop(ui.keys("|"));
    let begun = || Msg::Started(DeploymentId(11), "started #11".to_owned());
    let effects = ui.send(begun());
    let nothing = Effect::WatchAll { ids: Vec::new(), rows: 0 };
    assert_eq!(effects[..2], [nothing.clone(), Effect::Watch(DeploymentId(11))]);
    assert!(ui.model.log.wall.is_none());
    assert!(!ui.send(begun()).contains(&nothing), "they were closed before");
}

/// The colour in which a text stands on the screen: one for all of it.
#[track_caller]
fn colour_of(ui: &Ui, text: &str) -> Color {
    let drawn = buffer(&ui.model);
    let reads = |cells: &&[Cell]| cells.iter().map(Cell::symbol).eq(text.split_inclusive(|_| true));
    let found = drawn.content.windows(text.len()).find(reads);
    let found = found.unwrap_or_else(|| panic!("{text}:\n{}", ui.screen()));
    assert!(found.iter().all(|cell| cell.fg == found[0].fg), "{text} has several colours");
    found[0].fg
}

#[test]
fn past_its_usual_time_the_colour_and_the_words_change() {
    let mut world = team();
    let mut ui = following(&world);
    let bad = Theme::colour().bad.fg.unwrap();
    assert_ne!(colour_of(&ui, "of about"), bad);
    world.pass(std::time::Duration::from_mins(20));
    drop(ui.load(&world));
    assert_eq!(colour_of(&ui, "past its usu"), bad);
}
