//! `relman audit list | show | verify | head | accept | export | archive | report | diff`

mod archive;
mod report;
mod show;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::args::{Audit, ExportFormat, ListEntries};
use super::{Session, exit, past};
use crate::desk::Desk;
use crate::domain::digest::hex;
use crate::domain::freeze::fits;
use crate::domain::journal::{Entry, Verb};
use crate::domain::moment::Moment;
use crate::domain::text::counted;
use crate::ops::audit::export::{self, Format};
use crate::ops::audit::seek::{Sought, seek};
use crate::ops::audit::{Verified, Wanted, history, verify_with};
use crate::ops::release::find;
use crate::ops::{ErrorKind, OpError, audit};

pub(super) fn run(session: &mut Session, verb: Audit) -> Result<u8, OpError> {
    match verb {
        Audit::List(args) => list(session, args),
        Audit::Show { seq } => show::show(session, seq.0),
        Audit::Verify { file: Some(file), .. } => verify_file(session, &file),
        Audit::Verify { since, file: None } => verify(session, since),
        Audit::Head => head(session),
        Audit::Accept { reason } => accept(session, &reason),
        Audit::Export { format, since, until, output } => {
            export(session, format, since.as_deref(), until.as_deref(), output.as_deref())
        }
        Audit::Archive(args) => archive::archive(session, &args),
        Audit::Report { from, to, service, markdown, csv } => {
            let shape = match (markdown, csv) {
                (true, _) => report::Shape::Markdown,
                (_, true) => report::Shape::Csv,
                _ => report::Shape::Lines,
            };
            report::report(session, from.as_deref(), to.as_deref(), service.as_ref(), shape)
        }
        Audit::Diff { from, to } => past::diff(session, &from, to.as_deref()),
    }
}

/// A moment as it was typed.
pub(super) fn moment(desk: &Desk, text: &str) -> Result<Moment, OpError> {
    let cx = desk.cx();
    Ok(Moment::parse(text, cx.now, cx.policy.zone)?)
}

fn list(session: &mut Session, args: ListEntries) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let since = args.since.as_deref().map(|text| moment(&desk, text)).transpose()?;
    let until = args.until.as_deref().map(|text| moment(&desk, text)).transpose()?;
    let sought = Sought {
        subject: args.subject,
        release: args.release.map(|wanted| find::find(&cx, &wanted)).transpose()?,
        environment: args.environment,
        person: args.person,
        verbs: args.verbs,
        refused: args.refused,
    };
    if let Some(verb) =
        sought.verbs.iter().find(|glob| !Verb::ALL.iter().any(|verb| fits(glob, verb.as_str())))
    {
        let known = Verb::ALL.map(Verb::as_str);
        let shown = crate::domain::text::quoted(verb, 40);
        let near = crate::domain::text::did_you_mean(verb, known);
        let error = OpError::new(ErrorKind::Usage, format!("no verb fits {shown}"));
        return Err(error.hint(near.map_or_else(
            || "write for example approval.granted or 'freeze.*'".to_owned(),
            |near| format!("did you mean {near}?"),
        )));
    }
    let range = audit::range(&cx, since, until)?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let entries = seek(&cx, &sought, range, args.before, limit)?;
    if session.out.is_json() {
        let rows: Vec<_> = entries.iter().map(as_json).collect();
        session.out.json("entries", &rows);
        return Ok(exit::OK);
    }
    let rows = entries
        .iter()
        .map(|entry| {
            let body = entry.parsed();
            let field = |pick: fn(&crate::domain::journal::Body) -> String| {
                body.as_ref().map(pick).unwrap_or_default()
            };
            vec![
                entry.seq.to_string(),
                entry.at.to_string(),
                field(|body| body.actor.person.name.clone()),
                entry.verb.clone(),
                field(|body| match body.environment() {
                    Some(env) if !body.subject.contains(env) => format!("{} → {env}", body.subject),
                    _ => body.subject.clone(),
                }),
                field(|body| body.result.to_string()),
                field(|body| crate::domain::text::fit(&body.reason.clone().unwrap_or_default(), 80)),
            ]
        })
        .collect();
    session.out.table(&["SEQ", "TIME", "WHO", "VERB", "SUBJECT", "RESULT", "WHY"], rows);
    Ok(exit::OK)
}

fn as_json(entry: &Entry) -> serde_json::Value {
    serde_json::json!({
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "verb": entry.verb,
        "body": serde_json::from_str::<serde_json::Value>(&entry.body).unwrap_or_default(),
        "previous": hex(&entry.previous),
        "hash": hex(&entry.hash),
    })
}

fn verify(session: &mut Session, since: Option<i64>) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let wanted = Wanted { since, remembered: desk.remembered() };
    let verified = verify_with(&desk.cx(), &wanted)?;
    let seen = verified.rows + verified.logs.same + verified.signatures;
    let (rows, logs) = (counted(verified.rows, "row", "rows"), counted(verified.logs.same, "log", "logs"));
    let signatures = match verified.signatures {
        0 => String::new(),
        count => format!("; {} good", counted(count, "signature is", "signatures are")),
    };
    let also = format!("{rows} and {logs} are as it says{signatures}");
    Ok(tell(session, &verified, since.unwrap_or(1), (seen > 0).then_some(also)))
}

