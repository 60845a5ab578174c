//! Takes back the last thing somebody did, where that can be taken back without anybody noticing a gap: the record is put
//! back as it was, and both acts stand in the journal.
//!
//! Only one's own acts, the newest first, and only as long as nobody has touched the record since: what others built upon
//! stays. What reached the outside (a deployment, an announcement), what others are asked to rely on (evidence, votes, a
//! waiver), and what has a way back of its own with a reason (a block) is not undone. To undo an undoing is to redo.

use serde::Serialize;
use serde_json::Value;

use crate::domain::actor::{Actor, Via};
use crate::domain::approval::{Approval, ApprovalSubject};
use crate::domain::freeze::Freeze;
use crate::domain::ids::{FreezeId, ReleaseId, RequestId};
use crate::domain::journal::{Body, Done, Entry, Verb};
use crate::domain::release::Release;
use crate::domain::right::{Asks, Place, Right, asked_by};
use crate::domain::wanted::Wanted;
use crate::store::{Tx, deployments, freezes, journal, requests};

use super::release::{replanned, save};
use super::{Ctx, OpError, approval, wanted};

/// So far back one's own acts are looked for.
const FAR: u32 = 500;

/// What was taken back, or done again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Undone {
    /// The entry that was taken back.
    pub entry: i64,
    /// What was taken back, or done again.
    pub verb: Verb,
    pub subject: String,
    /// Whether that entry was itself an undoing: then something was done again.
    pub again: bool,
}

impl Undone {
    /// `undone: api@1.4.2 plan changed`
    pub fn told(&self) -> String {
        let word = if self.again { "done again" } else { "undone" };
        format!("{word}: {} {}", self.subject, self.verb.as_str().replace(['.', '-'], " "))
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Undo,
    Redo,
}

/// One's own acts that could be taken back, and those that were.
#[derive(Debug, Default)]
struct Stacks {
    done: Vec<(Entry, Body)>,
    undone: Vec<(Entry, Body)>,
}

/// How this verb is taken back.
fn is_reversible(body: &Body, verb: Verb) -> bool {
    let changed = |path: &str| {
        let at = |record: &Option<Value>| record.as_ref().and_then(|record| record.pointer(path).cloned());
        at(&body.before) != at(&body.after)
    };
    match verb {
        // A risk is lowered by somebody else, and with a reason.
        Verb::ReleaseEdited => !changed("/plan/risk"),
        Verb::ReleaseAdvanced => !changed("/state"),
        Verb::PlanChanged
        | Verb::PreparationRecorded
        | Verb::ChecklistTicked
        | Verb::IssueRecorded
        | Verb::FeedbackRecorded
        | Verb::ReviewRecorded
        | Verb::ReleaseUndone
        | Verb::RequestUndone
        | Verb::FreezeAdded
        | Verb::FreezeChanged
        | Verb::ApprovalGranted => true,
        // A rejected request has ended its release.
        Verb::ApprovalRejected => image::<Approval>(body.after.as_ref())
            .is_ok_and(|approval| approval.subject != ApprovalSubject::Request),
        // What is in a scope is taken out there.
        Verb::RequestChanged => !changed("/release"),
        _ => false,
    }
}

/// What an act takes back that has a verb of its own.
fn taken_back_by(verb: Verb) -> &'static [Verb] {
    match verb {
        Verb::FreezeRemoved => &[Verb::FreezeAdded, Verb::FreezeChanged],
        Verb::ApprovalWithdrawn => &[Verb::ApprovalGranted, Verb::ApprovalRejected],
        _ => &[],
    }
}

impl Stacks {
    /// From one's own entries, oldest first.
    fn of(entries: Vec<(Entry, Body)>) -> Self {
        let mut stacks = Self::default();
        for (entry, body) in entries {
            let Ok(verb) = entry.verb.parse::<Verb>() else { continue };
            if let Some(seq) = undoes(&body) {
                let known = |(other, _): &(Entry, Body)| other.seq == seq;
                if let Some(at) = stacks.done.iter().position(known) {
                    stacks.done.remove(at);
                    stacks.undone.push((entry, body));
                } else if let Some(at) = stacks.undone.iter().position(known) {
                    stacks.undone.remove(at);
                    stacks.done.push((entry, body));
                }
                continue;
            }
            let takes = taken_back_by(verb);
            stacks.done.retain(|(other, known)| {
                let is_taken = other.verb.parse().is_ok_and(|other| takes.contains(&other));
                !(is_taken && known.subject == body.subject && matter(known) == matter(&body))
            });
            if is_reversible(&body, verb) {
                // Whoever goes on does not want back what they undid before.
                stacks.undone.clear();
                stacks.done.push((entry, body));
            }
        }
        stacks
    }
}

/// What a decision is about, beside its release.
fn matter(body: &Body) -> Option<&Value> {
    body.after.as_ref().or(body.before.as_ref())?.get("subject")
}

fn undoes(body: &Body) -> Option<i64> {
    body.detail.as_ref()?.get("undoes")?.as_i64()
}

