//! Reads logs for the log pane: pages on request, and what is new while following.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::compare::{Comparison, Wall};
use super::msg::{LogPage, Msg, Origin};
use crate::domain::ansi::{self, Line};
use crate::domain::ids::DeploymentId;
use crate::host::logfile::{LogReader, Watched};
use crate::host::state::State;

/// What the panes want of this thread.
#[derive(Debug)]
pub(super) enum TailOrder {
    /// Show this deployment's log.
    Watch(DeploymentId),
    Read {
        id: DeploymentId,
        origin: Origin,
        rows: usize,
    },
    /// Show the ends of these logs beside each other.
    WatchAll {
        ids: Vec<DeploymentId>,
        rows: usize,
    },
    /// Leave out what another deployment printed.
    Compare {
        id: DeploymentId,
        against: Option<DeploymentId>,
    },
    /// Not an order: the kernel says that the log changed.
    Changed,
    Stop,
}

/// At most so many pages a second while output streams in: more cannot be read, and a slow line could not carry it.
const PAGE_EVERY: Duration = Duration::from_millis(66);
/// How often the log is looked at whatever the kernel tells.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bytes looked at to fill a page; a longer line is cut.
pub(super) const PAGE_BYTES: usize = 256 * 1024;
/// How far back a single line may begin.
const LINE_BACK: u64 = 1 << 20;

struct Tail {
    state: State,
    messages: Sender<Msg>,
    /// Our own queue: what the kernel tells comes the same way as orders.
    own: Sender<TailOrder>,
    id: Option<DeploymentId>,
    reader: Option<LogReader>,
    watched: Option<Watched>,
    rows: usize,
    follow: bool,
    size: u64,
    last_page: Instant,
    /// Where the lines are that are new against another log.
    compared: Option<Comparison>,
    wall: Option<Wall>,
}

