//! Holds: a deployment waits between its steps, for a time or for a person, and what a person may decide then.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::deployment::Cause;
use super::freeze::Occurrence;
use super::ids::DeploymentId;
use super::policy::ScriptRole;
use super::strategy::StepPlan;
use super::time::{Timestamp, Tz, span, wall};
use super::words::words;

/// Why it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum HoldReason {
    /// A pause of the strategy; goes on by itself.
    Pause { until: Timestamp },
    /// A person says when it goes on.
    Promotion,
    /// The step failed.
    Failed { cause: Cause },
    /// The analysis could not tell (exit status 75).
    Inconclusive,
    /// A freeze that stops what runs has begun (FRZ-3).
    Frozen {
        name: String,
        why: String,
        /// When it opens again, as known then; nothing: no end of it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        zone: Tz,
        /// Which window of which freeze it is: to go past this one is not to go past another one of that name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        occurrence: Option<Occurrence>,
    },
}

/// What a person may decide about a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Go on with the next step.
    Promote,
    /// Go on to the end without further pauses and analyses.
    PromoteFull,
    /// Run the step again.
    Retry,
    /// Go on without the step.
    Skip,
    /// End it as failed, as it is now.
    Fail,
    /// End it and go back to the last good release.
    RollBack,
}

impl Choice {
    pub const ALL: [Self; 6] =
        [Self::Promote, Self::PromoteFull, Self::Retry, Self::Skip, Self::Fail, Self::RollBack];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::PromoteFull => "promote-full",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Fail => "fail",
            Self::RollBack => "roll-back",
        }
    }

    /// Whether it must be said why: what leaves the planned course.
    pub fn needs_reason(self) -> bool {
        !matches!(self, Self::Promote | Self::Retry)
    }
}
words!(Choice, "choice", Choice::ALL);

/// Somebody has said that they look after a deployment that waits for a person. Nothing is held by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The hold it is about; nothing: it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<u32>,
    pub by: Person,
    pub at: Timestamp,
}

/// A deployment that waits before, or after, one of its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which hold of the deployment it is, from 1: a decision is about exactly one.
    pub number: u32,
    /// Name of the step it waits before, or that failed.
    pub step: String,
    pub reason: HoldReason,
    pub since: Timestamp,
    pub choices: Vec<Choice>,
}

impl Hold {
    /// Before a step that waits for a time or a person.
    pub fn before(number: u32, plan: &StepPlan, reason: HoldReason, since: Timestamp) -> Self {
        use Choice as C;
        let choices = match reason {
            // What a freeze holds goes on step by step, or not at all.
            HoldReason::Frozen { .. } => vec![C::Promote, C::Fail, C::RollBack],
            _ => vec![C::Promote, C::PromoteFull, C::Fail, C::RollBack],
        };
        Self { number, step: plan.name.clone(), reason, since, choices }
    }

    /// After a step that did not succeed.
    pub fn after(number: u32, plan: &StepPlan, reason: HoldReason, since: Timestamp) -> Self {
        use Choice as C;
        let mut choices = match reason {
            HoldReason::Inconclusive => vec![C::Promote, C::PromoteFull, C::Retry],
            _ => vec![C::Retry],
        };
        if reason != HoldReason::Inconclusive && !plan.required {
            choices.push(C::Skip);
        }
        choices.extend([C::Fail, C::RollBack]);
        Self { number, step: plan.name.clone(), reason, since, choices }
    }

    /// Whether it must be said why: also where somebody goes on that a freeze has stopped.
    pub fn needs_reason(&self, choice: Choice) -> bool {
        choice.needs_reason() || matches!(self.reason, HoldReason::Frozen { .. })
    }

    /// Whether nothing goes on until a person decides.
    pub fn needs_person(&self) -> bool {
        !matches!(self.reason, HoldReason::Pause { .. })
    }

    /// Whether going on after it means that a person had to help.
    pub fn is_trouble(&self) -> bool {
        matches!(self.reason, HoldReason::Failed { .. } | HoldReason::Inconclusive)
    }

