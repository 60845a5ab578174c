//! How a deployment is cut into steps to limit whom a bad release can hurt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::extra_step::Condition;
use super::policy::ScriptRole;

/// The sides of a blue-green pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    Blue,
    Green,
}

impl Color {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }

    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }
}

/// The rollout strategy of a service in an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Strategy {
    AllAtOnce,
    /// Target after target, so many at once.
    Rolling {
        targets: Vec<String>,
        batch: usize,
        /// How many targets may fail before the deployment counts as failing (EXE-21).
        #[serde(default, skip_serializing_if = "is_zero")]
        spare: usize,
    },
    /// A growing share of the traffic with a pause after each share but the last.
    Canary {
        percents: Vec<u8>,
        pause: Duration,
        /// Who says that it goes on, where that is not the time alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        judge: Option<Judge>,
    },
    /// Deploy to the idle side, verify, switch, verify again.
    BlueGreen {
        /// How long the side that was left stays as it was: until then going back is a switch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep: Option<Duration>,
        /// Whether a person lets it switch (EXE-20).
        #[serde(default, skip_serializing_if = "is_false")]
        is_held: bool,
    },
}

/// Who says after a share of the traffic that the next one may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// A person promotes it.
    Person,
    /// The `analyse` script: 0 is good, 1 is bad, 75 leaves it to a person.
    Analysis,
}

impl Strategy {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AllAtOnce => "all-at-once",
            Self::Rolling { .. } => "rolling",
            Self::Canary { .. } => "canary",
            Self::BlueGreen { .. } => "blue-green",
        }
    }
}

/// One planned run of one script within a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPlan {
    /// What people and the script see as `RELMAN_STEP`.
    pub name: String,
    pub role: ScriptRole,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// How long to wait before this step starts, in milliseconds.
    #[serde(default)]
    pub wait_ms: u64,
    /// Whether a person lets it start.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held: bool,
    /// Whether nobody may go on without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// How many of these steps may run at once; 0 or 1: it runs alone. The next one starts when one ends (EXE-18).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub beside: usize,
    /// How many of these steps may fail without anything being asked about it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spare: usize,
    /// Where its command is kept, if that is not the script of its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default, skip_serializing_if = "Condition::is_plain")]
    pub condition: Condition,
    /// Whether its failure does not count.
    #[serde(default, skip_serializing_if = "is_false")]
    pub goes_on: bool,
    /// Whether who started the deployment left it out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub left_out: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl StepPlan {
    /// Whether it moves the traffic of a blue-green pair to its side.
    pub fn is_switch(&self) -> bool {
        self.color.is_some() && self.name.starts_with("switch to ")
    }

    /// Whether who starts the deployment may leave it out.
    pub fn may_be_left_out(&self) -> bool {
        matches!(self.role, ScriptRole::Step | ScriptRole::Hook) && !self.required
    }

    pub fn new(name: impl Into<String>, role: ScriptRole) -> Self {
        Self {
            name: name.into(),
            role,
            targets: Vec::new(),
            percent: None,
            color: None,
            wait_ms: 0,
            held: false,
            // What was not verified is not good, whoever says so (PIP-2).
            required: role == ScriptRole::Verify,
            beside: 0,
            spare: 0,
            command: None,
            condition: Condition::default(),
            goes_on: false,
            left_out: false,
        }
    }
}

