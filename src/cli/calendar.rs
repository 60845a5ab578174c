//! `relman calendar`

use std::time::Duration;

use super::args::Calendar;
use super::weeks::Sheet;
use super::{Session, exit, past};
use crate::domain::time::{Fold, Timestamp, Tz, Window, parse_zone, resolve_local, wall};
use crate::ops::OpError;
use crate::ops::past::Still;
use crate::ops::view::calendar as view;

/// An agenda: freezes of the span in order, deployments of the last days before them. Or a month or a week, as the pane
/// shows it.
pub(super) fn calendar(session: &mut Session, args: &Calendar) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let past = past::open(session, &desk, args.past.as_of.as_deref())?;
    let still = Still(desk.machine());
    let cx = past.as_ref().map_or_else(|| desk.cx(), |past| past.cx(&desk.cx(), &still));
    let zone = args.time_zone.as_deref().map(parse_zone).transpose()?.unwrap_or(cx.policy.zone);
    let today = cx.now.in_zone(zone).date_naive();
    let sheet = Sheet::of(args, today)?;
    let start = resolve_local(today.and_time(chrono::NaiveTime::MIN), zone, Fold::First);
    let span = match sheet {
        Some(sheet) => sheet.span(zone),
        None => Window::new(start, start.plus(Duration::from_secs(u64::from(args.days.max(1)) * 86_400)))?,
    };
    let calendar = view::calendar(&cx, span)?;
    if session.out.is_json() {
        past::answer(&mut session.out, past.as_ref(), "calendar", &calendar);
        return Ok(exit::OK);
    }
    if let Some(sheet) = sheet {
        for line in sheet.lines(&calendar, zone, today) {
            session.out.line(line);
        }
    }
    if matches!(sheet, Some(Sheet::Week(_))) {
        // Each day has said it already.
        return Ok(exit::OK);
    }
    let lines = agenda(&calendar, zone);
    match sheet {
        Some(_) if lines.is_empty() => {}
        Some(_) => session.out.line(""),
        None if lines.is_empty() => session.out.note(&format!("nothing in the next {} days", args.days)),
        None => {}
    }
    for (at, text) in lines {
        session.out.line(format!("{}  {text}", wall(at, zone)));
    }
    Ok(exit::OK)
}

/// What closes, was deployed, is to begin and departs, by time.
fn agenda(calendar: &view::Calendar, zone: Tz) -> Vec<(Timestamp, String)> {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    for (freeze, windows) in calendar.freezes.iter().zip(&calendar.windows) {
        let again =
            freeze.repeats.as_ref().map(|repeats| format!(", {}", repeats.in_words())).unwrap_or_default();
        for window in windows {
            let until = wall(window.end, zone);
            let text = format!(
                "frozen     {} until {until}: {} ({}){again}",
                freeze.scope.describe(),
                freeze.title(),
                freeze.reason
            );
            lines.push((window.start.max(calendar.span.start), text));
        }
    }
    for d in &calendar.deployments {
        let text =
            format!("{:<10} {} {} to {} by {}", d.state, d.id, d.release, d.environment, d.started_by.name);
        lines.push((d.began_at().unwrap_or(d.requested_at), text));
    }
    for d in &calendar.scheduled {
        let Some(at) = d.wait.as_ref().and_then(|wait| wait.at) else { continue };
        let text = format!("begins     {} {} to {} by {}", d.id, d.release, d.environment, d.started_by.name);
        lines.push((at, text));
    }
    for stop in &calendar.departures {
        let state = stop.departure.as_ref().map_or_else(|| "departs".to_owned(), |d| d.state.to_string());
        lines.push((stop.at, format!("train      {} {state}", stop.train)));
    }
    lines.sort_by_key(|(at, _)| *at);
    lines
}