    /// In a few words, for a card.
    pub fn brief(&self) -> String {
        match &self.reason {
            HoldReason::Pause { .. } => format!("pauses before {}", self.step),
            HoldReason::Promotion => format!("promote to {}?", self.step),
            HoldReason::Failed { .. } => format!("{} FAILED", self.step),
            HoldReason::Inconclusive => format!("{} is inconclusive", self.step),
            HoldReason::Frozen { name, .. } => format!("held before {} by freeze \"{name}\"", self.step),
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = &self.step;
        match &self.reason {
            HoldReason::Pause { until } => {
                write!(f, "waiting {} before {step}", span(until.since(self.since)))
            }
            HoldReason::Promotion => write!(f, "waiting for a person before {step}"),
            HoldReason::Failed { cause } => write!(f, "{step} failed ({cause}); waiting for a decision"),
            HoldReason::Inconclusive => write!(f, "{step} is inconclusive; waiting for a decision"),
            HoldReason::Frozen { name, why, until, zone, .. } => {
                let end = match until {
                    Some(until) => format!("until {}", wall(*until, *zone)),
                    None => "no known end".to_owned(),
                };
                write!(f, "stopped before {step} by freeze \"{name}\" ({why}), {end}; waiting for a decision")
            }
        }
    }
}

/// What a person decided about a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guidance {
    pub hold: u32,
    pub choice: Choice,
    pub by: Person,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A rollback that begins when the deployment has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    pub by: Person,
    pub at: Timestamp,
    pub reason: String,
    /// What it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<DeploymentId>,
    /// Why it could not begin; a person must see to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl FollowUp {
    /// One that somebody wants and that has not begun.
    pub fn wanted(by: &Person, at: Timestamp, reason: String) -> Self {
        Self { by: by.clone(), at, reason, started: None, refused: None }
    }

    /// The same after a person has given it up together with what it was to follow.
    #[must_use]
    pub fn given_up(self, by: &str) -> Self {
        Self { refused: Some(format!("given up by {by}")), ..self }
    }

    /// Whether it has neither begun nor been refused.
    pub fn is_due(&self) -> bool {
        self.started.is_none() && self.refused.is_none()
    }

    /// What became of it, for people; `ended`: whether the deployment it follows is over.
    pub fn sentence(&self, ended: bool) -> String {
        let by = &self.by.name;
        match (&self.started, &self.refused) {
            (Some(id), _) => format!("{id}, asked for by {by}: {}", self.reason),
            (None, Some(why)) => format!("asked for by {by} and NOT done: {why}"),
            (None, None) if ended => {
                format!("asked for by {by} and NOT begun: its supervisor died; roll back by hand")
            }
            (None, None) => format!("asked for by {by}, follows its end: {}", self.reason),
        }
    }
}

/// What happens when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The deployment ends as failed.
    #[default]
    Fail,
    /// It waits for a person.
    Ask,
    /// A failed verification goes back to the last good release; anything else waits for a person, because going back
    /// does not help against a disk that is full or a host that is down (RBK-6).
    Rollback,
}

impl OnFailure {
    pub const ALL: [Self; 3] = [Self::Fail, Self::Ask, Self::Rollback];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Ask => "ask",
            Self::Rollback => "rollback",
        }
    }

    /// What to do about a step of this role that ended so. Only what a script said of itself, or that it was stuck, is asked
    /// about: what was stopped was stopped, and what could not be run cannot be run again.
    pub fn about(self, role: ScriptRole, cause: &Cause) -> Reaction {
        let said_so = cause.is_of_step();
        let verifies = matches!(role, ScriptRole::Verify | ScriptRole::Analyse);
        match self {
            // Nothing was changed yet: there is nothing to decide about.
            _ if !said_so || matches!(role, ScriptRole::Available | ScriptRole::Hook) => Reaction::End,
            Self::Fail => Reaction::End,
            Self::Ask => Reaction::Ask,
            Self::Rollback if verifies => Reaction::RollBack,
            Self::Rollback => Reaction::Ask,
        }
    }
}
words!(OnFailure, "policy", OnFailure::ALL);

