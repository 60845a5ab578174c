//! `relman plan …`, `relman risk`, `relman issue …`, `relman feedback …`, `relman review …`

use super::args::{Feedback, Issue, Judge, Plan, ResolveOutcome, Review, Risk};
use super::out::{Out, Tone as Colour};
use super::release::answer;
use super::{Session, exit};
use crate::domain::ids::{ReleaseId, ReleaseRef, ServiceName};
use crate::domain::release::plan::ScopeState;
use crate::domain::release::{Level, Release, Stage};
use crate::domain::risk::{self, Inputs};
use crate::domain::time::{Fold, Timestamp, parse_when, relative, wall};
use crate::ops::release::find;
use crate::ops::release::record::{Record, record};
use crate::ops::view::sheet::{Row, Tone, sheet};
use crate::ops::view::{open_items, plan_history};
use crate::ops::{Ctx, OpError, monitor};

/// Puts something on record and says what became of it.
pub(super) fn put(
    session: &mut Session,
    wanted: &ReleaseRef,
    what: impl FnOnce(&Ctx<'_>) -> Result<Record, OpError>,
    said: impl FnOnce(&Release, &Ctx<'_>) -> String,
) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = find::find(&cx, wanted)?;
    let release = record(&cx, &id, &what(&cx)?)?;
    let text = said(&release, &cx);
    answer(&mut session.out, &release, &text);
    Ok(exit::OK)
}

/// A moment as people write it.
pub(super) fn moment(cx: &Ctx<'_>, text: &str) -> Result<Timestamp, OpError> {
    Ok(parse_when(text, cx.now, cx.policy.zone, Fold::First)?)
}

/// What is recorded in some stages, row by row.
pub(super) fn show(session: &mut Session, wanted: &ReleaseRef, stages: &[Stage]) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let (release, asked) = monitor::of_release(&cx, &find::find(&cx, wanted)?)?;
    let sections = sheet(cx.policy, &release, &asked, (cx.policy.zone, cx.now));
    let sections: Vec<_> = sections.into_iter().filter(|section| stages.contains(&section.stage)).collect();
    if session.out.is_json() {
        session.out.json("sheet", &sections);
        return Ok(exit::OK);
    }
    session.out.line(session.out.paint(Colour::Strong, &format!("{}  {}", release.id, release.title)));
    for section in &sections {
        print(&mut session.out, &section.rows);
    }
    Ok(exit::OK)
}

/// Rows with something in them; what is missing is said once, at the end.
pub(super) fn print(out: &mut Out, rows: &[Row]) {
    for row in rows {
        let Some(text) = &row.text else { continue };
        let (mark, colour) = match row.tone {
            Tone::Done => ("✓", Some(Colour::Good)),
            Tone::Open => ("·", None),
            Tone::Wrong => ("!", Some(Colour::Bad)),
            Tone::Plain | Tone::Missing => (" ", None),
        };
        let mark = colour.map_or_else(|| mark.to_owned(), |colour| out.paint(colour, mark));
        out.line(format!("  {:<16} {mark} {text}", row.label));
    }
    let missing: Vec<&str> = rows
        .iter()
        .filter(|row| row.text.is_none())
        .map(|row| row.label.as_str())
        .filter(|l| !l.is_empty())
        .collect();
    if !missing.is_empty() {
        out.line(out.paint(Colour::Dim, &format!("  not recorded: {}", missing.join(", "))));
    }
}

fn known(cx: &Ctx<'_>, id: &ReleaseId) -> Result<Release, OpError> {
    Ok(crate::ops::view::release::release(cx, id)?.release)
}

pub(super) fn plan(session: &mut Session, verb: Plan) -> Result<u8, OpError> {
    match verb {
        Plan::Show { release } => show(session, &release, &[Stage::Request, Stage::Plan]),
        Plan::History { release } => history(session, &release),
        Plan::State { release, name, text } => {
            let what = Record::Stated { name: name.clone(), text };
            put(session, &release, |_| Ok(what), |_, _| format!("states {name}"))
        }
        Plan::Scope { release, text, done, drop, reopen, reason } => {
            let record = match (text, done, drop, reopen) {
                (Some(text), ..) => Record::Scope(text),
                (_, Some(item), ..) => Record::ScopeIs { item, state: ScopeState::Done, why: reason },
                (_, _, Some(item), _) => Record::ScopeIs { item, state: ScopeState::Dropped, why: reason },
                (_, _, _, item) => {
                    Record::ScopeIs { item: item.unwrap_or(0), state: ScopeState::Planned, why: reason }
                }
            };
            put(
                session,
                &release,
                |_| Ok(record),
                |release, _| {
                    let done =
                        release.plan.scope.iter().filter(|item| item.state == ScopeState::Done).count();
                    format!("has {} items in its scope, {done} done", release.plan.scope.len())
                },
            )
        }
        Plan::Milestone { release, name, due, reached, remove } => put(
            session,
            &release,
            |cx| {
                Ok(match (name, due, reached, remove) {
                    (Some(name), Some(due), ..) => Record::Milestone { name, due: moment(cx, &due)? },
                    (_, _, Some(item), _) => Record::MilestoneReached(item),
                    (_, _, _, item) => Record::MilestoneGone(item.unwrap_or(0)),
                })
            },
            |release, cx| {
                let all = &release.plan.milestones;
                let next = all.iter().find(|one| one.reached.is_none());
                match next {
                    Some(next) => format!("next milestone: {}, {}", next.name, relative(next.due, cx.now)),
                    None => format!("has {} milestones, none open", all.len()),
                }
            },
        ),
        Plan::Metric { release, name, target, remove } => {
            let record = match (name, target, remove) {
                (Some(name), Some(target), _) => Record::Metric { name, target },
                (_, _, item) => Record::MetricGone(item.unwrap_or(0)),
            };
            put(
                session,
                &release,
                |_| Ok(record),
                |release, _| format!("has {} measures of success", release.plan.metrics.len()),
            )
        }
    }
}

