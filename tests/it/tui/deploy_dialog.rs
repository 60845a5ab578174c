//! The deploy dialog and the dialog that stops one: nothing starts or stops by accident.

use relman::domain::gate::GateReport;
use relman::domain::ids::DeploymentId;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::release::cancel;
use relman::ops::{ErrorKind, OpError};
use relman::tui::action::ENTRIES;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg, Origin};
use relman::tui::pane::log;
use relman::tui::popup::Popup;
use relman::tui::popup::deploy::Dialog;

use crate::support::keys::{Ui, is_severe};
use crate::support::screen::{approved, begun, built, environment, frozen, team};
use crate::support::world::{World, release_id};

/// The team's store with a release that production is open to.
fn agreed() -> World {
    let world = team();
    approved(&world, "dave", "storefront@1.4.1");
    world
}

/// An open dialog, for development.
fn simple(world: &World) -> Ui {
    let mut ui = Ui::new(world, "erin");
    ui.select("storefront@1.5.0");
    assert_eq!(ui.ask(world, "D"), []);
    assert!(report(&ui).allows(), "{}", ui.screen());
    ui
}

/// A dialog that is open, for production: the version must be typed.
fn production(world: &World) -> Ui {
    let mut ui = Ui::new(world, "erin");
    ui.select("storefront@1.4.1");
    assert_eq!(ui.ask(world, "D"), []);
    assert!(report(&ui).allows(), "{}", ui.screen());
    ui
}

/// A dialog whose gates are closed.
fn closed(world: &World) -> Ui {
    let mut ui = Ui::new(world, "erin");
    ui.select("storefront@1.4.1");
    assert_eq!(ui.ask(world, "D"), []);
    assert!(!report(&ui).allows(), "{}", ui.screen());
    ui
}

fn dialog(ui: &Ui) -> &Dialog {
    match ui.model.popups.last() {
        Some(Popup::Deploy(dialog)) => dialog,
        other => panic!("no deploy dialog but {other:?}"),
    }
}

fn report(ui: &Ui) -> &GateReport {
    &dialog(ui).preview.report
}

fn order(ui: &Ui, id: &str, env: &str, confirm: Option<&str>) -> Effect {
    Effect::Deploy(Box::new(StartDeploy {
        confirm: confirm.map(ToOwned::to_owned),
        seen: Some(report(ui).clone()),
        ..StartDeploy::new(release_id(id), environment(env))
    }))
}

/// Every key of the registry and everything else that is on a keyboard.
fn every_key() -> Vec<String> {
    let mut keys: Vec<String> = ENTRIES
        .iter()
        .flat_map(|entry| entry.keys)
        .map(|key| if *key == "<" { "<lt>" } else { key })
        .map(ToString::to_string)
        .collect();
    keys.extend((' '..='~').filter(|c| *c != '<').map(String::from));
    keys.extend(
        ["<enter>", "<tab>", "<s-tab>", "<bs>", "<del>", "<up>", "<down>", "<c-s>"].map(String::from),
    );
    keys
}

#[test]
fn asking_shows_that_something_goes_on_until_the_dialog_is_there() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    let effects = ui.keys("D");
    assert!(ui.model.busy.is_some());
    assert_eq!(ui.answer(&world, effects), []);
    assert_eq!((ui.model.busy.is_some(), ui.popup()), (false, "deploy"));
}

#[test]
fn a_question_that_fails_leaves_a_sentence_and_no_dialog() {
    let mut ui = Ui::new(&team(), "erin");
    ui.keys("D");
    ui.send(Msg::Failed(OpError::new(ErrorKind::Busy, "the store is busy").hint("try again")));
    assert_eq!((ui.popup(), ui.model.busy.is_some()), ("", false));
    assert!(ui.said().starts_with("the store is busy"), "{}", ui.said());
}

#[test]
fn closed_gates_cannot_be_confirmed_whatever_is_pressed() {
    let world = team();
    for key in every_key() {
        let mut ui = closed(&world);
        ui.wait(10_000);
        let mut effects = ui.ask(&world, &key);
        ui.wait(10_000);
        effects.extend(ui.ask(&world, "y1.4.1<enter>"));
        // Tab goes to environments that may be open; the one that was closed stays closed.
        let into_production = |effect: &&Effect| match effect {
            Effect::Deploy(start) => start.environment == environment("production"),
            // A plan needs no open gate: it is what approvers want to see.
            Effect::Plan(_) => false,
            effect => is_severe(effect),
        };
        assert_eq!(effects.iter().find(into_production), None, "{key}");
    }
}

