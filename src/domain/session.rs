//! Who else is in: an open panes process, what it is on, and whether it is worth saying to others.
//!
//! Presence is information and never a lock: any operator can write such a row, and nothing is decided by it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::deployment::ProcessRef;
use super::ids::{DeploymentId, EnvName, ReleaseId};
use super::time::{Timestamp, span};
use super::words::words;

/// What an open dialog would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    Deploy,
    RollBack,
    Cancel,
    Approve,
    Reject,
    Decide,
    Witness,
    Edit,
}

impl Intent {
    const ALL: [Self; 8] = [
        Self::Deploy,
        Self::RollBack,
        Self::Cancel,
        Self::Approve,
        Self::Reject,
        Self::Decide,
        Self::Witness,
        Self::Edit,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::RollBack => "roll-back",
            Self::Cancel => "cancel",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Decide => "decide",
            Self::Witness => "witness",
            Self::Edit => "edit",
        }
    }

    /// What somebody does who has such a dialog open.
    fn doing(self) -> &'static str {
        match self {
            Self::Deploy => "is about to deploy it",
            Self::RollBack => "is about to roll back",
            Self::Cancel => "is about to cancel it",
            Self::Approve => "is about to approve it",
            Self::Reject => "is about to reject it",
            Self::Decide => "is deciding about it",
            Self::Witness => "is looking at it as a witness",
            Self::Edit => "is editing it",
        }
    }
}
words!(Intent, "intent", Self::ALL);

/// A dialog that acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    pub intent: Intent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
}

/// What somebody has before their eyes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Focus {
    pub pane: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<Asking>,
}

impl Focus {
    /// In one line: `board: storefront@1.4.1, is about to deploy it to production`.
    pub fn sentence(&self) -> String {
        let on = match (&self.deployment, &self.release) {
            (Some(id), _) => format!(": {id}"),
            (None, Some(release)) => format!(": {release}"),
            (None, None) => String::new(),
        };
        let asking = self.asking.as_ref().map(|asking| format!(", {}", asking.doing())).unwrap_or_default();
        format!("{}{on}{asking}", self.pane)
    }

    /// Whether it is about this release.
    pub fn is_on(&self, release: &ReleaseId) -> bool {
        let asked = self.asking.as_ref().and_then(|asking| asking.release.as_ref());
        asked.or(self.release.as_ref()) == Some(release)
    }
}

impl Asking {
    fn doing(&self) -> String {
        let doing = self.intent.doing();
        match (&self.environment, self.intent) {
            (Some(env), Intent::RollBack) => format!("{doing} in {env}"),
            (Some(env), Intent::Deploy) => format!("{doing} to {env}"),
            (Some(env), Intent::Approve | Intent::Reject) => format!("{doing} for {env}"),
            _ => doing.to_owned(),
        }
    }
}

/// Somebody who has the panes open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    #[serde(flatten)]
    pub person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
    /// Client address of the SSH connection; unverified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    pub host: String,
    pub boot: String,
    pub process: ProcessRef,
    pub since: Timestamp,
    /// The last key, as far as it was told: with a grain of [`Session::GRAIN`].
    pub active_at: Timestamp,
    pub focus: Focus,
}

impl Session {
    /// A process that only sees more keys says so no more often than this.
    pub const GRAIN: Duration = Duration::from_secs(30);
    /// Where nobody can look whether the process still runs (another host), it counts for so long after its last key.
    pub const UNSEEN: Duration = Duration::from_secs(15 * 60);

    /// Whether both are one process.
    pub fn is_process(&self, host: &str, boot: &str, process: ProcessRef) -> bool {
        self.host == host && self.boot == boot && self.process == process
    }

    /// How long no key was pressed; nothing worth saying within the grain.
    pub fn idle(&self, now: Timestamp) -> Option<Duration> {
        Some(now.since(self.active_at)).filter(|idle| *idle >= Self::GRAIN * 2)
    }

