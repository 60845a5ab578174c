//! Records test evidence and ticks checklist items.

use crate::domain::checklist::{Answer, Item, Verified, standing};
use crate::domain::digest::Digest;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::release::build::{CHECK, REVIEW};
use crate::domain::release::{Check, Counts, Release, Stage, Tick};
use crate::domain::right::{Place, Right};
use crate::domain::text::{did_you_mean, free, one_line};
use crate::domain::time::{Timestamp, wall};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::journal;

/// The result of a check, and where it comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    pub passed: bool,
    pub note: Option<String>,
    pub counts: Option<Counts>,
    /// A file name or a command; nothing: a person's word.
    pub source: Option<String>,
    /// SHA-256 of the report it was read from.
    pub report: Option<Digest>,
    pub environment: Option<EnvName>,
    /// Until when it counts; nothing: as the configuration says.
    pub expires: Option<Timestamp>,
}

/// Records what a person says of a check.
pub fn record_check(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    name: &str,
    passed: bool,
    note: Option<&str>,
) -> Result<Release, OpError> {
    let note = note.map(ToOwned::to_owned);
    record_evidence(cx, id, name, &Evidence { passed, note, ..Evidence::default() })
}

/// Records the result of a check for what the release is now.
pub fn record_evidence(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    name: &str,
    evidence: &Evidence,
) -> Result<Release, OpError> {
    let note = evidence.note.as_deref().map(|text| free("note", text, 2000)).transpose()?;
    let source = evidence.source.as_deref().map(|text| free("source", text, 300)).transpose()?;
    known_check(cx, name)?;
    if let Some(env) = evidence.environment.as_ref().filter(|env| !cx.policy.environments.contains_key(*env))
    {
        return Err(OpError::not_found(format!("environment {env}")));
    }
    if evidence.expires.is_some_and(|end| end <= cx.now) {
        return Err(OpError::new(ErrorKind::Usage, "that result would count for nothing: its end is past"));
    }
    let ttl = cx.policy.stage(Stage::Test).check_ttl;
    cx.act(Verb::CheckRecorded, id, |tx| {
        cx.may(Right::Evidence, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        let mut release = before.clone();
        let check = Check {
            passed: evidence.passed,
            digest: before.build.digest.clone(),
            content: Some(before.build.content()),
            commit: before.build.commit.clone(),
            by: cx.actor.person.clone(),
            at: cx.now,
            note: note.clone(),
            counts: evidence.counts,
            source: source.clone(),
            report: evidence.report.clone(),
            environment: evidence.environment.as_ref().map(ToString::to_string),
            expires: evidence.expires.or_else(|| ttl.map(|ttl| cx.now.plus(ttl))),
        };
        release.checks.insert(name.to_owned(), check);
        let release = super::save(tx, cx, release)?;
        let entry =
            cx.entry(Verb::CheckRecorded, id).because(note.as_deref()).before(&before).after(&release);
        journal::append(tx, entry)?;
        Ok(release)
    })
}

/// Refuses checks nobody asks for: a name that is misspelt proves nothing.
pub(in crate::ops) fn known_check(cx: &Ctx<'_>, name: &str) -> Result<(), OpError> {
    let rules = cx.policy.stage(Stage::Test);
    // What builds elsewhere, and who has read what is in it, says so by these names, whatever the test stage asks for.
    if matches!(name, CHECK | REVIEW) {
        return Ok(());
    }
    let all: Vec<String> = rules.checks.iter().chain(&rules.allowed_failures).cloned().collect();
    known(&all, name, "check", "[stages.test] checks")
}

/// Ticks an item of the checklist.
pub fn tick(cx: &Ctx<'_>, id: &ReleaseId, item: &str) -> Result<Release, OpError> {
    let rule = known_item(cx, item)?;
    if rule.command.is_some() {
        return Err(OpError::conflict(format!("a command finds out about \"{item}\""))
            .hint(format!("ask it: relman checklist verify {id} \"{item}\"")));
    }
    cx.act(Verb::ChecklistTicked, id, |tx| {
        cx.may(Right::Evidence, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        let stands = standing(rule, &before, cx.now);
        if let Some(tick) = before.ticks.get(item).filter(|_| stands.is_done()) {
            return Err(OpError::conflict(format!(
                "{} ticked \"{item}\" already, {}",
                tick.by.name,
                wall(tick.at, cx.policy.zone)
            )));
        }
        let mut release = before.clone();
        release.ticks.insert(item.to_owned(), Tick { by: cx.actor.person.clone(), at: cx.now });
        let release = super::save(tx, cx, release)?;
        journal::append(tx, cx.entry(Verb::ChecklistTicked, id).before(&before).after(&release))?;
        Ok(release)
    })
}

/// Asks the command of an item, and puts down what it says.
pub fn verify(cx: &Ctx<'_>, id: &ReleaseId, item: &str) -> Result<(Release, Verified), OpError> {
    let rule = known_item(cx, item)?;
    let Some(argv) = &rule.command else {
        return Err(OpError::conflict(format!("no command finds out about \"{item}\""))
            .hint(format!("who has seen that it is so says it: relman checklist tick {id} \"{item}\"")));
    };
    // Before it runs: nobody's command is started for what is refused anyway.
    cx.may(Right::Evidence, Place::service(&id.service))?;
    let service = cx.service(&id.service)?;
    let release = cx.store.read(|tx| super::open_release(tx, id))?;
    let found = cx.machine.outside().verify(service, argv, &release);
    let said =
        free("what it said", &one_line(&found.said), 500).unwrap_or_else(|_| "it said nothing".to_owned());
    let (by, at) = (cx.actor.person.clone(), cx.now);
    let found = Verified { answer: Answer::of(found.code), said, by, at };
    cx.act(Verb::ChecklistTicked, id, |tx| {
        cx.may(Right::Evidence, Place::service(&id.service))?;
        let before = super::open_release(tx, id)?;
        let mut release = before.clone();
        release.verified.insert(item.to_owned(), found.clone());
        let release = super::save(tx, cx, release)?;
        let entry = cx.entry(Verb::ChecklistTicked, id).because(Some(&found.said));
        journal::append(tx, entry.before(&before).after(&release))?;
        Ok((release, found.clone()))
    })
}

fn known_item<'a>(cx: &'a Ctx<'_>, name: &str) -> Result<&'a Item, OpError> {
    let items = &cx.policy.stage(Stage::Prepare).checklist;
    let names: Vec<String> = items.iter().map(|item| item.name.clone()).collect();
    known(&names, name, "checklist item", "[stages.prepare] checklist")?;
    items
        .iter()
        .find(|item| item.name == name)
        .ok_or_else(|| OpError::not_found(format!("checklist item {name}")))
}

pub(super) fn known(list: &[String], name: &str, what: &str, place: &str) -> Result<(), OpError> {
    if list.iter().any(|known| known == name) {
        return Ok(());
    }
    let shown = crate::domain::text::quoted(name, 60);
    let error = OpError::not_found(format!("{what} {shown} in {place}"));
    Err(match did_you_mean(name, list.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None if list.is_empty() => error.hint(format!("the list {place} is empty; add what you need there")),
        None => error.hint(format!("there are: {}", list.join(", "))),
    })
}
