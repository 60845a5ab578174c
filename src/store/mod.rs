//! What relman remembers: SQL and nothing else. Speaks domain types, decides nothing, reads no clock.
//!
//! [`Store::read`] and [`Store::write`] are the only two doors. A write is `BEGIN IMMEDIATE … COMMIT`: a deferred
//! transaction that reads first and writes later fails at once with "database is locked" whatever the busy
//! timeout says (tried), so there is no `begin()` here. The closure of a write may be run again, so it holds
//! [`Tx`] calls and pure functions, nothing else. Every committed write leaves a journal entry; debug builds
//! check it (heartbeats go through [`Store::write_quietly`]).

pub mod approvals;
pub mod changes;
pub mod deployments;
mod error;
pub mod freezes;
pub mod journal;
pub mod locks;
pub mod meta;
mod migrate;
pub mod moments;
pub mod notes;
pub mod observations;
pub mod outbox;
pub mod override_reviews;
pub mod pending;
pub mod records;
pub mod releases;
pub mod requests;
pub mod sessions;
mod sqlite;
pub mod steps;
pub mod trains;
mod tx;
mod value;
pub mod watches;
pub mod witnesses;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::policy::READ_ONLY;

pub use self::error::{Kind, StoreError};
pub use self::migrate::SCHEMA_VERSION;
use self::sqlite::Sqlite;
pub use self::tx::Tx;
pub use self::value::{Row, Value};

/// Called while a write waits for another process, with the time waited so far.
pub type WaitNotice = Box<dyn Fn(Duration) + Send>;

/// One connection to the store. Not shared between threads: each opens its own.
pub struct Store {
    driver: Sqlite,
    notice: Option<WaitNotice>,
    on_entry: Option<Box<dyn Fn() + Send>>,
    patience: Duration,
    /// Set while a write closure runs; counts the journal entries it appended.
    appended: Cell<u32>,
    /// Whether it was opened to look only.
    readonly: bool,
}

