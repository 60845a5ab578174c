//! From the pipe to the log: masked, counted, indexed, hashed. A full disk drops bytes, never the script.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::domain::digest::{Digest, hex};
use crate::domain::release::build::Made;
use crate::host::clock;
use crate::host::logfile::Mark;
use crate::host::regular;
use crate::host::state::RunFiles;

use super::mask::Masker;

/// How far apart two marks of the time index are at least.
const MARK_EVERY: Duration = Duration::from_millis(100);

/// Lines with this prefix are relman's own, such as signals sent.
pub const OWN: &str = "[relman] ";

/// Lines with this prefix are messages of the script to relman.
const MESSAGE: &[u8] = b"::relman ";

/// The log of a deployment, open for appending.
pub(super) struct Log {
    file: File,
    index: Option<File>,
    size: u64,
    dropped: u64,
    /// Bytes dropped since the last one that could be written: said in the log as soon as there is room.
    gap: u64,
    sha: Sha256,
    last_mark: Option<Instant>,
    /// Whether the last byte written was a line end.
    at_line_start: bool,
    pub(super) last_output: Instant,
    pub(super) progress: Option<u8>,
    pub(super) note: Option<String>,
    /// What a build script said it made, and what of it could not be understood.
    pub(super) made: Made,
    pub(super) misread: Option<String>,
}

