//! How these panes look and which keys they take: what the terminal can show, what the team's file and one's own ask for, and what
//! was asked on the command line.

use super::keymap::Keymap;
use super::model::{Model, Wiring};
use super::theme::{Depth, Glyphs, Theme};
use crate::config::{self, Notify, Panes, Problem, Severity};
use crate::host::{enforced, environment};

/// What was asked when the panes were opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Whether there are colours at all; nothing: as the terminal seems to be.
    pub colour: Option<bool>,
    pub ascii: bool,
    pub theme: Option<String>,
}

/// What stays the same however often the team's file changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dress {
    depth: Depth,
    /// Whether the terminal shows letters only.
    letters_only: bool,
    asked: Asked,
    own: Option<Panes>,
    /// Whether the variables ask for as little motion as can be (`NO_MOTION`).
    is_still: bool,
    /// Whether it has been put on: what a key switches stays as it was switched.
    is_worn: bool,
}

impl Default for Dress {
    fn default() -> Self {
        Self {
            depth: Depth::Sixteen,
            letters_only: false,
            asked: Asked::default(),
            own: None,
            is_still: false,
            is_worn: false,
        }
    }
}

impl Dress {
    /// As this terminal and its user have it; and what is wrong with one's own file.
    pub fn here(asked: Asked) -> (Self, Vec<Problem>) {
        let variable = |name| environment::variable(name);
        let term = variable("TERM");
        let no_color = match asked.colour {
            Some(wanted) => !wanted,
            None => variable("NO_COLOR").is_some(),
        };
        let depth = Depth::of_terminal(no_color, term.as_deref(), variable("COLORTERM").as_deref());
        let letters_only = Glyphs::for_terminal(environment::locale().as_deref(), term.as_deref()).ascii;
        let (own, problems) = own();
        let is_still = variable("NO_MOTION").is_some();
        (Self { depth, letters_only, asked, own, is_still, is_worn: false }, problems)
    }

    /// Gives the panes the look and the keys that the files ask for; returns what of it cannot be.
    pub fn put_on(self, model: &mut Model, team: &Panes) -> Vec<Problem> {
        let layers: Vec<&Panes> = std::iter::once(team).chain(&self.own).collect();
        let (keymap, mut complaints) = Keymap::new(&layers);
        let (theme, colours) = Theme::asked(self.depth, &layers);
        complaints.extend(colours);
        let named = self.asked.theme.as_deref().and_then(|name| Theme::named(name, self.depth));
        let ascii = layers.iter().rev().find_map(|panes| panes.ascii).unwrap_or(self.letters_only);
        model.keymap = keymap;
        model.theme = named.unwrap_or(theme);
        model.glyphs = if self.asked.ascii || ascii { Glyphs::ASCII } else { Glyphs::UNICODE };
        let last = |of: fn(&Panes) -> Option<bool>| layers.iter().rev().find_map(|panes| of(panes));
        model.wire = Wiring {
            low_bandwidth: last(|panes| panes.low_bandwidth),
            is_still: last(|panes| panes.reduced_motion).unwrap_or(self.is_still),
            notify: layers.iter().rev().find_map(|panes| panes.notify).unwrap_or(match model.policy.bell {
                true => Notify::Bell,
                false => Notify::None,
            }),
            has_title: last(|panes| panes.title).unwrap_or(true) && !self.letters_only,
        };
        if !self.is_worn && last(|panes| panes.mouse).unwrap_or(false) {
            model.mouse = true;
        }
        model.hints = layers.iter().rev().find_map(|panes| panes.hints).unwrap_or(true);
        let problems = located(&layers, complaints);
        model.dress = Self { is_worn: true, ..self };
        problems
    }
}

/// One's own file. A service user opens nobody's.
fn own() -> (Option<Panes>, Vec<Problem>) {
    if enforced::service().is_some() {
        return (None, Vec::new());
    }
    let path = |name| environment::raw(name).map(std::path::PathBuf::from);
    match config::own_file(path("XDG_CONFIG_HOME"), path("HOME")) {
        Some(file) => config::own(&file),
        None => (None, Vec::new()),
    }
}

fn located(layers: &[&Panes], complaints: Vec<(usize, config::Complaint)>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, panes) in layers.iter().enumerate() {
        let own =
            complaints.iter().filter(|(layer, _)| *layer == number).map(|(_, complaint)| complaint.clone());
        let own: Vec<_> = own.collect();
        if !own.is_empty() {
            problems.extend(config::placed(&panes.file, Severity::Error, own));
        }
    }
    problems
}

/// Everything that is wrong with keys and colours in a team's file and in one's own, for who checks them.
pub fn check(team: &Panes) -> Vec<Problem> {
    let (own, mut problems) = own();
    let layers: Vec<&Panes> = std::iter::once(team).chain(&own).collect();
    let mut complaints = Keymap::new(&layers).1;
    complaints.extend(Theme::asked(Depth::Many, &layers).1);
    problems.extend(located(&layers, complaints));
    problems
}

/// The keys in force for somebody who opens the panes here.
pub fn keymap(team: &Panes) -> Keymap {
    let (own, _) = own();
    let layers: Vec<&Panes> = std::iter::once(team).chain(&own).collect();
    Keymap::new(&layers).0
}

/// Says the first of them at the foot of the screen.
pub(super) fn tell(model: &mut Model, problems: &[Problem]) {
    let Some(first) = problems.first() else { return };
    let more = match problems.len() {
        1 => String::new(),
        count => format!(" ({} more: relman config check)", count - 1),
    };
    model.complain(format!("{}; what held before still does{more}", first.one_line()));
}
