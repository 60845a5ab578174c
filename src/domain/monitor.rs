//! Monitors: commands that are asked at an interval, after a deployment, whether it does well (PST-2).
//!
//! What they say is kept apart: yes, no, cannot tell, and could not be asked. An attempt that was broken off counts
//! nothing. The limits and their defaults are those of Argo Rollouts' analysis.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::deployment::Deployment;
use super::ids::{DeploymentId, EnvName, ReleaseId};
use super::policy::Argv;
use super::release::review::Severity;
use super::text::fit;
use super::time::Timestamp;
use super::words::words;

/// Exit status by which a command says that it cannot tell, as for analyses and checklists.
const UNSURE: i32 = 75;
/// So many measurements are kept whole; all of them are counted.
const KEPT: usize = 20;

/// One monitor of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Monitor {
    pub name: String,
    pub command: Argv,
    /// Where it measures; nothing: in every environment of the pipeline.
    pub environments: Vec<EnvName>,
    #[serde(serialize_with = "seconds")]
    pub every: Duration,
    /// How long after the deployment it begins to measure.
    #[serde(serialize_with = "seconds")]
    pub after: Duration,
    /// For how long it measures, from then on.
    #[serde(serialize_with = "seconds")]
    pub lasts: Duration,
    #[serde(serialize_with = "seconds")]
    pub timeout: Duration,
    pub limits: Limits,
    /// The severity of the issue that a failure opens.
    pub severity: Severity,
}

fn seconds<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(time.as_secs())
}

/// How much of what is borne. One more than that ends the measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limits {
    pub failures: u32,
    pub inconclusive: u32,
    pub errors_in_a_row: u32,
    /// So many successes in a row are enough; nothing: it measures to the end.
    pub successes_in_a_row: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failures: 0, inconclusive: 0, errors_in_a_row: 4, successes_in_a_row: None }
    }
}

impl Monitor {
    /// Whether it measures what this deployment brought.
    pub fn watches(&self, d: &Deployment) -> bool {
        let is_there = self.environments.is_empty() || self.environments.contains(&d.environment);
        is_there && !d.noop && d.toggle.is_none()
    }
}

/// What one measurement said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    Success,
    Failure,
    Inconclusive,
    /// It could not be asked.
    Error,
}

impl Reading {
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Inconclusive, Self::Error];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }

    /// From an exit status; nothing: it could not be run, or was ended.
    pub fn of(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::Success,
            Some(UNSURE) => Self::Inconclusive,
            // What a shell says where there is no such program.
            Some(126 | 127) | None => Self::Error,
            Some(_) => Self::Failure,
        }
    }
}
words!(Reading, "reading", Reading::ALL);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    pub at: Timestamp,
    pub reading: Reading,
    /// The last line it printed.
    pub said: String,
}

/// What the measurements come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is still being measured.
    Open,
    Passed,
    Failed,
    Inconclusive,
    Error,
}

impl Verdict {
    pub const ALL: [Self; 5] = [Self::Open, Self::Passed, Self::Failed, Self::Inconclusive, Self::Error];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }
}
words!(Verdict, "verdict", Verdict::ALL);

/// How one monitor stands about one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub release: ReleaseId,
    pub environment: EnvName,
    pub deployment: DeploymentId,
    pub monitor: String,
    /// When it is asked first, and from when on no more.
    pub from: Timestamp,
    pub until: Timestamp,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<Timestamp>,
    #[serde(default)]
    pub successes: u32,
    #[serde(default)]
    pub failures: u32,
    #[serde(default)]
    pub inconclusive: u32,
    #[serde(default)]
    pub errors: u32,
    /// The newest ones, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub newest: Vec<Measurement>,
    /// Since when somebody asks it right now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<Timestamp>,
}

impl Watch {
    /// Of a deployment that ended well at that time.
    pub fn new(
        (release, environment, deployment): (&ReleaseId, &EnvName, DeploymentId),
        monitor: &Monitor,
        good: Timestamp,
    ) -> Self {
        let from = good.plus(monitor.after);
        Self {
            release: release.clone(),
            environment: environment.clone(),
            deployment,
            monitor: monitor.name.clone(),
            from,
            until: from.plus(monitor.lasts),
            verdict: Verdict::Open,
            judged_at: None,
            successes: 0,
            failures: 0,
            inconclusive: 0,
            errors: 0,
            newest: Vec::new(),
            asking: None,
        }
    }

