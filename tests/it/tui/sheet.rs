//! The sheet: everything on record about a release, filled in from one place.

use std::time::Duration;

use relman::domain::release::Field;
use relman::domain::release::plan::ScopeState;
use relman::domain::release::preparation::Word;
use relman::domain::release::review::Severity;
use relman::ops::release::record::{Record, record};
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::team;
use crate::support::world::{World, release_id};

const ID: &str = "storefront@1.4.1";

/// The sheet of a release that is being deployed, open at its beginning.
fn sheet() -> (World, Ui) {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    ui.keys("1/1.4.1<enter>");
    ui.keys("p");
    assert_eq!(ui.popup(), "sheet");
    ui.keys("g");
    (world, ui)
}

/// Goes down until the row with the cursor says this.
#[track_caller]
fn stand_on(ui: &mut Ui, label: &str) {
    for _ in 0..80 {
        let screen = ui.screen();
        if screen.lines().any(|line| line.contains('▸') && line.contains(label) && line.contains("│▸"))
        {
            return;
        }
        ui.keys("j");
    }
    panic!("no row says {label}\n{}", ui.screen());
}

fn recorded(effects: &[Effect]) -> Record {
    match effects {
        [Effect::Record { id, what }] if *id == release_id(ID) => (**what).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_item_is_added_where_one_stands_and_the_sheet_stays_open() {
    let (world, mut ui) = sheet();
    stand_on(&mut ui, "scope");
    ui.keys("n");
    assert_eq!(ui.popup(), "form");
    let what = recorded(&ui.keys("guest checkout<enter>"));
    assert_eq!(what, Record::Scope("guest checkout".to_owned()));
    world.as_("alice", |cx| record(cx, &release_id(ID), &what)).unwrap();
    ui.send(Msg::Done("on record".to_owned()));
    assert_eq!(ui.popup(), "sheet");
    ui.load(&world);
    assert!(ui.screen().contains("1 guest checkout"), "{}", ui.screen());

    ui.keys("k<enter>");
    let done = recorded(&ui.keys("<left><left><right><right><c-s>"));
    assert!(matches!(done, Record::ScopeIs { item: 1, state: ScopeState::Planned, .. }), "{done:?}");
    ui.keys("<esc>");
}

#[test]
fn leaving_something_out_asks_why() {
    let (world, mut ui) = sheet();
    world.as_("alice", |cx| record(cx, &release_id(ID), &Record::Scope("gift cards".to_owned()))).unwrap();
    ui.load(&world);
    stand_on(&mut ui, "1 gift cards");
    ui.keys("x");
    assert_eq!(ui.keys("<c-s>"), []);
    assert!(ui.screen().contains("say why"), "{}", ui.screen());
    let what = recorded(&ui.keys("no budget<c-s>"));
    let why = Some("no budget".to_owned());
    assert_eq!(what, Record::ScopeIs { item: 1, state: ScopeState::Dropped, why });
}

#[test]
fn a_field_is_changed_and_taken_out_bound_to_what_was_seen() {
    let (world, mut ui) = sheet();
    stand_on(&mut ui, "rollback plan");
    ui.keys("x");
    assert_eq!(ui.keys("<c-s>"), [], "yes is chosen");
    let effects = ui.keys("<right><c-s>");
    let [Effect::Edit { id, edit }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(*id, release_id(ID));
    assert_eq!(edit.clear.iter().collect::<Vec<_>>(), [&Field::RollbackPlan]);
    assert_eq!(edit.seen, Some(world.stored(ID).revision));
}

#[test]
fn what_ones_name_stands_behind_takes_more_than_a_held_enter() {
    let mut world = team();
    let rules = relman::domain::policy::StageRules {
        voters: vec!["managers".to_owned()],
        checklist: vec![relman::domain::checklist::Item::plain("Backup taken")],
        ..world.policy.stage(relman::domain::release::Stage::Prepare).clone()
    };
    world.policy.stages.insert(relman::domain::release::Stage::Prepare, rules);
    for label in ["go/no-go", "Backup taken", "unit"] {
        let mut ui = Ui::new(&world, "bob");
        ui.keys("1/1.4.1<enter>pg");
        stand_on(&mut ui, label);
        let effects = ui.hold("<enter>", 3000);
        assert_eq!(effects, [], "{label}");
    }
    let mut ui = Ui::new(&world, "bob");
    ui.keys("1/1.4.1<enter>pg");
    stand_on(&mut ui, "go/no-go");
    ui.keys("<enter>");
    let what = recorded(&ui.keys("go<c-s>"));
    assert_eq!(what, Record::Voted { word: Word::Go, reason: None });
}

#[test]
fn an_issue_is_put_down_and_stops_the_release_on_the_board() {
    let (world, mut ui) = sheet();
    stand_on(&mut ui, "issues");
    ui.keys("n");
    let what = recorded(&ui.keys("carts vanish<tab><left><c-s>"));
    assert!(matches!(what, Record::Issue { severity: Severity::Sev2, .. }), "{what:?}");
    world.as_("alice", |cx| record(cx, &release_id(ID), &what)).unwrap();
    ui.send(Msg::Done("on record".to_owned()));
    ui.load(&world);
    ui.keys("<esc>");
    assert!(ui.screen().contains("open sev2"), "{}", ui.screen());
}

#[test]
fn the_sheet_fits_every_size_and_shows_the_row_with_the_cursor() {
    let (_world, mut ui) = sheet();
    for (width, height) in [(80, 24), (120, 40), (200, 50), (40, 12), (20, 6), (1, 1)] {
        ui.send(Msg::Resized(width, height));
        for key in ["g", "G", "k", "j", "]", "["] {
            ui.keys(key);
            let screen = ui.screen();
            assert!(width < 40 || screen.contains('▸'), "{width}x{height} {key}\n{screen}");
        }
    }
}

#[test]
fn in_the_past_the_sheet_is_read_only() {
    let mut world = team();
    world.pass(Duration::from_secs(60));
    world.policy.readonly = true;
    let mut ui = Ui::new(&world, "alice");
    ui.keys("1p");
    assert_eq!(ui.popup(), "sheet");
    ui.keys("<enter>");
    assert_eq!(ui.popup(), "sheet", "nothing is opened to change it: {}", ui.said());
}

#[test]
fn the_figures_are_one_key_away_by_service_and_span() {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    let asked = ui.keys("gm");
    assert_eq!(asked, [Effect::AskMetrics { service: None, days: 90 }]);
    ui.answer(&world, asked);
    assert_eq!(ui.popup(), "metrics");
    let screen = ui.screen();
    assert!(screen.contains("all services in production") && screen.contains("change failures"), "{screen}");
    let asked = ui.keys("l");
    assert!(matches!(&asked[..], [Effect::AskMetrics { service: Some(_), days: 90 }]), "{asked:?}");
    ui.answer(&world, asked);
    assert!(ui.screen().contains("payments in production"), "{}", ui.screen());
    let asked = ui.keys("]");
    assert!(matches!(&asked[..], [Effect::AskMetrics { days: 180, .. }]), "{asked:?}");
    ui.answer(&world, asked);
    assert!(ui.screen().contains("180 days"), "{}", ui.screen());
    for (width, height) in [(200, 50), (80, 24), (40, 12), (20, 6), (1, 1)] {
        ui.send(Msg::Resized(width, height));
        ui.keys("jjjkg");
        drop(ui.screen());
    }
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "");
}

#[test]
fn what_somebody_said_becomes_a_request_from_its_row() {
    use relman::domain::release::Origin;
    use relman::domain::release::review::{Sentiment, Source};
    use relman::tui::worker::requests::RequestOrder;
    let (world, mut ui) = sheet();
    drop(ui.keys("r"));
    assert!(ui.said().contains("stand on their feedback"), "{}", ui.said());
    let said = Record::Feedback {
        source: Source::User,
        phase: relman::domain::release::Stage::Review,
        sentiment: Sentiment::Bad,
        text: "the cart forgets what I put in".to_owned(),
    };
    world.as_("alice", |cx| record(cx, &release_id(ID), &said)).unwrap();
    ui.load(&world);
    stand_on(&mut ui, "1 ");
    for _ in 0..80 {
        if ui.screen().contains("r request of it") {
            break;
        }
        ui.keys("j");
    }
    assert!(ui.screen().contains("r request of it"), "{}", ui.screen());
    ui.keys("r");
    assert_eq!(ui.popup(), "form");
    let effects = ui.keys("<c-s>");
    let [Effect::Request(order)] = &effects[..] else { panic!("{effects:?} {}", ui.screen()) };
    let RequestOrder::Add(new) = &**order else { panic!("{order:?}") };
    assert_eq!(new.title, "the cart forgets what I put in");
    assert_eq!(new.feedback, Some((release_id(ID), 1)));
    assert_eq!(new.origin, Some(Origin::Feedback));
}
