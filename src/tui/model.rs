//! The state of the panes: everything drawing needs, changed by `update` only.

use std::collections::VecDeque;

use super::action::{Action, belongs, entry};
use super::drafts::Draft;
use super::dress::Dress;
use super::keymap::Keymap;
use super::msg::Views;
use super::pane::{board, calendar, log, queue};
use super::popup::Popup;
use super::theme::{Glyphs, Theme};
use super::tour::Tour;
use crate::config::Notify;
use crate::domain::ids::ReleaseId;
use crate::domain::policy::Policy;
use crate::domain::time::{Timestamp, Tz, age, near, relative, wall};
use crate::ops::past::Place;

/// The four panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    Board,
    Approvals,
    Calendar,
    Log,
}

impl Pane {
    pub const ALL: [Self; 4] = [Self::Board, Self::Approvals, Self::Calendar, Self::Log];

    pub fn title(self) -> &'static str {
        match self {
            Self::Board => "Board",
            Self::Approvals => "Approvals",
            Self::Calendar => "Calendar",
            Self::Log => "Log",
        }
    }

    pub fn number(self) -> usize {
        self as usize + 1
    }
}

/// How times are shown; `T` goes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    Relative,
    Local,
    Utc,
}

/// A sentence at the foot of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    pub text: String,
    pub is_error: bool,
    /// When it was said; notices fade after six seconds, errors stay until a key.
    pub at: Timestamp,
}

/// How the line to the terminal is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wiring {
    /// One pane, no colours in logs, few frames; nothing: as slow as the line turns out to be.
    pub low_bandwidth: Option<bool>,
    /// Nothing moves by itself: a running time is told when something else happens, or once a minute.
    pub is_still: bool,
    pub notify: Notify,
    pub has_title: bool,
}

impl Default for Wiring {
    fn default() -> Self {
        Self { low_bandwidth: None, is_still: false, notify: Notify::Bell, has_title: false }
    }
}

/// The whole state.
pub struct Model {
    pub size: (u16, u16),
    pub now: Timestamp,
    pub zone: Tz,
    pub times: Times,
    pub theme: Theme,
    pub glyphs: Glyphs,
    pub keymap: Keymap,
    /// Whether the last line says what can be done.
    pub hints: bool,
    pub wire: Wiring,
    /// Whether the mouse is the panes' and not the terminal's.
    pub mouse: bool,
    /// Where look and keys come from.
    pub dress: Dress,
    /// The rules as the configuration says them.
    pub policy: Policy,
    /// Whether the scripts are the demo's, so that samples can be made without reaching anything real.
    pub is_demo: bool,
    /// Who sits here, as the kernel says.
    pub actor: String,
    /// The name of the human, whoever they have become since the login.
    pub human: String,
    pub focus: Pane,
    pub zoomed: bool,
    /// Whether the first views have arrived.
    pub loaded: bool,
    /// The moment of the past that is shown; nothing: now.
    pub past: Option<Place>,
    pub views: Views,
    pub board: board::State,
    pub queue: queue::State,
    pub calendar: calendar::State,
    pub log: log::State,
    pub popups: Vec<Popup>,
    /// Text being typed into `/`; the pane it belongs to is the focused one.
    pub typing_filter: Option<String>,
    pub pending: Option<char>,
    pub flash: Option<Flash>,
    pub messages: VecDeque<Flash>,
    /// What is going on, since when: shown once it lasts.
    pub busy: Option<(String, Timestamp)>,
    /// Milliseconds since the start, set by the loop before each message: dialogs arm by it.
    pub ms: u64,
    /// The same, of the last key.
    pub last_key_ms: u64,
    /// Output that arrived while the log was not in sight.
    pub unseen_log: bool,
    pub quit_asked_ms: Option<u64>,
    /// Whether the terminal window has the focus: the bell rings only when it has not.
    pub has_focus: bool,
    /// Asked of the loop: draw everything anew; go to the shell.
    pub redraw: bool,
    /// Whether what is going on is waiting for the store: it ends with the next views.
    pub store_held: bool,
    pub suspend: bool,
    /// Whether this keyboard only looks until somebody says who they are.
    pub locked: bool,
    /// The release that a dialog or a page told about last: the pane one turns to next stands on it, for what was read
    /// there names keys.
    pub read_about: Option<ReleaseId>,
    /// The newest line somebody said to all, once the store was read.
    pub heard: Option<i64>,
    /// The hints for who is here for the first time; nothing once all were told.
    pub tour: Option<Tour>,
    /// What was typed into forms and not sent.
    pub drafts: Vec<Draft>,
}

