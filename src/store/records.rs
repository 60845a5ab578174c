//! Every row as the record a journal entry would leave, whatever its table: for comparing the store with its journal, and
//! for putting a moment of the past together in a store of its own.

use super::deployments::{deployment, select};
use super::value::{json, opt_json, opt_text, size, text};
use super::{
    Row, StoreError, Tx, Value, approvals, freezes, locks, notes, override_reviews, requests, trains,
};
use crate::domain::approval::Approval;
use crate::domain::deployment::{CancelKind, Deployment};
use crate::domain::freeze::{Freeze, FreezeOrigin};
use crate::domain::gate::GateReport;
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::domain::lock::Lock;
use crate::domain::release::Release;
use crate::domain::replay::{Change, Ended, Key};
use crate::domain::signature::Signed;
use crate::domain::strategy::Color;
use crate::domain::time::Timestamp;

/// The tables whose rows acts write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Releases,
    Approvals,
    Freezes,
    Locks,
    Deployments,
    Departures,
    Resumptions,
    Notes,
    Reviews,
    Requests,
}

impl Table {
    pub const ALL: [Self; 10] = [
        Self::Releases,
        Self::Approvals,
        Self::Freezes,
        Self::Locks,
        Self::Deployments,
        Self::Departures,
        Self::Resumptions,
        Self::Notes,
        Self::Reviews,
        Self::Requests,
    ];

    /// What one row of it is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Releases => "release",
            Self::Approvals => "approval",
            Self::Freezes => "freeze",
            Self::Locks => "lock",
            Self::Deployments => "deployment",
            Self::Departures => "departure",
            Self::Resumptions => "resumption",
            Self::Notes => "note",
            Self::Reviews => "review of an override",
            Self::Requests => "request",
        }
    }
}

/// A row, with its place in the walk. A row nobody can read is one that somebody has written by hand.
pub type Walked = (i64, Result<Change, StoreError>);

/// The rows of a table in order behind the place `after` (0: from the start), at most `limit`.
pub fn walk(tx: &Tx<'_>, table: Table, after: i64, limit: u32) -> Result<Vec<Walked>, StoreError> {
    let page = [after.into(), i64::from(limit).into()];
    let by_id = |sql: &str, map: fn(&Row) -> Result<Change, StoreError>| {
        tx.query(sql, &page, |row| Ok((row.int("id")?, map(row))))
    };
    // Tables without a number are small; their place is how many came before.
    let by_count = |sql: &str, map: fn(&Row) -> Result<Change, StoreError>| {
        let mut at = after;
        tx.query(sql, &page, |row| {
            at += 1;
            Ok((at, map(row)))
        })
    };
    match table {
        Table::Releases => by_id("SELECT * FROM releases WHERE id > ?1 ORDER BY id LIMIT ?2", release),
        Table::Approvals => by_id("SELECT * FROM approvals WHERE id > ?1 ORDER BY id LIMIT ?2", approval),
        Table::Freezes => by_id("SELECT * FROM freezes WHERE id > ?1 ORDER BY id LIMIT ?2", freeze),
        Table::Locks => by_id("SELECT * FROM locks WHERE id > ?1 ORDER BY id LIMIT ?2", lock),
        Table::Deployments => {
            by_id(select!("deployments d WHERE id > ?1 ORDER BY id LIMIT ?2"), |row| deployed(row, None))
        }
        Table::Requests => by_id("SELECT * FROM requests WHERE id > ?1 ORDER BY id LIMIT ?2", request),
        Table::Notes => by_id("SELECT * FROM deployment_notes WHERE id > ?1 ORDER BY id LIMIT ?2", note),
        Table::Reviews => tx.query(
            "SELECT * FROM override_reviews WHERE deployment_id > ?1 ORDER BY deployment_id LIMIT ?2",
            &page,
            |row| Ok((row.int("deployment_id")?, review(row))),
        ),
        Table::Departures => by_count(
            "SELECT * FROM train_departures ORDER BY train, departs_at LIMIT ?2 OFFSET ?1",
            departure,
        ),
        Table::Resumptions => {
            by_count("SELECT * FROM train_resumptions ORDER BY train, at LIMIT ?2 OFFSET ?1", resumption)
        }
    }
}

