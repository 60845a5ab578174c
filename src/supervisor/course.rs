//! From step to step: what runs, what waits, and what a failure leads to.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::domain::deployment::{Cause, Step, StepState};
use crate::domain::extra_step::Condition;
use crate::domain::freeze::Occurrence;
use crate::domain::hold::{Choice, Guidance, Hold, HoldReason, Reaction};
use crate::domain::policy::ScriptRole;
use crate::domain::strategy::StepPlan;
use crate::domain::time::span;
use crate::host::clock;

use super::run::{LOOK_EVERY, Supervisor};
use super::scribe::{Task, Word};
use super::script::Script;

/// Exit status by which an analysis says that it cannot tell.
const INCONCLUSIVE: i32 = 75;
/// How long after a pause the store is waited for, to hear what was decided about it.
const STORE_WORD: Duration = Duration::from_secs(15);

/// How it ended: the cause, and in which step if it did not come to its end.
pub(super) type End = (Cause, Option<String>);

/// What a wait came to.
pub(super) enum Waited {
    /// Its time has passed.
    Passed,
    Decided(Guidance),
    /// Cancelled, out of time, or settled by somebody else.
    Over,
}

/// What is to be done after one attempt at a step.
enum Next {
    GoOn,
    Again,
    End(Cause),
}

/// How many failures of targets are not asked about, and how many there were.
struct Spared {
    used: usize,
    of: usize,
}

/// What people have decided on the way, and how far it has come.
#[derive(Default)]
pub(super) struct Course {
    pub(super) holds: u32,
    /// Whether pauses and analyses are passed over.
    full: bool,
    /// The first step that has not been come to.
    next: usize,
    /// Whether a script has run: until then the gates that were asked at the claim are enough.
    pub(super) begun: bool,
    /// Freezes that somebody went past, by their names and windows: each holds it once.
    pub(super) past: Vec<(String, Option<Occurrence>)>,
}

impl Supervisor {
    /// Runs step after step to the end, or to where a failure or a person ends it; then what runs after a failure.
    pub(super) async fn steps(&mut self) -> End {
        self.speak_of_secrets();
        let mut course = Course::default();
        let end = self.straight_on(&mut course).await;
        self.afterwards(&course, &end.0).await;
        end
    }

    async fn straight_on(&mut self, course: &mut Course) -> End {
        let plans = self.order.ticket.steps.clone();
        let mut index = 0;
        while let Some(plan) = plans.get(index) {
            if self.settled {
                return (settled_by_others(), Some(plan.name.clone()));
            }
            if plan.condition == Condition::OnFailure {
                // Its turn comes after the end, if it comes.
                index += 1;
                continue;
            }
            course.next = index + 1;
            if plan.left_out {
                self.skipped(index, plan, "was left out by who started this");
                index += 1;
                continue;
            }
            let many =
                plans[index..].iter().take_while(|other| plan.beside > 0 && other.beside == plan.beside);
            let many = many.count();
            if many > 1 {
                if let Some(end) = self.carry_out_pool(course, index..index + many).await {
                    return end;
                }
                index += many;
                continue;
            }
            if let Some(cause) = self.wait_for_turn(course, index, plan).await {
                return (cause, Some(plan.name.clone()));
            }
            // Asked after the wait: whoever let it go on fully meanwhile does not want the analysis either.
            if course.full && plan.role == ScriptRole::Analyse {
                self.skipped(index, plan, "is passed over");
                index += 1;
                continue;
            }
            if let Some(cause) = self.wait_out_freeze(course, index, plan).await {
                return (cause, Some(plan.name.clone()));
            }
            if let Some(cause) = self.carry_out(course, index, plan).await {
                return (cause, Some(plan.name.clone()));
            }
            // A cancel that came when the script had just succeeded keeps the next step from starting.
            if index + 1 < plans.len() && self.stop.cause().is_some() {
                return (self.stopped_cause(), Some(plan.name.clone()));
            }
            index += 1;
        }
        (Cause::Completed, None)
    }

