//! Verbs on freezes: add (also at once: stop the line), change, remove.

pub mod edit;
pub mod impact;
pub mod import;

use crate::domain::freeze::{Freeze, FreezeOrigin, Running, Scope, Stops};
use crate::domain::ids::FreezeId;
use crate::domain::journal::Verb;
use crate::domain::recurrence::Recurrence;
use crate::domain::right::Right;
use crate::domain::text::free;
use crate::domain::time::{Tz, Window};
use crate::ops::{Ctx, OpError, facts};
use crate::store::{Tx, freezes, journal};

use self::impact::Impact;

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
    /// The window; of one that repeats the first, which the rule may move.
    pub window: Window,
    pub zone: Tz,
    pub repeats: Option<Recurrence>,
    pub running: Running,
    pub stops: Stops,
    pub suspended: bool,
    /// What the calendar it comes from calls it.
    pub uid: Option<String>,
}

impl NewFreeze {
    /// What is known, to be written down again with changes.
    pub fn of(known: &Freeze) -> Self {
        Self {
            name: known.name.clone(),
            numbered: false,
            reason: known.reason.clone(),
            scope: known.scope.clone(),
            window: known.window,
            zone: known.zone,
            repeats: known.repeats.clone(),
            running: known.running,
            stops: known.stops,
            suspended: known.suspended,
            uid: known.uid.clone(),
        }
    }

    /// One that closes once and lets run what runs.
    pub fn once(name: &str, reason: &str, scope: Scope, window: Window, zone: Tz) -> Self {
        Self {
            name: name.to_owned(),
            numbered: false,
            reason: reason.to_owned(),
            scope,
            window,
            zone,
            repeats: None,
            running: Running::Finish,
            stops: Stops::All,
            suspended: false,
            uid: None,
        }
    }
}

/// The new freeze and what it hits.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Added {
    pub freeze: Freeze,
    pub impact: Impact,
}

/// The freeze as it would be recorded, or why it has no sense.
fn drafted(cx: &Ctx<'_>, new: &NewFreeze) -> Result<Freeze, OpError> {
    let first = new.repeats.as_ref().and_then(|repeats| repeats.first(new.zone));
    let freeze = Freeze {
        origin: FreezeOrigin::Config,
        name: free("name", &new.name, 100)?,
        reason: free("reason", &new.reason, 2000)?,
        scope: new.scope.clone(),
        window: first.unwrap_or(new.window),
        zone: new.zone,
        repeats: new.repeats.clone(),
        running: new.running,
        stops: new.stops,
        suspended: new.suspended,
        uid: new.uid.clone(),
        revision: 0,
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
    Ok(freeze)
}

pub fn add(cx: &Ctx<'_>, new: &NewFreeze) -> Result<Added, OpError> {
    let freeze = drafted(cx, new)?;
    cx.act(Verb::FreezeAdded, &freeze.name, |tx| {
        cx.may_in(Right::Freeze, &freeze.scope)?;
        let standing = facts::freezes(tx, cx)?;
        let mut freeze = freeze.clone();
        if let Some(twin) = standing.iter().find(|one| new.uid.is_some() && one.uid == new.uid) {
            let sentence =
                format!("somebody has imported it meanwhile: \"{}\" ({})", twin.name, twin.handle());
            return Err(OpError::conflict(sentence).hint("import the file again"));
        }
        let mut number = 2;
        while new.numbered && standing.iter().any(|known| known.name == freeze.name) {
            freeze.name = format!("{} {number}", new.name);
            number += 1;
        }
        name_is_free(&standing, &freeze)?;
        let id = freezes::insert(tx, &freeze, cx.actor.name(), cx.now)?;
        freeze.origin = FreezeOrigin::Store(id);
        let entry = cx.entry(Verb::FreezeAdded, id).because(Some(&freeze.reason)).after(&freeze);
        journal::append(tx, entry)?;
        let impact = impact::impact(tx, cx, &freeze)?;
        Ok(Added { freeze, impact })
    })
}

/// Two of one name could not be told apart.
pub(in crate::ops) fn name_is_free(standing: &[Freeze], freeze: &Freeze) -> Result<(), OpError> {
    let taken = |known: &Freeze| known.name == freeze.name && known.origin != freeze.origin;
    let is_new = freeze.origin == FreezeOrigin::Config;
    let known = standing.iter().find(|known| taken(known) || (is_new && known.name == freeze.name));
    let Some(known) = known else { return Ok(()) };
    Err(OpError::conflict(format!(
        "there is a freeze \"{}\" already ({}); two of one name could not be told apart",
        known.name,
        known.handle()
    ))
    .hint("choose another name"))
}

/// The freeze of that id or name, wherever it is written down.
pub fn known(cx: &Ctx<'_>, wanted: &str) -> Result<Freeze, OpError> {
    cx.store.read(|tx| named(tx, cx, wanted))
}

fn named(tx: &Tx<'_>, cx: &Ctx<'_>, wanted: &str) -> Result<Freeze, OpError> {
    let standing = facts::freezes(tx, cx)?;
    let id = wanted.parse::<FreezeId>().ok().map(FreezeOrigin::Store);
    // A number means the freeze of that number, whatever others are called.
    let by_id = standing.iter().find(|freeze| Some(freeze.origin) == id);
    let found = by_id.or_else(|| standing.iter().find(|freeze| freeze.name == wanted));
    found.cloned().ok_or_else(|| {
        let shown = crate::domain::text::quoted(wanted, 60);
        OpError::not_found(format!("freeze {shown}")).hint("see them with: relman freeze list")
    })
}

/// The freeze of the store that is named by its id or its name.
fn find(tx: &Tx<'_>, cx: &Ctx<'_>, wanted: &str) -> Result<(FreezeId, Freeze), OpError> {
    let freeze = named(tx, cx, wanted)?;
    let FreezeOrigin::Store(id) = freeze.origin else {
        return Err(OpError::conflict(format!("\"{}\" is written in relman.toml", freeze.name))
            .hint("take its [[freezes]] section out there"));
    };
    Ok((id, freeze))
}

/// Takes a freeze of the store away, named by its id or its name.
pub fn remove(cx: &Ctx<'_>, wanted: &str, reason: Option<&str>) -> Result<Freeze, OpError> {
    let reason = reason.map(|text| free("reason", text, 2000)).transpose()?;
    cx.act(Verb::FreezeRemoved, crate::domain::text::fit(wanted, 100), |tx| {
        let (id, freeze) = find(tx, cx, wanted)?;
        cx.may_in(Right::Freeze, &freeze.scope)?;
        freezes::remove(tx, id, cx.actor.name(), cx.now)?;
        let entry = cx.entry(Verb::FreezeRemoved, id).because(reason.as_deref()).before(&freeze);
        journal::append(tx, entry)?;
        Ok(freeze)
    })
}
