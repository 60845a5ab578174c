//! Scripts as processes: the read-write pipe, the clean start, signals to the group, the sweep of descendants.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::domain::deployment::ProcessRef;
use crate::domain::policy::Argv;

/// How much a script may print while nobody reads: the size of the pipe.
const PIPE_SIZE: i32 = 1 << 20;

/// The script's end and the supervisor's end of the output pipe.
pub struct OutputPipe {
    pub script: OwnedFd,
    pub reader: OwnedFd,
}

/// Makes the pipe. The script's end is opened for reading and writing, so that a script whose supervisor died is
/// not killed by SIGPIPE at its next line but runs to its end, and its output can be read by another process
/// through `/proc/PID/fd/1` (as containerd's shims do with their FIFOs).
pub fn output_pipe() -> io::Result<OutputPipe> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // An unprivileged user may be over the limit for pipe memory; a smaller pipe works too.
    let _grown = fcntl(&reader, FcntlArg::F_SETPIPE_SZ(PIPE_SIZE));
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let script = OpenOptions::new().read(true).write(true).open(path)?;
    Ok(OutputPipe { script: script.into(), reader })
}

/// Lets reads of an empty pipe return at once.
pub fn never_block(pipe: &File) -> io::Result<()> {
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop).map_err(io::Error::from)
}

/// What to run.
pub struct Spawn<'a> {
    pub argv: &'a Argv,
    pub working_dir: &'a Path,
    /// The whole environment of the script.
    pub env: &'a BTreeMap<String, String>,
    pub output: OwnedFd,
}

/// Starts a script in its own process group with a clean signal state. The caller's signal mask is emptied first:
/// a blocked signal would be inherited and the script could never be cancelled (std does not reset it). Signals
/// that the supervisor catches are back to their defaults after the exec; ones that were ignored when it started
/// are caught by it for that reason.
pub fn spawn(order: Spawn<'_>) -> io::Result<tokio::process::Child> {
    SigSet::empty().thread_set_mask()?;
    let second = order.output.try_clone()?;
    let mut command = std_command(&order.argv[0]);
    command
        .args(&order.argv[1..])
        .current_dir(order.working_dir)
        .env_clear()
        .envs(order.env)
        .stdin(Stdio::null())
        .stdout(Stdio::from(order.output))
        .stderr(Stdio::from(second))
        .process_group(0);
    tokio::process::Command::from(command).kill_on_drop(false).spawn()
}

#[expect(clippy::disallowed_methods, reason = "processes are started here and in launch.rs")]
pub(super) fn std_command(program: &str) -> std::process::Command {
    std::process::Command::new(program)
}

/// A sentence for a script that could not be started, with what to do.
pub fn explain_spawn(argv: &Argv, working_dir: &Path, error: &io::Error) -> String {
    let program = crate::domain::text::quoted(&argv[0], 120);
    let path = working_dir.join(&argv[0]);
    match error.raw_os_error().map(nix::errno::Errno::from_raw) {
        _ if !working_dir.is_dir() => {
            format!("the working directory {} does not exist", working_dir.display())
        }
        Some(nix::errno::Errno::ENOENT) if path.exists() => {
            format!("{program} names an interpreter in its first line that does not exist")
        }
        Some(nix::errno::Errno::ENOENT) => format!("there is no script {program}"),
        Some(nix::errno::Errno::EACCES) if path.is_dir() => {
            format!("{program} is a directory, not a script; name the file in it")
        }
        Some(nix::errno::Errno::EACCES) => {
            format!("{program} is not executable; chmod +x {}", path.display())
        }
        Some(nix::errno::Errno::ENOEXEC) => {
            format!("{program} is neither a program nor a script; its first line must be like #!/bin/sh")
        }
        Some(nix::errno::Errno::ETXTBSY) => {
            format!("{program} is open for writing; try again when that is over")
        }
        _ => format!("{program} could not be started: {error}"),
    }
}

/// The kernel's start time of a process: with the pid it names a process for good.
pub fn identify(pid: i32) -> Option<ProcessRef> {
    Some(ProcessRef { pid, start: stat(pid)?.start })
}

/// Whether exactly this process still runs (a zombie does not). One that may not be looked at (`hidepid`) counts as
/// running as long as there is a process of that number.
pub fn runs(process: ProcessRef) -> bool {
    match stat(process.pid) {
        Some(stat) => stat.start == process.start && stat.state != 'Z',
        None => kill(Pid::from_raw(process.pid), None) == Err(nix::errno::Errno::EPERM),
    }
}

struct Stat {
    state: char,
    parent: i32,
    start: u64,
    name: String,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything, parentheses too: the last one ends it.
    let (head, tail) = text.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
        name,
    })
}