/// How the plan came to be what it is.
fn history(session: &mut Session, wanted: &ReleaseRef) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = find::find(&cx, wanted)?;
    let versions = plan_history::of(&cx, &id)?;
    if session.out.is_json() {
        session.out.json("versions", &versions);
        return Ok(exit::OK);
    }
    if versions.is_empty() {
        session.out.note("nothing was planned yet");
        return Ok(exit::OK);
    }
    for version in &versions {
        let why = version.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let at = wall(version.at, cx.policy.zone);
        session.out.line(format!("version {} by {}, {at}{why}", version.number, version.by));
        for line in &version.changes {
            session.out.line(format!("    {line}"));
        }
    }
    Ok(exit::OK)
}

pub(super) fn risk(session: &mut Session, args: Risk) -> Result<u8, OpError> {
    let record = match (args.size, args.raise.or(args.lower)) {
        (Some(size), _) => Record::Assessed(Inputs {
            size,
            schema: args.schema,
            contract: args.contract,
            area: args.area.unwrap_or(Level::Medium),
        }),
        (None, Some(level)) => Record::RiskIs { level, why: args.reason },
        (None, None) => return weighed(session, &args.release),
    };
    put(session, &args.release, |_| Ok(record), |release, _| told(release))
}

fn told(release: &Release) -> String {
    let plan = &release.plan;
    let level = plan.risk.map_or_else(|| "not weighed".to_owned(), |level| level.to_string());
    match plan.assessment {
        Some(found) => {
            let why = risk::explain(&found.inputs, &found.record);
            let why: Vec<String> = why.iter().map(|(points, why)| format!("{why} (+{points})")).collect();
            let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
            format!("risk {level}; {} points{why}", found.points)
        }
        None => format!("risk {level}"),
    }
}

fn weighed(session: &mut Session, wanted: &ReleaseRef) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let release = known(&cx, &find::find(&cx, wanted)?)?;
    if session.out.is_json() {
        let plan = &release.plan;
        let answer =
            serde_json::json!({ "level": plan.risk, "assessment": plan.assessment, "said": plan.risk_said });
        session.out.json("risk", &answer);
        return Ok(exit::OK);
    }
    session.out.line(format!("{} {}", release.id, told(&release)));
    if release.plan.assessment.is_none() {
        session.out.note(&format!("weigh it: relman risk {} --size small|medium|large --area low|medium|high [--schema] [--contract]", release.id));
    }
    Ok(exit::OK)
}

pub(super) fn issue(session: &mut Session, verb: Issue) -> Result<u8, OpError> {
    match verb {
        Issue::New { release, title, severity, owner, environment } => {
            let record = Record::Issue { title, severity, owner, environment };
            put(
                session,
                &release,
                |_| Ok(record),
                |release, _| {
                    let blocks =
                        if severity.blocks() { "; it goes no further while that is open" } else { "" };
                    format!("issue {} is on record{blocks}", release.issues.len())
                },
            )
        }
        Issue::Set { release, number, state } => {
            let record = Record::IssueIs { item: number, state };
            put(session, &release, |_| Ok(record), |_, _| format!("issue {number} is {state}"))
        }
        Issue::List { release } => {
            let desk = session.desk()?;
            let cx = desk.cx();
            let id = release.map(|wanted| find::find(&cx, &wanted)).transpose()?;
            let found = open_items::issues(&cx, id.as_ref())?;
            if session.out.is_json() {
                session.out.json("issues", &found);
                return Ok(exit::OK);
            }
            if found.is_empty() {
                session.out.note("no issue is on record");
                return Ok(exit::OK);
            }
            let rows = found.iter().map(|one| {
                vec![
                    one.release.to_string(),
                    one.number.to_string(),
                    one.item.severity.to_string(),
                    one.item.state.to_string(),
                    one.item.owner.clone().unwrap_or_else(|| "–".to_owned()),
                    one.item.title.clone(),
                ]
            });
            session.out.table(&["RELEASE", "N", "SEVERITY", "STATE", "OWNER", "TITLE"], rows.collect());
            Ok(exit::OK)
        }
    }
}

