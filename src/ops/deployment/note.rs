//! Writes a note beside the output of a deployment.

use crate::domain::ids::DeploymentId;
use crate::domain::journal::Verb;
use crate::domain::note::Note;
use crate::domain::text::free;
use crate::ops::{Ctx, OpError};
use crate::store::{journal, notes};

/// Everybody may, at any time: what was seen at three in the morning belongs beside what was printed.
pub fn add(cx: &Ctx<'_>, id: DeploymentId, text: &str) -> Result<Note, OpError> {
    let text = free("note", text, 2000)?;
    let offset = cx.machine.log_size(id);
    cx.act(Verb::NoteAdded, id, |tx| {
        super::known(tx, id)?;
        let note =
            Note { deployment: id, at: cx.now, by: cx.actor.person.clone(), offset, text: text.clone() };
        notes::insert(tx, &note)?;
        journal::append(tx, cx.entry(Verb::NoteAdded, id).because(Some(&text)).after(&note))?;
        Ok(note)
    })
}
