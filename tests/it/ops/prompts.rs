//! What a service asks of who deploys it, and plans: kept where they should be, and nowhere else.

use std::collections::BTreeMap;

use relman::domain::approval::{Approval, Verdict};
use relman::domain::deployment::{DeploymentKind, DeploymentState as S};
use relman::domain::gate::{Answer, GateId};
use relman::domain::ids::DeploymentId;
use relman::domain::prompt::{Answers, AskedOf, PromptKind};
use relman::ops::approval::decide::{Decision, decide};
use relman::ops::deployment::start::{self, StartDeploy, Started};
use relman::ops::deployment::tick::tick;
use relman::ops::deployment::turn::Turn;
use relman::ops::{ErrorKind, Liveness, OpError};

use crate::support::world::{World, about, closed, env_name, release_id, wish};

const POLICY: &str = r#"
[groups]
managers = ["bob"]
sre = ["erin"]
[environments.dev]
[environments.production]
kind = "production"
approvals = [{ from = "managers", count = 1 }]
deployers = ["sre"]
[services.api]
pipeline = ["dev", "production"]
scripts = { deploy = ["./deploy.sh"], plan = ["./plan.sh"] }
[services.api.prompts.REGION]
label = "Which region"
type = "choice"
choices = ["eu", "us"]
required = true
[services.api.prompts.TOKEN]
label = "One-time code"
secret = true
[services.api.prompts.MIGRATE]
label = "Run the migrations"
type = "checkbox"
"#;

fn world() -> World {
    let world = World::with(POLICY);
    for id in ["api@1.0.0", "api@1.1.0"] {
        world.release(id);
        world.advance(id, 5);
    }
    world
}

