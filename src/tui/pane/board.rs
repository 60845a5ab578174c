//! The release pipeline: seven stages of cards, or one list where the screen is narrow.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::action::Action;
use super::super::layout;
use super::super::model::{Model, Pane};
use super::super::msg::Effect;
use super::super::popup::{self, Popup};
use super::super::presence;
use super::super::widget::filter;
use super::order::Order;
use super::{longest_that_fits, scrolled};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::domain::release::Stage;
use crate::domain::text::{fit, pad};
use crate::ops::view::board::{Card, Cell, Mood, Reached, standing};
use unicode_width::UnicodeWidthStr as _;

/// Width from which the seven stages stand side by side.
const COLUMNS_FROM: u16 = 126;

/// What the board remembers: the selected release by name, so that it stays selected wherever it moves.
#[derive(Debug, Default)]
pub struct State {
    pub selected: Option<ReleaseId>,
    /// Registered here and not on the board yet: it is stood on when it comes.
    pub awaited: Option<ReleaseId>,
    pub filter: String,
    pub order: Order,
    /// What is scrolled out of sight: lines of the list, or cards of the selected column.
    top: usize,
}

/// Lines of a card in the list and in a column.
const ROW: usize = 2;
const CARD: usize = 5;

/// How many lines of the list, or cards of a column, there is room for.
fn room(area: Rect) -> usize {
    let below = usize::from(area.height.saturating_sub(1));
    if is_wide(area) { (below / CARD).max(1) } else { below }
}

fn is_wide(area: Rect) -> bool {
    area.width >= COLUMNS_FROM
}

/// Where the selected card stands: its place among the cards, and what must be in sight of it, as a range of lines
/// (list) or cards (column); and how many of these there are.
fn place(model: &Model, wide: bool) -> Option<(usize, std::ops::Range<usize>, usize)> {
    let all = cards(model);
    let at = all.iter().position(|card| Some(&card.release.id) == model.board.selected.as_ref())?;
    let stage = all[at].release.stage;
    let first = all.iter().position(|card| card.release.stage == stage)?;
    if wide {
        let count = all.iter().filter(|card| card.release.stage == stage).count();
        return Some((at, at - first..at - first + 1, count));
    }
    let titles = |upto: usize| {
        let mut stages: Vec<Stage> = all[..upto].iter().map(|card| card.release.stage).collect();
        stages.dedup();
        stages.len()
    };
    // The title of the stage belongs to its first card.
    let start = at * ROW + titles(at);
    let end = (at + 1) * ROW + titles(at + 1);
    Some((at, start..end, all.len() * ROW + titles(all.len())))
}

/// What is scrolled out of sight so that the selected card is in sight, moved as little as possible.
fn top(model: &Model, area: Rect) -> usize {
    let Some((_, wanted, count)) = place(model, is_wide(area)) else { return 0 };
    let room = room(area);
    let top = scrolled(model.board.top.min(wanted.start), wanted.end.saturating_sub(1), room);
    // Never more empty room below than there must be.
    top.min(count.saturating_sub(room))
}

pub fn settle(model: &mut Model) {
    if let Some(area) = layout::pane(model, Pane::Board) {
        model.board.top = top(model, area);
    }
}

pub fn position(model: &Model) -> String {
    let Some(area) = layout::pane(model, Pane::Board) else { return String::new() };
    let wide = is_wide(area);
    let Some((at, _, count)) = place(model, wide) else { return String::new() };
    let top = top(model, area);
    let (above, below) = if wide { (false, false) } else { (top > 0, top + room(area) < count) };
    super::of(&model.glyphs, at, cards(model).len(), above, below)
}

/// The cards that pass the filter, in the order of stages.
pub fn cards(model: &Model) -> Vec<&Card> {
    let passes = |card: &&Card| filter::passes(&facts(card), &model.board.filter);
    let mut cards: Vec<&Card> = model.views.board.cards.iter().filter(passes).collect();
    cards
        .sort_by(|a, b| a.release.stage.cmp(&b.release.stage).then_with(|| model.board.order.of_cards(a, b)));
    cards
}

