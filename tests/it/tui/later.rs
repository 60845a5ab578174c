//! Deployments that begin later, and locks: asked for, shown, moved and called off in the panes.

use std::time::Duration;

use relman::domain::freeze::Scope;
use relman::domain::ids::LockId;
use relman::domain::lock::LockKind;
use relman::ops::deployment::chain::StartChain;
use relman::ops::deployment::later::Later;
use relman::ops::deployment::start::StartDeploy;
use relman::ops::lock::{self, EditLock, NewLock};
use relman::tui::model::Pane;
use relman::tui::msg::Effect;

use crate::support::keys::Ui;
use crate::support::screen::{approved, begun, built, environment, team};
use crate::support::world::{World, release_id};

const NEXT: &str = "storefront@1.4.1";

/// Erin's panes with 1.4.1 selected, which is approved for production.
fn ready() -> (World, Ui) {
    let world = team();
    approved(&world, "dave", NEXT);
    let mut ui = Ui::new(&world, "erin");
    ui.select(NEXT);
    (world, ui)
}

fn later(world: &World, at: Option<Duration>, expire: Duration) -> Later {
    Later { expire: Some(expire), ..world.later(at.map(|span| world.now.plus(span))) }
}

fn wanted(world: &World, at: Option<Duration>, expire: u64) -> StartDeploy {
    StartDeploy {
        confirm: Some("1.4.1".to_owned()),
        later: Some(later(world, at, Duration::from_secs(expire))),
        ..StartDeploy::new(release_id(NEXT), environment("production"))
    }
}

#[test]
fn a_time_is_asked_for_and_the_version_typed() {
    let (world, mut ui) = ready();
    assert_eq!(ui.ask(&world, "S"), []);
    let screen = ui.screen();
    for words in
        ["PRODUCTION: deploy storefront@1.4.1 to production later", "empty: as soon as it is open", "1h"]
    {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
    // Without the version nothing happens, and the field says why.
    assert_eq!(ui.keys("+2h<enter><enter><enter><c-s>"), []);
    assert!(ui.screen().contains("type the version 1.4.1 exactly"), "{}", ui.screen());
    assert_eq!(
        ui.keys("1.4.1<c-s>"),
        [Effect::Deploy(Box::new(wanted(&world, Some(Duration::from_hours(2)), 3600)))]
    );
}

#[test]
fn the_form_says_when_it_can_begin() {
    let (world, mut ui) = ready();
    let wanted = ui.keys("S");
    assert!(ui.screen().contains("looking for when it can begin"), "{}", ui.screen());
    assert_eq!(ui.answer(&world, wanted), []);
    assert!(ui.screen().contains("open now until Sat 2026-09-05 18:00 CEST"), "{}", ui.screen());
    // What is typed meanwhile stays.
    drop(ui.keys("<esc>"));
    let wanted = ui.keys("S");
    drop(ui.keys("22:00"));
    drop(ui.answer(&world, wanted));
    let screen = ui.screen();
    assert!(screen.contains("22:00") && !screen.contains("looking for"), "{screen}");
}

#[test]
fn the_version_is_not_pasted() {
    let (_world, mut ui) = ready();
    drop(ui.keys("S+2h<enter><enter><enter><enter><enter>"));
    drop(ui.paste("1.4.1"));
    assert!(ui.screen().contains("typed, not pasted"), "{}", ui.screen());
    assert_eq!(ui.keys("<c-s>"), []);
}

#[test]
fn a_plan_is_asked_for_before_its_script_runs() {
    let (world, mut ui) = ready();
    drop(ui.ask(&world, "D"));
    assert_eq!(ui.keys("P"), []);
    assert_eq!(ui.keys("y"), [], "too quick to be meant");
    let screen = ui.screen();
    assert!(
        screen.contains("Plan storefront@1.4.1 to production") && screen.contains("PRODUCTION"),
        "{screen}"
    );
    ui.wait(1000);
    let wanted = StartDeploy::new(release_id("storefront@1.4.1"), environment("production"));
    assert_eq!(ui.keys("y"), [Effect::Plan(Box::new(wanted))]);
}

#[test]
fn enter_alone_schedules_nothing() {
    let (world, mut ui) = ready();
    let effects = ui.ask(&world, "S+2h<enter>2h<enter><enter><enter>1.4.1<enter><enter>");
    assert_eq!(effects, []);
    assert_eq!(ui.popup(), "form");
}

#[test]
fn from_the_deploy_dialog_s_leads_to_later() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select(NEXT);
    drop(ui.ask(&world, "D"));
    assert_eq!(ui.popup(), "deploy");
    assert!(ui.screen().contains("S later"), "{}", ui.screen());
    drop(ui.keys("S"));
    assert_eq!(ui.popup(), "form");
    assert!(ui.screen().contains("closed now: approvals: "), "{}", ui.screen());
    assert_eq!(
        ui.keys("<enter><enter><enter><enter><enter>1.4.1<c-s>"),
        [Effect::Deploy(Box::new(wanted(&world, None, 3600)))]
    );
}

