//! The freeze calendar: a month with its closed days, and the agenda.

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeDelta};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::action::Action;
use super::super::layout;
use super::super::model::{Model, Pane, Times};
use super::super::msg::Effect;
use super::super::popup::{self, Popup};
use super::super::widget::wrap::wrap;
use super::scrolled;
use crate::domain::deployment::Deployment;
use crate::domain::freeze::{Freeze, FreezeOrigin, Running};
use crate::domain::text::fit;
use crate::domain::time::{Fold, Timestamp, Tz, Window, resolve_local, wall};
use crate::domain::train::DepartureState;
use crate::ops::view::calendar::TrainStop;

/// From this width on a day has room for its counts: seven cells of ten.
const WITH_COUNTS: u16 = 70;

/// What the calendar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Month,
    Week,
    Agenda,
}

impl Shape {
    fn next(self) -> Self {
        match self {
            Self::Month => Self::Week,
            Self::Week => Self::Agenda,
            Self::Agenda => Self::Month,
        }
    }
}

/// By whose clock the calendar is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The configuration's.
    Policy,
    Utc,
    /// Each freeze by its own.
    Own,
}

#[derive(Debug)]
pub struct State {
    /// The selected day in the configuration's zone.
    pub day: NaiveDate,
    pub shape: Shape,
    pub clock: Clock,
    /// The selected line of the agenda.
    pub line: usize,
    /// Lines of the agenda scrolled out of sight above.
    top: usize,
    /// The weeks that are read; `None` as long as the calendar was not in sight.
    pub asked: Option<Window>,
}

impl State {
    pub fn new(now: Timestamp, zone: Tz) -> Self {
        Self {
            day: now.in_zone(zone).date_naive(),
            shape: Shape::Month,
            clock: Clock::Policy,
            line: 0,
            top: 0,
            asked: None,
        }
    }
}

/// The local day as an instant window.
pub fn day_window(day: NaiveDate, zone: Tz) -> Window {
    let at = |day: NaiveDate| resolve_local(day.and_time(NaiveTime::MIN), zone, Fold::First);
    let start = at(day);
    Window { start, end: day.succ_opt().map_or(start, at) }
}

/// The zone of days and of what happens in them.
pub fn zone(model: &Model) -> Tz {
    if model.calendar.clock == Clock::Utc || model.times == Times::Utc { Tz::UTC } else { model.zone }
}

/// The zone a freeze is told in.
fn zone_of(model: &Model, freeze: &Freeze) -> Tz {
    match model.calendar.clock {
        Clock::Own if model.times != Times::Utc => freeze.zone,
        _ => zone(model),
    }
}

pub fn zone_name(model: &Model) -> String {
    let own = if model.calendar.clock == Clock::Own { ", freezes by their own clocks" } else { "" };
    format!("{}{own}", zone(model).name())
}

/// Freezes that close a part of the span, each with the window that does.
pub fn closed_in(model: &Model, span: Window) -> impl Iterator<Item = (&Freeze, Window)> {
    let all = model.views.calendar.iter().flat_map(|view| view.freezes.iter().zip(&view.windows));
    let all = all.filter(|(freeze, _)| !freeze.suspended);
    all.flat_map(move |(freeze, windows)| {
        windows.iter().filter(move |window| window.overlaps(&span)).map(move |window| (freeze, *window))
    })
}

/// When something happens in the span: `d` deployed, `s` scheduled, `t` a train departs.
pub fn marks(model: &Model, span: Window) -> Vec<(Timestamp, &'static str)> {
    let deployed = model.views.calendar.iter().flat_map(|calendar| &calendar.deployments);
    let mut marks: Vec<_> = deployed.filter_map(|d| Some((d.began_at()?, "d"))).collect();
    marks.extend(scheduled(model, span).into_iter().map(|(_, at)| (at, "s")));
    marks.extend(trains(model, span).map(|stop| (stop.at, "t")));
    marks
}

