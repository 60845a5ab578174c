//! What `[change]` says: where change tickets are kept, and what their states mean.

use super::hook::bad_address;
use super::{Checker, bad_variable};
use crate::config::raw::RawChange;
use crate::domain::change::{Account, Adapter, Change};
use crate::domain::hook::Secret;

/// The states of ServiceNow's change requests in which a deployment may go on, and in which it waits (NTF-5).
const SERVICENOW: (&[&str], &[&str]) = (&["Implement"], &["New", "Assess", "Authorize", "Scheduled"]);
/// Those of the change workflow that Jira Service Management comes with.
const JIRA: (&[&str], &[&str]) = (
    &["Implementing", "Implement"],
    &[
        "Open",
        "New",
        "Planning",
        "Peer review / change manager approval",
        "Awaiting CAB approval",
        "Authorize",
        "Awaiting implementation",
        "Scheduled",
    ],
);

impl Checker {
    pub(super) fn change(&mut self, raw: RawChange) -> Option<Change> {
        let at = |key: &str| keys!["change", key].to_vec();
        let kind = raw.adapter.as_deref();
        if let Some(word) = kind {
            self.one_of(&at("adapter"), word, &["servicenow", "jira"]);
        }
        if raw.command.is_empty() == kind.is_none() {
            let why =
                "say who is asked: either command = [\"./itsm.sh\"] or adapter = \"servicenow\" or \"jira\"";
            self.error(keys!["change"], why);
            return None;
        }
        for (index, variable) in raw.pass_env.iter().enumerate() {
            if let Some(why) = bad_variable(variable) {
                self.error(keys!["change", "pass-env", index], why);
            }
        }
        let (proceed, wait) = match kind {
            Some("jira") => JIRA,
            _ => SERVICENOW,
        };
        let words = |given: &Option<Vec<String>>, usual: &[&str]| {
            given.clone().unwrap_or_else(|| usual.iter().map(|word| (*word).to_owned()).collect())
        };
        let change = Change {
            timeout: self.limit(&at("timeout"), raw.timeout.as_ref()).unwrap_or(Change::TIMEOUT),
            max_age: self.limit(&at("max-age"), raw.max_age.as_ref()).unwrap_or(Change::MAX_AGE),
            create: raw.create.unwrap_or(true),
            record: raw.record,
            proceed: words(&raw.proceed, proceed),
            wait: words(&raw.wait, wait),
            adapter: match kind {
                None => {
                    self.argv(&at("command"), &raw.command);
                    let mut argv = raw.command;
                    if let Some(program) = argv.first_mut().filter(|program| program.contains('/')) {
                        *program =
                            self.base.join(program.trim_start_matches("./")).to_string_lossy().into_owned();
                    }
                    Adapter::Command { argv, working_dir: self.base.clone(), pass_env: raw.pass_env }
                }
                Some("jira") => Adapter::Jira(self.account(&raw, true)?),
                Some(_) => Adapter::ServiceNow(self.account(&raw, false)?),
            },
        };
        if let Some(state) = change
            .proceed
            .iter()
            .find(|state| change.wait.iter().any(|other| other.eq_ignore_ascii_case(state)))
        {
            let shown = crate::domain::text::quoted(state, 40);
            self.error(
                &at("wait"),
                format!("{shown} cannot both let a deployment go on and keep it waiting"),
            );
        }
        Some(change)
    }

    fn account(&mut self, raw: &RawChange, is_jira: bool) -> Option<Account> {
        let at = |key: &str| keys!["change", key].to_vec();
        let url = raw.url.clone().unwrap_or_default().trim_end_matches('/').to_owned();
        if let Some(why) = bad_address(&url) {
            self.error(&at("url"), why);
        }
        for (key, variable) in [("user-env", &raw.user_env), ("token-env", &raw.token_env)] {
            if let Some(why) = variable.as_deref().and_then(bad_variable) {
                self.error(&at(key), why);
            }
        }
        let token = match (&raw.token_env, &raw.token_file) {
            (Some(variable), None) => Some(Secret::Env(variable.clone())),
            (None, Some(file)) => Some(Secret::File(self.base.join(file))),
            _ => {
                let why = "say where the token is: token-env = \"VARIABLE\" or token-file = \"FILE\"";
                self.error(keys!["change"], why);
                None
            }
        };
        let project = raw.project.clone().unwrap_or_default();
        let is_key =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_jira && !is_key(&project) {
            self.error(&at("project"), "name the key of the project, such as project = \"OPS\"");
        }
        let table = raw.table.clone().unwrap_or_else(|| "change_request".to_owned());
        if !is_key(&table) {
            self.error(&at("table"), "a table is named by letters, digits and _");
        }
        if let Some(template) = raw.template.as_ref().filter(|template| !is_key(template)) {
            let shown = crate::domain::text::quoted(template, 40);
            self.error(&at("template"), format!("{shown} is no template; name its sys_id"));
        }
        if is_jira && raw.template.is_some() {
            self.error(&at("template"), "templates are ServiceNow's; for Jira set fields and issue-type");
        }
        if raw.record && is_jira {
            self.error(&at("record"), "records are kept in ServiceNow or by a command of your own");
        }
        if raw.record && !is_jira && raw.template.is_none() {
            let why = "a record is a standard change: name its template = \"SYS_ID\"";
            self.error(&at("record"), why);
        }
        let fields = raw.fields.clone().map(serde_json::to_value);
        let fields = match fields {
            Some(Ok(serde_json::Value::Object(fields))) => fields,
            _ => serde_json::Map::new(),
        };
        Some(Account {
            url,
            user: raw.user_env.clone().map(Secret::Env),
            token: token?,
            table,
            project,
            issue_type: raw.issue_type.clone().unwrap_or_else(|| "[System] Change".to_owned()),
            template: raw.template.clone(),
            start_field: raw.start_field.clone(),
            end_field: raw.end_field.clone(),
            fields,
        })
    }
}
