//! `relman release …`, `relman check …`, `relman checklist …`

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};

use serde::Deserialize;

use super::args::{Checklist, Edit, NewRelease, Release, ServiceOrRelease};
use super::out::{Out, Tone};
use super::{Session, exit, from_git};
use crate::domain::checklist::{Answer, Standing, standing};
use crate::domain::digest::Digest;
use crate::domain::gate::stage_exit::{ExitAnswer, ExitCheck};
use crate::domain::ids::{ReleaseId, ReleaseRef, ServiceName, Version};
use crate::domain::release::plan::{Extent, Reversal};
use crate::domain::release::{self as domain, Field, Level, Origin, ReleaseKind, Stage};
use crate::domain::time::{Fold, Timestamp, parse_duration, parse_when, span, wall};
use crate::domain::version_template::VersionSaid;
use crate::host::editor;
use crate::ops::release::{advance, back, block, cancel, create, edit, evidence, find};
use crate::ops::view::release as view;
use crate::ops::{Ctx, ErrorKind, OpError};

pub(super) fn run(session: &mut Session, verb: Release) -> Result<u8, OpError> {
    match verb {
        Release::New(args) => new(session, *args),
        Release::Show { release } => show(session, &release),
        Release::List { past, limit } => list(session, past, limit),
        Release::Edit(args) => change(session, *args),
        Release::Advance { release } => advance_one(session, &release),
        Release::Back { release, to, reason } => {
            say(session, &release, "moved back", |cx, id| back::back(cx, id, to, &reason))
        }
        Release::Block { release, reason } => {
            say(session, &release, "blocked", |cx, id| block::block(cx, id, &reason))
        }
        Release::Unblock { release, reason } => {
            say(session, &release, "unblocked", |cx, id| block::unblock(cx, id, &reason))
        }
        Release::Cancel { release, reason } => {
            say(session, &release, "cancelled", |cx, id| cancel::cancel(cx, id, &reason))
        }
    }
}

/// Carries out a verb on one release and says what became of it.
fn say(
    session: &mut Session,
    wanted: &ReleaseRef,
    done: &str,
    verb: impl Fn(&Ctx<'_>, &ReleaseId) -> Result<domain::Release, OpError>,
) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let id = find::find(&desk.cx(), wanted)?;
    let release = verb(&desk.cx(), &id)?;
    answer(&mut session.out, &release, &format!("{done}; it is in the {} stage", release.stage));
    Ok(exit::OK)
}

pub(super) fn answer(out: &mut Out, release: &domain::Release, text: &str) {
    if out.is_json() {
        out.json("release", release);
    } else {
        out.line(format!("{} {text}", release.id));
    }
}

/// The object `--from-json` reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FromJson {
    service: ServiceName,
    version: Version,
    title: Option<String>,
    #[serde(default)]
    kind: ReleaseKind,
    #[serde(default)]
    origin: Origin,
    need: Option<String>,
    objective: Option<String>,
    priority: Option<Level>,
    commit: Option<String>,
    artifact: Option<String>,
    digest: Option<Digest>,
    #[serde(default)]
    changes: Vec<String>,
    #[serde(default)]
    requires: Vec<ReleaseId>,
    #[serde(default)]
    toggles: Vec<String>,
    channel: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

fn new(session: &mut Session, args: NewRelease) -> Result<u8, OpError> {
    if args.from_git {
        return new_from_git(session, args);
    }
    let (id, new) = match &args.from_json {
        Some(path) => {
            session.touches(path)?;
            from_json(path)?
        }
        None => {
            let id = match (args.service, args.version) {
                (Some(ServiceOrRelease::Service(service)), said) => {
                    let desk = session.desk()?;
                    let version = create::version_for(&desk.cx(), &service, said.as_ref())?;
                    ReleaseId::new(service, version)
                }
                (Some(ServiceOrRelease::Release(id)), None) => id,
                _ => {
                    return Err(OpError::new(ErrorKind::Usage, "a release needs a service and one version")
                        .hint("relman release new storefront 1.4.2"));
                }
            };
            let new = create::NewRelease {
                title: args.about.title,
                kind: args.kind.unwrap_or_default(),
                origin: args.about.origin.unwrap_or_default(),
                need: args.about.need,
                objective: args.about.objective,
                priority: args.about.priority,
                commit: args.about.commit,
                artifact: args.about.artifact,
                digest: args.about.digest,
                changes: args.about.changes,
                requires: args.about.requires,
                toggles: args.about.toggles,
                misfit: None,
                like: args.like,
                channel: args.channel,
                fields: args.about.fields.into_iter().collect(),
                requests: args.requests,
            };
            (id, new)
        }
    };
    let desk = session.desk()?;
    let release = create::create(&desk.cx(), &id, &new)?;
    let change = create::change_of(&desk.cx(), &id)?;
    answer(&mut session.out, &release, &format!("registered in the {} stage{change}", release.stage));
    Ok(exit::OK)
}

