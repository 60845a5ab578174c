//! The build of a release in the panes: run and stopped after a question, followed while it runs.

use relman::domain::deployment::Cause;
use relman::domain::digest::Digest;
use relman::domain::policy::ScriptRole;
use relman::domain::release::build::Made;
use relman::ops::build::{self, Ended};
use relman::store::releases;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::team;
use crate::support::world::{World, release_id};

const ID: &str = "storefront@1.5.0";

fn with_script() -> World {
    let mut world = team();
    let service = world.policy.services.get_mut(&"storefront".parse().unwrap()).unwrap();
    service.scripts.insert(ScriptRole::Build, vec!["scripts/build".to_owned()]);
    world.policy.stages.clear();
    let stage = world.store.read(|tx| releases::get(tx, &release_id(ID))).unwrap().stage;
    world.advance(ID, 2 - stage as usize);
    world
}

/// The page of its build, reached by the sheet.
fn opened(world: &World) -> Ui {
    let mut ui = Ui::new(world, "alice");
    ui.select(ID);
    drop(ui.keys("p"));
    assert_eq!(ui.popup(), "sheet");
    drop(ui.keys("g"));
    for _ in 0..80 {
        if ui.screen().lines().any(|line| line.contains("▸ build")) {
            let effects = ui.keys("<enter>");
            assert_eq!(effects, [Effect::AskBuild(release_id(ID))]);
            assert_eq!(ui.popup(), "build");
            return ui;
        }
        drop(ui.keys("j"));
    }
    panic!("{}", ui.screen());
}

#[test]
fn it_is_run_only_after_a_yes_that_was_meant() {
    let world = with_script();
    let mut ui = opened(&world);
    assert!(ui.screen().contains("Its build script has not been run. r runs it."), "{}", ui.screen());
    drop(ui.keys("r"));
    assert_eq!(ui.popup(), "confirm");
    assert!(ui.screen().contains("runs scripts/build"), "{}", ui.screen());
    assert_eq!(ui.keys("<enter>"), [], "Enter is no yes");
    assert_eq!(ui.popup(), "build");
    drop(ui.keys("r"));
    assert_eq!(ui.hastily("y"), [], "too quick to be meant");
    ui.wait(600);
    assert_eq!(ui.keys("y"), [Effect::Build(release_id(ID))]);
    world.as_("alice", |cx| build::start(cx, &release_id(ID))).unwrap();
    let asked = ui.send(Msg::Done("build 1 is running".to_owned()));
    assert_eq!(asked, [Effect::AskBuild(release_id(ID))], "the page shows what there is now");
    drop(ui.load(&world));
    assert!(ui.screen().contains("build 1 is running for 0s, alice"), "{}", ui.screen());
    drop(ui.keys("r"));
    assert_eq!(ui.said(), "build 1 is running; x stops it");
}

#[test]
fn what_runs_is_followed_and_stopped() {
    let mut world = with_script();
    world.as_("bob", |cx| build::start(cx, &release_id(ID))).unwrap();
    world.pass(std::time::Duration::from_secs(12));
    let mut ui = opened(&world);
    let lines = (1..=40).map(|line| format!("compiling {line} of 40")).collect();
    drop(ui.send(Msg::BuildShown(release_id(ID), 1, lines)));
    for size in [(80, 24), (40, 12)] {
        ui.model.size = size;
        let screen = ui.screen();
        assert!(screen.contains("compiling 40 of 40"), "the end is what counts: {screen}");
        assert!(screen.contains("build 1 is running for 12s"), "{screen}");
        insta::assert_snapshot!(format!("build_{}x{}", size.0, size.1), screen);
    }
    ui.model.size = (80, 24);
    let later = world.now.plus(std::time::Duration::from_secs(1));
    assert_eq!(ui.send(Msg::Ticked(later)), [Effect::AskBuild(release_id(ID))], "every second anew");
    drop(ui.keys("x"));
    assert!(ui.screen().contains("The script gets TERM"), "{}", ui.screen());
    ui.wait(600);
    assert_eq!(ui.keys("y"), [Effect::CancelBuild(release_id(ID))]);
    let ended = Ended {
        cause: Cause::Exit { code: 3 },
        log_size: 1,
        log_digest: Digest::of(b"x"),
        made: Made::default(),
        report: None,
    };
    world.as_("bob", |cx| build::finish(cx, &release_id(ID), 1, &ended)).unwrap();
    drop(ui.load(&world));
    let screen = ui.screen();
    assert!(screen.contains("build 1 failed after 12s: the script ended with exit status 3"), "{screen}");
    assert_eq!(ui.send(Msg::Ticked(later)), [], "nothing moves any more");
    drop(ui.keys("x"));
    assert_eq!(ui.said(), "nothing is running; r builds");
}

#[test]
fn where_nothing_can_be_built_it_says_why() {
    let world = team();
    let mut ui = opened(&world);
    drop(ui.keys("r"));
    assert!(ui.said().contains("has no build script: [services.storefront.scripts] build"), "{}", ui.said());
}

#[test]
fn a_check_with_a_script_is_run_from_its_row() {
    let mut world = with_script();
    let service = world.policy.services.get_mut(&"storefront".parse().unwrap()).unwrap();
    service.checks.insert("unit".to_owned(), vec!["scripts/unit".to_owned()]);
    let stage = world.policy.stages.entry(relman::domain::release::Stage::Test).or_default();
    stage.checks = vec!["unit".to_owned()];
    let mut ui = Ui::new(&world, "alice");
    ui.select(ID);
    drop(ui.keys("pg"));
    for _ in 0..80 {
        if ui.screen().lines().any(|line| line.contains("▸ unit")) {
            break;
        }
        drop(ui.keys("j"));
    }
    drop(ui.keys("<enter>"));
    assert!(ui.screen().contains("run finds out with the script of storefront"), "{}", ui.screen());
    let effects = ui.keys("<right><c-s>");
    assert_eq!(effects, [Effect::RunCheck { id: release_id(ID), name: "unit".to_owned() }]);
    world.as_("alice", |cx| build::check(cx, &release_id(ID), "unit")).unwrap();
    drop(ui.send(Msg::Done("started".to_owned())));
    drop(ui.load(&world));
    assert!(ui.screen().contains("unit (run 1) is running, alice"), "{}", ui.screen());
}
