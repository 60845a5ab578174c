//! Tables and properties over all gates together.

use crate::domain::checklist::Item;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::actor::{Members, Person, Via};
use crate::domain::approval::{ApprovalSubject, Verdict};
use crate::domain::change::{Answered, ChangeTicket, Phase};
use crate::domain::freeze::tests::freeze as make_freeze;
use crate::domain::ids::ApprovalId;
use crate::domain::policy::{EnvKind, Rule};
use crate::domain::release::{Block, Build, Plan, ReleaseKind, ReleaseState, Request, Review, Stage};
use crate::domain::right::{Grant, Right, Rights, Ruling};
use crate::domain::signature::SignPolicy;

const NOW: &str = "2026-09-01T10:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn person(name: &str) -> Person {
    Person { name: name.into(), uid: 1000, login: None }
}

fn release(stage: Stage) -> Release {
    Release {
        id: "api@1.2.0".parse().unwrap(),
        title: "search".into(),
        kind: ReleaseKind::Standard,
        state: ReleaseState::Open,
        stage,
        stage_since: now(),
        entered: Stage::Request,
        blocked: None,
        ended: None,
        request: Request {
            requester: person("ana"),
            origin: crate::domain::release::Origin::Internal,
            need: None,
            objective: None,
            priority: None,
        },
        plan: Plan::default(),
        build: Build::default(),
        checks: std::collections::BTreeMap::new(),
        statements: std::collections::BTreeMap::new(),
        waivers: std::collections::BTreeMap::new(),
        ticks: std::collections::BTreeMap::new(),
        verified: std::collections::BTreeMap::new(),
        preparation: crate::domain::release::Preparation::default(),
        issues: Vec::new(),
        feedback: Vec::new(),
        judged: Vec::new(),
        channel: None,
        fields: std::collections::BTreeMap::new(),
        monitored: Vec::new(),
        review: Review::default(),
        created_by: person("ana"),
        created_at: now(),
        updated_at: now(),
        revision: 1,
    }
}

fn environment() -> Environment {
    Environment {
        name: "production".parse().unwrap(),
        kind: EnvKind::Production,
        mirrors: None,
        drift_ignore: Vec::new(),
        soak: Duration::from_secs(3600),
        hours: Vec::new(),
        confirm: true,
        approvals: vec![Rule { from: "rm".into(), count: 1, risk: None }],
        approval_ttl: Duration::from_secs(8 * 3600),
        rollback_approvals: Vec::new(),
        override_ttl: crate::domain::override_review::TTL,
        override_review: crate::domain::override_review::REVIEW,
        signing: SignPolicy::Off,
        rights: Rights::new(),
        self_approval: false,
        newest_only: false,
        queue: crate::domain::wait::QueueOrder::default(),
        holds_after_failure: false,
        one_in_queue: false,
        blocks_outdated: false,
        change_controlled: false,
        reminders: crate::domain::policy::Reminders::default(),
        four_eyes: None,
    }
}

fn approval(by: &str) -> Approval {
    Approval {
        id: ApprovalId(1),
        release: "api@1.2.0".parse().unwrap(),
        subject: ApprovalSubject::Environment("production".parse().unwrap()),
        verdict: Verdict::Approved,
        by: person(by),
        at: now(),
        reason: None,
        digest: Digest::of(b"subject"),
        content: String::new(),
        effective_at: None,
        answers: std::collections::BTreeMap::new(),
        expires_at: None,
        ended_at: None,
        ended_why: None,
        signed: None,
    }
}

/// A lock of somebody else until then.
pub(super) fn lock_by_others(until: Timestamp) -> Lock {
    Lock {
        id: crate::domain::ids::LockId(1),
        kind: crate::domain::lock::LockKind::Exclusive,
        scope: crate::domain::freeze::Scope::everything(),
        reason: "moving disks".into(),
        by: person("di"),
        since: now(),
        expires: Some(until),
    }
}

