//! What went to one environment, newest first, by how long ago it was (ENV-5): its log one key away, the same release again another.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::spoken::Said;
use super::{Outcome, dialog_box, widest};
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::ids::EnvName;
use crate::domain::text::{fit, pad};
use crate::domain::time::{Timestamp, Tz, stopwatch};
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::pane::board;

/// Cells of the longest bar.
const BAR: usize = 20;

#[derive(Debug)]
pub struct Page {
    pub environment: EnvName,
    found: Vec<Deployment>,
    at: usize,
}

/// The environment one would ask about first: where the selected release goes next, or the last one of all.
pub fn first(model: &Model) -> Option<EnvName> {
    let next =
        board::selected(model).and_then(|card| card.next.as_ref()).map(|next| next.environment.clone());
    next.or_else(|| model.policy.environments.keys().next_back().cloned())
}

/// How long ago, in words people put days together by.
fn age(at: Timestamp, now: Timestamp, zone: Tz) -> &'static str {
    let days = (now.in_zone(zone).date_naive() - at.in_zone(zone).date_naive()).num_days();
    match days {
        ..=0 => "today",
        1 => "yesterday",
        2..=7 => "in the last seven days",
        8..=30 => "in the last thirty days",
        31..=365 => "in the last year",
        _ => "earlier",
    }
}

impl Page {
    pub fn new(environment: EnvName, found: Vec<Deployment>) -> Self {
        Self { environment, found, at: 0 }
    }

    /// The list as it is now; the same deployment stays selected.
    pub fn refresh(&mut self, environment: EnvName, found: Vec<Deployment>) {
        let on = self.found.get(self.at).map(|d| d.id);
        let place = on.and_then(|on| found.iter().position(|d| d.id == on));
        *self = Self { environment, found, at: place.unwrap_or(0) };
    }

    /// The one that is live there.
    fn live(&self, one: &Deployment) -> bool {
        let newest = |d: &&Deployment| {
            d.release.service == one.release.service && d.state == DeploymentState::Succeeded && !d.noop
        };
        self.found.iter().find(newest).is_some_and(|newest| newest.id == one.id)
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        let last = self.found.len().saturating_sub(1);
        match key {
            "<esc>" | "q" | "<c-g>" | "<c-c>" => return Outcome::Close,
            "j" | "<down>" => self.at = (self.at + 1).min(last),
            "k" | "<up>" => self.at = self.at.saturating_sub(1),
            "<pgdn>" | "<c-d>" => self.at = (self.at + 10).min(last),
            "<pgup>" | "<c-u>" => self.at = self.at.saturating_sub(10),
            "g" | "<home>" => self.at = 0,
            "G" | "<end>" => self.at = last,
            "<tab>" => return self.turn(model, true),
            "<s-tab>" => return self.turn(model, false),
            "<enter>" | "D" | "B" => return self.act(key),
            _ => {}
        }
        Outcome::Stay
    }

    fn turn(&self, model: &Model, forward: bool) -> Outcome {
        let all: Vec<&EnvName> = model.policy.environments.keys().collect();
        let at = all.iter().position(|env| **env == self.environment).unwrap_or(0);
        let to = if forward { at + 1 } else { at + all.len().saturating_sub(1) };
        match all.get(to % all.len().max(1)) {
            Some(env) => Outcome::DoAndStay(vec![Effect::AskTimeline((*env).clone())]),
            None => Outcome::Stay,
        }
    }

    fn act(&self, key: &str) -> Outcome {
        let Some(d) = self.found.get(self.at) else {
            return Outcome::Say(format!("nothing went to {} yet", self.environment));
        };
        let environment = self.environment.clone();
        match key {
            "<enter>" => Outcome::Speak(Said {
                action: Action::Open,
                release: None,
                environment: None,
                service: None,
                deployment: Some(d.id),
            }),
            "D" => Outcome::Do(vec![Effect::Preview { release: d.release.clone(), environment }]),
            _ => Outcome::Do(vec![Effect::AskChoices { service: d.release.service.clone(), environment }]),
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let width = widest(screen);
        let room = usize::from(screen.height.saturating_sub(4)).max(1);
        let mut lines: Vec<Line<'static>> = Vec::new();
        let mut on = 0;
        let mut heading = "";
        for (at, d) in self.found.iter().enumerate() {
            let age = age(d.requested_at, model.now, model.shown_zone());
            if age != heading {
                heading = age;
                lines.push(Line::styled(age, model.theme.dim));
            }
            if at == self.at {
                on = lines.len();
            }
            lines.push(self.row(model, d, at == self.at, width));
        }
        if self.found.is_empty() {
            lines.push(Line::raw(format!("Nothing went to {} yet.", self.environment)));
        }
        // Its heading stays in sight with the first of its rows.
        let top = (on + 1).saturating_sub(room).min(lines.len().saturating_sub(room));
        let lines: Vec<Line<'static>> = lines.into_iter().skip(top).take(room).collect();
        let count = match self.found.len() {
            0 => String::new(),
            count => format!(", {} of {count}", self.at + 1),
        };
        let title = format!("Timeline of {}{count}", self.environment);
        let foot = "Enter its log   D deploy this one   B roll back   Tab environment   Esc";
        dialog_box(model, frame, screen, &title, lines, &fit(foot, width));
    }

    fn row(&self, model: &Model, d: &Deployment, is_marked: bool, width: usize) -> Line<'static> {
        let (theme, glyphs) = (&model.theme, &model.glyphs);
        let (mark, style) = match d.state {
            DeploymentState::Succeeded if self.live(d) => (glyphs.live, theme.good),
            DeploymentState::Succeeded => (glyphs.replaced, theme.good),
            DeploymentState::Failed => (glyphs.failed, theme.bad),
            DeploymentState::Lost => (glyphs.lost, theme.bad),
            state if state.is_over() => (glyphs.cancelled, theme.dim),
            state if state.is_live() => (glyphs.active, theme.busy),
            _ => (glyphs.not, theme.dim),
        };
        let cursor = if is_marked { glyphs.cursor } else { " " };
        let took = if d.state.is_pending() { String::new() } else { stopwatch(d.duration(model.now)) };
        let when = model.age(d.requested_at);
        let head = format!("{cursor} {mark} {}", pad(&format!("{} {}", d.id, d.release), 28));
        let rest = format!(
            " {} {} {} {}",
            pad(d.state_word(), 10),
            pad(&when, model.age_width()),
            pad(&took, 6),
            d.started_by.name
        );
        let used = head.chars().count() + rest.chars().count() + 2;
        let bar = if width >= used + BAR { self.bar(model, d) } else { String::new() };
        Line::from(vec![
            Span::styled(head, if is_marked { theme.selected } else { style }),
            Span::styled(
                fit(&rest, width.saturating_sub(32)),
                if is_marked { theme.selected } else { theme.strong },
            ),
            Span::styled(format!("  {bar}"), theme.dim),
        ])
    }

    /// As long as it took, beside the longest of the same kind.
    fn bar(&self, model: &Model, d: &Deployment) -> String {
        let alike = self
            .found
            .iter()
            .filter(|other| other.release.service == d.release.service && other.claimed_at.is_some());
        let took = |d: &Deployment| d.duration(model.now).as_secs();
        let longest = alike.map(took).max().unwrap_or(0).max(1);
        let cells = took(d).saturating_mul(BAR as u64).div_ceil(longest);
        let letter = if model.glyphs.ascii { "#" } else { "▪" };
        letter.repeat(usize::try_from(cells).unwrap_or(BAR).min(BAR))
    }
}
