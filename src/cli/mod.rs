//! The command line: arguments in, verbs called, answers printed. No decisions.
//!
//! stdout is data, stderr is messages. Every command takes `--json` and asks nothing.

mod approval;
mod args;
mod audit;
mod backup;
mod board;
mod build;
mod bundle;
mod calendar;
mod cast;
mod change;
mod checks;
mod completions;
mod configuration;
mod demo;
mod deployment;
mod doctor;
mod documents;
mod drift;
pub mod exit;
mod freeze;
mod from_git;
mod hooks;
mod ical;
mod keys;
mod lock;
mod log;
mod man;
mod metrics;
mod monitor;
mod out;
mod overrides;
mod past;
mod plain;
mod prepare;
mod prompts;
mod release;
mod requests;
mod rights;
mod setup;
mod stages;
mod toggle;
mod train;
mod undo;
mod waiting;
mod weeks;
mod when;
mod who;
mod why;
mod witness;

use std::path::{Path, PathBuf};

use clap::Parser as _;

pub use self::args::{Cli, Command};
use self::out::Out;
use crate::config::{self, Config};
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::host::{enforced, environment};
use crate::ops::{ErrorKind, OpError};
use crate::tui::{self, dress};

/// What a command was asked with, besides its own arguments.
pub(crate) struct Session {
    config: Option<PathBuf>,
    /// Whether it was asked that nothing be changed.
    readonly: bool,
    pub(crate) out: Out,
}

