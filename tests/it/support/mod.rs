//! What tests share. Each file is one family of helpers; helpers return values, tests assert.

pub(crate) mod env;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod pty;
pub(crate) mod screen;
pub(crate) mod wait;
pub(crate) mod world;

/// Says why a test was not carried out, past what the test runner keeps to itself: a skipped test reads as a passed one.
pub(crate) fn skipped(why: &str) {
    use std::io::Write as _;
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let _said = writeln!(std::io::stderr(), "skipped {name}: {why}");
}
