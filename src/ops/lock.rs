//! Verbs on locks: set, edit, lift; and the one a rollback leaves behind.

use serde::Serialize;

use crate::domain::actor::Person;
use crate::domain::deployment::Deployment;
use crate::domain::freeze::Scope;
use crate::domain::hold::FollowUp;
use crate::domain::ids::{DeploymentId, LockId, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::lock::{Lock, LockKind};
use crate::domain::right::Right;
use crate::domain::text::free;
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, journal, locks, pending};

/// A lock to be set.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLock {
    pub kind: LockKind,
    pub scope: Scope,
    pub reason: String,
    pub expires: Option<Timestamp>,
}

/// The new lock, what goes on in its scope whatever it says, and what it will keep waiting.
#[derive(Debug, Clone, Serialize)]
pub struct Set {
    pub lock: Lock,
    pub still_running: Vec<Deployment>,
    pub kept_waiting: Vec<Deployment>,
}

/// Sets a lock. It stops what has not begun, also what was asked for before it (FRZ-17).
pub fn set(cx: &Ctx<'_>, new: &NewLock) -> Result<Set, OpError> {
    let lock = Lock {
        id: LockId(0),
        kind: new.kind,
        scope: new.scope.clone(),
        reason: free("reason", &new.reason, Lock::REASON)?,
        by: cx.actor.person.clone(),
        since: cx.now,
        expires: new.expires,
    };
    ends_later(new.expires, cx.now)?;
    if let Some(why) = cx.policy.misfit(&lock.scope) {
        return Err(OpError::new(ErrorKind::Usage, why)
            .hint("name what relman.toml names, or use a pattern: * for all"));
    }
    cx.act(Verb::LockSet, lock.scope.describe(), |tx| {
        cx.may_in(Right::Lock, &lock.scope)?;
        let mine =
            |known: &Lock| known.scope == lock.scope && known.kind == lock.kind && is_own(known, &lock.by);
        if let Some(known) = locks::list_standing(tx, cx.now)?.into_iter().find(mine) {
            return Err(OpError::conflict(format!(
                "you locked {} already ({})",
                known.scope.describe(),
                known.id
            ))
            .hint(format!("change its reason or end: relman lock edit {} --reason \"…\"", known.id)));
        }
        let id = locks::insert(tx, &lock)?;
        let lock = Lock { id, ..lock.clone() };
        let entry = cx.entry(Verb::LockSet, id).because(Some(&lock.reason)).after(&lock);
        journal::append(tx, entry)?;
        let covered = |d: &Deployment| lock.scope.covers(&d.release.service, &d.environment);
        let running = crate::store::deployments::list_active(tx)?;
        Ok(Set {
            still_running: running.into_iter().filter(|d| d.state.is_live() && covered(d)).collect(),
            kept_waiting: pending::list(tx)?
                .into_iter()
                .filter(|d| covered(d) && lock.stops(&d.started_by, true))
                .collect(),
            lock,
        })
    })
}

fn is_own(lock: &Lock, person: &Person) -> bool {
    lock.by.human() == person.human()
}

fn ends_later(expires: Option<Timestamp>, now: Timestamp) -> Result<(), OpError> {
    if expires.is_some_and(|end| end <= now) {
        return Err(OpError::new(ErrorKind::Usage, "the lock would be over before it began")
            .hint("give an end in the future, or none"));
    }
    Ok(())
}

fn known(tx: &Tx<'_>, cx: &Ctx<'_>, id: LockId) -> Result<Lock, OpError> {
    locks::list_standing(tx, cx.now)?.into_iter().find(|lock| lock.id == id).ok_or_else(|| {
        OpError::not_found(format!("lock {id} (any more)")).hint("see what stands: relman lock list")
    })
}

/// What is to be changed about a lock.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EditLock {
    pub reason: Option<String>,
    /// `Some(None)`: it stands until somebody lifts it.
    pub expires: Option<Option<Timestamp>>,
}

/// Changes reason or end without unlocking (FRZ-16).
pub fn edit(cx: &Ctx<'_>, id: LockId, edit: &EditLock) -> Result<Lock, OpError> {
    let reason = edit.reason.as_deref().map(|text| free("reason", text, Lock::REASON)).transpose()?;
    ends_later(edit.expires.flatten(), cx.now)?;
    cx.act(Verb::LockEdited, id, |tx| {
        let before = known(tx, cx, id)?;
        cx.may_in(Right::Lock, &before.scope)?;
        let after = Lock {
            reason: reason.clone().unwrap_or_else(|| before.reason.clone()),
            expires: edit.expires.unwrap_or(before.expires),
            ..before.clone()
        };
        locks::update(tx, &after)?;
        let entry = cx.entry(Verb::LockEdited, id).because(reason.as_deref());
        journal::append(tx, entry.before(&before).after(&after))?;
        Ok(after)
    })
}

/// Lifts a lock: whoever set it, and whoever may lock there, because the owner may be asleep.
pub fn lift(cx: &Ctx<'_>, id: LockId, reason: Option<&str>) -> Result<Lock, OpError> {
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    cx.act(Verb::LockLifted, id, |tx| {
        let before = known(tx, cx, id)?;
        if !is_own(&before, &cx.actor.person) {
            cx.may_in(Right::Lock, &before.scope)?;
        }
        locks::end(tx, id, cx.actor.name(), cx.now)?;
        let entry = cx.entry(Verb::LockLifted, id).because(reason.as_deref()).before(&before);
        journal::append(tx, entry)?;
        Ok(before)
    })
}

