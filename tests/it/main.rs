//! Every integration test in one binary: one link, one place to look.
//!
//! Built with the feature `test-hooks` only: it holds the fake clock, the fake actor and the crash points.

#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test, with its reason")]
#![expect(clippy::print_stdout, reason = "tests say where their files are and what they skip")]

mod architecture;
mod cli;
mod docs;
mod migrations;
mod ops;
mod packaging;
mod people;
mod pty;
mod store_contract;
mod supervisor;
mod support;
mod tui;
