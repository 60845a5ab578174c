//! Rows ↔ [`ChangeTicket`].

use super::value::{json, text};
use super::{StoreError, Tx};
use crate::domain::change::ChangeTicket;
use crate::domain::ids::{EnvName, ReleaseId};

/// The ticket of a release for an environment, as far as anything is known of one.
pub fn find(tx: &Tx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Option<ChangeTicket>, StoreError> {
    tx.query_opt(
        "SELECT record FROM change_tickets WHERE service = ?1 AND version = ?2 AND environment = ?3",
        &[text(&release.service), text(&release.version), text(env)],
        |row| row.json("record"),
    )
}

/// Everything that is known of a release's tickets.
pub fn list_of(tx: &Tx<'_>, release: &ReleaseId) -> Result<Vec<ChangeTicket>, StoreError> {
    tx.query(
        "SELECT record FROM change_tickets WHERE service = ?1 AND version = ?2 ORDER BY environment",
        &[text(&release.service), text(&release.version)],
        |row| row.json("record"),
    )
}

/// Keeps what is known now in place of what was known before.
pub fn put(tx: &Tx<'_>, ticket: &ChangeTicket) -> Result<(), StoreError> {
    let release = &ticket.release;
    tx.execute(
        "INSERT INTO change_tickets (service, version, environment, record) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (service, version, environment) DO UPDATE SET record = excluded.record",
        &[text(&release.service), text(&release.version), text(&ticket.environment), json(ticket)],
    )
    .map(drop)
}
