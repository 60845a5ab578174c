//! The list of requests: what becomes of them follows the releases they are in, and all of it is on record.

use relman::domain::ids::RequestId;
use relman::domain::release::plan::ScopeState;
use relman::domain::release::review::{Sentiment, Source};
use relman::domain::release::{Level, Origin, Stage};
use relman::domain::wanted::{State, Wanted};
use relman::ops::release::cancel;
use relman::ops::release::create::{NewRelease, create};
use relman::ops::release::record::{Record, record};
use relman::ops::wanted::{self, EditRequest, NewRequest};
use relman::ops::{ErrorKind, OpError, audit};

use crate::support::world::{World, release_id};

fn asked(world: &World, title: &str) -> Wanted {
    let new = NewRequest {
        title: title.to_owned(),
        service: Some("api".parse().unwrap()),
        origin: Some(Origin::Market),
        need: Some("carts are lost".to_owned()),
        priority: Some(Level::High),
        ..NewRequest::default()
    };
    world.as_("alice", |cx| wanted::add(cx, &new)).unwrap()
}

fn state(world: &World, id: i64) -> State {
    world.as_("alice", |cx| wanted::show(cx, RequestId(id))).unwrap().state
}

fn take(world: &World, ids: &[i64], release: &str) -> Result<(), OpError> {
    let ids: Vec<RequestId> = ids.iter().map(|id| RequestId(*id)).collect();
    world.as_("alice", |cx| wanted::take(cx, &ids, &release_id(release))).map(drop)
}