    /// What runs after a failure, and what runs either way and was not come to. It changes nothing about the outcome. Who
    /// cancels wants nothing more to be started, and neither does a limit that has passed.
    async fn afterwards(&mut self, course: &Course, cause: &Cause) {
        let plans = self.order.ticket.steps.clone();
        let has_failed = *cause != Cause::Completed;
        for (index, plan) in plans.iter().enumerate() {
            let is_open = match plan.condition {
                Condition::OnSuccess => false,
                Condition::OnFailure => true,
                Condition::Always => index >= course.next,
            };
            if !is_open {
                continue;
            }
            if plan.left_out {
                self.skipped(index, plan, "was left out by who started this");
            } else if !has_failed {
                self.skipped(index, plan, "is not needed: nothing failed");
            } else if self.settled || self.stop.cause().is_some() {
                self.skipped(index, plan, "is not started any more");
            } else {
                let step = self.begin_step(index, plan, 1);
                let ended = self.run_script(index, plan.role, 1).await;
                self.end_step(step, &ended);
                if ended != Cause::Completed {
                    self.say(&format!("{} failed as well ({ended})", plan.name));
                }
            }
        }
    }

    fn speak_of_secrets(&self) {
        for name in &self.order.ticket.secrets {
            if !self.order.env.contains_key(name) {
                self.say(&format!(
                    "{name} is not set (or no text) where this was started: the scripts do not get it"
                ));
            }
            if self.order.env.get(name).is_some_and(|value| value.len() < super::mask::SHORTEST) {
                self.say(&format!("the value of {name} is too short to be masked"));
            }
        }
    }

    pub(super) fn stopped_cause(&self) -> Cause {
        self.stop.cause().cloned().unwrap_or(Cause::Cancelled { by: "system".to_owned() })
    }

    /// The pause before a step. `Some`: it ends the deployment.
    async fn wait_for_turn(&mut self, course: &mut Course, index: usize, plan: &StepPlan) -> Option<Cause> {
        if course.full || (plan.wait_ms == 0 && !plan.held) {
            return None;
        }
        let now = clock::now();
        let reason = match plan.held {
            true => HoldReason::Promotion,
            false => HoldReason::Pause { until: now.plus(Duration::from_millis(plan.wait_ms)) },
        };
        course.holds += 1;
        let hold = Hold::before(course.holds, plan, reason, now);
        let mut step = Step::planned(index, plan.clone());
        (step.attempt, step.state) = (1, StepState::Waiting);
        self.link.post(Task::Ask(Box::new(hold.clone())));
        self.link.post(Task::Step(Box::new(step)));
        match self.wait(&hold, plan.wait_ms).await {
            Waited::Passed => None,
            Waited::Over if self.settled => Some(settled_by_others()),
            Waited::Over => Some(self.stopped_cause()),
            Waited::Decided(guidance) => match guidance.choice {
                Choice::Promote => None,
                Choice::PromoteFull => {
                    course.full = true;
                    None
                }
                _ => Some(stopped_by(&guidance)),
            },
        }
    }

