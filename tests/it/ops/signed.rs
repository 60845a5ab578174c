//! Does only that count as signed which its author signed, about this, here, once?

use std::time::Duration;

use relman::domain::approval::{Approval, Ignored, Tally, Verdict};
use relman::domain::gate::{Answer, BlockReason, GateId};
use relman::domain::prompt::{Answers, AskedOf, Prompt, PromptKind};
use relman::domain::signature::{Assurance, Signed, Statement};
use relman::domain::time::Timestamp;
use relman::ops::approval::decide::{Decision, decide};
use relman::ops::approval::sign::{self, Signing};
use relman::ops::audit::{self, FindingKind};
use relman::ops::{ErrorKind, OpError};
use relman::store::approvals;

use crate::support::world::{World, about, answer, fake_signature, release_id};

const API: &str = "api@1.0.0";
const PRODUCTION: &str = "production";

/// Production takes one approval of bob or carol, signed as `rule` says; both have keys.
fn world(rule: &str) -> World {
    let world = World::with(&format!(
        r#"
[relman]
allowed-signers = "allowed_signers"
[groups]
managers = ["bob", "carol"]
[environments.production]
kind = "production"
approvals = [{{ from = "managers" }}]
signed-approvals = "{rule}"
[services.api]
pipeline = ["production"]
scripts = {{ deploy = ["./deploy.sh"] }}
[process.standard]
enter = "deploy"
"#
    ));
    world.release(API);
    for name in ["bob", "carol"] {
        world.machine.keys.borrow_mut().insert(name.to_owned(), format!("key of {name}"));
    }
    world
}

fn yes() -> Decision {
    Decision::new(release_id(API), about(Some(PRODUCTION)), Verdict::Approved)
}

fn as_bob(world: &World, decision: &Decision) -> Result<Approval, OpError> {
    world.as_("bob", |cx| decide(cx, decision))
}

fn given(signed: Signed) -> Decision {
    Decision { signing: Signing::Given(signed), ..yes() }
}

/// What bob would sign.
fn payload(world: &World) -> Statement {
    world.as_("bob", |cx| sign::payload(cx, &yes())).unwrap()
}

fn gate(world: &World) -> Answer {
    answer(&world.gates("alice", API, PRODUCTION), GateId::Approvals)
}

fn missing(world: &World) -> Tally {
    match gate(world) {
        Answer::Blocked { reason: BlockReason::ApprovalsMissing { tally, .. } } => tally,
        other => panic!("{other:?}"),
    }
}

/// Refused and on record, for a reason that says so.
#[track_caller]
fn is_refused(world: &World, decision: &Decision, why: &str) {
    let (outcome, entries) = world.journaled(|| as_bob(world, decision));
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotPermitted, "{error:?}");
    assert!(error.sentence.contains(why), "{}", error.sentence);
    assert!(error.hints.iter().any(|hint| hint.contains("ssh-keygen -Y sign")), "{error:?}");
    assert_eq!(entries, ["approval.granted refused api@1.0.0"]);
}

/// Changes the store as somebody with a shell would.
fn tampered(world: &World, change: impl Fn(&mut Approval)) {
    let mut approval = world.store.read(|tx| approvals::list_of(tx, &release_id(API))).unwrap().remove(0);
    change(&mut approval);
    let inserted = world.store.write_quietly(|tx| {
        approvals::end(tx, approval.id, world.now, "tampered")?;
        approvals::insert(tx, &approval)
    });
    inserted.unwrap();
}

#[test]
fn a_signed_approval_counts_and_says_how_far_it_is_proven() {
    let world = world("required");
    let approval = as_bob(&world, &yes()).unwrap();
    let statement = Statement::parse(&approval.signed.clone().unwrap().statement).unwrap();
    assert_eq!((statement.approver.as_str(), &statement.digest), ("bob", &approval.digest));
    assert_eq!(gate(&world), Answer::Pass { evidence: "approved by bob (signed, agent)".to_owned() });
}

