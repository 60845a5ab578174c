//! Orders that change what is recorded and start nothing, except builds.

use super::{Worker, look, requests};
use crate::domain::freeze::Freeze;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::time::wall;
use crate::ops::approval::{decide, withdraw};
use crate::ops::deployment::take;
use crate::ops::release::{advance, back, block, create, edit, evidence, record};
use crate::ops::{OpError, build, configured, freeze, lock, override_review, train, undo, witness};
use crate::tui::msg::{Effect, Msg};

/// Whether what this does can be taken back with one key.
pub(super) fn can_be_undone(order: &Effect) -> bool {
    match order {
        Effect::Edit { edit, .. } => edit.risk.is_none(),
        Effect::Record { what, .. } => !matches!(
            what.verb(),
            Verb::RiskAssessed
                | Verb::CheckWaived
                | Verb::AnnouncementMade
                | Verb::VoteCast
                | Verb::DeploymentJudged
        ),
        Effect::Advance(_) | Effect::Tick { .. } => true,
        _ => false,
    }
}

impl Worker {
    /// Verbs that change what is recorded and start nothing.
    pub(super) fn record(&self, order: Effect) -> Result<Msg, OpError> {
        let cx = self.desk.cx();
        Ok(match order {
            Effect::Create { service, version, new } => {
                let id =
                    ReleaseId::new(service.clone(), create::version_for(&cx, &service, version.as_ref())?);
                let release = create::create(&cx, &id, &new)?;
                let change = create::change_of(&cx, &id)?;
                let text = format!("{id} registered in the {} stage{change}", release.stage);
                Msg::Registered(id, text)
            }
            Effect::Edit { id, edit: wanted } => {
                edit::edit(&cx, &id, &wanted)?;
                Msg::Done(format!("{id} changed"))
            }
            Effect::Advance(id) => {
                let release = advance::advance(&cx, &id)?.release;
                let text = match release.is_open() {
                    true => format!("{id} is now in the {} stage", release.stage),
                    false => format!("{id} is {}", release.state),
                };
                Msg::Done(text)
            }
            Effect::MoveBack { id, to, reason } => {
                let release = back::back(&cx, &id, to, &reason)?;
                Msg::Done(format!("{id} is back in the {} stage", release.stage))
            }
            Effect::Block { id, reason } => {
                block::block(&cx, &id, &reason)?;
                Msg::Done(format!("{id} is blocked"))
            }
            Effect::Unblock { id, reason } => {
                block::unblock(&cx, &id, &reason)?;
                Msg::Done(format!("{id} may go on"))
            }
            Effect::Decide(decision) => Msg::Decided(Box::new(decide::decide(&cx, &decision)?)),
            Effect::Request(order) => Msg::Done(requests::carry_out(&cx, *order)?),
            Effect::Record { id, what } => {
                record::record(&cx, &id, &what)?;
                Msg::Done(format!("{id}: on record"))
            }
            order @ (Effect::Evidence { .. }
            | Effect::Verify { .. }
            | Effect::Build(_)
            | Effect::RunCheck { .. }
            | Effect::CancelBuild(_)
            | Effect::Tick { .. }) => self.evidence(order)?,
            Effect::ConfirmRules(shown) => {
                if look::rules(&cx)? != shown {
                    return Err(OpError::conflict("the rules were changed again while you looked at them")
                        .hint("look again: :confirm-rules"));
                }
                configured::confirm(&cx, None)?;
                Msg::Done("you stand by these rules; what waited for that may go on".to_owned())
            }
            Effect::DecideAll(decisions) => Msg::Done(decide::several(&cx, decisions).told()?),
            Effect::Withdraw { release, subject } => {
                let approval = withdraw::withdraw(&cx, &release, &subject)?;
                Msg::Done(format!(
                    "{release}: your decision about {} is withdrawn",
                    approval.subject.as_text()
                ))
            }
            Effect::Undo(way) => Msg::Done(undo::last(&cx, self.since, way)?.told()),
            Effect::Take(id) => {
                let (d, over) = take::take(&cx, id)?;
                let from = over.map(|over| format!(", taken over from {}", over.by.human()));
                Msg::Done(format!("you are on {}{}", d.id, from.unwrap_or_default()))
            }
            Effect::AskWitness { release, environment } => {
                Msg::WitnessAsked(Box::new(witness::ask(&cx, &release, &environment)?))
            }
            Effect::Confirm(wanted) => {
                let request = witness::confirm(&cx, &wanted)?;
                let starter = request.starter.person.human();
                Msg::Done(format!("you have confirmed what {starter} starts: {}", request.release))
            }
            order => self.hold(order)?,
        })
    }

    /// What is built, tested and ticked off.
    fn evidence(&self, order: Effect) -> Result<Msg, OpError> {
        let cx = self.desk.cx();
        Ok(match order {
            Effect::Evidence { id, name, evidence } => {
                evidence::record_evidence(&cx, &id, &name, &evidence)?;
                let word = if evidence.passed { "passed" } else { "failed" };
                Msg::Done(format!("{id}: {name} {word}"))
            }
            Effect::Verify { id, item } => {
                let (_, said) = evidence::verify(&cx, &id, &item)?;
                Msg::Done(format!("{id}: \"{item}\": {}, {}", said.answer, said.said))
            }
            Effect::RunCheck { id, name } => {
                let (release, number) = build::check(&cx, &id, &name)?;
                Msg::Done(format!("{} of {id} was started", release.build.runs[number - 1].name(number)))
            }
            Effect::Build(id) => {
                let (_, number) = build::start(&cx, &id)?;
                Msg::Done(format!("build {number} of {id} was started"))
            }
            Effect::CancelBuild(id) => {
                build::cancel(&cx, &id, None)?;
                Msg::Done("the build was asked to stop; once more kills it at once".to_owned())
            }
            Effect::Tick { id, item } => {
                evidence::tick(&cx, &id, &item)?;
                Msg::Done(format!("{id}: \"{item}\" is done"))
            }
            order => self.hold(order)?,
        })
    }