/// Everything in order: all gates pass.
pub(super) fn open() -> DeployFacts {
    let members = |names: &[&str]| Members {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        everyone: false,
    };
    DeployFacts {
        asks: Vec::new(),
        release: release(Stage::Deploy),
        environment: environment(),
        zone: Tz::UTC,
        kind: DeploymentKind::Deploy,
        rescue: false,
        actor: Actor { person: person("cy"), via: Via::Cli, tty: None, client: None, key: None },
        starts: true,
        deployers: Ruling {
            right: Right::Deploy,
            grants: vec![Grant::new(vec!["sre".into()], "[environments.production] deployers".into())],
            is_open: false,
        },
        roster: Roster::new(
            [("rm".to_owned(), members(&["bo", "cy"])), ("sre".to_owned(), members(&["cy", "di"]))].into(),
        ),
        in_pipeline: true,
        in_channel: true,
        script: Some(ScriptRole::Deploy),
        subject: Digest::of(b"subject"),
        content: String::new(),
        signatures: Signatures::default(),
        upstream: Some(Upstream {
            needed: 1,
            newest: vec![("staging".parse().unwrap(), Some(good(7, 7200)))],
        }),
        freezes: Vec::new(),
        rules: None,
        schedulers: Vec::new(),
        witness: None,
        approvals: vec![approval("bo")],
        required_checks: Vec::new(),
        required_items: Vec::new(),
        holder: None,
        locks: Vec::new(),
        needs: Vec::new(),
        hotfix: None,
        outdated: None,
        again: false,
        needed_by: Vec::new(),
        change: None,
        automatic: false,
        noop: false,
        toggle: None,
        overrides: Overrides::default(),
        skipped: BTreeSet::new(),
    }
}

/// A success so many seconds ago.
fn good(id: i64, ago: u64) -> Newest {
    Newest {
        id: DeploymentId(id),
        release: "api@1.2.0".parse().unwrap(),
        artifact: None,
        content: None,
        state: DeploymentState::Succeeded,
        finished_at: Some(now().minus(Duration::from_secs(ago))),
    }
}

fn staging(facts: &mut DeployFacts) -> &mut Option<Newest> {
    &mut facts.upstream.as_mut().unwrap().newest[0].1
}

fn closed_gates(facts: &DeployFacts) -> Vec<GateId> {
    evaluate(facts, now()).closed().map(|check| check.gate).collect()
}

#[test]
fn with_everything_in_order_all_gates_pass() {
    let report = evaluate(&open(), now());
    assert!(report.allows(), "{}", report.headline());
    // The change gate is there where change tickets are, that of the rules where they need a second person.
    let listed: Vec<&GateId> =
        GateId::ALL.iter().filter(|gate| !matches!(gate, GateId::Change | GateId::Rules)).collect();
    assert_eq!(report.checks.len(), listed.len());
    for (gate, check) in listed.into_iter().zip(&report.checks) {
        assert_eq!(*gate, check.gate, "GATES and GateId::ALL are in one order");
    }
}

