//! Undo: one's own newest act, as long as nobody built upon it; and back again.

use std::time::Duration;

use proptest::prelude::*;
use relman::domain::approval::Verdict;
use relman::domain::journal::Verb;
use relman::domain::release::plan::ScopeState;
use relman::domain::release::review::Severity;
use relman::domain::release::{Release, Stage};
use relman::ops::release::edit::{self, Edit};
use relman::ops::release::record::{Record, record};
use relman::ops::release::{advance, evidence};
use relman::ops::undo::{self, Undone, Way};
use relman::ops::wanted::{self, EditRequest, NewRequest};
use relman::ops::{ErrorKind, OpError, freeze};
use relman::store::{freezes, releases, requests};

use super::on_record::{done, refused};
use super::verbs::{API, Act};
use crate::support::world::{World, new_freeze, release_id};

fn world() -> World {
    let world = World::new();
    world.release(API);
    world
}

fn now(world: &World) -> Release {
    world.store.read(|tx| releases::get(tx, &release_id(API))).unwrap()
}

fn titled(world: &World, who: &str, title: &str) {
    let change = Edit { title: Some(title.to_owned()), ..Edit::default() };
    world.as_(who, |cx| edit::edit(cx, &release_id(API), &change)).unwrap();
}

fn go(world: &World, who: &str, way: Way) -> Result<Undone, OpError> {
    world.as_(who, |cx| undo::last(cx, 0, way))
}

fn edited() -> World {
    let world = world();
    titled(&world, "bob", "Faster");
    world
}

fn asked() -> World {
    let world = world();
    let new = NewRequest { title: "Guest checkout".to_owned(), ..NewRequest::default() };
    let id = world.as_("bob", |cx| wanted::add(cx, &new)).unwrap().id;
    let change = EditRequest { title: Some("Guests".to_owned()), ..EditRequest::default() };
    world.as_("bob", |cx| wanted::edit(cx, id, &change)).unwrap();
    world
}

/// What a person does to cause one of these verbs.
pub(super) fn deed(verb: Verb) -> Option<(fn() -> World, Act)> {
    let act: Act = |w| go(w, "bob", Way::Undo).map(drop);
    match verb {
        Verb::ReleaseUndone => Some((edited, act)),
        Verb::RequestUndone => Some((asked, act)),
        _ => None,
    }
}

/// What is refused of these verbs: somebody else has been there.
pub(super) fn misdeed(verb: Verb) -> Option<Act> {
    match verb {
        Verb::ReleaseUndone => Some(|w| {
            titled(w, "bob", "Faster");
            titled(w, "alice", "Slower");
            go(w, "bob", Way::Undo).map(drop)
        }),
        Verb::RequestUndone => Some(|w| {
            let new = NewRequest { title: "Guest checkout".to_owned(), ..NewRequest::default() };
            let id = w.as_("bob", |cx| wanted::add(cx, &new)).unwrap().id;
            for (who, title) in [("bob", "Guests"), ("alice", "Visitors")] {
                let change = EditRequest { title: Some(title.to_owned()), ..EditRequest::default() };
                w.as_(who, |cx| wanted::edit(cx, id, &change)).unwrap();
            }
            go(w, "bob", Way::Undo).map(drop)
        }),
        _ => None,
    }
}

/// The record without what every change counts up.
fn content(mut release: Release) -> Release {
    release.revision = 0;
    release.updated_at = release.created_at;
    release.plan.version = 0;
    release
}

#[test]
fn one_undo_a_press_the_newest_first_and_back_again() {
    let world = world();
    let first = content(now(&world));
    titled(&world, "bob", "One");
    titled(&world, "bob", "Two");
    let told = done(&world, "bob", Verb::ReleaseUndone, API, |cx| undo::last(cx, 0, Way::Undo)).told();
    assert_eq!(told, "undone: api@1.0.0 release edited");
    assert_eq!(now(&world).title, "One");
    go(&world, "bob", Way::Undo).unwrap();
    assert_eq!(content(now(&world)), first);
    let error = go(&world, "bob", Way::Undo).unwrap_err();
    assert_eq!(error.sentence, "you have done nothing here that can be undone");
    assert!(go(&world, "bob", Way::Redo).unwrap().told().starts_with("done again: api@1.0.0"));
    assert_eq!(now(&world).title, "One");
    go(&world, "bob", Way::Redo).unwrap();
    assert_eq!(now(&world).title, "Two");
    let error = go(&world, "bob", Way::Redo).unwrap_err();
    assert_eq!(error.sentence, "you have undone nothing that could be done again");
    // Whoever goes on has decided: what was undone before is not done again.
    go(&world, "bob", Way::Undo).unwrap();
    titled(&world, "bob", "Three");
    assert!(go(&world, "bob", Way::Redo).is_err());
    assert!(now(&world).revision > 6, "every change counts, also backwards");
}

#[test]
fn what_somebody_else_touched_stays_and_it_says_so() {
    let world = edited();
    titled(&world, "alice", "Slower");
    let error = refused(&world, "bob", ErrorKind::Conflict, (Verb::ReleaseUndone, API), |cx| {
        undo::last(cx, 0, Way::Undo).map(drop)
    });
    assert_eq!(error.sentence, "api@1.0.0 was changed since: what you did cannot be undone any more");
    assert_eq!(now(&world).title, "Slower");
    let entry = world.as_("bob", undo::head).unwrap();
    let error = world.as_("bob", |cx| undo::one(cx, entry - 1)).unwrap_err();
    assert!(error.sentence.contains("is an act of alice"), "{error}");
}

