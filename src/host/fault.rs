//! Named points at which tests let a process die, fail or stop, so that crash tests are deterministic.

/// Does nothing in a release build. In a test build `RELMAN_CRASH_AT=name` ends the process here as `kill -9`
/// would, and `RELMAN_PAUSE_AT=name` stops it as `kill -STOP` would.
#[inline]
pub fn point(name: &str) {
    #[cfg(feature = "test-hooks")]
    {
        use nix::sys::signal::{Signal, raise};
        let is = |variable| super::environment::test_hook(variable).as_deref() == Some(name);
        if is("RELMAN_CRASH_AT") {
            raise(Signal::SIGKILL).expect("a process may kill itself");
        }
        if is("RELMAN_PAUSE_AT") {
            raise(Signal::SIGSTOP).expect("a process may stop itself");
        }
    }
    #[cfg(not(feature = "test-hooks"))]
    let _unused = name;
}
