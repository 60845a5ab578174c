//! What comes with the time and by nobody's hand: a freeze begins, a decision is open, an approval expires, a deployment
//! waits for too long. Put on record once, by whoever looks first.
//!
//! Nothing is looked for that nobody wants to hear of.

use serde::Serialize;

use crate::domain::actor::Roster;
use crate::domain::approval::{Approval, ApprovalSubject, RuleState};
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
use crate::store::{Tx, approvals, deployments, freezes, journal, moments, releases};

/// Puts on record what has come since somebody looked last.
pub fn notice(cx: &Ctx<'_>) -> Result<(), OpError> {
    freezes(cx)?;
    decisions(cx)?;
    expired(cx)?;
    milestones(cx)?;
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
    let all: Vec<&Freeze> =
        cx.policy.freezes.iter().chain(&stored).filter(|freeze| !freeze.suspended).collect();
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

/// Milestones of open releases whose day is past; another day for it is another one (PLN-3).
fn milestones(cx: &Ctx<'_>) -> Result<(), OpError> {
    if !wanted(cx, &["milestone.late"]) {
        return Ok(());
    }
    for release in cx.store.read(releases::list_open)? {
        let id = &release.id;
        for milestone in
            release.plan.milestones.iter().filter(|one| one.reached.is_none() && one.due <= cx.now)
        {
            let owner = release.plan.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
            let why = format!("{} was due {}{owner}", milestone.name, wall(milestone.due, cx.policy.zone));
            let what = format!("milestone {id} {} {}", milestone.name, milestone.due);
            once(cx, &what, || cx.entry(Verb::MilestoneLate, id).because(Some(&why)).detail(milestone))?;
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
    let names = ["approval.requested", "approval.reminder", "approval.escalated", "approval.timed-out"];
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
        let (since, late) = cx.store.read(|tx| {
            let request = Request::of(item);
            Ok::<_, OpError>((since(tx, &request, cx.now)?, timed_out(tx, cx, &request)?))
        })?;
        let (Some(reminders), Some(since)) = (reminders(cx, item), since) else { continue };
        match late {
            Some(_) => give_up(cx, item, since, &roster)?,
            None => remind(cx, item, reminders, since, &roster)?,
        }
    }
    Ok(())
}

fn reminders<'a>(cx: &Ctx<'a>, item: &Pending) -> Option<&'a Reminders> {
    cx.policy.terms(&item.subject).map(|terms| terms.reminders)
}

/// It was not decided in time.
fn give_up(cx: &Ctx<'_>, item: &Pending, since: Timestamp, roster: &Roster) -> Result<(), OpError> {
    let what = format!("{} since {since} timed out", asked_for(item));
    let why = format!("open for {}: {}", span(cx.now.since(since)), waits_for(item));
    once(cx, &what, || {
        let entry = cx.entry(Verb::ApprovalTimedOut, &item.release.id).because(Some(&why));
        entry.after(&open(item, since, &[], roster))
    })
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
    Request::of(item).name()
}

/// A decision that is asked for, by what it is about.
pub struct Request<'a> {
    pub release: &'a ReleaseId,
    pub subject: &'a ApprovalSubject,
    pub digest: &'a Digest,
    pub decisions: &'a [Approval],
    /// Whether it is about going back, which is asked for by trying it.
    pub back: bool,
}

impl<'a> Request<'a> {
    pub fn of(item: &'a Pending) -> Self {
        Self {
            release: &item.release.id,
            subject: &item.subject,
            digest: &item.digest,
            decisions: &item.decisions,
            back: item.back.is_some(),
        }
    }

    fn name(&self) -> String {
        let what = if self.back { " back" } else { "" };
        format!("approval {} {}{what} {}", self.release, self.subject.as_text(), self.digest)
    }

    fn anew(&self, count: u32) -> String {
        format!("{} anew {count}", self.name())
    }

    /// When it was asked for last, and how often it was asked for anew.
    fn asked(&self, tx: &Tx<'_>) -> Result<Option<(Timestamp, u32)>, OpError> {
        let Some(mut last) = moments::find(tx, &self.name())? else { return Ok(None) };
        let mut count = 0;
        while let Some(at) = moments::find(tx, &self.anew(count + 1))? {
            count += 1;
            last = at;
        }
        Ok(Some((last, count)))
    }
}

/// From now on it is open again.
pub fn ask_anew(tx: &Tx<'_>, request: &Request<'_>, now: Timestamp) -> Result<(), OpError> {
    let count = request.asked(tx)?.map_or(0, |(_, count)| count);
    moments::insert(tx, &request.anew(count + 1), now)?;
    Ok(())
}

/// When a decision that is still open came to be waited for no longer. It takes nobody to notice that.
pub fn timed_out(tx: &Tx<'_>, cx: &Ctx<'_>, request: &Request<'_>) -> Result<Option<Timestamp>, OpError> {
    let timeout = cx.policy.terms(request.subject).and_then(|terms| terms.reminders.timeout);
    let Some(timeout) = timeout.filter(|_| !request.back) else { return Ok(None) };
    let since = since(tx, request, cx.now)?;
    Ok(since.map(|since| since.plus(timeout)).filter(|at| *at <= cx.now))
}

fn escalation(item: &Pending, since: Timestamp) -> String {
    format!("{} since {since} escalated", asked_for(item))
}

/// Since when it is open: since it was asked for last, or since an approval expired that it had.
fn since(tx: &Tx<'_>, request: &Request<'_>, now: Timestamp) -> Result<Option<Timestamp>, OpError> {
    let Some((asked, _)) = request.asked(tx)? else { return Ok(None) };
    let about = request.decisions.iter();
    let about = about.filter(|one| one.subject == *request.subject && one.digest == *request.digest);
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
    let Some(since) = since(tx, &Request::of(item), cx.now)? else { return Ok(None) };
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
