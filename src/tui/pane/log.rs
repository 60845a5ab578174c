//! The live deploy log: follows, or stays where it was put however much arrives.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::super::action::Action;
use super::super::layout;
use super::super::model::{Model, Pane};
use super::super::msg::{Effect, LogPage, Origin};
use super::super::popup::{Popup, may_be_decided, waits_for_person};
use super::super::widget;
use crate::domain::ansi;
use crate::domain::deployment::{DeploymentState, Step, StepState};
use crate::domain::ids::DeploymentId;
use crate::domain::text::fit;
use crate::domain::time::{span, stopwatch};
use crate::ops::view::deployment::DeploymentView;
use crate::supervisor::OWN;
use unicode_width::UnicodeWidthStr as _;

/// Rows above the text: what runs, and its steps.
const HEAD: u16 = 2;

/// Words that make a line look like an error.
pub const ERRORS: [&str; 5] = ["error", "fail", "fatal", "panic", "traceback"];

#[derive(Debug)]
pub struct State {
    pub shown: Option<DeploymentId>,
    /// Whether a person picked it; what was not picked makes room for what runs.
    pub is_chosen: bool,
    pub follow: bool,
    pub lines: Vec<(u64, ansi::Line)>,
    pub size: u64,
    /// Whether the page reaches the end.
    at_end: bool,
    /// Lines that arrived since the page was held.
    pub new_lines: u64,
    pub wrap: bool,
    pub search: String,
    /// The line of the last hit.
    pub hit: Option<u64>,
    /// Which of how many hits it is, where they were counted.
    pub hits: Option<(u64, u64)>,
    /// Whether the page that comes answers a search: its first line is the hit.
    searching: bool,
    /// Pages asked for that have not come, and the motion they amount to: keys that come faster than pages add up.
    asked: u32,
    motion: Option<(u64, i64)>,
    /// Cells scrolled to the right; kept while following.
    pub shift: u16,
}

impl Default for State {
    fn default() -> Self {
        Self {
            shown: None,
            is_chosen: false,
            follow: true,
            lines: Vec::new(),
            size: 0,
            at_end: true,
            new_lines: 0,
            wrap: false,
            search: String::new(),
            hit: None,
            hits: None,
            searching: false,
            asked: 0,
            motion: None,
            shift: 0,
        }
    }
}

/// Rows of text there is room for.
pub fn rows(model: &Model) -> usize {
    let area = layout::pane(model, Pane::Log).unwrap_or_default();
    usize::from(area.height.saturating_sub(HEAD)).max(1)
}

fn top(model: &Model) -> u64 {
    model.log.lines.first().map_or(0, |(offset, _)| *offset)
}

fn read(model: &mut Model, origin: Origin) -> Vec<Effect> {
    let Some(id) = model.log.shown else { return Vec::new() };
    model.log.asked += 1;
    model.log.searching = matches!(origin, Origin::Search { .. });
    if !matches!(origin, Origin::Top(_, lines) if lines != 0) {
        model.log.motion = None;
    }
    vec![Effect::ReadLog { id, origin, rows: rows(model) }]
}

/// A page that was asked for has come, or will not.
pub fn answered(model: &mut Model) {
    model.log.asked = model.log.asked.saturating_sub(1);
    if model.log.asked == 0 {
        model.log.motion = None;
    }
}

/// Shows another deployment from its end.
pub fn watch(model: &mut Model, id: DeploymentId) -> Vec<Effect> {
    let wrap = model.log.wrap;
    model.log = State { shown: Some(id), is_chosen: true, wrap, ..State::default() };
    vec![Effect::Watch(id), Effect::ReadLog { id, origin: Origin::End, rows: rows(model) }]
}

/// Takes a page; one that was not asked for is ignored while the page is held.
pub fn show(model: &mut Model, page: LogPage) {
    if model.log.shown != Some(page.id) {
        return;
    }
    if !page.asked && !model.log.follow {
        return;
    }
    if page.asked {
        answered(model);
        if std::mem::take(&mut model.log.searching) {
            model.log.hit = page.lines.first().map(|(offset, _)| *offset);
            model.log.hits = page.hits;
            match page.went_round {
                Some(true) => model.say("the search went on from the end"),
                Some(false) => model.say("the search went on from the beginning"),
                None => {}
            }
        }
    }
    if page.asked && !model.log.follow && page.at_end && model.log.hit.is_none() {
        model.log.new_lines = 0;
    }
    model.log.size = page.size;
    model.log.at_end = page.at_end;
    model.log.lines = page.lines;
    if !page.asked {
        model.unseen_log |= !is_in_sight(model);
    }
}

