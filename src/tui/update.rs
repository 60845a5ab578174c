//! What each message does to the state. Pure: everything else is returned as orders.

use super::action::{Action, entry};
use super::allow::allow;
use super::answer;
use super::drafts;
use super::dress;
use super::filtering;
use super::hands;
use super::jump;
use super::keymap::{self, Resolved};
use super::model::{Model, Pane, Times};
use super::mouse;
use super::msg::{Effect, Msg, Origin, Views};
use super::pane::{self, board, calendar, log, queue};
use super::past;
use super::popup::{self, Outcome, Popup};
use super::tour;
use super::worker::foremost;
use crate::domain::deployment::Deployment;
use crate::domain::ids::DeploymentId;
use crate::domain::time::Timestamp;
use crate::ops::past::Travel;
use crate::ops::undo::Way;
use crate::ops::view::queue::{DECIDED, Pending};

/// Notices fade after this many milliseconds; errors stay until a key.
pub const FLASH_MS: i64 = 6000;

pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = on_message(model, msg);
    drafts::resume(model);
    hands::hold_back(model, &mut effects);
    pane::settle(model);
    // Whatever brought the calendar into sight or to other weeks.
    effects.extend(calendar::due(model).map(Effect::ShowMonth));
    effects
}

fn on_message(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        // Asked for before the keyboard was locked: nobody is there to answer.
        Msg::Previewed(..) | Msg::Choices { .. } if model.locked => {
            model.busy = None;
            Vec::new()
        }
        // The loop sorts these before they get here.
        Msg::Terminal(_) | Msg::Signalled(_) | Msg::Written(_) => Vec::new(),
        Msg::Key(key) => on_key(model, &key),
        Msg::Pasted(text) => on_paste(model, &text),
        Msg::Resized(width, height) => on_resize(model, width, height),
        Msg::Ticked(now) => on_tick(model, now),
        Msg::Loaded(views, now) => on_views(model, *views, now),
        Msg::Travelled(views, place) => past::arrive(model, *views, place),
        Msg::LogRead(page) => {
            log::show(model, page);
            Vec::new()
        }
        Msg::WallRead(lines) => {
            if let Some(wall) = &mut model.log.wall {
                wall.shown = lines;
            }
            Vec::new()
        }
        Msg::NotCompared(why) => {
            model.log.only_new = false;
            model.complain(why);
            Vec::new()
        }
        Msg::LogGrew { id, size, lines } => {
            log::grew(model, id, size, lines);
            Vec::new()
        }
        Msg::NotFound(what) => {
            log::answered(model);
            model.complain(format!("no line holds {what}"));
            Vec::new()
        }
        Msg::Troubled(text) => {
            model.complain(text);
            if std::mem::take(&mut model.store_held) {
                model.busy = None;
            }
            Vec::new()
        }
        Msg::RulesChanged(policy, panes) => {
            model.adopt(*policy);
            model.say("relman.toml was changed; its rules are in force");
            let problems = model.dress.clone().put_on(model, &panes);
            dress::tell(model, &problems);
            Vec::new()
        }
        Msg::Progressed(text) => {
            model.busy = Some((text, model.now));
            Vec::new()
        }
        Msg::StoreHeld(text) => {
            model.store_held = true;
            model.busy = Some((text, model.now));
            Vec::new()
        }
        Msg::Moused(event) => mouse::on_mouse(model, event),
        Msg::FocusChanged(has_focus) => {
            model.has_focus = has_focus;
            Vec::new()
        }
        answer => answer::on_answer(model, answer),
    }
}

fn on_tick(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    // In the past time stands still; what was said there stays until the next key.
    if model.past.is_some() {
        return Vec::new();
    }
    model.now = now;
    let fades = |flash: &super::model::Flash| !flash.is_error && now.millis() - flash.at.millis() >= FLASH_MS;
    if model.flash.as_ref().is_some_and(fades) {
        model.flash = None;
    }
    match model.popups.last() {
        Some(Popup::Build(page)) if page.runs(model) => vec![Effect::AskBuild(page.id.clone())],
        _ => Vec::new(),
    }
}

fn on_resize(model: &mut Model, width: u16, height: u16) -> Vec<Effect> {
    model.size = (width, height);
    match (model.log.shown, model.log.follow, model.log.lines.first()) {
        (Some(id), true, _) => vec![Effect::ReadLog { id, origin: Origin::End, rows: log::rows(model) }],
        (Some(id), false, Some((top, _))) => {
            vec![Effect::ReadLog { id, origin: Origin::Top(*top, 0), rows: log::rows(model) }]
        }
        _ => Vec::new(),
    }
}

