//! What people ask for before a version is known: a list to add to, and to make releases of.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, Popup, dialog_box, form, widest};
use crate::domain::ids::RequestId;
use crate::domain::right::{Place, Right};
use crate::domain::text::{fit, pad};
use crate::domain::wanted::State;
use crate::ops::wanted::Listed;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::pane::board;
use crate::tui::rights;
use crate::tui::widget::input::Input;
use crate::tui::widget::matches;
use crate::tui::worker::requests::RequestOrder;

/// Which of them are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shown {
    /// What waits and what is on its way.
    #[default]
    Live,
    All,
}

#[derive(Debug)]
pub struct Page {
    found: Vec<Listed>,
    /// The request with the cursor: the list may change while somebody reads it.
    on: Option<RequestId>,
    shown: Shown,
    /// Words that must be in what is shown.
    filter: Input,
    /// Whether they are being typed.
    is_typing: bool,
}

impl Page {
    pub fn new(found: Vec<Listed>) -> Self {
        let on = found.first().map(|one| one.request.id);
        Self { found, on, shown: Shown::default(), filter: Input::default(), is_typing: false }
    }

    /// The list as it is now; the same request stays selected.
    pub fn refresh(&mut self, found: Vec<Listed>) {
        let is_new = |one: &&Listed| !self.found.iter().any(|known| known.request.id == one.request.id);
        let added = found.iter().filter(is_new).map(|one| one.request.id).max();
        self.on = added.or(self.on);
        self.found = found;
    }

    fn listed(&self) -> Vec<&Listed> {
        let is_live = |one: &&Listed| matches!(one.state, State::Open | State::Planned);
        let fits = |one: &&Listed| {
            let asked = &one.request;
            let service = asked.service.as_ref().map(ToString::to_string).unwrap_or_default();
            let priority = asked.priority.map(|priority| priority.to_string()).unwrap_or_default();
            let need = asked.need.as_deref().unwrap_or_default();
            let all = format!(
                "{} {} {service} {} {priority} {need} {}",
                asked.id, asked.title, asked.origin, asked.by.name
            );
            matches(&all, self.filter.text())
        };
        self.found.iter().filter(|one| self.shown == Shown::All || is_live(one)).filter(fits).collect()
    }

    fn place(&self) -> usize {
        let listed = self.listed();
        self.on.and_then(|on| listed.iter().position(|one| one.request.id == on)).unwrap_or(0)
    }

    fn go(&mut self, to: usize) {
        let listed = self.listed();
        self.on = listed.get(to.min(listed.len().saturating_sub(1))).map(|one| one.request.id);
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        if self.is_typing {
            return self.type_filter(key);
        }
        let at = self.place();
        match key {
            "/" => self.is_typing = true,
            "<esc>" if !self.filter.text().is_empty() => self.filter = Input::default(),
            "<esc>" | "q" | "<c-g>" | "<c-c>" => return Outcome::Close,
            "j" | "<down>" => self.go(at + 1),
            "k" | "<up>" => self.go(at.saturating_sub(1)),
            "g" | "<home>" => self.go(0),
            "G" | "<end>" => self.go(usize::MAX),
            "v" => {
                self.shown = if self.shown == Shown::Live { Shown::All } else { Shown::Live };
            }
            "n" | "e" | "x" | "o" | "t" | "N" | "<enter>" => return self.act(model, key),
            _ => {}
        }
        Outcome::Stay
    }

    /// Narrows the list while it is typed; Enter keeps it, Esc takes it away.
    fn type_filter(&mut self, key: &str) -> Outcome {
        match key {
            "<enter>" => self.is_typing = false,
            "<esc>" | "<c-g>" | "<c-c>" => {
                self.is_typing = false;
                self.filter = Input::default();
            }
            key => {
                self.filter.key(key);
            }
        }
        Outcome::Stay
    }

    fn order(order: RequestOrder) -> Outcome {
        Outcome::DoAndStay(vec![Effect::Request(Box::new(order))])
    }

