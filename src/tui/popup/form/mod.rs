//! Forms: a few labelled fields, checked as they are left, kept when one leaves by mistake.

pub mod answers;
pub mod approval;
pub mod chain;
pub mod deployment;
mod field;
pub mod freeze;
pub mod lock;
pub mod moment;
pub mod options;
pub mod release;
pub mod request;
pub mod review;
pub mod sheet;
mod sheet_orders;
pub mod train;

use std::borrow::Cow;

use self::field::{Field, choice, preset, text, typed};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use unicode_width::UnicodeWidthStr as _;

use super::{Outcome, Popup, dialog_box_at};
use crate::domain::freeze::{Freeze, Scope};
use crate::domain::ids::{DeploymentId, EnvName, LockId, ReleaseId, TrainName};
use crate::domain::prompt::Prompt;
use crate::domain::time::Timestamp;
use crate::ops::approval::decide::Decision;
use crate::ops::deployment::start::StartDeploy;
use crate::ops::view::sheet::{List, Slot};
use crate::ops::view::when::Slot as Opening;
use crate::tui::drafts::Draft;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::widget::input::{Input, Typed};

/// The order a form amounts to, or what is wrong.
type Ordered = Result<Effect, Wrong>;

/// The field that is wrong, by its label, and why.
struct Wrong {
    label: Cow<'static, str>,
    why: String,
}

impl From<(&'static str, String)> for Wrong {
    fn from((label, why): (&'static str, String)) -> Self {
        Self { label: label.into(), why }
    }
}

/// What a form is for.
#[derive(Debug, Clone, PartialEq)]
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
    /// A rejection, or an approval for later.
    Decide(Box<Decision>),
    Request(request::About),
    /// A yes from a later time on, or one that says something.
    Approve {
        decision: Box<Decision>,
        asks: Vec<Prompt>,
    },
    RejectAll(Vec<Decision>),
    NewFreeze,
    StopTheLine,
    /// The freeze as it was when the form opened.
    EditFreeze(Box<Freeze>),
    /// Several releases, each after those it depends on.
    Chain,
    CancelAndRollBack(DeploymentId),
    Abandon(DeploymentId),
    Resolve(DeploymentId),
    /// Deploy not at once.
    Later {
        release: ReleaseId,
        environment: EnvName,
    },
    /// The number of the change ticket something is deployed under.
    Ticket {
        release: ReleaseId,
        environment: EnvName,
    },
    /// Another time or place; `within`: how long it may take, as the form was opened.
    Reschedule {
        id: DeploymentId,
        within: String,
    },
    Lock,
    EditLock(LockId),
    Unlock(LockId),
    Note(DeploymentId),
    /// What the service asks of who deploys it.
    Answers {
        start: Box<StartDeploy>,
        prompts: Vec<Prompt>,
    },
    /// Deploy otherwise than the configuration says.
    Options {
        start: Box<StartDeploy>,
        steps: Vec<String>,
    },
    /// Whether an override was right.
    Review(DeploymentId),
    SkipTrain(TrainName),
    ResumeTrain(TrainName),
    /// A moment of the past.
    AsOf,
    /// A row of the sheet of a release; `away`: it is taken out.
    Sheet {
        id: ReleaseId,
        revision: i64,
        slot: Slot,
        away: bool,
    },
}

/// The row of the sheet that a form is about.
struct OfSheet<'a> {
    id: &'a ReleaseId,
    revision: i64,
    slot: &'a Slot,
    away: bool,
}

impl Kind {
    /// Whether it is said what it would hit before it is done.
    fn is_weighed(&self) -> bool {
        matches!(self, Self::NewFreeze | Self::EditFreeze(_))
    }
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
    /// Whether it has just been opened.
    is_new: bool,
    warned: bool,
    pub sent: bool,
    /// What the order would hit, as it was weighed last.
    weighed: Option<(Effect, Vec<String>)>,
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
        is_new: true,
        warned: false,
        sent: false,
        weighed: None,
    }))
}

impl Form {
    pub fn paste(&mut self, text: &str) {
        if self.fields[self.at].is_typed {
            self.error =
                Some("the version is typed, not pasted: it is the last look at what happens".to_owned());
            return;
        }
        self.fields[self.at].input.insert(text);
        self.edited();
    }

