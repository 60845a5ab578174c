//! The state as it was behind an entry of the journal: put together in a store of its own from what entries recorded, so
//! that every view of the present also shows the past. Nothing can be changed there.
//!
//! What was no act is not known of the past: progress, signs of life, steps. Gates, approvals and the freezes of
//! relman.toml are judged by the configuration of today, for the journal does not hold the one of then.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use std::time::Duration;

use serde::Serialize;

use super::approval::sign::Order;
use super::audit::rows::subject;
use super::deployment::Ticket;
use super::{Ctx, ErrorKind, Liveness, Machine, OpError, Store};
use crate::domain::deployment::{Outcome, ProcessRef};
use crate::domain::digest::Digest;
use crate::domain::ids::DeploymentId;
use crate::domain::journal::{Entry, Verb};
use crate::domain::moment::Moment;
use crate::domain::policy::{KeyFiles, Service};
use crate::domain::release::Release;
use crate::domain::replay::{Change, Key, changes, differences};
use crate::domain::signature::{Signed, Signer};
use crate::domain::subject::ScriptSet;
use crate::domain::time::Timestamp;
use crate::store::{Tx, journal, records};

/// A moment of the past.
pub struct Past {
    store: Store,
    seq: i64,
    at: Timestamp,
    /// Entries whose records this relman cannot read.
    unreadable: u64,
}

/// Where in the past, for people and programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    pub seq: i64,
    pub at: Timestamp,
    /// Number of entries that could not be read; what they changed is missing.
    pub unreadable: u64,
}

/// What an entry changed.
fn read(entry: &Entry) -> Option<Vec<Change>> {
    // A body nobody can read and a verb nobody knows: verification names them.
    let verb = entry.verb.parse::<Verb>().ok()?;
    changes(verb, entry.at, &entry.parsed()?)
}

impl Past {
    /// Goes through the journal up to that moment.
    pub fn open(cx: &Ctx<'_>, moment: Moment) -> Result<Self, OpError> {
        let seq = super::audit::seq_of(cx, moment)?;
        let at = cx.store.read(|tx| journal::time_of(tx, seq))?.unwrap_or(cx.now);
        let at = if let Moment::At(at) = moment { at } else { at };
        let mut past = Self { store: Store::of_the_past()?, seq, at, unreadable: 0 };
        // The last word on each record, in the order of the first.
        let mut order: Vec<Key> = Vec::new();
        let mut last: HashMap<Key, Change> = HashMap::new();
        let mut after = 0;
        loop {
            let page = cx.store.read(|tx| journal::walk(tx, after, 500))?;
            let Some(newest) = page.last().map(|stored| stored.entry.seq) else { break };
            after = newest;
            for stored in page.iter().filter(|stored| stored.entry.seq <= seq) {
                match read(&stored.entry) {
                    Some(changes) => {
                        for change in changes {
                            let key = change.key();
                            if !last.contains_key(&key) {
                                order.push(key.clone());
                            }
                            let whole = with_report(change, last.get(&key));
                            last.insert(key, whole);
                        }
                    }
                    None => past.unreadable += 1,
                }
            }
            if newest >= seq {
                break;
            }
        }
        past.store.write_quietly(|tx| {
            for key in &order {
                if let Some(change) = last.get(key) {
                    records::put(tx, change)?;
                }
            }
            Ok::<_, OpError>(())
        })?;
        Ok(past)
    }

    /// Steps to another moment: only what differs is written anew.
    pub fn go_to(&mut self, cx: &Ctx<'_>, moment: Moment) -> Result<(), OpError> {
        let seq = super::audit::seq_of(cx, moment)?;
        let entry_at = cx.store.read(|tx| journal::time_of(tx, seq))?.unwrap_or(cx.now);
        let touched = cx.store.read(|tx| touched(tx, self.seq.min(seq), self.seq.max(seq)))?;
        let mut states = Vec::new();
        for (key, subject) in touched {
            let state = cx.store.read(|tx| state_of(tx, &key, &subject, seq))?;
            states.push((key, state));
        }
        self.store.write_quietly(|tx| {
            for (key, state) in &states {
                // A release keeps its place among the others.
                let stays = matches!(key, Key::Release(_)) && state.is_some();
                if !stays {
                    records::take(tx, key)?;
                }
            }
            for (_, state) in &states {
                if let Some(change) = state {
                    records::put(tx, change)?;
                }
            }
            Ok::<_, OpError>(())
        })?;
        self.seq = seq;
        self.at = if let Moment::At(at) = moment { at } else { entry_at };
        Ok(())
    }

