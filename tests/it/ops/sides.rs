//! The two sides of a blue-green pair: which one serves, and when going back is only a switch.

use std::time::Duration;

use relman::domain::deployment::{DeploymentState, Step, StepState};
use relman::domain::ids::DeploymentId;
use relman::ops::deployment::claim;

use crate::support::world::World;

/// A blue-green service whose left side is kept for an hour; 1.0.0 and then 1.1.0 are live.
fn two_sides() -> World {
    let mut world = World::with(
        r#"
[environments.production]
confirm = "none"
[services.web]
pipeline = ["production"]
scripts = { deploy = ["./deploy.sh"], verify = ["./verify.sh"] }
strategy.production = { kind = "blue-green", keep = "1h" }
[process.standard]
enter = "deploy"
"#,
    );
    for id in ["web@1.0.0", "web@1.1.0"] {
        world.release(id);
        world.deploy(id, "production");
        world.pass(Duration::from_mins(1));
    }
    world
}

fn step_names(world: &World, id: DeploymentId) -> Vec<String> {
    let steps = world.store.read(|tx| relman::store::steps::list_of(tx, id)).unwrap();
    steps.into_iter().map(|step| step.plan.name).collect()
}

fn back(world: &World) -> DeploymentId {
    world.roll_back("web", "production").unwrap().deployment.id
}

#[test]
fn while_the_side_that_was_left_is_kept_going_back_is_a_switch() {
    let world = two_sides();
    let id = back(&world);
    assert_eq!(step_names(&world, id), ["switch to blue", "verify"]);
}

#[test]
fn after_that_time_it_is_deployed_again() {
    let mut world = two_sides();
    world.pass(Duration::from_hours(1));
    let id = back(&world);
    assert_eq!(step_names(&world, id), ["deploy blue", "verify blue", "switch to blue", "verify"]);
}

#[test]
fn a_side_that_was_touched_since_is_not_switched_to() {
    let world = two_sides();
    world.release("web@1.2.0");
    world.end(&world.running("web@1.2.0", "production"), DeploymentState::Failed);
    let id = back(&world);
    assert_eq!(step_names(&world, id)[0], "deploy blue", "a failed deployment has been there");
}

#[test]
fn a_deployment_that_failed_after_the_switch_has_switched() {
    let world = two_sides();
    world.release("web@1.2.0");
    let d = world.running("web@1.2.0", "production");
    let switch = world.store.read(|tx| relman::store::steps::list_of(tx, d.id)).unwrap().remove(2);
    assert!(switch.plan.is_switch());
    let switch = Step { state: StepState::Succeeded, attempt: 1, finished_at: Some(world.now), ..switch };
    world.as_("erin", |cx| claim::step(cx, d.id, d.epoch, &switch)).unwrap();
    world.end(&d, DeploymentState::Failed);
    let id = back(&world);
    assert_eq!(step_names(&world, id), ["switch to green", "verify"], "1.1.0 is on the side that was left");
}