fn is_in_sight(model: &Model) -> bool {
    layout::pane(model, Pane::Log).is_some()
}

/// The log grew below the held page.
pub fn grew(model: &mut Model, id: DeploymentId, size: u64, lines: u64) {
    if model.log.shown == Some(id) {
        model.log.size = size;
        model.log.at_end = false;
        model.log.new_lines += lines;
        model.unseen_log |= !is_in_sight(model);
    }
}

/// Any upward motion holds the page; `G` follows again.
fn moved(model: &mut Model, lines: i64) -> Vec<Effect> {
    if model.log.follow {
        if lines > 0 {
            return Vec::new();
        }
        model.log.follow = false;
        model.log.new_lines = 0;
    }
    model.log.hit = None;
    let (base, so_far) = model.log.motion.unwrap_or((top(model), 0));
    model.log.motion = Some((base, so_far + lines));
    read(model, Origin::Top(base, so_far + lines))
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = i64::try_from(rows(model)).unwrap_or(20);
    match action {
        Action::Up => moved(model, -1),
        Action::Down => moved(model, 1),
        Action::HalfUp => moved(model, -page / 2),
        Action::HalfDown => moved(model, page / 2),
        Action::PageUp => moved(model, -(page - 1).max(1)),
        Action::PageDown => moved(model, (page - 1).max(1)),
        Action::Left => {
            model.log.shift = model.log.shift.saturating_sub(8);
            Vec::new()
        }
        Action::Right => {
            model.log.shift = (model.log.shift + 8).min(4000);
            Vec::new()
        }
        Action::Top => {
            model.log.follow = false;
            read(model, Origin::Top(0, 0))
        }
        Action::Bottom => follow(model),
        Action::Follow if model.log.follow => {
            model.log.follow = false;
            model.log.new_lines = 0;
            let top = top(model);
            read(model, Origin::Top(top, 0))
        }
        Action::Follow => follow(model),
        Action::Wrap => {
            model.log.wrap = !model.log.wrap;
            Vec::new()
        }
        Action::NextHit => search(model, false),
        Action::PreviousHit => search(model, true),
        Action::NextError => errors(model, false),
        Action::PreviousError => errors(model, true),
        Action::NextStep => to_step(model, false),
        Action::PreviousStep => to_step(model, true),
        Action::PreviousDeployment | Action::NextDeployment => {
            let to = shown(model).and_then(|view| match action {
                Action::PreviousDeployment => view.older,
                _ => view.newer,
            });
            to.map(|id| watch(model, id)).unwrap_or_default()
        }
        _ => on_deployment(model, action),
    }
}

fn follow(model: &mut Model) -> Vec<Effect> {
    model.log.follow = true;
    model.log.new_lines = 0;
    model.log.hit = None;
    read(model, Origin::End)
}

