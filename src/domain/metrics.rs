//! The figures that show whether releasing gets better (MET-1..7). Each definition is small and tested against an example that
//! can be followed on paper.
//!
//! * **Deployment frequency**: successful deployments in the period. Daily where the median week has at least three days with
//!   one, weekly where it has at least one, monthly where every month has one, otherwise yearly. Weeks without one count.
//! * **Lead time**: from when the earliest release was registered whose changes were not there yet, to the end of the deployment
//!   that brought them. Median. **Request to production**: from when the deployed release itself was registered.
//! * **Change failure rate**: deployments that failed, or that a person had to help along, that were called faulty later, or that
//!   were rolled back, of all that had an outcome. Rollbacks themselves are no changes.
//! * **Time to recovery**: from the end of a failed deployment to the end of the next success of that service there, whatever was
//!   deployed then. Median.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;

use super::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use super::time::{Timestamp, Tz};
use super::words::words;

/// One deployment as the figures need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    pub id: DeploymentId,
    pub release: ReleaseId,
    pub environment: EnvName,
    /// When it was asked for, or was to begin where it was scheduled.
    pub wanted: Timestamp,
    pub began: Timestamp,
    pub ended: Timestamp,
    pub succeeded: bool,
    /// Whether it counts as a failure: it failed, was helped along, was called faulty, or was rolled back.
    pub failed: bool,
    /// Whether it went back.
    pub is_rollback: bool,
    /// Gates that were passed over on record.
    pub overrides: usize,
    pub freeze_overridden: bool,
}

/// One release as the figures need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    pub id: ReleaseId,
    pub registered: Timestamp,
    pub target: Option<Timestamp>,
    /// Milestones that were reached in time, and all that are due.
    pub milestones: (usize, usize),
    /// Items of its scope that are done, and all of them.
    pub scope: (usize, usize),
    /// Issues found in production, and all of them.
    pub issues: (usize, usize),
    /// Good and bad feedback.
    pub feedback: (usize, usize),
}

/// How often something is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bucket {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Bucket {
    const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }
}
words!(Bucket, "bucket", Self::ALL);

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Share {
    pub count: usize,
    pub of: usize,
}

impl Share {
    /// In percent; nothing where there is nothing to divide by.
    pub fn percent(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "nobody deploys 2^52 times")]
        (self.of > 0).then(|| self.count as f64 * 100.0 / self.of as f64)
    }
}

impl std::fmt::Display for Share {
    /// `12% (3 of 25)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.percent() {
            Some(percent) => write!(f, "{percent:.0}% ({} of {})", self.count, self.of),
            None => f.write_str("–"),
        }
    }
}

/// Middle, slowest tenth and number of some durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Times {
    pub median_seconds: Option<u64>,
    /// Nine of ten were not slower.
    pub p90_seconds: Option<u64>,
    pub count: usize,
}

/// The middle value; of an even number the lower of the two in the middle, so that it is one that happened.
pub fn times(mut all: Vec<Duration>) -> Times {
    all.sort_unstable();
    let at = |part: usize| {
        let place = (all.len() * part).div_ceil(10).saturating_sub(1);
        all.get(place).map(Duration::as_secs)
    };
    Times { median_seconds: at(5), p90_seconds: at(9), count: all.len() }
}

/// The figures of one span of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    pub from: Timestamp,
    pub to: Timestamp,
    pub deployments: usize,
    pub per_week: f64,
    pub frequency: Option<Bucket>,
    pub lead_time: Times,
    pub request_to_production: Times,
    pub change_failures: Share,
    pub time_to_recovery: Times,
    pub rollbacks: usize,
    pub duration: Times,
    pub queue: Times,
    /// Releases that went out by their target date, of those that had one.
    pub on_time: Share,
    /// How late those that were late went out.
    pub slip: Times,
    pub milestones: Share,
    pub scope: Share,
    /// Issues found in production, of all.
    pub defect_escape: Share,
    pub good_feedback: Share,
    /// Deployments that went past a gate on record.
    pub overrides: Share,
    pub freeze_overrides: usize,
}