/// One's own acts after the entry `since`, oldest first. Panes know only what was done in them.
fn mine(tx: &Tx<'_>, actor: &Actor, since: i64) -> Result<Vec<(Entry, Body)>, OpError> {
    let all = journal::list(tx, None, None, FAR)?.into_iter();
    let parsed = all.take_while(|entry| entry.seq > since).filter_map(|entry| {
        let body = entry.parsed()?;
        Some((entry, body))
    });
    let is_mine = |(_, body): &(Entry, Body)| {
        let is_here = match actor.via {
            Via::Tui => body.actor.via == Via::Tui && body.actor.tty == actor.tty,
            // What runs in somebody's name was no act of theirs: an issue that a monitor opened, for one.
            Via::Cli | Via::Supervisor => body.actor.via != Via::Supervisor,
        };
        body.actor.person == actor.person && body.result == Done::Done && is_here
    };
    let mut mine: Vec<_> = parsed.filter(is_mine).collect();
    mine.reverse();
    Ok(mine)
}

/// Takes back the newest of one's own acts after the entry `since` that can be, or does again what was taken back last.
pub fn last(cx: &Ctx<'_>, since: i64, way: Way) -> Result<Undone, OpError> {
    let stacks = Stacks::of(cx.store.read(|tx| mine(tx, cx.actor, since))?);
    let found = match way {
        Way::Undo => stacks.done.last(),
        Way::Redo => stacks.undone.last(),
    };
    let (entry, body) = found.ok_or_else(|| {
        let what = match way {
            Way::Undo => "you have done nothing here that can be undone",
            Way::Redo => "you have undone nothing that could be done again",
        };
        OpError::conflict(what)
            .hint("edits, ticks, stages, freezes to come and decisions can be; what ran or was told to others cannot")
    })?;
    take_back(cx, entry, body)
}

/// Takes back one entry of one's own.
pub fn one(cx: &Ctx<'_>, seq: i64) -> Result<Undone, OpError> {
    let entry = super::audit::entry(cx, seq)?;
    let body = entry.parsed().ok_or_else(|| OpError::not_found(format!("act in entry {seq}")))?;
    let verb: Option<Verb> = entry.verb.parse().ok();
    if body.actor.person != cx.actor.person || body.actor.via == Via::Supervisor {
        let whose = match body.actor.via {
            Via::Supervisor => "the program",
            Via::Cli | Via::Tui => &body.actor.person.name,
        };
        return Err(
            OpError::conflict(format!("entry {seq} is an act of {whose}")).hint("one undoes only one's own")
        );
    }
    let can_be = body.result == Done::Done && verb.is_some_and(|verb| is_reversible(&body, verb));
    if !can_be {
        return Err(OpError::conflict(format!("{} cannot be undone (entry {seq})", entry.verb)));
    }
    take_back(cx, &entry, &body)
}

fn take_back(cx: &Ctx<'_>, entry: &Entry, body: &Body) -> Result<Undone, OpError> {
    let verb: Verb = entry.verb.parse().map_err(|why| OpError::conflict(format!("{why}")))?;
    let subject = body.subject.clone();
    let again = undoes(body).is_some();
    match verb {
        Verb::FreezeAdded | Verb::FreezeChanged => freeze(cx, entry, body, verb)?,
        Verb::ApprovalGranted | Verb::ApprovalRejected => {
            let decided: Approval = image(body.after.as_ref())?;
            approval::withdraw::withdraw(cx, &decided.release, &decided.subject).map(drop)?;
        }
        Verb::RequestChanged | Verb::RequestUndone => request(cx, entry, body)?,
        _ => release(cx, entry, body, verb)?,
    }
    // What is done again is what was done at first; the undoing says what that was.
    let first = body.reason.as_ref().filter(|_| again).and_then(|reason| reason.parse().ok());
    Ok(Undone { entry: entry.seq, verb: first.unwrap_or(verb), subject, again })
}

/// A record as an entry has it.
fn image<T: serde::de::DeserializeOwned>(value: Option<&Value>) -> Result<T, OpError> {
    let unreadable = || OpError::conflict("the entry does not say how it was before");
    serde_json::from_value(value.cloned().ok_or_else(unreadable)?).map_err(|_| unreadable())
}

/// Whether a record says what an entry left it with. What each change counts up says nothing.
fn is_as(record: &impl Serialize, value: Option<&Value>) -> bool {
    fn plain(mut value: Value) -> Value {
        let fields = value.as_object_mut();
        if let Some(fields) = fields {
            fields.retain(|name, _| !matches!(name.as_str(), "revision" | "updated_at"));
            if let Some(plan) = fields.get_mut("plan").and_then(Value::as_object_mut) {
                plan.remove("version");
            }
        }
        value
    }
    let now = serde_json::to_value(record).map(plain).ok();
    now.is_some() && now == value.cloned().map(plain)
}

fn touched(subject: &str) -> OpError {
    OpError::conflict(format!("{subject} was changed since: what you did cannot be undone any more"))
        .hint("look at it, and change it as it should be now")
}

