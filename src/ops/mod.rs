//! What relman does: one verb per file, one transaction each. Returns values, prints nothing, starts nothing by
//! itself: the machine is reached through the [`Machine`] port, which `host` implements.
//!
//! A verb gathers its facts, asks the domain, writes the change and its journal entry in one
//! [`crate::store::Store::write`]. A refusal is written to the journal in the same way before it is returned:
//! "no" is on record too. What must happen after the commit (launching) is repairable by
//! [`deployment::reconcile`].

pub mod approval;
pub mod audit;
pub mod build;
pub mod bundle;
pub mod change;
pub mod configured;
pub mod delivery;
pub mod deployment;
pub mod drift;
pub mod error;
pub mod facts;
pub mod freeze;
pub mod hook;
pub mod lock;
pub mod monitor;
pub mod open;
pub mod outside;
pub mod override_review;
pub mod past;
pub mod presence;
pub mod release;
pub mod restore;
pub mod retention;
pub mod train;
pub mod undo;
pub mod view;
pub mod wanted;
pub mod witness;

use std::collections::BTreeSet;

pub use self::error::{ErrorKind, OpError};
use self::outside::{Nowhere, Outside};
use crate::domain::actor::{Actor, Person, Roster};
use crate::domain::deployment::{Outcome, ProcessRef};
use crate::domain::digest::Digest;
use crate::domain::freeze::Scope;
use crate::domain::ids::{DeploymentId, ReleaseId, ServiceName};
use crate::domain::journal::{NewEntry, Verb};
use crate::domain::policy::{KeyFiles, Policy, Service};
use crate::domain::right::{Place, Right};
use crate::domain::signature::{Signed, Signer};
use crate::domain::subject::{ScriptFile, ScriptSet};
use crate::domain::time::Timestamp;
pub use crate::store::deployments::Filter;
pub use crate::store::{Kind as StoreErrorKind, Store, StoreError, Tx, WaitNotice};

/// What every verb gets: five values, no more (a test counts them).
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    pub store: &'a Store,
    pub policy: &'a Policy,
    pub actor: &'a Actor,
    /// The clock is read once per operation, at the edge.
    pub now: Timestamp,
    pub machine: &'a dyn Machine,
}

/// Whether the supervisor of a deployment lives. Judged by the lock it holds for its life, never by a pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    Alive,
    Gone,
    /// It runs on another machine, or its files cannot be reached: nothing may be concluded.
    OutOfReach,
}

