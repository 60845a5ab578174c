//! Does every row of the store say what the journal recorded of it, and is every record of the journal a row?

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FindingKind, Findings, makes};
use crate::domain::deployment::Step;
use crate::domain::journal::{Body, Entry, Verb};
use crate::domain::replay::{Change, Key, changes, differences};
use crate::domain::text::counted;
use crate::ops::{Ctx, OpError};
use crate::store::records::{self, Table};
use crate::store::{StoreError, Tx, journal, steps};

/// What was compared so far.
pub(super) struct Rows {
    /// Only records that entries on the way wrote, with their subjects; otherwise every row there is.
    only: Option<BTreeMap<Key, String>>,
    compared: u64,
    /// The entry of the last change of the schema: records from before it may lack what came with it.
    migrated: i64,
    unreadable: u64,
}

/// What the journal says last of a record.
struct Recorded {
    seq: i64,
    change: Change,
    /// The names of the fields that were written down.
    fields: Vec<String>,
}

impl Rows {
    pub(super) fn new(only_seen: bool) -> Self {
        Self { only: only_seen.then(BTreeMap::new), compared: 0, migrated: 0, unreadable: 0 }
    }

    pub(super) fn compared(&self) -> u64 {
        self.compared
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        let unreadable = self.unreadable;
        let said = (unreadable > 0).then(|| {
            let entries = counted(unreadable, "entry holds a record", "entries hold records");
            format!("{entries} that this relman cannot read: not compared")
        });
        said.into_iter().collect()
    }

    /// Looks at an entry: what it made must be there.
    pub(super) fn see(
        &mut self,
        tx: &Tx<'_>,
        entry: &Entry,
        body: &Body,
        findings: &mut Findings,
    ) -> Result<(), OpError> {
        // A verb of another relman: what it wrote is not ours to judge.
        let Ok(verb) = entry.verb.parse::<Verb>() else { return Ok(()) };
        if verb == Verb::StoreMigrated {
            self.migrated = entry.seq;
        }
        if !makes(verb) && self.only.is_none() {
            return Ok(());
        }
        let Some(changes) = changes(verb, entry.at, body) else {
            self.unreadable += 1;
            return Ok(());
        };
        for change in changes {
            let key = change.key();
            if makes(verb) && !is_there(tx, &key)? {
                let seq = entry.seq;
                findings.add(
                    FindingKind::Record,
                    Some(seq),
                    format!("{key}, which entry {seq} recorded, is not in the store any more"),
                );
            } else if let Some(only) = &mut self.only {
                only.insert(key, subject(&change));
            }
        }
        Ok(())
    }

