//! How a deployment is cut into steps to limit whom a bad release can hurt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Batches of targets, one batch after the other.
    Rolling {
        targets: Vec<String>,
        batch: usize,
    },
    /// A growing share of the traffic with a pause after each share but the last.
    Canary {
        percents: Vec<u8>,
        pause: Duration,
    },
    /// Deploy to the idle side, verify, switch, verify again.
    BlueGreen,
}

impl Strategy {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AllAtOnce => "all-at-once",
            Self::Rolling { .. } => "rolling",
            Self::Canary { .. } => "canary",
            Self::BlueGreen => "blue-green",
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
}

impl StepPlan {
    fn new(name: impl Into<String>, role: ScriptRole) -> Self {
        Self { name: name.into(), role, targets: Vec::new(), percent: None, color: None, wait_ms: 0 }
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
        Strategy::Rolling { targets, batch } => {
            for group in targets.chunks((*batch).max(1)) {
                let name = format!("{role} {}", group.join(" "));
                steps.push(StepPlan { targets: group.to_vec(), ..StepPlan::new(name, role) });
            }
        }
        Strategy::Canary { percents, pause } => {
            for (at, percent) in percents.iter().enumerate() {
                let wait_ms = if at == 0 { 0 } else { u64::try_from(pause.as_millis()).unwrap_or(u64::MAX) };
                let name = format!("{role} {percent}%");
                steps.push(StepPlan { percent: Some(*percent), wait_ms, ..StepPlan::new(name, role) });
            }
        }
        Strategy::BlueGreen => {
            let idle = Some(live.map_or(Color::Blue, Color::other));
            let side = |name: String, role| StepPlan { color: idle, ..StepPlan::new(name, role) };
            let color = idle.map_or("", Color::as_str);
            steps.push(side(format!("{role} {color}"), role));
            if verify {
                steps.push(side(format!("verify {color}"), ScriptRole::Verify));
            }
            steps.push(side(format!("switch to {color}"), role));
        }
    }
    if verify {
        let color = steps.last().and_then(|step| step.color);
        steps.push(StepPlan { color, ..StepPlan::new("verify", ScriptRole::Verify) });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert_eq, proptest};

    fn names(strategy: &Strategy, verify: bool, live: Option<Color>) -> Vec<String> {
        plan(strategy, ScriptRole::Deploy, verify, live).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn each_strategy_has_its_steps() {
        assert_eq!(names(&Strategy::AllAtOnce, true, None), ["deploy", "verify"]);
        let rolling = Strategy::Rolling { targets: ["a", "b", "c"].map(Into::into).into(), batch: 2 };
        assert_eq!(names(&rolling, false, None), ["deploy a b", "deploy c"]);
        let canary = Strategy::Canary { percents: vec![10, 100], pause: Duration::from_secs(60) };
        assert_eq!(names(&canary, true, None), ["deploy 10%", "deploy 100%", "verify"]);
        let waits: Vec<u64> =
            plan(&canary, ScriptRole::Deploy, true, None).iter().map(|step| step.wait_ms).collect();
        assert_eq!(waits, [0, 60_000, 0]);
    }

    #[test]
    fn blue_green_goes_to_the_idle_side() {
        let steps = ["deploy green", "verify green", "switch to green", "verify"];
        assert_eq!(names(&Strategy::BlueGreen, true, Some(Color::Blue)), steps);
        assert_eq!(names(&Strategy::BlueGreen, false, None), ["deploy blue", "switch to blue"]);
    }

    proptest! {
        #[test]
        fn every_target_is_deployed_exactly_once(count in 1usize..40, batch in 0usize..50) {
            let targets: Vec<String> = (0..count).map(|n| format!("t{n}")).collect();
            let rolling = Strategy::Rolling { targets: targets.clone(), batch };
            let reached: Vec<String> = plan(&rolling, ScriptRole::Deploy, true, None)
                .into_iter().flat_map(|step| step.targets).collect();
            prop_assert_eq!(reached, targets);
        }
    }
}
