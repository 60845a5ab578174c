//! Hands off: a relman that only looks, and a keyboard that somebody locked for a while.
//!
//! The lock keeps accidents away, not people: whoever sits here can read what to type. It is not kept anywhere and ends
//! with the panes.

use super::action::Action;
use super::model::Model;
use super::msg::Effect;
use crate::domain::policy::READ_ONLY;

const LOCKED: &str = "the keyboard is locked; :unlock frees it";

/// What the header says of it.
pub(super) fn mark(model: &Model) -> Option<&'static str> {
    match (model.policy.readonly, model.locked) {
        (true, true) => Some("READ-ONLY LOCKED"),
        (true, false) => Some("READ-ONLY"),
        (false, true) => Some("LOCKED"),
        (false, false) => None,
    }
}

/// Whether anything may be changed from here now.
pub(super) fn may_act(model: &Model) -> Result<(), String> {
    match (model.locked, model.policy.readonly) {
        (true, _) => Err(LOCKED.to_owned()),
        (false, true) => Err(READ_ONLY.to_owned()),
        (false, false) => Ok(()),
    }
}

pub(super) fn allow(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::LockKeyboard if model.locked => Err("the keyboard is locked already".to_owned()),
        Action::UnlockKeyboard if !model.locked => Err("the keyboard is not locked".to_owned()),
        _ if model.locked && leaves(action) => Err(LOCKED.to_owned()),
        _ if acts(action) => may_act(model),
        _ => Ok(()),
    }
}

/// Whether it changes something, or opens what does.
fn acts(action: Action) -> bool {
    matches!(
        action,
        Action::NewRelease
            | Action::Advance
            | Action::MoveBack
            | Action::Block
            | Action::Edit
            | Action::Deploy
            | Action::Schedule
            | Action::Chain
            | Action::RollBack
            | Action::CancelDeployment
            | Action::Decide
            | Action::Demo
            | Action::Approve
            | Action::ApproveLater
            | Action::Reject
            | Action::Witness
            | Action::ConfirmRules
            | Action::ReviewOverride
            | Action::Withdraw
            | Action::NewFreeze
            | Action::StopTheLine
            | Action::EditFreeze
            | Action::RemoveFreeze
            | Action::Note
            | Action::Undo
            | Action::Redo
    )
}

/// Whether the screen would be gone after it.
fn leaves(action: Action) -> bool {
    matches!(action, Action::Quit | Action::QuitNow | Action::Suspend)
}

/// Whatever led to it: what changes something is not ordered while hands are off.
pub(super) fn hold_back(model: &mut Model, effects: &mut Vec<Effect>) {
    let Err(why) = may_act(model) else { return };
    let before = effects.len();
    effects.retain(|effect| !changes(effect));
    if effects.len() < before {
        model.complain(why);
    }
}

/// Whether an order changes anything but what is on this screen.
fn changes(effect: &Effect) -> bool {
    match effect {
        Effect::Deploy(_)
        | Effect::Chain(_)
        | Effect::Plan(_)
        | Effect::RollBack(_)
        | Effect::Toggle(_)
        | Effect::Cancel { .. }
        | Effect::Abandon { .. }
        | Effect::CancelAndRollBack { .. }
        | Effect::Guide(_)
        | Effect::Resolve { .. }
        | Effect::Reschedule { .. }
        | Effect::Lock(_)
        | Effect::EditLock { .. }
        | Effect::SkipTrain { .. }
        | Effect::ResumeTrain { .. }
        | Effect::Unlock { .. }
        | Effect::Create { .. }
        | Effect::Edit { .. }
        | Effect::Advance(_)
        | Effect::MoveBack { .. }
        | Effect::Block { .. }
        | Effect::Unblock { .. }
        | Effect::Decide(_)
        | Effect::DecideAll(_)
        | Effect::Record { .. }
        | Effect::Request(_)
        | Effect::Evidence { .. }
        | Effect::Tick { .. }
        | Effect::Verify { .. }
        | Effect::Build(_)
        | Effect::RunCheck { .. }
        | Effect::CancelBuild(_)
        | Effect::ConfirmRules(_)
        | Effect::Withdraw { .. }
        | Effect::ReviewOverride { .. }
        | Effect::AddFreeze(_)
        | Effect::EditFreeze(_)
        // Done at once where it hits nothing.
        | Effect::Weigh(_)
        | Effect::RemoveFreeze { .. }
        | Effect::Demo
        | Effect::AskWitness { .. }
        | Effect::NameChange { .. }
        | Effect::Confirm(_)
        | Effect::Take(_)
        | Effect::Undo(_)
        | Effect::Note { .. } => true,
        Effect::Load
        | Effect::ShowMonth(_)
        | Effect::Preview { .. }
        | Effect::Explain { .. }
        | Effect::Differ { .. }
        | Effect::AskChoices { .. }
        | Effect::Prognosis(_)
        | Effect::Detail(_)
        | Effect::Watch(_)
        | Effect::WatchAll { .. }
        | Effect::Compare { .. }
        | Effect::ReadLog { .. }
        | Effect::AskSlots { .. }
        | Effect::AskMetrics { .. }
        | Effect::AskRequests
        | Effect::AskTimeline(_)
        | Effect::AskHandover
        | Effect::AskBuild(_)
        | Effect::OpenEditor(_)
        | Effect::ShowRules
        | Effect::ShowWitness(_)
        | Effect::Tell(_)
        | Effect::Bell
        | Effect::Travel(_)
        | Effect::Redraw
        | Effect::Copy { .. }
        | Effect::Mouse(_)
        | Effect::Suspend
        | Effect::Quit => false,
    }
}
