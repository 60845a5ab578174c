//! Are releases registered, edited, found, blocked and given up as asked, and is each act on record?

use std::time::Duration;

use relman::domain::digest::Digest;
use relman::domain::journal::Verb;
use relman::domain::release::{Level, Origin, Release, ReleaseKind, ReleaseState, Stage};
use relman::ops::ErrorKind;
use relman::ops::release::block::{block, unblock};
use relman::ops::release::cancel::cancel;
use relman::ops::release::create::{NewRelease, create};
use relman::ops::release::edit::{Edit, edit};
use relman::ops::release::find::find;

use super::on_record::{done, mistaken, refused};
use crate::support::world::{World, release_id};

const HOTFIX: &str = r#"
[environments.production]
[services.api]
pipeline = ["production"]
scripts = { deploy = ["./deploy.sh"] }
[process.hotfix]
enter = "build"
"#;

fn titled(title: &str) -> NewRelease {
    NewRelease { title: Some(title.to_owned()), ..NewRelease::default() }
}

fn retitled(title: &str) -> Edit {
    Edit { title: Some(title.to_owned()), ..Edit::default() }
}

/// The records before and after an act as its entry tells them.
fn told(world: &World) -> (Release, Release) {
    let body = world.last_entry().1;
    let record = |value: Option<serde_json::Value>| serde_json::from_value(value.unwrap()).unwrap();
    (record(body.before), record(body.after))
}

fn found(world: &World, text: &str) -> String {
    world.as_("alice", |cx| find(cx, &text.parse().unwrap())).unwrap().to_string()
}

#[test]
fn a_new_release_is_open_in_its_first_stage() {
    let world = World::new();
    let new = NewRelease {
        origin: Origin::Incident,
        need: Some("carts vanish".to_owned()),
        priority: Some(Level::High),
        digest: Some(Digest::of(b"image")),
        changes: vec!["fix: keep carts".to_owned()],
        ..titled("Carts")
    };
    let release = done(&world, "alice", Verb::ReleaseCreated, "api@1.0.0", |cx| {
        create(cx, &release_id("api@1.0.0"), &new)
    });
    assert_eq!(
        (release.state, release.stage, release.entered),
        (ReleaseState::Open, Stage::Request, Stage::Request)
    );
    assert_eq!((release.title.as_str(), release.revision), ("Carts", 1));
    assert_eq!(
        (release.created_by.name.as_str(), release.request.requester.name.as_str()),
        ("alice", "alice")
    );
    assert_eq!((release.request.origin, release.request.priority), (Origin::Incident, Some(Level::High)));
    assert_eq!(release.build.changes, ["fix: keep carts"]);
    assert_eq!(world.stored("api@1.0.0"), release);
}

#[test]
fn the_entry_of_a_new_release_holds_its_whole_record() {
    let world = World::new();
    world.release("api@1.0.0");
    let body = world.last_entry().1;
    assert_eq!(body.before, None);
    assert_eq!(serde_json::from_value::<Release>(body.after.unwrap()).unwrap(), world.stored("api@1.0.0"));
}

#[test]
fn a_release_without_a_title_goes_by_its_name() {
    assert_eq!(World::new().release("api@1.0.0").title, "api@1.0.0");
}

#[test]
fn a_second_release_of_the_same_version_is_refused() {
    let world = World::new();
    world.release("api@1.0.0");
    let error = refused(&world, "bob", ErrorKind::Conflict, (Verb::ReleaseCreated, "api@1.0.0"), |cx| {
        create(cx, &release_id("api@1.0.0"), &titled("Another"))
    });
    assert!(error.sentence.contains("open in the request stage, by alice"), "{error}");
    assert_eq!(world.stored("api@1.0.0").title, "api@1.0.0");
}

#[test]
fn versions_that_differ_in_build_metadata_are_two_releases() {
    let world = World::new();
    world.release("api@1.0.0+a");
    done(&world, "alice", Verb::ReleaseCreated, "api@1.0.0+b", |cx| {
        create(cx, &release_id("api@1.0.0+b"), &NewRelease::default())
    });
}

