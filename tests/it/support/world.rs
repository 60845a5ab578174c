//! A store in memory, a policy, a clock that stands still and a machine that only remembers what it was asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use relman::config;
use relman::domain::actor::{Actor, Person, Via};
use relman::domain::approval::{Approval, ApprovalSubject, Verdict};
use relman::domain::change::{Answered, Asking, Change};
use relman::domain::deployment::{Cause, Deployment, DeploymentState, Outcome, ProcessRef};
use relman::domain::digest::Digest;
use relman::domain::event::Event;
use relman::domain::freeze::{Freeze, Scope};
use relman::domain::gate::{Answer, GateId, GateReport};
use relman::domain::hold::{Hold, HoldReason};
use relman::domain::hook::Hook;
use relman::domain::ids::{DeploymentId, EnvName, ReleaseId};
use relman::domain::journal::Body;
use relman::domain::policy::{KeyFiles, Policy, Service};
use relman::domain::release::Release;
use relman::domain::signature::{Held, Signed, Signer};
use relman::domain::strategy::StepPlan;
use relman::domain::subject::{Command, ScriptFile, ScriptSet};
use relman::domain::time::{Timestamp, Window};
use relman::ops::approval::decide::{self, Decision};
use relman::ops::approval::sign::Order;
use relman::ops::approval::withdraw;
use relman::ops::build::BuildTicket;
use relman::ops::deployment::Ticket;
use relman::ops::deployment::claim::{self, Claim};
use relman::ops::deployment::finish::{self, LIVE};
use relman::ops::deployment::later::Later;
use relman::ops::deployment::rollback::{self, StartRollback};
use relman::ops::deployment::start::{self, StartDeploy, Started};
use relman::ops::deployment::turn::{self, Turn};
use relman::ops::freeze::{self, NewFreeze};
use relman::ops::outside::{Found, Measuring, Outside, Told};
use relman::ops::release::edit::{self, Edit};
use relman::ops::release::{advance, create};
use relman::ops::{Ctx, Liveness, Machine, OpError, Store, open};

/// The machine of the tests: launches nothing, remembers tickets.
pub(crate) struct FakeMachine {
    pub host: String,
    pub boot: String,
    pub launched: RefCell<Vec<Ticket>>,
    /// What the next launch answers.
    pub launch: RefCell<Result<(), String>>,
    pub alive: RefCell<BTreeMap<DeploymentId, Liveness>>,
    pub exit: RefCell<BTreeMap<DeploymentId, Outcome>>,
    pub running: RefCell<BTreeSet<i32>>,
    pub adopted: RefCell<Vec<DeploymentId>>,
    /// Content of the scripts: changing it makes approvals stale.
    pub script: RefCell<String>,
    /// Contents of scripts that were kept.
    pub kept: RefCell<Vec<String>>,
    /// What every log holds; nothing: they are gone.
    pub log: RefCell<Option<Vec<u8>>>,
    /// Variables that are set where it runs.
    pub variables: RefCell<Vec<String>>,
    /// Who has a key, and its name; one that begins with `touched` is a security key.
    pub keys: RefCell<BTreeMap<String, String>>,
    /// Builds that were started.
    pub built: RefCell<Vec<BuildTicket>>,
    pub build_liveness: RefCell<Liveness>,
    numbers: RefCell<u64>,
    /// What somebody else does when the next number is drawn.
    pub meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
    pub outside: FakeOutside,
}

/// Stands for a signature with `key`: whoever does not know its name cannot make it.
pub(crate) fn fake_signature(key: &str, statement: &str) -> Signed {
    let signature = Digest::of(format!("{key} {statement}").as_bytes()).to_string();
    Signed { statement: statement.to_owned(), signature, held: Held::Agent }
}

/// A world outside that remembers what it was told and answers what it is told to answer.
pub(crate) struct FakeOutside {
    /// What hooks were told: hook, event, attempt.
    pub told: RefCell<Vec<(String, Event, u32)>>,
    /// Whether hooks can be told.
    pub hears: RefCell<bool>,
    /// What the hooks of this process lack.
    pub lacks: RefCell<Option<String>>,
    /// What the change system was asked.
    pub asked: RefCell<Vec<Asking>>,
    /// What it answers to whoever asks for a ticket ...
    pub change: RefCell<Result<Answered, String>>,
    /// ... and to whoever wants one made.
    pub makes: RefCell<Answered>,
    /// What monitors say, and whether they are broken off.
    pub says: RefCell<Found>,
    pub breaks_off: RefCell<bool>,
    /// What somebody else does while it is asked.
    pub meanwhile: RefCell<Option<Meanwhile>>,
}

