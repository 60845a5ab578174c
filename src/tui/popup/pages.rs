//! Pages to be read in peace: what a release is, and why it may or may not go somewhere.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::diff::Kind;
use crate::domain::document::{Block, Document};
use crate::domain::gate::GateReport;
use crate::domain::release::Release;
use crate::domain::text::one_line;
use crate::ops::view::release::{Decision, ReleaseView};
use crate::ops::view::script_diff::ScriptDiffs;
use crate::ops::view::when::Slot;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::widget::gates;

/// The page that says what each gate thinks of a deployment.
pub fn explanation(model: &Model, report: &GateReport, slots: Option<&[Slot]>) -> Vec<Line<'static>> {
    let style = if report.allows() { model.theme.good } else { model.theme.bad };
    let mut lines = vec![Line::styled(report.headline(), style)];
    lines.extend(gates::report(model, report));
    if let Some(closes) = &report.closes {
        lines.push(Line::styled(closes.sentence(model.now), model.theme.busy));
    }
    if let Some(at) = report.earliest.filter(|at| *at > report.at) {
        lines.push(Line::raw(format!("earliest: {}", model.moment(at))));
    }
    if slots.is_some_and(<[Slot]>::is_empty) {
        lines.push(Line::styled("no freeze, window, soak or lock leaves a slot open", model.theme.bad));
    }
    lines.extend(
        slots
            .into_iter()
            .flatten()
            .map(|slot| Line::raw(format!("open {}", slot.sentence(model.shown_zone(), model.now)))),
    );
    lines.push(Line::default());
    lines.push(Line::styled(
        format!("Nothing starts from here: {} asks for the deployment.", model.key(Action::Deploy)),
        model.theme.dim,
    ));
    lines
}

/// What changed in the scripts, as `diff -u` writes it.
pub fn differences(model: &Model, found: &ScriptDiffs) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let style = |kind| match kind {
        Kind::Place => theme.strong,
        Kind::Gone => theme.bad,
        Kind::New => theme.good,
        Kind::Remark => theme.dim,
        Kind::Same => Style::new(),
    };
    found.lines().into_iter().map(|(kind, text)| Line::styled(text, style(kind))).collect()
}

/// One decision, whether it counts, and how far it is proven.
fn decided(model: &Model, decision: &Decision) -> Line<'static> {
    let approval = &decision.approval;
    let ended = decision
        .ignored
        .as_ref()
        .map(|why| format!(" (does not count: {})", why.sentence(model.shown_zone())))
        .unwrap_or_default();
    Line::raw(format!(
        "{} by {} for {}, {}{ended}",
        decision.verdict(),
        approval.by.name,
        approval.subject.as_text(),
        model.time(approval.at)
    ))
}

/// Everything known about a release.
pub fn release(model: &Model, view: &ReleaseView) -> Vec<Line<'static>> {
    let release = &view.release;
    let theme = &model.theme;
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut fact = |label: &str, value: Option<String>| {
        let (value, style) = match value {
            Some(value) => (value, Style::new()),
            None => ("–".to_owned(), theme.dim),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{label:<14}"), theme.dim),
            Span::styled(value, style),
        ]));
    };
    let since = model.time(release.stage_since);
    fact(
        "state",
        Some(format!("{}, in the {} stage ({since}), {}", release.state, release.stage, release.kind)),
    );
    if let Some(block) = &release.blocked {
        fact("BLOCKED", Some(format!("by {}: {}", block.by.name, block.reason)));
    }
    fact("requested by", Some(format!("{} ({})", release.request.requester.name, release.request.origin)));
    fact("need", release.request.need.clone());
    fact("owner", release.plan.owner.clone());
    fact("target", release.plan.target.map(|at| model.moment(at)));
    fact("risk", release.plan.risk.map(|risk| risk.to_string()));
    fact("rollback plan", release.plan.rollback.clone());
    for (label, value) in beside(release) {
        fact(label, Some(value));
    }
    fact("commit", release.build.commit.clone());
    fact("artifact", release.build.artifact.clone());
    fact("digest", release.build.digest.as_ref().map(ToString::to_string));
    for (at, change) in release.build.changes.iter().enumerate() {
        fact(if at == 0 { "contains" } else { "" }, Some(change.clone()));
    }
    for (name, check) in &release.checks {
        let result = if check.passed { "passed" } else { "FAILED" };
        fact("check", Some(format!("{name} {result}, {}", check.by.name)));
    }
    if !view.exit.is_empty() {
        lines.push(Line::styled(format!("to leave the {} stage", release.stage), theme.strong));
        lines.extend(gates::exit(model, &view.exit));
    }
    for report in &view.reports {
        let style = if report.allows() { theme.good } else { theme.bad };
        lines.push(Line::styled(report.headline(), style));
    }
    for standing in &view.deliveries {
        lines.push(Line::raw(standing.to_string()));
    }
    lines.extend(view.approvals.iter().map(|decision| decided(model, decision)));
    for d in &view.deployments {
        lines.push(Line::raw(format!(
            "{} {} to {} {} by {}, {}",
            d.id,
            d.what(),
            d.environment,
            d.state,
            d.started_by.name,
            model.time(d.requested_at)
        )));
    }
    lines
}

/// What it needs where it goes, and what guards it there.
fn beside(release: &Release) -> Vec<(&'static str, String)> {
    let requires: Vec<String> = release.plan.requires.iter().map(ToString::to_string).collect();
    let mut known = Vec::new();
    if !requires.is_empty() {
        known.push(("requires", format!("{} or newer, live where it goes", requires.join(", "))));
    }
    if !release.plan.toggles.is_empty() {
        known.push(("toggles", release.plan.toggles.join(", ")));
    }
    known.extend(release.channel.clone().map(|channel| ("channel", channel)));
    known.extend(release.fields.iter().map(|(name, value)| ("field", format!("{name}: {value}"))));
    known
}

/// What was said, newest first.
pub fn messages(model: &Model) -> Vec<Line<'static>> {
    if model.messages.is_empty() {
        return vec![Line::raw("nothing was said yet")];
    }
    let line = |flash: &super::super::model::Flash| {
        let style = if flash.is_error { model.theme.bad } else { ratatui::style::Style::new() };
        let at = flash.at.in_zone(model.zone).format("%H:%M:%S");
        Line::styled(format!("{at} {}", flash.text), style)
    };
    model.messages.iter().map(line).collect()
}

/// A document to read: the rows of its tables are lines, newest last as they stand.
pub fn document(model: &Model, document: &Document) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(document.title.clone(), model.theme.strong)];
    for block in &document.blocks {
        match block {
            Block::Heading(_, heading) => {
                lines.extend([Line::raw(""), Line::styled(heading.clone(), model.theme.title)]);
            }
            Block::Text(text) => lines.extend(text.lines().map(|line| Line::raw(one_line(line)))),
            Block::List(items) => {
                lines.extend(items.iter().map(|item| Line::raw(format!("- {}", one_line(item)))));
            }
            Block::Table { rows, .. } => lines.extend(rows.iter().map(|row| {
                let cells: Vec<String> =
                    row.iter().filter(|cell| !cell.is_empty()).map(|cell| one_line(cell)).collect();
                Line::raw(cells.join("  "))
            })),
        }
    }
    lines
}
