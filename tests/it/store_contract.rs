//! What must every store do, in memory or in a file, and what must a file withstand?

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use relman::domain::approval::{Approval, ApprovalSubject, Verdict};
use relman::domain::change::ChangeTicket;
use relman::domain::checklist::{Answer, Verified};
use relman::domain::deployment::{
    Beat, CancelKind, CancelRequest, Cause, Deployment, DeploymentKind, DeploymentState, Outcome, ProcessRef,
    Step, StepState,
};
use relman::domain::digest::Digest;
use relman::domain::extra_step::Condition;
use relman::domain::freeze::{Freeze, FreezeOrigin, Running, Scope, Stops};
use relman::domain::gate::GateReport;
use relman::domain::hold::{Choice, FollowUp, Guidance, Hold, HoldReason, Taken};
use relman::domain::hook::DeliveryState;
use relman::domain::ids::{ApprovalId, DeploymentId, FreezeId, LockId, ReleaseId, RequestId};
use relman::domain::journal::{GENESIS, NewEntry, Verb, check_link};
use relman::domain::lock::{Lock, LockKind};
use relman::domain::note::Note;
use relman::domain::override_review;
use relman::domain::policy::ScriptRole;
use relman::domain::recurrence::Recurrence;
use relman::domain::release::{
    Block, Build, Check, Level, Origin, Plan, Release, ReleaseKind, ReleaseState, Request, Review, Stage,
    Tick,
};
use relman::domain::session::{Call, Focus, Session};
use relman::domain::signature::{Held, Signed, Statement};
use relman::domain::strategy::{Color, StepPlan};
use relman::domain::time::{Timestamp, Tz, Window};
use relman::domain::toggle::Flip;
use relman::domain::train::{Departure, DepartureState, Item};
use relman::domain::wait::{Outlook, Wait};
use relman::domain::wanted::Wanted;
use relman::domain::witness;
use relman::host::state::State;
use relman::store::{
    Kind, SCHEMA_VERSION, Store, StoreError, Tx, approvals, changes, deployments, freezes, journal, locks,
    meta, moments, notes, outbox, override_reviews, pending, records, releases, requests, sessions, steps,
    trains, witnesses,
};

use crate::support::world::{env_name, outcome, person, release_id};

const API: &str = "api@1.0.0";

fn at(minutes: u64) -> Timestamp {
    let start: Timestamp = "2026-09-01T10:00:00Z".parse().unwrap();
    start.plus(Duration::from_mins(minutes))
}

fn a_release(id: &str) -> Release {
    let alice = person("alice").person;
    Release {
        id: release_id(id),
        title: "Faster 'search' ❄".to_owned(),
        kind: ReleaseKind::Standard,
        state: ReleaseState::Open,
        stage: Stage::Request,
        stage_since: at(0),
        entered: Stage::Request,
        blocked: None,
        ended: None,
        request: Request {
            requester: alice.clone(),
            origin: Origin::Market,
            need: Some("two\nlines".to_owned()),
            objective: None,
            priority: Some(Level::High),
        },
        plan: Plan { risk: Some(Level::Low), target: Some(at(99)), ..Plan::default() },
        build: Build { digest: Some(Digest::of(b"image")), ..Build::default() },
        checks: [(
            "unit".to_owned(),
            Check {
                passed: true,
                digest: None,
                content: None,
                commit: None,
                by: alice.clone(),
                at: at(1),
                note: None,
                counts: None,
                source: None,
                report: None,
                environment: None,
                expires: None,
            },
        )]
        .into(),
        ticks: [("Backup taken".to_owned(), Tick { by: alice.clone(), at: at(2) })].into(),
        verified: [(
            "Disk has room".to_owned(),
            Verified { answer: Answer::Yes, said: "fine".to_owned(), by: alice.clone(), at: at(2) },
        )]
        .into(),
        statements: std::collections::BTreeMap::default(),
        waivers: std::collections::BTreeMap::default(),
        preparation: relman::domain::release::Preparation::default(),
        issues: Vec::new(),
        feedback: Vec::new(),
        judged: Vec::new(),
        channel: None,
        fields: std::collections::BTreeMap::new(),
        monitored: Vec::new(),
        review: Review::default(),
        created_by: alice,
        created_at: at(0),
        updated_at: at(0),
        revision: 1,
    }
}

fn an_approval(by: &str, env: &str) -> Approval {
    Approval {
        id: ApprovalId(0),
        release: release_id(API),
        subject: ApprovalSubject::Environment(env_name(env)),
        verdict: Verdict::Approved,
        by: person(by).person,
        at: at(3),
        reason: None,
        digest: Digest::of(b"subject"),
        content: "{\"a\":1}".to_owned(),
        expires_at: Some(at(63)),
        ended_at: None,
        ended_why: None,
        effective_at: None,
        answers: std::collections::BTreeMap::new(),
        signed: None,
    }
}

fn a_freeze(name: &str, start: u64, end: u64) -> Freeze {
    Freeze {
        origin: FreezeOrigin::Config,
        name: name.to_owned(),
        reason: "books".to_owned(),
        scope: Scope::new(vec!["api".to_owned(), "web*".to_owned()], vec!["production".to_owned()]).unwrap(),
        window: Window::new(at(start), at(end)).unwrap(),
        zone: Tz::Europe__Berlin,
        repeats: None,
        running: Running::Finish,
        stops: Stops::Automation,
        suspended: true,
        uid: None,
        revision: 0,
        created_by: Some("bob".to_owned()),
    }
}

fn a_deployment(env: &str, epoch: i64) -> Deployment {
    Deployment {
        id: DeploymentId(0),
        release: release_id(API),
        environment: env_name(env),
        kind: DeploymentKind::Deploy,
        state: DeploymentState::Launching,
        epoch,
        strategy: "blue-green".to_owned(),
        previous: Some("0.9.0".parse().unwrap()),
        artifact_digest: Some(Digest::of(b"image")),
        content: Some(Digest::of(b"content")),
        rescue: true,
        subject: Digest::of(b"subject"),
        color: Some(Color::Green),
        reason: Some("Friday".to_owned()),
        overrides: vec!["soak".to_owned(), "freeze".to_owned()],
        started_by: person("erin").person,
        requested_at: at(5),
        claimed_at: None,
        finished_at: None,
        heartbeat_at: None,
        host: "bastion".to_owned(),
        boot: "boot-1".to_owned(),
        uid: 1234,
        script: None,
        progress: None,
        progress_note: None,
        log_size: 0,
        log_digest: None,
        log_dropped: 0,
        cancel: None,
        hold: None,
        guidance: None,
        taken: None,
        witness: None,
        guided: false,
        follow_up: None,
        noop: false,
        toggle: None,
        on_failure: Some(relman::domain::hold::OnFailure::Ask),
        left_out: vec!["warm the cache".to_owned()],
        answers: std::collections::BTreeMap::new(),
        wait: None,
        cause: None,
        failed_step: None,
        left_running: Vec::new(),
        recovered_by: None,
    }
}

fn a_report() -> GateReport {
    GateReport {
        rescue: false,
        toggle: None,
        at: at(5),
        release: release_id(API),
        environment: env_name("staging"),
        kind: DeploymentKind::Deploy,
        subject: Digest::of(b"subject"),
        checks: Vec::new(),
        earliest: None,
        closes: None,
    }
}

fn some_steps() -> Vec<Step> {
    let plan = |name: &str, role| StepPlan {
        name: name.to_owned(),
        role,
        targets: vec!["web-1".to_owned()],
        percent: Some(10),
        color: Some(Color::Blue),
        wait_ms: 600,
        held: true,
        required: false,
        beside: 2,
        spare: 1,
        command: Some("step warm the cache".to_owned()),
        condition: Condition::Always,
        goes_on: true,
        left_out: true,
    };
    vec![
        Step::planned(0, plan("deploy", ScriptRole::Deploy)),
        Step::planned(1, plan("verify", ScriptRole::Verify)),
    ]
}

fn some_hold() -> Hold {
    Hold::before(1, &some_steps()[1].plan, HoldReason::Promotion, at(6))
}

fn an_entry(subject: &str) -> NewEntry {
    NewEntry::new(at(7), &person("bob"), Verb::ReleaseEdited, subject)
}

