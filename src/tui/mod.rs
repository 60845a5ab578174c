//! The panes: an Elm loop over a terminal. No SQL, no decisions.
//!
//! Threads: this one updates and draws; the worker carries out orders on its own store connection and notices
//! what other processes did; the tail reads logs; one thread reads keys, one signals, one notices a hang-up.

pub mod action;
pub mod allow;
mod answer;
mod compare;
pub mod drafts;
pub mod dress;
mod filtering;
mod hands;
mod jump;
pub mod keymap;
pub mod layout;
pub mod model;
mod mouse;
pub mod msg;
pub mod news;
pub mod pane;
mod past;
pub mod popup;
pub mod presence;
mod rest;
mod rights;
mod splits;
mod tail;
mod terminal;
pub mod theme;
pub mod tour;
pub mod twin;
pub mod update;
pub mod view;
pub mod widget;
mod wire;
pub mod worker;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::Terminal;
use ratatui::backend::{Backend as _, ClearType, CrosstermBackend};
use signal_hook::consts::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};

use self::model::Model;
use self::msg::{Effect, Msg};
use self::splits::Splits;
use self::tail::TailOrder;
use self::theme::{Glyphs, Theme};
use self::wire::{Frame, Wire};
use crate::config::{Config, Notify};
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::domain::time::age_turns;
use crate::host::clipboard::{self, Sent};
use crate::host::{self, clock};
use crate::ops::{ErrorKind, OpError};

pub use self::action::{ENTRIES, Entry};

/// Frames are at least this far apart; keys are drawn sooner, the first views at once.
const FRAME: Duration = Duration::from_millis(66);
const KEY_FRAME: Duration = Duration::from_millis(4);
/// On a line that is slow, or is to be spared.
const SPARING_FRAME: Duration = Duration::from_millis(250);
/// How often a running time is told where nothing is to move.
const STILL: Duration = Duration::from_secs(60);

/// The exit code of panes whose terminal is gone.
const HUNG_UP: u8 = 128 + 1;

/// Opens the panes; returns the exit code.
pub fn run(config: Config, asked: dress::Asked) -> Result<u8, OpError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(OpError::new(ErrorKind::Usage, "the panes need a terminal")
            .hint("see the same without one: relman board, relman status; every command: relman --help"));
    }
    let desk = Desk::open(config, Via::Tui)?;
    let mut model = first_model(&desk, asked);
    model.tour = tour::Tour::after(host::toured::told(tour::HINTS));
    terminal::want_mouse(model.mouse);
    terminal::want_title(model.wire.has_title);
    let store = desk.config.database.clone();
    model.drafts = drafts::still_meant(host::drafts::take(&store), model.now);
    let broken =
        |why: io::Error| OpError::new(ErrorKind::Failure, format!("the terminal cannot be used: {why}"));
    model.size = crossterm::terminal::size().map_err(broken)?;
    // The store is read while the terminal is taken.
    let wires = Wires::lay(desk, &mut model);
    let guard = terminal::Guard::take().map_err(broken)?;
    terminal::watch_for_hang_up();
    let ended = Panes::start(model, wires).and_then(|panes| panes.run(&store));
    drop(guard);
    let (code, farewell) = match ended {
        // The terminal went away in the middle of a picture.
        Err(why) if why.raw_os_error() == Some(nix::libc::EIO) => (HUNG_UP, None),
        ended => ended.map_err(broken)?,
    };
    if let Some(text) = farewell {
        // What a person sees where the panes were.
        let _gone = writeln!(io::stdout().lock(), "{text}");
    }
    Ok(code)
}

fn first_model(desk: &Desk, asked: dress::Asked) -> Model {
    let (dress, mut problems) = dress::Dress::here(asked);
    let (theme, glyphs) = (Theme::mono(), Glyphs::ASCII);
    let mut model =
        Model::new(desk.config.policy.clone(), desk.actor.name().to_owned(), clock::now(), theme, glyphs);
    problems.extend(dress.put_on(&mut model, &desk.config.panes));
    dress::tell(&mut model, &problems);
    desk.actor.person.human().clone_into(&mut model.human);
    model.is_demo = crate::demo::is_demo(&desk.config.policy);
    model
}

