//! Verbs on freezes: add (also at once: stop the line), remove.

use crate::domain::freeze::{Freeze, FreezeOrigin, Scope};
use crate::domain::ids::FreezeId;
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::domain::text::free;
use crate::domain::time::{Tz, Window};
use crate::ops::{Ctx, OpError, facts};
use crate::store::{deployments, freezes, journal};

/// What a stop of the line is called where nobody gives it another name.
pub const STOP_THE_LINE: &str = "Stop the line";

/// A freeze to be written down.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFreeze {
    pub name: String,
    /// Whether a number is put behind a name that is taken: who stops the line a second time has no time to think of
    /// another one.
    pub numbered: bool,
    pub reason: String,
    pub scope: Scope,
    pub window: Window,
    pub zone: Tz,
}

/// The new freeze and the deployments of its scope that go on running: a freeze blocks starts only.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Added {
    pub freeze: Freeze,
    pub still_running: Vec<crate::domain::deployment::Deployment>,
}

pub fn add(cx: &Ctx<'_>, new: &NewFreeze) -> Result<Added, OpError> {
    let freeze = Freeze {
        origin: FreezeOrigin::Config,
        name: free("name", &new.name, 100)?,
        reason: free("reason", &new.reason, 2000)?,
        scope: new.scope.clone(),
        window: new.window,
        zone: new.zone,
        created_by: Some(cx.actor.name().to_owned()),
    };
    if freeze.is_over(cx.now) {
        return Err(OpError::new(crate::ops::ErrorKind::Usage, "the freeze would be over before it began")
            .hint("give an --end in the future"));
    }
    if let Some(why) = cx.policy.misfit(&freeze.scope) {
        return Err(OpError::new(crate::ops::ErrorKind::Usage, why)
            .hint("name what relman.toml names, or use a pattern: * for all"));
    }
    cx.act(Verb::FreezeAdded, &freeze.name, |tx| {
        cx.may_in(Right::Freeze, &freeze.scope)?;
        let standing = facts::freezes(tx, cx)?;
        let mut freeze = freeze.clone();
        let mut number = 2;
        while new.numbered && standing.iter().any(|known| known.name == freeze.name) {
            freeze.name = format!("{} {number}", new.name);
            number += 1;
        }
        if let Some(known) = standing.into_iter().find(|known| known.name == freeze.name) {
            return Err(OpError::conflict(format!(
                "there is a freeze \"{}\" already ({}); two of one name could not be told apart",
                known.name,
                known.handle()
            ))
            .hint("choose another name"));
        }
        let id = freezes::insert(tx, &freeze, cx.actor.name(), cx.now)?;
        freeze.origin = FreezeOrigin::Store(id);
        let entry = cx.entry(Verb::FreezeAdded, id).because(Some(&freeze.reason)).after(&freeze);
        journal::append(tx, entry)?;
        let covered = |d: &crate::domain::deployment::Deployment| {
            d.state.is_live() && freeze.scope.covers(&d.release.service, &d.environment)
        };
        let still_running = deployments::list_active(tx)?.into_iter().filter(covered).collect();
        Ok(Added { freeze, still_running })
    })
}

/// Takes a freeze of the store away, named by its id or its name.
pub fn remove(cx: &Ctx<'_>, wanted: &str, reason: Option<&str>) -> Result<Freeze, OpError> {
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    cx.act(Verb::FreezeRemoved, crate::domain::text::fit(wanted, 100), |tx| {
        let standing = facts::freezes(tx, cx)?;
        let id = wanted.parse::<FreezeId>().ok().map(FreezeOrigin::Store);
        // A number means the freeze of that number, whatever others are called.
        let by_id = standing.iter().find(|freeze| Some(freeze.origin) == id);
        let found = by_id.or_else(|| standing.iter().find(|freeze| freeze.name == wanted));
        let Some(freeze) = found.cloned() else {
            let shown = crate::domain::text::quoted(wanted, 60);
            return Err(
                OpError::not_found(format!("freeze {shown}")).hint("see them with: relman freeze list")
            );
        };
        let FreezeOrigin::Store(id) = freeze.origin else {
            return Err(OpError::conflict(format!("\"{}\" is written in relman.toml", freeze.name))
                .hint("take its [[freezes]] section out there"));
        };
        cx.may_in(Right::Freeze, &freeze.scope)?;
        freezes::remove(tx, id, cx.actor.name(), cx.now)?;
        let entry = cx.entry(Verb::FreezeRemoved, id).because(reason.as_deref()).before(&freeze);
        journal::append(tx, entry)?;
        Ok(freeze)
    })
}
