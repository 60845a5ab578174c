//! What a service asks of who deploys it, and plans: kept where they should be, and nowhere else.

use std::collections::BTreeMap;

use relman::domain::deployment::{DeploymentKind, DeploymentState as S};
use relman::domain::ids::DeploymentId;
use relman::domain::prompt::Answers;
use relman::ops::deployment::start::{self, StartDeploy, Started};
use relman::ops::deployment::tick::tick;
use relman::ops::{ErrorKind, Liveness, OpError};

use crate::support::world::{World, closed, env_name, release_id, wish};

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
