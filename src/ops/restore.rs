//! What may take the place of the store, and what is recorded of that.

use std::path::Path;

use serde::Serialize;

use super::audit::history::Remembered;
use super::audit::{Findings, chain::Chain, instance};
use super::{Ctx, ErrorKind, Filter, OpError, Store};
use crate::domain::actor::Actor;
use crate::domain::digest::hex;
use crate::domain::ids::DeploymentId;
use crate::domain::journal::{NewEntry, Verb};
use crate::domain::right::{Place, Right};
use crate::domain::text::free;
use crate::domain::time::Timestamp;
use crate::store::{deployments, journal};

/// What the entry of a restore says.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// The end of the backup.
    pub from: Remembered,
    /// The end of what it replaces; nothing where that could not be read.
    pub replaced: Option<Remembered>,
    pub file: String,
    /// The last deployment the backup knows: files of later ones belong to what was replaced.
    #[serde(skip)]
    pub newest: DeploymentId,
}

/// The end of a store's journal.
fn end(store: &Store) -> Result<Remembered, OpError> {
    store.read(|tx| {
        let (seq, hash) = journal::head(tx)?;
        Ok(Remembered { instance: instance(tx)?, seq, hash: hex(&hash) })
    })
}

/// Looks at the store that is to be replaced: nothing may run in it, and nobody else may have it open. It is closed in
/// order, so that it is one file.
pub fn let_go(store: &Store) -> Result<Remembered, OpError> {
    let active = store.read(deployments::list_active)?;
    let working = active.iter().find(|d| d.state.is_live());
    if let Some(d) = working {
        return Err(OpError::new(
            ErrorKind::Busy,
            format!("{} is {}: nothing is restored under it", d.id, d.state),
        )
        .hint(format!("wait for its end, or stop it: relman cancel {} --reason \"…\"", d.id.0)));
    }
    let end = end(store)?;
    store.leave_alone().map_err(|_| {
        OpError::new(ErrorKind::Busy, "another process has the store open: nothing is restored under it")
            .hint("leave every other relman first; who has it open: fuser or lsof on the store's file")
    })?;
    Ok(end)
}

/// Whether this person may put another store in the place of this one. A no is on record, as everywhere. Of a store that
/// cannot be opened nobody can be asked.
pub fn permitted(cx: &Ctx<'_>) -> Result<(), OpError> {
    match cx.may(Right::Administer, Place::default()) {
        Ok(()) => Ok(()),
        Err(no) => cx.act(Verb::StoreRestored, cx.store.read(instance)?, |_| Err(no.clone())),
    }
}

/// Checks a copy of the backup and writes into it that it was restored.
pub fn prepare(
    store: &Store,
    actor: &Actor,
    now: Timestamp,
    reason: &str,
    file: &Path,
    replaced: Option<Remembered>,
) -> Result<Restored, OpError> {
    let reason = free("reason", reason, 2000)?;
    store.integrity()?;
    let from = end(store)?;
    let (mut chain, mut findings, mut after) = (Chain::default(), Findings::default(), i64::MIN);
    loop {
        let page = store.read(|tx| journal::walk(tx, after, 1000))?;
        let Some(last) = page.last().map(|stored| stored.entry.seq) else { break };
        for stored in &page {
            let columns = Some((stored.subject.as_str(), stored.result.as_str()));
            chain.follow(&stored.entry, stored.entry.parsed().as_ref(), columns, &mut findings);
        }
        after = last;
    }
    if let (_, Some((seq, why))) = chain.end() {
        return Err(OpError::new(
            ErrorKind::Failure,
            format!("the journal of the backup is broken at entry {seq}: {why}; it is not restored"),
        )
        .hint("use another backup"));
    }
    let last = store.read(|tx| deployments::list(tx, &Filter::default(), 1))?;
    let newest = last.first().map_or(DeploymentId(0), |d| d.id);
    let restored = Restored { from, replaced, file: file.display().to_string(), newest };
    store.write(|tx| {
        let entry = NewEntry::new(now, actor, Verb::StoreRestored, &restored.from.instance);
        journal::append(tx, entry.because(Some(&reason)).detail(&restored)).map(drop)
    })?;
    store.leave_alone()?;
    Ok(restored)
}
