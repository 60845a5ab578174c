//! The journal as evidence: is it whole, and does everything else still say what it says?
//!
//! [`verify()`] walks the chain from its first entry to its last, then compares every row of the store and every log with
//! what the journal recorded of it. What is not right becomes a [`Finding`]; another kind of evidence adds its own
//! [`FindingKind`] and one call in [`verify_with`].

pub mod archive;
mod begun;
pub mod chain;
pub mod export;
pub mod history;
mod logs;
pub mod report;
pub(in crate::ops) mod rows;
pub mod seek;
mod signatures;

use serde::Serialize;

use self::chain::Chain;
use self::history::Remembered;
use super::{Ctx, OpError};
use crate::domain::digest::hex;
use crate::domain::journal::{Entry, Hash, Verb};
use crate::domain::moment::Moment;
use crate::store::{Tx, journal, meta};

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The chain of entries itself.
    Chain,
    /// It is not the history that was seen before.
    History,
    /// The schema of the store.
    Schema,
    /// A row of the store that says something else than the journal, or that one of the two lacks.
    Record,
    /// The output of a deployment.
    Log,
    /// What somebody signed.
    Signature,
    /// A decision on which something was begun and that the journal does not know, or one that was made twice.
    Decision,
}

/// One thing that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: FindingKind,
    /// The entry it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    pub sentence: String,
}

/// Findings, of which only so many are kept: a store may be wrong from end to end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    pub list: Vec<Finding>,
    /// How many there were besides.
    pub more: u64,
}

impl Findings {
    const KEPT: usize = 1000;

    pub fn add(&mut self, kind: FindingKind, seq: Option<i64>, sentence: impl Into<String>) {
        if self.list.len() < Self::KEPT {
            self.list.push(Finding { kind, seq, sentence: sentence.into() });
        } else {
            self.more += 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The last entry that is good, as all before it.
    pub entries: i64,
    /// Hash of that entry, hexadecimal.
    pub head: String,
    /// The first entry that is not right, and why; nothing after it can be trusted.
    pub bad: Option<(i64, String)>,
    /// Everything that is not right, the first bad entry among it.
    pub findings: Findings,
    /// How many rows of the store were compared with the journal.
    pub rows: u64,
    pub logs: logs::Logs,
    /// How many signatures under decisions are good.
    pub signatures: u64,
    /// What could not be judged, and what is no fault.
    pub remarks: Vec<String>,
}

impl Verified {
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

/// What is to be verified.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only from this entry on: what it continues is taken as it is.
    pub since: Option<i64>,
    /// What this person last saw of it.
    pub remembered: Option<Remembered>,
}

/// Everything there is.
pub fn verify(cx: &Ctx<'_>) -> Result<Verified, OpError> {
    verify_with(cx, &Wanted::default())
}

/// Walks everything in pages, so that a store of any size is checked in constant memory.
pub fn verify_with(cx: &Ctx<'_>, wanted: &Wanted) -> Result<Verified, OpError> {
    let mut findings = Findings::default();
    if let Err(why) = cx.store.check_schema() {
        findings.add(FindingKind::Schema, None, why.sentence);
    }
    let mut rows = rows::Rows::new(wanted.since.is_some());
    let chain = walk(cx, wanted, &mut findings, &mut rows)?;
    if let Some(remembered) = &wanted.remembered
        && let Some(sentence) = cx.store.read(|tx| history::doubt(tx, remembered))?
    {
        findings.add(FindingKind::History, Some(remembered.seq), sentence);
    }
    rows.compare(cx, &mut findings)?;
    let logs = logs::compare(cx, wanted.since.is_some(), &mut findings)?;
    let signatures = signatures::compare(cx, &mut findings)?;
    let mut remarks = logs.remarks();
    remarks.extend(signatures.remark());
    remarks.extend(rows.remarks());
    remarks.extend(chain.remark());
    let ((entries, hash), bad) = chain.end();
    let (rows, signatures) = (rows.compared(), signatures.good);
    Ok(Verified { entries, head: hex(&hash), bad, findings, rows, logs, signatures, remarks })
}

fn walk(
    cx: &Ctx<'_>,
    wanted: &Wanted,
    findings: &mut Findings,
    rows: &mut rows::Rows,
) -> Result<Chain, OpError> {
    // From below the first number there may be: an entry put before the first one is tampering too.
    let (mut chain, mut after) = match wanted.since {
        Some(since) => {
            let first = cx.store.read(|tx| journal::walk(tx, since - 1, 1))?.into_iter().next();
            let first = first.filter(|first| first.entry.seq == since).ok_or_else(|| {
                OpError::not_found(format!("entry {since} in the journal"))
                    .hint("the newest ones: relman audit list")
            })?;
            (Chain::behind(since - 1, first.entry.previous), since - 1)
        }
        None => (Chain::default(), i64::MIN),
    };
    // What was decided before the first entry that is looked at is not known.
    let mut begun = wanted.since.is_none().then(begun::Begun::default);
    loop {
        let page = cx.store.read(|tx| {
            let page = journal::walk(tx, after, 1000)?;
            for stored in &page {
                let body = stored.entry.parsed();
                let columns = Some((stored.subject.as_str(), stored.result.as_str()));
                chain.follow(&stored.entry, body.as_ref(), columns, findings);
                if let Some(body) = &body {
                    rows.see(tx, &stored.entry, body, findings)?;
                    if let Some(begun) = &mut begun {
                        begun.see(&stored.entry, body, findings);
                    }
                }
            }
            Ok::<_, OpError>(page.last().map(|stored| stored.entry.seq))
        })?;
        match page {
            Some(last) => after = last,
            None => break,
        }
    }
    if chain.is_empty() {
        chain.lacks("it is empty, and a journal begins with the entry that made its store", findings);
    }
    Ok(chain)
}

/// The end of the journal, and whose journal it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    pub instance: String,
    pub seq: i64,
    /// Hexadecimal.
    pub hash: String,
    /// The checkpoint, as it is put down elsewhere.
    pub checkpoint: String,
}

pub fn head(cx: &Ctx<'_>) -> Result<Head, OpError> {
    let (instance, (seq, hash)) =
        cx.store.read(|tx| Ok::<_, OpError>((instance(tx)?, journal::head(tx)?)))?;
    let checkpoint = checkpoint(&instance, seq, &hash);
    Ok(Head { instance, seq, hash: hex(&hash), checkpoint })
}

/// The id the store was given when it was made.
pub fn instance(tx: &Tx<'_>) -> Result<String, OpError> {
    Ok(meta::find(tx, "instance")?.unwrap_or_default())
}

/// A head as text: whose journal, how many entries, and the hash of the last one in base64, as checkpoints of
/// transparency logs are written.
pub fn checkpoint(instance: &str, seq: i64, hash: &Hash) -> String {
    use base64::Engine as _;
    format!("relman/{instance}\n{seq}\n{}\n", base64::engine::general_purpose::STANDARD.encode(hash))
}

/// Whether an act of this kind makes the record it writes.
fn makes(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::ReleaseCreated
            | Verb::ApprovalGranted
            | Verb::ApprovalRejected
            | Verb::FreezeAdded
            | Verb::LockSet
            | Verb::RequestAdded
            | Verb::TrainDeparted
            | Verb::TrainSkipped
            | Verb::TrainHalted
            | Verb::TrainMissed
            | Verb::TrainResumed
            | Verb::DeploymentStarted
            | Verb::DeploymentScheduled
            | Verb::NoteAdded
            | Verb::OverrideReviewed
    )
}

