//! ServiceNow: change requests through its Table API, standard changes through its Change Management API.

use serde_json::{Value, json};

use super::{Account, Answered, Asking, Deadline, Method, System, call, find, http};
use crate::domain::change::{Act, Change};
use crate::domain::time::Timestamp;

/// What is asked for of each ticket.
const FIELDS: &str = "sys_id,number,state,short_description,start_date,end_date";
/// The values of two states of a change request; their words may be in any language.
const IMPLEMENT: &str = "-1";
const REVIEW: &str = "0";
/// How many tickets of one title are looked at.
const MOST: u32 = 20;

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

/// The words of the states as every instance begins with them, by their values.
fn word(value: &str) -> Option<&'static str> {
    Some(match value {
        "-5" => "New",
        "-4" => "Assess",
        "-3" => "Authorize",
        "-2" => "Scheduled",
        "-1" => "Implement",
        "0" => "Review",
        "3" => "Closed",
        "4" => "Canceled",
        _ => return None,
    })
}

/// A field as a value or as `{"value": …, "display_value": …}`, depending on what was asked for.
fn field<'v>(ticket: &'v Value, name: &str, part: &str) -> Option<&'v str> {
    let field = ticket.get(name)?;
    let text = field.get(part).unwrap_or(field).as_str()?;
    (!text.is_empty()).then_some(text)
}

/// `2026-09-01 10:00:00`, in UTC.
fn time(text: &str) -> Option<Timestamp> {
    format!("{}Z", text.replacen(' ', "T", 1)).parse().ok()
}

impl Desk<'_> {
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        call(self.account, self.deadline, (method, path), body)
    }

    fn query(&self, query: &str, limit: u32) -> Result<Vec<Value>, String> {
        let path = format!(
            "/api/now/table/{}?sysparm_query={}&sysparm_fields={FIELDS}&sysparm_display_value=all&sysparm_limit={limit}",
            self.account.table,
            http::escaped(query)
        );
        let answer = self.call(Method::Get, &path, None)?;
        let result = answer.get("result").and_then(Value::as_array);
        result.cloned().ok_or_else(|| "it answered without a result".to_owned())
    }

    fn answered(&self, ticket: &Value) -> Answered {
        let value = field(ticket, "state", "value").unwrap_or_default();
        let shown = field(ticket, "state", "display_value").unwrap_or(value);
        // The value decides where it is one that is known: the words may have been translated.
        let state = word(value).unwrap_or(shown);
        let id = field(ticket, "sys_id", "value").unwrap_or_default();
        let text = |name: &str| field(ticket, name, "value").map(str::to_owned);
        Answered {
            number: text("number"),
            state: Some(crate::domain::text::fit(&crate::domain::text::one_line(state), 60)),
            phase: Some(self.change.phase(state)),
            title: text("short_description"),
            start: field(ticket, "start_date", "value").and_then(time),
            end: field(ticket, "end_date", "value").and_then(time),
            url: Some(format!("{}/nav_to.do?uri={}.do?sys_id={id}", self.account.url, self.account.table)),
            made: false,
        }
    }

    fn id_of(&self, number: &str) -> Result<String, String> {
        let found = self.query(&format!("number={number}"), 1)?;
        let id = found.first().and_then(|ticket| field(ticket, "sys_id", "value"));
        id.map(str::to_owned).ok_or_else(|| format!("there is no ticket {number}"))
    }

    fn patch(&self, id: &str, fields: &Value) -> Result<(), String> {
        let path = format!("/api/now/table/{}/{}", self.account.table, http::escaped(id));
        self.call(Method::Patch, &path, Some(fields)).map(drop)
    }

    fn note(&self, asking: &Asking) -> Result<Answered, String> {
        let number = asking.number.as_deref().ok_or("no ticket is known")?;
        let id = self.id_of(number)?;
        let note = json!({ "work_notes": asking.text.clone().unwrap_or_default() });
        self.patch(&id, &note)?;
        if asking.ends && asking.record {
            self.patch(&id, &json!({ "state": REVIEW }))?;
        }
        Ok(Answered { number: Some(number.to_owned()), ..Answered::default() })
    }
}

impl System for Desk<'_> {
    fn by_number(&self, number: &str) -> Result<Option<Answered>, String> {
        let found = self.query(&format!("number={number}"), 1)?;
        Ok(found.first().map(|ticket| self.answered(ticket)))
    }

    fn by_title(&self, title: &str) -> Result<Vec<Answered>, String> {
        let found = self.query(&format!("short_description={title}^ORDERBYDESCsys_created_on"), MOST)?;
        let all = found.iter().map(|ticket| self.answered(ticket));
        Ok(all.filter(|found| found.title.as_deref() == Some(title)).collect())
    }

    fn create(&self, title: &str, asking: &Asking) -> Result<Answered, String> {
        let mut fields = self.account.fields.clone();
        fields.insert("short_description".to_owned(), Value::from(title));
        let text = format!("made by relman for {}", asking.actor);
        fields.entry("description").or_insert_with(|| Value::from(text));
        let answer = match &self.account.template {
            Some(template) => {
                let path = format!("/api/sn_chg_rest/change/standard/{}", http::escaped(template));
                self.call(Method::Post, &path, Some(&Value::Object(fields)))?
            }
            None => {
                fields.entry("type").or_insert_with(|| Value::from("normal"));
                let path = format!("/api/now/table/{}?sysparm_display_value=all", self.account.table);
                self.call(Method::Post, &path, Some(&Value::Object(fields)))?
            }
        };
        let ticket = answer.get("result").ok_or("it made a ticket and did not say which")?;
        let number = field(ticket, "number", "value").ok_or("it made a ticket without a number")?.to_owned();
        if asking.record {
            let id =
                field(ticket, "sys_id", "value").map_or_else(|| self.id_of(&number), |id| Ok(id.to_owned()));
            self.patch(&id?, &json!({ "state": IMPLEMENT }))?;
        }
        // As it is now: rules over there may have moved it on already.
        Ok(self.by_number(&number)?.unwrap_or_else(|| self.answered(ticket)))
    }
}
