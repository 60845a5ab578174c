//! Do decisions about leaving a stage count on the same terms as those about an environment: for how long, whose, signed?

use std::time::Duration;

use relman::domain::approval::Verdict;
use relman::domain::gate::stage_exit::ExitAnswer;
use relman::domain::policy::StageGate;
use relman::domain::release::Stage;
use relman::ops::approval::decide::{Decision, decide};
use relman::ops::approval::sign::Signing;
use relman::ops::hook::moments;
use relman::ops::release::advance::advance;
use relman::ops::release::edit::Edit;
use relman::ops::view::board::board;
use relman::ops::view::brief::brief;
use relman::ops::view::queue::{Pending, queue};
use relman::ops::view::release as view;
use relman::ops::{ErrorKind, audit};

use crate::support::world::{POLICY, World, about, release_id};

const API: &str = "api@1.0.0";
const SIGN_OFF: Option<&str> = Some("sign-off");

/// A release in the test stage, which wants a sign-off of bob or carol on these terms.
fn world(terms: &str) -> World {
    let text = format!(
        "[relman]\nallowed-signers = \"allowed_signers\"\n{POLICY}\n[stages.test]\napprovals = \
         [{{ from = \"managers\" }}]\n{terms}\n"
    );
    let world = World::with(&text);
    world.release(API);
    world.advance(API, 3);
    world
}

fn exit(world: &World, gate: StageGate) -> ExitAnswer {
    let view = world.as_("alice", |cx| view::release(cx, &release_id(API))).unwrap();
    view.exit.into_iter().find(|check| check.gate == gate).unwrap().answer
}

#[track_caller]
fn lacks(world: &World, gate: StageGate) -> (String, String) {
    match exit(world, gate) {
        ExitAnswer::Blocked { lacks, remedy } => (lacks, remedy),
        other => panic!("{other:?}"),
    }
}

fn item(world: &World, who: &str) -> Pending {
    world.as_(who, |cx| queue(cx, &board(cx)?)).unwrap().remove(0)
}

#[test]
fn a_sign_off_counts_as_long_as_the_stage_says() {
    let mut world = world("approval-ttl = \"2h\"");
    let approval = world.decide("bob", API, SIGN_OFF, Verdict::Approved).unwrap();
    assert_eq!(approval.expires_at, Some(world.now.plus(Duration::from_hours(2))));
    assert!(exit(&world, StageGate::SignOff).opens());
    world.pass(Duration::from_hours(2));
    assert!(lacks(&world, StageGate::SignOff).0.contains("bob's does not count: valid only until"));
    assert_eq!(world.as_("alice", |cx| advance(cx, &release_id(API))).unwrap_err().kind, ErrorKind::Blocked);
    world.decide("bob", API, SIGN_OFF, Verdict::Approved).unwrap();
    world.advance(API, 1);
}

#[test]
fn without_a_word_it_counts_until_what_it_is_about_changes() {
    let mut world = world("");
    world.decide("bob", API, SIGN_OFF, Verdict::Approved).unwrap();
    world.pass(Duration::from_hours(24 * 365));
    assert!(exit(&world, StageGate::SignOff).opens());
}

#[test]
fn an_own_sign_off_counts_only_where_the_stage_says_so() {
    let policy = |word: &str| {
        let everybody = POLICY.replace("[\"bob\", \"carol\"]", "[\"bob\", \"carol\", \"alice\"]");
        let world = World::with(&format!(
            "{everybody}\n[stages.test]\napprovals = [{{ from = \"managers\" }}]\n{word}\n"
        ));
        world.release(API);
        world.advance(API, 3);
        world
    };
    let strict = policy("");
    assert_eq!(item(&strict, "alice").not_yours.as_deref(), Some("you requested or created it"));
    assert_eq!(
        strict.decide("alice", API, SIGN_OFF, Verdict::Approved).unwrap_err().kind,
        ErrorKind::NotPermitted
    );
    let trusting = policy("self-approval = true");
    assert_eq!(item(&trusting, "alice").not_yours, None);
    trusting.decide("alice", API, SIGN_OFF, Verdict::Approved).unwrap();
    trusting.advance(API, 1);
}

