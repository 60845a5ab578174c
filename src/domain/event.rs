//! Events: what people and programs outside may want to hear of, derived from the journal and from nothing else.
//!
//! One journal entry gives none, one or several events. An event is named after the journal's sequence number, so that
//! the same event always has the same id, whoever derives it and however often it is sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actor::Actor;
use super::deployment::{Cause, Deployment};
use super::digest::hex;
use super::drift::Observed;
use super::freeze::Freeze;
use super::gate::GateReport;
use super::ids::ReleaseId;
use super::journal::{Body, Done, Entry, Verb};
use super::lock::Lock;
use super::time::{Timestamp, wall};

/// Version of the JSON form.
pub const SCHEMA: u32 = 1;

/// Every event by its name, and when it happens.
pub const NAMES: &[(&str, &str)] = &[
    ("release.created", "a release was registered"),
    ("release.advanced", "a release came to the next stage, or closed"),
    ("release.moved-back", "a release went back to an earlier stage"),
    ("release.undone", "somebody took back what they had just changed about a release"),
    ("release.blocked", "somebody keeps a release from going on"),
    ("release.unblocked", "a release may go on again"),
    ("release.cancelled", "a release was given up"),
    ("release.rejected", "the request of a release was rejected"),
    ("run.started", "the script of a build or of a check was started"),
    ("run.ended", "such a run ended, whichever way"),
    ("check.failed", "a check was recorded as failed"),
    ("check.waived", "a check is let go without until a time"),
    ("risk.assessed", "the risk of a release was said or computed"),
    ("announcement.made", "an announcement was written and put on record"),
    ("vote.cast", "somebody voted go, no-go or abstain"),
    ("issue.recorded", "something is wrong with a release, or is no more"),
    ("request.added", "somebody asks for something that no release brings yet"),
    (
        "request.changed",
        "a request was changed, taken into a release or out of it, declined, or opened again",
    ),
    ("feedback.recorded", "somebody said something about a release, or was answered"),
    ("milestone.late", "a milestone was not reached by its day"),
    ("drift.changed", "what runs somewhere came to differ from the record, or agrees with it again"),
    ("monitor.passed", "a monitor was good to its end; comes with monitor.judged"),
    ("monitor.failed", "a monitor failed, and opened an issue; comes with monitor.judged"),
    ("monitor.inconclusive", "a monitor could not tell; comes with monitor.judged"),
    ("monitor.error", "a monitor could not be asked; comes with monitor.judged"),
    ("monitor.judged", "a monitor was asked for the last time"),
    ("deployment.judged", "the outcome of a deployment was corrected later"),
    ("approval.requested", "a decision is open that was not open before"),
    ("approval.reminder", "a decision is still open (remind-every)"),
    ("approval.escalated", "a decision is open for too long (escalate-after)"),
    ("approval.timed-out", "nobody decided in time (approval-timeout): it is to be asked for anew"),
    ("approval.granted", "somebody approved"),
    ("approval.rejected", "somebody rejected"),
    ("approval.withdrawn", "somebody took a decision back"),
    ("approval.expired", "an approval counts no longer because of its age"),
    ("freeze.added", "a freeze was written down"),
    ("freeze.changed", "a freeze was changed"),
    ("freeze.removed", "a freeze was taken away"),
    ("freeze.began", "a freeze closes from now on"),
    ("freeze.ended", "a freeze is over"),
    ("lock.taken", "somebody locked something"),
    ("lock.lifted", "somebody lifted a lock"),
    ("deployment.scheduled", "a deployment is to begin later"),
    ("deployment.rescheduled", "a deployment that has not begun got another time"),
    ("deployment.refused", "a deployment was turned down, by gates or because it may not be"),
    ("deployment.started", "a deployment began"),
    ("deployment.paused", "a deployment waits, for a time or for a person"),
    ("deployment.finished", "a deployment ended, whichever way"),
    ("deployment.succeeded", "a deployment ended well; comes with deployment.finished"),
    ("deployment.failed", "a deployment failed; comes with deployment.finished"),
    ("deployment.cancelled", "a deployment was cancelled; comes with deployment.finished"),
    ("deployment.missed", "a deployment did not begin in time; comes with deployment.finished"),
    ("deployment.superseded", "another one took its place; comes with deployment.finished"),
    ("deployment.lost", "nobody knows how a deployment ended: a person must say"),
    ("deployment.outlook", "a scheduled deployment will find gates closed, as things stand"),
    ("plan.started", "a plan (--noop) began"),
    ("plan.finished", "a plan (--noop) ended"),
    ("toggle.started", "a toggle is being switched"),
    ("toggle.finished", "a toggle was switched, or could not be"),
    ("queue.blocked", "a deployment has waited for too long (queue-blocked-after)"),
    ("override.used", "a deployment went past a closed gate on record"),
    ("override.reviewed", "somebody said whether an override was right"),
    ("train.departed", "a release train departed"),
    ("train.skipped", "a departure was left out"),
    ("train.halted", "a train stands because its last departure failed"),
    ("train.missed", "nobody was there to send a train off"),
    ("train.resumed", "a halted train goes on"),
    ("change.opened", "a change ticket was made"),
    ("change.assigned", "a change ticket was named for a release"),
    ("config.confirmed", "a second person stands by changed rules"),
    ("config.changed", "the store is used under another configuration than before"),
    ("store.restored", "a backup took the place of the store"),
];