    pub fn place(&self) -> Place {
        Place { seq: self.seq, at: self.at, unreadable: self.unreadable }
    }

    /// The context in which the views of the present show this moment.
    pub fn cx<'a>(&'a self, live: &Ctx<'a>, still: &'a Still<'a>) -> Ctx<'a> {
        Ctx { store: &self.store, now: self.at, machine: still, ..*live }
    }
}

/// A step through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Travel {
    To(Moment),
    Back(Stride),
    On(Stride),
    Now,
}

/// How far a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stride {
    Entry,
    Hour,
    Day,
}

impl Stride {
    fn span(self) -> Duration {
        match self {
            Self::Entry => Duration::ZERO,
            Self::Hour => Duration::from_secs(3600),
            Self::Day => Duration::from_secs(86_400),
        }
    }
}

/// Where a step leads from a place in the past, or from now; nothing: to now.
pub fn arrive(cx: &Ctx<'_>, from: Option<Place>, travel: Travel) -> Result<Option<Moment>, OpError> {
    let newest = cx.store.read(journal::head)?.0;
    let moment = match travel {
        Travel::Now => return Ok(None),
        Travel::To(moment) => moment,
        Travel::Back(Stride::Entry) => Moment::Entry(from.map_or(newest, |place| place.seq) - 1),
        Travel::On(Stride::Entry) => Moment::Entry(from.map_or(newest, |place| place.seq) + 1),
        Travel::Back(stride) => Moment::At(from.map_or(cx.now, |place| place.at).minus(stride.span())),
        Travel::On(stride) => Moment::At(from.map_or(cx.now, |place| place.at).plus(stride.span())),
    };
    Ok(match moment {
        Moment::Entry(seq) if seq > newest && from.is_some() => None,
        Moment::At(at) if at >= cx.now => None,
        moment => Some(moment),
    })
}

/// A deployment keeps what the gates said until they are asked again.
fn with_report(change: Change, known: Option<&Change>) -> Change {
    match (change, known) {
        (Change::Deployment(d, None), Some(Change::Deployment(_, report))) => {
            Change::Deployment(d, report.clone())
        }
        (change, _) => change,
    }
}

/// The records that entries behind `after` and up to `until` wrote, with the subjects of their entries.
fn touched(tx: &Tx<'_>, after: i64, until: i64) -> Result<BTreeMap<Key, String>, OpError> {
    let (mut all, mut at) = (BTreeMap::new(), after);
    loop {
        let page = journal::walk(tx, at, 500)?;
        let Some(last) = page.last().map(|stored| stored.entry.seq) else { return Ok(all) };
        at = last;
        for stored in page.iter().filter(|stored| stored.entry.seq <= until) {
            for change in read(&stored.entry).unwrap_or_default() {
                all.insert(change.key(), subject(&change));
            }
        }
        if last >= until {
            return Ok(all);
        }
    }
}

/// A record as it was behind entry `seq`; nothing where it was not there yet.
fn state_of(tx: &Tx<'_>, key: &Key, subject: &str, seq: i64) -> Result<Option<Change>, OpError> {
    let mut before = Some(seq + 1);
    let mut found: Option<Change> = None;
    loop {
        let page = journal::list_about_before(tx, subject, before, 50)?;
        let Some(last) = page.last() else { return Ok(found) };
        before = Some(last.seq);
        for entry in &page {
            for change in read(entry).unwrap_or_default().into_iter().rev().filter(|one| one.key() == *key) {
                // The newest word, with the newest report.
                let whole = match found.take() {
                    Some(known) => with_report(known, Some(&change)),
                    None => change,
                };
                if !matches!(whole, Change::Deployment(_, None)) {
                    return Ok(Some(whole));
                }
                found = Some(whole);
            }
        }
    }
}

