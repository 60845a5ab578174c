//! Do checks count for the artifact they were made on, and checklist items once?

use relman::domain::digest::Digest;
use relman::domain::gate::GateId;
use relman::domain::journal::Verb;
use relman::domain::release::Stage;
use relman::ops::ErrorKind;
use relman::ops::release::advance::advance;
use relman::ops::release::edit::Edit;
use relman::ops::release::evidence::{record_check, tick};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{World, closed, release_id};

const TESTED: &str = r#"
[environments.production]
kind = "production"
[services.api]
pipeline = ["production"]
scripts = { deploy = ["./deploy.sh"] }
[process.standard]
enter = "test"
[stages.test]
require = ["checks"]
checks = ["unit", "uat"]
[stages.prepare]
require = ["checklist"]
checklist = ["Backup taken", "Runbook linked"]
"#;

fn world() -> World {
    let world = World::with(TESTED);
    world.release("api@1.0.0");
    built(&world, "one");
    world
}

fn built(world: &World, artifact: &str) {
    let digest = Some(Digest::of(artifact.as_bytes()));
    world.edit("api@1.0.0", &Edit { digest, ..Edit::default() });
}

fn passed(world: &World, name: &str) {
    world.as_("carol", |cx| record_check(cx, &release_id("api@1.0.0"), name, true, None)).unwrap();
}

#[test]
fn a_check_says_who_when_and_for_which_artifact() {
    let world = world();
    let release = done(&world, "carol", Verb::CheckRecorded, "api@1.0.0", |cx| {
        record_check(cx, &release_id("api@1.0.0"), "unit", true, Some("812 of 812"))
    });
    let check = release.checks["unit"].clone();
    assert_eq!((check.passed, check.by.name.as_str(), check.at), (true, "carol", world.now));
    assert_eq!((check.digest, check.note.as_deref()), (Some(Digest::of(b"one")), Some("812 of 812")));
    assert_eq!(world.last_entry().1.reason.as_deref(), Some("812 of 812"));
    assert_eq!(world.stored("api@1.0.0"), release);
}

#[test]
fn passed_checks_open_the_test_stage() {
    let world = world();
    passed(&world, "unit");
    passed(&world, "uat");
    world.advance("api@1.0.0", 1);
    assert_eq!(world.stored("api@1.0.0").stage, Stage::Prepare);
}

#[test]
fn a_check_counts_for_its_own_artifact_only() {
    let world = world();
    passed(&world, "unit");
    passed(&world, "uat");
    built(&world, "two");
    let error = refused(&world, "alice", ErrorKind::Blocked, (Verb::ReleaseAdvanced, "api@1.0.0"), |cx| {
        advance(cx, &release_id("api@1.0.0"))
    });
    assert!(error.sentence.contains("not passed for this artifact: unit, uat"), "{error}");
}

#[test]
fn a_check_counts_again_when_its_artifact_is_back() {
    let world = world();
    passed(&world, "unit");
    built(&world, "two");
    built(&world, "one");
    assert!(world.stored("api@1.0.0").valid_check("unit").is_some());
}

#[test]
fn a_failed_check_does_not_open_the_test_stage() {
    let world = world();
    passed(&world, "unit");
    world.as_("carol", |cx| record_check(cx, &release_id("api@1.0.0"), "uat", false, None)).unwrap();
    let error = refused(&world, "alice", ErrorKind::Blocked, (Verb::ReleaseAdvanced, "api@1.0.0"), |cx| {
        advance(cx, &release_id("api@1.0.0"))
    });
    assert!(error.sentence.contains("not passed for this artifact: uat"), "{error}");
}

#[test]
fn a_later_result_takes_the_place_of_an_earlier_one() {
    let world = world();
    passed(&world, "unit");
    let release = world
        .as_("dave", |cx| record_check(cx, &release_id("api@1.0.0"), "unit", false, Some("flaky")))
        .unwrap();
    assert_eq!((release.checks["unit"].passed, release.checks.len()), (false, 1));
}

#[test]
fn production_asks_for_checks_and_items_whatever_the_stage_says() {
    let world = World::with(&TESTED.replace("enter = \"test\"", "enter = \"deploy\""));
    world.release("api@1.0.0");
    assert_eq!(closed(&world.gates("alice", "api@1.0.0", "production")), ["checks", "checklist"]);
    passed(&world, "unit");
    passed(&world, "uat");
    for item in ["Backup taken", "Runbook linked"] {
        world.as_("dave", |cx| tick(cx, &release_id("api@1.0.0"), item)).unwrap();
    }
    assert!(world.gates("alice", "api@1.0.0", "production").allows());
}

