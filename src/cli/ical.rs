//! `relman freeze export | import`

use std::io::Read as _;
use std::path::Path;

use super::args::freeze::{ExportFreezes, ImportFreezes};
use super::{Session, exit, write_new};
use crate::domain::freeze::Freeze;
use crate::domain::ical;
use crate::domain::time::{Fold, Timestamp, Window, parse_when, parse_zone, wall};
use crate::ops::freeze::import::{self, Became, Import};
use crate::ops::view::calendar;
use crate::ops::{ErrorKind, OpError};

pub(super) fn export(session: &mut Session, args: &ExportFreezes) -> Result<u8, OpError> {
    session.touches(&args.file)?;
    let desk = session.desk()?;
    let cx = desk.cx();
    let time = |text: &Option<String>, otherwise: Timestamp| match text {
        Some(text) => parse_when(text, cx.now, cx.policy.zone, Fold::First),
        None => Ok(otherwise),
    };
    let span = Window::new(time(&args.from, cx.now)?, time(&args.to, Timestamp::from_millis(i64::MAX))?)?;
    let freezes: Vec<Freeze> = calendar::calendar(&cx, span)?.freezes;
    let text = ical::write(&freezes, cx.now);
    if args.file == Path::new("-") {
        session.out.bytes(text.as_bytes());
        return Ok(exit::OK);
    }
    write_new(&args.file, &text)?;
    if session.out.is_json() {
        session.out.json("exported", &freezes.len());
    } else {
        session.out.line(format!("{} freezes are in {}", freezes.len(), args.file.display()));
    }
    Ok(exit::OK)
}

/// The file, and no more of it than is looked at.
fn content(file: &Path) -> Result<Vec<u8>, OpError> {
    let most = u64::try_from(ical::LIMIT).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().lock().take(most).read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    };
    read.map_err(|why| OpError::new(ErrorKind::Failure, format!("cannot read {}: {why}", file.display())))?;
    Ok(bytes)
}

/// Exit status 1 where an event could not be read or was refused; everything else is done all the same.
pub(super) fn import(session: &mut Session, args: ImportFreezes) -> Result<u8, OpError> {
    session.touches(&args.file)?;
    let desk = session.desk()?;
    let cx = desk.cx();
    let zone = args.time_zone.as_deref().map(parse_zone).transpose()?.unwrap_or(cx.policy.zone);
    let shown = args.file.display().to_string();
    let wrong = |why: String| OpError::new(ErrorKind::Usage, format!("{shown}: {why}"));
    let read = ical::read(&content(&args.file)?, zone).map_err(wrong)?;
    let is_scoped = !(args.services.is_empty() && args.environments.is_empty());
    let scope = is_scoped.then(|| super::freeze::scope(args.services, args.environments)).transpose()?;
    let source =
        args.file.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
    let how = Import { scope, source, dry_run: args.dry_run };
    let outcomes = import::import(&cx, &read.events, &how)?;
    let refused = outcomes.iter().any(|became| matches!(became, Became::Refused { .. }));
    let code = if refused || !read.skipped.is_empty() { exit::code(ErrorKind::Failure) } else { exit::OK };
    if session.out.is_json() {
        session.out.json("imported", &serde_json::json!({ "events": outcomes, "skipped": read.skipped }));
        return Ok(code);
    }
    let would = if args.dry_run { "would be " } else { "" };
    for became in &outcomes {
        session.out.line(sentence(became, would, cx.now));
    }
    for skipped in &read.skipped {
        session.out.line(format!("not read: line {}: {}: {}", skipped.line, skipped.what, skipped.why));
    }
    if outcomes.is_empty() && read.skipped.is_empty() {
        session.out.note(&format!("there is no event in {shown}"));
    }
    Ok(code)
}

fn sentence(became: &Became, would: &str, now: Timestamp) -> String {
    let freeze = |what: &str, freeze: &Freeze| {
        let (window, scope) = (freeze.current(now), freeze.scope.describe());
        let again =
            freeze.repeats.as_ref().map(|repeats| format!(", {}", repeats.in_words())).unwrap_or_default();
        format!("{what}: \"{}\" closes {scope} from {}{again}", freeze.name, wall(window.start, freeze.zone))
    };
    match became {
        Became::Added { freeze: one } => freeze(&format!("{would}added"), one),
        Became::Changed { freeze: one } => freeze(&format!("{would}changed"), one),
        Became::Unchanged { freeze: one } => freeze("as it was", one),
        Became::Over { name, line } => format!("left out: line {line}: \"{name}\" is over"),
        Became::Refused { name, line, why } => format!("refused: line {line}: \"{name}\": {why}"),
    }
}
