//! The way out to the terminal: a thread of its own writes, so that a line that has stalled holds up nothing but the picture.
//!
//! One frame is on its way at most. While it is, nothing is drawn; what is drawn next is how things are then.

use std::cell::{Cell, RefCell};
use std::io::{self, Write as _};
use std::rc::Rc;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::msg::Msg;

/// How long a picture may be on its way before the terminal is given back without it.
const PATIENCE: Duration = Duration::from_millis(500);
/// A line on which a frame takes longer is slow.
const SLOW: Duration = Duration::from_millis(50);

/// Whether something is on its way.
#[derive(Debug, Default)]
struct Under {
    way: Mutex<bool>,
    done: Condvar,
}

impl Under {
    fn set(&self, is: bool) {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = is;
        self.done.notify_all();
    }
}

/// What is gathered for the next frame. `flush` only gathers: a frame goes out whole, by [`Wire::send`].
#[derive(Clone, Default)]
pub(super) struct Frame(Rc<RefCell<Vec<u8>>>);

/// Hands frames to the thread that writes.
pub(super) struct Wire {
    frame: Frame,
    /// Whether something goes out with the next frame that is no part of the picture.
    has_more: Cell<bool>,
    out: SyncSender<Vec<u8>>,
    under: Arc<Under>,
}

/// Starts the thread that writes to stdout; `told` hears how each frame went. What is written into the frame goes out with the
/// next one.
pub(super) fn lay(told: Sender<Msg>) -> (Wire, Frame) {
    let (out, frames) = sync_channel::<Vec<u8>>(1);
    let under = Arc::new(Under::default());
    let shared = Arc::clone(&under);
    std::thread::spawn(move || {
        while let Ok(frame) = frames.recv() {
            let begun = Instant::now();
            let mut stdout = io::stdout().lock();
            let written = stdout.write_all(&frame).and_then(|()| stdout.flush());
            drop(stdout);
            shared.set(false);
            let msg =
                Msg::Written(written.map(|()| begun.elapsed() > SLOW).map_err(|why| why.raw_os_error()));
            if told.send(msg).is_err() {
                return;
            }
        }
    });
    let frame = Frame::default();
    (Wire { frame: frame.clone(), has_more: Cell::new(false), out, under }, frame)
}

impl Wire {
    /// Whether the last frame is still on its way.
    pub(super) fn is_busy(&self) -> bool {
        *self.under.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends off what was gathered. Only while nothing else is on its way.
    pub(super) fn send(&self) -> io::Result<()> {
        let frame = self.frame.0.take();
        // Where nothing changed ratatui still resets the colours and hides the cursor; what is drawn begins by moving it (CUP).
        let is_drawn = frame.contains(&b'H') || frame.contains(&b'J');
        if !is_drawn && !self.has_more.take() {
            return Ok(());
        }
        self.has_more.set(false);
        self.under.set(true);
        self.out.send(frame).map_err(io::Error::other)
    }

    /// Goes out with the next frame, before it.
    pub(super) fn write(&self, bytes: &[u8]) {
        self.has_more.set(!bytes.is_empty() || self.has_more.get());
        self.frame.0.borrow_mut().extend_from_slice(bytes);
    }

    /// Waits until nothing is on its way, but not for ever. Returns whether nothing is.
    pub(super) fn settle(&self) -> bool {
        let way = self.under.way.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.under.done.wait_timeout_while(way, PATIENCE, |busy| *busy);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl io::Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
