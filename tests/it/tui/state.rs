//! What the panes say and remember: sentences, times, news from other people.

use std::time::Duration;

use relman::ops::{ErrorKind, OpError};
use relman::tui::model::{Pane, Times};
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::{ended, frozen, team};

#[test]
fn a_notice_fades_after_six_seconds() {
    let mut ui = Ui::new(&team(), "erin");
    ui.send(Msg::Done("search@0.9.0 may go on".to_owned()));
    let now = ui.model.now;
    ui.send(Msg::Ticked(now.plus(Duration::from_millis(5900))));
    assert_eq!(ui.said(), "search@0.9.0 may go on");
    ui.send(Msg::Ticked(now.plus(Duration::from_millis(6000))));
    assert_eq!(ui.said(), "");
}

#[test]
fn an_error_stays_until_a_key() {
    let mut ui = Ui::new(&team(), "erin");
    ui.send(Msg::Failed(OpError::new(ErrorKind::Conflict, "bob was faster").hint("watch it")));
    let now = ui.model.now;
    ui.send(Msg::Ticked(now.plus(Duration::from_secs(3600))));
    assert_eq!(ui.said(), "bob was faster  → watch it");
    ui.keys("j");
    assert_eq!(ui.said(), "");
}

#[test]
fn what_was_said_can_be_read_again() {
    let mut ui = Ui::new(&team(), "erin");
    ui.send(Msg::Done("search@0.9.0 may go on".to_owned()));
    ui.send(Msg::Failed(OpError::new(ErrorKind::Conflict, "bob was faster")));
    ui.keys("!");
    let screen = ui.screen();
    let newest = screen.find("bob was faster").unwrap_or_else(|| panic!("{screen}"));
    assert!(newest < screen.find("may go on").unwrap(), "newest first:\n{screen}");
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "");
}

#[test]
fn a_long_refusal_can_be_read_in_peace() {
    let mut ui = Ui::new(&team(), "erin");
    let error = OpError::new(
        ErrorKind::Blocked,
        "search@0.9.0 cannot leave the plan stage; risk: not assessed; rollback-plan: missing",
    )
    .hint("say the risk with e")
    .hint("write the rollback plan with e");
    ui.send(Msg::Failed(error));
    assert_eq!(ui.popup(), "page");
    let screen = ui.screen();
    for text in ["risk: not assessed", "rollback-plan: missing", "→ write the rollback plan with e"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn a_deployment_that_ends_meanwhile_is_said_and_rings() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ended(&world, relman::domain::ids::DeploymentId(10), Some("deploy search-2"));
    assert_eq!(ui.load(&world), [Effect::Bell]);
    assert!(ui.said().starts_with("#10 search@0.8.2 to staging failed"), "{}", ui.said());
    assert_eq!(ui.load(&world), [], "once");
}

#[test]
fn a_decision_that_comes_to_be_yours_is_said_and_rings_once() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    assert_eq!(ui.load(&world), [], "what was there already is no news");
    edited(&world, "storefront@1.4.1");
    assert_eq!(ui.load(&world), [Effect::Bell]);
    assert_eq!(ui.said(), "storefront@1.4.1 waits for your decision: production");
    assert_eq!(ui.load(&world), [], "once");
}

/// Other content than before: what was decided about it is to be decided again.
fn edited(world: &crate::support::world::World, id: &str) {
    let change =
        relman::ops::release::edit::Edit { commit: Some("0ff1ce0".to_owned()), ..Default::default() };
    world.edit(id, &change);
}

#[test]
fn a_deployment_of_yours_that_waits_for_a_person_is_said_and_rings() {
    use crate::support::screen::{approved, begun};
    use relman::domain::deployment::Cause;
    use relman::domain::hold::HoldReason;
    let world = team();
    approved(&world, "dave", "storefront@1.4.1");
    let id = begun(&world, "erin", "storefront@1.4.1", "production");
    let (mut hers, mut his) = (Ui::new(&world, "erin"), Ui::new(&world, "dave"));
    world.held(&world.deployment(id), HoldReason::Failed { cause: Cause::Exit { code: 1 } });
    assert_eq!(hers.load(&world), [Effect::Bell]);
    assert!(hers.said().ends_with("waits for you: R decides"), "{}", hers.said());
    assert_eq!(his.load(&world), [], "it is not his");
}

#[test]
fn a_freeze_stands_in_the_header_of_every_pane() {
    let world = team();
    frozen(&world);
    let mut ui = Ui::new(&world, "erin");
    for pane in Pane::ALL {
        ui.go(pane);
        let head = ui.screen().lines().next().unwrap().to_owned();
        assert!(head.contains("FROZEN until 11:44: production"), "{pane:?}: {head}");
    }
}

