//! Deployments that depend on each other: in their order, and what fails stops what comes after it.

use std::time::Duration;

use relman::domain::deployment::{Cause, DeploymentState as S};
use relman::domain::gate::GateId;
use relman::domain::ids::DeploymentId;
use relman::domain::wait::Wait;
use relman::ops::deployment::chain::{self, StartChain};
use relman::ops::deployment::later::Later;
use relman::ops::deployment::start::Started;
use relman::ops::deployment::turn::Turn;
use relman::ops::release::edit::{self, Edit};
use relman::ops::{ErrorKind, OpError};

use crate::support::world::{World, closed, env_name, release_id};

const POLICY: &str = r#"
[groups]
sre = ["erin"]
[environments.dev]
[environments.production]
kind = "production"
deployers = ["sre"]
[services.db]
pipeline = ["dev", "production"]
scripts = { deploy = ["./deploy.sh"] }
[services.api]
pipeline = ["dev", "production"]
scripts = { deploy = ["./deploy.sh"] }
depends-on = ["db"]
[services.search]
pipeline = ["dev", "production"]
scripts = { deploy = ["./deploy.sh"] }
[services.web]
pipeline = ["dev", "production"]
scripts = { deploy = ["./deploy.sh"] }
"#;

/// db and api, and web which requires this api.
fn world() -> World {
    let world = World::with(POLICY);
    for id in ["db@1.0.0", "api@1.0.0", "web@1.0.0"] {
        world.release(id);
        world.advance(id, 2);
    }
    world.edit("web@1.0.0", &requires("api@1.0.0"));
    world
}

fn requires(id: &str) -> Edit {
    Edit { requires: Some(vec![release_id(id)]), ..Edit::default() }
}

fn start(world: &World, releases: &[&str]) -> Result<Vec<Started>, OpError> {
    start_as(world, releases, false)
}

fn start_as(world: &World, releases: &[&str], together: bool) -> Result<Vec<Started>, OpError> {
    let wanted = StartChain {
        releases: releases.iter().map(|id| release_id(id)).collect(),
        environment: env_name("dev"),
        reason: Some("together".to_owned()),
        confirm: Vec::new(),
        later: world.later(None),
        together,
    };
    world.as_("erin", |cx| chain::start(cx, &wanted))
}

fn after(world: &World, id: i64) -> Vec<i64> {
    let wait: Option<Wait> = world.deployment(DeploymentId(id)).wait;
    wait.map(|wait| wait.after.iter().map(|id| id.0).collect()).unwrap_or_default()
}

#[test]
fn a_chain_goes_in_the_order_of_what_depends_on_what() {
    let world = world();
    let started = start(&world, &["web@1.0.0", "api@1.0.0", "db@1.0.0"]).unwrap();
    let names: Vec<String> = started.iter().map(|one| one.deployment.release.to_string()).collect();
    assert_eq!(names, ["db@1.0.0", "api@1.0.0", "web@1.0.0"]);
    assert_eq!(started[0].deployment.state, S::Launching, "nothing comes before it");
    assert_eq!((after(&world, 2), after(&world, 3)), (vec![1], vec![2]));
    let Turn::Wait { says, .. } = world.turn(DeploymentId(2)) else { panic!("it waits") };
    assert_eq!(says, ["chain: #1 (db@1.0.0) comes first and is launching"]);
    world.claim(&started[0].deployment);
    world.end(&world.deployment(DeploymentId(1)), S::Succeeded);
    assert!(matches!(world.turn(DeploymentId(2)), Turn::Go(_)));
    assert!(matches!(world.turn(DeploymentId(3)), Turn::Wait { .. }));
    world.end(&world.deployment(DeploymentId(2)), S::Succeeded);
    assert!(matches!(world.turn(DeploymentId(3)), Turn::Go(_)));
}

#[test]
fn a_failed_one_stops_what_depends_on_it_and_nothing_else() {
    let mut world = world();
    world.release("search@1.0.0");
    world.advance("search@1.0.0", 2);
    start(&world, &["db@1.0.0", "api@1.0.0", "web@1.0.0"]).unwrap();
    let other = world.schedule("search@1.0.0", "dev", Duration::from_mins(10));
    world.claim(&world.deployment(DeploymentId(1)));
    world.end(&world.deployment(DeploymentId(1)), S::Failed);
    for id in [2, 3] {
        assert!(matches!(world.turn(DeploymentId(id)), Turn::Ended { .. }));
        let stopped = world.deployment(DeploymentId(id));
        assert_eq!(stopped.state, S::Cancelled);
        let first = DeploymentId(id - 1);
        let ended = if id == 2 { "failed" } else { "cancelled" };
        assert_eq!(stopped.cause, Some(Cause::Unmet { first, ended: ended.to_owned() }));
    }
    world.pass(Duration::from_mins(10));
    assert!(matches!(world.turn(other.id), Turn::Go(_)), "it depends on none of them");
}