/// What the verbs need of the machine. Tests implement it without one.
pub trait Machine {
    fn host(&self) -> &str;
    /// Identifies the current boot.
    fn boot(&self) -> &str;
    fn unix_members(&self, group: &str) -> BTreeSet<String>;
    /// The scripts of a service as they are on disk now.
    fn scripts(&self, service: &Service) -> ScriptSet;
    /// What a script says now, if it is one that may be shown and its content is still this; else why not.
    fn script_text(&self, _file: &ScriptFile) -> Result<String, String> {
        Err("it cannot be read here".to_owned())
    }
    /// What a script of this content said when it was last run, if that was kept; else why not.
    fn kept_script(&self, _content: &Digest) -> Result<String, String> {
        Err("its earlier content was not kept".to_owned())
    }
    /// Starts the supervisor of a recorded deployment; returns once it has said that it is at work.
    fn launch(&self, ticket: &deployment::Ticket) -> Result<(), String>;
    fn liveness(&self, id: DeploymentId) -> Liveness;
    /// The outcome a supervisor left in its exit record, if it is whole and of this epoch.
    fn exit_record(&self, id: DeploymentId, epoch: i64) -> Option<Outcome>;
    /// Who owns files of a deployment that are not its user's: whoever may write the directory above could have put others
    /// in their place, and nothing they say is believed.
    fn foreign_files(&self, _id: DeploymentId, _uid: u32) -> Option<String> {
        None
    }
    fn script_runs(&self, script: ProcessRef) -> bool;
    /// Starts the process of a recorded run of the build script; returns once it has said that it is at work.
    fn build(&self, _ticket: &build::BuildTicket) -> Result<(), String> {
        Err("nothing is built here".to_owned())
    }
    /// Whether that process lives.
    fn build_liveness(&self, _id: &ReleaseId, _number: usize) -> Liveness {
        Liveness::OutOfReach
    }
    /// Size and digest of the log of such a run as it is now.
    fn build_log(&self, _id: &ReleaseId, _number: usize) -> (u64, Digest) {
        (0, Digest::of(b""))
    }
    /// Its size as it is now, and the digest of its first `size` bytes; nothing where it is gone.
    fn build_log_start(&self, _id: &ReleaseId, _number: usize, _size: u64) -> Option<(u64, Digest)> {
        None
    }
    /// The last lines of it, as plain text.
    fn build_tail(&self, _id: &ReleaseId, _number: usize, _lines: usize) -> Vec<String> {
        Vec::new()
    }
    /// Takes over the output of a script whose supervisor is gone, in the background.
    fn adopt(&self, id: DeploymentId, script: ProcessRef) -> Result<(), String>;
    /// Those of these environment variables that are set here.
    fn set_variables(&self, names: &[String]) -> Vec<String>;
    /// 32 hexadecimal digits that nobody can foresee.
    fn nonce(&self) -> Result<String, String>;
    /// Signs a decision with a key of the person; may wait for them.
    fn sign(&self, order: &approval::sign::Order<'_>) -> Result<Signed, String>;
    /// Whether a signature is good with a key that stands for `person` then, and with which.
    fn check_signature(
        &self,
        keys: &KeyFiles,
        signed: &Signed,
        person: &str,
        at: Timestamp,
    ) -> Result<Signer, String>;
    /// The user id under which what this person starts here runs: not always theirs, they may be here through sudo.
    fn runs_as(&self, person: &Person) -> u32 {
        person.uid
    }
    /// Size of a deployment's log as it is now.
    fn log_size(&self, id: DeploymentId) -> u64;
    /// Size and digest of a deployment's log as it is now.
    fn log_facts(&self, id: DeploymentId) -> (u64, Digest);
    /// Size of a deployment's log as it is now, and the digest of its first `size` bytes; nothing where it is gone.
    fn log_start(&self, id: DeploymentId, size: u64) -> Option<(u64, Digest)>;
    /// Logs of this user on this machine that are there.
    fn own_logs(&self) -> Vec<retention::Log> {
        Vec::new()
    }
    /// Removes one; its directory and outcome stay.
    fn remove_log(&self, _log: &retention::Log) -> Result<(), String> {
        Err("logs cannot be removed here".to_owned())
    }
    /// The way to hooks and change systems.
    fn outside(&self) -> &dyn Outside {
        &Nowhere
    }
}

impl Ctx<'_> {
    /// An entry about `subject` by this actor, now.
    pub fn entry(&self, verb: Verb, subject: impl ToString) -> NewEntry {
        NewEntry::new(self.now, self.actor, verb, subject)
    }

    /// The groups of the policy with their people.
    pub fn roster(&self) -> Roster {
        self.policy.roster(|group| self.machine.unix_members(group))
    }

    pub fn service(&self, name: &ServiceName) -> Result<&Service, OpError> {
        self.policy.services.get(name).ok_or_else(|| OpError::unknown_service(name, self.policy))
    }

    /// Whether the actor has a right in a place. Asked inside [`Self::act`], so that a no is on record.
    pub fn may(&self, right: Right, place: Place<'_>) -> Result<(), OpError> {
        Ok(self.policy.may(right, place, &self.roster(), &self.actor.person)?)
    }

    /// The same about everything a freeze or a lock reaches.
    pub fn may_in(&self, right: Right, scope: &Scope) -> Result<(), OpError> {
        Ok(self.policy.may_in_scope(right, scope, &self.roster(), &self.actor.person)?)
    }

    /// Runs one verb: commits what `f` did, or undoes it and puts the refusal on record.
    pub fn act<T>(
        &self,
        verb: Verb,
        subject: impl ToString,
        mut f: impl FnMut(&Tx<'_>) -> Result<T, OpError>,
    ) -> Result<T, OpError> {
        if self.policy.readonly {
            return Err(OpError::new(ErrorKind::NotPermitted, crate::domain::policy::READ_ONLY));
        }
        self.store.write(|tx| match tx.nested(&mut f) {
            Ok(value) => Ok(Ok(value)),
            Err(error) if error.is_refusal() => {
                let entry =
                    self.entry(verb, subject.to_string()).refused(&error.sentence).detail(&error.report);
                crate::store::journal::append(tx, entry)?;
                Ok(Err(error))
            }
            Err(error) => Err(error),
        })?
    }
}

/// How long a supervisor may take to claim its deployment before the deployment counts as never started.
pub const LAUNCH_DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);
