//! May this action happen now? Footer, help, palette and dispatch all ask here, so they never disagree.

use std::collections::BTreeSet;

use super::action::{Action, belongs, entry};
use super::hands;
use super::model::{Model, Pane};
use super::pane::{board, calendar, log, marks, queue};
use super::popup::form::review;
use super::{popup, rights};
use crate::domain::deployment::DeploymentState;
use crate::domain::ids::ReleaseId;
use crate::ops::view::board::Reached;
use crate::ops::view::queue::{DECIDED, Pending};

/// `Err` is the sentence the person reads: why not, and what to do instead.
pub fn allow(model: &Model, action: Action) -> Result<(), String> {
    let row = entry(action);
    if !belongs(row, model.focus) {
        return Err(format!("{} does nothing in the {} pane", row.name, model.focus.title().to_lowercase()));
    }
    hands::allow(model, action)?;
    if !model.loaded && needs_views(action) {
        return Err("still reading the store; one moment".to_owned());
    }
    if let Some(place) = model.past {
        in_the_past(model, action, place.seq)?;
    } else if matches!(action, Action::EntryOn | Action::HourOn | Action::DayOn) {
        return Err("this is now; { ( and - go back".to_owned());
    }
    if action == Action::Witness && super::presence::asking(model).is_none() {
        return Err("nobody else asks for a witness".to_owned());
    }
    match model.focus {
        Pane::Board => on_board(model, action),
        Pane::Approvals => on_approvals(model, action),
        Pane::Calendar => on_calendar(model, action),
        Pane::Log => on_log(model, action),
    }?;
    rights::allow(model, action)
}

/// The past is there to be looked at. Everything else would happen now, to what is no longer so.
fn in_the_past(model: &Model, action: Action, seq: i64) -> Result<(), String> {
    let looks = matches!(
        action,
        Action::FocusBoard
            | Action::FocusApprovals
            | Action::FocusCalendar
            | Action::FocusLog
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
            | Action::Filter
            | Action::NextHit
            | Action::PreviousHit
            | Action::Palette
            | Action::Help
            | Action::Refresh
            | Action::Redraw
            | Action::Copy
            | Action::CopyScreen
            | Action::Mouse
            | Action::Suspend
            | Action::Times
            | Action::Messages
            | Action::Zoom
            | Action::Sort
            | Action::GoBoard
            | Action::GoApprovals
            | Action::GoCalendar
            | Action::Why
            | Action::Sheet
            | Action::Today
            | Action::PreviousMonth
            | Action::NextMonth
            | Action::CalendarView
            | Action::Follow
            | Action::Wrap
            | Action::NextError
            | Action::PreviousError
            | Action::NextStep
            | Action::PreviousStep
            | Action::Fold
            | Action::AsOf
            | Action::EntryBack
            | Action::EntryOn
            | Action::HourBack
            | Action::HourOn
            | Action::DayBack
            | Action::DayOn
    );
    if looks || (action == Action::Open && model.focus != Pane::Log) {
        return Ok(());
    }
    Err(format!(
        "this is the past, behind entry {seq}: it can be looked at, not changed; Esc goes back to now"
    ))
}

fn needs_views(action: Action) -> bool {
    matches!(
        action,
        Action::Deploy
            | Action::Schedule
            | Action::Chain
            | Action::Locks
            | Action::StopTheLine
            | Action::Why
            | Action::Advance
            | Action::MoveBack
            | Action::Block
            | Action::RollBack
            | Action::CancelDeployment
            | Action::Approve
            | Action::ApproveLater
            | Action::Reject
            | Action::Demo
            | Action::Decide
    )
}