pub(crate) type Meanwhile = Box<dyn Fn(&Asking)>;

impl FakeOutside {
    fn new() -> Self {
        Self {
            told: RefCell::default(),
            hears: RefCell::new(true),
            lacks: RefCell::default(),
            asked: RefCell::default(),
            change: RefCell::new(Ok(Answered::default())),
            makes: RefCell::default(),
            says: RefCell::new(Found { code: Some(0), said: "fine".to_owned() }),
            breaks_off: RefCell::default(),
            meanwhile: RefCell::default(),
        }
    }
}

impl Outside for FakeOutside {
    fn lacks(&self, _hook: &Hook) -> Option<String> {
        self.lacks.borrow().clone()
    }
    fn tell(&self, hook: &Hook, event: &Event, attempt: u32) -> Told {
        self.told.borrow_mut().push((hook.key.clone(), event.clone(), attempt));
        let delivered = *self.hears.borrow();
        let outcome = if delivered { "200" } else { "500" }.to_owned();
        Told { delivered, outcome, said: Some("\u{1b}[31mhm".to_owned()) }
    }
    fn change(&self, _change: &Change, asking: &Asking) -> Result<Answered, String> {
        self.asked.borrow_mut().push(asking.clone());
        if let Some(meanwhile) = self.meanwhile.borrow().as_ref() {
            meanwhile(asking);
        }
        match asking.create {
            true => Ok(Answered { made: true, ..self.makes.borrow().clone() }),
            false => self.change.borrow().clone(),
        }
    }
    fn measure(&self, _service: &Service, _asked: &Measuring<'_>) -> Found {
        assert!(!*self.breaks_off.borrow(), "broken off");
        self.says.borrow().clone()
    }
    fn send_courier(&self) {}
}

impl Machine for FakeMachine {
    fn host(&self) -> &str {
        &self.host
    }
    fn boot(&self) -> &str {
        &self.boot
    }
    fn unix_members(&self, group: &str) -> BTreeSet<String> {
        if group == "oncall" { BTreeSet::from(["dave".to_owned()]) } else { BTreeSet::new() }
    }
    fn scripts(&self, service: &Service) -> ScriptSet {
        ScriptSet {
            commands: service
                .commands()
                .into_iter()
                .map(|(key, argv)| (key, Command { argv, files: Vec::new() }))
                .collect(),
            argv: service.scripts.iter().map(|(role, argv)| (*role, argv.clone())).collect(),
            files: vec![ScriptFile {
                path: "deploy.sh".into(),
                digest: Some(Digest::of(self.script.borrow().as_bytes())),
            }],
        }
    }
    fn script_text(&self, _file: &ScriptFile) -> Result<String, String> {
        Ok(self.script.borrow().clone())
    }
    fn kept_script(&self, content: &Digest) -> Result<String, String> {
        let kept = self.kept.borrow();
        let found = kept.iter().find(|text| Digest::of(text.as_bytes()) == *content);
        found.cloned().ok_or_else(|| "its earlier content was not kept".to_owned())
    }
    fn launch(&self, ticket: &Ticket) -> Result<(), String> {
        self.launched.borrow_mut().push(ticket.clone());
        self.launch.borrow().clone()
    }
    fn build(&self, ticket: &BuildTicket) -> Result<(), String> {
        self.built.borrow_mut().push(ticket.clone());
        self.launch.borrow().clone()
    }
    fn build_liveness(&self, _id: &ReleaseId, _number: usize) -> Liveness {
        *self.build_liveness.borrow()
    }
    fn liveness(&self, id: DeploymentId) -> Liveness {
        self.alive.borrow().get(&id).copied().unwrap_or(Liveness::Alive)
    }
    fn exit_record(&self, id: DeploymentId, _epoch: i64) -> Option<Outcome> {
        self.exit.borrow().get(&id).cloned()
    }
    fn script_runs(&self, script: ProcessRef) -> bool {
        self.running.borrow().contains(&script.pid)
    }
    fn adopt(&self, id: DeploymentId, _script: ProcessRef) -> Result<(), String> {
        self.adopted.borrow_mut().push(id);
        Ok(())
    }
    fn set_variables(&self, names: &[String]) -> Vec<String> {
        names.iter().filter(|name| self.variables.borrow().contains(name)).cloned().collect()
    }
    fn nonce(&self) -> Result<String, String> {
        *self.numbers.borrow_mut() += 1;
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
        }
        Ok(format!("{:032x}", *self.numbers.borrow()))
    }
    fn sign(&self, order: &Order<'_>) -> Result<Signed, String> {
        let keys = self.keys.borrow();
        let key = keys.get(order.person).ok_or("no key at hand")?;
        Ok(fake_signature(key, &order.statement))
    }
    fn check_signature(
        &self,
        _keys: &KeyFiles,
        signed: &Signed,
        person: &str,
        _at: Timestamp,
    ) -> Result<Signer, String> {
        let keys = self.keys.borrow();
        let key = keys.get(person).ok_or("no key is listed")?;
        if *signed != fake_signature(key, &signed.statement) {
            return Err("the signature is not good".to_owned());
        }
        Ok(Signer {
            principal: person.to_owned(),
            fingerprint: format!("SHA256:{key}"),
            key_type: "ssh-ed25519".to_owned(),
            touched: key.starts_with("touched").then_some(true),
        })
    }
    fn outside(&self) -> &dyn Outside {
        &self.outside
    }
    fn log_size(&self, _id: DeploymentId) -> u64 {
        42
    }
    fn log_facts(&self, _id: DeploymentId) -> (u64, Digest) {
        (0, Digest::of(b""))
    }
    fn log_start(&self, _id: DeploymentId, _size: u64) -> Option<(u64, Digest)> {
        self.log.borrow().as_ref().map(|log| (log.len() as u64, Digest::of(log)))
    }
}