#[test]
fn where_they_go_together_a_failure_takes_the_unfinished_ones_back() {
    let world = world();
    for id in ["search@0.9.0", "search@1.0.0"] {
        world.release(id);
        world.advance(id, 2);
    }
    world.deploy("search@0.9.0", "dev");
    // db, api after it, and search by itself.
    let started = start_as(&world, &["db@1.0.0", "api@1.0.0", "search@1.0.0"], true).unwrap();
    let ids: Vec<i64> = started.iter().map(|one| one.deployment.id.0).collect();
    assert_eq!(ids, [2, 3, 4]);
    assert!(started.iter().all(|one| one.deployment.state == S::Waiting), "all of them wait for their turn");
    assert!(matches!(world.turn(DeploymentId(2)), Turn::Go(_)));
    assert!(matches!(world.turn(DeploymentId(4)), Turn::Go(_)));
    let (_, entries) = world.journaled(|| world.end(&world.deployment(DeploymentId(2)), S::Failed));
    assert_eq!(
        entries,
        ["deployment.finished done #2", "deployment.cancel-requested done #4", "deployment.finished done #3"]
    );
    assert_eq!(world.deployment(DeploymentId(3)).state, S::Cancelled);
    let search = world.deployment(DeploymentId(4));
    assert_eq!(search.cancel.unwrap().by, "the chain of #2");
    assert_eq!(search.follow_up.unwrap().reason, "#2 of the same chain is failed");
}

#[test]
fn where_they_go_together_one_that_never_begins_ends_it_for_the_others_too() {
    let mut world = world();
    world.release("search@1.0.0");
    world.advance("search@1.0.0", 2);
    start_as(&world, &["db@1.0.0", "search@1.0.0"], true).unwrap();
    let (db, search) = (DeploymentId(1), DeploymentId(2));
    assert!(matches!(world.turn(db), Turn::Go(_)));
    // A person calls search off before it began.
    world.as_("erin", |cx| relman::ops::deployment::cancel::cancel(cx, search, None)).unwrap();
    assert_eq!(world.deployment(db).cancel.unwrap().by, "the chain of #2");
    world.end(&world.deployment(db), S::Cancelled);
    // The same where one is missed.
    start_as(&world, &["db@1.0.0", "search@1.0.0"], true).unwrap();
    let (db, search) = (DeploymentId(3), DeploymentId(4));
    world.freeze("Books", "dev", world.now, world.now.plus(Duration::from_hours(9)));
    world.pass(Duration::from_hours(2));
    let (_, entries) = world.journaled(|| world.turn(search));
    assert_eq!(entries, ["deployment.finished done #4", "deployment.finished done #3"]);
    assert_eq!(world.deployment(db).state, S::Cancelled);
}

#[test]
fn where_they_go_together_what_has_finished_stays() {
    let world = world();
    start_as(&world, &["db@1.0.0", "api@1.0.0"], true).unwrap();
    assert!(matches!(world.turn(DeploymentId(1)), Turn::Go(_)));
    world.end(&world.deployment(DeploymentId(1)), S::Succeeded);
    assert!(matches!(world.turn(DeploymentId(2)), Turn::Go(_)));
    world.end(&world.deployment(DeploymentId(2)), S::Failed);
    let db = world.deployment(DeploymentId(1));
    assert_eq!((db.state, db.cancel, db.follow_up), (S::Succeeded, None, None));
}

#[test]
fn a_process_that_does_not_come_up_leaves_no_other_without_one() {
    let world = world();
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    let error = start(&world, &["db@1.0.0", "search@1.0.0"]);
    assert!(error.is_err());
    world.release("search@1.0.0");
    world.advance("search@1.0.0", 2);
    let before = world.machine.launched.borrow().len();
    let error = start(&world, &["db@1.0.0", "search@1.0.0"]).unwrap_err();
    assert!(error.sentence.contains("no memory"), "{error}");
    assert_eq!(world.machine.launched.borrow().len(), before + 2, "each was tried");
}

