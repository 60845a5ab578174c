//! Dialogs on top of the panes: a stack, the last one has the keys.

pub mod confirm;
pub mod deploy;
pub mod form;
pub mod help;
pub mod palette;
pub mod rollback;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::layout;
use super::model::Model;
use super::msg::Effect;
use crate::domain::approval::Verdict;
use crate::domain::deployment::Deployment;
use crate::domain::freeze::Freeze;
use crate::domain::policy::Environment;
use crate::ops::approval::decide::Decision;
use crate::ops::view::queue::Pending;

/// One dialog.
#[derive(Debug)]
pub enum Popup {
    Deploy(Box<deploy::Dialog>),
    Rollback(Box<rollback::Dialog>),
    Confirm(Box<confirm::Dialog>),
    Form(Box<form::Form>),
    /// Text to read.
    Page {
        title: String,
        lines: Vec<Line<'static>>,
        top: usize,
    },
    Help(help::Help),
    Palette(palette::Palette),
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
    /// Close and run an action as if its key had been pressed.
    Run(super::action::Action),
    Say(String),
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

    pub fn cancel(d: &Deployment, model: &Model) -> Self {
        let again = d.is_cancelling();
        let how = if again {
            "It was asked to stop already: this kills it at once.".to_owned()
        } else {
            "The script gets TERM, then time to clean up, then KILL.".to_owned()
        };
        let production =
            model.policy.environments.get(&d.environment).is_some_and(Environment::is_production);
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Cancel {}", d.id),
            facts: Vec::new(),
            lines: vec![
                format!("{} of {} to {}, started by {}", d.kind, d.release, d.environment, d.started_by.name),
                how,
                "What it has done so far stays done; going back is a rollback (B).".to_owned(),
            ],
            production: production.then(|| d.environment.to_string()),
            // Stopping must be quick even in production: y, not a typed version.
            typed: None,
            effect: Effect::Cancel { id: d.id, reason: None },
            arming: Arming::now(model),
        }))
    }

    pub fn approve(item: &Pending, model: &Model) -> Self {
        let about = item.subject.as_text().to_owned();
        let decision = Decision {
            release: item.release.id.clone(),
            environment: super::pane::queue::environment(item),
            verdict: Verdict::Approved,
            reason: None,
            seen: Some(item.digest.clone()),
        };
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Approve {} for {about}", item.release.id),
            facts: super::pane::queue::about(model, item),
            lines: Vec::new(),
            production: None,
            typed: None,
            effect: Effect::Decide(Box::new(decision)),
            arming: Arming::now(model),
        }))
    }

    pub fn remove_freeze(freeze: &Freeze, model: &Model) -> Self {
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Remove freeze {}", freeze.handle()),
            facts: Vec::new(),
            lines: vec![
                format!("\"{}\" closes {}: {}", freeze.name, freeze.scope.describe(), freeze.reason),
                format!("until {}", model.moment(freeze.window.end)),
            ],
            production: None,
            typed: None,
            effect: Effect::RemoveFreeze { handle: freeze.handle() },
            arming: Arming::now(model),
        }))
    }

    /// Hands a key (by its registry name) to the dialog.
    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        match self {
            Self::Deploy(dialog) => dialog.key(model, key),
            Self::Rollback(dialog) => dialog.key(model, key),
            Self::Confirm(dialog) => dialog.key(model, key),
            Self::Form(form) => form.key(model, key),
            Self::Page { lines, top, .. } => page_key(lines.len(), top, model, key),
            Self::Help(help) => help.key(model, key),
            Self::Palette(palette) => palette.key(model, key),
        }
    }

    /// Pasted text: into fields, never into confirmations.
    pub fn paste(&mut self, text: &str) -> bool {
        match self {
            Self::Form(form) => {
                form.paste(text);
                true
            }
            Self::Help(help) => {
                help.filter.insert(text);
                true
            }
            Self::Palette(palette) => {
                palette.input.insert(text);
                true
            }
            Self::Deploy(_) | Self::Rollback(_) | Self::Confirm(_) | Self::Page { .. } => false,
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>) {
        let screen = frame.area();
        match self {
            Self::Deploy(dialog) => dialog.view(model, frame, screen),
            Self::Rollback(dialog) => dialog.view(model, frame, screen),
            Self::Confirm(dialog) => dialog.view(model, frame, screen),
            Self::Form(form) => form.view(model, frame, screen),
            Self::Page { title, lines, top } => {
                let shown: Vec<Line<'static>> = lines.iter().skip(*top).cloned().collect();
                let foot = "Esc closes  j k scroll";
                dialog_box(model, frame, screen, title, shown, foot);
            }
            Self::Help(help) => help.view(model, frame, screen),
            Self::Palette(palette) => palette.view(model, frame, screen),
        }
    }
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
    *top = (*top).min(length.saturating_sub(page.min(length)));
    Outcome::Stay
}

/// Draws a framed dialog in the middle, as large as its text wants.
pub(super) fn dialog_box(
    model: &Model,
    frame: &mut Frame<'_>,
    screen: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    foot: &str,
) {
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let wanted = u16::try_from(widest.max(foot.len()).max(title.chars().count() + 4) + 4).unwrap_or(u16::MAX);
    let width = wanted.clamp(46, 110).min(screen.width);
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    let inner_width = width.saturating_sub(2);
    let height = u16::try_from(text.line_count(inner_width)).unwrap_or(u16::MAX).saturating_add(3);
    let area = layout::centred(screen, width, height.min(screen.height.saturating_sub(1)));
    if area.width < 4 || area.height < 3 {
        return;
    }
    frame.render_widget(Clear, area);
    frame.render_widget(frame_block(model, title), area);
    let inner = layout::inner(layout::Borders::Full, area);
    let body = Rect { height: inner.height.saturating_sub(1), ..inner };
    frame.render_widget(text, body);
    let last = Rect { y: inner.y + inner.height.saturating_sub(1), height: inner.height.min(1), ..inner };
    frame.render_widget(Paragraph::new(Line::styled(foot.to_owned(), model.theme.key)), last);
}

/// The frame of every dialog.
pub(super) fn frame_block(model: &Model, title: &str) -> Block<'static> {
    let title = format!(" {title} ");
    let block =
        Block::bordered().border_style(model.theme.focus).title(Line::styled(title, model.theme.title));
    if model.glyphs.ascii { block.border_set(super::view::ASCII_BORDER) } else { block }
}
