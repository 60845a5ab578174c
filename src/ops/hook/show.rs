//! What hooks there are, what they were told and what not; and another attempt.

use serde::Serialize;

use crate::domain::event::{self, Event};
use crate::domain::hook::{Delivery, Hook};
use crate::domain::journal::Verb;
use crate::domain::right::{Place, Right};
use crate::ops::{Ctx, OpError};
use crate::store::outbox;
use crate::store::{journal, meta};

/// A hook and how it stands with it.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    pub hook: String,
    pub events: Vec<String>,
    /// What it runs or where it sends to.
    pub target: String,
    pub pending: usize,
    pub given_up: usize,
    /// Events that were too old to be sent when somebody came to sort them out.
    pub passed_over: u64,
    /// What it needs and does not find here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// The newest delivery that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Delivery>,
}

/// Every hook of the configuration.
pub fn hooks(cx: &Ctx<'_>) -> Result<Vec<Standing>, OpError> {
    let (cursors, pending, given_up, newest) = cx.store.read(|tx| {
        Ok::<_, OpError>((
            outbox::cursors(tx)?,
            outbox::list_pending(tx)?,
            outbox::list_given_up(tx)?,
            outbox::list(tx, 500)?,
        ))
    })?;
    let standing = |hook: Hook| {
        let own = |one: &&Delivery| one.hook == hook.key;
        Standing {
            events: hook.events.clone(),
            target: hook.target(),
            pending: pending.iter().filter(own).count(),
            given_up: given_up.iter().filter(own).count(),
            passed_over: cursors.iter().find(|one| one.hook == hook.key).map_or(0, |one| one.passed_over),
            lacks: cx.machine.outside().lacks(&hook),
            last: newest.iter().filter(|one| one.ended_at.is_some()).find(own).cloned(),
            hook: hook.key.clone(),
        }
    };
    Ok(super::all(cx).into_iter().map(standing).collect())
}

/// The newest deliveries.
pub fn deliveries(cx: &Ctx<'_>, limit: u32) -> Result<Vec<Delivery>, OpError> {
    Ok(cx.store.read(|tx| outbox::list(tx, limit))?)
}

/// What could not be told for good, newest first.
pub fn given_up(cx: &Ctx<'_>) -> Result<Vec<Delivery>, OpError> {
    Ok(cx.store.read(outbox::list_given_up)?)
}

/// One delivery with the event as it is sent.
pub fn delivery(cx: &Ctx<'_>, id: i64) -> Result<(Delivery, Option<Event>), OpError> {
    cx.store.read(|tx| {
        let delivery = outbox::find(tx, id)?.ok_or_else(|| unknown(id))?;
        let store = meta::find(tx, "instance")?.unwrap_or_default();
        let events = journal::find(tx, delivery.seq)?.map(|entry| event::of(&entry, &store));
        let event = events.unwrap_or_default().into_iter().find(|event| event.id == delivery.event);
        Ok((delivery, event))
    })
}

/// Lets a delivery begin anew, or all that were given up. Returns how many.
pub fn retry(cx: &Ctx<'_>, id: Option<i64>) -> Result<usize, OpError> {
    let which = id.map_or_else(|| "all that were given up".to_owned(), |id| id.to_string());
    cx.act(Verb::DeliveryRetried, &which, |tx| {
        cx.may(Right::Administer, Place::default())?;
        let wanted = match id {
            Some(id) => vec![outbox::find(tx, id)?.ok_or_else(|| unknown(id))?],
            None => outbox::list_given_up(tx)?,
        };
        let mut begun = Vec::new();
        for one in wanted {
            if outbox::again(tx, one.id, cx.now)? {
                begun.push(one.id);
            }
        }
        if begun.is_empty() {
            return Err(match id {
                Some(_) => OpError::conflict("it is being told right now"),
                None => OpError::conflict("nothing was given up"),
            }
            .hint("see how each stands: relman hooks deliveries"));
        }
        journal::append(tx, cx.entry(Verb::DeliveryRetried, &which).detail(&begun))?;
        Ok(begun.len())
    })
}

fn unknown(id: i64) -> OpError {
    OpError::not_found(format!("delivery {id}")).hint("list them with: relman hooks deliveries")
}
