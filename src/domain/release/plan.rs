//! What is planned: scope, people, milestones, measures of success, how to go back (PLN-1..6).

use serde::{Deserialize, Serialize};

use super::super::time::{Timestamp, span};
use super::super::words::words;
use super::{Level, Tick};
use crate::domain::actor::Person;
use crate::domain::ids::{ReleaseId, RequestId};
use crate::domain::risk::Assessment;
use std::time::Duration;

/// How it shall be done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// What must be live in an environment, in this version or a newer one, before it goes there (PLN-5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<ReleaseId>,
    /// Toggles that guard what it brings: switched off they take it back (RBK-10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub toggles: Vec<String>,
    /// Who does what, a line each: `Dora: database`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<ScopeItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<Milestone>,
    /// How one will see whether it was worth it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// Who is told what, when and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communication: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversal: Option<Reversal>,
    /// What the risk was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The risk that was taken out: what is said next is lower or higher than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_before: Option<Level>,
    /// Who said the risk last, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_said: Option<Said>,
    /// Rises by one with each change of the plan; 0: nothing was planned yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Plan {
    /// Whether it says the same as another one, whatever their numbers.
    pub fn says(&self, other: &Self) -> bool {
        Self { version: 0, ..self.clone() } == Self { version: 0, ..other.clone() }
    }

    /// What was meant to be in it and is not done, and what came in later: shown before production (PLN-6).
    pub fn differences(&self, now: Timestamp) -> Vec<String> {
        let mut found = Vec::new();
        for item in &self.scope {
            let why = item.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            match item.state {
                ScopeState::Planned => found.push(format!("not done: {}", item.text)),
                ScopeState::Dropped => found.push(format!("dropped: {}{why}", item.text)),
                ScopeState::Done => {}
            }
            if item.late {
                found.push(format!("added after planning: {}", item.text));
            }
        }
        for milestone in &self.milestones {
            match (&milestone.reached, milestone.due < now) {
                (None, true) => {
                    found.push(format!("late by {}: {}", span(now.since(milestone.due)), milestone.name));
                }
                (Some(reached), _) if reached.at > milestone.due => found.push(format!(
                    "{} was reached {} late",
                    milestone.name,
                    span(reached.at.since(milestone.due))
                )),
                _ => {}
            }
        }
        if let Some(target) = self.target.filter(|target| *target < now) {
            found.push(format!("the target date is past by {}", span(now.since(target))));
        }
        found
    }
}

/// Who said something, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub by: Person,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Whether something that was to be in a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeState {
    #[default]
    Planned,
    Done,
    Dropped,
}

impl ScopeState {
    pub const ALL: [Self; 3] = [Self::Planned, Self::Done, Self::Dropped];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }
}
words!(ScopeState, "scope state", Self::ALL);

/// One thing a release is to bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeItem {
    pub text: String,
    #[serde(default)]
    pub state: ScopeState,
    /// Whether it came in after the plan stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Why it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The request it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

impl ScopeItem {
    /// As it stands in lists: with the number of its request.
    pub fn named(&self) -> String {
        match self.request {
            Some(request) => format!("{request} {}", self.text),
            None => self.text.clone(),
        }
    }
}

/// Something that is to be reached by a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    pub name: String,
    pub due: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Tick>,
}

/// How a milestone stands (PLN-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    Reached,
    OnTrack,
    /// Due soon, or behind another one that is late.
    AtRisk,
    Late,
}

impl Track {
    const ALL: [Self; 4] = [Self::Reached, Self::OnTrack, Self::AtRisk, Self::Late];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::OnTrack => "on track",
            Self::AtRisk => "at risk",
            Self::Late => "late",
        }
    }
}
words!(Track, "track", Self::ALL);

/// So long before it is due a milestone that is not reached is at risk.
pub const SOON: Duration = Duration::from_hours(48);

impl Milestone {
    /// How it stands now among the others of its plan: one that is late puts those after it at risk.
    pub fn track(&self, others: &[Self], now: Timestamp) -> Track {
        if self.reached.is_some() {
            return Track::Reached;
        }
        if self.due < now {
            return Track::Late;
        }
        let is_behind =
            others.iter().any(|other| other.reached.is_none() && other.due < now && other.due <= self.due);
        if is_behind || self.due.since(now) <= SOON { Track::AtRisk } else { Track::OnTrack }
    }
}

/// A measure of success with the value that is aimed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    /// What is aimed at, such as `>= 99.5 %`.
    pub target: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// What came of a measure of success (PST-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    pub value: String,
    pub verdict: Verdict,
    pub by: Person,
    pub at: Timestamp,
}

/// How far something came up to what was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Missed,
    Partly,
    Achieved,
}

impl Verdict {
    pub const ALL: [Self; 3] = [Self::Achieved, Self::Partly, Self::Missed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Achieved => "achieved",
            Self::Partly => "partly",
            Self::Missed => "missed",
        }
    }
}
words!(Verdict, "verdict", Self::ALL);

