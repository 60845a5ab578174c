//! Forms about trains.

use super::{Kind, form, text};
use crate::domain::ids::TrainName;
use crate::domain::time::wall;
use crate::ops::train::Prognosis;
use crate::tui::model::Model;
use crate::tui::popup::Popup;

pub fn skip(prognosis: &Prognosis, model: &Model) -> Popup {
    let train = &prognosis.train.name;
    let notes = vec![
        format!("It does not depart {}.", wall(prognosis.departs_at, model.zone)),
        "Later departures are not affected.".to_owned(),
    ];
    let fields = vec![text("reason", "why, if that is worth keeping")];
    form(Kind::SkipTrain(train.clone()), format!("Leave out the next departure of {train}"), notes, fields)
}

pub fn resume(train: &TrainName) -> Popup {
    let notes = vec!["Something of its last departure failed; from now on it departs again.".to_owned()];
    let fields = vec![text("reason", "what was found")];
    form(Kind::ResumeTrain(train.clone()), format!("Let train {train} go on"), notes, fields)
}
