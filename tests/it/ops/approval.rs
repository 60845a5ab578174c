//! Who may decide about what, for how long and for which content does a decision count, and is it on record?

use std::time::Duration;

use relman::domain::actor::{Actor, Person};
use relman::domain::approval::{Approval, ApprovalSubject, Ignored, Tally, Verdict};
use relman::domain::digest::Digest;
use relman::domain::gate::{Answer, BlockReason, GateId};
use relman::domain::journal::Verb;
use relman::domain::policy::Member;
use relman::domain::release::{ReleaseState, Stage};
use relman::ops::ErrorKind;
use relman::ops::approval::decide::{Decision, decide};
use relman::ops::approval::older;
use relman::ops::approval::withdraw::withdraw;
use relman::ops::deployment::cancel::cancel as call_off;
use relman::ops::deployment::start::explain;
use relman::ops::release::back::back;
use relman::ops::release::cancel::cancel;
use relman::ops::release::edit::Edit;
use relman::ops::view::board::board;
use relman::ops::view::queue::{Pending, queue};
use relman::ops::view::release as release_view;

use super::on_record::{done, mistaken, refused};
use crate::support::world::{self, World, answer, closed, env_name, person, release_id};

const API: &str = "api@1.0.0";
const PRODUCTION: &str = "production";

/// One environment whose policy has these rules; whoever is not named may deploy.
fn ruled(rules: &str) -> World {
    let world = World::with(&format!(
        r#"
[groups]
managers = ["bob", "carol"]
sre = ["carol", "dave"]
everyone = ["*"]
[environments.production]
kind = "production"
{rules}
[services.api]
pipeline = ["production"]
scripts = {{ deploy = ["./deploy.sh"] }}
[stages.request]
approvals = [{{ from = "managers" }}]
[process.standard]
enter = "deploy"
"#
    ));
    world.release(API);
    world
}

const BOTH: &str = r#"approvals = [{ from = "managers" }, { from = "sre" }]"#;
const ONE: &str = r#"approvals = [{ from = "managers" }]"#;

/// The ordinary policy with a release in the deploy stage.
fn world() -> World {
    let world = World::new();
    world.release(API);
    world.advance(API, 5);
    world
}

fn about(env: Option<&str>, verdict: Verdict) -> Decision {
    Decision::new(release_id(API), world::about(env), verdict)
}

fn stale(changed: &[&str]) -> Ignored {
    Ignored::Stale { changed: changed.iter().map(|text| (*text).to_owned()).collect() }
}

/// What is said where the script reads `two` instead of `one`.
fn script_changed() -> String {
    let [one, two] = ["one", "two"].map(|text| Digest::of(text.as_bytes()));
    format!("deploy.sh changed ({} → {})", one.short(), two.short())
}

fn yes() -> Decision {
    about(Some(PRODUCTION), Verdict::Approved)
}

fn no() -> Decision {
    Decision { reason: Some("too risky".to_owned()), ..about(Some(PRODUCTION), Verdict::Rejected) }
}

/// The approvals gate of production as alice sees it.
fn approvals(world: &World) -> Answer {
    answer(&world.gates("alice", API, PRODUCTION), GateId::Approvals)
}

#[track_caller]
fn missing(world: &World) -> Tally {
    match approvals(world) {
        Answer::Blocked { reason: BlockReason::ApprovalsMissing { tally, .. } } => tally,
        other => panic!("{other:?}"),
    }
}

fn is_open(world: &World) -> bool {
    approvals(world).opens()
}

fn decisions(world: &World) -> Vec<Approval> {
    world.store.read(|tx| relman::store::approvals::list_of(tx, &release_id(API))).unwrap()
}

#[test]
fn a_member_of_the_group_may_approve() {
    let world = world();
    let approval = done(&world, "bob", Verb::ApprovalGranted, API, |cx| decide(cx, &yes()));
    assert_eq!(approval.subject, ApprovalSubject::Environment(env_name(PRODUCTION)));
    assert_eq!((approval.verdict, approval.by.name.as_str()), (Verdict::Approved, "bob"));
    assert_eq!(approval.expires_at, Some(world.now.plus(Duration::from_hours(8))));
    assert_eq!(approval.digest, world.gates("alice", API, PRODUCTION).subject);
    assert_eq!(decisions(&world), std::slice::from_ref(&approval));
    let told: Approval = serde_json::from_value(world.last_entry().1.after.unwrap()).unwrap();
    assert_eq!(told, approval);
}