    /// Compares the rows.
    pub(super) fn compare(&mut self, cx: &Ctx<'_>, findings: &mut Findings) -> Result<(), OpError> {
        if let Some(only) = self.only.take() {
            for (key, subject) in only {
                cx.store.read(|tx| match records::find(tx, &key) {
                    Ok(Some(row)) => self.judge(tx, &row, &subject, findings),
                    Ok(None) => Ok(()),
                    Err(why) => {
                        findings.add(FindingKind::Record, None, unreadable(&key.to_string(), &why));
                        Ok(())
                    }
                })?;
            }
            return Ok(());
        }
        for table in Table::ALL {
            let mut after = 0;
            loop {
                let last = cx.store.read(|tx| {
                    let page = records::walk(tx, table, after, 200)?;
                    for (at, row) in &page {
                        match row {
                            Ok(row) => self.judge(tx, row, &subject(row), findings)?,
                            Err(why) => findings.add(
                                FindingKind::Record,
                                None,
                                unreadable(&format!("{} {at}", table.word()), why),
                            ),
                        }
                    }
                    Ok::<_, OpError>(page.last().map(|(at, _)| *at))
                })?;
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        tx: &Tx<'_>,
        row: &Change,
        subject: &str,
        findings: &mut Findings,
    ) -> Result<(), OpError> {
        self.compared += 1;
        let key = row.key();
        let Some(recorded) = latest(tx, &key, subject)? else {
            findings.add(
                FindingKind::Record,
                None,
                format!("{key} is in the store, but no journal entry made it"),
            );
            return Ok(());
        };
        let mut names = differences(&recorded.change.comparable(), &row.comparable());
        if recorded.seq < self.migrated {
            names.retain(|name| recorded.fields.contains(name));
        }
        if names.is_empty() && !same_report(tx, &key, subject)? {
            names.push("report".to_owned());
        }
        if !same_steps(tx, &key, subject)? {
            names.push("steps".to_owned());
        }
        if !names.is_empty() {
            let seq = recorded.seq;
            findings.add(
                FindingKind::Record,
                Some(seq),
                format!("{key} differs from what entry {seq} recorded, in: {}", names.join(", ")),
            );
        }
        Ok(())
    }
}

fn unreadable(what: &str, why: &StoreError) -> String {
    let why = why.sentence.split("; ").next().unwrap_or_default();
    format!("{what} is not as relman writes it: {why}")
}

fn is_there(tx: &Tx<'_>, key: &Key) -> Result<bool, OpError> {
    match records::find(tx, key) {
        Ok(found) => Ok(found.is_some()),
        // It is there, whatever is wrong with it; the walk over the rows says that.
        Err(error) if error.kind == crate::store::Kind::Corrupt => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// What the entries about a record are about.
pub(in crate::ops) fn subject(change: &Change) -> String {
    match change {
        Change::Approval(approval) => approval.release.to_string(),
        Change::Note(note) => note.deployment.to_string(),
        other => match other.key() {
            Key::Release(id) => id.to_string(),
            Key::Freeze(id) => id.to_string(),
            Key::Lock(id) => id.to_string(),
            Key::Request(id) => id.to_string(),
            Key::Deployment(id) | Key::Review(id) => id.to_string(),
            Key::Departure(train, _) | Key::Resumption(train, _) => train.to_string(),
            Key::Approval(_) | Key::Note(..) => String::new(),
        },
    }
}

/// Goes back through the entries about `subject` until one wrote the record.
fn latest(tx: &Tx<'_>, key: &Key, subject: &str) -> Result<Option<Recorded>, OpError> {
    search(tx, subject, |entry, verb| {
        let body = entry.parsed()?;
        let change = changes(verb, entry.at, &body)?.into_iter().rfind(|change| change.key() == *key)?;
        let written = body.after.as_ref().or(body.before.as_ref()).and_then(Value::as_object);
        let fields = written.map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
        Some(Recorded { seq: entry.seq, change, fields })
    })
}

/// Whether the gates said what they are kept to have said.
fn same_report(tx: &Tx<'_>, key: &Key, subject: &str) -> Result<bool, OpError> {
    let Key::Deployment(_) = key else { return Ok(true) };
    let recorded = search(tx, subject, |entry, verb| {
        let changes = changes(verb, entry.at, &entry.parsed()?)?;
        changes.into_iter().find_map(|change| match change {
            Change::Deployment(_, report) if change_key(subject, key) => report,
            _ => None,
        })
    })?;
    let kept = match records::find(tx, key) {
        Ok(Some(Change::Deployment(_, report))) => report,
        Ok(_) => None,
        Err(error) if error.kind == crate::store::Kind::Corrupt => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(recorded.is_none() || recorded == kept)
}

/// Whether its steps went as they are on record with its end.
fn same_steps(tx: &Tx<'_>, key: &Key, subject: &str) -> Result<bool, OpError> {
    let Key::Deployment(id) = key else { return Ok(true) };
    let recorded = search(tx, subject, |entry, verb| {
        let detail = if verb == Verb::DeploymentFinished { entry.parsed()?.detail } else { None };
        serde_json::from_value::<Vec<Step>>(detail?.get("steps")?.clone()).ok()
    })?;
    let kept = match steps::list_of(tx, *id) {
        Ok(kept) => kept,
        Err(error) if error.kind == crate::store::Kind::Corrupt => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(recorded.is_none_or(|recorded| recorded == kept))
}

fn change_key(subject: &str, key: &Key) -> bool {
    matches!(key, Key::Deployment(id) if id.to_string() == subject)
}

fn search<T>(
    tx: &Tx<'_>,
    subject: &str,
    mut pick: impl FnMut(&Entry, Verb) -> Option<T>,
) -> Result<Option<T>, OpError> {
    let mut before = None;
    loop {
        let page = journal::list_about_before(tx, subject, before, 50)?;
        let Some(last) = page.last() else { return Ok(None) };
        before = Some(last.seq);
        for entry in &page {
            let Ok(verb) = entry.verb.parse::<Verb>() else { continue };
            if let Some(found) = pick(entry, verb) {
                return Ok(Some(found));
            }
        }
    }
}
