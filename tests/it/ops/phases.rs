//! Environments side by side: a release goes on when it is good in as many as its phase asks for.

use relman::domain::deployment::DeploymentState;
use relman::domain::gate::GateId;
use relman::ops::view::board;

use crate::support::world::{POLICY, World, closed};

/// staging, then eu and us of which one is enough, a demo nobody waits for, then production.
fn world() -> World {
    let phases = "[\"staging\", { environments = [\"eu\", \"us\"], required = 1 }, \
                  { environments = [\"demo\"], required = \"none\" }, \"production\"]";
    let policy = POLICY
        .replace(
            "[services.api]\npipeline = [\"dev\", \"staging\", \"production\"]",
            &format!("[services.api]\npipeline = {phases}"),
        )
        .replace(
            "[environments.production]",
            "[environments.eu]\n[environments.us]\n[environments.demo]\n[environments.production]",
        );
    let world = World::with(&policy);
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 5);
    world
}

fn next(world: &World) -> Option<String> {
    let board = world.as_("erin", board::board).unwrap();
    let card = board.cards.iter().find(|card| card.release.id.to_string() == "api@1.0.0").unwrap();
    card.next.as_ref().map(|next| next.environment.to_string())
}

fn order_is_closed(world: &World, env: &str) -> bool {
    closed(&world.gates("erin", "api@1.0.0", env)).contains(&GateId::Order.as_str())
}

#[test]
fn one_of_two_is_enough_where_one_is_asked_for() {
    let world = world();
    assert!(order_is_closed(&world, "us") && order_is_closed(&world, "production"));
    world.deploy("api@1.0.0", "staging");
    assert!(!order_is_closed(&world, "us") && order_is_closed(&world, "production"));
    assert_eq!(next(&world).as_deref(), Some("eu"));
    world.deploy("api@1.0.0", "us");
    assert!(!order_is_closed(&world, "production"), "the optional demo holds up nothing");
    assert_eq!(next(&world).as_deref(), Some("production"));
}

#[test]
fn an_optional_phase_is_reached_like_every_other() {
    let world = world();
    world.deploy("api@1.0.0", "staging");
    assert!(order_is_closed(&world, "demo"));
    world.deploy("api@1.0.0", "eu");
    world.deploy("api@1.0.0", "demo");
    assert_eq!(next(&world).as_deref(), Some("production"));
}

#[test]
fn a_failed_attempt_takes_the_proof_of_its_own_environment_away() {
    let world = world();
    world.deploy("api@1.0.0", "staging");
    world.deploy("api@1.0.0", "eu");
    world.deploy("api@1.0.0", "us");
    world.end(&world.running("api@1.0.0", "eu"), DeploymentState::Failed);
    assert!(!order_is_closed(&world, "production"), "us still proves it");
    world.end(&world.running("api@1.0.0", "us"), DeploymentState::Failed);
    assert!(order_is_closed(&world, "production"));
}

#[test]
fn an_approval_is_due_when_the_phase_before_asks_for_no_more() {
    let world = world();
    let due = || {
        let board = world.as_("bob", board::board).unwrap();
        let queue = world.as_("bob", |cx| relman::ops::view::queue::queue(cx, &board)).unwrap();
        queue.iter().map(relman::ops::view::queue::Pending::matter).collect::<Vec<_>>()
    };
    world.deploy("api@1.0.0", "staging");
    assert!(due().is_empty(), "{:?}", due());
    world.deploy("api@1.0.0", "eu");
    assert_eq!(due(), ["production"], "us and the optional demo need not have it");
}