#[test]
fn who_is_in_no_group_of_the_policy_is_told_groups_and_people() {
    let world = world();
    let error = refused(&world, "frank", ErrorKind::NotPermitted, (Verb::ApprovalGranted, API), |cx| {
        decide(cx, &yes())
    });
    assert_eq!(error.sentence, "frank may not decide about production; it takes someone of managers and sre");
    assert_eq!(error.hints, ["ask bob, carol, dave, erin"]);
    assert!(decisions(&world).is_empty());
}

#[test]
fn who_could_decide_is_named_once() {
    let world = ruled(&format!("{BOTH}\nrollback-approvals = [{{ from = \"managers\" }}]"));
    let error = world.decide("frank", API, Some(PRODUCTION), Verdict::Approved).unwrap_err();
    assert_eq!(error.sentence, "frank may not decide about production; it takes someone of managers and sre");
    assert_eq!(error.hints, ["ask bob, carol, dave"]);
}

#[test]
fn an_own_approval_does_not_count() {
    let world = World::new();
    world.as_("bob", |cx| {
        use relman::ops::release::create::{NewRelease, create};
        create(cx, &release_id(API), &NewRelease::default()).unwrap()
    });
    let error = refused(&world, "bob", ErrorKind::NotPermitted, (Verb::ApprovalGranted, API), |cx| {
        decide(cx, &yes())
    });
    assert!(error.sentence.ends_with("an own approval does not count"), "{error}");
    assert_eq!(error.hints, ["ask carol, dave, erin"]);
}

#[test]
fn an_own_approval_counts_where_the_environment_says_so() {
    let world = ruled("approvals = [{ from = \"everyone\" }]\nself-approval = true");
    done(&world, "alice", Verb::ApprovalGranted, API, |cx| decide(cx, &yes()));
    assert!(is_open(&world));
}

#[test]
fn an_own_rejection_is_taken() {
    let world = ruled("approvals = [{ from = \"everyone\" }]");
    done(&world, "alice", Verb::ApprovalRejected, API, |cx| decide(cx, &no()));
    assert!(!is_open(&world));
}

#[test]
fn nobody_decides_the_same_twice() {
    let world = world();
    world.approve("bob", API, PRODUCTION);
    let error =
        refused(&world, "bob", ErrorKind::Conflict, (Verb::ApprovalGranted, API), |cx| decide(cx, &yes()));
    assert!(error.sentence.starts_with("you approved this already"), "{error}");
    assert_eq!(error.hints, ["to change your mind: relman withdraw api@1.0.0 production"]);
    assert_eq!(decisions(&world).len(), 1);
}

#[test]
fn a_yes_is_not_turned_into_a_no_without_being_withdrawn() {
    let world = world();
    world.approve("bob", API, PRODUCTION);
    refused(&world, "bob", ErrorKind::Conflict, (Verb::ApprovalRejected, API), |cx| decide(cx, &no()));
}

#[test]
fn a_member_of_a_unix_group_may_approve() {
    let world = world();
    done(&world, "dave", Verb::ApprovalGranted, API, |cx| decide(cx, &yes()));
    let tally = missing(&world);
    assert_eq!(
        (tally.rules[1].group.as_str(), tally.rules[1].by.as_slice()),
        ("sre", &["dave".to_owned()][..])
    );
}

#[test]
fn all_rules_together_open_the_gate() {
    let world = world();
    world.approve("bob", API, PRODUCTION);
    assert!(!is_open(&world));
    world.approve("erin", API, PRODUCTION);
    assert_eq!(approvals(&world), Answer::Pass { evidence: "approved by bob, erin".to_owned() });
}

#[test]
fn an_approval_is_stale_when_the_script_changes() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    *world.machine.script.borrow_mut() = "two".to_owned();
    assert_eq!(missing(&world).ignored, [("bob".to_owned(), stale(&[&script_changed()]))]);
}

#[test]
fn an_approval_counts_again_when_the_script_is_what_it_was() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    *world.machine.script.borrow_mut() = "two".to_owned();
    assert!(!is_open(&world));
    *world.machine.script.borrow_mut() = "one".to_owned();
    assert!(is_open(&world));
}