type Screen = Terminal<CrosstermBackend<Frame>>;

/// What leads to and from the threads that work for the panes.
struct Wires {
    messages: Receiver<Msg>,
    sender: Sender<Msg>,
    orders: Sender<Effect>,
    tail: Sender<TailOrder>,
}

impl Wires {
    /// Starts the worker and the tail; the worker begins by reading what the model shows first.
    fn lay(desk: Desk, model: &mut Model) -> Self {
        let (orders, order_queue) = channel();
        let (tail, tail_queue) = channel();
        let (sender, messages) = channel();
        let state = desk.state().clone();
        let month = pane::calendar::due(model);
        let (worker_sender, worker_tail) = (sender.clone(), tail.clone());
        std::thread::spawn(move || worker::run(desk, month, &order_queue, worker_sender, worker_tail));
        let (own, tail_sender) = (tail.clone(), sender.clone());
        std::thread::spawn(move || tail::run(state, &tail_queue, own, tail_sender));
        Self { messages, sender, orders, tail }
    }
}

struct Panes {
    model: Model,
    screen: Screen,
    wire: Wire,
    /// Whether the last frame took long to reach the terminal.
    is_slow: bool,
    /// How many hints of the first run have been told.
    told: usize,
    /// The title the terminal's window has now.
    title: String,
    wires: Wires,
    start: Instant,
    drawn: Instant,
    dirty: bool,
    /// How long after the last frame the next one may come.
    pace: Duration,
    /// Whether the process stopped itself, with the terminal given back: then it has been taken again already.
    slept: bool,
    ended: Option<u8>,
    teller: presence::Teller,
}

impl Panes {
    fn start(mut model: Model, wires: Wires) -> io::Result<Self> {
        let (wire, frame) = wire::lay(wires.sender.clone());
        let mut backend = CrosstermBackend::new(frame);
        backend.clear_region(ClearType::All)?;
        let screen = Terminal::new(backend)?;
        let size = screen.size()?;
        model.size = (size.width, size.height);
        listen(&wires.sender)?;
        let now = Instant::now();
        Ok(Self {
            told: model.tour.map_or(tour::HINTS, |tour| tour.at),
            model,
            screen,
            wire,
            is_slow: false,
            title: String::new(),
            wires,
            start: now,
            // The first picture waits a moment for the store: one frame with everything beats two.
            drawn: now,
            dirty: true,
            pace: FRAME,
            slept: false,
            ended: None,
            teller: presence::Teller::default(),
        })
    }

    fn run(mut self, store: &Path) -> io::Result<(u8, Option<String>)> {
        loop {
            let went_on = self.go_on();
            if went_on.is_err() || self.ended.is_some() {
                let drafts = drafts::all(&mut self.model);
                // Nobody is there to be told where they cannot be kept.
                let _lost = if drafts.is_empty() { Ok(()) } else { host::drafts::keep(store, drafts) };
            }
            went_on?;
            if let Some(code) = self.ended {
                if !self.wire.settle() {
                    // The line has stalled: whatever is written now waits with the rest.
                    terminal::give_up();
                    std::process::exit(i32::from(code));
                }
                let _gone = self.wires.tail.send(TailOrder::Stop);
                return Ok((code, self.farewell()));
            }
        }
    }

    fn go_on(&mut self) -> io::Result<()> {
        self.draw_when_due()?;
        self.wait();
        self.drain()
    }

