//! Change tickets: what an ITSM system says about deploying a release to an environment, and what is told to it.
//!
//! A ticket is asked for by its number where somebody named one, else by its exact title, else it is made. What was
//! answered is kept with its age; an answer that is too old opens nothing.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hook::Secret;
use super::ids::{DeploymentId, EnvName, ReleaseId};
use super::policy::Argv;
use super::time::Timestamp;

/// Everything under `[change]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub adapter: Adapter,
    pub timeout: Duration,
    /// How long an answer counts.
    pub max_age: Duration,
    /// Whether a ticket is made where none is found.
    pub create: bool,
    /// Whether relman only keeps a record there: it makes a standard change, moves it to Implement, and to Review at
    /// the end.
    pub record: bool,
    /// States in which a deployment may go on; the words of the system.
    pub proceed: Vec<String>,
    /// States in which it waits. Every other state is a no.
    pub wait: Vec<String>,
}

impl Change {
    /// Which system it is, without anything secret.
    pub fn system(&self) -> String {
        match &self.adapter {
            Adapter::Command { argv, .. } => argv.join(" "),
            Adapter::ServiceNow(account) => format!("ServiceNow at {}", account.url),
            Adapter::Jira(account) => format!("Jira at {}, project {}", account.url, account.project),
        }
    }

    pub const TIMEOUT: Duration = Duration::from_secs(20);
    pub const MAX_AGE: Duration = Duration::from_secs(15 * 60);
    /// A look (not a start) asks again when the last answer is older than this.
    pub const LOOK_AGAIN: Duration = Duration::from_secs(120);

    /// What it takes to sign in.
    pub fn secrets(&self) -> Vec<Secret> {
        match &self.adapter {
            Adapter::Command { .. } => Vec::new(),
            Adapter::ServiceNow(account) | Adapter::Jira(account) => {
                account.user.iter().chain([&account.token]).cloned().collect()
            }
        }
    }

    /// What a state means here. Upper and lower case are the same.
    pub fn phase(&self, state: &str) -> Phase {
        let is_in = |list: &[String]| list.iter().any(|known| known.eq_ignore_ascii_case(state.trim()));
        match (is_in(&self.proceed), is_in(&self.wait)) {
            (true, _) => Phase::Open,
            (false, true) => Phase::Waits,
            (false, false) => Phase::Closed,
        }
    }
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Adapter {
    /// A program: JSON in and out, exit status 0 approved, 1 refused, 75 pending.
    Command {
        argv: Argv,
        working_dir: PathBuf,
        pass_env: Vec<String>,
    },
    ServiceNow(Account),
    Jira(Account),
}

/// A system with a REST interface, and how relman signs in there.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Without a slash at its end.
    pub url: String,
    /// Nothing: the token is a bearer token.
    pub user: Option<Secret>,
    pub token: Secret,
    /// ServiceNow: the table.
    pub table: String,
    /// Jira: the project and the type of issue.
    pub project: String,
    pub issue_type: String,
    /// ServiceNow: the template of standard changes.
    pub template: Option<String>,
    /// Jira: the fields with the planned start and end.
    pub start_field: Option<String>,
    pub end_field: Option<String>,
    /// Further fields of tickets that relman makes.
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// What the state of a ticket means for a deployment (NTF-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Not decided yet.
    Waits,
    /// It may be implemented.
    Open,
    /// Refused, over, cancelled.
    Closed,
}

/// What the system said about a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answered {
    /// Nothing: there is no ticket.
    pub number: Option<String>,
    /// Its state in the words of the system.
    pub state: Option<String>,
    pub phase: Option<Phase>,
    pub title: Option<String>,
    /// The planned window; either end may be open.
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub url: Option<String>,
    /// Whether it was made just now.
    pub made: bool,
}

/// The ticket of a release for an environment, as far as relman knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeTicket {
    pub release: ReleaseId,
    pub environment: EnvName,
    /// The number somebody named; it goes before what would be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// Why the last question got no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The deployment for which it was asked last, right before that was to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<DeploymentId>,
    /// Until then somebody is at making it, and nobody else makes another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub making: Option<Timestamp>,
}

impl ChangeTicket {
    pub fn new(release: ReleaseId, environment: EnvName) -> Self {
        Self {
            release,
            environment,
            named: None,
            answered: None,
            asked_at: None,
            trouble: None,
            asked_for: None,
            making: None,
        }
    }

    /// Its number, as far as one is known.
    pub fn number(&self) -> Option<&str> {
        let found = self.answered.as_ref().and_then(|answered| answered.number.as_deref());
        self.named.as_deref().or(found)
    }