#[test]
fn an_approval_is_stale_when_the_artifact_changes() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.edit(API, &Edit { digest: Some(Digest::of(b"image")), ..Edit::default() });
    assert_eq!(
        missing(&world).ignored,
        [("bob".to_owned(), stale(&[&format!("artifact digest none → {}", Digest::of(b"image").short())]))]
    );
}

#[test]
fn an_approval_survives_a_change_that_is_not_deployed() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.edit(API, &Edit { title: Some("Faster".to_owned()), ..Edit::default() });
    assert!(is_open(&world));
}

#[test]
fn a_stale_approval_may_be_given_anew() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    *world.machine.script.borrow_mut() = "two".to_owned();
    done(&world, "bob", Verb::ApprovalGranted, API, |cx| decide(cx, &yes()));
    assert!(is_open(&world));
    let all = decisions(&world);
    assert_eq!(all[0].ended_why.as_deref(), Some("void: superseded, the content changed"));
    assert_eq!((all.len(), all[1].ended_at), (2, None));
}

#[test]
fn an_approval_counts_until_just_before_it_expires() {
    let mut world = ruled(&format!("{ONE}\napproval-ttl = \"2h\""));
    world.approve("bob", API, PRODUCTION);
    world.pass(Duration::from_hours(2) - Duration::from_millis(1));
    assert!(is_open(&world));
    world.pass(Duration::from_millis(1));
    assert_eq!(missing(&world).ignored, [("bob".to_owned(), Ignored::Expired { at: world.now })]);
}

#[test]
fn an_expired_approval_may_be_given_anew() {
    let mut world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.pass(Duration::from_hours(8));
    done(&world, "bob", Verb::ApprovalGranted, API, |cx| decide(cx, &yes()));
    assert_eq!(decisions(&world)[0].ended_why.as_deref(), Some("it expired"));
    assert!(is_open(&world));
}

#[test]
fn a_rejection_needs_a_reason() {
    let world = world();
    let decision = about(Some(PRODUCTION), Verdict::Rejected);
    let error = mistaken(&world, "bob", ErrorKind::Usage, |cx| decide(cx, &decision));
    assert_eq!(error.sentence, "a rejection needs a reason");
}

#[test]
fn a_blank_reason_is_none() {
    let world = world();
    let decision = Decision { reason: Some(" \t ".to_owned()), ..no() };
    mistaken(&world, "bob", ErrorKind::Usage, |cx| decide(cx, &decision));
}

#[test]
fn a_rejected_request_ends_the_release() {
    let world = ruled(ONE);
    world.as_("alice", |cx| back(cx, &release_id(API), Some(Stage::Request), "again")).unwrap();
    let decision = Decision { subject: world::about(None), ..no() };
    let (result, entries) = world.journaled(|| world.as_("bob", |cx| decide(cx, &decision)));
    result.unwrap();
    assert_eq!(entries, ["approval.rejected done api@1.0.0", "release.rejected done api@1.0.0"]);
    let release = world.stored(API);
    assert_eq!(release.state, ReleaseState::Rejected);
    let ended = release.ended.clone().unwrap();
    assert_eq!((ended.by.name.as_str(), ended.reason.as_str()), ("bob", "too risky"));
    let body = world.last_entry().1;
    assert_eq!(body.reason.as_deref(), Some("too risky"));
    assert_eq!(body.after, Some(serde_json::to_value(&release).unwrap()));
}

#[test]
fn an_approved_request_leaves_the_release_open() {
    let world = ruled(ONE);
    let decision = about(None, Verdict::Approved);
    let approval = done(&world, "bob", Verb::ApprovalGranted, API, |cx| decide(cx, &decision));
    assert_eq!((approval.subject, approval.expires_at), (ApprovalSubject::Request, None));
    assert!(world.stored(API).is_open());
}

#[test]
fn a_rejection_for_an_environment_blocks_whoever_else_approves() {
    let world = ruled(ONE);
    world.as_("bob", |cx| decide(cx, &no())).unwrap();
    world.approve("carol", API, PRODUCTION);
    assert_eq!(
        approvals(&world),
        Answer::Blocked {
            reason: BlockReason::Rejected { by: "bob".to_owned(), reason: "too risky".to_owned() }
        }
    );
    assert!(world.stored(API).is_open());
}

