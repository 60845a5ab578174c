//! The whole story of a release as one document: what was wanted, planned, built, tested, prepared, deployed and learned, who
//! decided what, and every entry of the journal about it.

use crate::domain::deployment::Deployment;
use crate::domain::document::Document;
use crate::domain::gate::Answer;
use crate::domain::gate::stage_exit::ExitAnswer;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::{Done, Entry};
use crate::domain::release::Stage;
use crate::domain::time::{Timestamp, Tz, span, wall};
use crate::ops::{Ctx, OpError};
use crate::store::{journal, watches};

use super::release::{ReleaseView, release};
use super::sheet::{Row, Tone, sheet};
use super::{deployment, plan_history};

/// How many entries are told: a release with more has its journal for the rest.
const MOST: u32 = 2000;

pub fn report(cx: &Ctx<'_>, id: &ReleaseId) -> Result<Document, OpError> {
    let view = release(cx, id)?;
    let zone = cx.policy.zone;
    let found = &view.release;
    let mut document = Document::new(format!("{id}: {}", found.title));
    let mut state = format!("{}, {} stage since {}", found.state, found.stage, wall(found.stage_since, zone));
    if found.entered != Stage::Request {
        state.push_str(&format!("; entered in the {} stage, what lies before was skipped", found.entered));
    }
    document.text(format!("State: {state}."));
    document.text(format!("Kind: {}. Written {} from the record.", found.kind, wall(cx.now, zone)));
    if let Some(block) = found.blocked.as_ref().or(found.ended.as_ref()) {
        let word = if found.blocked.is_some() { "Blocked" } else { "Ended" };
        document.text(format!("{word} by {}, {}: {}", block.by.name, wall(block.at, zone), block.reason));
    }
    for section in sheet(cx.policy, found, &cx.store.read(watches::list)?, (zone, cx.now)) {
        stages(cx, &mut document, &view, section.stage, &section.rows)?;
    }
    exits(&mut document, &view);
    decisions(&mut document, &view, zone);
    timeline(cx, &mut document, &id.to_string(), zone)?;
    Ok(document)
}

fn stages(
    cx: &Ctx<'_>,
    document: &mut Document,
    view: &ReleaseView,
    stage: Stage,
    rows: &[Row],
) -> Result<(), OpError> {
    let mut heading = stage.to_string();
    heading[..1].make_ascii_uppercase();
    document.heading(2, heading);
    let mut label = String::new();
    let mut lines = Vec::new();
    for row in rows {
        if !row.label.is_empty() {
            label.clone_from(&row.label);
        }
        let Some(text) = &row.text else { continue };
        let mark = match row.tone {
            Tone::Done => " (done)",
            Tone::Wrong => " (!)",
            Tone::Plain | Tone::Open | Tone::Missing => "",
        };
        lines.push(vec![label.clone(), format!("{text}{mark}")]);
    }
    if stage == Stage::Deploy {
        return deployed(cx, document, view);
    }
    if lines.is_empty() {
        document.text("Nothing is on record.");
    }
    document.table(&["what", "on record"], lines);
    if stage == Stage::Plan {
        let versions = plan_history::of(cx, &view.release.id)?;
        let told = versions.iter().map(|version| {
            let why = version.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("version {} by {}, {}{why}", version.number, version.by, wall(version.at, cx.policy.zone))
        });
        document.section(3, "Versions of the plan", told.collect());
    }
    if stage == Stage::Build {
        document.section(3, "Changes", view.release.build.changes.clone());
    }
    Ok(())
}

fn deployed(cx: &Ctx<'_>, document: &mut Document, view: &ReleaseView) -> Result<(), OpError> {
    if view.deployments.is_empty() {
        document.text("It was never deployed.");
        return Ok(());
    }
    let zone = cx.policy.zone;
    for d in view.deployments.iter().rev() {
        let told = deployment::deployment(cx, d.id)?;
        document.heading(3, format!("{} {} to {}: {}", d.id, d.what(), d.environment, d.state_word()));
        let mut lines = vec![format!("by {}, {}{}", d.started_by.name, wall(d.requested_at, zone), took(d))];
        let judged = view.release.judged.iter().find(|judged| judged.deployment == d.id);
        lines.extend(judged.map(|judged| {
            let word = if judged.succeeded { "succeeded" } else { "failed" };
            format!("counts as {word}, says {}, {}: {}", judged.by.name, wall(judged.at, zone), judged.reason)
        }));
        lines.extend(d.reason.as_ref().map(|reason| format!("reason: {reason}")));
        lines.extend(d.cause.as_ref().map(|cause| format!("ended: {cause}")));
        if !d.overrides.is_empty() {
            lines.push(format!("went past closed gates: {}", d.overrides.join(", ")));
        }
        if d.guided {
            lines.push("a person had to help it along".to_owned());
        }
        lines.extend(d.log_digest.as_ref().map(|digest| format!("log: {} bytes, {digest}", d.log_size)));
        let steps: Vec<String> =
            told.steps.iter().map(|step| format!("{} {}", step.plan.name, step.state)).collect();
        if !steps.is_empty() {
            lines.push(format!("steps: {}", steps.join(", ")));
        }
        lines.extend(
            told.notes
                .iter()
                .map(|note| format!("note by {}, {}: {}", note.by.name, wall(note.at, zone), note.text)),
        );
        document.list(lines);
        let gates: Vec<Vec<String>> = told
            .report
            .checks
            .iter()
            .map(|check| vec![check.gate.to_string(), answered(&check.answer)])
            .collect();
        document.table(&["gate when it began", "answer"], gates);
    }
    Ok(())
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Pass { evidence } => format!("open: {evidence}"),
        Answer::Skipped { why } => format!("not asked: {why}"),
        Answer::Blocked { reason } => format!("CLOSED: {reason}"),
        Answer::Overridden { reason, by, because } => {
            format!("CLOSED, overridden by {by} ({because}): {reason}")
        }
        Answer::Unknown { why } => format!("UNKNOWN: {why}"),
    }
}

