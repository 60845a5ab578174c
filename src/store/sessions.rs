//! Rows ↔ [`Session`] and [`Call`].

use super::value::{json, small, text};
use super::{Row, StoreError, Tx};
use crate::domain::deployment::ProcessRef;
use crate::domain::session::{Call, Session};
use crate::domain::time::Timestamp;

fn session(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        person: row.person()?,
        tty: row.opt_text("tty")?,
        client: row.opt_text("client")?,
        host: row.text("host")?,
        boot: row.text("boot")?,
        process: ProcessRef { pid: small("pid", row.int("pid")?)?, start: row.size("start")? },
        since: row.parse("since")?,
        active_at: row.parse("active_at")?,
        focus: row.json("focus")?,
    })
}

/// Writes down what a session is on now.
pub fn put(tx: &Tx<'_>, session: &Session) -> Result<(), StoreError> {
    let s = session;
    tx.execute(
        "INSERT INTO sessions (host, boot, pid, start, by_name, by_uid, by_login, tty, client, since, active_at, focus)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (host, boot, pid, start) DO UPDATE SET active_at = ?11, focus = ?12",
        &[
            s.host.as_str().into(),
            s.boot.as_str().into(),
            i64::from(s.process.pid).into(),
            super::value::size(s.process.start),
            s.person.name.as_str().into(),
            i64::from(s.person.uid).into(),
            s.person.login.clone().into(),
            s.tty.clone().into(),
            s.client.clone().into(),
            text(s.since),
            text(s.active_at),
            json(&s.focus),
        ],
    )
    .map(drop)
}

pub fn remove(tx: &Tx<'_>, session: &Session) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM sessions WHERE host = ?1 AND boot = ?2 AND pid = ?3 AND start = ?4",
        &[
            session.host.as_str().into(),
            session.boot.as_str().into(),
            i64::from(session.process.pid).into(),
            super::value::size(session.process.start),
        ],
    )
    .map(drop)
}

/// In the order in which they came in; rows that cannot be read are nobody's.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Session>, StoreError> {
    let all = tx.query("SELECT * FROM sessions ORDER BY since, pid", &[], |row| Ok(session(row).ok()))?;
    Ok(all.into_iter().flatten().collect())
}

/// Keeps a line for those who are in; older ones than `until` go.
pub fn call(tx: &Tx<'_>, call: &Call, until: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM calls WHERE at < ?1", &[text(until)])?;
    tx.execute(
        "INSERT INTO calls (at, by_name, by_uid, by_login, text) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            text(call.at),
            call.by.name.as_str().into(),
            i64::from(call.by.uid).into(),
            call.by.login.clone().into(),
            call.text.as_str().into(),
        ],
    )
    .map(drop)
}

/// The newest line that was said since.
pub fn find_call(tx: &Tx<'_>, since: Timestamp) -> Result<Option<Call>, StoreError> {
    tx.query_opt("SELECT * FROM calls WHERE at >= ?1 ORDER BY id DESC LIMIT 1", &[text(since)], |row| {
        Ok(Call { id: row.int("id")?, at: row.parse("at")?, by: row.person()?, text: row.text("text")? })
    })
}
