//! The gate tree: the same lines in every dialog.

use ratatui::text::{Line, Span};

use crate::domain::deployment::DeploymentState;
use crate::domain::gate::stage_exit::{ExitAnswer, ExitCheck};
use crate::domain::gate::{Answer, BlockReason, GateReport};
use crate::tui::action::Action;
use crate::tui::model::{Model, Pane};

/// Every gate; closed ones with remedy and who can clear them.
pub fn report(model: &Model, report: &GateReport) -> Vec<Line<'static>> {
    let (theme, glyphs) = (&model.theme, &model.glyphs);
    let mut lines = Vec::new();
    for check in &report.checks {
        let (mark, style, text) = match &check.answer {
            Answer::Pass { evidence } => (glyphs.pass, theme.good, evidence.clone()),
            Answer::Skipped { why } => (glyphs.skipped, theme.dim, format!("not asked: {why}")),
            Answer::Blocked { reason } => (glyphs.closed, theme.bad, reason.to_string()),
            Answer::Overridden { reason, by, .. } => {
                (glyphs.warn, theme.busy, format!("overridden by {by}: {reason}"))
            }
            Answer::Unknown { why } => (glyphs.unknown, theme.bad, format!("unknown: {why}")),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(format!("{:<10} ", check.gate.as_str()), theme.strong),
            Span::raw(text),
        ]));
        if let Some(step) = check.next_step(&report.release, &report.environment) {
            let key = match &check.answer {
                Answer::Blocked { reason } => key(model, reason),
                _ => None,
            };
            let key = key.map(|key| format!("  [{key}]")).unwrap_or_default();
            lines.push(Line::styled(format!("    {} {step}{key}", glyphs.arrow), theme.dim));
        }
    }
    lines
}

/// The keys that do what the remedy says: the pane's, then the action's.
fn key(model: &Model, reason: &BlockReason) -> Option<String> {
    let (action, pane) = match reason {
        BlockReason::WrongStage { .. } => (Action::Advance, Pane::Board),
        BlockReason::NotLiveUpstream { .. } | BlockReason::Soaking { until: None, .. } => {
            (Action::Deploy, Pane::Board)
        }
        BlockReason::ReleaseBlocked { .. } => (Action::Block, Pane::Board),
        BlockReason::ApprovalsMissing { .. } => (Action::Approve, Pane::Approvals),
        BlockReason::Rejected { .. } => (Action::Withdraw, Pane::Approvals),
        BlockReason::Frozen { id: Some(_), .. } => (Action::RemoveFreeze, Pane::Calendar),
        BlockReason::Held { holder } if holder.state == DeploymentState::Lost => (Action::Decide, Pane::Log),
        _ => return None,
    };
    let focus =
        [Action::FocusBoard, Action::FocusApprovals, Action::FocusCalendar, Action::FocusLog][pane as usize];
    Some(format!("keys {} {}", model.keymap.first(pane, focus), model.keymap.first(pane, action)))
}

/// What a stage wants before a release leaves it.
pub fn exit(model: &Model, checks: &[ExitCheck]) -> Vec<Line<'static>> {
    let (theme, glyphs) = (&model.theme, &model.glyphs);
    let mut lines = Vec::new();
    for check in checks {
        let (mark, style, text, remedy) = match &check.answer {
            ExitAnswer::Met { evidence } => (glyphs.pass, theme.good, evidence.clone(), None),
            ExitAnswer::Skipped { why } => (glyphs.skipped, theme.dim, format!("skipped: {why}"), None),
            ExitAnswer::Gap { lacks, remedy } => {
                (glyphs.warn, theme.busy, format!("gap: {lacks}"), Some(remedy))
            }
            ExitAnswer::Blocked { lacks, remedy } => (glyphs.closed, theme.bad, lacks.clone(), Some(remedy)),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(format!("{:<14} ", check.gate.as_str()), theme.strong),
            Span::raw(text),
        ]));
        if let Some(remedy) = remedy {
            lines.push(Line::styled(format!("    {} {remedy}", glyphs.arrow), theme.dim));
        }
    }
    lines
}
