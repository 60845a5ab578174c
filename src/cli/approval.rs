//! `relman approve | reject | withdraw | approvals`

use std::io::Read as _;
use std::path::Path;

use super::args::{Approvals, Decide, Withdraw};
use super::out::Tone;
use super::{Session, exit, past, prompts};
use crate::domain::approval::{Approval, ApprovalSubject, Verdict};
use crate::domain::diff::Kind;
use crate::domain::gate::remedy::enlarge;
use crate::domain::ids::ReleaseId;
use crate::domain::prompt::Answers;
use crate::domain::signature::{Held, Signed, sshsig};
use crate::domain::time::{Fold, Tz, parse_when, relative, span};
use crate::ops::approval::sign::{self, Signing};
use crate::ops::approval::{ask, decide, older, withdraw as withdrawal};
use crate::ops::past::Still;
use crate::ops::release::find;
use crate::ops::view::brief::brief;
use crate::ops::view::{board, queue, release as view, script_diff};
use crate::ops::{Ctx, ErrorKind, OpError};

pub(super) fn approve(session: &mut Session, args: Decide) -> Result<u8, OpError> {
    decided(session, args, Verdict::Approved)
}

pub(super) fn reject(session: &mut Session, args: Decide) -> Result<u8, OpError> {
    decided(session, args, Verdict::Rejected)
}

fn decided(session: &mut Session, args: Decide, verdict: Verdict) -> Result<u8, OpError> {
    let files = [&args.signature, &args.payload, &args.key];
    files.into_iter().flatten().try_for_each(|file| session.touches(file))?;
    let desk = session.desk()?;
    let cx = desk.cx();
    let signing = match (&args.signature, args.key, args.unsigned) {
        (Some(signature), _, _) => Signing::Given(given(signature, args.payload.as_deref())?),
        (None, Some(key), _) => Signing::Key(key),
        (None, None, true) => Signing::Without,
        (None, None, false) => Signing::AtHand,
    };
    let from =
        args.from.as_deref().map(|text| parse_when(text, cx.now, cx.policy.zone, Fold::Last)).transpose()?;
    let release = find::find(&cx, &args.release)?;
    for pair in &args.set_file {
        session.touches(Path::new(pair.split_once('=').map_or("", |(_, file)| file)))?;
    }
    let answers = match args.about.as_slice() {
        [subject] if verdict == Verdict::Approved && args.signature.is_none() => {
            let asks = ask::questions(&cx, &release, subject)?;
            prompts::answers(&asks, &args.set, &args.set_file, !session.out.is_json())?
        }
        _ if verdict == Verdict::Rejected && !(args.set.is_empty() && args.set_file.is_empty()) => {
            return Err(OpError::new(ErrorKind::Usage, "a no answers nothing")
                .hint("leave --set out; say why with --reason"));
        }
        _ if !args.set.is_empty() || !args.set_file.is_empty() => {
            return Err(OpError::new(
                ErrorKind::Usage,
                "answers belong to one approval that is not signed yet",
            )
            .hint("name one environment at a time"));
        }
        _ => Answers::default(),
    };
    let formed = |subject: &ApprovalSubject| decide::Decision {
        answers: answers.clone(),
        reason: args.reason.clone(),
        effective: from,
        signing: signing.clone(),
        seen: args.seen.clone(),
        ..decide::Decision::new(release.clone(), subject.clone(), verdict)
    };
    let decision = match args.about.as_slice() {
        [] => formed(&ApprovalSubject::Request),
        [subject] => formed(subject),
        [..] if args.print_payload || args.signature.is_some() || args.seen.is_some() => {
            return Err(OpError::new(ErrorKind::Usage, "a signature or a digest is about one decision")
                .hint("name one environment at a time"));
        }
        several => return all(session, &cx, several.iter().map(formed).collect()),
    };
    if args.print_payload {
        let statement = sign::payload(&cx, &decision)?;
        match session.out.is_json() {
            true => session.out.json("payload", &statement.text()),
            false => session.out.bytes(statement.text().as_bytes()),
        }
        return Ok(exit::OK);
    }
    let older = match verdict {
        Verdict::Approved => older::of(&cx, &decision.release, &decision.subject)?,
        Verdict::Rejected => Vec::new(),
    };
    let approval = decide::decide(&cx, &decision)?;
    print(session, &approval, desk.config.policy.zone);
    if !older.is_empty() && !session.out.is_json() {
        let older: Vec<String> = older.iter().map(ToString::to_string).collect();
        session.out.line(format!("rejected with it, as older: {}", older.join(", ")));
    }
    Ok(exit::OK)
}

/// Several in one act, each recorded for itself.
fn all(session: &mut Session, cx: &Ctx<'_>, decisions: Vec<decide::Decision>) -> Result<u8, OpError> {
    let several = decide::several(cx, decisions);
    match session.out.is_json() {
        true => session.out.json("approvals", &several.recorded),
        false => several.recorded.iter().for_each(|one| session.out.line(one.told(cx.policy.zone))),
    }
    several.told().map(|_| exit::OK)
}

