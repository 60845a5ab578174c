//! Do board, queue, calendar and listings say what is recorded, and what is missing?

use std::time::Duration;

use relman::domain::approval::{ApprovalSubject, RuleState, Verdict};
use relman::domain::deployment::DeploymentState;
use relman::domain::gate::stage_exit::ExitAnswer;
use relman::domain::ids::DeploymentId;
use relman::domain::time::Window;
use relman::ops::audit::export::Range;
use relman::ops::audit::seek::{Sought, seek};
use relman::ops::deployment::start::explain;
use relman::ops::release::block::block;
use relman::ops::release::cancel::cancel;
use relman::ops::release::edit::Edit;
use relman::ops::view::board::{Board, Card, Mood, Reached, board, standing};
use relman::ops::view::calendar::calendar;
use relman::ops::view::deployment;
use relman::ops::view::queue::{Pending, queue};
use relman::ops::view::release as release_view;
use relman::ops::{ErrorKind, Filter};

use crate::support::world::{POLICY, World, closed, env_name, outcome, release_id};

const API: &str = "api@1.0.0";

fn seen(world: &World) -> Board {
    world.as_("erin", board).unwrap()
}

#[track_caller]
fn card(world: &World, id: &str) -> Card {
    seen(world).cards.into_iter().find(|card| card.release.id == release_id(id)).unwrap()
}

/// How far a release has come in dev, staging and production.
#[track_caller]
fn reached(world: &World, id: &str) -> [Reached; 3] {
    let cells: Vec<Reached> = card(world, id).cells.iter().map(|cell| cell.reached).collect();
    cells.try_into().unwrap()
}

/// The month around now.
fn span(world: &World) -> Window {
    let half = Duration::from_hours(24 * 15);
    Window::new(world.now.minus(half), world.now.plus(half)).unwrap()
}

#[track_caller]
fn next(world: &World, id: &str) -> Option<String> {
    card(world, id).next.map(|next| next.environment.to_string())
}

fn waiting(world: &World, who: &str) -> Vec<Pending> {
    world.as_(who, |cx| queue(cx, &board(cx).unwrap())).unwrap()
}

/// The ordinary policy with a release in the deploy stage.
fn world() -> World {
    let world = World::new();
    world.release(API);
    world.advance(API, 5);
    world
}

#[test]
fn a_store_without_releases_is_new() {
    assert!(seen(&World::new()).is_new);
}

#[test]
fn a_store_whose_releases_have_all_ended_is_not_new() {
    let world = World::new();
    world.release(API);
    world.as_("alice", |cx| cancel(cx, &release_id(API), "not wanted")).unwrap();
    let board = seen(&world);
    assert!(board.cards.is_empty() && !board.is_new);
}

#[test]
fn open_releases_are_shown_oldest_first() {
    let world = World::new();
    for id in ["web@2.0.0", API, "web@1.0.0"] {
        world.release(id);
    }
    let shown: Vec<String> = seen(&world).cards.iter().map(|card| card.release.id.to_string()).collect();
    assert_eq!(shown, ["web@2.0.0", API, "web@1.0.0"]);
}

#[test]
fn a_long_past_does_not_make_the_panes_work_harder() {
    let mut world = World::new();
    let work = |world: &World| {
        let before = world.store.steps();
        world.as_("erin", |cx| {
            let board = board(cx).unwrap();
            queue(cx, &board).unwrap();
            deployment::list(cx, &Filter::default(), 10).unwrap();
            calendar(cx, span(world)).unwrap();
        });
        world.store.steps() - before
    };
    let past = |world: &World, numbers: std::ops::Range<u32>| {
        for number in numbers {
            let id = format!("api@0.{number}.0");
            world.release(&id);
            world.advance(&id, 5);
            world.deploy(&id, "dev");
            world.deploy(&id, "staging");
            world.approve("bob", &id, "production");
            world.as_("alice", |cx| cancel(cx, &release_id(&id), "history")).unwrap();
        }
    };
    past(&world, 0..20);
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    world.pass(Duration::from_hours(24 * 90));
    let young = work(&world);
    world.now = "2026-09-02T10:00:00Z".parse().unwrap();
    past(&world, 20..200);
    world.pass(Duration::from_hours(24 * 90));
    let old = work(&world);
    assert!(old <= young + young / 10, "{young} steps with 20 past releases, {old} with 200");
}

