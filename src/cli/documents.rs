//! `relman notes`, `relman handover`, `relman report`

use std::path::Path;
use std::time::Duration;

use super::args::{Handover, NotesArgs, Paper, Reader, ReportArgs};
use super::stages::moment;
use super::{Session, exit, write_new};
use crate::domain::document::Document;
use crate::domain::time::parse_duration;
use crate::ops::release::find;
use crate::ops::view::notes::{Audience, Since, notes};
use crate::ops::view::{handover as packet, story};
use crate::ops::{ErrorKind, OpError};

/// How a document goes out: to a new file by its ending, or to stdout.
fn hand_out(session: &mut Session, document: &Document, paper: &Paper) -> Result<u8, OpError> {
    let output = paper.output.as_deref();
    let is_html = paper.html || output.and_then(Path::extension).is_some_and(|ending| ending == "html");
    let text = if is_html { document.html() } else { document.markdown() };
    match output.filter(|path| path.as_os_str() != "-") {
        Some(path) => {
            session.touches(path)?;
            write_new(path, &text)?;
            session.out.note(&format!("written to {}", path.display()));
        }
        None if session.out.is_json() => {
            let answer = serde_json::json!({ "title": document.title, "text": text });
            session.out.json("document", &answer);
        }
        None => session.out.bytes(text.as_bytes()),
    }
    Ok(exit::OK)
}

pub(super) fn release_notes(session: &mut Session, args: &NotesArgs) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let id = find::find(&cx, &args.release)?;
    if let Some(env) = args.environment.as_ref().filter(|env| !cx.policy.environments.contains_key(*env)) {
        return Err(OpError::not_found(format!("environment {env}")));
    }
    let since = match &args.since {
        Some(version) => Since::Version(version.clone()),
        None => Since::Live(args.environment.clone()),
    };
    let audience = match args.audience {
        Reader::Users => Audience::Users,
        Reader::Team => Audience::Team,
        Reader::Operators => Audience::Operators,
    };
    let document = notes(&cx, &id, &since, audience)?;
    hand_out(session, &document, &args.paper)
}

pub(super) fn handover(session: &mut Session, args: &Handover) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let last = args.last.as_deref().map_or(Ok(Duration::from_hours(12)), parse_duration)?;
    let document = packet::handover(&desk.cx(), last)?;
    hand_out(session, &document, &args.paper)
}

pub(super) fn report(session: &mut Session, args: &ReportArgs) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let document = match (&args.release, &args.since) {
        (Some(release), None) => story::report(&cx, &find::find(&cx, release)?)?,
        (None, Some(since)) => {
            let to = args.until.as_deref().map_or(Ok(cx.now), |until| moment(&cx, until))?;
            let from = moment(&cx, since)?;
            if from >= to {
                return Err(OpError::new(ErrorKind::Usage, "that span is empty: it ends before it begins"));
            }
            story::incident(&cx, from, to)?
        }
        _ => {
            return Err(OpError::new(ErrorKind::Usage, "say which release, or --since when")
                .hint("relman report storefront@1.4.2, or relman report --since \"today 02:00\""));
        }
    };
    hand_out(session, &document, &args.paper)
}
