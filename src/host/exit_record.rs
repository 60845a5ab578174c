//! The exit record: how a deployment ended, written before the store hears of it.
//!
//! 4096 bytes are reserved when the deployment starts and overwritten in place at its end, so that a full disk
//! cannot lose the outcome. The text is one line of JSON, a line with its SHA-256, and padding: a torn write does
//! not verify and counts as no record.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use nix::fcntl::posix_fallocate;
use serde::{Deserialize, Serialize};

use crate::domain::deployment::Outcome;
use crate::domain::digest::Digest;
use crate::domain::ids::DeploymentId;
use crate::domain::text::fit;

const SIZE: usize = 4096;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    deployment: DeploymentId,
    epoch: i64,
    outcome: Outcome,
}

/// Reserves the room.
pub fn prepare(path: &Path) -> io::Result<File> {
    let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o640))?;
    posix_fallocate(&file, 0, 4096)?;
    file.sync_all()?;
    Ok(file)
}

/// Writes the outcome into the reserved room and waits until it is on the disk.
pub fn write(file: &File, deployment: DeploymentId, epoch: i64, outcome: &Outcome) -> io::Result<()> {
    let mut outcome = outcome.clone();
    // What may be long is cut: the store has it whole, and this is read when there is no store.
    outcome.failed_step = outcome.failed_step.map(|step| fit(&step, 300));
    outcome.cause = outcome.cause.brief(300);
    let text = loop {
        let line = serde_json::to_string(&Record { deployment, epoch, outcome: outcome.clone() })?;
        let text = format!("{line}\n{}\n", Digest::of(line.as_bytes()));
        if text.len() <= SIZE {
            break text;
        }
        if outcome.left_running.pop().is_none() {
            return Err(io::Error::other("the outcome does not fit its record"));
        }
    };
    let mut block = text.into_bytes();
    block.resize(SIZE, b' ');
    file.write_all_at(&block, 0)?;
    file.sync_data()
}

/// The outcome, if the record is whole and belongs to this attempt.
pub fn read(path: &Path, deployment: DeploymentId, epoch: i64) -> Option<Outcome> {
    let file = super::regular::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(SIZE as u64).read_to_end(&mut bytes).ok()?;
    let text = std::str::from_utf8(bytes.get(..SIZE)?).ok()?;
    let mut lines = text.lines();
    let (line, digest) = (lines.next()?, lines.next()?);
    if Digest::of(line.as_bytes()).as_str() != digest {
        return None;
    }
    let record: Record = serde_json::from_str(line).ok()?;
    (record.deployment == deployment && record.epoch == epoch).then_some(record.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deployment::{Cause, DeploymentState};
    use crate::domain::time::Timestamp;

    fn outcome() -> Outcome {
        Outcome {
            state: DeploymentState::Failed,
            cause: Cause::Exit { code: 3 },
            failed_step: Some("deploy".into()),
            at: Timestamp::from_millis(5),
            log_size: 12,
            log_digest: Digest::of(b"log"),
            log_dropped: 0,
            left_running: (0..200).map(|n| format!("{n}: a-process-with-a-name")).collect(),
        }
    }

    #[test]
    fn an_outcome_is_read_back_by_its_own_attempt_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("exit");
        let file = prepare(&path).unwrap();
        assert_eq!(read(&path, DeploymentId(7), 1), None, "an empty record is none");
        write(&file, DeploymentId(7), 1, &outcome()).unwrap();
        let read_back = read(&path, DeploymentId(7), 1).unwrap();
        assert_eq!(read_back.cause, Cause::Exit { code: 3 });
        assert!(!read_back.left_running.is_empty(), "as many as fit are kept");
        assert_eq!(read(&path, DeploymentId(7), 2), None);
        assert_eq!(read(&path, DeploymentId(8), 1), None);
        assert_eq!(path.metadata().unwrap().len(), 4096);
    }

    #[test]
    fn a_torn_record_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("exit");
        let file = prepare(&path).unwrap();
        write(&file, DeploymentId(7), 1, &outcome()).unwrap();
        file.write_all_at(b"x", 20).unwrap();
        assert_eq!(read(&path, DeploymentId(7), 1), None);
    }
}
