//! Looks what really runs somewhere, and puts it beside the record (ENV-2, ENV-3). Each look writes over the one before; what stands
//! in the journal is that it came to differ, or agrees again.

use crate::domain::drift::{self, Observed, State};
use crate::domain::ids::{EnvName, ServiceName};
use crate::domain::journal::Verb;
use crate::domain::policy::ScriptRole;
use crate::ops::{Ctx, OpError};
use crate::store::{deployments, journal, observations};

/// Asks the script of a service what runs there now.
pub fn observe(cx: &Ctx<'_>, service: &ServiceName, env: &EnvName) -> Result<Observed, OpError> {
    let known = cx.service(service)?;
    if !known.pipeline.contains(env) {
        return Err(OpError::not_in_pipeline(known, env));
    }
    if !known.scripts.contains_key(&ScriptRole::Current) {
        return Err(OpError::not_found(format!("current script of {service}")).hint(format!(
            "set scripts = {{ current = [\"…\"] }} in [services.{service}]: it prints the version that runs in \
             $RELMAN_ENVIRONMENT"
        )));
    }
    let facts = |cx: &Ctx<'_>| {
        cx.store.read(|tx| {
            let live = deployments::find_live(tx, service, env)?.map(|live| live.release.version);
            Ok::<_, OpError>((live, deployments::find_active(tx, service, env)?.is_some()))
        })
    };
    let (before, was_active) = facts(cx)?;
    let told = cx.machine.outside().current(known, env).and_then(|text| drift::read(&text));
    // Something may have begun or ended while the script was asked.
    let (recorded, is_active) = facts(cx)?;
    let moved = was_active || is_active || before != recorded;
    let (runs, facts, trouble) = match told {
        Ok(told) => (told.version, told.facts, None),
        Err(why) => (None, std::collections::BTreeMap::new(), Some(crate::domain::text::one_line(&why))),
    };
    let state = match (&trouble, moved) {
        (Some(_), _) => State::Unknown,
        (None, true) => State::Deploying,
        (None, false) => drift::compare(runs.as_deref(), recorded.as_ref()),
    };
    let (service, environment) = (service.clone(), env.clone());
    let by = cx.actor.person.name.clone();
    let found =
        Observed { service, environment, at: cx.now, by, state, told: None, runs, recorded, facts, trouble };
    if cx.policy.readonly {
        return Ok(found);
    }
    keep(cx, &found)?;
    Ok(found)
}

/// Writes it down; where it says something else than the last look that could tell, the journal says so too.
fn keep(cx: &Ctx<'_>, found: &Observed) -> Result<(), OpError> {
    cx.store.write_quietly(|tx| {
        let before = observations::find(tx, &found.service, &found.environment)?;
        let was = before.and_then(|before| before.told);
        let told = if found.state.tells() { Some(found.state) } else { was };
        observations::put(tx, &Observed { told, ..found.clone() })?;
        // What nobody has looked at yet is taken to be as it is recorded.
        if told.unwrap_or(State::InSync) != was.unwrap_or(State::InSync) {
            let subject = format!("{} in {}", found.service, found.environment);
            let entry = cx.entry(Verb::DriftObserved, subject).detail(found);
            journal::append(tx, entry)?;
        }
        Ok::<_, OpError>(())
    })
}

/// The last look at each place.
pub fn last(cx: &Ctx<'_>) -> Result<Vec<Observed>, OpError> {
    Ok(cx.store.read(observations::list)?)
}

/// Where a place differs from the one it is kept like, as far as somebody looked at both.
pub fn unlike(cx: &Ctx<'_>, found: &Observed) -> Result<Vec<String>, OpError> {
    let Some(env) = cx.policy.environments.get(&found.environment) else { return Ok(Vec::new()) };
    let Some(like) = &env.mirrors else { return Ok(Vec::new()) };
    let other = cx.store.read(|tx| observations::find(tx, &found.service, like))?;
    Ok(other.map(|other| drift::differences(found, &other, &env.drift_ignore)).unwrap_or_default())
}
