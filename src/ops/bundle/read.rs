//! Verifies an archive by itself. Whoever sends one may have made it up: nothing in it is believed, nothing is written to
//! the disk, and nothing is held in memory that has no bound.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};

use super::signed::{self, Keys, Places, Signatures};
use super::told::{Beside, Told};
use super::{
    FORMAT, Header, JOURNAL, LARGEST_LOG, LogOf, MANIFEST, Manifest, SIGNERS, Sum, as_digest, journal_of,
};
use crate::domain::approval::Approval;
use crate::domain::digest::Digest;
use crate::domain::journal::{Hash, unhex};
use crate::domain::release::Release;
use crate::domain::replay::{Change, Key, differences};
use crate::domain::subject::is_digest_of;
use crate::ops::audit::chain::Chain;
use crate::ops::audit::{FindingKind, Findings, export};
use crate::ops::{ErrorKind, OpError};
use serde::Serialize;

/// The largest member that is read as a record.
const LARGEST_RECORD: u64 = 64 * 1024 * 1024;
/// The largest journal.
const LARGEST_JOURNAL: u64 = 16 * 1024 * 1024 * 1024;
/// More members than any release has.
const MOST: usize = 200_000;

/// What was found in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub manifest: Manifest,
    pub entries: u64,
    /// How many of them were there in full.
    pub in_full: u64,
    /// Records that say what the journal says of them.
    pub records: u64,
    pub logs: u64,
    pub signatures: Signatures,
    /// The first member that is wrong, and why.
    pub bad: Option<(String, String)>,
    pub findings: Findings,
}

impl Checked {
    pub fn is_good(&self) -> bool {
        self.bad.is_none() && self.findings.is_empty()
    }
}

/// What makes it no archive of ours at all.
fn refused(why: impl Into<String>) -> OpError {
    OpError::new(ErrorKind::Failure, why).hint("it takes what was written with: relman bundle RELEASE")
}

fn broken(why: &io::Error) -> OpError {
    refused(format!("the archive cannot be read to its end: {why}"))
}

/// What is gathered on the way through.
#[derive(Default)]
struct Seen {
    sums: BTreeMap<String, (u64, String)>,
    release: Option<Box<Release>>,
    /// Logs of builds by their names in the archive, with what their ends vouch for.
    builds: BTreeMap<String, (u64, Digest)>,
    approvals: Vec<Approval>,
    deployments: Vec<Told>,
    /// What the journal says beside the records.
    beside: Beside,
    /// Whose key is whose, as the archive says.
    signers: Option<String>,
    places: Places,
    /// The last word of the journal on each record.
    last: BTreeMap<Key, (i64, Change)>,
    chain: Option<Walk>,
    findings: Findings,
    bad: Option<(String, String)>,
}

/// The journal of an archive, whose entries may be there as hashes only.
struct Walk {
    chain: Chain,
    at: (i64, Hash),
    entries: u64,
    in_full: u64,
}

pub fn verify(archive: &mut dyn Read, keys: &Keys<'_>) -> Result<Checked, OpError> {
    let mut archive = tar::Archive::new(archive);
    let mut seen = Seen::default();
    let mut manifest: Option<Manifest> = None;
    let mut wanted = Vec::new().into_iter();
    for entry in archive.entries().map_err(|why| broken(&why))? {
        let mut entry = entry.map_err(|why| broken(&why))?;
        let name = name_of(&entry)?;
        let size = entry.header().entry_size().map_err(|why| broken(&why))?;
        match &manifest {
            None => {
                let read = manifest_of(&name, size, &mut entry)?;
                wanted = read.members.clone().into_iter();
                manifest = Some(read);
            }
            Some(_) => {
                let Some(member) = wanted.next().filter(|member| member.name == name) else {
                    return Err(refused(format!("{name} is not where its manifest says, or not in it")));
                };
                if member.size != size {
                    seen.is_bad(&name, format!("it has {size} bytes, not {}", member.size));
                }
                seen.take(&name, size, &mut entry)?;
                if seen.sums.get(&name).is_some_and(|(_, sum)| *sum != member.sha256) {
                    seen.is_bad(&name, "its SHA-256 is not the one of the manifest".to_owned());
                }
            }
        }
    }
    let manifest = manifest.ok_or_else(|| refused("it is empty"))?;
    if !is_blank(archive.into_inner()).map_err(|why| broken(&why))? {
        seen.is_bad(MANIFEST, "there is more behind the end of the archive".to_owned());
    }
    if let Some(missing) = wanted.next() {
        seen.is_bad(&missing.name, "it is missing: the archive was cut".to_owned());
    }
    Ok(seen.end(manifest, keys))
}

