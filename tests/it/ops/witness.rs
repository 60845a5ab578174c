//! Live four-eyes: who may be the second person, what they confirm, and that it serves once.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use relman::domain::actor::{Actor, Person, Via};
use relman::domain::deployment::DeploymentState;
use relman::domain::gate::GateId;
use relman::domain::witness::Eyes;
use relman::ops::deployment::claim::Claim;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::witness::{Asked, Confirm, ask, confirm};
use relman::ops::{ErrorKind, OpError};

use crate::support::world::{POLICY, World, answer, closed, env_name, person, release_id, wish};

const API: &str = "api@1.0.0";

fn world_with(rule: &str) -> World {
    let policy = POLICY.replace("[environments.dev]", &format!("[environments.dev]\nfour-eyes = {rule}"));
    let world = World::with(&policy);
    world.release(API);
    world.advance(API, 5);
    world
}

fn world() -> World {
    world_with("true")
}

fn asked(world: &World, who: &str) -> Asked {
    world.as_(who, |cx| ask(cx, &release_id(API), &env_name("dev"))).unwrap()
}

fn typed(id: &str, code: &str) -> Confirm {
    Confirm { release: release_id(id), environment: env_name("dev"), code: code.to_owned(), seen: None }
}

fn confirmed(world: &World, who: &str, code: &str) -> Result<(), OpError> {
    world.as_(who, |cx| confirm(cx, &typed(API, code))).map(drop)
}

fn at(name: &str, uid: u32, login: Option<&str>, tty: &str) -> Actor {
    let person = Person { name: name.to_owned(), uid, login: login.map(str::to_owned) };
    Actor { person, via: Via::Cli, tty: Some(tty.to_owned()), client: None, key: None }
}

#[test]
fn nothing_begins_until_a_second_person_has_typed_the_code() {
    let world = world();
    let error = world.start("erin", API, "dev").unwrap_err();
    assert_eq!((error.kind, closed(&error.report.unwrap())), (ErrorKind::Unapproved, vec!["four-eyes"]));
    assert!(error.hints[0].contains("relman deploy api@1.0.0 dev --witness"), "{:?}", error.hints);
    let asked = asked(&world, "erin");
    assert_eq!(closed(&world.gates("erin", API, "dev")), ["four-eyes"]);
    confirmed(&world, "bob", &asked.code.to_lowercase()).unwrap();
    let d = world.running(API, "dev");
    assert!(matches!(&d.witness, Some(Eyes::Witnessed { by, .. }) if by.name == "bob"), "{:?}", d.witness);
    assert_eq!(d.witness.unwrap().sentence(), "witnessed by bob");
}

#[test]
fn the_code_is_kept_nowhere() {
    let world = world();
    let asked = asked(&world, "erin");
    let entry = serde_json::to_string(&world.last_entry().1).unwrap();
    let listed = world.as_("bob", relman::ops::witness::open).unwrap();
    let stored = format!("{entry} {listed:?}");
    assert!(!stored.contains(&asked.code), "{stored}");
}

#[test]
fn one_human_is_no_second_person_on_any_terminal_under_any_name() {
    let world = world();
    let erin = at("erin", 1500, None, "/dev/pts/1");
    let asked = world.as_actor(&erin, |cx| ask(cx, &release_id(API), &env_name("dev"))).unwrap();
    for actor in [
        at("erin", 1500, None, "/dev/pts/2"),
        at("bob", 1002, Some("erin"), "/dev/pts/2"),
        at("root", 1500, None, "/dev/pts/2"),
        at("bob", 1002, None, "/dev/pts/1"),
    ] {
        let error = world.as_actor(&actor, |cx| confirm(cx, &typed(API, &asked.code))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotPermitted, "{actor:?}: {error}");
        assert!(!error.hints.is_empty());
    }
    let bob = at("bob", 1002, None, "/dev/pts/2");
    world.as_actor(&bob, |cx| confirm(cx, &typed(API, &asked.code))).unwrap();
}

#[test]
fn three_wrong_codes_end_it_and_each_is_on_record() {
    let world = world();
    let asked = asked(&world, "erin");
    for tries in 1..=3 {
        let (result, entries) = world.journaled(|| confirmed(&world, "bob", "XXXXX"));
        let error = result.unwrap_err();
        assert_eq!(error.sentence, "'XXXXX' is not the code erin was told");
        assert_eq!(error.hints[0].contains("last try"), tries == 3, "{:?}", error.hints);
        assert_eq!(entries, ["witness.gave refused api@1.0.0 → dev"]);
    }
    let error = confirmed(&world, "bob", &asked.code).unwrap_err();
    assert!(error.sentence.starts_with("nobody asks for a witness"), "{error}");
    let again = self::asked(&world, "erin");
    confirmed(&world, "bob", &again.code).unwrap();
}

#[test]
fn what_is_no_code_at_all_costs_no_try() {
    let world = world();
    let asked = asked(&world, "erin");
    for slip in ["", "  ", "ACDE", "ACDEFH", "AB0I1", "ACDE\u{1b}"] {
        let (result, entries) = world.journaled(|| confirmed(&world, "bob", slip));
        assert_eq!(result.unwrap_err().kind, ErrorKind::Usage, "{slip:?}");
        assert!(entries.is_empty(), "{entries:?}");
    }
    confirmed(&world, "bob", &asked.code).unwrap();
}

