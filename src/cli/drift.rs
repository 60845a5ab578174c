//! `relman drift`

use super::args::Drift;
use super::out::Tone;
use super::{Session, exit};
use crate::domain::drift::{Observed, State};
use crate::domain::ids::{EnvName, ServiceName};
use crate::domain::policy::ScriptRole;
use crate::domain::time::relative;
use crate::ops::{Ctx, OpError, drift};

pub(super) fn run(session: &mut Session, args: &Drift) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let found = match args.last {
        true => {
            drift::last(&cx)?.into_iter().filter(|one| fits(args, &one.service, &one.environment)).collect()
        }
        false => look(session, &cx, args)?,
    };
    let unlike = found.iter().map(|one| drift::unlike(&cx, one)).collect::<Result<Vec<_>, OpError>>()?;
    if session.out.is_json() {
        let answer: Vec<_> = found
            .iter()
            .zip(&unlike)
            .map(|(one, differences)| serde_json::json!({ "found": one, "differences": differences }))
            .collect();
        session.out.json("drift", &answer);
    } else {
        for (one, differences) in found.iter().zip(&unlike) {
            tell(session, &cx, one, differences);
        }
        if found.is_empty() && args.last {
            session.out.note("nobody has looked yet: relman drift");
        }
    }
    let is_well = found.iter().all(|one| matches!(one.state, State::InSync | State::Deploying));
    Ok(if is_well && unlike.iter().all(Vec::is_empty) { exit::OK } else { 1 })
}

fn fits(args: &Drift, service: &ServiceName, env: &EnvName) -> bool {
    args.service.as_ref().is_none_or(|wanted| wanted == service)
        && args.environment.as_ref().is_none_or(|wanted| wanted == env)
}

/// Asks every script that fits, one after the other.
fn look(session: &mut Session, cx: &Ctx<'_>, args: &Drift) -> Result<Vec<Observed>, OpError> {
    // What is named and cannot be asked is an error; of all places those that can be asked are.
    if let Some(service) = &args.service {
        let known = cx.service(service)?;
        let can_be_asked = known.scripts.contains_key(&ScriptRole::Current);
        let named =
            args.environment.as_ref().or_else(|| known.pipeline.iter().next().filter(|_| !can_be_asked));
        if let Some(env) = named {
            return Ok(vec![drift::observe(cx, service, env)?]);
        }
    }
    let mut found = Vec::new();
    for service in cx.policy.services.values().filter(|one| one.scripts.contains_key(&ScriptRole::Current)) {
        for env in service.pipeline.iter().filter(|env| fits(args, &service.name, env)) {
            found.push(drift::observe(cx, &service.name, env)?);
        }
    }
    if found.is_empty() {
        session.out.note("no service has a current script: scripts = { current = [\"…\"] } in [services.…]");
    }
    Ok(found)
}

fn tell(session: &mut Session, cx: &Ctx<'_>, one: &Observed, differences: &[String]) {
    let out = &mut session.out;
    let tone = match one.state {
        State::InSync => Tone::Good,
        State::OutOfSync => Tone::Bad,
        State::Deploying | State::Unknown => Tone::Busy,
    };
    let word = out.paint(tone, one.state.as_str());
    let runs = one.runs.as_deref().unwrap_or("nothing");
    let recorded = one.recorded.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let what = match (&one.trouble, one.state) {
        (Some(why), _) => why.clone(),
        (None, State::OutOfSync) => format!("{runs} runs, {recorded} is recorded"),
        (None, _) => runs.to_owned(),
    };
    let age = relative(one.at, cx.now);
    out.line(format!("{} in {}: {word}: {what}  ({age} by {})", one.service, one.environment, one.by));
    for line in differences {
        out.line(format!("  unlike what it mirrors: {line}"));
    }
}
