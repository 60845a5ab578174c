//! Is every deployment's output what it was when its outcome was recorded?

use serde::Serialize;

use super::{FindingKind, Findings};
use crate::domain::deployment::Deployment;
use crate::domain::digest::Digest;
use crate::domain::release::Release;
use crate::domain::replay::Change;
use crate::domain::text::counted;
use crate::ops::{Ctx, OpError};
use crate::store::records::{self, Table};

/// How many logs were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Logs {
    pub same: u64,
    /// Removed since; that is no fault, their hashes stay on record.
    pub missing: u64,
    /// Written on another machine.
    pub elsewhere: u64,
    /// Not looked at, because only the newest entries were asked for.
    #[serde(skip)]
    skipped: bool,
}

impl Logs {
    /// One log of this machine: what is left of it beside what is on record.
    fn compared(
        &mut self,
        name: &str,
        found: Option<(u64, Digest)>,
        (size, digest): (u64, &Digest),
        findings: &mut Findings,
    ) {
        let mut bad = |why: String| findings.add(FindingKind::Log, None, format!("the log of {name} {why}"));
        match found {
            None => self.missing += 1,
            Some((left, _)) if left < size => bad(format!("was cut: {left} of {size} bytes are left")),
            Some((_, now)) if now != *digest => {
                bad("is not the one its outcome recorded: it was changed since".to_owned());
            }
            Some(_) => self.same += 1,
        }
    }

    pub(super) fn remarks(self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.missing > 0 {
            let gone = counted(self.missing, "log is", "logs are");
            remarks.push(format!("{gone} gone; the hashes stay on record"));
        }
        if self.elsewhere > 0 {
            let elsewhere = counted(self.elsewhere, "log was", "logs were");
            remarks.push(format!("{elsewhere} written on another machine: verify there"));
        }
        if self.skipped {
            remarks
                .push("logs and rows that no entry names were left out; without --since they are not".into());
        }
        remarks
    }
}

pub(super) fn compare(cx: &Ctx<'_>, only_new: bool, findings: &mut Findings) -> Result<Logs, OpError> {
    let mut logs = Logs { skipped: only_new, ..Logs::default() };
    let mut after = if only_new { i64::MAX } else { 0 };
    loop {
        // Hashing takes its time: nobody waits for the store meanwhile.
        let page = cx.store.read(|tx| records::walk(tx, Table::Deployments, after, 200))?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, row) in page {
            if let Ok(Change::Deployment(d, _)) = row {
                judge(cx, &d, &mut logs, findings);
            }
        }
    }
    let mut after = if only_new { i64::MAX } else { 0 };
    loop {
        let page = cx.store.read(|tx| records::walk(tx, Table::Releases, after, 200))?;
        let Some((last, _)) = page.last() else { return Ok(logs) };
        after = *last;
        for (_, row) in page {
            if let Ok(Change::Release(release)) = row {
                builds(cx, &release, &mut logs, findings);
            }
        }
    }
}

/// The same of the runs of a build script.
fn builds(cx: &Ctx<'_>, release: &Release, logs: &mut Logs, findings: &mut Findings) {
    for (at, run) in release.build.runs.iter().enumerate() {
        let Some(end) = run.ended.as_ref().filter(|end| end.log_size > 0) else { continue };
        let name = format!("build {} of {}", at + 1, release.id);
        if run.host != cx.machine.host() {
            logs.elsewhere += 1;
            continue;
        }
        let found = cx.machine.build_log_start(&release.id, at + 1, end.log_size);
        logs.compared(&name, found, (end.log_size, &end.log_digest), findings);
    }
}

fn judge(cx: &Ctx<'_>, d: &Deployment, logs: &mut Logs, findings: &mut Findings) {
    let Some(digest) = d.log_digest.as_ref().filter(|_| d.state.is_over() && d.log_size > 0) else { return };
    if d.host != cx.machine.host() {
        logs.elsewhere += 1;
        return;
    }
    let found = cx.machine.log_start(d.id, d.log_size);
    logs.compared(&d.id.to_string(), found, (d.log_size, digest), findings);
}