#[test]
fn closed_gates_say_what_to_do() {
    let world = team();
    let mut ui = closed(&world);
    ui.wait(2000);
    assert_eq!(ui.keys("y"), []);
    assert!(ui.said().contains("it is closed"), "{:?}", ui.said());
    assert!(ui.screen().contains("approvals"), "{}", ui.screen());
}

#[test]
fn y_accepts_only_half_a_second_after_the_dialog_opened() {
    let world = built();
    for (after, accepted) in [(0, false), (300, false), (499, false), (500, true), (5000, true)] {
        let mut ui = simple(&world);
        ui.pace = 0;
        ui.wait(after);
        let effects = ui.keys("y");
        assert_eq!(effects.iter().any(is_severe), accepted, "after {after} ms");
        if !accepted {
            assert_eq!(ui.said(), "that was too quick to be meant; press y again");
            assert_eq!(ui.popup(), "deploy");
        }
    }
}

#[test]
fn y_accepts_only_after_a_moment_without_any_key() {
    let world = built();
    for (pause, accepted) in [(20, false), (149, false), (150, true)] {
        let mut ui = simple(&world);
        ui.wait(2000);
        ui.keys("<down>");
        ui.pace = pause;
        assert_eq!(ui.keys("y").iter().any(is_severe), accepted, "{pause} ms after another key");
    }
}

#[test]
fn a_held_y_accepts_nothing() {
    let world = built();
    let mut ui = simple(&world);
    assert_eq!(ui.hold("y", 5000), []);
    assert_eq!(ui.popup(), "deploy");
}

#[test]
fn accepting_orders_exactly_what_was_shown() {
    let world = built();
    let mut ui = simple(&world);
    ui.wait(1000);
    let wanted = order(&ui, "storefront@1.5.0", "dev", None);
    assert_eq!(ui.keys("y"), [wanted]);
    assert!(ui.screen().contains("starting…"), "{}", ui.screen());
}

#[test]
fn a_second_yes_sends_nothing_more() {
    let world = built();
    let mut ui = simple(&world);
    ui.wait(1000);
    assert_eq!(ui.keys("y").len(), 1);
    ui.wait(1000);
    assert_eq!(ui.keys("yy<enter>Y"), []);
    assert_eq!(ui.hold("y", 2000), []);
}

#[test]
fn looking_at_another_environment_while_it_starts_cannot_start_it_twice() {
    let world = built();
    let mut ui = simple(&world);
    ui.wait(1000);
    assert_eq!(ui.keys("y").len(), 1);
    // Round the pipeline, back to where it began, before the answer has come.
    let mut effects = ui.ask(&world, "<tab>");
    effects.extend(ui.ask(&world, "<tab>"));
    effects.extend(ui.ask(&world, "<tab>"));
    ui.wait(2000);
    effects.extend(ui.keys("y"));
    assert_eq!(effects, []);
}

#[test]
fn enter_and_n_never_accept() {
    let world = built();
    for key in ["<enter>", "n", "N", "q", "<esc>", "<c-c>", "<c-g>"] {
        let mut ui = simple(&world);
        ui.wait(10_000);
        assert_eq!(ui.keys(key), [], "{key}");
        assert_eq!(ui.popup(), "", "{key}");
    }
}

#[test]
fn a_held_enter_starts_nothing() {
    let world = built();
    let mut ui = simple(&world);
    let effects = ui.hold("<enter>", 2000);
    assert!(!effects.iter().any(is_severe), "{effects:?}");
}

