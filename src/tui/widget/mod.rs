//! Small drawing helpers without state of their own.

pub mod ansi;
pub mod filter;
pub mod footer;
pub mod gates;
pub mod input;
pub mod wrap;

/// Smart-case substring: lower-case text matches any case; a leading `!` turns it round.
pub fn matches(hay: &str, wanted: &str) -> bool {
    let (wanted, negated) = match wanted.strip_prefix('!') {
        Some(rest) => (rest, true),
        None => (wanted, false),
    };
    if wanted.is_empty() {
        return true;
    }
    let found = if wanted.chars().any(char::is_uppercase) {
        hay.contains(wanted)
    } else {
        hay.to_lowercase().contains(wanted)
    };
    found != negated
}

#[cfg(test)]
mod tests {
    #[test]
    fn filters_are_smart_about_case_and_can_be_turned_round() {
        assert!(super::matches("storefront@1.0.0 Faster checkout", "faster"));
        assert!(!super::matches("storefront@1.0.0 faster checkout", "Faster"));
        assert!(!super::matches("storefront", "!store"));
        assert!(super::matches("anything", ""));
    }
}
