//! Changing a freeze: a new revision of it, with what it was on record (FRZ-13).

use serde::Serialize;

use super::impact::{Impact, impact};
use super::{NewFreeze, drafted, find, name_is_free};
use crate::domain::freeze::Freeze;
use crate::domain::journal::Verb;
use crate::domain::right::Right;
use crate::domain::text::{fit, free};
use crate::ops::{Ctx, ErrorKind, OpError, facts};
use crate::store::{Tx, freezes, journal};

/// What a freeze is to be from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct EditFreeze {
    /// Its id or its name.
    pub freeze: String,
    /// The revision that whoever changes it has seen.
    pub seen: i64,
    pub new: NewFreeze,
    /// Why; must be said where it closes something now.
    pub reason: Option<String>,
}

/// What became of it, and what it hits now.
#[derive(Debug, Clone, Serialize)]
pub struct Edited {
    pub before: Freeze,
    pub freeze: Freeze,
    pub impact: Impact,
}

pub fn edit(cx: &Ctx<'_>, edit: &EditFreeze) -> Result<Edited, OpError> {
    cx.act(Verb::FreezeChanged, fit(&edit.freeze, 100), |tx| {
        let (id, before, freeze, reason) = changed(tx, cx, edit)?;
        // What it leaves open takes the right as much as what it closes.
        cx.may_in(Right::Freeze, &before.scope)?;
        cx.may_in(Right::Freeze, &freeze.scope)?;
        if !freezes::update(tx, id, &freeze, before.revision)? {
            return Err(meanwhile(&before));
        }
        let entry = cx.entry(Verb::FreezeChanged, id).because(reason.as_deref());
        journal::append(tx, entry.before(&before).after(&freeze))?;
        let impact = impact(tx, cx, &freeze)?;
        Ok(Edited { before, freeze, impact })
    })
}

/// Sets a freeze aside, or lets it close again what it closes.
pub fn suspend(cx: &Ctx<'_>, wanted: &str, suspended: bool, reason: &str) -> Result<Edited, OpError> {
    let known = super::known(cx, wanted)?;
    if known.suspended == suspended {
        let what = if suspended { "is suspended already" } else { "is in force; there is nothing to resume" };
        return Err(OpError::conflict(format!("\"{}\" {what}", known.name)));
    }
    let new = NewFreeze { suspended, ..NewFreeze::of(&known) };
    edit(
        cx,
        &EditFreeze { freeze: wanted.to_owned(), seen: known.revision, new, reason: Some(reason.to_owned()) },
    )
}

/// What the change would lead to, without making it.
pub fn preview(cx: &Ctx<'_>, edit: &EditFreeze) -> Result<Edited, OpError> {
    cx.store.read(|tx| {
        let (_, before, freeze, _) = changed(tx, cx, edit)?;
        let impact = impact(tx, cx, &freeze)?;
        Ok(Edited { before, freeze, impact })
    })
}

type Changed = (crate::domain::ids::FreezeId, Freeze, Freeze, Option<String>);

fn changed(tx: &Tx<'_>, cx: &Ctx<'_>, edit: &EditFreeze) -> Result<Changed, OpError> {
    let (id, before) = find(tx, cx, &edit.freeze)?;
    if before.revision != edit.seen {
        return Err(meanwhile(&before));
    }
    let reason = edit.reason.as_deref().map(|text| free("reason", text, 2000)).transpose()?;
    if !before.suspended && before.covers(cx.now) && reason.is_none() {
        let sentence =
            format!("\"{}\" closes {} now: say why it is changed", before.name, before.scope.describe());
        return Err(OpError::new(ErrorKind::Usage, sentence).hint("give --reason \"…\""));
    }
    let new = drafted(cx, &edit.new)?;
    let freeze = Freeze {
        origin: before.origin,
        uid: edit.new.uid.clone().or_else(|| before.uid.clone()),
        created_by: before.created_by.clone(),
        revision: before.revision,
        ..new
    };
    if freeze == before {
        return Err(OpError::conflict(format!("nothing about \"{}\" would change", before.name)));
    }
    name_is_free(&facts::freezes(tx, cx)?, &freeze)?;
    let freeze = Freeze { revision: before.revision + 1, ..freeze };
    Ok((id, before, freeze, reason))
}

fn meanwhile(freeze: &Freeze) -> OpError {
    OpError::conflict(format!("somebody has changed \"{}\" meanwhile; nothing was changed", freeze.name))
        .hint("look at it again: relman freeze list")
}