fn on_deployment(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(d) = shown(model).map(|view| view.deployment.clone()) else { return Vec::new() };
    match action {
        Action::CancelDeployment => model.popups.push(Popup::cancel(&d, model)),
        Action::Decide => model.popups.extend(Popup::decide(&d, model)),
        Action::Schedule => {
            let popup = d
                .wait
                .as_ref()
                .map(|wait| super::super::popup::form::deployment::reschedule(&d, wait, model));
            model.popups.extend(popup);
        }
        Action::RollBack if may_be_decided(&d) => model.popups.extend(Popup::decide(&d, model)),
        Action::RollBack => {
            return vec![Effect::AskChoices { service: d.release.service, environment: d.environment }];
        }
        Action::Open => {
            if let Some(view) = shown(model) {
                let lines = details(model, view);
                model.popups.push(Popup::page(&format!("{} {} of {}", d.id, d.what(), d.release), lines));
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Searches from the line after (or before) the last hit or the top of the page.
pub fn search(model: &mut Model, backward: bool) -> Vec<Effect> {
    if model.log.search.is_empty() {
        return Vec::new();
    }
    let words = vec![model.log.search.clone()];
    hold_and_read(model, words, backward)
}

fn errors(model: &mut Model, backward: bool) -> Vec<Effect> {
    let words = ERRORS.iter().map(|word| (*word).to_owned()).collect();
    hold_and_read(model, words, backward)
}

fn hold_and_read(model: &mut Model, words: Vec<String>, backward: bool) -> Vec<Effect> {
    // The first search from the followed end begins at the start of the log: that is where errors begin.
    // 0 means "from the beginning"; a hit on the very first line is gone on from behind it.
    let from = match (model.log.hit, model.log.follow) {
        (Some(hit), _) if !backward => hit.max(1),
        (Some(hit), _) => hit,
        (None, true) if !backward => 0,
        (None, true) => model.log.size,
        (None, false) => top(model),
    };
    model.log.follow = false;
    read(model, Origin::Search { from, words, backward })
}

/// Where the step before or after the page's top begins.
pub fn step_start(model: &Model, backward: bool) -> Option<u64> {
    let steps = &shown(model)?.steps;
    let mut starts = steps.iter().filter_map(|step| step.log_from);
    let here = top(model);
    if backward { starts.rfind(|start| *start < here) } else { starts.find(|start| *start > here) }
}

fn to_step(model: &mut Model, backward: bool) -> Vec<Effect> {
    let Some(start) = step_start(model, backward) else { return Vec::new() };
    model.log.follow = false;
    read(model, Origin::Top(start, 0))
}

/// The view of the deployment whose output is shown; `None` while that of another one is on its way.
pub fn shown(model: &Model) -> Option<&DeploymentView> {
    model.views.shown.as_ref().filter(|view| Some(view.deployment.id) == model.log.shown)
}

/// The state of the page, for the pane's title.
pub fn title(model: &Model) -> String {
    let Some(id) = model.log.shown else { return String::new() };
    let state = if model.log.follow {
        "following".to_owned()
    } else if model.log.new_lines > 0 {
        format!("PAUSED +{} new - G follows", model.log.new_lines)
    } else {
        "paused - G follows".to_owned()
    };
    let search = match (model.log.search.as_str(), model.log.hits) {
        ("", _) => String::new(),
        (search, Some((at, all))) => format!(" /{search} {at} of {all}"),
        (search, None) => format!(" /{search}"),
    };
    format!(" {id} {state}{search}")
}

/// How far through the log the page is, while it is held.
pub fn position(model: &Model) -> String {
    // Lines that begin out of sight look like other lines: that they do is said.
    let aside = match (model.log.shift, model.log.wrap) {
        (0, _) | (_, true) => String::new(),
        (shift, false) => format!("from column {} ", shift + 1),
    };
    if model.log.follow || model.log.size == 0 {
        return aside.trim_end().to_owned();
    }
    let percent = top(model).saturating_mul(100) / model.log.size;
    let above = if top(model) > 0 { format!(" {}", model.glyphs.above) } else { String::new() };
    let below = if model.log.at_end { String::new() } else { format!(" {}", model.glyphs.below) };
    format!("{aside}{percent}%{above}{below}")
}

pub fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(view) = shown(model) else {
        let text = match (model.loaded, model.log.shown) {
            (true, None) => "No deployment yet. D on the board starts one; its output appears here.",
            _ => "reading…",
        };
        frame.render_widget(Paragraph::new(text), area);
        return;
    };
    let head = [headline(model, view, usize::from(area.width)), steps(model, view, usize::from(area.width))];
    let head_area = Rect { height: HEAD.min(area.height), ..area };
    frame.render_widget(Paragraph::new(head.to_vec()), head_area);
    let body = Rect { y: area.y + head_area.height, height: area.height - head_area.height, ..area };
    if body.height == 0 {
        return;
    }
    if model.log.lines.is_empty() {
        let d = &view.deployment;
        let nothing = match (d.state.is_live(), d.log_size) {
            (true, _) => "no output yet".to_owned(),
            (false, 0) => "it printed nothing".to_owned(),
            (false, size) => format!("its log file is gone: {size} bytes were in it when it ended"),
        };
        frame.render_widget(Paragraph::new(Line::styled(nothing, model.theme.dim)), body);
        return;
    }
    let colours = model.theme != super::super::theme::Theme::mono();
    let lines: Vec<Line<'static>> =
        model.log.lines.iter().map(|(offset, line)| styled(model, *offset, line, colours)).collect();
    // The page holds as many lines as there are rows; wrapped, the last ones are what matters when following.
    let mut text = Paragraph::new(lines);
    if model.log.wrap {
        text = text.wrap(Wrap { trim: false });
        let height = text.line_count(body.width);
        let hidden = height.saturating_sub(usize::from(body.height));
        if model.log.follow && hidden > 0 {
            text = text.scroll((u16::try_from(hidden).unwrap_or(u16::MAX), 0));
        }
    } else {
        text = text.scroll((0, model.log.shift));
    }
    frame.render_widget(text, body);
}

fn styled(model: &Model, offset: u64, line: &ansi::Line, colours: bool) -> Line<'static> {
    let text = line.text();
    let mut drawn = widget::ansi::line(line, colours);
    if text.starts_with(OWN) {
        drawn = drawn.style(model.theme.title);
    } else if let Some(message) = text.strip_prefix("::relman ") {
        drawn = told(model, message);
    }
    let is_hit = model.log.hit == Some(offset)
        || (!model.log.search.is_empty() && widget::matches(&text, &model.log.search));
    if is_hit {
        drawn = drawn.patch_style(model.theme.selected);
    }
    drawn
}

/// A message of the script to relman, as a marker in the text.
fn told(model: &Model, message: &str) -> Line<'static> {
    let cursor = model.glyphs.cursor;
    if let Some(note) = message.strip_prefix("note ") {
        return Line::styled(format!("{cursor} {note}"), model.theme.title);
    }
    let progress = message.strip_prefix("progress ").unwrap_or(message);
    let text = match progress.split_once(' ') {
        Some((percent, note)) => format!("{cursor} {percent}% {note}"),
        None => format!("{cursor} {progress}%"),
    };
    Line::styled(text, model.theme.dim)
}

fn headline(model: &Model, view: &DeploymentView, width: usize) -> Line<'static> {
    let d = &view.deployment;
    let theme = &model.theme;
    let style = match d.state {
        DeploymentState::Succeeded => theme.good,
        state if state.is_live() => theme.busy,
        _ => theme.bad,
    };
    let took = d.duration(model.now);
    let usual = view.usual_ms.map(std::time::Duration::from_millis);
    let time = match usual {
        Some(usual) if d.state.is_live() && took <= usual => {
            format!("{} of about {}", stopwatch(took), stopwatch(usual))
        }
        Some(usual) if d.state.is_live() => {
            format!("{}, past its usual {}", stopwatch(took), stopwatch(usual))
        }
        _ => stopwatch(took),
    };
    let silent = match d.silence(model.now) {
        Some(quiet) => format!(" NO SIGN OF LIFE for {}", span(quiet)),
        None => String::new(),
    };
    let cancelling = if d.is_cancelling() { " CANCELLING" } else { "" };
    let asks = match d.state {
        DeploymentState::Lost => " (R settles it)",
        _ if waits_for_person(d) => " (R decides)",
        _ => "",
    };
    let hold = d.hold.as_ref().map(|hold| format!(": {}", hold.brief())).unwrap_or_default();
    let bar = match d.progress.filter(|_| d.state.is_live()) {
        Some(percent) => {
            let full = usize::from(percent) / 10;
            let note = d.progress_note.clone().unwrap_or_default();
            let bar = format!("{}{}", model.glyphs.full.repeat(full), model.glyphs.empty.repeat(10 - full));
            format!(" {bar} {percent}% {note}")
        }
        None => String::new(),
    };
    let cause = match (&d.cause, d.state) {
        (Some(cause), state) if state != DeploymentState::Succeeded => format!(": {cause}"),
        _ => String::new(),
    };
    let lost_output = d.lost_output().map(|lost| format!("; {lost}")).unwrap_or_default();
    let what = format!("{} {} {} {} ", d.id, d.release, model.glyphs.arrow, d.environment);
    let state = format!("{}{cancelling}{asks}{silent}", d.state_word());
    let rest = fit(
        &format!("{hold} {time}{lost_output}{cause}{bar}"),
        width.saturating_sub(what.chars().count() + state.chars().count()),
    );
    Line::from(vec![Span::styled(what, theme.strong), Span::styled(state, style), Span::raw(rest)])
}