#[test]
fn a_signed_sign_off_is_looked_at_when_the_stage_is_left() {
    let world = world("signed-approvals = \"required\"");
    world.machine.keys.borrow_mut().insert("bob".to_owned(), "key of bob".to_owned());
    let refused = world.decide("carol", API, SIGN_OFF, Verdict::Approved).unwrap_err();
    assert!(refused.sentence.contains("no key at hand"), "{refused:?}");
    let unsigned = Decision {
        signing: Signing::Without,
        ..Decision::new(release_id(API), about(SIGN_OFF), Verdict::Approved)
    };
    assert_eq!(world.as_("bob", |cx| decide(cx, &unsigned)).unwrap_err().kind, ErrorKind::NotPermitted);
    world.decide("bob", API, SIGN_OFF, Verdict::Approved).unwrap();
    let evidence = "approved by bob (signed, agent)".to_owned();
    assert_eq!(exit(&world, StageGate::SignOff), ExitAnswer::Met { evidence });
    assert_eq!(item(&world, "bob").tally.rules[0].named(), ["bob (signed, agent)"]);
    // A key that is listed no more closes it again, for the queue, the gate, and whoever looks back.
    world.machine.keys.borrow_mut().remove("bob");
    assert!(lacks(&world, StageGate::SignOff).0.contains("its signature does not hold"));
    assert!(!item(&world, "bob").tally.is_met());
    assert_eq!(world.as_("alice", |cx| advance(cx, &release_id(API))).unwrap_err().kind, ErrorKind::Blocked);
    let found = world.as_("root", audit::verify).unwrap().findings.list;
    assert!(found.iter().any(|one| one.sentence.contains("its signature does not hold")), "{found:?}");
}

#[test]
fn a_sign_off_may_count_from_a_later_time_on() {
    let mut world = world("");
    let from = world.now.plus(Duration::from_hours(3));
    let later = Decision {
        effective: Some(from),
        ..Decision::new(release_id(API), about(SIGN_OFF), Verdict::Approved)
    };
    world.as_("bob", |cx| decide(cx, &later)).unwrap();
    assert!(lacks(&world, StageGate::SignOff).0.contains("it counts from"));
    world.pass(Duration::from_hours(3));
    assert!(exit(&world, StageGate::SignOff).opens());
}

#[test]
fn an_open_sign_off_is_brought_to_mind_and_told_to_others() {
    let mut world = world("remind-every = \"30m\"\nescalate-after = \"1h\"\nescalate-to = [\"sre\"]\n");
    let look = |world: &World| world.journaled(|| world.as_("dave", moments::notice).unwrap()).1;
    assert_eq!(look(&world), ["approval.requested done api@1.0.0"]);
    world.pass(Duration::from_mins(30));
    assert_eq!(look(&world), ["approval.reminded done api@1.0.0"]);
    world.pass(Duration::from_mins(30));
    assert_eq!(look(&world), ["approval.reminded done api@1.0.0", "approval.escalated done api@1.0.0"]);
    assert_eq!(item(&world, "bob").escalated, Some((world.now, vec!["sre".to_owned()])));
}

/// A release that has been deployed and is in the review stage, which wants a sign-off.
fn reviewed() -> World {
    let mut world = World::with(&format!(
        "{POLICY}\n[stages.review]\napprovals = [{{ from = \"managers\", count = 1 }}]\n"
    ));
    world.ready(API);
    let early = world.decide("bob", API, Some("review-sign-off"), Verdict::Approved).unwrap_err();
    assert!(early.sentence.contains("is given in the review stage"), "{early:?}");
    world.deploy(API, "production");
    world.advance(API, 1);
    assert_eq!(world.stored(API).stage, Stage::Review);
    world
}

