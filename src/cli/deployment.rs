//! `relman deploy | rollback | deployments | show | cancel | resolve`

use super::args::{Cancel, Deploy, Deployments, Guide, Id, Resolve, ResolveOutcome, Rollback};
use super::out::{Out, Tone};
use super::{Session, exit, log, prompts, waiting, why, witness};
use crate::desk::Desk;
use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::hold::Hold;
use crate::domain::ids::DeploymentId;
use crate::domain::text::counted_changes;
use crate::domain::time::{Timestamp, relative, span, stopwatch, wall};
use crate::domain::wait::Wait;
use crate::domain::witness::Eyes;
use crate::ops::deployment::{
    abandon as abandoning, cancel as cancelling, guide as guiding, reconcile, resolve as resolving,
    rollback as going_back, start,
};
use crate::ops::release::find;
use crate::ops::view::deployment as view;
use crate::ops::{ErrorKind, Filter, OpError};

pub(super) const HEADER: &[&str] = &["ID", "STATE", "KIND", "RELEASE", "TO", "BY", "STARTED", "TOOK", "NOTE"];

pub(super) fn row(d: &Deployment, now: Timestamp) -> Vec<String> {
    let note = match (&d.cause, d.is_cancelling(), d.silence(now)) {
        (_, _, Some(quiet)) => format!("NO SIGN OF LIFE for {}", span(quiet)),
        _ if d.state.is_pending() => d.begins().unwrap_or_default(),
        (_, false, _) if d.hold.is_some() => d.hold.as_ref().map(Hold::brief).unwrap_or_default(),
        (_, true, _) => "cancelling".to_owned(),
        (Some(cause), _, _) if d.state != DeploymentState::Succeeded => cause.to_string(),
        _ => d.reason.clone().unwrap_or_default(),
    };
    let overridden = if d.overrides.is_empty() {
        String::new()
    } else {
        format!("[override: {}] ", d.overrides.join(", "))
    };
    vec![
        d.id.to_string(),
        d.state_word().to_owned(),
        d.what(),
        d.release.to_string(),
        d.environment.to_string(),
        d.started_by.name.clone(),
        relative(d.requested_at, now),
        stopwatch(d.duration(now)),
        crate::domain::text::fit(&format!("{overridden}{note}"), 60),
    ]
}

pub(super) fn deploy(session: &mut Session, args: Deploy) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let release = find::find(&desk.cx(), &args.release)?;
    let later = waiting::later(&desk.cx(), &args)?;
    let follows = args.wait || (args.when.at.is_none() && args.after.is_empty() && !args.detach);
    let overrides = args.overrides.iter().copied().collect();
    let questions = start::questions(&desk.cx(), &release, &args.environment, &overrides)?;
    let service = desk.cx().policy.services.get(&release.service);
    let may_ask = !session.out.is_json() && !args.noop;
    for pair in &args.set_file {
        session.touches(std::path::Path::new(pair.split_once('=').map_or("", |(_, file)| file)))?;
    }
    let answers = prompts::answers(&questions, &args.set, &args.set_file, may_ask)?;
    let noop = args.noop;
    let wanted = start::StartDeploy {
        answers,
        later,
        reason: args.reason,
        overrides: args.overrides.into_iter().collect(),
        confirm: args.confirm,
        left_out: args.leave_out,
        on_failure: args.on_failure,
        change: args.change,
        skips_hooks: args.skip_hooks,
        ..start::StartDeploy::new(release, args.environment)
    };
    settle_orphans(&desk);
    if args.witness {
        witness::wait_for(session, &desk, &wanted.release, &wanted.environment)?;
    }
    if noop {
        let planned = start::plan(&desk.cx(), &wanted)?;
        return started_or_followed(session, &desk, planned.deployment.id, !follows);
    }
    let goes_by_itself = service.is_some_and(|service| service.deliveries.contains_key(&wanted.environment));
    // Only a warning: what is wrong with the wish itself is said, and recorded, by the start.
    let preview = goes_by_itself.then(|| start::preview(&desk.cx(), &wanted.release, &wanted.environment));
    let many = preview.and_then(Result::ok).and_then(|preview| preview.too_many);
    let many =
        many.map(|(changes, max)| format!("{changes} changes at once; at most {max} go there by themselves"));
    let started = start::start(&desk.cx(), &wanted)?;
    if let Some(before) = started.deployment.takes_back() {
        session.out.note(&format!(
            "this is a downgrade: {before}, which was live there, is newer; taken back: {}",
            counted_changes(started.takes_away)
        ));
    }
    if let Some(delivery) = many {
        session.out.note(&delivery);
    }
    if started.deployment.state.is_pending() && !follows {
        waiting::tell(session, &started.deployment);
        return Ok(exit::OK);
    }
    started_or_followed(session, &desk, started.deployment.id, !follows)
}