/// Each row breaks one thing; exactly its gates close.
#[test]
fn each_gate_closes_for_its_own_reason() {
    type Break = fn(&mut DeployFacts);
    let cases: &[(&str, Break, &[GateId])] = &[
        ("a stranger", |f| f.actor.person = person("zoe"), &[GateId::Deployer]),
        ("too early a stage", |f| f.release.stage = Stage::Prepare, &[GateId::Stage]),
        ("a closed release", |f| f.release.state = ReleaseState::Closed, &[GateId::Stage]),
        (
            "a blocked release",
            |f| f.release.blocked = Some(Block { by: person("bo"), at: now(), reason: "leaks".into() }),
            &[GateId::Stage],
        ),
        ("a foreign environment", |f| f.in_pipeline = false, &[GateId::Stage]),
        ("a channel that leads elsewhere", |f| f.in_channel = false, &[GateId::Stage]),
        ("no script", |f| f.script = None, &[GateId::Stage]),
        ("never in staging", |f| *staging(f) = None, &[GateId::Order, GateId::Soak]),
        (
            "staging moved on",
            |f| {
                staging(f).as_mut().unwrap().release = "api@1.3.0".parse().unwrap();
            },
            &[GateId::Order, GateId::Soak],
        ),
        (
            "staging failed",
            |f| staging(f).as_mut().unwrap().state = DeploymentState::Failed,
            &[GateId::Order, GateId::Soak],
        ),
        (
            "another artifact in staging",
            |f| staging(f).as_mut().unwrap().artifact = Some(Digest::of(b"x")),
            &[GateId::Order, GateId::Soak],
        ),
        ("staging too fresh", |f| staging(f).as_mut().unwrap().finished_at = Some(now()), &[GateId::Soak]),
        ("a check missing", |f| f.required_checks = vec!["unit".into()], &[GateId::Checks]),
        ("an item open", |f| f.required_items = vec![Item::plain("backup")], &[GateId::Checklist]),
        (
            "frozen",
            |f| f.freezes = vec![make_freeze("q3", "2026-09-01T09:00:00Z", "2026-09-01T11:00:00Z")],
            &[GateId::Freeze],
        ),
        ("not approved", |f| f.approvals.clear(), &[GateId::Approvals]),
        ("approved for other content", |f| f.subject = Digest::of(b"changed"), &[GateId::Approvals]),
        ("approved by the starter", |f| f.approvals = vec![approval("cy")], &[GateId::Approvals]),
        (
            "another deployment is active",
            |f| {
                f.holder = Some(Holder {
                    id: DeploymentId(8),
                    release: "api@1.1.0".parse().unwrap(),
                    by: "di".into(),
                    state: DeploymentState::Running,
                    since: now(),
                });
            },
            &[GateId::Exclusive],
        ),
    ];
    for (name, break_it, expected) in cases {
        let mut facts = open();
        break_it(&mut facts);
        assert_eq!(closed_gates(&facts), *expected, "{name}");
    }
}

#[test]
fn every_refusal_is_a_sentence_with_a_next_step() {
    let mut facts = open();
    facts.actor.person = person("zoe");
    facts.release.stage = Stage::Plan;
    *staging(&mut facts) = None;
    facts.required_checks = vec!["unit".into()];
    facts.required_items = vec![Item::plain("backup")];
    facts.freezes = vec![make_freeze("q3", "2026-09-01T09:00:00Z", "2026-09-01T11:00:00Z")];
    facts.approvals.clear();
    let report = evaluate(&facts, now());
    for check in report.closed() {
        let Answer::Blocked { reason } = &check.answer else { panic!("{check:?}") };
        let (sentence, remedy) = (reason.to_string(), reason.remedy(&report.release, &report.environment));
        assert!(sentence.len() > 10 && !sentence.contains("{ ") && !sentence.contains("Some("), "{sentence}");
        assert!(!remedy.is_empty(), "{sentence}");
    }
    assert_eq!(report.earliest, None, "people must act, so no moment can be promised");
}

#[test]
fn of_environments_side_by_side_as_many_count_as_are_asked_for() {
    let mut facts = open();
    let eu = |newest| ("eu".parse().unwrap(), newest);
    let us = |newest| ("us".parse().unwrap(), newest);
    let mut with = |needed, newest| {
        facts.upstream = Some(Upstream { needed, newest });
        closed_gates(&facts)
    };
    assert_eq!(with(1, vec![eu(None), us(Some(good(8, 7200)))]), []);
    assert_eq!(with(2, vec![eu(None), us(Some(good(8, 7200)))]), [GateId::Order, GateId::Soak]);
    assert_eq!(with(2, vec![eu(Some(good(9, 60))), us(Some(good(8, 7200)))]), [GateId::Soak]);
    assert_eq!(with(1, vec![eu(Some(good(9, 60))), us(Some(good(8, 7200)))]), [], "the first one counts");
    with(2, vec![eu(None), us(Some(good(8, 7200)))]);
    let report = evaluate(&facts, now());
    let order = report.closed().find(|check| check.gate == GateId::Order).unwrap();
    let Answer::Blocked { reason } = &order.answer else { panic!("{order:?}") };
    assert_eq!(reason.to_string(), "nothing has been deployed to eu yet (live in 1 of 2 asked for)");
    assert_eq!(
        reason.remedy(&report.release, &report.environment),
        "relman deploy api@1.2.0 eu",
        "what is missing comes first"
    );
}

