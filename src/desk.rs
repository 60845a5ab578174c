//! What a front end sits at: configuration, store, machine and actor, opened once and handed to the verbs.

use std::path::Path;

use crate::config::{self, Config};
use crate::domain::actor::{Actor, Via};
use crate::host::machine::Local;
use crate::host::state::State;
use crate::host::{clock, heads, identity};
use crate::ops::audit::history::{self, Remembered};
use crate::ops::{self, Ctx, ErrorKind, OpError, Store};

/// Everything a verb needs, owned.
pub struct Desk {
    pub config: Config,
    pub actor: Actor,
    store: Store,
    machine: Local,
    memory: Memory,
}

/// What this person remembers of the journal, compared with what is there.
#[derive(Debug, Default)]
enum Memory {
    /// A process without a person: nothing is compared or remembered.
    #[default]
    None,
    /// It is the history they know, or the first they see of it.
    Known,
    /// It is not; the sentence says what happened to it.
    Doubted(Remembered, String),
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
        let memory = match via {
            Via::Supervisor => Memory::None,
            Via::Cli | Via::Tui => recall(&store, &state)?,
        };
        let machine = Local::new(state, config.path.clone());
        Ok(Self { config, actor, store, machine, memory })
    }

    /// What happened to the history since this person last looked, where that is more than growing. It is said at every
    /// start until they accept it; nothing is refused for it, for a cancel and a rollback must always be possible.
    pub fn doubt(&self) -> Option<&str> {
        match &self.memory {
            Memory::Doubted(_, sentence) => Some(sentence),
            Memory::None | Memory::Known => None,
        }
    }

    /// What they had seen, where it is not what is there.
    pub fn remembered(&self) -> Option<Remembered> {
        match &self.memory {
            Memory::Doubted(seen, _) => Some(seen.clone()),
            Memory::None => None,
            Memory::Known => self.recall().ok().flatten(),
        }
    }

    fn recall(&self) -> Result<Option<Remembered>, OpError> {
        let instance = self.store.read(ops::audit::instance)?;
        Ok(heads::recall(self.state().store(), &instance))
    }

    /// Takes the history as it is for the one they know from now on.
    pub fn accept(&mut self, head: &Remembered) -> std::io::Result<()> {
        heads::remember(self.state().store(), head, true)?;
        self.memory = Memory::Known;
        Ok(())
    }

    /// Remembers how far the journal goes now.
    pub fn remember(&self) {
        if matches!(self.memory, Memory::Known)
            && let Ok(newest) = history::newest(&self.cx())
        {
            // A home that cannot be written: then less is noticed, and `relman doctor` says so.
            let _kept = heads::remember(self.state().store(), &newest, false);
        }
    }

    /// Says who to tell while a write waits for another process.
    #[must_use]
    pub fn on_wait(mut self, notice: ops::WaitNotice) -> Self {
        self.store.tell_waits(notice);
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
        Ok(is_news)
    }

    pub fn machine(&self) -> &Local {
        &self.machine
    }

    pub fn state(&self) -> &State {
        self.machine.state()
    }
}

/// One look at the place of the journal they saw last.
fn recall(store: &Store, state: &State) -> Result<Memory, OpError> {
    let instance = store.read(ops::audit::instance)?;
    let Some(seen) = heads::recall(state.store(), &instance) else { return Ok(Memory::Known) };
    Ok(match store.read(|tx| history::doubt(tx, &seen))? {
        Some(sentence) => Memory::Doubted(seen, sentence),
        None => Memory::Known,
    })
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.remember();
    }
}
