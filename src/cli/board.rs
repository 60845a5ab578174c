//! `relman board` and `relman status`

use super::args::Board;
use super::out::Tone;
use super::{Session, deployment, exit, past};
use crate::domain::deployment::Deployment;
use crate::domain::release::Stage;
use crate::domain::time::{relative, span, wall};
use crate::ops::OpError;
use crate::ops::past::Still;
use crate::ops::view::board::{self as view, Card, Reached};

pub(super) fn board(session: &mut Session, args: &Board) -> Result<u8, OpError> {
    if let (Some(from), Some(to)) = (&args.past.as_of, &args.until) {
        return past::diff(session, from, Some(to));
    }
    let desk = session.desk()?;
    let past = past::open(session, &desk, args.past.as_of.as_deref())?;
    if past.is_none() {
        deployment::settle_orphans(&desk);
    }
    let still = Still(desk.machine());
    let cx = past.as_ref().map_or_else(|| desk.cx(), |past| past.cx(&desk.cx(), &still));
    let board = view::board(&cx)?;
    let out = &mut session.out;
    if out.is_json() {
        past::answer(out, past.as_ref(), "board", &board);
        return Ok(exit::OK);
    }
    if board.is_new {
        out.note("no release yet; register one with: relman release new SERVICE VERSION, or fill in samples: relman demo");
        return Ok(exit::OK);
    }
    for stage in Stage::ALL {
        let cards: Vec<&Card> = board.cards.iter().filter(|card| card.release.stage == stage).collect();
        if cards.is_empty() {
            continue;
        }
        out.line(out.paint(Tone::Strong, &format!("{} ({})", stage.as_str().to_uppercase(), cards.len())));
        for card in cards {
            let release = &card.release;
            let cells: Vec<String> = card
                .cells
                .iter()
                .map(|cell| format!("{} {}", mark(cell.reached), cell.environment))
                .collect();
            let (mood, note) = view::standing(card, &board, cx.now);
            let note = match mood {
                view::Mood::Good => out.paint(Tone::Good, &note),
                view::Mood::Busy => out.paint(Tone::Busy, &note),
                view::Mood::Bad => out.paint(Tone::Bad, &note),
                view::Mood::Quiet => out.paint(Tone::Dim, &note),
            };
            let risk = release.plan.risk.map(|risk| format!(" {risk} risk")).unwrap_or_default();
            let age = span(cx.now.since(release.stage_since));
            out.line(format!(
                "  {:<28} {age:>6}{risk}  {}  {note}",
                release.id.to_string(),
                cells.join("  ")
            ));
        }
    }
    Ok(exit::OK)
}

fn mark(reached: Reached) -> &'static str {
    match reached {
        Reached::Not => "·",
        Reached::Live => "●",
        Reached::Replaced => "○",
        Reached::Active => "▶",
        Reached::Failed => "✗",
        Reached::Cancelled => "■",
        Reached::Lost => "?",
    }
}

pub(super) fn status(session: &mut Session, as_of: Option<&str>) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let past = past::open(session, &desk, as_of)?;
    if past.is_none() {
        deployment::settle_orphans(&desk);
    }
    let still = Still(desk.machine());
    let cx = past.as_ref().map_or_else(|| desk.cx(), |past| past.cx(&desk.cx(), &still));
    let board = view::board(&cx)?;
    let out = &mut session.out;
    if out.is_json() {
        past::answer(out, past.as_ref(), "places", &board.places);
        return Ok(exit::OK);
    }
    let rows = board
        .places
        .iter()
        .map(|place| {
            let live = place.live.as_ref();
            let now = match &place.newest {
                Some(newest) => format!("{} {} {}", newest.id, newest.release.version, newest.state),
                None => String::new(),
            };
            let frozen = place.freeze.as_ref().map(|(name, opens)| match opens {
                Some(opens) => format!("frozen by \"{name}\" until {}", wall(*opens, cx.policy.zone)),
                None => format!("frozen by \"{name}\", no known end"),
            });
            let waits =
                |d: &&Deployment| d.release.service == place.service && d.environment == place.environment;
            let waiting: Vec<String> = board
                .pending
                .iter()
                .filter(waits)
                .filter_map(|d| {
                    let wait = d.wait.as_ref()?;
                    Some(format!("{} {} {}", d.id, d.release.version, wait.brief(d.state, cx.now)))
                })
                .collect();
            vec![
                place.service.to_string(),
                place.environment.to_string(),
                live.map_or_else(|| "–".to_owned(), |d| d.release.version.to_string()),
                live.and_then(|d| d.finished_at).map(|at| relative(at, cx.now)).unwrap_or_default(),
                live.map(|d| d.started_by.name.clone()).unwrap_or_default(),
                now,
                waiting.join(", "),
                frozen
                    .or_else(|| place.closes.as_ref().map(|closes| closes.brief(cx.now)))
                    .unwrap_or_default(),
            ]
        })
        .collect();
    out.table(&["SERVICE", "ENVIRONMENT", "LIVE", "SINCE", "BY", "NEWEST", "WAITING", "FREEZE"], rows);
    Ok(exit::OK)
}
