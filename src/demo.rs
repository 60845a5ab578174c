//! A believable set of releases, approvals, freezes and deployments, made by really running the demo scripts.
//!
//! Only on the demo's own configuration: the same verbs on somebody's real one would reach real environments.
//! Where there is no configuration, the demo's (it is part of the binary) is written into a new directory first.

use std::collections::BTreeSet;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::desk::Desk;
use crate::domain::approval::{ApprovalSubject, Verdict};
use crate::domain::deployment::DeploymentState;
use crate::domain::digest::Digest;
use crate::domain::freeze::Scope;
use crate::domain::gate::GateId;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::policy::{Policy, ScriptRole};
use crate::domain::release::{Level, Origin, ReleaseKind, Stage};
use crate::domain::time::Window;
use crate::host::clock;
use crate::ops::approval::decide;
use crate::ops::deployment::rollback::{self, StartRollback};
use crate::ops::deployment::start::{self, StartDeploy};
use crate::ops::freeze::{self, NewFreeze};
use crate::ops::release::create::NewRelease;
use crate::ops::release::edit::Edit;
use crate::ops::release::{advance, cancel, create, edit, evidence};
use crate::ops::view::{board, deployment};
use crate::ops::{ErrorKind, OpError};

/// The demo's files: the repository's own example, so that both are always the same.
const FILES: [(&str, &str, u32); 11] = [
    ("relman.toml", include_str!("../relman.toml"), 0o644),
    ("assets/demo/lib.sh", include_str!("../assets/demo/lib.sh"), 0o644),
    ("assets/demo/build.sh", include_str!("../assets/demo/build.sh"), 0o755),
    ("assets/demo/deploy.sh", include_str!("../assets/demo/deploy.sh"), 0o755),
    ("assets/demo/verify.sh", include_str!("../assets/demo/verify.sh"), 0o755),
    ("assets/demo/analyse.sh", include_str!("../assets/demo/analyse.sh"), 0o755),
    ("assets/demo/rollback.sh", include_str!("../assets/demo/rollback.sh"), 0o755),
    ("assets/demo/current.sh", include_str!("../assets/demo/current.sh"), 0o755),
    ("assets/demo/errors.sh", include_str!("../assets/demo/errors.sh"), 0o755),
    ("assets/demo/warm.sh", include_str!("../assets/demo/warm.sh"), 0o755),
    ("assets/demo/flag.sh", include_str!("../assets/demo/flag.sh"), 0o755),
];

/// No gate of the demo's is waited for longer: a freeze of weeks is not.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Whether every script this policy would run is one of the demo's, byte for byte.
pub fn is_demo(policy: &Policy) -> bool {
    let own = |path: &Path| {
        let known = FILES.iter().find(|(name, ..)| path.ends_with(name));
        known.is_some_and(|(_, text, _)| std::fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes()))
    };
    let names = ["storefront", "payments", "search"];
    names.iter().all(|name| policy.services.keys().any(|known| known.as_str() == *name))
        && policy.services.values().all(|service| {
            own(&service.working_dir.join("lib.sh"))
                && service.scripts.contains_key(&ScriptRole::Deploy)
                && service
                    .scripts
                    .values()
                    .chain(service.commands().values())
                    .all(|argv| own(&service.working_dir.join(&argv[0]).components().collect::<PathBuf>()))
        })
}

/// Writes the demo's files into `dir`, which must not exist yet; returns the configuration's path.
pub fn unpack(dir: &Path) -> Result<PathBuf, OpError> {
    use std::io::Write as _;
    let trouble = |path: &Path, why: std::io::Error| {
        OpError::new(ErrorKind::Failure, format!("cannot write {}: {why}", path.display()))
    };
    std::fs::create_dir(dir).map_err(|why| match why.kind() {
        std::io::ErrorKind::AlreadyExists => OpError::conflict(format!("{} exists already", dir.display()))
            .hint(format!("look into it: cd {} && relman", dir.display())),
        _ => trouble(dir, why),
    })?;
    for (name, text, mode) in FILES {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|why| trouble(parent, why))?;
        }
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|why| trouble(&path, why))?;
    }
    Ok(dir.join("relman.toml"))
}

