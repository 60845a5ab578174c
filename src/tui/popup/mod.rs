//! Dialogs on top of the panes: a stack, the last one has the keys.

pub mod build;
pub mod confirm;
pub mod copy;
pub mod deploy;
pub mod form;
pub mod guide;
pub mod help;
pub mod locks;
pub mod metrics;
pub mod pages;
pub mod palette;
mod questions;
pub mod requests;
pub mod rollback;
pub mod scroll;
pub mod sheet;
pub mod spoken;
pub mod timeline;
pub mod train;
pub mod unlock;
pub mod witness;

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::action::Entry;
use super::allow::allow;
use super::layout;
use super::model::Model;
use super::msg::Effect;
use super::news;
use super::widget::wrap::wrap;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::hold::Hold;
use crate::domain::ids::{DeploymentId, EnvName};
use crate::domain::policy::Environment;
use crate::domain::text::fit;
use crate::ops::deployment::abandon;

/// One dialog.
#[derive(Debug)]
pub enum Popup {
    Deploy(Box<deploy::Dialog>),
    Rollback(Box<rollback::Dialog>),
    Confirm(Box<confirm::Dialog>),
    Form(Box<form::Form>),
    Guide(Box<guide::Dialog>),
    Witness(Box<witness::Dialog>),
    /// Text to read.
    Page {
        title: String,
        lines: Vec<Line<'static>>,
        top: usize,
    },
    Locks(locks::Locks),
    Sheet(sheet::Sheet),
    Metrics(Box<metrics::Page>),
    Requests(requests::Page),
    Timeline(timeline::Page),
    Copy(copy::Menu),
    /// What a question was about is over: it stays in the place of the question until Esc, so that what is being typed into that
    /// reaches nothing else.
    Over(String),
    Build(Box<build::Page>),
    Train(Box<train::Page>),
    Help(help::Help),
    Palette(palette::Palette),
    Unlock(unlock::Dialog),
}

/// What a key did to a dialog.
#[derive(Debug)]
pub enum Outcome {
    Stay,
    Close,
    /// Close and do.
    Do(Vec<Effect>),
    /// Do and stay: the answer comes as a message.
    DoAndStay(Vec<Effect>),
    /// Close and open another one.
    Instead(Box<Popup>),
    /// Stay, and open another one on top.
    Over(Box<Popup>),
    /// Close and run an action as if its key had been pressed.
    Run(super::action::Action),
    /// Close and do what was said.
    Speak(spoken::Said),
    Say(String),
    /// Close and free the keyboard.
    Unlock,
}

/// What became of a question while it stood on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// It is about nothing any more; what became of it, where that is known.
    Gone(Option<String>),
    /// It says something else now: what.
    Changed(Vec<String>),
}

/// Accepting keys are ignored for half a second after a dialog opened and until there was a moment without any
/// key: what was typed ahead over a slow line, or a held Enter, accepts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arming {
    opened_ms: u64,
}

impl Arming {
    pub fn now(model: &Model) -> Self {
        Self { opened_ms: model.ms }
    }

    pub fn is_armed(self, model: &Model) -> bool {
        model.ms >= self.opened_ms + 500 && model.ms >= model.last_key_ms + 150
    }

    /// For typed confirmations: the typing itself is proof, only the first moment is protected.
    pub fn has_passed(self, model: &Model) -> bool {
        model.ms >= self.opened_ms + 500
    }
}

impl Popup {
    pub fn page(title: &str, lines: Vec<Line<'static>>) -> Self {
        Self::Page { title: title.to_owned(), lines, top: 0 }
    }

    /// What is to be found out for it once it is open.
    pub fn wants_to_know(&self) -> Option<Effect> {
        match self {
            Self::Form(form) => form.wants_to_know(),
            Self::Build(page) => Some(Effect::AskBuild(page.id.clone())),
            _ => None,
        }
    }

