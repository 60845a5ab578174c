//! The gate tree: the same lines in every dialog.

use ratatui::text::{Line, Span};

use crate::domain::gate::stage_exit::{ExitAnswer, ExitCheck};
use crate::domain::gate::{Answer, GateReport};
use crate::tui::model::Model;

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
        if let Answer::Blocked { reason } = &check.answer {
            let step = reason.next_step(&report.release, &report.environment);
            lines.push(Line::styled(format!("    {} {step}", glyphs.arrow), theme.dim));
        }
    }
    lines
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
