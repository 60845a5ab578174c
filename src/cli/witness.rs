//! `relman take | witness`, and the wait of who asks for a witness.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use super::args::{Id, Witness};
use super::{Session, exit};
use crate::desk::Desk;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::time::{span, wall};
use crate::domain::witness::Request;
use crate::ops::deployment::take as taking;
use crate::ops::release::find;
use crate::ops::view::brief::brief;
use crate::ops::view::queue;
use crate::ops::{ErrorKind, OpError, witness as witnessing};

pub(super) fn take(session: &mut Session, args: &Id) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let (taken, over) = taking::take(&desk.cx(), args.id)?;
    if session.out.is_json() {
        session.out.json("deployment", &taken);
        return Ok(exit::OK);
    }
    let who = taken.on_it().map_or_else(|| desk.actor.name().to_owned(), |on| on.by.human().to_owned());
    let from = over.map(|over| format!(", taken over from {}", over.by.human())).unwrap_or_default();
    session.out.line(format!("{}: {who} is on it{from}", args.id));
    session.out.note(&format!("it still waits: relman decide {}, or settle it", args.id.0));
    Ok(exit::OK)
}

/// How often it is looked whether a witness has come.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Asks for a second person where nothing else is missing, and waits until one has confirmed it.
pub(super) fn wait_for(
    session: &mut Session,
    desk: &Desk,
    release: &ReleaseId,
    env: &EnvName,
) -> Result<(), OpError> {
    let asked = witnessing::ask(&desk.cx(), release, env)?;
    let until = wall(asked.request.expires_at, desk.config.policy.zone);
    // Always: without the code nobody could confirm it.
    super::out::tell(&format!(
        "{release} to {env} needs a second person. Tell them this code: {}\n\
         They type: relman witness {release} {env}\n\
         Waiting until {until}; Ctrl-C leaves, and nothing has begun.",
        asked.code
    ));
    loop {
        let Some(now) = witnessing::standing(&desk.cx(), &asked.request)? else {
            return Err(OpError::new(
                ErrorKind::Unapproved,
                "nobody confirmed it in time, or the code is void",
            )
            .hint(format!("ask again: relman deploy {release} {env} --witness")));
        };
        if let Some(confirmed) = now.witnessed {
            session.out.note(&format!("confirmed by {}", confirmed.by.person.human()));
            return Ok(());
        }
        crate::host::clock::wait(LOOK_EVERY);
    }
}

pub(super) fn witness(session: &mut Session, args: Witness) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let (Some(release), Some(environment)) = (&args.release, args.environment) else {
        return list(session, &desk);
    };
    let cx = desk.cx();
    let release = find::find(&cx, release)?;
    let item = queue::of_deployment(&cx, &release, &environment)?;
    if !session.out.is_json() {
        session.out.line(format!("{release} to {environment}: {}", item.release.title));
        for (label, text) in brief(&item, "→", cx.policy.zone, cx.now) {
            session.out.line(format!("  {label:<12} {text}"));
        }
    }
    let code = match args.code {
        Some(code) => code,
        None => asked(session)?,
    };
    let wanted = witnessing::Confirm { release, environment, code, seen: Some(item.digest) };
    let request = witnessing::confirm(&desk.cx(), &wanted)?;
    if session.out.is_json() {
        session.out.json("request", &request);
        return Ok(exit::OK);
    }
    let (release, env) = (&request.release, &request.environment);
    session.out.line(format!("{release} to {env}: you have confirmed what {} starts", starter(&request)));
    session.out.note(&format!(
        "once it has begun, its number: relman deployments {}; then relman attach NUMBER watches it",
        request.release.service
    ));
    Ok(exit::OK)
}

fn starter(request: &Request) -> &str {
    request.starter.person.human()
}

fn asked(session: &Session) -> Result<String, OpError> {
    if session.out.is_json() || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(OpError::new(ErrorKind::Usage, "say the code the starter told you: --code CODE"));
    }
    let broken = |why: std::io::Error| OpError::new(ErrorKind::Failure, format!("no code: {why}"));
    let mut err = std::io::stderr().lock();
    write!(err, "code: ").and_then(|()| err.flush()).map_err(broken)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(broken)?;
    Ok(line)
}

fn list(session: &mut Session, desk: &Desk) -> Result<u8, OpError> {
    let cx = desk.cx();
    let open = witnessing::open(&cx)?;
    if session.out.is_json() {
        session.out.json("requests", &open);
        return Ok(exit::OK);
    }
    if open.is_empty() {
        session.out.note("nobody asks for a witness");
        return Ok(exit::OK);
    }
    let row = |request: &Request| {
        let by = request.witnessed.as_ref().map_or("–", |confirmed| confirmed.by.person.human());
        vec![
            request.release.to_string(),
            request.environment.to_string(),
            starter(request).to_owned(),
            span(request.expires_at.since(cx.now)),
            by.to_owned(),
        ]
    };
    let rows = open.iter().map(row).collect();
    session.out.table(&["RELEASE", "TO", "STARTED BY", "LEFT", "WITNESS"], rows);
    Ok(exit::OK)
}
