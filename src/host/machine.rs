//! This machine as the verbs see it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::outside::World;
use super::state::State;
use super::{environment, exit_record, identity, launch, lock, people, process, scripts};
use crate::domain::deployment::{Outcome, ProcessRef};
use crate::domain::digest::{Digest, hex};
use crate::domain::ids::DeploymentId;
use crate::domain::policy::Service;
use crate::domain::subject::ScriptSet;
use crate::ops::deployment::Ticket;
use crate::ops::outside::Outside;
use crate::ops::{Liveness, Machine};

/// The real machine.
pub struct Local {
    state: State,
    config: PathBuf,
    world: World,
    host: String,
    boot: String,
    groups: RefCell<HashMap<String, BTreeSet<String>>>,
}

impl Local {
    pub fn new(state: State, config: PathBuf) -> Self {
        Self {
            state,
            world: World::new(config.clone()),
            config,
            host: identity::host(),
            boot: identity::boot(),
            groups: RefCell::new(HashMap::new()),
        }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Forgets what was looked up: a process that lives long must notice that somebody joined a group.
    pub fn refresh(&self) {
        self.groups.borrow_mut().clear();
    }
}

impl Machine for Local {
    fn host(&self) -> &str {
        &self.host
    }

    fn boot(&self) -> &str {
        &self.boot
    }

    fn unix_members(&self, group: &str) -> BTreeSet<String> {
        self.groups.borrow_mut().entry(group.to_owned()).or_insert_with(|| people::members(group)).clone()
    }

    fn scripts(&self, service: &Service) -> ScriptSet {
        scripts::of(service)
    }

    fn launch(&self, ticket: &Ticket) -> Result<(), String> {
        launch::launch(&launch::order(ticket, self.config.clone(), self.state.store().to_path_buf()))
    }

    fn liveness(&self, id: DeploymentId) -> Liveness {
        match lock::is_held(&self.state.files_of(id).supervisor_lock()) {
            Ok(true) => Liveness::Alive,
            Ok(false) => Liveness::Gone,
            Err(_) => Liveness::OutOfReach,
        }
    }

    fn exit_record(&self, id: DeploymentId, epoch: i64) -> Option<Outcome> {
        exit_record::read(&self.state.files_of(id).exit(), id, epoch)
    }

    fn script_runs(&self, script: ProcessRef) -> bool {
        process::runs(script)
    }

    fn adopt(&self, id: DeploymentId, script: ProcessRef) -> Result<(), String> {
        // Nobody who may not, and nobody a second time: this is asked every half minute.
        let is_saved = lock::is_held(&self.state.files_of(id).adopter_lock(script)).unwrap_or(false);
        if is_saved {
            return Ok(());
        }
        process::open_output_of(script).map_err(|why| why.to_string())?;
        launch::adopt(&self.config, id, script)
    }

    fn set_variables(&self, names: &[String]) -> Vec<String> {
        names.iter().filter(|name| environment::variable(name).is_some()).cloned().collect()
    }

    fn outside(&self) -> &dyn Outside {
        &self.world
    }

    fn log_size(&self, id: DeploymentId) -> u64 {
        std::fs::metadata(self.state.files_of(id).log()).map_or(0, |meta| meta.len())
    }

    fn log_facts(&self, id: DeploymentId) -> (u64, Digest) {
        let mut sha = Sha256::new();
        let mut size = 0;
        if let Ok(mut file) = std::fs::File::open(self.state.files_of(id).log()) {
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(read) = file.read(&mut buffer) {
                if read == 0 {
                    break;
                }
                sha.update(&buffer[..read]);
                size += read as u64;
            }
        }
        let digest = format!("sha256:{}", hex(&sha.finalize()));
        (size, digest.parse().expect("a SHA-256 in hexadecimal"))
    }
}
