//! Reading a deployment's log: any part of it, its end, what is new, and which time belongs to which place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::Watcher as _;

use super::regular;
use crate::domain::time::Timestamp;

/// One entry of the index: from this offset on, output was written at this time. 16 bytes, little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub offset: u64,
    pub at: Timestamp,
}

impl Mark {
    pub const SIZE: usize = 16;

    pub fn encode(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..].copy_from_slice(&self.at.millis().to_le_bytes());
        bytes
    }

    fn decode(bytes: [u8; Self::SIZE]) -> Self {
        let (mut offset, mut at) = ([0; 8], [0; 8]);
        offset.copy_from_slice(&bytes[..8]);
        at.copy_from_slice(&bytes[8..]);
        Self { offset: u64::from_le_bytes(offset), at: Timestamp::from_millis(i64::from_le_bytes(at)) }
    }
}

/// A log open for reading at any place.
#[derive(Debug)]
pub struct LogReader {
    file: File,
    index: Option<File>,
}

impl LogReader {
    pub fn open(log: &Path, index: &Path) -> io::Result<Self> {
        Ok(Self { file: regular::open(log)?, index: regular::open(index).ok() })
    }

    pub fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len())
    }

    /// Up to `max` bytes from `offset`.
    pub fn read_at(&self, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; max];
        let mut filled = 0;
        while filled < max {
            match self.file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Where the line that `lines` lines before `end` begins; at most `max` bytes are looked at, so that a line of
    /// a gigabyte does not stall anybody.
    pub fn start_of_last(&self, end: u64, lines: usize, max: u64) -> io::Result<u64> {
        const BLOCK: u64 = 64 * 1024;
        if lines == 0 {
            return Ok(end);
        }
        let floor = end.saturating_sub(max);
        let (mut at, mut found) = (end, 0);
        while at > floor {
            let from = at.saturating_sub(BLOCK).max(floor);
            let block = self.read_at(from, usize::try_from(at - from).unwrap_or(0))?;
            for (position, byte) in block.iter().enumerate().rev() {
                let offset = from + position as u64;
                if *byte == b'\n' && offset + 1 != end {
                    found += 1;
                    if found == lines {
                        return Ok(offset + 1);
                    }
                }
            }
            at = from;
        }
        Ok(floor)
    }

    fn mark(&self, number: u64) -> Option<Mark> {
        let mut bytes = [0; Mark::SIZE];
        self.index.as_ref()?.read_exact_at(&mut bytes, number * Mark::SIZE as u64).ok()?;
        Some(Mark::decode(bytes))
    }

    fn marks(&self) -> u64 {
        self.index
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |meta| meta.len() / Mark::SIZE as u64)
    }

    /// When the byte at `offset` was read from the script.
    pub fn time_at(&self, offset: u64) -> Option<Timestamp> {
        self.last_mark(|mark| mark.offset <= offset).map(|mark| mark.at)
    }

    /// The first place after `offset` at which the time was noted.
    pub fn next_mark(&self, offset: u64) -> Option<u64> {
        let (mut low, mut high) = (0, self.marks());
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.mark(middle).is_some_and(|mark| mark.offset <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.mark(low).map(|mark| mark.offset)
    }

    /// Where output of this time or later begins. Every mark is looked at: a clock that was put back leaves them out of
    /// order, and nothing of the time asked for may be missing.
    pub fn offset_at(&self, time: Timestamp) -> u64 {
        let first = (0..self.marks()).filter_map(|number| self.mark(number)).find(|mark| mark.at >= time);
        first.map_or_else(|| self.size(), |mark| mark.offset)
    }

    /// The last mark that fits; marks are in the order of their offsets.
    fn last_mark(&self, fits: impl Fn(&Mark) -> bool) -> Option<Mark> {
        let (mut low, mut high) = (0, self.marks());
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.mark(middle).is_some_and(|mark| fits(&mark)) { low = middle + 1 } else { high = middle }
        }
        self.mark(low.checked_sub(1)?)
    }
}

