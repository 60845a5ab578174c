//! Carries out orders on a thread of its own, answers with messages, and notices what other processes did.

mod look;
mod past;
mod records;
pub mod requests;

pub use look::look;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::msg::{Effect, Msg, Views};
use super::presence::Telling;
use super::tail::TailOrder;
use crate::desk::Desk;
use crate::domain::deployment::Deployment;
use crate::domain::ids::DeploymentId;
use crate::domain::session::Session;
use crate::domain::time::Window;
use crate::host::{process, store_lock};
use crate::ops::deployment::{
    abandon, cancel, chain, guide, later, note, resolve, rollback, start, tick, toggle,
};
use crate::ops::past::Past;
use crate::ops::view::board::Board;
use crate::ops::view::rights::Standing;
use crate::ops::view::{board, calendar, deployment, queue};
use crate::ops::{Ctx, ErrorKind, Filter, OpError, change, facts, override_review, presence, undo, witness};

/// How often the store's change counter is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often deployments without supervisor are looked for.
const RECONCILE_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked at what changes beside the store: the rules, and how a deployment ended while the store
/// cannot be written.
const LOOK_BESIDE_EVERY: Duration = Duration::from_secs(2);
/// Among so many of the newest deployments the panes notice that one has ended.
const RECENT: u32 = 20;

pub(super) struct Worker {
    desk: Desk,
    messages: Sender<Msg>,
    tail: Sender<TailOrder>,
    /// The weeks of the calendar, once somebody looks at it.
    month: Option<Window>,
    watched: Option<DeploymentId>,
    /// The deployment in the views that were read last.
    shown: Option<DeploymentId>,
    /// What had not ended when the views were read last.
    active: Vec<Deployment>,
    /// Who was in when the views were read last.
    sessions: Vec<Session>,
    telling: Telling,
    seen: i64,
    /// The trouble that was said last.
    troubled: RefCell<String>,
    /// The newest entry when the panes opened: what one did before that is not undone from here.
    since: i64,
    /// The moment that is shown in place of now.
    past: Option<Past>,
}