/// One record, whatever has become of it; a deployment with its gate report.
pub fn find(tx: &Tx<'_>, key: &Key) -> Result<Option<Change>, StoreError> {
    match key {
        Key::Release(id) => tx.query_opt(
            "SELECT * FROM releases WHERE service = ?1 AND version = ?2",
            &[text(&id.service), text(&id.version)],
            release,
        ),
        Key::Approval(id) => tx.query_opt("SELECT * FROM approvals WHERE id = ?1", &[id.0.into()], approval),
        Key::Freeze(id) => tx.query_opt("SELECT * FROM freezes WHERE id = ?1", &[id.0.into()], freeze),
        Key::Lock(id) => tx.query_opt("SELECT * FROM locks WHERE id = ?1", &[id.0.into()], lock),
        Key::Request(id) => tx.query_opt("SELECT * FROM requests WHERE id = ?1", &[id.0.into()], request),
        Key::Deployment(id) => {
            let report =
                tx.query_opt("SELECT report FROM deployments WHERE id = ?1", &[id.0.into()], |row| {
                    row.json::<Option<GateReport>>("report")
                })?;
            tx.query_opt(select!("deployments d WHERE id = ?1"), &[id.0.into()], |row| {
                deployed(row, report.clone().flatten())
            })
        }
        Key::Departure(train, at) => tx.query_opt(
            "SELECT * FROM train_departures WHERE train = ?1 AND departs_at = ?2",
            &[text(train), text(at)],
            departure,
        ),
        Key::Resumption(train, at) => tx.query_opt(
            "SELECT * FROM train_resumptions WHERE train = ?1 AND at = ?2",
            &[text(train), text(at)],
            resumption,
        ),
        Key::Note(id, at, said) => tx.query_opt(
            "SELECT * FROM deployment_notes WHERE deployment_id = ?1 AND at = ?2 AND text = ?3",
            &[id.0.into(), text(at), said.as_str().into()],
            note,
        ),
        Key::Review(id) => {
            tx.query_opt("SELECT * FROM override_reviews WHERE deployment_id = ?1", &[id.0.into()], review)
        }
    }
}

/// A release whose columns say what its record says: queries look at those, people at this.
fn release(row: &Row) -> Result<Change, StoreError> {
    let release: Release = row.json("record")?;
    for (column, said) in [
        ("service", release.id.service.to_string()),
        ("version", release.id.version.to_string()),
        ("title", release.title.clone()),
        ("kind", release.kind.to_string()),
        ("state", release.state.to_string()),
        ("stage", release.stage.to_string()),
        ("created_at", release.created_at.to_string()),
        ("updated_at", release.updated_at.to_string()),
    ] {
        let stands = row.text(column)?;
        if stands != said {
            let why = format!("{stands} stands where the record says {said}");
            return Err(StoreError::unreadable(&format!("releases.{column}"), why));
        }
    }
    if row.int("revision")? != release.revision {
        return Err(StoreError::unreadable("releases.revision", "the record says another number"));
    }
    Ok(Change::Release(Box::new(release)))
}

fn approval(row: &Row) -> Result<Change, StoreError> {
    approvals::approval(row).map(Box::new).map(Change::Approval)
}

fn freeze(row: &Row) -> Result<Change, StoreError> {
    let ended = ended(row, "removed_at", "removed_by")?;
    Ok(Change::Freeze(Box::new(freezes::freeze(row)?), ended))
}

fn lock(row: &Row) -> Result<Change, StoreError> {
    let ended = ended(row, "ended_at", "ended_by")?;
    Ok(Change::Lock(locks::lock(row)?, ended))
}