/// What happened, for those who were not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub schema: u32,
    /// The same for the same event, however often it is sent.
    pub id: String,
    pub name: String,
    /// Further names it goes by: a failed deployment is a finished one too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    pub at: Timestamp,
    /// One sentence.
    pub text: String,
    pub actor: Actor,
    /// What it is about, as the journal calls it: `storefront@1.4.2`, `#142`, `F3`.
    pub subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The gates that were closed, or that were opened on record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<String>,
    /// The head of the journal with this entry.
    pub checkpoint: Checkpoint,
    /// What the journal holds about it.
    pub data: Value,
}

/// The head of the journal: who keeps it elsewhere notices when the journal is rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub seq: i64,
    pub hash: String,
}

impl Event {
    /// Whether one of its names fits a pattern such as `deployment.*`.
    pub fn fits(&self, pattern: &str) -> bool {
        std::iter::once(&self.name).chain(&self.also).any(|name| super::freeze::fits(pattern, name))
    }

    /// The release it is about.
    pub fn release(&self) -> Option<ReleaseId> {
        format!("{}@{}", self.service.as_ref()?, self.version.as_ref()?).parse().ok()
    }
}

/// The events of an entry. `store` is the identity of the store: two stores number their entries alike.
pub fn of(entry: &Entry, store: &str) -> Vec<Event> {
    let (Ok(verb), Some(body)) = (entry.verb.parse::<Verb>(), entry.parsed()) else { return Vec::new() };
    let about = About::of(&body);
    named(verb, &body, &about).into_iter().map(|names| event(entry, &body, &about, names, store)).collect()
}

fn event(entry: &Entry, body: &Body, about: &About, names: Vec<&'static str>, store: &str) -> Event {
    let name = names[0];
    let release = about.release.as_ref();
    let prefix = store.get(..8).unwrap_or(store);
    Event {
        schema: SCHEMA,
        id: format!("{prefix}-{}-{name}", entry.seq),
        name: name.to_owned(),
        also: names[1..].iter().map(|name| (*name).to_owned()).collect(),
        at: entry.at,
        text: super::text::one_line(&sentence(name, body, about)),
        actor: body.actor.clone(),
        subject: body.subject.clone(),
        service: release.map(|release| release.service.to_string()),
        version: release.map(|release| release.version.to_string()),
        environment: body.environment().map(str::to_owned),
        reason: body.reason.clone(),
        gates: about.gates.clone(),
        checkpoint: Checkpoint { seq: entry.seq, hash: hex(&entry.hash) },
        data: serde_json::json!({
            "result": body.result, "before": body.before, "after": body.after, "detail": body.detail,
        }),
    }
}

/// The records of an entry, read as what they are.
struct About {
    release: Option<ReleaseId>,
    before: Option<Deployment>,
    deployment: Option<Deployment>,
    report: Option<GateReport>,
    gates: Vec<String>,
}

impl About {
    fn of(body: &Body) -> Self {
        let record = |value: &Option<Value>| {
            value.as_ref().and_then(|value| serde_json::from_value::<Deployment>(value.clone()).ok())
        };
        let (before, deployment) = (record(&body.before), record(&body.after));
        let report = body.report();
        let gates = match (body.result, &deployment, &report) {
            (Done::Refused, _, Some(report)) => report.closed().map(|check| check.gate.to_string()).collect(),
            (Done::Done, Some(d), _) => d.overrides.clone(),
            _ => Vec::new(),
        };
        let records = [&body.after, &body.before, &body.detail];
        let named = records.into_iter().flatten().find_map(|record| record.get("release")?.as_str());
        let release = named.or(Some(body.subject.as_str())).and_then(|name| name.parse().ok());
        Self { release, before, deployment, report, gates }
    }

