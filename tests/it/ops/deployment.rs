//! Does a deployment start when every gate agrees and only then, once, and with everything it needs?

use std::collections::BTreeSet;
use std::time::Duration;

use relman::domain::actor::Actor;
use relman::domain::deployment::{Cause, DeploymentKind, DeploymentState, Outcome, ProcessRef, StepState};
use relman::domain::digest::Digest;
use relman::domain::gate::{Answer, GateId, GateReport};
use relman::domain::ids::DeploymentId;
use relman::domain::journal::Verb;
use relman::domain::policy::{KeyFiles, Service};
use relman::domain::release::Level;
use relman::domain::signature::{Signed, Signer};
use relman::domain::subject::ScriptSet;
use relman::domain::time::Timestamp;
use relman::ops::approval::sign::Order;
use relman::ops::deployment::claim::claim;
use relman::ops::deployment::start::{StartDeploy, start};
use relman::ops::deployment::ticket::{self, Ticket};
use relman::ops::release::block::block;
use relman::ops::release::edit::Edit;
use relman::ops::{Ctx, ErrorKind, Liveness, Machine, Store};

use super::on_record::{done, mistaken, refused};
use crate::support::world::{FakeMachine, POLICY, World, answer, closed, env_name, person, release_id, wish};

const API: &str = "api@1.0.0";
const REFUSED: (Verb, &str) = (Verb::DeploymentStarted, "api@1.0.0 → dev");

/// The ordinary policy with a release that may go to dev.
fn deployable() -> World {
    let world = World::new();
    world.release(API);
    world.advance(API, 2);
    world
}

fn steps(world: &World, id: DeploymentId) -> Vec<relman::domain::deployment::Step> {
    world.store.read(|tx| relman::store::steps::list_of(tx, id)).unwrap()
}

fn count(world: &World) -> usize {
    let all = relman::ops::Filter::default();
    world.store.read(|tx| relman::store::deployments::list(tx, &all, 100)).unwrap().len()
}

#[test]
fn a_start_that_every_gate_agrees_to_is_recorded_and_launched() {
    let mut world = World::new();
    world.ready(API);
    let started =
        done(&world, "erin", Verb::DeploymentStarted, "#3", |cx| start(cx, &wish(API, "production")));
    let deployment = started.deployment;
    assert_eq!((deployment.state, deployment.kind), (DeploymentState::Launching, DeploymentKind::Deploy));
    assert_eq!((deployment.started_by.name.as_str(), deployment.host.as_str()), ("erin", "bastion"));
    assert_eq!((deployment.boot.as_str(), deployment.strategy.as_str()), ("boot-1", "all-at-once"));
    assert_eq!(deployment.subject, started.report.subject);
    assert_eq!(world.deployment(deployment.id), deployment);
    let launched = world.machine.launched.borrow();
    assert_eq!((launched[2].id, launched[2].epoch, launched.len()), (deployment.id, deployment.epoch, 3));
}

#[test]
fn the_gate_report_is_kept_with_the_deployment_and_its_entry() {
    let world = deployable();
    let started = world.start("erin", API, "dev").unwrap();
    let kept = world.store.read(|tx| relman::store::deployments::report_of(tx, started.deployment.id));
    assert_eq!(kept.unwrap(), started.report);
    let body = world.last_entry().1;
    assert_eq!(serde_json::from_value::<GateReport>(body.detail.unwrap()).unwrap(), started.report);
    assert_eq!(body.after, Some(serde_json::to_value(&started.deployment).unwrap()));
}

#[test]
fn the_steps_are_planned_before_anything_runs() {
    let world = deployable();
    let id = world.start("erin", API, "dev").unwrap().deployment.id;
    let planned = steps(&world, id);
    let names: Vec<&str> = planned.iter().map(|step| step.plan.name.as_str()).collect();
    assert_eq!(names, ["deploy", "verify"]);
    assert!(planned.iter().all(|step| step.state == StepState::Pending && step.attempt == 0));
}

