//! Runs of the build script: started by a person, carried out by a process of their own, recorded with what they made.
//!
//! A run is no deployment: it changes nothing anywhere but in the release, may be repeated at will, and so needs neither
//! gates nor an exit record. Should its process die, the run is lost and another one is begun.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::actor::Person;
use crate::domain::deployment::{CancelKind, CancelRequest, Cause};
use crate::domain::digest::Digest;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::domain::junit::Report;
use crate::domain::policy::{Argv, ScriptRole, Service, check_key};
use crate::domain::release::build::{BuildEnd, CHECK, Made};
use crate::domain::release::{BuildRun, BuildState, Check, Release, Stage};
use crate::domain::right::{Place, Right};
use crate::domain::subject::canonical_json;
use crate::domain::text::{fit, free};

use super::release::evidence::known_check;
use super::release::{known_release, open_release, save};
use super::{Ctx, ErrorKind, LAUNCH_DEADLINE, Liveness, OpError};
use crate::store::{journal, releases};

/// So many lines of a log are shown at most.
const TAIL: usize = 60;

/// What the process is told to do. Like a deployment's ticket it comes from the configuration, never from the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildTicket {
    pub release: ReleaseId,
    pub number: usize,
    /// The check it is of; nothing: it builds.
    #[serde(default)]
    pub check: Option<String>,
    pub argv: Argv,
    pub working_dir: PathBuf,
    pub vars: BTreeMap<String, String>,
    pub pass_env: Vec<String>,
    pub secrets: Vec<String>,
    pub timeout: Option<Duration>,
    pub quiet_timeout: Option<Duration>,
    pub grace: Duration,
}

/// How a run ended, as its process tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub cause: Cause,
    pub log_size: u64,
    pub log_digest: Digest,
    pub made: Made,
    /// What the report says that its test runner wrote, with the SHA-256 of it; `Err`: it cannot be read, and why.
    pub report: Option<Result<(Report, Digest), String>>,
}

/// Puts a run of the build script on record and starts it. Returns its number.
pub fn start(cx: &Ctx<'_>, id: &ReleaseId) -> Result<(Release, usize), OpError> {
    let service = cx.service(&id.service)?;
    let argv = service.scripts.get(&ScriptRole::Build).ok_or_else(|| {
        OpError::not_found(format!("build script of {}", id.service))
            .hint(format!("name it: [services.{}.scripts] build = [\"scripts/build\"]", id.service))
            .hint(format!("built elsewhere, it is put down: relman check record {id} build passed"))
    })?;
    run(cx, id, service, argv, None)
}

/// The same of the script that finds out about a check.
pub fn check(cx: &Ctx<'_>, id: &ReleaseId, name: &str) -> Result<(Release, usize), OpError> {
    known_check(cx, name)?;
    let service = cx.service(&id.service)?;
    let argv = service.checks.get(name).ok_or_else(|| {
        OpError::not_found(format!("script for the check {name} of {}", id.service))
            .hint(format!("name it: [services.{}.checks] {name} = [\"scripts/{name}\"]", id.service))
            .hint(format!("what was found elsewhere is put down: relman check record {id} {name} passed"))
    })?;
    run(cx, id, service, argv, Some(name))
}

fn run(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    service: &Service,
    argv: &Argv,
    check: Option<&str>,
) -> Result<(Release, usize), OpError> {
    let script = digest_of(cx, service, argv, check);
    let right = if check.is_some() { Right::Evidence } else { Right::Build };
    let release = cx.act(Verb::RunStarted, id, |tx| {
        cx.may(right, Place::service(&id.service))?;
        let before = open_release(tx, id)?;
        if let Some((why, remedy)) = before.cannot_be_built() {
            return Err(OpError::conflict(why).hint(remedy));
        }
        if let Some((number, run)) = before.build.running() {
            let sentence = format!("{} of {id} is running, started by {}", run.name(number), run.by.name);
            return Err(OpError::conflict(sentence)
                .hint(format!("follow it: relman build {id} --log"))
                .hint(format!("or stop it: relman build {id} --cancel")));
        }
        let mut release = before.clone();
        release.build.runs.push(BuildRun {
            state: BuildState::Running,
            check: check.map(str::to_owned),
            by: cx.actor.person.clone(),
            host: cx.machine.host().to_owned(),
            boot: cx.machine.boot().to_owned(),
            started: cx.now,
            commit: release.build.commit.clone(),
            content: Some(release.build.content()),
            script: script.clone(),
            cancel: None,
            ended: None,
        });
        let release = save(tx, cx, release)?;
        journal::append(tx, cx.entry(Verb::RunStarted, id).before(&before).after(&release))?;
        Ok(release)
    })?;
    let number = release.build.runs.len();
    if let Err(why) = cx.machine.build(&ticket(&release, number, service, argv)) {
        let cause = Cause::NeverStarted { why: why.clone() };
        end(cx, id, number, BuildState::Failed, &nothing(cause))?;
        let name = release.build.runs[number - 1].name(number);
        return Err(OpError::new(ErrorKind::Failure, format!("{name} of {id} did not start: {why}")));
    }
    Ok((release, number))
}