    /// Sleeps until something arrives or something on the screen is due.
    fn wait(&mut self) {
        let arrived = match self.next_deadline() {
            Some(deadline) => {
                self.wires.messages.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            }
            None => self.wires.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match arrived {
            Ok(msg) => self.hear(msg),
            Err(RecvTimeoutError::Timeout) if self.dirty => {}
            Err(RecvTimeoutError::Timeout) => self.take(Msg::Ticked(clock::now())),
            Err(RecvTimeoutError::Disconnected) => self.ended = Some(HUNG_UP),
        }
    }

    /// What is due by itself: a frame, a fading notice, a running clock, a freeze that begins or ends.
    fn next_deadline(&self) -> Option<Instant> {
        let now = Instant::now();
        if self.dirty {
            // The end of what is on its way is told.
            return (!self.wire.is_busy()).then_some(self.drawn + self.pace);
        }
        if self.model.past.is_some() {
            return None;
        }
        let mut next: Option<Duration> = None;
        let mut soonest = |at: Duration| next = Some(next.map_or(at, |known| known.min(at)));
        let builds =
            matches!(self.model.popups.last(), Some(popup::Popup::Build(page)) if page.runs(&self.model));
        if self.model.running() > 0 || builds {
            soonest(if self.model.wire.is_still { STILL } else { Duration::from_secs(1) });
        }
        if self.model.busy.is_some() {
            soonest(Duration::from_secs(1));
        }
        if self.model.flash.as_ref().is_some_and(|flash| !flash.is_error) {
            soonest(Duration::from_millis(1000));
        }
        if let Some(boundary) = boundary(&self.model) {
            soonest(boundary);
        }
        if let Some(turn) = next_age(&self.model) {
            soonest(turn);
        }
        next.map(|next| now + next)
    }

    /// Everything that has arrived is taken in before the next frame: a held key never outruns the screen.
    fn drain(&mut self) -> io::Result<()> {
        for _ in 0..1000 {
            match self.wires.messages.try_recv() {
                Ok(msg) => self.hear(msg),
                Err(_) => break,
            }
        }
        if self.ended.is_none() && std::mem::take(&mut self.model.suspend) {
            self.slept = true;
            self.wire.settle();
            terminal::suspend()?;
            self.repaint()?;
        }
        Ok(())
    }

    fn hear(&mut self, msg: Msg) {
        match msg {
            Msg::Terminal(Event::Key(key)) => {
                self.pace = self.pace.min(KEY_FRAME);
                self.take(Msg::Key(key));
            }
            Msg::Terminal(Event::Paste(text)) => self.take(Msg::Pasted(text)),
            Msg::Terminal(Event::Resize(width, height)) => self.take(Msg::Resized(width, height)),
            Msg::Terminal(Event::FocusGained) => self.take(Msg::FocusChanged(true)),
            Msg::Terminal(Event::FocusLost) => self.take(Msg::FocusChanged(false)),
            Msg::Terminal(Event::Mouse(event)) => {
                self.pace = self.pace.min(KEY_FRAME);
                self.take(Msg::Moused(event));
            }
            Msg::Written(Ok(is_slow)) => self.is_slow = is_slow,
            Msg::Written(Err(_)) => self.ended = Some(HUNG_UP),
            Msg::Signalled(SIGTSTP) => self.model.suspend = true,
            Msg::Signalled(SIGCONT) => self.woken(),
            Msg::Signalled(signal) => self.ended = Some(128 + u8::try_from(signal).unwrap_or(0)),
            msg => self.take(msg),
        }
    }

    /// After a stop that nobody announced (SIGSTOP) the terminal has whatever modes the shell gave it.
    fn woken(&mut self) {
        if !std::mem::take(&mut self.slept) {
            self.wire.settle();
            terminal::leave();
            if terminal::enter().is_err() {
                self.ended = Some(HUNG_UP);
            }
        }
        self.model.redraw = true;
    }

    fn take(&mut self, msg: Msg) {
        if matches!(msg, Msg::Loaded(..)) && !self.model.loaded {
            self.pace = Duration::ZERO;
        }
        self.model.ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        // In the past time stands still.
        if !matches!(msg, Msg::Ticked(_) | Msg::Loaded(..)) && self.model.past.is_none() {
            self.model.now = self.model.now.max(clock::now());
        }
        self.dirty = true;
        let is_key = matches!(msg, Msg::Key(_));
        for effect in update::update(&mut self.model, msg) {
            self.order(effect);
        }
        let told = self.model.tour.map_or(tour::HINTS, |tour| tour.at);
        if told != self.told {
            self.told = told;
            // Told once more at worst.
            let _kept = host::toured::remember(told);
        }
        if let Some(effect) = self.teller.order(&self.model, is_key) {
            self.order(effect);
        }
    }

    fn order(&mut self, effect: Effect) {
        match effect {
            Effect::Quit => self.ended = Some(0),
            Effect::Redraw => self.model.redraw = true,
            Effect::Suspend => self.model.suspend = true,
            Effect::OpenEditor(text) => {
                let saved = self.lend_terminal(&text);
                self.take(Msg::EditorSaved(saved));
            }
            Effect::Bell => {
                if !self.model.has_focus {
                    let text = self.model.messages.front().map(|said| said.text.as_str()).unwrap_or_default();
                    self.wire.write(notice(self.model.wire.notify, text).as_bytes());
                }
            }
            Effect::Copy { what, text } => match clipboard::send(&text) {
                Ok(Sent::Tmux) => {
                    self.model.say(format!("{what} is in tmux's buffer and sent to the clipboard"));
                }
                Ok(Sent::Write(sequence)) => {
                    self.wire.write(sequence.as_bytes());
                    self.model
                        .say(format!("{what} sent to the clipboard (OSC 52); not every terminal takes it"));
                }
                Ok(Sent::File(path)) => {
                    self.model.say(format!("{what} is too long for a terminal; it is in {}", path.display()));
                }
                Err(why) => self.model.complain(format!("{what} was not copied: {why}")),
            },
            Effect::Mouse(is_taken) => {
                terminal::want_mouse(is_taken);
                self.wire.write(terminal::mouse(is_taken).as_bytes());
            }
            effect => {
                // The worker ends only with this loop.
                let _gone = self.wires.orders.send(effect);
            }
        }
    }

    /// The terminal is the editor's until it ends.
    fn lend_terminal(&mut self, text: &str) -> Result<String, String> {
        if !rest::begin() {
            return Err("the keyboard is busy; try again".to_owned());
        }
        self.wire.settle();
        terminal::leave();
        let saved = host::editor::edit(text);
        // What was typed behind its end was meant for it.
        let _flushed = nix::sys::termios::tcflush(io::stdin(), nix::sys::termios::FlushArg::TCIFLUSH);
        let entered = terminal::enter();
        rest::end();
        if entered.is_err() {
            self.ended = Some(HUNG_UP);
        }
        self.slept = true;
        self.model.redraw = true;
        self.dirty = true;
        saved
    }

    fn draw_when_due(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.model.redraw) {
            self.repaint()?;
        }
        if !self.dirty || self.wire.is_busy() || self.drawn.elapsed() < self.pace {
            return Ok(());
        }
        self.dirty = false;
        let spares = self.model.spares_the_line();
        let is_slow = spares || self.is_slow && self.model.wire.low_bandwidth.is_none();
        self.pace = if is_slow { SPARING_FRAME } else { FRAME };
        self.drawn = Instant::now();
        self.retitle();
        if !spares {
            crossterm::queue!(self.screen.backend_mut(), BeginSynchronizedUpdate)?;
        }
        let model = &self.model;
        self.screen.draw(|frame| view::view(model, frame))?;
        if !spares {
            crossterm::queue!(self.screen.backend_mut(), EndSynchronizedUpdate)?;
        }
        self.wire.send()
    }

