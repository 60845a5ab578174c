//! Forms in which somebody decides otherwise than by a plain yes: no, or yes from a later time on.

use super::{Form, Kind, Ordered, form, text, typed};
use crate::domain::approval::{ApprovalSubject, Verdict};
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
    // The same that is told of one of several: what goes where, and what else holds it up.
    let about = queue::about_one_of_several(model, item).into_iter().skip(1);
    let mut notes: Vec<String> = about.map(|line| line.to_string()).collect();
    notes.push("Until then it can be taken back (W) as if it had not been given.".to_owned());
    let mut fields = vec![text("from", "18:00, tomorrow 09:00, +2h: from then on it counts")];
    if item.subject.environment().is_some_and(|env| is_protected(model, env)) {
        fields.push(typed("version", "type it, as for every approval there"));
    }
    form(
        Kind::Decide(Box::new(decision(item, Verdict::Approved))),
        format!("Approve {} for {} from later on", item.release.id, item.matter()),
        notes,
        fields,
    )
}

/// The order of either form.
pub(super) fn decided(form: &Form, model: &Model, decision: &Decision) -> Ordered {
    let decision = decision.clone();
    if decision.verdict == Verdict::Rejected {
        return Ok(Effect::Decide(Box::new(Decision { reason: Some(form.reason()?), ..decision })));
    }
    let from = form.some("from").ok_or(("from", "say from when on it counts".to_owned()))?;
    let from =
        parse_when(&from, model.now, model.zone, Fold::Last).map_err(|why| ("from", why.to_string()))?;
    let version = decision.release.version.to_string();
    let is_asked = decision.subject.environment().is_some_and(|env| is_protected(model, env));
    if is_asked && form.value("version") != version {
        return Err(("version", format!("type the version {version} exactly")).into());
    }
    Ok(Effect::Decide(Box::new(Decision { effective: Some(from), ..decision })))
}