#[test]
fn what_others_rely_on_is_not_undone() {
    let mut world = world();
    world.advance(API, 5);
    world.deploy(API, "dev");
    let error = go(&world, "alice", Way::Undo).unwrap_err();
    assert!(error.sentence.contains("was deployed since: it stays in the deploy stage"), "{error}");
    world.pass(Duration::from_secs(1));
    world.as_("bob", |cx| evidence::record_check(cx, &release_id(API), "build", true, None)).unwrap();
    let entry = world.as_("bob", undo::head).unwrap();
    let error = world.as_("bob", |cx| undo::one(cx, entry)).unwrap_err();
    assert_eq!(error.sentence, format!("check.recorded cannot be undone (entry {entry})"));
    // A risk is lowered by somebody else, with a reason.
    let plain = World::new();
    plain.release(API);
    let risky = Edit { risk: Some(relman::domain::release::Level::High), ..Edit::default() };
    plain.as_("bob", |cx| edit::edit(cx, &release_id(API), &risky)).unwrap();
    assert!(go(&plain, "bob", Way::Undo).is_err());
}

#[test]
fn a_stage_a_scope_with_its_request_and_an_issue_are_as_they_were() {
    let world = world();
    world.as_("bob", |cx| advance::advance(cx, &release_id(API))).unwrap();
    assert_eq!(now(&world).stage, Stage::Plan);
    go(&world, "bob", Way::Undo).unwrap();
    assert_eq!(now(&world).stage, Stage::Request);

    let new = NewRequest { title: "Guest checkout".to_owned(), ..NewRequest::default() };
    let id = world.as_("alice", |cx| wanted::add(cx, &new)).unwrap().id;
    world.as_("bob", |cx| wanted::take(cx, &[id], &release_id(API))).unwrap();
    assert_eq!(now(&world).plan.scope.len(), 1);
    go(&world, "bob", Way::Undo).unwrap();
    assert_eq!(now(&world).plan.scope, []);
    let request = world.store.read(|tx| requests::find(tx, id)).unwrap().unwrap();
    assert_eq!(request.release, None, "it waits again");
    go(&world, "bob", Way::Redo).unwrap();
    assert_eq!(now(&world).plan.scope[0].state, ScopeState::Planned);
    let request = world.store.read(|tx| requests::find(tx, id)).unwrap().unwrap();
    assert_eq!(request.release, Some(release_id(API)));
}

#[test]
fn a_decision_is_withdrawn_and_a_freeze_to_come_goes() {
    let world = world();
    world.advance(API, 5);
    world.decide("bob", API, Some("production"), Verdict::Approved).unwrap();
    done(&world, "bob", Verb::ApprovalWithdrawn, API, |cx| undo::last(cx, 0, Way::Undo));
    assert!(go(&world, "bob", Way::Undo).is_err(), "not twice");
    let hour = |hours| world.now.plus(Duration::from_hours(hours));
    let coming = new_freeze("Summit", "production", hour(1), hour(3));
    world.as_("bob", |cx| freeze::add(cx, &coming)).unwrap();
    let left = || world.store.read(|tx| freezes::list_standing(tx, world.now)).unwrap().len();
    go(&world, "bob", Way::Undo).unwrap();
    assert_eq!(left(), 0);
    let closing = new_freeze("Incident", "production", hour(0), hour(3));
    world.as_("bob", |cx| freeze::add(cx, &closing)).unwrap();
    let error = go(&world, "bob", Way::Undo).unwrap_err();
    assert_eq!(error.sentence, "\"Incident\" closes something now: that is not undone in passing");
    assert_eq!(left(), 1);
}

/// One act of a person that can be undone.
fn act(world: &World, which: u8, text: &str) -> Result<(), OpError> {
    let put = |what: Record| world.as_("bob", |cx| record(cx, &release_id(API), &what)).map(drop);
    match which {
        0 => put(Record::Scope(text.to_owned())),
        1 => put(Record::Lesson(text.to_owned())),
        2 => put(Record::WentWell(text.to_owned())),
        3 => put(Record::Task { text: text.to_owned(), owner: None }),
        4 => put(Record::Metric { name: text.to_owned(), target: ">= 3 %".to_owned() }),
        5 => put(Record::Issue {
            title: text.to_owned(),
            severity: Severity::Sev3,
            owner: None,
            environment: None,
        }),
        6 => {
            titled(world, "bob", text);
            Ok(())
        }
        7 => world.as_("bob", |cx| advance::advance(cx, &release_id(API))).map(drop),
        _ => put(Record::Milestone { name: text.to_owned(), due: world.now }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Whatever was done, as many undos lead back step by step, and as many redos forward again.
    #[test]
    fn every_act_and_its_undo_leave_what_there_was(acts in prop::collection::vec((0u8..9, "[a-z]{1,8}"), 1..8)) {
        let world = world();
        let mut states = vec![content(now(&world))];
        for (which, text) in &acts {
            if act(&world, *which, text).is_ok() {
                states.push(content(now(&world)));
            }
        }
        for state in states.iter().rev().skip(1) {
            go(&world, "bob", Way::Undo).unwrap();
            prop_assert_eq!(&content(now(&world)), state);
        }
        for state in &states[1..] {
            go(&world, "bob", Way::Redo).unwrap();
            prop_assert_eq!(&content(now(&world)), state);
        }
    }
}
