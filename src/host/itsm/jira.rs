//! Jira and Jira Service Management: change requests as issues, through the REST API of version 3.

use serde_json::{Value, json};

use super::{Account, Answered, Asking, Deadline, Method, System, call, find, http};
use crate::domain::change::{Act, Change};
use crate::domain::time::Timestamp;

/// How many issues of a similar title are looked at.
const MOST: u32 = 50;

/// Asks or tells.
pub(in crate::host) fn ask(change: &Change, account: &Account, asking: &Asking) -> Result<Answered, String> {
    let desk = Desk { change, account, deadline: Deadline::after(change.timeout) };
    match asking.act {
        Act::Check => find(&desk, asking),
        Act::Note => desk.note(asking),
    }
}

struct Desk<'a> {
    change: &'a Change,
    account: &'a Account,
    deadline: Deadline,
}

/// Plain text as a document of Atlassian's format, a paragraph a line.
fn document(text: &str) -> Value {
    let paragraph = |line: &str| match line.is_empty() {
        true => json!({ "type": "paragraph", "content": [] }),
        false => json!({ "type": "paragraph", "content": [{ "type": "text", "text": line }] }),
    };
    let lines: Vec<Value> = text.lines().map(paragraph).collect();
    json!({ "type": "doc", "version": 1, "content": lines })
}

/// `2026-09-01T10:00:00.000+0000`, as Jira writes times.
fn time(text: &str) -> Option<Timestamp> {
    let parsed = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z");
    let parsed = parsed.or_else(|_| chrono::DateTime::parse_from_rfc3339(text));
    parsed.ok().map(|at| Timestamp::new(at.to_utc()))
}

impl Desk<'_> {
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        call(self.account, self.deadline, (method, path), body)
    }

    fn fields(&self) -> Vec<&str> {
        let times = [self.account.start_field.as_deref(), self.account.end_field.as_deref()];
        ["summary", "status"].into_iter().chain(times.into_iter().flatten()).collect()
    }

    fn answered(&self, issue: &Value) -> Answered {
        let text = |path: &str| issue.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let state = text("/fields/status/name").unwrap_or_default();
        let at = |name: &Option<String>| {
            let name = name.as_ref()?;
            issue.get("fields")?.get(name)?.as_str().and_then(time)
        };
        let number = text("/key");
        Answered {
            url: number.as_ref().map(|key| format!("{}/browse/{key}", self.account.url)),
            number,
            phase: Some(self.change.phase(&state)),
            state: Some(crate::domain::text::fit(&crate::domain::text::one_line(&state), 60)),
            title: text("/fields/summary"),
            start: at(&self.account.start_field),
            end: at(&self.account.end_field),
            made: false,
        }
    }

    fn note(&self, asking: &Asking) -> Result<Answered, String> {
        let number = asking.number.as_deref().ok_or("no ticket is known")?;
        let path = format!("/rest/api/3/issue/{}/comment", http::escaped(number));
        let body = json!({ "body": document(asking.text.as_deref().unwrap_or_default()) });
        self.call(Method::Post, &path, Some(&body))?;
        Ok(Answered { number: Some(number.to_owned()), ..Answered::default() })
    }
}

impl System for Desk<'_> {
    fn by_number(&self, number: &str) -> Result<Option<Answered>, String> {
        let path = format!("/rest/api/3/issue/{}?fields={}", http::escaped(number), self.fields().join(","));
        match self.call(Method::Get, &path, None) {
            Ok(issue) => Ok(Some(self.answered(&issue))),
            Err(why) if why.starts_with("404") => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Jira finds texts that hold these words; exactly this title is picked out of them here.
    fn by_title(&self, title: &str) -> Result<Vec<Answered>, String> {
        let words = title.replace('"', " ");
        let project = &self.account.project;
        let jql = format!("project = \"{project}\" AND summary ~ \"{words}\" ORDER BY created DESC");
        let body = json!({ "jql": jql, "fields": self.fields(), "maxResults": MOST });
        let answer = self.call(Method::Post, "/rest/api/3/search/jql", Some(&body))?;
        let issues = answer.get("issues").and_then(Value::as_array);
        let issues = issues.ok_or_else(|| "it answered without issues".to_owned())?;
        let all = issues.iter().map(|issue| self.answered(issue));
        Ok(all.filter(|found| found.title.as_deref() == Some(title)).collect())
    }

    fn create(&self, title: &str, asking: &Asking) -> Result<Answered, String> {
        let mut fields = self.account.fields.clone();
        fields.insert("project".to_owned(), json!({ "key": self.account.project }));
        fields.insert("issuetype".to_owned(), json!({ "name": self.account.issue_type }));
        fields.insert("summary".to_owned(), Value::from(title));
        let text = format!("made by relman for {}", asking.actor);
        fields.entry("description").or_insert_with(|| document(&text));
        let answer = self.call(Method::Post, "/rest/api/3/issue", Some(&json!({ "fields": fields })))?;
        let key =
            answer.get("key").and_then(Value::as_str).ok_or("it made an issue and did not say which")?;
        self.by_number(key)?.ok_or_else(|| format!("{key} was made and cannot be found"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_jira_writes_them() {
        let at = time("2026-09-01T12:00:00.000+0200").unwrap();
        assert_eq!(at.to_string(), "2026-09-01T10:00:00.000Z");
        assert_eq!(time("2026-09-01T10:00:00Z"), Some(at));
        assert_eq!(time("tomorrow"), None);
    }
}