    /// Once, for a form that has just been opened: which one about what.
    pub fn first_look(&mut self) -> Option<String> {
        std::mem::take(&mut self.is_new).then(|| self.key_of_draft())
    }

    /// Which form about what, whichever revision it was filled from.
    fn key_of_draft(&self) -> String {
        match &self.kind {
            Kind::Edit { id, .. } => format!("edit {id}"),
            Kind::Sheet { id, slot, away, .. } => format!("sheet {id} {slot:?} {away}"),
            Kind::Decide(decision) | Kind::Approve { decision, .. } => {
                format!("decide {} {} {}", decision.release, decision.subject.as_text(), decision.verdict)
            }
            kind => format!("{kind:?}"),
        }
    }

    /// What was typed and not sent; never what is typed as a confirmation, and no secret.
    pub fn draft(&self, at: Timestamp) -> Option<Draft> {
        let is_worth_it = self.dirty && !self.sent;
        let fields = self.fields.iter().filter(|field| !field.is_typed && !field.is_secret);
        let fields = fields.map(|field| (field.label.to_string(), field.input.text().to_owned()));
        is_worth_it.then(|| Draft { form: self.key_of_draft(), at, fields: fields.collect() })
    }

    /// Puts a draft in. It is no change until something is typed: leaving it as it is drops it.
    pub fn resume(&mut self, draft: &Draft) {
        for field in self.fields.iter_mut().filter(|field| !field.is_typed && !field.is_secret) {
            let known = draft.fields.iter().find(|(label, _)| *label == field.label);
            if let Some((_, text)) = known.filter(|(_, text)| text != field.input.text()) {
                field.input = Input::with(text);
            }
        }
        self.notes.push("What you typed before is here again; Esc drops it.".to_owned());
    }

    /// What is to be found out for it once it is open.
    pub fn wants_to_know(&self) -> Option<Effect> {
        let Kind::Later { release, environment } = &self.kind else { return None };
        Some(Effect::AskSlots { release: release.clone(), environment: environment.clone() })
    }

    /// Whether it has named the change ticket of this.
    pub fn is_ticket_for(&self, release: &ReleaseId, environment: &EnvName) -> bool {
        let kind = Kind::Ticket { release: release.clone(), environment: environment.clone() };
        self.sent && self.kind == kind
    }

    /// Shows when it can begin.
    pub fn learn_slots(
        &mut self,
        model: &Model,
        release: &ReleaseId,
        environment: &EnvName,
        slots: &[Opening],
    ) {
        if self.kind == (Kind::Later { release: release.clone(), environment: environment.clone() }) {
            self.notes.retain(|note| note != deployment::LOOKING);
            self.notes.extend(deployment::slots(model, slots));
        }
    }

    /// What the order would hit: read first, then the same key does it.
    pub fn weighed(&mut self, effect: Effect, lines: Vec<String>) {
        if self.sent {
            self.sent = false;
            self.weighed = Some((effect, lines));
        }
    }

