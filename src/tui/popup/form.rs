//! Forms: a few labelled fields, checked as they are left, kept when one leaves by mistake.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, Popup, dialog_box};
use crate::domain::approval::Verdict;
use crate::domain::deployment::Deployment;
use crate::domain::digest::Digest;
use crate::domain::freeze::Scope;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName, Version};
use crate::domain::release::{self, Level, Origin, Release, ReleaseKind};
use crate::domain::time::{Fold, Tz, Window, parse_duration, parse_end, parse_when};
use crate::ops::approval::decide::Decision;
use crate::ops::freeze::{NewFreeze, STOP_THE_LINE};
use crate::ops::release::create::NewRelease;
use crate::ops::release::edit::Edit;
use crate::ops::view::queue::Pending;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::widget::input::{Input, Typed};

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    NewRelease,
    /// The release with the revision the form was filled from.
    Edit {
        id: ReleaseId,
        revision: i64,
    },
    MoveBack(ReleaseId),
    Block(ReleaseId),
    Unblock(ReleaseId),
    Reject {
        release: ReleaseId,
        environment: Option<EnvName>,
        seen: Digest,
    },
    NewFreeze,
    StopTheLine,
    CancelAndRollBack(DeploymentId),
    Abandon(DeploymentId),
    Resolve(DeploymentId),
}

/// One field.
#[derive(Debug)]
pub struct Field {
    label: &'static str,
    input: Input,
    /// Shown beside an empty field.
    example: &'static str,
    /// Left and right go through these; typing still works.
    choices: Vec<String>,
    /// Whether it had something in it when the form opened.
    had_text: bool,
}

#[derive(Debug)]
pub struct Form {
    pub kind: Kind,
    title: String,
    notes: Vec<String>,
    fields: Vec<Field>,
    at: usize,
    error: Option<String>,
    dirty: bool,
    warned: bool,
    pub sent: bool,
}

fn text(label: &'static str, example: &'static str) -> Field {
    Field { label, input: Input::default(), example, choices: Vec::new(), had_text: false }
}

fn preset(label: &'static str, value: &str, example: &'static str) -> Field {
    Field { label, input: Input::with(value), example, choices: Vec::new(), had_text: !value.is_empty() }
}

fn choice(label: &'static str, choices: Vec<String>, first: usize) -> Field {
    let input = Input::with(choices.get(first).map_or("", String::as_str));
    Field { label, input, example: "", choices, had_text: true }
}

fn form(kind: Kind, title: impl Into<String>, notes: Vec<String>, fields: Vec<Field>) -> Popup {
    Popup::Form(Box::new(Form {
        kind,
        title: title.into(),
        notes,
        fields,
        at: 0,
        error: None,
        dirty: false,
        warned: false,
        sent: false,
    }))
}

pub fn new_release(model: &Model) -> Popup {
    let services: Vec<String> = model.policy.services.keys().map(ToString::to_string).collect();
    let near = super::super::pane::board::selected(model).map(|card| card.release.id.service.to_string());
    let first = near.and_then(|near| services.iter().position(|name| *name == near)).unwrap_or(0);
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    form(
        Kind::NewRelease,
        "New release",
        Vec::new(),
        vec![
            choice("service", services, first),
            text("version", "1.4.2"),
            text("title", "what people will call it"),
            text("need", "what it is needed for"),
            choice("kind", words(&ReleaseKind::ALL.map(ReleaseKind::as_str)), 0),
            choice("origin", words(&Origin::ALL.map(Origin::as_str)), 2),
            choice("priority", words(&Level::ALL.map(Level::as_str)), 1),
        ],
    )
}

