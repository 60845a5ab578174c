//! Colours by meaning and glyphs by ability. A state always has a word or a mark too: colour is never the only sign.

use ratatui::style::{Color, Modifier, Style};

use crate::domain::text::is_not_utf8;

/// Styles by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub good: Style,
    pub bad: Style,
    pub busy: Style,
    pub dim: Style,
    pub strong: Style,
    pub title: Style,
    pub border: Style,
    pub focus: Style,
    pub selected: Style,
    pub alarm: Style,
    pub key: Style,
}

impl Theme {
    /// Sixteen named colours on the terminal's own background.
    pub fn colour() -> Self {
        let plain = Style::new();
        Self {
            good: plain.fg(Color::Green),
            bad: plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            busy: plain.fg(Color::Yellow),
            dim: plain.fg(Color::DarkGray),
            strong: plain.add_modifier(Modifier::BOLD),
            title: plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            border: plain.fg(Color::DarkGray),
            focus: plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            selected: plain.add_modifier(Modifier::REVERSED),
            alarm: plain.fg(Color::Red).add_modifier(Modifier::REVERSED | Modifier::BOLD),
            key: plain.fg(Color::Cyan),
        }
    }

    /// Attributes only. No colour is ever set: crossterm would answer `NO_COLOR` by resetting the attributes too.
    pub fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            good: plain,
            bad: bold,
            busy: plain,
            dim: plain,
            strong: bold,
            title: bold,
            border: plain,
            focus: bold,
            selected: plain.add_modifier(Modifier::REVERSED),
            alarm: plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            key: bold,
        }
    }
}

/// Marks and lines, for terminals with and without UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    pub live: &'static str,
    pub replaced: &'static str,
    pub not: &'static str,
    pub active: &'static str,
    pub failed: &'static str,
    pub cancelled: &'static str,
    pub lost: &'static str,
    pub pass: &'static str,
    pub closed: &'static str,
    pub unknown: &'static str,
    pub skipped: &'static str,
    pub warn: &'static str,
    pub cursor: &'static str,
    pub arrow: &'static str,
    pub frozen: &'static str,
    pub full: &'static str,
    pub empty: &'static str,
    /// There is more above, below.
    pub above: &'static str,
    pub below: &'static str,
    pub ascii: bool,
}

impl Glyphs {
    pub const UNICODE: Self = Self {
        live: "●",
        replaced: "○",
        not: "·",
        active: "▶",
        failed: "✗",
        cancelled: "■",
        lost: "?",
        pass: "✓",
        closed: "✗",
        unknown: "?",
        skipped: "–",
        warn: "!",
        cursor: "▸",
        arrow: "→",
        frozen: "▒",
        full: "█",
        empty: "░",
        above: "▴",
        below: "▾",
        ascii: false,
    };

    pub const ASCII: Self = Self {
        live: "*",
        replaced: "o",
        not: ".",
        active: ">",
        failed: "x",
        cancelled: "#",
        lost: "?",
        pass: "+",
        closed: "x",
        unknown: "?",
        skipped: "-",
        warn: "!",
        cursor: ">",
        arrow: "->",
        frozen: "#",
        full: "#",
        empty: "-",
        above: "^",
        below: "v",
        ascii: true,
    };

    /// ASCII where the locale says that this is no UTF-8 terminal, or the terminal is known to be none.
    pub fn for_terminal(locale: Option<&str>, term: Option<&str>) -> Self {
        let plain = term.is_some_and(|term| term == "linux" || term.starts_with("vt"));
        if is_not_utf8(locale) || plain { Self::ASCII } else { Self::UNICODE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mono_theme_sets_no_colour_at_all() {
        let theme = Theme::mono();
        for style in [theme.good, theme.bad, theme.busy, theme.dim, theme.selected, theme.alarm, theme.key] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }

    #[test]
    fn an_unset_locale_is_no_proof_of_ascii() {
        assert_eq!(Glyphs::for_terminal(None, Some("xterm-256color")), Glyphs::UNICODE);
        assert_eq!(Glyphs::for_terminal(Some("C"), Some("xterm")), Glyphs::ASCII);
        assert_eq!(Glyphs::for_terminal(Some("de_DE.UTF-8"), Some("linux")), Glyphs::ASCII);
    }
}
