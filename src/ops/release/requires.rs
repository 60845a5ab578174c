//! What a release may say it requires: other services that are known, and no circle.

use crate::domain::chain;
use crate::domain::ids::ReleaseId;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, releases};

/// Refuses what could never be met.
pub(super) fn check(tx: &Tx<'_>, cx: &Ctx<'_>, id: &ReleaseId, wanted: &[ReleaseId]) -> Result<(), OpError> {
    for other in wanted {
        cx.service(&other.service)?;
        if other.service == id.service {
            let sentence = format!("{id} cannot require its own service");
            return Err(OpError::new(ErrorKind::Usage, sentence).hint("name another service"));
        }
    }
    let mut all = vec![id.clone()];
    let mut known: Vec<(ReleaseId, Vec<ReleaseId>)> = vec![(id.clone(), wanted.to_vec())];
    let mut at = 0;
    // Everything that can be reached over what releases say they require.
    while let Some((_, requires)) = known.get(at).cloned() {
        for other in requires {
            if all.contains(&other) {
                continue;
            }
            let named = releases::find(tx, &other)?.map(|release| release.plan.requires).unwrap_or_default();
            all.push(other.clone());
            known.push((other, named));
        }
        at += 1;
    }
    let before = |release: &ReleaseId| {
        known.iter().find(|(id, _)| id == release).map(|(_, requires)| requires.clone()).unwrap_or_default()
    };
    chain::order(&all, before).map(drop).map_err(|circle| {
        let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
        OpError::conflict(format!("they would wait for each other: {}", names.join(" → ")))
            .hint("take one of these requirements out")
    })
}
