//! Did each deployment begin with decisions the journal knows? A row that somebody wrote into the store opens a gate, and may
//! be gone again afterwards; what the gate said then stays in the entry of the start.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{FindingKind, Findings};
use crate::domain::approval::Verdict;
use crate::domain::digest::Digest;
use crate::domain::gate::{Answer, GateId, GateReport, approvals};
use crate::domain::ids::{ApprovalId, DeploymentId, EnvName, ReleaseId};
use crate::domain::journal::{Body, Done, Entry, Verb};
use crate::domain::replay::{Change, changes};
use crate::domain::witness::{Confirmed, Eyes};

/// Decisions as the journal tells of them, up to one of its entries.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// Approvals in force: what for, and by whom.
    approved: BTreeMap<ApprovalId, (ReleaseId, EnvName, String)>,
    /// Live confirmations that were given: of what, and by whom.
    witnessed: BTreeSet<(ReleaseId, EnvName, Digest, String)>,
    /// Overrides that were reviewed, with the entry that says so.
    reviewed: BTreeMap<DeploymentId, i64>,
}

impl Begun {
    /// Looks at the next entry.
    pub(super) fn see(&mut self, entry: &Entry, body: &Body, findings: &mut Findings) {
        let Ok(verb) = entry.verb.parse::<Verb>() else { return };
        if body.result != Done::Done {
            return;
        }
        if verb == Verb::WitnessGave
            && let Some(Given { release, environment, subject, witnessed }) = read(body)
        {
            let who = witnessed.by.person.human().to_owned();
            self.witnessed.insert((release, environment, subject, who));
        }
        for change in changes(verb, entry.at, body).unwrap_or_default() {
            match change {
                Change::Approval(approval) => {
                    let counts = approval.verdict == Verdict::Approved && approval.ended_at.is_none();
                    match (counts, approval.subject.environment()) {
                        (true, Some(env)) => {
                            let about = (approval.release.clone(), env.clone(), approval.by.name.clone());
                            self.approved.insert(approval.id, about);
                        }
                        _ => drop(self.approved.remove(&approval.id)),
                    }
                }
                Change::Deployment(d, Some(report)) if !d.state.is_pending() => {
                    self.judge(entry.seq, d.id, d.witness.as_ref(), &report, findings);
                }
                Change::Review(id, _) => {
                    if let Some(first) = self.reviewed.insert(id, entry.seq) {
                        let sentence = format!(
                            "entry {} reviews the override of {id}, which entry {first} had done already: \
                             the first review was taken out of the store in between",
                            entry.seq
                        );
                        findings.add(FindingKind::Decision, Some(entry.seq), sentence);
                    }
                }
                _ => {}
            }
        }
    }

    fn judge(
        &self,
        seq: i64,
        id: DeploymentId,
        eyes: Option<&Eyes>,
        report: &GateReport,
        findings: &mut Findings,
    ) {
        let (release, env) = (&report.release, &report.environment);
        let mut add = |what: String| {
            let sentence = format!("{id} began (entry {seq}) with {what} that no entry before it tells of");
            findings.add(FindingKind::Decision, Some(seq), sentence);
        };
        let evidence = report.checks.iter().find_map(|check| match &check.answer {
            Answer::Pass { evidence } if check.gate == GateId::Approvals => Some(evidence),
            _ => None,
        });
        for name in evidence.into_iter().flat_map(|evidence| approvals::named_in(evidence)) {
            let is_known = self
                .approved
                .values()
                .any(|(about, place, by)| about == release && place == env && by == name);
            if !is_known {
                add(format!("an approval of {release} for {env} by {name}"));
            }
        }
        if let Some(Eyes::Witnessed { by, .. }) = eyes {
            let given = (release.clone(), env.clone(), report.subject.clone(), by.human().to_owned());
            if !self.witnessed.contains(&given) {
                add(format!("a confirmation by {} as the second person", by.human()));
            }
        }
    }
}

/// What an entry tells of a confirmation.
#[derive(Deserialize)]
struct Given {
    release: ReleaseId,
    environment: EnvName,
    subject: Digest,
    witnessed: Confirmed,
}

fn read(body: &Body) -> Option<Given> {
    serde_json::from_value(body.after.clone()?).ok()
}
