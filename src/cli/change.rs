//! `relman change …`: the change ticket of a release for an environment.

use super::args::Change as Verb;
use super::out::Tone;
use super::{Session, exit};
use crate::domain::change::Phase;
use crate::domain::time::{span, wall};
use crate::ops::change::{self, Standing};
use crate::ops::release::find;
use crate::ops::{ErrorKind, OpError};

pub(super) fn run(session: &mut Session, verb: &Verb) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let standing = match verb {
        Verb::Show { release, environment } => change::show(&cx, &find::find(&cx, release)?, environment)?,
        Verb::Check { release, environment } => change::check(&cx, &find::find(&cx, release)?, environment)?,
        Verb::Set { release, environment, number } => {
            let id = find::find(&cx, release)?;
            change::assign(&cx, &id, environment, number)?;
            change::check(&cx, &id, environment)?
        }
        Verb::Clear { release, environment } => {
            let id = find::find(&cx, release)?;
            change::clear(&cx, &id, environment)?;
            change::check(&cx, &id, environment)?
        }
    };
    if session.out.is_json() {
        session.out.json("change", &standing);
    } else {
        print(session, &standing, cx.policy.zone);
    }
    let ticket = &standing.ticket;
    let is_unknown = matches!(verb, Verb::Check { .. }) && ticket.trouble.is_some();
    Ok(if is_unknown { exit::code(ErrorKind::Failure) } else { exit::OK })
}

fn print(session: &mut Session, standing: &Standing, zone: crate::domain::time::Tz) {
    let out = &mut session.out;
    let ticket = &standing.ticket;
    let name = ticket.number().unwrap_or("no ticket");
    let what = format!("{name} for {} to {}", ticket.release, ticket.environment);
    out.line(out.paint(Tone::Strong, &what));
    out.line(format!("  title   {}", standing.title));
    if ticket.named.is_some() {
        out.line("  its number was named; no other ticket is looked for");
    }
    if let Some(answered) = &ticket.answered {
        let (tone, means) = match answered.phase {
            Some(Phase::Open) => (Tone::Good, "a deployment may go on"),
            Some(Phase::Waits) => (Tone::Busy, "a deployment waits"),
            Some(Phase::Closed) => (Tone::Bad, "nothing may be done under it"),
            None if ticket.named.is_some() => (Tone::Bad, "the change system does not know it"),
            None => (Tone::Busy, "none is there; it is made when somebody deploys"),
        };
        let state = answered.state.clone().unwrap_or_else(|| "not found".to_owned());
        out.line(format!("  state   {}: {means}", out.paint(tone, &state)));
        for (label, at) in [("from", answered.start), ("until", answered.end)] {
            if let Some(at) = at {
                out.line(format!("  {label:<7} {}", wall(at, zone)));
            }
        }
        if let Some(url) = &answered.url {
            out.line(format!("  see     {url}"));
        }
    }
    if let Some(why) = &ticket.trouble {
        out.line(out.paint(Tone::Bad, &format!("  no answer: {why}")));
    }
    match standing.age_seconds.map(std::time::Duration::from_secs) {
        Some(age) if age.as_secs() > 0 => out.line(format!("  asked   {} ago", span(age))),
        Some(_) => out.line("  asked   just now"),
        None => out.line("  nobody has asked about it yet: relman change check does"),
    }
}