fn on_views(model: &mut Model, views: Views, now: Timestamp) -> Vec<Effect> {
    // What is news is told against what was on the screen; from the past nothing is.
    let was_now = model.past.is_none();
    past::come_back(model, now);
    let before: Vec<_> = board::cards(model).iter().map(|card| card.release.id.clone()).collect();
    let ended = newly_ended(model, &views).or_else(|| newly_asked(model, &views));
    let followed = newly_followed(model, &views);
    let wanted = newly_wanted(model, &views).filter(|_| was_now);
    model.now = now;
    if let Some(calendar) = &views.calendar {
        model.calendar.asked = Some(calendar.span);
    }
    model.views = views;
    board::reselect(model, &before, board::Change::Views);
    queue::reselect(model);
    model.loaded = true;
    if std::mem::take(&mut model.store_held) {
        model.busy = None;
    }
    let mut effects = hear(model);
    if let Some(text) = ended {
        model.say(text);
        effects.push(Effect::Bell);
    }
    if let Some(text) = wanted {
        model.say(text);
        effects.push(Effect::Bell);
    }
    if let Some(id) = unchosen_log(model) {
        effects.extend(log::watch(model, id));
        model.log.is_chosen = false;
    }
    if let Some(id) = followed {
        effects.extend(log::watch(model, id));
    }
    effects.extend(answer::look_again(model));
    effects
}

/// What somebody has said to all since the views were read before.
fn hear(model: &mut Model) -> Vec<Effect> {
    let Some(call) = model.views.call.clone() else {
        model.heard = model.heard.or(Some(0));
        return Vec::new();
    };
    let before = model.heard.replace(call.id);
    if before.is_none_or(|before| before >= call.id) || call.by.human() == model.human {
        return Vec::new();
    }
    model.say(format!("{} says: {}", call.by.human(), call.text));
    vec![Effect::Bell]
}

/// The deployment whose log should stand ready now, if another one than before: something began, and nobody picked the
/// other one or is looking at it. What has just ended stays: how it ended is what one wants to read.
fn unchosen_log(model: &Model) -> Option<DeploymentId> {
    let foremost = foremost(&model.views.board, &model.views.deployments)?;
    match model.log.shown {
        None => Some(foremost),
        Some(shown) => {
            let is_free = !model.log.is_chosen && model.focus != Pane::Log;
            (is_free && foremost > shown).then_some(foremost)
        }
    }
}

/// The rollback that has just begun after the deployment whose end is watched: that is what one wants to see next.
fn newly_followed(model: &Model, views: &Views) -> Option<DeploymentId> {
    let started = |d: &Deployment| d.follow_up.as_ref().and_then(|follow_up| follow_up.started);
    let before = &log::shown(model)?.deployment;
    let now = views.shown.as_ref().map(|view| &view.deployment).filter(|now| now.id == before.id)?;
    started(now).filter(|_| model.log.follow && started(before).is_none())
}

/// Somebody else asks for a second person: they stand there and wait.
fn newly_asked(model: &Model, views: &Views) -> Option<String> {
    let is_known = |id| model.views.witnesses.iter().any(|known| known.id == id);
    let mut open = views.witnesses.iter().filter(|request| request.witnessed.is_none());
    let request =
        open.find(|r| model.loaded && !is_known(r.id) && r.starter.person.human() != model.human)?;
    let starter = request.starter.person.human();
    Some(format!(
        "{starter} asks for a witness: {} to {} ({})",
        request.release,
        request.environment,
        model.key(Action::Witness)
    ))
}

/// A deployment that was running in the views before and is over now.
fn newly_ended(model: &Model, views: &Views) -> Option<String> {
    let was_running = model.views.board.active.iter().filter(|d| d.state.is_live());
    let ended = was_running.filter_map(|d| views.deployments.iter().find(|now| now.id == d.id));
    let ended = ended.filter(|d| !d.state.is_live()).max_by_key(|d| d.id)?;
    let cause = ended.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    let word = ended.state_word();
    Some(format!("{} {} {word}{cause}", ended.id, ended.errand()))
}