fn nothing(cause: Cause) -> Ended {
    Ended { cause, log_size: 0, log_digest: Digest::of(b""), made: Made::default(), report: None }
}

/// The command line and the files it names, as they are now.
fn digest_of(cx: &Ctx<'_>, service: &Service, argv: &Argv, check: Option<&str>) -> Digest {
    let commands = cx.machine.scripts(service).commands;
    let key = check.map_or_else(|| ScriptRole::Build.as_str().to_owned(), check_key);
    let files = commands.get(&key).map(|command| &command.files);
    Digest::of(format!("relman-build-script-v1\n{}", canonical_json(&(argv, files))).as_bytes())
}

fn ticket(release: &Release, number: usize, service: &Service, argv: &Argv) -> BuildTicket {
    let opt = |value: &Option<String>| value.clone().unwrap_or_default();
    let check = release.build.runs.last().and_then(|run| run.check.clone());
    let vars = [
        ("RELMAN_KIND", if check.is_some() { "check" } else { "build" }.to_owned()),
        ("RELMAN_CHECK", opt(&check)),
        ("RELMAN_SERVICE", release.id.service.to_string()),
        ("RELMAN_VERSION", release.id.version.to_string()),
        ("RELMAN_COMMIT", opt(&release.build.commit)),
        // What a deployment knows besides is empty: a script that both share may ask for it.
        ("RELMAN_ARTIFACT", opt(&release.build.artifact)),
        ("RELMAN_ENVIRONMENT", String::new()),
        ("RELMAN_DEPLOYMENT", String::new()),
        ("RELMAN_PREVIOUS_VERSION", String::new()),
        ("RELMAN_VERSION_CHANGE", String::new()),
        ("RELMAN_BUILD", number.to_string()),
        ("RELMAN_ACTOR", release.build.runs.last().map(|run| run.by.name.clone()).unwrap_or_default()),
    ];
    BuildTicket {
        release: release.id.clone(),
        number,
        check: check.clone(),
        argv: argv.clone(),
        working_dir: service.working_dir.clone(),
        vars: vars
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .chain(service.field_variables(release))
            .collect(),
        pass_env: service.pass_env.clone(),
        secrets: service.secrets.clone(),
        timeout: service.timeout,
        quiet_timeout: service.quiet_timeout,
        grace: service.grace,
    }
}

/// Asks the run that goes on to stop: gently at first, a second time at once.
pub fn cancel(cx: &Ctx<'_>, id: &ReleaseId, reason: Option<&str>) -> Result<Release, OpError> {
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    cx.act(Verb::RunCancelRequested, id, |tx| {
        let before = known_release(tx, id)?;
        let Some((number, run)) = before.build.running() else {
            return Err(OpError::conflict(format!("nothing of {id} is being built or tested")));
        };
        if run.by.uid != cx.actor.person.uid {
            cx.may(Right::Cancel, Place::service(&id.service))?;
        }
        let kind = if run.cancel.is_some() { CancelKind::Kill } else { CancelKind::Gentle };
        let by = cx.actor.name().to_owned();
        let mut release = before.clone();
        release.build.runs[number - 1].cancel =
            Some(CancelRequest { by, at: cx.now, kind, reason: reason.clone() });
        let release = save(tx, cx, release)?;
        let entry = cx.entry(Verb::RunCancelRequested, id).because(reason.as_deref());
        journal::append(tx, entry.before(&before).after(&release))?;
        Ok(release)
    })
}

/// Records how a run ended: said by the process that carried it out.
pub fn finish(cx: &Ctx<'_>, id: &ReleaseId, number: usize, ended: &Ended) -> Result<Release, OpError> {
    let state = match &ended.cause {
        Cause::Completed => BuildState::Passed,
        Cause::Cancelled { .. } => BuildState::Cancelled,
        _ => BuildState::Failed,
    };
    end(cx, id, number, state, ended)
}

/// The release with its runs.
pub fn find(cx: &Ctx<'_>, id: &ReleaseId) -> Result<Release, OpError> {
    cx.store.read(|tx| known_release(tx, id))
}

/// What somebody wants of a run that goes on: its end, or nothing.
pub fn wish(cx: &Ctx<'_>, id: &ReleaseId, number: usize) -> Result<Option<CancelRequest>, OpError> {
    let release = find(cx, id)?;
    let run = number.checked_sub(1).and_then(|at| release.build.runs.get(at));
    Ok(run.filter(|run| run.state == BuildState::Running).and_then(|run| run.cancel.clone()))
}

/// The end of the newest log, to be looked at: which run it is of, and its last lines.
pub fn tail(cx: &Ctx<'_>, id: &ReleaseId) -> Result<(usize, Vec<String>), OpError> {
    let number = find(cx, id)?.build.runs.len();
    let lines = if number == 0 { Vec::new() } else { cx.machine.build_tail(id, number, TAIL) };
    Ok((number, lines))
}

