//! The command that does what a key does: whoever cannot use the panes, or writes a script, goes without nothing.

use super::action::Action;

/// The words after `relman`; nothing for what only moves about on the screen.
#[expect(clippy::too_many_lines, reason = "one row for each action")]
pub fn command(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::FocusBoard | Action::GoBoard => "board",
        Action::FocusApprovals | Action::GoApprovals => "approvals",
        Action::FocusCalendar | Action::GoCalendar => "calendar",
        Action::FocusLog | Action::GoLog => "log",
        Action::Open => "show",
        Action::Help => "keys",
        Action::Who => "who",
        Action::Metrics => "metrics",
        Action::Undo => "undo",
        Action::Redo => "undo --redo",
        Action::Requests => "request list",
        Action::Timeline => "deployments",
        Action::Handover => "handover",
        Action::ConfirmRules => "config confirm",
        Action::NewRelease => "release new",
        Action::Advance => "release advance",
        Action::MoveBack => "release back",
        Action::Block => "release block",
        Action::Edit => "release edit",
        Action::Sheet => "release show",
        Action::Why => "why",
        Action::Deploy | Action::Schedule => "deploy",
        Action::Chain => "chain",
        Action::Locks => "lock",
        Action::Train => "train show",
        Action::RollBack => "rollback",
        Action::CancelDeployment => "cancel",
        Action::Decide => "decide",
        Action::Demo => "demo",
        Action::Approve | Action::ApproveLater => "approve",
        Action::Diff => "approvals",
        Action::Reject => "reject",
        Action::Withdraw => "withdraw",
        Action::Witness => "witness",
        Action::ReviewOverride => "override review",
        Action::NewFreeze => "freeze add",
        Action::StopTheLine => "freeze now",
        Action::RemoveFreeze => "freeze remove",
        Action::EditFreeze => "freeze edit",
        Action::Note => "note",
        Action::AsOf => "board",
        Action::OnlyNew | Action::Filter => "log",
        Action::Sort
        | Action::NextPane
        | Action::PreviousPane
        | Action::Up
        | Action::Down
        | Action::Left
        | Action::Right
        | Action::Top
        | Action::Bottom
        | Action::HalfDown
        | Action::HalfUp
        | Action::PageDown
        | Action::PageUp
        | Action::Back
        | Action::Quit
        | Action::QuitNow
        | Action::NextHit
        | Action::PreviousHit
        | Action::Palette
        | Action::Refresh
        | Action::Redraw
        | Action::Copy
        | Action::CopyScreen
        | Action::Mouse
        | Action::Suspend
        | Action::Times
        | Action::Messages
        | Action::Zoom
        | Action::LockKeyboard
        | Action::UnlockKeyboard
        | Action::Mark
        | Action::MarkAll
        | Action::Today
        | Action::PreviousMonth
        | Action::NextMonth
        | Action::CalendarView
        | Action::CalendarZone
        | Action::Follow
        | Action::Wrap
        | Action::NextError
        | Action::PreviousError
        | Action::PreviousDeployment
        | Action::NextDeployment
        | Action::PreviousStep
        | Action::NextStep
        | Action::Fold
        | Action::SideBySide
        | Action::EntryBack
        | Action::EntryOn
        | Action::HourBack
        | Action::HourOn
        | Action::DayBack
        | Action::DayOn => return None,
    })
}
