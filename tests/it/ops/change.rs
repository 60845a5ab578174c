//! Does a change ticket keep a deployment from beginning exactly as long as its system says, and is it told what happened?

use std::time::Duration;

use relman::domain::change::{Act, Answered, Asking, ChangeTicket, Phase};
use relman::domain::deployment::DeploymentState;
use relman::domain::gate::{Answer, BlockReason, GateId};
use relman::domain::ids::DeploymentId;
use relman::domain::journal::Verb;
use relman::domain::prompt::Answers;
use relman::ops::change;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::deployment::turn::Turn;
use relman::ops::hook::{deliver, sort, subscribe};
use relman::ops::{ErrorKind, Store};

use super::on_record::mistaken;
use crate::support::world::{Meanwhile, POLICY, World, answer, closed, env_name, release_id, wish};

const API: &str = "api@1.0.0";

/// `api` in staging is change-controlled; its release may go there.
fn controlled() -> World {
    controlled_with("")
}

fn controlled_with(lines: &str) -> World {
    may_go(World::with(&controlled_policy(lines)))
}

fn controlled_policy(lines: &str) -> String {
    let policy = POLICY
        .replace(
            "kind = \"staging\"",
            "kind = \"staging\"\nchange-controlled = true\noverride = [\"managers\"]",
        )
        .replace("[services.api]", "[services.api]\nchange-controlled = true");
    format!("{policy}\n[change]\ncommand = [\"./itsm.sh\"]\n{lines}\n")
}

fn may_go(world: World) -> World {
    world.release(API);
    world.advance(API, 2);
    world.deploy(API, "dev");
    world
}

/// What is known of the ticket, kept as by another process.
fn keep(store: &Store, ticket: &ChangeTicket) {
    store.write_quietly(|tx| relman::store::changes::put(tx, ticket)).unwrap();
}

fn known_of(world: &World) -> ChangeTicket {
    world.as_("erin", |cx| change::show(cx, &release_id(API), &env_name("staging"))).unwrap().ticket
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

/// Asks for its turn as long as it is told to ask again at once: every answer of the change system takes time.
#[track_caller]
fn turn(world: &World, id: DeploymentId) -> Turn {
    for _ in 0..3 {
        match world.turn(id) {
            Turn::Wait { until, .. } if until == world.now => {}
            turn => return turn,
        }
    }
    panic!("{id} asks again and again")
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
    assert!(matches!(turn(&world, d.id), Turn::Go(_)));
}

#[test]
fn a_scheduled_deployment_asks_at_its_time_and_not_before() {
    let mut world = controlled();
    let d = world.schedule(API, "staging", Duration::from_hours(1));
    assert!(asked(&world).is_empty());
    *world.machine.outside.makes.borrow_mut() = ticket(Phase::Open, "Implement");
    world.pass(Duration::from_hours(1));
    assert!(matches!(turn(&world, d.id), Turn::Go(_)));
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
    assert!(matches!(turn(&world, d.id), Turn::Wait { .. }));
}

#[test]
fn what_closes_while_the_change_system_is_asked_still_counts() {
    let mut world = controlled();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let d = world.schedule(API, "staging", Duration::from_hours(1));
    let opens = world.now.plus(Duration::from_hours(3));
    world.freeze("Night", "staging", world.now.plus(Duration::from_mins(61)), opens);
    // Asked in the last seconds before the freeze, and answered in its first ones.
    world.pass(Duration::from_mins(60) + Duration::from_secs(50));
    let Turn::Wait { until, .. } = world.turn(d.id) else { panic!("it began on an old look at the clock") };
    assert_eq!(until, world.now, "it is to ask again at once");
    world.pass(Duration::from_secs(20));
    let Turn::Wait { says, .. } = world.turn(d.id) else { panic!("it began inside a freeze") };
    assert!(says[0].starts_with("freeze: frozen by \"Night\""), "{says:?}");
}

#[test]
fn an_answer_for_its_beginning_is_not_asked_for_twice_and_does_not_keep() {
    let mut world = controlled();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let d = world.schedule(API, "staging", Duration::from_hours(1));
    world.pass(Duration::from_hours(1));
    assert!(matches!(world.turn(d.id), Turn::Wait { .. }));
    let count = asked(&world).len();
    // The process that waits was gone for a while.
    world.pass(Duration::from_mins(2));
    assert!(matches!(world.turn(d.id), Turn::Wait { .. }));
    assert_eq!(asked(&world).len(), count + 1);
    world.pass(Duration::from_secs(5));
    assert!(matches!(world.turn(d.id), Turn::Go(_)));
    assert_eq!(asked(&world).len(), count + 1);
}

#[test]
fn of_two_that_want_a_ticket_one_makes_it() {
    let mut world = controlled();
    assert!(matches!(reason(&world), BlockReason::ChangeMissing { .. }));
    let until = world.now.plus(Duration::from_secs(30));
    keep(&world.store, &ChangeTicket { making: Some(until), ..known_of(&world) });
    let error = world.start("erin", API, "staging").unwrap_err();
    assert!(asked(&world).iter().all(|asking| !asking.create), "the other one makes it");
    assert!(error.sentence.contains("somebody is making its change ticket just now"), "{error:#?}");
    // Who was at it is gone.
    world.pass(Duration::from_secs(30));
    world.start("erin", API, "staging").unwrap_err();
    assert_eq!(asked(&world).iter().filter(|asking| asking.create).count(), 1);
}

/// A world whose store another process writes to whenever the change system is asked to make a ticket (or not to).
fn beside(makes: bool, writes: ChangeTicket) -> (tempfile::TempDir, World) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let world = may_go(World::with_on_file(&path, &controlled_policy("")));
    let meanwhile: Meanwhile = Box::new(move |asking| {
        if asking.create == makes {
            keep(&Store::open(&path).unwrap(), &writes);
        }
    });
    *world.machine.outside.meanwhile.borrow_mut() = Some(meanwhile);
    (dir, world)
}