#[test]
fn the_ticket_tells_the_script_everything_about_the_deployment() {
    let world = World::new();
    world.release("api@0.9.0");
    world.advance("api@0.9.0", 2);
    world.deploy("api@0.9.0", "dev");
    world.release(API);
    world.advance(API, 2);
    let build = Edit {
        commit: Some("4f2a91c".to_owned()),
        artifact: Some("registry/api:1.0.0".to_owned()),
        digest: Some(Digest::of(b"image")),
        risk: Some(Level::Low),
        ..Edit::default()
    };
    world.edit(API, &build);
    let wanted = StartDeploy { reason: Some("Friday train".to_owned()), ..wish(API, "dev") };
    let id = world.as_("erin", |cx| start(cx, &wanted)).unwrap().deployment.id;
    let launched = world.machine.launched.borrow();
    let vars: Vec<String> =
        launched.last().unwrap().vars.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        vars,
        [
            "RELMAN_ACTOR=erin".to_owned(),
            "RELMAN_ARTIFACT=registry/api:1.0.0".to_owned(),
            format!("RELMAN_ARTIFACT_DIGEST={}", Digest::of(b"image")),
            "RELMAN_COMMIT=4f2a91c".to_owned(),
            format!("RELMAN_DEPLOYMENT={}", id.0),
            "RELMAN_ENVIRONMENT=dev".to_owned(),
            "RELMAN_EPOCH=2".to_owned(),
            "RELMAN_KIND=deploy".to_owned(),
            "RELMAN_PREVIOUS_VERSION=0.9.0".to_owned(),
            "RELMAN_REASON=Friday train".to_owned(),
            "RELMAN_SERVICE=api".to_owned(),
            "RELMAN_VERSION=1.0.0".to_owned(),
            "RELMAN_VERSION_CHANGE=major".to_owned(),
        ]
    );
}

#[test]
fn what_is_not_known_is_an_empty_variable_and_not_a_missing_one() {
    let world = deployable();
    world.start("erin", API, "dev").unwrap();
    let launched = world.machine.launched.borrow();
    for name in ["PREVIOUS_VERSION", "ARTIFACT", "ARTIFACT_DIGEST", "COMMIT", "REASON"] {
        assert_eq!(launched[0].vars.get(&format!("RELMAN_{name}")).map(String::as_str), Some(""), "{name}");
    }
}

#[test]
fn each_step_has_variables_of_its_own() {
    let world = World::with(
        r#"
[environments.staging]
[services.api]
pipeline = ["staging"]
scripts = { deploy = ["./deploy.sh"] }
strategy.staging = { kind = "rolling", targets = ["a", "b", "c"], batch = 2 }
[process.standard]
enter = "build"
"#,
    );
    world.release(API);
    world.start("erin", API, "staging").unwrap();
    let launched = world.machine.launched.borrow();
    let vars: Vec<String> = ticket::step_vars(&launched[0].steps, 1, 3)
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        vars,
        [
            "RELMAN_ATTEMPT=3",
            "RELMAN_COLOR=",
            "RELMAN_PERCENT=",
            "RELMAN_STEP=deploy b",
            "RELMAN_STEP_COUNT=3",
            "RELMAN_STEP_INDEX=2",
            "RELMAN_TARGETS=b",
        ]
    );
}

#[test]
fn a_blue_green_deployment_goes_to_the_side_that_is_idle() {
    let mut world = World::new();
    let sides: Vec<&str> = ["web@1.0.0", "web@1.1.0", "web@1.2.0"]
        .into_iter()
        .map(|id| {
            world.release(id);
            world.advance(id, 5);
            world.deploy(id, "staging");
            world.pass(Duration::from_hours(1));
            world.approve("bob", id, "production");
            world.approve("dave", id, "production");
            world.deploy(id, "production").color.unwrap().as_str()
        })
        .collect();
    assert_eq!(sides, ["blue", "green", "blue"]);
}

#[test]
fn the_ticket_names_the_files_the_gates_agreed_to() {
    let world = deployable();
    world.start("erin", API, "dev").unwrap();
    let launched = world.machine.launched.borrow();
    assert_eq!(launched[0].files[0].digest, Some(Digest::of(b"one")));
}