/// Computes them over `[from, to)` of everything there is; what lies before is needed to know what was there already.
pub fn figures(
    deployed: &[Deployed],
    released: &[Released],
    (from, to): (Timestamp, Timestamp),
    zone: Tz,
) -> Figures {
    let mut all: Vec<&Deployed> = deployed.iter().collect();
    all.sort_by_key(|d| (d.ended, d.id));
    let within = |at: Timestamp| at >= from && at < to;
    let here: Vec<&Deployed> = all.iter().copied().filter(|d| within(d.ended)).collect();
    let successes: Vec<&Deployed> = here.iter().copied().filter(|d| d.succeeded).collect();
    let changes: Vec<&Deployed> = here.iter().copied().filter(|d| !d.is_rollback).collect();
    let went_out: Vec<(&Released, Timestamp)> = released
        .iter()
        .filter_map(|release| Some((release, first_live(&all, &release.id)?)))
        .filter(|(_, at)| within(*at))
        .collect();
    let leads = lead_times(&all, released, within);
    let share = |count: usize, of: usize| Share { count, of };
    let sum = |part: fn(&Released) -> (usize, usize)| {
        let parts = went_out.iter().map(|(release, _)| part(release));
        parts.fold(Share::default(), |all, (count, of)| share(all.count + count, all.of + of))
    };
    let targets: Vec<(Timestamp, Timestamp)> =
        went_out.iter().filter_map(|(release, at)| Some((release.target?, *at))).collect();
    let late: Vec<Duration> =
        targets.iter().filter(|(target, at)| at > target).map(|(target, at)| at.since(*target)).collect();
    let feedback = sum(|release| release.feedback);
    Figures {
        from,
        to,
        deployments: successes.len(),
        per_week: per_week(successes.len(), from, to),
        frequency: frequency(&successes, (from, to), zone),
        lead_time: times(leads.iter().map(|(lead, _)| *lead).collect()),
        request_to_production: times(leads.iter().map(|(_, own)| *own).collect()),
        change_failures: share(changes.iter().filter(|d| d.failed).count(), changes.len()),
        time_to_recovery: times(recoveries(&all, within)),
        rollbacks: here.iter().filter(|d| d.is_rollback).count(),
        duration: times(here.iter().map(|d| d.ended.since(d.began)).collect()),
        queue: times(here.iter().map(|d| d.began.since(d.wanted)).collect()),
        on_time: share(targets.len() - late.len(), targets.len()),
        slip: times(late),
        milestones: sum(|release| release.milestones),
        scope: sum(|release| release.scope),
        defect_escape: sum(|release| release.issues),
        // Of what was said for or against.
        good_feedback: share(feedback.count, feedback.count + feedback.of),
        overrides: share(here.iter().filter(|d| d.overrides > 0).count(), here.len()),
        freeze_overrides: here.iter().filter(|d| d.freeze_overridden).count(),
    }
}

fn per_week(count: usize, from: Timestamp, to: Timestamp) -> f64 {
    let weeks = to.since(from).as_secs_f64() / (7.0 * 86_400.0);
    #[expect(clippy::cast_precision_loss, reason = "nobody deploys 2^52 times")]
    if weeks > 0.0 { count as f64 / weeks } else { 0.0 }
}

/// When a release was there for the first time.
fn first_live(all: &[&Deployed], id: &ReleaseId) -> Option<Timestamp> {
    all.iter().find(|d| d.succeeded && !d.is_rollback && d.release == *id).map(|d| d.ended)
}