pub fn edit(release: &Release, zone: Tz) -> Popup {
    let known = |value: &Option<String>| value.clone().unwrap_or_default();
    let level = |value: Option<Level>| value.map_or_else(String::new, |level| level.to_string());
    let levels = || Level::ALL.map(|level| level.to_string()).to_vec();
    let chosen = |label, value: String| Field {
        label,
        input: Input::with(&value),
        had_text: !value.is_empty(),
        example: "low, medium or high",
        choices: levels(),
    };
    let target = release.plan.target.map(|at| at.in_zone(zone).format("%Y-%m-%d %H:%M").to_string());
    let digest = release.build.digest.as_ref().map(ToString::to_string);
    form(
        Kind::Edit { id: release.id.clone(), revision: release.revision },
        format!("Edit {}", release.id),
        Vec::new(),
        vec![
            preset("title", &release.title, ""),
            preset("need", &known(&release.request.need), "what it is needed for"),
            preset("owner", &known(&release.plan.owner), "who sees it through"),
            preset("target", &target.unwrap_or_default(), "2026-12-01 10:00"),
            chosen("risk", level(release.plan.risk)),
            preset("rollback plan", &known(&release.plan.rollback), "how to go back, and how long it takes"),
            preset("commit", &known(&release.build.commit), "the commit it is built from"),
            preset("artifact", &known(&release.build.artifact), "what is deployed"),
            preset("digest", &digest.unwrap_or_default(), "sha256:… of the artifact"),
            preset("outcome", &known(&release.review.outcome), "in the review stage: what came of it"),
            preset(
                "retrospective",
                &known(&release.review.retrospective),
                "in the review stage: what was learned",
            ),
        ],
    )
}

pub fn move_back(id: &ReleaseId) -> Popup {
    let notes = vec!["Voids approvals and evidence of the stages after it.".to_owned()];
    form(Kind::MoveBack(id.clone()), format!("Move {id} back one stage"), notes, vec![text("reason", "why")])
}

pub fn block(id: &ReleaseId, is_blocked: bool) -> Popup {
    let reason = vec![text("reason", "why")];
    if is_blocked {
        form(Kind::Unblock(id.clone()), format!("Lift the block of {id}"), Vec::new(), reason)
    } else {
        let notes = vec!["It stays where it is and goes nowhere until someone lifts the block.".to_owned()];
        form(Kind::Block(id.clone()), format!("Block {id}"), notes, reason)
    }
}

pub fn reject(item: &Pending) -> Popup {
    let kind = Kind::Reject {
        release: item.release.id.clone(),
        environment: super::super::pane::queue::environment(item),
        seen: item.digest.clone(),
    };
    let about = item.subject.as_text();
    let notes = if about == "request" {
        vec!["This ends the release.".to_owned()]
    } else {
        vec!["It cannot be deployed there until you withdraw this.".to_owned()]
    };
    form(
        kind,
        format!("Reject {} for {about}", item.release.id),
        notes,
        vec![text("reason", "why, for its people")],
    )
}

pub fn new_freeze(model: &Model) -> Popup {
    let day = model.calendar.day.format("%Y-%m-%d").to_string();
    let notes =
        vec![format!("Closed from the start up to, not including, the end. Times in {}.", model.zone.name())];
    form(
        Kind::NewFreeze,
        "New freeze",
        notes,
        vec![
            text("name", "Quarter end"),
            text("reason", "why nothing may start"),
            preset("start", &format!("{day} 00:00"), "2026-12-24 18:00"),
            preset("end", "", "2026-12-27 08:00, or +2h from the start"),
            preset("environments", "production", "patterns with commas; * for all"),
            preset("services", "*", "patterns with commas; * for all"),
        ],
    )
}

pub fn stop_the_line() -> Popup {
    let notes = vec!["Nothing of this scope starts from now on. What runs, runs on.".to_owned()];
    form(
        Kind::StopTheLine,
        "STOP THE LINE",
        notes,
        vec![
            text("reason", "what happened"),
            preset("for", "4h", "how long"),
            preset("environments", "*", "patterns with commas; * for all"),
            preset("services", "*", "patterns with commas; * for all"),
        ],
    )
}

pub fn cancel_and_roll_back(id: DeploymentId) -> Popup {
    let notes = vec!["It is stopped; when it has ended, the last good release is put back.".to_owned()];
    let fields = vec![text("reason", "why, for the record and for the block of this release")];
    form(Kind::CancelAndRollBack(id), format!("Stop {id} and roll back"), notes, fields)
}