/// An environment, `sign-off`, or the request where nothing is named.
pub(crate) fn about(name: Option<&str>) -> ApprovalSubject {
    name.unwrap_or("request").parse().unwrap()
}

/// Everything a verb needs.
pub(crate) struct World {
    pub store: Store,
    pub policy: Policy,
    pub machine: FakeMachine,
    pub now: Timestamp,
}

/// Three environments and every kind of rule; people: alice makes releases, bob and carol manage them, dave (through
/// the Unix group `oncall`) and erin deploy to production.
pub(crate) const POLICY: &str = r#"
[groups]
managers = ["bob", "carol"]
sre = ["%oncall", "erin"]
[environments.dev]
[environments.staging]
kind = "staging"
[environments.production]
kind = "production"
soak = "1h"
approvals = [{ from = "managers", count = 1 }, { from = "sre", count = 1 }]
rollback-approvals = []
deployers = ["sre"]
override = ["managers"]
[services.api]
pipeline = ["dev", "staging", "production"]
scripts = { deploy = ["./deploy.sh"], verify = ["./verify.sh"] }
[services.web]
pipeline = ["staging", "production"]
scripts = { deploy = ["./deploy.sh"] }
strategy.production = { kind = "blue-green" }
"#;

impl World {
    pub(crate) fn new() -> Self {
        Self::with(POLICY)
    }

    pub(crate) fn with(policy: &str) -> Self {
        Self::over(Store::in_memory().unwrap(), policy)
    }

    /// With a store in this file, which is made.
    pub(crate) fn on_file(path: &Path) -> Self {
        Self::with_on_file(path, POLICY)
    }

    pub(crate) fn with_on_file(path: &Path, policy: &str) -> Self {
        relman::host::state::State::prepare(path).unwrap();
        Self::over(Store::open(path).unwrap(), policy)
    }

