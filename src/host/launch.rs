//! Starts a supervisor that outlives this process.
//!
//! relman re-executes itself twice through `/proc/self/exe`, so that it is the same program even after an upgrade
//! replaced the file: the first stage leaves the session (`setsid`) and starts the second, which is no session
//! leader and can never get a terminal again. No `fork`, no `unsafe`, and errors reach the caller: the second
//! stage says over its standard output whether it is at work.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};

use super::enforced::{self, Service};
use super::{environment, process};
use crate::domain::deployment::ProcessRef;
use crate::domain::ids::DeploymentId;
use crate::ops::build::BuildTicket;
use crate::ops::deployment::Ticket;
use crate::ops::monitor::Whose;

/// How long a supervisor may take to say that it is at work.
const PATIENCE: Duration = Duration::from_secs(15);

/// The ticket with what only the launcher's machine knows. Goes through a pipe, never through argv or a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pub ticket: Ticket,
    pub config: PathBuf,
    /// The store's file: its directory is where the deployment's files go.
    pub store: PathBuf,
    /// Environment of the scripts besides the `RELMAN_*` variables.
    pub env: BTreeMap<String, String>,
    /// Values to mask in the log.
    pub masks: Vec<String>,
    /// The service user the scripts run as, where that is not the person who asked.
    #[serde(default)]
    pub runs_as: Option<String>,
}

/// Where programs are looked for when nothing else is said.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Where the scripts of a deployment that starts from here look for programs.
pub(super) fn path() -> String {
    if enforced::service().is_some() {
        return PATH.to_owned();
    }
    environment::variable("PATH").unwrap_or_else(|| PATH.to_owned())
}

/// First word of the supervisor's report.
pub const READY: &str = "ready";

/// In enforced mode the scripts are the service user's: nothing of the environment is who called sudo's.
fn of_service(service: &Service, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_plain = |value: &&String| {
        value.len() <= 32 && value.chars().all(|c| c.is_ascii_alphanumeric() || "_.-@".contains(c))
    };
    let lang = given.get("LANG").filter(is_plain).cloned().unwrap_or_else(|| "C.UTF-8".to_owned());
    let own = [
        ("PATH", PATH.to_owned()),
        ("HOME", service.home.display().to_string()),
        ("USER", service.name.clone()),
        ("LANG", lang),
    ];
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The fixed part of the clean environment (SPEC 6); what is not set here gets a plain value.
fn fixed_env() -> BTreeMap<String, String> {
    let fixed = [("PATH", PATH), ("HOME", "/"), ("USER", ""), ("LANG", "C.UTF-8"), ("TZ", "")];
    let given = fixed
        .iter()
        .map(|(name, fallback)| {
            ((*name).to_owned(), environment::variable(name).unwrap_or_else(|| (*fallback).to_owned()))
        })
        .filter(|(_, value)| !value.is_empty())
        .collect();
    match enforced::service() {
        Some(service) => of_service(service, &given),
        None => given,
    }
}

/// The clean environment with what is handed through from this process's.
pub(super) fn handed(pass_env: &[String], secrets: &[String]) -> BTreeMap<String, String> {
    let mut env = fixed_env();
    for name in pass_env.iter().chain(secrets) {
        env.extend(environment::variable(name).map(|value| (name.clone(), value)));
    }
    env
}

/// Fills in the order from this process's environment.
pub fn order(ticket: &Ticket, config: PathBuf, store: PathBuf) -> Order {
    let mut env = handed(&ticket.pass_env, &ticket.secrets);
    env.extend(ticket.answers.0.clone());
    let answered = ticket.secret_answers.iter().filter_map(|name| ticket.answers.0.get(name).cloned());
    let masks =
        ticket.secrets.iter().filter_map(|name| environment::variable(name)).chain(answered).collect();
    let runs_as = enforced::service().map(|service| service.name.clone());
    Order { ticket: ticket.clone(), config, store, env, masks, runs_as }
}

/// The same for a run of the build script.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildOrder {
    pub ticket: BuildTicket,
    pub config: PathBuf,
    pub store: PathBuf,
    /// The whole environment of the script.
    pub env: BTreeMap<String, String>,
    pub masks: Vec<String>,
}

