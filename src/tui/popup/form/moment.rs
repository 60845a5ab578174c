//! The form that asks for a moment of the past.

use super::{Form, Kind, Ordered, form, text};
use crate::domain::moment::Moment;
use crate::ops::past::Travel;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::Popup;

pub fn ask(model: &Model) -> Popup {
    let mut notes =
        vec!["Board, approvals and calendar as they were then; nothing can be changed there.".to_owned()];
    notes.push("Gates and approvals are judged by the configuration of today.".to_owned());
    if let Some(place) = model.past {
        notes.push(format!("Shown now: the state behind entry {}.", place.seq));
    }
    let fields = vec![text("moment", "#41 for an entry, 2026-11-01 10:00, 08:30, -2h, yesterday")];
    form(Kind::AsOf, "A moment of the past", notes, fields)
}

pub(super) fn asked(form: &Form, model: &Model) -> Ordered {
    let text = form.some("moment").ok_or(("moment", "when?".to_owned()))?;
    let moment = Moment::parse(&text, model.now, model.zone).map_err(|why| ("moment", why.to_string()))?;
    Ok(Effect::Travel(Travel::To(moment)))
}
