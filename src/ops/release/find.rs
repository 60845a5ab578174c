//! Finds the release a person means: exact, the latest of a service, or a unique beginning.

use crate::domain::ids::{EnvName, ReleaseId, ReleaseRef, ServiceName};
use crate::domain::release::Release;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, deployments, releases};

pub fn find(cx: &Ctx<'_>, wanted: &ReleaseRef) -> Result<ReleaseId, OpError> {
    match wanted {
        ReleaseRef::Live { service, environment, previous } => {
            let known = cx.service(service)?;
            let goal = known.pipeline.goal().environments.first();
            let env = environment
                .as_ref()
                .or(goal)
                .ok_or_else(|| OpError::not_found(format!("goal of {service}")))?;
            if !known.pipeline.contains(env) {
                return Err(OpError::not_in_pipeline(known, env));
            }
            cx.store.read(|tx| live_in(tx, service, env, *previous))
        }
        _ => cx.store.read(|tx| find_in(tx, wanted)),
    }
}

/// What is live there, or what was before that (REL-10).
fn live_in(tx: &Tx<'_>, service: &ServiceName, env: &EnvName, previous: bool) -> Result<ReleaseId, OpError> {
    let good = deployments::list_known_good(tx, service, env, 2)?;
    let found = good.get(usize::from(previous)).map(|d| d.release.clone());
    found.ok_or_else(|| {
        let what = if previous { "release before the one that is live" } else { "release that is live" };
        OpError::not_found(format!("{what} in {env} of {service}")).hint("see what runs where: relman status")
    })
}

fn find_in(tx: &Tx<'_>, wanted: &ReleaseRef) -> Result<ReleaseId, OpError> {
    let listing = "list them with: relman release list";
    match wanted {
        // What reads as a whole version may also be the beginning of one: 1.0.0-r of 1.0.0-rc.1.
        ReleaseRef::Exact(id) => match releases::find(tx, id)? {
            Some(release) => Ok(release.id),
            None => match releases::list_ids_like(tx, &id.to_string(), 2)?.as_slice() {
                [one] => Ok(one.clone()),
                _ => Err(OpError::not_found(format!("release {id}")).hint(listing)),
            },
        },
        ReleaseRef::Latest(service) => {
            // Highest version, not newest row: a patch of an old line may be registered last.
            let all = releases::list_of(tx, service, 10_000)?;
            let latest = all
                .into_iter()
                .map(|release: Release| release.id)
                .reduce(|best, other| if other.version.outranks(&best.version) { other } else { best });
            latest.ok_or_else(|| OpError::not_found(format!("release of {service}")).hint(listing))
        }
        // Asked of the pipeline, above.
        ReleaseRef::Live { service, .. } => Err(OpError::not_found(format!("live release of {service}"))),
        ReleaseRef::Prefix(prefix) => {
            let found = releases::list_ids_like(tx, prefix, 6)?;
            match found.as_slice() {
                [] => Err(OpError::not_found(format!("release that begins with {prefix}")).hint(listing)),
                [one] => Ok(one.clone()),
                several => {
                    let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                    Err(OpError::new(
                        crate::ops::ErrorKind::Usage,
                        format!("{prefix} fits more than one release: {}", names.join(", ")),
                    )
                    .hint("write more of it"))
                }
            }
        }
    }
}
