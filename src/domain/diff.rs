//! What is another in a text than before, as `diff -u` shows it, made harmless for a terminal.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::text::one_line;

/// Lines around a change that are shown with it.
const AROUND: usize = 3;
/// Lines of a text that is still compared: beyond, that takes longer than anybody waits.
const COMPARED: usize = 5_000;
/// Lines of one difference that are shown.
const SHOWN: usize = 2_000;

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub kind: Kind,
    /// Without its mark.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Where the lines that follow stand: `@@ -1,4 +1,5 @@`.
    Place,
    Same,
    Gone,
    New,
    /// Not of either text: that something is left out.
    Remark,
}

impl Line {
    fn new(kind: Kind, text: impl AsRef<str>) -> Self {
        Self { kind, text: one_line(&text.as_ref().replace('\t', "    ")) }
    }

    /// As `diff -u` writes it.
    pub fn shown(&self) -> String {
        let mark = match self.kind {
            Kind::Place => "",
            Kind::Same => " ",
            Kind::Gone => "-",
            Kind::New => "+",
            Kind::Remark => "\\ ",
        };
        format!("{mark}{}", self.text)
    }
}

/// What to change in `old` to get `new`; nothing where they are the same.
pub fn unified(old: &str, new: &str) -> Vec<Line> {
    if old == new {
        return Vec::new();
    }
    if old.lines().count().max(new.lines().count()) > COMPARED {
        return vec![Line::new(Kind::Remark, format!("more than {COMPARED} lines: not compared"))];
    }
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(AROUND).iter_hunks() {
        lines.push(Line::new(Kind::Place, hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let kind = match change.tag() {
                ChangeTag::Equal => Kind::Same,
                ChangeTag::Delete => Kind::Gone,
                ChangeTag::Insert => Kind::New,
            };
            lines.push(Line::new(kind, change.value().trim_end_matches('\n')));
            if change.missing_newline() {
                lines.push(Line::new(Kind::Remark, "no newline at the end of the file"));
            }
        }
    }
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        lines.truncate(SHOWN);
        lines.push(Line::new(Kind::Remark, format!("and {more} more lines")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        unified(old, new).iter().map(|line| format!("{}\n", line.shown())).collect()
    }

    #[test]
    fn what_changed_is_shown_with_what_stands_around_it() {
        let old: String = (1..=9).map(|n| format!("line {n}\n")).collect();
        let new = old.replace("line 5\n", "line five\nline 5b\n");
        let expected = "@@ -2,7 +2,8 @@\n line 2\n line 3\n line 4\n-line 5\n+line five\n+line 5b\n line 6\n line 7\n line 8\n";
        assert_eq!(shown(&old, &new), expected);
        assert_eq!(shown(&old, &old), "");
    }

    #[test]
    fn the_end_of_a_file_without_a_newline_is_told() {
        let said = shown("exit 0\n", "exit 0");
        assert_eq!(said, "@@ -1 +1 @@\n-exit 0\n+exit 0\n\\ no newline at the end of the file\n");
    }

    #[test]
    fn nothing_in_a_script_reaches_the_terminal_as_it_is() {
        let said = shown("", "echo \u{1b}[2J \u{202e}x\r\n\tindented\n");
        assert!(!said.chars().any(|c| c != '\n' && super::super::text::is_deceptive(c)), "{said:?}");
        assert!(said.contains("+    indented\n"), "{said}");
    }

    #[test]
    fn what_is_too_long_is_cut_or_not_compared() {
        let long: String = (0..4_000).map(|n| format!("{n}\n")).collect();
        let said = unified("", &long);
        assert_eq!((said.len(), said.last().unwrap().kind), (SHOWN + 1, Kind::Remark));
        assert!(said.last().unwrap().text.ends_with("more lines"));
        let longer = long.repeat(2);
        assert_eq!(shown("", &longer), "\\ more than 5000 lines: not compared\n");
    }
}