    /// Whether it began just now: what waited begins with its claim, everything else with its start.
    fn begins(&self) -> bool {
        let waited = self.before.as_ref().is_some_and(|before| before.state.is_pending());
        self.before.is_none() || waited
    }
}

/// The names of the events of an entry, the most telling one of each first.
fn named(verb: Verb, body: &Body, about: &About) -> Vec<Vec<&'static str>> {
    if body.result == Done::Refused {
        return match verb {
            Verb::DeploymentStarted | Verb::DeploymentScheduled => vec![vec!["deployment.refused"]],
            Verb::DeploymentFinished => {
                vec![vec!["deployment.refused", "deployment.failed", "deployment.finished"]]
            }
            _ => Vec::new(),
        };
    }
    let one = |name: &'static str| vec![vec![name]];
    match verb {
        Verb::ReleaseCreated => one("release.created"),
        Verb::ReleaseAdvanced => one("release.advanced"),
        Verb::ReleaseMovedBack => one("release.moved-back"),
        Verb::ReleaseBlocked => one("release.blocked"),
        Verb::ReleaseUnblocked => one("release.unblocked"),
        Verb::ReleaseCancelled => one("release.cancelled"),
        Verb::ReleaseRejected => one("release.rejected"),
        Verb::RunStarted => one("run.started"),
        Verb::RunEnded if has_failed(body) => vec![vec!["run.ended"], vec!["check.failed"]],
        Verb::RunEnded => one("run.ended"),
        Verb::CheckRecorded if has_failed(body) => one("check.failed"),
        Verb::CheckWaived => one("check.waived"),
        Verb::RiskAssessed => one("risk.assessed"),
        Verb::AnnouncementMade => one("announcement.made"),
        Verb::VoteCast => one("vote.cast"),
        Verb::IssueRecorded => one("issue.recorded"),
        Verb::FeedbackRecorded => one("feedback.recorded"),
        Verb::RequestAdded => one("request.added"),
        Verb::RequestChanged | Verb::RequestUndone => one("request.changed"),
        Verb::ReleaseUndone => one("release.undone"),
        Verb::DeploymentJudged => one("deployment.judged"),
        Verb::MonitorJudged => monitored(body),
        Verb::DriftObserved => one("drift.changed"),
        Verb::MilestoneLate => one("milestone.late"),
        Verb::ApprovalGranted => one("approval.granted"),
        Verb::ApprovalRejected => one("approval.rejected"),
        Verb::ApprovalWithdrawn => one("approval.withdrawn"),
        Verb::ApprovalRequested => one("approval.requested"),
        Verb::ApprovalReminded => one("approval.reminder"),
        Verb::ApprovalEscalated => one("approval.escalated"),
        Verb::ApprovalTimedOut => one("approval.timed-out"),
        // Open again, as when it was asked for first.
        Verb::ApprovalAskedAnew => one("approval.requested"),
        Verb::ApprovalExpired => one("approval.expired"),
        Verb::FreezeAdded => one("freeze.added"),
        Verb::FreezeChanged => one("freeze.changed"),
        Verb::FreezeRemoved => one("freeze.removed"),
        Verb::FreezeBegan => one("freeze.began"),
        Verb::FreezeEnded => one("freeze.ended"),
        Verb::LockSet => one("lock.taken"),
        Verb::LockLifted => one("lock.lifted"),
        Verb::TrainDeparted => one("train.departed"),
        Verb::TrainSkipped => one("train.skipped"),
        Verb::TrainHalted => one("train.halted"),
        Verb::TrainMissed => one("train.missed"),
        Verb::TrainResumed => one("train.resumed"),
        Verb::OverrideReviewed => one("override.reviewed"),
        Verb::ConfigChanged => one("config.changed"),
        Verb::ConfigConfirmed => one("config.confirmed"),
        Verb::StoreRestored => one("store.restored"),
        Verb::QueueBlocked => one("queue.blocked"),
        Verb::ChangeOpened => one("change.opened"),
        Verb::ChangeAssigned => one("change.assigned"),
        Verb::DeploymentScheduled => one("deployment.scheduled"),
        Verb::DeploymentRescheduled => one("deployment.rescheduled"),
        Verb::DeploymentLookedAhead => one("deployment.outlook"),
        Verb::DeploymentPaused => one("deployment.paused"),
        Verb::DeploymentLost => one("deployment.lost"),
        Verb::DeploymentStarted | Verb::DeploymentClaimed if about.begins() => begun(about),
        Verb::DeploymentFinished | Verb::DeploymentResolved | Verb::DeploymentAbandoned => ended(about),
        _ => Vec::new(),
    }
}

