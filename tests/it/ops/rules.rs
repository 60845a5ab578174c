//! Changed rules count in production when a second person stands by them; no file appoints that person.

use std::path::PathBuf;

use relman::domain::digest::Digest;
use relman::domain::gate::{Answer, GateId};
use relman::domain::journal::Verb;
use relman::ops::ErrorKind;
use relman::ops::configured::{self, RulesFile, Say, changed_by, changes, confirm};
use relman::ops::deployment::rollback::rollback;
use relman::store::deployments;

use super::on_record::{done, refused};
use crate::support::world::{POLICY, World, answer};

const API: &str = "api@1.0.0";
const SUBJECT: &str = "relman.toml";

fn asking(rest: &str) -> String {
    format!("[relman]\nconfirm-rules = [\"managers\"]\n{rest}")
}

/// As `who` uses relman with this text in the one file of the store.
fn uses(world: &mut World, who: &str, text: &str) {
    owned(world, who, text, 0);
}

fn owned(world: &mut World, who: &str, text: &str, owner: u32) {
    world.policy = World::with(text).policy;
    let path = PathBuf::from("/etc/relman/relman.toml");
    let file = RulesFile { path, digest: Digest::of(text.as_bytes()), owner };
    world
        .as_(who, |cx| configured::notice(cx.store, cx.actor, cx.now, &file, cx.policy, Say::Shared))
        .unwrap();
}

fn world() -> World {
    let mut world = World::with(&asking(POLICY));
    world.release(API);
    world.advance(API, 2);
    uses(&mut world, "erin", &asking(POLICY));
    world
}

/// What the rules gate says; nothing: it is not asked.
fn gate(world: &World, env: &str) -> Option<Answer> {
    let report = world.gates("erin", API, env);
    report.checks.into_iter().find(|check| check.gate == GateId::Rules).map(|check| check.answer)
}

fn says(world: &World) -> String {
    format!("{:?}", gate(world, "production"))
}

#[test]
fn nobody_is_asked_where_the_rules_do_not_want_it() {
    let mut world = World::new();
    world.release(API);
    uses(&mut world, "erin", POLICY);
    assert_eq!(gate(&world, "production"), None);
    let verb = (Verb::ConfigConfirmed, SUBJECT);
    refused(&world, "bob", ErrorKind::Conflict, verb, |cx| confirm(cx, None));
}

#[test]
fn production_waits_until_a_second_person_of_the_group_confirms() {
    let world = world();
    assert!(says(&world).contains("RulesUnconfirmed"), "{}", says(&world));
    assert_eq!(gate(&world, "staging"), None, "only production");
    let answer = answer(&world.gates("erin", API, "production"), GateId::Rules);
    let Answer::Blocked { reason } = answer else { panic!("{answer:?}") };
    assert!(reason.to_string().contains("first used by erin"), "{reason}");
    let (id, env) = (API.parse().unwrap(), "production".parse().unwrap());
    assert!(reason.remedy(&id, &env).contains("ask bob or carol"), "{}", reason.remedy(&id, &env));

    let verb = (Verb::ConfigConfirmed, SUBJECT);
    let error = refused(&world, "dave", ErrorKind::NotPermitted, verb, |cx| confirm(cx, None));
    assert!(error.sentence.contains("dave is none of bob or carol"), "{error}");
    assert_eq!(error.hints, ["ask bob or carol"]);
    done(&world, "bob", Verb::ConfigConfirmed, SUBJECT, |cx| confirm(cx, Some("reviewed")));
    assert!(gate(&world, "production").unwrap().opens());
    let error = refused(&world, "carol", ErrorKind::Conflict, verb, |cx| confirm(cx, None));
    assert!(error.sentence.contains("bob has confirmed them"), "{error}");
}

#[test]
fn each_change_must_be_confirmed_anew_by_somebody_who_did_not_bring_it() {
    let mut world = world();
    world.as_("bob", |cx| confirm(cx, None)).unwrap();
    let looser = asking(&POLICY.replace("soak = \"1h\"", "soak = \"1m\""));
    uses(&mut world, "bob", &looser);
    assert!(!gate(&world, "production").unwrap().opens());
    let differences = world.as_("carol", changes).unwrap().unwrap();
    let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["environments production soak: 1h \u{2192} 1m"]);
    let seq = world.store.read(relman::store::journal::head).unwrap().0;
    assert_eq!(world.as_("carol", |cx| changed_by(cx, seq)).unwrap(), differences, "the entry says the same");

    let verb = (Verb::ConfigConfirmed, SUBJECT);
    let error = refused(&world, "bob", ErrorKind::NotPermitted, verb, |cx| confirm(cx, None));
    assert!(error.sentence.contains("bob was the first to use them"), "{error}");
    assert_eq!(error.hints, ["ask carol"]);
    world.as_("carol", |cx| confirm(cx, None)).unwrap();
    assert!(gate(&world, "production").unwrap().opens());
    // What was confirmed before is not what is in force when it comes back.
    uses(&mut world, "erin", &asking(POLICY));
    assert!(!gate(&world, "production").unwrap().opens());
}

#[test]
fn whose_file_it_is_does_not_confirm_it() {
    let mut world = world();
    let uid = world.as_("bob", |cx| cx.actor.person.uid);
    owned(&mut world, "erin", &asking(&format!("{POLICY}\n# mine")), uid);
    let verb = (Verb::ConfigConfirmed, SUBJECT);
    let error = refused(&world, "bob", ErrorKind::NotPermitted, verb, |cx| confirm(cx, None));
    assert!(error.sentence.contains("the file belongs to bob"), "{error}");
    world.as_("carol", |cx| confirm(cx, None)).unwrap();
}

#[test]
fn a_change_neither_takes_the_question_away_nor_appoints_who_answers_it() {
    let mut world = world();
    world.as_("bob", |cx| confirm(cx, None)).unwrap();
    // mallory joins the group and takes the key out of the file.
    let own = POLICY.replace("managers = [", "managers = [\"mallory\", ");
    uses(&mut world, "erin", &own);
    assert!(!gate(&world, "production").unwrap().opens());
    let verb = (Verb::ConfigConfirmed, SUBJECT);
    let error = refused(&world, "mallory", ErrorKind::NotPermitted, verb, |cx| confirm(cx, None));
    assert!(error.sentence.contains("mallory is none of bob or carol"), "{error}");
    // Whoever may says yes to that: from then on nobody is asked.
    world.as_("carol", |cx| confirm(cx, None)).unwrap();
    assert_eq!(gate(&world, "production"), None);
}

#[test]
fn going_back_does_not_wait_for_it_and_no_override_opens_it() {
    assert!(!GateId::Rules.may_be_opened());
    // In production for a while, and again the version before it.
    let mut world = super::rollback::with(POLICY);
    uses(&mut world, "erin", &asking(POLICY));
    let wanted = super::rollback::back(None);
    let started = world.as_("erin", |cx| rollback(cx, &wanted)).unwrap().deployment;
    let report = world.store.read(|tx| deployments::report_of(tx, started.id)).unwrap();
    assert!(answer(&report, GateId::Rules).opens(), "{report:?}");
}