#[test]
fn the_earliest_moment_is_when_the_last_clock_has_run() {
    let mut facts = open();
    staging(&mut facts).as_mut().unwrap().finished_at = Some(now());
    facts.freezes = vec![make_freeze("q3", "2026-09-01T09:00:00Z", "2026-09-01T10:30:00Z")];
    assert_eq!(evaluate(&facts, now()).earliest, Some(now().plus(Duration::from_secs(3600))));
}

#[test]
fn a_freeze_that_ends_outside_the_open_hours_opens_nothing() {
    // now is a Tuesday, 10:00 UTC; the environment opens in the mornings.
    let mut facts = open();
    facts.environment.hours = vec!["Mon-Fri 09:00-11:00".parse().unwrap()];
    facts.freezes = vec![make_freeze("q3", "2026-09-01T09:00:00Z", "2026-09-01T20:00:00Z")];
    let opens: Timestamp = "2026-09-02T09:00:00Z".parse().unwrap();
    assert_eq!(evaluate(&facts, now()).earliest, Some(opens));
    facts.freezes.push(make_freeze("audit", "2026-09-02T00:00:00Z", "2026-09-03T10:15:00Z"));
    let opens: Timestamp = "2026-09-03T10:15:00Z".parse().unwrap();
    assert_eq!(evaluate(&facts, now()).earliest, Some(opens));
}

#[test]
fn what_is_live_may_be_put_there_again_whatever_became_of_the_release() {
    let mut facts = open();
    facts.kind = DeploymentKind::Redeploy;
    facts.release.state = ReleaseState::Closed;
    facts.release.blocked = Some(Block { by: person("bo"), at: now(), reason: "leaks".into() });
    let stage = evaluate(&facts, now()).checks.into_iter().find(|check| check.gate == GateId::Stage).unwrap();
    assert!(stage.answer.opens(), "{stage:?}");
    facts.kind = DeploymentKind::Deploy;
    let stage = evaluate(&facts, now()).checks.into_iter().find(|check| check.gate == GateId::Stage).unwrap();
    assert!(!stage.answer.opens());
}

#[test]
fn what_is_live_with_this_content_need_not_be_live_elsewhere_first() {
    let mut facts = open();
    *staging(&mut facts) = None;
    facts.kind = DeploymentKind::Redeploy;
    assert_eq!(closed_gates(&facts), [GateId::Order, GateId::Soak], "the same version with other content");
    facts.again = true;
    assert_eq!(closed_gates(&facts), []);
}

#[test]
fn an_older_version_is_refused_where_that_is_asked_for_and_only_said_elsewhere() {
    let mut facts = open();
    facts.kind = DeploymentKind::Rollback;
    facts.outdated = Some(("1.3.0".parse().unwrap(), 4));
    assert_eq!(closed_gates(&facts), []);
    facts.environment.blocks_outdated = true;
    assert_eq!(closed_gates(&facts), [GateId::Order]);
    let report = evaluate(&facts, now());
    let order = report.closed().next().unwrap();
    let Answer::Blocked { reason } = &order.answer else { panic!("{order:?}") };
    assert_eq!(reason.to_string(), "1.3.0, which is newer, is live here: 4 changes would be taken back");
    facts.rescue = true;
    assert_eq!(closed_gates(&facts), [], "going back on purpose is never refused for that");
}

