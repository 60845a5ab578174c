//! The form in which somebody says whether an override was right.

use super::{Form, Kind, Ordered, choice, form, text};
use crate::domain::ids::DeploymentId;
use crate::domain::override_review::{Bypass, Finding};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::Popup;

/// The oldest override that waits and that somebody else used; in words why there is none.
pub fn due(model: &Model) -> Result<&Bypass, String> {
    let open = &model.views.overrides;
    let others = |bypass: &&Bypass| !bypass.deployment.started_by.is_called(&model.actor);
    match (open.iter().find(others), open.first()) {
        (Some(bypass), _) => Ok(bypass),
        (None, Some(own)) => {
            Err(format!("the override of {} was your own: somebody else reviews it", own.deployment.id))
        }
        (None, None) => Err("no override waits for a review".to_owned()),
    }
}

pub fn ask(model: &Model, bypass: &Bypass) -> Popup {
    let d = &bypass.deployment;
    let standing = match bypass.is_overdue(model.now) {
        true => format!(
            "OVERDUE since {}: until then {} overrides nothing there",
            model.moment(bypass.due),
            d.started_by.name
        ),
        false => format!("to be reviewed until {}", model.moment(bypass.due)),
    };
    let notes = vec![
        format!("{} of {} to {}, {}", d.kind, d.release, d.environment, d.state),
        format!(
            "{} went past {}: {}",
            d.started_by.name,
            d.overrides.join(", "),
            d.reason.as_deref().unwrap_or_default()
        ),
        standing,
    ];
    let findings = Finding::ALL.map(|finding| finding.to_string()).to_vec();
    form(
        Kind::Review(d.id),
        format!("Was the override of {} right?", d.id),
        notes,
        vec![text("note", "what speaks for it or against it"), choice("finding", findings, 0)],
    )
}

pub(super) fn found(form: &Form, id: DeploymentId) -> Ordered {
    let note = form.some("note").ok_or(("note", "say what speaks for it or against it".to_owned()))?;
    let finding = form.value("finding").parse().map_err(|why| ("finding", format!("{why}")))?;
    Ok(Effect::ReviewOverride { id, finding, note })
}
