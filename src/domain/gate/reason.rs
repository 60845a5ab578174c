//! Every way a gate can say no: as data, as a sentence, with what to do and who can do it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Holder, Need, Required};
use crate::domain::approval::Tally;
use crate::domain::deployment::DeploymentState;
use crate::domain::ids::{EnvName, FreezeId, ReleaseId, ServiceName, Version};
use crate::domain::lock::{Lock, LockKind};
use crate::domain::policy::ScriptRole;
use crate::domain::release::review::Severity;
use crate::domain::release::{ReleaseState, Stage};
use crate::domain::text::{any_of, counted_changes};
use crate::domain::time::{Timestamp, Tz, near, span, wall};

/// Why a gate is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum BlockReason {
    NotDeployer {
        actor: String,
        groups: Vec<String>,
        /// The group of theirs that is kept out by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        excluded: Option<String>,
        people: Vec<String>,
    },
    NotInPipeline {
        service: ServiceName,
        environment: EnvName,
    },
    /// The channel of the release does not lead there, or is there no more.
    NotInChannel {
        channel: String,
        environment: EnvName,
    },
    NoScript {
        service: ServiceName,
        #[serde(default = "deploy")]
        role: ScriptRole,
    },
    ReleaseOver {
        state: ReleaseState,
    },
    /// Something severe is known to be wrong with it.
    IssueOpen {
        number: usize,
        severity: Severity,
        title: String,
    },
    ReleaseBlocked {
        by: String,
        reason: String,
    },
    WrongStage {
        stage: Stage,
        needed: Stage,
    },
    NotLiveUpstream {
        upstream: EnvName,
        found: Option<String>,
        /// How many environments of a phase of several have it, and how many are asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
    },
    HotfixFirst {
        release: ReleaseId,
    },
    Outdated {
        live: Version,
        changes: usize,
    },
    NeedsOthers {
        unmet: Vec<Need>,
    },
    NeededByOthers {
        needed_by: Vec<Required>,
    },
    Soaking {
        upstream: EnvName,
        needed: Duration,
        until: Option<Timestamp>,
        #[serde(default = "utc")]
        zone: Tz,
    },
    ChecksOpen {
        missing: Vec<String>,
        failed: Vec<String>,
    },
    ChecklistOpen {
        open: Vec<String>,
    },
    Frozen {
        name: String,
        /// How the store knows it; nothing when it is written in the configuration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<FreezeId>,
        reason: String,
        /// Nothing: no end of it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens: Option<Timestamp>,
        zone: Tz,
    },
    OutsideHours {
        hours: Vec<String>,
        next: Option<Timestamp>,
        zone: Tz,
    },
    ApprovalsMissing {
        tally: Tally,
        /// When those that were given for later add up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens: Option<Timestamp>,
        #[serde(default = "utc")]
        zone: Tz,
    },
    Rejected {
        by: String,
        reason: String,
    },
    /// The rules are not those that were confirmed last.
    RulesUnconfirmed {
        /// Who was the first to use them, and when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        brought: Option<(String, Timestamp)>,
        /// Who may confirm them, as it is written.
        by: Vec<String>,
        people: Vec<String>,
        zone: Tz,
    },
    Unwitnessed {
        /// Groups the second person is of; empty: anybody else.
        from: Vec<String>,
        by_itself: bool,
        /// Who has asked for one, until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<(String, Timestamp)>,
        /// Why a confirmation that there is does not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why_not: Option<String>,
    },
    Locked {
        lock: Lock,
        zone: Tz,
    },
    Held {
        holder: Holder,
    },
    ChangeMissing {
        title: String,
        /// The number somebody named, which the change system does not know.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        named: Option<String>,
        #[serde(default)]
        age: Duration,
    },
    ChangeWaits {
        number: Option<String>,
        state: String,
        #[serde(default)]
        age: Duration,
    },
    ChangeClosed {
        number: Option<String>,
        state: String,
        #[serde(default)]
        age: Duration,
    },
    ChangeNotYet {
        number: Option<String>,
        start: Timestamp,
        zone: Tz,
        #[serde(default)]
        age: Duration,
    },
    ChangeOver {
        number: Option<String>,
        end: Timestamp,
        zone: Tz,
        #[serde(default)]
        age: Duration,
    },
    /// A gate that could not tell, where somebody went past it on record.
    Unanswered {
        why: String,
    },
}

