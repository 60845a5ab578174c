//! Takes the terminal and gives it back: on every way out, exactly what was taken.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute, terminal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Whether the modes are on: leaving twice (a panic during leaving) must not undo somebody else's.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Puts the terminal into the panes' modes.
pub(super) fn enter() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, cursor::Hide)
}

/// Undoes [`enter`]. Never panics: the terminal may be gone.
pub(super) fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _gone =
        execute!(io::stdout(), DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _gone = terminal::disable_raw_mode();
    let _gone = io::stdout().flush();
}

/// Holds the terminal for as long as it lives.
pub(super) struct Guard;

impl Guard {
    /// Takes the terminal and makes sure that a panic on any thread gives it back before it is reported.
    pub(super) fn take() -> io::Result<Self> {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            previous(panic);
            let mut out = io::stderr().lock();
            let _gone =
                writeln!(out, "relman broke down; your deployments keep running, relman shows them again");
            std::process::exit(1);
        }));
        enter()?;
        Ok(Self)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Ends the process soon after the terminal has gone away, whatever the other threads do: the event reader would
/// otherwise spin at full speed for ever when no signal tells us (crossterm 0.29).
pub(super) fn watch_for_hang_up() {
    std::thread::spawn(|| {
        let stdin = io::stdin();
        loop {
            let mut waiting = [PollFd::new(stdin.as_fd(), PollFlags::empty())];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                Err(_) => return,
                Ok(_) => {}
            }
            let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
            if waiting[0].revents().is_some_and(|events| events.intersects(gone)) {
                crate::host::clock::wait(Duration::from_millis(500));
                std::process::exit(128 + 1);
            }
        }
    });
}

/// Stops the process as Ctrl-Z does, with the terminal given back meanwhile.
pub(super) fn suspend() -> io::Result<()> {
    leave();
    let stopped = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
    stopped.map_err(io::Error::from)?;
    enter()
}