/// The steps with their marks, on one line: where there are too many, from the one before the current one on.
fn steps(model: &Model, view: &DeploymentView, width: usize) -> Line<'static> {
    let (theme, glyphs) = (&model.theme, &model.glyphs);
    let steps: Vec<&Step> = view.latest_attempts().collect();
    let marked = |step: &&Step| {
        let (mark, style) = match step.state {
            StepState::Succeeded => (glyphs.pass, theme.good),
            StepState::Failed => (glyphs.failed, theme.bad),
            StepState::Running => (glyphs.active, theme.busy),
            StepState::Waiting => ("…", theme.busy),
            StepState::Pending | StepState::Skipped => (glyphs.not, theme.dim),
        };
        (format!("{mark} {}  ", step.plan.name), style)
    };
    let all: Vec<(String, Style)> = steps.iter().map(marked).collect();
    let cells = |words: &[(String, Style)]| words.iter().map(|(text, _)| text.width()).sum::<usize>();
    let current = steps.iter().position(|step| step.state != StepState::Succeeded).unwrap_or(steps.len());
    let from =
        if cells(&all) <= width { 0 } else { current.saturating_sub(1).min(all.len().saturating_sub(1)) };
    let more = |hidden: bool| Span::styled(if hidden { "… " } else { "" }, theme.dim);
    let mut spans = vec![more(from > 0)];
    let mut room = width.saturating_sub(if cells(&all) <= width { 0 } else { 4 });
    for (at, (text, style)) in all.iter().enumerate().skip(from) {
        if text.width() > room {
            spans.push(more(at < all.len()));
            break;
        }
        room -= text.width();
        spans.push(Span::styled(text.clone(), *style));
    }
    Line::from(spans)
}

