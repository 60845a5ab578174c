//! Pictures of the panes: a believable Tuesday at the sizes people have.

use relman::domain::ids::DeploymentId;
use relman::tui::model::Pane;
use relman::tui::msg::{LogPage, Msg};
use relman::tui::theme::{Glyphs, Theme};

use crate::support::keys::{Ui, page};
use crate::support::screen::{approved, begun, delivered, frozen, team};
use crate::support::world::World;

const OUTPUT: &str = "\u{1b}[1m[relman] step 1 of 4: deploy search-1\u{1b}[0m\n\
draining search-1\n\
copying search-0.8.2.tar.zst (41 MB)\n\
\u{1b}[32mhealthy after 4s\u{1b}[0m\n\
[relman] step 2 of 4: deploy search-2\n\
draining search-2\n\
::relman note the index is rebuilt on the way\n\
copying search-0.8.2.tar.zst (41 MB)\n\
\u{1b}[31merror: disk of search-2 is slow (12 MB/s), going on\u{1b}[0m\n\
::relman progress 40 copying the index\n\
copied 17 of 41 MB\n";

fn output() -> LogPage {
    page(DeploymentId(10), 0, OUTPUT, true)
}

/// What a person sees, with the log read as far as it is.
fn erin(world: &World, size: (u16, u16)) -> Ui {
    let mut ui = Ui::new(world, "erin");
    ui.send(Msg::Resized(size.0, size.1));
    ui.send(Msg::LogRead(output()));
    ui.model.flash = None;
    ui
}

/// One picture for each of three sizes.
macro_rules! pictures {
    ($name:expr, $make:expr) => {
        for size in [(80, 24), (120, 40), (200, 50)] {
            let ui: Ui = $make(size);
            insta::assert_snapshot!(format!("{}_{}x{}", $name, size.0, size.1), ui.screen());
        }
    };
}

fn on(pane: Pane) -> impl Fn((u16, u16)) -> Ui {
    move |size| {
        let mut ui = erin(&team(), size);
        ui.go(pane);
        ui.model.flash = None;
        ui
    }
}

#[test]
fn the_board() {
    pictures!("board", on(Pane::Board));
}

#[test]
fn the_board_with_the_selection_at_its_end() {
    pictures!("board_end", |size| {
        let mut ui = erin(&team(), size);
        ui.keys("G");
        ui
    });
}

#[test]
fn the_approvals() {
    pictures!("approvals", |size| {
        let mut ui = erin(&team(), size);
        ui.pick("storefront@1.4.1");
        ui
    });
}

#[test]
fn the_month() {
    pictures!("month", |size| {
        let mut ui = erin(&team(), size);
        ui.go(Pane::Calendar);
        ui.keys("llll");
        ui
    });
}

#[test]
fn the_week() {
    pictures!("week", |size| {
        let world = team();
        frozen(&world);
        let mut ui = erin(&world, size);
        ui.go(Pane::Calendar);
        ui.keys("w");
        ui
    });
}

#[test]
fn the_agenda() {
    pictures!("agenda", |size| {
        let world = team();
        frozen(&world);
        let mut ui = erin(&world, size);
        ui.go(Pane::Calendar);
        ui.keys("wwj");
        ui
    });
}

#[test]
fn the_log_of_a_running_deployment() {
    pictures!("log_running", on(Pane::Log));
}

#[test]
fn the_log_when_it_is_paused() {
    pictures!("log_paused", |size| {
        let mut ui = on(Pane::Log)(size);
        ui.keys("/slow<enter>");
        ui.send(Msg::LogRead(output()));
        ui.send(Msg::LogGrew { id: DeploymentId(10), size: 9000, lines: 123 });
        ui
    });
}

#[test]
fn the_log_of_a_failed_deployment() {
    let world = team();
    let mut ui = erin(&world, (80, 24));
    ui.go(Pane::Log);
    ui.keys("[");
    ui.load(&world);
    ui.send(Msg::LogRead(page(DeploymentId(9), 0, "migrating\nerror: column exists\n", true)));
    insta::assert_snapshot!("log_failed_80x24", ui.screen());
}

/// The deploy dialog of a release.
fn dialog(world: &World, id: &str, size: (u16, u16)) -> Ui {
    let mut ui = erin(world, size);
    ui.select(id);
    ui.ask(world, "D");
    assert_eq!(ui.popup(), "deploy");
    ui
}

#[test]
fn the_deploy_dialog_when_the_gates_are_open() {
    pictures!("deploy_open", |size| {
        let world = team();
        let mut ui = dialog(&world, "storefront@1.4.0", size);
        // In the review stage everything but production asks for no more than y.
        ui.ask(&world, "<tab>");
        ui
    });
}

