//! Rows ↔ [`Deployment`] and its steps. State changes are guarded updates that say whether they won.

use super::value::{json, opt_json, opt_text, size, small, text};
use super::{Row, StoreError, Tx, steps};
use crate::domain::deployment::{
    Beat, CancelKind, CancelRequest, Cause, Deployment, DeploymentState, Outcome, ProcessRef, Step,
};
use crate::domain::gate::GateReport;
use crate::domain::hold::{FollowUp, Guidance, Hold};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName};
use crate::domain::strategy::Color;
use crate::domain::time::{Timestamp, Window};
use crate::domain::toggle::Flip;

/// A query of whole deployments. Not `*`: the gate report is large and read only where it is shown.
macro_rules! select {
    ($from:literal) => {
        concat!(
            "SELECT d.id, d.service, d.version, d.environment, d.kind, d.rescue, d.state, d.epoch, d.strategy, d.previous,
             d.artifact_digest, d.content, d.subject, d.color, d.reason, d.overrides, d.by_name, d.by_uid, d.by_login,
             d.requested_at, d.claimed_at, d.finished_at, d.heartbeat_at, d.host, d.boot, d.uid, d.script_pid,
             d.script_start, d.progress, d.progress_note, d.log_size, d.log_digest, d.log_dropped, d.cancel_by,
             d.cancel_at, d.cancel_kind, d.cancel_reason, d.hold, d.guidance, d.guided, d.follow_up, d.wait, d.noop, d.answers,
             d.toggle, d.on_failure, d.left_out, d.cause, d.failed_step, d.left_running, d.recovered_by
             FROM ",
            $from
        )
    };
}
pub(super) use select;

pub(super) fn deployment(row: &Row) -> Result<Deployment, StoreError> {
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
             noop, answers, toggle, left_out, on_failure)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, '[]', ?21,
                 ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30) RETURNING id",
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

/// The deployment that holds this environment now.
pub fn find_active(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2
         AND state IN ('launching', 'running', 'paused', 'lost')"
        ),
        &[text(service), text(env)],
        deployment,
    )
}

/// The last success: what is live there.
pub fn find_live(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0
         ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(service), text(env)],
        deployment,
    )
}

/// Blue-green deployments of a service in an environment that began, newest first.
pub fn list_sided(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    limit: u32,
) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND color IS NOT NULL AND claimed_at IS NOT NULL AND noop = 0
         ORDER BY epoch DESC LIMIT ?3"
        ),
        &[text(service), text(env), i64::from(limit).into()],
        deployment,
    )
}

/// The newest deployment that may have touched the environment: its script was claimed to run.
pub fn find_newest(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND claimed_at IS NOT NULL AND noop = 0
         ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(service), text(env)],
        deployment,
    )
}

/// The last success of this release in this environment.
pub fn find_good(tx: &Tx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND version = ?2 AND environment = ?3 AND state = 'succeeded' AND noop = 0
         ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(&release.service), text(&release.version), text(env)],
        deployment,
    )
}

/// The last success of each release in this environment, newest first: what a rollback may go back to.
pub fn list_known_good(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    limit: u32,
) -> Result<Vec<Deployment>, StoreError> {
    tx.query(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0
             AND epoch IN (SELECT max(epoch) FROM deployments
                 WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0 GROUP BY version)
             ORDER BY epoch DESC LIMIT ?3"
        ),
        &[text(service), text(env), i64::from(limit).into()],
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

/// Whether this release was ever deployed to one of `environments` with its script possibly having run.
pub fn has_touched(tx: &Tx<'_>, release: &ReleaseId, environments: &[EnvName]) -> Result<bool, StoreError> {
    let touched: Vec<EnvName> = tx.query(
        "SELECT DISTINCT environment FROM deployments WHERE service = ?1 AND version = ?2 AND claimed_at IS NOT NULL AND noop = 0",
        &[text(&release.service), text(&release.version)],
        |row| row.parse("environment"),
    )?;
    Ok(touched.iter().any(|env| environments.contains(env)))
}

/// The last time a rollback put this release back, in another environment than this one.
pub fn find_rehearsal(
    tx: &Tx<'_>,
    release: &ReleaseId,
    elsewhere: &EnvName,
) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND version = ?2 AND environment <> ?3 AND rescue = 1 AND noop = 0
             AND state = 'succeeded' ORDER BY finished_at DESC LIMIT 1"
        ),
        &[text(&release.service), text(&release.version), text(elsewhere)],
        deployment,
    )
}

