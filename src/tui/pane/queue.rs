//! The approval queue: what waits for a decision, and what it is about.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::Rect;
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
use super::super::widget::wrap::wrap;
use super::order::Order;
use super::{board, longest_that_fits, marks, scrolled};
use crate::domain::approval::ApprovalSubject;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::text::{fit, pad};
use crate::ops::view::brief::{Fact, brief};
use crate::ops::view::queue::Pending;
use unicode_width::UnicodeWidthStr as _;

/// An item by what it is, not by where it stands.
pub(super) type Key = (ReleaseId, ApprovalSubject);

#[derive(Debug, Default)]
pub struct State {
    pub selected: Option<Key>,
    pub filter: String,
    pub order: Order,
    /// What is decided about in one act.
    pub marked: BTreeSet<Key>,
    /// Items scrolled out of sight above.
    top: usize,
}

/// Rows of the list, and of what is said about the selected item below it.
fn split(area: Rect) -> (u16, u16) {
    let detail = if area.height >= 14 { area.height / 2 } else { 0 };
    (area.height - detail, detail)
}

fn place(model: &Model) -> Option<(usize, usize)> {
    let items = items(model);
    let at = items.iter().position(|item| Some(key(item)) == model.queue.selected)?;
    Some((at, items.len()))
}

fn top(model: &Model, area: Rect) -> usize {
    let Some((at, count)) = place(model) else { return 0 };
    let rows = usize::from(split(area).0);
    scrolled(model.queue.top, at, rows).min(count.saturating_sub(rows))
}

/// Puts the cursor on the first item of a release, if there is one.
pub fn stand_on(model: &mut Model, release: &ReleaseId) {
    let found = items(model).into_iter().map(key).find(|(id, _)| id == release);
    model.queue.selected = found.or(model.queue.selected.take());
    settle(model);
}

/// The same for what is asked about one environment.
pub fn stand_on_place(model: &mut Model, release: &ReleaseId, environment: Option<&EnvName>) {
    let is_it = |item: &&Pending| {
        item.release.id == *release && environment.is_none_or(|env| item.subject.environment() == Some(env))
    };
    let found = items(model).into_iter().find(is_it).map(key);
    model.queue.selected = found.or(model.queue.selected.take());
    settle(model);
}

pub fn settle(model: &mut Model) {
    if let Some(area) = layout::pane(model, Pane::Approvals) {
        model.queue.top = top(model, below(model, area));
    }
}

pub fn position(model: &Model) -> String {
    let (Some(area), Some((at, count))) = (layout::pane(model, Pane::Approvals), place(model)) else {
        return String::new();
    };
    let area = below(model, area);
    let top = top(model, area);
    let marked = match model.queue.marked.len() {
        0 => String::new(),
        count => format!("{count} marked  "),
    };
    marked + &super::of(&model.glyphs, at, count, top > 0, top + usize::from(split(area).0) < count)
}

pub(super) fn key(item: &Pending) -> Key {
    (item.release.id.clone(), item.subject.clone())
}

pub fn items(model: &Model) -> Vec<&Pending> {
    let passes = |item: &&Pending| filter::passes(&facts(item), &model.queue.filter);
    let mut items: Vec<&Pending> = model.views.queue.iter().filter(passes).collect();
    items.sort_by(|a, b| model.queue.order.of_items(a, b));
    items
}

/// What a filter can ask of an open decision.
fn facts(item: &Pending) -> filter::Row {
    let release = &item.release;
    let text = format!("{} {} {}", release.id, release.title, item.matter());
    let turn = if item.is_open_to_you() { "mine" } else { "others" };
    let mut facts = vec![
        ("service", release.id.service.to_string()),
        ("stage", release.stage.to_string()),
        ("owner", release.plan.owner.clone().unwrap_or_default()),
        ("risk", release.plan.risk.map_or_else(|| "not weighed".to_owned(), |risk| risk.to_string())),
        ("kind", release.kind.to_string()),
        ("turn", turn.to_owned()),
    ];
    facts.extend(item.subject.environment().map(|env| ("env", env.to_string())));
    let open = item.tally.rules.iter().filter(|rule| rule.by.len() < usize::from(rule.needed));
    facts.extend(open.map(|rule| ("lacks", rule.group.clone())));
    filter::Row { text, facts }
}

