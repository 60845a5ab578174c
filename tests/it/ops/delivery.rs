//! What goes where by itself: the right release, once, in its hours, not too often, not too much, and never against people.

use std::time::Duration;

use relman::domain::deployment::{Cause, DeploymentState as S};
use relman::domain::ids::DeploymentId;
use relman::domain::lock::LockKind;
use relman::ops::delivery::{self, Standing};
use relman::ops::deployment::start;
use relman::ops::deployment::tick::tick;
use relman::ops::deployment::turn::Turn;
use relman::ops::release::edit::Edit;
use relman::ops::{lock, release};

use crate::support::world::{World, env_name, release_id};

/// It is Tuesday, 10:00 UTC. Nobody but erin and dave may deploy to production.
const POLICY: &str = r#"
[relman]
time-zone = "UTC"
[groups]
sre = ["erin", "dave"]
[environments.dev]
[environments.staging]
kind = "staging"
[environments.production]
kind = "production"
deployers = ["sre"]
after-failure = "go-on"
[services.api]
pipeline = ["dev", "staging", "production"]
scripts = { deploy = ["./deploy.sh"] }
[services.api.deliver.dev]
conductor = "erin"
[services.api.deliver.production]
conductor = "erin"
hours = ["Mon-Thu 09:00-16:00"]
interval = "30m"
max-changes = 3
"#;

const MINUTE: Duration = Duration::from_mins(1);

fn world() -> World {
    World::with(POLICY)
}

/// Registers it, built, with so many changes, in the deploy stage.
fn built(world: &World, id: &str, changes: usize) {
    world.release(id);
    let lines = (0..changes).map(|n| format!("fix: {n} of {id}")).collect();
    world.edit(id, &Edit { commit: Some("4be1c0f".to_owned()), changes: Some(lines), ..Edit::default() });
    world.advance(id, 5);
}

fn standing(world: &World, env: &str) -> Standing {
    let all = world.as_("alice", delivery::list).unwrap();
    all.into_iter().find(|one| one.delivery.environment.as_str() == env).unwrap()
}

fn says(world: &World, env: &str) -> String {
    standing(world, env).to_string()
}

/// What a tick of erin delivers.
fn tick_of(world: &World, who: &str) -> Vec<DeploymentId> {
    let ticked = world.as_(who, tick).unwrap();
    assert_eq!(ticked.standing, [] as [String; 0]);
    ticked.delivered
}

/// Lets what was delivered begin and end.
fn carry_out(world: &World, id: DeploymentId, end: S) {
    assert!(matches!(world.turn(id), Turn::Go(_)), "{:?}", world.turn(id));
    world.end(&world.deployment(id), end);
}

#[test]
fn what_is_built_goes_to_the_first_environment_in_the_name_of_its_conductor() {
    let world = world();
    assert_eq!(
        says(&world, "dev"),
        "goes to dev by itself (erin): nothing now, nothing is built that could go there"
    );
    built(&world, "api@1.0.0", 1);
    built(&world, "api@1.1.0", 1);
    assert_eq!(says(&world, "dev"), "goes to dev by itself (erin): api@1.1.0 next");
    assert!(tick_of(&world, "dave").is_empty(), "dave conducts nothing");
    let ids = tick_of(&world, "erin");
    let d = world.deployment(ids[0]);
    assert_eq!(
        (d.release.to_string().as_str(), d.started_by.name.as_str(), d.state),
        ("api@1.1.0", "erin", S::Waiting)
    );
    assert_eq!(d.reason.as_deref(), Some("delivered to dev by itself"));
    assert!(tick_of(&world, "erin").is_empty(), "once");
    carry_out(&world, d.id, S::Succeeded);
    assert!(tick_of(&world, "erin").is_empty());
    assert_eq!(says(&world, "dev"), "goes to dev by itself (erin): nothing now, api@1.1.0 is live");
}

#[test]
fn what_failed_is_not_tried_again_until_it_is_something_else() {
    let world = world();
    built(&world, "api@1.0.0", 1);
    let first = tick_of(&world, "erin")[0];
    carry_out(&world, first, S::Failed);
    assert!(tick_of(&world, "erin").is_empty());
    assert!(
        says(&world, "dev").contains("#1 of api@1.0.0 is failed: a person may deploy it"),
        "{}",
        says(&world, "dev")
    );
    world.edit("api@1.0.0", &Edit { commit: Some("77aa00b".to_owned()), ..Edit::default() });
    assert_eq!(tick_of(&world, "erin").len(), 1, "another commit is another thing");
}

