//! Supervisors as processes: the real binary runs real scripts, is killed at the worst moments, and is looked at
//! from outside. Scripts wait for files that the tests make, so that nothing depends on how fast a machine is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod answers;
mod cancel;
mod crash_points;
mod disk_full;
mod environment;
mod extra_steps;
mod failure;
mod holds;
mod hooks;
mod hostile_output;
mod kill;
mod leftovers;
mod race;
mod retries;
mod rolling;
mod scribe;
mod script_changes;
mod secrets;
mod signals;
mod success;
mod timeout;
mod toggle;
mod waiting;