#[test]
fn a_rollback_passes_what_guards_going_on_and_nothing_else() {
    let mut facts = open();
    (facts.kind, facts.rescue) = (DeploymentKind::Rollback, true);
    facts.release.stage = Stage::Build;
    facts.upstream = None;
    facts.freezes = vec![make_freeze("q3", "2026-09-01T09:00:00Z", "2026-09-01T11:00:00Z")];
    facts.approvals.clear();
    assert_eq!(closed_gates(&facts), []);
    facts.environment.rollback_approvals = vec![Rule { from: "rm".into(), count: 1, risk: None }];
    facts.actor.person = person("zoe");
    assert_eq!(closed_gates(&facts), [GateId::Deployer, GateId::Approvals]);
}

#[test]
fn who_may_deploy_and_what_runs_cannot_be_overridden() {
    let mut facts = open();
    facts.actor.person = person("zoe");
    facts.release.stage = Stage::Plan;
    facts.overrides.gates = GateId::ALL.into_iter().collect();
    assert_eq!(closed_gates(&facts), [GateId::Deployer, GateId::Stage]);
}

fn any_facts() -> impl proptest::strategy::Strategy<Value = DeployFacts> {
    (any::<[bool; 8]>(), 0usize..7, prop::collection::vec("(bo|cy|ana|zoe)", 0..4)).prop_map(
        |(flags, stage, approvers)| {
            let mut facts = open();
            facts.release.stage = Stage::ALL[stage];
            facts.approvals = approvers.iter().map(|name| approval(name)).collect();
            if flags[0] {
                facts.actor.person = person("zoe");
            }
            if flags[1] {
                *staging(&mut facts) = None;
            }
            if flags[2] {
                facts.freezes = vec![make_freeze("q3", "2026-09-01T09:00:00Z", "2026-09-01T11:00:00Z")];
            }
            if flags[3] {
                facts.required_checks = vec!["unit".into()];
            }
            if flags[4] {
                (facts.kind, facts.rescue) = (DeploymentKind::Rollback, true);
            }
            if flags[5] {
                facts.skipped = BTreeSet::from(["soak".to_owned(), "stage".to_owned()]);
            }
            if flags[6] {
                facts.required_items = vec![Item::plain("backup")];
            }
            if flags[7] {
                facts.environment.self_approval = true;
            }
            facts
        },
    )
}

proptest! {
    #[test]
    fn the_same_facts_give_the_same_report(facts in any_facts()) {
        prop_assert_eq!(evaluate(&facts, now()), evaluate(&facts, now()));
    }

    #[test]
    fn more_trouble_never_opens_a_gate(facts in any_facts()) {
        let before = closed_gates(&facts);
        let mut worse = facts.clone();
        worse.freezes.push(make_freeze("more", "2026-08-01T00:00:00Z", "2026-10-01T00:00:00Z"));
        worse.approvals.pop();
        worse.holder = Some(Holder {
            id: DeploymentId(8), release: "api@1.1.0".parse().unwrap(), by: "di".into(),
            state: DeploymentState::Lost, since: now(),
        });
        let after = closed_gates(&worse);
        prop_assert!(before.iter().all(|gate| after.contains(gate)), "{before:?} {after:?}");
    }

    #[test]
    fn an_override_changes_only_its_own_gate(facts in any_facts(), gate in 0usize..10) {
        let gate = GateId::ALL[gate];
        let mut opened = facts.clone();
        opened.overrides.gates.insert(gate);
        let before: Vec<_> = evaluate(&facts, now()).checks.into_iter().filter(|c| c.gate != gate).collect();
        let after: Vec<_> = evaluate(&opened, now()).checks.into_iter().filter(|c| c.gate != gate).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn a_report_survives_the_store(facts in any_facts()) {
        let report = evaluate(&facts, now());
        let text = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<GateReport>(&text).unwrap(), report);
    }
}

