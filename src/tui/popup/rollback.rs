//! The rollback dialog: known-good releases, newest first; a reason; in production the version typed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::confirm::banner;
use super::{Arming, Outcome, dialog_box};
use crate::domain::ids::{EnvName, ServiceName};
use crate::domain::policy::Environment;
use crate::domain::time::relative;
use crate::ops::deployment::rollback::{Candidate, Choices, StartRollback};
use crate::ops::deployment::toggle::{Known, StartToggle};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::widget::input::Input;

/// One way back.
#[derive(Clone, Copy)]
enum Way<'a> {
    Release(&'a Candidate),
    /// Without a deployment: what was brought is switched off.
    Toggle(&'a Known),
}

impl Way<'_> {
    /// What is typed where the environment asks for a confirmation.
    fn word(self) -> String {
        match self {
            Self::Release(candidate) => candidate.deployment.release.version.to_string(),
            Self::Toggle(known) => known.toggle.name.clone(),
        }
    }
}

/// Which field has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// Where to go back to.
    Release,
    Reason,
    /// The version, or the toggle, is typed where the environment asks for it.
    Version,
    /// Otherwise `y` is pressed.
    Yes,
}

#[derive(Debug)]
pub struct Dialog {
    service: ServiceName,
    environment: EnvName,
    choices: Choices,
    needs_confirmation: bool,
    at: usize,
    reason: Input,
    typed: Input,
    field: Field,
    arming: Arming,
    sent: bool,
    /// Whether another environment was asked for and has not come yet.
    turning: bool,
}

impl Dialog {
    pub fn new(
        service: ServiceName,
        environment: EnvName,
        choices: Choices,
        needs_confirmation: bool,
        model: &Model,
    ) -> Self {
        Self {
            service,
            environment,
            choices,
            needs_confirmation,
            at: 0,
            reason: Input::default(),
            typed: Input::default(),
            field: Field::Release,
            arming: Arming::now(model),
            sent: false,
            turning: false,
        }
    }

    /// Whether it is about this service, here or elsewhere.
    pub fn is_of(&self, service: &ServiceName) -> bool {
        self.service == *service && !self.sent
    }

    pub fn environment(&self) -> &EnvName {
        &self.environment
    }

    /// Whether it is about this.
    pub fn is_about(&self, service: &ServiceName, environment: &EnvName) -> bool {
        self.service == *service && self.environment == *environment
    }

    /// What to ask again after something changed; nothing while the order is out.
    pub fn question(&self) -> Option<Effect> {
        let (service, environment) = (self.service.clone(), self.environment.clone());
        (!self.sent && !self.turning).then_some(Effect::AskChoices { service, environment })
    }

    /// What was asked again says something else than what the person reads: shown, and chosen anew. Returns whether it
    /// does.
    pub fn refresh(&mut self, choices: Choices, model: &Model) -> Option<Vec<String>> {
        let shape = |choices: &Choices| {
            let at = choices.occupant.as_ref().map(|d| (d.id, d.state));
            let toggles: Vec<String> = choices.toggles.iter().map(|known| known.flip().to_string()).collect();
            let candidates = choices.candidates.iter().map(|candidate| candidate.deployment.id);
            (at, candidates.collect::<Vec<_>>(), toggles)
        };
        let is_same = shape(&self.choices) == shape(&choices);
        let before = std::mem::replace(&mut self.choices, choices);
        if !is_same {
            (self.at, self.field) = (0, Field::Release);
            self.typed = Input::default();
            self.arming = Arming::now(model);
        }
        (!is_same).then(|| changes(&before, &self.choices))
    }

    pub fn failed(&mut self) {
        (self.sent, self.turning) = (false, false);
    }

