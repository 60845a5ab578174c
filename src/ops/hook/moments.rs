//! What comes with the time and by nobody's hand: a freeze begins, a decision is open, an approval expires, a deployment
//! waits for too long. Put on record once, by whoever looks first.
//!
//! Nothing is looked for that nobody wants to hear of.

use serde::Serialize;

use crate::domain::actor::Roster;
use crate::domain::approval::{ApprovalSubject, RuleState};
use crate::domain::digest::Digest;
use crate::domain::freeze::Freeze;
use crate::domain::hook::NEWS;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::{NewEntry, Verb};
use crate::domain::policy::Reminders;
use crate::domain::time::{Timestamp, Window, span, wall};
use crate::ops::view::board;
use crate::ops::view::queue::{self, Pending};
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, deployments, freezes, journal, moments};

/// Puts on record what has come since somebody looked last.
pub fn notice(cx: &Ctx<'_>) -> Result<(), OpError> {
    freezes(cx)?;
    decisions(cx)?;
    expired(cx)?;
    queue(cx)
}

/// Whether anybody wants to hear of one of these.
fn wanted(cx: &Ctx<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| cx.policy.hooks.want(name))
}

/// Puts a moment on record if it is news.
fn once(cx: &Ctx<'_>, what: &str, entry: impl Fn() -> NewEntry) -> Result<(), OpError> {
    let is_known = cx.store.read(|tx| Ok::<_, OpError>(moments::find(tx, what)?.is_some()))?;
    if is_known {
        return Ok(());
    }
    cx.store.write_quietly(|tx| {
        if moments::insert(tx, what, cx.now)? {
            journal::append(tx, entry())?;
        }
        Ok(())
    })
}

/// More windows than any freeze has in the time that is news.
const MANY: usize = 10;

/// Freezes that began or ended within the last day. One that was taken away has an entry of its own.
fn freezes(cx: &Ctx<'_>) -> Result<(), OpError> {
    if !wanted(cx, &["freeze.began", "freeze.ended"]) {
        return Ok(());
    }
    let since = cx.now.minus(NEWS);
    let is_news = |at: Timestamp| at > since && at <= cx.now;
    let stored = cx.store.read(|tx| freezes::list_standing(tx, since))?;
    let all: Vec<&Freeze> = cx.policy.freezes.iter().chain(&stored).collect();
    // One that repeats begins and ends anew each time.
    let lately = Window { start: since, end: cx.now.plus(std::time::Duration::from_millis(1)) };
    let each = all
        .into_iter()
        .flat_map(|freeze| freeze.windows(lately, MANY).into_iter().map(move |window| (freeze, window)));
    for (freeze, Window { start, end }) in each {
        for (verb, word, at) in [(Verb::FreezeBegan, "began", start), (Verb::FreezeEnded, "ended", end)] {
            if is_news(at) && !(verb == Verb::FreezeBegan && end <= cx.now) {
                let handle = freeze.handle();
                let what = format!("freeze {handle} {word} {at}");
                once(cx, &what, || cx.entry(verb, &handle).because(Some(&freeze.reason)).after(freeze))?;
            }
        }
    }
    Ok(())
}

/// What an open decision is about, for the journal.
#[derive(Serialize)]
struct Open<'a> {
    release: &'a ReleaseId,
    subject: &'a ApprovalSubject,
    digest: &'a Digest,
    since: Timestamp,
    rules: &'a [RuleState],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    escalated_to: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    people: Vec<String>,
}

/// Decisions that are open: told once, brought to mind again and again, and told to others when it takes too long.
fn decisions(cx: &Ctx<'_>) -> Result<(), OpError> {
    let has_reminders = cx.policy.all_reminders().any(|one| *one != Reminders::default());
    let names = ["approval.requested", "approval.reminder", "approval.escalated"];
    if !has_reminders && !wanted(cx, &names) {
        return Ok(());
    }
    let roster = cx.roster();
    let board = board::board(cx)?;
    let is_open = |item: &Pending| item.tally.rejected.is_none() && !item.tally.is_met();
    for item in queue::queue(cx, &board)?.iter().filter(|item| is_open(item)) {
        let requested = asked_for(item);
        let waits = waits_for(item);
        once(cx, &requested, || {
            cx.entry(Verb::ApprovalRequested, &item.release.id).because(Some(&waits)).after(&open(
                item,
                cx.now,
                &[],
                &roster,
            ))
        })?;
        let since = cx.store.read(|tx| since(tx, item, cx.now))?;
        if let (Some(reminders), Some(since)) = (reminders(cx, item), since) {
            remind(cx, item, reminders, since, &roster)?;
        }
    }
    Ok(())
}

fn reminders<'a>(cx: &Ctx<'a>, item: &Pending) -> Option<&'a Reminders> {
    cx.policy.terms(&item.subject).map(|terms| terms.reminders)
}

