//! Is a release accepted by those who use it before it leaves the test stage, and only as it was tested?

use relman::domain::approval::Verdict;
use relman::domain::gate::stage_exit::ExitAnswer;
use relman::domain::policy::StageGate;
use relman::domain::release::Stage;
use relman::ops::ErrorKind;
use relman::ops::release::advance::advance;
use relman::ops::release::edit::Edit;
use relman::ops::view::board::board;
use relman::ops::view::queue::queue;
use relman::ops::view::release as view;

use crate::support::world::{POLICY, World, release_id};

const API: &str = "api@1.0.0";

fn world() -> World {
    let world = World::with(&format!(
        "{POLICY}\n[stages.test]\napprovals = [{{ from = \"managers\", count = 2 }}]\n"
    ));
    world.release(API);
    world.advance(API, 3);
    world
}

fn sign_off(world: &World) -> ExitAnswer {
    let view = world.as_("alice", |cx| view::release(cx, &release_id(API))).unwrap();
    view.exit.into_iter().find(|check| check.gate == StageGate::SignOff).unwrap().answer
}

#[test]
fn a_release_waits_in_test_until_its_users_have_accepted_it() {
    let world = world();
    let error = world.as_("alice", |cx| advance(cx, &release_id(API))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Blocked);
    assert!(error.hints.iter().any(|hint| hint.contains("relman approve api@1.0.0 sign-off")), "{error:?}");
    for who in ["bob", "carol"] {
        world.decide(who, API, Some("sign-off"), Verdict::Approved).unwrap();
    }
    assert_eq!(sign_off(&world), ExitAnswer::Met { evidence: "approved by bob, carol".to_owned() });
    world.advance(API, 1);
    assert_eq!(world.stored(API).stage, Stage::Prepare);
}

#[test]
fn what_changes_after_the_sign_off_voids_it() {
    let world = world();
    for who in ["bob", "carol"] {
        world.decide(who, API, Some("sign-off"), Verdict::Approved).unwrap();
    }
    world.edit(API, &Edit { commit: Some("4f2c9e1".to_owned()), ..Edit::default() });
    let ExitAnswer::Blocked { lacks, .. } = sign_off(&world) else { panic!("{:?}", sign_off(&world)) };
    assert!(lacks.contains("it was given for other content than there is now: the commit"), "{lacks}");
}

#[test]
fn it_stands_in_the_queue_of_those_who_are_asked() {
    let world = world();
    let items = |who: &str| world.as_(who, |cx| queue(cx, &board(cx)?)).unwrap();
    let item = items("bob").remove(0);
    assert_eq!((item.matter().as_str(), item.not_yours), ("sign-off", None));
    assert_eq!(items("alice").remove(0).not_yours.as_deref(), Some("you are not in managers"));
    let no = world.decide("bob", API, Some("sign-off"), Verdict::Rejected).unwrap();
    assert_eq!(no.subject.as_text(), "sign-off");
    let ExitAnswer::Blocked { lacks, remedy } = sign_off(&world) else { panic!("{:?}", sign_off(&world)) };
    assert_eq!(lacks, "bob rejected it: not like this");
    assert!(remedy.contains("relman withdraw api@1.0.0 sign-off"), "{remedy}");
    let release = world.store.read(|tx| relman::store::releases::get(tx, &release_id(API))).unwrap();
    assert_eq!(release.issues.len(), 1);
    assert_eq!(release.issues[0].title, "not accepted by bob: not like this");
    assert!(!release.issues[0].blocks(), "the no itself is what blocks");
}