/// Of each success that brought something new: how long its oldest change waited, and how long its own release did.
fn lead_times(
    all: &[&Deployed],
    released: &[Released],
    within: impl Fn(Timestamp) -> bool,
) -> Vec<(Duration, Duration)> {
    // By service and environment: what was there before.
    let mut there: BTreeMap<(&ServiceName, &EnvName), &ReleaseId> = BTreeMap::new();
    let mut seen: BTreeSet<(&ReleaseId, &EnvName)> = BTreeSet::new();
    let mut found = Vec::new();
    for d in all.iter().filter(|d| d.succeeded) {
        let key = (&d.release.service, &d.environment);
        let before = there.insert(key, &d.release);
        let is_new = seen.insert((&d.release, &d.environment));
        let goes_on = before.is_none_or(|before| d.release.version > before.version);
        if d.is_rollback || !is_new || !goes_on || !within(d.ended) {
            continue;
        }
        let brings = released.iter().filter(|release| {
            let is_newer = before.is_none_or(|before| release.id.version > before.version);
            let was_known = release.registered <= d.ended;
            release.id.service == d.release.service
                && is_newer
                && was_known
                && release.id.version <= d.release.version
        });
        let own = released.iter().find(|release| release.id == d.release).map(|release| release.registered);
        let earliest = brings.map(|release| release.registered).min();
        if let (Some(own), Some(earliest)) = (own, earliest) {
            found.push((d.ended.since(earliest), d.ended.since(own)));
        }
    }
    found
}

/// Of each failure: how long until something succeeded there again.
fn recoveries(all: &[&Deployed], within: impl Fn(Timestamp) -> bool) -> Vec<Duration> {
    let mut found = Vec::new();
    for (at, d) in all.iter().enumerate() {
        if !d.failed || !within(d.ended) {
            continue;
        }
        let next = all[at + 1..].iter().find(|next| {
            next.succeeded
                && !next.failed
                && next.release.service == d.release.service
                && next.environment == d.environment
        });
        found.extend(next.map(|next| next.ended.since(d.ended)));
    }
    found
}

