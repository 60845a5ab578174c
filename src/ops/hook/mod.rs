//! Hooks: the journal is sorted out into an outbox, and whoever is there tells what is in it.
//!
//! * [`sort`]: what came with the time is put on record, then each new journal entry is put into the outbox of the hooks
//!   that want its events. The cursor of a hook moves in the same transaction, so no event is lost and none is there
//!   twice. Where no hook is configured nothing of this happens.
//! * [`deliver`]: one of those in the outbox is leased, told without a transaction open, and what came of it recorded.
//!   Who dies in between leaves a lease that ends: then it is told once more, with the same id. At least once.

pub mod deliver;
pub mod moments;
pub mod show;

use crate::domain::event;
use crate::domain::hook::{Hook, NEWS, Way};
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, OpError, change};
use crate::store::{Tx, journal, meta, outbox};

/// How many journal entries are sorted out in one transaction.
const PAGE: u32 = 200;
/// How long it is kept that something was delivered.
const KEPT: std::time::Duration = std::time::Duration::from_secs(14 * 86_400);

/// Everybody who is told of something.
pub fn all(cx: &Ctx<'_>) -> Vec<Hook> {
    cx.policy.hooks.list.iter().cloned().chain(change::as_hook(cx)).collect()
}

/// Whether anybody is told of anything.
pub fn is_wanted(cx: &Ctx<'_>) -> bool {
    !cx.policy.hooks.list.is_empty() || cx.policy.change.is_some()
}

/// Notes hooks that are new: they hear of what happens from now on, and of nothing that was before them.
pub fn subscribe(cx: &Ctx<'_>) -> Result<(), OpError> {
    if !is_wanted(cx) {
        return Ok(());
    }
    let hooks = all(cx);
    let is_new = |known: &[outbox::Cursor], hook: &Hook| !known.iter().any(|one| one.hook == hook.key);
    let known = cx.store.read(outbox::cursors)?;
    if !hooks.iter().any(|hook| is_new(&known, hook)) {
        return Ok(());
    }
    cx.store.write_quietly(|tx| {
        let (head, _) = journal::head(tx)?;
        let known = outbox::cursors(tx)?;
        for hook in hooks.iter().filter(|hook| is_new(&known, hook)) {
            outbox::move_on(tx, &hook.key, head, 0)?;
        }
        Ok(())
    })
}

/// Puts what has happened into the outbox of those who want to hear of it; says whether something is due there.
pub fn sort(cx: &Ctx<'_>) -> Result<bool, OpError> {
    // What cannot be noticed keeps nobody from hearing of the rest.
    let noticed = moments::notice(cx);
    if !is_wanted(cx) {
        return noticed.map(|()| false);
    }
    subscribe(cx)?;
    let hooks = all(cx);
    while is_behind(cx, &hooks)? {
        cx.store.write_quietly(|tx| sort_page(tx, cx, &hooks))?;
    }
    deliver::give_up_on_the_gone(cx, &hooks)?;
    let pending = cx.store.read(outbox::list_next)?;
    noticed.map(|()| pending.iter().any(|one| deliver::is_due(one, cx.now)))
}

fn is_behind(cx: &Ctx<'_>, hooks: &[Hook]) -> Result<bool, OpError> {
    cx.store.read(|tx| {
        let (head, _) = journal::head(tx)?;
        let known = outbox::cursors(tx)?;
        Ok(known.iter().any(|one| one.seq < head && hooks.iter().any(|hook| hook.key == one.hook)))
    })
}

fn sort_page(tx: &Tx<'_>, cx: &Ctx<'_>, hooks: &[Hook]) -> Result<(), OpError> {
    let store = meta::find(tx, "instance")?.unwrap_or_default();
    let cursors = outbox::cursors(tx)?;
    let (head, _) = journal::head(tx)?;
    for hook in hooks {
        let Some(cursor) = cursors.iter().find(|one| one.hook == hook.key) else { continue };
        if cursor.seq >= head {
            continue;
        }
        let mut last = cursor.seq;
        let mut passed_over = 0;
        for stored in journal::walk(tx, cursor.seq, PAGE)? {
            last = stored.entry.seq;
            for event in event::of(&stored.entry, &store) {
                if !hook.wants(&event) || (is_ticket(hook) && !change::has_ticket(tx, cx, &event)?) {
                    continue;
                }
                if !is_ticket(hook) && is_old(event.at, cx.now) {
                    passed_over += 1;
                    continue;
                }
                outbox::insert(tx, &hook.key, (&event.id, &event.name), last, cx.now)?;
            }
        }
        outbox::move_on(tx, &hook.key, last, passed_over)?;
    }
    outbox::forget(tx, cx.now.minus(KEPT))?;
    Ok(())
}

/// Whether it is a change ticket that is told.
fn is_ticket(hook: &Hook) -> bool {
    matches!(hook.way, Way::Change { .. })
}

/// What happened so long ago is no news.
fn is_old(at: Timestamp, now: Timestamp) -> bool {
    at.plus(NEWS) < now
}
