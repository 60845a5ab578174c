//! What opens a closed gate, and who can: the second half of every no.

use super::reason::BlockReason;
use super::{GateId, Holder};
use crate::domain::approval::Tally;
use crate::domain::deployment::DeploymentState;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::lock::LockKind;
use crate::domain::seats::Shortage;
use crate::domain::text::any_of;
use crate::domain::time::Timestamp;

fn go_around(release: &ReleaseId, env: &EnvName, gate: GateId) -> String {
    format!("or, where allowed: relman deploy {release} {env} --override {gate} --reason \"…\"")
}

/// How to get a second person.
fn call_somebody(from: &[String], by_itself: bool, release: &ReleaseId, env: &EnvName) -> String {
    if by_itself {
        return format!("start it by hand at that time: relman deploy {release} {env} --witness");
    }
    let who = match from {
        [] => "somebody else".to_owned(),
        groups => format!("somebody of {}", any_of(groups)),
    };
    format!(
        "have {who} at hand, then: relman deploy {release} {env} --witness; they type: relman witness {release} {env}; {}",
        go_around(release, env, GateId::FourEyes)
    )
}

/// What to do about whoever holds the environment.
fn held_remedy(holder: &Holder) -> String {
    let id = holder.id.0;
    if holder.state == DeploymentState::Lost {
        format!("find out how it ended, then: relman resolve {id} succeeded|failed --reason \"…\"")
    } else if holder.state.is_over() {
        "make room on the disk of the store (relman doctor says where); then it is recorded by itself"
            .to_owned()
    } else {
        format!("watch it: relman attach {id}")
    }
}

/// What to do about rules that nobody could meet.
pub fn enlarge(shortage: &Shortage) -> String {
    let groups = if shortage.groups.len() == 1 { "the group" } else { "one of the groups" };
    format!("{shortage}: add people to {groups} in relman.toml")
}

/// Who is to be asked for the approvals that are missing.
fn whom_to_ask(tally: &Tally, release: &ReleaseId, env: &EnvName) -> String {
    if let Some(shortage) = &tally.shortage {
        return enlarge(shortage);
    }
    if let Some(name) = tally.unanswered.first() {
        let who = any_of(&tally.rules.iter().flat_map(|rule| rule.by.clone()).collect::<Vec<_>>());
        return format!("ask {who} to say it: relman approve {release} {env} --set {name}=…");
    }
    let open = tally.rules.iter().filter(|rule| rule.missing() > 0);
    let asks: Vec<String> =
        open.map(|rule| format!("{} (for {})", any_of(&rule.candidates), rule.group)).collect();
    format!("ask {} to: relman approve {release} {env}", asks.join(" and "))
}

fn whom_to_show(people: &[String], by: &[String]) -> String {
    let who = any_of(if people.is_empty() { by } else { people });
    format!("ask {who} to look (relman config diff) and say so: relman config confirm")
}

fn fixed(release: &ReleaseId, number: usize) -> String {
    format!("once it is fixed: relman issue set {release} {number} fixed")
}

