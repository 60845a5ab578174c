//! Who has the panes open and what they look at. Information, never a lock; nothing of it is in the journal.
//!
//! [`tell`] writes what one session is on and takes away the rows of dead ones; [`list`] reads who lives. A store that is
//! busy or cannot be written is left alone: presence never disturbs anybody.

use std::time::Duration;

use serde::Serialize;

use super::{Ctx, OpError};
use crate::domain::session::{Call, Session};
use crate::domain::text::{free, one_line};
use crate::store::{Tx, sessions};

/// So long a line can be read by those who come in.
const CALLS: Duration = Duration::from_secs(24 * 3600);

/// Whether its process still runs, as far as can be seen from here.
pub fn lives(cx: &Ctx<'_>, session: &Session) -> bool {
    if session.host != cx.machine.host() {
        return cx.now.since(session.active_at) < Session::UNSEEN;
    }
    session.boot == cx.machine.boot() && cx.machine.script_runs(session.process)
}

/// Writes down what a session is on, unless somebody else is writing, and takes dead ones away. Returns whether it was
/// written.
pub fn tell(cx: &Ctx<'_>, session: &Session) -> bool {
    let known = cx.store.read(sessions::list).unwrap_or_default();
    let dead: Vec<Session> = known.into_iter().filter(|other| !lives(cx, other)).collect();
    let written = cx.store.write_if_free(|tx| {
        dead.iter().try_for_each(|dead| sessions::remove(tx, dead))?;
        sessions::put(tx, session)
    });
    written.is_ok()
}

/// Takes away what is left of these that are dead, and says whether one was.
pub fn sweep(cx: &Ctx<'_>, known: &[Session]) -> bool {
    let dead: Vec<&Session> = known.iter().filter(|session| !lives(cx, session)).collect();
    if dead.is_empty() {
        return false;
    }
    // Where the store is busy the next one who tells something does it.
    let _left = cx.store.write_if_free(|tx| dead.iter().try_for_each(|dead| sessions::remove(tx, dead)));
    true
}

/// Sessions whose process lives, in the order in which they came in.
pub fn list(cx: &Ctx<'_>) -> Result<Vec<Session>, OpError> {
    Ok(cx.store.read(|tx| listed(tx, cx))?)
}

/// The same within a read.
pub fn listed(tx: &Tx<'_>, cx: &Ctx<'_>) -> Result<Vec<Session>, crate::store::StoreError> {
    let mut known = sessions::list(tx)?;
    known.retain(|session| lives(cx, session));
    Ok(known)
}

/// What was said, and who is in to read it.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    pub text: String,
    pub to: Vec<String>,
}

/// Says a line to everybody who has the panes open.
pub fn say(cx: &Ctx<'_>, text: &str) -> Result<Said, OpError> {
    let text = one_line(&free("message", text, Call::LONGEST)?);
    let by = cx.actor.person.clone();
    let call = Call { id: 0, at: cx.now, by, text };
    cx.store.write_quietly(|tx| sessions::call(tx, &call, cx.now.minus(CALLS)))?;
    let mut to: Vec<String> = list(cx)?.iter().map(|session| session.person.human().to_owned()).collect();
    to.sort();
    to.dedup();
    Ok(Said { text: call.text, to })
}

/// The newest line that was said within the last day.
pub fn heard(cx: &Ctx<'_>) -> Result<Option<Call>, OpError> {
    Ok(cx.store.read(|tx| sessions::find_call(tx, cx.now.minus(CALLS)))?)
}
