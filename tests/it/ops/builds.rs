//! Runs of the build script: started once at a time, stopped, lost, and recorded with what they made.

use relman::domain::deployment::{CancelKind, Cause};
use relman::domain::digest::Digest;
use relman::domain::journal::Verb;
use relman::domain::policy::ScriptRole;
use relman::domain::release::build::{CHECK, Made};
use relman::domain::release::{BuildState, Release};
use relman::ops::build::{self, Ended};
use relman::ops::release::back;
use relman::ops::{ErrorKind, Liveness, OpError};
use std::time::Duration;

use super::on_record::{done, refused};
use super::verbs::{API, Act};
use crate::support::world::{World, release_id};

/// In the build stage, with a build script.
pub(super) fn buildable() -> World {
    let mut world = World::new();
    let service = world.policy.services.get_mut(&"api".parse().unwrap()).unwrap();
    service.scripts.insert(ScriptRole::Build, vec!["./build.sh".to_owned()]);
    world.release(API);
    world.advance(API, 2);
    world
}

fn building() -> World {
    let world = buildable();
    start(&world, "alice").unwrap();
    world
}

fn start(world: &World, who: &str) -> Result<Release, OpError> {
    world.as_(who, |cx| build::start(cx, &release_id(API))).map(|(release, _)| release)
}

fn stop(world: &World, who: &str) -> Result<Release, OpError> {
    world.as_(who, |cx| build::cancel(cx, &release_id(API), None))
}

fn end(world: &World, cause: Cause, made: Made) -> Result<Release, OpError> {
    let ended = Ended { cause, log_size: 3, log_digest: Digest::of(b"log"), made, report: None };
    world.as_("alice", |cx| build::finish(cx, &release_id(API), cx_number(cx), &ended))
}

fn cx_number(cx: &relman::ops::Ctx<'_>) -> usize {
    build::tail(cx, &release_id(API)).unwrap().0
}

/// What a person does to cause one of these verbs.
pub(super) fn deed(verb: Verb) -> Option<(fn() -> World, Act)> {
    match verb {
        Verb::RunStarted => Some((buildable, |w| start(w, "alice").map(drop))),
        Verb::RunCancelRequested => Some((building, |w| stop(w, "bob").map(drop))),
        _ => None,
    }
}

/// What is refused of these verbs.
pub(super) fn misdeed(verb: Verb) -> Option<Act> {
    match verb {
        Verb::RunStarted => Some(|w| {
            start(w, "alice").unwrap();
            start(w, "bob").map(drop)
        }),
        Verb::RunCancelRequested => Some(|w| stop(w, "bob").map(drop)),
        _ => None,
    }
}

fn made(name: &str) -> Made {
    Made {
        artifact: Some(format!("registry/{name}")),
        digest: Some(Digest::of(name.as_bytes())),
        commit: None,
        report: None,
    }
}

#[test]
fn what_a_build_made_is_recorded_and_its_check_is_about_that() {
    let world = buildable();
    let begun = done(&world, "alice", Verb::RunStarted, API, |cx| {
        build::start(cx, &release_id(API)).map(|(release, number)| {
            assert_eq!(number, 1);
            release
        })
    });
    assert_eq!(begun.build.runs[0].state, BuildState::Running);
    let ticket = world.machine.built.borrow()[0].clone();
    assert_eq!(ticket.argv, ["./build.sh"]);
    assert_eq!(ticket.vars["RELMAN_KIND"], "build");
    assert_eq!(ticket.vars["RELMAN_BUILD"], "1");
    assert!(!begun.checks.contains_key(CHECK), "nothing is said before it has ended");

    let first = end(&world, Cause::Completed, made("one")).unwrap();
    assert_eq!(first.build.artifact.as_deref(), Some("registry/one"));
    assert_eq!(first.build.digest, Some(Digest::of(b"one")));
    let check = first.valid_check(CHECK).expect("it is about what was made");
    assert!(check.passed);
    assert_eq!(check.report, Some(Digest::of(b"log")));
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("build 1 passed after 0s"));

    // A second one that fails leaves what was made, and says that it did not pass.
    start(&world, "bob").unwrap();
    let second = end(&world, Cause::Exit { code: 3 }, made("two")).unwrap();
    assert_eq!(second.build.artifact.as_deref(), Some("registry/one"));
    assert!(!second.valid_check(CHECK).unwrap().passed);
    assert_eq!(second.build.runs[1].state, BuildState::Failed);
    assert_eq!(second.build.runs[1].ended.as_ref().unwrap().made, made("two"), "and is kept with the run");
    assert_eq!(end(&world, Cause::Completed, made("x")).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn one_runs_at_a_time_and_only_where_something_can_still_be_built() {
    let world = building();
    let error = refused(&world, "bob", ErrorKind::Conflict, (Verb::RunStarted, API), |cx| {
        build::start(cx, &release_id(API)).map(drop)
    });
    assert!(error.sentence.contains("build 1 of api@1.0.0 is running, started by alice"), "{error}");
    assert!(error.hints[1].contains("--cancel"), "{error:?}");
    end(&world, Cause::Completed, Made::default()).unwrap();
    world.advance(API, 3);
    let error = start(&world, "alice").unwrap_err();
    assert!(error.hints[0].contains("relman release back api@1.0.0 --to build"), "{error:?}");
    world.as_("alice", |cx| back::back(cx, &release_id(API), None, "again")).unwrap();
    start(&world, "alice").unwrap();
    let none = World::new();
    none.release(API);
    none.advance(API, 2);
    let error = start(&none, "alice").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.hints[0].contains("[services.api.scripts] build"), "{error:?}");
}

