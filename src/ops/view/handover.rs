//! The packet for the next shift (N11): what runs, what waits and for whom, what is closed, what is wrong, what happened.

use std::time::Duration;

use crate::domain::deployment::{Deployment, DeploymentState};
use crate::domain::document::Document;
use crate::domain::release::evidence::Worth;
use crate::domain::release::plan::Track;
use crate::domain::time::{Window, relative, wall};
use crate::ops::view::queue::Pending;
use crate::ops::{Ctx, OpError, override_review};

use super::{board, calendar, open_items, queue};

pub fn handover(cx: &Ctx<'_>, last: Duration) -> Result<Document, OpError> {
    let (now, zone) = (cx.now, cx.policy.zone);
    let board = board::board(cx)?;
    let ahead = Window { start: now, end: now.plus(Duration::from_hours(24)) };
    let mut document = Document::new(format!("Handover, {}", wall(now, zone)));
    document.text(format!("From {}.", cx.actor.person.name));

    let running = |d: &Deployment| {
        let taken =
            d.taken.as_ref().map(|taken| format!("; {} is on it", taken.by.human())).unwrap_or_default();
        let waits = match &d.hold {
            Some(hold) if hold.needs_person() => "; WAITS FOR A PERSON",
            Some(_) => "; pauses",
            None => "",
        };
        let since = relative(d.requested_at, now);
        format!(
            "{} {} by {}, {} since {since}{waits}{taken}",
            d.id,
            d.errand(),
            d.started_by.name,
            d.state_word()
        )
    };
    let (lost, live): (Vec<&Deployment>, Vec<&Deployment>) =
        board.active.iter().partition(|d| d.state == DeploymentState::Lost);
    document.section(2, "LOST: nobody knows how these ended", lost.into_iter().map(running).collect());
    document.section(2, "Running", live.into_iter().map(running).collect());
    let waiting = board.pending.iter().map(|d| {
        let wait = d.wait.as_ref().map(|wait| wait.brief(d.state, now)).unwrap_or_default();
        format!("{} {} by {}: {wait}", d.id, d.errand(), d.started_by.name)
    });
    document.section(2, "Scheduled and queued", waiting.collect());

    let open = |item: &&Pending| item.tally.rejected.is_none() && !item.tally.is_met();
    let queue = queue::queue(cx, &board)?;
    let decisions = queue.iter().filter(open).map(|item| {
        let late = if item.timed_out.is_some() { "; TIMED OUT" } else { "" };
        let who: Vec<String> = item
            .tally
            .rules
            .iter()
            .filter(|rule| rule.missing() > 0)
            .map(|rule| rule.group.clone())
            .collect();
        format!(
            "{} for {}: waits for {}, {}{late}",
            item.release.id,
            item.matter(),
            who.join(", "),
            relative(item.since, now)
        )
    });
    document.section(2, "Decisions that are open", decisions.collect());
    closed(cx, &mut document, ahead)?;
    let locks = board.locks.iter().map(|lock| {
        let end = lock
            .expires
            .map_or_else(|| "until lifted".to_owned(), |end| format!("until {}", wall(end, zone)));
        format!("{} {} by {}, {end}: {}", lock.id, lock.scope.describe(), lock.by.name, lock.reason)
    });
    document.section(2, "Locks", locks.collect());
    wrong(cx, &mut document, &board)?;
    happened(cx, &mut document, last)?;
    if document.blocks.len() == 1 {
        document.text("All quiet: nothing runs, nothing waits, nothing is closed, nothing is wrong.");
    }
    Ok(document)
}