#[test]
fn what_was_made_while_somebody_named_another_is_on_record() {
    let new = || ChangeTicket::new(release_id(API), env_name("staging"));
    let (_dir, world) = beside(true, ChangeTicket { named: Some("CHG42".to_owned()), ..new() });
    *world.machine.outside.makes.borrow_mut() = ticket(Phase::Waits, "New");
    world.start("erin", API, "staging").unwrap_err();
    let entries = world.store.read(|tx| relman::store::journal::list(tx, None, None, 2)).unwrap();
    assert_eq!(entries[1].verb, Verb::ChangeOpened.as_str());
    let reason = entries[1].parsed().unwrap().reason.unwrap();
    assert_eq!(reason, "CHG1; CHG42 was named meanwhile and counts");
    assert_eq!(known_of(&world).number(), Some("CHG42"));
}

#[test]
fn who_heard_of_no_ticket_does_not_forget_the_one_that_was_made_meanwhile() {
    let new = || ChangeTicket::new(release_id(API), env_name("staging"));
    let answered = Some(ticket(Phase::Waits, "New"));
    let (_dir, world) = beside(false, ChangeTicket { answered, asked_at: Some(World::new().now), ..new() });
    drop(gate(&world));
    assert_eq!(known_of(&world).number(), Some("CHG1"));
}

#[test]
fn what_was_answered_counts_for_who_looks_although_it_cannot_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let world = may_go(World::with_on_file(&path, &controlled_policy("")));
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    // As on a disk that is full: what is written fails.
    let full = Store::open_readonly(&path).unwrap();
    let report = world.as_("erin", |cx| {
        let cx = relman::ops::Ctx { store: &full, ..*cx };
        start::explain(&cx, &release_id(API), &env_name("staging")).unwrap()
    });
    let known = Answer::Pass { evidence: "CHG1 is Implement, asked just now".to_owned() };
    assert_eq!(answer(&report, GateId::Change), known);
    assert_eq!(known_of(&world).number(), None, "nothing was kept");
}

#[test]
fn of_the_past_nobody_is_asked_and_the_gate_says_so() {
    use relman::domain::moment::Moment;
    use relman::ops::past::{Past, Still};
    let world = controlled();
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    assert!(gate(&world).opens());
    let count = asked(&world).len();
    let past = world.as_("erin", |cx| Past::open(cx, Moment::Entry(world.entries()))).unwrap();
    let still = Still(&world.machine);
    let then = world.as_("erin", |cx| {
        start::explain(&past.cx(cx, &still), &release_id(API), &env_name("staging")).unwrap()
    });
    let Answer::Unknown { why } = answer(&then, GateId::Change) else { panic!("{then:?}") };
    assert_eq!(why, "what its change ticket was then is not known: answers are kept of today only");
    assert_eq!(asked(&world).len(), count);
}