fn detail(entry: &Entry) -> Value {
    serde_json::json!({ "undoes": entry.seq })
}

fn release(cx: &Ctx<'_>, entry: &Entry, body: &Body, verb: Verb) -> Result<(), OpError> {
    let id: ReleaseId = body.subject.parse().map_err(|why| OpError::conflict(format!("{why}")))?;
    let before: Release = image(body.before.as_ref())?;
    cx.act(Verb::ReleaseUndone, &id, |tx| {
        if let Asks::Right(right) = asked_by(verb) {
            cx.may(right, Place::service(&id.service))?;
        }
        let now = super::release::known_release(tx, &id)?;
        if !is_as(&now, body.after.as_ref()) {
            return Err(touched(&body.subject));
        }
        if now.stage != before.stage && is_relied_on(tx, &id, entry)? {
            return Err(OpError::conflict(format!(
                "{id} was deployed since: it stays in the {} stage",
                now.stage
            ))
            .hint(format!(
                "to move it back with what depends on it: relman release back {id} --reason \"…\""
            )));
        }
        let back = Release { revision: now.revision, ..before.clone() };
        let restored = save(tx, cx, replanned(&now, back))?;
        wanted::follow(tx, cx, Some(&now), &restored)?;
        let undone = cx.entry(Verb::ReleaseUndone, &id).because(Some(&entry.verb));
        journal::append(tx, undone.before(&now).after(&restored).detail(&detail(entry)))?;
        Ok(())
    })
}

/// Whether a deployment was asked for since.
fn is_relied_on(tx: &Tx<'_>, id: &ReleaseId, entry: &Entry) -> Result<bool, OpError> {
    let filter = deployments::Filter { release: Some(id.clone()), ..deployments::Filter::default() };
    Ok(deployments::list(tx, &filter, 1)?.iter().any(|d| d.requested_at >= entry.at))
}

fn request(cx: &Ctx<'_>, entry: &Entry, body: &Body) -> Result<(), OpError> {
    let id: RequestId = body.subject.parse().map_err(|why| OpError::conflict(format!("{why}")))?;
    let before: Wanted = image(body.before.as_ref())?;
    cx.act(Verb::RequestUndone, id, |tx| {
        cx.may(Right::Request, before.service.as_ref().map_or_else(Place::default, Place::service))?;
        let now = requests::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("request {id}")))?;
        if !is_as(&now, body.after.as_ref()) {
            return Err(touched(&body.subject));
        }
        requests::update(tx, &before)?;
        let undone = cx.entry(Verb::RequestUndone, id).because(Some(&entry.verb));
        journal::append(tx, undone.before(&now).after(&before).detail(&detail(entry)))?;
        Ok(())
    })
}

/// A freeze that was added goes; one that was changed is as it was.
fn freeze(cx: &Ctx<'_>, entry: &Entry, body: &Body, verb: Verb) -> Result<(), OpError> {
    let id: FreezeId = body.subject.parse().map_err(|why| OpError::conflict(format!("{why}")))?;
    let after: Freeze = image(body.after.as_ref())?;
    let wanted = if verb == Verb::FreezeAdded { Verb::FreezeRemoved } else { Verb::FreezeChanged };
    cx.act(wanted, id, |tx| {
        cx.may_in(Right::Freeze, &after.scope)?;
        let now = freezes::find(tx, id)?.ok_or_else(|| touched(&body.subject))?;
        if !is_as(&now, body.after.as_ref()) {
            return Err(touched(&body.subject));
        }
        // What closes something now may hold a deployment back that would begin at once.
        let earlier: Option<Freeze> = image(body.before.as_ref()).ok();
        if [Some(&now), earlier.as_ref()].into_iter().flatten().any(|freeze| freeze.covers(cx.now)) {
            return Err(OpError::conflict(format!(
                "\"{}\" closes something now: that is not undone in passing",
                now.name
            ))
            .hint(format!("take it away on purpose: relman freeze remove {id}"))
            .hint("in the panes: x in the calendar"));
        }
        let noted = cx.entry(wanted, id).because(Some(&entry.verb)).before(&now).detail(&detail(entry));
        if wanted == Verb::FreezeRemoved {
            freezes::remove(tx, id, cx.actor.name(), cx.now)?;
            journal::append(tx, noted)?;
            return Ok(());
        }
        let before: Freeze = image(body.before.as_ref())?;
        let back = Freeze { revision: now.revision + 1, ..before };
        super::freeze::name_is_free(&super::facts::freezes(tx, cx)?, &back)?;
        if !freezes::update(tx, id, &back, now.revision)? {
            return Err(touched(&body.subject));
        }
        journal::append(tx, noted.after(&back))?;
        Ok(())
    })
}

/// The newest entry: what is done from here on belongs to a session that begins now.
pub fn head(cx: &Ctx<'_>) -> Result<i64, OpError> {
    Ok(cx.store.read(journal::head)?.0)
}