    /// Whether somebody is at making it.
    pub fn is_being_made(&self, now: Timestamp) -> bool {
        self.making.is_some_and(|until| now < until)
    }

    /// How long ago it was asked about.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.asked_at.map(|asked| now.since(asked))
    }
}

/// The title by which a ticket is found and with which it is made (NTF-4).
pub fn title(release: &ReleaseId, environment: &EnvName) -> String {
    format!("Deploy \"{}\" version {} to \"{environment}\"", release.service, release.version)
}

/// The longest number a ticket may have.
const LONGEST: usize = 64;

/// Takes a ticket's number: letters, digits and `-_.`, as every system writes them. It ends up in addresses and queries.
pub fn number(text: &str) -> Result<String, super::ids::BadName> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if text.len() > LONGEST || !starts_well || !text.chars().all(is_plain) {
        let shown = super::text::quoted(text, 40);
        return Err(super::ids::BadName(format!(
            "{shown} is not the number of a ticket; write it as its system does, such as CHG0030001 or OPS-142"
        )));
    }
    Ok(text.to_owned())
}

/// What is asked of the system, or told to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asking {
    pub schema: u32,
    pub act: Act,
    pub number: Option<String>,
    /// Whether somebody named this number: then no other ticket will do.
    pub named: bool,
    pub title: String,
    pub service: String,
    pub version: String,
    pub environment: String,
    /// Who wants it.
    pub actor: String,
    /// Whether it is to be made where there is none.
    pub create: bool,
    pub record: bool,
    /// What is to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether what is told ends the work.
    pub ends: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// How does it stand?
    Check,
    /// A deployment began or ended.
    Note,
}

impl Asking {
    pub fn check(ticket: &ChangeTicket, actor: &str, create: bool, record: bool) -> Self {
        let release = &ticket.release;
        Self {
            schema: 1,
            act: Act::Check,
            // What was found is asked about by its number, so that a title edited there does not make a second one.
            number: ticket.number().map(str::to_owned),
            named: ticket.named.is_some(),
            title: title(release, &ticket.environment),
            service: release.service.to_string(),
            version: release.version.to_string(),
            environment: ticket.environment.to_string(),
            actor: actor.to_owned(),
            create,
            record,
            text: None,
            ends: false,
        }
    }

    pub fn note(ticket: &ChangeTicket, actor: &str, text: String, ends: bool, record: bool) -> Self {
        Self { act: Act::Note, text: Some(text), ends, ..Self::check(ticket, actor, false, record) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_found_by_exactly_this_title() {
        let (release, env) = ("api@1.4.2".parse().unwrap(), "production".parse().unwrap());
        assert_eq!(title(&release, &env), "Deploy \"api\" version 1.4.2 to \"production\"");
    }

    #[test]
    fn numbers_hold_nothing_that_means_something_in_a_query() {
        for good in ["CHG0030001", "OPS-142", "a.b_c"] {
            assert_eq!(number(good).unwrap(), good);
        }
        for bad in ["", "-x", "CHG1^ORactive=true", "OPS-1 OR 1=1", "a/b", "CHG\"1", "é", &"1".repeat(65)] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_states_that_are_known_open_or_wait() {
        let change = Change {
            adapter: Adapter::Command {
                argv: vec!["x".to_owned()],
                working_dir: PathBuf::new(),
                pass_env: Vec::new(),
            },
            timeout: Change::TIMEOUT,
            max_age: Change::MAX_AGE,
            create: true,
            record: false,
            proceed: vec!["Implement".to_owned()],
            wait: vec!["New".to_owned()],
        };
        for (state, phase) in [
            ("Implement", Phase::Open),
            ("implement ", Phase::Open),
            ("new", Phase::Waits),
            ("Review", Phase::Closed),
            ("", Phase::Closed),
        ] {
            assert_eq!(change.phase(state), phase, "{state}");
        }
    }

    #[test]
    fn a_number_that_was_named_goes_before_one_that_was_found() {
        let mut ticket = ChangeTicket::new("api@1.0.0".parse().unwrap(), "dev".parse().unwrap());
        assert_eq!(ticket.number(), None);
        ticket.answered = Some(Answered { number: Some("CHG1".to_owned()), ..Answered::default() });
        assert_eq!(ticket.number(), Some("CHG1"));
        ticket.named = Some("CHG2".to_owned());
        assert_eq!(ticket.number(), Some("CHG2"));
    }
}
