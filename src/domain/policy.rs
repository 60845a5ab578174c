//! The validated configuration: which services, environments, rules and scripts there are.
//!
//! `config/` reads `relman.toml` and builds this; nothing below knows that a file exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actor::{Members, Roster};
use super::change::Change;
use super::channel::Channel;
use super::delivery::Delivery;
use super::extra_step::ExtraStep;
use super::freeze::{self, Freeze, Scope};
use super::hold::{OnFailure, Retries};
use super::hook::{Guard, Hooks};
use super::hours::OpenHours;
use super::ids::{EnvName, ServiceName, TrainName};
use super::monitor::Monitor;
use super::pipeline::Pipeline;
use super::prompt::Prompt;
use super::release::preparation::Occasion;
use super::release::{Level, Release, ReleaseKind, Stage};
use super::right::Rights;
use super::signature::SignPolicy;
pub use super::stage_rules::{StageGate, StageRules};
use super::strategy::Strategy;
use super::text::{did_you_mean, quoted};
use super::time::Tz;
use super::toggle::{Flip, Toggle};
use super::train::Train;
use super::version_template::Template;
use super::wait::QueueOrder;
use super::witness::FourEyes;
use super::words::words;

/// Said where somebody who only looks wants to change something.
pub const READ_ONLY: &str = "relman is read-only here: nothing was changed";

/// Everything the rules may consult besides the recorded facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Zone in which times are shown and typed when a freeze names none.
    pub zone: Tz,
    /// Whether nothing may be changed from here: a relman to look with.
    pub readonly: bool,
    pub groups: BTreeMap<String, Vec<Member>>,
    pub environments: BTreeMap<EnvName, Environment>,
    pub services: BTreeMap<ServiceName, Service>,
    pub stages: BTreeMap<Stage, StageRules>,
    /// What people are told when, as templates; where none is written a plain one serves.
    pub announcements: BTreeMap<Occasion, String>,
    pub processes: BTreeMap<ReleaseKind, Process>,
    /// Freezes written in the configuration; those of the store come with the facts.
    pub freezes: Vec<Freeze>,
    pub trains: BTreeMap<TrainName, Train>,
    /// Whose keys sign decisions; nothing: nobody's.
    pub signing: Option<KeyFiles>,
    /// Who may do what where neither an environment nor a service says so.
    pub rights: Rights,
    /// Groups of whom a second person confirms changed rules before they count in production; empty: nobody does.
    pub confirm_rules: Vec<String>,
    /// Who is told of what.
    pub hooks: Hooks,
    /// Where change tickets are kept, if they are.
    pub change: Option<Change>,
    /// Whether the panes ring the bell.
    pub bell: bool,
}

/// The files that say whose key is whose (ssh-keygen(1): ALLOWED SIGNERS, KEY REVOCATION LISTS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    pub allowed: PathBuf,
    pub revoked: Option<PathBuf>,
}

impl Policy {
    pub fn stage(&self, stage: Stage) -> &StageRules {
        static NONE: StageRules = StageRules::NONE;
        self.stages.get(&stage).unwrap_or(&NONE)
    }

    pub fn process(&self, kind: ReleaseKind) -> &Process {
        static DEFAULT: Process = Process { enter: Stage::Request, skip: BTreeSet::new() };
        self.processes.get(&kind).unwrap_or(&DEFAULT)
    }

    /// What is wrong with a scope here: a pattern that fits no name, or no service that goes where it says. Such a freeze
    /// would close less than its author believes.
    pub fn misfit(&self, scope: &Scope) -> Option<String> {
        let services: Vec<&str> = self.services.keys().map(ServiceName::as_str).collect();
        let environments: Vec<&str> = self.environments.keys().map(EnvName::as_str).collect();
        for (what, patterns, names) in
            [("service", &scope.services, &services), ("environment", &scope.environments, &environments)]
        {
            let idle = |pattern: &&String| !names.iter().any(|name| freeze::fits(pattern, name));
            if let Some(pattern) = patterns.iter().filter(|pattern| *pattern != "*").find(idle) {
                let near = match did_you_mean(pattern, names.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("there are: {}", names.join(", ")),
                };
                return Some(format!("no {what} fits {}; {near}", quoted(pattern, 40)));
            }
        }
        let covered = |service: &Service| service.pipeline.iter().any(|env| scope.covers(&service.name, env));
        (!self.services.values().any(covered))
            .then(|| format!("no service goes where it says ({}): it would close nothing", scope.describe()))
    }

    /// Resolves the groups: named people as written, Unix groups through `unix_members`.
    pub fn roster(&self, mut unix_members: impl FnMut(&str) -> BTreeSet<String>) -> Roster {
        let mut groups = BTreeMap::new();
        for (name, members) in &self.groups {
            let mut resolved = Members::default();
            for member in members {
                match member {
                    Member::Everyone => resolved.everyone = true,
                    Member::User(name) => {
                        resolved.names.insert(name.clone());
                    }
                    Member::UnixGroup(group) => resolved.names.extend(unix_members(group)),
                }
            }
            groups.insert(name.clone(), resolved);
        }
        Roster::new(groups)
    }
}

