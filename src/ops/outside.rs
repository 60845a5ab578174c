//! What the verbs need of the world beyond this machine's store: hooks are told, a change system is asked.
//!
//! Nothing here is called within a transaction of the store: an answer may take its time.

use std::path::Path;

use crate::domain::change::{Answered, Asking, Change};
use crate::domain::deployment::Deployment;
use crate::domain::event::Event;
use crate::domain::hook::Hook;
use crate::domain::ids::EnvName;
use crate::domain::monitor::Monitor;
use crate::domain::policy::Argv;
use crate::domain::policy::Service;
use crate::domain::release::Release;
use crate::ops::monitor::Whose;

/// The world outside. Tests implement it without one.
pub trait Outside {
    /// What a hook or the change system needs and does not find in this process's environment, such as a token.
    fn lacks(&self, hook: &Hook) -> Option<String>;
    /// Tells a hook of an event. Takes no longer than the hook may.
    fn tell(&self, hook: &Hook, event: &Event, attempt: u32) -> Told;
    /// Asks the change system, or tells it something. `Err`: it could not be reached, or nobody understands its answer.
    fn change(&self, change: &Change, asking: &Asking) -> Result<Answered, String>;
    /// What the current script of a service prints about an environment. `Err`: it could not say, and why.
    fn current(&self, _service: &Service, _env: &EnvName) -> Result<String, String> {
        Err("scripts cannot be asked here".to_owned())
    }
    /// What a command of the checklist finds out about a release.
    fn verify(&self, _service: &Service, _argv: &Argv, _release: &Release) -> Found {
        Found { code: None, said: "commands cannot be run here".to_owned() }
    }
    /// The commit that a name stands for now in a repository. `Err`: why that cannot be said.
    fn commit(&self, _repo: &Path, _name: &str) -> Result<String, String> {
        Err("no repository can be asked here".to_owned())
    }
    /// What a monitor says of a deployment.
    fn measure(&self, _service: &Service, _asked: &Measuring<'_>) -> Found {
        Found { code: None, said: "commands cannot be run here".to_owned() }
    }
    /// Starts a process that asks monitors, and does not wait for it.
    fn send_measurer(&self, _whose: Whose) {}
    /// Whether anybody can be asked at all: of the past nobody can.
    fn is_there(&self) -> bool {
        true
    }
    /// Starts a process that tells hooks what they have not been told, and does not wait for it.
    fn send_courier(&self);
}

/// What a monitor is asked about.
pub struct Measuring<'a> {
    pub monitor: &'a Monitor,
    pub deployment: &'a Deployment,
    pub release: &'a Release,
    /// The how-manieth time it is asked.
    pub count: u32,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its exit status; nothing where it has none.
    pub code: Option<i32>,
    /// The last line it printed, or how it ended.
    pub said: String,
}

/// What became of telling a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub delivered: bool,
    /// How it ended, in a few words: `200`, `exit status 3`, `no answer within 30s`.
    pub outcome: String,
    /// What it said.
    pub said: Option<String>,
}

/// Where there is no way out.
pub struct Nowhere;

impl Outside for Nowhere {
    fn lacks(&self, _hook: &Hook) -> Option<String> {
        None
    }
    fn tell(&self, _hook: &Hook, _event: &Event, _attempt: u32) -> Told {
        Told { delivered: false, outcome: "there is no way out of here".to_owned(), said: None }
    }
    fn change(&self, _change: &Change, _asking: &Asking) -> Result<Answered, String> {
        Err("there is no way out of here".to_owned())
    }
    fn is_there(&self) -> bool {
        false
    }
    fn send_courier(&self) {}
}