    /// What it was filled from may be another now: then it says so while it can still be copied.
    pub fn look_again(&mut self, model: &Model) {
        let (Kind::Edit { id, revision } | Kind::Sheet { id, revision, .. }) = &self.kind else { return };
        let card = model.views.board.cards.iter().find(|card| card.release.id == *id);
        if self.sent || card.is_none_or(|card| card.release.revision == *revision) {
            return;
        }
        self.error = Some(format!(
            "{id} was changed by somebody else meanwhile: Esc, then open it again to see it as it is now"
        ));
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
                    self.error =
                        Some("Esc again leaves; what you typed is kept for the next time".to_owned());
                    return Outcome::Stay;
                }
                return Outcome::Close;
            }
            "<c-s>" => return self.submit(model),
            "<c-o>" if self.fields[self.at].takes_long_text() => {
                let text = self.fields[self.at].input.text().to_owned();
                return Outcome::DoAndStay(vec![Effect::OpenEditor(text)]);
            }
            "<tab>" | "<down>" => self.go(1),
            "<s-tab>" | "<up>" => self.go(self.fields.len() - 1),
            "<enter>" if self.at + 1 < self.fields.len() => self.go(1),
            "<enter>" if self.is_protected() => {
                if let Err(wrong) = self.effect(model) {
                    self.point_at(wrong);
                    return Outcome::Stay;
                }
                return Outcome::Say("Ctrl-S does it; Enter only goes from field to field".to_owned());
            }
            "<enter>" => return self.submit(model),
            "<left>" | "<right>" if !self.fields[self.at].choices.is_empty() => self.choose(key == "<right>"),
            key => {
                if self.fields[self.at].input.key(key) == Typed::Changed {
                    self.edited();
                }
            }
        }
        if self.warned {
            self.warned = false;
            self.error = None;
        }
        Outcome::Stay
    }

    /// What was saved in an editor for the field with the keys.
    pub fn edited_outside(&mut self, text: &str) -> Result<(), String> {
        if text.len() > Input::LONGEST {
            return Err(format!("the text is too long: {} of {} bytes", text.len(), Input::LONGEST));
        }
        self.fields[self.at].input = Input::with(&crate::domain::text::multi_line(text));
        self.edited();
        Ok(())
    }

    /// Whether it closes, stops or refuses something: then a held or typed-ahead Enter must not be enough.
    fn is_protected(&self) -> bool {
        match &self.kind {
            Kind::NewRelease | Kind::Edit { .. } | Kind::Request(_) | Kind::Note(_) | Kind::AsOf => false,
            // Whose name stands behind it, and what lets something go on or keeps it back.
            Kind::Sheet { slot, away, .. } => {
                let is_a_word =
                    matches!(slot, Slot::Check(_) | Slot::Checklist(_) | Slot::Vote | Slot::Item(..));
                *away || is_a_word || *slot == Slot::Next(List::Issues)
            }
            _ => true,
        }
    }

    fn go(&mut self, by: usize) {
        self.at = (self.at + by) % self.fields.len();
    }

    fn choose(&mut self, forward: bool) {
        let field = &mut self.fields[self.at];
        let count = field.choices.len();
        let at = field.choices.iter().position(|choice| choice == field.input.text());
        let to = match (at, forward) {
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
            // Nothing is chosen yet.
            (None, true) => 0,
            (None, false) => count - 1,
        };
        field.input = Input::with(&field.choices[to]);
        self.edited();
    }

    /// What was weighed was something else.
    fn edited(&mut self) {
        self.dirty = true;
        self.weighed = None;
    }

    pub(super) fn value(&self, label: &str) -> &str {
        self.fields.iter().find(|field| field.label == label).map_or("", |field| field.input.text().trim())
    }

    pub(super) fn has(&self, label: &str) -> bool {
        self.fields.iter().any(|field| field.label == label)
    }

    pub(super) fn some(&self, label: &str) -> Option<String> {
        Some(self.value(label).to_owned()).filter(|text| !text.is_empty())
    }

    fn submit(&mut self, model: &Model) -> Outcome {
        match self.effect(model) {
            Ok(Effect::Deploy(start)) if !matches!(self.kind, Kind::Answers { .. }) => {
                // What the service asks of who deploys it is asked last.
                match answers::ask(model, *start) {
                    Ok(form) => Outcome::Instead(Box::new(form)),
                    Err(start) => self.send(Effect::Deploy(start)),
                }
            }
            Ok(effect) if self.kind.is_weighed() => {
                let is_known = self.weighed.as_ref().is_some_and(|(known, _)| *known == effect);
                self.send(if is_known { effect } else { Effect::Weigh(Box::new(effect)) })
            }
            Ok(effect) => self.send(effect),
            Err(wrong) => {
                self.point_at(wrong);
                Outcome::Stay
            }
        }
    }

    fn send(&mut self, effect: Effect) -> Outcome {
        self.sent = true;
        self.error = None;
        Outcome::DoAndStay(vec![effect])
    }

    /// Goes to the field that is wrong and says why.
    fn point_at(&mut self, wrong: Wrong) {
        let at = self.fields.iter().position(|field| field.label == wrong.label);
        self.at = at.unwrap_or(self.at);
        self.error = Some(wrong.why);
    }

    pub(super) fn reason(&self) -> Result<String, (&'static str, String)> {
        self.some("reason").ok_or(("reason", "say why, in a few words".to_owned()))
    }

    /// What is wrong with something that stands there, said while one types. What is still empty is no mistake yet.
    fn doubt(&self, model: &Model) -> Option<Wrong> {
        if !self.dirty || self.sent || self.error.is_some() {
            return None;
        }
        let wrong = self.effect(model).err()?;
        let has_text = |field: &&Field| field.label == wrong.label && !field.input.text().trim().is_empty();
        self.fields.iter().find(has_text)?;
        Some(wrong)
    }

    /// What is said below a field: why it was refused, or what is wrong with what stands there.
    fn remark(&self, model: &Model, at: usize, doubt: Option<&Wrong>) -> Option<Line<'static>> {
        if let Some(error) = self.error.as_ref().filter(|_| at == self.at) {
            return Some(Line::styled(error.clone(), model.theme.bad));
        }
        let wrong = doubt.filter(|wrong| wrong.label == self.fields[at].label)?;
        Some(Line::styled(format!("{} {}", model.glyphs.warn, wrong.why), model.theme.busy))
    }

    /// The order this form amounts to.
    fn effect(&self, model: &Model) -> Ordered {
        match &self.kind {
            Kind::NewRelease => release::created(self, model),
            Kind::Edit { id, revision } => release::edited(self, id, *revision, model),
            Kind::MoveBack(id) => Ok(Effect::MoveBack { id: id.clone(), to: None, reason: self.reason()? }),
            Kind::Block(id) => Ok(Effect::Block { id: id.clone(), reason: self.reason()? }),
            Kind::Unblock(id) => Ok(Effect::Unblock { id: id.clone(), reason: self.reason()? }),
            Kind::Request(about) => request::ordered(self, about),
            Kind::Decide(decision) => approval::rejected(self, decision),
            Kind::Approve { decision, asks } => approval::approved(self, model, decision, asks),
            Kind::RejectAll(decisions) => {
                let reason = Some(self.reason()?);
                let because = |decision: &Decision| Decision { reason: reason.clone(), ..decision.clone() };
                Ok(Effect::DecideAll(decisions.iter().map(because).collect()))
            }
            Kind::NewFreeze => freeze::added(self, model),
            Kind::StopTheLine => freeze::stopped(self, model),
            Kind::AsOf => moment::asked(self, model),
            Kind::Sheet { id, revision, slot, away } => {
                let of = OfSheet { id, revision: *revision, slot, away: *away };
                sheet_orders::ordered(self, model, &of)
            }
            Kind::EditFreeze(known) => freeze::edited(self, model, known),
            Kind::Chain => chain::started(self, model),
            Kind::Later { release, environment } => deployment::later(self, model, release, environment),
            Kind::Ticket { release, environment } => deployment::ticketed(self, release, environment),
            Kind::Reschedule { id, within } => deployment::moved(self, model, *id, within),
            Kind::Lock => lock::set(self, model),
            Kind::EditLock(id) => lock::edited(self, model, *id),
            Kind::Answers { start, prompts } => answers::given(self, start, prompts),
            Kind::Options { start, steps } => options::chosen(self, model, start, steps),
            Kind::Note(id) => {
                let text = self.some("note").ok_or(("note", "a note needs some words".to_owned()))?;
                Ok(Effect::Note { id: *id, text })
            }
            Kind::SkipTrain(train) => {
                Ok(Effect::SkipTrain { train: train.clone(), reason: self.some("reason") })
            }
            Kind::ResumeTrain(train) => {
                Ok(Effect::ResumeTrain { train: train.clone(), reason: self.reason()? })
            }
            Kind::Review(id) => review::found(self, *id),
            Kind::Unlock(id) => Ok(Effect::Unlock { id: *id, reason: self.some("reason") }),
            Kind::Abandon(id) => Ok(Effect::Abandon { id: *id, reason: self.reason()? }),
            Kind::CancelAndRollBack(id) => Ok(Effect::CancelAndRollBack { id: *id, reason: self.reason()? }),
            Kind::Resolve(id) => {
                let succeeded = match self.value("outcome") {
                    "succeeded" => true,
                    "failed" => false,
                    _ => return Err(("outcome", "write succeeded or failed".to_owned()).into()),
                };
                Ok(Effect::Resolve { id: *id, succeeded, reason: self.reason()? })
            }
        }
    }

    pub(super) fn scope(&self) -> Result<Scope, (&'static str, String)> {
        let list = |label| -> Vec<String> {
            let parts = self.value(label).split(',').map(|part| part.trim().to_owned());
            parts.filter(|part| !part.is_empty()).collect()
        };
        let (services, environments) = (list("services"), list("environments"));
        Scope::new(services.clone(), Vec::new()).map_err(|why| ("services", why.to_string()))?;
        Scope::new(services, environments).map_err(|why| ("environments", why.to_string()))
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let mut lines: Vec<Line<'static>> =
            self.notes.iter().map(|note| Line::styled(note.clone(), theme.dim)).collect();
        let mut kept = 0..0;
        let doubt = self.doubt(model);
        let label = self.fields.iter().map(|field| field.label.width()).max().unwrap_or(0);
        let label = (label + 1).clamp(14, 41);
        let room = usize::from(screen.width).saturating_sub(8 + label).clamp(10, 80);
        for (at, field) in self.fields.iter().enumerate() {
            let has_keys = at == self.at;
            let cursor = if has_keys { model.glyphs.cursor } else { " " };
            let mut spans = vec![Span::styled(
                format!("{cursor} {:<label$}", field.label),
                if has_keys { theme.key } else { theme.dim },
            )];
            let (shown, cell) = field.input.window(room);
            let shown = if field.is_secret { "*".repeat(shown.chars().count()) } else { shown };
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
            if field.input.lines() > 1 {
                spans.push(Span::styled(format!(" ({} lines)", field.input.lines()), theme.dim));
            } else if field.input.text().is_empty() && !field.example.is_empty() {
                spans.push(Span::styled(format!(" ({})", field.example), theme.dim));
            } else if !field.choices.is_empty() {
                let arrows = if model.glyphs.ascii { "  < >" } else { "  ◂ ▸" };
                let all = format!("  ({})", field.choices.join(", "));
                let used = field.input.text().width() + if has_keys { arrows.width() } else { 0 };
                spans.push(Span::styled(if has_keys { arrows } else { "" }, theme.dim));
                // What there is to choose from, where there is room for it.
                if used + all.width() <= room {
                    spans.push(Span::styled(all, theme.dim));
                }
            }
            lines.push(Line::from(spans));
            if has_keys {
                kept = lines.len() - 1..lines.len();
            }
            // Where one looks, and where it stays in sight.
            if let Some(remark) = self.remark(model, at, doubt.as_ref()) {
                lines.push(remark);
                kept.end = if has_keys { lines.len() } else { kept.end };
            }
        }
        if let Some((_, hits)) = &self.weighed {
            let room = usize::from(screen.height).saturating_sub(lines.len() + 5).max(2);
            // What one is asked about now.
            kept = lines.len()..lines.len();
            let hidden = if hits.len() > room { hits.len() - room + 1 } else { 0 };
            lines.extend(
                hits.iter().take(hits.len() - hidden).map(|hit| Line::styled(hit.clone(), theme.busy)),
            );
            if hidden > 0 {
                lines.push(Line::styled(
                    format!("{hidden} more lines: relman freeze add --dry-run"),
                    theme.dim,
                ));
            }
            kept.end = lines.len();
        }
        let edits = self.fields[self.at].takes_long_text();
        let foot = match (self.sent, self.is_protected()) {
            (true, _) if self.kind == Kind::AsOf => "reading…",
            (true, _) => "saving…",
            (false, false) if self.kind == Kind::AsOf => "Enter shows it   Esc leaves",
            (false, true) if self.weighed.is_some() => "Ctrl-S does it all the same   Esc leaves",
            (false, true) if edits => "Enter next   Ctrl-S does it   Ctrl-O opens your editor   Esc leaves",
            (false, true) => "Enter next field   Ctrl-S does it   Esc leaves",
            (false, false) if edits => "Enter next   Ctrl-S saves   Ctrl-O opens your editor   Esc leaves",
            (false, false) => "Enter next, on the last field saves   Ctrl-S saves   Esc leaves",
        };
        dialog_box_at(model, frame, screen, &self.title, lines, foot, kept);
    }
}
