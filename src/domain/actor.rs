//! Who acts: the person as the kernel names them, and where they sit.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The identity part of an actor, as it is kept with approvals and deployments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    /// Name of the real user id, or `uid:1234` when the password database has none.
    pub name: String,
    pub uid: u32,
    /// Name of the login user id when it differs: it survives `su` and `sudo`, so that
    /// `sudo -u bob relman approve` by alice is still alice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

impl Person {
    /// Whether the two may be one human: any name in common. Right for barring people (an own approval), too wide for
    /// granting them something; see [`Self::human`].
    pub fn is_same_as(&self, other: &Self) -> bool {
        let names = |person: &'_ Self| [Some(person.name.clone()), person.login.clone()];
        names(self).iter().flatten().any(|name| names(other).iter().flatten().any(|also| also == name))
    }

    /// The name of the human behind it: the login decides where it is known, whoever they have become since.
    pub fn human(&self) -> &str {
        self.login.as_deref().unwrap_or(&self.name)
    }

    /// The name, and who is behind it where that is somebody else: `alice (as bob)`.
    pub fn described(&self) -> String {
        if self.human() == self.name {
            self.name.clone()
        } else {
            format!("{} (as {})", self.human(), self.name)
        }
    }

    /// Whether the password database knows no name for them.
    pub fn is_nameless(&self) -> bool {
        self.human().starts_with("uid:")
    }

    /// Whether this person goes by `name`.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.login.as_deref() == Some(name)
    }
}

/// Which front end carried an act in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    Tui,
    Cli,
    Supervisor,
}

impl Via {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tui => "tui",
            Self::Cli => "cli",
            Self::Supervisor => "supervisor",
        }
    }
}

/// Who acts, from where. Facts of the machine, never a name somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    #[serde(flatten)]
    pub person: Person,
    pub via: Via,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
    /// Client address of the SSH connection. Informational: the environment can be forged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Kind and fingerprint of the SSH key, as the session says. Unverified, for the same reason.
    #[serde(default, rename = "unverified-key", skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Actor {
    pub fn name(&self) -> &str {
        &self.person.name
    }
}

/// The people of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    pub names: BTreeSet<String>,
    /// The group is open to whoever can run relman here.
    pub everyone: bool,
}

/// Who belongs to which group of the configuration, resolved against the Unix groups of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    groups: BTreeMap<String, Members>,
}

impl Roster {
    pub fn new(groups: BTreeMap<String, Members>) -> Self {
        Self { groups }
    }

    /// Whether `person` belongs to `group` under the name that counts: the login name decides when there is one,
    /// so membership is not gained by `sudo -u`.
    pub fn has(&self, group: &str, person: &Person) -> bool {
        let name = person.human();
        // Nobody could say later who that was.
        if person.is_nameless() {
            return false;
        }
        self.groups.get(group).is_some_and(|members| members.everyone || members.names.contains(name))
    }

    /// Everyone known by name in `group`, sorted.
    pub fn people(&self, group: &str) -> impl Iterator<Item = &str> {
        self.groups.get(group).into_iter().flat_map(|members| &members.names).map(String::as_str)
    }

    pub fn is_open(&self, group: &str) -> bool {
        self.groups.get(group).is_some_and(|members| members.everyone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, login: Option<&str>) -> Person {
        Person { name: name.into(), uid: 1, login: login.map(Into::into) }
    }

    #[test]
    fn sudo_does_not_make_another_person() {
        assert!(person("alice", None).is_same_as(&person("bob", Some("alice"))));
        assert!(!person("alice", None).is_same_as(&person("bob", None)));
        assert_eq!(person("bob", Some("alice")).human(), "alice");
    }

    #[test]
    fn membership_follows_the_login_name() {
        let members = Members { names: BTreeSet::from(["bob".to_owned()]), everyone: false };
        let roster = Roster::new([("sre".to_owned(), members)].into());
        assert!(roster.has("sre", &person("bob", None)));
        assert!(!roster.has("sre", &person("bob", Some("alice"))));
        assert!(roster.has("sre", &person("root", Some("bob"))));
        assert!(!roster.has("nobody-knows", &person("bob", None)));
    }
}
