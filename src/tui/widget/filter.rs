//! What `/` narrows a list to. All words must fit: a part of the text (a capital asks for capitals), `~` letters in their order,
//! `key:value` a fact, and `!` before any of them turns it round.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// What one row is, for filters.
#[derive(Debug, Default)]
pub struct Row {
    /// What stands there.
    pub text: String,
    /// What is known of it, by [`KEYS`].
    pub facts: Vec<(&'static str, String)>,
}

/// The keys there are, with what they mean.
pub const KEYS: [(&str, &str); 8] = [
    ("service", "its service"),
    ("stage", "its stage"),
    ("env", "an environment it is live in, or waits for"),
    ("owner", "who owns it"),
    ("risk", "its risk"),
    ("kind", "standard or hotfix"),
    ("lacks", "what keeps it"),
    ("turn", "mine: what waits for you"),
];

/// Whether a row passes.
pub fn passes(row: &Row, filter: &str) -> bool {
    filter.split_whitespace().all(|word| match word.strip_prefix('!') {
        Some("") => true,
        Some(rest) => !fits(row, rest),
        None => fits(row, word),
    })
}

fn fits(row: &Row, word: &str) -> bool {
    if let Some(letters) = word.strip_prefix('~') {
        return letters.is_empty() || in_order(&row.text, letters);
    }
    match word.split_once(':') {
        Some((key, value)) if is_key(key) => {
            let mut of_key = row.facts.iter().filter(|(known, _)| *known == key);
            of_key.any(|(_, fact)| super::matches(fact, value.trim_start_matches('!')))
        }
        _ => super::matches(&row.text, word),
    }
}

pub fn is_key(word: &str) -> bool {
    KEYS.iter().any(|(key, _)| *key == word)
}

fn in_order(text: &str, letters: &str) -> bool {
    let atom = Atom::new(letters, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy, false);
    let mut buffer = Vec::new();
    atom.score(Utf32Str::new(text, &mut buffer), &mut Matcher::new(Config::DEFAULT)).is_some()
}

/// What to type, while nothing is; afterwards a word with a colon that is no key.
pub fn hint(filter: &str) -> Option<String> {
    if filter.is_empty() {
        let keys: Vec<String> = KEYS.iter().map(|(key, _)| format!("{key}:")).collect();
        return Some(format!("all words must fit; !not ~fuzzy {}", keys.join(" ")));
    }
    let mut unknown = filter.split_whitespace().rev().filter_map(|word| {
        let (key, _) = word.trim_start_matches('!').split_once(':')?;
        (!key.is_empty() && !is_key(key)).then_some(key)
    });
    let unknown = unknown.next()?;
    let near = crate::domain::text::did_you_mean(unknown, KEYS.iter().map(|(key, _)| *key));
    Some(match near {
        Some(near) => format!("{unknown}: is taken as text; did you mean {near}:?"),
        None => format!("{unknown}: is taken as text"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            text: "storefront@1.4.2 Faster checkout".to_owned(),
            facts: vec![
                ("stage", "test".to_owned()),
                ("env", "dev".to_owned()),
                ("env", "staging".to_owned()),
            ],
        }
    }

    #[test]
    fn all_words_must_fit_and_each_can_be_turned_round() {
        for (filter, wanted) in [
            ("", true),
            ("faster checkout", true),
            ("checkout faster", true),
            ("Faster", true),
            ("FASTER", false),
            ("!faster", false),
            ("faster !slow", true),
            ("~sfchk", true),
            ("~kcs", false),
            ("!~kcs", true),
            ("stage:test", true),
            ("stage:tes env:staging", true),
            ("stage:plan", false),
            ("!stage:plan", true),
            ("env:production", false),
            ("risk:high", false),
            ("faster:", false),
            ("!", true),
            ("~", true),
            ("stage:", true),
            ("risk:", false),
        ] {
            assert_eq!(passes(&row(), filter), wanted, "{filter:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_text_and_said_to_be() {
        assert!(hint("").unwrap().contains("stage:"));
        assert_eq!(hint("stage:test"), None);
        assert_eq!(hint("!stagee:test").unwrap(), "stagee: is taken as text; did you mean stage:?");
        assert_eq!(hint("http://x").unwrap(), "http: is taken as text");
    }
}