#[test]
fn what_could_not_be_started_or_was_called_off_is_not_sent_again_and_again() {
    let world = world();
    built(&world, "api@1.0.0", 1);
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    world.machine.alive.borrow_mut().insert(DeploymentId(1), relman::ops::Liveness::Gone);
    let ticked = world.as_("erin", tick).unwrap();
    assert!(ticked.standing[0].contains("no memory"), "{:?}", ticked.standing);
    *world.machine.launch.borrow_mut() = Ok(());
    assert!(tick_of(&world, "erin").is_empty(), "{}", says(&world, "dev"));
    built(&world, "api@1.1.0", 1);
    let sent = tick_of(&world, "erin")[0];
    world.as_("dave", |cx| relman::ops::deployment::cancel::cancel(cx, sent, None)).unwrap();
    assert!(tick_of(&world, "erin").is_empty(), "a person's word stands");
    assert!(says(&world, "dev").contains("is cancelled: a person may deploy it"), "{}", says(&world, "dev"));
}

#[test]
fn what_a_person_queued_is_their_choice_as_well() {
    let mut world = second(1);
    world.pass(MINUTE * 31);
    let running = world.running("api@1.0.0", "production");
    let queued = world.queue("api@1.0.0", "production");
    world.end(&running, S::Failed);
    assert!(matches!(world.turn(queued.id), Turn::Go(_)), "{:?}", world.turn(queued.id));
    world.end(&world.deployment(queued.id), S::Succeeded);
    let locks = world.as_("erin", lock::list).unwrap();
    assert!(locks.iter().any(|lock| lock.reason.contains("by hand, not 1.1.0")), "{locks:?}");
}

#[test]
fn what_is_good_upstream_goes_on_and_nothing_else() {
    let world = world();
    built(&world, "api@1.0.0", 1);
    world.deploy("api@1.0.0", "dev");
    assert!(
        says(&world, "production").contains("nothing is good in staging"),
        "{}",
        says(&world, "production")
    );
    world.deploy("api@1.0.0", "staging");
    let id = tick_of(&world, "erin")[0];
    assert_eq!(world.deployment(id).environment, env_name("production"));
    carry_out(&world, id, S::Succeeded);
    // An older one that is tried again in staging does not go back to production.
    built(&world, "api@0.9.0", 1);
    world.deploy("api@0.9.0", "dev");
    world.deploy("api@0.9.0", "staging");
    let said = says(&world, "production");
    assert!(said.contains("api@1.0.0, which is newer than 0.9.0, is live"), "{said}");
}

/// 1.0.0 is live everywhere since 10:00, 1.1.0 with so many changes is good in staging.
fn second(changes: usize) -> World {
    let world = world();
    built(&world, "api@1.0.0", 1);
    for env in ["dev", "staging", "production"] {
        world.deploy("api@1.0.0", env);
    }
    built(&world, "api@1.1.0", changes);
    for env in ["dev", "staging"] {
        world.deploy("api@1.1.0", env);
    }
    world
}

#[test]
fn it_keeps_its_hours_and_its_interval() {
    let mut world = second(1);
    assert!(
        says(&world, "production").contains("waits for interval: 30m after the last one"),
        "{}",
        says(&world, "production")
    );
    assert!(tick_of(&world, "erin").is_empty());
    world.pass(MINUTE * 30);
    world.now = "2026-09-01T16:00:00Z".parse().unwrap();
    assert!(
        says(&world, "production").contains("waits for hours: it goes Mon-Thu 09:00-16:00; next Wed"),
        "{}",
        says(&world, "production")
    );
    assert!(tick_of(&world, "erin").is_empty());
    world.now = "2026-09-02T09:00:00Z".parse().unwrap();
    assert_eq!(tick_of(&world, "erin").len(), 1);
}

#[test]
fn too_much_at_once_is_a_matter_for_people_who_are_told() {
    let mut world = second(2);
    built(&world, "api@1.2.0", 2);
    for env in ["dev", "staging"] {
        world.deploy("api@1.2.0", env);
    }
    world.pass(MINUTE * 31);
    let standing = standing(&world, "production");
    assert_eq!(
        (standing.next, standing.changes),
        (Some(release_id("api@1.2.0")), 4),
        "of both releases since"
    );
    assert!(
        standing.waits_for[0].starts_with("changes: 4 at once, where 3 go by themselves"),
        "{:?}",
        standing.waits_for
    );
    assert!(tick_of(&world, "erin").is_empty());
    let preview =
        world.as_("dave", |cx| start::preview(cx, &release_id("api@1.2.0"), &env_name("production")));
    assert_eq!(preview.unwrap().too_many, Some((4, 3)));
    world.deploy("api@1.2.0", "production");
}