/// From tags and messages; what is said beside it counts more.
fn new_from_git(session: &mut Session, args: NewRelease) -> Result<u8, OpError> {
    let (service, version) = match (args.service, args.version) {
        (Some(ServiceOrRelease::Service(service)), version) => (service, version),
        (Some(ServiceOrRelease::Release(id)), None) => (id.service, Some(VersionSaid::Exact(id.version))),
        _ => {
            return Err(OpError::new(ErrorKind::Usage, "say which service: the version may come from git")
                .hint("relman release new storefront --from-git"));
        }
    };
    let desk = session.desk()?;
    let cx = desk.cx();
    let version = version.map(|said| create::version_for(&cx, &service, Some(&said))).transpose()?;
    let upto = args.to.as_deref().unwrap_or("HEAD");
    let from_git::Proposal { id, new, why } =
        from_git::propose(session, &cx, &service, version, args.repo.as_deref(), upto)?;
    let changes = if args.about.changes.is_empty() { new.changes } else { args.about.changes };
    let new = create::NewRelease {
        title: args.about.title.or(new.title),
        kind: args.kind.unwrap_or_default(),
        origin: args.about.origin.unwrap_or_default(),
        need: args.about.need,
        objective: args.about.objective,
        priority: args.about.priority,
        commit: args.about.commit.or(new.commit),
        artifact: args.about.artifact,
        digest: args.about.digest,
        changes,
        requires: args.about.requires,
        toggles: args.about.toggles,
        misfit: new.misfit,
        like: args.like,
        channel: args.channel,
        fields: args.about.fields.into_iter().collect(),
        requests: args.requests,
    };
    if args.dry_run {
        if session.out.is_json() {
            let answer = serde_json::json!({
                "id": id, "why": why, "title": new.title, "commit": new.commit, "changes": new.changes,
                "misfit": new.misfit,
            });
            session.out.json("proposal", &answer);
            return Ok(exit::OK);
        }
        session.out.line(format!("{id}  {}", new.title.clone().unwrap_or_default()));
        session.out.line(format!("  {why}"));
        for change in &new.changes {
            session.out.line(format!("  - {change}"));
        }
    } else {
        let release = create::create(&cx, &id, &new)?;
        answer(&mut session.out, &release, &format!("registered in the {} stage: {why}", release.stage));
    }
    if let Some(misfit) = &new.misfit {
        session.out.note(&format!("the version does not fit what changed: {misfit}"));
    }
    Ok(exit::OK)
}

fn from_json(path: &std::path::Path) -> Result<(ReleaseId, create::NewRelease), OpError> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(1 << 20).read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|content| text = content)
    };
    let shown = path.display();
    read.map_err(|why| OpError::new(ErrorKind::Failure, format!("cannot read {shown}: {why}")))?;
    let parsed: FromJson = serde_json::from_str(&text)
        .map_err(|why| OpError::new(ErrorKind::Usage, format!("{shown} is not a release in JSON: {why}")))?;
    let new = create::NewRelease {
        title: parsed.title,
        kind: parsed.kind,
        origin: parsed.origin,
        need: parsed.need,
        objective: parsed.objective,
        priority: parsed.priority,
        commit: parsed.commit,
        artifact: parsed.artifact,
        digest: parsed.digest,
        changes: parsed.changes,
        requires: parsed.requires,
        channel: parsed.channel,
        fields: parsed.fields,
        toggles: parsed.toggles,
        misfit: None,
        like: None,
        requests: Vec::new(),
    };
    Ok((ReleaseId::new(parsed.service, parsed.version), new))
}