#[test]
fn a_rejection_does_not_expire() {
    let mut world = ruled(ONE);
    world.as_("bob", |cx| decide(cx, &no())).unwrap();
    world.pass(Duration::from_hours(500));
    assert!(matches!(approvals(&world), Answer::Blocked { reason: BlockReason::Rejected { .. } }));
}

#[test]
fn a_withdrawn_rejection_no_longer_blocks() {
    let world = ruled(ONE);
    world.as_("bob", |cx| decide(cx, &no())).unwrap();
    world.approve("carol", API, PRODUCTION);
    done(&world, "bob", Verb::ApprovalWithdrawn, API, |cx| {
        withdraw(cx, &release_id(API), &world::about(Some(PRODUCTION)))
    });
    assert!(is_open(&world));
}

#[test]
fn a_withdrawn_approval_no_longer_counts() {
    let world = ruled(ONE);
    let before = world.approve("bob", API, PRODUCTION);
    let after = done(&world, "bob", Verb::ApprovalWithdrawn, API, |cx| {
        withdraw(cx, &release_id(API), &world::about(Some(PRODUCTION)))
    });
    assert_eq!((after.ended_at, after.ended_why.as_deref()), (Some(world.now), Some("withdrawn by bob")));
    assert!(!is_open(&world));
    let body = world.last_entry().1;
    assert_eq!(body.before, Some(serde_json::to_value(&before).unwrap()));
    assert_eq!(body.after, Some(serde_json::to_value(&after).unwrap()));
}

#[test]
fn after_withdrawing_one_may_decide_otherwise() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.withdraw("bob", API, PRODUCTION);
    done(&world, "bob", Verb::ApprovalRejected, API, |cx| decide(cx, &no()));
}

#[test]
fn a_decision_about_a_release_that_has_ended_may_be_withdrawn() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.as_("alice", |cx| cancel(cx, &release_id(API), "not wanted")).unwrap();
    done(&world, "bob", Verb::ApprovalWithdrawn, API, |cx| {
        withdraw(cx, &release_id(API), &world::about(Some(PRODUCTION)))
    });
    assert_eq!(decisions(&world)[0].ended_at, Some(world.now));
}

#[test]
fn nobody_withdraws_what_another_decided() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    mistaken(&world, "carol", ErrorKind::NotFound, |cx| {
        withdraw(cx, &release_id(API), &world::about(Some(PRODUCTION)))
    });
    assert!(is_open(&world));
}

#[test]
fn a_decision_is_withdrawn_once() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.withdraw("bob", API, PRODUCTION);
    mistaken(&world, "bob", ErrorKind::NotFound, |cx| {
        withdraw(cx, &release_id(API), &world::about(Some(PRODUCTION)))
    });
}

#[test]
fn a_decision_about_what_changed_meanwhile_is_refused() {
    let world = world();
    let seen = Some(world.gates("bob", API, PRODUCTION).subject);
    *world.machine.script.borrow_mut() = "two".to_owned();
    let decision = Decision { seen, ..yes() };
    let error =
        refused(&world, "bob", ErrorKind::Conflict, (Verb::ApprovalGranted, API), |cx| decide(cx, &decision));
    assert_eq!(error.sentence, "api@1.0.0 changed while you were looking at it");
    assert!(decisions(&world).is_empty());
}

#[test]
fn a_decision_about_what_was_seen_is_taken() {
    let world = world();
    let decision = Decision { seen: Some(world.gates("bob", API, PRODUCTION).subject), ..yes() };
    done(&world, "bob", Verb::ApprovalGranted, API, |cx| decide(cx, &decision));
}

#[test]
fn one_person_counts_for_one_rule() {
    let world = ruled(BOTH);
    world.approve("carol", API, PRODUCTION);
    let tally = missing(&world);
    assert_eq!(tally.rules.iter().map(|rule| rule.by.len()).sum::<usize>(), 1);
}

#[test]
fn who_could_count_for_two_rules_makes_room_for_the_one_who_cannot() {
    for order in [["carol", "bob"], ["bob", "carol"], ["carol", "dave"], ["dave", "carol"]] {
        let world = ruled(BOTH);
        for who in order {
            world.approve(who, API, PRODUCTION);
        }
        assert!(is_open(&world), "{order:?}");
    }
}

