//! The only file that prints: tables, JSON, colour, errors.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::domain::ansi::{Colour, Line, Look};
use crate::domain::text::{is_deceptive, is_not_utf8, multi_line, one_line, picture, plain_mark};
use crate::domain::time::span;
use crate::host::environment;
use crate::ops::{ErrorKind, OpError};

/// Says something on stderr. Nobody may be listening, or the disk behind it be full: then the exit code must do.
macro_rules! complain {
    ($($part:tt)*) => {{
        let _unheard = writeln!(io::stderr().lock(), $($part)*);
    }};
}

/// Version of the JSON answers.
const SCHEMA: u32 = 1;

/// What a word says, and so which colour it gets. The word says it too: colour is never the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Busy,
    Dim,
    Strong,
}

/// Ends a colour in text that is not printed yet; the tones begin behind it. Private-use characters, so that neither a
/// script nor a name can bring an escape sequence through.
const END: char = '\u{F0000}';

impl Tone {
    const ALL: [Self; 5] = [Self::Good, Self::Bad, Self::Busy, Self::Dim, Self::Strong];

    fn mark(self) -> char {
        match self {
            Self::Good => '\u{F0001}',
            Self::Bad => '\u{F0002}',
            Self::Busy => '\u{F0003}',
            Self::Dim => '\u{F0004}',
            Self::Strong => '\u{F0005}',
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Busy => "33",
            Self::Dim => "2",
            Self::Strong => "1",
        }
    }
}

/// Standard output and standard error of a command.
pub(crate) struct Out {
    json: bool,
    colour: bool,
    terminal: bool,
    /// Whether the locale says that marks of our own making could not be read.
    ascii: bool,
    broken: Option<io::Error>,
}

impl Out {
    pub(super) fn new(json: bool, colour: Option<bool>, ascii: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let ascii = ascii || is_not_utf8(environment::locale().as_deref());
        Self { json, colour: colour.unwrap_or(terminal), terminal, ascii, broken: None }
    }

    /// A letter as this locale can show it; what people wrote stays as it is, but for our marks in it.
    fn legible(&self, c: char) -> char {
        if self.ascii { plain_mark(c).unwrap_or(c) } else { c }
    }

    fn legibly(&self, text: &str) -> String {
        text.chars().map(|c| self.legible(c)).collect()
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person reads stdout.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if self.broken.is_none()
            && let Err(error) = io::stdout().lock().write_all(bytes)
        {
            self.broken = Some(error);
        }
    }

    /// Whether nobody reads any more: long output can stop.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// A line of data: whatever is in it, it stays one line and changes nothing around it. Only colours of
    /// [`Self::paint`] come through.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        let safe = one_line(text.as_ref());
        let mut shown = String::with_capacity(safe.len() + 1);
        for c in safe.chars() {
            match Tone::ALL.iter().find(|tone| tone.mark() == c) {
                Some(tone) if self.colour => shown.push_str(&format!("\x1b[{}m", tone.code())),
                None if c == END && self.colour => shown.push_str("\x1b[0m"),
                None if c != END => shown.push(self.legible(c)),
                _ => {}
            }
        }
        self.exactly(&shown);
    }

    /// Several lines of relman's own making, each made safe.
    pub(super) fn lines(&mut self, text: &str) {
        for line in text.lines() {
            self.line(line);
        }
    }

    /// A line that is right as it is.
    fn exactly(&mut self, line: &str) {
        self.bytes(format!("{line}\n").as_bytes());
    }

    /// The answer as JSON: `{"schema":1,"KIND":…}`.
    pub(super) fn json(&mut self, kind: &str, value: &impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or_default();
        let answer = serde_json::json!({ "schema": SCHEMA, kind: value });
        self.exactly(&answer.to_string());
    }

    /// A message beside the data; not part of the answer.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            complain!("{}", self.legibly(&multi_line(text)));
        }
    }

    /// A message that is said also where the answer is JSON: programs read stdout, and a person must hear of it.
    pub(super) fn warn(&self, text: &str) {
        if self.json {
            complain!("{}", serde_json::json!({ "schema": SCHEMA, "warning": text }));
        } else {
            complain!("relman: {}", self.legibly(&multi_line(text)));
        }
    }

    /// Gives a word its colour: a mark, which [`Self::line`] turns into what the terminal understands.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colour { format!("{}{text}{END}", tone.mark()) } else { text.to_owned() }
    }

    /// A table without lines: columns are found by eye and by `awk` alike.
    pub(super) fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header.iter().map(|title| self.paint(Tone::Dim, title)));
        for row in rows {
            table.add_row(row.iter().map(|cell| one_line(cell)));
        }
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// A line of a script's output, safe for the terminal.
    pub(super) fn log_line(&mut self, line: &Line) {
        if !self.colour {
            self.exactly(&line.text());
            return;
        }
        self.exactly(&coloured(line));
    }

    /// An error with its hints; as JSON on stderr when JSON was asked for.
    pub(super) fn error(&self, error: &OpError) {
        if self.json {
            complain!("{}", serde_json::json!({ "schema": SCHEMA, "error": error }));
            return;
        }
        complain!("relman: {}", self.legibly(&multi_line(&error.sentence)));
        for hint in &error.hints {
            complain!("{}", self.legibly(&format!("  → {}", multi_line(hint))));
        }
    }

    /// The exit code: as the command ended, unless its output could not be written.
    pub(super) fn finish(&mut self, code: u8) -> u8 {
        if self.broken.is_none()
            && let Err(error) = io::stdout().lock().flush()
        {
            self.broken = Some(error);
        }
        match &self.broken {
            None => code,
            // Whoever read us had enough (`| head`): as a program killed by SIGPIPE.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => 128 + 13,
            Some(error) => {
                complain!("relman: the output could not be written: {error}");
                1
            }
        }
    }
}

