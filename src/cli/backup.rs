//! `relman backup FILE` and `relman restore FILE`

use std::fs::File;
use std::io;
use std::path::Path;

use super::args::{Backup, Restore};
use super::audit::Stdout;
use super::{Session, exit};
use crate::config;
use crate::desk::{Desk, file_of};
use crate::domain::actor::Via;
use crate::host::machine::Local;
use crate::host::restore::{Candidate, aside, new_file, nobody_at_work, spooled};
use crate::host::state::State;
use crate::host::{clock, identity};
use crate::ops::{Ctx, ErrorKind, OpError, Store, audit, configured, restore as ops};

pub(super) fn backup(session: &mut Session, args: &Backup) -> Result<u8, OpError> {
    session.touches(&args.file)?;
    let desk = session.desk()?;
    if args.file == Path::new("-") {
        let room = aside(desk.state())?;
        let file = room.path().join("relman.db");
        let head = copied(&desk, &file)?;
        let mut made = File::open(&file).map_err(unreadable)?;
        let sent = io::copy(&mut made, &mut Stdout(session));
        if !session.out.is_broken() {
            sent.map_err(unreadable)?;
            // Stdout is the backup.
            session.out.note(&format!("{} entries; read back and found whole; head {}", head.seq, head.hash));
        }
        return Ok(exit::OK);
    }
    let head = copied(&desk, &args.file)?;
    if session.out.is_json() {
        session.out.json("backup", &serde_json::json!({ "file": args.file, "head": head }));
        return Ok(exit::OK);
    }
    session.out.line(format!("{}: {} entries; read back and found whole", args.file.display(), head.seq));
    session.out.line(format!("head {}", head.hash));
    Ok(exit::OK)
}

fn unreadable(why: io::Error) -> OpError {
    OpError::new(ErrorKind::Failure, format!("the copy cannot be handed on: {why}"))
}

/// Makes a copy of the store in a new file, and reads it back.
fn copied(desk: &Desk, file: &Path) -> Result<audit::Head, OpError> {
    new_file(file)?;
    let cx = desk.cx();
    if let Err(why) = cx.store.copy_to(file) {
        // Half a copy is none.
        let _gone = std::fs::remove_file(file);
        return Err(why.into());
    }
    let copy = Store::open(file)?;
    let head = audit::head(&Ctx { store: &copy, ..cx })?;
    copy.leave_alone()?;
    Ok(head)
}

pub(super) fn restore(session: &mut Session, args: &Restore) -> Result<u8, OpError> {
    session.touches(&args.file)?;
    let config = config::load(&session.config_path()?)
        .map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
    let state = State::prepare(&config.database)?;
    let (actor, now) = (identity::actor(Via::Cli), clock::now());
    nobody_at_work(&state)?;
    let is_piped = args.file == Path::new("-");
    let spooled = is_piped.then(|| spooled(&state, &mut io::stdin().lock())).transpose()?;
    let candidate = Candidate::copy(&state, spooled.as_ref().map_or(&args.file, |file| file.path()))?;
    // One that is damaged or missing is what a restore is for; one that is only in use is not.
    let replaced = match Store::open(state.store()) {
        Ok(current) => {
            let machine = Local::new(state.clone(), config.path.clone());
            let policy = &config.policy;
            let cx = Ctx { store: &current, policy, actor: &actor, machine: &machine, now };
            if state.is_shared() {
                let say = configured::Say::Shared;
                configured::notice(&current, &actor, now, &file_of(&config), policy, say)?;
            }
            ops::permitted(&cx)?;
            Some(ops::let_go(&current)?)
        }
        Err(error) if error.kind == crate::ops::StoreErrorKind::Busy => return Err(error.into()),
        Err(error) => {
            session.out.note(&format!("the store in place could not be opened: {error}"));
            None
        }
    };
    let copy = Store::open(candidate.path())?;
    let restored = ops::prepare(&copy, &actor, now, &args.reason, &args.file, replaced)?;
    drop(copy);
    let stamp = now.utc().format("%Y%m%dT%H%M%S").to_string();
    let kept = candidate.take_over(&state, &stamp, restored.newest)?;
    if session.out.is_json() {
        session.out.json("restored", &serde_json::json!({ "restored": restored, "kept": kept }));
        return Ok(exit::OK);
    }
    session.out.line(format!(
        "restored {}: it ended with entry {}; that it was restored is entry {}",
        args.file.display(),
        restored.from.seq,
        restored.from.seq + 1
    ));
    session.out.line(format!("the store that was in place is kept in {}", kept.display()));
    session.out.note(
        "whoever looked at the store before is told that its history changed: they accept it with: relman audit accept --reason \"…\"",
    );
    Ok(exit::OK)
}