/// The same in words.
pub fn happenings(model: &Model, span: Window, zone: Tz) -> Vec<(Timestamp, String)> {
    let clock = |at: Timestamp| at.in_zone(zone).format("%H:%M").to_string();
    let deployed = model.views.calendar.iter().flat_map(|calendar| &calendar.deployments);
    let deployed = deployed.filter_map(|d| Some((d, d.began_at().filter(|at| span.covers(*at))?)));
    let mut lines: Vec<(Timestamp, String)> =
        deployed.map(|(d, at)| (at, format!("{} {} {} {}", clock(at), d.id, d.state, d.errand()))).collect();
    lines.extend(scheduled(model, span).into_iter().map(|(d, at)| {
        (at, format!("{} {} begins: {} by {}", clock(at), d.id, d.errand(), d.started_by.name))
    }));
    lines.extend(
        trains(model, span).map(|stop| (stop.at, format!("{} train {}", clock(stop.at), stop.train))),
    );
    lines
}

/// The six weeks around the selected day's month.
pub fn span(model: &Model) -> Window {
    let first = first_shown(model.calendar.day);
    let last = first + TimeDelta::days(42);
    let zone = zone(model);
    Window { start: day_window(first, zone).start, end: day_window(last, zone).start }
}

/// The weeks to read, if the calendar is in sight and shows others than were read: what nobody looks at costs nothing.
pub fn due(model: &mut Model) -> Option<Window> {
    layout::pane(model, Pane::Calendar)?;
    let wanted = Some(span(model));
    if wanted == model.calendar.asked {
        return None;
    }
    model.calendar.asked = wanted;
    wanted
}

fn first_shown(day: NaiveDate) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first - TimeDelta::days(i64::from(first.weekday().num_days_from_monday()))
}

fn freezes(model: &Model) -> Vec<&Freeze> {
    model.views.calendar.iter().flat_map(|calendar| &calendar.freezes).collect()
}

/// Freezes that touch the selected day.
pub fn of_selected_day(model: &Model) -> Vec<&Freeze> {
    let day = day_window(model.calendar.day, zone(model));
    freezes(model).into_iter().filter(|freeze| freeze.touches(day)).collect()
}

/// Goes to the day of a moment.
pub fn stand_on(model: &mut Model, at: Timestamp) {
    model.calendar.day = at.in_zone(zone(model)).date_naive();
}