/// This machine, looked at from the past: its people and scripts are those of today, and nothing is started.
pub struct Still<'a>(pub &'a dyn Machine);

impl Machine for Still<'_> {
    fn host(&self) -> &str {
        self.0.host()
    }
    fn boot(&self) -> &str {
        self.0.boot()
    }
    fn unix_members(&self, group: &str) -> BTreeSet<String> {
        self.0.unix_members(group)
    }
    fn scripts(&self, service: &Service) -> ScriptSet {
        self.0.scripts(service)
    }
    fn launch(&self, _ticket: &Ticket) -> Result<(), String> {
        Err("nothing is started in the past".to_owned())
    }
    fn liveness(&self, _id: DeploymentId) -> Liveness {
        Liveness::OutOfReach
    }
    fn exit_record(&self, _id: DeploymentId, _epoch: i64) -> Option<Outcome> {
        None
    }
    fn script_runs(&self, _script: ProcessRef) -> bool {
        false
    }
    fn adopt(&self, _id: DeploymentId, _script: ProcessRef) -> Result<(), String> {
        Err("nothing is taken over in the past".to_owned())
    }
    fn set_variables(&self, names: &[String]) -> Vec<String> {
        self.0.set_variables(names)
    }
    fn nonce(&self) -> Result<String, String> {
        Err("nothing is signed in the past".to_owned())
    }
    fn sign(&self, _order: &Order<'_>) -> Result<Signed, String> {
        Err("nothing is signed in the past".to_owned())
    }
    fn check_signature(
        &self,
        keys: &KeyFiles,
        signed: &Signed,
        person: &str,
        at: Timestamp,
    ) -> Result<Signer, String> {
        self.0.check_signature(keys, signed, person, at)
    }
    fn log_size(&self, id: DeploymentId) -> u64 {
        self.0.log_size(id)
    }
    fn log_facts(&self, id: DeploymentId) -> (u64, Digest) {
        self.0.log_facts(id)
    }
    fn log_start(&self, id: DeploymentId, size: u64) -> Option<(u64, Digest)> {
        self.0.log_start(id, size)
    }
}

/// What kind of difference there is between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    Releases,
    Decisions,
    Deployments,
    Closures,
    Rest,
}

impl Matter {
    pub const ALL: [Self; 5] =
        [Self::Releases, Self::Decisions, Self::Deployments, Self::Closures, Self::Rest];

    pub fn title(self) -> &'static str {
        match self {
            Self::Releases => "releases",
            Self::Decisions => "approvals",
            Self::Deployments => "deployments",
            Self::Closures => "freezes and locks",
            Self::Rest => "trains and notes",
        }
    }
}

/// One record that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub matter: Matter,
    pub record: String,
    pub sentence: String,
}

/// What differs between the moment behind entry `from` and the one behind `to`.
pub fn diff(cx: &Ctx<'_>, from: i64, to: i64) -> Result<Vec<Difference>, OpError> {
    if from > to {
        return Err(OpError::new(ErrorKind::Usage, "the first moment is not the earlier one")
            .hint("turn them round: the earlier one first"));
    }
    let touched = cx.store.read(|tx| touched(tx, from, to))?;
    let mut all = Vec::new();
    for (key, subject) in touched {
        let (was, is) = cx.store.read(|tx| {
            Ok::<_, OpError>((state_of(tx, &key, &subject, from)?, state_of(tx, &key, &subject, to)?))
        })?;
        let Some(is) = is else { continue };
        if let Some((matter, sentence)) = sentence(was.as_ref(), &is) {
            all.push(Difference { matter, record: key.to_string(), sentence });
        }
    }
    all.sort_by_key(|one| one.matter);
    Ok(all)
}

