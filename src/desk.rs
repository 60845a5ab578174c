//! What a front end sits at: configuration, store, machine and actor, opened once and handed to the verbs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::{self, Config};
use crate::domain::actor::{Actor, Via};
use crate::host::machine::Local;
use crate::host::state::State;
use crate::host::{clock, enforced, heads, identity, launch};
use crate::ops::audit::history::{self, Remembered};
use crate::ops::configured::{self, RulesFile, Say};
use crate::ops::{self, Ctx, ErrorKind, OpError, Store, hook};

/// Everything a verb needs, owned.
pub struct Desk {
    pub config: Config,
    pub actor: Actor,
    store: Store,
    machine: Local,
    /// Whether the store was opened so that it cannot be changed.
    looks_only: bool,
    memory: Memory,
    /// Whether somebody is to be sent to the hooks when something was put on record.
    sends_courier: Arc<AtomicBool>,
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

/// Which file a configuration was read from, as the store remembers it.
pub fn file_of(config: &Config) -> RulesFile {
    let path = config.path.canonicalize().unwrap_or_else(|_| config.path.clone());
    RulesFile { path, digest: config.digest.clone(), owner: config.owner }
}

impl Desk {
    /// Opens what a configuration names. A store of an older schema is copied to the backups first; where nothing may be
    /// changed, nothing is made or migrated either.
    pub fn open(mut config: Config, via: Via) -> Result<Self, OpError> {
        // What runs is recorded, whatever those may do who only look.
        config.policy.readonly &= via != Via::Supervisor;
        for_the_service_user(&config)?;
        let actor = identity::actor(via);
        if config.policy.readonly {
            let state = State::existing(&config.database)?;
            let store = Store::open_readonly(state.store())?;
            let machine = Local::new(state, config.path.clone());
            let (memory, sends_courier) = (Memory::None, Arc::default());
            return Ok(Self { config, actor, store, machine, looks_only: true, memory, sends_courier });
        }
        let state = State::prepare(&config.database)?;
        if let Some(name) = config.service_user.as_ref().filter(|_| state.is_shared()) {
            return Err(in_the_open(name, &state));
        }
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
        let sends_courier = Arc::new(AtomicBool::new(false));
        let (sends, path) = (Arc::clone(&sends_courier), config.path.clone());
        let store = store.on_entry(Box::new(move || {
            if sends.load(Ordering::Relaxed) {
                // Whoever looks next tells what is left in the outbox.
                let _later = launch::courier(&path);
            }
        }));
        let desk = Self { config, actor, store, machine, looks_only: false, memory, sends_courier };
        if via != Via::Supervisor {
            desk.notice_configuration(false)?;
        }
        desk.meet_hooks();
        Ok(desk)
    }

    /// Puts it on record where the store is used under another configuration than before; in a store that others share,
    /// another file is refused unless whoever owns the state directory adopts it.
    fn notice_configuration(&self, adopts: bool) -> Result<bool, OpError> {
        let file = file_of(&self.config);
        let say = match (self.state().is_shared(), adopts) {
            (false, _) => Say::Own,
            (true, false) => Say::Shared,
            (true, true) => Say::Adopts,
        };
        configured::notice(&self.store, &self.actor, clock::now(), &file, &self.config.policy, say)
    }

    /// From now on a shared store is used under this configuration.
    pub fn adopt(config: Config) -> Result<bool, OpError> {
        for_the_service_user(&config)?;
        let state = State::existing(&config.database)?;
        if !state.is_owned_by_me() {
            return Err(OpError::new(
                ErrorKind::NotPermitted,
                format!("only the owner of {} says under which rules it is used", state.dir().display()),
            )
            .hint(match state.owner() {
                owner if owner == "root" => "ask root".to_owned(),
                owner => format!("ask {owner}, or root"),
            }));
        }
        let actor = identity::actor(Via::Cli);
        let store = Store::open(state.store())?;
        let machine = Local::new(state, config.path.clone());
        let (memory, sends_courier) = (Memory::None, Arc::default());
        Self { config, actor, store, machine, looks_only: false, memory, sends_courier }
            .notice_configuration(true)
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
        if !self.config.policy.readonly && self.actor.via != Via::Supervisor {
            self.notice_configuration(false)?;
        }
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

/// A store of enforced mode is used by its service user and nobody else: root's files would lock it out.
fn for_the_service_user(config: &Config) -> Result<(), OpError> {
    let Some(name) = config.service_user.as_ref().filter(|name| !enforced::is_run_as(name)) else {
        return Ok(());
    };
    let error = OpError::new(
        ErrorKind::NotPermitted,
        format!("{} is used by the service user {name} alone ([relman] service-user)", config.path.display()),
    );
    Err(error
        .hint(format!("run it through sudo: sudo -u {name} relman"))
        .hint("see how it is set up: relman setup enforced"))
}

/// In enforced mode the store is the service user's alone.
fn in_the_open(name: &str, state: &State) -> OpError {
    let dir = state.dir().display();
    OpError::new(
        ErrorKind::Unusable,
        format!("{dir} is shared by a group, so its members could write the store past {name}"),
    )
    .hint(format!("chmod 00700 {dir} && chmod 0600 {}", state.store().display()))
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