/// Signals a process group; a group that is gone is no error.
pub fn signal_group(group: i32, signal: Signal) -> bool {
    killpg(Pid::from_raw(group), signal).is_ok()
}

/// All living descendants of this process except `spare`: children of the script that left its group included,
/// because the supervisor is their reaper (subreaper) and they stay in its tree. Couriers, which its scribe sends to the
/// hooks, are in that tree as well and none of the script's.
pub fn descendants(spare: &[i32]) -> Vec<(ProcessRef, String)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut children: BTreeMap<i32, Vec<(ProcessRef, String)>> = BTreeMap::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Some(stat) = stat(pid).filter(|stat| stat.state != 'Z') else { continue };
        let process = ProcessRef { pid, start: stat.start };
        children.entry(stat.parent).or_default().push((process, stat.name));
    }
    let mut found = Vec::new();
    let mut open = vec![i32::try_from(std::process::id()).unwrap_or(0)];
    while let Some(parent) = open.pop() {
        for (process, name) in children.remove(&parent).unwrap_or_default() {
            if !spare.contains(&process.pid) && !is_courier(process.pid) {
                open.push(process.pid);
                found.push((process, name));
            }
        }
    }
    found
}

/// The hidden commands of couriers.
pub const COURIERS: [&str; 2] = ["__deliver", "__delivering"];

fn is_courier(pid: i32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    let name = words.next().unwrap_or_default();
    name == b"relman" && words.next().is_some_and(|word| COURIERS.iter().any(|own| own.as_bytes() == word))
}

/// Sends KILL to every descendant except `spare` and collects what dies; returns what is still there.
pub fn kill_descendants(spare: &[i32]) -> Vec<(ProcessRef, String)> {
    for (process, _) in descendants(spare) {
        if runs(process) {
            // It may have ended in between; then there is nothing to kill.
            let _gone = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
    }
    reap(spare);
    descendants(spare)
}

/// Collects dead orphans that were handed to this process, but not the direct children tokio waits for.
pub fn reap(spare: &[i32]) {
    let own = std::process::id().to_string();
    let Ok(text) = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")) else { return };
    for pid in text.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()) {
        if !spare.contains(&pid) {
            let _not_dead_yet = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// Opens a pipe by its path under /proc, and nothing else: a script may have sent its output to a file since.
pub fn open_pipe(path: &str) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is no pipe"));
    }
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(file)
}

/// Opens the output of a script whose supervisor is gone: its own standard output, for reading.
pub fn open_output_of(script: ProcessRef) -> io::Result<File> {
    let file = open_pipe(&format!("/proc/{}/fd/1", script.pid))?;
    // Between looking and opening, the pid may have changed hands.
    if runs(script) { Ok(file) } else { Err(io::Error::new(io::ErrorKind::NotFound, "the script has ended")) }
}

/// A variable of a running process of the same user.
pub fn variable_of(pid: i32, name: &str) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let prefix = format!("{name}=");
    let entry = bytes.split(|byte| *byte == 0).find(|entry| entry.starts_with(prefix.as_bytes()))?;
    String::from_utf8(entry[prefix.len()..].to_vec()).ok()
}

/// The command that starts the scribe of this supervisor.
pub fn scribe_command() -> std::process::Command {
    let mut command = own_command();
    command.arg("__scribe");
    command
}

/// This program again, under its own name: `ps` and `pgrep` find it by that.
pub(super) fn own_command() -> std::process::Command {
    let mut command = std_command("/proc/self/exe");
    command.arg0("relman");
    // What sudo said was said to us: see `enforced`.
    for name in ["SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND"] {
        command.env_remove(name);
    }
    command
}

/// Whether a program of the system succeeded, and what it printed; nothing where there is no such program. It asks nobody.
pub(super) fn quiet_output(program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let output = std_command(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output()
        .ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// Names this process in lists of processes; the kernel keeps fifteen bytes.
pub fn call_oneself(name: &std::ffi::CStr) {
    // A process without the right name works as well.
    let _unnamed = nix::sys::prctl::set_name(name);
}

/// The process that writes into the pipe `reader` reads from: the oldest one, which is the script itself. Finds a
/// script whose supervisor died before it could write down the pid.
pub fn writer_of(reader: &File) -> Option<ProcessRef> {
    let own = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let pipe = std::fs::read_link(own).ok()?;
    let pids = std::fs::read_dir("/proc").ok()?.flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| std::fs::read_link(format!("/proc/{pid}/fd/1")).is_ok_and(|other| other == pipe))
        .filter_map(identify)
        .min_by_key(|process| process.start)
}

/// Numbers of the signals this process ignores, which its children would ignore too.
pub fn ignored_signals() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=31).filter(|number| mask & (1 << (number - 1)) != 0).collect()
}