impl Store {
    /// Opens a store whose file exists (`host` made it, with its modes). Creates the schema in an empty file and
    /// refuses what is not a store, is damaged, was tampered with or is newer than this program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_after(path, |_| Ok(()))
    }

    /// Like [`Store::open`]; `before` runs when the schema of a store with content is about to change, and what it
    /// returns as an error keeps everything as it is.
    pub fn open_after<E: From<StoreError>>(
        path: &Path,
        before: impl FnOnce(&Self) -> Result<(), E>,
    ) -> Result<Self, E> {
        let store = Self::with(Sqlite::open(path)?);
        if migrate::is_due(&store.driver)? {
            before(&store)?;
        }
        migrate::run(&store.driver)?;
        migrate::check_fingerprint(&store.driver)?;
        Ok(store)
    }

    /// Opens an existing store to look at it only: nothing is made, migrated or written, and [`Store::write`] refuses.
    pub fn open_readonly(path: &Path) -> Result<Self, StoreError> {
        let store = Self { readonly: true, ..Self::with(Sqlite::open_readonly(path)?) };
        if migrate::is_due(&store.driver)? || migrate::is_empty(&store.driver)? {
            return Err(StoreError::new(
                Kind::ReadOnly,
                "the store has not been brought to this relman's schema, which changes it; open it once without read-only",
            ));
        }
        migrate::run(&store.driver)?;
        migrate::check_fingerprint(&store.driver)?;
        Ok(store)
    }

    /// A store that lives as long as the value: for tests and nothing else.
    pub fn in_memory() -> Result<Self, StoreError> {
        let driver = Sqlite::in_memory()?;
        migrate::run(&driver)?;
        Ok(Self::with(driver))
    }

    fn with(driver: Sqlite) -> Self {
        Self {
            driver,
            notice: None,
            patience: Duration::from_secs(10),
            appended: Cell::new(0),
            readonly: false,
            on_entry: None,
        }
    }

    /// Says who to tell while a write waits.
    #[must_use]
    pub fn on_wait(mut self, notice: WaitNotice) -> Self {
        self.tell_waits(notice);
        self
    }

    pub fn tell_waits(&mut self, notice: WaitNotice) {
        self.notice = Some(notice);
    }

    /// Says who to tell when a write with journal entries has been committed: after the commit, and not within it.
    #[must_use]
    pub fn on_entry(mut self, tell: Box<dyn Fn() + Send>) -> Self {
        self.on_entry = Some(tell);
        self
    }

    /// How long a write waits for others before it gives up.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub fn path(&self) -> Option<PathBuf> {
        self.driver.path()
    }

    /// Reads one consistent state.
    pub fn read<T, E: From<StoreError>>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.driver.begin_read().map_err(E::from)?;
        let result = f(&Tx::new(&self.driver, &self.appended));
        self.driver.end_read();
        result
    }

    /// Changes the store and leaves a journal entry, or changes nothing.
    pub fn write<T, E: From<StoreError>>(&self, f: impl FnMut(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let result = self.write_quietly(f);
        debug_assert!(result.is_err() || self.appended.get() > 0, "a committed write left no journal entry");
        result
    }

    /// Like [`Store::write`] for what is no act: heartbeats, positions, and acts that found nothing to do.
    pub fn write_quietly<T, E: From<StoreError>>(
        &self,
        mut f: impl FnMut(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.readonly {
            return Err(StoreError::new(Kind::Sealed, READ_ONLY).into());
        }
        self.driver.begin_write(self.patience, self.notice.as_deref()).map_err(E::from)?;
        self.appended.set(0);
        let result = migrate::check_unchanged(&self.driver)
            .map_err(E::from)
            .and_then(|()| f(&Tx::new(&self.driver, &self.appended)));
        match result {
            Ok(value) => {
                self.driver.commit().map_err(E::from)?;
                if let Some(tell) = self.on_entry.as_ref().filter(|_| self.appended.get() > 0) {
                    tell();
                }
                Ok(value)
            }
            Err(error) => {
                self.driver.rollback();
                Err(error)
            }
        }
    }

    /// Like [`Store::write_quietly`] for what is worth no wait: where another process is writing, or the store cannot be
    /// written, it is left out.
    pub fn write_if_free<T>(
        &self,
        mut f: impl FnMut(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.driver.begin_write(Duration::ZERO, None)?;
        self.appended.set(0);
        let result =
            migrate::check_unchanged(&self.driver).and_then(|()| f(&Tx::new(&self.driver, &self.appended)));
        match result {
            Ok(value) => self.driver.commit().map(|()| value),
            Err(error) => {
                self.driver.rollback();
                Err(error)
            }
        }
    }

    /// A number that changes exactly when another connection has committed.
    pub fn change_counter(&self) -> Result<i64, StoreError> {
        self.driver.change_counter()
    }

    /// Copies the whole store into an existing empty file (made by `host` with its modes) and checks the copy.
    pub fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        self.driver.copy_to(target)
    }

    /// A store for a moment of the past: in memory, and without the order in which records must be written.
    pub fn of_the_past() -> Result<Self, StoreError> {
        let store = Self::in_memory()?;
        store.driver.without_references()?;
        Ok(store)
    }

    /// Whether the schema is still the one this program made.
    pub fn check_schema(&self) -> Result<(), StoreError> {
        migrate::check_fingerprint(&self.driver)
    }

    /// How much work all queries so far have been, in steps of the database's virtual machine.
    #[cfg(feature = "test-hooks")]
    pub fn steps(&self) -> i64 {
        self.driver.steps.get()
    }

    /// Closes the write-ahead log, so that the store is one file; an error says that another process has it open.
    pub fn leave_alone(&self) -> Result<(), StoreError> {
        self.driver.leave_alone()
    }

    /// Reads every page and says whether all is well.
    pub fn integrity(&self) -> Result<(), StoreError> {
        self.driver.integrity()
    }
}
