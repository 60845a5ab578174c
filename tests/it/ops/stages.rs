//! Does a release move through the seven stages as its configuration demands, and back as long as it may?

use std::time::Duration;

use relman::domain::approval::Verdict;
use relman::domain::deployment::DeploymentState;
use relman::domain::digest::Digest;
use relman::domain::gate::stage_exit::ExitAnswer;
use relman::domain::journal::Verb;
use relman::domain::policy::StageGate;
use relman::domain::release::{Level, Release, ReleaseKind, ReleaseState, Stage};
use relman::ops::release::advance::{Advanced, advance};
use relman::ops::release::back::back;
use relman::ops::release::block::block;
use relman::ops::release::create::{NewRelease, create};
use relman::ops::release::edit::Edit;
use relman::ops::release::evidence::{record_check, tick};
use relman::ops::{ErrorKind, OpError};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{World, release_id};

const API: &str = "api@1.0.0";

const STRICT: &str = r#"
[groups]
managers = ["bob"]
[environments.production]
kind = "production"
approvals = [{ from = "managers" }]
[services.api]
pipeline = ["production"]
scripts = { deploy = ["./deploy.sh"] }
[stages.request]
require = ["described"]
approvals = [{ from = "managers" }]
[stages.plan]
require = ["owner", "target-date", "risk", "rollback-plan"]
[stages.build]
require = ["artifact"]
[stages.test]
require = ["checks"]
checks = ["unit"]
[stages.prepare]
require = ["checklist"]
checklist = ["Backup taken"]
[stages.review]
require = ["outcome", "retrospective"]
"#;