/// Something with its place in the agenda.
enum Item<'a> {
    /// One of its windows.
    Freeze(&'a Freeze, Window),
    /// A deployment and the time it is scheduled for.
    Scheduled(&'a Deployment, Timestamp),
    /// A departure of a train that is to come, or was left out.
    Train(&'a TrainStop),
}

/// Departures of trains in `span`.
fn trains(model: &Model, span: Window) -> impl Iterator<Item = &TrainStop> {
    let all = model.views.calendar.iter().flat_map(|calendar| &calendar.departures);
    all.filter(move |stop| span.covers(stop.at))
}

/// Deployments that are scheduled for a moment of `span`, by time.
fn scheduled(model: &Model, span: Window) -> Vec<(&Deployment, Timestamp)> {
    let at = |d: &Deployment| d.wait.as_ref().and_then(|wait| wait.at).filter(|at| span.covers(*at));
    let pending = model.views.calendar.iter().flat_map(|calendar| &calendar.scheduled);
    let mut all: Vec<_> = pending.filter_map(|d| Some((d, at(d)?))).collect();
    all.sort_by_key(|(_, at)| *at);
    all
}

/// What the agenda lists, by time.
fn items(model: &Model) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> =
        closed_in(model, span(model)).map(|(freeze, window)| Item::Freeze(freeze, window)).collect();
    items.extend(scheduled(model, span(model)).into_iter().map(|(d, at)| Item::Scheduled(d, at)));
    items.extend(trains(model, span(model)).map(Item::Train));
    items.sort_by_key(|item| match item {
        Item::Freeze(_, window) => window.start,
        Item::Scheduled(_, at) => *at,
        Item::Train(stop) => stop.at,
    });
    items
}

/// The freezes the cursor is on: in the agenda the selected one, in the month those of the day.
pub fn pointed_at(model: &Model) -> Vec<&Freeze> {
    match model.calendar.shape {
        Shape::Agenda => match items(model).into_iter().nth(model.calendar.line) {
            Some(Item::Freeze(freeze, _)) => vec![freeze],
            _ => Vec::new(),
        },
        Shape::Month | Shape::Week => of_selected_day(model),
    }
}

/// The freeze that `x` would take away: the first one the cursor is on that lives in the store.
pub fn removable(model: &Model) -> Option<&Freeze> {
    pointed_at(model).into_iter().find(|freeze| matches!(freeze.origin, FreezeOrigin::Store(_)))
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let (Action::Open | Action::Train, Some(stop)) = (action, train(model)) {
        // The page of the day where that is what one looks at.
        if action == Action::Train || model.calendar.shape == Shape::Agenda {
            return vec![Effect::Prognosis(stop.train.clone())];
        }
    }
    move_or_ask(model, action);
    Vec::new()
}

fn move_or_ask(model: &mut Model, action: Action) {
    let agenda = model.calendar.shape == Shape::Agenda;
    match action {
        Action::Up | Action::Down if agenda => {
            let last = items(model).len().saturating_sub(1);
            let by = if action == Action::Up { -1 } else { 1 };
            model.calendar.line = model.calendar.line.saturating_add_signed(by).min(last);
        }
        Action::Up if model.calendar.shape == Shape::Week => go(model, -1),
        Action::Down if model.calendar.shape == Shape::Week => go(model, 1),
        Action::Left if model.calendar.shape == Shape::Week => go(model, -7),
        Action::Right if model.calendar.shape == Shape::Week => go(model, 7),
        Action::Up => go(model, -7),
        Action::Down => go(model, 7),
        Action::Left => go(model, -1),
        Action::Right => go(model, 1),
        Action::PreviousMonth | Action::PageUp | Action::HalfUp => month(model, -1),
        Action::NextMonth | Action::PageDown | Action::HalfDown => month(model, 1),
        Action::Today => stand_on(model, model.now),
        Action::CalendarView => {
            model.calendar.shape = model.calendar.shape.next();
            // The agenda opens where what is over ends.
            let is_to_come = |item: &Item<'_>| match item {
                Item::Freeze(_, window) => window.end > model.now,
                Item::Scheduled(..) => true,
                Item::Train(stop) => stop.at > model.now,
            };
            model.calendar.line = items(model).iter().position(is_to_come).unwrap_or(0);
        }
        Action::CalendarZone => {
            model.calendar.clock = match model.calendar.clock {
                Clock::Policy => Clock::Utc,
                Clock::Utc => Clock::Own,
                Clock::Own => Clock::Policy,
            };
            model.say(format!("the calendar is in {}", zone_name(model)));
        }
        Action::NewFreeze => model.popups.push(popup::form::freeze::new_freeze(model)),
        Action::EditFreeze => {
            if let Some(freeze) = removable(model).cloned() {
                model.popups.push(popup::form::freeze::edit(&freeze));
            }
        }
        Action::RemoveFreeze => {
            if let Some(freeze) = removable(model).cloned() {
                model.popups.push(Popup::remove_freeze(&freeze, model));
            }
        }
        Action::Open => {
            let lines = in_full(model);
            model.popups.push(Popup::page(&format!("{}", model.calendar.day.format("%A %-d %B %Y")), lines));
        }
        _ => {}
    }
}

/// Lines of an item in the agenda.
const ROW: usize = 2;

pub fn settle(model: &mut Model) {
    let Some(area) = layout::pane(model, Pane::Calendar) else { return };
    let rows = usize::from(area.height);
    let count = items(model).len();
    let line = model.calendar.line.min(count.saturating_sub(1));
    model.calendar.line = line;
    let top = scrolled(model.calendar.top.min(line * ROW), line * ROW + ROW - 1, rows);
    model.calendar.top = top.min((count * ROW).saturating_sub(rows));
}