    fn act(&self, model: &Model, key: &str) -> Outcome {
        let listed = self.listed();
        let one = listed.get(self.place()).copied();
        if key == "<enter>" {
            return one.map_or(Outcome::Stay, |one| Outcome::Over(Box::new(page(model, one))));
        }
        let service = one.and_then(|one| one.request.service.as_ref()).filter(|_| key != "n");
        let place = service.map_or_else(Place::default, Place::service);
        let right = if key == "t" { Right::Plan } else { Right::Request };
        if let Err(why) = rights::may(model, right, place) {
            return Outcome::Say(why);
        }
        if key == "n" {
            return Outcome::Over(Box::new(form::request::new(model)));
        }
        let Some(one) = one else {
            return Outcome::Say("nothing is asked for yet; n adds something".to_owned());
        };
        let id = one.request.id;
        match (key, one.state) {
            ("e", _) => Outcome::Over(Box::new(form::request::edit(model, &one.request))),
            ("x", State::Open) => Outcome::Over(Box::new(form::request::decline(&one.request))),
            ("o", State::Declined) => Self::order(RequestOrder::Reopen(id)),
            ("t", State::Open) => match board::selected(model) {
                Some(card) => {
                    let release = card.release.id.clone();
                    Self::order(RequestOrder::Take { request: id, release })
                }
                None => Outcome::Say("select the release on the board first".to_owned()),
            },
            ("N", State::Open) => Outcome::Over(Box::new(form::release::of_request(model, &one.request))),
            ("x", State::Declined) => Outcome::Say(format!("{id} is declined; o opens it again")),
            ("o", state) => Outcome::Say(format!("{id} is {state}: only what is declined is opened again")),
            (_, State::Declined) => Outcome::Say(format!("{id} is declined; o opens it again")),
            (_, state) => {
                let release = one.request.release.as_ref().map(ToString::to_string).unwrap_or_default();
                Outcome::Say(format!(
                    "{id} is {state} in {release}; there p, then x on its row, takes it out"
                ))
            }
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let listed = self.listed();
        let at = self.place();
        let room = usize::from(screen.height.saturating_sub(4)).max(1);
        let top = at.saturating_sub(room.saturating_sub(1));
        let width = widest(screen);
        let mut lines: Vec<Line<'static>> = Vec::new();
        for (index, one) in listed.iter().enumerate().skip(top).take(room) {
            lines.push(row(model, one, index == at, width));
        }
        if listed.is_empty() {
            lines.push(Line::raw(match self.found.is_empty() {
                true => "Nothing is asked for yet. n puts down what somebody wants.",
                false if !self.filter.text().is_empty() => "Nothing fits the filter. Esc takes it away.",
                false => "Nothing waits. v shows what is done and declined.",
            }));
        }
        let target =
            board::selected(model).map_or_else(String::new, |card| format!(" into {}", card.release.id));
        let foot = fit(&format!("n new  e edit  x decline  N release of it  t take{target}"), width);
        let all = if self.shown == Shown::Live { "v: all" } else { "v: open ones" };
        let filter = match (self.is_typing, self.filter.text()) {
            (false, "") => "  / filters".to_owned(),
            (_, text) => format!("  /{text}"),
        };
        let all = format!("{all}{filter}");
        let title = match listed.len() {
            0 => format!("Requests  {all}"),
            count => format!("Requests, {} of {count}  {all}", at + 1),
        };
        dialog_box(model, frame, screen, &title, lines, &foot);
    }
}

fn row(model: &Model, one: &Listed, is_marked: bool, width: usize) -> Line<'static> {
    let (theme, asked) = (&model.theme, &one.request);
    let cursor = if is_marked { model.glyphs.cursor } else { " " };
    let service = asked.service.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string);
    let priority = asked.priority.map_or_else(|| "–".to_owned(), |priority| priority.to_string());
    let (state, style) = match (one.state, &asked.release) {
        (State::Open, _) => (String::new(), theme.busy),
        (State::Declined, _) => ("declined".to_owned(), theme.dim),
        (state, Some(release)) => (format!("{state} in {release}"), theme.good),
        (state, None) => (state.to_string(), theme.good),
    };
    // Where there is little room the title is worth more than where it comes from.
    let facts = match width {
        ..60 => " ".to_owned(),
        _ => format!(" {} {} {} ", pad(&service, 12), pad(asked.origin.as_str(), 8), pad(&priority, 6)),
    };
    let id = format!("{cursor} {}", pad(&asked.id.to_string(), 4));
    let used = id.chars().count() + facts.chars().count() + state.chars().count() + 1;
    let title = pad(&asked.title, width.saturating_sub(used).max(8));
    Line::from(vec![
        Span::styled(id, if is_marked { theme.selected } else { theme.strong }),
        Span::raw(format!(" {title}")),
        Span::styled(facts, theme.dim),
        Span::styled(state, style),
    ])
}

fn page(model: &Model, one: &Listed) -> Popup {
    let asked = &one.request;
    let mut lines = vec![Line::styled(asked.title.clone(), model.theme.strong)];
    for (label, text) in one.facts(model.shown_zone()) {
        lines.push(Line::from(vec![Span::styled(pad(label, 11), model.theme.dim), Span::raw(text)]));
    }
    lines.push(Line::styled(
        format!("asked by {} {}", asked.by.name, model.moment(asked.at)),
        model.theme.dim,
    ));
    Popup::page(&format!("Request {}", asked.id), lines)
}