/// The last success in the same environment before this deployment: what its output is compared with.
pub fn find_good_before(tx: &Tx<'_>, d: &Deployment) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0
             AND epoch < ?3 ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(&d.release.service), text(&d.environment), d.epoch.into()],
        deployment,
    )
}

/// The last time this toggle was switched here and that succeeded.
pub fn find_flip(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    toggle: &str,
) -> Result<Option<Deployment>, StoreError> {
    let way = |on| text(Flip { name: toggle.to_owned(), on });
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND environment = ?2 AND toggle IS NOT NULL AND toggle IN (?3, ?4)
             AND state = 'succeeded' ORDER BY epoch DESC LIMIT 1"
        ),
        &[text(service), text(env), way(true), way(false)],
        deployment,
    )
}

/// The newest plan of this release for this environment.
pub fn find_plan(tx: &Tx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Option<Deployment>, StoreError> {
    tx.query_opt(
        select!(
            "deployments d WHERE service = ?1 AND version = ?2 AND environment = ?3 AND noop = 1 AND toggle IS NULL
             ORDER BY id DESC LIMIT 1"
        ),
        &[text(&release.service), text(&release.version), text(env)],
        deployment,
    )
}

/// launching → running, exactly once; says whether this caller won.
pub fn claim(tx: &Tx<'_>, id: DeploymentId, epoch: i64, at: Timestamp) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'running', claimed_at = ?3, heartbeat_at = ?3
         WHERE id = ?1 AND epoch = ?2 AND state = 'launching'",
        &[id.0.into(), epoch.into(), text(at)],
    )?;
    Ok(rows == 1)
}

/// A sign of life; changes nothing once the deployment is settled or taken over.
pub fn beat(
    tx: &Tx<'_>,
    id: DeploymentId,
    epoch: i64,
    beat: &Beat,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let start = beat.script.map(|script| i64::try_from(script.start).unwrap_or(i64::MAX));
    let rows = tx.execute(
        "UPDATE deployments SET heartbeat_at = ?3, log_size = ?4, log_dropped = ?5, progress = ?6, progress_note = ?7,
             script_pid = coalesce(?8, script_pid), script_start = coalesce(?9, script_start)
         WHERE id = ?1 AND epoch = ?2 AND state IN ('running', 'paused')",
        &[
            id.0.into(),
            epoch.into(),
            text(at),
            size(beat.log_size),
            size(beat.log_dropped),
            beat.progress.map(i64::from).into(),
            beat.progress_note.clone().into(),
            beat.script.map(|script| i64::from(script.pid)).into(),
            start.into(),
        ],
    )?;
    Ok(rows == 1)
}

/// Lets it wait: for a time or for a person. What was decided about an earlier hold is done with.
pub fn hold(tx: &Tx<'_>, id: DeploymentId, epoch: i64, hold: &Hold) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'paused', hold = ?3, guidance = NULL, guided = CASE WHEN ?4 = 1 THEN 1 ELSE guided END
         WHERE id = ?1 AND epoch = ?2 AND state IN ('running', 'paused')",
        &[id.0.into(), epoch.into(), json(hold), i64::from(hold.is_trouble()).into()],
    )?;
    Ok(rows == 1)
}

/// It goes on.
pub fn release_hold(tx: &Tx<'_>, id: DeploymentId, epoch: i64) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'running', hold = NULL, guidance = NULL
         WHERE id = ?1 AND epoch = ?2 AND state = 'paused'",
        &[id.0.into(), epoch.into()],
    )?;
    Ok(rows == 1)
}

/// Puts a decision where the supervisor looks, unless there is one already; says whether it was the first.
pub fn guide(tx: &Tx<'_>, id: DeploymentId, guidance: &Guidance) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET guidance = ?2 WHERE id = ?1 AND state = 'paused' AND hold IS NOT NULL AND guidance IS NULL",
        &[id.0.into(), json(guidance)],
    )?;
    Ok(rows == 1)
}

/// Records which rollback is to follow, or what became of it.
pub fn set_follow_up(tx: &Tx<'_>, id: DeploymentId, follow_up: &FollowUp) -> Result<bool, StoreError> {
    let rows =
        tx.execute("UPDATE deployments SET follow_up = ?2 WHERE id = ?1", &[id.0.into(), json(follow_up)])?;
    Ok(rows == 1)
}