pub(super) fn rollback(session: &mut Session, args: Rollback) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let choices = going_back::choices(&desk.cx(), &args.service, &args.environment)?;
    if args.list {
        if session.out.is_json() {
            session.out.json("choices", &choices);
            return Ok(exit::OK);
        }
        if let Some(occupant) = &choices.occupant {
            session
                .out
                .note(&format!("there now: {} ({} {})", occupant.release, occupant.id, occupant.state));
        }
        let now = desk.cx().now;
        let rows = choices
            .candidates
            .iter()
            .map(|candidate| {
                let d = &candidate.deployment;
                let digest = d.artifact_digest.as_ref().map_or("–", |digest| digest.short());
                let good = d.finished_at.map(|at| relative(at, now)).unwrap_or_default();
                vec![
                    d.release.version.to_string(),
                    good,
                    d.id.to_string(),
                    digest.to_owned(),
                    d.started_by.name.clone(),
                    candidate
                        .takes_back
                        .iter()
                        .map(|taken| taken.release.version.to_string())
                        .collect::<Vec<_>>()
                        .join(", "),
                    candidate.rehearsed.as_ref().map_or_else(
                        || "–".to_owned(),
                        |tried| format!("{}, {}", tried.environment, relative(tried.at, now)),
                    ),
                    candidate.title.clone(),
                ]
            })
            .collect();
        session.out.table(
            &["VERSION", "GOOD", "BY DEPLOYMENT", "DIGEST", "WHO", "TAKES BACK", "REHEARSED", "TITLE"],
            rows,
        );
        for known in &choices.toggles {
            session.out.note(&format!(
                "or without a deployment: relman toggle {} {} {} --reason \"…\"",
                args.service,
                args.environment,
                known.flip()
            ));
        }
        return Ok(exit::OK);
    }
    let wanted = going_back::StartRollback {
        service: args.service,
        environment: args.environment,
        to: args.to,
        reason: args.reason.unwrap_or_default(),
        confirm: args.confirm,
    };
    settle_orphans(&desk);
    let started = going_back::rollback(&desk.cx(), &wanted)?;
    let target = &started.deployment.release;
    let chosen = choices.candidates.iter().find(|candidate| candidate.deployment.release == *target);
    for taken in chosen.into_iter().flat_map(|candidate| &candidate.takes_back) {
        session.out.note(&format!("takes back {} ({})", taken.release, taken.title));
        for change in &taken.changes {
            session.out.note(&format!("  - {change}"));
        }
    }
    for required in chosen.into_iter().flat_map(|candidate| &candidate.needed_by) {
        let (by, env) = (&required.by, &started.deployment.environment);
        session.out.note(&format!("{by} is live in {env} and requires {} or newer", required.version));
    }
    started_or_followed(session, &desk, started.deployment.id, args.detach)
}

/// What died unseen must not stand in the way of what is asked now.
pub(super) fn settle_orphans(desk: &Desk) {
    // If the store is in trouble, the verb itself says so.
    let _trouble = reconcile::reconcile(&desk.cx(), reconcile::Orphans::Adopt);
}

pub(super) fn started_or_followed(
    session: &mut Session,
    desk: &Desk,
    id: DeploymentId,
    detach: bool,
) -> Result<u8, OpError> {
    if !detach {
        return log::follow_to_end(session, desk, id, false);
    }
    let view = view::deployment(&desk.cx(), id)?;
    if session.out.is_json() {
        session.out.json("deployment", &view.deployment);
    } else {
        let d = &view.deployment;
        session.out.line(format!("{} {} of {} to {}: {}", d.id, d.what(), d.release, d.environment, d.state));
        session.out.note(&format!("watch it with: relman attach {}", id.0));
    }
    // It may be over already: turned down by a gate that closed meanwhile, for example.
    Ok(exit::of_deployment(&view.deployment, &view.report).unwrap_or(exit::OK))
}

pub(super) fn list(session: &mut Session, args: &Deployments) -> Result<u8, OpError> {
    let desk = session.desk()?;
    settle_orphans(&desk);
    let cx = desk.cx();
    let filter = Filter {
        service: args.service.clone(),
        environment: args.environment.clone(),
        release: args.release.clone(),
        before: args.before,
    };
    let deployments = view::list(&cx, &filter, args.limit)?;
    if session.out.is_json() {
        session.out.json("deployments", &deployments);
        return Ok(exit::OK);
    }
    if deployments.is_empty() {
        session.out.note("no deployment fits");
        return Ok(exit::OK);
    }
    session.out.table(HEADER, deployments.iter().map(|d| row(d, cx.now)).collect());
    Ok(exit::OK)
}