/// How often a step that failed is run again by itself, and how long after it failed (EXE-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Retries {
    pub times: u32,
    pub delay: Duration,
}

impl Retries {
    pub fn is_none(&self) -> bool {
        self.times == 0
    }

    /// The most there may be.
    pub const MOST: u32 = 10;

    /// Whether this attempt at a step is run again after it ended so. Only what a script said of itself may be otherwise
    /// the next time; what an analysis finds is a finding.
    pub fn covers(self, role: ScriptRole, attempt: u32, cause: &Cause) -> bool {
        let finds = [ScriptRole::Analyse, ScriptRole::Available, ScriptRole::Plan, ScriptRole::Hook];
        let may_differ = !finds.contains(&role);
        cause.is_of_step() && may_differ && attempt <= self.times
    }
}

/// What a supervisor does about a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    End,
    Ask,
    RollBack,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(required: bool) -> StepPlan {
        StepPlan { required, ..StepPlan::new("deploy 50%", ScriptRole::Deploy) }
    }

    fn failed() -> HoldReason {
        HoldReason::Failed { cause: Cause::Exit { code: 1 } }
    }

    #[test]
    fn only_what_may_end_otherwise_is_tried_again() {
        let retries = Retries { times: 2, delay: Duration::from_secs(1) };
        let failed = Cause::Exit { code: 1 };
        assert!(
            retries.covers(ScriptRole::Deploy, 1, &failed) && retries.covers(ScriptRole::Verify, 2, &failed)
        );
        assert!(!retries.covers(ScriptRole::Deploy, 3, &failed));
        assert!(!retries.covers(ScriptRole::Analyse, 1, &failed));
        assert!(!retries.covers(ScriptRole::Deploy, 1, &Cause::CannotRun { why: "gone".to_owned() }));
        assert!(!Retries::default().covers(ScriptRole::Deploy, 1, &failed));
    }

    #[test]
    fn a_required_step_is_not_skipped() {
        let at = Timestamp::from_millis(0);
        assert!(Hold::after(1, &plan(false), failed(), at).choices.contains(&Choice::Skip));
        assert!(!Hold::after(1, &plan(true), failed(), at).choices.contains(&Choice::Skip));
    }

    #[test]
    fn ending_and_going_back_can_always_be_chosen() {
        let at = Timestamp::from_millis(0);
        for hold in [
            Hold::before(1, &plan(false), HoldReason::Promotion, at),
            Hold::before(1, &plan(false), HoldReason::Pause { until: at }, at),
            Hold::after(1, &plan(true), failed(), at),
            Hold::after(1, &plan(true), HoldReason::Inconclusive, at),
        ] {
            assert!(hold.choices.ends_with(&[Choice::Fail, Choice::RollBack]), "{hold:?}");
            assert!(!hold.to_string().is_empty() && !hold.brief().is_empty());
        }
    }

    #[test]
    fn only_a_failed_verification_rolls_back_by_itself() {
        let exit = Cause::Exit { code: 1 };
        let timed_out = Cause::Cancelled { by: "erin".into() };
        assert_eq!(OnFailure::Rollback.about(ScriptRole::Verify, &exit), Reaction::RollBack);
        assert_eq!(OnFailure::Rollback.about(ScriptRole::Analyse, &exit), Reaction::RollBack);
        assert_eq!(OnFailure::Rollback.about(ScriptRole::Deploy, &exit), Reaction::Ask);
        assert_eq!(OnFailure::Ask.about(ScriptRole::Verify, &exit), Reaction::Ask);
        assert_eq!(OnFailure::Fail.about(ScriptRole::Verify, &exit), Reaction::End);
        for policy in OnFailure::ALL {
            assert_eq!(policy.about(ScriptRole::Verify, &timed_out), Reaction::End);
        }
    }
}
