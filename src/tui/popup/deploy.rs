//! The deploy dialog: every gate, what would run, and the way in, if there is one.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::confirm::{self, banner, prompt};
use super::scroll::Scroll;
use super::{Arming, Outcome, Popup, dialog_box, is_production};
use crate::domain::deployment::Deployment;
use crate::domain::digest::Digest;
use crate::domain::extra_step::Condition;
use crate::domain::gate::{Answer, GateId, GateReport};
use crate::domain::ids::EnvName;
use crate::domain::policy::Environment;
use crate::domain::strategy::StepPlan;
use crate::domain::text::counted_changes;
use crate::domain::time::{Timestamp, stopwatch};
use crate::ops::deployment::start::{Preview, StartDeploy};
use crate::ops::witness;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::news;
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
    pub scroll: Scroll,
    /// Whether another environment was asked for and has not come yet.
    turning: bool,
    /// What changed since it opened.
    pub news: Vec<String>,
    /// The code for a second person, and until when it counts.
    pub code: Option<(String, Timestamp)>,
}

impl Dialog {
    pub fn new(preview: Preview, environment: EnvName, model: &Model) -> Self {
        Self {
            preview,
            environment,
            typed: Input::default(),
            arming: Arming::now(model),
            sent: false,
            scroll: Scroll::default(),
            turning: false,
            news: Vec::new(),
            code: None,
        }
    }

    /// The gates changed while the dialog was open: show that, and ask again from the start.
    pub fn disarm(&mut self, report: GateReport, model: &Model) {
        if self.news.is_empty() {
            self.news = news::gates(&self.preview.report, &report);
        }
        self.preview.report = report;
        self.typed = Input::default();
        self.arming = Arming::now(model);
        self.sent = false;
    }

    /// Whether an answer is about what it shows.
    pub fn is_about(&self, preview: &Preview, environment: &EnvName) -> bool {
        !self.sent && self.preview.release.id == preview.release.id && self.environment == *environment
    }

    /// What to ask again after something changed; nothing while an order or another question is out.
    pub fn question(&self) -> Option<Effect> {
        let (release, environment) = (self.preview.release.id.clone(), self.environment.clone());
        (!self.sent && !self.turning).then_some(Effect::Preview { release, environment })
    }

    /// What was asked for was not done.
    pub fn failed(&mut self) {
        (self.sent, self.turning) = (false, false);
    }

