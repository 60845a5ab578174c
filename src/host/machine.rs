//! This machine as the verbs see it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::getuid;
use sha2::{Digest as _, Sha256};

use super::kept::Kept;
use super::logfile::LogReader;
use super::outside::World;
use super::state::{RunFiles, State};
use super::{environment, exit_record, identity, launch, lock, people, process, regular, scripts, signing};
use crate::domain::actor::Person;
use crate::domain::ansi;
use crate::domain::deployment::{Outcome, ProcessRef};
use crate::domain::digest::{Digest, hex};
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::domain::policy::{KeyFiles, Service};
use crate::domain::signature::{Signed, Signer};
use crate::domain::subject::{ScriptFile, ScriptSet};
use crate::domain::time::Timestamp;
use crate::ops::approval::sign::Order;
use crate::ops::build::BuildTicket;
use crate::ops::deployment::Ticket;
use crate::ops::outside::Outside;
use crate::ops::retention::Log;
use crate::ops::{Liveness, Machine};

/// The real machine.
pub struct Local {
    state: State,
    config: PathBuf,
    world: World,
    host: String,
    boot: String,
    groups: RefCell<HashMap<String, BTreeSet<String>>>,
    /// What was found out about signatures, by what was looked at.
    signatures: RefCell<HashMap<Digest, Look>>,
}

/// How far back the last lines of a log are looked for.
const TAIL_BYTES: usize = 64 * 1024;

/// A look at a signature: when, and what it was worth then.
type Look = (Timestamp, Result<Signer, String>);

/// For how long a look at a signature says something: its key may pass the end of its validity meanwhile. A change of
/// the files that list keys is noticed at once.
const LOOKED_AT: Duration = Duration::from_secs(30);