pub(super) fn show(session: &mut Session, args: &Id) -> Result<u8, OpError> {
    let desk = session.desk()?;
    settle_orphans(&desk);
    let cx = desk.cx();
    let view = view::deployment(&cx, args.id)?;
    if session.out.is_json() {
        session.out.json("deployment", &view);
        return Ok(exit::OK);
    }
    let d = &view.deployment;
    let out = &mut session.out;
    out.line(
        out.paint(Tone::Strong, &format!("{} {} of {} to {}", d.id, d.what(), d.release, d.environment)),
    );
    print_state(out, d);
    if let Some(silence) = silence(d, cx.now) {
        out.line(out.paint(Tone::Bad, &format!("  {silence}")));
    }
    let usual = view.usual_ms.map(|ms| stopwatch(std::time::Duration::from_millis(ms)));
    let usual = usual.map(|usual| format!(" (usually {usual})")).unwrap_or_default();
    let took = stopwatch(d.duration(cx.now));
    let took = if d.state.is_pending() { String::new() } else { format!(", took {took}{usual}") };
    out.line(format!("  by {} {}{took}", d.started_by.name, relative(d.requested_at, cx.now)));
    let pending = d.wait.as_ref().filter(|_| d.state.is_pending());
    for (label, value) in [
        ("from", d.previous.as_ref().map(ToString::to_string)),
        ("reason", d.reason.clone()),
        (
            if d.state.is_pending() { "may override" } else { "overridden" },
            (!d.overrides.is_empty()).then(|| view.overridden()),
        ),
        ("answers", d.answered()),
        ("left out", (!d.left_out.is_empty()).then(|| d.left_out.join(", "))),
        ("on failure", d.on_failure.map(|what| format!("{what} (said when it was asked for)"))),
        ("strategy", (!d.noop).then(|| d.strategy.clone())),
        ("artifact", d.artifact_digest.as_ref().map(ToString::to_string)),
        ("now", d.begins()),
        ("in line", view.place()),
        ("expires", pending.map(|wait| wall(wait.expires, wait.zone))),
        ("ahead", pending.and_then(Wait::ahead)),
        ("was asked", d.wait.as_ref().filter(|_| !d.state.is_pending()).map(ToString::to_string)),
        ("waits", d.hold.as_ref().map(|hold| waits(d.id, hold))),
        ("on it", d.on_it().map(|taken| taken.by.human().to_owned())),
        ("four-eyes", d.witness.as_ref().map(Eyes::sentence)),
        ("meanwhile", view.still_serves()),
        ("helped", d.guided.then(|| "a person decided about a failed step".to_owned())),
        ("rollback", d.follow_up.as_ref().map(|wanted| wanted.sentence(d.state.is_over()))),
        ("left running", (!d.left_running.is_empty()).then(|| d.left_running.join(", "))),
        ("recorded by", d.recovered_by.clone()),
        ("log", Some(desk.state().files_of(d.id).log().display().to_string())),
        ("log digest", d.log_digest.as_ref().map(ToString::to_string)),
    ] {
        if let Some(value) = value {
            out.line(format!("  {label:<13} {value}"));
        }
    }
    for step in &view.steps {
        let took = match (step.started_at, step.finished_at) {
            (Some(start), Some(end)) => stopwatch(end.since(start)),
            (Some(start), None) => stopwatch(cx.now.since(start)),
            _ => "–".to_owned(),
        };
        let cause = step.cause.as_ref().map(ToString::to_string).unwrap_or_default();
        let name = format!("{}{}", step.plan.name, step.again());
        out.line(format!("  {} {name:<20} {:<10} {took:>7} {cause}", step.index + 1, step.state));
    }
    out.line(format!("gates when it {}", view.gates_asked()));
    why::print_report(out, &view.report);
    Ok(exit::OK)
}

/// What it waits for and what may be decided about it.
fn waits(id: DeploymentId, hold: &Hold) -> String {
    let choices: Vec<&str> = hold.choices.iter().map(|choice| choice.as_str()).collect();
    format!("{hold}; relman decide {} {}", id.0, choices.join("|"))
}