#[test]
fn t_goes_round_relative_local_and_utc_times() {
    let mut ui = Ui::new(&team(), "erin");
    let mut seen = Vec::new();
    for _ in 0..3 {
        ui.keys("T");
        seen.push((ui.model.times, ui.said().to_owned()));
    }
    assert_eq!(
        seen,
        [
            (Times::Local, "times are in Europe/Berlin".to_owned()),
            (Times::Utc, "times are in UTC".to_owned()),
            (Times::Relative, "times are relative".to_owned()),
        ]
    );
}

#[test]
fn orders_of_the_loop_are_orders() {
    let mut ui = Ui::new(&team(), "erin");
    assert_eq!(ui.keys("<c-r><f5><c-l><c-z>"), [Effect::Load, Effect::Load, Effect::Redraw, Effect::Suspend]);
}

#[test]
fn waiting_for_the_store_is_visible_with_its_time() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.send(Msg::StoreHeld("waiting for the store (held by bob pid 412), 3s".to_owned()));
    assert!(ui.screen().contains("waiting for the store (held by bob pid 412)"), "{}", ui.screen());
    ui.load(&world);
}

#[test]
fn long_work_tells_how_far_it_is_and_since_when() {
    let mut ui = Ui::new(&team(), "erin");
    ui.send(Msg::Progressed("deploying storefront@1.0.0".to_owned()));
    let now = ui.model.now;
    ui.send(Msg::Ticked(now.plus(Duration::from_secs(7))));
    assert!(ui.screen().contains("deploying storefront@1.0.0 7s"), "{}", ui.screen());
    ui.send(Msg::Done("nine releases".to_owned()));
    assert!(!ui.screen().contains("deploying storefront@1.0.0"), "{}", ui.screen());
}

#[test]
fn waiting_for_the_store_ends_when_the_store_was_read() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.send(Msg::StoreHeld("waiting for the store, 3s".to_owned()));
    ui.load(&world);
    assert!(!ui.screen().contains("waiting for the store"), "{}", ui.screen());
}

#[test]
fn the_focus_of_the_window_is_remembered() {
    let mut ui = Ui::new(&team(), "erin");
    assert_eq!(ui.send(Msg::FocusChanged(false)), []);
    assert!(!ui.model.has_focus);
    ui.send(Msg::FocusChanged(true));
    assert!(ui.model.has_focus);
}

#[test]
fn the_details_of_a_release_open_as_a_page_that_scrolls() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.4.1");
    assert_eq!(ui.ask(&world, "<enter>"), []);
    assert_eq!(ui.popup(), "page");
    assert!(ui.screen().contains("in the deploy stage"), "{}", ui.screen());
    ui.keys("G");
    assert!(ui.screen().contains("#7 deploy to dev"), "the end:\n{}", ui.screen());
    ui.keys("gj<c-d>k<esc>");
    assert_eq!(ui.popup(), "");
}

#[test]
fn zoom_gives_the_pane_the_whole_screen() {
    let mut ui = Ui::new(&team(), "erin");
    ui.send(Msg::Resized(200, 50));
    assert!(ui.screen().contains("[3] Calendar"), "{}", ui.screen());
    ui.keys("f");
    assert!(!ui.screen().contains("[3] Calendar") && ui.screen().contains("[1] Board"), "{}", ui.screen());
    ui.keys("+");
    assert!(ui.screen().contains("[3] Calendar"));
}

#[test]
fn what_is_longer_than_a_line_is_read_to_its_end() {
    let mut ui = Ui::new(&team(), "erin");
    ui.model.size = (80, 24);
    let long = format!("{} and that is the end", "something went wrong here; ".repeat(5));
    ui.send(Msg::Troubled(long));
    assert!(ui.screen().contains("and that is the end"), "{}", ui.screen());
    ui.send(Msg::Troubled("word ".repeat(200)));
    assert!(ui.screen().contains("! shows all"), "{}", ui.screen());
}

#[test]
fn trouble_that_nobody_asked_for_leaves_what_is_open_as_it_is() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.keys("n");
    ui.send(Msg::Troubled("the store was removed".to_owned()));
    assert_eq!((ui.popup(), ui.said()), ("form", "the store was removed"));
    assert!(ui.screen().contains("the store was removed"), "{}", ui.screen());
}

#[test]
fn a_release_one_has_registered_is_stood_on_when_it_comes_and_only_then() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    let before = ui.selected();
    let id = crate::support::world::release_id("search@1.0.0");
    drop(ui.send(Msg::Registered(id.clone(), "search@1.0.0 registered".to_owned())));
    drop(ui.load(&world));
    assert_eq!(ui.selected(), before, "it is not there yet");
    world.release("search@1.0.0");
    drop(ui.load(&world));
    assert_eq!(ui.selected(), "search@1.0.0");
    drop(ui.keys("gg"));
    let chosen = ui.selected();
    drop(ui.load(&world));
    assert_eq!(ui.selected(), chosen, "once is enough");
}