/// Writes without an entry: what is tested here is the table, not the act.
fn put<T>(store: &Store, f: impl FnMut(&Tx<'_>) -> Result<T, StoreError>) -> T {
    store.write_quietly(f).unwrap()
}

fn get<T>(store: &Store, f: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
    store.read(f).unwrap()
}

fn insert_release(store: &Store, id: &str) {
    put(store, |tx| releases::insert(tx, &a_release(id)));
}

/// A claimed deployment of a release that is there.
fn insert_running(store: &Store, env: &str) -> DeploymentId {
    let epoch = get(store, |tx| deployments::next_epoch(tx, &"api".parse().unwrap(), &env_name(env)));
    let id = put(store, |tx| deployments::insert(tx, &a_deployment(env, epoch), &some_steps(), &a_report()));
    assert!(put(store, |tx| deployments::claim(tx, id, epoch, at(6))));
    id
}

fn finish(store: &Store, id: DeploymentId, state: DeploymentState) -> bool {
    let end = outcome(state, at(8));
    let epoch = get(store, |tx| deployments::get(tx, id)).epoch;
    put(store, |tx| deployments::finish(tx, id, epoch, &[DeploymentState::Running], &end, None))
}

fn a_release_reads_back_as_it_was_written(store: &Store) {
    insert_release(store, API);
    assert_eq!(get(store, |tx| releases::find(tx, &release_id(API))), Some(a_release(API)));
    assert_eq!(get(store, |tx| releases::find(tx, &release_id("api@2.0.0"))), None);
}

fn a_missing_release_is_missing(store: &Store) {
    let error = store.read(|tx| releases::get(tx, &release_id(API))).unwrap_err();
    assert_eq!((error.kind, error.sentence.as_str()), (Kind::Missing, "there is no release api@1.0.0"));
}

fn an_approval_reads_back_as_it_was_written(store: &Store) {
    insert_release(store, API);
    let mut yes = an_approval("bob", "production");
    let mut no = Approval {
        subject: ApprovalSubject::Request,
        verdict: Verdict::Rejected,
        reason: Some("too risky".to_owned()),
        expires_at: None,
        ..an_approval("carol", "production")
    };
    no.by.login = Some("dave".to_owned());
    yes.id = put(store, |tx| approvals::insert(tx, &yes));
    no.id = put(store, |tx| approvals::insert(tx, &no));
    assert_eq!(get(store, |tx| approvals::list_of(tx, &release_id(API))), [yes.clone(), no.clone()]);
    assert_eq!(get(store, approvals::list_open), [yes, no]);
}

/// What somebody signed, with a number of its own.
fn a_signed_approval(nonce: char) -> Approval {
    let plain = an_approval("bob", "production");
    let statement = Statement {
        instance: "7f3c".to_owned(),
        nonce: nonce.to_string().repeat(32),
        verdict: plain.verdict,
        release: plain.release.clone(),
        subject: plain.subject.clone(),
        digest: plain.digest.clone(),
        approver: "bob".to_owned(),
        issued: at(3),
        effective: Some(at(5)),
        expires: plain.expires_at,
        journal: (1, GENESIS),
        reason: None,
        answers: [("REGION".to_owned(), "eu".to_owned())].into(),
    };
    let signed = Signed { statement: statement.text(), signature: "armour".to_owned(), held: Held::Agent };
    let answers = [("REGION".to_owned(), "eu".to_owned())].into();
    Approval { effective_at: Some(at(5)), signed: Some(signed), answers, ..plain }
}

fn a_signed_approval_reads_back_and_its_number_is_taken(store: &Store) {
    insert_release(store, API);
    let one = a_signed_approval('a');
    let id = put(store, |tx| approvals::insert(tx, &one));
    let one = Approval { id, ..one };
    let listed = |now| get(store, |tx| approvals::list_signed(tx, &one.release.service, now));
    assert_eq!(listed(at(4)), std::slice::from_ref(&one));
    assert_eq!(get(store, |tx| approvals::find_by_nonce(tx, &"a".repeat(32))), Some(one.clone()));
    assert_eq!(listed(one.expires_at.unwrap()), []);
    assert!(put(store, |tx| approvals::end(tx, id, at(6), "withdrawn")));
    assert_eq!(listed(at(4)), []);
    let again = store.write_quietly(|tx| approvals::insert(tx, &a_signed_approval('a'))).unwrap_err();
    assert_eq!(again.kind, Kind::Conflict);
    put(store, |tx| approvals::insert(tx, &a_signed_approval('b')));
}

fn what_a_deployment_does_is_kept_in_full(store: &Store) {
    insert_release(store, API);
    let id = put(store, |tx| deployments::insert(tx, &a_deployment("staging", 1), &[], &a_report()));
    assert_eq!(get(store, |tx| deployments::find_about(tx, id)), None);
    put(store, |tx| deployments::set_about(tx, id, "{\"release\":\"api@1.0.0\"}"));
    let about = get(store, |tx| deployments::find_about(tx, id));
    assert_eq!(about.as_deref(), Some("{\"release\":\"api@1.0.0\"}"));
}

fn a_review() -> override_review::Review {
    override_review::Review {
        finding: override_review::Finding::Unjustified,
        by: person("carol").person,
        at: at(9),
        note: "it could wait".to_owned(),
    }
}

fn an_override_that_was_used_is_reviewed_once(store: &Store) {
    insert_release(store, API);
    let past = Deployment { overrides: vec!["soak".to_owned()], ..a_deployment("staging", 1) };
    let id = put(store, |tx| deployments::insert(tx, &past, &[], &a_report()));
    let open = || get(store, override_reviews::list_open).iter().map(|d| d.id).collect::<Vec<_>>();
    assert_eq!(open(), [], "nothing has gone past anything yet");
    assert!(put(store, |tx| deployments::claim(tx, id, 1, at(6))));
    assert_eq!(open(), [id]);
    let review = a_review();
    put(store, |tx| override_reviews::insert(tx, id, &review));
    assert_eq!(open(), []);
    assert_eq!(get(store, |tx| override_reviews::find(tx, id)), Some(review.clone()));
    assert_eq!(get(store, |tx| override_reviews::list_uses(tx, 10)).len(), 1);
    let twice = store.write_quietly(|tx| override_reviews::insert(tx, id, &review)).unwrap_err();
    assert_eq!(twice.kind, Kind::Conflict);
}

fn an_approval_of_a_release_that_has_ended_is_no_longer_open(store: &Store) {
    insert_release(store, API);
    put(store, |tx| approvals::insert(tx, &an_approval("bob", "production")));
    let ended = Release { state: ReleaseState::Cancelled, revision: 2, ..a_release(API) };
    assert!(put(store, |tx| releases::update(tx, &ended)));
    assert!(get(store, approvals::list_open).is_empty());
}

fn an_approval_needs_its_release(store: &Store) {
    let error =
        store.write_quietly(|tx| approvals::insert(tx, &an_approval("bob", "production"))).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
}

fn a_freeze_reads_back_as_it_was_written(store: &Store) {
    let new = a_freeze("Year end", 10, 20);
    let id = put(store, |tx| freezes::insert(tx, &new, "bob", at(0)));
    let expected = Freeze { origin: FreezeOrigin::Store(id), ..new };
    assert_eq!(get(store, |tx| freezes::find(tx, id)), Some(expected.clone()));
    assert_eq!(get(store, |tx| freezes::list_standing(tx, at(0))), [expected]);
}

/// One that repeats on Fridays.
fn a_weekly_freeze(name: &str, rule: &str) -> Freeze {
    let zone = Tz::Europe__Berlin;
    let local = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    let except = std::iter::once("2026-12-25".parse().unwrap()).collect();
    let (start, end) = (local("2026-09-04 16:00"), local("2026-09-07 08:00"));
    let repeats = Recurrence::new(start, end, rule.parse().unwrap(), except, zone).unwrap();
    let window = repeats.first(zone).unwrap();
    let running = Running::StopAtStep;
    let uid = Some("holiday@example.org".to_owned());
    Freeze { window, zone, repeats: Some(repeats), running, uid, revision: 3, ..a_freeze(name, 1, 2) }
}

fn a_repeating_freeze_reads_back_and_stands_as_long_as_it_comes_again(store: &Store) {
    let endless = a_weekly_freeze("Fridays", "FREQ=WEEKLY;BYDAY=FR");
    let counted = a_weekly_freeze("Four Fridays", "FREQ=WEEKLY;BYDAY=FR;COUNT=4");
    for freeze in [&endless, &counted] {
        let id = put(store, |tx| freezes::insert(tx, freeze, "bob", at(0)));
        let expected = Freeze { origin: FreezeOrigin::Store(id), ..freeze.clone() };
        assert_eq!(get(store, |tx| freezes::find(tx, id)), Some(expected));
    }
    let names = |since: &str| -> Vec<String> {
        let all = get(store, |tx| freezes::list_standing(tx, since.parse().unwrap()));
        all.into_iter().map(|freeze| freeze.name).collect()
    };
    assert_eq!(names("2026-09-28T05:59:59Z"), ["Fridays", "Four Fridays"]);
    assert_eq!(names("2026-09-28T06:00:00Z"), ["Fridays"]);
    assert_eq!(names("2300-01-01T00:00:00Z"), ["Fridays"]);
}

fn a_freeze_is_changed_by_whoever_has_seen_it_as_it_is(store: &Store) {
    let old = a_freeze("Year end", 10, 20);
    let id = put(store, |tx| freezes::insert(tx, &old, "bob", at(0)));
    let new = Freeze {
        origin: FreezeOrigin::Store(id),
        revision: 1,
        created_by: Some("bob".to_owned()),
        ..a_weekly_freeze("Fridays", "FREQ=WEEKLY")
    };
    assert!(put(store, |tx| freezes::update(tx, id, &new, 0)));
    assert!(!put(store, |tx| freezes::update(tx, id, &old, 0)), "somebody was faster");
    assert_eq!(get(store, |tx| freezes::find(tx, id)), Some(new.clone()));
    put(store, |tx| freezes::remove(tx, id, "carol", at(1)));
    assert!(!put(store, |tx| freezes::update(tx, id, &old, 1)), "it is gone");
}

fn freezes_stand_until_their_end_in_the_order_of_their_start(store: &Store) {
    for (name, start, end) in [("late", 30, 40), ("early", 1, 50), ("over", 2, 20)] {
        put(store, |tx| freezes::insert(tx, &a_freeze(name, start, end), "bob", at(0)));
    }
    let names = |since: u64| -> Vec<String> {
        let all = get(store, |tx| freezes::list_standing(tx, at(since)));
        all.into_iter().map(|freeze| freeze.name).collect()
    };
    assert_eq!(names(19), ["early", "over", "late"]);
    assert_eq!(names(20), ["early", "late"]);
}

fn a_freeze_is_removed_once(store: &Store) {
    let id = put(store, |tx| freezes::insert(tx, &a_freeze("Year end", 10, 20), "bob", at(0)));
    assert!(put(store, |tx| freezes::remove(tx, id, "carol", at(1))));
    assert!(!put(store, |tx| freezes::remove(tx, id, "dave", at(2))));
    assert_eq!(get(store, |tx| freezes::find(tx, id)), None);
    assert!(!put(store, |tx| freezes::remove(tx, FreezeId(99), "dave", at(2))));
}

fn a_deployment_reads_back_as_it_was_written(store: &Store) {
    insert_release(store, API);
    let new = a_deployment("staging", 7);
    let id = put(store, |tx| deployments::insert(tx, &new, &some_steps(), &a_report()));
    assert_eq!(get(store, |tx| deployments::get(tx, id)), Deployment { id, ..new });
    assert_eq!(get(store, |tx| deployments::report_of(tx, id)), a_report());
    let later = GateReport { rescue: true, ..a_report() };
    assert!(put(store, |tx| deployments::set_report(tx, id, &later)));
    assert_eq!(get(store, |tx| deployments::report_of(tx, id)), later);
    assert_eq!(get(store, |tx| deployments::find(tx, DeploymentId(99))), None);
}

fn steps_read_back_as_they_were_written(store: &Store) {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    assert_eq!(get(store, |tx| steps::list_of(tx, id)), some_steps());
    let went = Step {
        state: StepState::Failed,
        attempt: 2,
        started_at: Some(at(6)),
        finished_at: Some(at(7)),
        log_from: Some(0),
        log_to: Some(4096),
        cause: Some(Cause::Exit { code: 3 }),
        ..some_steps().remove(0)
    };
    assert!(put(store, |tx| steps::update(tx, id, 1, &went)));
    assert_eq!(get(store, |tx| steps::list_of(tx, id)), [went, some_steps().remove(1)]);
}

fn everything_a_deployment_goes_through_reads_back(store: &Store) {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    let script = ProcessRef { pid: 4711, start: 99 };
    let beat = Beat {
        log_size: 77,
        log_dropped: 3,
        progress: Some(40),
        progress_note: Some("copying".to_owned()),
        script: Some(script),
    };
    assert!(put(store, |tx| deployments::beat(tx, id, 1, &beat, at(7))));
    let cancel = CancelRequest {
        by: "dave".to_owned(),
        at: at(7),
        kind: CancelKind::Kill,
        reason: Some("5xx".into()),
    };
    assert!(put(store, |tx| deployments::request_cancel(tx, id, &cancel)));
    let end = Outcome {
        left_running: vec!["12 nginx".to_owned()],
        log_dropped: 4,
        ..outcome(DeploymentState::Failed, at(8))
    };
    assert!(put(store, |tx| deployments::finish(tx, id, 1, &[DeploymentState::Running], &end, Some("bob"))));
    let expected = Deployment {
        id,
        state: DeploymentState::Failed,
        claimed_at: Some(at(6)),
        heartbeat_at: Some(at(7)),
        finished_at: Some(at(8)),
        script: Some(script),
        progress: Some(40),
        progress_note: Some("copying".to_owned()),
        log_size: 42,
        log_digest: Some(end.log_digest.clone()),
        log_dropped: 4,
        cancel: Some(cancel),
        cause: Some(Cause::Exit { code: 3 }),
        failed_step: Some("deploy".to_owned()),
        left_running: end.left_running.clone(),
        recovered_by: Some("bob".to_owned()),
        ..a_deployment("staging", 1)
    };
    assert_eq!(get(store, |tx| deployments::get(tx, id)), expected);
}

fn a_release_is_updated_by_who_saw_its_newest_revision(store: &Store) {
    insert_release(store, API);
    let mine = Release { title: "mine".to_owned(), revision: 2, ..a_release(API) };
    let yours = Release { title: "yours".to_owned(), revision: 2, ..a_release(API) };
    assert!(put(store, |tx| releases::update(tx, &mine)));
    assert!(!put(store, |tx| releases::update(tx, &yours)));
    assert_eq!(get(store, |tx| releases::get(tx, &release_id(API))), mine);
}

fn an_approval_ends_once(store: &Store) {
    insert_release(store, API);
    let id = put(store, |tx| approvals::insert(tx, &an_approval("bob", "production")));
    assert!(put(store, |tx| approvals::end(tx, id, at(9), "withdrawn")));
    assert!(!put(store, |tx| approvals::end(tx, id, at(10), "again")));
    let kept = get(store, |tx| approvals::list_of(tx, &release_id(API))).remove(0);
    assert_eq!((kept.ended_at, kept.ended_why.as_deref()), (Some(at(9)), Some("withdrawn")));
}

fn a_deployment_is_claimed_once_and_in_its_epoch(store: &Store) {
    insert_release(store, API);
    let new = a_deployment("staging", 3);
    let id = put(store, |tx| deployments::insert(tx, &new, &[], &a_report()));
    assert!(!put(store, |tx| deployments::claim(tx, id, 2, at(6))));
    assert!(put(store, |tx| deployments::claim(tx, id, 3, at(6))));
    assert!(!put(store, |tx| deployments::claim(tx, id, 3, at(7))));
    assert_eq!(get(store, |tx| deployments::get(tx, id)).claimed_at, Some(at(6)));
}

fn a_deployment_is_finished_once_and_in_its_epoch(store: &Store) {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    let end = outcome(DeploymentState::Succeeded, at(8));
    let from = [DeploymentState::Running];
    assert!(!put(store, |tx| deployments::finish(tx, id, 2, &from, &end, None)));
    assert!(!put(store, |tx| deployments::finish(tx, id, 1, &[DeploymentState::Lost], &end, None)));
    assert!(finish(store, id, DeploymentState::Succeeded));
    assert!(!finish(store, id, DeploymentState::Failed));
    assert_eq!(get(store, |tx| deployments::get(tx, id)).state, DeploymentState::Succeeded);
}

fn what_is_settled_takes_no_sign_of_life_and_no_step(store: &Store) {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    finish(store, id, DeploymentState::Succeeded);
    let before = get(store, |tx| deployments::get(tx, id));
    let beat = Beat { log_size: 999, ..Beat::default() };
    assert!(!put(store, |tx| deployments::beat(tx, id, 1, &beat, at(9))));
    let step = Step { state: StepState::Failed, ..some_steps().remove(0) };
    assert!(!put(store, |tx| steps::update(tx, id, 1, &step)));
    assert!(!put(store, |tx| deployments::hold(tx, id, 1, &some_hold())));
    assert!(!put(store, |tx| deployments::release_hold(tx, id, 1)));
    assert!(!put(store, |tx| deployments::mark_lost(tx, id, 1, &Cause::Completed)));
    let cancel = CancelRequest { by: "dave".to_owned(), at: at(9), kind: CancelKind::Gentle, reason: None };
    assert!(!put(store, |tx| deployments::request_cancel(tx, id, &cancel)));
    assert_eq!(get(store, |tx| deployments::get(tx, id)), before);
}

fn a_sign_of_life_does_not_forget_the_script(store: &Store) {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    let script = Some(ProcessRef { pid: 4711, start: 99 });
    put(store, |tx| deployments::beat(tx, id, 1, &Beat { script, ..Beat::default() }, at(7)));
    put(store, |tx| deployments::beat(tx, id, 1, &Beat::default(), at(8)));
    assert_eq!(get(store, |tx| deployments::get(tx, id)).script, script);
}

fn a_release_is_registered_once(store: &Store) {
    insert_release(store, API);
    let error = store.write_quietly(|tx| releases::insert(tx, &a_release(API))).unwrap_err();
    assert!(error.kind == Kind::Conflict && error.violates("releases.version"), "{error:?}");
}

fn one_person_has_one_standing_decision_about_one_subject(store: &Store) {
    insert_release(store, API);
    let id = put(store, |tx| approvals::insert(tx, &an_approval("bob", "production")));
    let again = || store.write_quietly(|tx| approvals::insert(tx, &an_approval("bob", "production")));
    let error = again().unwrap_err();
    assert!(error.kind == Kind::Conflict && error.violates("approvals.by_uid"), "{error:?}");
    put(store, |tx| approvals::insert(tx, &an_approval("bob", "staging")));
    put(store, |tx| approvals::insert(tx, &an_approval("carol", "production")));
    put(store, |tx| approvals::end(tx, id, at(9), "withdrawn"));
    again().unwrap();
}

fn an_environment_has_one_active_deployment_of_a_service(store: &Store) {
    insert_release(store, API);
    let new = |epoch: i64| {
        store.write_quietly(|tx| deployments::insert(tx, &a_deployment("staging", epoch), &[], &a_report()))
    };
    let id = new(1).unwrap();
    let error = new(2).unwrap_err();
    assert!(error.kind == Kind::Conflict && error.violates("deployments.environment"), "{error:?}");
    put(store, |tx| deployments::insert(tx, &a_deployment("production", 1), &[], &a_report()));
    put(store, |tx| deployments::claim(tx, id, 1, at(6)));
    put(store, |tx| deployments::mark_lost(tx, id, 1, &Cause::SupervisorGone { why: "gone".to_owned() }));
    assert_eq!(new(2).unwrap_err().kind, Kind::Conflict);
    let end = outcome(DeploymentState::Failed, at(9));
    assert!(put(store, |tx| deployments::finish(tx, id, 1, &[DeploymentState::Lost], &end, None)));
    let same = new(1).unwrap_err();
    assert!(same.kind == Kind::Conflict, "no two attempts share an epoch: {same:?}");
    new(2).unwrap();
}

fn an_epoch_follows_the_last_one_of_its_environment(store: &Store) {
    insert_release(store, API);
    let next = || get(store, |tx| deployments::next_epoch(tx, &"api".parse().unwrap(), &env_name("staging")));
    assert_eq!(next(), 1);
    put(store, |tx| deployments::insert(tx, &a_deployment("staging", 41), &[], &a_report()));
    assert_eq!(next(), 42);
    put(store, |tx| deployments::insert(tx, &a_deployment("production", 90), &[], &a_report()));
    assert_eq!(next(), 42);
}

fn what_waits_begins_once_with_the_facts_of_its_beginning(store: &Store) {
    insert_release(store, API);
    let wait = Wait {
        delivered: true,
        jumps: true,
        chain: Some("a chain".to_owned()),
        at: Some(at(20)),
        expires: at(30),
        zone: Tz::Europe__Berlin,
        after: vec![DeploymentId(7)],
        train: Some("weekly".parse().unwrap()),
        outlook: Some(Outlook { seen: at(5), closed: vec!["freeze: closed".to_owned()] }),
        waits_for: Vec::new(),
        variables: vec!["TOKEN".to_owned()],
        begun_by: None,
    };
    let asked = Deployment {
        state: DeploymentState::Scheduled,
        wait: Some(wait.clone()),
        ..a_deployment("staging", 1)
    };
    let id = put(store, |tx| deployments::insert(tx, &asked, &[], &a_report()));
    // It holds nothing.
    let running = insert_running(store, "staging");
    finish(store, running, DeploymentState::Succeeded);
    assert_eq!(get(store, pending::list)[0].wait, Some(wait.clone()));
    let waiting = Wait { waits_for: vec!["lock: closed".to_owned()], ..wait };
    assert!(put(store, |tx| pending::set_wait(tx, id, DeploymentState::Waiting, &waiting)));
    let begun = Deployment {
        id,
        state: DeploymentState::Running,
        epoch: 3,
        previous: Some("0.9.0".parse().unwrap()),
        claimed_at: Some(at(21)),
        heartbeat_at: Some(at(21)),
        boot: "boot-2".to_owned(),
        wait: Some(waiting),
        ..asked
    };
    let began: Vec<bool> =
        (0..2).map(|_| put(store, |tx| pending::begin(tx, &begun, &some_steps(), &a_report()))).collect();
    assert_eq!(began, [true, false]);
    assert_eq!(get(store, |tx| deployments::get(tx, id)), begun);
    assert_eq!(get(store, |tx| steps::list_of(tx, id)).len(), some_steps().len());
    assert!(get(store, pending::list).is_empty());
}

fn a_lock_stands_until_its_end_or_until_it_is_lifted(store: &Store) {
    let lock = Lock {
        id: LockId(1),
        kind: LockKind::Automation,
        scope: Scope::new(vec!["api".to_owned()], vec!["prod*".to_owned()]).unwrap(),
        reason: "disk".to_owned(),
        by: person("bob").person,
        since: at(1),
        expires: Some(at(9)),
    };
    assert_eq!(put(store, |tx| locks::insert(tx, &lock)), LockId(1));
    assert_eq!(get(store, |tx| locks::list_standing(tx, at(8))), std::slice::from_ref(&lock));
    assert!(get(store, |tx| locks::list_standing(tx, at(9))).is_empty());
    let longer = Lock { reason: "disks".to_owned(), expires: None, ..lock };
    assert!(put(store, |tx| locks::update(tx, &longer)));
    assert_eq!(get(store, |tx| locks::list_standing(tx, at(9))), std::slice::from_ref(&longer));
    let lifted: Vec<bool> =
        (0..2).map(|_| put(store, |tx| locks::end(tx, LockId(1), "bob", at(3)))).collect();
    assert_eq!(lifted, [true, false]);
    assert!(
        !put(store, |tx| locks::update(tx, &longer))
            && get(store, |tx| locks::list_standing(tx, at(2))).is_empty()
    );
}

fn a_train_departs_once_at_a_time(store: &Store) {
    let departure = |minutes: u64, state: DepartureState| Departure {
        train: "weekly".parse().unwrap(),
        departs_at: at(minutes),
        state,
        by: "carol".to_owned(),
        at: at(minutes + 1),
        reason: Some("books".to_owned()),
        items: vec![Item {
            service: "api".parse().unwrap(),
            release: Some(release_id(API)),
            left: None,
            deployment: Some(DeploymentId(3)),
        }],
    };
    let (first, second) = (departure(1, DepartureState::Departed), departure(9, DepartureState::Skipped));
    put(store, |tx| trains::insert(tx, &first));
    put(store, |tx| trains::insert(tx, &second));
    let twice = store.write_quietly(|tx| trains::insert(tx, &first)).unwrap_err();
    assert_eq!(twice.kind, Kind::Conflict);
    let weekly = "weekly".parse().unwrap();
    assert_eq!(get(store, |tx| trains::find(tx, &weekly, at(9))), Some(second.clone()));
    assert_eq!(get(store, |tx| trains::list(tx, &weekly, 9)), [second, first.clone()]);
    assert_eq!(get(store, |tx| trains::last_departed(tx, &weekly)), Some(first));
    assert_eq!(get(store, |tx| trains::last_resumed(tx, &weekly)), None);
    put(store, |tx| trains::resume(tx, &weekly, "carol", at(4), "mended"));
    assert_eq!(get(store, |tx| trains::last_resumed(tx, &weekly)), Some(at(4)));
}

fn notes_are_read_in_the_order_of_their_places(store: &Store) {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    let note = |offset: u64, text: &str| Note {
        deployment: id,
        at: at(3),
        by: person("bob").person,
        offset,
        text: text.to_owned(),
    };
    for (offset, text) in [(9, "second"), (4, "first"), (9, "third")] {
        put(store, |tx| notes::insert(tx, &note(offset, text)));
    }
    assert_eq!(
        get(store, |tx| notes::list_of(tx, id)),
        [note(4, "first"), note(9, "second"), note(9, "third")]
    );
}

fn a_fact_is_written_once(store: &Store) {
    put(store, |tx| meta::insert(tx, "instance", "one"));
    let error = store.write_quietly(|tx| meta::insert(tx, "instance", "two")).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(get(store, |tx| meta::find(tx, "instance")).as_deref(), Some("one"));
    assert_eq!(get(store, |tx| meta::find(tx, "other")), None);
}

fn a_fact_that_may_change_has_its_last_value(store: &Store) {
    for value in ["one", "two"] {
        put(store, |tx| meta::put(tx, "configuration", value));
        assert_eq!(get(store, |tx| meta::find(tx, "configuration")).as_deref(), Some(value));
    }
}

fn the_journal_grows_at_its_end_as_one_chain(store: &Store) {
    assert_eq!(get(store, journal::head), (0, GENESIS));
    let seqs: Vec<i64> = ["a", "b", "c"]
        .map(|subject| store.write(|tx| journal::append(tx, an_entry(subject))).unwrap())
        .into();
    assert_eq!(seqs, [1, 2, 3]);
    let mut link = (0, GENESIS);
    for stored in get(store, |tx| journal::walk(tx, 0, 10)) {
        assert_eq!(check_link(link, &stored.entry), Ok(()));
        assert_eq!(stored.result, "done");
        link = (stored.entry.seq, stored.entry.hash);
    }
    assert_eq!(get(store, journal::head), link);
}

fn a_failing_write_changes_nothing_at_all(store: &Store) {
    insert_release(store, API);
    let result: Result<(), StoreError> = store.write(|tx| {
        releases::insert(tx, &a_release("api@1.1.0"))?;
        approvals::insert(tx, &an_approval("bob", "production"))?;
        freezes::insert(tx, &a_freeze("Year end", 10, 20), "bob", at(0))?;
        deployments::insert(tx, &a_deployment("staging", 1), &some_steps(), &a_report())?;
        journal::append(tx, an_entry("api@1.1.0"))?;
        releases::insert(tx, &a_release(API))
    });
    assert_eq!(result.unwrap_err().kind, Kind::Conflict);
    assert_eq!(get(store, releases::list_open), [a_release(API)]);
    assert!(get(store, |tx| approvals::list_of(tx, &release_id(API))).is_empty());
    assert!(get(store, |tx| freezes::list_standing(tx, at(0))).is_empty());
    assert!(get(store, deployments::list_active).is_empty());
    assert_eq!(get(store, journal::head), (0, GENESIS));
}

fn a_store_is_of_use_after_a_failed_write(store: &Store) {
    insert_release(store, API);
    store.write_quietly(|tx| releases::insert(tx, &a_release(API))).unwrap_err();
    insert_release(store, "api@1.1.0");
    assert_eq!(get(store, releases::list_open).len(), 2);
}

fn a_journal_is_read_in_pages(store: &Store) {
    for at in 0..10 {
        let subject = if at % 2 == 0 { "even" } else { "odd" };
        store.write(|tx| journal::append(tx, an_entry(subject))).unwrap();
    }
    let page = |before: Option<i64>, subject: Option<&str>| -> Vec<i64> {
        get(store, |tx| journal::list(tx, before, subject, 3)).iter().map(|entry| entry.seq).collect()
    };
    assert_eq!(page(None, None), [10, 9, 8]);
    assert_eq!(page(Some(8), None), [7, 6, 5]);
    assert_eq!(page(Some(8), Some("odd")), [6, 4, 2]);
    assert!(page(Some(1), None).is_empty());
    let walked: Vec<i64> =
        get(store, |tx| journal::walk(tx, 7, 2)).iter().map(|stored| stored.entry.seq).collect();
    assert_eq!(walked, [8, 9]);
    let first = |subject: &str| get(store, |tx| journal::find_first(tx, subject)).map(|entry| entry.seq);
    assert_eq!((first("even"), first("odd"), first("L1")), (Some(1), Some(2), None));
}

fn deployments_are_read_in_pages(store: &Store) {
    insert_release(store, API);
    for _ in 0..5 {
        let id = insert_running(store, "staging");
        finish(store, id, DeploymentState::Succeeded);
    }
    let page = |before: Option<i64>| -> Vec<i64> {
        let filter =
            deployments::Filter { before: before.map(DeploymentId), ..deployments::Filter::default() };
        get(store, |tx| deployments::list(tx, &filter, 2)).iter().map(|d| d.id.0).collect()
    };
    assert_eq!([page(None), page(Some(4)), page(Some(2))], [vec![5, 4], vec![3, 2], vec![1]]);
}

/// Reads the past two at a time as a listing does: each page continues after the last row of the one before.
fn past(store: &Store) -> Vec<String> {
    let mut shown: Vec<Release> = Vec::new();
    loop {
        let before = shown.last().map(|release| release.id.clone());
        let page = get(store, |tx| releases::list_past(tx, before.as_ref(), 2));
        if page.is_empty() || shown.len() > 20 {
            return shown.iter().map(|release| release.id.to_string()).collect();
        }
        shown.extend(page);
    }
}

fn ended(store: &Store, id: &str, minutes: u64) {
    insert_release(store, id);
    let ended = Release {
        state: ReleaseState::Closed,
        revision: 2,
        updated_at: at(minutes),
        ended: Some(Block { by: person("bob").person, at: at(minutes), reason: "done".to_owned() }),
        ..a_release(id)
    };
    assert!(put(store, |tx| releases::update(tx, &ended)));
}

fn ended_releases_are_read_in_pages(store: &Store) {
    for at in 1..=5 {
        ended(store, &format!("api@1.{at}.0"), at);
    }
    insert_release(store, "api@2.0.0");
    assert_eq!(past(store), ["api@1.5.0", "api@1.4.0", "api@1.3.0", "api@1.2.0", "api@1.1.0"]);
}

fn releases_that_ended_in_one_moment_are_all_read(store: &Store) {
    for at in 1..=5 {
        ended(store, &format!("api@1.{at}.0"), 30);
    }
    assert_eq!(past(store).len(), 5);
}

fn open_releases_are_listed_oldest_first(store: &Store) {
    for id in ["web@2.0.0", API, "web@1.0.0"] {
        insert_release(store, id);
    }
    ended(store, "web@3.0.0", 1);
    let open: Vec<String> = get(store, releases::list_open).iter().map(|r| r.id.to_string()).collect();
    assert_eq!(open, ["web@2.0.0", API, "web@1.0.0"]);
}

fn names_are_found_by_their_beginning_open_ones_first(store: &Store) {
    insert_release(store, "api@1.0.0");
    ended(store, "api@1.1.0", 1);
    insert_release(store, "web@1.0.0");
    let like = |prefix: &str| -> Vec<String> {
        let found: Vec<ReleaseId> = get(store, |tx| releases::list_ids_like(tx, prefix, 10));
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(like("api@"), ["api@1.0.0", "api@1.1.0"]);
    assert!(like("%").is_empty() && like("pi@").is_empty());
}

fn a_switched_toggle_is_found_by_its_name_and_is_no_deployment(store: &Store) {
    insert_release(store, API);
    let service = release_id(API).service;
    let env = env_name("staging");
    for (epoch, on) in [(1, true), (2, false)] {
        let toggle = Some(Flip { name: "new-search".to_owned(), on });
        let flip = Deployment { noop: true, toggle, ..a_deployment("staging", epoch) };
        let id = put(store, |tx| deployments::insert(tx, &flip, &[], &a_report()));
        assert_eq!(get(store, |tx| deployments::get(tx, id)), Deployment { id, ..flip });
        assert!(put(store, |tx| deployments::claim(tx, id, epoch, at(6))));
        let end = outcome(DeploymentState::Succeeded, at(8));
        assert!(put(store, |tx| deployments::finish(tx, id, epoch, &[DeploymentState::Running], &end, None)));
    }
    let last = |name: &str| get(store, |tx| deployments::find_flip(tx, &service, &env, name));
    assert_eq!(last("new-search").and_then(|d| d.toggle).map(|flip| flip.on), Some(false));
    assert_eq!(last("new"), None);
    assert_eq!(get(store, |tx| deployments::find_live(tx, &service, &env)), None);
    assert_eq!(get(store, |tx| deployments::find_newest(tx, &service, &env)), None);
    assert_eq!(get(store, |tx| deployments::find_plan(tx, &release_id(API), &env)), None);
}

fn what_is_live_is_the_last_success(store: &Store) {
    insert_release(store, API);
    let live = || {
        let service = "api".parse().unwrap();
        let found = get(store, |tx| deployments::find_live(tx, &service, &env_name("staging")));
        found.map(|deployment| deployment.id)
    };
    assert_eq!(live(), None);
    let good = insert_running(store, "staging");
    finish(store, good, DeploymentState::Succeeded);
    let bad = insert_running(store, "staging");
    finish(store, bad, DeploymentState::Failed);
    assert_eq!(live(), Some(good));
}

fn an_environment_was_touched_once_a_deployment_was_claimed(store: &Store) {
    insert_release(store, API);
    let touched = || get(store, |tx| deployments::has_touched(tx, &release_id(API), &[env_name("staging")]));
    let id = put(store, |tx| deployments::insert(tx, &a_deployment("staging", 1), &[], &a_report()));
    insert_running(store, "production");
    assert!(!touched());
    put(store, |tx| deployments::claim(tx, id, 1, at(6)));
    assert!(touched());
}

fn a_new_store_is_whole(store: &Store) {
    store.integrity().unwrap();
    assert!(get(store, releases::is_empty));
    insert_release(store, API);
    assert!(!get(store, releases::is_empty));
}

/// A store in a file of its own.
struct OnFile {
    dir: tempfile::TempDir,
}

impl OnFile {
    fn new() -> Self {
        let file = Self { dir: tempfile::tempdir().unwrap() };
        State::prepare(&file.path()).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("state/relman.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    /// Why it does not open.
    #[track_caller]
    fn refused(&self) -> StoreError {
        refused(&self.path())
    }

    /// Lets somebody else at the file.
    fn raw<T>(&self, f: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        f(&rusqlite::Connection::open(self.path()).unwrap())
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    fn fill(&self, bytes: &[u8]) {
        std::fs::write(self.path(), bytes).unwrap();
    }
}

#[track_caller]
fn refused(path: &Path) -> StoreError {
    let error = Store::open(path).err().unwrap();
    assert!(error.sentence.len() > 20 && !error.sentence.contains('\n'), "{error}");
    error
}

/// A store in which every table has a row.
fn with_one_of_each(store: &Store) {
    insert_release(store, API);
    store.write_quietly(|tx| approvals::insert(tx, &an_approval("bob", "production"))).unwrap();
    store.write_quietly(|tx| freezes::insert(tx, &a_freeze("books", 10, 20), "bob", at(0))).unwrap();
    let lock = Lock {
        id: LockId(0),
        kind: LockKind::Exclusive,
        scope: Scope::everything(),
        reason: "disk".to_owned(),
        by: person("erin").person,
        since: at(1),
        expires: Some(at(90)),
    };
    store.write_quietly(|tx| locks::insert(tx, &lock)).unwrap();
    let id = insert_running(store, "staging");
    finish(store, id, DeploymentState::Succeeded);
    let train: relman::domain::ids::TrainName = "weekly".parse().unwrap();
    let departure = Departure {
        train: train.clone(),
        departs_at: at(5),
        state: DepartureState::Skipped,
        by: "erin".to_owned(),
        at: at(1),
        reason: Some("holiday".to_owned()),
        items: Vec::new(),
    };
    let note =
        Note { deployment: id, at: at(7), by: person("bob").person, offset: 3, text: "slow".to_owned() };
    store
        .write_quietly(|tx| {
            trains::insert(tx, &departure)?;
            trains::resume(tx, &train, "erin", at(6), "mended")?;
            notes::insert(tx, &note)?;
            requests::insert(tx, &a_request())?;
            override_reviews::insert(tx, id, &a_review())
        })
        .unwrap();
}

fn a_request() -> Wanted {
    Wanted {
        id: RequestId(1),
        title: "Guest checkout".to_owned(),
        service: Some("api".parse().unwrap()),
        origin: Origin::Market,
        need: None,
        objective: None,
        priority: Some(Level::High),
        by: person("bob").person,
        at: at(3),
        feedback: Some(("api@1.0.0".parse().unwrap(), 2)),
        release: None,
        declined: None,
    }
}

fn every_record_is_walked_found_taken_and_put_back_as_it_was(store: &Store) {
    with_one_of_each(store);
    let past = Store::of_the_past().unwrap();
    for table in records::Table::ALL {
        let mut rows = get(store, |tx| records::walk(tx, table, 0, 10));
        assert_eq!(rows.len(), 1, "{table:?}");
        let walked = rows.remove(0).1.unwrap();
        let key = walked.key();
        let found = get(store, |tx| records::find(tx, &key)).unwrap();
        assert_eq!(found.comparable(), walked.comparable());
        past.write_quietly(|tx| records::put(tx, &found)).unwrap();
        assert_eq!(get(&past, |tx| records::find(tx, &key)).as_ref(), Some(&found), "{table:?}");
        past.write_quietly(|tx| records::take(tx, &key)).unwrap();
        assert_eq!(get(&past, |tx| records::find(tx, &key)), None, "{table:?}");
        past.write_quietly(|tx| records::put(tx, &found)).unwrap();
    }
    // A release may be put where one is: it keeps its place.
    let changed = Release { title: "Slower".to_owned(), revision: 2, ..a_release(API) };
    let change = relman::domain::replay::Change::Release(Box::new(changed));
    past.write_quietly(|tx| records::put(tx, &change)).unwrap();
    assert_eq!(get(&past, |tx| records::find(tx, &change.key())), Some(change));
}

fn a_walk_over_a_table_goes_page_by_page(store: &Store) {
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        insert_release(store, &format!("api@{version}"));
    }
    let page = |after| get(store, |tx| records::walk(tx, records::Table::Releases, after, 2));
    let first = page(0);
    assert_eq!(first.len(), 2);
    let second = page(first[1].0);
    assert_eq!(second.len(), 1);
    assert!(page(second[0].0).is_empty());
}

fn entries_are_found_by_their_time_and_their_place(store: &Store) {
    assert_eq!(get(store, |tx| journal::seq_at(tx, at(5))), 0);
    for minute in [1, 3, 3, 7] {
        let entry = NewEntry { at: at(minute), ..an_entry("x") };
        store.write(|tx| journal::append(tx, entry.clone())).unwrap();
    }
    let found = [0, 1, 2, 3, 6, 7, 99].map(|minute| get(store, |tx| journal::seq_at(tx, at(minute))));
    assert_eq!(found, [0, 1, 1, 3, 3, 4, 4]);
    assert_eq!(get(store, |tx| journal::time_of(tx, 4)), Some(at(7)));
    assert_eq!(get(store, |tx| journal::time_of(tx, 5)), None);
    let head = get(store, journal::head);
    let hash = get(store, |tx| journal::hash_of(tx, 4)).unwrap();
    assert_eq!(hash, relman::domain::digest::hex(&head.1));
    assert_eq!(get(store, |tx| journal::hash_of(tx, 5)), None);
    let before = |seq| -> Vec<i64> {
        get(store, |tx| journal::list_about_before(tx, "x", seq, 2)).iter().map(|entry| entry.seq).collect()
    };
    assert_eq!([before(None), before(Some(3)), before(Some(1))], [vec![4, 3], vec![2, 1], vec![]]);
    store.check_schema().unwrap();
}

/// A journal of three entries, and an event of the second for a hook.
fn insert_delivery(store: &Store, event: &str) -> i64 {
    put(store, |tx| journal::append(tx, an_entry(API)));
    assert!(put(store, |tx| outbox::insert(tx, "hook[0]", (event, "release.created"), 1, at(0))));
    get(store, |tx| outbox::list(tx, 1)).remove(0).id
}

fn an_event_goes_into_an_outbox_once(store: &Store) {
    let id = insert_delivery(store, "e1");
    assert!(!put(store, |tx| outbox::insert(tx, "hook[0]", ("e1", "release.created"), 1, at(1))));
    assert!(put(store, |tx| outbox::insert(tx, "hook[1]", ("e1", "release.created"), 1, at(1))));
    let pending = get(store, outbox::list_pending);
    assert_eq!(pending.len(), 2);
    assert_eq!((pending[0].id, pending[0].attempts, pending[0].due_at), (id, 0, at(0)));
}

fn a_delivery_is_leased_by_one_and_in_order(store: &Store) {
    let first = insert_delivery(store, "e1");
    let second = insert_delivery(store, "e2");
    let lease = |id, by: &str, now| put(store, |tx| outbox::lease(tx, id, by, at(now), at(now + 5)));
    assert!(lease(first, "alice", 1));
    assert!(!lease(first, "bob", 2), "it is alice's");
    assert!(!lease(second, "bob", 2), "the hook is busy");
    assert!(lease(first, "bob", 6), "her lease has ended");
    let record = |by: &str, state| {
        let attempt = outbox::Attempt {
            id: first,
            by,
            state,
            due_at: at(9),
            at: at(7),
            outcome: "200",
            said: Some("ok"),
        };
        put(store, |tx| outbox::record(tx, &attempt))
    };
    assert!(!record("alice", DeliveryState::Delivered), "it is bob's by now");
    assert!(record("bob", DeliveryState::Pending));
    assert!(!lease(first, "carol", 8), "it is not due yet");
    assert!(!lease(second, "carol", 8), "it is about the same and happened later");
    let (seq, _) = put(store, |tx| {
        journal::append(tx, an_entry("api@9.9.9"))?;
        journal::head(tx)
    });
    assert!(put(store, |tx| outbox::insert(tx, "hook[0]", ("e3", "release.created"), seq, at(0))));
    let third = get(store, |tx| outbox::list(tx, 1)).remove(0).id;
    let next: Vec<i64> = get(store, outbox::list_next).iter().map(|one| one.id).collect();
    assert_eq!(next, [first, third]);
    assert!(lease(third, "carol", 8), "what is about something else need not wait for it");
    let known = get(store, |tx| outbox::find(tx, first)).unwrap();
    assert_eq!(
        (known.attempts, known.outcome.as_deref(), known.said.as_deref()),
        (2, Some("200"), Some("ok"))
    );
    assert_eq!((known.leased_by, known.ended_at), (None, None));
}

fn what_was_given_up_may_begin_anew(store: &Store) {
    let id = insert_delivery(store, "e1");
    assert!(put(store, |tx| outbox::lease(tx, id, "alice", at(1), at(5))));
    assert!(!put(store, |tx| outbox::give_up(tx, id, at(2), "no")), "somebody is at it");
    assert!(put(store, |tx| outbox::give_up(tx, id, at(6), "no")));
    assert_eq!(get(store, outbox::list_given_up).len(), 1);
    assert!(put(store, |tx| outbox::again(tx, id, at(7))));
    let known = get(store, |tx| outbox::find(tx, id)).unwrap();
    assert_eq!((known.state, known.attempts, known.ended_at), (DeliveryState::Pending, 0, None));
    assert!(put(store, |tx| outbox::lease(tx, id, "alice", at(8), at(9))));
    let attempt = outbox::Attempt {
        id,
        by: "alice",
        state: DeliveryState::Delivered,
        due_at: at(8),
        at: at(8),
        outcome: "200",
        said: None,
    };
    assert!(put(store, |tx| outbox::record(tx, &attempt)));
    assert_eq!(put(store, |tx| outbox::forget(tx, at(8))), 0);
    assert_eq!(put(store, |tx| outbox::forget(tx, at(9))), 1);
}

fn a_cursor_never_goes_back(store: &Store) {
    for (seq, passed_over) in [(3, 0), (7, 2), (5, 9)] {
        put(store, |tx| outbox::move_on(tx, "hook[0]", seq, passed_over));
    }
    let cursor = get(store, outbox::cursors).remove(0);
    assert_eq!((cursor.seq, cursor.passed_over), (7, 2));
}

fn a_moment_is_noticed_once(store: &Store) {
    assert!(put(store, |tx| moments::insert(tx, "freeze F1 began", at(1))));
    assert!(!put(store, |tx| moments::insert(tx, "freeze F1 began", at(2))));
    assert_eq!(get(store, |tx| moments::find(tx, "freeze F1 began")), Some(at(1)));
    assert_eq!(get(store, |tx| moments::find(tx, "freeze F2 began")), None);
}

fn what_is_known_of_a_change_ticket_is_replaced(store: &Store) {
    insert_release(store, API);
    let mut ticket = ChangeTicket::new(release_id(API), env_name("production"));
    put(store, |tx| changes::put(tx, &ticket));
    ticket.named = Some("CHG1".to_owned());
    ticket.asked_at = Some(at(4));
    put(store, |tx| changes::put(tx, &ticket));
    assert_eq!(
        get(store, |tx| changes::find(tx, &release_id(API), &env_name("production"))),
        Some(ticket.clone())
    );
    assert_eq!(get(store, |tx| changes::list_of(tx, &release_id(API))), [ticket]);
    assert_eq!(get(store, |tx| changes::find(tx, &release_id(API), &env_name("dev"))), None);
}

macro_rules! contract {
    ($($name:ident)*) => {
        mod in_memory {
            $(#[test]
            fn $name() {
                super::$name(&relman::store::Store::in_memory().unwrap());
            })*
        }
        mod on_file {
            $(#[test]
            fn $name() {
                let file = super::OnFile::new();
                super::$name(&file.open());
            })*
        }
    };
}

/// What people say to each other beside the record: who is in, a line to all, who is on it, who confirmed it.
fn what_people_say_to_each_other_reads_back(store: &Store) {
    let session = Session {
        person: person("bob").person,
        tty: None,
        client: Some("192.0.2.1".to_owned()),
        host: "bastion".to_owned(),
        boot: "boot-1".to_owned(),
        process: ProcessRef { pid: 7, start: u64::MAX / 2 },
        since: at(1),
        active_at: at(2),
        focus: Focus { pane: "log".to_owned(), deployment: Some(DeploymentId(3)), ..Focus::default() },
    };
    put(store, |tx| sessions::put(tx, &session));
    let later = Session { active_at: at(3), focus: Focus::default(), ..session };
    put(store, |tx| sessions::put(tx, &later));
    assert_eq!(get(store, sessions::list), std::slice::from_ref(&later), "one row a process");
    put(store, |tx| sessions::remove(tx, &later));
    assert_eq!(get(store, sessions::list), []);
    let call = Call { id: 1, at: at(5), by: person("bob").person, text: "hold on".to_owned() };
    put(store, |tx| sessions::call(tx, &call, at(0)));
    assert_eq!(get(store, |tx| sessions::find_call(tx, at(5))), Some(call.clone()));
    assert_eq!(get(store, |tx| sessions::find_call(tx, at(6))), None);
    insert_release(store, API);
    let id = insert_running(store, "staging");
    let taken = Taken { hold: Some(2), by: person("carol").person, at: at(4) };
    put(store, |tx| deployments::take(tx, id, &taken));
    assert_eq!(get(store, |tx| deployments::get(tx, id)).taken, Some(taken));
}

fn a_confirmation_of_a_second_person_is_used_once(store: &Store) {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    let asking = witness::Request {
        id: 1,
        release: release_id(API),
        environment: env_name("staging"),
        subject: Digest::of(b"subject"),
        starter: person("erin"),
        asked_at: at(1),
        expires_at: at(6),
        nonce: "n".to_owned(),
        challenge: witness::challenge("n", "KRTNP"),
        tries: 0,
        witnessed: None,
        used_by: None,
        ended_why: None,
    };
    let (service, env) = (asking.release.service.clone(), asking.environment.clone());
    let open = || get(store, |tx| witnesses::find_open(tx, &service, &env));
    let first = put(store, |tx| witnesses::insert(tx, &asking));
    assert_eq!(open(), Some(witness::Request { id: first, ..asking.clone() }));
    let second = store.write_quietly(|tx| witnesses::insert(tx, &asking));
    assert_eq!(second.unwrap_err().kind, Kind::Conflict, "one at a time for a place");
    assert!(!put(store, |tx| witnesses::consume(tx, first, id)), "nobody has confirmed it");
    put(store, |tx| witnesses::count_try(tx, first));
    let confirmed = witness::Confirmed { by: person("bob"), at: at(2) };
    assert!(put(store, |tx| witnesses::confirm(tx, first, &confirmed, at(7))));
    assert!(!put(store, |tx| witnesses::confirm(tx, first, &confirmed, at(9))), "the first is it");
    let stands = open().unwrap();
    assert_eq!((stands.tries, stands.witnessed, stands.expires_at), (1, Some(confirmed), at(7)));
    assert!(put(store, |tx| witnesses::consume(tx, first, id)));
    assert!(!put(store, |tx| witnesses::consume(tx, first, id)), "it serves once");
    assert_eq!((open(), get(store, witnesses::list_open)), (None, Vec::new()));
    assert_eq!(get(store, |tx| witnesses::find_used(tx, id)).unwrap().id, first);
    let third = put(store, |tx| witnesses::insert(tx, &asking));
    assert!(put(store, |tx| witnesses::end(tx, third, "too late")));
    assert!(!put(store, |tx| witnesses::end(tx, third, "again")));
}

contract! {
    what_people_say_to_each_other_reads_back
    a_confirmation_of_a_second_person_is_used_once
    a_release_reads_back_as_it_was_written
    a_missing_release_is_missing
    an_approval_reads_back_as_it_was_written
    a_signed_approval_reads_back_and_its_number_is_taken
    what_a_deployment_does_is_kept_in_full
    an_override_that_was_used_is_reviewed_once
    an_approval_of_a_release_that_has_ended_is_no_longer_open
    an_approval_needs_its_release
    a_freeze_reads_back_as_it_was_written
    a_repeating_freeze_reads_back_and_stands_as_long_as_it_comes_again
    a_freeze_is_changed_by_whoever_has_seen_it_as_it_is
    freezes_stand_until_their_end_in_the_order_of_their_start
    a_freeze_is_removed_once
    a_deployment_reads_back_as_it_was_written
    steps_read_back_as_they_were_written
    everything_a_deployment_goes_through_reads_back
    a_release_is_updated_by_who_saw_its_newest_revision
    an_approval_ends_once
    a_deployment_is_claimed_once_and_in_its_epoch
    a_deployment_is_finished_once_and_in_its_epoch
    what_is_settled_takes_no_sign_of_life_and_no_step
    a_sign_of_life_does_not_forget_the_script
    a_release_is_registered_once
    one_person_has_one_standing_decision_about_one_subject
    an_environment_has_one_active_deployment_of_a_service
    an_epoch_follows_the_last_one_of_its_environment
    what_waits_begins_once_with_the_facts_of_its_beginning
    a_lock_stands_until_its_end_or_until_it_is_lifted
    a_train_departs_once_at_a_time
    notes_are_read_in_the_order_of_their_places
    a_fact_is_written_once
    a_fact_that_may_change_has_its_last_value
    the_journal_grows_at_its_end_as_one_chain
    a_failing_write_changes_nothing_at_all
    a_store_is_of_use_after_a_failed_write
    a_journal_is_read_in_pages
    deployments_are_read_in_pages
    ended_releases_are_read_in_pages
    releases_that_ended_in_one_moment_are_all_read
    open_releases_are_listed_oldest_first
    names_are_found_by_their_beginning_open_ones_first
    what_is_live_is_the_last_success
    a_switched_toggle_is_found_by_its_name_and_is_no_deployment
    an_environment_was_touched_once_a_deployment_was_claimed
    a_new_store_is_whole
    every_record_is_walked_found_taken_and_put_back_as_it_was
    a_walk_over_a_table_goes_page_by_page
    entries_are_found_by_their_time_and_their_place
    an_event_goes_into_an_outbox_once
    a_delivery_is_leased_by_one_and_in_order
    what_was_given_up_may_begin_anew
    a_cursor_never_goes_back
    a_moment_is_noticed_once
    what_is_known_of_a_change_ticket_is_replaced
}

#[test]
fn what_was_written_is_there_when_the_file_is_opened_again() {
    let file = OnFile::new();
    insert_release(&file.open(), API);
    assert_eq!(get(&file.open(), releases::list_open), [a_release(API)]);
}

#[test]
fn the_journal_of_a_file_is_not_changed_and_not_shortened() {
    let file = OnFile::new();
    file.open().write(|tx| journal::append(tx, an_entry("a"))).unwrap();
    for sql in ["UPDATE journal SET verb = 'x'", "DELETE FROM journal"] {
        let error = file.raw(|raw| raw.execute(sql, [])).unwrap_err();
        assert!(error.to_string().contains("the journal is append-only"), "{error}");
    }
    assert_eq!(get(&file.open(), |tx| journal::list(tx, None, None, 9))[0].verb, "release.edited");
}

#[test]
fn the_schema_keeps_nonsense_out_whoever_writes() {
    let file = OnFile::new();
    let store = file.open();
    insert_release(&store, API);
    insert_running(&store, "staging");
    file.raw(|raw| {
        for sql in [
            "UPDATE releases SET state = 'great'",
            "UPDATE releases SET revision = 0",
            "UPDATE releases SET revision = 'one'",
            "UPDATE deployments SET state = 'succeeded'",
            "UPDATE deployments SET progress = 101",
            "UPDATE deployment_steps SET state = 'great'",
            "INSERT INTO freezes (name, reason, services, environments, starts_at, ends_at, zone, created_by, created_at)
             VALUES ('n', 'r', '[]', '[]', '2026-01-02', '2026-01-01', 'UTC', 'bob', '2026-01-01')",
        ] {
            let error = raw.execute(sql, []).unwrap_err();
            let code = error.sqlite_error_code();
            assert_eq!(code, Some(rusqlite::ErrorCode::ConstraintViolation), "{sql}: {error}");
        }
    });
}

#[test]
fn the_counter_moves_when_another_connection_has_committed() {
    let file = OnFile::new();
    let (one, two) = (file.open(), file.open());
    let before = one.change_counter().unwrap();
    assert_eq!(one.change_counter().unwrap(), before);
    insert_release(&two, API);
    let after = one.change_counter().unwrap();
    assert_ne!(after, before);
    insert_release(&one, "api@1.1.0");
    assert_eq!(one.change_counter().unwrap(), after);
}

#[test]
fn the_counter_stays_when_another_connection_has_given_up() {
    let file = OnFile::new();
    let (one, two) = (file.open(), file.open());
    insert_release(&two, API);
    let before = one.change_counter().unwrap();
    two.write_quietly(|tx| releases::insert(tx, &a_release(API))).unwrap_err();
    assert_eq!(one.change_counter().unwrap(), before);
}

#[test]
fn what_is_not_committed_is_not_seen_by_others() {
    let file = OnFile::new();
    let (one, two) = (file.open(), file.open());
    put(&one, |tx| {
        releases::insert(tx, &a_release(API))?;
        assert!(get(&two, releases::is_empty));
        Ok(())
    });
    assert!(!get(&two, releases::is_empty));
}

#[test]
fn a_read_sees_one_state_whatever_is_committed_meanwhile() {
    let file = OnFile::new();
    let (one, two) = (file.open(), file.open());
    get(&one, |tx| {
        assert!(releases::is_empty(tx)?);
        insert_release(&two, API);
        assert!(releases::is_empty(tx)?);
        Ok(())
    });
    assert!(!get(&one, releases::is_empty));
}

/// Runs `meanwhile` while another thread holds the store for writing; it lets go when the sender it is given sends or
/// is dropped.
fn while_held(file: &OnFile, meanwhile: impl FnOnce(mpsc::Sender<()>)) {
    let (let_go, told) = mpsc::channel::<()>();
    let (begun, held) = mpsc::channel::<()>();
    let path = file.path();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let store = Store::open(&path).unwrap();
            put(&store, |tx| {
                begun.send(()).unwrap();
                // An error means that the other side is done, which lets go too.
                let _gone = told.recv();
                releases::insert(tx, &a_release("api@1.1.0"))
            });
        });
        held.recv().unwrap();
        meanwhile(let_go);
    });
}

