//! What somebody may do where, and which line says so: `relman rights`, and what the panes offer.

use serde::Serialize;

use crate::domain::actor::{Person, Roster};
use crate::domain::ids::{EnvName, ServiceName};
use crate::domain::right::{Place, Right, Ruling};
use crate::ops::Ctx;

/// One right in the places where the same is said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub right: String,
    pub place: String,
    pub may: bool,
    pub why: String,
    /// Who has it, by name; empty where everyone has.
    pub people: Vec<String>,
}

/// Who sits at the panes and who belongs to which group, so that they can say what one may not do before it is tried.
#[derive(Debug, Clone)]
pub struct Standing {
    pub person: Person,
    pub roster: Roster,
}

impl Standing {
    pub fn of(cx: &Ctx<'_>) -> Self {
        Self { person: cx.actor.person.clone(), roster: cx.roster() }
    }
}

/// Everything about one person.
pub fn of(cx: &Ctx<'_>, person: &Person) -> Vec<Row> {
    let roster = cx.roster();
    let mut rows: Vec<Row> =
        Right::ALL.into_iter().flat_map(|right| of_right(cx, right, &roster, person)).collect();
    for env in cx.policy.environments.values().filter(|env| !env.approvals.is_empty()) {
        let rules: Vec<String> =
            env.approvals.iter().map(|rule| format!("{} of {}", rule.count, rule.from)).collect();
        let mut people: Vec<String> =
            env.approvals.iter().flat_map(|rule| roster.people(&rule.from)).map(str::to_owned).collect();
        people.sort();
        people.dedup();
        rows.push(Row {
            right: "approve".to_owned(),
            place: env.name.to_string(),
            may: env.approvals.iter().any(|rule| roster.has(&rule.from, person)),
            why: format!("[environments.{}] approvals: {}", env.name, rules.join(", ")),
            people,
        });
    }
    rows
}

fn of_right(cx: &Ctx<'_>, right: Right, roster: &Roster, person: &Person) -> Vec<Row> {
    let mut said: Vec<(Ruling, Vec<Place<'_>>)> = Vec::new();
    let places = places(cx, right);
    for place in &places {
        let ruling = cx.policy.ruling(right, *place);
        match said.iter_mut().find(|(known, _)| *known == ruling) {
            Some((_, places)) => places.push(*place),
            None => said.push((ruling, vec![*place])),
        }
    }
    let row = |(ruling, own): (Ruling, Vec<Place<'_>>)| Row {
        right: right.to_string(),
        place: describe(&own, &places),
        may: ruling.allows(roster, person),
        why: why(right, &ruling),
        people: ruling.people(roster),
    };
    said.into_iter().map(row).collect()
}

/// Every place in which a right can be asked about.
fn places<'a>(cx: &Ctx<'a>, right: Right) -> Vec<Place<'a>> {
    let services = cx.policy.services.values();
    match (right.has_environment(), right.has_service()) {
        (false, false) => vec![Place::default()],
        (false, true) => services.map(|service| Place::service(&service.name)).collect(),
        (true, false) => cx.policy.environments.keys().map(Place::environment).collect(),
        (true, true) => {
            let mut places = Vec::new();
            for env in cx.policy.environments.keys() {
                let goes_there = cx.policy.services.values().filter(|service| service.pipeline.contains(env));
                places.extend(goes_there.map(|service| Place::both(&service.name, env)));
            }
            places
        }
    }
}

/// `everywhere`; whole environments by their name; the rest one by one.
fn describe(own: &[Place<'_>], all: &[Place<'_>]) -> String {
    if own.len() == all.len() {
        return "everywhere".to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    for place in own {
        let is_same =
            |other: &&Place<'_>| place.environment.is_some() && other.environment == place.environment;
        let is_whole = all.iter().filter(is_same).count() == own.iter().filter(is_same).count();
        let word = match (place.service, place.environment) {
            (Some(_), Some(env)) if is_whole => env.to_string(),
            (Some(service), Some(env)) => format!("{service} in {env}"),
            (service, env) => {
                let named = service.map(ServiceName::as_str).or(env.map(EnvName::as_str));
                named.unwrap_or_default().to_owned()
            }
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

fn why(right: Right, ruling: &Ruling) -> String {
    let lists: Vec<String> = ruling
        .grants
        .iter()
        .map(|grant| match grant.written().as_slice() {
            [] => format!("{} = nobody", grant.line),
            groups => format!("{} = {}", grant.line, groups.join(", ")),
        })
        .collect();
    if !lists.is_empty() {
        let with = if ruling.right == right { String::new() } else { format!("as {}: ", ruling.right) };
        return format!("{with}{}", lists.join(" and "));
    }
    match ruling.is_open {
        true => "no list says who: everyone may".to_owned(),
        false => "no list gives it to anybody".to_owned(),
    }
}
