//! Systems that keep change tickets: a program of one's own, ServiceNow, Jira.
//!
//! All answer the same question in the same order (NTF-4): the ticket whose number was named; else the one that was
//! found before, as long as it is open; else the newest open one of exactly this title; else, where that is wanted, a
//! new one.

pub(super) mod jira;
pub(super) mod program;
pub(super) mod servicenow;

use std::time::{Duration, Instant};

use crate::domain::change::{Account, Answered, Asking, Phase};
use crate::domain::time::span;

use super::http::{self, Method, Request, Response};
use super::outside::read;

/// What such a system can do.
trait System {
    fn by_number(&self, number: &str) -> Result<Option<Answered>, String>;
    /// All of exactly this title, the newest first.
    fn by_title(&self, title: &str) -> Result<Vec<Answered>, String>;
    fn create(&self, title: &str, asking: &Asking) -> Result<Answered, String>;
}

fn find(system: &impl System, asking: &Asking) -> Result<Answered, String> {
    if let Some(number) = &asking.number {
        let found = system.by_number(number)?;
        let is_open = found.as_ref().is_some_and(|found| found.phase != Some(Phase::Closed));
        match found {
            Some(found) if is_open || asking.named => return Ok(found),
            None if asking.named => return Err(format!("there is no ticket {number}")),
            _ => {}
        }
    }
    let open = |found: &Answered| found.phase != Some(Phase::Closed);
    if let Some(found) = system.by_title(&asking.title)?.into_iter().find(open) {
        return Ok(found);
    }
    match asking.create {
        true => Ok(Answered { made: true, ..system.create(&asking.title, asking)? }),
        false => Ok(Answered::default()),
    }
}

/// When an answer is due, however many requests it takes: whoever asks, or tells, counts on that.
#[derive(Clone, Copy)]
struct Deadline {
    timeout: Duration,
    ends: Instant,
}

impl Deadline {
    fn after(timeout: Duration) -> Self {
        Self { timeout, ends: Instant::now() + timeout }
    }

    fn left(self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// One request in JSON, signed in; what is no success is an error with what the system said.
fn call(
    account: &Account,
    deadline: Deadline,
    (method, path): (Method, &str),
    body: Option<&serde_json::Value>,
) -> Result<serde_json::Value, String> {
    let late = || {
        let host = crate::domain::hook::host_of(&account.url);
        format!("no answer from {host} within {}", span(deadline.timeout))
    };
    let timeout = deadline.left();
    if timeout.is_zero() {
        return Err(late());
    }
    let user = account.user.as_ref().map(read).transpose()?;
    let token = read(&account.token)?;
    let text = body.map(ToString::to_string);
    let request = Request {
        method,
        url: &format!("{}{path}", account.url),
        headers: vec![
            ("Authorization".to_owned(), http::authorization(user.as_deref(), &token)),
            ("Accept".to_owned(), "application/json".to_owned()),
        ],
        body: text.as_deref(),
        timeout,
    };
    let response =
        http::send(&request).map_err(|why| if deadline.left().is_zero() { late() } else { why })?;
    if !response.is_good() {
        return Err(refusal(&response));
    }
    if response.body.trim().is_empty() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_str(&response.body).map_err(|_| {
        let host = crate::domain::hook::host_of(&account.url);
        format!("{host} answered {} with what is no JSON", response.status)
    })
}

fn refusal(response: &Response) -> String {
    let what = match response.status {
        401 => "401: it knows neither user nor token",
        403 => "403: the user may not do that there",
        404 => "404: there is nothing of that name",
        _ => "",
    };
    let said: serde_json::Value = serde_json::from_str(&response.body).unwrap_or_default();
    // ServiceNow: {"error": {"message": …}}; Jira: {"errorMessages": […], "errors": {…}}.
    let message = said.pointer("/error/message").or_else(|| said.pointer("/errorMessages/0"));
    let message = message.and_then(serde_json::Value::as_str).map(str::to_owned).or_else(|| {
        let errors = said.get("errors")?.as_object()?;
        let (field, why) = errors.iter().next()?;
        Some(format!("{field}: {}", why.as_str()?))
    });
    let outcome = if what.is_empty() { response.outcome() } else { what.to_owned() };
    match message {
        Some(message) => {
            let safe = crate::domain::text::fit(&crate::domain::text::one_line(&message), 200);
            format!("{outcome} ({safe})")
        }
        None => outcome,
    }
}