fn took(d: &Deployment) -> String {
    match (d.claimed_at, d.finished_at) {
        (Some(began), Some(ended)) => format!(", took {}", span(ended.since(began))),
        _ => String::new(),
    }
}

/// What the stage it is in still asks for.
fn exits(document: &mut Document, view: &ReleaseView) {
    let lines: Vec<String> = view
        .exit
        .iter()
        .map(|check| match &check.answer {
            ExitAnswer::Met { evidence } => format!("{}: {evidence}", check.gate),
            ExitAnswer::Gap { lacks, .. } => format!("{}: gap, {lacks}", check.gate),
            ExitAnswer::Blocked { lacks, .. } => format!("{}: BLOCKS, {lacks}", check.gate),
            ExitAnswer::Skipped { why } => format!("{}: skipped, {why}", check.gate),
        })
        .collect();
    document.section(2, "To leave the stage it is in", lines);
}

fn decisions(document: &mut Document, view: &ReleaseView, zone: Tz) {
    let rows: Vec<Vec<String>> = view
        .approvals
        .iter()
        .map(|decision| {
            let approval = &decision.approval;
            let counts = match &decision.ignored {
                Some(why) => format!("no: {}", why.sentence(zone)),
                None => "yes".to_owned(),
            };
            vec![
                approval.subject.as_text().to_owned(),
                decision.verdict(),
                approval.by.name.clone(),
                wall(approval.at, zone),
                approval.reason.clone().into_iter().chain(approval.answered()).collect::<Vec<_>>().join("; "),
                counts,
            ]
        })
        .collect();
    if !rows.is_empty() {
        document.heading(2, "Decisions");
        document.table(&["about", "verdict", "by", "when", "reason", "counts now"], rows);
    }
}

fn timeline(cx: &Ctx<'_>, document: &mut Document, subject: &str, zone: Tz) -> Result<(), OpError> {
    let mut entries = cx.store.read(|tx| journal::list_about(tx, subject, MOST))?;
    entries.sort_by_key(|entry| entry.seq);
    let is_cut = entries.len() == usize::try_from(MOST).unwrap_or(usize::MAX);
    document.heading(2, "On record");
    if is_cut {
        document.text(format!("The newest {MOST} entries; the journal holds more."));
    }
    document.table(&["entry", "when", "who", "what", "why"], rows(&entries, zone));
    Ok(())
}

fn rows(entries: &[Entry], zone: Tz) -> Vec<Vec<String>> {
    entries
        .iter()
        .filter_map(|entry| {
            let body = entry.parsed()?;
            let refused = if body.result == Done::Refused { " REFUSED" } else { "" };
            Some(vec![
                entry.seq.to_string(),
                wall(entry.at, zone),
                body.actor.name().to_owned(),
                format!("{}{refused}", entry.verb),
                body.reason.clone().unwrap_or_default(),
            ])
        })
        .collect()
}

/// Everything that happened between two moments, in one sentence each: for the hours after an incident.
pub fn incident(cx: &Ctx<'_>, from: Timestamp, to: Timestamp) -> Result<Document, OpError> {
    let zone = cx.policy.zone;
    let mut document = Document::new(format!("What happened, {} to {}", wall(from, zone), wall(to, zone)));
    let span = cx.store.read(|tx| {
        let since = journal::seq_at(tx, Timestamp::from_millis(from.millis() - 1))? + 1;
        Ok::<_, OpError>(crate::ops::audit::export::Range { since, until: journal::seq_at(tx, to)? })
    })?;
    let mut rows = Vec::new();
    crate::ops::audit::export::each(cx, span, |entry| {
        let Some(body) = entry.parsed() else { return Ok(()) };
        let sentence = super::news::sentence(entry, &body);
        rows.push(vec![wall(entry.at, zone), body.actor.name().to_owned(), sentence, entry.seq.to_string()]);
        Ok(())
    })?;
    if rows.is_empty() {
        document.text("Nothing is on record for that time.");
    }
    document.table(&["when", "who", "what", "entry"], rows);
    Ok(document)
}