pub fn position(model: &Model) -> String {
    let count = items(model).len();
    let area = layout::pane(model, Pane::Calendar).filter(|_| model.calendar.shape == Shape::Agenda);
    let (Some(area), true) = (area, count > 0) else { return String::new() };
    let top = model.calendar.top;
    let below = top + usize::from(area.height) < count * ROW;
    super::of(&model.glyphs, model.calendar.line, count, top > 0, below)
}

fn go(model: &mut Model, days: i64) {
    if let Some(day) = model.calendar.day.checked_add_signed(TimeDelta::days(days)) {
        // Years beyond four digits fit no column and no reason.
        if (1970..=9998).contains(&day.year()) {
            model.calendar.day = day;
        }
    }
}

fn month(model: &mut Model, by: i32) {
    let day = model.calendar.day;
    let month = day.year() * 12 + i32::try_from(day.month0()).unwrap_or(0) + by;
    let first = NaiveDate::from_ymd_opt(month.div_euclid(12), month.rem_euclid(12).unsigned_abs() + 1, 1);
    if let Some(first) = first.filter(|first| (1970..=9998).contains(&first.year())) {
        let wanted = (1..=day.day()).rev().find_map(|number| first.with_day(number));
        model.calendar.day = wanted.unwrap_or(first);
    }
}

pub fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    if model.views.calendar.is_none() {
        // Not an empty month: that would say that nothing is closed.
        frame.render_widget(Paragraph::new("reading the store…"), area);
        return;
    }
    match model.calendar.shape {
        Shape::Agenda => return agenda(model, frame, area),
        Shape::Week => return super::week::view(model, frame, area),
        Shape::Month => {}
    }
    let cell: u16 = if area.width >= WITH_COUNTS { (area.width / 7).min(12) } else { 5 };
    let roomy = area.height >= 22;
    let grid_height = if roomy { 2 + 12 } else { 2 + 6 };
    let grid = Rect { height: grid_height.min(area.height), ..area };
    frame.render_widget(Paragraph::new(month_lines(model, usize::from(cell), roomy)), grid);
    let below = Rect { y: area.y + grid.height, height: area.height - grid.height, ..area };
    let text = wrap(&describe(model), usize::from(below.width));
    let hidden = text.len().saturating_sub(usize::from(below.height));
    frame.render_widget(Paragraph::new(text), below);
    super::more_below(model, frame, below, hidden, "Enter shows all");
}

fn month_lines(model: &Model, cell: usize, roomy: bool) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let selected = model.calendar.day;
    let today = model.now.in_zone(zone(model)).date_naive();
    // As wide as a day with a freeze, deployments, schedules and a train: narrower days show no counts.
    let counts = cell >= 10;
    let legend = if counts { "  d deployed  s scheduled  t train" } else { "" };
    let mut lines = vec![Line::from(vec![
        Span::styled(selected.format("%B %Y").to_string(), theme.title),
        Span::styled(format!("  {}  {} frozen{legend}", zone_name(model), model.glyphs.frozen), theme.dim),
    ])];
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(|day| format!("{day:<cell$}")).concat();
    lines.push(Line::styled(names, theme.dim));
    let mut day = first_shown(selected);
    for _week in 0..6 {
        let mut spans = Vec::new();
        for _day in 0..7 {
            let window = day_window(day, zone(model));
            let frozen =
                freezes(model).iter().filter(|freeze| !freeze.suspended && freeze.touches(window)).count();
            let deployed = model.views.calendar.iter().flat_map(|calendar| &calendar.deployments);
            let deployed = deployed.filter(|d| d.began_at().is_some_and(|at| window.covers(at))).count();
            let mark = if frozen > 0 { model.glyphs.frozen } else { " " };
            let to_come = scheduled(model, window).len();
            let count = match (deployed, to_come) {
                _ if !counts => String::new(),
                (0, 0) => String::new(),
                (0, to_come) => format!("{to_come}s"),
                (deployed, 0) => format!("{deployed}d"),
                (deployed, to_come) => format!("{deployed}d{to_come}s"),
            };
            let train = if counts && trains(model, window).next().is_some() { "t" } else { "" };
            let here = if day == today { "*" } else { " " };
            let text = format!("{:>2}{here}{mark}{count}{train}", day.day());
            let style = match () {
                () if day == selected => theme.selected,
                () if frozen > 0 => theme.bad,
                () if day.month() != selected.month() => theme.dim,
                () if day == today => theme.strong,
                () => ratatui::style::Style::new(),
            };
            spans.push(Span::styled(fit(&text, cell - 1), style));
            let used = text.chars().count().min(cell - 1);
            spans.push(Span::raw(" ".repeat(cell - used)));
            day = day.succ_opt().unwrap_or(day);
        }
        lines.push(Line::from(spans));
        if roomy {
            lines.push(Line::default());
        }
    }
    lines
}