    /// What was asked again says something else than what the person reads: shown, and nothing accepts it for a moment.
    /// Returns whether it does.
    pub fn refresh(&mut self, preview: Preview, model: &Model) -> bool {
        let live = |preview: &Preview| preview.live.as_ref().map(|live| live.id);
        let is_same = self.preview.report.same_checks(&preview.report)
            && live(&self.preview) == live(&preview)
            && self.preview.steps == preview.steps;
        let report = preview.report.clone();
        if !is_same {
            self.news = news::preview(&self.preview, &preview);
        }
        self.preview = preview;
        if !is_same {
            self.disarm(report, model);
        }
        !is_same
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
            _ if self.scroll.key(model, key, &self.body(model), self.pinned()) => return Outcome::Stay,
            _ => {}
        }
        // A version never begins with a letter: on the empty line the key is free.
        if key == "S" && !self.sent && self.typed.text().is_empty() {
            let (id, report) = (&self.preview.release.id, &self.preview.report);
            let form = super::form::deployment::ask_later(model, id, &self.environment, Some(report));
            return Outcome::Instead(Box::new(form));
        }
        if key == "C" && !self.sent && self.typed.text().is_empty() && self.has_ticket() {
            let form = super::form::deployment::ticket(&self.preview.release.id, &self.environment);
            return Outcome::Instead(Box::new(form));
        }
        if key == "O" && !self.sent && self.typed.text().is_empty() && self.preview.report.allows() {
            let start = StartDeploy { seen: Some(self.preview.report.clone()), ..self.order() };
            return Outcome::Instead(Box::new(super::form::options::ask(model, &self.preview, start)));
        }
        if key == "l"
            && self.typed.text().is_empty()
            && let Some(holder) = news::holder(&self.preview.report)
        {
            return Outcome::Do(vec![Effect::Watch(holder.id)]);
        }
        if key == "W" && !self.sent && self.needs_witness() {
            // It is on record, and takes the place of what somebody else asks for here.
            if !self.arming.is_armed(model) {
                return Outcome::Say("that was too quick to be meant; press W again".to_owned());
            }
            let (release, environment) = (self.preview.release.id.clone(), self.environment.clone());
            return Outcome::DoAndStay(vec![Effect::AskWitness { release, environment }]);
        }
        if key == "W" && !self.sent && self.is_unwitnessed() {
            return Outcome::Say(
                "the other marked lines first: nobody is called to confirm what cannot begin".to_owned(),
            );
        }
        if key == "P" && self.preview.has_plan && !self.sent && self.typed.text().is_empty() {
            return Outcome::Instead(Box::new(self.plan(model)));
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
            return self.go(model);
        }
        match key {
            "y" | "Y" if self.arming.is_armed(model) => self.go(model),
            "y" | "Y" => Outcome::Say("that was too quick to be meant; press y again".to_owned()),
            "n" | "N" | "<enter>" | "q" => Outcome::Close,
            _ => Outcome::Stay,
        }
    }

    /// Whether it is deployed under a change ticket.
    fn has_ticket(&self) -> bool {
        self.preview.report.checks.iter().any(|check| check.gate == GateId::Change)
    }

    /// Whether a second person is missing, among other things.
    fn is_unwitnessed(&self) -> bool {
        self.preview.report.closed().any(|check| check.gate == GateId::FourEyes)
    }

    /// Whether nothing but a second person is missing.
    fn needs_witness(&self) -> bool {
        witness::is_missing(&self.preview.report)
    }

    /// The code, where one was asked for and still counts.
    fn code(&self, model: &Model) -> Option<Line<'static>> {
        let (code, until) =
            self.code.as_ref().filter(|(_, until)| self.needs_witness() && *until > model.now)?;
        let text = format!(
            "tell a second person this code: {code}   (E in their panes; until {})",
            model.near(*until)
        );
        Some(Line::styled(text, model.theme.alarm))
    }

    fn order(&self) -> StartDeploy {
        StartDeploy::new(self.preview.release.id.clone(), self.environment.clone())
    }

    fn go(&mut self, model: &Model) -> Outcome {
        let start = StartDeploy {
            confirm: self.preview.needs_confirmation.then(|| self.version()),
            seen: Some(self.preview.report.clone()),
            ..self.order()
        };
        match super::form::answers::ask(model, start) {
            Ok(form) => Outcome::Instead(Box::new(form)),
            Err(start) => {
                self.sent = true;
                Outcome::DoAndStay(vec![Effect::Deploy(start)])
            }
        }
    }

    /// Asks whether the plan script is to run: it changes nothing, but it is a script, and takes the environment.
    fn plan(&self, model: &Model) -> Popup {
        let id = &self.preview.release.id;
        let env = &self.environment;
        Popup::Confirm(Box::new(confirm::Dialog {
            title: format!("Plan {id} to {env}"),
            facts: Vec::new(),
            lines: vec![
                "Runs the plan script: it says what a deployment would do, for whoever decides.".to_owned(),
                format!("While it runs nothing else begins in {env}. It proves nothing."),
            ],
            production: is_production(model, env).then(|| env.to_string()),
            typed: None,
            decisions: Vec::new(),
            effect: Effect::Plan(Box::new(self.order())),
            arming: Arming::now(model),
            scroll: Scroll::default(),
        }))
    }

    fn other_environment(&mut self, model: &Model, forward: bool) -> Outcome {
        let id = &self.preview.release.id;
        let Some(service) = model.policy.services.get(&id.service) else { return Outcome::Stay };
        let Some(environment) =
            service.pipeline_of(&self.preview.release).neighbour(&self.environment, forward).cloned()
        else {
            return Outcome::Stay;
        };
        self.turning = true;
        Outcome::DoAndStay(vec![Effect::Preview { release: id.clone(), environment }])
    }

    /// What is read first: what changed under the reader, and what they say to somebody else.
    fn on_top(&self, model: &Model) -> Vec<Line<'static>> {
        let told =
            |news: &String| Line::styled(format!("{} CHANGED  {news}", model.glyphs.warn), model.theme.alarm);
        self.news.iter().map(told).chain(self.code(model)).collect()
    }

    fn warnings(&self, model: &Model) -> Vec<Line<'static>> {
        let (theme, preview) = (&model.theme, &self.preview);
        let mut lines = Vec::new();
        if let Some((changes, max)) = preview.too_many {
            let text = format!(
                "{} WARNING  {changes} changes at once; at most {max} go there by themselves",
                model.glyphs.warn
            );
            lines.push(Line::styled(text, theme.alarm));
        }
        let warnings = preview.report.checks.iter().filter_map(|check| match &check.answer {
            Answer::Pass { evidence } if check.gate == GateId::Lock => evidence.strip_prefix("WARNING "),
            _ => None,
        });
        for warning in warnings {
            lines.push(Line::styled(format!("{} WARNING  {warning}", model.glyphs.warn), theme.alarm));
        }
        lines
    }

    /// Everything the dialog says, before it is cut to the screen.
    fn body(&self, model: &Model) -> Vec<Line<'static>> {
        let theme = &model.theme;
        let preview = &self.preview;
        let mut lines: Vec<Line<'static>> = Vec::new();
        let env = model.policy.environments.get(&self.environment);
        if env.is_some_and(Environment::is_production) {
            lines.push(banner(model, self.environment.as_str()));
        }
        lines.extend(self.on_top(model));
        let from = preview.live.as_ref().map_or_else(
            || "nothing".to_owned(),
            |live| {
                let since = live.finished_at.map(|at| model.near(at)).unwrap_or_default();
                format!("{} (since {since})", live.release.version)
            },
        );
        let fact = |label: &str, value: String| {
            Line::from(vec![Span::styled(format!("{label:<11}"), theme.dim), Span::raw(value)])
        };
        let arrow = model.glyphs.arrow;
        lines.push(fact("changes", format!("{from} {arrow} {}  ({})", self.version(), preview.report.kind)));
        if let Some(live) = preview.takes_back() {
            let text = format!(
                "{} DOWNGRADE  {live} is live and newer; this would take back {}; to go back to what was good, \
                 use B instead",
                model.glyphs.warn,
                counted_changes(preview.takes_away)
            );
            lines.push(Line::styled(text, theme.alarm));
        }
        let (after, steps): (Vec<_>, Vec<_>) =
            preview.steps.iter().partition(|step| step.condition == Condition::OnFailure);
        let names =
            |steps: &[&StepPlan]| steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ");
        let after =
            if after.is_empty() { String::new() } else { format!("; after a failure {}", names(&after)) };
        lines.push(fact("runs", format!("{}: {}{after}", preview.script.join(" "), names(&steps))));
        if let Some(commit) = &preview.release.build.commit {
            lines.push(fact("commit", commit.clone()));
        }
        if let Some(live) = preview.live.as_ref().filter(|live| live.release != preview.release.id) {
            let tried = match &preview.rehearsed {
                Some(tried) => format!(
                    "rehearsed in {}, {} ({})",
                    tried.environment,
                    model.moment(tried.at),
                    tried.deployment
                ),
                None => "going back to it was not rehearsed".to_owned(),
            };
            lines.push(fact("way back", format!("{}, {tried}", live.release.version)));
        }
        if let Some(plan) = &preview.plan {
            lines.push(fact("plan", planned(model, plan, &preview.report.subject)));
        }
        if !preview.prompts.is_empty() {
            let names: Vec<&str> = preview.prompts.iter().map(|prompt| prompt.name.as_str()).collect();
            lines.push(fact("asks", format!("{} (after this)", names.join(", "))));
        }
        if !preview.durations.is_empty() {
            let mean = preview.durations.iter().sum::<u64>() / preview.durations.len() as u64;
            lines.push(fact("usually", stopwatch(std::time::Duration::from_millis(mean))));
        }
        lines.extend(self.warnings(model));
        lines.extend(verdict(model, &preview.report));
        lines
    }

    /// Whether the version is typed now.
    fn is_asking(&self) -> bool {
        self.preview.report.allows() && self.preview.needs_confirmation && !self.sent
    }

    /// Rows of the line one types on, with the empty one above it.
    fn pinned(&self) -> usize {
        if self.is_asking() { 2 } else { 0 }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let (mut lines, more) = self.scroll.shown(model, screen, &self.body(model), self.pinned());
        if self.is_asking() {
            lines.push(prompt(model, &self.version(), &self.typed));
        }
        let plan = if self.preview.has_plan { "   P plan" } else { "" };
        let other = if self.preview.report.allows() { "   O options" } else { "" };
        let ticket = if self.has_ticket() { "   C ticket" } else { "" };
        let ways = format!("   S later{plan}{ticket}{other}   Tab env   Esc");
        let foot = match (self.preview.report.allows(), self.sent, self.preview.needs_confirmation) {
            (true, true, _) => "starting…".to_owned(),
            (false, _, _) if self.needs_witness() => format!("W asks for a second person{ways}"),
            (false, _, _) if news::holder(&self.preview.report).is_some() => {
                format!("closed   l watch it{ways}")
            }
            (false, _, _) => format!("closed: see the marked lines{ways}"),
            (true, false, true) => format!("Enter deploys once typed{ways}"),
            (true, false, false) => format!("y deploy   n no{ways}"),
        };
        let title = format!("Deploy {} to {}{more}", self.preview.release.id, self.environment);
        dialog_box(model, frame, screen, &title, lines, &foot);
    }
}

/// What the gates say together, what closes it soon, and what each says.
fn verdict(model: &Model, report: &GateReport) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let style = if report.allows() { theme.good } else { theme.bad };
    let mut lines = vec![Line::styled(report.headline(), style)];
    let closes = report.closes.as_ref().map(|closes| Line::styled(closes.sentence(model.now), theme.busy));
    lines.extend(closes);
    lines.extend(gates::report(model, report));
    lines
}

/// What is known of a plan, for who decides.
pub fn planned(model: &Model, plan: &Deployment, subject: &Digest) -> String {
    let other = if plan.subject == *subject { "" } else { ", of OTHER content" };
    format!(
        "{} {}, {}{other}: relman log {}",
        plan.id,
        plan.state_word(),
        model.moment(plan.requested_at),
        plan.id.0
    )
}
