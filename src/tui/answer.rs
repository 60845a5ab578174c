//! What an order came to: the dialogs and pages that were asked for, what was done, and what was not.

use ratatui::text::Line;

use super::action::Action;
use super::model::{Model, Pane};
use super::msg::{Effect, Msg};
use super::news;
use super::pane::{log, queue};
use super::popup::{self, Popup};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{EnvName, ReleaseId, ServiceName};
use crate::ops::deployment::rollback::Choices;
use crate::ops::deployment::start::Preview;
use crate::ops::view::metrics::Metrics;
use crate::ops::view::release::ReleaseView;
use crate::ops::wanted::Listed;
use crate::ops::{ErrorKind, OpError};

/// Takes the answer to an order.
#[expect(clippy::too_many_lines, reason = "one arm for each answer")]
pub(super) fn on_answer(model: &mut Model, answer: Msg) -> Vec<Effect> {
    match answer {
        Msg::Previewed(preview, environment) => on_preview(model, *preview, environment),
        Msg::Explained(report, slots) => {
            model.read_about = Some(report.release.clone());
            let title = format!("Why {} may or may not go to {}", report.release, report.environment);
            let lines = popup::pages::explanation(model, &report, Some(&slots));
            opened(model, |_| Popup::page(&title, lines))
        }
        Msg::Differed(found) => {
            let title = format!("Scripts of {} for {}", found.release, found.subject.as_text());
            let lines = popup::pages::differences(model, &found);
            opened(model, |_| Popup::page(&title, lines))
        }
        Msg::Slots { release, environment, slots } => {
            if let Some(Popup::Form(mut form)) = model.popups.pop_if(|top| matches!(top, Popup::Form(_))) {
                form.learn_slots(model, &release, &environment, &slots);
                model.popups.push(Popup::Form(form));
            }
            settled(model)
        }
        Msg::Choices { service, environment, choices, .. }
            if is_open_about(model, &service, &environment) =>
        {
            refresh_rollback(model, *choices)
        }
        Msg::Choices { service, environment, choices, needs_confirmation } => {
            // The same service, another environment: it was asked for in the dialog.
            if matches!(model.popups.last(), Some(Popup::Rollback(dialog)) if dialog.is_of(&service)) {
                model.popups.pop();
            }
            opened(model, |model| {
                let dialog =
                    popup::rollback::Dialog::new(service, environment, *choices, needs_confirmation, model);
                Popup::Rollback(Box::new(dialog))
            })
        }
        Msg::Detailed(view) => on_detail(model, &view),
        Msg::WitnessAsked(asked) => {
            if let Some(Popup::Deploy(dialog)) = model.popups.last_mut() {
                dialog.code = Some((asked.code, asked.request.expires_at));
                dialog.scroll = popup::scroll::Scroll::default();
            }
            settled(model)
        }
        Msg::WitnessShown(request, item) => opened(model, |model| {
            Popup::Witness(Box::new(popup::witness::Dialog::new(*request, *item, model)))
        }),
        Msg::Foretold(prognosis) => {
            opened(model, |_| Popup::Train(Box::new(popup::train::Page::new(*prognosis))))
        }
        Msg::Weighed(effect, lines) => {
            if let Some(Popup::Form(form)) = model.popups.last_mut() {
                form.weighed(*effect, lines);
            }
            settled(model)
        }
        Msg::Started(id, text) => {
            model.popups.clear();
            model.say(text);
            model.focus = Pane::Log;
            model.busy = None;
            log::watch(model, id)
        }
        Msg::Done(text) => done(model, text),
        Msg::Registered(id, text) => {
            model.board.awaited = Some(id);
            done(model, text)
        }
        Msg::DoneForNow(text) => {
            let told = format!("{text}; {} undoes", model.key(Action::Undo));
            done(model, told)
        }
        Msg::RulesShown(changes, waits) => on_rules(model, changes, waits),
        Msg::Measured(found, days) => on_figures(model, *found, days),
        Msg::Requested(found) => on_requests(model, found),
        Msg::Handover(document) => {
            let lines = popup::pages::document(model, &document);
            opened(model, |_| Popup::page("Hand-over", lines))
        }
        Msg::Timeline(environment, found) => on_timeline(model, environment, found),
        Msg::BuildShown(id, number, tail) => on_build(model, &id, number, tail),
        Msg::EditorSaved(saved) => on_saved(model, saved),
        Msg::Decided(approval) => {
            close_sent(model);
            model.say(approval.told(model.shown_zone()));
            settled(model)
        }
        Msg::Failed(error) => on_failure(model, error),
        // Everything else is no answer; see `update`.
        _ => Vec::new(),
    }
}

