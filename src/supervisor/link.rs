//! The supervisor's side of the scribe: a queue of tasks that survives the scribe's death.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::host::launch::Order;
use crate::host::process;
use crate::ops::deployment::claim::Pulse;

use super::scribe::{Task, Word};

/// Pause before a scribe is started again, and before a task is repeated.
const BACKOFF: [u64; 6] = [50, 250, 500, 1000, 2000, 5000];

type Queue = Rc<RefCell<VecDeque<(Task, Option<oneshot::Sender<Word>>)>>>;

/// Handed tasks are carried out in order, repeated until they are answered. What does not need the store goes first: it
/// must not wait for a store that is out of reach.
pub(super) struct Link {
    queue: Queue,
    urgent: Queue,
    wake: Rc<Notify>,
    pid: Rc<Cell<i32>>,
    order: Rc<RefCell<String>>,
    pub pulses: mpsc::UnboundedReceiver<Pulse>,
}

impl Link {
    /// Starts the scribe and the task that talks to it.
    pub(super) fn start(order: &Order) -> Self {
        let (sender, pulses) = mpsc::unbounded_channel();
        let (queue, urgent) = (Queue::default(), Queue::default());
        let wake = Rc::new(Notify::new());
        let pid = Rc::new(Cell::new(0));
        let order = Rc::new(RefCell::new(serde_json::to_string(order).unwrap_or_default()));
        let talk = Talk {
            order: Rc::clone(&order),
            queue: Rc::clone(&queue),
            urgent: Rc::clone(&urgent),
            wake: Rc::clone(&wake),
            pid: Rc::clone(&pid),
            pulses: sender,
            hold: None,
        };
        tokio::task::spawn_local(talk.run());
        Self { queue, urgent, wake, pid, order, pulses }
    }

    /// The order as the next scribe is to get it; the one at work knows it already.
    pub(super) fn tell(&self, order: &Order) {
        *self.order.borrow_mut() = serde_json::to_string(order).unwrap_or_default();
    }

    /// Hands over a task without waiting for it.
    pub(super) fn post(&self, task: Task) {
        self.queue.borrow_mut().push_back((task, None));
        self.wake.notify_one();
    }

    /// Tells the scribe which descriptors to hold open; the answer comes when it does.
    pub(super) fn hold(&self, fds: &[i32]) -> oneshot::Receiver<Word> {
        let (reply, answer) = oneshot::channel();
        self.urgent.borrow_mut().push_back((Task::Hold { fds: fds.to_vec() }, Some(reply)));
        self.wake.notify_one();
        answer
    }

    /// Hands over a task; the answer comes when the store has been reached.
    pub(super) fn request(&self, task: Task) -> oneshot::Receiver<Word> {
        let (reply, answer) = oneshot::channel();
        self.queue.borrow_mut().push_back((task, Some(reply)));
        self.wake.notify_one();
        answer
    }

    /// Hands over a task and waits for its answer, however long the store is out of reach.
    pub(super) async fn ask(&self, task: Task) -> Word {
        self.request(task).await.unwrap_or_else(|_| Word::Never("the link to the scribe is gone".to_owned()))
    }

    /// Tasks not answered yet.
    pub(super) fn pending(&self) -> usize {
        self.queue.borrow().len()
    }

    /// The scribe's pid, to spare it when descendants are killed.
    pub(super) fn pid(&self) -> i32 {
        self.pid.get()
    }
}

struct Talk {
    order: Rc<RefCell<String>>,
    queue: Queue,
    urgent: Queue,
    wake: Rc<Notify>,
    pid: Rc<Cell<i32>>,
    pulses: mpsc::UnboundedSender<Pulse>,
    /// Which descriptors the scribe is to hold; told again to a new scribe.
    hold: Option<Task>,
}

struct Scribe {
    _child: Child,
    stdin: ChildStdin,
    words: Lines<BufReader<ChildStdout>>,
}

