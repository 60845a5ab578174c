//! Has the person the right that an action takes? Said before anything is typed; the verbs ask again.
//!
//! The deploy dialog opens all the same: it shows every gate, and who may deploy is one of them.

use super::action::Action;
use super::hands;
use super::model::{Model, Pane};
use super::pane::{board, calendar, log};
use super::popup::form::review;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::hold::Hold;
use crate::domain::lock::Lock;
use crate::domain::right::{Denied, Place, Right};
use crate::domain::train::Train;
use crate::ops::view::rights::Standing;

pub(super) fn allow(model: &Model, action: Action) -> Result<(), String> {
    let Some(standing) = &model.views.rights else { return Ok(()) };
    asked(model, standing, action).map_err(|no| format!("{}; {}", no.sentence, no.remedy))
}

fn asked(model: &Model, standing: &Standing, action: Action) -> Result<(), Denied> {
    let policy = &model.policy;
    let Standing { person, roster } = standing;
    let of_card = |right: Right| match board::selected(model) {
        Some(card) => policy.may(right, Place::service(&card.release.id.service), roster, person),
        None => Ok(()),
    };
    let over = |right: Right, d: Option<&Deployment>| match d {
        // Who started it always may.
        Some(d) if right == Right::Cancel && d.started_by.human() == person.human() => Ok(()),
        Some(d) => policy.may(right, Place::both(&d.release.service, &d.environment), roster, person),
        None => Ok(()),
    };
    match action {
        Action::NewRelease => policy.may_somewhere(Right::Request, roster, person),
        Action::Schedule | Action::Chain | Action::RollBack if model.focus == Pane::Board => {
            match board::selected(model).and_then(|card| policy.services.get(&card.release.id.service)) {
                Some(service) => policy.may_anywhere_of(Right::Deploy, service, roster, person),
                None => Ok(()),
            }
        }
        Action::RollBack if model.focus == Pane::Log => over(Right::Deploy, about(model)),
        Action::Schedule if model.focus == Pane::Log => match about(model) {
            Some(d) if d.started_by.human() == person.human() => Ok(()),
            d => over(Right::Deploy, d),
        },
        Action::Edit | Action::Advance | Action::MoveBack => of_card(Right::Plan),
        Action::Block => {
            let is_blocked = board::selected(model).is_some_and(|card| card.release.blocked.is_some());
            of_card(if is_blocked { Right::Unblock } else { Right::Block })
        }
        Action::CancelDeployment => over(Right::Cancel, about(model)),
        Action::Decide => {
            let d = match model.focus {
                Pane::Board => board::undecided(model),
                _ => about(model),
            };
            let is_trouble = |d: &&Deployment| {
                d.state == DeploymentState::Lost || d.hold.as_ref().is_some_and(Hold::is_trouble)
            };
            over(if d.as_ref().is_some_and(is_trouble) { Right::Resolve } else { Right::Deploy }, d)
        }
        Action::ReviewOverride => {
            over(Right::Review, review::due(model).ok().map(|bypass| &bypass.deployment))
        }
        Action::NewFreeze | Action::StopTheLine => policy.may_somewhere(Right::Freeze, roster, person),
        Action::RemoveFreeze | Action::EditFreeze => match calendar::removable(model) {
            Some(freeze) => policy.may_in_scope(Right::Freeze, &freeze.scope, roster, person),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// A right in a place.
pub(super) fn may(model: &Model, right: Right, place: Place<'_>) -> Result<(), String> {
    hands::may_act(model)?;
    let Some(Standing { person, roster }) = &model.views.rights else { return Ok(()) };
    let may = model.policy.may(right, place, roster, person);
    may.map_err(|no| format!("{}; {}", no.sentence, no.remedy))
}

/// A lock of one's own is lifted without any right.
pub(super) fn lock(model: &Model, lock: Option<&Lock>, lifts: bool) -> Result<(), String> {
    hands::may_act(model)?;
    let Some(Standing { person, roster }) = &model.views.rights else { return Ok(()) };
    let no = match lock {
        Some(lock) if lifts && lock.by.human() == person.human() => Ok(()),
        Some(lock) => model.policy.may_in_scope(Right::Lock, &lock.scope, roster, person),
        None => model.policy.may_somewhere(Right::Lock, roster, person),
    };
    no.map_err(|no| format!("{}; {}", no.sentence, no.remedy))
}

pub(super) fn train(model: &Model, train: &Train) -> Result<(), String> {
    may(model, Right::Trains, Place::environment(&train.to))
}

/// The deployment an action is about: the one the log shows, or what can be stopped of the selected release.
fn about(model: &Model) -> Option<&Deployment> {
    match model.focus {
        Pane::Log => log::shown(model).map(|view| &view.deployment),
        _ => board::stoppable(model, &board::selected(model)?.release.id),
    }
}