impl Log {
    /// Opens the log at its end; what is there already belongs to its digest.
    pub(super) fn open(files: &RunFiles) -> io::Result<Self> {
        let file = RunFiles::append(&files.log())?;
        let mut log = Self {
            index: RunFiles::append(&files.index()).ok(),
            size: 0,
            dropped: 0,
            gap: 0,
            sha: Sha256::new(),
            last_mark: None,
            at_line_start: true,
            last_output: Instant::now(),
            progress: None,
            note: None,
            made: Made::default(),
            misread: None,
            file,
        };
        let mut known = regular::open(&files.log())?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = io::Read::read(&mut known, &mut buffer)?;
            if read == 0 {
                return Ok(log);
            }
            log.size += read as u64;
            log.sha.update(&buffer[..read]);
            log.at_line_start = buffer[read - 1] == b'\n';
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn digest(&self) -> Digest {
        let digest = format!("sha256:{}", hex(&self.sha.clone().finalize()));
        digest.parse().expect("a SHA-256 in hexadecimal")
    }

    /// A line of relman's own, on a line of its own.
    pub(super) fn say(&mut self, text: &str) {
        let start = if self.at_line_start { "" } else { "\n" };
        let line = format!("{start}{OWN}{}\n", crate::domain::text::one_line(text));
        self.append(line.as_bytes());
    }

    /// Output of the script, masked already.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.gap > 0 {
            let line = format!("\n{OWN}{} bytes of output were lost: the disk was full\n", self.gap);
            if self.write(line.as_bytes()) < line.len() {
                self.lose(bytes.len());
                return;
            }
            self.gap = 0;
        }
        let written = self.write(bytes);
        if written < bytes.len() {
            self.lose(bytes.len() - written);
        }
    }

    fn lose(&mut self, bytes: usize) {
        self.gap += bytes as u64;
        self.dropped += bytes as u64;
    }

    /// Writes as much as the disk takes.
    fn write(&mut self, bytes: &[u8]) -> usize {
        self.mark();
        let mut done = 0;
        while done < bytes.len() {
            match self.file.write(&bytes[done..]) {
                Ok(0) => break,
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.size += done as u64;
        self.sha.update(&bytes[..done]);
        if done > 0 {
            self.at_line_start = bytes[done - 1] == b'\n';
        }
        done
    }

    fn mark(&mut self) {
        if self.last_mark.is_some_and(|last| last.elapsed() < MARK_EVERY) {
            return;
        }
        self.last_mark = Some(Instant::now());
        if let Some(index) = &mut self.index {
            // A missing mark makes times less exact; it is not worth more.
            let _inexact = index.write_all(&Mark { offset: self.size, at: clock::now() }.encode());
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Reads `::relman progress 40 copying` and `::relman note TEXT` out of a finished line.
    fn message(&mut self, line: &[u8]) {
        let Some(rest) = line.strip_prefix(MESSAGE) else { return };
        let text = crate::domain::text::one_line(String::from_utf8_lossy(rest).trim());
        if let Some(progress) = text.strip_prefix("progress ") {
            let (percent, note) = progress.split_once(' ').unwrap_or((progress, ""));
            if let Ok(percent) = percent.trim_end_matches('%').parse::<u8>() {
                self.progress = Some(percent.min(100));
                self.note = (!note.is_empty()).then(|| crate::domain::text::fit(note, 120));
            }
        } else if let Some(note) = text.strip_prefix("note ") {
            self.note = Some(crate::domain::text::fit(note, 120));
        } else {
            self.heard_of(&text);
        }
    }
}

impl Log {
    /// Reads what a build made: `artifact NAME`, `digest sha256:…`, `commit …`. The last word counts.
    fn heard_of(&mut self, text: &str) {
        let Some((what, value)) = text.split_once(' ') else { return };
        let value = value.trim();
        match what {
            "artifact" => self.made.artifact = Some(value.to_owned()),
            "commit" => self.made.commit = Some(value.to_owned()),
            "report" => self.made.report = Some(value.to_owned()),
            "digest" => match value.parse() {
                Ok(digest) => self.made.digest = Some(digest),
                Err(why) => self.misread = Some(format!("{why}")),
            },
            _ => {}
        }
    }
}

/// What one pipe brings, on its way into the log.
pub(super) struct Stream {
    masker: Masker,
    masked: Vec<u8>,
    /// The beginning of a line that may become a message.
    line: Vec<u8>,
    /// What each line begins with where several scripts print at once, and the line that is not whole yet.
    prefix: Option<(Vec<u8>, Vec<u8>)>,
}

/// A line that grows longer than this is written in pieces, however many scripts print.
const WHOLE: usize = 16 * 1024;

impl Stream {
    pub(super) fn new(secrets: &[String]) -> Self {
        Self { masker: Masker::new(secrets), masked: Vec::new(), line: Vec::new(), prefix: None }
    }

    /// The same where others print at the same time: whole lines only, each with the name of who printed it.
    pub(super) fn named(self, name: &str) -> Self {
        Self { prefix: Some((format!("{name} | ").into_bytes(), Vec::new())), ..self }
    }

    /// Writes what is there, or as much of it as makes whole lines.
    fn put(&mut self, bytes: &[u8], log: &mut Log) {
        let Some((prefix, open)) = &mut self.prefix else {
            log.append(bytes);
            return;
        };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(piece);
            if piece.ends_with(b"\n") || open.len() > WHOLE {
                log.append(&line(prefix, open));
                open.clear();
            }
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], log: &mut Log) {
        log.last_output = Instant::now();
        if self.masker.is_idle() {
            self.messages(bytes, log);
            self.put(bytes, log);
            return;
        }
        let mut masked = std::mem::take(&mut self.masked);
        masked.clear();
        self.masker.feed(bytes, &mut masked);
        self.messages(&masked, log);
        self.put(&masked, log);
        self.masked = masked;
    }

    pub(super) fn finish(&mut self, log: &mut Log) {
        let mut rest = Vec::new();
        self.masker.finish(&mut rest);
        self.messages(&rest, log);
        self.put(&rest, log);
        if let Some((prefix, open)) = self.prefix.take().filter(|(_, open)| !open.is_empty()) {
            log.append(&line(&prefix, &open));
        }
    }

    /// Collects lines only as long as they may be messages: a line of a gigabyte costs nothing.
    fn messages(&mut self, bytes: &[u8], log: &mut Log) {
        const LONGEST: usize = 400;
        if self.line.is_empty() && memchr::memmem::find(bytes, MESSAGE).is_none() && !ends_like_message(bytes)
        {
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() < LONGEST {
                self.line.extend_from_slice(&piece[..piece.len().min(LONGEST)]);
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                log.message(line.trim_ascii_end());
            }
        }
        if !MESSAGE.starts_with(&self.line[..self.line.len().min(MESSAGE.len())]) {
            // Not a message; one byte stands for "in the middle of a line".
            self.line.truncate(1);
        }
    }
}

/// One line with who printed it; a message of the script to relman stays one.
fn line(prefix: &[u8], text: &[u8]) -> Vec<u8> {
    let end: &[u8] = if text.ends_with(b"\n") { b"" } else { b"\n" };
    let prefix = if text.starts_with(MESSAGE) { b"" } else { prefix };
    [prefix, text, end].concat()
}

fn ends_like_message(bytes: &[u8]) -> bool {
    let tail = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    !tail.is_empty() && tail.len() < MESSAGE.len() && MESSAGE.starts_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::DeploymentId;
    use crate::host::state::State;

    fn log() -> (tempfile::TempDir, RunFiles, Log) {
        let dir = tempfile::tempdir().unwrap();
        let state = State::prepare(&dir.path().join("state/relman.db")).unwrap();
        let files = state.make_files_of(DeploymentId(1)).unwrap();
        let log = Log::open(&files).unwrap();
        (dir, files, log)
    }

    #[test]
    fn the_digest_is_that_of_the_file() {
        let (_dir, files, mut log) = log();
        let mut stream = Stream::new(&["hunter22".to_owned()]);
        stream.feed(b"a hunt", &mut log);
        stream.feed(b"er22 b", &mut log);
        log.say("TERM sent");
        stream.finish(&mut log);
        let bytes = std::fs::read(files.log()).unwrap();
        assert_eq!(bytes, b"a [masked] b\n[relman] TERM sent\n");
        assert_eq!(log.digest(), Digest::of(&bytes));
        assert_eq!(log.size(), bytes.len() as u64);
        assert_eq!(Log::open(&files).unwrap().digest(), Digest::of(&bytes), "also when opened again");
    }

    #[test]
    fn lines_of_several_scripts_stay_whole_and_say_whose_they_are() {
        let (_dir, files, mut log) = log();
        let (mut one, mut two) =
            (Stream::new(&[]).named("a"), Stream::new(&["hunter22".to_owned()]).named("b"));
        one.feed(b"first ", &mut log);
        two.feed(b"hunter22\nmore", &mut log);
        one.feed(b"line\n::relman note half\n", &mut log);
        two.finish(&mut log);
        one.finish(&mut log);
        let text = std::fs::read_to_string(files.log()).unwrap();
        assert_eq!(text, "b | [masked]\na | first line\n::relman note half\nb | more\n");
        assert_eq!(log.note.as_deref(), Some("half"));
    }

    #[test]
    fn messages_are_read_in_any_pieces_and_only_at_line_starts() {
        let (_dir, _files, mut log) = log();
        let mut stream = Stream::new(&[]);
        for piece in [&b"::rel"[..], b"man progress 4", b"0 copying assets\nx"] {
            stream.feed(piece, &mut log);
        }
        assert_eq!((log.progress, log.note.as_deref()), (Some(40), Some("copying assets")));
        stream.feed(b"y ::relman progress 99\n::relman note half way\n", &mut log);
        assert_eq!((log.progress, log.note.as_deref()), (Some(40), Some("half way")));
        stream.feed(b"::relman progress 400 too much\n", &mut log);
        assert_eq!(log.progress, Some(40), "400 is no percentage");
    }
}
