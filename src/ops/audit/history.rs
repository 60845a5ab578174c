//! What a person saw of the journal when they last looked: is it still the beginning of what is there now?
//!
//! A chain alone cannot tell that its newest entries were cut off, or that all of it was computed anew. What somebody
//! remembers elsewhere can.

use serde::{Deserialize, Serialize};

use super::instance;
use crate::domain::digest::hex;
use crate::domain::journal::{Done, Verb};
use crate::domain::text::free;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, journal};

/// The newest entry somebody has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The store it belongs to.
    pub instance: String,
    pub seq: i64,
    /// Hexadecimal.
    pub hash: String,
}

/// How what is there compares with what is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    Same,
    /// It ends before what was seen.
    Shrank {
        newest: i64,
    },
    /// It has another entry in that place.
    Changed,
    /// It is the journal of another store.
    Replaced {
        instance: String,
    },
}

impl Comparison {
    /// What is to be said about it; nothing where all is well.
    pub fn sentence(&self, remembered: &Remembered) -> Option<String> {
        let seq = remembered.seq;
        match self {
            Self::Same => None,
            Self::Shrank { newest } => Some(format!(
                "history shrank since you last looked: you have seen entry {seq}, and the newest one now is {newest}"
            )),
            Self::Changed => Some(format!(
                "history changed since you last looked: entry {seq} is not the one you have seen"
            )),
            Self::Replaced { .. } => Some(format!(
                "history changed since you last looked: another store lies in this place; you have seen entry {seq} of the former one"
            )),
        }
    }
}

/// What the journal itself says of a restore, where there was one: a reason, no proof.
fn restored(tx: &Tx<'_>, instance: &str) -> Result<String, OpError> {
    let newest = journal::list_about(tx, instance, 1)?.into_iter().next();
    let restored = newest.filter(|entry| entry.verb == Verb::StoreRestored.as_str());
    let said = restored.and_then(|entry| {
        let body = entry.parsed().filter(|body| body.result == Done::Done)?;
        let why = body.reason.clone().unwrap_or_default();
        Some(format!("; a backup was restored by {} (entry {}: {why})", body.actor.name(), entry.seq))
    });
    Ok(said.unwrap_or_default())
}

/// What is to be said to somebody who has seen this much; nothing where all is well.
pub fn doubt(tx: &Tx<'_>, remembered: &Remembered) -> Result<Option<String>, OpError> {
    let Some(sentence) = compare(tx, remembered)?.sentence(remembered) else { return Ok(None) };
    Ok(Some(format!("{sentence}{}", restored(tx, &instance(tx)?)?)))
}

/// One look at one place of the journal.
pub fn compare(tx: &Tx<'_>, remembered: &Remembered) -> Result<Comparison, OpError> {
    let instance = instance(tx)?;
    if instance != remembered.instance {
        return Ok(Comparison::Replaced { instance });
    }
    Ok(match journal::hash_of(tx, remembered.seq)? {
        Some(hash) if hash == remembered.hash => Comparison::Same,
        Some(_) => Comparison::Changed,
        None => match journal::head(tx)?.0 {
            newest if newest < remembered.seq => Comparison::Shrank { newest },
            _ => Comparison::Changed,
        },
    })
}

/// The newest entry as it will be remembered.
pub fn newest(cx: &Ctx<'_>) -> Result<Remembered, OpError> {
    cx.store.read(|tx| {
        let (seq, hash) = journal::head(tx)?;
        Ok(Remembered { instance: instance(tx)?, seq, hash: hex(&hash) })
    })
}

#[derive(Serialize)]
struct Accepted<'a> {
    remembered: Option<&'a Remembered>,
    found: Remembered,
}

/// A person takes the history as it is now for the right one, after a restore for example. That is on record, with what
/// they had seen before.
pub fn accept(cx: &Ctx<'_>, remembered: Option<&Remembered>, reason: &str) -> Result<Remembered, OpError> {
    let reason = free("reason", reason, 2000)?;
    cx.act(Verb::HistoryAccepted, "journal", |tx| {
        let same = match remembered {
            Some(remembered) => compare(tx, remembered)? == Comparison::Same,
            None => true,
        };
        if same {
            return Err(OpError::conflict(
                "there is nothing to accept: the history is the one you have seen",
            ));
        }
        let (seq, hash) = journal::head(tx)?;
        let found = Remembered { instance: instance(tx)?, seq, hash: hex(&hash) };
        let entry = cx.entry(Verb::HistoryAccepted, "journal").because(Some(&reason));
        journal::append(tx, entry.detail(&Accepted { remembered, found }))?;
        let (seq, hash) = journal::head(tx)?;
        Ok(Remembered { instance: instance(tx)?, seq, hash: hex(&hash) })
    })
}
