//! The build of a release: its runs, the end of the newest log, and the keys that start and stop one.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::scroll::Scroll;
use super::{Arming, Outcome, Popup, confirm, dialog_box, widest};
use crate::domain::ids::ReleaseId;
use crate::domain::policy::ScriptRole;
use crate::domain::release::{BuildState, Release};
use crate::domain::right::{Place, Right};
use crate::domain::text::{fit, pad, script_message};
use crate::domain::time::span;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::{hands, rights};

/// So many runs are told; all of them stand in `relman release show`.
const TOLD: usize = 3;

#[derive(Debug)]
pub struct Page {
    pub id: ReleaseId,
    /// The end of the newest log, and of which run it is.
    tail: (usize, Vec<String>),
}

impl Page {
    pub fn new(id: ReleaseId) -> Self {
        Self { id, tail: (0, Vec::new()) }
    }

    pub fn refresh(&mut self, id: &ReleaseId, number: usize, tail: Vec<String>) {
        if self.id == *id {
            self.tail = (number, tail);
        }
    }

    fn release<'a>(&self, model: &'a Model) -> Option<&'a Release> {
        let mut cards = model.views.board.cards.iter();
        cards.find(|card| card.release.id == self.id).map(|card| &card.release)
    }

    /// Whether it changes by itself.
    pub fn runs(&self, model: &Model) -> bool {
        self.release(model).is_some_and(|release| release.build.running().is_some())
    }

    pub fn key(&self, model: &Model, key: &str) -> Outcome {
        match key {
            "<esc>" | "q" | "<c-g>" | "<c-c>" | "<enter>" => Outcome::Close,
            "r" | "x" => match self.ask(model, key) {
                Ok(popup) => Outcome::Over(Box::new(popup)),
                Err(why) => Outcome::Say(why),
            },
            _ => Outcome::Stay,
        }
    }

    /// The question before anything is run or stopped.
    fn ask(&self, model: &Model, key: &str) -> Result<Popup, String> {
        hands::may_act(model)?;
        let release = self.release(model).ok_or_else(|| format!("{} is on the board no more", self.id))?;
        let place = Place::service(&self.id.service);
        let (title, lines, effect) = match (key, release.build.running()) {
            ("r", Some((number, run))) => {
                return Err(format!("{} is running; x stops it", run.name(number)));
            }
            ("r", None) => {
                rights::may(model, Right::Build, place)?;
                let script = self.script(model)?;
                if let Some((why, remedy)) = release.cannot_be_built() {
                    return Err(format!("{why}  → {remedy}"));
                }
                let what = release.build.commit.as_ref().map(|commit| format!("commit {commit}"));
                let lines = vec![
                    format!("runs {script}"),
                    what.unwrap_or_else(|| "of no commit that is recorded".to_owned()),
                    "What it says it made takes the place of what is recorded; checks and approvals given for \
                     another artifact do not count any more."
                        .to_owned(),
                ];
                (format!("Build {}", self.id), lines, Effect::Build(self.id.clone()))
            }
            (_, None) => return Err("nothing is running; r builds".to_owned()),
            (_, Some((number, run))) => {
                let how = match run.cancel {
                    Some(_) => "It was asked to stop already: this kills it at once.",
                    None => "The script gets TERM, then time to clean up, then KILL.",
                };
                let lines = vec![format!("started by {}", run.by.name), how.to_owned()];
                (format!("Stop {}", run.name(number)), lines, Effect::CancelBuild(self.id.clone()))
            }
        };
        Ok(Popup::Confirm(Box::new(confirm::Dialog {
            title,
            facts: Vec::new(),
            lines,
            production: None,
            typed: None,
            decisions: Vec::new(),
            effect,
            arming: Arming::now(model),
            scroll: Scroll::default(),
        })))
    }

    fn script(&self, model: &Model) -> Result<String, String> {
        let service = model.policy.services.get(&self.id.service);
        let argv = service.and_then(|service| service.scripts.get(&ScriptRole::Build));
        argv.map(|argv| argv.join(" ")).ok_or_else(|| {
            format!("{} has no build script: [services.{}.scripts] build", self.id.service, self.id.service)
        })
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let mut lines: Vec<Line<'static>> = Vec::new();
        let runs = self.release(model).map_or(&[][..], |release| &release.build.runs);
        for (at, run) in runs.iter().enumerate().skip(runs.len().saturating_sub(TOLD)) {
            let style = match run.state {
                BuildState::Passed => theme.good,
                BuildState::Running => theme.busy,
                BuildState::Failed | BuildState::Cancelled | BuildState::Lost => theme.bad,
            };
            let since = match run.state {
                BuildState::Running => format!(" for {}", span(model.now.since(run.started))),
                _ => format!(", {}", model.time(run.started)),
            };
            let text = format!("{}{since}, {}", run.told(at + 1), run.by.name);
            lines.push(Line::styled(text, style));
        }
        if runs.is_empty() {
            lines.push(Line::raw("Its build script has not been run. r runs it."));
        }
        let (number, tail) = &self.tail;
        let room = usize::from(screen.height).saturating_sub(lines.len() + 5);
        let skipped = tail.len().saturating_sub(room);
        let width = widest(screen);
        if !tail.is_empty() {
            // As wide as it can be: a dialog that grows and shrinks with what is printed cannot be read.
            let name = number.checked_sub(1).and_then(|at| runs.get(at)).map(|run| run.name(*number));
            let name = name.unwrap_or_default();
            lines.push(Line::styled(pad(&format!("log of {name}"), width), theme.dim));
        }
        lines.extend(
            tail.iter()
                .skip(skipped)
                .map(|line| Line::raw(fit(&script_message(line).unwrap_or_else(|| line.clone()), width))),
        );
        let foot =
            if self.runs(model) { "x stop it   Esc closes, it goes on" } else { "r run it   Esc closes" };
        dialog_box(model, frame, screen, &format!("Build of {}", self.id), lines, foot);
    }
}
