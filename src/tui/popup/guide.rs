//! A deployment waits for a person: what for, and what may be done about it, one key a choice.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::confirm::banner;
use super::{Arming, Outcome, dialog_box};
use crate::domain::deployment::Deployment;
use crate::domain::hold::{Choice, Hold};
use crate::domain::ids::DeploymentId;
use crate::domain::policy::Environment;
use crate::domain::time::span;
use crate::ops::deployment::guide::Decision;
use crate::ops::view::deployment::DeploymentView;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::widget::input::Input;

#[derive(Debug)]
pub struct Dialog {
    deployment: Deployment,
    hold: Hold,
    chosen: Option<Choice>,
    reason: Input,
    arming: Arming,
    pub sent: bool,
}

/// The key of a choice, as the dialog lists it.
fn key_of(choice: Choice) -> &'static str {
    match choice {
        Choice::Promote => "p",
        Choice::PromoteFull => "P",
        Choice::Retry => "r",
        Choice::Skip => "s",
        Choice::Fail => "f",
        Choice::RollBack => "b",
    }
}

impl Dialog {
    /// Nothing where the deployment waits for nobody.
    pub fn new(d: &Deployment, model: &Model) -> Option<Self> {
        let hold = d.hold.clone()?;
        let deployment = d.clone();
        let (chosen, reason) = (None, Input::default());
        Some(Self { deployment, hold, chosen, reason, arming: Arming::now(model), sent: false })
    }

    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    pub fn is_about(&self, id: DeploymentId) -> bool {
        self.deployment.id == id
    }

    /// Whether the deployment still waits for what the dialog shows, and nobody has decided.
    pub fn holds(&self, model: &Model) -> bool {
        let now = model.views.board.active.iter().find(|d| d.id == self.deployment.id);
        now.is_some_and(|d| {
            d.hold.as_ref() == Some(&self.hold) && d.guidance.is_none() && d.cancel == self.deployment.cancel
        })
    }

    /// Who looks after it may be another now.
    pub fn look_again(&mut self, model: &Model) {
        let now = model.views.board.active.iter().find(|d| d.id == self.deployment.id);
        self.deployment.taken = now.and_then(|d| d.taken.clone());
    }

    pub fn failed(&mut self) {
        self.sent = false;
    }

    pub fn paste(&mut self, text: &str) -> bool {
        let is_typing = self.chosen.is_some_and(|choice| self.hold.needs_reason(choice));
        if is_typing {
            self.reason.insert(text);
        }
        is_typing
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        let leaves = matches!(key, "<esc>" | "<c-g>" | "<c-c>");
        if self.sent {
            return if leaves { Outcome::Close } else { Outcome::Stay };
        }
        let Some(choice) = self.chosen else {
            if key == "i" && self.hold.needs_person() {
                return Outcome::DoAndStay(vec![Effect::Take(self.deployment.id)]);
            }
            return match self.hold.choices.iter().find(|choice| key_of(**choice) == key) {
                _ if leaves || key == "q" => Outcome::Close,
                Some(choice) => {
                    self.chosen = Some(*choice);
                    self.arming = Arming::now(model);
                    Outcome::Stay
                }
                None => Outcome::Stay,
            };
        };
        if leaves {
            self.chosen = None;
            return Outcome::Stay;
        }
        match (self.hold.needs_reason(choice), key) {
            (true, "<enter>") if self.reason.text().trim().is_empty() => {
                Outcome::Say(format!("{choice} needs a reason"))
            }
            (true, "<enter>") if !self.arming.has_passed(model) => {
                Outcome::Say("that was too quick to be meant; press Enter again".to_owned())
            }
            (true, "<enter>") => self.go(choice),
            (true, key) => {
                self.reason.key(key);
                Outcome::Stay
            }
            (false, "y" | "Y") if self.arming.is_armed(model) => self.go(choice),
            (false, "y" | "Y") => Outcome::Say("that was too quick to be meant; press y again".to_owned()),
            (false, "n" | "N") => {
                self.chosen = None;
                Outcome::Stay
            }
            (false, _) => Outcome::Stay,
        }
    }

