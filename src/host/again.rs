//! This program once more, in the foreground, for one command.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::Arc;

/// From now on Ctrl-C ends what runs in the foreground and not this process, which waits for it.
pub fn leave_interrupts_to_children() {
    // Heard and left alone. Unlike a signal that is ignored, one that is heard ends a child.
    let _heard = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default());
}

#[expect(clippy::disallowed_methods, reason = "host/ is where programs are started")]
/// Runs it with these arguments on this terminal; returns its exit code.
pub fn run(arguments: &[String]) -> Result<i32, String> {
    // Also after an upgrade has taken its file away.
    let own = "/proc/self/exe";
    let ended =
        Command::new(own).args(arguments).status().map_err(|why| format!("it did not start: {why}"))?;
    Ok(ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or(0)))
}
