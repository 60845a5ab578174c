//! Hooks: who is told of which events, how often that is tried, and who is asked before a deployment begins.
//!
//! A hook is known by its place in the configuration. What it runs and where it sends to is read there and nowhere else:
//! the store only remembers that something is to be told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::digest::hex;
use super::event::Event;
use super::freeze::{Scope, fits};
use super::ids::ServiceName;
use super::policy::Argv;
use super::strategy::StepPlan;
use super::time::Timestamp;
use super::words::words;

/// Everything under `[hooks]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hooks {
    pub list: Vec<Hook>,
    /// After so much waiting a queued deployment is an event.
    pub queue_blocked_after: Duration,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { list: Vec::new(), queue_blocked_after: Self::QUEUE_BLOCKED_AFTER }
    }
}

impl Hooks {
    pub const QUEUE_BLOCKED_AFTER: Duration = Duration::from_secs(30 * 60);
    /// How long a hook may take where nothing else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// Whether somebody wants to hear of an event of this name.
    pub fn want(&self, name: &str) -> bool {
        self.list.iter().any(|hook| hook.events.iter().any(|pattern| fits(pattern, name)))
    }
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// Its place in the configuration: `deployment.finished[0]`, `webhook ops`.
    pub key: String,
    /// Patterns of the events it wants.
    pub events: Vec<String>,
    /// Patterns of the services and environments it wants to hear of. What is about none concerns everybody.
    pub services: Vec<String>,
    pub environments: Vec<String>,
    pub timeout: Duration,
    pub way: Way,
}

/// How it is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// A program with the event on its standard input.
    Command { argv: Argv, working_dir: PathBuf, pass_env: Vec<String> },
    /// An HTTP POST with the event as its body.
    Webhook(Webhook),
    /// A note in the change ticket; it takes these to sign in.
    Change { secrets: Vec<Secret> },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    pub url: String,
    /// Headers as they are.
    pub headers: BTreeMap<String, String>,
    /// Headers whose value comes from a variable, for tokens.
    pub headers_from: BTreeMap<String, String>,
    pub secret: Option<Secret>,
}

/// Where a secret is read when it is needed. It stands in no file of relman's and in no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    Env(String),
    File(PathBuf),
}

impl Hook {
    pub fn wants(&self, event: &Event) -> bool {
        let concerns = |patterns: &[String], name: &Option<String>| {
            name.as_ref().is_none_or(|name| patterns.iter().any(|pattern| fits(pattern, name)))
        };
        self.events.iter().any(|pattern| event.fits(pattern))
            && concerns(&self.services, &event.service)
            && concerns(&self.environments, &event.environment)
    }

    /// What it runs or where it sends to, without anything secret.
    pub fn target(&self) -> String {
        match &self.way {
            Way::Command { argv, .. } => argv.join(" "),
            Way::Webhook(webhook) => host_of(&webhook.url).to_owned(),
            Way::Change { .. } => "the change ticket".to_owned(),
        }
    }
}

/// Scheme and host of an address: paths and queries of webhooks are often secrets themselves.
pub fn host_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    // What stands before an @ is a user with a password.
    match url[start..end].rfind('@') {
        Some(at) => &url[start + at + 1..end],
        None => &url[..end],
    }
}

/// Asked before the first step of a deployment; anything but exit status 0 ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guard {
    pub name: String,
    pub command: Argv,
    /// Where it is asked.
    pub scope: Scope,
}

impl Guard {
    /// Whether it is asked before any deployment of a service at all.
    pub fn asks_about(&self, service: &ServiceName) -> bool {
        self.scope.services.iter().any(|pattern| fits(pattern, service.as_str()))
    }

    /// The name under which its command is kept.
    pub fn key(&self) -> String {
        format!("hook {}", self.name)
    }

    pub fn step(&self) -> StepPlan {
        let name = self.name.clone();
        StepPlan { command: Some(self.key()), ..StepPlan::new(name, super::policy::ScriptRole::Hook) }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    Pending,
    Delivered,
    GivenUp,
}

impl DeliveryState {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::GivenUp];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given-up",
        }
    }
}
words!(DeliveryState, "state of a delivery", Self::ALL);

/// One event on its way to one hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    pub id: i64,
    pub hook: String,
    /// The journal entry it comes from.
    pub seq: i64,
    /// The event's id.
    pub event: String,
    pub name: String,
    pub queued_at: Timestamp,
    pub state: DeliveryState,
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Who is at it, and until when nobody else is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leased_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leased_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How the last attempt ended, and who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What it said, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// How long after its first, second … failure a delivery is tried again, in seconds. After the last it is given up.
const BACKOFF: [u64; 9] = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200];

/// What comes after this many failed attempts: the next one after so long, or none.
pub fn pause_after(attempts: u32) -> Option<Duration> {
    let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    BACKOFF.get(at).map(|seconds| Duration::from_secs(*seconds))
}

/// Events older than this when they are sorted out are not sent: they are no news any more.
pub const NEWS: Duration = Duration::from_secs(86_400);

/// The most that is kept of what a hook says, in bytes.
pub const SAID: usize = 4096;

/// HMAC-SHA256 (RFC 2104) of a message, in hexadecimal.
pub fn signature(secret: &[u8], message: &[u8]) -> String {
    const BLOCK: usize = 64;
    let mut key = [0; BLOCK];
    if secret.len() > BLOCK {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let padded = |pad: u8| key.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    hex(&Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases 1, 2 and 6 of RFC 4231.
    #[test]
    fn signatures_are_those_of_the_standard() {
        assert_eq!(
            signature(&[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            signature(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            signature(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn attempts_come_further_and_further_apart_and_end_within_two_days() {
        let pauses: Vec<Duration> = (1..).map_while(pause_after).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(pauses.iter().sum::<Duration>() < Duration::from_hours(48));
        assert_eq!(pause_after(u32::try_from(pauses.len()).unwrap() + 1), None);
    }

    #[test]
    fn what_may_be_secret_about_an_address_is_not_shown() {
        for (url, shown) in [
            ("https://hooks.example.com/T000/B000/XXXX", "https://hooks.example.com"),
            ("https://user:pw@chat.example.com/x?token=1", "chat.example.com"),
            ("http://[::1]:8080?a=b", "http://[::1]:8080"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(host_of(url), shown);
        }
    }
}
