//! Steps of a service beside those of its strategy: a command, where it stands, and when it runs (EXE-15).

use serde::{Deserialize, Serialize};

use super::freeze::fits;
use super::ids::EnvName;
use super::policy::{Argv, ScriptRole};
use super::strategy::StepPlan;
use super::words::words;

/// Where it stands among the steps of the strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Before anything of the strategy.
    First,
    /// When the strategy has done its work and before that is verified.
    BeforeVerify,
    /// After everything else.
    #[default]
    Last,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::First, Self::BeforeVerify, Self::Last];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::BeforeVerify => "before-verify",
            Self::Last => "last",
        }
    }
}
words!(Place, "place of a step", Self::ALL);

/// Whether it runs after what came before it succeeded, failed, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Everything before it succeeded or was passed over.
    #[default]
    OnSuccess,
    /// The deployment failed; it runs before that is recorded.
    OnFailure,
    /// Either way.
    Always,
}

impl Condition {
    pub const ALL: [Self; 3] = [Self::OnSuccess, Self::OnFailure, Self::Always];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnSuccess => "on-success",
            Self::OnFailure => "on-failure",
            Self::Always => "always",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::OnSuccess
    }
}
words!(Condition, "condition of a step", Self::ALL);

/// A step as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraStep {
    pub name: String,
    pub command: Argv,
    pub place: Place,
    pub condition: Condition,
    /// Patterns of the environments it belongs to.
    pub environments: Vec<String>,
    /// Whether nobody may leave it out or go on without it.
    pub required: bool,
    /// Whether its failure does not count.
    pub goes_on: bool,
    /// Whether it runs when somebody goes back, too.
    pub in_rollbacks: bool,
}

impl ExtraStep {
    /// The name under which its command is kept.
    pub fn key(&self) -> String {
        format!("step {}", self.name)
    }

    pub fn belongs_to(&self, env: &EnvName) -> bool {
        self.environments.iter().any(|pattern| fits(pattern, env.as_str()))
    }

    fn runs(&self, env: &EnvName, rescue: bool) -> bool {
        (self.in_rollbacks || !rescue) && self.belongs_to(env)
    }

    fn plan(&self) -> StepPlan {
        StepPlan {
            command: Some(self.key()),
            condition: self.condition,
            required: self.required,
            goes_on: self.goes_on,
            ..StepPlan::new(self.name.clone(), ScriptRole::Step)
        }
    }
}

/// Puts the steps of a service among those of its strategy; `rescue`: somebody goes back.
pub fn weave(steps: Vec<StepPlan>, extra: &[ExtraStep], env: &EnvName, rescue: bool) -> Vec<StepPlan> {
    let at = |place: Place| {
        let here = extra.iter().filter(move |step| step.place == place && step.runs(env, rescue));
        here.map(ExtraStep::plan)
    };
    let mut woven: Vec<StepPlan> = at(Place::First).collect();
    woven.extend(steps);
    let is_verified = woven.last().is_some_and(|step| step.role == ScriptRole::Verify);
    let end = woven.len() - usize::from(is_verified);
    woven.splice(end..end, at(Place::BeforeVerify));
    woven.extend(at(Place::Last));
    woven
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::strategy::{Color, Strategy, plan};

    fn step(name: &str, place: Place) -> ExtraStep {
        ExtraStep {
            name: name.to_owned(),
            command: vec!["true".to_owned()],
            place,
            condition: Condition::OnSuccess,
            environments: vec!["*".to_owned()],
            required: false,
            goes_on: false,
            in_rollbacks: false,
        }
    }

    fn names(steps: &[StepPlan]) -> Vec<&str> {
        steps.iter().map(|step| step.name.as_str()).collect()
    }

    #[test]
    fn each_step_stands_in_its_place() {
        let extra =
            [step("notify", Place::Last), step("warm", Place::BeforeVerify), step("backup", Place::First)];
        let env: EnvName = "production".parse().unwrap();
        let of = |strategy: &Strategy, verify| {
            weave(plan(strategy, ScriptRole::Deploy, verify, Some(Color::Blue)), &extra, &env, false)
        };
        assert_eq!(names(&of(&Strategy::AllAtOnce, true)), ["backup", "deploy", "warm", "verify", "notify"]);
        assert_eq!(names(&of(&Strategy::AllAtOnce, false)), ["backup", "deploy", "warm", "notify"]);
        let sides = ["backup", "deploy green", "verify green", "switch to green", "warm", "verify", "notify"];
        assert_eq!(names(&of(&Strategy::BlueGreen { keep: None, is_held: false }, true)), sides);
    }

    #[test]
    fn a_step_runs_only_where_it_belongs() {
        let staging = ExtraStep { environments: vec!["stag*".to_owned()], ..step("seed", Place::First) };
        let back = ExtraStep { in_rollbacks: true, ..step("notify", Place::Last) };
        let extra = [staging, back];
        let run = |env: &str, rescue| {
            let steps = plan(&Strategy::AllAtOnce, ScriptRole::Deploy, false, None);
            weave(steps, &extra, &env.parse().unwrap(), rescue)
                .into_iter()
                .map(|step| step.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(run("staging", false), ["seed", "deploy", "notify"]);
        assert_eq!(run("production", false), ["deploy", "notify"]);
        assert_eq!(run("staging", true), ["deploy", "notify"], "the way back runs only what says so");
    }
}