    /// The window's title follows what runs and what waits; tmux shows it as the name of the pane.
    fn retitle(&mut self) {
        if !self.model.wire.has_title {
            return;
        }
        let title = view::window_title(&self.model);
        if title != self.title {
            self.wire.write(terminal::title(&title).as_bytes());
            self.title = title;
        }
    }

    /// Draws everything anew. Not `Terminal::clear`: that asks the terminal where the cursor is and waits for it.
    fn repaint(&mut self) -> io::Result<()> {
        self.screen.backend_mut().clear_region(ClearType::All)?;
        self.screen.swap_buffers();
        self.dirty = true;
        Ok(())
    }

    fn farewell(&self) -> Option<String> {
        let running: Vec<String> = self
            .model
            .views
            .board
            .active
            .iter()
            .filter(|d| d.state.is_live())
            .map(|d| format!("relman attach {}", d.id.0))
            .collect();
        match running.len() {
            0 => None,
            1 => Some(format!("1 deployment still runs: {}", running[0])),
            count => Some(format!("{count} deployments still run: {}", running.join(", "))),
        }
    }
}

/// What a terminal is sent for somebody who looks elsewhere.
fn notice(way: Notify, text: &str) -> String {
    let text: String =
        text.chars().filter(|letter| !letter.is_control() && *letter != ';').take(120).collect();
    match way {
        Notify::Bell => "\u{7}".to_owned(),
        Notify::Osc9 => format!("\u{1b}]9;relman: {text}\u{1b}\\"),
        Notify::Osc777 => format!("\u{1b}]777;notify;relman;{text}\u{1b}\\"),
        Notify::None => String::new(),
    }
}