fn change(session: &mut Session, args: Edit) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = find::find(&cx, &args.release)?;
    let target =
        args.target.map(|text| parse_when(&text, cx.now, cx.policy.zone, Fold::First)).transpose()?;
    let mut wanted = edit::Edit {
        title: args.about.title,
        origin: args.about.origin,
        need: args.about.need,
        objective: args.about.objective,
        priority: args.about.priority,
        owner: args.owner,
        target,
        risk: args.risk,
        rollback_plan: args.rollback_plan,
        commit: args.about.commit,
        artifact: args.about.artifact,
        digest: args.about.digest,
        changes: (!args.about.changes.is_empty()).then_some(args.about.changes),
        requires: (!args.about.requires.is_empty()).then_some(args.about.requires),
        toggles: (!args.about.toggles.is_empty()).then_some(args.about.toggles),
        fields: args.about.fields.into_iter().collect(),
        people: (!args.people.is_empty()).then_some(args.people),
        communication: args.communication,
        reversal: reversal(args.reversal, args.reversal_takes.as_deref(), args.no_return)?,
        reason: args.reason,
        outcome: args.outcome,
        retrospective: args.retrospective,
        clear: args.clear.into_iter().collect(),
        seen: None,
    };
    if let Some(field) = args.editor {
        write_down(&cx, &id, field, &mut wanted)?;
    }
    let release = edit::edit(&cx, &id, &wanted)?;
    answer(&mut session.out, &release, "changed");
    Ok(exit::OK)
}

/// Lets the person write a long text in their own editor. What somebody else changes meanwhile is not overwritten.
fn write_down(cx: &Ctx<'_>, id: &ReleaseId, field: Field, wanted: &mut edit::Edit) -> Result<(), OpError> {
    let usage = |why: &str| OpError::new(ErrorKind::Usage, why);
    if !std::io::stdin().is_terminal() {
        return Err(usage("an editor needs a terminal").hint(format!("say it at once: --{field} TEXT")));
    }
    let known = view::release(cx, id)?.release;
    let (place, before) = match field {
        Field::Need => (&mut wanted.need, known.request.need),
        Field::Objective => (&mut wanted.objective, known.request.objective),
        Field::RollbackPlan => (&mut wanted.rollback_plan, known.plan.rollback),
        Field::Communication => (&mut wanted.communication, known.plan.communication),
        Field::Outcome => (&mut wanted.outcome, known.review.outcome),
        Field::Retrospective => (&mut wanted.retrospective, known.review.retrospective),
        _ => {
            return Err(usage(&format!("{field} is no long text")).hint(
                "an editor opens on need, objective, rollback-plan, communication, outcome and retrospective",
            ));
        }
    };
    let text = editor::edit(before.as_deref().unwrap_or_default())
        .map_err(|why| OpError::new(ErrorKind::Failure, why))?;
    *place = Some(text);
    wanted.seen = Some(known.revision);
    Ok(())
}

/// How far it can be taken back, in how long, and from what on no more.
fn reversal(
    extent: Option<Extent>,
    takes: Option<&str>,
    no_return: Option<String>,
) -> Result<Option<Reversal>, OpError> {
    let Some(extent) = extent else { return Ok(None) };
    let takes = takes.map(parse_duration).transpose()?;
    Ok(Some(Reversal { extent, seconds: takes.map(|takes| takes.as_secs()), no_return }))
}

fn advance_one(session: &mut Session, wanted: &ReleaseRef) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let id = find::find(&desk.cx(), wanted)?;
    let advanced = advance::advance(&desk.cx(), &id)?;
    if session.out.is_json() {
        session.out.json("advanced", &advanced);
        return Ok(exit::OK);
    }
    let release = &advanced.release;
    let text = match release.is_open() {
        true => format!("{id} is now in the {} stage", release.stage),
        false => format!("{id} is {}", release.state),
    };
    session.out.line(text);
    print_exit(&mut session.out, &advanced.checks, false);
    Ok(exit::OK)
}

/// The exit gates of a stage, one a line; `all`: the met ones too.
pub(super) fn print_exit(out: &mut Out, checks: &[ExitCheck], all: bool) {
    for check in checks {
        let gate = check.gate;
        match &check.answer {
            ExitAnswer::Met { evidence } if all => {
                out.line(format!("  {} {gate:<14} {evidence}", out.paint(Tone::Good, "✓")));
            }
            ExitAnswer::Met { .. } => {}
            ExitAnswer::Skipped { why } => {
                out.line(format!("  {} {gate:<14} skipped: {why}", out.paint(Tone::Dim, "–")));
            }
            ExitAnswer::Gap { lacks, remedy } => {
                out.line(format!("  {} {gate:<14} gap: {lacks}", out.paint(Tone::Busy, "!")));
                out.line(format!("    → {remedy}"));
            }
            ExitAnswer::Blocked { lacks, remedy } => {
                out.line(format!("  {} {gate:<14} {lacks}", out.paint(Tone::Bad, "✗")));
                out.line(format!("    → {remedy}"));
            }
        }
    }
}