/// Fills in the order from this process's environment.
pub fn build_order(ticket: &BuildTicket, config: PathBuf, store: PathBuf) -> BuildOrder {
    let mut env = handed(&ticket.pass_env, &ticket.secrets);
    env.extend(ticket.vars.clone());
    let masks = ticket.secrets.iter().filter_map(|name| environment::variable(name)).collect();
    BuildOrder { ticket: ticket.clone(), config, store, env, masks }
}

/// Starts the supervisor and waits until it reports. Returns its sentence when it does not get to work.
pub fn launch(order: &Order) -> Result<(), String> {
    start("__launch", order)
}

/// The same for a run of the build script.
pub fn build(order: &BuildOrder) -> Result<(), String> {
    start("__build", order)
}

fn start(command: &str, order: &impl Serialize) -> Result<(), String> {
    let mut first = process::own_command()
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|why| format!("cannot start relman itself: {why}"))?;
    let mut stdin = first.stdin.take().expect("stdin was piped");
    let text = serde_json::to_string(order).map_err(|why| why.to_string())?;
    let handed = stdin.write_all(text.as_bytes()).and_then(|()| stdin.write_all(b"\n"));
    drop(stdin);
    let stdout = first.stdout.take().expect("stdout was piped");
    let report = match handed {
        Ok(()) => report(stdout),
        Err(why) => Err(format!("the supervisor took no order: {why}")),
    };
    // The first stage ends at once; waiting for it leaves no zombie.
    let _ended = first.wait();
    report
}

fn report(stdout: std::process::ChildStdout) -> Result<(), String> {
    let start = Instant::now();
    let mut reader = BufReader::new(stdout);
    loop {
        let left = PATIENCE.saturating_sub(start.elapsed());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut waiting = [PollFd::new(reader.get_ref().as_fd(), PollFlags::POLLIN)];
        match poll(&mut waiting, timeout) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(why) => return Err(format!("cannot wait for the supervisor: {why}")),
            Ok(0) => return Err(format!("the supervisor did not report within {} s", PATIENCE.as_secs())),
            Ok(_) => break,
        }
    }
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(0) => Err("the supervisor ended before it began".to_owned()),
        Ok(_) if line.trim_end() == READY => Ok(()),
        Ok(_) => Err(line.trim_end().to_owned()),
        Err(why) => Err(format!("the supervisor's report cannot be read: {why}")),
    }
}

/// Starts a process that saves the output of a script without supervisor; does not wait for it.
pub fn adopt(config: &std::path::Path, id: DeploymentId, script: ProcessRef) -> Result<(), String> {
    let mut first = process::own_command()
        .arg("__adopt")
        .arg(config)
        .args([id.0.to_string(), script.pid.to_string(), script.start.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|why| format!("cannot start relman itself: {why}"))?;
    first.wait().map(drop).map_err(|why| why.to_string())
}

/// Starts a process that tells hooks what they have not been told; does not wait for it.
pub fn courier(config: &std::path::Path) -> Result<(), String> {
    detached(&[process::COURIERS[0]], config)
}

/// Starts a process that asks the monitors that are due; does not wait for it.
pub fn measurer(config: &std::path::Path, whose: Whose) -> Result<(), String> {
    detached(&["__measure", if whose == Whose::Own { "own" } else { "all" }], config)
}

fn detached(words: &[&str], config: &std::path::Path) -> Result<(), String> {
    let mut first = process::own_command()
        .args(words)
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|why| format!("cannot start relman itself: {why}"))?;
    // It ends in a moment; nobody is to wait for that, and no zombie is to be left.
    std::thread::spawn(move || first.wait());
    Ok(())
}

/// Closes what the launcher had open besides the standard streams: a lock or a pipe of the shell that started us must
/// not stay held until the deployment ends.
fn close_inherited() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> = open
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for number in numbers {
        // One of them is the directory that was just read; it is closed already.
        let _closed = nix::unistd::close(number);
    }
}

/// The first stage: leaves the session and starts the second with the same standard streams.
pub fn leave_session_and_run(arguments: &[String]) -> Result<(), String> {
    close_inherited();
    // Already a session leader (started by hand from a shell without job control): good enough.
    let _leader = nix::unistd::setsid();
    process::own_command()
        .args(arguments)
        .spawn()
        .map(drop)
        .map_err(|why| format!("cannot start relman itself: {why}"))
}
