//! The scribe: the small process that writes to the store for a supervisor.
//!
//! A supervisor must not map the database itself: a member of the group could truncate the shared-memory file and
//! kill it with SIGBUS (tried). The scribe may die; the supervisor starts another and repeats what was not
//! acknowledged. It also stands by: it holds the reading end of the script's output open, and when the supervisor
//! disappears, it marks the deployment lost and saves the rest of the output.

use std::fs::File;
use std::io::{BufRead as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::config::{Config, Stamp};
use crate::domain::actor::Via;
use crate::domain::deployment::{Beat, DeploymentState, Outcome, ProcessRef, Step};
use crate::domain::hold::{Hold, HoldReason};
use crate::domain::time::Timestamp;
use crate::host::kept::Kept;
use crate::host::launch::Order;
use crate::host::{clock, fault, process};
use crate::ops::deployment::claim::{self, Claim, Pulse};
use crate::ops::deployment::reconcile::{self, Orphans};
use crate::ops::deployment::turn::{self, Turn};
use crate::ops::deployment::{finish, follow_up};
use crate::ops::view::deployment as view;
use crate::ops::view::script_diff;
use crate::ops::{Ctx, ErrorKind, Liveness, OpError};

use crate::desk::Desk;

/// How often the scribe looks for a request to stop.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often a deployment's turn is asked for where nothing seems to have changed: approvals and people age.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// What the supervisor asks for. Every task may be repeated: all are guarded by the epoch, and a claim whose answer got
/// lost is answered alike until something has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Task {
    Claim,
    /// Whether the deployment that waits may begin now. Asked by this process.
    Turn(ProcessRef),
    Beat(Beat),
    Step(Box<Step>),
    /// It waits; a person may decide how it goes on.
    Ask(Box<Hold>),
    /// The time of the pause with this number has passed.
    EndPause(u32),
    /// Whether a failed step may be run again by itself.
    MayRetry,
    /// Whether a freeze holds it before its next step.
    MayGoOn,
    /// The last good release is to follow, for this reason.
    RollBack(String),
    Finish(Box<Outcome>),
    /// A script is about to run; the output of all that run can be reached through these descriptors of the supervisor.
    Hold {
        fds: Vec<i32>,
    },
    /// The supervisor is done; nothing is to be saved.
    Bye,
}

/// What the scribe says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    Claimed(Claim),
    Turn(Turn),
    Beaten(Pulse),
    /// Who has locked the environment against it, if somebody has.
    Locked(Option<String>),
    /// Freezes that hold it before its next step.
    Frozen(Vec<HoldReason>),
    /// A pause is over, if nobody has decided otherwise.
    PauseOver(Pulse),
    Done,
    /// Could not be written now; worth repeating.
    Later(String),
    /// Will never be written.
    Never(String),
    /// Not an answer: somebody wants the deployment to stop, or it is no longer ours.
    Pulse(Pulse),
}

/// Runs until the supervisor says goodbye or disappears. The first line is the order, then one task a line.
pub(super) fn run() -> Result<(), OpError> {
    let lines = lines();
    let first = lines.recv().map_err(|_| OpError::new(ErrorKind::Failure, "no order"))?;
    let mut order: Order =
        serde_json::from_str(&first).map_err(|why| OpError::new(ErrorKind::Failure, why.to_string()))?;
    let mut desk = match open(&order) {
        Ok(desk) => desk,
        Err(error) => return decline(&lines, error),
    };
    let mut seen = Seen::default();
    let mut held: Vec<File> = Vec::new();
    loop {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Task::Bye) => return Ok(()),
                Ok(Task::Hold { fds }) => {
                    let parent = nix::unistd::getppid();
                    let open = |fd: &i32| process::open_pipe(&format!("/proc/{parent}/fd/{fd}")).ok();
                    held = fds.iter().filter_map(open).collect();
                    say(&Word::Done);
                }
                Ok(Task::Turn(by)) => {
                    let word = match turn(&mut desk, &order, by, &mut seen) {
                        Ok(word) => word,
                        Err(error) => {
                            say(&Word::Later(error.sentence.clone()));
                            // Another scribe opens the store anew and sees what became of it.
                            return Err(error);
                        }
                    };
                    let goes = if let Word::Turn(Turn::Go(ticket)) = &word {
                        order.ticket = (**ticket).clone();
                        true
                    } else {
                        false
                    };
                    say(&word);
                    if goes {
                        Kept::of(desk.state()).keep(&order.ticket.files, &order.masks);
                    }
                }
                Ok(Task::MayGoOn) => {
                    // A freeze may have been written into relman.toml since; one that nobody can read changes nothing.
                    if desk.refresh().is_err() {
                        desk.config.stamp = Stamp::default();
                    }
                    say(&answer(&desk.cx(), &order, &Task::MayGoOn));
                }
                Ok(task) => {
                    say(&answer(&desk.cx(), &order, &task));
                    see_to_scripts(&desk, &order, &task);
                }
                Err(why) => say(&Word::Never(why.to_string())),
            },
            Err(RecvTimeoutError::Timeout) => look(&desk, &order, &mut seen),
            Err(RecvTimeoutError::Disconnected) => return stand_in(&desk, &order, held),
        }
    }
}