/// What a filter can ask of a card.
fn facts(card: &Card) -> filter::Row {
    let release = &card.release;
    let owner = release.plan.owner.clone().unwrap_or_default();
    let text = format!("{} {} {} {owner}", release.id, release.title, release.stage);
    let mut facts = vec![
        ("service", release.id.service.to_string()),
        ("stage", release.stage.to_string()),
        ("owner", owner),
        ("risk", release.plan.risk.map_or_else(|| "not weighed".to_owned(), |risk| risk.to_string())),
        ("kind", release.kind.to_string()),
    ];
    let there = card.cells.iter().filter(|cell| matches!(cell.reached, Reached::Live | Reached::Active));
    facts.extend(there.map(|cell| ("env", cell.environment.to_string())));
    facts.extend(card.blockers().into_iter().map(|word| ("lacks", word)));
    facts.extend(card.gaps().into_iter().map(|word| ("lacks", word.to_owned())));
    filter::Row { text, facts }
}

/// Puts the cursor on a release, if it is on the board.
pub fn stand_on(model: &mut Model, release: &ReleaseId) {
    if cards(model).iter().any(|card| card.release.id == *release) {
        model.board.selected = Some(release.clone());
        settle(model);
    }
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
    if change == Change::Views
        && let Some(new) = model.board.awaited.take_if(|new| now.contains(new))
    {
        model.board.selected = Some(new);
        return;
    }
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
        Action::Sort => {
            model.board.order = model.board.order.next();
            model.say(format!("sorted within each stage: {}", model.board.order.sentence()));
        }
        _ => return on_card(model, action),
    }
    Vec::new()
}

fn on_card(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::NewRelease {
        model.popups.push(popup::form::release::new_release(model));
        return Vec::new();
    }
    if action == Action::Demo {
        return vec![Effect::Demo];
    }
    if action == Action::Decide {
        let popup = undecided(model).and_then(|d| Popup::decide(d, model));
        model.popups.extend(popup);
        return Vec::new();
    }
    let Some(card) = selected(model) else { return Vec::new() };
    let id = card.release.id.clone();
    match action {
        Action::Open => vec![Effect::Detail(id)],
        Action::Edit => {
            let popup = popup::form::release::edit(&card.release, model.zone);
            model.popups.push(popup);
            Vec::new()
        }
        Action::Sheet => {
            let popup = Popup::Sheet(popup::sheet::Sheet::new(model, &card.release));
            model.popups.push(popup);
            Vec::new()
        }
        Action::Advance => vec![Effect::Advance(id)],
        Action::MoveBack => {
            model.popups.push(popup::form::release::move_back(&id));
            Vec::new()
        }
        Action::Block => {
            let is_blocked = card.release.blocked.is_some();
            model.popups.push(popup::form::release::block(&id, is_blocked));
            Vec::new()
        }
        Action::Deploy => target(model, card)
            .map(|environment| vec![Effect::Preview { release: id, environment }])
            .unwrap_or_default(),
        Action::Why => target(model, card)
            .map(|environment| vec![Effect::Explain { release: id, environment }])
            .unwrap_or_default(),
        // What waits for a person is asked about that: a rollback is one of the answers.
        Action::RollBack if undecided(model).is_some_and(|d| d.release == id) => {
            let popup = undecided(model).and_then(|d| Popup::decide(d, model));
            model.popups.extend(popup);
            Vec::new()
        }
        Action::RollBack => rollback_target(card)
            .map(|environment| vec![Effect::AskChoices { service: id.service, environment }])
            .unwrap_or_default(),
        Action::CancelDeployment => {
            let popup = stoppable(model, &id).map(|d| Popup::cancel(d, model));
            model.popups.extend(popup);
            Vec::new()
        }
        Action::Schedule => {
            let popup = schedule(model, card);
            let wanted = popup.as_ref().and_then(Popup::wants_to_know);
            model.popups.extend(popup);
            wanted.into_iter().collect()
        }
        Action::Chain => {
            let form = target(model, card).map(|env| popup::form::chain::ask(model, &id, &env));
            model.popups.extend(form);
            Vec::new()
        }
        Action::GoLog => {
            let newest = newest_deployment(model, &id);
            newest.map(|id| vec![Effect::Watch(id)]).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The deployment a person may decide about: the selected release's, else the one that waits longest for a person, else
/// one that pauses.
pub fn undecided(model: &Model) -> Option<&Deployment> {
    let waiting = || model.views.board.active.iter().filter(|d| popup::may_be_decided(d));
    let mine = waiting().find(|d| model.board.selected.as_ref() == Some(&d.release));
    mine.or_else(|| {
        waiting().min_by_key(|d| (!popup::waits_for_person(d), d.hold.as_ref().map(|hold| hold.since)))
    })
}

/// The deployment of this release that could be stopped or called off: what runs, else what waits.
pub fn stoppable<'a>(model: &'a Model, id: &ReleaseId) -> Option<&'a Deployment> {
    let board = &model.views.board;
    let running = board.active.iter().find(|d| d.release == *id && d.state.is_live());
    running.or_else(|| waiting(model, id))
}

/// The deployment of this release that has not begun.
pub fn waiting<'a>(model: &'a Model, id: &ReleaseId) -> Option<&'a Deployment> {
    model.views.board.pending.iter().find(|d| d.release == *id)
}