#[test]
fn what_was_not_deployed_has_reached_nothing() {
    assert_eq!(reached(&world(), API), [Reached::Not; 3]);
}

#[test]
fn what_succeeded_last_is_live() {
    let world = world();
    let deployed = world.deploy(API, "dev");
    assert_eq!(reached(&world, API), [Reached::Live, Reached::Not, Reached::Not]);
    assert_eq!(card(&world, API).cells[0].deployment, Some(deployed.id));
}

#[test]
fn what_something_newer_took_the_place_of_is_replaced() {
    let world = world();
    world.deploy(API, "dev");
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    world.deploy("api@1.1.0", "dev");
    assert_eq!(reached(&world, API)[0], Reached::Replaced);
    assert_eq!(reached(&world, "api@1.1.0")[0], Reached::Live);
}

#[test]
fn what_failed_after_a_success_of_another_leaves_that_one_live() {
    let world = world();
    world.deploy(API, "dev");
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    world.end(&world.running("api@1.1.0", "dev"), DeploymentState::Failed);
    assert_eq!((reached(&world, API)[0], reached(&world, "api@1.1.0")[0]), (Reached::Live, Reached::Failed));
}

#[test]
fn what_was_stopped_is_cancelled() {
    let world = world();
    world.end(&world.running(API, "dev"), DeploymentState::Cancelled);
    assert_eq!(reached(&world, API)[0], Reached::Cancelled);
}

#[test]
fn what_is_launching_or_running_is_active() {
    let world = world();
    let started = world.start("erin", API, "dev").unwrap().deployment;
    assert_eq!(reached(&world, API)[0], Reached::Active);
    world.claim(&started);
    assert_eq!(reached(&world, API)[0], Reached::Active);
    let active: Vec<DeploymentId> = seen(&world).active.iter().map(|active| active.id).collect();
    assert_eq!(active, [started.id]);
}

#[test]
fn what_lost_its_supervisor_is_lost() {
    let world = world();
    let lost = world.lost(API, "dev");
    assert_eq!(reached(&world, API)[0], Reached::Lost);
    assert_eq!(seen(&world).active, [lost]);
}

#[test]
fn what_ran_nothing_has_reached_nothing() {
    let world = world();
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    world.start("erin", API, "dev").unwrap_err();
    assert_eq!(reached(&world, API)[0], Reached::Not);
}

#[test]
fn a_release_goes_from_environment_to_environment() {
    let mut world = world();
    assert_eq!(next(&world, API).as_deref(), Some("dev"));
    world.deploy(API, "dev");
    assert_eq!(next(&world, API).as_deref(), Some("staging"));
    world.deploy(API, "staging");
    assert_eq!(next(&world, API).as_deref(), Some("production"));
    world.pass(Duration::from_hours(1));
    world.approve("bob", API, "production");
    world.approve("dave", API, "production");
    world.deploy(API, "production");
    assert_eq!(next(&world, API), None);
}

#[test]
fn a_newer_release_behind_it_does_not_send_one_back() {
    let world = world();
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    world.deploy("api@1.1.0", "dev");
    assert_eq!(next(&world, API).as_deref(), Some("production"));
}

#[test]
fn a_failure_is_tried_again_where_it_happened() {
    let world = world();
    world.deploy(API, "dev");
    world.end(&world.running(API, "staging"), DeploymentState::Failed);
    assert_eq!(next(&world, API).as_deref(), Some("staging"));
}

#[test]
fn the_next_environment_comes_with_its_gates() {
    let world = world();
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    let report = card(&world, API).next.unwrap().report;
    let explained = world.as_("erin", |cx| explain(cx, &release_id(API), &env_name("production"))).unwrap();
    assert_eq!(report, explained);
    assert_eq!(closed(&report), ["soak", "approvals"]);
}

/// What a card says of itself.
#[track_caller]
fn told(world: &World, id: &str) -> (Mood, String) {
    standing(&card(world, id), &seen(world), world.now)
}

