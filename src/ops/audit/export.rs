//! Writes the journal out: as JSON lines that anybody can verify without relman, or as a table for people.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::{FindingKind, Findings, Verified, logs};
use crate::domain::digest::hex;
use crate::domain::journal::{Entry, Hash, Verb, unhex};
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::journal;

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line, with everything the chain is made of.
    Jsonl,
    /// For a spreadsheet; without the bodies, so that nothing can be verified.
    Csv,
}

/// Which entries: both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub since: i64,
    pub until: i64,
}

/// A line of an export. `body` is the hashed text as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: i64,
    at_ms: i64,
    at: String,
    actor: String,
    verb: String,
    body: String,
    previous: String,
    hash: String,
}

/// An entry as the line of an export, without its end.
pub fn line(entry: &Entry) -> String {
    let line = Line {
        seq: entry.seq,
        at_ms: entry.at.millis(),
        at: entry.at.to_string(),
        actor: entry.actor.clone(),
        verb: entry.verb.clone(),
        body: entry.body.clone(),
        previous: hex(&entry.previous),
        hash: hex(&entry.hash),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// The entry a line holds.
pub fn entry(line: &str) -> Result<Entry, String> {
    let line: Line = serde_json::from_str(line).map_err(|why| format!("it is no entry: {why}"))?;
    let hash = |text: &str| unhex(text).ok_or_else(|| "its hash is not 64 hex digits".to_owned());
    let at = Timestamp::from_millis(line.at_ms);
    if at.to_string() != line.at {
        return Err(format!("its time is written twice and differently: {} and {}", line.at, line.at_ms));
    }
    Ok(Entry {
        seq: line.seq,
        at,
        actor: line.actor,
        verb: line.verb,
        body: line.body,
        previous: hash(&line.previous)?,
        hash: hash(&line.hash)?,
    })
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub entries: u64,
    pub since: i64,
    pub until: i64,
    /// Hash of the last one, hexadecimal.
    pub head: String,
}

#[derive(Serialize)]
struct Asked {
    format: Format,
    since: i64,
    until: Option<i64>,
}

/// Puts the export on record and says what belongs to it. Who takes the journal away is as much a fact as who changes
/// something; without `until` that entry is the last one of the export itself.
pub fn begin(cx: &Ctx<'_>, format: Format, since: i64, until: Option<i64>) -> Result<Range, OpError> {
    cx.store.write(|tx| {
        let newest = journal::head(tx)?.0;
        let since = since.max(1);
        if since > newest || until.is_some_and(|until| until < since) {
            return Err(OpError::not_found(format!(
                "entry in that range: the journal has entries 1 to {newest}"
            )));
        }
        let asked = Asked { format, since, until };
        let seq = journal::append(tx, cx.entry(Verb::RecordExported, "journal").detail(&asked))?;
        Ok(Range { since, until: until.unwrap_or(seq) })
    })
}

/// Hands the entries of a range over, one after the other, in constant memory.
pub fn each(
    cx: &Ctx<'_>,
    range: Range,
    mut take: impl FnMut(&Entry) -> Result<(), OpError>,
) -> Result<(), OpError> {
    let mut after = range.since - 1;
    loop {
        let page = cx.store.read(|tx| journal::walk(tx, after, 500))?;
        let Some(last) = page.last().map(|stored| stored.entry.seq) else { return Ok(()) };
        for stored in &page {
            if stored.entry.seq > range.until {
                return Ok(());
            }
            take(&stored.entry)?;
        }
        after = last;
    }
}

/// Writes a range.
pub fn write(cx: &Ctx<'_>, range: Range, format: Format, out: &mut dyn Write) -> Result<Exported, OpError> {
    let (mut entries, mut head): (u64, Hash) = (0, [0; 32]);
    let failed = |why: io::Error| OpError::new(ErrorKind::Failure, format!("cannot write the export: {why}"));
    let mut table = (format == Format::Csv).then(|| csv::Writer::from_writer(Vec::new()));
    if let Some(table) = &mut table {
        table.write_record(COLUMNS).map_err(|why| failed(why.into()))?;
    }
    each(cx, range, |entry| {
        (entries, head) = (entries + 1, entry.hash);
        match &mut table {
            None => writeln!(out, "{}", line(entry)).map_err(failed),
            Some(table) => {
                table.write_record(cells(entry)).map_err(|why| failed(why.into()))?;
                table.flush().map_err(failed)?;
                // Handed on line by line: a table of any length takes the memory of one.
                out.write_all(table.get_ref()).map_err(failed)?;
                *table = csv::Writer::from_writer(Vec::new());
                Ok(())
            }
        }
    })?;
    out.flush().map_err(failed)?;
    Ok(Exported { entries, since: range.since, until: range.until, head: hex(&head) })
}

const COLUMNS: [&str; 13] = [
    "seq",
    "time",
    "who",
    "uid",
    "login",
    "via",
    "verb",
    "subject",
    "environment",
    "result",
    "reason",
    "previous",
    "hash",
];

fn cells(entry: &Entry) -> Vec<String> {
    let body = entry.parsed();
    let of =
        |pick: &dyn Fn(&crate::domain::journal::Body) -> String| body.as_ref().map(pick).unwrap_or_default();
    [
        entry.seq.to_string(),
        entry.at.to_string(),
        of(&|body| body.actor.person.name.clone()),
        of(&|body| body.actor.person.uid.to_string()),
        of(&|body| body.actor.person.login.clone().unwrap_or_default()),
        of(&|body| body.actor.via.as_str().to_owned()),
        entry.verb.clone(),
        of(&|body| body.subject.clone()),
        of(&|body| body.environment().unwrap_or_default().to_owned()),
        of(&|body| body.result.to_string()),
        of(&|body| body.reason.clone().unwrap_or_default()),
        hex(&entry.previous),
        hex(&entry.hash),
    ]
    .into_iter()
    .map(|cell| harmless(&cell))
    .collect()
}

/// A cell that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front, which
/// spreadsheets read as "this is text".
pub fn harmless(cell: &str) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%') => format!("'{cell}"),
        _ => cell.to_owned(),
    }
}

