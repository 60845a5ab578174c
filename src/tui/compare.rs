//! For the log pane: the lines of one log that another does not have, and the ends of several logs at once.

use super::msg::Origin;
use super::tail::{PAGE_BYTES, holds, lines_from};
use crate::domain::ansi::{self, Line};
use crate::domain::ids::DeploymentId;
use crate::domain::novelty::{Compared, Known};
use crate::host::logfile::LogReader;
use crate::host::state::State;

/// A larger log is not compared: it would take longer than a person waits for a key.
const LARGEST: u64 = 64 << 20;
const PIECE: usize = 1 << 20;
/// How much of a part that is read lies before the line it is read for, where one goes backwards.
const BEFORE: u64 = PAGE_BYTES as u64 / 4 * 3;

/// Where the new lines of a log begin.
pub(super) struct Comparison {
    compared: Compared,
    new: Vec<u64>,
    /// So far it was looked at: always the beginning of a line.
    upto: u64,
}

impl Comparison {
    /// Learns what the good deployment printed and goes through the log.
    pub(super) fn new(state: &State, good: DeploymentId, reader: &LogReader) -> Result<Self, String> {
        let files = state.files_of(good);
        let before = LogReader::open(&files.log(), &files.index())
            .map_err(|why| format!("the log of {good} cannot be read any more: {why}"))?;
        if before.size().max(reader.size()) > LARGEST {
            let most = LARGEST >> 20;
            return Err(format!(
                "logs of more than {most} MiB are not compared here; relman log ID --new does it"
            ));
        }
        let mut known = Known::default();
        walk(&before, 0, |_, line| known.learn(&line.text()));
        let mut comparison = Self { compared: Compared::with(known), new: Vec::new(), upto: 0 };
        comparison.catch_up(reader);
        Ok(comparison)
    }

    /// Looks at what has come; returns how many lines of it are new.
    pub(super) fn catch_up(&mut self, reader: &LogReader) -> u64 {
        let before = self.new.len();
        let (compared, new) = (&mut self.compared, &mut self.new);
        self.upto = walk(reader, self.upto, |at, line| {
            if compared.is_new(&line.text()) {
                new.push(at);
            }
        });
        (self.new.len() - before) as u64
    }

    /// The new lines from there on, and whether they reach the end. Nothing: a search that found nothing.
    pub(super) fn page(
        &self,
        reader: &LogReader,
        origin: &Origin,
        rows: usize,
    ) -> Option<(Vec<(u64, Line)>, bool)> {
        let mut part = Part::new(|at| reader.read_at(at, PAGE_BYTES).unwrap_or_default());
        let last = self.new.len().saturating_sub(rows);
        let first = match origin {
            Origin::End => last,
            Origin::Top(offset, lines) => {
                let at = self.new.partition_point(|known| known < offset);
                let by = isize::try_from(*lines).unwrap_or(0);
                at.saturating_add_signed(by).min(last)
            }
            Origin::Search { from, words, backward } => {
                let fits = |at: &&u64| part.line(**at).is_some_and(|line| holds(&line.text(), words));
                let found = match backward {
                    true => self.new.iter().rev().filter(|at| **at < *from).find(fits),
                    false => self.new.iter().filter(|at| *from == 0 || **at > *from).find(fits),
                };
                let found = *found?;
                self.new.partition_point(|known| *known < found)
            }
        };
        let shown = self.new.iter().skip(first).take(rows);
        let lines: Vec<(u64, Line)> = shown.filter_map(|at| Some((*at, part.line(*at)?))).collect();
        let at_end = first + lines.len() >= self.new.len();
        Some((lines, at_end))
    }
}

/// A part of the log, read once for all the lines that are wanted of it one after the other.
struct Part<R> {
    /// Reads from there on as much as is read at once.
    read: R,
    from: u64,
    bytes: Vec<u8>,
}

impl<R: FnMut(u64) -> Vec<u8>> Part<R> {
    fn new(read: R) -> Self {
        Self { read, from: 0, bytes: Vec::new() }
    }

    /// The line that begins there.
    fn line(&mut self, at: u64) -> Option<Line> {
        if self.bytes_of(at).is_none() {
            // Who goes backwards wants the lines before this one next.
            let before = if at < self.from { BEFORE } else { 0 };
            self.begin(at.saturating_sub(before));
        }
        if self.bytes_of(at).is_none() {
            // It does not end in what was read along with the lines before it.
            self.begin(at);
        }
        Some(ansi::lines(self.bytes_of(at)?).into_iter().next().unwrap_or_default())
    }

    fn begin(&mut self, from: u64) {
        self.bytes = (self.read)(from);
        self.from = from;
    }

    /// The line that begins there, if all of it is in this part; one that is longer than any part is cut.
    fn bytes_of(&self, at: u64) -> Option<&[u8]> {
        let start = usize::try_from(at.checked_sub(self.from)?).ok()?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => Some(&rest[..=end]),
            None => (start == 0).then_some(rest),
        }
    }
}

/// Calls with each whole line from there on; returns where the first one that is not whole begins.
fn walk(reader: &LogReader, from: u64, mut call: impl FnMut(u64, &Line)) -> u64 {
    let (mut at, mut open) = (from, Vec::new());
    let mut read = from;
    loop {
        let bytes = reader.read_at(read, PIECE).unwrap_or_default();
        if bytes.is_empty() {
            return at;
        }
        read += bytes.len() as u64;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = ansi::lines(&open).into_iter().next().unwrap_or_default();
                call(at, &line);
                at += open.len() as u64;
                open.clear();
            }
        }
    }
}