/// Works until it is told to stop or the panes are gone.
pub(super) fn run(state: State, orders: &Receiver<TailOrder>, own: Sender<TailOrder>, messages: Sender<Msg>) {
    let mut tail = Tail {
        state,
        messages,
        own,
        id: None,
        reader: None,
        watched: None,
        rows: 20,
        follow: true,
        size: 0,
        last_page: Instant::now(),
        compared: None,
        wall: None,
    };
    loop {
        let pause =
            if tail.is_behind() { PAGE_EVERY.saturating_sub(tail.last_page.elapsed()) } else { LOOK_EVERY };
        match orders.recv_timeout(pause) {
            Ok(TailOrder::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(TailOrder::Watch(id)) => tail.watch(id),
            Ok(TailOrder::Read { id, origin, rows }) => tail.read(id, &origin, rows),
            Ok(TailOrder::WatchAll { ids, rows }) => tail.watch_all(&ids, rows),
            Ok(TailOrder::Compare { id, against }) => tail.compare(id, against),
            Ok(TailOrder::Changed) | Err(RecvTimeoutError::Timeout) => {}
        }
        tail.look();
    }
}

impl Tail {
    fn say(&self, msg: Msg) {
        // Nobody listens any more: the panes are closing.
        let _gone = self.messages.send(msg);
    }

    fn watch(&mut self, id: DeploymentId) {
        self.id = Some(id);
        self.reader = None;
        self.watched = None;
        self.follow = true;
        self.size = 0;
        self.compared = None;
        self.open();
    }

    fn watch_all(&mut self, ids: &[DeploymentId], rows: usize) {
        self.wall = (!ids.is_empty()).then(|| Wall::new(&self.state, ids, rows));
    }

    fn compare(&mut self, id: DeploymentId, against: Option<DeploymentId>) {
        self.compared = None;
        self.open();
        let (Some(good), Some(reader), true) = (against, &self.reader, self.id == Some(id)) else { return };
        match Comparison::new(&self.state, good, reader) {
            Ok(comparison) => self.compared = Some(comparison),
            Err(why) => self.say(Msg::NotCompared(why)),
        }
    }

    fn open(&mut self) {
        let Some(id) = self.id.filter(|_| self.reader.is_none()) else { return };
        let files = self.state.files_of(id);
        if let Ok(reader) = LogReader::open(&files.log(), &files.index()) {
            self.reader = Some(reader);
            let own = self.own.clone();
            self.watched = Some(Watched::on(&files.log(), move || {
                // This thread is gone: so is what it would be told.
                let _gone = own.send(TailOrder::Changed);
            }));
        }
    }

    /// Whether there is something to show that had to wait for the pace.
    fn is_behind(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.size() != self.size)
    }

    /// Notices growth: a new page while following, a count while not.
    fn look(&mut self) {
        if let Some(lines) = self.wall.as_mut().and_then(Wall::look) {
            self.say(Msg::WallRead(lines));
        }
        self.open();
        let (Some(id), Some(reader)) = (self.id, &self.reader) else { return };
        let size = reader.size();
        if size == self.size || self.last_page.elapsed() < PAGE_EVERY {
            return;
        }
        self.last_page = Instant::now();
        let lines = match &mut self.compared {
            Some(compared) => compared.catch_up(reader),
            None => count_lines(reader, self.size, size),
        };
        self.size = size;
        if self.follow {
            if let Some(page) = self.page(id, &Origin::End, false) {
                self.say(Msg::LogRead(page));
            }
        } else {
            self.say(Msg::LogGrew { id, size, lines });
        }
    }

    fn read(&mut self, id: DeploymentId, origin: &Origin, rows: usize) {
        if self.id != Some(id) {
            self.watch(id);
        }
        self.rows = rows;
        self.follow = *origin == Origin::End;
        self.open();
        if let (Some(compared), Some(reader)) = (&mut self.compared, &self.reader) {
            compared.catch_up(reader);
        }
        if let Some(page) = self.page(id, origin, true) {
            self.size = self.size.max(page.size);
            self.say(Msg::LogRead(page));
        }
    }

    fn page(&self, id: DeploymentId, origin: &Origin, asked: bool) -> Option<LogPage> {
        let reader = self.reader.as_ref()?;
        let size = reader.size();
        let searched = matches!(origin, Origin::Search { .. });
        if let Some(compared) = &self.compared {
            let lines = compared.page(reader, origin, self.rows);
            let Some((lines, at_end)) = lines else {
                self.say(Msg::NotFound("what is searched (only new lines are shown)".to_owned()));
                return None;
            };
            return Some(LogPage { id, lines, size, at_end, asked, searched, hits: None, went_round: None });
        }
        let (mut hits, mut went_round) = (None, None);
        let top = match origin {
            Origin::End => reader.start_of_last(size, self.rows, PAGE_BYTES as u64).ok()?,
            Origin::Top(offset, lines) => moved(reader, *offset, *lines, size, self.rows),
            Origin::Search { from, words, backward } => {
                let ahead = find(reader, *from, words, *backward);
                // Past the end it goes on from the other one, up to where it began.
                let found = ahead.or_else(|| {
                    went_round = Some(*backward);
                    find(reader, if *backward { size } else { 0 }, words, *backward)
                });
                let Some(at) = found else {
                    self.say(Msg::NotFound(words.first().cloned().unwrap_or_default()));
                    return None;
                };
                hits = count_hits(reader, words, at).filter(|_| words.len() == 1);
                at
            }
        };
        let (lines, end) = lines_from(reader, top, self.rows);
        Some(LogPage { id, lines, size, at_end: end >= size, asked, searched, hits, went_round })
    }
}

/// The line so many lines before or after; never past the last full page.
fn moved(reader: &LogReader, offset: u64, lines: i64, size: u64, rows: usize) -> u64 {
    let mut at = offset.min(size);
    if lines < 0 {
        let count = usize::try_from(-lines).unwrap_or(1);
        return reader.start_of_last(at, count, LINE_BACK * 4).unwrap_or(0);
    }
    let last = reader.start_of_last(size, rows, PAGE_BYTES as u64).unwrap_or(0);
    for _ in 0..lines {
        match next_line(reader, at) {
            Some(next) if next <= last => at = next,
            _ => break,
        }
    }
    at
}

fn next_line(reader: &LogReader, from: u64) -> Option<u64> {
    let mut at = from;
    loop {
        let bytes = reader.read_at(at, 64 * 1024).ok()?;
        if bytes.is_empty() {
            return None;
        }
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            return Some(at + end as u64 + 1);
        }
        at += bytes.len() as u64;
    }
}

/// Lines from an offset on, with the offset of each, and where the page ends.
pub(super) fn lines_from(reader: &LogReader, top: u64, rows: usize) -> (Vec<(u64, Line)>, u64) {
    let bytes = reader.read_at(top, PAGE_BYTES).unwrap_or_default();
    let mut lines = Vec::with_capacity(rows);
    let mut at = 0;
    while at < bytes.len() && lines.len() < rows {
        let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1);
        let line = ansi::lines(&bytes[at..end]).into_iter().next().unwrap_or_default();
        lines.push((top + at as u64, line));
        at = end;
    }
    (lines, top + at as u64)
}