/// Everything in order, with this ticket asked about `age` ago.
fn ticketed(phase: Option<Phase>, age: u64) -> DeployFacts {
    let ticket = ChangeTicket {
        answered: Some(Answered {
            number: Some("CHG1".to_owned()),
            state: Some("Somehow".to_owned()),
            phase,
            start: Some(now().minus(Duration::from_secs(600))),
            end: Some(now().plus(Duration::from_secs(600))),
            ..Answered::default()
        }),
        ..ChangeTicket::new("api@1.2.0".parse().unwrap(), "production".parse().unwrap())
    };
    let change = ChangeKnown {
        ticket: Some(ticket),
        age: Some(Duration::from_secs(age)),
        max_age: Duration::from_secs(900),
        past: false,
    };
    DeployFacts { change: Some(change), ..open() }
}

fn change_gate(facts: &DeployFacts, at: Timestamp) -> Answer {
    let report = evaluate(facts, at);
    report.checks.into_iter().find(|check| check.gate == GateId::Change).unwrap().answer
}

#[test]
fn a_change_ticket_opens_in_one_state_within_its_window_and_while_the_answer_is_fresh() {
    let at = now();
    let later = |minutes: u64| at.plus(Duration::from_secs(minutes * 60));
    assert!(change_gate(&ticketed(Some(Phase::Open), 0), at).opens());
    assert!(change_gate(&ticketed(Some(Phase::Open), 900), at).opens());
    assert!(matches!(change_gate(&ticketed(Some(Phase::Open), 901), at), Answer::Unknown { .. }));
    assert!(
        !change_gate(&ticketed(Some(Phase::Open), 0), later(10)).opens(),
        "the end belongs to it no more"
    );
    assert!(!change_gate(&ticketed(Some(Phase::Open), 0), at.minus(Duration::from_secs(601))).opens());
    for phase in [Some(Phase::Waits), Some(Phase::Closed), None] {
        assert!(matches!(change_gate(&ticketed(phase, 0), at), Answer::Blocked { .. }), "{phase:?}");
    }
    let mut facts = ticketed(Some(Phase::Open), 0);
    facts.change.as_mut().unwrap().ticket.as_mut().unwrap().trouble = Some("down".to_owned());
    assert!(matches!(change_gate(&facts, at), Answer::Unknown { .. }));
    facts.change =
        Some(ChangeKnown { ticket: None, age: None, max_age: Duration::from_secs(900), past: false });
    assert!(matches!(change_gate(&facts, at), Answer::Unknown { .. }));
    let mut facts = ticketed(Some(Phase::Open), 0);
    facts.change.as_mut().unwrap().past = true;
    assert!(matches!(change_gate(&facts, at), Answer::Unknown { why } if why.contains("is not known")));
}

#[test]
fn going_back_plans_and_toggles_ask_for_no_change_ticket() {
    let closed = ticketed(Some(Phase::Closed), 0);
    let flip = Flip { name: "x".to_owned(), on: true };
    for facts in [
        DeployFacts { rescue: true, ..closed.clone() },
        DeployFacts { noop: true, ..closed.clone() },
        DeployFacts { toggle: Some(flip), ..closed },
    ] {
        assert!(matches!(change_gate(&facts, now()), Answer::Skipped { .. }));
    }
}

#[test]
fn what_stays_the_same_about_a_ticket_reads_the_same_however_old_the_answer_is() {
    let told = |age| {
        let report = evaluate(&ticketed(Some(Phase::Waits), age), now());
        (crate::domain::wait::closed(&report), report.checks.into_iter().find(|c| c.gate == GateId::Change))
    };
    let ((young, first), (old, second)) = (told(5), told(500));
    assert_eq!(young, old);
    assert_ne!(first, second, "but a look at it says how old it is");
}