/// What the selected day holds, and what comes next.
fn describe(model: &Model) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let window = day_window(model.calendar.day, zone(model));
    let mut lines = vec![Line::styled(model.calendar.day.format("%a %Y-%m-%d").to_string(), theme.strong)];
    let own = of_selected_day(model);
    for (freeze, closed) in closed_in(model, window) {
        lines.extend(freeze_lines(model, freeze, closed));
    }
    let deployed = model.views.calendar.iter().flat_map(|calendar| &calendar.deployments);
    let deployed = deployed.filter_map(|d| Some((d, d.began_at()?)));
    let deployed: Vec<_> = deployed.filter(|(_, at)| window.covers(*at)).collect();
    let to_come = scheduled(model, window);
    if own.is_empty() && deployed.is_empty() && to_come.is_empty() && trains(model, window).next().is_none() {
        lines.push(Line::styled("  nothing is closed, nothing was deployed or is scheduled", theme.dim));
    }
    for (d, at) in to_come {
        lines.push(scheduled_line(model, d, at));
    }
    lines.extend(trains(model, window).map(|stop| train_line(model, stop)));
    let just_before = Timestamp::from_millis(window.end.millis() - 1);
    let standing = freezes(model).into_iter().filter(|freeze| !freeze.suspended);
    let next = standing.filter_map(|freeze| Some((freeze, freeze.next(just_before)?)));
    if let Some((freeze, next)) = next.min_by_key(|(_, next)| next.start) {
        let when = model.near(next.start);
        let what = format!("next: \"{}\" closes {} from {when}", freeze.title(), freeze.scope.describe());
        lines.push(Line::styled(what, theme.dim));
    }
    for (d, at) in deployed {
        let zone = zone(model);
        let at = at.in_zone(zone).format("%H:%M");
        lines.push(Line::raw(format!(
            "  {at} {} {} {} to {} by {}",
            d.id, d.state, d.release, d.environment, d.started_by.name
        )));
    }
    lines
}

/// The same with the rule and the next windows of each freeze, for who wants to know.
fn in_full(model: &Model) -> Vec<Line<'static>> {
    const SHOWN: usize = 5;
    let mut lines = describe(model);
    for freeze in pointed_at(model) {
        let zone = zone_of(model, freeze);
        lines.push(Line::default());
        lines.push(Line::styled(format!("\"{}\"", freeze.title()), model.theme.strong));
        if let Some(repeats) = &freeze.repeats {
            lines.push(Line::raw(format!("  {} ({})", repeats.in_words(), repeats.rule)));
        }
        if freeze.running == Running::StopAtStep {
            lines.push(Line::raw("  what runs when it begins is held before its next step"));
        }
        let first = freeze.covering(model.now).or_else(|| freeze.next(model.now));
        let next = std::iter::successors(first, |window| freeze.next(window.start));
        lines.extend(next.take(SHOWN).map(|window| {
            let utc = |at: Timestamp| at.utc().format("%Y-%m-%d %H:%M");
            Line::raw(format!(
                "  {} until {} ({} to {} UTC)",
                wall(window.start, zone),
                wall(window.end, zone),
                utc(window.start),
                utc(window.end)
            ))
        }));
    }
    lines
}

