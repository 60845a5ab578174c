//! What goes into an archive: the records of a release, each as the JSON that the command line prints too.

use std::collections::BTreeSet;

use serde::Serialize;

use super::told::Told;
use super::{LogOf, Wanted};
use crate::domain::deployment::Deployment;
use crate::domain::ids::ReleaseId;
use crate::domain::journal::{Entry, Verb};
use crate::domain::replay::{Change, changes};
use crate::ops::{Ctx, Filter, OpError};
use crate::store::{Tx, approvals, deployments, journal, notes, override_reviews, records, releases, steps};

/// Everything but the journal and the logs.
pub(super) struct Gathered {
    pub(super) records: Vec<(String, Vec<u8>)>,
    /// Logs of what has ended, with their sizes.
    pub(super) logs: Vec<(LogOf, u64)>,
    /// What entries of the release are about.
    pub(super) subjects: BTreeSet<String>,
    /// The first of them.
    pub(super) first: i64,
}

const ABOUT: &str = "This archive holds what relman has on record about one release.\n\
    \n\
    manifest.json      what is in it: every member with its size and SHA-256, and the end of the journal it was made at\n\
    release.json       the release: request, plan, build, checks, checklist, review\n\
    approvals.json     every decision, with the content it was about and the digest of that content\n\
    deployments/N.json each deployment: steps, gate report, overrides, outcome, notes\n\
    logs/N.log         what its scripts printed, as far as its outcome vouches for it\n\
    logs/build-N.log   the same of the runs of the build script\n\
    policy.json        the policy in force when the archive was made\n\
    allowed_signers    whose key was whose then: ssh-keygen -Y verify checks the signatures in approvals.json with it\n\
    journal.jsonl      the journal from the first entry of the release to the newest one\n\
    \n\
    To verify it: relman bundle verify FILE. It needs neither store nor configuration nor network. What is proven by\n\
    that, and how to do it without relman, is described in docs/audit.md of relman.\n\
    Compare the hash of the newest entry with one that you know from elsewhere: whoever made the archive could have made\n\
    all of it.\n";

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

pub(super) fn gather(cx: &Ctx<'_>, wanted: &Wanted, until: i64) -> Result<Gathered, OpError> {
    let id = &wanted.release;
    cx.store.read(|tx| {
        let release = releases::get(tx, id)?;
        let first = journal::find_first(tx, &id.to_string())?.map_or(1, |entry| entry.seq);
        let mut subjects = BTreeSet::from([id.to_string()]);
        let mut records = vec![
            ("README.txt".to_owned(), ABOUT.as_bytes().to_vec()),
            ("release.json".to_owned(), pretty(&release)),
            ("approvals.json".to_owned(), pretty(&approvals::list_of(tx, id)?)),
            ("policy.json".to_owned(), pretty(&wanted.policy)),
        ];
        let signers = wanted.allowed_signers.clone();
        records.extend(signers.map(|text| (super::SIGNERS.to_owned(), text.into_bytes())));
        let builds = release.build.runs.iter().enumerate();
        let builds =
            builds.filter_map(|(at, run)| Some((LogOf::Build(at + 1), run.ended.as_ref()?.log_size)));
        let mut logs: Vec<(LogOf, u64)> = builds.filter(|(_, size)| *size > 0).collect();
        for d in deployments_of(tx, id)? {
            subjects.insert(d.id.to_string());
            if d.state.is_over() && d.log_size > 0 {
                logs.push((LogOf::Deployment(d.id), d.log_size));
            }
            records.push((format!("deployments/{}.json", d.id.0), pretty(&told(tx, d)?)));
        }
        debug_assert!(first <= until, "a release is older than its archive");
        Ok(Gathered { records, logs, subjects, first })
    })
}

fn told(tx: &Tx<'_>, d: Deployment) -> Result<Told, OpError> {
    let key = crate::domain::replay::Key::Deployment(d.id);
    let gates = match records::find(tx, &key)? {
        Some(Change::Deployment(_, report)) => report.map(|report| *report),
        _ => None,
    };
    let overrides = Told::overrides_of(gates.as_ref());
    // Signs of life come and go: the record is what the journal knows too.
    let deployment = d.as_recorded();
    Ok(Told {
        steps: steps::list_of(tx, d.id)?,
        notes: notes::list_of(tx, d.id)?,
        review: override_reviews::find(tx, d.id)?,
        deployment,
        gates,
        overrides,
    })
}

fn deployments_of(tx: &Tx<'_>, id: &ReleaseId) -> Result<Vec<Deployment>, OpError> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let filter = Filter { release: Some(id.clone()), before, ..Filter::default() };
        let page = deployments::list(tx, &filter, 200)?;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        all.extend(page);
    }
    all.reverse();
    Ok(all)
}

/// What an entry of the journal changed, if it can be read.
pub fn journal_of(entry: &Entry) -> Vec<Change> {
    let verb = entry.verb.parse::<Verb>().ok();
    verb.zip(entry.parsed()).and_then(|(verb, body)| changes(verb, entry.at, &body)).unwrap_or_default()
}
