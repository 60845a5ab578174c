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

/// Whether the mouse is taken while the terminal is, and whether its window has a title of ours.
static MOUSE: AtomicBool = AtomicBool::new(false);
static TITLE: AtomicBool = AtomicBool::new(false);

/// From the next [`enter`] on; what is on now is switched by writing [`mouse`].
pub(super) fn want_mouse(is_taken: bool) {
    MOUSE.store(is_taken, Ordering::SeqCst);
}

/// The title from before is put aside by [`enter`] and put back by [`leave`].
pub(super) fn want_title(is_wanted: bool) {
    TITLE.store(is_wanted, Ordering::SeqCst);
}

/// Clicks and the wheel, not every movement: over a slow line nobody wants those.
pub(super) fn mouse(is_taken: bool) -> &'static str {
    if is_taken { "\u{1b}[?1000h\u{1b}[?1006h" } else { "\u{1b}[?1006l\u{1b}[?1000l" }
}

pub(super) fn title(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
    format!("\u{1b}]2;{text}\u{1b}\\")
}

/// Puts the terminal into the panes' modes.
pub(super) fn enter() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    if TITLE.load(Ordering::SeqCst) {
        io::stdout().write_all(b"\x1b[22;2t")?;
    }
    if MOUSE.load(Ordering::SeqCst) {
        io::stdout().write_all(mouse(true).as_bytes())?;
    }
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, cursor::Hide)
}

/// Gives back what can be given back to a terminal that takes nothing any more.
pub(super) fn give_up() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _gone = terminal::disable_raw_mode();
    }
}

/// Undoes [`enter`]. Never panics: the terminal may be gone.
pub(super) fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    if MOUSE.load(Ordering::SeqCst) {
        let _gone = io::stdout().write_all(mouse(false).as_bytes());
    }
    if TITLE.load(Ordering::SeqCst) {
        let _gone = io::stdout().write_all(b"\x1b[23;2t");
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
