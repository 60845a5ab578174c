//! The signatures in an archive, with the keys that it brings along or with those of whoever verifies it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::approval::Approval;
use crate::domain::journal::Hash;
use crate::domain::signature::{Signed, Signer, Statement};
use crate::domain::text::counted;
use crate::domain::time::Timestamp;

/// Says whether a signature is good with a key that stands for a person in a list like that (`allowed_signers`) then.
pub type Check<'a> = &'a dyn Fn(&str, &Signed, &str, Timestamp) -> Result<Signer, String>;

/// How signatures are judged.
pub struct Keys<'a> {
    /// The list of whoever verifies; nothing: the one in the archive.
    pub own: Option<&'a str>,
    pub check: Check<'a>,
}

/// What was found about the signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Signatures {
    pub good: u64,
    /// There is no list to judge them by.
    pub unknown: u64,
    /// Whether the list came from outside the archive.
    pub own_list: bool,
}

impl Signatures {
    /// What has been proven, and by which list; nothing where nothing was signed.
    pub fn sentence(&self) -> Option<String> {
        if self.unknown > 0 {
            let signatures = counted(self.unknown, "signature", "signatures");
            return Some(format!(
                "{signatures} could not be checked: the archive brings no allowed_signers along"
            ));
        }
        if self.good == 0 {
            return None;
        }
        let signatures = counted(self.good, "signature is good", "signatures are good");
        Some(match self.own_list {
            true => format!("{signatures} with your own list of keys"),
            false => format!(
                "{signatures} with the list in the archive: to rely on it, give your own with --allowed-signers FILE"
            ),
        })
    }
}

/// The places of the journal on which signed decisions say they were made.
pub(super) type Places = BTreeMap<i64, Option<Hash>>;

pub(super) fn places(approvals: &[Approval]) -> Places {
    let signed = approvals.iter().filter_map(|approval| approval.signed.as_ref());
    let statements = signed.filter_map(|signed| Statement::parse(&signed.statement).ok());
    statements.map(|statement| (statement.journal.0, None)).collect()
}

/// Why the signature under a decision does not hold; `Ok(false)`: it cannot be judged.
pub(super) fn judge(
    approval: &Approval,
    instance: &str,
    places: &Places,
    list: Option<&str>,
    check: Check<'_>,
) -> Result<bool, String> {
    let Some(signed) = &approval.signed else { return Ok(false) };
    let statement = Statement::parse(&signed.statement).map_err(|why| why.to_string())?;
    statement.speaks_of(approval, instance)?;
    let (seq, hash) = statement.journal;
    // Of what lies before the first entry of the archive nothing is known.
    if places.get(&seq).copied().flatten().is_some_and(|there| there != hash) {
        return Err(format!("entry {seq} of the journal is not the one that was there when it was signed"));
    }
    let Some(list) = list else { return Ok(false) };
    check(list, signed, approval.by.human(), approval.at).map(|_| true)
}