#[test]
fn the_deploy_dialog_when_a_gate_is_closed() {
    pictures!("deploy_closed", |size| dialog(&team(), "payments@3.1.0", size));
}

#[test]
fn the_deploy_dialog_for_production() {
    pictures!("deploy_production", |size| {
        let world = team();
        approved(&world, "dave", "storefront@1.4.1");
        let mut ui = dialog(&world, "storefront@1.4.1", size);
        ui.keys("1.4");
        ui
    });
}

#[test]
fn the_rollback_dialog() {
    pictures!("rollback", |size| {
        let mut world = team();
        approved(&world, "dave", "storefront@1.4.1");
        delivered(&mut world, "erin", "storefront@1.4.1", "production", None);
        let mut ui = erin(&world, size);
        ui.select("storefront@1.4.1");
        ui.ask(&world, "B");
        ui.keys("<enter>carts vanish<enter>1.");
        ui
    });
}

/// 1.4.1 failed on its way to production and waits for a person.
fn held() -> World {
    let world = team();
    approved(&world, "dave", "storefront@1.4.1");
    let id = begun(&world, "erin", "storefront@1.4.1", "production");
    let cause = relman::domain::deployment::Cause::Exit { code: 1 };
    world.held(&world.deployment(id), relman::domain::hold::HoldReason::Failed { cause });
    world
}

#[test]
fn the_board_with_a_deployment_that_waits_for_a_person() {
    pictures!("held", |size| erin(&held(), size));
}

#[test]
fn the_dialog_about_what_waits() {
    pictures!("decide", |size| {
        let mut ui = erin(&held(), size);
        ui.keys("Rb");
        ui.keys("errors at checkout");
        ui
    });
}

#[test]
fn the_form_of_a_new_release_with_a_mistake() {
    pictures!("form_new", |size| {
        let mut ui = erin(&team(), size);
        ui.keys("n<tab>1.5<tab>Better ranking<c-s>");
        ui
    });
}

#[test]
fn the_form_that_edits_a_release() {
    pictures!("form_edit", |size| {
        let mut ui = erin(&team(), size);
        ui.select("storefront@1.4.1");
        ui.keys("e<tab><tab>");
        ui
    });
}

#[test]
fn the_form_of_a_freeze() {
    pictures!("form_freeze", |size| {
        let mut ui = erin(&team(), size);
        ui.go(Pane::Calendar);
        ui.keys("nSale");
        ui
    });
}

#[test]
fn the_approve_dialog() {
    pictures!("approve", |size| {
        let mut ui = erin(&team(), size);
        ui.pick("storefront@1.4.1");
        ui.keys("a");
        ui
    });
}

#[test]
fn the_cancel_dialog() {
    pictures!("cancel", |size| {
        let mut ui = erin(&team(), size);
        ui.select("search@0.8.2");
        ui.keys("X");
        ui
    });
}

#[test]
fn the_help() {
    pictures!("help", |size| {
        let mut ui = erin(&team(), size);
        ui.keys("?");
        ui
    });
}

#[test]
fn the_palette() {
    pictures!("palette", |size| {
        let mut ui = erin(&team(), size);
        ui.keys(":de");
        ui
    });
}

#[test]
fn the_details_of_a_release() {
    pictures!("detail", |size| {
        let world = team();
        let mut ui = erin(&world, size);
        ui.select("storefront@1.4.1");
        ui.ask(&world, "<enter>");
        ui
    });
}

#[test]
fn the_greeting_of_an_empty_store() {
    pictures!("greeting", |size: (u16, u16)| {
        let mut ui = Ui::new(&World::new(), "erin");
        ui.send(Msg::Resized(size.0, size.1));
        ui
    });
}

#[test]
fn the_header_of_a_frozen_production() {
    pictures!("frozen", |size| {
        let world = team();
        frozen(&world);
        erin(&world, size)
    });
}

#[test]
fn the_board_without_colours_and_unicode() {
    pictures!("board_ascii", |size| {
        let world = team();
        frozen(&world);
        let mut ui = erin(&world, size);
        ui.model.theme = Theme::mono();
        ui.model.glyphs = Glyphs::ASCII;
        ui
    });
}

#[test]
fn a_small_terminal() {
    let mut ui = erin(&team(), (50, 12));
    ui.keys("jjj");
    insta::assert_snapshot!("board_50x12", ui.screen());
    ui.go(Pane::Log);
    insta::assert_snapshot!("log_50x12", ui.screen());
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    let ui = erin(&team(), (38, 7));
    assert_eq!(ui.screen().trim_end(), "terminal too small (38x7)");
}