#[test]
fn a_card_says_the_one_thing_worth_knowing() {
    let mut world = world();
    assert_eq!(told(&world, API), (Mood::Good, "dev is open".to_owned()));
    let running = world.running(API, "dev");
    assert_eq!(told(&world, API), (Mood::Busy, "#1 running to dev, 0s".to_owned()));
    world.end(&running, DeploymentState::Failed);
    assert_eq!(told(&world, API), (Mood::Bad, "FAILED in dev".to_owned()));
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    assert_eq!(told(&world, API), (Mood::Quiet, "production: soaks until 11:00".to_owned()));
    world.pass(Duration::from_hours(2));
    assert_eq!(told(&world, API), (Mood::Quiet, "production: waits for managers, sre".to_owned()));
}

#[test]
fn a_card_whose_place_something_else_took_does_not_say_that_it_is_live() {
    let mut world = World::new();
    world.ready(API);
    world.deploy(API, "production");
    assert_eq!(told(&world, API), (Mood::Good, "live in production".to_owned()));
    world.advance(API, 1);
    world.ready("api@1.1.0");
    world.deploy("api@1.1.0", "production");
    assert_eq!(told(&world, API), (Mood::Quiet, "was live in production; something else is now".to_owned()));
}

#[test]
fn a_card_counts_what_is_missing_and_does_not_block() {
    let world = World::new();
    world.release(API);
    world.advance(API, 1);
    assert_eq!(card(&world, API).gaps().len(), 4);
    world.edit(API, &Edit { owner: Some("carol".to_owned()), ..Edit::default() });
    let card = card(&world, API);
    assert_eq!((card.gaps().len(), card.blockers()), (3, Vec::new()));
    assert!(matches!(card.exit[0].answer, ExitAnswer::Met { .. }));
}

#[test]
fn a_card_names_what_blocks() {
    let world = world();
    world.as_("bob", |cx| block(cx, &release_id(API), "licence unclear")).unwrap();
    assert_eq!(card(&world, API).blockers(), ["blocked"]);
}

#[test]
fn a_card_names_the_gates_that_its_stage_requires() {
    let world =
        World::with(&format!("{}[stages.plan]\nrequire = [\"risk\"]\n", crate::support::world::POLICY));
    world.release(API);
    world.advance(API, 1);
    let card = card(&world, API);
    assert_eq!((card.blockers(), card.gaps().len()), (vec!["risk".to_owned()], 3));
}

#[test]
fn a_card_that_was_live_and_was_replaced_may_go_on() {
    let mut world = World::new();
    for id in [API, "api@1.1.0"] {
        world.ready(id);
        world.deploy(id, "production");
    }
    for id in [API, "api@1.1.0"] {
        assert_eq!(card(&world, id).blockers(), Vec::<String>::new(), "{id}");
    }
}

#[test]
fn a_card_of_a_service_that_left_the_configuration_is_still_shown() {
    let mut world = world();
    world.policy.services.remove(&"api".parse().unwrap());
    let card = card(&world, API);
    assert!(card.cells.is_empty() && card.next.is_none());
}

#[test]
fn a_place_shows_what_is_live_and_what_was_tried_since() {
    let world = world();
    let live = world.deploy(API, "dev");
    let tried = world.end(&world.running(API, "dev"), DeploymentState::Failed);
    let places = seen(&world).places;
    let names: Vec<String> = places.iter().map(|p| format!("{} {}", p.service, p.environment)).collect();
    assert_eq!(names, ["api dev", "api staging", "api production", "web staging", "web production"]);
    assert_eq!((places[0].live.clone(), places[0].newest.clone()), (Some(live), Some(tried)));
    assert!(places[1].live.is_none() && places[1].newest.is_none());
}

#[test]
fn a_place_that_is_as_it_should_be_shows_one_deployment() {
    let world = world();
    world.deploy(API, "dev");
    assert!(seen(&world).places[0].newest.is_none());
}

#[test]
fn a_closed_place_says_by_what_and_until_when() {
    let world = world();
    let end = world.now.plus(Duration::from_hours(2));
    world.freeze("Incident", "staging", world.now, end);
    let frozen: Vec<_> = seen(&world).places.into_iter().map(|place| place.freeze).collect();
    let closed = Some(("Incident".to_owned(), Some(end)));
    assert_eq!(frozen, [None, closed.clone(), None, closed, None]);
}