impl BlockReason {
    /// What to do about it, as an act or a command that can be pasted.
    pub fn remedy(&self, release: &ReleaseId, env: &EnvName) -> String {
        match self {
            Self::NotDeployer { people, .. } => format!("ask {}", any_of(people)),
            Self::NotInPipeline { service, .. } => {
                format!("choose another environment, or add it to [services.{service}] pipeline")
            }
            Self::NotInChannel { .. } => "register a version of a channel that leads there".to_owned(),
            Self::NoScript { service, role } => {
                format!("set scripts = {{ {role} = [\"…\"] }} in [services.{service}]")
            }
            Self::ReleaseOver { .. } => "make a new release: relman release new".to_owned(),
            Self::IssueOpen { number, .. } => fixed(release, *number),
            Self::ReleaseBlocked { .. } => {
                format!("when the cause is gone: relman release unblock {release} --reason \"…\"")
            }
            Self::WrongStage { .. } => format!("relman release advance {release}"),
            Self::NotLiveUpstream { upstream, .. } => format!("relman deploy {release} {upstream}"),
            Self::HotfixFirst { release: hotfix } => format!(
                "bring it through (relman why {hotfix} {env}) or give it up (relman release cancel {hotfix}); {}",
                go_around(release, env, GateId::Order)
            ),
            Self::Outdated { .. } => format!(
                "to go back on purpose: relman rollback {} {env} --to {}; {}",
                release.service,
                release.version,
                go_around(release, env, GateId::Order)
            ),
            Self::NeedsOthers { unmet } => {
                let first: Vec<String> =
                    unmet.iter().map(|need| format!("relman deploy {} {env}", need.requires)).collect();
                format!("first: {}", first.join("; "))
            }
            Self::NeededByOthers { needed_by } => {
                let services: Vec<&str> =
                    needed_by.iter().map(|required| required.by.service.as_str()).collect();
                format!(
                    "first take {} back as well; {}",
                    services.join(", "),
                    go_around(release, env, GateId::Needs)
                )
            }
            Self::Soaking { upstream, until: None, .. } => {
                format!("first: relman deploy {release} {upstream}")
            }
            Self::Soaking { .. } => "wait".to_owned(),
            Self::ChecksOpen { missing, failed } => {
                let name = missing.first().or(failed.first()).map_or("NAME", String::as_str);
                format!("relman check record {release} {name} passed")
            }
            Self::ChecklistOpen { .. } => format!("tick or verify it: relman checklist list {release}"),
            Self::Frozen { id: Some(id), .. } => {
                let around = go_around(release, env, GateId::Freeze);
                format!("wait; or, when its reason is gone: relman freeze remove {id}; {around}")
            }
            Self::Frozen { id: None, .. } => {
                format!("wait; {}", go_around(release, env, GateId::Freeze))
            }
            Self::OutsideHours { .. } => format!("wait; {}", go_around(release, env, GateId::Window)),
            Self::ApprovalsMissing { tally, .. } => whom_to_ask(tally, release, env),
            Self::Rejected { by, .. } => {
                format!("talk to {by}, who may: relman withdraw {release} {env}")
            }
            Self::RulesUnconfirmed { people, by, .. } => whom_to_show(people, by),
            Self::Unwitnessed { from, by_itself, .. } => call_somebody(from, *by_itself, release, env),
            Self::Locked { lock, .. } if lock.kind == LockKind::Automation => {
                format!("when its reason is gone: relman unlock {}; or deploy by hand", lock.id)
            }
            Self::Locked { lock, .. } => format!(
                "talk to {}; when its reason is gone: relman unlock {}; {}",
                lock.by.name,
                lock.id,
                go_around(release, env, GateId::Lock)
            ),
            Self::Held { holder } => held_remedy(holder),
            Self::ChangeMissing { .. }
            | Self::ChangeWaits { .. }
            | Self::ChangeClosed { .. }
            | Self::ChangeNotYet { .. }
            | Self::ChangeOver { .. }
            | Self::Unanswered { .. } => self.change_remedy(release, env),
        }
    }

    /// The same about a change ticket.
    fn change_remedy(&self, release: &ReleaseId, env: &EnvName) -> String {
        let around = go_around(release, env, GateId::Change);
        let name = format!("relman change set {release} {env} NUMBER");
        let ask = format!("relman change check {release} {env}");
        match self {
            Self::ChangeMissing { named: Some(_), .. } => {
                format!("name the right one: {name}; or none: relman change clear {release} {env}; {around}")
            }
            Self::ChangeMissing { .. } => {
                format!("it is made when somebody deploys; or name one: {name}; {around}")
            }
            Self::ChangeWaits { .. } => format!("get it approved there, then: {ask}; {around}"),
            Self::ChangeNotYet { .. } => format!("wait; {around}"),
            Self::Unanswered { .. } => format!("ask again: {ask}; {around}"),
            _ => format!("mend it there, or name another one: {name}; {around}"),
        }
    }

    /// The remedy, and who can clear it where the remedy does not name them already.
    pub fn next_step(&self, release: &ReleaseId, env: &EnvName) -> String {
        let remedy = self.remedy(release, env);
        let others: Vec<String> =
            self.who().into_iter().filter(|name| !remedy.contains(name.as_str())).collect();
        if others.is_empty() { remedy } else { format!("{remedy} (can clear it: {})", others.join(", ")) }
    }

    /// Who can clear it, by name or group; empty when only time or the starter can.
    pub fn who(&self) -> Vec<String> {
        match self {
            Self::NotDeployer { people, .. } | Self::RulesUnconfirmed { people, .. } => people.clone(),
            Self::ReleaseBlocked { by, .. } | Self::Rejected { by, .. } => vec![by.clone()],
            Self::ApprovalsMissing { tally, .. } => tally.askable(),
            Self::Locked { lock, .. } => vec![lock.by.name.clone()],
            Self::Held { holder } => vec![holder.by.clone()],
            _ => Vec::new(),
        }
    }

    /// When it opens by itself, if it does and the moment is known.
    pub fn earliest(&self) -> Option<Timestamp> {
        match self {
            Self::Frozen { opens, .. } => *opens,
            Self::OutsideHours { next, .. } => *next,
            Self::Soaking { until, .. } => *until,
            Self::Locked { lock, .. } => lock.expires,
            Self::ApprovalsMissing { opens, .. } => *opens,
            Self::ChangeNotYet { start, .. } => Some(*start),
            _ => None,
        }
    }
}
