//! The world outside as the verbs see it: programs, webhooks, change systems.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{self, Order};
use super::http::{self, Method, Request};
use super::{environment, itsm, launch};
use crate::domain::change::{Adapter, Answered, Asking, Change};
use crate::domain::event::Event;
use crate::domain::hook::{Hook, SAID, Secret, Way, Webhook, signature};
use crate::domain::ids::EnvName;
use crate::domain::policy::Argv;
use crate::domain::policy::{ScriptRole, Service};
use crate::domain::release::Release;
use crate::ops::monitor::Whose;
use crate::ops::outside::{Found, Measuring, Outside, Told};

/// How long a look at what runs somewhere may take.
const LOOK: Duration = Duration::from_secs(60);

/// The real world.
pub struct World {
    config: PathBuf,
}

impl World {
    pub(super) fn new(config: PathBuf) -> Self {
        Self { config }
    }
}

impl Outside for World {
    fn lacks(&self, hook: &Hook) -> Option<String> {
        match &hook.way {
            Way::Command { .. } => None,
            Way::Change { secrets } => secrets.iter().find_map(|secret| read(secret).err()),
            Way::Webhook(webhook) => {
                let unset = webhook.headers_from.values().find(|name| environment::variable(name).is_none());
                unset
                    .map(|name| format!("the variable {name} is not set here"))
                    .or_else(|| webhook.secret.as_ref().and_then(|secret| read(secret).err()))
            }
        }
    }

    fn tell(&self, hook: &Hook, event: &Event, attempt: u32) -> Told {
        let body = serde_json::to_string(event).unwrap_or_default();
        match &hook.way {
            Way::Command { argv, working_dir, pass_env } => {
                let order = Order {
                    argv,
                    working_dir,
                    env: variables(pass_env, event, attempt),
                    stdin: format!("{body}\n"),
                    timeout: hook.timeout,
                    keep: SAID,
                };
                match command::run(order) {
                    Ok(ended) => Told {
                        delivered: ended.code == Some(0),
                        outcome: ended.how,
                        said: Some(format!("{}{}", ended.out, ended.err)).filter(|said| !said.is_empty()),
                    },
                    Err(why) => Told { delivered: false, outcome: why, said: None },
                }
            }
            Way::Webhook(webhook) => post(hook, webhook, event, &body, attempt),
            Way::Change { .. } => Told {
                delivered: false,
                outcome: "a change ticket is told by its number".to_owned(),
                said: None,
            },
        }
    }

    fn change(&self, change: &Change, asking: &Asking) -> Result<Answered, String> {
        match &change.adapter {
            Adapter::Command { argv, working_dir, pass_env } => {
                itsm::program::ask(change, argv, working_dir, clean(pass_env), asking)
            }
            Adapter::ServiceNow(account) => itsm::servicenow::ask(change, account, asking),
            Adapter::Jira(account) => itsm::jira::ask(change, account, asking),
        }
    }

    fn current(&self, service: &Service, env: &EnvName) -> Result<String, String> {
        let argv = service.scripts.get(&ScriptRole::Current).ok_or("it has no current script")?;
        let mut variables = clean(&service.variables());
        variables.insert("RELMAN_SERVICE".to_owned(), service.name.to_string());
        variables.insert("RELMAN_ENVIRONMENT".to_owned(), env.to_string());
        let order = Order {
            argv,
            working_dir: &service.working_dir,
            env: variables,
            stdin: String::new(),
            timeout: LOOK,
            keep: 64 * 1024,
        };
        let ended = command::run(order)?;
        match ended.code {
            Some(0) => Ok(ended.out),
            _ => {
                let said = ended.err.lines().next().map(|line| format!(": {line}")).unwrap_or_default();
                Err(format!("{}{said}", ended.how))
            }
        }
    }

    fn verify(&self, service: &Service, argv: &Argv, release: &Release) -> Found {
        found((service, release), argv, about(release), LOOK)
    }

    fn commit(&self, repo: &Path, name: &str) -> Result<String, String> {
        super::git::commit(repo, name)
    }

    fn measure(&self, service: &Service, asked: &Measuring<'_>) -> Found {
        let mut variables = about(asked.release);
        let d = asked.deployment;
        variables.extend([
            ("RELMAN_ENVIRONMENT", d.environment.to_string()),
            ("RELMAN_DEPLOYMENT", d.id.0.to_string()),
            ("RELMAN_MONITOR", asked.monitor.name.clone()),
            ("RELMAN_MEASUREMENT", asked.count.to_string()),
        ]);
        found((service, asked.release), &asked.monitor.command, variables, asked.monitor.timeout)
    }

    fn send_measurer(&self, whose: Whose) {
        // Whoever looks next asks what is due.
        let _later = launch::measurer(&self.config, whose);
    }

