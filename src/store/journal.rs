//! The journal table: append, page, walk. There is no update and no delete.

use super::value::text;
use super::{Row, StoreError, Tx};
use crate::domain::digest::hex;
use crate::domain::journal::{Entry, GENESIS, Hash, NewEntry, Verb};
use crate::domain::time::Timestamp;

fn unhex(column: &str, text: &str) -> Result<Hash, StoreError> {
    crate::domain::journal::unhex(text).ok_or_else(|| StoreError::unreadable(column, "not 64 hex digits"))
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: row.int("seq")?,
        at: Timestamp::from_millis(row.int("at_ms")?),
        actor: row.text("actor")?,
        verb: row.text("verb")?,
        body: row.text("body")?,
        // What is no hash fits no chain: verification names the entry, reading goes on.
        previous: unhex("previous", &row.text("previous")?).unwrap_or(NO_HASH),
        hash: unhex("hash", &row.text("hash")?).unwrap_or(NO_HASH),
    })
}

/// Stands for a column that holds no hash.
const NO_HASH: Hash = [0xFF; 32];

/// Sequence number and hash of the newest entry; (0, zeros) in an empty journal.
pub fn head(tx: &Tx<'_>) -> Result<(i64, Hash), StoreError> {
    let newest = tx.query_opt("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", &[], |row| {
        Ok((row.int("seq")?, unhex("hash", &row.text("hash")?)?))
    })?;
    Ok(newest.unwrap_or((0, GENESIS)))
}

/// The entry of that number.
pub fn find(tx: &Tx<'_>, seq: i64) -> Result<Option<Entry>, StoreError> {
    tx.query_opt("SELECT * FROM journal WHERE seq = ?1", &[seq.into()], entry)
}

/// Adds an entry to the end of the chain. The write transaction makes sure that there is only one end.
pub fn append(tx: &Tx<'_>, new: NewEntry) -> Result<i64, StoreError> {
    let (seq, previous) = head(tx)?;
    let (subject, result) = (new.body.subject.clone(), new.body.result);
    let entry = new.seal(seq + 1, previous);
    tx.execute(
        "INSERT INTO journal (seq, at_ms, actor, verb, subject, result, body, previous, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            entry.seq.into(),
            entry.at.millis().into(),
            entry.actor.into(),
            entry.verb.into(),
            subject.into(),
            text(result),
            entry.body.into(),
            hex(&entry.previous).into(),
            hex(&entry.hash).into(),
        ],
    )?;
    tx.note_entry();
    Ok(entry.seq)
}

/// Newest entries first, before sequence number `before`, optionally of one subject.
pub fn list(
    tx: &Tx<'_>,
    before: Option<i64>,
    subject: Option<&str>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    tx.query(
        "SELECT * FROM journal WHERE (?1 IS NULL OR seq < ?1) AND (?2 IS NULL OR subject = ?2)
         ORDER BY seq DESC LIMIT ?3",
        &[before.into(), subject.into(), i64::from(limit).into()],
        entry,
    )
}

/// Entries about `subject`, newest first.
pub fn list_about(tx: &Tx<'_>, subject: &str, limit: u32) -> Result<Vec<Entry>, StoreError> {
    tx.query(
        "SELECT * FROM journal WHERE subject = ?1 ORDER BY seq DESC LIMIT ?2",
        &[subject.into(), i64::from(limit).into()],
        entry,
    )
}

/// Entries about `subject` before sequence number `before`, newest first.
pub fn list_about_before(
    tx: &Tx<'_>,
    subject: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    tx.query(
        "SELECT * FROM journal WHERE subject = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
        &[subject.into(), before.unwrap_or(i64::MAX).into(), i64::from(limit).into()],
        entry,
    )
}

/// The newest entry of what was done about `subject` by one of these verbs, before sequence number `before`.
pub fn find_done(
    tx: &Tx<'_>,
    subject: &str,
    verbs: [Verb; 2],
    before: Option<i64>,
) -> Result<Option<Entry>, StoreError> {
    tx.query_opt(
        "SELECT * FROM journal WHERE subject = ?1 AND verb IN (?2, ?3) AND result = 'done' AND seq < ?4
         ORDER BY seq DESC LIMIT 1",
        &[
            subject.into(),
            verbs[0].as_str().into(),
            verbs[1].as_str().into(),
            before.unwrap_or(i64::MAX).into(),
        ],
        entry,
    )
}

/// The hash of an entry as it stands, hexadecimal.
pub fn hash_of(tx: &Tx<'_>, seq: i64) -> Result<Option<String>, StoreError> {
    tx.query_opt("SELECT hash FROM journal WHERE seq = ?1", &[seq.into()], |row| row.text("hash"))
}

/// The newest entry that is not younger than `at`; 0 where there is none. Entries are taken to be in the order of their
/// times: where a clock was set back meanwhile, the answer is one of the places where it passed `at`.
pub fn seq_at(tx: &Tx<'_>, at: Timestamp) -> Result<i64, StoreError> {
    let (mut low, mut high) = (0, head(tx)?.0);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let found = tx.query_opt(
            "SELECT at_ms FROM journal WHERE seq >= ?1 ORDER BY seq LIMIT 1",
            &[middle.into()],
            |row| row.int("at_ms"),
        )?;
        match found {
            Some(when) if when <= at.millis() => low = middle,
            _ => high = middle - 1,
        }
    }
    Ok(low)
}

/// The time of an entry.
pub fn time_of(tx: &Tx<'_>, seq: i64) -> Result<Option<Timestamp>, StoreError> {
    tx.query_opt("SELECT at_ms FROM journal WHERE seq = ?1", &[seq.into()], |row| {
        row.int("at_ms").map(Timestamp::from_millis)
    })
}

/// The entry that was the first about `subject`.
pub fn find_first(tx: &Tx<'_>, subject: &str) -> Result<Option<Entry>, StoreError> {
    tx.query_opt("SELECT * FROM journal WHERE subject = ?1 ORDER BY seq LIMIT 1", &[subject.into()], entry)
}

/// An entry with the columns that repeat part of its body, for verification.
pub struct Stored {
    pub entry: Entry,
    pub subject: String,
    pub result: String,
}

/// Entries in order after `after`, at most `limit`: verification walks the chain in pages.
pub fn walk(tx: &Tx<'_>, after: i64, limit: u32) -> Result<Vec<Stored>, StoreError> {
    tx.query(
        "SELECT * FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        &[after.into(), i64::from(limit).into()],
        |row| Ok(Stored { entry: entry(row)?, subject: row.text("subject")?, result: row.text("result")? }),
    )
}