/// The store of the order, whatever the configuration has come to say since.
fn open(order: &Order) -> Result<Desk, OpError> {
    let config = crate::config::load(&order.config)
        .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
    Desk::open(Config { database: order.store.clone(), ..config }, Via::Supervisor)
}

/// Answers the first task with why there is no store; the supervisor starts another scribe in a moment.
fn decline(lines: &Receiver<String>, error: OpError) -> Result<(), OpError> {
    if let Ok(line) = lines.recv() {
        // Nothing begins under a configuration nobody can read; what has begun is recorded once it can be again.
        let begins = matches!(serde_json::from_str(&line), Ok(Task::Claim));
        let waits = matches!(serde_json::from_str(&line), Ok(Task::Turn(_)));
        say(&match error.kind {
            // What waits is left to the newer relman, which revives it.
            ErrorKind::Outdated if waits => Word::Never(error.sentence.clone()),
            ErrorKind::BadConfig if begins => Word::Never(error.sentence.clone()),
            _ => Word::Later(error.sentence.clone()),
        });
    }
    Err(error)
}

/// What the supervisor has been told already.
#[derive(Default)]
struct Seen {
    counter: Option<i64>,
    pulse: Option<Pulse>,
    turn: Option<Told>,
}

/// The last answer about its turn.
struct Told {
    turn: Turn,
    /// The store's change counter then.
    counter: i64,
    /// When something is known to change, by the wall clock.
    until: Timestamp,
    /// By the clock that nobody sets.
    asked: Instant,
}

/// Whether it may begin, by the rules as they are now. Asked of the store only where something may have changed: another
/// process wrote, a moment came that was known to matter, or a while has passed. Nothing begins under a configuration
/// nobody can read.
fn turn(desk: &mut Desk, order: &Order, by: ProcessRef, seen: &mut Seen) -> Result<Word, OpError> {
    let rules_changed = match desk.refresh() {
        Ok(changed) => changed,
        Err(error) => {
            desk.config.stamp = Stamp::default();
            return Ok(Word::Later(error.sentence));
        }
    };
    desk.machine().refresh();
    let cx = desk.cx();
    let counter = cx.store.change_counter().unwrap_or(-1);
    if let Some(told) = &seen.turn
        && told.counter == counter
        && cx.now < told.until
        && told.asked.elapsed() < ASK_AGAIN
        && !rules_changed
    {
        return Ok(Word::Turn(told.turn.clone()));
    }
    fault::point("before-turn");
    match turn::turn(&cx, order.ticket.id, by) {
        Ok(turn) => {
            if matches!(turn, Turn::Go(_)) {
                fault::point("after-turn");
            }
            let until = if let Turn::Wait { until, .. } = &turn { *until } else { cx.now };
            seen.turn = Some(Told { turn: turn.clone(), counter, until, asked: Instant::now() });
            Ok(Word::Turn(turn))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Word::Never(error.sentence)),
        Err(error) if error.kind == ErrorKind::Unusable => Err(error),
        Err(error) => Ok(Word::Later(error.sentence)),
    }
}

fn lines() -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn say(word: &Word) {
    let mut line = serde_json::to_string(word).unwrap_or_default();
    line.push('\n');
    // A supervisor that is gone is noticed on the other stream.
    let _gone = std::io::stdout().lock().write_all(line.as_bytes());
}