#[test]
fn closed_gates_are_what_it_waits_for() {
    let mut world = second(1);
    world.pass(MINUTE * 31);
    world.freeze("Books", "production", world.now, world.now.plus(MINUTE * 60));
    assert!(
        says(&world, "production").contains("waits for freeze: frozen by \"Books\""),
        "{}",
        says(&world, "production")
    );
    assert!(tick_of(&world, "erin").is_empty());
    world.pass(MINUTE * 60);
    assert_eq!(tick_of(&world, "erin").len(), 1);
}

#[test]
fn what_could_not_begin_is_looked_at_anew() {
    let mut world = second(1);
    world.pass(MINUTE * 31);
    let id = tick_of(&world, "erin")[0];
    world.freeze("Books", "production", world.now, world.now.plus(MINUTE * 60));
    world.pass(MINUTE * 10);
    assert!(matches!(world.turn(id), Turn::Ended { .. }));
    assert_eq!(world.deployment(id).state, S::Missed);
    world.pass(MINUTE * 50);
    assert_eq!(tick_of(&world, "erin").len(), 1);
}

#[test]
fn a_person_who_puts_something_else_there_holds_it_until_somebody_puts_the_candidate_there() {
    let mut world = second(1);
    world.pass(MINUTE * 31);
    built(&world, "api@1.0.5", 1);
    for env in ["dev", "staging"] {
        world.deploy("api@1.0.5", env);
    }
    for env in ["dev", "staging"] {
        world.deploy("api@1.1.0", env);
    }
    // 1.1.0 would go; dave wants 1.0.0 once more.
    let started = world.start("dave", "api@1.0.0", "production").unwrap().deployment;
    world.claim(&started);
    world.end(&world.deployment(started.id), S::Succeeded);
    let locks = world.as_("erin", lock::list).unwrap();
    let held = locks.iter().find(|lock| lock.kind == LockKind::Automation).expect("automation is held");
    assert!(held.reason.ends_with("put 1.0.0 here by hand, not 1.1.0"), "{}", held.reason);
    world.pass(MINUTE * 31);
    assert!(tick_of(&world, "erin").is_empty());
    assert!(
        says(&world, "production").contains("waits for lock: dave stopped automation here"),
        "{}",
        says(&world, "production")
    );
    world.deploy("api@1.1.0", "production");
    assert!(world.as_("erin", lock::list).unwrap().iter().all(|lock| lock.kind != LockKind::Automation));
}

#[test]
fn what_began_by_itself_is_nobodys_choice() {
    let mut world = second(1);
    world.pass(MINUTE * 31);
    let id = tick_of(&world, "erin")[0];
    assert!(matches!(world.turn(id), Turn::Go(_)));
    // Meanwhile something newer is good in staging.
    built(&world, "api@1.2.0", 1);
    for env in ["dev", "staging"] {
        world.deploy("api@1.2.0", env);
    }
    world.end(&world.deployment(id), S::Succeeded);
    assert!(world.as_("erin", lock::list).unwrap().is_empty());
}

#[test]
fn a_blocked_release_goes_nowhere_and_a_taken_back_one_does_not_return() {
    let mut world = second(1);
    world.pass(MINUTE * 31);
    let id = tick_of(&world, "erin")[0];
    carry_out(&world, id, S::Succeeded);
    assert!(matches!(world.deployment(id).cause, Some(Cause::Completed)));
    world.roll_back_to("api", "production", "1.0.0");
    world.pass(MINUTE * 31);
    assert!(tick_of(&world, "erin").is_empty(), "{}", says(&world, "production"));
    world.as_("bob", |cx| release::block::unblock(cx, &release_id("api@1.1.0"), "mended")).unwrap();
    assert!(tick_of(&world, "erin").is_empty(), "{}", says(&world, "production"));
}

#[test]
fn where_people_are_asked_it_waits_for_them_and_then_begins_by_itself() {
    let world = World::with(
        &POLICY.replace("[environments.dev]", "[environments.dev]\napprovals = [{ from = \"sre\" }]"),
    );
    built(&world, "api@1.0.0", 1);
    assert_eq!(tick_of(&world, "erin"), []);
    assert!(says(&world, "dev").contains("waits for approvals: 0 of 1 from sre"), "{}", says(&world, "dev"));
    // Who conducts it starts it, and who starts it does not approve it.
    world.approve("erin", "api@1.0.0", "dev");
    assert_eq!(tick_of(&world, "erin"), []);
    world.approve("dave", "api@1.0.0", "dev");
    let delivered = tick_of(&world, "erin");
    assert_eq!(delivered.len(), 1);
    carry_out(&world, delivered[0], S::Succeeded);
    assert_eq!(says(&world, "dev"), "goes to dev by itself (erin): nothing now, api@1.0.0 is live");
}
