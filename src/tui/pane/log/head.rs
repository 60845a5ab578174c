//! Above the text: what runs, how far it is, its steps; and everything about it on a page.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::outline::mark;
use crate::domain::deployment::{DeploymentState, Step, StepState};
use crate::domain::text::fit;
use crate::domain::time::{span, stopwatch};
use crate::domain::wait::Wait;
use crate::ops::view::deployment::DeploymentView;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::popup::waits_for_person;
use crate::tui::widget;

pub(super) fn headline(model: &Model, view: &DeploymentView, width: usize) -> Line<'static> {
    let d = &view.deployment;
    let theme = &model.theme;
    let style = match d.state {
        DeploymentState::Succeeded => theme.good,
        state if state.is_live() || state.is_pending() => theme.busy,
        _ => theme.bad,
    };
    let (time, time_style) = timing(model, view);
    let silent = match d.silence(model.now) {
        Some(quiet) => format!(" NO SIGN OF LIFE for {}", span(quiet)),
        None => String::new(),
    };
    let cancelling = if d.is_cancelling() { " CANCELLING" } else { "" };
    let asks = match d.state {
        DeploymentState::Lost => format!(" ({} settles it)", model.key(Action::Decide)),
        _ if waits_for_person(d) => format!(" ({} decides)", model.key(Action::Decide)),
        _ => String::new(),
    };
    let on_it = d.on_it().map(|taken| format!(", {} is on it", taken.by.human())).unwrap_or_default();
    let hold = d.hold.as_ref().map(|hold| format!(": {}{on_it}", hold.brief())).unwrap_or_default();
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
    let what = match d.noop {
        true => format!("{} {} ", d.id, d.errand()),
        false => format!("{} {} {} {} ", d.id, d.release, model.glyphs.arrow, d.environment),
    };
    let state = format!("{}{cancelling}{asks}{silent}", d.state_word());
    let room = width.saturating_sub(what.width() + state.width());
    let before = fit(&format!("{hold} "), room);
    let time = fit(&time, room.saturating_sub(before.width()));
    let after = format!("{lost_output}{cause}{bar}");
    let after = fit(&after, room.saturating_sub(before.width() + time.width()));
    Line::from(vec![
        Span::styled(what, theme.strong),
        Span::styled(state, style),
        Span::raw(before),
        Span::styled(time, time_style),
        Span::raw(after),
    ])
}

/// How long it takes, against what is usual here: past that, the colour changes as well as the words (EXE-26).
fn timing(model: &Model, view: &DeploymentView) -> (String, Style) {
    let d = &view.deployment;
    if let Some(wait) = d.wait.as_ref().filter(|_| d.state.is_pending()) {
        return (wait.brief(d.state, model.now), model.theme.busy);
    }
    let took = d.duration(model.now);
    let usual = view.usual_ms.map(std::time::Duration::from_millis).filter(|_| d.state.is_live());
    match usual {
        Some(usual) if took <= usual => {
            (format!("{} of about {}", stopwatch(took), stopwatch(usual)), Style::new())
        }
        Some(usual) => (format!("{}, past its usual {}", stopwatch(took), stopwatch(usual)), model.theme.bad),
        None => (stopwatch(took), Style::new()),
    }
}

/// The steps with their marks, on one line: where there are too many, from the one before the current one on.
pub(super) fn steps(model: &Model, view: &DeploymentView, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let steps: Vec<&Step> = view.latest_attempts().collect();
    let marked = |step: &&Step| {
        let (mark, style) = mark(model, step.state);
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
pub(super) fn details(model: &Model, view: &DeploymentView) -> Vec<Line<'static>> {
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
    let pending = d.wait.as_ref().filter(|_| d.state.is_pending());
    for (label, value) in [
        ("answers", d.answered()),
        ("left out", (!d.left_out.is_empty()).then(|| d.left_out.join(", "))),
        ("now", d.begins()),
        ("on failure", d.on_failure.map(|what| what.to_string())),
        ("in line", view.place()),
        ("meanwhile", view.still_serves()),
        ("expires", pending.map(|wait| model.moment(wait.expires))),
        ("ahead", pending.and_then(Wait::ahead)),
        ("was asked", d.wait.as_ref().filter(|_| !d.state.is_pending()).map(ToString::to_string)),
    ] {
        if let Some(value) = value {
            add(label, value);
        }
    }
    if let Some(cause) = &d.cause {
        add("because", cause.to_string());
    }
    if let Some(cancel) = &d.cancel {
        add("cancel", format!("asked by {}, {}", cancel.by, model.moment(cancel.at)));
    }
    if let Some(hold) = &d.hold {
        add("waits", hold.to_string());
    }
    if let Some(taken) = d.on_it() {
        add("on it", format!("{}, {}", taken.by.human(), model.moment(taken.at)));
    }
    if let Some(eyes) = &d.witness {
        add("four-eyes", eyes.sentence());
    }
    if d.guided {
        add("helped", "a person decided about a failed step".to_owned());
    }
    if let Some(follow_up) = &d.follow_up {
        add("rollback", follow_up.sentence(d.state.is_over()));
    }
    if !d.overrides.is_empty() {
        add("overridden", view.overridden());
    }
    if !d.left_running.is_empty() {
        add("left running", d.left_running.join(", "));
    }
    if let Some(lost) = d.lost_output() {
        add("log", lost);
    }
    for note in &view.notes {
        add("note", format!("{}, {}: {}", note.by.name, model.moment(note.at), note.text));
    }
    for step in &view.steps {
        let took = step.started_at.map(|start| stopwatch(step.finished_at.unwrap_or(model.now).since(start)));
        let cause = step.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        add(
            &format!("step {}", step.index + 1),
            format!("{}{} {} {}{cause}", step.plan.name, step.again(), step.state, took.unwrap_or_default()),
        );
    }
    lines.push(Line::styled(format!("gates when it {}", view.gates_asked()), theme.strong));
    lines.extend(widget::gates::report(model, &view.report));
    lines
}