fn is_sound(world: &World) {
    let found = world.as_("alice", audit::verify).unwrap().findings;
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_request_is_open_then_planned_and_open_again_when_its_release_is_given_up() {
    let world = World::new();
    world.release("api@1.0.0");
    assert_eq!(asked(&world, "Guest checkout").id, RequestId(1));
    asked(&world, "Gift cards");
    let ((), entries) = world.journaled(|| take(&world, &[1, 2], "api@1.0.0").unwrap());
    assert_eq!(
        entries,
        ["plan.changed done api@1.0.0", "request.changed done R1", "request.changed done R2"]
    );
    let release = world.stored("api@1.0.0");
    let scope: Vec<String> =
        release.plan.scope.iter().map(relman::domain::release::plan::ScopeItem::named).collect();
    assert_eq!(scope, ["R1 Guest checkout", "R2 Gift cards"]);
    assert_eq!((state(&world, 1), state(&world, 2)), (State::Planned, State::Planned));
    let twice = take(&world, &[1], "api@1.0.0").unwrap_err();
    assert_eq!(twice.sentence, "R1 is in api@1.0.0 already");
    world.as_("alice", |cx| cancel::cancel(cx, &release_id("api@1.0.0"), "not wanted")).unwrap();
    assert_eq!(state(&world, 1), State::Open);
    world.release("api@1.1.0");
    take(&world, &[1], "api@1.1.0").unwrap();
    assert_eq!(state(&world, 1), State::Planned);
    is_sound(&world);
}

#[test]
fn what_is_dropped_from_the_scope_is_open_again_and_comes_back_in_its_place() {
    let world = World::new();
    world.release("api@1.0.0");
    asked(&world, "Guest checkout");
    take(&world, &[1], "api@1.0.0").unwrap();
    let drop_it = Record::ScopeIs { item: 1, state: ScopeState::Dropped, why: Some("no budget".to_owned()) };
    let (_, entries) =
        world.journaled(|| world.as_("alice", |cx| record(cx, &release_id("api@1.0.0"), &drop_it)).unwrap());
    assert_eq!(entries, ["plan.changed done api@1.0.0", "request.changed done R1"]);
    assert_eq!(state(&world, 1), State::Open);
    take(&world, &[1], "api@1.0.0").unwrap();
    let scope = world.stored("api@1.0.0").plan.scope;
    assert_eq!((scope.len(), scope[0].state), (1, ScopeState::Planned));
    is_sound(&world);
}

#[test]
fn one_that_went_elsewhere_meanwhile_is_not_taken_back_by_opening_its_item_again() {
    let world = World::new();
    for id in ["api@1.0.0", "api@1.1.0"] {
        world.release(id);
    }
    asked(&world, "Guest checkout");
    take(&world, &[1], "api@1.0.0").unwrap();
    let is = |state| Record::ScopeIs { item: 1, state, why: Some("no budget".to_owned()) };
    world.as_("alice", |cx| record(cx, &release_id("api@1.0.0"), &is(ScopeState::Dropped))).unwrap();
    take(&world, &[1], "api@1.1.0").unwrap();
    let again = world.as_("alice", |cx| record(cx, &release_id("api@1.0.0"), &is(ScopeState::Planned)));
    assert_eq!(again.unwrap_err().sentence, "R1 is in api@1.1.0 by now");
    assert_eq!(
        world.stored("api@1.0.0").plan.scope[0].state,
        ScopeState::Dropped,
        "nothing of it was written"
    );
    is_sound(&world);
}

#[test]
fn a_release_made_of_a_request_says_what_that_said() {
    let world = World::new();
    asked(&world, "Guest checkout");
    let new = NewRelease { requests: vec![RequestId(1)], ..NewRelease::default() };
    let release = world.as_("alice", |cx| create(cx, &release_id("api@1.0.0"), &new)).unwrap();
    assert_eq!((release.title.as_str(), release.request.origin), ("Guest checkout", Origin::Market));
    assert_eq!(release.request.need.as_deref(), Some("carts are lost"));
    assert_eq!(release.request.priority, Some(Level::High));
    assert_eq!((release.plan.scope.len(), release.plan.version), (1, 1));
    assert_eq!(state(&world, 1), State::Planned);
    let other = world.as_("alice", |cx| create(cx, &release_id("api@1.1.0"), &new)).unwrap_err();
    assert_eq!(other.sentence, "R1 is in api@1.0.0 already");
    assert!(
        world.store.read(|tx| relman::store::releases::find(tx, &release_id("api@1.1.0"))).unwrap().is_none()
    );
    is_sound(&world);
}

#[test]
fn what_somebody_said_becomes_a_request_once_and_both_know_of_it() {
    let world = World::new();
    world.release("api@1.0.0");
    let said = Record::Feedback {
        source: Source::User,
        phase: Stage::Review,
        sentiment: Sentiment::Bad,
        text: "too slow".to_owned(),
    };
    world.as_("bob", |cx| record(cx, &release_id("api@1.0.0"), &said)).unwrap();
    let new = NewRequest {
        title: "Answer faster".to_owned(),
        feedback: Some((release_id("api@1.0.0"), 1)),
        ..NewRequest::default()
    };
    let request = world.as_("alice", |cx| wanted::add(cx, &new)).unwrap();
    assert_eq!((request.origin, request.need.as_deref()), (Origin::Feedback, Some("too slow")));
    assert_eq!(request.service.as_ref().unwrap().as_str(), "api");
    assert_eq!(world.stored("api@1.0.0").feedback[0].request, Some(RequestId(1)));
    let again = world.as_("alice", |cx| wanted::add(cx, &new)).unwrap_err();
    assert_eq!(again.sentence, "R1 was made of it already");
    let none = NewRequest { feedback: Some((release_id("api@1.0.0"), 2)), ..new };
    assert_eq!(world.as_("alice", |cx| wanted::add(cx, &none)).unwrap_err().kind, ErrorKind::NotFound);
    is_sound(&world);
}

#[test]
fn what_is_declined_says_why_and_is_opened_again() {
    let world = World::new();
    world.release("api@1.0.0");
    asked(&world, "Guest checkout");
    asked(&world, "Checkout without an account");
    let declined =
        world.as_("alice", |cx| wanted::decline(cx, RequestId(2), "the same", Some(RequestId(1)))).unwrap();
    assert_eq!(declined.declined.unwrap().duplicate_of, Some(RequestId(1)));
    let taken = take(&world, &[2], "api@1.0.0").unwrap_err();
    assert_eq!(taken.sentence, "R2 was declined");
    assert!(taken.hints[0].contains("relman request reopen R2"), "{taken:?}");
    world.as_("alice", |cx| wanted::reopen(cx, RequestId(2))).unwrap();
    let edit = EditRequest { priority: Some(Level::Low), ..EditRequest::default() };
    world.as_("alice", |cx| wanted::edit(cx, RequestId(2), &edit)).unwrap();
    let same = world.as_("alice", |cx| wanted::edit(cx, RequestId(2), &edit)).unwrap_err();
    assert_eq!(same.kind, ErrorKind::Conflict);
    let order: Vec<i64> =
        world.as_("alice", wanted::list).unwrap().iter().map(|one| one.request.id.0).collect();
    assert_eq!(order, [1, 2], "the most urgent first");
    take(&world, &[1], "api@1.0.0").unwrap();
    let late = world.as_("alice", |cx| wanted::decline(cx, RequestId(1), "no", None)).unwrap_err();
    assert_eq!(late.sentence, "R1 is in api@1.0.0");
    is_sound(&world);
}

#[test]
fn a_request_changed_by_hand_is_noticed() {
    let world = World::new();
    asked(&world, "Guest checkout");
    let forged = Wanted { title: "Gift cards".to_owned(), ..asked(&world, "x") };
    let forged = Wanted { id: RequestId(1), ..forged };
    world.store.write_quietly(|tx| relman::store::requests::update(tx, &forged)).unwrap();
    let found = world.as_("alice", audit::verify).unwrap().findings;
    let said: Vec<String> = found.list.iter().map(|one| format!("{one:?}")).collect();
    assert!(said.len() == 1 && said[0].contains("request R1 differs from what entry"), "{said:#?}");
}

#[test]
fn a_request_about_another_service_stays_out() {
    let world = World::new();
    world.release("web@1.0.0");
    asked(&world, "Guest checkout");
    assert_eq!(take(&world, &[1], "web@1.0.0").unwrap_err().sentence, "R1 is about api, not about web");
}
