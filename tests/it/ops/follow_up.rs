//! Does the rollback that was asked for follow the end of its deployment, and nothing else instead of it?

use relman::domain::deployment::{Deployment, DeploymentState};
use relman::domain::hold::FollowUp;
use relman::ops::deployment::cancel::cancel_and_roll_back;
use relman::ops::deployment::follow_up;
use relman::ops::deployment::turn::Turn;
use relman::ops::{OpError, lock};

use crate::support::world::{World, release_id};

const API: &str = "api@1.0.0";
const NEXT: &str = "api@1.1.0";
const LATER: &str = "api@1.2.0";

/// dev has 1.0.0; 1.1.0 is on its way there and dave wants it stopped and taken back; 1.2.0 would be next.
fn taken_back() -> (World, Deployment) {
    let world = World::new();
    let d = on_its_way(&world);
    world.as_("dave", |cx| cancel_and_roll_back(cx, d.id, "errors at checkout")).unwrap();
    (world, d)
}

fn on_its_way(world: &World) -> Deployment {
    for id in [API, NEXT, LATER] {
        world.release(id);
        world.advance(id, 5);
    }
    world.deploy(API, "dev");
    world.running(NEXT, "dev")
}

/// Its supervisor has recorded the end and begins what follows.
fn begin(world: &World, d: &Deployment) -> Result<FollowUp, OpError> {
    world.as_("erin", |cx| follow_up::begin(cx, d.id))?;
    Ok(world.deployment(d.id).follow_up.unwrap())
}

#[test]
fn nothing_that_waits_begins_between_an_end_and_the_rollback_that_follows_it() {
    for ended in [DeploymentState::Cancelled, DeploymentState::Failed, DeploymentState::Succeeded] {
        let (world, d) = taken_back();
        let queued = world.queue(LATER, "dev");
        world.end(&d, ended);
        let Turn::Wait { says, .. } = world.turn(queued.id) else { panic!("{ended}: it slipped in between") };
        assert!(says[0].starts_with("lock: dave stopped automation here (L1)"), "{ended}: {says:?}");
        assert!(says[0].contains("of api@1.1.0 is taken back: errors at checkout"), "{ended}: {says:?}");
        let back = begin(&world, &d).unwrap().started.unwrap();
        assert_eq!(world.deployment(back).release, release_id(API), "{ended}");
        assert_eq!(world.as_("erin", lock::list).unwrap().len(), 1, "{ended}: one lock for one thing");
    }
}
