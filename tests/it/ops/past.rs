//! Is the past put together from the journal what it was when it was the present?

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use relman::domain::approval::Verdict;
use relman::domain::moment::Moment;
use relman::domain::release::Stage;
use relman::domain::replay::Change;
use relman::ops::approval::withdraw::withdraw;
use relman::ops::deployment::note;
use relman::ops::past::{self, Matter, Past, Still};
use relman::ops::release::{advance, back, block, edit, evidence};
use relman::ops::view::board::board;
use relman::ops::{ErrorKind, Store, audit, freeze};
use relman::store::records::{self, Table};

use super::model::{Event, Model, event};
use crate::support::world::{World, about, release_id};

/// Every row of a store, as far as the journal knows it.
fn rows(store: &Store) -> BTreeMap<String, serde_json::Value> {
    let mut all = BTreeMap::new();
    for table in Table::ALL {
        for (_, row) in store.read(|tx| records::walk(tx, table, 0, 10_000)).unwrap() {
            let row: Change = row.unwrap();
            assert!(all.insert(format!("{:?}", row.key()), row.comparable()).is_none());
        }
    }
    all
}

fn rows_of(world: &World, past: &Past) -> BTreeMap<String, serde_json::Value> {
    world.as_("erin", |cx| rows(past.cx(cx, &Still(&world.machine)).store))
}

fn at(world: &World, seq: i64) -> Past {
    world.as_("erin", |cx| Past::open(cx, Moment::Entry(seq))).unwrap()
}