/// A release that begins in `stage`, where everything is required.
fn strict(stage: &str) -> World {
    let world = World::with(&format!("{STRICT}[process.standard]\nenter = \"{stage}\"\n"));
    world.release(API);
    world
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[track_caller]
fn advanced(world: &World) -> Advanced {
    done(world, "alice", Verb::ReleaseAdvanced, API, |cx| advance(cx, &release_id(API)))
}

#[track_caller]
fn held(world: &World) -> OpError {
    let before = world.stored(API);
    let error = refused(world, "alice", ErrorKind::Blocked, (Verb::ReleaseAdvanced, API), |cx| {
        advance(cx, &release_id(API))
    });
    assert_eq!(world.stored(API), before);
    error
}

#[track_caller]
fn moved_back(world: &World, to: Option<Stage>) -> Release {
    done(world, "alice", Verb::ReleaseMovedBack, API, |cx| back(cx, &release_id(API), to, "once more"))
}

/// A release in the deploy stage of the ordinary policy.
fn in_deploy() -> World {
    let world = World::new();
    world.release(API);
    world.advance(API, 5);
    world
}

#[test]
fn a_release_without_any_evidence_walks_to_the_deploy_stage() {
    let world = World::new();
    world.release(API);
    let walked: Vec<Stage> = (0..5).map(|_| advanced(&world).release.stage).collect();
    assert_eq!(walked, [Stage::Plan, Stage::Build, Stage::Test, Stage::Prepare, Stage::Deploy]);
}

#[test]
fn a_gap_is_shown_and_does_not_block() {
    let world = World::new();
    world.release(API);
    let checks = advanced(&world).checks;
    assert!(matches!(checks[0].answer, ExitAnswer::Gap { .. }), "{checks:?}");
    let told = world.last_entry().1.detail.unwrap();
    assert_eq!(told, serde_json::to_value(&checks).unwrap());
}

#[test]
fn moving_on_notes_when_the_stage_began_and_a_new_revision() {
    let mut world = World::new();
    world.release(API);
    world.pass(Duration::from_mins(5));
    let release = advanced(&world).release;
    assert_eq!((release.stage_since, release.revision), (world.now, 2));
    assert_eq!(world.stored(API), release);
}

#[test]
fn a_request_is_left_when_it_is_described_and_approved() {
    let world = strict("request");
    let error = held(&world);
    assert!(error.sentence.contains("described: what it is needed for is not recorded"), "{error}");
    assert!(error.sentence.contains("approved: 0 of 1 from managers"), "{error}");
    assert_eq!(error.hints[1], format!("bob may: relman approve {API}"));
    world.edit(API, &Edit { need: text("carts vanish"), ..Edit::default() });
    world.decide("bob", API, None, Verdict::Approved).unwrap();
    assert_eq!(advanced(&world).release.stage, Stage::Plan);
}

#[test]
fn a_request_that_changed_after_its_approval_needs_another() {
    let world = strict("request");
    world.decide("bob", API, None, Verdict::Approved).unwrap();
    world.edit(API, &Edit { need: text("something else"), ..Edit::default() });
    let error = held(&world);
    assert!(error.sentence.contains("bob's does not count: it was given for other content"), "{error}");
}

#[test]
fn a_plan_is_left_when_every_required_field_is_there() {
    let world = strict("plan");
    let error = held(&world);
    assert_eq!(error.hints.len(), 4, "{error:?}");
    world.edit(API, &Edit { owner: text("carol"), risk: Some(Level::Low), ..Edit::default() });
    let error = held(&world);
    assert!(error.sentence.contains("target-date") && error.sentence.contains("rollback-plan"), "{error}");
    world.edit(API, &Edit { target: Some(world.now), rollback_plan: text("1.0.0 again"), ..Edit::default() });
    assert_eq!(advanced(&world).release.stage, Stage::Build);
}

#[test]
fn a_build_is_left_when_the_artifact_has_a_digest() {
    let world = strict("build");
    world.edit(API, &Edit { artifact: text("registry/api:1.0.0"), ..Edit::default() });
    let error = held(&world);
    assert!(error.hints[0].contains("--digest"), "{error:?}");
    world.edit(API, &Edit { digest: Some(Digest::of(b"image")), ..Edit::default() });
    assert_eq!(advanced(&world).release.stage, Stage::Test);
}

#[test]
fn a_test_stage_is_left_when_its_checks_passed() {
    let world = strict("test");
    let error = held(&world);
    assert_eq!(error.hints, [format!("relman check record {API} unit passed")]);
    world.as_("carol", |cx| record_check(cx, &release_id(API), "unit", true, None)).unwrap();
    assert_eq!(advanced(&world).release.stage, Stage::Prepare);
}

#[test]
fn a_preparation_is_left_when_its_checklist_is_done() {
    let world = strict("prepare");
    let error = held(&world);
    assert_eq!(error.hints, [format!("relman checklist tick {API} \"Backup taken\"")]);
    world.as_("carol", |cx| tick(cx, &release_id(API), "Backup taken")).unwrap();
    assert_eq!(advanced(&world).release.stage, Stage::Deploy);
}

#[test]
fn a_review_is_left_when_outcome_and_retrospective_are_there() {
    let world = strict("review");
    let error = held(&world);
    assert!(error.sentence.contains("outcome") && error.sentence.contains("retrospective"), "{error}");
    world.edit(API, &Edit { outcome: text("2 % faster"), retrospective: text("calm"), ..Edit::default() });
    assert_eq!(advanced(&world).release.state, ReleaseState::Closed);
}

#[test]
fn the_deploy_stage_is_not_left_before_the_release_is_live_at_the_end_of_its_pipeline() {
    let world = in_deploy();
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    let error = held(&world);
    assert!(error.sentence.contains("it is not live in production"), "{error}");
    assert_eq!(error.hints, [format!("relman deploy {API} production")]);
}

#[test]
fn the_deploy_stage_is_left_when_the_release_is_live() {
    let mut world = World::new();
    world.ready(API);
    world.deploy(API, "production");
    assert_eq!(advanced(&world).release.stage, Stage::Review);
}

#[test]
fn a_failed_redeployment_means_that_the_release_is_not_known_to_be_live() {
    let mut world = World::new();
    world.ready(API);
    world.deploy(API, "production");
    world.end(&world.running(API, "production"), DeploymentState::Failed);
    assert!(held(&world).sentence.contains("it is not live in production"));
}

#[test]
fn a_release_that_leaves_the_review_is_closed_for_good() {
    let mut world = World::new();
    world.ready(API);
    world.deploy(API, "production");
    world.advance(API, 1);
    let release = advanced(&world).release;
    assert_eq!((release.state, release.stage), (ReleaseState::Closed, Stage::Review));
    let error = refused(&world, "alice", ErrorKind::Conflict, (Verb::ReleaseAdvanced, API), |cx| {
        advance(cx, &release_id(API))
    });
    assert!(error.sentence.contains("is closed"), "{error}");
}

#[test]
fn a_blocked_release_does_not_move_on() {
    let world = World::new();
    world.release(API);
    world.as_("bob", |cx| block(cx, &release_id(API), "licence unclear")).unwrap();
    let error = held(&world);
    assert!(error.sentence.ends_with("is blocked by bob: licence unclear"), "{error}");
    assert!(error.hints[0].contains("relman release unblock"), "{error:?}");
}

#[test]
fn what_a_hotfix_skips_is_said_and_does_not_block() {
    let world = World::with(&format!(
        "{STRICT}[process.hotfix]\nenter = \"test\"\nskip = [\"checks\", \"checklist\"]\n"
    ));
    let new = NewRelease { kind: ReleaseKind::Hotfix, ..NewRelease::default() };
    world.as_("alice", |cx| create(cx, &release_id(API), &new)).unwrap();
    let checks = advanced(&world).checks;
    assert_eq!(checks[0].answer, ExitAnswer::Skipped { why: "a hotfix release skips it".to_owned() });
}

#[test]
fn an_unknown_release_does_not_move() {
    let world = World::new();
    mistaken(&world, "alice", ErrorKind::NotFound, |cx| advance(cx, &release_id(API)));
}

#[test]
fn a_release_goes_back_one_stage_when_none_is_named() {
    let mut world = World::new();
    world.release(API);
    world.advance(API, 3);
    world.pass(Duration::from_mins(1));
    let release = moved_back(&world, None);
    assert_eq!((release.stage, release.stage_since), (Stage::Build, world.now));
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("once more"));
    assert_eq!(world.stored(API), release);
}

