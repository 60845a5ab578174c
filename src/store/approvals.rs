//! Rows ↔ [`Approval`].

use super::value::{opt_json, opt_text, text};
use super::{Row, StoreError, Tx};
use crate::domain::approval::Approval;
use crate::domain::ids::{ApprovalId, ReleaseId, ServiceName};
use crate::domain::signature::Signed;
use crate::domain::time::Timestamp;

pub(super) fn approval(row: &Row) -> Result<Approval, StoreError> {
    let signed = match (row.opt_text("statement")?, row.opt_text("signature")?, row.opt_parse("key_held")?) {
        (Some(statement), Some(signature), Some(held)) => Some(Signed { statement, signature, held }),
        _ => None,
    };
    Ok(Approval {
        id: ApprovalId(row.int("id")?),
        release: ReleaseId::new(row.parse("service")?, row.parse("version")?),
        subject: row.parse("subject")?,
        verdict: row.parse("verdict")?,
        by: row.person()?,
        at: row.parse("at")?,
        reason: row.opt_text("reason")?,
        digest: row.parse("digest")?,
        content: row.text("content")?,
        effective_at: row.opt_parse("effective_at")?,
        expires_at: row.opt_parse("expires_at")?,
        ended_at: row.opt_parse("ended_at")?,
        ended_why: row.opt_text("ended_why")?,
        signed,
        answers: row.opt_json("answers")?.unwrap_or_default(),
    })
}

/// Records a decision; `approval.id` is ignored and the new one returned. A second standing decision of the same
/// person about the same subject violates `one_decision_per_person`, a second one with the number of the same
/// statement `approvals_by_nonce`.
pub fn insert(tx: &Tx<'_>, approval: &Approval) -> Result<ApprovalId, StoreError> {
    let signed = approval.signed.as_ref();
    let id = tx.query_opt(
        "INSERT INTO approvals (service, version, subject, verdict, by_name, by_uid, by_login, at, reason, digest,
                                content, expires_at, effective_at, statement, signature, key_held, nonce, answers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) RETURNING id",
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
            opt_text(approval.effective_at),
            signed.map(|signed| signed.statement.clone()).into(),
            signed.map(|signed| signed.signature.clone()).into(),
            opt_text(signed.map(|signed| signed.held)),
            signed.and_then(Signed::nonce).into(),
            opt_json(Some(&approval.answers).filter(|answers| !answers.is_empty())),
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

/// Signed decisions of a service that may still count.
pub fn list_signed(tx: &Tx<'_>, service: &ServiceName, now: Timestamp) -> Result<Vec<Approval>, StoreError> {
    tx.query(
        "SELECT * FROM approvals WHERE statement IS NOT NULL AND ended_at IS NULL AND service = ?1
           AND (expires_at IS NULL OR expires_at > ?2) ORDER BY id",
        &[text(service), text(now)],
        approval,
    )
}

/// Every signed decision in order behind the one of that number, at most `limit`, ended ones too.
pub fn walk_signed(tx: &Tx<'_>, after: i64, limit: u32) -> Result<Vec<Approval>, StoreError> {
    tx.query(
        "SELECT * FROM approvals WHERE statement IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2",
        &[after.into(), i64::from(limit).into()],
        approval,
    )
}

/// The decision that was signed with this number.
pub fn find_by_nonce(tx: &Tx<'_>, nonce: &str) -> Result<Option<Approval>, StoreError> {
    tx.query_opt("SELECT * FROM approvals WHERE nonce = ?1", &[nonce.into()], approval)
}

/// Ends a decision that still stands; says whether it did.
pub fn end(tx: &Tx<'_>, id: ApprovalId, at: Timestamp, why: &str) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE approvals SET ended_at = ?2, ended_why = ?3 WHERE id = ?1 AND ended_at IS NULL",
        &[id.0.into(), text(at), why.into()],
    )?;
    Ok(rows == 1)
}
