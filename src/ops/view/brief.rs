//! What an approver should know before deciding, line by line: the same in the panes and on the command line.

use super::queue::Pending;
use crate::domain::approval::ApprovalSubject;
use crate::domain::deployment::Deployment;
use crate::domain::gate::remedy::enlarge;
use crate::domain::gate::{Answer, GateId, GateReport};
use crate::domain::prompt::Prompt;
use crate::domain::subject::DeploySubject;
use crate::domain::text::counted_changes;
use crate::domain::text::one_line;
use crate::domain::time::{Timestamp, Tz, wall};

/// A label and what is said under it.
pub type Fact = (&'static str, String);

/// How many changes are spelled out.
const CHANGES: usize = 8;

/// Everything in the order in which it is looked for: what it is, who is asked, what else holds it up, what it brings.
pub fn brief(item: &Pending, arrow: &str, zone: Tz, now: Timestamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    match item.subject.environment() {
        Some(env) => {
            let from =
                item.live.as_ref().map_or_else(|| "nothing".to_owned(), |d| d.release.version.to_string());
            facts.push(("changes", format!("{env}: {from} {arrow} {}", item.release.id.version)));
        }
        None => facts.push(asked(item)),
    }
    if let Some(by) = &item.back {
        facts.push(match &item.toggle {
            Some(flip) => ("switches", format!("{flip}, asked for by {by}")),
            None => ("goes back", format!("a rollback that {by} asked for")),
        });
    }
    if !item.rejects.is_empty() {
        let older: Vec<String> = item.rejects.iter().map(ToString::to_string).collect();
        facts.push(("rejects", format!("{}: older, and only the newest is wanted there", older.join(", "))));
    }
    facts.extend(people(item, zone));
    facts.extend(closed(item, zone, now));
    let release = &item.release;
    let risk = release.plan.risk.map_or_else(|| "not assessed".to_owned(), |risk| risk.to_string());
    facts.push(("risk", format!("{risk}; by {}", release.request.requester.name)));
    facts.extend(contents(item));
    if let Some(digest) = &release.build.digest {
        let name = release.build.artifact.clone().unwrap_or_default();
        facts.push(("artifact", format!("{name} {}", digest.short())));
    }
    facts.extend(otherwise(item));
    facts.extend(tested(item));
    facts.extend(asks(item));
    facts.extend(scheduled(item));
    facts.extend(variables(item));
    if let Some(plan) = &release.plan.rollback {
        facts.push(("way back", plan.clone()));
    }
    facts
}

fn asked(item: &Pending) -> Fact {
    let unsaid = || "not said".to_owned();
    match &item.subject {
        ApprovalSubject::SignOff => {
            let commit = item.release.build.commit.clone().unwrap_or_else(unsaid);
            ("accepts", format!("what was tested; commit {commit}"))
        }
        ApprovalSubject::ReviewSignOff => {
            let outcome = item.release.review.outcome.clone().unwrap_or_else(unsaid);
            ("accepts", format!("what is live; outcome: {outcome}"))
        }
        _ => ("need", item.release.request.need.clone().unwrap_or_else(unsaid)),
    }
}

/// What comes with it: its own changes, and those of releases in between that were never live there.
fn contents(item: &Pending) -> Vec<Fact> {
    let own = &item.release.build.changes;
    let mut lines: Vec<String> = own.iter().take(CHANGES).cloned().collect();
    if own.len() > CHANGES {
        lines.push(format!("and {} more", own.len() - CHANGES));
    }
    for (version, changes) in &item.skipped {
        lines.push(format!("and of {version}: {}", counted_changes(changes.len())));
        lines.extend(
            changes.iter().take(CHANGES.saturating_sub(own.len())).map(|change| format!("  {change}")),
        );
    }
    labelled("contains", lines)
}

fn labelled(label: &'static str, lines: Vec<String>) -> Vec<Fact> {
    lines.into_iter().enumerate().map(|(at, line)| (if at == 0 { label } else { "" }, line)).collect()
}

/// What would run otherwise than it did for what is live.
fn otherwise(item: &Pending) -> Vec<Fact> {
    match (&item.otherwise, &item.live) {
        (Some(changed), _) if changed.is_empty() => {
            vec![("runs", "the same scripts and settings".to_owned())]
        }
        (Some(changed), _) => labelled("runs anew", changed.clone()),
        (None, Some(live)) => vec![("runs", format!("what {} ran was not recorded: no comparison", live.id))],
        (None, None) => Vec::new(),
    }
}

/// What begins with the approval, in whose name, and with which answers.
fn scheduled(item: &Pending) -> Vec<Fact> {
    let one = |d: &Deployment| {
        let begins = d.begins().unwrap_or_else(|| d.state.to_string());
        let answers = d.answered().map(|answers| format!("; with {answers}")).unwrap_or_default();
        format!("{} by {} {begins}{answers}", d.id, d.started_by.name)
    };
    labelled("asked for", item.scheduled.iter().map(one).collect())
}

/// What is asked of who approves, with what was said so far.
fn asks(item: &Pending) -> Vec<Fact> {
    let one = |prompt: &Prompt| {
        let by = item.tally.answered_by.as_ref().map(|by| format!(", says {by}")).unwrap_or_default();
        let unless = || ", unless somebody says otherwise".to_owned();
        let said = item.tally.answers.get(&prompt.name).map(|said| (said, by));
        let said = said.or_else(|| prompt.default.as_ref().map(|default| (default, unless())));
        match said {
            Some((said, how)) => format!("{} ({}): {}{how}", prompt.label, prompt.name, one_line(said)),
            None if prompt.required => format!("{} ({}): who approves says it", prompt.label, prompt.name),
            None => format!("{} ({}): not said", prompt.label, prompt.name),
        }
    };
    labelled("asks you", item.asks.iter().map(one).collect())
}

/// What an approval does not pin down: of what is handed in only the names are part of what is approved.
fn variables(item: &Pending) -> Option<Fact> {
    let subject: DeploySubject = serde_json::from_str(&item.content).ok()?;
    let answered = |name: &&String| {
        item.scheduled.iter().any(|d| d.answers.contains_key(*name))
            || item.asks.iter().any(|prompt| prompt.name == **name)
    };
    let open: Vec<&str> =
        subject.variables.iter().filter(|name| !answered(name)).map(String::as_str).collect();
    (!open.is_empty()).then(|| ("variables", format!("{}: as they are when it starts", open.join(", "))))
}

fn tested(item: &Pending) -> Option<Fact> {
    let checks = item.release.checks.iter().map(|(name, check)| {
        let valid = item.release.valid_check(name).is_some();
        let how = match (valid, check.passed) {
            (false, _) => "for another content",
            (true, true) => "passed",
            (true, false) => "FAILED",
        };
        format!("{name} {how}")
    });
    let checks: Vec<String> = checks.collect();
    (!checks.is_empty()).then(|| ("checks", checks.join(", ")))
}

/// Gates that are closed beside those that wait for a second person's word: whether it could start at all.
fn closed(item: &Pending, zone: Tz, now: Timestamp) -> Vec<Fact> {
    let Some(report) = &item.report else { return Vec::new() };
    // Who looks is not who starts it: whether they could is not the question.
    let own = |gate| matches!(gate, GateId::Approvals | GateId::FourEyes | GateId::Deployer);
    let others = report.closed().filter(|check| !own(check.gate));
    let lines: Vec<String> = others
        .filter_map(|check| match &check.answer {
            Answer::Blocked { reason } => Some(format!("{}: {reason}", check.gate)),
            Answer::Unknown { why } => Some(format!("{}: {why}", check.gate)),
            _ => None,
        })
        .collect();
    let mut facts = match lines.is_empty() {
        true => Vec::new(),
        false => labelled("also closed", lines),
    };
    if let Some(at) = report.earliest.filter(|at| *at > now) {
        facts.push(("opens", wall(at, zone)));
    }
    facts.extend(open(report, now));
    facts
}

/// That no freeze and no hours close it, and how long that lasts: what is approved too late waits until it opens again.
fn open(report: &GateReport, now: Timestamp) -> Option<Fact> {
    let passes = |gate: GateId| {
        let check = report.checks.iter().find(|check| check.gate == gate);
        check.is_some_and(|check| matches!(check.answer, Answer::Pass { .. }))
    };
    (passes(GateId::Freeze) && passes(GateId::Window)).then(|| {
        let closes = match &report.closes {
            Some(closes) => format!("open; {}", closes.sentence(now)),
            None => "open, and nothing closes it within a day".to_owned(),
        };
        ("freezes", closes)
    })
}

/// Who has agreed, who could, and what does not count.
fn people(item: &Pending, zone: Tz) -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(item.not_yours.clone().map(|why| ("you", why)));
    for rule in &item.tally.rules {
        let by = match rule.by.is_empty() {
            true => "nobody yet".to_owned(),
            false => rule.named().join(", "),
        };
        let ask = match (rule.missing(), rule.candidates.is_empty()) {
            (0, _) => String::new(),
            (_, true) => "; nobody left could".to_owned(),
            (_, false) => format!("; could: {}", rule.candidates.join(", ")),
        };
        facts.push(("needs", format!("{} of {}: {by}{ask}", rule.needed, rule.group)));
    }
    if let Some(shortage) = &item.tally.shortage {
        facts.push(("no quorum", enlarge(shortage)));
    }
    if let Some((at, groups)) = &item.escalated {
        facts.push(("escalated", format!("to {}, {}", groups.join(", "), wall(*at, zone))));
    }
    if let Some(at) = item.timed_out {
        let (id, about) = (&item.release.id, item.subject.as_text());
        let anew = format!("relman approvals {id} {about} --ask");
        facts.push(("timed out", format!("{}; to ask anew: {anew}", wall(at, zone))));
    }
    for (who, why) in &item.tally.ignored {
        facts.push(("not counted", format!("{who}: {}", why.sentence(zone))));
    }
    if let Some((who, why)) = &item.tally.rejected {
        facts.push(("rejected", format!("by {who}: {why}")));
    }
    facts
}
