//! The log folded to its steps: one line for each attempt, to go to.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::domain::deployment::{Step, StepState};
use crate::domain::text::fit;
use crate::domain::time::stopwatch;
use crate::ops::view::deployment::DeploymentView;
use crate::tui::model::Model;
use crate::tui::pane::scrolled;

/// How the state of a step looks, wherever it is shown.
pub(super) fn mark(model: &Model, state: StepState) -> (&'static str, Style) {
    let (theme, glyphs) = (&model.theme, &model.glyphs);
    match state {
        StepState::Succeeded => (glyphs.pass, theme.good),
        StepState::Failed => (glyphs.failed, theme.bad),
        StepState::Running => (glyphs.active, theme.busy),
        StepState::Waiting => ("…", theme.busy),
        StepState::Pending | StepState::Skipped => (glyphs.not, theme.dim),
    }
}

/// The step at the cursor to begin with: one that failed, else the one that runs, else the last that began.
pub(super) fn first(view: &DeploymentView) -> usize {
    let all = &view.steps;
    let is = |state| all.iter().position(|step| step.state == state);
    is(StepState::Failed)
        .or_else(|| is(StepState::Running))
        .or_else(|| all.iter().rposition(|step| step.log_from.is_some()))
        .unwrap_or(0)
}

pub(super) fn view(model: &Model, view: &DeploymentView, at: usize, frame: &mut Frame<'_>, area: Rect) {
    let all = &view.steps;
    let at = at.min(all.len().saturating_sub(1));
    let rows = usize::from(area.height);
    let top = scrolled(0, at, rows);
    let width = usize::from(area.width);
    let lines: Vec<Line<'static>> = all
        .iter()
        .enumerate()
        .skip(top)
        .take(rows)
        .map(|(index, step)| row(model, step, index == at, width))
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn row(model: &Model, step: &Step, is_marked: bool, width: usize) -> Line<'static> {
    let (mark, style) = mark(model, step.state);
    let took = step.started_at.map(|start| stopwatch(step.finished_at.unwrap_or(model.now).since(start)));
    let printed = match (step.log_from, step.log_to) {
        (Some(from), Some(to)) => format!("  {} bytes", to.saturating_sub(from)),
        (Some(_), None) => "  …".to_owned(),
        _ => String::new(),
    };
    let cause = step.cause.as_ref().filter(|_| step.state == StepState::Failed);
    let cause = cause.map(|cause| format!("  {cause}")).unwrap_or_default();
    let name = format!("{}{}", step.plan.name, step.again());
    let rest = format!("{name:<24} {} {}{printed}{cause}", step.state, took.unwrap_or_default());
    let cursor = if is_marked { model.glyphs.cursor } else { " " };
    Line::from(vec![
        Span::raw(format!("{cursor} ")),
        Span::styled(format!("{mark} "), style),
        Span::styled(
            fit(&rest, width.saturating_sub(4)),
            if is_marked { model.theme.selected } else { Style::new() },
        ),
    ])
}