/// Calls somebody back when a file changes, for as long as the value lives. Best effort (inotify): whoever uses it
/// also looks by himself now and then.
pub struct Watched {
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Watched {
    /// Watches `path`, which may not exist yet (then its directory is watched).
    pub fn on(path: &Path, call: impl Fn() + Send + 'static) -> Self {
        let tell = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                call();
            }
        };
        let watcher = notify::recommended_watcher(tell).ok().and_then(|mut watcher| {
            let target = if path.exists() { path } else { path.parent()? };
            watcher.watch(target, notify::RecursiveMode::NonRecursive).ok()?;
            Some(watcher)
        });
        Self { _watcher: watcher }
    }
}

/// Wakes up when a file changes: inotify, with polling where it is not to be had.
pub struct Wake {
    events: Receiver<()>,
    path: PathBuf,
    size: u64,
    _watched: Watched,
}

impl Wake {
    pub fn on(path: &Path) -> Self {
        let (sender, events) = channel();
        let watched = Watched::on(path, move || {
            // The receiver is gone when nobody waits any more.
            let _nobody = sender.send(());
        });
        Self { events, path: path.to_path_buf(), size: 0, _watched: watched }
    }

    /// Waits until something may have changed, at most `timeout`. Spurious wakes are possible, missed ones are
    /// not: the size is looked at every 200 ms whatever the kernel tells.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let mut left = timeout;
        loop {
            let slice = left.min(Duration::from_millis(200));
            match self.events.recv_timeout(slice) {
                Ok(()) => {
                    while self.events.try_recv().is_ok() {}
                    return true;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let size = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
                    if std::mem::replace(&mut self.size, size) != size {
                        return true;
                    }
                }
            }
            left = left.saturating_sub(slice);
            if left.is_zero() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn log(text: &str, marks: &[(u64, i64)]) -> (tempfile::TempDir, LogReader) {
        let dir = tempfile::tempdir().unwrap();
        let (path, index) = (dir.path().join("log"), dir.path().join("idx"));
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        let mut file = File::create(&index).unwrap();
        for (offset, at) in marks {
            let mark = Mark { offset: *offset, at: Timestamp::from_millis(*at) };
            file.write_all(&mark.encode()).unwrap();
        }
        let reader = LogReader::open(&path, &index).unwrap();
        (dir, reader)
    }

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let (_dir, log) = log("one\ntwo\nthree\n", &[]);
        assert_eq!(log.start_of_last(14, 1, 1000).unwrap(), 8);
        assert_eq!(log.start_of_last(14, 2, 1000).unwrap(), 4);
        assert_eq!(log.start_of_last(14, 9, 1000).unwrap(), 0);
        assert_eq!(log.start_of_last(14, 9, 6).unwrap(), 8);
    }

    #[test]
    fn times_and_places_are_found_from_each_other() {
        let (_dir, log) = log("0123456789", &[(0, 100), (4, 200), (8, 300)]);
        assert_eq!(log.time_at(0).unwrap().millis(), 100);
        assert_eq!(log.time_at(7).unwrap().millis(), 200);
        assert_eq!(log.time_at(9).unwrap().millis(), 300);
        assert_eq!(log.offset_at(Timestamp::from_millis(150)), 4);
        assert_eq!(log.offset_at(Timestamp::from_millis(200)), 4);
        assert_eq!(log.offset_at(Timestamp::from_millis(301)), 10);
        assert_eq!((log.next_mark(0), log.next_mark(4), log.next_mark(8)), (Some(4), Some(8), None));
    }

    #[test]
    fn a_change_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = File::create(&path).unwrap();
        let mut wake = Wake::on(&path);
        file.write_all(b"x").unwrap();
        assert!(wake.wait(Duration::from_secs(5)));
    }

    #[test]
    fn a_clock_that_was_put_back_hides_nothing_of_the_time_asked_for() {
        let (_dir, log) = log("one\ntwo\nthree\nfour\n", &[(0, 100), (4, 900), (8, 200), (14, 300)]);
        assert_eq!(log.offset_at(Timestamp::from_millis(250)), 4);
        assert_eq!(log.offset_at(Timestamp::from_millis(50)), 0);
    }
}