#[test]
fn a_writer_waits_for_another_ones_write() {
    let file = OnFile::new();
    drop(file.open());
    while_held(&file, |let_go| {
        // The other one lets go once this one has said that it waits.
        let (noticed, notices) = mpsc::channel::<Duration>();
        let store = file.open().patience(Duration::from_mins(1)).on_wait(Box::new(move |waited| {
            noticed.send(waited).unwrap();
            let _gone_already = let_go.send(());
        }));
        insert_release(&store, API);
        assert!(notices.recv().unwrap() > Duration::from_millis(500));
    });
    assert_eq!(get(&file.open(), releases::list_open).len(), 2);
}

#[test]
fn a_writer_gives_up_when_its_patience_is_over() {
    let file = OnFile::new();
    drop(file.open());
    while_held(&file, |let_go| {
        let store = file.open().patience(Duration::from_millis(300));
        let error = store.write_quietly(|tx| releases::insert(tx, &a_release(API))).unwrap_err();
        assert_eq!(error.kind, Kind::Busy);
        assert!(error.sentence.starts_with("the store has been locked by another process for"), "{error}");
        drop(let_go);
    });
    let names: Vec<String> =
        get(&file.open(), releases::list_open).iter().map(|r| r.id.to_string()).collect();
    assert_eq!(names, ["api@1.1.0"]);
}

