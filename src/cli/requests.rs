//! `relman request …`: what people ask for before anybody knows which version brings it.

use std::collections::BTreeMap;

use super::args::Requests;
use super::out::Tone;
use super::release::answer;
use super::{Session, exit};
use crate::domain::time::{relative, wall};
use crate::domain::wanted::{State, Wanted};
use crate::ops::release::find;
use crate::ops::wanted::{self, EditRequest, Listed, NewRequest};
use crate::ops::{Ctx, OpError};

pub(super) fn run(session: &mut Session, verb: Requests) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    match verb {
        Requests::New { title, about, from_feedback } => {
            let feedback = match from_feedback {
                Some(said) => Some((find::find(&cx, &said.release)?, said.number)),
                None => None,
            };
            let new = NewRequest {
                title,
                service: about.service,
                origin: about.origin,
                need: about.need,
                objective: about.objective,
                priority: about.priority,
                feedback,
            };
            told(session, &wanted::add(&cx, &new)?, "is on the list");
        }
        Requests::Edit { request, title, about } => {
            let edit = EditRequest {
                title,
                service: about.service,
                origin: about.origin,
                need: about.need,
                objective: about.objective,
                priority: about.priority,
            };
            told(session, &wanted::edit(&cx, request, &edit)?, "is changed");
        }
        Requests::Decline { request, reason, duplicate_of } => {
            told(session, &wanted::decline(&cx, request, &reason, duplicate_of)?, "is declined");
        }
        Requests::Reopen { request } => told(session, &wanted::reopen(&cx, request)?, "is open again"),
        Requests::Take { requests, release } => {
            let release = wanted::take(&cx, &requests, &find::find(&cx, &release)?)?;
            answer(&mut session.out, &release, &format!("brings {} more", requests.len()));
        }
        Requests::List { service, origin, state, all } => {
            let mut found = wanted::list(&cx)?;
            found.retain(|one| {
                let asked = &one.request;
                service.as_ref().is_none_or(|service| asked.service.as_ref() == Some(service))
                    && origin.is_none_or(|origin| asked.origin == origin)
                    && match state {
                        Some(state) => one.state == state,
                        None => all || matches!(one.state, State::Open | State::Planned),
                    }
            });
            list(session, &cx, &found);
        }
        Requests::Show { request } => show(session, &cx, &wanted::show(&cx, request)?),
    }
    Ok(exit::OK)
}

fn told(session: &mut Session, request: &Wanted, what: &str) {
    match session.out.is_json() {
        true => session.out.json("request", request),
        false => session.out.line(format!("{} {what}: {}", request.id, request.title)),
    }
}

fn list(session: &mut Session, cx: &Ctx<'_>, found: &[Listed]) {
    if session.out.is_json() {
        return session.out.json("requests", &found);
    }
    if found.is_empty() {
        return session.out.note("nothing is asked for; add something: relman request new \"…\"");
    }
    let row = |one: &Listed| {
        let asked = &one.request;
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        let state = match (one.state, &asked.release) {
            (State::Planned | State::Done, Some(release)) => format!("{} in {release}", one.state),
            _ => one.state.to_string(),
        };
        vec![
            asked.id.to_string(),
            asked.title.clone(),
            or_dash(asked.service.as_ref().map(ToString::to_string)),
            asked.origin.to_string(),
            or_dash(asked.priority.map(|priority| priority.to_string())),
            state,
            relative(asked.at, cx.now),
        ]
    };
    let rows = found.iter().map(row).collect();
    session.out.table(&["REQUEST", "TITLE", "SERVICE", "ORIGIN", "PRIORITY", "STATE", "ASKED"], rows);
    session.out.note(&counted(found));
}

/// How many there are, and where they come from.
pub(super) fn counted(found: &[Listed]) -> String {
    let mut origins: BTreeMap<&str, usize> = BTreeMap::new();
    for one in found {
        *origins.entry(one.request.origin.as_str()).or_default() += 1;
    }
    let origins: Vec<String> =
        origins.into_iter().map(|(origin, count)| format!("{count} {origin}")).collect();
    format!("{}: {}", found.len(), origins.join(", "))
}

fn show(session: &mut Session, cx: &Ctx<'_>, one: &Listed) {
    if session.out.is_json() {
        return session.out.json("request", one);
    }
    let (asked, zone) = (&one.request, cx.policy.zone);
    session.out.line(session.out.paint(Tone::Strong, &format!("{}  {}", asked.id, asked.title)));
    for (label, text) in one.facts(zone) {
        session.out.line(format!("{label:<12}{text}"));
    }
    session.out.line(format!("{:<12}{} by {}", "asked", wall(asked.at, zone), asked.by.name));
}
