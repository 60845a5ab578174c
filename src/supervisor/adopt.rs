//! Saves the output of a script whose supervisor is gone.
//!
//! The script holds both ends of its pipe open, so it neither dies nor loses a line; what it prints waits until
//! somebody of the same user reads it. How the script ends cannot be learned this way: that stays a person's task.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use crate::domain::deployment::ProcessRef;
use crate::domain::ids::DeploymentId;
use crate::host::state::State;
use crate::host::{lock, process};

use super::output::{Log, Stream};

/// Reads until nobody writes any more. Only one process does this for a script: what another one saves is left to it.
pub(super) fn save(state: &State, id: DeploymentId, readers: Vec<File>, masks: &[String]) {
    let files = state.files_of(id);
    let (mut mine, mut scripts, mut locks) = (Vec::new(), Vec::new(), Vec::new());
    for reader in readers {
        // Of a script that has ended only what waits in the pipe is to be had, and only by who holds the pipe open.
        if let Some(script) = process::writer_of(&reader) {
            let Ok(Some(lock)) = lock::try_hold(&files.adopter_lock(script)) else { continue };
            locks.push(lock);
            scripts.push(script.pid.to_string());
        }
        mine.push(reader);
    }
    let readers = mine;
    if readers.is_empty() {
        return;
    }
    let Ok(mut log) = Log::open(&files) else { return };
    let of = if scripts.is_empty() { String::new() } else { format!(" of pid {}", scripts.join(", ")) };
    log.say(&format!("the supervisor is gone; the output{of} is saved from here on"));
    let mut streams: Vec<Stream> = readers.iter().map(|_| Stream::new(masks)).collect();
    let (pieces, arrived) = sync_channel(16);
    for (at, reader) in readers.into_iter().enumerate() {
        let pieces = pieces.clone();
        std::thread::spawn(move || pass_on(at, reader, &pieces));
    }
    drop(pieces);
    for (at, bytes) in arrived {
        streams[at].feed(&bytes, &mut log);
    }
    for mut stream in streams {
        stream.finish(&mut log);
    }
    log.say("the script's output has ended; how it ended is not known");
}

/// Reads one pipe to its end.
fn pass_on(at: usize, mut reader: File, pieces: &SyncSender<(usize, Vec<u8>)>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = reader.read(&mut buffer) {
        if read == 0 || pieces.send((at, buffer[..read].to_vec())).is_err() {
            break;
        }
    }
}

/// For a process that was no child of the supervisor: finds the pipe and the secrets in the script itself.
pub(super) fn from_outside(config: &Path, id: DeploymentId, script: ProcessRef) -> Result<(), String> {
    let config = crate::config::load(config).map_err(|problems| problems.to_string())?;
    let state = State::prepare(&config.database).map_err(|error| error.sentence)?;
    let reader = process::open_output_of(script).map_err(|why| why.to_string())?;
    // The values are in the script's own environment; which variables are secret, in the configuration. Masking
    // what another service calls secret does no harm.
    let names = config.policy.services.values().flat_map(|service| &service.secrets);
    let masks: Vec<String> = names.filter_map(|name| process::variable_of(script.pid, name)).collect();
    save(&state, id, vec![reader], &masks);
    Ok(())
}
