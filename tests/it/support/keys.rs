//! The panes without a terminal: keys go in as text, the state and the orders come out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use relman::domain::ansi;
use relman::domain::ids::DeploymentId;
use relman::tui::model::{Model, Pane};
use relman::tui::msg::{Effect, LogPage, Msg, Views};
use relman::tui::popup::Popup;
use relman::tui::theme::{Glyphs, Theme};
use relman::tui::update::update;
use relman::tui::worker::look;
use relman::tui::{pane, widget};

use super::world::World;

/// Somebody at the panes.
pub(crate) struct Ui {
    pub model: Model,
    /// Milliseconds that pass before each key: a calm person by default.
    pub pace: u64,
    who: String,
}

impl Ui {
    /// The panes of a person, with everything loaded, at 80x24.
    pub(crate) fn new(world: &World, who: &str) -> Self {
        let mut ui = Self::unloaded(world, who);
        drop(ui.load(world));
        ui
    }

    /// The panes of the same person anew, with what this one has read.
    pub(crate) fn anew(&self) -> Self {
        let was = &self.model;
        let model = Model::new(was.policy.clone(), self.who.clone(), was.now, was.theme, was.glyphs);
        let mut ui = Self { model, pace: 200, who: self.who.clone() };
        drop(ui.send(Msg::Loaded(Box::new(was.views.clone()), was.now)));
        ui
    }

    /// The panes before the store has been read.
    pub(crate) fn unloaded(world: &World, who: &str) -> Self {
        let model =
            Model::new(world.policy.clone(), who.to_owned(), world.now, Theme::colour(), Glyphs::UNICODE);
        Self { model, pace: 200, who: who.to_owned() }
    }

    /// What reading the store again does.
    pub(crate) fn load(&mut self, world: &World) -> Vec<Effect> {
        let views = views(world, &self.who, &self.model);
        self.send(Msg::Loaded(Box::new(views), world.now))
    }

    pub(crate) fn send(&mut self, msg: Msg) -> Vec<Effect> {
        update(&mut self.model, msg)
    }

    /// Types keys as the registry writes them, `jjD<enter>`; `<lt>` is the key `<`. Returns every order.
    pub(crate) fn keys(&mut self, text: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for name in names(text) {
            effects.extend(self.key(&name));
        }
        effects
    }

    /// One key by its name.
    pub(crate) fn key(&mut self, name: &str) -> Vec<Effect> {
        self.wait(self.pace);
        self.send(Msg::Key(event(name)))
    }

    /// The same key again and again, as a held key sends it, for so many milliseconds.
    pub(crate) fn hold(&mut self, name: &str, ms: u64) -> Vec<Effect> {
        let pace = std::mem::replace(&mut self.pace, 30);
        let effects = (0..ms / 30).flat_map(|_| self.key(name)).collect();
        self.pace = pace;
        effects
    }

    /// Types like somebody who is quick: no moment without a key.
    pub(crate) fn hastily(&mut self, text: &str) -> Vec<Effect> {
        let pace = std::mem::replace(&mut self.pace, 20);
        let effects = self.keys(text);
        self.pace = pace;
        effects
    }

    /// Types keys and lets the machine answer what only asks for something to look at.
    pub(crate) fn ask(&mut self, world: &World, text: &str) -> Vec<Effect> {
        let effects = self.keys(text);
        self.answer(world, effects)
    }

    /// Carries out the orders that only read, as the worker does; returns those that would change something and
    /// those for the loop or the log.
    pub(crate) fn answer(&mut self, world: &World, effects: Vec<Effect>) -> Vec<Effect> {
        let mut left = Vec::new();
        for effect in effects {
            match world.as_(&self.who.clone(), |cx| look(cx, &effect)) {
                Ok(Some(msg)) => left.extend(self.send(msg)),
                Err(error) => left.extend(self.send(Msg::Failed(error))),
                Ok(None) => left.push(effect),
            }
        }
        left
    }

    pub(crate) fn paste(&mut self, text: &str) -> Vec<Effect> {
        self.send(Msg::Pasted(text.to_owned()))
    }