    pub fn is_of(&self, deployment: DeploymentId, monitor: &str) -> bool {
        self.deployment == deployment && self.monitor == monitor
    }

    pub fn count(&self) -> u32 {
        self.successes + self.failures + self.inconclusive + self.errors
    }

    /// When it is asked next; nothing: no more.
    pub fn due(&self, monitor: &Monitor) -> Option<Timestamp> {
        if self.verdict != Verdict::Open {
            return None;
        }
        let next = self.newest.last().map_or(self.from, |last| last.at.plus(monitor.every));
        Some(next.min(self.until).max(self.from))
    }

    /// Whether somebody may ask it now: it is due, and nobody does so already. Who was broken off asks no more.
    pub fn is_due(&self, monitor: &Monitor, now: Timestamp) -> bool {
        let is_asked = self.asking.is_some_and(|since| now < since.plus(monitor.timeout * 2));
        self.due(monitor).is_some_and(|due| due <= now) && !is_asked
    }

    /// Takes a measurement in.
    pub fn measured(&mut self, monitor: &Monitor, found: Measurement) {
        let at = found.at;
        self.asking = None;
        match found.reading {
            Reading::Success => self.successes += 1,
            Reading::Failure => self.failures += 1,
            Reading::Inconclusive => self.inconclusive += 1,
            Reading::Error => self.errors += 1,
        }
        self.newest.push(found);
        let surplus = self.newest.len().saturating_sub(KEPT);
        self.newest.drain(..surplus);
        self.judge(monitor, at);
    }

    /// What it comes to by now.
    pub fn judge(&mut self, monitor: &Monitor, now: Timestamp) {
        if self.verdict != Verdict::Open {
            return;
        }
        let limits = monitor.limits;
        let in_a_row = |reading| {
            let row = self.newest.iter().rev().take_while(|one| one.reading == reading).count();
            u32::try_from(row).unwrap_or(u32::MAX)
        };
        let is_over = now >= self.until;
        self.verdict = match () {
            () if self.failures > limits.failures => Verdict::Failed,
            () if self.inconclusive > limits.inconclusive => Verdict::Inconclusive,
            () if in_a_row(Reading::Error) > limits.errors_in_a_row => Verdict::Error,
            () if limits.successes_in_a_row.is_some_and(|enough| in_a_row(Reading::Success) >= enough) => {
                Verdict::Passed
            }
            () if is_over && self.successes > 0 => Verdict::Passed,
            // Nobody was there to ask, or it could not be asked once.
            () if is_over => Verdict::Error,
            () => Verdict::Open,
        };
        if self.verdict != Verdict::Open {
            self.judged_at = Some(now);
        }
    }