#[test]
fn who_has_no_key_cannot_decide_where_it_must_be_signed() {
    let world = world("required");
    world.machine.keys.borrow_mut().remove("bob");
    is_refused(&world, &yes(), "no key at hand");
    is_refused(&world, &Decision { signing: Signing::Without, ..yes() }, "it is not signed");
}

#[test]
fn where_signing_is_optional_an_unsigned_one_counts_and_reads_as_such() {
    let world = world("optional");
    world.machine.keys.borrow_mut().remove("bob");
    assert_eq!(as_bob(&world, &yes()).unwrap().signed, None);
    assert_eq!(gate(&world), Answer::Pass { evidence: "approved by bob (unsigned)".to_owned() });
}

#[test]
fn only_a_touched_security_key_counts_where_that_is_asked() {
    let world = world("security-key");
    is_refused(&world, &yes(), "it takes a security key that is touched");
    world.machine.keys.borrow_mut().insert("bob".to_owned(), "touched key of bob".to_owned());
    as_bob(&world, &yes()).unwrap();
    let evidence = "approved by bob (signed, security key touched)".to_owned();
    assert_eq!(gate(&world), Answer::Pass { evidence });
}

#[test]
fn an_approval_somebody_wrote_into_the_store_does_not_count() {
    let world = world("required");
    as_bob(&world, &yes()).unwrap();
    tampered(&world, |approval| approval.signed = None);
    assert_eq!(missing(&world).ignored.last().unwrap(), &("bob".to_owned(), Ignored::Unsigned));
}

/// What a forger does to a row.
type Change = fn(&mut Approval);

#[test]
fn what_the_store_says_beyond_what_was_signed_is_worth_nothing() {
    let later = Timestamp::from_millis(4_000_000_000_000);
    let changes: [(&str, Change); 5] = [
        ("of bob, not of carol", |a| a.by.name = "carol".to_owned()),
        ("something else than what was signed", |a| a.reason = Some("I was never there".to_owned())),
        ("something else than what was signed", |a| a.expires_at = None),
        ("something else than what was signed", |a| a.at = Timestamp::from_millis(0)),
        ("signature is not good", |a| {
            a.signed.as_mut().unwrap().signature = "forged".to_owned();
        }),
    ];
    for (said, change) in changes {
        let mut world = world("required");
        as_bob(&world, &yes()).unwrap();
        tampered(&world, |approval| {
            // The number of a statement is taken: the forger leaves its row alone and writes another text.
            let signed = approval.signed.as_mut().unwrap();
            let nonce = signed.nonce().unwrap();
            signed.statement = signed.statement.replace(&nonce, &"f".repeat(32));
            *signed = fake_signature("key of bob", &signed.statement);
            change(approval);
        });
        world.now = later.min(world.now);
        let (_, why) = missing(&world).ignored.last().unwrap().clone();
        let Ignored::BadSignature { why } = why else { panic!("{why:?}") };
        assert!(why.contains(said), "{said}: {why}");
    }
}

#[test]
fn a_key_that_was_taken_off_the_list_takes_its_approvals_along() {
    let world = world("required");
    as_bob(&world, &yes()).unwrap();
    world.machine.keys.borrow_mut().remove("bob");
    let why = Ignored::BadSignature { why: "no key is listed".to_owned() };
    assert_eq!(missing(&world).ignored, [("bob".to_owned(), why)]);
}

#[test]
fn what_was_signed_elsewhere_is_handed_in_once() {
    let mut world = world("required");
    let text = payload(&world).text();
    world.pass(Duration::from_mins(10));
    let signed = fake_signature("key of bob", &text);
    let approval = as_bob(&world, &given(signed.clone())).unwrap();
    // It counts from when it was written, not from when it came.
    assert_eq!(
        approval.expires_at,
        Some(world.now.minus(Duration::from_mins(10)).plus(Duration::from_hours(8)))
    );
    world.withdraw("bob", API, PRODUCTION);
    is_refused(&world, &given(signed), "handed in already");
}