fn answers(pairs: &[(&str, &str)]) -> Answers {
    Answers(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn start(world: &World, id: &str, pairs: &[(&str, &str)]) -> Result<Started, OpError> {
    let wanted = StartDeploy { answers: answers(pairs), ..wish(id, "dev") };
    world.as_("erin", |cx| start::start(cx, &wanted))
}

#[test]
fn a_question_without_an_answer_starts_nothing_and_says_how_to_answer() {
    let world = world();
    let error = start(&world, "api@1.0.0", &[]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    assert!(error.sentence.contains("REGION: Which region is asked at deploy time"), "{error}");
    assert!(error.hints[0].contains("--set REGION=…"), "{error:?}");
    let wrong = start(&world, "api@1.0.0", &[("REGION", "ue")]).unwrap_err();
    assert!(wrong.sentence.contains("did you mean eu?"), "{wrong}");
    assert!(world.machine.launched.borrow().is_empty());
}

#[test]
fn answers_reach_the_supervisor_and_secret_ones_nothing_else() {
    let world = world();
    let d = start(&world, "api@1.0.0", &[("REGION", "eu"), ("TOKEN", "s3cr3t-one")]).unwrap().deployment;
    let ticket = world.machine.launched.borrow()[0].clone();
    assert_eq!(ticket.answers, answers(&[("MIGRATE", "false"), ("REGION", "eu"), ("TOKEN", "s3cr3t-one")]));
    assert_eq!(ticket.secret_answers, ["TOKEN"]);
    let kept = BTreeMap::from([
        ("MIGRATE".to_owned(), Some("false".to_owned())),
        ("REGION".to_owned(), Some("eu".to_owned())),
        ("TOKEN".to_owned(), None),
    ]);
    assert_eq!(world.deployment(d.id).answers, kept);
    let entries = world.store.read(|tx| relman::store::journal::list(tx, None, None, 50)).unwrap();
    assert!(entries.iter().all(|entry| !entry.body.contains("s3cr3t")));
    assert!(!format!("{ticket:?}").contains("s3cr3t"));
}

#[test]
fn a_rollback_gets_what_was_answered_when_it_was_good_and_waits_for_no_question() {
    let world = world();
    for (id, region) in [("api@1.0.0", "us"), ("api@1.1.0", "eu")] {
        let d = start(&world, id, &[("REGION", region), ("TOKEN", "s3cr3t-one")]).unwrap().deployment;
        world.claim(&d);
        world.end(&d, S::Succeeded);
    }
    let back = world.roll_back("api", "dev").unwrap().deployment;
    let ticket = world.machine.launched.borrow().last().unwrap().clone();
    assert_eq!((ticket.id, ticket.answers), (back.id, answers(&[("MIGRATE", "false"), ("REGION", "us")])));
}

#[test]
fn a_secret_answer_that_went_with_its_process_is_asked_for_again() {
    let world = world();
    let later = world.later(Some(world.now.plus(std::time::Duration::from_hours(1))));
    let wanted = StartDeploy {
        answers: answers(&[("REGION", "eu"), ("TOKEN", "s3cr3t-one")]),
        later: Some(later),
        ..wish("api@1.0.0", "dev")
    };
    let d = world.as_("erin", |cx| start::start(cx, &wanted)).unwrap().deployment;
    world.machine.alive.borrow_mut().insert(d.id, Liveness::Gone);
    let ticked = world.as_("erin", tick).unwrap();
    assert!(ticked.failed[0].1.contains("secret answer TOKEN"), "{ticked:?}");
}

#[test]
fn a_plan_asks_who_may_and_whether_it_is_free_and_nothing_else() {
    let world = world();
    // Neither live in dev nor approved.
    assert_eq!(closed(&world.gates("erin", "api@1.0.0", "production")), ["order", "approvals"]);
    let wanted = StartDeploy::new(release_id("api@1.0.0"), env_name("production"));
    assert_eq!(world.as_("alice", |cx| start::plan(cx, &wanted)).unwrap_err().kind, ErrorKind::NotPermitted);
    let plan = world.as_("erin", |cx| start::plan(cx, &wanted)).unwrap().deployment;
    assert_eq!((plan.noop, plan.what().as_str()), (true, "plan"));
    let ticket = world.machine.launched.borrow()[0].clone();
    assert_eq!(ticket.steps.iter().map(|step| step.role.as_str()).collect::<Vec<_>>(), ["plan"]);
    world.claim(&plan);
    let busy = world.as_("erin", |cx| start::plan(cx, &wanted)).unwrap_err();
    assert_eq!(busy.kind, ErrorKind::Conflict);
    world.end(&plan, S::Succeeded);
    let preview = world
        .as_("erin", |cx| start::preview(cx, &release_id("api@1.0.0"), &env_name("production")))
        .unwrap();
    assert_eq!(preview.plan.map(|plan| plan.id), Some(plan.id));
}

#[test]
fn a_plan_proves_nothing_and_puts_nothing_in_place() {
    let world = world();
    let wanted = StartDeploy::new(release_id("api@1.0.0"), env_name("dev"));
    let plan = world.as_("erin", |cx| start::plan(cx, &wanted)).unwrap().deployment;
    world.claim(&plan);
    world.end(&plan, S::Succeeded);
    assert!(
        closed(&world.gates("erin", "api@1.0.0", "production")).contains(&"order"),
        "dev has not seen it"
    );
    let board = world.as_("erin", relman::ops::view::board::board).unwrap();
    assert!(board.places.iter().all(|place| place.live.is_none()));
    assert!(board.cards.iter().all(|card| card.cells.iter().all(|cell| cell.deployment.is_none())));
    let first = start(&world, "api@1.0.0", &[("REGION", "eu")]).unwrap().deployment;
    assert_eq!((first.kind, first.previous.clone()), (DeploymentKind::Deploy, None));
    world.claim(&first);
    world.end(&first, S::Succeeded);
    // Nor does one overtake what waits.
    let running = start(&world, "api@1.1.0", &[("REGION", "eu")]).unwrap().deployment;
    world.claim(&running);
    let waits = StartDeploy {
        answers: answers(&[("REGION", "eu")]),
        later: Some(world.later(None)),
        ..wish("api@1.1.0", "dev")
    };
    let waits = world.as_("erin", |cx| start::start(cx, &waits)).unwrap().deployment;
    world.end(&running, S::Failed);
    let plan = world.as_("erin", |cx| start::plan(cx, &wanted)).unwrap().deployment;
    world.claim(&plan);
    assert_eq!(world.deployment(waits.id).state, S::Waiting);
    let back =
        world.as_("erin", |cx| relman::ops::deployment::cancel::cancel_and_roll_back(cx, plan.id, "x"));
    assert!(back.unwrap_err().sentence.contains("deploys nothing"));
    assert!(world.deployment(DeploymentId(1)).noop);
}

#[test]
fn the_approver_sees_what_was_answered_and_what_is_open_until_it_starts() {
    use relman::ops::deployment::later::Later;
    use relman::ops::view::{board::board, brief::brief, queue::queue};
    let world = world();
    let first = start(&world, "api@1.0.0", &[("REGION", "eu")]).unwrap().deployment;
    world.claim(&first);
    world.end(&world.deployment(first.id), S::Succeeded);
    let facts = |world: &World| {
        let item = world.as_("bob", |cx| queue(cx, &board(cx)?)).unwrap().remove(0);
        brief(&item, "→", world.policy.zone, world.now)
    };
    let said = |world: &World, wanted: &str| {
        facts(world).into_iter().find(|(label, _)| *label == wanted).map(|(_, text)| text)
    };
    assert_eq!(said(&world, "asked for"), None);
    assert_eq!(
        said(&world, "variables").as_deref(),
        Some("MIGRATE, REGION, TOKEN: as they are when it starts")
    );
    let later = Some(Later::when_open(world.policy.zone));
    let pairs = [("REGION", "us"), ("TOKEN", "hunter2"), ("MIGRATE", "true")];
    let wanted = StartDeploy { later, answers: answers(&pairs), ..wish("api@1.0.0", "production") };
    world.as_("erin", |cx| start::start(cx, &wanted)).unwrap();
    let asked = said(&world, "asked for").unwrap();
    assert!(
        asked.starts_with("#2 by erin waits for") && asked.contains("approvals: 0 of 1 from managers"),
        "{asked}"
    );
    assert!(asked.ends_with("; with MIGRATE=true, REGION=us, TOKEN (secret)"), "{asked}");
    assert_eq!(said(&world, "variables"), None, "everything was answered");
}

/// The same team where who approves says when the caches are emptied, and in which region it begins.
fn asking_approvers() -> World {
    let world = World::with(
        &format!(
            "{POLICY}{}",
            r#"
asked-of = "deployer"
[services.api.prompts.FIRST]
label = "Region to begin with"
type = "choice"
choices = ["eu", "us"]
required = true
asked-of = "approver"
[services.api.prompts.FLUSH]
label = "Empty the caches"
type = "checkbox"
asked-of = "approver"
"#
        )
        .replace("managers = [\"bob\"]", "managers = [\"bob\", \"carol\"]")
        .replace("deployers = [\"sre\"]", "deployers = [\"sre\"]\noverride = [\"sre\"]"),
    );
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 5);
    let d = world.as_("erin", |cx| {
        let wanted = StartDeploy {
            answers: answers(&[("REGION", "eu"), ("FIRST", "us")]),
            ..wish("api@1.0.0", "dev")
        };
        start::start(cx, &wanted)
    });
    let d = d.expect("where nobody approves, who starts it says all of it").deployment;
    world.claim(&d);
    world.end(&d, S::Succeeded);
    world
}

fn approves(world: &World, who: &str, pairs: &[(&str, &str)]) -> Result<Approval, OpError> {
    let yes = Decision::new(release_id("api@1.0.0"), about(Some("production")), Verdict::Approved);
    world.as_(who, |cx| decide(cx, &Decision { answers: answers(pairs), ..yes }))
}

fn to_production(world: &World, wanted: StartDeploy) -> Result<Started, OpError> {
    let wanted = StartDeploy { confirm: Some("1.0.0".to_owned()), ..wanted };
    world.as_("erin", |cx| start::start(cx, &wanted))
}

#[test]
fn what_approvers_say_reaches_the_scripts_and_the_last_of_them_says_it() {
    let world = asking_approvers();
    let open = approves(&world, "bob", &[]).unwrap_err();
    assert_eq!(open.kind, ErrorKind::Usage);
    assert!(open.sentence.contains("FIRST: it is asked of who approves and has no answer yet"), "{open}");
    assert!(open.hints[0].contains("--set FIRST=…"), "{open:?}");
    let wrong = approves(&world, "bob", &[("FIRST", "mars")]).unwrap_err();
    assert!(wrong.sentence.contains("is not one of the choices"), "{wrong}");
    let bob = approves(&world, "bob", &[("FIRST", "eu")]).unwrap();
    assert!(bob.told(world.policy.zone).ends_with(", with FIRST=eu, FLUSH=false"), "{bob:?}");
    // Who approves after bob sees what he said, leaves it or says otherwise.
    let carol = approves(&world, "carol", &[("FLUSH", "true")]).unwrap();
    assert_eq!(carol.answers["FIRST"], "eu");
    let again = approves(&world, "bob", &[("FIRST", "us")]).unwrap();
    assert_eq!((again.answers["FIRST"].as_str(), again.answers["FLUSH"].as_str()), ("us", "true"));
    let theirs = StartDeploy {
        answers: answers(&[("REGION", "eu"), ("FIRST", "eu")]),
        ..wish("api@1.0.0", "production")
    };
    let refused = to_production(&world, theirs).unwrap_err();
    assert!(refused.sentence.contains("FIRST: is asked of who approves"), "{refused}");
    let own = StartDeploy { answers: answers(&[("REGION", "eu")]), ..wish("api@1.0.0", "production") };
    let d = to_production(&world, own).unwrap().deployment;
    let said = |name: &str| d.answers[name].clone().unwrap();
    assert_eq!((said("REGION"), said("FIRST"), said("FLUSH")), ("eu".into(), "us".into(), "true".into()));
    let ticket = world.machine.launched.borrow().last().unwrap().clone();
    assert_eq!(ticket.answers.0["FIRST"], "us");
}

#[test]
fn the_same_yes_with_the_same_answers_is_no_other_decision() {
    let world = asking_approvers();
    drop(approves(&world, "bob", &[("FIRST", "eu")]).unwrap());
    let again = approves(&world, "bob", &[]).unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict, "{again}");
    let (_, entries) = world.journaled(|| approves(&world, "bob", &[("FIRST", "us")]).unwrap());
    assert_eq!(entries, ["approval.granted done api@1.0.0"]);
    let all = world.store.read(|tx| relman::store::approvals::list_of(tx, &release_id("api@1.0.0"))).unwrap();
    assert_eq!(all[0].ended_why.as_deref(), Some("void: said anew, with other answers"));
    assert!(world.as_("bob", relman::ops::audit::verify).unwrap().findings.is_empty());
}

#[test]
fn a_question_that_came_to_be_the_approvers_later_keeps_the_gate_closed() {
    let mut world = asking_approvers();
    drop(approves(&world, "bob", &[("FIRST", "eu")]).unwrap());
    let service = world.policy.services.get_mut(&"api".parse().unwrap()).unwrap();
    service.prompts.iter_mut().find(|prompt| prompt.name == "REGION").unwrap().asked_of = AskedOf::Approver;
    let report = world.gates("erin", "api@1.0.0", "production");
    let approvals = report.checks.iter().find(|check| check.gate == GateId::Approvals).unwrap();
    let Answer::Blocked { reason } = &approvals.answer else { panic!("{approvals:?}") };
    assert_eq!(reason.to_string(), "approved, but nobody said REGION");
    let step = approvals.next_step(&report.release, &report.environment).unwrap();
    assert_eq!(step, "ask bob to say it: relman approve api@1.0.0 production --set REGION=…");
    drop(approves(&world, "bob", &[("REGION", "us")]).unwrap());
    assert!(!closed(&world.gates("erin", "api@1.0.0", "production")).contains(&"approvals"));
}

#[test]
fn who_goes_past_the_approvals_says_it_themselves() {
    let world = asking_approvers();
    let wanted = StartDeploy {
        overrides: [GateId::Approvals].into(),
        reason: Some("checkout is down".to_owned()),
        answers: answers(&[("REGION", "eu")]),
        ..wish("api@1.0.0", "production")
    };
    let open = to_production(&world, wanted.clone()).unwrap_err();
    assert!(open.sentence.contains("FIRST: Region to begin with is asked at deploy time"), "{open}");
    let said = StartDeploy { answers: answers(&[("REGION", "eu"), ("FIRST", "eu")]), ..wanted };
    assert_eq!(to_production(&world, said).unwrap().deployment.answers["FIRST"].as_deref(), Some("eu"));
}

#[test]
fn what_is_scheduled_before_it_is_approved_begins_with_what_is_said_then() {
    let mut world = asking_approvers();
    let at = world.now.plus(std::time::Duration::from_hours(1));
    let wanted = StartDeploy {
        answers: answers(&[("REGION", "eu")]),
        later: Some(world.later(Some(at))),
        ..wish("api@1.0.0", "production")
    };
    let d = to_production(&world, wanted).unwrap().deployment;
    assert!(!d.answers.contains_key("FIRST"));
    drop(approves(&world, "bob", &[("FIRST", "us")]).unwrap());
    world.pass(std::time::Duration::from_hours(1));
    let Turn::Go(ticket) = world.turn(d.id) else { panic!("{:?}", world.deployment(d.id)) };
    assert_eq!(ticket.answers.0["FIRST"], "us");
    assert_eq!(world.deployment(d.id).answers["FIRST"].as_deref(), Some("us"));
}

#[test]
fn what_nobody_answers_any_more_does_not_begin() {
    let mut world = asking_approvers();
    let wanted = StartDeploy {
        answers: answers(&[("REGION", "eu")]),
        later: Some(world.later(Some(world.now.plus(std::time::Duration::from_hours(1))))),
        ..wish("api@1.0.0", "production")
    };
    let d = to_production(&world, wanted).unwrap().deployment;
    // The rules go away: nobody approves, and nobody has said where it begins.
    world.policy.environments.get_mut(&env_name("production")).unwrap().approvals.clear();
    world.pass(std::time::Duration::from_hours(1));
    let Turn::Wait { says, .. } = world.turn(d.id) else { panic!("{:?}", world.deployment(d.id)) };
    assert!(says[0].starts_with("FIRST: "), "{says:?}");
    assert!(world.deployment(d.id).state.is_pending());
}

#[test]
fn an_answer_that_is_none_any_more_closes_the_gate_again() {
    let mut world = asking_approvers();
    drop(approves(&world, "bob", &[("FIRST", "eu")]).unwrap());
    let service = world.policy.services.get_mut(&"api".parse().unwrap()).unwrap();
    let first = service.prompts.iter_mut().find(|prompt| prompt.name == "FIRST").unwrap();
    first.kind = PromptKind::Choice(vec!["us".to_owned(), "ap".to_owned()]);
    (first.required, first.default) = (false, Some("ap".to_owned()));
    assert!(closed(&world.gates("erin", "api@1.0.0", "production")).contains(&"approvals"));
    let own = StartDeploy { answers: answers(&[("REGION", "eu")]), ..wish("api@1.0.0", "production") };
    assert_eq!(to_production(&world, own).unwrap_err().kind, ErrorKind::Unapproved);
}

#[test]
fn who_approves_a_way_back_is_asked_nothing_and_need_not_answer() {
    let mut world = asking_approvers();
    let env = world.policy.environments.get_mut(&env_name("production")).unwrap();
    env.rollback_approvals = env.approvals.clone();
    drop(approves(&world, "bob", &[]).expect("it may be about going back"));
    let gate = closed(&world.gates("erin", "api@1.0.0", "production"));
    assert!(gate.contains(&"approvals"), "forward it still wants the answer: {gate:?}");
    drop(approves(&world, "bob", &[("FIRST", "us")]).unwrap());
    assert!(!closed(&world.gates("erin", "api@1.0.0", "production")).contains(&"approvals"));
}

#[test]
fn nothing_is_taken_over_from_a_decision_that_does_not_count() {
    let mut world = asking_approvers();
    drop(approves(&world, "bob", &[("FIRST", "us")]).unwrap());
    world.pass(std::time::Duration::from_hours(9));
    let open = approves(&world, "carol", &[]).unwrap_err();
    assert!(open.sentence.contains("FIRST: it is asked of who approves"), "{open}");
}