fn on_board(model: &Model, action: Action) -> Result<(), String> {
    let needs_card = matches!(
        action,
        Action::Deploy
            | Action::Schedule
            | Action::Chain
            | Action::Why
            | Action::Advance
            | Action::MoveBack
            | Action::Block
            | Action::Edit
            | Action::Sheet
            | Action::RollBack
            | Action::CancelDeployment
            | Action::GoLog
            | Action::Open
    );
    if action == Action::Demo && !model.views.board.is_new {
        return Err("the demo fills an empty store only; this one has releases".to_owned());
    }
    if action == Action::Demo && !model.is_demo {
        return Err("samples are made with the demo's own scripts only; in an empty directory: relman demo"
            .to_owned());
    }
    if action == Action::NewRelease && model.policy.services.is_empty() {
        return Err("there is no service in relman.toml".to_owned());
    }
    if action == Action::Decide && board::undecided(model).is_none() {
        return Err("no deployment waits for a person".to_owned());
    }
    if !needs_card {
        return Ok(());
    }
    let Some(card) = board::selected(model) else {
        return Err(format!("no release is selected; {} registers one", model.key(Action::NewRelease)));
    };
    let id = &card.release.id;
    match action {
        Action::Deploy | Action::Schedule | Action::Chain | Action::Why
            if !model.policy.services.contains_key(&id.service) =>
        {
            Err(format!("{} is no longer in relman.toml", id.service))
        }
        Action::MoveBack if card.release.stage.previous().is_none() => {
            Err(format!("{id} is in its first stage"))
        }
        Action::RollBack if card.cells.iter().all(|cell| cell.reached == Reached::Not) => {
            Err(format!("{id} has not been deployed anywhere: there is nothing to roll back"))
        }
        Action::CancelDeployment => {
            let any = board::stoppable(model, id).is_some();
            if any { Ok(()) } else { Err(format!("no deployment of {id} is running or waiting")) }
        }
        Action::GoLog => has_log(model, id),
        _ => Ok(()),
    }
}

fn has_log(model: &Model, id: &ReleaseId) -> Result<(), String> {
    match board::newest_deployment(model, id) {
        Some(_) => Ok(()),
        None => Err(format!("{id} was never deployed: it has no log yet")),
    }
}

fn on_approvals(model: &Model, action: Action) -> Result<(), String> {
    let needs_item = matches!(
        action,
        Action::Approve
            | Action::ApproveLater
            | Action::Diff
            | Action::Mark
            | Action::Reject
            | Action::Withdraw
            | Action::Deploy
            | Action::Schedule
            | Action::Why
            | Action::Open
            | Action::GoLog
    );
    if action == Action::MarkAll && !model.views.queue.iter().any(Pending::is_open_to_you) {
        return Err("nothing here waits for you".to_owned());
    }
    if action == Action::ReviewOverride {
        return review::due(model).map(drop);
    }
    if !needs_item {
        return Ok(());
    }
    let Some(item) = queue::selected(model) else { return Err("nothing waits for an approval".to_owned()) };
    if let Some(answer) = marks::allow(model, action) {
        return answer;
    }
    match action {
        Action::Mark | Action::Approve | Action::ApproveLater | Action::Reject
            if item.timed_out.is_some() =>
        {
            let about = item.subject.as_text();
            Err(format!("it timed out; to ask anew: relman approvals {} {about} --ask", item.release.id))
        }
        Action::Diff if item.subject.environment().is_none() => {
            Err(format!("nothing is run for it: it is about the {}", item.subject.as_text()))
        }
        Action::Mark if item.not_yours.is_none() && !item.is_open_to_you() => {
            Err("it waits for no further decision; a and x about it alone".to_owned())
        }
        Action::Mark | Action::Approve | Action::ApproveLater | Action::Reject => match &item.not_yours {
            None => Ok(()),
            // What they said with it may be said otherwise.
            Some(why) if why == DECIDED && action == Action::Approve && !item.asks.is_empty() => Ok(()),
            Some(why) if why == DECIDED => {
                Err(format!("{why}; {} takes it back", model.key(Action::Withdraw)))
            }
            Some(why) => {
                let open = item.tally.rules.iter().filter(|rule| rule.missing() > 0);
                let all: BTreeSet<String> = open.flat_map(|rule| rule.candidates.clone()).collect();
                let is_other = |name: &String| *name != model.actor && *name != model.human;
                let people: Vec<String> = all.into_iter().filter(is_other).collect();
                let ask =
                    if people.is_empty() { String::new() } else { format!("; ask {}", people.join(", ")) };
                Err(format!("not yours: {why}{ask}"))
            }
        },
        Action::Withdraw => {
            let mine = item.decisions.iter().any(|decision| {
                decision.ended_at.is_none()
                    && decision.subject == item.subject
                    && decision.by.is_called(&model.actor)
            });
            if mine { Ok(()) } else { Err("you have not decided about this".to_owned()) }
        }
        Action::Deploy | Action::Schedule if queue::environment(item).is_none() => {
            Err("this is about the request; nothing to deploy yet".to_owned())
        }
        Action::Schedule if item.back.is_some() => {
            Err(format!("a rollback begins at once; {} asks for it", model.key(Action::Deploy)))
        }
        Action::GoLog if item.back.is_some() => Ok(()),
        Action::GoLog => has_log(model, &item.release.id),
        _ => Ok(()),
    }
}

