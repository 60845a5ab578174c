//! Are the signatures under decisions good: with a key that stood for the person then, about what the row says, and on top
//! of the history that there was?

use super::{FindingKind, Findings, instance};
use crate::domain::approval::Approval;
use crate::domain::digest::hex;
use crate::domain::policy::KeyFiles;
use crate::domain::signature::{Signed, Statement};
use crate::ops::{Ctx, OpError};
use crate::store::{approvals, journal};

/// How many rows are read at once.
const PAGE: u32 = 200;

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signatures {
    pub good: u64,
    /// Could not be judged: nobody's key is known.
    unknown: u64,
}

impl Signatures {
    pub(super) fn remark(self) -> Option<String> {
        (self.unknown > 0).then(|| {
            format!(
                "{} could not be checked: relman.toml names no allowed-signers file",
                crate::domain::text::counted(self.unknown, "signature", "signatures")
            )
        })
    }
}

/// Looks at every signed decision there is, also at those that have ended: they are evidence all the same.
pub(super) fn compare(cx: &Ctx<'_>, findings: &mut Findings) -> Result<Signatures, OpError> {
    let mut seen = Signatures::default();
    let instance = cx.store.read(instance)?;
    let mut after = 0;
    loop {
        let page = cx.store.read(|tx| approvals::walk_signed(tx, after, PAGE))?;
        let Some(last) = page.last() else { return Ok(seen) };
        after = last.id.0;
        for approval in &page {
            let Some(signed) = &approval.signed else { continue };
            let Some(keys) = &cx.policy.signing else {
                seen.unknown += 1;
                continue;
            };
            match judge(cx, keys, &instance, approval, signed)? {
                Ok(()) => seen.good += 1,
                Err(why) => findings.add(
                    FindingKind::Signature,
                    None,
                    format!(
                        "approval {} of {} by {}: its signature does not hold: {why}",
                        approval.id.0,
                        approval.release,
                        approval.by.human()
                    ),
                ),
            }
        }
    }
}

fn judge(
    cx: &Ctx<'_>,
    keys: &KeyFiles,
    instance: &str,
    approval: &Approval,
    signed: &Signed,
) -> Result<Result<(), String>, OpError> {
    let statement = match Statement::parse(&signed.statement) {
        Ok(statement) => statement,
        Err(why) => return Ok(Err(why.to_string())),
    };
    if let Err(why) = statement.speaks_of(approval, instance) {
        return Ok(Err(why));
    }
    // A key that has expired since was good when it signed.
    if let Err(why) = cx.machine.check_signature(keys, signed, approval.by.human(), approval.at) {
        return Ok(Err(why));
    }
    let (seq, hash) = statement.journal;
    let there = cx.store.read(|tx| journal::hash_of(tx, seq))?;
    Ok(if seq == 0 || there.as_deref() == Some(hex(&hash).as_str()) {
        Ok(())
    } else {
        Err(format!("entry {seq} of the journal is not the one that was there when it was signed"))
    })
}