#[test]
fn the_board_shows_freezes_of_the_next_two_days() {
    let world = world();
    let at = |hours| world.now.plus(Duration::from_hours(hours));
    world.freeze("Soon", "dev", at(48), at(50));
    world.freeze("Later", "dev", at(49), at(50));
    let names: Vec<String> = seen(&world).freezes.into_iter().map(|freeze| freeze.name).collect();
    assert_eq!(names, ["Soon"]);
}

#[test]
fn an_approval_is_due_once_the_release_is_live_upstream() {
    let world = world();
    world.deploy(API, "dev");
    assert!(waiting(&world, "bob").is_empty());
    world.deploy(API, "staging");
    let pending = waiting(&world, "bob");
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].subject, ApprovalSubject::Environment(env_name("production")));
    assert_eq!(pending[0].digest, world.gates("bob", API, "production").subject);
}

#[test]
fn an_approval_is_not_due_while_something_else_is_live_upstream() {
    let world = world();
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    world.deploy("api@1.1.0", "dev");
    world.deploy("api@1.1.0", "staging");
    let about: Vec<String> = waiting(&world, "bob").iter().map(|p| p.release.id.to_string()).collect();
    assert_eq!(about, ["api@1.1.0"]);
}

#[test]
fn what_somebody_decided_about_stays_in_the_queue() {
    let world = in_queue();
    world.approve("bob", API, "production");
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    world.deploy("api@1.1.0", "dev");
    world.deploy("api@1.1.0", "staging");
    let about: Vec<String> = waiting(&world, "carol").iter().map(|p| p.release.id.to_string()).collect();
    assert_eq!(about, [API, "api@1.1.0"]);
}

#[test]
fn whoever_may_decide_is_asked() {
    let world = in_queue();
    for who in ["bob", "carol", "dave", "erin"] {
        assert_eq!(waiting(&world, who)[0].not_yours, None, "{who}");
    }
}

/// A release that waits for its approvals.
fn in_queue() -> World {
    let world = world();
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world
}

#[test]
fn who_is_in_no_group_is_told_which() {
    let world = in_queue();
    assert_eq!(waiting(&world, "frank")[0].not_yours.as_deref(), Some("you are not in managers or sre"));
}

#[test]
fn who_has_decided_is_told_so() {
    let world = in_queue();
    world.approve("bob", API, "production");
    assert_eq!(waiting(&world, "bob")[0].not_yours.as_deref(), Some("you have decided"));
    assert_eq!(waiting(&world, "carol")[0].not_yours, None);
}

#[test]
fn who_decided_about_something_else_is_asked_again() {
    let world = in_queue();
    world.approve("bob", API, "production");
    *world.machine.script.borrow_mut() = "two".to_owned();
    assert_eq!(waiting(&world, "bob")[0].not_yours, None);
}

#[test]
fn whose_decision_expired_is_asked_again() {
    let mut world = in_queue();
    world.approve("bob", API, "production");
    world.pass(Duration::from_hours(8));
    assert_eq!(waiting(&world, "bob")[0].not_yours, None);
}

#[test]
fn who_requested_it_is_not_asked() {
    let mut world = in_queue();
    let alice = relman::domain::policy::Member::User("alice".to_owned());
    world.policy.groups.get_mut("managers").unwrap().push(alice);
    assert_eq!(waiting(&world, "alice")[0].not_yours.as_deref(), Some("you requested or created it"));
}

#[test]
fn the_queue_counts_as_the_gate_does() {
    let world = in_queue();
    world.approve("bob", API, "production");
    let pending = waiting(&world, "dave").remove(0);
    let missing: Vec<usize> = pending.tally.rules.iter().map(RuleState::missing).collect();
    assert_eq!((missing, pending.tally.is_met()), (vec![0, 1], false));
    world.approve("dave", API, "production");
    assert!(waiting(&world, "erin")[0].tally.is_met());
}

#[test]
fn the_queue_says_what_would_be_replaced() {
    let mut world = World::new();
    world.ready(API);
    let live = world.deploy(API, "production");
    world.release("api@1.1.0");
    world.advance("api@1.1.0", 5);
    world.deploy("api@1.1.0", "dev");
    world.deploy("api@1.1.0", "staging");
    assert_eq!(waiting(&world, "bob")[0].live, Some(live));
}

