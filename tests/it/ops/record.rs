//! Is what the stages hold put on record as people mean it, and does it open and close what it should?

use std::time::Duration;

use relman::domain::approval::Verdict as Decision;
use relman::domain::gate::GateId;
use relman::domain::gate::stage_exit::ExitAnswer;
use relman::domain::policy::StageGate;
use relman::domain::release::plan::{ScopeState, Verdict};
use relman::domain::release::preparation::{Occasion, Word};
use relman::domain::release::review::{IssueState, Sentiment, Severity, Source};
use relman::domain::release::{Level, Release, Stage};
use relman::domain::risk::{Inputs, Size};
use relman::domain::time::Timestamp;
use relman::ops::release::edit::Edit;
use relman::ops::release::record::{Record, record};
use relman::ops::release::{announce, create};
use relman::ops::view::{open_items, plan_history, readiness};
use relman::ops::{ErrorKind, OpError};

use crate::support::world::{POLICY, World, env_name, release_id};

const API: &str = "api@1.0.0";

fn put(world: &World, who: &str, what: Record) -> Result<Release, OpError> {
    world.as_(who, |cx| record(cx, &release_id(API), &what))
}

fn done(world: &World, what: Record) -> Release {
    put(world, "alice", what).unwrap_or_else(|error| panic!("{error:#?}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn world() -> World {
    let world = World::new();
    world.release(API);
    world
}

fn with(policy: &str) -> World {
    let world = World::with(&format!("{POLICY}\n{policy}\n"));
    world.release(API);
    world
}

/// What a gate of a stage says now.
fn gate(world: &World, wanted: StageGate) -> ExitAnswer {
    let found = world.as_("alice", |cx| readiness::of(cx, &release_id(API))).unwrap();
    let check = found.checks.into_iter().find(|check| check.gate == wanted);
    check.unwrap_or_else(|| panic!("{wanted} is not asked")).answer
}

fn lacks(answer: &ExitAnswer) -> String {
    match answer {
        ExitAnswer::Blocked { lacks, .. } | ExitAnswer::Gap { lacks, .. } => lacks.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_comes_in_after_planning_is_marked_so_and_what_is_dropped_says_why() {
    let world = world();
    done(&world, Record::Scope("guest checkout".to_owned()));
    world.advance(API, 2);
    let release = done(&world, Record::Scope("gift cards".to_owned()));
    assert_eq!(release.plan.scope.iter().map(|item| item.late).collect::<Vec<_>>(), [false, true]);
    let dropped = |why: Option<&str>| Record::ScopeIs {
        item: 1,
        state: ScopeState::Dropped,
        why: why.map(ToOwned::to_owned),
    };
    let error = put(&world, "alice", dropped(None)).unwrap_err();
    assert!(error.sentence.contains("needs a reason"), "{error}");
    let release = done(&world, dropped(Some("no budget")));
    assert_eq!(
        release.plan.differences(world.now),
        ["dropped: guest checkout: no budget", "not done: gift cards", "added after planning: gift cards"]
    );
    let twice = put(&world, "alice", Record::Scope("gift cards".to_owned())).unwrap_err();
    assert!(twice.sentence.contains("in the scope already"), "{twice}");
}

#[test]
fn an_item_that_is_not_there_is_answered_with_those_that_are() {
    let world = world();
    for (item, hint) in [(0, "there is no scope item yet"), (7, "there is no scope item yet")] {
        let error =
            put(&world, "alice", Record::ScopeIs { item, state: ScopeState::Done, why: None }).unwrap_err();
        assert_eq!((error.kind, error.hints[0].as_str()), (ErrorKind::NotFound, hint));
    }
    done(&world, Record::Scope("guest checkout".to_owned()));
    let error =
        put(&world, "alice", Record::ScopeIs { item: 2, state: ScopeState::Done, why: None }).unwrap_err();
    assert_eq!(error.hints[0], "there is one scope item: 1");
}

#[test]
fn every_change_of_the_plan_is_a_version_and_nothing_else_is() {
    let mut world = world();
    done(&world, Record::Scope("guest checkout".to_owned()));
    world.pass(Duration::from_hours(1));
    done(&world, Record::Milestone { name: "built".to_owned(), due: at("2026-09-20T10:00:00Z") });
    world.edit(API, &Edit { need: Some("carts vanish".to_owned()), ..Edit::default() });
    done(&world, Record::Task { text: "order a licence".to_owned(), owner: None });
    let release = world.edit(API, &Edit { owner: Some("dora".to_owned()), ..Edit::default() });
    assert_eq!(release.plan.version, 3);
    let versions = world.as_("bob", |cx| plan_history::of(cx, &release_id(API))).unwrap();
    assert_eq!(versions.iter().map(|version| version.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(versions[2].changes, ["owner: – → dora"]);
    assert!(versions[1].changes[0].starts_with("milestones: – → "), "{:?}", versions[1]);
}

#[test]
fn a_milestone_named_again_gets_another_day_and_keeps_who_reached_it() {
    let world = world();
    for due in ["2026-09-20T10:00:00Z", "2026-09-25T10:00:00Z"] {
        done(&world, Record::Milestone { name: "built".to_owned(), due: at(due) });
    }
    let release = done(&world, Record::MilestoneReached(1));
    assert_eq!(release.plan.milestones.len(), 1);
    assert_eq!(release.plan.milestones[0].due, at("2026-09-25T10:00:00Z"));
    let twice = put(&world, "bob", Record::MilestoneReached(1)).unwrap_err();
    assert!(twice.sentence.starts_with("alice did \"built\" already"), "{twice}");
}

#[test]
fn a_risk_is_raised_by_anyone_and_lowered_by_another_with_a_reason() {
    let world = world();
    let says = |who: &str, level: Level, why: Option<&str>| {
        put(&world, who, Record::RiskIs { level, why: why.map(ToOwned::to_owned) })
    };
    says("alice", Level::Medium, None).unwrap();
    says("frank", Level::High, None).unwrap();
    assert!(says("bob", Level::Low, None).unwrap_err().sentence.contains("without a reason"));
    let own = says("frank", Level::Low, Some("it is small")).unwrap_err();
    assert_eq!(own.kind, ErrorKind::NotPermitted);
    let release = says("bob", Level::Low, Some("only texts change")).unwrap();
    assert_eq!(release.plan.risk, Some(Level::Low));
    let said = release.plan.risk_said.unwrap();
    assert_eq!((said.by.name.as_str(), said.why.as_deref()), ("bob", Some("only texts change")));
    // Taken out and said again it would be lowered in one hand.
    says("frank", Level::High, None).unwrap();
    let emptied = Edit { clear: [relman::domain::release::Field::Risk].into(), ..Edit::default() };
    world.as_("frank", |cx| relman::ops::release::edit::edit(cx, &release_id(API), &emptied)).unwrap();
    let own = says("frank", Level::Low, Some("it is small")).unwrap_err();
    assert_eq!(own.kind, ErrorKind::NotPermitted);
    says("bob", Level::Low, Some("only texts change")).unwrap();
    // The same through the plain field.
    world.edit(API, &Edit { risk: Some(Level::High), ..Edit::default() });
    let edit = Edit { risk: Some(Level::Low), ..Edit::default() };
    let error =
        world.as_("bob", |cx| relman::ops::release::edit::edit(cx, &release_id(API), &edit)).unwrap_err();
    assert!(error.sentence.contains("without a reason"), "{error}");
}

#[test]
fn a_risk_is_computed_from_what_changes_and_from_the_record() {
    let world = world();
    let inputs = Inputs { size: Size::Large, schema: true, contract: false, area: Level::High };
    let release = done(&world, Record::Assessed(inputs));
    let found = release.plan.assessment.unwrap();
    // Large 2, schema 2, area 2, never in production 1.
    assert_eq!((found.points, found.level, release.plan.risk), (7, Level::High, Some(Level::High)));
}

#[test]
fn a_rule_may_be_asked_from_a_risk_on() {
    let mut world = World::with(&POLICY.replace(
        r#"approvals = [{ from = "managers", count = 1 }, { from = "sre", count = 1 }]"#,
        r#"approvals = [{ from = "managers" }, { from = "sre", risk = "high" }]"#,
    ));
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.pass(Duration::from_hours(2));
    world.decide("bob", API, Some("production"), Decision::Approved).unwrap();
    let is_closed = |world: &World| {
        let report = world.as_("erin", |cx| {
            relman::ops::deployment::start::explain(cx, &release_id(API), &env_name("production"))
        });
        report.unwrap().closed().any(|check| check.gate == GateId::Approvals)
    };
    assert!(is_closed(&world), "a risk nobody weighed counts as high");
    world.edit(API, &Edit { risk: Some(Level::Low), ..Edit::default() });
    assert!(!is_closed(&world), "a manager is enough for a low one");
    world.edit(API, &Edit { risk: Some(Level::High), ..Edit::default() });
    assert!(is_closed(&world), "raised, it takes somebody of sre as well");
}

#[test]
fn a_waiver_opens_until_it_expires_and_for_the_content_it_was_given_for() {
    let rules =
        "[stages.test]\nrequire = [\"checks\"]\nchecks = [\"unit\"]\n[rights]\nwaive = [\"managers\"]";
    let mut world = with(rules);
    let waive = |world: &World, who: &str| {
        let (check, reason) = ("unit".to_owned(), "the runner is broken".to_owned());
        put(world, who, Record::Waived { check, reason, expires: world.now.plus(Duration::from_hours(2)) })
    };
    assert_eq!(waive(&world, "alice").unwrap_err().kind, ErrorKind::NotPermitted);
    waive(&world, "bob").unwrap();
    let ExitAnswer::Met { evidence } = gate(&world, StageGate::Checks) else { panic!("still closed") };
    assert!(evidence.starts_with("unit waived by bob until "), "{evidence}");
    world.edit(API, &Edit { commit: Some("abc123".to_owned()), ..Edit::default() });
    assert!(lacks(&gate(&world, StageGate::Checks)).contains("unit"), "another commit was not waived");
    world.edit(API, &Edit { clear: [relman::domain::release::Field::Commit].into(), ..Edit::default() });
    assert!(matches!(gate(&world, StageGate::Checks), ExitAnswer::Met { .. }));
    world.pass(Duration::from_hours(2));
    assert!(lacks(&gate(&world, StageGate::Checks)).contains("unit"), "its time is over");
}

#[test]
fn a_check_expires_where_the_configuration_says_so() {
    let mut world = with("[stages.test]\nrequire = [\"checks\"]\nchecks = [\"unit\"]\ncheck-ttl = \"1d\"");
    let pass = |cx: &relman::ops::Ctx<'_>| {
        relman::ops::release::evidence::record_check(cx, &release_id(API), "unit", true, None)
    };
    world.as_("bob", pass).unwrap();
    assert!(matches!(gate(&world, StageGate::Checks), ExitAnswer::Met { .. }));
    world.pass(Duration::from_hours(24));
    assert_eq!(lacks(&gate(&world, StageGate::Checks)), "not passed for this artifact: unit (expired)");
}

#[test]
fn every_group_says_go_and_one_no_go_is_enough() {
    let world = with("[stages.prepare]\nvoters = [\"managers\", \"sre\"]");
    let vote = |who: &str, word: Word, why: Option<&str>| {
        put(&world, who, Record::Voted { word, reason: why.map(ToOwned::to_owned) })
    };
    let said = || lacks(&gate(&world, StageGate::GoNoGo));
    assert_eq!(said(), "no go yet from managers, sre");
    vote("bob", Word::Go, None).unwrap();
    assert_eq!(said(), "no go yet from sre");
    assert_eq!(vote("mallory", Word::Go, None).unwrap_err().kind, ErrorKind::NotPermitted);
    assert!(vote("erin", Word::NoGo, None).unwrap_err().sentence.contains("needs a reason"));
    vote("erin", Word::NoGo, Some("no backup")).unwrap();
    assert_eq!(said(), "NO-GO by erin: no backup");
    vote("erin", Word::Go, None).unwrap();
    assert!(matches!(gate(&world, StageGate::GoNoGo), ExitAnswer::Met { .. }));
    world.edit(API, &Edit { commit: Some("abc".to_owned()), ..Edit::default() });
    assert_eq!(said(), "no go yet from managers, sre", "another commit is voted on anew");
}

#[test]
fn a_backup_is_young_and_was_tried() {
    let mut world = with("[stages.prepare]\nrequire = [\"backup\"]\nbackup-max-age = \"6h\"");
    let backup = |world: &World, restored: Option<Timestamp>| {
        done(world, Record::Backup { taken: world.now, place: "s3://backups/1".to_owned(), restored })
    };
    assert_eq!(lacks(&gate(&world, StageGate::Backup)), "no backup is recorded");
    backup(&world, None);
    assert!(lacks(&gate(&world, StageGate::Backup)).contains("was not restored to try it"));
    backup(&world, Some(world.now));
    assert!(matches!(gate(&world, StageGate::Backup), ExitAnswer::Met { .. }));
    world.pass(Duration::from_secs(6 * 3600 + 1));
    assert!(lacks(&gate(&world, StageGate::Backup)).contains("it may be 6h"), "too old");
    let future = Record::Backup {
        taken: world.now.plus(Duration::from_hours(1)),
        place: "x".to_owned(),
        restored: None,
    };
    assert!(put(&world, "alice", future).is_err());
}

#[test]
fn who_was_promised_notice_gets_it() {
    let mut world = with("[stages.prepare]\nrequire = [\"announced\"]\nannounce-before = \"1d\"");
    done(
        &world,
        Record::Announced {
            occasion: Occasion::Planned,
            audience: "customers".to_owned(),
            channel: "e-mail".to_owned(),
            text: "it comes".to_owned(),
        },
    );
    assert!(lacks(&gate(&world, StageGate::Announced)).contains("people were promised 1d"));
    world.pass(Duration::from_hours(24));
    assert!(matches!(gate(&world, StageGate::Announced), ExitAnswer::Met { .. }));
}

#[test]
fn an_announcement_says_what_is_on_record_and_nothing_made_up() {
    let world = with(
        "[announcements]\ndone = \"{title} is out ({version}); {oddly}\"".replace("; {oddly}", "").as_str(),
    );
    let draft = |occasion| world.as_("alice", |cx| announce::draft(cx, &release_id(API), occasion)).unwrap();
    let planned = draft(Occasion::Planned);
    assert!(planned.contains("a time not yet set") && planned.contains("Downtime: not said"), "{planned}");
    world.edit(API, &Edit { title: Some("{version} in braces".to_owned()), ..Edit::default() });
    assert_eq!(draft(Occasion::Done), "{version} in braces is out (1.0.0)");
}

#[test]
fn a_severe_issue_stops_a_release_and_its_end_lets_it_go_on() {
    let world = world();
    world.advance(API, 5);
    world.deploy(API, "dev");
    let issue = |severity| Record::Issue {
        title: "carts vanish".to_owned(),
        severity,
        owner: None,
        environment: Some(env_name("dev")),
    };
    done(&world, issue(Severity::Sev3));
    world.deploy(API, "staging");
    let release = done(&world, issue(Severity::Sev2));
    assert_eq!(release.issues[1].found_after, Some(0));
    let report = world
        .as_("erin", |cx| {
            relman::ops::deployment::start::explain(cx, &release_id(API), &env_name("production"))
        })
        .unwrap();
    let said: Vec<String> = report.closed().map(|check| format!("{:?}", check.answer)).collect();
    assert!(said.iter().any(|text| text.contains("IssueOpen")), "{said:?}");
    done(&world, Record::IssueIs { item: 2, state: IssueState::Fixed });
    let open = world.as_("bob", |cx| open_items::issues(cx, None)).unwrap();
    assert_eq!(open.len(), 1, "the light one is still open");
}

#[test]
fn measures_say_together_what_came_of_it_and_late_feedback_is_still_heard() {
    let mut world = world();
    done(&world, Record::Metric { name: "conversion".to_owned(), target: ">= 3 %".to_owned() });
    done(&world, Record::Metric { name: "happiness".to_owned(), target: "people like it".to_owned() });
    let measured = |item, value: &str, verdict| Record::Measured { item, value: value.to_owned(), verdict };
    let release = done(&world, measured(1, "3.4 %", None));
    assert_eq!(release.review.verdict, None, "one is still open");
    let error = put(&world, "alice", measured(2, "they do", None)).unwrap_err();
    assert!(error.sentence.contains("cannot be computed"), "{error}");
    let release = done(&world, measured(2, "they do", Some(Verdict::Partly)));
    assert_eq!(release.review.verdict, Some(Verdict::Partly));

    world.ready_from_here(API);
    world.deploy(API, "production");
    world.advance(API, 2);
    assert_eq!(world.stored(API).state, relman::domain::release::ReleaseState::Closed);
    let said = Record::Feedback {
        source: Source::User,
        phase: Stage::Deploy,
        sentiment: Sentiment::Bad,
        text: "the page was gone for a minute".to_owned(),
    };
    done(&world, said);
    let new = create::NewRelease::default();
    world.as_("alice", |cx| create::create(cx, &release_id("api@1.1.0"), &new)).unwrap();
    let next = Some(release_id("api@1.1.0"));
    let release =
        done(&world, Record::Answered { item: 1, reply: Some("sorry".to_owned()), next: next.clone() });
    assert_eq!(
        (release.feedback[0].reply.as_deref(), release.feedback[0].next.clone()),
        (Some("sorry"), next)
    );
    let error = put(&world, "alice", Record::Scope("more".to_owned())).unwrap_err();
    assert!(error.sentence.contains("closed"), "what has ended is not planned: {error}");
}

#[test]
fn what_a_review_promises_is_seen_by_the_next_release_until_it_is_done() {
    let world = world();
    let action = |text: &str, due: Option<&str>| Record::Action {
        text: text.to_owned(),
        owner: Some("dora".to_owned()),
        due: due.map(at),
    };
    done(&world, action("write a runbook", None));
    done(&world, action("test with real carts", Some("2026-09-10T10:00:00Z")));
    let new = create::NewRelease::default();
    world.as_("alice", |cx| create::create(cx, &release_id("api@1.1.0"), &new)).unwrap();
    let seen = || {
        let found = world.as_("bob", |cx| readiness::of(cx, &release_id("api@1.1.0"))).unwrap();
        found.actions.into_iter().map(|one| one.item.text).collect::<Vec<_>>()
    };
    assert_eq!(seen(), ["test with real carts", "write a runbook"], "the more urgent first");
    done(&world, Record::ActionDone(2));
    assert_eq!(seen(), ["write a runbook"]);
}

#[test]
fn moving_back_voids_what_was_prepared_for_what_is_changed_again() {
    let world = with("[stages.prepare]\nvoters = [\"managers\"]");
    done(&world, Record::Task { text: "order a licence".to_owned(), owner: None });
    done(&world, Record::TaskDone(1));
    done(&world, Record::Backup { taken: world.now, place: "x".to_owned(), restored: None });
    put(&world, "bob", Record::Voted { word: Word::Go, reason: None }).unwrap();
    world.advance(API, 3);
    let back = |cx: &relman::ops::Ctx<'_>| {
        relman::ops::release::back::back(cx, &release_id(API), Some(Stage::Build), "rebuild")
    };
    let release = world.as_("alice", back).unwrap();
    let prepared = release.preparation;
    assert!(prepared.votes.is_empty() && prepared.backup.is_none(), "{prepared:?}");
    assert_eq!((prepared.tasks.len(), prepared.tasks[0].done.is_none()), (1, true));
}

#[test]
fn what_rules_from_outside_want_is_stated_before_the_plan_is_left() {
    let world = with("[stages.plan]\nstatements = [\"legal\", \"data protection\"]");
    assert_eq!(lacks(&gate(&world, StageGate::Statements)), "not stated: legal, data protection");
    let state = |name: &str| Record::Stated { name: name.to_owned(), text: "no new terms".to_owned() };
    let release = done(&world, state("legal"));
    assert_eq!(release.statements["legal"], "no new terms");
    let unknown = put(&world, "alice", state("lgal")).unwrap_err();
    assert_eq!(unknown.hints[0], "did you mean \"legal\"?");
    world.advance(API, 1);
    let error =
        world.as_("alice", |cx| relman::ops::release::advance::advance(cx, &release_id(API))).unwrap_err();
    assert!(error.sentence.contains("statements: not stated: data protection"), "{error}");
    done(&world, state("data protection"));
    world.advance(API, 1);
}