#[test]
fn production_wants_the_version_typed_exactly() {
    let world = agreed();
    for wrong in ["1.4.", "1.4.11", "1.4.0", "v1.4.1", "1.4.1 ", "y", ""] {
        let mut ui = production(&world);
        ui.wait(1000);
        assert_eq!(ui.keys(&format!("{wrong}<enter>")), [], "{wrong:?}");
        assert_eq!(ui.said(), "type the version 1.4.1 exactly, then Enter; Esc leaves");
        assert_eq!(ui.popup(), "deploy");
    }
    let mut ui = production(&world);
    ui.wait(1000);
    assert_eq!(ui.keys("1.4.1"), [], "typing alone starts nothing");
    let wanted = order(&ui, "storefront@1.4.1", "production", Some("1.4.1"));
    assert_eq!(ui.keys("<enter>"), [wanted]);
    assert_eq!(ui.keys("<enter><enter>"), [], "a second Enter sends nothing more");
    assert_eq!(ui.hold("<enter>", 2000), []);
}

#[test]
fn a_mistyped_version_can_be_corrected() {
    let world = agreed();
    let mut ui = production(&world);
    ui.wait(1000);
    assert_eq!(ui.keys("1.5<bs>4.1<enter>").len(), 1);
}

#[test]
fn letters_in_production_are_text_and_no_commands() {
    let world = agreed();
    let mut ui = production(&world);
    ui.wait(1000);
    assert_eq!(ui.keys("qnyNYD"), []);
    assert_eq!((ui.popup(), dialog(&ui).typed.text()), ("deploy", "qnyNYD"));
}

#[test]
fn a_pasted_version_is_ignored_and_it_is_said() {
    let world = agreed();
    let mut ui = production(&world);
    ui.wait(1000);
    assert_eq!(ui.paste("1.4.1"), []);
    assert_eq!(dialog(&ui).typed.text(), "");
    assert!(ui.said().contains("pasted text was ignored"), "{:?}", ui.said());
    assert_eq!(ui.keys("<enter>"), []);
}

#[test]
fn what_was_typed_ahead_of_the_production_dialog_starts_nothing() {
    let world = agreed();
    let mut ui = production(&world);
    ui.pace = 10;
    assert_eq!(ui.keys("1.4.1<enter>"), [], "within half a second");
}

#[test]
fn production_is_named_in_words() {
    let world = agreed();
    let ui = production(&world);
    assert!(ui.screen().contains("PRODUCTION"), "{}", ui.screen());
}

#[test]
fn gates_that_changed_meanwhile_are_shown_and_disarm() {
    let world = agreed();
    let mut ui = production(&world);
    ui.wait(1000);
    ui.keys("1.4.1<enter>");
    frozen(&world);
    let now = {
        let mut other = Ui::new(&world, "erin");
        other.select("storefront@1.4.1");
        other.ask(&world, "D");
        report(&other).clone()
    };
    let mut error = OpError::conflict("the gates say something else than a moment ago; nothing was started");
    error.report = Some(Box::new(now.clone()));
    assert_eq!(ui.send(Msg::Failed(error)), []);
    assert_eq!((report(&ui), dialog(&ui).typed.text()), (&now, ""));
    assert!(ui.said().contains("nothing was started"), "{:?}", ui.said());
    assert!(ui.screen().contains("carts vanish"), "the new reason is in sight:\n{}", ui.screen());
    ui.wait(5000);
    assert_eq!(ui.keys("1.4.1<enter>y"), []);
}

#[test]
fn gates_that_changed_but_are_open_ask_again_from_the_start() {
    let world = built();
    let mut ui = simple(&world);
    ui.wait(1000);
    ui.keys("y");
    let mut error = OpError::conflict("the gates say something else than a moment ago");
    error.report = Some(Box::new(report(&ui).clone()));
    ui.send(Msg::Failed(error));
    assert_eq!(ui.keys("y"), [], "200 ms after it was shown anew");
    ui.wait(500);
    assert_eq!(ui.keys("y").len(), 1);
}

#[test]
fn after_a_failure_without_new_gates_one_may_try_again() {
    let world = built();
    let mut ui = simple(&world);
    ui.wait(1000);
    ui.keys("y");
    ui.send(Msg::Failed(OpError::new(ErrorKind::Busy, "the store is held by another process")));
    assert_eq!(ui.popup(), "deploy");
    ui.wait(1000);
    assert_eq!(ui.keys("y").len(), 1);
}