#[test]
fn what_is_asked_for_may_be_put_before_what_waits() {
    let (world, mut ui) = ready();
    let effects = ui.ask(&world, "S<enter><enter><enter><right><enter><enter>1.4.1<c-s>");
    let wanted = wanted(&world, None, 3600);
    let later = wanted.later.clone().map(|later| Later { jumps: Some(true), ..later });
    assert_eq!(effects, [Effect::Deploy(Box::new(StartDeploy { later, ..wanted }))]);
}

#[test]
fn where_the_version_is_typed_a_letter_after_it_is_a_letter() {
    let (world, mut ui) = ready();
    drop(ui.ask(&world, "D"));
    assert_eq!(ui.keys("1S"), []);
    assert_eq!(ui.popup(), "deploy");
}

/// 1.5.0 is to go to dev in two hours.
fn scheduled() -> (World, Ui) {
    let world = built();
    world.schedule("storefront@1.5.0", "dev", Duration::from_hours(2));
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    (world, ui)
}

#[test]
fn what_is_scheduled_stands_on_its_card_and_in_the_calendar() {
    let (_world, mut ui) = scheduled();
    assert!(ui.screen().contains("to dev begins 09:44"), "{}", ui.screen());
    ui.go(Pane::Calendar);
    assert!(ui.screen().contains("09:44 #"), "{}", ui.screen());
    assert!(ui.screen().contains("begins: storefront@1.5.0 to dev by erin"), "{}", ui.screen());
    drop(ui.keys("ww"));
    assert!(ui.screen().contains("begins: storefront@1.5.0 to dev by erin"), "{}", ui.screen());
}

#[test]
fn it_is_moved_with_the_same_key_and_called_off_with_the_usual_one() {
    let (world, mut ui) = scheduled();
    let id = world.as_("erin", relman::ops::view::board::board).unwrap().pending[0].id;
    assert_eq!(ui.keys("S"), []);
    assert!(ui.screen().contains("It begins Tue 2026-09-01 09:44 CEST"), "{}", ui.screen());
    // How long it may take is changed without touching its time.
    let mut other = ui.anew();
    drop(other.load(&world));
    other.select("storefront@1.5.0");
    assert_eq!(
        other.keys("S<enter><c-u>3h<c-s>"),
        [Effect::Reschedule {
            id,
            later: Later { jumps: Some(false), ..later(&world, None, Duration::from_hours(3)) }
        }]
    );
    let later = later(&world, Some(Duration::from_hours(3)), Duration::from_hours(2));
    let later = Later { jumps: Some(false), ..later };
    assert_eq!(ui.keys("+3h<enter><c-u>2h<c-s>"), [Effect::Reschedule { id, later }]);
    // Put first and nothing else: its patience stays as it is.
    let mut first = ui.anew();
    drop(first.load(&world));
    first.select("storefront@1.5.0");
    let put_first = Later { jumps: Some(true), ..world.later(None) };
    assert_eq!(first.keys("S<enter><enter><right><c-s>"), [Effect::Reschedule { id, later: put_first }]);
    drop(ui.keys("<esc><esc>"));
    let mut ui = ui.anew();
    drop(ui.load(&world));
    ui.select("storefront@1.5.0");
    assert_eq!(ui.keys("X"), []);
    let screen = ui.screen();
    assert!(screen.contains("Nothing has begun") && screen.contains("Call off"), "{screen}");
    ui.wait(1000);
    assert_eq!(ui.keys("y"), [Effect::Cancel { id, reason: None }]);
}

#[test]
fn the_log_of_what_waits_can_be_opened_before_it_has_one() {
    let (world, mut ui) = scheduled();
    let id = world.as_("erin", relman::ops::view::board::board).unwrap().pending[0].id;
    assert_eq!(ui.keys("gl")[0], Effect::Watch(id));
}

#[test]
fn a_queue_is_told_on_the_card() {
    let world = built();
    begun(&world, "erin", "storefront@1.5.0", "dev");
    world.release("storefront@1.6.0");
    world
        .as_("alice", |cx| {
            let change = relman::ops::release::edit::Edit {
                need: Some("speed".to_owned()),
                risk: Some(relman::domain::release::Level::Low),
                rollback_plan: Some("back".to_owned()),
                ..relman::ops::release::edit::Edit::default()
            };
            relman::ops::release::edit::edit(cx, &release_id("storefront@1.6.0"), &change)
        })
        .unwrap();
    world.advance("storefront@1.6.0", 2);
    let d = world.queue("storefront@1.6.0", "dev");
    world.turn(d.id);
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.6.0");
    assert!(ui.screen().contains("waits for exclusive: #"), "{}", ui.screen());
}

fn locked(world: &World) {
    let scope = Scope::new(vec!["storefront".to_owned()], vec!["production".to_owned()]).unwrap();
    let new =
        NewLock { kind: LockKind::Exclusive, scope, reason: "disk is replaced".to_owned(), expires: None };
    world.as_("dave", |cx| lock::set(cx, &new)).unwrap();
}

