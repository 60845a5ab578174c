//! Rows ↔ [`Deployment`] and its steps: recorded, found, listed. How they go on is in `progress`, what is asked about a
//! place in `environment`.

mod environment;
mod progress;

pub use self::environment::{
    Success, find_active, find_flip, find_good, find_good_before, find_live, find_newest, find_plan,
    find_rehearsal, has_touched, list_attempts, list_known_good, list_sided, next_epoch, recent_successes,
};
pub use self::progress::{
    beat, claim, finish, guide, hold, mark_lost, release_hold, request_cancel, set_about, set_follow_up,
    set_report, take,
};

use super::value::{json, opt_json, opt_text, small, text};
use super::{Row, StoreError, Tx, steps};
use crate::domain::deployment::{CancelKind, CancelRequest, Deployment, ProcessRef, Step};
use crate::domain::gate::GateReport;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::strategy::Color;
use crate::domain::time::{Timestamp, Window};

/// A query of whole deployments. Not `*`: the gate report is large and read only where it is shown.
macro_rules! select {
    ($from:literal) => {
        concat!(
            "SELECT d.id, d.service, d.version, d.environment, d.kind, d.rescue, d.state, d.epoch, d.strategy, d.previous,
             d.artifact_digest, d.content, d.subject, d.color, d.reason, d.overrides, d.by_name, d.by_uid, d.by_login,
             d.requested_at, d.claimed_at, d.finished_at, d.heartbeat_at, d.host, d.boot, d.uid, d.script_pid,
             d.script_start, d.progress, d.progress_note, d.log_size, d.log_digest, d.log_dropped, d.cancel_by,
             d.cancel_at, d.cancel_kind, d.cancel_reason, d.hold, d.guidance, d.guided, d.follow_up, d.wait, d.noop, d.answers,
             d.toggle, d.on_failure, d.left_out, d.taken, d.witness, d.cause, d.failed_step, d.left_running, d.recovered_by
             FROM ",
            $from
        )
    };
}
pub(in crate::store) use select;

pub(in crate::store) fn deployment(row: &Row) -> Result<Deployment, StoreError> {
    let script = match (row.opt_int("script_pid")?, row.opt_int("script_start")?) {
        (Some(pid), Some(start)) => {
            Some(ProcessRef { pid: small("script_pid", pid)?, start: small("script_start", start)? })
        }
        _ => None,
    };
    let cancel = match (row.opt_text("cancel_by")?, row.opt_parse::<Timestamp>("cancel_at")?) {
        (Some(by), Some(at)) => {
            let kind = match row.opt_text("cancel_kind")?.as_deref() {
                Some("kill") => CancelKind::Kill,
                _ => CancelKind::Gentle,
            };
            Some(CancelRequest { by, at, kind, reason: row.opt_text("cancel_reason")? })
        }
        _ => None,
    };
    let color = row.opt_text("color")?.map(|color| if color == "blue" { Color::Blue } else { Color::Green });
    Ok(Deployment {
        id: DeploymentId(row.int("id")?),
        release: ReleaseId::new(row.parse("service")?, row.parse("version")?),
        environment: row.parse("environment")?,
        kind: row.parse("kind")?,
        rescue: row.int("rescue")? != 0,
        state: row.parse("state")?,
        epoch: row.int("epoch")?,
        strategy: row.text("strategy")?,
        previous: row.opt_parse("previous")?,
        artifact_digest: row.opt_parse("artifact_digest")?,
        content: row.opt_parse("content")?,
        subject: row.parse("subject")?,
        color,
        reason: row.opt_text("reason")?,
        overrides: row.json("overrides")?,
        started_by: row.person()?,
        requested_at: row.parse("requested_at")?,
        claimed_at: row.opt_parse("claimed_at")?,
        finished_at: row.opt_parse("finished_at")?,
        heartbeat_at: row.opt_parse("heartbeat_at")?,
        host: row.text("host")?,
        boot: row.text("boot")?,
        uid: small("uid", row.int("uid")?)?,
        script,
        progress: row.opt_int("progress")?.map(|number| small("progress", number)).transpose()?,
        progress_note: row.opt_text("progress_note")?,
        log_size: row.size("log_size")?,
        log_digest: row.opt_parse("log_digest")?,
        log_dropped: row.size("log_dropped")?,
        cancel,
        hold: row.opt_json("hold")?,
        guidance: row.opt_json("guidance")?,
        taken: row.opt_json("taken")?,
        witness: row.opt_json("witness")?,
        guided: row.int("guided")? != 0,
        follow_up: row.opt_json("follow_up")?,
        wait: row.opt_json("wait")?,
        noop: row.int("noop")? != 0,
        answers: row.opt_json("answers")?.unwrap_or_default(),
        toggle: row.opt_parse("toggle")?,
        on_failure: row.opt_parse("on_failure")?,
        left_out: row.opt_json("left_out")?.unwrap_or_default(),
        cause: row.opt_json("cause")?,
        failed_step: row.opt_text("failed_step")?,
        left_running: row.json("left_running")?,
        recovered_by: row.opt_text("recovered_by")?,
    })
}

