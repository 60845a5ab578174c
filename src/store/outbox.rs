//! Rows ↔ [`Delivery`]; how far the journal has been sorted out for each hook.

use super::value::text;
use super::{Row, StoreError, Tx};
use crate::domain::hook::{Delivery, DeliveryState};
use crate::domain::time::Timestamp;

/// How far the journal has been sorted out for a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub hook: String,
    pub seq: i64,
    /// Events that were too old to be sent.
    pub passed_over: u64,
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.int("id")?,
        hook: row.text("hook")?,
        seq: row.int("seq")?,
        event: row.text("event")?,
        name: row.text("name")?,
        queued_at: row.parse("queued_at")?,
        state: row.parse("state")?,
        attempts: super::value::small("attempts", row.int("attempts")?)?,
        due_at: row.parse("due_at")?,
        leased_until: row.opt_parse("leased_until")?,
        leased_by: row.opt_text("leased_by")?,
        ended_at: row.opt_parse("ended_at")?,
        outcome: row.opt_text("outcome")?,
        said: row.opt_text("said")?,
    })
}

/// Every hook that was ever sorted out for.
pub fn cursors(tx: &Tx<'_>) -> Result<Vec<Cursor>, StoreError> {
    tx.query("SELECT * FROM hook_cursors ORDER BY hook", &[], |row| {
        Ok(Cursor { hook: row.text("hook")?, seq: row.int("seq")?, passed_over: row.size("passed_over")? })
    })
}

/// Moves a cursor on, never back: what was sorted out once is not sorted out again.
pub fn move_on(tx: &Tx<'_>, hook: &str, seq: i64, passed_over: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO hook_cursors (hook, seq, passed_over) VALUES (?1, ?2, ?3)
         ON CONFLICT (hook) DO UPDATE SET seq = excluded.seq,
             passed_over = hook_cursors.passed_over + excluded.passed_over
         WHERE hook_cursors.seq < excluded.seq",
        &[hook.into(), seq.into(), passed_over.into()],
    )
    .map(drop)
}

/// Puts an event into the outbox of a hook; one that is there already stays as it is. Says whether it was new.
pub fn insert(
    tx: &Tx<'_>,
    hook: &str,
    event: (&str, &str),
    seq: i64,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (id, name) = event;
    let rows = tx.execute(
        "INSERT INTO hook_deliveries (hook, seq, event, name, queued_at, state, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?5) ON CONFLICT (hook, event) DO NOTHING",
        &[hook.into(), seq.into(), id.into(), name.into(), text(at)],
    )?;
    Ok(rows == 1)
}

/// What waits to be told, the oldest first.
pub fn list_pending(tx: &Tx<'_>) -> Result<Vec<Delivery>, StoreError> {
    tx.query("SELECT * FROM hook_deliveries WHERE state = 'pending' ORDER BY id", &[], delivery)
}

/// The same without what comes after another one that waits for the same hook about the same thing: what happened first
/// is told first.
pub fn list_next(tx: &Tx<'_>) -> Result<Vec<Delivery>, StoreError> {
    tx.query(
        "SELECT * FROM hook_deliveries WHERE state = 'pending'
           AND NOT EXISTS (SELECT 1 FROM hook_deliveries earlier
                           JOIN journal own ON own.seq = hook_deliveries.seq
                           JOIN journal first ON first.seq = earlier.seq AND first.subject = own.subject
                           WHERE earlier.hook = hook_deliveries.hook AND earlier.state = 'pending'
                             AND earlier.id < hook_deliveries.id)
         ORDER BY id",
        &[],
        delivery,
    )
}

/// What was given up and not tried again, the newest first.
pub fn list_given_up(tx: &Tx<'_>) -> Result<Vec<Delivery>, StoreError> {
    tx.query("SELECT * FROM hook_deliveries WHERE state = 'given-up' ORDER BY id DESC", &[], delivery)
}

