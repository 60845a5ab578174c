//! One deployment with all that belongs to it, as an archive tells it, and whether its journal says the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::deployment::{Deployment, Step};
use crate::domain::gate::{Answer, GateReport};
use crate::domain::ids::DeploymentId;
use crate::domain::journal::{Entry, Verb};
use crate::domain::note::Note;
use crate::domain::override_review::Review;
use crate::domain::replay::{Change, Key};

/// A member `deployments/N.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    pub(super) deployment: Deployment,
    pub(super) steps: Vec<Step>,
    pub(super) gates: Option<GateReport>,
    /// Gates that were opened on record, and what somebody else found about that.
    pub(super) overrides: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) review: Option<Review>,
    pub(super) notes: Vec<Note>,
}

impl Told {
    /// The gates that were opened on record, from what they said.
    pub(super) fn overrides_of(gates: Option<&GateReport>) -> Vec<String> {
        let checks = gates.into_iter().flat_map(|report| &report.checks);
        let opened = checks.filter_map(|check| match &check.answer {
            Answer::Overridden { by, because, .. } => Some(format!("{} by {by}: {because}", check.gate)),
            _ => None,
        });
        opened.collect()
    }
}

/// What a journal says about deployments beside their records.
#[derive(Default)]
pub(super) struct Beside {
    gates: BTreeMap<DeploymentId, GateReport>,
    steps: BTreeMap<DeploymentId, Vec<Step>>,
}

impl Beside {
    pub(super) fn read(&mut self, entry: &Entry, changes: &[Change]) {
        for change in changes {
            let Change::Deployment(d, report) = change else { continue };
            if let Some(report) = report {
                self.gates.insert(d.id, report.as_ref().clone());
            }
            if entry.verb == Verb::DeploymentFinished.as_str()
                && let Some(steps) = entry.parsed().and_then(|body| body.detail?.get("steps").cloned())
                && let Ok(steps) = serde_json::from_value(steps)
            {
                self.steps.insert(d.id, steps);
            }
        }
    }

    /// What of it is told otherwise than it is on record.
    pub(super) fn differences(&self, told: &Told, last: &BTreeMap<Key, (i64, Change)>) -> Vec<&'static str> {
        let id = told.deployment.id;
        let mut names = Vec::new();
        if self.gates.get(&id).is_some_and(|gates| told.gates.as_ref() != Some(gates)) {
            names.push("gates");
        }
        if told.overrides != Told::overrides_of(told.gates.as_ref()) {
            names.push("overrides");
        }
        if self.steps.get(&id).is_some_and(|steps| *steps != told.steps) {
            names.push("steps");
        }
        let review = last.get(&Key::Review(id)).and_then(|(_, change)| match change {
            Change::Review(_, review) => Some(review),
            _ => None,
        });
        if review != told.review.as_ref() {
            names.push("review");
        }
        let is_own = |note: &&Note| note.deployment == id;
        let mut notes: Vec<&Note> = last
            .values()
            .filter_map(|(_, change)| match change {
                Change::Note(note) => Some(note),
                _ => None,
            })
            .filter(is_own)
            .collect();
        let mut kept: Vec<&Note> = told.notes.iter().collect();
        let in_order = |note: &&Note| (note.at, note.text.clone());
        notes.sort_by_key(in_order);
        kept.sort_by_key(in_order);
        if notes != kept {
            names.push("notes");
        }
        names
    }
}