#[test]
fn tab_previews_the_next_environment_and_replaces_the_dialog() {
    let world = built();
    let mut ui = simple(&world);
    let preview =
        |env| Effect::Preview { release: release_id("storefront@1.5.0"), environment: environment(env) };
    assert_eq!(ui.keys("<tab>"), [preview("staging")]);
    assert_eq!(ui.ask(&world, "<tab>"), []);
    assert_eq!(ui.model.popups.len(), 1);
    assert_eq!(dialog(&ui).environment, environment("staging"));
    assert_eq!(ui.keys("<left>"), [preview("dev")]);
}

#[test]
fn another_environment_arms_anew() {
    let world = built();
    let mut ui = simple(&world);
    ui.wait(5000);
    for _ in 0..3 {
        ui.ask(&world, "<right>");
    }
    assert_eq!(dialog(&ui).environment, environment("dev"));
    ui.pace = 160;
    assert_eq!(ui.keys("y"), []);
    assert_eq!(ui.said(), "that was too quick to be meant; press y again");
}

#[test]
fn the_dialog_stays_with_its_release_when_the_board_changes_behind_it() {
    let world = built();
    let mut ui = simple(&world);
    let wanted = order(&ui, "storefront@1.5.0", "dev", None);
    world.as_("frank", |cx| cancel::cancel(cx, &release_id("storefront@1.5.0"), "not needed")).unwrap();
    ui.load(&world);
    assert_ne!(ui.selected(), "storefront@1.5.0");
    ui.wait(1000);
    assert_eq!(ui.keys("y"), [wanted], "the store refuses it; nothing else may be started instead");
}

#[test]
fn an_answer_that_comes_late_does_not_take_the_keys_from_a_form() {
    let world = built();
    let mut ui = simple(&world);
    ui.keys("<esc>");
    let late = ui.keys("D");
    ui.keys("n<tab>");
    assert_eq!(ui.popup(), "form");
    assert_eq!(ui.answer(&world, late), []);
    ui.wait(600);
    let effects = ui.keys("busy day");
    assert!(!effects.iter().any(is_severe), "text typed into a form started {effects:?}");
}

#[test]
fn a_started_deployment_closes_the_dialog_and_shows_its_log() {
    let world = built();
    let mut ui = simple(&world);
    ui.wait(1000);
    ui.keys("y");
    let id = DeploymentId(11);
    let effects = ui.send(Msg::Started(id, "started #11: storefront@1.5.0 to dev".to_owned()));
    let rows = log::rows(&ui.model);
    assert_eq!(effects, [Effect::Watch(id), Effect::ReadLog { id, origin: Origin::End, rows }]);
    assert_eq!((ui.popup(), ui.model.focus, ui.model.log.shown), ("", Pane::Log, Some(id)));
    assert_eq!(ui.said(), "started #11: storefront@1.5.0 to dev");
}

#[test]
fn long_gates_can_be_scrolled_without_losing_the_dialog() {
    let world = team();
    let mut ui = closed(&world);
    ui.model.size = (60, 20);
    assert_eq!(ui.hold("<down>", 3000), []);
    assert_eq!(ui.popup(), "deploy");
    ui.hold("<up>", 9000);
    assert!(ui.screen().contains("changes"), "back at the top:\n{}", ui.screen());
}

#[test]
fn stopping_a_deployment_asks_and_wants_an_armed_yes() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("search@0.8.2");
    assert_eq!(ui.keys("X"), []);
    assert_eq!(ui.popup(), "confirm");
    assert!(ui.screen().contains("Cancel #10"), "{}", ui.screen());
    assert_eq!(ui.keys("y"), []);
    assert_eq!(ui.said(), "that was too quick to be meant; press y again");
    ui.wait(1000);
    assert_eq!(ui.keys("y"), [Effect::Cancel { id: DeploymentId(10), reason: None }]);
    assert_eq!(ui.popup(), "");
}

#[test]
fn stopping_a_deployment_is_not_confirmed_by_enter() {
    let world = team();
    for key in ["<enter>", "n", "<esc>", "q"] {
        let mut ui = Ui::new(&world, "erin");
        ui.select("search@0.8.2");
        ui.keys("X");
        ui.wait(5000);
        assert_eq!(ui.keys(key), []);
        assert_eq!(ui.popup(), "");
    }
    let mut ui = Ui::new(&world, "erin");
    ui.select("search@0.8.2");
    ui.keys("X");
    assert_eq!(ui.hold("y", 4000), []);
}