fn verify_file(session: &mut Session, file: &Path) -> Result<u8, OpError> {
    session.touches(file)?;
    let verified = export::verify(&mut *opened(file)?)?;
    Ok(tell(session, &verified, 1, None))
}

/// Says what was found: the first bad entry first, then everything else.
fn tell(session: &mut Session, verified: &Verified, first: i64, also: Option<String>) -> u8 {
    let out = &mut session.out;
    let code = u8::from(!verified.is_good());
    if out.is_json() {
        out.json("verified", verified);
        return code;
    }
    if let Some((seq, why)) = &verified.bad {
        out.line(format!("the journal was tampered with: {why}"));
        if verified.entries >= first {
            out.line(format!(
                "entries {first} to {} are good; nothing from {seq} on can be trusted",
                verified.entries
            ));
        } else {
            out.line(format!("nothing from {seq} on can be trusted"));
        }
    } else {
        let from = if first > 1 { format!(", from {first} on") } else { String::new() };
        let entries = u64::try_from(verified.entries - first + 1).unwrap_or(0);
        let entries = counted(entries, "entry", "entries");
        out.line(format!("{entries}{from}, unbroken; head {}", verified.head));
    }
    let first_bad = verified.bad.as_ref().map(|(_, why)| why);
    let others: Vec<_> =
        verified.findings.list.iter().filter(|found| Some(&found.sentence) != first_bad).collect();
    for found in &others {
        out.line(&found.sentence);
    }
    if verified.findings.more > 0 {
        out.line(format!("and {} more", verified.findings.more));
    }
    if let Some(also) = also.filter(|_| verified.is_good()) {
        out.line(also);
    }
    for remark in &verified.remarks {
        out.note(remark);
    }
    code
}

fn head(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let head = audit::head(&desk.cx())?;
    if session.out.is_json() {
        session.out.json("head", &head);
    } else {
        session.out.lines(&head.checkpoint);
    }
    Ok(exit::OK)
}

fn accept(session: &mut Session, reason: &str) -> Result<u8, OpError> {
    let mut desk = session.desk()?;
    let remembered = desk.remembered();
    let head = history::accept(&desk.cx(), remembered.as_ref(), reason)?;
    desk.accept(&head).map_err(|why| {
        OpError::new(ErrorKind::Failure, format!("it is on record, but cannot be remembered: {why}"))
    })?;
    if session.out.is_json() {
        session.out.json("head", &head);
    } else {
        session.out.line(format!("accepted; entry {} is the newest you have seen now", head.seq));
    }
    Ok(exit::OK)
}

fn export(
    session: &mut Session,
    format: ExportFormat,
    since: Option<&str>,
    until: Option<&str>,
    output: Option<&Path>,
) -> Result<u8, OpError> {
    let output = output.filter(|file| *file != Path::new("-"));
    output.map_or(Ok(()), |file| session.touches(file))?;
    let desk = session.desk()?;
    let format = match format {
        ExportFormat::Jsonl => Format::Jsonl,
        ExportFormat::Csv => Format::Csv,
    };
    let since = since.map(|text| moment(&desk, text)).transpose()?;
    let until = until.map(|text| moment(&desk, text)).transpose()?;
    let cx = desk.cx();
    let span = audit::range(&cx, since, until)?;
    // Made first: what cannot be written is not put on record as taken away.
    let file = output.map(create).transpose()?;
    let range = export::begin(&cx, format, span.since, until.map(|_| span.until))?;
    let written = match file {
        Some(file) => export::write(&cx, range, format, &mut BufWriter::new(file))?,
        None => {
            let written = export::write(&cx, range, format, &mut Stdout(session));
            // Whoever read us had enough: the exit code says that.
            return if session.out.is_broken() { Ok(exit::OK) } else { written.map(|_| exit::OK) };
        }
    };
    if session.out.is_json() {
        session.out.json("exported", &written);
    } else {
        session.out.line(format!(
            "{} entries, {} to {}; head {}",
            written.entries, written.since, written.until, written.head
        ));
    }
    Ok(exit::OK)
}

/// What is to be read: a file, or `-` for stdin.
pub(super) fn opened(path: &Path) -> Result<Box<dyn BufRead>, OpError> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(why) => Err(OpError::new(ErrorKind::Failure, format!("cannot read {}: {why}", path.display()))),
    }
}

/// A new file for its owner alone.
pub(super) fn create(path: &Path) -> Result<File, OpError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|why| match why.kind() {
        std::io::ErrorKind::AlreadyExists => {
            OpError::conflict(format!("{} exists already; nothing was written", path.display()))
                .hint("name a file that does not exist yet")
        }
        _ => OpError::new(ErrorKind::Failure, format!("cannot write {}: {why}", path.display())),
    })
}

/// Standard output, which a reader may close.
pub(super) struct Stdout<'a>(pub &'a mut Session);

impl Write for Stdout<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.out.bytes(bytes);
        if self.0.out.is_broken() {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