#[test]
fn two_clocks_may_differ_by_five_minutes_and_no_more() {
    let world = world("required");
    let ahead = |minutes| {
        let ours = payload(&world);
        let later = Duration::from_mins(minutes);
        Statement { issued: ours.issued.plus(later), expires: ours.expires.map(|at| at.plus(later)), ..ours }
    };
    let signed = |statement: &Statement| given(fake_signature("key of bob", &statement.text()));
    is_refused(&world, &signed(&ahead(6)), "one of the two clocks is more than 5m wrong");
    as_bob(&world, &signed(&ahead(4))).unwrap();
    assert!(matches!(gate(&world), Answer::Pass { .. }));
    assert_eq!(verified(&world), (1, vec![]));
}

#[test]
fn a_signature_for_something_else_is_no_decision_here() {
    let mut world = world("required");
    world.machine.keys.borrow_mut().insert("mallory".to_owned(), "key of mallory".to_owned());
    let ours = payload(&world);
    let forged: [(&str, Statement); 7] = [
        ("about api@0.9.0", Statement { release: release_id("api@0.9.0"), ..ours.clone() }),
        ("about request", Statement { subject: about(None), ..ours.clone() }),
        ("for another store", Statement { instance: "another".to_owned(), ..ours.clone() }),
        ("not of bob", Statement { approver: "carol".to_owned(), ..ours.clone() }),
        ("a history that this store does not have", Statement { journal: (1, [9; 32]), ..ours.clone() }),
        ("something else", Statement { expires: None, ..ours.clone() }),
        (
            "something else",
            Statement { verdict: Verdict::Rejected, reason: Some("no".into()), ..ours.clone() },
        ),
    ];
    for (said, statement) in forged {
        let signed = fake_signature("key of bob", &statement.text());
        is_refused(&world, &given(signed), said);
    }
    is_refused(&world, &given(fake_signature("key of mallory", &ours.text())), "not good");
    is_refused(&world, &given(fake_signature("key of bob", "yes to everything\n")), "no statement");
    world.pass(Duration::from_hours(25));
    is_refused(&world, &given(fake_signature("key of bob", &ours.text())), "a payload is good for");
}

#[test]
fn a_rejection_is_signed_with_its_reason() {
    let world = world("required");
    let no = Decision { reason: Some("not \"today\"".to_owned()), verdict: Verdict::Rejected, ..yes() };
    let rejection = as_bob(&world, &no).unwrap();
    let statement = Statement::parse(&rejection.signed.unwrap().statement).unwrap();
    assert_eq!(statement.reason.as_deref(), Some("not \"today\""));
}

#[test]
fn nobody_is_asked_to_sign_what_would_be_refused() {
    let world = world("required");
    // Who signs draws a number first.
    let before = payload(&world).nonce;
    let error = world.as_("alice", |cx| decide(cx, &yes())).unwrap_err();
    assert!(error.sentence.contains("may not decide"), "{error:?}");
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    assert_eq!(number(&payload(&world).nonce), number(&before) + 1);
}

#[test]
fn an_approval_for_later_counts_from_then_on() {
    let mut world = world("optional");
    let at = world.now.plus(Duration::from_hours(2));
    let approval = as_bob(&world, &Decision { effective: Some(at), ..yes() }).unwrap();
    assert_eq!(approval.expires_at, Some(at.plus(Duration::from_hours(8))));
    assert_eq!(missing(&world).ignored, [("bob".to_owned(), Ignored::NotYet { at })]);
    assert_eq!(world.gates("alice", API, PRODUCTION).earliest, Some(at));
    world.pass(Duration::from_hours(2));
    assert!(matches!(gate(&world), Answer::Pass { .. }));

    world.withdraw("bob", API, PRODUCTION);
    let past = Decision { effective: Some(world.now), ..yes() };
    assert_eq!(as_bob(&world, &past).unwrap_err().kind, ErrorKind::Usage);
    assert_eq!(payload(&world).verdict, Verdict::Approved);
    assert!(Assurance::Unsigned < Assurance::File && Assurance::Agent < Assurance::SecurityKey);
}