#[test]
fn a_rule_may_want_two_people() {
    let world = ruled("approvals = [{ from = \"managers\", count = 2 }]");
    world.approve("bob", API, PRODUCTION);
    assert_eq!(missing(&world).rules[0].missing(), 1);
    world.approve("carol", API, PRODUCTION);
    assert!(is_open(&world));
}

#[test]
fn a_policy_that_nobody_left_can_meet_says_so() {
    let world = ruled("approvals = [{ from = \"managers\", count = 3 }]");
    let error = world.start("alice", API, PRODUCTION).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unapproved);
    let said = "managers wants 3 people, and only bob, carol may approve this: add people to the group";
    assert!(error.hints[0].starts_with(said), "{error:?}");
}

#[test]
fn who_starts_is_not_one_of_the_approvers() {
    let world = ruled(BOTH);
    world.approve("bob", API, PRODUCTION);
    world.approve("dave", API, PRODUCTION);
    assert_eq!(closed(&world.gates("dave", API, PRODUCTION)), ["approvals"]);
    assert!(world.gates("erin", API, PRODUCTION).allows());
}

#[test]
fn who_left_the_group_since_no_longer_counts() {
    let mut world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.policy.groups.insert("managers".to_owned(), vec![Member::User("carol".to_owned())]);
    assert_eq!(missing(&world).ignored, [("bob".to_owned(), Ignored::NoLongerEligible)]);
}

/// Somebody who became another user; the login name stays.
fn as_another(name: &str, login: &str) -> Actor {
    let person = Person { login: Some(login.to_owned()), ..person(name).person };
    Actor { person, ..self::person(name) }
}

#[test]
fn becoming_another_user_does_not_make_an_approver() {
    let world = world();
    let actor = as_another("bob", "alice");
    let (result, entries) = world.journaled(|| world.as_actor(&actor, |cx| decide(cx, &yes())));
    assert_eq!(result.unwrap_err().kind, ErrorKind::NotPermitted);
    assert_eq!(entries, ["approval.granted refused api@1.0.0"]);
}

#[test]
fn one_human_under_two_accounts_counts_once() {
    let world = ruled("approvals = [{ from = \"managers\", count = 2 }]");
    world.approve("bob", API, PRODUCTION);
    let (result, _) =
        world.journaled(|| world.as_actor(&as_another("carol", "bob"), |cx| decide(cx, &yes())));
    assert!(result.unwrap_err().sentence.starts_with("you approved this already"));
    assert_eq!(missing(&world).rules[0].by, ["bob"]);
}

#[test]
fn nobody_takes_back_the_no_of_another_by_becoming_them() {
    let world = world();
    world.as_("bob", |cx| decide(cx, &no())).unwrap();
    let mallory = as_another("bob", "alice");
    let error = world
        .as_actor(&mallory, |cx| withdraw(cx, &release_id(API), &world::about(Some(PRODUCTION))))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn a_no_of_somebody_without_a_say_does_not_close_the_gate() {
    let mut world = ruled(ONE);
    world.as_("bob", |cx| decide(cx, &no())).unwrap();
    world.policy.groups.insert("managers".to_owned(), vec![Member::User("carol".to_owned())]);
    assert_eq!(missing(&world).ignored, [("bob".to_owned(), Ignored::NoLongerEligible)]);
}

#[test]
fn a_request_that_was_let_through_is_not_rejected_by_a_forgotten_word() {
    let world = ruled(ONE);
    let decision = Decision { subject: world::about(None), ..no() };
    let error = refused(&world, "bob", ErrorKind::Conflict, (Verb::ApprovalRejected, API), |cx| {
        decide(cx, &decision)
    });
    assert!(error.hints[0].contains("relman reject api@1.0.0 ENV"), "{:?}", error.hints);
    assert!(world.stored(API).is_open());
}

#[test]
fn where_no_approval_is_asked_there_is_nothing_to_decide() {
    let world = world();
    let decision = about(Some("staging"), Verdict::Approved);
    let error =
        refused(&world, "bob", ErrorKind::Conflict, (Verb::ApprovalGranted, API), |cx| decide(cx, &decision));
    assert!(error.sentence.contains("staging has no approval policy"), "{error}");
}

#[test]
fn what_does_not_concern_the_environment_leaves_an_approval_as_it_is() {
    let mut world = World::new();
    world.ready("api@1.0.0");
    let subject = |world: &World| world.gates("erin", "api@1.0.0", "production").subject;
    let approved = subject(&world);
    let more = |step: &str| {
        let text = format!(
            "{}[[services.api.steps]]\nname = \"seed\"\ncommand = [\"./seed.sh\"]\nenvironments = [\"{step}\"]\n\
             [services.api.toggles.x]\non = [\"./x.sh\"]\noff = [\"./x.sh\"]\n",
            crate::support::world::POLICY
        );
        relman::config::parse(std::path::Path::new("/srv/relman.toml"), &text)
            .unwrap_or_else(|why| panic!("{why}"))
            .policy
    };
    world.policy = more("staging");
    assert_eq!(subject(&world), approved, "a step of staging, and a toggle the release does not name");
    world.policy = more("production");
    assert_ne!(subject(&world), approved);
}

#[test]
fn an_environment_outside_the_pipeline_is_a_mistake() {
    let world = World::new();
    world.release("web@1.0.0");
    let decision = Decision { release: release_id("web@1.0.0"), ..about(Some("dev"), Verdict::Approved) };
    let error = mistaken(&world, "bob", ErrorKind::NotFound, |cx| decide(cx, &decision));
    assert_eq!(error.hints, ["its pipeline: staging → production"]);
}

#[test]
fn what_has_ended_is_not_approved() {
    let world = world();
    world.as_("alice", |cx| cancel(cx, &release_id(API), "not wanted")).unwrap();
    refused(&world, "bob", ErrorKind::Conflict, (Verb::ApprovalGranted, API), |cx| decide(cx, &yes()));
}

#[test]
fn a_start_without_approvals_says_who_could_give_them() {
    let mut world = World::new();
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.pass(Duration::from_hours(1));
    let error = world.start("erin", API, PRODUCTION).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unapproved);
    assert_eq!(
        error.hints,
        ["ask bob or carol (for managers) and dave (for sre) to: relman approve api@1.0.0 production"]
    );
}