#[test]
fn a_chain_asks_nobody_and_says_which_release_has_a_question() {
    let asks = "[services.web]\nprompts.REGION = { label = \"Where\", required = true }\n";
    let world = World::with(&POLICY.replace("[services.web]\n", asks));
    for id in ["db@1.0.0", "web@1.0.0"] {
        world.release(id);
        world.advance(id, 2);
    }
    let error = start(&world, &["db@1.0.0", "web@1.0.0"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    assert!(error.sentence.starts_with("web@1.0.0: ") && error.sentence.contains("REGION"), "{error}");
    assert_eq!(error.hints, ["deploy it by itself: relman deploy web@1.0.0 dev --after ID"]);
    assert!(world.machine.launched.borrow().is_empty());
}

#[test]
fn all_of_a_chain_is_recorded_or_nothing() {
    let world = world();
    world.as_("erin", |cx| relman::ops::release::cancel::cancel(cx, &release_id("web@1.0.0"), "no")).unwrap();
    let (result, entries) = world.journaled(|| start(&world, &["db@1.0.0", "web@1.0.0"]));
    assert_eq!(result.unwrap_err().kind, ErrorKind::Blocked);
    assert_eq!(entries, ["deployment.scheduled refused db@1.0.0, web@1.0.0 → dev"]);
    assert!(world.machine.launched.borrow().is_empty());
}

#[test]
fn circles_are_refused_with_their_names() {
    let world = world();
    let error = world
        .as_("alice", |cx| edit::edit(cx, &release_id("api@1.0.0"), &requires("web@1.0.0")))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.sentence.contains("api@1.0.0 → web@1.0.0 → api@1.0.0"), "{error}");
    let own = world
        .as_("alice", |cx| edit::edit(cx, &release_id("api@1.0.0"), &requires("api@0.9.0")))
        .unwrap_err();
    assert_eq!(own.kind, ErrorKind::Usage);
    let unknown = world
        .as_("alice", |cx| edit::edit(cx, &release_id("api@1.0.0"), &requires("wbe@1.0.0")))
        .unwrap_err();
    assert!(unknown.hints[0].contains("web"), "{unknown:?}");
    // Over the services of the configuration and over what a release requires.
    world.edit("db@1.0.0", &requires("web@0.9.0"));
    let circle = start(&world, &["db@1.0.0", "web@1.0.0", "api@1.0.0"]).unwrap_err();
    assert!(circle.sentence.contains("wait for each other"), "{circle}");
}

#[test]
fn what_a_release_requires_is_a_gate_of_each_environment() {
    let world = world();
    let report = world.gates("erin", "web@1.0.0", "dev");
    assert_eq!(closed(&report), ["needs"]);
    let error = world.start("erin", "web@1.0.0", "dev").unwrap_err();
    assert!(
        error.sentence.contains("requires api@1.0.0 or newer to be live here; nothing of it is"),
        "{error}"
    );
    assert_eq!(error.hints, ["first: relman deploy api@1.0.0 dev"]);
    // A newer one is as good; an older one is not.
    world.release("api@0.9.0");
    world.advance("api@0.9.0", 2);
    world.deploy("api@0.9.0", "dev");
    assert_eq!(closed(&world.gates("erin", "web@1.0.0", "dev")), ["needs"]);
    world.release("api@1.4.0");
    world.advance("api@1.4.0", 2);
    world.deploy("api@1.4.0", "dev");
    assert!(world.gates("erin", "web@1.0.0", "dev").allows());
    assert!(
        !world
            .gates("erin", "web@1.0.0", "production")
            .checks
            .iter()
            .any(|check| check.gate == GateId::Needs && check.answer.opens())
    );
}

#[test]
fn what_others_require_is_not_taken_from_under_them_without_a_word() {
    let world = world();
    world.deploy("db@1.0.0", "dev");
    for id in ["api@0.9.0", "api@1.4.0"] {
        world.release(id);
        world.advance(id, 2);
    }
    world.deploy("api@0.9.0", "dev");
    world.deploy("api@1.4.0", "dev");
    world.deploy("web@1.0.0", "dev");
    let report = world.gates("erin", "api@0.9.0", "dev");
    assert_eq!(closed(&report), ["needs"]);
    let error = world.start("erin", "api@0.9.0", "dev").unwrap_err();
    assert!(error.sentence.contains("web@1.0.0 is live here and requires 1.0.0 or newer"), "{error}");
    // 1.0.0 is older than what is live and new enough for web.
    assert!(world.gates("erin", "api@1.0.0", "dev").allows());
    // A rollback is not held up, but says so first.
    let choices = relman::ops::deployment::rollback::choices;
    let offered = world.as_("erin", |cx| choices(cx, &"api".parse().unwrap(), &env_name("dev"))).unwrap();
    assert_eq!(offered.candidates[0].needed_by[0].by, release_id("web@1.0.0"));
    world.roll_back("api", "dev").unwrap();
}

#[test]
fn a_chain_waits_only_for_what_is_not_there_yet() {
    let world = world();
    world.deploy("api@1.0.0", "dev");
    let started = start(&world, &["web@1.0.0", "api@1.0.0"]).unwrap();
    assert_eq!(after(&world, started[0].deployment.id.0), [] as [i64; 0]);
}

#[test]
fn a_queued_one_may_come_after_another_by_its_number() {
    let mut world = world();
    let first = world.schedule("db@1.0.0", "dev", Duration::from_mins(5));
    let later = Later { after: vec![first.id], ..world.later(None) };
    let wanted = relman::ops::deployment::start::StartDeploy {
        later: Some(later),
        ..relman::ops::deployment::start::StartDeploy::new(release_id("api@1.0.0"), env_name("dev"))
    };
    let second =
        world.as_("erin", |cx| relman::ops::deployment::start::start(cx, &wanted)).unwrap().deployment;
    assert!(second.wait.as_ref().unwrap().to_string().ends_with(", after #1"));
    world.as_("erin", |cx| relman::ops::deployment::cancel::cancel(cx, first.id, None)).unwrap();
    world.turn(second.id);
    assert_eq!(world.deployment(second.id).state, S::Cancelled);
    let late = world.as_("erin", |cx| relman::ops::deployment::start::start(cx, &wanted)).unwrap_err();
    assert!(late.sentence.contains("#1 did not succeed (cancelled)"), "{late}");
    world.pass(Duration::from_mins(1));
}