fn on_calendar(model: &Model, action: Action) -> Result<(), String> {
    if action == Action::Train && calendar::train(model).is_none() {
        return Err(match model.policy.trains.is_empty() {
            true => "there is no train; add [trains.NAME] to relman.toml".to_owned(),
            false => "no train departs on this day".to_owned(),
        });
    }
    if action == Action::Filter {
        return Err(format!(
            "the calendar has no filter; {} shows the agenda",
            model.key(Action::CalendarView)
        ));
    }
    if matches!(action, Action::RemoveFreeze | Action::EditFreeze) && calendar::removable(model).is_none() {
        return Err(match calendar::pointed_at(model).first() {
            Some(freeze) => format!("\"{}\" is written in relman.toml; change it there", freeze.name),
            None => "no freeze on this day".to_owned(),
        });
    }
    Ok(())
}

/// Several logs are shown: what is about one of them waits until one is opened.
fn on_several(is_about_one: bool, action: Action) -> Result<(), String> {
    let moves_page = matches!(
        action,
        Action::HalfUp
            | Action::HalfDown
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Filter
            | Action::NextHit
            | Action::PreviousHit
            | Action::Wrap
    );
    match is_about_one || moves_page {
        true => Err("several deployments are shown: Enter opens the one at the cursor first".to_owned()),
        false => Ok(()),
    }
}

fn on_log(model: &Model, action: Action) -> Result<(), String> {
    if action == Action::SideBySide && model.views.deployments.len() < 2 {
        return Err("there are not several deployments to look at".to_owned());
    }
    let is_about_one = matches!(
        action,
        Action::CancelDeployment
            | Action::Schedule
            | Action::Decide
            | Action::RollBack
            | Action::Fold
            | Action::OnlyNew
            | Action::Note
            | Action::Follow
            | Action::NextError
            | Action::PreviousError
            | Action::NextStep
            | Action::PreviousStep
    );
    if model.log.wall.is_some() {
        return on_several(is_about_one, action);
    }
    let walks = matches!(action, Action::PreviousDeployment | Action::NextDeployment | Action::Open);
    if !is_about_one && !walks {
        return Ok(());
    }
    let Some(view) = log::shown(model) else {
        return Err(match model.log.shown {
            Some(id) => format!("still reading {id}; one moment"),
            None => "no deployment is shown".to_owned(),
        });
    };
    let d = &view.deployment;
    match action {
        Action::CancelDeployment if d.state == DeploymentState::Lost => {
            Err(format!("{} was lost: nothing is left that could stop it; R settles it", d.id))
        }
        Action::Schedule if !d.state.is_pending() => {
            Err(format!("{} is {}: its time is past changing", d.id, d.state_word()))
        }
        Action::CancelDeployment if !d.state.is_live() && !d.state.is_pending() => {
            let running = model.views.board.active.iter().filter(|d| d.state.is_live());
            let running: Vec<String> =
                running.map(|d| format!("{} ({} to {})", d.id, d.release, d.environment)).collect();
            let others =
                if running.is_empty() { String::new() } else { format!("; running: {}", running.join(", ")) };
            Err(format!("{} is over: {}{others}", d.id, d.state))
        }
        Action::Fold if view.steps.is_empty() => Err(format!("{} has no steps yet", d.id)),
        Action::OnlyNew if view.baseline.is_none() => Err(format!(
            "nothing succeeded in {} before {}: there is nothing to compare with",
            d.environment, d.id
        )),
        Action::NextStep if log::step_start(model, false).is_none() => {
            Err("there is no later step".to_owned())
        }
        Action::PreviousStep if log::step_start(model, true).is_none() => {
            Err("this is the first step".to_owned())
        }
        Action::PreviousDeployment if view.older.is_none() => Err("this is the oldest deployment".to_owned()),
        Action::NextDeployment if view.newer.is_none() => Err("this is the newest deployment".to_owned()),
        Action::Decide if !popup::may_be_decided(d) => {
            Err(format!("{} is {}: it waits for nobody", d.id, d.state_word()))
        }
        _ => Ok(()),
    }
}
