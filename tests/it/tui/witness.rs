//! Live four-eyes in the panes: the starter is shown a code, the second person sees it at once and types it.

use relman::domain::witness::FourEyes;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::{built, environment};
use crate::support::world::World;

const NEXT: &str = "storefront@1.5.0";

/// Wish lists are to go to dev, which asks for a second person.
fn watched() -> World {
    let mut world = built();
    let dev = world.policy.environments.get_mut(&environment("dev")).unwrap();
    dev.four_eyes = Some(FourEyes { from: Vec::new(), exempt: Vec::new(), ttl: FourEyes::TTL });
    world
}

/// The starter's dialog with the code they were shown.
fn asking(world: &World) -> (Ui, String) {
    let mut erin = Ui::new(world, "erin");
    erin.select(NEXT);
    drop(erin.ask(world, "D"));
    assert!(erin.screen().contains("W asks for a second person"), "{}", erin.screen());
    assert_eq!(erin.keys("W"), [], "too quick to be meant");
    erin.wait(1000);
    let Effect::AskWitness { release, environment } = erin.keys("W").remove(0) else { panic!("no asking") };
    let asked = world.as_("erin", |cx| relman::ops::witness::ask(cx, &release, &environment)).unwrap();
    let code = asked.code.clone();
    drop(erin.send(Msg::WitnessAsked(Box::new(asked))));
    (erin, code)
}

#[test]
fn the_code_is_shown_and_the_dialog_opens_once_it_is_confirmed() {
    let world = watched();
    let (mut erin, code) = asking(&world);
    assert!(erin.screen().contains(&format!("tell a second person this code: {code}")), "{}", erin.screen());
    let mut dave = Ui::new(&world, "dave");
    let first = dave.screen();
    assert!(first.lines().next().unwrap().contains("erin ASKS FOR A WITNE"), "{first}");
    let Effect::ShowWitness(request) = dave.keys("E").remove(0) else { panic!("no request") };
    let about = (&request.release, &request.environment);
    let item = world.as_("dave", |cx| relman::ops::view::queue::of_deployment(cx, about.0, about.1)).unwrap();
    drop(dave.send(Msg::WitnessShown(request, Box::new(item))));
    let screen = dave.screen();
    for words in ["Witness storefront@1.5.0 to dev", "changes     dev: 1.4.1 → 1.5.0", "code of erin:"] {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
    drop(dave.paste(&code));
    dave.wait(1000);
    assert_eq!(dave.keys("<enter>"), [], "what was pasted was not typed");
    let Effect::Confirm(wanted) = dave.keys(&format!("{code}<enter>")).remove(0) else { panic!("no order") };
    world.as_("dave", |cx| relman::ops::witness::confirm(cx, &wanted)).unwrap();
    drop(dave.send(Msg::Done("confirmed".to_owned())));
    assert_eq!(dave.popup(), "");
    let effects = erin.load(&world);
    assert_eq!(erin.answer(&world, effects), []);
    assert!(erin.said().contains("four-eyes is open now"), "{}", erin.said());
    assert_eq!(erin.keys("y"), [], "it armed anew");
    erin.wait(1000);
    let started = erin.keys("y");
    assert!(matches!(started.as_slice(), [Effect::Deploy(_)]), "{started:?}");
}

#[test]
fn who_asks_is_said_at_once_and_to_the_others_only() {
    let world = watched();
    let mut dave = Ui::new(&world, "dave");
    let (mut erin, _) = asking(&world);
    assert_eq!(dave.load(&world), [Effect::Bell]);
    assert_eq!(dave.said(), "erin asks for a witness: storefront@1.5.0 to dev (E)");
    drop(erin.load(&world));
    erin.keys("<esc>E");
    assert_eq!(erin.said(), "nobody else asks for a witness");
}

#[test]
fn a_wrong_code_is_typed_anew_and_what_is_over_goes_away() {
    let mut world = watched();
    let (_, _) = asking(&world);
    let mut dave = Ui::new(&world, "dave");
    let Effect::ShowWitness(request) = dave.keys("E").remove(0) else { panic!("no request") };
    let item = world
        .as_("dave", |cx| relman::ops::view::queue::of_deployment(cx, &request.release, &request.environment))
        .unwrap();
    drop(dave.send(Msg::WitnessShown(request, Box::new(item))));
    dave.wait(1000);
    let Effect::Confirm(wanted) = dave.keys("xxxxx<enter>").remove(0) else { panic!("no order") };
    let error = world.as_("dave", |cx| relman::ops::witness::confirm(cx, &wanted)).unwrap_err();
    drop(dave.send(Msg::Failed(error)));
    assert_eq!(dave.popup(), "witness");
    assert!(!dave.screen().contains("xxxxx "), "{}", dave.screen());
    world.pass(FourEyes::TTL);
    drop(dave.load(&world));
    assert_eq!(
        (dave.popup(), dave.said()),
        ("over", "erin needs no witness for this any more; nothing was done")
    );
}