/// Every lock that stands, oldest first.
pub fn list(cx: &Ctx<'_>) -> Result<Vec<Lock>, OpError> {
    Ok(cx.store.read(|tx| locks::list_standing(tx, cx.now))?)
}

/// A rollback holds everything that would begin by itself where it goes, until somebody says that its cause has been
/// dealt with (RBK-4, PIP-7).
pub(in crate::ops) fn hold_automation(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    rollback: &Deployment,
    reason: &str,
) -> Result<(), OpError> {
    let reason = format!("{} went back to {}: {reason}", rollback.id, rollback.release.version);
    hold(tx, cx, rollback, &cx.actor.person, reason)
}

/// The same before a rollback that is to follow the end of `ended`: nothing may slip in between the two.
pub(in crate::ops) fn hold_for_follow_up(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    ended: &Deployment,
    wanted: &FollowUp,
) -> Result<(), OpError> {
    let reason = format!("{} of {} is taken back: {}", ended.id, ended.release, wanted.reason);
    hold(tx, cx, ended, &wanted.by, reason)
}

/// The same after a failure, where the environment asks for it: what waits there must not begin on top of it.
pub(in crate::ops) fn hold_after_failure(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    failed: &Deployment,
) -> Result<(), OpError> {
    let env = cx.policy.environments.get(&failed.environment);
    if failed.claimed_at.is_none() || !env.is_some_and(|env| env.holds_after_failure) {
        return Ok(());
    }
    let reason = format!("{} of {} failed here; look at it first", failed.id, failed.release);
    hold(tx, cx, failed, &failed.started_by, reason)
}

/// The same where somebody put something else there than what would have gone by itself: that would take it away again
/// (PIP-7).
pub(in crate::ops) fn hold_for_choice(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    chosen: &Deployment,
    instead_of: &ReleaseId,
) -> Result<(), OpError> {
    let who = &chosen.started_by;
    let reason =
        format!("{} put {} here by hand, not {}", chosen.id, chosen.release.version, instead_of.version);
    hold(tx, cx, chosen, who, reason)
}

fn hold(tx: &Tx<'_>, cx: &Ctx<'_>, at: &Deployment, by: &Person, reason: String) -> Result<(), OpError> {
    let scope = Scope {
        services: vec![at.release.service.to_string()],
        environments: vec![at.environment.to_string()],
    };
    for lock in locks::list_standing(tx, cx.now)? {
        // One that ends by itself, or at the word of whoever set it, says nothing about when this may.
        let is_such = lock.kind == LockKind::Automation && lock.scope == scope && lock.expires.is_none();
        if is_such && is_left_behind(tx, &lock)? {
            return Ok(());
        }
    }
    let lock = Lock {
        id: LockId(0),
        kind: LockKind::Automation,
        scope: scope.clone(),
        reason,
        by: by.clone(),
        since: cx.now,
        expires: None,
    };
    let id = locks::insert(tx, &lock)?;
    let lock = Lock { id, ..lock };
    let entry = cx.entry(Verb::LockSet, id).because(Some(&lock.reason)).after(&lock);
    journal::append(tx, entry.detail(&LeftBy { left_by: at.id }))?;
    Ok(())
}

/// What the entry of a lock says that no person set: what left it behind.
#[derive(Serialize)]
struct LeftBy {
    left_by: DeploymentId,
}

/// Whether a deployment left the lock behind, and no person set it. The entry that set it says so, and nobody changes that
/// any more. The lock itself cannot tell: it is held in a person's name either way, and people may edit its reason and end.
fn is_left_behind(tx: &Tx<'_>, lock: &Lock) -> Result<bool, OpError> {
    let set =
        journal::find_first(tx, &lock.id.to_string())?.filter(|entry| entry.verb == Verb::LockSet.as_str());
    let Some(body) = set.and_then(|entry| entry.parsed()) else { return Ok(false) };
    // Older relmans wrote no such detail; what they left behind says so in words.
    let reason = body.reason.unwrap_or_default();
    let reads_so = reason.starts_with('#')
        && (reason.contains(" went back to ") || reason.ends_with(" failed here; look at it first"));
    Ok(match body.detail {
        Some(detail) => detail.get("left_by").is_some(),
        None => reads_so,
    })
}

/// A deployment that a person started and that came to its end says that automation may go on there, as far as
/// earlier deployments have stopped it. What a person locked, a person unlocks.
pub(in crate::ops) fn release_automation(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    good: &Deployment,
) -> Result<(), OpError> {
    if good.rescue || !good.is_by_hand() {
        return Ok(());
    }
    let only_here = Scope {
        services: vec![good.release.service.to_string()],
        environments: vec![good.environment.to_string()],
    };
    for lock in locks::list_standing(tx, cx.now)? {
        if lock.kind == LockKind::Automation && lock.scope == only_here && is_left_behind(tx, &lock)? {
            let why = format!("{} was deployed by hand and is good", good.id);
            locks::end(tx, lock.id, &good.started_by.name, cx.now)?;
            journal::append(tx, cx.entry(Verb::LockLifted, lock.id).because(Some(&why)).before(&lock))?;
        }
    }
    Ok(())
}