#[test]
fn a_release_is_closed_once_it_is_signed_off_as_it_turned_out() {
    let world = reviewed();
    let (lack, remedy) = lacks(&world, StageGate::ReviewSignOff);
    assert_eq!(lack, "0 of 1 from managers");
    assert_eq!(remedy, "bob, carol may: relman approve api@1.0.0 review-sign-off");
    assert_eq!(item(&world, "carol").matter(), "review-sign-off");
    let approval = world.decide("carol", API, Some("review-sign-off"), Verdict::Approved).unwrap();
    let kept = world.store.read(|tx| relman::store::approvals::list_of(tx, &release_id(API))).unwrap();
    assert!(kept.contains(&approval), "it is read back as it was given");
    world.edit(API, &Edit { outcome: Some("it lost orders".to_owned()), ..Edit::default() });
    assert!(lacks(&world, StageGate::ReviewSignOff).0.contains("the outcome"));
    world.decide("carol", API, Some("review-sign-off"), Verdict::Approved).unwrap();
    world.advance(API, 1);
    assert!(!world.stored(API).is_open());
}

#[test]
fn rules_that_want_one_person_twice_are_flagged_wherever_they_are_asked() {
    let policy = POLICY.replace("managers = [\"bob\", \"carol\"]", "managers = [\"bob\"]\nboth = [\"bob\"]");
    let rules = "approvals = [{ from = \"managers\" }, { from = \"both\" }]";
    let mut world = World::with(&format!(
        "{}\n[stages.test]\n{rules}\n",
        policy.replace(
            "approvals = [{ from = \"managers\", count = 1 }, { from = \"sre\", count = 1 }]",
            rules
        )
    ));
    world.release(API);
    world.advance(API, 3);
    let said = "managers and both want 2 people, and only bob may approve this: add people to one of the groups in \
                relman.toml";
    assert_eq!(lacks(&world, StageGate::SignOff).1, said);
    let flagged = |world: &World| {
        let item = item(world, "bob");
        let facts = brief(&item, "→", world.policy.zone, world.now);
        facts.into_iter().find(|(label, _)| *label == "no quorum").map(|(_, text)| text)
    };
    assert_eq!(flagged(&world).as_deref(), Some(said));
    world.policy.stages.clear();
    world.advance(API, 2);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.pass(Duration::from_hours(1));
    assert_eq!(flagged(&world).as_deref(), Some(said));
    let error = world.start("erin", API, "production").unwrap_err();
    assert!(error.hints.iter().any(|hint| hint.starts_with(said)), "{error:?}");
}

#[test]
fn the_approver_is_told_that_it_is_open_and_until_when() {
    let mut world = World::new();
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.pass(Duration::from_hours(1));
    let freezes = |world: &World| {
        let facts = brief(&item(world, "bob"), "→", world.policy.zone, world.now);
        facts.into_iter().find(|(label, _)| *label == "freezes").map(|(_, text)| text)
    };
    assert_eq!(freezes(&world).unwrap(), "open, and nothing closes it within a day");
    let (start, end) = (world.now.plus(Duration::from_hours(2)), world.now.plus(Duration::from_hours(5)));
    world.freeze("Year end", "production", start, end);
    assert!(freezes(&world).unwrap().starts_with("open; closes in 2h, "), "{:?}", freezes(&world));
    world.pass(Duration::from_hours(3));
    assert_eq!(freezes(&world), None, "what is closed is said with the gates that are");
}

#[test]
fn what_is_live_on_its_way_or_decided_about_stays_shown() {
    use relman::domain::digest::Digest;
    use relman::ops::view::script_diff::{in_use, of_decision};
    let mut world = World::new();
    world.ready(API);
    let live = world.deploy(API, "production");
    *world.machine.script.borrow_mut() = "two\n".to_owned();
    world.ready("api@1.1.0");
    let used = world.as_("erin", in_use).unwrap();
    let digests = ["one", "two\n"].map(|text| Digest::of(text.as_bytes()));
    assert!(digests.iter().all(|digest| used.contains(digest)), "{used:?}");
    let subject = about(Some("production"));
    let shown =
        |world: &World| world.as_("bob", |cx| of_decision(cx, &release_id("api@1.1.0"), &subject)).unwrap();
    assert_eq!(shown(&world).scripts[0].why_not.as_deref(), Some("its earlier content was not kept"));
    world.machine.kept.borrow_mut().push("one".to_owned());
    let lines: Vec<String> = shown(&world).lines().into_iter().map(|(_, text)| text).collect();
    assert_eq!(lines[0], format!("what changed since {} of {API} began in production", live.id));
    assert_eq!(lines[3..], ["@@ -1 +1 @@", "-one", "\\ no newline at the end of the file", "+two"]);
    *world.machine.script.borrow_mut() = "three".to_owned();
    world.deploy("api@1.1.0", "dev");
    let used = world.as_("erin", in_use).unwrap();
    assert!(used.contains(&Digest::of(b"three")) && used.contains(&digests[1]), "approvals about it stand");
}