/// Marks runs of this machine whose process is gone; returns what was changed.
pub fn reconcile(cx: &Ctx<'_>) -> Result<Vec<Release>, OpError> {
    if cx.policy.readonly {
        return Ok(Vec::new());
    }
    let mut lost = Vec::new();
    for release in cx.store.read(releases::list_building)? {
        let Some((number, run)) = release.build.running() else { continue };
        let is_young = cx.now < run.started.plus(LAUNCH_DEADLINE);
        let is_here = run.host == cx.machine.host();
        if is_young || !is_here || cx.machine.build_liveness(&release.id, number) != Liveness::Gone {
            continue;
        }
        let why = match run.boot == cx.machine.boot() {
            true => "its process was ended; the end of its log may tell more".to_owned(),
            false => "the machine was restarted meanwhile".to_owned(),
        };
        let cause = Cause::SupervisorGone { why };
        let (log_size, log_digest) = cx.machine.build_log(&release.id, number);
        let ended = Ended { cause, log_size, log_digest, made: Made::default(), report: None };
        match end(cx, &release.id, number, BuildState::Lost, &ended) {
            Ok(release) => lost.push(release),
            // Somebody else looked at the same moment.
            Err(error) if error.kind == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(lost)
}

/// The one place where a run ends. What was made replaces what was recorded before, so that the check is about it.
fn end(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    number: usize,
    state: BuildState,
    ended: &Ended,
) -> Result<Release, OpError> {
    let ttl = cx.policy.stage(Stage::Test).check_ttl;
    cx.act(Verb::RunEnded, id, |tx| {
        let before = known_release(tx, id)?;
        let running = before.build.runs.get(number.wrapping_sub(1));
        if running.is_none_or(|run| run.state != BuildState::Running) {
            return Err(OpError::conflict(format!("build {number} of {id} is over already")));
        }
        let mut release = before.clone();
        let made = ended.made.clone();
        let run = &mut release.build.runs[number - 1];
        let by = run.by.clone();
        run.state = state;
        run.ended = Some(BuildEnd {
            at: cx.now,
            cause: ended.cause.clone().brief(300),
            log_size: ended.log_size,
            log_digest: ended.log_digest.clone(),
            made: made.clone(),
        });
        let told = run.told(number);
        let (of, began) = (run.check.clone(), (run.content.clone(), run.commit.clone()));
        let proves = matches!(state, BuildState::Passed | BuildState::Failed) && before.is_open();
        if of.is_none() && state == BuildState::Passed && before.is_open() {
            release.build.artifact = made.artifact.or(release.build.artifact);
            release.build.digest = made.digest.or(release.build.digest);
            release.build.commit = made.commit.or(release.build.commit);
        }
        if proves {
            let found = found(cx, &release, by, state == BuildState::Passed, ended);
            let about = match &of {
                // What was tested is what there was when the test began.
                Some(_) if began.0 != found.content => {
                    Check { digest: None, content: began.0, commit: began.1, ..found }
                }
                _ => found,
            };
            let check = Check {
                expires: ttl.map(|ttl| cx.now.plus(ttl)),
                source: Some(if of.is_some() { format!("run {number}") } else { format!("build {number}") }),
                ..about
            };
            release.checks.insert(of.unwrap_or_else(|| CHECK.to_owned()), check);
        }
        let release = save(tx, cx, release)?;
        let entry = cx.entry(Verb::RunEnded, id).because(Some(&told));
        journal::append(tx, entry.before(&before).after(&release))?;
        Ok(release)
    })
}

/// What a run found out: by how its script ended, and by what its test runner wrote. What either calls a failure is one.
fn found(cx: &Ctx<'_>, release: &Release, by: Person, passed: bool, ended: &Ended) -> Check {
    let cause = (!passed).then(|| fit(&ended.cause.to_string(), 300));
    let (report, trouble) = match &ended.report {
        Some(Ok((report, digest))) => (Some((report, digest)), None),
        Some(Err(why)) => (None, Some(format!("the report cannot be read: {why}"))),
        None => (None, None),
    };
    let told = report.and_then(|(report, _)| report.told());
    let notes: Vec<String> = cause.into_iter().chain(told).chain(trouble.clone()).collect();
    Check {
        passed: passed && trouble.is_none() && report.is_none_or(|(report, _)| report.counts.failed == 0),
        digest: release.build.digest.clone(),
        content: Some(release.build.content()),
        commit: release.build.commit.clone(),
        by,
        at: cx.now,
        note: (!notes.is_empty()).then(|| fit(&notes.join("; "), 1000)),
        counts: report.map(|(report, _)| report.counts),
        source: None,
        report: Some(report.map_or(&ended.log_digest, |(_, digest)| digest).clone()),
        environment: None,
        expires: None,
    }
}
