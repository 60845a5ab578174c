//! Does a change ticket keep a deployment from beginning exactly as long as its system says, and is it told what happened?

use std::time::Duration;

use relman::domain::change::{Act, Answered, Asking, Phase};
use relman::domain::deployment::DeploymentState;
use relman::domain::gate::{Answer, BlockReason, GateId};
use relman::domain::journal::Verb;
use relman::ops::ErrorKind;
use relman::ops::change;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::deployment::turn::Turn;
use relman::ops::hook::{deliver, sort, subscribe};

use super::on_record::mistaken;
use crate::support::world::{POLICY, World, answer, closed, env_name, release_id, wish};

const API: &str = "api@1.0.0";

/// `api` in staging is change-controlled; its release may go there.
fn controlled() -> World {
    controlled_with("")
}

fn controlled_with(lines: &str) -> World {
    let policy = POLICY
        .replace(
            "kind = \"staging\"",
            "kind = \"staging\"\nchange-controlled = true\noverride = [\"managers\"]",
        )
        .replace("[services.api]", "[services.api]\nchange-controlled = true");
    let world = World::with(&format!("{policy}\n[change]\ncommand = [\"./itsm.sh\"]\n{lines}\n"));
    world.release(API);
    world.advance(API, 2);
    world.deploy(API, "dev");
    world
}

fn ticket(phase: Phase, state: &str) -> Answered {
    Answered {
        number: Some("CHG1".to_owned()),
        state: Some(state.to_owned()),
        phase: Some(phase),
        ..Answered::default()
    }
}

fn says(world: &World, answer: Result<Answered, &str>) {
    *world.machine.outside.change.borrow_mut() = answer.map_err(str::to_owned);
}

fn gate(world: &World) -> Answer {
    answer(&world.gates("erin", API, "staging"), GateId::Change)
}