#[test]
fn reading_goes_on_while_another_one_writes() {
    let file = OnFile::new();
    insert_release(&file.open(), API);
    while_held(&file, |let_go| {
        assert_eq!(get(&file.open(), releases::list_open).len(), 1);
        drop(let_go);
    });
}

#[test]
fn of_many_writes_by_many_none_is_lost() {
    let file = OnFile::new();
    drop(file.open());
    let path = file.path();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let store = Store::open(path).unwrap().patience(Duration::from_mins(5));
                for write in 0..50 {
                    let id = format!("api@{thread}.{write}.0");
                    let done: Result<i64, StoreError> = store.write(|tx| {
                        releases::insert(tx, &a_release(&id))?;
                        journal::append(tx, an_entry(&id))
                    });
                    done.unwrap();
                }
            });
        }
    });
    let store = file.open();
    assert_eq!(get(&store, releases::list_open).len(), 400);
    let mut link = (0, GENESIS);
    for stored in get(&store, |tx| journal::walk(tx, 0, 1000)) {
        assert_eq!(check_link(link, &stored.entry), Ok(()));
        link = (stored.entry.seq, stored.entry.hash);
    }
    assert_eq!(link.0, 400);
    store.integrity().unwrap();
}

#[test]
fn many_who_open_a_new_file_at_once_all_find_a_store() {
    let file = OnFile::new();
    let path = file.path();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let store = Store::open(path).unwrap_or_else(|why| panic!("{why}"));
                insert_release(&store, &format!("api@{thread}.0.0"));
            });
        }
    });
    assert_eq!(get(&file.open(), releases::list_open).len(), 8);
}