/// By what the monitor came to.
fn monitored(body: &Body) -> Vec<Vec<&'static str>> {
    let verdict = body.detail.as_ref().and_then(|watch| watch.get("verdict")?.as_str());
    let name = match verdict {
        Some("passed") => "monitor.passed",
        Some("failed") => "monitor.failed",
        Some("inconclusive") => "monitor.inconclusive",
        _ => "monitor.error",
    };
    vec![vec![name, "monitor.judged"]]
}

/// Whether the check that was recorded failed: the one that is another one than before.
fn has_failed(body: &Body) -> bool {
    let checks = |record: &Option<Value>| -> serde_json::Map<String, Value> {
        let checks = record.as_ref().and_then(|record| record.get("checks")?.as_object().cloned());
        checks.unwrap_or_default()
    };
    let before = checks(&body.before);
    let failed = |check: &Value| check.get("passed") == Some(&Value::Bool(false));
    checks(&body.after).iter().any(|(name, check)| failed(check) && before.get(name) != Some(check))
}

fn begun(about: &About) -> Vec<Vec<&'static str>> {
    let Some(d) = &about.deployment else { return vec![vec!["deployment.started"]] };
    let name = match (&d.toggle, d.noop) {
        (Some(_), _) => "toggle.started",
        (None, true) => "plan.started",
        (None, false) => "deployment.started",
    };
    let overridden = (!d.overrides.is_empty()).then(|| vec!["override.used"]);
    std::iter::once(vec![name]).chain(overridden).collect()
}

fn ended(about: &About) -> Vec<Vec<&'static str>> {
    use super::deployment::DeploymentState as State;
    let Some(d) = &about.deployment else { return vec![vec!["deployment.finished"]] };
    match (&d.toggle, d.noop) {
        (Some(_), _) => return vec![vec!["toggle.finished"]],
        (None, true) => return vec![vec!["plan.finished"]],
        (None, false) => {}
    }
    // Turned down at its time, before anything ran.
    if matches!(d.cause, Some(Cause::Refused { .. })) {
        return vec![vec!["deployment.refused", "deployment.failed", "deployment.finished"]];
    }
    let name = match d.state {
        State::Succeeded => "deployment.succeeded",
        State::Cancelled => "deployment.cancelled",
        State::Missed => "deployment.missed",
        State::Superseded => "deployment.superseded",
        State::Lost => return vec![vec!["deployment.lost"]],
        _ => "deployment.failed",
    };
    vec![vec![name, "deployment.finished"]]
}

/// What was found, and what should be.
fn drifted(body: &Body) -> String {
    let subject = &body.subject;
    let found = body.detail.clone().and_then(|detail| serde_json::from_value::<Observed>(detail).ok());
    let Some(found) = found else { return format!("what runs as {subject} changed") };
    let runs = found.runs.unwrap_or_else(|| "nothing".to_owned());
    let recorded = found.recorded.map_or_else(|| "nothing".to_owned(), |version| version.to_string());
    format!("{subject}: {}: {runs} runs, {recorded} is recorded", found.state)
}

/// What was announced last.
fn announced(body: &Body) -> String {
    let all =
        body.after.as_ref().and_then(|after| after.get("preparation")?.get("announcements")?.as_array());
    let last = all.and_then(|all| all.last()).and_then(|one| one.get("text")?.as_str());
    last.map(|text| format!(": {text}")).unwrap_or_default()
}

