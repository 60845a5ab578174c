//! A person's own editor for a text that is too long for one line.
//!
//! The editor stays in the group of this process, so that the shell stops and continues both together; when it stops
//! itself (Ctrl-Z), this process stops too.

use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{enforced, environment};

/// No text is longer.
const MOST: u64 = 256 * 1024;

/// The editor with its arguments: `$VISUAL`, `$EDITOR`, otherwise `vi`.
fn command() -> Result<Vec<String>, String> {
    let (name, wanted) = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| Some((*name, environment::variable(name)?)))
        .unwrap_or(("EDITOR", "vi".to_owned()));
    match shlex::split(&wanted) {
        Some(words) if !words.is_empty() => Ok(words),
        _ => Err(format!("${name} is no command: quotes are not closed")),
    }
}

#[expect(clippy::disallowed_methods, reason = "host/ is where programs are started")]
/// Lets the person edit the text; the terminal is theirs meanwhile. Returns what they saved, or why it stays as it was.
pub fn edit(text: &str) -> Result<String, String> {
    if let Some(service) = enforced::service() {
        return Err(format!(
            "relman runs as {} here and starts no editor in that name: type it here, or hand it in on the command line",
            service.name
        ));
    }
    let words = command()?;
    let cannot = |why: std::io::Error| format!("no file for the editor could be made: {why}");
    let mut file = tempfile::Builder::new().prefix("relman-").suffix(".txt").tempfile().map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(cannot)?;
    let child = Command::new(&words[0])
        .args(&words[1..])
        .arg(file.path())
        .spawn()
        .map_err(|why| format!("{} could not be started: {why}; set $EDITOR", words[0]))?;
    match wait(&child) {
        WaitStatus::Exited(_, 0) => {}
        WaitStatus::Exited(_, code) => {
            return Err(format!("{} ended with {code}: the text stays as it was", words[0]));
        }
        _ => return Err(format!("{} was stopped: the text stays as it was", words[0])),
    }
    let saved = read(file.path())?;
    let saved = saved.trim_end_matches(['\n', '\r']);
    if saved.trim().is_empty() {
        return Err("nothing was saved: the text stays as it was".to_owned());
    }
    Ok(saved.to_owned())
}

/// Waits for its end. Where it stops, this process stops, and goes on when the shell says so.
fn wait(child: &Child) -> WaitStatus {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    loop {
        match waitpid(pid, Some(WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Stopped(..)) => {
                let _stopped = raise(Signal::SIGSTOP);
            }
            Err(nix::errno::Errno::EINTR) => {}
            Ok(ended) => return ended,
            Err(_) => return WaitStatus::Exited(pid, 1),
        }
    }
}

/// By its path: editors put a new file in the place of the old one.
fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).and_then(|mut file| {
        file.rewind()?;
        file.take(MOST + 1).read_to_end(&mut bytes)
    });
    opened.map_err(|why| format!("what was saved cannot be read: {why}"))?;
    if bytes.len() as u64 > MOST {
        return Err(kept(path, "it is too long"));
    }
    String::from_utf8(bytes).map_err(|_| kept(path, "it is not UTF-8"))
}

/// What cannot be taken over is not thrown away.
fn kept(path: &Path, why: &str) -> String {
    let beside = path.with_extension("kept");
    match std::fs::rename(path, &beside) {
        Ok(()) => format!("what was saved could not be taken over: {why}; it is in {}", beside.display()),
        Err(_) => format!("what was saved could not be taken over: {why}"),
    }
}

/// Puts a text that was saved and does not fit where the person finds it.
pub fn put_aside(text: &str) -> Option<std::path::PathBuf> {
    let mut file = tempfile::Builder::new().prefix("relman-").suffix(".kept").tempfile().ok()?;
    file.write_all(text.as_bytes()).ok()?;
    file.keep().ok().map(|(_, path)| path)
}