/// An entry of a group: a person, everyone in a Unix group (`%sre`), or everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Member {
    /// `*`: whoever can run relman here.
    Everyone,
    User(String),
    UnixGroup(String),
}

impl std::fmt::Display for Member {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Everyone => f.write_str("*"),
            Self::User(name) => f.write_str(name),
            Self::UnixGroup(group) => write!(f, "%{group}"),
        }
    }
}

/// How much care an environment needs. `production` is what the protections hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvKind {
    Development,
    Test,
    Staging,
    Production,
}

impl EnvKind {
    pub const ALL: [Self; 4] = [Self::Development, Self::Test, Self::Staging, Self::Production];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}
words!(EnvKind, "environment kind", Self::ALL);

/// "From this group, that many": one line of an approval policy. All lines must be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub from: String,
    pub count: u8,
    /// From which risk on it is asked; nothing: always (PLN-4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Level>,
}

impl Rule {
    /// Those that are asked of something with this risk.
    pub fn asked(rules: &[Self], risk: Level) -> Vec<Self> {
        rules.iter().filter(|rule| rule.risk.is_none_or(|from| risk >= from)).cloned().collect()
    }
}

/// A place to deploy to, and what protects it.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    pub name: EnvName,
    pub kind: EnvKind,
    /// The environment this one is kept like (staging mirrors production).
    pub mirrors: Option<EnvName>,
    /// Facts that may differ from what it mirrors.
    pub drift_ignore: Vec<String>,
    /// How long a release must have been live one environment earlier.
    pub soak: Duration,
    pub hours: Vec<OpenHours>,
    /// Whether a person must type the version before something starts here.
    pub confirm: bool,
    pub approvals: Vec<Rule>,
    pub approval_ttl: Duration,
    pub signing: SignPolicy,
    /// Rules a rollback must meet instead of `approvals`.
    pub rollback_approvals: Vec<Rule>,
    /// How long an override may wait for its deployment to begin.
    pub override_ttl: Duration,
    /// Within what time somebody else looks at an override that was used.
    pub override_review: Duration,
    /// Who may do what here; `deployers`, `override` and `promote-full` are short forms of it.
    pub rights: Rights,
    pub self_approval: bool,
    /// Whether a yes to a release is a no to older ones that wait for it here.
    pub newest_only: bool,
    /// Which of several deployments that wait for it goes first.
    pub queue: QueueOrder,
    /// Whether nothing begins by itself here after a deployment failed, until somebody has looked (EXE-27).
    pub holds_after_failure: bool,
    /// Whether what somebody asks for takes the place of what the same person asked for before and still waits (EXE-28).
    pub one_in_queue: bool,
    /// Whether an older version than the live one is refused, unless it is asked for as a rollback (PIP-9).
    pub blocks_outdated: bool,
    /// Whether its deployments are subject to change tickets, where the service says so as well.
    pub change_controlled: bool,
    /// How a decision that stays open is brought to mind.
    pub reminders: Reminders,
    /// Whether a second person confirms each start live, and who may be that.
    pub four_eyes: Option<FourEyes>,
}

/// How often people are reminded of an open decision, and who else is told when it stays open for too long (APR-24).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reminders {
    pub every: Option<Duration>,
    pub escalate_after: Option<Duration>,
    pub escalate_to: Vec<String>,
    /// After how long an open decision is no longer waited for: it must be asked for anew (APR-6).
    pub timeout: Option<Duration>,
}

impl Environment {
    pub fn is_production(&self) -> bool {
        self.kind == EnvKind::Production
    }
}

/// An argument list: never goes through a shell.
pub type Argv = Vec<String>;

/// What a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScriptRole {
    Build,
    Deploy,
    Verify,
    Rollback,
    Analyse,
    Current,
    /// Tells what a deployment would do, and changes nothing.
    Plan,
    /// Whether what a rollback puts back is still to be had: asked before it changes anything (RBK-1).
    Available,
    /// A command of its own, which the configuration gives to a step or a toggle.
    Step,
    /// Asked before anything begins, whether it may: its no ends the deployment (NTF-1).
    Hook,
}

impl ScriptRole {
    pub const ALL: [Self; 10] = [
        Self::Build,
        Self::Deploy,
        Self::Verify,
        Self::Rollback,
        Self::Analyse,
        Self::Current,
        Self::Plan,
        Self::Available,
        Self::Step,
        Self::Hook,
    ];

    /// Those that stand under `scripts`.
    pub fn written() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|role| !matches!(role, Self::Step | Self::Hook))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Deploy => "deploy",
            Self::Verify => "verify",
            Self::Rollback => "rollback",
            Self::Analyse => "analyse",
            Self::Current => "current",
            Self::Plan => "plan",
            Self::Available => "available",
            Self::Step => "step",
            Self::Hook => "hook",
        }
    }
}
words!(ScriptRole, "script", Self::ALL);

