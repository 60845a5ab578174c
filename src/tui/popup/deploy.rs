//! The deploy dialog: every gate, what would run, and the way in, if there is one.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::confirm::{banner, prompt};
use super::{Arming, Outcome, dialog_box};
use crate::domain::gate::GateReport;
use crate::domain::ids::EnvName;
use crate::domain::policy::Environment;
use crate::domain::time::{span, stopwatch};
use crate::ops::deployment::start::{Preview, StartDeploy};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::widget::gates;
use crate::tui::widget::input::Input;

#[derive(Debug)]
pub struct Dialog {
    pub preview: Preview,
    pub environment: EnvName,
    pub typed: Input,
    pub arming: Arming,
    /// Set while the order is out: a second Enter does nothing.
    pub sent: bool,
    pub top: usize,
}

impl Dialog {
    pub fn new(preview: Preview, environment: EnvName, model: &Model) -> Self {
        Self {
            preview,
            environment,
            typed: Input::default(),
            arming: Arming::now(model),
            sent: false,
            top: 0,
        }
    }

    /// The gates changed while the dialog was open: show that, and ask again from the start.
    pub fn disarm(&mut self, report: GateReport, model: &Model) {
        self.preview.report = report;
        self.typed = Input::default();
        self.arming = Arming::now(model);
        self.sent = false;
    }

    fn version(&self) -> String {
        self.preview.release.id.version.to_string()
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        match key {
            "<esc>" | "<c-g>" | "<c-c>" => return Outcome::Close,
            "<left>" | "<right>" | "<tab>" if !self.sent => {
                return self.other_environment(model, key != "<left>");
            }
            "<down>" | "<pgdn>" => {
                self.top += 1;
                return Outcome::Stay;
            }
            "<up>" | "<pgup>" => {
                self.top = self.top.saturating_sub(1);
                return Outcome::Stay;
            }
            _ => {}
        }
        if !self.preview.report.allows() {
            return match key {
                "<enter>" | "q" => Outcome::Close,
                "y" => Outcome::Say("it is closed; the marked lines say what to do".to_owned()),
                _ => Outcome::Stay,
            };
        }
        if self.sent {
            return Outcome::Stay;
        }
        if self.preview.needs_confirmation {
            if key != "<enter>" {
                self.typed.key(key);
                return Outcome::Stay;
            }
            if self.typed.text() != self.version() || !self.arming.has_passed(model) {
                return Outcome::Say(format!(
                    "type the version {} exactly, then Enter; Esc leaves",
                    self.version()
                ));
            }
            return self.go();
        }
        match key {
            "y" | "Y" if self.arming.is_armed(model) => self.go(),
            "y" | "Y" => Outcome::Say("that was too quick to be meant; press y again".to_owned()),
            "n" | "N" | "<enter>" | "q" => Outcome::Close,
            _ => Outcome::Stay,
        }
    }

    fn go(&mut self) -> Outcome {
        self.sent = true;
        let start = StartDeploy {
            confirm: self.preview.needs_confirmation.then(|| self.version()),
            seen: Some(self.preview.report.clone()),
            ..StartDeploy::new(self.preview.release.id.clone(), self.environment.clone())
        };
        Outcome::DoAndStay(vec![Effect::Deploy(Box::new(start))])
    }

    fn other_environment(&self, model: &Model, forward: bool) -> Outcome {
        let id = &self.preview.release.id;
        let Some(service) = model.policy.services.get(&id.service) else { return Outcome::Stay };
        let count = service.pipeline.len();
        let at = service.pipeline.iter().position(|env| *env == self.environment).unwrap_or(0);
        let to = if forward { (at + 1) % count } else { (at + count - 1) % count };
        let environment = service.pipeline[to].clone();
        Outcome::DoAndStay(vec![Effect::Preview { release: id.clone(), environment }])
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let preview = &self.preview;
        let open = preview.report.allows();
        let mut lines: Vec<Line<'static>> = Vec::new();
        let env = model.policy.environments.get(&self.environment);
        if env.is_some_and(Environment::is_production) {
            lines.push(banner(model, self.environment.as_str()));
        }
        let from = preview.live.as_ref().map_or_else(
            || "nothing".to_owned(),
            |live| {
                let since = live.finished_at.map(|at| span(model.now.since(at))).unwrap_or_default();
                format!("{} (for {since})", live.release.version)
            },
        );
        let fact = |label: &str, value: String| {
            Line::from(vec![Span::styled(format!("{label:<11}"), theme.dim), Span::raw(value)])
        };
        let arrow = model.glyphs.arrow;
        lines.push(fact("changes", format!("{from} {arrow} {}  ({})", self.version(), preview.report.kind)));
        let steps: Vec<&str> = preview.steps.iter().map(|step| step.name.as_str()).collect();
        lines.push(fact("runs", format!("{}: {}", preview.script.join(" "), steps.join(", "))));
        if let Some(commit) = &preview.release.build.commit {
            lines.push(fact("commit", commit.clone()));
        }
        if !preview.durations.is_empty() {
            let mean = preview.durations.iter().sum::<u64>() / preview.durations.len() as u64;
            lines.push(fact("usually", stopwatch(std::time::Duration::from_millis(mean))));
        }
        lines.push(Line::styled(preview.report.headline(), if open { theme.good } else { theme.bad }));
        lines.extend(gates::report(model, &preview.report));
        let mut lines: Vec<Line<'static>> = lines.into_iter().skip(self.top).collect();
        let foot = match (open, self.sent, preview.needs_confirmation) {
            (false, _, _) => "closed: the marked lines say what to do   Tab other environment   Esc closes",
            (true, true, _) => "starting…",
            (true, false, true) => {
                lines.push(Line::default());
                lines.push(prompt(model, &self.version(), &self.typed));
                "Enter deploys once the version is typed   Tab other environment   Esc leaves"
            }
            (true, false, false) => "y deploy   n, Esc no   Tab other environment",
        };
        let title = format!("Deploy {} to {}", preview.release.id, self.environment);
        dialog_box(model, frame, screen, &title, lines, foot);
    }
}