    /// What a freeze would hit, and when it closes where that is not just what was typed.
    fn weigh(&self, order: &Effect) -> Result<Vec<String>, OpError> {
        let cx = self.desk.cx();
        let (freeze, impact) = match order {
            Effect::AddFreeze(new) => freeze::impact::preview(&cx, new)?,
            Effect::EditFreeze(edit) => {
                let edited = freeze::edit::preview(&cx, edit)?;
                (edited.freeze, edited.impact)
            }
            _ => return Ok(Vec::new()),
        };
        let mut lines = impact.what(freeze.running, freeze.zone);
        if freeze.repeats.is_some() || !impact.clock_changes.is_empty() {
            lines.extend(impact.when(freeze.zone));
        }
        Ok(lines)
    }

    /// Verbs on what keeps deployments from beginning or sends them off: freezes, locks, trains.
    fn hold(&self, order: Effect) -> Result<Msg, OpError> {
        let cx = self.desk.cx();
        Ok(match order {
            Effect::AddFreeze(new) => {
                let added = freeze::add(&cx, &new)?;
                let until = wall(added.freeze.current(cx.now).end, added.freeze.zone);
                let running = match added.impact.running.len() {
                    0 => String::new(),
                    count => format!("; {count} deployments still run (:cancel-deployment)"),
                };
                let again = again(&added.freeze);
                let lifts = match added.freeze.covers(cx.now) {
                    true => "; x in the calendar lifts it",
                    false => "",
                };
                Msg::Done(format!(
                    "{} closes {} until {until}{again}{running}{lifts}",
                    added.freeze.handle(),
                    added.freeze.scope.describe()
                ))
            }
            Effect::EditFreeze(edit) => {
                let edited = freeze::edit::edit(&cx, &edit)?;
                let until = wall(edited.freeze.current(cx.now).end, edited.freeze.zone);
                let (handle, scope) = (edited.freeze.handle(), edited.freeze.scope.describe());
                Msg::Done(match edited.freeze.suspended {
                    true => format!("{handle} closes nothing until it is resumed (e)"),
                    false => format!("{handle} closes {scope} until {until}{} now", again(&edited.freeze)),
                })
            }
            Effect::Weigh(order) => match self.weigh(&order)? {
                lines if lines.is_empty() => return self.hold(*order),
                lines => Msg::Weighed(order, lines),
            },
            Effect::RemoveFreeze { handle } => {
                let freeze = freeze::remove(&cx, &handle, None)?;
                Msg::Done(format!("\"{}\" is gone", freeze.name))
            }
            Effect::SkipTrain { train: name, reason } => {
                let skipped = train::skip(&cx, &name, reason.as_deref())?;
                let at = wall(skipped.departs_at, train::zone(&cx, &name));
                Msg::Done(format!("train {name} does not depart {at}; it does so again after that"))
            }
            Effect::ResumeTrain { train: name, reason } => {
                train::resume(&cx, &name, &reason)?;
                Msg::Done(format!("train {name} departs again"))
            }
            Effect::Lock(new) => {
                let set = lock::set(&cx, &new)?;
                let mut said = format!("{} on {}", set.lock.id, set.lock.scope.describe());
                if !set.still_running.is_empty() {
                    let ids: Vec<String> = set.still_running.iter().map(|d| d.id.to_string()).collect();
                    said.push_str(&format!("; still running, a lock stops nothing: {}", ids.join(", ")));
                }
                match set.kept_waiting.len() {
                    0 => {}
                    1 => said.push_str("; 1 scheduled or queued there has to wait"),
                    count => said.push_str(&format!("; {count} scheduled or queued there have to wait")),
                }
                Msg::Done(said)
            }
            Effect::EditLock { id, edit } => {
                lock::edit(&cx, id, &edit)?;
                Msg::Done(format!("{id} changed"))
            }
            Effect::ReviewOverride { id, finding, note } => {
                override_review::review(&cx, id, finding, &note)?;
                Msg::Done(format!("the override of {id} is on record as {finding}"))
            }
            Effect::Unlock { id, reason } => {
                let lifted = lock::lift(&cx, id, reason.as_deref())?;
                Msg::Done(format!("{id} on {} is lifted", lifted.scope.describe()))
            }
            // Carried out before it gets here, or kept by the loop for itself.
            _ => Msg::Done(String::new()),
        })
    }
}

/// How often a freeze closes, and whom it stops, where that is more than once and everybody.
fn again(freeze: &Freeze) -> String {
    let often = freeze.repeats.as_ref().map(|repeats| format!(", {}", repeats.in_words()));
    let terms = freeze.terms().map(|terms| format!(" ({terms})"));
    format!("{}{}", often.unwrap_or_default(), terms.unwrap_or_default())
}
