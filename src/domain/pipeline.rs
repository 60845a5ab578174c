//! The environments of a service in the order in which a release passes them, in phases (PIP-1).
//!
//! A phase is one environment or several side by side. A release reaches the next phase when it is good in as many of
//! them as the phase asks for; a phase that asks for none is optional and holds up nothing.

use serde::{Serialize, Serializer};

use super::ids::EnvName;

/// Environments side by side, and in how many of them a release must be good before it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Phase {
    pub environments: Vec<EnvName>,
    /// 0: the phase is optional.
    pub needed: usize,
}

impl Phase {
    /// A phase in which a release must be good everywhere.
    pub fn of_all(environments: Vec<EnvName>) -> Self {
        Self { needed: environments.len(), environments }
    }

    pub fn is_optional(&self) -> bool {
        self.needed == 0
    }

    /// `staging`, `eu + us`, `eu + us (1 of 2)`, `demo (optional)`.
    pub fn describe(&self) -> String {
        let names: Vec<&str> = self.environments.iter().map(EnvName::as_str).collect();
        let names = names.join(" + ");
        match self.needed {
            0 => format!("{names} (optional)"),
            needed if needed < self.environments.len() => {
                format!("{names} ({needed} of {})", self.environments.len())
            }
            _ => names,
        }
    }
}

/// The phases of a service, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    phases: Vec<Phase>,
    /// All environments, in the order of the phases.
    environments: Vec<EnvName>,
}

impl Pipeline {
    /// Why these cannot be a pipeline, if they cannot.
    pub fn new(phases: Vec<Phase>) -> Result<Self, String> {
        for phase in &phases {
            let count = phase.environments.len();
            if count == 0 {
                return Err("a phase has at least one environment".to_owned());
            }
            if phase.needed > count {
                let needed = phase.needed;
                return Err(format!("{needed} are required, but the phase has only {count} environments"));
            }
        }
        if !phases.iter().any(|phase| !phase.is_optional()) {
            return Err(
                "a pipeline needs a phase that is not optional: being live there is its goal".to_owned()
            );
        }
        let environments: Vec<EnvName> =
            phases.iter().flat_map(|phase| phase.environments.iter().cloned()).collect();
        for (at, env) in environments.iter().enumerate() {
            if environments[..at].contains(env) {
                return Err(format!("{env} is in the pipeline twice"));
            }
        }
        Ok(Self { phases, environments })
    }

    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    pub fn contains(&self, env: &EnvName) -> bool {
        self.environments.contains(env)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, EnvName> {
        self.environments.iter()
    }

    /// The phase an environment belongs to, by its number from 0.
    pub fn phase_of(&self, env: &EnvName) -> Option<usize> {
        self.phases.iter().position(|phase| phase.environments.contains(env))
    }

    /// Whether a release passes `first` on its way to `second`.
    pub fn leads(&self, first: &EnvName, second: &EnvName) -> bool {
        self.phase_of(first).zip(self.phase_of(second)).is_some_and(|(first, second)| first < second)
    }

    /// The phase whose rule must be met before a release may enter `env`: the nearest before it that is not optional.
    pub fn upstream(&self, env: &EnvName) -> Option<&Phase> {
        let at = self.phase_of(env)?;
        self.phases[..at].iter().rev().find(|phase| !phase.is_optional())
    }

    /// The environment after (or before) `env`, from the end on to the beginning.
    pub fn neighbour(&self, env: &EnvName, forward: bool) -> Option<&EnvName> {
        let count = self.environments.len();
        let at = self.environments.iter().position(|name| name == env)?;
        self.environments.get((at + if forward { 1 } else { count - 1 }) % count)
    }

    /// The last phase that is not optional: being live there is the goal.
    pub fn goal(&self) -> &Phase {
        let last = self.phases.iter().rev().find(|phase| !phase.is_optional());
        last.expect("a pipeline has a phase that is not optional")
    }

    /// Where a release goes next that `was_good` in these: on in the phase it is in as long as that asks for more, else
    /// to the next phase that is not optional. That something newer took its place further up does not send it back.
    pub fn next(&self, was_good: impl Fn(&EnvName) -> bool) -> Option<&EnvName> {
        let good = |phase: &&Phase| phase.environments.iter().any(&was_good);
        let Some(furthest) = self.phases.iter().rposition(|phase| good(&phase)) else {
            return self.phases.iter().find(|phase| !phase.is_optional())?.environments.first();
        };
        let phase = &self.phases[furthest];
        let met = phase.environments.iter().filter(|env| was_good(env)).count() >= phase.needed;
        if !met {
            return phase.environments.iter().find(|env| !was_good(env));
        }
        self.phases[furthest + 1..].iter().find(|phase| !phase.is_optional())?.environments.first()
    }

    /// `dev → eu + us (1 of 2) → production`.
    pub fn describe(&self) -> String {
        self.phases.iter().map(Phase::describe).collect::<Vec<_>>().join(" → ")
    }
}

impl<'a> IntoIterator for &'a Pipeline {
    type Item = &'a EnvName;
    type IntoIter = std::slice::Iter<'a, EnvName>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Pipeline {
    /// The environments in order, as everybody reads them who does not care for phases.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.environments.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> EnvName {
        name.parse().unwrap()
    }

