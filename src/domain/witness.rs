//! Live four-eyes: a second person confirms a deployment while it is started, by typing a code the starter tells them.
//!
//! The code proves that two people talk about exactly this at this moment; it is no secret from those who can write the
//! store. What is kept of it is a digest.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actor::{Actor, Person};
use super::digest::Digest;
use super::ids::{DeploymentId, EnvName, ReleaseId};
use super::time::Timestamp;

/// The rule of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FourEyes {
    /// Groups the second person must be in one of; empty means anybody else.
    pub from: Vec<String>,
    /// Groups that need no second person.
    pub exempt: Vec<String>,
    /// How long a code, and then a confirmation, counts.
    pub ttl: Duration,
}

impl FourEyes {
    pub const TTL: Duration = Duration::from_secs(300);
}

/// Why one person was enough, or who the other was: on the deployment for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Eyes {
    Witnessed { by: Person, at: Timestamp },
    Exempt { group: String },
}

impl Eyes {
    pub fn sentence(&self) -> String {
        match self {
            Self::Witnessed { by, .. } => format!("witnessed by {}", by.human()),
            Self::Exempt { group } => format!("EXEMPT from four-eyes as one of {group}"),
        }
    }
}

/// Who confirmed it, from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    pub by: Actor,
    pub at: Timestamp,
}

/// A starter asks for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    pub id: i64,
    pub release: ReleaseId,
    pub environment: EnvName,
    /// What exactly is to be started.
    pub subject: Digest,
    pub starter: Actor,
    pub asked_at: Timestamp,
    /// Until when the code, and once it was typed the confirmation, counts.
    pub expires_at: Timestamp,
    #[serde(skip)]
    pub nonce: String,
    #[serde(skip)]
    pub challenge: Digest,
    pub tries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witnessed: Option<Confirmed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_by: Option<DeploymentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_why: Option<String>,
}

/// Letters nobody mistakes for others, in a call or on a screen.
const LETTERS: &[u8; 20] = b"ACDEFHJKLMNPQRTUVWXY";
const LENGTH: usize = 5;

/// A code from 32 hexadecimal digits nobody can foresee.
pub fn code(random: &str) -> String {
    let mut number = u128::from_str_radix(random, 16).unwrap_or_default();
    let mut code = String::with_capacity(LENGTH);
    for _ in 0..LENGTH {
        let at = usize::try_from(number % LETTERS.len() as u128).unwrap_or_default();
        code.push(char::from(LETTERS[at]));
        number /= LETTERS.len() as u128;
    }
    code
}

/// Whether a text could be a code at all: anything else is a slip of the fingers and costs nothing.
pub fn is_code(text: &str) -> bool {
    let text = text.trim().to_uppercase();
    text.len() == LENGTH && text.bytes().all(|c| LETTERS.contains(&c))
}

/// What is kept of a code.
pub fn challenge(nonce: &str, code: &str) -> Digest {
    let code = code.trim().to_uppercase();
    Digest::of(format!("relman-witness-v1 {nonce} {code}").as_bytes())
}

impl Request {
    /// After so many wrong codes a new one is needed.
    pub const TRIES: u32 = 3;

    pub fn is_answered_by(&self, code: &str) -> bool {
        challenge(&self.nonce, code) == self.challenge
    }

    /// Whether it still leads to something: nobody used it, it did not end, its time has not passed.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.used_by.is_none() && self.ended_why.is_none() && now < self.expires_at
    }

    /// Why somebody is no second person to the starter: any sign that both may be one counts.
    pub fn bars(&self, actor: &Actor) -> Option<String> {
        let (first, second) = (&self.starter, actor);
        let starter = first.person.human();
        if first.person.is_same_as(&second.person) {
            return Some(format!("{starter} starts it: it takes another person, whoever one has become"));
        }
        if first.person.uid == second.person.uid {
            return Some(format!("{starter} has the same user id: it takes another person"));
        }
        if first.key.is_some() && first.key == second.key {
            return Some(format!("{starter} came in with the same SSH key: it takes another person"));
        }
        match (&first.tty, &second.tty) {
            (Some(one), Some(other)) if one == other => {
                Some(format!("{starter} sits at this terminal ({one}): it takes another one"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::actor::Via;
    use proptest::prelude::*;

    fn actor(name: &str, uid: u32, login: Option<&str>, tty: Option<&str>) -> Actor {
        let person = Person { name: name.to_owned(), uid, login: login.map(str::to_owned) };
        Actor { person, via: Via::Cli, tty: tty.map(str::to_owned), client: None, key: None }
    }

    fn request(starter: Actor) -> Request {
        let at: Timestamp = "2026-09-01T10:00:00Z".parse().unwrap();
        Request {
            id: 1,
            release: "api@1.0.0".parse().unwrap(),
            environment: "production".parse().unwrap(),
            subject: Digest::of(b"plan"),
            starter,
            asked_at: at,
            expires_at: at.plus(FourEyes::TTL),
            nonce: "n".to_owned(),
            challenge: challenge("n", "KRTNP"),
            tries: 0,
            witnessed: None,
            used_by: None,
            ended_why: None,
        }
    }

    #[test]
    fn any_sign_that_both_are_one_bars() {
        let request = request(actor("alice", 1001, None, Some("/dev/pts/1")));
        for (who, words) in [
            (actor("alice", 1001, None, Some("/dev/pts/2")), "alice starts it"),
            (actor("bob", 1002, Some("alice"), Some("/dev/pts/2")), "alice starts it"),
            (actor("toor", 1001, None, Some("/dev/pts/2")), "same user id"),
            (actor("bob", 1002, None, Some("/dev/pts/1")), "sits at this terminal"),
        ] {
            let why = request.bars(&who).unwrap_or_default();
            assert!(why.contains(words), "{who:?}: {why}");
        }
        assert_eq!(request.bars(&actor("bob", 1002, None, Some("/dev/pts/2"))), None);
        let with_key =
            |name, uid| Actor { key: Some("ED25519 SHA256:abc".to_owned()), ..actor(name, uid, None, None) };
        let request = Request { starter: with_key("alice", 1001), ..request };
        let why = request.bars(&with_key("bob", 1002)).unwrap_or_default();
        assert!(why.contains("same SSH key"), "{why}");
        assert_eq!(request.bars(&actor("bob", 1002, Some("carol"), None)), None);
    }

    #[test]
    fn a_code_is_typed_as_it_is_heard() {
        let request = request(actor("alice", 1001, None, None));
        assert!(request.is_answered_by(" krtnp\n") && !request.is_answered_by("KRTN"));
    }

    proptest! {
        #[test]
        fn every_code_is_short_and_readable(random in "[0-9a-f]{32}") {
            let code = code(&random);
            prop_assert!(is_code(&code) && !is_code(&code[1..]));
            prop_assert!(code.len() == 5 && code.bytes().all(|c| LETTERS.contains(&c)), "{code}");
        }
    }
}