#[test]
fn who_only_looks_is_not_taken_for_the_one_who_starts() {
    let world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    let explained = |who: &str| {
        let report = world.as_(who, |cx| explain(cx, &release_id(API), &env_name(PRODUCTION))).unwrap();
        answer(&report, GateId::Approvals)
    };
    let by_bob = "approved by bob";
    assert_eq!(explained("erin"), Answer::Pass { evidence: by_bob.to_owned() });
    let but = format!("{by_bob}; somebody else than bob must start it");
    assert_eq!(explained("bob"), Answer::Pass { evidence: but });
    assert!(!answer(&world.gates("bob", API, PRODUCTION), GateId::Approvals).opens(), "about to start it");
}

#[test]
fn every_decision_is_listed_with_why_it_does_not_count() {
    let mut world = ruled(ONE);
    world.approve("bob", API, PRODUCTION);
    world.approve("carol", API, PRODUCTION);
    world.withdraw("carol", API, PRODUCTION);
    let listed = |world: &World| -> Vec<(String, Option<Ignored>)> {
        let view = world.as_("erin", |cx| release_view::release(cx, &release_id(API))).unwrap();
        view.approvals.into_iter().map(|one| (one.approval.by.name, one.ignored)).collect()
    };
    let withdrawn = Some(Ignored::Ended { why: "withdrawn by carol".to_owned() });
    assert_eq!(listed(&world), [("bob".to_owned(), None), ("carol".to_owned(), withdrawn.clone())]);
    *world.machine.script.borrow_mut() = "two".to_owned();
    assert_eq!(listed(&world)[0].1, Some(stale(&[&script_changed()])));
    *world.machine.script.borrow_mut() = "one".to_owned();
    world.pass(Duration::from_hours(24));
    assert!(matches!(listed(&world)[0].1, Some(Ignored::Expired { .. })), "{:?}", listed(&world));
    world.approve("bob", API, PRODUCTION);
    let [first, second] = [0, 2].map(|at| listed(&world)[at].1.clone());
    assert_eq!((first, second), (Some(Ignored::Ended { why: "it expired".to_owned() }), None));
}

