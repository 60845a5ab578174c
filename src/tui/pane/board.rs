//! The release pipeline: seven stages of cards, or one list where the screen is narrow.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::action::Action;
use super::super::model::Model;
use super::super::msg::Effect;
use super::super::popup::{self, Popup};
use super::scrolled;
use crate::domain::deployment::DeploymentState;
use crate::domain::ids::ReleaseId;
use crate::domain::release::Stage;
use crate::domain::text::fit;
use crate::domain::time::{relative, span};
use crate::ops::view::board::{Card, Cell, Reached, first_reason};

/// Width from which the seven stages stand side by side.
const COLUMNS_FROM: u16 = 126;

/// What the board remembers: the selected release by name, so that it stays selected wherever it moves.
#[derive(Debug, Default)]
pub struct State {
    pub selected: Option<ReleaseId>,
    pub filter: String,
}

/// The cards that pass the filter, in the order of stages.
pub fn cards(model: &Model) -> Vec<&Card> {
    let mut cards: Vec<&Card> =
        model.views.board.cards.iter().filter(|card| passes(card, &model.board.filter)).collect();
    cards.sort_by_key(|card| card.release.stage);
    cards
}

/// Smart-case substring of id, title, stage or owner; `!text` for those without.
fn passes(card: &Card, filter: &str) -> bool {
    let release = &card.release;
    let owner = release.plan.owner.as_deref().unwrap_or_default();
    let hay = format!("{} {} {} {owner}", release.id, release.title, release.stage);
    super::super::widget::matches(&hay, filter)
}

/// The selected card.
pub fn selected(model: &Model) -> Option<&Card> {
    let id = model.board.selected.as_ref()?;
    cards(model).into_iter().find(|card| card.release.id == *id)
}

/// Why the list changed: what another person did is said, what one's own filter hides is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Views,
    Filter,
}

/// After a change: the same release stays selected; if it is gone, its neighbour is.
pub fn reselect(model: &mut Model, before: &[ReleaseId], change: Change) {
    let now: Vec<ReleaseId> = cards(model).iter().map(|card| card.release.id.clone()).collect();
    let Some(selected) = model.board.selected.clone() else {
        model.board.selected = now.first().cloned();
        return;
    };
    if now.contains(&selected) {
        return;
    }
    let at = before.iter().position(|id| *id == selected).unwrap_or(0);
    let next = before[at.min(before.len())..].iter().find(|id| now.contains(id)).or(now.last());
    if model.loaded && change == Change::Views {
        model.say(format!("{selected} is no longer on the board"));
    }
    model.board.selected = next.cloned();
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Up => step(model, -1),
        Action::Down => step(model, 1),
        Action::HalfUp | Action::PageUp => step(model, -5),
        Action::HalfDown | Action::PageDown => step(model, 5),
        Action::Top => step(model, isize::MIN / 2),
        Action::Bottom => step(model, isize::MAX / 2),
        Action::Left => jump(model, -1),
        Action::Right => jump(model, 1),
        _ => return on_card(model, action),
    }
    Vec::new()
}