fn list(session: &mut Session, past: bool, limit: u32) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let releases = if past { view::past(&cx, None, limit)? } else { view::open(&cx)? };
    if session.out.is_json() {
        session.out.json("releases", &releases);
        return Ok(exit::OK);
    }
    if releases.is_empty() {
        let none = if past { "no release has ended yet" } else { "no release is open" };
        session.out.note(&format!("{none}; register one with: relman release new SERVICE VERSION"));
        return Ok(exit::OK);
    }
    let row = |release: &domain::Release| {
        let stage = if release.is_open() { release.stage.to_string() } else { release.state.to_string() };
        let stage = if release.blocked.is_some() { format!("{stage} (blocked)") } else { stage };
        vec![
            release.id.to_string(),
            stage,
            span(cx.now.since(release.stage_since)),
            release.plan.risk.map_or_else(|| "–".to_owned(), |risk| risk.to_string()),
            release.title.clone(),
        ]
    };
    let rows = releases.iter().map(row).collect();
    session.out.table(&["RELEASE", "STAGE", "SINCE", "RISK", "TITLE"], rows);
    Ok(exit::OK)
}

fn show(session: &mut Session, wanted: &ReleaseRef) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let view = view::release(&cx, &find::find(&cx, wanted)?)?;
    if session.out.is_json() {
        session.out.json("release", &view);
        return Ok(exit::OK);
    }
    let out = &mut session.out;
    let release = &view.release;
    let zone = cx.policy.zone;
    out.line(out.paint(Tone::Strong, &format!("{}  {}", release.id, release.title)));
    let facts = facts(release, |at| wall(at, zone));
    for (label, value) in facts {
        out.line(format!("  {label:<13} {value}"));
    }
    if !release.build.changes.is_empty() {
        out.line("  changes");
        for change in &release.build.changes {
            out.line(format!("    - {change}"));
        }
    }
    if !view.exit.is_empty() {
        out.line(format!("to leave the {} stage", release.stage));
        print_exit(out, &view.exit, true);
    }
    for report in &view.reports {
        let open = report.allows();
        let mark = if open { out.paint(Tone::Good, "✓") } else { out.paint(Tone::Bad, "✗") };
        out.line(format!("{mark} {}", report.headline()));
    }
    for decision in &view.approvals {
        let approval = &decision.approval;
        let ended = decision
            .ignored
            .as_ref()
            .map(|why| format!(" (does not count: {})", why.sentence(zone)))
            .unwrap_or_default();
        let reason = approval.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let (by, about) = (&approval.by.name, approval.subject.as_text());
        out.line(format!(
            "  {} by {by} for {about} {}{reason}{ended}",
            decision.verdict(),
            wall(approval.at, zone)
        ));
    }
    let rows: Vec<_> = view.deployments.iter().map(|d| super::deployment::row(d, cx.now)).collect();
    if !rows.is_empty() {
        out.table(super::deployment::HEADER, rows);
    }
    Ok(exit::OK)
}