/// The ends of several logs.
pub(super) struct Wall {
    logs: Vec<(DeploymentId, Option<LogReader>, u64)>,
    rows: usize,
    is_new: bool,
}

impl Wall {
    pub(super) fn new(state: &State, ids: &[DeploymentId], rows: usize) -> Self {
        let open = |id: &DeploymentId| {
            let files = state.files_of(*id);
            (*id, LogReader::open(&files.log(), &files.index()).ok(), 0)
        };
        Self { logs: ids.iter().map(open).collect(), rows, is_new: true }
    }

    /// The last lines of each, if one of them has grown.
    pub(super) fn look(&mut self) -> Option<Vec<(DeploymentId, Vec<Line>)>> {
        let mut has_grown = std::mem::take(&mut self.is_new);
        for (_, reader, size) in &mut self.logs {
            let now = reader.as_ref().map_or(0, LogReader::size);
            has_grown |= std::mem::replace(size, now) != now;
        }
        let last = |reader: &LogReader, size: u64| {
            let top = reader.start_of_last(size, self.rows, 64 * 1024).unwrap_or(0);
            lines_from(reader, top, self.rows).0.into_iter().map(|(_, line)| line).collect()
        };
        let read = |(id, reader, size): &(DeploymentId, Option<LogReader>, u64)| {
            (*id, reader.as_ref().map(|reader| last(reader, *size)).unwrap_or_default())
        };
        has_grown.then(|| self.logs.iter().map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::state::RunFiles;
    use std::io::Write as _;

    fn log(state: &State, id: i64, text: &str) -> (LogReader, std::fs::File) {
        let files = state.make_files_of(DeploymentId(id)).unwrap();
        let mut file = RunFiles::append(&files.log()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        (LogReader::open(&files.log(), &files.index()).unwrap(), file)
    }

    #[test]
    fn what_is_drawn_is_compared_not_how_it_came_about() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::prepare(&dir.path().join("state/relman.db")).unwrap();
        let (_good, _file) = log(&state, 1, "10%\r50%\rcopied\n\x1b[32mgreen\x1b[0m\n");
        let (reader, _file) = log(&state, 2, "10%\r20%\r30%\rcopied\ngreen\nmore\n");
        let compared = Comparison::new(&state, DeploymentId(1), &reader).unwrap();
        assert_eq!(texts(compared.page(&reader, &Origin::End, 9)), ["more"]);
    }

    fn texts(page: Option<(Vec<(u64, Line)>, bool)>) -> Vec<String> {
        page.unwrap().0.iter().map(|(_, line)| line.text()).collect()
    }

    #[test]
    fn only_new_lines_make_a_page_and_it_grows_with_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::prepare(&dir.path().join("state/relman.db")).unwrap();
        let (_good, _file) = log(&state, 1, "one\ntwo\nthree\n");
        let (reader, mut file) = log(&state, 2, "one\nerror: a\ntwo\nerror: b\nthr");
        let mut compared = Comparison::new(&state, DeploymentId(1), &reader).unwrap();
        assert_eq!(texts(compared.page(&reader, &Origin::End, 9)), ["error: a", "error: b"]);
        assert_eq!(texts(compared.page(&reader, &Origin::End, 1)), ["error: b"]);
        assert_eq!(texts(compared.page(&reader, &Origin::Top(17, -1), 1)), ["error: a"]);
        file.write_all(b"ee\nlast\n").unwrap();
        assert_eq!(compared.catch_up(&reader), 1, "a line is looked at when it is whole");
        assert_eq!(texts(compared.page(&reader, &Origin::End, 1)), ["last"]);
        let search = Origin::Search { from: 0, words: vec!["b".to_owned()], backward: false };
        assert_eq!(texts(compared.page(&reader, &search, 1)), ["error: b"]);
        let nothing = Origin::Search { from: 0, words: vec!["two".to_owned()], backward: false };
        assert!(compared.page(&reader, &nothing, 1).is_none());
    }

    #[test]
    fn a_search_through_many_lines_reads_a_part_of_the_log_once() {
        // More than two parts, with one line that is longer than a part.
        let long = "long ".repeat(PAGE_BYTES / 4);
        let lines: Vec<String> = (0..60_000)
            .map(|number| if number == 30_000 { format!("{long}\n") } else { format!("line {number}\n") })
            .collect();
        let text = lines.concat();
        let starts: Vec<u64> =
            lines.iter().scan(0, |at, line| Some(std::mem::replace(at, *at + line.len() as u64))).collect();
        let reads = std::cell::Cell::new(0);
        let read = |at: u64| {
            reads.set(reads.get() + 1);
            let rest = &text.as_bytes()[usize::try_from(at).unwrap()..];
            rest[..rest.len().min(PAGE_BYTES)].to_vec()
        };
        let is_right = |part: &mut Part<_>, number: usize| {
            let shown = part.line(starts[number]).unwrap().text();
            let is_long = number == 30_000 && shown.starts_with("long long ");
            assert!(is_long || shown == format!("line {number}"), "{number}: {shown:.40}");
        };
        let mut forward = Part::new(&read);
        (0..lines.len()).for_each(|number| is_right(&mut forward, number));
        assert!(reads.get() < 8, "{} reads forward", reads.get());
        reads.set(0);
        let mut backward = Part::new(&read);
        (0..lines.len()).rev().for_each(|number| is_right(&mut backward, number));
        assert!(reads.get() < 10, "{} reads backward", reads.get());
    }
}