/// State and cause on one line.
pub(super) fn print_state(out: &mut Out, d: &Deployment) {
    let tone = match d.state {
        DeploymentState::Succeeded => Tone::Good,
        state if state.is_live() || state.is_pending() => Tone::Busy,
        _ => Tone::Bad,
    };
    let cause = d.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    let step = d.failed_step.as_ref().map(|step| format!(" (step {step})")).unwrap_or_default();
    let cancelling = if d.is_cancelling() { ", cancelling" } else { "" };
    let state = out.paint(tone, d.state_word());
    out.line(format!("  {state}{cancelling}{cause}{step}"));
    if let Some(lost) = d.lost_output() {
        out.line(out.paint(Tone::Bad, &format!("  {lost}")));
    }
}

pub(super) fn cancel(session: &mut Session, args: &Cancel) -> Result<u8, OpError> {
    let desk = session.desk()?;
    if let (Some(reason), true) = (&args.reason, args.abandon) {
        return abandon(session, &desk, args.id, reason);
    }
    let asked = match (&args.reason, args.roll_back) {
        (Some(reason), true) => cancelling::cancel_and_roll_back(&desk.cx(), args.id, reason)?,
        (reason, _) => cancelling::cancel(&desk.cx(), args.id, reason.as_deref())?,
    };
    if args.detach || asked.state.is_over() {
        if session.out.is_json() {
            session.out.json("deployment", &asked);
        } else if asked.state.is_over() {
            session.out.line(format!("{} is called off; nothing had begun", args.id));
        } else {
            session
                .out
                .line(format!("{} was asked to stop; watch it with: relman attach {}", args.id, args.id.0));
        }
        return Ok(exit::OK);
    }
    session.out.note(&format!("{} was asked to stop; again kills it at once", args.id));
    if let Some(silence) = silence(&asked, desk.cx().now) {
        session.out.note(&format!(
            "{silence}; only {} or root can wake or end its supervisor (pkill -CONT relman-superv)",
            asked.started_by.name
        ));
    }
    let ended = log::wait_for_end(session, &desk, args.id)?;
    if session.out.is_json() {
        session.out.json("deployment", &ended);
    } else {
        print_state(&mut session.out, &ended);
    }
    // Asked for and done. It may have come to another end before it heard.
    Ok(match ended.state {
        DeploymentState::Cancelled => exit::OK,
        DeploymentState::Succeeded => exit::code(ErrorKind::Conflict),
        _ => log::code_of(&desk, &ended)?,
    })
}

fn abandon(session: &mut Session, desk: &Desk, id: DeploymentId, reason: &str) -> Result<u8, OpError> {
    let given_up = abandoning::abandon(&desk.cx(), id, reason)?;
    if session.out.is_json() {
        session.out.json("deployment", &given_up);
        return Ok(exit::OK);
    }
    let env = &given_up.environment;
    session.out.line(format!("{id} is given up; {env} is free again"));
    session
        .out
        .note("its work may still be going on, and nothing is cleaned up: look at what really runs there");
    tell_rollback(session, &given_up);
    Ok(exit::OK)
}

/// That its supervisor has not been heard of for too long, where that is so.
fn silence(d: &Deployment, now: Timestamp) -> Option<String> {
    d.silence(now).map(|quiet| format!("its supervisor has given no sign of life for {}", span(quiet)))
}

pub(super) fn decide(session: &mut Session, args: Guide) -> Result<u8, OpError> {
    let desk = session.desk()?;
    settle_orphans(&desk);
    let wanted =
        guiding::Decision { deployment: args.id, choice: args.choice, reason: args.reason, seen: None };
    let guided = guiding::guide(&desk.cx(), &wanted)?;
    let hold = guided.hold.as_ref().map(ToString::to_string).unwrap_or_default();
    session.out.note(&format!("{}: {} ({hold})", args.id, args.choice));
    if !args.detach {
        return log::follow_to_end(session, &desk, args.id, true);
    }
    if session.out.is_json() {
        session.out.json("deployment", &guided);
    }
    Ok(exit::OK)
}

pub(super) fn resolve(session: &mut Session, args: &Resolve) -> Result<u8, OpError> {
    let desk = session.desk()?;
    settle_orphans(&desk);
    let succeeded = args.outcome == ResolveOutcome::Succeeded;
    let resolved = resolving::resolve(&desk.cx(), args.id, succeeded, &args.reason)?;
    if session.out.is_json() {
        session.out.json("deployment", &resolved);
    } else {
        let (env, state) = (&resolved.environment, resolved.state);
        session.out.line(format!("{} is settled as {state}; {env} is free again", args.id));
        tell_rollback(session, &resolved);
    }
    Ok(exit::OK)
}

/// What became of the rollback that was to follow, where one was.
fn tell_rollback(session: &mut Session, d: &Deployment) {
    if let Some(wanted) = &d.follow_up {
        session.out.note(&format!("its rollback: {}", wanted.sentence(d.state.is_over())));
    }
}
