//! Rows ↔ [`Release`]. The record is kept whole; columns beside it are what queries look at.

use super::value::{json, opt_text, text};
use super::{Row, StoreError, Tx};
use crate::domain::ids::{ReleaseId, ServiceName};
use crate::domain::release::Release;

fn release(row: &Row) -> Result<Release, StoreError> {
    row.json("record")
}

/// Registers a release; a second one of the same service and version violates `UNIQUE (service, version)`.
pub fn insert(tx: &Tx<'_>, release: &Release) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO releases (service, version, title, kind, state, stage, created_at, updated_at, revision, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &[
            text(&release.id.service),
            text(&release.id.version),
            release.title.as_str().into(),
            text(release.kind),
            text(release.state),
            text(release.stage),
            text(release.created_at),
            text(release.updated_at),
            release.revision.into(),
            json(release),
        ],
    )
    .map(drop)
}

/// Replaces the record if nobody else did since `release.revision - 1`; says whether it won.
pub fn update(tx: &Tx<'_>, release: &Release) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE releases SET title = ?3, kind = ?4, state = ?5, stage = ?6, updated_at = ?7, revision = ?8, record = ?9
         WHERE service = ?1 AND version = ?2 AND revision = ?10",
        &[
            text(&release.id.service),
            text(&release.id.version),
            release.title.as_str().into(),
            text(release.kind),
            text(release.state),
            text(release.stage),
            text(release.updated_at),
            release.revision.into(),
            json(release),
            (release.revision - 1).into(),
        ],
    )?;
    Ok(rows == 1)
}

pub fn find(tx: &Tx<'_>, id: &ReleaseId) -> Result<Option<Release>, StoreError> {
    tx.query_opt(
        "SELECT record FROM releases WHERE service = ?1 AND version = ?2",
        &[text(&id.service), text(&id.version)],
        release,
    )
}

pub fn get(tx: &Tx<'_>, id: &ReleaseId) -> Result<Release, StoreError> {
    find(tx, id)?.ok_or_else(|| StoreError::missing(format!("release {id}")))
}

/// All open releases, oldest first: what the board shows.
pub fn list_open(tx: &Tx<'_>) -> Result<Vec<Release>, StoreError> {
    // `+id`: ordered by the bare column SQLite would rather walk the whole table, past included, than sort a few.
    tx.query("SELECT record FROM releases WHERE state = 'open' ORDER BY +id", &[], release)
}

/// Releases of which a build runs, or seems to.
pub fn list_building(tx: &Tx<'_>) -> Result<Vec<Release>, StoreError> {
    // What a text may say besides costs one look too many; reading every release costs one each.
    let sql = "SELECT record FROM releases WHERE instr(record, '\"state\":\"running\"') > 0 ORDER BY +id";
    tx.query(sql, &[], release)
}

/// Open hotfixes, oldest first.
pub fn list_hotfixes(tx: &Tx<'_>) -> Result<Vec<Release>, StoreError> {
    tx.query(
        "SELECT record FROM releases WHERE state = 'open' AND kind = 'hotfix' ORDER BY +id",
        &[],
        release,
    )
}

/// Every release, of one service or of all, in the order of their registration.
pub fn list_all(tx: &Tx<'_>, service: Option<&ServiceName>) -> Result<Vec<Release>, StoreError> {
    tx.query(
        "SELECT record FROM releases WHERE ?1 IS NULL OR service = ?1 ORDER BY id",
        &[opt_text(service)],
        release,
    )
}
/// Ended releases, newest first, a page at a time: `before` is the last one of the page before.
pub fn list_past(tx: &Tx<'_>, before: Option<&ReleaseId>, limit: u32) -> Result<Vec<Release>, StoreError> {
    tx.query(
        "SELECT record FROM releases WHERE state <> 'open' AND (?1 IS NULL OR (updated_at, id) <
             (SELECT updated_at, id FROM releases WHERE service = ?1 AND version = ?2))
         ORDER BY updated_at DESC, id DESC LIMIT ?3",
        &[
            opt_text(before.map(|id| &id.service)),
            opt_text(before.map(|id| &id.version)),
            i64::from(limit).into(),
        ],
        release,
    )
}

/// The releases of a service, newest registration first.
pub fn list_of(tx: &Tx<'_>, service: &ServiceName, limit: u32) -> Result<Vec<Release>, StoreError> {
    tx.query(
        "SELECT record FROM releases WHERE service = ?1 ORDER BY id DESC LIMIT ?2",
        &[text(service), i64::from(limit).into()],
        release,
    )
}

/// Ids that begin with `prefix`, open ones first; at most `limit`.
pub fn list_ids_like(tx: &Tx<'_>, prefix: &str, limit: u32) -> Result<Vec<ReleaseId>, StoreError> {
    tx.query(
        "SELECT service || '@' || version AS id FROM releases
         WHERE substr(service || '@' || version, 1, length(?1)) = ?1
         ORDER BY CASE state WHEN 'open' THEN 0 ELSE 1 END, id DESC LIMIT ?2",
        &[prefix.into(), i64::from(limit).into()],
        |row| row.parse("id"),
    )
}

/// How many releases there are: zero greets the newcomer.
pub fn is_empty(tx: &Tx<'_>) -> Result<bool, StoreError> {
    Ok(tx.query_opt("SELECT id FROM releases LIMIT 1", &[], |row| row.int("id"))?.is_none())
}