#[test]
fn of_one_person_only_the_last_word_is_said_not_to_count() {
    let mut world = ruled(r#"approvals = [{ from = "managers", count = 2 }]"#);
    world.approve("bob", API, PRODUCTION);
    world.pass(Duration::from_hours(24));
    world.approve("bob", API, PRODUCTION);
    assert_eq!(missing(&world).ignored, [], "the first one was replaced");
    *world.machine.script.borrow_mut() = "two".to_owned();
    assert_eq!(missing(&world).ignored, [("bob".to_owned(), stale(&[&script_changed()]))]);
}

#[test]
fn who_scheduled_a_deployment_does_not_approve_it() {
    let mut world = World::new();
    world.ready(API);
    world.withdraw("dave", API, PRODUCTION);
    world.approve("erin", API, PRODUCTION);
    let d = world.schedule(API, PRODUCTION, Duration::from_mins(10));
    // What she said before counts no more, and everybody who looks sees that; again she may not say it.
    let pending = queue_of(&world, "erin");
    assert_eq!(pending.tally.rules[1].by, Vec::<String>::new());
    assert_eq!(pending.not_yours.as_deref(), Some("you have decided"));
    let board = world.as_("dave", board).unwrap();
    assert!(closed(&board.cards[0].next.as_ref().unwrap().report).contains(&"approvals"));
    let view = world.as_("dave", |cx| release_view::release(cx, &release_id(API))).unwrap();
    let erins = view.approvals.iter().find(|decision| decision.approval.by.name == "erin").unwrap();
    assert_eq!(erins.ignored, Some(Ignored::OwnRelease));
    world.withdraw("erin", API, PRODUCTION);
    assert_eq!(queue_of(&world, "erin").not_yours.as_deref(), Some("you scheduled it"));
    let error = refused(&world, "erin", ErrorKind::NotPermitted, (Verb::ApprovalGranted, API), |cx| {
        decide(cx, &yes())
    });
    assert_eq!(error.sentence, "erin scheduled api@1.0.0 to production; an own approval does not count");
    assert!(error.hints[0].contains("dave"), "{error:?}");
    // Once it is called off she may.
    world.as_("erin", |cx| call_off(cx, d.id, None)).unwrap();
    world.approve("erin", API, PRODUCTION);
    assert!(queue_of(&world, "bob").tally.is_met());
}

fn queue_of(world: &World, who: &str) -> Pending {
    world.as_(who, |cx| queue(cx, &board(cx).unwrap())).unwrap().remove(0)
}

#[test]
fn where_only_the_newest_counts_a_yes_to_it_is_a_no_to_older_ones_that_wait() {
    let world = World::with(&world::POLICY.replace("soak = \"1h\"", "soak = \"1h\"\nnewest-only = true"));
    for id in ["api@1.0.0", "api@1.1.0", "api@1.2.0"] {
        world.release(id);
        world.advance(id, 2);
    }
    let env = Some("production");
    world.decide("bob", "api@1.0.0", env, Verdict::Approved).unwrap();
    world.decide("carol", "api@1.1.0", env, Verdict::Rejected).unwrap();
    // Whoever is about to say yes is told.
    let subject = about(env, Verdict::Approved).subject;
    let older = world.as_("bob", |cx| older::of(cx, &release_id("api@1.1.0"), &subject)).unwrap();
    assert_eq!(older, [release_id(API)]);
    let (made, entries) = world.journaled(|| world.decide("bob", "api@1.1.0", env, Verdict::Approved));
    made.unwrap();
    assert_eq!(entries, ["approval.granted done api@1.1.0", "approval.rejected done api@1.0.0"]);
    let standing = |id: &str, by: &str| {
        let all = world.store.read(|tx| relman::store::approvals::list_of(tx, &release_id(id))).unwrap();
        let own: Vec<_> = all.into_iter().filter(|one| one.ended_at.is_none() && one.by.name == by).collect();
        own.into_iter().map(|one| (one.verdict, one.reason.unwrap_or_default())).collect::<Vec<_>>()
    };
    let older = || (Verdict::Rejected, "older than api@1.1.0, which bob approved".to_owned());
    assert_eq!(standing("api@1.0.0", "bob"), [older()], "his yes is void");
    assert_eq!(standing("api@1.2.0", "bob"), [], "newer ones are another matter");
    // It is a decision like any other.
    world.withdraw("bob", "api@1.0.0", "production");
    assert_eq!(standing("api@1.0.0", "bob"), []);
    // A no says nothing about others.
    let (_, entries) = world.journaled(|| world.decide("carol", "api@1.2.0", env, Verdict::Rejected));
    assert_eq!(entries, ["approval.rejected done api@1.2.0"]);
}