/// Fills an empty store; `tell` hears what happens. Returns what to do next.
pub fn run(desk: &Desk, tell: impl FnMut(&str)) -> Result<String, OpError> {
    if !is_demo(&desk.config.policy) {
        return Err(OpError::conflict(
            "this relman.toml is not the demo's: its scripts could reach real environments",
        )
        .hint("in a directory without one: relman demo"));
    }
    if !board::board(&desk.cx())?.is_new {
        return Err(OpError::conflict("the demo fills an empty store only; this one has releases")
            .hint("in another directory: relman demo"));
    }
    let mut story = Story { desk, tell };
    story.past()?;
    story.present()?;
    story.future()?;
    Ok("the demo is ready: ? shows the keys".to_owned())
}

struct Story<'a, F> {
    desk: &'a Desk,
    tell: F,
}

fn env(name: &str) -> EnvName {
    name.parse().expect("the demo's names are names")
}

fn id(text: &str) -> ReleaseId {
    text.parse().expect("the demo's releases are releases")
}

impl<F: FnMut(&str)> Story<'_, F> {
    /// What is behind: a release that went the whole way, one that failed, one that was taken back.
    fn past(&mut self) -> Result<(), OpError> {
        self.ready(
            "storefront@2.13.0",
            "Guest checkout",
            "visitors leave when asked to register",
            Level::Low,
        )?;
        self.through("storefront@2.13.0", &["dev", "staging"])?;
        self.bring_to("storefront@2.13.0", Stage::Deploy)?;
        self.production("storefront@2.13.0")?;
        self.review("storefront@2.13.0", "8 % more finished checkouts")?;

        self.ready("search@3.0.0", "New index format", "searching takes two seconds", Level::Medium)?;
        self.through("search@3.0.0", &["staging"])?;
        self.bring_to("search@3.0.0", Stage::Deploy)?;
        self.production("search@3.0.0")?;

        self.ready("search@3.1.0-broken.1", "Typo tolerance, first try", "people misspell", Level::Medium)?;
        self.deploy("search@3.1.0-broken.1", "staging")?;
        self.go_back("search", "staging", "health checks fail after the index change")?;
        cancel::cancel(
            &self.desk.cx(),
            &id("search@3.1.0-broken.1"),
            "the parser loops on umlauts; 3.1.0 replaces it",
        )?;
        Ok(())
    }

    /// What is going on: something in every stage.
    fn present(&mut self) -> Result<(), OpError> {
        self.ready(
            "storefront@2.14.0",
            "Faster product pages",
            "pages take three seconds on phones",
            Level::Medium,
        )?;
        self.guard("storefront@2.14.0", "fast-pages")?;
        self.through("storefront@2.14.0", &["dev", "staging"])?;
        self.bring_to("storefront@2.14.0", Stage::Deploy)?;
        self.production("storefront@2.14.0")?;
        advance::advance(&self.desk.cx(), &id("storefront@2.14.0"))?;

        self.ready("payments@5.0.0", "Instant refunds", "refunds take five days", Level::High)?;
        self.through("payments@5.0.0", &["dev", "staging"])?;
        self.bring_to("payments@5.0.0", Stage::Deploy)?;
        self.production("payments@5.0.0")?;

        self.ready("storefront@2.15.0", "Wish lists", "customers ask for it every week", Level::Medium)?;
        self.through("storefront@2.15.0", &["dev", "staging"])?;
        self.bring_to("storefront@2.15.0", Stage::Prepare)?;
        self.tick("storefront@2.15.0", "Runbook linked")?;

        self.ready("search@3.1.0", "Typo tolerance", "people misspell", Level::Low)?;
        self.through("search@3.1.0", &["staging"])?;
        self.bring_to("search@3.1.0", Stage::Test)?;
        self.check("search@3.1.0", "unit", true)?;
        self.check("search@3.1.0", "integration", false)?;

        self.urgent()
    }

    /// What is to come: requests, a plan, a hotfix, a freeze.
    fn future(&mut self) -> Result<(), OpError> {
        self.register("storefront@2.16.0", "Gift cards", Origin::Market, Some("competitors have them"))?;
        advance::advance(&self.desk.cx(), &id("storefront@2.16.0"))?;
        self.register(
            "payments@5.1.0",
            "Pay by invoice",
            Origin::Feedback,
            Some("business customers ask for it"),
        )?;
        self.register("search@3.2.0", "Synonyms", Origin::Feedback, None)?;
        (self.tell)("adding a freeze");
        let cx = self.desk.cx();
        let start = cx.now.plus(Duration::from_secs(4 * 86_400));
        let scope =
            Scope::new(vec!["storefront".to_owned(), "payments".to_owned()], vec!["*production".to_owned()])
                .map_err(|why| OpError::new(ErrorKind::Failure, why.to_string()))?;
        let window = Window::new(start, start.plus(Duration::from_secs(3 * 86_400)))?;
        let reason = "the busiest days of the month";
        let new = NewFreeze::once("Sales weekend", reason, scope, window, cx.policy.zone);
        freeze::add(&cx, &new).map(drop)
    }

    /// A hotfix that entered in the build stage and is live in dev.
    fn urgent(&mut self) -> Result<(), OpError> {
        let hotfix = id("payments@5.0.1");
        let new = NewRelease {
            title: Some("Refund twice on retry".to_owned()),
            kind: ReleaseKind::Hotfix,
            origin: Origin::Incident,
            need: Some("a retried request refunds twice".to_owned()),
            commit: Some("9c1f0de".to_owned()),
            changes: vec!["fix: refunds carry an idempotency key".to_owned()],
            ..NewRelease::default()
        };
        (self.tell)("registering payments@5.0.1");
        create::create(&self.desk.cx(), &hotfix, &new)?;
        self.deploy("payments@5.0.1", "dev")
    }

    fn register(
        &mut self,
        release: &str,
        title: &str,
        origin: Origin,
        need: Option<&str>,
    ) -> Result<(), OpError> {
        (self.tell)(&format!("registering {release}"));
        let new = NewRelease {
            title: Some(title.to_owned()),
            origin,
            need: need.map(str::to_owned),
            priority: Some(Level::Medium),
            ..NewRelease::default()
        };
        create::create(&self.desk.cx(), &id(release), &new).map(drop)
    }

    /// Registered, planned and built: in the build stage.
    fn ready(&mut self, release: &str, title: &str, need: &str, risk: Level) -> Result<(), OpError> {
        self.register(release, title, Origin::Feedback, Some(need))?;
        let name = id(release);
        let content = format!("{} {}\n", name.service, name.version);
        let wanted = Edit {
            owner: Some(format!("{} team", name.service)),
            risk: Some(risk),
            rollback_plan: Some("deploy the version before; takes two minutes, no data changes".to_owned()),
            commit: Some(Digest::of(release.as_bytes()).short()[..7].to_owned()),
            artifact: Some(format!("{}-{}.txt", name.service, name.version)),
            digest: Some(Digest::of(content.as_bytes())),
            changes: Some(vec![
                format!("feat: {}", title.to_lowercase()),
                "fix: two small things".to_owned(),
            ]),
            ..Edit::default()
        };
        edit::edit(&self.desk.cx(), &name, &wanted)?;
        self.bring_to(release, Stage::Build)
    }

    /// Says that a toggle guards what the release brings, where the configuration has that toggle.
    fn guard(&self, release: &str, toggle: &str) -> Result<(), OpError> {
        let name = id(release);
        let service = self.desk.config.policy.services.get(&name.service);
        if !service.is_some_and(|service| service.toggles.contains_key(toggle)) {
            return Ok(());
        }
        let wanted = Edit { toggles: Some(vec![toggle.to_owned()]), ..Edit::default() };
        edit::edit(&self.desk.cx(), &name, &wanted).map(drop)
    }

    fn bring_to(&mut self, release: &str, stage: Stage) -> Result<(), OpError> {
        let name = id(release);
        loop {
            let cx = self.desk.cx();
            let now = board::board(&cx)?.cards.into_iter().find(|card| card.release.id == name);
            let Some(card) = now.filter(|card| card.release.stage < stage) else { return Ok(()) };
            if card.release.stage == Stage::Test {
                for check in ["unit", "integration", "uat", "performance", "security"] {
                    self.check(release, check, true)?;
                }
            }
            if card.release.stage == Stage::Prepare {
                for item in
                    self.desk.config.policy.stage(Stage::Prepare).checklist.iter().map(|item| &item.name)
                {
                    self.tick(release, item)?;
                }
            }
            advance::advance(&self.desk.cx(), &name)?;
        }
    }

    fn check(&self, release: &str, name: &str, passed: bool) -> Result<(), OpError> {
        evidence::record_check(&self.desk.cx(), &id(release), name, passed, None).map(drop)
    }

    fn tick(&self, release: &str, item: &str) -> Result<(), OpError> {
        evidence::tick(&self.desk.cx(), &id(release), item).map(drop)
    }

    fn through(&mut self, release: &str, environments: &[&str]) -> Result<(), OpError> {
        environments.iter().try_for_each(|environment| self.deploy(release, environment))
    }

    /// Approved by whoever runs the demo (its configuration allows that), then deployed.
    fn production(&mut self, release: &str) -> Result<(), OpError> {
        let subject = ApprovalSubject::Environment(env("production"));
        let decision = decide::Decision::new(id(release), subject, Verdict::Approved);
        decide::decide(&self.desk.cx(), &decision)?;
        self.deploy(release, "production")
    }

    fn deploy(&mut self, release: &str, environment: &str) -> Result<(), OpError> {
        (self.tell)(&format!("deploying {release} to {environment}"));
        let release = id(release);
        let environment = env(environment);
        // A soak time that has not passed yet is waited for, as a person would.
        let report = loop {
            let cx = self.desk.cx();
            let report = start::preview(&cx, &release, &environment)?.report;
            match report.earliest.filter(|at| !report.allows() && at.since(cx.now) <= LONGEST_WAIT) {
                Some(at) => clock::wait(at.since(cx.now)),
                None => break report,
            }
        };
        // The example's own freeze may be in force: a sample of an override then.
        let overrides: BTreeSet<GateId> =
            report.closed().map(|check| check.gate).filter(|gate| *gate == GateId::Freeze).collect();
        let wanted = StartDeploy {
            confirm: Some(release.version.to_string()),
            reason: (!overrides.is_empty()).then(|| "samples for the demo".to_owned()),
            overrides,
            ..StartDeploy::new(release, environment)
        };
        let started = start::start(&self.desk.cx(), &wanted)?;
        self.until_over(started.deployment.id).map(drop)
    }

    fn go_back(&mut self, service: &str, environment: &str, reason: &str) -> Result<(), OpError> {
        (self.tell)(&format!("rolling {service} back in {environment}"));
        let wanted = StartRollback {
            service: service.parse()?,
            environment: env(environment),
            to: None,
            reason: reason.to_owned(),
            confirm: None,
        };
        let started = rollback::rollback(&self.desk.cx(), &wanted)?;
        self.until_over(started.deployment.id).map(drop)
    }

    fn until_over(&self, deployment: crate::domain::ids::DeploymentId) -> Result<DeploymentState, OpError> {
        loop {
            let state = deployment::deployment(&self.desk.cx(), deployment)?.deployment.state;
            if !state.is_live() {
                return Ok(state);
            }
            clock::wait(Duration::from_millis(30));
        }
    }

    fn review(&mut self, release: &str, outcome: &str) -> Result<(), OpError> {
        let name = id(release);
        advance::advance(&self.desk.cx(), &name)?;
        let wanted = Edit {
            outcome: Some(outcome.to_owned()),
            retrospective: Some(
                "went well: canary showed it early; better: tell support a day before".to_owned(),
            ),
            ..Edit::default()
        };
        edit::edit(&self.desk.cx(), &name, &wanted)?;
        advance::advance(&self.desk.cx(), &name).map(drop)
    }
}