/// The newest deployment of a release that has a log, or will have one.
pub fn newest_deployment(model: &Model, id: &ReleaseId) -> Option<DeploymentId> {
    let card = model.views.board.cards.iter().find(|card| card.release.id == *id);
    let began = card.into_iter().flat_map(|card| &card.cells).filter_map(|cell| cell.deployment);
    began.chain(waiting(model, id).map(|d| d.id)).max()
}

fn schedule(model: &Model, card: &Card) -> Option<Popup> {
    let id = &card.release.id;
    let environment = target(model, card)?;
    let report = card.next.as_ref().filter(|next| next.environment == environment).map(|next| &next.report);
    Some(popup::form::deployment::schedule(model, waiting(model, id), id, &environment, report))
}

/// Where a deployment of this release would go next: the first environment it is not live in, or the last one
/// again once it is live everywhere.
pub fn target(model: &Model, card: &Card) -> Option<crate::domain::ids::EnvName> {
    let next = card.next.as_ref().map(|next| next.environment.clone());
    let service = model.policy.services.get(&card.release.id.service);
    next.or_else(|| {
        service.and_then(|service| service.pipeline_of(&card.release).goal().environments.first().cloned())
    })
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
    let widest = all.iter().map(|card| card.release.id.to_string().width()).max().unwrap_or(0);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut stage = None;
    for card in &all {
        if stage != Some(card.release.stage) {
            stage = Some(card.release.stage);
            let title = card.release.stage.as_str().to_uppercase();
            lines.push(Line::styled(title, model.theme.title));
        }
        lines.extend(row(model, card, usize::from(area.width), widest));
    }
    frame.render_widget(Paragraph::new(strip(model, &all, area.width)), Rect { height: 1, ..area });
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if all.is_empty() {
        frame.render_widget(Paragraph::new(nothing(model)), below);
        return;
    }
    let shown: Vec<Line<'static>> = lines.into_iter().skip(top(model, area)).take(room(area)).collect();
    frame.render_widget(Paragraph::new(shown), below);
}

fn nothing(model: &Model) -> String {
    if model.board.filter.is_empty() {
        format!("No release is open. {} registers one.", model.key(Action::NewRelease))
    } else {
        format!("No release fits /{}. Esc clears the filter.", model.board.filter)
    }
}

fn row(model: &Model, card: &Card, width: usize, widest_id: usize) -> Vec<Line<'static>> {
    let release = &card.release;
    let theme = &model.theme;
    let is_selected = Some(&release.id) == model.board.selected.as_ref();
    let cursor = if is_selected { model.glyphs.cursor } else { " " };
    let style = if is_selected { theme.selected } else { theme.strong };
    let risk = release.plan.risk.map_or_else(String::new, |risk| format!("{risk} risk"));
    let age_width = model.age_width();
    // Cursor, age, risk and the gaps between them; the name gets what its longest needs, the environments the rest.
    let others = 2 + 2 + age_width + 2 + "medium risk".len() + 2;
    let id_width = widest_id.clamp(12, (width.saturating_sub(others) / 2).max(12));
    let mut head = vec![
        Span::raw(format!("{cursor} ")),
        Span::styled(pad(&release.id.to_string(), id_width), style),
        Span::styled(format!("  {:>age_width$}  ", model.age(release.stage_since)), theme.dim),
        Span::raw(format!("{risk:<11}  ")),
    ];
    head.extend(cells(model, &card.cells, width.saturating_sub(others + id_width)));
    let (note, note_style) = note(model, card);
    let room = width.saturating_sub(4);
    // Who else is on it is short, or cut, and goes before the title.
    let others = presence::mark(model, &release.id).map(|mark| format!("{}  ", fit(&mark, room / 2)));
    let others = others.unwrap_or_default();
    let note_room = room.saturating_sub(others.width());
    let title_room = note_room.saturating_sub(note.width().min(room / 2) + 2);
    let title = fit(&release.title, title_room);
    let body = vec![
        Span::raw("    "),
        Span::styled(title.clone(), theme.dim),
        Span::raw("  "),
        Span::styled(others, theme.busy),
        Span::styled(fit(&note, note_room.saturating_sub(title.width() + 2)), note_style),
    ];
    vec![Line::from(head), Line::from(body)]
}

