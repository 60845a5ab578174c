//! The dialog of a second person: exactly what somebody else starts, and the code they say.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::confirm::banner;
use super::scroll::Scroll;
use super::{Arming, Outcome, dialog_box, is_production};
use crate::domain::witness::{self, Request};
use crate::ops::view::queue::Pending;
use crate::ops::witness::Confirm;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::pane::queue;
use crate::tui::widget::input::Input;

/// Rows of the line one types on, with the empty one above it.
const PINNED: usize = 2;

#[derive(Debug)]
pub struct Dialog {
    pub request: Request,
    item: Pending,
    typed: Input,
    arming: Arming,
    scroll: Scroll,
    pub sent: bool,
}

impl Dialog {
    pub fn new(request: Request, item: Pending, model: &Model) -> Self {
        let (typed, arming, scroll) = (Input::default(), Arming::now(model), Scroll::default());
        Self { request, item, typed, arming, scroll, sent: false }
    }

    /// Whether it still is what waits for a witness.
    pub fn holds(&self, model: &Model) -> bool {
        let is_it = |request: &Request| request.id == self.request.id && request.witnessed.is_none();
        model.views.witnesses.iter().any(is_it)
    }

    /// What was typed was not right, or something changed: from the start.
    pub fn failed(&mut self, model: &Model) {
        self.sent = false;
        self.typed = Input::default();
        self.arming = Arming::now(model);
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        if matches!(key, "<esc>" | "<c-g>" | "<c-c>") {
            return Outcome::Close;
        }
        if self.sent || self.scroll.key(model, key, &self.body(model), PINNED) {
            return Outcome::Stay;
        }
        if key != "<enter>" {
            self.typed.key(key);
            return Outcome::Stay;
        }
        if !witness::is_code(self.typed.text()) || !self.arming.has_passed(model) {
            let starter = self.request.starter.person.human();
            return Outcome::Say(format!("type the code {starter} tells you, then Enter; Esc leaves"));
        }
        self.sent = true;
        Outcome::DoAndStay(vec![Effect::Confirm(Box::new(Confirm {
            release: self.request.release.clone(),
            environment: self.request.environment.clone(),
            code: self.typed.text().to_owned(),
            seen: Some(self.item.digest.clone()),
        }))])
    }

    /// What is read: everything but the line one types on.
    fn body(&self, model: &Model) -> Vec<Line<'static>> {
        let env = &self.request.environment;
        let banner = is_production(model, env).then(|| banner(model, env.as_str()));
        banner.into_iter().chain(queue::about(model, &self.item)).collect()
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let Request { release, environment, starter, .. } = &self.request;
        let (mut lines, more) = self.scroll.shown(model, screen, &self.body(model), PINNED);
        lines.push(Line::from(vec![
            Span::styled(format!("code of {}: ", starter.person.human()), model.theme.strong),
            Span::raw(self.typed.text().to_owned()),
            Span::styled(" ", model.theme.selected),
        ]));
        let foot = match self.sent {
            true => "confirming…".to_owned(),
            false => format!("Enter confirms what {} starts   Esc leaves", starter.person.human()),
        };
        dialog_box(model, frame, screen, &format!("Witness {release} to {environment}{more}"), lines, &foot);
    }
}