pub(super) fn feedback(session: &mut Session, verb: Feedback) -> Result<u8, OpError> {
    match verb {
        Feedback::New { release, text, source, phase, sentiment } => {
            let record = Record::Feedback { source, phase, sentiment, text };
            put(
                session,
                &release,
                |_| Ok(record),
                |release, _| format!("feedback {} is on record", release.feedback.len()),
            )
        }
        Feedback::Answer { release, number, reply, next } => {
            let record = Record::Answered { item: number, reply, next };
            put(session, &release, |_| Ok(record), |_, _| format!("feedback {number} is answered"))
        }
        Feedback::List { release } => {
            let desk = session.desk()?;
            let cx = desk.cx();
            let id = release.map(|wanted| find::find(&cx, &wanted)).transpose()?;
            let found = open_items::feedback(&cx, id.as_ref())?;
            if session.out.is_json() {
                session.out.json("feedback", &found);
                return Ok(exit::OK);
            }
            if found.is_empty() {
                session.out.note("nobody has said anything yet");
                return Ok(exit::OK);
            }
            for one in &found {
                let item = &one.item;
                session.out.line(format!(
                    "{} {} {}, {}, {}, {}: {}",
                    one.release,
                    one.number,
                    item.source,
                    item.phase,
                    item.sentiment,
                    wall(item.at, cx.policy.zone),
                    item.text
                ));
                if let Some(reply) = &item.reply {
                    session.out.line(format!("    answered: {reply}"));
                }
                if let Some(next) = &item.next {
                    session.out.line(format!("    taken up by {next}"));
                }
            }
            Ok(exit::OK)
        }
    }
}

pub(super) fn review(session: &mut Session, verb: Review) -> Result<u8, OpError> {
    match verb {
        Review::Show { release } => show(session, &release, &[Stage::Review]),
        Review::Metric { release, number, value, verdict } => {
            let record = Record::Measured { item: number, value, verdict };
            put(
                session,
                &release,
                |_| Ok(record),
                |release, _| match release.review.verdict {
                    Some(verdict) => format!("measured; as a whole it is {verdict}"),
                    None => "measured; other measures are still open".to_owned(),
                },
            )
        }
        Review::Well { release, text } => learned(session, &release, Record::WentWell(text)),
        Review::Better { release, text } => learned(session, &release, Record::CouldBeBetter(text)),
        Review::Lesson { release, text } => learned(session, &release, Record::Lesson(text)),
        Review::Action { release, text, owner, due, done } => put(
            session,
            &release,
            |cx| {
                let due = due.as_deref().map(|due| moment(cx, due)).transpose()?;
                Ok(match text {
                    Some(text) => Record::Action { text, owner, due },
                    None => Record::ActionDone(done.unwrap_or(0)),
                })
            },
            |release, _| {
                let open = release.review.actions.iter().filter(|action| action.done.is_none()).count();
                format!("has {} actions, {open} open", release.review.actions.len())
            },
        ),
        Review::Actions { service } => actions(session, service.as_ref()),
    }
}

fn learned(session: &mut Session, release: &ReleaseRef, record: Record) -> Result<u8, OpError> {
    put(session, release, |_| Ok(record), |_, _| "has it in its review".to_owned())
}

fn actions(session: &mut Session, service: Option<&ServiceName>) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let found = open_items::actions(&cx, service)?;
    if session.out.is_json() {
        session.out.json("actions", &found);
        return Ok(exit::OK);
    }
    if found.is_empty() {
        session.out.note("no action is open");
        return Ok(exit::OK);
    }
    let rows = found.iter().map(|one| {
        let due = one.item.due.map_or_else(|| "–".to_owned(), |due| relative(due, cx.now));
        vec![
            one.release.to_string(),
            one.number.to_string(),
            due,
            one.item.owner.clone().unwrap_or_else(|| "–".to_owned()),
            one.item.text.clone(),
        ]
    });
    session.out.table(&["RELEASE", "N", "DUE", "OWNER", "ACTION"], rows.collect());
    Ok(exit::OK)
}

pub(super) fn judge(session: &mut Session, args: Judge) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = args.deployment;
    let found = crate::ops::view::deployment::deployment(&cx, id)?.deployment;
    let succeeded = args.outcome == ResolveOutcome::Succeeded;
    let what = Record::Judged { deployment: id, succeeded, reason: args.reason };
    let release = record(&cx, &found.release, &what)?;
    let word = if succeeded { "succeeded" } else { "failed" };
    answer(&mut session.out, &release, &format!("{id} counts as {word} from now on"));
    Ok(exit::OK)
}
