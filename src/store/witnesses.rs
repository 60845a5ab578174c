//! Rows ↔ [`Request`].

use super::value::{json, opt_json, small, text};
use super::{Row, StoreError, Tx};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::witness::{Confirmed, Request};

fn request(row: &Row) -> Result<Request, StoreError> {
    Ok(Request {
        id: row.int("id")?,
        release: ReleaseId::new(row.parse("service")?, row.parse("version")?),
        environment: row.parse("environment")?,
        subject: row.parse("subject")?,
        starter: row.json("starter")?,
        asked_at: row.parse("asked_at")?,
        expires_at: row.parse("expires_at")?,
        nonce: row.text("nonce")?,
        challenge: row.parse("challenge")?,
        tries: small("tries", row.int("tries")?)?,
        witnessed: row.opt_json("witnessed")?,
        used_by: row.opt_int("used_by")?.map(DeploymentId),
        ended_why: row.opt_text("ended_why")?,
    })
}

/// Records an asking; `request.id` is ignored and the new one returned. There is one at a time for a place.
pub fn insert(tx: &Tx<'_>, request: &Request) -> Result<i64, StoreError> {
    let r = request;
    let id = tx.query_opt(
        "INSERT INTO witness_requests (service, version, environment, subject, starter, asked_at, expires_at, nonce,
             challenge, tries, witnessed, used_by, ended_why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING id",
        &[
            text(&r.release.service),
            text(&r.release.version),
            text(&r.environment),
            text(&r.subject),
            json(&r.starter),
            text(r.asked_at),
            text(r.expires_at),
            r.nonce.as_str().into(),
            text(&r.challenge),
            i64::from(r.tries).into(),
            opt_json(r.witnessed.as_ref()),
            r.used_by.map(|id| id.0).into(),
            r.ended_why.clone().into(),
        ],
        |row| row.int("id"),
    )?;
    id.ok_or_else(|| StoreError::missing("id of the asking for a witness"))
}

/// The asking for a place that leads to something, if its time has not passed.
pub fn find_open(tx: &Tx<'_>, service: &ServiceName, env: &EnvName) -> Result<Option<Request>, StoreError> {
    tx.query_opt(
        "SELECT * FROM witness_requests
         WHERE service = ?1 AND environment = ?2 AND used_by IS NULL AND ended_why IS NULL",
        &[text(service), text(env)],
        request,
    )
}

/// The asking a deployment has used.
pub fn find_used(tx: &Tx<'_>, id: DeploymentId) -> Result<Option<Request>, StoreError> {
    tx.query_opt("SELECT * FROM witness_requests WHERE used_by = ?1", &[id.0.into()], request)
}

/// Every asking that leads to something.
pub fn list_open(tx: &Tx<'_>) -> Result<Vec<Request>, StoreError> {
    tx.query(
        "SELECT * FROM witness_requests WHERE used_by IS NULL AND ended_why IS NULL ORDER BY id",
        &[],
        request,
    )
}

/// A wrong code.
pub fn count_try(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE witness_requests SET tries = tries + 1 WHERE id = ?1", &[id.into()]).map(drop)
}

/// It leads to nothing any more; says whether it did before.
pub fn end(tx: &Tx<'_>, id: i64, why: &str) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE witness_requests SET ended_why = ?2 WHERE id = ?1 AND used_by IS NULL AND ended_why IS NULL",
        &[id.into(), why.into()],
    )?;
    Ok(rows == 1)
}

/// The first who confirms it is the witness; says whether this was the first.
pub fn confirm(
    tx: &Tx<'_>,
    id: i64,
    confirmed: &Confirmed,
    expires: crate::domain::time::Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE witness_requests SET witnessed = ?2, expires_at = ?3
         WHERE id = ?1 AND witnessed IS NULL AND used_by IS NULL AND ended_why IS NULL",
        &[id.into(), json(confirmed), text(expires)],
    )?;
    Ok(rows == 1)
}

/// One deployment uses it, once; says whether this one did.
pub fn consume(tx: &Tx<'_>, id: i64, by: DeploymentId) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE witness_requests SET used_by = ?2
         WHERE id = ?1 AND witnessed IS NOT NULL AND used_by IS NULL AND ended_why IS NULL",
        &[id.into(), by.0.into()],
    )?;
    Ok(rows == 1)
}