#[test]
fn what_waits_for_others_comes_after_what_waits_for_you() {
    let world = in_queue();
    world.release("web@1.0.0");
    world.advance("web@1.0.0", 5);
    world.deploy("web@1.0.0", "staging");
    world.approve("bob", API, "production");
    let about: Vec<String> = waiting(&world, "bob").iter().map(|p| p.release.id.to_string()).collect();
    assert_eq!(about, ["web@1.0.0", API]);
}

const REQUESTS: &str = r#"
[groups]
managers = ["bob"]
[environments.staging]
[services.api]
pipeline = ["staging"]
scripts = { deploy = ["./deploy.sh"] }
[stages.request]
approvals = [{ from = "managers" }]
"#;

#[test]
fn a_new_request_waits_for_its_approval() {
    let world = World::with(REQUESTS);
    world.release(API);
    let pending = waiting(&world, "bob");
    assert_eq!((pending.len(), pending[0].subject.clone()), (1, ApprovalSubject::Request));
    assert_eq!((pending[0].not_yours.clone(), pending[0].report.clone()), (None, None));
}

#[test]
fn a_request_that_moved_on_no_longer_waits() {
    let world = World::with(REQUESTS);
    world.release(API);
    world.decide("bob", API, None, Verdict::Approved).unwrap();
    world.advance(API, 1);
    assert!(waiting(&world, "bob").is_empty());
}

#[test]
fn a_calendar_holds_what_overlaps_its_span_in_order() {
    let world = world();
    let at = |hours| world.now.plus(Duration::from_hours(hours));
    world.freeze("Third", "dev", at(9), at(20));
    world.freeze("After", "dev", at(10), at(20));
    world.freeze("First", "dev", at(0), at(3));
    world.freeze("Second", "dev", at(4), at(5));
    world.freeze("Before", "dev", at(0), at(2));
    let span = Window::new(at(2), at(10)).unwrap();
    let shown = world.as_("erin", |cx| calendar(cx, span)).unwrap();
    let names: Vec<String> = shown.freezes.into_iter().map(|freeze| freeze.name).collect();
    assert_eq!(names, ["First", "Second", "Third"]);
}

#[test]
fn a_calendar_leaves_removed_freezes_out() {
    let world = world();
    let span = Window::new(world.now, world.now.plus(Duration::from_hours(9))).unwrap();
    world.freeze("Incident", "dev", span.start, span.end);
    world.as_("bob", |cx| relman::ops::freeze::remove(cx, "Incident", None)).unwrap();
    assert!(world.as_("erin", |cx| calendar(cx, span)).unwrap().freezes.is_empty());
}

#[test]
fn a_calendar_shows_past_freezes_and_configured_ones() {
    let config = r#"
[[freezes]]
name = "Inventory"
environments = ["dev"]
start = "2026-08-20 00:00"
end = "2026-08-21 00:00"
time-zone = "UTC"
"#;
    let mut world = World::with(&format!("{}{config}", crate::support::world::POLICY));
    let start = world.now.minus(Duration::from_hours(24 * 20));
    world.freeze("Incident", "dev", world.now, world.now.plus(Duration::from_hours(1)));
    world.pass(Duration::from_hours(5));
    let span = Window::new(start, world.now).unwrap();
    let shown = world.as_("erin", |cx| calendar(cx, span)).unwrap();
    let names: Vec<String> = shown.freezes.into_iter().map(|freeze| freeze.name).collect();
    assert_eq!(names, ["Inventory", "Incident"]);
}

#[test]
fn a_calendar_shows_the_deployments_of_its_span_newest_first() {
    let mut world = world();
    let ids: Vec<DeploymentId> = (0..4)
        .map(|_| {
            let id = world.deploy(API, "dev").id;
            world.pass(Duration::from_hours(1));
            id
        })
        .collect();
    let from = world.now.minus(Duration::from_hours(3));
    let span = Window::new(from, from.plus(Duration::from_hours(2))).unwrap();
    let shown = world.as_("erin", |cx| calendar(cx, span)).unwrap();
    let shown: Vec<DeploymentId> = shown.deployments.iter().map(|deployment| deployment.id).collect();
    assert_eq!(shown, [ids[2], ids[1]]);
}