fn on_card(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::NewRelease {
        model.popups.push(popup::form::new_release(model));
        return Vec::new();
    }
    if action == Action::Demo {
        return vec![Effect::Demo];
    }
    let Some(card) = selected(model) else { return Vec::new() };
    let id = card.release.id.clone();
    match action {
        Action::Open => vec![Effect::Detail(id)],
        Action::Edit => {
            let popup = popup::form::edit(&card.release, model.zone);
            model.popups.push(popup);
            Vec::new()
        }
        Action::Advance => vec![Effect::Advance(id)],
        Action::MoveBack => {
            model.popups.push(popup::form::move_back(&id));
            Vec::new()
        }
        Action::Block => {
            let is_blocked = card.release.blocked.is_some();
            model.popups.push(popup::form::block(&id, is_blocked));
            Vec::new()
        }
        Action::Deploy | Action::Why => target(model, card)
            .map(|environment| vec![Effect::Preview { release: id, environment }])
            .unwrap_or_default(),
        Action::RollBack => rollback_target(card)
            .map(|environment| vec![Effect::AskChoices { service: id.service, environment }])
            .unwrap_or_default(),
        Action::CancelDeployment => {
            let running = model.views.board.active.iter().find(|d| d.release == id && d.state.is_live());
            if let Some(running) = running {
                model.popups.push(Popup::cancel(running, model));
            }
            Vec::new()
        }
        Action::GoLog => {
            let newest = card.cells.iter().filter_map(|cell| cell.deployment).max();
            newest.map(|id| vec![Effect::Watch(id)]).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Where a deployment of this release would go next: the first environment it is not live in, or the last one
/// again once it is live everywhere.
pub fn target(model: &Model, card: &Card) -> Option<crate::domain::ids::EnvName> {
    let next = card.next.as_ref().map(|next| next.environment.clone());
    let service = model.policy.services.get(&card.release.id.service);
    next.or_else(|| service.map(|service| service.goal().clone()))
}

/// Where rolling back makes most sense: the furthest environment this release has touched.
pub fn rollback_target(card: &Card) -> Option<crate::domain::ids::EnvName> {
    card.cells.iter().rev().find(|cell| cell.reached != Reached::Not).map(|cell| cell.environment.clone())
}

fn step(model: &mut Model, by: isize) {
    let ids: Vec<ReleaseId> = cards(model).iter().map(|card| card.release.id.clone()).collect();
    if ids.is_empty() {
        return;
    }
    let at = ids.iter().position(|id| Some(id) == model.board.selected.as_ref()).unwrap_or(0);
    let to = at.saturating_add_signed(by).min(ids.len() - 1);
    model.board.selected = Some(ids[to].clone());
}

/// To the first card of the next stage that has one.
fn jump(model: &mut Model, by: i32) {
    let all = cards(model);
    let Some(current) = selected(model).map(|card| card.release.stage) else { return };
    let mut stage = if by < 0 { current.previous() } else { current.next() };
    while let Some(candidate) = stage {
        if let Some(card) = all.iter().find(|card| card.release.stage == candidate) {
            model.board.selected = Some(card.release.id.clone());
            return;
        }
        stage = if by < 0 { candidate.previous() } else { candidate.next() };
    }
}

pub fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    if !model.loaded {
        frame.render_widget(Paragraph::new("reading the store…"), area);
        return;
    }
    if model.views.board.is_new {
        frame.render_widget(greeting(model), area);
        return;
    }
    if area.width >= COLUMNS_FROM {
        columns(model, frame, area);
    } else {
        list(model, frame, area);
    }
}

/// What an empty store says: the next step, without a document.
fn greeting(model: &Model) -> Paragraph<'static> {
    let key = |key: &str| Span::styled(key.to_owned(), model.theme.key);
    let line = |spans: Vec<Span<'static>>| Line::from(spans);
    let samples = if model.is_demo {
        [
            line(vec![
                "  ".into(),
                key("M"),
                "  look around first: fill the store with samples by really".into(),
            ]),
            line(vec!["     running the demo scripts (half a minute; they copy files only)".into()]),
        ]
    } else {
        [line(vec!["     or look around first, in an empty directory: relman demo".into()]), Line::default()]
    };
    let mut lines = vec![
        line(vec![Span::styled("Nothing here yet.", model.theme.strong)]),
        Line::default(),
        line(vec!["  ".into(), key("n"), "  register your first release".into()]),
    ];
    lines.extend(samples);
    lines.push(line(vec!["  ".into(), key("?"), "  every key of this pane".into()]));
    lines.push(line(vec!["  ".into(), key("q"), "  leave".into()]));
    Paragraph::new(lines)
}

/// Seven stages with their counts; the selected card's stage stands out.
fn strip(model: &Model, all: &[&Card], width: u16) -> Line<'static> {
    let current = selected(model).map(|card| card.release.stage);
    let mut spans = Vec::new();
    for stage in Stage::ALL {
        let count = all.iter().filter(|card| card.release.stage == stage).count();
        let name = if width >= 78 { stage.as_str().to_owned() } else { stage.as_str()[..2].to_owned() };
        let text = format!("{name} {count}");
        let style = match (current == Some(stage), count) {
            (true, _) => model.theme.selected,
            (false, 0) => model.theme.dim,
            (false, _) => model.theme.strong,
        };
        if !spans.is_empty() {
            let arrow = if model.glyphs.ascii { " > " } else { " › " };
            spans.push(Span::styled(arrow, model.theme.dim));
        }
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

/// One list for narrow screens, grouped by stage, two lines a card.
fn list(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let all = cards(model);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut selected_line = 0;
    let mut stage = None;
    for card in &all {
        let is_selected = Some(&card.release.id) == model.board.selected.as_ref();
        if stage != Some(card.release.stage) {
            stage = Some(card.release.stage);
            let title = card.release.stage.as_str().to_uppercase();
            lines.push(Line::styled(title, model.theme.title));
        }
        if is_selected {
            selected_line = lines.len();
        }
        lines.extend(row(model, card, is_selected, usize::from(area.width)));
    }
    let rows = usize::from(area.height.saturating_sub(1));
    let bottom = (selected_line + 1).min(lines.len().saturating_sub(1));
    let mut top = scrolled(0, bottom, rows);
    if selected_line == 1 {
        top = 0;
    }
    frame.render_widget(Paragraph::new(strip(model, &all, area.width)), Rect { height: 1, ..area });
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if all.is_empty() {
        frame.render_widget(Paragraph::new(nothing(model)), below);
        return;
    }
    let shown: Vec<Line<'static>> = lines.into_iter().skip(top).take(rows).collect();
    frame.render_widget(Paragraph::new(shown), below);
}

fn nothing(model: &Model) -> String {
    if model.board.filter.is_empty() {
        "No release is open. n registers one.".to_owned()
    } else {
        format!("No release fits /{}. Esc clears the filter.", model.board.filter)
    }
}

fn row(model: &Model, card: &Card, is_selected: bool, width: usize) -> Vec<Line<'static>> {
    let release = &card.release;
    let theme = &model.theme;
    let cursor = if is_selected { model.glyphs.cursor } else { " " };
    let style = if is_selected { theme.selected } else { theme.strong };
    let risk = release.plan.risk.map_or_else(String::new, |risk| format!("{risk} risk"));
    let age = span(model.now.since(release.stage_since));
    let mut head = vec![
        Span::raw(format!("{cursor} ")),
        Span::styled(format!("{:<26}", fit(&release.id.to_string(), 26)), style),
        Span::styled(format!(" {age:>6} "), theme.dim),
        Span::raw(format!("{risk:<11} ")),
    ];
    head.extend(cells(model, &card.cells, width.saturating_sub(48)));
    let (note, note_style) = note(model, card);
    let room = width.saturating_sub(4);
    let title_room = room.saturating_sub(note.chars().count().min(room / 2) + 2);
    let title = fit(&release.title, title_room);
    let body = vec![
        Span::raw("    "),
        Span::styled(title.clone(), theme.dim),
        Span::raw("  "),
        Span::styled(fit(&note, room.saturating_sub(title.chars().count() + 2)), note_style),
    ];
    vec![Line::from(head), Line::from(body)]
}

/// Every environment with its mark; names are cut evenly when there is little room.
fn cells(model: &Model, cells: &[Cell], width: usize) -> Vec<Span<'static>> {
    if cells.is_empty() {
        return vec![Span::styled("no longer configured", model.theme.bad)];
    }
    let each = (width / cells.len()).saturating_sub(3).max(1);
    let mut spans = Vec::new();
    for cell in cells {
        let (mark, style) = mark(model, cell.reached);
        let room = if each >= 12 { 40 } else { each };
        let name: String = cell.environment.as_str().chars().take(room).collect();
        spans.push(Span::styled(mark, style));
        spans.push(Span::raw(format!("{name} ")));
    }
    spans
}