#[test]
fn stopping_says_when_it_is_production() {
    let world = agreed();
    let id = begun(&world, "erin", "storefront@1.4.1", "production");
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    ui.keys("X");
    let screen = ui.screen();
    assert!(screen.contains("PRODUCTION") && screen.contains(&format!("Cancel {id}")), "{screen}");
}

#[test]
fn stopping_from_the_log_stops_what_the_log_shows() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Log);
    ui.keys("X");
    ui.wait(1000);
    assert_eq!(ui.keys("y"), [Effect::Cancel { id: DeploymentId(10), reason: None }]);
}

#[test]
fn asking_why_shows_the_gates_and_starts_nothing() {
    let world = built();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    assert_eq!(ui.ask(&world, "w"), []);
    assert_eq!(ui.popup(), "page");
    let screen = ui.screen();
    assert!(screen.contains("Why storefront@1.5.0 may or may not go to dev"), "{screen}");
    assert!(screen.contains("D asks for the deployment"), "{screen}");
    ui.wait(5000);
    assert_eq!(ui.ask(&world, "y"), []);
    assert_eq!(ui.popup(), "page");
}

#[test]
fn a_dialog_shows_what_changed_under_it_and_takes_nothing_typed_before() {
    let world = agreed();
    let mut ui = production(&world);
    ui.wait(1000);
    ui.keys("1.4.1");
    frozen(&world);
    let effects = ui.load(&world);
    assert_eq!(ui.answer(&world, effects), []);
    assert!(!report(&ui).allows());
    assert_eq!(dialog(&ui).typed.text(), "");
    let said = "freeze: frozen by \"Checkout incident\"";
    assert!(
        ui.said().starts_with(said) && ui.said().ends_with("gates are closed: freeze; look again"),
        "{}",
        ui.said()
    );
    assert!(ui.screen().contains("! CHANGED  freeze: frozen by"), "{}", ui.screen());
    assert!(ui.screen().contains("carts vanish"), "{}", ui.screen());
}

#[test]
fn a_dialog_about_which_nothing_changed_keeps_what_was_typed() {
    let world = agreed();
    let mut ui = production(&world);
    ui.wait(1000);
    ui.keys("1.4.1");
    world.as_("alice", |cx| cancel::cancel(cx, &release_id("storefront@1.5.0"), "not wanted")).unwrap();
    let effects = ui.load(&world);
    assert_eq!(ui.answer(&world, effects), []);
    assert_eq!((dialog(&ui).typed.text(), ui.said()), ("1.4.1", ""));
    assert_eq!(ui.keys("<enter>").len(), 1);
}

#[test]
fn an_answer_about_the_environment_before_does_not_turn_the_dialog_back() {
    let world = agreed();
    let mut ui = production(&world);
    let turned = ui.keys("<tab>");
    assert_eq!(ui.load(&world), [], "another environment was asked for");
    assert_eq!(ui.answer(&world, turned), []);
    assert_ne!(dialog(&ui).environment, environment("production"));
}

#[test]
fn a_second_cancel_that_would_kill_is_asked_for_anew() {
    let world = built();
    let running = begun(&world, "erin", "storefront@1.5.0", "dev");
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    ui.keys("X");
    ui.wait(1000);
    world.as_("dave", |cx| relman::ops::deployment::cancel::cancel(cx, running, None)).unwrap();
    drop(ui.load(&world));
    let said = "now It was asked to stop already: this kills it at once.; look again";
    assert_eq!(ui.said(), said);
    assert!(ui.screen().contains("this kills it at once"), "{}", ui.screen());
    assert_eq!(ui.keys("y"), [], "it was armed for something else");
    ui.wait(1000);
    assert_eq!(ui.keys("y").len(), 1);
}

#[test]
fn a_question_about_what_is_over_gives_way_to_that_and_takes_what_is_still_typed() {
    let world = built();
    let running = begun(&world, "erin", "storefront@1.5.0", "dev");
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    ui.keys("X");
    assert_eq!(ui.popup(), "confirm");
    world.end(&world.deployment(running), relman::domain::deployment::DeploymentState::Succeeded);
    drop(ui.load(&world));
    assert_eq!((ui.popup(), ui.said()), ("over", "#11 succeeded meanwhile; nothing was done"));
    // What is being typed into it goes nowhere else.
    assert_eq!(ui.keys("1.4.2D0x<enter>q"), []);
    assert_eq!(ui.popup(), "over");
    drop(ui.keys("<esc>"));
    assert_eq!(ui.popup(), "");
}