impl Local {
    pub fn new(state: State, config: PathBuf) -> Self {
        Self {
            state,
            world: World::new(config.clone()),
            config,
            host: identity::host(),
            boot: identity::boot(),
            groups: RefCell::new(HashMap::new()),
            signatures: RefCell::new(HashMap::new()),
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

    fn script_text(&self, file: &ScriptFile) -> Result<String, String> {
        let text = Kept::of(&self.state).script(Path::new(&file.path))?;
        match file.digest.as_ref() == Some(&Digest::of(text.as_bytes())) {
            true => Ok(text),
            false => Err("it has just been changed: look again".to_owned()),
        }
    }

    fn kept_script(&self, content: &Digest) -> Result<String, String> {
        Kept::of(&self.state).read(content)
    }

    fn launch(&self, ticket: &Ticket) -> Result<(), String> {
        launch::launch(&launch::order(ticket, self.config.clone(), self.state.store().to_path_buf()))
    }

    fn liveness(&self, id: DeploymentId) -> Liveness {
        liveness_of(&self.state.files_of(id))
    }

    fn build(&self, ticket: &BuildTicket) -> Result<(), String> {
        launch::build(&launch::build_order(ticket, self.config.clone(), self.state.store().to_path_buf()))
    }

    fn build_liveness(&self, id: &ReleaseId, number: usize) -> Liveness {
        liveness_of(&self.state.files_of_build(id, number))
    }

    fn build_log(&self, id: &ReleaseId, number: usize) -> (u64, Digest) {
        log_facts(&self.state.files_of_build(id, number))
    }

    fn exit_record(&self, id: DeploymentId, epoch: i64) -> Option<Outcome> {
        exit_record::read(&self.state.files_of(id).exit(), id, epoch)
    }

    fn foreign_files(&self, id: DeploymentId, uid: u32) -> Option<String> {
        let files = self.state.files_of(id);
        let all = [files.dir().to_path_buf(), files.supervisor_lock(), files.exit()];
        let mut owners = all.iter().filter_map(|path| Some(path.symlink_metadata().ok()?.uid()));
        owners.find(|owner| *owner != uid).map(identity::name_of)
    }

    fn build_tail(&self, id: &ReleaseId, number: usize, lines: usize) -> Vec<String> {
        let files = self.state.files_of_build(id, number);
        let Ok(reader) = LogReader::open(&files.log(), &files.index()) else { return Vec::new() };
        let from = reader.start_of_last(reader.size(), lines, TAIL_BYTES as u64).unwrap_or(0);
        let bytes = reader.read_at(from, TAIL_BYTES).unwrap_or_default();
        ansi::lines(&bytes).iter().map(ansi::Line::text).collect()
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

    fn nonce(&self) -> Result<String, String> {
        identity::fresh_id()
            .map(|id| id.replace('-', ""))
            .map_err(|why| format!("the kernel gives no random number: {why}"))
    }

    fn sign(&self, order: &Order<'_>) -> Result<Signed, String> {
        signing::sign(order, &self.config)
    }

    fn check_signature(
        &self,
        keys: &KeyFiles,
        signed: &Signed,
        person: &str,
        at: Timestamp,
    ) -> Result<Signer, String> {
        let files = [Some(&keys.allowed), keys.revoked.as_ref()].into_iter().flatten();
        let files: Vec<String> = files.map(|path| signing::state_of(path)).collect();
        let looked_at = Digest::of(format!("{} {person} {}", signed.digest(), files.join(" ")).as_bytes());
        if let Some((when, found)) = self.signatures.borrow().get(&looked_at)
            && at >= *when
            && at.since(*when) < LOOKED_AT
        {
            return found.clone();
        }
        let found = signing::check(keys, &self.config, signed, person, at);
        let mut known = self.signatures.borrow_mut();
        known.retain(|_, (when, _)| at.since(*when) < LOOKED_AT);
        known.insert(looked_at, (at, found.clone()));
        found
    }

    fn runs_as(&self, _person: &Person) -> u32 {
        getuid().as_raw()
    }

    fn outside(&self) -> &dyn Outside {
        &self.world
    }

    fn log_size(&self, id: DeploymentId) -> u64 {
        std::fs::metadata(self.state.files_of(id).log()).map_or(0, |meta| meta.len())
    }

    fn log_facts(&self, id: DeploymentId) -> (u64, Digest) {
        log_facts(&self.state.files_of(id))
    }

    fn log_start(&self, id: DeploymentId, size: u64) -> Option<(u64, Digest)> {
        log_start(&self.state.files_of(id), size)
    }

    fn build_log_start(&self, id: &ReleaseId, number: usize, size: u64) -> Option<(u64, Digest)> {
        log_start(&self.state.files_of_build(id, number), size)
    }

    fn own_logs(&self) -> Vec<Log> {
        let mut logs = Vec::new();
        for (name, _) in inside(&self.state.dir().join("deployments")) {
            logs.extend(name.parse().ok().map(|id| Log::Deployment(DeploymentId(id))));
        }
        for (name, dir) in inside(&self.state.dir().join("builds")) {
            let Ok(release) = name.parse::<ReleaseId>() else { continue };
            let numbers = inside(&dir).into_iter().filter_map(|(name, _)| name.parse().ok());
            logs.extend(numbers.filter(|at| *at > 0).map(|at: usize| Log::Build(release.clone(), at)));
        }
        let uid = getuid().as_raw();
        let is_mine = |log: &Log| {
            self.files_of_log(log)
                .log()
                .symlink_metadata()
                .is_ok_and(|meta| meta.is_file() && meta.uid() == uid)
        };
        logs.retain(is_mine);
        logs.sort();
        logs
    }

    fn remove_log(&self, log: &Log) -> Result<(), String> {
        let files = self.files_of_log(log);
        for path in [files.log(), files.index(), files.supervisor_log()] {
            match std::fs::remove_file(&path) {
                Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why.to_string()),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Local {
    fn files_of_log(&self, log: &Log) -> RunFiles {
        match log {
            Log::Deployment(id) => self.state.files_of(*id),
            Log::Build(release, number) => self.state.files_of_build(release, *number),
        }
    }
}

/// Directories in a directory, with their names.
fn inside(dir: &Path) -> Vec<(String, PathBuf)> {
    let Ok(all) = std::fs::read_dir(dir) else { return Vec::new() };
    let named = |entry: std::fs::DirEntry| {
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        Some((entry.file_name().into_string().ok()?, entry.path())).filter(|_| is_dir)
    };
    all.flatten().filter_map(named).collect()
}

/// Judged by the lock that a supervisor holds for its life.
fn liveness_of(files: &RunFiles) -> Liveness {
    match lock::is_held(&files.supervisor_lock()) {
        Ok(true) => Liveness::Alive,
        Ok(false) => Liveness::Gone,
        Err(_) => Liveness::OutOfReach,
    }
}

fn log_facts(files: &RunFiles) -> (u64, Digest) {
    match regular::open(&files.log()) {
        Ok(file) => digest_of(file),
        Err(_) => (0, Digest::of(b"")),
    }
}

/// The size of a log as it is now, and the digest of its first `size` bytes.
fn log_start(files: &RunFiles, size: u64) -> Option<(u64, Digest)> {
    let file = regular::open(&files.log()).ok()?;
    let now = file.metadata().ok()?.len();
    Some((now, digest_of(file.take(size)).1))
}

/// Size and digest of everything that can be read.
fn digest_of(mut file: impl std::io::Read) -> (u64, Digest) {
    let mut sha = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(read) = file.read(&mut buffer) {
        if read == 0 {
            break;
        }
        sha.update(&buffer[..read]);
        size += read as u64;
    }
    let digest = format!("sha256:{}", hex(&sha.finalize()));
    (size, digest.parse().expect("a SHA-256 in hexadecimal"))
}
