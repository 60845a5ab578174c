//! Read models: what a pane or a listing shows, put together in one transaction.

pub mod board;
pub mod brief;
pub mod calendar;
pub mod deployment;
mod going_back;
pub mod queue;
pub mod release;
pub mod rights;
pub mod script_diff;
pub mod when;
