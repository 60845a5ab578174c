//! Under which configuration a store is used: remembered in the store, so that another one does not go unnoticed.
//!
//! Whoever may write the store may also change this memory; what they cannot do is use the store through relman under
//! rules of their own without an entry in the journal. That is all that can be had without a boundary (RELIABILITY 2).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ctx, ErrorKind, OpError};
use crate::domain::actor::{Actor, Members};
use crate::domain::difference::{Difference, differences};
use crate::domain::digest::Digest;
use crate::domain::journal::{Body, NewEntry, Verb};
use crate::domain::policy::Policy;
use crate::domain::rules::{self, Confirmed, Standing};
use crate::domain::text::free;
use crate::domain::time::Timestamp;
use crate::store::{Store, Tx, journal, meta};

/// A configuration file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesFile {
    /// Absolute and without symbolic links.
    pub path: PathBuf,
    pub digest: Digest,
    /// User id of its owner.
    pub owner: u32,
}

/// What the person may do about another file than the one that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// The store is theirs alone: any file of theirs will do.
    Own,
    /// Others share it: only the same file.
    Shared,
    /// They look after the shared store and said that this is the file from now on.
    Adopts,
}

const KEY: &str = "configuration";
/// What the journal calls it.
const SUBJECT: &str = "relman.toml";