/// What waits for the one who sits here and did not before: a decision, or a deployment of theirs that needs a person.
fn newly_wanted(model: &Model, views: &Views) -> Option<String> {
    if !model.loaded {
        return None;
    }
    let is_yours = |item: &&Pending| item.is_open_to_you();
    let is_known = |item: &Pending| {
        let same = |old: &&Pending| {
            old.release.id == item.release.id && old.subject == item.subject && old.digest == item.digest
        };
        // What waits again because they took their own decision back is no news to them.
        let was_decided = |old: &&Pending| old.not_yours.as_deref() == Some(DECIDED);
        let known = model.views.queue.iter().filter(|old| is_yours(old) || was_decided(old));
        known.clone().any(|old| same(&old))
    };
    if let Some(item) = views.queue.iter().filter(is_yours).find(|item| !is_known(item)) {
        return Some(format!("{} waits for your decision: {}", item.release.id, item.matter()));
    }
    let hold = |d: &Deployment| d.hold.as_ref().filter(|hold| hold.needs_person()).map(|hold| hold.number);
    let is_mine = |d: &&Deployment| d.started_by.is_called(&model.actor) && hold(d).is_some();
    let was_so =
        |d: &Deployment| model.views.board.active.iter().any(|old| old.id == d.id && hold(old) == hold(d));
    let waits = views.board.active.iter().filter(is_mine).find(|d| !was_so(d))?;
    Some(format!("{} {} waits for you: {} decides", waits.id, waits.errand(), model.key(Action::Decide)))
}

fn on_paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(filter) = &mut model.typing_filter {
        let clean: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        filter.push_str(&clean);
        return filtering::apply(model);
    }
    let taken = model.popups.last_mut().is_some_and(|popup| popup.paste(text));
    if !taken {
        model.say(match model.popups.last() {
            Some(popup) if popup.asks() => "pasted text was ignored: what is confirmed here is typed by hand",
            _ => "pasted text was ignored: no field is open",
        });
    }
    Vec::new()
}

fn on_key(model: &mut Model, key: &crossterm::event::KeyEvent) -> Vec<Effect> {
    let Some(name) = keymap::name(key) else { return Vec::new() };
    tour::on_key(model);
    if model.flash.as_ref().is_some_and(|flash| flash.is_error) {
        model.flash = None;
    }
    let effects = if model.popups.is_empty() {
        match model.typing_filter.is_some() {
            true => filtering::on_key(model, &name),
            false => on_pane_key(model, &name),
        }
    } else {
        on_popup_key(model, &name)
    };
    model.last_key_ms = model.ms;
    effects
}

pub(super) fn on_popup_key(model: &mut Model, key: &str) -> Vec<Effect> {
    let Some(mut popup) = model.popups.pop() else { return Vec::new() };
    let outcome = popup.key(model, key);
    match outcome {
        Outcome::Stay => model.popups.push(popup),
        Outcome::Close => drafts::keep(model, &popup),
        Outcome::Do(effects) => {
            return effects.into_iter().flat_map(|effect| follow_up(model, effect)).collect();
        }
        Outcome::DoAndStay(effects) => {
            model.popups.push(popup);
            return effects;
        }
        Outcome::Instead(other) => {
            let wanted = other.wants_to_know();
            model.popups.push(*other);
            return wanted.into_iter().collect();
        }
        Outcome::Over(other) => {
            let wanted = other.wants_to_know();
            model.popups.extend([popup, *other]);
            return wanted.into_iter().collect();
        }
        Outcome::Run(action) => return act(model, action),
        Outcome::Speak(said) => return popup::spoken::carry_out(model, said),
        Outcome::Unlock => {
            model.locked = false;
            model.say("the keyboard is free again");
        }
        Outcome::Say(text) => {
            model.popups.push(popup);
            model.complain(text);
        }
    }
    Vec::new()
}

fn on_pane_key(model: &mut Model, key: &str) -> Vec<Effect> {
    if key == "<c-c>" {
        return on_interrupt(model);
    }
    let pending = model.pending.take();
    // n and N repeat a search where there is one; elsewhere they mean what the pane says.
    if model.focus == Pane::Log && !model.log.search.is_empty() && matches!(key, "n" | "N") {
        return act(model, if key == "n" { Action::NextHit } else { Action::PreviousHit });
    }
    match model.keymap.resolve(model.focus, pending, key) {
        Resolved::Act(action) => act(model, action),
        Resolved::Pending(first) => {
            model.pending = Some(first);
            Vec::new()
        }
        Resolved::Nothing => {
            let first = pending.map(String::from).unwrap_or_default();
            if key != "<esc>" || pending.is_none() {
                let shown = super::action::shown(key);
                let help = model.key(Action::Help);
                model.complain(format!("{first}{shown} does nothing here; {help} shows every key"));
            }
            Vec::new()
        }
    }
}

