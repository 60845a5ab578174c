//! One delivery: leased, told, recorded.

use std::time::Duration;

use crate::domain::event::{self, Event};
use crate::domain::hook::{Delivery, DeliveryState, Hook, NEWS, SAID, Way, pause_after};
use crate::domain::time::{Timestamp, span};
use crate::ops::outside::Told;
use crate::ops::{Ctx, OpError, change};
use crate::store::outbox::{self, Attempt};
use crate::store::{journal, meta};

/// How long beyond its timeout a delivery belongs to who took it.
const GRACE: Duration = Duration::from_secs(30);

/// A delivery that was taken, with everything it needs.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub delivery: Delivery,
    pub hook: Hook,
    pub event: Event,
    /// By whom: the lease.
    by: String,
}

/// Whether it may be tried now.
pub fn is_due(one: &Delivery, now: Timestamp) -> bool {
    one.state == DeliveryState::Pending
        && one.due_at <= now
        && one.leased_until.is_none_or(|until| until <= now)
}

/// Takes the oldest delivery that is due and can be made from here. `who` tells this process from every other one.
pub fn take(cx: &Ctx<'_>, who: &str) -> Result<Option<Parcel>, OpError> {
    let hooks = super::all(cx);
    let pending = cx.store.read(outbox::list_next)?;
    for one in pending.into_iter().filter(|one| is_due(one, cx.now)) {
        let Some(hook) = hooks.iter().find(|hook| hook.key == one.hook) else { continue };
        // Somebody else may have what it needs.
        if cx.machine.outside().lacks(hook).is_some() {
            continue;
        }
        let until = cx.now.plus(hook.timeout + GRACE);
        if !cx.store.write_quietly(|tx| outbox::lease(tx, one.id, who, cx.now, until))? {
            continue;
        }
        let event = cx.store.read(|tx| {
            let store = meta::find(tx, "instance")?.unwrap_or_default();
            let entry = journal::find(tx, one.seq)?;
            let events = entry.map(|entry| event::of(&entry, &store)).unwrap_or_default();
            Ok::<_, OpError>(events.into_iter().find(|event| event.id == one.event))
        })?;
        let delivery = Delivery { attempts: one.attempts + 1, ..one };
        let Some(event) = event else {
            // An entry that tells of it no longer: another relman sorted it out, or somebody wrote into the store.
            let gone =
                Told { delivered: false, outcome: "the journal holds no such event".to_owned(), said: None };
            keep(cx, &delivery, who, DeliveryState::GivenUp, cx.now, &gone)?;
            continue;
        };
        return Ok(Some(Parcel { delivery, hook: hook.clone(), event, by: who.to_owned() }));
    }
    Ok(None)
}

/// Tells it. May take as long as the hook may.
pub fn tell(cx: &Ctx<'_>, parcel: &Parcel) -> Told {
    match parcel.hook.way {
        Way::Change { .. } => change::tell(cx, &parcel.event),
        _ => cx.machine.outside().tell(&parcel.hook, &parcel.event, parcel.delivery.attempts),
    }
}

/// Records what came of it, at the time it has become.
pub fn record(cx: &Ctx<'_>, parcel: &Parcel, told: &Told) -> Result<(), OpError> {
    let (state, due) = match (told.delivered, pause_after(parcel.delivery.attempts)) {
        (true, _) => (DeliveryState::Delivered, cx.now),
        (false, Some(pause)) => (DeliveryState::Pending, cx.now.plus(pause)),
        (false, None) => (DeliveryState::GivenUp, cx.now),
    };
    keep(cx, &parcel.delivery, &parcel.by, state, due, told)
}

fn keep(
    cx: &Ctx<'_>,
    delivery: &Delivery,
    by: &str,
    state: DeliveryState,
    due_at: Timestamp,
    told: &Told,
) -> Result<(), OpError> {
    let outcome = format!("{} (by {} on {})", told.outcome, cx.actor.name(), cx.machine.host());
    let said = told.said.as_deref().map(|said| {
        let safe = crate::domain::text::multi_line(said);
        safe[..safe.floor_char_boundary(SAID)].to_owned()
    });
    let attempt =
        Attempt { id: delivery.id, by, state, due_at, at: cx.now, outcome: &outcome, said: said.as_deref() };
    cx.store.write_quietly(|tx| outbox::record(tx, &attempt))?;
    Ok(())
}

/// When the next delivery that waits for another attempt is due.
pub fn next_due(cx: &Ctx<'_>) -> Result<Option<Timestamp>, OpError> {
    let pending = cx.store.read(outbox::list_next)?;
    let hooks = super::all(cx);
    let outside = cx.machine.outside();
    let is_ours =
        |one: &&Delivery| hooks.iter().any(|hook| hook.key == one.hook && outside.lacks(hook).is_none());
    let due =
        pending.iter().filter(is_ours).map(|one| one.leased_until.unwrap_or(one.due_at).max(one.due_at));
    Ok(due.min())
}

/// What waits for a hook that is not configured any more, or for what nobody here has, is given up after a day.
pub(super) fn give_up_on_the_gone(cx: &Ctx<'_>, hooks: &[Hook]) -> Result<(), OpError> {
    let pending = cx.store.read(outbox::list_next)?;
    let is_gone = |one: &&Delivery| {
        let is_known = hooks.iter().any(|hook| hook.key == one.hook);
        let is_old = one.due_at.plus(NEWS) < cx.now;
        is_old && (!is_known || one.attempts == 0)
    };
    for one in pending.iter().filter(is_gone) {
        let day = span(NEWS);
        let why = match hooks.iter().any(|hook| hook.key == one.hook) {
            false => format!("no hook of this name was configured for {day}"),
            true => format!("nobody who could tell it was there for {day}"),
        };
        cx.store.write_quietly(|tx| outbox::give_up(tx, one.id, cx.now, &why))?;
    }
    Ok(())
}