/// Records the outcome if the deployment is in one of `from` and still in this epoch; says whether it won.
pub fn finish(
    tx: &Tx<'_>,
    id: DeploymentId,
    epoch: i64,
    from: &[DeploymentState],
    outcome: &Outcome,
    recovered_by: Option<&str>,
) -> Result<bool, StoreError> {
    let current = get(tx, id)?;
    if current.epoch != epoch || !from.contains(&current.state) || !current.state.may_become(outcome.state) {
        return Ok(false);
    }
    let rows = tx.execute(
        "UPDATE deployments SET state = ?3, finished_at = ?4, cause = ?5, failed_step = ?6, log_size = ?7,
             log_digest = ?8, log_dropped = ?9, left_running = ?10, recovered_by = ?11, hold = NULL, guidance = NULL
         WHERE id = ?1 AND epoch = ?2 AND state = ?12",
        &[
            id.0.into(),
            epoch.into(),
            text(outcome.state),
            text(outcome.at),
            json(&outcome.cause),
            outcome.failed_step.clone().into(),
            size(outcome.log_size),
            text(&outcome.log_digest),
            size(outcome.log_dropped),
            json(&outcome.left_running),
            recovered_by.into(),
            text(current.state),
        ],
    )?;
    if rows == 1 {
        steps::end_open(tx, id, outcome.state, outcome.at)?;
    }
    Ok(rows == 1)
}

/// Keeps what the gates said when they turned it down, where what they said before was something else.
pub fn set_report(tx: &Tx<'_>, id: DeploymentId, report: &GateReport) -> Result<bool, StoreError> {
    let rows =
        tx.execute("UPDATE deployments SET report = ?2 WHERE id = ?1", &[id.0.into(), json(report)])?;
    Ok(rows == 1)
}

/// Marks a deployment whose supervisor is gone; it keeps its environment until a person settles it.
pub fn mark_lost(tx: &Tx<'_>, id: DeploymentId, epoch: i64, cause: &Cause) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE deployments SET state = 'lost', cause = ?3
         WHERE id = ?1 AND epoch = ?2 AND state IN ('launching', 'running', 'paused')",
        &[id.0.into(), epoch.into(), json(cause)],
    )?;
    Ok(rows == 1)
}

/// Asks a live deployment to stop; a second request turns a gentle one into a kill. Says whether it is live.
pub fn request_cancel(tx: &Tx<'_>, id: DeploymentId, request: &CancelRequest) -> Result<bool, StoreError> {
    let kind = match request.kind {
        CancelKind::Gentle => "gentle",
        CancelKind::Kill => "kill",
    };
    let rows = tx.execute(
        "UPDATE deployments SET cancel_by = ?2, cancel_at = ?3, cancel_kind = ?4, cancel_reason = ?5
         WHERE id = ?1 AND state IN ('launching', 'running', 'paused')",
        &[
            id.0.into(),
            request.by.as_str().into(),
            text(request.at),
            kind.into(),
            request.reason.clone().into(),
        ],
    )?;
    Ok(rows == 1)
}

/// A success: its number, its epoch, and how long it took in milliseconds.
pub type Success = (DeploymentId, i64, Option<u64>);

/// The last successes of a service in an environment, newest first: for the ETA, and to compare with.
pub fn recent_successes(
    tx: &Tx<'_>,
    service: &ServiceName,
    env: &EnvName,
    limit: u32,
) -> Result<Vec<Success>, StoreError> {
    tx.query(
        "SELECT id, epoch, claimed_at, finished_at FROM deployments
         WHERE service = ?1 AND environment = ?2 AND state = 'succeeded' AND noop = 0 ORDER BY epoch DESC LIMIT ?3",
        &[text(service), text(env), i64::from(limit).into()],
        |row| {
            let start: Option<Timestamp> = row.opt_parse("claimed_at")?;
            let end: Option<Timestamp> = row.opt_parse("finished_at")?;
            let took = start.zip(end).and_then(|(start, end)| u64::try_from(end.since(start).as_millis()).ok());
            Ok((DeploymentId(row.int("id")?), row.int("epoch")?, took))
        },
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

/// One more than the highest epoch this environment has seen for the service: a fencing token that only rises.
pub fn next_epoch(tx: &Tx<'_>, service: &ServiceName, env: &EnvName) -> Result<i64, StoreError> {
    let last = tx.query_opt(
        "SELECT epoch FROM deployments WHERE service = ?1 AND environment = ?2 ORDER BY epoch DESC LIMIT 1",
        &[text(service), text(env)],
        |row| row.int("epoch"),
    )?;
    Ok(last.unwrap_or(0) + 1)
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