#[test]
fn checks_on_another_artifact_do_not_open_production() {
    let world = World::with(&TESTED.replace("enter = \"test\"", "enter = \"deploy\""));
    world.release("api@1.0.0");
    passed(&world, "unit");
    passed(&world, "uat");
    built(&world, "two");
    let report = world.gates("alice", "api@1.0.0", "production");
    assert!(closed(&report).contains(&GateId::Checks.as_str()), "{}", report.headline());
}

#[test]
fn an_unknown_check_is_answered_with_the_one_that_was_meant() {
    let world = world();
    let error = mistaken(&world, "carol", ErrorKind::NotFound, |cx| {
        record_check(cx, &release_id("api@1.0.0"), "unti", true, None)
    });
    assert_eq!(error.hints, ["did you mean \"unit\"?"]);
}

#[test]
fn without_a_list_of_checks_the_answer_says_where_it_goes() {
    let world = World::new();
    world.release("api@1.0.0");
    let error = mistaken(&world, "carol", ErrorKind::NotFound, |cx| {
        record_check(cx, &release_id("api@1.0.0"), "unit", true, None)
    });
    assert!(error.hints[0].contains("[stages.test] checks is empty"), "{error:?}");
}

#[test]
fn a_ticked_item_says_who_and_when() {
    let world = world();
    let release = done(&world, "dave", Verb::ChecklistTicked, "api@1.0.0", |cx| {
        tick(cx, &release_id("api@1.0.0"), "Backup taken")
    });
    let tick = &release.ticks["Backup taken"];
    assert_eq!((tick.by.name.as_str(), tick.at), ("dave", world.now));
    assert_eq!(world.stored("api@1.0.0"), release);
}

#[test]
fn an_item_is_ticked_once() {
    let world = world();
    world.as_("dave", |cx| tick(cx, &release_id("api@1.0.0"), "Backup taken")).unwrap();
    let error = refused(&world, "erin", ErrorKind::Conflict, (Verb::ChecklistTicked, "api@1.0.0"), |cx| {
        tick(cx, &release_id("api@1.0.0"), "Backup taken")
    });
    assert!(error.sentence.starts_with("dave ticked \"Backup taken\" already"), "{error}");
    assert_eq!(world.stored("api@1.0.0").ticks["Backup taken"].by.name, "dave");
}

#[test]
fn an_unknown_item_is_answered_with_the_list() {
    let world = world();
    let error = mistaken(&world, "dave", ErrorKind::NotFound, |cx| {
        tick(cx, &release_id("api@1.0.0"), "Coffee made for everyone")
    });
    assert_eq!(error.hints, ["there are: Backup taken, Runbook linked"]);
}

#[test]
fn a_review_is_of_a_commit_and_by_somebody_else() {
    use relman::domain::gate::stage_exit::ExitAnswer;
    use relman::domain::policy::StageGate;
    use relman::ops::release::edit::{Edit, edit};
    use relman::ops::view::board;
    let mut world = World::new();
    world.policy.stages.entry(relman::domain::release::Stage::Build).or_default().require =
        [StageGate::Reviewed].into();
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 2);
    let change = |what: Edit| world.as_("alice", |cx| edit(cx, &release_id("api@1.0.0"), &what)).unwrap();
    let said = |who: &str, passed: bool, note: &str| {
        world.as_(who, |cx| record_check(cx, &release_id("api@1.0.0"), "review", passed, Some(note))).unwrap()
    };
    let gate = || {
        let board = world.as_("alice", board::board).unwrap();
        let check = board.cards[0].exit.iter().find(|check| check.gate == StageGate::Reviewed).cloned();
        match check.unwrap().answer {
            ExitAnswer::Met { evidence } => evidence,
            ExitAnswer::Blocked { lacks, .. } => format!("NO {lacks}"),
            other => panic!("{other:?}"),
        }
    };
    change(Edit { commit: Some("abc1234".to_owned()), ..Edit::default() });
    assert_eq!(gate(), "NO nobody has reviewed what is in it");
    said("alice", true, "looks fine");
    assert_eq!(gate(), "NO alice asked for it: somebody else reviews it");
    said("bob", false, "no test");
    assert_eq!(gate(), "NO bob wants it otherwise: no test");
    said("bob", true, "PR 214");
    assert_eq!(gate(), "by bob: PR 214");
    change(Edit { artifact: Some("api.tar".to_owned()), ..Edit::default() });
    assert_eq!(gate(), "by bob: PR 214", "what was made of the commit is no other commit");
    change(Edit { commit: Some("def5678".to_owned()), ..Edit::default() });
    assert_eq!(gate(), "NO what was reviewed is another commit");
}