fn closed(cx: &Ctx<'_>, document: &mut Document, ahead: Window) -> Result<(), OpError> {
    let zone = cx.policy.zone;
    let found = calendar::calendar(cx, ahead)?;
    let lines = found.freezes.iter().zip(&found.windows).filter_map(|(freeze, windows)| {
        let window = windows.first()?;
        let state = if window.start <= cx.now { "closed NOW" } else { "closes" };
        let name = &freeze.name;
        Some(format!(
            "{state} {}: {} to {}, \"{name}\" ({})",
            freeze.scope.describe(),
            wall(window.start, zone),
            wall(window.end, zone),
            freeze.reason
        ))
    });
    document.section(2, "Freezes of the next 24 hours", lines.collect());
    let trains = found.departures.iter().filter(|stop| stop.departure.is_none());
    let trains = trains.map(|stop| format!("train {} departs {}", stop.train, wall(stop.at, zone)));
    document.section(2, "Trains of the next 24 hours", trains.collect());
    Ok(())
}

/// What somebody has to look after.
fn wrong(cx: &Ctx<'_>, document: &mut Document, board: &board::Board) -> Result<(), OpError> {
    let (now, zone) = (cx.now, cx.policy.zone);
    let issues = open_items::issues(cx, None)?.into_iter().map(|one| {
        let owner = one.item.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
        format!("{} {} {}: {}{owner}", one.release, one.number, one.item.severity, one.item.title)
    });
    document.section(2, "Issues that are open", issues.collect());
    let blocked = board.cards.iter().filter_map(|card| {
        let block = card.release.blocked.as_ref()?;
        Some(format!("{} by {}: {}", card.release.id, block.by.name, block.reason))
    });
    document.section(2, "Blocked releases", blocked.collect());
    let mut late = Vec::new();
    for release in board.cards.iter().map(|card| &card.release) {
        let all = &release.plan.milestones;
        for milestone in all {
            let track = milestone.track(all, now);
            if matches!(track, Track::Late | Track::AtRisk) {
                late.push(format!(
                    "{}: {} is {track}, due {}",
                    release.id,
                    milestone.name,
                    wall(milestone.due, zone)
                ));
            }
        }
        for (name, waiver) in &release.waivers {
            if matches!(release.worth(name, now), Worth::Waived { .. }) {
                late.push(format!("{}: {name} is waived until {}", release.id, wall(waiver.expires, zone)));
            }
        }
    }
    document.section(2, "Milestones and waivers", late);
    let reviews = override_review::list(cx, false)?.into_iter().map(|bypass| {
        let d = &bypass.deployment;
        let overdue = if bypass.is_overdue(now) { "OVERDUE: " } else { "" };
        format!(
            "{overdue}{} went past {} in {} with {}",
            d.started_by.name,
            d.overrides.join(", "),
            d.environment,
            d.id
        )
    });
    document.section(2, "Overrides to be reviewed", reviews.collect());
    let actions = open_items::actions(cx, None)?;
    let due = actions.into_iter().filter(|one| one.item.due.is_some_and(|due| due < now)).map(|one| {
        let owner = one.item.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
        format!("{} {}: {}{owner}", one.release, one.number, one.item.text)
    });
    document.section(2, "Actions that are overdue", due.collect());
    Ok(())
}

/// How the deployments of the shift ended.
fn happened(cx: &Ctx<'_>, document: &mut Document, last: Duration) -> Result<(), OpError> {
    let zone = cx.policy.zone;
    let from = cx.now.minus(last);
    let span = Window { start: from, end: cx.now.plus(Duration::from_millis(1)) };
    let found = calendar::calendar(cx, span)?;
    let rows: Vec<Vec<String>> = found
        .deployments
        .iter()
        .rev()
        .filter(|d| d.state.is_over())
        .map(|d| {
            let cause = d.cause.as_ref().map(ToString::to_string).unwrap_or_default();
            vec![
                d.id.to_string(),
                d.errand(),
                d.state_word().to_owned(),
                d.started_by.name.clone(),
                wall(d.requested_at, zone),
                cause,
            ]
        })
        .collect();
    if !rows.is_empty() {
        document.heading(2, format!("Deployments since {}", wall(from, zone)));
        document.table(&["id", "what", "outcome", "by", "when", "how it ended"], rows);
    }
    Ok(())
}
