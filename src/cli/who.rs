//! `relman who`

use super::args::Who;
use super::{Session, exit};
use crate::domain::session::{self, short_tty};
use crate::domain::time::{relative, span};
use crate::ops::{OpError, presence};

pub(super) fn who(session: &mut Session, args: &Who) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    if let Some(text) = &args.say {
        let said = presence::say(&cx, text)?;
        if session.out.is_json() {
            session.out.json("said", &said);
        } else if said.to.is_empty() {
            session.out.note("nobody has the panes open; who opens them within a day finds it with !");
        } else {
            session.out.line(format!("said to {}", said.to.join(", ")));
        }
        return Ok(exit::OK);
    }
    let sessions = presence::list(&cx)?;
    if session.out.is_json() {
        session.out.json("sessions", &sessions);
        return Ok(exit::OK);
    }
    if sessions.is_empty() {
        session.out.note("nobody has the panes open");
        return Ok(exit::OK);
    }
    let row = |s: &session::Session| {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        vec![
            s.person.human().to_owned(),
            or_dash(s.tty.as_deref().map(|tty| short_tty(tty).to_owned())),
            or_dash(s.client.clone()),
            relative(s.since, cx.now),
            or_dash(s.idle(cx.now).map(span)),
            s.focus.sentence(),
        ]
    };
    let rows = sessions.iter().map(row).collect();
    session.out.table(&["WHO", "ON", "FROM", "IN SINCE", "IDLE", "LOOKS AT"], rows);
    Ok(exit::OK)
}