fn remind(
    cx: &Ctx<'_>,
    item: &Pending,
    reminders: &Reminders,
    since: Timestamp,
    roster: &Roster,
) -> Result<(), OpError> {
    let (waited, requested) = (cx.now.since(since), asked_for(item));
    let waits = format!("for {}: {}", span(waited), waits_for(item));
    if let Some(every) = reminders.every {
        let count = waited.as_millis() / every.as_millis().max(1);
        if count > 0 {
            let what = format!("{requested} since {since} reminder {count}");
            once(cx, &what, || {
                cx.entry(Verb::ApprovalReminded, &item.release.id).because(Some(&waits)).after(&open(
                    item,
                    since,
                    &[],
                    roster,
                ))
            })?;
        }
    }
    if reminders.escalate_after.is_some_and(|after| waited >= after) {
        once(cx, &escalation(item, since), || {
            let to = &reminders.escalate_to;
            let waits = format!("{waits}; told to {}", to.join(", "));
            cx.entry(Verb::ApprovalEscalated, &item.release.id)
                .because(Some(&waits))
                .after(&open(item, since, to, roster))
        })?;
    }
    Ok(())
}

fn open<'a>(item: &'a Pending, since: Timestamp, to: &[String], roster: &Roster) -> Open<'a> {
    Open {
        release: &item.release.id,
        subject: &item.subject,
        digest: &item.digest,
        since,
        rules: &item.tally.rules,
        escalated_to: to.to_vec(),
        people: to.iter().flat_map(|group| roster.people(group)).map(str::to_owned).collect(),
    }
}

/// `1 of 2 from sre (could: dave, erin)`.
fn waits_for(item: &Pending) -> String {
    let one = |rule: &RuleState| {
        let could = match rule.candidates.as_slice() {
            [] => "nobody left may".to_owned(),
            people => format!("could: {}", people.join(", ")),
        };
        format!("{} of {} from {} ({could})", rule.by.len(), rule.needed, rule.group)
    };
    let missing = item.tally.rules.iter().filter(|rule| rule.missing() > 0);
    missing.map(one).collect::<Vec<_>>().join(", ")
}

fn asked_for(item: &Pending) -> String {
    let what = if item.back.is_some() { " back" } else { "" };
    format!("approval {} {}{what} {}", item.release.id, item.subject.as_text(), item.digest)
}

fn escalation(item: &Pending, since: Timestamp) -> String {
    format!("{} since {since} escalated", asked_for(item))
}

/// Since when it is open: since it was asked for, or since an approval expired that it had.
fn since(tx: &Tx<'_>, item: &Pending, now: Timestamp) -> Result<Option<Timestamp>, OpError> {
    let Some(asked) = moments::find(tx, &asked_for(item))? else { return Ok(None) };
    let about = item.decisions.iter().filter(|one| one.subject == item.subject && one.digest == item.digest);
    let expired = about.filter_map(|one| one.expires_at).filter(|at| *at <= now).max();
    Ok(Some(expired.map_or(asked, |at| at.max(asked))))
}

/// When an open decision was told to others than those who may make it, and to which groups.
pub fn escalated(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    item: &Pending,
) -> Result<Option<(Timestamp, Vec<String>)>, OpError> {
    let Some(reminders) = reminders(cx, item).filter(|one| one.escalate_after.is_some()) else {
        return Ok(None);
    };
    let Some(since) = since(tx, item, cx.now)? else { return Ok(None) };
    let at = moments::find(tx, &escalation(item, since))?;
    Ok(at.map(|at| (at, reminders.escalate_to.clone())))
}

/// Approvals of open releases that expired within the last day.
fn expired(cx: &Ctx<'_>) -> Result<(), OpError> {
    if !wanted(cx, &["approval.expired"]) {
        return Ok(());
    }
    let since = cx.now.minus(NEWS);
    for approval in cx.store.read(approvals::list_open)? {
        let Some(at) = approval.expires_at.filter(|at| *at <= cx.now && *at > since) else { continue };
        if approval.ended_at.is_none_or(|ended| ended > at) {
            let why = format!("that of {} counted until {}", approval.by.name, wall(at, cx.policy.zone));
            once(cx, &format!("approval {} expired", approval.id), || {
                cx.entry(Verb::ApprovalExpired, &approval.release).because(Some(&why)).after(&approval)
            })?;
        }
    }
    Ok(())
}

/// Deployments that have waited for their turn for too long.
fn queue(cx: &Ctx<'_>) -> Result<(), OpError> {
    use crate::domain::deployment::DeploymentState;
    if !wanted(cx, &["queue.blocked"]) {
        return Ok(());
    }
    let limit = cx.policy.hooks.queue_blocked_after;
    let (_, pending) = cx.store.read(deployments::list_unfinished)?;
    for d in pending.iter().filter(|d| d.state == DeploymentState::Waiting) {
        let Some(wait) = &d.wait else { continue };
        let due = wait.at.unwrap_or(d.requested_at);
        if cx.now.since(due) < limit {
            continue;
        }
        let why = if wait.waits_for.is_empty() { "its turn".to_owned() } else { wait.waits_for.join("; ") };
        let why = format!("{} waits for {why}", d.errand());
        once(cx, &format!("queue {} blocked {due}", d.id), || {
            cx.entry(Verb::QueueBlocked, d.id).because(Some(&why)).after(d)
        })?;
    }
    Ok(())
}