#[test]
fn an_unknown_service_is_answered_with_the_one_that_was_meant() {
    let world = World::new();
    let error = mistaken(&world, "alice", ErrorKind::NotFound, |cx| {
        create(cx, &release_id("apo@1.0.0"), &NewRelease::default())
    });
    assert_eq!(error.hints, ["did you mean api?"]);
}

#[test]
fn a_service_like_no_other_is_answered_with_the_list() {
    let world = World::new();
    let error = mistaken(&world, "alice", ErrorKind::NotFound, |cx| {
        create(cx, &release_id("warehouse@1.0.0"), &NewRelease::default())
    });
    assert_eq!(error.hints, ["services: api, web"]);
}

#[test]
fn a_hotfix_enters_the_stage_its_process_names() {
    let world = World::with(HOTFIX);
    let new = NewRelease { kind: ReleaseKind::Hotfix, ..NewRelease::default() };
    let release = done(&world, "alice", Verb::ReleaseCreated, "api@1.0.1", |cx| {
        create(cx, &release_id("api@1.0.1"), &new)
    });
    assert_eq!((release.stage, release.entered), (Stage::Build, Stage::Build));
}

#[test]
fn a_standard_release_does_not_take_the_way_of_a_hotfix() {
    assert_eq!(World::with(HOTFIX).release("api@1.0.1").stage, Stage::Request);
}

#[test]
fn control_characters_in_a_title_are_recorded_as_pictures() {
    let world = World::new();
    let release = world
        .as_("alice", |cx| create(cx, &release_id("api@1.0.0"), &titled("se\u{1b}[31march\u{202e}")))
        .unwrap();
    assert_eq!(release.title, "se␛[31march<U+202E>");
}

#[test]
fn a_blank_title_is_a_mistake() {
    let world = World::new();
    let error = mistaken(&world, "alice", ErrorKind::Usage, |cx| {
        create(cx, &release_id("api@1.0.0"), &titled(" \n "))
    });
    assert!(error.sentence.contains("title is empty"), "{error}");
}

#[test]
fn a_title_without_end_is_a_mistake() {
    let world = World::new();
    let error = mistaken(&world, "alice", ErrorKind::Usage, |cx| {
        create(cx, &release_id("api@1.0.0"), &titled(&"x".repeat(201)))
    });
    assert!(error.sentence.contains("201 of 200"), "{error}");
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let mut world = World::new();
    let before = world.release("api@1.0.0");
    world.pass(Duration::from_mins(1));
    let change = Edit { owner: Some("carol".to_owned()), risk: Some(Level::Low), ..Edit::default() };
    let after = done(&world, "bob", Verb::ReleaseEdited, "api@1.0.0", |cx| edit(cx, &before.id, &change));
    let mut expected = before.clone();
    expected.plan.owner = Some("carol".to_owned());
    expected.plan.risk = Some(Level::Low);
    expected.plan.version = 1;
    expected.plan.risk_said = after.plan.risk_said.clone();
    expected.revision = 2;
    expected.updated_at = world.now;
    assert_eq!(after, expected);
    assert_eq!(told(&world), (before, after));
}

#[test]
fn an_edit_made_on_an_older_revision_is_refused() {
    let world = World::new();
    let seen = world.release("api@1.0.0").revision;
    world.edit("api@1.0.0", &retitled("Faster"));
    let change = Edit { seen: Some(seen), ..retitled("Slower") };
    let error = refused(&world, "bob", ErrorKind::Conflict, (Verb::ReleaseEdited, "api@1.0.0"), |cx| {
        edit(cx, &release_id("api@1.0.0"), &change)
    });
    assert!(error.sentence.contains("changed by someone else"), "{error}");
    assert_eq!(world.stored("api@1.0.0").title, "Faster");
}

#[test]
fn an_edit_made_on_the_newest_revision_is_taken() {
    let world = World::new();
    world.release("api@1.0.0");
    let seen = Some(world.edit("api@1.0.0", &retitled("Faster")).revision);
    assert_eq!(world.edit("api@1.0.0", &Edit { seen, ..retitled("Slower") }).title, "Slower");
}