/// Cuts a deployment into its steps.
///
/// `role` is the script that changes the environment (deploy or rollback), `verify` whether the service has a
/// verify script, `live` the side a blue-green pair now serves from.
pub fn plan(strategy: &Strategy, role: ScriptRole, verify: bool, live: Option<Color>) -> Vec<StepPlan> {
    let mut steps = Vec::new();
    match strategy {
        Strategy::AllAtOnce => steps.push(StepPlan::new(role.as_str(), role)),
        Strategy::Rolling { targets, batch, spare } => {
            let (beside, spare) = (if *batch > 1 || *spare > 0 { (*batch).max(1) } else { 0 }, *spare);
            for target in targets {
                let (name, targets) = (format!("{role} {target}"), vec![target.clone()]);
                steps.push(StepPlan { targets, beside, spare, ..StepPlan::new(name, role) });
            }
        }
        Strategy::Canary { percents, pause, judge } => {
            let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            for (at, percent) in percents.iter().enumerate() {
                let (is_first, percent) = (at == 0, Some(*percent));
                let share = |name: String, role| StepPlan { percent, ..StepPlan::new(name, role) };
                let step = share(format!("{role} {}%", percents[at]), role);
                let held = *judge == Some(Judge::Person) && !is_first;
                // An analysis looks at the share that was given after its time.
                let wait_ms = if is_first || *judge == Some(Judge::Analysis) { 0 } else { pause_ms };
                steps.push(StepPlan { wait_ms, held, ..step });
                if *judge == Some(Judge::Analysis) && at + 1 < percents.len() {
                    let look = share(format!("analyse {}%", percents[at]), ScriptRole::Analyse);
                    steps.push(StepPlan { wait_ms: pause_ms, ..look });
                }
            }
        }
        Strategy::BlueGreen { is_held, .. } => {
            let (held, idle) = (*is_held, Some(live.map_or(Color::Blue, Color::other)));
            let side = |name: String, role| StepPlan { color: idle, ..StepPlan::new(name, role) };
            let color = idle.map_or("", Color::as_str);
            steps.push(side(format!("{role} {color}"), role));
            if verify {
                steps.push(side(format!("verify {color}"), ScriptRole::Verify));
            }
            steps.push(StepPlan { required: true, held, ..side(format!("switch to {color}"), role) });
        }
    }
    if verify {
        let color = steps.last().and_then(|step| step.color);
        steps.push(StepPlan { color, ..StepPlan::new("verify", ScriptRole::Verify) });
    }
    steps
}

/// The step with which something else begins to serve than before, by its number: the switch of a blue-green pair, else
/// the first that changes the environment (RBK-9).
pub fn cut_over(steps: &[StepPlan]) -> Option<usize> {
    let changes = |step: &StepPlan| matches!(step.role, ScriptRole::Deploy | ScriptRole::Rollback);
    steps.iter().position(StepPlan::is_switch).or_else(|| steps.iter().position(changes))
}

/// Traffic goes to a side that still has what is wanted there: nothing is deployed.
pub fn switch_back(role: ScriptRole, verify: bool, to: Color) -> Vec<StepPlan> {
    let side = |name: String, role| StepPlan { color: Some(to), ..StepPlan::new(name, role) };
    let mut steps = vec![StepPlan { required: true, ..side(format!("switch to {}", to.as_str()), role) }];
    if verify {
        steps.push(side("verify".to_owned(), ScriptRole::Verify));
    }
    steps
}