/// Newlines in a part of the log; a burst of many megabytes is counted in full, it takes milliseconds.
fn count_lines(reader: &LogReader, from: u64, to: u64) -> u64 {
    let mut at = from;
    let mut lines = 0;
    while at < to {
        let Ok(bytes) = reader.read_at(at, 1 << 20) else { break };
        if bytes.is_empty() {
            break;
        }
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        at += bytes.len() as u64;
    }
    lines
}

/// The first line after `from` (or the last before it) that holds one of the words. Smart-case.
fn find(reader: &LogReader, from: u64, words: &[String], backward: bool) -> Option<u64> {
    const BLOCK: u64 = 1 << 20;
    let size = reader.size();
    let holds = |text: &str| holds(text, words);
    if backward {
        let mut end = from;
        while end > 0 {
            let start = end.saturating_sub(BLOCK);
            let start = if start == 0 { 0 } else { reader.start_of_last(start, 1, LINE_BACK).ok()? };
            let found = scan(reader, start, end, holds).pop();
            if found.is_some() {
                return found;
            }
            end = start;
        }
        return None;
    }
    let mut start = if from == 0 { 0 } else { next_line(reader, from)? };
    while start < size {
        let end = next_line(reader, (start + BLOCK).min(size).saturating_sub(1)).unwrap_or(size);
        let found = scan(reader, start, end, holds);
        if let Some(first) = found.first() {
            return Some(*first);
        }
        start = end;
    }
    None
}

pub(super) fn holds(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| super::widget::matches(text, word) && !word.is_empty())
}

/// In a larger log hits are not counted: it would take longer than a person waits for a key.
const COUNTED: u64 = 16 << 20;

/// Which of how many hits the one at `at` is.
fn count_hits(reader: &LogReader, words: &[String], at: u64) -> Option<(u64, u64)> {
    let size = reader.size();
    if size > COUNTED {
        return None;
    }
    let all = scan(reader, 0, size, |text| holds(text, words));
    let before = all.iter().filter(|hit| **hit <= at).count();
    Some((before as u64, all.len() as u64))
}

/// Offsets of the lines between two line starts that fit.
fn scan(reader: &LogReader, start: u64, end: u64, holds: impl Fn(&str) -> bool) -> Vec<u64> {
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0).min(64 << 20);
    let bytes = reader.read_at(start, length).unwrap_or_default();
    let mut found = Vec::new();
    let mut at = start;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if holds(&String::from_utf8_lossy(line)) {
            found.push(at);
        }
        at += line.len() as u64;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn reader(text: &str) -> (tempfile::TempDir, LogReader) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        let reader = LogReader::open(&path, &dir.path().join("none")).unwrap();
        (dir, reader)
    }

    #[test]
    fn pages_know_the_offset_of_each_line() {
        let (_dir, log) = reader("one\ntwo\nthree\n");
        let (lines, end) = lines_from(&log, 4, 10);
        let shown: Vec<(u64, String)> = lines.iter().map(|(at, line)| (*at, line.text())).collect();
        assert_eq!(shown, [(4, "two".to_owned()), (8, "three".to_owned())]);
        assert_eq!(end, 14);
    }

    #[test]
    fn moving_stops_at_both_ends() {
        let (_dir, log) = reader("1\n2\n3\n4\n5\n");
        assert_eq!(moved(&log, 4, -1, 10, 2), 2);
        assert_eq!(moved(&log, 4, -9, 10, 2), 0);
        assert_eq!(moved(&log, 0, 1, 10, 2), 2);
        assert_eq!(moved(&log, 0, 9, 10, 2), 6, "the last page stays full");
    }

    #[test]
    fn a_search_goes_both_ways_from_where_one_is() {
        let (_dir, log) = reader("error 1\nfine\nError 2\nfine\nerror 3\n");
        let words = ["error".to_owned()];
        assert_eq!(find(&log, 0, &words, false), Some(0));
        assert_eq!(find(&log, 1, &words, false), Some(13));
        assert_eq!(find(&log, 13, &words, false), Some(26));
        assert_eq!(find(&log, 26, &words, false), None);
        assert_eq!(find(&log, 26, &words, true), Some(13));
    }
}
