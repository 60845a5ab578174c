//! Breaks long lines at words; what follows hangs under the text and not under its label.

use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Labels that are wider than this are no labels.
const WIDEST_LABEL: usize = 24;

/// The lines with none wider than `width` cells.
pub fn wrap(lines: &[Line<'static>], width: usize) -> Vec<Line<'static>> {
    lines.iter().flat_map(|line| hanging(line, width.max(1))).collect()
}

fn hanging(line: &Line<'static>, width: usize) -> Vec<Line<'static>> {
    if line.width() <= width {
        return vec![line.clone()];
    }
    let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    // Room for the widest character there is must stay.
    let indent = indent(&text).min(width / 2).min(width.saturating_sub(2));
    let mut out = Vec::new();
    let mut current: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (word, style) in words(line) {
        let mut word = word.as_str();
        let room = |used: usize| width.saturating_sub(used);
        if word.trim_end().width() > room(used) && used > indent {
            out.push(Line::from(std::mem::take(&mut current)).style(line.style));
            current.push(Span::raw(" ".repeat(indent)));
            used = indent;
        }
        // A word that is longer than a line is cut where the line ends.
        while word.trim_end().width() > room(used) {
            let cut = cells(word, room(used).max(1));
            current.push(Span::styled(word[..cut].to_owned(), style));
            out.push(Line::from(std::mem::take(&mut current)).style(line.style));
            current.push(Span::raw(" ".repeat(indent)));
            used = indent;
            word = &word[cut..];
        }
        // Blanks at the end of a line have no place.
        let fits = if room(used) == 0 { 0 } else { cells(word, room(used)) };
        current.push(Span::styled(word[..fits].to_owned(), style));
        used += word[..fits].width();
    }
    if !current.is_empty() {
        out.push(Line::from(current).style(line.style));
    }
    out
}

/// Words with the spaces behind them; a word ends where its style does, too.
fn words(line: &Line<'static>) -> Vec<(String, ratatui::style::Style)> {
    let mut words = Vec::new();
    for span in &line.spans {
        for word in span.content.split_inclusive(' ') {
            words.push((word.to_owned(), span.style));
        }
    }
    words
}

/// The length in bytes of what fits `room` cells; at least one character, so that it ends.
fn cells(text: &str, room: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room && at > 0 {
            return at;
        }
    }
    text.len()
}

/// Where the text begins behind a label and at least two spaces, or behind what it is indented by.
fn indent(text: &str) -> usize {
    let leading = text.len() - text.trim_start_matches(' ').len();
    let rest = &text[leading..];
    if let Some(gap) = rest.find("  ") {
        let after = rest[gap..].trim_start_matches(' ');
        let column = text[..text.len() - after.len()].width();
        if column <= WIDEST_LABEL && !after.is_empty() {
            return column;
        }
    }
    if leading > 0 { leading + 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str, width: usize) -> Vec<String> {
        wrap(&[Line::raw(text.to_owned())], width).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_follows_hangs_under_the_text() {
        assert_eq!(
            texts("stage     the release is young", 20),
            ["stage     the ", "          release is", "          young"].map(str::to_owned).to_vec()
        );
        assert_eq!(texts("    → ask bob to help", 14), ["    → ask bob ", "      to help"]);
        assert_eq!(texts("one two three", 8), ["one two ", "three"]);
        assert_eq!(texts("short", 8), ["short"]);
    }

    #[test]
    fn a_word_longer_than_a_line_is_cut() {
        assert_eq!(texts("digest  0123456789abcdef", 16), ["digest  01234567", "        89abcdef"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_wide(text in "[a-z日 ]{0,80}", width in 2usize..30) {
            let wrapped = wrap(&[Line::raw(text.clone())], width);
            for line in &wrapped {
                prop_assert!(line.width() <= width, "{line:?}");
            }
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            let all: String = wrapped.iter().map(ToString::to_string).collect();
            prop_assert_eq!(letters(&all), letters(&text));
        }
    }
}