#[test]
fn the_epoch_of_an_environment_rises_with_each_deployment() {
    let world = deployable();
    let epochs: Vec<i64> = (0..3).map(|_| world.deploy(API, "dev").epoch).collect();
    assert_eq!(epochs, [1, 2, 3]);
}

#[test]
fn each_environment_counts_its_own_epochs() {
    let world = deployable();
    world.deploy(API, "dev");
    assert_eq!(world.deploy(API, "staging").epoch, 1);
}

#[test]
fn putting_the_same_version_there_again_is_a_redeployment() {
    let world = deployable();
    world.deploy(API, "dev");
    let again = world.deploy(API, "dev");
    assert_eq!((again.kind, again.previous), (DeploymentKind::Redeploy, Some("1.0.0".parse().unwrap())));
}

#[test]
fn the_gates_are_asked_again_when_it_starts() {
    let world = deployable();
    assert!(world.gates("erin", API, "dev").allows());
    world.freeze("Incident", "dev", world.now, world.now.plus(Duration::from_hours(1)));
    refused(&world, "erin", ErrorKind::Frozen, REFUSED, |cx| start(cx, &wish(API, "dev")));
    assert_eq!((count(&world), world.machine.launched.borrow().len()), (0, 0));
}

#[test]
fn a_refused_start_is_journaled_with_what_the_gates_said() {
    let world = World::new();
    world.release(API);
    let error = refused(&world, "erin", ErrorKind::Blocked, REFUSED, |cx| start(cx, &wish(API, "dev")));
    let told: GateReport = serde_json::from_value(world.last_entry().1.detail.unwrap()).unwrap();
    assert_eq!(told, *error.report.unwrap());
    assert_eq!((closed(&told), told.checks.len()), (vec!["stage"], 13));
}

#[test]
fn a_refusal_names_every_closed_gate_and_what_to_do() {
    let world = World::new();
    world.release(API);
    let verb = (Verb::DeploymentStarted, "api@1.0.0 → production");
    let error =
        refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| start(cx, &wish(API, "production")));
    assert!(error.sentence.contains("5 of 13 gates (deployer, stage, order, soak, approvals)"), "{error}");
    assert_eq!(error.hints[0], "ask dave or erin");
    assert_eq!(error.hints.len(), 5);
}

#[test]
fn who_may_not_deploy_there_is_not_permitted() {
    let mut world = World::new();
    world.ready(API);
    let verb = (Verb::DeploymentStarted, "api@1.0.0 → production");
    let error =
        refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| start(cx, &wish(API, "production")));
    assert_eq!(closed(&error.report.unwrap()), ["deployer"]);
}

#[test]
fn an_environment_takes_one_deployment_at_a_time() {
    let world = deployable();
    let first = world.running(API, "dev");
    let error = refused(&world, "carol", ErrorKind::Conflict, REFUSED, |cx| start(cx, &wish(API, "dev")));
    assert!(error.sentence.contains("#1 is running here: api@1.0.0 by erin"), "{error}");
    assert_eq!(error.hints, ["watch it: relman attach 1"]);
    assert_eq!((count(&world), world.deployment(first.id).state), (1, DeploymentState::Running));
}

#[test]
fn a_lost_deployment_keeps_its_environment() {
    let world = deployable();
    world.lost(API, "dev");
    let error = refused(&world, "carol", ErrorKind::Conflict, REFUSED, |cx| start(cx, &wish(API, "dev")));
    assert!(error.hints[0].contains("relman resolve 1"), "{error:?}");
}

#[test]
fn other_services_and_environments_are_not_held_up() {
    let world = deployable();
    world.deploy(API, "dev");
    world.running(API, "staging");
    assert!(world.start("carol", API, "dev").is_ok());
    world.release("web@1.0.0");
    world.advance("web@1.0.0", 2);
    assert!(world.start("carol", "web@1.0.0", "staging").is_ok());
}

#[test]
fn what_the_gates_say_otherwise_than_seen_starts_nothing() {
    let world = deployable();
    let seen = world.gates("erin", API, "dev");
    *world.machine.script.borrow_mut() = "two".to_owned();
    let wanted = StartDeploy { seen: Some(seen.clone()), ..wish(API, "dev") };
    let error = refused(&world, "erin", ErrorKind::Conflict, REFUSED, |cx| start(cx, &wanted));
    let report = error.report.unwrap();
    assert_ne!(report.subject, seen.subject);
    assert_eq!(world.last_entry().1.detail, Some(serde_json::to_value(&report).unwrap()));
    assert_eq!(count(&world), 0);
}