/// Opens the desk and works until the panes are gone. Opening may wait or fail; both are said on the screen.
pub(super) fn run(
    desk: Desk,
    month: Option<Window>,
    orders: &Receiver<Effect>,
    messages: Sender<Msg>,
    tail: Sender<TailOrder>,
) {
    let store: PathBuf = desk.state().store().to_path_buf();
    let notices = messages.clone();
    let desk = desk.on_wait(Box::new(move |waited| {
        let by = store_lock::holder(&store).map(|holder| format!(" (held by {holder})")).unwrap_or_default();
        let seconds = waited.as_secs();
        let _gone = notices.send(Msg::StoreHeld(format!("waiting for the store{by}, {seconds}s")));
    }));
    let own = i32::try_from(std::process::id()).ok().and_then(process::identify);
    let telling = Telling::new(&desk.cx(), own);
    let since = undo::head(&desk.cx()).unwrap_or(i64::MAX);
    let mut worker = Worker {
        desk,
        messages,
        tail,
        month,
        watched: None,
        shown: None,
        active: Vec::new(),
        sessions: Vec::new(),
        telling,
        seen: -1,
        troubled: RefCell::default(),
        since,
        past: None,
    };
    if let Some(doubt) = worker.desk.doubt() {
        worker.say(Msg::Troubled(format!("{doubt}  → relman audit verify, then relman audit accept")));
    }
    worker.load();
    worker.reconcile();
    let mut last_reconcile = Instant::now();
    let mut last_look = Instant::now();
    loop {
        match orders.recv_timeout(LOOK_EVERY) {
            Ok(order) => worker.carry_out(order),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if last_reconcile.elapsed() >= RECONCILE_EVERY {
            last_reconcile = Instant::now();
            worker.reconcile();
            worker.desk.remember();
        }
        if last_look.elapsed() >= LOOK_BESIDE_EVERY {
            last_look = Instant::now();
            worker.look_at_rules();
            worker.look_for_ends();
            worker.look_who_left();
        }
        worker.telling.tell(&worker.desk.cx());
        worker.look();
    }
}

impl Views {
    /// Reads everything the panes show: with the deployment that is watched, else the one that matters most, and with
    /// these weeks of the calendar.
    pub fn read(cx: &Ctx<'_>, watched: Option<DeploymentId>, month: Option<Window>) -> Result<Self, OpError> {
        let board = board::board(cx)?;
        let queue = queue::queue(cx, &board)?;
        let deployments = deployment::list(cx, &Filter::default(), RECENT)?;
        let shown = watched.or(foremost(&board, &deployments));
        Ok(Self {
            board,
            queue,
            overrides: override_review::list(cx, false)?,
            calendar: month.map(|month| calendar::calendar(cx, month)).transpose()?,
            shown: shown.map(|id| deployment::deployment(cx, id)).transpose()?,
            // Information beside the work: that it cannot be read is no reason to show nothing.
            sessions: presence::list(cx).unwrap_or_default(),
            witnesses: witness::open(cx)?,
            call: presence::heard(cx).unwrap_or_default(),
            deployments,
            rights: Some(Standing::of(cx)),
        })
    }
}

/// The deployment to show where nobody chose one: the newest that runs, else the newest.
pub(super) fn foremost(board: &Board, deployments: &[Deployment]) -> Option<DeploymentId> {
    let running = board.active.iter().filter(|d| d.state.is_live()).map(|d| d.id).max();
    running.or(deployments.first().map(|d| d.id))
}

/// An error with its first hint, for one line.
fn in_short(error: &OpError) -> String {
    let hint = error.hints.first().map(|hint| format!("  → {hint}")).unwrap_or_default();
    format!("{}{hint}", error.sentence)
}

impl Worker {
    fn say(&self, msg: Msg) {
        // Nobody listens any more: the panes are closing.
        let _gone = self.messages.send(msg);
    }

    /// Trouble that nobody asked for is no answer to what a person is doing; it is said once as long as it lasts.
    fn trouble(&self, error: &OpError) {
        let text = in_short(error);
        if self.troubled.replace(text.clone()) != text {
            self.say(Msg::Troubled(text));
        }
    }

    /// Reads everything again if another process changed something.
    fn look(&mut self) {
        match self.desk.cx().store.change_counter() {
            Ok(counter) if counter != self.seen => self.load(),
            Ok(_) => {}
            Err(error) => self.trouble(&error.into()),
        }
    }

    /// Reads everything again if a deployment has ended without the store: while its disk is full, nothing changes there.
    fn look_for_ends(&mut self) {
        let cx = self.desk.cx();
        let has_ended =
            |d: &Deployment| d.state.is_live() && facts::as_it_stands(&cx, d.clone()).state.is_over();
        if self.active.iter().any(has_ended) {
            self.load();
        }
    }

    /// Nobody says that they leave: their process is gone.
    fn look_who_left(&mut self) {
        if presence::sweep(&self.desk.cx(), &self.sessions) {
            self.load();
        }
    }

    fn reconcile(&mut self) {
        self.desk.machine().refresh();
        match tick::tick(&self.desk.cx()) {
            Ok(ticked) => {
                if ticked.hooks_due {
                    self.desk.cx().machine.outside().send_courier();
                }
                let failed = ticked.failed.iter().map(|(_, why)| why).chain(&ticked.standing);
                if let Some(why) = failed.into_iter().next() {
                    self.trouble(&OpError::new(ErrorKind::Failure, why.clone()));
                }
                let is_quiet = ticked.settled.is_empty() && ticked.revived.is_empty();
                if !is_quiet || !ticked.departures.is_empty() || !ticked.delivered.is_empty() {
                    self.load();
                }
            }
            Err(error) => self.trouble(&error),
        }
    }

    fn load(&mut self) {
        // What happens meanwhile goes on unseen.
        if self.past.is_some() {
            return;
        }
        let cx = self.desk.cx();
        if let Ok(counter) = cx.store.change_counter() {
            self.seen = counter;
        }
        match Views::read(&cx, self.watched, self.month) {
            Ok(views) => {
                self.active.clone_from(&views.board.active);
                self.sessions.clone_from(&views.sessions);
                drop(self.troubled.take());
                self.shown = views.shown.as_ref().map(|view| view.deployment.id);
                self.say(Msg::Loaded(Box::new(views), cx.now));
            }
            Err(error) => self.trouble(&error),
        }
    }

    /// What is asked is answered by the rules as they are now.
    fn look_at_rules(&mut self) {
        match self.desk.refresh() {
            Ok(false) => {}
            Ok(true) => {
                let config = &self.desk.config;
                self.say(Msg::RulesChanged(Box::new(config.policy.clone()), Box::new(config.panes.clone())));
                self.load();
            }
            Err(error) => self.say(Msg::Troubled(format!(
                "relman.toml was changed and cannot be used; the rules from before stay in force here. {}",
                in_short(&error)
            ))),
        }
    }

    fn carry_out(&mut self, order: Effect) {
        self.look_at_rules();
        let for_now = records::can_be_undone(&order);
        let result = self.answer(order).map(|msg| match msg {
            Some(Msg::Done(text)) if for_now => Some(Msg::DoneForNow(text)),
            other => other,
        });
        match result {
            Ok(Some(msg)) => {
                // What this process did itself is not in the change counter of its own connection.
                let changed = matches!(
                    msg,
                    Msg::WitnessAsked(_)
                        | Msg::Done(_)
                        | Msg::Registered(..)
                        | Msg::DoneForNow(_)
                        | Msg::Started(..)
                        | Msg::Decided(_)
                );
                if let Msg::Started(id, _) = &msg {
                    self.watched = Some(*id);
                }
                self.say(msg);
                if changed {
                    self.load();
                }
            }
            Ok(None) => {}
            Err(error) => {
                self.say(Msg::Failed(error));
                self.load();
            }
        }
    }

    fn answer(&mut self, order: Effect) -> Result<Option<Msg>, OpError> {
        let is_of_log = matches!(
            order,
            Effect::Watch(_) | Effect::WatchAll { .. } | Effect::Compare { .. } | Effect::ReadLog { .. }
        );
        if let Effect::Travel(travel) = order {
            return self.travel(travel);
        }
        if self.past.is_some() && !is_of_log {
            return self.answer_then(order);
        }
        match order {
            Effect::Load => self.load(),
            Effect::ShowMonth(month) => {
                self.month = Some(month);
                self.load();
            }
            Effect::Watch(id) => {
                self.watched = Some(id);
                let _gone = self.tail.send(TailOrder::Watch(id));
                if self.shown != Some(id) {
                    self.load();
                }
            }
            Effect::WatchAll { ids, rows } => {
                let _gone = self.tail.send(TailOrder::WatchAll { ids, rows });
            }
            Effect::Compare { id, against } => {
                let _gone = self.tail.send(TailOrder::Compare { id, against });
            }
            Effect::ReadLog { id, origin, rows } => {
                let _gone = self.tail.send(TailOrder::Read { id, origin, rows });
            }
            Effect::Tell(focus) => self.telling.want(*focus),
            Effect::Demo => return self.demo().map(Some),
            order => return self.verb(order).map(Some),
        }
        Ok(None)
    }

    fn demo(&mut self) -> Result<Msg, OpError> {
        let messages = self.messages.clone();
        let told = crate::demo::run(&self.desk, |text| {
            let _gone = messages.send(Msg::Progressed(text.to_owned()));
        })?;
        Ok(Msg::Done(told))
    }

    /// What is begun beside the deployment of one release.
    fn beside(&self, order: Effect) -> Result<Msg, OpError> {
        let cx = self.desk.cx();
        Ok(match order {
            Effect::Chain(wanted) => {
                let started = chain::start(&cx, &wanted)?;
                let names: Vec<String> = started
                    .iter()
                    .map(|one| format!("{} {}", one.deployment.id, one.deployment.release))
                    .collect();
                Msg::Done(format!("in this order: {}", names.join(", ")))
            }
            Effect::Toggle(wanted) => {
                let d = toggle::toggle(&cx, &wanted)?.deployment;
                Msg::Started(d.id, format!("{}: {} in {}", d.id, d.what(), d.environment))
            }
            order => self.record(order)?,
        })
    }

    fn verb(&self, order: Effect) -> Result<Msg, OpError> {
        let cx = self.desk.cx();
        if let Some(seen) = look(&cx, &order)? {
            return Ok(seen);
        }
        Ok(match order {
            Effect::NameChange { release, environment, number } => {
                change::assign_along(&cx, &release, &environment, &number)?;
                let preview = start::preview(&cx, &release, &environment)?;
                Msg::Previewed(Box::new(preview), environment)
            }
            Effect::Deploy(wanted) => {
                let d = start::start(&cx, &wanted)?.deployment;
                let text = match &d.wait {
                    Some(wait) => format!("{}: {} to {} {wait}", d.id, d.release, d.environment),
                    None => format!("started {}: {} to {}", d.id, d.release, d.environment),
                };
                Msg::Started(d.id, text)
            }
            Effect::Plan(wanted) => {
                let d = start::plan(&cx, &wanted)?.deployment;
                Msg::Started(d.id, format!("{} plans: {} to {}", d.id, d.release, d.environment))
            }
            Effect::RollBack(wanted) => {
                let d = rollback::rollback(&cx, &wanted)?.deployment;
                Msg::Started(
                    d.id,
                    format!("rolling back: {} puts {} into {}", d.id, d.release, d.environment),
                )
            }
            Effect::Cancel { id, reason } => {
                let d = cancel::cancel(&cx, id, reason.as_deref())?;
                Msg::Done(match d.state.is_over() {
                    true => format!("{id} is called off; nothing had begun"),
                    false => format!("{id} was asked to stop; X again kills it at once"),
                })
            }
            Effect::Abandon { id, reason } => {
                let d = abandon::abandon(&cx, id, &reason)?;
                Msg::Done(format!(
                    "{id} is given up, {} is free; its work may still be going on: look at what runs there",
                    d.environment
                ))
            }
            Effect::CancelAndRollBack { id, reason } => {
                cancel::cancel_and_roll_back(&cx, id, &reason)?;
                Msg::Done(format!("{id} was asked to stop; the last good release follows"))
            }
            Effect::Guide(decision) => {
                let d = guide::guide(&cx, &decision)?;
                let follows = if d.follow_up.is_some() {
                    "; the last good release follows when it has ended"
                } else {
                    ""
                };
                Msg::Done(format!("{}: {}{follows}", d.id, decision.choice))
            }
            Effect::Resolve { id, succeeded, reason } => {
                let d = resolve::resolve(&cx, id, succeeded, &reason)?;
                Msg::Done(format!("{id} is settled as {}; {} is free again", d.state, d.environment))
            }
            Effect::Note { id, text } => {
                note::add(&cx, id, &text)?;
                Msg::Done(format!("noted beside the log of {id}"))
            }
            Effect::Reschedule { id, later } => {
                let d = later::reschedule(&cx, id, &later)?;
                let wait = d.wait.map(|wait| wait.to_string()).unwrap_or_default();
                Msg::Done(format!("{id} {wait}"))
            }
            order @ (Effect::Chain(_) | Effect::Toggle(_)) => self.beside(order)?,
            order => self.record(order)?,
        })
    }
}