pub fn selected(model: &Model) -> Option<&Pending> {
    let wanted = model.queue.selected.as_ref()?;
    items(model).into_iter().find(|item| key(item) == *wanted)
}

/// The environment an item is about; `None`: the request, or the sign-off.
pub fn environment(item: &Pending) -> Option<EnvName> {
    item.subject.environment().cloned()
}

pub fn reselect(model: &mut Model) {
    marks::prune(model);
    let keys: Vec<Key> = items(model).into_iter().map(key).collect();
    let stays = model.queue.selected.as_ref().is_some_and(|selected| keys.contains(selected));
    if !stays {
        model.queue.selected = keys.first().cloned();
    }
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let by = match action {
        Action::Up => Some(-1),
        Action::Down => Some(1),
        Action::HalfUp | Action::PageUp => Some(-5),
        Action::HalfDown | Action::PageDown => Some(5),
        Action::Top => Some(isize::MIN / 2),
        Action::Bottom => Some(isize::MAX / 2),
        _ => None,
    };
    if let Some(by) = by {
        let keys: Vec<Key> = items(model).into_iter().map(key).collect();
        let at = keys.iter().position(|key| Some(key) == model.queue.selected.as_ref()).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(keys.len().saturating_sub(1));
        model.queue.selected = keys.get(to).cloned();
        return Vec::new();
    }
    on_list(model, action);
    if let Some(popup) = marks::ask(model, action) {
        model.popups.push(popup);
        return Vec::new();
    }
    if action == Action::ReviewOverride {
        let popup = popup::form::review::due(model).map(|bypass| popup::form::review::ask(model, bypass));
        model.popups.extend(popup);
        return Vec::new();
    }
    let Some(item) = selected(model) else { return Vec::new() };
    let id = item.release.id.clone();
    match action {
        Action::Approve => {
            let popup = popup::form::approval::approve_with_answers(item, model);
            let popup = popup.unwrap_or_else(|| Popup::approve(item, model));
            model.popups.push(popup);
            Vec::new()
        }
        Action::ApproveLater => {
            let popup = popup::form::approval::approve_later(item, model);
            model.popups.push(popup);
            Vec::new()
        }
        Action::Reject => {
            let popup = popup::form::approval::reject(item);
            model.popups.push(popup);
            Vec::new()
        }
        Action::Withdraw => vec![Effect::Withdraw { release: id, subject: item.subject.clone() }],
        Action::Diff => vec![Effect::Differ { release: id, subject: item.subject.clone() }],
        Action::Open => vec![Effect::Detail(id)],
        // Whether to go back, and to what, is asked in a dialog of its own.
        Action::Why if item.back.is_some() => {
            let popup = item.report.as_ref().map(|report| {
                let title = format!("Why it may or may not go back to {}", report.release);
                Popup::page(&title, popup::pages::explanation(model, report, None))
            });
            model.popups.extend(popup);
            Vec::new()
        }
        Action::Deploy if item.back.is_some() => environment(item)
            .map(|environment| vec![Effect::AskChoices { service: id.service, environment }])
            .unwrap_or_default(),
        Action::Deploy | Action::Why => match environment(item) {
            Some(environment) if action == Action::Why => vec![Effect::Explain { release: id, environment }],
            Some(environment) => vec![Effect::Preview { release: id, environment }],
            None => vec![Effect::Detail(id)],
        },
        Action::Schedule => {
            let popup = schedule(model, item);
            let wanted = popup.as_ref().and_then(Popup::wants_to_know);
            model.popups.extend(popup);
            wanted.into_iter().collect()
        }
        Action::GoLog => {
            // What is gone back to may be on no card; what is left is what one wants to see then.
            let left = item.live.as_ref().filter(|_| item.back.is_some()).map(|live| live.id);
            let newest = left.or_else(|| board::newest_deployment(model, &id));
            newest.map(|id| vec![Effect::Watch(id)]).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// What is about the list and no item of it.
fn on_list(model: &mut Model, action: Action) {
    match action {
        Action::Mark => marks::mark(model),
        Action::MarkAll => marks::mark_all(model),
        Action::Sort => {
            model.queue.order = model.queue.order.next();
            model.say(format!("sorted: {}", model.queue.order.sentence()));
        }
        _ => {}
    }
}

/// As on the board, about the environment of the item: what waits for another one is not meant here.
fn schedule(model: &Model, item: &Pending) -> Option<Popup> {
    let (id, environment) = (&item.release.id, environment(item)?);
    let pending = &model.views.board.pending;
    let waits = pending.iter().find(|d| d.release == *id && d.environment == environment);
    Some(popup::form::deployment::schedule(model, waits, id, &environment, item.report.as_ref()))
}

/// What stands above the list while overrides wait for a review.
fn owed(model: &Model) -> Option<Line<'static>> {
    let open = &model.views.overrides;
    let first = &open.first()?.deployment;
    let more = if open.len() > 1 { format!(" and {} more", open.len() - 1) } else { String::new() };
    let late = if open.iter().any(|bypass| bypass.is_overdue(model.now)) { "OVERDUE " } else { "" };
    let text = format!(
        "{late}review: {} went past {} in {} with {}{more} (V)",
        first.started_by.name,
        first.overrides.join(", "),
        first.environment,
        first.id
    );
    Some(Line::styled(text, model.theme.busy))
}

/// The part of the pane that is the list, and what below it tells about the selected item.
fn below(model: &Model, area: Rect) -> Rect {
    let taken = u16::from(!model.views.overrides.is_empty() && area.height > 3);
    Rect { y: area.y + taken, height: area.height - taken, ..area }
}

pub fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let whole = area;
    let area = below(model, whole);
    if let Some(line) = owed(model).filter(|_| area != whole) {
        frame.render_widget(Paragraph::new(line), Rect { height: 1, ..whole });
    }
    let items = items(model);
    if items.is_empty() {
        let text = match (model.loaded, model.queue.filter.is_empty()) {
            (false, _) => "reading the store…".to_owned(),
            (true, true) => "Nothing waits for an approval.".to_owned(),
            (true, false) => format!("Nothing fits /{}. Esc clears the filter.", model.queue.filter),
        };
        frame.render_widget(Paragraph::new(text), area);
        return;
    }
    let (rows, detail_rows) = split(area);
    let at = items.iter().position(|item| Some(key(item)) == model.queue.selected).unwrap_or(0);
    let lines: Vec<Line<'static>> = items
        .iter()
        .enumerate()
        .skip(top(model, area))
        .take(usize::from(rows))
        .map(|(index, item)| row(model, item, index == at, usize::from(area.width)))
        .collect();
    frame.render_widget(Paragraph::new(lines), Rect { height: rows, ..area });
    if detail_rows > 0 {
        let below = Rect { y: area.y + rows, height: detail_rows, ..area };
        let mut detail = about(model, items[at]);
        if items[at].otherwise.as_ref().is_some_and(|changed| !changed.is_empty()) {
            detail.push(Line::styled("d shows what changed in the scripts", model.theme.dim));
        }
        let detail = wrap(&detail, usize::from(below.width));
        let hidden = detail.len().saturating_sub(usize::from(below.height));
        frame.render_widget(Paragraph::new(detail), below);
        super::more_below(model, frame, below, hidden, "Enter shows all");
    }
}

fn row(model: &Model, item: &Pending, is_selected: bool, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let cursor = if is_selected { model.glyphs.cursor } else { " " };
    let mark = if model.queue.marked.contains(&key(item)) { "*" } else { " " };
    let style = if is_selected { theme.selected } else { theme.strong };
    let rules: Vec<String> = item
        .tally
        .rules
        .iter()
        .map(|rule| format!("{} {}/{}", rule.group, rule.by.len(), rule.needed))
        .collect();
    let (state, state_style) = match (&item.tally.rejected, item.tally.is_met(), &item.not_yours) {
        (Some(_), _, _) => ("REJECTED".to_owned(), theme.bad),
        (None, true, _) => ("complete".to_owned(), theme.good),
        // Whoever's turn it is: it comes to nothing until there are more people.
        (None, false, _) if item.tally.shortage.is_some() => ("NO QUORUM".to_owned(), theme.bad),
        (None, false, _) if item.timed_out.is_some() => ("TIMED OUT".to_owned(), theme.bad),
        (None, false, None) => ("YOUR TURN".to_owned(), theme.busy),
        (None, false, Some(_)) if item.escalated.is_some() => ("ESCALATED".to_owned(), theme.busy),
        (None, false, Some(why)) => (why.clone(), theme.dim),
    };
    let age_width = model.age_width();
    let age = model.age(item.since);
    let others = 2 + 1 + 1 + 2 + age_width + 2 + 10 + 1;
    // Names get what they need, then the rules; what there is no room for stands below the list.
    let widest = |text: fn(&Pending) -> usize, most: usize| {
        items(model).into_iter().map(text).max().unwrap_or(0).min(most)
    };
    let id = widest(|item| item.release.id.to_string().width(), 30);
    let about = widest(|item| item.matter().width(), 20);
    let most = longest_that_fits(vec![id, about], width.saturating_sub(others));
    let (id, about) = (id.min(most), about.min(most));
    Line::from(vec![
        Span::raw(format!("{cursor}{mark}")),
        Span::styled(pad(&item.release.id.to_string(), id), style),
        Span::raw(format!(" {} ", pad(&item.matter(), about))),
        Span::styled(format!("{age:>age_width$}  "), theme.dim),
        Span::styled(format!("{} ", pad(&state, 10)), state_style),
        Span::raw(fit(&rules.join(", "), width.saturating_sub(others + id + about))),
    ])
}

/// What is said of one of several that are decided about together: what goes where, and what else holds it up.
pub fn about_one_of_several(model: &Model, item: &Pending) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let head = format!("{} for {}: {}", item.release.id, item.matter(), item.release.title);
    let told = [
        "changes",
        "accepts",
        "need",
        "goes back",
        "switches",
        "rejects",
        "also closed",
        "freezes",
        "risk",
        "runs anew",
        "asks you",
    ];
    let mut lines = vec![Line::styled(head, theme.strong)];
    let mut is_told = false;
    for (label, text) in brief(item, model.glyphs.arrow, model.shown_zone(), model.now) {
        // One without a label goes on with what the one before it says.
        is_told = if label.is_empty() { is_told } else { told.contains(&label) };
        if is_told {
            let label = Span::styled(format!("  {label:<12}"), theme.dim);
            lines.push(Line::from(vec![label, Span::raw(text)]));
        }
    }
    lines
}

/// What an approver should know before deciding.
pub fn about(model: &Model, item: &Pending) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = vec![Line::styled(item.release.title.clone(), theme.strong)];
    lines.extend(presence::mark(model, &item.release.id).map(|mark| Line::styled(mark, theme.busy)));
    let line = |(label, text): Fact| {
        let style =
            if ["rejected", "no quorum", "timed out"].contains(&label) { theme.bad } else { Style::new() };
        Line::from(vec![Span::styled(format!("{label:<12}"), theme.dim), Span::styled(text, style)])
    };
    let facts = brief(item, model.glyphs.arrow, model.shown_zone(), model.now);
    lines.extend(facts.into_iter().map(line));
    if let Some(plan) = &item.plan {
        lines.push(line(("plan", super::super::popup::deploy::planned(model, plan, &item.digest))));
    }
    lines
}
