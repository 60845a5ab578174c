//! A believable store, and the panes drawn on a screen of any size.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use relman::domain::approval::Verdict;
use relman::domain::deployment::{Beat, Cause, DeploymentState, Outcome, Step, StepState};
use relman::domain::digest::Digest;
use relman::domain::freeze::Scope;
use relman::domain::ids::{DeploymentId, EnvName};
use relman::domain::release::Level;
use relman::domain::time::Window;
use relman::ops::approval::decide::{Decision, decide};
use relman::ops::deployment::start::{StartDeploy, start};
use relman::ops::deployment::{claim, finish};
use relman::ops::freeze;
use relman::ops::release::create::{NewRelease, create};
use relman::ops::release::edit::{Edit, edit};
use relman::ops::release::{advance, block};
use relman::ops::view::deployment::deployment;
use relman::tui::model::Model;
use relman::tui::view;

use super::world::{World, about, release_id};

/// Three services and the people around them: alice and frank build, bob and carol manage, dave and erin operate.
pub(crate) const TEAM: &str = r#"
[relman]
database = "relman.db"
time-zone = "Europe/Berlin"
[groups]
managers = ["bob", "carol"]
sre = ["dave", "erin"]
[environments.dev]
kind = "development"
[environments.staging]
kind = "staging"
[environments.production]
kind = "production"
soak = "1h"
approvals = [{ from = "managers", count = 1 }, { from = "sre", count = 1 }]
deployers = ["sre"]
override = ["managers"]
[services.storefront]
pipeline = ["dev", "staging", "production"]
scripts = { deploy = ["./deploy.sh"], verify = ["./verify.sh"], plan = ["./plan.sh"] }
strategy.production = { kind = "canary", percents = [10, 50, 100], pause = "10m" }
[services.payments]
pipeline = ["dev", "staging", "production"]
scripts = { deploy = ["./deploy.sh"], verify = ["./verify.sh"] }
strategy.production = { kind = "blue-green" }
[services.search]
pipeline = ["staging", "production"]
scripts = { deploy = ["./deploy.sh"], verify = ["./verify.sh"] }
strategy.staging = { kind = "rolling", targets = ["search-1", "search-2", "search-3"], batch = 1 }
[stages.request]
require = ["described"]
[stages.plan]
require = ["risk", "rollback-plan"]
[stages.test]
checks = ["unit", "integration", "uat"]
[[freezes]]
name = "Quarter end"
reason = "books are closed"
environments = ["production"]
start = "2026-09-29 18:00"
end = "2026-10-02 08:00"
[[freezes]]
name = "Inventory"
reason = "prices must not move"
services = ["storefront"]
environments = ["production"]
start = "2026-09-05 18:00"
end = "2026-09-07 06:00"
"#;

/// Gives the storefront more in its configuration.
pub(crate) fn with_storefront(world: &mut World, more: &str) {
    let policy = TEAM.replace("[services.payments]", &format!("{more}\n[services.payments]"));
    let config = relman::config::parse(std::path::Path::new("/srv/relman.toml"), &policy);
    world.policy = config.unwrap_or_else(|why| panic!("{why}")).policy;
}

