//! What changed between what a person reads in a dialog and how it is now, in sentences.

use std::collections::BTreeSet;

use crate::domain::approval::{Approval, Verdict};
use crate::domain::deployment::Deployment;
use crate::domain::gate::{Answer, BlockReason, GateReport, Holder};
use crate::domain::ids::DeploymentId;
use crate::domain::subject_changes::differences;
use crate::domain::time::{Timestamp, relative};
use crate::ops::deployment::start::Preview;

/// Whose word came or went: `bob withdrew`, `dave approved`.
pub fn decisions(before: &[Approval], now: &[Approval]) -> Vec<String> {
    let mut news = Vec::new();
    for decision in now {
        let was = before.iter().find(|was| was.id == decision.id);
        let stood = was.is_some_and(|was| was.ended_at.is_none());
        let name = &decision.by.name;
        match (&decision.ended_why, stood) {
            (Some(why), true) if why.starts_with("withdrawn") => news.push(format!("{name} withdrew")),
            (Some(why), true) => news.push(format!("the word of {name} does not count any more: {why}")),
            (None, _) if was.is_none() => news.push(match (decision.verdict, &decision.reason) {
                (Verdict::Rejected, Some(reason)) => format!("{name} rejected it: {reason}"),
                (Verdict::Rejected, None) => format!("{name} rejected it"),
                (Verdict::Approved, _) => format!("{name} approved"),
            }),
            _ => {}
        }
    }
    // Of an open queue a withdrawn one is simply not there any more.
    let gone = before.iter().filter(|was| was.ended_at.is_none() && now.iter().all(|d| d.id != was.id));
    news.extend(gone.map(|was| format!("{} withdrew", was.by.name)));
    news
}

/// Who holds the environment.
pub fn holder(report: &GateReport) -> Option<&Holder> {
    report.closed().find_map(|check| match &check.answer {
        Answer::Blocked { reason: BlockReason::Held { holder } } => Some(holder),
        _ => None,
    })
}

/// Gates that closed or opened.
pub fn gates(before: &GateReport, now: &GateReport) -> Vec<String> {
    let mut news = Vec::new();
    for check in &now.checks {
        let was_open = before.checks.iter().find(|was| was.gate == check.gate).map(|was| was.answer.opens());
        match (&check.answer, was_open, check.answer.opens()) {
            (Answer::Blocked { reason: BlockReason::Held { holder } }, Some(true), false) => {
                let ago = relative(holder.since, now.at);
                let Holder { id, release, by, .. } = holder;
                news.push(format!("{id} was started by {by} {ago} ({release}); l watches it"));
            }
            (Answer::Blocked { reason }, Some(true), false) => news.push(format!("{}: {reason}", check.gate)),
            (_, Some(true), false) => news.push(format!("{} is closed now", check.gate)),
            (_, Some(false), true) => news.push(format!("{} is open now", check.gate)),
            _ => {}
        }
    }
    let closed: Vec<&str> = now.closed().map(|check| check.gate.as_str()).collect();
    if !news.is_empty() && !closed.is_empty() {
        let count = now.checks.len();
        news.push(format!("now {} of {count} gates are closed: {}", closed.len(), closed.join(", ")));
    }
    news
}

/// What is live there now instead.
pub fn live(before: Option<&Deployment>, now: Option<&Deployment>, at: Timestamp) -> Option<String> {
    if before.map(|d| d.id) == now.map(|d| d.id) {
        return None;
    }
    Some(match now {
        Some(d) => {
            let when = d.finished_at.map(|end| format!(", {}", relative(end, at))).unwrap_or_default();
            format!("{} is live there now ({} by {}{when})", d.release.version, d.id, d.started_by.name)
        }
        None => "nothing is live there any more".to_owned(),
    })
}

/// Everything that is another in a deploy dialog.
pub fn preview(before: &Preview, now: &Preview) -> Vec<String> {
    let mut news = decisions(&before.decisions, &now.decisions);
    news.extend(live(before.live.as_ref(), now.live.as_ref(), now.report.at));
    if before.report.subject != now.report.subject {
        let what = differences(&before.content, &now.content).join("; ");
        news.push(match what.as_str() {
            "" => "what would be deployed is another".to_owned(),
            what => format!("what would be deployed is another: {what}"),
        });
    } else if before.steps != now.steps {
        let names: Vec<&str> = now.steps.iter().map(|step| step.name.as_str()).collect();
        news.push(format!("it would run other steps: {}", names.join(", ")));
    }
    news.extend(gates(&before.report, &now.report));
    news
}

/// What a question says now that it did not say, else what it does not say any more.
pub fn lines(before: &[String], now: &[String]) -> Vec<String> {
    let (old, new): (BTreeSet<&String>, BTreeSet<&String>) = (before.iter().collect(), now.iter().collect());
    let tidy = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let came: Vec<String> = now.iter().filter(|line| !old.contains(line)).map(tidy).collect();
    if !came.is_empty() {
        return came.into_iter().map(|line| format!("now {line}")).collect();
    }
    before.iter().filter(|line| !new.contains(line)).map(|line| format!("no longer {}", tidy(line))).collect()
}

/// What became of a deployment that was asked about.
pub fn ended(id: DeploymentId, known: &[Deployment]) -> Option<String> {
    let d = known.iter().find(|d| d.id == id)?;
    Some(match (&d.guidance, &d.cancel) {
        (Some(guidance), _) if d.state.is_active() => {
            format!("{} was faster and chose {} for {id}", guidance.by.name, guidance.choice)
        }
        (_, Some(cancel)) if d.state.is_active() => format!("{} asked {id} to stop", cancel.by),
        _ if d.state.is_active() => format!("{id} goes on: it is {}", d.state_word()),
        _ => format!("{id} {} meanwhile", d.state_word()),
    })
}

/// For the foot of the screen, where there is something to say.
pub fn told(news: &[String]) -> Option<String> {
    (!news.is_empty()).then(|| format!("{}; look again", news.join("; ")))
}