    /// One step until it is done. `Some`: it ends the deployment.
    async fn carry_out(&mut self, course: &mut Course, index: usize, plan: &StepPlan) -> Option<Cause> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            course.begun = true;
            let step = self.begin_step(index, plan, attempt);
            let cause = self.run_script(index, plan.role, attempt).await;
            self.end_step(step, &cause);
            if cause == Cause::Completed {
                return None;
            }
            let was_going_on = self.stop.cause().is_none();
            if self.is_retried(plan, attempt, &cause).await {
                continue;
            }
            if was_going_on && self.stop.cause().is_some() {
                return Some(self.stopped_cause());
            }
            if plan.goes_on && self.stop.cause().is_none() && !self.settled {
                self.say(&format!("{} failed ({cause}); that does not count", plan.name));
                return None;
            }
            match self.after_failure(course, plan, cause).await {
                Next::GoOn => return None,
                Next::Again => {}
                Next::End(cause) => return Some(cause),
            }
        }
    }

    /// Steps that may run beside each other, so many at once: the next one starts when one ends. After a failure that is
    /// not spared nothing new starts; when those that run have ended, it is decided about each that failed. `Some`: that
    /// is the end.
    async fn carry_out_pool(&mut self, course: &mut Course, range: Range<usize>) -> Option<End> {
        let plans = self.order.ticket.steps.clone();
        let beside = plans[range.start].beside;
        let mut waiting: VecDeque<(usize, u32)> = range.map(|index| (index, 1)).collect();
        let mut running: Vec<Script> = Vec::new();
        let mut steps: BTreeMap<usize, Step> = BTreeMap::new();
        let mut failed: Vec<(usize, u32, Cause)> = Vec::new();
        let mut spared = Spared { used: 0, of: plans[waiting.front().map_or(0, |(index, _)| *index)].spare };
        let mut frozen: Option<(usize, HoldReason)> = None;
        loop {
            while running.len() < beside && failed.is_empty() && frozen.is_none() && !self.is_ending() {
                let Some((index, attempt)) = waiting.pop_front() else { break };
                frozen = self.freeze_before(course, &plans[index]).await.map(|reason| (index, reason));
                if frozen.is_some() || self.is_ending() {
                    waiting.push_front((index, attempt));
                    break;
                }
                course.begun = true;
                match self.start_target(index, &plans[index], attempt).await {
                    Ok((script, step)) => {
                        running.push(script);
                        steps.insert(index, step);
                    }
                    Err(cause) => failed.push((index, attempt, cause)),
                }
            }
            if running.is_empty() {
                let next = waiting.front().map(|(index, _)| *index);
                if failed.is_empty() && next.is_none() {
                    return None;
                }
                let at = failed.first().map(|(index, ..)| *index).or(next);
                let name = at.map(|index| plans[index].name.clone());
                if self.settled {
                    return Some((settled_by_others(), name));
                }
                if self.stop.cause().is_some() {
                    return Some((self.stopped_cause(), name));
                }
                if failed.is_empty()
                    && let Some((index, reason)) = frozen.take()
                {
                    if let Some(cause) = self.hold_frozen(course, index, &plans[index], reason).await {
                        return Some((cause, name));
                    }
                    continue;
                }
                for (index, attempt, cause) in std::mem::take(&mut failed) {
                    if self.is_retried(&plans[index], attempt, &cause).await {
                        waiting.push_front((index, attempt + 1));
                        continue;
                    }
                    if self.stop.cause().is_some() {
                        return Some((self.stopped_cause(), Some(plans[index].name.clone())));
                    }
                    if self.is_spared(&mut spared, &plans[index], &cause) {
                        continue;
                    }
                    match self.after_failure(course, &plans[index], cause).await {
                        Next::GoOn => {}
                        Next::Again => waiting.push_front((index, attempt + 1)),
                        Next::End(cause) => return Some((cause, Some(plans[index].name.clone()))),
                    }
                }
                continue;
            }
            let (index, cause) = self.next_end(&mut running).await;
            if let Some(step) = steps.remove(&index) {
                let attempt = step.attempt;
                self.end_step(step, &cause);
                let is_over = !self.order.ticket.retries.covers(plans[index].role, attempt, &cause);
                let is_fine = cause == Cause::Completed
                    || (is_over && self.is_spared(&mut spared, &plans[index], &cause));
                if !is_fine {
                    failed.push((index, attempt, cause));
                }
            }
        }
    }

    /// Whether nothing new may be started: somebody ended it, or settled it.
    fn is_ending(&self) -> bool {
        self.stop.cause().is_some() || self.settled
    }

    async fn start_target(
        &mut self,
        index: usize,
        plan: &StepPlan,
        attempt: u32,
    ) -> Result<(Script, Step), Cause> {
        let step = self.begin_step(index, plan, attempt);
        match self.start_script(index, plan.role, attempt, Some(&plan.targets.join(" "))).await {
            Ok(script) => Ok((script, step)),
            Err(cause) => {
                self.end_step(step, &cause);
                Err(cause)
            }
        }
    }

    /// Whether a failed step is run again by itself: after its delay, and not where somebody has locked the environment
    /// meanwhile (EXE-13).
    async fn is_retried(&mut self, plan: &StepPlan, attempt: u32, cause: &Cause) -> bool {
        let retries = self.order.ticket.retries;
        let is_stopped = |supervisor: &Self| supervisor.stop.cause().is_some() || supervisor.settled;
        if is_stopped(self) || !retries.covers(plan.role, attempt, cause) {
            return false;
        }
        let delay = span(retries.delay);
        self.say(&format!(
            "{} failed ({cause}); run again in {delay}, {attempt} of {}",
            plan.name, retries.times
        ));
        let until = Instant::now() + retries.delay;
        while Instant::now() < until && !is_stopped(self) {
            self.attend(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
        }
        let mut answer = self.link.request(Task::MayRetry);
        let deadline = Instant::now() + STORE_WORD;
        while Instant::now() < deadline && !is_stopped(self) {
            tokio::select! {
                word = &mut answer => {
                    if let Ok(Word::Locked(Some(why))) = word {
                        self.say(&format!("{} is not run again: {why}", plan.name));
                        return false;
                    }
                    return !is_stopped(self);
                }
                () = self.attend(LOOK_EVERY) => {}
            }
        }
        // A store out of reach keeps no deployment from going on.
        !is_stopped(self)
    }

    /// Whether the success threshold can still be met without this target (EXE-21).
    fn is_spared(&self, spared: &mut Spared, plan: &StepPlan, cause: &Cause) -> bool {
        let is_left = spared.used < spared.of && self.stop.cause().is_none() && !self.settled;
        if is_left {
            spared.used += 1;
            self.say(&format!(
                "{} failed ({cause}); {} of at most {} failures that the success threshold allows",
                plan.name, spared.used, spared.of
            ));
        }
        is_left
    }

    /// Says and records that a step begins.
    fn begin_step(&self, index: usize, plan: &StepPlan, attempt: u32) -> Step {
        let mut step = Step::planned(index, plan.clone());
        step.attempt = attempt;
        step.state = StepState::Running;
        step.started_at = Some(clock::now());
        step.log_from = Some(self.log_size());
        let count = self.order.ticket.steps.len();
        let again = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
        let by = self.order.runs_as.as_ref().map(|user| format!(", run as {user}")).unwrap_or_default();
        self.say(&format!("step {} of {count}: {}{again}{by}", index + 1, plan.name));
        self.link.post(Task::Step(Box::new(step.clone())));
        step
    }

    fn end_step(&self, mut step: Step, cause: &Cause) {
        step.state = if *cause == Cause::Completed { StepState::Succeeded } else { StepState::Failed };
        step.finished_at = Some(clock::now());
        step.log_to = Some(self.log_size());
        step.cause = Some(cause.clone());
        self.link.post(Task::Step(Box::new(step)));
    }

    fn skipped(&self, index: usize, plan: &StepPlan, why: &str) {
        let mut step = Step::planned(index, plan.clone());
        (step.attempt, step.state) = (1, StepState::Skipped);
        self.say(&format!("{} {why}", plan.name));
        self.link.post(Task::Step(Box::new(step)));
    }

    /// A step did not succeed: ends, or asks a person.
    async fn after_failure(&mut self, course: &mut Course, plan: &StepPlan, cause: Cause) -> Next {
        let is_open = plan.role == ScriptRole::Analyse && cause == (Cause::Exit { code: INCONCLUSIVE });
        let reaction = self.order.ticket.on_failure.about(plan.role, &cause);
        let reason = match (is_open, reaction) {
            _ if self.stop.cause().is_some() || self.settled => return Next::End(cause),
            (true, _) => HoldReason::Inconclusive,
            (false, Reaction::Ask) => HoldReason::Failed { cause: cause.clone() },
            (false, Reaction::End) => return Next::End(cause),
            (false, Reaction::RollBack) => {
                self.say(&format!("{} failed: the last good release follows", plan.name));
                self.link.post(Task::RollBack(format!("{} of {} failed", plan.name, self.order.ticket.id)));
                return Next::End(cause);
            }
        };
        course.holds += 1;
        let hold = Hold::after(course.holds, plan, reason, clock::now());
        self.link.post(Task::Ask(Box::new(hold.clone())));
        match self.wait(&hold, 0).await {
            Waited::Decided(guidance) => match guidance.choice {
                Choice::Retry => Next::Again,
                Choice::Promote | Choice::Skip => Next::GoOn,
                Choice::PromoteFull => {
                    course.full = true;
                    Next::GoOn
                }
                // An analysis that could not tell did not fail: a person ended it.
                Choice::Fail | Choice::RollBack if is_open => Next::End(stopped_by(&guidance)),
                Choice::Fail | Choice::RollBack => Next::End(cause),
            },
            Waited::Over if self.settled => Next::End(settled_by_others()),
            Waited::Passed | Waited::Over => Next::End(self.stopped_cause()),
        }
    }

    /// Waits for a person, or for so many milliseconds where the hold is a pause.
    pub(super) async fn wait(&mut self, hold: &Hold, pause_ms: u64) -> Waited {
        self.say(&hold.to_string());
        if hold.needs_person() {
            let choices: Vec<&str> = hold.choices.iter().map(|choice| choice.as_str()).collect();
            self.say(&format!(
                "decide with R, or: relman decide {} {}",
                self.order.ticket.id.0,
                choices.join("|")
            ));
        }
        self.holding = hold.needs_person().then(Instant::now);
        let until = Instant::now() + Duration::from_millis(pause_ms);
        let mut has_passed = false;
        let waited = loop {
            if !has_passed {
                self.attend(LOOK_EVERY).await;
            }
            if self.stop.cause().is_some() || self.settled {
                break Waited::Over;
            }
            if let Some(guidance) = self.guidance.take_if(|guidance| guidance.hold == hold.number) {
                let why = guidance.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                self.say(&format!("{} chose {}{why}", guidance.by.name, guidance.choice));
                break Waited::Decided(guidance);
            }
            if has_passed {
                break Waited::Passed;
            }
            if !hold.needs_person() && Instant::now() >= until {
                self.end_pause(hold).await;
                has_passed = true;
            }
        };
        if let Some(since) = self.holding.take() {
            self.held += since.elapsed();
        }
        waited
    }

    /// Hears what was decided until the pause ended: where people decide, which may be news here. A store that stays out
    /// of reach does not hold the deployment up.
    async fn end_pause(&mut self, hold: &Hold) {
        let mut answer = self.link.request(Task::EndPause(hold.number));
        let deadline = Instant::now() + STORE_WORD;
        while Instant::now() < deadline && self.stop.cause().is_none() && !self.settled {
            tokio::select! {
                word = &mut answer => {
                    if let Ok(Word::PauseOver(pulse)) = word {
                        self.heed(Some(pulse));
                    }
                    return;
                }
                () = self.attend(LOOK_EVERY) => {}
            }
        }
    }
}

pub(super) fn stopped_by(guidance: &Guidance) -> Cause {
    Cause::Stopped { by: guidance.by.name.clone(), reason: guidance.reason.clone() }
}

pub(super) fn settled_by_others() -> Cause {
    Cause::Refused { why: "somebody settled it while it waited; nothing more was run".to_owned() }
}
