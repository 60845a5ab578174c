//! Which steps of a deployment are left out: asked instead of the plain confirmation.

use super::{Field, Form, Kind, Ordered, Wrong, choice, form, typed};
use crate::ops::deployment::start::{Preview, StartDeploy};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::{Popup, is_production, is_protected};

const RUN: &str = "run";
const LEAVE_OUT: &str = "leave out";

/// The form with a choice for each step that may be left out; nothing where there is none.
pub fn ask(model: &Model, preview: &Preview, start: StartDeploy) -> Option<Popup> {
    let open = preview.steps.iter().filter(|step| step.may_be_left_out());
    let steps: Vec<String> = open.map(|step| step.name.clone()).collect();
    if steps.is_empty() {
        return None;
    }
    let both = || vec![RUN.to_owned(), LEAVE_OUT.to_owned()];
    let mut fields: Vec<Field> =
        steps.iter().map(|name| Field { label: name.clone().into(), ..choice("", both(), 0) }).collect();
    if is_protected(model, &start.environment) {
        fields.push(typed("version", "type it, as for every deployment there"));
    }
    let care = if is_production(model, &start.environment) { "PRODUCTION: " } else { "" };
    let title = format!("{care}deploy {} to {} without", start.release, start.environment);
    let notes = vec!["What is left out is on record with the deployment; everything else runs.".to_owned()];
    Some(form(Kind::LeaveOut { start: Box::new(start), steps }, title, notes, fields))
}

/// The order, or the field that is wrong and why.
pub(super) fn chosen(form: &Form, model: &Model, start: &StartDeploy, steps: &[String]) -> Ordered {
    let wrong = |label: &str, why| Err(Wrong { label: label.to_owned().into(), why });
    let mut left_out = Vec::new();
    for (at, name) in steps.iter().enumerate() {
        match form.fields[at].input.text().trim() {
            RUN => {}
            LEAVE_OUT => left_out.push(name.clone()),
            _ => return wrong(name, format!("write {RUN} or {LEAVE_OUT}")),
        }
    }
    if left_out.is_empty() {
        let first = steps.first().map_or("", String::as_str);
        return wrong(first, "nothing is left out: Esc goes back, D deploys it whole".to_owned());
    }
    let confirm = form.some("version");
    let version = start.release.version.to_string();
    if is_protected(model, &start.environment) && confirm.as_ref() != Some(&version) {
        return wrong("version", format!("type the version {version} exactly"));
    }
    Ok(Effect::Deploy(Box::new(StartDeploy { confirm, left_out, ..start.clone() })))
}