fn answer(cx: &Ctx<'_>, order: &Order, task: &Task) -> Word {
    let (id, epoch) = (order.ticket.id, order.ticket.epoch);
    let result = match task {
        Task::Claim => claim::claim(cx, id, epoch).map(Word::Claimed),
        Task::Beat(beat) => claim::beat(cx, id, epoch, beat).map(Word::Beaten),
        Task::Step(step) => claim::step(cx, id, epoch, step).map(|_| Word::Done),
        Task::Ask(hold) => claim::hold(cx, id, epoch, hold).map(|_| Word::Done),
        Task::EndPause(hold) => claim::end_pause(cx, id, epoch, *hold).map(Word::PauseOver),
        Task::MayGoOn => claim::frozen(cx, id).map(Word::Frozen),
        Task::MayRetry => claim::locked(cx, id).map(Word::Locked),
        Task::RollBack(reason) => follow_up::ask(cx, id, epoch, reason).map(|()| Word::Done),
        // Asked again because the answer got lost, the rollback has begun already.
        Task::Finish(outcome) => finish::settle(cx, id, epoch, &finish::OWN, outcome, None)
            .and_then(|_| follow_up::begin(cx, id))
            .map(|()| Word::Done),
        Task::Turn(_) | Task::Hold { .. } | Task::Bye => Ok(Word::Done),
    };
    result.unwrap_or_else(|error| match error.kind {
        ErrorKind::NotFound => Word::Never(error.sentence),
        _ => Word::Later(error.sentence),
    })
}

/// What runs is kept, so that an approver can be shown later what became of it; what is of no use any more is not. Nobody
/// waits for either.
fn see_to_scripts(desk: &Desk, order: &Order, task: &Task) {
    let (kept, cx) = (Kept::of(desk.state()), desk.cx());
    match task {
        Task::Claim => kept.keep(&order.ticket.files, &order.masks),
        Task::Finish(_) => {
            if let Ok(in_use) = script_diff::in_use(&cx) {
                kept.prune(&in_use, cx.now);
            }
        }
        _ => {}
    }
}

/// Passes on a request to stop once; a second one (kill) is a new one. Reads only when another process has written.
fn look(desk: &Desk, order: &Order, seen: &mut Seen) {
    let cx = desk.cx();
    let Ok(counter) = cx.store.change_counter() else { return };
    if seen.counter == Some(counter) {
        return;
    }
    let Ok(pulse) = claim::pulse(&cx, order.ticket.id, order.ticket.epoch) else { return };
    seen.counter = Some(counter);
    let says_something = pulse.cancel.is_some() || pulse.guidance.is_some() || !pulse.ours;
    let is_news = seen.pulse.as_ref() != Some(&pulse) && says_something;
    if is_news {
        say(&Word::Pulse(pulse.clone()));
        seen.pulse = Some(pulse);
    }
}

/// The supervisor is gone without a goodbye: say so in the store, then save the rest of the output.
fn stand_in(desk: &Desk, order: &Order, held: Vec<File>) -> Result<(), OpError> {
    // Its lock falls with its last descriptor, which may be a moment after its pipe.
    let id = order.ticket.id;
    for _ in 0..50 {
        if desk.cx().machine.liveness(id) == Liveness::Gone {
            break;
        }
        clock::wait(Duration::from_millis(100));
    }
    let script = held.iter().find_map(process::writer_of);
    if let Some(script) = script {
        // The supervisor may have died before it could write down whom it had started.
        let (log_size, _) = desk.cx().machine.log_facts(id);
        let beat = Beat { script: Some(script), log_size, ..Beat::default() };
        let _settled = claim::beat(&desk.cx(), id, order.ticket.epoch, &beat);
    }
    let lost = reconcile::reconcile(&desk.cx(), Orphans::Leave);
    // Nothing is to be saved of a deployment that came to its end. Another relman may have marked it first.
    let now = view::deployment(&desk.cx(), id);
    let is_lost = now.is_ok_and(|now| now.deployment.state == DeploymentState::Lost);
    if is_lost && !held.is_empty() {
        super::adopt::save(desk.state(), id, held, &order.masks);
    }
    lost.map(drop)
}
