//! Checks the journal from its first entry to its last.

use serde::Serialize;

use super::{Ctx, OpError};
use crate::domain::digest::hex;
use crate::domain::journal::{GENESIS, Hash, check_link};
use crate::store::journal;

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub entries: i64,
    /// Hash of the last good entry, hexadecimal.
    pub head: String,
    /// The first entry that is not right, and why; nothing after it can be trusted.
    pub bad: Option<(i64, String)>,
}

/// Walks the chain in pages, so that a journal of any length is checked in constant memory.
pub fn verify(cx: &Ctx<'_>) -> Result<Verified, OpError> {
    let mut at: (i64, Hash) = (0, GENESIS);
    // From below the first number there may be: an entry put before the first one is tampering too.
    let mut after = i64::MIN;
    loop {
        let page = cx.store.read(|tx| journal::walk(tx, after, 1000))?;
        if page.is_empty() && at.0 == 0 {
            let why = "it is empty, and a journal begins with the entry that made its store".to_owned();
            return Ok(Verified { entries: 0, head: hex(&at.1), bad: Some((1, why)) });
        }
        if page.is_empty() {
            return Ok(Verified { entries: at.0, head: hex(&at.1), bad: None });
        }
        for stored in page {
            if let Err(why) =
                check_link(at, &stored.entry).map_err(|why| why.to_string()).and_then(|()| columns(&stored))
            {
                return Ok(Verified { entries: at.0, head: hex(&at.1), bad: Some((stored.entry.seq, why)) });
            }
            at = (stored.entry.seq, stored.entry.hash);
            after = at.0;
        }
    }
}

/// The columns beside the body are there for queries; they must say what the hashed body says.
fn columns(stored: &journal::Stored) -> Result<(), String> {
    let seq = stored.entry.seq;
    let body = stored.entry.parsed().ok_or_else(|| format!("entry {seq} has a body nobody can read"))?;
    if body.subject != stored.subject || body.result.as_str() != stored.result {
        return Err(format!("entry {seq} says something else in its columns than in its hashed body"));
    }
    Ok(())
}