#[test]
fn what_closed_a_moment_ago_ends_nobodys_asking() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let policy = POLICY.replace("[environments.dev]", "[environments.dev]\nfour-eyes = true");
    let world = World::with_on_file(&path, &policy);
    world.release(API);
    world.advance(API, 5);
    let first = asked(&world, "erin");
    // While carol's relman draws her code, somebody else's freezes the environment.
    let (start, end) = (world.now, world.now.plus(Duration::from_hours(1)));
    let freeze = World::new().freeze("Incident", "dev", start, end);
    *world.machine.meanwhile.borrow_mut() = Some(Box::new(move || {
        let store = relman::ops::Store::open(&path).unwrap();
        store.write_quietly(|tx| relman::store::freezes::insert(tx, &freeze, "bob", start)).unwrap();
    }));
    let error = world.as_("carol", |cx| ask(cx, &release_id(API), &env_name("dev"))).unwrap_err();
    assert!(closed(&error.report.unwrap()).contains(&"freeze"));
    let open = world.as_("bob", relman::ops::witness::open).unwrap();
    assert_eq!(open, [first.request], "erin's stands");
}

#[test]
fn a_code_and_a_confirmation_expire() {
    let mut world = world();
    let first = asked(&world, "erin");
    world.pass(Duration::from_secs(300));
    assert!(confirmed(&world, "bob", &first.code).unwrap_err().sentence.starts_with("nobody asks"));
    let second = asked(&world, "erin");
    confirmed(&world, "bob", &second.code).unwrap();
    world.pass(Duration::from_secs(299));
    assert!(world.gates("erin", API, "dev").allows());
    world.pass(Duration::from_secs(1));
    assert_eq!(closed(&world.gates("erin", API, "dev")), ["four-eyes"]);
}

#[test]
fn what_changed_since_was_not_confirmed() {
    let world = world();
    let before = asked(&world, "erin");
    *world.machine.script.borrow_mut() = "two".to_owned();
    let error = confirmed(&world, "bob", &before.code).unwrap_err();
    assert!(error.sentence.contains("has changed meanwhile"), "{error}");
    let again = asked(&world, "erin");
    confirmed(&world, "bob", &again.code).unwrap();
    *world.machine.script.borrow_mut() = "three".to_owned();
    let report = world.gates("erin", API, "dev");
    assert_eq!(closed(&report), ["four-eyes"]);
    assert!(format!("{:?}", answer(&report, GateId::FourEyes)).contains("has changed since"), "{report:?}");
}

#[test]
fn it_is_worth_nothing_for_another_release_or_another_starter() {
    let world = world();
    world.release("api@2.0.0");
    world.advance("api@2.0.0", 5);
    let first = asked(&world, "erin");
    let error = world.as_("bob", |cx| confirm(cx, &typed("api@2.0.0", &first.code))).unwrap_err();
    assert!(error.sentence.starts_with("nobody asks for a witness for api@2.0.0"), "{error}");
    confirmed(&world, "bob", &first.code).unwrap();
    assert_eq!(closed(&world.gates("erin", "api@2.0.0", "dev")), ["four-eyes"]);
    let report = world.gates("dave", API, "dev");
    assert!(format!("{report:?}").contains("bob confirmed it for erin, who must start it"), "{report:?}");
    assert!(world.gates("erin", API, "dev").allows());
}

#[test]
fn of_two_witnesses_the_first_is_it() {
    let world = world();
    let asked = asked(&world, "erin");
    confirmed(&world, "bob", &asked.code).unwrap();
    let error = confirmed(&world, "carol", &asked.code).unwrap_err();
    assert_eq!(error.sentence, "bob has confirmed it already");
}

#[test]
fn it_serves_one_deployment_and_survives_the_time_to_the_claim() {
    let mut world = world();
    let asked = asked(&world, "erin");
    confirmed(&world, "bob", &asked.code).unwrap();
    world.pass(Duration::from_secs(290));
    let d = world.start("erin", API, "dev").unwrap().deployment;
    world.pass(Duration::from_secs(20));
    assert_eq!(world.claim(&d), Claim::Go, "what has begun with it has it");
    world.end(&world.deployment(d.id), DeploymentState::Failed);
    let error = world.start("erin", API, "dev").unwrap_err();
    assert_eq!(closed(&error.report.unwrap()), ["four-eyes"]);
}

#[test]
fn a_start_that_fails_uses_nothing_up() {
    let world = world();
    let asked = asked(&world, "erin");
    confirmed(&world, "bob", &asked.code).unwrap();
    let wrong = StartDeploy { left_out: vec!["nothing".to_owned()], ..wish(API, "dev") };
    world.as_("erin", |cx| start::start(cx, &wrong)).unwrap_err();
    world.running(API, "dev");
}

