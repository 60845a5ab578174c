//! `relman approve | reject | withdraw | approvals`

use super::args::{Approvals, Decide, Withdraw};
use super::out::Tone;
use super::{Session, exit, past};
use crate::domain::approval::{Approval, Verdict};
use crate::domain::time::{Tz, relative, span, wall};
use crate::ops::OpError;
use crate::ops::approval::{decide, withdraw as withdrawal};
use crate::ops::past::Still;
use crate::ops::release::find;
use crate::ops::view::{board, queue, release as view};

pub(super) fn approve(session: &mut Session, args: Decide) -> Result<u8, OpError> {
    decided(session, args, Verdict::Approved)
}

pub(super) fn reject(session: &mut Session, args: Decide) -> Result<u8, OpError> {
    decided(session, args, Verdict::Rejected)
}

fn decided(session: &mut Session, args: Decide, verdict: Verdict) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let decision = decide::Decision {
        release: find::find(&desk.cx(), &args.release)?,
        environment: args.environment,
        verdict,
        reason: args.reason,
        seen: args.seen,
    };
    let approval = decide::decide(&desk.cx(), &decision)?;
    print(session, &approval, desk.config.policy.zone);
    Ok(exit::OK)
}

fn print(session: &mut Session, approval: &Approval, zone: Tz) {
    if session.out.is_json() {
        session.out.json("approval", approval);
        return;
    }
    let until = match approval.expires_at {
        Some(at) => format!(", counts until {}", wall(at, zone)),
        None => String::new(),
    };
    let about = approval.subject.as_text();
    session.out.line(format!(
        "{} {} for {about} by {}{until}",
        approval.release, approval.verdict, approval.by.name
    ));
}

pub(super) fn withdraw(session: &mut Session, args: Withdraw) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let id = find::find(&desk.cx(), &args.release)?;
    let approval = withdrawal::withdraw(&desk.cx(), &id, args.environment.as_ref())?;
    if session.out.is_json() {
        session.out.json("approval", &approval);
    } else {
        session.out.line(format!("{id}: your decision about {} is withdrawn", approval.subject.as_text()));
    }
    Ok(exit::OK)
}

pub(super) fn list(session: &mut Session, args: &Approvals) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let past = past::open(session, &desk, args.past.as_of.as_deref())?;
    let still = Still(desk.machine());
    let cx = past.as_ref().map_or_else(|| desk.cx(), |past| past.cx(&desk.cx(), &still));
    if let Some(wanted) = &args.release {
        let view = view::release(&cx, &find::find(&cx, wanted)?)?;
        if session.out.is_json() {
            past::answer(&mut session.out, past.as_ref(), "approvals", &view.approvals);
            return Ok(exit::OK);
        }
        let row = |decision: &view::Decision| {
            let a = &decision.approval;
            let ignored = decision
                .ignored
                .as_ref()
                .map(|why| format!("does not count: {}", why.sentence(cx.policy.zone)));
            let notes: Vec<String> = ignored.into_iter().chain(a.reason.clone()).collect();
            vec![
                a.subject.as_text().to_owned(),
                a.verdict.to_string(),
                a.by.name.clone(),
                relative(a.at, cx.now),
                notes.join("; "),
            ]
        };
        let rows = view.approvals.iter().map(row).collect();
        session.out.table(&["ABOUT", "DECISION", "BY", "WHEN", "NOTE"], rows);
        return Ok(exit::OK);
    }
    let pending = queue::queue(&cx, &board::board(&cx)?)?;
    if session.out.is_json() {
        past::answer(&mut session.out, past.as_ref(), "pending", &pending);
        return Ok(exit::OK);
    }
    if pending.is_empty() {
        session.out.note("nothing waits for an approval");
        return Ok(exit::OK);
    }
    let rows = pending
        .iter()
        .map(|item| {
            let rules: Vec<String> = item
                .tally
                .rules
                .iter()
                .map(|rule| format!("{} {}/{}", rule.group, rule.by.len(), rule.needed))
                .collect();
            let you = match &item.not_yours {
                None => session.out.paint(Tone::Busy, "your turn"),
                Some(why) => why.clone(),
            };
            vec![
                item.release.id.to_string(),
                item.matter(),
                rules.join(", "),
                span(cx.now.since(item.since)),
                you,
            ]
        })
        .collect();
    session.out.table(&["RELEASE", "FOR", "APPROVALS", "WAITING", "YOU"], rows);
    Ok(exit::OK)
}
