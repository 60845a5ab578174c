//! One script: started with its output held, waited for beside others, ended when it takes too long, and what it leaves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::task::JoinHandle;

use crate::domain::deployment::{Cause, Limit};
use crate::domain::policy::ScriptRole;
use crate::host::process::{self, Spawn};
use crate::host::{fault, scripts};
use crate::ops::deployment::ticket::step_vars;

use super::output::Stream;
use super::run::{LOOK_EVERY, SharedLog, Supervisor};
use super::stop::{Stop, sweep};

/// How long a busy scribe is waited for before a script starts without its output being held.
const HOLD_PATIENCE: Duration = Duration::from_secs(3);
/// How long lines are gathered: nobody sees the difference.
const GATHER: Duration = Duration::from_millis(2);
/// How long output is waited for after the script's main process ended.
const DRAIN: Duration = Duration::from_secs(2);

/// A script that runs.
pub(super) struct Script {
    /// The step it carries out.
    pub(super) index: usize,
    child: Child,
    /// Its process group has the same number.
    pid: i32,
    /// Where its output is read.
    fd: i32,
    reading: JoinHandle<()>,
    started: Instant,
    /// Its own end, where it took too long.
    overdue: Stop,
}

/// Waits for the first of them to end.
async fn any_end(running: &mut [Script]) -> (usize, std::io::Result<ExitStatus>) {
    std::future::poll_fn(|cx| {
        for (at, script) in running.iter_mut().enumerate() {
            let ended = std::pin::pin!(script.child.wait());
            if let Poll::Ready(status) = ended.poll(cx) {
                return Poll::Ready((at, status));
            }
        }
        Poll::Pending
    })
    .await
}

impl Supervisor {
    /// Runs one script and says how it ended.
    pub(super) async fn run_script(&mut self, index: usize, role: ScriptRole, attempt: u32) -> Cause {
        let mut running = match self.start_script(index, role, attempt, None).await {
            Ok(script) => vec![script],
            Err(cause) => return cause,
        };
        self.next_end(&mut running).await.1
    }

    /// Starts one script; `name` is put before its lines where others print at the same time.
    pub(super) async fn start_script(
        &mut self,
        index: usize,
        role: ScriptRole,
        attempt: u32,
        name: Option<&str>,
    ) -> Result<Script, Cause> {
        let ticket = &self.order.ticket;
        let own = ticket.steps[index].command.as_ref();
        let Some(argv) = own.map_or_else(|| ticket.argv.get(&role), |key| ticket.commands.get(key)).cloned()
        else {
            let what = own.cloned().unwrap_or_else(|| format!("{role} script"));
            return Err(Cause::CannotRun { why: format!("there is no {what}") });
        };
        if let Some(file) = scripts::first_changed(&ticket.files) {
            let why = format!("{} changed after the gates agreed to what it was; deploy again", file.path);
            self.say(&why);
            return Err(Cause::CannotRun { why });
        }
        let mut env: BTreeMap<String, String> = self.order.env.clone();
        env.extend(ticket.vars.clone());
        env.extend(step_vars(&ticket.steps, index, attempt));
        let working_dir = ticket.working_dir.clone();
        let pipe = process::output_pipe()
            .map_err(|why| Cause::CannotRun { why: format!("no pipe for the script's output: {why}") })?;
        let reader = File::from(pipe.reader);
        process::never_block(&reader)
            .map_err(|why| Cause::CannotRun { why: format!("the output cannot be read: {why}") })?;
        self.have_it_held(reader.as_raw_fd()).await;
        if let Some(cause) = self.stop.cause() {
            // Asked to end before it began.
            return Err(cause.clone());
        }
        fault::point("before-spawn");
        let spawned =
            process::spawn(Spawn { argv: &argv, working_dir: &working_dir, env: &env, output: pipe.script });
        let child = spawned.map_err(|error| {
            let why = process::explain_spawn(&argv, &working_dir, &error);
            self.say(&why);
            Cause::CannotRun { why }
        })?;
        fault::point("after-spawn");
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        self.scripts.extend(process::identify(pid));
        self.log.borrow_mut().last_output = Instant::now();
        self.beat(true);
        let stream = Stream::new(&self.order.masks);
        let stream = name.map_or_else(|| Stream::new(&self.order.masks), |name| stream.named(name));
        let fd = reader.as_raw_fd();
        let reading = tokio::task::spawn_local(drain(reader, Rc::clone(&self.log), stream));
        let (started, overdue) = (Instant::now(), Stop::default());
        Ok(Script { index, child, pid, fd, reading, started, overdue })
    }