fn sgr(look: Look) -> String {
    let mut codes: Vec<String> = Vec::new();
    for (set, code) in
        [(look.bold, "1"), (look.dim, "2"), (look.italic, "3"), (look.underline, "4"), (look.reverse, "7")]
    {
        if set {
            codes.push(code.to_owned());
        }
    }
    for (colour, base) in [(look.fg, 38), (look.bg, 48)] {
        match colour {
            None => {}
            Some(Colour::Indexed(number)) => codes.push(format!("{base};5;{number}")),
            Some(Colour::Rgb(r, g, b)) => codes.push(format!("{base};2;{r};{g};{b}")),
        }
    }
    codes.join(";")
}

/// Says something to the person in front, whatever the answer looks like.
pub(super) fn tell(text: &str) {
    complain!("{}", multi_line(text));
}

/// Says that the store is locked and by whom, once a second.
pub(super) fn waiting(waited: Duration, store: &Path) {
    let by = crate::host::store_lock::holder(store)
        .map(|holder| format!(", held by {holder}"))
        .unwrap_or_default();
    complain!("relman: waiting for the store, {}{by}", span(waited));
}

/// What clap has to say: help and version are data, mistakes are messages. Arguments are echoed harmlessly.
pub(super) fn usage(error: &clap::Error, json: bool) -> u8 {
    let safe = |text: &str| -> String {
        text.chars().map(|c| if c != '\n' && is_deceptive(c) { picture(c) } else { c.to_string() }).collect()
    };
    if !error.use_stderr() {
        let plain = crate::host::environment::variable("NO_COLOR").is_some();
        let mut out = Out::new(false, plain.then_some(false), false);
        let text = error.render();
        out.bytes(if out.colour { text.ansi().to_string() } else { text.to_string() }.as_bytes());
        return out.finish(super::exit::OK);
    }
    let text = safe(&error.render().to_string());
    if json {
        let sentence = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let mistake = OpError::new(ErrorKind::Usage, sentence).hint("see: relman --help");
        complain!("{}", serde_json::json!({ "schema": SCHEMA, "error": mistake }));
    } else {
        complain!("{}", text.trim_end());
    }
    super::exit::USAGE
}

/// A line of a script's output with its colours and nothing else.
pub(super) fn coloured(line: &Line) -> String {
    let mut text = String::new();
    for (look, piece) in &line.pieces {
        let codes = sgr(*look);
        match codes.is_empty() {
            true => text.push_str(piece),
            false => text.push_str(&format!("\x1b[{codes}m{piece}\x1b[0m")),
        }
    }
    if line.cut > 0 {
        text.push_str(&format!("…(+{} bytes)", line.cut));
    }
    text
}
