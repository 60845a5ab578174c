//! What is otherwise than usual in one deployment: steps that are left out, what a failure leads to. Asked instead of the
//! plain confirmation.

use super::{Field, Form, Kind, Ordered, Wrong, choice, form, typed};
use crate::domain::hold::OnFailure;
use crate::ops::deployment::start::{Preview, StartDeploy};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::{Popup, is_production, is_protected};

const RUN: &str = "run";
const LEAVE_OUT: &str = "leave out";
const USUAL: &str = "as usual";

/// The form: a choice for each step that may be left out, and one for what a failure leads to.
pub fn ask(model: &Model, preview: &Preview, start: StartDeploy) -> Popup {
    let open = preview.steps.iter().filter(|step| step.may_be_left_out());
    let steps: Vec<String> = open.map(|step| step.name.clone()).collect();
    let both = || vec![RUN.to_owned(), LEAVE_OUT.to_owned()];
    let mut fields: Vec<Field> =
        steps.iter().map(|name| Field { label: name.clone().into(), ..choice("", both(), 0) }).collect();
    let ways = OnFailure::ALL.map(|way| way.to_string());
    fields.push(choice("on failure", std::iter::once(USUAL.to_owned()).chain(ways).collect(), 0));
    if is_protected(model, &start.environment) {
        fields.push(typed("version", "type it, as for every deployment there"));
    }
    let service = model.policy.services.get(&start.release.service);
    let usual = service.map(|service| service.on_failure(&start.environment)).unwrap_or_default();
    let care = if is_production(model, &start.environment) { "PRODUCTION: " } else { "" };
    let title = format!("{care}deploy {} to {} otherwise", start.release, start.environment);
    let notes = vec![
        "What is otherwise is on record with the deployment; everything else is as it is.".to_owned(),
        format!("A failed step leads to: {usual}."),
    ];
    form(Kind::Options { start: Box::new(start), steps }, title, notes, fields)
}

/// The order, or the field that is wrong and why.
pub(super) fn chosen(form: &Form, model: &Model, start: &StartDeploy, steps: &[String]) -> Ordered {
    let wrong = |label: &str, why| Err(Wrong { label: label.to_owned().into(), why });
    // By their places: a step may be called like one of the other fields.
    let at = |place: usize| form.fields.get(place).map_or("", |field| field.input.text().trim());
    let mut left_out = Vec::new();
    for (place, name) in steps.iter().enumerate() {
        match at(place) {
            RUN => {}
            LEAVE_OUT => left_out.push(name.clone()),
            _ => return wrong(name, format!("write {RUN} or {LEAVE_OUT}")),
        }
    }
    let on_failure = match at(steps.len()) {
        USUAL => None,
        word => match word.parse::<OnFailure>() {
            Ok(way) => Some(way),
            Err(why) => return wrong("on failure", why.to_string()),
        },
    };
    if left_out.is_empty() && on_failure.is_none() {
        let first = steps.first().map_or("on failure", String::as_str);
        return wrong(first, "nothing is otherwise: Esc goes back, D deploys it as usual".to_owned());
    }
    let is_protected = is_protected(model, &start.environment);
    let version = start.release.version.to_string();
    if is_protected && at(steps.len() + 1) != version {
        return wrong("version", format!("type the version {version} exactly"));
    }
    let confirm = is_protected.then_some(version);
    Ok(Effect::Deploy(Box::new(StartDeploy { confirm, left_out, on_failure, ..start.clone() })))
}