/// Deliveries of any state, the newest first.
pub fn list(tx: &Tx<'_>, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    tx.query("SELECT * FROM hook_deliveries ORDER BY id DESC LIMIT ?1", &[i64::from(limit).into()], delivery)
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Delivery>, StoreError> {
    tx.query_opt("SELECT * FROM hook_deliveries WHERE id = ?1", &[id.into()], delivery)
}

/// Takes a delivery for so long, if it is due, nobody has it, nobody is at another one of the same hook and none before it
/// about the same thing still waits: what is told to one is told in order. Says whether it was got.
pub fn lease(tx: &Tx<'_>, id: i64, by: &str, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE hook_deliveries SET leased_by = ?2, leased_until = ?4, attempts = attempts + 1
         WHERE id = ?1 AND state = 'pending' AND due_at <= ?3 AND (leased_until IS NULL OR leased_until <= ?3)
           AND NOT EXISTS (SELECT 1 FROM hook_deliveries other
                           WHERE other.hook = hook_deliveries.hook AND other.state = 'pending'
                             AND other.leased_until > ?3)
           AND NOT EXISTS (SELECT 1 FROM hook_deliveries earlier
                           JOIN journal own ON own.seq = hook_deliveries.seq
                           JOIN journal first ON first.seq = earlier.seq AND first.subject = own.subject
                           WHERE earlier.hook = hook_deliveries.hook AND earlier.state = 'pending'
                             AND earlier.id < hook_deliveries.id)",
        &[id.into(), by.into(), text(now), text(until)],
    )?;
    Ok(rows == 1)
}

/// How an attempt ended.
pub struct Attempt<'a> {
    pub id: i64,
    /// Whose lease it was.
    pub by: &'a str,
    pub state: DeliveryState,
    /// When it is tried again, while it is pending.
    pub due_at: Timestamp,
    pub at: Timestamp,
    pub outcome: &'a str,
    pub said: Option<&'a str>,
}

/// Records it, if the lease is still its own. A delivery that somebody else took over meanwhile is theirs.
pub fn record(tx: &Tx<'_>, attempt: &Attempt<'_>) -> Result<bool, StoreError> {
    let ended = (attempt.state != DeliveryState::Pending).then_some(attempt.at);
    let rows = tx.execute(
        "UPDATE hook_deliveries SET state = ?3, due_at = ?4, ended_at = ?5, outcome = ?6, said = ?7,
             leased_by = NULL, leased_until = NULL
         WHERE id = ?1 AND state = 'pending' AND leased_by = ?2",
        &[
            attempt.id.into(),
            attempt.by.into(),
            text(attempt.state),
            text(attempt.due_at),
            super::value::opt_text(ended),
            attempt.outcome.into(),
            attempt.said.map(str::to_owned).into(),
        ],
    )?;
    if rows == 1 && ended.is_some() {
        let_on(tx, attempt.id, attempt.at)?;
    }
    Ok(rows == 1)
}

/// What was held back by a delivery that has ended is due from then on: it has waited for nobody until now.
fn let_on(tx: &Tx<'_>, ended: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE hook_deliveries SET due_at = ?2
         WHERE state = 'pending' AND attempts = 0 AND due_at < ?2 AND id > ?1
           AND EXISTS (SELECT 1 FROM hook_deliveries first
                       JOIN journal own ON own.seq = hook_deliveries.seq
                       JOIN journal before ON before.seq = first.seq AND before.subject = own.subject
                       WHERE first.id = ?1 AND first.hook = hook_deliveries.hook)",
        &[ended.into(), text(at)],
    )
    .map(drop)
}

/// Gives up what nobody is at; says whether it was pending.
pub fn give_up(tx: &Tx<'_>, id: i64, at: Timestamp, outcome: &str) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE hook_deliveries SET state = 'given-up', ended_at = ?2, outcome = ?3, leased_by = NULL,
             leased_until = NULL
         WHERE id = ?1 AND state = 'pending' AND (leased_until IS NULL OR leased_until <= ?2)",
        &[id.into(), text(at), outcome.into()],
    )?;
    Ok(rows == 1)
}

/// Lets a delivery begin anew; what was delivered is sent once more. Says whether there was one that nobody is at.
pub fn again(tx: &Tx<'_>, id: i64, at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE hook_deliveries SET state = 'pending', attempts = 0, due_at = ?2, ended_at = NULL, leased_by = NULL,
             leased_until = NULL
         WHERE id = ?1 AND (leased_until IS NULL OR leased_until <= ?2)",
        &[id.into(), text(at)],
    )?;
    Ok(rows == 1)
}

/// Takes away what was delivered before that time: it is in the journal anyway.
pub fn forget(tx: &Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM hook_deliveries WHERE state = 'delivered' AND ended_at < ?1", &[text(before)])
}
