//! Lets the thread that reads keys rest while somebody else has the terminal: an editor would lose every other key to it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, raise};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Reads,
    /// Asked to rest.
    Asked,
    Rests,
}

/// One for the process, as there is one terminal.
static PHASE: Mutex<Phase> = Mutex::new(Phase::Reads);
static TURNED: Condvar = Condvar::new();

/// How long the reader may take to notice.
const PATIENCE: Duration = Duration::from_secs(2);

/// Called by the reader between two keys: rests if it was asked to.
pub(super) fn pause() {
    let mut phase = PHASE.lock().unwrap_or_else(PoisonError::into_inner);
    if *phase == Phase::Reads {
        return;
    }
    *phase = Phase::Rests;
    TURNED.notify_all();
    while *phase != Phase::Reads {
        phase = TURNED.wait(phase).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Whether the reader rests now; if it does not, nothing has changed.
pub(super) fn begin() -> bool {
    let mut phase = PHASE.lock().unwrap_or_else(PoisonError::into_inner);
    *phase = Phase::Asked;
    // It waits for a key or for another size: this is as if the size had changed.
    let _woken = raise(Signal::SIGWINCH);
    let waited = TURNED.wait_timeout_while(phase, PATIENCE, |phase| *phase != Phase::Rests);
    let (mut phase, _) = waited.unwrap_or_else(PoisonError::into_inner);
    let rests = *phase == Phase::Rests;
    if !rests {
        *phase = Phase::Reads;
    }
    rests
}

/// The terminal is ours again.
pub(super) fn end() {
    *PHASE.lock().unwrap_or_else(PoisonError::into_inner) = Phase::Reads;
    TURNED.notify_all();
}

/// Whether keys that make signals are meant for somebody else.
pub(super) fn is_away() -> bool {
    *PHASE.lock().unwrap_or_else(PoisonError::into_inner) == Phase::Rests
}
