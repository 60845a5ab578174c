//! Freezes that stop what runs: asked about between steps, waited out by a person (FRZ-3).

use std::time::{Duration, Instant};

use crate::domain::deployment::{Cause, Step, StepState};
use crate::domain::freeze::Occurrence;
use crate::domain::hold::{Choice, Hold, HoldReason};
use crate::domain::policy::ScriptRole;
use crate::domain::strategy::StepPlan;
use crate::host::clock;

use super::course::{Course, Waited, settled_by_others, stopped_by};
use super::run::{LOOK_EVERY, Supervisor};
use super::scribe::{Task, Word};

/// How long the store is asked before a step: one that stays out of reach does not hold the deployment up.
const PATIENCE: Duration = Duration::from_secs(5);

impl Supervisor {
    /// The freeze that has begun meanwhile and holds what runs before this step. What only looks at what was done goes on:
    /// it changes nothing, and nobody wants a change that was not looked at.
    pub(super) async fn freeze_before(&mut self, course: &Course, plan: &StepPlan) -> Option<HoldReason> {
        let looks = matches!(plan.role, ScriptRole::Verify | ScriptRole::Analyse | ScriptRole::Plan);
        if looks || !course.begun {
            return None;
        }
        let mut answer = self.link.request(Task::MayGoOn);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && self.stop.cause().is_none() && !self.settled {
            tokio::select! {
                word = &mut answer => {
                    let Ok(Word::Frozen(holds)) = word else { return None };
                    let is_news = |hold: &HoldReason| which(hold).is_some_and(|one| !course.past.contains(&one));
                    return holds.into_iter().find(is_news);
                }
                () = self.attend(LOOK_EVERY) => {}
            }
        }
        if self.stop.cause().is_none() && !self.settled {
            self.say("the store could not be asked whether a freeze has begun; going on");
        }
        None
    }

    /// Waits before a step where a freeze has begun that holds what runs. `Some`: it ends the deployment.
    pub(super) async fn wait_out_freeze(
        &mut self,
        course: &mut Course,
        index: usize,
        plan: &StepPlan,
    ) -> Option<Cause> {
        loop {
            let reason = self.freeze_before(course, plan).await?;
            let ended = self.hold_frozen(course, index, plan, reason).await;
            if ended.is_some() {
                return ended;
            }
        }
    }

    pub(super) async fn hold_frozen(
        &mut self,
        course: &mut Course,
        index: usize,
        plan: &StepPlan,
        reason: HoldReason,
    ) -> Option<Cause> {
        course.holds += 1;
        let stopped = which(&reason);
        let hold = Hold::before(course.holds, plan, reason, clock::now());
        let mut step = Step::planned(index, plan.clone());
        (step.attempt, step.state) = (1, StepState::Waiting);
        self.link.post(Task::Ask(Box::new(hold.clone())));
        self.link.post(Task::Step(Box::new(step)));
        match self.wait(&hold, 0).await {
            Waited::Decided(guidance) if guidance.choice == Choice::Promote => {
                course.past.extend(stopped);
                None
            }
            Waited::Decided(guidance) => Some(stopped_by(&guidance)),
            Waited::Over if self.settled => Some(settled_by_others()),
            Waited::Over | Waited::Passed => Some(self.stopped_cause()),
        }
    }
}

/// What tells a freeze that holds from every other one: names come back, and nights too.
fn which(hold: &HoldReason) -> Option<(String, Option<Occurrence>)> {
    match hold {
        HoldReason::Frozen { name, occurrence, .. } => Some((name.clone(), occurrence.clone())),
        _ => None,
    }
}
