//! `y` and `Y`: what is advertised is what goes to the clipboard.

use relman::tui::msg::Effect;

use crate::support::keys::Ui;
use crate::support::screen::team;

#[track_caller]
fn copied(ui: &mut Ui, keys: &str) -> String {
    match &ui.keys(keys)[..] {
        [Effect::Copy { text, .. }] => text.clone(),
        other => panic!("{keys}: {other:?}\n{}", ui.screen()),
    }
}

#[test]
fn each_row_of_the_menu_copies_what_it_shows() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("storefront@1.4.1");
    drop(ui.keys("y"));
    assert_eq!(ui.popup(), "copy");
    let screen = ui.screen();
    assert!(screen.contains("1 release      storefront@1.4.1"), "{screen}");
    assert!(screen.contains("2 version      1.4.1"), "{screen}");
    assert_eq!(copied(&mut ui, "y"), "storefront@1.4.1");
    assert_eq!(copied(&mut ui, "y2"), "1.4.1");
    assert_eq!(copied(&mut ui, "yj<enter>"), "1.4.1");
    drop(ui.keys("y"));
    let rows = ui.screen();
    let json = rows.lines().find(|line| line.contains(" JSON ")).unwrap();
    let number = json.split_whitespace().find(|word| word.parse::<u8>().is_ok()).unwrap().to_owned();
    drop(ui.keys("<esc>"));
    let text = copied(&mut ui, &format!("y{number}"));
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["id"], "storefront@1.4.1");
}

#[test]
fn the_queue_copies_the_command_that_decides() {
    let mut ui = Ui::new(&team(), "erin");
    drop(ui.keys("2"));
    let text = copied(&mut ui, "y2");
    assert!(text.starts_with("relman approve ") && text.split(' ').count() >= 3, "{text}");
}

#[test]
fn the_whole_pane_goes_without_its_frame() {
    let mut ui = Ui::new(&team(), "erin");
    let text = copied(&mut ui, "Y");
    assert!(text.starts_with("request 1 › plan 1"), "{text}");
    assert!(text.contains("storefront@1.5.0") && !text.contains('━') && !text.contains("[1]Board"), "{text}");
}
