//! The live deploy log: follows, or stays where it was put however much arrives.

mod body;
mod head;
mod outline;
pub mod wall;

use crate::domain::ansi;
use crate::domain::ids::DeploymentId;
use crate::domain::note::Note;
use crate::ops::view::deployment::DeploymentView;
use crate::tui::action::Action;
use crate::tui::layout;
use crate::tui::model::{Model, Pane};
use crate::tui::msg::{Effect, LogPage, Origin};
use crate::tui::popup::{Popup, may_be_decided};
use crate::tui::presence;

pub use self::body::view;

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
    /// Pages asked for that have not come, and the motion they amount to: keys that come faster than pages add up.
    asked: u32,
    motion: Option<(u64, i64)>,
    /// Cells scrolled to the right; kept while following.
    pub shift: u16,
    /// Folded to its steps: the one with the cursor.
    pub outline: Option<usize>,
    /// Whether only what is new against the last good deployment is shown.
    pub only_new: bool,
    /// Several deployments at once.
    pub wall: Option<wall::Wall>,
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
            asked: 0,
            motion: None,
            shift: 0,
            outline: None,
            only_new: false,
            wall: None,
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

/// How many notes stand between the lines of the page.
fn notes_in_sight(model: &Model) -> usize {
    let (Some((first, _)), Some((last, _))) = (model.log.lines.first(), model.log.lines.last()) else {
        return 0;
    };
    let in_sight = |note: &&Note| note.offset >= *first && note.offset <= *last;
    shown(model).map_or(0, |view| view.notes.iter().filter(in_sight).count())
}

fn read(model: &mut Model, origin: Origin) -> Vec<Effect> {
    let Some(id) = model.log.shown else { return Vec::new() };
    model.log.asked += 1;
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
    let mut effects = wall::close(model);
    let wrap = model.log.wrap;
    model.log = State { shown: Some(id), is_chosen: true, wrap, ..State::default() };
    effects.extend([Effect::Watch(id), Effect::ReadLog { id, origin: Origin::End, rows: rows(model) }]);
    effects
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
        // Another page may have been on its way when the search was asked for.
        if page.searched {
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
    if model.log.wall.is_some() {
        return on_wall(model, action);
    }
    match on_outline(model, action) {
        Some(effects) => effects,
        None => move_page(model, action),
    }
}

/// Several at once: the cursor goes from one to the next, Enter opens one. Nothing else is done from here, because what
/// would be acted on is not what the cursor shows; [`crate::tui::allow`] says so.
fn on_wall(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(wall) = model.log.wall.as_mut() else { return Vec::new() };
    let last = wall.shown.len().saturating_sub(1);
    match action {
        Action::Up | Action::Left | Action::PreviousDeployment => wall.at = wall.at.saturating_sub(1),
        Action::Down | Action::Right | Action::NextDeployment => wall.at = (wall.at + 1).min(last),
        Action::Open => {
            let id = wall.shown.get(wall.at).map(|(id, _)| *id);
            return match id {
                Some(id) => watch(model, id),
                None => wall::close(model),
            };
        }
        Action::SideBySide => {
            let mut effects = wall::close(model);
            effects.extend(follow(model));
            return effects;
        }
        _ => {}
    }
    Vec::new()
}

/// Folded to its steps: the cursor goes from step to step, Enter goes to one.
fn on_outline(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let at = model.log.outline?;
    let all = &shown(model)?.steps;
    let last = all.len().saturating_sub(1);
    let to = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        Action::Open => {
            let start = all.get(at).and_then(|step| step.log_from);
            let Some(start) = start else {
                model.complain("this step has printed nothing".to_owned());
                return Some(Vec::new());
            };
            model.log.outline = None;
            model.log.follow = false;
            return Some(read(model, Origin::Top(start, 0)));
        }
        _ => return None,
    };
    model.log.outline = Some(to);
    Some(Vec::new())
}

/// Esc leaves one of the ways to look at it; says whether there was one.
pub fn back(model: &mut Model) -> Option<Vec<Effect>> {
    if model.log.wall.is_some() {
        return Some(act(model, Action::SideBySide));
    }
    model.log.outline.take().map(|_| Vec::new())
}

/// Only what is new, or everything again.
fn compare(model: &mut Model) -> Vec<Effect> {
    let Some((id, baseline)) = shown(model).map(|view| (view.deployment.id, view.baseline)) else {
        return Vec::new();
    };
    model.log.only_new = !model.log.only_new;
    model.log.outline = None;
    let against = baseline.filter(|_| model.log.only_new);
    match against {
        Some(good) => model.say(format!(
            "only what {good}, the last success there, did not print in the same step; {} shows all",
            model.key(Action::OnlyNew)
        )),
        None => model.say("everything is shown".to_owned()),
    }
    let mut effects = vec![Effect::Compare { id, against }];
    effects.extend(follow(model));
    effects
}

fn move_page(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = i64::try_from(rows(model)).unwrap_or(20);
    match action {
        Action::Up => moved(model, -1),
        Action::Down => moved(model, 1),
        Action::HalfUp => moved(model, -page / 2),
        Action::HalfDown => moved(model, page / 2),
        Action::PageUp => moved(model, -(page - 1).max(1)),
        Action::PageDown => {
            // Notes take the rows of lines, which are then the first of the next page.
            let notes = i64::try_from(notes_in_sight(model)).unwrap_or(0);
            moved(model, (page - 1 - notes).max(1))
        }
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
        Action::Fold => {
            let at = shown(model).map(outline::first);
            model.log.outline = if model.log.outline.is_some() { None } else { at };
            Vec::new()
        }
        Action::OnlyNew => compare(model),
        Action::SideBySide => wall::open(model),
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
        Action::Note => model.popups.push(crate::tui::popup::form::deployment::note(d.id)),
        Action::Schedule => {
            let popup =
                d.wait.as_ref().map(|wait| crate::tui::popup::form::deployment::reschedule(&d, wait, model));
            model.popups.extend(popup);
        }
        Action::RollBack if may_be_decided(&d) => model.popups.extend(Popup::decide(&d, model)),
        Action::RollBack => {
            return vec![Effect::AskChoices { service: d.release.service, environment: d.environment }];
        }
        Action::Open => {
            if let Some(view) = shown(model) {
                let lines = head::details(model, view);
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
        format!("PAUSED +{} new - {} follows", model.log.new_lines, model.key(Action::Bottom))
    } else {
        format!("paused - {} follows", model.key(Action::Bottom))
    };
    if model.log.wall.is_some() {
        return " side by side - Enter opens one, | leaves".to_owned();
    }
    let state =
        if model.log.outline.is_some() { "steps - Enter goes there, z unfolds".to_owned() } else { state };
    let state = if model.log.only_new { format!("{state}, only new") } else { state };
    let search = match (model.log.search.as_str(), model.log.hits) {
        ("", _) => String::new(),
        (search, Some((at, all))) => format!(" /{search} {at} of {all}"),
        (search, None) => format!(" /{search}"),
    };
    let watched = presence::watchers(model, id).map(|who| format!(", {who}")).unwrap_or_default();
    format!(" {id} {state}{watched}{search}")
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
