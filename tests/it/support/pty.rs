//! The real program in a pseudo terminal: keys go in, what a terminal would show comes out.
//!
//! The terminal is mute: it never answers a query, as a slow or simple one would not in time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::fmt;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::Signal;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

use super::env::{TestEnv, is_alive, signal};
use super::wait;

/// A terminal with the panes in it.
pub(crate) struct Terminal {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    stalled: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    writer: Option<Box<dyn Write + Send>>,
    slave: Option<Box<dyn SlavePty + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    /// The settings of the terminal before the program began.
    before: String,
}

/// What the program has written.
struct Seen {
    bytes: Vec<u8>,
    parser: vt100::Parser,
}

/// A screen that is printed as it looks.
pub(crate) struct Picture(pub String);

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the screen\n{}\n(end of the screen)", self.0)
    }
}

impl Terminal {
    /// Opens the panes in a UTF-8 terminal of 80x24 with 256 colours.
    pub(crate) fn open(env: &TestEnv) -> Self {
        Self::with(env, (80, 24), &[])
    }

    /// Opens the panes in a terminal of a size, with more variables.
    pub(crate) fn with(env: &TestEnv, size: (u16, u16), vars: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(pty_size(size)).unwrap();
        let before = settings(pair.master.as_ref());
        let like = env.command(&[]);
        let mut command = CommandBuilder::new(like.get_program());
        command.env_clear();
        command.cwd(like.get_current_dir().unwrap());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in like.get_envs() {
            command.env(name, value.unwrap());
        }
        for (name, value) in vars {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let (width, height) = cells(size);
        let seen = Seen { bytes: Vec::new(), parser: vt100::Parser::new(height, width, 0) };
        let seen = Arc::new(Mutex::new(seen));
        let stop = Arc::new(AtomicBool::new(false));
        let stalled = Arc::new(AtomicBool::new(false));
        let ends = (Arc::clone(&stop), Arc::clone(&stalled));
        let reader = watch(pair.master.try_clone_reader().unwrap(), Arc::clone(&seen), ends);
        Self {
            seen,
            stop,
            stalled,
            reader: Some(reader),
            writer: Some(pair.master.take_writer().unwrap()),
            slave: Some(pair.slave),
            master: Some(pair.master),
            child,
            before,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Sends bytes as a keyboard does.
    pub(crate) fn send(&mut self, bytes: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(bytes.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// What the terminal shows now.
    pub(crate) fn picture(&self) -> Picture {
        let all = self.seen().parser.screen().contents();
        Picture(all.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let what = format!("{text:?} on the screen");
        wait::until(&what, || self.picture(), |picture| picture.0.contains(text)).0
    }

    /// Waits until a text is no longer on the screen.
    #[track_caller]
    pub(crate) fn wait_without(&self, text: &str) -> String {
        let what = format!("{text:?} to leave the screen");
        wait::until(&what, || self.picture(), |picture| !picture.0.contains(text)).0
    }

    /// Accepts a dialog: waits the moment without keys that it asks for, and presses again if it was too short.
    #[track_caller]
    pub(crate) fn insist(&mut self, key: &str, text: &str) {
        wait::pause(Duration::from_millis(600));
        self.send(key);
        let too_quick = "too quick to be meant";
        let now = wait::until(
            &format!("{text:?} after {key:?}"),
            || self.picture(),
            |now| now.0.contains(text) || now.0.contains(too_quick),
        );
        if !now.0.contains(text) {
            wait::pause(Duration::from_millis(600));
            self.send(key);
        }
        self.wait_for(text);
    }

    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        let (width, height) = cells(size);
        // Both sides at once: what is drawn in between is for the one or the other.
        let mut seen = self.seen();
        self.master.as_ref().unwrap().resize(pty_size(size)).unwrap();
        seen.parser.set_size(height, width);
    }

    /// How many bytes have come so far.
    pub(crate) fn count(&self) -> usize {
        self.seen().bytes.len()
    }

    /// What has come since then.
    pub(crate) fn since(&self, count: usize) -> String {
        String::from_utf8_lossy(&self.seen().bytes[count..]).into_owned()
    }

    /// Waits until nothing has been written for two seconds, longer than anything in the panes is put off.
    #[track_caller]
    pub(crate) fn until_quiet(&self) -> usize {
        let mut before = None;
        wait::until(
            "the terminal to be quiet",
            || {
                if before.is_some() {
                    wait::pause(Duration::from_secs(2));
                }
                let now = self.count();
                (before.replace(now), now)
            },
            |(before, now)| *before == Some(*now),
        )
        .1
    }

    /// Whether the alternate screen, bracketed paste and a hidden cursor are on.
    pub(crate) fn modes(&self) -> (bool, bool, bool) {
        let seen = self.seen();
        let screen = seen.parser.screen();
        (screen.alternate_screen(), screen.bracketed_paste(), screen.hide_cursor())
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.process_id().unwrap().try_into().unwrap()
    }

    pub(crate) fn signal(&self, what: Signal) {
        signal(self.pid(), what);
    }

    /// Waits for the end of the program; checks that it left no trace and never asked the terminal anything.
    /// Returns its exit code as a shell would say it.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> u32 {
        let code = self.code();
        self.assert_no_trace();
        self.assert_never_asked();
        code
    }

    /// The exit code once it has ended, whatever it left behind.
    #[track_caller]
    pub(crate) fn code(&mut self) -> u32 {
        let pid = self.pid();
        wait::until("the panes to end", || (is_alive(pid), self.picture()), |(alive, _)| !alive);
        self.child.wait().unwrap().exit_code()
    }

    /// The terminal is as it was: settings, screen, cursor, modes.
    #[track_caller]
    pub(crate) fn assert_no_trace(&self) {
        let now = wait::until(
            "the terminal to be given back",
            || (self.modes(), settings(self.master.as_ref().unwrap().as_ref())),
            |now| *now == ((false, false, false), self.before.clone()),
        );
        assert_eq!(now.1, self.before);
        let all = self.since(0);
        for mode in ["1049", "2004", "1004", "25"] {
            assert_balanced(&all, mode);
        }
        assert!(!all.contains("\u{1b}[?1000h") && !all.contains("\u{1b}[?1006h"), "the mouse is not taken");
        let (begun, ended) = (all.matches("\u{1b}[?2026h").count(), all.matches("\u{1b}[?2026l").count());
        assert_eq!(begun, ended, "every synchronised frame is ended");
    }

    /// No cursor position, no device attributes, no colour, no mode, no size was asked for.
    #[track_caller]
    pub(crate) fn assert_never_asked(&self) {
        let all = self.since(0);
        for query in [
            "[6n", "[5n", "[?6n", "[c", "[0c", "[>c", "[>0c", "[=c", "[?u", "]10;?", "]11;?", "]4;", "[14t",
            "[18t", "P+q", "P$q", "[>q",
        ] {
            assert!(!all.contains(&format!("\u{1b}{query}")), "ESC{query} asks the terminal something");
        }
        assert!(!all.contains("$p"), "a mode was asked for");
    }

    /// Takes nothing any more, as a line that has stalled; or takes again.
    pub(crate) fn stall(&self, is_stalled: bool) {
        self.stalled.store(is_stalled, Ordering::SeqCst);
    }

    /// What a shell would find set now.
    pub(crate) fn settings(&self) -> (String, String) {
        (settings(self.master.as_ref().unwrap().as_ref()), self.before.clone())
    }

    /// Cuts the line: the master side is closed without a word to the program.
    pub(crate) fn hang_up(&mut self) {
        // The thread that reads holds the master open; a key makes the program write, so that it wakes and lets go.
        self.stop.store(true, Ordering::SeqCst);
        self.send("?");
        self.reader.take().unwrap().join().unwrap();
        self.slave = None;
        self.writer = None;
        self.master = None;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the terminal at the end: {:?}", self.picture());
        }
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            signal(self.pid(), Signal::SIGKILL);
            drop(self.child.wait());
        }
    }
}

/// Reads on a thread until the program and every copy of its terminal are gone, or until told to stop.
fn watch(
    mut reader: Box<dyn Read + Send>,
    seen: Arc<Mutex<Seen>>,
    (stop, stalled): (Arc<AtomicBool>, Arc<AtomicBool>),
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            let mut seen = seen.lock().unwrap();
            seen.bytes.extend_from_slice(&buffer[..length]);
            seen.parser.process(&buffer[..length]);
            drop(seen);
            while stalled.load(Ordering::SeqCst) && !stop.load(Ordering::SeqCst) {
                wait::pause(Duration::from_millis(20));
            }
            if stop.load(Ordering::SeqCst) {
                return;
            }
        }
    })
}

/// The mode that was switched last is the one before the program began.
#[track_caller]
fn assert_balanced(all: &str, mode: &str) {
    let last = |letter| all.rfind(&format!("\u{1b}[?{mode}{letter}"));
    let (on, off) = match mode {
        // The cursor is hidden and shown again.
        "25" => (last('l'), last('h')),
        _ => (last('h'), last('l')),
    };
    assert!(on.is_some() && off > on, "mode {mode} was left on: {on:?} {off:?}");
}

fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

fn cells((width, height): (u16, u16)) -> (NonZeroU16, NonZeroU16) {
    (NonZeroU16::new(width).unwrap(), NonZeroU16::new(height).unwrap())
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}