/// `None`: nothing was deployed, or the span is shorter than a day.
fn frequency(successes: &[&Deployed], (from, to): (Timestamp, Timestamp), zone: Tz) -> Option<Bucket> {
    let day = |at: Timestamp| at.in_zone(zone).date_naive();
    let days: BTreeSet<NaiveDate> = successes.iter().map(|d| day(d.ended)).collect();
    let (first, last) = (day(from), day(to));
    if days.is_empty() || last <= first {
        return None;
    }
    let week = |day: NaiveDate| (day - first).num_days() / 7;
    let weeks = usize::try_from((last - first).num_days()).ok()?.div_ceil(7);
    let mut counts = vec![0_usize; weeks];
    for day in &days {
        if let Some(count) = usize::try_from(week(*day)).ok().and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    counts.sort_unstable();
    let median = counts[(counts.len() - 1) / 2];
    let months: BTreeSet<(i32, u32)> = days.iter().map(|day| (day.year(), day.month())).collect();
    let spanned = (last.year() - first.year()) * 12 + i32::try_from(last.month()).ok()?
        - i32::try_from(first.month()).ok()?;
    // A month that has only begun need not have one yet.
    let wanted = usize::try_from(spanned.max(1)).ok()?;
    Some(match median {
        3.. => Bucket::Daily,
        1.. => Bucket::Weekly,
        0 if months.len() >= wanted => Bucket::Monthly,
        0 => Bucket::Yearly,
    })
}

/// A few blocks of rising height, one for each value; plain characters where a terminal has no blocks.
pub fn spark(values: &[f64], is_ascii: bool) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
    let most = values.iter().copied().fold(0.0_f64, f64::max);
    let block = |value: &f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
        let height = if most > 0.0 { (value / most * 7.0).round() as usize } else { 0 };
        if is_ascii { PLAIN[height.min(7)] } else { BLOCKS[height.min(7)] }
    };
    values.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn at(text: &str) -> Timestamp {
        format!("{text}:00Z").parse().unwrap()
    }

    /// A deployment to production: release, begin, end, how it went.
    fn deployed(id: i64, release: &str, began: &str, ended: &str, how: &str) -> Deployed {
        Deployed {
            id: DeploymentId(id),
            release: release.parse().unwrap(),
            environment: "production".parse().unwrap(),
            wanted: at(began),
            began: at(began),
            ended: at(ended),
            succeeded: how != "failed",
            failed: matches!(how, "failed" | "faulty"),
            is_rollback: how == "rollback",
            overrides: 0,
            freeze_overridden: false,
        }
    }

    fn released(id: &str, registered: &str) -> Released {
        Released {
            id: id.parse().unwrap(),
            registered: at(registered),
            target: None,
            milestones: (0, 0),
            scope: (0, 0),
            issues: (0, 0),
            feedback: (0, 0),
        }
    }

    fn of(deployed: &[Deployed], released: &[Released], from: &str, to: &str) -> Figures {
        figures(deployed, released, (at(from), at(to)), Tz::UTC)
    }

    /// 1.0.0 goes out. 1.1.0 is built and never deployed. 1.2.0 goes out three days after 1.1.0 was registered and one day
    /// after it was registered itself: its lead time is three days, request to production one.
    #[test]
    fn lead_time_reaches_back_to_the_earliest_change_that_was_not_there_yet() {
        let releases = [
            released("api@1.0.0", "2026-09-01T10:00"),
            released("api@1.1.0", "2026-09-07T10:00"),
            released("api@1.2.0", "2026-09-09T10:00"),
        ];
        let deployments = [
            deployed(1, "api@1.0.0", "2026-09-02T09:00", "2026-09-02T10:00", "succeeded"),
            deployed(2, "api@1.2.0", "2026-09-10T09:00", "2026-09-10T10:00", "succeeded"),
            // Once more the same: it brings nothing new.
            deployed(3, "api@1.2.0", "2026-09-11T09:00", "2026-09-11T10:00", "succeeded"),
        ];
        let found = of(&deployments, &releases, "2026-09-05T00:00", "2026-09-12T00:00");
        assert_eq!(
            found.lead_time,
            Times { median_seconds: Some(3 * DAY), p90_seconds: Some(3 * DAY), count: 1 }
        );
        assert_eq!(found.request_to_production.median_seconds, Some(DAY));
    }

    /// Four changes: one failed, one succeeded and was called faulty, two went well; and a rollback, which is no change.
    #[test]
    fn failures_are_those_that_failed_were_faulty_or_went_back_of_all_changes() {
        let deployments = [
            deployed(1, "api@1.0.0", "2026-09-01T09:00", "2026-09-01T10:00", "succeeded"),
            deployed(2, "api@1.1.0", "2026-09-02T09:00", "2026-09-02T10:00", "failed"),
            deployed(3, "api@1.2.0", "2026-09-03T09:00", "2026-09-03T10:00", "faulty"),
            deployed(4, "api@1.0.0", "2026-09-03T10:00", "2026-09-03T10:30", "rollback"),
            deployed(5, "api@1.3.0", "2026-09-04T09:00", "2026-09-04T10:00", "succeeded"),
        ];
        let found = of(&deployments, &[], "2026-09-01T00:00", "2026-09-08T00:00");
        assert_eq!(found.change_failures, Share { count: 2, of: 4 });
        assert_eq!(found.change_failures.to_string(), "50% (2 of 4)");
        assert_eq!((found.deployments, found.rollbacks), (4, 1));
        // The failure of the 2nd was over on the 4th at 10:30 of the 3rd, as was the faulty one of the 3rd: it is no success.
        let recovery = found.time_to_recovery;
        assert_eq!((recovery.count, recovery.median_seconds), (2, Some(30 * 60)));
        assert_eq!(recovery.p90_seconds, Some(24 * 3600 + 30 * 60));
    }

    #[test]
    fn another_service_or_place_recovers_nothing() {
        let mut elsewhere = deployed(2, "web@1.0.0", "2026-09-02T09:00", "2026-09-02T10:00", "succeeded");
        let failed = deployed(1, "api@1.0.0", "2026-09-01T09:00", "2026-09-01T10:00", "failed");
        let span = ("2026-09-01T00:00", "2026-09-08T00:00");
        let count = |all: &[Deployed]| of(all, &[], span.0, span.1).time_to_recovery.count;
        assert_eq!(count(&[failed.clone(), elsewhere.clone()]), 0);
        elsewhere.release = "api@1.1.0".parse().unwrap();
        assert_eq!(count(&[failed.clone(), elsewhere.clone()]), 1);
        elsewhere.environment = "eu".parse().unwrap();
        assert_eq!(count(&[failed, elsewhere]), 0);
    }

    /// Three weeks: deployments on Monday, Tuesday and Wednesday of two of them, none in the third.
    #[test]
    fn frequency_is_that_of_the_median_week() {
        let on = |days: &[&str]| {
            let all: Vec<Deployed> = days
                .iter()
                .zip(1..)
                .map(|(day, id)| {
                    deployed(id, "api@1.0.0", &format!("{day}T09:00"), &format!("{day}T10:00"), "succeeded")
                })
                .collect();
            of(&all, &[], "2026-09-07T00:00", "2026-09-28T00:00")
        };
        let two_weeks = ["2026-09-07", "2026-09-08", "2026-09-09", "2026-09-14", "2026-09-15", "2026-09-16"];
        assert_eq!(on(&two_weeks).frequency, Some(Bucket::Daily), "3, 3, 0: the median is 3");
        assert_eq!(on(&two_weeks[..4]).frequency, Some(Bucket::Weekly), "3, 1, 0: the median is 1");
        assert_eq!(on(&two_weeks[..3]).frequency, Some(Bucket::Monthly), "3, 0, 0: the median is 0");
        assert_eq!(on(&[]).frequency, None);
        assert_eq!(
            on(&["2026-09-07", "2026-09-07", "2026-09-07"]).frequency,
            Some(Bucket::Monthly),
            "one day"
        );
        assert!((on(&two_weeks).per_week - 2.0).abs() < 1e-9);
    }

    #[test]
    fn on_time_is_by_the_first_time_it_was_live() {
        let with = |id: &str, target: Option<&str>| Released {
            target: target.map(at),
            milestones: (1, 2),
            issues: (1, 4),
            feedback: (3, 1),
            ..released(id, "2026-08-01T10:00")
        };
        let releases = [
            with("api@1.0.0", Some("2026-09-02T12:00")),
            with("api@1.1.0", Some("2026-09-02T12:00")),
            with("api@1.2.0", None),
        ];
        let deployments = [
            deployed(1, "api@1.0.0", "2026-09-01T09:00", "2026-09-01T10:00", "succeeded"),
            deployed(2, "api@1.1.0", "2026-09-04T11:00", "2026-09-04T12:00", "succeeded"),
            deployed(3, "api@1.2.0", "2026-09-05T11:00", "2026-09-05T12:00", "succeeded"),
            // Going back to it does not make it late.
            deployed(4, "api@1.0.0", "2026-09-06T09:00", "2026-09-06T10:00", "rollback"),
        ];
        let found = of(&deployments, &releases, "2026-09-01T00:00", "2026-09-08T00:00");
        assert_eq!(found.on_time, Share { count: 1, of: 2 });
        assert_eq!(found.slip.median_seconds, Some(2 * 86_400));
        assert_eq!(found.milestones, Share { count: 3, of: 6 });
        assert_eq!(found.defect_escape, Share { count: 3, of: 12 });
        assert_eq!(found.good_feedback, Share { count: 9, of: 12 });
    }

    #[test]
    fn the_middle_is_one_that_happened() {
        let seconds = |all: &[u64]| times(all.iter().map(|s| Duration::from_secs(*s)).collect());
        assert_eq!(seconds(&[]), Times::default());
        assert_eq!(seconds(&[7]).median_seconds, Some(7));
        assert_eq!(seconds(&[1, 2, 3, 100]).median_seconds, Some(2));
        let ten: Vec<u64> = (1..=10).collect();
        assert_eq!((seconds(&ten).median_seconds, seconds(&ten).p90_seconds), (Some(5), Some(9)));
    }
}
