//! A program that is asked or told something: JSON on its standard input, its output bounded, its time too.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};

use super::{clock, process};
use crate::domain::policy::Argv;
use crate::domain::time::span;

/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is waited for once it has ended: what it left running may hold it open.
const DRAIN: Duration = Duration::from_millis(500);

pub(super) struct Order<'a> {
    pub argv: &'a Argv,
    pub working_dir: &'a Path,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    pub stdin: String,
    pub timeout: Duration,
    /// The most that is kept of each of its outputs.
    pub keep: usize,
}

/// How it ended.
pub(super) struct Ended {
    /// Nothing: it was ended by a signal.
    pub code: Option<i32>,
    /// `exit status 3`, `signal 9`, `stopped after 30s`.
    pub how: String,
    pub out: String,
    pub err: String,
}

/// Runs it to its end. `Err`: it could not be started, and what to do.
pub(super) fn run(order: Order<'_>) -> Result<Ended, String> {
    // A blocked signal would be inherited.
    SigSet::empty().thread_set_mask().map_err(|why| why.to_string())?;
    let mut command = process::std_command(&order.argv[0]);
    command
        .args(&order.argv[1..])
        .current_dir(order.working_dir)
        .env_clear()
        .envs(&order.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child =
        command.spawn().map_err(|why| process::explain_spawn(order.argv, order.working_dir, &why))?;
    let group = i32::try_from(child.id()).unwrap_or(0);
    if let Some(mut stdin) = child.stdin.take() {
        let text = order.stdin;
        // One that does not read must not keep anybody waiting.
        std::thread::spawn(move || {
            let _unread = stdin.write_all(text.as_bytes());
        });
    }
    let out = child.stdout.take().map(|pipe| collect(pipe, order.keep));
    let err = child.stderr.take().map(|pipe| collect(pipe, order.keep));
    let (status, stopped) = wait(&mut child, group, order.timeout);
    let text = |from: Option<Receiver<Vec<u8>>>| {
        let bytes = from.and_then(|from| from.recv_timeout(DRAIN).ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let how = match (stopped, status) {
        (true, _) => format!("stopped after {}", span(order.timeout)),
        (false, Some(status)) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        },
        (false, None) => "its end is unknown".to_owned(),
    };
    let code = status.and_then(|status| status.code()).filter(|_| !stopped);
    Ok(Ended { code, how, out: text(out), err: text(err) })
}

/// Reads to the end and keeps the beginning.
fn collect(mut pipe: impl Read + Send + 'static, keep: usize) -> Receiver<Vec<u8>> {
    let (sender, kept) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read) = pipe.read(&mut buffer) {
            if read == 0 {
                break;
            }
            kept.extend_from_slice(&buffer[..read.min(keep - kept.len())]);
        }
        let _nobody = sender.send(kept);
    });
    kept
}

/// Waits for its end; says whether it was stopped.
fn wait(child: &mut Child, group: i32, timeout: Duration) -> (Option<ExitStatus>, bool) {
    let start = Instant::now();
    let mut stopped = false;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                if stopped {
                    process::signal_group(group, Signal::SIGKILL);
                }
                return (Some(status), stopped);
            }
            Ok(None) => {}
            Err(_) => return (None, stopped),
        }
        let gone = start.elapsed();
        if gone >= timeout + GRACE {
            process::signal_group(group, Signal::SIGKILL);
        } else if gone >= timeout && !stopped {
            process::signal_group(group, Signal::SIGTERM);
        }
        stopped |= gone >= timeout;
        clock::wait(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, stdin: &str, timeout: Duration) -> Ended {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let env = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into();
        run(Order {
            argv: &argv,
            working_dir: Path::new("/"),
            env,
            stdin: stdin.to_owned(),
            timeout,
            keep: 20,
        })
        .unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn it_gets_its_input_and_nothing_of_our_environment() {
        let ended = sh("cat; echo $HOME-; echo no >&2; exit 3", "hello ", LONG);
        assert_eq!((ended.code, ended.how.as_str()), (Some(3), "exit status 3"));
        assert_eq!((ended.out.as_str(), ended.err.as_str()), ("hello -\n", "no\n"));
    }

    #[test]
    fn one_that_reads_nothing_and_says_too_much_harms_nobody() {
        let ended = sh("yes | head -c 1000000", &"x".repeat(1 << 20), LONG);
        assert_eq!((ended.code, ended.out.len()), (Some(0), 20));
    }

    #[test]
    fn one_that_does_not_end_is_stopped_with_what_it_started() {
        let ended = sh("sleep 1000 & sleep 1000", "", Duration::from_secs(1));
        assert_eq!((ended.code, ended.how.as_str()), (None, "stopped after 1s"));
    }

    #[test]
    fn what_it_leaves_running_is_not_waited_for() {
        let start = Instant::now();
        let ended = sh("sleep 30 & echo done", "", LONG);
        assert_eq!(ended.code, Some(0));
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