/// What somebody who looks puts on record.
fn noticed(world: &World) -> Vec<String> {
    world.journaled(|| world.as_("dave", moments::notice).unwrap()).1
}

#[test]
fn a_decision_nobody_makes_in_time_is_given_up_and_can_be_asked_for_anew() {
    use relman::ops::approval::ask::ask;
    let mut world = world("remind-every = \"30m\"\napproval-timeout = \"1h\"");
    let asks = |world: &World| world.as_("alice", |cx| ask(cx, &release_id(API), &about(SIGN_OFF)));
    assert_eq!(noticed(&world), ["approval.requested done api@1.0.0"]);
    assert!(asks(&world).unwrap_err().sentence.contains("has not timed out"));
    world.pass(Duration::from_mins(59));
    assert_eq!(noticed(&world), ["approval.reminded done api@1.0.0"]);
    assert_eq!(item(&world, "bob").timed_out, None);
    world.pass(Duration::from_mins(1));
    let at = world.now;
    // Whether or not anybody has noticed.
    assert_eq!(item(&world, "bob").timed_out, Some(at));
    assert_eq!(noticed(&world), ["approval.timed-out done api@1.0.0"]);
    let told = world.last_entry().1;
    assert_eq!(told.reason.as_deref(), Some("open for 1h: 0 of 1 from managers (could: bob, carol)"));
    world.pass(Duration::from_hours(5));
    assert_eq!(noticed(&world), [] as [&str; 0], "nobody is reminded of what is given up");
    for verdict in Verdict::ALL {
        let late = world.decide("bob", API, SIGN_OFF, verdict).unwrap_err();
        assert!(late.sentence.contains("timed out"), "{late:?}");
        assert_eq!(late.hints, ["who still wants it asks anew: relman approvals api@1.0.0 sign-off --ask"]);
    }
    let facts = brief(&item(&world, "bob"), "→", world.policy.zone, world.now);
    let said = facts.into_iter().find(|(label, _)| *label == "timed out").unwrap().1;
    assert!(said.ends_with("to ask anew: relman approvals api@1.0.0 sign-off --ask"), "{said}");
    asks(&world).unwrap();
    assert_eq!(item(&world, "bob").timed_out, None);
    world.pass(Duration::from_mins(30));
    assert_eq!(noticed(&world), ["approval.reminded done api@1.0.0"]);
    world.decide("bob", API, SIGN_OFF, Verdict::Approved).unwrap();
    world.pass(Duration::from_hours(9));
    assert_eq!(noticed(&world), [] as [&str; 0], "what is decided has no end");
    // One more approval of what is decided is not too late.
    world.decide("carol", API, SIGN_OFF, Verdict::Approved).unwrap();
}

#[test]
fn another_content_is_asked_for_anew_by_itself_and_going_back_has_no_end() {
    let policy = POLICY.replace(
        "rollback-approvals = []",
        "rollback-approvals = [{ from = \"managers\" }]\napproval-timeout = \"2h\"",
    );
    let mut world = World::with(&policy);
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.pass(Duration::from_hours(1));
    assert_eq!(noticed(&world), ["approval.requested done api@1.0.0"]);
    world.pass(Duration::from_hours(2));
    assert!(world.decide("bob", API, Some("production"), Verdict::Approved).is_err());
    *world.machine.script.borrow_mut() = "two".to_owned();
    assert_eq!(noticed(&world), ["approval.requested done api@1.0.0"]);
    for who in ["bob", "dave"] {
        world.approve(who, API, "production");
    }
    world.deploy(API, "production");
    world.pass(Duration::from_hours(24));
    world.decide("carol", API, Some("production"), Verdict::Approved).unwrap();
}