/// The longest line an export may have: an entry is far smaller.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Verifies an export without a store. One that begins in the middle is taken to continue what it says it continues.
pub fn verify(file: &mut dyn BufRead) -> Result<Verified, OpError> {
    let mut findings = Findings::default();
    let mut chain: Option<Chain> = None;
    let (mut number, mut first) = (0_i64, 0);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = io::Read::take(&mut *file, LONGEST).read_until(b'\n', &mut text);
        let read = read.map_err(|why| OpError::new(ErrorKind::Failure, format!("cannot read it: {why}")))?;
        if read == 0 {
            break;
        }
        number += 1;
        let parsed = std::str::from_utf8(&text)
            .map_err(|why| why.to_string())
            .and_then(|text| entry(text.trim_end_matches('\n')));
        match parsed {
            Ok(entry) => {
                let chain = chain.get_or_insert_with(|| {
                    first = entry.seq;
                    Chain::behind(entry.seq - 1, if entry.seq == 1 { [0; 32] } else { entry.previous })
                });
                chain.follow(&entry, entry.parsed().as_ref(), None, &mut findings);
            }
            Err(why) if chain.is_none() => {
                return Err(OpError::new(
                    ErrorKind::Failure,
                    format!("line {number} is no entry of a journal: {why}"),
                )
                .hint("it takes what was written with: relman audit export --format jsonl"));
            }
            Err(why) => {
                findings.add(FindingKind::Chain, None, format!("line {number} cannot be read: {why}"));
            }
        }
    }
    let Some(chain) = chain else {
        return Err(OpError::new(ErrorKind::Failure, "it holds no entry: there is nothing to verify"));
    };
    let mut remarks = vec![
        "only the chain can be verified in an export; compare its head with one you know from elsewhere"
            .into(),
    ];
    if first > 1 {
        remarks.push(format!("it begins with entry {first}: what came before is taken on its word"));
    }
    let ((entries, hash), bad) = chain.end();
    // A line nobody can read breaks the chain too.
    let bad = bad.or_else(|| findings.list.first().map(|first| (entries + 1, first.sentence.clone())));
    let (logs, signatures) = (logs::Logs::default(), 0);
    Ok(Verified { entries, head: hex(&hash), bad, findings, rows: 0, logs, signatures, remarks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "|x", "%x"] {
            assert_eq!(harmless(bad), format!("'{bad}"));
        }
        assert_eq!(harmless("storefront@1.4.2"), "storefront@1.4.2");
    }
}