#[test]
fn a_gate_that_opened_since_it_was_seen_starts_nothing_either() {
    let world = World::new();
    world.release(API);
    let seen = Some(world.gates("erin", API, "dev"));
    world.advance(API, 2);
    let wanted = StartDeploy { seen, ..wish(API, "dev") };
    refused(&world, "erin", ErrorKind::Conflict, REFUSED, |cx| start(cx, &wanted));
}

#[test]
fn what_the_gates_say_as_seen_starts_even_later() {
    let mut world = deployable();
    let seen = Some(world.gates("erin", API, "dev"));
    world.pass(Duration::from_mins(10));
    let wanted = StartDeploy { seen, ..wish(API, "dev") };
    done(&world, "erin", Verb::DeploymentStarted, "#1", |cx| start(cx, &wanted));
}

#[test]
fn production_asks_for_the_version() {
    let mut world = World::new();
    world.ready(API);
    for confirm in [None, Some("1.0".to_owned()), Some("yes".to_owned()), Some(API.to_owned())] {
        let wanted = StartDeploy { confirm, ..wish(API, "production") };
        let verb = (Verb::DeploymentStarted, "api@1.0.0 → production");
        let error = refused(&world, "erin", ErrorKind::Unconfirmed, verb, |cx| start(cx, &wanted));
        assert_eq!(error.hints, ["add --confirm 1.0.0"]);
    }
    assert_eq!(count(&world), 2);
}

#[test]
fn elsewhere_nothing_has_to_be_typed() {
    let world = deployable();
    let wanted = StartDeploy { confirm: None, ..wish(API, "dev") };
    done(&world, "erin", Verb::DeploymentStarted, "#1", |cx| start(cx, &wanted));
}

#[test]
fn a_blocked_release_does_not_start() {
    let world = deployable();
    world.as_("bob", |cx| block(cx, &release_id(API), "licence unclear")).unwrap();
    let error = refused(&world, "erin", ErrorKind::Blocked, REFUSED, |cx| start(cx, &wish(API, "dev")));
    assert!(error.sentence.contains("bob blocked the release: licence unclear"), "{error}");
}

#[test]
fn an_environment_outside_the_pipeline_is_refused() {
    let world = World::new();
    world.release("web@1.0.0");
    world.advance("web@1.0.0", 2);
    let verb = (Verb::DeploymentStarted, "web@1.0.0 → dev");
    let error = refused(&world, "erin", ErrorKind::Blocked, verb, |cx| start(cx, &wish("web@1.0.0", "dev")));
    assert!(error.sentence.contains("dev is not in the pipeline of web"), "{error}");
}

#[test]
fn an_unknown_release_is_a_mistake() {
    let world = World::new();
    mistaken(&world, "erin", ErrorKind::NotFound, |cx| start(cx, &wish("api@9.9.9", "dev")));
}

#[test]
fn an_unknown_environment_is_answered_with_the_one_that_was_meant() {
    let world = deployable();
    let error = mistaken(&world, "erin", ErrorKind::NotFound, |cx| start(cx, &wish(API, "stagin")));
    assert_eq!(error.hints, ["did you mean staging?"]);
}

#[test]
fn looking_at_the_gates_changes_nothing() {
    let world = deployable();
    let (report, entries) = world.journaled(|| world.gates("erin", API, "dev"));
    assert!(report.allows() && entries.is_empty());
    assert_eq!(count(&world), 0);
}

#[test]
fn a_release_must_have_been_live_upstream() {
    let world = deployable();
    let error = world.start("erin", API, "staging").unwrap_err();
    assert!(error.sentence.contains("order: nothing has been deployed to dev yet"), "{error}");
}

