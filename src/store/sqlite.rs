//! The SQLite driver: connection, pragmas, waiting, and every rusqlite type there is in relman.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::stat::{Mode, umask};
use nix::unistd::{AccessFlags, access};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use super::error::{Kind, StoreError};
use super::{Row, Value};

/// `RLMN`: marks the file as a relman store.
pub(super) const APPLICATION_ID: i64 = 0x524C_4D4E;

/// How long the files beside the store may take until they have its mode.
const BESIDE: Duration = Duration::from_millis(250);
/// How often to look again within that time.
const REOPENED: u32 = 25;

pub(super) struct Sqlite {
    pub(super) connection: std::cell::RefCell<Connection>,
    path: Option<PathBuf>,
    /// Device and inode at opening: a file that was replaced underneath must not be written to.
    identity: Option<(u64, u64)>,
    /// `PRAGMA schema_version` when the schema was last found in order.
    pub(super) schema_seen: std::cell::Cell<i64>,
    /// Steps of SQLite's virtual machine in all queries so far: work that can be compared, unlike time.
    #[cfg(feature = "test-hooks")]
    pub(super) steps: std::cell::Cell<i64>,
}

impl Sqlite {
    /// Opens an existing file; never creates one, because the modes SQLite gives it are wrong for a shared store.
    ///
    /// SQLite makes the files beside it under the umask of whoever comes first and gives them the store's mode a moment
    /// later. Who opens them within that moment may only read: so the umask is set aside meanwhile, and because other
    /// programs do not do that, a store we may write is tried again.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let start = Instant::now();
        loop {
            match with_open_umask(|| Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)) {
                Err(error) if is_passing(&error, path) && start.elapsed() < BESIDE => {
                    pause(BESIDE / REOPENED);
                }
                result => return result,
            }
        }
    }

    fn open_with(path: &Path, access: OpenFlags) -> Result<Self, StoreError> {
        let meta = std::fs::metadata(path).map_err(|why| {
            StoreError::new(Kind::Missing, format!("cannot open the store {}: {why}", path.display()))
        })?;
        if !meta.is_file() {
            let sentence = format!("{} is not a file; [relman] database must name one", path.display());
            return Err(StoreError::new(Kind::Foreign, sentence));
        }
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        // SQLite insists on a path free of symbolic links with NOFOLLOW, parents included; only the file itself
        // matters here, so the parents are resolved first.
        let resolved = match (path.parent().map(Path::canonicalize), path.file_name()) {
            (Some(Ok(parent)), Some(name)) => parent.join(name),
            _ => path.to_path_buf(),
        };
        let connection =
            Connection::open_with_flags(&resolved, flags).map_err(|error| explain(&error, Some(path)))?;
        let writes = access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE);
        let identity = Some((meta.dev(), meta.ino()));
        Self::prepare(connection, Some(path.to_path_buf()), identity, meta.len() == 0, writes)
    }

    /// Opens an existing store without the right to change it; nothing is tried again, because nothing is made.
    pub(super) fn open_readonly(path: &Path) -> Result<Self, StoreError> {
        with_open_umask(|| Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY))
    }

    pub(super) fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory().map_err(|error| explain(&error, None))?;
        Self::prepare(connection, None, None, true, true)
    }

    fn prepare(
        connection: Connection,
        path: Option<PathBuf>,
        identity: Option<(u64, u64)>,
        empty: bool,
        writes: bool,
    ) -> Result<Self, StoreError> {
        let shared = path.is_some() && writes;
        let driver = Self {
            connection: std::cell::RefCell::new(connection),
            path,
            identity,
            schema_seen: std::cell::Cell::new(-1),
            #[cfg(feature = "test-hooks")]
            steps: std::cell::Cell::new(0),
        };
        driver.with(|connection| {
            connection.busy_timeout(Duration::from_millis(250))?;
            // Every statement there is: they are all constant texts.
            connection.set_prepared_statement_cache_capacity(128);
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            // A planted view or trigger must not reach functions with side effects; sizes are checked so that a
            // damaged page is an error and not a wrong answer; no mmap, so that a truncated file cannot kill us.
            connection.execute_batch(
                "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;
                 PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA synchronous=FULL;",
            )
        })?;
        // Before anything is written: a database of another program is left as it is.
        driver.check_is_store(empty, writes)?;
        if shared {
            let mode = driver.pragma_text("journal_mode=WAL")?;
            if mode != "wal" {
                let sentence =
                    "the file system does not support SQLite's write-ahead log; put the store on a local one";
                return Err(StoreError::new(Kind::ReadOnly, sentence));
            }
            driver.with(|connection| {
                connection.execute_batch("PRAGMA wal_autocheckpoint=500; PRAGMA journal_size_limit=16777216;")
            })?;
        }
        Ok(driver)
    }

    /// An empty file becomes a store; anything else must already be one.
    fn check_is_store(&self, empty: bool, writes: bool) -> Result<(), StoreError> {
        let found = self.pragma_int("application_id")?;
        if found == APPLICATION_ID {
            return Ok(());
        }
        let tables = self.count("SELECT count(*) AS n FROM sqlite_schema")?;
        if found == 0 && tables == 0 && !writes {
            let sentence = format!("there is no store in {} yet", self.shown());
            return Err(StoreError::new(Kind::Missing, sentence));
        }
        if found == 0 && tables == 0 {
            // Two processes may both find the new file empty: setting the mark twice is harmless.
            return self.with(|c| c.pragma_update(None, "application_id", APPLICATION_ID));
        }
        let what = if empty { "it was filled by another program" } else { "it belongs to another program" };
        let sentence = format!(
            "{} is a database but not a relman store ({what}); set [relman] database to another file",
            self.shown()
        );
        Err(StoreError::new(Kind::Foreign, sentence))
    }

    fn shown(&self) -> String {
        self.path.as_deref().map_or_else(|| "the store".to_owned(), |path| path.display().to_string())
    }

    pub(super) fn path(&self) -> Option<PathBuf> {
        self.path.clone()
    }

    /// Runs `f` on the connection and explains its error.
    pub(super) fn with<T>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        f(&self.connection.borrow()).map_err(|error| explain(&error, self.path.as_deref()))
    }

    /// A connection that got hold of the files beside the store while they could only be read stays so: a new one is
    /// made where that was the trouble.
    fn reopen(&self, error: &StoreError) -> Result<bool, StoreError> {
        let Some(path) = self.path.as_deref().filter(|path| is_passing(error, path)) else {
            return Ok(false);
        };
        self.connection.replace(Self::open(path)?.connection.into_inner());
        Ok(true)
    }

    pub(super) fn pragma_int(&self, name: &str) -> Result<i64, StoreError> {
        self.with(|connection| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)))
    }

    fn pragma_text(&self, name: &str) -> Result<String, StoreError> {
        self.with(|connection| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)))
    }

    fn count(&self, sql: &str) -> Result<i64, StoreError> {
        self.with(|connection| connection.query_row(sql, [], |row| row.get(0)))
    }

    pub(super) fn begin_read(&self) -> Result<(), StoreError> {
        self.with(|connection| connection.execute_batch("BEGIN"))
    }

    pub(super) fn end_read(&self) {
        // Ending a read changes nothing; a connection that cannot even do that fails at its next use.
        let _ended = self.with(|connection| connection.execute_batch("ROLLBACK"));
    }

    /// `BEGIN IMMEDIATE`, with our own retry: SQLite's busy handler lets hot writers starve each other for
    /// seconds (measured), a short random pause does not.
    pub(super) fn begin_write(
        &self,
        patience: Duration,
        notice: Option<&(dyn Fn(Duration) + Send)>,
    ) -> Result<(), StoreError> {
        self.check_identity()?;
        let start = Instant::now();
        let mut reopened = 0;
        let mut jitter = u64::from(std::process::id()) ^ 0x9E37_79B9;
        loop {
            match self.with(|connection| connection.execute_batch("BEGIN IMMEDIATE")) {
                Err(error) if error.kind == Kind::Busy => {
                    let waited = start.elapsed();
                    if waited >= patience {
                        return Err(StoreError::busy(waited));
                    }
                    if let Some(notice) = notice.filter(|_| waited > Duration::from_millis(500)) {
                        notice(waited);
                    }
                    jitter = jitter
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    pause(Duration::from_millis(5 + (jitter >> 33) % 75));
                }
                // Counted, not timed: the wait for another process's transaction may have come first.
                Err(error) if reopened < REOPENED && self.reopen(&error)? => {
                    reopened += 1;
                    pause(BESIDE / REOPENED);
                }
                result => return result,
            }
        }
    }

    pub(super) fn commit(&self) -> Result<(), StoreError> {
        let result = self.with(|connection| connection.execute_batch("COMMIT"));
        if result.is_err() {
            self.rollback();
        }
        result
    }

    pub(super) fn rollback(&self) {
        // After some errors (a full disk) SQLite has rolled back already; then this says so and changes nothing.
        let _ended =
            self.with(
                |connection| {
                    if connection.is_autocommit() { Ok(()) } else { connection.execute_batch("ROLLBACK") }
                },
            );
    }

    pub(super) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let params: Vec<&dyn ToSql> = params.iter().map(|value| value as &dyn ToSql).collect();
            statement.execute(params.as_slice()).map(|rows| rows as u64)
        })
    }

    pub(super) fn query(
        &self,
        sql: &str,
        params: &[Value],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let connection = self.connection.borrow();
        let told = |error: rusqlite::Error| explain(&error, self.path.as_deref());
        let mut statement = connection.prepare_cached(sql).map_err(told)?;
        let names: Rc<[String]> = statement.column_names().map(str::to_owned).collect();
        let params: Vec<&dyn ToSql> = params.iter().map(|value| value as &dyn ToSql).collect();
        let mut rows = statement.query(params.as_slice()).map_err(told)?;
        while let Some(row) = rows.next().map_err(told)? {
            let values = (0..names.len()).map(|at| row.get_ref(at).map(value)).collect::<Result<_, _>>();
            each(&Row { names: Rc::clone(&names), values: values.map_err(told)? })?;
        }
        drop(rows);
        #[cfg(feature = "test-hooks")]
        {
            let steps = statement.reset_status(rusqlite::StatementStatus::VmStep);
            self.steps.set(self.steps.get() + i64::from(steps));
        }
        Ok(())
    }

    pub(super) fn change_counter(&self) -> Result<i64, StoreError> {
        self.check_identity()?;
        self.pragma_int("data_version")
    }

    /// Whether the path still leads to the file that was opened.
    fn check_identity(&self) -> Result<(), StoreError> {
        let (Some(path), Some(identity)) = (&self.path, self.identity) else { return Ok(()) };
        let now = std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        if now == Some(identity) {
            return Ok(());
        }
        let what = if now.is_some() { "was replaced" } else { "was removed" };
        let sentence = format!(
            "{} {what} while relman had it open; nothing was written, start relman again",
            self.shown()
        );
        Err(StoreError::new(Kind::Foreign, sentence))
    }

    pub(super) fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        let text = target.to_string_lossy().into_owned();
        self.with(|connection| connection.execute("VACUUM INTO ?1", [&text]).map(drop))?;
        let copy = Connection::open_with_flags(target, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| explain(&error, Some(target)))?;
        check_integrity(&copy, Some(target))
    }

    /// Back to one file. SQLite allows that to the only one who has it open.
    pub(super) fn leave_alone(&self) -> Result<(), StoreError> {
        // Without the wait that is ours everywhere else: somebody who looks at a board does so for hours.
        match self.pragma_text("journal_mode=DELETE")?.as_str() {
            "delete" | "memory" => Ok(()),
            _ => Err(StoreError::new(Kind::Busy, "another process has the store open")),
        }
    }

    /// Lets records be written before those they refer to.
    pub(super) fn without_references(&self) -> Result<(), StoreError> {
        self.with(|connection| connection.execute_batch("PRAGMA foreign_keys=OFF;"))
    }

    pub(super) fn integrity(&self) -> Result<(), StoreError> {
        check_integrity(&self.connection.borrow(), self.path.as_deref())
    }
}

