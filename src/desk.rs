//! What a front end sits at: configuration, store, machine and actor, opened once and handed to the verbs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::{self, Config};
use crate::domain::actor::{Actor, Via};
use crate::host::machine::Local;
use crate::host::state::State;
use crate::host::{clock, identity, launch};
use crate::ops::{self, Ctx, ErrorKind, OpError, Store, hook};

/// Everything a verb needs, owned.
pub struct Desk {
    pub config: Config,
    pub actor: Actor,
    store: Store,
    machine: Local,
    /// Whether somebody is to be sent to the hooks when something was put on record.
    sends_courier: Arc<AtomicBool>,
}

impl Desk {
    /// Opens what the configuration at `path` names. A store of an older schema is copied to the backups first.
    pub fn open(path: &Path, via: Via) -> Result<Self, OpError> {
        let config = config::load(path)
            .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
        Self::with(config, via)
    }

    pub fn with(config: Config, via: Via) -> Result<Self, OpError> {
        let state = State::prepare(&config.database)?;
        let actor = identity::actor(via);
        let now = clock::now();
        let instance = identity::fresh_id().map_err(|why| {
            OpError::new(ErrorKind::Failure, format!("the kernel gives no random id: {why}"))
        })?;
        let store = ops::open::open(state.store(), &actor, now, &instance, || {
            let stamp = now.utc().format("%Y%m%dT%H%M%S").to_string();
            state.make_backup_file(&format!("{stamp}-before-migration")).map_err(|why| {
                OpError::new(ErrorKind::Unusable, format!("cannot make room for a backup: {why}"))
            })
        })?;
        let machine = Local::new(state, config.path.clone());
        let sends_courier = Arc::new(AtomicBool::new(false));
        let (sends, path) = (Arc::clone(&sends_courier), config.path.clone());
        let store = store.on_entry(Box::new(move || {
            if sends.load(Ordering::Relaxed) {
                // Whoever looks next tells what is left in the outbox.
                let _later = launch::courier(&path);
            }
        }));
        let desk = Self { config, actor, store, machine, sends_courier };
        desk.meet_hooks();
        Ok(desk)
    }

    /// New hooks hear of what happens from now on.
    fn meet_hooks(&self) {
        let cx = self.cx();
        self.sends_courier.store(hook::is_wanted(&cx), Ordering::Relaxed);
        // A store that cannot be written now is one in which nothing happens either.
        let _later = hook::subscribe(&cx);
    }

    /// Sends nobody to the hooks: who does it oneself needs no help.
    pub fn without_courier(&self) {
        self.sends_courier.store(false, Ordering::Relaxed);
    }

    /// Says who to tell while a write waits for another process.
    #[must_use]
    pub fn on_wait(mut self, notice: ops::WaitNotice) -> Self {
        self.store = self.store.on_wait(notice);
        self
    }

    /// The context of one operation: the clock is read here, once.
    pub fn cx(&self) -> Ctx<'_> {
        Ctx {
            store: &self.store,
            policy: &self.config.policy,
            actor: &self.actor,
            now: clock::now(),
            machine: &self.machine,
        }
    }

    /// Reads the configuration again if its file is another one than the one in force; says whether it was.
    ///
    /// One that cannot be used leaves everything as it was, and so does one that names another store: what is on the
    /// screen belongs to this one.
    pub fn refresh(&mut self) -> Result<bool, OpError> {
        let stamp = config::Stamp::of(&self.config.path);
        if stamp == self.config.stamp {
            return Ok(false);
        }
        // Said once, not at every look.
        self.config.stamp = stamp;
        let fresh = config::load(&self.config.path)
            .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
        if fresh.database != self.config.database {
            return Err(OpError::new(
                ErrorKind::BadConfig,
                format!("relman.toml names another database now: {}", fresh.database.display()),
            )
            .hint("leave and start relman again to open it"));
        }
        let is_news = fresh.policy != self.config.policy;
        self.config = fresh;
        self.meet_hooks();
        Ok(is_news)
    }

    pub fn machine(&self) -> &Local {
        &self.machine
    }

    pub fn state(&self) -> &State {
        self.machine.state()
    }
}