/// `asked just now`, `asked 3m ago`.
pub(super) fn asked(age: Duration) -> String {
    if age.as_secs() < 60 { "asked just now".to_owned() } else { format!("asked {} ago", span(age)) }
}

fn ticket(number: Option<&String>) -> &str {
    number.map_or("its change", String::as_str)
}

/// Reports written before this reason knew its script.
fn deploy() -> ScriptRole {
    ScriptRole::Deploy
}

/// Reports written before this reason knew its zone.
fn utc() -> Tz {
    Tz::UTC
}

/// `failed: unit; not recorded for this artifact: uat`.
fn checks(missing: &[String], failed: &[String]) -> String {
    let part =
        |label: &str, names: &[String]| (!names.is_empty()).then(|| format!("{label}: {}", names.join(", ")));
    let parts = [part("failed", failed), part("not recorded for this artifact", missing)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// `needs api@1.2.0 or newer here; live is 1.1.0`.
fn needs(unmet: &[Need]) -> String {
    let one = |need: &Need| {
        let live =
            need.live.as_ref().map_or_else(|| "nothing of it is".to_owned(), |live| format!("{live} is"));
        format!("requires {} or newer to be live here; {live}", need.requires)
    };
    unmet.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Why there is no second person.
fn unwitnessed(by_itself: bool, why_not: Option<&str>, asked: Option<&(String, Timestamp)>) -> String {
    if by_itself {
        return "a second person must confirm it live; what begins by itself has nobody who could".to_owned();
    }
    let asks = asked.map(|(by, _)| format!("; {by} asks for one now")).unwrap_or_default();
    let why_not = why_not.map(|why| format!("; {why}")).unwrap_or_default();
    format!("a second person must confirm it live{why_not}{asks}")
}

/// Who holds the environment, and how that stands.
fn held(holder: &Holder) -> String {
    let Holder { id, release, by, state, .. } = holder;
    if *state == DeploymentState::Lost {
        format!("{id} ({release} by {by}) was lost: nobody knows how it ended")
    } else if state.is_over() {
        format!("{id} ({release} by {by}) has {state}, but the store could not be told: it cannot be written")
    } else {
        format!("{id} is {state} here: {release} by {by}")
    }
}

/// What there is of the approvals, and which do not count.
fn missing(tally: &Tally, zone: Tz) -> String {
    let rules = tally.rules.iter();
    let parts: Vec<String> =
        rules.map(|rule| format!("{} of {} from {}", rule.by.len(), rule.needed, rule.group)).collect();
    if tally.rules.iter().all(|rule| rule.missing() == 0) && !tally.unanswered.is_empty() {
        return format!("approved, but nobody said {}", tally.unanswered.join(", "));
    }
    let ignored = tally.ignored.iter();
    let ignored = ignored.map(|(who, why)| format!("; {who}'s does not count: {}", why.sentence(zone)));
    format!("{}{}", parts.join(", "), ignored.collect::<String>())
}

fn unconfirmed(brought: Option<&(String, Timestamp)>, zone: Tz) -> String {
    match brought {
        Some((by, at)) => {
            let at = wall(*at, zone);
            format!("relman.toml has changed, first used by {by} {at}, and no second person has confirmed it")
        }
        None => "nobody has confirmed the rules of relman.toml yet".to_owned(),
    }
}

impl BlockReason {
    /// Why it has no business there.
    fn astray(&self) -> String {
        match self {
            Self::NotInPipeline { service, environment } => {
                format!("{environment} is not in the pipeline of {service}")
            }
            Self::NotInChannel { channel, environment } => {
                format!("the channel {channel} does not lead to {environment}")
            }
            _ => String::new(),
        }
    }
}

impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDeployer { actor, excluded: Some(group), .. } => {
                write!(f, "{actor} may not deploy here; {group} may not")
            }
            Self::NotDeployer { actor, groups, .. } => {
                write!(f, "{actor} may not deploy here; only {} may", any_of(groups))
            }
            Self::NotInPipeline { .. } | Self::NotInChannel { .. } => f.write_str(&self.astray()),
            Self::NoScript { service, role } => write!(f, "{service} has no {role} script"),
            Self::ReleaseOver { state } => write!(f, "the release is {state}"),
            Self::IssueOpen { number, severity, title } => {
                write!(f, "issue {number} ({severity}) is open: {title}")
            }
            Self::ReleaseBlocked { by, reason } => write!(f, "{by} blocked the release: {reason}"),
            Self::WrongStage { stage, needed } => {
                write!(f, "the release is in the {stage} stage; this needs the {needed} stage")
            }
            Self::NotLiveUpstream { upstream, found, of } => {
                match found {
                    None => write!(f, "nothing has been deployed to {upstream} yet"),
                    Some(found) => write!(f, "it is not live in {upstream}; the newest there is {found}"),
                }?;
                of.as_ref().map_or(Ok(()), |of| write!(f, " (live in {of})"))
            }
            Self::HotfixFirst { release } => {
                write!(f, "the hotfix {release} is on its way and goes first")
            }
            Self::Outdated { live, changes } => {
                let changes = counted_changes(*changes);
                write!(f, "{live}, which is newer, is live here: {changes} would be taken back")
            }
            Self::NeedsOthers { unmet } => write!(f, "{}", needs(unmet)),
            Self::NeededByOthers { needed_by } => {
                let one = |required: &Required| {
                    format!("{} is live here and requires {} or newer", required.by, required.version)
                };
                write!(f, "{}", needed_by.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Self::Soaking { upstream, needed, until: None, .. } => {
                write!(f, "it must be live in {upstream} for {} first", span(*needed))
            }
            Self::Soaking { upstream, needed, until: Some(until), zone } => write!(
                f,
                "it must be live in {upstream} for {}; that is so at {}",
                span(*needed),
                wall(*until, *zone)
            ),
            Self::ChecksOpen { missing, failed } => write!(f, "{}", checks(missing, failed)),
            Self::ChecklistOpen { open } => write!(f, "not done: {}", open.join(", ")),
            Self::Frozen { name, reason, opens: Some(opens), zone, .. } => {
                write!(f, "frozen by \"{name}\" until {} ({reason})", wall(*opens, *zone))
            }
            Self::Frozen { name, reason, opens: None, .. } => {
                write!(f, "frozen by \"{name}\", no known end ({reason})")
            }
            Self::OutsideHours { hours, next: Some(next), zone } => {
                write!(f, "outside the open hours ({}); opens {}", hours.join(", "), wall(*next, *zone))
            }
            Self::OutsideHours { hours, next: None, .. } => {
                write!(f, "outside the open hours ({})", hours.join(", "))
            }
            Self::ApprovalsMissing { tally, zone, .. } => f.write_str(&missing(tally, *zone)),
            Self::Rejected { by, reason } => write!(f, "{by} rejected it: {reason}"),
            Self::RulesUnconfirmed { brought, zone, .. } => {
                f.write_str(&unconfirmed(brought.as_ref(), *zone))
            }
            Self::Unwitnessed { by_itself, why_not, asked, .. } => {
                f.write_str(&unwitnessed(*by_itself, why_not.as_deref(), asked.as_ref()))
            }
            Self::Locked { lock, zone } => write!(f, "{}", lock.sentence(*zone)),
            Self::Held { holder } => f.write_str(&held(holder)),
            Self::ChangeMissing { age, .. }
            | Self::ChangeWaits { age, .. }
            | Self::ChangeClosed { age, .. }
            | Self::ChangeNotYet { age, .. }
            | Self::ChangeOver { age, .. } => write!(f, "{}, {}", self.lasting(), asked(*age)),
            Self::Unanswered { why } => write!(f, "it could not be told: {why}"),
        }
    }
}

impl BlockReason {
    /// The same without what changes by itself while time passes: two of them are the same as long as nothing happened.
    pub fn lasting(&self) -> String {
        match self {
            Self::ChangeMissing { named: Some(number), .. } => {
                format!("the change system knows no ticket {number}, which was named for it")
            }
            Self::ChangeMissing { title, .. } => format!("there is no change ticket {title}"),
            Self::ChangeWaits { number, state, .. } => {
                format!("{} is in {state}: it is not to be implemented yet", ticket(number.as_ref()))
            }
            Self::ChangeClosed { number, state, .. } => {
                format!("{} is in {state}: nothing may be done under it", ticket(number.as_ref()))
            }
            Self::ChangeNotYet { number, start, zone, .. } => {
                format!("{} is planned from {} on", ticket(number.as_ref()), wall(*start, *zone))
            }
            Self::ChangeOver { number, end, zone, .. } => {
                format!("{} was planned until {}", ticket(number.as_ref()), wall(*end, *zone))
            }
            other => other.to_string(),
        }
    }

    /// The same in a few words, for a card: `waits for sre`, `frozen until Mon 09:00`.
    pub fn brief(&self, now: Timestamp) -> String {
        match self {
            Self::NotDeployer { excluded: Some(group), .. } => format!("{group} may not deploy"),
            Self::NotDeployer { groups, .. } => format!("only {} may deploy", any_of(groups)),
            Self::NotInPipeline { .. } => "not in the pipeline".to_owned(),
            Self::NotInChannel { channel, .. } => format!("not by the channel {channel}"),
            Self::NoScript { role, .. } => format!("no {role} script"),
            Self::ReleaseOver { state } => format!("the release is {state}"),
            Self::IssueOpen { severity, .. } => format!("open {severity}"),
            Self::ReleaseBlocked { by, .. } => format!("blocked by {by}"),
            Self::WrongStage { needed, .. } => format!("from the {needed} stage on"),
            Self::NotLiveUpstream { upstream, .. } => format!("not live in {upstream}"),
            Self::HotfixFirst { release } => format!("{release} goes first"),
            Self::Outdated { live, .. } => format!("{live} is newer"),
            Self::NeedsOthers { unmet } => {
                let names: Vec<String> = unmet.iter().map(|need| need.requires.to_string()).collect();
                format!("needs {}", names.join(", "))
            }
            Self::NeededByOthers { needed_by } => {
                let names: Vec<String> = needed_by.iter().map(|required| required.by.to_string()).collect();
                format!("needed newer by {}", names.join(", "))
            }
            Self::Soaking { upstream, until: None, .. } => format!("must soak in {upstream}"),
            Self::Soaking { until: Some(until), zone, .. } => {
                format!("soaks until {}", near(*until, now, *zone))
            }
            Self::ChecksOpen { missing, failed } => {
                let names: Vec<&str> = failed.iter().chain(missing).map(String::as_str).collect();
                format!("needs checks {}", names.join(", "))
            }
            Self::ChecklistOpen { open } => format!("{} checklist items open", open.len()),
            Self::Frozen { opens: Some(opens), zone, .. } => {
                format!("frozen until {}", near(*opens, now, *zone))
            }
            Self::Frozen { opens: None, .. } => "frozen, no known end".to_owned(),
            Self::OutsideHours { next: Some(next), zone, .. } => {
                format!("opens {}", near(*next, now, *zone))
            }
            Self::OutsideHours { .. } => "outside the open hours".to_owned(),
            Self::ApprovalsMissing { tally, .. } => {
                let open = tally.rules.iter().filter(|rule| rule.missing() > 0);
                let groups: Vec<&str> = open.map(|rule| rule.group.as_str()).collect();
                format!("waits for {}", groups.join(", "))
            }
            Self::Rejected { by, .. } => format!("rejected by {by}"),
            Self::RulesUnconfirmed { .. } => "rules not confirmed".to_owned(),
            Self::Unwitnessed { asked: Some((by, _)), .. } => format!("{by} asks for a witness"),
            Self::Unwitnessed { .. } => "needs a witness".to_owned(),
            Self::Locked { lock, .. } if lock.kind == LockKind::Automation => {
                format!("automation stopped by {}", lock.by.name)
            }
            Self::Locked { lock, .. } => format!("locked by {}", lock.by.name),
            Self::Held { holder } => format!("{} is {} there", holder.id, holder.state),
            Self::ChangeMissing { .. } => "no change ticket".to_owned(),
            Self::ChangeWaits { number, state, .. } => format!("{} is in {state}", ticket(number.as_ref())),
            Self::ChangeClosed { number, state, .. } => format!("{} is {state}", ticket(number.as_ref())),
            Self::ChangeNotYet { number, start, zone, .. } => {
                format!("{} from {}", ticket(number.as_ref()), near(*start, now, *zone))
            }
            Self::ChangeOver { number, .. } => format!("{} is over", ticket(number.as_ref())),
            Self::Unanswered { .. } => "not known".to_owned(),
        }
    }
}