/// Every environment with its mark. Where there is little room the longest names are cut first, each with a sign.
fn cells(model: &Model, cells: &[Cell], width: usize) -> Vec<Span<'static>> {
    if cells.is_empty() {
        return vec![Span::styled(fit("no longer configured", width), model.theme.bad)];
    }
    let names = width.saturating_sub(cells.len() * 2 - 1);
    let longest =
        longest_that_fits(cells.iter().map(|cell| cell.environment.as_str().len()).collect(), names);
    let mut spans = Vec::new();
    for cell in cells {
        let (mark, style) = mark(model, cell.reached);
        spans.push(Span::styled(mark, style));
        // One letter and a sign say nothing: then the marks alone, in the order of the pipeline.
        let name = if longest < 2 { String::new() } else { fit(cell.environment.as_str(), longest) };
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
    let (mood, text) = standing(card, &model.views.board, model.now);
    let style = match mood {
        Mood::Good => theme.good,
        Mood::Busy => theme.busy,
        Mood::Bad => theme.bad,
        Mood::Quiet => theme.dim,
    };
    (text, style)
}

/// Seven columns side by side.
fn columns(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let all = cards(model);
    let areas = Layout::horizontal(vec![Constraint::Fill(1); Stage::ALL.len()]).spacing(1).split(area);
    let current = selected(model).map(|card| card.release.stage);
    for (stage, column) in Stage::ALL.into_iter().zip(areas.iter()) {
        let own: Vec<&&Card> = all.iter().filter(|card| card.release.stage == stage).collect();
        let style = if current == Some(stage) { model.theme.selected } else { model.theme.title };
        let top = if current == Some(stage) { top(model, area) } else { 0 };
        let above = if top > 0 { format!(" {}{top}", model.glyphs.above) } else { String::new() };
        let title = format!("{} {}{above}", stage.as_str().to_uppercase(), own.len());
        let head = Line::styled(fit(&title, usize::from(column.width)), style);
        frame.render_widget(Paragraph::new(head), Rect { height: column.height.min(1), ..*column });
        let below = Rect { y: column.y + 1, height: column.height.saturating_sub(1), ..*column };
        let fits = room(area);
        let width = usize::from(column.width);
        let mut lines = Vec::new();
        for card in own.iter().skip(top).take(fits) {
            lines.extend(card_lines(model, card, width));
        }
        // The last line of a card is empty: there is room for it.
        let hidden = own.len().saturating_sub(top + fits);
        if hidden > 0 {
            lines.truncate((fits * CARD).min(usize::from(below.height)).saturating_sub(1));
            lines.push(Line::styled(format!("{} {hidden} more", model.glyphs.below), model.theme.dim));
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
    let age = model.age(release.stage_since);
    let (note, note_style) = note(model, card);
    // In a narrow column what it waits for matters more than where: that is its next environment.
    let others = presence::mark(model, &release.id).unwrap_or_default();
    let next = card.next.as_ref().map(|next| format!("{}: ", next.environment)).unwrap_or_default();
    let note = note.strip_prefix(&next).unwrap_or(&note);
    vec![
        Line::styled(fit(&format!("{cursor}{}", release.id.service), width), style),
        Line::raw(fit(&format!("{}{risk} {age}", release.id.version), width)),
        Line::from(cells(model, &card.cells, width)),
        Line::styled(fit(note, width), note_style),
        Line::styled(fit(&others, width), theme.busy),
    ]
}

/// The freezes that close something now, for the header.
pub fn frozen_now(model: &Model) -> Option<String> {
    let now = model.now;
    let closed = model.views.board.freezes.iter().filter_map(|freeze| Some((freeze, freeze.covering(now)?)));
    // Those that stop whoever looks come first.
    let (freeze, window) = closed.min_by_key(|(freeze, _)| !freeze.applies(false))?;
    // What is cut when there is little room is the name; when it opens is what people ask.
    Some(format!("FROZEN until {}: {} ({})", model.near(window.end), freeze.scope.describe(), freeze.title()))
}
