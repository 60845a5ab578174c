//! Makes text from outside harmless before anybody sees it.
//!
//! Names, titles, reasons and script output may hold escape sequences, bidirectional overrides or invisible
//! characters that forge what a screen says. One rule for all of them lives here; the log pane's colours are
//! handled on top of it in `tui/widget/ansi.rs`.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Whether a character could change how the text around it is shown, or hide.
///
/// Controls (C0, DEL, C1), bidirectional marks and overrides, zero-width characters, the BOM, tag characters,
/// interlinear marks and variation selectors. The list follows Unicode's "default ignorable" and Bidi_Control
/// properties as far as they matter on a terminal.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// How a deceptive character is shown: C0 as its Unicode picture, everything else by its code point.
pub fn picture(c: char) -> String {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).map_or_else(String::new, String::from),
        '\u{7f}' => "\u{2421}".to_owned(),
        other => format!("<U+{:04X}>", u32::from(other)),
    }
}

/// One line that can be printed anywhere: newlines and tabs become spaces, deceptive characters their pictures.
pub fn one_line(input: &str) -> String {
    let mut out = String::with_capacity(input.len());
    for c in input.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            c if is_deceptive(c) => out.push_str(&picture(c)),
            c => out.push(c),
        }
    }
    out
}

/// Like [`one_line`] but keeps line breaks: for reasons and notes that people write over several lines.
pub fn multi_line(input: &str) -> String {
    input.split('\n').map(|line| one_line(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

/// `input` in single quotes, made harmless and cut to `max` characters, for error sentences.
pub fn quoted(input: &str, max: usize) -> String {
    let safe = one_line(input);
    if safe.chars().count() <= max {
        return format!("'{safe}'");
    }
    let cut: String = safe.chars().take(max).collect();
    format!("'{cut}…'")
}

/// `a`, `a or b`, `a, b or c`.
pub fn any_of(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// What a script told relman in a line of its output (`::relman progress 40 copying`, `::relman note …`), for people.
pub fn script_message(line: &str) -> Option<String> {
    let message = line.strip_prefix("::relman ")?;
    if let Some(note) = message.strip_prefix("note ") {
        return Some(note.to_owned());
    }
    let progress = message.strip_prefix("progress ").unwrap_or(message);
    Some(match progress.split_once(' ') {
        Some((percent, note)) => format!("{percent}% {note}"),
        None => format!("{progress}%"),
    })
}

/// A mark of relman's own making as a terminal without UTF-8 shows it, in one letter: columns stay where they are.
pub fn plain_mark(mark: char) -> Option<char> {
    match mark {
        '\u{2713}' => Some('+'),
        '\u{2717}' => Some('x'),
        '\u{2026}' => Some('~'),
        '\u{b7}' => Some('.'),
        '\u{2013}' | '\u{2014}' => Some('-'),
        '\u{2192}' | '\u{203a}' | '\u{bb}' => Some('>'),
        '\u{2039}' => Some('<'),
        '\u{21b5}' => Some('|'),
        _ => None,
    }
}

/// Whether a locale variable says that this is no UTF-8 terminal. An unset one is no such sign: SSH often does not pass it on.
pub fn is_not_utf8(locale: Option<&str>) -> bool {
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_uppercase();
        !locale.contains("UTF-8") && !locale.contains("UTF8")
    })
}

/// `1 change`, `4 changes`, or that nobody wrote down how many.
pub fn counted_changes(count: usize) -> String {
    match count {
        0 => "what it brought (no change list)".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    }
}

/// A number with the right one of two words behind it.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Cuts `input` to `width` terminal cells, ending in `…` when something was cut.
pub fn fit(input: &str, width: usize) -> String {
    let mut used = 0;
    let mut fits_with_mark = 0;
    for (at, c) in input.char_indices() {
        let cells = c.width().unwrap_or(0);
        if used + cells > width {
            return match width {
                0 => String::new(),
                _ => format!("{}…", &input[..fits_with_mark]),
            };
        }
        used += cells;
        if used < width {
            fits_with_mark = at + c.len_utf8();
        }
    }
    input.to_owned()
}

/// Like [`fit`], filled up with spaces to exactly `width` cells: a column.
pub fn pad(input: &str, width: usize) -> String {
    let mut text = fit(input, width);
    let used = text.width();
    text.push_str(&" ".repeat(width.saturating_sub(used)));
    text
}

/// Why free text was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    #[error("the {0} is empty; say it in a few words")]
    Empty(&'static str),
    #[error("the {field} is too long: {length} of {max} bytes")]
    TooLong { field: &'static str, length: usize, max: usize },
}

/// Accepts free text a person wrote: trimmed, not blank, within `max` bytes. Control characters are kept out of
/// the record itself, so that an export read with `cat` cannot be forged either.
pub fn free(field: &'static str, input: &str, max: usize) -> Result<String, BadText> {
    let text = multi_line(input.trim());
    if text.is_empty() {
        return Err(BadText::Empty(field));
    }
    if text.len() > max {
        return Err(BadText::TooLong { field, length: text.len(), max });
    }
    Ok(text)
}

/// The nearest of `known` to a mistyped `input`, if any is near enough to be meant.
pub fn did_you_mean<'a>(input: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(input, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len().max(input.len()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_and_overrides_become_visible() {
        assert_eq!(one_line("a\u{1b}[31mb"), "a␛[31mb");
        assert_eq!(one_line("v1.0\u{202e}0.2v"), "v1.0<U+202E>0.2v");
        assert_eq!(one_line("two\nlines\tand tab"), "two lines and tab");
        assert_eq!(one_line("\u{9b}31m"), "<U+009B>31m");
    }

    #[test]
    fn cutting_counts_cells_not_bytes() {
        assert_eq!(fit("storefront", 20), "storefront");
        assert_eq!(fit("storefront", 6), "store…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("ab", 0), "");
        assert_eq!(fit("ab", 1), "…");
    }

    #[test]
    fn a_typo_finds_its_word() {
        assert_eq!(did_you_mean("pipline", ["pipeline", "owner"]), Some("pipeline"));
        assert_eq!(did_you_mean("zzz", ["pipeline", "owner"]), None);
    }

    #[test]
    fn blank_and_endless_text_is_refused() {
        assert_eq!(free("reason", " \n ", 10), Err(BadText::Empty("reason")));
        assert!(matches!(free("reason", &"x".repeat(11), 10), Err(BadText::TooLong { .. })));
        assert_eq!(free("reason", " why\r\nnot \u{7} ", 40).unwrap(), "why\nnot ␇");
    }

    proptest! {
        #[test]
        fn nothing_deceptive_survives(input in any::<String>()) {
            prop_assert!(!one_line(&input).chars().any(is_deceptive));
        }
        #[test]
        fn a_fitted_text_never_exceeds_its_cells(input in "\\PC*", width in 0usize..40) {
            prop_assert!(fit(&one_line(&input), width).width() <= width);
        }
    }
}