impl Session {
    /// The configuration file in force.
    fn config_path(&self) -> Result<PathBuf, OpError> {
        if let Some(path) = self.enforced()? {
            return Ok(path);
        }
        let cwd = std::env::current_dir().map_err(|why| {
            OpError::new(ErrorKind::Failure, format!("the current directory is gone: {why}"))
        })?;
        config::find(self.config.as_deref(), &cwd)
            .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))
    }

    /// The configuration of the system, where it names the user this process runs as: then it is the only one.
    fn enforced(&self) -> Result<Option<PathBuf>, OpError> {
        let path = enforced::system_config();
        let loaded = config::load(&path);
        let named = loaded.as_ref().ok().and_then(|config| config.service_user.clone());
        let Some(name) = named.filter(|name| enforced::is_run_as(name)) else {
            // Closed where it cannot be known: without these rules everybody whom sudo lets through would bring their own.
            let is_unreadable = loaded.is_err() && path.symlink_metadata().is_ok();
            let called = enforced::through_sudo().filter(|(_, is_service)| is_unreadable || *is_service);
            let Some((account, _)) = called else { return Ok(None) };
            let sentence = format!(
                "relman is called through sudo as {account}, and {} does not say what holds then",
                path.display()
            );
            let error = OpError::new(ErrorKind::NotPermitted, sentence);
            return Err(match loaded {
                Err(problems) => error.hint(format!("root mends it: {problems}")),
                Ok(_) => error.hint(format!("root writes there: [relman] service-user = \"{account}\"")),
            });
        };
        let refuse = |sentence: String| OpError::new(ErrorKind::NotPermitted, sentence);
        if let Some(why) = enforced::not_roots(&path) {
            return Err(refuse(format!("{} decides who may do what: {why}", path.display())));
        }
        enforced::switch_on(&name);
        if self.config.is_some() {
            return Err(refuse(format!(
                "relman runs as {name} and reads {} alone, not --config",
                path.display()
            )));
        }
        Ok(Some(path))
    }

    /// Whether somebody's file may be read or written in their name: in enforced mode it would be the service user's.
    fn may_touch_files(&self) -> Result<(), OpError> {
        self.opens_files("do it in a directory and with a configuration of your own, without sudo")
    }

    /// The same about one file that may be `-`: what comes through stdin or goes to stdout is nobody's file.
    fn touches(&self, file: &Path) -> Result<(), OpError> {
        match file == Path::new("-") {
            true => Ok(()),
            false => self.opens_files(
                "write - for it: what is read comes through stdin, what is written goes to stdout",
            ),
        }
    }

    fn opens_files(&self, instead: &str) -> Result<(), OpError> {
        let _path = self.enforced()?;
        match enforced::service() {
            None => Ok(()),
            Some(service) => Err(OpError::new(
                ErrorKind::NotPermitted,
                format!("relman runs as {} here and opens no files for you", service.name),
            )
            .hint(instead)),
        }
    }

    /// Reads the configuration at `path`.
    fn load(&self, path: &Path) -> Result<Config, OpError> {
        let config = config::load(path)
            .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
        Ok(self.as_asked(config))
    }

    /// The same with what was asked on the command line.
    fn as_asked(&self, mut config: Config) -> Config {
        config.policy.readonly |= self.readonly;
        config
    }

    /// Refuses a command that changes something where that is not wanted, before anything is touched.
    fn may_change(&self) -> Result<(), OpError> {
        let asked = || self.config_path().ok().and_then(|path| config::load(&path).ok());
        let why = match self.readonly {
            true => "relman was asked with --readonly: nothing was changed",
            false if asked().is_some_and(|config| config.policy.readonly) => {
                "[relman] readonly is set: nothing was changed"
            }
            false => return Ok(()),
        };
        Err(OpError::new(ErrorKind::NotPermitted, why))
    }

    /// Opens configuration and store; says on stderr what is odd about the first and who holds the second.
    fn desk(&mut self) -> Result<Desk, OpError> {
        let desk = Desk::open(self.load(&self.config_path()?)?, Via::Cli)?;
        for warning in &desk.config.warnings {
            self.out.note(&warning.to_string());
        }
        if let Some(doubt) = desk.doubt() {
            self.out.warn(doubt);
            self.out.note("  → look at it with: relman audit verify");
            self.out.note("  → where that is as it should be: relman audit accept --reason \"…\"");
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
    if let Err(sentence) = enforced::refuse_borrowed_rights() {
        Out::new(false, None, false).error(&OpError::new(ErrorKind::NotPermitted, sentence));
        return exit::code(ErrorKind::NotPermitted);
    }
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let own: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if own.first().is_some_and(|word| crate::supervisor::COMMANDS.contains(&word.as_str())) {
        return crate::supervisor::main(&own);
    }
    if own.is_empty() {
        // The panes open at once: building the whole grammar takes longer than reading the store.
        let session = Session { config: None, readonly: false, out: Out::new(false, None, false) };
        return conclude(session, |session| match plain::is_wanted() {
            true => plain::plain(session, &[]),
            false => panes(session, dress::Asked::default()),
        });
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return out::usage(&error, own.iter().any(|word| word == "--json")),
    };
    let colour = cli.color.wanted(environment::variable("NO_COLOR").is_some());
    let out = Out::new(cli.json, colour, cli.ascii);
    let session = Session { config: cli.config, readonly: cli.readonly, out };
    let asked = dress::Asked { colour: cli.color.said(), ascii: cli.ascii, theme: cli.theme };
    conclude(session, |session| match cli.command {
        None if cli.plain || plain::is_wanted() => plain::plain(session, &plain::flags(&own)),
        None => panes(session, asked),
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

fn panes(session: &Session, asked: dress::Asked) -> Result<u8, OpError> {
    tui::run(session.load(&session.config_path()?)?, asked)
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
    if command.changes() {
        session.may_change()?;
    }
    match command {
        Command::Init(args) => configuration::init(session, &args),
        Command::Demo => demo::run(session),
        Command::Release(verb) => release::run(session, verb),
        Command::Plan(verb) => stages::plan(session, verb),
        Command::Risk(args) => stages::risk(session, args),
        Command::Build(args) => build::build(session, &args),
        Command::Check(verb) => checks::run(session, verb),
        Command::Prepare(verb) => prepare::run(session, verb),
        Command::Issue(verb) => stages::issue(session, verb),
        Command::Request(verb) => requests::run(session, verb),
        Command::Feedback(verb) => stages::feedback(session, verb),
        Command::Monitor(verb) => monitor::run(session, verb),
        Command::Undo(args) => undo::undo(session, &args),
        Command::Review(verb) => stages::review(session, verb),
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
        Command::Judge(args) => stages::judge(session, args),
        Command::Notes(args) => documents::release_notes(session, &args),
        Command::Handover(args) => documents::handover(session, &args),
        Command::Report(args) => documents::report(session, &args),
        Command::Metrics(args) => metrics::run(session, &args),
        Command::Resolve(args) => deployment::resolve(session, &args),
        Command::Reschedule(args) => waiting::reschedule(session, &args),
        Command::Tick => waiting::tick(session),
        Command::Deliveries => waiting::deliveries(session),
        Command::Train(verb) => train::run(session, &verb),
        Command::Hooks(verb) => hooks::run(session, &verb),
        Command::Change(verb) => change::run(session, &verb),
        Command::Lock(verb) => lock::run(session, verb),
        Command::Override(verb) => overrides::run(session, verb),
        Command::Unlock(args) => lock::unlock(session, &args),
        Command::Board(args) => board::board(session, &args),
        Command::Status(args) => board::status(session, args.as_of.as_deref()),
        Command::Take(args) => witness::take(session, &args),
        Command::Witness(args) => witness::witness(session, args),
        Command::Drift(args) => drift::run(session, &args),
        Command::Who(args) => who::who(session, &args),
        Command::Why(args) => why::why(session, &args),
        Command::When(args) => when::when(session, &args),
        Command::Calendar(args) => calendar::calendar(session, &args),
        Command::Rights(args) => rights::rights(session, args),
        Command::Audit(verb) => audit::run(session, verb),
        Command::Backup(args) => backup::backup(session, &args),
        Command::Restore(args) => backup::restore(session, &args),
        Command::Bundle(args) => bundle::bundle(session, &args),
        Command::Config(verb) => configuration::run(session, verb),
        Command::Paths => configuration::paths(session),
        Command::Setup(way) => setup::setup(session, &way),
        Command::Doctor => doctor::doctor(session),
        Command::Keys(args) => keys::keys(session, &args),
        Command::Man(args) => man::man(session, &args),
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
                .hint("name another file, or take that one away first")
        }
        _ => OpError::new(ErrorKind::Failure, format!("cannot write {}: {why}", path.display())),
    })
}
