//! Bytes a script printed → safe styled lines.
//!
//! Keeps colours, bold, dim, italic, underline and reverse (SGR); shows or drops everything else: cursor moves,
//! titles, clipboard and hyperlink sequences vanish, control and bidirectional characters become pictures, invalid
//! UTF-8 becomes `U+FFFD`, a carriage return starts the line over as terminals do for progress bars. Works on any
//! pieces; lines are capped so that one of a gigabyte costs no memory.

use vte::{Params, Parser, Perform};

use super::text::{is_deceptive, picture};

/// Bytes of a line that are kept for the screen; the rest is counted.
pub const LINE_CAP: usize = 4096;

/// A colour as the script named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// 0 to 15: the terminal's own palette; 16 to 255: the fixed one.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    pub fg: Option<Colour>,
    pub bg: Option<Colour>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
    pub reverse: bool,
}

/// One line: pieces of text with their looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    pub pieces: Vec<(Look, String)>,
    /// Bytes beyond the cap.
    pub cut: usize,
}

impl Line {
    /// The text alone.
    pub fn text(&self) -> String {
        let mut text: String = self.pieces.iter().map(|(_, piece)| piece.as_str()).collect();
        if self.cut > 0 {
            text.push_str(&format!("…(+{} bytes)", self.cut));
        }
        text
    }
}

/// Turns a stream of bytes into lines.
pub struct LineParser {
    parser: Parser,
    screen: Screen,
    /// The beginning of a character whose rest has not arrived.
    partial: Vec<u8>,
}

impl Default for LineParser {
    fn default() -> Self {
        Self { parser: Parser::new(), screen: Screen::default(), partial: Vec::new() }
    }
}

#[derive(Default)]
struct Screen {
    look: Look,
    line: Line,
    length: usize,
    /// A carriage return came; what follows starts the line over, unless a line end does.
    returned: bool,
    done: Vec<Line>,
}

impl LineParser {
    /// Takes the next bytes; returns the lines they completed.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Line> {
        // The parser is given whole characters only: vte 0.15 swallows a byte when an invalid sequence is cut by
        // the end of a piece (a property test below found it).
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let whole = all.len() - incomplete_end(&all);
        self.parser.advance(&mut self.screen, String::from_utf8_lossy(&all[..whole]).as_bytes());
        self.partial = all.split_off(whole);
        std::mem::take(&mut self.screen.done)
    }

    /// The line that has no end yet, if there is anything in it.
    pub fn unfinished(&self) -> Option<&Line> {
        (!self.screen.line.pieces.is_empty() || self.screen.line.cut > 0).then_some(&self.screen.line)
    }
}

/// All lines of a whole text.
pub fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut parser = LineParser::default();
    let mut lines = parser.feed(bytes);
    lines.extend(parser.unfinished().cloned());
    lines
}

/// How many bytes at the end are the beginning of a character that could still become whole.
fn incomplete_end(bytes: &[u8]) -> usize {
    (1..=bytes.len().min(3))
        .find(|length| {
            let tail = &bytes[bytes.len() - length..];
            tail[0] >= 0xC0 && std::str::from_utf8(tail).is_err_and(|error| error.error_len().is_none())
        })
        .unwrap_or(0)
}

impl Screen {
    fn push(&mut self, text: &str) {
        if std::mem::take(&mut self.returned) {
            self.line = Line::default();
            self.length = 0;
        }
        if self.length + text.len() > LINE_CAP {
            self.line.cut += text.len();
            return;
        }
        self.length += text.len();
        match self.line.pieces.last_mut() {
            Some((look, piece)) if *look == self.look => piece.push_str(text),
            _ => self.line.pieces.push((self.look, text.to_owned())),
        }
    }

    fn end_line(&mut self) {
        self.returned = false;
        self.length = 0;
        self.done.push(std::mem::take(&mut self.line));
    }

    fn select(&mut self, params: &Params) {
        let mut groups = params.iter();
        while let Some(group) = groups.next() {
            match group {
                [] | [0] => self.look = Look::default(),
                [1] => self.look.bold = true,
                [2] => self.look.dim = true,
                [3] => self.look.italic = true,
                [4, 0] | [24] => self.look.underline = false,
                [4, ..] => self.look.underline = true,
                [7] => self.look.reverse = true,
                [22] => (self.look.bold, self.look.dim) = (false, false),
                [23] => self.look.italic = false,
                [27] => self.look.reverse = false,
                [n @ 30..=37] => self.look.fg = indexed(*n - 30),
                [n @ 90..=97] => self.look.fg = indexed(*n - 90 + 8),
                [39] => self.look.fg = None,
                [n @ 40..=47] => self.look.bg = indexed(*n - 40),
                [n @ 100..=107] => self.look.bg = indexed(*n - 100 + 8),
                [49] => self.look.bg = None,
                [38, rest @ ..] => self.look.fg = extended(rest, &mut groups).or(self.look.fg),
                [48, rest @ ..] => self.look.bg = extended(rest, &mut groups).or(self.look.bg),
                // Conceal, blink and the rest could hide text or annoy; they are ignored.
                _ => {}
            }
        }
    }
}

