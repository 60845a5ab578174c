//! A second person, live: the starter asks and is told a code, the witness types it, the start uses it up.

use serde::Serialize;

use super::facts::{self, Surroundings};
use super::{Ctx, ErrorKind, OpError};
use crate::domain::digest::Digest;
use crate::domain::gate::{Answer, GateId};
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::journal::Verb;
use crate::domain::policy::Environment;
use crate::domain::text::{one_line, quoted};
use crate::domain::witness::{Confirmed, FourEyes, Request, challenge, code, is_code};
use crate::ops::change;
use crate::ops::deployment::start;
use crate::store::{Tx, journal, witnesses};

/// What the starter is told.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    pub request: Request,
    /// For the ear of the witness: it is kept nowhere.
    pub code: String,
}

/// Names one asking in the journal.
fn about(release: &ReleaseId, env: &EnvName) -> String {
    format!("{release} → {env}")
}

fn rule<'a>(cx: &Ctx<'a>, env: &EnvName) -> Result<(&'a Environment, &'a FourEyes), OpError> {
    let environment = facts::environment(cx, env)?;
    match &environment.four_eyes {
        Some(rule) => Ok((environment, rule)),
        None => Err(OpError::new(ErrorKind::Usage, format!("{env} asks for no second person"))
            .hint("set four-eyes = true for it in relman.toml, or deploy at once")),
    }
}

/// Asks for a witness. An earlier asking for the same place ends: its code is worth nothing any more.
pub fn ask(cx: &Ctx<'_>, release: &ReleaseId, env: &EnvName) -> Result<Asked, OpError> {
    let (_, rule) = rule(cx, env)?;
    // A ticket that is missing comes first: nobody is called to look at what waits for one.
    let seen = start::preview(cx, release, env)?.report;
    change::make_if_missing(cx, &seen)?;
    let around = Surroundings::of(cx, cx.service(&release.service)?)?;
    let fault = |why| OpError::new(ErrorKind::Failure, why);
    let (nonce, random) = (cx.machine.nonce().map_err(fault)?, cx.machine.nonce().map_err(fault)?);
    let code = code(&random);
    let drafted = Request {
        id: 0,
        release: release.clone(),
        environment: env.clone(),
        subject: seen.subject,
        starter: cx.actor.clone(),
        asked_at: cx.now,
        expires_at: cx.now.plus(rule.ttl),
        challenge: challenge(&nonce, &code),
        nonce,
        tries: 0,
        witnessed: None,
        used_by: None,
        ended_why: None,
    };
    cx.act(Verb::WitnessAsked, about(release, env), |tx| {
        // Asked here: what is closed by now must not end what somebody else has asked for.
        let report = start::report_in(tx, cx, release, env, &around)?;
        // Nobody is called to look at what cannot begin.
        if !report.closed().all(|check| check.gate == GateId::FourEyes) {
            return Err(OpError::gates(report));
        }
        if report.allows() {
            return Err(OpError::conflict(format!(
                "{env} is open for {release}: nothing is left to confirm"
            ))
            .hint(format!("relman deploy {release} {env}")));
        }
        if let Some(before) = witnesses::find_open(tx, &release.service, env)? {
            let why = format!("{} asked for {release} after it", cx.actor.name());
            witnesses::end(tx, before.id, &why)?;
        }
        let request = Request { subject: report.subject, ..drafted.clone() };
        let id = witnesses::insert(tx, &request)?;
        let request = Request { id, ..request };
        journal::append(tx, cx.entry(Verb::WitnessAsked, about(release, env)).after(&request))?;
        Ok(Asked { request, code: code.clone() })
    })
}

/// What a witness types, and what they saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    pub release: ReleaseId,
    pub environment: EnvName,
    pub code: String,
    /// Digest of what they were shown; another one is another plan.
    pub seen: Option<Digest>,
}