/// What became other in the rules, with the question whether one stands by it where somebody is asked to.
fn on_rules(model: &mut Model, changes: Vec<String>, waits: bool) -> Vec<Effect> {
    let nothing = || vec![Line::raw("nothing that can be told differs from the rules before")];
    let lines = |changes: &[String]| match changes.is_empty() {
        true => nothing(),
        false => changes.iter().map(|line| Line::raw(line.clone())).collect(),
    };
    if !waits {
        let mut page =
            vec![Line::raw("Nobody has to stand by the rules: they are in force."), Line::default()];
        page.extend(lines(&changes));
        return opened(model, |_| Popup::page("The rules", page));
    }
    let facts = lines(&changes);
    opened(model, |model| Popup::confirm_rules(facts, changes, model))
}

/// The text of an editor goes into the field it was opened for.
fn on_saved(model: &mut Model, saved: Result<String, String>) -> Vec<Effect> {
    match (saved, model.popups.last_mut()) {
        (Ok(text), Some(Popup::Form(form))) => {
            if let Err(why) = form.edited_outside(&text) {
                let aside = crate::host::editor::put_aside(&text);
                let place = aside.map(|path| format!("; it is in {}", path.display())).unwrap_or_default();
                model.complain(format!("{why}{place}"));
            }
        }
        (Err(why), _) => model.complain(why),
        (Ok(_), _) => {}
    }
    Vec::new()
}

/// It is done: what is on the screen is read again where nothing else does it.
fn done(model: &mut Model, text: String) -> Vec<Effect> {
    close_sent(model);
    model.say(text);
    let mut effects = settled(model);
    match model.popups.last() {
        Some(Popup::Requests(_)) => effects.push(Effect::AskRequests),
        Some(Popup::Timeline(page)) => effects.push(Effect::AskTimeline(page.environment.clone())),
        Some(Popup::Build(page)) => effects.push(Effect::AskBuild(page.id.clone())),
        _ => {}
    }
    effects
}

/// The list for the page that shows it, or for a new one.
fn on_requests(model: &mut Model, found: Vec<Listed>) -> Vec<Effect> {
    if let Some(Popup::Requests(page)) = model.popups.last_mut() {
        page.refresh(found);
        return settled(model);
    }
    opened(model, |_| Popup::Requests(popup::requests::Page::new(found)))
}

/// What went somewhere, for the page that shows it, or for a new one.
fn on_timeline(model: &mut Model, environment: EnvName, found: Vec<Deployment>) -> Vec<Effect> {
    if let Some(Popup::Timeline(page)) = model.popups.last_mut() {
        page.refresh(environment, found);
        return settled(model);
    }
    opened(model, |_| Popup::Timeline(popup::timeline::Page::new(environment, found)))
}

/// The end of a log for the page that shows that build, if it is still open.
fn on_build(model: &mut Model, id: &ReleaseId, number: usize, tail: Vec<String>) -> Vec<Effect> {
    if let Some(Popup::Build(page)) = model.popups.last_mut() {
        page.refresh(id, number, tail);
    }
    settled(model)
}

/// Figures for the page that shows some, or for a new one.
fn on_figures(model: &mut Model, found: Metrics, days: u64) -> Vec<Effect> {
    if let Some(Popup::Metrics(page)) = model.popups.last_mut() {
        page.refresh(found, days);
        return settled(model);
    }
    opened(model, |_| Popup::Metrics(Box::new(popup::metrics::Page::new(found, days))))
}

/// The page about a release. In the queue one asks about what is to be decided: that comes first, and whole.
fn on_detail(model: &mut Model, view: &ReleaseView) -> Vec<Effect> {
    model.read_about = Some(view.release.id.clone());
    let title = format!("{}  {}", view.release.id, view.release.title);
    let item = (model.focus == Pane::Approvals).then(|| queue::selected(model)).flatten();
    let item = item.filter(|item| item.release.id == view.release.id);
    let mut lines = item.map(|item| queue::about(model, item)).unwrap_or_default();
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(popup::pages::release(model, view));
    opened(model, |_| Popup::page(&title, lines))
}

/// Said when what a dialog shows is no longer what it showed.
const CHANGED: &str = "what this is about has changed; look again";

/// Says what is another than it was.
fn changed(model: &mut Model, news: &[String]) {
    model.complain(news::told(news).unwrap_or_else(|| CHANGED.to_owned()));
}

/// The views were read again: a question on the screen is about what is there now, or goes away.
pub(super) fn look_again(model: &mut Model) -> Vec<Effect> {
    let Some(mut top) = model.popups.pop() else { return Vec::new() };
    match top.look_again(model) {
        Ok(effects) => {
            model.popups.push(top);
            effects
        }
        Err(popup::Stale::Changed(news)) => {
            model.popups.push(top);
            changed(model, &news);
            Vec::new()
        }
        Err(popup::Stale::Gone(what)) => {
            let what = what.unwrap_or_else(|| "what was asked about is over meanwhile".to_owned());
            let text = format!("{what}; nothing was done");
            model.complain(text.clone());
            model.popups.push(Popup::Over(text));
            Vec::new()
        }
    }
}