    /// What it does about a release, in a few words: `bob looks`, `bob is about to deploy it to production`.
    pub fn mark(&self) -> String {
        let who = self.person.human();
        match &self.focus.asking {
            Some(asking) => format!("{who} {}", asking.doing()),
            None => format!("{who} looks"),
        }
    }

    /// The same in full, for a list.
    pub fn sentence(&self, now: Timestamp) -> String {
        let tty = self.tty.as_deref().map(|tty| format!(" on {}", short_tty(tty))).unwrap_or_default();
        let from = self.client.as_ref().map(|client| format!(" from {client}")).unwrap_or_default();
        let idle = self.idle(now).map(|idle| format!(", idle for {}", span(idle))).unwrap_or_default();
        let since = span(now.since(self.since));
        format!("{}{tty}{from}, in for {since}{idle}: {}", self.person.human(), self.focus.sentence())
    }
}

/// `pts/3` for `/dev/pts/3`.
pub fn short_tty(tty: &str) -> &str {
    tty.strip_prefix("/dev/").unwrap_or(tty)
}

/// A line from somebody to everybody who has the panes open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub id: i64,
    pub at: Timestamp,
    pub by: Person,
    pub text: String,
}

impl Call {
    /// It fits on one line of a screen.
    pub const LONGEST: usize = 200;
}

/// The marks of several sessions as one short text: who only looks is named together.
pub fn marks<'a>(sessions: impl IntoIterator<Item = &'a Session>) -> Option<String> {
    let (asking, looking): (Vec<&Session>, Vec<&Session>) =
        sessions.into_iter().partition(|session| session.focus.asking.is_some());
    let mut names: Vec<&str> = looking.iter().map(|session| session.person.human()).collect();
    names.sort_unstable();
    names.dedup();
    let mut parts: Vec<String> = asking.into_iter().map(Session::mark).collect();
    parts.dedup();
    match names.as_slice() {
        [] => {}
        [one] => parts.push(format!("{one} looks")),
        many => parts.push(format!("{} look", many.join(", "))),
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(name: &str, asking: Option<Intent>) -> Session {
        let at: Timestamp = "2026-09-01T10:00:00Z".parse().unwrap();
        let release: ReleaseId = "api@1.0.0".parse().unwrap();
        Session {
            person: Person { name: name.to_owned(), uid: 1, login: None },
            tty: Some("/dev/pts/3".to_owned()),
            client: None,
            host: "bastion".to_owned(),
            boot: "boot".to_owned(),
            process: ProcessRef { pid: 7, start: 8 },
            since: at,
            active_at: at,
            focus: Focus {
                pane: "board".to_owned(),
                release: Some(release.clone()),
                deployment: None,
                asking: asking.map(|intent| Asking {
                    intent,
                    release: Some(release),
                    environment: "production".parse().ok(),
                    deployment: None,
                }),
            },
        }
    }

    #[test]
    fn who_only_looks_is_named_together_and_who_acts_comes_first() {
        let all = [session("carol", None), session("bob", Some(Intent::Deploy)), session("alice", None)];
        assert_eq!(marks(&all).unwrap(), "bob is about to deploy it to production; alice, carol look");
        assert_eq!(marks(&all[..1]).unwrap(), "carol looks");
        assert_eq!(marks([]), None);
    }

    #[test]
    fn a_session_says_where_it_is_and_how_long_no_key_was_pressed() {
        let bob = session("bob", None);
        let later = bob.since.plus(Duration::from_secs(600));
        assert_eq!(bob.sentence(later), "bob on pts/3, in for 10m, idle for 10m: board: api@1.0.0");
        assert_eq!(bob.idle(bob.since.plus(Duration::from_secs(59))), None, "told with a grain");
    }

    #[test]
    fn what_a_dialog_is_about_counts_and_not_what_lies_below_it() {
        let mut bob = session("bob", Some(Intent::Deploy));
        bob.focus.release = "web@2.0.0".parse().ok();
        assert!(bob.focus.is_on(&"api@1.0.0".parse().unwrap()));
        assert!(!bob.focus.is_on(&"web@2.0.0".parse().unwrap()));
    }
}