    fn send_courier(&self) {
        // Whoever looks next tells what is left in the outbox.
        let _later = launch::courier(&self.config);
    }
}

/// What scripts outside deployments are told of a release.
fn about(release: &Release) -> Vec<(&'static str, String)> {
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    vec![
        ("RELMAN_SERVICE", release.id.service.to_string()),
        ("RELMAN_VERSION", release.id.version.to_string()),
        ("RELMAN_COMMIT", text(release.build.commit.as_ref())),
        ("RELMAN_ARTIFACT", text(release.build.artifact.as_ref())),
    ]
}

/// Runs a command that finds something out, with what the service's scripts get.
fn found(
    (service, release): (&Service, &Release),
    argv: &Argv,
    told: Vec<(&'static str, String)>,
    timeout: Duration,
) -> Found {
    let mut env = clean(&service.variables());
    env.extend(told.into_iter().map(|(name, value)| (name.to_owned(), value)));
    env.extend(service.field_variables(release));
    let (working_dir, stdin) = (&service.working_dir, String::new());
    match command::run(Order { argv, working_dir, env, stdin, timeout, keep: 64 * 1024 }) {
        Err(why) => Found { code: None, said: why },
        Ok(ended) => {
            let last =
                |text: &str| text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
            let said = last(&ended.err).filter(|_| ended.code != Some(0)).or_else(|| last(&ended.out));
            Found { code: ended.code, said: said.unwrap_or_else(|| ended.how.clone()) }
        }
    }
}

/// A secret from where it is kept.
pub(super) fn read(secret: &Secret) -> Result<String, String> {
    match secret {
        Secret::Env(name) => {
            environment::variable(name).ok_or_else(|| format!("the variable {name} is not set here"))
        }
        Secret::File(path) => {
            let shown = path.display();
            let unreadable = |why: std::io::Error| format!("{shown} cannot be read: {why}");
            let mode = std::fs::metadata(path).map_err(unreadable)?.mode();
            if mode & 0o007 != 0 {
                return Err(format!("{shown} is open to everyone on this machine: chmod o-rwx {shown}"));
            }
            let text = std::fs::read_to_string(path).map_err(unreadable)?;
            let text = text.trim().to_owned();
            if text.is_empty() { Err(format!("{shown} is empty")) } else { Ok(text) }
        }
    }
}

/// The clean environment scripts get (SPEC 6), with the variables that are handed through.
fn clean(pass_env: &[String]) -> BTreeMap<String, String> {
    launch::handed(pass_env, &[])
}

fn variables(pass_env: &[String], event: &Event, attempt: u32) -> BTreeMap<String, String> {
    let mut env = clean(pass_env);
    let opt = |value: &Option<String>| value.clone().unwrap_or_default();
    for (name, value) in [
        ("RELMAN_EVENT", event.name.clone()),
        ("RELMAN_EVENT_ID", event.id.clone()),
        ("RELMAN_EVENT_TEXT", event.text.clone()),
        ("RELMAN_SERVICE", opt(&event.service)),
        ("RELMAN_VERSION", opt(&event.version)),
        ("RELMAN_ENVIRONMENT", opt(&event.environment)),
        ("RELMAN_ACTOR", event.actor.name().to_owned()),
        ("RELMAN_ATTEMPT", attempt.to_string()),
    ] {
        // The environment knows no NUL, and texts of people may be long.
        env.insert(name.to_owned(), crate::domain::text::fit(&value.replace('\0', ""), 1000));
    }
    env
}

fn post(hook: &Hook, webhook: &Webhook, event: &Event, body: &str, attempt: u32) -> Told {
    let failed = |outcome: String| Told { delivered: false, outcome, said: None };
    let mut headers = vec![
        ("X-Relman-Event".to_owned(), event.name.clone()),
        ("X-Relman-Event-Id".to_owned(), event.id.clone()),
        ("X-Relman-Attempt".to_owned(), attempt.to_string()),
    ];
    headers.extend(webhook.headers.clone());
    for (header, name) in &webhook.headers_from {
        match environment::variable(name) {
            Some(value) => headers.push((header.clone(), value)),
            None => return failed(format!("the variable {name} is not set here")),
        }
    }
    match webhook.secret.as_ref().map(read) {
        None => {}
        Some(Ok(secret)) => {
            let signed = format!("sha256={}", signature(secret.as_bytes(), body.as_bytes()));
            headers.push(("X-Relman-Signature".to_owned(), signed));
        }
        Some(Err(why)) => return failed(why),
    }
    let request =
        Request { method: Method::Post, url: &webhook.url, headers, body: Some(body), timeout: hook.timeout };
    match http::send(&request) {
        Ok(response) => Told {
            delivered: response.is_good(),
            outcome: response.outcome(),
            said: Some(response.body.chars().take(SAID).collect()).filter(|said: &String| !said.is_empty()),
        },
        Err(why) => failed(why),
    }
}