/// Whether nothing but the zeros of an end is left.
fn is_blank(rest: &mut dyn Read) -> io::Result<bool> {
    let mut piece = [0; 8 * 1024];
    loop {
        match rest.read(&mut piece)? {
            0 => return Ok(true),
            count if piece[..count].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

/// The name of a member, if it is one that we write.
fn name_of(entry: &tar::Entry<'_, impl Read>) -> Result<String, OpError> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let shown = crate::domain::text::quoted(&name, 60);
    if entry.header().entry_type() != tar::EntryType::Regular {
        return Err(refused(format!("{shown} is no regular file: links and the like have no place in it")));
    }
    let number = |folder: &str, ending: &str| {
        let number = name.strip_prefix(folder).and_then(|rest| rest.strip_suffix(ending));
        number.is_some_and(|number| number.parse::<i64>().is_ok_and(|n| n > 0 && n.to_string() == number))
    };
    let known = [MANIFEST, JOURNAL, "README.txt", "release.json", "approvals.json", "policy.json", SIGNERS];
    if known.contains(&name.as_str())
        || number("deployments/", ".json")
        || number("logs/", ".log")
        || number("logs/build-", ".log")
    {
        return Ok(name);
    }
    Err(refused(format!("{shown} is no name of a member")))
}

fn manifest_of(name: &str, size: u64, entry: &mut dyn Read) -> Result<Manifest, OpError> {
    if name != MANIFEST || size > LARGEST_RECORD {
        return Err(refused("it does not begin with its manifest"));
    }
    let mut text = Vec::new();
    entry.take(LARGEST_RECORD).read_to_end(&mut text).map_err(|why| broken(&why))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|why| refused(format!("its manifest cannot be read: {why}")))?;
    if manifest.format != FORMAT {
        return Err(refused(format!(
            "its format is {}, this relman knows {FORMAT}",
            crate::domain::text::quoted(&manifest.format, 40)
        )));
    }
    let mut names = BTreeSet::new();
    let twice = manifest.members.iter().find(|member| !names.insert(&member.name));
    if let Some(member) = twice {
        let shown = crate::domain::text::quoted(&member.name, 60);
        return Err(refused(format!("its manifest names {shown} twice")));
    }
    if manifest.members.len() > MOST {
        return Err(refused("it has more members than any release"));
    }
    for needed in ["release.json", "approvals.json", JOURNAL] {
        if !manifest.members.iter().any(|member| member.name == needed) {
            return Err(refused(format!("its manifest lacks {needed}")));
        }
    }
    Ok(manifest)
}

impl Seen {
    fn is_bad(&mut self, name: &str, why: String) {
        self.bad.get_or_insert((name.to_owned(), why));
    }

    fn take(&mut self, name: &str, size: u64, entry: &mut dyn Read) -> Result<(), OpError> {
        let largest = match name {
            JOURNAL => LARGEST_JOURNAL,
            _ if name.starts_with("logs/") => LARGEST_LOG,
            _ => LARGEST_RECORD,
        };
        if size > largest {
            return Err(refused(format!("{name} says it has {size} bytes: more than it may have")));
        }
        let (size, sum) = match name {
            JOURNAL => self.journal(entry)?,
            _ if name.starts_with("logs/") => {
                let mut sum = Sum::default();
                io::copy(entry, &mut sum).map_err(|why| broken(&why))?;
                sum.end()
            }
            _ => {
                let mut bytes = Vec::new();
                entry.take(LARGEST_RECORD).read_to_end(&mut bytes).map_err(|why| broken(&why))?;
                self.record(name, &bytes);
                let mut sum = Sum::default();
                io::Write::write_all(&mut sum, &bytes).map_err(|why| broken(&why))?;
                sum.end()
            }
        };
        self.sums.insert(name.to_owned(), (size, sum));
        Ok(())
    }

    fn record(&mut self, name: &str, bytes: &[u8]) {
        let read = match name {
            "release.json" => serde_json::from_slice(bytes).map(|release| self.release = Some(release)),
            "approvals.json" => serde_json::from_slice(bytes).map(|all: Vec<Approval>| {
                self.places = signed::places(&all);
                self.approvals = all;
            }),
            _ if name == SIGNERS => {
                self.signers = Some(String::from_utf8_lossy(bytes).into_owned());
                Ok(())
            }
            _ if name.starts_with("deployments/") => {
                serde_json::from_slice(bytes).map(|told: Told| self.deployments.push(told))
            }
            _ => Ok(()),
        };
        if let Err(why) = read {
            self.is_bad(name, format!("it cannot be read: {why}"));
        }
    }

    /// Follows the chain line by line.
    fn journal(&mut self, entry: &mut dyn Read) -> Result<(u64, String), OpError> {
        let mut sum = Sum::default();
        let mut lines = io::BufReader::new(entry);
        let mut text = Vec::new();
        loop {
            text.clear();
            let read = lines.by_ref().take(LARGEST_RECORD).read_until(b'\n', &mut text);
            if read.map_err(|why| broken(&why))? == 0 {
                return Ok(sum.end());
            }
            io::Write::write_all(&mut sum, &text).map_err(|why| broken(&why))?;
            let line = std::str::from_utf8(&text).unwrap_or_default().trim_end_matches('\n');
            match export::entry(line) {
                Ok(entry) => {
                    let walk = self.chain.get_or_insert_with(|| Walk::before(entry.seq, entry.previous));
                    walk.full(&entry, &mut self.findings);
                    self.places.entry(entry.seq).and_modify(|place| *place = Some(entry.hash));
                    let changes = journal_of(&entry);
                    self.beside.read(&entry, &changes);
                    for change in changes {
                        self.last.insert(change.key(), (entry.seq, change));
                    }
                }
                Err(why) => match serde_json::from_str::<Header>(line) {
                    Ok(header) => self.header(&header),
                    Err(_) => self.is_bad(JOURNAL, format!("a line of it is no entry: {why}")),
                },
            }
        }
    }

    fn header(&mut self, header: &Header) {
        let (Some(previous), Some(hash)) = (unhex(&header.previous), unhex(&header.hash)) else {
            self.is_bad(JOURNAL, format!("entry {} has no hash", header.seq));
            return;
        };
        let walk = self.chain.get_or_insert_with(|| Walk::before(header.seq, previous));
        walk.linked(header.seq, previous, hash, &mut self.findings);
        self.places.entry(header.seq).and_modify(|place| *place = Some(hash));
    }

    fn end(mut self, manifest: Manifest, keys: &Keys<'_>) -> Checked {
        let (mut entries, mut in_full) = (0, 0);
        match self.chain.take() {
            None => self.is_bad(JOURNAL, "it is empty".to_owned()),
            Some(walk) => {
                (entries, in_full) = (walk.entries, walk.in_full);
                if (walk.at.0, crate::domain::digest::hex(&walk.at.1))
                    != (manifest.seq, manifest.hash.clone())
                {
                    self.is_bad(JOURNAL, "it does not end with the entry the manifest names".to_owned());
                }
                if !manifest.brief && in_full < entries {
                    let why = "entries are there as hashes only, and the manifest does not say so";
                    self.is_bad(JOURNAL, why.to_owned());
                }
            }
        }
        if let Some(first) = self.findings.list.first() {
            let why = first.sentence.clone();
            self.is_bad(JOURNAL, why);
        }
        let signatures = self.judge_signatures(&manifest, keys);
        let records = self.compare(&manifest);
        let logs = self.compare_logs();
        let (bad, findings) = (self.bad, self.findings);
        Checked { manifest, entries, in_full, records, logs, signatures, bad, findings }
    }

    /// Every record against the last word of the journal on it, and the other way round.
    fn compare(&mut self, manifest: &Manifest) -> u64 {
        let mut there: Vec<(String, Change)> = Vec::new();
        if let Some(release) = self.release.take() {
            for (at, end) in
                release.build.runs.iter().enumerate().filter_map(|(at, run)| Some((at, run.ended.as_ref()?)))
            {
                self.builds.insert(LogOf::Build(at + 1).member(), (end.log_size, end.log_digest.clone()));
            }
            if release.id != manifest.release {
                self.is_bad("release.json", format!("it is about {}", release.id));
            }
            there.push(("release.json".to_owned(), Change::Release(release)));
        }
        for approval in std::mem::take(&mut self.approvals) {
            // What a request's digest is about is in the release itself; only an environment's content is whole here.
            let is_whole = approval.subject.environment().is_some();
            if is_whole && !is_digest_of(&approval.digest, &approval.content) {
                let why = format!("approval {} is about other content than its digest", approval.id.0);
                self.is_bad("approvals.json", why);
            }
            there.push(("approvals.json".to_owned(), Change::Approval(Box::new(approval))));
        }
        for told in &self.deployments {
            let name = format!("deployments/{}.json", told.deployment.id.0);
            there.push((name, Change::Deployment(Box::new(told.deployment.clone()), None)));
        }
        let mut good = 0;
        let mut found = BTreeSet::new();
        for (name, record) in &there {
            let key = record.key();
            found.insert(key.clone());
            let why = match self.last.get(&key) {
                None => format!("{key} is in the archive, but no entry of its journal made it"),
                Some((seq, recorded)) => {
                    let mut names = differences(&recorded.comparable(), &record.comparable());
                    let told = match &key {
                        Key::Deployment(id) => self.deployments.iter().find(|told| told.deployment.id == *id),
                        _ => None,
                    };
                    let beside = told.map(|told| self.beside.differences(told, &self.last));
                    names.extend(beside.unwrap_or_default().into_iter().map(str::to_owned));
                    if names.is_empty() {
                        good += 1;
                        continue;
                    }
                    format!("{key} differs from what entry {seq} recorded, in: {}", names.join(", "))
                }
            };
            self.findings.add(FindingKind::Record, None, why.as_str());
            self.is_bad(name, why);
        }
        let about = |change: &Change| match change {
            Change::Release(release) => release.id == manifest.release,
            Change::Approval(approval) => approval.release == manifest.release,
            Change::Deployment(d, _) => d.release == manifest.release,
            _ => false,
        };
        let lost: Vec<String> = self
            .last
            .iter()
            .filter(|(key, (_, change))| about(change) && !found.contains(*key))
            .map(|(key, (seq, _))| format!("{key}, which entry {seq} recorded, is not in the archive"))
            .collect();
        for why in lost {
            self.findings.add(FindingKind::Record, None, why.as_str());
            self.is_bad(MANIFEST, why);
        }
        good
    }

    fn judge_signatures(&mut self, manifest: &Manifest, keys: &Keys<'_>) -> Signatures {
        let list = keys.own.or(self.signers.as_deref());
        let mut seen = Signatures { own_list: keys.own.is_some(), ..Signatures::default() };
        let mut wrong = Vec::new();
        for approval in self.approvals.iter().filter(|approval| approval.signed.is_some()) {
            match signed::judge(approval, &manifest.instance, &self.places, list, keys.check) {
                Ok(true) => seen.good += 1,
                Ok(false) => seen.unknown += 1,
                Err(why) => {
                    let by = approval.by.human();
                    wrong.push(format!(
                        "approval {} by {by}: its signature does not hold: {why}",
                        approval.id.0
                    ));
                }
            }
        }
        for why in wrong {
            self.findings.add(FindingKind::Signature, None, why.as_str());
            self.is_bad("approvals.json", why);
        }
        seen
    }

    /// Every log against the outcome of its deployment.
    fn compare_logs(&mut self) -> u64 {
        let mut good = 0;
        let logs: Vec<(String, u64, String)> = self
            .sums
            .iter()
            .filter(|(name, _)| name.starts_with("logs/"))
            .map(|(name, (size, sum))| (name.clone(), *size, sum.clone()))
            .collect();
        for (name, size, sum) in logs {
            let deployments = self.deployments.iter().map(|told| &told.deployment);
            let of = deployments.into_iter().find(|d| name == format!("logs/{}.log", d.id.0));
            let build = self.builds.get(&name);
            let same = of.is_some_and(|d| d.log_digest == as_digest(&sum) && d.log_size == size)
                || build.is_some_and(|(known, digest)| {
                    *known == size && Some(digest) == as_digest(&sum).as_ref()
                });
            if same {
                good += 1;
                continue;
            }
            let why = match build {
                Some(_) => "it is not the log whose hash the end of its build holds".to_owned(),
                None => "it is not the log whose hash the outcome of its deployment holds".to_owned(),
            };
            self.findings.add(FindingKind::Log, None, format!("{name}: {why}"));
            self.is_bad(&name, why);
        }
        good
    }
}

impl Walk {
    fn before(seq: i64, previous: Hash) -> Self {
        let at = (seq - 1, previous);
        Self { chain: Chain::behind(at.0, at.1), at, entries: 0, in_full: 0 }
    }

    fn full(&mut self, entry: &crate::domain::journal::Entry, findings: &mut Findings) {
        self.chain.follow(entry, entry.parsed().as_ref(), None, findings);
        self.at = (entry.seq, entry.hash);
        self.entries += 1;
        self.in_full += 1;
    }

    /// An entry of which only the place is shown: it must continue the one before it.
    fn linked(&mut self, seq: i64, previous: Hash, hash: Hash, findings: &mut Findings) {
        if (seq - 1, previous) != self.at {
            findings.add(
                FindingKind::Chain,
                Some(seq),
                format!("entry {seq} does not continue the entry before it"),
            );
        }
        self.at = (seq, hash);
        self.chain = Chain::behind(seq, hash);
        self.entries += 1;
    }
}
