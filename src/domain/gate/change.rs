//! Does the change ticket allow it?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::change::{Answered, Phase};
use crate::domain::time::{Timestamp, wall};

/// Asked where both the service and the environment are change-controlled. It never asks by itself: it reads the last
/// answer, and one that is too old is none.
pub(super) fn check(facts: &DeployFacts, now: Timestamp) -> Answer {
    let unknown = |why: String| Answer::Unknown { why };
    let Some(known) = &facts.change else { return Answer::pass("not change-controlled") };
    if known.past {
        return unknown(
            "what its change ticket was then is not known: answers are kept of today only".to_owned(),
        );
    }
    let (Some(ticket), Some(age)) = (&known.ticket, known.age) else {
        return unknown("nobody has asked about its change ticket yet".to_owned());
    };
    if let Some(why) = &ticket.trouble {
        return unknown(format!("the change system gave no answer: {why}"));
    }
    if age > known.max_age {
        return unknown("what was said of its change ticket last is too old to count".to_owned());
    }
    let Some(Answered { number, state, phase, start, end, .. }) = &ticket.answered else {
        return unknown("nobody has asked about its change ticket yet".to_owned());
    };
    let state = state.clone().unwrap_or_default();
    let asked = super::reason::asked(age);
    let named = || number.clone().or_else(|| ticket.named.clone());
    let zone = facts.zone;
    match (phase, named()) {
        (None, _) if ticket.is_being_made(now) => {
            unknown("somebody is making its change ticket just now".to_owned())
        }
        (None, _) => Answer::blocked(BlockReason::ChangeMissing {
            title: crate::domain::change::title(&ticket.release, &ticket.environment),
            named: ticket.named.clone(),
            age,
        }),
        (Some(Phase::Closed), number) => Answer::blocked(BlockReason::ChangeClosed { number, state, age }),
        (Some(Phase::Waits), number) => Answer::blocked(BlockReason::ChangeWaits { number, state, age }),
        (Some(Phase::Open), number) => {
            let name = number.clone().unwrap_or_else(|| "the change".to_owned());
            if let Some(start) = start.filter(|start| now < *start) {
                return Answer::blocked(BlockReason::ChangeNotYet { number, start, zone, age });
            }
            if let Some(end) = end.filter(|end| now >= *end) {
                return Answer::blocked(BlockReason::ChangeOver { number, end, zone, age });
            }
            let until = end.map(|end| format!(" until {}", wall(end, zone))).unwrap_or_default();
            Answer::pass(format!("{name} is {state}{until}, {asked}"))
        }
    }
}