/// What became of a release.
fn moved(before: &Release, now: &Release, edited: impl Fn() -> Option<String>) -> Option<String> {
    let mut news = Vec::new();
    if before.stage != now.stage {
        news.push(format!("{} → {}", before.stage, now.stage));
    }
    if before.state != now.state {
        news.push(now.state.to_string());
    }
    match (&before.blocked, &now.blocked) {
        (None, Some(block)) => news.push(format!("blocked by {}: {}", block.by.name, block.reason)),
        (Some(_), None) => news.push("no longer blocked".to_owned()),
        _ => {}
    }
    if news.is_empty() {
        let dull = ["revision", "updated_at"];
        let names = edited()?;
        let names: Vec<&str> = names.split(", ").filter(|name| !dull.contains(name)).collect();
        news.push(format!("changed: {}", names.join(", ")));
    }
    Some(format!("{}: {}", now.id, news.join("; ")))
}

fn sentence(was: Option<&Change>, is: &Change) -> Option<(Matter, String)> {
    let edited = || {
        let names = differences(&was?.comparable(), &is.comparable());
        (!names.is_empty()).then(|| names.join(", "))
    };
    Some(match is {
        Change::Release(now) => match was {
            Some(Change::Release(before)) => (Matter::Releases, moved(before, now, edited)?),
            _ => {
                let by = &now.created_by.name;
                (Matter::Releases, format!("{} was registered by {by}, now in {}", now.id, now.stage))
            }
        },
        Change::Approval(now) => {
            let about = now.subject.as_text();
            let text = match (was, &now.ended_why) {
                (_, Some(why)) => {
                    format!("{} of {} for {about} no longer counts: {why}", now.by.name, now.release)
                }
                (None, None) => format!("{} {} {} for {about}", now.by.name, now.verdict, now.release),
                (Some(_), None) => return None,
            };
            (Matter::Decisions, text)
        }
        Change::Deployment(now, _) => {
            let what = format!("{} {} to {}", now.id, now.release, now.environment);
            let text = match was {
                Some(Change::Deployment(before, _)) if before.state == now.state => {
                    format!("{what}: still {}", now.state)
                }
                Some(Change::Deployment(before, _)) => format!("{what}: {} → {}", before.state, now.state),
                _ => format!("{what} by {}: {}", now.started_by.name, now.state),
            };
            (Matter::Deployments, text)
        }
        Change::Freeze(freeze, ended) => {
            let verb = if ended.is_some() { "removed" } else { "added" };
            let (name, scope) = (&freeze.name, freeze.scope.describe());
            (Matter::Closures, format!("freeze \"{name}\" on {scope} was {verb}"))
        }
        Change::Lock(lock, ended) => {
            let verb = match (was, ended) {
                (_, Some(_)) => "lifted",
                (None, None) => "set",
                (Some(_), None) => "changed",
            };
            (
                Matter::Closures,
                format!("lock {} on {} was {verb}: {}", lock.id, lock.scope.describe(), lock.reason),
            )
        }
        Change::Request(now) => {
            let verb = match (was, &now.declined, &now.release) {
                (None, ..) => "was asked for".to_owned(),
                (_, Some(declined), _) => format!("was declined: {}", declined.reason),
                (_, None, Some(release)) => format!("is in {release}"),
                (Some(_), None, None) => "was changed".to_owned(),
            };
            (Matter::Rest, format!("request {} \"{}\" {verb}", now.id, now.title))
        }
        Change::Departure(departure) => {
            (Matter::Rest, format!("train {}: {}", departure.train, departure.state))
        }
        Change::Resumption { train, by, reason, .. } => {
            (Matter::Rest, format!("train {train} may go on ({by}: {reason})"))
        }
        Change::Review(id, review) => {
            let (by, finding, note) = (&review.by.name, review.finding, &review.note);
            (Matter::Decisions, format!("{by} found the override of {id} {finding}: {note}"))
        }
        Change::Note(note) => {
            (Matter::Rest, format!("{} wrote on {}: {}", note.by.name, note.deployment, note.text))
        }
    })
}