fn remembered(tx: &Tx<'_>) -> Result<Option<RulesFile>, OpError> {
    Ok(meta::find(tx, KEY)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The configuration under which the store was used last.
pub fn last(store: &Store) -> Result<Option<RulesFile>, OpError> {
    store.read(remembered)
}

/// Notices another configuration than the last time. Says whether it was another one.
pub fn notice(
    store: &Store,
    actor: &Actor,
    now: Timestamp,
    file: &RulesFile,
    policy: &Policy,
    say: Say,
) -> Result<bool, OpError> {
    // Nearly always nothing has changed: that must keep nobody from writing.
    let known = store.read(remembered)?;
    if known.as_ref() == Some(file) {
        return Ok(false);
    }
    match put_on_record(store, actor, now, file, policy, say) {
        // Somebody holds the store or its disk is full: looking goes on, and whoever comes next notices. A no stays one.
        Err(error) if error.kind != ErrorKind::NotPermitted && say != Say::Adopts => {
            let other = known.filter(|known| known.path != file.path && say == Say::Shared);
            other.map_or(Ok(true), |known| Err(stranger(&known.path, &file.path)))
        }
        recorded => recorded,
    }
}

fn put_on_record(
    store: &Store,
    actor: &Actor,
    now: Timestamp,
    file: &RulesFile,
    policy: &Policy,
    say: Say,
) -> Result<bool, OpError> {
    let refused = store.write_quietly(|tx| {
        let before = remembered(tx)?;
        if before.as_ref() == Some(file) {
            return Ok::<_, OpError>(None);
        }
        let entry = NewEntry::new(now, actor, Verb::ConfigChanged, SUBJECT);
        if let Some(known) = before.as_ref().filter(|known| known.path != file.path && say == Say::Shared) {
            let error = stranger(&known.path, &file.path);
            journal::append(tx, entry.refused(&error.sentence).before(known).after(file))?;
            return Ok(Some(error));
        }
        let is_new_store = before.is_none() && journal::head(tx)?.0 <= 1;
        meta::put(tx, KEY, &serde_json::to_string(file).unwrap_or_default())?;
        if !is_new_store {
            let entry = match &before {
                Some(known) => entry.because(Some(&difference(known, file))).before(known),
                None => entry.because(Some("the first one that is remembered")),
            };
            journal::append(tx, entry.after(file).detail(&InForce::of(policy)))?;
        }
        Ok(None)
    })?;
    refused.map_or(Ok(true), Err)
}

/// What an entry about the configuration keeps of the rules: what was in force from then on.
#[derive(Serialize, Deserialize)]
struct InForce {
    rules: Value,
}

impl InForce {
    fn of(policy: &Policy) -> Self {
        Self { rules: rules::told(policy) }
    }

    fn in_body(body: &Body) -> Option<Value> {
        let kept: Self = serde_json::from_value(body.detail.clone()?).ok()?;
        Some(kept.rules)
    }
}

/// The newest thing done about the configuration before the entry `before` (nothing: up to now).
fn newest(
    tx: &Tx<'_>,
    verbs: [Verb; 2],
    before: Option<i64>,
) -> Result<Option<(i64, Timestamp, Body)>, OpError> {
    let entry = journal::find_done(tx, SUBJECT, verbs, before)?;
    Ok(entry.and_then(|entry| Some((entry.seq, entry.at, entry.parsed()?))))
}

const CHANGED: [Verb; 2] = [Verb::ConfigChanged; 2];
const CONFIRMED: [Verb; 2] = [Verb::ConfigConfirmed; 2];
const EITHER: [Verb; 2] = [Verb::ConfigChanged, Verb::ConfigConfirmed];

/// Who stands by the rules in force; nothing: they need no second person. What was confirmed last says who may confirm what
/// comes after it: no file appoints whoever confirms it.
pub fn standing(tx: &Tx<'_>, cx: &Ctx<'_>) -> Result<Option<Standing>, OpError> {
    let is_asked = !cx.policy.confirm_rules.is_empty();
    let confirmed = newest(tx, CONFIRMED, None)?.and_then(|(_, at, body)| {
        let confirmed: Confirmed = serde_json::from_value(body.after?).ok()?;
        Some((confirmed, body.actor.person.human().to_owned(), at))
    });
    let by = match &confirmed {
        Some((confirmed, ..)) if !confirmed.by.is_empty() => confirmed.by.clone(),
        _ if is_asked => named(cx.policy),
        _ => return Ok(None),
    };
    let file = remembered(tx)?;
    let is_current = |digest: &Digest| file.as_ref().is_some_and(|file| file.digest == *digest);
    let brought = newest(tx, CHANGED, None)?.and_then(|(_, at, body)| {
        let after: RulesFile = serde_json::from_value(body.after?).ok()?;
        is_current(&after.digest).then_some((body.actor.person, at))
    });
    let confirmed = confirmed.filter(|(confirmed, ..)| is_current(&confirmed.digest));
    Ok(Some(Standing {
        people: people(cx, &by),
        by,
        confirmed: confirmed.map(|(_, by, at)| (by, at)),
        brought,
        owner: file.map_or(0, |file| file.owner),
    }))
}

/// The members of the groups that confirm, as they are written.
fn named(policy: &Policy) -> Vec<String> {
    let groups = policy.confirm_rules.iter().filter_map(|group| policy.groups.get(group));
    let mut all: Vec<String> = groups.flatten().map(ToString::to_string).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn people(cx: &Ctx<'_>, by: &[String]) -> Members {
    let mut members = Members::default();
    for one in by {
        match one.strip_prefix('%') {
            Some(group) => members.names.extend(cx.machine.unix_members(group)),
            None if one == "*" => members.everyone = true,
            None => drop(members.names.insert(one.clone())),
        }
    }
    members
}

/// How the rules in force differ from those that were confirmed last, else from those before the last change; nothing: no
/// earlier ones were kept.
pub fn changes(cx: &Ctx<'_>) -> Result<Option<Vec<Difference>>, OpError> {
    let before = cx.store.read(|tx| match newest(tx, CONFIRMED, None)? {
        Some((.., body)) => Ok::<_, OpError>(InForce::in_body(&body)),
        None => {
            let last = newest(tx, CHANGED, None)?;
            let earlier = last.map(|(seq, ..)| newest(tx, CHANGED, Some(seq))).transpose()?.flatten();
            Ok(earlier.and_then(|(.., body)| InForce::in_body(&body)))
        }
    })?;
    Ok(before.map(|before| differences(&before, &rules::told(cx.policy))))
}

/// What an entry about the configuration changed in the rules, where the one before it kept them.
pub fn changed_by(cx: &Ctx<'_>, seq: i64) -> Result<Vec<Difference>, OpError> {
    cx.store.read(|tx| {
        let after = journal::find(tx, seq)?.and_then(|entry| InForce::in_body(&entry.parsed()?));
        let before = newest(tx, EITHER, Some(seq))?.and_then(|(.., body)| InForce::in_body(&body));
        Ok(before.zip(after).map(|(before, after)| differences(&before, &after)).unwrap_or_default())
    })
}

/// Says that one stands by the rules in force. They count in production from then on.
pub fn confirm(cx: &Ctx<'_>, reason: Option<&str>) -> Result<Confirmed, OpError> {
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    cx.act(Verb::ConfigConfirmed, SUBJECT, |tx| {
        let Some(standing) = standing(tx, cx)? else {
            return Err(OpError::conflict("these rules need no second person")
                .hint("name who confirms them: confirm-rules = [\"GROUP\"] in [relman]"));
        };
        if let Some((by, at)) = &standing.confirmed {
            let at = crate::domain::time::wall(*at, cx.policy.zone);
            return Err(OpError::conflict(format!("{by} has confirmed them {at}")));
        }
        if let Some(why) = standing.bars(&cx.actor.person) {
            let others = standing.candidates();
            let others: Vec<String> =
                others.into_iter().filter(|name| !cx.actor.person.is_called(name)).collect();
            let error = OpError::new(ErrorKind::NotPermitted, format!("the rules are not confirmed: {why}"));
            return Err(match others.as_slice() {
                [] => error.hint("add people to the group that confirms rules, and let them confirm it"),
                others => error.hint(format!("ask {}", crate::domain::text::any_of(others))),
            });
        }
        let Some(file) = remembered(tx)? else {
            return Err(OpError::conflict("which file is used here is not on record yet")
                .hint("look again: relman config diff"));
        };
        let confirmed = Confirmed { file: file.path, digest: file.digest, by: named(cx.policy) };
        let entry = cx.entry(Verb::ConfigConfirmed, SUBJECT).because(reason.as_deref());
        journal::append(tx, entry.after(&confirmed).detail(&InForce::of(cx.policy)))?;
        Ok(confirmed)
    })
}

fn difference(known: &RulesFile, file: &RulesFile) -> String {
    let mut said = Vec::new();
    if known.path != file.path {
        said.push(format!("{} instead of {}", file.path.display(), known.path.display()));
    }
    if known.digest != file.digest {
        said.push("its content is another one".to_owned());
    }
    if known.owner != file.owner {
        said.push(format!("it belongs to user id {}, no longer to {}", file.owner, known.owner));
    }
    said.join("; ")
}

fn stranger(known: &Path, file: &Path) -> OpError {
    let (known, file) = (known.display(), file.display());
    OpError::new(
        ErrorKind::NotPermitted,
        format!(
            "this store is shared and used under {known}; {file} would be other rules for the same releases"
        ),
    )
    .hint(format!("use the same: relman --config {known}"))
    .hint(format!(
        "if it has moved, whoever owns the state directory says so: relman --config {file} config adopt"
    ))
}