#[test]
fn a_release_must_have_been_live_upstream_for_long_enough() {
    let mut world = World::new();
    world.release(API);
    world.advance(API, 5);
    world.deploy(API, "dev");
    let live = world.deploy(API, "staging");
    let soaked = live.finished_at.unwrap().plus(Duration::from_hours(1));
    world.pass(Duration::from_hours(1) - Duration::from_millis(1));
    assert!(closed(&world.gates("erin", API, "production")).contains(&"soak"));
    world.pass(Duration::from_millis(1));
    assert_eq!(world.now, soaked);
    assert!(!closed(&world.gates("erin", API, "production")).contains(&"soak"));
}

#[test]
fn where_older_versions_are_refused_going_back_is_a_rollback() {
    let policy = POLICY.replace("[environments.dev]", "[environments.dev]\noutdated = \"block\"");
    let world = World::with(&policy);
    for id in ["api@1.0.0", "api@1.1.0", "api@1.2.0"] {
        world.release(id);
        world.edit(id, &Edit { changes: Some(vec!["one".to_owned(), "two".to_owned()]), ..Edit::default() });
        world.advance(id, 2);
        world.deploy(id, "dev");
    }
    let error = world.start("erin", "api@1.0.0", "dev").unwrap_err();
    assert!(
        error.sentence.contains("1.2.0, which is newer, is live here: 4 changes would be taken back"),
        "{error}"
    );
    assert!(error.hints[0].contains("relman rollback api dev --to 1.0.0"), "{error:?}");
    world.roll_back("api", "dev").unwrap();
}

#[test]
fn a_failed_attempt_upstream_takes_the_proof_away() {
    let world = deployable();
    world.deploy(API, "dev");
    world.end(&world.running(API, "dev"), DeploymentState::Failed);
    assert!(closed(&world.gates("erin", API, "staging")).contains(&"order"));
}

#[test]
fn a_launch_that_fails_settles_the_deployment_and_frees_the_environment() {
    let world = deployable();
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    let (result, entries) = world.journaled(|| world.start("erin", API, "dev"));
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind, error.sentence.as_str()),
        (ErrorKind::Failure, "#1 could not be started: no memory")
    );
    assert_eq!(error.hints, ["nothing ran; mend the cause and deploy again"]);
    assert_eq!(entries, ["deployment.started done #1", "deployment.finished done #1"]);
    let settled = world.deployment(DeploymentId(1));
    assert_eq!(settled.state, DeploymentState::Failed);
    assert_eq!(settled.cause, Some(Cause::NeverStarted { why: "no memory".to_owned() }));
    assert_eq!((settled.claimed_at, settled.recovered_by.as_deref()), (None, Some("launcher")));
    *world.machine.launch.borrow_mut() = Ok(());
    assert_eq!(world.start("erin", API, "dev").unwrap().deployment.epoch, 2);
}

#[test]
fn the_steps_of_a_deployment_that_never_began_are_skipped() {
    let world = deployable();
    *world.machine.launch.borrow_mut() = Err("no memory".to_owned());
    world.start("erin", API, "dev").unwrap_err();
    assert!(steps(&world, DeploymentId(1)).iter().all(|step| step.state == StepState::Skipped));
}

/// A machine whose supervisor claims its deployment and is gone before it reports.
struct Vanishing<'a> {
    usual: &'a FakeMachine,
    world: &'a World,
}