impl Metric {
    /// What a value amounts to, where target and value are numbers: `>= 99.5 %` and `99.7 %`. `None`: a person must say.
    pub fn judge(&self, value: &str) -> Option<Verdict> {
        let target = self.target.trim();
        let rest = target.trim_start_matches(['<', '>', '=', '≤', '≥']);
        let comparison = &target[..target.len() - rest.len()];
        let (wanted, value) = (number(rest)?, number(value)?);
        let is_met = match comparison {
            ">=" | "≥" => value >= wanted,
            ">" => value > wanted,
            "<=" | "≤" => value <= wanted,
            "<" => value < wanted,
            "=" | "==" => (value - wanted).abs() < f64::EPSILON,
            _ => return None,
        };
        Some(if is_met { Verdict::Achieved } else { Verdict::Missed })
    }

    /// How all measures of a plan came out together: as the worst of them, but what is not all missed is partly met.
    /// `None`: some were not measured, or there are none.
    pub fn overall(metrics: &[Self]) -> Option<Verdict> {
        let verdicts: Option<Vec<Verdict>> =
            metrics.iter().map(|metric| metric.measured.as_ref().map(|m| m.verdict)).collect();
        let verdicts = verdicts.filter(|verdicts| !verdicts.is_empty())?;
        let are_all = |wanted| verdicts.iter().all(|verdict| *verdict == wanted);
        Some(match (are_all(Verdict::Achieved), are_all(Verdict::Missed)) {
            (true, _) => Verdict::Achieved,
            (_, true) => Verdict::Missed,
            _ => Verdict::Partly,
        })
    }
}

/// The number at the beginning of a text; a decimal comma and blanks between digits are read as people write them.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.,".contains(c))).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',']).replace(',', ".").parse().ok()
}

/// How far a release can be taken back (RBK-8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    pub extent: Extent,
    /// How long going back takes, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// From what on there is no way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_return: Option<String>,
}

impl std::fmt::Display for Reversal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.extent {
            Extent::Full => "can be taken back whole",
            Extent::Partial => "can be taken back in part",
            Extent::None => "CANNOT be taken back",
        })?;
        if let Some(seconds) = self.seconds {
            write!(f, ", in {}", span(Duration::from_secs(seconds)))?;
        }
        self.no_return.as_ref().map_or(Ok(()), |point| write!(f, "; no way back after: {point}"))
    }
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    Full,
    Partial,
    None,
}

impl Extent {
    pub const ALL: [Self; 3] = [Self::Full, Self::Partial, Self::None];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}
words!(Extent, "extent", Self::ALL);

#[cfg(test)]
mod tests {
    use super::Verdict::{Achieved, Missed, Partly};
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn milestone(name: &str, due: &str) -> Milestone {
        Milestone { name: name.to_owned(), due: at(due), reached: None }
    }

    #[test]
    fn a_late_milestone_puts_those_after_it_at_risk() {
        let all = [
            milestone("design", "2026-09-01T10:00:00Z"),
            milestone("built", "2026-09-20T10:00:00Z"),
            milestone("live", "2026-10-20T10:00:00Z"),
        ];
        let tracks = |now| all.clone().map(|one| one.track(&all, at(now)).as_str());
        assert_eq!(tracks("2026-08-20T10:00:00Z"), ["on track", "on track", "on track"]);
        assert_eq!(tracks("2026-08-30T10:00:00Z"), ["at risk", "on track", "on track"], "48 hours before");
        assert_eq!(tracks("2026-08-30T09:59:59Z"), ["on track", "on track", "on track"]);
        assert_eq!(tracks("2026-09-01T10:00:01Z"), ["late", "at risk", "at risk"]);
    }

    #[test]
    fn numbers_are_compared_and_words_are_left_to_people() {
        let judge = |target: &str, value: &str| {
            let metric = Metric { name: "x".to_owned(), target: target.to_owned(), measured: None };
            metric.judge(value)
        };
        assert_eq!(judge(">= 99.5 %", "99.5 %"), Some(Verdict::Achieved));
        assert_eq!(judge(">= 99.5 %", "99,4"), Some(Verdict::Missed));
        assert_eq!(judge("< 200 ms", "180ms"), Some(Verdict::Achieved));
        assert_eq!(judge("<200", "200"), Some(Verdict::Missed));
        assert_eq!(judge("= 0", "0"), Some(Verdict::Achieved));
        assert_eq!(judge("happier users", "7"), None);
        assert_eq!(judge(">= 5", "many"), None);
        assert_eq!(judge("5", "5"), None, "without a sign nobody knows which way is good");
    }

    #[test]
    fn together_measures_are_achieved_only_if_all_are() {
        let metric = |verdict: Option<Verdict>| Metric {
            name: "x".to_owned(),
            target: "y".to_owned(),
            measured: verdict.map(|verdict| Measured {
                value: "1".to_owned(),
                verdict,
                by: Person { name: "bob".to_owned(), uid: 1, login: None },
                at: at("2026-09-01T10:00:00Z"),
            }),
        };
        let overall = |all: &[Option<Verdict>]| {
            Metric::overall(&all.iter().map(|verdict| metric(*verdict)).collect::<Vec<_>>())
        };
        assert_eq!(overall(&[]), None);
        assert_eq!(overall(&[Some(Achieved), None]), None);
        assert_eq!(overall(&[Some(Achieved), Some(Achieved)]), Some(Achieved));
        assert_eq!(overall(&[Some(Achieved), Some(Missed)]), Some(Partly));
        assert_eq!(overall(&[Some(Missed), Some(Missed)]), Some(Missed));
        assert_eq!(overall(&[Some(Partly)]), Some(Partly));
    }
}