/// What happens: to deployments, and to everything else.
#[derive(Debug, Clone)]
enum Deed {
    Deployment(Event),
    Edit(u8),
    Advance,
    Back(bool),
    Block(bool),
    Check(bool),
    Decide(bool, bool, bool),
    Withdraw(bool),
    Freeze(bool),
    Note,
    Register(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    let one = any::<bool>;
    prop_oneof![
        8 => event().prop_map(Deed::Deployment),
        1 => any::<u8>().prop_map(Deed::Edit),
        1 => Just(Deed::Advance),
        1 => one().prop_map(Deed::Back),
        1 => one().prop_map(Deed::Block),
        1 => one().prop_map(Deed::Check),
        3 => (one(), one(), one()).prop_map(|(a, b, c)| Deed::Decide(a, b, c)),
        1 => one().prop_map(Deed::Withdraw),
        1 => one().prop_map(Deed::Freeze),
        1 => Just(Deed::Note),
        1 => (2u8..6).prop_map(Deed::Register),
    ]
}

/// Lets it happen; what is refused is on record too and changes nothing.
fn happen(model: &mut Model, deed: &Deed) {
    let id = release_id("api@1.1.0");
    let w = &model.world;
    let who = |first: bool| if first { "bob" } else { "dave" };
    match deed {
        Deed::Deployment(event) => model.happen(event),
        Deed::Edit(take) => {
            let change = edit::Edit { title: Some(format!("take {take}")), ..edit::Edit::default() };
            drop(w.as_("alice", |cx| edit::edit(cx, &id, &change)));
        }
        Deed::Advance => drop(w.as_("alice", |cx| advance::advance(cx, &id))),
        Deed::Back(far) => {
            let to = far.then_some(Stage::Request);
            drop(w.as_("alice", |cx| back::back(cx, &id, to, "again")));
        }
        Deed::Block(true) => drop(w.as_("bob", |cx| block::block(cx, &id, "licence"))),
        Deed::Block(false) => drop(w.as_("bob", |cx| block::unblock(cx, &id, "MIT"))),
        Deed::Check(passed) => {
            drop(w.as_("bob", |cx| evidence::record_check(cx, &id, "unit", *passed, None)));
        }
        Deed::Decide(first, good, other) => {
            // Other scripts make what was approved before stale.
            w.machine.script.replace(if *other { "one" } else { "two" }.to_owned());
            let verdict = if *good { Verdict::Approved } else { Verdict::Rejected };
            drop(w.decide(who(*first), "api@1.1.0", Some("production"), verdict));
        }
        Deed::Withdraw(first) => {
            drop(w.as_(who(*first), |cx| withdraw(cx, &id, &about(Some("production")))));
        }
        Deed::Freeze(true) => {
            let until = w.now.plus(Duration::from_hours(3));
            let new = crate::support::world::new_freeze("Incident", "production", w.now, until);
            drop(w.as_("bob", |cx| freeze::add(cx, &new)));
        }
        Deed::Freeze(false) => drop(w.as_("bob", |cx| freeze::remove(cx, "Incident", None))),
        // Time may stand still here: the same words in the same moment are one note.
        Deed::Note => {
            let words = format!("slow disk, entry {}", w.entries());
            drop(w.as_("bob", |cx| note::add(cx, "#1".parse().unwrap(), &words)));
        }
        Deed::Register(minor) => {
            let id = release_id(&format!("api@1.{minor}.0"));
            let new = relman::ops::release::create::NewRelease::default();
            drop(w.as_("alice", |cx| relman::ops::release::create::create(cx, &id, &new)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]
    #[test]
    fn the_past_is_what_it_was_and_the_store_says_what_the_journal_says(
        deeds in prop::collection::vec(deed(), 1..50),
        looks in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let mut model = Model::new();
        let mut moments = vec![(model.world.entries(), rows(&model.world.store))];
        for deed in &deeds {
            happen(&mut model, deed);
            // A deed may leave several entries; the moment is the one behind the last of them.
            let moment = (model.world.entries(), rows(&model.world.store));
            if moments.last().is_some_and(|(seq, _)| *seq == moment.0) {
                moments.pop();
            }
            moments.push(moment);
        }
        let world = &model.world;
        let (newest, now) = moments.last().unwrap();
        let mut walking = at(world, *newest);
        prop_assert_eq!(&rows_of(world, &walking), now, "the newest moment is the present");
        for look in looks {
            let (seq, was) = look.get(&moments);
            prop_assert_eq!(&rows_of(world, &at(world, *seq)), was, "opened at entry {}", seq);
            world.as_("erin", |cx| walking.go_to(cx, Moment::Entry(*seq))).unwrap();
            prop_assert_eq!(&rows_of(world, &walking), was, "stepped to entry {}", seq);
        }
        let verified = world.as_("erin", audit::verify).unwrap();
        prop_assert!(verified.is_good(), "{:#?}", verified.findings);
        prop_assert_eq!(verified.rows, now.len() as u64);
    }
}

#[test]
fn the_board_of_the_past_shows_stages_deployments_and_freezes_as_they_were() {
    let mut world = World::new();
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 2);
    let (built, built_at) = (world.entries(), world.now);
    world.pass(Duration::from_hours(1));
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(1)));
    world.deploy("api@1.0.0", "dev");
    world.pass(Duration::from_hours(1));
    world.advance("api@1.0.0", 1);
    let still = Still(&world.machine);
    let then = |past: &Past| world.as_("erin", |cx| board(&past.cx(cx, &still))).unwrap();
    let early = then(&at(&world, built));
    assert_eq!(early.cards[0].release.stage, Stage::Build);
    assert!(early.places.iter().all(|place| place.live.is_none()));
    assert!(early.freezes.is_empty());
    // Half an hour later nothing had happened yet.
    let between =
        world.as_("erin", |cx| Past::open(cx, Moment::At(built_at.plus(Duration::from_mins(30))))).unwrap();
    assert_eq!(between.place().seq, built);
    let late = then(&at(&world, world.entries() - 1));
    assert_eq!(late.cards[0].release.stage, Stage::Build, "the last entry moved it");
    assert_eq!(late.places.iter().filter(|place| place.live.is_some()).count(), 1);
    assert_eq!(late.freezes.len(), 1, "its clock is the one of then");
    assert_eq!(world.as_("erin", board).unwrap().cards[0].release.stage, Stage::Test);
}

#[test]
fn a_moment_outside_the_journal_is_refused() {
    let world = World::new();
    for moment in [Moment::Entry(0), Moment::Entry(2), Moment::At("2020-01-01T00:00:00Z".parse().unwrap())] {
        let error = world.as_("erin", |cx| Past::open(cx, moment)).err().unwrap();
        assert_eq!(error.kind, ErrorKind::NotFound, "{moment:?}");
    }
}

#[test]
fn the_difference_between_two_moments_says_what_moved_was_decided_deployed_and_closed() {
    let world = World::new();
    world.release("api@1.0.0");
    let first = world.entries();
    world.advance("api@1.0.0", 5);
    world.approve("bob", "api@1.0.0", "production");
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(1)));
    world.deploy("api@1.0.0", "dev");
    world.release("web@1.0.0");
    let all = world.as_("erin", |cx| past::diff(cx, first, world.entries())).unwrap();
    let said: Vec<(Matter, &str)> = all.iter().map(|one| (one.matter, one.sentence.as_str())).collect();
    assert_eq!(
        said,
        [
            (Matter::Releases, "api@1.0.0: request → deploy"),
            (Matter::Releases, "web@1.0.0 was registered by alice, now in request"),
            (Matter::Decisions, "bob approved api@1.0.0 for production"),
            (Matter::Deployments, "#1 api@1.0.0 to dev by erin: succeeded"),
            (Matter::Closures, "freeze \"Incident\" on production was added"),
        ]
    );
    let same = world.as_("erin", |cx| past::diff(cx, first, first)).unwrap();
    assert!(same.is_empty());
    let turned = world.as_("erin", |cx| past::diff(cx, 3, 2)).unwrap_err();
    assert_eq!(turned.kind, ErrorKind::Usage);
}

#[test]
fn a_rollback_that_follows_is_in_the_past_of_both_deployments() {
    use relman::domain::deployment::DeploymentState;
    use relman::ops::deployment::{cancel, follow_up};
    let world = World::new();
    for id in ["api@1.0.0", "api@1.1.0"] {
        world.release(id);
        world.advance(id, 5);
    }
    world.deploy("api@1.0.0", "dev");
    let running = world.running("api@1.1.0", "dev");
    world.as_("erin", |cx| cancel::cancel_and_roll_back(cx, running.id, "hurts")).unwrap();
    world.end(&running, DeploymentState::Cancelled);
    let (before, was) = (world.entries(), rows(&world.store));
    world.as_("erin", |cx| follow_up::begin(cx, running.id)).unwrap();
    assert!(world.deployment(running.id).follow_up.unwrap().started.is_some());
    assert_eq!(rows_of(&world, &at(&world, world.entries())), rows(&world.store));
    assert_eq!(rows_of(&world, &at(&world, before)), was);
    let verified = world.as_("erin", audit::verify).unwrap();
    assert!(verified.is_good(), "{:#?}", verified.findings);
}