/// The first Ctrl-C says how to leave, a second within a second leaves, also from behind a locked keyboard.
fn on_interrupt(model: &mut Model) -> Vec<Effect> {
    let again = model.quit_asked_ms.is_some_and(|asked| model.ms.saturating_sub(asked) < 1000);
    if again {
        return vec![Effect::Quit];
    }
    model.quit_asked_ms = Some(model.ms);
    model.say(match model.locked {
        true => {
            "the keyboard is locked; :unlock frees it, Ctrl-C again leaves (deployments go on)".to_owned()
        }
        false => format!("{} leaves (deployments go on); Ctrl-C again leaves too", model.key(Action::Quit)),
    });
    Vec::new()
}

/// Carries out an action, or says why not.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Err(why) = allow(model, action) {
        model.complain(why);
        return Vec::new();
    }
    tour::on_act(model, action);
    if let Some(popup) = opened(model, action) {
        model.popups.push(popup);
        return Vec::new();
    }
    match action {
        Action::FocusBoard => focus(model, Pane::Board),
        Action::FocusApprovals => focus(model, Pane::Approvals),
        Action::FocusCalendar => focus(model, Pane::Calendar),
        Action::FocusLog => focus(model, Pane::Log),
        Action::NextPane => focus(model, Pane::ALL[(model.focus as usize + 1) % 4]),
        Action::PreviousPane => focus(model, Pane::ALL[(model.focus as usize + 3) % 4]),
        Action::Quit | Action::QuitNow => vec![Effect::Quit],
        Action::Back => back(model),
        Action::GoBoard | Action::GoApprovals | Action::GoCalendar => jump::go(model, action),
        Action::Filter => {
            model.typing_filter = Some(String::new());
            Vec::new()
        }
        Action::EntryBack
        | Action::EntryOn
        | Action::HourBack
        | Action::HourOn
        | Action::DayBack
        | Action::DayOn => past::step(model, action),
        Action::ConfirmRules => {
            model.busy = Some(("confirm-rules…".to_owned(), model.now));
            vec![Effect::ShowRules]
        }
        Action::Requests => {
            model.busy = Some(("requests…".to_owned(), model.now));
            vec![Effect::AskRequests]
        }
        Action::Timeline => timeline(model),
        Action::Handover => {
            model.busy = Some(("handover…".to_owned(), model.now));
            vec![Effect::AskHandover]
        }
        Action::Metrics => {
            model.busy = Some(("metrics…".to_owned(), model.now));
            vec![Effect::AskMetrics { service: None, days: popup::metrics::DAYS[1] }]
        }
        Action::Undo => vec![Effect::Undo(Way::Undo)],
        Action::Redo => vec![Effect::Undo(Way::Redo)],
        Action::Refresh => vec![Effect::Load],
        Action::Redraw => vec![Effect::Redraw],
        Action::Mouse => mouse::switch(model),
        Action::Copy => copy(model),
        Action::CopyScreen => {
            vec![Effect::Copy { what: "the pane".to_owned(), text: super::view::text_of(model, model.focus) }]
        }
        Action::Suspend => vec![Effect::Suspend],
        Action::Times => {
            switch_times(model);
            Vec::new()
        }
        Action::LockKeyboard => {
            model.popups.clear();
            model.locked = true;
            model
                .say("the keyboard is locked: the screen goes on, acting keys are refused; :unlock opens it");
            Vec::new()
        }
        Action::Zoom => {
            model.zoomed = !model.zoomed;
            let (width, height) = model.size;
            on_resize(model, width, height)
        }
        _ => on_pane(model, action),
    }
}

/// Asks what went to the environment one would ask about first.
fn timeline(model: &mut Model) -> Vec<Effect> {
    let Some(environment) = popup::timeline::first(model) else {
        model.complain("there is no environment yet: relman.toml names them");
        return Vec::new();
    };
    model.busy = Some(("timeline…".to_owned(), model.now));
    vec![Effect::AskTimeline(environment)]
}

/// The list of what there is to copy.
fn copy(model: &mut Model) -> Vec<Effect> {
    match popup::copy::menu(model) {
        Some(menu) => model.popups.push(Popup::Copy(menu)),
        None => model.complain("there is nothing here to copy"),
    }
    Vec::new()
}

