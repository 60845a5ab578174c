//! Forms in which somebody decides otherwise than by a plain yes: no, or yes from a later time on.

use super::{Field, Form, Kind, Ordered, Wrong, answers, form, text, typed};
use crate::domain::approval::{ApprovalSubject, Verdict};
use crate::domain::prompt::{self, Prompt, PromptKind};
use crate::domain::time::{Fold, parse_when};
use crate::ops::approval::decide::Decision;
use crate::ops::view::queue::Pending;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::pane::queue;
use crate::tui::popup::{Popup, is_protected};

/// A decision about what stands in the queue, bound to what was seen of it.
pub fn decision(item: &Pending, verdict: Verdict) -> Decision {
    let plain = Decision::new(item.release.id.clone(), item.subject.clone(), verdict);
    Decision { seen: Some(item.digest.clone()), ..plain }
}

pub fn reject(item: &Pending) -> Popup {
    let notes = match &item.subject {
        ApprovalSubject::Request => "This ends the release.".to_owned(),
        ApprovalSubject::SignOff => "It stays in the test stage until you withdraw this.".to_owned(),
        ApprovalSubject::ReviewSignOff => "It stays in the review stage until you withdraw this.".to_owned(),
        ApprovalSubject::Environment(_) => "It cannot be deployed there until you withdraw this.".to_owned(),
    };
    form(
        Kind::Decide(Box::new(decision(item, Verdict::Rejected))),
        format!("Reject {} for {}", item.release.id, item.subject.as_text()),
        vec![notes],
        vec![text("reason", "why, for its people")],
    )
}

/// One reason for several.
pub fn reject_all(items: &[&Pending]) -> Popup {
    let mut notes: Vec<String> =
        items.iter().map(|item| format!("{} for {}", item.release.id, item.matter())).collect();
    if items.iter().any(|item| item.subject == ApprovalSubject::Request) {
        notes.push("A no to a request ends the release.".to_owned());
    }
    notes.push("Each is recorded for itself and can be withdrawn for itself.".to_owned());
    let decisions = items.iter().map(|item| decision(item, Verdict::Rejected)).collect();
    form(
        Kind::RejectAll(decisions),
        format!("Reject {} at once", items.len()),
        notes,
        vec![text("reason", "why, for their people")],
    )
}

pub fn approve_later(item: &Pending, model: &Model) -> Popup {
    let from = text(FROM, "18:00, tomorrow 09:00, +2h: from then on it counts");
    let title = format!("Approve {} for {} from later on", item.release.id, item.matter());
    let note = "Until then it can be taken back (W) as if it had not been given.";
    approve(item, model, title, note, Some(from))
}

/// A yes that says something (APR-19); nothing where nothing is asked.
pub fn approve_with_answers(item: &Pending, model: &Model) -> Option<Popup> {
    let title = format!("Approve {} for {}", item.release.id, item.matter());
    let note =
        "What you say is part of your approval; whoever approves after you sees it and may say otherwise.";
    (!item.asks.is_empty()).then(|| approve(item, model, title, note, None))
}

const FROM: &str = "from";

fn approve(item: &Pending, model: &Model, title: String, note: &str, from: Option<Field>) -> Popup {
    // The same that is told of one of several: what goes where, and what else holds it up.
    let about = queue::about_one_of_several(model, item).into_iter().skip(1);
    let mut notes: Vec<String> = about.map(|line| line.to_string()).collect();
    notes.extend(item.asks.iter().map(answers::note));
    notes.push(note.to_owned());
    let mut fields: Vec<Field> = from.into_iter().collect();
    fields.extend(item.asks.iter().map(|prompt| {
        let said = item.tally.answers.get(&prompt.name).cloned();
        answers::field(&Prompt { default: said.or(prompt.default.clone()), ..prompt.clone() })
    }));
    if item.subject.environment().is_some_and(|env| is_protected(model, env)) {
        fields.push(typed("version", "type it, as for every approval there"));
    }
    let decision = Box::new(decision(item, Verdict::Approved));
    form(Kind::Approve { decision, asks: item.asks.clone() }, title, notes, fields)
}

/// The order of the form that says no.
pub(super) fn rejected(form: &Form, decision: &Decision) -> Ordered {
    Ok(Effect::Decide(Box::new(Decision { reason: Some(form.reason()?), ..decision.clone() })))
}

/// The order of the forms that say yes.
pub(super) fn approved(form: &Form, model: &Model, decision: &Decision, asks: &[Prompt]) -> Ordered {
    let mut decision = decision.clone();
    if form.has(FROM) {
        let from = form.some(FROM).ok_or((FROM, "say from when on it counts".to_owned()))?;
        let from =
            parse_when(&from, model.now, model.zone, Fold::Last).map_err(|why| (FROM, why.to_string()))?;
        decision.effective = Some(from);
    }
    decision.answers = answers::typed_in(form, asks);
    // A text that somebody took out is said to be none; left out it would stay what it was.
    for prompt in asks.iter().filter(|prompt| matches!(prompt.kind, PromptKind::Line | PromptKind::Multiline))
    {
        decision.answers.0.entry(prompt.name.clone()).or_default();
    }
    if let Err(bad) = prompt::settle(asks, &decision.answers) {
        return Err(Wrong { label: bad.name.into(), why: bad.why });
    }
    let version = decision.release.version.to_string();
    let is_asked = decision.subject.environment().is_some_and(|env| is_protected(model, env));
    if is_asked && form.value("version") != version {
        return Err(("version", format!("type the version {version} exactly")).into());
    }
    Ok(Effect::Decide(Box::new(decision)))
}