pub fn abandon(id: DeploymentId) -> Popup {
    let notes = vec![
        "It does not stop. Given up, it counts as cancelled and its environment is free.".to_owned(),
        "Its work may still be going on, and nothing is cleaned up.".to_owned(),
    ];
    form(Kind::Abandon(id), format!("Give up {id}"), notes, vec![text("reason", "what you know about it")])
}

pub fn resolve(d: &Deployment) -> Popup {
    let notes = vec![
        format!("{} of {} to {}: nobody knows how it ended.", d.id, d.release, d.environment),
        "Look at what really runs there, then say how it ended. The environment is free after that."
            .to_owned(),
    ];
    let outcomes = vec!["failed".to_owned(), "succeeded".to_owned()];
    let fields = vec![choice("outcome", outcomes, 0), text("reason", "how you know")];
    form(Kind::Resolve(d.id), format!("Settle lost deployment {}", d.id), notes, fields)
}

impl Form {
    pub fn paste(&mut self, text: &str) {
        self.fields[self.at].input.insert(text);
        self.dirty = true;
    }

    /// The order came back with an error: say it, keep what was typed.
    pub fn failed(&mut self, why: String) {
        self.error = Some(why);
        self.sent = false;
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        if self.sent {
            return if key == "<esc>" { Outcome::Close } else { Outcome::Stay };
        }
        match key {
            "<esc>" | "<c-g>" | "<c-c>" => {
                if self.dirty && !self.warned {
                    self.warned = true;
                    self.error = Some("Esc again drops what you typed; any other key goes on".to_owned());
                    return Outcome::Stay;
                }
                return Outcome::Close;
            }
            "<c-s>" => return self.submit(model),
            "<tab>" | "<down>" => self.go(1),
            "<s-tab>" | "<up>" => self.go(self.fields.len() - 1),
            "<enter>" if self.at + 1 < self.fields.len() => self.go(1),
            "<enter>" if self.is_protected() => {
                if let Err((label, why)) = self.effect(model) {
                    self.point_at(label, why);
                    return Outcome::Stay;
                }
                return Outcome::Say("Ctrl-S does it; Enter only goes from field to field".to_owned());
            }
            "<enter>" => return self.submit(model),
            "<left>" | "<right>" if !self.fields[self.at].choices.is_empty() => self.choose(key == "<right>"),
            key => {
                if self.fields[self.at].input.key(key) == Typed::Changed {
                    self.dirty = true;
                }
            }
        }
        if self.warned {
            self.warned = false;
            self.error = None;
        }
        Outcome::Stay
    }

    /// Whether it closes, stops or refuses something: then a held or typed-ahead Enter must not be enough.
    fn is_protected(&self) -> bool {
        !matches!(self.kind, Kind::NewRelease | Kind::Edit { .. })
    }

    fn go(&mut self, by: usize) {
        self.at = (self.at + by) % self.fields.len();
    }

    fn choose(&mut self, forward: bool) {
        let field = &mut self.fields[self.at];
        let count = field.choices.len();
        let at = field.choices.iter().position(|choice| choice == field.input.text()).unwrap_or(0);
        let to = if forward { (at + 1) % count } else { (at + count - 1) % count };
        field.input = Input::with(&field.choices[to]);
        self.dirty = true;
    }

    fn value(&self, label: &str) -> &str {
        self.fields.iter().find(|field| field.label == label).map_or("", |field| field.input.text().trim())
    }

    fn some(&self, label: &str) -> Option<String> {
        Some(self.value(label).to_owned()).filter(|text| !text.is_empty())
    }

    fn submit(&mut self, model: &Model) -> Outcome {
        match self.effect(model) {
            Ok(effect) => {
                self.sent = true;
                self.error = None;
                Outcome::DoAndStay(vec![effect])
            }
            Err((label, why)) => {
                self.point_at(label, why);
                Outcome::Stay
            }
        }
    }

    /// Goes to the field that is wrong and says why.
    fn point_at(&mut self, label: &str, why: String) {
        if let Some(at) = self.fields.iter().position(|field| field.label == label) {
            self.at = at;
        }
        self.error = Some(why);
    }

