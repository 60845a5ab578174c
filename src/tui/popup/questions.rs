//! The questions that are answered with yes or with a typed word.

use super::{Arming, Popup, confirm, form, guide, is_production, is_protected, may_be_given_up};
use crate::domain::approval::Verdict;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::freeze::Freeze;
use crate::domain::wait::Wait;
use crate::ops::view::queue::Pending;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::pane;
use crate::tui::popup::scroll::Scroll;
use crate::tui::widget::input::Input;
use ratatui::text::Line;

impl Popup {
    /// What a person is asked about a deployment that waits or was lost.
    pub fn decide(d: &Deployment, model: &Model) -> Option<Self> {
        match d.state {
            DeploymentState::Lost => Some(form::deployment::resolve(d)),
            _ => guide::Dialog::new(d, model).map(|dialog| Self::Guide(Box::new(dialog))),
        }
    }

    /// The question whether what has not begun is to be called off.
    fn call_off(d: &Deployment, wait: &Wait, model: &Model) -> Self {
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Call off {}", d.id),
            facts: Vec::new(),
            lines: vec![
                format!("{}, asked for by {}", d.errand(), d.started_by.name),
                format!("It {wait}."),
                "Nothing has begun. To give it another time: Esc, then S.".to_owned(),
            ],
            production: is_production(model, &d.environment).then(|| d.environment.to_string()),
            typed: None,
            decisions: Vec::new(),
            effect: Effect::Cancel { id: d.id, reason: None },
            arming: Arming::now(model),
            scroll: Scroll::default(),
        }))
    }

    pub fn cancel(d: &Deployment, model: &Model) -> Self {
        if let Some(wait) = d.wait.as_ref().filter(|_| d.state.is_pending()) {
            return Self::call_off(d, wait, model);
        }
        let again = d.is_cancelling();
        let how = if again {
            "It was asked to stop already: this kills it at once.".to_owned()
        } else {
            "The script gets TERM, then time to clean up, then KILL.".to_owned()
        };
        let version = d.release.version.to_string();
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Cancel {}", d.id),
            facts: Vec::new(),
            lines: vec![
                match d.noop {
                    true => format!("{}, started by {}", d.errand(), d.started_by.name),
                    false => format!("{} of {}, started by {}", d.kind, d.errand(), d.started_by.name),
                },
                how,
                match may_be_given_up(d, model) {
                    true => "It does not stop. Tab: give it up, whatever still runs.".to_owned(),
                    false if d.noop => "What it has done so far stays done.".to_owned(),
                    false => "What it has done so far stays done. Tab: stop it and go back to the last good release."
                        .to_owned(),
                },
            ],
            production: is_production(model, &d.environment).then(|| d.environment.to_string()),
            typed: is_protected(model, &d.environment).then(|| (version, Input::default())),
            decisions: Vec::new(),
            effect: Effect::Cancel { id: d.id, reason: None },
            arming: Arming::now(model),
            scroll: Scroll::default(),
        }))
    }

    /// About several, briefly: each can be looked at by itself before it is marked.
    pub fn approve_all(items: &[&Pending], model: &Model) -> Self {
        let facts = items.iter().flat_map(|item| pane::queue::about_one_of_several(model, item));
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Approve {} at once", items.len()),
            facts: facts.collect(),
            lines: vec!["Each is recorded for itself and can be withdrawn for itself (W).".to_owned()],
            production: None,
            typed: None,
            decisions: items.iter().flat_map(|item| item.decisions.clone()).collect(),
            effect: Effect::DecideAll(
                items.iter().map(|item| form::approval::decision(item, Verdict::Approved)).collect(),
            ),
            arming: Arming::now(model),
            scroll: Scroll::default(),
        }))
    }

    pub fn approve(item: &Pending, model: &Model) -> Self {
        let about = item.matter();
        let environment = pane::queue::environment(item);
        let version = item.release.id.version.to_string();
        let decision = form::approval::decision(item, Verdict::Approved);
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Approve {} for {about}", item.release.id),
            facts: pane::queue::about(model, item),
            lines: Vec::new(),
            production: environment.as_ref().filter(|env| is_production(model, env)).map(ToString::to_string),
            typed: environment.filter(|env| is_protected(model, env)).map(|_| (version, Input::default())),
            decisions: item.decisions.clone(),
            effect: Effect::Decide(Box::new(decision)),
            arming: Arming::now(model),
            scroll: Scroll::default(),
        }))
    }

    /// Whether one stands by rules that somebody else changed.
    pub fn confirm_rules(facts: Vec<Line<'static>>, changes: Vec<String>, model: &Model) -> Self {
        Self::Confirm(Box::new(confirm::Dialog {
            title: "Stand by the changed rules".to_owned(),
            facts,
            lines: vec!["Your name stands behind them from then on.".to_owned()],
            production: None,
            typed: None,
            decisions: Vec::new(),
            effect: Effect::ConfirmRules(changes),
            arming: Arming::now(model),
            scroll: Scroll::default(),
        }))
    }

    pub fn remove_freeze(freeze: &Freeze, model: &Model) -> Self {
        Self::Confirm(Box::new(confirm::Dialog {
            title: format!("Remove freeze {}", freeze.handle()),
            facts: Vec::new(),
            lines: vec![
                format!("\"{}\" closes {}: {}", freeze.name, freeze.scope.describe(), freeze.reason),
                format!("until {}", model.moment(freeze.current(model.now).end)),
            ],
            production: None,
            typed: None,
            decisions: Vec::new(),
            effect: Effect::RemoveFreeze { handle: freeze.handle() },
            arming: Arming::now(model),
            scroll: Scroll::default(),
        }))
    }

    /// The question whether to do this, as things are now; nothing where there is nothing left to ask about.
    pub(super) fn question(model: &Model, effect: &Effect) -> Option<Self> {
        match effect {
            Effect::Cancel { id, .. } => {
                let board = &model.views.board;
                let d = board.active.iter().chain(&board.pending).find(|d| d.id == *id)?;
                Some(Self::cancel(d, model))
            }
            Effect::Decide(decision) => {
                let is_it =
                    |item: &&Pending| item.release.id == decision.release && item.subject == decision.subject;
                Some(Self::approve(model.views.queue.iter().find(is_it)?, model))
            }
            Effect::DecideAll(decisions) => {
                let is_among = |item: &&Pending| {
                    decisions.iter().any(|d| d.release == item.release.id && d.subject == item.subject)
                };
                let open = model.views.queue.iter().filter(|item| item.is_open_to_you());
                let items: Vec<&Pending> = open.filter(is_among).collect();
                items.first()?;
                Some(Self::approve_all(&items, model))
            }
            Effect::RemoveFreeze { handle } => {
                let known = model.views.calendar.as_ref().map_or(&[][..], |calendar| &calendar.freezes);
                Some(Self::remove_freeze(known.iter().find(|freeze| freeze.handle() == *handle)?, model))
            }
            _ => None,
        }
    }
}