#[test]
fn an_edit_that_names_nothing_is_a_mistake() {
    let world = World::new();
    world.release("api@1.0.0");
    let change = Edit { seen: Some(1), ..Edit::default() };
    let error = mistaken(&world, "alice", ErrorKind::Usage, |cx| edit(cx, &release_id("api@1.0.0"), &change));
    assert_eq!(error.sentence, "nothing to change was named");
}

#[test]
fn control_characters_in_an_edit_are_recorded_as_pictures() {
    let world = World::new();
    world.release("api@1.0.0");
    let change = Edit { outcome: Some("fine\u{7}\r\nreally".to_owned()), ..Edit::default() };
    assert_eq!(world.edit("api@1.0.0", &change).review.outcome.as_deref(), Some("fine␇\nreally"));
}

#[test]
fn an_edit_of_an_unknown_release_is_a_mistake() {
    let world = World::new();
    let error = mistaken(&world, "alice", ErrorKind::NotFound, |cx| {
        edit(cx, &release_id("api@9.9.9"), &retitled("Faster"))
    });
    assert_eq!(error.sentence, "there is no release api@9.9.9");
}

#[test]
fn what_has_ended_is_not_edited() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    world.as_("alice", |cx| cancel(cx, &id, "no longer wanted")).unwrap();
    let before = world.stored("api@1.0.0");
    let error = refused(&world, "alice", ErrorKind::Conflict, (Verb::ReleaseEdited, "api@1.0.0"), |cx| {
        edit(cx, &id, &retitled("Faster"))
    });
    assert!(error.sentence.contains("is cancelled"), "{error}");
    assert_eq!(world.stored("api@1.0.0"), before);
}

#[test]
fn a_block_says_who_and_why() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    let release =
        done(&world, "bob", Verb::ReleaseBlocked, "api@1.0.0", |cx| block(cx, &id, "licence unclear"));
    let known = release.blocked.clone().unwrap();
    assert_eq!((known.by.name.as_str(), known.reason.as_str()), ("bob", "licence unclear"));
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("licence unclear"));
    assert_eq!(told(&world).1, release);
}

#[test]
fn a_blocked_release_is_not_blocked_again() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    world.as_("bob", |cx| block(cx, &id, "licence unclear")).unwrap();
    let error = refused(&world, "carol", ErrorKind::Conflict, (Verb::ReleaseBlocked, "api@1.0.0"), |cx| {
        block(cx, &id, "me too")
    });
    assert!(error.sentence.ends_with("by bob: licence unclear"), "{error}");
}

#[test]
fn a_block_needs_a_reason() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    mistaken(&world, "bob", ErrorKind::Usage, |cx| block(cx, &id, "  "));
    assert_eq!(world.stored("api@1.0.0").blocked, None);
}

#[test]
fn a_block_can_be_lifted() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    world.as_("bob", |cx| block(cx, &id, "licence unclear")).unwrap();
    let release =
        done(&world, "carol", Verb::ReleaseUnblocked, "api@1.0.0", |cx| unblock(cx, &id, "it is MIT"));
    assert_eq!(release.blocked, None);
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("it is MIT"));
}

#[test]
fn what_is_not_blocked_cannot_be_unblocked() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    refused(&world, "bob", ErrorKind::Conflict, (Verb::ReleaseUnblocked, "api@1.0.0"), |cx| {
        unblock(cx, &id, "why not")
    });
}

#[test]
fn a_cancelled_release_says_who_and_why() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    let release =
        done(&world, "bob", Verb::ReleaseCancelled, "api@1.0.0", |cx| cancel(cx, &id, "not wanted"));
    assert_eq!(release.state, ReleaseState::Cancelled);
    let ended = release.ended.clone().unwrap();
    assert_eq!((ended.by.name.as_str(), ended.reason.as_str()), ("bob", "not wanted"));
    assert_eq!(world.stored("api@1.0.0"), release);
}

#[test]
fn a_cancelled_release_is_not_cancelled_again() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    world.as_("bob", |cx| cancel(cx, &id, "not wanted")).unwrap();
    refused(&world, "bob", ErrorKind::Conflict, (Verb::ReleaseCancelled, "api@1.0.0"), |cx| {
        cancel(cx, &id, "really not")
    });
}