#[test]
fn locks_are_listed_edited_and_lifted_behind_one_key() {
    let (world, mut ui) = ready();
    assert_eq!(ui.keys("L"), []);
    assert!(ui.screen().contains("Nothing is locked"), "{}", ui.screen());
    assert_eq!(ui.keys("x"), []);
    assert!(ui.said().contains("n sets a lock"), "{}", ui.said());
    drop(ui.keys("<esc>"));
    locked(&world);
    drop(ui.load(&world));
    drop(ui.keys("L"));
    let screen = ui.screen();
    assert!(screen.contains("L1 exclusive  storefront in production  by dave"), "{screen}");
    assert_eq!(
        ui.keys("e<c-u>two disks<enter>+1h<c-s>"),
        [Effect::EditLock {
            id: LockId(1),
            edit: EditLock {
                reason: Some("two disks".to_owned()),
                expires: Some(Some(world.now.plus(Duration::from_hours(1))))
            }
        }]
    );
    let mut ui = ui.anew();
    drop(ui.load(&world));
    assert_eq!(ui.keys("Lxdone<c-s>"), [Effect::Unlock { id: LockId(1), reason: Some("done".to_owned()) }]);
}

#[test]
fn a_new_lock_is_about_what_is_selected() {
    let (_world, mut ui) = ready();
    let effects = ui.keys("Lndisk is replaced<c-s>");
    let [Effect::Lock(new)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((new.kind, new.scope.describe().as_str()), (LockKind::Exclusive, "storefront in production"));
    assert_eq!((new.reason.as_str(), new.expires), ("disk is replaced", None));
}

#[test]
fn a_warning_is_loud_in_the_deploy_dialog() {
    let (world, mut ui) = ready();
    let scope = Scope::new(Vec::new(), vec!["production".to_owned()]).unwrap();
    let new = NewLock { kind: LockKind::Warning, scope, reason: "watch the disk".to_owned(), expires: None };
    world.as_("dave", |cx| lock::set(cx, &new)).unwrap();
    drop(ui.load(&world));
    drop(ui.ask(&world, "D"));
    assert!(ui.screen().contains("WARNING  by dave: watch the disk"), "{}", ui.screen());
}

/// A team with a train that departs today at 14:00.
fn with_train() -> World {
    let mut world = built();
    let policy = format!(
        "{}[trains.daily]\ndeparts = \"Mon-Sun 14:00\"\nfrom = \"staging\"\nto = \"production\"\nconductor = \"erin\"\n",
        crate::support::screen::TEAM
    );
    let config = relman::config::parse(std::path::Path::new("/srv/relman.toml"), &policy);
    world.policy = config.unwrap_or_else(|why| panic!("{why}")).policy;
    world
}

#[test]
fn trains_stand_in_the_calendar_with_who_comes_along() {
    let world = with_train();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Calendar);
    drop(ui.load(&world));
    assert!(ui.screen().contains("14:00 train daily departs"), "{}", ui.screen());
    drop(ui.ask(&world, "R"));
    let screen = ui.screen();
    assert!(screen.contains("Train daily") && screen.contains("stays behind"), "{screen}");
    let skip = Effect::SkipTrain { train: "daily".parse().unwrap(), reason: Some("guests".to_owned()) };
    assert_eq!(ui.keys("xguests<c-s>"), [skip]);
}

#[test]
fn a_day_without_a_train_says_so() {
    let world = built();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Calendar);
    drop(ui.load(&world));
    assert_eq!(ui.keys("R"), []);
    assert!(ui.said().contains("there is no train"), "{}", ui.said());
}

#[test]
fn several_releases_are_deployed_in_the_order_of_what_they_need() {
    let (world, mut ui) = ready();
    assert_eq!(ui.keys("C"), []);
    let screen = ui.screen();
    assert!(screen.contains("Deploy several releases") && screen.contains("storefront@1.4.1"), "{screen}");
    assert_eq!(ui.keys("<tab>, payments@3.2.0<c-s>"), [], "production asks for the versions");
    assert!(ui.screen().contains("type 1.4.1, 3.2.0 exactly"), "{}", ui.screen());
    let effects = ui.keys("1.4.1, 3.2.0<s-tab><s-tab><right><c-s>");
    let wanted = StartChain {
        releases: vec![release_id(NEXT), release_id("payments@3.2.0")],
        environment: environment("production"),
        reason: None,
        confirm: vec!["1.4.1".to_owned(), "3.2.0".to_owned()],
        later: later(&world, None, Duration::from_hours(1)),
        together: true,
    };
    assert_eq!(effects, [Effect::Chain(Box::new(wanted))]);
    assert_eq!(ui.keys("<c-s>"), [], "once");
    let mut other = ui.anew();
    drop(other.load(&world));
    other.select(NEXT);
    assert_eq!(other.keys("C<c-u>nowhere<c-s>"), []);
    assert!(other.screen().contains("there is no environment nowhere"), "{}", other.screen());
}