#[test]
fn a_second_wish_to_stop_kills_and_a_cancelled_build_proves_nothing() {
    let world = building();
    let once = stop(&world, "alice").unwrap();
    assert_eq!(once.build.runs[0].cancel.as_ref().unwrap().kind, CancelKind::Gentle);
    let twice = stop(&world, "alice").unwrap();
    assert_eq!(twice.build.runs[0].cancel.as_ref().unwrap().kind, CancelKind::Kill);
    let ended = end(&world, Cause::Cancelled { by: "alice".to_owned() }, made("half")).unwrap();
    assert_eq!(ended.build.runs[0].state, BuildState::Cancelled);
    assert_eq!(ended.build.artifact, None);
    assert!(!ended.checks.contains_key(CHECK));
    assert!(
        stop(&world, "alice").unwrap_err().sentence.contains("nothing of api@1.0.0 is being built or tested")
    );
}

#[test]
fn a_build_whose_process_is_gone_is_lost_and_another_may_begin() {
    let mut world = building();
    *world.machine.build_liveness.borrow_mut() = Liveness::Gone;
    let reconcile = |world: &World| world.as_("bob", build::reconcile).unwrap();
    assert_eq!(reconcile(&world), [], "it may be about to begin");
    world.pass(Duration::from_mins(1));
    *world.machine.build_liveness.borrow_mut() = Liveness::Alive;
    assert_eq!(reconcile(&world), []);
    *world.machine.build_liveness.borrow_mut() = Liveness::Gone;
    world.machine.host = "elsewhere".to_owned();
    assert_eq!(reconcile(&world), [], "of another machine nothing is known");
    world.machine.host = "bastion".to_owned();
    let lost = done(&world, "bob", Verb::RunEnded, API, |cx| {
        build::reconcile(cx).map(|mut lost| lost.pop().expect("one was lost"))
    });
    assert_eq!(lost.build.runs[0].state, BuildState::Lost);
    assert!(lost.build.runs[0].told(1).contains("its process was ended"), "{}", lost.build.runs[0].told(1));
    assert!(!lost.checks.contains_key(CHECK));
    start(&world, "alice").unwrap();
}

#[test]
fn one_that_could_not_be_started_is_over_with_the_reason() {
    let world = buildable();
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    let error = start(&world, "alice").unwrap_err();
    assert_eq!(error.sentence, "build 1 of api@1.0.0 did not start: no memory");
    *world.machine.launch.borrow_mut() = Ok(());
    assert_eq!(start(&world, "alice").unwrap().build.runs.len(), 2);
}

#[test]
fn a_check_is_about_what_there_was_when_it_began() {
    use relman::ops::release::edit::{Edit, edit};
    let mut world = buildable();
    let service = world.policy.services.get_mut(&"api".parse().unwrap()).unwrap();
    service.checks.insert("unit".to_owned(), vec!["./unit.sh".to_owned()]);
    world.policy.stages.entry(relman::domain::release::Stage::Test).or_default().checks =
        vec!["unit".to_owned()];
    let run = |world: &World| world.as_("alice", |cx| build::check(cx, &release_id(API), "unit")).unwrap();
    let (begun, number) = run(&world);
    assert_eq!((begun.build.runs[0].name(1).as_str(), number), ("unit (run 1)", 1));
    assert_eq!(world.machine.built.borrow()[0].vars["RELMAN_CHECK"], "unit");
    let change = Edit { artifact: Some("other.tar".to_owned()), ..Edit::default() };
    world.as_("bob", |cx| edit(cx, &release_id(API), &change)).unwrap();
    let ended = end(&world, Cause::Completed, made("x")).unwrap();
    assert!(ended.checks["unit"].passed);
    assert!(ended.valid_check("unit").is_none(), "what there is now was not tested");
    assert_eq!(ended.build.artifact.as_deref(), Some("other.tar"), "a check makes nothing");
    run(&world);
    let ended = end(&world, Cause::Completed, Made::default()).unwrap();
    assert!(ended.valid_check("unit").is_some());
}