/// The store of a Tuesday noon: releases in most stages, one failed, one blocked, one rolling out right now as #9.
pub(crate) fn team() -> World {
    let mut world = World::with(TEAM);
    world.now = "2026-08-31T06:00:00Z".parse().unwrap();
    for (id, title, stages) in [
        ("storefront@1.4.0", "Gift cards", 5),
        ("payments@3.1.0", "SEPA instant payments", 5),
        ("search@0.8.1", "Synonyms", 5),
    ] {
        registered(&world, id, title, Level::Medium, stages);
    }
    for id in ["storefront@1.4.0", "payments@3.1.0"] {
        delivered(&mut world, "alice", id, "dev", None);
        delivered(&mut world, "alice", id, "staging", None);
    }
    delivered(&mut world, "frank", "search@0.8.1", "staging", None);
    world.pass(Duration::from_secs(2 * 3600));
    approved(&world, "bob", "storefront@1.4.0");
    approved(&world, "erin", "storefront@1.4.0");
    delivered(&mut world, "dave", "storefront@1.4.0", "production", None);
    world.as_("alice", |cx| advance::advance(cx, &release_id("storefront@1.4.0"))).unwrap();
    registered(&world, "storefront@1.4.1", "Faster checkout for returning customers", Level::Medium, 5);
    delivered(&mut world, "alice", "storefront@1.4.1", "dev", None);
    delivered(&mut world, "alice", "storefront@1.4.1", "staging", None);
    registered(&world, "payments@3.2.0", "Refunds without a receipt", Level::High, 3);
    delivered(&mut world, "frank", "payments@3.2.0", "dev", Some("deploy"));
    world.pass(Duration::from_secs(20 * 3600));
    approved(&world, "bob", "storefront@1.4.1");
    registered(&world, "search@0.9.0", "Ranking by stock", Level::Low, 1);
    world
        .as_("carol", |cx| block::block(cx, &release_id("search@0.9.0"), "waits for the new index cluster"))
        .unwrap();
    world
        .as_("frank", |cx| {
            create(
                cx,
                &release_id("storefront@1.5.0"),
                &NewRelease {
                    title: Some("Wish lists".to_owned()),
                    need: Some("asked for by a third of the shops".to_owned()),
                    ..NewRelease::default()
                },
            )
        })
        .unwrap();
    registered(&world, "search@0.8.2", "Typo tolerance", Level::Low, 2);
    let running = begun(&world, "alice", "search@0.8.2", "staging");
    world.pass(Duration::from_secs(42));
    half_done(&world, running);
    world
}

/// A release with a plan, moved on by so many stages.
pub(crate) fn registered(world: &World, id: &str, title: &str, risk: Level, stages: usize) {
    let new = NewRelease {
        title: Some(title.to_owned()),
        need: Some("the shops asked for it".to_owned()),
        commit: Some("4be1c0ffee".to_owned()),
        artifact: Some(format!("registry.example/{id}")),
        digest: Some(Digest::of(id.as_bytes())),
        changes: vec!["feat: the thing itself".to_owned(), "fix: a rounding error".to_owned()],
        ..NewRelease::default()
    };
    let plan = Edit {
        risk: Some(risk),
        rollback_plan: Some("redeploy the previous version, five minutes".to_owned()),
        owner: Some("web team".to_owned()),
        ..Edit::default()
    };
    world.as_("alice", |cx| create(cx, &release_id(id), &new)).unwrap();
    world.as_("alice", |cx| edit(cx, &release_id(id), &plan)).unwrap();
    world.advance(id, stages);
}

/// Starts a deployment and lets its supervisor claim it.
pub(crate) fn begun(world: &World, who: &str, id: &str, env: &str) -> DeploymentId {
    let id = release_id(id);
    let confirm = Some(id.version.to_string());
    let wanted = StartDeploy { confirm, ..StartDeploy::new(id, environment(env)) };
    world.as_(who, |cx| {
        let d = start(cx, &wanted).unwrap_or_else(|why| panic!("{why:#?}")).deployment;
        claim::claim(cx, d.id, d.epoch).unwrap();
        d.id
    })
}

/// A whole deployment: `failed` names the step it failed in.
pub(crate) fn delivered(world: &mut World, who: &str, id: &str, env: &str, failed: Option<&str>) {
    let id = begun(world, who, id, env);
    world.pass(Duration::from_secs(95));
    ended(world, id, failed);
    world.pass(Duration::from_secs(600));
}