#[test]
fn a_release_is_not_cancelled_while_it_is_being_deployed() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    world.advance("api@1.0.0", 2);
    let running = world.running("api@1.0.0", "dev");
    let error = refused(&world, "alice", ErrorKind::Conflict, (Verb::ReleaseCancelled, "api@1.0.0"), |cx| {
        cancel(cx, &id, "not wanted")
    });
    assert!(error.sentence.contains("to dev is running"), "{error}");
    assert!(error.hints[0].contains(&format!("relman cancel {}", running.id.0)), "{error:?}");
    assert!(world.stored("api@1.0.0").is_open());
}

#[test]
fn a_release_is_not_cancelled_while_a_lost_deployment_of_it_waits_for_an_answer() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    world.advance("api@1.0.0", 2);
    world.lost("api@1.0.0", "dev");
    refused(&world, "alice", ErrorKind::Conflict, (Verb::ReleaseCancelled, "api@1.0.0"), |cx| {
        cancel(cx, &id, "not wanted")
    });
}

#[test]
fn a_release_may_be_cancelled_while_another_one_is_being_deployed() {
    let world = World::new();
    let id = world.release("api@1.0.0").id;
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 2);
    world.running("api@1.1.0", "dev");
    done(&world, "alice", Verb::ReleaseCancelled, "api@1.0.0", |cx| cancel(cx, &id, "not wanted"));
}

#[test]
fn a_release_is_found_by_its_whole_name() {
    let world = World::new();
    world.release("api@1.0.0");
    world.release("api@1.0.0-rc.1");
    assert_eq!(found(&world, "api@1.0.0"), "api@1.0.0");
}

#[test]
fn a_name_nobody_registered_is_not_found() {
    let world = World::new();
    world.release("api@1.0.0");
    let error = mistaken(&world, "alice", ErrorKind::NotFound, |cx| find(cx, &"api@2.0.0".parse().unwrap()));
    assert_eq!(error.sentence, "there is no release api@2.0.0");
}

#[test]
fn the_latest_release_is_the_highest_version_and_not_the_newest_row() {
    let world = World::new();
    for id in ["api@1.9.0", "api@1.10.0", "api@1.9.1", "web@3.0.0"] {
        world.release(id);
    }
    assert_eq!(found(&world, "api@latest"), "api@1.10.0");
}

#[test]
fn a_candidate_is_not_later_than_its_release() {
    let world = World::new();
    world.release("api@1.0.0");
    world.release("api@1.0.0-rc.9");
    assert_eq!(found(&world, "api@latest"), "api@1.0.0");
}

#[test]
fn a_service_without_releases_has_no_latest() {
    let world = World::new();
    let error = mistaken(&world, "alice", ErrorKind::NotFound, |cx| find(cx, &"api@latest".parse().unwrap()));
    assert_eq!(error.sentence, "there is no release of api");
}

#[test]
fn the_beginning_of_one_name_is_enough() {
    let world = World::new();
    world.release("api@1.0.0");
    world.release("web@1.0.0");
    assert_eq!(found(&world, "we"), "web@1.0.0");
}

#[test]
fn a_beginning_that_fits_several_names_them() {
    let world = World::new();
    world.release("api@1.0.0");
    world.release("api@1.0.1");
    let error = mistaken(&world, "alice", ErrorKind::Usage, |cx| find(cx, &"api@1".parse().unwrap()));
    assert_eq!(error.sentence, "api@1 fits more than one release: api@1.0.1, api@1.0.0");
}

#[test]
fn a_beginning_that_fits_nothing_is_not_found() {
    let world = World::new();
    world.release("api@1.0.0");
    mistaken(&world, "alice", ErrorKind::NotFound, |cx| find(cx, &"api@2".parse().unwrap()));
}

#[test]
fn an_underscore_in_a_beginning_stands_for_itself() {
    let world = World::new();
    world.release("api@1.0.0");
    mistaken(&world, "alice", ErrorKind::NotFound, |cx| find(cx, &"api@1_0".parse().unwrap()));
}

#[test]
fn a_beginning_tells_upper_from_lower_case() {
    let world = World::new();
    world.release("api@1.0.0-RC.1");
    world.release("api@1.0.0-rc.1");
    assert_eq!(found(&world, "api@1.0.0-RC."), "api@1.0.0-RC.1");
}