#[test]
fn a_deployment_is_shown_with_its_steps_and_what_the_gates_said() {
    let world = world();
    let started = world.start("erin", API, "dev").unwrap();
    let view = world.as_("erin", |cx| deployment::deployment(cx, started.deployment.id)).unwrap();
    assert_eq!((view.deployment, view.report), (started.deployment, started.report));
    assert_eq!((view.steps.len(), view.usual_ms), (2, None));
}

#[test]
fn a_deployment_usually_takes_what_its_successes_took() {
    let mut world = world();
    for (seconds, end) in
        [(10, DeploymentState::Succeeded), (20, DeploymentState::Succeeded), (900, DeploymentState::Failed)]
    {
        let running = world.running(API, "dev");
        world.pass(Duration::from_secs(seconds));
        world.end(&running, end);
    }
    let view = world.as_("erin", |cx| deployment::deployment(cx, DeploymentId(3))).unwrap();
    assert_eq!(view.usual_ms, Some(15_000));
}

#[test]
fn deployments_are_listed_newest_first_and_narrowed() {
    let world = world();
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.deploy(API, "dev");
    let listed = |filter: Filter, limit| -> Vec<i64> {
        let all = world.as_("erin", |cx| deployment::list(cx, &filter, limit)).unwrap();
        all.iter().map(|deployment| deployment.id.0).collect()
    };
    assert_eq!(listed(Filter::default(), 10), [3, 2, 1]);
    assert_eq!(listed(Filter::default(), 2), [3, 2]);
    let dev = Filter { environment: Some(env_name("dev")), ..Filter::default() };
    assert_eq!(listed(dev.clone(), 10), [3, 1]);
    assert_eq!(listed(Filter { before: Some(DeploymentId(3)), ..dev }, 10), [1]);
    assert!(listed(Filter { release: Some(release_id("api@2.0.0")), ..Filter::default() }, 10).is_empty());
}

#[test]
fn a_release_is_shown_with_the_gates_of_its_whole_pipeline() {
    let world = world();
    let given = world.approve("bob", API, "production");
    let deployed = world.deploy(API, "dev");
    let view = world.as_("erin", |cx| release_view::release(cx, &release_id(API))).unwrap();
    let envs: Vec<String> = view.reports.iter().map(|report| report.environment.to_string()).collect();
    assert_eq!(envs, ["dev", "staging", "production"]);
    assert_eq!(
        (
            view.release,
            view.approvals.into_iter().map(|decision| decision.approval).collect(),
            view.deployments
        ),
        (world.stored(API), vec![given], vec![deployed])
    );
    assert_eq!(view.exit[0].gate.as_str(), "live");
}

#[test]
fn what_has_ended_has_no_gates_to_pass() {
    let world = world();
    world.as_("alice", |cx| cancel(cx, &release_id(API), "not wanted")).unwrap();
    let view = world.as_("erin", |cx| release_view::release(cx, &release_id(API))).unwrap();
    assert!(view.reports.is_empty() && view.exit.is_empty());
}

#[test]
fn the_past_holds_what_has_ended() {
    let world = world();
    world.release("api@1.1.0");
    world.as_("alice", |cx| cancel(cx, &release_id(API), "not wanted")).unwrap();
    let ids = |all: Vec<relman::domain::release::Release>| -> Vec<String> {
        all.iter().map(|release| release.id.to_string()).collect()
    };
    assert_eq!(ids(world.as_("erin", |cx| release_view::past(cx, None, 10)).unwrap()), [API]);
    assert_eq!(ids(world.as_("erin", release_view::open).unwrap()), ["api@1.1.0"]);
}

/// The entries about the release, as `audit list` finds them.
fn about(world: &World, before: Option<i64>) -> Vec<relman::domain::journal::Entry> {
    let sought = Sought { subject: Some(API.to_owned()), ..Sought::default() };
    world.as_("erin", |cx| seek(cx, &sought, Range { since: 1, until: i64::MAX }, before, 10)).unwrap()
}

#[test]
fn the_history_of_a_release_is_told_newest_first() {
    let world = World::new();
    world.release(API);
    world.release("web@1.0.0");
    world.advance(API, 2);
    let told = about(&world, None);
    let verbs: Vec<&str> = told.iter().map(|entry| entry.verb.as_str()).collect();
    assert_eq!(verbs, ["release.advanced", "release.advanced", "release.created"]);
    let older = about(&world, Some(told[1].seq));
    assert_eq!(older, told[2..]);
}