impl Machine for Vanishing<'_> {
    fn host(&self) -> &str {
        self.usual.host()
    }
    fn boot(&self) -> &str {
        self.usual.boot()
    }
    fn unix_members(&self, group: &str) -> BTreeSet<String> {
        self.usual.unix_members(group)
    }
    fn scripts(&self, service: &Service) -> ScriptSet {
        self.usual.scripts(service)
    }
    fn launch(&self, ticket: &Ticket) -> Result<(), String> {
        self.world.as_("erin", |cx| claim(cx, ticket.id, ticket.epoch)).unwrap();
        Err("the supervisor ended before it began".to_owned())
    }
    fn liveness(&self, id: DeploymentId) -> Liveness {
        self.usual.liveness(id)
    }
    fn exit_record(&self, id: DeploymentId, epoch: i64) -> Option<Outcome> {
        self.usual.exit_record(id, epoch)
    }
    fn script_runs(&self, script: ProcessRef) -> bool {
        self.usual.script_runs(script)
    }
    fn adopt(&self, id: DeploymentId, script: ProcessRef) -> Result<(), String> {
        self.usual.adopt(id, script)
    }
    fn set_variables(&self, names: &[String]) -> Vec<String> {
        self.usual.set_variables(names)
    }
    fn nonce(&self) -> Result<String, String> {
        self.usual.nonce()
    }
    fn sign(&self, order: &Order<'_>) -> Result<Signed, String> {
        self.usual.sign(order)
    }
    fn check_signature(
        &self,
        keys: &KeyFiles,
        signed: &Signed,
        person: &str,
        at: Timestamp,
    ) -> Result<Signer, String> {
        self.usual.check_signature(keys, signed, person, at)
    }
    fn log_size(&self, id: DeploymentId) -> u64 {
        self.usual.log_size(id)
    }
    fn log_facts(&self, id: DeploymentId) -> (u64, Digest) {
        self.usual.log_facts(id)
    }
    fn log_start(&self, id: DeploymentId, size: u64) -> Option<(u64, Digest)> {
        self.usual.log_start(id, size)
    }
}

#[test]
fn a_launch_that_fails_after_the_claim_does_not_say_that_nothing_ran() {
    let world = deployable();
    let machine = Vanishing { usual: &world.machine, world: &world };
    let actor: Actor = person("erin");
    let (store, policy): (&Store, _) = (&world.store, &world.policy);
    let cx = Ctx { store, policy, actor: &actor, now: world.now, machine: &machine };
    let error = start(&cx, &StartDeploy::new(release_id(API), env_name("dev"))).unwrap_err();
    assert_eq!(world.deployment(DeploymentId(1)).state, DeploymentState::Running);
    assert!(!error.hints.iter().any(|hint| hint.contains("nothing ran")), "{error:?}");
}

#[test]
fn another_commit_is_not_what_was_tried_upstream() {
    let mut world = deployable();
    world.advance(API, 3);
    world.deploy(API, "dev");
    world.deploy(API, "staging");
    world.pass(Duration::from_hours(2));
    assert_eq!(closed(&world.gates("erin", API, "production")), ["approvals"]);
    world.edit(API, &Edit { commit: Some("deadbeef".to_owned()), ..Edit::default() });
    let report = world.gates("erin", API, "production");
    assert_eq!(closed(&report), ["order", "soak", "approvals"]);
    let Answer::Blocked { reason } = answer(&report, GateId::Order) else { panic!("{report:?}") };
    assert!(reason.to_string().contains("another commit or artifact"), "{reason}");
}

#[test]
fn an_older_release_is_a_rollback_by_kind_and_passes_nothing_for_it() {
    let mut world = World::new();
    world.ready("api@1.1.0");
    world.deploy("api@1.1.0", "production");
    world.release(API);
    world.advance(API, 5);
    let report = world.gates("erin", API, "production");
    assert_eq!(report.kind, DeploymentKind::Rollback);
    assert_eq!(closed(&report), ["order", "soak", "approvals"]);
    let older = world.start("erin", API, "dev").unwrap().deployment;
    assert_eq!((older.kind, older.rescue), (DeploymentKind::Rollback, false));
    assert_eq!(older.takes_back().unwrap().to_string(), "1.1.0");
}

#[test]
fn what_was_there_before_is_what_the_newest_attempt_put_there() {
    let mut world = World::new();
    for id in ["api@1.1.0", "api@1.2.0"] {
        world.ready(id);
        world.deploy(id, "production");
    }
    world.ready("api@1.3.0");
    let failed = world.running("api@1.3.0", "production");
    world.end(&failed, DeploymentState::Failed);
    assert_eq!(failed.previous.unwrap().to_string(), "1.2.0");
    let again = world.running("api@1.3.0", "production");
    world.end(&again, DeploymentState::Failed);
    assert_eq!(again.previous.unwrap().to_string(), "1.2.0", "not itself");
    let back = world.roll_back_to("api", "production", "1.2.0");
    assert_eq!((back.previous.unwrap().to_string().as_str(), back.rescue), ("1.3.0", true));
}