pub fn mark(model: &Model, reached: Reached) -> (&'static str, Style) {
    let (glyphs, theme) = (&model.glyphs, &model.theme);
    match reached {
        Reached::Not => (glyphs.not, theme.dim),
        Reached::Live => (glyphs.live, theme.good),
        Reached::Replaced => (glyphs.replaced, theme.dim),
        Reached::Active => (glyphs.active, theme.busy),
        Reached::Failed => (glyphs.failed, theme.bad),
        Reached::Cancelled => (glyphs.cancelled, theme.busy),
        Reached::Lost => (glyphs.lost, theme.bad),
    }
}

/// The one thing worth knowing about a card.
fn note(model: &Model, card: &Card) -> (String, Style) {
    let theme = &model.theme;
    let active = model.views.board.active.iter().find(|d| d.release == card.release.id);
    if let Some(d) = active {
        let took = span(d.duration(model.now));
        let percent = d.progress.map(|percent| format!(" {percent}%")).unwrap_or_default();
        return match d.state {
            DeploymentState::Lost => {
                (format!("{} to {} was LOST: settle it (4, R)", d.id, d.environment), theme.bad)
            }
            _ if d.is_cancelling() => (format!("{} to {} cancelling", d.id, d.environment), theme.busy),
            state => (format!("{} {state} to {}{percent}, {took}", d.id, d.environment), theme.busy),
        };
    }
    if let Some(block) = &card.release.blocked {
        return (format!("BLOCKED: {}", block.reason), theme.bad);
    }
    let failed = card.cells.iter().find(|cell| cell.reached == Reached::Failed);
    if let Some(cell) = failed {
        return (format!("FAILED in {}", cell.environment), theme.bad);
    }
    let blockers = card.blockers();
    if !blockers.is_empty() {
        return (format!("needs {}", blockers.join(", ")), theme.busy);
    }
    match &card.next {
        None => ("has come all the way".to_owned(), theme.good),
        Some(next) if next.report.allows() => (format!("{} is open", next.environment), theme.good),
        Some(next) if card.release.stage >= Stage::Build => {
            let reason = first_reason(&next.report).unwrap_or_default();
            (format!("{}: {reason}", next.environment), theme.dim)
        }
        Some(_) if card.gaps() == 1 => ("1 gap".to_owned(), theme.dim),
        Some(_) if card.gaps() > 1 => (format!("{} gaps", card.gaps()), theme.dim),
        Some(_) => (String::new(), theme.dim),
    }
}