    fn reason(&self) -> Result<String, (&'static str, String)> {
        self.some("reason").ok_or(("reason", "say why, in a few words".to_owned()))
    }

    /// The order this form amounts to, or the field that is wrong and why.
    fn effect(&self, model: &Model) -> Result<Effect, (&'static str, String)> {
        match &self.kind {
            Kind::NewRelease => self.release(),
            Kind::Edit { id, revision } => self.edited(id, *revision, model),
            Kind::MoveBack(id) => Ok(Effect::MoveBack { id: id.clone(), to: None, reason: self.reason()? }),
            Kind::Block(id) => Ok(Effect::Block { id: id.clone(), reason: self.reason()? }),
            Kind::Unblock(id) => Ok(Effect::Unblock { id: id.clone(), reason: self.reason()? }),
            Kind::Reject { release, environment, seen } => Ok(Effect::Decide(Box::new(Decision {
                release: release.clone(),
                environment: environment.clone(),
                verdict: Verdict::Rejected,
                reason: Some(self.reason()?),
                seen: Some(seen.clone()),
            }))),
            Kind::NewFreeze => self.freeze(model),
            Kind::StopTheLine => self.stop(model),
            Kind::Abandon(id) => Ok(Effect::Abandon { id: *id, reason: self.reason()? }),
            Kind::CancelAndRollBack(id) => Ok(Effect::CancelAndRollBack { id: *id, reason: self.reason()? }),
            Kind::Resolve(id) => {
                let succeeded = match self.value("outcome") {
                    "succeeded" => true,
                    "failed" => false,
                    _ => return Err(("outcome", "write succeeded or failed".to_owned())),
                };
                Ok(Effect::Resolve { id: *id, succeeded, reason: self.reason()? })
            }
        }
    }

    fn release(&self) -> Result<Effect, (&'static str, String)> {
        let service: ServiceName =
            self.value("service").parse().map_err(|why| ("service", format!("{why}")))?;
        let version: Version = self.value("version").parse().map_err(|why| ("version", format!("{why}")))?;
        let new = NewRelease {
            title: self.some("title"),
            kind: self.value("kind").parse().map_err(|why| ("kind", format!("{why}")))?,
            origin: self.value("origin").parse().map_err(|why| ("origin", format!("{why}")))?,
            need: self.some("need"),
            priority: self
                .some("priority")
                .map(|text| text.parse())
                .transpose()
                .map_err(|why| ("priority", format!("{why}")))?,
            ..NewRelease::default()
        };
        Ok(Effect::Create { id: ReleaseId::new(service, version), new: Box::new(new) })
    }

    /// A field that was emptied is emptied; one that was empty and stays so is left alone.
    fn edited(&self, id: &ReleaseId, revision: i64, model: &Model) -> Result<Effect, (&'static str, String)> {
        if self.some("title").is_none() {
            return Err(("title", "a release needs a title".to_owned()));
        }
        let target = self.some("target").map(|text| parse_when(&text, model.now, model.zone, Fold::First));
        let edit = Edit {
            title: self.some("title"),
            need: self.some("need"),
            owner: self.some("owner"),
            target: target.transpose().map_err(|why| ("target", why.to_string()))?,
            risk: self
                .some("risk")
                .map(|text| text.parse())
                .transpose()
                .map_err(|why| ("risk", format!("{why}")))?,
            rollback_plan: self.some("rollback plan"),
            commit: self.some("commit"),
            artifact: self.some("artifact"),
            digest: self
                .some("digest")
                .map(|text| text.parse())
                .transpose()
                .map_err(|why| ("digest", format!("{why}")))?,
            outcome: self.some("outcome"),
            retrospective: self.some("retrospective"),
            clear: self.emptied(),
            seen: Some(revision),
            ..Edit::default()
        };
        Ok(Effect::Edit { id: id.clone(), edit: Box::new(edit) })
    }