    /// Looks again at what a question is about, after something changed. `Err` with a sentence: it is about nothing any
    /// more, or says something else now and nothing accepts it for a moment.
    pub fn look_again(&mut self, model: &Model) -> Result<Vec<Effect>, Stale> {
        match self {
            Self::Deploy(dialog) => Ok(dialog.question().into_iter().collect()),
            Self::Rollback(dialog) => Ok(dialog.question().into_iter().collect()),
            Self::Guide(dialog) if !dialog.sent && !dialog.holds(model) => {
                Err(Stale::Gone(news::ended(dialog.deployment().id, &known(model))))
            }
            Self::Guide(dialog) => {
                dialog.look_again(model);
                Ok(Vec::new())
            }
            Self::Form(form) => {
                form.look_again(model);
                Ok(Vec::new())
            }
            Self::Witness(dialog) if !dialog.sent && !dialog.holds(model) => {
                let starter = dialog.request.starter.person.human();
                Err(Stale::Gone(Some(format!("{starter} needs no witness for this any more"))))
            }
            // Whether they are still these is asked when they are confirmed.
            Self::Build(page) => Ok(vec![Effect::AskBuild(page.id.clone())]),
            Self::Confirm(dialog) if matches!(dialog.effect, Effect::ConfirmRules(_)) => Ok(Vec::new()),
            Self::Confirm(dialog) => {
                let Some(fresh) = Self::question(model, &dialog.effect) else {
                    return Err(Stale::Gone(over(model, &dialog.effect)));
                };
                let Self::Confirm(fresh) = fresh else { return Ok(Vec::new()) };
                if dialog.says_what(&fresh) {
                    return Ok(Vec::new());
                }
                let news = fresh.news(dialog);
                *dialog = fresh;
                Err(Stale::Changed(news))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Hands a key (by its registry name) to the dialog.
    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        match self {
            Self::Deploy(dialog) => dialog.key(model, key),
            Self::Rollback(dialog) => dialog.key(model, key),
            Self::Confirm(dialog) => dialog.key(model, key),
            Self::Form(form) => form.key(model, key),
            Self::Guide(dialog) => dialog.key(model, key),
            Self::Witness(dialog) => dialog.key(model, key),
            Self::Page { lines, top, .. } => {
                let (width, height) = model.size;
                let screen = Rect::new(0, 0, width, height);
                page_key(wrap(lines, widest(screen)).len(), top, model, key)
            }
            Self::Locks(locks) => locks.key(model, key),
            Self::Sheet(sheet) => sheet.key(model, key),
            Self::Metrics(page) => page.key(model, key),
            Self::Requests(page) => page.key(model, key),
            Self::Timeline(page) => page.key(model, key),
            Self::Copy(menu) => menu.key(key),
            Self::Over(_) => match key {
                "<esc>" | "<c-g>" | "<c-c>" => Outcome::Close,
                _ => Outcome::Stay,
            },
            Self::Build(page) => page.key(model, key),
            Self::Train(page) => page.key(model, key),
            Self::Help(help) => help.key(model, key),
            Self::Palette(palette) => palette.key(model, key),
            Self::Unlock(dialog) => dialog.key(model, key),
        }
    }

    /// Whether it asks for a confirmation.
    pub fn asks(&self) -> bool {
        matches!(
            self,
            Self::Deploy(_) | Self::Rollback(_) | Self::Confirm(_) | Self::Unlock(_) | Self::Witness(_)
        )
    }

    /// Pasted text: into fields, never into confirmations.
    pub fn paste(&mut self, text: &str) -> bool {
        match self {
            Self::Form(form) => {
                form.paste(text);
                true
            }
            Self::Guide(dialog) => dialog.paste(text),
            Self::Help(help) => {
                help.filter.insert(text);
                true
            }
            Self::Palette(palette) => {
                palette.input.insert(text);
                true
            }
            Self::Deploy(_)
            | Self::Rollback(_)
            | Self::Confirm(_)
            | Self::Witness(_)
            | Self::Locks(_)
            | Self::Sheet(_)
            | Self::Metrics(_)
            | Self::Requests(_)
            | Self::Timeline(_)
            | Self::Copy(_)
            | Self::Over(_)
            | Self::Build(_)
            | Self::Train(_)
            | Self::Unlock(_)
            | Self::Page { .. } => false,
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>) {
        let screen = frame.area();
        match self {
            Self::Deploy(dialog) => dialog.view(model, frame, screen),
            Self::Rollback(dialog) => dialog.view(model, frame, screen),
            Self::Confirm(dialog) => dialog.view(model, frame, screen),
            Self::Form(form) => form.view(model, frame, screen),
            Self::Guide(dialog) => dialog.view(model, frame, screen),
            Self::Witness(dialog) => dialog.view(model, frame, screen),
            Self::Page { title, lines, top } => {
                let lines = wrap(lines, widest(screen));
                let room = usize::from(screen.height.saturating_sub(4));
                let hidden = lines.len().saturating_sub(top + room);
                let shown: Vec<Line<'static>> = lines.into_iter().skip(*top).collect();
                let foot = match hidden {
                    0 => "Esc closes   j k scroll".to_owned(),
                    hidden => {
                        let lines = if hidden == 1 { "line" } else { "lines" };
                        format!("Esc closes   j k scroll   {hidden} more {lines} {}", model.glyphs.below)
                    }
                };
                dialog_box(model, frame, screen, title, shown, &foot);
            }
            Self::Locks(locks) => locks.view(model, frame, screen),
            Self::Sheet(sheet) => sheet.view(model, frame, screen),
            Self::Metrics(page) => page.view(model, frame, screen),
            Self::Requests(page) => page.view(model, frame, screen),
            Self::Timeline(page) => page.view(model, frame, screen),
            Self::Copy(menu) => menu.view(model, frame, screen),
            Self::Over(text) => {
                dialog_box(model, frame, screen, "Over", vec![Line::raw(text.clone())], "Esc goes on");
            }
            Self::Build(page) => page.view(model, frame, screen),
            Self::Train(page) => page.view(model, frame, screen),
            Self::Help(help) => help.view(model, frame, screen),
            Self::Palette(palette) => palette.view(model, frame, screen),
            Self::Unlock(dialog) => dialog.view(model, frame, screen),
        }
    }
}

/// Deployments the panes know, those that have ended among them.
fn known(model: &Model) -> Vec<Deployment> {
    let board = &model.views.board;
    board.active.iter().chain(&board.pending).chain(&model.views.deployments).cloned().collect()
}

/// What became of what was asked about.
fn over(model: &Model, effect: &Effect) -> Option<String> {
    match effect {
        Effect::Cancel { id, .. } => news::ended(*id, &known(model)),
        Effect::Decide(decision) => Some(format!("{} waits for no decision any more", decision.release)),
        Effect::DecideAll(_) => Some("none of these waits for your decision any more".to_owned()),
        Effect::RemoveFreeze { handle } => Some(format!("freeze {handle} is gone already")),
        _ => None,
    }
}

/// Whether a person may decide about it: it was lost, or it waits. One that is being cancelled goes on by itself.
pub fn may_be_decided(d: &Deployment) -> bool {
    let is_held = d.hold.is_some() && d.guidance.is_none();
    d.state == DeploymentState::Lost || (is_held && !d.is_cancelling())
}

/// Whether nothing goes on with it until a person decides.
pub fn waits_for_person(d: &Deployment) -> bool {
    may_be_decided(d) && d.hold.as_ref().is_none_or(Hold::needs_person)
}

/// Whether it was asked to stop so long ago that nobody need wait for it any more.
fn may_be_given_up(d: &Deployment, model: &Model) -> bool {
    d.cancel.as_ref().is_some_and(|cancel| model.now.since(cancel.at) >= abandon::PATIENCE)
}

/// What Tab offers where a deployment is about to be cancelled.
fn instead_of_cancelling(model: &Model, id: DeploymentId) -> Option<Popup> {
    if model.views.board.pending.iter().any(|d| d.id == id) {
        return None;
    }
    Some(match model.views.board.active.iter().find(|d| d.id == id) {
        Some(d) if may_be_given_up(d, model) => form::deployment::abandon(id),
        Some(d) if d.noop => return None,
        _ => form::deployment::cancel_and_roll_back(id),
    })
}

fn is_production(model: &Model, env: &EnvName) -> bool {
    model.policy.environments.get(env).is_some_and(Environment::is_production)
}

/// Where the version is typed before anything happens.
pub fn is_protected(model: &Model, env: &EnvName) -> bool {
    model.policy.environments.get(env).is_some_and(|env| env.confirm)
}

fn page_key(length: usize, top: &mut usize, model: &Model, key: &str) -> Outcome {
    let page = usize::from(model.size.1 / 2).max(1);
    match key {
        "<esc>" | "q" | "<enter>" | "<c-g>" | "0" => return Outcome::Close,
        "j" | "<down>" => *top += 1,
        "k" | "<up>" => *top = top.saturating_sub(1),
        "<c-d>" | "<pgdn>" | "<space>" => *top += page,
        "<c-u>" | "<pgup>" => *top = top.saturating_sub(page),
        "g" | "<home>" => *top = 0,
        "G" | "<end>" => *top = length,
        _ => {}
    }
    let room = usize::from(model.size.1.saturating_sub(4)).max(1);
    *top = (*top).min(length.saturating_sub(room));
    Outcome::Stay
}

/// No dialog is wider: longer lines are hard to read.
const WIDEST: u16 = 110;

/// Draws a framed dialog in the middle, as large as its text wants.
pub(super) fn dialog_box(
    model: &Model,
    frame: &mut Frame<'_>,
    screen: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    foot: &str,
) {
    dialog_box_at(model, frame, screen, title, lines, foot, 0..0);
}

/// The same where one has a cursor: of what does not fit, those of `kept` stay in sight, and it is said how much is not.
pub(super) fn dialog_box_at(
    model: &Model,
    frame: &mut Frame<'_>,
    screen: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    foot: &str,
    kept: Range<usize>,
) {
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let wanted = u16::try_from(widest.max(foot.chars().count()).max(title.chars().count() + 4) + 4)
        .unwrap_or(u16::MAX);
    let width = wanted.clamp(46, WIDEST).min(screen.width);
    let inside = usize::from(width.saturating_sub(2));
    let rows_of = |lines: &[Line<'static>]| wrap(lines, inside).len();
    let kept = rows_of(&lines[..kept.start])..rows_of(&lines[..kept.end]);
    let lines = wrap(&lines, inside);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(3);
    let area = layout::centred(screen, width, height.min(screen.height.saturating_sub(1)));
    if area.width < 4 || area.height < 3 {
        return;
    }
    frame.render_widget(Clear, area);
    frame.render_widget(frame_block(model, title), area);
    let inner = layout::inner(layout::Borders::Full, area);
    let body = Rect { height: inner.height.saturating_sub(1), ..inner };
    let lines = in_sight(model, lines, usize::from(body.height), &kept);
    frame.render_widget(Paragraph::new(lines), body);
    let last = Rect { y: inner.y + inner.height.saturating_sub(1), height: inner.height.min(1), ..inner };
    frame.render_widget(Paragraph::new(Line::styled(foot.to_owned(), model.theme.key)), last);
}

/// The part of the lines that fits, with those that are kept in it; what is above and below is said in place of a line.
fn in_sight(
    model: &Model,
    mut lines: Vec<Line<'static>>,
    room: usize,
    kept: &Range<usize>,
) -> Vec<Line<'static>> {
    let all = lines.len();
    if all <= room || kept.is_empty() {
        return lines;
    }
    // One line of room for each of the two signs, where there is any.
    let signs = usize::from(room >= 3 + kept.len());
    let top = (kept.end + signs).saturating_sub(room).min(kept.start).min(all - room);
    let mut shown: Vec<Line<'static>> = lines.drain(top..top + room).collect();
    let (above, below) = (top, all - top - room);
    if signs > 0 && above > 0 {
        let text = format!("{} {} above", model.glyphs.above, above + 1);
        shown[0] = Line::styled(text, model.theme.dim);
    }
    if signs > 0 && below > 0 {
        let text = format!("{} {} below", model.glyphs.below, below + 1);
        shown[room - 1] = Line::styled(text, model.theme.dim);
    }
    shown
}

/// Cells inside a dialog of full width.
fn widest(screen: Rect) -> usize {
    usize::from(WIDEST.min(screen.width).saturating_sub(2))
}

/// One action on one line, in the list of help and palette: what is not possible now is marked and dim.
fn action_line(model: &Model, screen: Rect, head: &str, entry: &Entry, is_marked: bool) -> Line<'static> {
    let theme = &model.theme;
    let possible = allow(model, entry.action).is_ok();
    let mark = if possible { " " } else { model.glyphs.closed };
    let doc = fit(entry.doc, widest(screen).saturating_sub(head.chars().count() + 2));
    Line::from(vec![
        Span::styled(head.to_owned(), if is_marked { theme.selected } else { theme.strong }),
        Span::styled(format!("{mark} "), theme.bad),
        Span::styled(doc, if possible { Style::new() } else { theme.dim }),
    ])
}

/// Below such a list: why the marked action is not possible now.
fn about(model: &Model, entry: Option<&Entry>) -> Vec<Line<'static>> {
    let why = entry.and_then(|entry| allow(model, entry.action).err());
    let line =
        why.map(|why| Line::styled(format!("{} not now: {why}", model.glyphs.closed), model.theme.busy));
    vec![Line::default(), line.unwrap_or_default()]
}

/// The frame of every dialog.
pub(super) fn frame_block(model: &Model, title: &str) -> Block<'static> {
    let title = format!(" {title} ");
    let block =
        Block::bordered().border_style(model.theme.focus).title(Line::styled(title, model.theme.title));
    if model.glyphs.ascii { block.border_set(super::view::ASCII_BORDER) } else { block }
}