/// Records how a running deployment ended.
pub(crate) fn ended(world: &World, id: DeploymentId, failed: Option<&str>) {
    let (state, cause) = match failed {
        None => (DeploymentState::Succeeded, Cause::Completed),
        Some(_) => (DeploymentState::Failed, Cause::Exit { code: 3 }),
    };
    let outcome = Outcome {
        state,
        cause,
        failed_step: failed.map(ToOwned::to_owned),
        at: world.now,
        log_size: 0,
        log_digest: Digest::of(b""),
        log_dropped: 0,
        left_running: Vec::new(),
    };
    world.as_("alice", |cx| {
        let view = deployment(cx, id).unwrap();
        let failed_at = failed.and_then(|name| view.steps.iter().position(|step| step.plan.name == name));
        for (at, step) in view.steps.into_iter().enumerate() {
            let state = match failed_at {
                Some(failed) if at == failed => StepState::Failed,
                Some(failed) if at > failed => StepState::Skipped,
                _ => StepState::Succeeded,
            };
            let done = Step { state, started_at: Some(cx.now), finished_at: Some(cx.now), ..step };
            claim::step(cx, id, view.deployment.epoch, &done).unwrap();
        }
        finish::settle(cx, id, view.deployment.epoch, &finish::LIVE, &outcome, None).unwrap();
    });
}

/// The first step done, the second at work, forty percent.
fn half_done(world: &World, id: DeploymentId) {
    world.as_("alice", |cx| {
        let view = deployment(cx, id).unwrap();
        let epoch = view.deployment.epoch;
        let begin = view.deployment.requested_at;
        let first = Step {
            state: StepState::Succeeded,
            started_at: Some(begin),
            finished_at: Some(begin.plus(Duration::from_secs(20))),
            log_from: Some(0),
            ..view.steps[0].clone()
        };
        let second = Step {
            state: StepState::Running,
            started_at: Some(begin.plus(Duration::from_secs(20))),
            log_from: Some(64),
            ..view.steps[1].clone()
        };
        claim::step(cx, id, epoch, &first).unwrap();
        claim::step(cx, id, epoch, &second).unwrap();
        let beat = Beat {
            log_size: 900,
            log_dropped: 0,
            progress: Some(40),
            progress_note: Some("copying the index".to_owned()),
            script: None,
        };
        claim::beat(cx, id, epoch, &beat).unwrap();
    });
}

/// The team's store with wish lists ready to be built: development is open to them, and asks nothing but `y`.
pub(crate) fn built() -> World {
    let world = team();
    world.advance("storefront@1.5.0", 1);
    let plan =
        Edit { risk: Some(Level::Low), rollback_plan: Some("take it out".to_owned()), ..Edit::default() };
    world.as_("frank", |cx| edit(cx, &release_id("storefront@1.5.0"), &plan)).unwrap();
    world.advance("storefront@1.5.0", 1);
    world
}

/// Somebody agrees to production.
pub(crate) fn approved(world: &World, who: &str, id: &str) {
    let decision = Decision::new(release_id(id), about(Some("production")), Verdict::Approved);
    world.as_(who, |cx| decide(cx, &decision)).unwrap();
}

/// Closes production from now on for four hours.
pub(crate) fn frozen(world: &World) {
    let scope = Scope::new(vec!["*".to_owned()], vec!["production".to_owned()]).unwrap();
    let window = Window::new(world.now, world.now.plus(Duration::from_secs(4 * 3600))).unwrap();
    let new = freeze::NewFreeze::once("Checkout incident", "carts vanish", scope, window, world.policy.zone);
    world.as_("bob", |cx| freeze::add(cx, &new)).unwrap();
}

pub(crate) fn environment(name: &str) -> EnvName {
    name.parse().unwrap()
}

/// The screen at the model's size.
pub(crate) fn buffer(model: &Model) -> Buffer {
    let (width, height) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::view(model, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// What stands on the screen, colours and attributes left out.
pub(crate) fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let rows = buffer.content.chunks(width).map(|row| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}