    /// `failed: 3 measurements, 1 failure; p99 is 900 ms`
    pub fn told(&self) -> String {
        let said = self.newest.last().map(|last| format!("; {}", fit(&last.said, 120))).unwrap_or_default();
        let counts = [
            (self.failures, "failure", "failures"),
            (self.inconclusive, "inconclusive", "inconclusive"),
            (self.errors, "error", "errors"),
        ];
        let mut parts = vec![match self.count() {
            0 => "not measured yet".to_owned(),
            1 => "1 measurement".to_owned(),
            count => format!("{count} measurements"),
        }];
        parts.extend(
            counts
                .iter()
                .filter(|(count, ..)| *count > 0)
                .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many })),
        );
        let verdict =
            if self.verdict == Verdict::Open { String::new() } else { format!("{}: ", self.verdict) };
        format!("{verdict}{}{said}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor() -> Monitor {
        Monitor {
            name: "errors".to_owned(),
            command: vec!["./errors.sh".to_owned()],
            environments: Vec::new(),
            every: Duration::from_mins(5),
            after: Duration::from_mins(1),
            lasts: Duration::from_mins(30),
            timeout: Duration::from_secs(30),
            limits: Limits::default(),
            severity: Severity::Sev2,
        }
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(0).plus(Duration::from_mins(minute))
    }

    fn after(monitor: &Monitor, readings: &[Reading]) -> Watch {
        let mut watch = Watch::new(
            (&"api@1.0.0".parse().unwrap(), &"dev".parse().unwrap(), DeploymentId(7)),
            monitor,
            at(0),
        );
        for reading in readings {
            let Some(due) = watch.due(monitor) else { break };
            let said = "p99 is 20 ms".to_owned();
            watch.measured(monitor, Measurement { at: due, reading: *reading, said });
        }
        watch
    }

    use Reading::{Error, Failure, Inconclusive, Success};

    #[test]
    fn each_reading_has_its_own_limit() {
        let plain = monitor();
        for (readings, verdict) in [
            (&[Success, Failure][..], Verdict::Failed),
            (&[Success, Inconclusive], Verdict::Inconclusive),
            (&[Error; 4], Verdict::Open),
            (&[Error; 5], Verdict::Error),
            (&[Error, Error, Error, Error, Success, Error], Verdict::Open),
            (&[Success; 6], Verdict::Open),
            (&[Success; 7], Verdict::Passed),
        ] {
            assert_eq!(after(&plain, readings).verdict, verdict, "{readings:?}");
        }
        let limits = Limits { failures: 1, successes_in_a_row: Some(2), ..Limits::default() };
        let patient = Monitor { limits, ..monitor() };
        assert_eq!(after(&patient, &[Failure]).verdict, Verdict::Open);
        assert_eq!(after(&patient, &[Failure, Success, Failure]).verdict, Verdict::Failed);
        assert_eq!(after(&patient, &[Failure, Success, Success]).verdict, Verdict::Passed);
    }

    #[test]
    fn it_is_due_at_its_interval_and_by_one_at_a_time() {
        let monitor = monitor();
        let mut watch = Watch::new(
            (&"api@1.0.0".parse().unwrap(), &"dev".parse().unwrap(), DeploymentId(7)),
            &monitor,
            at(0),
        );
        assert!(!watch.is_due(&monitor, at(0)), "it begins a minute later");
        assert!(watch.is_due(&monitor, at(1)));
        watch.asking = Some(at(1));
        assert!(!watch.is_due(&monitor, at(1)));
        assert!(watch.is_due(&monitor, at(2)), "whoever asked was broken off, and that counts nothing");
        watch.measured(&monitor, Measurement { at: at(2), reading: Success, said: String::new() });
        assert_eq!(watch.due(&monitor), Some(at(7)));
        assert_eq!(watch.count(), 1);
    }

    #[test]
    fn what_nobody_measured_did_not_pass() {
        let monitor = monitor();
        let mut watch = Watch::new(
            (&"api@1.0.0".parse().unwrap(), &"dev".parse().unwrap(), DeploymentId(7)),
            &monitor,
            at(0),
        );
        watch.judge(&monitor, at(30));
        assert_eq!(watch.verdict, Verdict::Open);
        watch.judge(&monitor, at(31));
        assert_eq!((watch.verdict, watch.judged_at), (Verdict::Error, Some(at(31))));
        assert_eq!(watch.told(), "error: not measured yet");
        assert_eq!(watch.due(&monitor), None);
    }

    #[test]
    fn what_is_told_counts_what_was_not_good() {
        let monitor = Monitor { limits: Limits { failures: 3, ..Limits::default() }, ..monitor() };
        let watch = after(&monitor, &[Success, Failure, Failure, Error]);
        assert_eq!(watch.told(), "4 measurements, 2 failures, 1 error; p99 is 20 ms");
        let long = after(&monitor, &[Success; 100]);
        assert!(long.newest.len() <= KEPT);
    }

    #[test]
    fn exit_codes_are_read_as_elsewhere() {
        for (code, reading) in [
            (Some(0), Success),
            (Some(1), Failure),
            (Some(75), Inconclusive),
            (Some(127), Error),
            (None, Error),
        ] {
            assert_eq!(Reading::of(code), reading);
        }
    }
}