    /// Lets time pass without a key.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.model.ms += ms;
    }

    /// What is said at the foot of the screen.
    pub(crate) fn said(&self) -> &str {
        self.model.flash.as_ref().map_or("", |flash| flash.text.as_str())
    }

    /// The selected release of the board.
    pub(crate) fn selected(&self) -> String {
        self.model.board.selected.as_ref().map_or_else(String::new, ToString::to_string)
    }

    /// The kind of the dialog that has the keys; empty: none.
    pub(crate) fn popup(&self) -> &'static str {
        match self.model.popups.last() {
            None => "",
            Some(Popup::Deploy(_)) => "deploy",
            Some(Popup::Rollback(_)) => "rollback",
            Some(Popup::Confirm(_)) => "confirm",
            Some(Popup::Form(_)) => "form",
            Some(Popup::Guide(_)) => "guide",
            Some(Popup::Witness(_)) => "witness",
            Some(Popup::Page { .. }) => "page",
            Some(Popup::Locks(_)) => "locks",
            Some(Popup::Sheet(_)) => "sheet",
            Some(Popup::Metrics(_)) => "metrics",
            Some(Popup::Requests(_)) => "requests",
            Some(Popup::Timeline(_)) => "timeline",
            Some(Popup::Copy(_)) => "copy",
            Some(Popup::Over(_)) => "over",
            Some(Popup::Build(_)) => "build",
            Some(Popup::Train(_)) => "train",
            Some(Popup::Help(_)) => "help",
            Some(Popup::Palette(_)) => "palette",
            Some(Popup::Unlock(_)) => "unlock",
        }
    }

    /// Goes to a pane by its number, without keeping what that ordered.
    pub(crate) fn go(&mut self, pane: Pane) {
        drop(self.key(&pane.number().to_string()));
        assert_eq!(self.model.focus, pane);
    }

    /// Puts the selection of the board on a release.
    pub(crate) fn select(&mut self, id: &str) {
        self.go(Pane::Board);
        self.model.board.selected = Some(id.parse().unwrap());
        assert!(pane::board::selected(&self.model).is_some(), "{id} is not on the board");
    }

    /// Puts the selection of the queue on the item of a release.
    pub(crate) fn pick(&mut self, id: &str) {
        self.go(Pane::Approvals);
        drop(self.keys("gg"));
        for _ in 0..self.model.views.queue.len() {
            if pane::queue::selected(&self.model).is_some_and(|item| item.release.id.to_string() == id) {
                return;
            }
            drop(self.keys("j"));
        }
        panic!("{id} is not in the queue");
    }

    /// The last line of the screen as `(key, word)` pairs.
    pub(crate) fn hints(&self) -> Vec<(String, String)> {
        let line = widget::footer::line(&self.model, usize::from(self.model.size.0));
        line.spans
            .chunks(2)
            .map(|pair| (pair[0].content.to_string(), pair[1].content.trim().to_owned()))
            .collect()
    }

    /// The whole screen as text at the model's size.
    pub(crate) fn screen(&self) -> String {
        super::screen::text(&super::screen::buffer(&self.model))
    }
}

/// Whether an order reaches the outside world or decides something: what no accident may cause.
pub(crate) fn is_severe(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Deploy(_)
            | Effect::Plan(_)
            | Effect::Chain(_)
            | Effect::RollBack(_)
            | Effect::Toggle(_)
            | Effect::NameChange { .. }
            | Effect::Cancel { .. }
            | Effect::CancelAndRollBack { .. }
            | Effect::Guide(_)
            | Effect::Confirm(_)
            | Effect::AskWitness { .. }
            | Effect::Abandon { .. }
            | Effect::Decide(_)
            | Effect::DecideAll(_)
            | Effect::Evidence { .. }
            | Effect::Tick { .. }
            | Effect::ConfirmRules(_)
            | Effect::AddFreeze(_)
            | Effect::EditFreeze(_)
            | Effect::Weigh(_)
            | Effect::RemoveFreeze { .. }
            | Effect::Reschedule { .. }
            | Effect::Lock(_)
            | Effect::EditLock { .. }
            | Effect::Unlock { .. }
            | Effect::ReviewOverride { .. }
            | Effect::SkipTrain { .. }
            | Effect::ResumeTrain { .. }
    )
}

/// Splits `jj<esc>D` into the names of its keys.
pub(crate) fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match rest.strip_prefix('<').and_then(|tail| tail.find('>')) {
            Some(end) => end + 2,
            None => first.len_utf8(),
        };
        names.push(rest[..length].to_owned());
        rest = &rest[length..];
    }
    names
}

/// The event a terminal would send for a key.
pub(crate) fn event(name: &str) -> KeyEvent {
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    let word = name.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let Some(word) = word else {
        let c = name.chars().next().unwrap();
        return match c {
            ' ' => plain(KeyCode::Char(' ')),
            c if c.is_uppercase() => KeyEvent::new(KeyCode::Char(c), KeyModifiers::SHIFT),
            c => plain(KeyCode::Char(c)),
        };
    };
    if let Some(c) = word.strip_prefix("c-") {
        return KeyEvent::new(KeyCode::Char(c.chars().next().unwrap()), KeyModifiers::CONTROL);
    }
    plain(match word {
        "lt" => KeyCode::Char('<'),
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "s-tab" => KeyCode::BackTab,
        "space" => KeyCode::Char(' '),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "bs" => KeyCode::Backspace,
        "del" => KeyCode::Delete,
        "f1" => KeyCode::F(1),
        "f2" => KeyCode::F(2),
        "f5" => KeyCode::F(5),
        "f8" => KeyCode::F(8),
        other => panic!("<{other}> is no key"),
    })
}

/// Everything the panes show, read as they read it.
pub(crate) fn views(world: &World, who: &str, model: &Model) -> Views {
    let month = pane::calendar::span(model);
    world.as_(who, |cx| Views::read(cx, model.log.shown, Some(month)).unwrap())
}

/// A part of a log whose first line stands at `top`.
pub(crate) fn page(id: DeploymentId, top: u64, text: &str, asked: bool) -> LogPage {
    let mut at = top;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let safe = ansi::lines(line.as_bytes()).into_iter().next().unwrap_or_default();
        lines.push((at, safe));
        at += line.len() as u64;
    }
    LogPage { id, lines, size: at, at_end: true, asked, searched: false, hits: None, went_round: None }
}