/// What verification says about signatures.
fn verified(world: &World) -> (u64, Vec<String>) {
    let verified = world.as_("alice", audit::verify).unwrap();
    let about = verified.findings.list.into_iter().filter(|found| found.kind == FindingKind::Signature);
    (verified.signatures, about.map(|found| found.sentence).collect())
}

#[test]
fn verification_looks_at_every_signature_also_of_decisions_that_have_ended() {
    let mut world = world("required");
    as_bob(&world, &yes()).unwrap();
    world.withdraw("bob", API, PRODUCTION);
    as_bob(&world, &yes()).unwrap();
    assert_eq!(verified(&world), (2, vec![]));
    world.machine.keys.borrow_mut().remove("bob");
    let (good, bad) = verified(&world);
    assert_eq!((good, bad.len()), (0, 2));
    assert!(bad[0].contains("approval 1 of api@1.0.0 by bob: its signature does not hold"), "{bad:?}");
    // Without a list of keys nothing can be said, and that is said.
    world.policy.signing = None;
    let verified = world.as_("alice", audit::verify).unwrap();
    assert!(
        verified.remarks.iter().any(|line| line.contains("2 signatures could not be checked")),
        "{verified:?}"
    );
}

#[test]
fn a_history_that_was_rewritten_below_a_signature_breaks_it() {
    let world = world("required");
    as_bob(&world, &yes()).unwrap();
    tampered(&world, |approval| {
        let signed = approval.signed.as_mut().unwrap();
        let statement = Statement::parse(&signed.statement).unwrap();
        let other = Statement { journal: (1, [9; 32]), nonce: "e".repeat(32), ..statement };
        *signed = fake_signature("key of bob", &other.text());
    });
    let (good, bad) = verified(&world);
    assert_eq!((good, bad.len()), (1, 1));
    assert!(
        bad[0].contains("entry 1 of the journal is not the one that was there when it was signed"),
        "{bad:?}"
    );
}

#[test]
fn what_an_approver_says_is_signed_with_it_and_not_changed_quietly() {
    let mut world = world("required");
    let region = Prompt {
        name: "REGION".to_owned(),
        label: "Region".to_owned(),
        description: None,
        kind: PromptKind::Line,
        required: true,
        default: None,
        secret: false,
        asked_of: AskedOf::Approver,
    };
    world.policy.services.get_mut(&"api".parse().unwrap()).unwrap().prompts.push(region);
    let answers = Answers([("REGION".to_owned(), "eu".to_owned())].into());
    let yes = Decision { answers, ..yes() };
    let approval = as_bob(&world, &yes).unwrap();
    let statement = approval.signed.as_ref().unwrap().statement.clone();
    assert!(statement.ends_with("\nreason: -\nanswers: {\"REGION\":\"eu\"}\n"), "{statement}");
    assert!(matches!(gate(&world), Answer::Pass { .. }));
    tampered(&world, |approval| {
        approval.answers.insert("REGION".to_owned(), "us".to_owned());
        let signed = approval.signed.as_mut().unwrap();
        let nonce = signed.nonce().unwrap();
        *signed = fake_signature("key of bob", &signed.statement.replace(&nonce, &"f".repeat(32)));
    });
    let tally = missing(&world);
    let why =
        tally.ignored.iter().map(|(_, why)| why.sentence(world.policy.zone)).collect::<Vec<_>>().join("; ");
    assert!(why.contains("the store says something else than what was signed"), "{why}");
}