impl Talk {
    async fn run(mut self) {
        let mut failures = 0;
        loop {
            match self.talk().await {
                Ok(()) => return,
                Err(_scribe_died) => {
                    let pause = BACKOFF[failures.min(BACKOFF.len() - 1)];
                    failures += 1;
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            }
        }
    }

    fn spawn(&self) -> std::io::Result<Scribe> {
        let command = process::scribe_command();
        let mut child = tokio::process::Command::from(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(false)
            .spawn()?;
        self.pid.set(child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0));
        let missing = || std::io::Error::other("a stream of the scribe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        Ok(Scribe { _child: child, stdin, words: BufReader::new(stdout).lines() })
    }

    /// Talks to one scribe until goodbye (`Ok`) or its death (`Err`).
    async fn talk(&mut self) -> std::io::Result<()> {
        let mut scribe = self.spawn()?;
        let order = self.order.borrow().clone();
        send(&mut scribe, &order).await?;
        if let Some(hold) = self.hold.clone() {
            self.exchange(&mut scribe, &hold).await?;
        }
        let mut attempts = 0;
        loop {
            let from = if self.urgent.borrow().is_empty() { &self.queue } else { &self.urgent };
            let from = Rc::clone(from);
            let next = from.borrow().front().map(|(task, _)| task.clone());
            let Some(task) = next else {
                self.idle(&mut scribe).await?;
                continue;
            };
            if matches!(task, Task::Bye) {
                send(&mut scribe, &text(&task)).await?;
                if let Some((_, Some(reply))) = from.borrow_mut().pop_front() {
                    let _nobody = reply.send(Word::Done);
                }
                return Ok(());
            }
            if matches!(task, Task::Hold { .. }) {
                self.hold = Some(task.clone());
            }
            match self.exchange(&mut scribe, &task).await? {
                Word::Later(_) => {
                    let pause = BACKOFF[attempts.min(BACKOFF.len() - 1)];
                    attempts += 1;
                    // A newer sign of life makes this one worthless.
                    if matches!(task, Task::Beat(_)) {
                        from.borrow_mut().pop_front();
                    }
                    self.pause(Duration::from_millis(pause)).await;
                }
                word => {
                    attempts = 0;
                    let done = from.borrow_mut().pop_front();
                    if let Word::Beaten(pulse) = &word {
                        let _nobody = self.pulses.send(pulse.clone());
                    }
                    if let Some((_, Some(reply))) = done {
                        let _nobody = reply.send(word);
                    }
                }
            }
        }
    }

    /// Waits before the next try, unless something comes that does not need the store.
    async fn pause(&self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while self.urgent.borrow().is_empty() {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return,
                () = self.wake.notified() => {}
            }
        }
    }

    /// Waits for a task while passing on what the scribe notices.
    async fn idle(&mut self, scribe: &mut Scribe) -> std::io::Result<()> {
        tokio::select! {
            () = self.wake.notified() => Ok(()),
            line = scribe.words.next_line() => {
                let line = line?.ok_or_else(|| std::io::Error::other("the scribe is gone"))?;
                if let Ok(Word::Pulse(pulse)) = serde_json::from_str(&line) {
                    let _nobody = self.pulses.send(pulse);
                }
                Ok(())
            }
        }
    }

    async fn exchange(&mut self, scribe: &mut Scribe, task: &Task) -> std::io::Result<Word> {
        send(scribe, &text(task)).await?;
        loop {
            let line = scribe.words.next_line().await?;
            let line = line.ok_or_else(|| std::io::Error::other("the scribe is gone"))?;
            match serde_json::from_str(&line) {
                Ok(Word::Pulse(pulse)) => {
                    let _nobody = self.pulses.send(pulse);
                }
                Ok(word) => return Ok(word),
                Err(why) => return Ok(Word::Later(why.to_string())),
            }
        }
    }
}

fn text(task: &Task) -> String {
    serde_json::to_string(task).unwrap_or_default()
}

async fn send(scribe: &mut Scribe, line: &str) -> std::io::Result<()> {
    scribe.stdin.write_all(line.as_bytes()).await?;
    scribe.stdin.write_all(b"\n").await?;
    scribe.stdin.flush().await
}
