//! Named points at which tests let a process die or stop, so that crash tests are deterministic.

/// In a test build `RELMAN_CRASH_AT=name` ends the process here as `kill -9` would, and `RELMAN_PAUSE_AT=name` stops
/// it as `kill -STOP` would. `RELMAN_CRASH_ONCE=name:FILE` ends only the first one that gets here: it makes the file.
#[cfg(feature = "test-hooks")]
pub fn point(name: &str) {
    use nix::sys::signal::{Signal, raise};
    let is = |variable| super::environment::test_hook(variable).as_deref() == Some(name);
    if is("RELMAN_CRASH_AT") {
        raise(Signal::SIGKILL).expect("a process may kill itself");
    }
    let once = super::environment::test_hook("RELMAN_CRASH_ONCE").unwrap_or_default();
    if let Some((_, file)) = once.split_once(':').filter(|(wanted, _)| *wanted == name)
        && std::fs::OpenOptions::new().write(true).create_new(true).open(file).is_ok()
    {
        raise(Signal::SIGKILL).expect("a process may kill itself");
    }
    if is("RELMAN_PAUSE_AT") {
        raise(Signal::SIGSTOP).expect("a process may stop itself");
    }
}

/// Nothing: a release build has no such points.
#[cfg(not(feature = "test-hooks"))]
pub fn point(_name: &str) {}