#[test]
fn a_copy_holds_everything_and_is_a_store() {
    let file = OnFile::new();
    let store = file.open();
    insert_release(&store, API);
    let copy = OnFile::new();
    store.copy_to(&copy.path()).unwrap();
    assert_eq!(get(&copy.open(), releases::list_open), [a_release(API)]);
}

#[test]
fn a_file_of_garbage_is_refused_and_left_as_it_is() {
    let file = OnFile::new();
    let garbage = b"this is no database\n".repeat(500);
    file.fill(&garbage);
    let error = file.refused();
    assert_eq!(error.kind, Kind::Corrupt);
    assert!(error.sentence.contains("is damaged") && error.sentence.contains("backups"), "{error}");
    assert_eq!(file.bytes(), garbage);
}

#[test]
fn a_file_cut_short_is_refused_or_found_damaged() {
    let file = OnFile::new();
    insert_release(&file.open(), API);
    let whole = file.bytes();
    file.fill(&whole[..whole.len() / 2]);
    let error = match Store::open(&file.path()) {
        Err(error) => error,
        Ok(store) => store.integrity().unwrap_err(),
    };
    assert_eq!(error.kind, Kind::Corrupt, "{error}");
}

#[test]
fn a_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = refused(dir.path());
    assert_eq!(error.kind, Kind::Foreign);
    assert!(error.sentence.contains("is not a file"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relman.db");
    assert_eq!(refused(&path).kind, Kind::Missing);
    assert!(!path.exists());
}

#[test]
fn a_link_to_a_store_is_not_followed() {
    let file = OnFile::new();
    drop(file.open());
    let link = file.dir.path().join("link.db");
    std::os::unix::fs::symlink(file.path(), &link).unwrap();
    refused(&link);
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let file = OnFile::new();
    insert_release(&file.open(), API);
    file.raw(|raw| raw.pragma_update(None, "user_version", SCHEMA_VERSION + 1)).unwrap();
    let before = file.bytes();
    let error = file.refused();
    assert_eq!(error.kind, Kind::TooNew);
    assert!(
        error.sentence.contains(&format!("schema {}", SCHEMA_VERSION + 1))
            && error.sentence.contains("newer relman"),
        "{error}"
    );
    assert_eq!(file.bytes(), before);
}

/// A database of another program with one row.
fn foreign() -> OnFile {
    let file = OnFile::new();
    file.raw(|raw| {
        raw.execute_batch("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup');")
    })
    .unwrap();
    file
}

#[test]
fn a_database_of_another_program_is_refused() {
    let file = foreign();
    let error = file.refused();
    assert_eq!(error.kind, Kind::Foreign);
    assert!(error.sentence.contains("not a relman store"), "{error}");
    let name: String =
        file.raw(|raw| raw.query_row("SELECT name FROM recipes", [], |row| row.get(0))).unwrap();
    assert_eq!(name, "soup");
}

#[test]
fn a_database_of_another_program_is_left_as_it_is() {
    let file = foreign();
    let before = file.bytes();
    file.refused();
    assert!(file.bytes() == before, "the file was changed");
}

#[test]
fn a_database_that_another_program_has_marked_is_refused() {
    let file = OnFile::new();
    file.raw(|raw| raw.execute_batch("PRAGMA application_id = 42; CREATE TABLE t (x); DROP TABLE t;"))
        .unwrap();
    assert_eq!(file.refused().kind, Kind::Foreign);
}

const PLANTED: &str = "CREATE TRIGGER planted AFTER INSERT ON approvals
    BEGIN UPDATE approvals SET verdict = 'approved' WHERE id = NEW.id; END";

#[test]
fn a_store_with_a_planted_trigger_is_refused() {
    let file = OnFile::new();
    insert_release(&file.open(), API);
    file.raw(|raw| raw.execute_batch(PLANTED)).unwrap();
    let error = file.refused();
    assert_eq!(error.kind, Kind::Foreign);
    assert!(error.sentence.contains("schema was changed by something other than relman"), "{error}");
    file.raw(|raw| raw.execute_batch("DROP TRIGGER planted")).unwrap();
    assert_eq!(get(&file.open(), releases::list_open), [a_release(API)]);
}

#[test]
fn a_trigger_planted_while_the_store_is_open_stops_the_next_write() {
    let file = OnFile::new();
    let store = file.open();
    insert_release(&store, API);
    file.raw(|raw| raw.execute_batch(PLANTED)).unwrap();
    let no = Approval {
        verdict: Verdict::Rejected,
        reason: Some("no".to_owned()),
        ..an_approval("bob", "production")
    };
    let error = store.write_quietly(|tx| approvals::insert(tx, &no)).unwrap_err();
    assert_eq!(error.kind, Kind::Foreign);
    file.raw(|raw| raw.execute_batch("DROP TRIGGER planted")).unwrap();
    assert!(get(&store, |tx| approvals::list_of(tx, &release_id(API))).is_empty());
    put(&store, |tx| approvals::insert(tx, &no));
    assert_eq!(get(&store, |tx| approvals::list_of(tx, &release_id(API)))[0].verdict, Verdict::Rejected);
}

#[test]
fn a_planted_view_or_table_is_noticed_too() {
    for sql in
        ["CREATE VIEW planted AS SELECT 1", "CREATE TABLE planted (x)", "DROP INDEX one_active_deployment"]
    {
        let file = OnFile::new();
        drop(file.open());
        file.raw(|raw| raw.execute_batch(sql)).unwrap();
        assert_eq!(file.refused().kind, Kind::Foreign, "{sql}");
    }
}

#[test]
fn a_file_that_was_replaced_while_open_is_not_written_to() {
    let file = OnFile::new();
    let store = file.open();
    insert_release(&store, API);
    let other = OnFile::new();
    insert_release(&other.open(), "web@1.0.0");
    std::fs::rename(file.path(), file.dir.path().join("moved.db")).unwrap();
    std::fs::copy(other.path(), file.path()).unwrap();
    let before = file.bytes();
    let error = store.write_quietly(|tx| releases::insert(tx, &a_release("api@1.1.0"))).unwrap_err();
    assert_eq!(error.kind, Kind::Foreign);
    assert!(error.sentence.contains("was replaced while relman had it open"), "{error}");
    assert_eq!(file.bytes(), before);
}

#[test]
fn a_file_that_was_removed_while_open_is_not_written_to() {
    let file = OnFile::new();
    let store = file.open();
    std::fs::remove_file(file.path()).unwrap();
    let error = store.write_quietly(|tx| releases::insert(tx, &a_release(API))).unwrap_err();
    assert_eq!(error.kind, Kind::Foreign);
    assert!(error.sentence.contains("was removed while relman had it open"), "{error}");
    assert!(!file.path().exists());
}

#[test]
fn neither_a_new_store_nor_one_of_this_schema_asks_for_a_backup() {
    let file = OnFile::new();
    for _ in 0..2 {
        let opened = Store::open_after(&file.path(), |_| -> Result<(), StoreError> { panic!("a backup") });
        insert_release(&opened.unwrap(), API);
        file.raw(|raw| raw.execute("DELETE FROM releases", [])).unwrap();
    }
}

/// A store with a running deployment that waits.
fn held(store: &Store) -> DeploymentId {
    insert_release(store, API);
    let id = insert_running(store, "staging");
    assert!(put(store, |tx| deployments::hold(tx, id, 1, &some_hold())));
    id
}

fn some_guidance(choice: Choice) -> Guidance {
    let by = person("bob").person;
    Guidance { hold: 1, choice, by, at: at(8), reason: Some("it looks fine".to_owned()) }
}

#[test]
fn a_hold_and_the_first_decision_about_it_come_back_as_they_were() {
    let store = &Store::in_memory().unwrap();
    let id = held(store);
    let d = get(store, |tx| deployments::get(tx, id));
    assert_eq!((d.state, d.hold.clone()), (DeploymentState::Paused, Some(some_hold())));
    assert!(put(store, |tx| deployments::guide(tx, id, &some_guidance(Choice::Promote))));
    assert!(!put(store, |tx| deployments::guide(tx, id, &some_guidance(Choice::Fail))), "one decides");
    let d = get(store, |tx| deployments::get(tx, id));
    assert_eq!(d.guidance, Some(some_guidance(Choice::Promote)));
    assert!(put(store, |tx| deployments::release_hold(tx, id, 1)));
    let d = get(store, |tx| deployments::get(tx, id));
    assert_eq!((d.state, d.hold, d.guidance, d.guided), (DeploymentState::Running, None, None, false));
    assert!(!put(store, |tx| deployments::release_hold(tx, id, 1)), "it runs already");
    assert!(!put(store, |tx| deployments::hold(tx, id, 2, &some_hold())), "another epoch");
}

#[test]
fn help_once_given_stays_on_record() {
    let store = &Store::in_memory().unwrap();
    let id = held(store);
    let trouble = Hold::after(2, &some_steps()[0].plan, HoldReason::Inconclusive, at(7));
    assert!(put(store, |tx| deployments::hold(tx, id, 1, &trouble)));
    assert!(put(store, |tx| deployments::hold(tx, id, 1, &some_hold())));
    let wanted = FollowUp {
        by: person("bob").person,
        at: at(8),
        reason: "it hurts".to_owned(),
        started: Some(DeploymentId(7)),
        refused: None,
    };
    assert!(put(store, |tx| deployments::set_follow_up(tx, id, &wanted)));
    let end = outcome(DeploymentState::Failed, at(9));
    assert!(put(store, |tx| deployments::finish(tx, id, 1, &[DeploymentState::Paused], &end, None)));
    let d = get(store, |tx| deployments::get(tx, id));
    assert_eq!((d.guided, d.hold, d.follow_up), (true, None, Some(wanted)));
}

#[test]
fn each_attempt_at_a_step_keeps_its_row() {
    let store = &Store::in_memory().unwrap();
    insert_release(store, API);
    let id = insert_running(store, "staging");
    let attempt = |number: u32, state| Step { attempt: number, state, ..some_steps().remove(0) };
    for step in [
        attempt(1, StepState::Running),
        attempt(1, StepState::Failed),
        attempt(2, StepState::Running),
        attempt(2, StepState::Succeeded),
    ] {
        assert!(put(store, |tx| steps::update(tx, id, 1, &step)), "{step:?}");
    }
    let rows = get(store, |tx| steps::list_of(tx, id));
    let shape: Vec<(usize, u32, StepState)> =
        rows.iter().map(|step| (step.index, step.attempt, step.state)).collect();
    assert_eq!(shape, [(0, 1, StepState::Failed), (0, 2, StepState::Succeeded), (1, 0, StepState::Pending)]);
    assert!(!put(store, |tx| steps::update(tx, id, 1, &attempt(4, StepState::Running))), "there is no third");
}