fn ended(row: &Row, at: &str, by: &str) -> Result<Ended, StoreError> {
    Ok(row.opt_parse::<Timestamp>(at)?.zip(row.opt_text(by)?))
}

fn deployed(row: &Row, report: Option<GateReport>) -> Result<Change, StoreError> {
    Ok(Change::Deployment(Box::new(deployment(row)?), report.map(Box::new)))
}

fn departure(row: &Row) -> Result<Change, StoreError> {
    trains::departure(row).map(Change::Departure)
}

fn resumption(row: &Row) -> Result<Change, StoreError> {
    Ok(Change::Resumption {
        train: row.parse("train")?,
        at: row.parse("at")?,
        by: row.text("by_name")?,
        reason: row.text("reason")?,
    })
}

fn review(row: &Row) -> Result<Change, StoreError> {
    Ok(Change::Review(DeploymentId(row.int("deployment_id")?), override_reviews::review(row)?))
}

fn request(row: &Row) -> Result<Change, StoreError> {
    requests::request(row).map(Box::new).map(Change::Request)
}

fn note(row: &Row) -> Result<Change, StoreError> {
    notes::note(row).map(Change::Note)
}

/// Takes a record out of a store of the past: it was not there yet.
pub fn take(tx: &Tx<'_>, key: &Key) -> Result<(), StoreError> {
    let (sql, params) = match key {
        Key::Release(id) => (
            "DELETE FROM releases WHERE service = ?1 AND version = ?2",
            vec![text(&id.service), text(&id.version)],
        ),
        Key::Approval(id) => ("DELETE FROM approvals WHERE id = ?1", vec![id.0.into()]),
        Key::Freeze(id) => ("DELETE FROM freezes WHERE id = ?1", vec![id.0.into()]),
        Key::Lock(id) => ("DELETE FROM locks WHERE id = ?1", vec![id.0.into()]),
        Key::Request(id) => ("DELETE FROM requests WHERE id = ?1", vec![id.0.into()]),
        Key::Deployment(id) => ("DELETE FROM deployments WHERE id = ?1", vec![id.0.into()]),
        Key::Departure(train, at) => {
            ("DELETE FROM train_departures WHERE train = ?1 AND departs_at = ?2", vec![text(train), text(at)])
        }
        Key::Resumption(train, at) => {
            ("DELETE FROM train_resumptions WHERE train = ?1 AND at = ?2", vec![text(train), text(at)])
        }
        Key::Review(id) => ("DELETE FROM override_reviews WHERE deployment_id = ?1", vec![id.0.into()]),
        Key::Note(id, at, said) => (
            "DELETE FROM deployment_notes WHERE deployment_id = ?1 AND at = ?2 AND text = ?3",
            vec![id.0.into(), text(at), said.as_str().into()],
        ),
    };
    tx.execute(sql, &params).map(drop)
}

/// Writes a record into a store of the past, under its own number. Only a release may be there already: its place among
/// the others is that of its registration.
pub fn put(tx: &Tx<'_>, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Release(release) => put_release(tx, release),
        Change::Approval(approval) => put_approval(tx, approval),
        Change::Freeze(freeze, ended) => put_freeze(tx, freeze, ended),
        Change::Lock(lock, ended) => put_lock(tx, lock, ended),
        Change::Deployment(d, report) => put_deployment(tx, d, report.as_deref()),
        Change::Departure(departure) => trains::insert(tx, departure),
        Change::Resumption { train, at, by, reason } => trains::resume(tx, train, by, *at, reason),
        Change::Note(note) => notes::insert(tx, note),
        Change::Review(id, review) => override_reviews::insert(tx, *id, review),
        Change::Request(request) => requests::insert(tx, request),
    }
}