/// The time to the next moment at which a gate may change by itself, within a day.
fn boundary(model: &Model) -> Option<Duration> {
    let freezes = model.views.board.freezes.iter().flat_map(|freeze| {
        let window = freeze.current(model.now);
        [window.start, window.end]
    });
    let reports =
        || model.views.board.cards.iter().filter_map(|card| card.next.as_ref()).map(|next| &next.report);
    let gates = reports().filter_map(|report| report.earliest);
    let gates = gates.chain(reports().filter_map(|report| Some(report.closes.as_ref()?.at)));
    let next = freezes.chain(gates).filter(|at| *at > model.now).min()?;
    let left = next.since(model.now) + Duration::from_millis(20);
    (left < Duration::from_secs(86_400)).then_some(left)
}

/// The time to the next moment at which an age in a list reads differently.
fn next_age(model: &Model) -> Option<Duration> {
    let cards = model.views.board.cards.iter().map(|card| card.release.stage_since);
    let since = cards.chain(model.views.queue.iter().map(|item| item.since));
    since.map(|since| age_turns(model.now.since(since))).min().map(|turn| turn + Duration::from_millis(20))
}

fn read_keys(keys: &Sender<Msg>) -> io::Result<()> {
    let mut splits = Splits::default();
    loop {
        rest::pause();
        let happened = match splits.patience() {
            Some(patience) if !event::poll(patience)? => splits.give_up(),
            _ => splits.take(event::read()?),
        };
        for event in happened {
            keys.send(Msg::Terminal(event)).map_err(io::Error::other)?;
        }
    }
}

/// Starts the threads that read keys and signals.
fn listen(sender: &Sender<Msg>) -> io::Result<()> {
    let keys = sender.clone();
    std::thread::spawn(move || {
        // It ends with the terminal or with the panes.
        let _gone = read_keys(&keys);
    });
    // Every signal that would end this process gives the terminal back first.
    let ends = [SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2];
    let mut signals = signal_hook::iterator::Signals::new(ends.iter().chain(&[SIGCONT, SIGTSTP]))?;
    let sender = sender.clone();
    std::thread::spawn(move || {
        let mut asked = false;
        for signal in signals.forever() {
            // Typed into an editor: it is the editor's.
            if rest::is_away() && matches!(signal, SIGINT | SIGQUIT | SIGTSTP) {
                continue;
            }
            if ends.contains(&signal) && std::mem::replace(&mut asked, true) {
                // The second time there is no patience, also not with a terminal that takes nothing.
                std::thread::spawn(terminal::leave);
                clock::wait(Duration::from_millis(300));
                std::process::exit(128 + signal);
            }
            if sender.send(Msg::Signalled(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}