/// What happened, in one sentence.
fn sentence(name: &str, body: &Body, about: &About) -> String {
    let (who, subject) = (body.actor.name(), &body.subject);
    let why = body.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let env = body.environment().map(|env| format!(" for {env}")).unwrap_or_default();
    let release = about.release.as_ref().map_or_else(|| subject.clone(), ToString::to_string);
    let (topic, what) = name.split_once('.').unwrap_or((name, ""));
    match (topic, what) {
        ("deployment", "judged") => format!("{who} corrected the outcome of a deployment of {subject}{why}"),
        ("deployment" | "plan" | "toggle" | "override", _) => of_deployment(name, body, about),
        ("release", "created") => format!("{who} registered {subject}"),
        ("release", "advanced") => format!("{who} moved {subject} on{}", stage(body)),
        ("release", "moved-back") => format!("{who} moved {subject} back{}{why}", stage(body)),
        ("release", what) => format!("{who} {what} {subject}{why}"),
        ("check", "waived") => format!("{who} lets a check of {subject} go without{why}"),
        ("drift", _) => drifted(body),
        ("milestone", _) => format!("a milestone of {subject} is late{why}"),
        ("risk", _) => format!("{who} weighed the risk of {subject}{why}"),
        ("announcement", _) => format!("{who} announced {subject}{}", announced(body)),
        ("vote", _) => format!("{who} voted about {subject}{why}"),
        ("issue", _) => format!("{who} recorded an issue of {subject}"),
        ("feedback", _) => format!("{who} recorded feedback about {subject}"),
        ("check", _) => format!("a check of {subject} failed, recorded by {who}{why}"),
        ("approval", "requested") => format!("{release} waits for a decision{env}{why}"),
        ("approval", "reminder") => format!("{release} still waits for a decision{env}{why}"),
        ("approval", "escalated") => format!("{release} waits for a decision{env} for too long{why}"),
        ("approval", "timed-out") => format!("nobody decided about {release}{env} in time{why}"),
        ("approval", "expired") => format!("an approval of {release}{env} has expired{why}"),
        ("approval", "granted") => format!("{who} approved {release}{env}{why}"),
        ("approval", "rejected") => format!("{who} rejected {release}{env}{why}"),
        ("approval", _) => format!("{who} withdrew a decision about {release}{env}{why}"),
        ("freeze", what) => of_freeze(what, body),
        ("lock", what) => of_lock(what, body),
        ("queue", _) => format!("{subject} has waited for too long{why}"),
        ("train", what) => format!("train {subject} {what}{why}"),
        ("change", "opened") => format!("a change ticket was made for {release}{env}{why}"),
        ("change", _) => format!("{who} named a change ticket for {release}{env}{why}"),
        _ => format!("{who}: {name} {subject}{why}"),
    }
}

fn stage(body: &Body) -> String {
    let stage = body.after.as_ref().and_then(|after| after.get("stage")?.as_str());
    stage.map(|stage| format!(" to the {stage} stage")).unwrap_or_default()
}

fn of_deployment(name: &str, body: &Body, about: &About) -> String {
    let who = body.actor.name();
    let why = body.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let Some(d) = &about.deployment else {
        let headline = about.report.as_ref().map(GateReport::headline);
        let what = headline.or_else(|| body.reason.clone()).unwrap_or_default();
        return format!("{who} could not start {}: {what}", body.subject);
    };
    let (id, errand, by) = (d.id, d.errand(), d.started_by.name.as_str());
    match name.split_once('.').map_or("", |(_, what)| what) {
        "started" => format!("{by} started {id}: {errand}{why}"),
        "scheduled" | "rescheduled" => {
            let wait = d.wait.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{id} ({errand}, asked for by {by}) {wait}")
        }
        "used" => format!("{by} went past the {} gate with {id}: {errand}{why}", d.overrides.join(", ")),
        "paused" => format!("{id} ({errand}, by {by}) waits{why}"),
        "lost" => format!("{id} ({errand}, by {by}) is lost{why}; a person must say how it ended"),
        "outlook" => format!("{id} ({errand}, by {by}) will find closed, as things stand{why}"),
        "refused" => format!("{id} ({errand}, by {by}) was turned down before anything ran{why}"),
        _ => {
            let step = d.failed_step.as_ref().map(|step| format!(" in {step}")).unwrap_or_default();
            format!("{id} ({errand}, by {by}) {}{step}{why}", d.state_word())
        }
    }
}