/// A decision that was signed elsewhere. Only its bytes are read here: nothing says where its key was. Through stdin both
/// may come at once, what was signed first.
fn given(signature: &Path, payload: Option<&Path>) -> Result<Signed, OpError> {
    let held = Held::File;
    if signature.as_os_str() == "-" && payload.is_none() {
        let both = read(signature)?;
        let (statement, signature) =
            both.find(sshsig::BEGIN).map_or((both.as_str(), ""), |at| both.split_at(at));
        return Ok(Signed { statement: statement.to_owned(), signature: signature.to_owned(), held });
    }
    let beside =
        signature.extension().is_some_and(|ending| ending == "sig").then(|| signature.with_extension(""));
    let payload = payload.map(Path::to_path_buf).or(beside).ok_or_else(|| {
        OpError::new(ErrorKind::Usage, "say what was signed: --payload FILE")
            .hint("it is what --print-payload printed")
    })?;
    Ok(Signed { statement: read(&payload)?, signature: read(signature)?, held })
}

/// No payload and no signature is longer.
const MOST: u64 = 64 * 1024;

fn read(path: &Path) -> Result<String, OpError> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(MOST).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text)),
    };
    let shown = path.display();
    read.map_err(|why| OpError::new(ErrorKind::Usage, format!("{shown} cannot be read: {why}")))?;
    Ok(text)
}

fn print(session: &mut Session, approval: &Approval, zone: Tz) {
    if session.out.is_json() {
        session.out.json("approval", approval);
        return;
    }
    session.out.line(approval.told(zone));
}

pub(super) fn withdraw(session: &mut Session, args: Withdraw) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let id = find::find(&desk.cx(), &args.release)?;
    let approval = withdrawal::withdraw(&desk.cx(), &id, &args.about.unwrap_or(ApprovalSubject::Request))?;
    if session.out.is_json() {
        session.out.json("approval", &approval);
    } else {
        session.out.line(format!("{id}: your decision about {} is withdrawn", approval.subject.as_text()));
    }
    Ok(exit::OK)
}

/// What changed in the scripts, as `diff -u` writes it.
fn differ(
    session: &mut Session,
    cx: &Ctx<'_>,
    id: &ReleaseId,
    subject: &ApprovalSubject,
) -> Result<u8, OpError> {
    let found = script_diff::of_decision(cx, id, subject)?;
    if session.out.is_json() {
        session.out.json("differences", &found);
        return Ok(exit::OK);
    }
    for (kind, text) in found.lines() {
        let text = match kind {
            Kind::Gone => session.out.paint(Tone::Bad, &text),
            Kind::New => session.out.paint(Tone::Good, &text),
            Kind::Place | Kind::Same | Kind::Remark => text,
        };
        session.out.line(text);
    }
    Ok(exit::OK)
}

/// What the panes show before somebody decides.
fn tell(
    session: &mut Session,
    cx: &Ctx<'_>,
    id: &ReleaseId,
    subject: &ApprovalSubject,
) -> Result<u8, OpError> {
    let item = queue::find(cx, &board::board(cx)?, id, subject)?;
    if session.out.is_json() {
        session.out.json("pending", &item);
        return Ok(exit::OK);
    }
    session.out.line(format!("{id} for {}: {}", item.matter(), item.release.title));
    for (label, text) in brief(&item, "→", cx.policy.zone, cx.now) {
        session.out.line(format!("  {label:<12} {text}"));
    }
    if item.otherwise.as_ref().is_some_and(|changed| !changed.is_empty()) {
        let about = subject.as_text();
        session.out.note(&format!("what changed in the scripts: relman approvals {id} {about} --diff"));
    }
    Ok(exit::OK)
}

pub(super) fn list(session: &mut Session, args: &Approvals) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let past = past::open(session, &desk, args.past.as_of.as_deref())?;
    let still = Still(desk.machine());
    let cx = past.as_ref().map_or_else(|| desk.cx(), |past| past.cx(&desk.cx(), &still));
    if let (Some(wanted), Some(subject)) = (&args.release, &args.about) {
        let id = find::find(&cx, wanted)?;
        if args.ask {
            ask::ask(&cx, &id, subject)?;
            return tell(session, &cx, &id, subject);
        }
        return if args.diff { differ(session, &cx, &id, subject) } else { tell(session, &cx, &id, subject) };
    }
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
            let notes: Vec<String> =
                ignored.into_iter().chain(a.reason.clone()).chain(a.answered()).collect();
            vec![
                a.subject.as_text().to_owned(),
                decision.verdict(),
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
                _ if item.tally.rejected.is_some() => session.out.paint(Tone::Bad, "REJECTED"),
                _ if item.tally.shortage.is_some() => session.out.paint(Tone::Bad, "no quorum"),
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
    for item in pending.iter().filter(|item| item.tally.rejected.is_none()) {
        if let Some(shortage) = &item.tally.shortage {
            let what = format!("{} for {}", item.release.id, item.matter());
            session.out.note(&format!("{what} cannot be approved: {}", enlarge(shortage)));
        }
    }
    Ok(exit::OK)
}