/// Something that is released on its own, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub name: ServiceName,
    /// Environments in the order a release passes them.
    pub pipeline: Pipeline,
    pub owner: Option<String>,
    pub repo: Option<String>,
    /// What its next version is, where nobody says another one.
    pub version: Option<Template>,
    /// Absolute: relative ones are resolved against the config file.
    pub working_dir: PathBuf,
    pub timeout: Option<Duration>,
    pub quiet_timeout: Option<Duration>,
    /// How long one step may take: one that is stuck must not hold up the others (EXE-21).
    pub step_timeout: Option<Duration>,
    /// Time between TERM and KILL.
    pub grace: Duration,
    /// Environment variables handed through to the scripts, by name.
    pub pass_env: Vec<String>,
    /// Names of variables whose values are masked in the log; they are handed through as well.
    pub secrets: Vec<String>,
    pub scripts: BTreeMap<ScriptRole, Argv>,
    pub strategies: BTreeMap<EnvName, Strategy>,
    pub on_failure: BTreeMap<EnvName, OnFailure>,
    pub retries: BTreeMap<EnvName, Retries>,
    /// Services that come before it where several are deployed together.
    pub depends_on: Vec<ServiceName>,
    /// What is asked of who deploys it.
    pub prompts: Vec<Prompt>,
    /// What is asked after a deployment whether it does well.
    pub monitors: Vec<Monitor>,
    /// What finds out about checks, by their names.
    pub checks: BTreeMap<String, Argv>,
    /// Names of what its releases say besides (REL-8).
    pub fields: Vec<String>,
    /// Which versions go which way; none: all go all the way.
    pub channels: Vec<Channel>,
    /// Steps beside those of its strategies.
    pub steps: Vec<ExtraStep>,
    pub toggles: BTreeMap<String, Toggle>,
    /// Where it goes by itself.
    pub deliveries: BTreeMap<EnvName, Delivery>,
    /// Who may do what about it.
    pub rights: Rights,
    /// Asked before a deployment begins: a no of one of them ends it.
    pub guards: Vec<Guard>,
    /// Whether its deployments are subject to change tickets, where the environment says so as well.
    pub change_controlled: bool,
}

/// By this name the command of a check is known among those of a service.
pub fn check_key(name: &str) -> String {
    format!("check:{name}")
}

impl Service {
    pub fn strategy(&self, env: &EnvName) -> &Strategy {
        static DEFAULT: Strategy = Strategy::AllAtOnce;
        self.strategies.get(env).unwrap_or(&DEFAULT)
    }

    /// Every command that no step has by its role, by the name under which steps ask for it.
    pub fn commands(&self) -> BTreeMap<String, Argv> {
        let steps = self.steps.iter().map(|step| (step.key(), step.command.clone()));
        let toggles = self.toggles.values().flat_map(|toggle| {
            let one = |on: bool, argv: &Argv| (Flip { name: toggle.name.clone(), on }.key(), argv.clone());
            [one(true, &toggle.on), one(false, &toggle.off)]
        });
        let guards = self.guards.iter().map(|guard| (guard.key(), guard.command.clone()));
        // What builds is not what deploys: changed, it voids no approval of a deployment.
        let build = self.scripts.get(&ScriptRole::Build);
        let build = build.map(|argv| (ScriptRole::Build.as_str().to_owned(), argv.clone()));
        let checks = self.checks.iter().map(|(name, argv)| (check_key(name), argv.clone()));
        steps.chain(toggles).chain(guards).chain(build).chain(checks).collect()
    }

    /// What its scripts are told of the fields of a release: every known one, empty where nothing is said.
    pub fn field_variables(&self, release: &Release) -> Vec<(String, String)> {
        let one = |name: &String| {
            let value = release.fields.get(name).cloned().unwrap_or_default();
            (format!("RELMAN_FIELD_{}", name.to_ascii_uppercase().replace('-', "_")), value)
        };
        self.fields.iter().map(one).collect()
    }

    /// Names of all variables that are handed through to its scripts.
    pub fn variables(&self) -> Vec<String> {
        self.pass_env.iter().chain(&self.secrets).cloned().collect()
    }

    /// What happens when a step fails there.
    pub fn on_failure(&self, env: &EnvName) -> OnFailure {
        self.on_failure.get(env).copied().unwrap_or_default()
    }

    /// How often a failed step is run again there before that.
    pub fn retries(&self, env: &EnvName) -> Retries {
        self.retries.get(env).copied().unwrap_or_default()
    }
}

/// How a kind of release goes through the stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The stage in which such a release is registered.
    pub enter: Stage,
    /// Gates it skips; each skip shows on the release for ever.
    pub skip: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval::ApprovalSubject;

    #[test]
    fn every_stage_gate_belongs_to_one_stage_and_reads_back() {
        for gate in StageGate::ALL {
            assert_eq!(gate.to_string().parse(), Ok(gate));
        }
        for stage in Stage::ALL {
            let here = || StageGate::ALL.iter().filter(|gate| gate.stage() == stage);
            assert!(here().count() > 0, "{stage} has no gate");
            let decided: Vec<ApprovalSubject> = here().filter_map(|gate| gate.decision()).collect();
            assert_eq!(decided, Vec::from_iter(ApprovalSubject::of_stage(stage)), "{stage}");
        }
    }
}
