//! `relman undo`

use std::time::Duration;

use super::args::Undo;
use super::{Session, exit};
use crate::domain::moment::Moment;
use crate::ops::undo::{self, Way};
use crate::ops::{OpError, audit};

/// What was done longer ago is named by its entry.
const LATELY: Duration = Duration::from_hours(1);

pub(super) fn undo(session: &mut Session, args: &Undo) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let undone = match args.entry {
        Some(entry) => undo::one(&cx, entry)?,
        None => {
            // A journal that is younger holds nothing older.
            let since = audit::seq_of(&cx, Moment::At(cx.now.minus(LATELY))).unwrap_or(0);
            let way = if args.redo { Way::Redo } else { Way::Undo };
            undo::last(&cx, since, way)?
        }
    };
    if session.out.is_json() {
        session.out.json("undone", &undone);
    } else {
        session.out.line(undone.told());
    }
    Ok(exit::OK)
}