/// Confirms what somebody else is starting. A wrong code counts, and is on record.
pub fn confirm(cx: &Ctx<'_>, wanted: &Confirm) -> Result<Request, OpError> {
    let (release, env) = (&wanted.release, &wanted.environment);
    let (_, rule) = rule(cx, env)?;
    if !is_code(&wanted.code) {
        let typed = quoted(&one_line(wanted.code.trim()), 12);
        return Err(OpError::new(ErrorKind::Usage, format!("{typed} is no code, and cost no try"))
            .hint("a code is five letters, such as KPMHQ; type it as you are told it"));
    }
    let subject = start::explain(cx, release, env)?.subject;
    let around = Surroundings::of(cx, cx.service(&release.service)?)?;
    let entry = || cx.entry(Verb::WitnessGave, about(release, env));
    cx.store.write(|tx| {
        let judged = tx.nested(|tx| {
            let request = judge(tx, cx, wanted, rule, &around, &subject)?;
            let confirmed = Confirmed { by: cx.actor.clone(), at: cx.now };
            let expires_at = cx.now.plus(rule.ttl);
            if !witnesses::confirm(tx, request.id, &confirmed, expires_at)? {
                return Err(OpError::conflict("somebody else was faster and is the witness"));
            }
            let after = Request { witnessed: Some(confirmed), expires_at, ..request.clone() };
            journal::append(tx, entry().before(&request).after(&after))?;
            Ok(after)
        });
        match judged {
            Ok(after) => Ok(Ok(after)),
            Err(error) if error.is_refusal() => {
                // What the wrong code cost stays, unlike the rest of what was refused.
                let open = witnesses::find_open(tx, &release.service, env)?;
                let error = match open.filter(|_| error.kind == ErrorKind::Unconfirmed) {
                    Some(request) => missed(tx, &request, error)?,
                    None => error,
                };
                journal::append(tx, entry().refused(&error.sentence))?;
                Ok(Err(error))
            }
            Err(error) => Err(error),
        }
    })?
}

/// Counts a wrong code.
fn missed(tx: &Tx<'_>, request: &Request, error: OpError) -> Result<OpError, OpError> {
    witnesses::count_try(tx, request.id)?;
    let left = Request::TRIES.saturating_sub(request.tries + 1);
    let starter = request.starter.person.human();
    if left > 0 {
        let again = if left == 1 { "once more".to_owned() } else { format!("{left} more times") };
        return Ok(error.hint(format!("ask {starter} to say it again; it may be tried {again}")));
    }
    witnesses::end(tx, request.id, "too many wrong codes")?;
    Ok(error.hint(format!("that was the last try: ask {starter} for a new code")))
}

/// The asking the code answers.
fn judge(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    wanted: &Confirm,
    rule: &FourEyes,
    around: &Surroundings,
    subject: &Digest,
) -> Result<Request, OpError> {
    let (release, env) = (&wanted.release, &wanted.environment);
    let open = witnesses::find_open(tx, &release.service, env)?.filter(|request| request.stands(cx.now));
    let Some(request) = open.filter(|request| request.release == *release) else {
        return Err(OpError::conflict(format!("nobody asks for a witness for {release} in {env} now"))
            .hint(format!("who starts it asks for a code: relman deploy {release} {env} --witness")));
    };
    let starter = request.starter.person.human().to_owned();
    if let Some(why) = request.bars(cx.actor) {
        return Err(OpError::new(ErrorKind::NotPermitted, why)
            .hint("the witness logs in as themselves and looks at their own terminal"));
    }
    let is_in = |group: &String| around.roster.has(group, &cx.actor.person);
    if !rule.from.is_empty() && !rule.from.iter().any(is_in) {
        let groups = rule.from.join(" or ");
        let people: Vec<&str> = rule.from.iter().flat_map(|group| around.roster.people(group)).collect();
        return Err(OpError::new(
            ErrorKind::NotPermitted,
            format!("{} is not in {groups}, who witness deployments to {env}", cx.actor.name()),
        )
        .hint(format!("ask {}", people.join(", "))));
    }
    if let Some(known) = &request.witnessed {
        return Err(OpError::conflict(format!("{} has confirmed it already", known.by.person.human())));
    }
    if request.subject != *subject || wanted.seen.as_ref().is_some_and(|seen| seen != subject) {
        return Err(OpError::conflict(format!("what {starter} asked about has changed meanwhile"))
            .hint(format!("look at it again; {starter} asks for a new code")));
    }
    if !request.is_answered_by(&wanted.code) {
        let typed = one_line(wanted.code.trim());
        let sentence = format!("{} is not the code {starter} was told", quoted(&typed, 12));
        return Err(OpError::new(ErrorKind::Unconfirmed, sentence));
    }
    Ok(request)
}

/// Every asking that waits for a witness now.
pub fn open(cx: &Ctx<'_>) -> Result<Vec<Request>, OpError> {
    let mut all = cx.store.read(witnesses::list_open)?;
    all.retain(|request| request.stands(cx.now));
    Ok(all)
}

/// How an asking stands: for who waits for it.
pub fn standing(cx: &Ctx<'_>, asked: &Request) -> Result<Option<Request>, OpError> {
    let (service, env) = (&asked.release.service, &asked.environment);
    let open = cx.store.read(|tx| witnesses::find_open(tx, service, env))?;
    Ok(open.filter(|request| request.id == asked.id && request.stands(cx.now)))
}

/// Whether nothing but a second person is missing.
pub fn is_missing(report: &crate::domain::gate::GateReport) -> bool {
    let closed: Vec<_> = report.closed().collect();
    matches!(closed.as_slice(), [one] if one.gate == GateId::FourEyes && matches!(one.answer, Answer::Blocked { .. }))
}