impl Model {
    pub fn new(policy: Policy, actor: String, now: Timestamp, theme: Theme, glyphs: Glyphs) -> Self {
        let zone = policy.zone;
        Self {
            size: (80, 24),
            now,
            zone,
            times: Times::Relative,
            theme,
            glyphs,
            keymap: Keymap::default(),
            hints: true,
            wire: Wiring::default(),
            mouse: false,
            dress: Dress::default(),
            policy,
            is_demo: false,
            human: actor.clone(),
            actor,
            focus: Pane::Board,
            zoomed: false,
            loaded: false,
            past: None,
            views: Views::default(),
            board: board::State::default(),
            queue: queue::State::default(),
            calendar: calendar::State::new(now, zone),
            log: log::State::default(),
            popups: Vec::new(),
            typing_filter: None,
            pending: None,
            flash: None,
            messages: VecDeque::new(),
            busy: None,
            ms: 0,
            last_key_ms: 0,
            unseen_log: false,
            quit_asked_ms: None,
            has_focus: true,
            redraw: false,
            store_held: false,
            suspend: false,
            locked: false,
            read_about: None,
            heard: None,
            tour: None,
            drafts: Vec::new(),
        }
    }

    /// Goes on under other rules than before.
    pub fn adopt(&mut self, policy: Policy) {
        self.zone = policy.zone;
        self.is_demo = crate::demo::is_demo(&policy);
        self.policy = policy;
    }

    /// What to type for an action, for sentences: where one is if it has a meaning there, otherwise where it has.
    pub fn key(&self, action: Action) -> String {
        let entry = entry(action);
        let mut panes = [self.focus].into_iter().chain(Pane::ALL).filter(|pane| belongs(entry, *pane));
        self.keymap.first(panes.next().unwrap_or(self.focus), action)
    }

    /// Says something at the foot of the screen and keeps it in the history.
    pub fn say(&mut self, text: impl Into<String>) {
        self.flash(text.into(), false);
    }

    pub fn complain(&mut self, text: impl Into<String>) {
        self.flash(text.into(), true);
    }

    fn flash(&mut self, text: String, is_error: bool) {
        let flash = Flash { text: crate::domain::text::one_line(&text), is_error, at: self.now };
        self.messages.push_front(flash.clone());
        self.messages.truncate(200);
        self.flash = Some(flash);
    }

    /// An instant as the person wants times shown.
    pub fn time(&self, at: Timestamp) -> String {
        match self.times {
            Times::Relative => relative(at, self.now),
            Times::Local => wall(at, self.zone),
            Times::Utc => wall(at, Tz::UTC),
        }
    }

    /// How long something has been so, or since when: for lists that stand on a silent screen.
    pub fn age(&self, since: Timestamp) -> String {
        match self.times {
            Times::Relative => age(self.now.since(since)),
            Times::Local => near(since, self.now, self.zone),
            Times::Utc => near(since, self.now, Tz::UTC),
        }
    }

    /// Cells that [`Self::age`] takes at most.
    pub fn age_width(&self) -> usize {
        if self.times == Times::Relative { 4 } else { 10 }
    }

    /// An instant near now, briefly: `18:00`, `Mon 09:00`.
    pub fn near(&self, at: Timestamp) -> String {
        near(at, self.now, self.shown_zone())
    }

    /// An instant people plan with: never relative.
    pub fn moment(&self, at: Timestamp) -> String {
        wall(at, self.shown_zone())
    }

    /// The zone in which times are shown now.
    pub fn shown_zone(&self) -> Tz {
        if self.times == Times::Utc { Tz::UTC } else { self.zone }
    }

    /// Whether as little as possible is to be sent.
    pub fn spares_the_line(&self) -> bool {
        self.wire.low_bandwidth == Some(true)
    }

    /// Whether what scripts print keeps its colours.
    pub fn has_log_colours(&self) -> bool {
        self.theme != Theme::mono() && !self.spares_the_line()
    }

    /// Deployments that run now.
    pub fn running(&self) -> usize {
        self.views.board.active.iter().filter(|d| d.state.is_live()).count()
    }
}