/// Everything about the deployment but its output.
fn details(model: &Model, view: &DeploymentView) -> Vec<Line<'static>> {
    let d = &view.deployment;
    let theme = &model.theme;
    let mut lines = Vec::new();
    let mut add = |label: &str, value: String| {
        lines.push(Line::from(vec![Span::styled(format!("{label:<14}"), theme.dim), Span::raw(value)]));
    };
    add("to", d.environment.to_string());
    add("from", d.previous.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string));
    add("started by", format!("{}, {}", d.started_by.name, model.moment(d.requested_at)));
    if let Some(reason) = &d.reason {
        add("reason", reason.clone());
    }
    add("state", d.state_word().to_owned());
    if let Some(cause) = &d.cause {
        add("because", cause.to_string());
    }
    if let Some(cancel) = &d.cancel {
        add("cancel", format!("asked by {}, {}", cancel.by, model.moment(cancel.at)));
    }
    if let Some(hold) = &d.hold {
        add("waits", hold.to_string());
    }
    if d.guided {
        add("helped", "a person decided about a failed step".to_owned());
    }
    if let Some(follow_up) = &d.follow_up {
        add("rollback", follow_up.sentence(d.state.is_over()));
    }
    if !d.overrides.is_empty() {
        add("overridden", d.overrides.join(", "));
    }
    if !d.left_running.is_empty() {
        add("left running", d.left_running.join(", "));
    }
    if let Some(lost) = d.lost_output() {
        add("log", lost);
    }
    for step in &view.steps {
        let took = step.started_at.map(|start| stopwatch(step.finished_at.unwrap_or(model.now).since(start)));
        let cause = step.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        add(
            &format!("step {}", step.index + 1),
            format!("{}{} {} {}{cause}", step.plan.name, step.again(), step.state, took.unwrap_or_default()),
        );
    }
    lines.push(Line::styled("gates when it started", theme.strong));
    lines.extend(widget::gates::report(model, &view.report));
    lines
}
