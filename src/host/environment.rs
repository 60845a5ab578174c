//! The process environment: read here and nowhere else.

use std::ffi::OsString;

/// The value of a variable, if it is set, not empty and UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn raw(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The locale of letters: the first of the variables that is set, as in setlocale(3).
pub fn locale() -> Option<String> {
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name))
}

/// A variable only test builds look at.
#[cfg(feature = "test-hooks")]
pub fn test_hook(name: &str) -> Option<String> {
    variable(name)
}
