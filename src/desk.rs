//! What a front end sits at: configuration, store, machine and actor, opened once and handed to the verbs.

use crate::config::{self, Config};
use crate::domain::actor::{Actor, Via};
use crate::host::machine::Local;
use crate::host::state::State;
use crate::host::{clock, identity};
use crate::ops::{self, Ctx, ErrorKind, OpError, Store};

/// Everything a verb needs, owned.
pub struct Desk {
    pub config: Config,
    pub actor: Actor,
    store: Store,
    machine: Local,
    /// Whether the store was opened so that it cannot be changed.
    looks_only: bool,
}

impl Desk {
    /// Opens what a configuration names. A store of an older schema is copied to the backups first; where nothing may be
    /// changed, nothing is made or migrated either.
    pub fn open(mut config: Config, via: Via) -> Result<Self, OpError> {
        // What runs is recorded, whatever those may do who only look.
        config.policy.readonly &= via != Via::Supervisor;
        let actor = identity::actor(via);
        if config.policy.readonly {
            let state = State::existing(&config.database)?;
            let store = Store::open_readonly(state.store())?;
            let machine = Local::new(state, config.path.clone());
            return Ok(Self { config, actor, store, machine, looks_only: true });
        }
        let state = State::prepare(&config.database)?;
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
        Ok(Self { config, actor, store, machine, looks_only: false })
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
        let mut fresh = config::load(&self.config.path)
            .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
        if fresh.database != self.config.database {
            return Err(OpError::new(
                ErrorKind::BadConfig,
                format!("relman.toml names another database now: {}", fresh.database.display()),
            )
            .hint("leave and start relman again to open it"));
        }
        fresh.policy.readonly |= self.looks_only;
        fresh.policy.readonly &= self.actor.via != Via::Supervisor;
        let is_news = fresh.policy != self.config.policy;
        self.config = fresh;
        Ok(is_news)
    }

    pub fn machine(&self) -> &Local {
        &self.machine
    }

    pub fn state(&self) -> &State {
        self.machine.state()
    }
}