/// The same for going back to what was good: nobody is asked on the way and nothing waits (RBK-7). What is known to work
/// gets all of the traffic at once.
pub fn plan_back(strategy: &Strategy, role: ScriptRole, verify: bool, live: Option<Color>) -> Vec<StepPlan> {
    match strategy {
        Strategy::Canary { percents, .. } => {
            let percents = percents.last().copied().into_iter().collect();
            plan(&Strategy::Canary { percents, pause: Duration::ZERO, judge: None }, role, verify, live)
        }
        Strategy::BlueGreen { keep, .. } => {
            plan(&Strategy::BlueGreen { keep: *keep, is_held: false }, role, verify, live)
        }
        other => plan(other, role, verify, live),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert_eq, proptest};

    const BLUE_GREEN: Strategy = Strategy::BlueGreen { keep: None, is_held: false };

    fn names(strategy: &Strategy, verify: bool, live: Option<Color>) -> Vec<String> {
        plan(strategy, ScriptRole::Deploy, verify, live).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn each_strategy_has_its_steps() {
        assert_eq!(names(&Strategy::AllAtOnce, true, None), ["deploy", "verify"]);
        let rolling =
            Strategy::Rolling { targets: ["a", "b", "c"].map(Into::into).into(), batch: 2, spare: 0 };
        assert_eq!(names(&rolling, false, None), ["deploy a", "deploy b", "deploy c"]);
        let beside: Vec<usize> =
            plan(&rolling, ScriptRole::Deploy, true, None).iter().map(|step| step.beside).collect();
        assert_eq!(beside, [2, 2, 2, 0], "the verification runs alone");
        let canary =
            Strategy::Canary { percents: vec![10, 100], pause: Duration::from_secs(60), judge: None };
        assert_eq!(names(&canary, true, None), ["deploy 10%", "deploy 100%", "verify"]);
        let waits: Vec<u64> =
            plan(&canary, ScriptRole::Deploy, true, None).iter().map(|step| step.wait_ms).collect();
        assert_eq!(waits, [0, 60_000, 0]);
    }

    #[test]
    fn a_canary_is_judged_after_each_share_but_the_last() {
        let pause = Duration::from_secs(60);
        let by = |judge| {
            let canary = Strategy::Canary { percents: vec![10, 50, 100], pause, judge: Some(judge) };
            plan(&canary, ScriptRole::Deploy, false, None)
        };
        let held: Vec<bool> = by(Judge::Person).iter().map(|step| step.held).collect();
        assert_eq!(held, [false, true, true]);
        let steps = by(Judge::Analysis);
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["deploy 10%", "analyse 10%", "deploy 50%", "analyse 50%", "deploy 100%"]);
        let waits: Vec<u64> = steps.iter().map(|step| step.wait_ms).collect();
        assert_eq!(waits, [0, 60_000, 0, 60_000, 0]);
        assert!(steps.iter().all(|step| !step.held && !step.required));
    }

    #[test]
    fn going_back_waits_for_nobody() {
        let canary = Strategy::Canary {
            percents: vec![10, 50, 100],
            pause: Duration::from_secs(60),
            judge: Some(Judge::Person),
        };
        let steps = plan_back(&canary, ScriptRole::Rollback, true, None);
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["rollback 100%", "verify"]);
        assert!(steps.iter().all(|step| !step.held && step.wait_ms == 0));
    }

    #[test]
    fn verification_and_the_switch_are_required() {
        let steps = plan(&BLUE_GREEN, ScriptRole::Deploy, true, None);
        let required: Vec<bool> = steps.iter().map(|step| step.required).collect();
        assert_eq!(required, [false, true, true, true]);
    }

    #[test]
    fn a_person_lets_it_switch_where_that_is_asked_for_and_nobody_on_the_way_back() {
        let held = Strategy::BlueGreen { keep: None, is_held: true };
        let held_steps = |steps: Vec<StepPlan>| {
            steps.into_iter().filter(|step| step.held).map(|step| step.name).collect::<Vec<_>>()
        };
        let there = plan(&held, ScriptRole::Deploy, true, Some(Color::Blue));
        assert_eq!(held_steps(there), ["switch to green"]);
        assert!(held_steps(plan_back(&held, ScriptRole::Rollback, true, Some(Color::Blue))).is_empty());
    }

    #[test]
    fn the_cut_over_is_the_switch_or_the_first_change() {
        let at = |strategy: &Strategy| cut_over(&plan(strategy, ScriptRole::Deploy, true, None));
        assert_eq!(at(&BLUE_GREEN), Some(2));
        assert_eq!(at(&Strategy::AllAtOnce), Some(0));
        assert_eq!(cut_over(&[StepPlan::new("backup", ScriptRole::Step)]), None);
    }

    #[test]
    fn blue_green_goes_to_the_idle_side() {
        let steps = ["deploy green", "verify green", "switch to green", "verify"];
        assert_eq!(names(&BLUE_GREEN, true, Some(Color::Blue)), steps);
        assert_eq!(names(&BLUE_GREEN, false, None), ["deploy blue", "switch to blue"]);
    }

    proptest! {
        #[test]
        fn every_target_is_deployed_exactly_once(count in 1usize..40, batch in 0usize..50) {
            let targets: Vec<String> = (0..count).map(|n| format!("t{n}")).collect();
            let rolling = Strategy::Rolling { targets: targets.clone(), batch, spare: 0 };
            let reached: Vec<String> = plan(&rolling, ScriptRole::Deploy, true, None)
                .into_iter().flat_map(|step| step.targets).collect();
            prop_assert_eq!(reached, targets);
        }
    }
}
