//! What `[hooks]` says: who is told of what, and who is asked before a deployment begins.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Checker, bad_variable};
use crate::domain::event;
use crate::domain::freeze::{Scope, fits};
use crate::domain::hook::{Guard, Hook, Hooks, Secret, Way, Webhook};
use crate::domain::policy::Argv;
use crate::domain::text::{did_you_mean, quoted};
use crate::domain::time::parse_duration;

/// Asked before a deployment begins.
const GUARD: &str = "pre-deploy";
/// As other programs call the end of a deployment.
const AFTER: &str = "post-deploy";
/// Keys that are no events.
const PLAIN: [&str; 5] = ["timeout", "queue-blocked-after", "pass-env", "webhook", GUARD];
/// Keys of a command that is about some things only.
const COMMAND: [&str; 3] = ["command", "services", "environments"];
/// Keys of a webhook.
const WEBHOOK: [&str; 9] = [
    "url",
    "name",
    "events",
    "services",
    "environments",
    "headers",
    "headers-env",
    "secret-env",
    "secret-file",
];

impl Checker {
    pub(super) fn hooks(&mut self, raw: toml::Table) -> (Hooks, Vec<Guard>) {
        let mut hooks = Hooks::default();
        let mut guards = Vec::new();
        let timeout = raw.get("timeout").and_then(|value| self.time("timeout", value));
        let timeout = timeout.unwrap_or(Hooks::TIMEOUT);
        let pass_env = self.texts(keys!["hooks", "pass-env"], raw.get("pass-env"));
        for (index, variable) in pass_env.iter().enumerate() {
            if let Some(why) = bad_variable(variable) {
                self.error(keys!["hooks", "pass-env", index], why);
            }
        }
        for (key, value) in &raw {
            match key.as_str() {
                "timeout" | "pass-env" => {}
                "queue-blocked-after" => {
                    hooks.queue_blocked_after = self.time(key, value).unwrap_or(hooks.queue_blocked_after);
                }
                "webhook" => hooks.list.extend(self.webhooks(value, timeout)),
                GUARD => {
                    for (index, (command, scope)) in self.commands(key, value).into_iter().enumerate() {
                        let number = if index == 0 { String::new() } else { format!(" {}", index + 1) };
                        guards.push(Guard { name: format!("{GUARD}{number}"), command, scope });
                    }
                }
                pattern => {
                    let events = if pattern == AFTER { "deployment.finished" } else { pattern };
                    self.known_event(keys!["hooks", pattern], events, true);
                    for (index, (argv, scope)) in self.commands(pattern, value).into_iter().enumerate() {
                        hooks.list.push(Hook {
                            key: format!("{pattern}[{index}]"),
                            events: vec![events.to_owned()],
                            services: scope.services,
                            environments: scope.environments,
                            timeout,
                            way: Way::Command {
                                argv,
                                working_dir: self.base.clone(),
                                pass_env: pass_env.clone(),
                            },
                        });
                    }
                }
            }
        }
        (hooks, guards)
    }

    fn time(&mut self, key: &str, value: &toml::Value) -> Option<Duration> {
        let keys = keys!["hooks", key];
        let Some(text) = value.as_str() else {
            self.error(keys, "write a time, such as \"30s\"");
            return None;
        };
        match parse_duration(text) {
            Ok(time) if time.is_zero() => {
                self.error(keys, "no time at all is no time");
                None
            }
            Ok(time) => Some(time),
            Err(why) => {
                self.error(keys, why);
                None
            }
        }
    }

    /// A list of command lines, each with what it is about. A program with a slash is a file beside the configuration.
    fn commands(&mut self, key: &str, value: &toml::Value) -> Vec<(Argv, Scope)> {
        let wrong = "a hook is a list of commands, each a list of a program and its arguments: [[\"./notify.sh\"]]; one of some \
                     services or environments only is a table: { command = [\"./notify.sh\"], environments = [\"prod*\"] }";
        let Some(list) = value.as_array() else {
            self.error(keys!["hooks", key], wrong);
            return Vec::new();
        };
        let mut commands = Vec::new();
        for (index, command) in list.iter().enumerate() {
            let own = keys!["hooks", key, index];
            let (line, scope) = match command {
                toml::Value::Table(table) => (table.get("command"), self.scope_of(own, table)),
                line => (Some(line), Some(Scope::everything())),
            };
            let Some(scope) = scope else { continue };
            let words = line.and_then(toml::Value::as_array).map(|words| {
                words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<Argv>>()
            });
            let Some(Some(mut argv)) = words else {
                self.error(own, wrong);
                continue;
            };
            self.argv(own, &argv);
            if let Some(program) = argv.first_mut().filter(|program| program.contains('/')) {
                *program = self.base.join(program.trim_start_matches("./")).to_string_lossy().into_owned();
            }
            commands.push((argv, scope));
        }
        commands
    }

    /// What the table of a command says it is about.
    fn scope_of(&mut self, own: &[String], table: &toml::Table) -> Option<Scope> {
        let at = |key: &str| [own, keys![key]].concat();
        for key in table.keys() {
            self.one_of(&at(key), key, &COMMAND);
        }
        self.scope(own, table)
    }

    fn scope(&mut self, own: &[String], table: &toml::Table) -> Option<Scope> {
        let at = |key: &str| [own, keys![key]].concat();
        let scope = Scope::new(
            self.texts(&at("services"), table.get("services")),
            self.texts(&at("environments"), table.get("environments")),
        );
        scope.map_err(|why| self.error(own, why)).ok()
    }

