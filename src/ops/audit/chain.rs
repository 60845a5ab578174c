//! Follows entries one by one, from a store or from an export, and says where the chain breaks.

use super::{FindingKind, Findings};
use std::time::Duration;

use crate::domain::journal::{Body, Entry, GENESIS, Hash, check_link};
use crate::domain::time::{Timestamp, span};

/// So much may lie between the moment of an act and its place in the journal.
const WAITING: Duration = Duration::from_secs(60);

/// How far the chain was followed.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The last entry and its hash, as they stand.
    at: (i64, Hash),
    /// The last one up to which everything is good.
    good: (i64, Hash),
    bad: Option<(i64, String)>,
    /// The time of the last entry; nothing before the first.
    time: Option<Timestamp>,
    /// The first entry that is dated well before the one it follows, and by how much.
    set_back: Option<(i64, Duration)>,
}

impl Default for Chain {
    fn default() -> Self {
        Self::behind(0, GENESIS)
    }
}

impl Chain {
    /// What comes next continues this entry.
    pub fn behind(seq: i64, hash: Hash) -> Self {
        Self { at: (seq, hash), good: (seq, hash), bad: None, time: None, set_back: None }
    }

    /// Takes the next entry, with the columns beside it where there are any. After a break it goes on with what stands
    /// there: further breaks are found too.
    pub fn follow(
        &mut self,
        entry: &Entry,
        body: Option<&Body>,
        columns: Option<(&str, &str)>,
        findings: &mut Findings,
    ) {
        let before = self.time.replace(entry.at);
        // Who waits for the store writes a little after the moment their act has.
        if let Some(back) = before.map(|before| before.since(entry.at)).filter(|back| *back > WAITING) {
            self.set_back.get_or_insert((entry.seq, back));
        }
        let right = check_link(self.at, entry).map_err(|why| why.to_string());
        match right.and_then(|()| readable(entry, body, columns)) {
            Ok(()) if self.bad.is_none() => self.good = (entry.seq, entry.hash),
            Ok(()) => {}
            Err(why) => self.breaks(entry.seq, why, findings),
        }
        self.at = (entry.seq, entry.hash);
    }

    fn breaks(&mut self, seq: i64, why: String, findings: &mut Findings) {
        findings.add(FindingKind::Chain, Some(seq), why.as_str());
        self.bad.get_or_insert((seq, why));
    }

    pub fn is_empty(&self) -> bool {
        self.time.is_none()
    }

    /// Something is missing behind the last entry.
    pub fn lacks(&mut self, why: &str, findings: &mut Findings) {
        self.breaks(self.at.0 + 1, why.to_owned(), findings);
    }

    /// The last entry as it stands, good or not.
    pub fn at(&self) -> (i64, Hash) {
        self.at
    }

    /// What is to be said that is no fault: the order of entries is that of their numbers, whatever a clock says.
    pub fn remark(&self) -> Option<String> {
        let (seq, back) = self.set_back?;
        Some(format!("entry {seq} is dated {} before the one it follows: a clock was set back", span(back)))
    }

    /// The last good entry, and the first bad one.
    pub fn end(self) -> ((i64, Hash), Option<(i64, String)>) {
        (self.good, self.bad)
    }
}

/// The columns beside the body are there for queries; they must say what the hashed body says.
fn readable(entry: &Entry, body: Option<&Body>, columns: Option<(&str, &str)>) -> Result<(), String> {
    let seq = entry.seq;
    let body = body.ok_or_else(|| format!("entry {seq} has a body nobody can read"))?;
    let as_said =
        columns.is_none_or(|(subject, result)| body.subject == subject && body.result.as_str() == result);
    if as_said {
        return Ok(());
    }
    Err(format!("entry {seq} says something else in its columns than in its hashed body"))
}
