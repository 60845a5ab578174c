//! Several deployments at once: the last lines of each, one below the other or side by side.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::domain::ansi;
use crate::domain::deployment::Deployment;
use crate::domain::ids::DeploymentId;
use crate::domain::text::fit;
use crate::domain::time::stopwatch;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::widget;

/// More than that nobody reads.
pub const MOST: usize = 4;

/// Narrower than this a column says nothing.
const COLUMN: u16 = 60;

/// What is shown of each.
#[derive(Debug, Clone, Default)]
pub struct Wall {
    /// The deployments, and the last lines of their logs.
    pub shown: Vec<(DeploymentId, Vec<ansi::Line>)>,
    /// The one with the cursor.
    pub at: usize,
}

/// Deployments that are worth watching together: what runs, then what ended last.
pub(super) fn candidates(model: &Model) -> Vec<DeploymentId> {
    let views = &model.views;
    let running = views.board.active.iter().filter(|d| d.state.is_live()).map(|d| d.id);
    let mut all: Vec<DeploymentId> = running.collect();
    let ended = views.deployments.iter().map(|d| d.id).filter(|id| !all.contains(id)).collect::<Vec<_>>();
    all.extend(ended);
    all.truncate(MOST);
    all
}

pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let ids = candidates(model);
    let rows = usize::from(model.size.1);
    model.log.wall = Some(Wall { shown: ids.iter().map(|id| (*id, Vec::new())).collect(), at: 0 });
    vec![Effect::WatchAll { ids, rows }]
}

/// Shows one again; what reads the others is told to leave off.
pub(super) fn close(model: &mut Model) -> Vec<Effect> {
    let was_open = model.log.wall.take().is_some();
    was_open.then(|| Effect::WatchAll { ids: Vec::new(), rows: 0 }).into_iter().collect()
}

fn known(model: &Model, id: DeploymentId) -> Option<&Deployment> {
    let views = &model.views;
    views.board.active.iter().chain(&views.deployments).find(|d| d.id == id)
}

pub(super) fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(wall) = &model.log.wall else { return };
    let count = u16::try_from(wall.shown.len()).unwrap_or(1).max(1);
    let parts = vec![Constraint::Fill(1); usize::from(count)];
    let areas = match area.width / count >= COLUMN {
        true => Layout::horizontal(parts).spacing(1).split(area),
        false => Layout::vertical(parts).split(area),
    };
    for (at, ((id, lines), part)) in wall.shown.iter().zip(areas.iter()).enumerate() {
        let theme = &model.theme;
        let head = match known(model, *id) {
            Some(d) => {
                let percent =
                    d.progress.filter(|_| d.state.is_live()).map(|p| format!(" {p}%")).unwrap_or_default();
                let took = stopwatch(d.duration(model.now));
                format!(
                    "{id} {} {} {} {} {took}{percent}",
                    d.release,
                    model.glyphs.arrow,
                    d.environment,
                    d.state_word()
                )
            }
            None => id.to_string(),
        };
        let cursor = if at == wall.at { model.glyphs.cursor } else { " " };
        let style = if at == wall.at { theme.selected } else { theme.title };
        let width = usize::from(part.width);
        let head = Line::from(Span::styled(fit(&format!("{cursor} {head}"), width), style));
        frame.render_widget(Paragraph::new(head), Rect { height: part.height.min(1), ..*part });
        let below = Rect { y: part.y + 1, height: part.height.saturating_sub(1), ..*part };
        let over = lines.len().saturating_sub(usize::from(below.height));
        let colours = model.has_log_colours();
        let text: Vec<Line<'static>> =
            lines.iter().skip(over).map(|line| widget::ansi::line(line, colours)).collect();
        frame.render_widget(Paragraph::new(text), below);
    }
}