fn check_integrity(connection: &Connection, path: Option<&Path>) -> Result<(), StoreError> {
    let answer: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(&error, path))?;
    if answer == "ok" { Ok(()) } else { Err(damaged(path, &answer)) }
}

#[expect(clippy::disallowed_methods, reason = "the one place that waits for another process's transaction")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Null => rusqlite::types::Null.to_sql(),
            Self::Int(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        // STRICT tables hold neither; an expression that yields one is a mistake that the reader of the column names.
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Value::Null,
    }
}

fn damaged(path: Option<&Path>, why: &str) -> StoreError {
    let shown = path.map_or_else(|| "the store".to_owned(), |path| path.display().to_string());
    StoreError::new(
        Kind::Corrupt,
        format!(
            "{shown} is damaged ({why}); it was left as it is; restore a copy from the backups beside it"
        ),
    )
}

/// Lets files get the modes that are asked for, as far as owner and group go. The umask belongs to the whole process:
/// one thread at a time.
fn with_open_umask<T>(act: impl FnOnce() -> T) -> T {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let own = umask(Mode::S_IRWXO);
    let done = act();
    umask(own);
    done
}

/// A refusal that another process's half-made file beside the store explains: the store itself may be written.
fn is_passing(error: &StoreError, path: &Path) -> bool {
    error.kind == Kind::ReadOnly && access(path, AccessFlags::W_OK).is_ok()
}