#[test]
fn a_second_person_and_a_ticket_that_is_made_do_not_lock_each_other_out() {
    use relman::ops::witness;
    let policy =
        controlled_policy("").replace("[environments.staging]", "[environments.staging]\nfour-eyes = true");
    let world = may_go(World::with(&policy));
    let ask = || world.as_("erin", |cx| witness::ask(cx, &release_id(API), &env_name("staging")));
    *world.machine.outside.makes.borrow_mut() = ticket(Phase::Waits, "New");
    let error = ask().unwrap_err();
    assert!(error.sentence.contains("CHG1 is in New"), "nobody is called to look at what waits: {error:#?}");
    assert_eq!(asked(&world).iter().filter(|asking| asking.create).count(), 1);
    says(&world, Ok(ticket(Phase::Open, "Implement")));
    let error = world.start("erin", API, "staging").unwrap_err();
    assert_eq!(closed(&error.report.unwrap()), ["four-eyes"]);
    let code = ask().unwrap().code;
    let (release, environment) = (release_id(API), env_name("staging"));
    let confirm = witness::Confirm { release, environment, code, seen: None };
    world.as_("bob", |cx| witness::confirm(cx, &confirm)).unwrap();
    world.start("erin", API, "staging").unwrap();
    // Who starts it without having asked gets the ticket made as well.
    let world = may_go(World::with(&policy));
    world.start("erin", API, "staging").unwrap_err();
    assert_eq!(asked(&world).iter().filter(|asking| asking.create).count(), 1);
}

#[test]
fn a_ticket_is_made_only_for_a_start_that_is_sound() {
    let policy = POLICY
        .replace("kind = \"staging\"", "kind = \"staging\"\nchange-controlled = true\nconfirm = \"version\"")
        .replace(
            "[services.api]",
            "[services.api.prompts.REGION]\nlabel = \"Region\"\nrequired = true\n[services.api]\nchange-controlled = true",
        );
    let world = World::with(&format!("{policy}\n[change]\ncommand = [\"./itsm.sh\"]\n"));
    world.release(API);
    world.advance(API, 2);
    let answered = || Answers([("REGION".to_owned(), "eu".to_owned())].into());
    let dev = StartDeploy { answers: answered(), ..wish(API, "dev") };
    let d = world.as_("erin", |cx| start::start(cx, &dev)).unwrap().deployment;
    world.claim(&d);
    world.end(&world.deployment(d.id), DeploymentState::Succeeded);
    let refused = |wanted: StartDeploy| {
        drop(world.as_("erin", |cx| start::start(cx, &wanted)).unwrap_err());
        asked(&world).iter().filter(|asking| asking.create).count()
    };
    let good = StartDeploy { answers: answered(), ..wish(API, "staging") };
    assert_eq!(refused(StartDeploy { confirm: None, ..good.clone() }), 0, "nothing was typed");
    assert_eq!(refused(StartDeploy { confirm: Some("2".to_owned()), ..good.clone() }), 0);
    assert_eq!(
        refused(StartDeploy { overrides: [GateId::Soak].into(), ..good.clone() }),
        0,
        "no right to it"
    );
    assert_eq!(refused(StartDeploy { left_out: vec!["nothing".to_owned()], ..good.clone() }), 0);
    assert_eq!(refused(StartDeploy { answers: Answers::default(), ..good.clone() }), 0, "not answered");
    assert_eq!(refused(good), 1);
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
    assert_eq!(notes(&world).len(), 1, "tried; its end waits until its beginning was told");
    assert_eq!(world.store.read(relman::store::outbox::list_pending).unwrap().len(), 2, "and kept");
    says(&world, Ok(Answered::default()));
    world.pass(Duration::from_mins(1));
    let notes = notes(&world);
    assert_eq!(notes.iter().map(|note| note.ends).collect::<Vec<_>>(), [false, false, true]);
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