#[test]
fn who_is_called_must_be_of_the_groups_named() {
    let world = world_with("{ from = [\"managers\"] }");
    let asked = asked(&world, "erin");
    let error = confirmed(&world, "dave", &asked.code).unwrap_err();
    assert_eq!(error.sentence, "dave is not in managers, who witness deployments to dev");
    assert_eq!(error.hints, ["ask bob, carol"]);
    confirmed(&world, "carol", &asked.code).unwrap();
}

#[test]
fn an_exempt_group_starts_alone_and_that_is_labelled() {
    let world = world_with("{ exempt = [\"sre\"] }");
    let d = world.running(API, "dev");
    assert_eq!(d.witness, Some(Eyes::Exempt { group: "sre".to_owned() }));
    assert_eq!(d.witness.unwrap().sentence(), "EXEMPT from four-eyes as one of sre");
    let queued = world.schedule(API, "dev", Duration::from_hours(1));
    assert_eq!(queued.state, DeploymentState::Scheduled, "nobody else is needed then either");
}

#[test]
fn what_begins_by_itself_cannot_have_a_witness() {
    let world = world();
    let later = StartDeploy {
        later: Some(world.later(Some(world.now.plus(Duration::from_hours(1))))),
        ..wish(API, "dev")
    };
    let error = world.as_("erin", |cx| start::start(cx, &later)).unwrap_err();
    assert!(error.sentence.contains("what begins by itself has nobody who could"), "{error}");
    assert!(
        error.hints.iter().any(|hint| hint.starts_with("start it by hand at that time")),
        "{:?}",
        error.hints
    );
}

#[test]
fn who_may_override_goes_past_it_on_record() {
    let policy =
        POLICY.replace("[environments.dev]", "[environments.dev]\nfour-eyes = true\noverride = [\"sre\"]");
    let world = World::with(&policy);
    world.release(API);
    world.advance(API, 5);
    let wanted = StartDeploy {
        overrides: [GateId::FourEyes].into(),
        reason: Some("the house is on fire".to_owned()),
        ..wish(API, "dev")
    };
    let d = world.as_("erin", |cx| start::start(cx, &wanted)).unwrap().deployment;
    assert_eq!((d.overrides, d.witness), (vec!["four-eyes".to_owned()], None));
}

#[test]
fn nobody_is_called_where_something_else_is_closed_too_or_nothing_is() {
    let world = world();
    let end = world.now.plus(Duration::from_hours(1));
    world.freeze("Incident", "dev", world.now, end);
    let error = world.as_("erin", |cx| ask(cx, &release_id(API), &env_name("dev"))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Frozen);
    let error = world.as_("erin", |cx| ask(cx, &release_id(API), &env_name("staging"))).unwrap_err();
    assert_eq!(error.sentence, "staging asks for no second person");
}

#[test]
fn a_rollback_needs_no_witness() {
    let world = world();
    for id in [API, "api@2.0.0"] {
        if id != API {
            world.release(id);
            world.advance(id, 5);
        }
        let asked = world.as_("erin", |cx| ask(cx, &release_id(id), &env_name("dev"))).unwrap();
        world.as_("bob", |cx| confirm(cx, &typed(id, &asked.code))).unwrap();
        world.deploy(id, "dev");
    }
    world.roll_back("api", "dev").unwrap();
}

#[derive(Debug, Clone)]
enum Deed {
    Ask(&'static str),
    Confirm(&'static str),
    Start(&'static str),
    Pass(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = || prop::sample::select(vec!["erin", "dave", "bob"]);
    prop_oneof![
        who().prop_map(Deed::Ask),
        who().prop_map(Deed::Confirm),
        who().prop_map(Deed::Start),
        (1u64..400).prop_map(Deed::Pass),
    ]
}

/// Whatever people do in whatever order: what began was confirmed by somebody else, no confirmation served twice.
#[test]
fn every_deployment_has_a_confirmation_of_its_own() {
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&prop::collection::vec(deed(), 1..40), |deeds| {
        let mut world = world();
        let (mut code, mut given, mut begun) = (String::new(), 0, 0);
        for deed in deeds {
            match deed {
                Deed::Ask(who) => {
                    let asked = world.as_(who, |cx| ask(cx, &release_id(API), &env_name("dev")));
                    code = asked.map_or(code, |asked| asked.code);
                }
                Deed::Confirm(who) => given += usize::from(confirmed(&world, who, &code).is_ok()),
                Deed::Pass(seconds) => world.pass(Duration::from_secs(seconds)),
                Deed::Start(who) => {
                    let Ok(started) = world.start(who, API, "dev") else { continue };
                    begun += 1;
                    let d = started.deployment;
                    let Some(Eyes::Witnessed { by, at }) = &d.witness else { panic!("{d:?}") };
                    prop_assert!(by.name != who && by.uid == person(&by.name).person.uid);
                    prop_assert!(world.now.since(*at) < Duration::from_secs(300));
                    prop_assert_eq!(world.claim(&d), Claim::Go);
                    world.end(&world.deployment(d.id), DeploymentState::Failed);
                }
            }
            prop_assert!(begun <= given, "{} began, {} were confirmed", begun, given);
        }
        Ok(())
    });
    run.unwrap_or_else(|why| panic!("{why}"));
}