/// The entry a moment of the past means: the state is the one behind it.
pub fn seq_of(cx: &Ctx<'_>, moment: Moment) -> Result<i64, OpError> {
    cx.store.read(|tx| {
        let newest = journal::head(tx)?.0;
        let seq = match moment {
            Moment::Entry(seq) => seq,
            Moment::At(at) => journal::seq_at(tx, at)?,
        };
        if seq < 1 {
            return Err(OpError::not_found("entry from then: the journal begins later"));
        }
        if seq > newest {
            return Err(OpError::not_found(format!("entry {seq} yet: the newest is {newest}")));
        }
        Ok(seq)
    })
}

/// One entry.
pub fn entry(cx: &Ctx<'_>, seq: i64) -> Result<Entry, OpError> {
    let found = cx.store.read(|tx| journal::find(tx, seq))?;
    found.ok_or_else(|| {
        let newest = cx.store.read(journal::head).map_or(0, |(newest, _)| newest);
        OpError::not_found(format!("entry {seq}")).hint(format!("the newest one is {newest}"))
    })
}

/// The entries between two moments, both included; without them from the first and to the last.
pub fn range(cx: &Ctx<'_>, from: Option<Moment>, to: Option<Moment>) -> Result<export::Range, OpError> {
    let newest = cx.store.read(journal::head)?.0;
    let since = match from {
        None => 1,
        Some(Moment::Entry(seq)) => seq,
        // What happened at that time belongs to it.
        Some(Moment::At(at)) => {
            cx.store.read(|tx| journal::seq_at(tx, at.minus(std::time::Duration::from_millis(1))))? + 1
        }
    };
    let until = match to {
        None => newest,
        Some(Moment::Entry(seq)) => seq.min(newest),
        Some(Moment::At(at)) => cx.store.read(|tx| journal::seq_at(tx, at))?,
    };
    if since > until {
        return Err(OpError::not_found("entry in that span of the journal"));
    }
    Ok(export::Range { since, until })
}