fn put_release(tx: &Tx<'_>, release: &Release) -> Result<(), StoreError> {
    let ReleaseId { service, version, .. } = &release.id;
    tx.execute(
        "INSERT INTO releases (service, version, title, kind, state, stage, created_at, updated_at, revision, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (service, version) DO UPDATE SET title = ?3, kind = ?4, state = ?5, stage = ?6, updated_at = ?8,
             revision = ?9, record = ?10",
        &[
            text(service),
            text(version),
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

fn put_approval(tx: &Tx<'_>, approval: &Approval) -> Result<(), StoreError> {
    let signed = approval.signed.as_ref();
    tx.execute(
        "INSERT INTO approvals (id, service, version, subject, verdict, by_name, by_uid, by_login, at, reason, digest,
             content, expires_at, ended_at, ended_why, effective_at, statement, signature, key_held, nonce, answers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
        &[
            approval.id.0.into(),
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
            opt_text(approval.ended_at),
            approval.ended_why.clone().into(),
            opt_text(approval.effective_at),
            signed.map(|signed| signed.statement.clone()).into(),
            signed.map(|signed| signed.signature.clone()).into(),
            opt_text(signed.map(|signed| signed.held)),
            signed.and_then(Signed::nonce).into(),
            opt_json(Some(&approval.answers).filter(|answers| !answers.is_empty())),
        ],
    )
    .map(drop)
}

fn both(ended: &Ended) -> (Value, Value) {
    match ended {
        Some((at, by)) => (text(at), by.as_str().into()),
        None => (Value::Null, Value::Null),
    }
}

fn put_freeze(tx: &Tx<'_>, freeze: &Freeze, ended: &Ended) -> Result<(), StoreError> {
    let FreezeOrigin::Store(id) = freeze.origin else { return Ok(()) };
    let (at, by) = both(ended);
    let mut values: Vec<Value> = freezes::written(freeze).into();
    let made_by = freeze.created_by.clone().unwrap_or_default();
    values.extend([made_by.into(), text(freeze.window.start), at, by, id.0.into()]);
    tx.execute(
        "INSERT INTO freezes (name, reason, services, environments, starts_at, ends_at, zone, repeats, running, stops,
             suspended, uid, revision, created_by, created_at, removed_at, removed_by, id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        &values,
    )
    .map(drop)
}

fn put_lock(tx: &Tx<'_>, lock: &Lock, ended: &Ended) -> Result<(), StoreError> {
    let (at, by) = both(ended);
    tx.execute(
        "INSERT INTO locks (id, kind, services, environments, reason, by_name, by_uid, by_login, since, expires_at,
             ended_at, ended_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &[
            lock.id.0.into(),
            text(lock.kind),
            json(&lock.scope.services),
            json(&lock.scope.environments),
            lock.reason.as_str().into(),
            lock.by.name.as_str().into(),
            i64::from(lock.by.uid).into(),
            lock.by.login.clone().into(),
            text(lock.since),
            opt_text(lock.expires),
            at,
            by,
        ],
    )
    .map(drop)
}

fn put_deployment(tx: &Tx<'_>, d: &Deployment, report: Option<&GateReport>) -> Result<(), StoreError> {
    let script = d.script.map(|script| i64::try_from(script.start).unwrap_or(i64::MAX));
    let cancel = d.cancel.as_ref();
    let kind = cancel.map(|cancel| match cancel.kind {
        CancelKind::Gentle => "gentle",
        CancelKind::Kill => "kill",
    });
    tx.execute(
        "INSERT INTO deployments (id, service, version, environment, kind, state, epoch, strategy, previous,
             artifact_digest, subject, color, reason, overrides, by_name, by_uid, by_login, requested_at, host, boot,
             uid, left_running, report, relman_version, content, rescue, wait, noop, answers, toggle, left_out,
             on_failure, claimed_at, finished_at, heartbeat_at, script_pid, script_start, progress, progress_note,
             log_size, log_digest, log_dropped, cancel_by, cancel_at, cancel_kind, cancel_reason, hold, guidance,
             guided, follow_up, cause, failed_step, recovered_by, taken, witness)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                 ?23, '', ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41,
                 ?42, ?43, ?44, ?45, ?46, ?47, ?48, ?49, ?50, ?51, ?52, ?53, ?54)",
        &[
            d.id.0.into(),
            text(&d.release.service),
            text(&d.release.version),
            text(&d.environment),
            text(d.kind),
            text(d.state),
            d.epoch.into(),
            d.strategy.as_str().into(),
            opt_text(d.previous.as_ref()),
            opt_text(d.artifact_digest.as_ref()),
            text(&d.subject),
            d.color.map(Color::as_str).into(),
            d.reason.clone().into(),
            json(&d.overrides),
            d.started_by.name.as_str().into(),
            i64::from(d.started_by.uid).into(),
            d.started_by.login.clone().into(),
            text(d.requested_at),
            d.host.as_str().into(),
            d.boot.as_str().into(),
            i64::from(d.uid).into(),
            json(&d.left_running),
            opt_json(report).or_text("null"),
            opt_text(d.content.as_ref()),
            i64::from(d.rescue).into(),
            opt_json(d.wait.as_ref()),
            i64::from(d.noop).into(),
            opt_json(Some(&d.answers).filter(|answers| !answers.is_empty())),
            opt_text(d.toggle.as_ref()),
            opt_json(Some(&d.left_out).filter(|names| !names.is_empty())),
            opt_text(d.on_failure),
            opt_text(d.claimed_at),
            opt_text(d.finished_at),
            opt_text(d.heartbeat_at),
            d.script.map(|script| i64::from(script.pid)).into(),
            script.into(),
            d.progress.map(i64::from).into(),
            d.progress_note.clone().into(),
            size(d.log_size),
            opt_text(d.log_digest.as_ref()),
            size(d.log_dropped),
            cancel.map(|cancel| cancel.by.clone()).into(),
            opt_text(cancel.map(|cancel| cancel.at)),
            kind.into(),
            cancel.and_then(|cancel| cancel.reason.clone()).into(),
            opt_json(d.hold.as_ref()),
            opt_json(d.guidance.as_ref()),
            i64::from(d.guided).into(),
            opt_json(d.follow_up.as_ref()),
            opt_json(d.cause.as_ref()),
            d.failed_step.clone().into(),
            d.recovered_by.clone().into(),
            opt_json(d.taken.as_ref()),
            opt_json(d.witness.as_ref()),
        ],
    )
    .map(drop)
}

impl Value {
    /// This value, or a text where there is none.
    fn or_text(self, otherwise: &str) -> Self {
        if self == Self::Null { otherwise.into() } else { self }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::Store;

    /// A column that came later and is forgotten here would be missing in the past.
    #[test]
    fn every_column_is_written_back() {
        let store = Store::in_memory().unwrap();
        let source = include_str!("records.rs");
        for table in ["releases", "approvals", "freezes", "locks", "deployments"] {
            let insert = source.split(&format!("INSERT INTO {table} (")).nth(1).unwrap();
            let written: Vec<&str> = insert.split(')').next().unwrap().split([',', ' ', '\n']).collect();
            let columns = store
                .read(|tx| {
                    tx.query("SELECT name FROM pragma_table_info(?1)", &[table.into()], |row| {
                        row.text("name")
                    })
                })
                .unwrap();
            assert!(columns.len() > 5, "{table}: {columns:?}");
            // A release keeps its place; what exactly a deployment ran the journal does not say.
            let kept = [("releases", "id"), ("deployments", "about")];
            for column in columns.iter().filter(|column| !kept.contains(&(table, column.as_str()))) {
                assert!(written.contains(&column.as_str()), "{table}.{column} is not written by `put`");
            }
        }
    }
}