    /// The fields that had something in them and have nothing now.
    fn emptied(&self) -> BTreeSet<release::Field> {
        let empty = |field: &&Field| field.had_text && field.input.text().trim().is_empty();
        self.fields
            .iter()
            .filter(empty)
            .filter_map(|field| field.label.replace(' ', "-").parse().ok())
            .collect()
    }

    fn scope(&self) -> Result<Scope, (&'static str, String)> {
        let list = |label| -> Vec<String> {
            let parts = self.value(label).split(',').map(|part| part.trim().to_owned());
            parts.filter(|part| !part.is_empty()).collect()
        };
        let (services, environments) = (list("services"), list("environments"));
        Scope::new(services.clone(), Vec::new()).map_err(|why| ("services", why.to_string()))?;
        Scope::new(services, environments).map_err(|why| ("environments", why.to_string()))
    }

    fn freeze(&self, model: &Model) -> Result<Effect, (&'static str, String)> {
        let name = self.some("name").ok_or(("name", "a freeze needs a name".to_owned()))?;
        let reason = self.reason()?;
        let zone = model.zone;
        let start = parse_when(self.value("start"), model.now, zone, Fold::First)
            .map_err(|why| ("start", why.to_string()))?;
        let end =
            parse_end(self.value("end"), start, model.now, zone).map_err(|why| ("end", why.to_string()))?;
        let window = Window::new(start, end).map_err(|why| ("end", why.to_string()))?;
        let new = NewFreeze { name, numbered: false, reason, scope: self.scope()?, window, zone };
        Ok(Effect::AddFreeze(Box::new(new)))
    }

    fn stop(&self, model: &Model) -> Result<Effect, (&'static str, String)> {
        let reason = self.reason()?;
        let length = parse_duration(self.value("for")).map_err(|why| ("for", why.to_string()))?;
        let window =
            Window::new(model.now, model.now.plus(length)).map_err(|why| ("for", why.to_string()))?;
        let name = STOP_THE_LINE.to_owned();
        let new = NewFreeze { name, numbered: true, reason, scope: self.scope()?, window, zone: model.zone };
        Ok(Effect::AddFreeze(Box::new(new)))
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let mut lines: Vec<Line<'static>> =
            self.notes.iter().map(|note| Line::styled(note.clone(), theme.dim)).collect();
        let room = usize::from(screen.width).saturating_sub(22).clamp(10, 80);
        for (at, field) in self.fields.iter().enumerate() {
            let has_keys = at == self.at;
            let cursor = if has_keys { model.glyphs.cursor } else { " " };
            let mut spans = vec![Span::styled(
                format!("{cursor} {:<14}", field.label),
                if has_keys { theme.key } else { theme.dim },
            )];
            let (shown, cell) = field.input.window(room);
            if has_keys {
                let split = shown.char_indices().nth(cell).map_or(shown.len(), |(at, _)| at);
                let (before, after) = shown.split_at(split.min(shown.len()));
                let mut after = after.chars();
                let under = after.next().unwrap_or(' ');
                spans.push(Span::raw(before.to_owned()));
                spans.push(Span::styled(under.to_string(), theme.selected));
                spans.push(Span::raw(after.as_str().to_owned()));
            } else {
                spans.push(Span::raw(shown));
            }
            if field.input.text().is_empty() && !field.example.is_empty() {
                spans.push(Span::styled(format!(" ({})", field.example), theme.dim));
            } else if has_keys && !field.choices.is_empty() {
                let arrows = if model.glyphs.ascii { "  < >" } else { "  ◂ ▸" };
                spans.push(Span::styled(arrows, theme.dim));
            }
            lines.push(Line::from(spans));
        }
        if let Some(error) = &self.error {
            lines.push(Line::styled(error.clone(), theme.bad));
        }
        let foot = match (self.sent, self.is_protected()) {
            (true, _) => "saving…",
            (false, true) => "Enter next field   Ctrl-S does it   Esc leaves",
            (false, false) => "Enter next, on the last field saves   Ctrl-S saves   Esc leaves",
        };
        dialog_box(model, frame, screen, &self.title, lines, foot);
    }
}