/// Seven columns side by side.
fn columns(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let all = cards(model);
    let areas = Layout::horizontal(vec![Constraint::Fill(1); Stage::ALL.len()]).spacing(1).split(area);
    let current = selected(model).map(|card| card.release.stage);
    for (stage, column) in Stage::ALL.into_iter().zip(areas.iter()) {
        let own: Vec<&&Card> = all.iter().filter(|card| card.release.stage == stage).collect();
        let style = if current == Some(stage) { model.theme.selected } else { model.theme.title };
        let title = format!("{} {}", stage.as_str().to_uppercase(), own.len());
        let head = Line::styled(fit(&title, usize::from(column.width)), style);
        frame.render_widget(Paragraph::new(head), Rect { height: column.height.min(1), ..*column });
        let below = Rect { y: column.y + 1, height: column.height.saturating_sub(1), ..*column };
        let height = 5;
        let fits = usize::from(below.height) / height;
        let at = own.iter().position(|card| Some(&card.release.id) == model.board.selected.as_ref());
        let top = scrolled(0, at.unwrap_or(0), fits.max(1));
        let width = usize::from(column.width);
        let mut lines = Vec::new();
        for card in own.iter().skip(top).take(fits.max(1)) {
            lines.extend(card_lines(model, card, width));
        }
        let hidden = own.len().saturating_sub(top + fits.max(1));
        if hidden > 0 {
            lines.truncate(usize::from(below.height).saturating_sub(1));
            lines.push(Line::styled(format!("{hidden} more below"), model.theme.dim));
        }
        frame.render_widget(Paragraph::new(lines), below);
    }
}

fn card_lines(model: &Model, card: &Card, width: usize) -> Vec<Line<'static>> {
    let release = &card.release;
    let theme = &model.theme;
    let is_selected = Some(&release.id) == model.board.selected.as_ref();
    let style = if is_selected { theme.selected } else { theme.strong };
    let cursor = if is_selected { model.glyphs.cursor } else { "" };
    let risk = release.plan.risk.map(|risk| format!(" {risk}")).unwrap_or_default();
    let age = span(model.now.since(release.stage_since));
    let (note, note_style) = note(model, card);
    vec![
        Line::styled(fit(&format!("{cursor}{}", release.id.service), width), style),
        Line::raw(fit(&format!("{}{risk} {age}", release.id.version), width)),
        Line::from(cells(model, &card.cells, width)),
        Line::styled(fit(&note, width), note_style),
        Line::default(),
    ]
}

/// The freezes that close something now, for the header.
pub fn frozen_now(model: &Model) -> Option<String> {
    let now = model.now;
    let freeze = model.views.board.freezes.iter().find(|freeze| freeze.window.covers(now))?;
    Some(format!(
        "FROZEN: {} ({}), opens {}",
        freeze.scope.describe(),
        freeze.name,
        relative(freeze.window.end, now)
    ))
}