    fn over(store: Store, policy: &str) -> Self {
        let config =
            config::parse(Path::new("/srv/relman.toml"), policy).unwrap_or_else(|why| panic!("{why}"));
        let world = Self {
            store,
            policy: config.policy,
            machine: FakeMachine {
                host: "bastion".to_owned(),
                boot: "boot-1".to_owned(),
                launched: RefCell::default(),
                launch: RefCell::new(Ok(())),
                alive: RefCell::default(),
                exit: RefCell::default(),
                running: RefCell::default(),
                adopted: RefCell::default(),
                script: RefCell::new("one".to_owned()),
                kept: RefCell::default(),
                log: RefCell::default(),
                variables: RefCell::default(),
                keys: RefCell::default(),
                built: RefCell::default(),
                build_liveness: RefCell::new(Liveness::Alive),
                numbers: RefCell::default(),
                meanwhile: RefCell::default(),
                outside: FakeOutside::new(),
            },
            now: "2026-09-01T10:00:00Z".parse().unwrap(),
        };
        open::begin(&world.store, &person("root"), world.now, "instance-1").unwrap();
        world
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    /// Runs something as a person, now.
    pub(crate) fn as_<T>(&self, name: &str, f: impl FnOnce(&Ctx<'_>) -> T) -> T {
        self.as_actor(&person(name), f)
    }

    /// Runs something as exactly this actor, now.
    pub(crate) fn as_actor<T>(&self, actor: &Actor, f: impl FnOnce(&Ctx<'_>) -> T) -> T {
        f(&Ctx { store: &self.store, policy: &self.policy, actor, now: self.now, machine: &self.machine })
    }

    /// Registers a release as alice.
    pub(crate) fn release(&self, id: &str) -> Release {
        self.as_("alice", |cx| create::create(cx, &id.parse().unwrap(), &create::NewRelease::default()))
            .unwrap()
    }

    /// Moves a release on by so many stages as alice.
    pub(crate) fn advance(&self, id: &str, stages: usize) {
        for _ in 0..stages {
            self.as_("alice", |cx| advance::advance(cx, &release_id(id))).unwrap();
        }
    }

    /// Changes what is recorded about a release, as alice.
    #[track_caller]
    pub(crate) fn edit(&self, id: &str, change: &Edit) -> Release {
        self.as_("alice", |cx| edit::edit(cx, &release_id(id), change)).unwrap()
    }

    /// What every gate says to a person about a deployment.
    #[track_caller]
    pub(crate) fn gates(&self, who: &str, id: &str, env: &str) -> GateReport {
        self.as_(who, |cx| start::preview(cx, &release_id(id), &env_name(env))).unwrap().report
    }

    /// Adds a freeze of all services in `env` as bob.
    #[track_caller]
    pub(crate) fn freeze(&self, name: &str, env: &str, start: Timestamp, end: Timestamp) -> Freeze {
        self.as_("bob", |cx| freeze::add(cx, &new_freeze(name, env, start, end))).unwrap().freeze
    }

    /// The newest journal entry.
    pub(crate) fn last_entry(&self) -> (String, Body) {
        let entry = self.store.read(|tx| relman::store::journal::list(tx, None, None, 1)).unwrap().remove(0);
        (entry.verb.clone(), entry.parsed().unwrap())
    }

    /// How many journal entries there are.
    pub(crate) fn entries(&self) -> i64 {
        self.store.read(relman::store::journal::head).unwrap().0
    }

    /// Runs `act` and tells what it left in the journal, oldest first, each entry as `verb result subject`.
    pub(crate) fn journaled<T>(&self, act: impl FnOnce() -> T) -> (T, Vec<String>) {
        let before = self.entries();
        let value = act();
        let new = u32::try_from(self.entries() - before).unwrap();
        let entries = self.store.read(|tx| relman::store::journal::list(tx, None, None, new)).unwrap();
        let line = |entry: &relman::domain::journal::Entry| {
            let body = entry.parsed().unwrap();
            format!("{} {} {}", entry.verb, body.result, body.subject)
        };
        (value, entries.iter().rev().map(line).collect())
    }

    /// The record of a release as it is now.
    pub(crate) fn stored(&self, id: &str) -> Release {
        self.store.read(|tx| relman::store::releases::get(tx, &release_id(id))).unwrap()
    }

    /// The record of a deployment as it is now.
    pub(crate) fn deployment(&self, id: DeploymentId) -> Deployment {
        self.store.read(|tx| relman::store::deployments::get(tx, id)).unwrap()
    }

    /// One decision about an environment, or about the request where none is named.
    pub(crate) fn decide(
        &self,
        who: &str,
        id: &str,
        env: Option<&str>,
        verdict: Verdict,
    ) -> Result<Approval, OpError> {
        self.as_(who, |cx| {
            decide::decide(
                cx,
                &Decision {
                    reason: (verdict == Verdict::Rejected).then(|| "not like this".to_owned()),
                    ..Decision::new(release_id(id), about(env), verdict)
                },
            )
        })
    }

    pub(crate) fn approve(&self, who: &str, id: &str, env: &str) -> Approval {
        self.decide(who, id, Some(env), Verdict::Approved).unwrap()
    }

    /// That person takes back what they decided for the environment.
    pub(crate) fn withdraw(&self, who: &str, id: &str, env: &str) {
        self.as_(who, |cx| withdraw::withdraw(cx, &release_id(id), &about(Some(env)))).unwrap();
    }

    /// erin goes back to the newest release that was good, because it "leaks".
    pub(crate) fn roll_back(&self, service: &str, env: &str) -> Result<Started, OpError> {
        self.as_("erin", |cx| rollback::rollback(cx, &way_back(service, env, None)))
    }

    /// The same to this version, which she types.
    #[track_caller]
    pub(crate) fn roll_back_to(&self, service: &str, env: &str, version: &str) -> Deployment {
        let wanted = way_back(service, env, Some(version));
        self.as_("erin", |cx| rollback::rollback(cx, &wanted)).unwrap().deployment
    }

    /// Asks for a deployment, with the version typed.
    pub(crate) fn start(&self, who: &str, id: &str, env: &str) -> Result<Started, OpError> {
        self.as_(who, |cx| start::start(cx, &wish(id, env)))
    }

    /// Not at once: at that time, or as soon as the gates are open where none is given; within the usual hour.
    pub(crate) fn later(&self, at: Option<Timestamp>) -> Later {
        Later { at, ..Later::when_open(self.policy.zone) }
    }

    /// Asks as erin for a deployment that begins as soon as its gates are open, within an hour.
    #[track_caller]
    pub(crate) fn queue(&self, id: &str, env: &str) -> Deployment {
        let wanted = StartDeploy { later: Some(self.later(None)), ..wish(id, env) };
        self.as_("erin", |cx| start::start(cx, &wanted)).unwrap().deployment
    }

    /// Asks as erin for a deployment that begins after this time, within an hour from then.
    #[track_caller]
    pub(crate) fn schedule(&self, id: &str, env: &str, after: Duration) -> Deployment {
        let later = self.later(Some(self.now.plus(after)));
        let wanted = StartDeploy { later: Some(later), ..wish(id, env) };
        self.as_("erin", |cx| start::start(cx, &wanted)).unwrap().deployment
    }

    /// Asks for the turn of a deployment as the process that waits for it does.
    #[track_caller]
    pub(crate) fn turn(&self, id: DeploymentId) -> Turn {
        let by = ProcessRef { pid: i32::try_from(id.0).unwrap(), start: 7 };
        self.as_("erin", |cx| turn::turn(cx, id, by)).unwrap()
    }

    /// Claims a deployment as its supervisor does.
    pub(crate) fn claim(&self, deployment: &Deployment) -> Claim {
        let who = deployment.started_by.name.clone();
        self.as_(&who, |cx| claim::claim(cx, deployment.id, deployment.epoch)).unwrap()
    }

    /// Starts as erin and claims.
    #[track_caller]
    pub(crate) fn running(&self, id: &str, env: &str) -> Deployment {
        let started = self.start("erin", id, env).unwrap().deployment;
        assert_eq!(self.claim(&started), Claim::Go);
        self.deployment(started.id)
    }

    /// Ends a claimed deployment as its supervisor does.
    #[track_caller]
    pub(crate) fn end(&self, deployment: &Deployment, state: DeploymentState) -> Deployment {
        let outcome = outcome(state, self.now);
        let (after, won) = self
            .as_("erin", |cx| finish::settle(cx, deployment.id, deployment.epoch, &LIVE, &outcome, None))
            .unwrap();
        assert!(won, "{after:?}");
        after
    }

    /// The first step of a deployment, as planned.
    pub(crate) fn plan(&self, d: &Deployment) -> StepPlan {
        self.store.read(|tx| relman::store::steps::list_of(tx, d.id)).unwrap().remove(0).plan
    }

    /// Lets a running deployment wait before its first step, or for what became of it.
    #[track_caller]
    pub(crate) fn held(&self, d: &Deployment, reason: HoldReason) -> Hold {
        let plan = self.plan(d);
        let hold = match reason {
            HoldReason::Promotion | HoldReason::Pause { .. } | HoldReason::Frozen { .. } => {
                Hold::before(1, &plan, reason, self.now)
            }
            HoldReason::Failed { .. } | HoldReason::Inconclusive => Hold::after(1, &plan, reason, self.now),
        };
        assert!(self.as_("erin", |cx| claim::hold(cx, d.id, d.epoch, &hold)).unwrap());
        hold
    }

    /// From the start by erin to the success.
    #[track_caller]
    pub(crate) fn deploy(&self, id: &str, env: &str) -> Deployment {
        self.end(&self.running(id, env), DeploymentState::Succeeded)
    }

    /// A release of `api` one keypress of erin away from production: live in staging for an hour, approved.
    #[track_caller]
    pub(crate) fn ready(&mut self, id: &str) {
        self.release(id);
        self.ready_from_here(id);
    }

    /// The same about a release that is registered already.
    #[track_caller]
    pub(crate) fn ready_from_here(&mut self, id: &str) {
        self.advance(id, 5);
        self.deploy(id, "dev");
        self.deploy(id, "staging");
        self.pass(Duration::from_hours(1));
        self.approve("bob", id, "production");
        self.approve("dave", id, "production");
    }

    /// A deployment whose supervisor vanished while its script ran as pid 4711.
    #[track_caller]
    pub(crate) fn lost(&self, id: &str, env: &str) -> Deployment {
        use relman::domain::deployment::Beat;
        use relman::ops::deployment::reconcile::{Orphans, reconcile};
        let running = self.running(id, env);
        let beat = Beat { script: Some(SCRIPT), ..Beat::default() };
        self.as_("erin", |cx| claim::beat(cx, running.id, running.epoch, &beat)).unwrap();
        self.machine.alive.borrow_mut().insert(running.id, Liveness::Gone);
        let mut changed = self.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap();
        assert_eq!(changed.len(), 1);
        changed.remove(0)
    }
}

/// The script of [`World::lost`].
pub(crate) const SCRIPT: ProcessRef = ProcessRef { pid: 4711, start: 99 };

/// A freeze of all services in `env`.
pub(crate) fn new_freeze(name: &str, env: &str, start: Timestamp, end: Timestamp) -> NewFreeze {
    let scope = Scope::new(Vec::new(), vec![env.to_owned()]).unwrap();
    let window = Window::new(start, end).unwrap();
    NewFreeze::once(name, "the books are closed", scope, window, relman::domain::time::Tz::UTC)
}

/// What one gate of a report says.
#[track_caller]
pub(crate) fn answer(report: &GateReport, gate: GateId) -> Answer {
    report.checks.iter().find(|check| check.gate == gate).unwrap().answer.clone()
}

/// The gates of a report that do not open.
pub(crate) fn closed(report: &GateReport) -> Vec<&'static str> {
    report.closed().map(|check| check.gate.as_str()).collect()
}

/// The wish for a deployment, with the version typed.
pub(crate) fn wish(id: &str, env: &str) -> StartDeploy {
    let release = release_id(id);
    StartDeploy { confirm: Some(release.version.to_string()), ..StartDeploy::new(release, env_name(env)) }
}

/// The wish to go back to that version, which is then typed, or to the newest that was good, because it "leaks".
pub(crate) fn way_back(service: &str, env: &str, to: Option<&str>) -> StartRollback {
    StartRollback {
        service: service.parse().unwrap(),
        environment: env_name(env),
        to: to.map(|version| version.parse().unwrap()),
        reason: "leaks".to_owned(),
        confirm: to.map(str::to_owned),
    }
}

/// How a supervisor says that it ended.
pub(crate) fn outcome(state: DeploymentState, at: Timestamp) -> Outcome {
    let cause = match state {
        DeploymentState::Succeeded => Cause::Completed,
        DeploymentState::Cancelled => Cause::Cancelled { by: "erin".to_owned() },
        _ => Cause::Exit { code: 3 },
    };
    Outcome {
        state,
        cause,
        failed_step: (state == DeploymentState::Failed).then(|| "deploy".to_owned()),
        at,
        log_size: 42,
        log_digest: Digest::of(b"log"),
        log_dropped: 0,
        left_running: Vec::new(),
    }
}

pub(crate) fn env_name(text: &str) -> EnvName {
    text.parse().unwrap()
}

pub(crate) fn release_id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

/// Somebody at the command line; uids differ by name.
pub(crate) fn person(name: &str) -> Actor {
    let uid = 1000 + name.bytes().map(u32::from).sum::<u32>();
    Actor {
        person: Person { name: name.to_owned(), uid, login: None },
        via: Via::Cli,
        tty: None,
        client: None,
        key: None,
    }
}