/// What an action opens wherever one is.
fn opened(model: &Model, action: Action) -> Option<Popup> {
    Some(match action {
        Action::Help => Popup::Help(popup::help::Help::default()),
        Action::Palette => Popup::Palette(popup::palette::Palette::default()),
        Action::Locks => Popup::Locks(popup::locks::Locks::new(&model.views.board.locks)),
        Action::AsOf => popup::form::moment::ask(model),
        Action::StopTheLine => popup::form::freeze::stop_the_line(model),
        Action::UnlockKeyboard => Popup::Unlock(popup::unlock::Dialog::new(model)),
        Action::Messages => Popup::page("Messages, newest first", popup::pages::messages(model)),
        Action::Who => Popup::page("Who else is in", super::presence::page(model)),
        _ => return None,
    })
}

fn switch_times(model: &mut Model) {
    model.times = match model.times {
        Times::Relative => Times::Local,
        Times::Local => Times::Utc,
        Times::Utc => Times::Relative,
    };
    model.say(match model.times {
        Times::Relative => "times are relative".to_owned(),
        Times::Local => format!("times are in {}", model.zone.name()),
        Times::Utc => "times are in UTC".to_owned(),
    });
}

fn on_pane(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::Witness {
        return witnessing(model);
    }
    let effects = match model.focus {
        Pane::Board => board::act(model, action),
        Pane::Approvals => queue::act(model, action),
        Pane::Calendar => calendar::act(model, action),
        Pane::Log => log::act(model, action),
    };
    let waits = effects.iter().any(|effect| {
        matches!(
            effect,
            Effect::Preview { .. }
                | Effect::Explain { .. }
                | Effect::Differ { .. }
                | Effect::AskChoices { .. }
                | Effect::Detail(_)
                | Effect::Prognosis(_)
                | Effect::ShowWitness(_)
                | Effect::Demo
        )
    });
    if waits {
        model.busy = Some((format!("{}…", entry(action).name), model.now));
    }
    effects.into_iter().flat_map(|effect| follow_up(model, effect)).collect()
}

/// Shows what somebody asks a witness for.
fn witnessing(model: &mut Model) -> Vec<Effect> {
    let Some(request) = super::presence::asking(model).cloned() else { return Vec::new() };
    model.busy = Some((format!("{}…", entry(Action::Witness).name), model.now));
    vec![Effect::ShowWitness(Box::new(request))]
}

/// Showing a log means going to its pane.
fn follow_up(model: &mut Model, effect: Effect) -> Vec<Effect> {
    match effect {
        Effect::Watch(id) if model.focus != Pane::Log => {
            model.focus = Pane::Log;
            model.unseen_log = false;
            log::watch(model, id)
        }
        effect => vec![effect],
    }
}

pub(super) fn focus(model: &mut Model, pane: Pane) -> Vec<Effect> {
    let here = match model.focus {
        Pane::Board => board::selected(model).map(|card| card.release.id.clone()),
        Pane::Approvals => queue::selected(model).map(|item| item.release.id.clone()),
        Pane::Calendar | Pane::Log => None,
    };
    model.focus = pane;
    // Whoever has moved on since means what they stand on.
    let about = model.read_about.take().filter(|about| here.is_none_or(|here| here == *about));
    if let Some(about) = about {
        match pane {
            Pane::Board => board::stand_on(model, &about),
            Pane::Approvals => queue::stand_on(model, &about),
            Pane::Calendar | Pane::Log => {}
        }
    }
    if pane == Pane::Log {
        model.unseen_log = false;
        let (width, height) = model.size;
        return on_resize(model, width, height);
    }
    Vec::new()
}

/// Esc: clears the filter, then the zoom; never quits.
fn back(model: &mut Model) -> Vec<Effect> {
    model.pending = None;
    if model.focus == Pane::Log
        && let Some(effects) = log::back(model)
    {
        return effects;
    }
    let filtered = match model.focus {
        Pane::Board => !model.board.filter.is_empty(),
        Pane::Approvals => !model.queue.filter.is_empty(),
        Pane::Log => !model.log.search.is_empty(),
        Pane::Calendar => false,
    };
    if filtered {
        return filtering::set(model, String::new());
    }
    if model.focus == Pane::Approvals && !model.queue.marked.is_empty() {
        pane::marks::clear(model);
        return Vec::new();
    }
    if model.zoomed {
        model.zoomed = false;
        let (width, height) = model.size;
        return on_resize(model, width, height);
    }
    if model.past.is_some() {
        return past::travel(model, Travel::Now);
    }
    if model.flash.take().is_none() {
        model.say(format!("{} leaves", model.key(Action::Quit)));
    }
    Vec::new()
}