/// What is recorded, as label and text.
fn facts(release: &domain::Release, wall: impl Fn(Timestamp) -> String) -> Vec<(&'static str, String)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    let level = |value: Option<Level>| value.map_or_else(|| "–".to_owned(), |level| level.to_string());
    let mut facts = vec![
        ("state", format!("{}, {} stage since {}", release.state, release.stage, wall(release.stage_since))),
        ("kind", release.kind.to_string()),
        ("requested by", format!("{} ({})", release.request.requester.name, release.request.origin)),
        ("need", text(&release.request.need)),
        ("objective", text(&release.request.objective)),
        ("priority", level(release.request.priority)),
        ("owner", text(&release.plan.owner)),
        ("target", release.plan.target.map_or_else(|| "–".to_owned(), wall)),
        ("risk", level(release.plan.risk)),
        ("rollback plan", text(&release.plan.rollback)),
        ("commit", text(&release.build.commit)),
        ("artifact", text(&release.build.artifact)),
        ("digest", release.build.digest.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string)),
    ];
    facts.extend(release.channel.clone().map(|channel| ("channel", channel)));
    facts.extend(release.fields.iter().map(|(name, value)| ("field", format!("{name}: {value}"))));
    if release.entered != Stage::Request {
        facts.push(("entered", format!("in the {} stage; earlier ones were skipped", release.entered)));
    }
    if let Some(block) = &release.blocked {
        facts.push(("blocked", format!("by {}: {}", block.by.name, block.reason)));
    }
    if let Some(ended) = &release.ended {
        facts.push(("ended", format!("by {}: {}", ended.by.name, ended.reason)));
    }
    for (name, check) in &release.checks {
        let result = if check.passed { "passed" } else { "failed" };
        let valid =
            if release.valid_check(name).is_some() { "" } else { " (for another artifact: does not count)" };
        facts.push(("check", format!("{name}: {result} by {}{valid}", check.by.name)));
    }
    for (label, value) in
        [("outcome", &release.review.outcome), ("retrospective", &release.review.retrospective)]
    {
        if let Some(value) = value {
            facts.push((label, value.clone()));
        }
    }
    facts
}

/// Asks the commands of the items that were named, otherwise of all that have one; fails where one does not say yes.
fn verify(session: &mut Session, cx: &Ctx<'_>, id: &ReleaseId, items: Vec<String>) -> Result<u8, OpError> {
    let all = &cx.policy.stage(Stage::Prepare).checklist;
    let with_command =
        || all.iter().filter(|item| item.command.is_some()).map(|item| item.name.clone()).collect();
    let items: Vec<String> = if items.is_empty() { with_command() } else { items };
    if items.is_empty() {
        return Err(OpError::conflict("no item of the checklist has a command").hint(
            "{ item = \"…\", command = [\"./check.sh\"] } in [stages.prepare] checklist gives it one",
        ));
    }
    let mut found = Vec::new();
    for item in items {
        session.out.note(&format!("{item}…"));
        let (_, said) = evidence::verify(cx, id, &item)?;
        if !session.out.is_json() {
            session.out.line(format!("{} {item}: {}", said.answer, said.said));
        }
        found.push((item, said));
    }
    let is_good = found.iter().all(|(_, said)| said.answer == Answer::Yes);
    if session.out.is_json() {
        let rows: Vec<_> =
            found.iter().map(|(item, said)| serde_json::json!({ "item": item, "verified": said })).collect();
        session.out.json("verified", &rows);
    }
    Ok(if is_good { exit::OK } else { exit::code(ErrorKind::Failure) })
}

pub(super) fn checklist(session: &mut Session, verb: Checklist) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    match verb {
        Checklist::Tick { release, item } => {
            let id = find::find(&cx, &release)?;
            let release = evidence::tick(&cx, &id, &item)?;
            answer(&mut session.out, &release, &format!("\"{item}\" is done"));
        }
        Checklist::Verify { release, items } => {
            let id = find::find(&cx, &release)?;
            return verify(session, &cx, &id, items);
        }
        Checklist::List { release } => {
            let view = view::release(&cx, &find::find(&cx, &release)?)?;
            if session.out.is_json() {
                let items: Vec<_> = cx
                    .policy
                    .stage(Stage::Prepare)
                    .checklist
                    .iter()
                    .map(|item| {
                        serde_json::json!({
                            "item": item.name,
                            "command": item.command,
                            "is-done": standing(item, &view.release, cx.now).is_done(),
                            "done": view.release.ticks.get(&item.name),
                            "verified": view.release.verified.get(&item.name),
                        })
                    })
                    .collect();
                session.out.json("checklist", &items);
                return Ok(exit::OK);
            }
            for item in &cx.policy.stage(Stage::Prepare).checklist {
                let stands = standing(item, &view.release, cx.now);
                let line = match &stands {
                    Standing::Done { by, at, until } => {
                        let until = until.map(|until| format!(", until {}", wall(until, cx.policy.zone)));
                        let (at, until) = (wall(*at, cx.policy.zone), until.unwrap_or_default());
                        format!("[x] {}  ({}, {at}{until})", item.name, by.name)
                    }
                    _ => format!("[ ] {}", stands.told(&item.name)),
                };
                session.out.line(line);
            }
        }
    }
    Ok(exit::OK)
}
