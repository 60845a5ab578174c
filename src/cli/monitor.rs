//! `relman monitor list | try`

use super::args::Monitor;
use super::out::Tone;
use super::{Session, exit};
use crate::domain::ids::{DeploymentId, ReleaseRef};
use crate::domain::monitor::{Reading, Verdict, Watch};
use crate::domain::time::{span, wall};
use crate::host::clock;
use crate::ops::release::find;
use crate::ops::{OpError, monitor};

pub(super) fn run(session: &mut Session, verb: Monitor) -> Result<u8, OpError> {
    match verb {
        Monitor::List { release: None } => configured(session),
        Monitor::List { release: Some(release) } => of_release(session, &release),
        Monitor::Try { id } => try_out(session, id),
    }
}

fn configured(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let services = &desk.config.policy.services;
    let all = || services.values().flat_map(|service| service.monitors.iter().map(move |one| (service, one)));
    if session.out.is_json() {
        let list: Vec<_> = all()
            .map(|(service, one)| serde_json::json!({ "service": service.name, "monitor": one }))
            .collect();
        session.out.json("monitors", &list);
        return Ok(exit::OK);
    }
    let rows: Vec<Vec<String>> = all()
        .map(|(service, one)| {
            let envs: Vec<String> = match one.environments.is_empty() {
                true => service.pipeline.iter().map(ToString::to_string).collect(),
                false => one.environments.iter().map(ToString::to_string).collect(),
            };
            vec![
                service.name.to_string(),
                one.name.clone(),
                envs.join(", "),
                span(one.every),
                span(one.lasts),
                one.command.join(" "),
            ]
        })
        .collect();
    if rows.is_empty() {
        session.out.note(
            "there is no monitor; add one: [services.NAME.monitors.errors] command = [\"./errors.sh\"]",
        );
        return Ok(exit::OK);
    }
    session.out.table(&["SERVICE", "MONITOR", "WHERE", "EVERY", "FOR", "COMMAND"], rows);
    Ok(exit::OK)
}

fn of_release(session: &mut Session, wanted: &ReleaseRef) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let (release, open) = monitor::of_release(&cx, &find::find(&cx, wanted)?)?;
    let all: Vec<&Watch> = release.monitored.iter().chain(&open).collect();
    if session.out.is_json() {
        session.out.json("watches", &all);
        return Ok(exit::OK);
    }
    if all.is_empty() {
        session.out.note(&format!("no monitor has been asked about {} yet", release.id));
    }
    for watch in all {
        let (word, tone) = match watch.verdict {
            Verdict::Passed => ("passed", Tone::Good),
            Verdict::Open => ("open", Tone::Busy),
            Verdict::Failed => ("FAILED", Tone::Bad),
            Verdict::Inconclusive => ("inconclusive", Tone::Bad),
            Verdict::Error => ("error", Tone::Bad),
        };
        let word = session.out.paint(tone, word);
        let (name, env, id) = (&watch.monitor, &watch.environment, watch.deployment);
        session.out.line(format!("{name} in {env} ({id}): {word}"));
        for one in &watch.newest {
            let at = wall(one.at, cx.policy.zone);
            session.out.line(format!("  {at}  {:<12}  {}", one.reading.as_str(), one.said));
        }
    }
    Ok(exit::OK)
}

/// Ends with 1 where one of them did not say that all is well.
fn try_out(session: &mut Session, id: DeploymentId) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let said = monitor::measure_now(&desk.cx(), id, clock::now)?;
    if said.is_empty() {
        session.out.note(&format!("no monitor is asked about {id}"));
    }
    if session.out.is_json() {
        session.out.json("measurements", &said);
    } else {
        for (name, found) in &said {
            session.out.line(format!("{name}: {}, {}", found.reading, found.said));
        }
    }
    Ok(match said.iter().all(|(_, found)| found.reading == Reading::Success) {
        true => exit::OK,
        false => 1,
    })
}