    /// An event nobody would ever hear of is a mistake.
    fn known_event(&mut self, keys: &[String], pattern: &str, is_key: bool) {
        if event::NAMES.iter().any(|(name, _)| fits(pattern, name)) {
            return;
        }
        let names = event::NAMES.iter().map(|(name, _)| *name);
        let names = names.chain(PLAIN.into_iter().filter(|_| is_key));
        let hint = match did_you_mean(pattern, names) {
            Some(near) => format!("did you mean {near}?"),
            None => "the events are listed by: relman hooks events".to_owned(),
        };
        self.hinted(keys, format!("there is no event {}", quoted(pattern, 60)), Some(hint));
    }

    /// An address, a table, or a list of tables.
    fn webhooks(&mut self, value: &toml::Value, timeout: Duration) -> Vec<Hook> {
        let one = keys!["hooks", "webhook"].to_vec();
        match value {
            toml::Value::String(url) => {
                let table = [("url".to_owned(), toml::Value::String(url.clone()))].into_iter().collect();
                self.webhook(&one, "webhook", &table, timeout).into_iter().collect()
            }
            toml::Value::Table(table) => self.webhook(&one, "webhook", table, timeout).into_iter().collect(),
            toml::Value::Array(list) => {
                let mut hooks: Vec<Hook> = Vec::new();
                for (index, item) in list.iter().enumerate() {
                    let own = [&one[..], keys![index]].concat();
                    let Some(table) = item.as_table() else {
                        self.error(&own, "a webhook is a table with a url: { url = \"https://…\" }");
                        continue;
                    };
                    let hook = self.webhook(&own, &format!("webhook[{index}]"), table, timeout);
                    if let Some(hook) = &hook
                        && hooks.iter().any(|known| known.key == hook.key)
                    {
                        self.error(&own, "two webhooks of one name could not be told apart");
                    }
                    hooks.extend(hook);
                }
                hooks
            }
            _ => {
                self.error(&one, "a webhook is an address, or a table with a url");
                Vec::new()
            }
        }
    }

    fn webhook(&mut self, own: &[String], key: &str, table: &toml::Table, timeout: Duration) -> Option<Hook> {
        let at = |key: &str| [own, keys![key]].concat();
        for key in table.keys() {
            self.one_of(&at(key), key, &WEBHOOK);
        }
        let text = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let url = text("url").unwrap_or_default();
        if let Some(why) = bad_address(&url) {
            // Of the short form there is no key within.
            let is_short = table.len() == 1 && !own.is_empty() && key == "webhook";
            let place = if is_short { own.to_vec() } else { at("url") };
            self.error(&place, why);
        }
        let events = self.texts(&at("events"), table.get("events"));
        for (index, pattern) in events.iter().enumerate() {
            self.known_event(&[&at("events")[..], keys![index]].concat(), pattern, false);
        }
        let scope = self.scope(own, table)?;
        let headers = self.headers(&at("headers"), table.get("headers"));
        let headers_from = self.headers(&at("headers-env"), table.get("headers-env"));
        for (header, variable) in &headers_from {
            if let Some(why) = bad_variable(variable) {
                self.error(&[&at("headers-env")[..], keys![header]].concat(), why);
            }
        }
        let secret = match (text("secret-env"), text("secret-file")) {
            (Some(_), Some(_)) => {
                self.error(&at("secret-env"), "a secret comes from a variable or from a file, not from both");
                None
            }
            (Some(variable), None) => {
                if let Some(why) = bad_variable(&variable) {
                    self.error(&at("secret-env"), why);
                }
                Some(Secret::Env(variable))
            }
            (None, Some(file)) => Some(Secret::File(self.base.join(file))),
            (None, None) => None,
        };
        Some(Hook {
            key: text("name").map_or_else(|| key.to_owned(), |name| format!("webhook {name}")),
            events: if events.is_empty() { everything() } else { events },
            services: scope.services,
            environments: scope.environments,
            timeout,
            way: Way::Webhook(Webhook { url, headers, headers_from, secret }),
        })
    }

    fn texts(&mut self, keys: &[String], value: Option<&toml::Value>) -> Vec<String> {
        let Some(value) = value else { return Vec::new() };
        let list = value.as_array().map(|list| {
            list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
        });
        let Some(Some(texts)) = list else {
            self.error(keys, "write a list of texts: [\"…\"]");
            return Vec::new();
        };
        texts
    }

    fn headers(&mut self, keys: &[String], value: Option<&toml::Value>) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        let Some(value) = value else { return headers };
        let Some(table) = value.as_table() else {
            self.error(keys, "write a table of headers: { Authorization = \"…\" }");
            return headers;
        };
        for (name, value) in table {
            let own = [keys, keys![name]].concat();
            let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            let is_ours = name.to_ascii_lowercase().starts_with("x-relman-")
                || ["content-type", "content-length", "host"].contains(&name.to_ascii_lowercase().as_str());
            let text = value.as_str().filter(|text| text.chars().all(|c| !c.is_control() && c.is_ascii()));
            match text {
                _ if !is_plain || is_ours => {
                    self.error(&own, format!("{} cannot be set here", quoted(name, 40)));
                }
                Some(text) => {
                    headers.insert(name.clone(), text.to_owned());
                }
                None => self.error(&own, "a header is a text of one line in ASCII"),
            }
        }
        headers
    }
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// Why something is no address to send to.
pub(super) fn bad_address(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map_or("", |rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let is_plain = url.chars().all(|c| c.is_ascii_graphic());
    match (rest, host.is_empty() || !is_plain) {
        (None, _) => Some("write an address that begins with https:// (or http://)".to_owned()),
        (Some(_), true) => Some(format!("{} is no address", quoted(url, 80))),
        (Some(_), false) if host.contains('@') => {
            Some("no user or password belongs into an address; name variables with headers-env".to_owned())
        }
        _ => None,
    }
}
