//! The command line: arguments in, verbs called, answers printed. No decisions.
//!
//! stdout is data, stderr is messages. Every command takes `--json` and asks nothing.

mod approval;
mod args;
mod audit;
mod board;
mod calendar;
mod cast;
mod completions;
mod configuration;
mod demo;
mod deployment;
mod doctor;
pub mod exit;
mod freeze;
mod lock;
mod log;
mod out;
mod overrides;
mod prompts;
mod release;
mod toggle;
mod train;
mod waiting;
mod who;
mod why;
mod witness;

use std::path::{Path, PathBuf};

use clap::Parser as _;

pub use self::args::{Cli, Command};
use self::out::Out;
use crate::config;
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::host::environment;
use crate::ops::{ErrorKind, OpError};
use crate::tui;

/// What a command was asked with, besides its own arguments.
pub(crate) struct Session {
    config: Option<PathBuf>,
    pub(crate) out: Out,
}

impl Session {
    /// The configuration file in force.
    fn config_path(&self) -> Result<PathBuf, OpError> {
        let cwd = std::env::current_dir().map_err(|why| {
            OpError::new(ErrorKind::Failure, format!("the current directory is gone: {why}"))
        })?;
        config::find(self.config.as_deref(), &cwd)
            .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))
    }

    /// Opens configuration and store; says on stderr what is odd about the first and who holds the second.
    fn desk(&mut self) -> Result<Desk, OpError> {
        let desk = Desk::open(&self.config_path()?, Via::Cli)?;
        for warning in &desk.config.warnings {
            self.out.note(&warning.to_string());
        }
        let store = desk.state().store().to_path_buf();
        let quiet = self.out.is_json();
        let told = std::cell::Cell::new(0);
        Ok(desk.on_wait(Box::new(move |waited| {
            if !quiet && waited.as_secs() > told.get() {
                told.set(waited.as_secs());
                out::waiting(waited, &store);
            }
        })))
    }
}

/// Runs the program; returns the exit code.
pub fn main() -> u8 {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let own: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if own.first().is_some_and(|word| crate::supervisor::COMMANDS.contains(&word.as_str())) {
        return crate::supervisor::main(&own);
    }
    if own.is_empty() {
        // The panes open at once: building the whole grammar takes longer than reading the store.
        return conclude(Session { config: None, out: Out::new(false, None) }, |session| panes(session));
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return out::usage(&error, own.iter().any(|word| word == "--json")),
    };
    let colour = cli.color.wanted(environment::variable("NO_COLOR").is_some());
    let session = Session { config: cli.config, out: Out::new(cli.json, colour) };
    conclude(session, |session| match cli.command {
        None => panes(session),
        Some(command) => run(session, command),
    })
}

/// Does it and says how it went; returns the exit code.
fn conclude(mut session: Session, f: impl FnOnce(&mut Session) -> Result<u8, OpError>) -> u8 {
    let code = match f(&mut session) {
        Ok(code) => code,
        Err(error) => {
            let error = name_the_holder(error, &session);
            session.out.error(&error);
            exit::code(error.kind)
        }
    };
    session.out.finish(code)
}

fn panes(session: &Session) -> Result<u8, OpError> {
    tui::run(&session.config_path()?)
}

/// A store that is locked: say by whom.
fn name_the_holder(mut error: OpError, session: &Session) -> OpError {
    if error.kind == ErrorKind::Busy
        && let Ok(path) = session.config_path()
        && let Ok(config) = config::load(&path)
        && let Some(holder) = crate::host::store_lock::holder(&config.database)
    {
        error.sentence = format!("{}: {holder}", error.sentence);
    }
    error
}

fn run(session: &mut Session, command: Command) -> Result<u8, OpError> {
    match command {
        Command::Init(args) => configuration::init(session, &args),
        Command::Demo => demo::run(session),
        Command::Release(verb) => release::run(session, verb),
        Command::Check(verb) => release::check(session, verb),
        Command::Checklist(verb) => release::checklist(session, verb),
        Command::Approve(args) => approval::approve(session, args),
        Command::Reject(args) => approval::reject(session, args),
        Command::Withdraw(args) => approval::withdraw(session, args),
        Command::Approvals(args) => approval::list(session, &args),
        Command::Freeze(verb) => freeze::run(session, verb),
        Command::Deploy(args) => deployment::deploy(session, args),
        Command::Chain(args) => waiting::chain(session, args),
        Command::Rollback(args) => deployment::rollback(session, args),
        Command::Toggle(args) => toggle::toggle(session, args),
        Command::Deployments(args) => deployment::list(session, &args),
        Command::Show(args) => deployment::show(session, &args),
        Command::Log(args) => log::log(session, &args),
        Command::Note(args) => log::note(session, &args),
        Command::Attach(args) => log::attach(session, &args),
        Command::Cancel(args) => deployment::cancel(session, &args),
        Command::Decide(args) => deployment::decide(session, args),
        Command::Resolve(args) => deployment::resolve(session, &args),
        Command::Reschedule(args) => waiting::reschedule(session, &args),
        Command::Tick => waiting::tick(session),
        Command::Deliveries => waiting::deliveries(session),
        Command::Train(verb) => train::run(session, &verb),
        Command::Lock(verb) => lock::run(session, verb),
        Command::Override(verb) => overrides::run(session, verb),
        Command::Unlock(args) => lock::unlock(session, &args),
        Command::Board => board::board(session),
        Command::Status => board::status(session),
        Command::Take(args) => witness::take(session, &args),
        Command::Witness(args) => witness::witness(session, args),
        Command::Who(args) => who::who(session, &args),
        Command::Why(args) => why::why(session, &args),
        Command::Calendar(args) => calendar::calendar(session, &args),
        Command::Audit(verb) => audit::run(session, verb),
        Command::Config(verb) => configuration::run(session, verb),
        Command::Paths => configuration::paths(session),
        Command::Doctor => doctor::doctor(session),
        Command::Completions(args) => completions::completions(session, &args),
    }
}

/// The directory a starter configuration is written into.
fn current_dir() -> Result<PathBuf, OpError> {
    std::env::current_dir()
        .map_err(|why| OpError::new(ErrorKind::Failure, format!("the current directory is gone: {why}")))
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), OpError> {
    use std::io::Write as _;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = made.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|why| match why.kind() {
        std::io::ErrorKind::AlreadyExists => {
            OpError::conflict(format!("{} exists already; nothing was written", path.display()))
                .hint("look at it with: relman config show")
        }
        _ => OpError::new(ErrorKind::Failure, format!("cannot write {}: {why}", path.display())),
    })
}
