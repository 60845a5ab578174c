//! A store in memory, a policy, a clock that stands still and a machine that only remembers what it was asked.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use relman::config;
use relman::domain::actor::{Actor, Person, Via};
use relman::domain::deployment::{Outcome, ProcessRef};
use relman::domain::digest::Digest;
use relman::domain::ids::{DeploymentId, ReleaseId};
use relman::domain::journal::Body;
use relman::domain::policy::{Policy, Service};
use relman::domain::release::Release;
use relman::domain::subject::{ScriptFile, ScriptSet};
use relman::domain::time::Timestamp;
use relman::ops::deployment::Ticket;
use relman::ops::release::{advance, create};
use relman::ops::{Ctx, Liveness, Machine, Store, open};

/// The machine of the tests: launches nothing, remembers tickets.
pub(crate) struct FakeMachine {
    pub launched: RefCell<Vec<Ticket>>,
    /// What the next launch answers.
    pub launch: RefCell<Result<(), String>>,
    pub alive: RefCell<BTreeMap<DeploymentId, Liveness>>,
    pub exit: RefCell<BTreeMap<DeploymentId, Outcome>>,
    pub running: RefCell<BTreeSet<i32>>,
    pub adopted: RefCell<Vec<DeploymentId>>,
    /// Content of the scripts: changing it makes approvals stale.
    pub script: RefCell<String>,
}

impl Machine for FakeMachine {
    fn host(&self) -> &str {
        "bastion"
    }
    fn boot(&self) -> &str {
        "boot-1"
    }
    fn unix_members(&self, group: &str) -> BTreeSet<String> {
        if group == "oncall" { BTreeSet::from(["dave".to_owned()]) } else { BTreeSet::new() }
    }
    fn scripts(&self, service: &Service) -> ScriptSet {
        ScriptSet {
            argv: service.scripts.iter().map(|(role, argv)| (*role, argv.clone())).collect(),
            files: vec![ScriptFile {
                path: "deploy.sh".into(),
                digest: Some(Digest::of(self.script.borrow().as_bytes())),
            }],
        }
    }
    fn launch(&self, ticket: &Ticket) -> Result<(), String> {
        self.launched.borrow_mut().push(ticket.clone());
        self.launch.borrow().clone()
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
    fn log_facts(&self, _id: DeploymentId) -> (u64, Digest) {
        (0, Digest::of(b""))
    }
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
        let config =
            config::parse(Path::new("/srv/relman.toml"), policy).unwrap_or_else(|why| panic!("{why}"));
        let world = Self {
            store: Store::in_memory().unwrap(),
            policy: config.policy,
            machine: FakeMachine {
                launched: RefCell::default(),
                launch: RefCell::new(Ok(())),
                alive: RefCell::default(),
                exit: RefCell::default(),
                running: RefCell::default(),
                adopted: RefCell::default(),
                script: RefCell::new("one".to_owned()),
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
        let actor = person(name);
        f(&Ctx {
            store: &self.store,
            policy: &self.policy,
            actor: &actor,
            now: self.now,
            machine: &self.machine,
        })
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

    /// The newest journal entry.
    pub(crate) fn last_entry(&self) -> (String, Body) {
        let entry = self.store.read(|tx| relman::store::journal::list(tx, None, None, 1)).unwrap().remove(0);
        (entry.verb.clone(), entry.parsed().unwrap())
    }

    /// How many journal entries there are.
    pub(crate) fn entries(&self) -> i64 {
        self.store.read(|tx| relman::store::journal::head(tx)).unwrap().0
    }
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
    }
}
