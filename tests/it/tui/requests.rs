//! The list of requests in the panes: added to, declined, taken into a release, made a release of.

use relman::ops::wanted::{self, NewRequest};
use relman::tui::msg::Effect;
use relman::tui::worker::requests::RequestOrder;

use crate::support::keys::Ui;
use crate::support::screen::team;
use crate::support::world::World;

fn with_requests() -> World {
    let world = team();
    for (title, service) in
        [("Guest checkout", Some("storefront")), ("One search for all shops of the group", None)]
    {
        let service = service.map(|name| name.parse().unwrap());
        let new = NewRequest { title: title.to_owned(), service, ..NewRequest::default() };
        world.as_("alice", |cx| wanted::add(cx, &new)).unwrap();
    }
    world
}

fn opened(world: &World) -> Ui {
    let mut ui = Ui::new(world, "alice");
    ui.select("storefront@1.5.0");
    drop(ui.ask(world, "gr"));
    assert_eq!(ui.popup(), "requests");
    ui
}

#[test]
fn an_empty_list_says_what_to_do() {
    let world = team();
    let ui = opened(&world);
    assert!(
        ui.screen().contains("Nothing is asked for yet. n puts down what somebody wants."),
        "{}",
        ui.screen()
    );
}

#[test]
fn the_list() {
    let world = with_requests();
    for size in [(80, 24), (120, 40), (40, 12)] {
        let mut ui = opened(&world);
        ui.model.size = size;
        let screen = ui.screen();
        assert!(screen.contains("R1") && screen.contains("Guest"), "{screen}");
        assert!(screen.contains("n new"), "{screen}");
        insta::assert_snapshot!(format!("requests_{}x{}", size.0, size.1), screen);
    }
}

#[test]
fn a_new_one_is_typed_in_a_form_and_stands_selected() {
    let world = with_requests();
    let mut ui = opened(&world);
    drop(ui.keys("n"));
    let [Effect::Request(order)] = &ui.keys("Gift cards<c-s>")[..] else { panic!("{}", ui.screen()) };
    let RequestOrder::Add(new) = &**order else { panic!("{order:?}") };
    assert_eq!((new.title.as_str(), new.service.as_ref().unwrap().as_str()), ("Gift cards", "storefront"));
    world.as_("alice", |cx| wanted::add(cx, new)).unwrap();
    let effects = ui.send(relman::tui::msg::Msg::Done("R3 is on the list".to_owned()));
    assert_eq!(effects, [Effect::AskRequests]);
    drop(ui.answer(&world, effects));
    assert!(ui.screen().contains("▸ R3   Gift cards"), "{}", ui.screen());
}

#[test]
fn one_is_taken_into_the_selected_release_or_made_a_release_of() {
    let world = with_requests();
    let mut ui = opened(&world);
    assert!(ui.screen().contains("t take into storefront@1.5.0"), "{}", ui.screen());
    let [Effect::Request(order)] = &ui.keys("t")[..] else { panic!("{}", ui.said()) };
    assert!(matches!(&**order, RequestOrder::Take { request, .. } if request.0 == 1), "{order:?}");
    drop(ui.keys("N"));
    assert_eq!(ui.popup(), "form");
    let screen = ui.screen();
    assert!(screen.contains("Guest checkout") && screen.contains("R1"), "{screen}");
    let [Effect::Create { service, version, new }] = &ui.keys("<tab>1.6.0<c-s>")[..] else {
        panic!("{}", ui.screen())
    };
    assert_eq!((service.as_str(), new.requests[0].0), ("storefront", 1));
    assert_eq!(*version, Some("1.6.0".parse().unwrap()));
}

#[test]
fn what_is_no_longer_open_says_where_it_is() {
    let world = with_requests();
    world
        .as_("alice", |cx| wanted::take(cx, &["R1".parse().unwrap()], &"storefront@1.5.0".parse().unwrap()))
        .unwrap();
    let mut ui = opened(&world);
    drop(ui.keys("j"));
    for key in ["x", "t", "N"] {
        assert_eq!(ui.keys(key), []);
        assert!(ui.said().starts_with("R1 is planned in storefront@1.5.0"), "{key}: {}", ui.said());
    }
    drop(ui.keys("<enter>"));
    assert!(ui.screen().contains("planned in storefront@1.5.0"), "{}", ui.screen());
}

#[test]
fn who_only_looks_changes_nothing() {
    let world = with_requests();
    let mut ui = opened(&world);
    ui.model.policy.readonly = true;
    for key in ["n", "e", "x", "t", "N"] {
        assert_eq!(ui.keys(key), [], "{key}");
        assert_eq!(ui.popup(), "requests", "{key}");
    }
}

#[test]
fn the_list_is_narrowed_by_words_and_whole_again_by_escape() {
    let world = with_requests();
    let mut ui = opened(&world);
    let all = ui.screen().lines().filter(|line| line.contains(" R")).count();
    drop(ui.keys("/guest"));
    let screen = ui.screen();
    assert!(screen.contains("/guest") && screen.contains("Guest checkout"), "{screen}");
    assert!(screen.lines().filter(|line| line.contains(" R")).count() < all, "{screen}");
    drop(ui.keys("<enter>"));
    // A letter acts again: nothing is typed any more.
    drop(ui.keys("v"));
    assert!(ui.screen().contains("v: open ones"), "{}", ui.screen());
    drop(ui.keys("v<esc>"));
    assert_eq!(ui.popup(), "requests");
    assert_eq!(ui.screen().lines().filter(|line| line.contains(" R")).count(), all);
    drop(ui.keys("/nothing like it"));
    assert!(ui.screen().contains("Nothing fits the filter"), "{}", ui.screen());
    drop(ui.keys("<esc><esc>"));
    assert_eq!(ui.popup(), "");
}
