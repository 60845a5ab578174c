//! Waiting for something to become true: with a deadline, and with the last thing seen when it passes.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Generous: the machines that run this are shared.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until the answer fits; panics with the last answer otherwise.
#[track_caller]
pub(crate) fn until<T: Debug>(what: &str, mut ask: impl FnMut() -> T, fits: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if fits(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}; last seen: {answer:#?}");
        pause(Duration::from_millis(15));
    }
}

/// The only sleep there is.
#[expect(clippy::disallowed_methods, reason = "polling for what another process does")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