fn of_freeze(what: &str, body: &Body) -> String {
    let record = body.after.as_ref().or(body.before.as_ref());
    let freeze = record.and_then(|record| serde_json::from_value::<Freeze>(record.clone()).ok());
    let Some(freeze) = freeze else { return format!("freeze {} {what}", body.subject) };
    let (name, scope) = (&freeze.name, freeze.scope.describe());
    let (start, end) = (wall(freeze.window.start, freeze.zone), wall(freeze.window.end, freeze.zone));
    match what {
        "added" => {
            let who = body.actor.name();
            format!("{who} closes {scope} from {start} until {end}: \"{name}\" ({})", freeze.reason)
        }
        "removed" => format!("{} took the freeze \"{name}\" of {scope} away", body.actor.name()),
        "began" => format!("\"{name}\" closes {scope} from now on until {end} ({})", freeze.reason),
        _ => format!("\"{name}\" is over: {scope} is open again as far as this freeze goes"),
    }
}

fn of_lock(what: &str, body: &Body) -> String {
    let record = body.after.as_ref().or(body.before.as_ref());
    let lock = record.and_then(|record| serde_json::from_value::<Lock>(record.clone()).ok());
    let who = body.actor.name();
    match lock {
        Some(lock) if what == "taken" => {
            format!("{who} locked {} ({}, {}): {}", lock.scope.describe(), lock.id, lock.kind, lock.reason)
        }
        Some(lock) => format!("{who} lifted {} on {}", lock.id, lock.scope.describe()),
        None => format!("{who}: lock {} {what}", body.subject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::journal::{GENESIS, NewEntry};

    fn actor() -> Actor {
        serde_json::from_str(r#"{"name":"ana","uid":1001,"via":"cli"}"#).unwrap()
    }

    fn sealed(new: NewEntry) -> Entry {
        new.seal(7, GENESIS)
    }

    fn entry(verb: Verb, subject: &str) -> NewEntry {
        NewEntry::new(Timestamp::from_millis(1_000), &actor(), verb, subject)
    }

    #[test]
    fn an_event_is_the_same_however_often_it_is_derived() {
        let entry = sealed(entry(Verb::ReleaseCreated, "api@1.0.0"));
        let (once, again) = (of(&entry, "0123456789abcdef"), of(&entry, "0123456789abcdef"));
        assert_eq!(once, again);
        assert_eq!(once[0].id, "01234567-7-release.created");
        assert_eq!(once[0].checkpoint, Checkpoint { seq: 7, hash: hex(&entry.hash) });
        assert_eq!((once[0].service.as_deref(), once[0].version.as_deref()), (Some("api"), Some("1.0.0")));
        assert_eq!(once[0].text, "ana registered api@1.0.0");
        assert_ne!(of(&entry, "another-store")[0].id, once[0].id);
    }

    #[test]
    fn every_name_an_entry_can_have_is_a_known_one_and_every_known_one_fits_its_topic() {
        let about = |body: &Body| About::of(body);
        for verb in Verb::ALL {
            for refused in [false, true] {
                let new = entry(verb, "api@1.0.0")
                    .after(&serde_json::json!({ "checks": { "unit": { "passed": false } } }));
                let new = if refused { new.refused("no") } else { new };
                for name in named(verb, &new.body, &about(&new.body)).concat() {
                    assert!(NAMES.iter().any(|(known, _)| *known == name), "{name}");
                }
            }
        }
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len(), "a name is there twice");
    }

    #[test]
    fn what_was_refused_is_an_event_of_deployments_only_and_says_what_was_wrong() {
        let refused = entry(Verb::DeploymentStarted, "api@1.0.0 → dev").refused("dev is closed");
        let events = of(&sealed(refused), "s");
        assert_eq!(events[0].name, "deployment.refused");
        assert_eq!(events[0].text, "ana could not start api@1.0.0 → dev: dev is closed");
        assert!(of(&sealed(entry(Verb::LockSet, "dev").refused("not yours")), "s").is_empty());
    }

    #[test]
    fn nothing_of_an_event_can_change_a_terminal() {
        let new = entry(Verb::ReleaseBlocked, "api@1.0.0").because(Some("no\u{1b}[31m way"));
        assert_eq!(of(&sealed(new), "s")[0].text, "ana blocked api@1.0.0: no␛[31m way");
    }

    #[test]
    fn a_pattern_fits_every_name_of_an_event() {
        let mut event = of(&sealed(entry(Verb::ReleaseCreated, "api@1.0.0")), "s").remove(0);
        event.name = "deployment.failed".to_owned();
        event.also = vec!["deployment.finished".to_owned()];
        for (pattern, fits) in
            [("deployment.finished", true), ("deployment.*", true), ("*", true), ("release.*", false)]
        {
            assert_eq!(event.fits(pattern), fits, "{pattern}");
        }
    }
}
