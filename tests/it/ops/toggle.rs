//! Toggles as acts: who may switch them, what is asked, and what waits for an approval.

use relman::domain::gate::GateId;
use relman::domain::toggle::Flip;
use relman::ops::deployment::rollback::choices;
use relman::ops::deployment::start::Started;
use relman::ops::deployment::toggle::{StartToggle, toggle};
use relman::ops::release::edit::Edit;
use relman::ops::view::{board, queue};
use relman::ops::{ErrorKind, OpError};

use crate::support::world::{POLICY, World, answer, env_name};

/// api 1.0.0 is live in production and says that new-search guards what it brings; a rollback there needs a manager.
fn world() -> World {
    let toggle =
        "[services.api.toggles.new-search]\non = [\"./flag.sh\", \"on\"]\noff = [\"./flag.sh\", \"off\"]\n";
    let policy = POLICY.replace(
        "rollback-approvals = []",
        "rollback-approvals = [{ from = \"managers\", count = 1 }]\nconfirm = \"none\"",
    );
    let mut world = World::with(&format!("{policy}{toggle}"));
    world.ready("api@1.0.0");
    let toggles = Some(vec!["new-search".to_owned()]);
    world.edit("api@1.0.0", &Edit { toggles, ..Edit::default() });
    for who in ["bob", "dave"] {
        world.withdraw(who, "api@1.0.0", "production");
        world.approve(who, "api@1.0.0", "production");
    }
    world.deploy("api@1.0.0", "production");
    world.withdraw("bob", "api@1.0.0", "production");
    world.withdraw("dave", "api@1.0.0", "production");
    world.pass(std::time::Duration::from_mins(1));
    world
}

fn switch(world: &World, who: &str, on: bool) -> Result<Started, OpError> {
    let wanted = StartToggle {
        service: "api".parse().unwrap(),
        environment: env_name("production"),
        flip: Flip { name: "new-search".to_owned(), on },
        reason: "slow".to_owned(),
        confirm: None,
    };
    world.as_(who, |cx| toggle(cx, &wanted))
}

fn waiting(world: &World, who: &str) -> Vec<String> {
    let board = world.as_(who, board::board).unwrap();
    let queue = world.as_(who, |cx| queue::queue(cx, &board)).unwrap();
    queue.iter().map(queue::Pending::matter).collect()
}

#[test]
fn off_asks_what_a_rollback_asks_and_its_approval_stands_in_the_queue() {
    let world = world();
    world.freeze("Books", "production", world.now, world.now.plus(std::time::Duration::from_hours(1)));
    let error = switch(&world, "erin", false).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unapproved, "{error}");
    assert!(
        answer(&error.report.unwrap(), GateId::Freeze).opens(),
        "no freeze keeps anybody from going back"
    );
    assert_eq!(waiting(&world, "bob"), ["production (new-search off)"]);
    world.approve("bob", "api@1.0.0", "production");
    let started = switch(&world, "erin", false).unwrap().deployment;
    world.claim(&started);
    world.end(&world.deployment(started.id), relman::domain::deployment::DeploymentState::Succeeded);
    assert_eq!(waiting(&world, "bob"), [] as [String; 0], "it was switched");
}

#[test]
fn on_asks_what_guards_a_change_of_what_runs() {
    let world = world();
    world.freeze("Books", "production", world.now, world.now.plus(std::time::Duration::from_hours(1)));
    let report = *switch(&world, "erin", true).unwrap_err().report.unwrap();
    let closed: Vec<GateId> = report.closed().map(|check| check.gate).collect();
    assert_eq!(closed, [GateId::Freeze, GateId::Approvals]);
    assert!(waiting(&world, "bob").contains(&"production (new-search on)".to_owned()));
    assert_eq!(switch(&world, "alice", true).unwrap_err().kind, ErrorKind::NotPermitted);
}

#[test]
fn the_rollback_dialog_offers_the_way_it_can_be_switched() {
    let world = world();
    let offered = || {
        let found =
            world.as_("erin", |cx| choices(cx, &"api".parse().unwrap(), &env_name("production"))).unwrap();
        found.toggles.iter().map(|known| known.flip().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(offered(), ["new-search off"]);
    world.approve("bob", "api@1.0.0", "production");
    let started = switch(&world, "erin", false).unwrap().deployment;
    world.claim(&started);
    world.end(&world.deployment(started.id), relman::domain::deployment::DeploymentState::Succeeded);
    assert_eq!(offered(), ["new-search on"]);
}
