//! One line of text being typed, with the keys people know from a shell.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// What a key did to the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Changed,
    /// Only the cursor moved.
    Moved,
    /// Not a key for text: the caller may use it.
    Ignored,
}

/// Text and a cursor between its characters (as people see them: grapheme clusters).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// Byte position of the cursor, always between two clusters.
    cursor: usize,
}

/// How a line break is shown where there is one line.
const BREAK: &str = "↵";

impl Input {
    /// More than any field takes; what is pasted beyond is cut.
    pub const LONGEST: usize = 4000;

    pub fn with(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds text at the cursor: line breaks become spaces, control characters are left out.
    pub fn insert(&mut self, text: &str) {
        let clean: String = text
            .chars()
            .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
            .filter(|c| !crate::domain::text::is_deceptive(*c))
            .collect();
        let room = Self::LONGEST.saturating_sub(self.text.len());
        let cut = clean.floor_char_boundary(clean.len().min(room));
        self.text.insert_str(self.cursor, &clean[..cut]);
        self.cursor += cut;
    }

    /// Handles a key by its name in the registry's spelling.
    pub fn key(&mut self, key: &str) -> Typed {
        let before = self.text.len();
        match key {
            "<bs>" => self.remove(self.before(), self.cursor),
            "<del>" => self.remove(self.cursor, self.after()),
            "<left>" => self.cursor = self.before(),
            "<right>" => self.cursor = self.after(),
            "<home>" | "<c-a>" => self.cursor = 0,
            "<end>" | "<c-e>" => self.cursor = self.text.len(),
            "<c-u>" => self.remove(0, self.cursor),
            "<c-k>" => self.remove(self.cursor, self.text.len()),
            "<c-w>" => self.remove(self.word_before(), self.cursor),
            "<space>" => self.insert(" "),
            key if key.chars().count() == 1 => self.insert(key),
            _ => return Typed::Ignored,
        }
        // Every change makes the text longer or shorter.
        if self.text.len() == before { Typed::Moved } else { Typed::Changed }
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..]
            .graphemes(true)
            .next()
            .map_or(self.cursor, |cluster| self.cursor + cluster.len())
    }

    fn word_before(&self) -> usize {
        let trimmed = self.text[..self.cursor].trim_end();
        trimmed.rfind(' ').map_or(0, |at| at + 1)
    }

    /// The part that fits `width` cells around the cursor, and the cursor's cell in it. A line break is one cell.
    pub fn window(&self, width: usize) -> (String, usize) {
        let cells = |text: &str| text.replace('\n', BREAK).width();
        let mut start = 0;
        while cells(&self.text[start..self.cursor]) >= width.max(1) {
            let next = start + self.text[start..].graphemes(true).next().map_or(1, str::len);
            // A combining mark behind the cursor belongs to the cluster before it.
            start = next.min(self.cursor);
        }
        let shown = crate::domain::text::fit(&self.text[start..].replace('\n', BREAK), width);
        (shown, cells(&self.text[start..self.cursor]))
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn editing_moves_by_what_people_see() {
        let mut input = Input::with("ab e\u{301}");
        assert_eq!(input.key("<bs>"), Typed::Changed);
        assert_eq!(input.text(), "ab ");
        input.key("<c-w>");
        assert_eq!(input.text(), "");
        input.insert("one\ntwo\u{1b}");
        assert_eq!(input.text(), "one two");
        input.key("<home>");
        input.key("x");
        assert_eq!(input.text(), "xone two");
        assert_eq!(input.key("<enter>"), Typed::Ignored);
        assert_eq!(input.key("<home>"), Typed::Moved);
    }

    proptest! {
        #[test]
        fn any_keys_leave_a_sound_text(keys in prop::collection::vec("(<bs>|<del>|<left>|<right>|<home>|<end>|<c-w>|<c-u>|<c-k>|\\PC)", 0..60), width in 0usize..30) {
            let mut input = Input::with("start 日本 e\u{301}");
            for key in keys {
                input.key(&key);
                let (shown, cell) = input.window(width);
                prop_assert!(cell <= width.max(1) && shown.width() <= width);
            }
        }
    }
}