    fn ways(&self) -> Vec<Way<'_>> {
        let releases = self.choices.candidates.iter().map(Way::Release);
        releases.chain(self.choices.toggles.iter().map(Way::Toggle)).collect()
    }

    fn chosen(&self) -> Option<Way<'_>> {
        self.ways().get(self.at).copied()
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        if matches!(key, "<esc>" | "<c-g>" | "<c-c>") {
            return Outcome::Close;
        }
        if let ("<left>" | "<right>", true) = (key, self.field == Field::Release && !self.sent) {
            return self.other_environment(model, key == "<right>");
        }
        if self.chosen().is_none() {
            return if matches!(key, "<enter>" | "q") { Outcome::Close } else { Outcome::Stay };
        }
        match (key, self.field) {
            ("<tab>", _) => self.field = self.next(),
            ("<s-tab>", _) => self.field = Field::Release,
            ("<up>", _) | ("k", Field::Release) => {
                self.at = self.at.saturating_sub(1);
                self.typed = Input::default();
            }
            ("<down>", _) | ("j", Field::Release) => {
                self.at = (self.at + 1).min(self.ways().len() - 1);
                self.typed = Input::default();
            }
            ("<enter>", Field::Release) => self.field = Field::Reason,
            ("<enter>", Field::Reason) => {
                self.field = if self.needs_confirmation { Field::Version } else { Field::Yes };
                if self.field == Field::Yes {
                    self.arming = Arming::now(model);
                }
            }
            ("<enter>", Field::Version) => return self.go(model),
            ("y" | "Y", Field::Yes) if self.arming.is_armed(model) => return self.go(model),
            ("y" | "Y", Field::Yes) => {
                return Outcome::Say("that was too quick to be meant; press y again".to_owned());
            }
            ("n" | "N" | "q", Field::Yes) => return Outcome::Close,
            ("<enter>", Field::Yes) => return Outcome::Say("y does it; n or Esc leaves".to_owned()),
            (_, Field::Reason) => drop(self.reason.key(key)),
            (_, Field::Version) => drop(self.typed.key(key)),
            (_, Field::Release | Field::Yes) => {}
        }
        Outcome::Stay
    }

    fn other_environment(&mut self, model: &Model, forward: bool) -> Outcome {
        let Some(service) = model.policy.services.get(&self.service) else { return Outcome::Stay };
        let Some(environment) = service.pipeline.neighbour(&self.environment, forward) else {
            return Outcome::Stay;
        };
        self.turning = true;
        let (service, environment) = (self.service.clone(), environment.clone());
        Outcome::DoAndStay(vec![Effect::AskChoices { service, environment }])
    }

    fn next(&self) -> Field {
        match self.field {
            Field::Release => Field::Reason,
            Field::Reason if self.needs_confirmation => Field::Version,
            Field::Reason => Field::Yes,
            _ => Field::Release,
        }
    }

    fn go(&mut self, model: &Model) -> Outcome {
        let Some(way) = self.chosen() else { return Outcome::Close };
        let word = way.word();
        let (version, flip) = match way {
            Way::Release(candidate) => (Some(candidate.deployment.release.version.clone()), None),
            Way::Toggle(known) => (None, Some(known.flip())),
        };
        if self.sent {
            return Outcome::Stay;
        }
        if self.reason.text().trim().is_empty() {
            self.field = Field::Reason;
            return Outcome::Say("a rollback needs a reason".to_owned());
        }
        let is_typed = !self.needs_confirmation || self.typed.text() == word;
        if !is_typed || !self.arming.has_passed(model) {
            return Outcome::Say(format!("type {word} exactly, then Enter; Esc leaves"));
        }
        self.sent = true;
        let (service, environment) = (self.service.clone(), self.environment.clone());
        let reason = self.reason.text().to_owned();
        let confirm = self.needs_confirmation.then(|| word.clone());
        let effect = match flip {
            None => Effect::RollBack(Box::new(StartRollback {
                service,
                environment,
                to: version,
                reason,
                confirm,
            })),
            Some(flip) => {
                Effect::Toggle(Box::new(StartToggle { service, environment, flip, reason, confirm }))
            }
        };
        Outcome::DoAndStay(vec![effect])
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let mut lines: Vec<Line<'static>> = Vec::new();
        let env = model.policy.environments.get(&self.environment);
        if env.is_some_and(Environment::is_production) {
            lines.push(banner(model, self.environment.as_str()));
        }
        if let Some(occupant) = &self.choices.occupant {
            lines.push(Line::raw(format!(
                "there now: {} ({} {})",
                occupant.release.version, occupant.id, occupant.state
            )));
        }
        let title = format!("Roll back {} in {}", self.service, self.environment);
        let other = if model.glyphs.ascii { "< > other environment" } else { "← → other environment" };
        if self.chosen().is_none() {
            lines.push(Line::raw("No other release was ever good here: there is nothing to go back to."));
            lines.push(Line::raw("Fix forward: register and deploy a new release."));
            dialog_box(model, frame, screen, &title, lines, &format!("{other}   Esc closes"));
            return;
        }
        // The fields one types into stay in sight, whatever the list and the changes take.
        let room = usize::from(screen.height).saturating_sub(17).clamp(3, 8);
        let top = (self.at + 1).saturating_sub(room);
        for (at, way) in self.ways().into_iter().enumerate().skip(top).take(room) {
            let (what, title) = match way {
                Way::Release(candidate) => {
                    let d = &candidate.deployment;
                    let good = d.finished_at.map(|at| relative(at, model.now)).unwrap_or_default();
                    let digest = d.artifact_digest.as_ref().map_or("no digest", |digest| digest.short());
                    (format!(" good {good}, {digest}, {}  ", d.started_by.name), candidate.title.clone())
                }
                Way::Toggle(known) => (
                    format!(" switch it {}, deploy nothing  ", known.flip().way()),
                    known.toggle.description.clone().unwrap_or_default(),
                ),
            };
            let cursor = if at == self.at { model.glyphs.cursor } else { " " };
            let style =
                if at == self.at && self.field == Field::Release { theme.selected } else { theme.strong };
            lines.push(Line::from(vec![
                Span::raw(format!("{cursor} ")),
                Span::styled(format!("{:<16}", way.word()), style),
                Span::raw(what),
                Span::styled(title, theme.dim),
            ]));
        }
        match self.chosen() {
            Some(Way::Release(candidate)) => lines.extend(about(model, candidate)),
            Some(Way::Toggle(_)) => {
                lines.push(Line::raw("The release stays live; its other changes stay as well."));
            }
            None => {}
        }
        lines.push(Line::default());
        lines.push(self.field_line(model, "reason", &self.reason, Field::Reason));
        if self.needs_confirmation {
            let word = self.chosen().map(Way::word).unwrap_or_default();
            lines.push(self.field_line(model, &format!("type {word}"), &self.typed, Field::Version));
        }
        let approvals = env.is_some_and(|env| !env.rollback_approvals.is_empty());
        let skips = if approvals { "order, soak and freezes" } else { "order, soak, freezes and approvals" };
        let says = match self.chosen() {
            Some(Way::Toggle(known)) if known.flip().on => {
                "It asks who may, freezes, windows, approvals and locks.".to_owned()
            }
            Some(Way::Toggle(_)) => format!("It skips {skips}."),
            _ => format!("It skips {skips}, blocks the release it leaves, and stops automation here."),
        };
        lines.push(Line::styled(says, theme.dim));
        let foot = match (self.sent, self.field) {
            (true, _) => "starting…".to_owned(),
            (false, Field::Release) => format!("j k choose   {other}   Enter next   Esc leaves"),
            (false, Field::Reason) => "Enter next   Tab field   Esc leaves".to_owned(),
            (false, Field::Version) => "Enter goes back once it is typed   Esc leaves".to_owned(),
            (false, Field::Yes) => "y goes back   n, Esc no".to_owned(),
        };
        dialog_box(model, frame, screen, &title, lines, &foot);
    }

    fn field_line(&self, model: &Model, label: &str, input: &Input, field: Field) -> Line<'static> {
        let has_keys = self.field == field;
        let mut spans = vec![
            Span::styled(format!("{label}: "), if has_keys { model.theme.key } else { model.theme.dim }),
            Span::raw(input.text().to_owned()),
        ];
        if has_keys {
            spans.push(Span::styled(" ", model.theme.selected));
        }
        Line::from(spans)
    }
}