/// What it did, in full, as canonical JSON of its subject; nothing where that was not recorded.
pub fn find_about(tx: &Tx<'_>, id: DeploymentId) -> Result<Option<String>, StoreError> {
    Ok(tx
        .query_opt("SELECT about FROM deployments WHERE id = ?1", &[id.0.into()], |row| {
            row.opt_text("about")
        })?
        .flatten())
}

/// Records a new deployment and its planned steps; `deployment.id` is ignored and the new one returned. A second
/// active one for the same service and environment violates `one_active_deployment`.
pub fn insert(
    tx: &Tx<'_>,
    deployment: &Deployment,
    steps: &[Step],
    report: &GateReport,
) -> Result<DeploymentId, StoreError> {
    let d = deployment;
    let id = tx.query_opt(
        "INSERT INTO deployments (service, version, environment, kind, state, epoch, strategy, previous,
             artifact_digest, subject, color, reason, overrides, by_name, by_uid, by_login, requested_at, host, boot,
             uid, left_running, report, relman_version, content, rescue, wait,
             noop, answers, toggle, left_out, on_failure, witness)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, '[]', ?21,
                 ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31) RETURNING id",
        &[
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
            json(report),
            env!("CARGO_PKG_VERSION").into(),
            opt_text(d.content.as_ref()),
            i64::from(d.rescue).into(),
            opt_json(d.wait.as_ref()),
            i64::from(d.noop).into(),
            opt_json(Some(&d.answers).filter(|answers| !answers.is_empty())),
            opt_text(d.toggle.as_ref()),
            opt_json(Some(&d.left_out).filter(|names| !names.is_empty())),
            opt_text(d.on_failure),
            opt_json(d.witness.as_ref()),
        ],
        |row| row.int("id"),
    )?;
    let id = id.map(DeploymentId).ok_or_else(|| StoreError::missing("id of the new deployment"))?;
    steps::insert(tx, id, steps)?;
    Ok(id)
}

pub fn find(tx: &Tx<'_>, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(select!("deployments d WHERE id = ?1"), &[id.0.into()], deployment)
}

pub fn get(tx: &Tx<'_>, id: DeploymentId) -> Result<Deployment, StoreError> {
    find(tx, id)?.ok_or_else(|| StoreError::missing(format!("deployment {id}")))
}

pub fn report_of(tx: &Tx<'_>, id: DeploymentId) -> Result<GateReport, StoreError> {
    tx.query_opt("SELECT report FROM deployments WHERE id = ?1", &[id.0.into()], |row| row.json("report"))?
        .ok_or_else(|| StoreError::missing(format!("deployment {id}")))
}

