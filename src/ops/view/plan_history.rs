//! Every version of a plan, from the journal: who changed what, and why (PLN-1).

use serde::Serialize;

use crate::domain::ids::ReleaseId;
use crate::domain::journal::Body;
use crate::domain::release::{Plan, Release};
use crate::domain::replay::differences;
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, OpError};
use crate::store::journal;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    pub number: u32,
    pub by: String,
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which fields became what.
    pub changes: Vec<String>,
}

/// Oldest first.
pub fn of(cx: &Ctx<'_>, id: &ReleaseId) -> Result<Vec<Version>, OpError> {
    let mut entries = cx.store.read(|tx| journal::list_about(tx, &id.to_string(), u32::MAX))?;
    entries.sort_by_key(|entry| entry.seq);
    let mut versions = Vec::new();
    let mut before = Plan::default();
    for entry in entries {
        let Ok(body) = serde_json::from_str::<Body>(&entry.body) else { continue };
        let after = body.after.clone().and_then(|after| serde_json::from_value::<Release>(after).ok());
        let Some(after) = after.filter(|after| after.id == *id) else { continue };
        if after.plan.says(&before) {
            continue;
        }
        versions.push(Version {
            number: after.plan.version,
            by: body.actor.name().to_owned(),
            at: entry.at,
            reason: body.reason.clone(),
            changes: told(&before, &after.plan),
        });
        before = after.plan;
    }
    Ok(versions)
}

fn told(before: &Plan, after: &Plan) -> Vec<String> {
    let value = |plan: &Plan| serde_json::to_value(Plan { version: 0, ..plan.clone() }).unwrap_or_default();
    let (before, after) = (value(before), value(after));
    differences(&before, &after)
        .into_iter()
        .map(|field| {
            let shown = |value: &serde_json::Value| match value.get(&field) {
                None | Some(serde_json::Value::Null) => "–".to_owned(),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            format!("{field}: {} → {}", shown(&before), shown(&after))
        })
        .collect()
}
