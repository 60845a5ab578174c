//! `relman rights [PERSON]`

use super::out::Tone;
use super::{Session, args, exit};
use crate::domain::actor::Person;
use crate::host::people;
use crate::ops::OpError;
use crate::ops::view::rights::of;

pub(super) fn rights(session: &mut Session, args: args::Rights) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let person = match args.person {
        // Whoever has that account: nobody is anybody else's login here.
        Some(name) => Person { uid: people::uid_of(&name).unwrap_or(u32::MAX), name, login: None },
        None => cx.actor.person.clone(),
    };
    let rows = of(&cx, &person);
    let is_known = person.uid != u32::MAX;
    if session.out.is_json() {
        session.out.json(
            "rights",
            &serde_json::json!({ "person": person.human(), "has_account": is_known, "rights": rows }),
        );
        return Ok(exit::OK);
    }
    if !is_known {
        session.out.note(&format!("there is no account {} on this machine", person.name));
    }
    let table = rows
        .into_iter()
        .map(|row| {
            let may = match row.may {
                true => session.out.paint(Tone::Good, "yes"),
                false => session.out.paint(Tone::Bad, "no"),
            };
            let ask = if row.may || row.people.is_empty() { String::new() } else { row.people.join(", ") };
            vec![row.right, row.place, may, row.why, ask]
        })
        .collect();
    session.out.table(&["RIGHT", "WHERE", "MAY", "BECAUSE", "ASK"], table);
    Ok(exit::OK)
}
