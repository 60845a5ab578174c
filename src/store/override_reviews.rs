//! Rows ↔ [`Review`]: what was found about deployments that went past gates.

use super::deployments::{deployment, select};
use super::value::text;
use super::{Row, StoreError, Tx};
use crate::domain::deployment::Deployment;
use crate::domain::ids::DeploymentId;
use crate::domain::override_review::Review;

pub(super) fn review(row: &Row) -> Result<Review, StoreError> {
    Ok(Review {
        finding: row.parse("verdict")?,
        by: row.person()?,
        at: row.parse("at")?,
        note: row.text("note")?,
    })
}

/// Deployments that began past gates, newest first. Whether one has been looked at is asked with [`find`].
pub fn list_uses(tx: &Tx<'_>, limit: u32) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE d.overrides <> '[]' AND d.claimed_at IS NOT NULL AND d.noop = 0
             ORDER BY d.id DESC LIMIT ?1"
        ),
        &[i64::from(limit).into()],
        deployment,
    )
}

/// Those of them that nobody has looked at, oldest first.
pub fn list_open(tx: &Tx<'_>) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE d.overrides <> '[]' AND d.claimed_at IS NOT NULL AND d.noop = 0
               AND NOT EXISTS (SELECT 1 FROM override_reviews r WHERE r.deployment_id = d.id)
             ORDER BY d.id"
        ),
        &[],
        deployment,
    )
}

pub fn find(tx: &Tx<'_>, id: DeploymentId) -> Result<Option<Review>, StoreError> {
    tx.query_opt("SELECT * FROM override_reviews WHERE deployment_id = ?1", &[id.0.into()], review)
}

/// Records what was found; a second time for the same deployment violates the primary key.
pub fn insert(tx: &Tx<'_>, id: DeploymentId, review: &Review) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO override_reviews (deployment_id, verdict, by_name, by_uid, by_login, at, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            id.0.into(),
            text(review.finding),
            review.by.name.as_str().into(),
            i64::from(review.by.uid).into(),
            review.by.login.clone().into(),
            text(review.at),
            review.note.as_str().into(),
        ],
    )
    .map(drop)
}