    fn phase(names: &[&str], needed: usize) -> Phase {
        Phase { environments: names.iter().map(|name| env(name)).collect(), needed }
    }

    fn wide() -> Pipeline {
        let phases =
            vec![phase(&["dev"], 1), phase(&["eu", "us"], 1), phase(&["demo"], 0), phase(&["production"], 1)];
        Pipeline::new(phases).unwrap()
    }

    #[test]
    fn an_optional_phase_is_passed_over() {
        let pipeline = wide();
        assert_eq!(pipeline.describe(), "dev → eu + us (1 of 2) → demo (optional) → production");
        assert_eq!(pipeline.upstream(&env("production")), Some(&phase(&["eu", "us"], 1)));
        assert_eq!(pipeline.upstream(&env("demo")), Some(&phase(&["eu", "us"], 1)));
        assert_eq!(pipeline.upstream(&env("us")), Some(&phase(&["dev"], 1)));
        assert_eq!(pipeline.upstream(&env("dev")), None);
        assert!(pipeline.leads(&env("eu"), &env("production")) && !pipeline.leads(&env("eu"), &env("us")));
    }

    #[test]
    fn a_release_goes_on_when_its_phase_asks_for_no_more() {
        let pipeline = wide();
        let next = |good: &[&str]| pipeline.next(|env| good.contains(&env.as_str())).map(EnvName::as_str);
        assert_eq!(next(&[]), Some("dev"));
        assert_eq!(next(&["dev"]), Some("eu"));
        assert_eq!(next(&["dev", "us"]), Some("production"));
        assert_eq!(next(&["dev", "us", "demo"]), Some("production"));
        assert_eq!(next(&["production"]), None);
        let both = Pipeline::new(vec![phase(&["eu", "us"], 2), phase(&["production"], 1)]).unwrap();
        assert_eq!(both.next(|env| env.as_str() == "us").map(EnvName::as_str), Some("eu"));
    }

    #[test]
    fn what_cannot_be_a_pipeline_says_why() {
        let why = |phases| Pipeline::new(phases).unwrap_err();
        assert!(why(vec![phase(&["dev"], 0)]).contains("not optional"));
        assert!(why(vec![phase(&[], 0)]).contains("at least one"));
        assert!(why(vec![phase(&["eu", "us"], 3)]).contains("3 are required"));
        assert!(why(vec![phase(&["eu"], 1), phase(&["eu"], 1)]).contains("twice"));
    }

    #[test]
    fn the_goal_is_the_last_phase_that_is_asked_for() {
        let pipeline = Pipeline::new(vec![phase(&["production"], 1), phase(&["demo"], 0)]).unwrap();
        assert_eq!(pipeline.goal(), &phase(&["production"], 1));
    }
}
