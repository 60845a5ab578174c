//! What was typed and not sent: kept when a form is left, and beyond the end of a line that dropped.

use serde::{Deserialize, Serialize};

use super::model::Model;
use super::popup::Popup;
use crate::domain::time::Timestamp;

/// So many are kept; the oldest goes first.
const MOST: usize = 20;
/// So many days after it was typed nobody means it any more.
const DAYS: u64 = 7;

/// The fields of one form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Which form about what.
    pub form: String,
    pub at: Timestamp,
    /// Label and text.
    pub fields: Vec<(String, String)>,
}

/// Keeps what stands in a form that is left.
pub(super) fn keep(model: &mut Model, popup: &Popup) {
    let Popup::Form(form) = popup else { return };
    let Some(draft) = form.draft(model.now) else { return };
    model.drafts.retain(|known| known.form != draft.form);
    model.drafts.push(draft);
    if model.drafts.len() > MOST {
        model.drafts.remove(0);
    }
}

/// Puts what was typed before into a form that has just been opened.
pub(super) fn resume(model: &mut Model) {
    let Some(Popup::Form(form)) = model.popups.last_mut() else { return };
    let Some(key) = form.first_look() else { return };
    if let Some(at) = model.drafts.iter().position(|draft| draft.form == key) {
        let draft = model.drafts.remove(at);
        form.resume(&draft);
    }
}

/// Everything that was typed and not sent, for the next time: drafts, and the forms that stand open.
pub(super) fn all(model: &mut Model) -> Vec<Draft> {
    let open = std::mem::take(&mut model.popups);
    for popup in &open {
        keep(model, popup);
    }
    std::mem::take(&mut model.drafts)
}

/// Those of an earlier time that are still meant.
pub(super) fn still_meant(drafts: Vec<Draft>, now: Timestamp) -> Vec<Draft> {
    let young = |draft: &Draft| draft.at <= now && now.since(draft.at).as_secs() < DAYS * 86_400;
    drafts.into_iter().filter(young).collect()
}