fn scheduled_line(model: &Model, d: &Deployment, at: Timestamp) -> Line<'static> {
    let zone = zone(model);
    let closed =
        d.wait.as_ref().and_then(|wait| wait.outlook.as_ref()).map_or(0, |outlook| outlook.closed.len());
    let (warning, style) = match closed {
        0 => (String::new(), model.theme.busy),
        count => (format!(", {count} gates CLOSED then as things stand"), model.theme.bad),
    };
    let when = at.in_zone(zone).format("%H:%M");
    let text = format!(
        "  {when} {} begins: {} to {} by {}{warning}",
        d.id, d.release, d.environment, d.started_by.name
    );
    Line::styled(text, style)
}

fn train_line(model: &Model, stop: &TrainStop) -> Line<'static> {
    let zone = zone(model);
    let when = stop.at.in_zone(zone).format("%H:%M");
    let Some(departure) = &stop.departure else {
        return Line::styled(format!("  {when} train {} departs", stop.train), model.theme.busy);
    };
    let count = departure.items.iter().filter(|item| item.deployment.is_some()).count();
    let along =
        if departure.state == DepartureState::Departed { format!(" with {count}") } else { String::new() };
    let why = departure.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let style = match departure.state {
        DepartureState::Departed => model.theme.good,
        DepartureState::Skipped => model.theme.dim,
        DepartureState::Halted | DepartureState::Missed => model.theme.bad,
    };
    Line::styled(format!("  {when} train {} {}{along}{why}", stop.train, departure.state), style)
}

/// The train the cursor is on: in the agenda the selected one, in the month the first of the day.
pub fn train(model: &Model) -> Option<&TrainStop> {
    match model.calendar.shape {
        Shape::Agenda => match items(model).into_iter().nth(model.calendar.line) {
            Some(Item::Train(stop)) => Some(stop),
            _ => None,
        },
        Shape::Month | Shape::Week => trains(model, day_window(model.calendar.day, zone(model))).next(),
    }
}

fn freeze_lines(model: &Model, freeze: &Freeze, window: Window) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let zone = zone_of(model, freeze);
    let state = if !freeze.suspended && window.covers(model.now) { "CLOSED NOW " } else { "" };
    let again = if freeze.repeats.is_some() { "repeats " } else { "" };
    let by = freeze.created_by.as_ref().map_or_else(|| "relman.toml".to_owned(), Clone::clone);
    vec![
        Line::from(vec![
            Span::styled(format!("  {} {state}{again}", model.glyphs.frozen), theme.bad),
            Span::raw(format!("{}: {} ({})", freeze.title(), freeze.scope.describe(), freeze.reason)),
        ]),
        Line::styled(
            format!(
                "    {} until {} · {} {by}",
                wall(window.start, zone),
                wall(window.end, zone),
                freeze.handle()
            ),
            theme.dim,
        ),
    ]
}

fn agenda(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let all = items(model);
    let mut lines = Vec::new();
    for (at, item) in all.iter().enumerate() {
        let mut own = match item {
            Item::Freeze(freeze, window) => freeze_lines(model, freeze, *window),
            Item::Scheduled(d, at) => {
                let expires = d.wait.as_ref().map(|wait| model.moment(wait.expires)).unwrap_or_default();
                let facts = format!("    {}, missed after {expires}", wall(*at, zone(model)));
                vec![scheduled_line(model, d, *at), Line::styled(facts, model.theme.dim)]
            }
            Item::Train(stop) => {
                let facts = format!("    {}, Enter shows who comes along", wall(stop.at, zone(model)));
                vec![train_line(model, stop), Line::styled(facts, model.theme.dim)]
            }
        };
        if at == model.calendar.line {
            own[0] = std::mem::take(&mut own[0]).style(model.theme.selected);
        }
        lines.extend(own);
    }
    if lines.is_empty() {
        lines.push(Line::raw(format!(
            "No freeze and nothing scheduled in these weeks. {} adds a freeze, {} stops the line.",
            model.key(Action::NewFreeze),
            model.key(Action::StopTheLine)
        )));
    }
    let rows = usize::from(area.height);
    let shown: Vec<Line<'static>> = lines.into_iter().skip(model.calendar.top).take(rows).collect();
    frame.render_widget(Paragraph::new(shown), area);
}