fn reason(world: &World) -> BlockReason {
    match gate(world) {
        Answer::Blocked { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn asked(world: &World) -> Vec<Asking> {
    world.machine.outside.asked.borrow().clone()
}

#[test]
fn it_is_asked_only_where_service_and_environment_are_both_controlled() {
    let world = controlled();
    assert!(world.gates("erin", API, "dev").checks.iter().all(|check| check.gate != GateId::Change));
    world.release("web@1.0.0");
    let web = world.gates("erin", "web@1.0.0", "staging");
    assert!(web.checks.iter().all(|check| check.gate != GateId::Change));
    assert!(asked(&world).is_empty());
    drop(gate(&world));
    assert_eq!(asked(&world)[0].title, "Deploy \"api\" version 1.0.0 to \"staging\"");
}

#[test]
fn only_a_ticket_that_may_be_implemented_lets_it_begin() {
    let world = controlled();
    for (answered, words) in [
        (
            ticket(Phase::Waits, "Assess"),
            "CHG1 is in Assess: it is not to be implemented yet, asked just now",
        ),
        (
            ticket(Phase::Closed, "Canceled"),
            "CHG1 is in Canceled: nothing may be done under it, asked just now",
        ),
    ] {
        says(&world, Ok(answered));
        let error = world.start("erin", API, "staging").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Blocked);
        assert!(error.hints.iter().chain([&error.sentence]).any(|text| text.contains(words)), "{error:#?}");
    }
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let started = world.start("erin", API, "staging").unwrap();
    let passed = answer(&started.report, GateId::Change);
    assert_eq!(passed, Answer::Pass { evidence: "CHG1 is Implement, asked just now".to_owned() });
}

#[test]
fn a_ticket_opens_within_its_window_only() {
    let mut world = controlled();
    let in_hours = |world: &World, hours| world.now.plus(Duration::from_hours(hours));
    says(
        &world,
        Ok(Answered {
            start: Some(in_hours(&world, 1)),
            end: Some(in_hours(&world, 2)),
            ..ticket(Phase::Open, "Implement")
        }),
    );
    let report = world.gates("erin", API, "staging");
    assert!(matches!(reason(&world), BlockReason::ChangeNotYet { .. }));
    assert_eq!(report.earliest, Some(in_hours(&world, 1)), "that is when it opens");
    world.pass(Duration::from_mins(61));
    assert!(gate(&world).opens());
    world.pass(Duration::from_hours(1));
    assert!(matches!(reason(&world), BlockReason::ChangeOver { .. }));
}

#[test]
fn a_system_that_cannot_be_reached_opens_nothing_but_may_be_gone_past_on_record() {
    let world = controlled();
    says(&world, Err("no answer from itsm.example within 20s"));
    let report = world.gates("erin", API, "staging");
    assert_eq!(closed(&report), ["change"]);
    let error = world.start("erin", API, "staging").unwrap_err();
    assert!(error.sentence.contains("no answer from itsm.example within 20s"), "{error:#?}");
    let wanted = StartDeploy {
        overrides: [GateId::Change].into(),
        reason: Some("the site is down".to_owned()),
        ..wish(API, "staging")
    };
    let started = world.as_("bob", |cx| start::start(cx, &wanted)).unwrap();
    assert_eq!(started.deployment.overrides, ["change"]);
    assert!(matches!(
        answer(&started.report, GateId::Change),
        Answer::Overridden { reason: BlockReason::Unanswered { .. }, .. }
    ));
}

#[test]
fn an_answer_counts_for_a_while_and_is_asked_for_again_by_who_looks() {
    let mut world = controlled_with("max-age = \"10m\"");
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    assert!(gate(&world).opens());
    let count = asked(&world).len();
    assert!(gate(&world).opens());
    assert_eq!(asked(&world).len(), count, "a moment later it is not asked again");
    world.pass(Duration::from_mins(3));
    // Views do not ask: they show what is known, with its age.
    let board = world.as_("erin", relman::ops::view::board::board).unwrap();
    let next = board.cards[0].next.clone().unwrap();
    let known = answer(&next.report, GateId::Change);
    assert_eq!(known, Answer::Pass { evidence: "CHG1 is Implement, asked 3m ago".to_owned() });
    world.pass(Duration::from_mins(8));
    let board = world.as_("erin", relman::ops::view::board::board).unwrap();
    let known = answer(&board.cards[0].next.clone().unwrap().report, GateId::Change);
    assert!(matches!(known, Answer::Unknown { .. }), "{known:?}");
    says(&world, Ok(ticket(Phase::Closed, "Review")));
    assert!(matches!(reason(&world), BlockReason::ChangeClosed { .. }), "who looks has it asked again");
}

#[test]
fn a_start_always_asks_afresh() {
    let world = controlled();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    assert!(gate(&world).opens());
    says(&world, Ok(ticket(Phase::Closed, "Canceled")));
    world.start("erin", API, "staging").unwrap_err();
}

#[test]
fn a_ticket_that_is_missing_is_made_once_when_somebody_wants_to_deploy() {
    let world = controlled();
    assert!(matches!(reason(&world), BlockReason::ChangeMissing { .. }));
    assert!(asked(&world).iter().all(|asking| !asking.create), "a look makes none");
    *world.machine.outside.makes.borrow_mut() = ticket(Phase::Waits, "New");
    let (result, entries) = world.journaled(|| world.start("erin", API, "staging"));
    let error = result.unwrap_err();
    assert!(error.sentence.contains("CHG1 is in New"), "{error:#?}");
    assert_eq!(
        entries,
        ["change.opened done api@1.0.0 → staging", "deployment.started refused api@1.0.0 → staging"]
    );
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    world.start("erin", API, "staging").unwrap();
    assert_eq!(asked(&world).iter().filter(|asking| asking.create).count(), 1);
}

#[test]
fn what_cannot_go_there_anyway_needs_no_ticket() {
    let world = controlled();
    world.release("api@2.0.0");
    world.advance("api@2.0.0", 2);
    world.start("erin", "api@2.0.0", "staging").unwrap_err();
    assert!(asked(&world).iter().all(|asking| !asking.create));
}

#[test]
fn the_number_somebody_names_is_the_one_that_is_asked_about() {
    let world = controlled();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let wanted = StartDeploy { change: Some("CHG42".to_owned()), ..wish(API, "staging") };
    let (started, entries) = world.journaled(|| world.as_("erin", |cx| start::start(cx, &wanted)));
    started.unwrap();
    assert_eq!(entries, ["change.assigned done api@1.0.0 → staging", "deployment.started done #2"]);
    let last = asked(&world).pop().unwrap();
    assert_eq!((last.number.as_deref(), last.named), (Some("CHG42"), true));
    assert_eq!(world.last_entry().0, Verb::DeploymentStarted.as_str());
}

#[test]
fn a_number_that_means_something_in_a_query_is_no_number() {
    let world = controlled();
    let assign = |number: &str| {
        mistaken(&world, "erin", ErrorKind::Usage, |cx| {
            change::assign(cx, &release_id(API), &env_name("staging"), number)
        })
    };
    assert!(assign("CHG1^ORactive=true").sentence.contains("is not the number of a ticket"));
}

#[test]
fn who_waits_for_a_ticket_begins_when_it_opens_and_has_it_asked_about_once_a_minute() {
    let mut world = controlled();
    says(&world, Ok(ticket(Phase::Waits, "Authorize")));
    let d = world.queue(API, "staging");
    assert_eq!(d.state, DeploymentState::Waiting);
    let count = asked(&world).len();
    for _ in 0..10 {
        world.pass(Duration::from_secs(15));
        let Turn::Wait { says, .. } = world.turn(d.id) else { panic!("it does not wait") };
        assert_eq!(says, ["change: CHG1 is in Authorize: it is not to be implemented yet"]);
    }
    assert_eq!(asked(&world).len() - count, 2);
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    world.pass(Duration::from_secs(60));
    assert!(matches!(world.turn(d.id), Turn::Go(_)));
}

#[test]
fn a_scheduled_deployment_asks_at_its_time_and_not_before() {
    let mut world = controlled();
    let d = world.schedule(API, "staging", Duration::from_hours(1));
    assert!(asked(&world).is_empty());
    *world.machine.outside.makes.borrow_mut() = ticket(Phase::Open, "Implement");
    world.pass(Duration::from_hours(1));
    assert!(matches!(world.turn(d.id), Turn::Go(_)));
    assert!(asked(&world).iter().any(|asking| asking.create), "there was none: one was made");
}

#[test]
fn what_is_fresh_a_moment_before_it_begins_is_asked_once_more() {
    let mut world = controlled();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let d = world.schedule(API, "staging", Duration::from_hours(1));
    world.pass(Duration::from_hours(1));
    assert!(gate(&world).opens());
    says(&world, Ok(ticket(Phase::Closed, "Canceled")));
    assert!(matches!(world.turn(d.id), Turn::Wait { .. }));
}

#[test]
fn going_back_waits_for_no_ticket() {
    let mut world = controlled();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    world.deploy(API, "staging");
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    world.deploy("api@1.1.0", "dev");
    world.deploy("api@1.1.0", "staging");
    world.pass(Duration::from_hours(1));
    says(&world, Err("down"));
    world.roll_back("api", "staging").unwrap();
}

/// Tells everything that is due and returns what the change system was told.
fn notes(world: &World) -> Vec<Asking> {
    world.as_("root", sort).unwrap();
    while let Some(parcel) = world.as_("root", |cx| deliver::take(cx, "courier")).unwrap() {
        let told = world.as_("root", |cx| deliver::tell(cx, &parcel));
        world.as_("root", |cx| deliver::record(cx, &parcel, &told)).unwrap();
    }
    asked(world).into_iter().filter(|asking| asking.act == Act::Note).collect()
}

#[test]
fn a_ticket_is_told_when_its_deployment_begins_and_how_it_ends() {
    let world = controlled();
    world.as_("root", subscribe).unwrap();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let d = world.running(API, "staging");
    world.end(&d, DeploymentState::Failed);
    let notes = notes(&world);
    let texts: Vec<&str> = notes.iter().map(|note| note.text.as_deref().unwrap()).collect();
    assert_eq!(notes.len(), 2, "{texts:?}");
    assert!(texts[0].starts_with("relman: erin started #2: api@1.0.0 to staging\n"), "{}", texts[0]);
    assert!(
        texts[1].contains("failed in deploy: the script ended with exit status 3")
            && texts[1].contains("\nlog: sha256:"),
        "{}",
        texts[1]
    );
    assert!(texts[1].contains("journal entry"), "{}", texts[1]);
    assert_eq!(notes.iter().map(|note| note.ends).collect::<Vec<_>>(), [false, true]);
    assert!(notes.iter().all(|note| note.number.as_deref() == Some("CHG1")));
}

#[test]
fn a_ticket_that_cannot_be_told_now_is_told_later_and_holds_nobody_up() {
    let mut world = controlled();
    world.as_("root", subscribe).unwrap();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let d = world.running(API, "staging");
    world.end(&d, DeploymentState::Succeeded);
    says(&world, Err("down"));
    assert_eq!(notes(&world).len(), 2, "tried");
    assert_eq!(world.store.read(relman::store::outbox::list_pending).unwrap().len(), 2, "and kept");
    says(&world, Ok(Answered::default()));
    world.pass(Duration::from_mins(1));
    assert_eq!(notes(&world).len(), 4);
    assert!(world.store.read(relman::store::outbox::list_pending).unwrap().is_empty());
}

/// `api` goes from staging to production by itself, or with a train, in erin's name, where it is change-controlled.
fn by_itself(lines: &str) -> World {
    let policy = POLICY
        .replace("soak = \"1h\"\n", "change-controlled = true\n")
        .replace("approvals = [{ from = \"managers\", count = 1 }, { from = \"sre\", count = 1 }]\n", "")
        .replace("[services.api]", "[services.api]\nchange-controlled = true");
    World::with(&format!("{policy}\n[change]\ncommand = [\"./itsm.sh\"]\n{lines}\n"))
}

fn in_staging(world: &World) {
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
}

#[test]
fn what_goes_by_itself_has_its_ticket_asked_about_when_nothing_else_holds_it_up() {
    use relman::ops::deployment::tick::tick;
    let mut world = by_itself(
        "[services.api.deliver.production]\nconductor = \"erin\"\nhours = [\"Mon-Fri 11:00-16:00\"]",
    );
    in_staging(&world);
    assert!(world.as_("erin", tick).unwrap().delivered.is_empty());
    assert!(asked(&world).is_empty(), "outside its hours nobody needs to know");
    world.pass(Duration::from_hours(1));
    *world.machine.outside.makes.borrow_mut() = ticket(Phase::Waits, "New");
    assert!(world.as_("erin", tick).unwrap().delivered.is_empty());
    assert_eq!(asked(&world).iter().filter(|asking| asking.create).count(), 1);
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    world.pass(Duration::from_mins(3));
    assert_eq!(world.as_("erin", tick).unwrap().delivered.len(), 1);
}

#[test]
fn a_train_asks_about_the_tickets_of_who_may_come_along_when_it_departs() {
    use relman::ops::train::send_off;
    let mut world = by_itself(
        "[trains.daily]\ndeparts = \"Mon-Sun 14:00\"\nfrom = \"staging\"\nto = \"production\"\nconductor = \"erin\"",
    );
    drop(world.as_("erin", send_off));
    in_staging(&world);
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    world.pass(Duration::from_hours(4));
    let departed = world.as_("erin", send_off).remove(0).1.unwrap();
    let item = departed.items.iter().find(|item| item.service.as_str() == "api").unwrap();
    assert_eq!((item.left.as_deref(), item.deployment.is_some()), (None, true));
}

#[test]
fn a_named_ticket_that_nobody_knows_is_named_and_can_be_taken_back() {
    let world = controlled();
    says(&world, Ok(Answered::default()));
    world.as_("erin", |cx| change::assign(cx, &release_id(API), &env_name("staging"), "CHG9")).unwrap();
    world.as_("erin", |cx| change::check(cx, &release_id(API), &env_name("staging"))).unwrap();
    let Answer::Blocked { reason } = gate(&world) else { panic!("it is open") };
    assert!(reason.to_string().contains("knows no ticket CHG9"), "{reason}");
    let next = reason.next_step(&release_id(API), &env_name("staging"));
    assert!(next.contains("relman change clear api@1.0.0 staging"), "{next}");
    let clear =
        |world: &World| world.as_("erin", |cx| change::clear(cx, &release_id(API), &env_name("staging")));
    clear(&world).unwrap();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    world.as_("erin", |cx| change::check(cx, &release_id(API), &env_name("staging"))).unwrap();
    assert!(matches!(gate(&world), Answer::Pass { .. }), "the one with its title is found again");
    assert!(clear(&world).unwrap_err().sentence.contains("no change ticket is named"));
}