fn indexed(number: u16) -> Option<Colour> {
    u8::try_from(number).ok().map(Colour::Indexed)
}

/// `38:5:n`, `38:2::r:g:b`, and the same with semicolons, where the parts are groups of their own.
fn extended<'a>(rest: &[u16], groups: &mut impl Iterator<Item = &'a [u16]>) -> Option<Colour> {
    let byte = |value: u16| u8::try_from(value).ok();
    let mut next = || groups.next().and_then(|group| group.first().copied());
    match rest {
        [5, n, ..] => byte(*n).map(Colour::Indexed),
        [2, _, r, g, b, ..] | [2, r, g, b] => Some(Colour::Rgb(byte(*r)?, byte(*g)?, byte(*b)?)),
        [] => match next()? {
            5 => next().and_then(byte).map(Colour::Indexed),
            2 => Some(Colour::Rgb(byte(next()?)?, byte(next()?)?, byte(next()?)?)),
            _ => None,
        },
        _ => None,
    }
}

impl Perform for Screen {
    fn print(&mut self, c: char) {
        if is_deceptive(c) {
            self.push(&picture(c));
        } else {
            self.push(c.encode_utf8(&mut [0; 4]));
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.end_line(),
            b'\r' => self.returned = true,
            b'\t' => {
                let to = 8 - self.length % 8;
                self.push(&" ".repeat(to));
            }
            // Bell and the shifts say nothing; the others are shown, so that nothing is hidden.
            0x07 | 0x0e | 0x0f => {}
            other => self.push(&picture(char::from(other))),
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        if action == 'm' && intermediates.is_empty() {
            self.select(params);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(bytes: &[u8]) -> Vec<String> {
        lines(bytes).iter().map(Line::text).collect()
    }

    #[test]
    fn colours_are_kept_and_everything_else_is_made_harmless() {
        let parsed =
            lines(b"\x1b[1;31mred\x1b[0m plain \x1b[2J\x1b[H\x1b]0;title\x07\x1b]52;c;AAAA\x1b\\end");
        assert_eq!(parsed[0].text(), "red plain end");
        assert_eq!(parsed[0].pieces[0].0.fg, Some(Colour::Indexed(1)));
        assert!(parsed[0].pieces[0].0.bold && !parsed[0].pieces[1].0.bold);
    }

    #[test]
    fn a_carriage_return_starts_the_line_over_but_a_line_end_after_it_does_not() {
        assert_eq!(texts(b"10%\r50%\r100%\nnext\r\nlast"), ["100%", "next", "last"]);
    }

    #[test]
    fn invalid_utf8_and_tricks_are_visible() {
        assert_eq!(texts(b"a\xffb"), ["a\u{fffd}b"]);
        assert_eq!(texts("v1\u{202e}2".as_bytes()), ["v1<U+202E>2"]);
        assert_eq!(texts(b"a\x08b"), ["a\u{2408}b"]);
    }

    #[test]
    fn true_and_indexed_colours_in_both_spellings() {
        for text in ["\x1b[38;2;1;2;3mx", "\x1b[38:2::1:2:3mx"] {
            assert_eq!(lines(text.as_bytes())[0].pieces[0].0.fg, Some(Colour::Rgb(1, 2, 3)), "{text:?}");
        }
        for text in ["\x1b[38;5;9mx", "\x1b[38:5:9mx"] {
            assert_eq!(lines(text.as_bytes())[0].pieces[0].0.fg, Some(Colour::Indexed(9)), "{text:?}");
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_counted() {
        let parsed = lines(&vec![b'x'; LINE_CAP + 100]);
        assert_eq!((parsed[0].cut, parsed.len()), (100, 1));
        assert!(parsed[0].text().ends_with("…(+100 bytes)"));
    }

    proptest! {
        #[test]
        fn nothing_deceptive_comes_out_and_pieces_do_not_matter(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0usize..300) {
            let whole = texts(&bytes);
            prop_assert!(whole.iter().all(|line| !line.chars().any(is_deceptive)), "{whole:?}");
            let cut = cut.min(bytes.len());
            let mut parser = LineParser::default();
            let mut lines = parser.feed(&bytes[..cut]);
            lines.extend(parser.feed(&bytes[cut..]));
            lines.extend(parser.unfinished().cloned());
            prop_assert_eq!(lines.iter().map(Line::text).collect::<Vec<_>>(), whole);
        }
    }
}