#[test]
fn a_release_goes_back_to_the_stage_that_is_named() {
    assert_eq!(moved_back(&in_deploy(), Some(Stage::Plan)).stage, Stage::Plan);
}

/// A release in the deploy stage with a check and a tick.
fn with_evidence() -> World {
    let world = strict("deploy");
    world.as_("carol", |cx| record_check(cx, &release_id(API), "unit", true, None)).unwrap();
    world.as_("carol", |cx| tick(cx, &release_id(API), "Backup taken")).unwrap();
    world
}

#[test]
fn going_back_before_the_tests_voids_the_checks() {
    let release = moved_back(&with_evidence(), Some(Stage::Build));
    assert!(release.checks.is_empty() && release.ticks.is_empty());
}

#[test]
fn going_back_to_the_tests_keeps_the_checks_and_voids_the_ticks() {
    let release = moved_back(&with_evidence(), Some(Stage::Test));
    assert_eq!((release.checks.len(), release.ticks.len()), (1, 0));
}

#[test]
fn going_back_to_the_preparation_keeps_checks_and_ticks() {
    let release = moved_back(&with_evidence(), Some(Stage::Prepare));
    assert_eq!((release.checks.len(), release.ticks.len()), (1, 1));
}

#[test]
fn going_back_voids_the_approvals_of_environments() {
    let world = strict("deploy");
    let given = world.approve("bob", API, "production");
    moved_back(&world, Some(Stage::Prepare));
    let all = world.store.read(|tx| relman::store::approvals::list_of(tx, &release_id(API))).unwrap();
    assert_eq!(all[0].ended_why.as_deref(), Some("the release was moved back to prepare"));
    assert_eq!(all[0].ended_at, Some(world.now));
    let voided = world.last_entry().1.detail.unwrap();
    assert_eq!(
        voided,
        serde_json::json!([given]),
        "the whole decision, so that it can be read without the store"
    );
}