/// Turns SQLite's error into a sentence with the next step.
fn explain(error: &rusqlite::Error, path: Option<&Path>) -> StoreError {
    let shown = path.map_or_else(|| "the store".to_owned(), |path| path.display().to_string());
    let rusqlite::Error::SqliteFailure(code, message) = error else {
        return StoreError::new(Kind::Broken, format!("{shown}: {error}"));
    };
    let message = message.clone().unwrap_or_else(|| error.to_string());
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::busy(Duration::ZERO),
        ErrorCode::ConstraintViolation => StoreError {
            kind: Kind::Conflict,
            sentence: format!("the store refused it: {message}"),
            constraint: Some(message),
        },
        ErrorCode::DiskFull => StoreError::new(
            Kind::Full,
            format!(
                "no room left on the disk of {shown}; nothing was changed; free some space and try again"
            ),
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::new(
            Kind::ReadOnly,
            format!("{shown} may not be written ({message}); see which mode it needs with: relman doctor"),
        ),
        ErrorCode::CannotOpen => StoreError::new(
            Kind::ReadOnly,
            format!("cannot open {shown} or the files beside it ({message}); check them with: relman doctor"),
        ),
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => damaged(path, &message),
        ErrorCode::SystemIoFailure => StoreError::new(
            Kind::Disk,
            format!("the disk under {shown} reports an error ({message}); nothing was changed"),
        ),
        _ => StoreError::new(Kind::Broken, format!("{shown}: {message}")),
    }
}
