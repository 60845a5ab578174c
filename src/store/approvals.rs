//! Rows ↔ [`Approval`].

use super::value::{opt_text, text};
use super::{Row, StoreError, Tx};
use crate::domain::approval::{Approval, ApprovalSubject};
use crate::domain::ids::{ApprovalId, ReleaseId};
use crate::domain::time::Timestamp;

pub(super) fn approval(row: &Row) -> Result<Approval, StoreError> {
    let subject = match row.text("subject")?.as_str() {
        "request" => ApprovalSubject::Request,
        env => ApprovalSubject::Environment(
            env.parse().map_err(|why| StoreError::unreadable("approvals.subject", why))?,
        ),
    };
    Ok(Approval {
        id: ApprovalId(row.int("id")?),
        release: ReleaseId::new(row.parse("service")?, row.parse("version")?),
        subject,
        verdict: row.parse("verdict")?,
        by: row.person()?,
        at: row.parse("at")?,
        reason: row.opt_text("reason")?,
        digest: row.parse("digest")?,
        content: row.text("content")?,
        expires_at: row.opt_parse("expires_at")?,
        ended_at: row.opt_parse("ended_at")?,
        ended_why: row.opt_text("ended_why")?,
    })
}

/// Records a decision; `approval.id` is ignored and the new one returned. A second standing decision of the same
/// person about the same subject violates `one_decision_per_person`.
pub fn insert(tx: &Tx<'_>, approval: &Approval) -> Result<ApprovalId, StoreError> {
    let id = tx.query_opt(
        "INSERT INTO approvals (service, version, subject, verdict, by_name, by_uid, by_login, at, reason, digest,
                                content, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id",
        &[
            text(&approval.release.service),
            text(&approval.release.version),
            approval.subject.as_text().into(),
            text(approval.verdict),
            approval.by.name.as_str().into(),
            i64::from(approval.by.uid).into(),
            approval.by.login.clone().into(),
            text(approval.at),
            approval.reason.clone().into(),
            text(&approval.digest),
            approval.content.as_str().into(),
            opt_text(approval.expires_at),
        ],
        |row| row.int("id"),
    )?;
    id.map(ApprovalId).ok_or_else(|| StoreError::missing("id of the new approval"))
}

/// Every decision about a release, oldest first, ended ones too.
pub fn list_of(tx: &Tx<'_>, release: &ReleaseId) -> Result<Vec<Approval>, StoreError> {
    tx.query(
        "SELECT * FROM approvals WHERE service = ?1 AND version = ?2 ORDER BY id",
        &[text(&release.service), text(&release.version)],
        approval,
    )
}

/// Decisions about any open release: what the queue is made of.
pub fn list_open(tx: &Tx<'_>) -> Result<Vec<Approval>, StoreError> {
    // A cross join keeps its order in SQLite: from the few open releases, not from everything ever decided.
    tx.query(
        "SELECT a.* FROM releases r CROSS JOIN approvals a
         WHERE r.state = 'open' AND a.service = r.service AND a.version = r.version ORDER BY +a.id",
        &[],
        approval,
    )
}

/// Ends a decision that still stands; says whether it did.
pub fn end(tx: &Tx<'_>, id: ApprovalId, at: Timestamp, why: &str) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE approvals SET ended_at = ?2, ended_why = ?3 WHERE id = ?1 AND ended_at IS NULL",
        &[id.0.into(), text(at), why.into()],
    )?;
    Ok(rows == 1)
}