    fn go(&mut self, choice: Choice) -> Outcome {
        self.sent = true;
        let reason = Some(self.reason.text().trim().to_owned()).filter(|text| !text.is_empty());
        let decision =
            Decision { deployment: self.deployment.id, choice, reason, seen: Some(self.hold.number) };
        Outcome::DoAndStay(vec![Effect::Guide(Box::new(decision))])
    }

    /// What a choice leads to.
    fn means(&self, choice: Choice, model: &Model) -> String {
        let d = &self.deployment;
        let here = |place: &&crate::ops::view::board::Place| {
            place.service == d.release.service && place.environment == d.environment
        };
        let live = model.views.board.places.iter().find(here).and_then(|place| place.live.as_ref());
        match choice {
            Choice::Promote => "go on with the next step".to_owned(),
            Choice::PromoteFull => "go on to the end, without further pauses and analyses".to_owned(),
            Choice::Retry => format!("run {} again", self.hold.step),
            Choice::Skip => format!("go on without {}", self.hold.step),
            Choice::Fail => "end it as failed and leave everything as it is now".to_owned(),
            Choice::RollBack => match live {
                Some(live) => format!("end it and go back to {}", live.release.version),
                None => "end it and go back to the last good release".to_owned(),
            },
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let d = &self.deployment;
        let mut lines: Vec<Line<'static>> = Vec::new();
        let env = model.policy.environments.get(&d.environment);
        if env.is_some_and(Environment::is_production) {
            lines.push(banner(model, d.environment.as_str()));
        }
        lines.push(Line::styled(
            self.hold.to_string(),
            if self.hold.is_trouble() { theme.bad } else { theme.busy },
        ));
        lines.push(Line::styled(
            format!("for {}, started by {}", span(model.now.since(self.hold.since)), d.started_by.name),
            theme.dim,
        ));
        if let Some(taken) = self.deployment.on_it() {
            let ago = span(model.now.since(taken.at));
            let text = format!("{} is on it, for {ago}; i takes it over", taken.by.human());
            lines.push(Line::styled(text, theme.busy));
        }
        let shown = model.views.shown.as_ref().filter(|view| view.deployment.id == d.id);
        if let Some(serves) = shown.and_then(DeploymentView::still_serves) {
            lines.push(Line::raw(serves));
        }
        lines.push(Line::default());
        for choice in &self.hold.choices {
            let is_chosen = self.chosen == Some(*choice);
            let cursor = if is_chosen { model.glyphs.cursor } else { " " };
            let style = if is_chosen { theme.selected } else { theme.key };
            lines.push(Line::from(vec![
                Span::raw(format!("{cursor} ")),
                Span::styled(key_of(*choice).to_owned(), style),
                Span::styled(format!("  {:<13} ", choice.as_str()), theme.strong),
                Span::raw(self.means(*choice, model)),
            ]));
        }
        let foot = match (self.sent, self.chosen) {
            (true, _) => "telling it…".to_owned(),
            (false, None) => "press a letter to choose; nothing happens yet   i I am on it   Esc".to_owned(),
            (false, Some(choice)) if self.hold.needs_reason(choice) => {
                lines.push(Line::default());
                lines.push(Line::from(vec![
                    Span::styled("reason: ", theme.key),
                    Span::raw(self.reason.text().to_owned()),
                    Span::styled(" ", theme.selected),
                ]));
                format!("Enter does it: {choice}   Esc back to the choices")
            }
            (false, Some(choice)) => format!("y does it: {choice}   n, Esc back to the choices"),
        };
        let title = format!("{} of {} to {} waits for you", d.id, d.release, d.environment);
        dialog_box(model, frame, screen, &title, lines, &foot);
    }
}