#[test]
fn who_took_an_approval_back_is_named() {
    let world = agreed();
    let mut ui = production(&world);
    world.withdraw("bob", "storefront@1.4.1", "production");
    let effects = ui.load(&world);
    // Somebody is wanted again: that rings, and is all that happens.
    assert_eq!(ui.answer(&world, effects), [Effect::Bell]);
    assert!(ui.said().starts_with("bob withdrew; approvals: 0 of 1 from managers"), "{}", ui.said());
    assert!(ui.screen().contains("CHANGED  bob withdrew"), "{}", ui.screen());
}

#[test]
fn who_was_faster_is_named_and_one_key_watches_what_they_started() {
    let mut world = agreed();
    let mut ui = production(&world);
    begun(&world, "erin", "storefront@1.4.1", "production");
    world.pass(std::time::Duration::from_secs(2));
    let effects = ui.load(&world);
    drop(ui.answer(&world, effects));
    assert!(
        ui.said().contains("was started by erin 2s ago (storefront@1.4.1); l watches it"),
        "{}",
        ui.said()
    );
    let effects = ui.keys("l");
    let watched: Vec<&Effect> = effects.iter().filter(|effect| matches!(effect, Effect::Watch(_))).collect();
    assert_eq!((ui.popup(), ui.model.focus, watched.len()), ("", Pane::Log, 1), "{effects:?}");
}

#[test]
fn another_live_version_and_another_content_are_named() {
    let mut world = agreed();
    let mut ui = production(&world);
    *world.machine.script.borrow_mut() = "other".to_owned();
    world.pass(std::time::Duration::from_secs(2));
    let effects = ui.load(&world);
    // Somebody is wanted again: that rings, and is all that happens.
    assert_eq!(ui.answer(&world, effects), [Effect::Bell]);
    assert!(ui.said().contains("what would be deployed is another: "), "{}", ui.said());
}

/// The change system of the team knows no ticket by its title.
fn under_change_control(world: &mut World) {
    let policy = crate::support::screen::TEAM
        .replace("soak = \"1h\"", "soak = \"1h\"\nchange-controlled = true")
        .replace("[services.storefront]", "[change]\ncommand = [\"./itsm.sh\"]\ncreate = false\n[services.storefront]\nchange-controlled = true");
    let config = relman::config::parse(std::path::Path::new("/srv/relman.toml"), &policy);
    world.policy = config.unwrap_or_else(|why| panic!("{why}")).policy;
}

#[test]
fn the_change_ticket_is_named_in_the_dialog_and_asked_about_at_once() {
    let mut world = agreed();
    under_change_control(&mut world);
    let mut ui = closed(&world);
    assert!(ui.screen().contains("C ticket"), "{}", ui.screen());
    assert_eq!(ui.keys("C"), []);
    assert_eq!(ui.keys("CHG 1<c-s>"), [], "{}", ui.screen());
    assert!(ui.screen().contains("is not the number of a ticket"), "{}", ui.screen());
    let order = ui.keys("<c-u>CHG0030001<c-s>");
    let (release, environment) = (release_id("storefront@1.4.1"), environment("production"));
    let number = "CHG0030001".to_owned();
    assert_eq!(
        order,
        [Effect::NameChange { release: release.clone(), environment: environment.clone(), number }]
    );
    // What the worker answers takes the place of the form.
    *world.machine.outside.change.borrow_mut() = Ok(relman::domain::change::Answered {
        number: Some("CHG0030001".to_owned()),
        phase: Some(relman::domain::change::Phase::Open),
        ..Default::default()
    });
    world
        .as_("erin", |cx| relman::ops::change::assign_along(cx, &release, &environment, "CHG0030001"))
        .unwrap();
    let preview = world.as_("erin", |cx| start::preview(cx, &release, &environment)).unwrap();
    drop(ui.send(Msg::Previewed(Box::new(preview), environment)));
    assert_eq!(ui.popup(), "deploy");
    assert!(report(&ui).allows() && ui.screen().contains("CHG0030001"), "{}", ui.screen());
}