fn is_open_about(model: &Model, service: &ServiceName, environment: &EnvName) -> bool {
    matches!(model.popups.last(), Some(Popup::Rollback(dialog)) if dialog.is_about(service, environment))
}

fn refresh_rollback(model: &mut Model, choices: Choices) -> Vec<Effect> {
    if let Some(Popup::Rollback(mut dialog)) = model.popups.pop() {
        let news = dialog.refresh(choices, model);
        model.popups.push(Popup::Rollback(dialog));
        if let Some(news) = news {
            changed(model, &news);
        }
    }
    settled(model)
}

/// Opens what was asked for, unless the person has turned to something else.
fn opened(model: &mut Model, popup: impl FnOnce(&Model) -> Popup) -> Vec<Effect> {
    if is_awaited(model) {
        let popup = popup(model);
        model.popups.push(popup);
    }
    settled(model)
}

fn settled(model: &mut Model) -> Vec<Effect> {
    model.busy = None;
    Vec::new()
}

/// Whether a dialog that was asked for may still open: not over something the person has turned to meanwhile, where
/// keys meant for it would answer the dialog.
fn is_awaited(model: &Model) -> bool {
    model.popups.is_empty() && model.typing_filter.is_none()
}

fn on_preview(model: &mut Model, preview: Preview, environment: EnvName) -> Vec<Effect> {
    match model.popups.pop() {
        Some(Popup::Deploy(mut dialog)) if dialog.is_about(&preview, &environment) => {
            let is_other = dialog.refresh(preview, model);
            let news = dialog.news.clone();
            model.popups.push(Popup::Deploy(dialog));
            if is_other {
                changed(model, &news);
            }
            return settled(model);
        }
        // The same release, another environment: it was asked for in the dialog.
        Some(Popup::Deploy(dialog)) if !dialog.sent && dialog.preview.release.id == preview.release.id => {}
        // The ticket was named in a form that came from the dialog.
        Some(Popup::Form(form)) if form.is_ticket_for(&preview.release.id, &environment) => {}
        top => model.popups.extend(top),
    }
    if is_awaited(model) {
        model.read_about = Some(preview.release.id.clone());
        let dialog = popup::deploy::Dialog::new(preview, environment, model);
        model.popups.push(Popup::Deploy(Box::new(dialog)));
    }
    settled(model)
}

/// Another moment is there: the dialog that asked for it has done its work.
pub(super) fn arrived(model: &mut Model) {
    close_sent(model);
    model.busy = None;
}

/// A form whose order was carried out has done its work.
fn close_sent(model: &mut Model) {
    let is_done = match model.popups.last() {
        Some(Popup::Form(form)) => form.sent,
        Some(Popup::Guide(dialog)) => dialog.sent,
        Some(Popup::Witness(dialog)) => dialog.sent,
        _ => false,
    };
    if is_done {
        model.popups.pop();
    }
}

fn on_failure(model: &mut Model, error: OpError) -> Vec<Effect> {
    model.busy = None;
    let hint = error.hints.first().map(|hint| format!("  → {hint}")).unwrap_or_default();
    let text = format!("{}{hint}", error.sentence);
    let now_ms = model.ms;
    match model.popups.pop() {
        // The gates said something else than a moment ago: show that, disarmed.
        Some(Popup::Deploy(mut dialog)) => {
            if let Some(report) = error.report {
                dialog.disarm(*report, model);
            } else {
                dialog.failed();
            }
            model.popups.push(Popup::Deploy(dialog));
            model.complain(text);
        }
        Some(Popup::Rollback(mut dialog)) => {
            dialog.failed();
            model.popups.push(Popup::Rollback(dialog));
            model.complain(text);
        }
        Some(Popup::Witness(mut dialog)) => {
            dialog.failed(model);
            model.popups.push(Popup::Witness(dialog));
            model.complain(text);
        }
        Some(Popup::Guide(mut dialog)) if dialog.sent => {
            dialog.failed();
            model.popups.push(Popup::Guide(dialog));
            model.complain(text);
        }
        Some(Popup::Form(mut form)) if form.sent => {
            form.failed(text.clone());
            model.popups.push(Popup::Form(form));
            model.complain(text);
        }
        top => {
            model.popups.extend(top);
            debug_assert!(now_ms >= model.last_key_ms);
            // More than a line: a page that can be read in peace.
            let long = error.hints.len() > 1 || error.sentence.len() > usize::from(model.size.0);
            if long && error.kind != ErrorKind::Busy {
                let mut lines: Vec<Line<'static>> =
                    error.sentence.split("; ").map(|part| Line::raw(part.to_owned())).collect();
                let arrow = model.glyphs.arrow;
                lines.extend(
                    error.hints.iter().map(|hint| Line::styled(format!("{arrow} {hint}"), model.theme.dim)),
                );
                model.popups.push(Popup::page("Not done", lines));
            }
            model.complain(text);
        }
    }
    Vec::new()
}