#[test]
fn how_it_ended_is_known_before_the_store_can_be_told() {
    let mut world = world();
    let running = world.running(API, "dev");
    world.machine.exit.borrow_mut().insert(running.id, outcome(DeploymentState::Failed, world.now));
    let state = |world: &World| {
        world.as_("erin", |cx| deployment::deployment(cx, running.id)).unwrap().deployment.state
    };
    assert_eq!(state(&world), DeploymentState::Running, "the store will be told in a moment");
    world.pass(Duration::from_secs(3));
    assert_eq!(world.deployment(running.id).state, DeploymentState::Running, "the store says so still");
    let view = world.as_("erin", |cx| deployment::deployment(cx, running.id)).unwrap();
    assert_eq!(view.deployment.state, DeploymentState::Failed);
    assert!(view.steps.iter().all(|step| step.state.is_over()), "{:?}", view.steps);
    let listed = world.as_("erin", |cx| deployment::list(cx, &Filter::default(), 5)).unwrap();
    assert_eq!(listed[0].state, DeploymentState::Failed);
    let board = seen(&world);
    assert!(board.active.is_empty());
    assert_eq!(standing(&board.cards[0], &board, world.now), (Mood::Bad, "FAILED in dev".to_owned()));
    let error = world.start("erin", API, "dev").unwrap_err();
    assert!(error.sentence.contains("has failed, but the store could not be told"), "{error}");
    assert!(error.hints[0].contains("make room on the disk"), "{:?}", error.hints);
}

#[test]
fn what_has_just_succeeded_is_live_before_the_store_can_be_told() {
    let mut world = world();
    let running = world.running(API, "dev");
    world.machine.exit.borrow_mut().insert(running.id, outcome(DeploymentState::Succeeded, world.now));
    world.pass(Duration::from_secs(3));
    assert_eq!(reached(&world, API)[0], Reached::Live);
    assert_eq!(next(&world, API).as_deref(), Some("staging"));
}

/// Two releases were good in production, where managers agree to going back.
pub(crate) fn with_a_way_back() -> World {
    let policy = POLICY
        .replace("rollback-approvals = []", "rollback-approvals = [{ from = \"managers\" }]")
        .replace("approvals = [{ from = \"managers\", count = 1 }, { from = \"sre\", count = 1 }]\n", "");
    let mut world = World::with(&policy);
    for id in ["api@1.0.0", "api@1.1.0"] {
        world.release(id);
        world.advance(id, 5);
        world.deploy(id, "dev");
        world.deploy(id, "staging");
        world.pass(Duration::from_hours(1));
        world.deploy(id, "production");
    }
    world.pass(Duration::from_mins(5));
    world
}

#[test]
fn a_rollback_that_was_refused_for_want_of_approvals_waits_for_them() {
    let mut world = with_a_way_back();
    assert!(waiting(&world, "bob").is_empty(), "nobody has asked for it");
    let refused = world.roll_back("api", "production").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unapproved);
    let item = waiting(&world, "bob").remove(0);
    assert_eq!(
        (item.release.id.to_string(), item.matter()),
        (API.to_owned(), "production (back)".to_owned())
    );
    assert_eq!((item.back.as_deref(), item.not_yours), (Some("erin"), None));
    assert_eq!(item.live.unwrap().release, release_id("api@1.1.0"));
    let told = waiting(&world, "dave").remove(0).not_yours;
    assert_eq!(told.as_deref(), Some("you are not in managers"));
    world.approve("bob", API, "production");
    assert!(waiting(&world, "erin")[0].tally.is_met());
    // Once it has begun nothing waits any more; nor does what nobody has asked for again for longer than approvals count.
    world.pass(Duration::from_mins(5));
    let back = world.roll_back_to("api", "production", "1.0.0");
    world.claim(&back);
    assert!(waiting(&world, "bob").is_empty());
    world.end(&back, DeploymentState::Failed);
    world.withdraw("bob", API, "production");
    world.pass(Duration::from_mins(5));
    world.roll_back("api", "production").unwrap_err();
    assert_eq!(waiting(&world, "bob").len(), 1);
    world.pass(Duration::from_hours(8));
    assert!(waiting(&world, "bob").is_empty());
}