#[test]
fn going_back_to_the_plan_keeps_the_approval_of_the_request() {
    let world = strict("deploy");
    world.decide("bob", API, None, Verdict::Approved).unwrap();
    moved_back(&world, Some(Stage::Plan));
    let all = world.store.read(|tx| relman::store::approvals::list_of(tx, &release_id(API))).unwrap();
    assert_eq!(all[0].ended_at, None);
}

#[test]
fn going_back_to_the_request_voids_its_approval() {
    let world = strict("deploy");
    world.decide("bob", API, None, Verdict::Approved).unwrap();
    moved_back(&world, Some(Stage::Request));
    let all = world.store.read(|tx| relman::store::approvals::list_of(tx, &release_id(API))).unwrap();
    assert_eq!(all[0].ended_at, Some(world.now));
}

#[test]
fn there_is_nothing_before_the_first_stage() {
    let world = World::new();
    world.release(API);
    let error = refused(&world, "alice", ErrorKind::Conflict, (Verb::ReleaseMovedBack, API), |cx| {
        back(cx, &release_id(API), None, "once more")
    });
    assert!(error.sentence.contains("in its first stage already"), "{error}");
}

#[test]
fn back_does_not_lead_forward() {
    let world = World::new();
    world.release(API);
    for to in [Stage::Request, Stage::Deploy] {
        refused(&world, "alice", ErrorKind::Conflict, (Verb::ReleaseMovedBack, API), |cx| {
            back(cx, &release_id(API), Some(to), "once more")
        });
    }
    assert_eq!(world.stored(API).stage, Stage::Request);
}

#[test]
fn going_back_needs_a_reason() {
    let world = in_deploy();
    mistaken(&world, "alice", ErrorKind::Usage, |cx| back(cx, &release_id(API), None, ""));
}

#[test]
fn a_release_that_was_in_staging_may_go_back() {
    let world = in_deploy();
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    assert_eq!(moved_back(&world, Some(Stage::Build)).stage, Stage::Build);
}

#[test]
fn a_release_that_touched_production_does_not_go_back() {
    let mut world = World::new();
    world.ready(API);
    world.end(&world.running(API, "production"), DeploymentState::Failed);
    let error = refused(&world, "alice", ErrorKind::Blocked, (Verb::ReleaseMovedBack, API), |cx| {
        back(cx, &release_id(API), None, "once more")
    });
    assert!(error.sentence.contains("has been deployed to production"), "{error}");
    assert_eq!(world.stored(API).stage, Stage::Deploy);
}

#[test]
fn a_deployment_that_never_began_did_not_touch_production() {
    let mut world = World::new();
    world.ready(API);
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    world.start("erin", API, "production").unwrap_err();
    assert_eq!(moved_back(&world, None).stage, Stage::Prepare);
}

#[test]
fn a_release_that_was_live_may_leave_after_another_took_its_place() {
    let mut world = World::new();
    world.ready(API);
    let first = world.deploy(API, "production");
    world.ready("api@1.1.0");
    let second = world.deploy("api@1.1.0", "production");
    let release = world.as_("alice", |cx| advance(cx, &release_id(API))).unwrap();
    assert_eq!(release.release.stage, Stage::Review);
    let live = release.checks.iter().find(|check| check.gate == StageGate::Live).unwrap();
    let evidence = format!("was live in production ({}) until {} of api@1.1.0", first.id, second.id);
    assert_eq!(live.answer, ExitAnswer::Met { evidence });
}

#[test]
fn a_release_that_failed_again_after_it_was_live_does_not_leave() {
    let mut world = World::new();
    world.ready(API);
    world.deploy(API, "production");
    world.end(&world.running(API, "production"), DeploymentState::Failed);
    let error = world.as_("alice", |cx| advance(cx, &release_id(API))).unwrap_err();
    assert!(error.sentence.contains("live"), "{error}");
}
