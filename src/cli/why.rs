//! `relman why`

use super::args::Why;
use super::out::{Out, Tone};
use super::{Session, deployment, exit, release};
use crate::domain::gate::{Answer, GateReport};
use crate::domain::time::{relative, wall};
use crate::ops::OpError;
use crate::ops::deployment::start;
use crate::ops::release::find;
use crate::ops::view::release as view;

pub(super) fn why(session: &mut Session, args: &Why) -> Result<u8, OpError> {
    let desk = session.desk()?;
    deployment::settle_orphans(&desk);
    let cx = desk.cx();
    let id = find::find(&cx, &args.release)?;
    let Some(env) = &args.environment else {
        let view = view::release(&cx, &id)?;
        let open = view.exit.iter().all(|check| check.answer.opens());
        if session.out.is_json() {
            session.out.json("exit", &view.exit);
        } else if view.release.is_open() {
            let may = if open { "may leave" } else { "cannot leave" };
            session.out.line(format!("{id} {may} the {} stage", view.release.stage));
            release::print_exit(&mut session.out, &view.exit, true);
        } else {
            session.out.line(format!("{id} is {}", view.release.state));
        }
        return Ok(if open { exit::OK } else { exit::BLOCKED });
    };
    let report = start::explain(&cx, &id, env)?;
    if session.out.is_json() {
        session.out.json("report", &report);
    } else {
        session.out.line(report.headline());
        print_report(&mut session.out, &report);
        if let Some(closes) = &report.closes {
            session.out.line(closes.sentence(cx.now));
        }
        if let Some(at) = report.earliest.filter(|at| *at > report.at) {
            let (when, how_long) = (wall(at, cx.policy.zone), relative(at, cx.now));
            session.out.line(format!("earliest: {when} ({how_long})"));
        }
    }
    Ok(if report.allows() { exit::OK } else { exit::code(OpError::gates(report).kind) })
}

/// Every gate on a line; closed ones with who can clear them and what to do.
pub(super) fn print_report(out: &mut Out, report: &GateReport) {
    for check in &report.checks {
        let gate = check.gate;
        match &check.answer {
            Answer::Pass { evidence } => {
                out.line(format!("  {} {gate:<10} {evidence}", out.paint(Tone::Good, "✓")));
            }
            Answer::Skipped { why } => {
                out.line(format!("  {} {gate:<10} not asked: {why}", out.paint(Tone::Dim, "–")));
            }
            Answer::Overridden { reason, by, because } => {
                let mark = out.paint(Tone::Busy, "!");
                out.line(format!("  {mark} {gate:<10} overridden by {by} ({because}): {reason}"));
            }
            Answer::Unknown { why } => {
                out.line(format!("  {} {gate:<10} unknown: {why}", out.paint(Tone::Bad, "?")));
            }
            Answer::Blocked { reason } => {
                out.line(format!("  {} {gate:<10} {reason}", out.paint(Tone::Bad, "✗")));
            }
        }
        if let Some(step) = check.next_step(&report.release, &report.environment) {
            out.line(format!("    → {step}"));
        }
    }
}
