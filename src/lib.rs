//! relman: release coordination from a terminal. This page is the map.
//!
//! One crate, one direction:
//!
//! ```text
//! domain  ←  store  ←  ops  ←  host  ←  desk  ←  cli | tui | supervisor  ←  main
//! decides    SQL       verbs   machine  opens       front ends              chooses
//!   ↑
//! config (reads relman.toml, yields domain::policy::Policy)
//! ```
//!
//! * [`domain`] decides: pure types, state machines, gates. No I/O, no clock.
//! * [`store`] remembers: SQL and nothing else. Two doors, `read` and `write`.
//! * [`ops`] does: one verb per file, one transaction each, journal included.
//! * [`host`] is this machine: clock, people, files, processes, locks.
//! * [`config`] reads and checks `relman.toml`.
//! * [`desk`] opens configuration, store and machine for a front end.
//! * [`cli`], [`tui`] and [`supervisor`] are three thin front ends over the same verbs.
//!
//! A deployment is a row first and a process second: `ops::deployment::start` commits it together with the gate
//! report and the journal entry, then one detached supervisor claims it, runs the script with its output going
//! through a pipe into a file, and commits the outcome. Nobody talks to anybody over sockets: state flows through
//! the store, output through the file. Start reading at `ops/deployment/start.rs`.

pub mod cli;
pub mod config;
pub mod demo;
pub mod desk;
pub mod domain;
pub mod host;
pub mod ops;
pub mod store;
pub mod supervisor;
pub mod tui;
