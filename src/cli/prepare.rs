//! `relman prepare …`

use super::args::Prepare;
use super::out::Tone;
use super::release::print_exit;
use super::stages::{moment, print, put};
use super::{Session, exit};
use crate::domain::ids::ReleaseRef;
use crate::domain::release::preparation::Impact;
use crate::ops::OpError;
use crate::ops::release::announce;
use crate::ops::release::find;
use crate::ops::release::record::Record;
use crate::ops::view::readiness;

pub(super) fn run(session: &mut Session, verb: Prepare) -> Result<u8, OpError> {
    match verb {
        Prepare::Show { release } => show(session, &release),
        Prepare::Task { release, text, owner, done } => {
            let record = match text {
                Some(text) => Record::Task { text, owner },
                None => Record::TaskDone(done.unwrap_or(0)),
            };
            put(
                session,
                &release,
                |_| Ok(record),
                |release, _| {
                    let tasks = &release.preparation.tasks;
                    let open = tasks.iter().filter(|task| task.done.is_none()).count();
                    format!("has {} tasks, {open} open", tasks.len())
                },
            )
        }
        Prepare::Backup { release, place, taken, restored } => put(
            session,
            &release,
            |cx| {
                Ok(Record::Backup {
                    taken: taken.as_deref().map_or(Ok(cx.now), |text| moment(cx, text))?,
                    place,
                    restored: restored.as_deref().map(|text| moment(cx, text)).transpose()?,
                })
            },
            |release, _| match release.preparation.backup.as_ref().and_then(|backup| backup.restored) {
                Some(_) => "has a backup that was tried".to_owned(),
                None => "has a backup; whether it can be put back was not tried".to_owned(),
            },
        ),
        Prepare::Training { release, audience, material, done } => {
            let record = match audience {
                Some(audience) => Record::Training { audience, material },
                None => Record::TrainingDone(done.unwrap_or(0)),
            };
            put(
                session,
                &release,
                |_| Ok(record),
                |release, _| {
                    let all = &release.preparation.trainings;
                    let open = all.iter().filter(|training| training.done.is_none()).count();
                    format!("has {} audiences to train, {open} open", all.len())
                },
            )
        }
        Prepare::Impact { release, downtime, affected, workaround } => {
            let record = Record::Impact(Impact { downtime, affected, workaround });
            put(session, &release, |_| Ok(record), |_, _| "says what users will notice".to_owned())
        }
        Prepare::Announce { release, occasion, audience, channel, text, draft } => {
            let desk = session.desk()?;
            let cx = desk.cx();
            let id = find::find(&cx, &release)?;
            let text = match text {
                Some(text) => text,
                None => announce::draft(&cx, &id, occasion)?,
            };
            if !session.out.is_json() {
                text.lines().for_each(|line| session.out.line(line));
            }
            if draft {
                if session.out.is_json() {
                    session.out.json("announcement", &text);
                }
                return Ok(exit::OK);
            }
            let record = Record::Announced { occasion, audience, channel, text };
            put(session, &release, |_| Ok(record), |_, _| "has the announcement on record".to_owned())
        }
        Prepare::Vote { release, word, reason } => {
            let record = Record::Voted { word, reason };
            put(session, &release, |_| Ok(record), |_, _| format!("has your vote: {word}"))
        }
    }
}

/// Go or no-go on one screen.
fn show(session: &mut Session, wanted: &ReleaseRef) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let found = readiness::of(&cx, &find::find(&cx, wanted)?)?;
    if session.out.is_json() {
        session.out.json("readiness", &found);
        return Ok(exit::OK);
    }
    let out = &mut session.out;
    let word = match found.is_go() {
        true => out.paint(Tone::Good, "GO"),
        false => out.paint(Tone::Bad, "NOT YET"),
    };
    out.line(format!("{}  {}: {word}", found.release, found.title));
    print_exit(out, &found.checks, true);
    for line in &found.differences {
        out.line(format!("  planned and not so: {line}"));
    }
    for action in &found.actions {
        out.line(format!("  still to do since {}: {}", action.release, action.item.text));
    }
    print(out, &found.rows);
    Ok(exit::OK)
}
