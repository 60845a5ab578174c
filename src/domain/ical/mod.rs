//! Freezes as iCalendar (RFC 5545): what other calendars can show, and holidays that others have written down.
//!
//! Written and read here: what cannot be read is named with its line, which the libraries for it do not keep, and a file
//! of strangers is met with caps on everything. What is written is checked by a parser of somebody else in the tests.

mod read;
mod write;

pub use self::read::{Event, LIMIT, Read, Skipped, read};
pub use self::write::write;
use super::freeze::{Freeze, FreezeOrigin};

/// What a calendar calls a freeze: the name it came with, or one that never changes.
pub fn uid(freeze: &Freeze) -> String {
    match (&freeze.uid, freeze.origin) {
        (Some(uid), _) => uid.clone(),
        (None, FreezeOrigin::Store(id)) => format!("{id}@relman"),
        (None, FreezeOrigin::Config) => {
            let digest = super::digest::Digest::of(freeze.name.as_bytes()).to_string();
            let short: String = digest.chars().filter(char::is_ascii_alphanumeric).rev().take(24).collect();
            format!("{short}@relman")
        }
    }
}

#[cfg(test)]
mod tests;