/// Deployments that hold an environment, oldest first.
pub fn list_active(tx: &Tx<'_>) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE state IN ('scheduled', 'waiting', 'launching', 'running', 'paused', 'lost')
             AND state IN ('launching', 'running', 'paused', 'lost') ORDER BY id"
        ),
        &[],
        deployment,
    )
}

/// What is not over: deployments that hold an environment, and those that have not begun.
pub fn list_unfinished(tx: &Tx<'_>) -> Result<(Vec<Deployment>, Vec<Deployment>), StoreError> {
    let all = tx.query(
        select!(
            "deployments d WHERE state IN ('scheduled', 'waiting', 'launching', 'running', 'paused', 'lost')
             ORDER BY id"
        ),
        &[],
        deployment,
    )?;
    Ok(all.into_iter().partition(|d| d.state.is_active()))
}

/// Deployments whose supervisor gave a sign of life after `since`. Reads only what every schema has.
pub fn list_lively(tx: &Tx<'_>, since: Timestamp) -> Result<Vec<DeploymentId>, StoreError> {
    tx.query(
        "SELECT id FROM deployments WHERE state IN ('launching', 'running', 'paused')
         AND coalesce(heartbeat_at, claimed_at, requested_at) > ?1 ORDER BY id",
        &[text(since)],
        |row| row.int("id").map(DeploymentId),
    )
}

/// Every deployment of an open release, newest first; plans among them.
pub fn list_of_open_releases(tx: &Tx<'_>) -> Result<Vec<Deployment>, StoreError> {
    // A cross join keeps its order in SQLite: from the few open releases, not from everything ever deployed.
    tx.query(
        select!(
            "releases r CROSS JOIN deployments d
             WHERE r.state = 'open' AND d.service = r.service AND d.version = r.version
             ORDER BY +d.id DESC"
        ),
        &[],
        deployment,
    )
}

/// What a listing is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub service: Option<ServiceName>,
    pub environment: Option<EnvName>,
    pub release: Option<ReleaseId>,
    pub before: Option<DeploymentId>,
}

/// Newest first, a page at a time.
pub fn list(tx: &Tx<'_>, filter: &Filter, limit: u32) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE (?1 IS NULL OR service = ?1) AND (?2 IS NULL OR environment = ?2)
         AND (?3 IS NULL OR service = ?3) AND (?4 IS NULL OR version = ?4) AND (?5 IS NULL OR id < ?5)
         ORDER BY id DESC LIMIT ?6"
        ),
        &[
            opt_text(filter.service.as_ref()),
            opt_text(filter.environment.as_ref()),
            opt_text(filter.release.as_ref().map(|release| &release.service)),
            opt_text(filter.release.as_ref().map(|release| &release.version)),
            filter.before.map(|id| id.0).into(),
            i64::from(limit).into(),
        ],
        deployment,
    )
}

/// The deployments requested just before and just after this one.
pub fn neighbours(
    tx: &Tx<'_>,
    id: DeploymentId,
) -> Result<(Option<DeploymentId>, Option<DeploymentId>), StoreError> {
    let one = |sql| tx.query_opt(sql, &[id.0.into()], |row| row.int("id").map(DeploymentId));
    Ok((
        one("SELECT id FROM deployments WHERE id < ?1 ORDER BY id DESC LIMIT 1")?,
        one("SELECT id FROM deployments WHERE id > ?1 ORDER BY id LIMIT 1")?,
    ))
}

/// What happened within `span` ([`Deployment::began_at`]), newest first.
pub fn list_between(tx: &Tx<'_>, span: Window, limit: u32) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE wait IS NULL AND requested_at >= ?1 AND requested_at < ?2
             OR wait IS NOT NULL AND claimed_at >= ?1 AND claimed_at < ?2
             ORDER BY coalesce(claimed_at, requested_at) DESC, id DESC LIMIT ?3"
        ),
        &[text(span.start), text(span.end), i64::from(limit).into()],
        deployment,
    )
}