    /// Waits until one of the scripts ends; takes it out and says how it ended.
    pub(super) async fn next_end(&mut self, running: &mut Vec<Script>) -> (usize, Cause) {
        let groups: Vec<i32> = running.iter().map(|script| script.pid).collect();
        let (at, status) = loop {
            tokio::select! {
                ended = any_end(running) => break ended,
                () = self.attend(LOOK_EVERY) => {
                    self.stop_if_asked(&groups);
                    self.stop_overdue(running);
                }
            }
        };
        fault::point("after-exit");
        let script = running.remove(at);
        let others: Vec<i32> = running.iter().map(|script| script.pid).collect();
        self.held_open.retain(|fd| *fd != script.fd);
        let own = script.overdue.cause().filter(|_| script.overdue.has_acted()).cloned();
        if own.is_some() {
            // What it left in its group has run too long as well.
            process::signal_group(script.pid, nix::sys::signal::Signal::SIGKILL);
        }
        self.after_exit(script.pid, script.reading, &others).await;
        self.scripts.retain(|known| known.pid != script.pid);
        let cause = match status {
            Ok(status) => match own.filter(|_| !self.stop.has_acted()) {
                Some(cause) => cause,
                None => cause_of(status, &self.stop),
            },
            Err(why) => Cause::SupervisorGone { why: format!("the script cannot be waited for: {why}") },
        };
        (script.index, cause)
    }

    /// Before the script exists: should this process die right after it does, the scribe has its output. A scribe that is
    /// busy with a store out of reach is not waited for long: the script matters more.
    async fn have_it_held(&mut self, fd: i32) {
        self.held_open.push(fd);
        let mut held = self.link.hold(&self.held_open);
        let deadline = Instant::now() + HOLD_PATIENCE;
        while Instant::now() < deadline && self.stop.cause().is_none() {
            tokio::select! {
                _answer = &mut held => return,
                () = self.attend(LOOK_EVERY) => {}
            }
        }
    }

    /// Ends the scripts that take longer than a step may; the others go on.
    fn stop_overdue(&mut self, running: &mut [Script]) {
        let Some(limit) = self.order.ticket.step_timeout.filter(|_| self.stop.cause().is_none()) else {
            return;
        };
        let mut log = self.log.borrow_mut();
        for script in running.iter_mut().filter(|script| script.started.elapsed() >= limit) {
            script.overdue.time_out(Limit::Step, limit, &mut log);
            script.overdue.act(&[script.pid], self.order.ticket.grace, &mut log);
        }
    }

    /// The main process has ended: the rest of its output, and what it left behind. As long as others run nobody can say
    /// whose a process is: that is looked at when the last of them has ended.
    async fn after_exit(&mut self, group: i32, mut reading: JoinHandle<()>, others: &[i32]) {
        let spare = [&self.spared[..], &[self.link.pid()], others].concat();
        if self.stop.has_acted() && others.is_empty() {
            process::signal_group(group, nix::sys::signal::Signal::SIGKILL);
            let swept = sweep(&spare).await;
            if !swept.escaped.is_empty() {
                self.say(&format!("KILL sent to what left the process group: {}", swept.escaped.join(", ")));
            }
            if !swept.stuck.is_empty() {
                self.say(&format!("cannot be killed: {}", swept.stuck.join(", ")));
                self.left_running.extend(swept.stuck);
            }
        }
        if tokio::time::timeout(DRAIN, &mut reading).await.is_err() {
            self.lingering.push(reading);
        }
        process::reap(&spare);
        if !self.stop.has_acted() && others.is_empty() {
            let left = process::descendants(&spare);
            self.spared.extend(left.iter().map(|(process, _)| process.pid));
            let left: Vec<String> = left
                .into_iter()
                .map(|(process, name)| format!("{} {}", process.pid, crate::domain::text::one_line(&name)))
                .collect();
            if !left.is_empty() {
                self.say(&format!("left running by the script: {}", left.join(", ")));
                self.left_running.extend(left);
            }
        }
    }
}

/// Once a script was told to end, that is how it ended, whatever it says of itself: many exit with 0 on TERM, and a
/// half-done deployment must not pass for a whole one. A request that came when it had ended already changes nothing.
pub(super) fn cause_of(status: ExitStatus, stop: &Stop) -> Cause {
    if let Some(cause) = stop.cause().filter(|_| stop.has_acted()) {
        return cause.clone();
    }
    if status.success() {
        return Cause::Completed;
    }
    match (status.code(), status.signal()) {
        (Some(code), _) => Cause::Exit { code },
        (None, Some(number)) => Cause::Signal { number },
        (None, None) => Cause::SupervisorGone { why: "the script's end has no status".to_owned() },
    }
}

/// Moves everything from the pipe to the log until nobody can write to it any more.
///
/// While output flows the pipe is looked at every two milliseconds and is not registered with the runtime: a registered
/// one wakes this process for every line a script prints, and the script pays for each of these wake-ups (measured).
pub(super) async fn drain(mut reader: File, log: SharedLog, mut stream: Stream) {
    let mut buffer = vec![0; 256 * 1024];
    'open: loop {
        let mut moved = 0;
        while moved < buffer.len() * 4 {
            match reader.read(&mut buffer) {
                Ok(0) => break 'open,
                Ok(read) => {
                    stream.feed(&buffer[..read], &mut log.borrow_mut());
                    moved += read;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break 'open,
            }
        }
        match moved {
            0 => {
                let registered = reader.try_clone().and_then(|fd| pipe::Receiver::from_owned_fd(fd.into()));
                let Ok(registered) = registered else { break };
                if registered.readable().await.is_err() {
                    break;
                }
            }
            moved if moved < 64 * 1024 => tokio::time::sleep(GATHER).await,
            _ => tokio::task::yield_now().await,
        }
    }
    stream.finish(&mut log.borrow_mut());
}