/// What is another about where one could go back to.
fn changes(before: &Choices, now: &Choices) -> Vec<String> {
    let mut news = Vec::new();
    let at = |choices: &Choices| choices.occupant.as_ref().map(|d| (d.id, d.state));
    if at(before) != at(now) {
        news.push(match &now.occupant {
            Some(d) => {
                format!("{} ({}, by {}) is {} there now", d.id, d.release, d.started_by.name, d.state_word())
            }
            None => "nothing is there any more".to_owned(),
        });
    }
    let names = |choices: &Choices| -> Vec<String> {
        choices.candidates.iter().map(|one| one.deployment.release.version.to_string()).collect()
    };
    let (old, new) = (names(before), names(now));
    news.extend(new.iter().filter(|name| !old.contains(name)).map(|name| format!("{name} is good as well")));
    news.extend(
        old.iter().filter(|name| !new.contains(name)).map(|name| format!("{name} is no way back any more")),
    );
    news
}

/// So many changes are listed.
const SHOWN: usize = 3;

/// What going back to it takes away, and whether that was tried before.
fn about(model: &Model, candidate: &Candidate) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let names: Vec<String> =
        candidate.takes_back.iter().map(|taken| taken.release.version.to_string()).collect();
    let changes: Vec<&String> = candidate.takes_back.iter().flat_map(|taken| &taken.changes).collect();
    let mut lines = vec![match changes.len() {
        0 => Line::raw(format!("takes back {} (no change list)", names.join(", "))),
        1 => Line::raw(format!("takes back {} with 1 change:", names.join(", "))),
        count => Line::raw(format!("takes back {} with {count} changes:", names.join(", "))),
    }];
    lines.extend(changes.iter().take(SHOWN).map(|change| Line::styled(format!("  - {change}"), theme.dim)));
    if changes.len() > SHOWN {
        lines.push(Line::styled(format!("  and {} more", changes.len() - SHOWN), theme.dim));
    }
    for required in &candidate.needed_by {
        let text = format!(
            "{} {} is live here and requires {} or newer",
            model.glyphs.warn, required.by, required.version
        );
        lines.push(Line::styled(text, theme.alarm));
    }
    lines.push(match &candidate.rehearsed {
        Some(tried) => Line::styled(
            format!(
                "{} rehearsed in {}, {}",
                model.glyphs.pass,
                tried.environment,
                relative(tried.at, model.now)
            ),
            theme.good,
        ),
        None => Line::styled("not rehearsed elsewhere in the last 30 days".to_owned(), theme.dim),
    });
    lines
}
